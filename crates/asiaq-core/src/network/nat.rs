//! Which elastic IP goes to which zone of a metanetwork with NAT gateways (spec 20, section 4.9). Whether an address
//! exists and what uses it is not looked at here.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The address of one zone's NAT gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairedAddress {
    /// The zone.
    pub zone: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Whether the zone's present NAT gateway has this address, so that it stays.
    pub kept: bool,
}

/// Pairs the listed addresses with zones. `current` has every zone, with the address of its present NAT gateway.
///
/// A zone whose address is listed keeps it, wherever it stands in the list: existing environments were paired in an
/// order that nobody remembers. The remaining addresses go, in list order, to the remaining zones in name order.
pub fn pair_addresses(
    listed: &[Ipv4Addr],
    current: &BTreeMap<String, Option<Ipv4Addr>>,
) -> Vec<PairedAddress> {
    let mut free = listed.to_vec();
    let mut kept = BTreeMap::new();
    for (zone, address) in current {
        let place = address.and_then(|own| free.iter().position(|other| *other == own));
        if let Some(place) = place {
            kept.insert(zone, free.remove(place));
        }
    }
    let mut free = free.into_iter();
    let pair = |zone: &String| {
        let present = kept.get(zone).copied();
        Some(PairedAddress {
            zone: zone.clone(),
            address: present.or_else(|| free.next())?,
            kept: present.is_some(),
        })
    };
    current.keys().filter_map(pair).collect()
}

#[cfg(test)]
mod tests;
