//! The subnets that an environment will have, as far as that is known before it is made, and what must fit into them.
//! Environments span three zones; in a region with fewer, `create` decides by what it finds.

use crate::config::diagnostic::ConfigError;
use crate::config::{EnvironmentConfig, NatConfig, NtpConfig, VpcCidr};
use crate::network::{CidrChoice, MetaNetwork, bits_for, resolve_address, split};
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// Zones of an environment (spec 20, section 4.3).
const ZONES: usize = 3;

/// The subnets of a metanetwork. Those of an `auto` one have the right sizes but stand for any place in the VPC.
pub(super) struct Places {
    pub(super) subnets: Vec<Ipv4Net>,
    /// Where the metanetwork can be: its own block, or all that it is taken from.
    range: Ipv4Net,
    fixed: bool,
}

/// `None` if the metanetwork is not configured, or wrongly.
pub(super) fn places(config: &EnvironmentConfig, net: MetaNetwork) -> Option<Places> {
    let (space, vpc_prefix) = match config.vpc_cidr {
        VpcCidr::Static(cidr) => (cidr, cidr.prefix_len()),
        VpcCidr::FromSpace { space, size } => (space, size),
    };
    let (block, range, fixed) = match config.metanetworks.get(&net)?.cidr {
        CidrChoice::Static(block) => (block, block, true),
        CidrChoice::Auto => {
            let prefix = vpc_prefix.checked_add(bits_for(config.metanetworks.len()))?;
            let block = Ipv4Net::new(space.network(), prefix).ok()?;
            (block, space, false)
        }
    };
    let subnets = split(block, ZONES).ok()?;
    Some(Places {
        subnets,
        range,
        fixed,
    })
}

impl Places {
    /// True if an address or offset can be in the metanetwork.
    pub(super) fn may_hold(&self, net: MetaNetwork, text: &str) -> bool {
        match text.parse::<Ipv4Addr>() {
            Ok(address) if !self.fixed => self.range.contains(&address),
            _ => resolve_address(net, text, &self.subnets).is_ok(),
        }
    }

    /// How large the subnets are, for people.
    pub(super) fn size(&self) -> String {
        let addresses: u64 = self
            .subnets
            .iter()
            .map(|subnet| 1u64 << (32 - subnet.prefix_len()))
            .sum();
        format!("{ZONES} subnets with {addresses} addresses together")
    }
}

/// NAT addresses that are too many or too few, and a time server outside of its metanetwork. The places of the errors
/// are filled in by `at`, from the option.
pub(super) fn misfits(
    config: &EnvironmentConfig,
    at: impl Fn(&str) -> super::super::Location,
) -> Vec<ConfigError> {
    let mut found = Vec::new();
    for (net, own) in &config.metanetworks {
        let Some(NatConfig::Addresses(addresses)) = &own.nat else {
            continue;
        };
        if addresses.len() != ZONES {
            let text = format!(
                "{} elastic IPs for the {ZONES} subnets of metanetwork {net}",
                addresses.len()
            );
            let error = ConfigError::new(text).at(at(&format!("{net}_nat_gateways")));
            found.push(error.with_hint("list one address for each zone, or write `auto`"));
        }
    }
    if let NtpConfig::Offset {
        metanetwork,
        offset,
    } = &config.dhcp.ntp
        && let Some(places) = places(config, *metanetwork)
        && offset.parse::<i64>().is_ok()
        && !places.may_hold(*metanetwork, offset)
    {
        let text = format!(
            "`{offset}` leads out of metanetwork {metanetwork}: it has {}",
            places.size()
        );
        found.push(ConfigError::new(text).at(at("ntp_server_offset")));
    }
    found
}
