//! `listusers` and `listgroups`.

use super::{ANN, BUCKET, Bed};
use crate::support::proxy::{Behaviour, Proxy};

#[test]
fn names_are_listed_whatever_the_records_hold() {
    let bed = Bed::new();
    assert_eq!(bed.run("listusers").expect_status(0).stdout, "");
    for (key, text) in [
        ("accounts/users/", ""),
        ("accounts/users/ann", ANN),
        ("accounts/users/bob", "[user]\nid = 2001\nactive = no\n"),
        ("accounts/users/eve", "no ini"),
        ("accounts/users/old/", ""),
        ("accounts/users/old/zoe", "[user]\nid = twelve\n"),
        ("accounts/groups/ops", "[group]\nid = 2000\n"),
        ("accounts/groups/odd", "[user]\nid = 2000\n"),
        ("accounts/readme", "x"),
    ] {
        bed.put(key, text);
    }
    let proxy = Proxy::start(bed.cloud.url(), Behaviour::new());
    let users = bed.tool_at(proxy.url(), "listusers").run().expect_status(0);
    assert_eq!(users.stdout, "ann\nbob\neve\nold/zoe\n");
    assert_eq!(proxy.calls().len(), 1, "records are not read");
    let groups = bed.run("listgroups").expect_status(0);
    assert_eq!(groups.stdout, "odd\nops\n");

    let json = bed.run("listusers --output json").expect_status(0);
    let rows: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let wanted = serde_json::json!([
        { "name": "ann", "id": 2000, "active": true },
        { "name": "bob", "id": 2001, "active": false },
        { "name": "eve", "id": null, "active": null },
        { "name": "old/zoe", "id": null, "active": null },
    ]);
    assert_eq!(rows, wanted);
    for part in [
        "User info unavailable for eve: record of eve:1: no section headers",
        "User info unavailable for zoe: record of old/zoe:2: [user] id: `twelve` is no id of a user",
    ] {
        assert!(json.stderr.contains(part), "{}", json.stderr);
    }
    let json = bed.run("--output json listgroups").expect_status(0);
    let rows: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let wanted = serde_json::json!([
        { "name": "odd", "id": null },
        { "name": "ops", "id": 2000 },
    ]);
    assert_eq!(rows, wanted);
}

#[test]
fn a_bucket_that_does_not_exist_is_named() {
    let bed = Bed::new();
    let tool = crate::support::asiaq("disco_accounts").endpoint(bed.cloud.url());
    let output = tool
        .args(["listusers", "--bucket", "elsewhere"])
        .run()
        .expect_status(1);
    assert!(output.stderr.contains("elsewhere"), "{}", output.stderr);
    assert_eq!(output.stdout, "");
}

const DENIED: &str = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";

#[test]
fn a_record_that_may_not_be_read_is_skipped_but_not_all_of_them() {
    let bed = Bed::new();
    bed.put("accounts/users/ann", ANN);
    bed.put("accounts/users/bob", "[user]\nid = 2001\n");
    let one = format!("GET /{BUCKET}/accounts/users/ann");
    let other = format!("GET /{BUCKET}/accounts/users/bob");
    let proxy = Proxy::start(bed.cloud.url(), Behaviour::new().answer(&one, 403, DENIED));
    let tool = bed.tool_at(proxy.url(), "listusers --output json");
    let output = tool.run().expect_status(0);
    assert!(output.stdout.contains("2001"));
    assert!(
        output.stderr.contains("User info unavailable for ann: "),
        "{}",
        output.stderr
    );
    let both = Behaviour::new()
        .answer(&one, 403, DENIED)
        .answer(&other, 403, DENIED);
    let proxy = Proxy::start(bed.cloud.url(), both);
    let output = bed.tool_at(proxy.url(), "listusers --output json").run();
    let output = output.expect_status(1);
    assert!(output.stderr.contains("AccessDenied"), "{}", output.stderr);
}
