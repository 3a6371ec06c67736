//! Tests of CIDR parsing and allocation: the spec's examples, and properties against brute force.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use MetaNetwork::{Dmz, Intranet, Maintenance, Tunnel};

fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

fn nets(text: &str) -> Vec<Ipv4Net> {
    text.split_whitespace().map(net).collect()
}

fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

fn choices(list: &[(MetaNetwork, &str)]) -> BTreeMap<MetaNetwork, CidrChoice> {
    list.iter()
        .map(|(net, text)| (*net, text.parse().unwrap()))
        .collect()
}

/// Every outcome of `draw` over many seeds.
fn outcomes<T: Ord>(mut draw: impl FnMut(&mut StdRng) -> T) -> BTreeSet<T> {
    (0..300).map(|seed| draw(&mut rng(seed))).collect()
}

#[test]
fn parsing_clears_host_bits() {
    for (text, expected) in [
        ("10.1.0.22/16", "10.1.0.0/16"),
        (" 10.0.0.0/8\n", "10.0.0.0/8"),
        ("1.2.3.4/0", "0.0.0.0/0"),
        ("1.2.3.4/32", "1.2.3.4/32"),
    ] {
        assert_eq!(parse_cidr4(text).unwrap(), net(expected), "{text}");
        assert_eq!(
            parse_cidr(text).unwrap(),
            IpNet::V4(net(expected)),
            "{text}"
        );
    }
    assert_eq!(
        parse_cidr("2001:db8::1/32").unwrap().to_string(),
        "2001:db8::/32"
    );
}

#[test]
fn parsing_refuses_other_texts() {
    for text in [
        "10.0.0.1",
        "",
        "10.0.0.0/33",
        "10.0.0/8",
        "10.0.0.0/",
        "x/8",
        "10.0.0.0/8 10.1.0.0/16",
    ] {
        let problem = parse_cidr4(text).unwrap_err().0;
        assert!(
            problem.starts_with(&format!("`{text}` is not an IPv4 network")),
            "{problem}"
        );
        assert!(
            parse_cidr(text)
                .unwrap_err()
                .0
                .starts_with(&format!("`{text}` is not a network")),
            "{text}"
        );
    }
    assert!(parse_cidr4("::/0").is_err());
    assert!(parse_cidr("::1").is_err());
}

#[test]
fn cidr_choice_takes_auto_in_any_case() {
    for text in ["auto", "AUTO", " Auto "] {
        assert_eq!(
            text.parse::<CidrChoice>().unwrap(),
            CidrChoice::Auto,
            "{text}"
        );
    }
    assert_eq!(
        "10.1.0.22/16".parse::<CidrChoice>().unwrap(),
        CidrChoice::Static(net("10.1.0.0/16"))
    );
    let problem = "automatic".parse::<CidrChoice>().unwrap_err().0;
    assert!(
        problem.ends_with("like 10.0.0.0/16, or `auto`"),
        "{problem}"
    );
}

#[test]
fn bits_for_counts_doublings() {
    let table = [
        (0, 0),
        (1, 0),
        (2, 1),
        (3, 2),
        (4, 2),
        (5, 3),
        (8, 3),
        (9, 4),
        (16, 4),
        (17, 5),
    ];
    for (n, bits) in table {
        assert_eq!(bits_for(n), bits, "{n}");
    }
    assert_eq!(bits_for(usize::MAX), usize::BITS as u8);
}

