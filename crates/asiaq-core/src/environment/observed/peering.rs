//! Peering connections as AWS has them, and what a plan must know of the VPCs at their other ends.

use super::super::changes::VPC;
use super::security::convert as convert_groups;
use super::{RouteTable, SecurityGroup, net_of, routes};
use crate::aws::{Aws, Pages, tags_of};
use crate::config::EnvironmentConfig;
use crate::environment::{Sources, Vpc};
use crate::error::Result;
use crate::network::{MetaNetwork, PeeringCandidate, PeeringConnection, resolve_peerings};
use aws_sdk_ec2::types::Filter;
use ipnet::Ipv4Net;
use std::collections::{BTreeMap, BTreeSet};

/// Most values that AWS takes in one filter.
const MAX_FILTER_VALUES: usize = 200;

/// A peering connection of any state but deleted ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peering {
    /// Connection id.
    pub id: String,
    /// Such as `active` or `pending-acceptance`.
    pub status: String,
    /// AWS' remark on the status.
    pub status_message: String,
    /// The side that asked.
    pub requester: PeeringSide,
    /// The side that accepts.
    pub accepter: PeeringSide,
}

/// One side of a peering connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeeringSide {
    /// VPC id.
    pub vpc_id: String,
    /// Primary IPv4 block, if AWS says.
    pub cidr: Option<Ipv4Net>,
}

/// In use, or on the way to it. The first is what a connection says right after its creation.
pub(in crate::environment) fn is_live_status(status: &str) -> bool {
    matches!(
        status,
        "initiating-request" | "pending-acceptance" | "provisioning" | "active"
    )
}

impl Peering {
    /// In use, or on the way to it.
    pub fn is_live(&self) -> bool {
        is_live_status(&self.status)
    }

    /// The side across from a VPC; `None` if the connection is not one of that VPC.
    pub fn across(&self, vpc_id: &str) -> Option<&PeeringSide> {
        match vpc_id {
            _ if vpc_id == self.requester.vpc_id => Some(&self.accepter),
            _ if vpc_id == self.accepter.vpc_id => Some(&self.requester),
            _ => None,
        }
    }
}

/// All peering connections of the region that are not deleted.
pub async fn peerings(aws: &Aws) -> Result<Vec<Peering>> {
    by_filter(aws, None).await
}

/// Those of one VPC, on either side. What a server sends in spite of the filters is left out.
pub async fn peerings_of(aws: &Aws, vpc_id: &str) -> Result<Vec<Peering>> {
    let by = |name: &str| Some(Filter::builder().name(name).values(vpc_id).build());
    let (asked, accepted) = tokio::try_join!(
        by_filter(aws, by("requester-vpc-info.vpc-id")),
        by_filter(aws, by("accepter-vpc-info.vpc-id")),
    )?;
    let mut found: Vec<Peering> = Vec::new();
    for peering in asked.into_iter().chain(accepted) {
        let known = found.iter().any(|other| other.id == peering.id);
        if peering.across(vpc_id).is_some() && !known {
            found.push(peering);
        }
    }
    Ok(found)
}

async fn by_filter(aws: &Aws, filter: Option<Filter>) -> Result<Vec<Peering>> {
    let call = aws
        .ec2()
        .describe_vpc_peering_connections()
        .set_filters(filter.map(|filter| vec![filter]))
        .into_paginator()
        .items()
        .send();
    let all = call.all("ec2:DescribeVpcPeeringConnections", "").await?;
    Ok(all.iter().filter_map(convert).collect())
}

/// Our view of a connection; `None` for deleted ones.
pub(in crate::environment) fn convert(
    connection: &aws_sdk_ec2::types::VpcPeeringConnection,
) -> Option<Peering> {
    let side = |info: Option<&aws_sdk_ec2::types::VpcPeeringConnectionVpcInfo>| {
        let info = info?;
        Some(PeeringSide {
            vpc_id: info.vpc_id()?.to_owned(),
            cidr: info.cidr_block().and_then(|text| text.parse().ok()),
        })
    };
    let status = connection.status()?;
    let peering = Peering {
        id: connection.vpc_peering_connection_id()?.to_owned(),
        status: status.code()?.as_str().to_owned(),
        status_message: status.message().unwrap_or_default().to_owned(),
        requester: side(connection.requester_vpc_info())?,
        accepter: side(connection.accepter_vpc_info())?,
    };
    (!matches!(peering.status.as_str(), "deleted" | "deleting")).then_some(peering)
}

