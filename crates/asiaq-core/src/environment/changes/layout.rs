//! Environments of the old layout: one route table for all zones of a metanetwork, tagged `meta_network` without `subnet`
//! (spec 20, section 14). NAT needs a table per subnet, so a metanetwork with NAT gateways or a NAT route is converted.
//!
//! A metanetwork is also being converted if tables of its subnets stand beside the shared one: a run was interrupted. The
//! association of a subnet moves when its table has all routes, so a subnet that has its own table is finished.

use super::super::action::{Action, LayoutAction};
use super::super::desired::{Desired, DesiredNet, place_tags};
use super::super::observed::{Observed, Route, RouteTable, Subnet, Target};
use super::{VPC, table_key};
use crate::aws::Tags;
use crate::network::MetaNetwork;
use crate::plan::{Plan, Sign};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Plans the conversion. Returns the environment as all other planners are to see it: with the tables of the subnets
/// and what has been copied into them. A table that is yet to be made has its logical name for an id.
pub(super) fn convert<'a>(
    plan: &mut Plan<Action>,
    desired: &Desired,
    observed: &'a Observed,
) -> Cow<'a, Observed> {
    let mut view = Cow::Borrowed(observed);
    for (net, own) in &desired.nets {
        let Some(shared) = untagged_table(observed, *net) else {
            continue;
        };
        let tagged = tag_subnets(plan, desired, observed, *net, own);
        let begun = observed
            .route_tables
            .iter()
            .any(|t| t.net == Some(*net) && t.zone.is_some());
        if !begun && own.nat.is_none() && own.nat_route.is_none() {
            continue;
        }
        for (zone, _) in &own.subnets {
            if let Some(table) = split(plan, desired, observed, shared, *net, zone) {
                let tables = &mut view.to_mut().route_tables;
                tables.retain(|other| other.id != table.id);
                tables.push(table);
            }
        }
        delete_shared(plan, observed, shared, *net, own, tagged);
    }
    view
}

/// The one table of a metanetwork without the tag `subnet`.
fn untagged_table(observed: &Observed, net: MetaNetwork) -> Option<&RouteTable> {
    let all = observed.route_tables.iter();
    let mut untagged = all.filter(|t| t.net == Some(net) && t.zone.is_none());
    untagged.next().filter(|_| untagged.next().is_none())
}

fn subnet_of<'a>(observed: &'a Observed, net: MetaNetwork, zone: &str) -> Option<&'a Subnet> {
    let mut all = observed.subnets.iter();
    all.find(|s| s.net == Some(net) && s.zone == zone)
}

/// Adds the tags that subnets of old environments lack. Returns the logical names of the changes.
fn tag_subnets(
    plan: &mut Plan<Action>,
    desired: &Desired,
    observed: &Observed,
    net: MetaNetwork,
    own: &DesiredNet,
) -> Vec<String> {
    let mut keys = Vec::new();
    for (zone, _) in &own.subnets {
        let Some(subnet) = subnet_of(observed, net, zone) else {
            continue;
        };
        let mut tags: Tags = place_tags(desired, net, zone);
        tags.retain(|key, _| !subnet.tags.contains_key(key));
        if tags.is_empty() {
            continue;
        }
        let names: Vec<&str> = tags.keys().map(String::as_str).collect();
        let line = format!("tags of subnet {net} {zone}: {}", names.join(" "));
        let key = format!("subnet-tags/{net}/{zone}");
        let action = LayoutAction::TagSubnet {
            net,
            zone: zone.clone(),
            tags,
        };
        plan.push(&key, [""; 0], Sign::Add, line, Action::Layout(action));
        keys.push(key);
    }
    keys
}

