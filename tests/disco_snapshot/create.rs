//! `create`, and `disco_aws createsnapshot`: the first snapshot of a hostclass.

use super::World;
use crate::support::environment::changing_calls;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::snapshots::{refusal, snapshots, volume, volumes};
use crate::support::{asiaq, run_until_killed};

const CREATE: &str = "create --size 10 --hostclass mhcdb";

/// Size, encryption and tags of a snapshot.
type Made = (i32, bool, Vec<(String, String)>);

/// All snapshots.
fn made(world: &World) -> Vec<Made> {
    let one = |own: &aws_sdk_ec2::types::Snapshot| {
        let pair = |tag: &aws_sdk_ec2::types::Tag| {
            (
                tag.key().unwrap().to_owned(),
                tag.value().unwrap().to_owned(),
            )
        };
        let mut tags: Vec<_> = own.tags().iter().map(pair).collect();
        tags.sort();
        (own.volume_size().unwrap(), own.encrypted().unwrap(), tags)
    };
    snapshots(&world.cloud).iter().map(one).collect()
}

fn wanted(size: i32, encrypted: bool) -> Made {
    let tags = [
        ("env", "ci"),
        ("hostclass", "mhcdb"),
        ("productline", "testing"),
    ];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
    (size, encrypted, tags.to_vec())
}

#[test]
fn volume_snapshot_and_no_volume() {
    let world = World::new();
    let plan = "+ temporary volume of 10 GiB in us-west-2a, gp3, encrypted\n\
                + snapshot mhcdb ci, 10 GiB, encrypted\n- temporary volume of 10 GiB\n";
    let (dry, calls) = world.watch(&format!("{CREATE} --dry-run"));
    assert_eq!(
        (dry.expect_status(0).stdout.as_str(), calls.len()),
        (plan, 0)
    );

    let (output, proxy) = world.through(Behaviour::new(), CREATE);
    assert_eq!(output.expect_status(0).stdout, "");
    let calls = changing_calls(&proxy);
    assert_eq!(calls, ["CreateVolume", "CreateSnapshot", "DeleteVolume"]);
    let all = proxy.calls();
    let call = all.iter().find(|call| call.operation == "CreateVolume");
    let parameter = |name: &str| call.unwrap().parameter(name).unwrap_or_default();
    assert_eq!(
        (parameter("VolumeType"), parameter("Encrypted")),
        ("gp3", "true")
    );
    assert!(parameter("ClientToken").len() > 30);
    assert_eq!(parameter("TagSpecification.1.ResourceType"), "volume");
    assert_eq!(made(&world), [wanted(10, true)]);
    assert!(volumes(&world.cloud).is_empty());
}

#[test]
fn unencrypted_and_without_a_product_line() {
    let world = World::new();
    world
        .config
        .edit("disco_aws.ini", "default_product_line = testing\n", "");
    let old = asiaq("disco_aws").config(world.config.path());
    let words = "createsnapshot --size 7 --hostclass mhcdb --unencrypted";
    let dry = asiaq("disco_aws")
        .config(world.config.path())
        .endpoint(world.cloud.url())
        .args(format!("--dry-run {words}").split(' '))
        .run()
        .expect_status(0);
    assert!(
        dry.stdout
            .contains("+ snapshot mhcdb ci, 7 GiB, unencrypted\n"),
        "{}",
        dry.stdout
    );
    assert!(made(&world).is_empty());
    let output = old.endpoint(world.cloud.url()).args(words.split(' ')).run();
    assert_eq!(output.expect_status(0).stdout, "");
    let mut unknown = wanted(7, false);
    unknown.2[2].1 = "unknown".into();
    assert_eq!(made(&world), [unknown]);
    let help = asiaq("disco_aws").args(["--help"]).run().expect_status(0);
    assert!(!help.stdout.contains("createsnapshot"));
}

