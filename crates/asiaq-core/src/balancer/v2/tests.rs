#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Plans of application and network balancers against a model of the service.

mod converge;
mod foreign;
mod model;

use super::*;
use crate::balancer::{BalancerSpec, BalancerState, PlannedBalancer};
use crate::config::{BalancerType, DiscoAws, Ini};
use crate::dns::{Record, Target};
use model::{ARN, Model, options};

/// What the hostclass `mhcweb` of `ci` wants with these options.
fn spec(options: &str) -> BalancerSpec {
    let text = format!(
        "[disco_aws]\n[mhcweb]\nmeta_network=intranet\nssh_key_name=none\npublic_ip=no\nsmoketest_termination=no\n{options}\n"
    );
    let config = DiscoAws::from_ini(Ini::parse("a.ini", text.as_bytes()).unwrap());
    let hostclass = config.hostclass("mhcweb", "ci").unwrap();
    BalancerSpec {
        env: "ci".into(),
        hostclass: "mhcweb".into(),
        testing: false,
        options: hostclass.balancer,
        domain: Some("example.com".into()),
        vpc_id: "vpc-1".into(),
        subnets: vec!["subnet-1".into(), "subnet-2".into()],
        zones: vec!["us-west-2a".into(), "us-west-2b".into()],
        security_group: "sg-1".into(),
        product_line: "web".into(),
        tags: [("team".to_owned(), "blue".to_owned())].into(),
    }
}

/// What this module plans; classic balancers have their own tests.
fn plan_v2(state: &BalancerState, spec: &BalancerSpec) -> crate::Result<PlannedBalancer> {
    let mut planned = PlannedBalancer::default();
    plan(&mut planned, state, spec)?;
    plan_leaving(&mut planned, state, spec);
    plan_target_group(&mut planned, state, spec)?;
    Ok(planned)
}

/// Plans and makes the changes; gives all lines. A second plan must be empty.
fn made(model: &mut Model, spec: &BalancerSpec) -> Vec<String> {
    let planned = plan_v2(&model.state(), spec).unwrap();
    model.apply(&planned.plan);
    model.apply(&planned.leaving);
    let again = plan_v2(&model.state(), spec).unwrap();
    let lines =
        |planned: &PlannedBalancer| [planned.plan.lines(), planned.leaving.lines()].concat();
    assert_eq!(lines(&again), [""; 0], "a second plan");
    assert!(again.detach.is_empty());
    lines(&planned)
}

const APPLICATION: &str = "elb=yes\nelb_type=application";
const NETWORK: &str = "elb=yes\nelb_type=network";
const CHECK: &str = "every 5 s, timeout 4 s, 2 successes, 2 failures";

#[test]
fn a_new_application_balancer() {
    let spec = spec(&format!(
        "{APPLICATION}\nelb_instance_port=8080\nelb_port=443\nelb_health_check_url=/ok"
    ));
    let mut model = Model::default();
    let planned = plan_v2(&model.state(), &spec).unwrap();
    assert_eq!(planned.warnings, [""; 0]);
    let names: Vec<_> = planned
        .attach
        .target_groups
        .iter()
        .map(|own| own.key())
        .collect();
    assert_eq!(names, ["target-group/ci-mhcweb"]);
    let id = "8f90fb4e286ae425b033dcce39800895";
    assert_eq!(
        planned.ready,
        [
            "target-group/ci-mhcweb".to_owned(),
            format!("listener/{id}/443")
        ]
    );
    assert_eq!(
        made(&mut model, &spec),
        [
            format!("+ target group ci-mhcweb 8080/HTTP, check HTTP:8080/ok {CHECK}, code 200"),
            "+ target group ci-mhcweb deregistration_delay.timeout_seconds=300".into(),
            "+ target group ci-mhcweb load_balancing.cross_zone.enabled=use_load_balancer_configuration".into(),
            "+ target group ci-mhcweb stickiness.enabled=false".into(),
            "+ application load balancer ci-mhcweb (internal) in us-west-2a, us-west-2b".into(),
            "+ load balancer ci-mhcweb idle_timeout.timeout_seconds=300".into(),
            format!("+ listener ci-mhcweb 443/HTTPS -> target group ci-mhcweb, certificate {ARN}"),
            "+ record mhcweb-ci.example.com A alias -> load balancer ci-mhcweb".into(),
        ]
    );
    let balancer = &model.balancers[id];
    assert_eq!(balancer.tags["is_testing"], "0");
    assert_eq!(
        balancer.listeners[0].policy.as_deref(),
        Some("ELBSecurityPolicy-TLS13-1-2-2021-06")
    );
    let tags = &model.groups["ci-mhcweb"].tags;
    assert_eq!(
        (tags["team"].as_str(), tags["balancer"].as_str()),
        ("blue", id)
    );
}

