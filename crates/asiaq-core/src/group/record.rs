//! The records that other capabilities see: groups, their members and what they launch from. Pure.

use crate::aws::Tags;
use crate::config::is_truthy;
use crate::error::{Error, Result};
use crate::names::{self, tag};
use crate::spotinst::Elastigroup;
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// The service that runs a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// AWS Auto Scaling group.
    Asg,
    /// Elastigroup.
    Spot,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Asg => "asg",
            Self::Spot => "spot",
        })
    }
}

/// A group, the same for both kinds (spec 30, section 1.1). The serialised names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// `ENV_HOSTCLASS_SECONDS`.
    pub name: String,
    /// Service that runs it.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Fewest instances.
    pub min_size: i32,
    /// Most instances.
    pub max_size: i32,
    /// Instances wanted now.
    pub desired_capacity: i32,
    /// What it launches from.
    #[serde(skip)]
    pub launch: LaunchRef,
    /// True if `launch` is part of a mixed instances policy.
    #[serde(skip)]
    pub mixed_instances: bool,
    /// Name of the launch template or launch configuration.
    pub launch_config_name: Option<String>,
    /// Image of new instances; filled only by [`super::groups_with_images`].
    pub image_id: Option<String>,
    /// Termination policies in order.
    pub termination_policies: Vec<String>,
    /// Subnet ids, comma-joined.
    pub vpc_zone_identifier: String,
    /// Names of attached classic load balancers.
    pub load_balancers: Vec<String>,
    /// ARNs of attached target groups.
    pub target_groups: Vec<String>,
    /// Tags.
    pub tags: Tags,
    /// Instances.
    pub instances: Vec<Member>,
    /// True while AWS deletes the group.
    #[serde(skip)]
    pub deleting: bool,
    /// What only Elastigroups have.
    #[serde(flatten)]
    pub spot: Option<Box<SpotGroup>>,
}

/// What only Elastigroups have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpotGroup {
    /// `sig-…`.
    pub id: String,
    /// Device mappings as the service states them.
    pub block_device_mappings: Value,
    /// Scheduled tasks as the service states them.
    pub scheduling: Value,
    /// Instances and requests for instances; filled only where they matter.
    #[serde(skip)]
    pub items: Option<usize>,
    /// The whole group.
    #[serde(skip)]
    pub document: Elastigroup,
}

/// An Elastigroup that is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpotRef {
    /// Name.
    pub name: String,
    /// Id; `None` if a change of the same plan creates the group.
    pub id: Option<String>,
}

impl Group {
    /// How many instances it has; of an Elastigroup how many items its status has, `None` if that was not read.
    pub fn count(&self) -> Option<usize> {
        match &self.spot {
            Some(spot) => spot.items,
            None => Some(self.instances.len()),
        }
    }

    /// The Elastigroup, if it is one.
    pub(super) fn elastigroup(&self) -> Option<&Elastigroup> {
        self.spot.as_ref().map(|spot| &spot.document)
    }

    /// How to address it, if it is an Elastigroup.
    pub(super) fn spot_ref(&self) -> Option<SpotRef> {
        let spot = self.spot.as_ref()?;
        Some(SpotRef {
            name: self.name.clone(),
            id: Some(spot.id.clone()),
        })
    }

    /// The hostclass in its name; empty if the name has none.
    pub fn hostclass(&self, env: &str) -> &str {
        names::hostclass_of(env, &self.name)
    }

    /// True while a deployment tests it: tag `is_testing` is truthy.
    pub fn is_testing(&self) -> bool {
        self.tags
            .get(tag::IS_TESTING)
            .is_some_and(|value| is_truthy(value))
    }

    /// Subnet ids in the order of the group.
    pub fn subnets(&self) -> impl Iterator<Item = &str> {
        self.vpc_zone_identifier
            .split(',')
            .map(str::trim)
            .filter(|id| !id.is_empty())
    }

    /// True if the group is of the environment: by name, unless its `environment` tag says otherwise.
    pub(super) fn belongs_to(&self, env: &str) -> bool {
        names::belongs_to(
            env,
            &self.name,
            self.tags.get(tag::ENVIRONMENT).map(String::as_str),
        )
    }
}

