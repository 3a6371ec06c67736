//! What bakes have left behind when they were killed: machines, volumes and images that failed, found by their tags. The next
//! bake reports the machines, `disco_bake cleanup` removes everything.

use super::options::bakery_environment;
use crate::aws::{Aws, Context, Pages, Tags, gone, tags_of};
use crate::config::DiscoAws;
use crate::environment::{self, Vpc};
use crate::error::{Error, Result};
use crate::host::{Host, hosts_of};
use crate::image::Image;
use crate::image::manage::{ImageAction, ImageExecutor};
use crate::names::tag;
use crate::plan::{Apply, Change, Plan, Progress, Sign};
use aws_sdk_ec2::types::Filter;
use chrono::{DateTime, Utc};

/// A machine, on which nobody may bake any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leftover {
    /// Instance id.
    pub instance_id: String,
    /// Its state.
    pub state: String,
    /// Name of the image that was to be.
    pub image_name: String,
    /// Who started the bake.
    pub baker: String,
    /// When.
    pub started: Option<DateTime<Utc>>,
}

/// Everything of bakes that may be removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Remains {
    /// Machines.
    pub machines: Vec<Leftover>,
    /// Volumes of machines that are gone: id, name of the image that was to be, when the bake began.
    pub volumes: Vec<(String, String, Option<DateTime<Utc>>)>,
    /// Images that AWS gave up on.
    pub images: Vec<Image>,
}

/// Which of them go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Bakes that began so many minutes ago or earlier; what does not tell when it began, too.
    pub older_than: u32,
    /// Of this hostclass only: first word of the image's name.
    pub hostclass: Option<&'a str>,
    /// Only these machines, however young; without any, everything.
    pub instances: &'a [String],
}

/// What the clean-up does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CleanupAction {
    /// Terminates an instance.
    Terminate(String),
    /// Deletes a volume.
    DeleteVolume(String),
    /// Deregisters an image.
    Deregister(String),
    /// Deletes a snapshot.
    DeleteSnapshot(String),
}

impl Leftover {
    fn of(host: Host) -> Option<Self> {
        let image_name = host.tag(tag::BAKE_IMAGE)?.to_owned();
        let gone = ["terminated", "shutting-down"].contains(&host.state.as_str());
        (!gone).then(|| Self {
            baker: host.tag(tag::BAKER).unwrap_or("unknown").to_owned(),
            started: started(&host.tags).or(host.launched),
            state: host.state,
            instance_id: host.id,
            image_name,
        })
    }

    /// One line for people.
    pub(super) fn describe(&self, now: DateTime<Utc>) -> String {
        let age = match self.started {
            Some(started) => format!("{} min", (now - started).num_minutes().max(0)),
            None => "unknown time".to_owned(),
        };
        format!(
            "instance {} of a bake of `{}` is {} since {age} (baker: {})",
            self.instance_id, self.image_name, self.state, self.baker
        )
    }
}

fn started(tags: &Tags) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(tags.get(tag::BAKE_STARTED)?.parse().ok()?, 0)
}

fn filter(name: &str, values: &[&str]) -> Filter {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Filter::builder()
        .name(name)
        .set_values(Some(values))
        .build()
}

/// Machines of bakes in the bakery, oldest first. One call.
pub(super) async fn find(aws: &Aws, vpc: &Vpc) -> Result<Vec<Leftover>> {
    let key = [tag::BAKE_IMAGE.to_owned()];
    let states = ["pending", "running", "stopping", "stopped"].map(str::to_owned);
    let filters: [(&str, &[String]); 2] = [("tag-key", &key), ("instance-state-name", &states)];
    let hosts = hosts_of(aws, &vpc.id, &filters).await?;
    let mut found: Vec<Leftover> = hosts.into_iter().filter_map(Leftover::of).collect();
    found.sort_by(|a, b| (a.started, &a.instance_id).cmp(&(b.started, &b.instance_id)));
    Ok(found)
}

/// Everything of bakes that may be removed: three concurrent calls.
async fn remains(aws: &Aws, vpc: &Vpc) -> Result<Remains> {
    let (machines, volumes, images) =
        tokio::try_join!(find(aws, vpc), loose_volumes(aws), failed_images(aws))?;
    Ok(Remains {
        machines,
        volumes,
        images,
    })
}

/// Volumes that no instance has.
async fn loose_volumes(aws: &Aws) -> Result<Vec<(String, String, Option<DateTime<Utc>>)>> {
    let call = aws
        .ec2()
        .describe_volumes()
        .filters(filter("tag-key", &[tag::BAKE_IMAGE]))
        .filters(filter("status", &["available"]))
        .into_paginator()
        .items()
        .send();
    let found = call.all("ec2:DescribeVolumes", "volumes of bakes").await?;
    let volume = |volume: aws_sdk_ec2::types::Volume| {
        let tags = tags_of(volume.tags());
        let available = volume.state().is_some_and(|s| s.as_str() == "available");
        let name = tags.get(tag::BAKE_IMAGE).filter(|_| available)?.clone();
        Some((volume.volume_id()?.to_owned(), name, started(&tags)))
    };
    Ok(found.into_iter().filter_map(volume).collect())
}

