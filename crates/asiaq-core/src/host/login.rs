//! Logging in to the one host that an operator names (spec 40, section 14.1): which host it is, which way leads there, and the
//! command line for it. Starts no ssh.

use super::remote::{Remote, Route, Session, SshSettings, answers, argv};
use super::{Host, hosts_of};
use crate::aws::Aws;
use crate::environment::Vpc;
use crate::error::{Error, Result};
use crate::names::tag;
use futures::StreamExt;
use std::net::Ipv4Addr;

/// States of hosts that can be meant: AWS shows gone ones for about an hour.
const LIVE: [&str; 4] = ["pending", "running", "stopping", "stopped"];

/// What an operator wrote for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// An address; nothing is looked up.
    Address(Ipv4Addr),
    /// A part of a hostclass, host name or instance id.
    Name(String),
}

impl Wanted {
    /// Four numbers of one to three digits are an address, anything else is a name.
    ///
    /// # Errors
    /// A number of the address is above 255.
    pub fn parse(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split('.').collect();
        let number = |part: &&str| {
            (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if parts.len() != 4 || !parts.iter().all(number) {
            return Ok(Self::Name(text.to_owned()));
        }
        let octets: Vec<u8> = parts.iter().filter_map(|p| p.parse().ok()).collect();
        match octets.try_into() {
            Ok(octets) => Ok(Self::Address(<[u8; 4]>::into(octets))),
            Err(_) => Err(Error::refused(format!("`{text}` is no IPv4 address"))
                .with_hint("each of its four numbers is at most 255")),
        }
    }
}

/// The command line for an address. Its host key is known under the address, for want of an instance id.
pub fn to_address(settings: &SshSettings, user: Option<&str>, address: Ipv4Addr) -> Vec<String> {
    let address = address.to_string();
    let route = Route::Direct(address.clone());
    argv(settings, &address, user, &route, Session::Terminal)
}

/// A command line as a shell takes it.
pub fn shown(argv: &[String]) -> String {
    shell_words::join(argv)
}

/// A login by name.
#[derive(Debug)]
pub struct Login<'a> {
    /// Access to AWS.
    pub aws: &'a Aws,
    /// The environment.
    pub vpc: &'a Vpc,
    /// Its name.
    pub env: &'a str,
    /// Access to its hosts.
    pub remote: &'a Remote<'a>,
    /// Options of ssh.
    pub settings: &'a SshSettings,
    /// User at the other end; ssh decides without one.
    pub user: Option<&'a str>,
    /// Take the first of several hosts of one hostclass.
    pub first: bool,
    /// Credential buckets whose keys are to be loaded into the agent.
    pub buckets: &'a [String],
}

impl Login<'_> {
    /// The command line for the host with this name, after the keys have been loaded. An agent that does not take them is only
    /// warned about: the operator may have key files.
    ///
    /// # Errors
    /// No host matches, or several do; it cannot be reached.
    pub async fn to_name(&self, name: &str) -> Result<Vec<String>> {
        let live = LIVE.map(str::to_owned);
        let hosts = hosts_of(self.aws, &self.vpc.id, &[("instance-state-name", &live)]).await?;
        let host = choose(self.env, &hosts, name, self.first)?;
        let (route, ()) = tokio::join!(self.route(host), self.load_keys());
        Ok(argv(
            self.settings,
            &host.id,
            self.user,
            &route?,
            Session::Terminal,
        ))
    }

    async fn load_keys(&self) {
        if let Err(error) = self.remote.load_keys(self.buckets).await {
            let hint = error.hint().map(|hint| format!("; {hint}"));
            tracing::warn!("{error}{}", hint.unwrap_or_default());
        }
    }

    /// Straight to the public address or one of the private ones, whichever answers first in this order; else through the
    /// jump host.
    async fn route(&self, host: &Host) -> Result<Route> {
        if matches!(host.state.as_str(), "stopped" | "stopping") {
            return Err(
                Error::refused(format!("host {} is {}", described(host), host.state))
                    .with_hint("see `disco_aws listhosts --state` for hosts that run"),
            );
        }
        let addresses: Vec<&str> = host
            .public_ip
            .iter()
            .chain(&host.addresses)
            .map(String::as_str)
            .collect();
        if let Some(address) = first_that(&addresses, answers).await {
            return Ok(Route::Direct(address.to_owned()));
        }
        let jump = self.remote.jump_host().await?;
        match (
            jump.filter(|jump| jump.id != host.id),
            host.addresses.first(),
        ) {
            (Some(jump), Some(address)) => Ok(Route::Jump(jump.clone(), address.clone())),
            _ => Err(unreachable(host, &addresses)),
        }
    }
}

