#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::super::testing::{
    World, applied, applied_in_any_order, config, net4, table, via, zones,
};
use super::*;
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

const NETS: &str = "vpc_cidr=10.0.0.0/20\nintranet_cidr=10.0.0.0/22\ntunnel_cidr=10.0.4.0/22\n\
                    tunnel_igw_routes=0.0.0.0/0\nintranet_igw_routes=198.51.100.0/24\n";
const NAT: &str = "tunnel_nat_gateways=auto\nnat_gateway_routes=intranet/tunnel\n";

fn world() -> World {
    World {
        zones: zones("ab"),
        ..World::default()
    }
}

/// A route to something that others made.
fn to(destination: &str, target: Target) -> Route {
    Route {
        target,
        ..via(net4(destination), "")
    }
}

/// An environment of the old layout: a shared table for each metanetwork with all sorts of routes, subnets with
/// `meta_network` only.
fn old() -> Observed {
    let mut observed = world().created(&config(NETS));
    observed.route_tables.clear();
    for (net, third) in [(MetaNetwork::Intranet, 0), (MetaNetwork::Tunnel, 4)] {
        let ids: Vec<String> = ["a", "b"]
            .map(|z| format!("subnet-{net}-us-west-2{z}"))
            .into();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut shared = table(&format!("rtb-{net}"), net, None, &ids);
        let mut learned = via(net4("10.30.0.0/16"), "vgw-1");
        learned.propagated = true;
        let mut gone = to("10.31.0.0/16", Target::Peering("pcx-gone".into()));
        gone.blackhole = true;
        shared.routes = vec![
            to("10.20.0.0/16", Target::Peering("pcx-1".into())),
            to("10.21.0.0/16", Target::Instance("i-1".into())),
            to("10.22.0.0/16", Target::Interface("eni-1".into())),
            to("10.23.0.0/16", Target::Other("tgw-1".into())),
            learned,
            gone,
        ];
        if third == 4 {
            shared.routes.push(via(net4("0.0.0.0/0"), "igw-1"));
        } else {
            shared.routes.push(via(net4("198.51.100.0/24"), "igw-1"));
        }
        observed.route_tables.push(shared);
    }
    for subnet in &mut observed.subnets {
        subnet.tags.retain(|key, _| key == "meta_network");
    }
    observed
}

/// The plan without the S3 endpoint, which follows the tables.
fn lines(options: &str, observed: &Observed) -> Vec<String> {
    let plan = world().plan(&config(&format!("{NETS}{options}")), observed);
    let mut lines = plan.lines();
    lines.retain(|line| !line.starts_with("~ S3 endpoint "));
    lines
}

#[test]
fn without_nat_only_tags_are_added() {
    let observed = old();
    let keys = "Name application create_date subnet type";
    let wanted = [
        "intranet us-west-2a",
        "intranet us-west-2b",
        "tunnel us-west-2a",
        "tunnel us-west-2b",
    ]
    .map(|place| format!("+ tags of subnet {place}: {keys}"));
    assert_eq!(lines("", &observed), wanted);
    let plan = world().plan(&config(NETS), &observed);
    let after = applied(&observed, &plan);
    assert_eq!(lines("", &after), [""; 0]);
    assert_eq!(after.route_tables.len(), 2);
}

#[test]
fn nat_converts_its_metanetworks() {
    let mut observed = old();
    let tagged = applied(&observed, &world().plan(&config(NETS), &observed));
    observed.subnets = tagged.subnets;
    let all = lines(NAT, &observed);
    let of_a: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|line| line.contains("intranet us-west-2a"))
        .collect();
    assert_eq!(
        of_a,
        [
            "+ route table intranet us-west-2a",
            "+ route intranet us-west-2a 10.20.0.0/16 -> pcx-1",
            "+ route intranet us-west-2a 10.21.0.0/16 -> i-1",
            "+ route intranet us-west-2a 10.22.0.0/16 -> eni-1",
            "+ route intranet us-west-2a 10.23.0.0/16 -> tgw-1",
            "+ route intranet us-west-2a 198.51.100.0/24 -> igw-1",
            "+ propagation of routes from vgw-1 to route table intranet us-west-2a",
            "+ association of route table and subnet intranet us-west-2a",
            "+ route intranet us-west-2a 0.0.0.0/0 -> NAT gateway tunnel us-west-2a",
        ]
    );
    for line in [
        "- route table intranet shared rtb-intranet",
        "- route table tunnel shared rtb-tunnel",
        "+ route tunnel us-west-2b 0.0.0.0/0 -> igw-1",
    ] {
        assert!(all.contains(&line.to_owned()), "{line}: {all:#?}");
    }
    assert!(
        !all.iter().any(|line| line.contains("pcx-gone")),
        "{all:#?}"
    );
    let after = applied(
        &observed,
        &world().plan(&config(&format!("{NETS}{NAT}")), &observed),
    );
    assert_eq!(after.route_tables.len(), 4);
    assert!(
        after
            .route_tables
            .iter()
            .all(|t| t.zone.is_some() && t.associations.len() == 1 && t.routes.len() >= 6)
    );
    assert_eq!(lines(NAT, &after), [""; 0]);
}

