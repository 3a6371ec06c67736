//! The internet gateway and the routes to gateways.

use super::super::action::{Action, RouteOperation};
use super::super::desired::{Desired, DesiredNet};
use super::super::observed::Observed;
use super::{INTERNET_GATEWAY, SHARED, VPC, name_tags, shared_table, table_key};
use crate::network::{MetaNetwork, diff_routes};
use crate::plan::{Plan, Sign};
use ipnet::Ipv4Net;
use std::collections::BTreeMap;

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
            "internet-gateway-attachment",
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
    let gateway = observed.gateways.first().map(|g| g.id.as_str());
    let desired: BTreeMap<Ipv4Net, String> = own
        .igw_routes
        .iter()
        .map(|cidr| (*cidr, INTERNET_GATEWAY.to_owned()))
        .collect();
    for zone in zones {
        let table = table_key(net, zone);
        let observed_table = observed
            .route_tables
            .iter()
            .find(|t| t.net == Some(net) && t.zone.as_deref().unwrap_or(SHARED) == zone);
        let name = |id: &str| {
            if Some(id) == gateway {
                INTERNET_GATEWAY.to_owned()
            } else {
                id.to_owned()
            }
        };
        let current: BTreeMap<Ipv4Net, String> = observed_table
            .iter()
            .flat_map(|t| &t.routes)
            .filter(|route| !route.propagated)
            .filter_map(|route| {
                Some((
                    route.destination,
                    route
                        .gateway
                        .as_deref()
                        .filter(|id| id.starts_with("igw-"))?,
                ))
            })
            .map(|(destination, id)| (destination, name(id)))
            .collect();
        let diff = diff_routes(&desired, &current);
        let mut push = |operation, sign, destination: Ipv4Net, target: &str, line: String| {
            let needs = [table.clone(), "internet-gateway-attachment".to_owned()];
            let action = Action::Route {
                operation,
                table: table.clone(),
                destination,
                gateway: target.to_owned(),
            };
            plan.push(
                format!("route/{net}/{zone}/{destination}"),
                needs,
                sign,
                format!("route {net} {zone} {line}"),
                action,
            );
        };
        for (destination, old) in &diff.delete {
            push(
                RouteOperation::Delete,
                Sign::Remove,
                *destination,
                old,
                format!("{destination} -> {old}"),
            );
        }
        for (destination, old, new) in &diff.replace {
            push(
                RouteOperation::Replace,
                Sign::Modify,
                *destination,
                new,
                format!("{destination} -> {new} (was {old})"),
            );
        }
        for (destination, new) in &diff.add {
            push(
                RouteOperation::Create,
                Sign::Add,
                *destination,
                new,
                format!("{destination} -> {new}"),
            );
        }
    }
}
