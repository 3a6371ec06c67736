#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;

fn options() -> PolicyOptions {
    PolicyOptions {
        group: "ci_mhcweb_1".into(),
        name: "p".into(),
        policy_type: PolicyType::SimpleScaling,
        adjustment_type: AdjustmentType::ChangeInCapacity,
        scaling_adjustment: Some(-20),
        min_adjustment_magnitude: Some(1),
        aggregation: None,
        step_adjustments: vec![
            "MetricIntervalLowerBound=0,MetricIntervalUpperBound=10.5,ScalingAdjustment=-1".into(),
            "ScalingAdjustment=5".into(),
        ],
        cooldown: 600,
        warmup: 300,
    }
}

#[test]
fn simple_policies_send_a_minimum_only_with_percent() {
    let request = options().request().unwrap();
    assert_eq!(
        (request.min_adjustment, request.rule),
        (
            None,
            PolicyRule::Simple {
                adjustment: -20,
                cooldown: 600
            }
        )
    );
    let percent = PolicyOptions {
        adjustment_type: AdjustmentType::PercentChangeInCapacity,
        ..options()
    };
    assert_eq!(percent.request().unwrap().min_adjustment, Some(1));
}

#[test]
fn step_policies_send_numbers() {
    let request = PolicyOptions {
        policy_type: PolicyType::StepScaling,
        aggregation: Some(Aggregation::Maximum),
        scaling_adjustment: None,
        ..options()
    }
    .request()
    .unwrap();
    let bounded = StepAdjustment {
        metric_interval_lower_bound: Some(0.0),
        metric_interval_upper_bound: Some(10.5),
        scaling_adjustment: -1,
    };
    let open = StepAdjustment {
        metric_interval_lower_bound: None,
        metric_interval_upper_bound: None,
        scaling_adjustment: 5,
    };
    assert_eq!(
        request.rule,
        PolicyRule::Step {
            adjustments: vec![bounded, open],
            warmup: 300,
            aggregation: Some(Aggregation::Maximum)
        }
    );
    assert_eq!(request.min_adjustment, None);
}

#[test]
fn everything_missing_is_reported_at_once() {
    let percent = AdjustmentType::PercentChangeInCapacity;
    let simple = PolicyOptions {
        scaling_adjustment: None,
        min_adjustment_magnitude: None,
        adjustment_type: percent,
        ..options()
    };
    let text = simple.request().unwrap_err().to_string();
    assert!(
        text.contains("--scaling-adjustment is required for SimpleScaling")
            && text.contains("--min-adjustment-magnitude is required"),
        "{text}"
    );
    let step = PolicyOptions {
        policy_type: PolicyType::StepScaling,
        step_adjustments: Vec::new(),
        ..options()
    };
    assert_eq!(
        step.request().unwrap_err().to_string(),
        "--step-adjustments is required for StepScaling"
    );
    let wrong = PolicyOptions {
        policy_type: PolicyType::StepScaling,
        step_adjustments: vec!["a".into(), "ScalingAdjustment=1".into(), "b=1".into()],
        ..options()
    };
    let text = wrong.request().unwrap_err().to_string();
    assert!(
        text.lines().count() == 2 && text.contains("`a`") && text.contains("unknown key `b`"),
        "{text}"
    );
}

#[test]
fn steps_that_are_wrong_are_named() {
    let table = [
        (
            "ScalingAdjustment",
            "`ScalingAdjustment` is not of the form KEY=VALUE",
        ),
        ("ScalingAdjustment=1,", "`` is not of the form KEY=VALUE"),
        (
            "ScalingAdjustment=1.5",
            "ScalingAdjustment `1.5` is not a whole number",
        ),
        (
            "MetricIntervalLowerBound=x,ScalingAdjustment=1",
            "MetricIntervalLowerBound `x` is not a number",
        ),
        (
            "MetricIntervalLowerBound=nan,ScalingAdjustment=1",
            "MetricIntervalLowerBound `nan` is not a number",
        ),
        ("scalingadjustment=1", "unknown key `scalingadjustment`"),
        ("MetricIntervalLowerBound=1", "ScalingAdjustment is missing"),
        (
            "ScalingAdjustment=1,ScalingAdjustment=2",
            "ScalingAdjustment is given twice",
        ),
    ];
    for (step, wanted) in table {
        let error = step.parse::<StepAdjustment>().unwrap_err().to_string();
        assert_eq!(error, format!("step adjustment `{step}`: {wanted}"));
    }
}

#[test]
fn default_policies_are_up_and_down_by_ten_percent() {
    let [up, down] = default_policies("g");
    assert_eq!(
        (up.name.as_str(), up.rule.clone()),
        (
            "up",
            PolicyRule::Simple {
                adjustment: 10,
                cooldown: 600
            }
        )
    );
    assert_eq!(
        (down.name.as_str(), down.rule),
        (
            "down",
            PolicyRule::Simple {
                adjustment: -10,
                cooldown: 600
            }
        )
    );
    assert_eq!(
        (up.adjustment_type, up.min_adjustment),
        (AdjustmentType::PercentChangeInCapacity, Some(1))
    );
}

#[test]
fn words_are_those_of_aws_and_nothing_else() {
    assert_eq!(
        AdjustmentType::WORDS,
        [
            "ChangeInCapacity",
            "ExactCapacity",
            "PercentChangeInCapacity"
        ]
    );
    assert!(
        "ExactCapacity"
            .parse::<AdjustmentType>()
            .is_ok_and(|word| word == AdjustmentType::ExactCapacity)
    );
    assert_eq!(
        "exact".parse::<AdjustmentType>().unwrap_err().to_string(),
        "`exact` is none of ChangeInCapacity, ExactCapacity, PercentChangeInCapacity"
    );
    assert_eq!(Aggregation::WORDS, ["Average", "Minimum", "Maximum"]);
}

#[test]
fn policies_of_other_types_are_read_with_what_they_have() {
    let tracking = aws_sdk_autoscaling::types::ScalingPolicy::builder()
        .auto_scaling_group_name("g")
        .policy_name("t")
        .policy_type("TargetTrackingScaling")
        .build();
    let json = serde_json::to_value(policy(&tracking).unwrap()).unwrap();
    let keys: Vec<&str> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let wanted = [
        "asg",
        "name",
        "type",
        "adjustment_type",
        "scaling_adjustment",
        "min_adjustment",
        "cooldown",
        "step_adjustments",
        "warmup",
        "alarms",
    ];
    assert_eq!(keys, wanted);
    assert!(json["adjustment_type"].is_null() && json["type"] == "TargetTrackingScaling");
}

#[test]
fn plans_say_what_the_policy_does() {
    let plan = plan_put_policy(options().request().unwrap());
    assert_eq!(
        plan.lines(),
        ["+ policy p of ci_mhcweb_1 (SimpleScaling, ChangeInCapacity -20)"]
    );
    let step = PolicyOptions {
        policy_type: PolicyType::StepScaling,
        ..options()
    };
    assert_eq!(
        plan_put_policy(step.request().unwrap()).lines(),
        ["+ policy p of ci_mhcweb_1 (StepScaling, ChangeInCapacity, steps -1, 5)"]
    );
    assert_eq!(plan_delete_policy("g", "p").lines(), ["- policy p of g"]);
}
