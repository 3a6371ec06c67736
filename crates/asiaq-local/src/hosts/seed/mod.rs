//! Image contents without a bake: lays out `discoroot/` of a configuration directory as the layer of a hostclass's image, so
//! that ready-made images of the local cloud boot as real ones do. No packages, and nothing of `init/`.

mod accounts;
mod tree;

pub use super::vendor::Vendor;
pub use accounts::Accounts;

use super::inside::TOOLS;
use crate::error::LocalError;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

/// Boot units that can do their work on a local host. The others need what it lacks: disks (disco-data-volume), the
/// CloudWatch agent (disco-awslogs), `disco_accounts` (disco-add-operators).
const UNITS: [&str; 8] = [
    "disco-root-key",
    "disco-hostname",
    "disco-add-etc-hosts",
    "disco-tag-instance",
    "disco-testing-mode",
    "disco-update-creds",
    "disco-associate-eni",
    "disco-booted",
];
/// Also enabled if there is a unit of that name: only some hosts have an elastic address.
const EIP: &str = "disco-associate-eip";
/// Users that every image has, what they may run (any command if empty), and where their key is in credential buckets.
const USERS: [(&str, &str, &str); 3] = [
    ("smoketest", "/opt/wgen/bin/smoketest.sh", "smoketest"),
    ("snapshot", "", "snapshot"),
    ("disco_tester", "", "test"),
];
/// Tools that host scripts call.
pub(crate) const LINKS: [&str; 2] = ["disco_metrics", "disco_snapshot"];
const SMOKE_TESTS: &str = "opt/wgen/etc/smoketest.conf";

/// Users and groups of hosts before images add theirs: those of this machine, and `ec2-user`.
///
/// # Errors
/// They cannot be read, or this is no machine for hosts.
#[cfg(target_os = "linux")]
pub fn accounts_of_hosts() -> Result<Accounts, LocalError> {
    let base = super::accounts::Accounts::of(Path::new("/etc"))?;
    Ok(Accounts {
        passwd: base.passwd,
        group: base.group,
    })
}

/// As on Linux.
///
/// # Errors
/// Always: there are no hosts here.
#[cfg(not(target_os = "linux"))]
pub fn accounts_of_hosts() -> Result<Accounts, LocalError> {
    Err(LocalError::NoHosts)
}

/// What the image of a hostclass is made of.
#[derive(Debug, Clone, Copy)]
pub struct Seed<'a> {
    /// Configuration directory, with `discoroot/` and `config/`.
    pub config: &'a Path,
    /// The hostclass.
    pub hostclass: &'a str,
    /// Goes into the tag `productline` of hosts.
    pub productline: &'a str,
    /// Users and groups of hosts, to which those of images are added.
    pub accounts: &'a Accounts,
}

impl Seed<'_> {
    /// Makes the layer `target`, anew. It is there only when it is complete.
    ///
    /// # Errors
    /// A file cannot be read or written, or one would lie outside of the layer.
    pub fn plant(&self, target: &Path) -> Result<(), LocalError> {
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
        directory(&layer)?;
        tree::copy(&self.config.join("discoroot"), &layer, self.hostclass)?;
        self.identity(&layer)?;
        self.tools(&layer)?;
        enable(&layer)?;
        users(&layer, self.accounts)?;
        leave_out_absent_services(&layer)?;
        fs::rename(&layer, target).map_err(LocalError::file("cannot rename to", target))
    }

    fn identity(&self, layer: &Path) -> Result<(), LocalError> {
        write(
            &layer.join("opt/wgen/etc/hostclass"),
            &format!("{}\n", self.hostclass),
            0o644,
        )?;
        let productline = format!("{}\n", self.productline);
        write(&layer.join("opt/wgen/etc/productline"), &productline, 0o644)
    }

    /// The tools and the configuration that host scripts use.
    fn tools(&self, layer: &Path) -> Result<(), LocalError> {
        let folder = layer.join("opt/wgen/asiaq/bin");
        directory(&folder)?;
        for tool in LINKS {
            let link = folder.join(format!("{tool}.py"));
            symlink(Path::new(TOOLS).join(tool), &link)
                .map_err(LocalError::file("cannot make", &link))?;
        }
        let own = layer.join("opt/wgen/discoaws");
        directory(&own)?;
        for folder in [self.config.to_path_buf(), self.config.join("config")] {
            for path in tree::entries(&folder).unwrap_or_default() {
                if let (Some("ini"), Some(name)) =
                    (path.extension().and_then(|e| e.to_str()), path.file_name())
                {
                    let text = fs::read_to_string(&path)
                        .map_err(LocalError::file("cannot read", &path))?;
                    write(&own.join(name), &text, 0o644)?;
                }
            }
        }
        Ok(())
    }
}

