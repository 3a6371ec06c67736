//! From what AWS answered to the model: what belongs to which metanetwork, zone and subnet. Pure.

use super::model::{
    DhcpOptions, Endpoint, Environment, Group, Host, Interface, InternetGateway, Metanetwork, NONE,
    NatGateway, Peering, PeeringSide, Route, RouteTarget, SecurityGroup, Subnet, VpnGateway,
};
use crate::environment::contents::{self, Contents, Table};
use crate::environment::{self, Target, Vpc};
use crate::network::{MetaNetwork, enclosing};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// What AWS answered.
pub(super) struct Sources<'a> {
    pub(super) region: &'a str,
    pub(super) vpc: &'a Vpc,
    /// All VPCs of the region.
    pub(super) vpcs: &'a [Vpc],
    pub(super) contents: &'a Contents,
    /// All peerings of the region.
    pub(super) peerings: &'a [environment::Peering],
    pub(super) groups: &'a [crate::group::Group],
    pub(super) hosts: &'a [crate::host::Host],
}

/// The model.
pub(super) fn assemble(from: &Sources<'_>) -> Environment {
    let (contents, vpc) = (from.contents, from.vpc);
    Environment {
        name: vpc.name.clone(),
        env_type: vpc.env_type.clone(),
        id: vpc.id.clone(),
        region: from.region.to_owned(),
        cidr_block: vpc.cidr_block.clone(),
        cidr_blocks: vpc.cidr_blocks.clone(),
        is_default: vpc.is_default,
        tags: vpc.tags.clone(),
        metanetworks: metanetworks(from),
        unplaced_hosts: sorted_hosts(hosts_in(from, None)),
        internet_gateways: sorted(&contents.internet_gateways)
            .map(|id| InternetGateway { id: id.clone() })
            .collect(),
        vpn_gateways: by_key(&contents.vpn_gateways, |g| &g.id)
            .map(|g| VpnGateway {
                id: g.id.clone(),
                state: g.state.clone(),
            })
            .collect(),
        endpoints: by_key(&contents.endpoints, |e| (&e.service, &e.id))
            .map(|e| Endpoint {
                id: e.id.clone(),
                service: e.service.clone(),
                kind: e.kind.clone(),
            })
            .collect(),
        dhcp_options: contents.dhcp.as_ref().map(|set| DhcpOptions {
            id: set.id.clone(),
            options: set.options.clone(),
        }),
        peerings: peerings(from),
        groups: groups(from),
    }
}

fn sorted(items: &[String]) -> impl Iterator<Item = &String> {
    by_key(items, |item| item)
}

/// The items in the order of a key: AWS promises none.
fn by_key<'a, T, K: Ord>(items: &'a [T], key: impl Fn(&'a T) -> K) -> std::vec::IntoIter<&'a T> {
    let mut items: Vec<&T> = items.iter().collect();
    items.sort_by_key(|item| key(item));
    items.into_iter()
}

/// The table that counts for a subnet: its own or shared one, else the VPC's main one.
fn table_of<'a>(contents: &'a Contents, subnet_id: &str) -> Option<&'a Table> {
    let own = contents
        .tables
        .iter()
        .find(|t| t.subnets.contains(subnet_id));
    own.or_else(|| contents.tables.iter().find(|t| t.main))
}

/// Metanetwork of a subnet by its tag, else by the table that it uses: in the old layout only that may be tagged.
fn net_of(contents: &Contents, subnet: &environment::Subnet) -> Option<MetaNetwork> {
    subnet.net.or_else(|| table_of(contents, &subnet.id)?.net)
}

fn metanetworks(from: &Sources<'_>) -> Vec<Metanetwork> {
    let contents = from.contents;
    let mut own: BTreeMap<Option<MetaNetwork>, Vec<&environment::Subnet>> = BTreeMap::new();
    for subnet in by_key(&contents.subnets, |s| (&s.zone, s.cidr, &s.id)) {
        own.entry(net_of(contents, subnet))
            .or_default()
            .push(subnet);
    }
    for net in contents
        .security_groups
        .iter()
        .filter_map(|group| group.net)
    {
        own.entry(Some(net)).or_default();
    }
    let rest = own.remove(&None).map(|subnets| (None, subnets));
    let convert = |(net, subnets): (Option<MetaNetwork>, Vec<&environment::Subnet>)| {
        let blocks: Vec<_> = subnets.iter().map(|s| s.cidr).collect();
        let group = |net| contents.security_groups.iter().find(|g| g.net == Some(net));
        let subnet = |s: &&environment::Subnet| subnet(from, s);
        Metanetwork {
            name: net.map_or(NONE, MetaNetwork::as_str).to_owned(),
            cidr_block: net
                .and_then(|_| enclosing(&blocks))
                .map(|block| block.to_string()),
            security_group: net.and_then(group).map(|group| SecurityGroup {
                id: group.id.clone(),
                name: group.name.clone(),
                ingress: short_ingress(&group.ingress),
            }),
            subnets: subnets.iter().map(subnet).collect(),
        }
    };
    own.into_iter().chain(rest).map(convert).collect()
}

