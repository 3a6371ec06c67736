//! Groups: the hosts of one hostclass in one environment, with launch objects, schedules and scaling policies.
//!
//! `record` holds what other capabilities see, `observed` and `launch_specs` read it from AWS, `desired` is what provisioning asks for,
//! `changes` compares the two into a plan and `delete` plans the way back (all pure), `apply` and `calls` execute.
//! Elastigroups are another [`Kind`]; nothing here talks to their service yet. Load balancers are only read. Nothing
//! here prints or decides on options of the command line.

mod apply;
mod calls;
mod changes;
mod delete;
mod desired;
mod launch;
mod launch_objects;
mod launch_specs;
mod observed;
mod policy;
mod record;
mod scale;
mod template;

pub use apply::{GroupAction, GroupExecutor, GroupUpdate, NewGroup, executor};
pub use changes::{PlannedGroup, Target, plan_group, plan_target};
pub use delete::{DeleteFilter, plan_delete, wait_gone};
pub use desired::GroupSpec;
pub use launch::{BlockDevice, BlockDeviceKind, LaunchSpec};
pub use launch_objects::{
    LaunchObject, LaunchObjectKind, launch_objects, plan_clean_launch_objects,
    plan_delete_launch_object,
};
pub use observed::{
    GroupState, groups, groups_and_usage, groups_with_images, instances, launch_usage, observe,
};
pub use policy::{
    AdjustmentType, Aggregation, Alarm, Policy, PolicyOptions, PolicyRequest, PolicyRule,
    PolicyType, StepAdjustment, plan_delete_policy, plan_put_policy, policies,
};
pub use record::{Group, Instance, Kind, LaunchRef, Member, the_group};
pub use scale::{scale_down, terminate_instance};
