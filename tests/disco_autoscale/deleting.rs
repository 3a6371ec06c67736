//! `deletegroup` and `cleangroups`: what goes, what stays, and what AWS refuses.

use super::{IMAGE, Launch, World, reads_only, refusal};
use crate::support::proxy::Behaviour;

const WEB_OLD: &str = "ci_mhcweb_1790000000";
const WEB_NEW: &str = "ci_mhcweb_1790000001";
const APP: &str = "ci_mhcapp_1790000002";
const FOREIGN: [&str; 2] = ["ci2_mhcweb_1790000003", "ci_2_mhcweb_1790000004"];

/// Two groups of `mhcweb`, the older one with instances; one of `mhcapp` with an instance; two of other environments.
fn populated() -> World {
    let world = World::new();
    world.own_group(WEB_OLD, 2, &[]);
    world.own_group(WEB_NEW, 0, &[]);
    world.own_group(APP, 1, &[]);
    world.own_group(FOREIGN[0], 0, &[]);
    world.own_group(FOREIGN[1], 0, &[("environment", "ci_2")]);
    world
}

/// The groups that [`populated`] made, and nothing else, apart from these; each with its template.
#[track_caller]
fn expect_all_but(world: &World, gone: &[&str]) {
    let all = [FOREIGN[0], FOREIGN[1], APP, WEB_OLD, WEB_NEW];
    let left: Vec<&str> = all
        .into_iter()
        .filter(|name| !gone.contains(name))
        .collect();
    let templates: Vec<String> = left.iter().map(|name| format!("{name}9")).collect();
    assert_eq!(world.groups(), left);
    assert_eq!(world.templates(), templates);
}

#[test]
fn by_hostclass_without_and_with_force() {
    let world = populated();
    let output = world
        .run(&["deletegroup", "--hostclass", "mhcweb"])
        .expect_status(0);
    assert_eq!(output.stdout, "");
    let kept = format!("{WEB_OLD} cannot be deleted: it has 2 instances (force is False)");
    assert!(output.stderr.contains(&kept), "{}", output.stderr);
    assert!(
        output
            .stderr
            .contains(&format!("- group mhcweb {WEB_NEW} (0 instances)"))
            && output
                .stderr
                .contains(&format!("- launch template {WEB_NEW}9")),
        "{}",
        output.stderr
    );
    expect_all_but(&world, &[WEB_NEW]);

    world.stdout(&["deletegroup", "--hostclass", "mhcweb", "--force"]);
    expect_all_but(&world, &[WEB_NEW, WEB_OLD]);
    let (output, calls) = world.watch(
        Behaviour::new(),
        &["deletegroup", "--hostclass", "mhcweb", "--force"],
    );
    assert_eq!(output.expect_status(0).stderr, "", "nothing matches");
    assert!(reads_only(&calls), "{calls:?}");
}

#[test]
fn by_name() {
    let world = populated();
    for (name, kept) in [
        (FOREIGN[0], "another environment"),
        (FOREIGN[1], "tagged as of another environment"),
        ("ci_mhcweb", "unknown"),
        ("mhcweb", "a hostclass"),
    ] {
        world.stdout(&["deletegroup", "--force", "--name", name]);
        assert_eq!(world.groups().len(), 5, "{kept}");
    }
    world.stdout(&["deletegroup", "--name", APP]);
    expect_all_but(&world, &[]);
    world.stdout(&["deletegroup", "--name", APP, "--force"]);
    expect_all_but(&world, &[APP]);
    world.stdout(&["--env", "ci2", "deletegroup", "--name", FOREIGN[0]]);
    expect_all_but(&world, &[APP, FOREIGN[0]]);
    for option in ["--hostclass=", "--name="] {
        let output = world
            .run(&["deletegroup", option, "--force"])
            .expect_status(1);
        assert!(
            output
                .stderr
                .contains("no hostclass or group name is given"),
            "{}",
            output.stderr
        );
    }
    expect_all_but(&world, &[APP, FOREIGN[0]]);
}

