//! Plans the end of alarms, groups, instances and log groups. Pure.

use super::super::vpc::Vpc;
use super::DestroyAction;
use super::contents::Contents;
use crate::error::{Error, Result};
use crate::group::{
    self, DeleteFilter, Group, GroupAction, Kind, LaunchObject, LaunchObjectKind, LaunchRef,
};
use crate::monitoring;
use crate::plan::{Plan, Sign};
use std::collections::BTreeMap;

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
    let objects = left_objects(contents, &groups);
    let usage = usage_after(contents, &own);
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
    let unused = group::plan_clean_launch_objects(&vpc.name, &objects, &usage).after(&gone);
    plan.extend(unused.map(DestroyAction::Group));
    let logs = monitoring::plan_delete_log_groups(&named.log_groups).after(&gone);
    plan.extend(logs.map(DestroyAction::Monitoring));
    Ok(gone)
}

/// The launch objects that do not go together with a group.
fn left_objects(contents: &Contents, groups: &Plan<GroupAction>) -> Vec<LaunchObject> {
    let goes = |object: &LaunchObject| {
        groups.changes().iter().any(|change| match &change.action {
            GroupAction::DeleteGroup {
                launch: Some(launch),
                ..
            } => {
                let template = matches!(launch, LaunchRef::Template { .. });
                launch.name() == Some(object.name.as_str())
                    && template == (object.kind == LaunchObjectKind::Template)
            }
            _ => false,
        })
    };
    let objects = contents.named.launch_objects.iter();
    objects.filter(|object| !goes(object)).cloned().collect()
}

/// How many groups use each launch object when these and those that AWS is deleting have gone.
fn usage_after(contents: &Contents, own: &[Group]) -> BTreeMap<String, usize> {
    let goes = |name: &String| {
        own.iter()
            .any(|group| group.kind == Kind::Asg && group.name == *name)
    };
    let users = contents.named.users.iter();
    users
        .map(|(key, names)| (key.clone(), names.iter().filter(|name| !goes(name)).count()))
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// Refuses, before anything goes, a VPC in which Elastigroups launch that cannot be seen and so not be deleted.
///
/// # Errors
/// Names each group.
pub(super) fn refuse_hidden_groups(vpc: &Vpc, contents: &Contents) -> Result<()> {
    if contents.hidden.is_empty() {
        return Ok(());
    }
    let found: Vec<&str> = contents.hidden.iter().map(String::as_str).collect();
    let what = format!(
        "VPC {} {} has instances of Elastigroups, which would start them again, but SPOTINST_TOKEN is not set:\n  {}",
        vpc.name,
        vpc.id,
        found.join("\n  ")
    );
    Err(Error::refused(what)
        .with_hint("set the environment variable SPOTINST_TOKEN; nothing has been changed"))
}

/// Refuses, before anything goes, a VPC in which groups of other environments launch: they would start again what is terminated.
///
/// # Errors
/// Names each group.
pub(super) fn refuse_foreign_groups(vpc: &Vpc, contents: &Contents) -> Result<()> {
    let here = |group: &&Group| {
        let mut own = group.subnets();
        !group.deleting && own.any(|id| contents.subnets.iter().any(|subnet| subnet.id == id))
    };
    let found: Vec<String> = contents
        .foreign_groups
        .iter()
        .filter(here)
        .map(|group| match group.kind {
            Kind::Asg => format!("Auto Scaling group {}", group.name),
            Kind::Spot => format!("Elastigroup {}", group.name),
        })
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    let what = format!(
        "VPC {} {} has subnets of groups that are not the environment's, and that would start instances again:\n  {}",
        vpc.name,
        vpc.id,
        found.join("\n  ")
    );
    Err(Error::refused(what).with_hint(
        "delete these groups first, or take their subnets away; nothing has been changed",
    ))
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
