//! Changes to NAT gateways, as data.

use crate::aws::Tags;
use crate::network::MetaNetwork;
use std::net::Ipv4Addr;

/// One change to NAT gateways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NatAction {
    /// Create a NAT gateway in a subnet and wait until it works.
    Create {
        /// Metanetwork.
        net: MetaNetwork,
        /// Zone.
        zone: String,
        /// Tags of the gateway, and of an address that is allocated for it.
        tags: Tags,
        /// Its address.
        source: AddressSource,
    },
    /// Wait until a NAT gateway that is being made works.
    Await {
        /// Metanetwork.
        net: MetaNetwork,
        /// Zone.
        zone: String,
        /// Its id.
        gateway: String,
    },
    /// Delete a NAT gateway and wait until it is gone and its address is free.
    Delete {
        /// Metanetwork.
        net: MetaNetwork,
        /// Zone.
        zone: String,
        /// Its id.
        gateway: String,
        /// It is being deleted already: only wait.
        deleting: bool,
        /// Allocation of its address.
        allocation: Option<String>,
        /// Give the address back. Tags that it lacks are set before, so that a run that dies does not lose it.
        release: Option<Tags>,
    },
    /// Give an address back that an interrupted run left.
    Release(HeldAddress),
    /// Mark or unmark a subnet whose NAT gateway has an automatic address.
    MarkSubnet {
        /// Metanetwork.
        net: MetaNetwork,
        /// Zone.
        zone: String,
        /// Mark it.
        automatic: bool,
    },
    /// An address that was allocated for a NAT gateway is now listed in the configuration: it is kept from now on.
    Adopt(HeldAddress),
    /// Delete a default route, if it leads to a NAT gateway.
    DeleteRoute {
        /// Table, by logical name.
        table: String,
    },
}

/// Where the address of a new NAT gateway comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressSource {
    /// Listed in the configuration.
    Given(HeldAddress),
    /// Automatic: allocated now.
    Allocated,
    /// Automatic: allocated by a run that was interrupted.
    Left(HeldAddress),
}

/// An elastic IP of this account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldAddress {
    /// The address.
    pub public_ip: Ipv4Addr,
    /// Its allocation.
    pub allocation_id: String,
    /// An association with a NAT gateway that is gone.
    pub stale: bool,
}
