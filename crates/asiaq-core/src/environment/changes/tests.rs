#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::observed::{DhcpSet, GroupRef, InternetGateway, Target};
use super::super::testing::{
    World, applied, applied_until, config, group, net4, ordered, table, via, zones,
};
use super::*;
use crate::config::{EnvironmentConfig, Location, StaticAddresses};
use crate::network::{Grant, Peer, Protocol};
use proptest::prelude::*;

/// One metanetwork in one zone, so that plans stay readable.
const SMALL: &str = "vpc_cidr=10.0.0.0/24\ntunnel_cidr=10.0.0.0/25\ntunnel_sg_rules=tcp all 22, tcp 192.0.2.0/24 443\n\
                     tunnel_igw_routes=0.0.0.0/0\ndomain_name=ci.example.com\ninternal_dns=10.0.0.2";

fn small() -> EnvironmentConfig {
    config(SMALL)
}

fn one_zone() -> World {
    World {
        zones: zones("a"),
        ..World::default()
    }
}

fn lines(observed: &Observed, config: &EnvironmentConfig) -> Vec<String> {
    one_zone().plan(config, observed).lines()
}

/// The small environment, changed by `drift`.
fn drifted(drift: impl Fn(&mut Observed)) -> Observed {
    let mut observed = one_zone().created(&small());
    drift(&mut observed);
    observed
}

fn tcp(port: i32, cidr: &str) -> Grant<GroupRef> {
    let peer = Peer::Cidr(cidr.parse().unwrap());
    Grant::new(Protocol::Tcp, Some(port), Some(port), peer)
}

#[test]
fn addresses_that_an_interface_has_are_not_reserved_again() {
    let own = StaticAddresses {
        hostclass: "mhca".into(),
        meta_network: MetaNetwork::Tunnel,
        addresses: vec!["+7".into(), "+8".into()],
        location: Location::default(),
    };
    let world = World {
        addresses: vec![own],
        ..one_zone()
    };
    let mut observed = drifted(|_| ());
    let first = "+ interface tunnel us-west-2a 10.0.0.7 of mhca";
    let second = "+ interface tunnel us-west-2a 10.0.0.8 of mhca";
    let lines = |observed: &Observed| world.plan(&small(), observed).lines();
    assert_eq!(lines(&observed), [first, second]);
    observed.taken.insert([10, 0, 0, 7].into());
    assert_eq!(lines(&observed), [second]);
}

#[test]
fn a_new_environment_is_planned_in_full() {
    let wanted = [
        "+ vpc ci 10.0.0.0/24",
        "~ vpc DNS support: off -> on",
        "~ vpc DNS host names: off -> on",
        "+ security group tunnel ci_tunnel",
        "+ subnet tunnel us-west-2a 10.0.0.0/25",
        "+ route table tunnel us-west-2a",
        "+ association of route table and subnet tunnel us-west-2a",
        "+ rule tunnel tcp 22 from tunnel",
        "+ rule tunnel tcp 443 from 192.0.2.0/24",
        "+ internet gateway",
        "+ attachment of the internet gateway to vpc ci",
        "+ route tunnel us-west-2a 0.0.0.0/0 -> internet-gateway",
        "+ S3 endpoint com.amazonaws.us-west-2.s3 for all route tables",
        "+ DHCP option domain-name: ci.example.com",
        "+ DHCP option domain-name-servers: 10.0.0.2",
        "+ association of the DHCP options with vpc ci",
    ];
    assert_eq!(lines(&Observed::default(), &small()), wanted);
}

#[test]
fn nothing_to_do_is_an_empty_plan() {
    let observed = drifted(|_| {});
    assert!(one_zone().plan(&small(), &observed).is_empty());
}

