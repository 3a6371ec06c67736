//! Trees that would lead out of the target, and bad lines: all is told, and nothing is changed anywhere.

use super::{Bed, tree};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

/// Fails, says all of `want`, and changes nothing below the bed.
fn refused(bed: &Bed, want: &[&str]) {
    let before = tree(bed.dir.path());
    for words in ["--hostclass mhcx", "--hostclass mhcx --dry"] {
        let output = bed.run(words).expect_status(1);
        assert!(output.stdout.is_empty() && output.stderr.starts_with("error: "));
        for want in want {
            assert!(output.stderr.contains(want), "{want}: {}", output.stderr);
        }
        assert!(
            output.stderr.contains("\nhint: nothing was changed"),
            "{}",
            output.stderr
        );
        assert_eq!(tree(bed.dir.path()), before);
    }
}

#[test]
fn links_of_the_target_that_lead_out() {
    for (to, at) in [
        ("../outside", "t/etc"),
        ("OUT", "t/etc"),
        ("../../outside/file", "t/etc/a"),
        ("OUT/file", "t/etc/a"),
        ("OUT/none", "t/etc/a"),
    ] {
        let bed = Bed::new();
        let outside = bed.write("outside/file", "precious");
        let outside = outside.parent().unwrap().to_str().unwrap();
        bed.write("s/etc/a", "evil");
        bed.link(&to.replace("OUT", outside), at);
        refused(&bed, &["it leads out of the target"]);
    }
}

#[test]
fn owners_through_a_link_of_the_target_that_leads_out() {
    let bed = Bed::new();
    bed.write("outside/file", "precious");
    bed.link("../outside", "t/etc");
    bed.write("s/a", "a");
    bed.write(
        "s/acfg.metadata",
        "/a 0600 root root\n/etc/file 0777 games games\n",
    );
    refused(&bed, &["acfg.metadata:2: `", "leads out of the target"]);
}

#[test]
fn links_of_the_source_that_lead_out() {
    for to in ["/etc/passwd", "../../outside", "../../../etc", "/"] {
        let bed = Bed::new();
        bed.write("outside/file", "precious");
        bed.link(to, "s/etc/link");
        bed.write("s/etc/a", "a");
        refused(
            &bed,
            &["s/etc/link: its destination", "leads out of the target"],
        );
    }
}

#[test]
fn a_link_that_would_replace_a_directory_of_the_source() {
    let bed = Bed::new();
    bed.write("outside/file", "precious");
    bed.write("s/etc/a", "evil");
    bed.link("../outside", "s/etc~mhcx");
    refused(
        &bed,
        &["s/etc~mhcx: a file and a directory of the source have the same name"],
    );
}

#[test]
fn bad_lines_are_all_told_before_anything_is_copied() {
    let bed = Bed::new();
    bed.write("s/etc/a", "a");
    let text = "/etc/a 0644 root root\n/../b 0644 root root\n\nshort\n/etc/a 0999 root root # x\n/etc/a 0644 -f root\n";
    bed.write("s/acfg.metadata", text);
    refused(
        &bed,
        &[
            "error: 4 problems:\n",
            "s/acfg.metadata:2: `..`, which may lead out of the target, in `/../b 0644 root root`\n",
            "s/acfg.metadata:4: `short` has 1 fields",
            "s/acfg.metadata:5: `0999` is no octal mode from 0 to 7777 in `/etc/a 0999 root root`\n",
            "s/acfg.metadata:6: `-f` is no name of a user in",
        ],
    );
}

#[test]
fn pipes_and_sockets() {
    let bed = Bed::new();
    bed.write("s/etc/a", "a");
    let _socket = UnixListener::bind(bed.path("s/socket")).unwrap();
    let made = Command::new("mkfifo").arg(bed.path("s/etc/pipe")).status();
    assert!(made.unwrap().success());
    refused(
        &bed,
        &[
            "error: 2 problems:\n",
            "s/socket: a socket cannot be copied\n",
            "s/etc/pipe: a pipe cannot be copied\n",
        ],
    );
    let over = Bed::new();
    over.write("s/a", "a");
    let made = Command::new("mkfifo").arg(over.path("t/a")).status();
    assert!(made.unwrap().success());
    refused(
        &over,
        &["t/a: is a socket, a pipe or a device and is not overwritten"],
    );
}

#[test]
fn links_inside_the_target_are_followed() {
    let bed = Bed::new();
    bed.write("t/usr/bin/old", "old");
    bed.link("usr/bin", "t/bin");
    let absolute = bed.path("t/usr");
    bed.link(absolute.to_str().unwrap(), "t/abs");
    bed.write("s/bin/tool", "tool");
    bed.write("s/abs/share/doc", "doc");
    for _ in 0..2 {
        bed.run("--hostclass mhcx").expect_status(0);
        assert_eq!(bed.read("t/usr/bin/tool"), "tool");
        assert_eq!(bed.read("t/usr/share/doc"), "doc");
        assert!(bed.path("t/bin").is_symlink() && bed.path("t/abs").is_symlink());
    }
}

#[test]
fn a_second_name_outside_keeps_its_contents() {
    let bed = Bed::new();
    let outside = bed.write("outside/file", "precious");
    std::fs::hard_link(outside, bed.path("t/a")).unwrap();
    bed.write("s/a", "new");
    bed.run("--hostclass mhcx").expect_status(0);
    assert_eq!(bed.read("t/a"), "new");
    assert_eq!(bed.read("outside/file"), "precious");
}

#[test]
fn a_second_name_outside_keeps_its_mode() {
    let bed = Bed::new();
    std::fs::create_dir(bed.path("t/etc")).unwrap();
    // `a` has the contents of the source, `b` is not in the source.
    for name in ["a", "b"] {
        let outside = bed.write(&format!("outside/{name}"), "same");
        bed.mode(&format!("outside/{name}"), 0o644);
        std::fs::hard_link(outside, bed.path(&format!("t/etc/{name}"))).unwrap();
    }
    let own = std::fs::metadata(bed.path("outside/b")).unwrap();
    bed.write("s/etc/a", "same");
    bed.mode("s/etc/a", 0o600);
    let line = format!("/etc/b 0600 {} {}\n", own.uid(), own.gid());
    bed.write("s/acfg.metadata", &line);
    bed.run("--hostclass mhcx").expect_status(0);
    for name in ["a", "b"] {
        let look = |tree: &str| std::fs::metadata(bed.path(&format!("{tree}/{name}"))).unwrap();
        let (outside, inside) = (look("outside"), look("t/etc"));
        assert_eq!((outside.mode() & 0o7777, outside.nlink()), (0o644, 1));
        assert_eq!((inside.mode() & 0o7777, inside.nlink()), (0o600, 1));
        assert_eq!(inside.modified().unwrap(), outside.modified().unwrap());
        assert_eq!(bed.read(&format!("t/etc/{name}")), "same");
    }
    let again = bed.run("--hostclass mhcx").expect_status(0);
    let text = again.stderr;
    assert!(text.contains("nothing to change"), "{text}");
    assert!(!bed.path("t/etc/.acfg1~").exists());
}

#[test]
fn what_a_killed_run_left_is_replaced() {
    let bed = Bed::new();
    bed.write("s/etc/a", "new");
    bed.link("a/b", "s/etc/l");
    bed.write("t/etc/.acfg1~", "half");
    bed.run("--hostclass mhcx").expect_status(0);
    let names: Vec<_> = tree(&bed.path("t")).into_keys().collect();
    assert_eq!(names, ["", "etc", "etc/a", "etc/l"].map(Path::new));
}
