//! Trees that would lead out of the target, or whose parts contradict each other.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

/// Links of the target by path and destination.
fn with_links(root: &str, links: &[(&str, &str)]) -> Model {
    let mut model = Model::new(root);
    for (path, to) in links {
        model.put(path, Node::Link((*to).into()));
    }
    model
}

#[test]
fn links_of_the_target_that_lead_out_are_refused() {
    let out = "leads out of the target";
    let table: [(&[(&str, &str)], &str); 10] = [
        (&[("etc", "/tmp/x")], out),
        (&[("etc", "..")], out),
        (&[("etc", "../tt/x")], out),
        (&[("etc", "/tt")], out),
        (&[("etc", "/t/../x")], out),
        (&[("etc", "a/../../x")], out),
        (&[("etc", "b"), ("b", "c"), ("c", "/")], out),
        (&[("etc", "etc")], "has too many links on its way"),
        (
            &[("etc", "b"), ("b", "etc")],
            "has too many links on its way",
        ),
        (&[("etc", "no/such")], "it is a link that leads to nothing"),
    ];
    for (links, want) in table {
        let model = with_links("/t", links);
        // A directory, a file in it, and owners of something below it.
        let folder = source(&["etc 755"], &["etc/a 644 a"], Some(""));
        let found = model.problems(&folder);
        assert_eq!(found.len(), 1, "{links:?}: {found:?}");
        assert!(
            found[0].starts_with("D/etc: ") && found[0].contains(want),
            "{found:?}"
        );
        let file = source(&[], &["etc 644 a"], Some(""));
        assert!(model.problems(&file)[0].contains(want), "{links:?}");
        if want == out {
            let owners = source(&[], &[], Some("/etc/shadow 0777 games games"));
            let found = model.problems(&owners);
            assert_eq!(
                found,
                ["S/acfg.metadata:1: `D/etc/shadow` leads out of the target"]
            );
        }
    }
}

#[test]
fn links_of_the_target_that_stay_in_it_are_followed() {
    let table: [(&str, &[(&str, &str)]); 8] = [
        ("/", &[("bin", "usr/bin")]),
        ("/", &[("bin", "/usr/bin")]),
        ("/", &[("bin", "../../usr/bin")]),
        ("/", &[("bin", "/../usr/./bin")]),
        ("/t", &[("bin", "usr/bin")]),
        ("/t", &[("bin", "/t/usr/bin")]),
        ("/t", &[("bin", "l/bin"), ("l", "usr")]),
        ("/t", &[("bin", "usr/../usr/bin")]),
    ];
    for (root, links) in table {
        let mut model = with_links(root, links);
        model.put("usr", Node::directory(0, 0, 0o755));
        model.put("usr/bin", Node::directory(0, 0, 0o755));
        let text = "/bin/tool 4755 games root\n/usr/bin/tool 0600 root root";
        let source = source(&["bin 755"], &["bin/tool 755 t"], Some(text));
        let plan = model.plan(&source, "x").unwrap();
        model.apply(&plan);
        let found = model.file("usr/bin/tool");
        assert_eq!((found.uid, found.mode), (5, 0o4755), "{links:?}");
        assert!(matches!(model.nodes[Path::new("bin")], Node::Link(_)));
        assert!(model.plan(&source, "x").unwrap().is_empty(), "{links:?}");
    }
}

#[test]
fn a_file_behind_a_link_is_overwritten_where_it_is() {
    let mut model = with_links("/t", &[("resolv.conf", "run/stub"), ("new", "run/new")]);
    model.put("run", Node::directory(0, 0, 0o755));
    model.put("run/stub", Node::file(5, 5, 0o644, "old"));
    let source = source(&[], &["resolv.conf 644 text", "new 644 n"], Some(""));
    let plan = model.plan(&source, "x").unwrap();
    model.apply(&plan);
    assert_eq!(
        model.nodes[Path::new("run/stub")],
        Node::file(5, 5, 0o644, "text")
    );
    assert_eq!(
        model.nodes[Path::new("run/new")],
        Node::file(0, 0, 0o644, "n")
    );
    assert!(model.plan(&source, "x").unwrap().is_empty());
}

