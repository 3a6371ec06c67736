//! `peerings` killed at every call, refused, and met by states that only AWS has.

use super::{CONNECTED, Stage, TWO, behaviour};
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Asiaq, asiaq, run_until_killed};

/// A loop over all calls ends long before.
const MOST_CALLS: usize = 60;

fn tool(stage: &Stage, words: &str) -> Asiaq {
    asiaq("disco_vpc_ui")
        .config(stage.config.path())
        .args(words.split_whitespace())
}

const CREATE: &str = "peerings --create";
const DELETE: &str = "peerings --delete";

/// Kills the command at one call after the other. Each time the same command completes the work; the other one goes back
/// to the start.
fn killed_everywhere(command: &str, step: usize, kill: fn(usize) -> Behaviour) {
    let stage = Stage::with("build:build box1:sandbox ci:ci");
    stage.lines(TWO);
    let (undo, wanted): (&str, &[&str]) = if command == DELETE {
        stage.run(CREATE).expect_status(0);
        (CREATE, &[])
    } else {
        (DELETE, &CONNECTED)
    };
    for index in (1..MOST_CALLS).step_by(step) {
        let proxy = Proxy::start(stage.cloud.url(), kill(index));
        if run_until_killed(&proxy, tool(&stage, command)).is_none() {
            assert!(index > 10, "only {index} calls");
            assert_eq!(stage.state(), wanted);
            return;
        }
        let at = format!(
            "killed at call {index}: {}",
            proxy.calls()[index - 1].operation
        );
        stage.run(command).expect_status(0);
        assert_eq!(stage.state(), wanted, "{at}");
        let again = stage.run(&format!("{command} --dry-run")).expect_status(0);
        assert_eq!(again.stdout, "no changes\n", "{at}");
        stage.run(undo).expect_status(0);
    }
    panic!("more than {MOST_CALLS} calls");
}

#[test]
fn create_killed_after_every_call_converges() {
    killed_everywhere(CREATE, 1, |index| behaviour().kill_at(index));
}

#[test]
fn create_killed_before_a_call_converges() {
    killed_everywhere(CREATE, 3, |index| behaviour().kill_before(index));
}

#[test]
fn delete_killed_after_every_call_leaves_nothing() {
    killed_everywhere(DELETE, 1, |index| behaviour().kill_at(index));
}

#[test]
fn delete_killed_before_a_call_leaves_nothing() {
    killed_everywhere(DELETE, 3, |index| behaviour().kill_before(index));
}

#[test]
fn update_completes_what_a_killed_update_has_begun() {
    let stage = Stage::with("build:build box1:sandbox ci:ci");
    stage.lines(TWO);
    for operation in [
        "CreateVpcPeeringConnection",
        "CreateRoute",
        "AuthorizeSecurityGroupIngress",
    ] {
        let calls = {
            let proxy = Proxy::start(stage.cloud.url(), behaviour());
            let whole = tool(&stage, "update --name ci").endpoint(proxy.url()).run();
            whole.expect_status(0);
            proxy.calls()
        };
        stage.run("peerings --delete").expect_status(0);
        let index = calls.iter().position(|c| c.operation == operation).unwrap() + 1;
        let proxy = Proxy::start(stage.cloud.url(), behaviour().kill_at(index));
        assert!(run_until_killed(&proxy, tool(&stage, "update --name ci")).is_some());
        stage.run("update --name ci").expect_status(0);
        assert_eq!(stage.state(), CONNECTED, "{operation}");
        stage.run("peerings --delete").expect_status(0);
    }
}

fn connections(item: &str) -> String {
    format!(
        "<DescribeVpcPeeringConnectionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
         <requestId>r</requestId><vpcPeeringConnectionSet>{item}</vpcPeeringConnectionSet>\
         </DescribeVpcPeeringConnectionsResponse>"
    )
}

fn created(id: &str) -> String {
    format!(
        "<CreateVpcPeeringConnectionResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
         <requestId>r</requestId><vpcPeeringConnection><vpcPeeringConnectionId>{id}</vpcPeeringConnectionId>\
         <status><code>initiating-request</code></status></vpcPeeringConnection></CreateVpcPeeringConnectionResponse>"
    )
}

#[test]
fn a_connection_that_aws_fails_is_an_error_with_both_sides() {
    let stage = Stage::with("build:build ci:ci");
    stage.lines("connection_1 = ci/intranet build/dmz\n");
    let (ci, build) = (stage.vpc("ci"), stage.vpc("build"));
    let item = format!(
        "<item><vpcPeeringConnectionId>pcx-0f</vpcPeeringConnectionId>\
         <requesterVpcInfo><vpcId>{ci}</vpcId><cidrBlock>10.0.0.0/24</cidrBlock></requesterVpcInfo>\
         <accepterVpcInfo><vpcId>{build}</vpcId><cidrBlock>10.1.0.0/24</cidrBlock></accepterVpcInfo>\
         <status><code>failed</code><message>overlapping CIDRs</message></status></item>"
    );
    let failing = behaviour()
        .answer("DescribeVpcPeeringConnections", 200, &connections(&item))
        .answer("CreateVpcPeeringConnection", 200, &created("pcx-0f"));
    let proxy = Proxy::start(stage.cloud.url(), failing);
    let output = tool(&stage, "peerings --create")
        .endpoint(proxy.url())
        .run();
    let output = output.expect_status(1);
    let text = "peering connection pcx-0f between ci (10.0.0.0/24) and build (10.1.0.0/24) is failed: overlapping CIDRs";
    assert!(output.stderr.contains(text), "{}", output.stderr);
    assert!(
        output.stderr.contains("not started: + route ci/intranet"),
        "{}",
        output.stderr
    );
    assert_eq!(proxy.count("CreateRoute"), 0);
    // Failed connections are listed.
    let rows = tool(&stage, "peerings --list").endpoint(proxy.url()).run();
    assert_eq!(
        rows.expect_status(0).stdout,
        "pcx-0f         failed   build<->ci           10.1.0.0/24<->10.0.0.0/24\n"
    );
}

#[test]
fn the_connections_of_one_vpc_are_asked_for_by_both_sides_and_shown_once() {
    let stage = Stage::with("build:build ci:ci");
    stage.lines("connection_1 = ci/intranet build/dmz\n");
    stage.run("peerings --create").expect_status(0);
    let proxy = Proxy::start(stage.cloud.url(), behaviour());
    let rows = tool(&stage, "peerings --list --name ci")
        .endpoint(proxy.url())
        .run();
    assert_eq!(rows.expect_status(0).stdout.lines().count(), 1);
    let calls = proxy.calls();
    let mut filters: Vec<&str> = calls
        .iter()
        .filter_map(|c| c.parameter("Filter.1.Name"))
        .collect();
    filters.sort_unstable();
    assert_eq!(
        filters,
        ["accepter-vpc-info.vpc-id", "requester-vpc-info.vpc-id"]
    );
}
