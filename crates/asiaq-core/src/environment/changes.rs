//! Desired against observed: the plan that creates or updates an environment. Pure.
//!
//! One function per kind of resource, in a file per sort. Logical names of resources are the ids of the changes that
//! create them, so that later changes can need them and the executor can look up what they became.

mod database;
mod dhcp;
mod endpoint;
mod gateway;
mod layout;
pub(super) mod nat;
mod peering;
mod rules;
mod topic;
mod vpn;

pub(super) use peering::peering_notes;
pub(super) use topic::topic_key;

use super::action::Action;
use super::desired::{Desired, DesiredNet, place_tags};
use super::observed::{Observed, RouteTable, SecurityGroup};
use crate::aws::Tags;
use crate::names::tag;
use crate::network::MetaNetwork;
use crate::plan::{Plan, Sign};
use std::collections::BTreeMap;

/// Logical name of the VPC.
pub(super) const VPC: &str = "vpc";
/// Logical name of the internet gateway.
pub(super) const INTERNET_GATEWAY: &str = "internet-gateway";
/// Logical name of the DHCP options set.
pub(super) const DHCP: &str = "dhcp-options";

/// Logical name of a security group.
pub(super) fn group_key(net: MetaNetwork) -> String {
    format!("security-group/{net}")
}

/// Logical name of a subnet.
pub(super) fn subnet_key(net: MetaNetwork, zone: &str) -> String {
    format!("subnet/{net}/{zone}")
}

/// Logical name of a route table; `zone` is `shared` in environments of the old layout.
pub(super) fn table_key(net: MetaNetwork, zone: &str) -> String {
    format!("route-table/{net}/{zone}")
}

/// Zone part of a shared table's logical name.
const SHARED: &str = "shared";

/// The whole plan.
pub(super) fn plan(desired: &Desired, observed: &Observed) -> Plan<Action> {
    let mut plan = Plan::default();
    vpc(&mut plan, desired, observed);
    let observed = &*layout::convert(&mut plan, desired, observed);
    for (net, own) in &desired.nets {
        rules::security_group(&mut plan, desired, observed, *net);
        places(&mut plan, desired, observed, *net, own);
    }
    for (net, own) in &desired.nets {
        rules::rules(&mut plan, observed, *net, own);
    }
    gateway::internet_gateway(&mut plan, desired, observed);
    vpn::vpn(&mut plan, desired, observed);
    for (net, own) in &desired.nets {
        gateway::routes(&mut plan, observed, *net, own);
    }
    nat::nat(&mut plan, desired, observed);
    endpoint::endpoint(&mut plan, desired, observed);
    dhcp::dhcp(&mut plan, desired, observed);
    interfaces(&mut plan, desired, observed);
    peering::peering(&mut plan, desired, observed);
    topic::topic(&mut plan, desired, observed);
    database::database(&mut plan, desired, observed);
    if observed.vpc_id.is_none() {
        // A new VPC may have to be given up again; nothing else must be left behind then.
        plan.begin_with(VPC);
    }
    plan
}

/// What the operator should know about what exists.
pub(super) fn warnings(desired: &Desired, observed: &Observed) -> Vec<String> {
    vpn::warnings(desired, observed)
}

/// Ids of what exists, by logical name: the executor's starting point.
pub(super) fn known_ids(observed: &Observed) -> BTreeMap<String, String> {
    let mut ids = BTreeMap::new();
    ids.extend(
        observed
            .vpc_id
            .iter()
            .map(|id| (VPC.to_owned(), id.clone())),
    );
    ids.extend(
        observed
            .gateways
            .first()
            .map(|g| (INTERNET_GATEWAY.to_owned(), g.id.clone())),
    );
    for subnet in &observed.subnets {
        ids.extend(
            subnet
                .net
                .map(|net| (subnet_key(net, &subnet.zone), subnet.id.clone())),
        );
    }
    for table in &observed.route_tables {
        ids.extend(table.net.map(|net| {
            (
                table_key(net, table.zone.as_deref().unwrap_or(SHARED)),
                table.id.clone(),
            )
        }));
    }
    for net in MetaNetwork::ALL {
        ids.extend(find_group(observed, net).map(|group| (group_key(net), group.id.clone())));
    }
    ids.extend(topic::known_ids(observed));
    ids
}

