#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::testing::{World, config, net4, zones};
use super::*;
use crate::config::Location;
use crate::network::{PortRange, Protocol};

const SPACE: &str = "ip_space=10.40.0.0/16\nvpc_cidr_size=22\n";
const FIXED: &str = "vpc_cidr=10.40.0.0/20\n";

fn desired_of(options: &str) -> Desired {
    World::default()
        .desired(&config(options), &Observed::default())
        .unwrap()
}

fn problem(world: &World, options: &str, observed: &Observed) -> String {
    let errors = world.desired(&config(options), observed).unwrap_err();
    errors.to_string()
}

/// `a 10.40.0.0/24` for each subnet.
fn places(desired: &Desired, net: MetaNetwork) -> Vec<String> {
    let show = |(zone, cidr): &(String, Ipv4Net)| {
        format!("{} {cidr}", zone.strip_prefix("us-west-2").unwrap())
    };
    desired.nets[&net].subnets.iter().map(show).collect()
}

fn subnet(net: Option<MetaNetwork>, zone: &str, cidr: &str) -> Subnet {
    Subnet {
        id: format!("subnet-{cidr}"),
        zone: format!("us-west-2{zone}"),
        cidr: net4(cidr),
        net,
        tags: Tags::new(),
    }
}

fn existing(vpc: &str, subnets: Vec<Subnet>) -> Observed {
    Observed {
        vpc_id: Some("vpc-1".into()),
        vpc_cidr: Some(net4(vpc)),
        subnets,
        ..Observed::default()
    }
}

#[test]
fn the_vpc_takes_a_free_block_of_the_space_or_the_fixed_one() {
    let world = World {
        occupied: ["10.40.0.0/17", "10.40.128.0/18", "10.40.192.0/19"]
            .map(net4)
            .to_vec(),
        ..World::default()
    };
    let options = format!("{SPACE}intranet_cidr=auto");
    for seed in 0..20 {
        let world = World {
            seed,
            occupied: world.occupied.clone(),
            ..World::default()
        };
        let cidr = world
            .desired(&config(&options), &Observed::default())
            .unwrap()
            .vpc_cidr;
        assert!(net4("10.40.224.0/19").contains(&cidr) && cidr.prefix_len() == 22);
    }
    // A fixed block is taken without a look at others; an existing VPC keeps its own.
    let fixed = config(&format!("{FIXED}intranet_cidr=auto"));
    let world = World {
        occupied: vec![net4("10.40.0.0/16")],
        ..World::default()
    };
    let empty = world.desired(&fixed, &Observed::default()).unwrap();
    assert_eq!(empty.vpc_cidr, net4("10.40.0.0/20"));
    let observed = existing("10.9.0.0/22", Vec::new());
    assert_eq!(
        world.desired(&fixed, &observed).unwrap().vpc_cidr,
        net4("10.9.0.0/22")
    );
    let full = problem(&world, &options, &Observed::default());
    assert!(
        full.contains("Cannot create VPC ci. No subnets available"),
        "{full}"
    );
}

#[test]
fn metanetworks_are_cut_into_the_first_three_zones() {
    let table: [(&str, &str, &[&str]); 5] = [
        (
            "abc",
            "10.40.0.0/26",
            &["a 10.40.0.0/28", "b 10.40.0.16/28", "c 10.40.0.32/28"],
        ),
        (
            "abcd",
            "10.40.4.0/24",
            &["a 10.40.4.0/26", "b 10.40.4.64/26", "c 10.40.4.128/26"],
        ),
        ("ab", "10.40.0.0/26", &["a 10.40.0.0/27", "b 10.40.0.32/27"]),
        ("a", "10.40.0.0/26", &["a 10.40.0.0/26"]),
        (
            "acf",
            "10.40.8.0/21",
            &["a 10.40.8.0/23", "c 10.40.10.0/23", "f 10.40.12.0/23"],
        ),
    ];
    for (names, block, wanted) in table {
        let world = World {
            zones: zones(names),
            ..World::default()
        };
        let own = config(&format!("{FIXED}tunnel_cidr={block}"));
        let found = world.desired(&own, &Observed::default()).unwrap();
        assert_eq!(
            places(&found, MetaNetwork::Tunnel),
            wanted,
            "{names} {block}"
        );
    }
}

