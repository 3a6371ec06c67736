//! What stands in every subnet of the configured metanetworks, what stays, what goes and what is wanted there.

use super::super::super::action::{AddressSource, HeldAddress};
use super::super::super::desired::{Desired, DesiredNet};
use super::super::super::observed::{Address, NatGateway, Observed};
use crate::aws::Tags;
use crate::config::NatConfig;
use crate::names::tag;
use crate::network::{MetaNetwork, pair_addresses};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;

/// One subnet.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) net: MetaNetwork,
    pub(super) zone: &'a str,
    /// The subnet has the tag `dynonat`.
    pub(super) marked: bool,
    /// Its gateway is to have an automatic address.
    pub(super) automatic: bool,
    /// The gateway that stays.
    pub(super) kept: Option<&'a NatGateway>,
    /// The gateways that go.
    pub(super) leaving: Vec<Leaving<'a>>,
    /// The address of the gateway to be made.
    pub(super) wanted: Option<AddressSource>,
}

/// A gateway that goes.
#[derive(Debug)]
pub(super) struct Leaving<'a> {
    pub(super) gateway: &'a NatGateway,
    pub(super) public_ip: Option<Ipv4Addr>,
    /// Its address is given back; the tags that the address lacks until then.
    pub(super) release: Option<Tags>,
}

/// All places, and the addresses that have none.
#[derive(Debug)]
pub(super) struct Survey<'a> {
    pub(super) places: Vec<Place<'a>>,
    /// Addresses that an interrupted run left and nobody needs.
    pub(super) leftovers: Vec<HeldAddress>,
    /// Addresses allocated for NAT gateways that are now listed.
    pub(super) adopted: Vec<HeldAddress>,
}

pub(super) fn survey<'a>(desired: &'a Desired, observed: &'a Observed) -> Survey<'a> {
    let view = View::new(desired, observed);
    let mut leftovers = view.leftovers();
    let mut places = Vec::new();
    for (net, own) in &desired.nets {
        let mut given = view.pairs(*net, own);
        for (zone, _) in &own.subnets {
            let source = || {
                leftovers
                    .pop_front()
                    .map_or(AddressSource::Allocated, AddressSource::Left)
            };
            places.push(view.place(*net, own, zone, given.remove(zone), source));
        }
    }
    let addresses = observed.beside.addresses.iter();
    let adopted = addresses.filter(|a| is_dynamic(a) && view.listed.contains(&a.public_ip));
    Survey {
        places,
        leftovers: leftovers.into(),
        adopted: adopted.map(|a| view.held(a)).collect(),
    }
}

fn is_dynamic(address: &Address) -> bool {
    address.tags.get(tag::DYNAMIC).is_some_and(|v| v == "true")
}

struct View<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    /// Addresses that the configuration lists, of all metanetworks.
    listed: BTreeSet<Ipv4Addr>,
}

impl<'a> View<'a> {
    fn new(desired: &'a Desired, observed: &'a Observed) -> Self {
        let lists = desired.nets.values().filter_map(|own| match &own.nat {
            Some(NatConfig::Addresses(list)) => Some(list),
            _ => None,
        });
        Self {
            desired,
            observed,
            listed: lists.flatten().copied().collect(),
        }
    }

