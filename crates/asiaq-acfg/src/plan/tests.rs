//! Plans over trees that exist only here: what is decided, hostile trees, and that a second run plans nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod hostile;
mod model;
mod properties;

use super::*;
use crate::source::{Entry, Folder};
use model::{Model, Node, lines, source};

#[test]
fn a_fresh_target_gets_directories_files_and_owners_in_order() {
    let source = source(
        &["etc 755", "etc/cron.d 700"],
        &[
            "etc/a 644 one",
            "etc/a~mhcweb 600 two",
            "etc/b~mhcdb 644 x",
            "etc/cron.d/job 640 j",
        ],
        Some(
            "/etc/a~mhcweb 4750 games root\n/etc/a 0644 root root\n/etc/cron.d 0711 root root\n/none 0600 root root\n",
        ),
    );
    let mut model = Model::new("/t");
    let plan = model.plan(&source, "mhcweb").unwrap();
    assert_eq!(
        lines(&plan),
        [
            "skipping: S/etc/a",
            "skipping: S/etc/b~mhcdb",
            "make directory D/etc",
            "copying S/etc/a~mhcweb to D/etc/a",
            "setting ownership of D/etc/a to games:root",
            "setting permissions of D/etc/a to 4750",
            "make directory D/etc/cron.d",
            "copying S/etc/cron.d/job to D/etc/cron.d/job",
            "Skipping permissions from hostclass (all) for D/etc/a",
            "W skipping permissions (file not found): D/none",
            "setting ownership of D/etc/cron.d to root:root",
            "setting permissions of D/etc/cron.d to 0711",
        ]
    );
    model.apply(&plan);
    let file = model.file("etc/a");
    assert_eq!((file.uid, file.gid, file.mode), (5, 0, 0o4750));
    assert_eq!(model.file("etc/cron.d/job").mode, 0o640);
    let again = model.plan(&source, "mhcweb").unwrap();
    assert!(again.is_empty(), "{again:?}");
}

#[test]
fn what_is_there_keeps_its_owner_and_takes_contents_mode_and_times() {
    let source = source(&["etc 755"], &["etc/a 644 new", "etc/same 600 s"], Some(""));
    let mut model = Model::new("/");
    model.put("etc", Node::directory(7, 7, 0o700));
    model.put("etc/a", Node::file(5, 6, 0o600, "old"));
    model.put("etc/same", Node::file(5, 6, 0o644, "s"));
    let plan = model.plan(&source, "x").unwrap();
    assert_eq!(
        lines(&plan),
        [
            "copying S/etc/a to D/etc/a",
            "setting permissions of D/etc/same to 0600",
            "setting permissions of D/etc to 0755",
        ]
    );
    model.apply(&plan);
    for (path, ids) in [("etc", (7, 7)), ("etc/a", (5, 6)), ("etc/same", (5, 6))] {
        let file = model.file(path);
        assert_eq!((file.uid, file.gid), ids, "{path}");
    }
    assert!(model.plan(&source, "x").unwrap().is_empty());
}

#[test]
fn a_directory_that_is_there_is_closed_before_its_files_and_opened_after_them() {
    // Found, wanted, before the file, after it.
    let table = [
        (0o755, 0o700, Some(0o700), None),
        (0o700, 0o755, None, Some(0o755)),
        (0o750, 0o705, Some(0o700), Some(0o705)),
        (0o777, 0o1777, Some(0o1777), None),
        (0o1777, 0o777, None, Some(0o777)),
        (0o755, 0o2775, None, Some(0o2775)),
        (0o755, 0o555, None, Some(0o555)),
    ];
    for (found, wanted, early, late) in table {
        let folder = format!("etc {wanted:o}");
        let source = source(&[folder.as_str()], &["etc/a 600 secret"], Some(""));
        let mut model = Model::new("/t");
        model.put("etc", Node::directory(7, 7, found));
        let plan = model.plan(&source, "x").unwrap();
        let steps: Vec<&Step> = plan.steps().collect();
        let copy = steps
            .iter()
            .position(|step| matches!(step, Step::Copy { .. }));
        let (before, after) = steps.split_at(copy.unwrap());
        let mode = |steps: &[&Step]| {
            steps.iter().find_map(|step| match step {
                Step::Mode { mode, .. } => Some(*mode),
                _ => None,
            })
        };
        let modes = (mode(before), mode(after));
        assert_eq!(modes, (early, late), "{found:o} {wanted:o}");
        model.apply(&plan);
        assert_eq!(model.file("etc").mode, wanted);
        assert!(model.plan(&source, "x").unwrap().is_empty());
    }
    let source = source(
        &["etc 755"],
        &["etc/a 600 secret"],
        Some("/etc 0750 root games"),
    );
    let mut model = Model::new("/t");
    model.put("etc", Node::directory(7, 7, 0o775));
    let plan = model.plan(&source, "x").unwrap();
    let want = [
        "setting ownership of D/etc to root:games",
        "setting permissions of D/etc to 0750",
        "copying S/etc/a to D/etc/a",
    ];
    assert_eq!(lines(&plan), want);
}

