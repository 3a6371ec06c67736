#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Whatever is wanted one after the other: each plan leads there, and a second one is empty.

use super::model::Model;
use super::{made, plan_v2, spec};
use crate::balancer::BalancerSpec;
use crate::config::BalancerType;
use crate::network::listener::{Mapping, Side};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Pairs of protocols, external and internal, that each type can do.
fn protocols(kind: BalancerType) -> &'static [(&'static str, &'static str)] {
    match kind {
        BalancerType::Network => &[
            ("TCP", "TCP"),
            ("TLS", "TCP"),
            ("UDP", "UDP"),
            ("TCP", "TCP_UDP"),
        ],
        _ => &[
            ("HTTP", "HTTP"),
            ("HTTPS", "HTTP"),
            ("HTTPS", "HTTPS"),
            ("HTTP", "HTTPS"),
        ],
    }
}

prop_compose! {
    fn wanted()(
        kind in prop_oneof![
            4 => Just(BalancerType::Application),
            4 => Just(BalancerType::Network),
            1 => Just(BalancerType::Classic),
        ],
        (enabled, testing, target_group, url, cross_zone) in any::<(bool, bool, bool, bool, bool)>(),
        ports in proptest::collection::vec((0..4_usize, 80..83_u16), 1..4),
        (idle, draining) in (prop_oneof![Just(0_u32), 60..62_u32], 0..2_u32),
        cookie in proptest::option::of(prop_oneof![Just("ELB"), Just("SID")]),
        more_subnets in any::<bool>(),
    ) -> BalancerSpec {
        let mut own = spec("elb=yes");
        own.testing = testing;
        own.options.enabled = enabled;
        own.options.kind = kind;
        own.options.target_group = target_group;
        own.options.health_check_url = url.then(|| "/ok".to_owned());
        own.options.cross_zone = cross_zone;
        own.options.idle_timeout = idle;
        own.options.idle_timeout_given = idle > 0;
        own.options.connection_draining = draining;
        own.options.sticky_cookie = cookie.map(str::to_owned);
        // The certificate of the model.
        own.options.cert_name = Some("mhcweb-ci.example.com".into());
        let mapping = |(index, (pair, port)): (usize, &(usize, u16))| {
            let (external, internal) = protocols(kind)[*pair];
            Mapping {
                external: Side::new(100 + index as u16, external),
                internal: Side::new(*port, internal),
            }
        };
        own.options.mappings = ports.iter().enumerate().map(mapping).collect();
        if more_subnets {
            own.subnets.push("subnet-3".into());
        }
        own
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_sequence_of_wishes_converges(wishes in proptest::collection::vec(wanted(), 1..6)) {
        let mut model = Model::default();
        for spec in &wishes {
            let v2 = spec.options.enabled && spec.options.kind != BalancerType::Classic;
            let other = model.balancers.get(&spec.id()).filter(|own| own.kind != spec.options.kind);
            if v2 && other.is_some() {
                prop_assert!(plan_v2(&model.state(), spec).is_err(), "of another type");
                continue;
            }
            let planned = plan_v2(&model.state(), spec).unwrap();
            let attach: BTreeSet<String> =
                planned.attach.target_groups.iter().map(|own| own.name.clone()).collect();
            for own in &planned.attach.target_groups {
                let made_now = planned.plan.ids().contains(&own.key());
                prop_assert_eq!(own.arn.is_none(), made_now, "yielded or known");
                prop_assert!(!made_now || planned.ready.contains(&own.key()));
            }
            for own in &planned.detach.target_groups {
                prop_assert!(!attach.contains(&own.name), "attached and detached");
            }
            made(&mut model, spec);
            let there = model.balancers.get(&spec.id());
            if let Some(balancer) = there.filter(|_| v2) {
                for mapping in &spec.options.mappings {
                    let port = mapping.external.port;
                    let own = balancer.listeners.iter().find(|own| own.port == port).unwrap();
                    let arn = own.group.as_ref().unwrap();
                    let group = model.groups.values().find(|group| group.arn == *arn).unwrap();
                    prop_assert_eq!(&group.side, &mapping.internal);
                    prop_assert_eq!(&own.protocol, &mapping.external.protocol);
                    prop_assert_eq!(own.certificate.is_some(), mapping.external.needs_certificate());
                    prop_assert!(attach.contains(&group.name));
                }
                prop_assert_eq!(balancer.listeners.len(), spec.options.mappings.len());
            }
        }
    }
}
