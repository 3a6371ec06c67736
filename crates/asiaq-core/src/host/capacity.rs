//! Waiting until groups have the instances that they promise (spec 40, section 4.8).

use crate::error::{Error, Result};
use crate::group::{self, Clouds, Group, Instance};
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

/// Instances that count: not those on their way out. EC2's states are those of Elastigroups' instances.
fn members<'a>(instances: &'a [Instance], group: &'a str) -> impl Iterator<Item = &'a Instance> {
    instances
        .iter()
        .filter(move |i| i.group == group)
        .filter(|i| {
            !i.lifecycle_state.starts_with("Terminat") && i.lifecycle_state != "shutting-down"
        })
}

fn is_listed(groups: &[Group], name: &str) -> bool {
    groups.iter().any(|group| group.name == name)
}

/// The names of groups that lack instances. A group that AWS does not list yet has just been created: it lacks them too.
fn unsatisfied<'a>(names: &'a [String], groups: &[Group], instances: &[Instance]) -> Vec<&'a str> {
    let satisfied = |name: &str| {
        let own = groups.iter().find(|group| group.name == name);
        own.is_some_and(|group| members(instances, name).count() >= wanted(group))
    };
    let names = names.iter().map(String::as_str);
    names.filter(|name| !satisfied(name)).collect()
}

/// Waits for the named groups of an environment and returns the ids of all their instances.
///
/// # Errors
/// Groups that are not satisfied after 300 s are named.
pub(super) async fn wait(
    clouds: Clouds<'_>,
    env: &str,
    names: &[String],
    progress: &dyn Progress,
) -> Result<Vec<String>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let start = Instant::now();
    let (mut groups, mut instances) =
        tokio::try_join!(group::groups(clouds, env), group::instances(clouds, env))?;
    loop {
        let missing = unsatisfied(names, &groups, &instances);
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
            names.len()
        ));
        clouds.aws.poll.pause(pause).await;
        if names.iter().any(|name| !is_listed(&groups, name)) {
            groups = group::groups(clouds, env).await?;
        }
        instances = group::instances(clouds, env).await?;
    }
    tracing::info!(
        "Waited for {} autoscaling groups to reach min_size in {} seconds",
        names.len(),
        start.elapsed().as_secs()
    );
    Ok(names
        .iter()
        .flat_map(|name| members(&instances, name).map(|i| i.id.clone()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Tags;
    use crate::group::{Kind, LaunchRef};

    fn instance(id: &str, group: &str, state: &str) -> Instance {
        Instance {
            id: id.into(),
            group: group.into(),
            lifecycle_state: state.into(),
        }
    }

    fn group(name: &str, min_size: i32, desired_capacity: i32) -> Group {
        Group {
            name: name.into(),
            kind: Kind::Asg,
            min_size,
            max_size: 9,
            desired_capacity,
            launch: LaunchRef::None,
            mixed_instances: false,
            launch_config_name: None,
            image_id: None,
            termination_policies: vec![],
            vpc_zone_identifier: String::new(),
            load_balancers: vec![],
            target_groups: vec![],
            tags: Tags::new(),
            instances: vec![],
            deleting: false,
            spot: None,
        }
    }

    #[test]
    fn terminating_members_do_not_count() {
        let all = [
            instance("i-1", "g", "InService"),
            instance("i-2", "g", "Terminating:Wait"),
            instance("i-3", "g", "Pending"),
            instance("i-4", "h", "InService"),
            instance("i-5", "g", "Terminated"),
            instance("i-6", "g", "shutting-down"),
            instance("i-7", "g", "running"),
        ];
        assert_eq!(
            members(&all, "g")
                .map(|i| i.id.as_str())
                .collect::<Vec<_>>(),
            ["i-1", "i-3", "i-7"]
        );
    }

    #[test]
    fn the_minimum_is_waited_for_and_the_desired_capacity_where_it_is_0() {
        for (min, desired, expected) in [(0, 0, 0), (0, 3, 3), (2, 5, 2), (4, 1, 4), (-1, 0, 0)] {
            assert_eq!(
                wanted(&group("g", min, desired)),
                expected,
                "{min}/{desired}"
            );
        }
    }

    #[test]
    fn groups_lack_instances_until_they_are_listed_and_full() {
        let names = ["a", "b", "c", "d"].map(str::to_owned);
        let groups = [
            group("a", 1, 2),
            group("b", 0, 2),
            group("c", 0, 0),
            group("x", 9, 9),
        ];
        let instances = [
            instance("i-1", "a", "Pending"),
            instance("i-2", "b", "InService"),
        ];
        assert_eq!(unsatisfied(&names, &groups, &instances), ["b", "d"]);
        assert!(is_listed(&groups, "c") && !is_listed(&groups, "d"));
    }
}
