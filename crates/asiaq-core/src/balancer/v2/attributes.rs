//! Attributes of balancers, target groups and listeners: what is wanted, and what differs. Pure.
//!
//! Attributes that no option is about are left alone.

use crate::balancer::BalancerSpec;
use crate::config::BalancerType;
use std::collections::BTreeMap;

/// Attributes by key.
pub type Attributes = BTreeMap<String, String>;

const IDLE_TIMEOUT: &str = "idle_timeout.timeout_seconds";
const TCP_IDLE_TIMEOUT: &str = "tcp.idle_timeout.seconds";
const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";
/// Of a target group: as its balancer does.
const AS_BALANCER: &str = "use_load_balancer_configuration";
const DRAINING: &str = "deregistration_delay.timeout_seconds";
const STICKY: &str = "stickiness.enabled";
const STICKY_TYPE: &str = "stickiness.type";
const STICKY_COOKIE: &str = "stickiness.app_cookie.cookie_name";

/// What the options say of the balancer. An application balancer balances across zones always; its target groups decide.
pub(super) fn of_balancer(spec: &BalancerSpec) -> Attributes {
    let options = &spec.options;
    match options.kind {
        BalancerType::Network => pairs([(CROSS_ZONE, options.cross_zone.to_string())]),
        _ if options.idle_timeout == 0 => Attributes::new(),
        _ => pairs([(IDLE_TIMEOUT, options.idle_timeout.to_string())]),
    }
}

/// What the options say of each target group.
pub(super) fn of_group(spec: &BalancerSpec) -> Attributes {
    let options = &spec.options;
    let mut all = pairs([(DRAINING, options.connection_draining.to_string())]);
    if options.kind == BalancerType::Network {
        return all;
    }
    let cross_zone = if options.cross_zone {
        AS_BALANCER
    } else {
        "false"
    };
    all.extend(pairs([(CROSS_ZONE, cross_zone.to_owned())]));
    all.extend(match options.sticky_cookie.as_deref() {
        None => pairs([(STICKY, "false".to_owned())]),
        Some("ELB" | "AWSELB") => pairs([
            (STICKY, "true".to_owned()),
            (STICKY_TYPE, "lb_cookie".to_owned()),
        ]),
        Some(name) => pairs([
            (STICKY, "true".to_owned()),
            (STICKY_TYPE, "app_cookie".to_owned()),
            (STICKY_COOKIE, name.to_owned()),
        ]),
    });
    all
}

/// What the options say of a listener: the idle timeout of TCP on a network balancer, if it is given.
pub(super) fn of_listener(spec: &BalancerSpec, protocol: &str) -> Attributes {
    let options = &spec.options;
    if wants_listener_attributes(spec) && protocol == "TCP" {
        return pairs([(TCP_IDLE_TIMEOUT, options.idle_timeout.to_string())]);
    }
    Attributes::new()
}

/// Whether any listener has attributes that an option is about.
pub(super) fn wants_listener_attributes(spec: &BalancerSpec) -> bool {
    let options = &spec.options;
    options.kind == BalancerType::Network && options.idle_timeout_given && options.idle_timeout > 0
}

fn pairs<const N: usize>(pairs: [(&str, String); N]) -> Attributes {
    let owned = |(key, value): (&str, String)| (key.to_owned(), value);
    pairs.into_iter().map(owned).collect()
}

/// The wanted attributes that are not so.
pub(super) fn differing(wanted: &Attributes, observed: &Attributes) -> Attributes {
    let differs = |(key, value): &(&String, &String)| {
        let own = observed.get(*key);
        // A target group that says for itself what its balancer does anyway.
        let same_meaning = value.as_str() == AS_BALANCER && own.is_some_and(|own| own == "true");
        own != Some(*value) && !same_meaning
    };
    let found = wanted.iter().filter(differs);
    found
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Lines for people, one per attribute; `observed` is `None` for what is created.
pub(super) fn lines(of: &str, changed: &Attributes, observed: Option<&Attributes>) -> Vec<String> {
    let line = |(key, value): (&String, &String)| match observed {
        None => format!("{of} {key}={value}"),
        Some(observed) => {
            let old = observed.get(key).map_or("none", String::as_str);
            format!("{of} {key} {old} -> {value}")
        }
    };
    changed.iter().map(line).collect()
}
