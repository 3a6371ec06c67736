//! What every host has besides the machine's own files: `systemctl`, `hostnamectl` and `aws`, an empty set of units, and the
//! places where the supervisor mounts Asiaq itself. Writes below the directory it is given and nowhere else.

use super::aws_cli::AwsCli;
use super::seed::LINKS;
use crate::error::LocalError;
use serde::{Deserialize, Serialize};
use std::ffi::CString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Directory in hosts for what the local cloud brings along.
pub const LIBRARY: &str = "/usr/lib/asiaq-local";
/// The program `asiaq` in hosts.
pub const ASIAQ: &str = "/usr/lib/asiaq-local/asiaq";
/// The folder of all tools in hosts.
pub const TOOLS: &str = "/usr/lib/asiaq-local/tools";
/// Units of hosts. The machine's own are hidden: they are not for hosts.
const UNITS: &str = "etc/systemd/system";

/// `shutdown`, which is always at once.
const SHUTDOWN: &str = "#!/bin/sh\n\
    for word; do\n    case $word in\n    -r|--reboot|-c) echo \"shutdown of a local host does not know $word\" >&2; exit 1 ;;\n\
    esac\ndone\n";

/// A file or directory of the machine that hosts see, read-only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// On the machine.
    pub source: PathBuf,
    /// In a host.
    pub target: PathBuf,
}

impl Mount {
    /// A mount.
    pub fn new(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        Self {
            source: source.into(),
            target: target.into(),
        }
    }
}

/// All mounts of a host: the program `own`, the tools beside it that hosts call, and `aws`. Nothing else of that directory.
pub fn mounts(own: &Path, aws: Option<&AwsCli>) -> Vec<Mount> {
    let folder = own.parent().unwrap_or(Path::new("/"));
    let mut mounts = vec![Mount::new(own, ASIAQ)];
    for name in LINKS {
        let tool = folder.join(name);
        if tool.is_file() {
            mounts.push(Mount::new(tool, Path::new(TOOLS).join(name)));
        }
    }
    mounts.extend(aws.into_iter().flat_map(|aws| aws.mounts.iter().cloned()));
    mounts
}

/// Whether the layers of an image have boot units that tag the instance when it is ready.
pub fn boots(layers: &[PathBuf]) -> bool {
    let link = |layer: &PathBuf| {
        layer
            .join(UNITS)
            .join("multi-user.target.wants/disco-booted.service")
    };
    layers
        .iter()
        .any(|layer| fs::symlink_metadata(link(layer)).is_ok())
}

/// Writes the layer `root`, a directory that lies over the machine's files in every host, with places for its `mounts`.
///
/// # Errors
/// A file cannot be written.
pub fn write(root: &Path, mounts: &[Mount], aws: Option<&AwsCli>) -> Result<(), LocalError> {
    for name in ["systemctl", "hostnamectl"] {
        let script = format!("#!/bin/sh\nexec {ASIAQ} local {name} \"$@\"\n");
        for folder in program_folders() {
            program(root, &format!("{folder}/{name}"), &script)?;
        }
    }
    power(root)?;
    if let Some(aws) = aws {
        program(root, "usr/local/bin/aws", &aws.wrapper)?;
    }
    for mount in mounts {
        let target = &mount.target;
        let target = root.join(target.strip_prefix("/").unwrap_or(target));
        if mount.source.is_dir() {
            directory(&target)?;
        } else {
            target.parent().map_or(Ok(()), directory)?;
            fs::write(&target, "").map_err(LocalError::file("cannot write", &target))?;
        }
    }
    directory(&root.join(UNITS).join("multi-user.target.wants"))?;
    opaque(&root.join(UNITS))
}

