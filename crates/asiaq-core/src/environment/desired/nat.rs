//! Checks of NAT gateways against what exists: the listed addresses, and the zones that routes need. Pure.

use super::super::observed::{Address, Observed};
use super::DesiredNet;
use crate::config::{ConfigError, ConfigErrors, Location, NatConfig};
use crate::network::MetaNetwork;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Checks the addresses of all metanetworks. The errors name the option, not yet its place in the file.
pub(super) fn check(
    nets: &BTreeMap<MetaNetwork, DesiredNet>,
    observed: &Observed,
) -> Result<(), ConfigErrors> {
    let mut problems = Vec::new();
    for (net, own) in nets {
        let Some(NatConfig::Addresses(listed)) = &own.nat else {
            continue;
        };
        let place = Location {
            key: Some(format!("{net}_nat_gateways")),
            ..Location::default()
        };
        let found = listed
            .iter()
            .filter_map(|address| problem_of(*address, nets, observed))
            .chain(wrong_count(*net, listed.len(), own.subnets.len()));
        problems.extend(found.map(|error| error.at(place.clone())));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(ConfigErrors(problems))
    }
}

fn wrong_count(net: MetaNetwork, addresses: usize, subnets: usize) -> Option<ConfigError> {
    (addresses != subnets).then(|| {
        ConfigError::new(format!(
            "{addresses} elastic IPs are listed, but metanetwork {net} has {subnets} subnets"
        ))
        .with_hint("list one elastic IP for each zone, or write `auto`")
    })
}

/// What is wrong with a listed address.
fn problem_of(
    ip: Ipv4Addr,
    nets: &BTreeMap<MetaNetwork, DesiredNet>,
    observed: &Observed,
) -> Option<ConfigError> {
    let known = &observed.beside.addresses;
    let Some(address) = known.iter().find(|own| own.public_ip == ip) else {
        return Some(
            ConfigError::new(format!("Couldn't find Elastic IP: {ip}"))
                .with_hint("`disco_eip list` shows the elastic IPs of this region"),
        );
    };
    address.association_id.as_ref()?;
    if ours(address, nets, observed) {
        return None;
    }
    let user = address
        .instance_id
        .as_deref()
        .or(address.network_interface_id.as_deref())
        .unwrap_or("something else");
    Some(
        ConfigError::new(format!("elastic IP {ip} is in use by {user}"))
            .with_hint("take it away from there, or list another one"),
    )
}

/// Whether a NAT gateway that we manage has the address, or one that is gone had it.
fn ours(address: &Address, nets: &BTreeMap<MetaNetwork, DesiredNet>, observed: &Observed) -> bool {
    let managed = |subnet_id: &str| {
        let subnet = observed.subnets.iter().find(|s| s.id == subnet_id);
        let net = subnet.and_then(|s| s.net);
        net.is_some_and(|net| nets.contains_key(&net))
    };
    let gateways = observed.nat_gateways.iter();
    let present = gateways.filter(|g| !g.private).find(|g| g.has(address));
    // A gateway that failed or is gone does not hold it any more: an instance may have it by now.
    let free = address.instance_id.is_none();
    match present {
        Some(gateway) => managed(&gateway.subnet_id) && (gateway.state != "failed" || free),
        None => free && observed.past_nat_gateways.iter().any(|g| g.has(address)),
    }
}

/// Zones whose default route has no NAT gateway to lead to, since the other metanetwork has no subnet there.
pub(super) fn warnings(nets: &BTreeMap<MetaNetwork, DesiredNet>) -> Vec<String> {
    let mut warnings = Vec::new();
    for (source, own) in nets {
        let Some(target) = own.nat_route else {
            continue;
        };
        for (zone, _) in &own.subnets {
            let there = nets
                .get(&target)
                .is_some_and(|net| net.subnets.iter().any(|(other, _)| other == zone));
            if !there {
                warnings.push(format!(
                    "metanetwork {source} gets no NAT route in {zone}: metanetwork {target} has no subnet there"
                ));
            }
        }
    }
    warnings
}

#[cfg(test)]
mod tests;
