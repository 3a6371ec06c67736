//! Checks across the options of one environment, made before anything is created (spec 20, sections 4.2 and
//! 4.7 to 4.11). Reads no options itself; problems go to the reader, each at the option it concerns.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::environment::Reader;
use super::{MetaNetworkConfig, NatConfig, NtpConfig, VpcCidr, net_key};
use crate::network::{CidrChoice, MetaNetwork, Source, bits_for};

/// The largest VPC that AWS allows, as a prefix length.
const LARGEST_VPC: u8 = 16;
/// The smallest VPC and subnet that AWS allows, as a prefix length.
const SMALLEST_NET: u8 = 28;
/// How many availability zones an environment spans.
const ZONES: usize = 3;

/// The options that are checked against each other.
pub(super) struct Parts<'a> {
    /// The network of the VPC, if it could be read.
    pub(super) vpc: Option<VpcCidr>,
    /// The configured metanetworks.
    pub(super) nets: &'a BTreeMap<MetaNetwork, MetaNetworkConfig>,
    /// Whether the networks of all metanetworks could be read.
    pub(super) all_networks_known: bool,
    /// NAT routes as (source, metanetwork of the NAT gateway).
    pub(super) nat_routes: &'a [(MetaNetwork, MetaNetwork)],
    /// The time servers.
    pub(super) ntp: &'a NtpConfig,
}

/// Records everything that does not fit together.
pub(super) fn check(reader: &mut Reader<'_>, parts: &Parts<'_>) {
    let vpc_prefix = parts.vpc.and_then(|vpc| vpc_size(reader, vpc));
    if parts.nets.is_empty() {
        // That is the problem; what names a metanetwork would only repeat it.
        return;
    }
    static_networks(reader, parts, vpc_prefix);
    if let Some(prefix) = vpc_prefix.filter(|_| parts.all_networks_known) {
        auto_networks(reader, parts, prefix);
    }
    sources(reader, parts);
    gateway_routes(reader, parts);
    nat_addresses(reader, parts);
    nat_routes(reader, parts);
    if let NtpConfig::Offset { metanetwork, .. } = parts.ntp
        && !parts.nets.contains_key(metanetwork)
    {
        reader.wrong(
            "ntp_server_metanetwork",
            not_configured(*metanetwork, parts),
        );
    }
}

/// The prefix length of the VPC, or `None` after a problem with it.
fn vpc_size(reader: &mut Reader<'_>, vpc: VpcCidr) -> Option<u8> {
    let (key, prefix) = match vpc {
        VpcCidr::Static(cidr) => ("vpc_cidr", cidr.prefix_len()),
        VpcCidr::FromSpace { size, .. } => ("vpc_cidr_size", size),
    };
    if !(LARGEST_VPC..=SMALLEST_NET).contains(&prefix) {
        reader.wrong(
            key,
            format!("a VPC of size /{prefix} is not possible: AWS allows /{LARGEST_VPC} to /{SMALLEST_NET}"),
        );
        return None;
    }
    if let VpcCidr::FromSpace { space, size } = vpc
        && size < space.prefix_len()
    {
        reader.wrong(
            key,
            format!("a VPC of size /{size} does not fit into ip_space {space}"),
        );
        return None;
    }
    Some(prefix)
}

/// Fixed networks lie inside the VPC, can be cut into one subnet for each zone, and do not overlap.
fn static_networks(reader: &mut Reader<'_>, parts: &Parts<'_>, vpc_prefix: Option<u8>) {
    let mut seen: Vec<(MetaNetwork, Ipv4Net)> = Vec::new();
    for (net, cidr) in statics(parts) {
        let key = net_key(net, "cidr");
        match parts.vpc {
            Some(VpcCidr::Static(vpc)) if !vpc.contains(&cidr) => {
                reader.wrong(
                    &key,
                    format!("{cidr} of metanetwork {net} lies outside of vpc_cidr {vpc}"),
                );
            }
            Some(VpcCidr::FromSpace { space, .. }) if !space.contains(&cidr) => {
                reader.wrong(
                    &key,
                    format!("{cidr} of metanetwork {net} lies outside of ip_space {space}"),
                );
            }
            _ => {
                if let Some(prefix) = vpc_prefix.filter(|prefix| cidr.prefix_len() < *prefix) {
                    reader.wrong(
                        &key,
                        format!(
                            "{cidr} of metanetwork {net} is larger than a VPC of size /{prefix}"
                        ),
                    );
                }
            }
        }
        for (other, theirs) in &seen {
            if cidr.contains(theirs) || theirs.contains(&cidr) {
                reader.wrong(
                    &key,
                    format!("{cidr} of metanetwork {net} overlaps {theirs} of metanetwork {other}"),
                );
            }
        }
        subnet_size(reader, net, cidr.prefix_len());
        seen.push((net, cidr));
    }
}