/// Where a program must be to be found first in any `PATH`, and by its full name.
fn program_folders() -> Vec<&'static str> {
    let mut folders = vec!["usr/local/bin", "usr/bin"];
    // On most machines `/bin` is a link; through it `/usr/bin` is meant.
    if fs::symlink_metadata("/bin").is_ok_and(|found| found.is_dir()) {
        folders.push("bin");
    }
    folders
}

/// The programs that switch a machine off. There is no reboot from within.
fn power(root: &Path) -> Result<(), LocalError> {
    let real = |name: &&str| {
        let found = fs::symlink_metadata(Path::new("/").join(name));
        found.is_ok_and(|found| found.is_dir())
    };
    let mut folders = program_folders();
    folders.extend(["usr/sbin", "sbin"].iter().filter(|name| real(name)));
    for folder in folders {
        for verb in ["poweroff", "halt", "reboot"] {
            let script = format!("#!/bin/sh\nexec {ASIAQ} local systemctl {verb}\n");
            program(root, &format!("{folder}/{verb}"), &script)?;
        }
        let script = format!("{SHUTDOWN}exec {ASIAQ} local systemctl poweroff\n");
        program(root, &format!("{folder}/shutdown"), &script)?;
    }
    Ok(())
}

fn program(root: &Path, name: &str, text: &str) -> Result<(), LocalError> {
    let path = root.join(name);
    path.parent().map_or(Ok(()), directory)?;
    fs::write(&path, text).map_err(LocalError::file("cannot write", &path))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
        .map_err(LocalError::file("cannot change", &path))
}

fn directory(path: &Path) -> Result<(), LocalError> {
    fs::create_dir_all(path).map_err(LocalError::file("cannot create", path))
}

/// Makes the overlay file system show nothing of the layers below this directory.
fn opaque(path: &Path) -> Result<(), LocalError> {
    let failed =
        |source: std::io::Error| LocalError::file("cannot hide what is below", path)(source);
    let name = CString::new("trusted.overlay.opaque").map_err(|error| failed(error.into()))?;
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(path, &name, b"y", flags).map_err(|error| failed(error.into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn hosts_see_the_tools_and_nothing_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["asiaq", "disco_metrics", "id_rsa"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let mounts = mounts(&folder.path().join("asiaq"), None);
        let targets: Vec<_> = mounts.iter().map(|mount| mount.target.clone()).collect();
        assert_eq!(
            targets,
            [PathBuf::from(ASIAQ), Path::new(TOOLS).join("disco_metrics")]
        );
    }

    #[test]
    fn the_layer_has_the_wrappers_and_the_mount_points() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("needs root: the attribute that hides units is root's");
            return;
        }
        let root = tempfile::tempdir().unwrap();
        let aws = AwsCli {
            mounts: vec![Mount::new("/cache/aws", "/usr/lib/asiaq-local/aws")],
            wrapper: "#!/bin/sh\necho aws\n".to_owned(),
        };
        let mounts = mounts(Path::new("/t/debug/asiaq"), Some(&aws));
        write(root.path(), &mounts, Some(&aws)).unwrap();
        write(root.path(), &mounts, Some(&aws)).unwrap();
        for name in [
            "usr/bin/systemctl",
            "usr/local/bin/systemctl",
            "usr/local/bin/aws",
        ] {
            let mode = fs::metadata(root.path().join(name))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o755, "{name}");
        }
        let text = fs::read_to_string(root.path().join("usr/bin/hostnamectl")).unwrap();
        assert!(
            text.contains("/usr/lib/asiaq-local/asiaq local hostnamectl \"$@\""),
            "{text}"
        );
        for mount in mounts {
            let target = mount.target.strip_prefix("/").unwrap();
            assert!(root.path().join(target).exists(), "{mount:?}");
        }
        let mut value = [0_u8; 4];
        let name = CString::new("trusted.overlay.opaque").unwrap();
        let units = root.path().join(UNITS);
        assert_eq!(
            rustix::fs::getxattr(&units, &name, &mut value[..]).unwrap(),
            1
        );
    }
}
