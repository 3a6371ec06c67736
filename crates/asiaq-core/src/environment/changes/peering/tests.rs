//! Peerings of an environment that is created or updated: lines of the plan, drift, and convergence from any step.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::environment::observed::{Route, RouteTable, Target};
use crate::environment::testing::{
    World, applied, applied_until, config, live, net4, ordered, peer, table, via, with_peers, zones,
};
use crate::network::{Grant, Peer, Protocol};
use proptest::prelude::*;

const OPTIONS: &str = "vpc_cidr=10.0.0.0/20\nintranet_cidr=10.0.0.0/22\ndmz_cidr=10.0.4.0/22\n\
                       dmz_igw_routes=0.0.0.0/0";
const LINES: [&str; 2] = ["ci:t/intranet build:b/dmz", "*:s/dmz ci:t/dmz"];

fn world() -> World {
    World {
        zones: zones("ab"),
        ..World::default()
    }
}

fn peers() -> [PeerVpc; 2] {
    [
        peer("build", "b", "10.1.0.0/20"),
        peer("box", "s", "10.2.0.0/20"),
    ]
}

fn wanted(observed: &Observed) -> Observed {
    with_peers(observed, &LINES, &peers())
}

fn plan_lines(observed: &Observed) -> Vec<String> {
    world().plan(&config(OPTIONS), observed).lines()
}

fn peering_lines(observed: &Observed) -> Vec<String> {
    let mut lines = plan_lines(observed);
    lines.retain(|line| line.contains("peering"));
    lines
}

/// The environment with its peers as `create` leaves it.
fn connected() -> Observed {
    let new = wanted(&Observed::default());
    applied(&new, &world().plan(&config(OPTIONS), &new))
}

fn notes(observed: &Observed) -> Result<PeeringNotes> {
    let desired = world().desired(&config(OPTIONS), observed).unwrap();
    peering_notes(&desired, observed)
}

#[test]
fn a_new_environment_is_connected_on_both_sides() {
    let new = wanted(&Observed::default());
    assert_eq!(
        peering_lines(&new),
        [
            "+ peering connection ci <-> build",
            "+ route ci/intranet us-west-2a 10.1.8.0/21 -> peering ci <-> build",
            "+ route ci/intranet us-west-2b 10.1.8.0/21 -> peering ci <-> build",
            "+ route build/dmz us-west-2a 10.0.0.0/22 -> peering ci <-> build",
            "+ route build/dmz us-west-2b 10.0.0.0/22 -> peering ci <-> build",
            "+ rule build/dmz all from 10.0.0.0/22 (peering with ci/intranet; widens access)",
            "+ peering connection box <-> ci",
            "+ route box/dmz us-west-2a 10.0.4.0/22 -> peering box <-> ci",
            "+ route box/dmz us-west-2b 10.0.4.0/22 -> peering box <-> ci",
            "+ route ci/dmz us-west-2a 10.2.8.0/21 -> peering box <-> ci",
            "+ route ci/dmz us-west-2b 10.2.8.0/21 -> peering box <-> ci",
            "+ rule ci/dmz all from 10.2.8.0/21 (peering with box/dmz; widens access)",
        ]
    );
    let after = connected();
    assert_eq!(plan_lines(&after), [""; 0]);
    assert_eq!(after.peers.live.len(), 2);
    let notes = notes(&after).unwrap();
    assert_eq!((notes.warnings, notes.extra), (vec![], None));
}

#[test]
fn without_the_rules_only_the_groups_are_left_alone() {
    let mut new = wanted(&Observed::default());
    new.peers.rules = false;
    let lines = peering_lines(&new);
    assert_eq!(lines.len(), 10);
    assert!(
        !lines.iter().any(|line| line.contains("rule")),
        "{lines:#?}"
    );
}

#[test]
fn an_environment_without_lines_has_no_peering_changes() {
    let alone = with_peers(&Observed::default(), &["build:b/dmz box:s/dmz"], &peers());
    assert_eq!(peering_lines(&alone), [""; 0]);
}

fn own_table<'a>(observed: &'a mut Observed, id: &str) -> &'a mut RouteTable {
    let peers = observed.peers.vpcs.values_mut();
    let all = peers.flat_map(|p| &mut p.route_tables);
    let mut all = all.chain(&mut observed.route_tables);
    all.find(|t| t.id == id).unwrap()
}

/// What is done to a connected environment, and what the next plan does about it.
type Drift = (fn(&mut Observed), &'static [&'static str]);