#[test]
fn cleaning_takes_the_empty_ones() {
    let world = populated();
    let output = world.run(&["cleangroups"]).expect_status(0);
    for kept in [
        format!("{WEB_OLD} cannot be deleted: it has 2 instances (force is False)"),
        format!("{APP} cannot be deleted: it has 1 instance (force is False)"),
    ] {
        assert!(output.stderr.contains(&kept), "{}", output.stderr);
    }
    expect_all_but(&world, &[WEB_NEW]);
}

#[test]
fn launch_objects_go_with_their_last_group() {
    let world = World::new();
    world.template("ci_mhcweb_5", IMAGE);
    world.template("ci_mhcdb_5", IMAGE);
    world.template("shared-base", IMAGE);
    world.configuration("ci_mhcold_5", IMAGE);
    world.configuration("handmade", IMAGE);
    world.group(WEB_OLD, Launch::Template("ci_mhcweb_5"), 0, &[]);
    world.group(
        FOREIGN[0],
        Launch::Mixed("ci_mhcdb_5", "ci_mhcweb_5"),
        0,
        &[],
    );
    world.group("ci_mhcold_1", Launch::Configuration("ci_mhcold_5"), 0, &[]);
    world.group("ci_mhcold_2", Launch::Configuration("handmade"), 0, &[]);
    world.group("ci_mhcbase_1", Launch::Template("shared-base"), 0, &[]);
    world.stdout(&["cleangroups"]);
    assert_eq!(world.groups(), [FOREIGN[0]]);
    assert_eq!(
        world.templates(),
        ["ci_mhcdb_5", "ci_mhcweb_5", "shared-base"],
        "used by an override of another group, or not the environment's by name"
    );
    assert_eq!(world.configurations(), ["handmade"]);
}

#[test]
fn refusals_of_aws_are_said_and_the_rest_goes_on() {
    let world = populated();
    let busy = refusal("ScalingActivityInProgress", "activities are in progress");
    let (output, calls) = world.watch(
        Behaviour::new().answer("DeleteAutoScalingGroup", 400, &busy),
        &["deletegroup", "--hostclass", "mhcweb", "--force"],
    );
    let output = output.expect_status(0);
    for name in [WEB_OLD, WEB_NEW] {
        let refused = format!(
            "WARN {name} cannot be deleted (force is True): autoscaling:DeleteAutoScalingGroup of {name}: \
             ScalingActivityInProgress: activities are in progress"
        );
        assert!(output.stderr.contains(&refused), "{}", output.stderr);
    }
    assert!(
        !calls.contains(&"DeleteLaunchTemplate".to_owned()),
        "the template of a group that stays must stay: {calls:?}"
    );
    expect_all_but(&world, &[]);

    let denied = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors>\
                  <RequestID>proxy</RequestID></Response>";
    let (output, _) = world.watch(
        Behaviour::new().answer("DeleteLaunchTemplate", 403, denied),
        &["deletegroup", "--name", WEB_NEW],
    );
    let output = output.expect_status(0);
    let warning = format!(
        "WARN Error while deleting {WEB_NEW}9: ec2:DeleteLaunchTemplate of {WEB_NEW}9: UnauthorizedOperation"
    );
    assert!(output.stderr.contains(&warning), "{}", output.stderr);
    assert_eq!(world.groups().len(), 4);
    assert_eq!(world.templates().len(), 5);
}

#[test]
fn no_answer_of_aws_is_no_refusal() {
    let world = populated();
    let proxy =
        crate::support::proxy::Proxy::start(world.cloud.url(), Behaviour::new().reset_at(2));
    let output = world
        .tool_at(proxy.url(), &["deletegroup", "--name", WEB_NEW])
        .env("AWS_MAX_ATTEMPTS", "1")
        .run()
        .expect_status(1);
    assert!(
        output.stderr.contains("cannot reach AWS"),
        "{}",
        output.stderr
    );
    expect_all_but(&world, &[]);
}
