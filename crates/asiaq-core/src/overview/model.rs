//! The model of an environment, which is also its JSON form: the field names are the keys. Pure data.

use crate::aws::Tags;
use serde::Serialize;
use std::collections::BTreeMap;

/// What stands for a name that is not there.
pub(super) const NONE: &str = "-";

/// A VPC and all in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Environment {
    /// Tag `Name`; `-` if untagged.
    pub name: String,
    /// Tag `type`; `-` if untagged.
    #[serde(rename = "type")]
    pub env_type: String,
    /// VPC id.
    pub id: String,
    /// Region.
    pub region: String,
    /// Primary IPv4 block.
    pub cidr_block: String,
    /// All IPv4 blocks.
    pub cidr_blocks: Vec<String>,
    /// The region's default VPC.
    pub is_default: bool,
    /// Tags of the VPC.
    pub tags: Tags,
    /// Metanetworks in their order; subnets that are of none come last under the name `-`.
    pub metanetworks: Vec<Metanetwork>,
    /// Hosts whose address lies in no subnet of the VPC.
    pub unplaced_hosts: Vec<Host>,
    /// Attached internet gateways.
    pub internet_gateways: Vec<InternetGateway>,
    /// Attached VPN gateways.
    pub vpn_gateways: Vec<VpnGateway>,
    /// VPC endpoints.
    pub endpoints: Vec<Endpoint>,
    /// The DHCP options in force; null for the defaults of AWS.
    pub dhcp_options: Option<DhcpOptions>,
    /// Peering connections, by name of the other environment.
    pub peerings: Vec<Peering>,
    /// Groups, by hostclass.
    pub groups: Vec<Group>,
}

/// A metanetwork.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metanetwork {
    /// `intranet`, `tunnel`, `dmz`, `maintenance`, or `-`.
    pub name: String,
    /// The block that its subnets are cut from; null for `-` and without subnets.
    pub cidr_block: Option<String>,
    /// Its security group.
    pub security_group: Option<SecurityGroup>,
    /// Its subnets, by zone and address.
    pub subnets: Vec<Subnet>,
}

/// A security group.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SecurityGroup {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// What it lets in, in short: `tcp 22,8000-8010 from dmz, intranet`.
    pub ingress: Vec<String>,
}

/// A subnet.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Subnet {
    /// Id.
    pub id: String,
    /// Availability zone.
    pub zone: String,
    /// IPv4 block.
    pub cidr_block: String,
    /// The table that counts for it, which may be a shared one or the VPC's main one.
    pub route_table_id: Option<String>,
    /// Routes that leave the VPC or the subnet.
    pub routes: Vec<Route>,
    /// NAT gateways in it.
    pub nat_gateways: Vec<NatGateway>,
    /// Interfaces that reserve static addresses.
    pub interfaces: Vec<Interface>,
    /// Hosts, by hostclass and id.
    pub hosts: Vec<Host>,
}

/// Kinds of route targets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteTarget {
    /// Internet gateway.
    InternetGateway,
    /// NAT gateway.
    NatGateway,
    /// VPN gateway.
    VpnGateway,
    /// Peering connection.
    Peering,
    /// Gateway endpoint such as the one of S3.
    Endpoint,
    /// Instance.
    Instance,
    /// Network interface.
    Interface,
    /// Anything else, such as a transit gateway.
    #[default]
    Other,
}

/// A route.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Route {
    /// IPv4 block, or the service of an endpoint.
    pub destination: String,
    /// Kind of target.
    pub target: RouteTarget,
    /// Id of the target.
    pub target_id: String,
    /// The other environment of a peering, the public address of a NAT gateway.
    pub target_name: Option<String>,
    /// `active`, or `blackhole` if the target is gone.
    pub state: String,
    /// Learned from a VPN gateway.
    pub propagated: bool,
}

/// A NAT gateway.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NatGateway {
    /// Id.
    pub id: String,
    /// Such as `available`.
    pub state: String,
    /// Public address.
    pub public_ip: Option<String>,
}

/// An interface that reserves a static address.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Interface {
    /// Id.
    pub id: String,
    /// Address.
    pub private_ip: String,
    /// Elastic IP.
    pub public_ip: Option<String>,
    /// Hostclass that it is for, by its tag `Name`.
    pub hostclass: Option<String>,
    /// The instance that has it.
    pub instance_id: Option<String>,
}

/// A host.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Host {
    /// Instance id.
    pub instance_id: String,
    /// Tag `hostclass`.
    pub hostclass: Option<String>,
    /// Preferred private address.
    pub private_ip: Option<String>,
    /// Public address.
    pub public_ip: Option<String>,
    /// Such as `running`.
    pub state: String,
    /// Instance type.
    pub instance_type: String,
    /// Zone.
    pub availability_zone: String,
    /// Auto Scaling group.
    pub group_name: Option<String>,
}

