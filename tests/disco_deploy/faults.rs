//! Everything that can go wrong in a blue/green deployment, once each with the real tool: afterwards the old group serves with
//! the same hosts behind the same balancer, and nothing is left of the new one.

use std::time::{Duration, Instant};

use super::drive::{ELB, PLAIN, Scene};
use crate::disco_ssm::stand_in::Script;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Output, Running, run_until_killed};
use asiaq_core::names::balancer_id;

const DENIED: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not you</Message></Error>\
    <RequestId>r</RequestId></ErrorResponse>";
const EC2_DENIED: &str = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>not you</Message></Error>\
    </Errors><RequestID>r</RequestID></Response>";
/// A host behind a balancer is not in service.
const SICK: &str = "<DescribeInstanceHealthResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/\">\
    <DescribeInstanceHealthResult><InstanceStates><member><InstanceId>i-0</InstanceId><State>OutOfService</State></member>\
    </InstanceStates></DescribeInstanceHealthResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
    </DescribeInstanceHealthResponse>";
const NO_BALANCER: &str = "<ErrorResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/\"><Error>\
    <Type>Sender</Type><Code>LoadBalancerNotFound</Code><Message>There is no ACTIVE Load Balancer</Message></Error>\
    <RequestId>r</RequestId></ErrorResponse>";
const FAILING: fn(&str) -> &'static str = |_| "Failed";

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn failing() -> Script {
    Script {
        status: FAILING,
        ..Script::default()
    }
}

/// A hostclass that serves, and how everything looks before the deployment.
struct Before {
    scene: Scene,
    old: String,
    picture: Vec<String>,
}

impl Before {
    fn new(options: &str, row: &str, ssm: Script) -> Self {
        let (scene, old) = Scene::serving(options, row, ssm);
        let picture = scene.picture();
        Self {
            scene,
            old,
            picture,
        }
    }

    /// Nothing has changed but the stage of the image.
    #[track_caller]
    fn assert_untouched(&self, stage: &str) {
        assert_eq!(self.scene.picture(), self.picture);
        let now = self.scene.bed.stage(&self.scene.new);
        assert_eq!(now.as_deref(), Some(stage));
    }

    /// The deployment fails with this text and the hint that the old group serves.
    #[track_caller]
    fn assert_fails(&self, behaviour: Behaviour, text: &str, stage: &str) -> Output {
        let (output, _) = self.scene.through(behaviour, &[]);
        let output = output.expect_status(1);
        assert!(output.stderr.contains(text), "{text} in\n{}", output.stderr);
        let serves = format!("group {} serves as before", self.old);
        assert!(output.stderr.contains(&serves), "{}", output.stderr);
        self.assert_untouched(stage);
        output
    }

    /// Starts it, and waits until the new group has its hosts and is looked at.
    fn start(&self, proxy: &Proxy) -> (Running, Vec<String>) {
        let running = self.scene.tool(proxy.url(), &[]).spawn();
        let mut hosts = Vec::new();
        until("smoke tests are looked at", || {
            let groups = self.scene.bed.group_names();
            let new = groups.iter().find(|name| **name != self.old);
            hosts = new.map_or(Vec::new(), |name| self.scene.bed.hosts_of(name));
            !hosts.is_empty() && proxy.count("DescribeInstances") > 5
        });
        (running, hosts)
    }
}

fn interrupt(running: &Running) {
    let pid = running.child().lock().unwrap().id();
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
}

/// What its own smoke test does to a host of a bad image: it ends while the others wait for it.
#[test]
fn a_host_that_dies_in_its_smoke_test_fails_the_image() {
    let before = Before::new(ELB, "yes,", Script::default());
    let proxy = Proxy::start(before.scene.bed.cloud.url(), Behaviour::new());
    let (running, hosts) = before.start(&proxy);
    before.scene.bed.terminate(&hosts);
    let output = running.wait().expect_status(1);
    for text in [
        "AMI smoke test failed. It was image ",
        &format!("smoke test failed: {} terminated", hosts[0]),
        &format!("group {} serves as before", before.old),
    ] {
        assert!(output.stderr.contains(text), "{text} in\n{}", output.stderr);
    }
    before.assert_untouched("failed");
    // The image is not tested again.
    let output = before.scene.run(&[]).expect_status(0);
    assert!(
        output.stderr.contains("No untested AMIs found."),
        "{}",
        output.stderr
    );
}

