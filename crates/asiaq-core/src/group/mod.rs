//! Groups: the hosts of one hostclass in one environment, with launch objects, schedules and scaling policies.
//!
//! One facade for both kinds: Auto Scaling groups and Elastigroups. `record` holds what other capabilities see of either,
//! `observed` and `launch_specs` read it from AWS, `spot` from Spotinst; `desired` is what provisioning asks for. `kind` chooses the
//! service; `changes` and `spot_changes` compare into a plan, with `attach` for load balancers; `snapshot` changes a snapshot,
//! `delete` plans the way back, `mark` sets single tags (all pure). `apply`, `calls` and `spot_apply` execute. `template` and `template_copy` write
//! templates; `snapshot_users` tells which images and snapshots new hosts start from. `refresh`
//! replaces the instances of a group. `clouds` names the services of both kinds of groups.
//! Nothing here prints or decides on options of the command line.

mod action;
mod apply;
mod attach;
mod calls;
mod changes;
mod clouds;
mod delete;
mod desired;
mod draining;
mod kind;
mod launch;
mod launch_objects;
mod launch_specs;
mod mark;
mod observed;
mod policy;
mod record;
mod refresh;
mod scale;
mod snapshot;
mod snapshot_users;
mod spot;
mod spot_apply;
mod spot_changes;
mod template;
mod template_copy;

pub use action::{GroupAction, GroupUpdate, NewGroup, NewRefresh, RefreshTemplate};
pub use apply::{GroupExecutor, executor};
pub use attach::{AttachmentSpec, Extent, attaching, detaching, plan_attachments};
pub use changes::{PlannedGroup, Target, plan_group, plan_target};
pub use clouds::Clouds;
pub use delete::{DeleteFilter, plan_delete, wait_gone};
pub use desired::GroupSpec;
pub use kind::kind_for;
pub use launch::{BlockDevice, BlockDeviceKind, LaunchSpec};
pub use launch_objects::{
    LaunchObject, LaunchObjectKind, launch_objects, plan_clean_launch_objects,
    plan_delete_launch_object,
};
pub use launch_specs::image_of;
pub use mark::{RollsFrom, plan_mark, tag_instances};
pub use observed::{
    GroupState, Survey, groups, groups_and_usage, groups_with_images, instances, launch_usage,
    observe, observe_launch, survey,
};
pub use policy::{
    AdjustmentType, Aggregation, Alarm, Policy, PolicyOptions, PolicyRequest, PolicyRule,
    PolicyType, StepAdjustment, plan_delete_policy, plan_put_policy, policies,
};
pub(crate) use record::is_too_many;
pub use record::{
    Group, Instance, Kind, LaunchRef, Member, SpotGroup, SpotRef, the_group, the_newest_group,
};
pub use refresh::{Refresh, RefreshState, refreshes, roll_back, spared};
pub use scale::{scale_down, terminate_instance};
pub use snapshot::plan_snapshot_update;
pub use snapshot_users::{Among, LaunchUsers, image_users, snapshot_users};
pub use spot::{
    former_launch, invisible, read_statuses, refuse_policies_of_elastigroup, roll, roll_with,
    wait_rolled,
};
pub use template_copy::TemplateData;
