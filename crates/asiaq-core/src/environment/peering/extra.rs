//! Connections of an environment that the configuration does not ask for (spec 20, section 11). Pure.

use super::super::observed::{Peering, RouteTable, Target};
use super::side::Side;
use crate::network::{MetaNetwork, PeeringConnection, PeeringEnd, PeeringLink};
use std::collections::{BTreeMap, BTreeSet};

/// What is said about them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::environment) struct Extras {
    /// Text of the error with which an update ends after everything else is done.
    pub(in crate::environment) error: Option<String>,
    pub(in crate::environment) warnings: Vec<String>,
}

/// Both ends of a link, whatever its direction.
type Ends = (PeeringEnd, PeeringEnd);

/// Compares the links that the routes of one VPC stand for with the configured ones. It is an error if everything
/// configured exists and more; other extra links are only warned of.
pub(in crate::environment) fn extras(
    own: &str,
    tables: &[RouteTable],
    connections: &[PeeringConnection],
    live: &[Peering],
    sides: &BTreeMap<String, Side>,
) -> Extras {
    let (mut found, mut existing) = (Extras::default(), BTreeSet::new());
    for peering in live {
        let Some(other) = peering.across(own) else {
            continue;
        };
        let Some(side) = sides.get(&other.vpc_id) else {
            found.warnings.push(format!(
                "peering connection {} is skipped: VPC {} is not an environment of this account and region",
                peering.id, other.vpc_id
            ));
            continue;
        };
        let links = links(own, tables, peering, side);
        if links.is_empty() && !connections.iter().any(|c| c.joins(own, &side.vpc)) {
            found.warnings.push(format!(
                "peering connection {} with `{}` is not defined in the configuration and has no routes",
                peering.id, side.name
            ));
        }
        existing.extend(links);
    }
    // A link with a metanetwork that does not exist cannot be made.
    let there = |end: &PeeringEnd| {
        let side = sides.get(&end.vpc);
        side.is_some_and(|side| side.nets.contains_key(&end.net))
    };
    let desired: BTreeSet<Ends> = connections
        .iter()
        .flat_map(|c| &c.links)
        .filter(|link| there(&link.first) && there(&link.second))
        .map(ends)
        .collect();
    let extra: Vec<String> = existing
        .difference(&desired)
        .map(|(a, b)| format!("{} {}", text(a, sides), text(b, sides)))
        .collect();
    if extra.is_empty() {
        return found;
    }
    let what = format!(
        "Some existing VPC peering connections are not defined in the configuration: {}.",
        extra.join(", ")
    );
    if desired.is_subset(&existing) {
        found.error = Some(format!(
            "{what} Deletion of VPC peerings is not implemented yet."
        ));
    } else {
        found.warnings.push(what);
    }
    found
}

fn ends(link: &PeeringLink) -> Ends {
    let (a, b) = link.undirected();
    (a.clone(), b.clone())
}

/// The links that routes through a connection stand for.
fn links(own: &str, tables: &[RouteTable], peering: &Peering, side: &Side) -> Vec<Ends> {
    let routes = tables.iter().flat_map(|table| {
        let through = |target: &Target| *target == Target::Peering(peering.id.clone());
        let routes = table.routes.iter().filter(move |r| through(&r.target));
        routes.filter_map(move |route| Some((table.net?, route.destination)))
    });
    let mut found = Vec::new();
    for (net, destination) in routes {
        let nets = side.nets.iter().filter(|(_, n)| n.cidr == destination);
        for (other, _) in nets {
            let end = |vpc: &str, net: MetaNetwork| PeeringEnd {
                vpc: vpc.to_owned(),
                net,
            };
            found.push(ends(&PeeringLink {
                first: end(own, net),
                second: end(&side.vpc, *other),
            }));
        }
    }
    found
}

/// The end as a line writes it.
fn text(end: &PeeringEnd, sides: &BTreeMap<String, Side>) -> String {
    match sides.get(&end.vpc) {
        Some(side) => format!("{}:{}/{}", side.name, side.env_type, end.net),
        None => format!("{}/{}", end.vpc, end.net),
    }
}
