//! Waiting for a state: polls with a pause and a time limit.

use super::AwsError;
use crate::error::{Error, Result};
use std::ops::RangeInclusive;
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
        look: F,
    ) -> Result<T>
    where
        F: AsyncFnMut() -> Result<Option<T>>,
    {
        self.backing_off(what, pause..=pause, limit, look).await
    }

    /// As [`Poll::until`], with pauses that double from the first to the longest.
    pub async fn backing_off<T, F>(
        &self,
        what: &str,
        pauses: RangeInclusive<Duration>,
        limit: Duration,
        mut look: F,
    ) -> Result<T>
    where
        F: AsyncFnMut() -> Result<Option<T>>,
    {
        let start = Instant::now();
        let mut pause = *pauses.start();
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
            pause = pause.saturating_mul(2).min(*pauses.end());
        }
    }

    /// Calls again while the error is one that `passes`, for `limit` at most; the last error is the result then.
    pub async fn retry<T>(
        &self,
        pause: Duration,
        limit: Duration,
        passes: impl Fn(&AwsError) -> bool,
        mut call: impl AsyncFnMut() -> Result<T, AwsError>,
    ) -> Result<T, AwsError> {
        let start = Instant::now();
        loop {
            match call().await {
                Err(error) if passes(&error) && start.elapsed() < limit => self.pause(pause).await,
                other => return other,
            }
        }
    }
}