#[test]
fn links_of_the_source_must_stay_in_the_target() {
    let table = [
        ("/t", "/etc/passwd", false),
        ("/t", "../x", true),
        ("/t", "../../x", false),
        ("/t", "../../t/x", false),
        ("/t", "/t/x", true),
        ("/t", "/dev/null", false),
        ("/t", "no/such", true),
        ("/t", ".", true),
        ("/t", "link", false),
        ("/", "/dev/null", true),
        ("/", "../../../x", true),
    ];
    for (root, to, fine) in table {
        let mut model = Model::new(root);
        let source = source(&["etc 755"], &[&format!("etc/link -> {to}")], Some(""));
        match model.plan(&source, "x") {
            Ok(plan) => {
                assert!(fine, "{root} {to}");
                model.apply(&plan);
                assert_eq!(model.nodes[Path::new("etc/link")], Node::Link(to.into()));
                assert!(model.plan(&source, "x").unwrap().is_empty());
            }
            Err(_) => {
                let found = model.problems(&source);
                assert!(
                    found[0].starts_with("S/etc/link: its destination"),
                    "{found:?}"
                );
                assert!(!fine, "{root} {to}");
            }
        }
    }
}

#[test]
fn nothing_is_written_through_a_link_that_the_source_brings() {
    // The link is planned before what lies below it: the directory would become the link.
    let clash = source(&["a 755"], &["a~x -> /outside", "a/b 644 b"], Some(""));
    let found = Model::new("/").problems(&clash);
    assert_eq!(
        found,
        ["S/a~x: a file and a directory of the source have the same name in the target"]
    );
    // By a link of the target two directories are one: the same, by another way.
    let model = with_links("/", &[("l", "d")]);
    let two = source(
        &["d 755", "d/a 755", "l 755"],
        &["d/a/b 644 b", "l/a -> /outside"],
        Some(""),
    );
    assert_eq!(
        model.problems(&two),
        ["D/l/a: `S/d/a` and `S/l/a` would be the same file in the target"]
    );
    // Owners of something behind a link that the run makes.
    let mut model = Model::new("/t");
    model.put("d", Node::directory(0, 0, 0o755));
    model.put("d/f", Node::file(0, 0, 0o644, "f"));
    let behind = source(&[], &["l -> d"], Some("/l/f 0600 games root"));
    let plan = model.plan(&behind, "x").unwrap();
    model.apply(&plan);
    assert_eq!(model.file("d/f").mode, 0o600);
    assert!(model.plan(&behind, "x").unwrap().is_empty());
}

#[test]
fn what_contradicts_the_target_is_refused_and_all_of_it_is_told() {
    let mut model = with_links("/t", &[("two", "one"), ("link", "elsewhere")]);
    model.put("one", Node::directory(0, 0, 0o755));
    model.put("folder", Node::directory(0, 0, 0o755));
    model.put("file", Node::file(0, 0, 0o644, "f"));
    model.put("pipe", Node::Special);
    let source = source(
        &["file 755", "pipe 755", "one 755", "two 755"],
        &[
            "folder 644 x",
            "file/below 644 x",
            "one/a 644 1",
            "two/a 644 2",
            "link -> fine",
        ],
        Some("/pipe 0600 root root\n/file/none 0600 root root\nwrong\n"),
    );
    let found = model.problems(&source);
    let want = [
        "S/acfg.metadata:3: `wrong` has 1 fields; wanted: PATH[~HOSTCLASS] MODE OWNER GROUP",
        "D/folder: is a directory, but a file of that name is in the source",
        "D/file: is no directory, but one of that name is in the source",
        "D/pipe: is no directory, but one of that name is in the source",
        "D/two/a: `S/one/a` and `S/two/a` would be the same file in the target",
    ];
    assert_eq!(found, want);
    let owners = super::source(
        &[],
        &[],
        Some("/pipe 0600 root root\n/file/none 0600 root root"),
    );
    assert_eq!(
        model.problems(&owners),
        [
            "S/acfg.metadata:1: `D/pipe` is a socket, a pipe or a device",
            "S/acfg.metadata:2: `D/file/none` has something on its way that is no directory"
        ]
    );
    let over = super::source(&[], &["pipe 644 x"], Some(""));
    assert_eq!(
        model.problems(&over),
        ["D/pipe: is a socket, a pipe or a device and is not overwritten"]
    );
}
