//! A vendor's machine image for local hosts, from which a phase 1 bake starts: a plain Debian 12 with a default user, whose
//! root only says who to log in as. Knows nothing of Asiaq's own images.
//!
//! Local hosts have no network, so the image brings stand-ins for package managers: they note what they are asked for, and
//! make units for services, so that init scripts run unchanged.

use super::boot_user::{DEFAULT_USER, USER_FILE};
use super::seed::Accounts;
use crate::error::LocalError;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// Programs that a bake needs on the machine being baked, and their packages. Local hosts have those of this machine.
const PROGRAMS: [(&str, &str); 8] = [
    ("sudo", "sudo"),
    ("rsync", "rsync"),
    ("curl", "curl"),
    ("useradd", "passwd"),
    ("groupadd", "passwd"),
    ("usermod", "passwd"),
    ("passwd", "passwd"),
    ("python3", "python3"),
];
/// Where a host looks for programs; `/usr/local` of the machine is not for them.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/// Package managers that have a stand-in.
const MANAGERS: [&str; 3] = ["apt-get", "dnf", "snap"];
const STAND_IN: &str = include_str!("vendor/packages.sh");
const OS_RELEASE: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n\
    VERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n";

/// The image.
#[derive(Debug, Clone, Copy)]
pub struct Vendor<'a> {
    /// Users and groups of hosts; see [`super::seed::accounts_of_hosts`].
    pub accounts: &'a Accounts,
}

impl Vendor<'_> {
    /// What this machine lacks for bakes on local hosts, in one line.
    pub fn missing() -> Option<String> {
        let absent = |(program, _): &&(&str, &str)| {
            let there = |folder: &&str| Path::new(folder).join(program).exists();
            !FOLDERS.iter().any(there)
        };
        let (program, package) = PROGRAMS.iter().find(absent)?;
        Some(format!(
            "`{program}` is not installed (package {package}), and hosts of the local cloud have only what this machine has"
        ))
    }

    /// Makes the layer `target`, anew. It is there only when it is complete.
    ///
    /// # Errors
    /// The machine lacks a program, or a file cannot be written.
    pub fn plant(&self, target: &Path) -> Result<(), LocalError> {
        if let Some(missing) = Self::missing() {
            return Err(LocalError::hosts("image of a vendor", missing));
        }
        let mut name = target.as_os_str().to_owned();
        name.push(".unfinished");
        let layer = PathBuf::from(name);
        for old in [&layer, target] {
            match fs::remove_dir_all(old) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(LocalError::file("cannot remove", old)(error));
                }
                _ => {}
            }
        }
        self.user(&layer)?;
        file(&layer, "etc/os-release", OS_RELEASE, 0o644)?;
        for manager in MANAGERS {
            file(
                &layer,
                &format!("usr/local/sbin/{manager}"),
                STAND_IN,
                0o755,
            )?;
        }
        fs::rename(&layer, target).map_err(LocalError::file("cannot rename to", target))
    }

    /// The default user instead of `ec2-user`.
    fn user(&self, layer: &Path) -> Result<(), LocalError> {
        let mut accounts = self.accounts.without("ec2-user");
        let number = accounts.add(DEFAULT_USER);
        file(layer, "etc/passwd", &accounts.passwd, 0o644)?;
        file(layer, "etc/group", &accounts.group, 0o644)?;
        file(layer, "etc/shadow", &accounts.shadow(), 0o600)?;
        file(layer, "etc/gshadow", &accounts.gshadow(), 0o600)?;
        let rule = format!("{DEFAULT_USER} ALL=(ALL) NOPASSWD:ALL\n");
        file(layer, "etc/sudoers.d/90-cloud-init-users", &rule, 0o440)?;
        let folder = layer.join("etc/sudoers.d");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o750))
            .map_err(LocalError::file("cannot change", &folder))?;
        file(layer, USER_FILE, &format!("{DEFAULT_USER}\n"), 0o644)?;
        let home = layer.join("home").join(DEFAULT_USER);
        fs::create_dir_all(&home).map_err(LocalError::file("cannot create", &home))?;
        chown(&home, Some(number), Some(number))
            .and_then(|()| fs::set_permissions(&home, fs::Permissions::from_mode(0o755)))
            .map_err(LocalError::file("cannot change", &home))
    }
}

fn file(layer: &Path, name: &str, text: &str, mode: u32) -> Result<(), LocalError> {
    let path = layer.join(name.trim_start_matches('/'));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(LocalError::file("cannot create", folder))?;
    }
    fs::write(&path, text)
        .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(mode)))
        .map_err(LocalError::file("cannot write", &path))
}

#[cfg(test)]
mod tests;
