//! Elastigroups as groups: their records and instances, read (spec 30, section 3.2), and the replacement of their instances.
//! Everything is empty while Spotinst is disabled.

use super::action::GroupAction;
use super::clouds::Clouds;
use super::delete::DeleteFilter;
use super::launch::{BlockDevice, BlockDeviceKind};
use super::record::{Group, Instance, Kind, LaunchRef, Member, SpotGroup};
use crate::aws::{Aws, Pages};
use crate::error::{Error, Result};
use crate::names::{self, tag};
use crate::spotinst::{
    self, Elastigroup, GroupChange, Roll, Spotinst, StatusItem, device_mappings,
};
use aws_sdk_ec2::types::Filter;
use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// States of instances that count: all but terminated.
const STATES: [&str; 5] = ["pending", "running", "shutting-down", "stopping", "stopped"];

/// The Elastigroups of the region, of all environments, in API order. Those of `env` whose region nobody knows are warned of.
pub(super) async fn all(clouds: Clouds<'_>, env: &str) -> Result<Vec<Group>> {
    let Some(spotinst) = clouds.spotinst else {
        return Ok(Vec::new());
    };
    let found = spotinst.groups().await?;
    Ok(in_region(found, clouds.aws.region(), env))
}

fn in_region(found: Vec<Elastigroup>, region: &str, env: &str) -> Vec<Group> {
    let here = |own: &Elastigroup| {
        let here = own.is_in(region);
        if here.is_none() && names::belongs_to(env, &own.name, None) {
            tracing::warn!(
                "Elastigroup {} ({}) is ignored: it states neither a region nor a zone",
                own.name,
                own.id
            );
        }
        here == Some(true)
    };
    found.into_iter().filter(here).map(record).collect()
}

/// The record of an Elastigroup.
pub(super) fn record(document: Elastigroup) -> Group {
    let size = |count: Option<u32>| i32::try_from(count.unwrap_or(0)).unwrap_or(i32::MAX);
    let balancers = document.balancers();
    let launch = &document.raw["compute"]["launchSpecification"];
    let or = |value: &Value, default: Value| {
        if value.is_null() {
            default
        } else {
            value.clone()
        }
    };
    let mut scheduling = or(&document.raw["scheduling"], json!({}));
    if scheduling.is_object() && scheduling["tasks"].is_null() {
        scheduling["tasks"] = json!([]);
    }
    let spot = SpotGroup {
        id: document.id.clone(),
        block_device_mappings: or(&launch["blockDeviceMappings"], json!([])),
        scheduling,
        items: None,
        document: document.clone(),
    };
    Group {
        name: document.name.clone(),
        kind: Kind::Spot,
        min_size: size(document.min()),
        max_size: size(document.max()),
        desired_capacity: size(document.target()),
        launch: LaunchRef::None,
        mixed_instances: false,
        launch_config_name: None,
        image_id: document.image_id(),
        termination_policies: Vec::new(),
        vpc_zone_identifier: document.subnets().join(","),
        load_balancers: balancers.classic,
        target_groups: balancers.target_groups,
        tags: document.tags(),
        instances: Vec::new(),
        deleting: false,
        spot: Some(Box::new(spot)),
    }
}

/// Fills instances and counts of the Elastigroups that match, all at the same time. The groups whose status could not be read
/// keep an unknown count, and the errors are returned. One that is gone meanwhile has nothing.
///
/// # Errors
/// An empty hostclass or name in the filter.
pub async fn read_statuses(
    clouds: Clouds<'_>,
    env: &str,
    groups: &mut [Group],
    filter: DeleteFilter<'_>,
) -> Result<Vec<Error>> {
    let Some(spotinst) = clouds.spotinst else {
        return Ok(Vec::new());
    };
    let selected = filter.select(env, groups)?;
    let wanted: BTreeSet<String> = selected.iter().map(|group| group.name.clone()).collect();
    let own = groups
        .iter_mut()
        .filter(|group| wanted.contains(&group.name));
    let reads = own.filter_map(|group| {
        let id = group.spot.as_ref()?.id.clone();
        Some(async move { (spotinst.status(&id).await, group) })
    });
    let mut failed = Vec::new();
    for (answer, group) in join_all(reads).await {
        match answer {
            Ok(items) => fill(group, &items),
            // It has gone since the groups were listed.
            Err(error) if error.is_group_missing() => fill(group, &[]),
            Err(error) => failed.push(error.into()),
        }
    }
    Ok(failed)
}

