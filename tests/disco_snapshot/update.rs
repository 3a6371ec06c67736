//! `update`: new hosts of a group start from another snapshot.

use super::World;
use crate::support::asiaq;
use crate::support::environment::changing_calls;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::run_until_killed;
use crate::support::snapshots::{
    Listed, group, listing, mounted, own, snapshot, template, template_names,
};
use crate::support::spotinst::SpotinstServer;
use serde_json::json;

const UPDATE: &str = "update --hostclass mhcdb";
const GROUP: &str = "ci_mhcdb_1700000000";

/// A group that starts from an old snapshot of 40 GiB, and a newer one of 60 GiB; gives both.
fn stateful(world: &World) -> (String, String) {
    let old = own(&world.cloud, "mhcdb", "ci");
    template(&world.cloud, "ci_mhcdb_9", &[&old]);
    group(&world.cloud, GROUP, "ci_mhcdb_9", "1");
    // The local cloud dates snapshots to the second.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let new = snapshot(
        &world.cloud,
        60,
        &[("hostclass", "mhcdb"), ("env", "ci")],
        "",
    );
    (old, new)
}

#[test]
fn to_the_latest_snapshot_and_to_a_given_one() {
    let world = World::new();
    let (old, new) = stateful(&world);
    own(&world.cloud, "mhcapp", "ci");
    own(&world.cloud, "mhcdb", "prod");
    let (dry, calls) = world.watch(&format!("{UPDATE} --dry-run"));
    let dry = dry.expect_status(0).stdout;
    let line = format!("~ group mhcdb {GROUP}: snapshot {old} -> {new}, volume 40 GiB -> 60 GiB\n");
    assert!(
        dry.starts_with("+ launch template ci_mhcdb_") && dry.ends_with(&line),
        "{dry}"
    );
    assert_eq!(
        (calls.len(), mounted(&world.cloud, GROUP)),
        (0, vec![(old.clone(), 40)])
    );

    let (output, proxy) = world.through(Behaviour::new(), UPDATE);
    assert_eq!(output.expect_status(0).stdout, "");
    assert_eq!(
        changing_calls(&proxy),
        ["CreateLaunchTemplate", "UpdateAutoScalingGroup"]
    );
    // Hosts run this with few permissions: nothing else may be read.
    let calls = proxy.calls();
    let mut read: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    read.retain(|name| name.starts_with("Describe"));
    read.sort_unstable();
    read.dedup();
    assert_eq!(
        read,
        [
            "DescribeAutoScalingGroups",
            "DescribeLaunchTemplateVersions",
            "DescribeSnapshots"
        ]
    );
    assert_eq!(mounted(&world.cloud, GROUP), [(new.clone(), 60)]);
    let (again, calls) = world.watch(UPDATE);
    again.expect_status(0);
    assert_eq!(calls, [""; 0]);
    assert_eq!(
        world
            .run(&format!("{UPDATE} --dry-run"))
            .expect_status(0)
            .stdout,
        "no changes\n"
    );

    let back = format!("{UPDATE} --snapshot-id {old}");
    world.run(&back).expect_status(0);
    assert_eq!(mounted(&world.cloud, GROUP), [(old, 40)]);
    assert_eq!(
        template_names(&world.cloud).len(),
        3,
        "old ones are for `disco_autoscale cleanconfigs`"
    );
}

