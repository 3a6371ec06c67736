//! `listpolicies`, `createpolicy` and `deletepolicy`.

use serde_json::{Value, json};

use super::{World, reads_only};
use crate::support::proxy::Behaviour;

const GROUP: &str = "ci_mhcweb_1790000000";
const FOREIGN: [&str; 2] = ["ci2_mhcweb_1790000000", "ci_2_mhcweb_1790000000"];

/// A group of `ci` and two of other environments, each with a simple and a step policy, made by the tool itself.
fn populated() -> World {
    let world = World::new();
    world.own_group(GROUP, 0, &[("environment", "ci")]);
    world.own_group(FOREIGN[0], 0, &[]);
    world.own_group(FOREIGN[1], 0, &[("environment", "ci_2")]);
    for group in [GROUP, FOREIGN[0], FOREIGN[1]] {
        let created = world.run(&[
            "createpolicy",
            "--group-name",
            group,
            "--policy-name",
            "shrink",
            "--policy-type",
            "SimpleScaling",
            "--adjustment-type",
            "PercentChangeInCapacity",
            "--scaling-adjustment",
            "-20",
            "--min-adjustment-magnitude=2",
        ]);
        let created = created.expect_status(0);
        assert_eq!(created.stdout, "");
        let line = format!("Creating autoscaling policy 'shrink' in autoscaling group '{group}'");
        assert!(created.stderr.contains(&line), "{}", created.stderr);
        let stdout = world.stdout(&[
            "createpolicy",
            "--group_name",
            group,
            "--policy_name",
            "grow",
            "--policy_type",
            "StepScaling",
            "--adjustment_type",
            "ChangeInCapacity",
            "--metric_aggregation_type",
            "Maximum",
            "--step_adjustments",
            "MetricIntervalLowerBound=0,MetricIntervalUpperBound=12.5,ScalingAdjustment=1",
            "--step-adjustments",
            "MetricIntervalLowerBound=12.5,ScalingAdjustment=-3",
            "--estimated_instance_warmup",
            "120",
        ]);
        assert_eq!(stdout, "");
    }
    world
}

#[test]
fn created_policies_hold_what_was_asked() {
    let world = populated();
    let found = world.policies();
    assert_eq!(found.len(), 6);
    let simple = &found[0];
    assert_eq!(
        (
            simple.auto_scaling_group_name(),
            simple.policy_name(),
            simple.policy_type(),
            simple.adjustment_type()
        ),
        (
            Some(GROUP),
            Some("shrink"),
            Some("SimpleScaling"),
            Some("PercentChangeInCapacity")
        )
    );
    assert_eq!(
        (
            simple.scaling_adjustment(),
            simple.min_adjustment_magnitude(),
            simple.cooldown()
        ),
        (Some(-20), Some(2), Some(600))
    );
    let step = &found[1];
    assert_eq!(
        (
            step.policy_type(),
            step.metric_aggregation_type(),
            step.estimated_instance_warmup()
        ),
        (Some("StepScaling"), Some("Maximum"), Some(120))
    );
    let steps: Vec<_> = step
        .step_adjustments()
        .iter()
        .map(|s| {
            (
                s.metric_interval_lower_bound(),
                s.metric_interval_upper_bound(),
                s.scaling_adjustment(),
            )
        })
        .collect();
    assert_eq!(
        steps,
        [
            (Some(0.0), Some(12.5), Some(1)),
            (Some(12.5), None, Some(-3))
        ]
    );

    world.stdout(&[
        "createpolicy",
        "--group-name",
        GROUP,
        "--policy-name",
        "shrink",
        "--policy-type",
        "SimpleScaling",
        "--adjustment-type",
        "ExactCapacity",
        "--scaling-adjustment",
        "3",
        "--min-adjustment-magnitude",
        "1",
        "--cooldown",
        "60",
    ]);
    let found = world.policies();
    let replaced = found
        .iter()
        .find(|p| p.auto_scaling_group_name() == Some(GROUP) && p.policy_name() == Some("shrink"))
        .unwrap();
    assert_eq!(
        (
            found.len(),
            replaced.scaling_adjustment(),
            replaced.cooldown()
        ),
        (6, Some(3), Some(60))
    );
    assert_eq!(
        replaced.min_adjustment_magnitude(),
        None,
        "AWS refuses it unless the adjustment is in percent"
    );
}

