//! Tests of the rule grammar: the examples of spec 20 (4.7), its refusals, and the round trip.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;
use MetaNetwork::{Dmz, Intranet};

fn range(from: i32, to: i32) -> PortRange {
    PortRange { from, to }
}

#[test]
fn protocols_have_one_normal_form() {
    for (text, expected, aws) in [
        ("tcp", Protocol::Tcp, "tcp"),
        ("TCP", Protocol::Tcp, "tcp"),
        ("6", Protocol::Tcp, "tcp"),
        ("Udp", Protocol::Udp, "udp"),
        ("17", Protocol::Udp, "udp"),
        ("icmp", Protocol::Icmp, "icmp"),
        ("1", Protocol::Icmp, "icmp"),
        ("icmpV6", Protocol::Icmpv6, "icmpv6"),
        ("58", Protocol::Icmpv6, "icmpv6"),
        ("-1", Protocol::All, "-1"),
        ("47", Protocol::Number(47), "47"),
        ("0", Protocol::Number(0), "0"),
        ("255", Protocol::Number(255), "255"),
    ] {
        let protocol: Protocol = text.parse().unwrap();
        assert_eq!(protocol, expected, "{text}");
        assert_eq!(protocol.aws_name(), aws, "{text}");
    }
    for text in ["", "256", "-2", "gre", "tcp,", "6.0"] {
        assert!(
            text.parse::<Protocol>()
                .unwrap_err()
                .0
                .contains(&format!("`{text}`")),
            "{text}"
        );
    }
}

#[test]
fn port_ranges() {
    for (text, expected, shown) in [
        ("443", range(443, 443), "443"),
        ("0:1024", range(0, 1024), "0-1024"),
        ("-1", range(-1, -1), "-1"),
        ("8:-1", range(8, -1), "8--1"),
        ("0:65535", range(0, 65535), "0-65535"),
    ] {
        assert_eq!(PortRange::parse(text).unwrap(), expected, "{text}");
        assert_eq!(expected.to_string(), shown);
    }
    for text in [
        "",
        ":",
        "1:",
        ":1",
        "1:2:3",
        "65536",
        "-2",
        "1-2",
        "http",
        "99999999999",
        " 1",
        "0:70000",
    ] {
        assert!(
            PortRange::parse(text)
                .unwrap_err()
                .0
                .starts_with(&format!("`{text}` is not a port")),
            "{text}"
        );
    }
}

#[test]
fn backward_ranges_are_refused_only_where_they_are_ranges() {
    for (protocol, good) in [
        (Protocol::Tcp, false),
        (Protocol::Udp, false),
        (Protocol::Icmp, true),
        (Protocol::Icmpv6, true),
        (Protocol::All, true),
    ] {
        assert_eq!(range(8, 0).check(protocol).is_ok(), good, "{protocol:?}");
        assert_eq!(range(0, 8).check(protocol), Ok(()));
    }
}

#[test]
fn rules() {
    let cidr = |text: &str| Source::Cidr(text.parse().unwrap());
    for (text, protocol, source, ports) in [
        (
            "tcp dmz 0:1024 443",
            Protocol::Tcp,
            Source::Net(Dmz),
            vec![range(0, 1024), range(443, 443)],
        ),
        (
            "UDP all 53",
            Protocol::Udp,
            Source::All,
            vec![range(53, 53)],
        ),
        (
            "udp ALL 53",
            Protocol::Udp,
            Source::All,
            vec![range(53, 53)],
        ),
        (
            "icmp 10.0.0.0/8 -1",
            Protocol::Icmp,
            cidr("10.0.0.0/8"),
            vec![range(-1, -1)],
        ),
        (
            "icmp 10.0.0.0/8 8:0",
            Protocol::Icmp,
            cidr("10.0.0.0/8"),
            vec![range(8, 0)],
        ),
        (
            "  tcp\n10.1.0.22/16\t22 ",
            Protocol::Tcp,
            cidr("10.1.0.0/16"),
            vec![range(22, 22)],
        ),
        (
            "tcp 2001:DB8::1/32 22",
            Protocol::Tcp,
            cidr("2001:db8::/32"),
            vec![range(22, 22)],
        ),
        (
            "-1 intranet -1",
            Protocol::All,
            Source::Net(Intranet),
            vec![range(-1, -1)],
        ),
    ] {
        let rule = Rule::parse(Intranet, text).unwrap();
        assert_eq!(
            rule,
            Rule {
                protocol,
                source,
                ports
            },
            "{text}"
        );
        assert_eq!(
            Rule::parse(Intranet, &rule.to_string()).unwrap(),
            rule,
            "{text}"
        );
    }
    let shown = Rule::parse(Dmz, " UDP  ALL 53 7000:7010")
        .unwrap()
        .to_string();
    assert_eq!(shown, "udp all 53 7000:7010");
}

