//! The stand-in itself: it must refuse what the real service refuses, or tests that rely on it show nothing.

use super::{block_on, client, document};
use crate::support::spotinst::{Imaginary, Operation, SpotinstServer};
use asiaq_core::spotinst::{GroupChange, update_document};
use serde_json::{Value, json};

/// The error codes with which it refuses a request.
fn codes<T: std::fmt::Debug>(
    result: Result<T, asiaq_core::spotinst::SpotinstError>,
) -> Vec<String> {
    let error = result.expect_err("a refusal");
    assert_eq!(error.status, Some(400), "{error}");
    error.codes
}

#[test]
fn wrong_new_groups_are_refused() {
    let server = SpotinstServer::start();
    let spotinst = client(&server);
    let launch = "/group/compute/launchSpecification";
    let table = [
        ("/group/name".to_owned(), Value::Null, "MISSING_PARAMETER"),
        ("/group/strategy".to_owned(), json!({}), "MISSING_PARAMETER"),
        ("/group/capacity".to_owned(), json!({}), "MISSING_PARAMETER"),
        ("/group/compute".to_owned(), json!({}), "MISSING_PARAMETER"),
        ("/group".to_owned(), Value::Null, "INVALID_BODY"),
        (
            "/group/capacity/maximum".to_owned(),
            json!(1),
            "CAPACITY_OUT_OF_RANGE",
        ),
        (
            "/group/capacity/minimum".to_owned(),
            json!(3),
            "CAPACITY_OUT_OF_RANGE",
        ),
        (
            "/group/capacity/minimum".to_owned(),
            json!("one"),
            "INVALID_CAPACITY",
        ),
        (
            "/group/strategy/onDemandCount".to_owned(),
            json!(1),
            "INVALID_STRATEGY",
        ),
        (
            "/group/strategy/risk".to_owned(),
            json!(101),
            "INVALID_STRATEGY",
        ),
        (
            "/group/strategy/revertToSpot".to_owned(),
            json!({"signals": []}),
            "UNKNOWN_PARAMETER",
        ),
        (
            "/group/compute/availabilityZones".to_owned(),
            json!([{"name": "a"}, {"name": "a"}]),
            "DUPLICATE_AZ",
        ),
        (
            format!("{launch}/loadBalancersConfig/loadBalancers"),
            json!([{"name": "x", "type": "NETWORK"}]),
            "UNSUPPORTED_LOAD_BALANCER",
        ),
        (
            format!("{launch}/blockDeviceMappings"),
            json!([{"deviceName": "x"}]),
            "INVALID_BLOCK_DEVICE",
        ),
        (
            format!("{launch}/userData"),
            json!("hostclass=\"mhcweb\""),
            "INVALID_USER_DATA",
        ),
    ];
    for (path, value, code) in table {
        let mut body = document("ci_mhcweb_1");
        *body.pointer_mut(&path).expect(&path) = value;
        let found = codes(block_on(spotinst.create_group("ci_mhcweb_1", &body)));
        assert!(found.iter().any(|own| own == code), "{path}: {found:?}");
    }
    assert_eq!(server.groups(), [Value::Null; 0]);
}

#[test]
fn wrong_updates_are_refused() {
    let server = SpotinstServer::start();
    let spotinst = client(&server);
    let id = server.put_group(document("ci_mhcweb_1")["group"].take());
    let before = server.groups();
    let table = [
        (json!({"id": id}), "UNKNOWN_PARAMETER"),
        (json!({"createdAt": "2026"}), "UNKNOWN_PARAMETER"),
        (json!({"scaling": null}), "UNKNOWN_PARAMETER"),
        (json!({"capacity": {"unit": "instance"}}), "UNMODIFIABLE"),
        (
            json!({"compute": {"product": "Linux/UNIX"}}),
            "UNMODIFIABLE",
        ),
        (json!({"capacity": {"target": 5}}), "CAPACITY_OUT_OF_RANGE"),
        (
            json!({"strategy": {"onDemandCount": 1}}),
            "INVALID_STRATEGY",
        ),
        (
            json!({"scheduling": {"tasks": [{"cronExpression": "* * * * *"}]}}),
            "INVALID_TASK",
        ),
    ];
    for (group, code) in table {
        let found = codes(block_on(
            spotinst.update_group(&id, &json!({"group": group})),
        ));
        assert_eq!(found, [code], "{group}");
    }
    assert_eq!(server.groups(), before);
    let zero = update_document(&GroupChange::to_zero());
    assert_eq!(
        codes(block_on(spotinst.update_group("sig-0", &zero))),
        ["GROUP_DOESNT_EXIST"]
    );
    let roll = asiaq_core::spotinst::Roll {
        batch_percent: 0,
        ..Default::default()
    };
    assert_eq!(codes(block_on(spotinst.roll(&id, &roll))), ["INVALID_ROLL"]);
}

#[test]
fn groups_get_the_instances_that_they_want() {
    let server = SpotinstServer::start();
    server.launch_with(Imaginary(1));
    let spotinst = client(&server);
    let group =
        block_on(spotinst.create_group("ci_mhcweb_1", &document("ci_mhcweb_1"))).expect("create");
    let instances = |id: &str| -> Vec<Option<String>> {
        let items = block_on(spotinst.status(id)).expect("status");
        items.into_iter().map(|item| item.instance_id).collect()
    };
    let first = instances(&group.id);
    assert_eq!(first.len(), 2);
    assert!(first.iter().flatten().all(|id| id.starts_with("i-")));
    for (target, wanted) in [(4, 4), (1, 1)] {
        let change = GroupChange {
            desired: Some(target),
            ..GroupChange::default()
        };
        block_on(spotinst.update_group(&group.id, &update_document(&change))).expect("update");
        let now = instances(&group.id);
        assert_eq!((now.len(), &now[0]), (wanted, &first[0]));
    }
    block_on(spotinst.delete_group(&group.id)).expect("delete");
    assert_eq!(
        server.calls_of(Operation::Create)[0].body,
        document("ci_mhcweb_1")
    );
}
