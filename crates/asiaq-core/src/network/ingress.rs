//! From security group rules to single grants, and the difference between two sets of them
//! (spec 20, section 4.7).
//!
//! The way a security group is referred to is left open: plans use the metanetwork, AWS the group id.
//! Rules of peerings (section 4.10) are not made here.

use std::collections::BTreeSet;
use std::fmt;

use ipnet::IpNet;

use super::{GrammarError, MetaNetwork, PortRange, Protocol, Rule, Source};

/// The other side of a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer<G> {
    /// Hosts in a security group.
    Group(G),
    /// Hosts in a network.
    Cidr(IpNet),
}

impl<G: fmt::Display> fmt::Display for Peer<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Group(group) => group.fmt(f),
            Peer::Cidr(cidr) => cidr.fmt(f),
        }
    }
}

/// One grant of a security group: one protocol and port range from one source. Made by [`Grant::new`],
/// equal grants compare equal whatever their notation was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant<G> {
    /// The protocol.
    pub protocol: Protocol,
    /// First port or ICMP type; `None` exactly for protocols without ports.
    pub from: Option<i32>,
    /// Last port or ICMP code; `None` exactly for protocols without ports.
    pub to: Option<i32>,
    /// Who may connect.
    pub peer: Peer<G>,
}

impl<G> Grant<G> {
    /// A grant in normal form: ports are dropped for protocols that have none, absent ones become 0 and
    /// 65535 for the others, and the host bits of a network are cleared.
    pub fn new(protocol: Protocol, from: Option<i32>, to: Option<i32>, peer: Peer<G>) -> Self {
        let peer = match peer {
            Peer::Cidr(cidr) => Peer::Cidr(cidr.trunc()),
            group => group,
        };
        if protocol.has_ports() {
            Grant {
                protocol,
                from: Some(from.unwrap_or(0)),
                to: Some(to.unwrap_or(65535)),
                peer,
            }
        } else {
            Grant {
                protocol,
                from: None,
                to: None,
                peer,
            }
        }
    }
}

impl<G: fmt::Display> fmt::Display for Grant<G> {
    /// `tcp 443 from 0.0.0.0/0`, `udp 53-60 from dmz`, `icmp 8/0 from dmz`, `all from dmz`,
    /// `protocol 47 from dmz`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            Protocol::All => f.write_str("all")?,
            Protocol::Number(number) => write!(f, "protocol {number}")?,
            named => f.write_str(&named.aws_name())?,
        }
        let icmp = matches!(self.protocol, Protocol::Icmp | Protocol::Icmpv6);
        match (self.from, self.to) {
            (Some(-1), Some(-1)) if icmp => {}
            (Some(kind), Some(code)) if icmp => write!(f, " {kind}/{code}")?,
            (Some(from), Some(to)) => write!(f, " {}", PortRange { from, to })?,
            _ => {}
        }
        write!(f, " from {}", self.peer)
    }
}

/// Everything the security group of `net` shall let in: its rules, plus the customer ports for dmz and
/// intranet. `configured` are the metanetworks of the environment.
///
/// Errors: a rule that names a metanetwork which is not configured, a customer port range that runs
/// backwards. Without a dmz the customer ports of the intranet are skipped with a warning.
pub fn desired_grants(
    net: MetaNetwork,
    rules: &[Rule],
    configured: &[MetaNetwork],
    customer_ports: &[PortRange],
    customer_cidrs: &[IpNet],
) -> Result<BTreeSet<Grant<MetaNetwork>>, GrammarError> {
    let mut grants = BTreeSet::new();
    for rule in rules {
        let peers = rule_peers(net, rule, configured)?;
        grants.extend(combine(rule.protocol, &rule.ports, &peers));
    }
    for range in customer_ports {
        range
            .check(Protocol::Tcp)
            .map_err(|GrammarError(problem)| GrammarError(format!("customer_ports: {problem}")))?;
    }
    let peers = customer_peers(net, configured, customer_cidrs);
    if net == MetaNetwork::Intranet && peers.is_empty() && !customer_ports.is_empty() {
        tracing::warn!(
            "customer_ports has no effect on metanetwork {net}: there is no metanetwork dmz"
        );
    }
    grants.extend(combine(Protocol::Tcp, customer_ports, &peers));
    Ok(grants)
}

/// One grant for every pair of peer and port range.
fn combine<'a>(
    protocol: Protocol,
    ports: &'a [PortRange],
    peers: &'a [Peer<MetaNetwork>],
) -> impl Iterator<Item = Grant<MetaNetwork>> + 'a {
    peers.iter().flat_map(move |peer| {
        ports
            .iter()
            .map(move |range| Grant::new(protocol, Some(range.from), Some(range.to), peer.clone()))
    })
}

/// Whom a rule lets in.
fn rule_peers(
    net: MetaNetwork,
    rule: &Rule,
    configured: &[MetaNetwork],
) -> Result<Vec<Peer<MetaNetwork>>, GrammarError> {
    match rule.source {
        Source::All => Ok(configured.iter().copied().map(Peer::Group).collect()),
        Source::Cidr(cidr) => Ok(vec![Peer::Cidr(cidr)]),
        Source::Net(source) if configured.contains(&source) => Ok(vec![Peer::Group(source)]),
        Source::Net(source) => Err(GrammarError(format!(
            "rule `{rule}` for metanetwork {net} refers to metanetwork {source}, which is not configured"
        ))),
    }
}

/// Whom the customer ports of a metanetwork are open to.
fn customer_peers(
    net: MetaNetwork,
    configured: &[MetaNetwork],
    customer_cidrs: &[IpNet],
) -> Vec<Peer<MetaNetwork>> {
    let dmz = Peer::Group(MetaNetwork::Dmz);
    match net {
        MetaNetwork::Dmz => customer_cidrs
            .iter()
            .copied()
            .map(Peer::Cidr)
            .chain([dmz])
            .collect(),
        MetaNetwork::Intranet if configured.contains(&MetaNetwork::Dmz) => vec![dmz],
        _ => Vec::new(),
    }
}

/// What to add and what to revoke, in that order, so that `current` becomes `desired`. Both lists are sorted.
pub fn diff_grants<G: Ord + Clone>(
    desired: &BTreeSet<Grant<G>>,
    current: &BTreeSet<Grant<G>>,
) -> (Vec<Grant<G>>, Vec<Grant<G>>) {
    (
        desired.difference(current).cloned().collect(),
        current.difference(desired).cloned().collect(),
    )
}

#[cfg(test)]
mod tests;
