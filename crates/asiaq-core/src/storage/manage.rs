//! Snapshots as people handle them: list, clean up, delete, capture, purge, and which one new hosts start from
//! (spec 40, sections 12.6, 12.7 and 13). Reads and plans; changes nothing.

use super::apply::{SnapshotAction, VolumeRef};
use super::create::snapshot_tags;
use super::purge::{self, Rules, Selection, Surroundings};
use super::record::{self, SnapshotRecord};
use crate::aws::{Aws, Context, Pages, Tags, tags_of};
use crate::error::{Error, Result};
use crate::group::{self, Among, Clouds, GroupAction, LaunchUsers};
use crate::names::tag;
use crate::plan::{Plan, Sign};
use crate::spotinst::Spotinst;
use chrono::Utc;
use std::collections::{BTreeMap, BTreeSet};

/// A plan and what the operator should know about it.
#[derive(Debug)]
pub struct Planned {
    /// The changes.
    pub plan: Plan<SnapshotAction>,
    /// What is left out of it, and why.
    pub warnings: Vec<String>,
}

/// The snapshots of an environment's hostclasses by hostclass and time; no hostclasses: all.
pub async fn list(aws: &Aws, env: &str, hostclasses: &[String]) -> Result<Vec<SnapshotRecord>> {
    record::of_environment(aws, env, hostclasses).await
}

/// Plans to delete all but the newest `keep` snapshots of each hostclass, whatever their status. What stays besides: one that
/// new hosts of a group start from, the newest completed one, and all of a hostclass with Elastigroups that cannot be seen.
///
/// # Errors
/// `keep` is less than 1.
pub async fn plan_cleanup(clouds: Clouds<'_>, env: &str, keep: i64) -> Result<Planned> {
    let keep = usize::try_from(keep).ok().filter(|keep| *keep >= 1);
    let keep = keep.ok_or_else(|| {
        Error::refused("--keep must be at least 1").with_hint(
            "to delete the last snapshot of a hostclass, name it: `disco_snapshot delete --snapshot ID`",
        )
    })?;
    let snapshots = record::of_environment(clouds.aws, env, &[]);
    let users = group::snapshot_users(clouds.aws, clouds.spotinst.as_slice(), Among::Groups);
    let (snapshots, users) = tokio::try_join!(snapshots, users)?;
    Ok(cleanup(&snapshots, keep, &users))
}

/// Pure; the snapshots are in order of hostclass and time.
fn cleanup(snapshots: &[SnapshotRecord], keep: usize, users: &LaunchUsers) -> Planned {
    let mut planned = Planned {
        plan: Plan::default(),
        warnings: Vec::new(),
    };
    for of_class in snapshots.chunk_by(|a, b| a.hostclass == b.hostclass) {
        let surplus = of_class.iter().take(of_class.len().saturating_sub(keep));
        let completed = of_class.iter().rfind(|own| own.is_completed());
        let mut hidden = None;
        for own in surplus {
            let text = format!("snapshot {} of {} stays", own.id, own.hostclass);
            if let Some(users) = users.by_id.get(&own.id) {
                let users = join(users);
                let text = format!("{text}: new hosts start from it ({users})");
                planned.warnings.push(text);
            } else if users.is_unseen(&own.hostclass, &own.env) {
                hidden = Some(&own.hostclass);
            } else if completed.is_some_and(|newest| newest.id == own.id) {
                let text = format!("{text}: it is the newest one that is completed");
                planned.warnings.push(text);
            } else {
                push_deletion(&mut planned.plan, own);
            }
        }
        planned.warnings.extend(hidden.map(|class| {
            format!(
                "snapshots of {class} stay: Elastigroups that cannot be seen may start from them; set SPOTINST_TOKEN to clean them up"
            )
        }));
    }
    planned
}

fn join(users: &BTreeSet<String>) -> String {
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    users.join(", ")
}

fn push_deletion(plan: &mut Plan<SnapshotAction>, own: &SnapshotRecord) {
    let line = format!(
        "snapshot {} {} {}, {} GiB, {}",
        own.hostclass,
        own.env,
        own.id,
        own.size,
        own.start_time.format("%Y-%m-%dT%H:%M:%SZ")
    );
    plan.push(
        format!("snapshot/{}", own.id),
        [""; 0],
        Sign::Remove,
        line,
        SnapshotAction::DeleteSnapshot(own.id.clone()),
    );
}