#[test]
fn automatic_blocks_avoid_fixed_ones_and_each_other() {
    for seed in 0..20 {
        let world = World {
            seed,
            ..World::default()
        };
        let own = config(
            "vpc_cidr=10.40.0.0/22\nintranet_cidr=auto\ntunnel_cidr=auto\ndmz_cidr=10.40.1.0/26",
        );
        let found = world.desired(&own, &Observed::default()).unwrap();
        let of = |net: MetaNetwork| {
            let first = found.nets[&net].subnets[0].1;
            Ipv4Net::new(first.addr(), 24).unwrap().trunc()
        };
        let free = ["10.40.0.0/24", "10.40.2.0/24", "10.40.3.0/24"].map(net4);
        let (intranet, tunnel) = (of(MetaNetwork::Intranet), of(MetaNetwork::Tunnel));
        assert!(free.contains(&intranet) && free.contains(&tunnel) && intranet != tunnel);
        assert_eq!(
            places(&found, MetaNetwork::Dmz)[2],
            "c 10.40.1.32/28",
            "fixed"
        );
    }
    let text = "vpc_cidr=10.40.0.0/22\nintranet_cidr=auto\ntunnel_cidr=auto\ndmz_cidr=10.40.0.0/23\nmaintenance_cidr=10.40.2.0/24";
    let full = problem(&World::default(), text, &Observed::default());
    assert_eq!(
        full,
        "Can't create metanetwork tunnel. No subnets available"
    );
}

/// Existing subnets, the configured CIDR of the metanetwork, the region's zones → what is wanted.
type Half<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str, &'a [&'a str]);

#[test]
fn half_made_metanetworks_are_completed_and_others_left_alone() {
    // The VPC is /20 and has four metanetworks, so `auto` ones are /22.
    let table: [Half<'_>; 10] = [
        // One or two subnets of an automatic block, whichever they are.
        (
            &[("b", "10.9.5.0/24")],
            "auto",
            "abc",
            &["a 10.9.4.0/24", "b 10.9.5.0/24", "c 10.9.6.0/24"],
        ),
        (
            &[("b", "10.9.5.0/24"), ("c", "10.9.6.0/24")],
            "auto",
            "abc",
            &["a 10.9.4.0/24", "b 10.9.5.0/24", "c 10.9.6.0/24"],
        ),
        // A fixed block, larger or smaller than an automatic one.
        (
            &[("a", "10.9.8.0/23")],
            "10.9.8.0/21",
            "abc",
            &["a 10.9.8.0/23", "b 10.9.10.0/23", "c 10.9.12.0/23"],
        ),
        (
            &[("c", "10.9.8.128/26")],
            "10.9.8.0/24",
            "abc",
            &["a 10.9.8.0/26", "b 10.9.8.64/26", "c 10.9.8.128/26"],
        ),
        // Complete.
        (
            &[
                ("c", "10.9.6.0/24"),
                ("a", "10.9.4.0/24"),
                ("b", "10.9.5.0/24"),
            ],
            "auto",
            "abc",
            &["a 10.9.4.0/24", "b 10.9.5.0/24", "c 10.9.6.0/24"],
        ),
        // A changed value has no effect on what exists.
        (
            &[
                ("a", "10.9.4.0/24"),
                ("b", "10.9.5.0/24"),
                ("c", "10.9.6.0/24"),
            ],
            "10.9.8.0/22",
            "abc",
            &["a 10.9.4.0/24", "b 10.9.5.0/24", "c 10.9.6.0/24"],
        ),
        (
            &[("a", "10.9.8.0/24"), ("b", "10.9.9.0/24")],
            "10.9.8.0/21",
            "abc",
            &["a 10.9.8.0/24", "b 10.9.9.0/24", "c 10.9.10.0/24"],
        ),
        // The region had fewer zones then, or more than now: the cut differs.
        (
            &[("a", "10.9.4.0/23"), ("b", "10.9.6.0/23")],
            "auto",
            "abc",
            &["a 10.9.4.0/23", "b 10.9.6.0/23"],
        ),
        (
            &[("a", "10.9.4.0/24"), ("d", "10.9.7.0/24")],
            "auto",
            "abc",
            &["a 10.9.4.0/24", "d 10.9.7.0/24"],
        ),
        // Made by hand.
        (&[("a", "10.9.4.16/28")], "auto", "abc", &["a 10.9.4.16/28"]),
    ];
    for (have, cidr, names, wanted) in table {
        let subnets = have
            .iter()
            .map(|(zone, cidr)| subnet(Some(MetaNetwork::Tunnel), zone, cidr))
            .collect();
        let observed = existing("10.9.0.0/20", subnets);
        let world = World {
            zones: zones(names),
            ..World::default()
        };
        let own = config(&format!(
            "vpc_cidr=10.9.0.0/20\ntunnel_cidr={cidr}\nintranet_cidr=10.9.1.128/25\ndmz_cidr=10.9.0.0/24\nmaintenance_cidr=10.9.1.0/25"
        ));
        let found = world.desired(&own, &observed).unwrap();
        assert_eq!(
            places(&found, MetaNetwork::Tunnel),
            wanted,
            "{have:?} {cidr}"
        );
    }
}

