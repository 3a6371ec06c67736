//! Tests of addresses by offset: the examples of spec 20 (4.5, 13) and spec 40 (4.7), and properties.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;

fn nets(text: &str) -> Vec<Ipv4Net> {
    text.split_whitespace()
        .map(|net| net.parse().unwrap())
        .collect()
}

#[test]
fn offsets_and_absolute_addresses() {
    let small = "10.4.0.0/28 10.4.0.16/28 10.4.0.32/28";
    let hosts = "10.3.0.0/26 10.3.0.64/26 10.3.0.128/26";
    let gaps = "10.60.4.0/24 10.60.6.0/24 10.60.8.0/24";
    for (text, subnets, expected) in [
        ("+5", small, Some("10.4.0.5")),
        ("5", small, Some("10.4.0.5")),
        ("+20", small, Some("10.4.0.20")),
        ("-1", small, Some("10.4.0.46")),
        ("-16", small, Some("10.4.0.31")),
        ("+48", small, None),
        ("-49", small, None),
        ("+47", small, Some("10.4.0.47")),
        ("+0", small, Some("10.4.0.0")),
        ("-0", small, Some("10.4.0.0")),
        ("-47", small, Some("10.4.0.0")),
        ("-48", small, None),
        (" +5 ", small, Some("10.4.0.5")),
        ("+5", hosts, Some("10.3.0.5")),
        ("-2", hosts, Some("10.3.0.189")),
        ("+70", hosts, Some("10.3.0.70")),
        ("+300", hosts, None),
        (
            "+7",
            "10.60.4.0/24 10.60.5.0/24 10.60.6.0/24",
            Some("10.60.4.7"),
        ),
        (
            "-3",
            "10.60.4.0/24 10.60.5.0/24 10.60.6.0/24",
            Some("10.60.6.252"),
        ),
        (
            "10.60.5.9",
            "10.60.4.0/24 10.60.5.0/24 10.60.6.0/24",
            Some("10.60.5.9"),
        ),
        ("10.1.2.3", "10.60.4.0/24 10.60.5.0/24 10.60.6.0/24", None),
        // Unsorted subnets with gaps: the gap is not part of the metanetwork.
        ("+1", "10.60.8.0/24 10.60.4.0/24", Some("10.60.4.1")),
        ("-2", "10.60.8.0/24 10.60.4.0/24", Some("10.60.8.253")),
        ("+256", gaps, None),
        ("+512", gaps, Some("10.60.6.0")),
        ("+1", "", None),
        ("", small, None),
        ("+", small, None),
        ("+1.5", small, None),
        ("+ 5", small, None),
        ("ten", small, None),
        ("+9223372036854775807", small, None),
        ("-9223372036854775808", small, None),
        ("+99999999999999999999", small, None),
        ("+1", "255.255.255.255/32", None),
        ("-1", "0.0.0.0/32", None),
    ] {
        let result = resolve_address(MetaNetwork::Tunnel, text, &nets(subnets));
        match expected {
            Some(address) => assert_eq!(
                result.unwrap().to_string(),
                address,
                "{text:?} in {subnets}"
            ),
            None => assert_eq!(
                result.unwrap_err().0,
                format!("IP {} is not in Metanetwork (tunnel) range", text.trim()),
                "{text:?} in {subnets}"
            ),
        }
    }
}

#[test]
fn subnet_of_an_address() {
    let subnets = nets("10.60.4.0/24 10.60.5.0/24");
    assert_eq!(
        subnet_containing("10.60.5.255".parse().unwrap(), &subnets),
        Some(1)
    );
    assert_eq!(
        subnet_containing("10.60.4.0".parse().unwrap(), &subnets),
        Some(0)
    );
    assert_eq!(
        subnet_containing("10.60.6.0".parse().unwrap(), &subnets),
        None
    );
}

proptest! {
    #[test]
    fn results_lie_in_a_subnet(
        text in "[+-]?[0-9]{1,12}|[0-9.+-]{0,16}|\\PC{0,8}",
        blocks in proptest::collection::vec((any::<u32>(), 0u8..=32), 0..5),
    ) {
        let subnets: Vec<Ipv4Net> = blocks
            .into_iter()
            .map(|(low, prefix)| Ipv4Net::new(Ipv4Addr::from(low), prefix).unwrap().trunc())
            .collect();
        if let Ok(address) = resolve_address(MetaNetwork::Dmz, &text, &subnets) {
            prop_assert!(subnets.iter().any(|subnet| subnet.contains(&address)));
        }
    }

    #[test]
    fn contiguous_subnets_accept_exactly_their_size(low in 0u32..1000, offset in -400i64..400) {
        let base = (10 << 24) + (low << 8);
        let subnets: Vec<Ipv4Net> =
            (0..3).map(|i| Ipv4Net::new(Ipv4Addr::from(base + i * 64), 26).unwrap()).collect();
        // Counting back starts at the broadcast address itself, which is offset 0 from the end.
        let expected = if offset < 0 { 191 + offset } else { offset };
        let result = resolve_address(MetaNetwork::Dmz, &format!("{offset:+}"), &subnets);
        if (0..192).contains(&expected) {
            prop_assert_eq!(i64::from(u32::from(result.unwrap())), i64::from(base) + expected);
        } else {
            prop_assert!(result.is_err());
        }
    }
}
