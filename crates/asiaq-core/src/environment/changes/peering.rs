//! Planning the peering connections of an environment that is created or updated. The rules are in
//! `environment/peering`; here is the environment's own side, which may not exist yet.

use super::super::action::Action;
use super::super::desired::{Desired, DesiredNet};
use super::super::observed::{Observed, PeerVpc};
use super::super::peering::{
    Connecting, Side, SideGroup, SideNet, SideTable, extras, open_to, routes,
};
use super::{SHARED, VPC, find_group, group_key, shared_table, table_key};
use crate::error::{Error, Result};
use crate::network::{MetaNetwork, enclosing};
use crate::plan::Plan;
use ipnet::Ipv4Net;
use std::collections::BTreeMap;

pub(super) fn peering(plan: &mut Plan<Action>, desired: &Desired, observed: &Observed) {
    let sides = sides(desired, observed);
    let changes = connecting(observed, &sides).plan();
    plan.extend(changes.map(Action::Peering));
}

/// What the operator should know about the peerings of an environment.
#[derive(Debug, Default)]
pub(in crate::environment) struct PeeringNotes {
    pub(in crate::environment) warnings: Vec<String>,
    /// Text of the error with which an update ends after everything is done.
    pub(in crate::environment) extra: Option<String>,
}

/// Checks the peerings before anything is changed.
///
/// # Errors
/// Connections that AWS would refuse; destinations that would have to lead two ways.
pub(in crate::environment) fn peering_notes(
    desired: &Desired,
    observed: &Observed,
) -> Result<PeeringNotes> {
    let (sides, peers) = (sides(desired, observed), &observed.peers);
    let mut warnings = connecting(observed, &sides).check()?;
    let own = own_key(observed);
    for connection in &peers.connections {
        for link in &connection.links {
            for (end, other) in [(&link.first, &link.second), (&link.second, &link.first)] {
                let other = sides.get(&other.vpc).and_then(|s| s.nets.get(&other.net));
                if let (true, Some(other)) = (end.vpc == own, other) {
                    gateway_route(desired, end.net, other.cidr)?;
                }
            }
        }
    }
    let tables = &observed.route_tables;
    let found = extras(own, tables, &peers.connections, &peers.live, &sides);
    warnings.extend(found.warnings);
    Ok(PeeringNotes {
        warnings,
        extra: found.error,
    })
}

/// A destination has one route: the configuration must not give it to a gateway as well.
fn gateway_route(desired: &Desired, net: MetaNetwork, destination: Ipv4Net) -> Result<()> {
    let Some(own) = desired.nets.get(&net) else {
        return Ok(());
    };
    let options = [
        ("igw_routes", &own.igw_routes),
        ("vgw_routes", &own.vgw_routes),
    ];
    match options
        .iter()
        .find(|(_, routes)| routes.contains(&destination))
    {
        None => Ok(()),
        Some((option, _)) => Err(Error::refused(format!(
            "{}/{net} cannot reach {destination} both by a peering and by `{net}_{option}`",
            desired.name
        ))
        .with_hint("remove the route or the peering line from disco_vpc.ini")),
    }
}

fn connecting<'a>(observed: &'a Observed, sides: &'a BTreeMap<String, Side>) -> Connecting<'a> {
    Connecting {
        connections: &observed.peers.connections,
        live: &observed.peers.live,
        sides,
        rules: observed.peers.rules,
    }
}

/// How the environment's own VPC is called in connections.
fn own_key(observed: &Observed) -> &str {
    observed.vpc_id.as_deref().unwrap_or(VPC)
}

/// Both sides of all connections; nothing if there are none.
fn sides(desired: &Desired, observed: &Observed) -> BTreeMap<String, Side> {
    let peers = &observed.peers;
    if peers.connections.is_empty() && peers.live.is_empty() {
        return BTreeMap::new();
    }
    let of = |(id, peer): (&String, &PeerVpc)| (id.clone(), Side::of(id, peer));
    let mut sides: BTreeMap<String, Side> = peers.vpcs.iter().map(of).collect();
    let nets = desired.nets.iter();
    let nets = nets.filter_map(|(net, own)| Some((*net, own_net(observed, *net, own)?)));
    let own = Side {
        vpc: own_key(observed).to_owned(),
        name: desired.name.clone(),
        env_type: desired
            .tags
            .get(crate::names::tag::TYPE)
            .cloned()
            .unwrap_or_default(),
        blocks: match &peers.own_blocks[..] {
            [] => vec![desired.vpc_cidr],
            blocks => blocks.to_vec(),
        },
        nets: nets.collect(),
    };
    sides.insert(own.vpc.clone(), own);
    sides
}

/// One metanetwork as this plan leaves it, but for its routes to peers.
fn own_net(observed: &Observed, net: MetaNetwork, own: &DesiredNet) -> Option<SideNet> {
    let blocks: Vec<Ipv4Net> = own.subnets.iter().map(|(_, cidr)| *cidr).collect();
    let zones: Vec<&str> = match shared_table(observed, net) {
        Some(_) => vec![SHARED],
        None => own.subnets.iter().map(|(zone, _)| zone.as_str()).collect(),
    };
    let table = |zone: &str| {
        let here = |t: &&super::RouteTable| {
            t.net == Some(net) && t.zone.as_deref().unwrap_or(SHARED) == zone
        };
        let existing = observed.route_tables.iter().find(here);
        SideTable {
            key: table_key(net, zone),
            zone: zone.to_owned(),
            routes: existing.map(routes).unwrap_or_default(),
            after: format!("route/{net}/{zone}/"),
        }
    };
    let kept = find_group(observed, net).map(|group| open_to(group.kept_grants.iter()));
    let mut open = kept.unwrap_or_default();
    open.extend(open_to(own.grants.iter()));
    Some(SideNet {
        cidr: enclosing(&blocks)?,
        tables: zones.into_iter().map(table).collect(),
        group: Some(SideGroup {
            key: group_key(net),
            open_to: open,
            // A rule made by hand is revoked first: AWS takes two of the same network for one.
            after: vec![format!("rules-add/{net}"), format!("rules-revoke/{net}")],
        }),
    })
}

#[cfg(test)]
mod tests;
