//! For the tests of this capability: environments from configuration text, and a model of AWS that carries out plans on
//! an [`Observed`].
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod gateways;
mod nat;
mod peering;
mod topic;

pub(super) use nat::{address, applied_in_any_order, gateway};
pub(super) use peering::{live, peer, peering_rule, with_peers};

use super::action::{Action, RouteOperation};
use super::changes::{self, DHCP, INTERNET_GATEWAY, VPC};
use super::desired::{Desired, Surroundings, desired};
use super::observed::{
    DhcpSet, InternetGateway, Observed, Route, RouteTable, SecurityGroup, Subnet, Target,
};
use super::services::Services;
use crate::aws::Tags;
use crate::config::{ConfigErrors, DiscoVpc, EnvironmentConfig, Ini, StaticAddresses};
use crate::network::MetaNetwork;
use crate::plan::{Change, Plan};
use ipnet::Ipv4Net;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::{BTreeMap, BTreeSet};

/// Environment `ci` of a type with these options.
pub(super) fn config(options: &str) -> EnvironmentConfig {
    let text = format!("[envtype:t]\n{options}\n");
    let file = DiscoVpc::from_ini(Ini::parse("disco_vpc.ini", text.as_bytes()).unwrap());
    file.environment("ci", "t").unwrap()
}

pub(super) fn zones(names: &str) -> Vec<String> {
    names.chars().map(|c| format!("us-west-2{c}")).collect()
}

pub(super) fn net4(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

/// What surrounds an environment, with defaults that a test changes.
pub(super) struct World {
    pub(super) zones: Vec<String>,
    pub(super) occupied: Vec<Ipv4Net>,
    pub(super) addresses: Vec<StaticAddresses>,
    pub(super) ntp_servers: Vec<String>,
    pub(super) tags: Tags,
    pub(super) services: Services,
    pub(super) seed: u64,
}

impl Default for World {
    fn default() -> Self {
        Self {
            zones: zones("abc"),
            occupied: Vec::new(),
            addresses: Vec::new(),
            ntp_servers: Vec::new(),
            tags: Tags::new(),
            services: Services::default(),
            seed: 7,
        }
    }
}

impl World {
    pub(super) fn desired(
        &self,
        config: &EnvironmentConfig,
        observed: &Observed,
    ) -> Result<Desired, ConfigErrors> {
        let around = Surroundings {
            zones: &self.zones,
            occupied: &self.occupied,
            addresses: &self.addresses,
            ntp_servers: &self.ntp_servers,
            extra_tags: &self.tags,
            services: &self.services,
            create_date: "2026-01-02T03:04:05",
            region: "us-west-2",
        };
        let mut rng = StdRng::seed_from_u64(self.seed);
        desired(config, &around, observed, &mut rng)
    }

    pub(super) fn plan(&self, config: &EnvironmentConfig, observed: &Observed) -> Plan<Action> {
        changes::plan(&self.desired(config, observed).unwrap(), observed)
    }

    /// The environment as `create` leaves it.
    pub(super) fn created(&self, config: &EnvironmentConfig) -> Observed {
        let empty = Observed::default();
        applied(&empty, &self.plan(config, &empty))
    }
}

/// The plan's changes in an order that respects their needs. Panics if they need each other in a circle.
pub(super) fn ordered<A>(plan: &Plan<A>) -> Vec<&Change<A>> {
    let mut left: Vec<&Change<A>> = plan.changes().iter().collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let waiting: BTreeSet<&str> = left.iter().map(|c| c.id.as_str()).collect();
        let ready = left
            .iter()
            .position(|c| !c.needs.iter().any(|need| waiting.contains(need.as_str())));
        order.push(left.remove(ready.expect("a circle of needs")));
    }
    order
}

/// The environment after the plan.
pub(super) fn applied(observed: &Observed, plan: &Plan<Action>) -> Observed {
    applied_until(observed, plan, usize::MAX)
}

