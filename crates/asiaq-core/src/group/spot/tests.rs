#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::record::tests::group;
use super::super::record::{the_group, the_newest_group};
use super::*;

/// An Elastigroup as the service states it.
pub(in crate::group) fn document(name: &str, more: Value) -> Elastigroup {
    let mut raw = json!({
        "id": format!("sig-{name}"), "name": name, "region": "us-west-2",
        "capacity": {"minimum": 0, "maximum": "2", "target": 2, "unit": "instance"},
        "strategy": {"risk": 100, "onDemandCount": null},
        "compute": {
            "instanceTypes": {"ondemand": "m5.large", "spot": ["m5.large"]},
            "availabilityZones": [
                {"name": "us-west-2a", "subnetIds": ["subnet-1"]}, {"name": "us-west-2b", "subnetIds": ["subnet-2"]},
            ],
            "launchSpecification": {"imageId": "ami-1", "tags": null, "loadBalancersConfig": null},
        },
    });
    merge(&mut raw, more);
    Elastigroup::from_json(raw).unwrap()
}

/// What a PUT does: members that are not there stay, null clears, arrays are replaced.
pub(in crate::group) fn merge(old: &mut Value, change: Value) {
    match change {
        Value::Object(members) if old.is_object() => {
            for (key, value) in members {
                merge(&mut old[&key], value);
            }
        }
        other => *old = other,
    }
}

pub(in crate::group) fn elastigroup(name: &str) -> Group {
    record(document(name, json!({})))
}

#[test]
fn record_of_section_1_1() {
    let own = record(document(
        "ci_mhcweb_1",
        json!({
            "scheduling": null,
            "compute": {"launchSpecification": {
                "tags": [{"tagKey": "hostclass", "tagValue": "mhcweb"}, {"tagKey": "is_testing", "tagValue": "1"}],
                "loadBalancersConfig": {"loadBalancers": [
                    {"name": "elb", "type": "CLASSIC"}, {"arn": "arn:tg", "type": "TARGET_GROUP"}, {"type": "OTHER"},
                ]},
            }},
        }),
    ));
    let json = serde_json::to_value(&own).unwrap();
    let wanted = json!({
        "name": "ci_mhcweb_1", "type": "spot", "min_size": 0, "max_size": 2, "desired_capacity": 2,
        "launch_config_name": null, "image_id": "ami-1", "termination_policies": [],
        "vpc_zone_identifier": "subnet-1,subnet-2", "load_balancers": ["elb"], "target_groups": ["arn:tg"],
        "tags": {"hostclass": "mhcweb", "is_testing": "1"}, "instances": [],
        "id": "sig-ci_mhcweb_1", "block_device_mappings": [], "scheduling": {"tasks": []},
    });
    assert_eq!(json, wanted);
    assert!(own.is_testing() && own.count().is_none());
    let scheduling = |given: Value| {
        let own = record(document("g", json!({"scheduling": given})));
        own.spot.unwrap().scheduling
    };
    assert_eq!(scheduling(json!({"tasks": null})), json!({"tasks": []}));
    assert_eq!(scheduling(json!({"tasks": [1]})), json!({"tasks": [1]}));
}

#[test]
fn groups_of_other_regions_and_of_none_are_left_out() {
    let zone = |name: &str, zone: Value| {
        document(
            name,
            json!({"region": null, "compute": {"availabilityZones": zone}}),
        )
    };
    let found = vec![
        document("ci_a_1", json!({})),
        document("ci_b_1", json!({"region": "us-east-1"})),
        zone("ci_c_1", json!([{"name": "us-west-2c", "subnetIds": []}])),
        zone("ci_d_1", json!([{"name": "eu-west-1a", "subnetIds": []}])),
        zone("ci_e_1", Value::Null),
    ];
    let names: Vec<String> = in_region(found, "us-west-2", "ci")
        .into_iter()
        .map(|group| group.name)
        .collect();
    assert_eq!(names, ["ci_a_1", "ci_c_1"]);
}

#[test]
fn the_newer_of_both_kinds_is_the_group() {
    let groups = |asgs: &[&str], spots: &[&str]| -> Vec<Group> {
        let asgs = asgs.iter().map(|name| group(name));
        asgs.chain(spots.iter().map(|name| elastigroup(name)))
            .collect()
    };
    type Names = &'static [&'static str];
    // Auto Scaling groups, Elastigroups, the strict answer, the lenient one; an error is `!`.
    let table: [(Names, Names, &str, &str); 8] = [
        (&[], &[], "", ""),
        (&["ci_x_1"], &[], "ci_x_1", "ci_x_1"),
        (&[], &["ci_x_2"], "ci_x_2", "ci_x_2"),
        (&["ci_x_1"], &["ci_x_2"], "ci_x_2", "ci_x_2"),
        (&["ci_x_3"], &["ci_x_2"], "ci_x_3", "ci_x_3"),
        (&["ci_x_3", "ci_x_4"], &["ci_x_2"], "!", "ci_x_4"),
        (&["ci_x_1"], &["ci_x_2", "ci_x_3"], "!", "ci_x_3"),
        (&["ci_x_9"], &["ci_x_2", "ci_x_3", "ci_x_4"], "!", "!"),
    ];
    for (asgs, spots, strict, lenient) in table {
        let all = groups(asgs, spots);
        let name = |found: Result<Option<&Group>>| match found {
            Ok(group) => group.map(|group| group.name.clone()).unwrap_or_default(),
            Err(_) => "!".to_owned(),
        };
        assert_eq!(
            name(the_group(&all, "ci", "x")),
            strict,
            "{asgs:?} {spots:?}"
        );
        assert_eq!(
            name(the_newest_group(&all, "ci", "x")),
            lenient,
            "{asgs:?} {spots:?}"
        );
    }
}

#[test]
fn a_status_fills_instances_and_counts_requests_too() {
    let mut own = elastigroup("ci_x_1");
    let item = |id: Option<&str>| StatusItem {
        instance_id: id.map(str::to_owned),
        status: Some("fulfilled".into()),
    };
    fill(&mut own, &[item(Some("i-1")), item(None)]);
    assert_eq!(own.count(), Some(2));
    let member = Member {
        id: "i-1".into(),
        lifecycle_state: "fulfilled".into(),
    };
    assert_eq!(own.instances, [member]);
}

#[test]
fn devices_survive_the_way_there_and_back() {
    use super::super::launch::tests::volume;
    let ephemeral = BlockDevice {
        device: "/dev/sdc".into(),
        kind: BlockDeviceKind::Ephemeral("ephemeral0".into()),
    };
    for own in [
        volume("/dev/sdb", Some(40), Some(500), Some("snap-1")),
        ephemeral,
    ] {
        assert_eq!(own_device(&spot_device(&own)), own);
    }
}
