//! VPN gateway, gateway routes, and many rules.
#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::super::action::RouteOperation;
use super::super::super::observed::{Route, VpnGateway};
use super::*;
use crate::plan::Change;

fn vpn_gateway(id: &str, attachments: &[(&str, &str)]) -> VpnGateway {
    let own = |(vpc, state): &(&str, &str)| ((*vpc).to_owned(), (*state).to_owned());
    VpnGateway {
        id: id.to_owned(),
        attachments: attachments.iter().map(own).collect(),
    }
}

/// Nothing but a VPN gateway: none, a free one, one elsewhere, one of two.
pub(super) fn beside(kind: usize) -> Observed {
    let elsewhere = vpn_gateway("vgw-1", &[("vpc-7", "attached")]);
    let mut observed = Observed::default();
    observed.beside.vpn_gateways = match kind {
        0 => Vec::new(),
        1 => vec![vpn_gateway("vgw-1", &[])],
        2 => vec![elsewhere],
        _ => vec![elsewhere, vpn_gateway("vgw-2", &[("vpc-8", "attached")])],
    };
    observed
}

const ROUTES: &str = "vpc_cidr=10.0.0.0/24\ntunnel_cidr=10.0.0.0/25\ntunnel_igw_routes=2.2.2.0/24 4.4.4.0/24\n\
                      tunnel_vgw_routes=1.1.1.0/24";

/// The environment of [`ROUTES`] with these VPN gateways, its tables with these routes.
fn routed(gateways: Vec<VpnGateway>, routes: &[Route]) -> Observed {
    let mut observed = one_zone().created(&config(ROUTES));
    observed.beside.vpn_gateways = gateways;
    observed.route_tables[0].routes = routes.to_vec();
    observed
}

/// The plan's lines; after the plan there is nothing left to do.
pub(super) fn settled(text: &str, observed: &Observed) -> Vec<String> {
    let own = config(text);
    let plan = one_zone().plan(&own, observed);
    let after = applied(observed, &plan);
    assert_eq!(lines(&after, &own), [""; 0], "once more");
    plan.lines()
}

#[test]
fn the_attachment_of_the_vpn_gateway() {
    let wanted = [
        via(net4("1.1.1.0/24"), "vgw-1"),
        via(net4("2.2.2.0/24"), "igw-1"),
    ];
    let mut wanted = wanted.to_vec();
    wanted.push(via(net4("4.4.4.0/24"), "igw-1"));
    let here = "+ attachment of VPN gateway vgw-1 to vpc ci";
    let detach = "- attachment of VPN gateway vgw-1 to vpc prod vpc-7";
    let unknown = "- attachment of VPN gateway vgw-1 to vpc - vpc-8";
    type Case = (&'static [(&'static str, &'static str)], Vec<&'static str>);
    let table: [Case; 8] = [
        (&[], vec![here]),
        (&[("vpc-1", "attached")], vec![]),
        (&[("vpc-1", "available")], vec![]),
        (&[("vpc-1", "attaching")], vec![here]),
        (&[("vpc-1", "detaching")], vec![here]),
        (&[("vpc-7", "attached")], vec![detach, here]),
        (&[("vpc-7", "detaching")], vec![detach, here]),
        (&[("vpc-8", "attached")], vec![unknown, here]),
    ];
    for (attachments, lines) in table {
        let mut observed = routed(vec![vpn_gateway("vgw-1", attachments)], &wanted);
        observed.vpc_names = [("vpc-7".to_owned(), "prod".to_owned())].into();
        assert_eq!(settled(ROUTES, &observed), lines, "{attachments:?}");
    }
}

#[test]
fn a_detachment_comes_first_and_routes_last() {
    let observed = routed(vec![vpn_gateway("vgw-1", &[("vpc-7", "attached")])], &[]);
    let plan = one_zone().plan(&config(ROUTES), &observed);
    let needs = |id: &str| {
        let change = plan.changes().iter().find(|c| c.id == id);
        change.unwrap_or_else(|| panic!("no {id}")).needs.clone()
    };
    assert_eq!(
        needs("vpn-gateway-attachment"),
        ["vpc", "vpn-gateway-detach/vpc-7"]
    );
    assert!(
        needs("route/tunnel/us-west-2a/1.1.1.0/24").contains(&"vpn-gateway-attachment".to_owned())
    );
    // A new VPC may be given up again: no gateway is taken from anywhere before it is sure.
    let plan = one_zone().plan(&config(ROUTES), &beside(2));
    let detach = plan
        .changes()
        .iter()
        .find(|c| c.id == "vpn-gateway-detach/vpc-7");
    assert_eq!(detach.unwrap().needs, ["vpc"]);
    let first = |c: &&Change<Action>| c.needs.is_empty();
    let first: Vec<&str> = plan
        .changes()
        .iter()
        .filter(first)
        .map(|c| c.id.as_str())
        .collect();
    assert_eq!(first, ["vpc"]);
}

