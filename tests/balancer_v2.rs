//! Application and network load balancers and target groups: the core's reading, planning and applying against the local
//! cloud. What AWS then holds is read back with the SDK.

mod bed;

use crate::support::proxy::{Behaviour, Proxy};
use bed::{APPLICATION, Bed, NETWORK};

#[test]
fn an_application_balancer_from_its_first_to_its_last_day() {
    let bed = Bed::start();
    let certificate = bed.certificate("legacy");
    let options =
        "elb_port=80,443\nelb_instance_port=8080\nelb_health_check_url=/ok\nelb_cert_name=legacy";
    let spec = bed.spec(&format!("{APPLICATION}\n{options}"));
    let planned = bed.made(bed.url(), &spec).expect("made");
    assert_eq!(planned.warnings, [""; 0]);
    let id = "8f90fb4e286ae425b033dcce39800895";
    let first = vec![
        format!(
            "balancer {id} application internal sg=true subnets=2 idle=300 hostclass=mhcweb is_testing=0 productline=web"
        ),
        format!(
            "listener 443 HTTPS certificate={certificate} policy=ELBSecurityPolicy-TLS13-1-2-2021-06 -> ci-mhcweb"
        ),
        "listener 80 HTTP certificate=none policy=none -> ci-mhcweb".into(),
        format!("record A mhcweb-ci.example.com. -> {id}-1.us-west-2.elb.amazonaws.com"),
        format!(
            "target group ci-mhcweb 8080/HTTP check HTTP:8080/ok 5 4 2 2 200 drain=300 sticky=false balancer={id} team=blue"
        ),
    ];
    assert_eq!(bed.there(), first);
    assert_eq!(bed.pending(&spec), [""; 0], "a second run plans nothing");

    // Another port on the hosts, no plain HTTP, cookies.
    let options = "elb_port=443\nelb_instance_port=9090\nelb_cert_name=legacy\nelb_sticky_app_cookie=SID\nelb_connection_draining=0\nelb_idle_timeout=60";
    let spec = bed.spec(&format!("{APPLICATION}\n{options}"));
    let planned = bed.made(bed.url(), &spec).expect("made");
    assert_eq!(planned.detach.target_groups[0].name, "ci-mhcweb");
    let second = vec![
        first[0].replace("idle=300", "idle=60"),
        first[1].replace("ci-mhcweb", "ci-mhcweb-9090"),
        first[3].clone(),
        format!(
            "target group ci-mhcweb-9090 9090/HTTP check HTTP:9090/ 5 4 2 2 200 drain=0 sticky=true balancer={id} team=blue"
        ),
    ];
    assert_eq!(bed.there(), second);
    assert_eq!(bed.pending(&spec), [""; 0]);

    let off = bed.spec("elb=no");
    bed.made(bed.url(), &off).expect("deleted");
    assert_eq!(bed.there(), [""; 0]);
    assert_eq!(bed.pending(&off), [""; 0]);
}

#[test]
fn a_network_balancer_with_tcp_and_udp() {
    let bed = Bed::start();
    bed.certificate("legacy");
    let options = "elb_public=yes\nelb_port=443,53,25\nelb_protocol=TLS,UDP,TCP\nelb_instance_port=8443,53,25\nelb_instance_protocol=TCP,UDP,TCP\nelb_cert_name=legacy\nelb_idle_timeout=400";
    let spec = bed.spec(&format!("{NETWORK}\n{options}"));
    bed.made(bed.url(), &spec).expect("made");
    let there = bed.there();
    assert!(
        there[0].contains(" network internet-facing sg=true"),
        "{there:#?}"
    );
    let starts = |start: &str| there.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(
        (starts("listener"), starts("target group"), starts("record")),
        (3, 3, 1)
    );
    assert!(
        there.contains(&"listener 53 UDP certificate=none policy=none -> ci-mhcweb-53".to_owned()),
        "{there:#?}"
    );
    assert!(there.iter().any(|line| line.starts_with("target group ci-mhcweb-53 53/UDP check TCP:8443 5 4 2 2")), "{there:#?}");
    assert_eq!(bed.pending(&spec), [""; 0]);
}

