//! What belongs where: the layouts of environments, old and new, complete and half-made.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::aws::Tags;
use crate::group::{Kind, LaunchRef};

fn vpc(id: &str, name: &str) -> Vpc {
    let tags = [("Name", name), ("type", "ci")];
    let tags = tags
        .iter()
        .filter(|_| name != NONE)
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Vpc {
        id: id.into(),
        name: name.into(),
        env_type: "ci".into(),
        cidr_block: "10.0.0.0/16".into(),
        cidr_blocks: vec!["10.0.0.0/16".into()],
        is_default: false,
        tags: tags.collect(),
        dhcp_options_id: None,
    }
}

fn subnet_record(
    id: &str,
    zone: &str,
    cidr: &str,
    net: Option<MetaNetwork>,
) -> environment::Subnet {
    environment::Subnet {
        id: id.into(),
        zone: zone.into(),
        cidr: cidr.parse().unwrap(),
        net,
        tags: Tags::new(),
    }
}

fn table(id: &str, subnets: &[&str], routes: &[(&str, Target)]) -> Table {
    let route = |(destination, target): &(&str, Target)| contents::Route {
        destination: (*destination).into(),
        target: target.clone(),
        propagated: false,
        blackhole: false,
    };
    Table {
        id: id.into(),
        net: None,
        main: false,
        subnets: subnets.iter().map(|id| (*id).into()).collect(),
        routes: routes.iter().map(route).collect(),
    }
}

fn host_record(id: &str, state: &str, address: Option<&str>) -> crate::host::Host {
    crate::host::Host {
        id: id.into(),
        state: state.into(),
        image_id: String::new(),
        instance_type: "m5.large".into(),
        public_ip: None,
        private_ip: address.map(str::to_owned),
        addresses: address.iter().map(|a| (*a).to_owned()).collect(),
        zone: "a".into(),
        security_group: None,
        launched: None,
        tags: Tags::from([("hostclass".to_owned(), "mhcweb".to_owned())]),
    }
}

fn group_record(name: &str, subnets: &str) -> crate::group::Group {
    crate::group::Group {
        name: name.into(),
        kind: Kind::Asg,
        min_size: 1,
        max_size: 3,
        desired_capacity: 2,
        launch: LaunchRef::None,
        mixed_instances: false,
        launch_config_name: None,
        image_id: None,
        termination_policies: Vec::new(),
        vpc_zone_identifier: subnets.into(),
        load_balancers: Vec::new(),
        target_groups: Vec::new(),
        tags: Tags::new(),
        instances: Vec::new(),
        deleting: false,
        spot: None,
    }
}

/// The model of a VPC that holds only this.
fn model(contents: &Contents) -> Environment {
    let vpc = vpc("vpc-1", "ci");
    let (vpcs, region) = (std::slice::from_ref(&vpc), "us-west-2");
    assemble(&Sources {
        region,
        vpc: &vpc,
        vpcs,
        contents,
        peerings: &[],
        groups: &[],
        hosts: &[],
    })
}

/// `net zone id table` of every subnet.
fn places(env: &Environment) -> Vec<String> {
    let nets = env.metanetworks.iter();
    let line = |net: &Metanetwork, s: &Subnet| {
        format!(
            "{} {} {} {}",
            net.name,
            s.zone,
            s.id,
            s.route_table_id.as_deref().unwrap_or(NONE)
        )
    };
    nets.flat_map(|net| net.subnets.iter().map(move |s| line(net, s)))
        .collect()
}

