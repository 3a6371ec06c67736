//! The changes that create and update make to an environment, as data.

use super::observed::GroupRef;
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
    /// Change one gateway route.
    Route {
        /// What to do.
        operation: RouteOperation,
        /// Table, by logical name.
        table: String,
        /// Destination.
        destination: Ipv4Net,
        /// Gateway: logical name or id.
        gateway: String,
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
