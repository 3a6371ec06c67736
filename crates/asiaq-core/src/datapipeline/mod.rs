//! AWS Data Pipeline: listing and deleting pipelines, and the backups of DynamoDB tables that run as pipelines.
//!
//! `observed` reads pipelines, `record` selects and shows them (pure), `times` is about their dates (pure), `definition` reads
//! template files (pure), `words` checks words of the command line (pure), `backup` is about buckets, backups and jobs,
//! `changes` compares a job with what is there into a plan (pure), `apply` executes it, `closed` explains refusals of accounts
//! that do not have the service. Nothing here prints.

mod apply;
mod backup;
mod changes;
mod closed;
mod convert;
pub mod definition;
mod delete;
mod observed;
mod record;
#[cfg(test)]
mod testing;
mod times;
mod words;

pub use apply::apply;
pub use backup::{Backup, Backups, JobOptions, Planned};
pub use changes::PipelineAction;
pub use delete::{Deletion, plan_delete};
pub use observed::read;
pub use record::{Columns, Listed, Pipeline, Selection};
pub use times::Zone;
pub use words::{directory, period, table};
