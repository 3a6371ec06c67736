//! What is in AWS now: one VPC read concurrently into small types. SDK types stop here.

mod address;
mod beside;
mod endpoint;
mod nat;
mod peering;
mod routes;
mod security;
mod topics;
mod vpn;

pub(super) use address::address_by_ip;
pub use address::{Address, addresses};
pub(super) use beside::{Beside, beside};
pub(super) use endpoint::{Endpoint, endpoints};
pub(super) use nat::{NatGateway, nat_gateways};
pub(super) use peering::{
    PeerScope, PeerVpc, Peers, all_groups_of, candidates, is_live_status, peer_vpcs, peers,
    tables_through,
};
pub use peering::{Peering, PeeringSide, peerings, peerings_of};
pub use routes::Target;
pub(super) use routes::{Route, RouteTable, route_tables};
pub use security::GroupRef;
pub(super) use security::{SecurityGroup, security_groups};
#[cfg(test)]
pub(super) use topics::Subscription;
pub(super) use topics::{Topics, topics};
pub(super) use vpn::{VpnGateway, vpn_gateways};

use crate::aws::{Aws, Pages, Tags, tags_of};
use crate::error::Result;
use crate::names::tag;
use crate::network::MetaNetwork;
use aws_sdk_ec2::types::Filter;
use ipnet::Ipv4Net;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// Subnet id.
    pub id: String,
    /// Availability zone.
    pub zone: String,
    /// Its block.
    pub cidr: Ipv4Net,
    /// Metanetwork by tag, if it is one of ours.
    pub net: Option<MetaNetwork>,
    /// All tags.
    pub tags: Tags,
}

/// An internet gateway and the VPCs that it is attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InternetGateway {
    pub(super) id: String,
    pub(super) vpcs: Vec<String>,
}

/// A DHCP options set: keys → values in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DhcpSet {
    pub(super) id: String,
    pub(super) options: BTreeMap<String, Vec<String>>,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) id: String,
    pub(super) address: String,
    pub(super) attachment: Option<String>,
    /// Removed by others: made by an AWS service, or the first interface of an instance, which nobody can detach.
    pub(super) managed: bool,
    /// Made by an AWS service: it goes with the service's own object only.
    pub(super) of_service: bool,
    /// What AWS or we said it is for.
    pub(super) description: String,
}

fn vpc_filter(vpc_id: &str) -> Filter {
    Filter::builder().name("vpc-id").values(vpc_id).build()
}

fn net_of(tags: &Tags) -> Option<MetaNetwork> {
    tags.get(tag::META_NETWORK)?.parse().ok()
}

/// All subnets of a VPC.
pub(super) async fn subnets(aws: &Aws, vpc_id: &str) -> Result<Vec<Subnet>> {
    let call = aws
        .ec2()
        .describe_subnets()
        .filters(vpc_filter(vpc_id))
        .into_paginator()
        .items()
        .send();
    let convert = |s: aws_sdk_ec2::types::Subnet| {
        let tags = tags_of(s.tags());
        Some(Subnet {
            id: s.subnet_id()?.to_owned(),
            zone: s.availability_zone()?.to_owned(),
            cidr: s.cidr_block()?.parse().ok()?,
            net: net_of(&tags),
            tags,
        })
    };
    Ok(call
        .all("ec2:DescribeSubnets", vpc_id)
        .await?
        .into_iter()
        .filter_map(convert)
        .collect())
}

/// Internet gateways attached to the VPC, and unattached ones that an interrupted run made for the environment `env`.
pub(super) async fn internet_gateways(
    aws: &Aws,
    vpc_id: Option<&str>,
    env: Option<&str>,
) -> Result<Vec<InternetGateway>> {
    let filters = [("attachment.vpc-id", vpc_id), ("tag:environment", env)];
    let calls = filters
        .iter()
        .filter_map(|(name, value)| value.map(|value| internet_gateways_by(aws, name, value)));
    let mut found: Vec<InternetGateway> = Vec::new();
    for gateway in futures::future::try_join_all(calls)
        .await?
        .into_iter()
        .flatten()
    {
        let relevant = gateway.vpcs.is_empty()
            || vpc_id.is_some_and(|id| gateway.vpcs.iter().any(|vpc| vpc == id));
        if relevant && !found.contains(&gateway) {
            found.push(gateway);
        }
    }
    Ok(found)
}