/// An instance of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Instance id.
    pub id: String,
    /// Lifecycle state such as `InService`.
    pub lifecycle_state: String,
}

/// An instance and the group that it is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Instance {
    /// Instance id.
    pub id: String,
    /// Name of its group.
    pub group: String,
    /// Lifecycle state such as `InService`.
    pub lifecycle_state: String,
}

/// What a group launches its instances from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaunchRef {
    /// One version of a launch template.
    Template {
        /// Template id.
        id: String,
        /// Template name.
        name: String,
        /// Version as the group states it: a number, `$Default` or `$Latest`.
        version: String,
    },
    /// A launch configuration of that name.
    Configuration(String),
    /// Nothing that we can read.
    None,
}

impl LaunchRef {
    /// Identifies the content: the template with its version, or the configuration.
    pub fn key(&self) -> String {
        match self {
            Self::Template { id, name, version } => format!(
                "template/{}:{version}",
                if id.is_empty() { name } else { id }
            ),
            Self::Configuration(name) => configuration_key(name),
            Self::None => String::new(),
        }
    }

    /// Name of the launch object.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Template { name, .. } | Self::Configuration(name) => {
                Some(name.as_str()).filter(|name| !name.is_empty())
            }
            Self::None => None,
        }
    }

    /// The keys under which the launch object as a whole counts as used: AWS states templates by id, by name, or by both.
    pub(super) fn object_keys(&self) -> Vec<String> {
        match self {
            Self::Template { id, name, .. } => {
                let known = [id, name].into_iter().filter(|text| !text.is_empty());
                known.map(|text| template_key(text)).collect()
            }
            Self::Configuration(name) => vec![configuration_key(name)],
            Self::None => Vec::new(),
        }
    }
}

/// Key of a template in the map of used launch objects, by id or by name.
pub(super) fn template_key(id_or_name: &str) -> String {
    format!("template/{id_or_name}")
}

/// Key of a launch configuration in the map of used launch objects.
pub(super) fn configuration_key(name: &str) -> String {
    format!("configuration/{name}")
}

/// "The" group of a hostclass; groups that AWS is deleting do not count. Of one group of each kind it is the newer
/// (spec 30, section 3.3).
///
/// # Errors
/// More than one of a kind.
pub fn the_group<'a>(groups: &'a [Group], env: &str, hostclass: &str) -> Result<Option<&'a Group>> {
    newest_of_kinds(groups, env, hostclass, 1)
}

/// As [`the_group`], but of two groups of a kind it is the newer: a deployment has them for a while.
///
/// # Errors
/// More than two of a kind.
pub fn the_newest_group<'a>(
    groups: &'a [Group],
    env: &str,
    hostclass: &str,
) -> Result<Option<&'a Group>> {
    newest_of_kinds(groups, env, hostclass, 2)
}

/// How the error of [`the_group`] and [`the_newest_group`] begins.
const TOO_MANY: &str = "too many";

/// True for the error of [`the_group`] and [`the_newest_group`].
pub(crate) fn is_too_many(error: &Error) -> bool {
    matches!(error, Error::Refused { what, .. } if what.starts_with(TOO_MANY))
}

fn newest_of_kinds<'a>(
    groups: &'a [Group],
    env: &str,
    hostclass: &str,
    limit: usize,
) -> Result<Option<&'a Group>> {
    let own = || groups.iter().filter(|group| is_of(group, env, hostclass));
    for kind in [Kind::Asg, Kind::Spot] {
        let found: Vec<&str> = own()
            .filter(|group| group.kind == kind)
            .map(|group| group.name.as_str())
            .collect();
        if found.len() > limit {
            let what = match kind {
                Kind::Asg => "autoscaling groups",
                Kind::Spot => "Elastigroups",
            };
            let text = format!(
                "{TOO_MANY} {what} for {hostclass} in environment `{env}`: {}",
                found.join(", ")
            );
            return Err(Error::refused(text).with_hint("delete the one that is not wanted with `disco_autoscale deletegroup --name GROUP --force`"));
        }
    }
    Ok(own().max_by(|a, b| a.name.cmp(&b.name)))
}

