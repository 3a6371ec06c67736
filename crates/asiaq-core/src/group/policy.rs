//! Scaling policies: listing them, and checking what an operator asks for before AWS is called (spec 30, sections 2.3,
//! 2.4 and 7).

use super::action::GroupAction;
use super::observed::{PAGE, foreign_groups};
use crate::aws::{Aws, Pages};
use crate::config::{ConfigError, ConfigErrors};
use crate::error::Result;
use crate::names;
use crate::plan::{Plan, Sign};
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// A scaling policy as the listing shows it. The field names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Policy {
    /// Group.
    pub asg: String,
    /// Policy name.
    pub name: String,
    /// `SimpleScaling`, `StepScaling`, `TargetTrackingScaling` or `PredictiveScaling`.
    #[serde(rename = "type")]
    pub policy_type: String,
    /// How the size is adjusted; none for tracking and prediction.
    pub adjustment_type: Option<String>,
    /// By how much, for simple scaling.
    pub scaling_adjustment: Option<i32>,
    /// At least so many instances, for adjustments in percent.
    pub min_adjustment: Option<i32>,
    /// Seconds between adjustments.
    pub cooldown: Option<i32>,
    /// Steps, for step scaling.
    pub step_adjustments: Vec<StepAdjustment>,
    /// Seconds until a new instance counts.
    pub warmup: Option<i32>,
    /// Alarms that trigger it.
    pub alarms: Vec<Alarm>,
}

/// An alarm that triggers a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
}

/// One step: the adjustment while the metric is between two distances from the alarm's threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StepAdjustment {
    /// Lower distance; none for minus infinity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_interval_lower_bound: Option<f64>,
    /// Upper distance; none for infinity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_interval_upper_bound: Option<f64>,
    /// Adjustment.
    pub scaling_adjustment: i32,
}

/// Bounds are finite numbers: the parser and AWS allow no others.
impl Eq for StepAdjustment {}

/// An enumeration of words that AWS takes as they are.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident),+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// All words, in the order of the documentation.
            pub const WORDS: &[&str] = &[$(stringify!($variant)),+];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = ConfigError;

            fn from_str(text: &str) -> Result<Self, ConfigError> {
                match text {
                    $(stringify!($variant) => Ok(Self::$variant),)+
                    _ => Err(ConfigError::new(format!("`{text}` is none of {}", Self::WORDS.join(", ")))),
                }
            }
        }
    };
}

words! {
    /// The types of policies that can be created.
    PolicyType {
        /// One adjustment.
        SimpleScaling,
        /// An adjustment that depends on the metric.
        StepScaling
    }
}

words! {
    /// How the size of a group is adjusted.
    AdjustmentType {
        /// By a number of instances.
        ChangeInCapacity,
        /// To a number of instances.
        ExactCapacity,
        /// By a share of the present size.
        PercentChangeInCapacity
    }
}

words! {
    /// How a step policy aggregates its metric.
    Aggregation {
        /// Mean.
        Average,
        /// Smallest.
        Minimum,
        /// Largest.
        Maximum
    }
}

/// A policy as an operator asks for it, unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyOptions {
    /// Group.
    pub group: String,
    /// Policy name.
    pub name: String,
    /// Type.
    pub policy_type: PolicyType,
    /// How the size is adjusted.
    pub adjustment_type: AdjustmentType,
    /// By how much; required for simple scaling.
    pub scaling_adjustment: Option<i32>,
    /// Required for simple scaling in percent.
    pub min_adjustment_magnitude: Option<i32>,
    /// For step scaling.
    pub aggregation: Option<Aggregation>,
    /// `KEY=VALUE[,KEY=VALUE...]` each; required for step scaling.
    pub step_adjustments: Vec<String>,
    /// Seconds.
    pub cooldown: i32,
    /// Seconds.
    pub warmup: i32,
}

/// A checked policy: what is sent to AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRequest {
    /// Group.
    pub group: String,
    /// Policy name.
    pub name: String,
    /// How the size is adjusted.
    pub adjustment_type: AdjustmentType,
    /// Only with adjustments in percent; AWS refuses it otherwise.
    pub min_adjustment: Option<i32>,
    /// The rest, by type.
    pub rule: PolicyRule,
}

/// The part of a policy that depends on its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyRule {
    /// One adjustment.
    Simple {
        /// By how much.
        adjustment: i32,
        /// Seconds.
        cooldown: i32,
    },
    /// Steps.
    Step {
        /// At least one.
        adjustments: Vec<StepAdjustment>,
        /// Seconds.
        warmup: i32,
        /// Left to AWS if absent.
        aggregation: Option<Aggregation>,
    },
}

