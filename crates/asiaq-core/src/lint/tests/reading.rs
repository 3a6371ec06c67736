//! Files that cannot be read.

use super::*;

#[test]
fn what_cannot_be_read_is_a_problem_with_its_path() {
    let empty = tempfile::tempdir().unwrap();
    let told_of = |root: &Path| told(root).join("\n");
    let missing = told_of(empty.path());
    assert!(
        missing.starts_with("disco_aws.ini: Config path not found: "),
        "{missing}"
    );
    assert!(
        missing.contains("\ndisco_vpc.ini: Config path not found: "),
        "{missing}"
    );
    assert_eq!(missing.lines().count(), 2, "{missing}");
    let folder = |name: &str| {
        let root = tree(&[]);
        fs::create_dir_all(root.path().join(name)).unwrap();
        told_of(root.path())
    };
    assert_eq!(
        folder("disco_rds.ini"),
        "disco_rds.ini: a directory stands where a file should be"
    );
    assert_eq!(
        folder("disco_alarms.ini"),
        "disco_alarms.ini: a directory stands where a file should be"
    );
    assert_eq!(folder("pipelines/a.csv"), "");
    assert_eq!(
        folder("discoroot/acfg.metadata"),
        "discoroot/acfg.metadata: a directory stands where a file should be"
    );
    let file = |name: &str, text: &[u8]| {
        let root = tree(&[]);
        fs::create_dir_all(root.path().join(name).parent().unwrap()).unwrap();
        if name.starts_with("iam/") {
            write(root.path(), "iam/user_policies/base.iam", "");
            write(root.path(), "iam/instance_policies/base.iam", "");
        }
        fs::write(root.path().join(name), text).unwrap();
        told_of(root.path())
    };
    for name in [
        "pipelines",
        "iam",
        "sandboxes",
        "init",
        "dynamodb",
        "app_auth",
        "discoroot",
    ] {
        let told = file(name, b"");
        assert_eq!(
            told,
            format!("{name}: a file stands where a directory should be")
        );
    }
    assert_eq!(
        file("disco_rds.ini", b"[ci]\n\xff\n")
            .lines()
            .next()
            .unwrap(),
        "disco_rds.ini:2: this line is not valid UTF-8 (save the file as UTF-8)"
    );
    assert_eq!(
        file("iam/user_policies/a.iam", b"{\n\"\xff\": 1}"),
        "iam/user_policies/a.iam:2: this line is not valid UTF-8"
    );
    assert_eq!(
        file("iam/group_membership/dev/a.grp", b"\xff"),
        "iam/group_membership/dev/a.grp: this file is not valid UTF-8"
    );
    assert!(
        file("pipelines/a.csv", b"sequence,hostclass\n1,\xff\n")
            .contains("pipelines/a.csv:2: hostclass: the cell is not valid UTF-8")
    );
    assert_eq!(
        file("disco_rds.ini", &vec![b'\n'; 5 << 20]),
        "disco_rds.ini: 5242880 bytes are too many: files of up to 4194304 are read"
    );
    assert!(
        file("iam/user_policies/a.iam", "[".repeat(100_000).as_bytes())
            .contains("a.iam:1: no valid JSON: recursion limit exceeded")
    );
}

#[test]
fn links_that_lead_nowhere() {
    let link = |target: &str, name: &str| {
        let root = tree(&[]);
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, &path).unwrap();
        told(root.path()).join("\n")
    };
    assert!(
        link("disco_rds.ini", "disco_rds.ini")
            .starts_with("disco_rds.ini: cannot read this file: ")
    );
    assert!(link(".", "iam/loop").starts_with("iam/loop: this symbolic link leads back to "));
    assert!(link("gone", "pipelines/a.csv").starts_with("pipelines/a.csv: cannot read this: "));
    // Links in the overlay are content: hosts get them as they are.
    assert_eq!(link("/gone", "discoroot/etc/x"), "");
    assert_eq!(link("..", "discoroot/loop"), "");
    assert_eq!(link("/gone", "discoroot/etc/config.ini"), "");
    // Locks of Emacs.
    assert_eq!(link("ann@host.1:2", "iam/user_policies/.#a.iam"), "");
    assert_eq!(link("ann@host.1:2", "pipelines/.#a.csv"), "");
}

#[test]
fn links_out_of_the_tree_are_not_read() {
    let outside = tempfile::tempdir().unwrap();
    let bad = "sequence,hostclass\nx,mhcweb\n";
    fs::write(outside.path().join("a.csv"), bad).unwrap();
    fs::write(outside.path().join("config.ini"), "level=DEBUG\n").unwrap();
    let link = |target: &Path, name: &str| {
        let root = tree(&[]);
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, &path).unwrap();
        told(root.path()).join("\n")
    };
    let file = outside.path().join("a.csv");
    for (target, name) in [
        (outside.path(), "iam/shared"),
        (outside.path(), "pipelines/shared"),
        (file.as_path(), "pipelines/a.csv"),
        (file.as_path(), "iam/user_policies/a.iam"),
        (file.as_path(), "sandboxes/mine/pipeline.csv"),
    ] {
        let wanted = format!("{name}: warning: this symbolic link leads out of the ");
        let told = link(target, name);
        assert!(told.starts_with(&wanted), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
    // The folder itself may lie elsewhere, and links of the overlay are not opened.
    assert!(link(outside.path(), "pipelines").contains("pipelines/a.csv:2:"));
    let settings = outside.path().join("config.ini");
    assert_eq!(link(&settings, "discoroot/etc/config.ini"), "");
}

#[test]
fn pipelines_in_folders_are_read_and_leftovers_are_not() {
    let bad = "sequence,hostclass\nx,mhcweb\n";
    expect(
        &[("pipelines/dev/a.csv", bad)],
        &["pipelines/dev/a.csv:2: sequence: `x` is not a sequence number"],
    );
    expect(
        &[
            ("pipelines/.a.csv", bad),
            ("pipelines/a.csv~", bad),
            ("iam/user_policies/.a.iam.swp", "{"),
            ("iam/user_policies/#a.iam#", "{"),
            ("iam/user_policies/a.iam~", "{"),
        ],
        &[],
    );
}

#[test]
fn a_file_full_of_nonsense_is_told_of_quickly() {
    let root = tree(&[("disco_rds.ini", &format!("[a]\n{}", "x\n".repeat(100_000)))]);
    let started = std::time::Instant::now();
    assert_eq!(report(root.path()).problems.len(), 100_000);
    assert!(started.elapsed() < std::time::Duration::from_secs(20));
}
