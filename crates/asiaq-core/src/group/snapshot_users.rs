//! Which images and snapshots new hosts start from: those that launch templates, launch configurations and Elastigroups name.
//! Read only; what follows from it is for `storage` and `image` to decide.

use super::clouds::Clouds;
use super::launch::{BlockDevice, BlockDeviceKind};
use super::launch_specs::{
    DEFAULT_VERSION, LATEST_VERSION, configurations, default_and_latest_versions, versions_of,
};
use super::observed::{all_groups, live_refs};
use super::record::LaunchRef;
use super::spot::{self, own_device};
use super::template::{spec_of_configuration, spec_of_template};
use crate::aws::{Aws, Pages, tags_of};
use crate::error::Result;
use crate::names::tag;
use crate::spotinst::Spotinst;
use aws_sdk_ec2::types::{Filter, LaunchTemplateVersion};
use futures::future::try_join_all;
use futures::stream::{StreamExt, TryStreamExt, iter};
use std::collections::{BTreeMap, BTreeSet};

/// Templates whose versions are read at the same time.
const TEMPLATES_AT_ONCE: usize = 8;
/// States of instances that show that their Elastigroup exists: all but terminated.
const LIVING: [&str; 5] = ["pending", "running", "shutting-down", "stopping", "stopped"];

/// What starts from images or snapshots, as far as it can be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaunchUsers {
    /// Image or snapshot id → what starts from it, such as `launch template ci_mhcdb_12 of group ci_mhcdb_1700000000`.
    pub by_id: BTreeMap<String, BTreeSet<String>>,
    /// Hostclasses and environments of living instances of Elastigroups, while Spotinst is disabled: nobody knows what these
    /// groups start from.
    pub unseen: BTreeSet<(String, String)>,
}

impl LaunchUsers {
    /// True if Elastigroups that cannot be seen run this hostclass in this environment.
    pub fn is_unseen(&self, hostclass: &str, env: &str) -> bool {
        self.unseen
            .iter()
            .any(|(own, of)| own == hostclass && of == env)
    }
}

/// Whose images or snapshots are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// Those of groups that are not being deleted.
    Groups,
    /// Those, and of every launch template the default and the latest version, and every launch configuration.
    Current,
    /// Those, and every version of every launch template, and every launch configuration: people and other services may start
    /// hosts from these as well.
    Everything,
}

/// What hosts start from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Source {
    image: Option<String>,
    snapshots: Vec<String>,
}

impl Source {
    fn new(image: Option<&str>, devices: &[BlockDevice]) -> Self {
        Self {
            image: image.filter(|id| !id.is_empty()).map(str::to_owned),
            snapshots: snapshots(devices),
        }
    }
}

/// Which part of a source is asked for.
#[derive(Debug, Clone, Copy)]
enum Part {
    Images,
    Snapshots,
}

impl Part {
    fn of(self, source: &Source) -> &[String] {
        match self {
            Self::Images => source.image.as_slice(),
            Self::Snapshots => &source.snapshots,
        }
    }
}

/// One version of a launch template, or a launch configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Object {
    /// Template id; empty for a configuration.
    id: String,
    name: String,
    number: i64,
    default: bool,
    source: Source,
}

/// All that was read.
#[derive(Debug, Default)]
struct Observed {
    groups: Vec<(String, Vec<LaunchRef>)>,
    templates: Vec<Object>,
    configurations: Vec<Object>,
    elastigroups: Vec<(String, Source)>,
}

/// Reads the region's groups and launch objects, and the Elastigroups of these Spotinst accounts (none: Spotinst is disabled).
/// One round of listings, and another one only for versions of templates that matter and that are neither the default nor
/// the latest.
pub async fn snapshot_users(
    aws: &Aws,
    accounts: &[&Spotinst],
    among: Among,
) -> Result<LaunchUsers> {
    launch_users(aws, accounts, among, Part::Snapshots).await
}

