//! Plans of the small commands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::host::record::tests::host;
use chrono::TimeDelta;

fn route(destination: &str, instance: &str) -> InstanceRoute {
    InstanceRoute {
        table_id: "rtb-1".into(),
        destination: destination.into(),
        instance_id: instance.into(),
    }
}

#[test]
fn routes_go_before_their_instance_and_others_stay() {
    let hosts = [
        host("i-1", "running", &[("hostclass", "mhcweb")]),
        host("i-2", "stopped", &[]),
    ];
    let routes = [
        route("10.9.0.0/16", "i-2"),
        route("10.8.0.0/16", "i-3"),
        route("::/0", "i-1"),
    ];
    let plan = plan_terminate(&hosts, &routes);
    let expected = [
        "- route 10.9.0.0/16 -> i-2 in rtb-1",
        "- route ::/0 -> i-1 in rtb-1",
        "- instance i-1 mhcweb",
        "- instance i-2 -",
    ];
    assert_eq!(plan.lines(), expected);
    let last = plan.changes().last().unwrap();
    assert_eq!(last.needs, ["route/rtb-1/10.9.0.0/16", "route/rtb-1/::/0"]);
    assert_eq!(
        last.action,
        HostAction::Terminate(vec!["i-1".into(), "i-2".into()]),
        "one call for all"
    );
    assert!(plan_terminate(&[], &routes).is_empty() && plan_stop(&[]).is_empty());
}

#[test]
fn aws_takes_a_thousand_at_once() {
    let hosts: Vec<Host> = (0..2001)
        .map(|n| host(&format!("i-{n}"), "running", &[]))
        .collect();
    let plan = plan_terminate(&hosts, &[route("10.9.0.0/16", "i-2000")]);
    let calls: Vec<usize> = plan
        .changes()
        .iter()
        .filter_map(|change| match &change.action {
            HostAction::Terminate(ids) => Some((ids.len(), &change.needs)),
            _ => None,
        })
        .map(|(count, needs)| {
            assert_eq!(needs[..], ["route/rtb-1/10.9.0.0/16"]);
            count
        })
        .collect();
    assert_eq!(calls, [1000, 1000, 1]);
}

#[test]
fn tags_are_only_touched_where_they_differ() {
    let hosts = [
        host("i-1", "running", &[("k", "old")]),
        host("i-2", "running", &[("k", "new")]),
        host("i-3", "running", &[]),
    ];
    let table = [
        (
            Some("new"),
            vec![
                "~ tag k of instance i-1: old -> new",
                "~ tag k of instance i-3: none -> new",
            ],
        ),
        (
            None,
            vec![
                "~ tag k of instance i-1: old -> none",
                "~ tag k of instance i-2: new -> none",
            ],
        ),
        (
            Some(""),
            vec![
                "~ tag k of instance i-1: old -> none",
                "~ tag k of instance i-2: new -> none",
            ],
        ),
    ];
    for (value, expected) in table {
        assert_eq!(plan_tag(&hosts, "k", value).lines(), expected, "{value:?}");
    }
    assert!(plan_tag(&hosts[1..2], "k", Some("new")).is_empty());
}

#[test]
fn an_image_is_settled_if_all_its_hosts_are_old() {
    let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let aged = |image: &str, seconds: i64| Host {
        image_id: image.into(),
        launched: Some(now - TimeDelta::seconds(seconds)),
        ..host("i-1", "running", &[])
    };
    // The example of the specification: B is settled, A is not.
    let hosts = [aged("A", 5 * 3600), aged("A", 3600), aged("B", 4 * 3600)];
    assert_eq!(settled_images(&hosts, 3, now), ["B"]);
    assert_eq!(settled_images(&hosts, 0, now), ["A", "B"]);
    assert_eq!(settled_images(&hosts, 5, now), [""; 0]);
    let exactly = [aged("C", 3 * 3600), aged("D", 3 * 3600 + 1)];
    assert_eq!(settled_images(&exactly, 3, now), ["D"], "strictly older");
    let unknown = Host {
        launched: None,
        ..aged("E", 0)
    };
    assert_eq!(settled_images(&[unknown], 0, now), [""; 0]);
    assert_eq!(settled_images(&hosts, i64::MAX, now), [""; 0]);
}

#[test]
fn lines_and_ids() {
    let hosts = [host("i-2", "running", &[]), host("i-1", "running", &[])];
    assert_eq!(
        selection_line("Terminated", &hosts),
        "Terminated: Instance:i-2,Instance:i-1"
    );
    assert_eq!(selection_line("Stopped", &[]), "Stopped: ");
    assert_eq!(images_of(&hosts), ["ami-1"]);
}
