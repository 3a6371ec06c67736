//! Block devices of new hosts, and the snapshots that they are made from.
//!
//! `layout` is pure, with the `facts` about instance types; `snapshot` finds what new hosts mount. `record` reads snapshots;
//! `manage` plans to list, clean up, delete, capture and update, `create` to make the first one of a hostclass, `purge` holds the
//! rules of a purge (pure) and `apply` executes all of these. Nothing here prints or decides on options of the command line.

mod apply;
mod create;
mod facts;
mod layout;
mod manage;
pub mod purge;
mod record;
mod snapshot;

pub use apply::{Applied, SnapshotAction, VolumeRef, apply};
pub use create::{CreateRequest, plan_create};
pub use facts::{TypeFacts, facts_of};
pub use layout::{DiskRequest, layout};
pub use manage::{Planned, list, plan_capture, plan_cleanup, plan_delete, plan_purge, plan_update};
pub use record::SnapshotRecord;
pub use snapshot::{Snapshot, latest_snapshots, wait_completed};
