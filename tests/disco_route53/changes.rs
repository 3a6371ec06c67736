//! `create-record` and `delete-record`.

use super::{run, watched};
use crate::support::asiaq;
use crate::support::cloud::Cloud;
use crate::support::zone::{change, record, records, write, zone};
use aws_sdk_route53::types::{AliasTarget, ResourceRecord, ResourceRecordSet, RrType};

/// Runs with `--dry-run`, which prints the line and changes nothing, then really, which makes one call.
fn both(cloud: &Cloud, zone: &str, words: &str, line: &str) {
    let before = records(cloud, zone);
    let (dry, calls) = watched(cloud, &format!("{words} --dry-run"));
    assert_eq!(dry.expect_status(0).stdout, format!("{line}\n"));
    assert_eq!((calls.len(), records(cloud, zone)), (0, before));
    let (real, calls) = watched(cloud, words);
    let real = real.expect_status(0);
    assert_eq!((real.stdout.as_str(), calls), ("", vec![change(zone)]));
    assert!(real.stderr.contains(line), "{}", real.stderr);
}

#[test]
fn a_record_comes_changes_and_goes() {
    let cloud = Cloud::start();
    let id = zone(&cloud, "example.com", false);
    let create = "create-record example.com web.example.com CNAME";
    let line = "record web.example.com CNAME";
    both(
        &cloud,
        &id,
        &format!("{create} a.example.org"),
        &format!("+ {line} a.example.org"),
    );
    assert_eq!(
        records(&cloud, &id),
        ["web.example.com. CNAME 5 a.example.org"]
    );

    let (again, calls) = watched(&cloud, &format!("{create} a.example.org"));
    let again = again.expect_status(0);
    assert_eq!((again.stdout.as_str(), calls.len()), ("", 0));
    let wanted = "record web.example.com CNAME is as wanted already";
    assert!(again.stderr.contains(wanted), "{}", again.stderr);
    let dry = run(cloud.url(), &format!("{create} a.example.org --dry-run"));
    assert_eq!(dry.expect_status(0).stdout, "no changes\n");

    let line_changed = format!("~ {line} a.example.org -> b.example.org");
    both(
        &cloud,
        &id,
        &format!("{create} b.example.org"),
        &line_changed,
    );
    assert_eq!(
        records(&cloud, &id),
        ["web.example.com. CNAME 5 b.example.org"]
    );

    let delete = "delete-record example.com. web.example.com CNAME";
    both(&cloud, &id, delete, &format!("- {line} b.example.org"));
    assert_eq!(records(&cloud, &id), [""; 0]);
    let (again, calls) = watched(&cloud, delete);
    let again = again.expect_status(0);
    assert_eq!((again.stdout.as_str(), calls.len()), ("", 0));
    assert!(again.stderr.contains("does not exist"), "{}", again.stderr);
}

#[test]
fn whole_record_sets_are_overwritten_and_deleted() {
    let cloud = Cloud::start();
    let id = zone(&cloud, "example.com", false);
    record(
        &cloud,
        &id,
        "web.example.com",
        "A",
        300,
        &["192.0.2.1", "192.0.2.2"],
    );
    record(&cloud, &id, "web.example.com", "TXT", 300, &["\"kept\""]);
    both(
        &cloud,
        &id,
        "create-record example.com web.example.com a 192.0.2.9",
        "~ record web.example.com A 192.0.2.1,192.0.2.2 (TTL 300) -> 192.0.2.9",
    );
    let text = "web.example.com. TXT 300 \"kept\"";
    assert_eq!(
        records(&cloud, &id),
        ["web.example.com. A 5 192.0.2.9", text]
    );

    record(
        &cloud,
        &id,
        "two.example.com",
        "A",
        60,
        &["192.0.2.1", "192.0.2.2"],
    );
    let alias = AliasTarget::builder()
        .hosted_zone_id("ZELB")
        .dns_name("lb.us-west-2.elb.amazonaws.com.")
        .evaluate_target_health(true);
    let set = ResourceRecordSet::builder()
        .name("lb.example.com")
        .r#type(RrType::A)
        .alias_target(alias.build().unwrap());
    write(&cloud, &id, set.build().unwrap());
    for (name, line) in [
        (
            "two.example.com",
            "- record two.example.com A 192.0.2.1,192.0.2.2 (TTL 60)",
        ),
        (
            "lb.example.com",
            "- record lb.example.com A alias lb.us-west-2.elb.amazonaws.com",
        ),
        ("web.example.com.", "- record web.example.com A 192.0.2.9"),
    ] {
        both(
            &cloud,
            &id,
            &format!("delete-record example.com {name} A"),
            line,
        );
    }
    assert_eq!(records(&cloud, &id), [text]);
}

