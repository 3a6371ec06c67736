//! Creating and updating, without groups.

use super::{ID, Site, TESTING_ID, listeners};
use crate::support::zone::{record, zone};

#[test]
fn a_balancer_is_made_as_configured_and_stays_so() {
    let site = Site::new("elb_dns_alias = www\nproduct_line = shop");
    let (dry, calls) = site.watched("--dry-run update --hostclass mhcweb");
    let dry = dry.expect_status(0);
    assert_eq!(calls, [""; 0]);
    assert_eq!(
        dry.stdout,
        format!(
            "+ load balancer mhcweb {ID} (classic, internal, 80/HTTP -> 80/HTTP, 3 subnets)\n\
             + record mhcweb-ci.example.com CNAME of load balancer mhcweb\n\
             + record www.example.com CNAME of load balancer mhcweb\n\
             + health check of load balancer mhcweb: HTTP:80/ok\n\
             + attributes of load balancer mhcweb: idle timeout 300 s, draining 300 s, cross-zone on\n"
        )
    );
    assert!(
        dry.stderr.contains("hostclass mhcweb has no group"),
        "{}",
        dry.stderr
    );
    let (made, calls) = site.watched("create --hostclass mhcweb");
    assert_eq!(made.expect_status(0).stdout, "");
    assert_eq!(calls[0], "CreateLoadBalancer");
    assert_eq!(calls.len(), 4, "{calls:?}");

    let own = site.balancer();
    assert_eq!(own.load_balancer_name(), Some(ID));
    assert_eq!(own.scheme(), Some("internal"));
    assert_eq!(listeners(&own), ["80/HTTP -> 80/HTTP -"]);
    let mut subnets = own.subnets().to_vec();
    subnets.sort();
    assert_eq!(subnets, site.subnets("intranet"));
    assert_eq!(own.security_groups(), [site.security_group("intranet")]);
    let check = own.health_check().unwrap();
    assert_eq!(
        (
            check.target(),
            check.interval(),
            check.timeout(),
            check.unhealthy_threshold(),
            check.healthy_threshold()
        ),
        ("HTTP:80/ok", 5, 4, 2, 2)
    );
    assert_eq!(site.attributes(ID), (300, true, 300, true));
    assert_eq!(
        site.tags(ID),
        [
            "environment=ci",
            "hostclass=mhcweb",
            "is_testing=0",
            "productline=shop"
        ]
    );
    let host = own.dns_name().unwrap();
    assert_eq!(
        site.records(),
        [
            format!("mhcweb-ci.example.com. CNAME 5 {host}"),
            format!("www.example.com. CNAME 5 {host}")
        ]
    );
    let (again, calls) = site.watched("update --hostclass mhcweb");
    again.expect_status(0);
    assert_eq!(calls, [""; 0]);
    let dry = site.run("update --hostclass mhcweb --dry-run");
    assert_eq!(dry.expect_status(0).stdout, "no changes\n");
}

#[test]
fn what_differs_is_changed_and_only_that() {
    let site = Site::new("");
    site.converge();
    site.configure(
        "elb_idle_timeout = 0\nelb_connection_draining = 0\nelb_cross_zone_load_balancing = no",
    );
    assert_eq!(
        site.converge(),
        "~ attributes of load balancer mhcweb: draining 300 s -> off, cross-zone on -> off\n"
    );
    assert_eq!(site.attributes(ID), (300, false, 0, false));
    site.configure("elb_idle_timeout = 77\nelb_instance_port = 8080\nelb_instance_protocol = http\nproduct_line = shop");
    let plan = site.converge();
    let lines: Vec<&str> = plan.lines().collect();
    assert_eq!(lines.len(), 3, "{plan}");
    assert!(lines[0].starts_with("~ health check of load balancer mhcweb: HTTP:80/ok every"));
    assert_eq!(
        lines[1],
        "~ attributes of load balancer mhcweb: idle timeout 300 s -> 77 s, draining off -> 300 s, cross-zone off -> on"
    );
    assert_eq!(
        lines[2],
        "~ tags of load balancer mhcweb: productline testing -> shop"
    );
    assert_eq!(site.attributes(ID), (77, true, 300, true));
    // Listeners stay, and a warning says so.
    assert_eq!(listeners(&site.balancer()), ["80/HTTP -> 80/HTTP -"]);
    let warned = site
        .run("update --hostclass mhcweb")
        .expect_status(0)
        .stderr;
    let wanted = "listeners 80/HTTP -> 80/HTTP, configured 80/HTTP -> 8080/HTTP";
    assert!(warned.contains(wanted), "{warned}");
}

#[test]
fn records_in_the_way_are_replaced() {
    let site = Site::new("elb_dns_alias = www");
    record(
        &site.cloud,
        &site.zone,
        "mhcweb-ci.example.com",
        "A",
        60,
        &["192.0.2.1"],
    );
    record(
        &site.cloud,
        &site.zone,
        "www.example.com",
        "CNAME",
        60,
        &["old.example.org"],
    );
    record(
        &site.cloud,
        &site.zone,
        "other.example.com",
        "A",
        60,
        &["192.0.2.2"],
    );
    let plan = site.converge();
    let wanted = "~ record mhcweb-ci.example.com: A 192.0.2.1 (TTL 60) -> CNAME of load balancer mhcweb\n\
                  ~ record www.example.com: CNAME old.example.org (TTL 60) -> CNAME of load balancer mhcweb\n";
    assert!(plan.contains(wanted), "{plan}");
    let host = site.balancer().dns_name().unwrap().to_owned();
    assert_eq!(
        site.records(),
        [
            format!("mhcweb-ci.example.com. CNAME 5 {host}"),
            "other.example.com. A 60 192.0.2.2".to_owned(),
            format!("www.example.com. CNAME 5 {host}")
        ]
    );
}

