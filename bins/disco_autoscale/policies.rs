//! Scaling policies for `disco_autoscale`: their options, and printing them.

use crate::Call;
use asiaq_cli::{Column, Failure};
use asiaq_core::group::{self, AdjustmentType, Aggregation, Policy, PolicyOptions, PolicyType};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

#[derive(Debug, Args)]
pub struct ListPoliciesArgs {
    /// Only policies of this group
    #[arg(long, alias = "group_name", value_name = "GROUP")]
    group_name: Option<String>,
    /// Only the policy of this name or ARN (repeatable)
    #[arg(long, alias = "policy_names", value_name = "POLICY")]
    policy_names: Vec<String>,
    /// Only policies of this type (repeatable)
    #[arg(long, alias = "policy_types", value_name = "TYPE",
          value_parser = ["SimpleScaling", "StepScaling", "TargetTrackingScaling", "PredictiveScaling"])]
    policy_types: Vec<String>,
}

#[derive(Debug, Args)]
pub struct CreatePolicyArgs {
    /// Group that the policy is for
    #[arg(long, alias = "group_name", value_name = "GROUP")]
    group_name: String,
    /// Name of the policy
    #[arg(long, alias = "policy_name", value_name = "POLICY")]
    policy_name: String,
    /// Type of the policy
    #[arg(long, alias = "policy_type", value_name = "TYPE",
          value_parser = PossibleValuesParser::new(PolicyType::WORDS).try_map(|word| word.parse::<PolicyType>()))]
    policy_type: PolicyType,
    /// How the size of the group is adjusted
    #[arg(long, alias = "adjustment_type", value_name = "TYPE",
          value_parser = PossibleValuesParser::new(AdjustmentType::WORDS).try_map(|word| word.parse::<AdjustmentType>()))]
    adjustment_type: AdjustmentType,
    /// By how much; required for SimpleScaling
    #[arg(
        long,
        alias = "scaling_adjustment",
        value_name = "N",
        allow_negative_numbers = true
    )]
    scaling_adjustment: Option<i32>,
    /// At least by so many instances; required for SimpleScaling with PercentChangeInCapacity
    #[arg(
        long,
        alias = "min_adjustment_magnitude",
        value_name = "N",
        allow_negative_numbers = true
    )]
    min_adjustment_magnitude: Option<i32>,
    /// How a step policy aggregates its metric
    #[arg(long, alias = "metric_aggregation_type", value_name = "TYPE",
          value_parser = PossibleValuesParser::new(Aggregation::WORDS).try_map(|word| word.parse::<Aggregation>()))]
    metric_aggregation_type: Option<Aggregation>,
    /// Step such as MetricIntervalLowerBound=0,MetricIntervalUpperBound=10,ScalingAdjustment=2 (repeatable); required
    /// for StepScaling
    #[arg(long, alias = "step_adjustments", value_name = "KEY=VALUE,...")]
    step_adjustments: Vec<String>,
    /// Seconds between two adjustments
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    cooldown: i32,
    /// Seconds until a new instance counts
    #[arg(
        long,
        alias = "estimated_instance_warmup",
        value_name = "SECONDS",
        default_value_t = 300
    )]
    estimated_instance_warmup: i32,
}

impl Call<'_> {
    pub async fn list_policies(&self, args: &ListPoliciesArgs) -> Result<(), Failure> {
        let aws = self.session.aws().await?;
        let group = args.group_name.as_deref();
        let found = group::policies(
            &aws,
            self.env,
            group,
            &args.policy_names,
            &args.policy_types,
        )
        .await?;
        let printer = &self.session.printer;
        if printer.is_json() {
            printer.json(&found);
        } else {
            printer.table(&policy_columns(&found));
        }
        Ok(())
    }

    pub async fn create_policy(&self, args: CreatePolicyArgs) -> Result<(), Failure> {
        let options = PolicyOptions {
            group: args.group_name,
            name: args.policy_name,
            policy_type: args.policy_type,
            adjustment_type: args.adjustment_type,
            scaling_adjustment: args.scaling_adjustment,
            min_adjustment_magnitude: args.min_adjustment_magnitude,
            aggregation: args.metric_aggregation_type,
            step_adjustments: args.step_adjustments,
            cooldown: args.cooldown,
            warmup: args.estimated_instance_warmup,
        };
        let plan = group::plan_put_policy(options.request()?);
        let aws = self.session.aws().await?;
        group::refuse_policies_of_elastigroup(self.clouds(&aws), &options.group).await?;
        if !self.dry_run {
            self.session.inform(&format!(
                "Creating autoscaling policy '{}' in autoscaling group '{}'",
                options.name, options.group
            ));
        }
        self.carry_out(&aws, &plan).await
    }
}

fn policy_columns(policies: &[Policy]) -> Vec<Column> {
    let column = |header, cell: &dyn Fn(&Policy) -> String| Column {
        header,
        cells: policies.iter().map(cell).collect(),
    };
    vec![
        column("ASG", &|p| p.asg.clone()),
        column("Name", &|p| p.name.clone()),
        column("Type", &|p| p.policy_type.clone()),
        column("Adjustment Type", &|p| {
            p.adjustment_type.clone().unwrap_or_default()
        }),
        column("Scaling Adjustment", &|p| number(p.scaling_adjustment)),
        column("Min Adjustment", &|p| number(p.min_adjustment)),
        column("Cooldown", &|p| number(p.cooldown)),
        column("Step Adjustments", &|p| list(&p.step_adjustments)),
        column("Warmup", &|p| number(p.warmup)),
        column("Alarms", &|p| list(&p.alarms)),
    ]
}

/// Zero counts as nothing, like in the table of old.
fn number(value: Option<i32>) -> String {
    value
        .filter(|number| *number != 0)
        .map(|number| number.to_string())
        .unwrap_or_default()
}

/// Compact JSON; nothing for an empty list.
fn list<T: Serialize>(items: &[T]) -> String {
    if items.is_empty() {
        String::new()
    } else {
        // Records of strings and numbers always serialise.
        serde_json::to_string(items).unwrap_or_default()
    }
}