fn vpc(plan: &mut Plan<Action>, desired: &Desired, observed: &Observed) {
    if observed.vpc_id.is_none() {
        let action = Action::CreateVpc {
            name: desired.name.clone(),
            cidr: desired.vpc_cidr,
            random: desired.random_range,
            tags: desired.tags.clone(),
        };
        plan.push(
            VPC,
            [""; 0],
            Sign::Add,
            format!("vpc {} {}", desired.name, desired.vpc_cidr),
            action,
        );
    }
    if !observed.dns_support {
        plan.push(
            "dns-support",
            [VPC],
            Sign::Modify,
            "vpc DNS support: off -> on",
            Action::EnableDnsSupport,
        );
    }
    if !observed.dns_hostnames {
        plan.push(
            "dns-hostnames",
            [VPC, "dns-support"],
            Sign::Modify,
            "vpc DNS host names: off -> on",
            Action::EnableDnsHostnames,
        );
    }
}

/// The group of a metanetwork.
fn find_group(observed: &Observed, net: MetaNetwork) -> Option<&SecurityGroup> {
    observed
        .security_groups
        .iter()
        .find(|group| group.net == Some(net))
}

/// Subnets, route tables and their associations of one metanetwork.
fn places(
    plan: &mut Plan<Action>,
    desired: &Desired,
    observed: &Observed,
    net: MetaNetwork,
    own: &DesiredNet,
) {
    let shared = shared_table(observed, net);
    for (zone, cidr) in &own.subnets {
        let (subnet, tags) = (subnet_key(net, zone), || place_tags(desired, net, zone));
        let existing = observed
            .subnets
            .iter()
            .find(|s| s.net == Some(net) && s.zone == *zone);
        if existing.is_none() {
            let action = Action::CreateSubnet {
                net,
                zone: zone.clone(),
                cidr: *cidr,
                tags: tags(),
            };
            plan.push(
                &subnet,
                [VPC],
                Sign::Add,
                format!("subnet {net} {zone} {cidr}"),
                action,
            );
        }
        let table = table_key(net, if shared.is_some() { SHARED } else { zone });
        let own_table = shared.or_else(|| {
            observed
                .route_tables
                .iter()
                .find(|t| t.net == Some(net) && t.zone.as_deref() == Some(zone))
        });
        if own_table.is_none() {
            let action = Action::CreateRouteTable {
                net,
                zone: zone.clone(),
                tags: tags(),
            };
            plan.push(
                &table,
                [VPC],
                Sign::Add,
                format!("route table {net} {zone}"),
                action,
            );
        }
        let associated = existing
            .zip(own_table)
            .is_some_and(|(s, t)| t.associations.contains_key(&s.id));
        if !associated {
            let elsewhere = existing.and_then(|s| {
                observed
                    .route_tables
                    .iter()
                    .find_map(|t| t.associations.get(&s.id))
            });
            let action = Action::AssociateRouteTable {
                table: table.clone(),
                subnet: subnet.clone(),
                replace: elsewhere.cloned(),
            };
            let line = format!("association of route table and subnet {net} {zone}");
            plan.push(
                format!("association/{net}/{zone}"),
                [subnet, table],
                Sign::Add,
                line,
                action,
            );
        }
    }
}

/// The one table of all zones in environments of the old layout (spec 20, section 14).
fn shared_table(observed: &Observed, net: MetaNetwork) -> Option<&RouteTable> {
    let mut tables = observed.route_tables.iter().filter(|t| t.net == Some(net));
    match (tables.next(), tables.next()) {
        (Some(only), None) if only.zone.is_none() => Some(only),
        _ => None,
    }
}

/// Tags of resources that are found by other means: `Name` and `environment`.
fn name_tags(env: &str) -> Tags {
    Tags::from([
        (tag::NAME.to_owned(), env.to_owned()),
        (tag::ENVIRONMENT.to_owned(), env.to_owned()),
    ])
}

fn interfaces(plan: &mut Plan<Action>, desired: &Desired, observed: &Observed) {
    let wanted = desired.interfaces.iter();
    for own in wanted.filter(|own| !observed.taken.contains(&own.address)) {
        let needs = [subnet_key(own.net, &own.zone), group_key(own.net)];
        let line = format!(
            "interface {} {} {} of {}",
            own.net, own.zone, own.address, own.hostclass
        );
        let action = Action::CreateInterface {
            net: own.net,
            zone: own.zone.clone(),
            address: own.address,
            hostclass: own.hostclass.clone(),
        };
        plan.push(
            format!("interface/{}", own.address),
            needs,
            Sign::Add,
            line,
            action,
        );
    }
}

#[cfg(test)]
mod tests;
