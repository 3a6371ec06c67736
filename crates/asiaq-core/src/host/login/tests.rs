//! Which host is meant, and which address is taken.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::host::record::tests::host;
use std::sync::Mutex;

fn fleet() -> Vec<Host> {
    let named = |id: &str, state: &str, class: &str, name: &str| {
        host(id, state, &[("hostclass", class), ("hostname", name)])
    };
    vec![
        named("i-0a1", "terminated", "mhcweb", "gone"),
        named("i-0a2", "shutting-down", "mhcweb", "going"),
        named("i-0a3", "stopped", "mhcweb", "web-1"),
        named("i-0a4", "running", "mhcweb", "web-10"),
        named("i-0a5", "running", "mhcwebcache", "cache-1"),
        host("i-0b6", "pending", &[("hostclass", "mhcdb")]),
        host("i-0b7", "running", &[]),
    ]
}

#[test]
fn hosts_that_are_meant() {
    let hosts = fleet();
    let cases = [
        // By a part of the host name, the hostclass, the instance id.
        ("ache-", false, "i-0a5"),
        ("hcdb", false, "i-0b6"),
        ("0b7", false, "i-0b7"),
        // In full, it is not ambiguous.
        ("web-1", false, "i-0a3"),
        ("i-0a4", false, "i-0a4"),
        ("mhcweb", true, "i-0a4"),
        ("mhcwebcache", false, "i-0a5"),
        // The first that runs; one match needs no hostclass.
        ("web-", true, "i-0a4"),
        ("cache", true, "i-0a5"),
    ];
    for (name, first, id) in cases {
        assert_eq!(choose("ci", &hosts, name, first).unwrap().id, id, "{name}");
    }
}

#[test]
fn hosts_that_are_not_meant() {
    let hosts = fleet();
    let cases = [
        ("gone", false, "no instances in ci matched `gone`"),
        ("going", true, "no instances in ci matched `going`"),
        ("i-0a1", false, "no instances in ci matched `i-0a1`"),
        ("WEB", false, "no instances in ci matched `WEB`"),
        (
            "web-",
            false,
            "2 instances in ci matched `web-`: web-1 (i-0a3), web-10 (i-0a4)",
        ),
        (
            "i-0b",
            false,
            "2 instances in ci matched `i-0b`: i-0b6, i-0b7",
        ),
        (
            "mhcweb",
            false,
            "2 instances in ci matched `mhcweb`: web-1 (i-0a3), web-10 (i-0a4)",
        ),
        (
            "mhcw",
            true,
            "instances of 2 hostclasses in ci matched `mhcw`: mhcweb, mhcwebcache",
        ),
        (
            "i-0b",
            true,
            "instances of 2 hostclasses in ci matched `i-0b`: mhcdb, -",
        ),
    ];
    for (name, first, text) in cases {
        let error = choose("ci", &hosts, name, first).unwrap_err();
        assert_eq!(error.to_string(), text);
        assert!(error.hint().is_some(), "{text}");
    }
    assert!(choose("ci", &[], "x", true).is_err());
}

/// An instance id before a host name before a hostclass before parts.
#[test]
fn what_is_written_in_full_goes_first() {
    let named = |id: &str, class: &str, name: &str| {
        host(id, "running", &[("hostclass", class), ("hostname", name)])
    };
    let hosts = [
        named("i-1", "xmhcdb", "i-2"),
        named("i-2", "mhcdb", "one"),
        named("i-3", "mhcother", "mhcdb"),
        named("i-4", "three", "four"),
        named("i-5", "other", "three-5"),
    ];
    for (name, id) in [("i-2", "i-2"), ("mhcdb", "i-3"), ("three", "i-4")] {
        assert_eq!(choose("ci", &hosts, name, false).unwrap().id, id, "{name}");
    }
}

#[test]
fn names_of_hosts() {
    let table = [
        (&[][..], None, "i-1"),
        (&[("hostname", "")], None, "i-1"),
        (&[("hostname", "w\u{1b}eb")], Some("web"), "web (i-1)"),
    ];
    for (tags, name, text) in table {
        let host = host("i-1", "running", tags);
        assert_eq!(own_name(&host).as_deref(), name);
        assert_eq!(described(&host), text);
    }
}

#[test]
fn the_first_of_hosts_that_do_not_run() {
    let hosts = [
        host("i-1", "pending", &[("hostclass", "mhcdb")]),
        host("i-2", "pending", &[("hostclass", "mhcdb")]),
    ];
    assert_eq!(choose("ci", &hosts, "mhcdb", true).unwrap().id, "i-1");
}

#[test]
fn addresses() {
    let name = |text: &str| Ok(Wanted::Name(text.to_owned()));
    let address = |octets: [u8; 4]| Ok(Wanted::Address(octets.into()));
    let cases = [
        ("10.1.2.3", address([10, 1, 2, 3])),
        ("255.255.255.255", address([255; 4])),
        ("010.001.2.3", address([10, 1, 2, 3])),
        ("10.1.2", name("10.1.2")),
        ("10.1.2.3.4", name("10.1.2.3.4")),
        ("10.1.2.0003", name("10.1.2.0003")),
        ("10.1.2.+3", name("10.1.2.+3")),
        ("10.1.2.", name("10.1.2.")),
        ("10.1.2.x", name("10.1.2.x")),
        ("web-1", name("web-1")),
        (
            "10.1.2.256",
            Err("`10.1.2.256` is no IPv4 address".to_owned()),
        ),
        (
            "999.1.2.3",
            Err("`999.1.2.3` is no IPv4 address".to_owned()),
        ),
    ];
    for (text, expected) in cases {
        let found = Wanted::parse(text).map_err(|error| error.to_string());
        assert_eq!(found, expected, "{text}");
    }
}

/// The order decides, not the speed; nobody waits for those after the one that is taken, and all are asked at once.
#[tokio::test]
async fn addresses_in_order() {
    let asked = Mutex::new(Vec::new());
    let test = async |one: &str| {
        asked.lock().unwrap().push(one.to_owned());
        match one {
            "slow" => {
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                true
            }
            "silent" => std::future::pending().await,
            other => other == "quick",
        }
    };
    let cases: &[(&[&str], Option<&str>)] = &[
        (&["slow", "quick", "silent"], Some("slow")),
        (&["refused", "quick", "silent"], Some("quick")),
        (&["refused", "slow"], Some("slow")),
        (&["refused", "refused"], None),
        (&[], None),
    ];
    for (all, expected) in cases {
        assert_eq!(first_that(all, test).await, *expected);
        let asked = std::mem::take(&mut *asked.lock().unwrap());
        if all.first() == Some(&"slow") {
            assert_eq!(asked, *all);
        }
    }
}
