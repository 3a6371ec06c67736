//! Which image a row gets, and the snapshot that its hosts mount.

use super::World;
use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};

/// Spins up one row and tells the image of the group.
fn image_of(world: &World, row: &str, args: &[&str], hostclass: &str) -> String {
    let file = world.pipeline(
        "image.csv",
        &format!("sequence,hostclass,ami,desired_size,instance_type\n1,{row},0,t2.micro\n"),
    );
    world
        .run(&[&["spinup", "--pipeline", &file], args].concat())
        .expect_status(0);
    world.launch(hostclass).image_id.unwrap()
}

#[test]
fn stage_age_and_privacy_choose_the_image() {
    let world = World::new();
    let register =
        |at: i64, tags: &[(&str, &str)]| world.cloud.register_image(&format!("mhcapp {at}"), tags);
    let untested = register(1_700_000_900, &[("stage", "untested")]);
    let tested = register(
        1_700_000_500,
        &[("stage", "tested"), ("is_private", "False")],
    );
    let failed = register(1_700_000_950, &[("stage", "failed")]);
    register(
        1_700_000_990,
        &[("stage", "tested"), ("is_private", "True")],
    );
    world
        .cloud
        .register_image("mhcapplication 1700000999", &[("stage", "tested")]);

    let chosen = |args: &[&str]| image_of(&world, "mhcapp,", args, "mhcapp");
    assert_eq!(chosen(&["--stage", "tested, untested"]), tested);
    assert_eq!(chosen(&["--stage", "untested,tested"]), untested);
    assert_eq!(chosen(&[]), failed, "any stage: the newest");
    world.config.edit(
        "disco_vpc.ini",
        "[envtype:ci]\n",
        "[envtype:ci]\nami_stage = tested\n",
    );
    assert_eq!(chosen(&[]), tested, "the environment's stage");
    assert_eq!(
        chosen(&["--stage", "untested"]),
        untested,
        "the option wins"
    );

    let output = world.run(&[
        "spinup",
        "--pipeline",
        &world.pipeline("p.csv", "sequence,hostclass\n1,mhcapp\n"),
        "--stage",
        "nonesuch",
    ]);
    let stderr = output.expect_status(1).stderr;
    assert!(
        stderr.contains("p.csv:2: hostclass: no image of hostclass mhcapp in stage nonesuch"),
        "{stderr}"
    );
    assert!(stderr.contains("hint: "), "{stderr}");
}

#[test]
fn an_image_id_counts_whatever_its_stage_and_brings_its_hostclass() {
    let world = World::new();
    let private = world.cloud.register_image(
        "mhcdb 1600000000",
        &[("stage", "failed"), ("is_private", "True")],
    );
    assert_eq!(
        image_of(
            &world,
            &format!("mhcapp,{private}"),
            &["--stage", "tested"],
            "mhcdb"
        ),
        private
    );
    assert_eq!(
        world.groups().len(),
        1,
        "no group of the row's own hostclass"
    );
    let file = world.pipeline(
        "image.csv",
        &format!("sequence,hostclass,ami\n1,mhcapp,{private}\n"),
    );
    let stderr = world
        .run(&["spinup", "--pipeline", &file, "--dry-run"])
        .expect_status(0)
        .stderr;
    assert!(
        stderr.contains("is of hostclass mhcdb, which counts, not mhcapp"),
        "{stderr}"
    );

    world
        .run(&[
            "provision",
            "--ami",
            &world.images["mhcproxy"],
            "--no-smoke-test",
            "--max-size",
            "0",
        ])
        .expect_status(0);
    assert_eq!(
        world.launch("mhcproxy").image_id,
        Some(world.images["mhcproxy"].clone())
    );
}

/// Makes a snapshot of a hostclass in an environment; gives its id.
fn snapshot(world: &World, size: i32, hostclass: &str, env: &str) -> String {
    let ec2 = world.cloud.client();
    let volume = ec2
        .create_volume()
        .availability_zone("us-west-2a")
        .size(size)
        .send();
    let volume = world.cloud.wait(volume).unwrap().volume_id.unwrap();
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    let tags = TagSpecification::builder()
        .resource_type(ResourceType::Snapshot)
        .tags(tag("hostclass", hostclass))
        .tags(tag("env", env))
        .build();
    let call = ec2
        .create_snapshot()
        .volume_id(volume)
        .tag_specifications(tags)
        .send();
    world.cloud.wait(call).unwrap().snapshot_id.unwrap()
}

#[test]
fn hosts_mount_the_latest_snapshot_of_their_hostclass_and_environment() {
    let world = World::new();
    snapshot(&world, 30, "mhcdb", "ci");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let latest = snapshot(&world, 40, "mhcdb", "ci");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    snapshot(&world, 50, "mhcdb", "other");
    snapshot(&world, 60, "mhcapp", "ci");
    let devices = |args: &[&str]| -> Vec<String> {
        let base = [
            "provision",
            "--hostclass",
            "mhcdb",
            "--instance-type",
            "t2.micro",
            "--desired-size",
            "0",
            "--no-smoke-test",
        ];
        world.run(&[&base, args].concat()).expect_status(0);
        let launch = world.launch("mhcdb");
        let show = |device: &aws_sdk_ec2::types::LaunchTemplateBlockDeviceMapping| {
            let ebs = device.ebs().unwrap();
            format!(
                "{} {} {} {:?}",
                device.device_name().unwrap(),
                ebs.snapshot_id().unwrap_or("-"),
                ebs.volume_size().unwrap(),
                ebs.iops()
            )
        };
        launch.block_device_mappings().iter().map(show).collect()
    };
    assert_eq!(devices(&[]), [format!("/dev/sdb {latest} 40 None")]);
    let with_disk = [
        format!("/dev/sdb {latest} 40 Some(400)"),
        "/dev/sdc - 10 Some(400)".to_owned(),
    ];
    assert_eq!(devices(&["--extra-disk", "10", "--iops", "400"]), with_disk);
}
