//! Peerings between environments: by create and update, and by `peerings --list|--create|--delete`.

mod faults;
mod stage;

use super::{logged, run, sorted_lines};
use crate::support::Output;
use crate::support::config::TestConfig;
use crate::support::environment::{changing_calls, inventory};
use crate::support::proxy::Behaviour;
use aws_sdk_ec2::types::{IpPermission, IpRange};
use stage::Stage;

/// Three types without chance; `[peerings]` comes after them.
const TYPES: &str = "\
[envtype:ci]
vpc_cidr = 10.0.0.0/24
intranet_cidr = 10.0.0.0/25
dmz_cidr = 10.0.0.128/25
domain_name = ci.example.com
[envtype:build]
vpc_cidr = 10.1.0.0/24
intranet_cidr = 10.1.0.0/25
dmz_cidr = 10.1.0.128/25
dmz_sg_rules = tcp 192.0.2.0/24 80
[envtype:sandbox]
[env:box1]
vpc_cidr = 10.2.0.0/24
dmz_cidr = 10.2.0.0/25
[env:box2]
vpc_cidr = 10.3.0.0/24
dmz_cidr = 10.3.0.0/25
";

const TWO: &str = "connection_1 = ci/intranet build/dmz\nconnection_2 = *:sandbox/dmz ci/dmz\n";

/// Takes the place of moto's four zones: fewer tables.
const ONE_ZONE: &str = "\
<DescribeAvailabilityZonesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
<availabilityZoneInfo><item><zoneName>us-west-2a</zoneName><zoneState>available</zoneState></item>\
</availabilityZoneInfo></DescribeAvailabilityZonesResponse>";

fn behaviour() -> Behaviour {
    Behaviour::new().answer("DescribeAvailabilityZones", 200, ONE_ZONE)
}

/// What the two lines of [`TWO`] make.
const CONNECTED: [&str; 8] = [
    "box1->ci active",
    "ci->build active",
    "route box1_dmz_us-west-2a 10.0.0.128/25 box1->ci",
    "route build_dmz_us-west-2a 10.0.0.0/25 ci->build",
    "route ci_dmz_us-west-2a 10.2.0.0/25 box1->ci",
    "route ci_intranet_us-west-2a 10.1.0.128/25 ci->build",
    "rule build_dmz -1 10.0.0.0/25 asiaq-peering:ci/intranet",
    "rule ci_dmz -1 10.2.0.0/25 asiaq-peering:box1/dmz",
];

/// The lines of a plan that peerings have made.
fn peering_lines(output: &Output) -> Vec<&str> {
    output
        .stdout
        .lines()
        .filter(|l| l.contains("peering"))
        .collect()
}

#[test]
fn create_connects_a_new_environment_and_updates_find_nothing_to_do() {
    let stage = Stage::with("build:build box1:sandbox");
    stage.lines(TWO);
    let before = stage.proxy.calls().len();
    let planned = stage
        .run("create --name ci --type ci --skip-enis --dry-run")
        .expect_status(0);
    let reading = &stage.proxy.calls()[before..];
    assert!(reading.iter().all(|c| c.operation.starts_with("Describe")));
    assert_eq!(
        peering_lines(&planned),
        [
            "+ peering connection ci <-> build",
            "+ route ci/intranet us-west-2a 10.1.0.128/25 -> peering ci <-> build",
            "+ route build/dmz us-west-2a 10.0.0.0/25 -> peering ci <-> build",
            "+ rule build/dmz all from 10.0.0.0/25 (peering with ci/intranet; widens access)",
            "+ peering connection box1 <-> ci",
            "+ route box1/dmz us-west-2a 10.0.0.128/25 -> peering box1 <-> ci",
            "+ route ci/dmz us-west-2a 10.2.0.0/25 -> peering box1 <-> ci",
            "+ rule ci/dmz all from 10.2.0.0/25 (peering with box1/dmz; widens access)",
        ]
    );
    let made = stage
        .run("create --name ci --type ci --skip-enis")
        .expect_status(0);
    assert_eq!(logged(&made), sorted_lines(&planned.stdout));
    assert_eq!(stage.state(), CONNECTED);
    let connections = stage.cloud.client().describe_vpc_peering_connections();
    let answer = stage.cloud.wait(connections.send()).unwrap();
    let mut tags: Vec<String> = answer
        .vpc_peering_connections()
        .iter()
        .flat_map(|p| p.tags())
        .map(|t| format!("{}={}", t.key().unwrap(), t.value().unwrap()))
        .collect();
    tags.sort();
    assert_eq!(
        tags,
        [
            "Name=box1 <-> ci",
            "Name=ci <-> build",
            "environment=box1",
            "environment=ci"
        ]
    );
    // The peers' own updates keep the rules and routes.
    for name in ["ci", "build", "box1"] {
        let again = stage.run(&format!("update --name {name} --dry-run"));
        assert_eq!(again.expect_status(0).stdout, "no changes\n", "{name}");
        let real = stage.run(&format!("update --name {name}"));
        assert_eq!(logged(&real.expect_status(0)), [""; 0], "{name}");
    }
    assert_eq!(stage.state(), CONNECTED);
}

