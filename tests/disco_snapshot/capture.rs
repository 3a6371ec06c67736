//! `capture --volume-id`, and its short form. What hosts take of themselves is tested on real ssh servers.

use super::World;
use crate::support::furniture::tagged;
use crate::support::snapshots::{snapshots, volume};
use aws_sdk_ec2::types::{InstanceType, ResourceType};
use std::collections::BTreeMap;

/// An instance with these tags and a data volume; gives both ids.
fn host(world: &World, tags: &[(&str, &str)]) -> (String, String) {
    let ec2 = world.cloud.client();
    let image = world.cloud.register_image("mhcdb 1700000000", &[]);
    let launch = ec2
        .run_instances()
        .image_id(image)
        .instance_type(InstanceType::T2Micro)
        .min_count(1)
        .max_count(1)
        .tag_specifications(tagged(ResourceType::Instance, tags));
    let made = world.cloud.wait(launch.send()).unwrap();
    let instance = made.instances()[0].instance_id().unwrap().to_owned();
    let volume = volume(&world.cloud, 25, &[]);
    let attach = ec2
        .attach_volume()
        .instance_id(&instance)
        .volume_id(&volume)
        .device("/dev/sdb");
    world.cloud.wait(attach.send()).unwrap();
    (instance, volume)
}

/// Tags of the snapshots of a volume.
fn taken(world: &World, volume: &str) -> Vec<BTreeMap<String, String>> {
    let tags = |own: &aws_sdk_ec2::types::Snapshot| {
        let pair = |tag: &aws_sdk_ec2::types::Tag| {
            (
                tag.key().unwrap().to_owned(),
                tag.value().unwrap().to_owned(),
            )
        };
        own.tags().iter().map(pair).collect()
    };
    let all = snapshots(&world.cloud);
    let of_volume = all.iter().filter(|own| own.volume_id() == Some(volume));
    of_volume.map(tags).collect()
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    own.collect()
}

#[test]
fn of_a_volume_with_the_tags_of_its_host() {
    let world = World::new();
    let full = [
        ("hostclass", "mhcdb"),
        ("environment", "production"),
        ("productline", "shop"),
        ("owner", "ann"),
    ];
    let (instance, volume) = host(&world, &full);
    let words = format!(
        "--env production capture --volume-id {volume} --tag disk-usage:400MB --tag url:a:b"
    );
    let (dry, calls) = world.watch(&format!("{words} --dry-run"));
    let plan = format!(
        "+ snapshot of volume {volume} of {instance} (disk-usage=400MB, env=production, hostclass=mhcdb, productline=shop, url=a:b)\n"
    );
    assert_eq!((dry.expect_status(0).stdout, calls.len()), (plan, 0));
    let (output, calls) = world.watch(&words);
    assert_eq!(calls, ["CreateSnapshot"]);
    let all = snapshots(&world.cloud);
    let own = all
        .iter()
        .find(|own| own.volume_id() == Some(volume.as_str()))
        .unwrap();
    let line = format!(
        "Successfully created snapshot: {}\n",
        own.snapshot_id().unwrap()
    );
    assert_eq!(output.expect_status(0).stdout, line);
    let base = [
        ("hostclass", "mhcdb"),
        ("env", "production"),
        ("productline", "shop"),
    ];
    let first = map(&[&base[..], &[("disk-usage", "400MB"), ("url", "a:b")]].concat());
    assert_eq!(taken(&world, &volume), std::slice::from_ref(&first));

    // The README's form, without a subcommand; and no configuration is needed.
    world.config.write("disco_aws.ini", "");
    let words = format!("--env production --volume-id {volume} --tag env:staging");
    assert!(
        world
            .run(&words)
            .expect_status(0)
            .stdout
            .starts_with("Successfully created snapshot: snap-")
    );
    let second = map(&[
        ("hostclass", "mhcdb"),
        ("env", "staging"),
        ("productline", "shop"),
    ]);
    let all = taken(&world, &volume);
    assert!(
        all.len() == 2 && all.contains(&first) && all.contains(&second),
        "{all:?}"
    );
}

#[test]
fn what_is_missing_is_said_before_anything_is_made() {
    let world = World::new();
    let free = volume(&world.cloud, 5, &[]);
    let (bare, of_bare) = host(&world, &[("hostclass", "mhcdb")]);
    let (_, of_env) = host(&world, &[("environment", "ci"), ("hostclass", "mhcdb")]);
    let before = snapshots(&world.cloud).len();
    let table = [
        (
            free.clone(),
            format!("error: volume {free} is not attached to an instance"),
        ),
        (
            of_bare.clone(),
            format!("error: instance {bare}, which has volume {of_bare}, has no tag environment"),
        ),
        (
            "vol-00000000".to_owned(),
            "InvalidVolume.NotFound".to_owned(),
        ),
    ];
    for (id, text) in table {
        let (output, calls) = world.watch(&format!("capture --volume-id {id}"));
        let output = output.expect_status(1);
        assert!(
            output.stderr.contains(&text) && output.stdout.is_empty(),
            "{}",
            output.stderr
        );
        assert_eq!(calls, [""; 0]);
    }
    assert_eq!(snapshots(&world.cloud).len(), before);
    world
        .run(&format!("capture --volume-id {of_env}"))
        .expect_status(0);
    let wanted = map(&[
        ("hostclass", "mhcdb"),
        ("env", "ci"),
        ("productline", "unknown"),
    ]);
    assert_eq!(taken(&world, &of_env), [wanted]);
}
