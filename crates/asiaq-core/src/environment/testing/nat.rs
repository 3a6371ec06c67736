//! The model's part for NAT gateways, elastic IPs and the layout of route tables: call by call, so that a run can die
//! inside a change. It refuses what AWS refuses.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::super::action::{Action, AddressSource, LayoutAction, NatAction};
use super::super::changes::{self, nat::gateway_key};
use super::super::observed::{Address, NatGateway, Observed, Route, RouteTable, Subnet, Target};
use super::{Model, table};
use crate::names::tag;
use crate::plan::Plan;
use ipnet::Ipv4Net;
use rand::{Rng, RngExt};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// An elastic IP that nothing uses: `address("E3")` is 192.0.2.3.
pub(in crate::environment) fn address(name: &str) -> Address {
    let number = name.strip_prefix('E').unwrap();
    Address {
        public_ip: format!("192.0.2.{number}").parse().unwrap(),
        allocation_id: format!("eipalloc-{number}"),
        association_id: None,
        instance_id: None,
        network_interface_id: None,
        private_ip: None,
        tags: crate::aws::Tags::new(),
    }
}

/// A working NAT gateway with that address.
pub(in crate::environment) fn gateway(id: &str, subnet: &str, address: &Address) -> NatGateway {
    NatGateway {
        id: id.to_owned(),
        subnet_id: subnet.to_owned(),
        state: "available".to_owned(),
        address: Some(address.public_ip),
        allocation_id: Some(address.allocation_id.clone()),
        interface: None,
        private: false,
    }
}

/// Carries a plan out in an order that chance and the changes' needs decide. With `death` the run dies: after so many
/// changes, and so many calls of the next one.
pub(in crate::environment) fn applied_in_any_order(
    observed: &Observed,
    plan: &Plan<Action>,
    rng: &mut impl Rng,
    death: Option<(usize, usize)>,
) -> Observed {
    let mut model = Model {
        ids: changes::known_ids(observed),
        state: observed.clone(),
    };
    let mut left: Vec<_> = plan.changes().iter().collect();
    let mut done = 0;
    while !left.is_empty() {
        let waiting: BTreeSet<&str> = left.iter().map(|c| c.id.as_str()).collect();
        let ready = |index: &usize| {
            let needs = &left[*index].needs;
            !needs.iter().any(|need| waiting.contains(need.as_str()))
        };
        let ready: Vec<usize> = (0..left.len()).filter(ready).collect();
        assert!(!ready.is_empty(), "a circle of needs: {waiting:?}");
        let change = left.remove(ready[rng.random_range(0..ready.len())]);
        match (death, &change.action) {
            (Some((changes, calls)), Action::Nat(action)) if changes == done => {
                model.nat(action, calls);
                return model.state;
            }
            (Some((changes, calls)), Action::Layout(action)) if changes == done => {
                model.layout(action, calls);
                return model.state;
            }
            (Some((changes, _)), _) if changes == done => return model.state,
            _ => model.apply(&change.action),
        }
        done += 1;
    }
    model.state
}

/// Runs its statements until the calls are used up.
macro_rules! calls {
    ($limit:expr; $($call:expr;)*) => {{
        let mut left: usize = $limit;
        $(
            if left == 0 { return; }
            left -= 1;
            $call;
        )*
        let _ = left;
    }};
}

