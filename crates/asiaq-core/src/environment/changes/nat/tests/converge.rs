#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What NAT a metanetwork is to have.
fn nat_of(net: &'static str, from: u8) -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just(format!("{net}_nat_gateways=auto\n")),
        Just((from..from + 4).collect::<Vec<u8>>())
            .prop_shuffle()
            .prop_map(move |all| format!("{net}_nat_gateways=E{} E{}\n", all[0], all[1])),
    ]
}

/// Any NAT configuration: gateways in two metanetworks, routes from two others and from one of these.
fn configurations() -> impl Strategy<Value = String> {
    // The lists overlap over time: E3 and E4 may move between the metanetworks.
    let nets = (nat_of("tunnel", 1), nat_of("dmz", 5), any::<bool>());
    (nets, 0..4u8, any::<bool>()).prop_map(|((tunnel, dmz, swapped), route, igw)| {
        let dmz = if swapped && !tunnel.contains("E3") && !tunnel.contains("E4") {
            dmz.replace("E5", "E3").replace("E6", "E4")
        } else {
            dmz
        };
        let mut routes = Vec::new();
        if !tunnel.is_empty() && route & 1 == 1 {
            routes.push("intranet/tunnel");
        }
        if !dmz.is_empty() && route == 2 {
            routes.push("intranet/dmz");
        }
        if !dmz.is_empty() && route & 2 == 2 {
            routes.push("tunnel/dmz");
        }
        let igw = if igw {
            "intranet_igw_routes=0.0.0.0/0\ntunnel_igw_routes=0.0.0.0/0\n"
        } else {
            ""
        };
        format!(
            "{tunnel}{dmz}nat_gateway_routes={}\n{igw}",
            routes.join(" ")
        )
    })
}

/// Something happens to an environment; `pick` says to which of its parts.
fn meddle(observed: &mut Observed, kind: u8, pick: usize) {
    let gateways = observed.nat_gateways.len();
    let routes = |o: &mut Observed| -> Vec<(usize, usize)> {
        let all = o.route_tables.iter().enumerate();
        all.flat_map(|(t, table)| (0..table.routes.len()).map(move |r| (t, r)))
            .collect()
    };
    match kind {
        0..=2 if gateways > 0 => {
            let state = ["failed", "deleting", "pending"][usize::from(kind)];
            observed.nat_gateways[pick % gateways].state = state.to_owned();
        }
        3 if gateways > 0 => {
            // Deleted by hand: the address keeps a void association.
            let own = observed.nat_gateways.remove(pick % gateways);
            observed.past_nat_gateways.push(own);
        }
        4 => drop(observed.subnets[pick % 6].tags.remove(tag::DYNONAT)),
        5 | 6 => {
            let all = routes(observed);
            if let Some((table, route)) = all.get(pick % all.len().max(1)) {
                let routes = &mut observed.route_tables[*table].routes;
                if kind == 5 {
                    routes.remove(*route);
                } else {
                    routes[*route].blackhole = true;
                }
            }
        }
        7 => {
            let addresses = &mut observed.beside.addresses;
            let mut own = address(&format!("E{}", 60 + pick % 9));
            own.tags.insert(tag::DYNAMIC.into(), "true".into());
            own.tags.insert(tag::ENVIRONMENT.into(), "ci".into());
            if !addresses.iter().any(|a| a.public_ip == own.public_ip) {
                addresses.push(own);
            }
        }
        8 => {
            let subnet = &mut observed.subnets[pick % 6];
            let live = observed
                .nat_gateways
                .iter()
                .any(|g| g.subnet_id == subnet.id);
            // A mark says that the gateway there is automatic; with a static one its address would be given back.
            if !live {
                subnet.tags.insert(tag::DYNONAT.into(), String::new());
            }
        }
        _ => {}
    }
}

/// The environment is what the configuration says, and no address is lost or left over.
fn check(options: &str, state: &Observed) {
    let own = with(options);
    let ips: BTreeSet<_> = state.beside.addresses.iter().map(|a| a.public_ip).collect();
    for n in 1..10 {
        assert!(
            ips.contains(&address(&format!("E{n}")).public_ip),
            "E{n} is lost"
        );
    }
    let mut automatic = 0;
    let mut expected = 0;
    for (net, settings) in &own.metanetworks {
        let zones = ["us-west-2a", "us-west-2b"];
        let found: BTreeMap<&str, &NatGateway> = zones
            .into_iter()
            .filter_map(|zone| {
                let mut all = state.nat_gateways.iter();
                Some((
                    zone,
                    all.find(|g| g.subnet_id == format!("subnet-{net}-{zone}"))?,
                ))
            })
            .collect();
        let Some(nat) = &settings.nat else {
            assert!(found.is_empty());
            continue;
        };
        assert_eq!(found.len(), 2, "{net}");
        expected += 2;
        let addresses: BTreeSet<&str> = found
            .values()
            .map(|g| g.allocation_id.as_deref().unwrap())
            .collect();
        match nat {
            crate::config::NatConfig::Auto => automatic += 2,
            crate::config::NatConfig::Addresses(list) => {
                let wanted: BTreeSet<String> = list
                    .iter()
                    .map(|ip| format!("eipalloc-{}", ip.octets()[3]))
                    .collect();
                assert_eq!(addresses, wanted.iter().map(String::as_str).collect());
            }
        }
    }
    assert_eq!(state.nat_gateways.len(), expected);
    let dynamic = state
        .beside
        .addresses
        .iter()
        .filter(|a| a.tags.contains_key(tag::DYNAMIC));
    assert_eq!(dynamic.count(), automatic, "automatic addresses");
    assert_eq!(state.beside.addresses.len(), 9 + automatic);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    /// From any configuration to any other, whatever happened to the environment and wherever two runs died: the next
    /// run completes it, nothing is left to do, and every address is where it belongs.
    #[test]
    fn runs_converge(
        before in configurations(), after in configurations(),
        drifts in prop::collection::vec((0..9u8, 0..60usize), 0..4),
        first in (0..12usize, 0..5usize), second in (0..12usize, 0..5usize), seed in any::<u64>(),
    ) {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut state = created(&before);
        for (kind, pick) in drifts {
            meddle(&mut state, kind, pick);
        }
        for death in [Some(first), Some(second), None] {
            let plan = world().plan(&with(&after), &state);
            let ids: BTreeSet<&str> = plan.changes().iter().map(|c| c.id.as_str()).collect();
            prop_assert_eq!(ids.len(), plan.changes().len(), "ids are unique: {:?}", plan.lines());
            state = applied_in_any_order(&state, &plan, &mut rng, death);
        }
        prop_assert_eq!(lines(&after, &state), vec![""; 0]);
        check(&after, &state);
    }
}
