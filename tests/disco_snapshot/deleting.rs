//! `cleanup` and `delete`.

use super::World;
use crate::support::furniture::tagged;
use crate::support::proxy::Behaviour;
use crate::support::snapshots::{Listed, group, listing, own, refusal, snapshot_ids, template};
use aws_sdk_ec2::types::{InstanceType, ResourceType};

const DB: &[(&str, &str)] = &[("hostclass", "mhcdb"), ("env", "ci")];
const APP: &[(&str, &str)] = &[("hostclass", "mhcapp"), ("env", "ci")];

/// Snapshots that exist in the cloud, and a listing that gives them their age: days of February in the order of the ids.
fn aged(ids: &[(&String, &[(&str, &str)])]) -> Behaviour {
    let days: Vec<Listed<'_>> = ids
        .iter()
        .zip(1..)
        .map(|((id, tags), day)| Listed {
            id,
            started: format!("2026-02-{day:02}T04:05:06.000Z"),
            description: "",
            tags,
        })
        .collect();
    Behaviour::new().answer("DescribeSnapshots", 200, &listing(&days, None))
}

#[test]
fn cleanup_keeps_the_newest_of_each_hostclass() {
    let world = World::new();
    let db: Vec<String> = (0..4).map(|_| own(&world.cloud, "mhcdb", "ci")).collect();
    let app = own(&world.cloud, "mhcapp", "ci");
    let prod: Vec<String> = (0..5).map(|_| own(&world.cloud, "mhcdb", "prod")).collect();
    let all = snapshot_ids(&world.cloud);
    let behaviour = || {
        aged(&[
            (&db[2], DB),
            (&db[0], DB),
            (&app, APP),
            (&db[3], DB),
            (&db[1], DB),
        ])
    };

    let (dry, proxy) = world.through(behaviour(), "cleanup --keep 2 --dry-run");
    let line =
        |id: &str, day| format!("- snapshot mhcdb ci {id}, 40 GiB, 2026-02-0{day}T04:05:06Z\n");
    assert_eq!(
        dry.expect_status(0).stdout,
        line(&db[2], 1) + &line(&db[0], 2)
    );
    assert_eq!(proxy.count("DeleteSnapshot"), 0);
    let calls = proxy.calls();
    let filters: Vec<&str> = [
        "Filter.1.Name",
        "Filter.1.Value.1",
        "Filter.2.Name",
        "Filter.2.Value.1",
    ]
    .iter()
    .filter_map(|name| {
        calls
            .iter()
            .find(|c| c.operation == "DescribeSnapshots")?
            .parameter(name)
    })
    .collect();
    assert_eq!(filters, ["tag:env", "ci", "tag-key", "hostclass"]);

    for words in ["cleanup --keep 0", "cleanup --keep -1"] {
        let output = world.run(words).expect_status(1);
        assert!(
            output.stderr.contains("error: --keep must be at least 1"),
            "{}",
            output.stderr
        );
    }
    let (output, _) = world.through(behaviour(), "cleanup --keep 4");
    output.expect_status(0);
    assert_eq!(snapshot_ids(&world.cloud), all);
    let (output, proxy) = world.through(behaviour(), "cleanup --keep 2");
    assert_eq!(output.expect_status(0).stdout, "");
    assert_eq!(proxy.count("DeleteSnapshot"), 2);
    let mut left: Vec<String> = [vec![db[1].clone(), db[3].clone(), app], prod].concat();
    left.sort();
    assert_eq!(snapshot_ids(&world.cloud), left);
    // The default keeps three.
    world.run("cleanup --env prod").expect_status(0);
    assert_eq!(snapshot_ids(&world.cloud).len(), 6);
}

#[test]
fn snapshots_that_new_hosts_start_from_stay() {
    let world = World::new();
    let db: Vec<String> = (0..3).map(|_| own(&world.cloud, "mhcdb", "ci")).collect();
    template(&world.cloud, "ci_mhcdb_9", &[&db[0]]);
    group(&world.cloud, "ci_mhcdb_1", "ci_mhcdb_9", "1");
    // No group starts from this one.
    template(&world.cloud, "ci_mhcdb_8", &[&db[1]]);

    let words = format!("delete --snapshot {} --snapshot {}", db[1], db[0]);
    for words in [words.clone(), words + " --dry-run"] {
        let (output, calls) = world.watch(&words);
        let output = output.expect_status(1);
        let wanted = format!(
            "error: new hosts start from snapshot {} (launch template ci_mhcdb_9 of group ci_mhcdb_1)\nhint: point the group",
            db[0]
        );
        assert!(output.stderr.contains(&wanted), "{}", output.stderr);
        assert_eq!(calls, [""; 0]);
    }
    let behaviour = aged(&[(&db[0], DB), (&db[1], DB), (&db[2], DB)]);
    let (output, _) = world.through(behaviour, "cleanup --keep 1");
    let output = output.expect_status(0);
    let wanted = format!(
        "WARN snapshot {} of mhcdb stays: new hosts start from it (launch template ci_mhcdb_9 of group ci_mhcdb_1)",
        db[0]
    );
    assert!(output.stderr.contains(&wanted), "{}", output.stderr);
    let mut left = [db[0].clone(), db[2].clone()];
    left.sort();
    assert_eq!(snapshot_ids(&world.cloud), left);
}

