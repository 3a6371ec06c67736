#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::super::observed::{Beside, NatGateway, Observed, Target};
use super::super::super::testing::{
    World, address, applied, applied_in_any_order, config, gateway, net4, via, zones,
};
mod converge;

use super::*;
use crate::config::EnvironmentConfig;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::BTreeSet;

const NETS: &str = "vpc_cidr=10.0.0.0/20\nintranet_cidr=10.0.0.0/22\ntunnel_cidr=10.0.4.0/22\ndmz_cidr=10.0.8.0/22\n";

/// Two zones, three metanetworks, and these options; `E1` is 192.0.2.1.
fn with(options: &str) -> EnvironmentConfig {
    let mut text = options.to_owned();
    for number in (1..10).rev() {
        text = text.replace(&format!("E{number}"), &format!("192.0.2.{number}"));
    }
    config(&format!("{NETS}{text}"))
}

const AUTO: &str = "tunnel_nat_gateways=auto\nnat_gateway_routes=intranet/tunnel";
const STATIC: &str = "tunnel_nat_gateways=E1 E2\nnat_gateway_routes=intranet/tunnel";

fn world() -> World {
    World {
        zones: zones("ab"),
        ..World::default()
    }
}

/// A region with static addresses E1 to E9 and nothing else.
fn region() -> Observed {
    let addresses = (1..10).map(|n| address(&format!("E{n}"))).collect();
    Observed {
        beside: Beside {
            addresses,
            ..Beside::default()
        },
        ..Observed::default()
    }
}

fn created(options: &str) -> Observed {
    let empty = region();
    applied(&empty, &world().plan(&with(options), &empty))
}

/// Plan lines with `nat-10` and the like as they are, addresses by name.
fn lines(options: &str, observed: &Observed) -> Vec<String> {
    let all = world().plan(&with(options), observed).lines();
    all.iter()
        .map(|line| line.replace("192.0.2.", "E"))
        .collect()
}

fn own<'a>(observed: &'a mut Observed, net: &str, zone: char) -> &'a mut NatGateway {
    let subnet = format!("subnet-{net}-us-west-2{zone}");
    let mut all = observed.nat_gateways.iter_mut();
    all.find(|g| g.subnet_id == subnet).unwrap()
}

fn eip<'a>(observed: &'a mut Observed, ip: &str) -> &'a mut super::super::super::observed::Address {
    let mut all = observed.beside.addresses.iter_mut();
    all.find(|a| a.public_ip.to_string() == ip).unwrap()
}

#[test]
fn gateways_and_routes_of_a_new_environment() {
    let nat = |options: &str| -> Vec<String> {
        let all = lines(options, &region());
        all.into_iter()
            .filter(|line| line.contains("NAT") || line.contains("elastic"))
            .collect()
    };
    assert_eq!(
        nat(AUTO),
        [
            "+ NAT gateway tunnel us-west-2a auto",
            "+ NAT gateway tunnel us-west-2b auto",
            "+ route intranet us-west-2a 0.0.0.0/0 -> NAT gateway tunnel us-west-2a",
            "+ route intranet us-west-2b 0.0.0.0/0 -> NAT gateway tunnel us-west-2b",
        ]
    );
    assert_eq!(
        nat("tunnel_nat_gateways=E2 E1"),
        [
            "+ NAT gateway tunnel us-west-2a E2",
            "+ NAT gateway tunnel us-west-2b E1",
        ]
    );
    let made = created(AUTO);
    assert_eq!(lines(AUTO, &made), [""; 0]);
    let addresses = &made.beside.addresses;
    assert_eq!(addresses.iter().filter(|a| !a.tags.is_empty()).count(), 2);
}

/// From which configuration, to which one, what happened in between, the plan.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    fn(&mut Observed),
    &'static [&'static str],
);

