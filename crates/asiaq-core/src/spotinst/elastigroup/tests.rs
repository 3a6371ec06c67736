//! Lenient reading: whatever is absent, null or in quotes; devices with snapshots; schedules.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::super::BlockDeviceKind;
use super::*;

fn group(mut raw: Value) -> Elastigroup {
    raw["id"] = json!("sig-1");
    raw["name"] = json!("ci_mhcweb_1");
    Elastigroup::from_json(raw).unwrap()
}

fn launch(launch: Value) -> Elastigroup {
    group(json!({"compute": {"launchSpecification": launch}}))
}

#[test]
fn groups_without_id_or_name_cannot_be_addressed() {
    for raw in [
        json!({"id": "sig-1"}),
        json!({"name": "g"}),
        json!({"id": null, "name": "g"}),
        json!({"id": "sig-1", "name": ""}),
        json!(null),
        json!([]),
    ] {
        assert_eq!(Elastigroup::from_json(raw.clone()), None, "{raw}");
    }
}

#[test]
fn a_group_may_lack_everything_else() {
    let null = json!({
        "capacity": null, "strategy": null, "region": null, "scheduling": null,
        "compute": {"availabilityZones": null, "instanceTypes": null, "launchSpecification": null},
    });
    let odd = json!({
        "capacity": 3, "strategy": [], "scheduling": {"tasks": null}, "compute": {
            "availabilityZones": [null, {"name": null, "subnetIds": null}],
            "instanceTypes": {"ondemand": null, "spot": null},
            "launchSpecification": {
                "tags": [null, {"tagKey": null, "tagValue": "x"}],
                "blockDeviceMappings": [null, {"deviceName": "/dev/sda1", "ebs": null}, {"ebs": {}}],
                "loadBalancersConfig": null, "iamRole": null, "userData": "%%%", "securityGroupIds": [null],
            },
        },
    });
    for raw in [json!({}), json!({"compute": null}), null, odd] {
        let group = group(raw);
        assert_eq!(
            (group.min(), group.target(), group.max()),
            (None, None, None)
        );
        assert_eq!(
            group.strategy(),
            Strategy {
                risk: None,
                on_demand: None
            }
        );
        assert_eq!(group.is_in("us-west-2"), None);
        assert!(group.zones().is_empty() && group.subnets().is_empty());
        assert!(group.tags().is_empty() && group.instance_types().is_empty());
        assert!(group.block_devices().is_empty() && group.snapshots().is_empty());
        assert!(group.scale_tasks().is_empty() && group.security_groups().is_empty());
        assert_eq!(group.balancers(), Balancers::default());
        assert_eq!((group.image_id(), group.key_name()), (None, None));
        assert_eq!((group.user_data(), group.instance_profile()), (None, None));
        assert_eq!(group.tasks_for(&[]), None);
    }
}

#[test]
fn numbers_and_booleans_may_come_in_quotes() {
    let group = group(json!({
        "capacity": {"minimum": "1", "maximum": 4.0, "target": " 2 "},
        "strategy": {"risk": "75.0", "onDemandCount": "x"},
        "compute": {"launchSpecification": {
            "blockDeviceMappings": [
                {"deviceName": "/dev/sdb", "ebs": {"deleteOnTermination": "false", "volumeSize": "80", "iops": 100}},
            ],
            "tags": [
                {"tagKey": "a", "tagValue": true}, {"tagKey": "b", "tagValue": 3}, {"tagKey": "c", "tagValue": null},
                {"tagKey": "d", "tagValue": " Ü "},
            ],
        }},
    }));
    assert_eq!(
        (group.min(), group.target(), group.max()),
        (Some(1), Some(2), Some(4))
    );
    assert_eq!(
        group.strategy(),
        Strategy {
            risk: Some(75),
            on_demand: None
        }
    );
    assert_eq!(
        group.block_devices()[0].kind,
        BlockDeviceKind::Ebs {
            size: Some(80),
            iops: Some(100),
            volume_type: None,
            snapshot_id: None,
            delete_on_termination: false,
        }
    );
    let tags = [("a", "true"), ("b", "3"), ("c", ""), ("d", " Ü ")];
    assert_eq!(
        group.tags(),
        tags.map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    );
}

#[test]
fn the_region_is_stated_or_that_of_the_first_zone() {
    let zones =
        |zones: &[&str]| -> Value { zones.iter().map(|zone| json!({"name": zone})).collect() };
    let table = [
        (json!({"region": "us-west-2"}), Some(true)),
        (json!({"region": "eu-west-1"}), Some(false)),
        (
            json!({"region": "eu-west-1", "compute": {"availabilityZones": zones(&["us-west-2a"])}}),
            Some(false),
        ),
        (
            json!({"compute": {"availabilityZones": zones(&["us-west-2b", "eu-west-1a"])}}),
            Some(true),
        ),
        (
            json!({"compute": {"availabilityZones": zones(&["eu-west-1a", "us-west-2b"])}}),
            Some(false),
        ),
        (json!({"compute": {"availabilityZones": []}}), None),
    ];
    for (raw, wanted) in table {
        assert_eq!(group(raw.clone()).is_in("us-west-2"), wanted, "{raw}");
    }
}