#[test]
fn without_a_token_snapshots_of_elastigroups_stay() {
    let world = World::new();
    let ec2 = world.cloud.client();
    let image = world.cloud.register_image("mhcdb 1700000000", &[]);
    let tags = [
        ("spotinst", "True"),
        ("environment", "ci"),
        ("hostclass", "mhcdb"),
    ];
    let launch = ec2
        .run_instances()
        .image_id(image)
        .instance_type(InstanceType::T2Micro)
        .min_count(1)
        .max_count(1)
        .tag_specifications(tagged(ResourceType::Instance, &tags));
    let made = world.cloud.wait(launch.send()).unwrap();
    let instance = made.instances()[0].instance_id().unwrap().to_owned();
    let db: Vec<String> = (0..2).map(|_| own(&world.cloud, "mhcdb", "ci")).collect();

    let words = format!("delete --snapshot {}", db[0]);
    let (output, calls) = world.watch(&words);
    let output = output.expect_status(1);
    for text in [db[0].as_str(), "SPOTINST_TOKEN"] {
        assert!(output.stderr.contains(text), "{}", output.stderr);
    }
    assert_eq!(calls, [""; 0]);
    let (output, calls) = world.watch("cleanup --keep 1");
    let output = output.expect_status(0);
    assert!(
        output.stderr.contains("WARN snapshots of mhcdb stay: "),
        "{}",
        output.stderr
    );
    assert_eq!(calls, [""; 0]);

    let gone = ec2.terminate_instances().instance_ids(instance).send();
    world.cloud.wait(gone).unwrap();
    world.run(&words).expect_status(0);
    assert!(!snapshot_ids(&world.cloud).contains(&db[0]));
}

#[test]
fn delete_by_id() {
    let world = World::new();
    let (db, app) = (
        own(&world.cloud, "mhcdb", "ci"),
        own(&world.cloud, "mhcapp", "ci"),
    );
    let prod = own(&world.cloud, "mhcdb", "prod");
    let words = format!(
        "delete --snapshot {db} --snapshot {prod} --snapshot snap-0 --snapshot {app} --snapshot {db}"
    );
    let (dry, calls) = world.watch(&format!("{words} --dry-run"));
    let dry = dry.expect_status(0).stdout;
    assert_eq!((dry.lines().count(), calls.len()), (2, 0), "{dry}");
    let (output, calls) = world.watch(&words);
    let output = output.expect_status(0);
    assert_eq!(
        (output.stdout.as_str(), calls),
        ("", vec!["DeleteSnapshot".to_owned(); 2])
    );
    for id in [prod.as_str(), "snap-0"] {
        let wanted = format!("snapshot {id} is not there in environment `ci`");
        assert!(output.stderr.contains(&wanted), "{}", output.stderr);
    }
    assert_eq!(snapshot_ids(&world.cloud), [prod]);
}

#[test]
fn what_aws_refuses_does_not_stop_the_others() {
    let world = World::new();
    let ids: Vec<String> = (0..3).map(|_| own(&world.cloud, "mhcdb", "ci")).collect();
    let used = refusal(
        "InvalidSnapshot.InUse",
        "The snapshot is currently in use by ami-1",
    );
    let words = format!(
        "delete --snapshot {} --snapshot {} --snapshot {}",
        ids[0], ids[1], ids[2]
    );
    let (output, _) = world.through(
        Behaviour::new().answer_first("DeleteSnapshot", 400, &used),
        &words,
    );
    let output = output.expect_status(1);
    assert!(
        output
            .stderr
            .contains("InvalidSnapshot.InUse: The snapshot is currently in use by ami-1"),
        "{}",
        output.stderr
    );
    assert_eq!(snapshot_ids(&world.cloud).len(), 1);
    world.run(&words).expect_status(0);
    assert!(snapshot_ids(&world.cloud).is_empty());
}
