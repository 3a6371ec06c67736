//! Tables for the grammar and every example of spec 20, section 4.10; properties of the resolution.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use proptest::prelude::*;

fn line(text: &str) -> PeeringLine {
    text.parse().unwrap()
}

/// `NAME:TYPE` words; the id of a VPC is `vpc-NAME`.
fn candidates(text: &str) -> Vec<PeeringCandidate> {
    let candidate = |word: &str| {
        let (name, env_type) = word.split_once(':').unwrap();
        PeeringCandidate {
            name: name.into(),
            env_type: env_type.into(),
            vpc: format!("vpc-{name}"),
        }
    };
    text.split_whitespace().map(candidate).collect()
}

fn shown(connections: &[PeeringConnection]) -> Vec<String> {
    let end = |end: &PeeringEnd| format!("{}/{}", &end.vpc["vpc-".len()..], end.net);
    connections
        .iter()
        .flat_map(|c| &c.links)
        .map(|link| format!("{}-{}", end(&link.first), end(&link.second)))
        .collect()
}

const VPCS: &str = "ci:ci box1:sandbox box2:sandbox prod:production";

#[test]
fn lines_connect_what_they_match() {
    let table: [(&[&str], &[&str]); 11] = [
        (
            &["*:sandbox/tunnel ci/intranet"],
            &["box1/tunnel-ci/intranet", "box2/tunnel-ci/intranet"],
        ),
        (&["*:sandbox/dmz *:sandbox/dmz"], &["box1/dmz-box2/dmz"]),
        (
            &["*:sandbox/dmz *:sandbox/tunnel"],
            &["box1/dmz-box2/tunnel", "box2/dmz-box1/tunnel"],
        ),
        (&["ci/intranet prod/dmz"], &[]),
        (
            &["ci/intranet prod:production/dmz"],
            &["ci/intranet-prod/dmz"],
        ),
        (&["ci/intranet ci/dmz"], &[]),
        (&["gone/dmz ci/intranet", "*:gone/dmz ci/intranet"], &[]),
        (&[], &[]),
        // The same link in another direction, and another link of the same pair.
        (
            &[
                "ci/dmz box1:sandbox/dmz",
                "box1:sandbox/dmz ci/dmz",
                "box1:sandbox/tunnel ci/dmz",
            ],
            &["ci/dmz-box1/dmz", "box1/tunnel-ci/dmz"],
        ),
        (&["ci/dmz\n  box1:sandbox/dmz"], &["ci/dmz-box1/dmz"]),
        // A name that exists, of another type.
        (&["box1:ci/dmz ci/dmz"], &[]),
    ];
    for (lines, wanted) in table {
        let lines: Vec<PeeringLine> = lines.iter().map(|text| line(text)).collect();
        let connections = resolve_peerings(&lines, &candidates(VPCS));
        assert_eq!(shown(&connections), wanted, "{lines:?}");
    }
}

#[test]
fn one_connection_for_each_pair_of_vpcs_asked_for_by_the_first_endpoint() {
    let lines = [
        line("ci/dmz box1:sandbox/dmz"),
        line("*:sandbox/tunnel ci/dmz"),
        line("box1:sandbox/intranet ci/intranet"),
    ];
    let connections = resolve_peerings(&lines, &candidates(VPCS));
    let pairs: Vec<(&str, &str, usize)> = connections
        .iter()
        .map(|c| (c.requester.as_str(), c.accepter.as_str(), c.links.len()))
        .collect();
    assert_eq!(
        pairs,
        [("vpc-ci", "vpc-box1", 3), ("vpc-box2", "vpc-ci", 1)]
    );
    assert_eq!(connections[0].other("vpc-ci"), Some("vpc-box1"));
    assert_eq!(connections[0].other("vpc-box1"), Some("vpc-ci"));
    assert_eq!(connections[0].other("vpc-box2"), None);
}

