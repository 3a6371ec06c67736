//! The cards of the picture: what is written about each thing, and how much of it. Pure.

use super::card::{Align, Card, Row, Span, clip};
use super::scene::{BODY, BOLD, Font, HEAD, Ink, Look, SMALL, Tone};
use crate::overview::model::{
    Environment, Group, Host, Metanetwork, NONE, Peering, Route, RouteTarget, Subnet, short_service,
};
use std::collections::BTreeMap;

/// A hostclass with at most so many hosts in a subnet shows each of them,
const HOSTS_PER_CLASS: usize = 3;
/// as long as the subnet has no more than this.
const HOSTS_PER_SUBNET: usize = 24;
/// Longest line in the label of a metanetwork.
const LABEL: usize = 42;
/// Rules in the label of a metanetwork.
const RULES: usize = 5;
/// Static addresses in a subnet.
const ADDRESSES: usize = 6;
/// Routes of a metanetwork.
const ROUTES: usize = 16;

fn strong(text: &str, font: Font) -> Span {
    Span::new(text, font, Ink::Strong)
}

fn muted(text: &str) -> Span {
    Span::new(text, SMALL, Ink::Muted)
}

/// Colours of a metanetwork.
pub(super) fn tone(net: &str) -> Tone {
    match net {
        "intranet" => Tone::Intranet,
        "tunnel" => Tone::Tunnel,
        "dmz" => Tone::Dmz,
        "maintenance" => Tone::Maintenance,
        _ => Tone::Other,
    }
}

/// Heading of a column.
pub(super) fn heading(text: &str) -> Card {
    let span = Span::new(text, BOLD, Ink::Muted).at(Align::Middle);
    Card::chip(Look::Heading, vec![span])
}

/// Label of a metanetwork: name, block, group and what that lets in.
pub(super) fn label(net: &Metanetwork) -> Card {
    let name = if net.name == NONE {
        "no metanetwork"
    } else {
        &net.name
    };
    let light = |text: &str, font| Span::new(text, font, Ink::Light);
    let card = Card::new(Look::Label(tone(&net.name))).line(vec![light(name, HEAD)]);
    let card = match &net.cidr_block {
        Some(block) => card.line(vec![light(block, BODY)]),
        None => card,
    };
    let Some(group) = &net.security_group else {
        return card;
    };
    let mut card = card
        .hover(format!(
            "{} {}\n{}",
            group.name,
            group.id,
            group.ingress.join("\n")
        ))
        .line(vec![light(&group.id, SMALL)])
        .row(Row::Gap(8))
        .line(vec![light(
            if group.ingress.is_empty() {
                "lets nothing in"
            } else {
                "lets in"
            },
            BOLD,
        )]);
    for rule in group.ingress.iter().take(RULES) {
        let parts = rule
            .split_once(" from ")
            .filter(|_| rule.chars().count() > LABEL);
        let lines = match parts {
            Some((what, from)) => vec![
                clip(what, LABEL),
                clip(&format!("\u{a0}\u{a0}from {from}"), LABEL),
            ],
            None => vec![clip(rule, LABEL)],
        };
        card = card.rows(
            lines
                .iter()
                .map(|text| Row::Line(vec![light(text, SMALL)], None)),
        );
    }
    more(card, group.ingress.len(), RULES, "rules", Ink::Light)
}

/// Says that a list has been cut.
fn more(card: Card, count: usize, shown: usize, what: &str, ink: Ink) -> Card {
    if count <= shown {
        return card;
    }
    let text = format!("and {} more {what}", count - shown);
    card.line(vec![Span::new(&text, SMALL, ink)])
}

