#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::balancer::classic::observed::ClassicState;
use crate::balancer::classic::record::{Listener, Policy};
use crate::balancer::classic::stickiness::OnListener;
use crate::config::BalancerType;
use crate::dns::{Names, Record, Zone};
use crate::network::listener::Side;
use proptest::prelude::*;
use std::collections::BTreeMap;

const ID: &str = "8f90fb4e286ae425b033dcce39800895";
const HOST: &str = "lb.us-west-2.elb.amazonaws.com";

fn mapping(external: (u16, &str), internal: (u16, &str)) -> Mapping {
    Mapping {
        internal: Side::new(internal.0, internal.1),
        external: Side::new(external.0, external.1),
    }
}

/// A balancer at 80/HTTP in two subnets.
fn spec() -> BalancerSpec {
    let mut spec = BalancerSpec::none("ci", "mhcweb", "vpc-1");
    spec.options.enabled = true;
    spec.options.health_check_url = Some("/ok".into());
    spec.domain = Some("x.org".into());
    spec.subnets = vec!["subnet-1".into(), "subnet-2".into()];
    spec.security_group = "sg-1".into();
    spec.product_line = "web".into();
    spec
}

/// The balancer and the record that the specification makes.
fn made(spec: &BalancerSpec) -> (Classic, Vec<Record>) {
    let listener = |mapping: &Mapping| Listener {
        mapping: mapping.clone(),
        certificate: None,
        policies: vec![],
    };
    let own = Classic {
        name: spec.id(),
        host: HOST.into(),
        vpc_id: spec.vpc_id.clone(),
        scheme: scheme(spec).into(),
        subnets: spec.subnets.iter().cloned().collect(),
        zones: vec![],
        listeners: spec.options.mappings.iter().map(listener).collect(),
        health: Some(health(spec).0),
        policies: BTreeMap::new(),
        attributes: attributes(spec),
        tags: spec.balancer_tags(),
    };
    let target = crate::dns::Target::Value {
        kind: "CNAME".into(),
        value: HOST.into(),
    };
    let records = spec.hosts();
    let records = records
        .iter()
        .map(|host| Record::new(host, &target).unwrap());
    (own, records.collect())
}

fn state(balancers: Vec<Classic>, records: Vec<Record>) -> BalancerState {
    let zone = Zone {
        id: "Z1".into(),
        name: "x.org.".into(),
        private: false,
        records: 3,
    };
    let records = records.into_iter().map(|record| ("Z1".to_owned(), record));
    BalancerState {
        classic: ClassicState {
            balancers,
            cnames: vec![],
        },
        names: Names::new(vec![zone], records.collect()),
        ..BalancerState::default()
    }
}

fn planned(state: &BalancerState, spec: &BalancerSpec) -> PlannedBalancer {
    let mut planned = PlannedBalancer::default();
    plan(&mut planned, state, spec).unwrap();
    plan_leaving(&mut planned, state, spec);
    planned
}

/// Plan lines for a balancer that was changed by hand.
fn lines(spec: &BalancerSpec, change: impl Fn(&mut Classic)) -> Vec<String> {
    let (mut own, records) = made(spec);
    change(&mut own);
    planned(&state(vec![own], records), spec).plan.lines()
}

#[test]
fn a_new_balancer_comes_first_and_everything_else_waits_for_it() {
    let mut spec = spec();
    spec.options.sticky_cookie = Some("JSESSIONID".into());
    let planned = planned(&state(vec![], vec![]), &spec);
    let wanted = [
        format!("+ load balancer mhcweb {ID} (classic, internal, 80/HTTP -> 80/HTTP, 2 subnets)"),
        "+ record mhcweb-ci.x.org CNAME of load balancer mhcweb".into(),
        "+ health check of load balancer mhcweb: HTTP:80/ok".into(),
        "+ attributes of load balancer mhcweb: idle timeout 300 s, draining 300 s, cross-zone on"
            .into(),
        "+ stickiness of load balancer mhcweb by cookie JSESSIONID".into(),
    ];
    assert_eq!(planned.plan.lines(), wanted);
    let first = format!("balancer/{ID}");
    for change in &planned.plan.changes()[1..] {
        assert_eq!(change.needs, [first.as_str()], "{}", change.id);
    }
    assert_eq!(planned.ready, [first]);
    assert_eq!(planned.attach.load_balancers, [ID]);
    assert!(planned.leaving.is_empty() && planned.detach.is_empty() && planned.warnings.is_empty());
}

