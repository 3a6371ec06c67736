//! The layer of a vendor's image.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

fn accounts() -> Accounts {
    Accounts {
        passwd: "root:x:0:0:root:/root:/bin/bash\nec2-user:x:1000:1000::/home/ec2-user:/bin/bash\n"
            .into(),
        group: "root:x:0:\nec2-user:x:1000:\n".into(),
    }
}

#[test]
fn a_plain_machine_with_a_default_user() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("needs root: files of other users are made");
        return;
    }
    if let Some(missing) = Vendor::missing() {
        eprintln!("{missing}");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let layer = root.path().join("ami-1");
    for _ in 0..2 {
        Vendor {
            accounts: &accounts(),
        }
        .plant(&layer)
        .unwrap();
    }
    let read = |name: &str| fs::read_to_string(layer.join(name)).unwrap();
    assert_eq!(
        read("etc/passwd"),
        "root:x:0:0:root:/root:/bin/bash\nadmin:x:1001:1001::/home/admin:/bin/bash\n"
    );
    assert_eq!(read("etc/group"), "root:x:0:\nadmin:x:1001:\n");
    assert_eq!(read("etc/shadow").lines().count(), 2);
    assert_eq!(read("etc/asiaq-local/default-user"), "admin\n");
    assert_eq!(
        read("etc/sudoers.d/90-cloud-init-users"),
        "admin ALL=(ALL) NOPASSWD:ALL\n"
    );
    assert!(read("etc/os-release").contains("\nID=debian\n"));
    for manager in MANAGERS {
        let path = layer.join("usr/local/sbin").join(manager);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755, "{manager}");
    }
    assert!(!layer.join("opt").exists(), "nothing of Asiaq is in it");
    assert_eq!(
        fs::read_dir(root.path()).unwrap().count(),
        1,
        "nothing unfinished is left"
    );
}
