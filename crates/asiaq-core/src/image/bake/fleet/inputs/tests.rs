#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use std::fs;
use std::fs::{File, FileTimes};
use std::time::{Duration, SystemTime};

#[test]
fn the_newest_commit_of_a_path_counts() {
    let text = "\u{1}300\0\nA\0discoroot/etc/y\0D\0init/phase2.sh\0\u{1}200\0\nM\0discoroot/etc/y\0A\0discoroot/a b/ü\"q\0A\0init/phase2.sh\0";
    let expected = [
        ("discoroot/a b/ü\"q", (200, false)),
        ("discoroot/etc/y", (300, false)),
        ("init/phase2.sh", (300, true)),
    ];
    let expected = expected.map(|(path, commit)| (path.to_owned(), commit));
    assert_eq!(parse_log(text), BTreeMap::from(expected));
    assert_eq!(parse_log(""), BTreeMap::new());
}

#[test]
fn git_wins_where_the_file_is_as_it_was_committed() {
    let own = |pairs: &[(&str, i64)]| -> BTreeMap<String, i64> {
        pairs.iter().map(|(p, at)| ((*p).to_owned(), *at)).collect()
    };
    let last = [
        ("clean", (10, false)),
        ("dirty", (10, false)),
        ("gone", (20, true)),
        ("again", (20, true)),
        ("missing", (10, false)),
    ];
    let committed = Committed {
        last: last.map(|(path, commit)| (path.to_owned(), commit)).into(),
        dirty: ["dirty".to_owned(), "missing".to_owned()].into(),
    };
    let found = own(&[("clean", 99), ("dirty", 98), ("again", 97), ("new", 96)]);
    let expected = own(&[
        ("again", 97),
        ("clean", 10),
        ("dirty", 98),
        ("gone", 20),
        ("missing", 10),
        ("new", 96),
    ]);
    let merged = merge(found, committed);
    let merged: BTreeMap<String, i64> = merged.into_iter().map(|c| (c.path, c.at)).collect();
    assert_eq!(merged, expected);
}

fn touch(path: &Path, seconds: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, seconds.to_string()).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let times = FileTimes::new().set_modified(time);
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_times(times)
        .unwrap();
}

fn run(tree: &Path, date: u64, words: &[&str]) {
    let status = std::process::Command::new("git")
        .arg("-C")
        .arg(tree)
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
        .args(words)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_DATE", format!("@{date} +0000"))
        .env("GIT_COMMITTER_DATE", format!("@{date} +0000"))
        .status();
    assert!(status.unwrap().success(), "git {words:?}");
}

async fn times(tree: &Path) -> Vec<(String, i64)> {
    let changes = read(tree).await.unwrap();
    changes.into_iter().map(|c| (c.path, c.at)).collect()
}

fn expect(pairs: &[(&str, i64)]) -> Vec<(String, i64)> {
    pairs.iter().map(|(p, at)| ((*p).to_owned(), *at)).collect()
}

#[tokio::test]
async fn a_tree_without_git_has_times_of_modification() {
    let root = tempfile::tempdir().unwrap();
    let tree = root.path().join("none");
    assert_eq!(times(&tree).await, []);
    touch(&tree.join("init/phase2.sh"), 1_000);
    touch(&tree.join("discoroot/etc/x"), 2_000);
    touch(&tree.join("pipelines/ci.csv"), 3_000);
    std::os::unix::fs::symlink("etc", tree.join("discoroot/link")).unwrap();
    let found = times(&tree).await;
    let link = found.iter().find(|(path, _)| path == "discoroot/link");
    assert!(link.unwrap().1 > 3_000, "a link is a file of its own");
    let rest: Vec<_> = found.iter().filter(|found| Some(*found) != link).collect();
    assert_eq!(rest.len(), 2, "{found:?}");
    assert!(found.contains(&("discoroot/etc/x".to_owned(), 2_000)));
    assert!(found.contains(&("init/phase2.sh".to_owned(), 1_000)));
}

#[tokio::test]
async fn a_clone_has_times_of_commits() {
    let root = tempfile::tempdir().unwrap();
    // The configuration is a part of the repository.
    let tree = root.path().join("configuration");
    touch(&tree.join("init/phase2.sh"), 900_000_000);
    touch(&tree.join("init/old.sh"), 900_000_000);
    touch(&tree.join("discoroot/etc/x"), 900_000_000);
    run(root.path(), 0, &["init", "-q", "-b", "main"]);
    run(root.path(), 0, &["add", "-A"]);
    run(root.path(), 1_000_000_000, &["commit", "-qm", "one"]);
    let first = [
        ("discoroot/etc/x", 1_000_000_000),
        ("init/old.sh", 1_000_000_000),
        ("init/phase2.sh", 1_000_000_000),
    ];
    assert_eq!(times(&tree).await, expect(&first));

    // A branch that is older than its merge, and a deletion.
    run(root.path(), 0, &["switch", "-qc", "topic"]);
    touch(&tree.join("discoroot/etc/x"), 900_000_001);
    run(root.path(), 1_000_000_100, &["commit", "-qam", "two"]);
    run(root.path(), 0, &["switch", "-q", "main"]);
    run(root.path(), 0, &["rm", "-q", "configuration/init/old.sh"]);
    run(root.path(), 1_000_000_200, &["commit", "-qm", "three"]);
    let merge = ["merge", "-q", "--no-ff", "-m", "four", "topic"];
    run(root.path(), 1_000_000_300, &merge);
    let second = [
        ("discoroot/etc/x", 1_000_000_300),
        ("init/old.sh", 1_000_000_200),
        ("init/phase2.sh", 1_000_000_000),
    ];
    assert_eq!(times(&tree).await, expect(&second));

    // What is not committed has the time of its file.
    touch(&tree.join("init/phase2.sh"), 1_000_000_400);
    touch(&tree.join("init/new.sh"), 1_000_000_500);
    let third = [
        ("discoroot/etc/x", 1_000_000_300),
        ("init/new.sh", 1_000_000_500),
        ("init/old.sh", 1_000_000_200),
        ("init/phase2.sh", 1_000_000_400),
    ];
    assert_eq!(times(&tree).await, expect(&third));
}
