//! `disco_aws spinup` under faults: killed at any call, throttled, refused, interrupted. Running it again converges.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::disco_aws::{World, changing, name_of};
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::run_until_killed;

/// Two rows: one with a static address and a schedule, one with a schedule and disks.
const PIPELINE: &str = "\
sequence,hostclass,min_size,desired_size,max_size,instance_type,extra_disk
1,mhcproxy,,1@0 7 * * 1,2,t2.micro,
2,mhcapp,1@0 6 * * *:0@0 20 * * *,2,3,m4.large,40
";

fn prepared() -> (World, String) {
    let world = World::new();
    world.delete_floating_interfaces();
    // Hosts of the local cloud take low addresses and keep them when they are terminated.
    world
        .config
        .edit("disco_aws.ini", "ip_address = +5", "ip_address = +200");
    let file = world.pipeline("p.csv", PIPELINE);
    (world, file)
}

/// What the pipeline asks for is there, once.
#[track_caller]
fn assert_converged(world: &World, context: &str) {
    assert_eq!(world.groups().len(), 2, "{context}");
    assert_eq!(world.sizes("mhcproxy"), (0, 1, 2), "{context}");
    assert_eq!(world.sizes("mhcapp"), (0, 2, 3), "{context}");
    for (hostclass, instance_type, devices) in
        [("mhcproxy", "t2.micro", 0), ("mhcapp", "m4.large", 1)]
    {
        let launch = world.launch(hostclass);
        assert_eq!(
            launch.image_id(),
            Some(world.images[hostclass].as_str()),
            "{context}"
        );
        assert_eq!(
            launch.instance_type().unwrap().as_str(),
            instance_type,
            "{context}"
        );
        assert_eq!(launch.block_device_mappings().len(), devices, "{context}");
        assert!(
            world
                .user_data(hostclass)
                .contains(&format!("hostclass=\"{hostclass}\"")),
            "{context}"
        );
        assert_eq!(
            world.policies(name_of(&world.group(hostclass))),
            ["down", "up"],
            "{context}"
        );
    }
    let mut schedules: Vec<(String, String)> = world
        .schedules()
        .into_iter()
        .map(|action| {
            (
                action.auto_scaling_group_name.unwrap(),
                action.recurrence.unwrap(),
            )
        })
        .collect();
    schedules.sort();
    let (app, proxy) = (world.group("mhcapp"), world.group("mhcproxy"));
    let expected = [
        (&app, "0 20 * * *"),
        (&app, "0 6 * * *"),
        (&proxy, "0 7 * * 1"),
    ];
    assert_eq!(
        schedules,
        expected.map(|(group, cron)| (name_of(group).to_owned(), cron.to_owned())),
        "{context}"
    );
    assert_eq!(world.floating_interfaces().len(), 1, "{context}");
    assert_eq!(
        (
            world.instances(Some("mhcapp")).len(),
            world.instances(Some("mhcproxy")).len()
        ),
        (2, 1),
        "{context}"
    );
}

/// Kills the spinup as `behaviour` says, for n = 1 to its last call; after each, a second run converges and a third one
/// has nothing to do.
fn kill_at_every(step: usize, behaviour: fn(usize) -> Behaviour) {
    let (world, file) = prepared();
    let args = ["spinup", "--pipeline", &file];
    let (mut n, mut killed) = (1, 0);
    loop {
        let proxy = Proxy::start(world.cloud.url(), behaviour(n));
        // The endpoint of the tool is the proxy's, whatever is given here.
        if run_until_killed(&proxy, world.tool_at(proxy.url(), &args)).is_none() {
            break;
        }
        killed += 1;
        let last = proxy
            .calls()
            .get(n - 1)
            .map(|call| call.operation.clone())
            .unwrap_or_default();
        let context = format!("killed at call {n}, {last}");
        world.run(&args).expect_status(0);
        assert_converged(&world, &context);
        let (third, proxy) = world.watch(&args);
        third.expect_status(0);
        assert_eq!(changing(&proxy), [""; 0], "{context}");
        world.clear();
        n += step;
    }
    assert_converged(&world, "not killed");
    assert!(
        killed * step > 20,
        "only {killed} calls: what is tested here?"
    );
}

#[test]
fn killed_after_any_call_a_second_run_converges() {
    kill_at_every(1, |n| Behaviour::new().kill_at(n));
}

#[test]
fn killed_before_a_call_a_second_run_converges() {
    kill_at_every(3, |n| Behaviour::new().kill_before(n));
}

#[test]
fn throttling_is_waited_out() {
    let (world, _) = prepared();
    let file = world.pipeline(
        "one.csv",
        "sequence,hostclass,min_size,instance_type\n1,mhcapp,1,t2.micro\n",
    );
    // After a throttled call the SDK sends the service one call in two seconds for a while: few calls are left then.
    let behaviour = Behaviour::new()
        .throttle("CreateLaunchTemplate", 1)
        .throttle("CreateAutoScalingGroup", 1);
    let proxy = Proxy::start(world.cloud.url(), behaviour);
    world
        .tool_at(proxy.url(), &["spinup", "--pipeline", &file])
        .run()
        .expect_status(0);
    assert_eq!((world.groups().len(), world.templates().len()), (1, 1));
    assert_eq!(world.sizes("mhcapp"), (1, 1, 1));
    assert_eq!(
        world.policies(name_of(&world.group("mhcapp"))),
        ["down", "up"]
    );
    assert_eq!(proxy.count("CreateLaunchTemplate"), 2);
    assert_eq!(proxy.count("CreateAutoScalingGroup"), 2);
}

