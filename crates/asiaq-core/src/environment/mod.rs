//! Environments: a VPC and all in it.
//!
//! `vpc` finds environments, `observed` reads one, `desired` computes what the configuration asks for (pure),
//! `changes` compares the two into a plan (pure), `apply` executes it, `destroy` takes everything down, `peering`
//! connects environments. `network` is the small view that other capabilities use, `contents` the full one of
//! `overview`. Nothing here prints or decides on options of the command line.

mod action;
mod address;
mod apply;
mod changes;
pub mod contents;
mod create;
mod desired;
mod destroy;
mod instance_route;
mod interface;
mod network;
mod observed;
pub mod peering;
mod range;
mod services;
mod sources;
#[cfg(test)]
mod testing;
mod vpc;

pub use action::Action;
pub use address::{AddressAction, apply_addresses, plan_allocate, plan_release};
pub use create::{Create, Planned, only, plan_create, plan_update, plan_update_of};
pub use destroy::{DestroyAction, Destruction, plan_destroy, plan_destroy_of};
pub use instance_route::{InstanceRoute, delete_instance_route, instance_routes};
pub use interface::{InterfaceRequest, create_interface, find_interfaces};
pub use network::{Network, NetworkPlace, Site, network_of, site_of};
pub use observed::{Address, Peering, PeeringSide, Subnet, Target, addresses, peerings, zones};
pub use range::create;
pub use sources::Sources;
pub use vpc::{Selector, Vpc, find, list, select};
