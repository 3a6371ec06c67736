#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::launch::tests::{spec as launch, volume};
use super::super::launch_specs::Launch;
use super::super::record::LaunchRef;
use super::super::record::tests::group;
use super::super::spot::record;
use super::super::spot::tests::document;
use super::super::template::{spec_of_configuration, spec_of_template};
use super::super::template_copy::Source;
use super::*;
use crate::spotinst::update_document;
use aws_sdk_ec2::types as ec2;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

fn state(groups: Vec<Group>, launches: Vec<(LaunchRef, Launch)>) -> GroupState {
    GroupState {
        env: "ci".into(),
        groups,
        launches: launches
            .into_iter()
            .map(|(launch, own)| (launch.key(), own))
            .collect(),
        policies: Vec::new(),
        scheduled: Vec::new(),
        spotinst: true,
        invisible: Default::default(),
    }
}

fn update(state: &GroupState) -> Result<Plan<GroupAction>> {
    plan_snapshot_update(state, "mhcdb", "snap-2", 30, &mut StdRng::seed_from_u64(7))
}

fn failure(state: &GroupState) -> String {
    update(state).unwrap_err().to_string()
}

/// A template with devices that start from these snapshots, and one without.
fn template(snapshots: &[&str]) -> Launch {
    let device = |(number, snapshot): (usize, &&str)| {
        let ebs = ec2::LaunchTemplateEbsBlockDevice::builder()
            .snapshot_id(*snapshot)
            .volume_size(20)
            .encrypted(true);
        ec2::LaunchTemplateBlockDeviceMapping::builder()
            .device_name(format!("/dev/sd{number}"))
            .ebs(ebs.build())
            .build()
    };
    let root = ec2::LaunchTemplateEbsBlockDevice::builder()
        .volume_size(9)
        .build();
    let root = ec2::LaunchTemplateBlockDeviceMapping::builder()
        .device_name("/dev/sda1")
        .ebs(root)
        .build();
    let devices = snapshots
        .iter()
        .enumerate()
        .map(device)
        .chain([root])
        .collect();
    let data = ec2::ResponseLaunchTemplateData::builder()
        .image_id("ami-1")
        .set_block_device_mappings(Some(devices))
        .user_data("b3BhcXVl")
        .build();
    Launch {
        spec: spec_of_template(&data),
        source: Source::Template(Box::new(data)),
    }
}

#[test]
fn an_auto_scaling_group_gets_a_copy_of_its_template() {
    let own = group("ci_mhcdb_1");
    let plan = update(&state(
        vec![own.clone()],
        vec![(own.launch.clone(), template(&["snap-1"]))],
    ))
    .unwrap();
    let [create, change] = plan.changes() else {
        panic!("two changes")
    };
    let GroupAction::CreateTemplate {
        name,
        copied: Some(copied),
        spec,
        ..
    } = &create.action
    else {
        panic!("no template")
    };
    assert_eq!(
        plan.lines(),
        [
            format!("+ launch template {name}, a copy of ci_mhcdb_19"),
            "~ group mhcdb ci_mhcdb_1: snapshot snap-1 -> snap-2, volume 20 GiB -> 30 GiB"
                .to_owned()
        ]
    );
    let devices = copied.0.block_device_mappings();
    let (data, root) = (devices[0].ebs().unwrap(), devices[1].ebs().unwrap());
    assert_eq!(
        (data.snapshot_id(), data.volume_size(), data.encrypted()),
        (Some("snap-2"), Some(30), Some(true))
    );
    assert_eq!((root.snapshot_id(), root.volume_size()), (None, Some(9)));
    assert_eq!(
        (copied.0.user_data(), spec.user_data.as_str()),
        (Some("b3BhcXVl"), "opaque")
    );
    let GroupAction::UpdateGroup(update) = &change.action else {
        panic!("no update")
    };
    assert_eq!(
        (
            update.template.as_ref(),
            update.min,
            update.desired,
            update.max
        ),
        (Some(name), None, None, None)
    );
    assert_eq!(change.needs, std::slice::from_ref(&create.id));
}