/// True if the group is one of the hostclass in the environment, and stays.
pub(super) fn is_of(group: &Group, env: &str, hostclass: &str) -> bool {
    !group.deleting
        && !hostclass.is_empty()
        && group.belongs_to(env)
        && group.hostclass(env) == hostclass
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    /// A group with nothing in it.
    pub(in crate::group) fn group(name: &str) -> Group {
        Group {
            name: name.to_owned(),
            kind: Kind::Asg,
            min_size: 0,
            max_size: 2,
            desired_capacity: 2,
            launch: LaunchRef::Template {
                id: format!("lt-{name}"),
                name: format!("{name}9"),
                version: "1".into(),
            },
            mixed_instances: false,
            launch_config_name: Some(format!("{name}9")),
            image_id: None,
            termination_policies: vec![
                "OldestLaunchConfiguration".into(),
                "OldestLaunchTemplate".into(),
            ],
            vpc_zone_identifier: "subnet-1,subnet-2".into(),
            load_balancers: Vec::new(),
            target_groups: Vec::new(),
            tags: Tags::new(),
            instances: Vec::new(),
            deleting: false,
            spot: None,
        }
    }

    #[test]
    fn the_group_is_strict_and_ignores_what_is_foreign_or_going() {
        let mut tagged = group("ci_2_mhcfoo_5");
        tagged.tags.insert("environment".into(), "ci_2".into());
        let deleting = Group {
            deleting: true,
            ..group("ci_mhcfoo_9")
        };
        let groups = [
            group("ci_mhcfoo_3"),
            deleting,
            tagged,
            group("ci2_mhcfoo_4"),
            group("ci_mhcfoo"),
            group("ci_mhcbar_2"),
            group("ci_mhcbar_1"),
        ];
        let table = [
            ("mhcfoo", Some("ci_mhcfoo_3")),
            ("mhcnone", None),
            ("", None),
            ("2_mhcfoo", None),
        ];
        for (hostclass, wanted) in table {
            assert_eq!(
                the_group(&groups, "ci", hostclass)
                    .unwrap()
                    .map(|g| g.name.as_str()),
                wanted,
                "{hostclass}"
            );
        }
        let error = the_group(&groups, "ci", "mhcbar").unwrap_err().to_string();
        assert_eq!(
            error,
            "too many autoscaling groups for mhcbar in environment `ci`: ci_mhcbar_2, ci_mhcbar_1"
        );
    }

    #[test]
    fn records_serialise_with_the_documented_keys() {
        let mut own = group("ci_mhcfoo_3");
        own.instances.push(Member {
            id: "i-1".into(),
            lifecycle_state: "InService".into(),
        });
        let json = serde_json::to_value(&own).unwrap();
        let keys: Vec<&str> = json
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let wanted = [
            "name",
            "type",
            "min_size",
            "max_size",
            "desired_capacity",
            "launch_config_name",
            "image_id",
            "termination_policies",
            "vpc_zone_identifier",
            "load_balancers",
            "target_groups",
            "tags",
            "instances",
        ];
        assert_eq!(keys, wanted);
        assert_eq!(
            (json["type"].as_str(), json["instances"][0]["id"].as_str()),
            (Some("asg"), Some("i-1"))
        );
    }

    #[test]
    fn testing_groups_are_those_whose_tag_is_truthy() {
        for (value, wanted) in [("1", true), ("True", true), ("0", false), ("", false)] {
            let mut own = group("g");
            own.tags.insert("is_testing".into(), value.into());
            assert_eq!(own.is_testing(), wanted, "{value}");
        }
        assert!(!group("g").is_testing());
    }

    #[test]
    fn launch_keys_tell_versions_apart_and_objects_together() {
        let version = |version: &str| LaunchRef::Template {
            id: "lt-1".into(),
            name: "n".into(),
            version: version.into(),
        };
        assert_ne!(version("1").key(), version("2").key());
        assert_eq!(
            version("1").object_keys(),
            version("$Default").object_keys()
        );
        assert_eq!(version("1").object_keys(), ["template/lt-1", "template/n"]);
        assert_eq!(
            LaunchRef::Configuration("n".into()).object_keys(),
            ["configuration/n"]
        );
        assert!(LaunchRef::None.object_keys().is_empty() && LaunchRef::None.name().is_none());
    }
}