#[test]
fn only_the_metanetworks_with_nat_are_converted() {
    let after = |options: &str| {
        let own = config(&format!("{NETS}{options}"));
        let observed = old();
        let state = applied(&observed, &world().plan(&own, &observed));
        assert_eq!(lines(options, &state), [""; 0]);
        let shared = state.route_tables.iter().filter(|t| t.zone.is_none());
        shared.map(|t| t.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(after("tunnel_nat_gateways=auto\n"), ["rtb-intranet"]);
    assert_eq!(after(NAT), [""; 0]);
    assert_eq!(after(""), ["rtb-intranet", "rtb-tunnel"]);
}

#[test]
fn a_shared_table_that_others_use_stays() {
    for (what, change) in [
        (
            "main",
            (|t: &mut RouteTable| t.main = true) as fn(&mut RouteTable),
        ),
        ("foreign subnet", |t| {
            t.associations
                .insert("subnet-foreign".into(), "rtbassoc-x".into());
        }),
    ] {
        let mut observed = old();
        change(&mut observed.route_tables[1]);
        let own = config(&format!("{NETS}{NAT}"));
        let state = applied(&observed, &world().plan(&own, &observed));
        assert!(
            state.route_tables.iter().any(|t| t.id == "rtb-tunnel"),
            "{what}"
        );
        assert_eq!(lines(NAT, &state), [""; 0], "{what}");
    }
}

#[test]
fn two_untagged_tables_are_no_layout_of_ours() {
    let mut observed = world().created(&config(NETS));
    for id in ["rtb-x", "rtb-y"] {
        observed
            .route_tables
            .push(table(id, MetaNetwork::Intranet, None, &[]));
    }
    assert_eq!(lines("", &observed), [""; 0]);
}

#[test]
fn one_zone_and_a_missing_association() {
    let world = World {
        zones: zones("a"),
        ..World::default()
    };
    let mut observed = old();
    observed.subnets.retain(|s| s.zone == "us-west-2a");
    for table in &mut observed.route_tables {
        table.associations.clear();
    }
    let text = NETS.replace("/22\n", "/23\n");
    observed
        .subnets
        .iter_mut()
        .for_each(|s| s.cidr = net4(&s.cidr.to_string()));
    let own = config(&format!("{text}{NAT}"));
    let state = applied(&observed, &world.plan(&own, &observed));
    let rest = world.plan(&own, &state).lines();
    assert_eq!(rest, [""; 0]);
    assert!(state.route_tables.iter().all(|t| t.zone.is_some()));
}

proptest! {
    /// Wherever two runs died, the third one leaves tables per subnet with every route that counts.
    #[test]
    fn conversion_converges(first in (0..30usize, 0..9usize), second in (0..30usize, 0..9usize), seed in any::<u64>(), back in any::<bool>()) {
        let mut rng = StdRng::seed_from_u64(seed);
        let own = config(&format!("{NETS}{NAT}"));
        let mut state = old();
        for death in [Some(first), Some(second)] {
            let plan = world().plan(&own, &state);
            state = applied_in_any_order(&state, &plan, &mut rng, death);
        }
        // A conversion that was begun is finished, even if NAT is not wanted any more.
        let begun = state.route_tables.iter().any(|t| t.zone.is_some());
        let last = if back && begun { NETS.to_owned() } else { format!("{NETS}{NAT}") };
        let own = config(&last);
        let plan = world().plan(&own, &state);
        state = applied_in_any_order(&state, &plan, &mut rng, None);
        let rest = world().plan(&own, &state).lines();
        prop_assert!(rest.is_empty(), "{:?}", rest);
        for table in state.route_tables.iter().filter(|t| t.zone.is_some()) {
            prop_assert_eq!(table.associations.len(), 1);
            for target in ["pcx-1", "i-1", "eni-1", "tgw-1", "vgw-1"] {
                prop_assert!(table.routes.iter().any(|r| r.target.key() == target), "{} of {}", target, table.id);
            }
        }
        if last.contains(NAT) {
            prop_assert_eq!(state.route_tables.len(), 4);
        }
    }
}

#[test]
fn a_vpn_gateway_that_announces_nothing_now_may_do_so_again() {
    let mut observed = old();
    for shared in &mut observed.route_tables {
        shared.propagating.insert("vgw-silent".into());
    }
    let line = "+ propagation of routes from vgw-silent to route table intranet us-west-2a";
    assert!(lines(NAT, &observed).iter().any(|l| l == line));
    let plan = world().plan(&config(&format!("{NETS}{NAT}")), &observed);
    let after = applied(&observed, &plan);
    assert_eq!(lines(NAT, &after), [""; 0]);
    let intranet = |t: &&RouteTable| t.net == Some(MetaNetwork::Intranet);
    let mut tables = after.route_tables.iter().filter(intranet);
    assert!(tables.all(|t| t.propagating.contains("vgw-silent")));
}
