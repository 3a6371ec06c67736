//! Plans what connects environments: connections, routes on both sides, rules on the second side. Pure.

use super::super::action::{PeeringAction, PeeringParty};
use super::super::observed::{Peering, Target};
use super::side::{Side, SideNet};
use crate::aws::Tags;
use crate::error::Error;
use crate::names::{self, tag};
use crate::network::{MetaNetwork, PeeringConnection, PeeringEnd, PeeringLink};
use crate::plan::{Plan, Sign};
use ipnet::Ipv4Net;
use std::collections::{BTreeMap, BTreeSet};

/// What is wanted, and what there is.
#[derive(Debug, Clone, Copy)]
pub(in crate::environment) struct Connecting<'a> {
    pub(in crate::environment) connections: &'a [PeeringConnection],
    /// Live connections.
    pub(in crate::environment) live: &'a [Peering],
    /// The environments, by their VPCs.
    pub(in crate::environment) sides: &'a BTreeMap<String, Side>,
    /// Security groups follow the connections.
    pub(in crate::environment) rules: bool,
}

/// A connection with both of its environments.
#[derive(Clone, Copy)]
struct Pair<'a> {
    requester: &'a Side,
    accepter: &'a Side,
    /// The connection, if there is one.
    live: Option<&'a Peering>,
    connection: &'a PeeringConnection,
}

/// A metanetwork that exists.
#[derive(Clone, Copy)]
struct Place<'a> {
    side: &'a Side,
    net: MetaNetwork,
    own: &'a SideNet,
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.side.name, self.net)
    }
}

impl Pair<'_> {
    fn label(&self) -> String {
        format!("{} <-> {}", self.requester.name, self.accepter.name)
    }

    /// The logical name of the connection, also the id of the change that makes it.
    fn key(&self) -> String {
        format!("peering/{}/{}", self.requester.vpc, self.accepter.vpc)
    }

    /// How routes refer to the connection.
    fn target(&self) -> String {
        self.live.map_or_else(|| self.key(), |live| live.id.clone())
    }
}

impl<'a> Connecting<'a> {
    fn pairs(&self) -> impl Iterator<Item = Pair<'a>> + use<'a, '_> {
        self.connections.iter().filter_map(|connection| {
            Some(Pair {
                requester: self.sides.get(&connection.requester)?,
                accepter: self.sides.get(&connection.accepter)?,
                live: self.live_of(connection),
                connection,
            })
        })
    }

    /// The live connection of a pair; an active one if there are several, as older tools made them.
    fn live_of(&self, connection: &PeeringConnection) -> Option<&'a Peering> {
        let joined =
            |p: &&Peering| connection.joins(&p.requester.vpc_id, &p.accepter.vpc_id) && p.is_live();
        self.live
            .iter()
            .filter(joined)
            .min_by_key(|p| (p.status != "active", &p.id))
    }

    fn place(&self, end: &PeeringEnd) -> Option<Place<'a>> {
        let side = self.sides.get(&end.vpc)?;
        let own = side.nets.get(&end.net)?;
        let net = end.net;
        Some(Place { side, net, own })
    }

    /// Both ends of a link; `None` if one of the metanetworks does not exist.
    fn places(&self, link: &PeeringLink) -> Option<(Place<'a>, Place<'a>)> {
        Some((self.place(&link.first)?, self.place(&link.second)?))
    }

    /// The plan. What [`Connecting::check`] warns of is left out.
    pub(in crate::environment) fn plan(&self) -> Plan<PeeringAction> {
        let (mut plan, mut seen) = (Plan::default(), BTreeSet::new());
        for pair in self.pairs() {
            let links = pair.connection.links.iter();
            let links: Vec<_> = links.filter_map(|link| self.places(link)).collect();
            if links.is_empty() {
                continue;
            }
            connect(&mut plan, &pair);
            for (first, second) in links {
                for (from, to) in [(first, second), (second, first)] {
                    routes(&mut plan, &mut seen, &pair, &from, to.own.cidr);
                }
                if self.rules {
                    rule(&mut plan, &mut seen, &pair, &first, &second);
                }
            }
        }
        plan
    }

    /// Warnings of what is left out.
    ///
    /// # Errors
    /// What cannot be: connections of overlapping networks, destinations that would have to lead two ways.
    pub(in crate::environment) fn check(&self) -> Result<Vec<String>, Error> {
        let (mut warnings, mut errors) = (Vec::new(), Vec::new());
        let mut taken: BTreeMap<(&str, Ipv4Net), String> = BTreeMap::new();
        for pair in self.pairs() {
            let mut links = pair.connection.links.iter();
            if links.any(|link| self.places(link).is_some()) {
                errors.extend(overlap(&pair));
            }
            for link in &pair.connection.links {
                let Some((first, second)) = self.places(link) else {
                    warnings.extend(self.missing(link));
                    continue;
                };
                if self.rules && second.own.group.is_none() {
                    warnings.push(format!(
                        "{second} has no security group: hosts of {first} are not let in"
                    ));
                }
                for (from, to) in [(first, second), (second, first)] {
                    for table in &from.own.tables {
                        let other = taken.insert((&table.key, to.own.cidr), pair.label());
                        if let Some(other) = other.filter(|other| *other != pair.label()) {
                            errors.push(two_ways(&from, to.own.cidr, &[&other, &pair.label()]));
                            break;
                        }
                    }
                }
            }
        }
        Error::from_list(errors).map_or(Ok(warnings), Err)
    }

    fn missing(&self, link: &PeeringLink) -> Vec<String> {
        let ends = [&link.first, &link.second];
        let missing = ends.into_iter().filter(|end| self.place(end).is_none());
        missing
            .filter_map(|end| {
                let name = &self.sides.get(&end.vpc)?.name;
                let net = end.net;
                Some(format!("peering of {name}/{net} is skipped: environment `{name}` has no metanetwork {net}"))
            })
            .collect()
    }
}