#[test]
fn bad_rules() {
    for (text, rest) in [
        ("", "write it as PROTOCOL SOURCE PORT"),
        ("tcp", "write it as PROTOCOL SOURCE PORT"),
        ("tcp all", "write it as PROTOCOL SOURCE PORT"),
        (
            "tcp web 80",
            "unknown metanetwork `web`: use one of intranet, tunnel, dmz, maintenance, `all`, or a network like 10.0.0.0/16",
        ),
        ("tcp Dmz 80", "unknown metanetwork `Dmz`"),
        ("tcp 10.0.0.1 80", "unknown metanetwork `10.0.0.1`"),
        ("tcp 10.0.0.0/33 80", "`10.0.0.0/33` is not a network"),
        ("tpc all 80", "unknown protocol `tpc`"),
        ("tcp all http", "`http` is not a port"),
        (
            "tcp all 80 90:80",
            "port range `90:80` ends before it starts",
        ),
        ("udp all 1:0", "port range `1:0` ends before it starts"),
    ] {
        let problem = Rule::parse(Dmz, text).unwrap_err().0;
        let start =
            format!("Cannot make heads or tails of rule `{text}` for metanetwork dmz: {rest}");
        assert!(problem.starts_with(&start), "{problem}");
    }
}

#[test]
fn lists_of_rules() {
    let list = |text| Rule::parse_list(Dmz, text);
    assert_eq!(list("").unwrap(), []);
    assert_eq!(list(" \n ").unwrap(), []);
    let rules = list("tcp all 80,\nudp dmz 53 54").unwrap();
    assert_eq!(
        rules.iter().map(Rule::to_string).collect::<Vec<_>>(),
        ["tcp all 80", "udp dmz 53 54"]
    );
    for text in [
        "tcp all 80,",
        ",tcp all 80",
        "tcp all 80,,tcp all 81",
        ",",
        "tcp all 80,443",
    ] {
        let problem = list(text).unwrap_err().0;
        assert!(
            problem.starts_with("Cannot make heads or tails of rule `"),
            "{text}: {problem}"
        );
        assert!(
            problem.contains("` for metanetwork dmz"),
            "{text}: {problem}"
        );
    }
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let protocol = prop_oneof![
        Just(Protocol::All),
        any::<u8>().prop_map(Protocol::from_number),
        proptest::sample::select(vec![
            Protocol::Tcp,
            Protocol::Udp,
            Protocol::Icmp,
            Protocol::Icmpv6
        ]),
    ];
    let source = prop_oneof![
        Just(Source::All),
        proptest::sample::select(MetaNetwork::ALL.to_vec()).prop_map(Source::Net),
        (any::<u32>(), 0u8..=32).prop_map(|(low, size)| {
            Source::Cidr(
                IpNet::new(std::net::Ipv4Addr::from(low).into(), size)
                    .unwrap()
                    .trunc(),
            )
        }),
        (any::<u128>(), 0u8..=128).prop_map(|(low, size)| {
            Source::Cidr(
                IpNet::new(std::net::Ipv6Addr::from(low).into(), size)
                    .unwrap()
                    .trunc(),
            )
        }),
    ];
    let ports = proptest::collection::vec((-1i32..=65535, -1i32..=65535), 1..4).prop_map(|list| {
        list.into_iter()
            .map(|(a, b)| range(a.min(b), a.max(b)))
            .collect()
    });
    (protocol, source, ports).prop_map(|(protocol, source, ports)| Rule {
        protocol,
        source,
        ports,
    })
}

proptest! {
    #[test]
    fn printed_rules_parse_to_themselves(rules in proptest::collection::vec(any_rule(), 1..4)) {
        let text = rules.iter().map(Rule::to_string).collect::<Vec<_>>().join(", ");
        prop_assert_eq!(Rule::parse_list(Dmz, &text).unwrap(), rules);
    }

    #[test]
    fn parsing_never_panics_and_printing_is_stable(
        text in "\\PC{0,32}|((tcp|udp|icmp|-1|6|47) (all|dmz|10\\.1\\.2\\.3/[0-9]{1,2}) [-0-9:]{1,6}[ ,]?){1,3}",
    ) {
        if let Ok(rules) = Rule::parse_list(Dmz, &text) {
            let printed = rules.iter().map(Rule::to_string).collect::<Vec<_>>().join(",");
            prop_assert_eq!(Rule::parse_list(Dmz, &printed).unwrap(), rules);
        }
    }
}