#[test]
fn what_is_as_wanted_needs_nothing() {
    let mut spec = spec();
    spec.options.dns_alias = Some("www".into());
    let (own, records) = made(&spec);
    let planned = planned(&state(vec![own], records), &spec);
    assert_eq!(planned.plan.lines(), [""; 0]);
    assert_eq!(planned.warnings, [""; 0]);
    assert_eq!(planned.attach.load_balancers, [ID]);
    assert_eq!(planned.ready, [""; 0]);
}

#[test]
fn what_differs_is_changed() {
    let spec = spec();
    let head = "~ attributes of load balancer mhcweb:";
    assert_eq!(
        lines(&spec, |own| own.attributes.idle = Some(60)),
        [format!("{head} idle timeout 60 s -> 300 s")]
    );
    assert_eq!(
        lines(&spec, |own| {
            own.attributes.draining = None;
            own.attributes.cross_zone = false;
        }),
        [format!(
            "{head} draining off -> 300 s, cross-zone off -> on"
        )]
    );
    assert_eq!(
        lines(&spec, |own| {
            own.tags.insert("productline".into(), "old".into());
            own.tags.remove("is_testing");
            own.tags.insert("by_hand".into(), "kept".into());
        }),
        ["~ tags of load balancer mhcweb: is_testing none -> 0, productline old -> web"]
    );
    let every = "every 5 s, timeout 4 s, 2 failures, 2 successes";
    assert_eq!(
        lines(&spec, |own| own.health.as_mut().unwrap().target =
            "TCP:80".into()),
        [format!(
            "~ health check of load balancer mhcweb: TCP:80 {every} -> HTTP:80/ok {every}"
        )]
    );
    assert_eq!(
        lines(&spec, |own| own.health = None),
        [format!(
            "~ health check of load balancer mhcweb: none -> HTTP:80/ok {every}"
        )]
    );
}

#[test]
fn zero_leaves_the_idle_timeout_alone_and_switches_draining_off() {
    let mut spec = spec();
    spec.options.idle_timeout = 0;
    spec.options.connection_draining = 0;
    spec.options.cross_zone = false;
    assert_eq!(lines(&spec, |own| own.attributes.idle = Some(77)), [""; 0]);
    assert_eq!(
        lines(&spec, |own| own.attributes.draining = Some(20)),
        ["~ attributes of load balancer mhcweb: draining 20 s -> off"]
    );
    let wanted = Attributes {
        idle: None,
        draining: None,
        cross_zone: false,
    };
    assert_eq!(attributes(&spec), wanted);
}

#[test]
fn health_checks() {
    let table = [
        (
            vec![
                ((443, "HTTPS"), (9001, "TCP")),
                ((80, "HTTP"), (8080, "HTTPS")),
            ],
            Some("/ok"),
            "HTTPS:8080/ok",
            false,
        ),
        (
            vec![((9001, "TCP"), (9001, "TCP"))],
            Some("/ok"),
            "TCP:9001",
            false,
        ),
        (
            vec![((9001, "TCP"), (9001, "TCP"))],
            None,
            "TCP:9001",
            false,
        ),
        (vec![((80, "HTTP"), (80, "HTTP"))], None, "HTTP:80/", true),
        (
            vec![((443, "SSL"), (9, "SSL")), ((25, "TCP"), (26, "TCP"))],
            None,
            "SSL:9",
            false,
        ),
    ];
    for (mappings, url, target, guessed) in table {
        let mut spec = spec();
        let mappings = mappings.into_iter();
        spec.options.mappings = mappings.map(|(e, i)| mapping(e, i)).collect();
        spec.options.health_check_url = url.map(str::to_owned);
        let (health, is_guess) = health(&spec);
        assert_eq!((health.target.as_str(), is_guess), (target, guessed));
        assert_eq!(
            (
                health.interval,
                health.timeout,
                health.unhealthy,
                health.healthy
            ),
            (5, 4, 2, 2)
        );
        let (own, records) = made(&spec);
        let warnings = planned(&state(vec![own], records), &spec).warnings;
        assert_eq!(warnings.len(), usize::from(guessed));
    }
}

