//! CIDR parsing and allocation: the block of an environment, the blocks of its metanetworks and the
//! subnets per availability zone (spec 20, sections 4.1 to 4.4; spec 10, section 7.3).
//!
//! Randomness comes in through the caller's generator. No configuration look-up happens here.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use rand::{Rng, RngExt};

use super::{GrammarError, MetaNetwork};

/// The largest IPv4 block AWS accepts for a VPC, as a prefix length.
const LARGEST_VPC: u8 = 16;
/// The smallest IPv4 block AWS accepts for a VPC or a subnet, as a prefix length.
const SMALLEST_BLOCK: u8 = 28;

/// What `NET_cidr` says about a metanetwork.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CidrChoice {
    /// `auto`: a random free block of the environment.
    Auto,
    /// A fixed block.
    Static(Ipv4Net),
}

impl FromStr for CidrChoice {
    type Err = GrammarError;

    /// `auto` in any case, or an IPv4 CIDR.
    fn from_str(text: &str) -> Result<Self, GrammarError> {
        if text.trim().eq_ignore_ascii_case("auto") {
            return Ok(CidrChoice::Auto);
        }
        parse_cidr4(text)
            .map(CidrChoice::Static)
            .map_err(|GrammarError(problem)| GrammarError(format!("{problem}, or `auto`")))
    }
}

/// Parses an IPv4 CIDR and clears its host bits. A bare address is an error.
pub fn parse_cidr4(text: &str) -> Result<Ipv4Net, GrammarError> {
    let text = text.trim();
    text.parse::<Ipv4Net>().map(|net| net.trunc()).map_err(|_| {
        GrammarError(format!(
            "`{text}` is not an IPv4 network: write it as ADDRESS/PREFIX, like 10.0.0.0/16"
        ))
    })
}

/// Parses an IPv4 or IPv6 CIDR and clears its host bits. A bare address is an error.
pub fn parse_cidr(text: &str) -> Result<IpNet, GrammarError> {
    let text = text.trim();
    text.parse::<IpNet>().map(|net| net.trunc()).map_err(|_| {
        GrammarError(format!(
            "`{text}` is not a network: write it as ADDRESS/PREFIX, like 10.0.0.0/16 or 2001:db8::/32"
        ))
    })
}

/// How many more prefix bits `n` equal parts need: ceil(log2 n), and 0 for `n` below 2.
pub fn bits_for(n: usize) -> u8 {
    // At most usize::BITS, which fits.
    n.checked_sub(1)
        .map_or(0, |last| (usize::BITS - last.leading_zeros()) as u8)
}

/// A random aligned block of length `prefix` inside `parent` that overlaps no `occupied` block, each
/// such block being equally likely. `None` if no block is free or `prefix` is shorter than the parent's.
///
/// Occupied blocks may overlap each other, lie outside of the parent or contain it. The cost depends
/// on their number only, not on the number of candidates.
pub fn free_block(
    rng: &mut impl Rng,
    parent: Ipv4Net,
    prefix: u8,
    occupied: &[Ipv4Net],
) -> Option<Ipv4Net> {
    if prefix < parent.prefix_len() || prefix > 32 {
        return None;
    }
    let runs = free_runs(parent, prefix, occupied);
    let total: u64 = runs.iter().map(|(start, end)| end - start).sum();
    if total == 0 {
        return None;
    }
    let mut choice = rng.random_range(0..total);
    for (start, end) in runs {
        let length = end - start;
        if choice < length {
            return nth_block(parent, prefix, start + choice);
        }
        choice -= length;
    }
    None
}

/// The free candidates as half-open ranges of block numbers, counted from the start of `parent`.
fn free_runs(parent: Ipv4Net, prefix: u8, occupied: &[Ipv4Net]) -> Vec<(u64, u64)> {
    let (first, last) = bounds(parent);
    let mut taken: Vec<(u64, u64)> = occupied
        .iter()
        .map(|block| bounds(*block))
        .filter(|(start, end)| *start <= last && *end >= first)
        .map(|(start, end)| {
            (
                (start.max(first) - first) >> (32 - prefix),
                (end.min(last) - first) >> (32 - prefix),
            )
        })
        .collect();
    taken.sort_unstable();

    let mut runs = Vec::new();
    let mut next = 0;
    for (start, end) in taken {
        if start > next {
            runs.push((next, start));
        }
        next = next.max(end + 1);
    }
    let blocks = 1u64 << (prefix - parent.prefix_len());
    if next < blocks {
        runs.push((next, blocks));
    }
    runs
}

/// First and last address of a block as numbers.
fn bounds(block: Ipv4Net) -> (u64, u64) {
    (
        u64::from(u32::from(block.network())),
        u64::from(u32::from(block.broadcast())),
    )
}

/// The block number `index` of length `prefix` inside `parent`; `None` if it lies beyond the address space.
fn nth_block(parent: Ipv4Net, prefix: u8, index: u64) -> Option<Ipv4Net> {
    let start = u64::from(u32::from(parent.network())) + (index << 32u8.checked_sub(prefix)?);
    Ipv4Net::new(Ipv4Addr::from(u32::try_from(start).ok()?), prefix).ok()
}

