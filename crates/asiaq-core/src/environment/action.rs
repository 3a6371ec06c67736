//! The changes that create and update make to an environment, as data.

mod database;
mod endpoint;
mod layout;
mod nat;
mod peering;
mod topic;
mod vpn;

pub use database::DatabaseAction;
pub use endpoint::EndpointAction;
pub use layout::LayoutAction;
pub use nat::{AddressSource, HeldAddress, NatAction};
pub use peering::{PeeringAction, PeeringParty};
pub use topic::TopicAction;
pub use vpn::VpnAction;

use super::observed::{GroupRef, Target};
use crate::aws::Tags;
use crate::network::{Grant, MetaNetwork};
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// One change to an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Create the VPC with its tags and wait until it is available.
    CreateVpc {
        /// Environment.
        name: String,
        /// Block.
        cidr: Ipv4Net,
        /// The block was chosen at random: give it up if another VPC has it too.
        random: bool,
        /// Tags.
        tags: Tags,
    },
    /// Switch DNS support on.
    EnableDnsSupport,
    /// Switch DNS host names on.
    EnableDnsHostnames,
    /// Create a metanetwork's security group.
    CreateSecurityGroup {
        /// Metanetwork.
        net: MetaNetwork,
        /// Group name.
        name: String,
        /// Tags.
        tags: Tags,
    },
    /// Create a subnet.
    CreateSubnet {
        /// Metanetwork.
        net: MetaNetwork,
        /// Zone.
        zone: String,
        /// Block.
        cidr: Ipv4Net,
        /// Tags.
        tags: Tags,
    },
    /// Create a route table.
    CreateRouteTable {
        /// Metanetwork.
        net: MetaNetwork,
        /// Zone.
        zone: String,
        /// Tags.
        tags: Tags,
    },
    /// Associate a table with a subnet, both by logical name.
    AssociateRouteTable {
        /// Table.
        table: String,
        /// Subnet.
        subnet: String,
        /// Association with another table that goes first.
        replace: Option<String>,
    },
    /// Add ingress grants to a metanetwork's group.
    Authorize {
        /// Metanetwork.
        net: MetaNetwork,
        /// Grants.
        grants: Vec<Grant<GroupRef>>,
        /// What is revoked afterwards, or before if the group would otherwise be too full.
        outdated: Vec<Grant<GroupRef>>,
        /// How many grants the group shall have in the end.
        wanted: usize,
    },
    /// Revoke ingress grants.
    Revoke {
        /// Metanetwork.
        net: MetaNetwork,
        /// Grants.
        grants: Vec<Grant<GroupRef>>,
    },
    /// Create the internet gateway.
    CreateInternetGateway {
        /// Tags.
        tags: Tags,
    },
    /// Attach it to the VPC.
    AttachInternetGateway,
    /// Change one route.
    Route {
        /// What to do.
        operation: RouteOperation,
        /// Table, by logical name.
        table: String,
        /// Destination.
        destination: Ipv4Net,
        /// Where it leads, or led: logical name or id.
        target: Target,
    },
    /// Create a DHCP options set.
    CreateDhcp {
        /// Options in order.
        options: Vec<(String, Vec<String>)>,
        /// Tags.
        tags: Tags,
    },
    /// Put a set in force: an existing one, else the one just created.
    AssociateDhcp {
        /// Id of the existing set.
        existing: Option<String>,
    },
    /// Delete a set that is not in force.
    DeleteDhcp {
        /// Id.
        id: String,
    },
    /// Reserve an address.
    CreateInterface {
        /// Metanetwork.
        net: MetaNetwork,
        /// Zone.
        zone: String,
        /// Address.
        address: Ipv4Addr,
        /// Hostclass it is for.
        hostclass: String,
    },
    /// The layout of route tables.
    Layout(LayoutAction),
    /// NAT gateways and their addresses.
    Nat(NatAction),
    /// The VPN gateway.
    Vpn(VpnAction),
    /// The S3 endpoint.
    Endpoint(EndpointAction),
    /// Peering connections.
    Peering(PeeringAction),
    /// Notification topics.
    Topic(TopicAction),
    /// Databases.
    Database(DatabaseAction),
}

/// What to do with a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteOperation {
    /// Create; becomes a replacement if the destination has a route meanwhile.
    Create,
    /// Point elsewhere.
    Replace,
    /// Delete.
    Delete,
}
