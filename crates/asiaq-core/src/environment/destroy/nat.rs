//! NAT gateways of a VPC that goes, and the addresses that were allocated for them (spec 20, section 9). Pure.
//!
//! Deleted gateways, which AWS lists for about an hour, tell of addresses that an interrupted run has not released.

use super::DestroyAction;
use super::contents::Contents;
use crate::environment::observed::{Address, Subnet};
use crate::names::tag;
use crate::plan::{Plan, Sign};

/// The release of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The address, for messages.
    pub address: String,
    /// Its allocation.
    pub allocation: String,
    /// Interface of the NAT gateway that held it: an association with it is stale, any other one is in use.
    pub interface: Option<String>,
}

/// Adds the deletion of the gateways and the release of the automatic addresses. Given addresses are kept.
pub(super) fn plan(plan: &mut Plan<DestroyAction>, contents: &Contents) {
    let mut released = Vec::new();
    for gateway in &contents.nat_gateways {
        let subnet = contents.subnets.iter().find(|s| s.id == gateway.subnet_id);
        let id = format!("nat/{}", gateway.id);
        if !gateway.is_deleted() {
            let place = subnet.map_or_else(|| gateway.subnet_id.clone(), place);
            plan.push(
                &id,
                [""; 0],
                Sign::Remove,
                format!("NAT gateway {place} {}", gateway.id),
                DestroyAction::DeleteNat(gateway.id.clone()),
            );
        }
        let address = contents.addresses.iter().find(|address| {
            Some(&address.allocation_id) == gateway.allocation_id.as_ref()
                && (!gateway.is_deleted() || is_stale(address, gateway.interface.as_deref()))
        });
        // A run that was killed has tagged the address, but perhaps not yet the subnet.
        // The tag means one gateway. If AWS lists several in the subnet, the address must say so itself.
        let siblings = contents.nat_gateways.iter();
        let alone = siblings
            .filter(|g| g.subnet_id == gateway.subnet_id)
            .count()
            == 1;
        let of_subnet = alone && subnet.is_some_and(|s| s.tags.contains_key(tag::DYNONAT));
        if let Some(address) = address.filter(|address| of_subnet || is_automatic(address)) {
            release(plan, &mut released, address, &id, gateway.interface.clone());
        }
    }
    // Allocated by a run that was interrupted before it made the gateway.
    if let Some(env) = &contents.named.env {
        let left = |address: &&Address| {
            is_automatic(address)
                && address.tags.get(tag::ENVIRONMENT) == Some(env)
                && address.association_id.is_none()
        };
        for address in contents.addresses.iter().filter(left) {
            release(plan, &mut released, address, "", None);
        }
    }
}

fn is_automatic(address: &Address) -> bool {
    address.tags.get(tag::DYNAMIC).is_some_and(|v| v == "true")
}

fn place(subnet: &Subnet) -> String {
    let net = subnet.net.map_or("-", |net| net.as_str());
    format!("{net} {}", subnet.zone)
}

/// Nothing uses the address, or only what is left of the gateway.
pub(super) fn is_stale(address: &Address, interface: Option<&str>) -> bool {
    address.association_id.is_none()
        || (interface.is_some() && address.network_interface_id.as_deref() == interface)
}

fn release(
    plan: &mut Plan<DestroyAction>,
    released: &mut Vec<String>,
    address: &Address,
    gateway: &str,
    interface: Option<String>,
) {
    if released.contains(&address.allocation_id) {
        return;
    }
    released.push(address.allocation_id.clone());
    let action = Release {
        address: address.public_ip.to_string(),
        allocation: address.allocation_id.clone(),
        interface,
    };
    let needs: Vec<&str> = Some(gateway)
        .filter(|id| !id.is_empty())
        .into_iter()
        .collect();
    plan.push(
        format!("address/{}", address.allocation_id),
        needs,
        Sign::Remove,
        format!("address {} {}", address.public_ip, address.allocation_id),
        DestroyAction::ReleaseAddress(action),
    );
}
