//! Peering lines: their grammar, and which pairs of metanetworks they connect (spec 20, section 4.10).
//!
//! Only texts and names are understood here. What a connection changes is the environment capability's business.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::{GrammarError, MetaNetwork};

/// Stands for any name of a type.
const ANY: &str = "*";

/// One side of a line: `NAME[:TYPE]/NET`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeeringEndpoint {
    /// Name of the environment; `None` for `*`, any of the type.
    pub name: Option<String>,
    /// Its type, a tag of the VPC; the name if the line gives none.
    pub env_type: String,
    /// The metanetwork.
    pub net: MetaNetwork,
}

impl PeeringEndpoint {
    fn matches(&self, candidate: &PeeringCandidate) -> bool {
        self.env_type == candidate.env_type
            && self
                .name
                .as_ref()
                .is_none_or(|name| *name == candidate.name)
    }
}

impl FromStr for PeeringEndpoint {
    type Err = GrammarError;

    fn from_str(text: &str) -> Result<Self, GrammarError> {
        let wrong =
            |why: &str| GrammarError(format!("`{text}` {why}: write it as NAME[:TYPE]/NET"));
        let (who, net) = match text.split('/').collect::<Vec<_>>()[..] {
            [who, net] => (who, net),
            [_] => return Err(wrong("names no metanetwork")),
            _ => return Err(wrong("has more than one `/`")),
        };
        let (name, env_type) = match who.split(':').collect::<Vec<_>>()[..] {
            [name] => (name, name),
            [name, env_type] => (name, env_type),
            _ => return Err(wrong("has more than one `:`")),
        };
        if name.is_empty() || env_type.is_empty() {
            return Err(wrong("lacks the name or the type"));
        }
        if env_type == ANY {
            return Err(GrammarError(format!(
                "`{text}`: wildcards need a type, like *:sandbox/{net}"
            )));
        }
        Ok(Self {
            name: (name != ANY).then(|| name.to_owned()),
            env_type: env_type.to_owned(),
            net: net.parse()?,
        })
    }
}

impl fmt::Display for PeeringEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or(ANY);
        write!(f, "{name}:{}/{}", self.env_type, self.net)
    }
}

/// One line: the hosts of the first endpoint may reach those of the second.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeeringLine {
    /// Whose hosts may reach the other ones.
    pub first: PeeringEndpoint,
    /// Whose hosts are reached.
    pub second: PeeringEndpoint,
}

impl FromStr for PeeringLine {
    type Err = GrammarError;

    /// Exactly two endpoints separated by whitespace.
    fn from_str(text: &str) -> Result<Self, GrammarError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [first, second] = words[..] else {
            return Err(GrammarError(format!(
                "peering `{}` is not a pair: write two endpoints, like ci/intranet build/dmz",
                words.join(" ")
            )));
        };
        let endpoint = |word: &str| {
            word.parse().map_err(|GrammarError(problem)| {
                GrammarError(format!("peering `{first} {second}`: {problem}"))
            })
        };
        Ok(Self {
            first: endpoint(first)?,
            second: endpoint(second)?,
        })
    }
}

impl fmt::Display for PeeringLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.first, self.second)
    }
}

/// A VPC that lines can mean: one with the tags `Name` and `type`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeeringCandidate {
    /// Tag `Name`.
    pub name: String,
    /// Tag `type`.
    pub env_type: String,
    /// Id of the VPC, or a stand-in for one that is yet to be made.
    pub vpc: String,
}

/// One metanetwork of one VPC.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeeringEnd {
    /// The VPC, as its candidate says.
    pub vpc: String,
    /// The metanetwork.
    pub net: MetaNetwork,
}

/// Two metanetworks that are to reach each other. The first is the one that is let in by the second.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeeringLink {
    /// Side of the first endpoint.
    pub first: PeeringEnd,
    /// Side of the second endpoint.
    pub second: PeeringEnd,
}

impl PeeringLink {
    /// The same for both directions of a link.
    pub fn undirected(&self) -> (&PeeringEnd, &PeeringEnd) {
        if self.first <= self.second {
            (&self.first, &self.second)
        } else {
            (&self.second, &self.first)
        }
    }
}

/// The one connection of a pair of VPCs, with all links that go over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeeringConnection {
    /// The VPC that asks: the first endpoint of the first line.
    pub requester: String,
    /// The VPC that accepts.
    pub accepter: String,
    /// What it connects; at least one, each once whatever its direction.
    pub links: Vec<PeeringLink>,
}

impl PeeringConnection {
    /// True if it connects these two VPCs, in any order.
    pub fn joins(&self, a: &str, b: &str) -> bool {
        let own = (self.requester.as_str(), self.accepter.as_str());
        own == (a, b) || own == (b, a)
    }

    /// The VPC at the other end; `None` if `vpc` is at neither.
    pub fn other(&self, vpc: &str) -> Option<&str> {
        match vpc {
            _ if vpc == self.requester => Some(&self.accepter),
            _ if vpc == self.accepter => Some(&self.requester),
            _ => None,
        }
    }
}

/// The connections that the lines ask for among these VPCs: for each line the cross product of what its sides match,
/// without pairs of a VPC with itself. Candidates count in order of their names, so that AWS' order has no influence.
pub fn resolve_peerings(
    lines: &[PeeringLine],
    candidates: &[PeeringCandidate],
) -> Vec<PeeringConnection> {
    let sorted: BTreeSet<&PeeringCandidate> = candidates.iter().collect();
    let ends = |endpoint: &PeeringEndpoint| -> Vec<PeeringEnd> {
        let matching = sorted.iter().filter(|c| endpoint.matches(c));
        let ends: Vec<PeeringEnd> = matching
            .map(|candidate| PeeringEnd {
                vpc: candidate.vpc.clone(),
                net: endpoint.net,
            })
            .collect();
        if ends.is_empty() {
            tracing::debug!("peering endpoint {endpoint} matches no environment");
        }
        ends
    };
    let mut connections: Vec<PeeringConnection> = Vec::new();
    for line in lines {
        let seconds = ends(&line.second);
        for first in ends(&line.first) {
            for second in seconds.iter().filter(|second| second.vpc != first.vpc) {
                let link = PeeringLink {
                    first: first.clone(),
                    second: second.clone(),
                };
                add(&mut connections, link);
            }
        }
    }
    connections
}

fn add(connections: &mut Vec<PeeringConnection>, link: PeeringLink) {
    let (a, b) = (&link.first.vpc, &link.second.vpc);
    match connections.iter_mut().find(|c| c.joins(a, b)) {
        Some(own)
            if own
                .links
                .iter()
                .any(|l| l.undirected() == link.undirected()) => {}
        Some(own) => own.links.push(link),
        None => connections.push(PeeringConnection {
            requester: a.clone(),
            accepter: b.clone(),
            links: vec![link],
        }),
    }
}

#[cfg(test)]
mod tests;
