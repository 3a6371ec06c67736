//! Block devices of new hosts, and the facts about instance types that decide on them.

mod facts;
mod layout;
mod snapshot;

pub use facts::{TypeFacts, facts_of};
pub use layout::{DiskRequest, layout};
pub use snapshot::{Snapshot, latest_snapshots, wait_completed};