#[test]
fn of_the_lines_for_a_path_the_first_counts_unless_a_later_one_is_for_a_stronger_hostclass() {
    let table = [
        ("/f 0600 root root\n/f 0644 root root", "a", 0o600),
        ("/f 0600 root root\n/f~a 0644 root root", "a", 0o644),
        ("/f~a 0600 root root\n/f 0644 root root", "a", 0o600),
        ("/f~b 0600 root root\n/f~a 0644 root root", "a b", 0o644),
        ("/f~a 0600 root root\n/f~b 0644 root root", "a b", 0o600),
        ("/f~b 0600 root root\n/f~b 0644 root root", "a b", 0o600),
        ("/f~c 0600 root root\n/f 0644 root root", "a b", 0o644),
        // The same file by another path: `l` leads to the target itself.
        ("/l/f 0600 root root\nf 0644 root root", "a", 0o600),
    ];
    for (text, hostclasses, want) in table {
        let source = source(&[], &["f 777 f"], Some(text));
        let mut model = Model::new("/t");
        model.put("l", Node::Link(".".into()));
        let plan = model.plan(&source, hostclasses).unwrap();
        model.apply(&plan);
        assert_eq!(model.file("f").mode, want, "{text}");
        assert!(
            model.plan(&source, hostclasses).unwrap().is_empty(),
            "{text}"
        );
    }
}

#[test]
fn accounts_are_made_once_and_first_and_only_for_lines_that_count() {
    let text = "/f 0600 new fresh\n/g 0600 new fresh\n/h 0600 1234 4321\n/none 0600 never never\n/i~z 0600 never never\n\
                /l 0600 games fresh\n";
    let files = ["f 644 f", "g 644 g", "h 644 h", "i 644 i", "l 644 l"];
    let source = source(&[], &files, Some(text));
    let mut model = Model::new("/t");
    let plan = model.plan(&source, "x").unwrap();
    assert_eq!(
        lines(&plan)[..2],
        ["making group fresh", "making user new in group fresh"]
    );
    let made = plan
        .steps()
        .filter(|step| matches!(step, Step::Group(_) | Step::User(_)));
    assert_eq!(made.count(), 2);
    model.apply(&plan);
    let file = model.file("h");
    assert_eq!((file.uid, file.gid), (1234, 4321));
    assert!(model.plan(&source, "x").unwrap().is_empty());
}

#[test]
fn owners_of_what_the_source_does_not_bring() {
    let source = source(
        &[],
        &[],
        Some("/root 0700 root root\n/etc/x 6755 games games\n/ 0711 root root"),
    );
    let mut model = Model::new("/");
    model.put("root", Node::directory(0, 0, 0o755));
    model.put("etc", Node::directory(0, 0, 0o755));
    model.put("etc/x", Node::file(0, 0, 0o6755, "x"));
    let plan = model.plan(&source, "x").unwrap();
    let want = [
        Step::Mode {
            path: "root".into(),
            mode: 0o700,
        },
        Step::Own {
            path: "etc/x".into(),
            owner: Owner {
                user: "games".into(),
                group: "games".into(),
            },
            mode: 0o6755,
        },
        Step::Mode {
            path: "".into(),
            mode: 0o711,
        },
    ];
    assert_eq!(plan.steps().cloned().collect::<Vec<_>>(), want);
    model.apply(&plan);
    assert!(model.plan(&source, "x").unwrap().is_empty());
}

#[test]
fn a_tree_without_metadata_is_laid_with_a_warning() {
    let source = source(&[], &["f 644 f"], None);
    let mut model = Model::new("/t");
    let plan = model.plan(&source, "x").unwrap();
    assert_eq!(
        lines(&plan),
        [
            "copying S/f to D/f",
            "W Metadata file not found: S/acfg.metadata"
        ]
    );
    model.apply(&plan);
    let again = model.plan(&source, "x").unwrap();
    assert!(again.is_empty());
    assert_eq!(
        lines(&again),
        ["W Metadata file not found: S/acfg.metadata"]
    );
}

#[test]
fn a_target_that_is_missing_is_made_first() {
    let source = source(&["etc 755"], &["etc/a 644 a"], Some("/ 0750 root root"));
    let mut model = Model::missing("/t");
    let plan = model.plan(&source, "x").unwrap();
    assert_eq!(plan.steps().next(), Some(&Step::Directory("".into())));
    model.apply(&plan);
    assert_eq!(model.file("").mode, 0o750);
    assert!(model.plan(&source, "x").unwrap().is_empty());
}

#[test]
fn times_alone_are_told_too() {
    let source = source(&["etc 755"], &["etc/a 644 a"], Some(""));
    let mut model = Model::new("/t");
    let plan = model.plan(&source, "x").unwrap();
    model.apply(&plan);
    model.disturb("etc");
    let plan = model.plan(&source, "x").unwrap();
    assert_eq!(lines(&plan), ["setting times of D/etc"]);
    model.apply(&plan);
    assert!(model.plan(&source, "x").unwrap().is_empty());
}
