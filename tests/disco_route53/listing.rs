//! `list-zones` and `list-records`.

use super::run;
use crate::support::cloud::Cloud;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::zone::{LIST_ZONES, list, record, write, zone};
use aws_sdk_route53::types::{AliasTarget, ResourceRecordSet, RrType};
use serde_json::Value;

fn json(cloud: &Cloud, words: &str) -> Vec<Value> {
    let output = run(cloud.url(), &format!("{words} --output json")).expect_status(0);
    serde_json::from_str(&output.stdout).unwrap()
}

#[test]
fn zones_are_sorted_and_paged() {
    let cloud = Cloud::start();
    assert_eq!(run(cloud.url(), "list-zones").expect_status(0).stdout, "");
    let public = zone(&cloud, "example.com", false);
    let private = zone(&cloud, "example.com", true);
    let long = zone(&cloud, "a-rather-long-name.example.org", true);
    let wanted = format!(
        "a-rather-long-name.example.org. {long:10} true \nexample.com.         {public:10} false\nexample.com.         {private:10} true \n"
    );
    assert_eq!(
        run(cloud.url(), "list-zones").expect_status(0).stdout,
        wanted
    );
    let zones = json(&cloud, "list-zones");
    assert_eq!(
        zones[2],
        serde_json::json!({"id": private, "name": "example.com.", "private": true})
    );

    for n in 0..100 {
        zone(&cloud, &format!("z{n}.example.net"), false);
    }
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let listing = run(proxy.url(), "list-zones").expect_status(0).stdout;
    assert_eq!((listing.lines().count(), proxy.count(LIST_ZONES)), (103, 2));
}

#[test]
fn records_of_all_zones_or_of_one() {
    let cloud = Cloud::start();
    let private = zone(&cloud, "example.org", true);
    let public = zone(&cloud, "example.org", false);
    let other = zone(&cloud, "example.com", false);
    record(
        &cloud,
        &private,
        "in.example.org",
        "A",
        300,
        &["192.0.2.2", "192.0.2.1"],
    );
    record(
        &cloud,
        &public,
        "www.example.org",
        "CNAME",
        5,
        &["web.example.com"],
    );
    let alias = AliasTarget::builder()
        .hosted_zone_id("ZELB")
        .dns_name("lb.us-west-2.elb.amazonaws.com.")
        .evaluate_target_health(false);
    let set = ResourceRecordSet::builder()
        .name("lb.example.com")
        .r#type(RrType::A)
        .alias_target(alias.build().unwrap());
    write(&cloud, &other, set.build().unwrap());

    // What every zone has is the service's own.
    let own = |words: &str| -> Vec<String> {
        let output = run(cloud.url(), words).expect_status(0);
        let lines = output.stdout.lines();
        lines
            .filter(|line| !line.starts_with("NS ") && !line.starts_with("SOA "))
            .map(str::to_owned)
            .collect()
    };
    let alias = format!("{:<5} {:20} {:50}", "A", "lb.example.com.", "");
    let inner = format!(
        "{:<5} {:20} {:50}",
        "A", "in.example.org.", "192.0.2.2,192.0.2.1"
    );
    let outer = format!(
        "{:<5} {:20} {:50}",
        "CNAME", "www.example.org.", "web.example.com"
    );
    assert_eq!(own("list-records"), [alias.as_str(), &inner, &outer]);
    for words in [
        "list-records --zone example.org",
        "list-records --zone=example.org.",
    ] {
        assert_eq!(own(words), [inner.as_str(), &outer], "{words}");
    }
    let nothing = run(cloud.url(), "list-records --zone missing.org").expect_status(0);
    assert_eq!(nothing.stdout, "");

    let all = json(&cloud, "list-records");
    let of = |name: &str| all.iter().find(|r| r["name"] == name).unwrap();
    let wanted = serde_json::json!({
        "zone": "example.com.", "zone_id": other, "private": false, "name": "lb.example.com.", "type": "A",
        "ttl": null, "values": [], "alias": {"host": "lb.us-west-2.elb.amazonaws.com.", "zone_id": "ZELB"},
        "set_identifier": null, "weight": null, "region": null, "failover": null, "health_check_id": null,
    });
    assert_eq!(*of("lb.example.com."), wanted);
    assert_eq!(of("in.example.org.")["ttl"], 300);
    assert_eq!(of("in.example.org.")["private"], true);
}

#[test]
fn names_are_printed_as_returned_and_compared_without_escapes() {
    let cloud = Cloud::start();
    let id = zone(&cloud, "example.com", false);
    let body = "<ListResourceRecordSetsResponse><ResourceRecordSets>\
                <ResourceRecordSet><Name>\\052.example.com.</Name><Type>A</Type><TTL>5</TTL><ResourceRecords>\
                <ResourceRecord><Value>192.0.2.1</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>\
                </ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>300</MaxItems>\
                </ListResourceRecordSetsResponse>";
    let proxy = Proxy::start(cloud.url(), Behaviour::new().answer(&list(&id), 200, body));
    let listing = run(proxy.url(), "list-records").expect_status(0).stdout;
    let wanted = format!(
        "{:<5} {:20} {:50}\n",
        "A", "\\052.example.com.", "192.0.2.1"
    );
    assert_eq!(listing, wanted);
    for (words, wanted) in [
        (
            "delete-record example.com *.example.com A --dry-run",
            "- record \\052.example.com A 192.0.2.1\n",
        ),
        (
            "create-record example.com *.example.com A 192.0.2.1 --dry-run",
            "no changes\n",
        ),
    ] {
        assert_eq!(
            run(proxy.url(), words).expect_status(0).stdout,
            wanted,
            "{words}"
        );
    }
}
