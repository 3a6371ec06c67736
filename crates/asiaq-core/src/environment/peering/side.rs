//! What peerings look at in one VPC: the networks, tables and groups of its metanetworks. Pure.

use super::super::observed::{GroupRef, PeerVpc, RouteTable, SecurityGroup, Target};
use crate::network::{Grant, MetaNetwork, Peer, Protocol, enclosing};
use ipnet::{IpNet, Ipv4Net};
use std::collections::{BTreeMap, BTreeSet};

/// Zone of a table that all zones share.
const SHARED: &str = "shared";

/// One environment that may be connected.
#[derive(Debug, Clone)]
pub(in crate::environment) struct Side {
    /// Id of the VPC, or its logical name.
    pub(in crate::environment) vpc: String,
    pub(in crate::environment) name: String,
    pub(in crate::environment) env_type: String,
    pub(in crate::environment) blocks: Vec<Ipv4Net>,
    /// The metanetworks that it has.
    pub(in crate::environment) nets: BTreeMap<MetaNetwork, SideNet>,
}

/// One metanetwork.
#[derive(Debug, Clone)]
pub(in crate::environment) struct SideNet {
    /// Its network (spec 20, section 4.4).
    pub(in crate::environment) cidr: Ipv4Net,
    pub(in crate::environment) tables: Vec<SideTable>,
    pub(in crate::environment) group: Option<SideGroup>,
}

/// One route table.
#[derive(Debug, Clone)]
pub(in crate::environment) struct SideTable {
    /// Its id or logical name.
    pub(in crate::environment) key: String,
    pub(in crate::environment) zone: String,
    /// Where each destination leads: learned routes do not count, lost targets give `None`.
    pub(in crate::environment) routes: BTreeMap<Ipv4Net, Option<Target>>,
    /// Changes that may touch a destination's route start with this and go first; empty if there are none.
    pub(in crate::environment) after: String,
}

/// One security group.
#[derive(Debug, Clone)]
pub(in crate::environment) struct SideGroup {
    /// Its id or logical name.
    pub(in crate::environment) key: String,
    /// Networks from which everything is let in already, and stays so.
    pub(in crate::environment) open_to: BTreeSet<Ipv4Net>,
    /// Changes that go first.
    pub(in crate::environment) after: Vec<String>,
}

impl Side {
    /// The side of an environment that exists and that the plan makes no other changes to.
    pub(in crate::environment) fn of(vpc: &str, peer: &PeerVpc) -> Self {
        let net = |net: MetaNetwork| {
            let own = peer.subnets.iter().filter(|(of, _)| *of == net);
            let blocks: Vec<Ipv4Net> = own.map(|(_, cidr)| *cidr).collect();
            let tables = peer.route_tables.iter().filter(|t| t.net == Some(net));
            let group = peer.security_groups.iter().find(|g| g.net == Some(net));
            let own = SideNet {
                cidr: enclosing(&blocks)?,
                tables: tables
                    .map(|table| SideTable {
                        key: table.id.clone(),
                        zone: table.zone.clone().unwrap_or_else(|| SHARED.to_owned()),
                        routes: routes(table),
                        after: String::new(),
                    })
                    .collect(),
                group: group.map(|group| SideGroup {
                    key: group.id.clone(),
                    open_to: open_to(group.grants.iter().chain(&group.kept_grants)),
                    after: Vec::new(),
                }),
            };
            Some((net, own))
        };
        Self {
            vpc: vpc.to_owned(),
            name: peer.name.clone(),
            env_type: peer.env_type.clone(),
            blocks: peer.blocks.clone(),
            nets: MetaNetwork::ALL.into_iter().filter_map(net).collect(),
        }
    }

    /// The blocks, for messages.
    pub(in crate::environment) fn blocks_text(&self) -> String {
        let blocks: Vec<String> = self.blocks.iter().map(ToString::to_string).collect();
        blocks.join(", ")
    }
}

/// The routes of a table as a side wants them.
pub(in crate::environment) fn routes(table: &RouteTable) -> BTreeMap<Ipv4Net, Option<Target>> {
    let own = table.routes.iter().filter(|route| !route.propagated);
    own.map(|route| {
        let target = (!route.blackhole).then(|| route.target.clone());
        (route.destination, target)
    })
    .collect()
}

/// The networks that these grants let in with everything.
pub(in crate::environment) fn open_to<'a, G: 'a>(
    grants: impl Iterator<Item = &'a Grant<G>>,
) -> BTreeSet<Ipv4Net> {
    grants
        .filter(|grant| grant.protocol == Protocol::All)
        .filter_map(|grant| match &grant.peer {
            Peer::Cidr(IpNet::V4(cidr)) => Some(*cidr),
            _ => None,
        })
        .collect()
}

/// The rules of a group that a peering made, with their descriptions.
pub(super) fn peering_grants(group: &SecurityGroup) -> Vec<(String, Grant<GroupRef>)> {
    let mut found = Vec::new();
    for permission in &group.raw_ingress {
        let protocol = permission.ip_protocol().unwrap_or("-1").parse::<Protocol>();
        let Ok(protocol) = protocol else { continue };
        for range in permission.ip_ranges() {
            let cidr = range.cidr_ip().and_then(|text| text.parse::<IpNet>().ok());
            let description = range.description().unwrap_or_default();
            if let (Some(cidr), true) = (
                cidr,
                description.starts_with(crate::names::PEERING_RULE_PREFIX),
            ) {
                let (from, to) = (permission.from_port(), permission.to_port());
                let grant = Grant::new(protocol, from, to, Peer::Cidr(cidr));
                found.push((description.to_owned(), grant));
            }
        }
    }
    found
}