const CASES: &[Case] = &[
    (
        "order of the list",
        STATIC,
        "tunnel_nat_gateways=E2 E1\nnat_gateway_routes=intranet/tunnel",
        |_| {},
        &[],
    ),
    (
        "another address",
        STATIC,
        "tunnel_nat_gateways=E1 E9\nnat_gateway_routes=intranet/tunnel",
        |_| {},
        &[
            "- NAT gateway tunnel us-west-2b nat-20 E2",
            "+ NAT gateway tunnel us-west-2b E9",
            "~ route intranet us-west-2b 0.0.0.0/0 -> NAT gateway tunnel us-west-2b (was nat-20)",
        ],
    ),
    (
        "static to auto",
        STATIC,
        AUTO,
        |_| {},
        &[
            "- NAT gateway tunnel us-west-2a nat-10 E1",
            "+ NAT gateway tunnel us-west-2a auto",
            "- NAT gateway tunnel us-west-2b nat-20 E2",
            "+ NAT gateway tunnel us-west-2b auto",
            "~ route intranet us-west-2a 0.0.0.0/0 -> NAT gateway tunnel us-west-2a (was nat-10)",
            "~ route intranet us-west-2b 0.0.0.0/0 -> NAT gateway tunnel us-west-2b (was nat-20)",
        ],
    ),
    (
        "auto to static",
        AUTO,
        STATIC,
        |_| {},
        &[
            "- NAT gateway tunnel us-west-2a nat-10 203.0.113.101",
            "- elastic IP 203.0.113.101 (automatic)",
            "- tag dynonat of subnet tunnel us-west-2a",
            "+ NAT gateway tunnel us-west-2a E1",
            "- NAT gateway tunnel us-west-2b nat-20 203.0.113.102",
            "- elastic IP 203.0.113.102 (automatic)",
            "- tag dynonat of subnet tunnel us-west-2b",
            "+ NAT gateway tunnel us-west-2b E2",
            "~ route intranet us-west-2a 0.0.0.0/0 -> NAT gateway tunnel us-west-2a (was nat-10)",
            "~ route intranet us-west-2b 0.0.0.0/0 -> NAT gateway tunnel us-west-2b (was nat-20)",
        ],
    ),
    (
        "auto to none",
        AUTO,
        "",
        |_| {},
        &[
            "- route intranet us-west-2a 0.0.0.0/0 -> nat-10",
            "- route intranet us-west-2b 0.0.0.0/0 -> nat-20",
            "- NAT gateway tunnel us-west-2a nat-10 203.0.113.101",
            "- elastic IP 203.0.113.101 (automatic)",
            "- tag dynonat of subnet tunnel us-west-2a",
            "- NAT gateway tunnel us-west-2b nat-20 203.0.113.102",
            "- elastic IP 203.0.113.102 (automatic)",
            "- tag dynonat of subnet tunnel us-west-2b",
        ],
    ),
    (
        "static to none",
        STATIC,
        "",
        |_| {},
        &[
            "- route intranet us-west-2a 0.0.0.0/0 -> nat-10",
            "- route intranet us-west-2b 0.0.0.0/0 -> nat-20",
            "- NAT gateway tunnel us-west-2a nat-10 E1",
            "- NAT gateway tunnel us-west-2b nat-20 E2",
        ],
    ),
    (
        "the addresses move to another metanetwork",
        STATIC,
        "dmz_nat_gateways=E2 E1\nnat_gateway_routes=intranet/dmz",
        |_| {},
        &[
            "- NAT gateway tunnel us-west-2a nat-10 E1",
            "- NAT gateway tunnel us-west-2b nat-20 E2",
            "+ NAT gateway dmz us-west-2a E2",
            "+ NAT gateway dmz us-west-2b E1",
            "~ route intranet us-west-2a 0.0.0.0/0 -> NAT gateway dmz us-west-2a (was nat-10)",
            "~ route intranet us-west-2b 0.0.0.0/0 -> NAT gateway dmz us-west-2b (was nat-20)",
        ],
    ),
    (
        "the default route moves to the internet gateway",
        "tunnel_nat_gateways=E1 E2\nnat_gateway_routes=intranet/tunnel",
        "tunnel_nat_gateways=E1 E2\nintranet_igw_routes=0.0.0.0/0",
        |_| {},
        &[
            "~ route intranet us-west-2a 0.0.0.0/0 -> internet-gateway (was nat-10)",
            "~ route intranet us-west-2b 0.0.0.0/0 -> internet-gateway (was nat-20)",
        ],
    ),
    (
        "the default route moves to the NAT gateways",
        "tunnel_nat_gateways=E1 E2\nintranet_igw_routes=0.0.0.0/0",
        STATIC,
        |_| {},
        &[
            "~ route intranet us-west-2a 0.0.0.0/0 -> nat-10 (was igw-1)",
            "~ route intranet us-west-2b 0.0.0.0/0 -> nat-20 (was igw-1)",
        ],
    ),
    (
        "a default route is gone, another leads elsewhere",
        STATIC,
        STATIC,
        |o| {
            let mut tables = o
                .route_tables
                .iter_mut()
                .filter(|t| t.net == Some(MetaNetwork::Intranet));
            tables.next().unwrap().routes.clear();
            tables.next().unwrap().routes[0].target = Target::Instance("i-1".into());
        },
        &[
            "+ route intranet us-west-2a 0.0.0.0/0 -> nat-10",
            "~ route intranet us-west-2b 0.0.0.0/0 -> nat-20 (was i-1)",
        ],
    ),
    (
        "a gateway was deleted: blackhole",
        AUTO,
        AUTO,
        |o| {
            let own = o.nat_gateways.remove(0);
            o.past_nat_gateways.push(own);
            let tables = o.route_tables.iter_mut();
            let routes = tables.flat_map(|t| &mut t.routes);
            let target = Target::Nat("nat-10".into());
            routes
                .filter(|r| r.target == target)
                .for_each(|r| r.blackhole = true);
            eip(o, "203.0.113.101").association_id = None;
        },
        &[
            "+ NAT gateway tunnel us-west-2a auto 203.0.113.101 (left by an interrupted run)",
            "~ route intranet us-west-2a 0.0.0.0/0 -> NAT gateway tunnel us-west-2a (was nat-10, a blackhole)",
        ],
    ),
    (
        "a failed gateway",
        STATIC,
        STATIC,
        |o| own(o, "tunnel", 'a').state = "failed".into(),
        &[
            "- NAT gateway tunnel us-west-2a nat-10 E1 (failed)",
            "+ NAT gateway tunnel us-west-2a E1",
            "~ route intranet us-west-2a 0.0.0.0/0 -> NAT gateway tunnel us-west-2a (was nat-10)",
        ],
    ),
    (
        "a failed automatic gateway",
        AUTO,
        AUTO,
        |o| own(o, "tunnel", 'a').state = "failed".into(),
        &[
            "- NAT gateway tunnel us-west-2a nat-10 203.0.113.101 (failed)",
            "- elastic IP 203.0.113.101 (automatic)",
            "+ NAT gateway tunnel us-west-2a auto",
            "~ route intranet us-west-2a 0.0.0.0/0 -> NAT gateway tunnel us-west-2a (was nat-10)",
        ],
    ),
    (
        "a gateway that is being made",
        STATIC,
        STATIC,
        |o| {
            let gateway = own(o, "tunnel", 'b');
            gateway.state = "pending".into();
            gateway.address = None;
        },
        &["~ NAT gateway tunnel us-west-2b nat-20: pending -> available"],
    ),
    (
        "a gateway that is being deleted: its place and address are waited for",
        STATIC,
        "tunnel_nat_gateways=E3 E1\nnat_gateway_routes=intranet/tunnel",
        |o| own(o, "tunnel", 'a').state = "deleting".into(),
        &[
            "- NAT gateway tunnel us-west-2a nat-10 E1 (being deleted)",
            "+ NAT gateway tunnel us-west-2a E3",
            "- NAT gateway tunnel us-west-2b nat-20 E2",
            "+ NAT gateway tunnel us-west-2b E1",
            "~ route intranet us-west-2a 0.0.0.0/0 -> NAT gateway tunnel us-west-2a (was nat-10)",
            "~ route intranet us-west-2b 0.0.0.0/0 -> NAT gateway tunnel us-west-2b (was nat-20)",
        ],
    ),
    (
        "the run died before it marked the subnet",
        AUTO,
        AUTO,
        |o| {
            o.subnets
                .iter_mut()
                .for_each(|s| drop(s.tags.remove(tag::DYNONAT)))
        },
        &[
            "+ tag dynonat of subnet tunnel us-west-2a",
            "+ tag dynonat of subnet tunnel us-west-2b",
        ],
    ),
    (
        "the original did not tag addresses with the environment",
        AUTO,
        "",
        |o| {
            o.route_tables.iter_mut().for_each(|t| t.routes.clear());
            for ip in ["203.0.113.101", "203.0.113.102"] {
                eip(o, ip).tags.clear();
            }
        },
        &[
            "- NAT gateway tunnel us-west-2a nat-10 203.0.113.101",
            "- elastic IP 203.0.113.101 (automatic)",
            "- tag dynonat of subnet tunnel us-west-2a",
            "- NAT gateway tunnel us-west-2b nat-20 203.0.113.102",
            "- elastic IP 203.0.113.102 (automatic)",
            "- tag dynonat of subnet tunnel us-west-2b",
        ],
    ),
    (
        "an automatic address is listed now: it is kept with its gateway",
        AUTO,
        "tunnel_nat_gateways=203.0.113.102 203.0.113.101\nnat_gateway_routes=intranet/tunnel",
        |_| {},
        &[
            "- tag dynamic of elastic IP 203.0.113.101",
            "- tag dynamic of elastic IP 203.0.113.102",
            "- tag dynonat of subnet tunnel us-west-2a",
            "- tag dynonat of subnet tunnel us-west-2b",
        ],
    ),
    (
        "an automatic address is listed for another metanetwork: it moves and is not given back",
        AUTO,
        "tunnel_nat_gateways=auto\ndmz_nat_gateways=203.0.113.101 E1\nnat_gateway_routes=intranet/tunnel",
        |_| {},
        &[
            "- tag dynamic of elastic IP 203.0.113.101",
            "- NAT gateway tunnel us-west-2a nat-10 203.0.113.101",
            "+ NAT gateway tunnel us-west-2a auto",
            "+ NAT gateway dmz us-west-2a 203.0.113.101",
            "+ NAT gateway dmz us-west-2b E1",
            "~ route intranet us-west-2a 0.0.0.0/0 -> NAT gateway tunnel us-west-2a (was nat-10)",
        ],
    ),
    (
        "a mark without gateway",
        "",
        "",
        |o| {
            let tags = &mut o
                .subnets
                .iter_mut()
                .find(|s| s.net == Some(MetaNetwork::Dmz))
                .unwrap()
                .tags;
            tags.insert(tag::DYNONAT.into(), String::new());
        },
        &["- tag dynonat of subnet dmz us-west-2a"],
    ),
    (
        "addresses that runs left: one is used, one given back",
        "",
        "tunnel_nat_gateways=auto\ndmz_nat_gateways=E1 E5",
        |o| {
            for name in ["E3", "E4", "E5", "E6", "E7"] {
                let own = o
                    .beside
                    .addresses
                    .iter_mut()
                    .find(|a| a.allocation_id == address(name).allocation_id)
                    .unwrap();
                own.tags.insert("dynamic".into(), "true".into());
                own.tags.insert(
                    "environment".into(),
                    if name == "E6" { "other" } else { "ci" }.into(),
                );
            }
            // Somebody took this one for a host.
            let taken = eip(o, "192.0.2.7");
            (taken.association_id, taken.instance_id) =
                (Some("eipassoc-7".into()), Some("i-7".into()));
        },
        &[
            "- tag dynamic of elastic IP E5",
            "+ NAT gateway tunnel us-west-2a auto E3 (left by an interrupted run)",
            "+ NAT gateway tunnel us-west-2b auto E4 (left by an interrupted run)",
            "+ NAT gateway dmz us-west-2a E1",
            "+ NAT gateway dmz us-west-2b E5",
        ],
    ),
    (
        "an address that a run left with a void association, and one that a foreign thing has",
        AUTO,
        "",
        |o| {
            o.route_tables.iter_mut().for_each(|t| t.routes.clear());
            o.subnets
                .iter_mut()
                .for_each(|s| drop(s.tags.remove(tag::DYNONAT)));
            o.past_nat_gateways.push(o.nat_gateways[0].clone());
            o.nat_gateways.clear();
        },
        &["- elastic IP 203.0.113.101 (left by an interrupted run)"],
    ),
    (
        "two gateways in a subnet: the listed one stays",
        STATIC,
        STATIC,
        |o| {
            let extra = gateway("nat-5", "subnet-tunnel-us-west-2a", &address("E5"));
            o.nat_gateways.insert(0, extra);
            o.nat_gateways
                .push(gateway("nat-6", "subnet-tunnel-us-west-2b", &address("E6")));
        },
        &[
            "- NAT gateway tunnel us-west-2a nat-5 E5",
            "- NAT gateway tunnel us-west-2b nat-6 E6",
        ],
    ),
    (
        "private gateways and those in foreign subnets are left alone",
        STATIC,
        STATIC,
        |o| {
            let mut private = gateway("nat-5", "subnet-dmz-us-west-2a", &address("E5"));
            (private.private, private.address, private.allocation_id) = (true, None, None);
            o.nat_gateways.push(private);
            o.nat_gateways
                .push(gateway("nat-6", "subnet-foreign", &address("E6")));
        },
        &[],
    ),
];

