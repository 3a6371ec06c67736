//! The load balancer of a hostclass with its group: what `disco_elb` does, and what spindown and provisioning share.

use crate::aws::Tags;
use crate::balancer::BalancerSpec;
use crate::config::HostclassConfig;
use crate::environment::{Network, Vpc};
use crate::error::{Error, Result};
use std::net::Ipv4Addr;

/// What a hostclass wants of its balancer in an environment. `addresses` are its static addresses: they pin the balancer to
/// their subnets, unless `elb_meta_network` says otherwise. `tags` are more tags for target groups.
///
/// # Errors
/// The environment lacks the metanetwork; an address lies in no subnet of it.
pub fn balancer_spec(
    vpc: &Vpc,
    network: &Network,
    hostclass: &HostclassConfig,
    addresses: &[Ipv4Addr],
    testing: bool,
    tags: Tags,
) -> Result<BalancerSpec> {
    let options = &hostclass.balancer;
    let net = options.meta_network.unwrap_or(hostclass.meta_network);
    let place = network.place(net)?;
    let mut subnets: Vec<String> = Vec::new();
    if options.meta_network.is_none() && !addresses.is_empty() {
        for address in addresses {
            let subnet = place.subnet_of(*address).ok_or_else(|| {
                Error::not_found(format!("no subnet of metanetwork {net} contains {address}"))
            })?;
            if !subnets.contains(&subnet.id) {
                subnets.push(subnet.id.clone());
            }
        }
    } else {
        subnets.extend(place.subnets.iter().map(|subnet| subnet.id.clone()));
    }
    let mut zones: Vec<String> = place
        .subnets
        .iter()
        .filter(|subnet| subnets.contains(&subnet.id))
        .map(|subnet| subnet.zone.clone())
        .collect();
    zones.sort();
    zones.dedup();
    Ok(BalancerSpec {
        env: vpc.name.clone(),
        hostclass: hostclass.name.clone(),
        testing,
        options: options.clone(),
        domain: hostclass.domain_name.clone(),
        vpc_id: vpc.id.clone(),
        subnets,
        zones,
        security_group: place.security_group_id.clone(),
        product_line: hostclass.product_line.clone(),
        tags,
    })
}
