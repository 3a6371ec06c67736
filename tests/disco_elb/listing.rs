//! The listing.

use super::{ID, Site};
use crate::support::proxy::{Behaviour, Proxy};

#[test]
fn balancers_are_listed_by_zones_and_id() {
    let site = Site::new("");
    let nothing = site.run("list").expect_status(0);
    assert_eq!(nothing.stdout, "");
    let header = format!("{:<50} {:33} ELB Id\n", "ELB Name", "Availability Zones");
    assert_eq!(nothing.stderr, header);
    site.converge();
    let subnets = site.subnets("intranet");
    site.foreign("zzz", &subnets[..1], &[("elb_name", "by hand")]);
    site.foreign("aaa", &subnets, &[]);
    site.foreign(
        "old",
        &subnets,
        &[
            ("hostclass", "mhc_api"),
            ("environment", "ci"),
            ("is_testing", "1"),
        ],
    );
    // Of another VPC.
    let call = site
        .client()
        .create_load_balancer()
        .load_balancer_name("foreign");
    let listener = aws_sdk_elasticloadbalancing::types::Listener::builder();
    let listener = listener
        .protocol("TCP")
        .load_balancer_port(1)
        .instance_port(1);
    let call = call
        .listeners(listener.build().unwrap())
        .availability_zones("us-west-2a");
    site.cloud.wait(call.send()).unwrap();

    let listed = site.run("list").expect_status(0);
    assert_eq!(listed.stderr, header);
    let zones = "us-west-2a,us-west-2b,us-west-2c";
    let row = |name: &str, zones: &str, id: &str| format!("{name:<50} {zones:<33} {id}");
    let mut lines: Vec<&str> = listed.stdout.lines().collect();
    let single = lines.iter().position(|line| line.ends_with("zzz")).unwrap();
    let single = lines.remove(single);
    assert!(
        single.starts_with(&format!("{:<50} us-west-2", "by hand")),
        "{single}"
    );
    assert_eq!(
        lines,
        [
            row("ci-mhcweb", zones, ID),
            row("aaa", zones, "aaa"),
            row("ci-mhcapi-test", zones, "old")
        ]
    );
    let json = site.run("list --output json").expect_status(0);
    assert_eq!(json.stderr, "");
    let rows: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let own = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["id"] == ID)
        .unwrap();
    let wanted = serde_json::json!({
        "name": "ci-mhcweb", "availability_zones": ["us-west-2a", "us-west-2b", "us-west-2c"], "id": ID,
        "type": "classic", "scheme": "internal", "dns_name": format!("{ID}.us-east-1.elb.amazonaws.com"),
    });
    assert_eq!(*own, wanted);
}

#[test]
fn tags_are_asked_for_in_twenties() {
    let site = Site::new("");
    let subnets = site.subnets("intranet");
    for number in 0..45 {
        site.foreign(
            &format!("lb-{number:02}"),
            &subnets,
            &[("elb_name", &format!("name-{number:02}"))],
        );
    }
    let proxy = Proxy::start(site.cloud.url(), Behaviour::new());
    let listed = site
        .tool("list")
        .endpoint(proxy.url())
        .run()
        .expect_status(0);
    let names: Vec<&str> = listed
        .stdout
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    let wanted: Vec<String> = (0..45).map(|number| format!("name-{number:02}")).collect();
    assert_eq!(names, wanted);
    assert_eq!(proxy.count("DescribeTags"), 3);
}
