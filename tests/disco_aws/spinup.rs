//! `spinup`: what a pipeline becomes, and what a second run changes.

use std::collections::BTreeSet;

use super::{OWNER, World, changing, name_of};
use crate::support::proxy::Proxy;

const HEADER: &str = "sequence,hostclass,min_size,desired_size,max_size,instance_type,extra_space,extra_disk,iops,termination_policies,chaos";

/// A pipeline of three rows in two sequences.
fn full(world: &World) -> String {
    let rows = [
        HEADER,
        "2,mhcapp,1,2@0 7 * * 1,4@0 7 * * 1:2@0 22 * * *,,,,,OldestInstance Default,no",
        "1,mhcproxy,,1,,t2.micro,2,,,,",
        // No hosts: the local cloud cannot launch any that have a volume with IOPS.
        "1,mhcdb,0,0,3,m4.large,12,100,500,,",
    ];
    world.pipeline("full.csv", &rows.join("\n"))
}

/// Gives the hostclasses of the standard configuration options that show in templates.
fn decorate(world: &World) {
    world.config.edit(
        "disco_aws.ini",
        "[mhcapp]\nmeta_network = intranet\n",
        "\
[mhcapp]
meta_network = intranet
instance_profile_name = app-profile
http_tokens = required
smoketest_termination = yes
enable_proxy = yes
eip = 203.0.113.9
tags = team: red , application:shop:v2
",
    );
    let helpers =
        "project_name = rehearsal\nhttp_proxy_hostclass = mhcproxy\nlogger_hostclass = mhcproxy\n";
    world
        .config
        .edit("disco_aws.ini", "project_name = rehearsal\n", helpers);
    world.config.edit(
        "disco_vpc.ini",
        "[envtype:ci]\n",
        "[envtype:ci]\ncredential_buckets = ci common\n",
    );
}

#[test]
fn a_pipeline_becomes_groups_and_a_second_run_changes_nothing() {
    let world = World::new();
    decorate(&world);
    world.delete_floating_interfaces();
    let file = full(&world);
    let (output, proxy) = world.watch(&["spinup", "--pipeline", &file]);
    let output = output.expect_status(0);
    assert_eq!(output.stdout, "", "stdout is for data");
    let done = format!(
        "Spun up 2 instances of mhcapp from {} into group ci_mhcapp_",
        world.images["mhcapp"]
    );
    assert!(output.stderr.contains(&done), "{}", output.stderr);

    sequences_follow_each_other(&proxy);
    sizes_subnets_and_interfaces(&world);
    launch_of_a_plain_hostclass(&world);
    launch_of_a_decorated_hostclass(&world);
    tags_are_propagated(&world);
    policies_and_schedules(&world);

    let (output, proxy) = world.watch(&["spinup", "--pipeline", &file]);
    output.expect_status(0);
    assert_eq!(changing(&proxy), [""; 0]);
    let shown = world
        .run(&["spinup", "--pipeline", &file, "--dry-run"])
        .expect_status(0)
        .stdout;
    let expected = format!(
        "sequence 1\n  = group mhcproxy {} is as wanted\n  = group mhcdb {} is as wanted\nsequence 2\n  = group mhcapp {} is as wanted\n",
        name_of(&world.group("mhcproxy")),
        name_of(&world.group("mhcdb")),
        name_of(&world.group("mhcapp")),
    );
    assert_eq!(shown, expected);
}

fn sequences_follow_each_other(proxy: &Proxy) {
    let calls = proxy.calls();
    let at = |hostclass: &str| {
        let prefix = format!("ci_{hostclass}_");
        let of = |name: Option<&str>| name.is_some_and(|name| name.starts_with(&prefix));
        let own = calls.iter().filter(|c| {
            of(c.parameter("AutoScalingGroupName")) || of(c.parameter("LaunchTemplateName"))
        });
        let own: Vec<usize> = own.map(|call| call.index).collect();
        (*own.first().unwrap(), *own.last().unwrap())
    };
    assert!(at("mhcproxy").1 < at("mhcapp").0 && at("mhcdb").1 < at("mhcapp").0);
}

fn sizes_subnets_and_interfaces(world: &World) {
    assert_eq!(world.sizes("mhcapp"), (1, 2, 4));
    assert_eq!(world.sizes("mhcproxy"), (0, 1, 1));
    assert_eq!(world.sizes("mhcdb"), (0, 0, 3));
    let subnets = |hostclass: &str| -> BTreeSet<String> {
        let own = world.group(hostclass).vpc_zone_identifier.unwrap();
        own.split(',').map(str::to_owned).collect()
    };
    assert_eq!(
        subnets("mhcapp"),
        world.subnets("intranet").into_keys().collect()
    );
    let interfaces = world.floating_interfaces();
    assert_eq!(interfaces.len(), 1);
    let subnet = interfaces[0].subnet_id().unwrap();
    assert_eq!(
        subnets("mhcproxy"),
        BTreeSet::from([subnet.to_owned()]),
        "pinned to the subnet of its address"
    );
    let address = interfaces[0].private_ip_address().unwrap();
    assert_eq!(offset_5(world), address);
    assert_eq!(
        interfaces[0].groups()[0].group_id(),
        Some(world.security_group("dmz").as_str())
    );
}

