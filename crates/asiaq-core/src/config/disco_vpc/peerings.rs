//! The section `[peerings]` of `disco_vpc.ini`: its lines, and whether security groups follow them (spec 20, section
//! 4.10). Which environments the lines mean is decided elsewhere.

use super::{DiscoVpc, PEERINGS};
use crate::config::diagnostic::{ConfigError, ConfigErrors, Location, Problems};
use crate::config::truth::is_truthy;
use crate::network::{GrammarError, PeeringLine};

/// What names of options with a line start with.
const LINE_PREFIX: &str = "connection_";
/// Whether security groups let in what a line connects.
const UPDATE_GROUPS: &str = "update_security_groups";

/// The configured peerings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeeringConfig {
    /// The lines, in file order.
    pub lines: Vec<PeeringLine>,
    /// `update_security_groups`: the second endpoint's group lets in the first endpoint's metanetwork.
    pub update_security_groups: bool,
}

/// Reads the section; see [`DiscoVpc::peerings`].
pub(super) fn read(file: &DiscoVpc) -> Result<PeeringConfig, ConfigErrors> {
    let ini = file.ini();
    let mut problems = Problems::default();
    let mut lines = Vec::new();
    for key in line_keys(file) {
        let Some(found) = problems.keep(ini.find(PEERINGS, key)).flatten() else {
            continue;
        };
        match found.value.parse() {
            Ok(line) => lines.push(line),
            Err(GrammarError(problem)) => {
                problems.push(ConfigError::new(problem).at(found.location));
            }
        }
    }
    let groups = problems.keep(ini.find(PEERINGS, UPDATE_GROUPS)).flatten();
    problems.finish(Some(PeeringConfig {
        lines,
        update_security_groups: groups.is_none_or(|found| is_truthy(found.value.trim())),
    }))
}

fn line_keys(file: &DiscoVpc) -> impl Iterator<Item = &str> {
    let options = file.ini().options(PEERINGS);
    options.filter(|key| key.starts_with(LINE_PREFIX))
}

/// The lines that can be read, with their places.
pub(super) fn lines(file: &DiscoVpc) -> Vec<(PeeringLine, Location)> {
    let read = |key| {
        let found = file.ini().find(PEERINGS, key).ok()??;
        Some((found.value.parse().ok()?, found.location))
    };
    line_keys(file).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::config::Ini;

    fn peerings(text: &str) -> Result<PeeringConfig, ConfigErrors> {
        DiscoVpc::from_ini(Ini::parse("disco_vpc.ini", text.as_bytes()).unwrap()).peerings()
    }

    #[test]
    fn lines_stand_in_file_order_and_other_options_do_not_matter() {
        let config = peerings(
            "[envtype:t]\nconnection_0=not read\n[peerings]\nconnection_b=b/dmz a/dmz\napplication=x\n\
             connection_a = a/dmz\n  *:c/tunnel\nconnections=not read\n",
        )
        .unwrap();
        let lines: Vec<String> = config.lines.iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["b:b/dmz a:a/dmz", "a:a/dmz *:c/tunnel"]);
        assert!(config.update_security_groups);
    }

    #[test]
    fn groups_follow_unless_the_option_says_no() {
        for (text, wanted) in [
            ("", true),
            ("[peerings]\n", true),
            ("[peerings]\nupdate_security_groups=yes\n", true),
            ("[peerings]\nupdate_security_groups= True\n", true),
            ("[peerings]\nupdate_security_groups=false\n", false),
            ("[peerings]\nupdate_security_groups=\n", false),
        ] {
            assert_eq!(
                peerings(text).unwrap().update_security_groups,
                wanted,
                "{text}"
            );
        }
    }

    #[test]
    fn all_bad_lines_are_reported_with_their_places() {
        let ConfigErrors(errors) = peerings(
            "[peerings]\nconnection_1=ci/intranet\nconnection_2=ci/dmz a/dmz\nconnection_3=*/dmz ci/intranet\n\
             connection_4=%(gone)s\n",
        )
        .unwrap_err();
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), 3, "{texts:#?}");
        assert!(
            texts[0].starts_with(
                "disco_vpc.ini:2: [peerings] connection_1: peering `ci/intranet` is not a pair"
            ),
            "{texts:#?}"
        );
        assert!(
            texts[1].starts_with("disco_vpc.ini:4: [peerings] connection_3: ")
                && texts[1].contains("wildcards need a type"),
            "{texts:#?}"
        );
        assert!(texts[2].contains("connection_4"), "{texts:#?}");
    }
}
