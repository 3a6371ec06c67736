//! `spinup` and `spindown` of hostclasses with load balancers: what AWS then holds, and in which order it came to be.

use super::{OWNER, World, changing, name_of};
use crate::support::proxy::{Behaviour, Call, Proxy};
use crate::support::zone::{records, zone};

/// The environment with a zone `example.com`, and `mhcapp` with these options.
pub struct Balanced {
    pub world: World,
    pub zone: String,
    pub file: String,
    options: std::cell::RefCell<String>,
}

impl Balanced {
    pub fn new(options: &str) -> Self {
        let world = World::new();
        let zone = zone(&world.cloud, "example.com", false);
        let file = world.pipeline(
            "elb.csv",
            "sequence,hostclass,desired_size,instance_type\n1,mhcapp,1,t2.micro\n",
        );
        let own = Self {
            world,
            zone,
            file,
            options: "[mhcapp]\n".to_owned().into(),
        };
        own.configure(options);
        own
    }

    /// Gives `mhcapp` these options instead of those that it had.
    pub fn configure(&self, options: &str) {
        let new = format!("[mhcapp]\n{options}\n");
        let old = self.options.replace(new.clone());
        self.world.config.edit("disco_aws.ini", &old, &new);
    }

    /// `spinup` through a proxy that only counts.
    #[track_caller]
    pub fn spinup(&self) -> Proxy {
        let (output, proxy) = self.world.watch(&["spinup", "--pipeline", &self.file]);
        output.expect_status(0);
        proxy
    }

    /// The lines of the plan for people.
    #[track_caller]
    pub fn plan(&self, command: &str) -> String {
        let (output, proxy) = self
            .world
            .watch(&[command, "--pipeline", &self.file, "--dry-run"]);
        assert_eq!(changing(&proxy), [""; 0], "a dry run changes nothing");
        output.expect_status(0).stdout
    }

    /// The classic balancers.
    pub fn classic(&self) -> Vec<aws_sdk_elasticloadbalancing::types::LoadBalancerDescription> {
        let client = aws_sdk_elasticloadbalancing::Client::new(&self.world.cloud.sdk());
        let found = self
            .world
            .cloud
            .wait(client.describe_load_balancers().send());
        found
            .unwrap()
            .load_balancer_descriptions
            .unwrap_or_default()
    }

    /// The application and network balancers.
    pub fn v2(&self) -> Vec<aws_sdk_elasticloadbalancingv2::types::LoadBalancer> {
        let client = aws_sdk_elasticloadbalancingv2::Client::new(&self.world.cloud.sdk());
        let found = self
            .world
            .cloud
            .wait(client.describe_load_balancers().send());
        found.unwrap().load_balancers.unwrap_or_default()
    }

    /// The target groups.
    pub fn target_groups(&self) -> Vec<aws_sdk_elasticloadbalancingv2::types::TargetGroup> {
        let client = aws_sdk_elasticloadbalancingv2::Client::new(&self.world.cloud.sdk());
        let found = self
            .world
            .cloud
            .wait(client.describe_target_groups().send());
        found.unwrap().target_groups.unwrap_or_default()
    }

    /// What the zone holds besides what every zone has.
    pub fn records(&self) -> Vec<String> {
        records(&self.world.cloud, &self.zone)
    }

    /// Requests a certificate that is issued at once; its ARN.
    pub fn certificate(&self, name: &str) -> String {
        let authority = "arn:aws:acm-pca:us-west-2:123456789012:certificate-authority/a";
        let call = aws_sdk_acm::Client::new(&self.world.cloud.sdk())
            .request_certificate()
            .domain_name(name)
            .certificate_authority_arn(authority);
        let made = self.world.cloud.wait(call.send()).unwrap();
        made.certificate_arn.unwrap()
    }
}

/// Names of changing calls, records as `records`.
pub fn steps(proxy: &Proxy) -> Vec<String> {
    let short = |operation: String| {
        if operation.contains("/rrset") {
            "records".to_owned()
        } else {
            operation
        }
    };
    changing(proxy).into_iter().map(short).collect()
}

