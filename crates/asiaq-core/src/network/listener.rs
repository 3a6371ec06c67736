//! Ports and protocols of load balancers: what the comma lists of a hostclass mean when parts of them are left out
//! (spec 70, sections 7.5 and 7.6).
//!
//! Whether AWS accepts a pair on a type of balancer is judged by the capability, not here.

use super::GrammarError;
use std::fmt;

/// One side of a mapping: a port and the protocol spoken on it, upper case as AWS writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Side {
    /// Port, 1 to 65535.
    pub port: u16,
    /// Protocol such as `HTTP`, `HTTPS`, `TCP`, `SSL`.
    pub protocol: String,
}

impl Side {
    /// A side; for tables.
    pub fn new(port: u16, protocol: &str) -> Self {
        Self {
            port,
            protocol: protocol.to_owned(),
        }
    }

    /// True for `HTTP` and `HTTPS`.
    pub fn is_http(&self) -> bool {
        matches!(self.protocol.as_str(), "HTTP" | "HTTPS")
    }

    /// True for protocols that end at the balancer and need a certificate there.
    pub fn needs_certificate(&self) -> bool {
        matches!(self.protocol.as_str(), "HTTPS" | "SSL" | "TLS")
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.port, self.protocol)
    }
}

/// What a balancer listens on, and where on the hosts that leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// On the hosts.
    pub internal: Side,
    /// On the balancer.
    pub external: Side,
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.external, self.internal)
    }
}

/// How missing ports and protocols are inferred: what a type of balancer can do decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inference {
    /// HTTP on 80, HTTPS on 443, else TCP.
    Mixed,
    /// HTTPS on 443, else HTTP.
    Http,
    /// TCP on every port; TLS has the port 443, and `SSL` is a word for it.
    Transport,
}

impl Inference {
    fn protocol(self, port: u16) -> &'static str {
        match (self, port) {
            (Self::Transport, _) => "TCP",
            (_, 443) => "HTTPS",
            (Self::Http, _) | (Self::Mixed, 80) => "HTTP",
            (Self::Mixed, _) => "TCP",
        }
    }

    fn port(self, protocol: &str) -> Option<u16> {
        // HTTP on a network balancer is refused later, with the word that is meant.
        match (self, protocol) {
            (Self::Transport, "TLS") | (_, "HTTPS") => Some(443),
            (_, "HTTP") => Some(80),
            _ => None,
        }
    }

    fn spelling(self, protocol: String) -> String {
        match (self, protocol.as_str()) {
            (Self::Transport, "SSL") => "TLS".to_owned(),
            _ => protocol,
        }
    }
}

/// The sides that one pair of comma lists means on a classic balancer: [`sides_by`] with [`Inference::Mixed`].
///
/// # Errors
/// A port that is none; a position whose port cannot be inferred.
pub fn sides(ports: &str, protocols: &str) -> Result<Vec<Side>, GrammarError> {
    sides_by(Inference::Mixed, ports, protocols)
}

/// The sides that one pair of comma lists means; an empty list of ports and protocols means port 80.
///
/// # Errors
/// A port that is none; a position whose port cannot be inferred.
pub fn sides_by(
    inference: Inference,
    ports: &str,
    protocols: &str,
) -> Result<Vec<Side>, GrammarError> {
    let ports = elements(ports)
        .into_iter()
        .map(port)
        .collect::<Result<Vec<u16>, GrammarError>>()?;
    let protocols: Vec<String> = elements(protocols)
        .into_iter()
        .map(|word| inference.spelling(word.to_uppercase()))
        .collect();
    if ports.is_empty() && protocols.is_empty() {
        return Ok(vec![Side::new(80, inference.protocol(80))]);
    }
    (0..ports.len().max(protocols.len()))
        .map(|at| side(inference, ports.get(at).copied(), protocols.get(at)))
        .collect()
}

/// Combines both sides: a single internal one serves every external one; else they pair by position, and a missing side
/// copies the other one.
pub fn mappings(internal: &[Side], external: &[Side]) -> Vec<Mapping> {
    let pair = |internal: &Side, external: &Side| Mapping {
        internal: internal.clone(),
        external: external.clone(),
    };
    if let [only] = internal {
        return external.iter().map(|side| pair(only, side)).collect();
    }
    (0..internal.len().max(external.len()))
        .filter_map(|at| match (internal.get(at), external.get(at)) {
            (Some(own), Some(other)) => Some(pair(own, other)),
            (Some(side), None) | (None, Some(side)) => Some(pair(side, side)),
            (None, None) => None,
        })
        .collect()
}

/// The mapping whose internal side is checked: the first that speaks HTTP or HTTPS, else the first.
pub fn checked(mappings: &[Mapping]) -> Option<&Mapping> {
    mappings
        .iter()
        .find(|mapping| mapping.internal.is_http())
        .or(mappings.first())
}

fn elements(text: &str) -> Vec<&str> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    text.split(',').map(str::trim).collect()
}

fn port(text: &str) -> Result<u16, GrammarError> {
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
        GrammarError(format!(
            "`{text}` is not a port: write numbers from 1 to 65535, separated by commas"
        ))
    })
}

fn side(
    inference: Inference,
    port: Option<u16>,
    protocol: Option<&String>,
) -> Result<Side, GrammarError> {
    let protocol = protocol.filter(|protocol| !protocol.is_empty());
    match (port, protocol) {
        (Some(port), Some(protocol)) => Ok(Side::new(port, protocol)),
        (Some(port), None) => Ok(Side::new(port, inference.protocol(port))),
        (None, Some(protocol)) => {
            let port = inference.port(protocol).ok_or_else(|| {
                GrammarError(format!(
                    "no port can be inferred for protocol {protocol}: give the port"
                ))
            })?;
            Ok(Side::new(port, protocol))
        }
        (None, None) => Err(GrammarError("a protocol is missing".to_owned())),
    }
}

#[cfg(test)]
mod tests;
