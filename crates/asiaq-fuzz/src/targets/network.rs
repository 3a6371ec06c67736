//! Networks: allocation, rules, routes, addresses, and ports of balancers.

use super::{must, text};
use crate::{Rng, Signature, Target};
use asiaq_core::network::listener::{Inference, Side, checked, mappings, sides, sides_by};
use asiaq_core::network::{
    CidrChoice, MetaNetwork, Rule, allocate_metanetworks, allocate_vpc, bits_for, desired_grants,
    desired_routes, diff_grants, diff_routes, enclosing, lists, overlap, pair_addresses,
    parse_cidr, parse_cidr4, parse_routes, resolve_address, split, subnet_containing,
};
use ipnet::Ipv4Net;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

const CIDRS: &[&str] = &[
    "10.0.0.0/16",
    "10.0.0.0/8",
    "0.0.0.0/0",
    "255.255.255.255/32",
    "10.0.0.1/20",
    "172.16.0.0/12",
    "auto",
    "/",
    "/16",
    "/28",
    "/32",
    "/33",
    "::/0",
    "2001:db8::/32",
    "\n",
    " ",
    ",",
    "10.0.",
    ".0",
    "192.168.1.0/28",
];

/// Blocks of an environment and of its metanetworks.
pub(super) const CIDR: Target = Target {
    name: "cidr",
    run: cidr,
    words: CIDRS,
    make: |rng| {
        let vpc = network(rng);
        let rest = rng.many(8, |rng| match rng.below(3) {
            0 => "auto\n".to_owned(),
            _ => format!("{}\n", network(rng)),
        });
        format!("{vpc}\n{rest}")
    },
};

/// Rules of security groups.
pub(super) const RULES: Target = Target {
    name: "rules",
    run: rules,
    words: &[
        "tcp",
        "udp",
        "icmp",
        "icmpv6",
        "-1",
        "47",
        "all",
        "ALL",
        "dmz",
        "intranet",
        "tunnel",
        "maintenance",
        "22",
        "65535",
        "8000:8010",
        "-1:-1",
        ":",
        ",",
        " ",
        "10.0.0.0/8",
        "::/0",
        "6",
        "+1",
        "tcp all 22",
    ],
    make: |rng| {
        rng.many(4, |rng| {
            let protocol = rng.pick(&["tcp", "udp", "-1", "icmp", "6", "47", "TCP"]);
            let source = rng.pick(&[
                "all",
                "dmz",
                "intranet",
                "10.0.0.1/8",
                "::1/64",
                "0.0.0.0/0",
            ]);
            let ports = 1 + rng.below(3);
            let ports: Vec<String> = (0..ports).map(|_| port(rng)).collect();
            format!(
                "{protocol} {source} {}{}",
                ports.join(" "),
                rng.pick(&[",", ", ", ""])
            )
        })
    },
};

/// Routes to gateways.
pub(super) const ROUTES: Target = Target {
    name: "routes",
    run: routes,
    words: CIDRS,
    make: |rng| {
        rng.many(6, |rng| {
            format!("{}{}", network(rng), rng.pick(&[" ", ",", "\n", ", "]))
        })
    },
};

/// Elastic IPs of NAT gateways.
pub(super) const NAT: Target = Target {
    name: "nat",
    run: nat,
    words: &[
        "10.0.0.1", "10.0.0.2", "1.1.1.1", ",", " ", "\n", "0.0.0.0", "-",
    ],
    make: |rng| {
        let address = |rng: &mut Rng| format!("10.0.0.{} ", rng.below(5));
        let listed = rng.many(5, address);
        let current = rng.many(4, |rng| {
            if rng.once_in(3) {
                "- ".to_owned()
            } else {
                address(rng)
            }
        });
        format!("{listed}\n{current}")
    },
};

/// Addresses by offset.
pub(super) const ADDRESS: Target = Target {
    name: "address",
    run: address,
    words: &[
        "+5",
        "-2",
        "-1",
        "+0",
        "10.0.0.5",
        " ",
        "+",
        "-",
        "9223372036854775807",
        "-9223372036854775808",
        "4294967295",
    ],
    make: |rng| match rng.below(3) {
        0 => format!("+{}", rng.below(300)),
        1 => format!("-{}", rng.below(300)),
        _ => format!("10.0.{}.{}", rng.below(3), rng.below(256)),
    },
};

