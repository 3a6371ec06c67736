//! A tree of files laid over another one, by hostclass, with owners and modes (spec 10, section 11). No AWS here: this is
//! built statically for hosts of any age, so it asks the C library for nothing that needs plug-ins (accounts, names).
//!
//! Observe ([`Source`], [`Disk`]) → plan ([`plan()`], pure) → show (the lines of the [`Plan`]) → [`apply()`].

mod apply;
mod disk;
mod error;
pub mod metadata;
mod plan;
pub mod select;
mod source;
mod users;

pub use apply::apply;
pub use disk::Disk;
pub use error::{AcfgError, Problem};
pub use plan::{
    Accounts, Found, Item, Level, Meta, Owner, Plan, Request, Step, Target, Times, plan,
};
pub use source::{Entry, Folder, Source};
pub use users::{LocalAccounts, MakeAccounts};

use std::path::Path;

/// The hostclass of the machine: first line of a file, without spaces around it.
///
/// # Errors
/// The file is missing, cannot be read, or its first line is empty.
pub fn hostclass_of(file: &Path) -> Result<String, AcfgError> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(AcfgError::NoHostclass(file.to_owned()));
        }
        Err(error) => return Err(AcfgError::io("read", file)(error)),
    };
    let text = String::from_utf8_lossy(&bytes);
    match text.lines().next().map(str::trim) {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(AcfgError::EmptyHostclass(file.to_owned())),
    }
}