impl Model {
    pub(super) fn nat(&mut self, action: &NatAction, limit: usize) {
        match action {
            NatAction::Create {
                net, zone, source, ..
            } => self.create_nat(
                &(gateway_key(*net, zone), changes::subnet_key(*net, zone)),
                source,
                limit,
            ),
            NatAction::Await { gateway, .. } => {
                calls!(limit; self.nat_gateway(gateway).state = "available".into(););
            }
            NatAction::Delete {
                gateway,
                deleting,
                allocation,
                release,
                ..
            } => {
                let own = allocation.as_deref().unwrap();
                calls!(limit;
                    if let Some(tags) = release { self.eip(own).tags.extend(tags.clone()) };
                    self.delete_nat(gateway, *deleting);
                    self.eip(own).association_id = None;
                    if release.is_some() { self.release(own) };
                );
            }
            NatAction::Release(held) => calls!(limit;
                self.eip(&held.allocation_id).association_id = None;
                self.release(&held.allocation_id);
            ),
            NatAction::MarkSubnet {
                net,
                zone,
                automatic,
            } => calls!(limit; self.mark(&changes::subnet_key(*net, zone), *automatic);),
            NatAction::Adopt(held) => calls!(limit; {
                let old = self.eip(&held.allocation_id).tags.remove(tag::DYNAMIC);
                assert_eq!(old.as_deref(), Some("true"));
            };),
            NatAction::DeleteRoute { table } => {
                let all = Ipv4Net::default();
                let nowhere = Target::Nat(String::new());
                calls!(limit; self.route(super::RouteOperation::Delete, table, all, &nowhere););
            }
        }
    }

    fn create_nat(&mut self, keys: &(String, String), source: &AddressSource, limit: usize) {
        let (key, subnet) = (&keys.0, self.id(&keys.1));
        let attached = self.state.gateways.iter().any(|g| !g.vpcs.is_empty());
        assert!(attached, "AWS fails NAT gateways without internet gateway");
        let allocation: String;
        let automatic = !matches!(source, AddressSource::Given(_));
        let made: String;
        calls!(limit;
            allocation = match source {
                AddressSource::Allocated => self.allocate(),
                AddressSource::Given(held) | AddressSource::Left(held) => {
                    if held.stale {
                        self.eip(&held.allocation_id).association_id = None;
                    }
                    held.allocation_id.clone()
                }
            };
            made = self.start_nat(key, &subnet, &allocation);
            self.nat_gateway(&made).state = "available".into();
            if automatic { self.mark(&keys.1, true) };
        );
    }

    fn allocate(&mut self) -> String {
        let number = 1 + self
            .state
            .beside
            .addresses
            .iter()
            .map(|a| a.public_ip.octets()[3])
            .max()
            .unwrap_or(100)
            .max(100);
        let mut own = address(&format!("E{number}"));
        own.public_ip = Ipv4Addr::new(203, 0, 113, number);
        for (key, value) in [(tag::DYNAMIC, "true"), (tag::ENVIRONMENT, "ci")] {
            own.tags.insert(key.to_owned(), value.to_owned());
        }
        let id = own.allocation_id.clone();
        self.state.beside.addresses.push(own);
        id
    }

    /// AWS does not show the address of a gateway at first.
    fn start_nat(&mut self, key: &str, subnet: &str, allocation: &str) -> String {
        let state = &self.state;
        let number = state.nat_gateways.len() + state.past_nat_gateways.len() + 1;
        let id = self.learn(key, &format!("nat-{number}0"));
        let own = self.eip(allocation);
        assert_eq!(own.association_id, None, "{} is in use", own.public_ip);
        own.association_id = Some(format!("eipassoc-{number}"));
        let mut made = gateway(&id, subnet, own);
        made.state = "pending".into();
        made.address = None;
        let live = self.state.nat_gateways.iter();
        let there = live.filter(|g| g.subnet_id == subnet && !g.private).count();
        assert_eq!(there, 0, "{subnet} has a NAT gateway");
        self.state.nat_gateways.push(made);
        id
    }

    fn delete_nat(&mut self, id: &str, deleting: bool) {
        let all = &mut self.state.nat_gateways;
        let place = all.iter().position(|g| g.id == id).unwrap();
        let mut own = all.remove(place);
        assert_eq!(own.state == "deleting", deleting);
        own.state = "deleted".into();
        self.state.past_nat_gateways.push(own);
        for table in &mut self.state.route_tables {
            for route in &mut table.routes {
                route.blackhole |= route.target == Target::Nat(id.to_owned());
            }
        }
    }

