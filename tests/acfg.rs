//! End to end: `acfg1` on real trees.

mod hostile;
mod machine;
mod sample;
mod static_build;

use crate::support::{Output, asiaq};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};
use tempfile::TempDir;

/// A source `s` and a target `t` in a directory of their own.
struct Bed {
    dir: TempDir,
}

impl Bed {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("s")).unwrap();
        fs::create_dir(dir.path().join("t")).unwrap();
        Self { dir }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Writes a file, with its directories.
    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn link(&self, to: &str, at: &str) {
        let at = self.path(at);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(to, at).unwrap();
    }

    fn mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn run(&self, words: &str) -> Output {
        asiaq("acfg1")
            .args([self.path("s"), self.path("t")])
            .args(words.split_whitespace())
            .run()
    }

    /// Lines of the log, with `S` and `T` for the trees. Each has its time in the common form.
    fn lines(&self, output: &Output) -> Vec<String> {
        assert_eq!(output.stdout, "", "no data");
        let lines = output.stderr.lines().map(|line| {
            let (time, rest) = line.split_at(24);
            let shape: String = time
                .chars()
                .map(|c| if c.is_ascii_digit() { '9' } else { c })
                .collect();
            assert_eq!(shape, "9999-99-99 99:99:99,999 ", "{line}");
            let rest = rest.strip_prefix("asiaq.acfg ").expect("the logger");
            let rest = rest.replace(self.path("s").to_str().unwrap(), "S");
            rest.replace(self.path("t").to_str().unwrap(), "T")
        });
        lines.collect()
    }
}

/// All that a tree holds: kind, mode, owner, change time and contents by path.
fn tree(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(path) = waiting.pop() {
        let found = fs::symlink_metadata(&path).unwrap();
        let mut text = format!(
            "{:o} {} {} {}.{} ",
            found.mode(),
            found.uid(),
            found.gid(),
            found.mtime(),
            found.mtime_nsec()
        );
        if found.is_dir() {
            let entries = fs::read_dir(&path).unwrap();
            waiting.extend(entries.map(|entry| entry.unwrap().path()));
        } else if found.is_symlink() {
            text += fs::read_link(&path).unwrap().to_str().unwrap();
        } else if found.is_file() {
            text += &format!("{:?} {:?}", found.ino(), fs::read(&path).unwrap());
        }
        all.insert(path.strip_prefix(root).unwrap().to_owned(), text);
    }
    all
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says on the test's stderr that something was not tested.
fn skipped(why: &str) {
    eprintln!("SKIPPED: {why}");
}

#[test]
fn help_and_usage() {
    let run = |words: &str| asiaq("acfg1").args(words.split_whitespace()).run();
    let help = run("--help").expect_status(0);
    assert_eq!(help.stderr, "");
    insta::assert_snapshot!("help", help.stdout);
    assert!(
        run("--version")
            .expect_status(0)
            .stdout
            .starts_with("acfg1 ")
    );
    for words in [
        "",
        "a",
        "a b c",
        "a b --hostclass",
        "a b --hostclass=",
        "a b --wet",
    ] {
        let output = run(words).expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{words}"
        );
    }
}

