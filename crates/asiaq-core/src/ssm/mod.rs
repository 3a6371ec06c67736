//! Systems Manager: the documents of the account, kept as files under `ssm/documents/`, and commands that run a document
//! on hosts (spec 40, sections 10 and 11).
//!
//! Of the account's own documents only those of type Command are changed, and none whose name starts with `AWS-`.
//! Nothing here prints.

mod apply;
mod changes;
pub mod command;
mod desired;
mod document;
mod observed;

pub(crate) use desired::name_of as document_name_of;

pub use apply::apply;
pub use changes::{DocumentAction, Summary, Update};
pub use document::{Document, Text, get, header, list};

use crate::aws::Aws;
use crate::config::ConfigDir;
use crate::error::Result;

/// What makes the documents of the account like the files of the configuration directory. All files are read and checked
/// before the first call.
///
/// # Errors
/// No folder `ssm/documents`, a file that is no valid document, or a file named like a document of another type.
pub async fn plan_update(aws: &Aws, dir: &ConfigDir) -> Result<Update> {
    let desired = desired::read(dir)?;
    let existing = observed::observe(aws, &desired).await?;
    Ok(changes::changes(&desired, &existing)?)
}