/// The environment after the first `count` changes of the plan.
pub(super) fn applied_until(observed: &Observed, plan: &Plan<Action>, count: usize) -> Observed {
    let mut model = Model {
        ids: changes::known_ids(observed),
        state: observed.clone(),
    };
    for change in ordered(plan).into_iter().take(count) {
        model.apply(&change.action);
    }
    if model.state.vpc_id.is_none() {
        assert_eq!(model.state, *observed, "something was made before the VPC");
    }
    model.state
}

struct Model {
    state: Observed,
    ids: BTreeMap<String, String>,
}

impl Model {
    fn id(&self, key: &str) -> String {
        self.ids
            .get(key)
            .unwrap_or_else(|| panic!("`{key}` is used before it is made"))
            .clone()
    }

    fn learn(&mut self, key: &str, id: &str) -> String {
        let old = self.ids.insert(key.to_owned(), id.to_owned());
        assert_eq!(old, None, "{key} is made twice");
        id.to_owned()
    }

    fn apply(&mut self, action: &Action) {
        match action {
            Action::CreateVpc { cidr, .. } => {
                self.state.vpc_id = Some(self.learn(VPC, "vpc-1"));
                self.peers_know("vpc-1");
                self.state.vpc_cidr = Some(*cidr);
            }
            Action::EnableDnsSupport => self.state.dns_support = true,
            Action::EnableDnsHostnames => self.state.dns_hostnames = true,
            Action::CreateSubnet {
                net,
                zone,
                cidr,
                tags,
            } => {
                let id = self.learn(
                    &changes::subnet_key(*net, zone),
                    &format!("subnet-{net}-{zone}"),
                );
                self.state.subnets.push(Subnet {
                    id,
                    zone: zone.clone(),
                    cidr: *cidr,
                    net: Some(*net),
                    tags: tags.clone(),
                });
            }
            Action::CreateRouteTable { net, zone, .. } => {
                let id = self.learn(
                    &changes::table_key(*net, zone),
                    &format!("rtb-{net}-{zone}"),
                );
                self.state
                    .route_tables
                    .push(table(&id, *net, Some(zone), &[]));
            }
            Action::AssociateRouteTable {
                table,
                subnet,
                replace,
            } => self.associate(table, subnet, replace.as_deref()),
            Action::CreateSecurityGroup { net, name, .. } => {
                let id = self.learn(&changes::group_key(*net), &format!("sg-{net}"));
                self.state.security_groups.push(group(&id, name, *net));
            }
            Action::Authorize { net, grants, .. } => {
                self.group(*net).grants.extend(grants.iter().cloned());
            }
            Action::Revoke { net, grants } => {
                self.group(*net).grants.retain(|g| !grants.contains(g));
            }
            Action::CreateInternetGateway { .. } => {
                let id = self.learn(INTERNET_GATEWAY, "igw-1");
                let vpcs = Vec::new();
                self.state.gateways.push(InternetGateway { id, vpcs });
            }
            Action::AttachInternetGateway => {
                let (id, vpc) = (self.id(INTERNET_GATEWAY), self.id(VPC));
                let mut own = self.state.gateways.iter_mut();
                own.find(|g| g.id == id).unwrap().vpcs.push(vpc);
            }
            Action::Route {
                operation,
                table,
                destination,
                target,
            } => self.route(*operation, table, *destination, target),
            Action::CreateDhcp { options, .. } => {
                let id = self.learn(DHCP, &format!("dopt-{}", self.state.dhcp_sets.len() + 1));
                let options = options.iter().cloned().collect();
                self.state.dhcp_sets.push(DhcpSet { id, options });
            }
            Action::AssociateDhcp { existing } => {
                self.id(VPC);
                let set = existing.clone().unwrap_or_else(|| self.id(DHCP));
                self.state.dhcp_in_force = Some(set);
            }
            Action::DeleteDhcp { id } => {
                assert_ne!(self.state.dhcp_in_force.as_ref(), Some(id), "in use");
                self.state.dhcp_sets.retain(|set| set.id != *id);
            }
            // Reserved addresses are not part of what is compared; its subnet and group must exist.
            Action::CreateInterface { net, zone, .. } => {
                self.id(&changes::subnet_key(*net, zone));
                self.id(&changes::group_key(*net));
            }
            Action::Layout(action) => self.layout(action, usize::MAX),
            Action::Nat(action) => self.nat(action, usize::MAX),
            Action::Vpn(action) => self.vpn(action),
            Action::Endpoint(action) => self.endpoint(action),
            Action::Peering(action) => self.peering(action),
            Action::Topic(action) => self.topic(action),
            // Never made, so nothing changes; its metanetwork must exist.
            Action::Database(_) => drop(self.id(&changes::group_key(MetaNetwork::Intranet))),
        }
    }