async fn internet_gateways_by(
    aws: &Aws,
    filter: &str,
    value: &str,
) -> Result<Vec<InternetGateway>> {
    let filter = Filter::builder().name(filter).values(value).build();
    let call = aws
        .ec2()
        .describe_internet_gateways()
        .filters(filter)
        .into_paginator()
        .items()
        .send();
    let convert = |g: aws_sdk_ec2::types::InternetGateway| {
        let vpcs = g
            .attachments()
            .iter()
            .filter_map(|a| a.vpc_id().map(str::to_owned))
            .collect();
        Some(InternetGateway {
            id: g.internet_gateway_id()?.to_owned(),
            vpcs,
        })
    };
    Ok(call
        .all("ec2:DescribeInternetGateways", value)
        .await?
        .into_iter()
        .filter_map(convert)
        .collect())
}

/// DHCP options sets with tag `Name` = environment.
pub(super) async fn dhcp_sets(aws: &Aws, env: &str) -> Result<Vec<DhcpSet>> {
    dhcp_sets_by(aws, "tag:Name", env).await
}

/// DHCP options sets by a filter.
pub(super) async fn dhcp_sets_by(aws: &Aws, filter: &str, value: &str) -> Result<Vec<DhcpSet>> {
    let filter = Filter::builder().name(filter).values(value).build();
    let call = aws
        .ec2()
        .describe_dhcp_options()
        .filters(filter)
        .into_paginator()
        .items()
        .send();
    let convert = |set: aws_sdk_ec2::types::DhcpOptions| {
        let option = |c: &aws_sdk_ec2::types::DhcpConfiguration| {
            let values = c
                .values()
                .iter()
                .filter_map(|v| v.value().map(str::to_owned))
                .collect();
            Some((c.key()?.to_owned(), values))
        };
        Some(DhcpSet {
            options: set
                .dhcp_configurations()
                .iter()
                .filter_map(option)
                .collect(),
            id: set.dhcp_options_id()?.to_owned(),
        })
    };
    Ok(call
        .all("ec2:DescribeDhcpOptions", value)
        .await?
        .into_iter()
        .filter_map(convert)
        .collect())
}

/// All network interfaces of a VPC.
pub(super) async fn interfaces(aws: &Aws, vpc_id: &str) -> Result<Vec<Interface>> {
    let call = aws
        .ec2()
        .describe_network_interfaces()
        .filters(vpc_filter(vpc_id))
        .into_paginator()
        .items()
        .send();
    let convert = |i: aws_sdk_ec2::types::NetworkInterface| {
        Some(Interface {
            id: i.network_interface_id()?.to_owned(),
            address: i.private_ip_address().unwrap_or("-").to_owned(),
            attachment: i
                .attachment()
                .and_then(|a| a.attachment_id())
                .map(str::to_owned),
            description: i.description().unwrap_or_default().to_owned(),
            of_service: i.requester_managed().unwrap_or(false),
            managed: i.requester_managed().unwrap_or(false)
                || i.attachment().is_some_and(|a| a.device_index() == Some(0)),
        })
    };
    Ok(call
        .all("ec2:DescribeNetworkInterfaces", vpc_id)
        .await?
        .into_iter()
        .filter_map(convert)
        .collect())
}

/// Zones of the region in name order: availability zones only, no local or wavelength zones, available ones only.
pub async fn zones(aws: &Aws) -> Result<Vec<String>> {
    use crate::aws::Context;
    let filters = [("zone-type", "availability-zone"), ("state", "available")]
        .map(|(name, value)| Filter::builder().name(name).values(value).build());
    let answer = aws
        .ec2()
        .describe_availability_zones()
        .set_filters(Some(filters.to_vec()))
        .send()
        .await;
    let answer = answer.context("ec2:DescribeAvailabilityZones", aws.region())?;
    let mut zones: Vec<String> = answer
        .availability_zones()
        .iter()
        .filter_map(|z| z.zone_name().map(str::to_owned))
        .collect();
    zones.sort();
    Ok(zones)
}