impl PolicyOptions {
    /// Checks the options.
    ///
    /// # Errors
    /// All that is missing or cannot be read.
    pub fn request(&self) -> Result<PolicyRequest, ConfigErrors> {
        let percent = self.adjustment_type == AdjustmentType::PercentChangeInCapacity;
        let mut problems = Vec::new();
        let mut missing = |option: &str, when: &str| {
            problems.push(ConfigError::new(format!("{option} is required for {when}")))
        };
        let rule = match self.policy_type {
            PolicyType::SimpleScaling => {
                if self.scaling_adjustment.is_none() {
                    missing("--scaling-adjustment", "SimpleScaling");
                }
                if percent && self.min_adjustment_magnitude.is_none() {
                    missing(
                        "--min-adjustment-magnitude",
                        "SimpleScaling with PercentChangeInCapacity",
                    );
                }
                PolicyRule::Simple {
                    adjustment: self.scaling_adjustment.unwrap_or_default(),
                    cooldown: self.cooldown,
                }
            }
            PolicyType::StepScaling => {
                if self.step_adjustments.is_empty() {
                    missing("--step-adjustments", "StepScaling");
                }
                let (steps, wrong): (Vec<_>, Vec<_>) = self
                    .step_adjustments
                    .iter()
                    .map(|text| text.parse())
                    .partition(Result::is_ok);
                problems.extend(wrong.into_iter().filter_map(Result::err));
                let adjustments = steps.into_iter().filter_map(Result::ok).collect();
                PolicyRule::Step {
                    adjustments,
                    warmup: self.warmup,
                    aggregation: self.aggregation,
                }
            }
        };
        let min_adjustment = self.min_adjustment_magnitude.filter(|_| percent);
        let (group, name) = (self.group.clone(), self.name.clone());
        let request = PolicyRequest {
            group,
            name,
            adjustment_type: self.adjustment_type,
            min_adjustment,
            rule,
        };
        if problems.is_empty() {
            Ok(request)
        } else {
            Err(ConfigErrors(problems))
        }
    }
}

impl FromStr for StepAdjustment {
    type Err = ConfigError;

    /// Reads `KEY=VALUE[,KEY=VALUE...]`; the adjustment itself is required, the bounds are not.
    fn from_str(step: &str) -> Result<Self, ConfigError> {
        let wrong = |problem: String| {
            let hint = "write it like `MetricIntervalLowerBound=0,MetricIntervalUpperBound=10,ScalingAdjustment=2`";
            ConfigError::new(format!("step adjustment `{step}`: {problem}")).with_hint(hint)
        };
        let (mut lower, mut upper, mut adjustment) = (None, None, None);
        for entry in step.split(',') {
            let (key, value) = entry
                .split_once('=')
                .ok_or_else(|| wrong(format!("`{entry}` is not of the form KEY=VALUE")))?;
            let (key, value) = (key.trim(), value.trim());
            let number = || {
                value
                    .parse::<f64>()
                    .ok()
                    .filter(|n| n.is_finite())
                    .ok_or_else(|| wrong(format!("{key} `{value}` is not a number")))
            };
            let taken = match key {
                "MetricIntervalLowerBound" => lower.replace(number()?).is_some(),
                "MetricIntervalUpperBound" => upper.replace(number()?).is_some(),
                "ScalingAdjustment" => {
                    let whole = value
                        .parse::<i32>()
                        .map_err(|_| wrong(format!("{key} `{value}` is not a whole number")))?;
                    adjustment.replace(whole).is_some()
                }
                _ => return Err(wrong(format!("unknown key `{key}`"))),
            };
            if taken {
                return Err(wrong(format!("{key} is given twice")));
            }
        }
        let scaling_adjustment =
            adjustment.ok_or_else(|| wrong("ScalingAdjustment is missing".to_owned()))?;
        Ok(Self {
            metric_interval_lower_bound: lower,
            metric_interval_upper_bound: upper,
            scaling_adjustment,
        })
    }
}

/// The policies `up` and `down` that every group has, in this order.
pub(super) fn default_policies(group: &str) -> [PolicyRequest; 2] {
    [("up", 10), ("down", -10)].map(|(name, adjustment)| PolicyRequest {
        group: group.to_owned(),
        name: name.to_owned(),
        adjustment_type: AdjustmentType::PercentChangeInCapacity,
        min_adjustment: Some(1),
        rule: PolicyRule::Simple {
            adjustment,
            cooldown: 600,
        },
    })
}

impl Policy {
    /// True if putting the request would change nothing. Step policies, whose aggregation AWS fills in, never are.
    pub(super) fn is_as(&self, request: &PolicyRequest) -> bool {
        let PolicyRule::Simple {
            adjustment,
            cooldown,
        } = request.rule
        else {
            return false;
        };
        self.policy_type == PolicyType::SimpleScaling.as_str()
            && self.adjustment_type.as_deref() == Some(request.adjustment_type.as_str())
            && self.scaling_adjustment == Some(adjustment)
            && self.cooldown == Some(cooldown)
            && self.min_adjustment == request.min_adjustment
    }
}

