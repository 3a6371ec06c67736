//! The file tree of a host: layers, device files, kernel file systems. Works in the host's own mount namespace only.

use super::Boot;
use crate::error::LocalError;
use rustix::fs::{CWD, Dev, FileType, Mode, makedev, mknodat};
use rustix::mount::{
    MountFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive, mount_remount, unmount,
};
use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Device files that a host has, with their numbers.
const DEVICES: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];
/// Places in `/proc` through which root changes the machine.
const MACHINES_PROC: [&str; 4] = ["sysrq-trigger", "irq", "bus", "fs"];
const LINKS: [(&str, &str); 5] = [
    ("ptmx", "pts/ptmx"),
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];
/// Runs on the machine, not in the host, if it runs at all: the clock, kernel modules, raw devices.
const MACHINE_ONLY: [CapabilitySet; 6] = [
    CapabilitySet::SYS_MODULE,
    CapabilitySet::SYS_RAWIO,
    CapabilitySet::SYS_TIME,
    CapabilitySet::SYS_BOOT,
    CapabilitySet::MKNOD,
    CapabilitySet::SYSLOG,
];

/// Mounts everything and makes the host's root the root of this process. The machine's tree is gone afterwards.
pub(super) fn enter(boot: &Boot) -> Result<(), LocalError> {
    let root = boot.dir.join("root");
    overlay(boot, &root)?;
    devices(&root.join("dev"))?;
    let quiet = MountFlags::NOSUID | MountFlags::NODEV;
    let none = MountFlags::NOEXEC | quiet;
    fresh("proc", &root.join("proc"), none, "")?;
    fresh("sysfs", &root.join("sys"), none | MountFlags::RDONLY, "")?;
    fresh("tmpfs", &root.join("run"), quiet, "mode=755")?;
    fresh("tmpfs", &root.join("tmp"), quiet, "mode=1777")?;
    kernel_settings(&root.join("proc/sys"))?;
    protect_machine(&root)?;
    for directory in ["lock", "sshd"] {
        make_dir(&root.join("run").join(directory), 0o755)?;
    }
    for mount in &boot.shown {
        show(&mount.source, &within(&root, &mount.target))?;
    }
    pivot(&root)
}

/// Takes privileges over the machine from everything that the host will start.
pub(super) fn give_up_machine_privileges() -> Result<(), LocalError> {
    for one in MACHINE_ONLY {
        remove_capability_from_bounding_set(one)
            .map_err(|error| LocalError::hosts("capabilities", error))?;
    }
    Ok(())
}

fn overlay(boot: &Boot, root: &Path) -> Result<(), LocalError> {
    let layers: Vec<&[u8]> = boot
        .layers
        .iter()
        .map(|layer| layer.as_os_str().as_bytes())
        .collect();
    let mut options = b"redirect_dir=off,metacopy=off,index=off,lowerdir=".to_vec();
    options.extend(layers.join(&b':'));
    for (name, directory) in [("upperdir", "upper"), ("workdir", "work")] {
        options.extend(format!(",{name}=").as_bytes());
        options.extend(boot.dir.join(directory).as_os_str().as_bytes());
    }
    let options = CString::new(options).map_err(|error| LocalError::hosts("overlay", error))?;
    mount(
        "overlay",
        root,
        "overlay",
        MountFlags::empty(),
        Some(options.as_c_str()),
    )
    .map_err(failed("mount its layers on", root))
}

fn devices(dev: &Path) -> Result<(), LocalError> {
    fresh("tmpfs", dev, MountFlags::NOSUID, "mode=755")?;
    for (name, major, minor) in DEVICES {
        device(&dev.join(name), name, makedev(major, minor))?;
    }
    for (name, target) in LINKS {
        let path = dev.join(name);
        symlink(target, &path).map_err(LocalError::file("cannot make", path))?;
    }
    let none = MountFlags::NOSUID | MountFlags::NOEXEC;
    make_dir(&dev.join("pts"), 0o755)?;
    fresh(
        "devpts",
        &dev.join("pts"),
        none,
        "newinstance,ptmxmode=0666,mode=0620,gid=5",
    )?;
    make_dir(&dev.join("shm"), 0o1777)?;
    fresh(
        "tmpfs",
        &dev.join("shm"),
        MountFlags::NOSUID | MountFlags::NODEV,
        "mode=1777",
    )
}