/// Where the first such call is among others.
#[track_caller]
fn at(steps: &[String], operation: &str) -> usize {
    let found = steps.iter().position(|step| step == operation);
    found.unwrap_or_else(|| panic!("{operation} in {steps:?}"))
}

/// A pipeline's second run finds everything as wanted.
#[track_caller]
fn assert_settled(own: &Balanced) {
    let proxy = own.spinup();
    assert_eq!(changing(&proxy), [""; 0]);
    let plan = own.plan("spinup");
    assert!(plan.contains("= group mhcapp "), "{plan}");
    assert_eq!(plan.lines().count(), 2, "{plan}");
}

#[test]
fn a_hostclass_with_elb_gets_one_with_records_and_is_attached() {
    let own = Balanced::new("elb = yes\nelb_health_check_url = /ok\nelb_dns_alias = www");
    let planned = own.plan("spinup");
    let proxy = own.spinup();
    let found = own.classic();
    assert_eq!(found.len(), 1);
    let (elb, group) = (&found[0], own.world.group("mhcapp"));
    let name = elb.load_balancer_name().unwrap();
    assert_eq!(group.load_balancer_names(), [name]);
    assert_eq!(elb.scheme(), Some("internal"));
    assert_eq!(
        elb.health_check().map(|check| check.target()),
        Some("HTTP:80/ok")
    );
    assert_eq!(
        elb.security_groups(),
        [own.world.security_group("intranet")]
    );
    let host = elb.dns_name().unwrap();
    let mut found = own.records();
    found.sort();
    assert_eq!(
        found,
        [
            format!("mhcapp-ci.example.com. CNAME 5 {host}"),
            format!("www.example.com. CNAME 5 {host}")
        ]
    );
    let tags = aws_sdk_elasticloadbalancing::Client::new(&own.world.cloud.sdk())
        .describe_tags()
        .load_balancer_names(name);
    let tags = own.world.cloud.wait(tags.send()).unwrap();
    let tags = tags.tag_descriptions()[0].tags();
    let tag = |key: &str| {
        let own = tags.iter().find(|tag| tag.key() == key);
        own.and_then(|tag| tag.value()).map(str::to_owned)
    };
    for (key, value) in [
        ("hostclass", "mhcapp"),
        ("environment", "ci"),
        ("is_testing", "0"),
        ("productline", "testing"),
    ] {
        assert_eq!(tag(key).as_deref(), Some(value), "{key}");
    }
    let steps = steps(&proxy);
    assert!(at(&steps, "CreateLoadBalancer") < at(&steps, "CreateAutoScalingGroup"));
    assert_eq!(
        steps.iter().filter(|step| *step == "records").count(),
        1,
        "both records in one call"
    );
    for text in [
        format!("+ load balancer mhcapp {name} (classic, internal, "),
        "+ record mhcapp-ci.example.com CNAME".to_owned(),
        "+ record www.example.com CNAME".to_owned(),
        "+ group mhcapp ".to_owned(),
    ] {
        assert!(planned.contains(&text), "`{text}` in\n{planned}");
    }
    assert_settled(&own);
}

#[test]
fn a_wildcard_certificate_serves_https_and_the_plan_names_it() {
    let own = Balanced::new(
        "elb = yes\nelb_health_check_url = /\nelb_port = 443\nelb_instance_port = 8080\nelb_instance_protocol = http",
    );
    let without = own
        .world
        .run(&["spinup", "--pipeline", &own.file])
        .expect_status(1);
    assert!(
        without.stderr.contains("mhcapp-ci.example.com"),
        "{}",
        without.stderr
    );
    own.world.assert_nothing_provisioned();
    let arn = own.certificate("*.example.com");
    let planned = own.plan("spinup");
    assert!(planned.contains(&arn), "{planned}");
    own.spinup();
    let found = own.classic();
    let listener = found[0].listener_descriptions()[0].listener().unwrap();
    assert_eq!(listener.ssl_certificate_id(), Some(arn.as_str()));
    assert_eq!(
        (listener.load_balancer_port(), listener.instance_port()),
        (443, 8080)
    );
    assert_settled(&own);
}