#[test]
fn which_gateway_is_taken_is_said() {
    let own = config(ROUTES);
    let warned = |kind: usize| {
        let observed = beside(kind);
        warnings(&one_zone().desired(&own, &observed).unwrap(), &observed)
    };
    let ignored = "tunnel_vgw_routes is ignored: there is no VPN gateway with the tag `Name` = ci";
    assert_eq!(warned(0), [ignored]);
    assert_eq!(warned(1), [""; 0]);
    let several = "several VPN gateways have the tag `Name` = ci: vgw-1 is used, vgw-2 not";
    assert_eq!(warned(3), [several]);
    let plain = one_zone().desired(&small(), &beside(0)).unwrap();
    assert_eq!(warnings(&plain, &beside(0)), [""; 0]);
}

fn to(destination: &str, target: Target) -> Route {
    Route {
        target,
        ..via(net4(destination), "")
    }
}

/// Spec 20, section 4.8, the example.
#[test]
fn gateway_routes_are_deleted_replaced_and_added_in_this_order() {
    let observed = routed(
        vec![vpn_gateway("vgw-1", &[("vpc-1", "attached")])],
        &[
            via(net4("1.1.1.0/24"), "igw-1"),
            via(net4("2.2.2.0/24"), "igw-1"),
            via(net4("3.3.3.0/24"), "vgw-1"),
        ],
    );
    let wanted = [
        "- route tunnel us-west-2a 3.3.3.0/24 -> vgw-1",
        "~ route tunnel us-west-2a 1.1.1.0/24 -> vgw-1 (was internet-gateway)",
        "+ route tunnel us-west-2a 4.4.4.0/24 -> internet-gateway",
    ];
    assert_eq!(settled(ROUTES, &observed), wanted);
    let plan = one_zone().plan(&config(ROUTES), &observed);
    let order = ordered(&plan);
    for pair in order.windows(2) {
        assert!(pair[1].needs.contains(&pair[0].id), "{:?}", pair[1]);
    }
}

#[test]
fn tables_are_compared_one_by_one() {
    let world = World {
        zones: zones("ab"),
        ..World::default()
    };
    let own = config("vpc_cidr=10.0.0.0/24\ntunnel_cidr=10.0.0.0/25\ntunnel_igw_routes=1.1.1.0/24");
    let mut observed = world.created(&own);
    observed.route_tables[0].routes.clear();
    observed.route_tables[1]
        .routes
        .push(via(net4("3.3.3.0/24"), "igw-1"));
    let wanted = [
        "+ route tunnel us-west-2a 1.1.1.0/24 -> internet-gateway",
        "- route tunnel us-west-2b 3.3.3.0/24 -> internet-gateway",
    ];
    assert_eq!(world.plan(&own, &observed).lines(), wanted);
}

/// Routes of the table → the plan's lines, for [`ROUTES`] and an attached VPN gateway.
#[test]
fn routes_of_others() {
    let here = || vec![vpn_gateway("vgw-1", &[("vpc-1", "attached")])];
    let rest = [
        via(net4("2.2.2.0/24"), "igw-1"),
        via(net4("4.4.4.0/24"), "igw-1"),
    ];
    let propagated = |destination: &str| Route {
        propagated: true,
        ..via(net4(destination), "vgw-1")
    };
    let wanted = "+ route tunnel us-west-2a 1.1.1.0/24 -> vgw-1";
    let replaced = "~ route tunnel us-west-2a 1.1.1.0/24 -> vgw-1 (was ";
    let own = || via(net4("1.1.1.0/24"), "vgw-1");
    let table = [
        (
            "propagated",
            vec![own(), propagated("5.5.5.0/24")],
            String::new(),
        ),
        (
            "propagated beside a static one",
            vec![propagated("1.1.1.0/24")],
            wanted.into(),
        ),
        (
            "to an endpoint",
            vec![own(), via(net4("5.5.5.0/24"), "vpce-1")],
            String::new(),
        ),
        (
            "an endpoint in the way",
            vec![via(net4("1.1.1.0/24"), "vpce-1")],
            String::new(),
        ),
        (
            "to a peer",
            vec![own(), to("5.5.5.0/24", Target::Peering("pcx-1".into()))],
            String::new(),
        ),
        (
            "a peer in the way",
            vec![to("1.1.1.0/24", Target::Peering("pcx-1".into()))],
            format!("{replaced}pcx-1)"),
        ),
        (
            "a NAT gateway in the way",
            vec![to("1.1.1.0/24", Target::Nat("nat-1".into()))],
            format!("{replaced}nat-1)"),
        ),
        (
            "another VPN gateway",
            vec![via(net4("1.1.1.0/24"), "vgw-9")],
            format!("{replaced}vgw-9)"),
        ),
    ];
    for (what, mut routes, line) in table {
        routes.extend(rest.clone());
        let observed = routed(here(), &routes);
        let lines: Vec<String> = Some(line).into_iter().filter(|l| !l.is_empty()).collect();
        assert_eq!(
            one_zone().plan(&config(ROUTES), &observed).lines(),
            lines,
            "{what}"
        );
    }
    // Without a VPN gateway its routes are not wanted, and those to one that is gone are deleted.
    let mut routes = rest.to_vec();
    routes.push(via(net4("1.1.1.0/24"), "vgw-9"));
    let gone = "- route tunnel us-west-2a 1.1.1.0/24 -> vgw-9";
    assert_eq!(settled(ROUTES, &routed(Vec::new(), &routes)), [gone]);
}