#[test]
fn what_changes_is_reconciled() {
    // (options first, options then, lines)
    let listener = "~ listener ci-mhcweb 80/HTTP -> target group ci-mhcweb-8080";
    let table: [(&str, &str, &[&str]); 9] = [
        (
            "",
            "elb_idle_timeout=60",
            &["~ load balancer ci-mhcweb idle_timeout.timeout_seconds 300 -> 60"],
        ),
        ("", "elb_idle_timeout=0", &[]),
        (
            "",
            "elb_connection_draining=0",
            &["~ target group ci-mhcweb deregistration_delay.timeout_seconds 300 -> 0"],
        ),
        (
            "",
            "elb_sticky_app_cookie=SID",
            &[
                "~ target group ci-mhcweb stickiness.app_cookie.cookie_name none -> SID",
                "~ target group ci-mhcweb stickiness.enabled false -> true",
                "~ target group ci-mhcweb stickiness.type lb_cookie -> app_cookie",
            ],
        ),
        (
            "elb_sticky_app_cookie=ELB",
            "",
            &["~ target group ci-mhcweb stickiness.enabled true -> false"],
        ),
        (
            "",
            "elb_cross_zone_load_balancing=no",
            &[
                "~ target group ci-mhcweb load_balancing.cross_zone.enabled use_load_balancer_configuration -> false",
            ],
        ),
        (
            "elb_port=80,81",
            "elb_port=80,82",
            &[
                "+ listener ci-mhcweb 82/HTTP -> target group ci-mhcweb",
                "- listener ci-mhcweb 81/HTTP",
            ],
        ),
        (
            "",
            "elb_dns_alias=www",
            &["+ record www.example.com A alias -> load balancer ci-mhcweb"],
        ),
        (
            "",
            "elb_instance_port=8080",
            &[
                "+ target group ci-mhcweb-8080 8080/HTTP, check HTTP:8080/ every 5 s, timeout 4 s, 2 successes, 2 failures, code 200",
                "+ target group ci-mhcweb-8080 deregistration_delay.timeout_seconds=300",
                "+ target group ci-mhcweb-8080 load_balancing.cross_zone.enabled=use_load_balancer_configuration",
                "+ target group ci-mhcweb-8080 stickiness.enabled=false",
                listener,
                "- target group ci-mhcweb 80/HTTP",
            ],
        ),
    ];
    for (first, then, lines) in table {
        let mut model = Model::default();
        made(&mut model, &spec(&format!("{APPLICATION}\n{first}")));
        assert_eq!(
            made(&mut model, &spec(&format!("{APPLICATION}\n{then}"))),
            lines,
            "{then}"
        );
    }
}

#[test]
fn a_port_that_comes_back_gets_the_first_name_again() {
    let mut model = Model::default();
    let (one, two) = (
        spec(APPLICATION),
        spec(&format!("{APPLICATION}\nelb_instance_port=8080")),
    );
    for (spec, name) in [
        (&one, "ci-mhcweb"),
        (&two, "ci-mhcweb-8080"),
        (&one, "ci-mhcweb"),
    ] {
        made(&mut model, spec);
        let names: Vec<&String> = model.groups.keys().collect();
        assert_eq!(names, [name]);
    }
}

#[test]
fn network_balancers_of_tcp_udp_and_tls() {
    let options = "elb_port=443,53,25\nelb_protocol=TLS,TCP_UDP,\nelb_instance_port=8443,53,25\nelb_instance_protocol=TCP,TCP_UDP,";
    let mut model = Model::default();
    let wanted = spec(&format!("{NETWORK}\n{options}\nelb_idle_timeout=400"));
    let lines = made(&mut model, &wanted);
    for line in [
        "+ network load balancer ci-mhcweb (internal) in us-west-2a, us-west-2b".to_owned(),
        "+ load balancer ci-mhcweb load_balancing.cross_zone.enabled=true".into(),
        format!("+ target group ci-mhcweb 8443/TCP, check TCP:8443 {CHECK}"),
        format!("+ target group ci-mhcweb-53 53/TCP_UDP, check TCP:8443 {CHECK}"),
        format!("+ listener ci-mhcweb 443/TLS -> target group ci-mhcweb, certificate {ARN}"),
        "+ listener ci-mhcweb 25/TCP -> target group ci-mhcweb-25".into(),
        "+ listener ci-mhcweb 25/TCP tcp.idle_timeout.seconds=400".into(),
    ] {
        assert!(lines.contains(&line), "{line} in {lines:#?}");
    }
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains("idle_timeout"))
            .count(),
        1
    );
    let url = spec(&format!("{NETWORK}\n{options}\nelb_health_check_url=/ok"));
    let lines = made(&mut model, &url);
    assert_eq!(lines.len(), 3);
    assert_eq!(
        lines[0],
        format!(
            "~ target group ci-mhcweb check TCP:8443 {CHECK} -> HTTP:8443/ok {CHECK}, code 200"
        )
    );
}