#[test]
fn a_failing_integration_test_fails_the_image() {
    let (scene, old) = Scene::serving(ELB, "yes,app_test", failing());
    scene.test_host();
    let picture = scene.picture();
    let before = Before {
        scene,
        old,
        picture,
    };
    let _healthy = before.scene.bed.healthy(&[]);
    before.assert_fails(
        Behaviour::new(),
        "AMI integration test failed. It was image ",
        "failed",
    );
}

#[test]
fn without_a_test_host_the_image_is_not_to_blame() {
    let before = Before::new(ELB, "yes,app_test", Script::default());
    let proxy = Proxy::start(before.scene.bed.cloud.url(), Behaviour::new());
    let (running, hosts) = before.start(&proxy);
    before.scene.bed.tag(&hosts, "smoketest", "100");
    let output = running.wait().expect_status(1);
    for text in [
        "AMI integration test failed. Unable to find test host for image ",
        &format!("group {} serves as before", before.old),
    ] {
        assert!(output.stderr.contains(text), "{text} in\n{}", output.stderr);
    }
    before.assert_untouched("untested");
}

#[test]
fn an_image_without_a_stage_for_failures_keeps_its_own() {
    let (scene, old) = Scene::serving(PLAIN, "yes,app_test", failing());
    scene.bed.config.edit(
        "disco_aws.ini",
        "ami_stages = untested failed tested",
        "ami_stages = untested tested",
    );
    scene.test_host();
    let picture = scene.picture();
    let before = Before {
        scene,
        old,
        picture,
    };
    let _healthy = before.scene.bed.healthy(&[]);
    let output = before.assert_fails(Behaviour::new(), "AMI integration test failed.", "untested");
    assert!(
        output.stderr.contains("keeps its stage"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_group_that_cannot_be_made_leaves_no_testing_balancer() {
    let before = Before::new(ELB, "yes,", Script::default());
    let behaviour = Behaviour::new().answer("CreateAutoScalingGroup", 403, DENIED);
    let text = "Spinning up a new autoscaling group failed";
    before.assert_fails(behaviour, text, "untested");
}

#[test]
fn hosts_that_stay_in_testing_mode_never_serve() {
    let before = Before::new(ELB, "yes,", failing());
    let _healthy = before.scene.bed.healthy(&[]);
    let text = "Unable to exit testing mode for group ci_mhcapp_";
    before.assert_fails(Behaviour::new(), text, "tested");
}

#[test]
fn a_group_that_cannot_be_admitted_goes() {
    let before = Before::new(ELB, "yes,", Script::default());
    let _healthy = before.scene.bed.healthy(&[]);
    let behaviour = Behaviour::new().answer("AttachLoadBalancers", 403, DENIED);
    before.assert_fails(
        behaviour,
        "Bringing the new group into service failed",
        "tested",
    );
}

#[test]
fn a_group_that_does_not_come_into_service_goes() {
    let before = Before::new(ELB, "yes,", Script::default());
    let _healthy = before.scene.bed.healthy(&[]);
    let behaviour = Behaviour::new().answer("DescribeInstanceHealth", 400, NO_BALANCER);
    let text = "The hosts of the new group did not come into service";
    before.assert_fails(behaviour, text, "tested");
}

#[test]
fn a_promotion_that_is_denied_is_told_and_ignored() {
    let before = Before::new(ELB, "yes,", Script::default());
    let _healthy = before.scene.bed.healthy(&[]);
    let behaviour = Behaviour::new().answer_first("CreateTags", 403, EC2_DENIED);
    let (output, _) = before.scene.through(behaviour, &[]);
    let output = output.expect_status(0);
    let told = format!("image {} keeps its stage", before.scene.new);
    assert!(output.stderr.contains(&told), "{}", output.stderr);
    assert_eq!(
        before.scene.bed.stage(&before.scene.new).as_deref(),
        Some("untested")
    );
    before
        .scene
        .assert_serves_alone(&before.scene.new, true, "in the end");
}

#[test]
fn throttling_is_waited_out() {
    let before = Before::new(ELB, "yes,", Script::default());
    let _healthy = before.scene.bed.healthy(&[]);
    // The SDK slows down with every refusal, so there are only few.
    let behaviour = Behaviour::new()
        .throttle("CreateAutoScalingGroup", 1)
        .throttle("DescribeInstanceHealth", 1)
        .throttle("DeleteAutoScalingGroup", 1);
    let (output, proxy) = before.scene.through(behaviour, &[]);
    output.expect_status(0);
    assert_eq!(proxy.count("CreateAutoScalingGroup"), 2);
    before
        .scene
        .assert_serves_alone(&before.scene.new, true, "in the end");
}

#[test]
fn after_ctrl_c_in_the_tests_the_new_group_goes() {
    let before = Before::new(ELB, "yes,", Script::default());
    let proxy = Proxy::start(before.scene.bed.cloud.url(), Behaviour::new());
    let (running, _) = before.start(&proxy);
    interrupt(&running);
    let output = running.wait().expect_status(130);
    let text = format!("is removed; group {} serves as before", before.old);
    assert!(output.stderr.contains(&text), "{}", output.stderr);
    before.assert_untouched("untested");
}

#[test]
fn after_ctrl_c_with_both_groups_behind_the_balancer_the_new_group_goes() {
    let before = Before::new(ELB, "yes,", Script::default());
    let _healthy = before.scene.bed.healthy(&[]);
    let behaviour = Behaviour::new().answer("DescribeInstanceHealth", 200, SICK);
    let proxy = Proxy::start(before.scene.bed.cloud.url(), behaviour);
    let running = before.scene.tool(proxy.url(), &[]).spawn();
    until("the balancer is waited for", || {
        proxy.count("DescribeInstanceHealth") > 3
    });
    let normal = balancer_id("ci", "mhcapp", false);
    let behind = before
        .scene
        .balancers()
        .into_iter()
        .find(|(name, _)| *name == normal);
    assert_eq!(behind.unwrap().1.len(), 2, "hosts of both groups");
    interrupt(&running);
    running.wait().expect_status(130);
    before.assert_untouched("tested");
}

#[test]
fn what_could_not_be_removed_is_named_and_goes_next_time() {
    let before = Before::new(ELB, "yes,", failing());
    let _healthy = before.scene.bed.healthy(&[]);
    let behaviour = Behaviour::new().answer("DeleteAutoScalingGroup", 403, DENIED);
    let (output, _) = before.scene.through(behaviour, &[]);
    let output = output.expect_status(1);
    let names = before.scene.bed.group_names();
    let new = names
        .iter()
        .find(|name| **name != before.old)
        .expect("the new group");
    for text in [
        format!("Unable to exit testing mode for group {new}"),
        format!("what was made for group {new} could not be removed"),
    ] {
        assert!(
            output.stderr.contains(&text),
            "{text} in\n{}",
            output.stderr
        );
    }
    // Nothing is left to deploy, and what is left is removed all the same; a dry run only tells.
    let dry = before.scene.run(&["--dry-run"]).expect_status(0);
    assert!(
        dry.stdout.contains(&format!("- group mhcapp {new} ")),
        "{}",
        dry.stdout
    );
    assert_eq!(before.scene.bed.group_names(), names);
    before.scene.run(&[]).expect_status(0);
    before.assert_untouched("tested");
}

#[test]
fn a_switch_that_stopped_half_way_is_completed_next_time() {
    let before = Before::new(ELB, "yes,", Script::default());
    let _healthy = before.scene.bed.healthy(&[]);
    let behaviour = Behaviour::new().answer("DeleteAutoScalingGroup", 403, DENIED);
    let (output, _) = before.scene.through(behaviour, &[]);
    let output = output.expect_status(1);
    for text in [
        "The new group serves, but the old group could not be retired",
        "running `disco_deploy` again completes the switch",
    ] {
        assert!(output.stderr.contains(text), "{text} in\n{}", output.stderr);
    }
    let names = before.scene.bed.group_names();
    assert_eq!(names.len(), 2, "the new group stays: {names:?}");
    let new = names
        .iter()
        .find(|name| **name != before.old)
        .expect("the new group");
    let output = before.scene.run(&[]).expect_status(0);
    let told = format!(
        "~ group mhcapp {new} of an interrupted deployment takes the place of {}",
        before.old
    );
    assert!(output.stderr.contains(&told), "{}", output.stderr);
    assert_eq!(
        before
            .scene
            .assert_serves_alone(&before.scene.new, true, "completed"),
        *new
    );
}

/// Tags a group as an interrupted deployment leaves it.
fn leave(scene: &Scene, group: &str, tags: &[(&str, &str)]) {
    let tag = |(key, value): &(&str, &str)| {
        aws_sdk_autoscaling::types::Tag::builder()
            .resource_id(group)
            .resource_type("auto-scaling-group")
            .key(*key)
            .value(*value)
            .propagate_at_launch(false)
            .build()
    };
    let call = scene.bed.cloud.autoscaling().create_or_update_tags();
    let call = call.set_tags(Some(tags.iter().map(tag).collect()));
    scene.bed.cloud.wait(call.send()).unwrap();
}

/// The deployment was killed when its group was marked as serving, and the hosts were not yet.
#[test]
fn hosts_of_a_group_that_serves_do_not_stay_marked_as_under_test() {
    let (scene, old) = Scene::serving(PLAIN, "yes,", Script::default());
    leave(
        &scene,
        &old,
        &[("is_testing", "0"), ("deploy_replaces", "-")],
    );
    scene.bed.tag(&scene.bed.hosts_of(&old), "is_testing", "1");
    // There is nothing to deploy.
    let image = std::slice::from_ref(&scene.new);
    scene.bed.tag(image, "stage", "failed");
    scene.run(&[]).expect_status(0);
    let name = scene.assert_serves_alone(&scene.good, false, "put in order");
    assert_eq!(name, old);
}

/// New hosts take the addresses of the old ones when they leave testing mode, and a killed deployment does not give them back.
#[test]
fn old_hosts_take_their_addresses_back() {
    let before = Before::new(ELB, "yes,", Script::default());
    let _healthy = before.scene.bed.healthy(&[]);
    let behaviour = Behaviour::new().kill_at_nth("AttachLoadBalancers", 1);
    let proxy = Proxy::start(before.scene.bed.cloud.url(), behaviour);
    let killed = run_until_killed(&proxy, before.scene.tool(proxy.url(), &[]));
    assert!(killed.is_some(), "it ended before");
    let sent = before.scene.ssm.calls("SendCommand").len();
    before.scene.run(&[]).expect_status(0);
    let calls = before.scene.ssm.calls("SendCommand");
    let [call] = &calls[sent..] else {
        panic!("{calls:?}");
    };
    assert_eq!(call["DocumentName"], "testing-mode");
    let hosts = before.scene.bed.hosts_of(&before.old);
    assert_eq!(call["InstanceIds"], serde_json::json!(hosts));
    before.assert_untouched("tested");
}

/// What is left of one hostclass and cannot be put in order keeps nobody else waiting.
#[test]
fn a_hostclass_that_is_stuck_is_left_out() {
    let (scene, old) = Scene::serving(PLAIN, "yes,", Script::default());
    let _healthy = scene.bed.healthy(&[]);
    leave(
        &scene,
        &old,
        &[("is_testing", "1"), ("deploy_replaces", "-")],
    );
    let behaviour = || Behaviour::new().answer("DeleteAutoScalingGroup", 403, DENIED);
    let left_out = "mhcapp is left out, because its interrupted deployment is not in order";
    // Alone, it is the reason why nothing is deployed.
    let (output, _) = scene.through(behaviour(), &[]);
    let output = output.expect_status(1);
    assert!(output.stderr.contains(left_out), "{}", output.stderr);
    // Asked for, it is an error.
    let (output, _) = scene.through(behaviour(), &["--hostclass", "mhcapp"]);
    let output = output.expect_status(1);
    assert!(!output.stderr.contains(left_out), "{}", output.stderr);
    assert!(output.stderr.contains(&old), "{}", output.stderr);
    // Another one is deployed.
    scene
        .bed
        .configure("[test]\nssm_doc_testing_mode=testing-mode\n");
    scene.bed.pipeline(
        "hostclass,desired_size,instance_type,deployable\nmhcapp,1,t2.micro,yes\nmhcweb,1,t2.micro,yes\n",
    );
    let other = scene.bed.image("mhcweb", 1_700_000_300, "untested");
    let (output, _) = scene.through(behaviour(), &[]);
    let output = output.expect_status(0);
    assert!(output.stderr.contains(left_out), "{}", output.stderr);
    assert_eq!(scene.bed.stage(&other).as_deref(), Some("tested"));
    assert_eq!(scene.bed.stage(&scene.new).as_deref(), Some("untested"));
    let names = scene.bed.group_names();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names.contains(&old), "{names:?}");
}

/// A group that an operator tests by hand is no leftover.
#[test]
fn an_operators_own_group_under_test_is_left_alone() {
    let (scene, old) = Scene::serving(ELB, "yes,", Script::default());
    let _healthy = scene.bed.healthy(&[]);
    let file = scene.bed.config.path().join("pipeline.csv");
    let file = file.display().to_string();
    let spinup = ["--env", "ci", "spinup", "--pipeline", &file, "--testing"];
    let made = crate::support::asiaq("disco_aws")
        .endpoint(scene.bed.cloud.url())
        .config(scene.bed.config.path())
        .args(spinup)
        .run();
    // It updates the one group there is, and marks it as under test.
    made.expect_status(0);
    assert_eq!(scene.bed.group_tags(&old)["is_testing"], "1");
    let before = scene.picture();
    let dry = scene.run(&["--dry-run"]);
    assert!(!dry.stdout.contains("interrupted"), "{}", dry.stdout);
    assert_eq!(scene.picture(), before);
}