/// `+5` in the dmz: the first subnet's fifth address.
fn offset_5(world: &World) -> String {
    let blocks = world.subnets("dmz");
    let networks = blocks.values().map(|block| {
        block
            .split('/')
            .next()
            .unwrap()
            .parse::<std::net::Ipv4Addr>()
            .unwrap()
    });
    std::net::Ipv4Addr::from_bits(networks.min().unwrap().to_bits() + 5).to_string()
}

fn launch_of_a_plain_hostclass(world: &World) {
    let launch = world.launch("mhcproxy");
    assert_eq!(launch.image_id(), Some(world.images["mhcproxy"].as_str()));
    assert_eq!(launch.instance_type().unwrap().as_str(), "t2.micro");
    assert_eq!(
        (launch.key_name(), launch.ebs_optimized()),
        (None, Some(false))
    );
    assert!(launch.iam_instance_profile().is_none() && launch.metadata_options().is_none());
    let interface = &launch.network_interfaces()[0];
    assert_eq!(interface.associate_public_ip_address(), Some(true));
    assert_eq!(interface.groups(), [world.security_group("dmz")]);
    // The local cloud's images have 15 GB: 8 + 2 would be too small.
    let devices = launch.block_device_mappings();
    assert_eq!(
        (devices.len(), devices[0].device_name()),
        (1, Some("/dev/sda1"))
    );
    assert_eq!(devices[0].ebs().unwrap().volume_size(), Some(17));

    let launch = world.launch("mhcdb");
    assert_eq!(launch.ebs_optimized(), Some(true), "m4.large");
    let devices: Vec<String> = launch
        .block_device_mappings()
        .iter()
        .map(|device| {
            let name = device.device_name().unwrap();
            let ebs = device.ebs().unwrap();
            let (size, kind) = (ebs.volume_size().unwrap(), ebs.volume_type().unwrap());
            let (iops, goes) = (ebs.iops(), ebs.delete_on_termination());
            format!("{name} {size} {kind} {iops:?} {goes:?}")
        })
        .collect();
    let expected = [
        "/dev/sda1 20 gp3 None Some(true)",
        "/dev/sdb 100 io1 Some(500) Some(true)",
    ];
    assert_eq!(devices, expected);
    let address = offset_5(world);
    let mut data = world.user_data("mhcdb");
    assert_eq!(data.remove(1), format!("logger_ip=\"{address}\""));
    insta::assert_snapshot!(data.join("\n"), @r#"
    hostclass="mhcdb"
    logforwarder_ip=""
    environment_name="ci"
    domain_name="example.com"
    owner="ann"
    credential_buckets="us-west-2.rehearsal.credentials.ci us-west-2.rehearsal.credentials.common"
    zookeepers="[\"mhczookeeper-ci.example.com:2181\"]"
    eip="None"
    floating_ips=""
    floating_ip=""
    smoketest_termination="0"
    project_name="rehearsal"
    is_spotinst="0"
    "#);
}

fn launch_of_a_decorated_hostclass(world: &World) {
    let launch = world.launch("mhcapp");
    assert_eq!(
        launch.iam_instance_profile().unwrap().name(),
        Some("app-profile")
    );
    assert_eq!(
        launch
            .metadata_options()
            .unwrap()
            .http_tokens()
            .unwrap()
            .as_str(),
        "required"
    );
    assert_eq!(
        launch.instance_type().unwrap().as_str(),
        "m5.large",
        "the default"
    );
    assert_eq!(launch.ebs_optimized(), Some(true));
    assert_eq!(launch.block_device_mappings(), []);
    assert_eq!(
        launch.network_interfaces()[0].associate_public_ip_address(),
        Some(false)
    );
    let address = offset_5(world);
    let data = world.user_data("mhcapp");
    for line in [
        "hostclass=\"mhcapp\"".to_owned(),
        format!("http_proxy_ip=\"{address}\""),
        "eip=\"203.0.113.9\"".to_owned(),
        "smoketest_termination=\"1\"".to_owned(),
    ] {
        assert!(data.contains(&line), "{line} in {data:?}");
    }
    let own = world.user_data("mhcproxy");
    assert!(
        own.contains(&format!("floating_ips=\"{address}\""))
            && own.contains(&format!("floating_ip=\"{address}\""))
    );
}

fn tags_are_propagated(world: &World) {
    let group = world.group("mhcapp");
    let mut tags: Vec<(&str, &str)> = group
        .tags()
        .iter()
        .map(|tag| (tag.key().unwrap(), tag.value().unwrap()))
        .collect();
    tags.sort_unstable();
    let expected = [
        ("application", "shop:v2"),
        ("chaos", "False"),
        ("environment", "ci"),
        ("environment_class", "development"),
        ("hostclass", "mhcapp"),
        ("is_testing", "0"),
        ("owner", OWNER),
        ("team", "red"),
    ];
    assert_eq!(tags, expected);
    assert!(
        group
            .tags()
            .iter()
            .all(|tag| tag.propagate_at_launch() == Some(true))
    );
    assert_eq!(world.instances(Some("mhcapp")).len(), 2);
    let chaos = |hostclass: &str| {
        let group = world.group(hostclass);
        let tag = group
            .tags()
            .iter()
            .find(|tag| tag.key() == Some("chaos"))
            .cloned();
        tag.unwrap().value.unwrap()
    };
    assert_eq!(
        (chaos("mhcdb").as_str(), chaos("mhcproxy").as_str()),
        ("False", "True")
    );
}

fn policies_and_schedules(world: &World) {
    for hostclass in ["mhcapp", "mhcdb", "mhcproxy"] {
        let group = world.group(hostclass);
        assert_eq!(world.policies(name_of(&group)), ["down", "up"]);
    }
    assert_eq!(
        world.group("mhcapp").termination_policies(),
        ["OldestInstance", "Default"]
    );
    let default = ["OldestLaunchConfiguration", "OldestLaunchTemplate"];
    assert_eq!(world.group("mhcdb").termination_policies(), default);
    let group = world.group("mhcapp");
    let name = name_of(&group);
    let mut schedules: Vec<String> = world
        .schedules()
        .iter()
        .map(|action| {
            assert_eq!(action.auto_scaling_group_name(), Some(name));
            format!(
                "{} {} {:?} {:?} {:?}",
                action
                    .scheduled_action_name()
                    .unwrap()
                    .strip_prefix(name)
                    .unwrap(),
                action.recurrence().unwrap(),
                action.min_size(),
                action.desired_capacity(),
                action.max_size()
            )
        })
        .collect();
    schedules.sort();
    let expected = [
        "_0_22_star_star_star 0 22 * * * None None Some(2)",
        "_0_7_star_star_1 0 7 * * 1 None Some(2) Some(4)",
    ];
    assert_eq!(schedules, expected);
}

#[test]
fn dry_run_shows_the_plan_and_changes_nothing() {
    let world = World::new();
    world.delete_floating_interfaces();
    let file = world.pipeline("p.csv", "sequence,hostclass,min_size,instance_type\n5,mhcproxy,1,t2.micro\n7,mhcapp,1@0 6 * * *,t2.micro\n");
    let (output, proxy) = world.watch(&["--dry-run", "spinup", "--pipeline", &file]);
    assert_eq!(changing(&proxy), [""; 0]);
    world.assert_nothing_provisioned();
    let text = masked(&world, &output.expect_status(0).stdout);
    insta::assert_snapshot!(text, @r"
    sequence 5
      + interface dmz us-west-2a ADDRESS of mhcproxy
      + launch template ci_mhcproxy_N
      + group mhcproxy ci_mhcproxy_N (min 1, desired 1, max 1, IMAGE-mhcproxy, t2.micro, 1 subnet)
      + policy up of ci_mhcproxy_N
      + policy down of ci_mhcproxy_N
    sequence 7
      + launch template ci_mhcapp_N
      + group mhcapp ci_mhcapp_N (min 1, desired 1, max 1, IMAGE-mhcapp, t2.micro, 3 subnets)
      + policy up of ci_mhcapp_N
      + policy down of ci_mhcapp_N
      + schedule 0 6 * * * of ci_mhcapp_N: min 1
    ");

    let json = world
        .run(&[
            "spinup",
            "--pipeline",
            &file,
            "--dry-run",
            "--output",
            "json",
        ])
        .expect_status(0);
    let items: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let items = items.as_array().unwrap();
    assert_eq!(
        items.len(),
        text.lines().count() - 2,
        "one item per line but for the two headings"
    );
    let keys: Vec<&String> = items[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["sequence", "hostclass", "group", "sign", "text"]);
    assert_eq!(
        (
            items[0]["sequence"].as_i64(),
            items[0]["hostclass"].as_str()
        ),
        (Some(5), Some("mhcproxy"))
    );
    assert_eq!(items[0]["sign"], "+");
    assert!(
        items[0]["text"]
            .as_str()
            .unwrap()
            .starts_with("interface dmz us-west-2")
    );

    let log = world
        .run(&["spinup", "--pipeline", &file])
        .expect_status(0)
        .stderr;
    for line in text.lines().filter(|line| line.starts_with("  ")) {
        assert!(
            masked(&world, &log).contains(line.trim()),
            "{line} in\n{log}"
        );
    }
}

/// Replaces what differs from run to run: image ids, numbers in names, addresses.
fn masked(world: &World, text: &str) -> String {
    let mut text = text.replace(&offset_5(world), "ADDRESS");
    for (hostclass, image) in &world.images {
        text = text.replace(image, &format!("IMAGE-{hostclass}"));
    }
    let words = text.split_inclusive([' ', '\n', ':']).map(|word| {
        let end = word.len() - word.trim_end_matches([' ', '\n', ':']).len();
        let (name, rest) = word.split_at(word.len() - end);
        match name.rsplit_once('_') {
            Some((head, number))
                if head.starts_with("ci_") && number.bytes().all(|b| b.is_ascii_digit()) =>
            {
                format!("{head}_N{rest}")
            }
            _ => word.to_owned(),
        }
    });
    words.collect()
}
