//! Changes that give metanetworks of the old layout, with one route table for all zones, a table per subnet, as data.

use super::super::observed::Target;
use crate::aws::Tags;
use crate::network::MetaNetwork;
use ipnet::Ipv4Net;

/// One change to the layout of route tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayoutAction {
    /// Give a zone its own table with the routes of the shared one.
    Split {
        /// Metanetwork.
        net: MetaNetwork,
        /// Zone.
        zone: String,
        /// Tags of the table, if it is yet to be made.
        create: Option<Tags>,
        /// Routes to copy.
        routes: Vec<(Ipv4Net, Target)>,
        /// VPN gateways whose routes the shared table learns.
        propagating: Vec<String>,
    },
    /// Delete the shared table, which no subnet uses any more.
    DeleteShared {
        /// Its id.
        table: String,
    },
    /// Add tags that a subnet lacks.
    TagSubnet {
        /// Metanetwork.
        net: MetaNetwork,
        /// Zone.
        zone: String,
        /// The tags.
        tags: Tags,
    },
}
