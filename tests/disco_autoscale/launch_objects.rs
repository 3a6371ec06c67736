//! `deleteconfig` and `cleanconfigs`.

use super::{IMAGE, Launch, World, reads_only, refusal};
use crate::support::proxy::Behaviour;

#[test]
fn one_launch_object() {
    let world = World::new();
    world.own_group("ci_mhcweb_1", 0, &[]);
    for name in ["ci_mhcweb_2", "elsewhere", "twice"] {
        world.template(name, IMAGE);
    }
    for name in ["ci_mhcold_1", "other_mhcold_1", "twice"] {
        world.configuration(name, IMAGE);
    }
    let used = world
        .run(&["deleteconfig", "--config", "ci_mhcweb_19"])
        .expect_status(1);
    assert!(
        used.stderr
            .contains("error: launch template `ci_mhcweb_19` is used by a group")
            && used
                .stderr
                .contains("hint: delete or update the group first"),
        "{}",
        used.stderr
    );
    let unknown = world
        .run(&["deleteconfig", "--config", "nothing"])
        .expect_status(1);
    assert!(
        unknown
            .stderr
            .contains("error: launch configuration or launch template `nothing` not found"),
        "{}",
        unknown.stderr
    );
    world.run(&["deleteconfig", "--config="]).expect_status(1);
    assert_eq!(
        (world.templates().len(), world.configurations().len()),
        (4, 3)
    );

    for name in ["ci_mhcweb_2", "elsewhere", "ci_mhcold_1", "other_mhcold_1"] {
        let output = world
            .run(&["deleteconfig", "--config", name])
            .expect_status(0);
        assert_eq!(output.stdout, "", "{name}");
    }
    assert_eq!(world.templates(), ["ci_mhcweb_19", "twice"]);
    assert_eq!(world.configurations(), ["twice"]);
    world.stdout(&["deleteconfig", "--config", "twice"]);
    assert!(
        world.configurations().is_empty(),
        "the configuration comes first"
    );
    assert_eq!(world.templates(), ["ci_mhcweb_19", "twice"]);
    world.stdout(&["deleteconfig", "--config", "twice"]);
    assert_eq!(world.templates(), ["ci_mhcweb_19"]);
}

#[test]
fn a_used_configuration_is_for_aws_to_refuse() {
    let world = World::new();
    world.configuration("ci_mhcold_1", IMAGE);
    let in_use = refusal("ResourceInUse", "the launch configuration is in use");
    let (output, _) = world.watch(
        Behaviour::new().answer("DeleteLaunchConfiguration", 400, &in_use),
        &["deleteconfig", "--config", "ci_mhcold_1"],
    );
    let output = output.expect_status(1);
    assert!(
        output.stderr.contains(
            "autoscaling:DeleteLaunchConfiguration of ci_mhcold_1: ResourceInUse: the launch configuration is in use"
        ),
        "{}",
        output.stderr
    );
    let (output, calls) = world.watch(
        Behaviour::new().answer("DeleteLaunchConfiguration", 400, &in_use),
        &["cleanconfigs"],
    );
    let output = output.expect_status(0);
    assert!(
        output
            .stderr
            .contains("WARN Error while deleting ci_mhcold_1: ")
            && output.stderr.contains("ResourceInUse"),
        "{}",
        output.stderr
    );
    assert!(calls.contains(&"DeleteLaunchConfiguration".to_owned()));
}

/// Launch objects of every sort, used and unused.
fn populated() -> World {
    let world = World::new();
    for name in [
        "ci_mhcweb_1",
        "ci_mhcweb_2",
        "ci_mhcmixed_1",
        "ci_mhcmixed_2",
        "ci_mhc_big_db_3",
        "ci_handmade",
        "ci_mhcweb_x7",
        "ci2_mhcweb_1",
        "shared",
    ] {
        world.template(name, IMAGE);
    }
    for name in [
        "ci_mhcold_1",
        "ci_mhcold_2",
        "ci_handmade",
        "ci2_mhcold_1",
        "ci",
    ] {
        world.configuration(name, IMAGE);
    }
    world.group(
        "ci_mhcweb_1790000000",
        Launch::Template("ci_mhcweb_1"),
        0,
        &[],
    );
    world.group(
        "ci2_mhcweb_1790000000",
        Launch::Mixed("ci_mhcmixed_1", "ci_mhcmixed_2"),
        0,
        &[],
    );
    world.group("foreign", Launch::Configuration("ci_mhcold_1"), 0, &[]);
    world
}

