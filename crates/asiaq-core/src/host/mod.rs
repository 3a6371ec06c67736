//! Hosts: instances of an environment. Selecting and listing them, small commands, smoke tests, and provisioning pipelines.
//!
//! Nothing here prints; listings are records plus their text layout.

mod balancer_update;
mod balancing;
mod capacity;
mod capture;
pub mod chaos;
mod commands;
mod listing;
pub mod login;
pub mod provision;
mod record;
pub mod remote;
mod respin;
mod select;
mod smoke;
mod spindown;
mod switching;

pub use balancer_update::{
    BalancerUpdate, BalancerUpdateAction, list_balancers, plan_balancer_delete,
    plan_balancer_removal, plan_balancer_update,
};
pub use balancing::balancer_spec;
pub use capture::{Captured, capture, plan_capture};
pub use commands::{
    HostAction, apply, images_of, plan_promote_running, plan_stop, plan_tag, plan_terminate,
    selection_line,
};
pub use listing::{Columns, HostRow, rows};
pub use record::Host;
pub use respin::{Respin, plan_respin};
pub(crate) use select::by_ids;
pub use select::{Selection, hosts_of, select, split_gone};
pub(crate) use smoke::wait as wait_smoke_tested;
pub use smoke::{Readiness, Smoke};
pub use spindown::{Balancers, Spindown, SpindownAction, plan_spindown};
pub(crate) use switching::detach;