#[test]
fn what_is_wrong_with_a_line_is_said() {
    let table = [
        ("", "peering `` is not a pair"),
        ("ci/intranet", "peering `ci/intranet` is not a pair"),
        (
            "ci/dmz  b/dmz c/dmz",
            "peering `ci/dmz b/dmz c/dmz` is not a pair",
        ),
        (
            "*/dmz ci/intranet",
            "peering `*/dmz ci/intranet`: `*/dmz`: wildcards need a type, like *:sandbox/dmz",
        ),
        ("ci/dmz x:*/dmz", "`x:*/dmz`: wildcards need a type"),
        (
            "ci intranet/ci",
            "`ci` names no metanetwork: write it as NAME[:TYPE]/NET",
        ),
        ("ci/a/b ci/dmz", "`ci/a/b` has more than one `/`"),
        ("ci:a:b/dmz ci/dmz", "`ci:a:b/dmz` has more than one `:`"),
        (":a/dmz ci/dmz", "`:a/dmz` lacks the name or the type"),
        ("a:/dmz ci/dmz", "`a:/dmz` lacks the name or the type"),
        ("/dmz ci/dmz", "`/dmz` lacks the name or the type"),
        (
            "ci/web ci/dmz",
            "unknown metanetwork `web`: use one of intranet, tunnel, dmz, maintenance",
        ),
        ("ci/dmz ci/", "unknown metanetwork ``"),
    ];
    for (text, problem) in table {
        let GrammarError(said) = text.parse::<PeeringLine>().unwrap_err();
        assert!(said.contains(problem), "{text}: {said}");
    }
}

#[test]
fn lines_print_in_full_and_parse_again() {
    for (text, full) in [
        ("ci/dmz *:sandbox/tunnel", "ci:ci/dmz *:sandbox/tunnel"),
        ("a:b/intranet c/maintenance", "a:b/intranet c:c/maintenance"),
    ] {
        assert_eq!(line(text).to_string(), full);
        assert_eq!(line(full), line(text));
    }
}

fn any_endpoint() -> impl Strategy<Value = PeeringEndpoint> {
    let net = prop::sample::select(MetaNetwork::ALL.to_vec());
    let name = prop::option::of(prop::sample::select(vec!["a", "b", "c", "d"]));
    (name, prop::sample::select(vec!["s", "t"]), net).prop_map(|(name, env_type, net)| {
        PeeringEndpoint {
            name: name.map(str::to_owned),
            env_type: env_type.to_owned(),
            net,
        }
    })
}

fn any_lines() -> impl Strategy<Value = Vec<PeeringLine>> {
    let line =
        (any_endpoint(), any_endpoint()).prop_map(|(first, second)| PeeringLine { first, second });
    prop::collection::vec(line, 0..6)
}

fn undirected(connections: &[PeeringConnection]) -> BTreeSet<(PeeringEnd, PeeringEnd)> {
    connections
        .iter()
        .flat_map(|c| &c.links)
        .map(|link| link.undirected())
        .map(|(a, b)| (a.clone(), b.clone()))
        .collect()
}

proptest! {
    #[test]
    fn connections_are_symmetric_unique_and_between_two_vpcs(lines in any_lines(), order in Just(vec![0usize, 1, 2, 3, 4]).prop_shuffle()) {
        let all = candidates("a:s b:s c:t d:t a:t");
        let connections = resolve_peerings(&lines, &all);
        let mut pairs = BTreeSet::new();
        for connection in &connections {
            let (a, b) = (&connection.requester, &connection.accepter);
            prop_assert!(a != b);
            prop_assert!(pairs.insert(if a < b { (a, b) } else { (b, a) }), "one connection per pair");
            for link in &connection.links {
                prop_assert!(connection.joins(&link.first.vpc, &link.second.vpc));
            }
        }
        let links: usize = connections.iter().map(|c| c.links.len()).sum();
        prop_assert_eq!(undirected(&connections).len(), links, "each link once");
        let turned: Vec<PeeringLine> = lines
            .iter()
            .rev()
            .map(|l| PeeringLine { first: l.second.clone(), second: l.first.clone() })
            .collect();
        prop_assert_eq!(undirected(&resolve_peerings(&turned, &all)), undirected(&connections));
        let shuffled: Vec<PeeringCandidate> = order.iter().map(|i| all[*i].clone()).collect();
        prop_assert_eq!(resolve_peerings(&lines, &shuffled), connections);
    }
}
