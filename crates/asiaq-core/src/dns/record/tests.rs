#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;

fn value(kind: &str, value: &str) -> Target {
    Target::Value {
        kind: kind.into(),
        value: value.into(),
    }
}

fn alias(host: &str, zone_id: &str) -> Target {
    Target::Alias {
        host: host.into(),
        zone_id: zone_id.into(),
    }
}

fn record(target: &Target) -> Record {
    Record::new("web.example.com", target).unwrap()
}

/// A record with two values, as AWS returns it.
fn two() -> Record {
    let one = |text: &str| ResourceRecord::builder().value(text).build().unwrap();
    ResourceRecordSet::builder()
        .name("web.example.com.")
        .r#type(RrType::A)
        .ttl(300)
        .resource_records(one("192.0.2.1"))
        .resource_records(one("192.0.2.2"))
        .build()
        .unwrap()
        .into()
}

#[test]
fn a_record_holds_what_was_written_and_nothing_else() {
    let cname = record(&value("CNAME", "LB-1.elb.amazonaws.com."));
    let to_balancer = record(&alias("dualstack.lb-1.elb.amazonaws.com.", "ZELB"));
    let text = record(&value("TXT", "\"A\""));
    let table = [
        (&cname, value("CNAME", "LB-1.elb.amazonaws.com."), true),
        (&cname, value("CNAME", "lb-1.elb.amazonaws.com"), true),
        (&cname, value("CNAME", "lb-2.elb.amazonaws.com"), false),
        (&cname, alias("lb-1.elb.amazonaws.com", "ZELB"), false),
        (&to_balancer, alias("lb-1.elb.amazonaws.com", "ZELB"), true),
        (
            &to_balancer,
            alias("lb-1.elb.amazonaws.com", "ZOTHER"),
            false,
        ),
        (&to_balancer, alias("lb-2.elb.amazonaws.com", "ZELB"), false),
        (&to_balancer, value("A", "192.0.2.1"), false),
        (&text, value("TXT", "\"A\""), true),
        (&text, value("TXT", "\"a\""), false),
    ];
    for (record, target, held) in table {
        assert_eq!(record.holds(&target), held, "{record:?} {target:?}");
    }
    assert!(!two().holds(&value("A", "192.0.2.1")), "two values");
    let mut slow = record(&value("A", "192.0.2.1"));
    slow.ttl = Some(300);
    assert!(!slow.holds(&value("A", "192.0.2.1")), "another TTL");
    let mut weighted = record(&value("A", "192.0.2.1"));
    weighted.set_identifier = Some("blue".into());
    assert!(!weighted.holds(&value("A", "192.0.2.1")), "routed");
}

#[test]
fn cnames_and_aliases_lead_to_hosts() {
    let host = "lb-1.elb.amazonaws.com";
    let mut ipv6 = record(&alias(host, "ZELB"));
    ipv6.kind = "AAAA".into();
    let table = [
        (record(&value("CNAME", "LB-1.elb.amazonaws.com.")), true),
        (record(&value("CNAME", "lb-11.elb.amazonaws.com")), false),
        (record(&value("TXT", host)), false),
        (
            record(&alias("dualstack.lb-1.elb.amazonaws.com.", "ZELB")),
            true,
        ),
        (record(&alias("lb-2.elb.amazonaws.com", "ZELB")), false),
        (ipv6, true),
        (two(), false),
    ];
    for (record, leads) in table {
        assert_eq!(record.leads_to(host), leads, "{record:?}");
    }
}

#[test]
fn people_read_values_and_unusual_ttls() {
    assert_eq!(two().content(), "192.0.2.1,192.0.2.2 (TTL 300)");
    assert_eq!(two().title(), "web.example.com");
    assert_eq!(record(&value("A", "192.0.2.1")).content(), "192.0.2.1");
    let to_balancer = record(&alias("lb-1.elb.amazonaws.com.", "ZELB"));
    assert_eq!(to_balancer.content(), "alias lb-1.elb.amazonaws.com");
}