#[test]
fn every_case_is_planned_and_gone_after_it() {
    for (what, before, after, drift, wanted) in CASES {
        let mut observed = created(before);
        drift(&mut observed);
        assert_eq!(lines(after, &observed), *wanted, "{what}");
        for seed in 0..8 {
            let plan = world().plan(&with(after), &observed);
            let mut rng = StdRng::seed_from_u64(seed);
            let done = applied_in_any_order(&observed, &plan, &mut rng, None);
            assert_eq!(lines(after, &done), [""; 0], "{what}, once more");
        }
    }
}

/// Where a change stands among those that something needs, directly or not.
fn needs(observed: &Observed, options: &str, from: &str, to: &str) -> bool {
    let plan = world().plan(&with(options), observed);
    let mut open = vec![from.to_owned()];
    let mut seen = BTreeSet::new();
    assert!(plan.changes().iter().any(|c| c.id == from), "{from}");
    assert!(plan.changes().iter().any(|c| c.id == to), "{to}");
    while let Some(id) = open.pop() {
        if id == to {
            return true;
        }
        let own = plan.changes().iter().find(|c| c.id == id);
        let fresh = own.into_iter().flat_map(|c| c.needs.clone());
        open.extend(fresh.filter(|need| seen.insert(need.clone())));
    }
    false
}

