//! Smoke tests: a host passes by tagging itself or, where the configuration says so, by letting user `smoketest` in with success
//! (spec 40, section 5).

use super::remote::{Finished, Remote};
use super::{Host, select};
use crate::aws::Aws;
use crate::config::{DiscoAws, SmokeMethod};
use crate::error::{Error, Result};
use crate::names::tag;
use crate::plan::Progress;
use futures::StreamExt;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

/// Pause between checks.
const PAUSE: Duration = Duration::from_secs(15);
/// Time limit of all, where nothing else is said.
pub(crate) const LIMIT: Duration = Duration::from_secs(1200);

/// Hosts that are asked by ssh at once, and how long one may take to answer.
const AT_ONCE: usize = 50;
const PROBE: Duration = Duration::from_secs(30);
/// The user whose session runs the host's own smoke test.
const SMOKE_USER: &str = "smoketest";

/// What one look at a host says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It has passed.
    Ready,
    /// Not yet.
    NotReady,
    /// Terminated: it will never be.
    Failed,
}

/// Judges a host as just read by its tag.
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

/// How smoke tests are looked at in one environment.
#[derive(Debug)]
pub struct Smoke<'a> {
    config: &'a DiscoAws,
    env: &'a str,
    ssh: Option<(&'a Remote<'a>, &'a [String])>,
    keys: OnceCell<()>,
}

impl<'a> Smoke<'a> {
    /// `ssh` is the access to hosts that are tested by ssh, with the names of the environment's credential buckets. It may be
    /// missing where [`DiscoAws::any_smoke_test_by_ssh`] says no. Nothing is called or started yet.
    pub fn new(
        config: &'a DiscoAws,
        env: &'a str,
        ssh: Option<(&'a Remote<'a>, &'a [String])>,
    ) -> Self {
        Self {
            config,
            env,
            ssh,
            keys: OnceCell::new(),
        }
    }

    /// Finds out before hosts of these hostclasses are started whether those that are tested by ssh can be: makes what ssh
    /// needs here, and loads the keys.
    ///
    /// # Errors
    /// The configuration is wrong; there is no place for host keys; no agent takes the keys.
    pub async fn prepare<'h>(&self, hostclasses: impl IntoIterator<Item = &'h str>) -> Result<()> {
        let Some((remote, buckets)) = self.ssh else {
            return Ok(());
        };
        let mut by_ssh = false;
        for hostclass in hostclasses {
            by_ssh |= self.config.smoke_method(hostclass, self.env)? == SmokeMethod::Ssh;
        }
        if by_ssh {
            remote.prepare().await?;
            self.load_keys(remote, buckets).await?;
        }
        Ok(())
    }

    async fn load_keys(&self, remote: &Remote<'_>, buckets: &[String]) -> Result<()> {
        let load = || remote.load_keys(buckets);
        self.keys.get_or_try_init(load).await?;
        Ok(())
    }

    /// Judges hosts as just read, several at once; `tell` hears of each in their order: when its check is waited for, and what
    /// it says.
    ///
    /// # Errors
    /// The configuration is wrong; no agent takes the keys; ssh cannot be used on this machine, or AWS refuses.
    pub async fn check(
        &self,
        hosts: &[Host],
        mut tell: impl FnMut(&Host, Option<Readiness>),
    ) -> Result<Vec<Readiness>> {
        let checks = hosts.iter().map(|host| self.check_one(host));
        let mut checks = futures::stream::iter(checks).buffered(AT_ONCE);
        let mut all = Vec::new();
        for host in hosts {
            tell(host, None);
            if let Some(result) = checks.next().await {
                let readiness = result?;
                tell(host, Some(readiness));
                all.push(readiness);
            }
        }
        Ok(all)
    }

    async fn check_one(&self, host: &Host) -> Result<Readiness> {
        let hostclass = host.hostclass().unwrap_or_default();
        let by_ssh = self.config.smoke_method(hostclass, self.env)? == SmokeMethod::Ssh;
        let Some((remote, buckets)) = self.ssh.filter(|_| by_ssh && !host.is_terminated()) else {
            return Ok(readiness(host));
        };
        if host.state != "running" || host.addresses.is_empty() {
            return Ok(Readiness::NotReady);
        }
        self.load_keys(remote, buckets).await?;
        probe(remote, host).await
    }
}

/// Asks a host by ssh. It runs what it has for user `smoketest`, whatever is asked for. What is wrong with this machine will be
/// wrong in the next round too, so it is no answer of the host.
async fn probe(remote: &Remote<'_>, host: &Host) -> Result<Readiness> {
    let mut output = Vec::new();
    let probed = remote.probe(host, SMOKE_USER, PROBE, &mut output).await;
    match probed {
        Ok(Finished { status: 0 }) => Ok(Readiness::Ready),
        Ok(Finished { status }) => {
            let text = String::from_utf8_lossy(&output);
            tracing::debug!(
                "smoke test of {}: status {status}: {}",
                host.id,
                text.trim()
            );
            Ok(Readiness::NotReady)
        }
        Err(error @ Error::Timeout { .. }) => {
            tracing::debug!("smoke test of {}: {error}", host.id);
            Ok(Readiness::NotReady)
        }
        Err(error) => Err(error),
    }
}

/// Waits until every host has passed; one call per round for all of them. None to test is success.
///
/// # Errors
/// A host that was terminated ends the wait at once; hosts still pending after the limit are named.
pub(crate) async fn wait(
    aws: &Aws,
    ids: &[String],
    smoke: &Smoke<'_>,
    limit: Duration,
    progress: &dyn Progress,
) -> Result<()> {
    let start = Instant::now();
    let mut pending = ids.to_vec();
    while !pending.is_empty() {
        let timed_out = |pending: &[String]| Error::Timeout {
            what: format!("hosts {} did not pass their smoke test", pending.join(", ")),
            after: limit,
        };
        let hosts = select::by_ids(aws, &pending).await?;
        let checked = timeout_at(start + limit, smoke.check(&hosts, |_, _| {})).await;
        let readiness = checked.map_err(|_| timed_out(&pending))??;
        let are = |wanted: Readiness| {
            let all = hosts.iter().zip(&readiness);
            all.filter(move |(_, is)| **is == wanted)
                .map(|(host, _)| host.id.as_str())
        };
        let failed: Vec<&str> = are(Readiness::Failed).collect();
        if !failed.is_empty() {
            return Err(Error::refused(format!("smoke test failed: {} terminated while it was tested", failed.join(", ")))
                .with_hint("see the console output of the instance; `provision --no-destroy` keeps a failing host alive"));
        }
        let ready: BTreeSet<&str> = are(Readiness::Ready).collect();
        pending.retain(|id| !ready.contains(id.as_str()));
        if pending.is_empty() {
            break;
        }
        if start.elapsed() >= limit {
            return Err(timed_out(&pending));
        }
        progress.note(&format!(
            "Waiting for {} host[s] to pass smoke test",
            pending.len()
        ));
        aws.poll.pause(PAUSE).await;
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
