//! `discoroot`: the lines of `acfg.metadata`, hostclasses behind `~`, and log levels that would fill the disks of hosts.

use super::references::References;
use super::tree::Tree;
use crate::config::check::Problems;
use crate::config::suggest::nearest;
use crate::config::{ConfigError, Location};
use asiaq_acfg::metadata;
use asiaq_acfg::select::split;
use std::ffi::OsStr;

/// What names of hostclasses begin with.
const PREFIX: &str = "mhc";

/// Checks the folder.
pub(super) fn check(tree: &Tree, references: &References, problems: &mut Problems) {
    if let Some(file) = &tree.metadata {
        // Line by line, so that one that is wrong does not hide the hostclasses of the others.
        for (index, line) in file.text.split(|byte| *byte == b'\n').enumerate() {
            let place = Location::line(&file.path, index + 1);
            match metadata::parse(&file.path, line) {
                Ok(entries) => {
                    let hostclasses = entries
                        .iter()
                        .filter_map(|entry| entry.hostclass.as_deref());
                    for error in hostclasses.filter_map(|own| foreign(references, own)) {
                        problems.warning(error.at(place.clone()));
                    }
                }
                Err(wrong) => {
                    for wrong in wrong {
                        problems.error(ConfigError::new(wrong.text).at(place.clone()));
                    }
                }
            }
        }
    }
    for entry in &tree.overlay {
        let own = entry.name.rsplit('/').next().unwrap_or_default();
        let (base, hostclass) = split(OsStr::new(own));
        // These are for nobody: copies of editors, and names without anything before the hostclass.
        if base.is_empty() || own.ends_with('~') {
            continue;
        }
        let hostclass = hostclass.and_then(OsStr::to_str);
        if let Some(error) = hostclass.and_then(|own| foreign(references, own)) {
            problems.warning(error.at(Location::file(&entry.path)));
        }
    }
    for file in &tree.settings {
        let text = String::from_utf8_lossy(&file.text);
        for (index, line) in text.lines().enumerate() {
            if line.trim_start().starts_with(['#', ';']) {
                continue;
            }
            let level = line
                .split_once(['=', ':'])
                .filter(|(key, _)| key.trim().ends_with("level"));
            let level = level.map(|(_, level)| level.trim());
            if let Some(level @ ("NOTSET" | "DEBUG")) = level {
                let text = format!("log level {level}: everything is logged");
                problems.warning(ConfigError::new(text).at(Location::line(&file.path, index + 1)));
            }
        }
    }
}

/// A hostclass that is nearly a known one. Others are left alone: what is for `mhcdoesnotexist` is for nobody, and other words
/// may be given to acfg1 too, like names of systems.
fn foreign(references: &References, hostclass: &str) -> Option<ConfigError> {
    let own = hostclass.strip_prefix(PREFIX)?;
    let error = references.hostclass(hostclass)?;
    let known = references.hostclasses.iter().flatten();
    let known: Vec<&str> = known.filter_map(|name| name.strip_prefix(PREFIX)).collect();
    nearest(own, &known).map(|_| error)
}