#[test]
fn free_block_examples() {
    let parent = net("10.0.0.0/22");
    let mut occupied = nets("10.0.0.0/23 10.0.3.128/25");
    assert_eq!(
        outcomes(|rng| free_block(rng, parent, 24, &occupied)),
        BTreeSet::from([Some(net("10.0.2.0/24"))])
    );
    occupied.push(net("10.0.0.0/8"));
    assert_eq!(free_block(&mut rng(1), parent, 24, &occupied), None);
    assert_eq!(
        free_block(&mut rng(1), parent, 21, &[]),
        None,
        "shorter than the parent"
    );
    assert_eq!(
        free_block(&mut rng(1), parent, 33, &[]),
        None,
        "no such prefix"
    );
    assert_eq!(
        free_block(&mut rng(1), parent, 22, &[]),
        Some(parent),
        "the whole parent"
    );
    assert_eq!(
        free_block(&mut rng(1), parent, 22, &nets("10.0.3.255/32")),
        None
    );
    assert_eq!(
        free_block(
            &mut rng(1),
            parent,
            22,
            &nets("9.255.255.255/32 10.0.4.0/22")
        ),
        Some(parent)
    );
}

#[test]
fn free_block_at_the_ends_of_the_address_space() {
    let all = net("0.0.0.0/0");
    assert_eq!(free_block(&mut rng(1), all, 0, &[]), Some(all));
    assert_eq!(
        free_block(&mut rng(1), all, 1, &nets("0.0.0.0/1")),
        Some(net("128.0.0.0/1"))
    );
    assert_eq!(free_block(&mut rng(1), all, 32, &nets("0.0.0.0/0")), None);
    let last = nets(
        "0.0.0.0/1 128.0.0.0/2 192.0.0.0/3 224.0.0.0/4 240.0.0.0/5 248.0.0.0/6 252.0.0.0/7 254.0.0.0/8",
    );
    assert!(net("255.0.0.0/8").contains(&free_block(&mut rng(1), all, 32, &last).unwrap()));
    let one = net("255.255.255.255/32");
    assert_eq!(free_block(&mut rng(1), one, 32, &[]), Some(one));
}

