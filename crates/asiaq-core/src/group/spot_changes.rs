//! Wanted group against observed Elastigroup: the plan that creates or updates one (spec 30, sections 12 and 13). Pure.

use super::action::GroupAction;
use super::attach::{self, AttachmentSpec, attach_key, detach_key};
use super::changes::{group_key, schedule_sizes};
use super::desired::GroupSpec;
use super::launch::{BlockDevice, BlockDeviceKind, user_data_difference};
use super::record::{Group, SpotRef};
use super::spot::{own_device, spot_device};
use crate::error::{Error, Result};
use crate::pipeline::{RecurringAction, Reserve};
use crate::plan::{Plan, Sign};
use crate::spotinst::{
    Balancers, Elastigroup, GroupChange, NewElastigroup, ScaleTask, Strategy, device_mappings,
    instance_tags,
};
use serde_json::Value;

/// Plans a new Elastigroup with its schedule.
///
/// # Errors
/// The zone of a subnet is not known.
pub(super) fn create(spec: &GroupSpec, name: &str, needs: &[String]) -> Result<Plan<GroupAction>> {
    let mut plan = Plan::default();
    let group = new_group(spec, name)?;
    let line = format!(
        "group {} {name} (Elastigroup, min {}, desired {}, max {}, {}, {}, {} subnet{})",
        spec.hostclass,
        group.sizes.min,
        group.sizes.desired.unwrap_or(group.sizes.min),
        group.sizes.max,
        group.image_id,
        group.instance_types.join(":"),
        group.subnets.len(),
        if group.subnets.len() == 1 { "" } else { "s" }
    );
    let targets = spec.attach.target_groups.iter();
    let action = GroupAction::CreateElastigroup {
        group: Box::new(group),
        new_target_groups: targets.filter(|own| own.arn.is_none()).cloned().collect(),
    };
    plan.push(group_key(name), needs, Sign::Add, line, action);
    let nothing = Elastigroup {
        id: String::new(),
        name: name.to_owned(),
        raw: Value::Null,
    };
    let reference = SpotRef {
        name: name.to_owned(),
        id: None,
    };
    schedule(&mut plan, spec, &nothing, reference);
    Ok(plan)
}

fn types(spec: &GroupSpec) -> Vec<String> {
    if spec.instance_types.is_empty() {
        vec![spec.launch.instance_type.clone()]
    } else {
        spec.instance_types.clone()
    }
}

fn new_group(spec: &GroupSpec, name: &str) -> Result<NewElastigroup> {
    let launch = &spec.launch;
    let zoned = |subnet: &String| {
        let zone = spec.zones.get(subnet).cloned();
        let zone = zone
            .ok_or_else(|| Error::not_found(format!("the zone of subnet {subnet} is not known")))?;
        Ok((subnet.clone(), zone))
    };
    let targets = spec.attach.target_groups.iter();
    Ok(NewElastigroup {
        name: name.to_owned(),
        sizes: spec.create_sizes(),
        reserve: spec.reserve.unwrap_or(Reserve::None),
        instance_types: types(spec),
        subnets: spec.subnets.iter().map(zoned).collect::<Result<_>>()?,
        balancers: Balancers {
            classic: spec.attach.load_balancers.clone(),
            target_groups: targets.filter_map(|own| own.arn.clone()).collect(),
        },
        security_groups: launch.security_groups.clone(),
        monitoring: launch.monitoring,
        ebs_optimized: launch.ebs_optimized,
        image_id: launch.image_id.clone(),
        key_name: launch.key_name.clone(),
        block_devices: launch.sent_devices().map(spot_device).collect(),
        public_ip: launch.public_ip,
        user_data: launch.user_data.clone(),
        instance_profile: launch.instance_profile.clone(),
        tags: spec.tags.clone(),
    })
}

