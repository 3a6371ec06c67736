//! What the configuration asks for, given the region's zones and what exists. Pure: every check that can fail fails here,
//! before anything is changed (spec 20, sections 4, 5, 14).

mod nat;

use super::observed::{Observed, Subnet};
use super::services::Services;
use crate::aws::Tags;
use crate::config::{
    ConfigError, ConfigErrors, EnvironmentConfig, NatConfig, NtpConfig, StaticAddresses, VpcCidr,
};
use crate::names::{self, tag};
use crate::network::{
    CidrChoice, GrammarError, Grant, MetaNetwork, allocate_metanetworks, allocate_vpc, bits_for,
    desired_grants, enclosing, resolve_address, split, subnet_containing,
};
use ipnet::Ipv4Net;
use rand::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// Environments use at most the first three zones of a region (spec 20, section 4.3).
const MAX_ZONES: usize = 3;

/// What comes from outside the configuration.
#[derive(Debug, Clone)]
pub(super) struct Surroundings<'a> {
    /// Zones of the region in name order.
    pub(super) zones: &'a [String],
    /// Blocks of all VPCs of the region.
    pub(super) occupied: &'a [Ipv4Net],
    /// Static addresses of hostclasses to reserve; empty to skip.
    pub(super) addresses: &'a [StaticAddresses],
    /// Addresses of `ntp_server`, resolved.
    pub(super) ntp_servers: &'a [String],
    /// Tags of the VPC: `--tag` on create, all of its tags on update.
    pub(super) extra_tags: &'a Tags,
    /// Notifications and databases.
    pub(super) services: &'a Services,
    /// Value of the tag `create_date`.
    pub(super) create_date: &'a str,
    /// The region, such as `us-west-2`.
    pub(super) region: &'a str,
}

/// An environment as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Desired {
    pub(super) name: String,
    pub(super) region: String,
    pub(super) vpc_cidr: Ipv4Net,
    /// The block of a new VPC is one of several that would do.
    pub(super) random_range: bool,
    /// Tags of the VPC, and the base of its subnets' and route tables' tags.
    pub(super) tags: Tags,
    pub(super) nets: BTreeMap<MetaNetwork, DesiredNet>,
    /// DHCP options in order; empty for none.
    pub(super) dhcp: Vec<(String, Vec<String>)>,
    pub(super) interfaces: Vec<DesiredInterface>,
    /// Notifications and databases.
    pub(super) services: Services,
    /// What the operator should know.
    pub(super) warnings: Vec<String>,
}

/// A metanetwork as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DesiredNet {
    /// Zone and block, in address order.
    pub(super) subnets: Vec<(String, Ipv4Net)>,
    pub(super) grants: BTreeSet<Grant<MetaNetwork>>,
    pub(super) igw_routes: Vec<Ipv4Net>,
    pub(super) vgw_routes: Vec<Ipv4Net>,
    /// Addresses of its NAT gateways, one for each subnet.
    pub(super) nat: Option<NatConfig>,
    /// Metanetwork whose NAT gateways its default route leads to.
    pub(super) nat_route: Option<MetaNetwork>,
}

/// A reserved address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DesiredInterface {
    pub(super) hostclass: String,
    pub(super) net: MetaNetwork,
    pub(super) zone: String,
    pub(super) address: Ipv4Addr,
}

/// Computes the desired environment. `observed` is empty for a new one.
pub(super) fn desired(
    config: &EnvironmentConfig,
    around: &Surroundings<'_>,
    observed: &Observed,
    rng: &mut impl Rng,
) -> Result<Desired, ConfigErrors> {
    let problem = |text: String| ConfigErrors::from(ConfigError::new(text));
    let zones: Vec<String> = around.zones.iter().take(MAX_ZONES).cloned().collect();
    let vpc_cidr = match (observed.vpc_cidr, &config.vpc_cidr) {
        (Some(existing), _) => existing,
        (None, VpcCidr::Static(cidr)) => *cidr,
        (None, VpcCidr::FromSpace { space, size }) => allocate_vpc(rng, &config.name, *space, *size, around.occupied).map_err(|e| {
            ConfigError::new(e.0).with_hint(format!("the VPCs of this region fill ip_space {space}: destroy one, or configure a larger ip_space"))
        })?,
    };
    let blocks = subnets_of_nets(config, vpc_cidr, &zones, observed, rng)?;
    let configured: Vec<MetaNetwork> = config.metanetworks.keys().copied().collect();
    let mut nets = BTreeMap::new();
    for (net, subnets) in blocks {
        let Some(own) = config.metanetworks.get(&net) else {
            continue;
        };
        let grants = desired_grants(
            net,
            &own.sg_rules,
            &configured,
            &config.customer_ports,
            &config.customer_cidrs,
        )
        .map_err(|e| problem(e.0))?;
        let nat_route = config
            .nat_gateway_routes
            .iter()
            .find(|(source, _)| *source == net)
            .map(|(_, target)| *target);
        let open = |routes: &[Ipv4Net]| {
            let kept = |cidr: &&Ipv4Net| nat_route.is_none() || cidr.prefix_len() != 0;
            routes.iter().filter(kept).copied().collect()
        };
        nets.insert(
            net,
            DesiredNet {
                subnets,
                grants,
                igw_routes: open(&own.igw_routes),
                vgw_routes: open(&own.vgw_routes),
                nat: own.nat.clone(),
                nat_route,
            },
        );
    }
    nat::check(&nets, observed)?;
    let mut warnings = around
        .services
        .warnings(&config.name, &observed.beside.topics);
    warnings.extend(nat::warnings(&nets));
    let interfaces = interfaces(around.addresses, &nets, &mut warnings);
    let dhcp = dhcp_options(config, around.ntp_servers, &nets)?;
    Ok(Desired {
        name: config.name.clone(),
        region: around.region.to_owned(),
        vpc_cidr,
        random_range: matches!(config.vpc_cidr, VpcCidr::FromSpace { .. }),
        tags: vpc_tags(config, around),
        nets,
        dhcp,
        interfaces,
        services: around.services.clone(),
        warnings,
    })
}

