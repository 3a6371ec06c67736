//! Throttling, refusals, and death between the calls.

use super::{World, ids, victims};
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::run_until_killed;

#[test]
fn throttling_passes() {
    let world = World::new();
    world.group("mhcapp", 3, "us-west-2a", None);
    let behaviour = Behaviour::new()
        .throttle("DescribeAutoScalingGroups", 1)
        .throttle("TerminateInstances", 2);
    let (dead, proxy) = world.watch(behaviour, "--level 67");
    assert_eq!(dead.len(), 2);
    assert_eq!(proxy.count("TerminateInstances"), 3);
    assert!(world.running("mhcapp").is_disjoint(&ids(&dead)));
}

#[test]
fn a_refusal_names_the_hosts() {
    let world = World::new();
    world.group("mhcapp", 1, "us-west-2a", None);
    let refused = "<Response><Errors><Error><Code>OperationNotPermitted</Code><Message>protected</Message></Error></Errors>\
                   <RequestID>r-1</RequestID></Response>";
    let proxy = Proxy::start(
        world.cloud.url(),
        Behaviour::new().answer("TerminateInstances", 400, refused),
    );
    let output = world.tool_at(proxy.url(), "").run().expect_status(1);
    let (_, id) = victims(&output).remove(0);
    assert!(
        output.stderr.contains("OperationNotPermitted"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains(&id), "{}", output.stderr);
    assert!(world.running("mhcapp").contains(&id));
}

/// Whatever happens to a run, what it leaves is a fleet on which the next one works; before the terminating
/// call the same seed finds the same victims again.
#[test]
fn death_at_any_call_leaves_nothing_behind() {
    let world = World::new();
    world.group("mhcapp", 4, "us-west-2a", None);
    let args = "--level 50 --seed 11";
    let behaviours: [fn(usize) -> Behaviour; 2] = [
        |index| Behaviour::new().kill_before(index),
        |index| Behaviour::new().kill_at(index),
    ];
    for behaviour in behaviours {
        for index in 1.. {
            assert!(index < 20, "the tool makes ever more calls");
            let before = world.running("mhcapp");
            let planned = ids(&victims(
                &world.run(&format!("{args} --dry-run")).expect_status(0),
            ));
            let proxy = Proxy::start(world.cloud.url(), behaviour(index));
            let Some(_) = run_until_killed(&proxy, world.tool_at("", args)) else {
                break;
            };
            let after = world.running("mhcapp");
            assert_eq!(after.len(), 4, "call {index}");
            let again = ids(&victims(&world.run(args).expect_status(0)));
            assert_eq!(again.len(), 2);
            if after == before {
                assert_eq!(again, planned, "call {index}: nobody had died");
            } else {
                assert!(
                    planned.is_disjoint(&after),
                    "call {index}: all of them or none"
                );
            }
            assert_eq!(world.running("mhcapp").len(), 4, "call {index}");
        }
    }
}
