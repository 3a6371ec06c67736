//! Peers of the modelled environment, and how changes to peerings are carried out on them.

use super::super::action::PeeringAction;
use super::super::observed::{PeerVpc, Peering, PeeringSide, Peers};
use super::{Model, Observed, Route, RouteTable, SecurityGroup, Target, VPC, group, net4, table};
use crate::network::{
    Grant, MetaNetwork, Peer, PeeringCandidate, Protocol, resolve_peerings, split,
};
use aws_sdk_ec2::types::{IpPermission, IpRange};
use ipnet::Ipv4Net;
use std::collections::BTreeMap;

/// An environment with intranet and dmz in two zones; the name of its VPC is `vpc-NAME`.
pub(in crate::environment) fn peer(name: &str, env_type: &str, block: &str) -> PeerVpc {
    let halves = split(net4(block), 2).unwrap();
    let nets = [MetaNetwork::Intranet, MetaNetwork::Dmz];
    let (mut subnets, mut route_tables, mut security_groups) = (vec![], vec![], vec![]);
    for (net, half) in nets.into_iter().zip(halves) {
        for (zone, cidr) in ["us-west-2a", "us-west-2b"]
            .into_iter()
            .zip(split(half, 2).unwrap())
        {
            subnets.push((net, cidr));
            let id = format!("rtb-{name}-{net}-{zone}");
            let own = table(&id, net, Some(zone), &[]);
            route_tables.push(RouteTable {
                vpc_id: format!("vpc-{name}"),
                ..own
            });
        }
        let own = format!("{name}_{net}");
        security_groups.push(group(&format!("sg-{name}-{net}"), &own, net));
    }
    PeerVpc {
        name: name.to_owned(),
        env_type: env_type.to_owned(),
        blocks: vec![net4(block)],
        subnets,
        route_tables,
        security_groups,
    }
}

/// Environment `ci` of type `t` with these lines and peers; their VPCs are called `vpc-NAME`.
pub(in crate::environment) fn with_peers(
    observed: &Observed,
    lines: &[&str],
    peers: &[PeerVpc],
) -> Observed {
    let own = observed.vpc_id.clone().unwrap_or_else(|| VPC.to_owned());
    let id = |peer: &PeerVpc| format!("vpc-{}", peer.name);
    let mut candidates: Vec<PeeringCandidate> = peers
        .iter()
        .map(|peer| PeeringCandidate {
            name: peer.name.clone(),
            env_type: peer.env_type.clone(),
            vpc: id(peer),
        })
        .collect();
    candidates.push(PeeringCandidate {
        name: "ci".into(),
        env_type: "t".into(),
        vpc: own.clone(),
    });
    let lines: Vec<_> = lines.iter().map(|line| line.parse().unwrap()).collect();
    let mut connections = resolve_peerings(&lines, &candidates);
    connections.retain(|connection| connection.other(&own).is_some());
    let vpcs = peers.iter().map(|peer| (id(peer), peer.clone()));
    let peers = Peers {
        connections,
        rules: true,
        own_blocks: observed.vpc_cidr.into_iter().collect(),
        live: observed.peers.live.clone(),
        vpcs: vpcs.collect(),
    };
    Observed {
        peers,
        ..observed.clone()
    }
}

/// A connection.
pub(in crate::environment) fn live(id: &str, status: &str, from: &str, to: &str) -> Peering {
    let side = |vpc: &str| PeeringSide {
        vpc_id: vpc.to_owned(),
        cidr: None,
    };
    Peering {
        id: id.to_owned(),
        status: status.to_owned(),
        status_message: String::new(),
        requester: side(from),
        accepter: side(to),
    }
}

/// Adds a rule as a peering makes it.
pub(in crate::environment) fn peering_rule(
    group: &mut SecurityGroup,
    cidr: Ipv4Net,
    description: &str,
) {
    group.kept_grants.insert(everything(cidr));
    let range = IpRange::builder()
        .cidr_ip(cidr.to_string())
        .description(description);
    let permission = IpPermission::builder()
        .ip_protocol("-1")
        .ip_ranges(range.build());
    group.raw_ingress.push(permission.build());
}