#[test]
fn the_order_of_changes() {
    let (a, b) = ("us-west-2a", "us-west-2b");
    let route = |zone: &str| format!("route/intranet/{zone}/0.0.0.0/0");
    // Routes of pairs that go away before their gateways.
    let observed = created(STATIC);
    assert!(needs(
        &observed,
        "",
        "nat-gateway-deletion/nat-10",
        &route(a)
    ));
    assert!(
        !needs(&observed, "", "nat-gateway-deletion/nat-10", &route(b)),
        "zones are independent"
    );
    // The same where the route moves to a gateway that waits for nothing.
    let moved = "dmz_nat_gateways=E5 E6\nnat_gateway_routes=intranet/dmz";
    assert!(needs(
        &observed,
        moved,
        "nat-gateway-deletion/nat-10",
        &route(a)
    ));
    let igw = "intranet_igw_routes=0.0.0.0/0";
    assert!(needs(
        &observed,
        igw,
        "nat-gateway-deletion/nat-10",
        &route(a)
    ));
    // Where the new gateway waits for the old one, its address or its place, the route comes last.
    for reuse in [
        "dmz_nat_gateways=E2 E1\nnat_gateway_routes=intranet/dmz",
        AUTO,
    ] {
        assert!(
            needs(&observed, reuse, &route(a), "nat-gateway-deletion/nat-10")
                || needs(&observed, reuse, &route(b), "nat-gateway-deletion/nat-10"),
            "{reuse}"
        );
    }
    // An address is free before it is used again, and the mark is gone before a static gateway comes.
    let swap = "tunnel_nat_gateways=E3 E1\nnat_gateway_routes=intranet/tunnel";
    let mut turned = created(STATIC);
    own(&mut turned, "tunnel", 'a').state = "failed".into();
    assert!(needs(
        &turned,
        swap,
        "nat-gateway/tunnel/us-west-2b",
        "nat-gateway-deletion/nat-10"
    ));
    let automatic = created(AUTO);
    assert!(needs(
        &automatic,
        STATIC,
        "nat-mark/tunnel/us-west-2a",
        "nat-gateway-deletion/nat-10"
    ));
    assert!(needs(
        &automatic,
        STATIC,
        "nat-gateway/tunnel/us-west-2a",
        "nat-mark/tunnel/us-west-2a"
    ));
    assert!(!needs(
        &automatic,
        STATIC,
        "nat-gateway/tunnel/us-west-2a",
        "nat-gateway-deletion/nat-20"
    ));
    // A new gateway needs its subnet and an attached internet gateway.
    let new = region();
    for first in ["subnet/tunnel/us-west-2a", "internet-gateway-attachment"] {
        assert!(
            needs(&new, AUTO, "nat-gateway/tunnel/us-west-2a", first),
            "{first}"
        );
    }
    assert!(needs(
        &new,
        AUTO,
        &route(a),
        "nat-gateway/tunnel/us-west-2a"
    ));
}

#[test]
fn a_default_route_that_a_vpn_gateway_announces_is_no_hindrance() {
    let mut observed = created("tunnel_nat_gateways=E1 E2");
    for table in &mut observed.route_tables {
        let mut learned = via(net4("0.0.0.0/0"), "vgw-1");
        learned.propagated = true;
        table.routes.push(learned);
    }
    assert_eq!(
        lines(STATIC, &observed),
        [
            "+ route intranet us-west-2a 0.0.0.0/0 -> nat-10",
            "+ route intranet us-west-2b 0.0.0.0/0 -> nat-20"
        ]
    );
}