#[test]
fn free_block_is_uniform_over_unequal_runs() {
    // One free block in front, seven behind the occupied ones.
    let occupied = nets("10.0.1.0/24 10.0.2.0/23 10.0.4.0/22 10.0.8.0/24");
    let mut counts: BTreeMap<Option<Ipv4Net>, u32> = BTreeMap::new();
    let mut rng = rng(7);
    for _ in 0..8000 {
        *counts
            .entry(free_block(&mut rng, net("10.0.0.0/20"), 24, &occupied))
            .or_default() += 1;
    }
    assert_eq!(counts.len(), 8);
    assert!(
        counts.values().all(|count| (800..1200).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn free_block_does_not_list_candidates() {
    // A million candidates per call: listing them would take minutes in all.
    let occupied: Vec<Ipv4Net> = (0..500u32)
        .map(|i| Ipv4Net::new(Ipv4Addr::from((10 << 24) + (i << 14)), 20).unwrap())
        .collect();
    let mut rng = rng(3);
    for _ in 0..1000 {
        let block = free_block(&mut rng, net("10.0.0.0/8"), 28, &occupied).unwrap();
        assert!(occupied.iter().all(|taken| !overlap(*taken, block)));
    }
}

#[test]
fn vpc_example() {
    let occupied = nets("10.40.1.0/24 10.40.2.128/25 172.31.0.0/16");
    let drawn =
        outcomes(|rng| allocate_vpc(rng, "ci", net("10.40.0.0/22"), 24, &occupied).unwrap());
    assert_eq!(
        drawn,
        BTreeSet::from([net("10.40.0.0/24"), net("10.40.3.0/24")])
    );
}

#[test]
fn vpc_without_candidates() {
    let problem = "Cannot create VPC ci. No subnets available";
    for (size, occupied) in [(21, ""), (24, "10.40.0.0/16"), (40, "")] {
        let result = allocate_vpc(
            &mut rng(1),
            "ci",
            net("10.40.0.0/22"),
            size,
            &nets(occupied),
        );
        assert_eq!(result.unwrap_err().0, problem, "/{size} {occupied}");
    }
}

fn allocated(vpc: &str, list: &[(MetaNetwork, &str)]) -> BTreeSet<Result<Vec<Ipv4Net>, String>> {
    outcomes(|rng| {
        allocate_metanetworks(rng, "ci", net(vpc), &choices(list), &[])
            .map(|map| map.into_values().collect())
            .map_err(|problem| problem.0)
    })
}

#[test]
fn metanetworks_two_auto_and_one_static() {
    let free = nets("10.40.0.0/24 10.40.2.0/24 10.40.3.0/24");
    let mut expected = BTreeSet::new();
    for a in &free {
        for b in free.iter().filter(|b| *b != a) {
            expected.insert(Ok(vec![*a, *b, net("10.40.1.0/26")]));
        }
    }
    let list = [(Intranet, "auto"), (Tunnel, "auto"), (Dmz, "10.40.1.0/26")];
    assert_eq!(allocated("10.40.0.0/22", &list), expected);
}

#[test]
fn metanetworks_all_auto() {
    let list = MetaNetwork::ALL.map(|net| (net, "auto"));
    let drawn = allocated("10.40.0.0/22", &list);
    assert_eq!(drawn.len(), 24, "every order occurs");
    for blocks in drawn {
        let mut blocks = blocks.unwrap();
        blocks.sort();
        assert_eq!(
            blocks,
            nets("10.40.0.0/24 10.40.1.0/24 10.40.2.0/24 10.40.3.0/24")
        );
    }
}

#[test]
fn metanetworks_single() {
    let drawn = allocated("10.40.0.0/22", &[(Intranet, "auto")]);
    assert_eq!(drawn, BTreeSet::from([Ok(nets("10.40.0.0/22"))]));
}

#[test]
fn metanetworks_without_room_for_the_second_auto() {
    let list = [
        (Intranet, "auto"),
        (Tunnel, "auto"),
        (Dmz, "10.40.0.0/23"),
        (Maintenance, "10.40.2.0/24"),
    ];
    let problem = "Can't create metanetwork tunnel. No subnets available".to_owned();
    assert_eq!(
        allocated("10.40.0.0/22", &list),
        BTreeSet::from([Err(problem)])
    );
}

#[test]
fn metanetwork_errors() {
    let four = MetaNetwork::ALL.map(|net| (net, "auto"));
    let size = "must be between /16 and /28";
    type Choices<'a> = &'a [(MetaNetwork, &'a str)];
    let table: [(&str, Choices, &str); 9] = [
        ("10.0.0.0/16", &[], "No Metanetworks configured for VPC ci"),
        (
            "10.0.0.0/31",
            &four,
            "Unable to create 4 metanetworks in /31 size VPC",
        ),
        (
            "10.0.0.0/32",
            &four[..2],
            "Unable to create 2 metanetworks in /32 size VPC",
        ),
        ("10.0.0.0/29", &four[..1], size),
        ("10.0.0.0/15", &four, size),
        (
            "10.0.0.0/16",
            &[(Dmz, "10.1.0.0/24")],
            "metanetwork dmz. Its network 10.1.0.0/24 is not inside the VPC's network 10.0.0.0/16",
        ),
        ("10.0.0.0/16", &[(Dmz, "10.0.0.0/15")], "is not inside"),
        (
            "10.0.0.0/16",
            &[(Intranet, "10.0.4.0/24"), (Dmz, "10.0.0.0/21")],
            "metanetwork dmz. Its network 10.0.0.0/21 overlaps 10.0.4.0/24 of metanetwork intranet",
        ),
        (
            "10.0.0.0/16",
            &[(Intranet, "10.0.4.0/24"), (Dmz, "10.0.4.128/25")],
            "overlaps",
        ),
    ];
    for (vpc, list, problem) in table {
        let found =
            allocate_metanetworks(&mut rng(1), "ci", net(vpc), &choices(list), &[]).unwrap_err();
        assert!(found.0.contains(problem), "{vpc}: {found}");
    }
}

#[test]
fn a_metanetwork_added_later_avoids_what_exists() {
    let existing = nets("10.40.0.0/26 10.40.0.64/26 10.40.0.128/26 10.40.3.0/28");
    let fixed = enclosing(&existing[..3]).unwrap().to_string();
    let list = choices(&[(Intranet, &fixed), (Tunnel, "auto"), (Dmz, "10.40.2.0/24")]);
    let drawn = outcomes(|rng| {
        allocate_metanetworks(rng, "ci", net("10.40.0.0/22"), &list, &existing).unwrap()[&Tunnel]
    });
    assert_eq!(drawn, BTreeSet::from([net("10.40.1.0/24")]));
}

#[test]
fn split_examples() {
    for (block, zones, expected) in [
        (
            "10.40.0.0/26",
            3,
            "10.40.0.0/28 10.40.0.16/28 10.40.0.32/28",
        ),
        ("10.40.0.0/26", 2, "10.40.0.0/27 10.40.0.32/27"),
        ("10.40.0.0/26", 1, "10.40.0.0/26"),
        (
            "10.40.0.0/22",
            4,
            "10.40.0.0/24 10.40.1.0/24 10.40.2.0/24 10.40.3.0/24",
        ),
    ] {
        assert_eq!(
            split(net(block), zones).unwrap(),
            nets(expected),
            "{block} {zones}"
        );
    }
    let nine = split(net("192.168.0.0/24"), 9).unwrap();
    assert_eq!(nine.len(), 9);
    assert_eq!(
        (nine[0], nine[8]),
        (net("192.168.0.0/28"), net("192.168.0.128/28"))
    );
}

#[test]
fn split_refuses_subnets_below_28() {
    assert_eq!(
        split(net("10.40.0.0/27"), 3).unwrap_err().0,
        "Cannot divide 10.40.0.0/27 into subnets for 3 availability zones: \
         they would be /29, but a subnet must be /28 or larger"
    );
    assert!(split(net("10.40.0.0/29"), 1).is_err());
    assert!(split(net("10.40.0.0/16"), 0).is_err());
    assert!(split(net("10.40.0.0/16"), usize::MAX).is_err());
}

#[test]
fn enclosing_examples() {
    for (subnets, expected) in [
        ("10.9.4.0/24 10.9.5.0/24 10.9.6.0/24", "10.9.4.0/22"),
        ("10.9.6.0/24 10.9.4.0/24 10.9.5.0/24", "10.9.4.0/22"),
        ("10.9.4.0/24", "10.9.4.0/24"),
        ("10.9.4.0/25 10.9.4.128/25", "10.9.4.0/24"),
    ] {
        assert_eq!(enclosing(&nets(subnets)), Some(net(expected)), "{subnets}");
    }
    assert_eq!(enclosing(&[]), None);
}

/// Blocks in and around a small parent, of various sizes.
fn nearby() -> impl Strategy<Value = Vec<Ipv4Net>> {
    let block = (0u32..4096, 20u8..=32).prop_map(|(low, prefix)| {
        Ipv4Net::new(Ipv4Addr::from((10 << 24) + low), prefix)
            .unwrap()
            .trunc()
    });
    proptest::collection::vec(block, 0..12)
}

proptest! {
    #[test]
    fn free_block_agrees_with_brute_force(
        seed: u64, low in 0u32..4096, parent in 22u8..=30, more in 0u8..=6, occupied in nearby(),
    ) {
        let parent = Ipv4Net::new(Ipv4Addr::from((10 << 24) + low), parent).unwrap().trunc();
        let prefix = (parent.prefix_len() + more).min(32);
        let free: Vec<Ipv4Net> = parent
            .subnets(prefix)
            .unwrap()
            .filter(|block| !occupied.iter().any(|taken| overlap(*taken, *block)))
            .collect();
        match free_block(&mut rng(seed), parent, prefix, &occupied) {
            Some(block) => prop_assert!(free.contains(&block), "{block} is not free"),
            None => prop_assert!(free.is_empty(), "{free:?} are free"),
        }
        let runs: u64 = free_runs(parent, prefix, &occupied).iter().map(|(start, end)| end - start).sum();
        prop_assert_eq!(runs, free.len() as u64);
    }

    #[test]
    fn metanetworks_never_overlap(
        seed: u64,
        size in 20u8..=24,
        kinds in proptest::collection::btree_map(
            proptest::sample::select(MetaNetwork::ALL.to_vec()),
            proptest::option::of((0u32..4096, 24u8..=28)),
            1..=4,
        ),
        occupied in nearby(),
    ) {
        let at = |low: u32, prefix| Ipv4Net::new(Ipv4Addr::from((10 << 24) + low), prefix).unwrap().trunc();
        let vpc = at(0, size);
        let choices: BTreeMap<MetaNetwork, CidrChoice> = kinds
            .into_iter()
            .map(|(net, fixed)| (net, fixed.map_or(CidrChoice::Auto, |(low, prefix)| CidrChoice::Static(at(low, prefix)))))
            .collect();
        if let Ok(result) = allocate_metanetworks(&mut rng(seed), "ci", vpc, &choices, &occupied) {
            prop_assert!(result.keys().eq(choices.keys()));
            for (net, block) in &result {
                prop_assert!(vpc.contains(block));
                prop_assert!(result.iter().all(|(other, theirs)| other == net || !overlap(*theirs, *block)));
                match choices[net] {
                    CidrChoice::Static(fixed) => prop_assert_eq!(*block, fixed),
                    CidrChoice::Auto => {
                        prop_assert_eq!(block.prefix_len(), size + bits_for(choices.len()));
                        prop_assert!(occupied.iter().all(|taken| !overlap(*taken, *block)));
                    }
                }
            }
        }
    }

    #[test]
    fn split_fills_the_front_of_its_block(prefix in 8u8..=28, zones in 1usize..=20, low: u32) {
        let block = Ipv4Net::new(Ipv4Addr::from(low), prefix).unwrap().trunc();
        if let Ok(subnets) = split(block, zones) {
            prop_assert_eq!(subnets.len(), zones);
            prop_assert_eq!(subnets[0].network(), block.network());
            prop_assert!(subnets.iter().all(|subnet| block.contains(subnet) && subnet.prefix_len() <= 28));
            for pair in subnets.windows(2) {
                prop_assert_eq!(u32::from(pair[0].broadcast()) + 1, u32::from(pair[1].network()));
            }
            prop_assert_eq!(enclosing(&subnets), Some(block));
        } else {
            prop_assert!(prefix + bits_for(zones) > 28);
        }
    }

    #[test]
    fn cidr_parsers_never_panic(text in "\\PC{0,24}|[0-9./:a ]{0,24}") {
        if let Ok(parsed) = parse_cidr4(&text) {
            prop_assert_eq!(parse_cidr4(&parsed.to_string()).unwrap(), parsed);
        }
        if let Ok(parsed) = parse_cidr(&text) {
            prop_assert_eq!(parse_cidr(&parsed.to_string()).unwrap(), parsed);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    /// Hundreds of VPCs of all sizes: the block is aligned, inside the space, beside all of them, and one is found if there
    /// is one.
    #[test]
    fn a_range_beside_hundreds(taken in proptest::collection::vec((0u32..1 << 16, 20u8..=28), 200..700), size in 20u8..=24, seed in 0u64..1000) {
        let space = net("10.0.0.0/12");
        let taken: Vec<Ipv4Net> = taken
            .iter()
            .map(|(at, prefix)| Ipv4Net::new(Ipv4Addr::from(0x0a00_0000 + (at << 4)), *prefix).unwrap().trunc())
            .collect();
        let candidates = || space.subnets(size).unwrap();
        let free = candidates().filter(|block| !taken.iter().any(|t| overlap(*t, *block))).count();
        match allocate_vpc(&mut rng(seed), "ci", space, size, &taken) {
            Ok(block) => {
                prop_assert!(candidates().any(|candidate| candidate == block));
                prop_assert!(!taken.iter().any(|t| overlap(*t, block)), "{}", block);
            }
            Err(error) => prop_assert_eq!(free, 0, "{}", error.0),
        }
    }
}