/// Blocks chosen by Asiaq can be cut into one subnet for each zone.
fn auto_networks(reader: &mut Reader<'_>, parts: &Parts<'_>, vpc_prefix: u8) {
    let prefix = vpc_prefix + bits_for(parts.nets.len());
    for (net, settings) in parts.nets {
        if settings.cidr == CidrChoice::Auto {
            subnet_size(reader, *net, prefix);
        }
    }
}

fn subnet_size(reader: &mut Reader<'_>, net: MetaNetwork, prefix: u8) {
    let subnet = prefix + bits_for(ZONES);
    if subnet > SMALLEST_NET {
        reader.wrong(
            &net_key(net, "cidr"),
            format!(
                "metanetwork {net} of size /{prefix} is too small: its subnets in {ZONES} zones would be \
                 /{subnet}, and AWS allows at most /{SMALLEST_NET}"
            ),
        );
    }
}

/// Rules name configured metanetworks only.
fn sources(reader: &mut Reader<'_>, parts: &Parts<'_>) {
    for (net, settings) in parts.nets {
        for rule in &settings.sg_rules {
            if let Source::Net(source) = rule.source
                && !parts.nets.contains_key(&source)
            {
                let problem = format!("rule `{rule}`: {}", not_configured(source, parts));
                reader.wrong(&net_key(*net, "sg_rules"), problem);
            }
        }
    }
}

/// No destination leads to both gateways.
fn gateway_routes(reader: &mut Reader<'_>, parts: &Parts<'_>) {
    for (net, settings) in parts.nets {
        for route in &settings.vgw_routes {
            if settings.igw_routes.contains(route) {
                let igw = net_key(*net, "igw_routes");
                reader.wrong(
                    &net_key(*net, "vgw_routes"),
                    format!("{route} is also in `{igw}`: a destination has one gateway"),
                );
            }
        }
    }
}

/// No elastic IP is listed twice, neither in one metanetwork nor in two.
fn nat_addresses(reader: &mut Reader<'_>, parts: &Parts<'_>) {
    let mut seen: BTreeMap<Ipv4Addr, String> = BTreeMap::new();
    for (net, settings) in parts.nets {
        let key = net_key(*net, "nat_gateways");
        let Some(NatConfig::Addresses(addresses)) = &settings.nat else {
            continue;
        };
        for address in addresses {
            match seen.get(address) {
                Some(first) if *first == key => {
                    reader.wrong(&key, format!("{address} is listed twice"))
                }
                Some(first) => {
                    reader.wrong(&key, format!("{address} is already listed in `{first}`"))
                }
                None => {
                    seen.insert(*address, key.clone());
                }
            }
        }
    }
}

/// NAT routes lead from configured metanetworks, each once, to such with NAT gateways.
fn nat_routes(reader: &mut Reader<'_>, parts: &Parts<'_>) {
    let key = "nat_gateway_routes";
    let mut seen = Vec::new();
    for (source, target) in parts.nat_routes {
        let route = format!("{source}/{target}");
        if seen.contains(source) {
            reader.wrong(
                key,
                format!("`{route}`: metanetwork {source} has a NAT route already"),
            );
        }
        seen.push(*source);
        if !parts.nets.contains_key(source) {
            reader.wrong(
                key,
                format!("`{route}`: {}", not_configured(*source, parts)),
            );
        }
        match parts.nets.get(target) {
            None if source == target => {}
            None => reader.wrong(
                key,
                format!("`{route}`: {}", not_configured(*target, parts)),
            ),
            Some(settings) if settings.nat.is_none() => {
                let missing = net_key(*target, "nat_gateways");
                reader.wrong(
                    key,
                    format!("`{route}`: metanetwork {target} has no `{missing}`"),
                );
            }
            Some(_) => {}
        }
    }
}

fn statics(parts: &Parts<'_>) -> impl Iterator<Item = (MetaNetwork, Ipv4Net)> {
    parts
        .nets
        .iter()
        .filter_map(|(net, settings)| match settings.cidr {
            CidrChoice::Static(cidr) => Some((*net, cidr)),
            CidrChoice::Auto => None,
        })
}

fn not_configured(net: MetaNetwork, parts: &Parts<'_>) -> String {
    let names: Vec<&str> = parts.nets.keys().map(|net| net.as_str()).collect();
    format!(
        "metanetwork {net} is not configured here (configured: {})",
        names.join(", ")
    )
}
