//! S3 endpoint and DHCP options against a local cloud.

use super::gateways::{delete_endpoint, endpoints, gateway_endpoints, settled, tables};
use super::{FIXED, create, fixed, run};
use crate::support::cloud::Cloud;
use crate::support::environment::{changing_calls, describe, in_vpc, vpc_ids};
use crate::support::proxy::{Behaviour, Proxy};
use aws_sdk_ec2::types::{Filter, Tag, VpcEndpointType};

const DRY: &str = "update --name ci --dry-run";
const UPDATE: &str = "update --name ci";
const S3: &str = "com.amazonaws.us-west-2.s3";

const FULL: &str =
    r#"{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*","Principal":"*"}]}"#;

#[test]
fn the_s3_endpoint_is_made_and_repaired() {
    let (cloud, config) = (Cloud::start(), fixed());
    create(&cloud, &config);
    let (ec2, own) = (cloud.client(), vpc_ids(&cloud, "ci")[0].clone());
    let ids = || {
        let mut ids: Vec<String> = tables(&cloud, &own)
            .into_iter()
            .map(|t| t.route_table_id.unwrap())
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(ids().len(), 7, "the main table and one for each subnet");
    let only = || {
        let mut all = gateway_endpoints(&cloud, &own);
        assert_eq!(all.len(), 1, "{all:?}");
        all.pop().unwrap()
    };
    let right = |what: &str| {
        let endpoint = only();
        let mut tables = endpoint.route_table_ids().to_vec();
        tables.sort();
        assert_eq!(tables, ids(), "{what}");
        assert_eq!(endpoint.service_name(), Some(S3));
        let policy: serde_json::Value =
            serde_json::from_str(endpoint.policy_document().unwrap()).unwrap();
        assert_eq!(
            policy,
            serde_json::from_str::<serde_json::Value>(FULL).unwrap(),
            "{what}"
        );
        let tag = |key: &str| {
            endpoint
                .tags()
                .iter()
                .find(|t| t.key() == Some(key))
                .and_then(Tag::value)
        };
        assert_eq!((tag("Name"), tag("environment")), (Some("ci"), Some("ci")));
        endpoint.vpc_endpoint_id.unwrap()
    };
    let first = right("created");
    // An interface endpoint of the same service is none of ours.
    let subnets = cloud
        .wait(ec2.describe_subnets().filters(in_vpc(&own)).send())
        .unwrap();
    let call = ec2.create_vpc_endpoint().vpc_id(&own).service_name(S3);
    let call = call.vpc_endpoint_type(VpcEndpointType::Interface);
    let call = call.subnet_ids(subnets.subnets()[0].subnet_id().unwrap());
    cloud.wait(call.send()).unwrap();
    settled(&cloud, &config, "interface endpoint");

    // The lines of the plan; the calls.
    let repair = |what: &str, calls: &[&str]| {
        let proxy = Proxy::start(cloud.url(), Behaviour::new());
        let planned = run(proxy.url(), &config, DRY).expect_status(0);
        assert_eq!(changing_calls(&proxy), [""; 0], "{what}");
        run(proxy.url(), &config, UPDATE).expect_status(0);
        assert_eq!(changing_calls(&proxy), calls, "{what}");
        settled(&cloud, &config, what);
        planned.stdout
    };
    let modify = || ec2.modify_vpc_endpoint().vpc_endpoint_id(&first);
    let policy = r#"{"Statement":[]}"#;
    cloud.wait(modify().policy_document(policy).send()).unwrap();
    let shown = repair("policy", &["ModifyVpcEndpoint"]);
    assert_eq!(
        shown,
        format!("~ S3 endpoint {S3}: policy {policy} -> {FULL}\n")
    );
    assert_eq!(right("policy"), first);

    let main = tables(&cloud, &own)
        .into_iter()
        .find(|t| t.associations().iter().any(|a| a.main() == Some(true)));
    let main = main.unwrap().route_table_id.unwrap();
    cloud
        .wait(modify().remove_route_table_ids(&main).send())
        .unwrap();
    let shown = repair("main table", &["ModifyVpcEndpoint"]);
    assert_eq!(
        shown,
        format!("~ S3 endpoint {S3}: route table {main} (main) added\n")
    );
    assert_eq!(right("main table"), first);

    // AWS lets two endpoints exist if they share no table.
    cloud
        .wait(modify().remove_route_table_ids(&main).send())
        .unwrap();
    let call = ec2
        .create_vpc_endpoint()
        .vpc_id(&own)
        .service_name(S3)
        .route_table_ids(&main);
    let call = call.vpc_endpoint_type(VpcEndpointType::Gateway);
    let call = call.tag_specifications(
        aws_sdk_ec2::types::TagSpecification::builder()
            .resource_type("vpc-endpoint".into())
            .tags(Tag::builder().key("Name").value("ci").build())
            .tags(Tag::builder().key("environment").value("ci").build())
            .build(),
    );
    cloud.wait(call.policy_document(FULL).send()).unwrap();
    let shown = repair("two", &["DeleteVpcEndpoints", "ModifyVpcEndpoint"]);
    assert!(shown.starts_with("- S3 endpoint vpce-"), "{shown}");
    right("two");

    delete_endpoint(&cloud, &own);
    let shown = repair("none", &["CreateVpcEndpoint"]);
    assert_eq!(shown, format!("+ S3 endpoint {S3} for all route tables\n"));
    assert_ne!(right("none"), first);
    assert_eq!(
        endpoints(&cloud, &own).len(),
        2,
        "the interface endpoint is still there"
    );
}

#[test]
fn time_servers_by_offset_and_by_name() {
    let (cloud, config) = (Cloud::start(), fixed());
    let with = |text: &str| {
        config.write("disco_vpc.ini", &format!("{FIXED}{text}\n"));
    };
    let shown = || {
        let lines = describe(&cloud, "ci", false);
        let of_dhcp = |line: &&String| line.starts_with("dhcp domain-name");
        let line = lines.iter().find(of_dhcp).expect("DHCP options");
        let servers = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix("ntp-servers="));
        servers.map(str::to_owned)
    };
    with("ntp_server_metanetwork = dmz\nntp_server_offset = +300");
    create(&cloud, &config);
    assert_eq!(shown().as_deref(), Some("10.0.5.44"));
    settled(&cloud, &config, "offset");
    with("ntp_server_metanetwork = dmz\nntp_server_offset = -1");
    run(cloud.url(), &config, UPDATE).expect_status(0);
    assert_eq!(shown().as_deref(), Some("10.0.6.254"));

    with("ntp_server = localhost 192.0.2.7");
    run(cloud.url(), &config, UPDATE).expect_status(0);
    assert_eq!(shown().as_deref(), Some("127.0.0.1,192.0.2.7"));
    with("ntp_server = 192.0.2.7, 127.0.0.1");
    settled(&cloud, &config, "the order does not matter");

    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    for (text, problem) in [
        (
            "ntp_server_metanetwork = dmz\nntp_server_offset = +5000",
            "range",
        ),
        (
            "ntp_server = nothing.invalid",
            "cannot resolve `nothing.invalid`",
        ),
        (
            "ntp_server = 192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5",
            "ntp_server",
        ),
    ] {
        with(text);
        let output = run(proxy.url(), &config, UPDATE).expect_status(1);
        assert!(output.stderr.contains(problem), "{}", output.stderr);
    }
    assert_eq!(changing_calls(&proxy), [""; 0]);
    with("");
    run(cloud.url(), &config, UPDATE).expect_status(0);
    assert_eq!(shown(), None);
    let name = Filter::builder().name("tag:Name").values("ci").build();
    let sets = cloud.wait(cloud.client().describe_dhcp_options().filters(name).send());
    assert_eq!(
        sets.unwrap().dhcp_options().len(),
        1,
        "old sets are deleted"
    );
}