/// Images of bakes that will never be available.
async fn failed_images(aws: &Aws) -> Result<Vec<Image>> {
    let states = ["failed", "invalid", "error"];
    let call = aws
        .ec2()
        .describe_images()
        .owners("self")
        .filters(filter("tag-key", &[tag::VERSION_ASIAQ]))
        .filters(filter("state", &states))
        .into_paginator()
        .items()
        .send();
    let found = call.all("ec2:DescribeImages", "failed images").await?;
    let images = found.into_iter().filter_map(Image::from_sdk);
    Ok(images
        .filter(|image| states.contains(&image.state.as_str()))
        .filter(|image| image.tags.contains_key(tag::VERSION_ASIAQ))
        .collect())
}

/// Plans the removal of what is in the bakery that `[bake] bakery_environment` names.
///
/// # Errors
/// There is no bakery; AWS cannot be read.
pub async fn plan_removal(
    aws: &Aws,
    config: &DiscoAws,
    wanted: Wanted<'_>,
) -> Result<Plan<CleanupAction>> {
    let vpc = environment::find(aws, &bakery_environment(config)?).await?;
    let found = remains(aws, &vpc).await?;
    for id in wanted.instances {
        if !found.machines.iter().any(|own| own.instance_id == *id) {
            tracing::warn!("{id} is no machine of a bake, or is gone");
        }
    }
    Ok(plan_cleanup(&found, wanted, Utc::now()))
}

/// Plans the removal. Pure.
fn plan_cleanup(remains: &Remains, wanted: Wanted<'_>, now: DateTime<Utc>) -> Plan<CleanupAction> {
    let goes = |image: &str, started: Option<DateTime<Utc>>| {
        let of_hostclass = wanted
            .hostclass
            .is_none_or(|hostclass| crate::names::hostclass_of_image(image) == hostclass);
        let old =
            started.is_none_or(|at| (now - at).num_seconds() >= i64::from(wanted.older_than) * 60);
        of_hostclass && old
    };
    let named = |machine: &Leftover| wanted.instances.contains(&machine.instance_id);
    let all = wanted.instances.is_empty();
    let none: [&str; 0] = [];
    let mut plan = Plan::default();
    for machine in &remains.machines {
        if named(machine) || all && goes(&machine.image_name, machine.started) {
            let id = machine.instance_id.clone();
            let line = format!(
                "instance {id} of a bake of `{}` ({}, baker {})",
                machine.image_name, machine.state, machine.baker
            );
            let action = CleanupAction::Terminate(id.clone());
            plan.push(id, none, Sign::Remove, line, action);
        }
    }
    if !all {
        return plan;
    }
    for (id, image, started) in &remains.volumes {
        if goes(image, *started) {
            let line = format!("volume {id} of a bake of `{image}`");
            let action = CleanupAction::DeleteVolume(id.clone());
            plan.push(id, none, Sign::Remove, line, action);
        }
    }
    for image in &remains.images {
        let at = DateTime::from_timestamp(image.timestamp(), 0);
        if !goes(&image.name, at) {
            continue;
        }
        let id = &image.id;
        let line = format!("image {id} `{}` ({})", image.name, image.state);
        let action = CleanupAction::Deregister(id.clone());
        plan.push(id, none, Sign::Remove, line, action);
        for snapshot in image.devices.iter().filter_map(|d| d.snapshot_id.as_ref()) {
            let line = format!("snapshot {snapshot} of image {id}");
            let action = CleanupAction::DeleteSnapshot(snapshot.clone());
            plan.push(snapshot, [id], Sign::Remove, line, action);
        }
    }
    plan
}

/// Removes it.
///
/// # Errors
/// AWS refuses; what was removed, what not and why.
pub async fn apply_cleanup(
    aws: &Aws,
    plan: &Plan<CleanupAction>,
    progress: &dyn Progress,
) -> Result<()> {
    plan.apply(&Executor(aws), progress).await?;
    Ok(())
}

struct Executor<'a>(&'a Aws);

impl Apply<CleanupAction> for Executor<'_> {
    async fn apply(&self, change: &Change<CleanupAction>) -> Result<(), Error> {
        let ec2 = self.0.ec2();
        let images = ImageExecutor { aws: self.0 };
        match &change.action {
            CleanupAction::Terminate(id) => {
                let done = ec2.terminate_instances().instance_ids(id).send().await;
                gone(done.context("ec2:TerminateInstances", id))?;
            }
            CleanupAction::DeleteVolume(id) => {
                let done = ec2.delete_volume().volume_id(id).send().await;
                gone(done.context("ec2:DeleteVolume", id))?;
            }
            CleanupAction::Deregister(id) => {
                let action = ImageAction::Deregister(id.clone());
                images.apply(&change.with(action)).await?;
            }
            CleanupAction::DeleteSnapshot(id) => {
                let action = ImageAction::DeleteSnapshot(id.clone());
                images.apply(&change.with(action)).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
