//! Waiting for a state: polls with a pause and a time limit.

use crate::error::{Error, Result};
use std::time::Duration;
use tokio::time::Instant;

/// Pauses between polls. `ASIAQ_POLL_INTERVAL` caps every pause, for tests and impatient people.
#[derive(Debug, Clone, Copy, Default)]
pub struct Poll {
    cap: Option<Duration>,
}

impl Poll {
    /// With the cap of `ASIAQ_POLL_INTERVAL`, if set.
    pub fn new(cap: Option<Duration>) -> Self {
        Self { cap }
    }

    /// Sleeps for `pause`, or for the cap if that is shorter.
    pub async fn pause(&self, pause: Duration) {
        tokio::time::sleep(self.cap.map_or(pause, |cap| cap.min(pause))).await;
    }

    /// Calls `look` until it yields a value. `what` is the sentence of the timeout error, for example
    /// `waiting for vpc ci to become available`. An error of `look` ends the wait at once.
    pub async fn until<T, F>(
        &self,
        what: &str,
        pause: Duration,
        limit: Duration,
        mut look: F,
    ) -> Result<T>
    where
        F: AsyncFnMut() -> Result<Option<T>>,
    {
        let start = Instant::now();
        loop {
            if let Some(value) = look().await? {
                return Ok(value);
            }
            if start.elapsed() >= limit {
                return Err(Error::Timeout {
                    what: what.to_owned(),
                    after: limit,
                });
            }
            self.pause(pause).await;
        }
    }
}