#[test]
fn subnets_belong_by_tag_else_by_their_table() {
    use MetaNetwork::{Dmz, Intranet};
    let both = || {
        vec![
            subnet_record("s-2", "b", "10.0.1.0/24", Some(Intranet)),
            subnet_record("s-1", "a", "10.0.0.0/24", Some(Intranet)),
            subnet_record("s-3", "a", "10.0.4.0/24", None),
        ]
    };
    let main = Table {
        main: true,
        ..table("t-main", &[], &[])
    };
    let shared = Table {
        net: Some(Dmz),
        ..table("t-dmz", &["s-3"], &[])
    };
    let cases: [(&str, Vec<Table>, &[&str]); 4] = [
        (
            "no tables at all",
            vec![],
            &["intranet a s-1 -", "intranet b s-2 -", "- a s-3 -"],
        ),
        (
            "only the main one",
            vec![main.clone()],
            &[
                "intranet a s-1 t-main",
                "intranet b s-2 t-main",
                "- a s-3 t-main",
            ],
        ),
        (
            "old layout: the tag is on the shared table",
            vec![main.clone(), shared.clone()],
            &[
                "intranet a s-1 t-main",
                "intranet b s-2 t-main",
                "dmz a s-3 t-dmz",
            ],
        ),
        (
            "own tables",
            vec![table("t-1", &["s-1"], &[]), shared, main],
            &[
                "intranet a s-1 t-1",
                "intranet b s-2 t-main",
                "dmz a s-3 t-dmz",
            ],
        ),
    ];
    for (case, tables, wanted) in cases {
        let contents = Contents {
            subnets: both(),
            tables,
            ..Contents::default()
        };
        let env = model(&contents);
        assert_eq!(places(&env), wanted, "{case}");
        let intranet = &env.metanetworks[0];
        assert_eq!(
            intranet.cidr_block.as_deref(),
            Some("10.0.0.0/23"),
            "{case}"
        );
        let loose = env.metanetworks.iter().find(|net| net.name == NONE);
        assert!(loose.is_none_or(|net| net.cidr_block.is_none()), "{case}");
    }
}

#[test]
fn half_made_environments() {
    assert_eq!(model(&Contents::default()).metanetworks, []);
    let group = contents::SecurityGroup {
        id: "sg-1".into(),
        name: "ci_dmz".into(),
        net: Some(MetaNetwork::Dmz),
        ingress: BTreeSet::from(["tcp 80 from 0.0.0.0/0".to_owned()]),
    };
    let foreign = contents::SecurityGroup {
        id: "sg-2".into(),
        net: None,
        ..group.clone()
    };
    let contents = Contents {
        security_groups: vec![foreign, group],
        ..Contents::default()
    };
    let env = model(&contents);
    let [dmz] = &env.metanetworks[..] else {
        panic!("{:?}", env.metanetworks)
    };
    let own = dmz.security_group.as_ref().unwrap();
    assert_eq!(
        (dmz.name.as_str(), own.id.as_str(), dmz.subnets.len()),
        ("dmz", "sg-1", 0)
    );
    assert_eq!(own.ingress, ["tcp 80 from 0.0.0.0/0"]);
}

