//! Addresses within a metanetwork: offsets such as `+5` and `-2`, and the subnet of an address
//! (spec 20, section 4.5; spec 40, section 4.7).
//!
//! Network, broadcast and the addresses that AWS reserves count as inside. AWS refuses them itself.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{GrammarError, MetaNetwork};

/// The address that `text` means in a metanetwork with the given subnets (in any order).
///
/// `text` is an absolute IPv4 address or a signed integer. N >= 0 counts from the first address of
/// the lowest subnet. N < 0 counts back from the last address of the highest one, so -1 is the last
/// usable address. The result must lie in one of the subnets.
pub fn resolve_address(
    net: MetaNetwork,
    text: &str,
    subnets: &[Ipv4Net],
) -> Result<Ipv4Addr, GrammarError> {
    let text = text.trim();
    text.parse::<Ipv4Addr>()
        .ok()
        .or_else(|| at_offset(text.parse().ok()?, subnets))
        .filter(|address| subnet_containing(*address, subnets).is_some())
        .ok_or_else(|| GrammarError(format!("IP {text} is not in Metanetwork ({net}) range")))
}

/// The address at a signed offset, or `None` if there are no subnets or it leaves the address space.
fn at_offset(offset: i64, subnets: &[Ipv4Net]) -> Option<Ipv4Addr> {
    let base = if offset < 0 {
        subnets.iter().map(Ipv4Net::broadcast).max()?
    } else {
        subnets.iter().map(Ipv4Net::network).min()?
    };
    let address = i64::from(u32::from(base)).checked_add(offset)?;
    u32::try_from(address).ok().map(Ipv4Addr::from)
}

/// The position of the subnet that contains `address`, if any does.
pub fn subnet_containing(address: Ipv4Addr, subnets: &[Ipv4Net]) -> Option<usize> {
    subnets.iter().position(|subnet| subnet.contains(&address))
}

#[cfg(test)]
mod tests;
