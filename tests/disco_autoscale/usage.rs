//! The command line itself: help, usage errors, and configuration that is missing.

use super::World;
use crate::support::asiaq;
use crate::support::config::TestConfig;
use crate::support::proxy::Behaviour;

const SUBCOMMANDS: [&str; 9] = [
    "listgroups",
    "cleangroups",
    "deletegroup",
    "listconfigs",
    "cleanconfigs",
    "deleteconfig",
    "listpolicies",
    "createpolicy",
    "deletepolicy",
];

#[test]
fn help_works_without_configuration() {
    let help = asiaq("disco_autoscale")
        .args(["--help"])
        .run()
        .expect_status(0);
    assert_eq!(help.stderr, "");
    insta::assert_snapshot!("help", help.stdout);
    for subcommand in SUBCOMMANDS {
        let own = asiaq("disco_autoscale")
            .args([subcommand, "--help"])
            .run()
            .expect_status(0)
            .stdout;
        assert!(
            own.contains(&format!("Usage: disco_autoscale {subcommand}")),
            "{own}"
        );
    }
}

#[test]
fn configuration_is_read_before_aws_is_called() {
    let world = World::new();
    let bare = TestConfig::new();
    let run = |config: &TestConfig, args: &[&str]| {
        // Nobody listens there: a call would be another error.
        let tool = asiaq("disco_autoscale").endpoint("http://127.0.0.1:9");
        tool.config(config.path())
            .args(args.iter().copied())
            .run()
            .expect_status(1)
    };
    for args in [&["listgroups"][..], &["--env", "ci", "cleangroups"]] {
        let output = run(&bare, args);
        assert!(
            output.stderr.contains("disco_aws.ini") && output.stdout.is_empty(),
            "{}",
            output.stderr
        );
    }
    bare.write("disco_aws.ini", "[disco_aws]\nproject_name = x\n");
    let output = run(&bare, &["listgroups"]);
    assert!(
        output.stderr.contains("default_environment"),
        "{}",
        output.stderr
    );
    let tool = asiaq("disco_autoscale")
        .endpoint(world.cloud.url())
        .config(bare.path());
    tool.args(["--env", "ci", "listgroups"])
        .run()
        .expect_status(0);
}

#[test]
fn usage_errors() {
    let world = World::new();
    let table: [&[&str]; 13] = [
        &[],
        &["--env", "ci"],
        &["listeverything"],
        &["listgroups", "extra"],
        &["deletegroup"],
        &["deletegroup", "--force"],
        &[
            "deletegroup",
            "--hostclass",
            "mhcweb",
            "--name",
            "ci_mhcweb_1",
        ],
        &["deletegroup", "--hostclass"],
        &["deleteconfig"],
        &["deletepolicy", "--policy_name", "p"],
        &["deletepolicy", "--group-name", "g"],
        &["listpolicies", "--policy-types", "SimpleScalin"],
        &["listpolicies", "--policy", "ambiguous"],
    ];
    for args in table {
        let (output, calls) = world.watch(Behaviour::new(), args);
        let output = output.expect_status(2);
        assert!(
            output.stdout.is_empty()
                && ["Usage: disco_autoscale", "try '--help'"]
                    .iter()
                    .any(|text| output.stderr.contains(text)),
            "{args:?}: {}",
            output.stderr
        );
        assert!(calls.is_empty(), "{args:?}: {calls:?}");
    }
}