#[test]
fn instance_types_begin_with_that_of_on_demand_instances() {
    let table = [
        (json!({"ondemand": "a", "spot": ["a", "b"]}), vec!["a", "b"]),
        (
            json!({"ondemand": "a", "spot": ["b", "a", "c"]}),
            vec!["a", "b", "c"],
        ),
        (
            json!({"ondemand": "a", "spot": ["b", "c"]}),
            vec!["a", "b", "c"],
        ),
        (json!({"ondemand": "a"}), vec!["a"]),
        (json!({"spot": ["b"]}), vec!["b"]),
    ];
    for (types, wanted) in table {
        let group = group(json!({"compute": {"instanceTypes": types}}));
        assert_eq!(group.instance_types(), wanted);
    }
}

#[test]
fn balancers_of_other_kinds_are_not_ours() {
    let group = launch(json!({"loadBalancersConfig": {"loadBalancers": [
        {"arn": "arn:t", "type": "TARGET_GROUP", "name": "t"},
        {"name": "c", "type": "CLASSIC"},
        {"name": "m", "type": "MULTAI_TARGET_SET"},
        {"name": null, "type": "CLASSIC"},
        {"name": "n"},
    ]}}));
    assert_eq!(
        group.balancers(),
        Balancers {
            classic: vec!["c".into()],
            target_groups: vec!["arn:t".into()]
        }
    );
}

#[test]
fn a_new_snapshot_leaves_everything_else_as_it_is() {
    let root = json!({"deviceName": "/dev/sda1", "ebs": {"volumeSize": "8", "encrypted": null}});
    let disk = json!({"deviceName": "/dev/sdc", "virtualName": "ephemeral0", "ebs": null});
    let data = json!({"deviceName": "/dev/sdb", "ebs": {
        "deleteOnTermination": "true", "snapshotId": "snap-1", "volumeSize": "10", "iops": 100, "throughput": null,
    }});
    let group = launch(json!({"blockDeviceMappings": [root, data, disk]}));
    assert_eq!(group.snapshots(), ["snap-1"]);
    let changed = json!({"deviceName": "/dev/sdb", "ebs": {
        "deleteOnTermination": "true", "snapshotId": "snap-2", "volumeSize": 20, "iops": 100, "throughput": null,
    }});
    assert_eq!(
        group.mappings_with_snapshot("snap-1", "snap-2", 20),
        [root, changed, disk]
    );
    let mappings = group.mappings_with_snapshot("snap-9", "snap-2", 20);
    assert_eq!(
        Value::from(mappings),
        group.raw["compute"]["launchSpecification"]["blockDeviceMappings"]
    );
}

fn task(cron: &str, min: Option<u32>, desired: Option<u32>, max: Option<u32>) -> ScaleTask {
    ScaleTask {
        cron: cron.to_owned(),
        min,
        desired,
        max,
    }
}

#[test]
fn schedules_are_replaced_without_touching_other_tasks() {
    let backup = json!({"taskType": "backup_ami", "cronExpression": "0 1 * * *"});
    let morning = json!({
        "isEnabled": true, "taskType": "scale", "cronExpression": "0 6 * * *", "scaleTargetCapacity": "5",
        "scaleMinCapacity": null,
    });
    let once =
        json!({"taskType": "scale", "startTime": "2026-01-01T00:00:00Z", "scaleTargetCapacity": 1});
    let present = group(json!({"scheduling": {"tasks": [backup, morning, once, null]}}));
    let own = task("0 6 * * *", None, Some(5), None);
    assert_eq!(present.scale_tasks(), std::slice::from_ref(&own));

    let evening = task("0 18 * * *", Some(0), Some(1), Some(2));
    let evening_json = json!({
        "taskType": "scale", "cronExpression": "0 18 * * *",
        "scaleMinCapacity": 0, "scaleMaxCapacity": 2, "scaleTargetCapacity": 1,
    });
    // The one task that is wanted and there stays as it is, also with the size in quotes.
    assert_eq!(
        present.tasks_for(&[evening.clone(), own.clone(), evening.clone()]),
        Some(vec![backup.clone(), morning.clone(), evening_json.clone()])
    );
    assert_eq!(
        present.tasks_for(&[]),
        Some(vec![backup.clone()]),
        "cleared"
    );
    let other = task("0 6 * * *", None, Some(6), None);
    assert_eq!(
        present.tasks_for(&[other]).unwrap()[1]["scaleTargetCapacity"],
        json!(6),
        "another size is another task"
    );

    let settled = group(json!({"scheduling": {"tasks": [evening_json, backup, morning]}}));
    assert_eq!(
        settled.tasks_for(&[own.clone(), evening.clone()]),
        None,
        "any order"
    );
    let doubled = group(json!({"scheduling": {"tasks": [morning, morning]}}));
    assert_eq!(
        doubled.tasks_for(&[own]),
        Some(vec![morning]),
        "one of two equal ones goes"
    );
    assert_eq!(
        group(json!({})).tasks_for(&[evening]),
        Some(vec![evening_json])
    );
}