fn vpc_tags(config: &EnvironmentConfig, around: &Surroundings<'_>) -> Tags {
    let mut tags: Tags = around
        .extra_tags
        .iter()
        .filter(|(key, _)| !key.starts_with("aws:"))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    tags.insert(tag::NAME.into(), config.name.clone());
    tags.insert(tag::TYPE.into(), config.env_type.clone());
    tags.insert(tag::CREATE_DATE.into(), around.create_date.to_owned());
    tags.insert(tag::APPLICATION.into(), config.application.clone());
    tags
}

/// The subnets of every configured metanetwork: existing ones as they are, missing ones added where the cut reproduces
/// the existing ones, whole metanetworks allocated (spec 20, sections 4.2, 4.3, 14).
fn subnets_of_nets(
    config: &EnvironmentConfig,
    vpc: Ipv4Net,
    zones: &[String],
    observed: &Observed,
    rng: &mut impl Rng,
) -> Result<BTreeMap<MetaNetwork, Vec<(String, Ipv4Net)>>, ConfigErrors> {
    let problem = |text: String| ConfigErrors::from(ConfigError::new(text));
    let size = vpc
        .prefix_len()
        .saturating_add(bits_for(config.metanetworks.len()));
    let mut choices: BTreeMap<MetaNetwork, CidrChoice> = BTreeMap::new();
    let mut kept: BTreeMap<MetaNetwork, Vec<(String, Ipv4Net)>> = BTreeMap::new();
    for (net, own) in &config.metanetworks {
        let present: Vec<&Subnet> = observed
            .subnets
            .iter()
            .filter(|s| s.net == Some(*net))
            .collect();
        let blocks: Vec<Ipv4Net> = present.iter().map(|s| s.cidr).collect();
        let Some(around) = enclosing(&blocks) else {
            choices.insert(*net, own.cidr);
            continue;
        };
        let (block, subnets) = complete(&present, own.cidr, size, zones).unwrap_or_else(|| {
            let as_is = present.iter().map(|s| (s.zone.clone(), s.cidr)).collect();
            (clip(around, vpc), as_is)
        });
        choices.insert(*net, CidrChoice::Static(block));
        kept.insert(*net, by_address(subnets));
    }
    let occupied: Vec<Ipv4Net> = observed.subnets.iter().map(|s| s.cidr).collect();
    let blocks = allocate_metanetworks(rng, &config.name, vpc, &choices, &occupied)
        .map_err(|e| problem(e.0))?;
    let mut nets = BTreeMap::new();
    for (net, block) in blocks {
        let subnets = match kept.remove(&net) {
            Some(subnets) => subnets,
            None => {
                cut(block, zones).map_err(|e| problem(format!("metanetwork {net}: {}", e.0)))?
            }
        };
        nets.insert(net, subnets);
    }
    Ok(nets)
}

/// A block widened beyond its VPC (subnets made by hand) is cut back to the VPC.
fn clip(block: Ipv4Net, vpc: Ipv4Net) -> Ipv4Net {
    if vpc.contains(&block) { block } else { vpc }
}

/// One subnet per zone.
fn cut(block: Ipv4Net, zones: &[String]) -> Result<Vec<(String, Ipv4Net)>, GrammarError> {
    Ok(zones
        .iter()
        .cloned()
        .zip(split(block, zones.len())?)
        .collect())
}

