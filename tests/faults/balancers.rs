//! `disco_aws spinup` of a hostclass with load balancer, certificate, records and target group, killed at any call: running it
//! again converges.

use crate::disco_aws::balancers::Balanced;
use crate::disco_aws::{changing, name_of};
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::run_until_killed;

const OPTIONS: &str = "\
elb = yes
elb_health_check_url = /ok
elb_port = 443
elb_instance_port = 8080
elb_instance_protocol = http
elb_dns_alias = www
target_group = yes";

#[track_caller]
fn assert_converged(own: &Balanced, context: &str) {
    let (classic, groups) = (own.classic(), own.target_groups());
    assert_eq!((classic.len(), groups.len()), (1, 1), "{context}");
    let group = own.world.group("mhcapp");
    let name = classic[0].load_balancer_name().unwrap();
    assert_eq!(group.load_balancer_names(), [name], "{context}");
    let arn = groups[0].target_group_arn().unwrap();
    assert_eq!(group.target_group_arns(), [arn], "{context}");
    let records = own.records();
    assert_eq!(records.len(), 2, "{context}: {records:?}");
    let host = classic[0].dns_name().unwrap();
    assert!(
        records.iter().all(|record| record.ends_with(host)),
        "{context}"
    );
    let policies = own.world.policies(name_of(&group));
    assert_eq!(policies, ["down", "up"], "{context}");
}

fn clear(own: &Balanced) {
    own.world
        .run(&["spindown", "--pipeline", &own.file])
        .expect_status(0);
    let client = aws_sdk_elasticloadbalancingv2::Client::new(&own.world.cloud.sdk());
    for group in own.target_groups() {
        let call = client
            .delete_target_group()
            .set_target_group_arn(group.target_group_arn);
        own.world.cloud.wait(call.send()).unwrap();
    }
    own.world.clear();
}

fn kill_at_every(step: usize, behaviour: fn(usize) -> Behaviour) {
    let own = Balanced::new(OPTIONS);
    own.certificate("*.example.com");
    let args = ["spinup", "--pipeline", &own.file];
    let (mut n, mut changed) = (1, 0);
    loop {
        let proxy = Proxy::start(own.world.cloud.url(), behaviour(n));
        if run_until_killed(&proxy, own.world.tool_at(proxy.url(), &args)).is_none() {
            break;
        }
        let last = proxy.calls().get(n - 1).map(|call| call.operation.clone());
        let context = format!("killed at call {n}, {last:?}");
        // Before the first change there is nothing to repair.
        if !changing(&proxy).is_empty() {
            changed += 1;
            own.world.run(&args).expect_status(0);
            assert_converged(&own, &context);
            let (third, proxy) = own.world.watch(&args);
            third.expect_status(0);
            assert_eq!(changing(&proxy), [""; 0], "{context}");
            clear(&own);
        }
        n += step;
    }
    assert_converged(&own, "not killed");
    assert!(
        changed * step > 8,
        "only {changed} changing calls: what is tested here?"
    );
}

#[test]
fn killed_after_any_call_a_second_run_converges() {
    kill_at_every(1, |n| Behaviour::new().kill_at(n));
}

#[test]
fn killed_before_a_call_a_second_run_converges() {
    kill_at_every(3, |n| Behaviour::new().kill_before(n));
}