#[test]
fn a_new_environment_without_lines_reads_no_peers() {
    let stage = Stage::with("");
    stage.lines("connection_1 = build/intranet box1:sandbox/dmz\n");
    stage
        .run("create --name ci --type ci --skip-enis")
        .expect_status(0);
    assert_eq!(stage.proxy.count("DescribeVpcPeeringConnections"), 0);
    assert_eq!(stage.proxy.count("DescribeSecurityGroups"), 0);
}

#[test]
fn the_listing_has_its_layout_and_its_keys() {
    let stage = Stage::with("build:build box1:sandbox ci:ci");
    stage.lines(TWO);
    assert_eq!(stage.run("peerings --list").expect_status(0).stdout, "");
    stage.run("peerings --create").expect_status(0);
    let text = stage.run("peerings --list").expect_status(0).stdout;
    let lines: Vec<(&str, &str)> = text.lines().map(|l| l.split_once(' ').unwrap()).collect();
    assert!(lines.iter().all(|(id, _)| id.len() == 21), "{text}");
    assert_eq!(
        lines.iter().map(|(_, rest)| *rest).collect::<Vec<_>>(),
        [
            "active   build<->ci           10.1.0.0/24<->10.0.0.0/24",
            "active   ci<->box1            10.0.0.0/24<->10.2.0.0/24",
        ]
    );
    let ci = stage.vpc("ci");
    for (words, count) in [
        ("peerings --list --name build".to_owned(), 1),
        ("peerings --list --name ci".to_owned(), 2),
        (format!("peerings --list --vpc-id {ci} --dry-run"), 2),
    ] {
        let rows = stage.run(&words).expect_status(0).stdout;
        assert_eq!(rows.lines().count(), count, "{words}");
    }
    let json = stage.run("peerings --list --name box1 --output json");
    let mut json: serde_json::Value = serde_json::from_str(&json.expect_status(0).stdout).unwrap();
    let id = json[0]["id"].take();
    assert!(id.as_str().unwrap().starts_with("pcx-"));
    assert_eq!(
        json,
        serde_json::json!([{
            "id": null,
            "status": "active",
            "accepter": { "vpc_id": ci, "name": "ci", "cidr_block": "10.0.0.0/24" },
            "requester": { "vpc_id": stage.vpc("box1"), "name": "box1", "cidr_block": "10.2.0.0/24" },
        }])
    );
}