#[test]
fn an_account_that_encrypts_everything_is_pointed_out() {
    let world = World::new();
    let volume = volume(&world.cloud, 10, &[]);
    let answer = format!(
        "<CreateVolumeResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
         <volumeId>{volume}</volumeId><size>10</size><status>creating</status><encrypted>true</encrypted></CreateVolumeResponse>"
    );
    let behaviour = Behaviour::new().answer("CreateVolume", 200, &answer);
    let (output, _) = world.through(behaviour, &format!("{CREATE} --unencrypted"));
    let output = output.expect_status(0);
    assert!(
        output.stderr.contains("WARN") && output.stderr.contains("encrypts all new volumes"),
        "{}",
        output.stderr
    );
}

/// The volume of an answer to DescribeVolumes.
fn described(volume: &str, status: &str) -> String {
    let item = if volume.is_empty() {
        String::new()
    } else {
        format!(
            "<item><volumeId>{volume}</volumeId><size>10</size><status>{status}</status></item>"
        )
    };
    format!(
        "<DescribeVolumesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
         <volumeSet>{item}</volumeSet></DescribeVolumesResponse>"
    )
}

#[test]
fn a_failure_leaves_no_volume() {
    let world = World::new();
    let limit = refusal(
        "SnapshotLimitExceeded",
        "Maximum allowed snapshots exceeded",
    );
    let (output, proxy) = world.through(
        Behaviour::new().answer("CreateSnapshot", 400, &limit),
        CREATE,
    );
    let output = output.expect_status(1);
    assert!(
        output.stderr.contains("error: ") && output.stderr.contains("SnapshotLimitExceeded"),
        "{}",
        output.stderr
    );
    assert_eq!(proxy.count("DeleteVolume"), 1);
    assert!(volumes(&world.cloud).is_empty() && snapshots(&world.cloud).is_empty());

    // The error of the creation itself is what is reported; there is nothing to clean up.
    let limit = refusal("VolumeLimitExceeded", "too many volumes");
    let (output, proxy) =
        world.through(Behaviour::new().answer("CreateVolume", 400, &limit), CREATE);
    assert!(
        output
            .expect_status(1)
            .stderr
            .contains("VolumeLimitExceeded")
    );
    assert_eq!(proxy.count("DeleteVolume"), 0);

    // A volume that AWS gives up on: reported at once, and deleted.
    for (second, text) in [
        ("error", "is error instead of available"),
        ("", "is gone instead of available"),
    ] {
        let last = if second.is_empty() {
            described("", "")
        } else {
            described("vol-1", second)
        };
        let behaviour = Behaviour::new()
            .answer_first("DescribeVolumes", 200, &described("", ""))
            .answer_first("DescribeVolumes", 200, &described("", ""))
            .answer_first("DescribeVolumes", 200, &described("vol-1", "creating"))
            .answer_first("DescribeVolumes", 200, &last);
        let (output, proxy) = world.through(behaviour, CREATE);
        assert!(output.expect_status(1).stderr.contains(text));
        assert_eq!(
            (proxy.count("CreateSnapshot"), proxy.count("DeleteVolume")),
            (0, 1)
        );
    }
    assert!(volumes(&world.cloud).is_empty() && snapshots(&world.cloud).is_empty());

    // Only the last step fails: exit 1, and the next run ends it.
    let busy = refusal("VolumeInUse", "busy");
    let (output, proxy) =
        world.through(Behaviour::new().answer("DeleteVolume", 400, &busy), CREATE);
    assert!(output.expect_status(1).stderr.contains("VolumeInUse"));
    assert_eq!(
        (proxy.count("DeleteVolume"), volumes(&world.cloud).len()),
        (1, 1)
    );
    let (output, calls) = world.watch(CREATE);
    output.expect_status(0);
    assert_eq!(calls, ["DeleteVolume"]);
    assert_eq!(made(&world), [wanted(10, true)]);
    assert!(volumes(&world.cloud).is_empty());
}

#[test]
fn an_unclear_failure_makes_no_second_snapshot() {
    let world = World::new();
    let behaviour = Behaviour::new().answer(
        "CreateSnapshot",
        500,
        &refusal("InternalError", "An internal error has occurred"),
    );
    let (output, proxy) = world.through(behaviour, CREATE);
    assert!(output.expect_status(1).stderr.contains("InternalError"));
    assert_eq!(
        (proxy.count("CreateSnapshot"), proxy.count("DeleteVolume")),
        (1, 1)
    );
}

