//! Environments for the tests of this capability, and for the picture in the documentation.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::model::{
    DhcpOptions, Endpoint, Environment, Group, Host, Interface, InternetGateway, Metanetwork,
    NatGateway, Peering, PeeringSide, Route, RouteTarget, SecurityGroup, Subnet, VpnGateway,
};
use std::collections::BTreeMap;

/// An id as AWS writes it, the same for the same kind and number.
pub(super) fn id(kind: &str, number: u64) -> String {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (kind.len() as u64) << 50;
    format!("{kind}-0{mixed:016x}")
}

pub(super) fn route(destination: &str, target: RouteTarget, id: &str, name: Option<&str>) -> Route {
    Route {
        destination: destination.into(),
        target,
        target_id: id.into(),
        target_name: name.map(str::to_owned),
        state: "active".into(),
        propagated: false,
    }
}

pub(super) fn side(number: u64, name: &str, env_type: &str, cidr: Option<&str>) -> PeeringSide {
    PeeringSide {
        vpc_id: id("vpc", number),
        name: name.into(),
        env_type: env_type.into(),
        cidr_block: cidr.map(str::to_owned),
    }
}

/// One metanetwork in one zone without anything.
pub(super) fn small() -> Environment {
    let subnet = Subnet {
        id: id("subnet", 0),
        zone: "us-west-2a".into(),
        cidr_block: "10.0.0.0/24".into(),
        ..Subnet::default()
    };
    Environment {
        name: "tiny".into(),
        env_type: "sandbox".into(),
        id: id("vpc", 7),
        region: "us-west-2".into(),
        cidr_block: "10.0.0.0/24".into(),
        cidr_blocks: vec!["10.0.0.0/24".into()],
        metanetworks: vec![Metanetwork {
            name: "intranet".into(),
            cidr_block: Some("10.0.0.0/24".into()),
            security_group: None,
            subnets: vec![subnet],
        }],
        ..Environment::default()
    }
}

const CLASSES: [(&str, &str, usize); 20] = [
    ("intranet", "mhcapp", 12),
    ("intranet", "mhcbilling", 3),
    ("intranet", "mhccassandra", 6),
    ("intranet", "mhcdiscologger", 2),
    ("intranet", "mhcetl", 1),
    ("intranet", "mhcgenerictester", 1),
    ("intranet", "mhckafka", 3),
    ("intranet", "mhclogforwarder", 3),
    ("intranet", "mhcmetrics", 2),
    ("intranet", "mhcntp", 1),
    ("intranet", "mhcrabbitmq", 3),
    ("intranet", "mhcsearch", 6),
    ("intranet", "mhczookeeper", 3),
    ("tunnel", "mhcs3proxy", 3),
    ("tunnel", "mhchttpproxy", 3),
    ("dmz", "mhcweb", 9),
    ("dmz", "mhcfrontdoor", 3),
    ("dmz", "mhcsmtp", 2),
    ("maintenance", "mhcadminproxy", 1),
    ("maintenance", "mhcvpn", 2),
];

const NETS: [(&str, &str, &[&str]); 4] = [
    (
        "intranet",
        "10.16.0",
        &[
            "icmp from dmz, intranet, maintenance, tunnel",
            "tcp 22 from maintenance",
            "tcp 443,8000-8010 from dmz",
            "tcp 2181,9042,9092 from intranet",
            "udp 53,123,514 from dmz, intranet, maintenance, tunnel",
        ],
    ),
    (
        "tunnel",
        "10.16.4",
        &["tcp 22 from maintenance", "tcp 3128 from dmz, intranet"],
    ),
    (
        "dmz",
        "10.16.8",
        &["tcp 22 from maintenance", "tcp 25,80,443 from 0.0.0.0/0"],
    ),
    (
        "maintenance",
        "10.16.12",
        &[
            "icmp from 10.0.0.0/8",
            "tcp 22 from 198.51.100.0/24, 203.0.113.16/28",
        ],
    ),
];