/// An environment at the other end of a connection.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::environment) struct PeerVpc {
    pub(in crate::environment) name: String,
    pub(in crate::environment) env_type: String,
    pub(in crate::environment) blocks: Vec<Ipv4Net>,
    pub(in crate::environment) subnets: Vec<(MetaNetwork, Ipv4Net)>,
    pub(in crate::environment) route_tables: Vec<RouteTable>,
    pub(in crate::environment) security_groups: Vec<SecurityGroup>,
}

/// What the plan of one environment's peerings depends on.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::environment) struct Peers {
    /// The connections of this environment that the configuration asks for.
    pub(in crate::environment) connections: Vec<PeeringConnection>,
    /// Security groups follow the connections.
    pub(in crate::environment) rules: bool,
    /// Blocks of this VPC; empty if it is yet to be made.
    pub(in crate::environment) own_blocks: Vec<Ipv4Net>,
    /// The live connections of this VPC.
    pub(in crate::environment) live: Vec<Peering>,
    /// The environments at the other ends of both, by VPC id.
    pub(in crate::environment) vpcs: BTreeMap<String, PeerVpc>,
}

/// Whose peers are wanted.
#[derive(Debug, Clone)]
pub(in crate::environment) struct PeerScope<'a> {
    /// The environment as configured.
    pub(in crate::environment) config: &'a EnvironmentConfig,
    /// The VPC, if it exists.
    pub(in crate::environment) vpc: Option<&'a Vpc>,
    /// All VPCs of the region.
    pub(in crate::environment) vpcs: &'a [Vpc],
    /// The configuration files.
    pub(in crate::environment) sources: &'a Sources,
}

/// Reads it: all calls concurrent, but for environments that only live connections lead to. A new environment that no
/// line concerns needs no call.
pub(in crate::environment) async fn peers(aws: &Aws, scope: &PeerScope<'_>) -> Result<Peers> {
    let config = scope.sources.vpc.peerings()?;
    let mut candidates = candidates(scope.vpcs);
    let own = scope.vpc.map_or(VPC, |vpc| vpc.id.as_str());
    if scope.vpc.is_none() {
        candidates.push(PeeringCandidate {
            name: scope.config.name.clone(),
            env_type: scope.config.env_type.clone(),
            vpc: VPC.to_owned(),
        });
    }
    let mut connections = resolve_peerings(&config.lines, &candidates);
    connections.retain(|connection| connection.other(own).is_some());
    let wanted = connections.iter().filter_map(|c| c.other(own));
    let wanted: BTreeSet<&str> = wanted.collect();
    let live = async {
        match scope.vpc {
            Some(vpc) => peerings_of(aws, &vpc.id).await,
            None => Ok(Vec::new()),
        }
    };
    let (mut live, mut vpcs) = tokio::try_join!(live, peer_vpcs(aws, scope.vpcs, &wanted))?;
    live.retain(Peering::is_live);
    let others = live.iter().filter_map(|peering| peering.across(own));
    let others = others.map(|side| side.vpc_id.as_str());
    let more: BTreeSet<&str> = others.filter(|id| !vpcs.contains_key(*id)).collect();
    vpcs.extend(peer_vpcs(aws, scope.vpcs, &more).await?);
    Ok(Peers {
        connections,
        rules: config.update_security_groups,
        own_blocks: scope.vpc.iter().flat_map(|vpc| vpc.blocks()).collect(),
        live,
        vpcs,
    })
}

/// The VPCs that lines can mean.
pub(in crate::environment) fn candidates(vpcs: &[Vpc]) -> Vec<PeeringCandidate> {
    let environments = vpcs.iter().filter(|vpc| vpc.is_environment());
    environments
        .map(|vpc| PeeringCandidate {
            name: vpc.name.clone(),
            env_type: vpc.env_type.clone(),
            vpc: vpc.id.clone(),
        })
        .collect()
}

/// Reads the environments among `ids`: three concurrent calls for every 200 of them. VPCs that are not environments of
/// this account and region are left out.
pub(in crate::environment) async fn peer_vpcs(
    aws: &Aws,
    vpcs: &[Vpc],
    ids: &BTreeSet<&str>,
) -> Result<BTreeMap<String, PeerVpc>> {
    let chosen = |vpc: &&Vpc| ids.contains(vpc.id.as_str()) && vpc.is_environment();
    let chosen: Vec<&Vpc> = vpcs.iter().filter(chosen).collect();
    let chunks = chosen.chunks(MAX_FILTER_VALUES);
    let read = futures::future::try_join_all(chunks.map(|chunk| read_peers(aws, chunk))).await?;
    Ok(read.into_iter().flatten().collect())
}

