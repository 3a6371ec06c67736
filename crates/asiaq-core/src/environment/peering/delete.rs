//! Plans the deletion of peering connections with the routes and rules that belong to them, on both sides. Pure.
//!
//! The connection goes last: as long as it is there, a run that was interrupted can find the rest again.

use super::super::action::PeeringAction;
use super::super::observed::{Peering, PeeringSide, RouteTable, SecurityGroup, Target};
use super::super::vpc::Vpc;
use super::side::peering_grants;
use crate::names::{self, PEERING_RULE_PREFIX};
use crate::network::Peer;
use crate::plan::{Plan, Sign};
use ipnet::{IpNet, Ipv4Net};
use std::collections::{BTreeMap, BTreeSet};

/// What there is.
#[derive(Debug)]
pub(super) struct Deleting<'a> {
    /// The connections that are to go.
    pub(super) peerings: &'a [Peering],
    /// Tables with routes through them.
    pub(super) tables: &'a [RouteTable],
    /// Groups of the VPCs that they connect.
    pub(super) groups: &'a BTreeMap<String, Vec<SecurityGroup>>,
    /// All VPCs of the region.
    pub(super) vpcs: &'a [Vpc],
}

impl Deleting<'_> {
    pub(super) fn plan(&self) -> Plan<PeeringAction> {
        let (mut plan, mut seen) = (Plan::default(), BTreeSet::new());
        for peering in self.peerings {
            let mut needs = self.routes(&mut plan, peering);
            let (a, b) = (&peering.requester, &peering.accepter);
            needs.extend(self.rules(&mut plan, &mut seen, a, b));
            needs.extend(self.rules(&mut plan, &mut seen, b, a));
            let line = format!("peering connection {} {}", self.label(peering), peering.id);
            let action = PeeringAction::Delete {
                id: peering.id.clone(),
            };
            plan.push(
                format!("peering/{}", peering.id),
                needs,
                Sign::Remove,
                line,
                action,
            );
        }
        plan
    }

    /// The environment of a VPC; the id of one that is not ours or has no name.
    fn name<'n>(&'n self, vpc_id: &'n str) -> &'n str {
        let vpc = self.vpcs.iter().find(|vpc| vpc.id == vpc_id);
        vpc.and_then(|vpc| vpc.tags.get(names::tag::NAME))
            .map_or(vpc_id, String::as_str)
    }

    fn label(&self, peering: &Peering) -> String {
        format!(
            "{} <-> {}",
            self.name(&peering.requester.vpc_id),
            self.name(&peering.accepter.vpc_id)
        )
    }

    /// Every route through a connection; gives the ids of the changes.
    fn routes(&self, plan: &mut Plan<PeeringAction>, peering: &Peering) -> Vec<String> {
        let target = Target::Peering(peering.id.clone());
        let mut ids = Vec::new();
        for table in self.tables {
            let place = match table.net {
                Some(net) => format!(
                    "{}/{net} {}",
                    self.name(&table.vpc_id),
                    table.zone.as_deref().unwrap_or("shared")
                ),
                None => format!("{} {}", self.name(&table.vpc_id), table.id),
            };
            for route in table.routes.iter().filter(|r| r.target == target) {
                let id = format!("peering-route/{}/{}", table.id, route.destination);
                let line = format!(
                    "route {place} {} -> peering {}",
                    route.destination,
                    self.label(peering)
                );
                let action = PeeringAction::DeleteRoute {
                    table: table.id.clone(),
                    destination: route.destination,
                    connection: peering.id.clone(),
                };
                plan.push(&id, [""; 0], Sign::Remove, line, action);
                ids.push(id);
            }
        }
        ids
    }

    /// The rules in one VPC that let in the other one. One change for each group, even if several connections join the
    /// two; gives the ids of the changes.
    fn rules(
        &self,
        plan: &mut Plan<PeeringAction>,
        seen: &mut BTreeSet<String>,
        own: &PeeringSide,
        other: &PeeringSide,
    ) -> Vec<String> {
        let mut ids = Vec::new();
        for group in self.groups.get(&own.vpc_id).into_iter().flatten() {
            let of_pair = peering_grants(group).into_iter().filter(|(text, grant)| {
                let Peer::Cidr(IpNet::V4(cidr)) = &grant.peer else {
                    return false;
                };
                match self.vpcs.iter().find(|vpc| vpc.id == other.vpc_id) {
                    // Several VPCs may have the name.
                    Some(vpc) => {
                        self.names_vpc(text, &vpc.id)
                            && vpc.blocks().any(|block| block.contains(cidr))
                    }
                    None => self.is_of(other, cidr),
                }
            });
            let of_pair: Vec<_> = of_pair.collect();
            if of_pair.is_empty() {
                continue;
            }
            let id = format!("peering-rules/{}/{}", group.id, other.vpc_id);
            ids.push(id.clone());
            if !seen.insert(id.clone()) {
                continue;
            }
            let place = match group.net {
                Some(net) => format!("{}/{net}", self.name(&own.vpc_id)),
                None => format!("{} {}", self.name(&own.vpc_id), group.name),
            };
            let line = |text: &String, grant| {
                let of = text.strip_prefix(PEERING_RULE_PREFIX).unwrap_or(text);
                format!("rule {place} {grant} (peering with {of})")
            };
            let lines: Vec<String> = of_pair.iter().map(|(text, g)| line(text, g)).collect();
            let action = PeeringAction::Revoke {
                group: group.id.clone(),
                grants: of_pair.into_iter().map(|(_, grant)| grant).collect(),
            };
            plan.push(id, [""; 0], Sign::Remove, lines, action);
        }
        ids
    }

    /// The network lies in the VPC. For VPCs whose name is not known any more.
    fn is_of(&self, side: &PeeringSide, cidr: &Ipv4Net) -> bool {
        let known = self.vpcs.iter().any(|vpc| vpc.id == side.vpc_id);
        !known && side.cidr.is_some_and(|block| block.contains(cidr))
    }

    /// The description is that of a rule for this VPC's environment.
    fn names_vpc(&self, description: &str, vpc_id: &str) -> bool {
        let env = description
            .strip_prefix(PEERING_RULE_PREFIX)
            .and_then(|rest| rest.rsplit_once('/'));
        env.is_some_and(|(env, _)| env == self.name(vpc_id))
    }
}