#[test]
fn names_of_target_groups_never_collide() {
    let mut testing = spec(&format!(
        "{NETWORK}\nelb_instance_port=53,53,54\nelb_instance_protocol=TCP,UDP,TCP\nelb_port=53,54,55\nelb_protocol=TCP,UDP,TCP"
    ));
    testing.testing = true;
    let names = |spec: &BalancerSpec| -> Vec<String> {
        let planned = plan_v2(&Model::default().state(), spec).unwrap();
        planned
            .attach
            .target_groups
            .into_iter()
            .map(|own| own.name)
            .collect()
    };
    assert_eq!(
        names(&testing),
        ["ci-mhcweb-test", "ci-mhcweb-test-53", "ci-mhcweb-test-54"]
    );
    let mut long = testing.clone();
    long.env = "integration-sandbox".into();
    long.hostclass = "mhcreportgenerator".into();
    long.testing = false;
    let found = names(&long);
    assert_eq!(found[0], "integration-sandbox-mhcrepo6a0c8");
    assert!(
        found
            .iter()
            .all(|name| name.len() == 32 && name.starts_with("integration-sandbox-mhcrepo"))
    );
    assert!(found[1] != found[2] && found[0] != found[1]);
}

#[test]
fn names_of_target_groups_are_such_as_aws_takes() {
    for (hostclass, name) in [
        ("mhc_api.v2", "ci-mhc-api-v2"),
        ("mhcweb_", "ci-mhcweb"),
        ("mhcwéb", "ci-mhcw-b"),
    ] {
        let mut own = spec(APPLICATION);
        own.hostclass = hostclass.into();
        let planned = plan_v2(&Model::default().state(), &own).unwrap();
        assert_eq!(planned.attach.target_groups[0].name, name);
        assert!(name.starts_with(&desired::name_start(&own)));
    }
    for (hostclass, taken) in [("mhc_api", true), ("mhc.api", false), ("mhcweb_", false)] {
        let mut lone = spec("target_group=yes");
        lone.hostclass = hostclass.into();
        let planned = plan_v2(&Model::default().state(), &lone);
        assert_eq!(planned.is_ok(), taken, "{hostclass}");
        if let Err(error) = planned {
            let text = error.to_string();
            assert!(text.contains(&format!("hostclass {hostclass} ")), "{text}");
        }
    }
}

#[test]
fn what_cannot_be_changed_is_told() {
    let mut model = Model::default();
    made(&mut model, &spec(APPLICATION));
    let public = plan_v2(
        &model.state(),
        &spec(&format!("{APPLICATION}\nelb_public=yes")),
    )
    .unwrap();
    assert!(public.plan.is_empty());
    assert_eq!(
        public.warnings,
        [
            "load balancer ci-mhcweb is internal, not internet-facing, which cannot be changed: run `disco_elb delete --hostclass mhcweb`, then `disco_elb update --hostclass mhcweb`"
        ]
    );
    let error = plan_v2(&model.state(), &spec(NETWORK)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "load balancer ci-mhcweb is of type application, not network, which cannot be changed"
    );
    assert_eq!(
        error.hint().unwrap(),
        "run `disco_elb delete --hostclass mhcweb`, then `disco_elb update --hostclass mhcweb`"
    );

    let mut model = Model::default();
    made(&mut model, &spec(NETWORK));
    let bare = model.balancers.values_mut().next().unwrap();
    bare.security_groups.clear();
    let planned = plan_v2(&model.state(), &spec(NETWORK)).unwrap();
    assert!(planned.plan.is_empty());
    assert!(planned.warnings[0].contains("was made without security group"));
}

#[test]
fn subnets_and_security_group_follow() {
    let mut model = Model::default();
    made(&mut model, &spec(APPLICATION));
    let mut moved = spec(APPLICATION);
    moved.subnets = vec!["subnet-3".into(), "subnet-2".into()];
    moved.security_group = "sg-2".into();
    assert_eq!(
        made(&mut model, &moved),
        [
            "~ load balancer ci-mhcweb subnets subnet-1, subnet-2 -> subnet-2, subnet-3",
            "~ load balancer ci-mhcweb security group sg-1 -> sg-2"
        ]
    );
}