#[test]
fn update_adds_lines_and_complains_of_what_is_no_longer_configured() {
    let stage = Stage::with("build:build box1:sandbox ci:ci");
    stage.lines(TWO);
    let untouched = (stage.state(), changing_calls(&stage.proxy));
    let planned = stage.run("update --name ci --dry-run").expect_status(0);
    assert_eq!((stage.state(), changing_calls(&stage.proxy)), untouched);
    let made = stage.run("update --name ci").expect_status(0);
    assert_eq!(logged(&made), sorted_lines(&planned.stdout));
    assert_eq!(stage.state(), CONNECTED);

    // More than configured: everything else is done, then the run fails.
    stage.lines("connection_1 = ci/intranet build/dmz\n");
    stage
        .config
        .edit("disco_vpc.ini", "ci.example.com", "new.example.com");
    let text = "Some existing VPC peering connections are not defined in the configuration: ";
    let rehearsed = stage.run("update --name ci --dry-run").expect_status(0);
    assert!(rehearsed.stderr.contains(text), "{}", rehearsed.stderr);
    let failed = stage.run("update --name ci").expect_status(1);
    assert!(
        failed.stderr.contains(&format!("error: {text}"))
            && failed.stderr.contains("box1:sandbox/dmz")
            && failed
                .stderr
                .contains(". Deletion of VPC peerings is not implemented yet.\n"),
        "{}",
        failed.stderr
    );
    assert!(
        logged(&failed)
            .iter()
            .any(|l| l.contains("new.example.com"))
    );
    assert_eq!(stage.state(), CONNECTED);

    // One is missing as well: only a warning, and the missing one is made.
    stage.lines("connection_1 = ci/intranet build/dmz\nconnection_9 = build/intranet ci/dmz\n");
    let warned = stage.run("update --name ci").expect_status(0);
    assert!(
        warned.stderr.contains(&format!("WARN {text}")),
        "{}",
        warned.stderr
    );
    assert!(
        stage
            .state()
            .contains(&"route ci_dmz_us-west-2a 10.1.0.0/25 ci->build".to_owned())
    );
    assert!(
        stage
            .state()
            .contains(&"rule ci_dmz -1 10.1.0.0/25 asiaq-peering:build/intranet".to_owned())
    );
    assert_eq!(
        stage.proxy.count("CreateVpcPeeringConnection"),
        2,
        "one for each pair"
    );
}

#[test]
fn a_connection_with_a_vpc_that_is_no_environment_is_skipped() {
    let stage = Stage::with("ci:ci");
    let ec2 = stage.cloud.client();
    let vpc = stage
        .cloud
        .wait(ec2.create_vpc().cidr_block("10.9.0.0/24").send());
    let vpc = vpc.unwrap().vpc.unwrap().vpc_id.unwrap();
    stage.connect(&stage.vpc("ci"), &vpc);
    let output = stage.run("update --name ci").expect_status(0);
    let text = format!(" is skipped: VPC {vpc} is not an environment of this account and region");
    assert!(output.stderr.contains(&text), "{}", output.stderr);
    let rows = stage.run("peerings --list").expect_status(0).stdout;
    assert!(rows.contains(" pending-acceptance -<->ci "), "{rows}");
}

#[test]
fn wildcards_connect_all_of_a_type_once() {
    let stage = Stage::with("box2:sandbox box1:sandbox");
    stage.lines("connection_1 = *:sandbox/dmz *:sandbox/dmz\n");
    stage.run("peerings --create").expect_status(0);
    assert_eq!(
        stage.state(),
        [
            "box1->box2 active",
            "route box1_dmz_us-west-2a 10.3.0.0/25 box1->box2",
            "route box2_dmz_us-west-2a 10.2.0.0/25 box1->box2",
            "rule box2_dmz -1 10.2.0.0/25 asiaq-peering:box1/dmz",
        ]
    );
}

#[test]
fn create_makes_all_lines_or_those_of_one_environment() {
    let stage = Stage::with("build:build box1:sandbox ci:ci");
    stage.lines(TWO);
    let planned = stage.run("peerings --create --dry-run").expect_status(0);
    assert_eq!(
        (stage.state().len(), planned.stdout.lines().count()),
        (0, 8)
    );
    let json = stage
        .run("peerings --create --dry-run --output json")
        .expect_status(0);
    assert!(
        json.stdout.contains("\"change\": \"peering/vpc-"),
        "{}",
        json.stdout
    );
    stage.run("peerings --create --name box1").expect_status(0);
    assert_eq!(stage.state().len(), 4);
    let made = stage.run("peerings --create").expect_status(0);
    assert_eq!((made.stdout.as_str(), logged(&made).len()), ("", 4));
    assert_eq!(stage.state(), CONNECTED);
    let again = stage.run("peerings --create --dry-run").expect_status(0);
    assert_eq!(again.stdout, "no changes\n");
}

