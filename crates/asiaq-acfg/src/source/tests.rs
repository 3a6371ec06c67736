//! Observation of real trees.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

fn tree() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("etc/sub")).unwrap();
    fs::write(root.path().join("etc/a"), "a").unwrap();
    fs::set_permissions(
        root.path().join("etc/a"),
        fs::Permissions::from_mode(0o4751),
    )
    .unwrap();
    root
}

#[test]
fn links_to_files_of_the_tree_are_files_and_all_others_stay_links() {
    let root = tree();
    let etc = root.path().join("etc");
    let outside = tempfile::NamedTempFile::new().unwrap();
    let absolute = etc.join("a");
    for (name, to) in [
        ("file", Path::new("a")),
        ("chain", Path::new("file")),
        ("absolute", &absolute),
        ("folder", Path::new("sub")),
        ("nothing", Path::new("no/such")),
        ("loop", Path::new("loop")),
        ("outside", outside.path()),
        ("parents", Path::new("../../../../../../../../etc/passwd")),
    ] {
        symlink(to, etc.join(name)).unwrap();
    }
    let source = Source::observe(root.path()).unwrap();
    let paths: Vec<&Path> = source.folders.iter().map(|f| f.path.as_path()).collect();
    assert_eq!(
        paths,
        [Path::new(""), Path::new("etc"), Path::new("etc/sub")]
    );
    let etc = &source.folders[1];
    assert_eq!(etc.directories, BTreeSet::from([OsString::from("sub")]));
    let found = |name: &str| etc.files[OsStr::new(name)].clone();
    for name in ["a", "file", "chain", "absolute"] {
        assert_eq!(found(name), Entry::File(0o4751), "{name}");
    }
    assert_eq!(found("folder"), Entry::Link("sub".into()));
    assert_eq!(found("nothing"), Entry::Link("no/such".into()));
    assert_eq!(found("loop"), Entry::Link("loop".into()));
    assert_eq!(found("outside"), Entry::Link(outside.path().to_owned()));
    assert!(matches!(found("parents"), Entry::Link(_)));
    assert_eq!(source.metadata, None);
}

#[test]
fn special_files_are_all_named() {
    let root = tree();
    let _socket = UnixListener::bind(root.path().join("etc/sub/socket")).unwrap();
    let status = std::process::Command::new("mkfifo")
        .arg(root.path().join("pipe~mhcother"))
        .status();
    assert!(status.unwrap().success());
    symlink("../pipe~mhcother", root.path().join("etc/link")).unwrap();
    let AcfgError::Refused(problems) = Source::observe(root.path()).unwrap_err() else {
        panic!("another error");
    };
    let mut told: Vec<String> = problems.iter().map(Problem::to_string).collect();
    told.sort();
    let shown = root.path().display();
    assert_eq!(
        told,
        [
            format!("{shown}/etc/link: a pipe cannot be copied"),
            format!("{shown}/etc/sub/socket: a socket cannot be copied"),
            format!("{shown}/pipe~mhcother: a pipe cannot be copied"),
        ]
    );
}

#[test]
fn metadata_is_read_from_the_top_only_and_never_from_outside() {
    let root = tree();
    fs::write(root.path().join("etc/acfg.metadata"), "nonsense").unwrap();
    assert_eq!(Source::observe(root.path()).unwrap().metadata, None);
    let top = root.path().join(METADATA);
    fs::write(&top, "text").unwrap();
    let found = Source::observe(root.path()).unwrap().metadata;
    assert_eq!(found.as_deref(), Some(&b"text"[..]));
    fs::remove_file(&top).unwrap();
    symlink("/etc/passwd", &top).unwrap();
    let error = Source::observe(root.path()).unwrap_err().to_string();
    assert!(
        error.ends_with("this link does not lead to a file of the source"),
        "{error}"
    );
    assert!(Source::observe(Path::new("/no/such/tree")).is_err());
}
