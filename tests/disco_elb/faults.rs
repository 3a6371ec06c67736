//! What goes wrong on the way: killed at every call, throttled, answers that are lost.

use super::{ID, Site};
use crate::support::environment::changing_calls;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::run_until_killed;

const GROUP: &str = "ci_mhcweb_1790000000";
const CREATE: &str = "update --hostclass mhcweb";
const DELETE: &str = "delete --hostclass mhcweb";
/// A loop over all calls ends long before.
const MOST_CALLS: usize = 60;

/// A balancer with everything.
fn site() -> Site {
    let site = Site::new("elb_dns_alias = www\nelb_sticky_app_cookie = SID");
    site.group(GROUP, &[], false);
    site
}

/// Everything that belongs to the balancer.
fn picture(site: &Site) -> Vec<String> {
    let mut lines = site.records();
    lines.push(format!("attached to {:?}", site.attached(GROUP)));
    for own in site.balancers() {
        let name = own.load_balancer_name().unwrap();
        lines.push(format!("{name} {:?}", own.health_check()));
        lines.push(format!("{:?}", own.policies()));
        lines.push(format!("{:?}", own.listener_descriptions()));
        lines.push(format!("{:?}", site.attributes(name)));
        lines.extend(site.tags(name));
    }
    lines
}

/// Kills `words` at one call after the other, runs it again and compares; `before` brings the state to begin with.
fn killed(words: &str, before: &str, kill: impl Fn(usize) -> Behaviour) {
    let site = site();
    site.run(before).expect_status(0);
    let plain = Proxy::start(site.cloud.url(), Behaviour::new());
    site.tool(words)
        .endpoint(plain.url())
        .run()
        .expect_status(0);
    let changes = changing_calls(&plain);
    assert!(changes.len() > 2, "{changes:?}");
    let wanted = picture(&site);
    for index in 1..MOST_CALLS {
        site.run(before).expect_status(0);
        let proxy = Proxy::start(site.cloud.url(), kill(index));
        let ended = run_until_killed(&proxy, site.tool(words)).is_none();
        site.run(words).expect_status(0);
        let at = &proxy.calls()[index.min(proxy.calls().len()) - 1].operation;
        assert_eq!(picture(&site), wanted, "killed at call {index}: {at}");
        if ended {
            assert!(index > changes.len(), "{index}");
            return;
        }
    }
    panic!("more than {MOST_CALLS} calls");
}

#[test]
fn creating_killed_after_every_call_converges() {
    killed(CREATE, DELETE, |index| Behaviour::new().kill_at(index));
}

#[test]
fn creating_killed_before_every_call_converges() {
    killed(CREATE, DELETE, |index| Behaviour::new().kill_before(index));
}

#[test]
fn deleting_killed_after_every_call_converges() {
    killed(DELETE, CREATE, |index| Behaviour::new().kill_at(index));
}

#[test]
fn deleting_killed_before_every_call_converges() {
    killed(DELETE, CREATE, |index| Behaviour::new().kill_before(index));
}

#[test]
fn throttling_is_waited_out() {
    let site = site();
    // The SDK slows down with every refusal, so there are only few.
    let behaviour = Behaviour::new()
        .throttle("CreateLoadBalancer", 1)
        .throttle("SetLoadBalancerPoliciesOfListener", 1);
    let proxy = Proxy::start(site.cloud.url(), behaviour);
    site.tool(CREATE)
        .endpoint(proxy.url())
        .run()
        .expect_status(0);
    assert_eq!(proxy.count("CreateLoadBalancer"), 2);
    let (again, calls) = site.watched(CREATE);
    again.expect_status(0);
    assert_eq!(calls, [""; 0]);
}

/// No balancers, as the service says it.
const NONE: &str = "<DescribeLoadBalancersResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/\">\
    <DescribeLoadBalancersResult><LoadBalancerDescriptions/></DescribeLoadBalancersResult>\
    <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DescribeLoadBalancersResponse>";

#[test]
fn a_balancer_whose_creation_was_not_heard_of_is_taken_if_it_is_ours() {
    let site = site();
    site.foreign(ID, &site.subnets("intranet"), &[]);
    let hidden = || Behaviour::new().answer_first("DescribeLoadBalancers", 200, NONE);
    let proxy = Proxy::start(site.cloud.url(), hidden());
    let output = site
        .tool(CREATE)
        .endpoint(proxy.url())
        .run()
        .expect_status(0);
    assert!(
        output.stderr.contains("has appeared meanwhile"),
        "{}",
        output.stderr
    );
    assert_eq!(site.attached(GROUP), [ID]);
    assert_eq!(site.records().len(), 2);

    site.run(DELETE).expect_status(0);
    site.foreign(ID, &site.subnets("intranet"), &[]);
    site.configure("elb_port = 81");
    let proxy = Proxy::start(site.cloud.url(), hidden());
    let output = site
        .tool(CREATE)
        .endpoint(proxy.url())
        .run()
        .expect_status(1);
    assert!(
        output.stderr.contains("DuplicateLoadBalancerName"),
        "{}",
        output.stderr
    );
    assert!(site.attached(GROUP).is_empty() && site.records().is_empty());
}

#[test]
fn only_not_found_means_absent() {
    let site = site();
    let denied = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not allowed</Message></Error>\
                  <RequestId>r</RequestId></ErrorResponse>";
    for words in [CREATE, DELETE, "list"] {
        let behaviour = Behaviour::new().answer("DescribeLoadBalancers", 403, denied);
        let proxy = Proxy::start(site.cloud.url(), behaviour);
        let output = site
            .tool(words)
            .endpoint(proxy.url())
            .run()
            .expect_status(1);
        assert!(output.stderr.contains("AccessDenied"), "{}", output.stderr);
        assert_eq!(changing_calls(&proxy), [""; 0], "{words}");
    }
}

#[test]
fn few_round_trips() {
    let site = site();
    let proxy = Proxy::start(site.cloud.url(), Behaviour::new());
    site.tool(CREATE)
        .endpoint(proxy.url())
        .run()
        .expect_status(0);
    // Environment, its network and the balancers; then creation; then policies after a look at the listeners.
    assert!(proxy.longest_chain() <= 8, "{}", proxy.longest_chain());
    let proxy = Proxy::start(site.cloud.url(), Behaviour::new());
    site.tool(CREATE)
        .endpoint(proxy.url())
        .run()
        .expect_status(0);
    assert!(proxy.longest_chain() <= 4, "{}", proxy.longest_chain());
    // Balancers of the classic service and of the other one.
    let wanted = [
        ("DescribeVpcs", 1),
        ("DescribeLoadBalancers", 2),
        ("DescribeAutoScalingGroups", 1),
        ("DescribeTags", 1),
    ];
    for (operation, count) in wanted {
        assert_eq!(proxy.count(operation), count, "{operation}");
    }
}