/// A subnet and what is in it.
pub(super) fn subnet(net: &str, subnet: &Subnet) -> Card {
    let mut card = Card::new(Look::Subnet(tone(net)))
        .hover(format!("{} in {}", subnet.id, subnet.zone))
        .line(vec![strong(&subnet.cidr_block, BOLD)])
        .line(vec![muted(&subnet.id)]);
    for nat in &subnet.nat_gateways {
        let ip = nat.public_ip.as_deref().unwrap_or("no address");
        let mut id = vec![muted(&nat.id)];
        if nat.state != "available" {
            id.push(Span::new(&nat.state, SMALL, Ink::Waiting).at(Align::Right));
        }
        let own = Card::new(Look::Way(RouteTarget::NatGateway))
            .hover(format!("NAT gateway {} {}", nat.id, nat.state))
            .line(vec![
                strong("NAT gateway", BOLD),
                strong(ip, BODY).at(Align::Right),
            ])
            .line(id);
        card = card.card(own);
    }
    if !subnet.interfaces.is_empty() {
        card = card.card(static_addresses(subnet));
    }
    let mut classes: BTreeMap<&str, Vec<&Host>> = BTreeMap::new();
    for host in &subnet.hosts {
        classes.entry(host.class()).or_default().push(host);
    }
    let few = subnet.hosts.len() <= HOSTS_PER_SUBNET;
    for (class, hosts) in classes {
        card = card.card(hostclass(
            class,
            &hosts,
            few && hosts.len() <= HOSTS_PER_CLASS,
        ));
    }
    card
}

fn static_addresses(subnet: &Subnet) -> Card {
    let word = match subnet.interfaces.len() {
        1 => "static address",
        _ => "static addresses",
    };
    let mut card = Card::new(Look::Reserved).line(vec![muted(word)]);
    let mut hover = Vec::new();
    for interface in &subnet.interfaces {
        let holder = interface.instance_id.as_deref().unwrap_or("free");
        hover.push(format!(
            "{} {} {holder}",
            interface.private_ip, interface.id
        ));
    }
    for interface in subnet.interfaces.iter().take(ADDRESSES) {
        let class = strong(interface.hostclass.as_deref().unwrap_or(NONE), BODY);
        card = card.line(vec![
            class,
            strong(&interface.private_ip, SMALL).at(Align::Right),
        ]);
        if let Some(ip) = &interface.public_ip {
            card = card.line(vec![
                muted("elastic IP"),
                strong(ip, SMALL).at(Align::Right),
            ]);
        }
    }
    more(
        card,
        subnet.interfaces.len(),
        ADDRESSES,
        "addresses",
        Ink::Muted,
    )
    .hover(hover.join("\n"))
}

fn state_ink(state: &str) -> Ink {
    match state {
        "running" => Ink::Good,
        _ => Ink::Waiting,
    }
}

fn hostclass(class: &str, hosts: &[&Host], detailed: bool) -> Card {
    let count = format!("×{}", hosts.len());
    let hover = hosts.iter().map(|host| {
        let ip = host.private_ip.as_deref().unwrap_or(NONE);
        format!(
            "{} {ip} {} {}",
            host.instance_id, host.instance_type, host.state
        )
    });
    let card = Card::new(Look::Hosts)
        .hover(format!("{class}\n{}", hover.collect::<Vec<_>>().join("\n")))
        .line(vec![
            strong(class, BOLD),
            strong(&count, BOLD).at(Align::Right),
        ]);
    if detailed {
        let line = |host: &&Host| {
            let mut spans = vec![muted(&host.instance_id)];
            if host.state != "running" {
                spans.push(Span::new(&host.state, SMALL, Ink::Waiting));
            }
            let ip = host.private_ip.as_deref().unwrap_or(NONE);
            spans.push(strong(ip, SMALL).at(Align::Right));
            Row::Line(spans, Some(state_ink(&host.state)))
        };
        return card.rows(hosts.iter().map(line));
    }
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for host in hosts {
        *states.entry(host.state.as_str()).or_default() += 1;
    }
    let line = |(state, count): (&str, usize)| {
        let text = format!("{count} {state}");
        Row::Line(vec![muted(&text)], Some(state_ink(state)))
    };
    card.rows(states.into_iter().map(line))
}