#[test]
fn texts_are_quoted() {
    let cloud = Cloud::start();
    let id = zone(&cloud, "example.com", false);
    let create = |value: &str| {
        asiaq("disco_route53")
            .endpoint(cloud.url())
            .args(["create-record", "example.com", "example.com", "TXT", value])
            .run()
            .expect_status(0)
    };
    for value in ["v=spf1 <a> & -all", "\"v=spf1 <a> & -all\""] {
        create(value);
        assert_eq!(
            records(&cloud, &id),
            ["example.com. TXT 5 \"v=spf1 <a> & -all\""]
        );
    }
}

#[test]
fn the_public_zone_of_a_name_is_changed() {
    let cloud = Cloud::start();
    let private = zone(&cloud, "example.com", true);
    let public = zone(&cloud, "example.com", false);
    record(&cloud, &private, "in.example.com", "A", 5, &["192.0.2.1"]);
    run(
        cloud.url(),
        "create-record example.com web.example.com A 192.0.2.2",
    )
    .expect_status(0);
    let gone = run(cloud.url(), "delete-record example.com in.example.com A").expect_status(0);
    assert!(gone.stderr.contains("does not exist"), "{}", gone.stderr);
    assert_eq!(records(&cloud, &private), ["in.example.com. A 5 192.0.2.1"]);
    assert_eq!(records(&cloud, &public), ["web.example.com. A 5 192.0.2.2"]);
}

#[test]
fn what_makes_no_sense_is_refused_before_any_change() {
    let cloud = Cloud::start();
    let id = zone(&cloud, "example.com", false);
    let one = ResourceRecord::builder()
        .value("192.0.2.1")
        .build()
        .unwrap();
    let set = ResourceRecordSet::builder()
        .name("blue.example.com")
        .r#type(RrType::A)
        .set_identifier("blue")
        .weight(1)
        .ttl(5)
        .resource_records(one);
    write(&cloud, &id, set.build().unwrap());
    for (words, wanted) in [
        (
            "create-record example.org web.example.org A 192.0.2.1",
            "error: hosted zone example.org not found\nhint: see `disco_route53 list-zones`",
        ),
        (
            "delete-record example.org web.example.org A",
            "error: hosted zone example.org not found\nhint: see `disco_route53 list-zones`",
        ),
        (
            "create-record example.com web A 192.0.2.1",
            "error: record web is not inside zone example.com\nhint: write the whole name, such as web.example.com\n",
        ),
        (
            "create-record example.com web.myexample.com A 192.0.2.1",
            "error: record web.myexample.com is not inside zone example.com\n",
        ),
        (
            "create-record example.com blue.example.com A 192.0.2.2",
            "error: record blue.example.com A consists of 1 record sets among which Route 53 chooses\n",
        ),
    ] {
        let (output, calls) = watched(&cloud, words);
        let output = output.expect_status(1);
        assert_eq!((output.stdout.as_str(), calls.len()), ("", 0), "{words}");
        assert!(output.stderr.contains(wanted), "{words}: {}", output.stderr);
    }
    // No zone holds records of other zones: there is nothing to delete.
    let (output, calls) = watched(&cloud, "delete-record example.com web.myexample.com A");
    let output = output.expect_status(0);
    assert_eq!((output.stdout.as_str(), calls.len()), ("", 0));
    assert!(
        output.stderr.contains("does not exist"),
        "{}",
        output.stderr
    );
}