#[test]
fn the_default_route_belongs_to_the_nat_gateway() {
    let text = "vpc_cidr=10.0.0.0/24\ntunnel_cidr=10.0.0.0/26\ndmz_cidr=10.0.0.64/26\ntunnel_nat_gateways=auto\n\
                nat_gateway_routes=dmz/tunnel\ndmz_igw_routes=0.0.0.0/0 1.1.1.0/24\ntunnel_igw_routes=0.0.0.0/0";
    let own = config(text);
    let mut observed = one_zone().created(&own);
    let dmz = |o: &mut Observed| {
        let mut all = o.route_tables.iter_mut();
        all.position(|t| t.net == Some(MetaNetwork::Dmz)).unwrap()
    };
    let index = dmz(&mut observed);
    // Neither of them is deleted or re-created here; the NAT planner replaces the first.
    let targets = [Target::Gateway("igw-1".into()), Target::Nat("nat-1".into())];
    for target in targets {
        observed.route_tables[index].routes =
            vec![to("0.0.0.0/0", target), via(net4("1.1.1.0/24"), "igw-1")];
        let plan = one_zone().plan(&own, &observed);
        let by_gateways =
            |c: &&Change<Action>| c.id.starts_with("route/dmz/") && c.id.ends_with("/0");
        let gateway_routes = plan.changes().iter().filter(by_gateways).filter(|c| {
            matches!(
                &c.action,
                Action::Route {
                    target: Target::Gateway(_),
                    ..
                }
            )
        });
        assert_eq!(gateway_routes.count(), 0, "{:?}", plan.lines());
    }
}

#[test]
fn a_replacement_replaces() {
    let observed = routed(Vec::new(), &[via(net4("2.2.2.0/24"), "igw-old")]);
    let plan = one_zone().plan(&config(ROUTES), &observed);
    let operations = plan.changes().iter().filter_map(|c| match &c.action {
        Action::Route {
            operation,
            destination,
            ..
        } => Some((*operation, destination.to_string())),
        _ => None,
    });
    let wanted = [
        (RouteOperation::Replace, "2.2.2.0/24".to_owned()),
        (RouteOperation::Create, "4.4.4.0/24".to_owned()),
    ];
    assert_eq!(operations.collect::<Vec<_>>(), wanted);
}

/// Half of a thousand rules change: two changes, planned at once.
#[test]
fn a_thousand_rules_are_two_changes() {
    let rules = |from: u16| {
        let ports: Vec<String> = (from..from + 1000).map(|port| port.to_string()).collect();
        config(&format!(
            "vpc_cidr=10.0.0.0/24\ntunnel_cidr=10.0.0.0/25\ntunnel_sg_rules=tcp 10.0.0.0/8 {}",
            ports.join(" ")
        ))
    };
    let observed = one_zone().created(&rules(1));
    let start = std::time::Instant::now();
    let plan = one_zone().plan(&rules(501), &observed);
    let needed = start.elapsed();
    let [add, revoke] = plan.changes() else {
        panic!("{} changes", plan.changes().len())
    };
    let Action::Authorize {
        grants,
        outdated,
        wanted,
        ..
    } = &add.action
    else {
        panic!("{add}")
    };
    assert_eq!((grants.len(), outdated.len(), *wanted), (500, 500, 1000));
    let Action::Revoke { grants, .. } = &revoke.action else {
        panic!("{revoke}")
    };
    assert_eq!(grants, outdated);
    assert!(needed < std::time::Duration::from_secs(1), "{needed:?}");
    assert!(
        one_zone()
            .plan(&rules(501), &applied(&observed, &plan))
            .is_empty()
    );
}
