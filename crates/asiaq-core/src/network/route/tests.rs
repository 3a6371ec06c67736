//! Tests of gateway routes: the example of spec 20 (4.8), conflicts, and a property of the difference.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;

fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

fn table<'a>(list: &[(&str, &'a str)]) -> BTreeMap<Ipv4Net, &'a str> {
    list.iter()
        .map(|(route, target)| (net(route), *target))
        .collect()
}

#[test]
fn route_lists() {
    assert_eq!(parse_routes("").unwrap(), []);
    assert_eq!(
        parse_routes("10.1.0.22/16 0.0.0.0/0,\n10.1.0.0/16").unwrap(),
        [net("10.1.0.0/16"), net("0.0.0.0/0")]
    );
    assert!(
        parse_routes("0.0.0.0/0 10.0.0.1")
            .unwrap_err()
            .0
            .starts_with("`10.0.0.1` is not an IPv4 network")
    );
}

#[test]
fn example_of_the_spec() {
    let current = table(&[
        ("1.1.1.0/24", "igw"),
        ("2.2.2.0/24", "igw"),
        ("3.3.3.0/24", "vgw"),
    ]);
    let internet = parse_routes("2.2.2.0/24 4.4.4.0/24").unwrap();
    let vpn = parse_routes("1.1.1.0/24").unwrap();
    let desired = desired_routes(&internet, &"igw", &vpn, Some(&"vgw"), false).unwrap();
    let diff = diff_routes(&desired, &current);
    assert_eq!(
        diff,
        RouteDiff {
            delete: vec![(net("3.3.3.0/24"), "vgw")],
            replace: vec![(net("1.1.1.0/24"), "igw", "vgw")],
            add: vec![(net("4.4.4.0/24"), "igw")],
        }
    );
    assert!(!diff.is_empty());
    assert!(diff_routes(&desired, &desired).is_empty());
}

#[test]
fn vpn_routes_need_a_vpn_gateway() {
    let vpn = [net("10.1.0.0/16")];
    assert_eq!(
        desired_routes(&[], &"igw", &vpn, None, false).unwrap(),
        table(&[])
    );
    assert_eq!(
        desired_routes(&[], &"igw", &vpn, Some(&"vgw"), false).unwrap(),
        table(&[("10.1.0.0/16", "vgw")])
    );
}

#[test]
fn one_network_cannot_have_two_gateways() {
    let both = [net("10.1.0.0/16")];
    for vgw in [None, Some(&"vgw")] {
        assert_eq!(
            desired_routes(&both, &"igw", &both, vgw, false)
                .unwrap_err()
                .0,
            "10.1.0.0/16 is routed to both the internet gateway and the VPN gateway"
        );
    }
}

#[test]
fn the_nat_gateway_keeps_the_default_route() {
    let internet = [net("0.0.0.0/0"), net("10.1.0.0/16")];
    let routes = |nat| desired_routes(&internet, &"igw", &[], None, nat).unwrap();
    assert_eq!(routes(true), table(&[("10.1.0.0/16", "igw")]));
    assert_eq!(
        routes(false),
        table(&[("10.1.0.0/16", "igw"), ("0.0.0.0/0", "igw")])
    );
}

proptest! {
    #[test]
    fn applying_the_difference_gives_the_desired_table(
        desired in proptest::collection::btree_map(0u8..12, 0u8..3, 0..8),
        current in proptest::collection::btree_map(0u8..12, 0u8..3, 0..8),
    ) {
        let routes = |map: BTreeMap<u8, u8>| -> BTreeMap<Ipv4Net, u8> {
            map.into_iter().map(|(i, target)| (net(&format!("10.{i}.0.0/16")), target)).collect()
        };
        let (desired, mut table) = (routes(desired), routes(current));
        let diff = diff_routes(&desired, &table);
        for (route, target) in diff.delete {
            prop_assert_eq!(table.remove(&route), Some(target));
        }
        for (route, old, new) in diff.replace {
            prop_assert_ne!(old, new);
            prop_assert_eq!(table.insert(route, new), Some(old));
        }
        for (route, target) in diff.add {
            prop_assert_eq!(table.insert(route, target), None);
        }
        prop_assert_eq!(table, desired);
    }
}