    fn address(&self, gateway: &NatGateway) -> Option<&'a Address> {
        let mut all = self.observed.beside.addresses.iter();
        all.find(|address| gateway.has(address))
    }

    /// AWS does not show the address of a gateway that is being made, only its allocation.
    fn ip(&self, gateway: &NatGateway) -> Option<Ipv4Addr> {
        gateway
            .address
            .or_else(|| self.address(gateway).map(|a| a.public_ip))
    }

    fn is_listed(&self, gateway: &NatGateway) -> bool {
        self.ip(gateway).is_some_and(|ip| self.listed.contains(&ip))
    }

    fn held(&self, address: &Address) -> HeldAddress {
        let used = self.observed.nat_gateways.iter().any(|g| g.has(address));
        HeldAddress {
            public_ip: address.public_ip,
            allocation_id: address.allocation_id.clone(),
            stale: address.association_id.is_some() && address.instance_id.is_none() && !used,
        }
    }

    /// Addresses allocated for this environment's NAT gateways that no gateway has. One that is associated counts only if
    /// the association is with a gateway that is gone.
    fn leftovers(&self) -> VecDeque<HeldAddress> {
        let (present, past) = (
            &self.observed.nat_gateways,
            &self.observed.past_nat_gateways,
        );
        let left = |a: &&Address| {
            is_dynamic(a)
                && a.tags.get(tag::ENVIRONMENT) == Some(&self.desired.name)
                && !self.listed.contains(&a.public_ip)
                && a.instance_id.is_none()
                && !present.iter().any(|g| g.has(a))
                && (a.association_id.is_none() || past.iter().any(|g| g.has(a)))
        };
        let all = self.observed.beside.addresses.iter();
        all.filter(left).map(|a| self.held(a)).collect()
    }

    /// Our gateways in a subnet, working ones first.
    fn standing(&self, net: MetaNetwork, zone: &str) -> (bool, Vec<&'a NatGateway>) {
        let mut subnets = self.observed.subnets.iter();
        let Some(subnet) = subnets.find(|s| s.net == Some(net) && s.zone == zone) else {
            return (false, Vec::new());
        };
        let all = self.observed.nat_gateways.iter();
        let mut own: Vec<&NatGateway> = all
            .filter(|g| g.subnet_id == subnet.id && !g.private)
            .collect();
        own.sort_by_key(|g| !g.is_live());
        (subnet.tags.contains_key(tag::DYNONAT), own)
    }

    /// The gateway of each zone that a list keeps, and the address that the list gives to each other zone.
    fn pairs(&self, net: MetaNetwork, own: &DesiredNet) -> BTreeMap<String, Ipv4Addr> {
        let Some(NatConfig::Addresses(list)) = &own.nat else {
            return BTreeMap::new();
        };
        let current = |zone: &String| {
            let (_, gateways) = self.standing(net, zone);
            let ips = gateways.iter().filter(|g| g.is_live());
            let mut ips = ips.filter_map(|g| self.ip(g));
            ips.find(|ip| list.contains(ip))
        };
        let current = own.subnets.iter().map(|(z, _)| (z.clone(), current(z)));
        pair_addresses(list, &current.collect())
            .into_iter()
            .map(|pair| (pair.zone, pair.address))
            .collect()
    }

    fn place(
        &self,
        net: MetaNetwork,
        own: &DesiredNet,
        zone: &'a str,
        given: Option<Ipv4Addr>,
        automatic_source: impl FnOnce() -> AddressSource,
    ) -> Place<'a> {
        let (marked, gateways) = self.standing(net, zone);
        let dynamic = |g: &NatGateway| self.address(g).is_some_and(is_dynamic);
        let any_dynamic = gateways.iter().any(|g| dynamic(g));
        let first = gateways.first().map(|g| &g.id);
        // The tag of a subnet means one gateway: the one whose address says so itself, else the first.
        let automatic =
            |g: &NatGateway| dynamic(g) || (marked && !any_dynamic && first == Some(&g.id));
        let stays = |g: &NatGateway| {
            g.is_live()
                && match &own.nat {
                    None => false,
                    Some(NatConfig::Auto) => automatic(g) && !self.is_listed(g),
                    Some(NatConfig::Addresses(_)) => given.is_some() && self.ip(g) == given,
                }
        };
        let kept = gateways.iter().copied().find(|g| stays(g));
        let leaving = gateways
            .iter()
            .filter(|g| kept.is_none_or(|kept| kept.id != g.id));
        let leaving = leaving.map(|gateway| Leaving {
            gateway,
            public_ip: self.ip(gateway),
            release: (automatic(gateway)
                && gateway.allocation_id.is_some()
                && !self.is_listed(gateway))
            .then(|| self.missing_tags(gateway)),
        });
        let wanted = match (&own.nat, kept) {
            (None, _) | (_, Some(_)) => None,
            (Some(NatConfig::Auto), None) => Some(automatic_source()),
            (Some(NatConfig::Addresses(_)), None) => {
                let mut all = self.observed.beside.addresses.iter();
                let address = all.find(|a| Some(a.public_ip) == given);
                address.map(|a| AddressSource::Given(self.held(a)))
            }
        };
        Place {
            net,
            zone,
            marked,
            automatic: own.nat == Some(NatConfig::Auto),
            kept,
            leaving: leaving.collect(),
            wanted,
        }
    }

    /// Tags by which a later run finds the address, if this one dies while it deletes the gateway.
    fn missing_tags(&self, gateway: &NatGateway) -> Tags {
        let wanted = [
            (tag::DYNAMIC, "true"),
            (tag::ENVIRONMENT, &self.desired.name),
        ];
        let present = self.address(gateway).map(|a| &a.tags);
        let lacks = |(key, value): &(&str, &str)| {
            present.and_then(|tags| tags.get(*key)).map(String::as_str) != Some(*value)
        };
        wanted
            .into_iter()
            .filter(lacks)
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }
}
