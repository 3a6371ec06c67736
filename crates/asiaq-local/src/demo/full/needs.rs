//! What a machine must have for the full story, looked for before anything is started.

use crate::cloud;
use crate::error::LocalError;
use crate::hosts;
use crate::hosts::seed::Vendor;
use crate::settings::Settings;
use std::path::Path;

/// Programs beyond those of hosts, and the packages that people know them by.
const PROGRAMS: [(&str, &str); 4] = [
    ("rsync", "rsync"),
    ("ssh", "openssh-client"),
    ("ssh-add", "openssh-client"),
    ("ssh-agent", "openssh-client"),
];

/// Whether the story can be told here.
///
/// # Errors
/// The first thing that is missing; a local cloud that runs without hosts.
pub(super) fn check(settings: &Settings) -> Result<(), LocalError> {
    hosts::requirements().map_err(|missing| LocalError::DemoMachine { missing })?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let absent = |program: &str| !folders.iter().any(|folder| is_there(folder, program));
    if let Some((program, package)) = PROGRAMS.iter().find(|(program, _)| absent(program)) {
        return Err(LocalError::DemoMachine {
            missing: format!("`{program}` is not installed (package {package})"),
        });
    }
    if let Some(missing) = Vendor::missing() {
        return Err(LocalError::DemoMachine { missing });
    }
    match cloud::status(settings)? {
        Some(status) if status.hosts_pid.is_none() => Err(LocalError::NoHosts),
        _ => Ok(()),
    }
}

fn is_there(folder: &Path, program: &str) -> bool {
    folder.join(program).is_file()
}