#[test]
fn planning_changes_nothing_and_reads_each_kind_once() {
    let bed = Bed::start();
    let spec = bed.spec(APPLICATION);
    let proxy = Proxy::start(bed.url(), Behaviour::new());
    let planned = bed.plan(proxy.url(), &spec).expect("plan");
    assert!(!planned.plan.is_empty());
    let operations: Vec<String> = proxy
        .calls()
        .into_iter()
        .map(|call| call.operation)
        .collect();
    let reads = |name: &String| {
        ["Describe", "List", "GET"]
            .iter()
            .any(|start| name.starts_with(start))
    };
    assert!(operations.iter().all(reads), "{operations:?}");
    assert_eq!(proxy.count("DescribeTargetGroups"), 1);
    assert_eq!(bed.there(), [""; 0]);
}

#[test]
fn a_cname_gives_way_to_the_alias_and_records_that_lead_nowhere_go() {
    let bed = Bed::start();
    bed.cname("mhcweb-ci", "old.example.org");
    let spec = bed.spec(APPLICATION);
    bed.made(bed.url(), &spec).expect("made");
    let records = || -> Vec<String> {
        bed.there()
            .into_iter()
            .filter(|line| line.starts_with("record"))
            .collect()
    };
    let host = "8f90fb4e286ae425b033dcce39800895-1.us-west-2.elb.amazonaws.com";
    assert_eq!(
        records(),
        [format!("record A mhcweb-ci.example.com. -> {host}")]
    );
    // Somebody's own name for the balancer, and somebody else's.
    bed.cname("shop", host);
    bed.cname("other", "other.example.org");
    let planned = bed.made(bed.url(), &bed.spec("elb=no")).expect("deleted");
    assert_eq!(
        planned.leaving.lines(),
        [
            "- record mhcweb-ci.example.com A",
            "- record shop.example.com CNAME",
            "- application load balancer ci-mhcweb",
            "- target group ci-mhcweb 80/HTTP",
        ]
    );
    assert_eq!(
        records(),
        ["record CNAME other.example.com. -> other.example.org"]
    );
}

#[test]
fn a_run_that_fails_at_any_call_is_continued_by_the_next() {
    let bed = Bed::start();
    let first = bed.spec(APPLICATION);
    let second = bed.spec(&format!(
        "{APPLICATION}\nelb_instance_port=8080\nelb_port=80,81\nelb_idle_timeout=60"
    ));
    let off = bed.spec("elb=no");
    let reference = |spec| {
        bed.made(bed.url(), spec).expect("undisturbed");
        bed.there()
    };
    let wanted = [reference(&first), reference(&second), reference(&off)];
    let mut failures = 0;
    for (index, spec) in [&first, &second, &off].into_iter().enumerate() {
        for call in 1.. {
            assert!(call < 60, "too many calls");
            // The state before: what the step before has left.
            bed.made(bed.url(), &off).expect("clean");
            if index > 0 {
                bed.made(bed.url(), &first).expect("first");
            }
            let proxy = Proxy::start(bed.url(), Behaviour::new().reset_at(call));
            let failed = bed.made_once(proxy.url(), spec).is_err();
            if proxy.calls().len() < call {
                break;
            }
            failures += usize::from(failed);
            bed.made(bed.url(), spec).expect("second run");
            assert_eq!(bed.there(), wanted[index], "failed at call {call}");
            assert_eq!(bed.pending(spec), [""; 0], "failed at call {call}");
        }
    }
    assert!(failures > 20, "{failures}");
}

#[test]
fn throttling_is_waited_out() {
    let bed = Bed::start();
    let behaviour = [
        "DescribeTargetGroups",
        "CreateLoadBalancer",
        "CreateTargetGroup",
        "CreateListener",
    ]
    .into_iter()
    .fold(Behaviour::new(), |own, operation| {
        own.throttle(operation, 2)
    });
    let proxy = Proxy::start(bed.url(), behaviour);
    let spec = bed.spec(APPLICATION);
    bed.made(proxy.url(), &spec).expect("made");
    assert_eq!(proxy.count("CreateLoadBalancer"), 3);
    assert_eq!(bed.pending(&spec), [""; 0]);
}

