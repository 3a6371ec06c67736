#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::super::observed::{Beside, Observed};
use super::super::super::testing::{World, address, applied, config, gateway, zones};
use super::*;
use crate::config::{DiscoVpc, Ini};

const NETS: &str = "vpc_cidr=10.0.0.0/20\nintranet_cidr=10.0.0.0/22\ntunnel_cidr=10.0.4.0/22\n";
const STATIC: &str = "tunnel_nat_gateways=192.0.2.1 192.0.2.2";

fn world() -> World {
    World {
        zones: zones("ab"),
        ..World::default()
    }
}

fn region() -> Observed {
    let addresses = ["E1", "E2", "E3"].map(address).into();
    Observed {
        beside: Beside {
            addresses,
            ..Beside::default()
        },
        ..Observed::default()
    }
}

fn running() -> Observed {
    let empty = region();
    let own = config(&format!("{NETS}{STATIC}"));
    applied(&empty, &world().plan(&own, &empty))
}

fn problems(options: &str, observed: &Observed) -> Vec<String> {
    let own = config(&format!("{NETS}{options}"));
    match world().desired(&own, observed) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.0.iter().map(ToString::to_string).collect(),
    }
}

/// Options, what happened to the region, the problems.
type Case = (&'static str, fn(&mut Observed), &'static [&'static str]);

#[test]
fn listed_addresses_are_checked() {
    let table: &[Case] = &[
        (STATIC, |_| {}, &[]),
        (
            "tunnel_nat_gateways=192.0.2.1 192.0.2.77",
            |_| {},
            &["tunnel_nat_gateways: Couldn't find Elastic IP: 192.0.2.77"],
        ),
        (
            "tunnel_nat_gateways=192.0.2.1",
            |_| {},
            &[
                "tunnel_nat_gateways: 1 elastic IPs are listed, but metanetwork tunnel has 2 subnets",
            ],
        ),
        (
            "tunnel_nat_gateways=192.0.2.1 192.0.2.2 192.0.2.88",
            |_| {},
            &[
                "tunnel_nat_gateways: Couldn't find Elastic IP: 192.0.2.88",
                "tunnel_nat_gateways: 3 elastic IPs are listed, but metanetwork tunnel has 2 subnets",
            ],
        ),
        (
            STATIC,
            |o| {
                let own = &mut o.beside.addresses[0];
                (own.association_id, own.instance_id) =
                    (Some("eipassoc-1".into()), Some("i-1".into()));
                own.network_interface_id = Some("eni-1".into());
                let own = &mut o.beside.addresses[1];
                own.association_id = Some("eipassoc-2".into());
                own.network_interface_id = Some("eni-2".into());
            },
            &[
                "tunnel_nat_gateways: elastic IP 192.0.2.1 is in use by i-1",
                "tunnel_nat_gateways: elastic IP 192.0.2.2 is in use by eni-2",
            ],
        ),
    ];
    for (options, change, wanted) in table {
        let mut observed = region();
        change(&mut observed);
        assert_eq!(problems(options, &observed), *wanted, "{options}");
    }
}

#[test]
fn addresses_of_our_own_gateways_are_not_in_use() {
    let mut observed = running();
    assert!(observed.beside.addresses[0].association_id.is_some());
    assert_eq!(problems(STATIC, &observed), [""; 0]);
    let moved = "intranet_nat_gateways=192.0.2.2 192.0.2.1";
    assert_eq!(problems(moved, &observed), [""; 0]);
    // The gateway is gone, AWS still shows the association.
    observed.past_nat_gateways = std::mem::take(&mut observed.nat_gateways);
    assert_eq!(problems(STATIC, &observed), [""; 0]);
    // A gateway that we do not manage.
    let foreign = gateway("nat-9", "subnet-foreign", &address("E1"));
    observed.nat_gateways.push(foreign);
    observed.beside.addresses[0].network_interface_id = Some("eni-9".into());
    assert_eq!(
        problems(STATIC, &observed),
        ["tunnel_nat_gateways: elastic IP 192.0.2.1 is in use by eni-9"]
    );
}

#[test]
fn problems_get_their_place_in_the_file() {
    let text = format!("[envtype:t]\n{NETS}[env:ci]\ntunnel_nat_gateways=192.0.2.77 192.0.2.1\n");
    let file = DiscoVpc::from_ini(Ini::parse("disco_vpc.ini", text.as_bytes()).unwrap());
    let own = file.environment("ci", "t").unwrap();
    let errors = world().desired(&own, &region()).unwrap_err();
    let errors = file.locate("ci", "t", errors);
    assert_eq!(
        errors.to_string(),
        "disco_vpc.ini:6: [env:ci] tunnel_nat_gateways: Couldn't find Elastic IP: 192.0.2.77"
    );
    // What has a place keeps it.
    assert_eq!(file.locate("other", "t", errors.clone()), errors);
    let bare = ConfigErrors::from(ConfigError::new("no idea where"));
    assert_eq!(file.locate("ci", "t", bare.clone()), bare);
}

#[test]
fn a_route_to_a_zone_without_subnet_is_only_a_warning() {
    let options = "tunnel_nat_gateways=auto\nnat_gateway_routes=intranet/tunnel";
    let own = config(&format!("{NETS}{options}"));
    let mut observed = running();
    observed.nat_gateways.clear();
    // The region had one zone when tunnel was made.
    let place = |s: &super::super::Subnet| s.net == Some(MetaNetwork::Tunnel);
    observed
        .subnets
        .retain(|s| !place(s) || s.zone == "us-west-2a");
    for subnet in observed.subnets.iter_mut().filter(|s| place(s)) {
        subnet.cidr = "10.0.4.64/26".parse().unwrap();
    }
    let desired = world().desired(&own, &observed).unwrap();
    assert_eq!(
        desired.warnings,
        [
            "metanetwork intranet gets no NAT route in us-west-2b: metanetwork tunnel has no subnet there"
        ]
    );
}