/// What a real environment has: 4 metanetworks in 3 zones, 20 hostclasses, NAT in each zone, three peerings.
pub(super) fn large() -> Environment {
    let zones = ["us-west-2a", "us-west-2b", "us-west-2c"];
    let mut env = Environment {
        name: "staging".into(),
        env_type: "production-like".into(),
        id: id("vpc", 1),
        region: "us-west-2".into(),
        cidr_block: "10.16.0.0/20".into(),
        cidr_blocks: vec!["10.16.0.0/20".into()],
        internet_gateways: vec![InternetGateway { id: id("igw", 1) }],
        vpn_gateways: vec![VpnGateway {
            id: id("vgw", 1),
            state: "attached".into(),
        }],
        endpoints: vec![Endpoint {
            id: id("vpce", 1),
            service: "com.amazonaws.us-west-2.s3".into(),
            kind: "Gateway".into(),
        }],
        dhcp_options: Some(DhcpOptions {
            id: id("dopt", 1),
            options: [
                ("domain-name", "staging.example.com"),
                ("domain-name-servers", "10.16.0.5 10.16.1.5"),
                ("ntp-servers", "169.254.169.123"),
            ]
            .map(|(k, v)| (k.to_owned(), v.split(' ').map(str::to_owned).collect()))
            .into(),
        }),
        ..Environment::default()
    };
    env.peerings = peerings();
    for (number, (name, block, ingress)) in NETS.iter().enumerate() {
        let (head, last) = block.rsplit_once('.').unwrap();
        let last: usize = last.parse().unwrap();
        let subnets = zones.iter().enumerate().map(|(index, zone)| {
            let block = format!("{head}.{}", last + index);
            subnet(name, (number * 3 + index) as u64, zone, &block, index)
        });
        env.metanetworks.push(Metanetwork {
            name: (*name).into(),
            cidr_block: Some(format!("{block}.0/22")),
            security_group: Some(SecurityGroup {
                id: id("sg", number as u64),
                name: format!("staging_{name}"),
                ingress: ingress.iter().map(|rule| (*rule).into()).collect(),
            }),
            subnets: subnets.collect(),
        });
    }
    env.groups = CLASSES
        .iter()
        .map(|(net, class, count)| group(net, class, *count as i32))
        .collect();
    env.groups.sort_by(|a, b| a.hostclass.cmp(&b.hostclass));
    env
}

fn group(net: &str, class: &str, count: i32) -> Group {
    Group {
        hostclass: class.into(),
        name: format!("staging_{class}_1790000000"),
        kind: "asg".into(),
        min_size: count / 2,
        desired_capacity: count,
        max_size: count * 2,
        metanetworks: vec![net.into()],
        deleting: false,
    }
}

fn peerings() -> Vec<Peering> {
    let own = side(1, "staging", "production-like", Some("10.16.0.0/20"));
    let peers = [
        (side(2, "build", "build", Some("10.32.0.0/20")), "active"),
        (side(3, "metrics", "shared", Some("10.48.0.0/20")), "active"),
        (
            side(4, "qa", "production-like", Some("10.64.0.0/20")),
            "pending-acceptance",
        ),
    ];
    (1..)
        .zip(peers)
        .map(|(number, (peer, status))| Peering {
            id: id("pcx", number),
            status: status.into(),
            status_message: String::new(),
            requester: own.clone(),
            accepter: peer.clone(),
            peer,
        })
        .collect()
}

