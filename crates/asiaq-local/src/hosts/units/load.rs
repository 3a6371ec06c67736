//! Where a host keeps its units, and reading and enabling them. Starts nothing.

use super::parse::{Unit, parse};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

/// The target that a host boots into, as the folder with the links to its units.
const BOOT: &str = "multi-user.target";

/// Directories and files of the units of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Folders with unit files; the first one wins, and has the links that enable units.
    pub units: Vec<PathBuf>,
    /// State of units and the socket to their manager.
    pub run: PathBuf,
    /// Output of units.
    pub logs: PathBuf,
    /// Variables that all units get.
    pub environment: PathBuf,
}

impl Places {
    /// Those of a host.
    pub fn of_host() -> Self {
        Self {
            units: [
                "/etc/systemd/system",
                "/usr/lib/systemd/system",
                "/lib/systemd/system",
            ]
            .map(PathBuf::from)
            .into(),
            run: "/run/units".into(),
            logs: "/var/log/units".into(),
            environment: "/etc/environment".into(),
        }
    }

    /// The manager's socket.
    pub fn socket(&self) -> PathBuf {
        self.run.join("control")
    }

    /// Reads a unit with its drop-ins; `None` if there is none, or it is masked.
    pub fn load(&self, name: &str) -> Option<Unit> {
        if name.contains('/') {
            return None;
        }
        let main = self
            .units
            .iter()
            .find_map(|folder| fs::read_to_string(folder.join(name)).ok())?;
        if main.is_empty() {
            return None;
        }
        let mut texts = vec![main];
        texts.extend(self.drop_ins(name));
        Some(parse(name, &texts))
    }

    /// Texts of `NAME.d/*.conf`, in the order of their names; of two with one name the one of the first folder.
    fn drop_ins(&self, name: &str) -> Vec<String> {
        let mut found = BTreeMap::new();
        for folder in &self.units {
            for path in files(&folder.join(format!("{name}.d"))) {
                if path.extension().is_some_and(|suffix| suffix == "conf")
                    && let (Some(file), Ok(text)) = (path.file_name(), fs::read_to_string(&path))
                {
                    found.entry(file.to_owned()).or_insert(text);
                }
            }
        }
        found.into_values().collect()
    }

    /// Units that start when the host boots.
    pub fn enabled(&self) -> Vec<String> {
        let folder = self.wants(BOOT);
        let mut names: Vec<String> = files(&folder)
            .iter()
            .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
            .filter(|name| is_service(name))
            .collect();
        names.sort();
        names
    }

    /// Makes a unit start when the host boots.
    ///
    /// # Errors
    /// There is no such unit, or its link cannot be made.
    pub fn enable(&self, name: &str) -> Result<()> {
        let file = self
            .units
            .iter()
            .map(|folder| folder.join(name))
            .find(|path| path.is_file());
        let (Some(file), Some(unit)) = (file, self.load(name)) else {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("unit {name} does not exist"),
            ));
        };
        for target in unit.wanted_by {
            let folder = self.wants(&target);
            fs::create_dir_all(&folder)?;
            match std::os::unix::fs::symlink(&file, folder.join(name)) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes it start no more.
    ///
    /// # Errors
    /// The link cannot be removed.
    pub fn disable(&self, name: &str) -> Result<()> {
        match fs::remove_file(self.wants(BOOT).join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn wants(&self, target: &str) -> PathBuf {
        let folder = self.units.first().cloned().unwrap_or_default();
        folder.join(format!("{target}.wants"))
    }

    /// The variables that all units get: those of `/etc/environment`, and where programs are.
    pub fn variables(&self) -> BTreeMap<String, String> {
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let mut variables = BTreeMap::from([("PATH".to_owned(), path.to_owned())]);
        variables.extend(assignments(
            &fs::read_to_string(&self.environment).unwrap_or_default(),
        ));
        variables
    }
}

/// Lines `NAME=value` of a file; a value may stand in quotes.
pub fn assignments(text: &str) -> Vec<(String, String)> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with(['#', ';']));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| {
            let name = name.trim().trim_start_matches("export ").trim();
            let value = value.trim();
            let quoted = ['"', '\''].iter().find_map(|quote| {
                value
                    .strip_prefix(*quote)
                    .and_then(|rest| rest.strip_suffix(*quote))
            });
            (name.to_owned(), quoted.unwrap_or(value).to_owned())
        })
        .collect()
}

/// Whether a name is that of a service; targets, sockets and so on are not known here.
pub fn is_service(name: &str) -> bool {
    name.ends_with(".service")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn assignments_may_be_quoted() {
        let text = "# no\nA=1\n B = two words \nC=\"three\"\nexport D='4'\nbare\nE=\n";
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            assignments(text),
            [
                pair("A", "1"),
                pair("B", "two words"),
                pair("C", "three"),
                pair("D", "4"),
                pair("E", "")
            ]
        );
    }
}
