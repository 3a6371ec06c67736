//! The core's Spotinst client against the stand-in server: what it does when all is well, and, in `faults`,
//! when it is not.

mod faults;
mod stand_in;

use crate::support::spotinst::{Operation, SpotinstServer, TOKEN};
use asiaq_core::aws::Poll;
use asiaq_core::pipeline::{Reserve, create_sizes};
use asiaq_core::spotinst::{
    Balancers, BlockDevice, BlockDeviceKind, GroupChange, NewElastigroup, Roll, ScaleTask,
    Spotinst, create_document, device_mappings, instance_tags, update_document,
};
use serde_json::{Value, json};
use std::time::Duration;

fn client(server: &SpotinstServer) -> Spotinst {
    Spotinst::new(server.settings(), None).expect("client")
}

/// Runs the future to its end.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("runtime")
        .block_on(future)
}

fn new_group(name: &str) -> NewElastigroup {
    let volume = |size, snapshot: Option<&str>| BlockDeviceKind::Ebs {
        size,
        iops: None,
        volume_type: None,
        snapshot_id: snapshot.map(str::to_owned),
        delete_on_termination: true,
    };
    NewElastigroup {
        name: name.to_owned(),
        sizes: create_sizes(Some(1), Some(2), Some(4)),
        reserve: Reserve::Share(25),
        instance_types: vec!["c5.large".into(), "m5.large".into()],
        subnets: vec![
            ("subnet-1".into(), "us-west-2a".into()),
            ("subnet-2".into(), "us-west-2b".into()),
            ("subnet-3".into(), "us-west-2a".into()),
        ],
        balancers: Balancers {
            classic: vec!["ci-mhcweb".into()],
            target_groups: vec!["arn:t".into()],
        },
        security_groups: vec!["sg-1".into()],
        monitoring: false,
        ebs_optimized: false,
        image_id: "ami-1".into(),
        key_name: None,
        block_devices: vec![
            BlockDevice {
                device: "/dev/sda1".into(),
                kind: volume(Some(20), None),
            },
            BlockDevice {
                device: "/dev/sdb".into(),
                kind: volume(Some(40), Some("snap-1")),
            },
            BlockDevice {
                device: "/dev/sdc".into(),
                kind: BlockDeviceKind::Ephemeral("ephemeral0".into()),
            },
        ],
        public_ip: true,
        user_data: "hostclass=\"mhcweb\"".into(),
        instance_profile: Some("web".into()),
        tags: [("hostclass".to_owned(), "mhcweb".to_owned())].into(),
    }
}

fn document(name: &str) -> Value {
    create_document(&new_group(name))
}

#[test]
fn a_group_reads_back_as_it_was_wanted() {
    let server = SpotinstServer::start();
    let spotinst = client(&server);
    let wanted = new_group("ci_mhcweb_1");
    block_on(async {
        let created = spotinst
            .create_group(&wanted.name, &create_document(&wanted))
            .await
            .expect("create");
        let groups = spotinst.groups().await.expect("groups");
        assert_eq!(groups, [created]);
        let group = &groups[0];
        // The stand-in puts some of these in quotes, as the real service does.
        assert_eq!(
            (group.min(), group.target(), group.max()),
            (Some(1), Some(2), Some(4))
        );
        assert!(group.raw["capacity"]["minimum"].is_string());
        assert_eq!(group.block_devices(), wanted.block_devices);
        assert_eq!(group.subnets(), ["subnet-1", "subnet-3", "subnet-2"]);
        assert_eq!(group.zones(), ["us-west-2a", "us-west-2b"]);
        assert_eq!(group.balancers(), wanted.balancers);
        assert_eq!(group.tags(), instance_tags(&wanted.name, &wanted.tags));
        assert_eq!(group.user_data(), Some(wanted.user_data.clone()));
        assert_eq!(
            (group.is_in("us-west-2"), group.is_in("eu-west-1")),
            (Some(true), Some(false))
        );
    });
}

