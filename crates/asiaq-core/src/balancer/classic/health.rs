//! Waiting until the hosts behind a classic balancer are in service (spec 70, section 7.10). Read only.

use crate::aws::{Aws, AwsError, Context};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::time::Duration;

const PAUSE: Duration = Duration::from_secs(5);
/// How long, where nothing else is said.
const LIMIT: Duration = Duration::from_secs(900);
/// The state that is waited for.
const IN_SERVICE: &str = "InService";

/// Waits until the balancer has at least one instance and all are in service; with `instances` only these count, and all of
/// them must be known to the balancer.
///
/// # Errors
/// Not in time; the error names the instances that are not in service.
pub async fn wait_in_service(aws: &Aws, name: &str, instances: &[String]) -> Result<()> {
    wait_in_service_within(aws, name, instances, LIMIT).await
}

/// The same with another time limit than 900 s.
///
/// # Errors
/// As [`wait_in_service`].
pub(in crate::balancer) async fn wait_in_service_within(
    aws: &Aws,
    name: &str,
    instances: &[String],
    limit: Duration,
) -> Result<()> {
    let mut late = Vec::new();
    let waited = aws.poll.until("", PAUSE, limit, async || {
        late = laggards(&states(aws, name).await?, instances);
        Ok(late.is_empty().then_some(()))
    });
    match waited.await {
        Err(Error::Timeout { after, .. }) => Err(Error::Timeout {
            what: format!(
                "waiting for instances behind load balancer {name}: {}",
                late.join(", ")
            ),
            after,
        }),
        other => other,
    }
}

/// State by instance.
async fn states(aws: &Aws, name: &str) -> Result<BTreeMap<String, String>, AwsError> {
    let call = aws
        .elasticloadbalancing()
        .describe_instance_health()
        .load_balancer_name(name);
    let operation = "elasticloadbalancing:DescribeInstanceHealth";
    let answer = call.send().await.context(operation, name)?;
    Ok(answer
        .instance_states()
        .iter()
        .filter_map(|own| {
            let state = own.state().unwrap_or_default();
            Some((own.instance_id()?.to_owned(), state.to_owned()))
        })
        .collect())
}

/// Who is not in service, as people read it; empty when the wait is over.
fn laggards(states: &BTreeMap<String, String>, instances: &[String]) -> Vec<String> {
    let all: Vec<&String> = if instances.is_empty() {
        states.keys().collect()
    } else {
        instances.iter().collect()
    };
    if all.is_empty() {
        return vec!["it has none".to_owned()];
    }
    all.into_iter()
        .filter_map(|id| match states.get(id).map(String::as_str) {
            Some(IN_SERVICE) => None,
            Some(state) => Some(format!("{id} ({state})")),
            None => Some(format!("{id} (not registered)")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// States, the instances that count, and who is late.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], &'a str);

    #[test]
    fn all_must_be_in_service_and_one_must_be_there() {
        let table: [Case<'_>; 7] = [
            (&[], &[], "it has none"),
            (&[("i-1", "InService")], &[], ""),
            (
                &[("i-1", "InService"), ("i-2", "OutOfService")],
                &[],
                "i-2 (OutOfService)",
            ),
            (
                &[("i-1", "InService"), ("i-2", "OutOfService")],
                &["i-1"],
                "",
            ),
            (
                &[("i-1", "InService"), ("i-2", "Unknown")],
                &["i-2", "i-3"],
                "i-2 (Unknown), i-3 (not registered)",
            ),
            (&[], &["i-1"], "i-1 (not registered)"),
            (
                &[("i-1", "InService"), ("i-2", "InService")],
                &["i-2", "i-1"],
                "",
            ),
        ];
        for (states, instances, wanted) in table {
            let states = states
                .iter()
                .map(|(id, state)| ((*id).into(), (*state).into()));
            let instances: Vec<String> = instances.iter().map(|id| (*id).into()).collect();
            assert_eq!(laggards(&states.collect(), &instances).join(", "), wanted);
        }
    }
}