#[test]
fn the_balancer_under_test_is_another_one() {
    let site = Site::new("elb_dns_alias = www");
    let made = site.run("update --hostclass mhcweb --testing");
    made.expect_status(0);
    assert_eq!(site.balancer().load_balancer_name(), Some(TESTING_ID));
    assert!(site.tags(TESTING_ID).contains(&"is_testing=1".to_owned()));
    let host = site.balancer().dns_name().unwrap().to_owned();
    let wanted = format!("mhcweb-test-ci.example.com. CNAME 5 {host}");
    assert_eq!(site.records(), [wanted]);
    site.converge();
    assert_eq!(site.balancers().len(), 2);
    // Without `elb` the normal one goes, even while testing.
    let text = std::fs::read_to_string(site.config.path().join("disco_aws.ini")).unwrap();
    site.config
        .write("disco_aws.ini", &text.replace("elb = yes", "elb = no"));
    site.run("update --hostclass mhcweb --testing")
        .expect_status(0);
    assert_eq!(site.balancer().load_balancer_name(), Some(TESTING_ID));
}

#[test]
fn balancers_of_old_are_kept() {
    let site = Site::new("");
    site.foreign("ci-mhcweb", &site.subnets("intranet"), &[]);
    let plan = site.converge();
    assert!(!plan.contains("+ load balancer"), "{plan}");
    assert_eq!(site.balancer().load_balancer_name(), Some("ci-mhcweb"));
    assert_eq!(site.tags("ci-mhcweb").len(), 4);
    assert_eq!(site.records().len(), 1);
    site.run("delete --hostclass mhcweb").expect_status(0);
    assert!(site.balancers().is_empty() && site.records().is_empty());
}

#[test]
fn nothing_is_made_if_something_is_missing() {
    let site = Site::new("elb_protocol = https\nelb_instance_protocol = http");
    let refused = |words: &str, text: &str| {
        let (output, calls) = site.watched(words);
        let output = output.expect_status(1);
        assert!(output.stderr.contains(text), "{words}: {}", output.stderr);
        assert_eq!((output.stdout.as_str(), calls.len()), ("", 0), "{words}");
    };
    refused("update --hostclass mhcweb", "mhcweb-ci.example.com");
    site.configure(
        "elb_protocol = https\nelb_instance_protocol = http\nelb_cert_name = shop.example.com",
    );
    refused("update --hostclass mhcweb --dry-run", "shop.example.com");
    site.configure("domain_name = elsewhere.org");
    refused(
        "update --hostclass mhcweb",
        "hosted zone elsewhere.org not found",
    );
    site.configure("domain_name =");
    refused(
        "create --hostclass mhcweb",
        "[mhcweb] domain_name: hostclass `mhcweb` has no option `domain_name`",
    );
    site.configure("elb_port = many");
    refused("update --hostclass mhcweb", "`many` is not a port");
    site.configure("");
    for words in [
        "list",
        "update --hostclass mhcweb",
        "delete --hostclass mhcweb",
    ] {
        let words = format!("--env moon {words}");
        refused(&words, "error: Environment does not exist: moon\nhint: ");
    }
    assert!(site.balancers().is_empty());
}

#[test]
fn deleting_takes_the_records_of_all_zones_along() {
    let site = Site::new("");
    site.converge();
    let host = site.balancer().dns_name().unwrap().to_owned();
    let inner = zone(&site.cloud, "internal.org", false);
    record(
        &site.cloud,
        &inner,
        "shop.internal.org",
        "CNAME",
        300,
        &[&host],
    );
    record(
        &site.cloud,
        &inner,
        "other.internal.org",
        "CNAME",
        300,
        &["elsewhere.org"],
    );
    let (dry, calls) = site.watched("delete --hostclass mhcweb --dry-run");
    assert_eq!(calls, [""; 0]);
    assert_eq!(
        dry.expect_status(0).stdout,
        format!(
            "- record mhcweb-ci.example.com CNAME\n- record shop.internal.org CNAME\n- load balancer mhcweb {ID} (classic)\n"
        )
    );
    let (deleted, calls) = site.watched("delete --hostclass mhcweb");
    assert_eq!(deleted.expect_status(0).stdout, "");
    assert_eq!(calls.last().map(String::as_str), Some("DeleteLoadBalancer"));
    assert!(site.balancers().is_empty() && site.records().is_empty());
    let left = crate::support::zone::records(&site.cloud, &inner);
    assert_eq!(left, ["other.internal.org. CNAME 300 elsewhere.org"]);
    let (again, calls) = site.watched("delete --hostclass mhcweb");
    let again = again.expect_status(0);
    assert_eq!((again.stdout.as_str(), calls.len()), ("", 0));
    assert!(
        again
            .stderr
            .contains("hostclass mhcweb has no load balancer"),
        "{}",
        again.stderr
    );
}