/// DNS support and DNS host names of a VPC.
pub(super) async fn dns_attributes(aws: &Aws, vpc_id: &str) -> Result<(bool, bool)> {
    use crate::aws::Context;
    use aws_sdk_ec2::types::VpcAttributeName::{EnableDnsHostnames, EnableDnsSupport};
    let ask = |attribute| {
        aws.ec2()
            .describe_vpc_attribute()
            .vpc_id(vpc_id)
            .attribute(attribute)
            .send()
    };
    let (support, names) = tokio::join!(ask(EnableDnsSupport), ask(EnableDnsHostnames));
    let support = support.context("ec2:DescribeVpcAttribute", vpc_id)?;
    let names = names.context("ec2:DescribeVpcAttribute", vpc_id)?;
    let value = |v: Option<&aws_sdk_ec2::types::AttributeBooleanValue>| {
        v.and_then(|v| v.value()).unwrap_or(false)
    };
    Ok((
        value(support.enable_dns_support()),
        value(names.enable_dns_hostnames()),
    ))
}

/// Everything of one VPC that create and update compare with the configuration. Empty for a VPC that is yet to be made.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Observed {
    pub(super) vpc_id: Option<String>,
    pub(super) vpc_cidr: Option<Ipv4Net>,
    pub(super) dns_support: bool,
    pub(super) dns_hostnames: bool,
    pub(super) subnets: Vec<Subnet>,
    pub(super) route_tables: Vec<RouteTable>,
    pub(super) security_groups: Vec<SecurityGroup>,
    pub(super) gateways: Vec<InternetGateway>,
    /// Sets tagged with the environment's name.
    pub(super) dhcp_sets: Vec<DhcpSet>,
    /// Id of the set in force.
    pub(super) dhcp_in_force: Option<String>,
    /// NAT gateways that are not deleted.
    pub(super) nat_gateways: Vec<NatGateway>,
    /// Deleted NAT gateways that AWS still lists: the associations of their addresses are void.
    pub(super) past_nat_gateways: Vec<NatGateway>,
    /// Endpoints of any service and type that are not deleted.
    pub(super) endpoints: Vec<Endpoint>,
    /// What the plan depends on outside of the VPC.
    pub(super) beside: Beside,
    /// The VPCs that it is to be connected with.
    pub(super) peers: Peers,
    /// Name of every VPC of the region that has one, by id.
    pub(super) vpc_names: BTreeMap<String, String>,
    /// Addresses of its network interfaces; empty if none are to be reserved.
    pub(super) taken: BTreeSet<Ipv4Addr>,
}

/// Reads a VPC: all calls concurrent.
pub(super) async fn observe(
    aws: &Aws,
    vpc: &super::Vpc,
    scope: &PeerScope<'_>,
) -> Result<Observed> {
    let id = vpc.id.as_str();
    let (
        dns,
        subnets,
        route_tables,
        security_groups,
        gateways,
        dhcp_sets,
        all_nat_gateways,
        endpoints,
        beside,
        peers,
    ) = tokio::try_join!(
        dns_attributes(aws, id),
        subnets(aws, id),
        route_tables(aws, id),
        security_groups(aws, vpc),
        internet_gateways(aws, Some(id), Some(&vpc.name)),
        dhcp_sets(aws, &vpc.name),
        nat_gateways(aws, id),
        endpoints(aws, id),
        beside(aws, scope.config, scope.sources),
        peers(aws, scope),
    )?;
    let (past_nat_gateways, nat_gateways) = all_nat_gateways
        .into_iter()
        .partition(NatGateway::is_deleted);
    Ok(Observed {
        vpc_id: Some(id.to_owned()),
        vpc_cidr: vpc.cidr_block.parse().ok(),
        dns_support: dns.0,
        dns_hostnames: dns.1,
        subnets,
        route_tables,
        security_groups,
        gateways,
        dhcp_sets,
        dhcp_in_force: vpc.dhcp_options_id.clone(),
        nat_gateways,
        past_nat_gateways,
        endpoints,
        beside,
        peers,
        vpc_names: super::vpc::names(scope.vpcs),
        taken: BTreeSet::new(),
    })
}