/// The host that is meant: one whose hostclass, host name or instance id has `name` in it. What is written in full is not taken
/// for a part of others: an instance id, then a host name, then a hostclass.
fn choose<'a>(env: &str, hosts: &'a [Host], name: &str, first: bool) -> Result<&'a Host> {
    let live = || hosts.iter().filter(|h| LIVE.contains(&h.state.as_str()));
    let has = |text: Option<&str>| text.is_some_and(|text| text.contains(name));
    let rules: [&dyn Fn(&Host) -> bool; 4] = [
        &|host| host.id == name,
        &|host| host.tag(tag::HOSTNAME) == Some(name),
        &|host| host.hostclass() == Some(name),
        &|host| has(host.hostclass()) || has(host.tag(tag::HOSTNAME)) || host.id.contains(name),
    ];
    let by = |rule: &&dyn Fn(&Host) -> bool| -> Vec<&'a Host> {
        live().filter(|&host| rule(host)).collect()
    };
    let found = rules.iter().map(by).find(|found| !found.is_empty());
    let found = found.unwrap_or_default();
    match found.as_slice() {
        [] => Err(
            Error::not_found(format!("no instances in {env} matched `{name}`"))
                .with_hint("see `disco_aws listhosts` for the instances of the environment"),
        ),
        [only] => Ok(only),
        [earliest, ..] if first => {
            one_hostclass(env, name, &found)?;
            let running = found.iter().find(|host| host.state == "running");
            Ok(running.unwrap_or(earliest))
        }
        several => {
            let names: Vec<String> = several.iter().map(|host| described(host)).collect();
            Err(Error::refused(format!(
                "{} instances in {env} matched `{name}`: {}",
                names.len(),
                names.join(", ")
            ))
            .with_hint(
                "write an instance id or a host name in full, or pass --first to take the first",
            ))
        }
    }
}

fn one_hostclass(env: &str, name: &str, found: &[&Host]) -> Result<()> {
    let mut classes: Vec<&str> = Vec::new();
    for host in found {
        let class = host.hostclass().unwrap_or("-");
        if !classes.contains(&class) {
            classes.push(class);
        }
    }
    if classes.len() < 2 {
        return Ok(());
    }
    Err(Error::refused(format!(
        "instances of {} hostclasses in {env} matched `{name}`: {}",
        classes.len(),
        classes.join(", ")
    ))
    .with_hint("--first takes the first of one hostclass only: write the hostclass in full"))
}

/// The first of these for which the test holds. All are tested at once.
async fn first_that<'a>(all: &[&'a str], test: impl AsyncFn(&str) -> bool) -> Option<&'a str> {
    let test = &test;
    let mut tested = futures::stream::iter(all.iter().copied())
        .map(|one| async move { test(one).await.then_some(one) })
        .buffered(all.len().max(1));
    while let Some(result) = tested.next().await {
        if result.is_some() {
            return result;
        }
    }
    None
}

/// Tag `hostname`, unless it is empty. The host may set it itself: it must not move the cursor.
pub(super) fn own_name(host: &Host) -> Option<String> {
    let name = host.tag(tag::HOSTNAME)?;
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    Some(name).filter(|name| !name.is_empty())
}

fn described(host: &Host) -> String {
    match own_name(host) {
        Some(name) => format!("{name} ({})", host.id),
        None => host.id.clone(),
    }
}

/// Why nobody gets through to a host that has been tried at these addresses, and what helps.
pub(super) fn unreachable(host: &Host, addresses: &[&str]) -> Error {
    let why = match addresses {
        [] => "it has no address yet".to_owned(),
        addresses => format!("port 22 does not answer at {}", addresses.join(", ")),
    };
    Error::refused(format!("host {} cannot be reached: {why}", described(host))).with_hint(
        "connect to its network (VPN), or set `jump_box_hostclasses` in `[disco_aws]` and start a jump host",
    )
}

#[cfg(test)]
mod tests;
