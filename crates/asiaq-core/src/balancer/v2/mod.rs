//! Application and Network Load Balancers, and target groups (docs/balancers.md; spec 70, section 7.9).
//!
//! `desired` says what a hostclass wants, `observed` reads what is there for all hostclasses at once. `changes` plans the
//! balancer itself, `groups`, `listeners`, `attributes` and `records` what belongs to it, `leaving` what goes, `lone` the
//! target group of a hostclass that has no balancer of this kind; all of them are pure. `apply` executes. `health` waits for
//! hosts, `listing` lists, `teardown` is for the destruction of an environment.

mod action;
mod apply;
mod attributes;
mod changes;
mod desired;
mod groups;
mod health;
mod leaving;
mod listeners;
mod listing;
mod lone;
mod observed;
mod records;
mod teardown;

pub(super) use action::BalancerRef;
pub use action::V2Action;
pub(super) use apply::{apply, wait_serving};
pub(super) use changes::plan;
pub use health::wait_healthy;
pub(super) use health::wait_healthy_within;
pub(super) use leaving::plan_leaving;
pub(super) use listing::list;
pub(super) use lone::plan_target_group;
pub(super) use observed::V2State;
pub use teardown::{VpcBalancer, VpcBalancers, VpcTargetGroup, plan_vpc_teardown, vpc_balancers};
pub(super) use teardown::{delete_balancer, delete_target_group};

#[cfg(test)]
mod tests;