#[test]
fn no_zone_no_volume() {
    let world = World::new();
    let none = "<DescribeAvailabilityZonesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
                <availabilityZoneInfo/></DescribeAvailabilityZonesResponse>";
    let behaviour = Behaviour::new().answer("DescribeAvailabilityZones", 200, none);
    let (output, proxy) = world.through(behaviour, CREATE);
    assert!(
        output
            .expect_status(1)
            .stderr
            .contains("error: region us-west-2 has no availability zone")
    );
    assert!(changing_calls(&proxy).is_empty());
}

#[test]
fn what_an_earlier_run_left_is_used_or_left_alone_while_it_is_young() {
    let world = World::new();
    let tags =
        |purpose: &'static str| [("hostclass", "mhcdb"), ("env", "ci"), ("purpose", purpose)];
    let large = volume(&world.cloud, 20, &tags("first snapshot, encrypted"));
    let other = volume(
        &world.cloud,
        10,
        &[
            ("hostclass", "mhcdb"),
            ("env", "prod"),
            ("purpose", "first snapshot, encrypted"),
        ],
    );
    let data = volume(&world.cloud, 10, &tags("data"));
    let plain = volume(&world.cloud, 10, &tags("first snapshot, unencrypted"));
    let (output, calls) = world.watch(CREATE);
    let output = output.expect_status(0);
    // It cannot know whether a run that made these a moment ago still goes on.
    for text in [
        format!("temporary volume {large} of 20 GiB"),
        format!("temporary volume {plain} of 10 GiB"),
    ] {
        assert!(output.stderr.contains(&text), "{}", output.stderr);
    }
    assert_eq!(calls, ["CreateVolume", "CreateSnapshot", "DeleteVolume"]);
    assert_eq!(made(&world), [wanted(10, true)]);
    let mut left: Vec<String> = volumes(&world.cloud)
        .into_iter()
        .map(|v| v.volume_id.unwrap())
        .collect();
    let mut wanted_left = [other, data, large, plain];
    left.sort();
    wanted_left.sort();
    assert_eq!(left, wanted_left);
    // The one that fits is used and goes; one snapshot more.
    let (output, calls) = world.watch("create --hostclass mhcdb --size 20");
    output.expect_status(0);
    assert_eq!(calls, ["CreateSnapshot", "DeleteVolume"]);
}

#[test]
fn killed_at_any_call_and_run_again() {
    let world = World::new();
    for before in [true, false] {
        let mut killed = 0;
        loop {
            world.cloud.reset();
            let behaviour = if before {
                Behaviour::new().kill_before(killed + 1)
            } else {
                Behaviour::new().kill_at(killed + 1)
            };
            let proxy = Proxy::start(world.cloud.url(), behaviour);
            if run_until_killed(&proxy, world.tool(CREATE)).is_none() {
                break;
            }
            killed += 1;
            // If only the answer to the last call was lost, nothing is left that tells of that run.
            let ended = volumes(&world.cloud).is_empty() && snapshots(&world.cloud).len() == 1;
            world.run(CREATE).expect_status(0);
            let wanted = vec![wanted(10, true); if ended { 2 } else { 1 }];
            assert_eq!(
                made(&world),
                wanted,
                "killed at call {killed}, before: {before}"
            );
            assert!(volumes(&world.cloud).is_empty(), "killed at call {killed}");
        }
        assert_eq!(killed, 6, "zones, volumes, and wait between three changes");
    }
}

#[test]
fn throttled() {
    let world = World::new();
    let behaviour = Behaviour::new()
        .throttle("CreateVolume", 1)
        .throttle("CreateSnapshot", 1)
        .throttle("DeleteVolume", 1);
    world.through(behaviour, CREATE).0.expect_status(0);
    assert_eq!(made(&world), [wanted(10, true)]);
    assert!(volumes(&world.cloud).is_empty());
}