/// Links the boot units into the target that a host boots into.
fn enable(layer: &Path) -> Result<(), LocalError> {
    let folder = layer.join("etc/systemd/system");
    let wants = folder.join("multi-user.target.wants");
    directory(&wants)?;
    for name in UNITS.iter().chain([&EIP]) {
        let file = format!("{name}.service");
        if folder.join(&file).is_file() {
            let link = wants.join(&file);
            let unit = Path::new("/etc/systemd/system").join(&file);
            symlink(unit, &link).map_err(LocalError::file("cannot make", &link))?;
        }
    }
    Ok(())
}

/// Adds the users of images, each with a key that the host fetches when it boots.
fn users(layer: &Path, accounts: &Accounts) -> Result<(), LocalError> {
    let mut accounts = accounts.clone();
    for (user, command, key) in USERS {
        let number = accounts.add(user);
        let home = layer.join(format!("home/{user}"));
        let restricted = match command {
            "" => String::new(),
            command => format!("restrict,command=\"{command}\" "),
        };
        let line = format!("{restricted}{{s3cred://public_keys/ssh/{key}.pub}}\n");
        let keys = home.join(".ssh/authorized_keys");
        write(&keys, &line, 0o600)?;
        for (path, mode) in [(&home, 0o700), (&home.join(".ssh"), 0o700), (&keys, 0o600)] {
            chown(path, Some(number), Some(number))
                .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
                .map_err(LocalError::file("cannot change", path))?;
        }
    }
    accounts.add_group("disco_operators");
    write(&layer.join("etc/passwd"), &accounts.passwd, 0o644)?;
    write(&layer.join("etc/group"), &accounts.group, 0o644)?;
    write(&layer.join("etc/shadow"), &accounts.shadow(), 0o600)?;
    write(&layer.join("etc/gshadow"), &accounts.gshadow(), 0o600)
}

/// A local host has the programs of this machine and no packages of an image: checks of services for which the image brings
/// no unit become comments.
fn leave_out_absent_services(layer: &Path) -> Result<(), LocalError> {
    let path = layer.join(SMOKE_TESTS);
    let Ok(text) = fs::read_to_string(&path) else {
        return Ok(());
    };
    let has_unit = |service: &str| {
        let name = service.trim_end_matches(".service");
        layer
            .join(format!("etc/systemd/system/{name}.service"))
            .is_file()
    };
    write(&path, &with_known_services(&text, has_unit), 0o644)
}

fn with_known_services(text: &str, has_unit: impl Fn(&str) -> bool) -> String {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let check = words.next();
        // The service has one of these names. More than names is left to the shell.
        let names: Vec<&str> = words.collect();
        let plain = |name: &&str| {
            name.chars()
                .all(|c| c.is_alphanumeric() || "@._-".contains(c))
        };
        let absent = check == Some("is_service_running")
            && !names.is_empty()
            && names.iter().all(|name| plain(name) && !has_unit(name));
        let before = if absent { "# Not on local hosts: " } else { "" };
        format!("{before}{line}\n")
    };
    text.lines().map(line).collect()
}

fn directory(path: &Path) -> Result<(), LocalError> {
    fs::create_dir_all(path).map_err(LocalError::file("cannot create", path))
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), LocalError> {
    path.parent().map_or(Ok(()), directory)?;
    fs::write(path, text)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .map_err(LocalError::file("cannot write", path))
}

#[cfg(test)]
mod tests;