/// Plans what differs about an Elastigroup: one request for its members, then attachments, then the schedule.
pub(super) fn update(
    spec: &GroupSpec,
    group: &Group,
    document: &Elastigroup,
    needs: &[String],
) -> Plan<GroupAction> {
    let mut plan = Plan::default();
    let reference = SpotRef {
        name: group.name.clone(),
        id: Some(document.id.clone()),
    };
    let (change, differences) = differences(spec, group, document);
    if !change.is_empty() {
        let line = format!(
            "group {} {}: {}",
            spec.hostclass,
            group.name,
            differences.join(", ")
        );
        let action = GroupAction::UpdateElastigroup {
            group: reference.clone(),
            change: Box::new(change),
        };
        plan.push(group_key(&group.name), needs, Sign::Modify, line, action);
    }
    let wanted = AttachmentSpec::of_provisioning(&spec.attach, &spec.detach);
    let needs: Vec<String> = needs
        .iter()
        .cloned()
        .chain([group_key(&group.name)])
        .collect();
    attach::plan_for(&mut plan, group, &spec.hostclass, wanted, &needs);
    schedule(&mut plan, spec, document, reference);
    plan
}

/// The members that change, with a text for each.
fn differences(
    spec: &GroupSpec,
    group: &Group,
    document: &Elastigroup,
) -> (GroupChange, Vec<String>) {
    let mut change = GroupChange::default();
    let mut texts = Vec::new();
    let mut size = |what: &str, wanted: Option<u32>, old: Option<u32>| {
        let new = wanted.filter(|size| Some(*size) != old)?;
        let old = or_none(old.map(|size| size.to_string()));
        texts.push(format!("{what} {old} -> {new}"));
        Some(new)
    };
    change.min = size("min", spec.min, document.min());
    change.desired = size("desired", spec.desired, document.target());
    change.max = size("max", spec.max, document.max());
    if let Some(reserve) = spec.reserve {
        let (old, new) = (document.strategy(), Strategy::from(reserve));
        if old != new {
            texts.push(format!("reserve {} -> {}", described(old), described(new)));
            change.reserve = Some(reserve);
        }
    }
    let tags = instance_tags(&group.name, &spec.tags);
    let old_tags = document.tags();
    if tags != old_tags {
        let all: std::collections::BTreeSet<&String> = tags.keys().chain(old_tags.keys()).collect();
        let value = |tags: &crate::aws::Tags, key: &String| {
            tags.get(key).cloned().unwrap_or_else(|| "none".to_owned())
        };
        let differing = all
            .into_iter()
            .filter(|key| tags.get(*key) != old_tags.get(*key));
        texts.extend(differing.map(|key| {
            format!(
                "tag {key} {} -> {}",
                value(&old_tags, key),
                value(&tags, key)
            )
        }));
        change.tags = Some(tags);
    }
    launch_differences(&mut change, &mut texts, spec, document);
    (change, texts)
}

fn launch_differences(
    change: &mut GroupChange,
    texts: &mut Vec<String>,
    spec: &GroupSpec,
    document: &Elastigroup,
) {
    let launch = &spec.launch;
    let old = document.image_id();
    if old.as_ref() != Some(&launch.image_id) {
        texts.push(format!("image {} -> {}", or_none(old), launch.image_id));
        change.image_id = Some(launch.image_id.clone());
    }
    let old = document.instance_profile();
    if let Some(wanted) = &launch.instance_profile
        && old.as_deref().map(profile_name) != Some(profile_name(wanted))
    {
        texts.push(format!("profile {} -> {wanted}", or_none(old)));
        change.instance_profile = Some(wanted.clone());
    }
    let (old, new) = (document.instance_types(), types(spec));
    if old != distinct(&new) {
        texts.push(format!(
            "types {} -> {}",
            or_none(Some(old.join(":"))),
            new.join(":")
        ));
        change.instance_types = Some(new);
    }
    let old: Vec<BlockDevice> = document.block_devices().iter().map(own_device).collect();
    let new: Vec<&BlockDevice> = launch.sent_devices().collect();
    if old.len() != new.len() || !old.iter().zip(&new).all(|(old, new)| is_as(old, new)) {
        let old: Vec<String> = old.iter().map(ToString::to_string).collect();
        let text: Vec<String> = new.iter().map(ToString::to_string).collect();
        let (old, text) = (old.join("; "), text.join("; "));
        texts.push(format!(
            "devices {} -> {}",
            or_none(Some(old)),
            or_none(Some(text))
        ));
        let devices: Vec<_> = new.into_iter().map(spot_device).collect();
        change.block_devices = Some(device_mappings(&devices));
    }
    let old = document.user_data().unwrap_or_default();
    if old != launch.user_data {
        texts.push(user_data_difference(&old, &launch.user_data));
        change.user_data = Some(launch.user_data.clone());
    }
}

