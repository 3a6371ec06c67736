//! Putting metrics into CloudWatch: one call per group, all at the same time, each repeated for a while
//! whatever the failure.

use super::{Identity, MetricGroup, Unit};
use crate::aws::{Aws, Context};
use crate::error::{Error, Result};
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use aws_smithy_types::DateTime;
use chrono::Utc;
use std::time::Duration;
use tokio::time::Instant;

/// The next measurement comes in a minute: after this time the present one is given up.
const LIMIT: Duration = Duration::from_secs(15);
/// No attempt may take longer.
const ATTEMPT: Duration = Duration::from_secs(5);
/// The first pause between attempts, and the longest.
const PAUSES: (u64, u64) = (3, 60);

/// Sends all groups, measured at that time. `aws` should make one attempt per call: this repeats them itself.
///
/// # Errors
/// Each group that could not be sent within 15 s.
pub async fn send(
    aws: &Aws,
    groups: &[MetricGroup],
    identity: &Identity,
    measured: chrono::DateTime<Utc>,
) -> Result<()> {
    let at = DateTime::from_secs(measured.timestamp());
    let dimension = Dimension::builder()
        .name("env_hostclass")
        .value(identity.dimension())
        .build();
    let sends = groups
        .iter()
        .map(|group| send_group(aws, group, data(group, &dimension, at)));
    let failed = futures::future::join_all(sends).await;
    let failed = failed.into_iter().filter_map(Result::err).collect();
    Error::from_list(failed).map_or(Ok(()), Err)
}

fn data(group: &MetricGroup, dimension: &Dimension, at: DateTime) -> Vec<MetricDatum> {
    let unit = match group.unit {
        Unit::Count => StandardUnit::Count,
        Unit::Megabytes => StandardUnit::Megabytes,
        Unit::Percent => StandardUnit::Percent,
    };
    let datum = |(name, value): &(String, f64)| {
        MetricDatum::builder()
            .metric_name(name)
            .value(*value)
            .unit(unit.clone())
            .dimensions(dimension.clone())
            .timestamp(at)
            .build()
    };
    group.metrics.iter().map(datum).collect()
}

/// One call, repeated until 15 s have passed. The pauses count in full even where `ASIAQ_POLL_INTERVAL` cuts
/// them short, so that the number of attempts does not depend on it.
async fn send_group(aws: &Aws, group: &MetricGroup, data: Vec<MetricDatum>) -> Result<()> {
    let (mut passed, mut pause) = (Duration::ZERO, PAUSES.0);
    loop {
        let start = Instant::now();
        let error = match tokio::time::timeout(ATTEMPT, put(aws, group, data.clone())).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error,
            Err(_) => Error::Timeout {
                what: format!("cloudwatch:PutMetricData of {}", group.namespace),
                after: ATTEMPT,
            },
        };
        passed += start.elapsed();
        if passed >= LIMIT {
            return Err(error);
        }
        let wait = Duration::from_secs(pause).min(LIMIT - passed);
        tracing::debug!("{error}; trying again in {:.1}s", wait.as_secs_f64());
        aws.poll.pause(wait).await;
        passed += wait;
        pause = next_pause(pause);
    }
}

/// A random number of seconds up to three times the last pause, so that a fleet does not come back all at
/// once.
fn next_pause(last: u64) -> u64 {
    use rand::RngExt;
    let longest = PAUSES.1.min(last.saturating_mul(3));
    rand::rng().random_range(0..=longest).max(PAUSES.0)
}

async fn put(aws: &Aws, group: &MetricGroup, data: Vec<MetricDatum>) -> Result<()> {
    let call = aws
        .cloudwatch()
        .put_metric_data()
        .namespace(group.namespace)
        .set_metric_data(Some(data));
    call.send()
        .await
        .context("cloudwatch:PutMetricData", group.namespace)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn pauses_grow_within_bounds() {
        for last in [3, 9, 27, 60] {
            for _ in 0..200 {
                let next = next_pause(last);
                assert!((3..=60.min(3 * last)).contains(&next), "{last} -> {next}");
            }
        }
    }
}
