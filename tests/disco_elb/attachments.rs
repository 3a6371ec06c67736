//! The group of the hostclass.

use super::{ID, Site, TESTING_ID};

const GROUP: &str = "ci_mhcweb_1790000000";

fn off(site: &Site) {
    let text = std::fs::read_to_string(site.config.path().join("disco_aws.ini")).unwrap();
    site.config
        .write("disco_aws.ini", &text.replace("elb = yes", "elb = no"));
}

#[test]
fn the_group_is_attached_to_exactly_this_balancer() {
    let site = Site::new("");
    site.foreign("other", &site.subnets("intranet"), &[]);
    site.group(GROUP, &["other"], false);
    let (made, calls) = site.watched("update --hostclass mhcweb");
    made.expect_status(0);
    assert_eq!(site.attached(GROUP), [ID]);
    let at = |name: &str| calls.iter().position(|call| call == name).unwrap();
    assert!(at("CreateLoadBalancer") < at("AttachLoadBalancers"));
    assert!(at("AttachLoadBalancers") < at("DetachLoadBalancers"));
    let (again, calls) = site.watched("update --hostclass mhcweb");
    let again = again.expect_status(0);
    assert_eq!(calls, [""; 0]);
    assert!(!again.stderr.contains("has no group"), "{}", again.stderr);
}

#[test]
fn without_elb_the_group_is_detached_before_the_balancer_goes() {
    let site = Site::new("");
    site.group(GROUP, &[], false);
    site.converge();
    assert_eq!(site.attached(GROUP), [ID]);
    off(&site);
    let (gone, calls) = site.watched("update --hostclass mhcweb");
    gone.expect_status(0);
    assert_eq!(calls.len(), 3, "{calls:?}");
    assert_eq!(calls[0], "DetachLoadBalancers");
    assert!(
        calls[1].starts_with("POST ") && calls[1].contains("rrset"),
        "{calls:?}"
    );
    assert_eq!(calls[2], "DeleteLoadBalancer");
    assert_eq!(site.attached(GROUP), [""; 0]);
    assert!(site.balancers().is_empty() && site.records().is_empty());
    // The list is complete also if it is empty.
    site.foreign("other", &site.subnets("intranet"), &[]);
    let call = site.cloud.autoscaling().attach_load_balancers();
    let call = call
        .auto_scaling_group_name(GROUP)
        .load_balancer_names("other");
    site.cloud.wait(call.send()).unwrap();
    site.run("update --hostclass mhcweb").expect_status(0);
    assert_eq!(site.attached(GROUP), [""; 0]);
}

#[test]
fn deleting_detaches_only_what_goes() {
    let site = Site::new("");
    site.group(GROUP, &[], false);
    site.converge();
    site.foreign("other", &site.subnets("intranet"), &[]);
    let call = site.cloud.autoscaling().attach_load_balancers();
    let call = call
        .auto_scaling_group_name(GROUP)
        .load_balancer_names("other");
    site.cloud.wait(call.send()).unwrap();
    let (deleted, calls) = site.watched("delete --hostclass mhcweb");
    deleted.expect_status(0);
    assert_eq!(calls[0], "DetachLoadBalancers");
    assert_eq!(calls.last().map(String::as_str), Some("DeleteLoadBalancer"));
    assert_eq!(site.attached(GROUP), ["other"]);
}

#[test]
fn during_a_deployment_each_group_has_its_own() {
    let site = Site::new("");
    let new = "ci_mhcweb_1790000001";
    site.group(GROUP, &[], false);
    site.run("update --hostclass mhcweb --testing")
        .expect_status(0);
    assert_eq!(
        site.attached(GROUP),
        [""; 0],
        "there is no group under test"
    );
    site.group(new, &[], true);
    site.run("update --hostclass mhcweb --testing")
        .expect_status(0);
    site.run("update --hostclass mhcweb").expect_status(0);
    assert_eq!(site.attached(GROUP), [ID]);
    assert_eq!(site.attached(new), [TESTING_ID]);
}

#[test]
fn a_balancer_of_another_type_takes_the_place_of_the_classic_one_and_back() {
    let site = Site::new("");
    site.group(GROUP, &[], false);
    site.converge();
    let classic = site.records();

    site.configure("elb_type = application");
    let (switched, calls) = site.watched("update --hostclass mhcweb");
    switched.expect_status(0);
    let at = |name: &str| {
        calls
            .iter()
            .rposition(|call| call == name)
            .unwrap_or_else(|| panic!("{name}: {calls:?}"))
    };
    let record = calls
        .iter()
        .rposition(|call| call.contains("rrset"))
        .unwrap();
    assert!(
        at("AttachLoadBalancerTargetGroups") < at("DetachLoadBalancers"),
        "{calls:?}"
    );
    assert!(
        at("DetachLoadBalancers") < at("DeleteLoadBalancer"),
        "{calls:?}"
    );
    assert!(
        record < at("DeleteLoadBalancer"),
        "the host name leads to the new one before"
    );
    assert!(site.balancers().is_empty());
    assert_eq!(site.attached(GROUP), [""; 0]);
    let [alias] = &site.records()[..] else {
        panic!("{:?}", site.records())
    };
    assert!(
        alias.starts_with("mhcweb-ci.example.com. A - alias "),
        "{alias}"
    );
    let (again, calls) = site.watched("update --hostclass mhcweb");
    again.expect_status(0);
    assert_eq!(calls, [""; 0]);
    let listed = site.run("list --output json").expect_status(0).stdout;
    let rows: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let row = &rows[0];
    assert_eq!(
        (
            row["type"].as_str(),
            row["name"].as_str(),
            row["id"].as_str()
        ),
        (Some("application"), Some("ci-mhcweb"), Some(ID))
    );

    site.configure("");
    site.converge();
    assert_eq!(site.attached(GROUP), [ID]);
    assert_eq!(site.records(), classic);
    let rows: serde_json::Value =
        serde_json::from_str(&site.run("list --output json").expect_status(0).stdout).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
    assert_eq!(rows[0]["type"], "classic");
}
