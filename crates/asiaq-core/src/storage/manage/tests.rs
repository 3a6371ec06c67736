#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::record::tests::snapshot;
use super::*;
use proptest::prelude::*;

fn of(hostclass: &str, day: u32) -> SnapshotRecord {
    snapshot(
        &format!("snap-{hostclass}{day}"),
        hostclass,
        "ci",
        &format!("2026-02-{day:02}T04:05:06Z"),
    )
}

fn users(ids: &[&str]) -> LaunchUsers {
    let by = BTreeSet::from(["launch template t of group g".to_owned()]);
    LaunchUsers {
        by_id: ids
            .iter()
            .map(|id| ((*id).to_owned(), by.clone()))
            .collect(),
        unseen: BTreeSet::new(),
    }
}

/// Elastigroups of hostclass `a` in this environment cannot be seen.
fn unseen_in(env: &str) -> LaunchUsers {
    LaunchUsers {
        unseen: BTreeSet::from([("a".to_owned(), env.to_owned())]),
        ..users(&["snap-b1"])
    }
}

#[test]
fn what_elastigroups_that_nobody_sees_may_need_stays() {
    let all = [
        of("a", 1),
        of("a", 2),
        of("a", 3),
        of("b", 1),
        of("b", 2),
        of("b", 3),
    ];
    let planned = cleanup(&all, 1, &unseen_in("ci"));
    assert_eq!(deleted(&planned.plan), ["snap-b2"]);
    assert_eq!(planned.warnings.len(), 2, "{:?}", planned.warnings);
    assert!(
        planned.warnings[0].starts_with("snapshots of a stay: ")
            && planned.warnings[0].contains("SPOTINST_TOKEN")
    );
    let elsewhere = cleanup(&all, 1, &unseen_in("prod"));
    assert_eq!(deleted(&elsewhere.plan), ["snap-a1", "snap-a2", "snap-b2"]);

    let ids = ["snap-b2", "snap-a2"].map(str::to_owned);
    let error = delete(&all, "ci", &ids, &unseen_in("ci")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Elastigroups of a that cannot be seen may start from snapshot snap-a2"
    );
    assert!(error.hint().unwrap().contains("SPOTINST_TOKEN"));
    let planned = delete(&all, "ci", &ids, &unseen_in("prod")).unwrap();
    assert_eq!(deleted(&planned.plan), ["snap-b2", "snap-a2"]);
}

#[test]
fn cleanup_keeps_one_that_hosts_can_start_from() {
    let mut all = [of("a", 1), of("a", 2), of("a", 3), of("a", 4)];
    all[2].status = "error".into();
    all[3].status = "pending".into();
    let planned = cleanup(&all, 1, &users(&[]));
    assert_eq!(deleted(&planned.plan), ["snap-a1", "snap-a3"]);
    assert_eq!(
        planned.warnings,
        ["snapshot snap-a2 of a stays: it is the newest one that is completed"]
    );
    let planned = cleanup(&all, 3, &users(&[]));
    assert_eq!(deleted(&planned.plan), ["snap-a1"]);
    assert!(planned.warnings.is_empty());
}

