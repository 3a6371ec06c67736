//! The text form: sections of aligned columns, in a fixed order, without colours. Pure.

use super::model::{Environment, Metanetwork, NONE, PeeringSide, short_service};

/// Width that long lists are wrapped at.
const WIDTH: usize = 110;

/// The text, without a line break at its end.
pub fn text(env: &Environment) -> String {
    let mut out = vec![title(env)];
    let sections = [
        ("Metanetworks", metanetworks(env)),
        ("Subnets", subnets(env)),
        ("Routes out", routes(env)),
        ("Gateways", gateways(env)),
        ("Static addresses", interfaces(env)),
        ("DHCP options", dhcp(env)),
        ("Peerings", peerings(env)),
        ("Groups", groups(env)),
        ("Hosts", hosts(env)),
    ];
    for (title, lines) in sections {
        out.push(format!("\n{title}"));
        if lines.is_empty() {
            out.push("  none".to_owned());
        }
        out.extend(lines.into_iter().map(|line| format!("  {line}")));
    }
    out.join("\n")
}

fn title(env: &Environment) -> String {
    let default = if env.is_default {
        ", the default VPC"
    } else {
        ""
    };
    format!(
        "Environment {} of type {}: {} in {}, {}{default}",
        env.name,
        env.env_type,
        env.id,
        env.region,
        env.cidr_blocks.join(" "),
    )
}

/// Rows as lines: every column but the last padded to its widest cell.
fn table(rows: Vec<Vec<String>>) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let padded: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// `lead` and then the words, in lines of at most [`WIDTH`]; later lines are indented like the first.
fn wrapped(lead: &str, words: &str) -> Vec<String> {
    let indent = lead.chars().count();
    let mut lines = vec![lead.to_owned()];
    let mut room = WIDTH.saturating_sub(indent);
    for word in words.split(' ') {
        let length = word.chars().count() + 1;
        if length > room && room + indent < WIDTH {
            lines.push(" ".repeat(indent));
            room = WIDTH.saturating_sub(indent);
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
            line.push(' ');
        }
        room = room.saturating_sub(length);
    }
    lines
        .iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

fn metanetworks(env: &Environment) -> Vec<String> {
    let row = |net: &Metanetwork| {
        let group = net.security_group.as_ref();
        vec![
            net.name.clone(),
            net.cidr_block.clone().unwrap_or_else(|| NONE.to_owned()),
            group.map_or(NONE, |g| &g.id).to_owned(),
            group.map_or(NONE, |g| &g.name).to_owned(),
        ]
    };
    let heads = table(env.metanetworks.iter().map(row).collect());
    let mut lines = Vec::new();
    for (net, head) in env.metanetworks.iter().zip(heads) {
        lines.push(head);
        let rules = net.security_group.iter().flat_map(|group| &group.ingress);
        lines.extend(rules.flat_map(|rule| wrapped("    in: ", rule)));
    }
    lines
}

fn subnets(env: &Environment) -> Vec<String> {
    let rows = env.metanetworks.iter().flat_map(|net| {
        net.subnets.iter().map(|subnet| {
            vec![
                net.name.clone(),
                subnet.zone.clone(),
                subnet.cidr_block.clone(),
                subnet.id.clone(),
                subnet
                    .route_table_id
                    .clone()
                    .unwrap_or_else(|| NONE.to_owned()),
            ]
        })
    });
    table(rows.collect())
}

fn routes(env: &Environment) -> Vec<String> {
    let rows = env.metanetworks.iter().flat_map(|net| {
        let zones = net.zones();
        net.routes().into_iter().map(move |(route, own)| {
            let remarks = [
                (route.is_blackhole(), " (blackhole: the target is gone)"),
                (route.propagated, " (propagated)"),
            ];
            let remarks = remarks
                .iter()
                .filter(|(shown, _)| *shown)
                .map(|(_, text)| *text);
            vec![
                net.name.clone(),
                if own == zones {
                    "all zones".to_owned()
                } else {
                    own.join(" ")
                },
                route.destination.clone(),
                format!(
                    "{} {}{}",
                    route.target_text(),
                    route.target_id,
                    remarks.collect::<String>()
                ),
            ]
        })
    });
    table(rows.collect())
}

fn gateways(env: &Environment) -> Vec<String> {
    let row = |kind: &str, id: &str, what: String| vec![kind.to_owned(), id.to_owned(), what];
    let mut rows: Vec<Vec<String>> = Vec::new();
    let internet = env.internet_gateways.iter();
    rows.extend(internet.map(|g| row("internet gateway", &g.id, String::new())));
    for net in &env.metanetworks {
        for (subnet, nat) in net
            .subnets
            .iter()
            .flat_map(|s| s.nat_gateways.iter().map(move |n| (s, n)))
        {
            let ip = nat.public_ip.as_deref().unwrap_or("no public address");
            let what = format!("{ip} in {} {}, {}", net.name, subnet.zone, nat.state);
            rows.push(row("NAT gateway", &nat.id, what));
        }
    }
    rows.extend(
        env.vpn_gateways
            .iter()
            .map(|g| row("VPN gateway", &g.id, g.state.clone())),
    );
    rows.extend(env.endpoints.iter().map(|e| {
        let kind = format!("{} endpoint", short_service(&e.service));
        row(&kind, &e.id, format!("{} ({})", e.service, e.kind))
    }));
    table(rows)
}

fn interfaces(env: &Environment) -> Vec<String> {
    let rows = env.metanetworks.iter().flat_map(|net| {
        net.subnets.iter().flat_map(|subnet| {
            subnet.interfaces.iter().map(|interface| {
                let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| NONE.to_owned());
                vec![
                    net.name.clone(),
                    subnet.zone.clone(),
                    interface.private_ip.clone(),
                    dash(&interface.public_ip),
                    dash(&interface.hostclass),
                    interface.id.clone(),
                    interface
                        .instance_id
                        .clone()
                        .unwrap_or_else(|| "free".to_owned()),
                ]
            })
        })
    });
    table(rows.collect())
}

