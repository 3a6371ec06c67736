//! Peering lines and what they connect.

use super::{must, text};
use crate::{Signature, Target};
use asiaq_core::network::{PeeringCandidate, PeeringLine, resolve_peerings};
use std::collections::BTreeSet;

/// Peering lines, one in each line of the input.
pub(super) const PEERING: Target = Target {
    name: "peering",
    run: peering,
    words: &[
        "ci",
        "build",
        "*",
        ":",
        "/",
        "sandbox",
        "intranet",
        "dmz",
        "tunnel",
        "maintenance",
        " ",
        "\n",
        "*:sandbox/dmz",
        "a:*",
        "\t",
    ],
    make: |rng| {
        rng.many(3, |rng| {
            let mut end = || {
                let name = rng.pick(&["ci", "build", "*", "a", "b"]);
                let kind = rng.pick(&["", ":sandbox", ":ci", ":build", ":*"]);
                format!(
                    "{name}{kind}/{}",
                    rng.pick(&["dmz", "intranet", "tunnel", "Dmz"])
                )
            };
            format!("{} {}\n", end(), end())
        })
    },
};

fn peering(input: &[u8]) -> Signature {
    let value = text(input);
    let mut lines: Vec<PeeringLine> = Vec::new();
    let mut shape = Signature::of("peering");
    for line in value.split('\n').take(8) {
        match line.parse::<PeeringLine>() {
            Ok(parsed) => {
                let shown = parsed.to_string();
                assert_eq!(
                    must(shown.parse::<PeeringLine>(), "shown"),
                    parsed,
                    "{shown}"
                );
                lines.push(parsed);
            }
            Err(error) => shape = shape.and(Signature::error(&error.0)),
        }
    }
    let candidate = |(name, env_type): &(&str, &str)| PeeringCandidate {
        name: (*name).to_owned(),
        env_type: (*env_type).to_owned(),
        vpc: format!("vpc-{name}"),
    };
    let known = [
        ("ci", "ci"),
        ("build", "build"),
        ("a", "sandbox"),
        ("b", "sandbox"),
        ("c", "sandbox"),
    ];
    let mut candidates: Vec<PeeringCandidate> = known.iter().map(candidate).collect();
    let connections = resolve_peerings(&lines, &candidates);
    candidates.reverse();
    assert_eq!(
        connections,
        resolve_peerings(&lines, &candidates),
        "the order of AWS"
    );
    let mut pairs = BTreeSet::new();
    let mut links = 0;
    for connection in &connections {
        assert_ne!(
            connection.requester, connection.accepter,
            "a VPC with itself"
        );
        assert!(connection.joins(&connection.accepter, &connection.requester));
        assert_eq!(
            connection.other(&connection.requester),
            Some(connection.accepter.as_str())
        );
        let mut pair = [&connection.requester, &connection.accepter];
        pair.sort();
        assert!(pairs.insert(pair), "one connection for a pair");
        assert!(!connection.links.is_empty());
        let undirected: BTreeSet<_> = connection
            .links
            .iter()
            .map(|link| link.undirected())
            .collect();
        assert_eq!(undirected.len(), connection.links.len(), "each link once");
        for link in &connection.links {
            assert!(connection.joins(&link.first.vpc, &link.second.vpc));
        }
        links += connection.links.len();
    }
    shape.and((
        lines.len(),
        Signature::count(connections.len()),
        Signature::count(links),
    ))
}