#[test]
fn what_is_told_of_other_groups() {
    let own = group("ci_mhcdb_1");
    let with = |snapshots: &[&str]| {
        state(
            vec![own.clone()],
            vec![(own.launch.clone(), template(snapshots))],
        )
    };
    assert!(update(&with(&["snap-2"])).unwrap().is_empty());
    assert_eq!(failure(&with(&[])), "mhcdb does not mount a snapshot");
    assert_eq!(
        failure(&with(&["snap-1", "snap-2"])),
        "mhcdb has multiple snapshot based devices"
    );
    let unknown = "Can't locate hostclass mhcdb in environment `ci`";
    assert_eq!(failure(&state(vec![], vec![])), unknown);
    assert_eq!(failure(&state(vec![own.clone()], vec![])), unknown);
    let two = state(vec![own, group("ci_mhcdb_2")], vec![]);
    assert!(failure(&two).starts_with("too many autoscaling groups"));
}

#[test]
fn an_elastigroup_gets_all_its_devices_with_the_new_snapshot() {
    let with = |devices: Value| {
        let launch = json!({"compute": {"launchSpecification": {"blockDeviceMappings": devices}}});
        state(vec![record(document("ci_mhcdb_1", launch))], vec![])
    };
    let device = |snapshot: &str| json!({"deviceName": "/dev/sdb", "ebs": {"snapshotId": snapshot, "volumeSize": "20", "iops": 100}});
    let ephemeral = json!({"deviceName": "/dev/sdc", "virtualName": "ephemeral0", "ebs": null});
    let plan = update(&with(json!([ephemeral, device("snap-1")]))).unwrap();
    assert_eq!(
        plan.lines(),
        ["~ group mhcdb ci_mhcdb_1: snapshot snap-1 -> snap-2, volume 20 GiB -> 30 GiB"]
    );
    let GroupAction::UpdateElastigroup { change, .. } = &plan.changes()[0].action else {
        panic!("no update")
    };
    let wanted = json!({"group": {"compute": {"launchSpecification": {"blockDeviceMappings": [
        ephemeral, {"deviceName": "/dev/sdb", "ebs": {"snapshotId": "snap-2", "volumeSize": 30, "iops": 100}},
    ]}}}});
    assert_eq!(update_document(change), wanted);
    assert!(update(&with(json!([device("snap-2")]))).unwrap().is_empty());
    assert_eq!(
        failure(&with(Value::Null)),
        "mhcdb does not mount a snapshot"
    );
    assert!(failure(&with(json!([device("snap-1"), device("snap-3")]))).contains("multiple"));
}

#[test]
fn a_launch_configuration_becomes_a_template() {
    let ebs = aws_sdk_autoscaling::types::Ebs::builder()
        .snapshot_id("snap-1")
        .build();
    let device = aws_sdk_autoscaling::types::BlockDeviceMapping::builder()
        .device_name("/dev/sdb")
        .ebs(ebs)
        .build();
    let old = aws_sdk_autoscaling::types::LaunchConfiguration::builder()
        .launch_configuration_name("ci_mhcdb_7")
        .image_id("ami-1")
        .instance_type("m3.large")
        .block_device_mappings(device)
        .build();
    let own = Group {
        launch: LaunchRef::Configuration("ci_mhcdb_7".into()),
        ..group("ci_mhcdb_1")
    };
    let launch = Launch {
        spec: spec_of_configuration(&old),
        source: Source::Configuration(Box::new(old)),
    };
    let plan = update(&state(vec![own.clone()], vec![(own.launch, launch)])).unwrap();
    assert!(plan.lines()[0].ends_with("a copy of ci_mhcdb_7"));
    assert_eq!(
        plan.lines()[1],
        "~ group mhcdb ci_mhcdb_1: snapshot snap-1 -> snap-2, volume of the snapshot -> 30 GiB"
    );
}

#[test]
fn only_the_device_with_the_snapshot_changes() {
    let mut spec = launch();
    spec.block_devices = vec![
        volume("/dev/sdb", Some(5), None, None),
        volume("/dev/sdc", None, Some(100), Some("snap-1")),
    ];
    spec.block_devices
        .iter_mut()
        .for_each(|device| replace(device, "snap-2", 30));
    let wanted = [
        volume("/dev/sdb", Some(5), None, None),
        volume("/dev/sdc", Some(30), Some(100), Some("snap-2")),
    ];
    assert_eq!(spec.block_devices, wanted);
}

#[test]
fn a_mixed_instances_policy_is_not_lost() {
    let own = Group {
        mixed_instances: true,
        ..group("ci_mhcdb_1")
    };
    let launches = vec![(own.launch.clone(), template(&["snap-1"]))];
    assert_eq!(
        failure(&state(vec![own], launches)),
        "group ci_mhcdb_1 has a mixed instances policy, which a new launch template would replace"
    );
}