/// Grants that differ only in ports or only in the source become one text: `tcp 22,8000-8010 from dmz, intranet`.
fn short_ingress(grants: &BTreeSet<String>) -> Vec<String> {
    let mut sources: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for grant in grants {
        let (what, source) = grant.split_once(" from ").unwrap_or((grant, NONE));
        let (protocol, ports) = match what.split_once(' ') {
            // The number of a protocol is part of its name, it is no port.
            Some(("protocol", _)) | None => (what, ""),
            Some(parts) => parts,
        };
        sources.entry((protocol, ports)).or_default().insert(source);
    }
    let mut ports: BTreeMap<(&str, BTreeSet<&str>), Vec<&str>> = BTreeMap::new();
    for ((protocol, port), sources) in sources {
        ports.entry((protocol, sources)).or_default().push(port);
    }
    let first = |port: &str| {
        let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().unwrap_or(0)
    };
    let line = |((protocol, sources), mut ports): ((&str, BTreeSet<&str>), Vec<&str>)| {
        ports.sort_by_key(|port| first(port));
        let what = format!("{protocol} {}", ports.join(","));
        let from: Vec<&str> = sources.into_iter().collect();
        format!("{} from {}", what.trim_end(), from.join(", "))
    };
    ports.into_iter().map(line).collect()
}

fn subnet(from: &Sources<'_>, subnet: &environment::Subnet) -> Subnet {
    let contents = from.contents;
    let table = table_of(contents, &subnet.id);
    let nats = by_key(&contents.nat_gateways, |n| &n.id).filter(|n| n.subnet_id == subnet.id);
    let address = |i: &contents::ReservedInterface| i.address.parse::<Ipv4Addr>().ok();
    let interfaces = by_key(&contents.interfaces, |i| (address(i), &i.id));
    let interfaces = interfaces.filter(|i| i.subnet_id == subnet.id);
    Subnet {
        id: subnet.id.clone(),
        zone: subnet.zone.clone(),
        cidr_block: subnet.cidr.to_string(),
        route_table_id: table.map(|t| t.id.clone()),
        routes: table.map(|t| routes(from, t)).unwrap_or_default(),
        nat_gateways: nats
            .map(|n| NatGateway {
                id: n.id.clone(),
                state: n.state.clone(),
                public_ip: n.address.map(|ip| ip.to_string()),
            })
            .collect(),
        interfaces: interfaces.map(|i| interface(&from.vpc.name, i)).collect(),
        hosts: sorted_hosts(hosts_in(from, Some(&subnet.id))),
    }
}

fn interface(env: &str, interface: &contents::ReservedInterface) -> Interface {
    let of_env = |name: &String| {
        let rest = name.strip_prefix(env)?.strip_prefix('-')?;
        (!rest.is_empty()).then(|| rest.to_owned())
    };
    Interface {
        id: interface.id.clone(),
        private_ip: interface.address.clone(),
        public_ip: interface.public_ip.clone(),
        hostclass: interface.name.as_ref().and_then(of_env),
        instance_id: interface.instance_id.clone(),
    }
}

/// The routes of a table, by destination and target, then those to endpoints.
fn routes(from: &Sources<'_>, table: &Table) -> Vec<Route> {
    let mut routes: Vec<Route> = table.routes.iter().map(|r| route(from, r)).collect();
    let block = |route: &Route| route.destination.parse::<ipnet::Ipv4Net>().ok();
    routes.sort_by_cached_key(|route| (block(route), route.clone()));
    let endpoints = by_key(&from.contents.endpoints, |e| (&e.service, &e.id));
    routes.extend(
        endpoints
            .filter(|e| e.tables.contains(&table.id))
            .map(|e| Route {
                destination: e.service.clone(),
                target: RouteTarget::Endpoint,
                target_id: e.id.clone(),
                state: "active".to_owned(),
                ..Route::default()
            }),
    );
    routes
}

fn route(from: &Sources<'_>, route: &contents::Route) -> Route {
    let (target, name) = match &route.target {
        Target::Gateway(id) if id.starts_with("vgw-") => (RouteTarget::VpnGateway, None),
        Target::Gateway(id) if id.starts_with("vpce-") => (RouteTarget::Endpoint, None),
        Target::Gateway(_) => (RouteTarget::InternetGateway, None),
        Target::Nat(id) => {
            let gateway = from.contents.nat_gateways.iter().find(|n| n.id == *id);
            let address = gateway.and_then(|n| n.address);
            (RouteTarget::NatGateway, address.map(|a| a.to_string()))
        }
        Target::Peering(id) => {
            let peering = from.peerings.iter().find(|p| p.id == *id);
            let peer = peering.map(|p| side(from, other_side(from, p)));
            (RouteTarget::Peering, peer.map(|side| display_name(&side)))
        }
        Target::Instance(_) => (RouteTarget::Instance, None),
        Target::Interface(_) => (RouteTarget::Interface, None),
        Target::Other(_) => (RouteTarget::Other, None),
    };
    Route {
        destination: route.destination.clone(),
        target,
        target_id: route.target.key().to_owned(),
        target_name: name,
        state: if route.blackhole {
            "blackhole"
        } else {
            "active"
        }
        .to_owned(),
        propagated: route.propagated,
    }
}

