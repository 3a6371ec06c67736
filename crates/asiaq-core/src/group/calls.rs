//! The plain changing calls of groups: one function, one call, repeatable. Nothing here decides what to change.

use super::policy::{PolicyRequest, PolicyRule, PolicyType, StepAdjustment};
use super::record::LaunchRef;
use crate::aws::{Aws, AwsError, Context, Tags};
use crate::error::Result;
use crate::names::tag;
use crate::pipeline::RecurringAction;
use aws_sdk_autoscaling::types::Tag;
use std::time::Duration;

/// How long AWS may be busy with a group: pause and limit.
const BUSY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));

/// AWS is changing the group in another call.
pub(super) fn is_contention(error: &AwsError) -> bool {
    error.is("ResourceContention")
}

/// AWS is changing the group in another call, or is still busy with an earlier one.
pub(super) fn is_busy(error: &AwsError) -> bool {
    is_contention(error) || error.is("ScalingActivityInProgress")
}

/// AWS does not know the group, configuration, policy or action; it says so in the text of a general error.
pub(super) fn is_unknown(error: &AwsError) -> bool {
    let text = error.message.to_ascii_lowercase();
    error.is("ValidationError")
        && (text.contains("not found")
            || text.contains("does not exist")
            || text.contains("no action exists"))
}

/// Repeats a call as long as `passing` takes its error for a passing one, 10 minutes at most; then that error is the result.
pub(super) async fn patiently<T>(
    aws: &Aws,
    what: &str,
    passing: impl Fn(&AwsError) -> bool,
    call: impl AsyncFn() -> Result<T, AwsError>,
) -> Result<T> {
    let passes = |error: &AwsError| {
        let passes = passing(error);
        if passes {
            tracing::debug!("waiting until AWS accepts a change of {what}: {error}");
        }
        passes
    };
    Ok(aws.poll.retry(BUSY.0, BUSY.1, passes, call).await?)
}

/// A size as AWS takes it.
pub(super) fn size(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Tags of a group, which its future instances get too, but for the marks of a deployment.
pub(super) fn group_tags(group: &str, tags: &Tags) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| {
        Tag::builder()
            .resource_id(group)
            .resource_type("auto-scaling-group")
            .key(key)
            .value(value)
            .propagate_at_launch(key != tag::DEPLOY_REPLACES && key != tag::DEPLOY_ROLLS_FROM)
            .build()
    };
    tags.iter().map(tag).collect()
}

/// Adds or overwrites tags of a group.
pub(super) async fn put_tags(aws: &Aws, group: &str, tags: &Tags) -> Result<()> {
    let call = async || {
        let call = aws
            .autoscaling()
            .create_or_update_tags()
            .set_tags(Some(group_tags(group, tags)));
        call.send()
            .await
            .context("autoscaling:CreateOrUpdateTags", group)
    };
    patiently(aws, group, is_busy, call).await.map(|_| ())
}

/// Removes tags of a group; those that are gone are fine.
pub(super) async fn delete_tags(aws: &Aws, group: &str, keys: &[String]) -> Result<()> {
    let tag = |key: &String| {
        Tag::builder()
            .resource_id(group)
            .resource_type("auto-scaling-group")
            .key(key)
            .build()
    };
    let call = async || {
        let tags = keys.iter().map(tag).collect();
        let call = aws.autoscaling().delete_tags().set_tags(Some(tags));
        match call.send().await.context("autoscaling:DeleteTags", group) {
            Err(error) if is_unknown(&error) => Ok(()),
            other => other.map(|_| ()),
        }
    };
    patiently(aws, group, is_busy, call).await
}

/// Creates or overwrites a scaling policy.
pub(super) async fn put_policy(aws: &Aws, request: &PolicyRequest) -> Result<()> {
    let call = async || {
        let call = aws
            .autoscaling()
            .put_scaling_policy()
            .auto_scaling_group_name(&request.group)
            .policy_name(&request.name);
        let call = call
            .adjustment_type(request.adjustment_type.as_str())
            .set_min_adjustment_magnitude(request.min_adjustment);
        let call = match &request.rule {
            PolicyRule::Simple {
                adjustment,
                cooldown,
            } => call
                .policy_type(PolicyType::SimpleScaling.as_str())
                .scaling_adjustment(*adjustment)
                .cooldown(*cooldown),
            PolicyRule::Step {
                adjustments,
                warmup,
                aggregation,
            } => call
                .policy_type(PolicyType::StepScaling.as_str())
                .set_step_adjustments(Some(adjustments.iter().map(step).collect()))
                .estimated_instance_warmup(*warmup)
                .set_metric_aggregation_type(aggregation.map(|word| word.to_string())),
        };
        call.send().await.context(
            "autoscaling:PutScalingPolicy",
            format!("policy {} of {}", request.name, request.group),
        )
    };
    patiently(aws, &request.group, is_busy, call)
        .await
        .map(|_| ())
}

fn step(step: &StepAdjustment) -> aws_sdk_autoscaling::types::StepAdjustment {
    aws_sdk_autoscaling::types::StepAdjustment::builder()
        .set_metric_interval_lower_bound(step.metric_interval_lower_bound)
        .set_metric_interval_upper_bound(step.metric_interval_upper_bound)
        .scaling_adjustment(step.scaling_adjustment)
        .build()
}

/// Deletes a scaling policy. A policy that does not exist is AWS' error.
pub(super) async fn delete_policy(aws: &Aws, group: &str, name: &str) -> Result<()> {
    let call = async || {
        let call = aws
            .autoscaling()
            .delete_policy()
            .auto_scaling_group_name(group)
            .policy_name(name);
        call.send().await.context(
            "autoscaling:DeletePolicy",
            format!("policy {name} of {group}"),
        )
    };
    patiently(aws, group, is_busy, call).await.map(|_| ())
}

