//! Tables of the pure parts: names, targets, plan, layout, splitting, order.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::order::Line;
use super::output::{is_cut, split};
use super::*;
use crate::aws::Tags;
use crate::config::Ini;
use proptest::prelude::*;

fn host(id: &str, state: &str) -> Host {
    Host {
        id: id.into(),
        state: state.into(),
        image_id: "ami-1".into(),
        instance_type: "m5.large".into(),
        public_ip: None,
        private_ip: None,
        addresses: Vec::new(),
        zone: "us-west-2a".into(),
        security_group: None,
        launched: None,
        tags: Tags::from([("hostclass".to_owned(), "mhcapp".to_owned())]),
    }
}

#[test]
fn output_buckets() {
    let table = [
        ("", "ci", None),
        ("s3_bucket_base=", "ci", None),
        ("s3_bucket_suffix=dev", "ci", None),
        ("s3_bucket_base=acme-data", "ci", Some("acme-data--ssm")),
        (
            "s3_bucket_base=acme-data\ns3_bucket_suffix=",
            "ci",
            Some("acme-data--ssm"),
        ),
        (
            "s3_bucket_base=acme-data\ns3_bucket_suffix@prod=live",
            "prod",
            Some("acme-data--ssm--live"),
        ),
        (
            "s3_bucket_base=acme-data\ndefault_s3_bucket_suffix=dev",
            "ci",
            Some("acme-data--ssm--dev"),
        ),
        (
            "s3_bucket_base=acme-data\ns3_bucket_suffix=dev\ns3_bucket_suffix@prod=live",
            "ci",
            Some("acme-data--ssm--dev"),
        ),
    ];
    for (text, env, wanted) in table {
        let ini = Ini::parse("disco_aws.ini", format!("[disco_aws]\n{text}\n").as_bytes()).unwrap();
        let found = bucket(&DiscoAws::from_ini(ini), env).unwrap();
        assert_eq!(found.as_deref(), wanted, "{text}");
    }
}

#[test]
fn hosts_that_do_not_run_are_skipped() {
    let states = [
        "running",
        "terminated",
        "pending",
        "shutting-down",
        "stopped",
        "stopping",
    ];
    let hosts = states
        .iter()
        .map(|state| host(&format!("i-{state}"), state))
        .collect();
    let (left, warnings) = targets(hosts).unwrap();
    let ids: Vec<&str> = left.iter().map(|host| host.id.as_str()).collect();
    assert_eq!(ids, ["i-running", "i-pending"]);
    assert_eq!(
        warnings,
        [
            "instance i-terminated (terminated) is skipped: it does not run",
            "instance i-shutting-down (shutting-down) is skipped: it does not run",
            "instance i-stopped (stopped) is skipped: it does not run",
            "instance i-stopping (stopping) is skipped: it does not run"
        ]
    );
    assert_eq!(
        targets(Vec::new()).unwrap_err().to_string(),
        "no instance matches"
    );
    let gone = targets(vec![host("i-1", "terminated")]).unwrap_err();
    assert_eq!(
        gone.to_string(),
        "no instance is left: all 1 that match are stopped, going or gone"
    );
}

#[test]
fn the_plan_shows_no_parameters() {
    let command = Command {
        document: "restart".into(),
        parameters: BTreeMap::from([("password".to_owned(), "hunter2".to_owned())]),
        ..Command::default()
    };
    let shown = plan(&command, &[host("i-1", "running"), host("i-2", "running")]);
    assert_eq!(
        shown.lines(),
        [
            "+ command restart on instance i-1 mhcapp",
            "+ command restart on instance i-2 mhcapp"
        ]
    );
}

#[test]
fn the_layout_of_output() {
    let plugin = |name: &str, stdout: &str, stderr: &str, exit_code| PluginOutput {
        name: name.into(),
        stdout: stdout.into(),
        stderr: stderr.into(),
        exit_code,
    };
    let output = InstanceOutput {
        instance_id: "i-1".into(),
        status: "Failed".into(),
        status_details: "Failed".into(),
        plugins: vec![
            plugin("first", "two\nlines", "-", 0),
            plugin("second", "-", "no", 3),
        ],
    };
    let wanted = "Output for instance: i-1\nPlugin: first\n\n\nSTDOUT:\ntwo\nlines\n\n\nSTDERR:\n-\n\n\nExit Code: 0\n\
                  Plugin: second\n\n\nSTDOUT:\n-\n\n\nSTDERR:\nno\n\n\nExit Code: 3";
    assert_eq!(output.text(), wanted);
    let none = InstanceOutput {
        plugins: Vec::new(),
        ..output
    };
    assert_eq!(none.text(), "Output for instance: i-1");
}

#[test]
fn listed_output_is_split() {
    let cut = "----------ERROR-------";
    let table = [
        (String::new(), "-", "-"),
        (" \n".into(), "-", "-"),
        (" out \n".into(), "out", "-"),
        (format!("out\n{cut}\nerr\n"), "out", "err"),
        (format!("\n{cut}\nerr"), "-", "err"),
        (format!("out\n{cut}\n"), "out", "-"),
        (format!("a{cut}b{cut}c"), "a", "-"),
    ];
    for (text, stdout, stderr) in table {
        assert_eq!(
            split(&text),
            (stdout.to_owned(), stderr.to_owned()),
            "{text}"
        );
    }
}

#[test]
fn cut_output_is_recognised() {
    assert!(!is_cut("") && !is_cut(&"x".repeat(2499)));
    assert!(is_cut(&"x".repeat(2500)) && is_cut(&"ä".repeat(1250)));
    assert!(is_cut("x\n---Output truncated---") && is_cut("x\n---Error truncated----"));
}

#[test]
fn as_sent_waits_and_as_finished_does_not() {
    let mut line = Line::new(Order::AsSent, 4);
    assert_eq!(line.put(2, Some('c')), [' '; 0]);
    assert_eq!(line.put(0, Some('a')), ['a']);
    assert_eq!(line.put(1, None), ['c'], "a closed place is passed over");
    assert_eq!(line.put(1, Some('b')), [' '; 0], "a place counts once");
    assert_eq!(line.put(3, Some('d')), ['d']);
    assert_eq!(line.put(9, Some('x')), [' '; 0]);
    let mut line = Line::new(Order::AsFinished, 2);
    assert_eq!(line.put(1, Some('b')), ['b']);
    assert_eq!(line.put(1, Some('b')), [' '; 0]);
    assert_eq!(line.put(0, Some('a')), ['a']);
}

proptest! {
    #[test]
    fn every_item_comes_out_once_and_in_order(
        arrival in Just((0..12usize).collect::<Vec<_>>()).prop_shuffle(),
        missing in prop::collection::hash_set(0..12usize, 0..6),
    ) {
        let mut line = Line::new(Order::AsSent, 12);
        let mut out = Vec::new();
        for index in arrival {
            out.extend(line.put(index, Some(index).filter(|index| !missing.contains(index))));
        }
        let wanted: Vec<usize> = (0..12).filter(|index| !missing.contains(index)).collect();
        prop_assert_eq!(out, wanted);
    }
}