/// Name of the environment, else the VPC's id.
fn display_name(side: &PeeringSide) -> String {
    if side.name == NONE {
        &side.vpc_id
    } else {
        &side.name
    }
    .clone()
}

fn other_side<'a>(
    from: &Sources<'_>,
    peering: &'a environment::Peering,
) -> &'a environment::PeeringSide {
    if peering.requester.vpc_id == from.vpc.id {
        &peering.accepter
    } else {
        &peering.requester
    }
}

fn side(from: &Sources<'_>, side: &environment::PeeringSide) -> PeeringSide {
    let vpc = from.vpcs.iter().find(|vpc| vpc.id == side.vpc_id);
    let named = |text: Option<&String>| text.cloned().unwrap_or_else(|| NONE.to_owned());
    PeeringSide {
        vpc_id: side.vpc_id.clone(),
        name: named(vpc.map(|vpc| &vpc.name)),
        env_type: named(vpc.map(|vpc| &vpc.env_type)),
        cidr_block: side
            .cidr
            .map(|cidr| cidr.to_string())
            .or_else(|| vpc.map(|vpc| vpc.cidr_block.clone())),
    }
}

fn peerings(from: &Sources<'_>) -> Vec<Peering> {
    let of_vpc = |p: &&environment::Peering| {
        [&p.requester, &p.accepter]
            .into_iter()
            .any(|s| s.vpc_id == from.vpc.id)
    };
    let convert = |p: &environment::Peering| Peering {
        id: p.id.clone(),
        status: p.status.clone(),
        status_message: p.status_message.clone(),
        requester: side(from, &p.requester),
        accepter: side(from, &p.accepter),
        peer: side(from, other_side(from, p)),
    };
    let mut found: Vec<Peering> = from.peerings.iter().filter(of_vpc).map(convert).collect();
    found.sort_by_cached_key(|p| (display_name(&p.peer), p.id.clone()));
    found
}

/// The groups of the environment. Of two VPCs of one name each has those whose subnets it has.
fn groups(from: &Sources<'_>) -> Vec<Group> {
    let nets: BTreeMap<&str, Option<MetaNetwork>> = from
        .contents
        .subnets
        .iter()
        .map(|s| (s.id.as_str(), net_of(from.contents, s)))
        .collect();
    let here = |group: &&crate::group::Group| {
        let mut subnets = group.subnets().peekable();
        subnets.peek().is_none() || subnets.any(|id| nets.contains_key(id))
    };
    let convert = |group: &crate::group::Group| {
        let own: BTreeSet<MetaNetwork> = group.subnets().filter_map(|id| *nets.get(id)?).collect();
        Group {
            hostclass: group.hostclass(&from.vpc.name).to_owned(),
            name: group.name.clone(),
            kind: group.kind.to_string(),
            min_size: group.min_size,
            desired_capacity: group.desired_capacity,
            max_size: group.max_size,
            metanetworks: own.into_iter().map(|net| net.to_string()).collect(),
            deleting: group.deleting,
        }
    };
    let mut groups: Vec<Group> = from.groups.iter().filter(here).map(convert).collect();
    groups.sort_by(|a, b| (&a.hostclass, &a.name).cmp(&(&b.hostclass, &b.name)));
    groups
}

/// The hosts that are not terminated and whose address lies in the subnet, or in none at all.
fn hosts_in<'a>(
    from: &Sources<'a>,
    subnet_id: Option<&str>,
) -> impl Iterator<Item = &'a crate::host::Host> {
    let subnets = &from.contents.subnets;
    from.hosts.iter().filter(move |host| {
        let address = host
            .private_ip
            .as_ref()
            .and_then(|ip| ip.parse::<Ipv4Addr>().ok());
        let subnet = address.and_then(|a| subnets.iter().find(|s| s.cidr.contains(&a)));
        !host.is_terminated() && subnet.map(|s| s.id.as_str()) == subnet_id
    })
}

fn sorted_hosts<'a>(hosts: impl Iterator<Item = &'a crate::host::Host>) -> Vec<Host> {
    let convert = |host: &crate::host::Host| Host {
        instance_id: host.id.clone(),
        hostclass: host.hostclass().map(str::to_owned),
        private_ip: host.private_ip.clone(),
        public_ip: host.public_ip.clone(),
        state: host.state.clone(),
        instance_type: host.instance_type.clone(),
        availability_zone: host.zone.clone(),
        group_name: host.group().map(str::to_owned),
    };
    let mut hosts: Vec<Host> = hosts.map(convert).collect();
    hosts.sort_by(|a, b| (a.class(), &a.instance_id).cmp(&(b.class(), &b.instance_id)));
    hosts
}

#[cfg(test)]
mod tests;