fn fill(group: &mut Group, items: &[StatusItem]) {
    let member = |item: &StatusItem| {
        Some(Member {
            id: item.instance_id.clone()?,
            lifecycle_state: item.status.clone().unwrap_or_default(),
        })
    };
    group.instances = items.iter().filter_map(member).collect();
    if let Some(spot) = &mut group.spot {
        spot.items = Some(items.len());
    }
}

fn tagged(key: &str, value: &str) -> Filter {
    Filter::builder()
        .name(format!("tag:{key}"))
        .values(value)
        .build()
}

/// EC2's instances of Elastigroups of the environment, or of one group.
async fn described(
    aws: &Aws,
    env: &str,
    group: Option<&str>,
) -> Result<Vec<aws_sdk_ec2::types::Instance>> {
    let states = Filter::builder()
        .name("instance-state-name")
        .set_values(Some(STATES.map(str::to_owned).to_vec()))
        .build();
    let call = aws
        .ec2()
        .describe_instances()
        .filters(tagged(tag::SPOTINST, "True"))
        .filters(tagged(tag::ENVIRONMENT, env))
        .filters(states);
    let call = match group {
        Some(group) => call.filters(tagged(tag::GROUP_NAME, group)),
        None => call,
    };
    let pages = call.into_paginator().items().send();
    let reservations = pages.all("ec2:DescribeInstances", env).await?;
    Ok(reservations
        .into_iter()
        .flat_map(|own| own.instances.unwrap_or_default())
        .collect())
}

fn tag_of<'a>(instance: &'a aws_sdk_ec2::types::Instance, key: &str) -> Option<&'a str> {
    let own = instance.tags().iter().find(|tag| tag.key() == Some(key));
    own.and_then(|tag| tag.value())
}

/// Instances of the environment's Elastigroups, or of one. Their lifecycle state is that of EC2, such as `running`.
pub(super) async fn instances(
    clouds: Clouds<'_>,
    env: &str,
    group: Option<&str>,
) -> Result<Vec<Instance>> {
    if clouds.spotinst.is_none() {
        return Ok(Vec::new());
    }
    let convert = |own: &aws_sdk_ec2::types::Instance| {
        let group = tag_of(own, tag::GROUP_NAME)?;
        let state = own.state().and_then(|state| state.name());
        names::belongs_to(env, group, None).then_some(())?;
        Some(Instance {
            id: own.instance_id()?.to_owned(),
            group: group.to_owned(),
            lifecycle_state: state
                .map(|state| state.as_str().to_owned())
                .unwrap_or_default(),
        })
    };
    let found = described(clouds.aws, env, group).await?;
    Ok(found.iter().filter_map(convert).collect())
}

/// Hostclasses whose Elastigroups run instances in the environment, while Spotinst is disabled and these groups cannot be
/// seen (spec 30, section 14).
pub async fn invisible(clouds: Clouds<'_>, env: &str) -> Result<BTreeSet<String>> {
    if clouds.spotinst.is_some() {
        return Ok(BTreeSet::new());
    }
    let found = described(clouds.aws, env, None).await?;
    let classes = found.iter().filter_map(|own| tag_of(own, tag::HOSTCLASS));
    Ok(classes.map(str::to_owned).collect())
}

/// Replaces all instances of an Elastigroup. With `wait` returns when that is done.
///
/// # Errors
/// The group is none; Spotinst is disabled or refuses; the replacement fails or takes too long.
pub async fn roll(clouds: Clouds<'_>, group: &Group, wait: bool) -> Result<()> {
    if wait {
        let (spotinst, document) = reached(clouds, group)?;
        let poll = &clouds.aws.poll;
        return spotinst
            .roll_and_wait(&document.id, &Roll::default(), poll)
            .await;
    }
    let (spotinst, document) = reached(clouds, group)?;
    Ok(spotinst.roll(&document.id, &Roll::default()).await?)
}