/// Ports and protocols of balancers.
pub(super) const LISTENERS: Target = Target {
    name: "listeners",
    run: listeners,
    words: &[
        "80", "443", "HTTP", "https", "TCP", "ssl", "TLS", "udp", ",", "\n", " ", "0", "65535",
        "65536", ",,",
    ],
    make: |rng| {
        let ports = |rng: &mut Rng| {
            rng.many(3, |rng| {
                format!("{},", rng.pick(&["80", "443", "8080", "1", ""]))
            })
        };
        let words = |rng: &mut Rng| {
            rng.many(3, |rng| {
                format!("{},", rng.pick(&["HTTP", "https", "TCP", "SSL", "tls", ""]))
            })
        };
        format!(
            "{}\n{}\n{}\n{}",
            ports(rng),
            words(rng),
            ports(rng),
            words(rng)
        )
    },
};

fn network(rng: &mut Rng) -> String {
    let [a, b, c] = [rng.below(4), rng.below(8) * 32, rng.below(256)];
    format!("10.{a}.{b}.{c}/{}", 14 + rng.below(19))
}

fn port(rng: &mut Rng) -> String {
    match rng.below(4) {
        0 => format!("{}:{}", rng.below(100), rng.below(100)),
        1 => "-1".to_owned(),
        _ => rng.below(65537).to_string(),
    }
}

fn cidr(input: &[u8]) -> Signature {
    let value = text(input);
    let mut lines = value.lines();
    let vpc = match parse_cidr4(lines.next().unwrap_or_default()) {
        Ok(vpc) => vpc,
        Err(error) => return Signature::error(&error.0),
    };
    assert_eq!(vpc, vpc.trunc(), "host bits");
    assert_eq!(must(parse_cidr4(&vpc.to_string()), "shown"), vpc);
    assert_eq!(
        must(parse_cidr(&vpc.to_string()), "of either kind").to_string(),
        vpc.to_string()
    );
    // The next four lines are the metanetworks, all others are in use.
    let mut choices: BTreeMap<MetaNetwork, CidrChoice> = BTreeMap::new();
    for (net, line) in MetaNetwork::ALL.into_iter().zip(lines.by_ref().take(4)) {
        match line.parse::<CidrChoice>() {
            Ok(choice) => drop(choices.insert(net, choice)),
            Err(error) if line.trim().is_empty() => assert!(error.0.contains("auto")),
            Err(error) => return Signature::error(&error.0),
        }
    }
    let occupied: Vec<Ipv4Net> = lines.filter_map(|line| parse_cidr4(line).ok()).collect();
    let seed = u64::try_from(input.len()).unwrap_or_default();
    let shape = Signature::of((
        vpc.prefix_len(),
        choices.len(),
        Signature::count(occupied.len()),
    ));
    let shape = shape.and(space(vpc, &occupied, seed)).and(zones(vpc));
    let mut rng = StdRng::seed_from_u64(seed);
    match allocate_metanetworks(&mut rng, "ci", vpc, &choices, &occupied) {
        Ok(blocks) => {
            assert_eq!(blocks.len(), choices.len());
            for (net, block) in &blocks {
                assert!(vpc.contains(block), "{net} {block} in {vpc}");
                let others = blocks.iter().filter(|(other, _)| *other != net);
                for (other, theirs) in others {
                    assert!(
                        !overlap(*block, *theirs),
                        "{net} {block} and {other} {theirs}"
                    );
                }
                match choices.get(net) {
                    Some(CidrChoice::Static(fixed)) => assert_eq!(fixed, block),
                    _ => {
                        assert_eq!(
                            block.prefix_len(),
                            vpc.prefix_len() + bits_for(choices.len())
                        );
                        assert!(
                            !occupied.iter().any(|taken| overlap(*taken, *block)),
                            "{net} is free"
                        );
                    }
                }
            }
            shape.and("blocks")
        }
        Err(error) => shape.and(Signature::error(&error.0)),
    }
}

/// A new environment in a space.
fn space(space: Ipv4Net, occupied: &[Ipv4Net], seed: u64) -> Signature {
    let size = u8::try_from(seed % 40).unwrap_or_default();
    let mut rng = StdRng::seed_from_u64(seed);
    match allocate_vpc(&mut rng, "ci", space, size, occupied) {
        Ok(block) => {
            assert!(space.contains(&block) && block.prefix_len() == size && block == block.trunc());
            assert!(
                !occupied.iter().any(|taken| overlap(*taken, block)),
                "{block} is free"
            );
            Signature::of("space")
        }
        Err(_) => {
            // Then a block of that size that is free cannot be named either: the first and the last are taken.
            let fits = size >= space.prefix_len() && size <= 32;
            let ends = [space.network(), space.broadcast()].map(|end| Ipv4Net::new(end, size));
            for end in ends
                .into_iter()
                .flatten()
                .map(|end| end.trunc())
                .filter(|_| fits)
            {
                assert!(
                    occupied.iter().any(|taken| overlap(*taken, end)),
                    "{end} is not taken"
                );
            }
            Signature::of(("no space", fits))
        }
    }
}

