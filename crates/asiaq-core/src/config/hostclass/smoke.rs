//! `smoketest_method`: how it is known that a host of a hostclass has passed its smoke test (spec 40, section 5).

use super::super::diagnostic::{ConfigError, ConfigErrors, Problems};
use super::super::disco_aws::DiscoAws;
use std::collections::BTreeSet;

const KEY: &str = "smoketest_method";

/// Who says that a host is ready.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SmokeMethod {
    /// The host itself, by its tag `smoketest`.
    #[default]
    Tag,
    /// An ssh session as user `smoketest`.
    Ssh,
}

impl DiscoAws {
    /// `smoketest_method` of a hostclass (chain B, then the plain option of `[disco_aws]`): `tag` or `ssh`, default `tag`.
    ///
    /// # Errors
    /// It is something else.
    pub fn smoke_method(&self, hostclass: &str, env: &str) -> Result<SmokeMethod, ConfigError> {
        let found = match self.hostclass_option(hostclass, KEY, env)? {
            None => self.section_option("disco_aws", KEY, env)?,
            found => found,
        };
        let Some(found) = found else {
            return Ok(SmokeMethod::default());
        };
        match found.value.to_ascii_lowercase().as_str() {
            "" | "tag" => Ok(SmokeMethod::Tag),
            "ssh" => Ok(SmokeMethod::Ssh),
            _ => {
                let text = format!("`{}` is neither `tag` nor `ssh`", found.value);
                Err(ConfigError::new(text).at(found.location))
            }
        }
    }

    /// True if any hostclass of the environment is tested by ssh.
    ///
    /// # Errors
    /// All values that are neither `tag` nor `ssh`.
    pub fn any_smoke_test_by_ssh(&self, env: &str) -> Result<bool, ConfigErrors> {
        let mut problems = Problems::default();
        let mut any = false;
        for section in self.ini().sections() {
            let method = problems.keep(self.smoke_method(section, env));
            any |= method == Some(SmokeMethod::Ssh);
        }
        let mut wrong = problems.into_list();
        // A wrong default is every section's.
        let mut seen = BTreeSet::new();
        wrong.retain(|error| seen.insert(error.to_string()));
        match wrong.is_empty() {
            true => Ok(any),
            false => Err(ConfigErrors(wrong)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::config::Ini;

    fn config(text: &str) -> DiscoAws {
        let text = format!("[disco_aws]\n{text}");
        DiscoAws::from_ini(Ini::parse("a.ini", text.as_bytes()).unwrap())
    }

    #[test]
    fn the_tag_unless_the_configuration_says_ssh() {
        use SmokeMethod::{Ssh, Tag};
        let table = [
            ("", Tag, false),
            ("default_smoketest_method=ssh", Ssh, true),
            ("smoketest_method=ssh", Ssh, true),
            (
                "smoketest_method=ssh\ndefault_smoketest_method=tag",
                Tag,
                true,
            ),
            ("default_smoketest_method@ci=ssh", Ssh, true),
            ("default_smoketest_method@prod=ssh", Tag, false),
            ("[mhcx]\nsmoketest_method=SSH", Ssh, true),
            ("[mhcy]\nsmoketest_method=ssh", Tag, true),
            (
                "default_smoketest_method=ssh\n[mhcx]\nsmoketest_method@ci=tag",
                Tag,
                true,
            ),
            ("[mhcx]\nsmoketest_method=\n", Tag, false),
        ];
        for (text, expected, any) in table {
            let config = config(text);
            assert_eq!(
                config.smoke_method("mhcx", "ci").unwrap(),
                expected,
                "{text}"
            );
            assert_eq!(config.any_smoke_test_by_ssh("ci").unwrap(), any, "{text}");
        }
    }

    #[test]
    fn every_other_value_is_an_error_with_its_place() {
        let config = config(
            "default_smoketest_method=ping\n[mhcx]\nsmoketest_method=telnet\n[mhcy]\nchaos=no",
        );
        let errors = config.any_smoke_test_by_ssh("ci").unwrap_err();
        let texts: Vec<String> = errors.0.iter().map(ConfigError::to_string).collect();
        assert_eq!(
            texts,
            [
                "a.ini:2: [disco_aws] default_smoketest_method: `ping` is neither `tag` nor `ssh`",
                "a.ini:4: [mhcx] smoketest_method: `telnet` is neither `tag` nor `ssh`",
            ]
        );
    }
}