#[test]
fn an_application_balancer_has_an_alias_record() {
    let own = Balanced::new("elb = yes\nelb_type = application\nelb_health_check_url = /ok");
    own.spinup();
    let (found, groups) = (own.v2(), own.target_groups());
    assert_eq!((found.len(), groups.len()), (1, 1));
    let group = own.world.group("mhcapp");
    assert_eq!(
        group.target_group_arns(),
        [groups[0].target_group_arn().unwrap()]
    );
    assert_eq!(own.classic(), []);
    let records = own.records();
    assert_eq!(records.len(), 1, "{records:?}");
    let head = "mhcapp-ci.example.com. A - alias ";
    assert!(records[0].starts_with(head), "{records:?}");
    assert_settled(&own);
}

#[test]
fn a_target_group_without_balancer() {
    let own = Balanced::new("target_group = yes\nelb_health_check_url = /ok");
    own.spinup();
    let groups = own.target_groups();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].target_group_name(), Some("ci-mhcapp"));
    let group = own.world.group("mhcapp");
    assert_eq!(
        group.target_group_arns(),
        [groups[0].target_group_arn().unwrap()]
    );
    assert_settled(&own);
}

#[test]
fn switched_off_it_is_detached_before_it_goes() {
    let own = Balanced::new("elb = yes\nelb_health_check_url = /ok");
    own.spinup();
    own.configure("");
    let planned = own.plan("spinup");
    for text in [
        "~ group mhcapp ",
        "load balancers ",
        "- load balancer mhcapp ",
    ] {
        assert!(planned.contains(text), "`{text}` in\n{planned}");
    }
    let steps = steps(&own.spinup());
    assert!(
        at(&steps, "DetachLoadBalancers") < at(&steps, "DeleteLoadBalancer"),
        "{steps:?}"
    );
    assert!(
        at(&steps, "DetachLoadBalancers") < at(&steps, "records"),
        "{steps:?}"
    );
    assert_eq!(own.classic(), []);
    assert_eq!(own.records(), [""; 0]);
    assert_eq!(own.world.group("mhcapp").load_balancer_names(), [""; 0]);
    assert_settled(&own);
}

#[test]
fn a_group_under_test_has_the_testing_balancer_without_alias() {
    let own = Balanced::new("elb = yes\nelb_health_check_url = /ok\nelb_dns_alias = www");
    own.world
        .run(&["spinup", "--pipeline", &own.file, "--testing"])
        .expect_status(0);
    let found = own.records();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("mhcapp-test-ci.example.com. CNAME 5 "),
        "{found:?}"
    );
    own.spinup();
    let group = own.world.group("mhcapp");
    let names = group.load_balancer_names();
    assert_eq!(
        names.len(),
        1,
        "out of testing: attached to the normal one only"
    );
    assert_eq!(own.classic().len(), 2, "testing balancers stay");
}

/// At every moment of a switch the group is attached to something: after each attaching or detaching call at least one is left.
#[track_caller]
fn assert_always_attached(calls: &[Call], context: &str) {
    let mut attached = 1_i32;
    for call in calls {
        match call.operation.as_str() {
            "AttachLoadBalancers" | "AttachLoadBalancerTargetGroups" => attached += 1,
            "DetachLoadBalancers" | "DetachLoadBalancerTargetGroups" => attached -= 1,
            _ => {}
        }
        assert!(attached > 0, "{context}: after {}", call.operation);
    }
    assert_eq!(attached, 1, "{context}");
}

