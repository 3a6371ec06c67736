//! Tables of the comparison.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn wanted(files: &[(&str, Value)]) -> Desired {
    let file = |name: &str| format!("ssm/documents/{name}.ssm");
    files
        .iter()
        .map(|(name, content)| {
            (
                (*name).to_owned(),
                Wanted {
                    file: file(name),
                    content: content.clone(),
                },
            )
        })
        .collect()
}

fn version(number: u32, content: Value) -> Version {
    Version {
        number: number.to_string(),
        status: "Active".into(),
        content: Some(content),
    }
}

fn held(default: Version, latest: Option<Version>) -> Existing {
    Existing {
        kind: COMMAND.into(),
        held: Some(Held { default, latest }),
    }
}

fn unread(kind: &str) -> Existing {
    Existing {
        kind: kind.into(),
        held: None,
    }
}

fn observed(documents: Vec<(&str, Existing)>) -> Observed {
    documents
        .into_iter()
        .map(|(name, existing)| (name.to_owned(), existing))
        .collect()
}

#[test]
fn the_examples_of_the_specification() {
    let content = json!({"a": 1, "b": [2]});
    let same = json!({"b": [2], "a": 1});
    let existing = observed(vec![
        ("a", held(version(1, same), None)),
        ("b", unread(COMMAND)),
    ]);
    let update = changes(
        &wanted(&[("a", content.clone()), ("c", json!({}))]),
        &existing,
    )
    .unwrap();
    assert_eq!(update.plan.lines(), ["+ document c", "- document b"]);
    assert_eq!(
        update.summary.lines(),
        [
            "New documents: c",
            "Documents to delete: b",
            "Documents to update: none",
            "Unchanged documents: a"
        ]
    );
    let update = changes(&wanted(&[]), &observed(vec![("a", unread(COMMAND))])).unwrap();
    assert_eq!(update.plan.lines(), ["- document a"]);
}

#[test]
fn an_update_names_what_differs() {
    let new = json!({"schemaVersion": "2.2", "mainSteps": [1], "parameters": {}});
    let table = [
        (
            json!({"schemaVersion": "2.2", "mainSteps": [2], "outputs": 1}),
            "-outputs, mainSteps, +parameters",
        ),
        (json!([]), "another content"),
    ];
    for (old, text) in table {
        let existing = observed(vec![("abc", held(version(3, old), None))]);
        let update = changes(&wanted(&[("abc", new.clone())]), &existing).unwrap();
        let line = format!("~ document abc: version 3 -> new default version ({text})");
        assert_eq!(update.plan.lines(), [line]);
        assert_eq!(update.summary.updated, ["abc"]);
    }
    let unknown = Version {
        number: "1".into(),
        status: "Active".into(),
        content: None,
    };
    let update = changes(
        &wanted(&[("abc", new)]),
        &observed(vec![("abc", held(unknown, None))]),
    );
    assert!(update.unwrap().plan.lines()[0].ends_with("(another content)"));
}

#[test]
fn a_newest_version_that_is_as_wanted_only_becomes_the_default() {
    let (old, new) = (json!({"a": 1}), json!({"a": 2}));
    let existing = observed(vec![(
        "abc",
        held(version(3, old.clone()), Some(version(4, new.clone()))),
    )]);
    let update = changes(&wanted(&[("abc", new)]), &existing).unwrap();
    assert_eq!(
        update.plan.lines(),
        ["~ document abc: default version 3 -> 4"]
    );
    let other = changes(&wanted(&[("abc", json!({"a": 3}))]), &existing).unwrap();
    assert!(other.plan.lines()[0].contains("new default version (a)"));
    let back = changes(&wanted(&[("abc", old)]), &existing).unwrap();
    assert!(back.plan.is_empty(), "the default version counts");
}

#[test]
fn documents_of_other_types_are_left_alone() {
    let existing = observed(vec![
        ("shell", unread("Session")),
        ("flow", unread("Automation")),
        ("old", unread(COMMAND)),
    ]);
    let update = changes(&wanted(&[]), &existing).unwrap();
    assert_eq!(update.plan.lines(), ["- document old"]);
    assert_eq!(
        update.summary.lines()[4],
        "Left alone, because they are no Command documents: flow, shell"
    );
    let error = changes(
        &wanted(&[("flow", json!({})), ("new", json!({}))]),
        &existing,
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "ssm/documents/flow.ssm: document `flow` exists with type Automation; files are for type Command"
    );
}