/// Where a zone has no subnet of the metanetwork.
pub(super) fn absent() -> Card {
    Card::new(Look::Absent).line(vec![muted("no subnet").at(Align::Middle)])
}

/// The routes out of a metanetwork, each an anchor by its target.
pub(super) fn routes(env: &Environment, net: &Metanetwork) -> Card {
    let (routes, zones) = (net.routes(), net.zones());
    let mut card = Card::new(Look::Plain).bare();
    for (route, own) in routes.iter().take(ROUTES) {
        let zones = if *own == zones {
            "all zones".to_owned()
        } else {
            let short: Vec<&str> = own.iter().map(|z| short_zone(&env.region, z)).collect();
            short.join(" ")
        };
        card = card.card(way(route, &zones));
    }
    if routes.is_empty() {
        card = card.line(vec![muted("no routes out")]);
    }
    more(card, routes.len(), ROUTES, "routes", Ink::Muted)
}

/// `a` of `us-west-2a` in its region, else the whole name.
fn short_zone<'a>(region: &str, zone: &'a str) -> &'a str {
    zone.strip_prefix(region)
        .filter(|rest| !rest.is_empty())
        .unwrap_or(zone)
}

fn way(route: &Route, zones: &str) -> Card {
    let destination = match route.target {
        RouteTarget::Endpoint => short_service(&route.destination),
        _ => &route.destination,
    };
    let ink = if route.is_blackhole() {
        Ink::Alert
    } else {
        Ink::Strong
    };
    let remark = match (route.is_blackhole(), route.propagated) {
        (true, _) => " (gone)",
        (_, true) => " (learned)",
        _ => "",
    };
    let text = format!("{destination} → {}{remark}", route.target_text());
    let zones = muted(zones).at(Align::Right);
    Card::chip(
        Look::Way(route.target),
        vec![Span::new(&text, BODY, ink), zones],
    )
    .hover(format!(
        "{} {} {}",
        route.destination, route.target_id, route.state
    ))
    .anchor(&route.target_id)
}

/// A way out of the VPC: its gateway and what is beyond.
pub(super) struct Exit {
    pub(super) id: String,
    pub(super) kind: RouteTarget,
    pub(super) inside: Card,
    pub(super) beyond: Card,
    /// It does not work (yet).
    pub(super) dashed: bool,
}

fn exit(
    kind: RouteTarget,
    id: &str,
    name: &str,
    state: &str,
    working: &str,
    beyond: &[&str],
) -> Exit {
    let ink = if state == working {
        Ink::Good
    } else {
        Ink::Waiting
    };
    let mut head = vec![strong(name, BOLD)];
    if !state.is_empty() {
        head.push(Span::new(state, SMALL, ink).at(Align::Right));
    }
    let mut outside = Card::new(Look::Beyond(kind));
    for (index, text) in beyond.iter().enumerate() {
        outside = outside.line(vec![if index == 0 {
            strong(text, BOLD)
        } else {
            muted(text)
        }]);
    }
    Exit {
        id: id.to_owned(),
        kind,
        inside: Card::new(Look::Way(kind))
            .hover(format!("{name} {id} {state}"))
            .line(head)
            .line(vec![muted(id)]),
        beyond: outside.hover(beyond.join("\n")),
        dashed: state != working,
    }
}

/// All ways out of the VPC, in the order of the picture.
pub(super) fn exits(env: &Environment) -> Vec<Exit> {
    let internet = env.internet_gateways.iter().map(|g| {
        let kind = RouteTarget::InternetGateway;
        exit(
            kind,
            &g.id,
            "internet gateway",
            "",
            "",
            &["Internet", "everybody"],
        )
    });
    let vpn = env.vpn_gateways.iter().map(|g| {
        let beyond = ["VPN", "own data centres"];
        exit(
            RouteTarget::VpnGateway,
            &g.id,
            "VPN gateway",
            &g.state,
            "attached",
            &beyond,
        )
    });
    let endpoints = env.endpoints.iter().map(|e| {
        let name = format!("{} endpoint", short_service(&e.service));
        let beyond = [short_service(&e.service), &e.service];
        exit(RouteTarget::Endpoint, &e.id, &name, "", "", &beyond)
    });
    let peerings = env.peerings.iter().map(peering);
    internet
        .chain(vpn)
        .chain(endpoints)
        .chain(peerings)
        .collect()
}

