//! `disco_rds.ini` as far as environments need it: which databases belong to one (spec 20, section 5 step 15). The
//! options of a database are not read here.

use super::diagnostic::{ConfigError, ConfigErrors};
use super::files::ConfigDir;
use super::ini::Ini;

/// Name of the file in the configuration directory.
const FILE: &str = "disco_rds.ini";

/// Typed view of `disco_rds.ini`.
#[derive(Debug, Clone)]
pub struct DiscoRds {
    ini: Ini,
}

impl DiscoRds {
    /// Reads the file from the configuration directory; a missing file is an empty one.
    ///
    /// # Errors
    /// As [`ConfigDir::ini_if_present`].
    pub fn load(dir: &ConfigDir) -> Result<Self, ConfigErrors> {
        let ini = dir.ini_if_present(FILE)?;
        Ok(Self::from_ini(ini.unwrap_or_else(|| Ini::empty(FILE))))
    }

    /// Wraps a file that has been read.
    pub fn from_ini(ini: Ini) -> Self {
        DiscoRds { ini }
    }

    /// The file itself.
    pub fn ini(&self) -> &Ini {
        &self.ini
    }

    /// The sections `[ENV-DATABASE]` of an environment, in file order. A section belongs to the longest name that fits:
    /// `foo-bar-db` is none of `foo` if `foo-bar` is among `others`, the names of all known environments.
    pub fn databases(&self, env: &str, others: &[&str]) -> Vec<String> {
        let fits = |section: &str, name: &str| {
            let rest = section.strip_prefix(name);
            let rest = rest.and_then(|rest| rest.strip_prefix('-'));
            !name.is_empty() && rest.is_some_and(|database| !database.is_empty())
        };
        let longer = |section: &str| {
            let mut all = others.iter().filter(|other| other.len() > env.len());
            all.any(|other| fits(section, other))
        };
        self.ini
            .sections()
            .filter(|section| fits(section, env) && !longer(section))
            .map(str::to_owned)
            .collect()
    }

    /// The problems of databases whose environment has no metanetwork intranet, where they live.
    pub fn without_intranet(&self, env: &str, databases: &[String]) -> Vec<ConfigError> {
        let problem = |database: &String| {
            ConfigError::new(format!(
                "database `{database}` needs metanetwork intranet, which environment `{env}` does not have"
            ))
            .at(self.ini.location(database, None))
            .with_hint("set `intranet_cidr` in disco_vpc.ini, or remove the database")
        };
        databases.iter().map(problem).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn sections_belong_to_the_longest_name() {
        let text = "[foo-db]\n[foo-bar-db]\n[foo]\n[foo-]\n[foobar-db]\n[foo-bar]\n[other]\n";
        let file = DiscoRds::from_ini(Ini::parse("disco_rds.ini", text.as_bytes()).unwrap());
        let table: [(&str, &[&str], &[&str]); 6] = [
            ("foo", &[], &["foo-db", "foo-bar-db", "foo-bar"]),
            (
                "foo",
                &["foo", "other"],
                &["foo-db", "foo-bar-db", "foo-bar"],
            ),
            ("foo", &["foo-bar"], &["foo-db", "foo-bar"]),
            ("foo-bar", &["foo", "foo-bar"], &["foo-bar-db"]),
            ("fo", &[], &[]),
            ("", &[], &[]),
        ];
        for (env, others, wanted) in table {
            assert_eq!(
                file.databases(env, others),
                wanted,
                "{env} beside {others:?}"
            );
        }
        let homeless = file.without_intranet("foo-bar", &["foo-bar-db".to_owned()]);
        assert!(
            homeless[0]
                .to_string()
                .starts_with("disco_rds.ini:2: [foo-bar-db]: database `foo-bar-db` needs")
        );
    }

    #[test]
    fn a_missing_file_has_no_database() {
        let dir = tempfile::tempdir().unwrap();
        let file = DiscoRds::load(&ConfigDir::new(Some(dir.path().as_os_str()))).unwrap();
        assert!(file.databases("foo", &[]).is_empty());
    }
}
