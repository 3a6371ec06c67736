//! The Graphviz form: a cluster per metanetwork and zone, nodes for subnets and gateways, edges for routes. Pure.

use super::model::{Environment, Metanetwork, NONE, RouteTarget, Subnet, short_service};
use std::collections::BTreeMap;

/// The graph in the language of `dot`.
pub fn dot(env: &Environment) -> String {
    let mut out = vec![
        "digraph environment {".to_owned(),
        "  rankdir=LR;".to_owned(),
        "  node [shape=box, fontname=\"monospace\", fontsize=10];".to_owned(),
        "  edge [fontname=\"monospace\", fontsize=9];".to_owned(),
        "  graph [fontname=\"monospace\", fontsize=12, labeljust=l];".to_owned(),
        format!("  subgraph {} {{", quoted(&["cluster ", &env.id])),
        format!("    label={};", label(&[&heading(env)])),
    ];
    for net in &env.metanetworks {
        out.extend(metanetwork(net));
    }
    out.extend(gateways(env));
    out.push("  }".to_owned());
    out.extend(outside(env));
    out.extend(routes(env));
    out.push("}".to_owned());
    out.join("\n")
}

/// A quoted string: `"` and `\` are the only characters that mean something in it; line breaks would end up in it.
fn quoted(parts: &[&str]) -> String {
    format!(
        "\"{}\"",
        parts.iter().map(|part| escaped(part)).collect::<String>()
    )
}

/// The lines of a label, each left-aligned.
fn label(lines: &[&str]) -> String {
    let lines: Vec<String> = lines
        .iter()
        .map(|line| format!("{}\\l", escaped(line)))
        .collect();
    format!("\"{}\"", lines.concat())
}

fn escaped(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.chars().map(clean).collect();
    // `&` may begin an entity such as `&amp;`.
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('&', "&amp;")
}

fn heading(env: &Environment) -> String {
    format!(
        "{} ({}) {} {} {}",
        env.name,
        env.env_type,
        env.id,
        env.region,
        env.cidr_blocks.join(" ")
    )
}

fn metanetwork(net: &Metanetwork) -> Vec<String> {
    let cidr = net.cidr_block.as_deref().unwrap_or(NONE);
    let group = net.security_group.as_ref().map_or(NONE, |group| &group.id);
    let title = format!("{} {cidr} {group}", net.name);
    let mut out = vec![
        format!("    subgraph {} {{", quoted(&["cluster net ", &net.name])),
        format!("      label={};", label(&[&title])),
    ];
    for zone in net.zones() {
        out.push(format!(
            "      subgraph {} {{",
            quoted(&["cluster net ", &net.name, " ", zone])
        ));
        out.push(format!("        label={};", label(&[zone])));
        for own in net.subnets.iter().filter(|subnet| subnet.zone == zone) {
            out.extend(subnet(own));
        }
        out.push("      }".to_owned());
    }
    if net.subnets.is_empty() {
        // A cluster without nodes is not drawn.
        let id = quoted(&["no subnets ", &net.name]);
        out.push(format!(
            "      {id} [shape=plaintext, label={}];",
            label(&["no subnets"])
        ));
    }
    out.push("    }".to_owned());
    out
}

fn subnet(subnet: &Subnet) -> Vec<String> {
    let mut lines = vec![subnet.cidr_block.clone(), subnet.id.clone()];
    let mut hosts: BTreeMap<&str, usize> = BTreeMap::new();
    for host in &subnet.hosts {
        *hosts.entry(host.class()).or_default() += 1;
    }
    lines.extend(
        hosts
            .into_iter()
            .map(|(class, count)| format!("{class} ×{count}")),
    );
    lines.extend(subnet.interfaces.iter().map(|interface| {
        let class = interface.hostclass.as_deref().unwrap_or(NONE);
        format!("{} kept for {class}", interface.private_ip)
    }));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut out = vec![format!(
        "        {} [label={}];",
        quoted(&[&subnet.id]),
        label(&lines)
    )];
    out.extend(subnet.nat_gateways.iter().map(|nat| {
        let ip = nat.public_ip.as_deref().unwrap_or(NONE);
        let text = label(&["NAT gateway", ip, &nat.id, &nat.state]);
        format!(
            "        {} [shape=house, label={text}];",
            quoted(&[&nat.id])
        )
    }));
    out
}

fn gateways(env: &Environment) -> Vec<String> {
    let node = |id: &str, lines: &[&str]| {
        format!(
            "    {} [shape=hexagon, label={}];",
            quoted(&[id]),
            label(lines)
        )
    };
    let internet = env
        .internet_gateways
        .iter()
        .map(|g| node(&g.id, &["internet gateway", &g.id]));
    let vpn = env
        .vpn_gateways
        .iter()
        .map(|g| node(&g.id, &["VPN gateway", &g.id, &g.state]));
    let endpoints = env.endpoints.iter().map(|e| {
        let title = format!("{} endpoint", short_service(&e.service));
        node(&e.id, &[&title, &e.id])
    });
    internet.chain(vpn).chain(endpoints).collect()
}

fn outside(env: &Environment) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for peering in &env.peerings {
        let peer = &peering.peer;
        let cidr = peer.cidr_block.as_deref().unwrap_or(NONE);
        let lines = [
            peer.name.as_str(),
            &peer.vpc_id,
            cidr,
            &peering.id,
            &peering.status,
        ];
        let style = if peering.status == "active" {
            "solid"
        } else {
            "dashed"
        };
        let text = label(&lines);
        let id = quoted(&[&peering.id]);
        out.push(format!(
            "  {id} [shape=box3d, style={style}, label={text}];"
        ));
    }
    out
}

/// One edge per subnet and target, labelled with the destinations. Targets that have no node get one by their id.
fn routes(env: &Environment) -> Vec<String> {
    let mut out = Vec::new();
    for subnet in env.metanetworks.iter().flat_map(|net| &net.subnets) {
        let mut targets: BTreeMap<(RouteTarget, &str, bool), Vec<&str>> = BTreeMap::new();
        for route in &subnet.routes {
            let key = (route.target, route.target_id.as_str(), route.is_blackhole());
            targets.entry(key).or_default().push(&route.destination);
        }
        for ((_, target, blackhole), destinations) in targets {
            let style = if blackhole { ", style=dotted" } else { "" };
            let (from, to) = (quoted(&[&subnet.id]), quoted(&[target]));
            out.push(format!(
                "  {from} -> {to} [label={}{style}];",
                label(&destinations)
            ));
        }
    }
    out
}

#[cfg(test)]
mod tests;
