//! What hosts are made of: owners and modes of files, which file a hostclass gets, and templates of init scripts.

use super::{lines, must, text};
use crate::{Signature, Target};
use asiaq_acfg::metadata::{self, Entry};
use asiaq_acfg::select::{METADATA as METADATA_NAME, rank, select, split};
use asiaq_core::image::template::{check_hostclass, substitute};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Component;

/// What the file is called in problems.
const METADATA_FILE: &str = "s/acfg.metadata";

/// `acfg.metadata`.
pub(super) const METADATA: Target = Target {
    name: "metadata",
    run: metadata_file,
    words: &[
        "/etc/passwd",
        "0644",
        "4755",
        "root",
        "root\n",
        "~mhcweb",
        "~",
        "..",
        "/../",
        "#",
        " ",
        "\t",
        "\n",
        "77777",
        "08",
        "-f",
        "//",
        ".",
        "4294967295",
        "$",
        "\u{b}",
    ],
    make: |rng| {
        rng.many(5, |rng| {
            let path = rng.pick(&[
                "/etc/a",
                "etc/a",
                "/",
                "a/../b",
                "/a~mhcweb",
                "/a~b/c",
                "/a~b/c~mhcx",
                "/a~",
            ]);
            let mode = rng.pick(&["0644", "755", "4755", "7777", "10000", "0888", "x"]);
            let owner = rng.pick(&["root", "0", "a.b", "machine$", "-f", "root:x"]);
            let rest = rng.pick(&["", " # note", " more", "\r"]);
            format!(
                "{path} {mode} {owner} {}{rest}\n",
                rng.pick(&["root", "wheel", "55"])
            )
        })
    },
};

/// Names of the files in a directory, one in each line; the first line is the list of hostclasses.
pub(super) const SELECT: Target = Target {
    name: "select",
    run: selection,
    words: &[
        "motd",
        "~",
        "~mhcweb",
        "mhcweb",
        "mhcdb",
        "\n",
        " ",
        "acfg.metadata",
        "x",
        "~~",
        ".",
    ],
    make: |rng| {
        let hostclasses = rng.many(3, |rng| {
            format!("{} ", rng.pick(&["mhcweb", "mhcdb", "a", ""]))
        });
        let names = rng.many(8, |rng| {
            let base = rng.pick(&["motd", "x", "", "acfg.metadata", "."]);
            format!(
                "{base}{}\n",
                rng.pick(&["", "~mhcweb", "~mhcdb", "~a", "~", "~mhcweb~", "~a~b"])
            )
        });
        format!("{hostclasses}\n{names}")
    },
};

/// A template of an init script.
pub(super) const TEMPLATE: Target = Target {
    name: "template",
    run: template,
    words: &[
        "$",
        "$$",
        "${",
        "}",
        "{",
        "$TEMPLATED_NAME",
        "${TEMPLATED_NAME}",
        "$TEMPLATED_HOSTCLASS",
        "${TEMPLATED_HOSTCLASS}",
        "_",
        "x",
        " ",
    ],
    make: |rng| {
        rng.many(8, |rng| {
            rng.pick(&[
                "$TEMPLATED_NAME",
                "${TEMPLATED_HOSTCLASS}",
                "$$",
                "$",
                "${",
                "$HOME",
                "a",
                "\n",
                "${TEMPLATED_NAME",
                "$TEMPLATED_NAMEX",
            ])
            .to_owned()
        })
    },
};

fn metadata_file(input: &[u8]) -> Signature {
    let entries = match metadata::parse(METADATA_FILE, input) {
        Ok(entries) => entries,
        Err(problems) => {
            assert!(!problems.is_empty());
            let shape = Signature::of(("problems", Signature::count(problems.len())));
            return problems.iter().take(4).fold(shape, |shape, problem| {
                let line = problem
                    .place
                    .strip_prefix(METADATA_FILE)
                    .and_then(|rest| rest.strip_prefix(':'));
                let line = line.and_then(|line| line.parse().ok()).unwrap_or(0);
                assert!((1..=lines(input)).contains(&line), "{problem}");
                shape.and(Signature::error(&problem.text))
            });
        }
    };
    for entry in &entries {
        let plain = |part: Component| matches!(part, Component::Normal(_));
        assert!(
            entry.path.components().all(plain),
            "{} leads elsewhere",
            entry.path.display()
        );
        assert!(entry.mode <= 0o7777);
        for name in [&entry.owner, &entry.group] {
            assert!(
                !name.is_empty() && !name.starts_with('-') && !name.contains([':', '/', ' ']),
                "{name}"
            );
        }
        assert!(entry.hostclass.as_deref() != Some(""));
    }
    assert!(entries.is_sorted_by(|a, b| a.line < b.line));
    let written: String = entries.iter().map(line).collect();
    let again = must(
        metadata::parse(METADATA_FILE, written.as_bytes()),
        "what was written cannot be read",
    );
    let bare = |entries: &[Entry]| -> Vec<Entry> {
        entries
            .iter()
            .map(|entry| Entry {
                line: 0,
                ..entry.clone()
            })
            .collect()
    };
    assert_eq!(bare(&again), bare(&entries), "{written}");
    let shape = Signature::of(("entries", Signature::count(entries.len())));
    entries.iter().take(3).fold(shape, |shape, entry| {
        let deep = Signature::count(entry.path.components().count());
        shape.and((
            deep,
            entry.hostclass.is_some(),
            entry.mode > 0o777,
            entry.owner.parse::<u32>().is_ok(),
        ))
    })
}