#[test]
fn switching_the_type_and_back_never_leaves_the_group_unattached() {
    let own = Balanced::new("elb = yes\nelb_health_check_url = /ok");
    own.spinup();
    for (kind, classic, v2) in [("application", 0, 1), ("classic", 1, 0)] {
        own.configure(&format!(
            "elb = yes\nelb_health_check_url = /ok\nelb_type = {kind}"
        ));
        let proxy = own.spinup();
        assert_always_attached(&proxy.calls(), kind);
        let steps = steps(&proxy);
        let created = at(&steps, "CreateLoadBalancer");
        assert!(created < at(&steps, "DeleteLoadBalancer"), "{steps:?}");
        let detached = steps.iter().position(|step| step.starts_with("Detach"));
        let detached = detached.expect("the group is detached");
        assert!(at(&steps, "records") < detached, "{kind}: {steps:?}");
        assert!(
            detached < at(&steps, "DeleteLoadBalancer"),
            "{kind}: {steps:?}"
        );
        let health = ["DescribeInstanceHealth", "DescribeTargetHealth"];
        let calls = proxy.calls();
        let position = |is: &dyn Fn(&str) -> bool| {
            let found = calls.iter().position(|call| is(&call.operation));
            found.expect("such a call")
        };
        let healthy = position(&|name| health.contains(&name));
        let moved = position(&|name| name.starts_with("POST") && name.contains("/rrset"));
        assert!(healthy < moved, "{kind}: hosts are healthy before");
        assert_eq!(
            (own.classic().len(), own.v2().len()),
            (classic, v2),
            "{kind}"
        );
        let group = own.world.group("mhcapp");
        assert_eq!(group.load_balancer_names().len(), classic, "{kind}");
        assert_eq!(group.target_group_arns().len(), v2, "{kind}");
        assert_eq!(own.records().len(), 1, "{kind}");
        assert_settled(&own);
    }
}

#[test]
fn while_host_names_cannot_move_the_old_balancer_stays_attached() {
    let own = Balanced::new("elb = yes\nelb_health_check_url = /ok");
    own.spinup();
    let before = own.records();
    own.configure("elb = yes\nelb_health_check_url = /ok\nelb_type = application");
    let denied = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>";
    let write = format!("POST /2013-04-01/hostedzone/{}/rrset", own.zone);
    let proxy = Proxy::start(
        own.world.cloud.url(),
        Behaviour::new().answer(&write, 403, denied),
    );
    let output = own
        .world
        .tool_at(proxy.url(), &["spinup", "--pipeline", &own.file])
        .run();
    let stderr = output.expect_status(1).stderr;
    assert!(stderr.contains("not you"), "{stderr}");
    assert_eq!((own.classic().len(), own.records()), (1, before));
    assert_eq!(own.world.group("mhcapp").load_balancer_names().len(), 1);
    own.spinup();
    assert_eq!((own.classic().len(), own.v2().len()), (0, 1));
    assert_settled(&own);
}

#[test]
fn spindown_takes_balancer_and_records_along_whatever_the_options_say() {
    let own = Balanced::new("elb = yes\nelb_health_check_url = /ok");
    own.spinup();
    own.configure("");
    let planned = own.plan("spindown");
    for text in [
        "- group ",
        "- load balancer mhcapp ",
        "mhcapp-ci.example.com",
    ] {
        assert!(planned.contains(text), "`{text}` in\n{planned}");
    }
    let (output, proxy) = own.world.watch(&["spindown", "--pipeline", &own.file]);
    output.expect_status(0);
    let steps = steps(&proxy);
    assert!(
        at(&steps, "DeleteAutoScalingGroup") < at(&steps, "DeleteLoadBalancer"),
        "{steps:?}"
    );
    assert_eq!((own.classic(), own.records()), (vec![], vec![]));
    assert_eq!(own.plan("spindown"), "no changes\n");
}

#[test]
fn records_of_one_zone_go_in_one_call() {
    let own = Balanced::new("elb = yes\nelb_health_check_url = /ok\nelb_dns_alias = www");
    own.spinup();
    assert_eq!(own.records().len(), 2);
    let (output, proxy) = own.world.watch(&["spindown", "--pipeline", &own.file]);
    output.expect_status(0);
    let steps = steps(&proxy);
    let writes = steps.iter().filter(|step| *step == "records").count();
    assert_eq!(writes, 1, "{steps:?}");
    assert_eq!((own.classic(), own.records()), (vec![], vec![]));
}

#[test]
fn spindownandup_keeps_the_balancer_and_its_host_name() {
    let own = Balanced::new("elb = yes\nelb_health_check_url = /ok");
    own.spinup();
    let (before, records) = (own.classic(), own.records());
    let old = name_of(&own.world.group("mhcapp")).to_owned();
    own.world
        .run(&["spindownandup", "--pipeline", &own.file])
        .expect_status(0);
    assert_eq!(
        (own.classic()[0].dns_name(), own.records()),
        (before[0].dns_name(), records)
    );
    let group = own.world.group("mhcapp");
    assert_ne!(name_of(&group), old);
    assert_eq!(group.load_balancer_names().len(), 1);
}

