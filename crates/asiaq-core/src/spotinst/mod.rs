//! Spotinst: the REST client and the Elastigroup document (spec 30, sections 11 to 13). Knows nothing of AWS
//! and of groups in general; what to change is decided by `group`.
//!
//! `settings` and `access` say whether and as whom, `client` makes the requests and repeats them, `answer`
//! reads what comes back; `elastigroup` reads a group's document, `document`, `device` and `schedule` write
//! it; `roll` replaces instances.

mod access;
mod answer;
mod client;
mod device;
mod document;
mod elastigroup;
mod error;
mod json;
mod roll;
mod schedule;
mod settings;

pub use access::Access;
pub use client::{Spotinst, StatusItem};
pub use device::{BlockDevice, BlockDeviceKind, device_mappings};
pub use document::{
    Balancers, GroupChange, NewElastigroup, Strategy, create_document, instance_tags, type_list,
    update_document,
};
pub use elastigroup::Elastigroup;
pub use error::SpotinstError;
pub use roll::{HealthCheck, Roll, RollStatus};
pub use schedule::ScaleTask;
pub use settings::SpotinstSettings;
