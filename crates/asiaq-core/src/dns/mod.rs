//! Route 53: zones, records, and changes of records, many in one call (spec 70, section 9).
//!
//! `zone` and `record` read; `lookup` reads the records of some names the cheapest way; `writer` changes,
//! with `batch` deciding what goes into one call; `cname` finds what leads to a host that goes; `edit` is
//! what an operator asks for by hand.

mod batch;
mod cname;
mod edit;
mod lookup;
mod name;
mod record;
mod writer;
mod zone;

pub use cname::{Cname, cnames_of};
pub use edit::{Edit, Listed, apply, listing, plan_create, plan_delete};
pub use lookup::{Names, lookup};
pub use record::{Alias, Record, Target};
pub use writer::{RecordChange, Writer};
pub use zone::{Zone, zone_named, zones};
