//! The lines for `ip`, without running it.
#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;

fn link() -> Link {
    Link {
        host: "i-1".into(),
        name: "h1".into(),
        mac: "02:00:00:00:00:09".into(),
    }
}

fn addresses(private: &[&str], public: &[&str]) -> Addresses {
    let parse = |list: &[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect();
    Addresses {
        private: parse(private),
        public: parse(public),
    }
}

#[test]
fn only_the_office_has_a_way_to_private_addresses() {
    assert!(
        place(OFFICE, "192.0.2.10")
            .iter()
            .any(|line| line.contains("default"))
    );
    assert!(
        !place(INTERNET, "198.51.100.10")
            .iter()
            .any(|line| line.contains("route"))
    );
}

#[test]
fn a_host_speaks_from_its_primary_address() {
    let lines = inside(&addresses(&["10.0.0.5", "10.0.0.6"], &["54.1.1.1"]));
    assert_eq!(
        lines.last().unwrap(),
        "route add default via 169.254.0.1 dev eth0 onlink src 10.0.0.5"
    );
    let added = lines
        .iter()
        .filter(|line| line.starts_with("addr add") && line.ends_with("eth0"));
    assert_eq!(added.count(), 3);
}

#[test]
fn changed_addresses_are_the_difference() {
    let old = addresses(&["10.0.0.5"], &["54.1.1.1"]);
    let new = addresses(&["10.0.0.5", "10.0.0.9"], &["54.2.2.2"]);
    let (here, away, router) = changes(&link(), &old, &new);
    assert_eq!(
        here,
        [
            "addr del 54.1.1.1/32 dev eth0",
            "addr add 10.0.0.9/32 dev eth0",
            "addr add 54.2.2.2/32 dev eth0"
        ]
    );
    assert_eq!(
        away,
        ["route del 54.1.1.1/32 dev h1", "neigh del 54.1.1.1 dev h1"]
    );
    assert_eq!(
        router,
        [
            "neigh replace 10.0.0.9 lladdr 02:00:00:00:00:09 dev h1 nud permanent",
            "route replace 10.0.0.9/32 dev h1",
            "neigh replace 54.2.2.2 lladdr 02:00:00:00:00:09 dev h1 nud permanent",
            "route replace 54.2.2.2/32 dev h1"
        ]
    );
    let nothing = changes(&link(), &new, &new);
    assert!(nothing.0.is_empty() && nothing.1.is_empty() && nothing.2.is_empty());
}

#[test]
fn an_address_that_moved_keeps_its_way_from_the_internet() {
    let mut owners = BTreeMap::new();
    let none: &[Ipv4Addr] = &[];
    let address = [Ipv4Addr::new(54, 1, 1, 1)];
    let come = "route replace 54.1.1.1/32 via 169.254.0.1 dev eth0 onlink";
    let gone = "route del 54.1.1.1/32 via 169.254.0.1 dev eth0 onlink";
    for (host, old, new, lines) in [
        ("i-1", none, &address[..], (vec![], vec![come])),
        ("i-1", &address[..], &address[..], (vec![], vec![])),
        // The new host has it before the old one lets it go.
        ("i-2", none, &address[..], (vec![], vec![come])),
        ("i-1", &address[..], none, (vec![], vec![])),
        ("i-2", &address[..], none, (vec![gone], vec![])),
    ] {
        let want: (Vec<String>, Vec<String>) = (
            lines.0.iter().map(ToString::to_string).collect(),
            lines.1.iter().map(ToString::to_string).collect(),
        );
        assert_eq!(routes(&mut owners, host, old, new), want, "{host} {old:?}");
    }
    assert!(owners.is_empty());
}