#[test]
fn routes_say_where_they_lead() {
    let peering = environment::Peering {
        id: "pcx-1".into(),
        status: "active".into(),
        status_message: String::new(),
        requester: environment::PeeringSide {
            vpc_id: "vpc-2".into(),
            cidr: None,
        },
        accepter: environment::PeeringSide {
            vpc_id: "vpc-1".into(),
            cidr: Some("10.0.0.0/16".parse().unwrap()),
        },
    };
    let strange = environment::Peering {
        id: "pcx-2".into(),
        accepter: environment::PeeringSide {
            vpc_id: "vpc-9".into(),
            cidr: None,
        },
        requester: peering.accepter.clone(),
        ..peering.clone()
    };
    let elsewhere = environment::Peering {
        id: "pcx-3".into(),
        accepter: strange.accepter.clone(),
        ..peering.clone()
    };
    let to = |target: fn(String) -> Target, id: &str| target(id.to_owned());
    let mut own = table(
        "t-1",
        &["s-1"],
        &[
            ("192.168.0.0/16", to(Target::Gateway, "vgw-1")),
            ("10.9.0.0/16", to(Target::Peering, "pcx-1")),
            ("10.8.0.0/16", to(Target::Peering, "pcx-2")),
            ("10.7.0.0/16", to(Target::Peering, "pcx-gone")),
            ("0.0.0.0/0", to(Target::Nat, "nat-1")),
            ("1.0.0.0/8", to(Target::Nat, "nat-gone")),
            ("2.0.0.0/8", to(Target::Gateway, "igw-1")),
            ("3.0.0.0/8", to(Target::Instance, "i-1")),
            ("4.0.0.0/8", to(Target::Interface, "eni-1")),
            ("5.0.0.0/8", to(Target::Other, "tgw-1")),
        ],
    );
    own.routes[5].blackhole = true;
    own.routes[0].propagated = true;
    let endpoint = contents::Endpoint {
        id: "vpce-1".into(),
        service: "com.amazonaws.us-west-2.s3".into(),
        kind: "Gateway".into(),
        tables: BTreeSet::from(["t-1".to_owned()]),
    };
    let other = contents::Endpoint {
        id: "vpce-2".into(),
        tables: BTreeSet::new(),
        ..endpoint.clone()
    };
    let contents = Contents {
        subnets: vec![subnet_record(
            "s-1",
            "a",
            "10.0.0.0/24",
            Some(MetaNetwork::Dmz),
        )],
        tables: vec![own],
        nat_gateways: vec![contents::NatGateway {
            id: "nat-1".into(),
            subnet_id: "s-1".into(),
            state: "available".into(),
            address: Some("192.0.2.1".parse().unwrap()),
        }],
        endpoints: vec![other, endpoint],
        ..Contents::default()
    };
    let (vpc, other) = (vpc("vpc-1", "ci"), vpc("vpc-2", "qa"));
    let env = assemble(&Sources {
        region: "us-west-2",
        vpc: &vpc,
        vpcs: &[vpc.clone(), other],
        contents: &contents,
        peerings: &[elsewhere, strange, peering],
        groups: &[],
        hosts: &[],
    });
    let line = |r: &Route| {
        let marks = if r.propagated { " propagated" } else { "" };
        format!(
            "{} {} {} {}{marks}",
            r.destination,
            r.target_text(),
            r.target_id,
            r.state
        )
    };
    let subnet = &env.metanetworks[0].subnets[0];
    let lines: Vec<String> = subnet.routes.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "0.0.0.0/0 NAT gateway 192.0.2.1 nat-1 active",
            "1.0.0.0/8 NAT gateway nat-gone blackhole",
            "2.0.0.0/8 internet gateway igw-1 active",
            "3.0.0.0/8 instance i-1 active",
            "4.0.0.0/8 interface eni-1 active",
            "5.0.0.0/8 other tgw-1 active",
            "10.7.0.0/16 peering pcx-gone active",
            "10.8.0.0/16 peering with vpc-9 pcx-2 active",
            "10.9.0.0/16 peering with qa pcx-1 active",
            "192.168.0.0/16 VPN gateway vgw-1 active propagated",
            "com.amazonaws.us-west-2.s3 endpoint vpce-1 active",
        ]
    );
    assert_eq!(
        subnet.nat_gateways[0].public_ip.as_deref(),
        Some("192.0.2.1")
    );
    let peers: Vec<_> = env
        .peerings
        .iter()
        .map(|p| {
            (
                p.id.as_str(),
                p.peer.name.as_str(),
                p.peer.cidr_block.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        peers,
        [("pcx-1", "qa", Some("10.0.0.0/16")), ("pcx-2", "-", None)]
    );
}

#[test]
fn hosts_groups_and_addresses_are_where_they_are() {
    let interface = |address: &str, name: &str| contents::ReservedInterface {
        id: format!("eni-{address}"),
        subnet_id: "s-1".into(),
        address: address.into(),
        name: Some(name.into()),
        instance_id: None,
        public_ip: None,
    };
    let contents = Contents {
        subnets: vec![subnet_record(
            "s-1",
            "a",
            "10.0.0.0/24",
            Some(MetaNetwork::Dmz),
        )],
        interfaces: vec![
            interface("10.0.0.12", "ci-mhcb"),
            interface("10.0.0.5", "ci-mhc-a"),
            interface("10.0.0.6", "other"),
        ],
        ..Contents::default()
    };
    let hosts = [
        host_record("i-3", "running", Some("10.0.0.9")),
        host_record("i-1", "stopped", Some("10.0.0.8")),
        host_record("i-2", "terminated", Some("10.0.0.7")),
        host_record("i-4", "pending", None),
        host_record("i-5", "running", Some("10.0.9.1")),
        host_record("i-6", "terminated", None),
    ];
    let groups = [
        group_record("ci_mhcz_1", "s-1"),
        group_record("ci_mhca_1", "s-1, s-2"),
        group_record("ci_mhcb_1", "s-2"),
        group_record("ci_mhcc_1", ""),
    ];
    let vpc = vpc("vpc-1", "ci");
    let env = assemble(&Sources {
        region: "us-west-2",
        vpc: &vpc,
        vpcs: &[],
        contents: &contents,
        peerings: &[],
        groups: &groups,
        hosts: &hosts,
    });
    let ids = |hosts: &[Host]| {
        hosts
            .iter()
            .map(|h| h.instance_id.clone())
            .collect::<Vec<_>>()
    };
    let subnet = &env.metanetworks[0].subnets[0];
    assert_eq!(ids(&subnet.hosts), ["i-1", "i-3"]);
    assert_eq!(ids(&env.unplaced_hosts), ["i-4", "i-5"]);
    let kept: Vec<_> = subnet
        .interfaces
        .iter()
        .map(|i| (i.private_ip.as_str(), i.hostclass.as_deref()))
        .collect();
    assert_eq!(
        kept,
        [
            ("10.0.0.5", Some("mhc-a")),
            ("10.0.0.6", None),
            ("10.0.0.12", Some("mhcb"))
        ]
    );
    let groups: Vec<_> = env
        .groups
        .iter()
        .map(|g| (g.hostclass.as_str(), g.metanetworks.join(" ")))
        .collect();
    assert_eq!(
        groups,
        [
            ("mhca", "dmz".into()),
            ("mhcc", String::new()),
            ("mhcz", "dmz".into())
        ],
        "mhcb is of another VPC"
    );
}

#[test]
fn ingress_in_short() {
    let table: [(&[&str], &[&str]); 6] = [
        (&[], &[]),
        (&["tcp 22 from dmz"], &["tcp 22 from dmz"]),
        (
            &["tcp 22 from dmz", "tcp 22 from tunnel"],
            &["tcp 22 from dmz, tunnel"],
        ),
        (
            &[
                "tcp 8000-8010 from dmz",
                "tcp 443 from dmz",
                "tcp 22 from dmz",
                "udp 22 from dmz",
            ],
            &["tcp 22,443,8000-8010 from dmz", "udp 22 from dmz"],
        ),
        (
            &["tcp 22 from dmz", "tcp 22 from tunnel", "tcp 23 from dmz"],
            &["tcp 23 from dmz", "tcp 22 from dmz, tunnel"],
        ),
        (
            &[
                "all from 10.0.0.0/8",
                "icmp from dmz",
                "protocol 47 from dmz",
                "protocol 50 from dmz",
            ],
            &[
                "all from 10.0.0.0/8",
                "icmp from dmz",
                "protocol 47 from dmz",
                "protocol 50 from dmz",
            ],
        ),
    ];
    for (grants, wanted) in table {
        let grants = grants.iter().map(|grant| (*grant).to_owned()).collect();
        assert_eq!(short_ingress(&grants), wanted);
    }
}
