#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// `E1` is 192.0.2.1.
fn address(name: &str) -> Ipv4Addr {
    format!("192.0.2.{}", name.strip_prefix('E').unwrap())
        .parse()
        .unwrap()
}

fn addresses(names: &str) -> Vec<Ipv4Addr> {
    names.split_whitespace().map(address).collect()
}

/// `a=E1 b=-`: zone a has a NAT gateway with address E1, zone b has none.
fn zones(text: &str) -> BTreeMap<String, Option<Ipv4Addr>> {
    let zone = |word: &str| {
        let (zone, own) = word.split_once('=').unwrap();
        (zone.to_owned(), (own != "-").then(|| address(own)))
    };
    text.split_whitespace().map(zone).collect()
}

/// `a=E1 b+E2`: zone a keeps E1, zone b gets E2.
fn shown(pairs: &[PairedAddress]) -> String {
    let one = |pair: &PairedAddress| {
        let sign = if pair.kept { '=' } else { '+' };
        format!("{}{sign}E{}", pair.zone, pair.address.octets()[3])
    };
    pairs.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_three_rules() {
    let table = [
        // The examples of the specification.
        ("E1 E2 E3", "a=E1 c=E2 b=E3", "a=E1 b=E3 c=E2"),
        ("E1 E9 E3", "a=E1 c=E2 b=E3", "a=E1 b=E3 c+E9"),
        ("E1 E2 E3", "a=- b=- c=-", "a+E1 b+E2 c+E3"),
        // Kept wherever it stands; the rest in list order to zones in name order.
        ("E3 E2 E1", "a=E1 b=- c=-", "a=E1 b+E3 c+E2"),
        ("E7 E8 E2", "a=E1 b=E2 c=E3", "a+E7 b=E2 c+E8"),
        // Every rotation of running gateways stays.
        ("E1 E2 E3", "a=E2 b=E3 c=E1", "a=E2 b=E3 c=E1"),
        ("E4 E5 E6", "a=E1 b=E2 c=E3", "a+E4 b+E5 c+E6"),
        ("E1", "a=-", "a+E1"),
        ("", "", ""),
    ];
    for (listed, current, wanted) in table {
        let pairs = pair_addresses(&addresses(listed), &zones(current));
        assert_eq!(shown(&pairs), wanted, "{listed} on {current}");
    }
}

proptest! {
    #[test]
    fn every_address_is_used_once_and_kept_pairs_stay(
        listed in prop::collection::btree_set(1..12u8, 1..5).prop_shuffle_list(),
        now in prop::collection::vec(prop::option::of(1..12u8), 4),
    ) {
        let ip = |n: u8| Ipv4Addr::new(192, 0, 2, n);
        let listed: Vec<Ipv4Addr> = listed.into_iter().map(ip).collect();
        let mut seen = BTreeSet::new();
        let current: BTreeMap<String, Option<Ipv4Addr>> = now.into_iter().take(listed.len()).enumerate()
            .map(|(zone, own)| (format!("z{zone}"), own.filter(|n| seen.insert(*n)).map(ip))).collect();
        let pairs = pair_addresses(&listed, &current);
        let used: BTreeSet<Ipv4Addr> = pairs.iter().map(|p| p.address).collect();
        prop_assert_eq!(pairs.len(), listed.len());
        prop_assert_eq!(used, listed.iter().copied().collect::<BTreeSet<_>>());
        for pair in &pairs {
            let present = current[&pair.zone];
            prop_assert_eq!(pair.kept, present == Some(pair.address));
            if present.is_some_and(|own| listed.contains(&own)) {
                prop_assert!(pair.kept, "{} lost a listed address", pair.zone);
            }
        }
        // Once done, nothing more is to do.
        let after = pairs.iter().map(|p| (p.zone.clone(), Some(p.address))).collect();
        prop_assert!(pair_addresses(&listed, &after).iter().all(|p| p.kept));
    }
}

/// A set in any order.
trait Shuffled {
    fn prop_shuffle_list(self) -> BoxedStrategy<Vec<u8>>;
}

impl<S: Strategy<Value = BTreeSet<u8>> + 'static> Shuffled for S {
    fn prop_shuffle_list(self) -> BoxedStrategy<Vec<u8>> {
        self.prop_map(|set| set.into_iter().collect::<Vec<_>>())
            .prop_shuffle()
            .boxed()
    }
}
