//! Tables of lines that are right and wrong, and what holds for any bytes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use proptest::prelude::*;

type Short<'a> = (&'a str, Option<&'a str>, u32, &'a str, &'a str);

#[test]
fn lines_that_are_right() {
    let table: [(&str, Option<Short>); 19] = [
        ("", None),
        ("   \t", None),
        ("# /a 0755 root root", None),
        ("  # note", None),
        (
            "/a 0755 root root",
            Some(("a", None, 0o755, "root", "root")),
        ),
        (
            "a/b 0755 root root",
            Some(("a/b", None, 0o755, "root", "root")),
        ),
        (
            "path/to/file 755 user group",
            Some(("path/to/file", None, 0o755, "user", "group")),
        ),
        (
            "\t/a\t4755 \x0b root   wheel # set-id\r",
            Some(("a", None, 0o4755, "root", "wheel")),
        ),
        (
            "/a 0755 root root#x",
            Some(("a", None, 0o755, "root", "root")),
        ),
        (
            "/a~mhcweb 0600 root root",
            Some(("a", Some("mhcweb"), 0o600, "root", "root")),
        ),
        (
            "/a~b~c 0600 root root",
            Some(("a", Some("b~c"), 0o600, "root", "root")),
        ),
        (
            "/a~b/c 0600 root root",
            Some(("a~b/c", None, 0o600, "root", "root")),
        ),
        (
            "/a~b/c~d 0600 root root",
            Some(("a~b/c", Some("d"), 0o600, "root", "root")),
        ),
        ("//a/./b// 0 0 0", Some(("a/b", None, 0, "0", "0"))),
        ("/ 0755 root root", Some(("", None, 0o755, "root", "root"))),
        (". 7777 a.b c-d", Some(("", None, 0o7777, "a.b", "c-d"))),
        (
            "/a 0000000755 machine$ _x",
            Some(("a", None, 0o755, "machine$", "_x")),
        ),
        (
            "/...  0755 root root",
            Some(("...", None, 0o755, "root", "root")),
        ),
        (
            "/ä 0755 root root",
            Some(("ä", None, 0o755, "root", "root")),
        ),
    ];
    for (text, want) in table {
        let found = parse("f", text.as_bytes()).unwrap();
        let want = want.map(|(path, hostclass, mode, owner, group)| Entry {
            line: 1,
            path: path.into(),
            hostclass: hostclass.map(str::to_owned),
            mode,
            owner: owner.to_owned(),
            group: group.to_owned(),
        });
        assert_eq!(found, want.into_iter().collect::<Vec<_>>(), "{text}");
    }
}

#[test]
fn lines_that_are_wrong_are_all_told() {
    let table = [
        (
            "/a 0755 root",
            "`/a 0755 root` has 3 fields; wanted: PATH[~HOSTCLASS] MODE OWNER GROUP",
        ),
        ("/a b 0755 root root", "`/a b 0755 root root` has 5 fields"),
        ("/a", "`/a` has 1 fields"),
        (
            "/../a 0755 root root",
            "`..`, which may lead out of the target, in `/../a 0755 root root`",
        ),
        ("a/../../b 0755 root root", "`..`"),
        ("..~mhcweb 0755 root root", "`..`"),
        ("/a/.. 0755 root root", "`..`"),
        ("/a~ 0755 root root", "no hostclass after the `~`"),
        ("/b/~mhcweb 0755 root root", "no file name before the `~`"),
        ("/a 0788 root root", "`0788` is no octal mode"),
        ("/a 10000 root root", "`10000` is no octal mode"),
        ("/a +755 root root", "`+755` is no octal mode"),
        ("/a -755 root root", "`-755` is no octal mode"),
        ("/a 0o755 root root", "`0o755` is no octal mode"),
        ("/a u+x root root", "`u+x` is no octal mode"),
        ("/a 99999999999999999999 root root", "is no octal mode"),
        ("/a 0755 -f root", "`-f` is no name of a user"),
        ("/a 0755 root:x root", "`root:x` is no name of a user"),
        ("/a 0755 root --gid=0", "`--gid=0` is no name of a group"),
        ("/a 0755 root $", "`$` is no name of a group"),
        ("/a 0755 root .x", "`.x` is no name of a group"),
        (
            "/a 0755 abcdefghijklmnopqrstuvwxyzabcdefg root",
            "is no name of a user",
        ),
        ("/a 0755 4294967295 root", "is no name of a user"),
        ("/a 0755 root 99999999999", "is no name of a group"),
        ("/a\0b 0755 root root", "a NUL byte in"),
        ("/a 0755 r\0t root", "is no name of a user"),
    ];
    let text: Vec<&str> = table.iter().map(|(line, _)| *line).collect();
    let text = format!("/fine 0755 root root\n{}\n", text.join("\n"));
    let found = parse("x/acfg.metadata", text.as_bytes()).unwrap_err();
    assert_eq!(found.len(), table.len());
    for (index, (line, want)) in table.iter().enumerate() {
        assert_eq!(found[index].place, format!("x/acfg.metadata:{}", index + 2));
        assert!(
            found[index].text.contains(want),
            "{line}: {}",
            found[index].text
        );
    }
    let found = parse("f", b"a 1 b c\n\xff 0755 root root").unwrap_err();
    assert_eq!(found[0].to_string(), "f:2: this line is not UTF-8");
    assert_eq!(
        parse("f", b"\xef\xbb\xbf/a 1 b c").unwrap()[0].path,
        Path::new("a")
    );
}

proptest! {
    #[test]
    fn no_path_leads_out_and_each_line_is_told_once(
        bytes in proptest::collection::vec(prop_oneof![
            Just(b'/'), Just(b'.'), Just(b'~'), Just(b' '), Just(b'\n'), Just(b'#'), Just(b'7'), Just(b'a'), any::<u8>()
        ], 0..80)
    ) {
        match parse("f", &bytes) {
            Ok(entries) => for entry in entries {
                prop_assert!(entry.path.components().all(|part| matches!(part, Component::Normal(_))));
                prop_assert!(entry.mode <= 0o7777);
            },
            Err(problems) => {
                let mut places: Vec<&String> = problems.iter().map(|problem| &problem.place).collect();
                let all = places.len();
                places.dedup();
                prop_assert_eq!(places.len(), all);
            }
        }
    }
}