/// Subnets of a block.
fn zones(block: Ipv4Net) -> Signature {
    let mut shape = Signature::of("zones");
    for zones in 0..7 {
        let Ok(subnets) = split(block, zones) else {
            shape = shape.and(zones);
            continue;
        };
        assert_eq!(subnets.len(), zones);
        for (at, subnet) in subnets.iter().enumerate() {
            assert!(block.contains(subnet), "{subnet} in {block}");
            assert_eq!(
                subnet_containing(subnet.network(), &subnets),
                Some(at),
                "{subnet} is apart"
            );
        }
        assert_eq!(
            enclosing(&subnets),
            Some(block),
            "{zones} zones give the block back"
        );
    }
    shape
}

fn rules(input: &[u8]) -> Signature {
    let value = text(input);
    let net = MetaNetwork::Dmz;
    let rules = match Rule::parse_list(net, &value) {
        Ok(rules) => rules,
        Err(error) => return Signature::error(&error.0),
    };
    assert_eq!(rules.is_empty(), value.trim().is_empty());
    let shown: Vec<String> = rules.iter().map(Rule::to_string).collect();
    let again = must(
        Rule::parse_list(net, &shown.join(",")),
        "what was shown cannot be read",
    );
    assert_eq!(again, rules, "{shown:?}");
    let all = must(
        desired_grants(net, &rules, &MetaNetwork::ALL, &[], &[]),
        "all metanetworks are configured",
    );
    assert_eq!(all.is_empty(), rules.is_empty());
    let (add, revoke) = diff_grants(&all, &BTreeSet::new());
    assert!(revoke.is_empty() && add.len() == all.len());
    assert_eq!(diff_grants(&all, &all), (Vec::new(), Vec::new()));
    let half: BTreeSet<_> = all.iter().skip(all.len() / 2).cloned().collect();
    let (add, revoke) = diff_grants(&half, &all);
    assert!(add.is_empty() && revoke.len() == all.len() - half.len());
    for grant in &all {
        assert_eq!(grant.from.is_some(), grant.protocol.has_ports(), "{grant}");
    }
    // With fewer metanetworks there is less to grant, or an error that names the one that is missing.
    let few = desired_grants(net, &rules, &[net], &[], &[]);
    if let Ok(few) = &few {
        assert!(few.is_subset(&all));
    }
    let shape = Signature::of((
        Signature::count(rules.len()),
        Signature::count(all.len()),
        few.is_ok(),
    ));
    rules.iter().take(3).fold(shape, |shape, rule| {
        let source = Signature::error(&rule.source.to_string());
        shape.and((
            rule.protocol.has_ports(),
            source,
            Signature::count(rule.ports.len()),
        ))
    })
}

fn routes(input: &[u8]) -> Signature {
    let value = text(input);
    let routes = match parse_routes(&value) {
        Ok(routes) => routes,
        Err(error) => return Signature::error(&error.0),
    };
    let distinct: BTreeSet<Ipv4Net> = routes.iter().copied().collect();
    assert_eq!(distinct.len(), routes.len(), "each once");
    assert!(routes.len() <= lists::words(&value).len());
    let shown: Vec<String> = routes.iter().map(Ipv4Net::to_string).collect();
    assert_eq!(must(parse_routes(&shown.join(" ")), "shown"), routes);
    let (left, right) = routes.split_at(routes.len() / 2);
    let desired = must(
        desired_routes(left, &"igw", right, Some(&"vgw"), false),
        "no network is in both",
    );
    assert_eq!(desired.len(), routes.len());
    let without = must(desired_routes(left, &"igw", right, None, true), "nor here");
    assert!(!without.contains_key(&Ipv4Net::default()) && without.len() <= left.len());
    if let Some(first) = routes.first() {
        assert!(desired_routes(&[*first], &"igw", &[*first], Some(&"vgw"), false).is_err());
    }
    // Applied to what is there, the difference gives what is wanted.
    let mut current = must(desired_routes(right, &"igw", &[], None, false), "one list");
    let diff = diff_routes(&desired, &current);
    for (route, old) in &diff.delete {
        assert_eq!(current.remove(route).as_ref(), Some(old));
    }
    for (route, old, new) in &diff.replace {
        assert_eq!(current.insert(*route, new).as_ref(), Some(old));
    }
    for (route, new) in &diff.add {
        assert_eq!(current.insert(*route, new), None);
    }
    assert_eq!(current, desired);
    assert!(diff_routes(&desired, &current).is_empty());
    Signature::of((
        Signature::count(routes.len()),
        without.len() == left.len(),
        diff.is_empty(),
    ))
}