fn peering(peering: &Peering) -> Exit {
    let peer = &peering.peer;
    let name = if peer.name == NONE {
        "untagged VPC"
    } else {
        &peer.name
    };
    let name = match peer.env_type.as_str() {
        NONE => name.to_owned(),
        kind => format!("{name} ({kind})"),
    };
    let cidr = peer.cidr_block.as_deref().unwrap_or("block unknown");
    let beyond = [name.as_str(), cidr, &peer.vpc_id];
    exit(
        RouteTarget::Peering,
        &peering.id,
        "peering",
        &peering.status,
        "active",
        &beyond,
    )
}

/// Rows of the DHCP options.
pub(super) fn dhcp(env: &Environment) -> Card {
    let card = Card::new(Look::Panel).line(vec![strong("DHCP options", BOLD)]);
    let Some(set) = &env.dhcp_options else {
        return card.line(vec![muted("the defaults of AWS")]);
    };
    let option = |(key, values): (&String, &Vec<String>)| {
        let value = strong(&values.join(" "), SMALL).at(Align::Right);
        Row::Line(vec![muted(key), value], None)
    };
    card.line(vec![muted(&set.id)])
        .rows(set.options.iter().map(option))
}

/// A group as a chip: hostclass, then smallest, wanted and largest size.
pub(super) fn group(group: &Group) -> Card {
    let class = if group.hostclass.is_empty() {
        &group.name
    } else {
        &group.hostclass
    };
    let sizes = format!(
        "{} / {} / {}",
        group.min_size, group.desired_capacity, group.max_size
    );
    let ink = if group.deleting {
        Ink::Alert
    } else {
        Ink::Strong
    };
    Card::chip(
        Look::Hosts,
        vec![
            Span::new(class, BODY, ink),
            strong(&sizes, SMALL).at(Align::Right),
        ],
    )
    .hover(format!(
        "{}{}",
        group.name,
        if group.deleting {
            " is being deleted"
        } else {
            ""
        }
    ))
}

/// A host outside of all subnets.
pub(super) fn stray(host: &Host) -> Card {
    let spans = vec![
        strong(host.class(), BODY),
        muted(&host.instance_id).at(Align::Right),
    ];
    Card::chip(Look::Hosts, spans).hover(format!("{} {}", host.instance_id, host.state))
}

/// A panel of chips below the bands.
pub(super) fn panel(title: &str, chips: Vec<Card>, columns: usize) -> Card {
    let card = Card::new(Look::Panel).line(vec![strong(title, BOLD)]);
    if chips.is_empty() {
        return card.line(vec![muted("none")]);
    }
    card.row(Row::Gap(8)).row(Row::Grid(chips, columns))
}

/// The legend.
pub(super) fn legend() -> Vec<Card> {
    let ways = [
        (RouteTarget::InternetGateway, "to the internet"),
        (RouteTarget::NatGateway, "through a NAT gateway"),
        (RouteTarget::VpnGateway, "to the VPN"),
        (RouteTarget::Endpoint, "to a service of AWS"),
        (RouteTarget::Peering, "to another environment"),
    ];
    let way = |(kind, text)| Card::chip(Look::Way(kind), vec![strong(text, SMALL)]);
    let dot = |ink, text| {
        let line = Row::Line(vec![strong(text, SMALL)], Some(ink));
        Card::chip_of(Look::Hosts, line)
    };
    let mut cards: Vec<Card> = ways.into_iter().map(way).collect();
    cards.push(dot(Ink::Good, "host is running"));
    cards.push(dot(Ink::Waiting, "host is not running"));
    cards.push(Card::chip(
        Look::Reserved,
        vec![strong("kept static address", SMALL)],
    ));
    cards
}
