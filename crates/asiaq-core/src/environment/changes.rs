//! Desired against observed: the plan that creates or updates an environment. Pure.
//!
//! One function per kind of resource. Logical names of resources are the ids of the changes that create them, so that
//! later changes can need them and the executor can look up what they became.

use super::apply::{Action, RouteOperation};
use super::desired::{Desired, DesiredNet, place_tags};
use super::observed::{DhcpSet, GroupRef, Observed, RouteTable, SecurityGroup};
use crate::aws::Tags;
use crate::names::{self, tag};
use crate::network::{Grant, MetaNetwork, Peer, diff_grants, diff_routes};
use crate::plan::{Plan, Sign};
use ipnet::Ipv4Net;
use std::collections::{BTreeMap, BTreeSet};

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
    for (net, own) in &desired.nets {
        security_group(&mut plan, desired, observed, *net);
        places(&mut plan, desired, observed, *net, own);
    }
    for (net, own) in &desired.nets {
        rules(&mut plan, desired, observed, *net, own);
    }
    internet_gateway(&mut plan, desired, observed);
    for (net, own) in &desired.nets {
        routes(&mut plan, observed, *net, own);
    }
    dhcp(&mut plan, desired, observed);
    interfaces(&mut plan, desired);
    plan
}

/// Ids of what exists, by logical name: the executor's starting point.
pub(super) fn known_ids(env: &str, observed: &Observed) -> BTreeMap<String, String> {
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
        ids.extend(find_group(observed, net, env).map(|group| (group_key(net), group.id.clone())));
    }
    ids
}