/// The block of a metanetwork that has subnets, and all subnets cut from it: the configured block or the aligned one
/// around the subnets, whichever gives the existing subnets back. `None` if neither does (spec 20, section 14).
fn complete(
    present: &[&Subnet],
    fixed: CidrChoice,
    size: u8,
    zones: &[String],
) -> Option<(Ipv4Net, Vec<(String, Ipv4Net)>)> {
    let first = present.first()?.cidr;
    let around = Ipv4Net::new(first.addr(), size).ok().map(|b| b.trunc());
    let configured = match fixed {
        CidrChoice::Static(block) => Some(block),
        CidrChoice::Auto => None,
    };
    let reproduces = |all: &[(String, Ipv4Net)]| {
        present
            .iter()
            .all(|s| all.iter().any(|(z, c)| *z == s.zone && *c == s.cidr))
    };
    [configured, around]
        .into_iter()
        .flatten()
        .filter_map(|block| Some((block, cut(block, zones).ok()?)))
        .find(|(_, all)| reproduces(all))
}

fn by_address(mut subnets: Vec<(String, Ipv4Net)>) -> Vec<(String, Ipv4Net)> {
    subnets.sort_by_key(|(_, cidr)| *cidr);
    subnets
}

/// Addresses of hostclasses; one that cannot be reserved is only a warning (spec 20, section 13).
fn interfaces(
    addresses: &[StaticAddresses],
    nets: &BTreeMap<MetaNetwork, DesiredNet>,
    warnings: &mut Vec<String>,
) -> Vec<DesiredInterface> {
    let mut found: Vec<DesiredInterface> = Vec::new();
    for own in addresses {
        let Some(net) = nets.get(&own.meta_network) else {
            warnings.push(format!(
                "no addresses reserved for hostclass {}: its metanetwork {} is not configured here",
                own.hostclass, own.meta_network
            ));
            continue;
        };
        let blocks: Vec<Ipv4Net> = net.subnets.iter().map(|(_, cidr)| *cidr).collect();
        for text in &own.addresses {
            let place = resolve_address(own.meta_network, text, &blocks).ok();
            let place = place.and_then(|address| {
                Some((
                    address,
                    net.subnets
                        .get(subnet_containing(address, &blocks)?)?
                        .0
                        .clone(),
                ))
            });
            let Some((address, zone)) = place else {
                warnings.push(format!(
                    "Failed to reserve IP address ({text}) for hostclass ({}): it is not in the range of metanetwork {}",
                    own.hostclass, own.meta_network
                ));
                continue;
            };
            if !found.iter().any(|other| other.address == address) {
                found.push(DesiredInterface {
                    hostclass: own.hostclass.clone(),
                    net: own.meta_network,
                    zone,
                    address,
                });
            }
        }
    }
    found
}

/// The DHCP options in AWS' order; options that are not configured are left out (spec 20, section 4.11).
fn dhcp_options(
    config: &EnvironmentConfig,
    ntp_servers: &[String],
    nets: &BTreeMap<MetaNetwork, DesiredNet>,
) -> Result<Vec<(String, Vec<String>)>, ConfigErrors> {
    let dhcp = &config.dhcp;
    let mut options = Vec::new();
    options.extend(
        dhcp.domain_name
            .iter()
            .map(|name| ("domain-name".to_owned(), vec![name.clone()])),
    );
    let servers: Vec<String> = [&dhcp.internal_dns, &dhcp.external_dns]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    if !servers.is_empty() {
        options.push(("domain-name-servers".to_owned(), servers));
    }
    let ntp = match &dhcp.ntp {
        NtpConfig::None => Vec::new(),
        NtpConfig::Servers(_) => ntp_servers.to_vec(),
        NtpConfig::Offset {
            metanetwork,
            offset,
        } => {
            let blocks: Vec<Ipv4Net> = nets
                .get(metanetwork)
                .map(|net| net.subnets.iter().map(|(_, cidr)| *cidr).collect())
                .unwrap_or_default();
            let address = resolve_address(*metanetwork, offset, &blocks)
                .map_err(|e| ConfigError::new(format!("ntp_server_offset: {}", e.0)))?;
            vec![address.to_string()]
        }
    };
    if !ntp.is_empty() {
        options.push(("ntp-servers".to_owned(), ntp));
    }
    Ok(options)
}

/// Tags of a subnet or its route table.
pub(super) fn place_tags(desired: &Desired, net: MetaNetwork, zone: &str) -> Tags {
    let mut tags = desired.tags.clone();
    tags.insert(tag::NAME.into(), names::subnet(&desired.name, net, zone));
    tags.insert(tag::META_NETWORK.into(), net.to_string());
    tags.insert(tag::SUBNET.into(), zone.to_owned());
    tags
}

#[cfg(test)]
mod tests;
