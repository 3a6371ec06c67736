//! Which snapshots new hosts start from: those that launch templates, launch configurations and Elastigroups name. Read only;
//! what follows from it is for `storage` to decide.

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

/// What starts from snapshots, as far as it can be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotUsers {
    /// Snapshot id → what starts from it, such as `launch template ci_mhcdb_12 of group ci_mhcdb_1700000000`.
    pub by_id: BTreeMap<String, BTreeSet<String>>,
    /// Hostclasses and environments of living instances of Elastigroups, while Spotinst is disabled: nobody knows what these
    /// groups start from.
    pub unseen: BTreeSet<(String, String)>,
}

impl SnapshotUsers {
    /// True if Elastigroups that cannot be seen run this hostclass in this environment.
    pub fn is_unseen(&self, hostclass: &str, env: &str) -> bool {
        self.unseen
            .iter()
            .any(|(own, of)| own == hostclass && of == env)
    }
}

/// Whose snapshots are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// Those of groups that are not being deleted.
    Groups,
    /// Those, and every version of every launch template, and every launch configuration: people and other services may start
    /// hosts from these as well.
    Everything,
}

/// One version of a launch template, or a launch configuration, with its snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Object {
    /// Template id; empty for a configuration.
    id: String,
    name: String,
    number: i64,
    default: bool,
    snapshots: Vec<String>,
}

/// All that was read.
#[derive(Debug, Default)]
struct Observed {
    groups: Vec<(String, Vec<LaunchRef>)>,
    templates: Vec<Object>,
    configurations: Vec<Object>,
    elastigroups: Vec<(String, Vec<String>)>,
}

