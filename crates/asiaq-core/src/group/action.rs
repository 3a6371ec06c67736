//! The changes that plans of groups are made of, as data. Pure; `apply` executes them.

use super::launch::LaunchSpec;
use super::policy::PolicyRequest;
use super::record::{LaunchRef, SpotRef};
use super::template_copy::TemplateData;
use crate::aws::Tags;
use crate::balancer::TargetGroup;
use crate::pipeline::{CreateSizes, RecurringAction};
use crate::spotinst::{GroupChange, NewElastigroup};

/// One change to groups, launch objects, policies or schedules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupAction {
    /// Create a launch template with one version.
    CreateTemplate {
        /// Name; another one is drawn if it is taken.
        name: String,
        /// Environment.
        env: String,
        /// Hostclass.
        hostclass: String,
        /// Content, as far as Asiaq decides it.
        spec: Box<LaunchSpec>,
        /// All of the content, if it is a copy of another launch object's.
        copied: Option<TemplateData>,
    },
    /// Create a group.
    CreateGroup(NewGroup),
    /// Update a group.
    UpdateGroup(GroupUpdate),
    /// Attach an Auto Scaling group.
    Attach {
        /// Group.
        group: String,
        /// Names of classic load balancers.
        load_balancers: Vec<String>,
        /// Target groups; the same plan may create them.
        target_groups: Vec<TargetGroup>,
    },
    /// Detach an Auto Scaling group.
    Detach {
        /// Group.
        group: String,
        /// Names of classic load balancers.
        load_balancers: Vec<String>,
        /// ARNs of target groups.
        target_groups: Vec<String>,
    },
    /// Create an Elastigroup.
    CreateElastigroup {
        /// The group, with those target groups that exist.
        group: Box<NewElastigroup>,
        /// Target groups that the same plan creates.
        new_target_groups: Vec<TargetGroup>,
    },
    /// Change an Elastigroup.
    UpdateElastigroup {
        /// Group.
        group: SpotRef,
        /// What changes.
        change: Box<GroupChange>,
    },
    /// Attach an Elastigroup to these and to nothing else.
    AttachElastigroup {
        /// Group.
        group: SpotRef,
        /// Names of classic load balancers.
        load_balancers: Vec<String>,
        /// ARNs of target groups that it is attached to and that stay.
        kept_target_groups: Vec<String>,
        /// Further target groups; the same plan may create them.
        new_target_groups: Vec<TargetGroup>,
    },
    /// Delete an Elastigroup with its instances.
    DeleteElastigroup(SpotRef),
    /// Add or overwrite tags of a group; running instances keep theirs.
    PutTags {
        /// Group.
        group: String,
        /// Tags.
        tags: Tags,
    },
    /// Remove tags of a group; running instances keep theirs.
    DeleteTags {
        /// Group.
        group: String,
        /// Keys.
        keys: Vec<String>,
    },
    /// Replace the instances of a group, a few at a time.
    Refresh(NewRefresh),
    /// Create or overwrite a scaling policy.
    PutPolicy(PolicyRequest),
    /// Delete a scaling policy.
    DeletePolicy {
        /// Group.
        group: String,
        /// Name or ARN.
        name: String,
    },
    /// Create a recurring action.
    PutSchedule {
        /// Group.
        group: String,
        /// Schedule and sizes.
        action: RecurringAction,
    },
    /// Delete a scheduled action.
    DeleteSchedule {
        /// Group.
        group: String,
        /// Name of the action.
        name: String,
    },
    /// Delete a group, then its launch object.
    DeleteGroup {
        /// Group.
        name: String,
        /// Whether its instances go with it; without, AWS refuses if it has any.
        force: bool,
        /// Whether AWS' refusal is an error; else it is a note.
        strict: bool,
        /// Launch object that nothing else uses.
        launch: Option<LaunchRef>,
    },
    /// Delete a launch object.
    DeleteLaunchObject {
        /// Which.
        launch: LaunchRef,
        /// Whether AWS' refusal is an error; else it is a note.
        strict: bool,
    },
}

/// A group to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// Name.
    pub name: String,
    /// Planned name of its template.
    pub template: String,
    /// Sizes.
    pub sizes: CreateSizes,
    /// Subnet ids.
    pub subnets: Vec<String>,
    /// Tags of the group and of its instances.
    pub tags: Tags,
    /// Termination policies.
    pub termination_policies: Vec<String>,
    /// Names of classic load balancers.
    pub load_balancers: Vec<String>,
    /// Target groups; the same plan may create them.
    pub target_groups: Vec<TargetGroup>,
}

/// A replacement of all instances of a group that launch from something else than they are to launch from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRefresh {
    /// Group.
    pub group: String,
    /// What it launches from in future.
    pub template: RefreshTemplate,
    /// Share of the desired instances that stays in service, in percent.
    pub min_healthy_percentage: u32,
    /// Share of the desired instances that there may be meanwhile, in percent; `None` leaves it to AWS.
    pub max_healthy_percentage: Option<u32>,
    /// Seconds until a new instance counts.
    pub warmup: u32,
    /// What the group launched from before, as [`super::RollsFrom`] has it: recorded in a tag before the refresh starts.
    pub rolls_from: Option<String>,
}

/// The launch template of a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefreshTemplate {
    /// One that the same plan creates, by planned name.
    Planned(String),
    /// One that exists.
    Existing {
        /// Template id.
        id: String,
        /// Version.
        version: String,
    },
}

/// What changes about a group. What is absent or empty stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupUpdate {
    /// Name.
    pub name: String,
    /// Planned name of its new template.
    pub template: Option<String>,
    /// Subnet ids.
    pub subnets: Vec<String>,
    /// Fewest instances.
    pub min: Option<u32>,
    /// Instances wanted now.
    pub desired: Option<u32>,
    /// Most instances.
    pub max: Option<u32>,
    /// Termination policies.
    pub termination_policies: Vec<String>,
}
