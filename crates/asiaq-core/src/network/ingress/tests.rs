//! Tests of grants: the examples of spec 20 (4.7), normal form, customer ports and the difference.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use MetaNetwork::{Dmz, Intranet, Maintenance, Tunnel};

fn ports(text: &str) -> Vec<PortRange> {
    text.split_whitespace()
        .map(|port| PortRange::parse(port).unwrap())
        .collect()
}

fn cidrs(text: &str) -> Vec<IpNet> {
    text.split_whitespace()
        .map(|cidr| cidr.parse().unwrap())
        .collect()
}

fn grants(
    net: MetaNetwork,
    rules: &str,
    configured: &[MetaNetwork],
    customer: (&str, &str),
) -> Result<Vec<String>, String> {
    let rules = Rule::parse_list(net, rules).unwrap();
    desired_grants(
        net,
        &rules,
        configured,
        &ports(customer.0),
        &cidrs(customer.1),
    )
    .map(|set| set.iter().map(Grant::to_string).collect())
    .map_err(|problem| problem.0)
}

#[test]
fn rules_expand_to_one_grant_per_source_and_port() {
    let both = [Intranet, Dmz];
    let table: [(MetaNetwork, &str, &[&str]); 7] = [
        (Intranet, "", &[]),
        (
            Intranet,
            "tcp dmz 0:1024 443",
            &["tcp 0-1024 from dmz", "tcp 443 from dmz"],
        ),
        (
            Intranet,
            "UDP all 53",
            &["udp 53 from intranet", "udp 53 from dmz"],
        ),
        (
            Dmz,
            "icmp 10.0.0.0/8 -1, icmp 10.0.0.0/8 8:0",
            &["icmp from 10.0.0.0/8", "icmp 8/0 from 10.0.0.0/8"],
        ),
        (Dmz, "-1 all 80 443", &["all from intranet", "all from dmz"]),
        (
            Dmz,
            "47 10.1.2.3/8 -1,47 10.0.0.0/8 9",
            &["protocol 47 from 10.0.0.0/8"],
        ),
        (
            Dmz,
            "tcp 0.0.0.0/0 443, 6 1.2.3.4/0 443, tcp ::/0 443",
            &["tcp 443 from 0.0.0.0/0", "tcp 443 from ::/0"],
        ),
    ];
    for (net, rules, expected) in table {
        assert_eq!(
            grants(net, rules, &both, ("", "")).unwrap(),
            expected,
            "{rules}"
        );
    }
}

#[test]
fn customer_ports_open_dmz_and_intranet_even_without_rules() {
    let customer = ("443 8000:8010", "0.0.0.0/0");
    let dmz = [
        "tcp 443 from dmz",
        "tcp 443 from 0.0.0.0/0",
        "tcp 8000-8010 from dmz",
        "tcp 8000-8010 from 0.0.0.0/0",
    ];
    let intranet = ["tcp 443 from dmz", "tcp 8000-8010 from dmz"];
    let configured = MetaNetwork::ALL;
    assert_eq!(grants(Dmz, "", &configured, customer).unwrap(), dmz);
    assert_eq!(
        grants(Intranet, "", &configured, customer).unwrap(),
        intranet
    );
    assert_eq!(
        grants(Intranet, "tcp dmz 443", &configured, customer).unwrap(),
        intranet,
        "no duplicates"
    );
    for net in [Tunnel, Maintenance] {
        assert!(
            grants(net, "", &configured, customer).unwrap().is_empty(),
            "{net}"
        );
    }
    assert!(
        grants(Intranet, "", &[Intranet, Tunnel], customer)
            .unwrap()
            .is_empty(),
        "no dmz"
    );
    assert!(
        grants(Dmz, "", &configured, ("", "0.0.0.0/0"))
            .unwrap()
            .is_empty(),
        "no ports"
    );
    assert_eq!(
        grants(Dmz, "", &[Dmz], ("80", "")).unwrap(),
        ["tcp 80 from dmz"]
    );
}

#[test]
fn references_to_missing_metanetworks_are_errors() {
    assert_eq!(
        grants(
            Intranet,
            "tcp all 80, tcp dmz 443 80",
            &[Intranet],
            ("", "")
        )
        .unwrap_err(),
        "rule `tcp dmz 443 80` for metanetwork intranet refers to metanetwork dmz, which is not configured"
    );
    assert_eq!(
        grants(Tunnel, "", &[Tunnel], ("90:80", "")).unwrap_err(),
        "customer_ports: port range `90:80` ends before it starts"
    );
}

#[test]
fn normal_form() {
    let cidr = |text: &str| Peer::<&str>::Cidr(text.parse().unwrap());
    let open = Grant::new(Protocol::Tcp, None, None, cidr("10.1.2.3/8"));
    assert_eq!(
        open,
        Grant::new(Protocol::Tcp, Some(0), Some(65535), cidr("10.0.0.0/8"))
    );
    assert_eq!(open.to_string(), "tcp 0-65535 from 10.0.0.0/8");
    for protocol in [Protocol::All, Protocol::Number(47)] {
        let grant = Grant::new(protocol, Some(-1), Some(7), Peer::Group("sg-1"));
        assert_eq!((grant.from, grant.to), (None, None));
        assert_eq!(grant, Grant::new(protocol, None, None, Peer::Group("sg-1")));
    }
    for protocol in [Protocol::Udp, Protocol::Icmp, Protocol::Icmpv6] {
        let grant = Grant::new(protocol, Some(3), Some(4), Peer::Group("sg-1"));
        assert_eq!((grant.from, grant.to), (Some(3), Some(4)));
    }
    assert_eq!(
        Grant::new(Protocol::Icmpv6, Some(128), Some(-1), Peer::Group("sg-1")).to_string(),
        "icmpv6 128/-1 from sg-1"
    );
}

#[test]
fn differences() {
    let grant = |port, group| Grant::new(Protocol::Tcp, Some(port), Some(port), Peer::Group(group));
    let desired = BTreeSet::from([grant(1, "a"), grant(2, "a"), grant(3, "b")]);
    let current = BTreeSet::from([grant(2, "a"), grant(3, "c"), grant(0, "a")]);
    let (add, revoke) = diff_grants(&desired, &current);
    assert_eq!(add, [grant(1, "a"), grant(3, "b")]);
    assert_eq!(revoke, [grant(0, "a"), grant(3, "c")]);
    assert_eq!(diff_grants(&desired, &desired), (vec![], vec![]));
    assert_eq!(
        diff_grants(&BTreeSet::new(), &current).1.len(),
        3,
        "without rules everything is revoked"
    );
}
