//! Killing hosts at random (spec 40, section 15; docs/chaos.md): reads the fleet, has `select` choose, and
//! plans the termination. Prints nothing and terminates nothing itself: the plan is applied by
//! [`super::apply`].

mod percent;
mod select;

pub use percent::Percent;
pub use select::{ChaosGroup, ChaosMember, ChaosOptions, Choice, Nothing, Victim, choose};

use super::{Host, HostAction, hosts_of, plan_terminate};
use crate::config::is_truthy;
use crate::environment;
use crate::error::Result;
use crate::group::{self, Clouds, Group, Kind};
use crate::names::tag;
use crate::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};

/// Who is to die, and how.
#[derive(Debug)]
pub struct ChaosPlan {
    /// The victims, or why there are none.
    pub choice: Choice,
    /// Deletes the routes to the victims, then terminates them.
    pub plan: Plan<HostAction>,
    /// What the operator should know of.
    pub warnings: Vec<String>,
}

/// A seed for a choice that nobody asks to be repeated.
pub fn random_seed() -> u64 {
    rand::random()
}

/// Chooses among the hosts of the environment. Two rounds of concurrent reading: the VPC and the groups, then
/// instances and routes.
///
/// # Errors
/// No such environment; a zone or a hostclass of the options without an instance or group that takes part.
pub async fn plan_chaos(
    clouds: Clouds<'_>,
    env: &str,
    options: &ChaosOptions,
    seed: u64,
) -> Result<ChaosPlan> {
    let (vpc, groups) = tokio::try_join!(
        environment::find(clouds.aws, env),
        group::groups(clouds, env)
    )?;
    let (hosts, routes) = tokio::try_join!(
        hosts_of(clouds.aws, &vpc.id, &[]),
        environment::instance_routes(clouds.aws, &vpc.id)
    )?;
    let choice = choose(&fleet(env, &groups, &hosts), options, seed)?;
    let by_id: BTreeMap<&str, &Host> = hosts.iter().map(|host| (host.id.as_str(), host)).collect();
    let dying = choice.victims.iter();
    let dying: Vec<Host> = dying
        .filter_map(|victim| by_id.get(victim.instance_id.as_str()).copied().cloned())
        .collect();
    Ok(ChaosPlan {
        plan: plan_terminate(&dying, &routes),
        warnings: unseen(&groups, &hosts).into_iter().collect(),
        choice,
    })
}

/// The groups with their instances as EC2 knows them. Elastigroups do not list theirs: the instances say by
/// tags where they belong.
fn fleet(env: &str, groups: &[Group], hosts: &[Host]) -> Vec<ChaosGroup> {
    let by_id: BTreeMap<&str, &Host> = hosts.iter().map(|host| (host.id.as_str(), host)).collect();
    let mut spot_members: BTreeMap<&str, Vec<ChaosMember>> = BTreeMap::new();
    for host in hosts.iter().filter(|host| is_spot(host)) {
        if let Some(group) = host.group() {
            let members = spot_members.entry(group).or_default();
            members.push(member(host, ""));
        }
    }
    let convert = |group: &Group| {
        let listed = group.instances.iter().filter_map(|own| {
            let host = by_id.get(own.id.as_str())?;
            Some(member(host, &own.lifecycle_state))
        });
        let class = group.tags.get(tag::HOSTCLASS).map(String::as_str);
        ChaosGroup {
            name: group.name.clone(),
            hostclass: class
                .filter(|class| !class.is_empty())
                .unwrap_or_else(|| group.hostclass(env))
                .to_owned(),
            enabled: group
                .tags
                .get(tag::CHAOS)
                .is_none_or(|value| is_truthy(value)),
            desired: u64::try_from(group.desired_capacity).unwrap_or(0),
            members: match group.kind {
                Kind::Asg => listed.collect(),
                Kind::Spot => spot_members
                    .get(group.name.as_str())
                    .cloned()
                    .unwrap_or_default(),
            },
        }
    };
    groups
        .iter()
        .filter(|group| !group.deleting)
        .map(convert)
        .collect()
}

fn member(host: &Host, lifecycle: &str) -> ChaosMember {
    ChaosMember {
        id: host.id.clone(),
        hostclass: host.hostclass().map(str::to_owned),
        zone: host.zone.clone(),
        lifecycle: lifecycle.to_owned(),
        state: host.state.clone(),
    }
}

/// An instance of an Elastigroup; one that an Auto Scaling group lists is never taken for one.
fn is_spot(host: &Host) -> bool {
    host.tag(tag::ASG_NAME).is_none() && host.tag(tag::SPOTINST) == Some("True")
}

/// What is said about instances of Elastigroups that nobody can see.
fn unseen(groups: &[Group], hosts: &[Host]) -> Option<String> {
    let known: BTreeSet<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    let missing: BTreeSet<&str> = hosts
        .iter()
        .filter(|host| is_spot(host) && !select::is_going("", &host.state))
        .filter_map(Host::group)
        .filter(|group| !known.contains(group))
        .collect();
    let names: Vec<&str> = missing.into_iter().collect();
    (!names.is_empty()).then(|| {
        format!(
            "instances of Elastigroups that cannot be seen are left alone: {}; set SPOTINST_TOKEN to include them",
            names.join(", ")
        )
    })
}

#[cfg(test)]
mod tests;