/// Makes a device file of the host's own: its owner and mode are not those of the machine's. Where making them is
/// forbidden, as in a container, the machine's is shown.
fn device(path: &Path, name: &str, number: Dev) -> Result<(), LocalError> {
    let mode = Mode::from_raw_mode(0o666);
    match mknodat(CWD, path, FileType::CharacterDevice, mode, number) {
        Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(0o666))
            .map_err(LocalError::file("cannot change", path)),
        Err(_) => show(&Path::new("/dev").join(name), path),
    }
}

/// Takes the machine's levers and memory out of `/proc`.
fn protect_machine(root: &Path) -> Result<(), LocalError> {
    let proc = root.join("proc");
    for name in MACHINES_PROC {
        let path = proc.join(name);
        if path.exists() {
            mount_bind_recursive(&path, &path).map_err(failed("mount", &path))?;
            read_only(&path)?;
        }
    }
    let memory = proc.join("kcore");
    if memory.exists() {
        mount_bind(root.join("dev/null"), &memory).map_err(failed("hide", &memory))?;
    }
    Ok(())
}

/// Kernel settings are the machine's, so a host reads them; those of its network are its own.
fn kernel_settings(sys: &Path) -> Result<(), LocalError> {
    let net = sys.join("net");
    mount_bind(&net, &net).map_err(failed("mount", &net))?;
    mount_bind_recursive(sys, sys).map_err(failed("mount", sys))?;
    read_only(sys)
}

/// Shows a file or directory of the machine, read-only.
fn show(source: &Path, target: &Path) -> Result<(), LocalError> {
    let parent = target.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(LocalError::file("cannot make", parent))?;
    if source.is_dir() {
        fs::create_dir_all(target).map_err(LocalError::file("cannot make", target))?;
    } else if !target.exists() {
        fs::write(target, "").map_err(LocalError::file("cannot make", target))?;
    }
    mount_bind(source, target).map_err(failed("show", source))?;
    read_only(target)
}

fn read_only(path: &Path) -> Result<(), LocalError> {
    let flags = MountFlags::BIND | MountFlags::RDONLY;
    mount_remount(path, flags, "").map_err(failed("protect", path))
}

fn fresh(kind: &str, target: &Path, flags: MountFlags, options: &str) -> Result<(), LocalError> {
    let text = CString::new(options).map_err(|error| LocalError::hosts("mount", error))?;
    mount(kind, target, kind, flags, Some(text.as_c_str())).map_err(failed("mount", target))
}

fn make_dir(path: &Path, mode: u32) -> Result<(), LocalError> {
    let made = fs::create_dir_all(path)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)));
    made.map_err(LocalError::file("cannot make", path))
}

/// Where an absolute path of the host stands before its root is the root.
fn within(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn pivot(root: &Path) -> Result<(), LocalError> {
    rustix::process::chdir(root).map_err(failed("enter", root))?;
    // The old root comes to lie over the new one and is taken off from there.
    rustix::process::pivot_root(".", ".").map_err(failed("enter", root))?;
    unmount(".", UnmountFlags::DETACH).map_err(failed("leave the machine's tree for", root))?;
    rustix::process::chdir("/").map_err(failed("enter", root))
}

fn failed(what: &str, path: &Path) -> impl FnOnce(rustix::io::Errno) -> LocalError {
    let what = format!("cannot {what} `{}`", path.display());
    move |error| LocalError::hosts(what, error)
}
