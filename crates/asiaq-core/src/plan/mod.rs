//! The one pattern for changing AWS: observe, plan (pure), show, apply.
//!
//! A [`Plan`] is a list of changes that name what they need. [`Plan::lines`] shows it, [`Plan::apply`] runs it: a change
//! starts as soon as everything that it needs is done, so independent changes run concurrently (the HTTP layer
//! bounds the calls under way). A failed change stops what depends on it; everything else is finished and the error
//! reports what is done, what failed and what was not started. Because the desired and the observed state decide
//! the plan, running the command again goes on where it stopped.

mod apply;
mod change;
mod interrupt;
mod yields;

pub use apply::{Apply, ApplyError, Failed};
pub use change::{Change, Lines, Plan, Sign};
pub use interrupt::{Charge, Interrupt};
pub use yields::Yields;

/// Receives what happens while a plan is applied. The command line shows it; tests may collect it.
pub trait Progress: Send + Sync {
    /// `total` more changes are going to be applied.
    fn begin(&self, total: usize);
    /// A change is done; these are its plan lines.
    fn done(&self, lines: &[String]);
    /// A change was not made, which the plan can do without; `why` says what stays.
    fn left(&self, why: &str);
    /// A change failed.
    fn failed(&self, line: &str, error: &crate::Error);
    /// Something that the operator should know while waiting.
    fn note(&self, text: &str);
    /// From now on parts of the command are told as numbered steps, `total` of them if nothing comes in between.
    fn steps(&self, _total: usize) {}
    /// A part of a long command begins, such as a sequence of a pipeline. `kept` are lines of what is as wanted already.
    fn stage(&self, _title: &str, _kept: &[String]) {}
}

/// Progress that nobody looks at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _total: usize) {}
    fn done(&self, _lines: &[String]) {}
    fn left(&self, _why: &str) {}
    fn failed(&self, _line: &str, _error: &crate::Error) {}
    fn note(&self, _text: &str) {}
}
