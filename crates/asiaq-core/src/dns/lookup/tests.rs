#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::dns::Target;

fn zone(id: &str, name: &str, private: bool, records: i64) -> Zone {
    Zone {
        id: id.into(),
        name: name.into(),
        private,
        records,
    }
}

#[test]
fn the_quicker_way_is_chosen() {
    // (record sets, names) -> whole zone
    let table = [
        ((2, 1), false),
        ((300, 1), false),
        ((300, 2), true),
        ((300, 40), true),
        ((301, 2), false),
        ((600, 5), false),
        ((600, 6), true),
        ((900, 6), false),
        ((3000, 13), false),
        ((3000, 14), true),
        ((10_000, 30), false),
        ((10_000, 40), true),
        ((0, 2), true),
        ((-1, 1), false),
    ];
    for ((records, names), whole) in table {
        assert_eq!(
            whole_zone_is_cheaper(records, names),
            whole,
            "{records} record sets, {names} names"
        );
    }
}

#[test]
fn each_zone_is_read_its_own_way_and_private_twins_are_not_read() {
    let zones = [
        zone("Z1", "example.com.", true, 2),
        zone("Z2", "example.com.", false, 5000),
        zone("Z3", "example.org.", false, 10),
        zone("Z4", "example.net.", false, 10),
    ];
    let names = [
        ("example.com", "a.example.com"),
        ("example.com", "b.example.com"),
        ("example.com", "a.example.com"),
        ("example.org.", "a.example.org"),
        ("example.org", "b.example.org"),
        ("missing.org", "a.missing.org"),
    ]
    .map(|(domain, host)| (domain.to_owned(), host.to_owned()));
    let read: Vec<(&str, Option<String>)> = readings(&zones, &names)
        .into_iter()
        .map(|(zone, only)| (zone.id.as_str(), only))
        .collect();
    let wanted = [
        ("Z2", Some("a.example.com".to_owned())),
        ("Z2", Some("b.example.com".to_owned())),
        ("Z3", None),
    ];
    assert_eq!(read, wanted);
}

#[test]
fn records_are_found_by_zone_and_name() {
    let target = Target::Value {
        kind: "A".into(),
        value: "192.0.2.1".into(),
    };
    let record = |name: &str| Record::new(name, &target).unwrap();
    let zones = vec![
        zone("Z1", "example.com.", false, 2),
        zone("Z2", "example.com.", true, 2),
    ];
    let records = vec![
        ("Z1".to_owned(), record(r"\052.example.com.")),
        ("Z2".to_owned(), record("*.example.com.")),
        ("Z1".to_owned(), record("web.example.com.")),
    ];
    let names = Names::new(zones, records);
    let zone = names.zone("example.com").unwrap();
    let found: Vec<&str> = names
        .records(zone, "*.Example.com")
        .map(|record| record.name.as_str())
        .collect();
    assert_eq!(found, [r"\052.example.com."]);
    assert!(names.zone("example.org").is_err());
}