#[test]
fn a_lost_connection_is_retried_without_a_second_group() {
    let (world, file) = prepared();
    let args = ["spinup", "--pipeline", &file];
    let (output, proxy) = world.watch(&args);
    output.expect_status(0);
    let at = |operation: &str| {
        proxy
            .calls()
            .iter()
            .find(|call| call.operation == operation)
            .unwrap()
            .index
    };
    let behaviour = Behaviour::new()
        .reset_at(at("CreateLaunchTemplate"))
        .reset_at(at("CreateAutoScalingGroup") + 1);
    world.clear();
    let proxy = Proxy::start(world.cloud.url(), behaviour);
    world.tool_at(proxy.url(), &args).run().expect_status(0);
    assert_converged(&world, "connections reset");
    assert_eq!(world.templates().len(), 2);
}

#[test]
fn a_row_that_fails_lets_its_siblings_finish_and_stops_later_sequences() {
    let (world, _) = prepared();
    let file = world.pipeline(
        "three.csv",
        "sequence,hostclass,desired_size,instance_type\n1,mhcproxy,1,t2.micro\n1,mhcdb,1,t2.micro\n2,mhcapp,1,t2.micro\n",
    );
    let body = "<Response><Errors><Error><Code>NetworkInterfaceLimitExceeded</Code><Message>no more interfaces</Message></Error></Errors>\
                <RequestID>r-1</RequestID></Response>";
    let proxy = Proxy::start(
        world.cloud.url(),
        Behaviour::new().answer("CreateNetworkInterface", 400, body),
    );
    let stderr = world
        .tool_at(proxy.url(), &["spinup", "--pipeline", &file])
        .run()
        .expect_status(1)
        .stderr;
    let hostclasses: Vec<String> = world
        .groups()
        .iter()
        .map(|group| name_of(group).to_owned())
        .collect();
    assert!(
        hostclasses.len() == 1 && hostclasses[0].starts_with("ci_mhcdb_"),
        "{hostclasses:?}"
    );
    assert_eq!(
        world.policies(&hostclasses[0]),
        ["down", "up"],
        "the sibling is complete"
    );
    let error = &stderr[stderr.find("error: ").unwrap()..];
    for text in [
        "failed: + interface dmz us-west-2",
        "NetworkInterfaceLimitExceeded: no more interfaces",
        "not started: + group mhcproxy ",
        "hint: ",
    ] {
        assert!(error.contains(text), "`{text}` in\n{error}");
    }
    assert!(
        stderr.contains("sequence 1 failed; not started: sequence 2"),
        "{stderr}"
    );
    world.run(&["spinup", "--pipeline", &file]).expect_status(0);
    assert_eq!(world.groups().len(), 3);
    assert_eq!(name_of(&world.group("mhcdb")), hostclasses[0]);
}

#[test]
fn a_refused_group_leaves_no_template_behind() {
    let (world, _) = prepared();
    let file = world.pipeline(
        "two.csv",
        "sequence,hostclass,instance_type\n1,mhcapp,t2.micro\n1,mhcdb,t2.micro\n",
    );
    let body = "<ErrorResponse><Error><Type>Sender</Type><Code>LimitExceeded</Code><Message>too many groups</Message></Error>\
                <RequestId>r-1</RequestId></ErrorResponse>";
    let proxy = Proxy::start(
        world.cloud.url(),
        Behaviour::new().answer("CreateAutoScalingGroup", 400, body),
    );
    let stderr = world
        .tool_at(proxy.url(), &["spinup", "--pipeline", &file])
        .run()
        .expect_status(1)
        .stderr;
    let error = &stderr[stderr.find("error: ").unwrap()..];
    assert_eq!(error.matches("failed: + group mhc").count(), 2, "{error}");
    assert_eq!(
        error.matches("LimitExceeded: too many groups").count(),
        2,
        "{error}"
    );
    assert_eq!(proxy.count("CreateLaunchTemplate"), 2);
    world.assert_nothing_provisioned();
}

#[test]
fn ctrl_c_says_what_was_done_and_a_second_run_converges() {
    let (world, file) = prepared();
    let args = ["spinup", "--pipeline", &file];
    let proxy = Proxy::start(
        world.cloud.url(),
        Behaviour::new().delay(Duration::from_millis(100)),
    );
    let running = world.tool_at(proxy.url(), &args).spawn();
    let deadline = Instant::now() + Duration::from_secs(60);
    while proxy.count("CreateAutoScalingGroup") == 0 {
        assert!(Instant::now() < deadline, "no group is created");
        std::thread::sleep(Duration::from_millis(5));
    }
    let id = running.child().lock().unwrap().id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let stderr = running.wait().expect_status(130).stderr;
    assert!(stderr.contains("error: interrupted\n"), "{stderr}");
    assert!(stderr.contains(" planned changes were made; "), "{stderr}");
    assert!(
        stderr.contains("  + launch template ci_mhcproxy_"),
        "what was done: {stderr}"
    );
    assert!(
        stderr.contains("hint: run the same command again"),
        "{stderr}"
    );
    assert_eq!(
        proxy.count("CreateLaunchTemplate"),
        1,
        "the second sequence was not reached"
    );
    world.run(&args).expect_status(0);
    assert_converged(&world, "interrupted");
}