#[test]
fn what_a_lost_answer_has_created_is_taken() {
    let bed = Bed::start();
    let spec = bed.spec(APPLICATION);
    let before = bed.plan(bed.url(), &spec).expect("plan");
    bed.made(bed.url(), &spec).expect("made");
    let there = bed.there();
    let error = |code: &str| {
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>exists</Message></Error><RequestId>1</RequestId></ErrorResponse>"
        )
    };
    // The local cloud refuses the target group itself, and would make another balancer and listener.
    let behaviour = Behaviour::new()
        .answer_first(
            "CreateLoadBalancer",
            400,
            &error("DuplicateLoadBalancerName"),
        )
        .answer_first("CreateListener", 400, &error("DuplicateListener"));
    let proxy = Proxy::start(bed.url(), behaviour);
    bed.apply(proxy.url(), &before).expect("applied again");
    assert_eq!(proxy.count("CreateLoadBalancer"), 1);
    assert_eq!(bed.there(), there);

    // One of another kind under that name is an error.
    let other = bed.plan(bed.url(), &bed.spec("elb=no")).expect("plan");
    bed.apply(bed.url(), &other).expect("deleted");
    let spec = bed.spec(NETWORK);
    let network = bed.plan(bed.url(), &spec).expect("plan");
    bed.made(bed.url(), &bed.spec(APPLICATION)).expect("made");
    let behaviour = Behaviour::new().answer_first(
        "CreateLoadBalancer",
        400,
        &error("DuplicateLoadBalancerName"),
    );
    let proxy = Proxy::start(bed.url(), behaviour);
    let failed = bed.apply(proxy.url(), &network).expect_err("another kind");
    assert!(failed.contains("DuplicateLoadBalancerName"), "{failed}");
    assert!(failed.contains("DuplicateTargetGroupName"), "{failed}");
}

#[test]
fn a_target_group_in_use_is_waited_for() {
    let bed = Bed::start();
    let spec = bed.spec(APPLICATION);
    bed.made(bed.url(), &spec).expect("made");
    let moved = bed.spec(&format!("{APPLICATION}\nelb_instance_port=8080"));
    let error = "<ErrorResponse><Error><Type>Sender</Type><Code>ResourceInUse</Code><Message>in use</Message></Error><RequestId>1</RequestId></ErrorResponse>";
    // In use at first, as while a balancer goes: waited for.
    let proxy = Proxy::start(
        bed.url(),
        Behaviour::new().answer_first("DeleteTargetGroup", 400, error),
    );
    bed.made(proxy.url(), &moved).expect("made");
    assert_eq!(proxy.count("DeleteTargetGroup"), 2);
    assert!(
        !bed.there()
            .iter()
            .any(|line| line.starts_with("target group ci-mhcweb 80/"))
    );
}

#[test]
fn a_lone_target_group_is_made_once_and_stays() {
    let bed = Bed::start();
    let spec = bed.spec(
        "target_group=yes\nelb_port=443\nelb_instance_port=8443\nelb_instance_protocol=HTTPS",
    );
    bed.made(bed.url(), &spec).expect("made");
    let there = bed.there();
    assert_eq!(there.len(), 1);
    assert!(
        there[0].starts_with("target group ci-mhcweb 443/HTTPS check HTTPS:8443/ "),
        "{there:?}"
    );
    assert!(there[0].ends_with("balancer=none team=blue"), "{there:?}");
    assert_eq!(bed.pending(&spec), [""; 0]);
    bed.made(bed.url(), &bed.spec("elb=no")).expect("nothing");
    assert_eq!(bed.there(), there);
}

#[test]
fn hosts_are_waited_for() {
    let bed = Bed::start();
    bed.made(bed.url(), &bed.spec(APPLICATION)).expect("made");
    let host = bed.register("ci-mhcweb");
    bed.healthy("ci-mhcweb", &[]).expect("healthy");
    bed.healthy("ci-mhcweb", &[host]).expect("healthy");
}
