//! What has to be done so that one tree lies over another one. Pure: it sees the target through [`Target`] and the accounts
//! through [`Accounts`], and opens nothing.
//!
//! Links of the target are followed as long as they stay in it, also those that the run itself will make: `overlay` is the
//! target as it will be. So every path of a [`Step`] is free of links, and applying it follows none.

mod copy;
mod overlay;
mod owners;
mod steps;

use crate::error::{AcfgError, Problem};
use crate::source::Source;
use overlay::Overlay;
use std::path::{Path, PathBuf};

/// Access and modification time: seconds and nanoseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// Last access.
    pub accessed: (i64, i64),
    /// Last change of the contents.
    pub modified: (i64, i64),
}

/// What is known of a file or directory of the target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Meta {
    /// Number of the user.
    pub uid: u32,
    /// Number of the group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
    /// Its times.
    pub times: Times,
}

/// What is at a path of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Missing,
    /// A directory.
    Directory(Meta),
    /// A file.
    File(Meta),
    /// A link and where it leads.
    Link(PathBuf),
    /// A socket, pipe or device.
    Special,
}

/// The tree over which another one is laid.
pub trait Target {
    /// Its real path. `/` is the whole machine: no link leads out of it.
    fn root(&self) -> &Path;

    /// What is at a path whose directories are no links. Nothing is at a path below something that is no directory.
    ///
    /// # Errors
    /// The system refuses to say.
    fn look(&self, path: &Path) -> Result<Found, AcfgError>;

    /// Whether a file of the source and a file of the target have the same contents.
    ///
    /// # Errors
    /// One of them cannot be read.
    fn same(&self, from: &Path, path: &Path) -> Result<bool, AcfgError>;
}

/// Users and groups of the machine.
pub trait Accounts {
    /// The number of a user.
    ///
    /// # Errors
    /// The program that knows users fails.
    fn user(&self, name: &str) -> Result<Option<u32>, AcfgError>;

    /// The number of a group.
    ///
    /// # Errors
    /// The program that knows groups fails.
    fn group(&self, name: &str) -> Result<Option<u32>, AcfgError>;
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The source tree.
    pub source: &'a Source,
    /// The target as the user named it, for lines.
    pub shown: &'a Path,
    /// The hostclasses, strongest first.
    pub hostclasses: &'a [String],
}

/// User and group by name, or by number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// The user.
    pub user: String,
    /// The group.
    pub group: String,
}

/// One change. Paths are below the target, without links on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make a group.
    Group(String),
    /// Make a user whose group is this.
    User(Owner),
    /// Make a directory, for the running user alone until its mode is set.
    Directory(PathBuf),
    /// Write a file. Without an owner that of a present file stays.
    Copy {
        /// The file of the source.
        from: PathBuf,
        /// The file of the target.
        to: PathBuf,
        /// Who owns it afterwards.
        owner: Option<Owner>,
        /// Its mode afterwards.
        mode: u32,
    },
    /// Make a link, instead of a file or link that may be there.
    Link {
        /// Where the link is.
        at: PathBuf,
        /// Where it leads.
        to: PathBuf,
    },
    /// Change the owner. The mode is set again, because a change of owner takes set-id bits away.
    Own {
        /// Of what.
        path: PathBuf,
        /// The owner afterwards.
        owner: Owner,
        /// The mode afterwards.
        mode: u32,
    },
    /// Change the mode.
    Mode {
        /// Of what.
        path: PathBuf,
        /// The mode afterwards.
        mode: u32,
    },
    /// Change the times of a directory.
    Times {
        /// Which directory.
        path: PathBuf,
        /// The times afterwards.
        times: Times,
    },
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Only with `--debug`.
    Debug,
    /// What is done.
    Info,
    /// What is left out and perhaps should not be.
    Warning,
}

/// A line to show, and the change it tells of, if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// How much it matters.
    pub level: Level,
    /// The line.
    pub text: String,
    /// The change.
    pub step: Option<Step>,
}

/// All that is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Lines and changes.
    pub items: Vec<Item>,
}

impl Plan {
    /// The changes.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.items.iter().filter_map(|item| item.step.as_ref())
    }

    /// Nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        self.steps().next().is_none()
    }

    pub(crate) fn note(&mut self, level: Level, text: String) {
        let step = None;
        self.items.push(Item { level, text, step });
    }

    pub(crate) fn step(&mut self, level: Level, text: String, step: Step) {
        let step = Some(step);
        self.items.push(Item { level, text, step });
    }
}

/// Plans.
///
/// # Errors
/// [`AcfgError::Refused`] with all that forbids the run, or the system refuses to say what is there.
pub fn plan(
    request: &Request,
    target: &impl Target,
    accounts: &impl Accounts,
) -> Result<Plan, AcfgError> {
    let (entries, mut problems) = owners::read(request.source);
    let mut overlay = Overlay::new(target);
    let mut notes = Plan::default();
    copy::decide(request, &mut overlay, &mut notes, &mut problems)?;
    let wanted = owners::decide(request, &overlay, &entries, &mut problems)?;
    if !problems.is_empty() {
        return Err(AcfgError::Refused(problems));
    }
    steps::steps(request, &overlay, notes, &wanted, accounts)
}

fn refuse(problems: &mut Vec<Problem>, place: &Path, text: impl Into<String>) {
    problems.push(Problem::new(place.display(), text));
}

#[cfg(test)]
mod tests;
