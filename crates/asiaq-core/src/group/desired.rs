//! What provisioning asks of a group. Pure.

use super::launch::LaunchSpec;
use crate::aws::Tags;
use crate::balancer::Attachments;
use crate::names;
use crate::pipeline::{CreateSizes, RecurringAction, Reserve, create_sizes};
use std::collections::BTreeMap;

use rand::{Rng, RngExt};

/// Termination policies of new groups: the first still orders instances of groups converted from launch configurations.
const DEFAULT_TERMINATION_POLICIES: [&str; 2] =
    ["OldestLaunchConfiguration", "OldestLaunchTemplate"];

/// The group that one row of a pipeline asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSpec {
    /// Environment.
    pub env: String,
    /// Hostclass.
    pub hostclass: String,
    /// What instances are launched with.
    pub launch: LaunchSpec,
    /// Subnet ids, preferred order.
    pub subnets: Vec<String>,
    /// Fewest instances, if given; 0 is a value.
    pub min: Option<u32>,
    /// Instances wanted now, if given.
    pub desired: Option<u32>,
    /// Most instances, if given.
    pub max: Option<u32>,
    /// Tags of the group and of its future instances.
    pub tags: Tags,
    /// Termination policies; empty for the default.
    pub termination_policies: Vec<String>,
    /// Whether a new group is to be an Elastigroup; an existing one stays what it is.
    pub want_spot: bool,
    /// All instance types of the list; the first is that of `launch`.
    pub instance_types: Vec<String>,
    /// Zones of the subnets, by subnet id.
    pub zones: BTreeMap<String, String>,
    /// On-demand instances of an Elastigroup, if given.
    pub reserve: Option<Reserve>,
    /// What the group is to be attached to; an empty list changes nothing.
    pub attach: Attachments,
    /// What the group is to be detached from, if it is attached.
    pub detach: Attachments,
    /// The recurring actions that the group is to have, all of them.
    pub recurring: Vec<RecurringAction>,
}

impl GroupSpec {
    /// Sizes of a new group (spec 30, section 5.1).
    pub(super) fn create_sizes(&self) -> CreateSizes {
        create_sizes(self.min, self.desired, self.max)
    }

    /// Termination policies of a new group.
    pub(super) fn create_termination_policies(&self) -> Vec<String> {
        let default = || DEFAULT_TERMINATION_POLICIES.map(str::to_owned).to_vec();
        if self.termination_policies.is_empty() {
            default()
        } else {
            self.termination_policies.clone()
        }
    }
}

/// A random name for a launch template.
pub(super) fn draw_template_name(env: &str, hostclass: &str, rng: &mut impl Rng) -> String {
    names::launch_template(env, hostclass, rng.random_range(0..9_999_999))
}