    fn group(&mut self, net: MetaNetwork) -> &mut SecurityGroup {
        let id = self.id(&changes::group_key(net));
        let mut groups = self.state.security_groups.iter_mut();
        groups.find(|g| g.id == id).unwrap()
    }

    fn associate(&mut self, table: &str, subnet: &str, replace: Option<&str>) {
        let (table, subnet) = (self.id(table), self.id(subnet));
        for other in &mut self.state.route_tables {
            if let Some(old) = other.associations.remove(&subnet) {
                assert_eq!(Some(old.as_str()), replace, "the subnet has a table");
            }
        }
        let mut tables = self.state.route_tables.iter_mut();
        let own = tables.find(|t| t.id == table).unwrap();
        let association = format!("rtbassoc-{subnet}");
        own.associations.insert(subnet, association);
    }

    fn route(&mut self, operation: RouteOperation, table: &str, to: Ipv4Net, target: &Target) {
        let table = self.id(table);
        let id = |key: &str| self.ids.get(key).cloned().unwrap_or_else(|| key.to_owned());
        let target = match target {
            Target::Gateway(key) => Target::Gateway(id(key)),
            Target::Nat(key) => Target::Nat(id(key)),
            Target::Peering(key) => Target::Peering(id(key)),
            other => other.clone(),
        };
        let mut tables = self.state.route_tables.iter_mut();
        let routes = &mut tables.find(|t| t.id == table).unwrap().routes;
        let had = routes.len();
        routes.retain(|route| route.destination != to || route.propagated);
        let wanted = usize::from(operation != RouteOperation::Create);
        assert_eq!(had - routes.len(), wanted, "{operation:?} {to}");
        if operation != RouteOperation::Delete {
            routes.push(Route {
                target,
                ..via(to, "")
            });
        }
    }
}

/// A route to a gateway.
pub(super) fn via(destination: Ipv4Net, gateway: &str) -> Route {
    Route {
        destination,
        target: Target::Gateway(gateway.to_owned()),
        propagated: false,
        blackhole: false,
    }
}

pub(super) fn table(
    id: &str,
    net: MetaNetwork,
    zone: Option<&str>,
    subnets: &[&str],
) -> RouteTable {
    let association = |s: &&str| ((*s).to_owned(), format!("rtbassoc-{s}"));
    RouteTable {
        id: id.to_owned(),
        vpc_id: "vpc-1".to_owned(),
        net: Some(net),
        zone: zone.map(str::to_owned),
        main: false,
        associations: subnets.iter().map(association).collect(),
        routes: Vec::new(),
        propagating: BTreeSet::new(),
    }
}

pub(super) fn group(id: &str, name: &str, net: MetaNetwork) -> SecurityGroup {
    SecurityGroup {
        id: id.to_owned(),
        name: name.to_owned(),
        net: Some(net),
        grants: BTreeSet::new(),
        kept_grants: BTreeSet::new(),
        raw_ingress: Vec::new(),
        raw_egress: Vec::new(),
    }
}