fn dhcp(env: &Environment) -> Vec<String> {
    let Some(set) = &env.dhcp_options else {
        return vec!["the defaults of AWS".to_owned()];
    };
    let options = set
        .options
        .iter()
        .map(|(key, values)| vec![key.clone(), values.join(" ")]);
    let id = vec!["set".to_owned(), set.id.clone()];
    table(std::iter::once(id).chain(options).collect())
}

fn peerings(env: &Environment) -> Vec<String> {
    let side = |side: &PeeringSide| {
        let name = if side.name == NONE {
            &side.vpc_id
        } else {
            &side.name
        };
        format!("{name} {}", side.cidr_block.as_deref().unwrap_or(NONE))
    };
    let rows = env.peerings.iter().map(|peering| {
        vec![
            peering.id.clone(),
            peering.status.clone(),
            side(&peering.requester),
            "asked".to_owned(),
            side(&peering.accepter),
        ]
    });
    table(rows.collect())
}

fn groups(env: &Environment) -> Vec<String> {
    let rows = env.groups.iter().map(|group| {
        vec![
            if group.hostclass.is_empty() {
                NONE
            } else {
                &group.hostclass
            }
            .to_owned(),
            group.name.clone(),
            format!("min {}", group.min_size),
            format!("desired {}", group.desired_capacity),
            format!("max {}", group.max_size),
            group.metanetworks.join(" "),
            if group.deleting { "being deleted" } else { "" }.to_owned(),
        ]
    });
    table(rows.collect())
}

fn hosts(env: &Environment) -> Vec<String> {
    let placed = env.metanetworks.iter().flat_map(|net| {
        let subnets = net.subnets.iter();
        subnets.flat_map(|s| s.hosts.iter().map(|h| (net.name.as_str(), h)))
    });
    let unplaced = env.unplaced_hosts.iter().map(|host| (NONE, host));
    let rows = placed.chain(unplaced).map(|(net, host)| {
        vec![
            net.to_owned(),
            host.availability_zone.clone(),
            host.class().to_owned(),
            host.instance_id.clone(),
            host.private_ip.clone().unwrap_or_else(|| NONE.to_owned()),
            host.state.clone(),
        ]
    });
    table(rows.collect())
}

#[cfg(test)]
mod tests;