/// AWS refuses to connect networks that overlap; what is active does not.
fn overlap(pair: &Pair<'_>) -> Option<Error> {
    if pair.live.is_some_and(|live| live.status == "active") {
        return None;
    }
    let (a, b) = (pair.requester, pair.accepter);
    let overlap = a
        .blocks
        .iter()
        .any(|x| b.blocks.iter().any(|y| x.contains(y) || y.contains(x)));
    overlap.then(|| {
        let text = format!(
            "environments `{}` ({}) and `{}` ({}) cannot be peered: their networks overlap",
            a.name,
            a.blocks_text(),
            b.name,
            b.blocks_text()
        );
        Error::refused(text).with_hint(
            "remove their line from [peerings] of disco_vpc.ini, or make one of them again with another network",
        )
    })
}

fn two_ways(from: &Place<'_>, destination: Ipv4Net, labels: &[&str]) -> Error {
    Error::refused(format!(
        "{from} cannot reach {destination} both by peering {}: their networks are the same",
        labels.join(" and by peering ")
    ))
    .with_hint("remove one of their lines from [peerings] of disco_vpc.ini")
}

fn party(side: &Side) -> PeeringParty {
    PeeringParty {
        vpc: side.vpc.clone(),
        name: side.name.clone(),
        blocks: side.blocks_text(),
    }
}

/// The connection, unless it is active.
fn connect(plan: &mut Plan<PeeringAction>, pair: &Pair<'_>) {
    let (sign, line) = match pair.live {
        Some(live) if live.status == "active" => return,
        Some(live) => (Sign::Modify, format!(": {} -> active", live.status)),
        None => (Sign::Add, String::new()),
    };
    let action = PeeringAction::Connect {
        key: pair.key(),
        requester: party(pair.requester),
        accepter: party(pair.accepter),
        existing: pair.live.map(|live| live.id.clone()),
        tags: Tags::from([
            (tag::NAME.to_owned(), pair.label()),
            (tag::ENVIRONMENT.to_owned(), pair.requester.name.clone()),
        ]),
    };
    let needs = [pair.requester.vpc.as_str(), pair.accepter.vpc.as_str()];
    let line = format!("peering connection {}{line}", pair.label());
    plan.push(pair.key(), needs, sign, line, action);
}

/// The routes of one metanetwork to the other one, in all of its tables.
fn routes(
    plan: &mut Plan<PeeringAction>,
    seen: &mut BTreeSet<String>,
    pair: &Pair<'_>,
    from: &Place<'_>,
    destination: Ipv4Net,
) {
    for table in &from.own.tables {
        let current = table.routes.get(&destination);
        let wanted = pair.live.map(|live| Target::Peering(live.id.clone()));
        let id = format!("peering-route/{}/{destination}", table.key);
        if (wanted.is_some() && current == Some(&wanted)) || !seen.insert(id.clone()) {
            continue;
        }
        let was = match current {
            None => String::new(),
            Some(Some(old)) => format!(" (was {old})"),
            Some(None) => " (led nowhere)".to_owned(),
        };
        let line = format!(
            "route {from} {} {destination} -> peering {}{was}",
            table.zone,
            pair.label()
        );
        let mut needs = vec![table.key.clone(), pair.key()];
        if !table.after.is_empty() {
            needs.push(format!("{}{destination}", table.after));
        }
        let sign = current.map_or(Sign::Add, |_| Sign::Modify);
        let action = PeeringAction::SetRoute {
            table: table.key.clone(),
            destination,
            connection: pair.target(),
        };
        plan.push(id, needs, sign, line, action);
    }
}

/// The rule that lets the first metanetwork into the second.
fn rule(
    plan: &mut Plan<PeeringAction>,
    seen: &mut BTreeSet<String>,
    pair: &Pair<'_>,
    first: &Place<'_>,
    second: &Place<'_>,
) {
    let Some(group) = &second.own.group else {
        return;
    };
    let cidr = first.own.cidr;
    let id = format!("peering-rule/{}/{cidr}", group.key);
    if group.open_to.contains(&cidr) || !seen.insert(id.clone()) {
        return;
    }
    let line = format!("rule {second} all from {cidr} (peering with {first}; widens access)");
    let mut needs = vec![group.key.clone(), pair.key()];
    needs.extend(group.after.iter().cloned());
    let action = PeeringAction::Authorize {
        group: group.key.clone(),
        cidr,
        description: names::peering_rule(&first.side.name, first.net),
    };
    plan.push(id, needs, Sign::Add, line, action);
}