#[test]
fn table_filters_and_json() {
    let world = populated();
    let output = world.run(&["listpolicies"]).expect_status(0);
    let steps = r#"[{"metric_interval_lower_bound":0.0,"metric_interval_upper_bound":12.5,"scaling_adjustment":1},{"metric_interval_lower_bound":12.5,"scaling_adjustment":-3}]"#;
    let row = |cells: [&str; 10]| {
        let widths = [24, 10, 17, 27, 22, 18, 12, steps.len() + 4, 10, 10];
        let padded = cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<String>() + "\n"
    };
    let header = row([
        "ASG",
        "Name",
        "Type",
        "Adjustment Type",
        "Scaling Adjustment",
        "Min Adjustment",
        "Cooldown",
        "Step Adjustments",
        "Warmup",
        "Alarms",
    ]);
    let percent = "PercentChangeInCapacity";
    let simple = row([
        GROUP,
        "shrink",
        "SimpleScaling",
        percent,
        "-20",
        "2",
        "600",
        "-",
        "-",
        "-",
    ]);
    let step = row([
        GROUP,
        "grow",
        "StepScaling",
        "ChangeInCapacity",
        "-",
        "-",
        "-",
        steps,
        "120",
        "-",
    ]);
    assert_eq!(output.stdout, format!("{simple}{step}"));
    assert_eq!(output.stderr, header);

    let names = |args: &[&str]| -> Vec<String> {
        let args: Vec<&str> = ["listpolicies"].iter().chain(args).copied().collect();
        let found = world.json(&args);
        let name = |policy: &Value| policy["name"].as_str().unwrap().to_owned();
        found.as_array().unwrap().iter().map(name).collect()
    };
    assert_eq!(names(&[]), ["shrink", "grow"]);
    assert_eq!(names(&["--group-name", GROUP]), ["shrink", "grow"]);
    assert_eq!(names(&["--policy-names", "grow"]), ["grow"]);
    assert_eq!(
        names(&[
            "--policy_names",
            "grow",
            "--policy-names",
            "shrink",
            "--group_name",
            GROUP
        ]),
        ["shrink", "grow"]
    );
    assert_eq!(names(&["--policy-types", "StepScaling"]), ["grow"]);
    assert_eq!(
        names(&[
            "--policy-types",
            "StepScaling",
            "--policy_types=SimpleScaling"
        ]),
        ["shrink", "grow"]
    );
    assert!(names(&["--policy-types", "TargetTrackingScaling"]).is_empty());
    for foreign in FOREIGN {
        assert!(names(&["--group-name", foreign]).is_empty(), "{foreign}");
    }
    let other = world.json(&["--env", "ci2", "listpolicies"]);
    assert_eq!(other.as_array().unwrap().len(), 2);
    assert_eq!(
        world.json(&["listpolicies"])[0],
        json!({
            "asg": GROUP, "name": "shrink", "type": "SimpleScaling", "adjustment_type": "PercentChangeInCapacity",
            "scaling_adjustment": -20, "min_adjustment": 2, "cooldown": 600, "step_adjustments": [], "warmup": null,
            "alarms": [],
        })
    );

    let none = world
        .run(&["--env", "nowhere", "listpolicies"])
        .expect_status(0);
    let short = "ASG    Name    Type    Adjustment Type    Scaling Adjustment    Min Adjustment    Cooldown    \
                 Step Adjustments    Warmup    Alarms    \n";
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", short));
}