#[test]
fn a_new_metanetwork_stays_clear_of_a_half_made_fixed_one() {
    // Only zone a of intranet's /17 exists; its other half must not be given to dmz.
    let options = "vpc_cidr=10.64.0.0/16\nintranet_cidr=10.64.0.0/17\ndmz_cidr=auto\nmaintenance_cidr=10.64.128.0/18";
    let observed = existing(
        "10.64.0.0/16",
        vec![subnet(Some(MetaNetwork::Intranet), "a", "10.64.0.0/19")],
    );
    for seed in 0..20 {
        let world = World {
            seed,
            ..World::default()
        };
        let found = world.desired(&config(options), &observed).unwrap();
        assert_eq!(
            places(&found, MetaNetwork::Dmz)[0],
            "a 10.64.192.0/20",
            "the only free /18"
        );
    }
}

#[test]
fn new_blocks_avoid_subnets_that_are_nobodys() {
    let options = "vpc_cidr=10.9.0.0/22\nintranet_cidr=auto\ntunnel_cidr=auto";
    let observed = existing("10.9.0.0/22", vec![subnet(None, "a", "10.9.1.0/28")]);
    let text = problem(&World::default(), options, &observed);
    assert_eq!(
        text,
        "Can't create metanetwork tunnel. No subnets available"
    );
    let found = World::default()
        .desired(
            &config("vpc_cidr=10.9.0.0/22\nintranet_cidr=auto\ntunnel_cidr=auto\ndmz_cidr=auto"),
            &observed,
        )
        .unwrap();
    let all: Vec<Ipv4Net> = found
        .nets
        .values()
        .flat_map(|net| net.subnets.iter().map(|(_, cidr)| *cidr))
        .collect();
    assert!(!all.iter().any(|cidr| cidr.contains(&net4("10.9.1.0/28"))));
}