    fn release(&mut self, allocation: &str) {
        let used = |g: &NatGateway| g.allocation_id.as_deref() == Some(allocation);
        assert!(
            !self.state.nat_gateways.iter().any(used),
            "{allocation} is in use"
        );
        self.eip(allocation);
        self.state
            .beside
            .addresses
            .retain(|a| a.allocation_id != allocation);
    }

    fn mark(&mut self, subnet: &str, automatic: bool) {
        let id = self.id(subnet);
        let mut all = self.state.subnets.iter_mut();
        let tags = &mut all.find(|s| s.id == id).unwrap().tags;
        if automatic {
            tags.insert(tag::DYNONAT.to_owned(), String::new());
        } else {
            tags.remove(tag::DYNONAT).unwrap();
        }
    }

    fn nat_gateway(&mut self, id: &str) -> &mut NatGateway {
        let mut all = self.state.nat_gateways.iter_mut();
        all.find(|g| g.id == id).unwrap()
    }

    fn eip(&mut self, allocation: &str) -> &mut Address {
        let mut all = self.state.beside.addresses.iter_mut();
        all.find(|a| a.allocation_id == allocation)
            .expect("an address that exists")
    }

    pub(super) fn layout(&mut self, action: &LayoutAction, limit: usize) {
        match action {
            LayoutAction::Split {
                net,
                zone,
                create,
                routes,
                propagating,
            } => {
                let key = changes::table_key(*net, zone);
                let mut left = limit;
                let mut call = || {
                    left = left.saturating_sub(1);
                    left > 0
                };
                if create.is_some() {
                    if !call() {
                        return;
                    }
                    let id = self.learn(&key, &format!("rtb-{net}-{zone}"));
                    self.state
                        .route_tables
                        .push(table(&id, *net, Some(zone), &[]));
                }
                let id = self.id(&key);
                let shared = self
                    .state
                    .route_tables
                    .iter()
                    .find(|t| t.net == Some(*net) && t.zone.is_none())
                    .unwrap()
                    .clone();
                let own = |all: &mut Vec<RouteTable>| all.iter().position(|t| t.id == id).unwrap();
                for (destination, target) in routes {
                    if !call() {
                        return;
                    }
                    let at = own(&mut self.state.route_tables);
                    let routes = &mut self.state.route_tables[at].routes;
                    assert!(
                        !routes
                            .iter()
                            .any(|r| r.destination == *destination && !r.propagated)
                    );
                    routes.push(Route {
                        destination: *destination,
                        target: target.clone(),
                        propagated: false,
                        blackhole: false,
                    });
                }
                for gateway in propagating {
                    if !call() {
                        return;
                    }
                    let at = own(&mut self.state.route_tables);
                    let learned = shared
                        .routes
                        .iter()
                        .filter(|r| r.propagated && r.target.key() == gateway);
                    self.state.route_tables[at].routes.extend(learned.cloned());
                    let announced = &mut self.state.route_tables[at].propagating;
                    announced.insert(gateway.clone());
                }
            }
            LayoutAction::DeleteShared { table } => calls!(limit; {
                let all = &mut self.state.route_tables;
                let place = all.iter().position(|t| t.id == *table).unwrap();
                let own = all.remove(place);
                assert!(own.associations.is_empty() && !own.main, "{own:?}");
            };),
            LayoutAction::TagSubnet { net, zone, tags } => {
                let id = self.id(&changes::subnet_key(*net, zone));
                let own = |s: &&mut Subnet| s.id == id;
                calls!(limit; {
                    let subnet = self.state.subnets.iter_mut().find(own).unwrap();
                    assert!(!tags.keys().any(|key| subnet.tags.contains_key(key)));
                    subnet.tags.extend(tags.clone());
                };);
            }
        }
    }
}