fn nat(input: &[u8]) -> Signature {
    let value = text(input);
    let (listed, current) = value.split_once('\n').unwrap_or((&value, ""));
    let listed: Vec<Ipv4Addr> = lists::words(listed)
        .iter()
        .filter_map(|word| word.parse().ok())
        .collect();
    let zones = lists::words(current).into_iter().take(6).enumerate();
    let current: BTreeMap<String, Option<Ipv4Addr>> = zones
        .map(|(at, word)| (format!("zone{at}"), word.parse().ok()))
        .collect();
    let pairs = pair_addresses(&listed, &current);
    assert_eq!(
        pairs.len(),
        listed.len().min(current.len()),
        "as many as there can be"
    );
    assert!(pairs.is_sorted_by(|a, b| a.zone < b.zone), "each zone once");
    for pair in &pairs {
        let own = current.get(&pair.zone).copied().flatten();
        assert!(!pair.kept || own == Some(pair.address), "{pair:?}");
        let used = pairs
            .iter()
            .filter(|other| other.address == pair.address)
            .count();
        let there = listed
            .iter()
            .filter(|address| **address == pair.address)
            .count();
        assert!(
            used <= there,
            "{} is used {used} times and listed {there} times",
            pair.address
        );
    }
    // A second run keeps everything.
    let now: BTreeMap<String, Option<Ipv4Addr>> = pairs
        .iter()
        .map(|pair| (pair.zone.clone(), Some(pair.address)))
        .collect();
    assert!(pair_addresses(&listed, &now).iter().all(|pair| pair.kept));
    let kept = pairs.iter().filter(|pair| pair.kept).count();
    Signature::of((listed.len().min(8), current.len(), kept))
}

fn address(input: &[u8]) -> Signature {
    let value = text(input);
    let subnets: Vec<Ipv4Net> = ["10.0.0.0/25", "10.0.0.128/26", "10.0.2.0/24"]
        .iter()
        .map(|subnet| must(parse_cidr4(subnet), "a subnet"))
        .collect();
    let reversed: Vec<Ipv4Net> = subnets.iter().rev().copied().collect();
    let net = MetaNetwork::Dmz;
    let found = resolve_address(net, &value, &subnets);
    assert_eq!(
        found,
        resolve_address(net, &value, &reversed),
        "the order of subnets"
    );
    assert!(
        resolve_address(net, &value, &[]).is_err(),
        "without subnets"
    );
    match found {
        Ok(address) => {
            let place = subnet_containing(address, &subnets);
            assert!(place.is_some(), "{address} is in a subnet");
            assert_eq!(
                resolve_address(net, &address.to_string(), &subnets),
                Ok(address)
            );
            Signature::of((place, value.trim().starts_with(['+', '-'])))
        }
        Err(error) => Signature::error(&error.0).and(value.trim().parse::<i64>().is_ok()),
    }
}

fn listeners(input: &[u8]) -> Signature {
    let value = text(input);
    let mut lists = value.split('\n');
    let mut next = || lists.next().unwrap_or_default();
    let [ports, protocols, outer_ports, outer_protocols] = [next(), next(), next(), next()];
    let mut shape = Signature::of("listeners");
    for inference in [Inference::Mixed, Inference::Http, Inference::Transport] {
        let internal = sides_by(inference, ports, protocols);
        if inference == Inference::Mixed {
            assert_eq!(internal, sides(ports, protocols));
        }
        let external = sides_by(inference, outer_ports, outer_protocols);
        shape = match (internal, external) {
            (Ok(internal), Ok(external)) => shape.and(both(inference, &internal, &external)),
            (Err(error), _) | (_, Err(error)) => shape.and(Signature::error(&error.0)),
        };
    }
    shape
}

fn both(inference: Inference, internal: &[Side], external: &[Side]) -> Signature {
    for list in [internal, external] {
        assert!(
            !list.is_empty()
                && list
                    .iter()
                    .all(|side| side.port > 0 && !side.protocol.is_empty())
        );
        let ports: Vec<String> = list.iter().map(|side| side.port.to_string()).collect();
        let protocols: Vec<&str> = list.iter().map(|side| side.protocol.as_str()).collect();
        let again = sides_by(inference, &ports.join(","), &protocols.join(","));
        assert_eq!(must(again, "what was inferred, written out"), list);
    }
    let all = mappings(internal, external);
    let count = if internal.len() == 1 {
        external.len()
    } else {
        internal.len().max(external.len())
    };
    assert_eq!(all.len(), count);
    let first = checked(&all);
    assert!(first.is_some_and(|first| all.contains(first)));
    let web = all.iter().any(|mapping| mapping.internal.is_http());
    assert_eq!(first.is_some_and(|first| first.internal.is_http()), web);
    let certificates = all
        .iter()
        .filter(|mapping| mapping.external.needs_certificate())
        .count();
    Signature::of((
        internal.len().min(6),
        external.len().min(6),
        web,
        certificates.min(6),
    ))
}