#[test]
fn what_is_impossible_is_said_before_any_change() {
    let state = Model::default().state();
    let mut narrow = spec(APPLICATION);
    narrow.zones.truncate(1);
    let error = plan_v2(&state, &narrow).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("two availability zones, and has us-west-2a"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("elb_type=network"));
    narrow.options.kind = BalancerType::Network;
    assert!(plan_v2(&state, &narrow).is_ok());

    let mut lost = spec(APPLICATION);
    lost.domain = None;
    assert!(
        plan_v2(&state, &lost)
            .unwrap_err()
            .hint()
            .unwrap()
            .contains("domain_name")
    );
    lost.domain = Some("example.org".into());
    assert_eq!(
        plan_v2(&state, &lost).unwrap_err().to_string(),
        "hosted zone example.org not found"
    );

    let bare = spec(&format!(
        "{APPLICATION}\nelb_port=443\nelb_cert_name=other.example.com"
    ));
    assert!(
        plan_v2(&state, &bare)
            .unwrap_err()
            .to_string()
            .contains("no certificate for other.example.com")
    );

    let mut model = Model::default();
    made(&mut model, &spec(APPLICATION));
    let mut other = spec(APPLICATION);
    other.vpc_id = "vpc-2".into();
    assert!(
        plan_v2(&model.state(), &other)
            .unwrap_err()
            .to_string()
            .contains("in another VPC, vpc-1")
    );
}

#[test]
fn the_alias_takes_the_place_of_a_cname_in_one_step() {
    let mut model = Model::default();
    let old = Target::Value {
        kind: "CNAME".into(),
        value: "old.elb.amazonaws.com".into(),
    };
    let record = Record::new("mhcweb-ci.example.com", &old).unwrap();
    model.records.push(record.clone());
    let planned = plan_v2(&model.state(), &spec(APPLICATION)).unwrap();
    let lead = planned
        .plan
        .changes()
        .iter()
        .find(|own| own.id.starts_with("record/"))
        .unwrap();
    assert_eq!(
        lead.signed_lines(),
        [
            "~ record mhcweb-ci.example.com A alias -> load balancer ci-mhcweb, instead of CNAME old.elb.amazonaws.com"
        ]
    );
    let crate::balancer::BalancerAction::V2(action) = &lead.action else {
        panic!("{lead:?}");
    };
    let V2Action::Lead { instead, .. } = &**action else {
        panic!("{lead:?}");
    };
    assert_eq!(instead, &[record]);
    made(&mut model, &spec(APPLICATION));
}

#[test]
fn other_addresses_of_the_host_name_go_in_the_same_write() {
    let mut model = Model::default();
    let value = |kind: &str, value: &str| {
        let target = Target::Value {
            kind: kind.into(),
            value: value.into(),
        };
        Record::new("mhcweb-ci.example.com", &target).unwrap()
    };
    let six = value("AAAA", "::1");
    model.records = vec![value("A", "192.0.2.1"), six.clone()];
    let planned = plan_v2(&model.state(), &spec(APPLICATION)).unwrap();
    let line = "~ record mhcweb-ci.example.com A alias -> load balancer ci-mhcweb, instead of AAAA ::1, A 192.0.2.1";
    assert!(planned.plan.lines().contains(&line.to_owned()));
    made(&mut model, &spec(APPLICATION));
    // Beside the right alias.
    model.records.push(six);
    let lines = made(&mut model, &spec(APPLICATION));
    let line =
        "~ record mhcweb-ci.example.com A alias -> load balancer ci-mhcweb, instead of AAAA ::1";
    assert_eq!(lines, [line]);
}

#[test]
fn records_among_which_the_service_chooses_are_never_replaced() {
    for kind in ["A", "AAAA", "CNAME"] {
        let target = Target::Value {
            kind: kind.into(),
            value: "other.example.org".into(),
        };
        let mut routed = Record::new("mhcweb-ci.example.com", &target).unwrap();
        routed.set_identifier = Some("blue".into());
        let mut model = Model::default();
        model.records.push(routed.clone());
        let error = plan_v2(&model.state(), &spec(APPLICATION)).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(&format!("record {kind} (set blue)")),
            "{text}"
        );
        model.records.clear();
        made(&mut model, &spec(APPLICATION));
        model.records.push(routed);
        assert!(plan_v2(&model.state(), &spec(APPLICATION)).is_err());
    }
}