#[test]
fn routes_to_the_gateway_leave_the_default_to_nat() {
    let options = "tunnel_cidr=auto\nintranet_cidr=auto\ntunnel_nat_gateways=auto\nnat_gateway_routes=intranet/tunnel\n\
                   intranet_igw_routes=0.0.0.0/0 1.2.3.0/24\ntunnel_igw_routes=0.0.0.0/0";
    let found = desired_of(&format!("{FIXED}{options}"));
    assert_eq!(
        found.nets[&MetaNetwork::Intranet].igw_routes,
        [net4("1.2.3.0/24")]
    );
    assert_eq!(
        found.nets[&MetaNetwork::Tunnel].igw_routes,
        [net4("0.0.0.0/0")]
    );
    assert_eq!(found.warnings, [""; 0]);
    assert_eq!(
        (
            found.nets[&MetaNetwork::Intranet].nat_route,
            found.nets[&MetaNetwork::Tunnel].nat_route
        ),
        (Some(MetaNetwork::Tunnel), None)
    );
    let vpn = desired_of(&format!(
        "{FIXED}dmz_cidr=auto\ndmz_vgw_routes=10.1.0.22/16"
    ));
    assert!(vpn.nets[&MetaNetwork::Dmz].igw_routes.is_empty());
    assert_eq!(
        vpn.nets[&MetaNetwork::Dmz].vgw_routes,
        [net4("10.1.0.0/16")]
    );
}

