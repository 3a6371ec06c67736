//! Waiting until an Auto Scaling group has let go of what it was detached from: connections drain first. Read only.

use super::calls::is_unknown;
use crate::aws::{Aws, AwsError, Context};
use crate::error::Result;
use std::time::Duration;

/// Pause and limit: draining takes 300 s as a rule.
const DRAINED: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));
/// The state of what has been detached for good, if it is listed at all.
const REMOVED: &str = "Removed";

/// Waits until the group lists none of these load balancers (by name) and target groups (by ARN). A group that is gone has
/// none.
///
/// # Errors
/// Not so within 600 s.
pub(super) async fn wait_drained(
    aws: &Aws,
    group: &str,
    load_balancers: &[String],
    target_groups: &[String],
) -> Result<()> {
    let (pause, limit) = DRAINED;
    let what = format!("waiting for the connections of group {group} to drain");
    let look = async || {
        let (balancers, targets) = tokio::try_join!(
            async {
                match load_balancers {
                    [] => Ok(Vec::new()),
                    _ => still(balancers(aws, group).await),
                }
            },
            async {
                match target_groups {
                    [] => Ok(Vec::new()),
                    _ => still(targets(aws, group).await),
                }
            }
        )?;
        let left = balancers.iter().any(|name| load_balancers.contains(name))
            || targets.iter().any(|arn| target_groups.contains(arn));
        Ok((!left).then_some(()))
    };
    aws.poll.until(&what, pause, limit, look).await
}

fn still(found: Result<Vec<String>, AwsError>) -> Result<Vec<String>, AwsError> {
    match found {
        Err(error) if is_unknown(&error) => Ok(Vec::new()),
        other => other,
    }
}

async fn balancers(aws: &Aws, group: &str) -> Result<Vec<String>, AwsError> {
    let call = aws.autoscaling().describe_load_balancers();
    let mut pages = call.auto_scaling_group_name(group).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.context("autoscaling:DescribeLoadBalancers", group)?;
        let all = page.load_balancers().iter();
        let all = all.filter(|own| own.state() != Some(REMOVED));
        found.extend(all.filter_map(|own| own.load_balancer_name().map(str::to_owned)));
    }
    Ok(found)
}

async fn targets(aws: &Aws, group: &str) -> Result<Vec<String>, AwsError> {
    let call = aws.autoscaling().describe_load_balancer_target_groups();
    let mut pages = call.auto_scaling_group_name(group).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.context("autoscaling:DescribeLoadBalancerTargetGroups", group)?;
        let all = page.load_balancer_target_groups().iter();
        let all = all.filter(|own| own.state() != Some(REMOVED));
        found.extend(all.filter_map(|own| own.load_balancer_target_group_arn().map(str::to_owned)));
    }
    Ok(found)
}