/// Files in the source, hostclasses, and what the target gets: name and contents.
type Case<'a> = (&'a [&'a str], &'a str, &'a [(&'a str, &'a str)]);

#[test]
fn the_worked_table_dry_and_real() {
    let table: [Case; 5] = [
        (
            &["motd", "motd~mhcweb"],
            "--hostclass mhcweb",
            &[("motd", "motd~mhcweb")],
        ),
        (
            &["motd", "motd~mhcweb"],
            "--hostcl mhcdb",
            &[("motd", "motd")],
        ),
        (&["x~mhcweb"], "--hostclass mhcdb", &[]),
        (
            &["x~b", "x~a", "x"],
            "--hostclass a --hostclass=b",
            &[("x", "x~a")],
        ),
        (&["x~mhcweb~old", "y~"], "--hostclass mhcweb", &[]),
    ];
    for (files, words, want) in table {
        let bed = Bed::new();
        for file in files {
            bed.write(&format!("s/etc/{file}"), file);
        }
        let before = tree(&bed.path("t"));
        let dry = bed.run(&format!("--dry {words}")).expect_status(0);
        assert_eq!(tree(&bed.path("t")), before, "a dry run changes nothing");
        let alias = bed.run(&format!("--dry-run {words}")).expect_status(0);
        assert_eq!(bed.lines(&alias), bed.lines(&dry));
        let real = bed.run(words).expect_status(0);
        assert_eq!(bed.lines(&real), bed.lines(&dry), "{files:?}");
        let etc = tree(&bed.path("t/etc"));
        assert_eq!(etc.len(), want.len() + 1, "{etc:?}");
        for (name, text) in want {
            assert_eq!(bed.read(&format!("t/etc/{name}")), *text);
        }
        let after = tree(&bed.path("t"));
        let again = bed.run(words).expect_status(0);
        assert_eq!(tree(&bed.path("t")), after, "a second run changes nothing");
        assert_eq!(bed.lines(&again).last().unwrap(), "INFO nothing to change");
    }
}

#[test]
fn lines_tell_what_is_done() {
    let bed = Bed::new();
    bed.write("s/etc/a", "a");
    bed.write("s/etc/b~other", "b");
    bed.mode("s/etc/a", 0o640);
    let found = bed.run("--hostclass x").expect_status(0);
    assert_eq!(
        bed.lines(&found),
        [
            "INFO skipping: S/etc/b~other",
            "INFO make directory T/etc",
            "INFO copying S/etc/a to T/etc/a",
            "WARN Metadata file not found: S/acfg.metadata",
        ]
    );
    bed.mode("t/etc/a", 0o600);
    let found = bed.run("--hostclass x --debug").expect_status(0);
    let lines = bed.lines(&found);
    assert!(
        lines.contains(&"INFO setting permissions of T/etc/a to 0640".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn modes_and_times_of_directories_are_taken_over_but_not_those_of_the_target() {
    let bed = Bed::new();
    bed.write("s/etc/sub/a", "a");
    bed.write("t/etc/old", "old");
    let past = UNIX_EPOCH + Duration::new(1_000_000_000, 5);
    for (path, mode) in [("s/etc/sub", 0o1775), ("s/etc", 0o711), ("s", 0o700)] {
        bed.mode(path, mode);
        let folder = fs::File::open(bed.path(path)).unwrap();
        folder.set_modified(past).unwrap();
    }
    bed.mode("t", 0o755);
    bed.run("--hostclass x").expect_status(0);
    for (path, mode) in [("t/etc/sub", 0o1775), ("t/etc", 0o711)] {
        let found = fs::metadata(bed.path(path)).unwrap();
        assert_eq!(found.mode() & 0o7777, mode, "{path}");
        assert_eq!(found.modified().unwrap(), past, "{path}");
    }
    let target = fs::metadata(bed.path("t")).unwrap();
    assert_eq!(target.mode() & 0o7777, 0o755);
    assert_ne!(target.modified().unwrap(), past);
    assert_eq!(bed.read("t/etc/old"), "old");
}

#[test]
fn links_are_made_again_and_those_to_files_of_the_tree_are_copied() {
    let bed = Bed::new();
    bed.write("s/etc/real", "text");
    bed.write("s/etc/dir/x", "x");
    bed.link("real", "s/etc/file");
    bed.link("dir", "s/etc/folder");
    bed.link("later/made", "s/etc/dangling");
    bed.write("t/etc/dangling", "was a file");
    bed.link("elsewhere", "t/etc/folder");
    for _ in 0..2 {
        bed.run("--hostclass x").expect_status(0);
        assert!(!bed.path("t/etc/file").is_symlink());
        assert_eq!(bed.read("t/etc/file"), "text");
        let to = |path: &str| fs::read_link(bed.path(path)).unwrap();
        assert_eq!(to("t/etc/folder"), Path::new("dir"));
        assert_eq!(to("t/etc/dangling"), Path::new("later/made"));
    }
}

#[test]
fn a_target_that_is_missing_is_made_and_one_inside_the_source_is_refused() {
    let bed = Bed::new();
    bed.write("s/a/b", "text");
    let run = |to: &str, words: &str| {
        let words = words.split_whitespace().map(str::to_owned);
        asiaq("acfg1")
            .args([bed.path("s"), bed.path(to)])
            .args(words)
            .run()
    };
    run("new/target", "--hostclass x --dry").expect_status(0);
    assert!(!bed.path("new").exists());
    run("new/target", "--hostclass x").expect_status(0);
    assert_eq!(bed.read("new/target/a/b"), "text");
    for to in ["s", "s/a", "s/none"] {
        let output = run(to, "--hostclass x").expect_status(1);
        let want = "the target is the source or lies in it";
        assert!(output.stderr.contains(want), "{}", output.stderr);
    }
    let output = run("s/a/b", "--hostclass x").expect_status(1);
    assert!(output.stderr.starts_with("error: "));
    bed.write("file", "");
    let output = run("file", "--hostclass x").expect_status(1);
    assert!(
        output.stderr.contains("is no directory"),
        "{}",
        output.stderr
    );
}

#[test]
fn the_machine_must_say_what_it_is_and_the_source_must_be_there() {
    let bed = Bed::new();
    if Path::new("/opt/wgen/etc/hostclass").exists() {
        skipped("this machine has a hostclass");
    } else {
        let output = bed.run("").expect_status(1);
        assert_eq!(
            output.stderr,
            "error: Couldn't find hostclass file /opt/wgen/etc/hostclass\nhint: name the hostclass with `--hostclass`\n"
        );
    }
    fs::remove_dir(bed.path("s")).unwrap();
    let output = bed.run("--hostclass x --debug").expect_status(1);
    let told = format!(
        "error: cannot read `{}`: No such file",
        bed.path("s").display()
    );
    assert!(output.stderr.starts_with(&told), "{}", output.stderr);
    assert!(
        output.stderr.contains("\n  caused by: "),
        "{}",
        output.stderr
    );
}