/// Creates a recurring action; sizes that it does not mention are not sent.
pub(super) async fn put_schedule(aws: &Aws, group: &str, action: &RecurringAction) -> Result<()> {
    let call = async || {
        let call = aws
            .autoscaling()
            .put_scheduled_update_group_action()
            .auto_scaling_group_name(group);
        let call = call
            .scheduled_action_name(action.name(group))
            .recurrence(action.cron.as_str());
        let call = call
            .set_min_size(action.min.map(size))
            .set_max_size(action.max.map(size))
            .set_desired_capacity(action.desired.map(size));
        call.send().await.context(
            "autoscaling:PutScheduledUpdateGroupAction",
            format!("schedule {} of {group}", action.cron),
        )
    };
    patiently(aws, group, is_busy, call).await.map(|_| ())
}

/// Load balancers or target groups in one call.
const ATTACHMENTS_PER_CALL: usize = 10;

/// Attaches a group; what is attached already is fine.
pub(super) async fn attach(
    aws: &Aws,
    group: &str,
    load_balancers: &[String],
    target_groups: &[String],
) -> Result<()> {
    for names in load_balancers.chunks(ATTACHMENTS_PER_CALL) {
        let call = async || {
            let call = aws.autoscaling().attach_load_balancers();
            call.auto_scaling_group_name(group)
                .set_load_balancer_names(Some(names.to_vec()))
                .send()
                .await
                .context("autoscaling:AttachLoadBalancers", group)
        };
        patiently(aws, group, is_busy, call).await?;
    }
    for arns in target_groups.chunks(ATTACHMENTS_PER_CALL) {
        let call = async || {
            let call = aws.autoscaling().attach_load_balancer_target_groups();
            call.auto_scaling_group_name(group)
                .set_target_group_arns(Some(arns.to_vec()))
                .send()
                .await
                .context("autoscaling:AttachLoadBalancerTargetGroups", group)
        };
        patiently(aws, group, is_busy, call).await?;
    }
    Ok(())
}

/// Detaches a group; what is not attached (any more) is fine.
pub(super) async fn detach(
    aws: &Aws,
    group: &str,
    load_balancers: &[String],
    target_groups: &[String],
) -> Result<()> {
    for names in load_balancers.chunks(ATTACHMENTS_PER_CALL) {
        let call = async || {
            let call = aws.autoscaling().detach_load_balancers();
            let call = call
                .auto_scaling_group_name(group)
                .set_load_balancer_names(Some(names.to_vec()));
            unless_detached(
                call.send()
                    .await
                    .context("autoscaling:DetachLoadBalancers", group),
            )
        };
        patiently(aws, group, is_busy, call).await?;
    }
    for arns in target_groups.chunks(ATTACHMENTS_PER_CALL) {
        let call = async || {
            let call = aws.autoscaling().detach_load_balancer_target_groups();
            let call = call
                .auto_scaling_group_name(group)
                .set_target_group_arns(Some(arns.to_vec()));
            let answer = call.send().await;
            unless_detached(answer.context("autoscaling:DetachLoadBalancerTargetGroups", group))
        };
        patiently(aws, group, is_busy, call).await?;
    }
    Ok(())
}

/// AWS says that something is not attached: an earlier attempt has detached it.
fn unless_detached<T>(answer: Result<T, AwsError>) -> Result<(), AwsError> {
    match answer {
        Err(error)
            if error.is("ValidationError") && error.message.contains("not part of the group") =>
        {
            Ok(())
        }
        other => other.map(|_| ()),
    }
}

/// Deletes a scheduled action; one that is gone is fine.
pub(super) async fn delete_schedule(aws: &Aws, group: &str, name: &str) -> Result<()> {
    let call = async || {
        let call = aws
            .autoscaling()
            .delete_scheduled_action()
            .auto_scaling_group_name(group)
            .scheduled_action_name(name);
        match call.send().await.context(
            "autoscaling:DeleteScheduledAction",
            format!("{name} of {group}"),
        ) {
            Err(error) if is_unknown(&error) => Ok(()),
            other => other.map(|_| ()),
        }
    };
    patiently(aws, group, is_busy, call).await
}

/// Deletes a launch template or configuration; one that is gone is fine.
pub(super) async fn delete_launch_object(aws: &Aws, launch: &LaunchRef) -> Result<(), AwsError> {
    let outcome = match launch {
        LaunchRef::Template { id, name, .. } => {
            let call = aws.ec2().delete_launch_template();
            let call = if id.is_empty() {
                call.launch_template_name(name)
            } else {
                call.launch_template_id(id)
            };
            call.send()
                .await
                .context("ec2:DeleteLaunchTemplate", name)
                .map(|_| ())
        }
        LaunchRef::Configuration(name) => {
            let call = aws
                .autoscaling()
                .delete_launch_configuration()
                .launch_configuration_name(name);
            call.send()
                .await
                .context("autoscaling:DeleteLaunchConfiguration", name)
                .map(|_| ())
        }
        LaunchRef::None => Ok(()),
    };
    match outcome {
        Err(error) if super::launch_specs::is_gone(&error) || is_unknown(&error) => Ok(()),
        other => other,
    }
}

/// Sets all three sizes of a group to 0.
pub(super) async fn scale_to_zero(aws: &Aws, group: &str) -> Result<()> {
    let call = async || {
        let call = aws
            .autoscaling()
            .update_auto_scaling_group()
            .auto_scaling_group_name(group);
        call.min_size(0)
            .max_size(0)
            .desired_capacity(0)
            .send()
            .await
            .context("autoscaling:UpdateAutoScalingGroup", group)
    };
    patiently(aws, group, is_busy, call).await.map(|_| ())
}
