#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;

fn version(name: &str, number: i64, default: bool, snapshots: &[&str]) -> Object {
    Object {
        id: format!("lt-{name}"),
        name: name.into(),
        number,
        default,
        source: Source {
            image: Some(format!("ami-{name}{number}")),
            snapshots: snapshots.iter().map(|s| (*s).to_owned()).collect(),
        },
    }
}

fn reference(name: &str, version: &str) -> LaunchRef {
    LaunchRef::Template {
        id: format!("lt-{name}"),
        name: name.into(),
        version: version.into(),
    }
}

fn observed() -> Observed {
    let by_name = LaunchRef::Template {
        id: String::new(),
        name: "b".into(),
        version: "$Latest".into(),
    };
    let groups = [
        ("g1", vec![reference("a", "1"), reference("b", "$Default")]),
        ("g2", vec![by_name, LaunchRef::Configuration("old".into())]),
        ("g3", vec![reference("a", "9"), LaunchRef::None]),
    ];
    let configuration = |name: &str, snapshot: &str| Object {
        id: String::new(),
        ..version(name, 0, false, &[snapshot])
    };
    Observed {
        groups: groups
            .into_iter()
            .map(|(name, refs)| (name.to_owned(), refs))
            .collect(),
        templates: vec![
            version("a", 1, false, &["snap-a1"]),
            version("a", 2, true, &["snap-a2", "snap-both"]),
            version("b", 1, true, &["snap-b1"]),
            version("b", 2, false, &["snap-b2", "snap-both"]),
            version("c", 1, true, &["snap-c"]),
        ],
        configurations: vec![
            configuration("old", "snap-old"),
            configuration("older", "snap-older"),
        ],
        elastigroups: vec![(
            "spot".into(),
            Source {
                image: Some("ami-spot".into()),
                snapshots: vec!["snap-spot".into()],
            },
        )],
    }
}

fn show(users: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let line = |(id, users): (&String, &BTreeSet<String>)| {
        let users: Vec<&str> = users.iter().map(String::as_str).collect();
        format!("{id}: {}", users.join(", "))
    };
    users.iter().map(line).collect()
}

#[test]
fn groups_use_the_versions_that_they_name() {
    assert_eq!(
        show(&observed().users(Among::Groups, Part::Snapshots)),
        [
            "snap-a1: launch template a of group g1",
            "snap-b1: launch template b of group g1",
            "snap-b2: launch template b of group g2",
            "snap-both: launch template b of group g2",
            "snap-old: launch configuration old of group g2",
            "snap-spot: Elastigroup spot",
        ]
    );
}

#[test]
fn everything_includes_what_no_group_uses() {
    assert_eq!(
        show(&observed().users(Among::Everything, Part::Snapshots)),
        [
            "snap-a1: launch template a of group g1",
            "snap-a2: launch template a",
            "snap-b1: launch template b of group g1",
            "snap-b2: launch template b of group g2",
            "snap-both: launch template a, launch template b of group g2",
            "snap-c: launch template c",
            "snap-old: launch configuration old of group g2",
            "snap-older: launch configuration older",
            "snap-spot: Elastigroup spot",
        ]
    );
}

#[test]
fn images_of_groups_and_of_current_versions() {
    let mut observed = observed();
    // Read because a group names it; nothing else would.
    observed.templates.push(version("c", 0, false, &[]));
    observed
        .groups
        .push(("g4".into(), vec![reference("c", "0")]));
    assert_eq!(
        show(&observed.users(Among::Current, Part::Images)),
        [
            "ami-a1: launch template a of group g1",
            "ami-a2: launch template a",
            "ami-b1: launch template b of group g1",
            "ami-b2: launch template b of group g2",
            "ami-c0: launch template c of group g4",
            "ami-c1: launch template c",
            "ami-old0: launch configuration old of group g2",
            "ami-older0: launch configuration older",
            "ami-spot: Elastigroup spot",
        ]
    );
    assert_eq!(Part::Images.of(&Source::new(Some(""), &[])), [""; 0]);
}

#[test]
fn only_versions_that_were_not_listed_are_read_one_by_one() {
    let mut observed = observed();
    observed.templates.push(version("d", 4, false, &[]));
    observed.templates.push(version("d", 2, true, &[]));
    let by_name = LaunchRef::Template {
        id: String::new(),
        name: "d".into(),
        version: "3".into(),
    };
    observed.groups.push(("g4".into(), vec![by_name]));
    let wanted = |name: &str, numbers: &[i64]| {
        let numbers: BTreeSet<i64> = numbers.iter().copied().collect();
        ((format!("lt-{name}"), name.to_owned()), numbers)
    };
    let found = |among| missing(&observed, among).into_iter().collect::<Vec<_>>();
    for among in [Among::Groups, Among::Current] {
        assert_eq!(found(among), [wanted("a", &[9]), wanted("d", &[3])]);
    }
    assert_eq!(
        found(Among::Everything),
        [wanted("a", &[9]), wanted("d", &[1, 3])]
    );
}
