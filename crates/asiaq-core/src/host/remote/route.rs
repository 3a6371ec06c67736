//! Which way a host is reached: directly, or through a jump host (spec 40, sections 9.2 and 9.3).

use super::{Remote, check_word};
use crate::config::DiscoAws;
use crate::error::{Error, Result};
use crate::host::{Host, hosts_of};
use crate::names::tag;
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// Option of `[disco_aws]` with the hostclasses that others are reached through.
const JUMP_HOSTCLASSES: &str = "jump_box_hostclasses";
const PORT: u16 = 22;
/// How long a host may take to accept a connection.
const PROBE: Duration = Duration::from_secs(2);
/// How long a look for a jump host in vain counts, for the other hosts. Below the pause between two rounds of smoke tests: a
/// jump host may come up meanwhile.
const LOOK_COUNTS: Duration = Duration::from_secs(5);

/// A host that others are reached through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JumpHost {
    /// Instance id.
    pub id: String,
    /// Public address, else private one.
    pub address: String,
}

/// A look for a jump host in vain.
#[derive(Debug)]
pub(super) struct Look {
    at: Instant,
    /// Why one could not be looked for; `None`: there is none.
    problem: Option<String>,
}

impl Look {
    fn counts(&self) -> bool {
        self.at.elapsed() < LOOK_COUNTS
    }

    fn outcome<T>(&self) -> Result<Option<T>> {
        match &self.problem {
            None => Ok(None),
            Some(why) => Err(Error::refused(why.clone())),
        }
    }
}

/// The way to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Straight to this address.
    Direct(String),
    /// Through a jump host to this address.
    Jump(JumpHost, String),
}

/// See [`Remote::route`]. Where the probe can decide nothing (there is no jump host, and ssh is to be asked anyway) it is left
/// out: it would cost the host's sshd a process.
pub(super) async fn route(remote: &Remote<'_>, host: &Host, must_reach: bool) -> Result<Route> {
    let address = host.addresses.first().cloned().ok_or_else(|| {
        Error::refused(format!("instance {} has no private IP address", host.id))
            .with_hint(format!("its state is `{}`", host.state))
    })?;
    check_word("an address", &address)?;
    if !must_reach && !remote.may_have_jump_host()? {
        return Ok(Route::Direct(address));
    }
    if answers(&address).await {
        return Ok(Route::Direct(address));
    }
    match remote.jump_host().await? {
        Some(jump) => Ok(Route::Jump(jump.clone(), address)),
        None if must_reach => Err(unreachable(host, &address)),
        None => Ok(Route::Direct(address)),
    }
}

impl Remote<'_> {
    /// The jump host of the environment, looked for until there is one, but not again within a few seconds. No call if the
    /// option is not set.
    ///
    /// # Errors
    /// The configuration cannot be read, or AWS refuses.
    pub async fn jump_host(&self) -> Result<Option<&JumpHost>> {
        let preferred = jump_hostclasses(self.config, self.env)?;
        let mut looked = self.looked.lock().await;
        if let Some(found) = self.jump.get() {
            return Ok(Some(found));
        }
        if let Some(look) = looked.as_ref().filter(|look| look.counts()) {
            return look.outcome();
        }
        let problem = match self.look_for_jump_host(&preferred).await {
            Ok(Some(found)) => return Ok(Some(self.jump.get_or_init(|| found))),
            Ok(None) => None,
            Err(error) => Some(format!("cannot look for a jump host: {error}")),
        };
        let at = Instant::now();
        looked.insert(Look { at, problem }).outcome()
    }

    async fn look_for_jump_host(&self, preferred: &[String]) -> Result<Option<JumpHost>> {
        if preferred.is_empty() {
            return Ok(None);
        }
        let running = ["running".to_owned()];
        let filters = [
            ("tag:hostclass", preferred),
            ("instance-state-name", &running),
        ];
        let hosts = hosts_of(self.aws, &self.vpc.id, &filters).await?;
        let found = choose(preferred, &hosts);
        if found.is_none() {
            tracing::debug!("no running, tested jump host of {}", preferred.join(", "));
        }
        Ok(found)
    }

    /// False if it is known that there is no jump host at present.
    ///
    /// # Errors
    /// The configuration cannot be read.
    pub(super) fn may_have_jump_host(&self) -> Result<bool> {
        // Somebody who looks just now may find one.
        let known = self.looked.try_lock().is_ok_and(|looked| {
            let look = looked.as_ref().filter(|look| look.counts());
            look.is_some_and(|look| look.problem.is_none())
        });
        if known && self.jump.get().is_none() {
            return Ok(false);
        }
        Ok(!jump_hostclasses(self.config, self.env)?.is_empty())
    }
}

/// True if something accepts connections on port 22 within two seconds.
pub async fn answers(address: &str) -> bool {
    let Ok(address) = address.parse::<IpAddr>() else {
        return false;
    };
    match timeout(PROBE, TcpStream::connect((address, PORT))).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => {
            tracing::debug!("port {PORT} of {address}: {error}");
            false
        }
        Err(_) => {
            tracing::debug!("port {PORT} of {address} does not answer");
            false
        }
    }
}

fn jump_hostclasses(config: &DiscoAws, env: &str) -> Result<Vec<String>> {
    let found = config.section_option("disco_aws", JUMP_HOSTCLASSES, env)?;
    let text = found.map(|found| found.value).unwrap_or_default();
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

/// The first tested running host of the first hostclass that has one; hosts with a public address come before others.
fn choose(preferred: &[String], hosts: &[Host]) -> Option<JumpHost> {
    let fit = |host: &&Host| {
        let tested = host.tag(tag::SMOKETEST).is_some_and(|v| !v.is_empty());
        tested && host.state == "running"
    };
    preferred.iter().find_map(|hostclass| {
        let own = |host: &&Host| host.hostclass() == Some(hostclass);
        let candidates = || hosts.iter().filter(own).filter(fit);
        let of = |host: &Host, address: &str| JumpHost {
            id: host.id.clone(),
            address: address.to_owned(),
        };
        let public = candidates().find_map(|h| Some(of(h, h.public_ip.as_deref()?)));
        public.or_else(|| candidates().find_map(|h| Some(of(h, h.addresses.first()?))))
    })
}

fn unreachable(host: &Host, address: &str) -> Error {
    Error::refused(format!(
        "instance {} is not reachable: port {PORT} of {address} does not answer",
        host.id
    ))
    .with_hint(format!(
        "connect to its network (VPN), or set `{JUMP_HOSTCLASSES}` in `[disco_aws]` and start a jump host"
    ))
}

#[cfg(test)]
mod tests;
