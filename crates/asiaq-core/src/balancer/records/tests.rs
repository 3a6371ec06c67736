#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::dns::Names;

const HOST: &str = "mhcweb-ci.x.org";

fn record(kind: &str, value: &str) -> Record {
    let target = Target::Value {
        kind: kind.into(),
        value: value.into(),
    };
    Record::new(HOST, &target).unwrap()
}

fn alias(host: &str) -> Record {
    let target = Target::Alias {
        host: host.into(),
        zone_id: "ZAWS".into(),
    };
    Record::new(HOST, &target).unwrap()
}

/// Sign, line and what goes.
fn judged(present: &[&Record], lead: Option<&str>) -> (Option<Sign>, String, Vec<String>) {
    let host = Host::new(HOST, present.to_vec(), lead).unwrap();
    let goes = host.in_the_way();
    (
        host.sign,
        host.line("mhcweb"),
        goes.iter()
            .map(|record| format!("{} {}", record.kind, record.content()))
            .collect(),
    )
}

#[test]
fn records_are_added_left_or_replaced() {
    let (old, own) = (
        record("CNAME", "old.aws.com"),
        record("CNAME", "lb.aws.com"),
    );
    let new = format!("record {HOST} CNAME of load balancer mhcweb");
    for lead in [None, Some("lb.aws.com")] {
        let wanted = (Some(Sign::Add), new.clone(), vec![]);
        assert_eq!(judged(&[], lead), wanted);
    }
    assert_eq!(judged(&[&own], Some("lb.aws.com")).0, None);
    assert_eq!(judged(&[&own], Some("LB.aws.com.")).0, None);
    let line = format!("record {HOST}: CNAME old.aws.com -> CNAME of load balancer mhcweb");
    assert_eq!(
        judged(&[&old], Some("lb.aws.com")),
        (Some(Sign::Modify), line, vec![])
    );
    // Where a new balancer will be is not known, so that no record can be right.
    assert_eq!(judged(&[&own], None).0, Some(Sign::Modify));
}

#[test]
fn records_of_other_types_go_in_the_same_write() {
    let (four, six) = (alias("alb.aws.com"), record("AAAA", "::1"));
    let (sign, line, goes) = judged(&[&four, &six], None);
    assert_eq!(sign, Some(Sign::Modify));
    assert_eq!(goes, ["A alias alb.aws.com", "AAAA ::1"]);
    let wanted = ": A alias alb.aws.com, AAAA ::1 -> CNAME of";
    assert!(line.contains(wanted), "{line}");
}

#[test]
fn records_among_which_the_service_chooses_are_somebodys_own() {
    for (kind, value) in [("CNAME", "lb.aws.com"), ("A", "192.0.2.1"), ("AAAA", "::1")] {
        let mut routed = record(kind, value);
        routed.set_identifier = Some("blue".into());
        let plain = record("A", "192.0.2.2");
        for lead in [None, Some("lb.aws.com")] {
            let error = Host::new(HOST, vec![&plain, &routed], lead).err().unwrap();
            let text = error.to_string();
            assert!(
                text.contains(&format!("record {kind} (set blue)")),
                "{text}"
            );
            assert!(error.hint().is_some());
        }
    }
}

#[test]
fn what_must_not_be_lost_stands_in_the_way() {
    let text = record("TXT", "v=spf1");
    let error = Host::new(HOST, vec![&text], None).err().unwrap();
    assert!(error.to_string().contains("type TXT") && error.hint().is_some());
}

#[test]
fn the_zone_needs_a_domain() {
    let mut spec = BalancerSpec::none("ci", "mhcweb", "vpc-1");
    let error = zone(&BalancerState::default(), &spec).unwrap_err();
    let text = error.to_string();
    let wanted = "[mhcweb] domain_name: hostclass `mhcweb` has no option `domain_name`";
    assert!(text.starts_with(wanted), "{text}");
    assert!(error.hint().unwrap().contains("default_domain_name"));
    spec.domain = Some("x.org".into());
    let error = zone(&BalancerState::default(), &spec).unwrap_err();
    assert_eq!(error.to_string(), "hosted zone x.org not found");
    assert!(error.hint().is_some());
}

#[test]
fn standard_name_and_alias_go_in_one_write_if_both_are_new() {
    let mut spec = BalancerSpec::none("ci", "mhcweb", "vpc-1");
    spec.domain = Some("x.org".into());
    spec.options.dns_alias = Some("www".into());
    let zone = Zone {
        id: "Z1".into(),
        name: "x.org.".into(),
        private: false,
        records: 3,
    };
    let planned = |records: Vec<Record>| {
        let records = records.into_iter().map(|record| ("Z1".into(), record));
        let state = BalancerState {
            names: Names::new(vec![zone.clone()], records.collect()),
            ..BalancerState::default()
        };
        let mut planned = PlannedBalancer::default();
        plan_records(&mut planned, &state, &spec, Some("lb.aws.com")).unwrap();
        planned.plan
    };
    let fresh = planned(vec![]);
    assert_eq!(fresh.ids().len(), 1);
    assert_eq!(
        fresh.lines(),
        [
            "+ record mhcweb-ci.x.org CNAME of load balancer mhcweb",
            "+ record www.x.org CNAME of load balancer mhcweb"
        ]
    );
    let half = planned(vec![record("CNAME", "old")]);
    assert_eq!(half.ids().len(), 2);
    let own = planned(vec![record("CNAME", "lb.aws.com")]);
    assert_eq!(
        own.lines(),
        ["+ record www.x.org CNAME of load balancer mhcweb"]
    );
}

#[test]
fn new_balancers_are_found_through_what_their_creation_yields() {
    let yields = Yields::default();
    let mut action = RecordsAction {
        balancer: "id".into(),
        zone_id: "Z1".into(),
        hosts: vec![],
        lead: None,
        replaced: vec![],
    };
    assert!(target(&yields, &action).is_err());
    yield_host(&yields, "id", "lb.aws.com");
    assert_eq!(target(&yields, &action).unwrap(), cname("lb.aws.com"));
    action.lead = Some("other.aws.com".into());
    assert_eq!(target(&yields, &action).unwrap(), cname("other.aws.com"));
}