#[test]
fn updates_change_what_they_name_and_nothing_else() {
    let server = SpotinstServer::start();
    let spotinst = client(&server);
    let before = document("ci_mhcweb_1")["group"].take();
    let id = server.put_group(before.clone());
    let group = block_on(spotinst.groups()).expect("groups").remove(0);
    let task = ScaleTask {
        cron: "0 6 * * *".into(),
        min: Some(1),
        desired: None,
        max: Some(9),
    };
    let change = GroupChange {
        max: Some(9),
        reserve: Some(Reserve::Count(0)),
        block_devices: Some(group.mappings_with_snapshot("snap-1", "snap-2", 50)),
        tasks: group.tasks_for(std::slice::from_ref(&task)),
        ..GroupChange::default()
    };
    block_on(spotinst.update_group(&id, &update_document(&change))).expect("update");
    let group = block_on(spotinst.groups()).expect("groups").remove(0);
    assert_eq!(
        (group.min(), group.target(), group.max()),
        (Some(1), Some(2), Some(9))
    );
    assert_eq!(group.strategy(), Reserve::Count(0).into());
    assert_eq!(group.snapshots(), ["snap-2"]);
    assert_eq!(
        group.tasks_for(std::slice::from_ref(&task)),
        None,
        "settled"
    );
    assert_eq!(group.image_id().as_deref(), Some("ami-1"));
    let kept = &server.groups()[0];
    let strategy = &kept["strategy"];
    assert_eq!(strategy["revertToSpot"], before["strategy"]["revertToSpot"]);
    assert_eq!(
        (&strategy["risk"], &strategy["onDemandCount"]),
        (&Value::Null, &json!(0))
    );

    let clear = GroupChange {
        tasks: group.tasks_for(&[]),
        block_devices: Some(device_mappings(&[])),
        ..GroupChange::default()
    };
    block_on(spotinst.update_group(&id, &update_document(&clear))).expect("update");
    let kept = &server.groups()[0];
    assert_eq!(kept["scheduling"], Value::Null);
    assert_eq!(
        kept["compute"]["launchSpecification"]["blockDeviceMappings"],
        Value::Null
    );
}

#[test]
fn status_and_deletion() {
    let server = SpotinstServer::start();
    let spotinst = client(&server);
    let id = server.put_group(document("ci_mhcweb_1")["group"].take());
    server.set_status(&id, &[Some("i-1"), None]);
    let items = block_on(spotinst.status(&id)).expect("status");
    let ids: Vec<Option<&str>> = items
        .iter()
        .map(|item| item.instance_id.as_deref())
        .collect();
    assert_eq!(ids, [Some("i-1"), None]);
    assert_eq!(items[0].status.as_deref(), Some("fulfilled"));
    block_on(spotinst.delete_group(&id)).expect("delete");
    assert_eq!(server.groups(), [Value::Null; 0]);
    block_on(spotinst.delete_group(&id)).expect("one that is gone counts as deleted");
    let error = block_on(spotinst.status(&id)).expect_err("no group");
    assert!(error.is_group_missing(), "{error}");
    assert_eq!(
        error.to_string(),
        format!(
            "Spotinst status of group {id}: the service refused (HTTP 400): GROUP_DOESNT_EXIST: group {id} does not exist \
             (request 0a1b2c3d-request)"
        )
    );
}

#[test]
fn every_request_names_the_account() {
    let server = SpotinstServer::start();
    server.require_account("act-1");
    let error = block_on(client(&server).groups()).expect_err("no account");
    assert_eq!(error.status, Some(403));
    assert!(error.hint().expect("hint").contains("spotinst_account_id"));
    let spotinst = Spotinst::new(server.settings(), Some("act-1".into())).expect("client");
    assert_eq!(block_on(spotinst.groups()).expect("groups"), []);
    let call = server.calls().pop().expect("a call");
    assert_eq!(
        (call.line.as_str(), call.query.as_str()),
        ("GET /aws/ec2/group", "accountId=act-1")
    );
    assert_eq!(call.headers["authorization"], format!("Bearer {TOKEN}"));
}

#[test]
fn a_roll_is_awaited_until_it_ends() {
    let quick = Poll::new(Some(Duration::from_millis(1)));
    for (statuses, error) in [
        (
            &["starting", "starting", "in_progress", "finished"][..],
            None,
        ),
        (&["starting", "failed"], Some("ended as `failed`")),
        (&["stopped"], Some("ended as `stopped`")),
    ] {
        let server = SpotinstServer::start();
        let spotinst = client(&server);
        let id = server.put_group(document("ci_mhcweb_1")["group"].take());
        block_on(spotinst.roll(&id, &Roll::default())).expect("an older roll");
        server.set_roll_statuses(statuses);
        let result = block_on(spotinst.roll_and_wait(&id, &Roll::default(), &quick));
        match (result, error) {
            (Ok(()), None) => {}
            (Err(found), Some(wanted)) => assert!(found.to_string().contains(wanted), "{found}"),
            (result, _) => panic!("{statuses:?}: {result:?}"),
        }
        let asked = server.calls_of(Operation::RollStatus);
        assert_eq!(asked.len(), statuses.len().max(2) - 1, "{statuses:?}");
        let rolls = block_on(spotinst.rolls(&id)).expect("rolls");
        assert!(rolls[0].created_at < rolls[1].created_at);
        assert!(
            asked[0].line.ends_with(&format!("/roll/{}", rolls[1].id)),
            "the newest"
        );
        assert_eq!(
            server.calls_of(Operation::Roll)[1].body,
            json!({
                "batchSizePercentage": 100,
                "gracePeriod": 1200,
                "healthCheckType": "EC2",
                "strategy": {"action": "REPLACE_SERVER"},
            })
        );
    }
}