/// What somebody changed → the plan's lines.
type Drift = (&'static str, fn(&mut Observed), &'static [&'static str]);

const DRIFTS: [Drift; 20] = [
    (
        "DNS",
        |o| {
            o.dns_support = false;
            o.dns_hostnames = false;
        },
        &[
            "~ vpc DNS support: off -> on",
            "~ vpc DNS host names: off -> on",
        ],
    ),
    (
        "missing subnet",
        |o| {
            o.subnets.clear();
            o.route_tables[0].associations.clear();
        },
        &[
            "+ subnet tunnel us-west-2a 10.0.0.0/25",
            "+ association of route table and subnet tunnel us-west-2a",
        ],
    ),
    (
        "missing table",
        |o| o.route_tables.clear(),
        &[
            "+ route table tunnel us-west-2a",
            "+ association of route table and subnet tunnel us-west-2a",
            "+ route tunnel us-west-2a 0.0.0.0/0 -> internet-gateway",
            "~ S3 endpoint com.amazonaws.us-west-2.s3: route table tunnel us-west-2a added",
        ],
    ),
    (
        "missing association",
        |o| o.route_tables[0].associations.clear(),
        &["+ association of route table and subnet tunnel us-west-2a"],
    ),
    (
        "missing group",
        |o| o.security_groups.clear(),
        &[
            "+ security group tunnel ci_tunnel",
            "+ rule tunnel tcp 22 from tunnel",
            "+ rule tunnel tcp 443 from 192.0.2.0/24",
        ],
    ),
    (
        "missing and extra rules",
        |o| {
            let foreign = Peer::Group(GroupRef::Foreign("sg-9".into()));
            let grants = &mut o.security_groups[0].grants;
            grants.remove(&tcp(443, "192.0.2.0/24"));
            grants.insert(tcp(8443, "0.0.0.0/0"));
            grants.insert(Grant::new(Protocol::All, None, None, foreign));
        },
        &[
            "+ rule tunnel tcp 443 from 192.0.2.0/24",
            "- rule tunnel all from sg-9",
            "- rule tunnel tcp 8443 from 0.0.0.0/0",
        ],
    ),
    (
        "grants of peerings and IPv6 are kept",
        |o| {
            let kept = &mut o.security_groups[0].kept_grants;
            kept.insert(tcp(1, "10.9.0.0/16"));
            kept.insert(tcp(2, "2001:db8::/32"));
        },
        &[],
    ),
    (
        "a kept grant that is wanted too counts as present",
        |o| {
            let own = &mut o.security_groups[0];
            let grant = tcp(443, "192.0.2.0/24");
            own.grants.remove(&grant);
            own.kept_grants.insert(grant);
        },
        &[],
    ),
    (
        "missing route",
        |o| o.route_tables[0].routes.clear(),
        &["+ route tunnel us-west-2a 0.0.0.0/0 -> internet-gateway"],
    ),
    (
        "route to another internet gateway",
        |o| o.route_tables[0].routes = vec![via(net4("0.0.0.0/0"), "igw-old")],
        &["~ route tunnel us-west-2a 0.0.0.0/0 -> internet-gateway (was igw-old)"],
    ),
    (
        "extra route",
        |o| {
            o.route_tables[0]
                .routes
                .push(via(net4("192.0.2.0/24"), "igw-1"));
        },
        &["- route tunnel us-west-2a 192.0.2.0/24 -> internet-gateway"],
    ),
    (
        "propagated, NAT and endpoint routes are left alone",
        |o| {
            let routes = &mut o.route_tables[0].routes;
            let mut propagated = via(net4("10.7.0.0/16"), "vgw-1");
            propagated.propagated = true;
            let mut nat = via(net4("10.8.0.0/16"), "");
            nat.target = Target::Nat("nat-1".into());
            routes.extend([propagated, via(net4("10.9.0.0/16"), "vpce-1"), nat]);
        },
        &[],
    ),
    (
        "a table that is associated with nothing beside the right one",
        |o| {
            o.route_tables.push(table(
                "rtb-stray",
                MetaNetwork::Dmz,
                Some("us-west-2a"),
                &[],
            ));
        },
        &["~ S3 endpoint com.amazonaws.us-west-2.s3: route table dmz us-west-2a added"],
    ),
    (
        "no internet gateway",
        |o| {
            o.gateways.clear();
            o.route_tables[0].routes.clear();
        },
        &[
            "+ internet gateway",
            "+ attachment of the internet gateway to vpc ci",
            "+ route tunnel us-west-2a 0.0.0.0/0 -> internet-gateway",
        ],
    ),
    (
        "unattached internet gateway",
        |o| o.gateways[0].vpcs.clear(),
        &["+ attachment of the internet gateway to vpc ci"],
    ),
    (
        "attached gateway beside one left by a crash",
        |o| {
            o.gateways.push(InternetGateway {
                id: "igw-2".into(),
                vpcs: Vec::new(),
            });
        },
        &[],
    ),
    (
        "DHCP options are not in force",
        |o| o.dhcp_in_force = None,
        &["+ association of the DHCP options with vpc ci"],
    ),
    (
        "a value of the DHCP options",
        |o| {
            let options = &mut o.dhcp_sets[0].options;
            options.insert("domain-name".into(), vec!["old.example.com".into()]);
            options.insert("ntp-servers".into(), vec!["192.0.2.1".into()]);
        },
        &[
            "~ DHCP option domain-name: old.example.com -> ci.example.com",
            "~ DHCP option domain-name-servers: 10.0.0.2 -> 10.0.0.2",
            "~ DHCP option ntp-servers: 192.0.2.1 -> none",
            "+ association of the DHCP options with vpc ci",
            "- DHCP options dopt-1",
        ],
    ),
    (
        "a second set of DHCP options left by a crash",
        |o| {
            let mut twin = o.dhcp_sets[0].clone();
            twin.id = "dopt-9".into();
            o.dhcp_sets.insert(0, twin);
        },
        &["- DHCP options dopt-9"],
    ),
    (
        "the right DHCP options wait beside the wrong ones",
        |o| {
            let options = [("domain-name".to_owned(), vec!["old".to_owned()])].into();
            let id = "dopt-0".to_owned();
            o.dhcp_sets.push(DhcpSet { id, options });
            o.dhcp_in_force = Some("dopt-0".into());
        },
        &[
            "+ association of the DHCP options with vpc ci",
            "- DHCP options dopt-0",
        ],
    ),
];

#[test]
fn every_drift_is_planned_and_gone_after_it() {
    for (what, drift, wanted) in DRIFTS {
        let observed = drifted(drift);
        let plan = one_zone().plan(&small(), &observed);
        assert_eq!(plan.lines(), wanted, "{what}");
        let after = applied(&observed, &plan);
        assert_eq!(lines(&after, &small()), [""; 0], "{what}, once more");
    }
}

#[test]
fn a_subnet_with_a_wrong_table_changes_its_association() {
    let observed = drifted(|o| {
        let own = o.route_tables[0].associations.clone();
        o.route_tables[0].associations.clear();
        let mut wrong = table("rtb-wrong", MetaNetwork::Tunnel, Some("us-west-2z"), &[]);
        wrong.associations = own;
        o.route_tables.push(wrong);
    });
    let plan = one_zone().plan(&small(), &observed);
    let [change, _endpoint] = plan.changes() else {
        panic!("{:?}", plan.lines())
    };
    let Action::AssociateRouteTable { replace, .. } = &change.action else {
        panic!("{change}")
    };
    assert_eq!(
        replace.as_deref(),
        Some("rtbassoc-subnet-tunnel-us-west-2a")
    );
}

#[test]
fn time_servers_compare_as_a_set_and_name_servers_in_order() {
    let own = |more: &str| config(&format!("vpc_cidr=10.0.0.0/24\ntunnel_cidr=auto\n{more}"));
    let world = |servers: &[&str]| World {
        ntp_servers: servers.iter().map(|s| (*s).to_owned()).collect(),
        ..World::default()
    };
    let ntp = own("ntp_server=a.example b.example");
    let observed = world(&["192.0.2.1", "192.0.2.2"]).created(&ntp);
    let swapped = world(&["192.0.2.2", "192.0.2.1"]).plan(&ntp, &observed);
    assert!(swapped.is_empty(), "{:?}", swapped.lines());
    let other = world(&["192.0.2.2", "192.0.2.3"]).plan(&ntp, &observed);
    assert_eq!(
        other.lines()[0],
        "~ DHCP option ntp-servers: 192.0.2.1 192.0.2.2 -> 192.0.2.2 192.0.2.3"
    );

    let observed = world(&[]).created(&own("internal_dns=10.0.0.2\nexternal_dns=10.0.0.3"));
    let swapped = own("internal_dns=10.0.0.3\nexternal_dns=10.0.0.2");
    assert!(!world(&[]).plan(&swapped, &observed).is_empty());
    // AWS stores a doubled name server once.
    let doubled = own("internal_dns=AmazonProvidedDNS\nexternal_dns=AmazonProvidedDNS");
    let mut observed = world(&[]).created(&doubled);
    let once = vec!["AmazonProvidedDNS".to_owned()];
    observed.dhcp_sets[0]
        .options
        .insert("domain-name-servers".into(), once);
    assert!(world(&[]).plan(&doubled, &observed).is_empty());
    // No DHCP options are configured: those that exist stay.
    assert!(world(&[]).plan(&own(""), &observed).is_empty());
}

#[test]
fn the_old_layout_keeps_its_shared_table() {
    let own = config(
        "vpc_cidr=10.0.0.0/24\ntunnel_cidr=10.0.0.0/25\ntunnel_igw_routes=0.0.0.0/0 192.0.2.0/24",
    );
    let world = World::default();
    let mut observed = world.created(&own);
    let subnets: Vec<String> = observed.subnets.iter().map(|s| s.id.clone()).collect();
    let ids: Vec<&str> = subnets.iter().map(String::as_str).collect();
    let mut shared = table("rtb-shared", MetaNetwork::Tunnel, None, &ids[..2]);
    shared.routes = vec![
        via(net4("0.0.0.0/0"), "igw-1"),
        via(net4("198.51.100.0/24"), "igw-1"),
    ];
    observed.route_tables = vec![shared];
    let plan = world.plan(&own, &observed);
    assert_eq!(
        plan.lines(),
        [
            "+ association of route table and subnet tunnel us-west-2c",
            "- route tunnel shared 198.51.100.0/24 -> internet-gateway",
            "+ route tunnel shared 192.0.2.0/24 -> internet-gateway",
            "~ S3 endpoint com.amazonaws.us-west-2.s3: route table tunnel shared added",
        ]
    );
    let after = applied(&observed, &plan);
    assert_eq!(after.route_tables.len(), 1);
    assert!(world.plan(&own, &after).is_empty());
    // One table with tag `subnet` is not shared, although it is the only one.
    let mut single = observed.clone();
    single.route_tables = vec![table(
        "rtb-a",
        MetaNetwork::Tunnel,
        Some("us-west-2a"),
        &ids[..1],
    )];
    let lines = world.plan(&own, &single).lines();
    assert!(
        lines.contains(&"+ route table tunnel us-west-2b".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn what_an_interrupted_create_left_beside_the_vpc_is_used() {
    let complete = drifted(|_| {});
    let leftovers = Observed {
        gateways: vec![InternetGateway {
            id: "igw-left".into(),
            vpcs: Vec::new(),
        }],
        dhcp_sets: complete.dhcp_sets.clone(),
        ..Observed::default()
    };
    let plan = one_zone().plan(&small(), &leftovers);
    let lines = plan.lines();
    assert!(!lines.iter().any(|line| line == "+ internet gateway"
        || line.starts_with("+ DHCP option ")
        || line.starts_with("~ DHCP")));
    let after = applied(&leftovers, &plan);
    assert_eq!((after.gateways.len(), after.dhcp_sets.len()), (1, 1));
    assert_eq!(after.gateways[0].vpcs, ["vpc-1"]);
    assert!(one_zone().plan(&small(), &after).is_empty());
}

#[test]
fn a_metanetwork_without_rules_loses_those_it_has() {
    let own = config("vpc_cidr=10.0.0.0/24\ntunnel_cidr=10.0.0.0/25");
    let observed = drifted(|o| {
        o.dhcp_sets.clear();
        o.dhcp_in_force = None;
    });
    assert_eq!(
        lines(&observed, &own),
        [
            "- rule tunnel tcp 22 from tunnel",
            "- rule tunnel tcp 443 from 192.0.2.0/24",
            "- route tunnel us-west-2a 0.0.0.0/0 -> internet-gateway"
        ]
    );
}

#[test]
fn known_ids_are_those_of_our_own_resources() {
    let mut observed = drifted(|o| {
        o.route_tables
            .push(table("rtb-s", MetaNetwork::Dmz, None, &[]));
    });
    observed.security_groups.push(super::SecurityGroup {
        net: None,
        ..group("sg-x", "default", MetaNetwork::Dmz)
    });
    let shown: Vec<String> = known_ids(&observed)
        .iter()
        .map(|(key, id)| format!("{key}={id}"))
        .collect();
    assert_eq!(
        shown,
        [
            "internet-gateway=igw-1",
            "route-table/dmz/shared=rtb-s",
            "route-table/tunnel/us-west-2a=rtb-tunnel-us-west-2a",
            "security-group/tunnel=sg-tunnel",
            "subnet/tunnel/us-west-2a=subnet-tunnel-us-west-2a",
            "vpc=vpc-1"
        ]
    );
}

/// Configurations with any of the metanetworks, fixed or automatic, with and without rules, routes and DHCP options.
fn configurations() -> impl Strategy<Value = String> {
    let blocks = [
        "10.0.0.0/17",
        "10.0.128.0/19",
        "10.0.160.0/20",
        "10.0.176.0/21",
    ];
    let net = |index: usize| {
        let name = MetaNetwork::ALL[index];
        (0..3u8, any::<bool>(), any::<bool>()).prop_map(move |(kind, rules, routes)| {
            let cidr = match kind {
                0 => return String::new(),
                1 => "auto",
                _ => blocks[index],
            };
            let rules = if rules {
                "tcp all 22 80, icmp 10.0.0.0/8 -1"
            } else {
                ""
            };
            let (routes, vpn) = if routes {
                ("0.0.0.0/0 192.0.2.0/24", "172.16.0.0/12")
            } else {
                ("", "")
            };
            format!(
                "{name}_cidr={cidr}\n{name}_sg_rules={rules}\n{name}_igw_routes={routes}\n{name}_vgw_routes={vpn}\n"
            )
        })
    };
    let nets = (net(0), net(1), net(2), net(3)).prop_map(|(a, b, c, d)| a + &b + &c + &d);
    (nets, any::<bool>(), any::<bool>())
        .prop_filter("a metanetwork", |(nets, _, _)| !nets.is_empty())
        .prop_map(|(nets, dns, ports)| {
            let dns = if dns {
                "internal_dns=10.0.0.2\ndomain_name=x\n"
            } else {
                ""
            };
            let ports = if ports {
                "customer_ports=443\ncustomer_cidr=0.0.0.0/0\n"
            } else {
                ""
            };
            format!("vpc_cidr=10.0.0.0/16\n{nets}{dns}{ports}")
        })
}

mod endpoint;
mod gateways;

proptest! {
    /// However far a run came before it died: the next one completes the environment, and then there is nothing to do.
    #[test]
    fn runs_converge(text in configurations(), names in "a|ab|abc|abcd", vpn in 0..4usize, first in 0..90usize, second in 0..90usize, seed in 0..50u64) {
        let own = config(&text);
        let world = |seed| World { zones: zones(&names), seed, ..World::default() };
        // Fixed blocks may leave no room for automatic ones.
        if let Ok(desired) = world(seed).desired(&own, &Observed::default()) {
            let empty = gateways::beside(vpn);
            let plan = super::plan(&desired, &empty);
            let ids: std::collections::BTreeSet<&str> = plan.changes().iter().map(|c| c.id.as_str()).collect();
            prop_assert_eq!(ids.len(), plan.changes().len(), "ids are unique");
            prop_assert_eq!(ordered(&plan).len(), plan.changes().len());
            let mut state = applied_until(&empty, &plan, first);
            state = applied_until(&state, &world(seed + 1).plan(&own, &state), second);
            state = applied(&state, &world(seed + 2).plan(&own, &state));
            let rest = world(seed + 3).plan(&own, &state).lines();
            prop_assert!(rest.is_empty(), "{:?}", rest);
            let zones = names.len().min(3) * own.metanetworks.len();
            prop_assert_eq!((state.subnets.len(), state.route_tables.len()), (zones, zones));
            prop_assert_eq!((state.gateways.len(), state.security_groups.len()), (1, own.metanetworks.len()));
            prop_assert_eq!((state.endpoints.len(), state.endpoints[0].route_tables.len()), (1, zones));
            for (index, subnet) in state.subnets.iter().enumerate() {
                let others = &state.subnets[index + 1..];
                prop_assert!(!others.iter().any(|o| o.cidr.contains(&subnet.cidr) || subnet.cidr.contains(&o.cidr)));
            }
        }
    }
}
