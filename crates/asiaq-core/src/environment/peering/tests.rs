//! The listing's rows, and what is deleted with a connection.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::aws::Tags;
use crate::environment::observed::{PeerVpc, Route, Target};
use crate::environment::testing::{live, net4, ordered, peer, peering_rule};

fn vpc(id: &str, name: Option<&str>) -> Vpc {
    let tags: Tags = name
        .map(|name| (tag::NAME.to_owned(), name.to_owned()))
        .into_iter()
        .collect();
    Vpc {
        id: id.into(),
        name: name.unwrap_or("-").into(),
        env_type: "t".into(),
        cidr_block: "10.0.0.0/16".into(),
        cidr_blocks: vec![
            if name == Some("build") {
                "10.1.0.0/16"
            } else {
                "10.0.0.0/16"
            }
            .into(),
        ],
        is_default: false,
        tags,
        dhcp_options_id: None,
    }
}

#[test]
fn records_show_live_and_failed_connections_by_accepter() {
    let vpcs = [
        vpc("vpc-1", Some("zoo")),
        vpc("vpc-2", Some("ant")),
        vpc("vpc-3", None),
    ];
    let mut first = live("pcx-1", "active", "vpc-2", "vpc-1");
    first.accepter.cidr = Some(net4("10.1.0.0/16"));
    let all = [
        first,
        live("pcx-2", "failed", "vpc-1", "vpc-2"),
        live("pcx-3", "expired", "vpc-1", "vpc-2"),
        live("pcx-4", "pending-acceptance", "vpc-9", "vpc-3"),
        live("pcx-5", "provisioning", "vpc-1", "vpc-8"),
        live("pcx-6", "active", "vpc-3", "vpc-2"),
        live("pcx-7", "rejected", "vpc-1", "vpc-2"),
    ];
    let rows: Vec<String> = records(&vpcs, &all)
        .iter()
        .map(|r| {
            format!(
                "{} {}<->{} {}",
                r.id, r.accepter.name, r.requester.name, r.accepter.cidr_block
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            "pcx-5 <->zoo ",
            "pcx-4 -<-> ",
            "pcx-2 ant<->zoo ",
            "pcx-6 ant<->- ",
            "pcx-1 zoo<->ant 10.1.0.0/16"
        ]
    );
}

fn through(destination: &str, connection: &str) -> Route {
    Route {
        destination: net4(destination),
        target: Target::Peering(connection.into()),
        propagated: false,
        blackhole: false,
    }
}

/// Plan of deleting these, given the environments.
fn deleted(peerings: &[Peering], peers: &[PeerVpc], vpcs: &[Vpc]) -> Plan<PeeringAction> {
    let tables: Vec<_> = peers.iter().flat_map(|p| p.route_tables.clone()).collect();
    let groups = peers
        .iter()
        .map(|p| (format!("vpc-{}", p.name), p.security_groups.clone()));
    let deleting = Deleting {
        peerings,
        tables: &tables,
        groups: &groups.collect(),
        vpcs,
    };
    deleting.plan()
}

#[test]
fn a_connection_goes_after_its_routes_and_rules_on_both_sides() {
    let (mut ci, mut build) = (
        peer("ci", "ci", "10.0.0.0/20"),
        peer("build", "b", "10.1.0.0/20"),
    );
    ci.route_tables[0].routes = vec![
        through("10.1.8.0/21", "pcx-1"),
        through("10.9.0.0/21", "pcx-9"),
    ];
    build.route_tables[3].routes = vec![through("10.0.0.0/21", "pcx-1")];
    build.route_tables[3].net = None;
    peering_rule(
        &mut build.security_groups[1],
        net4("10.0.0.0/21"),
        "asiaq-peering:ci/intranet",
    );
    peering_rule(
        &mut build.security_groups[1],
        net4("10.7.0.0/21"),
        "asiaq-peering:ci-2/intranet",
    );
    // Of another VPC that is called ci as well.
    peering_rule(
        &mut build.security_groups[1],
        net4("10.44.0.0/21"),
        "asiaq-peering:ci/intranet",
    );
    peering_rule(
        &mut ci.security_groups[0],
        net4("10.1.8.0/21"),
        "asiaq-peering:build/dmz",
    );
    peering_rule(&mut ci.security_groups[0], net4("10.5.0.0/21"), "by hand");
    let vpcs = [vpc("vpc-ci", Some("ci")), vpc("vpc-build", Some("build"))];
    let plan = deleted(
        &[live("pcx-1", "active", "vpc-ci", "vpc-build")],
        &[ci, build],
        &vpcs,
    );
    assert_eq!(
        plan.lines(),
        [
            "- route ci/intranet us-west-2a 10.1.8.0/21 -> peering ci <-> build",
            "- route build rtb-build-dmz-us-west-2b 10.0.0.0/21 -> peering ci <-> build",
            "- rule ci/intranet all from 10.1.8.0/21 (peering with build/dmz)",
            "- rule build/dmz all from 10.0.0.0/21 (peering with ci/intranet)",
            "- peering connection ci <-> build pcx-1",
        ]
    );
    let last = ordered(&plan).pop().unwrap();
    assert_eq!(last.needs.len(), 4);
    assert!(matches!(&last.action, PeeringAction::Delete { id } if id == "pcx-1"));
}

#[test]
fn two_connections_of_one_pair_share_the_rules() {
    let (ci, mut build) = (
        peer("ci", "ci", "10.0.0.0/20"),
        peer("build", "b", "10.1.0.0/20"),
    );
    peering_rule(
        &mut build.security_groups[1],
        net4("10.0.0.0/21"),
        "asiaq-peering:ci/intranet",
    );
    let vpcs = [vpc("vpc-ci", Some("ci")), vpc("vpc-build", Some("build"))];
    let both = [
        live("pcx-1", "active", "vpc-ci", "vpc-build"),
        live("pcx-2", "active", "vpc-build", "vpc-ci"),
    ];
    let plan = deleted(&both, &[ci, build], &vpcs);
    assert_eq!(
        plan.lines(),
        [
            "- rule build/dmz all from 10.0.0.0/21 (peering with ci/intranet)",
            "- peering connection ci <-> build pcx-1",
            "- peering connection build <-> ci pcx-2",
        ]
    );
    assert!(
        plan.changes()[1..]
            .iter()
            .all(|c| c.needs == [plan.changes()[0].id.clone()])
    );
}

#[test]
fn rules_for_a_vpc_that_is_gone_are_known_by_its_network() {
    let mut build = peer("build", "b", "10.1.0.0/20");
    peering_rule(
        &mut build.security_groups[1],
        net4("10.0.0.0/21"),
        "asiaq-peering:ci/intranet",
    );
    peering_rule(
        &mut build.security_groups[1],
        net4("10.6.0.0/21"),
        "asiaq-peering:other/intranet",
    );
    let mut gone = live("pcx-1", "active", "vpc-gone", "vpc-build");
    gone.requester.cidr = Some(net4("10.0.0.0/20"));
    let plan = deleted(&[gone], &[build], &[vpc("vpc-build", Some("build"))]);
    assert_eq!(
        plan.lines(),
        [
            "- rule build/dmz all from 10.0.0.0/21 (peering with ci/intranet)",
            "- peering connection vpc-gone <-> build pcx-1",
        ]
    );
}

#[test]
fn nothing_to_delete_is_an_empty_plan() {
    assert!(deleted(&[], &[peer("ci", "ci", "10.0.0.0/20")], &[]).is_empty());
}
