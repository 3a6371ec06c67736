//! The internet gateway and the routes to gateways.

use super::super::action::{Action, RouteOperation};
use super::super::desired::{Desired, DesiredNet};
use super::super::observed::{Observed, Route, Target};
use super::{INTERNET_GATEWAY, SHARED, VPC, name_tags, shared_table, table_key, vpn};
use crate::network::{MetaNetwork, RouteDiff, diff_routes};
use crate::plan::{Plan, Sign};
use ipnet::Ipv4Net;
use std::collections::BTreeMap;

/// Id of the change that attaches the internet gateway.
const INTERNET_ATTACHMENT: &str = "internet-gateway-attachment";

pub(super) fn internet_gateway(plan: &mut Plan<Action>, desired: &Desired, observed: &Observed) {
    let existing = observed.gateways.first();
    if existing.is_none() {
        plan.push(
            INTERNET_GATEWAY,
            [""; 0],
            Sign::Add,
            "internet gateway",
            Action::CreateInternetGateway {
                tags: name_tags(&desired.name),
            },
        );
    }
    if existing.is_none_or(|gateway| gateway.vpcs.is_empty()) {
        let line = format!("attachment of the internet gateway to vpc {}", desired.name);
        plan.push(
            INTERNET_ATTACHMENT,
            [VPC, INTERNET_GATEWAY],
            Sign::Add,
            line,
            Action::AttachInternetGateway,
        );
    }
}

/// Gateway routes, every table by itself.
pub(super) fn routes(
    plan: &mut Plan<Action>,
    observed: &Observed,
    net: MetaNetwork,
    own: &DesiredNet,
) {
    let zones: Vec<&str> = match shared_table(observed, net) {
        Some(_) => vec![SHARED],
        None => own.subnets.iter().map(|(zone, _)| zone.as_str()).collect(),
    };
    let internet = own.igw_routes.iter();
    let mut desired: BTreeMap<Ipv4Net, String> = internet
        .map(|cidr| (*cidr, INTERNET_GATEWAY.to_owned()))
        .collect();
    if let Some(gateway) = vpn::gateway(observed) {
        let vpn = own.vgw_routes.iter();
        desired.extend(vpn.map(|cidr| (*cidr, gateway.id.clone())));
    }
    for zone in zones {
        let table = observed
            .route_tables
            .iter()
            .find(|t| t.net == Some(net) && t.zone.as_deref().unwrap_or(SHARED) == zone);
        let routes = table.map_or(&[][..], |table| &table.routes);
        let (desired, current) = comparable(observed, own, desired.clone(), routes);
        push_routes(plan, (net, zone), &diff_routes(&desired, &current));
    }
}

/// What is wanted in a table and what it has, as far as gateways are concerned: routes to the internet and VPN gateways,
/// and those that take the place of a wanted one. Left alone are propagated routes, routes to endpoints, and the default
/// route where it belongs to a NAT gateway.
fn comparable(
    observed: &Observed,
    own: &DesiredNet,
    mut desired: BTreeMap<Ipv4Net, String>,
    routes: &[Route],
) -> (BTreeMap<Ipv4Net, String>, BTreeMap<Ipv4Net, String>) {
    let internet = observed.gateways.first().map(|g| g.id.as_str());
    let mut current = BTreeMap::new();
    for route in routes.iter().filter(|route| !route.propagated) {
        let (to, id) = (route.destination, route.target.key());
        if own.nat_route.is_some() && to.prefix_len() == 0 {
            continue;
        }
        if id.starts_with("vpce-") {
            if desired.remove(&to).is_some() {
                tracing::warn!("the route {to} -> {id} stays: routes to endpoints are not changed");
            }
            continue;
        }
        let ours = matches!(&route.target, Target::Gateway(id)
            if id.starts_with("igw-") || id.starts_with("vgw-"));
        if ours || desired.contains_key(&to) {
            let known = Some(id) == internet;
            let name = if known { INTERNET_GATEWAY } else { id };
            current.insert(to, name.to_owned());
        }
    }
    (desired, current)
}

/// The changes to one table: deletes, then replaces, then adds.
fn push_routes(plan: &mut Plan<Action>, place: (MetaNetwork, &str), diff: &RouteDiff<String>) {
    let (net, zone) = place;
    let table = table_key(net, zone);
    let mut earlier: Vec<String> = Vec::new();
    let mut push = |operation, sign, routes: Vec<(Ipv4Net, &String, String)>| {
        let mut made = Vec::new();
        for (destination, target, line) in routes {
            let mut needs = vec![table.clone(), attachment_of(target).to_owned()];
            needs.extend(earlier.iter().cloned());
            let action = Action::Route {
                operation,
                table: table.clone(),
                destination,
                target: Target::Gateway(target.clone()),
            };
            let id = format!("route/{net}/{zone}/{destination}");
            plan.push(
                &id,
                needs,
                sign,
                format!("route {net} {zone} {line}"),
                action,
            );
            made.push(id);
        }
        earlier.extend(made);
    };
    let line = |to: &Ipv4Net, target: &String| format!("{to} -> {target}");
    push(
        RouteOperation::Delete,
        Sign::Remove,
        diff.delete
            .iter()
            .map(|(to, old)| (*to, old, line(to, old)))
            .collect(),
    );
    push(
        RouteOperation::Replace,
        Sign::Modify,
        diff.replace
            .iter()
            .map(|(to, old, new)| (*to, new, format!("{} (was {old})", line(to, new))))
            .collect(),
    );
    push(
        RouteOperation::Create,
        Sign::Add,
        diff.add
            .iter()
            .map(|(to, new)| (*to, new, line(to, new)))
            .collect(),
    );
}

/// The change after which routes can lead there.
fn attachment_of(target: &str) -> &'static str {
    if target == INTERNET_GATEWAY {
        INTERNET_ATTACHMENT
    } else {
        vpn::ATTACHMENT
    }
}
