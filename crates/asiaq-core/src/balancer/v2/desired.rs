//! What a hostclass wants of an application or network balancer. Pure.

use super::action::{HealthCheck, Numbers};
use crate::aws::Tags;
use crate::balancer::BalancerSpec;
use crate::config::BalancerType;
use crate::names;
use crate::network::listener::{Mapping, Side, checked};

/// Tag of target groups: name in AWS of the load balancer that they were made for. Those leave with it.
pub(super) const MADE_FOR: &str = "balancer";

/// A wanted target group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WantedGroup {
    /// Port and protocol of the hosts.
    pub(super) side: Side,
    /// Names that it may have, the best one first. A name may be taken by a group of another port or protocol.
    pub(super) names: Vec<String>,
}

/// One target group per distinct internal side, in the order of the mappings.
pub(super) fn groups(spec: &BalancerSpec) -> Vec<WantedGroup> {
    let mut sides: Vec<&Side> = Vec::new();
    for mapping in &spec.options.mappings {
        if !sides.contains(&&mapping.internal) {
            sides.push(&mapping.internal);
        }
    }
    let base = base(spec);
    let group = |(index, side): (usize, &Side)| {
        let named = |suffix: &str| group_name(&spec.env, &format!("{base}{suffix}"));
        let port = format!("-{}", side.port);
        let full = format!("-{}-{}", side.port, side.protocol.to_lowercase());
        let first = (index == 0).then(|| named(""));
        WantedGroup {
            side: side.clone(),
            names: first
                .into_iter()
                .chain([named(&port), named(&full)])
                .collect(),
        }
    };
    sides.into_iter().enumerate().map(group).collect()
}

/// AWS takes letters, digits and hyphens, and no hyphen at either end.
fn group_name(env: &str, hostclass: &str) -> String {
    let plain = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let (env, hostclass) = (plain(env), plain(hostclass));
    names::target_group(env.trim_start_matches('-'), hostclass.trim_end_matches('-'))
}

/// The hostclass as it stands in names of target groups.
fn base(spec: &BalancerSpec) -> String {
    let suffix = if spec.testing { "-test" } else { "" };
    format!("{}{suffix}", spec.hostclass)
}

/// What all names of target groups of the hostclass begin with, whether they were too long or not.
pub(super) fn name_start(spec: &BalancerSpec) -> String {
    group_name(&spec.env, &spec.hostclass)
        .chars()
        .take(27)
        .collect()
}

/// The health check of all target groups: a host is healthy as a whole, as behind a classic balancer.
pub(super) fn health_check(spec: &BalancerSpec) -> Option<HealthCheck> {
    let options = &spec.options;
    let network = options.kind == BalancerType::Network;
    let answers = |mapping: &&Mapping| mapping.internal.protocol != "UDP";
    let mapping = if network {
        let first = options.mappings.first();
        options.mappings.iter().find(answers).or(first)
    } else {
        checked(&options.mappings)
    };
    let side = &mapping?.internal;
    let url = options.health_check_url.as_deref();
    let (protocol, path) = match (network, url) {
        (true, None) => ("TCP", None),
        (true, Some(url)) if side.protocol == "TLS" => ("HTTPS", Some(url)),
        (true, Some(url)) => ("HTTP", Some(url)),
        (false, url) => (side.protocol.as_str(), Some(url.unwrap_or("/"))),
    };
    Some(HealthCheck {
        protocol: protocol.to_owned(),
        port: side.port,
        path: path.map(str::to_owned),
        numbers: Some(Numbers {
            interval: 5,
            timeout: 4,
            healthy: 2,
            unhealthy: 2,
            code: path.map(|_| "200".to_owned()),
        }),
    })
}

/// Tags of target groups of a balancer.
pub(super) fn group_tags(spec: &BalancerSpec) -> Tags {
    let mut tags = spec.tags.clone();
    tags.extend(spec.balancer_tags());
    tags.insert(MADE_FOR.to_owned(), spec.id());
    tags
}
