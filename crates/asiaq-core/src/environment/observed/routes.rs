//! Route tables as AWS has them.

use super::{net_of, vpc_filter};
use crate::aws::{Aws, Pages, tags_of};
use crate::error::Result;
use crate::names::tag;
use crate::network::MetaNetwork;
use ipnet::Ipv4Net;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A route table and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::environment) struct RouteTable {
    pub(in crate::environment) id: String,
    pub(in crate::environment) vpc_id: String,
    pub(in crate::environment) net: Option<MetaNetwork>,
    /// Tag `subnet`: the zone. Absent on the shared tables of old environments.
    pub(in crate::environment) zone: Option<String>,
    pub(in crate::environment) main: bool,
    /// Subnet id → association id.
    pub(in crate::environment) associations: BTreeMap<String, String>,
    pub(in crate::environment) routes: Vec<Route>,
    /// VPN gateways that announce their routes to it, also when they announce nothing at the moment.
    pub(in crate::environment) propagating: BTreeSet<String>,
}

/// A route with an IPv4 destination, `local` ones left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::environment) struct Route {
    pub(in crate::environment) destination: Ipv4Net,
    pub(in crate::environment) target: Target,
    /// Learned from a VPN gateway: not ours to change.
    pub(in crate::environment) propagated: bool,
    /// Its target does not exist any more.
    pub(in crate::environment) blackhole: bool,
}

/// Where a route leads: an id, in plans also the logical name of what is yet to be made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Internet or VPN gateway.
    Gateway(String),
    /// NAT gateway.
    Nat(String),
    /// Peering connection.
    Peering(String),
    /// Instance.
    Instance(String),
    /// Network interface.
    Interface(String),
    /// Something that Asiaq does not make, such as a transit gateway.
    Other(String),
}

impl Target {
    /// The id or logical name.
    pub fn key(&self) -> &str {
        match self {
            Self::Gateway(key)
            | Self::Nat(key)
            | Self::Peering(key)
            | Self::Instance(key)
            | Self::Interface(key)
            | Self::Other(key) => key,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// All route tables of a VPC, the main one included.
pub(in crate::environment) async fn route_tables(
    aws: &Aws,
    vpc_id: &str,
) -> Result<Vec<RouteTable>> {
    let call = aws
        .ec2()
        .describe_route_tables()
        .filters(vpc_filter(vpc_id))
        .into_paginator()
        .items()
        .send();
    Ok(call
        .all("ec2:DescribeRouteTables", vpc_id)
        .await?
        .into_iter()
        .filter_map(|table| convert(&table))
        .collect())
}

/// Our view of a table; `None` for an answer without id.
pub(in crate::environment) fn convert(
    table: &aws_sdk_ec2::types::RouteTable,
) -> Option<RouteTable> {
    let tags = tags_of(table.tags());
    let association = |a: &aws_sdk_ec2::types::RouteTableAssociation| {
        Some((
            a.subnet_id()?.to_owned(),
            a.route_table_association_id()?.to_owned(),
        ))
    };
    Some(RouteTable {
        id: table.route_table_id()?.to_owned(),
        vpc_id: table.vpc_id().unwrap_or_default().to_owned(),
        net: net_of(&tags),
        zone: tags.get(tag::SUBNET).cloned(),
        main: table
            .associations()
            .iter()
            .any(|a| a.main().unwrap_or(false)),
        associations: table
            .associations()
            .iter()
            .filter_map(association)
            .collect(),
        routes: table.routes().iter().filter_map(route).collect(),
        propagating: table
            .propagating_vgws()
            .iter()
            .filter_map(|gateway| gateway.gateway_id().map(str::to_owned))
            .collect(),
    })
}

fn route(route: &aws_sdk_ec2::types::Route) -> Option<Route> {
    let filled = |id: Option<&str>| id.filter(|id| !id.is_empty()).map(str::to_owned);
    let gateway = filled(route.gateway_id());
    if gateway.as_deref() == Some("local") {
        return None;
    }
    let other = [
        route.transit_gateway_id(),
        route.egress_only_internet_gateway_id(),
        route.local_gateway_id(),
        route.carrier_gateway_id(),
        route.core_network_arn(),
    ];
    let target = gateway
        .map(Target::Gateway)
        .or_else(|| filled(route.nat_gateway_id()).map(Target::Nat))
        .or_else(|| filled(route.vpc_peering_connection_id()).map(Target::Peering))
        // A route to an instance names both; by the instance it cannot be made again if that has several interfaces.
        .or_else(|| filled(route.network_interface_id()).map(Target::Interface))
        .or_else(|| filled(route.instance_id()).map(Target::Instance))
        .unwrap_or_else(|| {
            Target::Other(other.into_iter().find_map(filled).unwrap_or("-".to_owned()))
        });
    Some(Route {
        destination: route.destination_cidr_block()?.parse().ok()?,
        target,
        propagated: route
            .origin()
            .is_some_and(|o| o.as_str() == "EnableVgwRoutePropagation"),
        blackhole: route.state().is_some_and(|s| s.as_str() == "blackhole"),
    })
}
