//! Blue/green deployments that take longer than the hostclass allows: each wait ends by its own option, the old group serves as
//! before, and nothing is left of the new one.

use super::drive::{ELB, PLAIN, Scene};
use crate::disco_ssm::stand_in::Script;
use crate::support::environment::changing_calls;
use crate::support::proxy::Behaviour;
use asiaq_core::names::balancer_id;

/// A host behind a balancer is not in service.
const SICK: &str = "<DescribeInstanceHealthResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/\">\
    <DescribeInstanceHealthResult><InstanceStates><member><InstanceId>i-0</InstanceId><State>OutOfService</State></member>\
    </InstanceStates></DescribeInstanceHealthResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
    </DescribeInstanceHealthResponse>";
/// A group is said to be made. It never gets hosts, because there is none.
const MADE: &str = "<CreateAutoScalingGroupResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">\
    <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></CreateAutoScalingGroupResponse>";
/// AWS has tried to launch a host, in vain.
const NO_CAPACITY: &str = "<DescribeScalingActivitiesResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">\
    <DescribeScalingActivitiesResult><Activities><member><ActivityId>a-1</ActivityId><AutoScalingGroupName>g\
    </AutoScalingGroupName><Cause>the group is too small</Cause><StartTime>2026-01-01T00:00:00Z</StartTime>\
    <StatusCode>Failed</StatusCode><StatusMessage>We have no t2.micro in this zone.</StatusMessage><Progress>100</Progress>\
    </member></Activities></DescribeScalingActivitiesResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
    </DescribeScalingActivitiesResponse>";

/// With these options the deployment fails with these texts, leaves the image in this stage, and changes nothing else.
#[track_caller]
fn assert_runs_out(
    options: &str,
    healthy: bool,
    behaviour: Behaviour,
    texts: &[&str],
    stage: &str,
) {
    let (scene, old) = Scene::serving(options, "yes,", Script::default());
    let picture = scene.picture();
    let _healthy = healthy.then(|| scene.bed.healthy(&[]));
    let (output, _) = scene.through(behaviour, &[]);
    let output = output.expect_status(1);
    let serves = format!("group {old} serves as before");
    for text in texts.iter().copied().chain([serves.as_str()]) {
        assert!(output.stderr.contains(text), "{text} in\n{}", output.stderr);
    }
    assert_eq!(scene.picture(), picture);
    assert_eq!(scene.bed.stage(&scene.new).as_deref(), Some(stage));
}

#[test]
fn smoke_tests_that_never_pass_fail_the_image() {
    assert_runs_out(
        &format!("{ELB}\nsmoke_test_timeout = 2"),
        false,
        Behaviour::new(),
        &[
            "AMI smoke test failed. It was image ",
            "did not pass their smoke test (gave up after 2s)",
        ],
        "failed",
    );
}

#[test]
fn hosts_that_never_come_into_service_leave_the_image_tested() {
    let behind = format!(
        "behind load balancer {}: ",
        balancer_id("ci", "mhcapp", false)
    );
    assert_runs_out(
        &format!("{ELB}\nin_service_timeout = 2"),
        true,
        Behaviour::new().answer("DescribeInstanceHealth", 200, SICK),
        &[
            "The hosts of the new group did not come into service",
            &behind,
            "(gave up after 2s)",
        ],
        "tested",
    );
}

/// The image is not to blame where AWS says what is.
#[test]
fn hosts_that_cannot_be_launched_are_told_with_the_reason() {
    assert_runs_out(
        &format!("{ELB}\nhosts_timeout = 2"),
        true,
        Behaviour::new()
            .answer("CreateAutoScalingGroup", 200, MADE)
            .answer("DescribeScalingActivities", 200, NO_CAPACITY),
        &[
            "The deployment could not go on",
            "has 0 of 1 hosts of image ",
            "after 2 s, AWS could not launch them: We have no t2.micro in this zone.",
        ],
        "untested",
    );
}

#[test]
fn hosts_that_do_not_come_for_no_reason_fail_the_image() {
    assert_runs_out(
        &format!("{PLAIN}\nhosts_timeout = 2"),
        true,
        Behaviour::new().answer("CreateAutoScalingGroup", 200, MADE),
        &[
            "AMI smoke test failed. It was image ",
            "has 0 of 1 hosts of image ",
            "(gave up after 2s)",
        ],
        "failed",
    );
}

#[test]
fn a_wrong_limit_is_told_before_any_change() {
    let (scene, _) = Scene::serving(PLAIN, "yes,", Script::default());
    scene.bed.config.edit(
        "disco_aws.ini",
        "elb = no\n",
        "elb = no\nsmoke_test_timeout = soon\n",
    );
    let (output, proxy) = scene.through(Behaviour::new(), &[]);
    let output = output.expect_status(1);
    let text = "[mhcapp] smoke_test_timeout: `soon` is no integer from 1 to 604800";
    assert!(output.stderr.contains(text), "{}", output.stderr);
    assert!(
        output.stderr.contains("disco_aws.ini:"),
        "{}",
        output.stderr
    );
    assert_eq!(changing_calls(&proxy), [""; 0]);
}
