#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::record::Member;
use super::super::record::tests::group;
use super::*;

fn populated(name: &str, instances: usize) -> Group {
    let member = |n| Member {
        id: format!("i-{n}"),
        lifecycle_state: "InService".into(),
    };
    Group {
        instances: (0..instances).map(member).collect(),
        ..group(name)
    }
}

fn environment() -> Vec<Group> {
    let deleting = Group {
        deleting: true,
        ..group("ci_mhcweb_9")
    };
    let mut foreign = group("ci_2_mhcweb_5");
    foreign.tags.insert("environment".into(), "ci_2".into());
    vec![
        populated("ci_mhcapp_1", 1),
        populated("ci_mhcweb_2", 2),
        group("ci_mhcweb_3"),
        deleting,
        foreign,
        group("ci2_mhcweb_4"),
    ]
}

fn usage(groups: &[Group]) -> BTreeMap<String, usize> {
    let keys = groups.iter().flat_map(|group| group.launch.object_keys());
    keys.map(|key| (key, 1)).collect()
}

#[test]
fn which_groups_go_and_which_stay() {
    let groups = environment();
    let table: [(DeleteFilter<'_>, bool, &[&str], usize); 7] = [
        (
            DeleteFilter::Hostclass("mhcweb"),
            true,
            &["group-delete/ci_mhcweb_3", "group-delete/ci_mhcweb_2"],
            0,
        ),
        (
            DeleteFilter::Hostclass("mhcweb"),
            false,
            &["group-delete/ci_mhcweb_3"],
            1,
        ),
        (DeleteFilter::Hostclass("mhcnone"), true, &[], 0),
        (
            DeleteFilter::Name("ci_mhcapp_1"),
            true,
            &["group-delete/ci_mhcapp_1"],
            0,
        ),
        (DeleteFilter::Name("ci2_mhcweb_4"), true, &[], 0),
        (DeleteFilter::All, false, &["group-delete/ci_mhcweb_3"], 2),
        (
            DeleteFilter::All,
            true,
            &[
                "group-delete/ci_mhcweb_3",
                "group-delete/ci_mhcweb_2",
                "group-delete/ci_mhcapp_1",
            ],
            0,
        ),
    ];
    for (filter, force, wanted, notes) in table {
        let (plan, kept) =
            plan_delete("ci", &groups, &usage(&groups), filter, force, false).unwrap();
        let ids: Vec<&str> = plan.changes().iter().map(|c| c.id.as_str()).collect();
        assert_eq!(
            (ids.as_slice(), kept.len()),
            (wanted, notes),
            "{filter:?} {force}"
        );
    }
}

#[test]
fn no_name_never_means_all() {
    for filter in [DeleteFilter::Hostclass(""), DeleteFilter::Name("")] {
        assert!(
            plan_delete("ci", &environment(), &BTreeMap::new(), filter, true, true).is_err(),
            "{filter:?}"
        );
    }
}

#[test]
fn lines_name_group_instances_and_launch_object() {
    let groups = environment();
    let (plan, notes) = plan_delete(
        "ci",
        &groups,
        &usage(&groups),
        DeleteFilter::Name("ci_mhcweb_2"),
        true,
        true,
    )
    .unwrap();
    assert_eq!(
        plan.lines(),
        [
            "- group mhcweb ci_mhcweb_2 (2 instances)",
            "- launch template ci_mhcweb_29"
        ]
    );
    assert!(notes.is_empty());
    let (plan, notes) = plan_delete(
        "ci",
        &groups,
        &usage(&groups),
        DeleteFilter::Name("ci_mhcapp_1"),
        false,
        true,
    )
    .unwrap();
    assert!(plan.is_empty());
    assert_eq!(
        notes,
        ["ci_mhcapp_1 cannot be deleted: it has 1 instance (force is False)"]
    );
}

#[test]
fn launch_objects_that_are_shared_or_foreign_stay() {
    let launched = |launch| Group {
        launch,
        ..group("ci_mhcweb_3")
    };
    let own = LaunchRef::Configuration("ci_mhcweb_7".into());
    let table = [
        (own.clone(), 1, true),
        (own, 2, false),
        (LaunchRef::Configuration("other_mhcweb_7".into()), 1, false),
        (
            LaunchRef::Template {
                id: "lt-1".into(),
                name: "shared-base".into(),
                version: "1".into(),
            },
            1,
            false,
        ),
        (LaunchRef::None, 0, false),
    ];
    for (launch, users, goes) in table {
        let counts = launch
            .object_keys()
            .into_iter()
            .map(|key| (key, users))
            .collect();
        let (plan, _) = plan_delete(
            "ci",
            &[launched(launch.clone())],
            &counts,
            DeleteFilter::All,
            false,
            false,
        )
        .unwrap();
        let wanted = GroupAction::DeleteGroup {
            name: "ci_mhcweb_3".into(),
            force: false,
            strict: false,
            launch: goes.then_some(launch),
        };
        assert_eq!(plan.changes()[0].action, wanted);
    }
}