/// An internet gateway.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct InternetGateway {
    /// Id.
    pub id: String,
}

/// A VPN gateway.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct VpnGateway {
    /// Id.
    pub id: String,
    /// State of its attachment.
    pub state: String,
}

/// A VPC endpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Endpoint {
    /// Id.
    pub id: String,
    /// Such as `com.amazonaws.us-west-2.s3`.
    pub service: String,
    /// `Gateway`, `Interface`, ...
    #[serde(rename = "type")]
    pub kind: String,
}

/// DHCP options.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DhcpOptions {
    /// Id.
    pub id: String,
    /// Values by key.
    pub options: BTreeMap<String, Vec<String>>,
}

/// A peering connection.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Peering {
    /// Id.
    pub id: String,
    /// Such as `active` or `pending-acceptance`.
    pub status: String,
    /// AWS' remark on the status.
    pub status_message: String,
    /// The side that asked.
    pub requester: PeeringSide,
    /// The side that accepts.
    pub accepter: PeeringSide,
    /// The side that is not this VPC.
    pub peer: PeeringSide,
}

/// One side of a peering connection.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PeeringSide {
    /// VPC id.
    pub vpc_id: String,
    /// Environment; `-` if the VPC is untagged or not ours to see.
    pub name: String,
    /// Type of the environment, or `-`.
    #[serde(rename = "type")]
    pub env_type: String,
    /// IPv4 block.
    pub cidr_block: Option<String>,
}

/// A group.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Group {
    /// Hostclass in its name.
    pub hostclass: String,
    /// Name.
    pub name: String,
    /// `asg` or `spot`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Fewest instances.
    pub min_size: i32,
    /// Instances wanted now.
    pub desired_capacity: i32,
    /// Most instances.
    pub max_size: i32,
    /// Metanetworks of its subnets.
    pub metanetworks: Vec<String>,
    /// AWS is deleting it.
    pub deleting: bool,
}

impl Environment {
    /// Zones of the subnets, in name order.
    pub(super) fn zones(&self) -> Vec<&str> {
        let subnets = self.metanetworks.iter().flat_map(|net| &net.subnets);
        let mut zones: Vec<&str> = subnets.map(|subnet| subnet.zone.as_str()).collect();
        zones.sort_unstable();
        zones.dedup();
        zones
    }
}

impl Host {
    /// The hostclass, or `-`.
    pub(super) fn class(&self) -> &str {
        self.hostclass.as_deref().unwrap_or(NONE)
    }
}

impl Metanetwork {
    /// The distinct routes of its subnets, each with the zones that have it: by destination, kind of target, zones.
    pub(super) fn routes(&self) -> Vec<(&Route, Vec<&str>)> {
        let mut zones: BTreeMap<&Route, Vec<&str>> = BTreeMap::new();
        for subnet in &self.subnets {
            for route in &subnet.routes {
                let own = zones.entry(route).or_default();
                if own.last() != Some(&subnet.zone.as_str()) {
                    own.push(&subnet.zone);
                }
            }
        }
        let mut routes: Vec<_> = zones.into_iter().collect();
        let block = |route: &Route| route.destination.parse::<ipnet::Ipv4Net>().ok();
        routes.sort_by_cached_key(|(route, zones)| {
            let block = block(route);
            (block.is_none(), block, route.target, zones.clone())
        });
        routes
    }

    /// Its zones, in name order.
    pub(super) fn zones(&self) -> Vec<&str> {
        let mut zones: Vec<&str> = self.subnets.iter().map(|s| s.zone.as_str()).collect();
        zones.dedup();
        zones
    }
}

impl Route {
    /// The target for people, without its id: `internet gateway`, `peering with qa`.
    pub(super) fn target_text(&self) -> String {
        let named = |kind: &str, word: &str| match &self.target_name {
            Some(name) => format!("{kind}{word}{name}"),
            None => kind.to_owned(),
        };
        match self.target {
            RouteTarget::InternetGateway => "internet gateway".to_owned(),
            RouteTarget::NatGateway => named("NAT gateway", " "),
            RouteTarget::VpnGateway => "VPN gateway".to_owned(),
            RouteTarget::Peering => named("peering", " with "),
            RouteTarget::Endpoint => "endpoint".to_owned(),
            RouteTarget::Instance => "instance".to_owned(),
            RouteTarget::Interface => "interface".to_owned(),
            RouteTarget::Other => "other".to_owned(),
        }
    }

    /// True if the target is gone.
    pub(super) fn is_blackhole(&self) -> bool {
        self.state == "blackhole"
    }
}

/// Last part of a service's name: `s3` of `com.amazonaws.us-west-2.s3`.
pub(super) fn short_service(service: &str) -> &str {
    service.rsplit('.').next().unwrap_or(service)
}