fn deleted(plan: &Plan<SnapshotAction>) -> Vec<&str> {
    plan.changes()
        .iter()
        .map(|change| match &change.action {
            SnapshotAction::DeleteSnapshot(id) => id.as_str(),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn cleanup_keeps_the_newest_and_those_in_use() {
    let all = [of("a", 1), of("a", 2), of("a", 3), of("a", 4), of("b", 1)];
    let planned = cleanup(&all, 2, &users(&[]));
    assert_eq!(deleted(&planned.plan), ["snap-a1", "snap-a2"]);
    assert_eq!(
        planned.plan.lines()[0],
        "- snapshot a ci snap-a1, 40 GiB, 2026-02-01T04:05:06Z"
    );
    assert!(planned.warnings.is_empty());
    let planned = cleanup(&all, 1, &users(&["snap-a2", "snap-b1"]));
    assert_eq!(deleted(&planned.plan), ["snap-a1", "snap-a3"]);
    assert_eq!(
        planned.warnings,
        ["snapshot snap-a2 of a stays: new hosts start from it (launch template t of group g)"]
    );
    assert!(cleanup(&all, 4, &users(&[])).plan.is_empty());
}

#[test]
fn delete_takes_only_what_is_there_and_free() {
    let mut foreign = of("c", 1);
    foreign.env = "prod".into();
    let found = [of("a", 1), of("a", 2), foreign];
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let wanted = ids(&["snap-a2", "snap-c1", "snap-x", "snap-a1", "snap-a2"]);
    let planned = delete(&found, "ci", &wanted, &users(&["snap-c1"])).unwrap();
    assert_eq!(deleted(&planned.plan), ["snap-a2", "snap-a1"]);
    assert_eq!(
        planned.warnings,
        [
            "snapshot snap-c1 is not there in environment `ci`",
            "snapshot snap-x is not there in environment `ci`"
        ]
    );
    let error = delete(&found, "ci", &wanted, &users(&["snap-a2"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "new hosts start from snapshot snap-a2 (launch template t of group g)"
    );
    assert!(error.hint().unwrap().contains("disco_snapshot update"));
}

fn capture_of(host: &[(&str, &str)], more: &[(&str, &str)]) -> Result<Plan<SnapshotAction>> {
    let pairs = |pairs: &[(&str, &str)]| {
        let own = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        own.collect::<Vec<_>>()
    };
    let host: Tags = pairs(host).into_iter().collect();
    capture("vol-1", "i-1", &host, &pairs(more))
}

#[test]
fn captures_take_their_tags_from_the_host() {
    let full = [
        ("hostclass", "mhcdb"),
        ("environment", "ci"),
        ("productline", "shop"),
        ("owner", "ann"),
    ];
    let lines =
        |host: &[(&str, &str)], more: &[(&str, &str)]| capture_of(host, more).unwrap().lines();
    assert_eq!(
        lines(&full, &[]),
        ["+ snapshot of volume vol-1 of i-1 (env=ci, hostclass=mhcdb, productline=shop)"]
    );
    assert_eq!(
        lines(
            &full[..2],
            &[("disk-usage", "400MB"), ("url", "a:b"), ("env", "prod")]
        ),
        [
            "+ snapshot of volume vol-1 of i-1 (disk-usage=400MB, env=prod, hostclass=mhcdb, productline=unknown, url=a:b)"
        ]
    );
    assert_eq!(
        lines(&[("environment", "ci")], &[("hostclass", "mhcdb")]),
        ["+ snapshot of volume vol-1 of i-1 (env=ci, hostclass=mhcdb, productline=unknown)"]
    );
    for (host, missing) in [(&full[..1], "environment"), (&full[1..2], "hostclass")] {
        let error = capture_of(host, &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("instance i-1, which has volume vol-1, has no tag {missing}")
        );
        assert!(error.hint().unwrap().contains("--tag"));
    }
}

proptest! {
    #[test]
    fn cleanup_never_deletes_too_much(days in prop::collection::btree_map(prop::sample::select(vec!["a", "b", "c"]), prop::collection::btree_set(1..28u32, 0..8), 0..4), keep in 1..5usize, used in 1..28u32) {
        let all: Vec<SnapshotRecord> = days.iter().flat_map(|(class, days)| days.iter().map(|day| of(class, *day))).collect();
        let in_use = format!("snap-a{used}");
        let planned = cleanup(&all, keep, &users(&[in_use.as_str()]));
        let gone: BTreeSet<&str> = deleted(&planned.plan).into_iter().collect();
        prop_assert!(!gone.contains(in_use.as_str()));
        for (class, days) in &days {
            for (newer, day) in days.iter().rev().enumerate() {
                let id = format!("snap-{class}{day}");
                prop_assert_eq!(gone.contains(id.as_str()), newer >= keep && id != in_use, "{}", id);
            }
        }
    }
}
