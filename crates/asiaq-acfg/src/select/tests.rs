//! The worked table of section 11 of the spec, and what holds for any directory.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use proptest::prelude::*;

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn of(names: &str, hostclasses: &str) -> Vec<(String, String)> {
    let names = words(names);
    let found = select(names.iter().map(OsStr::new), &words(hostclasses));
    let text = |name: OsString| name.into_string().unwrap();
    let pairs = found.chosen.into_iter().map(|(a, b)| (text(a), text(b)));
    pairs.collect()
}

#[test]
fn the_worked_table() {
    let table = [
        ("motd motd~mhcweb", "mhcweb", "motd motd~mhcweb"),
        ("motd~mhcweb motd", "mhcweb", "motd motd~mhcweb"),
        ("motd motd~mhcweb", "mhcdb", "motd motd"),
        ("x~mhcweb", "mhcdb", ""),
        ("x~b x~a x", "a b", "x x~a"),
        ("x x~b", "a b", "x x~b"),
        ("x~mhcweb~old", "mhcweb", ""),
        // A list that names the odd suffix gets it: nothing else is said of suffixes.
        ("x~mhcweb~old", "mhcweb~old", "x x~mhcweb~old"),
        ("acfg.metadata a", "mhcweb", "a a"),
        (
            "acfg.metadata~mhcweb",
            "mhcweb",
            "acfg.metadata acfg.metadata~mhcweb",
        ),
        // Editors' copies.
        ("name~ name", "mhcweb", "name name"),
        ("name~", "mhcweb", ""),
        ("name~mhcweb~ name", "mhcweb", "name name"),
        ("~mhcweb ~", "mhcweb", ""),
        ("A a", "mhcweb", "A A a a"),
        ("x~MHCWEB", "mhcweb", ""),
        ("x~a", "a a", "x x~a"),
    ];
    for (names, hostclasses, want) in table {
        let want = words(want);
        let want: Vec<(String, String)> = want
            .chunks(2)
            .map(|pair| (pair[0].clone(), pair[1].clone()))
            .collect();
        assert_eq!(of(names, hostclasses), want, "{names} for {hostclasses}");
    }
}

#[test]
fn names_need_not_be_text() {
    let name = OsStr::from_bytes(b"\xff~mhcweb");
    let found = select([name], &words("mhcweb"));
    let base = OsStr::from_bytes(b"\xff");
    assert_eq!(found.chosen.get(base).map(OsString::as_os_str), Some(name));
}

proptest! {
    #[test]
    fn every_name_is_chosen_or_skipped_whatever_the_order(
        names in proptest::collection::btree_set("[ab~]{1,4}|acfg.metadata|[ab]~(mhca|mhcb)", 0..12),
        hostclasses in proptest::collection::vec("mhca|mhcb|a", 0..4),
    ) {
        let forward = select(names.iter().map(OsStr::new), &hostclasses);
        let backward = select(names.iter().rev().map(OsStr::new), &hostclasses);
        prop_assert_eq!(&forward, &backward);
        let mut all: Vec<OsString> = forward.chosen.values().cloned().collect();
        all.extend(forward.skipped.iter().cloned());
        all.sort();
        let want: Vec<OsString> =
            names.iter().filter(|name| *name != METADATA).map(OsString::from).collect();
        prop_assert_eq!(all, want);
        for (base, name) in &forward.chosen {
            let (found, suffix) = split(name);
            prop_assert_eq!(found, base.as_os_str());
            let own = rank(suffix, &hostclasses).unwrap();
            // Nothing stronger with the same base was left out, editors' copies apart.
            for other in &forward.skipped {
                let (other_base, other_suffix) = split(other);
                if other_base == found && !other.as_bytes().ends_with(b"~") {
                    prop_assert!(rank(other_suffix, &hostclasses).is_none_or(|rank| rank > own));
                }
            }
        }
    }
}