/// Plans to delete these snapshots of the environment. Those that are not there are warned about.
///
/// # Errors
/// New hosts of a group start from one of them, or may do so: of an Elastigroup that cannot be seen. Nothing is deleted then.
pub async fn plan_delete(clouds: Clouds<'_>, env: &str, ids: &[String]) -> Result<Planned> {
    let found = record::by_ids(clouds.aws, ids);
    let users = group::snapshot_users(clouds.aws, clouds.spotinst.as_slice(), Among::Groups);
    let (found, users) = tokio::try_join!(found, users)?;
    delete(&found, env, ids, &users)
}

fn delete(
    found: &[SnapshotRecord],
    env: &str,
    ids: &[String],
    users: &LaunchUsers,
) -> Result<Planned> {
    let mut planned = Planned {
        plan: Plan::default(),
        warnings: Vec::new(),
    };
    let (mut seen, mut used, mut hidden) = (BTreeSet::new(), Vec::new(), Vec::new());
    for id in ids.iter().filter(|id| seen.insert(*id)) {
        let Some(own) = found.iter().find(|own| own.id == *id && own.env == env) else {
            let text = format!("snapshot {id} is not there in environment `{env}`");
            planned.warnings.push(text);
            continue;
        };
        if let Some(users) = users.by_id.get(id) {
            used.push(format!(
                "new hosts start from snapshot {id} ({})",
                join(users)
            ));
        } else if users.is_unseen(&own.hostclass, env) {
            hidden.push(format!(
                "Elastigroups of {} that cannot be seen may start from snapshot {id}",
                own.hostclass
            ));
        } else {
            push_deletion(&mut planned.plan, own);
        }
    }
    if used.is_empty() && hidden.is_empty() {
        return Ok(planned);
    }
    if !hidden.is_empty() {
        used.append(&mut hidden);
        return Err(Error::refused(used.join("; ")).with_hint(
            "set SPOTINST_TOKEN, so that Elastigroups are seen; nothing has been deleted",
        ));
    }
    Err(Error::refused(used.join("; ")).with_hint(
        "point the group at another snapshot with `disco_snapshot update`, or delete the group; nothing has been deleted",
    ))
}

/// Plans a snapshot of a volume for the hostclass of the instance that it is attached to. `more` are further tags, which may
/// override.
///
/// # Errors
/// The volume does not exist or is not attached; its instance does not say its hostclass or environment.
pub async fn plan_capture(
    aws: &Aws,
    volume: &str,
    more: &[(String, String)],
) -> Result<Plan<SnapshotAction>> {
    let operation = "ec2:DescribeVolumes";
    let call = aws.ec2().describe_volumes().volume_ids(volume).send();
    let found = call.await.context(operation, volume)?;
    let attached = found.volumes().first().and_then(|own| {
        let ids = own.attachments().iter();
        ids.filter_map(|attachment| attachment.instance_id()).next()
    });
    let instance = attached.ok_or_else(|| {
        Error::refused(format!("volume {volume} is not attached to an instance"))
            .with_hint("the instance says which hostclass and environment a snapshot is for")
    })?;
    let call = aws.ec2().describe_instances().instance_ids(instance);
    let found = call.into_paginator().send();
    let found = found.all("ec2:DescribeInstances", instance).await?;
    let host = found
        .iter()
        .flat_map(|page| page.reservations())
        .flat_map(|reservation| reservation.instances())
        .find(|own| own.instance_id() == Some(instance));
    let host_tags = host.map(|own| tags_of(own.tags())).unwrap_or_default();
    capture(volume, instance, &host_tags, more)
}

fn capture(
    volume: &str,
    instance: &str,
    host: &Tags,
    more: &[(String, String)],
) -> Result<Plan<SnapshotAction>> {
    let value = |key: &str| host.get(key).map_or("", String::as_str);
    let productline = match value(tag::PRODUCT_LINE) {
        "" => "unknown",
        other => other,
    };
    let mut tags = snapshot_tags(value(tag::HOSTCLASS), value(tag::ENVIRONMENT), productline);
    tags.extend(more.iter().cloned());
    let needed = [
        (tag::HOSTCLASS, tag::HOSTCLASS),
        (tag::SNAPSHOT_ENVIRONMENT, tag::ENVIRONMENT),
    ];
    for (key, of_host) in needed {
        if tags.get(key).is_none_or(String::is_empty) {
            let text =
                format!("instance {instance}, which has volume {volume}, has no tag {of_host}");
            let hint =
                format!("tag the instance, or give the snapshot's tag yourself: --tag {key}:VALUE");
            return Err(Error::refused(text).with_hint(hint));
        }
    }
    let pairs: Vec<String> = tags.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let line = format!(
        "snapshot of volume {volume} of {instance} ({})",
        pairs.join(", ")
    );
    let action = SnapshotAction::CreateSnapshot {
        volume: VolumeRef::Existing(volume.to_owned()),
        tags,
    };
    let mut plan = Plan::default();
    plan.push("snapshot", [""; 0], Sign::Add, line, action);
    Ok(plan)
}