/// Reads the region's groups and launch objects, and the Elastigroups of these Spotinst accounts (none: Spotinst is disabled).
/// One round of listings, and another one only for versions of templates that matter and that are neither the default nor
/// the latest.
pub async fn snapshot_users(
    aws: &Aws,
    accounts: &[&Spotinst],
    among: Among,
) -> Result<SnapshotUsers> {
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
                (name, snapshots(&devices))
            })
            .collect(),
    };
    let older = older_versions(aws, missing(&observed, among)).await?;
    observed.templates.extend(older);
    Ok(SnapshotUsers {
        by_id: observed.users(among),
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
    let data = version.launch_template_data()?;
    Some(Object {
        id: version.launch_template_id()?.to_owned(),
        name: version
            .launch_template_name()
            .unwrap_or_default()
            .to_owned(),
        number: version.version_number().unwrap_or(0),
        default: version.default_version().unwrap_or(false),
        snapshots: snapshots(&spec_of_template(data).block_devices),
    })
}

fn configuration(
    configuration: &aws_sdk_autoscaling::types::LaunchConfiguration,
) -> Option<Object> {
    Some(Object {
        id: String::new(),
        name: configuration.launch_configuration_name()?.to_owned(),
        number: 0,
        default: false,
        snapshots: snapshots(&spec_of_configuration(configuration).block_devices),
    })
}

/// Id and name of a template → some of its versions.
type Versions = BTreeMap<(String, String), BTreeSet<i64>>;

/// The versions that were not among the default and latest ones: those that groups name, or all.
fn missing(observed: &Observed, among: Among) -> Versions {
    let mut missing = match among {
        Among::Groups => Versions::new(),
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

    fn users(&self, among: Among) -> BTreeMap<String, BTreeSet<String>> {
        let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut add = |snapshots: &[String], user: String| {
            for id in snapshots {
                users.entry(id.clone()).or_default().insert(user.clone());
            }
        };
        let mut in_groups: Vec<&Object> = Vec::new();
        for (group, refs) in &self.groups {
            for object in refs.iter().filter_map(|launch| self.object(launch)) {
                add(&object.snapshots, format!("{object} of group {group}"));
                in_groups.push(object);
            }
        }
        for (name, snapshots) in &self.elastigroups {
            add(snapshots, format!("Elastigroup {name}"));
        }
        if among == Among::Everything {
            let unused = self.templates.iter().chain(&self.configurations);
            for object in unused.filter(|object| !in_groups.contains(object)) {
                add(&object.snapshots, object.to_string());
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
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn version(name: &str, number: i64, default: bool, snapshots: &[&str]) -> Object {
        Object {
            id: format!("lt-{name}"),
            name: name.into(),
            number,
            default,
            snapshots: snapshots.iter().map(|s| (*s).to_owned()).collect(),
        }
    }

    fn reference(name: &str, version: &str) -> LaunchRef {
        LaunchRef::Template {
            id: format!("lt-{name}"),
            name: name.into(),
            version: version.into(),
        }
    }

    fn observed() -> Observed {
        let by_name = LaunchRef::Template {
            id: String::new(),
            name: "b".into(),
            version: "$Latest".into(),
        };
        let groups = [
            ("g1", vec![reference("a", "1"), reference("b", "$Default")]),
            ("g2", vec![by_name, LaunchRef::Configuration("old".into())]),
            ("g3", vec![reference("a", "9"), LaunchRef::None]),
        ];
        let configuration = |name: &str, snapshot: &str| Object {
            id: String::new(),
            ..version(name, 0, false, &[snapshot])
        };
        Observed {
            groups: groups
                .into_iter()
                .map(|(name, refs)| (name.to_owned(), refs))
                .collect(),
            templates: vec![
                version("a", 1, false, &["snap-a1"]),
                version("a", 2, true, &["snap-a2", "snap-both"]),
                version("b", 1, true, &["snap-b1"]),
                version("b", 2, false, &["snap-b2", "snap-both"]),
                version("c", 1, true, &["snap-c"]),
            ],
            configurations: vec![
                configuration("old", "snap-old"),
                configuration("older", "snap-older"),
            ],
            elastigroups: vec![("spot".into(), vec!["snap-spot".into()])],
        }
    }

    fn show(users: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
        let line = |(id, users): (&String, &BTreeSet<String>)| {
            let users: Vec<&str> = users.iter().map(String::as_str).collect();
            format!("{id}: {}", users.join(", "))
        };
        users.iter().map(line).collect()
    }

    #[test]
    fn groups_use_the_versions_that_they_name() {
        assert_eq!(
            show(&observed().users(Among::Groups)),
            [
                "snap-a1: launch template a of group g1",
                "snap-b1: launch template b of group g1",
                "snap-b2: launch template b of group g2",
                "snap-both: launch template b of group g2",
                "snap-old: launch configuration old of group g2",
                "snap-spot: Elastigroup spot",
            ]
        );
    }

    #[test]
    fn everything_includes_what_no_group_uses() {
        assert_eq!(
            show(&observed().users(Among::Everything)),
            [
                "snap-a1: launch template a of group g1",
                "snap-a2: launch template a",
                "snap-b1: launch template b of group g1",
                "snap-b2: launch template b of group g2",
                "snap-both: launch template a, launch template b of group g2",
                "snap-c: launch template c",
                "snap-old: launch configuration old of group g2",
                "snap-older: launch configuration older",
                "snap-spot: Elastigroup spot",
            ]
        );
    }

    #[test]
    fn only_versions_that_were_not_listed_are_read_one_by_one() {
        let mut observed = observed();
        observed.templates.push(version("d", 4, false, &[]));
        observed.templates.push(version("d", 2, true, &[]));
        let by_name = LaunchRef::Template {
            id: String::new(),
            name: "d".into(),
            version: "3".into(),
        };
        observed.groups.push(("g4".into(), vec![by_name]));
        let wanted = |name: &str, numbers: &[i64]| {
            let numbers: BTreeSet<i64> = numbers.iter().copied().collect();
            ((format!("lt-{name}"), name.to_owned()), numbers)
        };
        let found = |among| missing(&observed, among).into_iter().collect::<Vec<_>>();
        assert_eq!(found(Among::Groups), [wanted("a", &[9]), wanted("d", &[3])]);
        assert_eq!(
            found(Among::Everything),
            [wanted("a", &[9]), wanted("d", &[1, 3])]
        );
    }
}
