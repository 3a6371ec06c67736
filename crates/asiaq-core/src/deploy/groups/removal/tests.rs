//! Tables of what may go.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::super::tests::group;
use super::*;
use crate::balancer::TargetGroup;

/// Tags of the group, the group that it replaces, and whether it may go.
type Case = (&'static [(&'static str, &'static str)], Option<Group>, bool);

#[test]
fn a_group_that_serves_never_goes() {
    const NEW: &str = "ci_mhcweb_2";
    let old = |max| group("ci_mhcweb_1", (0, max, max), &[]);
    let table: [Case; 8] = [
        (&[("is_testing", "1")], None, true),
        (
            &[("is_testing", "1"), ("deploy_replaces", "ci_mhcweb_1")],
            None,
            true,
        ),
        (&[("is_testing", "0")], Some(old(2)), false),
        (&[], Some(old(2)), false),
        (&[("is_testing", "0"), ("deploy_replaces", "-")], None, true),
        (
            &[("is_testing", "0"), ("deploy_replaces", "ci_mhcweb_1")],
            Some(old(2)),
            true,
        ),
        (
            &[("is_testing", "0"), ("deploy_replaces", "ci_mhcweb_1")],
            Some(old(0)),
            false,
        ),
        (
            &[("is_testing", "0"), ("deploy_replaces", "ci_mhcweb_1")],
            None,
            false,
        ),
    ];
    for (tags, old, wanted) in table {
        let new = group(NEW, (1, 1, 1), tags);
        let groups: Vec<Group> = old.into_iter().chain([new.clone()]).collect();
        match may_go(&new, &groups) {
            Ok(()) => assert!(wanted, "{tags:?}"),
            Err(error) => {
                assert!(!wanted, "{tags:?}");
                assert!(
                    error
                        .to_string()
                        .starts_with("group ci_mhcweb_2 is not removed")
                );
            }
        }
    }
}

#[test]
fn groups_are_detached_from_the_testing_balancer_and_an_operators_own_keeps_it() {
    let going = Attachments {
        load_balancers: vec!["b".into()],
        target_groups: Vec::new(),
    };
    let attached = |tags: &[(&str, &str)]| Group {
        load_balancers: vec!["a".into(), "b".into()],
        ..group("ci_mhcweb_2", (1, 1, 1), tags)
    };
    let lines = |own: &Group| {
        let plan = detached("ci", "mhcweb", &[own], &going).unwrap();
        plan.map(|plan| plan.lines())
    };
    let deployed = attached(&[("is_testing", "1"), ("deploy_replaces", "-")]);
    let line = "~ group mhcweb ci_mhcweb_2: load balancers a b -> a".to_owned();
    assert_eq!(lines(&deployed), Some(vec![line.clone()]));
    assert_eq!(lines(&attached(&[("is_testing", "0")])), Some(vec![line]));
    assert_eq!(lines(&attached(&[("is_testing", "1")])), None);
    let apart = group("ci_mhcweb_2", (1, 1, 1), &[("is_testing", "1")]);
    assert_eq!(lines(&apart), Some(vec![]), "it is not behind this one");
}

#[test]
fn a_group_is_alone_where_neither_tests_nor_others_are() {
    let testing = Attachments {
        load_balancers: vec!["test".into()],
        target_groups: vec![TargetGroup {
            name: "test".into(),
            arn: Some("arn:test".into()),
        }],
    };
    let attached = |names: &[&str], arns: &[&str]| Group {
        load_balancers: names.iter().map(|&name| name.to_owned()).collect(),
        target_groups: arns.iter().map(|&arn| arn.to_owned()).collect(),
        ..group("ci_mhcweb_2", (1, 1, 1), &[])
    };
    let old = attached(&["normal"], &["arn:normal"]);
    let table = [
        (attached(&[], &[]), false),
        (attached(&["test"], &["arn:test"]), false),
        (attached(&["normal", "test"], &["arn:normal"]), false),
        (attached(&["other"], &[]), true),
        (attached(&["normal"], &["arn:test", "arn:other"]), true),
    ];
    for (new, wanted) in table {
        assert_eq!(is_alone(&new, &[&old], &testing), wanted, "{new:?}");
    }
}