/// Plans that new hosts of the hostclass's group start from this snapshot; without one, from the latest of the hostclass.
///
/// # Errors
/// No such snapshot, or it failed; see [`group::plan_snapshot_update`].
pub async fn plan_update(
    clouds: Clouds<'_>,
    env: &str,
    hostclass: &str,
    snapshot: Option<&str>,
) -> Result<Plan<GroupAction>> {
    let wanted = async {
        match snapshot {
            Some(id) => record::any_by_id(clouds.aws, id).await,
            None => latest(clouds.aws, env, hostclass).await,
        }
    };
    let groups = group::observe_launch(clouds, env, hostclass);
    let (wanted, groups) = tokio::try_join!(wanted, groups)?;
    if wanted.status == "error" {
        let text = format!("snapshot {} of {hostclass} failed", wanted.id);
        let hint = format!(
            "delete it with `disco_snapshot delete --snapshot {}`, or name another one",
            wanted.id
        );
        return Err(Error::refused(text).with_hint(hint));
    }
    let size = u32::try_from(wanted.size).unwrap_or(0);
    let plan = group::plan_snapshot_update(&groups, hostclass, &wanted.id, size, &mut rand::rng())?;
    if wanted.is_pending() && !plan.is_empty() {
        tracing::info!(
            "snapshot {} is not completed yet: hosts that are launched before that fail to start",
            wanted.id
        );
    }
    Ok(plan)
}

async fn latest(aws: &Aws, env: &str, hostclass: &str) -> Result<SnapshotRecord> {
    let found = record::of_environment(aws, env, &[hostclass.to_owned()]).await?;
    found.into_iter().next_back().ok_or_else(|| {
        let text = format!("hostclass {hostclass} has no snapshot in environment `{env}`");
        let hint =
            format!("make one with `disco_snapshot create --hostclass {hostclass} --size GB`");
        Error::not_found(text).with_hint(hint)
    })
}

/// Applies the rules of a purge to the account; the plan deletes what they select. `spotinst`: all accounts of Spotinst that
/// are known, none if it is disabled.
pub async fn plan_purge(
    aws: &Aws,
    spotinst: &[Spotinst],
    rules: Rules,
) -> Result<(Selection, Plan<SnapshotAction>)> {
    // One after the other: an image that is made in between must not be missing while its snapshot is there.
    let snapshots = record::all(aws).await?;
    let accounts: Vec<&Spotinst> = spotinst.iter().collect();
    let (images, users) = tokio::try_join!(
        images(aws),
        group::snapshot_users(aws, &accounts, Among::Everything)
    )?;
    let mut around = Surroundings {
        images: images.iter().map(|(id, _)| id.clone()).collect(),
        users: users.by_id,
        unseen: users.unseen,
    };
    for (image, of_image) in images {
        for id in of_image {
            let users = around.users.entry(id).or_default();
            users.insert(format!("image {image}"));
        }
    }
    let selection = purge::select(&snapshots, &around, rules, Utc::now());
    let by_id: BTreeMap<&str, &SnapshotRecord> =
        snapshots.iter().map(|own| (own.id.as_str(), own)).collect();
    let mut plan = Plan::default();
    for own in selection
        .purge
        .iter()
        .filter_map(|id| by_id.get(id.as_str()))
    {
        push_deletion(&mut plan, own);
    }
    Ok((selection, plan))
}

/// The registered own images, disabled ones included, with their snapshots.
async fn images(aws: &Aws) -> Result<Vec<(String, Vec<String>)>> {
    let call = aws
        .ec2()
        .describe_images()
        .owners("self")
        .include_deprecated(true)
        .include_disabled(true);
    let found = call.into_paginator().items().send();
    let found = found.all("ec2:DescribeImages", "all own images").await?;
    let of = |image: &aws_sdk_ec2::types::Image| {
        let devices = image.block_device_mappings().iter();
        let snapshots = devices.filter_map(|d| d.ebs()?.snapshot_id().map(str::to_owned));
        Some((image.image_id()?.to_owned(), snapshots.collect()))
    };
    Ok(found.iter().filter_map(of).collect())
}

#[cfg(test)]
mod tests;