#[test]
fn a_document_that_cannot_be_used_is_replaced() {
    let content = json!({"a": 1});
    for status in ["Failed", "Deleting"] {
        let mut existing = held(version(1, content.clone()), None);
        existing.held.as_mut().unwrap().default.status = status.into();
        let update = changes(
            &wanted(&[("abc", content.clone())]),
            &observed(vec![("abc", existing)]),
        )
        .unwrap();
        let lines = [
            format!("- document abc (status {status})"),
            "+ document abc".to_owned(),
        ];
        assert_eq!(update.plan.lines(), lines);
        assert_eq!(
            update.plan.changes()[1].needs,
            [update.plan.changes()[0].id.clone()]
        );
        assert_eq!(update.summary.updated, ["abc"]);
    }
}

#[test]
fn a_version_that_failed_never_becomes_the_default() {
    let content = |n: u32| json!({"n": n});
    let with = |number: u32, n: u32, status: &str| Version {
        status: status.into(),
        ..version(number, content(n))
    };
    let failed = "version 2 of this content has failed";
    // Default version, newest version, the line. The file has content 2.
    let table = [
        (
            with(1, 1, "Active"),
            Some(with(2, 2, "Active")),
            "default version 1 -> 2".to_owned(),
        ),
        (
            with(1, 1, "Active"),
            Some(with(2, 2, "Updating")),
            "default version 1 -> 2".to_owned(),
        ),
        (
            with(1, 1, "Active"),
            Some(with(2, 2, "Failed")),
            format!("version 1 -> new default version ({failed})"),
        ),
        (
            with(2, 2, "Failed"),
            None,
            format!("version 2 -> new default version ({failed})"),
        ),
        (
            with(2, 1, "Failed"),
            None,
            "version 2 -> new default version (n)".to_owned(),
        ),
        (
            with(1, 2, "Failed"),
            Some(with(3, 2, "Active")),
            "default version 1 -> 3".to_owned(),
        ),
        (
            with(1, 2, "Creating"),
            None,
            "version 1 (Creating) -> active".to_owned(),
        ),
    ];
    for (default, latest, line) in table {
        let pending = latest.as_ref().is_some_and(Version::is_pending);
        let existing = observed(vec![("abc", held(default, latest))]);
        let update = changes(&wanted(&[("abc", content(2))]), &existing).unwrap();
        assert_eq!(update.plan.lines(), [format!("~ document abc: {line}")]);
        let action = &update.plan.changes()[0].action;
        if let DocumentAction::SetDefault { pending: waits, .. } = action {
            assert_eq!(*waits, pending, "{line}");
        }
    }
}

proptest! {
    /// Each name in one list; one change per name that is not unchanged; what the plan makes is what is wanted.
    #[test]
    fn every_name_is_dealt_with_once(
        files in prop::collection::btree_map("[a-e]", 0..3, 0..5),
        documents in prop::collection::btree_map("[a-e]", (0..3, prop::option::of(0..3)), 0..5),
    ) {
        let content = |n: &i32| json!({"n": n});
        let desired: Desired = wanted(&files.iter().map(|(k, n)| (k.as_str(), content(n))).collect::<Vec<_>>());
        let existing: Observed = documents
            .iter()
            .map(|(name, (n, latest))| {
                let latest = latest.map(|n| version(2, content(&n)));
                (name.clone(), held(version(1, content(n)), latest))
            })
            .collect();
        let update = changes(&desired, &existing).unwrap();
        let summary = &update.summary;
        let mut all = [&summary.new[..], &summary.deleted, &summary.updated, &summary.unchanged].concat();
        all.sort();
        let mut names: Vec<String> = files.keys().chain(documents.keys()).cloned().collect();
        names.sort();
        names.dedup();
        prop_assert_eq!(&all, &names);
        prop_assert_eq!(update.plan.changes().len(), names.len() - summary.unchanged.len());
        for (name, n) in &files {
            let is_so = documents.get(name).is_some_and(|(default, _)| default == n);
            prop_assert_eq!(summary.unchanged.contains(name), is_so);
        }
    }
}