fn subnet(net: &str, number: u64, zone: &str, block: &str, index: usize) -> Subnet {
    let mut routes = vec![match net {
        "intranet" => {
            let ip = format!("203.0.113.{}", 10 + index);
            route(
                "0.0.0.0/0",
                RouteTarget::NatGateway,
                &id("nat", index as u64),
                Some(&ip),
            )
        }
        _ => route(
            "0.0.0.0/0",
            RouteTarget::InternetGateway,
            &id("igw", 1),
            None,
        ),
    }];
    if matches!(net, "intranet" | "maintenance") {
        routes.push(route(
            "10.32.0.0/20",
            RouteTarget::Peering,
            &id("pcx", 1),
            Some("build"),
        ));
        routes.push(route(
            "192.168.0.0/16",
            RouteTarget::VpnGateway,
            &id("vgw", 1),
            None,
        ));
    }
    if net == "intranet" {
        routes.push(route(
            "10.48.0.0/20",
            RouteTarget::Peering,
            &id("pcx", 2),
            Some("metrics"),
        ));
    }
    if net != "maintenance" {
        let endpoint = id("vpce", 1);
        routes.push(route(
            "com.amazonaws.us-west-2.s3",
            RouteTarget::Endpoint,
            &endpoint,
            None,
        ));
    }
    let nat = NatGateway {
        id: id("nat", index as u64),
        state: "available".into(),
        public_ip: Some(format!("203.0.113.{}", 10 + index)),
    };
    Subnet {
        id: id("subnet", number),
        zone: zone.into(),
        cidr_block: format!("{block}.0/24"),
        route_table_id: Some(id("rtb", number)),
        routes,
        nat_gateways: if net == "tunnel" {
            vec![nat]
        } else {
            Vec::new()
        },
        interfaces: interfaces(net, block, index),
        hosts: hosts(net, zone, block, index),
    }
}

fn interfaces(net: &str, block: &str, index: usize) -> Vec<Interface> {
    let classes: &[&str] = match (net, index) {
        ("intranet", 0) => &["mhcntp", "mhcdiscologger"],
        ("intranet", 1) => &["mhcntp"],
        ("maintenance", 0) => &["mhcvpn"],
        _ => &[],
    };
    let interface = |(host, class): (usize, &&str)| Interface {
        id: id("eni", (index * 10 + host) as u64),
        private_ip: format!("{block}.{host}"),
        public_ip: (*class == "mhcvpn").then(|| "203.0.113.40".into()),
        hostclass: Some((*class).into()),
        instance_id: None,
    };
    (5..).zip(classes).map(interface).collect()
}

fn hosts(net: &str, zone: &str, block: &str, index: usize) -> Vec<Host> {
    let mut hosts = Vec::new();
    let own = CLASSES
        .iter()
        .enumerate()
        .filter(|(_, (of, _, _))| *of == net);
    for (number, (_, class, count)) in own {
        for nth in (0..*count).filter(|nth| (nth + number) % 3 == index) {
            let stopped = (*class, nth) == ("mhcetl", 0) || (*class, nth) == ("mhcweb", 4);
            hosts.push(Host {
                instance_id: id("i", (number * 100 + nth) as u64),
                hostclass: Some((*class).into()),
                private_ip: Some(format!("{block}.{}", 20 + number * 8 + nth)),
                public_ip: None,
                state: if stopped { "stopped" } else { "running" }.into(),
                instance_type: "m5.large".into(),
                availability_zone: zone.into(),
                group_name: Some(format!("staging_{class}_1790000000")),
            });
        }
    }
    hosts
}

/// A model whose every text contains what quoting may stumble over.
pub(super) fn nasty() -> Environment {
    let bad = |text: &str| format!("{text}\"\\<b>&amp;'\u{7}\n]]>é漢");
    let mut env = large();
    env.name = bad("env");
    env.env_type = bad("type");
    env.tags = BTreeMap::from([(bad("key"), bad("value"))]);
    for net in &mut env.metanetworks {
        net.name = bad(&net.name);
        for subnet in &mut net.subnets {
            subnet.zone = bad(&subnet.zone);
            subnet
                .hosts
                .iter_mut()
                .for_each(|host| host.hostclass = Some(bad("class")));
            subnet
                .routes
                .iter_mut()
                .for_each(|r| r.target_name = Some(bad("peer")));
        }
    }
    env.peerings
        .iter_mut()
        .for_each(|peering| peering.peer.name = bad("peer"));
    env.groups
        .iter_mut()
        .for_each(|group| group.hostclass = bad("class"));
    env
}
