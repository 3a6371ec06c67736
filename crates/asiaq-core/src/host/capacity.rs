//! Waiting until groups have the instances that they promise (spec 40, section 4.8).

use crate::aws::Aws;
use crate::error::{Error, Result};
use crate::group::{self, Group, Instance};
use crate::plan::Progress;
use std::time::Duration;
use tokio::time::Instant;

/// Pause between looks and time limit.
const LOOK: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(300));

/// Instances that a group must have: its minimum, or its desired capacity where the minimum is 0.
fn wanted(group: &Group) -> usize {
    let size = if group.min_size == 0 {
        group.desired_capacity
    } else {
        group.min_size
    };
    usize::try_from(size).unwrap_or(0)
}

/// Instances that count: not those on their way out.
fn members<'a>(instances: &'a [Instance], group: &'a str) -> impl Iterator<Item = &'a Instance> {
    instances
        .iter()
        .filter(move |i| i.group == group && !i.lifecycle_state.starts_with("Terminat"))
}

/// Waits for the named groups of an environment and returns the ids of all their instances.
///
/// # Errors
/// Groups that are not satisfied after 300 s are named.
pub(super) async fn wait(
    aws: &Aws,
    env: &str,
    names: &[String],
    progress: &dyn Progress,
) -> Result<Vec<String>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let start = Instant::now();
    let (groups, mut instances) =
        tokio::try_join!(group::groups(aws, env), group::instances(aws, env))?;
    let groups: Vec<&Group> = groups
        .iter()
        .filter(|group| names.contains(&group.name))
        .collect();
    loop {
        let missing: Vec<&str> = groups
            .iter()
            .filter(|g| members(&instances, &g.name).count() < wanted(g))
            .map(|g| g.name.as_str())
            .collect();
        if missing.is_empty() {
            break;
        }
        let (pause, limit) = LOOK;
        if start.elapsed() >= limit {
            return Err(Error::Timeout {
                what: format!("groups {} did not reach their size", missing.join(", ")),
                after: limit,
            });
        }
        progress.note(&format!(
            "Waiting for {} of {} group[s] to reach their size",
            missing.len(),
            groups.len()
        ));
        aws.poll.pause(pause).await;
        instances = group::instances(aws, env).await?;
    }
    tracing::info!(
        "Waited for {} autoscaling groups to reach min_size in {} seconds",
        groups.len(),
        start.elapsed().as_secs()
    );
    Ok(groups
        .iter()
        .flat_map(|group| members(&instances, &group.name).map(|i| i.id.clone()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminating_members_do_not_count() {
        let instance = |id: &str, group: &str, state: &str| Instance {
            id: id.into(),
            group: group.into(),
            lifecycle_state: state.into(),
        };
        let all = [
            instance("i-1", "g", "InService"),
            instance("i-2", "g", "Terminating:Wait"),
            instance("i-3", "g", "Pending"),
            instance("i-4", "h", "InService"),
            instance("i-5", "g", "Terminated"),
        ];
        assert_eq!(
            members(&all, "g")
                .map(|i| i.id.as_str())
                .collect::<Vec<_>>(),
            ["i-1", "i-3"]
        );
    }
}
