//! Pure network rules: metanetworks, CIDR allocation, address offsets, and the grammars of security
//! group rules, gateway routes and peering lines (spec 20, section 4).
//!
//! Nothing here talks to AWS, reads files or keeps state. Problems are plain texts; the caller knows
//! the file, section and key they belong to.

mod address;
mod cidr;
mod ingress;
pub mod listener;
pub mod lists;
mod metanetwork;
mod nat;
mod peering;
mod route;
mod rule;

pub use address::{resolve_address, subnet_containing};
pub use cidr::{
    CidrChoice, allocate_metanetworks, allocate_vpc, bits_for, enclosing, free_block, overlap,
    parse_cidr, parse_cidr4, split,
};
pub use ingress::{Grant, Peer, desired_grants, diff_grants};
pub use metanetwork::MetaNetwork;
pub use nat::{PairedAddress, pair_addresses};
pub use peering::{
    PeeringCandidate, PeeringConnection, PeeringEnd, PeeringEndpoint, PeeringLine, PeeringLink,
    resolve_peerings,
};
pub use route::{RouteDiff, desired_routes, diff_routes, parse_routes};
pub use rule::{PortRange, Protocol, Rule, Source};

/// A problem with a piece of configuration text, without its location. Callers attach file, section and key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct GrammarError(pub String);
