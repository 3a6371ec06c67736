//! What application and network balancers cannot do, found before anything is changed (docs/balancers.md).

use super::{BalancerOptions, BalancerType};
use crate::config::hostclass::Reader;
use crate::network::listener::{Mapping, Side};
use std::collections::BTreeSet;

/// Shortest idle timeout of TCP listeners, in seconds.
const SHORTEST_TCP_IDLE: u32 = 60;

impl Reader<'_> {
    /// Reports everything that an application or network balancer with these options could not be.
    pub(super) fn judge_balancer(&mut self, options: &BalancerOptions) {
        self.judge_protocols(options);
        self.judge_ports(options);
        self.judge_cookie(options);
        if options.kind == BalancerType::Network
            && options.idle_timeout_given
            && (1..SHORTEST_TCP_IDLE).contains(&options.idle_timeout)
        {
            self.wrong_balancer(
                &["elb_idle_timeout"],
                format!("a network balancer takes {SHORTEST_TCP_IDLE} to 6000 seconds"),
            );
        }
        if !options.ssl_policy.starts_with("ELBSecurityPolicy-") {
            let problem = format!(
                "`{}` is not a security policy: their names begin with `ELBSecurityPolicy-`",
                options.ssl_policy
            );
            self.wrong_balancer(&["elb_ssl_policy"], problem);
        }
    }

    /// Reports what no HTTP check can ask for. Where hosts are only checked by TCP the option has no effect.
    pub(super) fn judge_check(&mut self, options: &BalancerOptions) {
        let http = |mapping: &Mapping| mapping.internal.is_http() || mapping.external.is_http();
        // Network balancers check by HTTP as soon as there is a path.
        let network = options.enabled && options.kind == BalancerType::Network;
        let asks = network || options.mappings.iter().any(http);
        if let Some(url) = &options.health_check_url
            && asks
            && !url.starts_with('/')
        {
            let problem = format!("`{url}` is not a path: begin it with `/`");
            self.wrong_balancer(&["elb_health_check_url"], problem);
        }
    }

    fn judge_protocols(&mut self, options: &BalancerOptions) {
        let mut told = BTreeSet::new();
        let mut refused = false;
        for mapping in &options.mappings {
            let sides = [
                (&mapping.external, ["elb_protocol", "elb_port"]),
                (
                    &mapping.internal,
                    ["elb_instance_protocol", "elb_instance_port"],
                ),
            ];
            for (side, keys) in sides {
                let Some(problem) = unfit(options.kind, side) else {
                    continue;
                };
                refused = true;
                // A missing side copies the other one, so the word may stand on either list.
                if told.insert(problem.clone()) {
                    let all = [keys[0], "elb_protocol", "elb_instance_protocol", keys[1]];
                    self.wrong_balancer(&all, problem);
                }
            }
        }
        if refused || options.kind != BalancerType::Network {
            return;
        }
        for mapping in &options.mappings {
            let (from, to) = (&mapping.external, &mapping.internal);
            if !leads(&from.protocol, &to.protocol) {
                let problem =
                    format!("a network balancer cannot lead {from} to {to}: set both protocols");
                let keys = ["elb_instance_protocol", "elb_protocol", "elb_port"];
                self.wrong_balancer(&keys, problem);
            }
        }
    }

    fn judge_ports(&mut self, options: &BalancerOptions) {
        let mut seen = BTreeSet::new();
        for mapping in &options.mappings {
            let port = mapping.external.port;
            if !seen.insert(port) {
                let problem = format!("two listeners on port {port}");
                self.wrong_balancer(&["elb_port", "elb_protocol", "elb_instance_port"], problem);
            }
        }
    }

    fn judge_cookie(&mut self, options: &BalancerOptions) {
        let Some(cookie) = &options.sticky_cookie else {
            return;
        };
        let problem = if options.kind == BalancerType::Network {
            "a network balancer knows no cookies: use elb_type=application".to_owned()
        } else if cookie.to_ascii_uppercase().starts_with("AWSALB") {
            format!(
                "cookies whose names begin with AWSALB, like `{cookie}`, are the balancer's: `ELB` asks for one"
            )
        } else if !options.cross_zone {
            "an application balancer has no cookies with elb_cross_zone_load_balancing=no"
                .to_owned()
        } else {
            return;
        };
        self.wrong_balancer(&["elb_sticky_app_cookie"], problem);
    }

    /// A problem at the first of these options that is given. Only a given option can be wrong.
    fn wrong_balancer(&mut self, keys: &[&str], problem: String) {
        if let Some(found) = keys.iter().find_map(|key| self.filled(key)) {
            self.wrong(&found, problem);
        }
    }
}

/// Why the type of balancer does not speak this protocol.
fn unfit(kind: BalancerType, side: &Side) -> Option<String> {
    let protocol = side.protocol.as_str();
    match (kind, protocol) {
        (BalancerType::Classic, _)
        | (BalancerType::Application, "HTTP" | "HTTPS")
        | (BalancerType::Network, "TCP" | "UDP" | "TCP_UDP" | "TLS") => None,
        (BalancerType::Application, "SSL" | "TLS") => Some(format!(
            "an application balancer does not speak {protocol}: write HTTPS, or use elb_type=network"
        )),
        (BalancerType::Application, _) => Some(format!(
            "an application balancer speaks HTTP and HTTPS only, not {protocol}: use elb_type=network"
        )),
        (BalancerType::Network, "HTTPS") => Some(
            "a network balancer does not speak HTTPS: write TLS, which ends at the balancer and needs a certificate, or TCP"
                .to_owned(),
        ),
        (BalancerType::Network, _) => Some(format!(
            "a network balancer speaks TCP, UDP, TCP_UDP and TLS only, not {protocol}: write TCP, or use elb_type=application"
        )),
    }
}

/// Whether a listener of a network balancer can forward to such a target group.
fn leads(from: &str, to: &str) -> bool {
    match from {
        "TCP" => matches!(to, "TCP" | "TCP_UDP"),
        "TLS" => matches!(to, "TCP" | "TLS"),
        "UDP" => matches!(to, "UDP" | "TCP_UDP"),
        _ => from == to,
    }
}
