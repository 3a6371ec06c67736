//! Plans the end of alarms, groups, instances and log groups. Pure.

use super::super::vpc::Vpc;
use super::DestroyAction;
use super::contents::Contents;
use crate::error::Result;
use crate::group::{self, DeleteFilter, Group};
use crate::monitoring;
use crate::plan::{Plan, Sign};

/// Adds the changes. Returns the ids after which no host is left.
///
/// Alarms go first, so that nobody is paged. Log groups go last: as long as a host lives, it makes them again.
pub(super) fn plan(
    plan: &mut Plan<DestroyAction>,
    vpc: &Vpc,
    contents: &Contents,
) -> Result<Vec<String>> {
    let named = &contents.named;
    let alarms = monitoring::plan_delete_alarms(&named.alarms);
    let mut gone = alarms.ids();
    plan.extend(alarms.map(DestroyAction::Monitoring));
    let own: Vec<Group> = named
        .groups
        .iter()
        .filter(|group| is_here(group, contents))
        .cloned()
        .collect();
    let (groups, _) =
        group::plan_delete(&vpc.name, &own, &named.usage, DeleteFilter::All, true, true)?;
    let groups = groups.after(&gone);
    gone.extend(groups.ids());
    plan.extend(groups.map(DestroyAction::Group));
    // Also without instances: a group may have launched one meanwhile.
    if !contents.instances.is_empty() || !own.is_empty() {
        let mut lines: Vec<String> = contents
            .instances
            .iter()
            .map(|id| format!("instance {id}"))
            .collect();
        if lines.is_empty() {
            lines.push("instances launched meanwhile".to_owned());
        }
        plan.push(
            "instances",
            gone.clone(),
            Sign::Remove,
            lines,
            DestroyAction::TerminateInstances,
        );
        gone.push("instances".to_owned());
    }
    let unused = group::plan_clean_launch_objects(&vpc.name, &named.launch_objects, &named.usage)
        .after(&gone);
    plan.extend(unused.map(DestroyAction::Group));
    let logs = monitoring::plan_delete_log_groups(&named.log_groups).after(&gone);
    plan.extend(logs.map(DestroyAction::Monitoring));
    Ok(gone)
}

/// A group of the name may be in another VPC; one that says nothing about its place counts as here, if the name is this
/// VPC's alone.
fn is_here(group: &Group, contents: &Contents) -> bool {
    let mut subnets = group
        .vpc_zone_identifier
        .split(',')
        .filter(|id| !id.is_empty())
        .peekable();
    if subnets.peek().is_none() {
        return contents.named.env.is_some();
    }
    subnets.any(|id| contents.subnets.iter().any(|subnet| subnet.id == id))
}