/// The on-demand type, then the others, each once: what [`Elastigroup::instance_types`] gives back.
fn distinct(types: &[String]) -> Vec<String> {
    let first = types.first();
    let others = types.iter().skip(1).filter(|kind| Some(*kind) != first);
    first.into_iter().chain(others).cloned().collect()
}

/// True if a device is as wanted; a volume type that is not asked for may be any.
fn is_as(old: &BlockDevice, wanted: &BlockDevice) -> bool {
    let mut old = old.clone();
    if let (
        BlockDeviceKind::Ebs { volume_type, .. },
        BlockDeviceKind::Ebs {
            volume_type: None, ..
        },
    ) = (&mut old.kind, &wanted.kind)
    {
        *volume_type = None;
    }
    old == *wanted
}

/// The name in an ARN of an instance profile; a name is itself.
fn profile_name(profile: &str) -> &str {
    match profile.starts_with("arn:") {
        true => profile.rsplit('/').next().unwrap_or(profile),
        false => profile,
    }
}

fn or_none(text: Option<String>) -> String {
    text.filter(|text| !text.is_empty())
        .unwrap_or_else(|| "none".to_owned())
}

fn described(strategy: Strategy) -> String {
    match (strategy.risk, strategy.on_demand) {
        (_, Some(count)) => format!("{count} on demand"),
        (Some(risk), None) => format!("{}% on demand", 100_u32.saturating_sub(risk)),
        (None, None) => "none".to_owned(),
    }
}

/// One request that sets the whole schedule, after everything else about the group.
fn schedule(
    plan: &mut Plan<GroupAction>,
    spec: &GroupSpec,
    document: &Elastigroup,
    group: SpotRef,
) {
    let wanted: Vec<ScaleTask> = spec.recurring.iter().map(task).collect();
    let Some(tasks) = document.tasks_for(&wanted) else {
        return;
    };
    let name = group.name.clone();
    let old = document.scale_tasks();
    let line = |task: &ScaleTask| format!("schedule {} of {name}: {}", task.cron, sizes(task));
    let (sign, lines) = if old.is_empty() {
        (Sign::Add, wanted.iter().map(line).collect())
    } else if wanted.is_empty() {
        (Sign::Remove, old.iter().map(line).collect())
    } else {
        let all = |tasks: &[ScaleTask]| {
            let texts = tasks
                .iter()
                .map(|task| format!("{} ({})", task.cron, sizes(task)));
            texts.collect::<Vec<_>>().join("; ")
        };
        let text = format!("schedules of {name}: {} -> {}", all(&old), all(&wanted));
        (Sign::Modify, vec![text])
    };
    let change = GroupChange {
        tasks: Some(tasks),
        ..GroupChange::default()
    };
    let action = GroupAction::UpdateElastigroup {
        group,
        change: Box::new(change),
    };
    let needs = [group_key(&name), attach_key(&name), detach_key(&name)];
    plan.push(format!("schedule/{name}"), needs, sign, lines, action);
}

fn task(action: &RecurringAction) -> ScaleTask {
    ScaleTask {
        cron: action.cron.as_str().to_owned(),
        min: action.min,
        desired: action.desired,
        max: action.max,
    }
}

fn sizes(task: &ScaleTask) -> String {
    schedule_sizes(task.min, task.desired, task.max)
}

#[cfg(test)]
mod tests;
