//! Everything that is in a VPC, as plain records for `overview`. Works on any VPC. Reads only; decides nothing.

use super::observed::{self, Subnet, Target};
use super::vpc::Vpc;
use crate::aws::{Aws, Context, Pages, tags_of};
use crate::error::Result;
use crate::names::{FLOATING_INTERFACE, tag};
use crate::network::{Grant, MetaNetwork, Peer};
use aws_sdk_ec2::types::Filter;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// A VPC's contents.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    /// Subnets.
    pub subnets: Vec<Subnet>,
    /// Route tables, the main one included.
    pub tables: Vec<Table>,
    /// Security groups, `default` included.
    pub security_groups: Vec<SecurityGroup>,
    /// Ids of the internet gateways that are attached.
    pub internet_gateways: Vec<String>,
    /// VPN gateways that are attached, or about to be.
    pub vpn_gateways: Vec<VpnGateway>,
    /// NAT gateways that are not deleted.
    pub nat_gateways: Vec<NatGateway>,
    /// Endpoints that are not deleted.
    pub endpoints: Vec<Endpoint>,
    /// The DHCP options in force; `None` for those of AWS.
    pub dhcp: Option<Dhcp>,
    /// Interfaces that reserve an address.
    pub interfaces: Vec<ReservedInterface>,
}

/// A route table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Id.
    pub id: String,
    /// Metanetwork by tag.
    pub net: Option<MetaNetwork>,
    /// Counts for subnets without a table of their own.
    pub main: bool,
    /// Subnets that use it.
    pub subnets: BTreeSet<String>,
    /// Routes with an IPv4 destination, `local` left out.
    pub routes: Vec<Route>,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Destination.
    pub destination: String,
    /// Target.
    pub target: Target,
    /// Learned from a VPN gateway.
    pub propagated: bool,
    /// Its target does not exist any more.
    pub blackhole: bool,
}

/// A security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Metanetwork that it is the group of.
    pub net: Option<MetaNetwork>,
    /// What it lets in, one text per grant, such as `tcp 443 from 0.0.0.0/0`.
    pub ingress: BTreeSet<String>,
}

/// A VPN gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpnGateway {
    /// Id.
    pub id: String,
    /// State of its attachment.
    pub state: String,
}

/// A NAT gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatGateway {
    /// Id.
    pub id: String,
    /// Subnet.
    pub subnet_id: String,
    /// Such as `available`.
    pub state: String,
    /// Public address.
    pub address: Option<Ipv4Addr>,
}

/// A VPC endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Id.
    pub id: String,
    /// Such as `com.amazonaws.us-west-2.s3`.
    pub service: String,
    /// `Gateway`, `Interface`, ...
    pub kind: String,
    /// Tables that lead to it.
    pub tables: BTreeSet<String>,
}

/// A set of DHCP options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dhcp {
    /// Id.
    pub id: String,
    /// Values by key.
    pub options: BTreeMap<String, Vec<String>>,
}

/// An interface that keeps a static address for a hostclass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedInterface {
    /// Id.
    pub id: String,
    /// Subnet.
    pub subnet_id: String,
    /// Address.
    pub address: String,
    /// Tag `Name`, usually `ENV-HOSTCLASS`.
    pub name: Option<String>,
    /// The instance that has it.
    pub instance_id: Option<String>,
    /// Its elastic IP.
    pub public_ip: Option<String>,
}

/// Reads a VPC: all calls concurrent.
pub async fn contents(aws: &Aws, vpc: &Vpc) -> Result<Contents> {
    let id = vpc.id.as_str();
    let dhcp = async {
        match &vpc.dhcp_options_id {
            Some(set) => observed::dhcp_sets_by(aws, "dhcp-options-id", set).await,
            None => Ok(Vec::new()),
        }
    };
    let (subnets, tables, groups, internet, vpn_gateways, nats, endpoints, dhcp, interfaces) = tokio::try_join!(
        observed::subnets(aws, id),
        observed::route_tables(aws, id),
        observed::security_groups(aws, vpc),
        observed::internet_gateways(aws, Some(id), None),
        vpn_gateways(aws, id),
        observed::nat_gateways(aws, id),
        observed::endpoints(aws, id),
        dhcp,
        reserved_interfaces(aws, id),
    )?;
    let nat = |n: observed::NatGateway| NatGateway {
        id: n.id,
        subnet_id: n.subnet_id,
        state: n.state,
        address: n.address,
    };
    let endpoint = |e: observed::Endpoint| Endpoint {
        id: e.id,
        service: e.service,
        kind: e.kind,
        tables: e.route_tables,
    };
    Ok(Contents {
        subnets,
        tables: tables.into_iter().map(table).collect(),
        security_groups: groups.into_iter().map(security_group).collect(),
        internet_gateways: internet.into_iter().map(|g| g.id).collect(),
        vpn_gateways,
        nat_gateways: nats
            .into_iter()
            .filter(|gateway| !gateway.is_deleted())
            .map(nat)
            .collect(),
        endpoints: endpoints.into_iter().map(endpoint).collect(),
        dhcp: dhcp.into_iter().next().map(|set| Dhcp {
            id: set.id,
            options: set.options,
        }),
        interfaces,
    })
}

