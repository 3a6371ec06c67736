//! `dns::lookup` and `dns::cnames_of`.

use crate::support::cloud::Cloud;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::zone::{LIST_ZONES, calls, list, record, records, write, zone};
use asiaq_core::dns::{self, RecordChange, Target, Writer};
use aws_sdk_route53::types::{AliasTarget, ResourceRecordSet, RrType};
use std::time::Duration;

fn pairs(names: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |(domain, host): &(&str, &str)| ((*domain).to_owned(), (*host).to_owned());
    names.iter().map(pair).collect()
}

fn alias(name: &str, kind: RrType, host: &str) -> ResourceRecordSet {
    let alias = AliasTarget::builder()
        .hosted_zone_id("ZELB")
        .dns_name(host)
        .evaluate_target_health(false);
    let set = ResourceRecordSet::builder().name(name).r#type(kind);
    set.alias_target(alias.build().unwrap()).build().unwrap()
}

/// Writes addresses in one call to the writer, which is more than one call to the service.
fn fill(cloud: &Cloud, zone: &str, count: usize) {
    let aws = cloud.aws(cloud.url());
    let writer = Writer::new(&aws);
    let upsert = |n: usize| RecordChange::Upsert {
        name: format!("n{n:04}.example.com"),
        target: Target::Value {
            kind: "A".to_owned(),
            value: "192.0.2.1".to_owned(),
        },
    };
    for start in (0..count).step_by(400) {
        let changes = (start..count.min(start + 400)).map(upsert).collect();
        cloud.wait(writer.write(zone, changes)).unwrap();
    }
}

#[test]
fn names_are_looked_up_the_cheapest_way() {
    let cloud = Cloud::start();
    let private = zone(&cloud, "example.com", true);
    let public = zone(&cloud, "example.com", false);
    let small = zone(&cloud, "example.org", false);
    record(
        &cloud,
        &private,
        "n0001.example.com",
        "TXT",
        5,
        &["\"private\""],
    );
    record(&cloud, &small, "a.example.org", "A", 5, &["192.0.2.7"]);
    fill(&cloud, &public, 700);
    write(
        &cloud,
        &public,
        alias("n0002.example.com", RrType::Aaaa, "lb.elb.amazonaws.com"),
    );

    // Three pages are more than one round for three names.
    let few = pairs(&[
        ("example.com", "n0001.example.com"),
        ("example.com", "N0002.example.com."),
        ("example.com", "missing.example.com"),
        ("example.org", "a.example.org"),
        ("example.org", "b.example.org"),
        ("missing.org", "a.missing.org"),
    ]);
    let delay = Duration::from_millis(100);
    let proxy = Proxy::start(cloud.url(), Behaviour::new().delay(delay));
    let aws = cloud.aws(proxy.url());
    let names = cloud.wait(dns::lookup(&aws, &few)).unwrap();
    assert_eq!(proxy.count(LIST_ZONES), 1);
    assert_eq!(proxy.count(&list(&public)), 3, "name by name");
    assert_eq!(proxy.count(&list(&small)), 1, "the whole zone");
    assert_eq!(proxy.count(&list(&private)), 0);
    assert_eq!(proxy.calls().len(), 5);
    assert_eq!(proxy.longest_chain(), 2, "zones, then all records");
    let zone = names.zone("example.com").unwrap();
    assert_eq!(zone.id, public);
    let kinds = |name: &str| -> Vec<String> {
        let found = names.records(zone, name);
        found.map(|record| record.kind.clone()).collect()
    };
    assert_eq!(kinds("n0001.example.com"), ["A"]);
    assert_eq!(kinds("n0002.example.com"), ["A", "AAAA"]);
    assert_eq!(kinds("missing.example.com"), [""; 0]);
    let other = names.zone("example.org").unwrap();
    assert_eq!(names.records(other, "a.example.org").count(), 1);
    let missing = names.zone("missing.org").unwrap_err();
    assert_eq!(missing.to_string(), "hosted zone missing.org not found");

    // For many names the three pages are quicker.
    let many: Vec<(String, String)> = (0..20)
        .map(|n| {
            (
                "example.com".to_owned(),
                format!("n{:04}.example.com", n * 35),
            )
        })
        .collect();
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let aws = cloud.aws(proxy.url());
    let names = cloud.wait(dns::lookup(&aws, &many)).unwrap();
    assert_eq!(proxy.count(&list(&public)), 3, "the whole zone");
    let zone = names.zone("example.com").unwrap();
    for (_, host) in &many {
        assert_eq!(names.records(zone, host).count(), 1, "{host}");
    }

    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let aws = cloud.aws(proxy.url());
    cloud.wait(dns::lookup(&aws, &[])).unwrap();
    assert_eq!(calls(&proxy), [""; 0]);
}

#[test]
fn what_leads_to_a_host_is_found_in_all_zones_and_deleted() {
    let cloud = Cloud::start();
    let public = zone(&cloud, "example.com", false);
    let private = zone(&cloud, "example.org", true);
    let host = "lb-1.us-west-2.elb.amazonaws.com";
    record(
        &cloud,
        &public,
        "a.example.com",
        "CNAME",
        300,
        &["LB-1.us-west-2.elb.amazonaws.com."],
    );
    record(
        &cloud,
        &public,
        "b.example.com",
        "CNAME",
        5,
        &["lb-2.us-west-2.elb.amazonaws.com"],
    );
    let dual = format!("dualstack.{host}.");
    write(&cloud, &public, alias("c.example.com", RrType::A, &dual));
    write(&cloud, &public, alias("c.example.com", RrType::Aaaa, &dual));
    write(&cloud, &private, alias("d.example.org", RrType::A, host));
    write(
        &cloud,
        &private,
        alias(
            "e.example.org",
            RrType::A,
            "lb-2.us-west-2.elb.amazonaws.com",
        ),
    );

    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let aws = cloud.aws(proxy.url());
    let found = cloud
        .wait(dns::cnames_of(&aws, &[host.to_owned()]))
        .unwrap();
    assert_eq!(proxy.count(LIST_ZONES), 1);
    assert_eq!(proxy.calls().len(), 3);
    let mut lines: Vec<String> = found.iter().map(dns::Cname::describe).collect();
    lines.sort();
    let wanted = [
        "record a.example.com CNAME",
        "record c.example.com A",
        "record c.example.com AAAA",
        "record d.example.org A",
    ];
    assert_eq!(lines, wanted);
    let writer = Writer::new(&aws);
    for cname in &found {
        cloud.wait(writer.delete(cname)).unwrap();
    }
    assert_eq!(
        records(&cloud, &public),
        ["b.example.com. CNAME 5 lb-2.us-west-2.elb.amazonaws.com"]
    );
    assert_eq!(
        records(&cloud, &private),
        ["e.example.org. A - alias lb-2.us-west-2.elb.amazonaws.com"]
    );
}
