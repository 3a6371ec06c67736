//! Waiting until hosts are healthy in their target groups (spec 70, section 7.10, for application and network balancers).

use crate::aws::{Aws, Context};
use crate::error::{Error, Result};
use aws_sdk_elasticloadbalancingv2::types as sdk;
use futures::future::try_join_all;
use std::time::Duration;

/// Pause of the wait, and its limit where nothing else is said.
const HEALTHY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(900));

/// Waits until every target group (by ARN) has a host and all of its hosts are healthy; with `only`, until these instances
/// are in every group and healthy, whatever the others are. Hosts that leave are not waited for.
///
/// # Errors
/// Not so within 900 s: names the laggards with the reason that the service gives.
pub async fn wait_healthy(aws: &Aws, groups: &[String], only: &[String]) -> Result<()> {
    let (_, limit) = HEALTHY;
    wait_healthy_within(aws, groups, only, limit).await
}

/// The same with another time limit than 900 s.
///
/// # Errors
/// As [`wait_healthy`].
pub(in crate::balancer) async fn wait_healthy_within(
    aws: &Aws,
    groups: &[String],
    only: &[String],
    limit: Duration,
) -> Result<()> {
    let (pause, _) = HEALTHY;
    let mut late: Vec<String> = Vec::new();
    let waited = aws
        .poll
        .until("waiting for healthy hosts", pause, limit, async || {
            let all = groups.iter().map(|arn| laggards(aws, arn, only));
            late = try_join_all(all).await?.concat();
            Ok(late.is_empty().then_some(()))
        })
        .await;
    waited.map_err(|error| match error {
        Error::Timeout { after, .. } => Error::Timeout {
            what: format!("waiting for healthy hosts: {}", late.join("; ")),
            after,
        },
        other => other,
    })
}

/// What a target group waits for, one text for each host.
async fn laggards(aws: &Aws, arn: &str, only: &[String]) -> Result<Vec<String>> {
    let call = aws
        .elasticloadbalancingv2()
        .describe_target_health()
        .target_group_arn(arn);
    let operation = "elasticloadbalancing:DescribeTargetHealth";
    let answer = call.send().await.context(operation, arn)?;
    let found: Vec<Host> = answer
        .target_health_descriptions()
        .iter()
        .filter_map(host)
        .collect();
    let late = late(&found, only);
    Ok(late
        .into_iter()
        .map(|text| format!("{text} in {}", name(arn)))
        .collect())
}

/// A host in a target group.
#[derive(Debug, Clone, PartialEq)]
struct Host {
    id: String,
    state: String,
    reason: String,
}

fn host(own: &sdk::TargetHealthDescription) -> Option<Host> {
    let health = own.target_health();
    let reason = health.and_then(|h| h.description().or(h.reason().map(|reason| reason.as_str())));
    let state = health
        .and_then(|h| h.state())
        .map(sdk::TargetHealthStateEnum::as_str);
    Some(Host {
        id: own.target()?.id()?.to_owned(),
        state: state.unwrap_or("unknown").to_owned(),
        reason: reason.unwrap_or_default().to_owned(),
    })
}

/// Who is not healthy yet. Pure.
fn late(found: &[Host], only: &[String]) -> Vec<String> {
    let text = |host: &Host| match host.reason.as_str() {
        "" => format!("{} is {}", host.id, host.state),
        reason => format!("{} is {} ({reason})", host.id, host.state),
    };
    if only.is_empty() {
        let staying: Vec<&Host> = found
            .iter()
            .filter(|host| host.state != "draining")
            .collect();
        if staying.is_empty() {
            return vec!["there is no host".to_owned()];
        }
        let late = staying.into_iter().filter(|host| host.state != "healthy");
        return late.map(text).collect();
    }
    let of = |id: &String| match found.iter().find(|host| host.id == *id) {
        Some(host) if host.state == "healthy" => None,
        Some(host) => Some(text(host)),
        None => Some(format!("{id} is not registered")),
    };
    only.iter().filter_map(of).collect()
}

/// The name in the ARN of a target group.
fn name(arn: &str) -> &str {
    arn.rsplit('/').nth(1).unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn laggards_are_named_with_the_reason() {
        let host = |id: &str, state: &str, reason: &str| Host {
            id: id.into(),
            state: state.into(),
            reason: reason.into(),
        };
        let good = host("i-1", "healthy", "");
        let bad = host(
            "i-2",
            "unhealthy",
            "Health checks failed with these codes: [503]",
        );
        let old = host("i-3", "draining", "Target deregistration is in progress");
        let all = [good.clone(), bad.clone(), old.clone()];
        let reason = "i-2 is unhealthy (Health checks failed with these codes: [503])";
        let table: [(&[Host], &[&str], &[&str]); 7] = [
            (&[], &[], &["there is no host"]),
            (&all[2..], &[], &["there is no host"]),
            (&all[..1], &[], &[]),
            (&all, &[], &[reason]),
            (&all, &["i-1"], &[]),
            (&all, &["i-1", "i-2"], &[reason]),
            (&all, &["i-9"], &["i-9 is not registered"]),
        ];
        for (found, only, wanted) in table {
            let only: Vec<String> = only.iter().map(|id| (*id).to_owned()).collect();
            assert_eq!(late(found, &only), wanted, "{only:?}");
        }
        let arn = "arn:aws:elasticloadbalancing:us-west-2:1:targetgroup/ci-mhcweb/0123";
        assert_eq!(name(arn), "ci-mhcweb");
    }
}
