//! The layer over a made-up machine. Needs root, for whiteouts; elsewhere nothing is shown.
#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use std::os::unix::fs::FileTypeExt;

fn machine(root: &Path) {
    for (name, mode) in [
        ("etc", 0o755),
        ("etc/keys", 0o700),
        ("etc/app", 0o755),
        ("etc/ssh", 0o755),
        ("usr", 0o755),
        ("usr/local", 0o755),
        ("usr/local/keys", 0o700),
        ("usr/local/bin", 0o755),
        ("library", 0o755),
        ("lib64", 0o755),
        ("home", 0o755),
        ("data", 0o755),
    ] {
        let path = root.join(name);
        fs::create_dir(&path).unwrap();
        mode_of(&path, mode).unwrap();
    }
    for (name, mode) in [
        ("etc/passwd", 0o644),
        ("etc/passwd-", 0o644),
        ("etc/group", 0o644),
        ("etc/shadow", 0o640),
        ("etc/plain", 0o644),
        ("etc/app/secret", 0o600),
        ("etc/app/open", 0o644),
        ("usr/local/bin/secret", 0o640),
        ("usr/local/bin/open", 0o755),
        ("etc/ssh/ssh_host_rsa_key", 0o600),
        ("swapfile", 0o600),
    ] {
        file(root, name, mode, "root:x:0:0::/root:/bin/sh\n").unwrap();
    }
}

#[test]
fn private_things_are_hidden_and_open_ones_are_not() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let (base, below) = (root.path().join("base"), root.path().join("machine"));
    fs::create_dir(&base).unwrap();
    fs::create_dir(&below).unwrap();
    machine(&below);
    if make(&base, &below).is_err() {
        // The temporary directory is on a file system without such attributes, or the machine forbids them.
        return;
    }
    let hidden = |name: &str| {
        let found = base.join(name).symlink_metadata();
        found.is_ok_and(|found| found.file_type().is_char_device() && found.rdev() == 0)
    };
    for name in [
        "data",
        "library",
        "usr/local/keys",
        "usr/local/bin/secret",
        "swapfile",
        "etc/keys",
        "etc/app/secret",
        "etc/passwd-",
    ] {
        assert!(hidden(name), "{name}");
    }
    for name in [
        "usr/bin",
        "usr/local/bin/open",
        "lib64",
        "etc/plain",
        "etc/app/open",
        "etc/ssh/ssh_host_rsa_key",
    ] {
        assert!(!base.join(name).exists() && !hidden(name), "{name}");
    }
    for name in ["etc/ssh", "home", "root", "var", "etc/systemd/system"] {
        assert!(is_opaque(&base.join(name)), "{name}");
    }
    assert!(!is_opaque(&base.join("etc")));
    let shadow = fs::read_to_string(base.join("etc/shadow")).unwrap();
    assert_eq!(
        shadow,
        "root:*:20000:0:99999:7:::\nec2-user:*:20000:0:99999:7:::\n"
    );
    let mode = |name: &str| base.join(name).metadata().unwrap().mode() & 0o7777;
    assert_eq!(
        (mode("tmp"), mode("root"), mode("etc/shadow")),
        (0o1777, 0o700, 0o600)
    );
}