fn everything<G>(cidr: Ipv4Net) -> Grant<G> {
    Grant::new(Protocol::All, None, None, Peer::Cidr(cidr.into()))
}

impl Model {
    /// The VPC exists now: what the lines mean by it is its id.
    pub(super) fn peers_know(&mut self, id: &str) {
        let known = |vpc: &mut String| {
            if vpc == VPC {
                *vpc = id.to_owned();
            }
        };
        for connection in &mut self.state.peers.connections {
            known(&mut connection.requester);
            known(&mut connection.accepter);
            for link in &mut connection.links {
                known(&mut link.first.vpc);
                known(&mut link.second.vpc);
            }
        }
        self.state.peers.own_blocks = self.state.vpc_cidr.into_iter().collect();
    }

    pub(super) fn peering(&mut self, action: &PeeringAction) {
        match action {
            PeeringAction::Connect {
                key,
                requester,
                accepter,
                existing,
                ..
            } => {
                let (from, to) = (self.or_id(&requester.vpc), self.or_id(&accepter.vpc));
                let count = self.state.peers.live.len();
                let id = existing.clone().unwrap_or(format!("pcx-{}", count + 1));
                self.learn(key, &id);
                let all = &mut self.state.peers.live;
                match all.iter_mut().find(|p| p.id == id) {
                    Some(own) => own.status = "active".to_owned(),
                    None => all.push(live(&id, "active", &from, &to)),
                }
            }
            PeeringAction::SetRoute {
                table,
                destination,
                connection,
            } => {
                let id = self.or_id(connection);
                let mut live = self.state.peers.live.iter();
                assert!(live.any(|p| p.id == id && p.status == "active"), "{id}");
                let routes = &mut self.any_table(table).routes;
                routes.retain(|r| r.destination != *destination || r.propagated);
                routes.push(Route {
                    destination: *destination,
                    target: Target::Peering(id),
                    propagated: false,
                    blackhole: false,
                });
            }
            PeeringAction::DeleteRoute {
                table, destination, ..
            } => {
                let routes = &mut self.any_table(table).routes;
                routes.retain(|r| r.destination != *destination);
            }
            PeeringAction::Authorize {
                group,
                cidr,
                description,
            } => {
                let group = self.any_group(group);
                assert!(!group.grants.contains(&everything(*cidr)), "a duplicate");
                peering_rule(group, *cidr, description);
            }
            PeeringAction::Revoke { group, grants } => {
                let group = self.any_group(group);
                group.kept_grants.retain(|g| !grants.contains(g));
                group.raw_ingress.clear();
            }
            PeeringAction::Delete { id } => {
                let target = Target::Peering(id.clone());
                let peers = &mut self.state.peers;
                let tables = peers.vpcs.values().flat_map(|peer| &peer.route_tables);
                let mut routes = tables.flat_map(|table| &table.routes);
                assert!(routes.all(|r| r.target != target), "a route is left");
                peers.live.retain(|p| p.id != *id);
            }
        }
    }

    /// What a logical name stands for; ids stand for themselves.
    fn or_id(&self, key: &str) -> String {
        assert!(self.ids.contains_key(key) || !key.contains('/'), "{key}");
        self.ids.get(key).cloned().unwrap_or_else(|| key.to_owned())
    }

    fn any_table(&mut self, key: &str) -> &mut RouteTable {
        let id = self.or_id(key);
        let peers: &mut BTreeMap<String, PeerVpc> = &mut self.state.peers.vpcs;
        let all = peers.values_mut().flat_map(|p| &mut p.route_tables);
        let mut all = all.chain(&mut self.state.route_tables);
        all.find(|table| table.id == id).unwrap()
    }

    fn any_group(&mut self, key: &str) -> &mut SecurityGroup {
        let id = self.or_id(key);
        let peers = self.state.peers.vpcs.values_mut();
        let all = peers.flat_map(|p| &mut p.security_groups);
        let mut all = all.chain(&mut self.state.security_groups);
        all.find(|group| group.id == id).unwrap()
    }
}