#[test]
fn rules_become_grants_of_the_configured_metanetworks() {
    let found = desired_of(&format!(
        "{FIXED}intranet_cidr=auto\ndmz_cidr=auto\nintranet_sg_rules=udp all 53\ncustomer_ports=443\ncustomer_cidr=192.0.2.0/24"
    ));
    let show = |net| -> Vec<String> {
        found.nets[&net]
            .grants
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(
        show(MetaNetwork::Intranet),
        [
            "tcp 443 from dmz",
            "udp 53 from intranet",
            "udp 53 from dmz"
        ]
    );
    assert_eq!(
        show(MetaNetwork::Dmz),
        ["tcp 443 from dmz", "tcp 443 from 192.0.2.0/24"]
    );
    // A rule can name a metanetwork that is not there only if the configuration's own checks were circumvented.
    let mut own = config(&format!("{FIXED}dmz_cidr=auto"));
    own.metanetworks
        .get_mut(&MetaNetwork::Dmz)
        .unwrap()
        .sg_rules
        .push(crate::network::Rule {
            protocol: Protocol::Tcp,
            source: crate::network::Source::Net(MetaNetwork::Tunnel),
            ports: vec![PortRange { from: 1, to: 1 }],
        });
    let error = World::default().desired(&own, &Observed::default());
    assert!(error.unwrap_err().to_string().contains("tunnel"));
}

/// Options of the configuration, resolved time servers → DHCP options.
type Dhcp<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a [&'a str])]);

#[test]
fn dhcp_options_in_order_without_what_is_not_configured() {
    let nets = "tunnel_cidr=10.40.0.0/26\n";
    let table: [Dhcp<'_>; 6] = [
        ("", &[], &[]),
        (
            "domain_name=ci.example.com",
            &[],
            &[("domain-name", &["ci.example.com"])],
        ),
        (
            "internal_dns=AmazonProvidedDNS\nexternal_dns=AmazonProvidedDNS",
            &[],
            &[(
                "domain-name-servers",
                &["AmazonProvidedDNS", "AmazonProvidedDNS"],
            )],
        ),
        (
            "external_dns=10.0.0.2\ndomain_name=x\nntp_server=a.example b.example",
            &["192.0.2.1", "192.0.2.2"],
            &[
                ("domain-name", &["x"]),
                ("domain-name-servers", &["10.0.0.2"]),
                ("ntp-servers", &["192.0.2.1", "192.0.2.2"]),
            ],
        ),
        (
            "ntp_server_metanetwork=tunnel\nntp_server_offset=+20",
            &[],
            &[("ntp-servers", &["10.40.0.20"])],
        ),
        (
            "ntp_server_metanetwork=tunnel\nntp_server_offset=-1",
            &[],
            &[("ntp-servers", &["10.40.0.46"])],
        ),
    ];
    for (options, servers, wanted) in table {
        let world = World {
            ntp_servers: servers.iter().map(|s| (*s).to_owned()).collect(),
            ..World::default()
        };
        let own = config(&format!("{FIXED}{nets}{options}"));
        let found = world.desired(&own, &Observed::default()).unwrap().dhcp;
        let wanted: Vec<(String, Vec<String>)> = wanted
            .iter()
            .map(|(key, values)| {
                let values = values.iter().map(|v| (*v).to_owned()).collect();
                ((*key).to_owned(), values)
            })
            .collect();
        assert_eq!(found, wanted, "{options}");
    }
    let mut own = config(&format!("{FIXED}{nets}"));
    own.dhcp.ntp = NtpConfig::Offset {
        metanetwork: MetaNetwork::Tunnel,
        offset: "+48".into(),
    };
    let error = World::default().desired(&own, &Observed::default());
    assert_eq!(
        error.unwrap_err().to_string(),
        "ntp_server_offset: IP +48 is not in Metanetwork (tunnel) range"
    );
}

#[test]
fn addresses_are_reserved_where_they_lie_and_warned_about_where_they_do_not() {
    let own = config("vpc_cidr=10.60.0.0/16\ntunnel_cidr=10.60.4.0/22\nintranet_cidr=auto");
    let addresses = |hostclass: &str, net, texts: &[&str]| StaticAddresses {
        hostclass: hostclass.into(),
        meta_network: net,
        addresses: texts.iter().map(|t| (*t).to_owned()).collect(),
        location: Location::default(),
    };
    let tunnel = MetaNetwork::Tunnel;
    let world = World {
        addresses: vec![
            addresses("mhca", tunnel, &["+7", "-3"]),
            addresses("mhcb", tunnel, &["10.60.5.9", "10.1.2.3", "+2000"]),
            addresses("mhcc", MetaNetwork::Dmz, &["+5"]),
            addresses("mhcd", tunnel, &["10.60.4.7"]),
        ],
        ..World::default()
    };
    let found = world.desired(&own, &Observed::default()).unwrap();
    let shown: Vec<String> = found
        .interfaces
        .iter()
        .map(|i| format!("{} {} {} {}", i.hostclass, i.net, i.zone, i.address))
        .collect();
    assert_eq!(
        shown,
        [
            "mhca tunnel us-west-2a 10.60.4.7",
            "mhca tunnel us-west-2c 10.60.6.252",
            "mhcb tunnel us-west-2b 10.60.5.9"
        ]
    );
    assert_eq!(
        found.warnings,
        [
            "Failed to reserve IP address (10.1.2.3) for hostclass (mhcb): it is not in the range of metanetwork tunnel",
            "Failed to reserve IP address (+2000) for hostclass (mhcb): it is not in the range of metanetwork tunnel",
            "no addresses reserved for hostclass mhcc: its metanetwork dmz is not configured here"
        ]
    );
}

#[test]
fn tags_of_the_vpc_and_its_places() {
    let world = World {
        tags: Tags::from(
            [
                ("productline", "blue"),
                ("aws:cloudformation:x", "y"),
                ("create_date", "old"),
                ("type", "other"),
            ]
            .map(|(k, v)| (k.to_owned(), v.to_owned())),
        ),
        ..World::default()
    };
    let own = config(&format!("{FIXED}dmz_cidr=auto\napplication=shop"));
    let found = world.desired(&own, &Observed::default()).unwrap();
    let wanted = [
        ("Name", "ci"),
        ("application", "shop"),
        ("create_date", "2026-01-02T03:04:05"),
        ("productline", "blue"),
        ("type", "t"),
    ];
    let show = |tags: &Tags| -> Vec<(String, String)> { tags.clone().into_iter().collect() };
    assert_eq!(
        show(&found.tags),
        wanted.map(|(k, v)| (k.to_owned(), v.to_owned()))
    );
    let place = place_tags(&found, MetaNetwork::Dmz, "us-west-2b");
    assert_eq!(place["Name"], "ci_dmz_us-west-2b");
    assert_eq!(
        (place["meta_network"].as_str(), place["subnet"].as_str()),
        ("dmz", "us-west-2b")
    );
    assert_eq!(place["productline"], "blue");
}