#[test]
fn problems_are_found_before_anything_is_planned_and_all_at_once() {
    let mut spec = spec();
    spec.options.mappings = vec![mapping((443, "HTTPS"), (80, "HTTP"))];
    let mut planned = PlannedBalancer::default();
    let error = plan(&mut planned, &BalancerState::default(), &spec).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("hosted zone x.org not found"), "{text}");
    assert!(text.contains("mhcweb-ci.x.org"), "the certificate: {text}");
    // An existing balancer keeps what certificate it has.
    let (own, records) = made(&spec);
    let mut planned = PlannedBalancer::default();
    plan(&mut planned, &state(vec![own], records), &spec).unwrap();
    assert!(planned.plan.is_empty());
}

#[test]
fn what_updates_leave_alone_is_told() {
    let spec = spec();
    let (mut own, records) = made(&spec);
    own.listeners[0].mapping.internal.port = 81;
    own.scheme = "internet-facing".into();
    own.subnets.remove("subnet-2");
    let planned = planned(&state(vec![own], records), &spec);
    assert_eq!(planned.plan.lines(), [""; 0]);
    let [warning] = &planned.warnings[..] else {
        panic!("{:?}", planned.warnings)
    };
    for part in [
        "listeners 80/HTTP -> 81/HTTP, configured 80/HTTP -> 80/HTTP",
        "scheme internet-facing, configured internal",
        "subnets subnet-1, configured subnet-1 subnet-2",
    ] {
        assert!(warning.contains(part), "{warning}");
    }
}

#[test]
fn balancers_of_old_are_found_by_name_in_their_own_vpc_only() {
    let spec = spec();
    let (mut old, records) = made(&spec);
    old.name = "ci-mhcweb".into();
    let planned_old = planned(&state(vec![old.clone()], records.clone()), &spec);
    assert_eq!(planned_old.plan.lines(), [""; 0]);
    assert_eq!(planned_old.attach.load_balancers, ["ci-mhcweb"]);
    old.vpc_id = "vpc-2".into();
    let new = planned(&state(vec![old.clone()], records.clone()), &spec);
    assert_eq!(new.attach.load_balancers, [ID]);
    assert!(new.plan.lines()[0].starts_with("+ load balancer"));
    // The id wins.
    let both = planned(&state(vec![old, made(&spec).0], records), &spec);
    assert_eq!(both.attach.load_balancers, [ID]);
}

#[test]
fn which_balancer_leaves() {
    let enabled = |kind: BalancerType, testing: bool| {
        let mut spec = spec();
        spec.options.kind = kind;
        spec.testing = testing;
        spec
    };
    let normal = made(&spec()).0;
    let mut under_test = enabled(BalancerType::Classic, true);
    let testing = made(&under_test).0;
    let all = || state(vec![normal.clone(), testing.clone()], vec![]);
    let goes = |spec: &BalancerSpec| {
        let planned = planned(&all(), spec);
        assert_eq!(
            planned.detach.load_balancers.len(),
            planned.leaving.ids().len()
        );
        planned.detach.load_balancers
    };
    assert_eq!(goes(&enabled(BalancerType::Classic, false)), [""; 0]);
    assert_eq!(
        goes(&enabled(BalancerType::Application, false)),
        [normal.name.as_str()]
    );
    assert_eq!(
        goes(&enabled(BalancerType::Network, true)),
        [testing.name.as_str()]
    );
    // Without `elb` the normal one goes, even in testing mode.
    under_test.options.enabled = false;
    assert_eq!(goes(&under_test), [normal.name.as_str()]);
    let lines = planned(&all(), &under_test).leaving.lines();
    assert_eq!(lines, [format!("- load balancer mhcweb {ID} (classic)")]);
}