/// Replaces all instances of an Elastigroup in this way and waits until that is done, for `limit` at most.
///
/// # Errors
/// Those of [`roll`].
pub async fn roll_with(
    clouds: Clouds<'_>,
    group: &Group,
    roll: &Roll,
    limit: Duration,
) -> Result<()> {
    let (spotinst, document) = reached(clouds, group)?;
    let poll = &clouds.aws.poll;
    spotinst
        .roll_and_wait_for(&document.id, roll, limit, poll)
        .await
}

/// Waits until no replacement of the instances of an Elastigroup is under way; true if there was one.
///
/// # Errors
/// Those of [`roll`], but however the replacement ends is fine.
pub async fn wait_rolled(clouds: Clouds<'_>, group: &Group, limit: Duration) -> Result<bool> {
    let (spotinst, document) = reached(clouds, group)?;
    let (mut seen, poll) = (false, &clouds.aws.poll);
    let what = format!("waiting for an earlier roll of {} to end", group.name);
    poll.until(&what, Duration::from_secs(10), limit, async || {
        let under_way = spotinst.is_rolling(&document.id).await?;
        seen |= under_way;
        Ok((!under_way).then_some(()))
    })
    .await?;
    Ok(seen)
}

fn reached<'a>(clouds: Clouds<'a>, group: &'a Group) -> Result<(&'a Spotinst, &'a Elastigroup)> {
    clouds.spotinst.zip(group.elastigroup()).ok_or_else(|| {
        Error::refused(format!(
            "{} is no Elastigroup that can be reached: only their instances can be replaced",
            group.name
        ))
    })
}

/// The change that gives an Elastigroup back what its instances were launched with when it was read; `None` for other groups.
pub fn former_launch(group: &Group) -> Option<GroupAction> {
    let (document, reference) = (group.elastigroup()?, group.spot_ref()?);
    let change = GroupChange {
        image_id: document.image_id(),
        instance_profile: document.instance_profile(),
        user_data: document.user_data(),
        block_devices: Some(device_mappings(&document.block_devices())),
        instance_types: Some(document.instance_types()),
        ..GroupChange::default()
    };
    Some(GroupAction::UpdateElastigroup {
        group: reference,
        change: Box::new(change),
    })
}

/// Refuses a group that is an Elastigroup, of whatever environment: they have no scaling policies.
///
/// # Errors
/// It is one; Spotinst cannot be read.
pub async fn refuse_policies_of_elastigroup(clouds: Clouds<'_>, name: &str) -> Result<()> {
    let Some(spotinst) = clouds.spotinst else {
        return Ok(());
    };
    if spotinst.groups().await?.iter().any(|own| own.name == name) {
        let text = format!("{name}: scaling policies are not implemented for Elastigroups");
        return Err(Error::refused(text));
    }
    Ok(())
}

/// A device in the words of an Elastigroup.
pub(super) fn spot_device(own: &BlockDevice) -> spotinst::BlockDevice {
    let number = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok());
    let kind = match &own.kind {
        BlockDeviceKind::Ephemeral(name) => spotinst::BlockDeviceKind::Ephemeral(name.clone()),
        BlockDeviceKind::Ebs {
            size,
            iops,
            volume_type,
            snapshot_id,
            delete_on_termination,
        } => spotinst::BlockDeviceKind::Ebs {
            size: number(*size),
            iops: number(*iops),
            volume_type: volume_type.clone(),
            snapshot_id: snapshot_id.clone(),
            delete_on_termination: *delete_on_termination,
        },
    };
    spotinst::BlockDevice {
        device: own.device.clone(),
        kind,
    }
}

/// A device of an Elastigroup in our words.
pub(super) fn own_device(spot: &spotinst::BlockDevice) -> BlockDevice {
    let number = |value: Option<u32>| value.and_then(|value| i32::try_from(value).ok());
    let kind = match &spot.kind {
        spotinst::BlockDeviceKind::Ephemeral(name) => BlockDeviceKind::Ephemeral(name.clone()),
        spotinst::BlockDeviceKind::Ebs {
            size,
            iops,
            volume_type,
            snapshot_id,
            delete_on_termination,
        } => BlockDeviceKind::Ebs {
            size: number(*size),
            iops: number(*iops),
            volume_type: volume_type.clone(),
            snapshot_id: snapshot_id.clone(),
            delete_on_termination: *delete_on_termination,
        },
    };
    BlockDevice {
        device: spot.device.clone(),
        kind,
    }
}

#[cfg(test)]
pub(super) mod tests;
