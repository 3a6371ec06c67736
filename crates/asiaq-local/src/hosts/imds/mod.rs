//! The metadata service of a host (IMDSv2): its identity, tags, user data and test credentials at 169.254.169.254.
//!
//! The supervisor keeps the [`Identity`] of each host up to date from `DescribeInstances` and serves it on a socket in the
//! host's network.

mod identity;
mod observe;
mod paths;
mod rules;
mod server;
mod service;
mod token;

pub use identity::{Identity, Interface, PublicKey};
pub(crate) use service::{Metadata, Service, Serving};

/// Where hosts expect it.
pub const ADDRESS: std::net::SocketAddrV4 =
    std::net::SocketAddrV4::new(std::net::Ipv4Addr::new(169, 254, 169, 254), 80);
