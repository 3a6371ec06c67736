//! Single options and sections for shell jobs (spec 10, section 15, items 48 and 50): the value that a look-up chain finds,
//! and where it was found. Chain A is that of `config::disco_aws`; nothing is looked up in another way here.

use super::keys;
use crate::config::suggest::nearest;
use crate::config::{ConfigError, DiscoAws, Ini, Location};
use serde::Serialize;

const MAIN: &str = "disco_aws";
const DEFAULT: &str = "default_";

/// Which step of the chain has found a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// `KEY@ENV` of the section.
    SectionOfEnvironment,
    /// `KEY` of the section.
    Section,
    /// `default_KEY@ENV` of `[disco_aws]`.
    DefaultOfEnvironment,
    /// `default_KEY` of `[disco_aws]`.
    Default,
}

/// A value and where it stands. The field names are the JSON keys of `asiaq config get`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Value {
    /// The value.
    pub value: String,
    /// Path of the file.
    pub file: String,
    /// Line.
    pub line: Option<usize>,
    /// Section in which it stands; `DEFAULT` if it is inherited from there.
    pub section: Option<String>,
    /// Option under which it stands.
    pub key: Option<String>,
    /// Step of the chain that has found it.
    pub step: Step,
}

/// A section. The field names are the JSON keys of `asiaq config sections`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Name.
    pub section: String,
    /// Path of the file.
    pub file: String,
    /// Line of its first header.
    pub line: Option<usize>,
}

impl DiscoAws {
    /// True if the option has forms for single environments, so that one must know the environment.
    pub fn differs_by_environment(&self, section: &str, key: &str) -> bool {
        let forms = [
            format!("{}@", key.to_ascii_lowercase()),
            format!("{DEFAULT}{}@", key.to_ascii_lowercase()),
        ];
        let mut options = [section, MAIN, "DEFAULT"]
            .into_iter()
            .flat_map(|own| self.ini().options(own));
        options.any(|option| forms.iter().any(|form| option.starts_with(form)))
    }

    /// What chain A finds, and where.
    ///
    /// # Errors
    /// The option is nowhere: the hint names the nearest one. Interpolation that fails.
    pub fn explain(&self, section: &str, key: &str, env: &str) -> Result<Value, ConfigError> {
        let key = key.to_ascii_lowercase();
        let Some(found) = self.asiaq_option(Some(section), &key, env)? else {
            return Err(self.absent(section, &key));
        };
        let Location {
            file,
            line,
            section,
            key: holder,
        } = found.location;
        let own = holder.clone().unwrap_or_default();
        let of_env = !key.contains('@') && own.contains('@');
        let is_default = own != key && own.split('@').next() != Some(&key);
        let step = match (is_default, of_env) {
            (false, true) => Step::SectionOfEnvironment,
            (false, false) => Step::Section,
            (true, true) => Step::DefaultOfEnvironment,
            (true, false) => Step::Default,
        };
        Ok(Value {
            value: found.value,
            file,
            line,
            section,
            key: holder,
            step,
        })
    }

    fn absent(&self, section: &str, key: &str) -> ConfigError {
        let ini = self.ini();
        let known = ini.has_section(section);
        let problem = if known {
            format!("`[{section}]` has no option `{key}`, and `[{MAIN}]` no `{DEFAULT}{key}`")
        } else {
            format!("there is no section `[{section}]`, and `[{MAIN}]` has no `{DEFAULT}{key}`")
        };
        let mut error = ConfigError::new(problem).at(Location {
            key: None,
            ..ini.location(section, None)
        });
        let sections: Vec<&str> = ini.sections().collect();
        let meant = nearest(section, &sections)
            .filter(|_| !known)
            .map(|own| format!("[{own}]"));
        let meant = meant.or_else(|| self.near(section, key));
        error.hint = meant.map(|meant| format!("did you mean `{meant}`?"));
        error
    }

    /// The nearest option that is set, else the nearest one that there is.
    fn near(&self, section: &str, key: &str) -> Option<String> {
        let ini = self.ini();
        let plain = |option: &str| option.split('@').next().unwrap_or(option).to_owned();
        let mut set: Vec<String> = ini.options(section).map(plain).collect();
        set.extend(
            ini.options(MAIN)
                .filter_map(|option| option.strip_prefix(DEFAULT))
                .map(plain),
        );
        let all = keys::SECTIONS
            .iter()
            .filter(|own| own.file == "disco_aws.ini");
        let all: Vec<&str> = all.flat_map(|own| own.keys).map(|own| own.name).collect();
        let near = nearest(key, &set).or_else(|| nearest(key, &all).filter(|own| *own != key));
        near.map(str::to_owned)
    }
}