async fn read_peers(aws: &Aws, vpcs: &[&Vpc]) -> Result<BTreeMap<String, PeerVpc>> {
    let ids: Vec<String> = vpcs.iter().map(|vpc| vpc.id.clone()).collect();
    let (subnets, tables, mut groups) = tokio::try_join!(
        subnets_of(aws, &ids),
        tables_by(aws, "vpc-id", &ids),
        groups_of(aws, vpcs),
    )?;
    let peer = |vpc: &&Vpc| {
        let own = subnets.iter().filter(|(id, _, _)| *id == vpc.id);
        let peer = PeerVpc {
            name: vpc.name.clone(),
            env_type: vpc.env_type.clone(),
            blocks: vpc.blocks().collect(),
            subnets: own.map(|(_, net, cidr)| (*net, *cidr)).collect(),
            route_tables: tables
                .iter()
                .filter(|t| t.vpc_id == vpc.id)
                .cloned()
                .collect(),
            security_groups: groups.remove(&vpc.id).unwrap_or_default(),
        };
        (vpc.id.clone(), peer)
    };
    Ok(vpcs.iter().map(peer).collect())
}

fn filter(name: &str, values: &[String]) -> Filter {
    Filter::builder()
        .name(name)
        .set_values(Some(values.to_vec()))
        .build()
}

/// Subnets of metanetworks with the ids of their VPCs.
async fn subnets_of(aws: &Aws, ids: &[String]) -> Result<Vec<(String, MetaNetwork, Ipv4Net)>> {
    let call = aws
        .ec2()
        .describe_subnets()
        .filters(filter("vpc-id", ids))
        .into_paginator()
        .items()
        .send();
    let subnets = call.all("ec2:DescribeSubnets", "peers").await?;
    let convert = |subnet: &aws_sdk_ec2::types::Subnet| {
        Some((
            subnet.vpc_id()?.to_owned(),
            net_of(&tags_of(subnet.tags()))?,
            subnet.cidr_block()?.parse().ok()?,
        ))
    };
    Ok(subnets.iter().filter_map(convert).collect())
}

async fn tables_by(aws: &Aws, name: &str, values: &[String]) -> Result<Vec<RouteTable>> {
    let call = aws
        .ec2()
        .describe_route_tables()
        .filters(filter(name, values))
        .into_paginator()
        .items()
        .send();
    let tables = call.all("ec2:DescribeRouteTables", "peers").await?;
    Ok(tables.iter().filter_map(routes::convert).collect())
}

/// Security groups by the ids of their VPCs.
async fn groups_of(aws: &Aws, vpcs: &[&Vpc]) -> Result<BTreeMap<String, Vec<SecurityGroup>>> {
    let ids: Vec<String> = vpcs.iter().map(|vpc| vpc.id.clone()).collect();
    let call = aws
        .ec2()
        .describe_security_groups()
        .filters(filter("vpc-id", &ids))
        .into_paginator()
        .items()
        .send();
    let all = call.all("ec2:DescribeSecurityGroups", "peers").await?;
    let of = |vpc: &&Vpc| {
        let own = all
            .iter()
            .filter(|g| g.vpc_id() == Some(&vpc.id))
            .cloned()
            .collect::<Vec<_>>();
        (vpc.id.clone(), convert_groups(&own, &vpc.name))
    };
    Ok(vpcs.iter().map(of).collect())
}

/// The tables with routes through any of these connections.
pub(in crate::environment) async fn tables_through(
    aws: &Aws,
    connections: &[String],
) -> Result<Vec<RouteTable>> {
    let chunks = connections.chunks(MAX_FILTER_VALUES);
    let read = chunks.map(|chunk| tables_by(aws, "route.vpc-peering-connection-id", chunk));
    let mut tables: Vec<RouteTable> = Vec::new();
    for table in futures::future::try_join_all(read)
        .await?
        .into_iter()
        .flatten()
    {
        if !tables.contains(&table) {
            tables.push(table);
        }
    }
    Ok(tables)
}

/// Security groups of these VPCs, by the ids of the VPCs.
pub(in crate::environment) async fn all_groups_of(
    aws: &Aws,
    vpcs: &[&Vpc],
) -> Result<BTreeMap<String, Vec<SecurityGroup>>> {
    let chunks = vpcs.chunks(MAX_FILTER_VALUES);
    let read = futures::future::try_join_all(chunks.map(|chunk| groups_of(aws, chunk))).await?;
    Ok(read.into_iter().flatten().collect())
}
