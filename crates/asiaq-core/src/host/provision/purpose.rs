//! What the groups of a request are for: a spinup, or a step of a deployment. Pure.

use crate::aws::Tags;
use crate::error::{Error, Result};
use crate::group::{Group, GroupAction, GroupSpec, GroupState, Target};
use crate::names::{REPLACES_NOTHING, tag};
use crate::pipeline::CreateSizes;
use crate::plan::Plan;

/// Which groups a request is about, and what for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// "The" group of each hostclass, or a new one.
    #[default]
    Spinup,
    /// A new group under test beside the one that serves. What serves stays as it is: group, normal balancer, target group,
    /// host names.
    Trial {
        /// The group that serves, if there is one.
        old: Option<&'a str>,
    },
    /// The group of that name, which was under test, is to serve. It stays marked as under test, and what leaves with the old
    /// group stays too: the deployment sees to both afterwards.
    Admission {
        /// The group.
        group: &'a str,
        /// Its sizes from now on. Those of the row count for recurring actions only.
        sizes: CreateSizes,
    },
    /// The future hosts of the group of that name launch as the row says. Nothing else changes.
    Image {
        /// The group.
        group: &'a str,
    },
}

impl<'a> Purpose<'a> {
    /// The group that is planned.
    pub(super) fn target(self) -> Target<'a> {
        match self {
            Self::Spinup => Target::Hostclass,
            Self::Trial { .. } => Target::Another,
            Self::Admission { group, .. } | Self::Image { group } => Target::Named(group),
        }
    }

    pub(super) fn is_trial(self) -> bool {
        matches!(self, Self::Trial { .. })
    }

    /// The group that the request names, which must be there.
    pub(super) fn named<'g>(
        self,
        groups: &'g GroupState,
        env: &str,
        hostclass: &str,
    ) -> Result<Option<&'g Group>> {
        let Target::Named(name) = self.target() else {
            return Ok(None);
        };
        let found = find(groups, name);
        let found = found.filter(|group| !group.deleting && group.hostclass(env) == hostclass);
        found.map(Some).ok_or_else(|| {
            Error::not_found(format!(
                "group {name} of hostclass {hostclass} is gone from environment `{env}`"
            ))
        })
    }

    /// The group whose instance types count where the row has none.
    pub(super) fn typical<'g>(
        self,
        groups: &'g GroupState,
        hostclass: &str,
    ) -> Result<Option<&'g Group>> {
        match self {
            Self::Spinup => groups.existing(hostclass),
            Self::Trial { old } => Ok(old.and_then(|name| find(groups, name))),
            Self::Admission { group, .. } | Self::Image { group } => Ok(find(groups, group)),
        }
    }

    /// Tags of the group, from those that any group of the row gets.
    pub(super) fn group_tags(self, groups: &GroupState, mut tags: Tags) -> Tags {
        match self {
            Self::Spinup => {}
            Self::Trial { old } => {
                let old = old.unwrap_or(REPLACES_NOTHING).to_owned();
                tags.insert(tag::DEPLOY_REPLACES.to_owned(), old);
            }
            Self::Admission { group, .. } => {
                let own = find(groups, group).map(|group| &group.tags);
                for key in [tag::IS_TESTING, tag::DEPLOY_REPLACES] {
                    let value = own.and_then(|tags| tags.get(key));
                    tags.extend(value.map(|value| (key.to_owned(), value.clone())));
                }
            }
            Self::Image { group } => {
                if let Some(group) = find(groups, group) {
                    tags = group.tags.clone();
                }
            }
        }
        tags
    }

    /// The group of the row as this purpose wants it.
    pub(super) fn shaped(self, spec: GroupSpec) -> GroupSpec {
        match self {
            Self::Spinup | Self::Trial { .. } => spec,
            Self::Admission { sizes, .. } => GroupSpec {
                min: Some(sizes.min),
                desired: sizes.desired,
                max: Some(sizes.max),
                ..spec
            },
            Self::Image { .. } => GroupSpec {
                min: None,
                desired: None,
                max: None,
                subnets: Vec::new(),
                termination_policies: Vec::new(),
                reserve: None,
                ..spec
            },
        }
    }

    /// The plan of the group as this purpose wants it: recurring actions last when a group is admitted, nothing but the launch
    /// of instances for an image.
    pub(super) fn ordered(self, plan: Plan<GroupAction>) -> Plan<GroupAction> {
        match self {
            Self::Spinup | Self::Trial { .. } => plan,
            Self::Admission { .. } => {
                let (schedules, mut rest) =
                    plan.partition(|change| change.id.starts_with("schedule"));
                let before = rest.ids();
                rest.extend(schedules.after(&before));
                rest
            }
            Self::Image { .. } => {
                let launch = |id: &str| id.starts_with("template/") || id.starts_with("group/");
                plan.partition(|change| launch(&change.id)).0
            }
        }
    }
}

fn find<'g>(groups: &'g GroupState, name: &str) -> Option<&'g Group> {
    groups.groups().iter().find(|group| group.name == name)
}