#[test]
fn a_pending_connection_is_accepted_and_used() {
    let stage = Stage::with("build:build ci:ci");
    stage.lines("connection_1 = ci/intranet build/dmz\n");
    stage.connect(&stage.vpc("build"), &stage.vpc("ci"));
    let planned = stage.run("peerings --create --dry-run").expect_status(0);
    let first = planned.stdout.lines().next().unwrap();
    assert_eq!(
        first,
        "~ peering connection ci <-> build: pending-acceptance -> active"
    );
    stage.run("peerings --create").expect_status(0);
    assert_eq!(stage.proxy.count("CreateVpcPeeringConnection"), 0);
    assert!(stage.state().contains(&"build->ci active".to_owned()));
    assert_eq!(stage.state().len(), 4);
}

#[test]
fn drift_on_either_side_is_repaired_by_both_commands() {
    let stage = Stage::with("build:build ci:ci");
    stage.lines("connection_1 = ci/intranet build/dmz\n");
    stage.run("peerings --create").expect_status(0);
    let wanted = stage.state();
    let ec2 = stage.cloud.client();
    for words in [
        "update --name ci",
        "update --name build",
        "peerings --create",
    ] {
        let (own, theirs) = (
            stage.tagged("ci_intranet_us-west-2a"),
            stage.tagged("build_dmz_us-west-2a"),
        );
        let call = ec2.delete_route().route_table_id(own);
        stage
            .cloud
            .wait(call.destination_cidr_block("10.1.0.128/25").send())
            .unwrap();
        let gateway = stage
            .cloud
            .wait(ec2.describe_internet_gateways().send())
            .unwrap();
        let call = ec2
            .replace_route()
            .route_table_id(theirs)
            .destination_cidr_block("10.0.0.0/25");
        let id = gateway.internet_gateways()[0]
            .internet_gateway_id()
            .unwrap();
        stage.cloud.wait(call.gateway_id(id).send()).unwrap();
        let range = IpRange::builder().cidr_ip("10.0.0.0/25").build();
        let permission = IpPermission::builder()
            .ip_protocol("-1")
            .ip_ranges(range)
            .build();
        let call = ec2
            .revoke_security_group_ingress()
            .group_id(stage.tagged("build_dmz"));
        stage
            .cloud
            .wait(call.ip_permissions(permission).send())
            .unwrap();
        assert_eq!(stage.state(), ["ci->build active"]);
        stage.run(words).expect_status(0);
        assert_eq!(stage.state(), wanted, "{words}");
    }
}

#[test]
fn opting_out_leaves_the_security_groups_alone() {
    let stage = Stage::with("build:build box1:sandbox ci:ci");
    stage.lines(&format!("{TWO}update_security_groups = false\n"));
    stage.run("update --name ci").expect_status(0);
    assert_eq!(stage.state(), CONNECTED[..6]);
    stage.lines(TWO);
    stage.run("update --name build").expect_status(0);
    assert_eq!(stage.state(), CONNECTED[..7]);
}