/// Plans to create or overwrite a policy. Whether the group exists is for AWS to say.
pub fn plan_put_policy(request: PolicyRequest) -> Plan<GroupAction> {
    let mut plan = Plan::default();
    let size = match &request.rule {
        PolicyRule::Simple { adjustment, .. } => {
            format!("SimpleScaling, {} {adjustment}", request.adjustment_type)
        }
        PolicyRule::Step { adjustments, .. } => {
            let steps: Vec<String> = adjustments
                .iter()
                .map(|step| step.scaling_adjustment.to_string())
                .collect();
            format!(
                "StepScaling, {}, steps {}",
                request.adjustment_type,
                steps.join(", ")
            )
        }
    };
    let line = format!("policy {} of {} ({size})", request.name, request.group);
    plan.push(
        policy_key(&request.group, &request.name),
        [""; 0],
        Sign::Add,
        line,
        GroupAction::PutPolicy(request),
    );
    plan
}

/// Plans to delete a policy, by its name or ARN.
pub fn plan_delete_policy(group: &str, name: &str) -> Plan<GroupAction> {
    let mut plan = Plan::default();
    let action = GroupAction::DeletePolicy {
        group: group.to_owned(),
        name: name.to_owned(),
    };
    plan.push(
        policy_key(group, name),
        [""; 0],
        Sign::Remove,
        format!("policy {name} of {group}"),
        action,
    );
    plan
}

/// Logical name of a policy.
pub(super) fn policy_key(group: &str, name: &str) -> String {
    format!("policy/{group}/{name}")
}

/// The policies of the environment's groups, in API order. `group`, `names` (or ARNs) and `types` narrow the search.
pub async fn policies(
    aws: &Aws,
    env: &str,
    group: Option<&str>,
    names: &[String],
    types: &[String],
) -> Result<Vec<Policy>> {
    let (found, foreign) = tokio::try_join!(
        described(aws, group, names, types),
        foreign_groups(aws, env)
    )?;
    let is_own = |policy: &Policy| {
        names::belongs_to(env, &policy.asg, None) && !foreign.contains(&policy.asg)
    };
    Ok(found.into_iter().filter(is_own).collect())
}

/// Every policy of the region.
pub(super) async fn all(aws: &Aws) -> Result<Vec<Policy>> {
    described(aws, None, &[], &[]).await
}

async fn described(
    aws: &Aws,
    group: Option<&str>,
    names: &[String],
    types: &[String],
) -> Result<Vec<Policy>> {
    let given = |list: &[String]| Some(list.to_vec()).filter(|list| !list.is_empty());
    let call = aws
        .autoscaling()
        .describe_policies()
        .set_auto_scaling_group_name(group.map(str::to_owned))
        .set_policy_names(given(names))
        .set_policy_types(given(types))
        .max_records(PAGE);
    let found = call.into_paginator().items().send();
    let found = found
        .all("autoscaling:DescribePolicies", group.unwrap_or_default())
        .await?;
    Ok(found.iter().filter_map(policy).collect())
}

fn policy(policy: &aws_sdk_autoscaling::types::ScalingPolicy) -> Option<Policy> {
    let text = |value: Option<&str>| value.filter(|value| !value.is_empty()).map(str::to_owned);
    let step = |s: &aws_sdk_autoscaling::types::StepAdjustment| StepAdjustment {
        metric_interval_lower_bound: s.metric_interval_lower_bound(),
        metric_interval_upper_bound: s.metric_interval_upper_bound(),
        scaling_adjustment: s.scaling_adjustment().unwrap_or(0),
    };
    let alarm = |a: &aws_sdk_autoscaling::types::Alarm| Alarm {
        name: a.alarm_name().unwrap_or_default().to_owned(),
        arn: a.alarm_arn().unwrap_or_default().to_owned(),
    };
    Some(Policy {
        asg: policy.auto_scaling_group_name()?.to_owned(),
        name: policy.policy_name()?.to_owned(),
        policy_type: text(policy.policy_type())
            .unwrap_or_else(|| PolicyType::SimpleScaling.to_string()),
        adjustment_type: text(policy.adjustment_type()),
        scaling_adjustment: policy.scaling_adjustment(),
        min_adjustment: policy.min_adjustment_magnitude(),
        cooldown: policy.cooldown(),
        step_adjustments: policy.step_adjustments().iter().map(step).collect(),
        warmup: policy.estimated_instance_warmup(),
        alarms: policy.alarms().iter().map(alarm).collect(),
    })
}

#[cfg(test)]
mod tests;