#[test]
fn balancers_of_another_hostclass_or_vpc_do_not_leave() {
    let mut off = spec();
    off.options.enabled = false;
    let own = made(&spec()).0;
    let goes = |own: &Classic| {
        let planned = planned(&state(vec![own.clone()], vec![]), &off);
        assert_eq!(planned.detach.is_empty(), planned.leaving.is_empty());
        (planned.leaving.ids().len(), planned.warnings)
    };
    assert_eq!(goes(&own), (1, vec![]));
    let mut untagged = own.clone();
    untagged.tags.clear();
    assert_eq!(goes(&untagged), (1, vec![]));
    // `mhc_web` has the same id.
    let mut other = own.clone();
    other.tags.insert("hostclass".into(), "mhc_web".into());
    let warning = "the load balancer under the name of hostclass mhcweb is left alone: it is hostclass mhc_web's";
    assert_eq!(goes(&other), (0, vec![warning.to_owned()]));
    let mut far = own;
    far.vpc_id = "vpc-2".into();
    assert_eq!(goes(&far), (0, vec![]));
    let mut planned = PlannedBalancer::default();
    let error = plan(&mut planned, &state(vec![far], vec![]), &spec()).unwrap_err();
    assert!(
        error.to_string().contains("in another VPC, vpc-2"),
        "{error}"
    );
}

fn listener(port: u16, protocol: &str, policies: &[&str]) -> Listener {
    Listener {
        mapping: mapping((port, protocol), (80, "HTTP")),
        certificate: None,
        policies: policies.iter().map(|name| (*name).to_owned()).collect(),
    }
}

#[test]
fn stickiness_of_existing_balancers() {
    let mut spec = spec();
    spec.options.mappings = vec![
        mapping((80, "HTTP"), (80, "HTTP")),
        mapping((443, "HTTPS"), (80, "HTTP")),
        mapping((25, "TCP"), (25, "TCP")),
        mapping((8080, "HTTP"), (80, "HTTP")),
    ];
    let tls = "ELBSecurityPolicy-2016-08";
    let steps = |policy: Option<Policy>, on: [&[&str]; 2], cookie: Option<&str>| {
        let mut spec = spec.clone();
        spec.options.sticky_cookie = cookie.map(str::to_owned);
        let (mut own, records) = made(&spec);
        // 8080 is configured, but the balancer does not have it.
        own.listeners = vec![
            listener(80, "HTTP", on[0]),
            listener(443, "HTTPS", on[1]),
            listener(25, "TCP", &[]),
        ];
        own.policies = policy.into_iter().map(|p| (POLICY.to_owned(), p)).collect();
        own.policies.insert(tls.into(), Policy::Other);
        let planned = planned(&state(vec![own], records), &spec);
        let found = planned
            .plan
            .changes()
            .iter()
            .find_map(|change| match &change.action {
                BalancerAction::Classic(ClassicAction::Stickiness {
                    stickiness: Stickiness::Steps(steps),
                    ..
                }) => Some(steps.clone()),
                _ => None,
            });
        (found.unwrap_or_default(), planned.plan.lines())
    };
    let on = |port: u16, policies: &[&str]| OnListener {
        port,
        policies: policies.iter().map(|name| (*name).to_owned()).collect(),
    };
    let application = || Some(Policy::Application("SID".into()));

    let (fresh, lines) = steps(None, [&[], &[tls]], Some("SID"));
    let wanted = Steps {
        create: Some(Cookie::Application("SID".into())),
        put_on: vec![on(80, &[POLICY]), on(443, &[tls, POLICY])],
        ..Steps::default()
    };
    assert_eq!(fresh, wanted);
    assert_eq!(
        lines,
        ["+ stickiness of load balancer mhcweb by cookie SID"]
    );

    let there: [&[&str]; 2] = [&[POLICY], &[tls, POLICY]];
    assert_eq!(steps(application(), there, Some("SID")).1, [""; 0]);

    let (other, lines) = steps(application(), there, Some("ELB"));
    let wanted = Steps {
        take_off: vec![on(80, &[]), on(443, &[tls])],
        delete: true,
        create: Some(Cookie::Balancer),
        put_on: vec![on(80, &[POLICY]), on(443, &[tls, POLICY])],
    };
    assert_eq!(other, wanted);
    assert_eq!(
        lines,
        ["~ stickiness of load balancer mhcweb: cookie SID -> a cookie of its own"]
    );

    let (off, lines) = steps(Some(Policy::Balancer(None)), there, None);
    let wanted = Steps {
        take_off: vec![on(80, &[]), on(443, &[tls])],
        delete: true,
        ..Steps::default()
    };
    assert_eq!(off, wanted);
    assert_eq!(
        lines,
        ["- stickiness of load balancer mhcweb by a cookie of its own"]
    );

    let (half, lines) = steps(application(), [&[], &[tls, POLICY]], Some("SID"));
    assert_eq!(half.put_on, [on(80, &[POLICY])]);
    assert!(half.create.is_none() && !half.delete);
    assert_eq!(lines, ["+ stickiness of load balancer mhcweb on 80"]);
    // A policy with a life is not the one that is wanted; `awselb` is a cookie of the application.
    assert!(
        steps(Some(Policy::Balancer(Some(60))), there, Some("AWSELB"))
            .0
            .delete
    );
    let lower = steps(None, there, Some("awselb")).0.create;
    assert_eq!(lower, Some(Cookie::Application("awselb".into())));
}

