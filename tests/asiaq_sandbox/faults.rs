//! Killed and interrupted: running the same command again goes on.

use std::process::Command;
use std::time::{Duration, Instant};

use super::{World, changing};
use crate::support::environment::{describe, vpc_ids};
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::run_until_killed;

const ARGS: &str = "box7 --config-dir base --tag productline:fruit";
const DESTROY: &str = "box7 --destroy";
/// A loop over all calls ends long before.
const MOST_CALLS: usize = 200;

/// One zone instead of moto's four: fewer calls.
fn behaviour() -> Behaviour {
    Behaviour::new().answer(
        "DescribeAvailabilityZones",
        200,
        "<DescribeAvailabilityZonesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
         <availabilityZoneInfo><item><zoneName>us-west-2a</zoneName><zoneState>available</zoneState></item>\
         </availabilityZoneInfo></DescribeAvailabilityZonesResponse>",
    )
}

fn run(world: &World, words: &str) -> Proxy {
    let proxy = Proxy::start(world.cloud.url(), behaviour());
    world
        .tool(words)
        .endpoint(proxy.url())
        .run()
        .expect_status(0);
    proxy
}

/// What a finished run leaves, without ids and times.
fn state(world: &World) -> Vec<String> {
    let mut all = describe(&world.cloud, "box7", true);
    // Hosts have interfaces too, at addresses that change from run to run.
    all.retain(|line| !line.starts_with("interface ") || line.contains("`floating interface`"));
    all.extend(world.sizes().iter().map(|size| format!("{size:?}")));
    all.extend(world.objects().iter().map(|object| format!("{object:?}")));
    all
}

/// Kills at call n = `first`, `first + step`, … to the last one, each time from what `prepare` makes.
fn killed(
    world: &World,
    words: &str,
    (first, step): (usize, usize),
    at: fn(Behaviour, usize) -> Behaviour,
    prepare: impl Fn(),
    check: impl Fn(&str),
) {
    let mut n = first;
    while n < MOST_CALLS {
        prepare();
        let proxy = Proxy::start(world.cloud.url(), at(behaviour(), n));
        if run_until_killed(&proxy, world.tool(words)).is_none() {
            assert!(n > 25, "`{words}` makes only {n} calls");
            return check("not killed");
        }
        let call = proxy.calls().get(n - 1).map(|call| call.operation.clone());
        check(&format!("`{words}` killed at call {n}: {call:?}"));
        n += step;
    }
    panic!("`{words}` makes more than {MOST_CALLS} calls");
}

fn created(world: &World, steps: (usize, usize), at: fn(Behaviour, usize) -> Behaviour) {
    run(world, ARGS);
    let wanted = state(world);
    killed(
        world,
        ARGS,
        steps,
        at,
        || world.reset(),
        |context| {
            run(world, ARGS);
            assert_eq!(state(world), wanted, "{context}");
            assert_eq!(changing(&run(world, ARGS)), [""; 0], "{context}");
        },
    );
}

#[test]
fn killed_after_any_call_a_second_run_converges() {
    created(&World::new(), (1, 3), Behaviour::kill_at);
}

#[test]
fn killed_before_a_call_a_second_run_converges() {
    created(&World::new(), (3, 3), Behaviour::kill_before);
}

/// With the two above, the end of every call.
#[test]
fn killed_after_every_third_call_a_second_run_converges() {
    created(&World::new(), (3, 3), Behaviour::kill_at);
}

fn destroyed(steps: (usize, usize), at: fn(Behaviour, usize) -> Behaviour) {
    let world = World::new();
    let empty = world.everything();
    killed(
        &world,
        DESTROY,
        steps,
        at,
        || {
            world.reset();
            run(&world, ARGS);
        },
        |context| {
            run(&world, DESTROY);
            let mut left = world.everything();
            // Killed after the VPC and before its DHCP options: the next sandbox of the name takes them over.
            if left.iter().any(|line| line.starts_with("dhcp ")) {
                run(&world, ARGS);
                run(&world, DESTROY);
                left = world.everything();
            }
            assert_eq!(left.len(), empty.len(), "{context}: {left:#?}");
            assert_eq!(world.keys(), [""; 0], "{context}");
            assert!(vpc_ids(&world.cloud, "box7").is_empty(), "{context}");
        },
    );
}

#[test]
fn destroy_killed_after_any_call_leaves_nothing_after_a_second_run() {
    destroyed((1, 2), Behaviour::kill_at);
}

/// The ends of calls that the test above does not hit, or every second of them.
#[test]
fn destroy_killed_before_a_call_leaves_nothing_after_a_second_run() {
    destroyed((3, 4), Behaviour::kill_before);
}

#[test]
fn what_was_created_in_part_can_be_destroyed() {
    let world = World::new();
    let empty = world.everything().len();
    for n in [15, 24, 35] {
        world.reset();
        let proxy = Proxy::start(world.cloud.url(), behaviour().kill_at(n));
        run_until_killed(&proxy, world.tool(ARGS)).expect("it makes more calls");
        run(&world, DESTROY);
        assert_eq!(world.keys(), [""; 0]);
        assert!(vpc_ids(&world.cloud, "box7").is_empty());
        let mut left = world.everything();
        // moto ignores tags in CreateDhcpOptions, so a set may be lost between that call and CreateTags; AWS does not.
        left.retain(|line| !line.starts_with("dhcp "));
        assert_eq!(left.len(), empty, "killed at {n}: {left:#?}");
    }
}

#[test]
fn ctrl_c_says_what_was_done_and_that_it_goes_on() {
    let world = World::new();
    let slow = behaviour().delay(Duration::from_millis(100));
    let proxy = Proxy::start(world.cloud.url(), slow);
    let running = world.tool(ARGS).endpoint(proxy.url()).spawn();
    let deadline = Instant::now() + Duration::from_secs(60);
    while proxy.count("CreateSubnet") == 0 {
        assert!(Instant::now() < deadline, "no subnet is created");
        std::thread::sleep(Duration::from_millis(5));
    }
    let id = running.child().lock().unwrap().id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    let stderr = running.wait().expect_status(130).stderr;
    for text in [
        "error: interrupted\n",
        " planned changes were made; ",
        "  + object s3://cfg/fw/box7 from ",
        "  + vpc box7 10.0.0.0/24\n",
        "hint: run the same command again: it goes on",
    ] {
        assert!(stderr.contains(text), "`{text}` in\n{stderr}");
    }
    run(&world, ARGS);
    assert_eq!(world.sizes().len(), 2);
    assert_eq!(changing(&run(&world, ARGS)), [""; 0]);
}