/// Sections in which all these options have these values, in file order.
///
/// # Errors
/// Interpolation that fails.
pub fn sections(ini: &Ini, wanted: &[(String, String)]) -> Result<Vec<Section>, ConfigError> {
    let mut found = Vec::new();
    for section in ini.sections() {
        let mut all = true;
        for (key, value) in wanted {
            all &= ini
                .find(section, key)?
                .is_some_and(|own| own.value.trim() == value.trim());
        }
        if all {
            let Location { file, line, .. } = ini.location(section, None);
            found.push(Section {
                section: section.to_owned(),
                file,
                line,
            });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    const TEXT: &str = "[disco_aws]\ndefault_environment=ci\ndefault_meta_network=intranet\ndefault_eip@ci=1.1.1.1\n\
        [mhcweb]\neip=2.2.2.2\neip@prod=\npublic_ip@Prod=yes\n[a]\nphase= 1\nx=y\n[b]\nphase=2\n[c]\nphase : 1 ; one\n";

    fn aws() -> DiscoAws {
        DiscoAws::from_ini(Ini::parse("a.ini", TEXT.as_bytes()).unwrap())
    }

    #[test]
    fn each_step_of_the_chain() {
        let table = [
            ("mhcweb", "eip", "ci", "2.2.2.2", Step::Section, 6),
            ("mhcweb", "eip", "prod", "", Step::SectionOfEnvironment, 7),
            ("mhcweb", "EIP@prod", "ci", "", Step::Section, 7),
            (
                "mhcother",
                "eip",
                "ci",
                "1.1.1.1",
                Step::DefaultOfEnvironment,
                4,
            ),
            (
                "mhcother",
                "meta_network",
                "x",
                "intranet",
                Step::Default,
                3,
            ),
            (
                "disco_aws",
                "default_environment",
                "x",
                "ci",
                Step::Section,
                2,
            ),
            ("disco_aws", "environment", "x", "ci", Step::Default, 2),
            (
                "mhcweb",
                "public_ip",
                "PROD",
                "yes",
                Step::SectionOfEnvironment,
                8,
            ),
        ];
        for (section, key, env, value, step, line) in table {
            let found = aws().explain(section, key, env).unwrap();
            let told = (found.value.as_str(), found.step, found.line);
            assert_eq!(told, (value, step, Some(line)), "{section} {key} {env}");
        }
    }

    #[test]
    fn what_is_absent_has_the_nearest_name() {
        let table = [
            ("mhcweb", "public_ip", "ci", Some("public_ip")),
            ("mhcweb", "epi", "x", None),
            ("mhcweb", "eips", "x", Some("eip")),
            ("mhcweb", "meta_netwrok", "x", Some("meta_network")),
            (
                "mhcweb",
                "instance_profil_name",
                "x",
                Some("instance_profile_name"),
            ),
            ("mhcwbe", "domain", "x", Some("[mhcweb]")),
            ("mhcother", "domain_nam", "x", Some("domain_name")),
            ("disco_aws", "xxxxxxxx", "x", None),
        ];
        for (section, key, env, meant) in table {
            let error = aws().explain(section, key, env).unwrap_err();
            let wanted = meant.map(|meant| format!("did you mean `{meant}`?"));
            assert_eq!(error.hint, wanted, "{section} {key}");
            assert!(
                error.to_string().contains(&format!("{DEFAULT}{key}")),
                "{error}"
            );
        }
    }

    #[test]
    fn the_environment_matters_only_with_forms() {
        for (section, key, differs) in [
            ("mhcweb", "eip", true),
            ("mhcother", "EIP", true),
            ("mhcweb", "public_ip", true),
            ("mhcother", "public_ip", false),
            ("mhcweb", "meta_network", false),
            ("disco_aws", "project_name", false),
        ] {
            assert_eq!(
                aws().differs_by_environment(section, key),
                differs,
                "{section} {key}"
            );
        }
    }

    #[test]
    fn sections_by_their_options() {
        let aws = aws();
        let named = |wanted: &[(&str, &str)]| {
            let wanted: Vec<_> = wanted
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect();
            let all = sections(aws.ini(), &wanted).unwrap();
            all.into_iter().map(|own| own.section).collect::<Vec<_>>()
        };
        assert_eq!(named(&[]), ["disco_aws", "mhcweb", "a", "b", "c"]);
        assert_eq!(named(&[("phase", "1")]), ["a", "c"]);
        assert_eq!(named(&[("PHASE", "1"), ("x", "y")]), ["a"]);
        assert_eq!(named(&[("phase", "3")]), [""; 0]);
        let broken = Ini::parse("a.ini", b"[a]\nk=%(gone)s\n").unwrap();
        assert!(sections(&broken, &[("k".to_owned(), "1".to_owned())]).is_err());
        assert_eq!(sections(&broken, &[]).unwrap()[0].line, Some(1));
    }
}
