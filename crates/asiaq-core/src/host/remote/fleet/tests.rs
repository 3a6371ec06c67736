#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::host::record::tests::host;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn report(statuses: &[i32]) -> FleetReport {
    let result = |(index, status): (usize, &i32)| HostResult {
        id: format!("i-{index}"),
        name: format!("web-{index}"),
        status: *status,
        problem: None,
    };
    FleetReport {
        results: statuses.iter().enumerate().map(result).collect(),
        lost_output: None,
    }
}

#[test]
fn the_last_failure_counts_in_serial_and_the_worst_in_concurrent_runs() {
    let table = [
        (&[][..], 0, 0),
        (&[0, 0], 0, 0),
        (&[3], 3, 3),
        (&[7, 0, 2, 0], 2, 7),
        (&[0, 255, 1], 1, 255),
    ];
    for (statuses, serial, concurrent) in table {
        let report = report(statuses);
        assert_eq!(report.status(Parallel::Serial), serial, "{statuses:?}");
        assert_eq!(
            report.status(Parallel::Bounded(9)),
            concurrent,
            "{statuses:?}"
        );
    }
}

#[test]
fn failures_are_counted_and_named() {
    let mut failed = report(&[0, 3, 0, 255, 255]);
    failed.results[3].problem = Some(format!("no\n  way {}", "x".repeat(400)));
    failed.results[4].name = "i-4".into();
    let text = failed.failures().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "3 of 5 hosts failed");
    assert_eq!(lines[1], "  i-1 web-1: exit status 3");
    assert!(lines[2].starts_with("  i-3 web-3: no way xxx") && lines[2].ends_with("x…"));
    assert!(lines[2].len() < 340);
    assert_eq!(lines[3], "  i-4: exit status 255, as when ssh fails");
    assert_eq!(report(&[0, 0]).failures(), None);
}

#[test]
fn many_failures_are_all_named_by_reason() {
    assert_eq!(report(&[1; 20]).failures().unwrap().lines().count(), 21);
    let mut many = report(&[1; 500]);
    many.results[7].status = 255;
    many.results[8].name = "web i-8".into();
    let text = many.failures().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], "500 of 500 hosts failed");
    let start = "  exit status 1: web-0 (i-0), web-1 (i-1), ";
    assert!(lines[1].starts_with(start) && lines[1].ends_with("web-499 (i-499)"));
    assert!(lines[1].contains(", web-6 (i-6), web i-8, web-9 (i-9), "));
    assert_eq!(lines[1].split(", ").count(), 499);
    assert_eq!(
        lines[2],
        "  exit status 255, as when ssh fails: web-7 (i-7)"
    );
}

#[test]
fn what_only_ssh_knows() {
    let mut one = report(&[0, 255]);
    assert!(one.ssh_failed() && !report(&[0, 1]).ssh_failed());
    one.results[1].problem = Some("no address".into());
    assert!(!one.ssh_failed());
}

#[test]
fn ssh_is_looked_for_in_path() {
    let place = tempfile::tempdir().unwrap();
    let path = std::env::join_paths([Path::new("/nowhere"), place.path()]).unwrap();
    assert!(has_ssh(None).is_ok());
    let error = has_ssh(Some(&path)).unwrap_err();
    assert!(error.to_string().starts_with("cannot start `ssh`"));
    assert_eq!(
        with_hint(&error),
        format!("{error} ({})", error.hint().unwrap())
    );
    let ssh = place.path().join("ssh");
    std::fs::write(&ssh, "").unwrap();
    let mode =
        |bits| std::fs::set_permissions(&ssh, std::fs::Permissions::from_mode(bits)).unwrap();
    mode(0o600);
    assert!(has_ssh(Some(&path)).is_err());
    mode(0o700);
    assert!(has_ssh(Some(&path)).is_ok());
}

#[test]
fn hosts_are_called_by_their_name_if_it_is_theirs_alone() {
    let hosts = [
        host("i-1", "running", &[("hostname", "web")]),
        host("i-2", "running", &[("hostname", "db")]),
        host("i-3", "running", &[("hostname", "web")]),
        host("i-4", "running", &[]),
        host("i-5", "running", &[("hostname", "")]),
        host("i-6", "running", &[("hostname", "\u{1b}[2Jx")]),
    ];
    assert_eq!(
        names(&hosts),
        ["web i-1", "db", "web i-3", "i-4", "i-5", "[2Jx"]
    );
}

#[test]
fn at_least_one_host_at_once() {
    assert_eq!(at_once(Parallel::Serial), 1);
    assert_eq!(at_once(Parallel::Bounded(0)), 1);
    assert_eq!(at_once(Parallel::Bounded(7)), 7);
}