fn line(entry: &Entry) -> String {
    let hostclass = entry
        .hostclass
        .as_ref()
        .map(|name| format!("~{name}"))
        .unwrap_or_default();
    let path = entry.path.display();
    // Only in a name that a slash follows has `~` no meaning.
    let last = entry.path.file_name().unwrap_or_default();
    let ends_in_slash = last.is_empty() || last.to_string_lossy().contains('~');
    let slash = match (ends_in_slash, hostclass.is_empty()) {
        (true, true) => "/",
        (true, false) => "/.",
        (false, _) => "",
    };
    format!(
        "/{path}{slash}{hostclass} {:o} {} {}\n",
        entry.mode, entry.owner, entry.group
    )
}

fn selection(input: &[u8]) -> Signature {
    let mut parts = input.split(|byte| *byte == b'\n');
    let first = text(parts.next().unwrap_or_default());
    let hostclasses: Vec<String> = first
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let names: BTreeSet<&OsStr> = parts
        .filter(|name| !name.is_empty() && !name.contains(&b'/'))
        .map(OsStr::from_bytes)
        .collect();
    let found = select(names.iter().copied(), &hostclasses);
    assert_eq!(
        found,
        select(names.iter().rev().copied(), &hostclasses),
        "the order of names"
    );
    let all = found.chosen.len() + found.skipped.len();
    let listed = usize::from(names.contains(OsStr::new(METADATA_NAME)));
    assert_eq!(all + listed, names.len(), "each name is chosen or left out");
    let copy = |name: &OsStr| name.as_bytes().ends_with(b"~");
    for (base, name) in &found.chosen {
        let (own_base, suffix) = split(name);
        assert!(
            own_base == base && !base.is_empty() && !copy(name) && !base.as_bytes().contains(&b'~')
        );
        let own = rank(suffix, &hostclasses);
        assert!(own.is_some(), "it is for one of the hostclasses");
        let rivals = names
            .iter()
            .filter(|other| split(other).0 == base && !copy(other) && **other != name);
        for rival in rivals {
            let theirs = rank(split(rival).1, &hostclasses);
            assert!(
                theirs.is_none() || theirs > own,
                "{} loses against {}",
                rival.display(),
                name.display()
            );
        }
    }
    for name in &found.skipped {
        let (base, suffix) = split(name);
        let stays_out = rank(suffix, &hostclasses).is_none() || copy(name) || base.is_empty();
        assert!(
            stays_out || found.chosen.contains_key(base),
            "{} is left out",
            name.display()
        );
    }
    Signature::of((
        hostclasses.len().min(4),
        Signature::count(found.chosen.len()),
        Signature::count(found.skipped.len()),
        listed,
    ))
}

fn template(input: &[u8]) -> Signature {
    let made = substitute(input, "mhcpear");
    let doubled: Vec<u8> = input
        .iter()
        .flat_map(|byte| std::iter::repeat_n(*byte, if *byte == b'$' { 2 } else { 1 }))
        .collect();
    assert_eq!(
        substitute(&doubled, "mhcpear"),
        input,
        "doubled signs protect"
    );
    let signs = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'$').count();
    assert!(signs(&made) <= signs(input));
    if signs(input) == 0 {
        assert_eq!(made, input);
    }
    // What stands for nothing stays: without the two names only doubled signs change.
    let named = |name: &str| {
        input
            .windows(name.len())
            .any(|window| window == name.as_bytes())
    };
    let names = named("TEMPLATED_NAME") || named("TEMPLATED_HOSTCLASS");
    if !names {
        assert_eq!(text(&made), text(input).replace("$$", "$"));
    }
    let longer = substitute(input, "mhcpearpear");
    assert!(longer.len() >= made.len());
    let values = (longer.len() - made.len()) / 4;
    let hostclass = check_hostclass(&text(input)).is_ok();
    if hostclass {
        assert!(input.starts_with(b"mhc") && !input.contains(&b'/'));
    }
    Signature::of((
        Signature::count(values),
        Signature::count(signs(&made)),
        Signature::count(signs(input)),
        names,
        hostclass,
    ))
}