#[test]
fn delete_reaches_only_the_connections_of_its_vpc() {
    let stage = Stage::with("build:build box1:sandbox box2:sandbox ci:ci");
    stage.lines(TWO);
    stage.run("peerings --create").expect_status(0);
    let all = stage.state();
    let changes = changing_calls(&stage.proxy);
    for words in [
        "peerings --delete --name typo",
        "peerings --delete --vpc-id vpc-0",
        "peerings --list --name typo",
        "peerings --create --name typo",
    ] {
        let output = stage.run(words).expect_status(2);
        assert!(
            output.stderr.starts_with("error: No matching VPC found\n"),
            "{}",
            output.stderr
        );
    }
    let planned = stage
        .run("peerings --delete --name box1 --dry-run")
        .expect_status(0);
    assert_eq!(
        (stage.state(), changing_calls(&stage.proxy)),
        (all, changes)
    );
    let lines: Vec<&str> = planned.stdout.lines().collect();
    assert_eq!(
        lines[..3],
        [
            "- route box1/dmz us-west-2a 10.0.0.128/25 -> peering box1 <-> ci",
            "- route ci/dmz us-west-2a 10.2.0.0/25 -> peering box1 <-> ci",
            "- rule ci/dmz all from 10.2.0.0/25 (peering with box1/dmz)",
        ]
    );
    assert!(lines[3].starts_with("- peering connection box1 <-> ci pcx-") && lines.len() == 4);
    let done = stage.run("peerings --delete --name box1").expect_status(0);
    assert_eq!(
        (done.stdout.as_str(), logged(&done)),
        ("", sorted_lines(&planned.stdout))
    );
    let left = stage.state();
    assert!(
        left.len() == 8 && !left.iter().any(|l| l.contains("box1")),
        "{left:#?}"
    );
    let build = stage.vpc("build");
    stage
        .run(&format!("peerings --delete --vpc-id {build}"))
        .expect_status(0);
    assert_eq!(stage.state().len(), 4);
    stage.run("peerings --delete").expect_status(0);
    assert_eq!(stage.state(), [""; 0]);
    let again = stage.run("peerings --delete --dry-run").expect_status(0);
    assert_eq!(again.stdout, "no changes\n");
}

#[test]
fn bad_lines_and_overlapping_networks_stop_everything_before_any_change() {
    let stage = Stage::with("build:build");
    stage.lines("connection_1 = ci/intranet\nconnection_2 = build/dmz ci/web\n");
    let before = inventory(&stage.cloud);
    for words in [
        "create --name ci --type ci",
        "update --name build",
        "update --name build --dry-run",
        "peerings --create",
    ] {
        let output = stage.run(words).expect_status(1);
        let wanted = [
            "disco_vpc.ini:19: [peerings] connection_1: peering `ci/intranet` is not a pair",
            "disco_vpc.ini:20: [peerings] connection_2: peering `build/dmz ci/web`: unknown metanetwork `web`",
        ];
        assert!(
            wanted.iter().all(|w| output.stderr.contains(w)),
            "{words}: {}",
            output.stderr
        );
    }
    assert_eq!(inventory(&stage.cloud), before);

    stage.lines("connection_1 = ci/intranet build/dmz\n");
    for (old, new) in [
        ("10.0.0.0/24", "10.1.0.0/20"),
        ("10.0.0.0/25", "10.1.1.0/25"),
        ("10.0.0.128/25", "10.1.1.128/25"),
    ] {
        stage.config.edit("disco_vpc.ini", old, new);
    }
    let output = stage.run("create --name ci --type ci").expect_status(1);
    assert!(
        output.stderr.contains("error: environments `ci` (10.1.0.0/20) and `build` (10.1.0.0/24) cannot be peered: their networks overlap\n"),
        "{}",
        output.stderr
    );
    assert_eq!(inventory(&stage.cloud), before);
}

#[test]
fn usage() {
    let config = TestConfig::standard();
    let nowhere = "http://127.0.0.1:9";
    for (words, status, text) in [
        ("peerings --list --delete", 2, "cannot be used with"),
        (
            "peerings --create --list --delete",
            2,
            "cannot be used with",
        ),
        (
            "peerings --list --name ci --vpc-id vpc-1",
            2,
            "error: Don't use vpc_name and vpc_id at the same time.\n",
        ),
        (
            "peerings --name ci --vpc_id vpc-1",
            2,
            "error: Don't use vpc_name and vpc_id at the same time.\n",
        ),
        (
            "peerings",
            0,
            "nothing to do: choose --list, --create or --delete\n",
        ),
        ("peerings --create", 1, "cannot reach AWS"),
    ] {
        let output = run(nowhere, &config, words).expect_status(status);
        assert_eq!(output.stdout, "", "{words}");
        assert!(output.stderr.contains(text), "{words}: {}", output.stderr);
    }
    let output = run(nowhere, &TestConfig::new(), "peerings --create").expect_status(1);
    assert!(output.stderr.contains("disco_vpc.ini"), "{}", output.stderr);
}