#[test]
fn drift_is_repaired() {
    let table: [Drift; 7] = [
        (
            |o| own_table(o, "rtb-intranet-us-west-2a").routes.clear(),
            &["+ route ci/intranet us-west-2a 10.1.8.0/21 -> peering ci <-> build"],
        ),
        (
            |o| {
                own_table(o, "rtb-build-dmz-us-west-2b").routes[0].target =
                    Target::Nat("nat-1".into())
            },
            &["~ route build/dmz us-west-2b 10.0.0.0/22 -> peering ci <-> build (was nat-1)"],
        ),
        (
            |o| own_table(o, "rtb-build-dmz-us-west-2b").routes[0].blackhole = true,
            &["~ route build/dmz us-west-2b 10.0.0.0/22 -> peering ci <-> build (led nowhere)"],
        ),
        // The gateway's part of the plan deletes the wrong route first.
        (
            |o| {
                own_table(o, "rtb-intranet-us-west-2a").routes =
                    vec![via(net4("10.1.8.0/21"), "igw-1")]
            },
            &[
                "- route intranet us-west-2a 10.1.8.0/21 -> internet-gateway",
                "~ route ci/intranet us-west-2a 10.1.8.0/21 -> peering ci <-> build (was igw-1)",
            ],
        ),
        (
            |o| o.peers.live[0].status = "pending-acceptance".into(),
            &["~ peering connection ci <-> build: pending-acceptance -> active"],
        ),
        (
            |o| {
                let groups = &mut o.peers.vpcs.get_mut("vpc-build").unwrap().security_groups;
                groups[1].kept_grants.clear();
            },
            &["+ rule build/dmz all from 10.0.0.0/22 (peering with ci/intranet; widens access)"],
        ),
        // A rule by hand in the place of the peering's: revoked, then made again.
        (
            |o| {
                let groups = &mut o.security_groups;
                let dmz = groups.iter_mut().find(|g| g.id == "sg-dmz").unwrap();
                dmz.grants = std::mem::take(&mut dmz.kept_grants);
            },
            &[
                "- rule dmz all from 10.2.8.0/21",
                "+ rule ci/dmz all from 10.2.8.0/21 (peering with box/dmz; widens access)",
            ],
        ),
    ];
    for (meddle, lines) in table {
        let mut observed = connected();
        meddle(&mut observed);
        assert_eq!(plan_lines(&observed), lines);
        let plan = world().plan(&config(OPTIONS), &observed);
        assert_eq!(plan_lines(&applied(&observed, &plan)), [""; 0], "{lines:?}");
    }
}

#[test]
fn a_configured_rule_counts_as_the_peerings() {
    let options = format!("{OPTIONS}\ndmz_sg_rules=-1 10.2.8.0/21 -1");
    let new = wanted(&Observed::default());
    let lines = world().plan(&config(&options), &new).lines();
    let own: Vec<&String> = lines
        .iter()
        .filter(|l| l.contains("10.2.8.0/21") && l.contains("rule"))
        .collect();
    assert_eq!(own, ["+ rule dmz all from 10.2.8.0/21"]);
}

#[test]
fn shared_tables_of_the_old_layout_get_the_route_once() {
    let mut observed = connected();
    observed
        .route_tables
        .retain(|t| t.net != Some(MetaNetwork::Intranet));
    let subnets = ["subnet-intranet-us-west-2a", "subnet-intranet-us-west-2b"];
    let shared = table("rtb-shared", MetaNetwork::Intranet, None, &subnets);
    observed.route_tables.push(shared);
    let peer = observed.peers.vpcs.get_mut("vpc-build").unwrap();
    peer.route_tables
        .retain(|t| t.net != Some(MetaNetwork::Dmz));
    peer.route_tables
        .push(table("rtb-9", MetaNetwork::Dmz, None, &[]));
    assert_eq!(
        plan_lines(&observed),
        [
            "~ S3 endpoint com.amazonaws.us-west-2.s3: route table intranet shared added",
            "+ route ci/intranet shared 10.1.8.0/21 -> peering ci <-> build",
            "+ route build/dmz shared 10.0.0.0/22 -> peering ci <-> build",
        ]
    );
}

#[test]
fn what_cannot_be_is_refused_before_any_change() {
    let new = Observed::default();
    let overlapping = with_peers(&new, &LINES, &[peer("build", "b", "10.0.8.0/21")]);
    let error = notes(&overlapping).unwrap_err().to_string();
    assert_eq!(
        error,
        "environments `ci` (10.0.0.0/20) and `build` (10.0.8.0/21) cannot be peered: their networks overlap"
    );
    // AWS has connected them, so it sees no overlap.
    let mut active = with_peers(&connected(), &LINES, &[peer("build", "b", "10.0.8.0/21")]);
    active.peers.live = vec![live("pcx-1", "active", "vpc-1", "vpc-build")];
    notes(&active).unwrap();

    let twins = [peer("x", "s", "10.2.0.0/20"), peer("y", "s", "10.2.0.0/20")];
    let error = notes(&with_peers(&new, &LINES, &twins))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(
            "ci/dmz cannot reach 10.2.8.0/21 both by peering x <-> ci and by peering y <-> ci"
        ),
        "{error}"
    );

    let routed = format!("{OPTIONS} 10.2.8.0/21");
    let observed = wanted(&new);
    let desired = world().desired(&config(&routed), &observed).unwrap();
    let error = peering_notes(&desired, &observed).unwrap_err().to_string();
    assert_eq!(
        error,
        "ci/dmz cannot reach 10.2.8.0/21 both by a peering and by `dmz_igw_routes`"
    );
}