/// Plans the table of one zone. Returns it as it will be, or `None` if the zone is finished.
fn split(
    plan: &mut Plan<Action>,
    desired: &Desired,
    observed: &Observed,
    shared: &RouteTable,
    net: MetaNetwork,
    zone: &str,
) -> Option<RouteTable> {
    let mut all = observed.route_tables.iter();
    let own = all.find(|t| t.net == Some(net) && t.zone.as_deref() == Some(zone));
    let subnet = subnet_of(observed, net, zone);
    let finished =
        |table: &RouteTable| subnet.is_some_and(|s| table.associations.contains_key(&s.id));
    if own.is_some_and(finished) {
        return None;
    }
    let present: &[Route] = own.map_or(&[], |t| &t.routes);
    let missing = |route: &&Route| {
        let same =
            |r: &Route| r.destination == route.destination && r.propagated == route.propagated;
        !route.blackhole && !present.iter().any(same)
    };
    let copied: Vec<Route> = shared.routes.iter().filter(missing).cloned().collect();
    let announced = own
        .map(|table| table.propagating.clone())
        .unwrap_or_default();
    let unannounced: BTreeSet<String> =
        shared.propagating.difference(&announced).cloned().collect();
    let key = table_key(net, zone);
    if own.is_none() || !copied.is_empty() || !unannounced.is_empty() {
        let place = (net, zone);
        push_split(plan, desired, place, own.is_none(), &copied, unannounced);
    }
    Some(RouteTable {
        id: own.map_or(key, |t| t.id.clone()),
        vpc_id: shared.vpc_id.clone(),
        net: Some(net),
        zone: Some(zone.to_owned()),
        main: false,
        associations: own.map(|t| t.associations.clone()).unwrap_or_default(),
        routes: [present, &copied].concat(),
        propagating: &announced | &shared.propagating,
    })
}

fn push_split(
    plan: &mut Plan<Action>,
    desired: &Desired,
    (net, zone): (MetaNetwork, &str),
    create: bool,
    copied: &[Route],
    mut propagating: BTreeSet<String>,
) {
    let place = format!("{net} {zone}");
    let (learned, fixed): (Vec<&Route>, Vec<&Route>) = copied.iter().partition(|r| r.propagated);
    propagating.extend(learned.iter().filter_map(|route| match &route.target {
        Target::Gateway(id) => Some(id.clone()),
        _ => None,
    }));
    let mut lines = Vec::new();
    lines.extend(create.then(|| format!("route table {place}")));
    lines.extend(
        fixed
            .iter()
            .map(|r| format!("route {place} {} -> {}", r.destination, r.target)),
    );
    lines.extend(
        propagating
            .iter()
            .map(|id| format!("propagation of routes from {id} to route table {place}")),
    );
    let action = LayoutAction::Split {
        net,
        zone: zone.to_owned(),
        create: create.then(|| place_tags(desired, net, zone)),
        routes: fixed
            .iter()
            .map(|r| (r.destination, r.target.clone()))
            .collect(),
        propagating: propagating.into_iter().collect(),
    };
    plan.push(
        table_key(net, zone),
        [VPC],
        Sign::Add,
        lines,
        Action::Layout(action),
    );
}

/// The shared table goes last. One that other subnets use, or that is the VPC's main table, stays.
fn delete_shared(
    plan: &mut Plan<Action>,
    observed: &Observed,
    shared: &RouteTable,
    net: MetaNetwork,
    own: &DesiredNet,
    mut needs: Vec<String>,
) {
    let ours = |id: &String| {
        let mut zones = own.subnets.iter();
        zones.any(|(zone, _)| subnet_of(observed, net, zone).is_some_and(|s| s.id == *id))
    };
    if shared.main || !shared.associations.keys().all(ours) {
        return;
    }
    let zones = own.subnets.iter();
    needs.extend(zones.map(|(zone, _)| format!("association/{net}/{zone}")));
    let action = LayoutAction::DeleteShared {
        table: shared.id.clone(),
    };
    plan.push(
        format!("route-table-deletion/{}", shared.id),
        needs,
        Sign::Remove,
        format!("route table {net} shared {}", shared.id),
        Action::Layout(action),
    );
}

#[cfg(test)]
mod tests;
