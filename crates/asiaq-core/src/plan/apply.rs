//! Applies a plan: everything as early as its needs allow, failures contained, a full report at the end.

use super::{Change, Plan, Progress};
use crate::error::Error;
use futures::stream::{FuturesUnordered, StreamExt};
use std::fmt;

/// Executes the actions of one capability.
pub trait Apply<A> {
    /// Makes one change. Must be repeatable: what is already as wanted is not an error. [`Error::Left`] says that the
    /// change was not made and that this is no reason to stop.
    fn apply(&self, change: &Change<A>) -> impl Future<Output = Result<(), Error>>;
}

/// A change that failed.
#[derive(Debug)]
pub struct Failed {
    /// Its plan line with the sign.
    pub line: String,
    /// Why.
    pub error: Error,
}

/// A plan that could not be applied in full. `Display` lists what failed and what was therefore not started.
#[derive(Debug)]
pub struct ApplyError {
    /// Lines of the changes that are done.
    pub done: Vec<String>,
    /// Changes that failed.
    pub failed: Vec<Failed>,
    /// Lines of the changes that were not started because something that they need failed.
    pub not_started: Vec<String>,
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, failed, waiting) = (self.done.len(), self.failed.len(), self.not_started.len());
        if let ([only], 0, 0) = (&self.failed[..], waiting, done) {
            return write!(f, "{}: {}", only.line, only.error);
        }
        write!(
            f,
            "{failed} of {} changes failed ({done} done, {waiting} not started)",
            done + failed + waiting
        )?;
        for failure in &self.failed {
            write!(f, "\n  failed: {}: {}", failure.line, failure.error)?;
        }
        for line in &self.not_started {
            write!(f, "\n  not started: {line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ApplyError {}

impl ApplyError {
    /// The remedy of the first failure that has one, and that running again continues.
    pub fn hint(&self) -> Option<String> {
        let again = "what is done stays; run the command again to go on";
        Some(
            match self.failed.iter().find_map(|failure| failure.error.hint()) {
                Some(hint) => format!("{hint}; {again}"),
                None => again.to_owned(),
            },
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Done,
    Left,
    Failed,
}

impl<A> Plan<A> {
    /// Applies all changes. Returns the number of changes made.
    ///
    /// # Errors
    /// [`ApplyError`] if any change failed, or if changes need each other in a circle (a defect of the planner; they are
    /// reported as not started).
    pub async fn apply<E: Apply<A>>(
        &self,
        executor: &E,
        progress: &dyn Progress,
    ) -> Result<usize, ApplyError> {
        let needs = self.dependencies();
        let changes = self.changes();
        let mut states = vec![State::Waiting; changes.len()];
        let mut failures = Vec::new();
        let mut running = FuturesUnordered::new();
        progress.begin(changes.len());
        loop {
            for own in 0..changes.len() {
                if states[own] == State::Waiting
                    && needs[own]
                        .iter()
                        .all(|need| matches!(states[*need], State::Done | State::Left))
                {
                    states[own] = State::Running;
                    let change = &changes[own];
                    running.push(async move { (own, executor.apply(change).await) });
                }
            }
            let Some((own, outcome)) = running.next().await else {
                break;
            };
            let line = changes[own].to_string();
            match outcome {
                Ok(()) => {
                    states[own] = State::Done;
                    progress.done(&changes[own].signed_lines());
                }
                Err(Error::Left(why)) => {
                    states[own] = State::Left;
                    progress.left(&why);
                }
                Err(error) => {
                    states[own] = State::Failed;
                    progress.failed(&line, &error);
                    failures.push(Failed { line, error });
                }
            }
        }
        let of = |wanted: State| {
            states
                .iter()
                .zip(changes)
                .filter(|(s, _)| **s == wanted)
                .map(|(_, c)| c.to_string())
                .collect::<Vec<_>>()
        };
        let (done, not_started) = (of(State::Done), of(State::Waiting));
        if failures.is_empty() && not_started.is_empty() {
            return Ok(done.len());
        }
        Err(ApplyError {
            done,
            failed: failures,
            not_started,
        })
    }
}

#[cfg(test)]
mod tests;