fn table(table: observed::RouteTable) -> Table {
    let routes = table.routes.into_iter().map(|r| Route {
        destination: r.destination.to_string(),
        target: r.target,
        propagated: r.propagated,
        blackhole: r.blackhole,
    });
    Table {
        id: table.id,
        net: table.net,
        main: table.main,
        subnets: table.associations.into_keys().collect(),
        routes: routes.collect(),
    }
}

fn security_group(group: observed::SecurityGroup) -> SecurityGroup {
    let grants = group.grants.iter().chain(&group.kept_grants);
    let mut ingress: BTreeSet<String> = grants.map(ToString::to_string).collect();
    for permission in &group.raw_ingress {
        let lists = permission.prefix_list_ids().iter();
        for list in lists.filter_map(|list| list.prefix_list_id()) {
            let protocol = permission.ip_protocol().unwrap_or("-1").parse();
            let (from, to) = (permission.from_port(), permission.to_port());
            let grant = |protocol| Grant::new(protocol, from, to, Peer::Group(list.to_owned()));
            ingress.extend(protocol.ok().map(|protocol| grant(protocol).to_string()));
        }
    }
    SecurityGroup {
        id: group.id,
        name: group.name,
        net: group.net,
        ingress,
    }
}

/// The VPN gateways that are attached to the VPC. The call has no pages.
async fn vpn_gateways(aws: &Aws, vpc_id: &str) -> Result<Vec<VpnGateway>> {
    let filter = Filter::builder().name("attachment.vpc-id").values(vpc_id);
    let call = aws.ec2().describe_vpn_gateways().filters(filter.build());
    let answer = call.send().await;
    let answer = answer.context("ec2:DescribeVpnGateways", vpc_id)?;
    let convert = |gateway: &aws_sdk_ec2::types::VpnGateway| {
        let own = gateway.vpc_attachments().iter();
        let attachment = own.filter(|a| a.vpc_id() == Some(vpc_id));
        let states = attachment.map(|a| a.state().map_or("attached", |s| s.as_str()));
        let state = states.into_iter().find(|state| *state != "detached")?;
        Some(VpnGateway {
            id: gateway.vpn_gateway_id()?.to_owned(),
            state: state.to_owned(),
        })
    };
    Ok(answer.vpn_gateways().iter().filter_map(convert).collect())
}

/// The interfaces of static addresses (spec 20, section 13).
async fn reserved_interfaces(aws: &Aws, vpc_id: &str) -> Result<Vec<ReservedInterface>> {
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let call = aws
        .ec2()
        .describe_network_interfaces()
        .filters(filter("vpc-id", vpc_id))
        .filters(filter("description", FLOATING_INTERFACE))
        .into_paginator()
        .items()
        .send();
    let filled = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(str::to_owned);
    let convert = |i: &aws_sdk_ec2::types::NetworkInterface| {
        let attachment = i.attachment();
        Some(ReservedInterface {
            id: i.network_interface_id()?.to_owned(),
            subnet_id: i.subnet_id()?.to_owned(),
            address: i.private_ip_address().unwrap_or("-").to_owned(),
            name: tags_of(i.tag_set()).remove(tag::NAME),
            instance_id: filled(attachment.and_then(|a| a.instance_id())),
            public_ip: filled(i.association().and_then(|a| a.public_ip())),
        })
    };
    let found = call.all("ec2:DescribeNetworkInterfaces", vpc_id).await?;
    Ok(found.iter().filter_map(convert).collect())
}
