//! Classic Load Balancers (spec 70, sections 7.3 to 7.8 and 7.10).
//!
//! `record` is one balancer as it is, `observed` reads, `changes` and `stickiness` plan (pure), `apply` executes, `health`
//! waits for instances.

mod apply;
mod changes;
mod health;
mod observed;
mod record;
mod stickiness;

pub(super) use apply::{ClassicAction, apply};
pub(super) use changes::{plan, plan_leaving};
pub use health::wait_in_service;
pub(super) use health::wait_in_service_within;
pub(super) use observed::{ClassicState, list};