#[test]
fn wrong_policies_are_refused_before_any_call() {
    let world = World::new();
    let simple = ["--policy-type", "SimpleScaling"];
    let step = ["--policy-type", "StepScaling"];
    let percent = ["--adjustment-type", "PercentChangeInCapacity"];
    let number = ["--adjustment-type", "ChangeInCapacity"];
    let table: [(&[&[&str]], i32, &str); 14] = [
        (
            &[&simple, &number],
            1,
            "--scaling-adjustment is required for SimpleScaling",
        ),
        (
            &[&simple, &percent, &["--scaling-adjustment", "-20"]],
            1,
            "--min-adjustment-magnitude is required for SimpleScaling with PercentChangeInCapacity",
        ),
        (
            &[&step, &number],
            1,
            "--step-adjustments is required for StepScaling",
        ),
        (
            &[&step, &number, &["--step-adjustments", "Adjust=1"]],
            1,
            "step adjustment `Adjust=1`: unknown key `Adjust`",
        ),
        (
            &[
                &step,
                &number,
                &["--step-adjustments", "ScalingAdjustment=1,5"],
            ],
            1,
            "step adjustment `ScalingAdjustment=1,5`: `5` is not of the form KEY=VALUE",
        ),
        (
            &[
                &step,
                &number,
                &["--step-adjustments", "ScalingAdjustment=1.5"],
            ],
            1,
            "ScalingAdjustment `1.5` is not a whole number",
        ),
        (
            &[
                &step,
                &number,
                &[
                    "--step-adjustments",
                    "MetricIntervalLowerBound=low,ScalingAdjustment=1",
                ],
            ],
            1,
            "MetricIntervalLowerBound `low` is not a number",
        ),
        (
            &[
                &step,
                &number,
                &["--step-adjustments", "MetricIntervalLowerBound=1"],
            ],
            1,
            "ScalingAdjustment is missing",
        ),
        (&[&simple], 2, "--adjustment-type"),
        (&[&number], 2, "--policy-type"),
        (
            &[&["--policy-type", "TargetTrackingScaling"], &number],
            2,
            "TargetTrackingScaling",
        ),
        (&[&simple, &["--adjustment-type", "Percent"]], 2, "Percent"),
        (
            &[&simple, &number, &["--scaling-adjustment", "few"]],
            2,
            "few",
        ),
        (
            &[&step, &number, &["--metric-aggregation-type", "Sum"]],
            2,
            "Sum",
        ),
    ];
    for (parts, status, problem) in table {
        let own = parts.concat();
        let start = ["createpolicy", "--group-name", GROUP, "--policy-name", "p"];
        let args: Vec<&str> = start.into_iter().chain(own.iter().copied()).collect();
        let (output, calls) = world.watch(Behaviour::new(), &args);
        let output = output.expect_status(status);
        assert!(
            output.stderr.contains(problem),
            "{own:?}: {}",
            output.stderr
        );
        assert!(
            calls.is_empty() && output.stdout.is_empty(),
            "{own:?}: {calls:?}"
        );
    }
    assert!(world.policies().is_empty());
}

#[test]
fn deletion_in_both_spellings_and_dry_runs() {
    let world = populated();
    let names = || -> Vec<String> {
        let found = world.json(&["listpolicies"]);
        let name = |policy: &Value| policy["name"].as_str().unwrap().to_owned();
        found.as_array().unwrap().iter().map(name).collect()
    };
    let create = [
        "--dry-run",
        "createpolicy",
        "--group-name",
        GROUP,
        "--policy-name",
        "new",
        "--policy-type",
        "SimpleScaling",
        "--adjustment-type",
        "ChangeInCapacity",
        "--scaling-adjustment",
        "-1",
    ];
    let (output, calls) = world.watch(Behaviour::new(), &create);
    assert_eq!(
        output.expect_status(0).stdout,
        format!("+ policy new of {GROUP} (SimpleScaling, ChangeInCapacity -1)\n")
    );
    assert!(reads_only(&calls), "{calls:?}");
    let delete = [
        "deletepolicy",
        "--policy_name",
        "grow",
        "--group_name",
        GROUP,
        "--dry-run",
    ];
    let (output, calls) = world.watch(Behaviour::new(), &delete);
    assert_eq!(
        output.expect_status(0).stdout,
        format!("- policy grow of {GROUP}\n")
    );
    assert!(reads_only(&calls), "{calls:?}");
    assert_eq!(names(), ["shrink", "grow"]);

    assert_eq!(
        world.stdout(&[
            "deletepolicy",
            "--policy_name",
            "grow",
            "--group_name",
            GROUP
        ]),
        ""
    );
    assert_eq!(names(), ["shrink"]);
    world.stdout(&[
        "deletepolicy",
        "--policy-name",
        "shrink",
        "--group-n",
        GROUP,
    ]);
    assert!(names().is_empty());
    assert_eq!(world.policies().len(), 4, "those of other groups stay");

    let unknown = super::refusal("ValidationError", "Group nowhere not found");
    let (output, _) = world.watch(
        Behaviour::new().answer("DeletePolicy", 400, &unknown),
        &[
            "deletepolicy",
            "--policy-name",
            "p",
            "--group-name",
            "nowhere",
        ],
    );
    assert!(output.expect_status(1).stderr.contains(
        "autoscaling:DeletePolicy of policy p of nowhere: ValidationError: Group nowhere not found"
    ));
}