#[test]
fn a_balancer_that_is_not_wanted_goes_with_its_target_groups() {
    let table = [
        ("elb=no", true),
        ("elb=no\ntarget_group=yes", false),
        ("elb=yes", true),
        ("elb=yes\ntarget_group=yes", false),
    ];
    for (then, all) in table {
        let mut model = Model::default();
        made(
            &mut model,
            &spec(&format!("{APPLICATION}\nelb_instance_port=80,81")),
        );
        let next = spec(then);
        let planned = plan_v2(&model.state(), &next).unwrap();
        assert_eq!(
            planned.detach.target_groups.len(),
            if all { 2 } else { 1 },
            "{then}"
        );
        let lines = made(&mut model, &next);
        assert!(
            lines.contains(&"- application load balancer ci-mhcweb".to_owned()),
            "{lines:?}"
        );
        assert!(model.balancers.is_empty());
        let left: Vec<&String> = model.groups.keys().collect();
        if all {
            assert_eq!(left, [""; 0]);
        } else {
            assert_eq!(left, ["ci-mhcweb"]);
            // It is the operator's from now on.
            made(&mut model, &spec("elb=no"));
            assert_eq!(model.groups.len(), 1);
        }
    }
}

#[test]
fn without_elb_only_the_normal_balancer_goes() {
    let mut model = Model::default();
    let mut testing = spec(APPLICATION);
    testing.testing = true;
    made(&mut model, &testing);
    made(&mut model, &spec(APPLICATION));
    assert_eq!((model.balancers.len(), model.groups.len()), (2, 2));
    let mut off = spec("elb=no");
    off.testing = true;
    made(&mut model, &off);
    assert_eq!(
        model.balancers.keys().collect::<Vec<_>>(),
        ["7b80a21a3e5ebc681bdfd7ec682bf6a4"]
    );
    assert_eq!(model.groups.keys().collect::<Vec<_>>(), ["ci-mhcweb-test"]);
}

#[test]
fn a_lone_target_group_leads_from_the_external_side() {
    let table = [
        ("", "+ target group ci-mhcweb 80/HTTP, check HTTP:80/"),
        (
            "elb_port=443\nelb_protocol=SSL\nelb_instance_port=8080\nelb_instance_protocol=TCP\nelb_health_check_url=/ok",
            "+ target group ci-mhcweb 443/TLS, check TCP:8080",
        ),
        (
            "elb_port=443\nelb_protocol=HTTPS\nelb_instance_port=8080\nelb_instance_protocol=TCP\nelb_health_check_url=/ok",
            "+ target group ci-mhcweb 443/HTTPS, check HTTP:8080/ok",
        ),
        (
            "elb_port=443\nelb_instance_port=8443\nelb_instance_protocol=HTTPS\nelb_health_check_url=/ok",
            "+ target group ci-mhcweb 443/HTTPS, check HTTPS:8443/ok",
        ),
    ];
    for (given, line) in table {
        let mut model = Model::default();
        let mut wanted = spec(&format!("target_group=yes\n{given}"));
        assert_eq!(made(&mut model, &wanted), [line]);
        // An existing one is used as it is, with more tags.
        wanted.options.mappings = options("elb_port=25").mappings;
        wanted.tags.insert("cost".into(), "7".into());
        assert_eq!(
            made(&mut model, &wanted),
            ["~ target group ci-mhcweb tag cost=7"]
        );
        let planned = plan_v2(&model.state(), &wanted).unwrap();
        assert_eq!(
            planned.attach.target_groups[0].arn.as_deref(),
            Some("arn:group/ci-mhcweb")
        );
    }
}

#[test]
fn host_names_that_lead_elsewhere_move_once_the_balancer_serves() {
    let spec = spec(APPLICATION);
    let mut model = Model::default();
    let fresh = crate::balancer::plan(&model.state(), &spec).unwrap();
    assert_eq!(fresh.serving, None, "a new name waits for nothing");
    let host = spec.hosts().remove(0);
    let old = Target::Value {
        kind: "CNAME".into(),
        value: "old.elb.amazonaws.com".into(),
    };
    model.records.push(Record::new(&host, &old).unwrap());
    let planned = crate::balancer::plan(&model.state(), &spec).unwrap();
    let id = format!("serving/{}", spec.id());
    assert_eq!(planned.serving.as_ref(), Some(&id));
    let change = |id: &str| planned.plan.changes().iter().find(|c| c.id == id).unwrap();
    assert_eq!(
        change(&id).to_string(),
        "~ wait until application load balancer ci-mhcweb serves"
    );
    assert!(change(&format!("record/{host}")).needs.contains(&id));
    for need in [
        format!("balancer/{}", spec.id()),
        format!("listener/{}/80", spec.id()),
    ] {
        assert!(change(&id).needs.contains(&need), "{need}");
    }
}
