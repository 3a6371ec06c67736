//! Changes to peering connections, their routes and rules, as data. VPCs, tables, groups and connections are ids, or
//! the logical names of what the same plan makes.

use crate::aws::Tags;
use crate::environment::observed::GroupRef;
use crate::network::Grant;
use ipnet::Ipv4Net;

/// One change to peering connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeeringAction {
    /// Create a connection, unless one exists, accept it and wait until it is active.
    Connect {
        /// Logical name that the connection's id is known by afterwards.
        key: String,
        /// The side that asks.
        requester: PeeringParty,
        /// The side that accepts.
        accepter: PeeringParty,
        /// Id of a connection that is not active yet.
        existing: Option<String>,
        /// Tags of a new one.
        tags: Tags,
    },
    /// Lead a destination to a connection, whatever its route was.
    SetRoute {
        /// Table.
        table: String,
        /// Destination.
        destination: Ipv4Net,
        /// Connection.
        connection: String,
    },
    /// Delete a route.
    DeleteRoute {
        /// Table.
        table: String,
        /// Destination.
        destination: Ipv4Net,
        /// Connection that it leads to.
        connection: String,
    },
    /// Let everything from a network into a security group.
    Authorize {
        /// Group.
        group: String,
        /// Network.
        cidr: Ipv4Net,
        /// Description by which the rule is found again.
        description: String,
    },
    /// Revoke rules that belong to a peering.
    Revoke {
        /// Group.
        group: String,
        /// Rules.
        grants: Vec<Grant<GroupRef>>,
    },
    /// Delete a connection.
    Delete {
        /// Connection id.
        id: String,
    },
}

/// One side of a connection that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeeringParty {
    /// The VPC.
    pub vpc: String,
    /// Its environment.
    pub name: String,
    /// Its networks, for messages.
    pub blocks: String,
}

impl std::fmt::Display for PeeringParty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, self.blocks)
    }
}
