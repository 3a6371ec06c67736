//! Routes to the internet and VPN gateways: their notation and the difference between two sets
//! (spec 20, section 4.8).
//!
//! Gateways are whatever the caller calls them. NAT and peering routes are not handled here.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;

use super::{GrammarError, lists, parse_cidr4};

/// Parses `NET_igw_routes` or `NET_vgw_routes`: a list of IPv4 CIDRs. Networks named twice are kept once.
pub fn parse_routes(text: &str) -> Result<Vec<Ipv4Net>, GrammarError> {
    let mut routes = Vec::new();
    for word in lists::words(text) {
        let route = parse_cidr4(word)?;
        if !routes.contains(&route) {
            routes.push(route);
        }
    }
    Ok(routes)
}

/// The gateway routes wanted in each table of a metanetwork.
///
/// `internet` lead to `igw`, `vpn` to `vgw`; without a VPN gateway the latter are left out. With
/// `nat_default` a NAT gateway holds the default route, so `0.0.0.0/0` is dropped with a warning.
/// A network in both lists is an error, whether or not a VPN gateway exists.
pub fn desired_routes<T: Clone>(
    internet: &[Ipv4Net],
    igw: &T,
    vpn: &[Ipv4Net],
    vgw: Option<&T>,
    nat_default: bool,
) -> Result<BTreeMap<Ipv4Net, T>, GrammarError> {
    if let Some(both) = internet.iter().find(|route| vpn.contains(route)) {
        return Err(GrammarError(format!(
            "{both} is routed to both the internet gateway and the VPN gateway"
        )));
    }
    let to_igw = internet.iter().map(|route| (*route, igw.clone()));
    let to_vgw = vgw
        .into_iter()
        .flat_map(|vgw| vpn.iter().map(|route| (*route, vgw.clone())));
    let mut routes: BTreeMap<Ipv4Net, T> = to_igw.chain(to_vgw).collect();
    if nat_default && routes.remove(&Ipv4Net::default()).is_some() {
        tracing::warn!(
            "0.0.0.0/0 is routed to a NAT gateway: its route to the internet or VPN gateway is ignored"
        );
    }
    Ok(routes)
}

/// The changes to one route table, in the order in which they are to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteDiff<T> {
    /// Routes to remove, with their present target.
    pub delete: Vec<(Ipv4Net, T)>,
    /// Routes to point elsewhere, with the old and the new target.
    pub replace: Vec<(Ipv4Net, T, T)>,
    /// Routes to create.
    pub add: Vec<(Ipv4Net, T)>,
}

impl<T> RouteDiff<T> {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.delete.is_empty() && self.replace.is_empty() && self.add.is_empty()
    }
}

/// What turns the `current` gateway routes of one table into the `desired` ones. `current` must hold
/// nothing but those: no local, propagated, NAT or peering routes. Each list is sorted by network.
pub fn diff_routes<T: Clone + Eq>(
    desired: &BTreeMap<Ipv4Net, T>,
    current: &BTreeMap<Ipv4Net, T>,
) -> RouteDiff<T> {
    let mut diff = RouteDiff {
        delete: Vec::new(),
        replace: Vec::new(),
        add: Vec::new(),
    };
    for (route, old) in current {
        match desired.get(route) {
            None => diff.delete.push((*route, old.clone())),
            Some(new) if new != old => diff.replace.push((*route, old.clone(), new.clone())),
            Some(_) => {}
        }
    }
    for (route, new) in desired {
        if !current.contains_key(route) {
            diff.add.push((*route, new.clone()));
        }
    }
    diff
}

#[cfg(test)]
mod tests;