#[test]
fn without_an_http_listener_nothing_is_sticky() {
    let mut spec = spec();
    spec.options.mappings = vec![mapping((25, "TCP"), (25, "TCP"))];
    spec.options.sticky_cookie = Some("SID".into());
    let planned = planned(&state(vec![], vec![]), &spec);
    assert!(
        planned
            .plan
            .ids()
            .iter()
            .all(|id| !id.starts_with("stickiness"))
    );
    assert!(planned.warnings[0].contains("no HTTP or HTTPS listener"));
}

proptest! {
    /// After the steps every wanted port carries the policy, no listener has lost another one, and no more steps are needed.
    #[test]
    fn stickiness_converges(
        present in 0..4usize, carrying in proptest::collection::vec(any::<bool>(), 3),
        wanted in 0..3usize, ports in proptest::sample::subsequence(vec![80u16, 443, 8443], 0..4),
    ) {
        let policies = [None, Some(Policy::Balancer(None)), Some(Policy::Application("a".into())), Some(Policy::Other)];
        let cookies = [None, Some(Cookie::Balancer), Some(Cookie::Application("a".into()))];
        let (present, cookie) = (&policies[present], &cookies[wanted]);
        let mut known: BTreeMap<String, Policy> = present.iter().map(|p| (POLICY.to_owned(), p.clone())).collect();
        let mut listeners: Vec<Listener> = [80, 443, 8443].iter().zip(&carrying).map(|(port, carries)| {
            let names: &[&str] = if *carries && present.is_some() { &["tls", POLICY] } else { &["tls"] };
            listener(*port, "HTTPS", names)
        }).collect();
        let steps = Steps::between(&listeners, &known, cookie.as_ref(), &ports);
        let set = |listeners: &mut Vec<Listener>, all: &[OnListener]| for own in all {
            let found = listeners.iter_mut().find(|l| l.mapping.external.port == own.port).unwrap();
            found.policies = own.policies.clone();
        };
        set(&mut listeners, &steps.take_off);
        if steps.delete {
            prop_assert!(listeners.iter().all(|l| !l.policies.contains(&POLICY.to_owned())));
            known.remove(POLICY);
        }
        if let Some(cookie) = &steps.create {
            prop_assert!(!known.contains_key(POLICY));
            let policy = match cookie {
                Cookie::Balancer => Policy::Balancer(None),
                Cookie::Application(name) => Policy::Application(name.clone()),
            };
            known.insert(POLICY.into(), policy);
        }
        set(&mut listeners, &steps.put_on);
        for own in &listeners {
            prop_assert!(own.policies.contains(&"tls".to_owned()));
            if ports.contains(&own.mapping.external.port) {
                prop_assert_eq!(own.policies.contains(&POLICY.to_owned()), cookie.is_some());
            }
        }
        prop_assert!(Steps::between(&listeners, &known, cookie.as_ref(), &ports).is_empty());
    }
}
