//! Ctrl-C for work that cleans up after itself. While somebody holds a [`Charge`], a signal does not end the program: the work
//! is dropped at its next pause, [`Interrupt::guard`] yields [`Error::Interrupted`], and what comes after it cleans up. A second
//! signal ends the program at once.

use crate::error::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;

/// Tells whether a signal has come. Clones tell the same.
#[derive(Debug, Clone)]
pub struct Interrupt {
    came: watch::Sender<bool>,
    charges: Arc<AtomicUsize>,
}

/// Held by work that cleans up when it is interrupted.
#[derive(Debug)]
pub struct Charge(Arc<AtomicUsize>);

impl Drop for Charge {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Default for Interrupt {
    fn default() -> Self {
        Self {
            came: watch::Sender::new(false),
            charges: Arc::default(),
        }
    }
}

impl Interrupt {
    /// From now on, until the value is dropped, the caller cleans up after a signal.
    #[must_use]
    pub fn take_charge(&self) -> Charge {
        self.charges.fetch_add(1, Ordering::SeqCst);
        Charge(self.charges.clone())
    }

    /// Whether somebody cleans up after a signal.
    pub fn is_in_charge(&self) -> bool {
        self.charges.load(Ordering::SeqCst) > 0
    }

    /// A signal has come.
    pub fn tell(&self) {
        self.came.send_replace(true);
    }

    /// Whether a signal has come.
    pub fn came(&self) -> bool {
        *self.came.borrow()
    }

    /// Does the work, unless a signal comes first or has come: the work is dropped then.
    ///
    /// # Errors
    /// Those of the work; [`Error::Interrupted`].
    pub async fn guard<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut came = self.came.subscribe();
        tokio::select! {
            biased;
            // The sender lives as long as `self`, so this ends with a signal only.
            _ = came.wait_for(|came| *came) => Err(Error::Interrupted),
            result = work => result,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[tokio::test]
    async fn a_signal_stops_work_that_is_guarded_and_nothing_else() {
        let interrupt = Interrupt::default();
        let charge = interrupt.take_charge();
        assert!(interrupt.is_in_charge());
        assert_eq!(interrupt.guard(async { Ok(1) }).await.unwrap(), 1);
        let pending = std::future::pending::<Result<()>>();
        let signal = async {
            tokio::task::yield_now().await;
            interrupt.tell();
        };
        let (stopped, ()) = tokio::join!(interrupt.guard(pending), signal);
        assert!(matches!(stopped, Err(Error::Interrupted)));
        assert!(matches!(
            interrupt.clone().guard(async { Ok(()) }).await,
            Err(Error::Interrupted)
        ));
        assert!(interrupt.came());
        drop(charge);
        assert!(!interrupt.is_in_charge());
    }
}