#[test]
fn cleaning_takes_what_is_unused_and_own() {
    let world = populated();
    let output = world.run(&["cleanconfigs"]).expect_status(0);
    assert_eq!(output.stdout, "");
    assert!(
        output
            .stderr
            .contains("INFO Cleaning up unused launch configurations and launch templates in ci"),
        "{}",
        output.stderr
    );
    for gone in [
        "template ci_mhcweb_2",
        "template ci_mhc_big_db_3",
        "configuration ci_mhcold_2",
        "configuration ci_handmade",
    ] {
        assert!(
            output.stderr.contains(&format!("- launch {gone}\n")),
            "{gone}: {}",
            output.stderr
        );
    }
    assert_eq!(
        world.templates(),
        [
            "ci2_mhcweb_1",
            "ci_handmade",
            "ci_mhcmixed_1",
            "ci_mhcmixed_2",
            "ci_mhcweb_1",
            "ci_mhcweb_x7",
            "shared"
        ]
    );
    assert_eq!(
        world.configurations(),
        ["ci", "ci2_mhcold_1", "ci_mhcold_1"]
    );
    let (output, calls) = world.watch(Behaviour::new(), &["cleanconfigs"]);
    output.expect_status(0);
    assert!(reads_only(&calls), "nothing is left to clean: {calls:?}");
}

#[test]
fn one_failure_does_not_stop_the_cleaning() {
    let world = populated();
    let denied = refusal("AccessDenied", "not allowed");
    let (output, _) = world.watch(
        Behaviour::new().answer("DeleteLaunchConfiguration", 403, &denied),
        &["cleanconfigs"],
    );
    let output = output.expect_status(0);
    for name in ["ci_mhcold_2", "ci_handmade"] {
        let warning = format!(
            "WARN Error while deleting {name}: autoscaling:DeleteLaunchConfiguration of {name}: AccessDenied: not allowed"
        );
        assert!(output.stderr.contains(&warning), "{}", output.stderr);
    }
    assert_eq!(world.configurations().len(), 5);
    assert_eq!(world.templates().len(), 7, "both templates are gone");
}

#[test]
fn dry_runs_change_nothing() {
    let world = populated();
    world.own_group("ci_mhcapp_1790000000", 1, &[]);
    let (templates, configurations, groups) =
        (world.templates(), world.configurations(), world.groups());
    let web = "- group mhcweb ci_mhcweb_1790000000 (0 instances)\n- launch template ci_mhcweb_1\n";
    let app = "- group mhcapp ci_mhcapp_1790000000 (1 instance)\n- launch template ci_mhcapp_17900000009\n";
    let table: [(&[&str], &str); 7] = [
        (&["cleangroups"], web),
        (&["deletegroup", "--hostclass", "mhcapp", "--force"], app),
        (&["deletegroup", "--hostclass", "mhcapp"], "no changes\n"),
        (&["deletegroup", "--name", "ci_mhcweb_1790000000"], web),
        (
            &["cleanconfigs"],
            "- launch configuration ci_handmade\n- launch template ci_mhc_big_db_3\n\
             - launch configuration ci_mhcold_2\n- launch template ci_mhcweb_2\n",
        ),
        (
            &["deleteconfig", "--config", "shared"],
            "- launch template shared\n",
        ),
        (
            &["deleteconfig", "--config", "ci"],
            "- launch configuration ci\n",
        ),
    ];
    for (args, wanted) in table {
        let args: Vec<&str> = args.iter().copied().chain(["--dry-run"]).collect();
        let (output, calls) = world.watch(Behaviour::new(), &args);
        assert_eq!(output.expect_status(0).stdout, wanted, "{args:?}");
        assert!(
            !calls.is_empty() && reads_only(&calls),
            "{args:?}: {calls:?}"
        );
    }
    let plan = world.json(&["--dry-run", "deleteconfig", "--config", "ci"]);
    assert_eq!(
        plan,
        serde_json::json!([{
            "change": "launch-delete/configuration/ci", "sign": "-", "text": "launch configuration ci"
        }])
    );
    assert_eq!(
        (world.templates(), world.configurations(), world.groups()),
        (templates, configurations, groups)
    );
}
