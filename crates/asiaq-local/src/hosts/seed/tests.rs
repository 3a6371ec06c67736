//! The project's own discoroot as an image, and trees that are refused.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

fn accounts() -> Accounts {
    Accounts {
        passwd: "root:x:0:0:root:/root:/bin/bash\nec2-user:x:1000:1000::/home/ec2-user:/bin/bash\nx:x:1001:1001::/:/bin/sh\n".into(),
        group: "root:x:0:\nec2-user:x:1000:\nx:x:1001:\nothers:x:1002:\n".into(),
    }
}

fn plant(config: &Path, hostclass: &str, target: &Path) -> Result<(), LocalError> {
    let accounts = accounts();
    Seed {
        config,
        hostclass,
        productline: "demo",
        accounts: &accounts,
    }
    .plant(target)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_shipped_files_become_an_image() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("needs root: files of other users are made");
        return;
    }
    let config = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let root = tempfile::tempdir().unwrap();
    let layer = root.path().join("ami-1");
    for _ in 0..2 {
        plant(config, "mhcbanana", &layer).unwrap();
    }
    let read = |name: &str| fs::read_to_string(layer.join(name)).unwrap();
    assert_eq!(read("opt/wgen/etc/hostclass"), "mhcbanana\n");
    assert!(
        layer.join("usr/share/nginx/html/banana.html").is_file(),
        "its own files have lost their suffix"
    );
    assert!(
        !layer.join("etc/chrony.conf").exists(),
        "those of others are left out"
    );
    assert!(!layer.join("acfg.metadata").exists());
    assert_eq!(
        mode(&layer.join("etc/ssh/sshd_config.d/10-disco.conf")),
        0o600
    );
    assert_eq!(mode(&layer.join("opt/wgen/bin/disco-booted.sh")), 0o755);
    let wants = layer.join("etc/systemd/system/multi-user.target.wants");
    for unit in UNITS.iter().chain([&EIP]) {
        let link = fs::read_link(wants.join(format!("{unit}.service"))).unwrap();
        assert_eq!(
            link,
            Path::new(&format!("/etc/systemd/system/{unit}.service"))
        );
    }
    assert!(!wants.join("disco-data-volume.service").exists());
    let passwd = read("etc/passwd");
    assert!(
        passwd.contains("smoketest:x:1003:1003::/home/smoketest:/bin/bash\n"),
        "{passwd}"
    );
    assert!(read("etc/group").contains("disco_operators:x:"));
    assert!(read("etc/shadow").contains("snapshot:*:"), "not locked");
    let keys = read("home/smoketest/.ssh/authorized_keys");
    assert_eq!(
        keys,
        "restrict,command=\"/opt/wgen/bin/smoketest.sh\" {s3cred://public_keys/ssh/smoketest.pub}\n"
    );
    assert_eq!(mode(&layer.join("home/smoketest/.ssh")), 0o700);
    assert!(layer.join("opt/wgen/discoaws/disco_aws.ini").is_file());
    let checks = read("opt/wgen/etc/smoketest.conf");
    assert!(checks.contains("\ncheck_root_disk_space\n"), "{checks}");
    assert!(
        checks.contains("\n# Not on local hosts: is_service_running crond cron\n"),
        "{checks}"
    );
    assert_eq!(
        tree::entries(root.path()).unwrap(),
        [layer],
        "nothing unfinished is left"
    );
}

#[test]
fn checks_of_services_that_are_there_stay() {
    let text = "# c\nis_service_running web\nis_service_running gone\nis_service_running gone || true\nis_service_running gone web\nis_service_running gone away\ncheck x\n";
    let kept = with_known_services(text, |service| service == "web");
    assert_eq!(
        kept,
        "# c\nis_service_running web\n# Not on local hosts: is_service_running gone\nis_service_running gone || true\n\
         is_service_running gone web\n# Not on local hosts: is_service_running gone away\ncheck x\n"
    );
}

#[test]
fn what_leads_out_of_the_tree_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("secret"), "s").unwrap();
    type Trouble = fn(&Path);
    let troubles: [(&str, Trouble); 4] = [
        ("absolute", |etc| {
            symlink("/etc/hostname", etc.join("x")).unwrap()
        }),
        ("above", |etc| {
            symlink("../../../secret", etc.join("x")).unwrap()
        }),
        ("folder", |etc| symlink("/tmp", etc.join("x")).unwrap()),
        ("metadata", |etc| {
            fs::write(
                etc.join("../acfg.metadata"),
                "/../../secret 0777 root root\n",
            )
            .unwrap()
        }),
    ];
    for (name, make) in troubles {
        let config = dir.path().join(name);
        fs::create_dir_all(config.join("discoroot/etc")).unwrap();
        make(&config.join("discoroot/etc"));
        let target = dir.path().join(format!("{name}-layer"));
        let error = plant(&config, "mhcweb", &target).unwrap_err();
        assert!(
            error.to_string().contains("leads out of"),
            "{name}: {error}"
        );
        assert!(!target.exists(), "{name}: half an image is no image");
    }
    assert_ne!(mode(&dir.path().join("secret")), 0o777);
}