fn vpc(plan: &mut Plan<Action>, desired: &Desired, observed: &Observed) {
    if observed.vpc_id.is_none() {
        let action = Action::CreateVpc {
            name: desired.name.clone(),
            cidr: desired.vpc_cidr,
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

/// The group of a metanetwork: by tag, or by name if its tags were lost.
fn find_group<'a>(
    observed: &'a Observed,
    net: MetaNetwork,
    env: &str,
) -> Option<&'a SecurityGroup> {
    let groups = &observed.security_groups;
    let name = names::security_group(env, net);
    groups
        .iter()
        .find(|g| g.net == Some(net))
        .or_else(|| groups.iter().find(|g| g.name == name))
}

fn security_group(
    plan: &mut Plan<Action>,
    desired: &Desired,
    observed: &Observed,
    net: MetaNetwork,
) {
    if find_group(observed, net, &desired.name).is_some() {
        return;
    }
    let name = names::security_group(&desired.name, net);
    let tags = Tags::from([
        (tag::NAME.to_owned(), name.clone()),
        (tag::META_NETWORK.to_owned(), net.to_string()),
    ]);
    plan.push(
        group_key(net),
        [VPC],
        Sign::Add,
        format!("security group {net} {name}"),
        Action::CreateSecurityGroup { net, name, tags },
    );
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

/// Ingress rules of one metanetwork's group: one change, so one call, per direction.
fn rules(
    plan: &mut Plan<Action>,
    desired: &Desired,
    observed: &Observed,
    net: MetaNetwork,
    own: &DesiredNet,
) {
    let empty = BTreeSet::new();
    let group = find_group(observed, net, &desired.name);
    let kept = group.map_or(&empty, |g| &g.kept_grants);
    let to_refs = |grant: &Grant<MetaNetwork>| {
        let peer = match &grant.peer {
            Peer::Group(source) => Peer::Group(GroupRef::Net(*source)),
            Peer::Cidr(cidr) => Peer::Cidr(*cidr),
        };
        Grant {
            protocol: grant.protocol,
            from: grant.from,
            to: grant.to,
            peer,
        }
    };
    let wanted: BTreeSet<Grant<GroupRef>> = own
        .grants
        .iter()
        .map(to_refs)
        .filter(|grant| !kept.contains(grant))
        .collect();
    let (add, revoke) = diff_grants(&wanted, group.map_or(&empty, |g| &g.grants));
    let line = |grant: &Grant<GroupRef>| format!("rule {net} {grant}");
    let mut needs = vec![group_key(net)];
    if !add.is_empty() {
        let sources = add.iter().filter_map(|g| match &g.peer {
            Peer::Group(GroupRef::Net(source)) => Some(group_key(*source)),
            _ => None,
        });
        needs.extend(sources);
        let lines: Vec<String> = add.iter().map(line).collect();
        plan.push(
            format!("rules-add/{net}"),
            needs.clone(),
            Sign::Add,
            lines,
            Action::Authorize { net, grants: add },
        );
    }
    if !revoke.is_empty() {
        needs.push(format!("rules-add/{net}"));
        let lines: Vec<String> = revoke.iter().map(line).collect();
        plan.push(
            format!("rules-revoke/{net}"),
            needs,
            Sign::Remove,
            lines,
            Action::Revoke {
                net,
                grants: revoke,
            },
        );
    }
}

fn internet_gateway(plan: &mut Plan<Action>, desired: &Desired, observed: &Observed) {
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

/// Tags of resources that are found by other means: `Name` and `environment`.
fn name_tags(env: &str) -> Tags {
    Tags::from([
        (tag::NAME.to_owned(), env.to_owned()),
        (tag::ENVIRONMENT.to_owned(), env.to_owned()),
    ])
}

/// Gateway routes, every table by itself.
fn routes(plan: &mut Plan<Action>, observed: &Observed, net: MetaNetwork, own: &DesiredNet) {
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

/// DHCP options: an own set that is right stays; else one is created, put in force, and older own sets go.
fn dhcp(plan: &mut Plan<Action>, desired: &Desired, observed: &Observed) {
    if desired.dhcp.is_empty() {
        return;
    }
    let right = |set: &&DhcpSet| same_dhcp(&desired.dhcp, &set.options);
    let in_force = observed
        .dhcp_sets
        .iter()
        .find(|set| Some(&set.id) == observed.dhcp_in_force.as_ref());
    let chosen = in_force
        .filter(right)
        .or_else(|| observed.dhcp_sets.iter().find(right));
    let mut replaces: Vec<&str> = Vec::new();
    if chosen.is_none() {
        let lines: Vec<String> = dhcp_lines(&desired.dhcp, in_force);
        let sign = if in_force.is_some() {
            Sign::Modify
        } else {
            Sign::Add
        };
        plan.push(
            DHCP,
            [""; 0],
            sign,
            lines,
            Action::CreateDhcp {
                options: desired.dhcp.clone(),
                tags: name_tags(&desired.name),
            },
        );
    }
    if chosen.is_none_or(|set| Some(&set.id) != observed.dhcp_in_force.as_ref()) {
        let action = Action::AssociateDhcp {
            existing: chosen.map(|set| set.id.clone()),
        };
        plan.push(
            "dhcp-association",
            [VPC, DHCP],
            Sign::Add,
            format!("association of the DHCP options with vpc {}", desired.name),
            action,
        );
        replaces.push("dhcp-association");
    }
    for old in observed
        .dhcp_sets
        .iter()
        .filter(|set| chosen.is_none_or(|chosen| chosen.id != set.id))
    {
        let action = Action::DeleteDhcp { id: old.id.clone() };
        plan.push(
            format!("dhcp-delete/{}", old.id),
            replaces.clone(),
            Sign::Remove,
            format!("DHCP options {}", old.id),
            action,
        );
    }
}

fn dhcp_lines(desired: &[(String, Vec<String>)], old: Option<&DhcpSet>) -> Vec<String> {
    let was = |key: &str| {
        old.and_then(|set| set.options.get(key))
            .map(|values| format!("{} -> ", values.join(" ")))
            .unwrap_or_default()
    };
    let mut lines: Vec<String> = desired
        .iter()
        .map(|(key, values)| format!("DHCP option {key}: {}{}", was(key), values.join(" ")))
        .collect();
    let dropped = old
        .iter()
        .flat_map(|set| &set.options)
        .filter(|(key, _)| !desired.iter().any(|(k, _)| k == *key));
    lines.extend(
        dropped.map(|(key, values)| format!("DHCP option {key}: {} -> none", values.join(" "))),
    );
    lines
}

/// Equal after removing duplicates; time servers as a set, since their names may resolve in any order.
fn same_dhcp(desired: &[(String, Vec<String>)], current: &BTreeMap<String, Vec<String>>) -> bool {
    let normal = |key: &str, values: &[String]| {
        let mut unique: Vec<String> = Vec::new();
        for value in values {
            if !unique.contains(value) {
                unique.push(value.clone());
            }
        }
        if key == "ntp-servers" {
            unique.sort();
        }
        unique
    };
    desired.len() == current.len()
        && desired.iter().all(|(key, values)| {
            current
                .get(key)
                .is_some_and(|other| normal(key, values) == normal(key, other))
        })
}

fn interfaces(plan: &mut Plan<Action>, desired: &Desired) {
    for own in &desired.interfaces {
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
