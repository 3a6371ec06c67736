//! The `elb…` options of a hostclass (spec 70, section 7.2; docs/balancers.md). All come by chain B.

mod rules;

use super::Reader;
use crate::config::ini::Found;
use crate::network::listener::{Inference, Mapping, Side, mappings, sides_by};
use crate::network::{GrammarError, MetaNetwork};
use std::fmt;

/// What kind of load balancer serves a hostclass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum BalancerType {
    /// Classic Load Balancer.
    #[default]
    Classic,
    /// Application Load Balancer.
    Application,
    /// Network Load Balancer.
    Network,
}

impl BalancerType {
    /// The word of the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Application => "application",
            Self::Network => "network",
        }
    }

    /// How it infers missing ports and protocols.
    fn inference(self) -> Inference {
        match self {
            Self::Classic => Inference::Mixed,
            Self::Application => Inference::Http,
            Self::Network => Inference::Transport,
        }
    }
}

impl fmt::Display for BalancerType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The load balancer of one hostclass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalancerOptions {
    /// `elb`, default false: whether there is to be one.
    pub enabled: bool,
    /// `elb_type`, default classic.
    pub kind: BalancerType,
    /// `elb_meta_network`; absent means the network and subnets of the instances.
    pub meta_network: Option<MetaNetwork>,
    /// `elb_health_check_url`.
    pub health_check_url: Option<String>,
    /// Ports and protocols, never empty.
    pub mappings: Vec<Mapping>,
    /// `elb_public`, default false.
    pub public: bool,
    /// `elb_sticky_app_cookie`.
    pub sticky_cookie: Option<String>,
    /// `elb_idle_timeout` in seconds, default 300; 0 leaves it alone.
    pub idle_timeout: u32,
    /// True if `elb_idle_timeout` is in the configuration.
    pub idle_timeout_given: bool,
    /// `elb_connection_draining` in seconds, default 300; 0 switches it off.
    pub connection_draining: u32,
    /// `elb_cross_zone_load_balancing`, default true.
    pub cross_zone: bool,
    /// `elb_cert_name`: name under which the certificate is looked up.
    pub cert_name: Option<String>,
    /// `elb_ssl_policy`: security policy of HTTPS and TLS listeners; not for classic ones.
    pub ssl_policy: String,
    /// `elb_dns_alias`: one more host name.
    pub dns_alias: Option<String>,
    /// `target_group`, default false.
    pub target_group: bool,
}

impl BalancerOptions {
    /// No load balancer, and everything else at its default.
    pub fn off() -> Self {
        Self {
            enabled: false,
            kind: BalancerType::Classic,
            meta_network: None,
            health_check_url: None,
            mappings: mappings(&[Side::new(80, "HTTP")], &[Side::new(80, "HTTP")]),
            public: false,
            sticky_cookie: None,
            idle_timeout: 300,
            idle_timeout_given: false,
            connection_draining: 300,
            cross_zone: true,
            cert_name: None,
            ssl_policy: SSL_POLICY.to_owned(),
            dns_alias: None,
            target_group: false,
        }
    }
}

/// Longest idle timeout that AWS takes, in seconds.
const LONGEST: u32 = 4000;
/// Longest draining time, in seconds.
const LONGEST_DRAINING: u32 = 3600;
/// Longest idle timeout of a network balancer, in seconds.
const LONGEST_TCP: u32 = 6000;
/// Policy of TLS 1.2 and 1.3 with ciphers that AWS recommends.
const SSL_POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";

impl Reader<'_> {
    /// Reads the options. Without `elb` and `target_group` nothing of the rest is judged: it has no effect.
    pub(super) fn balancer(&mut self) -> BalancerOptions {
        let enabled = self.truth("elb", false);
        let target_group = self.truth("target_group", false);
        let mut options = BalancerOptions {
            enabled,
            target_group,
            ..BalancerOptions::off()
        };
        if !enabled && !target_group {
            return options;
        }
        options.kind = self.balancer_type();
        options.meta_network = self.balancer_network();
        options.health_check_url = self.text("elb_health_check_url");
        if let Some(found) = self.mappings(options.kind.inference()) {
            options.mappings = found;
        }
        options.public = self.truth("elb_public", false);
        options.sticky_cookie = self.text("elb_sticky_app_cookie");
        let longest = match options.kind {
            BalancerType::Network => LONGEST_TCP,
            BalancerType::Classic | BalancerType::Application => LONGEST,
        };
        let idle = self.seconds("elb_idle_timeout", longest);
        options.idle_timeout_given = idle.is_some();
        options.idle_timeout = idle.unwrap_or(300);
        options.connection_draining = self
            .seconds("elb_connection_draining", LONGEST_DRAINING)
            .unwrap_or(300);
        options.cross_zone = match self.text("elb_cross_zone_load_balancing") {
            Some(text) => crate::config::is_truthy(&text),
            None => true,
        };
        options.cert_name = self.text("elb_cert_name");
        options.dns_alias = self.text("elb_dns_alias");
        self.judge_check(&options);
        if enabled && options.kind != BalancerType::Classic {
            if let Some(policy) = self.text("elb_ssl_policy") {
                options.ssl_policy = policy.trim().to_owned();
            }
            self.judge_balancer(&options);
        }
        options
    }

    fn balancer_type(&mut self) -> BalancerType {
        let Some(found) = self.filled("elb_type") else {
            return BalancerType::Classic;
        };
        let kinds = [
            BalancerType::Classic,
            BalancerType::Application,
            BalancerType::Network,
        ];
        let word = found.value.trim().to_ascii_lowercase();
        let kind = kinds.into_iter().find(|kind| kind.as_str() == word);
        if kind.is_none() {
            let problem = format!(
                "`{}` is none of `classic`, `application`, `network`",
                found.value
            );
            self.wrong(&found, problem);
        }
        kind.unwrap_or_default()
    }

    fn balancer_network(&mut self) -> Option<MetaNetwork> {
        let found = self.filled("elb_meta_network")?;
        match found.value.parse() {
            Ok(net) => Some(net),
            Err(GrammarError(problem)) => {
                self.wrong(&found, problem);
                None
            }
        }
    }

    fn mappings(&mut self, inference: Inference) -> Option<Vec<Mapping>> {
        let internal = self.sides(inference, "elb_instance_port", "elb_instance_protocol");
        let external = self.sides(inference, "elb_port", "elb_protocol");
        Some(mappings(&internal?, &external?))
    }

    fn sides(&mut self, inference: Inference, ports: &str, protocols: &str) -> Option<Vec<Side>> {
        let (ports, protocols) = (self.optional(ports), self.optional(protocols));
        let text =
            |found: &Option<Found>| found.as_ref().map_or(String::new(), |f| f.value.clone());
        match sides_by(inference, &text(&ports), &text(&protocols)) {
            Ok(sides) => Some(sides),
            Err(GrammarError(problem)) => {
                // Only a given option can be wrong.
                if let Some(found) = ports.or(protocols) {
                    self.wrong(&found, problem);
                }
                None
            }
        }
    }

    fn seconds(&mut self, key: &str, longest: u32) -> Option<u32> {
        let found = self.filled(key)?;
        let seconds = found.value.trim().parse().ok();
        let seconds = seconds.filter(|seconds| *seconds <= longest);
        if seconds.is_none() {
            let problem = format!(
                "`{}` is not a number of seconds from 0 to {longest}",
                found.value
            );
            self.wrong(&found, problem);
        }
        seconds
    }
}

#[cfg(test)]
mod tests;