#[test]
fn what_cannot_be_updated() {
    let world = World::new();
    let error = |words: &str, text: &str| {
        let (output, calls) = world.watch(words);
        let output = output.expect_status(1);
        assert!(output.stderr.contains(text), "{words}: {}", output.stderr);
        assert_eq!(calls, [""; 0], "{words}");
    };
    error(
        UPDATE,
        "error: hostclass mhcdb has no snapshot in environment `ci`\nhint: make one",
    );
    let known = own(&world.cloud, "mhcdb", "ci");
    error(
        UPDATE,
        "error: Can't locate hostclass mhcdb in environment `ci`",
    );
    error(
        &format!("{UPDATE} --snapshot-id snap-00000000"),
        "InvalidSnapshot.NotFound",
    );
    template(&world.cloud, "none", &[]);
    template(&world.cloud, "two", &["snap-1", "snap-2"]);
    group(&world.cloud, "ci_mhcdb_1", "none", "1");
    error(UPDATE, "error: mhcdb does not mount a snapshot");
    // A deployment has two groups of a hostclass: which of them is meant is not guessed.
    group(&world.cloud, "ci_mhcdb_2", "two", "1");
    error(
        UPDATE,
        "error: too many autoscaling groups for mhcdb in environment `ci`",
    );
    group(&world.cloud, "ci_mhcmq_1", "two", "1");
    own(&world.cloud, "mhcmq", "ci");
    error(
        "update --hostclass mhcmq",
        "error: mhcmq has multiple snapshot based devices",
    );
    // A snapshot that failed would break the group.
    let tags = &[("hostclass", "mhcmq"), ("env", "ci")];
    let failed = Listed {
        id: &known,
        started: "2026-02-03T04:05:06.000Z".into(),
        description: "",
        tags,
    };
    let failed = listing(&[failed], None).replace("completed", "error");
    let (output, _) = world.through(
        Behaviour::new().answer("DescribeSnapshots", 200, &failed),
        "update --hostclass mhcmq",
    );
    let wanted = format!("error: snapshot {known} of mhcmq failed\nhint: delete it");
    assert!(output.expect_status(1).stderr.contains(&wanted));
}

#[test]
fn killed_at_any_call_and_run_again() {
    let world = World::new();
    for before in [true, false] {
        let mut killed = 0;
        loop {
            world.cloud.reset();
            let (_, new) = stateful(&world);
            let behaviour = if before {
                Behaviour::new().kill_before(killed + 1)
            } else {
                Behaviour::new().kill_at(killed + 1)
            };
            let proxy = Proxy::start(world.cloud.url(), behaviour);
            if run_until_killed(&proxy, world.tool(UPDATE)).is_none() {
                break;
            }
            killed += 1;
            world.run(UPDATE).expect_status(0);
            assert_eq!(
                mounted(&world.cloud, GROUP),
                [(new, 60)],
                "killed at call {killed}"
            );
            let (again, calls) = world.watch(UPDATE);
            again.expect_status(0);
            assert_eq!(calls, [""; 0], "killed at call {killed}");
        }
        assert_eq!(killed, 5, "snapshots, groups, template, and two changes");
    }
}

#[test]
fn an_elastigroup() {
    let world = World::new();
    let new = own(&world.cloud, "mhcmq", "ci");
    let stub = SpotinstServer::start();
    let device = |snapshot: &str| json!({"deviceName": "/dev/sdb", "ebs": {"snapshotId": snapshot, "volumeSize": 40, "deleteOnTermination": true}});
    let id = stub.put_group(json!({
        "name": "ci_mhcmq_1700000000",
        "region": "us-west-2",
        "capacity": {"minimum": 0, "maximum": 2, "target": 1},
        "compute": {"launchSpecification": {"imageId": "ami-1", "blockDeviceMappings": [device("snap-old")]}},
    }));
    let run = |words: &str| {
        let mut tool = asiaq("disco_snapshot")
            .config(world.config.path())
            .endpoint(world.cloud.url())
            .args(words.split_whitespace());
        for (name, value) in stub.variables() {
            tool = tool.env(name, &value);
        }
        tool.run()
    };
    let line = format!(
        "~ group mhcmq ci_mhcmq_1700000000: snapshot snap-old -> {new}, volume 40 GiB -> 40 GiB\n"
    );
    assert_eq!(
        run("update --hostclass mhcmq --dry-run")
            .expect_status(0)
            .stdout,
        line
    );
    run("update --hostclass mhcmq").expect_status(0);
    let group = stub
        .groups()
        .into_iter()
        .find(|own| own["id"] == json!(id))
        .unwrap();
    let mounted =
        &group["compute"]["launchSpecification"]["blockDeviceMappings"][0]["ebs"]["snapshotId"];
    assert_eq!(mounted, &json!(new));
    // What it starts from now cannot be deleted.
    let output = run(&format!("delete --snapshot {new}")).expect_status(1);
    let wanted = format!("new hosts start from snapshot {new} (Elastigroup ci_mhcmq_1700000000)");
    assert!(output.stderr.contains(&wanted), "{}", output.stderr);
}