#[test]
fn metanetworks_that_do_not_exist_are_skipped_with_a_warning() {
    let lines = ["ci:t/tunnel build:b/dmz", "ci:t/dmz build:b/maintenance"];
    let observed = with_peers(&Observed::default(), &lines, &peers());
    assert_eq!(peering_lines(&observed), [""; 0]);
    assert_eq!(
        notes(&observed).unwrap().warnings,
        [
            "peering of ci/tunnel is skipped: environment `ci` has no metanetwork tunnel",
            "peering of build/maintenance is skipped: environment `build` has no metanetwork maintenance",
        ]
    );
}

fn extra(lines: &[&str], meddle: impl Fn(&mut Observed)) -> (Option<String>, Vec<String>) {
    let mut observed = with_peers(&connected(), lines, &[]);
    observed.peers.vpcs = connected().peers.vpcs;
    meddle(&mut observed);
    let notes = notes(&observed).unwrap();
    (notes.extra, notes.warnings)
}

#[test]
fn connections_that_are_not_configured() {
    let text = "Some existing VPC peering connections are not defined in the configuration: \
                ci:t/dmz box:s/dmz."
        .to_owned();
    let wanted = ["ci:t/intranet build:b/dmz"];
    let peers = |o: &mut Observed, lines: &[&str]| {
        let own = with_peers(o, lines, &peers()).peers.connections;
        o.peers.connections = own;
    };
    // Everything configured is there, and more.
    let (error, warnings) = extra(&[], |o| peers(o, &wanted));
    let turned = text.replace("ci:t/dmz box:s/dmz", "box:s/dmz ci:t/dmz");
    let error = error.unwrap();
    assert!(
        [&text, &turned]
            .iter()
            .any(|t| error == format!("{t} Deletion of VPC peerings is not implemented yet.")),
        "{error}"
    );
    assert_eq!(warnings, [""; 0]);
    // Something configured is missing too.
    let (error, warnings) = extra(&[], |o| {
        peers(o, &["ci:t/intranet build:b/dmz", "ci:t/dmz build:b/dmz"])
    });
    assert_eq!(error, None);
    assert!(
        [vec![text], vec![turned]].contains(&warnings),
        "{warnings:?}"
    );
    // Without routes, and with a VPC that nobody knows.
    let (error, warnings) = extra(&[], |o| {
        o.peers.connections.clear();
        o.route_tables.iter_mut().for_each(|t| t.routes.clear());
        o.peers.vpcs.remove("vpc-build");
    });
    assert_eq!(error, None);
    assert_eq!(
        warnings,
        [
            "peering connection pcx-1 is skipped: VPC vpc-build is not an environment of this account and region",
            "peering connection pcx-2 with `box` is not defined in the configuration and has no routes",
        ]
    );
    // All as configured.
    assert_eq!(extra(&[], |o| peers(o, &LINES)), (None, vec![]));
}

#[test]
fn learned_routes_are_not_the_peerings_business() {
    let mut observed = connected();
    let learned = Route {
        propagated: true,
        ..via(net4("10.1.8.0/21"), "vgw-1")
    };
    own_table(&mut observed, "rtb-intranet-us-west-2a")
        .routes
        .push(learned);
    assert_eq!(plan_lines(&observed), [""; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn an_interrupted_create_is_completed(stop in 0usize..45, more in 0usize..45) {
        let config = config(OPTIONS);
        let new = wanted(&Observed::default());
        let mut state = applied_until(&new, &world().plan(&config, &new), stop);
        if state.vpc_id.is_none() {
            state = wanted(&state);
        }
        state = applied_until(&state, &world().plan(&config, &state), more);
        if state.vpc_id.is_none() {
            state = wanted(&state);
        }
        let plan = world().plan(&config, &state);
        prop_assert_eq!(ordered(&plan).len(), plan.changes().len());
        let done = applied(&state, &plan);
        prop_assert_eq!(plan_lines(&done), Vec::<String>::new());
        prop_assert_eq!(done.peers.live.len(), 2, "no connection is made twice");
        let all = done.route_tables.iter().chain(done.peers.vpcs.values().flat_map(|p| &p.route_tables));
        let through = all.flat_map(|t| &t.routes).filter(|r| matches!(r.target, Target::Peering(_))).count();
        prop_assert_eq!(through, 8);
        let hand = Grant::new(Protocol::All, None, None, Peer::Cidr(net4("10.0.0.0/22").into()));
        prop_assert!(done.peers.vpcs["vpc-build"].security_groups[1].kept_grants.contains(&hand));
    }
}
