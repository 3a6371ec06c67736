//! The grammar of security group rules: `PROTOCOL SOURCE PORT [PORT...]`, separated by commas
//! (spec 20, section 4.7).
//!
//! Only the text is understood here. What a rule opens in an environment is `ingress`'s business.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;

use super::{GrammarError, MetaNetwork, parse_cidr};

/// An IP protocol in its one normal form: the protocols with a name never occur as numbers when parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// `-1`: every protocol.
    All,
    /// `tcp` or 6.
    Tcp,
    /// `udp` or 17.
    Udp,
    /// `icmp` or 1.
    Icmp,
    /// `icmpv6` or 58.
    Icmpv6,
    /// Any other protocol, by its IANA number.
    Number(u8),
}

impl Protocol {
    /// The protocol as AWS writes it: `-1`, `tcp`, `udp`, `icmp`, `icmpv6` or the number.
    pub fn aws_name(self) -> String {
        match self {
            Protocol::All => "-1".to_owned(),
            Protocol::Tcp => "tcp".to_owned(),
            Protocol::Udp => "udp".to_owned(),
            Protocol::Icmp => "icmp".to_owned(),
            Protocol::Icmpv6 => "icmpv6".to_owned(),
            Protocol::Number(number) => number.to_string(),
        }
    }

    /// Whether grants of this protocol carry ports, or type and code for ICMP. AWS ignores them for others.
    pub const fn has_ports(self) -> bool {
        matches!(
            self,
            Protocol::Tcp | Protocol::Udp | Protocol::Icmp | Protocol::Icmpv6
        )
    }

    fn from_number(number: u8) -> Self {
        match number {
            1 => Protocol::Icmp,
            6 => Protocol::Tcp,
            17 => Protocol::Udp,
            58 => Protocol::Icmpv6,
            other => Protocol::Number(other),
        }
    }
}

impl FromStr for Protocol {
    type Err = GrammarError;

    /// Names in any case, `-1`, or a number from 0 to 255.
    fn from_str(text: &str) -> Result<Self, GrammarError> {
        match text.to_ascii_lowercase().as_str() {
            "-1" => Ok(Protocol::All),
            "tcp" => Ok(Protocol::Tcp),
            "udp" => Ok(Protocol::Udp),
            "icmp" => Ok(Protocol::Icmp),
            "icmpv6" => Ok(Protocol::Icmpv6),
            number => number.parse().map(Protocol::from_number).map_err(|_| {
                GrammarError(format!(
                    "unknown protocol `{text}`: use tcp, udp, icmp, icmpv6, a number from 0 to 255, or -1 for all"
                ))
            }),
        }
    }
}

/// An inclusive range of ports. For ICMP the two numbers are type and code; -1 stands for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    /// First port, -1 to 65535.
    pub from: i32,
    /// Last port, -1 to 65535.
    pub to: i32,
}

impl PortRange {
    /// Parses `n` or `a:b`, each number from -1 to 65535.
    pub fn parse(text: &str) -> Result<PortRange, GrammarError> {
        let number = |part: &str| {
            part.parse()
                .ok()
                .filter(|number| (-1..=65535).contains(number))
        };
        let range = match text.split_once(':') {
            Some((from, to)) => number(from).zip(number(to)),
            None => number(text).map(|port| (port, port)),
        };
        range.map(|(from, to)| PortRange { from, to }).ok_or_else(|| {
            GrammarError(format!(
                "`{text}` is not a port: use a number from 0 to 65535, a range like 8000:8010, or -1"
            ))
        })
    }

    /// Checks that the range does not run backwards. Only TCP and UDP have ranges; ICMP has type and code.
    pub fn check(self, protocol: Protocol) -> Result<(), GrammarError> {
        if matches!(protocol, Protocol::Tcp | Protocol::Udp) && self.from > self.to {
            return Err(GrammarError(format!(
                "port range `{}:{}` ends before it starts",
                self.from, self.to
            )));
        }
        Ok(())
    }

    /// The range in configuration notation: `n` or `a:b`.
    fn notation(self) -> String {
        if self.from == self.to {
            self.from.to_string()
        } else {
            format!("{}:{}", self.from, self.to)
        }
    }
}

impl fmt::Display for PortRange {
    /// For people: `n` or `a-b`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to {
            write!(f, "{}", self.from)
        } else {
            write!(f, "{}-{}", self.from, self.to)
        }
    }
}

/// Where the traffic that a rule allows comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// `all`: the security groups of all configured metanetworks.
    All,
    /// The security group of one metanetwork.
    Net(MetaNetwork),
    /// A network, in canonical form.
    Cidr(IpNet),
}

impl FromStr for Source {
    type Err = GrammarError;

    /// `all` in any case, a CIDR (recognised by its `/`), or the name of a metanetwork.
    fn from_str(text: &str) -> Result<Self, GrammarError> {
        if text.eq_ignore_ascii_case("all") {
            Ok(Source::All)
        } else if text.contains('/') {
            parse_cidr(text).map(Source::Cidr)
        } else {
            text.parse()
                .map(Source::Net)
                .map_err(|GrammarError(problem)| {
                    GrammarError(format!("{problem}, `all`, or a network like 10.0.0.0/16"))
                })
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::All => f.write_str("all"),
            Source::Net(net) => net.fmt(f),
            Source::Cidr(cidr) => cidr.fmt(f),
        }
    }
}

/// One security group rule of `NET_sg_rules`. Printing and parsing it again yields the same rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rule {
    /// The protocol.
    pub protocol: Protocol,
    /// Who may connect.
    pub source: Source,
    /// The ports; at least one.
    pub ports: Vec<PortRange>,
}

impl Rule {
    /// Parses one rule of metanetwork `net` (the name appears in errors).
    pub fn parse(net: MetaNetwork, text: &str) -> Result<Rule, GrammarError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let result = match words.as_slice() {
            [protocol, source, ports @ ..] if !ports.is_empty() => {
                Rule::from_words(protocol, source, ports)
            }
            _ => Err(GrammarError("write it as PROTOCOL SOURCE PORT".to_owned())),
        };
        result.map_err(|GrammarError(problem)| {
            let rule = words.join(" ");
            GrammarError(format!(
                "Cannot make heads or tails of rule `{rule}` for metanetwork {net}: {problem}"
            ))
        })
    }

    fn from_words(protocol: &str, source: &str, ports: &[&str]) -> Result<Rule, GrammarError> {
        let protocol = protocol.parse::<Protocol>()?;
        let source = source.parse()?;
        let ports = ports
            .iter()
            .map(|text| {
                let range = PortRange::parse(text)?;
                range.check(protocol).map(|()| range)
            })
            .collect::<Result<_, _>>()?;
        Ok(Rule {
            protocol,
            source,
            ports,
        })
    }

    /// Parses the comma-separated rules of metanetwork `net`. Blank text holds no rules; an empty rule
    /// between or after commas is an error.
    pub fn parse_list(net: MetaNetwork, text: &str) -> Result<Vec<Rule>, GrammarError> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        text.split(',').map(|rule| Rule::parse(net, rule)).collect()
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.protocol.aws_name(), self.source)?;
        self.ports
            .iter()
            .try_for_each(|range| write!(f, " {}", range.notation()))
    }
}

#[cfg(test)]
mod tests;