/// As [`snapshot_users`], of images: those of groups, and of what is current. Old versions of templates that no group names do
/// not count, or no image that a template ever named could go.
pub async fn image_users(aws: &Aws, accounts: &[&Spotinst]) -> Result<LaunchUsers> {
    launch_users(aws, accounts, Among::Current, Part::Images).await
}

async fn launch_users(
    aws: &Aws,
    accounts: &[&Spotinst],
    among: Among,
    part: Part,
) -> Result<LaunchUsers> {
    let of_account = accounts.iter().map(|own| {
        let clouds = Clouds {
            aws,
            spotinst: Some(*own),
        };
        spot::all(clouds, "")
    });
    let (groups, versions, configurations, spot, unseen) = tokio::try_join!(
        all_groups(aws),
        default_and_latest_versions(aws),
        configurations(aws, None),
        try_join_all(of_account),
        unseen(aws, accounts),
    )?;
    let mut observed = Observed {
        groups: live_refs(&groups),
        templates: versions.iter().filter_map(template).collect(),
        configurations: configurations.iter().filter_map(configuration).collect(),
        elastigroups: spot
            .iter()
            .flatten()
            .filter_map(|group| Some((group.name.clone(), group.elastigroup()?)))
            .map(|(name, document)| {
                let devices: Vec<BlockDevice> =
                    document.block_devices().iter().map(own_device).collect();
                let image = document.image_id();
                (name, Source::new(image.as_deref(), &devices))
            })
            .collect(),
    };
    let older = older_versions(aws, missing(&observed, among)).await?;
    observed.templates.extend(older);
    Ok(LaunchUsers {
        by_id: observed.users(among, part),
        unseen,
    })
}

/// Hostclass and environment of every living instance of an Elastigroup, if no account can be read.
async fn unseen(aws: &Aws, accounts: &[&Spotinst]) -> Result<BTreeSet<(String, String)>> {
    if !accounts.is_empty() {
        return Ok(BTreeSet::new());
    }
    let of_elastigroups = Filter::builder()
        .name(format!("tag:{}", tag::SPOTINST))
        .values("True")
        .build();
    let living = Filter::builder()
        .name("instance-state-name")
        .set_values(Some(LIVING.map(str::to_owned).to_vec()))
        .build();
    let call = aws
        .ec2()
        .describe_instances()
        .filters(of_elastigroups)
        .filters(living);
    let pages = call.into_paginator().items().send();
    let found = pages
        .all("ec2:DescribeInstances", "instances of Elastigroups")
        .await?;
    let place = |own: &aws_sdk_ec2::types::Instance| {
        let mut tags = tags_of(own.tags());
        Some((tags.remove(tag::HOSTCLASS)?, tags.remove(tag::ENVIRONMENT)?))
    };
    let instances = found.iter().flat_map(|reservation| reservation.instances());
    Ok(instances.filter_map(place).collect())
}

fn snapshots(devices: &[BlockDevice]) -> Vec<String> {
    let snapshot = |device: &BlockDevice| match &device.kind {
        BlockDeviceKind::Ebs { snapshot_id, .. } => snapshot_id.clone(),
        BlockDeviceKind::Ephemeral(_) => None,
    };
    devices.iter().filter_map(snapshot).collect()
}

fn template(version: &LaunchTemplateVersion) -> Option<Object> {
    let spec = spec_of_template(version.launch_template_data()?);
    Some(Object {
        id: version.launch_template_id()?.to_owned(),
        name: version
            .launch_template_name()
            .unwrap_or_default()
            .to_owned(),
        number: version.version_number().unwrap_or(0),
        default: version.default_version().unwrap_or(false),
        source: Source::new(Some(&spec.image_id), &spec.block_devices),
    })
}

fn configuration(
    configuration: &aws_sdk_autoscaling::types::LaunchConfiguration,
) -> Option<Object> {
    let spec = spec_of_configuration(configuration);
    Some(Object {
        id: String::new(),
        name: configuration.launch_configuration_name()?.to_owned(),
        number: 0,
        default: false,
        source: Source::new(Some(&spec.image_id), &spec.block_devices),
    })
}