/// Chooses the CIDR of a new environment in `space` (`ip_space`) of length `size` (`vpc_cidr_size`).
/// `occupied` is every IPv4 CIDR of every VPC in the region (spec 20, section 4.1).
pub fn allocate_vpc(
    rng: &mut impl Rng,
    env: &str,
    space: Ipv4Net,
    size: u8,
    occupied: &[Ipv4Net],
) -> Result<Ipv4Net, GrammarError> {
    free_block(rng, space, size, occupied)
        .ok_or_else(|| GrammarError(format!("Cannot create VPC {env}. No subnets available")))
}

/// Gives every configured metanetwork of environment `env` its CIDR (spec 20, section 4.2).
///
/// `choices` holds all configured metanetworks, since their number decides the block size. `occupied`
/// are subnets that exist already: `auto` blocks avoid them, fixed ones are taken as they are. To add
/// a metanetwork to an existing environment, pass the existing ones as fixed [`enclosing`] blocks.
///
/// Errors: no metanetworks, a VPC that is too small or outside of AWS's limits (/16 to /28), fixed
/// blocks outside of the VPC or overlapping each other, and no free block for an `auto` one.
pub fn allocate_metanetworks(
    rng: &mut impl Rng,
    env: &str,
    vpc: Ipv4Net,
    choices: &BTreeMap<MetaNetwork, CidrChoice>,
    occupied: &[Ipv4Net],
) -> Result<BTreeMap<MetaNetwork, Ipv4Net>, GrammarError> {
    let count = choices.len();
    if count == 0 {
        return Err(GrammarError(format!(
            "No Metanetworks configured for VPC {env}"
        )));
    }
    let vpc_size = vpc.prefix_len();
    let size = vpc_size + bits_for(count);
    if size > 32 {
        return Err(GrammarError(format!(
            "Unable to create {count} metanetworks in /{vpc_size} size VPC"
        )));
    }
    if !(LARGEST_VPC..=SMALLEST_BLOCK).contains(&vpc_size) {
        return Err(GrammarError(format!(
            "Cannot create VPC {env}. Its network {vpc} must be between /{LARGEST_VPC} and /{SMALLEST_BLOCK}"
        )));
    }
    let mut result = fixed_blocks(vpc, choices)?;
    let mut taken: Vec<Ipv4Net> = occupied.iter().chain(result.values()).copied().collect();
    for (net, choice) in choices {
        if *choice == CidrChoice::Auto {
            let block = free_block(rng, vpc, size, &taken).ok_or_else(|| {
                GrammarError(format!(
                    "Can't create metanetwork {net}. No subnets available"
                ))
            })?;
            taken.push(block);
            result.insert(*net, block);
        }
    }
    Ok(result)
}

/// The fixed blocks among `choices`, checked against the VPC and each other.
fn fixed_blocks(
    vpc: Ipv4Net,
    choices: &BTreeMap<MetaNetwork, CidrChoice>,
) -> Result<BTreeMap<MetaNetwork, Ipv4Net>, GrammarError> {
    let mut fixed: BTreeMap<MetaNetwork, Ipv4Net> = BTreeMap::new();
    for (net, choice) in choices {
        let CidrChoice::Static(block) = choice else {
            continue;
        };
        if !vpc.contains(block) {
            return Err(GrammarError(format!(
                "Can't create metanetwork {net}. Its network {block} is not inside the VPC's network {vpc}"
            )));
        }
        if let Some((other, theirs)) = fixed.iter().find(|(_, theirs)| overlap(**theirs, *block)) {
            return Err(GrammarError(format!(
                "Can't create metanetwork {net}. Its network {block} overlaps {theirs} of metanetwork {other}"
            )));
        }
        fixed.insert(*net, block.trunc());
    }
    Ok(fixed)
}

/// Whether two blocks share an address.
pub fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

/// Cuts the block of a metanetwork into one subnet for each of `zones` availability zones. Block i is
/// for zone i; blocks beyond the last zone stay unused (spec 20, section 4.3).
///
/// Errors: no zone at all, or subnets smaller than the /28 that AWS requires.
pub fn split(block: Ipv4Net, zones: usize) -> Result<Vec<Ipv4Net>, GrammarError> {
    if zones == 0 {
        return Err(GrammarError(format!(
            "Cannot divide {block} into subnets: there is no availability zone"
        )));
    }
    let prefix = block.prefix_len() + bits_for(zones);
    if prefix > SMALLEST_BLOCK {
        return Err(GrammarError(format!(
            "Cannot divide {block} into subnets for {zones} availability zones: \
             they would be /{prefix}, but a subnet must be /{SMALLEST_BLOCK} or larger"
        )));
    }
    Ok((0..zones as u64)
        .filter_map(|index| nth_block(block, prefix, index))
        .collect())
}

/// The CIDR of a metanetwork that exists, from its subnets: any of them, widened by ceil(log2) of
/// their number (spec 20, section 4.4). `None` without subnets.
pub fn enclosing(subnets: &[Ipv4Net]) -> Option<Ipv4Net> {
    let lowest = subnets.iter().min()?;
    let prefix = lowest.prefix_len().saturating_sub(bits_for(subnets.len()));
    Ipv4Net::new(lowest.network(), prefix)
        .ok()
        .map(|net| net.trunc())
}

#[cfg(test)]
mod tests;
