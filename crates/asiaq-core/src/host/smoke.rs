//! Smoke tests: a host passes by tagging itself (spec 40, section 5).

use super::{Host, select};
use crate::aws::Aws;
use crate::error::{Error, Result};
use crate::names::tag;
use crate::plan::Progress;
use std::time::Duration;
use tokio::time::Instant;

/// Pause between checks and time limit of all.
const CHECK: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(1200));

/// What one look at a host says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Tag `smoketest` is set.
    Ready,
    /// Not yet.
    NotReady,
    /// Terminated: it will never be.
    Failed,
}

/// Judges a host as just read.
pub fn readiness(host: &Host) -> Readiness {
    if host.is_terminated() {
        Readiness::Failed
    } else if host
        .tag(tag::SMOKETEST)
        .is_some_and(|value| !value.is_empty())
    {
        Readiness::Ready
    } else {
        Readiness::NotReady
    }
}

/// Waits until every host has passed; one call per round for all of them. None to test is success.
///
/// # Errors
/// A host that was terminated ends the wait at once; hosts still pending after 1200 s are named.
pub(super) async fn wait(aws: &Aws, ids: &[String], progress: &dyn Progress) -> Result<()> {
    let start = Instant::now();
    let mut pending = ids.to_vec();
    while !pending.is_empty() {
        let hosts = select::by_ids(aws, &pending).await?;
        let failed: Vec<&str> = hosts
            .iter()
            .filter(|h| readiness(h) == Readiness::Failed)
            .map(|h| h.id.as_str())
            .collect();
        if !failed.is_empty() {
            return Err(Error::refused(format!("smoke test failed: {} terminated while it was tested", failed.join(", ")))
                .with_hint("see the console output of the instance; `provision --no-destroy` keeps a failing host alive"));
        }
        pending.retain(|id| {
            !hosts
                .iter()
                .any(|host| host.id == *id && readiness(host) == Readiness::Ready)
        });
        if pending.is_empty() {
            break;
        }
        let (pause, limit) = CHECK;
        if start.elapsed() >= limit {
            return Err(Error::Timeout {
                what: format!("hosts {} did not pass their smoke test", pending.join(", ")),
                after: limit,
            });
        }
        progress.note(&format!(
            "Waiting for {} host[s] to pass smoke test",
            pending.len()
        ));
        aws.poll.pause(pause).await;
    }
    if !ids.is_empty() {
        tracing::info!(
            "Smoke tested {} host[s] in {} seconds",
            ids.len(),
            start.elapsed().as_secs()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::record::tests::host;

    #[test]
    fn the_tag_decides_unless_the_host_is_gone() {
        let table = [
            ("running", &[][..], Readiness::NotReady),
            ("running", &[("smoketest", "")], Readiness::NotReady),
            ("running", &[("smoketest", "tested")], Readiness::Ready),
            ("pending", &[("smoketest", "tested")], Readiness::Ready),
            ("shutting-down", &[], Readiness::NotReady),
            ("terminated", &[("smoketest", "tested")], Readiness::Failed),
        ];
        for (state, tags, expected) in table {
            assert_eq!(
                readiness(&host("i-1", state, tags)),
                expected,
                "{state} {tags:?}"
            );
        }
    }
}
