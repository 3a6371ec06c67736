//! Groups whose hosts mount a snapshot: a newer one for future hosts (spec 30, sections 10 and 13.8). Pure.

use super::action::{GroupAction, GroupUpdate};
use super::changes::{free_template_name, group_key, template_key};
use super::launch::{BlockDevice, BlockDeviceKind};
use super::observed::GroupState;
use super::record::Group;
use super::spot::own_device;
use crate::error::{Error, Result};
use crate::plan::{Plan, Sign};
use crate::spotinst::{Elastigroup, GroupChange};
use rand::Rng;

/// Plans that future hosts of the group of a hostclass start from another snapshot. Nothing else about the group changes; the
/// plan is empty if it starts from this one already.
///
/// # Errors
/// The hostclass has no group, several, one without launch object, or one with a mixed instances policy; its hosts mount no snapshot, or several; its launch
/// template holds something that cannot be copied.
pub fn plan_snapshot_update(
    state: &GroupState,
    hostclass: &str,
    snapshot_id: &str,
    size: u32,
    rng: &mut impl Rng,
) -> Result<Plan<GroupAction>> {
    let missing = || {
        let env = &state.env;
        Error::not_found(format!(
            "Can't locate hostclass {hostclass} in environment `{env}`"
        ))
    };
    let group = state.existing(hostclass)?.ok_or_else(missing)?;
    refuse_mixed(group)?;
    match group.elastigroup() {
        Some(document) => spot(group, document, hostclass, snapshot_id, size),
        None => {
            let launch = state
                .launches
                .get(&group.launch.key())
                .ok_or_else(missing)?;
            let Some(old) = mounted(hostclass, &launch.spec.block_devices, snapshot_id)? else {
                return Ok(Plan::default());
            };
            let launch_name = group.launch.name().unwrap_or_default();
            let volume = super::calls::size(size);
            let copied = launch
                .source
                .with_snapshot(launch_name, snapshot_id, volume)?;
            let mut spec = launch.spec.clone();
            for device in &mut spec.block_devices {
                replace(device, snapshot_id, volume);
            }
            let name = free_template_name(state, &state.env, hostclass, rng);
            let key = template_key(hostclass, &name);
            let mut plan = Plan::default();
            let action = GroupAction::CreateTemplate {
                name: name.clone(),
                env: state.env.clone(),
                hostclass: hostclass.to_owned(),
                spec: Box::new(spec),
                copied: Some(copied),
            };
            let line = format!("launch template {name}, a copy of {launch_name}");
            plan.push(&key, [""; 0], Sign::Add, line, action);
            let update = GroupUpdate {
                name: group.name.clone(),
                template: Some(name),
                subnets: Vec::new(),
                min: None,
                desired: None,
                max: None,
                termination_policies: Vec::new(),
            };
            let line = line_of(group, hostclass, &old, snapshot_id, size);
            let action = GroupAction::UpdateGroup(update);
            plan.push(group_key(&group.name), [key], Sign::Modify, line, action);
            Ok(plan)
        }
    }
}

/// The new template would take the place of the whole policy.
fn refuse_mixed(group: &Group) -> Result<()> {
    if !group.mixed_instances {
        return Ok(());
    }
    let text = format!(
        "group {} has a mixed instances policy, which a new launch template would replace",
        group.name
    );
    Err(Error::refused(text)
        .with_hint("make a launch template with the snapshot and put it into the policy by hand"))
}

fn spot(
    group: &Group,
    document: &Elastigroup,
    hostclass: &str,
    snapshot_id: &str,
    size: u32,
) -> Result<Plan<GroupAction>> {
    let mut plan = Plan::default();
    let devices: Vec<BlockDevice> = document.block_devices().iter().map(own_device).collect();
    let Some(old) = mounted(hostclass, &devices, snapshot_id)? else {
        return Ok(plan);
    };
    let Some(reference) = group.spot_ref() else {
        return Ok(plan);
    };
    let change = GroupChange {
        block_devices: Some(document.mappings_with_snapshot(&old.0, snapshot_id, size)),
        ..GroupChange::default()
    };
    let action = GroupAction::UpdateElastigroup {
        group: reference,
        change: Box::new(change),
    };
    let line = line_of(group, hostclass, &old, snapshot_id, size);
    plan.push(group_key(&group.name), [""; 0], Sign::Modify, line, action);
    Ok(plan)
}

fn line_of(
    group: &Group,
    hostclass: &str,
    old: &(String, Option<i32>),
    snapshot_id: &str,
    size: u32,
) -> String {
    let before = old
        .1
        .map_or_else(|| "of the snapshot".to_owned(), |gib| format!("{gib} GiB"));
    format!(
        "group {hostclass} {}: snapshot {} -> {snapshot_id}, volume {before} -> {size} GiB",
        group.name, old.0
    )
}

/// The snapshot that the devices start from, with the size of its volume; `None` if it is the new one already.
fn mounted(
    hostclass: &str,
    devices: &[BlockDevice],
    new: &str,
) -> Result<Option<(String, Option<i32>)>> {
    let snapshot = |device: &BlockDevice| match &device.kind {
        BlockDeviceKind::Ebs {
            snapshot_id: Some(id),
            size,
            ..
        } => Some((id.clone(), *size)),
        _ => None,
    };
    let found: Vec<(String, Option<i32>)> = devices.iter().filter_map(snapshot).collect();
    match found.as_slice() {
        [] => Err(Error::refused(format!(
            "{hostclass} does not mount a snapshot"
        ))),
        [(id, _)] if id == new => {
            tracing::debug!("{hostclass} starts from snapshot {new} already");
            Ok(None)
        }
        [only] => Ok(Some(only.clone())),
        _ => Err(Error::refused(format!(
            "{hostclass} has multiple snapshot based devices"
        ))),
    }
}

fn replace(device: &mut BlockDevice, snapshot_id: &str, gib: i32) {
    if let BlockDeviceKind::Ebs {
        snapshot_id: Some(id),
        size,
        ..
    } = &mut device.kind
    {
        *id = snapshot_id.to_owned();
        *size = Some(gib);
    }
}

#[cfg(test)]
mod tests;
