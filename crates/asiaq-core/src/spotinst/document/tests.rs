//! The documents of spec 30, section 12, and every member that an update can change.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::super::{BlockDeviceKind, Elastigroup, ScaleTask};
use super::*;
use crate::pipeline::create_sizes;

fn tags(pairs: &[(&str, &str)]) -> Tags {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

fn volume(
    device: &str,
    size: Option<u32>,
    iops: Option<u32>,
    snapshot: Option<&str>,
) -> BlockDevice {
    BlockDevice {
        device: device.to_owned(),
        kind: BlockDeviceKind::Ebs {
            size,
            iops,
            volume_type: iops.map(|_| "io1".to_owned()),
            snapshot_id: snapshot.map(str::to_owned),
            delete_on_termination: true,
        },
    }
}

fn disk(device: &str, name: &str) -> BlockDevice {
    BlockDevice {
        device: device.to_owned(),
        kind: BlockDeviceKind::Ephemeral(name.to_owned()),
    }
}

/// A group with everything.
fn full() -> NewElastigroup {
    let subnet = |id: &str, zone: &str| (id.to_owned(), zone.to_owned());
    NewElastigroup {
        name: "ci_mhcweb_1790000000".into(),
        sizes: create_sizes(Some(1), Some(2), Some(5)),
        reserve: Reserve::Share(25),
        instance_types: words(&["c4.large", "m4.large"]),
        subnets: vec![
            subnet("subnet-b1", "us-west-2b"),
            subnet("subnet-a1", "us-west-2a"),
            subnet("subnet-b2", "us-west-2b"),
        ],
        balancers: Balancers {
            classic: words(&["ci-mhcweb"]),
            target_groups: words(&[
                "arn:aws:elasticloadbalancing:us-west-2:1:targetgroup/ci-mhcweb/2",
            ]),
        },
        security_groups: words(&["sg-1"]),
        monitoring: false,
        ebs_optimized: true,
        image_id: "ami-1".into(),
        key_name: Some("bake".into()),
        block_devices: vec![
            volume("/dev/sda1", None, None, None),
            volume("/dev/sdb", Some(40), Some(500), Some("snap-1")),
            disk("/dev/sdc", "ephemeral0"),
        ],
        public_ip: true,
        user_data: "hostclass=\"mhcweb\"\nowner=\"jürgen\"".into(),
        instance_profile: Some("web".into()),
        tags: tags(&[
            ("hostclass", "mhcweb"),
            ("owner", "jürgen"),
            ("zeta", "last"),
        ]),
    }
}

/// A group with as little as possible.
fn bare() -> NewElastigroup {
    NewElastigroup {
        sizes: create_sizes(Some(2), None, None),
        reserve: Reserve::None,
        instance_types: words(&["m5.large"]),
        subnets: Vec::new(),
        balancers: Balancers::default(),
        key_name: None,
        block_devices: vec![volume("/dev/sda1", None, None, None)],
        public_ip: false,
        user_data: String::new(),
        instance_profile: None,
        tags: Tags::new(),
        ebs_optimized: false,
        monitoring: true,
        ..full()
    }
}

#[test]
fn the_complete_document() {
    let wanted = json!({"group": {
        "name": "ci_mhcweb_1790000000",
        "description": "Spotinst elastigroup: ci_mhcweb_1790000000",
        "strategy": {
            "availabilityVsCost": "equalAzDistribution",
            "utilizeReservedInstances": true,
            "fallbackToOd": true,
            "revertToSpot": {
                "performAt": "timeWindow",
                "timeWindows": [
                    "Sun:10:00-Sun:11:00", "Mon:10:00-Mon:11:00", "Tue:10:00-Tue:11:00", "Wed:10:00-Wed:11:00",
                    "Thu:10:00-Thu:11:00", "Fri:10:00-Fri:11:00", "Sat:10:00-Sat:11:00",
                ],
            },
            "risk": 75,
            "onDemandCount": null,
        },
        "capacity": {"minimum": 1, "maximum": 5, "target": 2, "unit": "instance"},
        "compute": {
            "product": "Linux/UNIX",
            "instanceTypes": {"ondemand": "c4.large", "spot": ["c4.large", "m4.large"]},
            "availabilityZones": [
                {"name": "us-west-2b", "subnetIds": ["subnet-b1", "subnet-b2"]},
                {"name": "us-west-2a", "subnetIds": ["subnet-a1"]},
            ],
            "launchSpecification": {
                "loadBalancersConfig": {"loadBalancers": [
                    {"name": "ci-mhcweb", "type": "CLASSIC"},
                    {
                        "arn": "arn:aws:elasticloadbalancing:us-west-2:1:targetgroup/ci-mhcweb/2",
                        "type": "TARGET_GROUP",
                    },
                ]},
                "securityGroupIds": ["sg-1"],
                "monitoring": false,
                "ebsOptimized": true,
                "imageId": "ami-1",
                "keyPair": "bake",
                "blockDeviceMappings": [
                    {"deviceName": "/dev/sdb", "ebs": {
                        "deleteOnTermination": true, "volumeSize": 40, "iops": 500, "volumeType": "io1",
                        "snapshotId": "snap-1",
                    }},
                    {"deviceName": "/dev/sdc", "virtualName": "ephemeral0"},
                ],
                "networkInterfaces": [
                    {"deleteOnTermination": true, "deviceIndex": 0, "associatePublicIpAddress": true},
                ],
                "userData": "aG9zdGNsYXNzPSJtaGN3ZWIiCm93bmVyPSJqw7xyZ2VuIg==",
                "iamRole": {"name": "web"},
                "tags": [
                    {"tagKey": "hostclass", "tagValue": "mhcweb"},
                    {"tagKey": "owner", "tagValue": "jürgen"},
                    {"tagKey": "zeta", "tagValue": "last"},
                    {"tagKey": "group_name", "tagValue": "ci_mhcweb_1790000000"},
                    {"tagKey": "spotinst", "tagValue": "True"},
                ],
            },
        },
    }});
    assert_eq!(create_document(&full()), wanted);
}

#[test]
fn what_is_absent_is_sent_as_null() {
    let document = create_document(&bare());
    let group = &document["group"];
    assert_eq!(
        group["capacity"],
        json!({"minimum": 2, "maximum": 2, "target": 2, "unit": "instance"})
    );
    let compute = group["compute"].as_object().unwrap();
    assert_eq!(compute["availabilityZones"], Value::Null);
    assert_eq!(
        compute["instanceTypes"],
        json!({"ondemand": "m5.large", "spot": ["m5.large"]})
    );
    let launch = compute["launchSpecification"].as_object().unwrap();
    let nulls: Vec<&str> = launch
        .iter()
        .filter(|(_, value)| value.is_null())
        .map(|(key, _)| key.as_str())
        .collect();
    let wanted = [
        "loadBalancersConfig",
        "keyPair",
        "blockDeviceMappings",
        "networkInterfaces",
        "userData",
        "iamRole",
    ];
    assert_eq!(nulls, wanted);
    assert_eq!(
        group["strategy"].as_object().unwrap().get("onDemandCount"),
        Some(&Value::Null)
    );
}

#[test]
fn sizes_of_a_new_group() {
    let table = [
        ((None, None, None), (0, 0, 0)),
        ((Some(2), None, None), (2, 2, 2)),
        ((None, Some(3), None), (0, 3, 3)),
        ((Some(1), None, Some(6)), (1, 6, 6)),
        ((Some(0), Some(0), Some(4)), (0, 0, 4)),
        ((Some(5), Some(2), Some(3)), (5, 2, 5)),
    ];
    for ((min, desired, max), (minimum, target, maximum)) in table {
        let group = NewElastigroup {
            sizes: create_sizes(min, desired, max),
            ..bare()
        };
        assert_eq!(
            create_document(&group)["group"]["capacity"],
            json!({"minimum": minimum, "maximum": maximum, "target": target, "unit": "instance"})
        );
    }
}

#[test]
fn the_table_of_reserves() {
    let table = [
        ("", json!(100), Value::Null),
        ("25%", json!(75), Value::Null),
        ("100%", json!(0), Value::Null),
        ("0%", json!(100), Value::Null),
        ("3", Value::Null, json!(3)),
        ("0", Value::Null, json!(0)),
    ];
    for (text, risk, on_demand) in table {
        let reserve: Reserve = text.parse().unwrap();
        let strategy = json!({"risk": risk, "onDemandCount": on_demand});
        let change = GroupChange {
            reserve: Some(reserve),
            ..GroupChange::default()
        };
        assert_eq!(
            update_document(&change),
            json!({"group": {"strategy": strategy}}),
            "`{text}`"
        );
        let document = create_document(&NewElastigroup { reserve, ..bare() });
        let created = &document["group"]["strategy"];
        assert_eq!(
            (&created["risk"], &created["onDemandCount"]),
            (&risk, &on_demand),
            "`{text}`"
        );
        let read = Elastigroup {
            id: "sig-1".into(),
            name: "g".into(),
            raw: document["group"].clone(),
        };
        assert_eq!(read.strategy(), Strategy::from(reserve), "`{text}`");
    }
}

#[test]
fn type_lists() {
    for (text, wanted) in [
        ("c4.large:m4.large", vec!["c4.large", "m4.large"]),
        (" m5.large : :c5.large:", vec!["m5.large", "c5.large"]),
        ("m5.large", vec!["m5.large"]),
        (" : ", vec![]),
    ] {
        assert_eq!(type_list(text), wanted, "{text}");
    }
}

#[test]
fn profiles_given_by_arn_are_sent_as_such() {
    let arn = "arn:aws:iam::1:instance-profile/web";
    let group = NewElastigroup {
        instance_profile: Some(arn.into()),
        ..bare()
    };
    let document = create_document(&group);
    let launch = &document["group"]["compute"]["launchSpecification"];
    assert_eq!(launch["iamRole"], json!({"arn": arn}));
}

#[test]
fn an_update_sends_only_what_changes() {
    let launch = |value: Value| json!({"compute": {"launchSpecification": value}});
    let none = GroupChange::default;
    let table = [
        (none(), json!({})),
        (
            GroupChange {
                min: Some(0),
                ..none()
            },
            json!({"capacity": {"minimum": 0}}),
        ),
        (
            GroupChange {
                max: Some(4),
                ..none()
            },
            json!({"capacity": {"maximum": 4}}),
        ),
        (
            GroupChange {
                desired: Some(2),
                ..none()
            },
            json!({"capacity": {"target": 2}}),
        ),
        (
            GroupChange::to_zero(),
            json!({"capacity": {"minimum": 0, "maximum": 0, "target": 0}}),
        ),
        (
            GroupChange {
                image_id: Some("ami-2".into()),
                ..none()
            },
            launch(json!({"imageId": "ami-2"})),
        ),
        (
            GroupChange {
                instance_profile: Some("web".into()),
                ..none()
            },
            launch(json!({"iamRole": {"name": "web", "arn": null}})),
        ),
        (
            GroupChange {
                instance_profile: Some("arn:aws:iam::1:instance-profile/web".into()),
                ..none()
            },
            launch(
                json!({"iamRole": {"arn": "arn:aws:iam::1:instance-profile/web", "name": null}}),
            ),
        ),
        (
            GroupChange {
                user_data: Some("a=1".into()),
                ..none()
            },
            launch(json!({"userData": "YT0x"})),
        ),
        (
            GroupChange {
                user_data: Some(String::new()),
                ..none()
            },
            launch(json!({"userData": null})),
        ),
        (
            GroupChange {
                block_devices: Some(device_mappings(&full().block_devices[2..])),
                ..none()
            },
            launch(
                json!({"blockDeviceMappings": [{"deviceName": "/dev/sdc", "virtualName": "ephemeral0"}]}),
            ),
        ),
        (
            GroupChange {
                block_devices: Some(vec![]),
                ..none()
            },
            launch(json!({"blockDeviceMappings": null})),
        ),
        (
            GroupChange {
                instance_types: Some(words(&["a", "b"])),
                ..none()
            },
            json!({"compute": {"instanceTypes": {"ondemand": "a", "spot": ["a", "b"]}}}),
        ),
        (
            GroupChange {
                tags: Some(instance_tags(
                    "g",
                    &tags(&[("zeta", "ü:ö"), ("spotinst", "no")]),
                )),
                ..none()
            },
            launch(json!({"tags": [
                {"tagKey": "zeta", "tagValue": "ü:ö"},
                {"tagKey": "group_name", "tagValue": "g"},
                {"tagKey": "spotinst", "tagValue": "True"},
            ]})),
        ),
        (
            GroupChange {
                balancers: Some(Balancers {
                    classic: words(&["x"]),
                    target_groups: words(&["arn:y"]),
                }),
                ..none()
            },
            launch(json!({"loadBalancersConfig": {"loadBalancers": [
                {"name": "x", "type": "CLASSIC"},
                {"arn": "arn:y", "type": "TARGET_GROUP"},
            ]}})),
        ),
        (
            GroupChange {
                balancers: Some(Balancers::default()),
                ..none()
            },
            launch(json!({"loadBalancersConfig": {"loadBalancers": []}})),
        ),
        (
            GroupChange {
                tasks: Some(vec![]),
                ..none()
            },
            json!({"scheduling": null}),
        ),
        (
            GroupChange {
                tasks: Some(vec![json!({"taskType": "backup_ami"})]),
                ..none()
            },
            json!({"scheduling": {"tasks": [{"taskType": "backup_ami"}]}}),
        ),
    ];
    for (change, group) in table {
        assert_eq!(change.is_empty(), group == json!({}), "{change:?}");
        assert_eq!(
            update_document(&change),
            json!({"group": group}),
            "{change:?}"
        );
    }
}

#[test]
fn changes_of_different_parts_share_one_document() {
    let change = GroupChange {
        max: Some(4),
        image_id: Some("ami-2".into()),
        instance_types: Some(words(&["a"])),
        reserve: Some(Reserve::Count(1)),
        ..GroupChange::default()
    };
    assert_eq!(
        update_document(&change),
        json!({"group": {
            "strategy": {"risk": null, "onDemandCount": 1},
            "capacity": {"maximum": 4},
            "compute": {
                "instanceTypes": {"ondemand": "a", "spot": ["a"]},
                "launchSpecification": {"imageId": "ami-2"},
            },
        }})
    );
}

#[test]
fn what_is_created_reads_back_as_it_was_wanted() {
    let wanted = full();
    let mut raw = create_document(&wanted)["group"].take();
    raw["id"] = json!("sig-1");
    let group = Elastigroup::from_json(raw).unwrap();
    assert_eq!(
        (group.min(), group.target(), group.max()),
        (Some(1), Some(2), Some(5))
    );
    assert_eq!(group.subnets(), ["subnet-b1", "subnet-b2", "subnet-a1"]);
    assert_eq!(group.balancers(), wanted.balancers);
    assert_eq!(group.tags(), instance_tags(&wanted.name, &wanted.tags));
    assert_eq!(group.instance_types(), wanted.instance_types);
    assert_eq!(group.user_data(), Some(wanted.user_data));
    assert_eq!(group.block_devices(), wanted.block_devices[1..]);
    assert_eq!(group.security_groups(), wanted.security_groups);
    assert_eq!(group.key_name(), wanted.key_name);
    assert_eq!(group.instance_profile(), wanted.instance_profile);
    let task = ScaleTask {
        cron: "0 6 * * *".into(),
        min: None,
        desired: Some(3),
        max: None,
    };
    assert_eq!(
        group.tasks_for(&[task]),
        Some(vec![
            json!({"taskType": "scale", "cronExpression": "0 6 * * *", "scaleTargetCapacity": 3})
        ])
    );
}
