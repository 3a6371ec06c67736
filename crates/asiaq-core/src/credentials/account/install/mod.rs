//! Installs the accounts of a bucket on a host, or into a tree that is to become one (spec 10, section 9.3).
//!
//! Reads the records and the user database, plans (pure), and lets the programs of the system make the changes. Nothing that
//! is right already is touched, so a second run changes nothing. A failure with one account stops no other.

mod apply;
mod keys;
mod plan;
mod shadow;
mod system;

pub use plan::Step;

use super::record::{Kind, Record};
use super::store::Accounts;
use crate::error::{Error, Result};
use crate::plan::{Plan, Progress};
use keys::Root;
use std::path::Path;
use system::System;

/// What a host has to change to have the accounts of a bucket.
#[derive(Debug)]
pub struct Install {
    /// The changes.
    pub plan: Plan<Step>,
    /// Accounts, or parts of them, that cannot be installed.
    pub failures: Vec<Error>,
    root: Root,
}

impl Install {
    /// Reads records and system and plans. `root` is a tree to install into instead of this host.
    ///
    /// # Errors
    /// There is no such tree; the bucket or the user database cannot be read.
    pub async fn plan(accounts: &Accounts<'_>, root: Option<&Path>) -> Result<Self> {
        let root = Root::new(root).map_err(Error::refused)?;
        let system = System::read(&root)?;
        let (groups, users) =
            futures::future::try_join(accounts.load(Kind::Group), accounts.load(Kind::User))
                .await?;
        let usable = |accounts: Vec<super::Account>| -> Vec<(String, Record)> {
            let short = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
            let named = accounts.into_iter().map(|a| (short(&a.name), a.record));
            named
                .filter_map(|(name, record)| Some((name, record?)))
                .collect()
        };
        let look = |home: &str, uid: u32, gid: u32| root.look(home, uid, gid);
        let (plan, failures) = plan::plan(&usable(groups), &usable(users), &system, look);
        Ok(Self {
            plan,
            failures,
            root,
        })
    }

    /// Fails if there is an account that cannot be installed, and changes nothing.
    ///
    /// # Errors
    /// All such accounts.
    pub fn check(self) -> Result<()> {
        Error::from_list(self.failures).map_or(Ok(()), Err)
    }

    /// Makes the changes. Everything that failed is reported together, also what could not be planned.
    ///
    /// # Errors
    /// A change failed, or could not be planned.
    pub async fn apply(self, progress: &dyn Progress) -> Result<()> {
        let applied = self
            .plan
            .apply(&apply::Executor::new(&self.root), progress)
            .await;
        let mut failures = self.failures;
        failures.extend(applied.err().map(Error::from));
        Error::from_list(failures).map_or(Ok(()), Err)
    }
}
