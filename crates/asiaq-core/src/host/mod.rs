//! Hosts: instances of an environment. Selecting and listing them, small commands, smoke tests, and provisioning pipelines.
//!
//! Nothing here prints; listings are records plus their text layout.

mod capacity;
mod commands;
mod listing;
pub mod provision;
mod record;
mod select;
mod smoke;
mod spindown;

pub use commands::{
    HostAction, apply, images_of, plan_promote_running, plan_stop, plan_tag, plan_terminate,
    selection_line,
};
pub use listing::{Columns, HostRow, rows};
pub use record::Host;
pub use select::{Selection, hosts_of, select};
pub use smoke::{Readiness, readiness};
pub use spindown::{Spindown, plan_spindown};
