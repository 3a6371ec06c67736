//! Smoke tests: the tests play the hosts, which tag themselves when they are ready.

use std::time::{Duration, Instant};

use super::World;
use crate::support::Running;
use crate::support::proxy::{Behaviour, Proxy};

const PIPELINE: &str = "\
sequence,hostclass,min_size,desired_size,instance_type,smoke_test
1,mhcapp,0,2,t2.micro,yes
1,mhcproxy,,1,t2.micro,no
2,mhcdb,,1,t2.micro,no
";

/// Starts the spinup and waits until it has looked at its hosts a few times.
fn start(world: &World, proxy: &Proxy) -> Running {
    let file = world.pipeline("smoke.csv", PIPELINE);
    let running = world
        .tool_at(proxy.url(), &["spinup", "--pipeline", &file])
        .spawn();
    until("the smoke test looks at hosts", || {
        proxy.count("DescribeInstances") >= 3
    });
    running
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn has_group(world: &World, hostclass: &str) -> bool {
    let prefix = format!("ci_{hostclass}_");
    world
        .groups()
        .iter()
        .any(|group| super::name_of(group).starts_with(&prefix))
}

#[test]
fn the_next_sequence_waits_for_the_smoke_tests_of_the_one_before() {
    let world = World::new();
    let proxy = Proxy::start(world.cloud.url(), Behaviour::new());
    let running = start(&world, &proxy);
    let ids = world.instance_ids(Some("mhcapp"));
    assert_eq!(
        ids.len(),
        2,
        "the desired capacity counts where the minimum is 0"
    );
    assert!(has_group(&world, "mhcproxy") && !has_group(&world, "mhcdb"));

    world.tag(&ids[..1], "smoketest", "tested");
    let before = proxy.count("DescribeInstances");
    until("another look", || {
        proxy.count("DescribeInstances") > before + 2
    });
    assert!(
        !has_group(&world, "mhcdb"),
        "one of two hosts is not enough"
    );

    world.tag(&ids[1..], "smoketest", "tested");
    let output = running.wait().expect_status(0);
    assert!(has_group(&world, "mhcdb"));
    for line in [
        "Waiting for 1 host[s] to pass smoke test",
        "Smoke tested 2 host[s] in ",
        "Waited for 1 autoscaling groups",
    ] {
        assert!(output.stderr.contains(line), "{line} in\n{}", output.stderr);
    }
}

#[test]
fn a_host_that_is_terminated_meanwhile_ends_the_run() {
    let world = World::new();
    let proxy = Proxy::start(world.cloud.url(), Behaviour::new());
    let running = start(&world, &proxy);
    let ids = world.instance_ids(Some("mhcapp"));
    let call = world
        .cloud
        .client()
        .terminate_instances()
        .instance_ids(&ids[0])
        .send();
    world.cloud.wait(call).unwrap();
    let output = running.wait().expect_status(1);
    assert!(
        output
            .stderr
            .contains(&format!("error: smoke test failed: {} terminated", ids[0])),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("not started: sequence 2"),
        "{}",
        output.stderr
    );
    assert!(!has_group(&world, "mhcdb"));
}

#[test]
fn without_smoke_tests_nothing_is_waited_for() {
    let world = World::new();
    let file = world.pipeline("smoke.csv", PIPELINE);
    let (output, proxy) = world.watch(&["spinup", "--pipeline", &file, "--no-smoke-test"]);
    output.expect_status(0);
    assert!(has_group(&world, "mhcapp") && has_group(&world, "mhcdb"));
    assert_eq!(proxy.count("DescribeAutoScalingInstances"), 0);
    // Planning asks once for hosts of Elastigroups, which are invisible without a token.
    assert_eq!(proxy.count("DescribeInstances"), 1);
}
