//! The four metanetworks of an environment and their fixed texts.
//!
//! Which of them an environment has is a matter of its configuration, not of this file.

use std::fmt;
use std::str::FromStr;

use super::GrammarError;

/// A network of an environment. The order of the variants is the order in listings and plans.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MetaNetwork {
    /// Hosts that talk to each other.
    Intranet,
    /// Proxies to the internet.
    Tunnel,
    /// Hosts that face customers.
    Dmz,
    /// Jump boxes of the administrators.
    Maintenance,
}

impl MetaNetwork {
    /// All metanetworks, in order.
    pub const ALL: [MetaNetwork; 4] = [
        MetaNetwork::Intranet,
        MetaNetwork::Tunnel,
        MetaNetwork::Dmz,
        MetaNetwork::Maintenance,
    ];

    /// The name used in configuration, tags and group names: lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            MetaNetwork::Intranet => "intranet",
            MetaNetwork::Tunnel => "tunnel",
            MetaNetwork::Dmz => "dmz",
            MetaNetwork::Maintenance => "maintenance",
        }
    }

    /// The description of the metanetwork's security group (spec 20, section 3).
    pub const fn description(self) -> &'static str {
        match self {
            MetaNetwork::Intranet => "Inter host",
            MetaNetwork::Tunnel => "internet http proxy",
            MetaNetwork::Dmz => "Client facing",
            MetaNetwork::Maintenance => "Admin jump box",
        }
    }
}

impl fmt::Display for MetaNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for MetaNetwork {
    type Err = GrammarError;

    /// Accepts exactly the lower-case names.
    fn from_str(text: &str) -> Result<Self, GrammarError> {
        MetaNetwork::ALL
            .into_iter()
            .find(|net| net.as_str() == text)
            .ok_or_else(|| {
                let names = MetaNetwork::ALL.map(MetaNetwork::as_str).join(", ");
                GrammarError(format!("unknown metanetwork `{text}`: use one of {names}"))
            })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn names_round_trip() {
        for net in MetaNetwork::ALL {
            assert_eq!(net.to_string().parse::<MetaNetwork>().unwrap(), net);
        }
        assert_eq!(format!("[{:<9}]", MetaNetwork::Dmz), "[dmz      ]");
    }

    #[test]
    fn other_names_are_refused_with_the_allowed_ones() {
        for text in ["Dmz", "", "dmz ", "web"] {
            let problem = text.parse::<MetaNetwork>().unwrap_err().to_string();
            assert_eq!(
                problem,
                format!(
                    "unknown metanetwork `{text}`: use one of intranet, tunnel, dmz, maintenance"
                )
            );
        }
    }

    #[test]
    fn descriptions_are_the_ones_existing_groups_carry() {
        assert_eq!(
            MetaNetwork::ALL.map(MetaNetwork::description),
            [
                "Inter host",
                "internet http proxy",
                "Client facing",
                "Admin jump box"
            ]
        );
    }
}
