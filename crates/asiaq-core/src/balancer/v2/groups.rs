//! Plans the target groups of a balancer. Pure.

use super::action::V2Action;
use super::attributes;
use super::desired::{self, WantedGroup};
use super::observed::{Group, V2State};
use crate::aws::Tags;
use crate::balancer::{BalancerAction, BalancerSpec, PlannedBalancer, TargetGroup};
use crate::error::{Error, Result};
use crate::network::listener::Side;
use crate::plan::Sign;
use std::collections::BTreeSet;

/// A target group of the balancer, there or to be made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub(super) side: Side,
    pub(super) group: TargetGroup,
}

/// Plans the wanted target groups, and that those go which were made for this balancer and are not wanted any more.
///
/// # Errors
/// All names that a group may have are taken.
pub(super) fn plan(
    planned: &mut PlannedBalancer,
    state: &V2State,
    spec: &BalancerSpec,
) -> Result<Vec<Placed>> {
    let placed = place(state, spec)?;
    for own in &placed {
        match state.groups.get(&own.group.name) {
            Some(group) => update(planned, spec, group),
            None => create(planned, spec, own),
        }
    }
    let kept: BTreeSet<&str> = placed.iter().map(|own| own.group.name.as_str()).collect();
    for group in state.groups.values() {
        if group.is_made_for(&spec.id()) && !kept.contains(group.name.as_str()) {
            leave(planned, group, &[]);
        }
    }
    Ok(placed)
}

/// Gives every wanted side its group: an existing one that fits, else the first name that is free. A group that another
/// balancer uses, or of other targets than hosts, is somebody's own.
fn place(state: &V2State, spec: &BalancerSpec) -> Result<Vec<Placed>> {
    let wanted = desired::groups(spec);
    let id = spec.id();
    let arn = state.balancers.get(&id).map(|own| own.arn.as_str());
    let mut used = BTreeSet::new();
    let mut found: Vec<Option<TargetGroup>> = Vec::new();
    for own in &wanted {
        let fits = |group: &&Group| {
            let same = group.side == own.side && group.vpc_id == spec.vpc_id;
            same && group.takes_hosts() && group.is_free_for(&id, arn)
        };
        let named = own.names.iter().filter_map(|name| state.groups.get(name));
        let group = named.into_iter().find(fits).map(Group::reference);
        used.extend(group.iter().map(|group| group.name.clone()));
        found.push(group);
    }
    let mut placed = Vec::new();
    for (own, found) in wanted.into_iter().zip(found) {
        let group = match found {
            Some(group) => group,
            None => free_name(state, &own, &used)?,
        };
        used.insert(group.name.clone());
        let side = own.side;
        placed.push(Placed { side, group });
    }
    Ok(placed)
}

fn free_name(
    state: &V2State,
    wanted: &WantedGroup,
    used: &BTreeSet<String>,
) -> Result<TargetGroup> {
    let free = |name: &&String| !state.groups.contains_key(*name) && !used.contains(*name);
    let name = wanted.names.iter().find(free).cloned().ok_or_else(|| {
        let what = format!(
            "no name is free for the target group of {}: {} are taken",
            wanted.side,
            wanted.names.join(", ")
        );
        Error::refused(what).with_hint("delete one of these target groups")
    })?;
    Ok(TargetGroup { name, arn: None })
}

fn create(planned: &mut PlannedBalancer, spec: &BalancerSpec, own: &Placed) {
    let Some(check) = desired::health_check(spec) else {
        return;
    };
    let (name, key) = (&own.group.name, own.group.key());
    let line = format!("target group {name} {}, check {check}", own.side);
    let action = V2Action::CreateGroup {
        name: name.clone(),
        side: own.side.clone(),
        vpc_id: spec.vpc_id.clone(),
        check,
        tags: desired::group_tags(spec),
    };
    push(planned, key.clone(), &[], Sign::Add, vec![line], action);
    planned.ready.push(key.clone());
    let attributes = attributes::of_group(spec);
    let lines = attributes::lines(&format!("target group {name}"), &attributes, None);
    let action = V2Action::GroupAttributes(own.group.clone(), attributes);
    push(
        planned,
        format!("{key}/attributes"),
        &[key],
        Sign::Add,
        lines,
        action,
    );
}

fn update(planned: &mut PlannedBalancer, spec: &BalancerSpec, group: &Group) {
    let (reference, title) = (group.reference(), format!("target group {}", group.name));
    let key = reference.key();
    if let Some(check) = desired::health_check(spec).filter(|check| !group.check.holds(check)) {
        let line = format!("{title} check {} -> {check}", group.check);
        let action = V2Action::ModifyCheck(reference.clone(), check);
        push(
            planned,
            format!("{key}/check"),
            &[],
            Sign::Modify,
            vec![line],
            action,
        );
    }
    let changed = attributes::differing(&attributes::of_group(spec), &group.attributes);
    if !changed.is_empty() {
        let lines = attributes::lines(&title, &changed, Some(&group.attributes));
        let action = V2Action::GroupAttributes(reference, changed);
        push(
            planned,
            format!("{key}/attributes"),
            &[],
            Sign::Modify,
            lines,
            action,
        );
    }
    tag(
        planned,
        &key,
        &title,
        &group.arn,
        &desired::group_tags(spec),
        &group.tags,
    );
}

/// Plans the tags that are missing or different. Others stay.
pub(super) fn tag(
    planned: &mut PlannedBalancer,
    key: &str,
    title: &str,
    arn: &str,
    wanted: &Tags,
    observed: &Tags,
) {
    let missing = wanted
        .iter()
        .filter(|(key, value)| observed.get(*key) != Some(*value));
    let tags: Tags = missing
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if tags.is_empty() {
        return;
    }
    let lines = tags
        .iter()
        .map(|(key, value)| format!("{title} tag {key}={value}"));
    let lines = lines.collect();
    let action = V2Action::AddTags {
        name: title.to_owned(),
        arn: arn.to_owned(),
        tags,
    };
    push(
        planned,
        format!("{key}/tags"),
        &[],
        Sign::Modify,
        lines,
        action,
    );
}

/// Plans that a target group goes: the group is detached from it, then it is deleted.
pub(super) fn leave(planned: &mut PlannedBalancer, group: &Group, needs: &[String]) {
    let reference = group.reference();
    planned.detach.target_groups.push(reference.clone());
    planned.leaving.push(
        format!("{}/delete", reference.key()),
        needs.to_vec(),
        Sign::Remove,
        format!("target group {} {}", group.name, group.side),
        BalancerAction::V2(Box::new(V2Action::DeleteGroup(reference))),
    );
}

/// Adds a change to the plan.
pub(super) fn push(
    planned: &mut PlannedBalancer,
    id: String,
    needs: &[String],
    sign: Sign,
    lines: Vec<String>,
    action: V2Action,
) {
    let action = BalancerAction::V2(Box::new(action));
    planned.plan.push(id, needs.to_vec(), sign, lines, action);
}