/// Id and name of a template → some of its versions.
type Versions = BTreeMap<(String, String), BTreeSet<i64>>;

/// The versions that were not among the default and latest ones: those that groups name, or all.
fn missing(observed: &Observed, among: Among) -> Versions {
    let mut missing = match among {
        Among::Groups | Among::Current => Versions::new(),
        Among::Everything => gaps(&observed.templates),
    };
    for launch in observed.groups.iter().flat_map(|(_, refs)| refs) {
        let LaunchRef::Template { id, name, version } = launch else {
            continue;
        };
        let number = version
            .parse()
            .ok()
            .filter(|_| observed.object(launch).is_none());
        if let Some(number) = number {
            let mut listed = observed.templates.iter();
            let template = listed
                .find(|own| own.is_of(id, name))
                .map_or((id, name), |own| (&own.id, &own.name));
            let key = (template.0.clone(), template.1.clone());
            missing.entry(key).or_default().insert(number);
        }
    }
    missing
}

/// The versions below the latest one that were not listed. Versions that were deleted are among them.
fn gaps(templates: &[Object]) -> Versions {
    let mut listed = Versions::new();
    for own in templates {
        let key = (own.id.clone(), own.name.clone());
        listed.entry(key).or_default().insert(own.number);
    }
    for numbers in listed.values_mut() {
        let latest = numbers.last().copied().unwrap_or(0);
        *numbers = (1..=latest)
            .filter(|number| !numbers.contains(number))
            .collect();
    }
    listed.retain(|_, numbers| !numbers.is_empty());
    listed
}

async fn older_versions(aws: &Aws, wanted: Versions) -> Result<Vec<Object>> {
    let read = iter(wanted)
        .map(|((id, name), numbers)| async move { versions_of(aws, &id, &name, &numbers).await });
    let found: Vec<Vec<LaunchTemplateVersion>> =
        read.buffered(TEMPLATES_AT_ONCE).try_collect().await?;
    Ok(found.iter().flatten().filter_map(template).collect())
}

impl Object {
    /// True for a version of this template.
    fn is_of(&self, id: &str, name: &str) -> bool {
        if id.is_empty() {
            self.name == name
        } else {
            self.id == id
        }
    }
}

impl Observed {
    /// What a group launches from, if it was read.
    fn object(&self, launch: &LaunchRef) -> Option<&Object> {
        match launch {
            LaunchRef::Template { id, name, version } => {
                let own = |object: &&Object| object.is_of(id, name);
                let mut all = self.templates.iter().filter(own);
                match version.as_str() {
                    DEFAULT_VERSION => all.find(|object| object.default),
                    LATEST_VERSION => all.max_by_key(|object| object.number),
                    number => all.find(|object| object.number.to_string() == number),
                }
            }
            LaunchRef::Configuration(name) => {
                self.configurations.iter().find(|own| own.name == *name)
            }
            LaunchRef::None => None,
        }
    }

    fn users(&self, among: Among, part: Part) -> BTreeMap<String, BTreeSet<String>> {
        let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut add = |source: &Source, user: String| {
            for id in part.of(source) {
                users.entry(id.clone()).or_default().insert(user.clone());
            }
        };
        let mut in_groups: Vec<&Object> = Vec::new();
        for (group, refs) in &self.groups {
            for object in refs.iter().filter_map(|launch| self.object(launch)) {
                add(&object.source, format!("{object} of group {group}"));
                in_groups.push(object);
            }
        }
        for (name, source) in &self.elastigroups {
            add(source, format!("Elastigroup {name}"));
        }
        if among != Among::Groups {
            let unused = self.templates.iter().chain(&self.configurations);
            for object in unused.filter(|object| !in_groups.contains(object)) {
                add(&object.source, object.to_string());
            }
        }
        users
    }
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if self.id.is_empty() {
            "configuration"
        } else {
            "template"
        };
        write!(f, "launch {kind} {}", self.name)
    }
}

#[cfg(test)]
mod tests;
