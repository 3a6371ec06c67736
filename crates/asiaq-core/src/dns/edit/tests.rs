#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::dns::Alias;

fn zone() -> Zone {
    Zone {
        id: "Z1".into(),
        name: "example.com.".into(),
        private: false,
        records: 3,
    }
}

fn record(name: &str, kind: &str, value: &str) -> Record {
    Record::new(name, &target(kind, value).unwrap()).unwrap()
}

#[test]
fn creating_a_record() {
    let name = "web.example.com";
    let host = record("web.example.com.", "CNAME", "old.example.org");
    let mut slow = record("web.example.com.", "CNAME", "new.example.org");
    slow.ttl = Some(300);
    let mut alias = record("web.example.com.", "CNAME", "");
    alias.alias = Some(Alias {
        host: "lb.elb.amazonaws.com.".into(),
        zone_id: "ZELB".into(),
    });
    let table: [(&[Record], &str, &str, &[&str]); 6] = [
        (
            &[],
            "cname",
            "new.example.org",
            &["+ record web.example.com CNAME new.example.org"],
        ),
        (
            &[host],
            "CNAME",
            "new.example.org",
            &["~ record web.example.com CNAME old.example.org -> new.example.org"],
        ),
        (
            &[slow],
            "CNAME",
            "new.example.org",
            &["~ record web.example.com CNAME new.example.org (TTL 300) -> new.example.org"],
        ),
        (
            &[alias],
            "CNAME",
            "new.example.org",
            &["~ record web.example.com CNAME alias lb.elb.amazonaws.com -> new.example.org"],
        ),
        (
            &[record("web.example.com.", "A", "192.0.2.1")],
            "A",
            "192.0.2.1",
            &[],
        ),
        (
            &[record("web.example.com.", "A", "192.0.2.1")],
            "TXT",
            "a b",
            &["+ record web.example.com TXT \"a b\""],
        ),
    ];
    for (found, kind, value, wanted) in table {
        let plan = creation(&zone(), found, name, target(kind, value).unwrap()).unwrap();
        assert_eq!(plan.lines(), wanted);
    }
    let mut weighted = record(name, "A", "192.0.2.1");
    weighted.set_identifier = Some("blue".into());
    let error = creation(
        &zone(),
        &[weighted],
        name,
        target("A", "192.0.2.1").unwrap(),
    );
    let error = error.unwrap_err().to_string();
    assert!(
        error.starts_with("record web.example.com A consists of 1 record sets"),
        "{error}"
    );
}

#[test]
fn deleting_a_record_takes_the_first_of_its_type() {
    let mut weighted = record("web.example.com.", "A", "192.0.2.1");
    weighted.set_identifier = Some("blue".into());
    weighted.ttl = Some(60);
    let found = [
        record("web.example.com.", "TXT", "t"),
        weighted,
        record("web.example.com.", "A", "192.0.2.2"),
    ];
    let lines = |kind: &str| deletion(&zone(), &found, kind).lines();
    assert_eq!(
        lines("A"),
        ["- record web.example.com A 192.0.2.1 (TTL 60) (set blue)"]
    );
    assert_eq!(lines("TXT"), ["- record web.example.com TXT \"t\""]);
    assert_eq!(lines("CNAME"), [""; 0]);
}

#[test]
fn texts_are_quoted_once() {
    let long = "x".repeat(256);
    let pieces = format!("\"{}\" \"x\"", "x".repeat(255));
    for (value, wanted) in [
        ("v=spf1 -all", "\"v=spf1 -all\""),
        ("\"v=spf1 -all\"", "\"v=spf1 -all\""),
        ("\"a\" \"b\"", "\"a\" \"b\""),
        ("say \"hi\" \\o/", "\"say \\\"hi\\\" \\\\o/\""),
        ("\"", "\"\\\"\""),
        ("", "\"\""),
        (&long, &pieces),
    ] {
        assert_eq!(quoted(value), wanted);
    }
}

#[test]
fn types_are_known_ones() {
    assert_eq!(known_type("aaaa").unwrap(), "AAAA");
    let error = known_type("CNAMES").unwrap_err();
    assert_eq!(error.to_string(), "unknown record type CNAMES");
    assert!(error.hint().unwrap().contains("CNAME"));
}

#[test]
fn names_outside_the_zone_are_refused() {
    for name in ["web.example.com", "example.com."] {
        assert!(inside(&zone(), name).is_ok(), "{name}");
    }
    for name in ["web", "web.myexample.com", "example.org."] {
        let error = inside(&zone(), name).unwrap_err();
        let title = name.trim_end_matches('.');
        assert_eq!(
            error.to_string(),
            format!("record {title} is not inside zone example.com")
        );
        assert!(error.hint().unwrap().contains(title));
    }
}