#[test]
fn spindownandup_takes_the_balancer_of_a_hostclass_that_does_not_come_again() {
    let own = Balanced::new("elb = yes\nelb_health_check_url = /ok");
    own.spinup();
    let image = &own.world.images["mhcdb"];
    own.world.pipeline(
        "elb.csv",
        &format!(
            "sequence,hostclass,ami,desired_size,instance_type\n1,mhcapp,{image},0,t2.micro\n"
        ),
    );
    let planned = own.plan("spindownandup");
    assert!(planned.contains("- load balancer mhcapp "), "{planned}");
    let (output, proxy) = own.world.watch(&["spindownandup", "--pipeline", &own.file]);
    output.expect_status(0);
    let steps = steps(&proxy);
    assert!(
        at(&steps, "DeleteAutoScalingGroup") < at(&steps, "DeleteLoadBalancer"),
        "{steps:?}"
    );
    assert_eq!((own.classic(), own.records()), (vec![], vec![]));
    own.world.group("mhcdb");
    assert_eq!(own.world.groups().len(), 1);
}

#[test]
fn a_hostclass_that_occurs_twice_has_one_balancer() {
    let own = Balanced::new("elb = yes\nelb_health_check_url = /ok");
    own.world.pipeline(
        "elb.csv",
        "sequence,hostclass,desired_size,instance_type\n1,mhcapp,0,t2.micro\n1,mhcapp,1,t2.micro\n",
    );
    let steps = steps(&own.spinup());
    assert_eq!(
        steps
            .iter()
            .filter(|step| *step == "CreateLoadBalancer")
            .count(),
        1
    );
    assert_eq!(own.classic().len(), 1);
    assert_eq!(own.world.group("mhcapp").load_balancer_names().len(), 1);
}

#[test]
fn what_is_missing_is_an_error_before_any_change() {
    let https = "elb = yes\nelb_health_check_url = /\nelb_port = 443\nelb_instance_port = 80";
    let table = [
        ("elb = yes\ndomain_name = other.org", "other.org"),
        ("elb = yes\ndomain_name =", "domain"),
        (https, "mhcapp-ci.example.com"),
    ];
    let own = Balanced::new("");
    for (options, says) in table {
        own.configure(options);
        let (output, proxy) = own.world.watch(&["spinup", "--pipeline", &own.file]);
        let stderr = output.expect_status(1).stderr;
        assert!(stderr.contains(says), "`{says}` in\n{stderr}");
        assert!(stderr.contains("hint: "), "{stderr}");
        assert_eq!(changing(&proxy), [""; 0], "{options}");
    }
}

#[test]
fn refused_reads_are_errors_before_any_change() {
    let https = "elb = yes\nelb_health_check_url = /\nelb_port = 443\nelb_instance_port = 80\nelb_instance_protocol = http";
    let own = Balanced::new(https);
    own.certificate("*.example.com");
    let denied = r#"{"__type":"AccessDeniedException","message":"not you"}"#;
    let proxy = Proxy::start(
        own.world.cloud.url(),
        Behaviour::new().answer("ListCertificates", 400, denied),
    );
    let output = own
        .world
        .tool_at(proxy.url(), &["spinup", "--pipeline", &own.file])
        .run();
    let stderr = output.expect_status(1).stderr;
    assert!(stderr.contains("acm:ListCertificates"), "{stderr}");
    assert_eq!(changing(&proxy), [""; 0]);
    let throttled = Behaviour::new()
        .throttle("ListCertificates", 1)
        .throttle("DescribeLoadBalancers", 1);
    let proxy = Proxy::start(own.world.cloud.url(), throttled);
    let output = own
        .world
        .tool_at(proxy.url(), &["spinup", "--pipeline", &own.file])
        .run();
    output.expect_status(0);
    assert_eq!(own.classic().len(), 1);
    let group = own.world.group("mhcapp");
    let owner = group.tags().iter().find(|tag| tag.key() == Some("owner"));
    assert_eq!(owner.and_then(|tag| tag.value()), Some(OWNER));
}
