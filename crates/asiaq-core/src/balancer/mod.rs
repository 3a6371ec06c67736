//! Load balancers of hostclasses: classic, application and network ones, with target groups, certificates and host names
//! (spec 70, sections 7 and 8; docs/balancers.md).
//!
//! `spec` is what is wanted, `observed` reads what is there for all hostclasses of a command at once, `changes` compares the
//! two into a plan (pure), `apply` executes. `classic` and `v2` hold what differs between the APIs, `records` the host names,
//! `serving` waits before they move, `listing` lists, `teardown` is the deletion of all balancers of a VPC. Groups are not known here: a plan says what a
//! group is to attach and to detach, see [`Attachments`].

mod apply;
mod attachments;
mod changes;
mod classic;
mod listing;
mod observed;
mod records;
mod serving;
mod spec;
mod standing;
mod teardown;
mod v2;

pub use apply::{BalancerAction, BalancerExecutor, executor};
pub use attachments::{Attachments, TargetGroup};
pub use changes::{PlannedBalancer, plan};
pub use classic::wait_in_service;
pub use listing::{ListedBalancer, list};
pub use observed::{BalancerState, observe};
pub use serving::ServingAction;
pub use spec::BalancerSpec;
pub use standing::{plan_testing_removal, wait_for_hosts};
pub use teardown::{Balancer, TeardownAction, apply_teardown, balancers, plan_teardown};
#[cfg(test)]
pub(crate) use v2::V2Action;
pub use v2::{
    VpcBalancer, VpcBalancers, VpcTargetGroup, plan_vpc_teardown, vpc_balancers, wait_healthy,
};
