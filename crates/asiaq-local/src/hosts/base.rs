//! The base layer: what lies over the machine's own `/` in every host. It hides what is private to the machine and adds
//! what an image of a vendor brings: a user `ec2-user`, ssh settings, empty places for data.
//!
//! Hiding is by whiteouts and opaque directories of overlayfs; nothing on the machine changes.

use super::accounts::Accounts;
use crate::error::LocalError;
use rustix::fs::{CWD, FileType, Mode, XattrFlags, makedev, mknodat, setxattr};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Entries of the machine's `/` that hosts see.
const SHOWN: [&str; 8] = [
    "bin", "etc", "lib", "lib32", "lib64", "libx32", "sbin", "usr",
];
/// Empty places, with their modes.
const PLACES: [(&str, u32); 12] = [
    ("dev", 0o755),
    ("home", 0o755),
    ("media", 0o755),
    ("mnt", 0o755),
    ("opt", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("srv", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
    ("var", 0o755),
];
/// What programs expect to be there already.
const DATA: [(&str, u32); 15] = [
    ("var/cache", 0o755),
    ("var/empty", 0o755),
    ("var/empty/sshd", 0o711),
    ("var/lib", 0o755),
    ("var/lib/misc", 0o755),
    ("var/lib/sudo", 0o711),
    ("var/lib/sudo/lectured", 0o700),
    ("var/local", 0o755),
    ("var/log", 0o755),
    ("var/mail", 0o755),
    ("var/opt", 0o755),
    ("var/spool", 0o755),
    ("var/spool/cron", 0o755),
    ("var/tmp", 0o1777),
    ("home/ec2-user", 0o700),
];
/// Settings of the machine that hosts have of their own, empty at first.
const OWN_SETTINGS: [(&str, u32); 11] = [
    ("etc/cron.d", 0o755),
    ("etc/cron.daily", 0o755),
    ("etc/cron.hourly", 0o755),
    ("etc/cron.monthly", 0o755),
    ("etc/cron.weekly", 0o755),
    ("etc/netns", 0o755),
    ("etc/ssh", 0o755),
    ("etc/ssh/sshd_config.d", 0o755),
    ("etc/sudoers.d", 0o750),
    ("etc/systemd/system", 0o755),
    ("etc/ssh/ssh_config.d", 0o755),
];
/// Files with fixed content.
const FILES: [(&str, u32, &str); 8] = [
    ("etc/ssh/sshd_config", 0o600, SSHD),
    (
        "etc/ssh/ssh_config",
        0o644,
        "Include /etc/ssh/ssh_config.d/*.conf\n",
    ),
    ("etc/sudoers", 0o440, SUDOERS),
    (
        "etc/sudoers.d/90-cloud-init-users",
        0o440,
        "ec2-user ALL=(ALL) NOPASSWD:ALL\n",
    ),
    ("etc/fstab", 0o644, ""),
    ("etc/crontab", 0o644, ""),
    // No name service is reached from a host: names fail at once.
    ("etc/resolv.conf", 0o644, "options timeout:1 attempts:1\n"),
    ("etc/machine-id", 0o444, ""),
];
/// As a vendor's image has it, but without PAM, which would read settings of the machine. `MaxStartups` lets a jump host
/// take a whole fleet at once.
const SSHD: &str = "\
Include /etc/ssh/sshd_config.d/*.conf
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
MaxStartups 500:30:1000
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp
";
const SUDOERS: &str = "\
Defaults env_reset
Defaults env_keep += \"AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION AWS_DEFAULT_REGION\"
Defaults secure_path=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"
root ALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
";

/// Makes the layer in the empty directory `base`, over the file tree `machine` (`/`).
pub(crate) fn make(base: &Path, machine: &Path) -> Result<(), LocalError> {
    hide_top(base, machine)?;
    for (name, mode) in PLACES {
        place(base, name, mode, true)?;
    }
    for (name, mode) in DATA {
        place(base, name, mode, false)?;
    }
    for (name, target) in [("var/run", "/run"), ("var/lock", "/run/lock")] {
        let path = base.join(name);
        symlink(target, &path).map_err(LocalError::file("cannot make", path))?;
    }
    for (name, mode) in OWN_SETTINGS {
        place(base, name, mode, true)?;
    }
    for (name, mode, text) in FILES {
        file(base, name, mode, text)?;
    }
    let accounts = Accounts::of(&machine.join("etc"))?;
    file(base, "etc/passwd", 0o644, &accounts.passwd)?;
    file(base, "etc/group", 0o644, &accounts.group)?;
    file(base, "etc/shadow", 0o600, &accounts.shadow())?;
    file(base, "etc/gshadow", 0o600, &accounts.gshadow())?;
    let home = base.join("home/ec2-user");
    std::os::unix::fs::chown(&home, Some(accounts.user), Some(accounts.user))
        .map_err(LocalError::file("cannot change", &home))?;
    hide_private(base, machine, Path::new("etc"))?;
    let local = Path::new("usr/local");
    if machine.join(local).is_dir() {
        // Programs of hosts come here, so it is there whoever may read the machine's.
        place(base, "usr/local", 0o755, false)?;
        place(base, "usr/local/bin", 0o755, false)?;
        hide_private(base, machine, local)?;
    }
    Ok(())
}

/// Hides every top-level entry that is not shown.
fn hide_top(base: &Path, machine: &Path) -> Result<(), LocalError> {
    for name in names(machine)? {
        let text = name.to_string_lossy();
        let shown = SHOWN.contains(&&*text);
        if !shown && !PLACES.iter().any(|(place, _)| *place == text) {
            whiteout(&base.join(&name))?;
        }
    }
    Ok(())
}

/// Hides what not everybody on the machine may read. What this layer has itself stays.
fn hide_private(base: &Path, machine: &Path, directory: &Path) -> Result<(), LocalError> {
    for name in names(&machine.join(directory))? {
        let path = directory.join(name);
        let full = machine.join(&path);
        let Ok(found) = fs::symlink_metadata(&full) else {
            continue;
        };
        let (own, mode) = (base.join(&path), found.mode());
        let ours = own.symlink_metadata().is_ok();
        if found.is_symlink() || (ours && !found.is_dir()) {
            continue;
        }
        let open = if found.is_dir() { 0o005 } else { 0o004 };
        let backup = path.to_string_lossy().ends_with('-');
        if !ours && (mode & open != open || backup) {
            parents(base, directory)?;
            whiteout(&own)?;
        } else if found.is_dir() && !is_opaque(&own) {
            hide_private(base, machine, &path)?;
        }
    }
    Ok(())
}

fn names(directory: &Path) -> Result<Vec<std::ffi::OsString>, LocalError> {
    let problem = || LocalError::file("cannot read", directory);
    let entries = fs::read_dir(directory).map_err(problem())?;
    entries
        .map(|entry| Ok(entry.map_err(problem())?.file_name()))
        .collect()
}

/// Makes a directory; `empty`: whatever the machine has there is hidden.
fn place(base: &Path, name: &str, mode: u32, empty: bool) -> Result<(), LocalError> {
    let path = base.join(name);
    parents(base, Path::new(name).parent().unwrap_or(Path::new("")))?;
    if !path.is_dir() {
        fs::create_dir(&path).map_err(LocalError::file("cannot make", &path))?;
    }
    mode_of(&path, mode)?;
    match empty {
        true => setxattr(&path, OPAQUE, b"y", XattrFlags::empty())
            .map_err(|error| LocalError::file("cannot change", &path)(error.into())),
        false => Ok(()),
    }
}

const OPAQUE: &str = "trusted.overlay.opaque";

fn is_opaque(path: &Path) -> bool {
    let mut value = [0_u8; 1];
    rustix::fs::getxattr(path, OPAQUE, &mut value).is_ok_and(|length| length == 1)
}

/// Directories on the way: as on the machine, open to all.
fn parents(base: &Path, directory: &Path) -> Result<(), LocalError> {
    let path = base.join(directory);
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(&path)
        .map_err(LocalError::file("cannot make", path))
}

fn file(base: &Path, name: &str, mode: u32, text: &str) -> Result<(), LocalError> {
    let path: PathBuf = base.join(name);
    fs::write(&path, text).map_err(LocalError::file("cannot write", &path))?;
    mode_of(&path, mode)
}

fn mode_of(path: &Path, mode: u32) -> Result<(), LocalError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(LocalError::file("cannot change", path))
}

/// What overlayfs takes for "not there".
fn whiteout(path: &Path) -> Result<(), LocalError> {
    let name: &OsStr = path.as_os_str();
    mknodat(
        CWD,
        name,
        FileType::CharacterDevice,
        Mode::empty(),
        makedev(0, 0),
    )
    .map_err(|error| LocalError::file("cannot hide", path)(error.into()))
}

#[cfg(test)]
mod tests;
