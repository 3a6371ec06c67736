//! The VPN gateway against a local cloud.

use super::{create, fixed, logged, run};
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::{changing_calls, describe, in_vpc, vpc_ids};
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{asiaq, run_until_killed};
use aws_sdk_ec2::types::{RouteTable, Tag, VpcEndpoint, VpcEndpointType};

const DRY: &str = "update --name ci --dry-run";
const UPDATE: &str = "update --name ci";

/// The fixed environment type with a route to the VPN.
fn with_vpn() -> TestConfig {
    let config = fixed();
    let routes = "dmz_igw_routes = 0.0.0.0/0\ndmz_vgw_routes = 172.16.0.0/12\n";
    config.edit("disco_vpc.ini", "dmz_igw_routes = 0.0.0.0/0\n", routes);
    config
}

fn named(cloud: &Cloud, id: &str, name: &str) {
    let tag = Tag::builder().key("Name").value(name).build();
    let call = cloud.client().create_tags().resources(id).tags(tag);
    cloud.wait(call.send()).unwrap();
}

/// A VPN gateway of that name.
fn vpn_gateway(cloud: &Cloud, name: &str) -> String {
    let call = cloud.client().create_vpn_gateway().r#type("ipsec.1".into());
    let made = cloud.wait(call.send()).unwrap();
    let id = made.vpn_gateway.unwrap().vpn_gateway_id.unwrap();
    named(cloud, &id, name);
    id
}

/// A VPC of that name.
fn vpc(cloud: &Cloud, name: &str, cidr: &str) -> String {
    let call = cloud.client().create_vpc().cidr_block(cidr);
    let id = cloud
        .wait(call.send())
        .unwrap()
        .vpc
        .unwrap()
        .vpc_id
        .unwrap();
    named(cloud, &id, name);
    id
}

fn attach(cloud: &Cloud, gateway: &str, vpc: &str) {
    let call = cloud.client().attach_vpn_gateway();
    let call = call.vpn_gateway_id(gateway).vpc_id(vpc);
    cloud.wait(call.send()).unwrap();
}

/// The VPCs that a gateway is attached to.
fn attachments(cloud: &Cloud, gateway: &str) -> Vec<String> {
    let call = cloud
        .client()
        .describe_vpn_gateways()
        .vpn_gateway_ids(gateway);
    let answer = cloud.wait(call.send()).unwrap();
    let all = answer.vpn_gateways()[0].vpc_attachments().iter();
    let attached = all.filter(|a| a.state().is_some_and(|s| s.as_str() == "attached"));
    attached.map(|a| a.vpc_id().unwrap().to_owned()).collect()
}

pub(super) fn tables(cloud: &Cloud, vpc: &str) -> Vec<RouteTable> {
    let call = cloud.client().describe_route_tables().filters(in_vpc(vpc));
    cloud.wait(call.send()).unwrap().route_tables.unwrap()
}

/// How many tables have a route to a gateway, and where all of them lead.
fn routes_to(cloud: &Cloud, vpc: &str, gateway: &str) -> Vec<String> {
    let tables = tables(cloud, vpc);
    let routes = tables.iter().flat_map(|table| table.routes());
    let own = routes.filter(|route| route.gateway_id() == Some(gateway));
    own.map(|route| route.destination_cidr_block().unwrap().to_owned())
        .collect()
}

pub(super) fn settled(cloud: &Cloud, config: &TestConfig, at: &str) {
    let rest = run(cloud.url(), config, DRY).expect_status(0);
    assert_eq!(rest.stdout, "no changes\n", "{at}");
}

#[test]
fn a_vpn_gateway_that_is_attached_elsewhere_moves() {
    let (cloud, config) = (Cloud::start(), with_vpn());
    let (gateway, other) = (
        vpn_gateway(&cloud, "ci"),
        vpc(&cloud, "prod", "10.9.0.0/24"),
    );
    vpn_gateway(&cloud, "ci2");
    attach(&cloud, &gateway, &other);

    let planned = run(cloud.url(), &config, "create --name ci --type ci --dry-run");
    let planned = planned.expect_status(0);
    let detach = format!("- attachment of VPN gateway {gateway} to vpc prod {other}");
    let attached = format!("+ attachment of VPN gateway {gateway} to vpc ci");
    let route = |zone: &str| format!("+ route dmz us-west-2{zone} 172.16.0.0/12 -> {gateway}");
    for line in [
        detach.clone(),
        attached.clone(),
        route("a"),
        route("b"),
        route("c"),
    ] {
        assert!(
            planned.stdout.lines().any(|l| l == line),
            "{line} in\n{}",
            planned.stdout
        );
    }
    assert_eq!(attachments(&cloud, &gateway), [other.as_str()], "a dry run");

    create(&cloud, &config);
    let own = vpc_ids(&cloud, "ci")[0].clone();
    assert_eq!(attachments(&cloud, &gateway), [own.as_str()]);
    assert_eq!(routes_to(&cloud, &own, &gateway), ["172.16.0.0/12"; 3]);
    settled(&cloud, &config, "created");

    // Somebody moves it; then it disappears.
    attach(&cloud, &gateway, &other);
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let output = run(proxy.url(), &config, UPDATE).expect_status(0);
    let mut wanted = [attached, detach];
    wanted.sort();
    assert_eq!(logged(&output), wanted);
    assert_eq!(
        changing_calls(&proxy),
        ["DetachVpnGateway", "AttachVpnGateway"]
    );
    assert_eq!(attachments(&cloud, &gateway), [own.as_str()]);
    settled(&cloud, &config, "moved back");
    let call = cloud.client().delete_vpn_gateway().vpn_gateway_id(&gateway);
    cloud.wait(call.send()).unwrap();
    let output = run(cloud.url(), &config, UPDATE).expect_status(0);
    let gone = |zone: &str| format!("- route dmz us-west-2{zone} 172.16.0.0/12 -> {gateway}");
    assert_eq!(logged(&output), ["a", "b", "c"].map(gone));
    assert_eq!(routes_to(&cloud, &own, &gateway), [""; 0]);
}

#[test]
fn no_vpn_gateway_and_several() {
    let (cloud, config) = (Cloud::start(), with_vpn());
    vpn_gateway(&cloud, "other");
    let output = run(cloud.url(), &config, "create --name ci --type ci").expect_status(0);
    assert!(
        output.stderr.contains(" INFO No VGW to attach.\n"),
        "{}",
        output.stderr
    );
    let ignored =
        " WARN dmz_vgw_routes is ignored: there is no VPN gateway with the tag `Name` = ci\n";
    assert!(output.stderr.contains(ignored), "{}", output.stderr);
    settled(&cloud, &config, "without");

    let mut gateways = [vpn_gateway(&cloud, "ci"), vpn_gateway(&cloud, "ci")];
    gateways.sort();
    let [first, second] = &gateways;
    let output = run(cloud.url(), &config, UPDATE).expect_status(0);
    let several = format!(
        " WARN several VPN gateways have the tag `Name` = ci: {first} is used, {second} not\n"
    );
    assert!(output.stderr.contains(&several), "{}", output.stderr);
    let own = vpc_ids(&cloud, "ci")[0].clone();
    assert_eq!(attachments(&cloud, first), [own]);
    assert_eq!(attachments(&cloud, second), [""; 0]);
    settled(&cloud, &config, "several");
}

/// One gateway, as AWS describes it while it changes.
fn vpn_answer(gateway: &str, vpc: &str, state: &str) -> String {
    let attachments = format!("<item><vpcId>{vpc}</vpcId><state>{state}</state></item>");
    let attachments = if state.is_empty() { "" } else { &attachments };
    format!(
        "<DescribeVpnGatewaysResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
         <vpnGatewaySet><item><vpnGatewayId>{gateway}</vpnGatewayId><state>available</state><type>ipsec.1</type>\
         <attachments>{attachments}</attachments></item></vpnGatewaySet></DescribeVpnGatewaysResponse>"
    )
}

fn refusal(code: &str) -> String {
    format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors><RequestID>r-1</RequestID></Response>"
    )
}

#[test]
fn attaching_and_detaching_take_their_time() {
    let (cloud, config) = (Cloud::start(), with_vpn());
    let (gateway, other) = (
        vpn_gateway(&cloud, "ci"),
        vpc(&cloud, "prod", "10.9.0.0/24"),
    );
    create(&cloud, &config);
    let own = vpc_ids(&cloud, "ci")[0].clone();
    let describe = "DescribeVpnGateways";
    let says = |behaviour: Behaviour, vpc: &str, state: &str| {
        behaviour.answer_first(describe, 200, &vpn_answer(&gateway, vpc, state))
    };

    // After the detachment AWS denies the gateway for a while; then it is `attaching`.
    attach(&cloud, &gateway, &other);
    let mut behaviour = Behaviour::new();
    for (vpc, state) in [
        (&other, "attached"),
        (&other, "attached"),
        (&other, "detaching"),
        (&other, "detached"),
        (&own, ""),
        (&own, "attaching"),
        (&own, "attaching"),
    ] {
        behaviour = says(behaviour, vpc, state);
    }
    let denied = refusal("InvalidVpnGatewayID.NotFound");
    let behaviour = behaviour
        .answer_first("AttachVpnGateway", 400, &denied)
        .answer_first("AttachVpnGateway", 400, &denied);
    let proxy = Proxy::start(cloud.url(), behaviour);
    run(proxy.url(), &config, UPDATE).expect_status(0);
    let counts = [describe, "DetachVpnGateway", "AttachVpnGateway"].map(|o| proxy.count(o));
    assert_eq!(counts, [8, 1, 3]);
    assert_eq!(attachments(&cloud, &gateway), [own.as_str()]);

    // A run that died left it `attaching`: it is waited for, not attached again.
    let mut behaviour = Behaviour::new();
    for state in ["attaching", "attaching", "attaching"] {
        behaviour = says(behaviour, &own, state);
    }
    let proxy = Proxy::start(cloud.url(), behaviour);
    let output = run(proxy.url(), &config, UPDATE).expect_status(0);
    assert_eq!(
        logged(&output),
        [format!("+ attachment of VPN gateway {gateway} to vpc ci")]
    );
    assert_eq!(changing_calls(&proxy), [""; 0]);
    assert_eq!(proxy.count(describe), 4);

    // Somebody detaches it just now: it is waited for and attached again.
    let mut behaviour = Behaviour::new();
    for state in ["detaching", "detaching", "detaching", "detached"] {
        behaviour = says(behaviour, &own, state);
    }
    let proxy = Proxy::start(cloud.url(), behaviour);
    run(proxy.url(), &config, UPDATE).expect_status(0);
    assert_eq!(changing_calls(&proxy), ["AttachVpnGateway"]);

    // A refusal is an error, and the routes wait.
    attach(&cloud, &gateway, &other);
    for table in tables(&cloud, &own) {
        if table
            .routes()
            .iter()
            .any(|r| r.gateway_id() == Some(&gateway))
        {
            let call = cloud
                .client()
                .delete_route()
                .destination_cidr_block("172.16.0.0/12");
            let call = call.route_table_id(table.route_table_id().unwrap());
            cloud.wait(call.send()).unwrap();
        }
    }
    let refused = refusal("VpnGatewayAttachmentLimitExceeded");
    let proxy = Proxy::start(
        cloud.url(),
        Behaviour::new().answer("AttachVpnGateway", 400, &refused),
    );
    let output = run(proxy.url(), &config, UPDATE).expect_status(1);
    let text = format!("ec2:AttachVpnGateway of {gateway}: VpnGatewayAttachmentLimitExceeded");
    assert!(output.stderr.contains(&text), "{}", output.stderr);
    assert!(
        output
            .stderr
            .contains("not started: + route dmz us-west-2a"),
        "{}",
        output.stderr
    );
    run(cloud.url(), &config, UPDATE).expect_status(0);
    settled(&cloud, &config, "after a refusal");
}

pub(super) fn endpoints(cloud: &Cloud, vpc: &str) -> Vec<VpcEndpoint> {
    let call = cloud.client().describe_vpc_endpoints().filters(in_vpc(vpc));
    let all = cloud.wait(call.send()).unwrap().vpc_endpoints.unwrap();
    let live = |e: &VpcEndpoint| e.state().is_some_and(|s| s.as_str() == "available");
    all.into_iter().filter(live).collect()
}

pub(super) fn gateway_endpoints(cloud: &Cloud, vpc: &str) -> Vec<VpcEndpoint> {
    let gateway = |e: &VpcEndpoint| e.vpc_endpoint_type() == Some(&VpcEndpointType::Gateway);
    endpoints(cloud, vpc).into_iter().filter(gateway).collect()
}

/// Deletes the S3 endpoint.
pub(super) fn delete_endpoint(cloud: &Cloud, vpc: &str) {
    for endpoint in gateway_endpoints(cloud, vpc) {
        let call = cloud.client().delete_vpc_endpoints();
        let call = call.vpc_endpoint_ids(endpoint.vpc_endpoint_id().unwrap());
        cloud.wait(call.send()).unwrap();
    }
}

/// Kills an update at every call: it moves the VPN gateway, makes its route and a new S3 endpoint.
#[test]
fn an_update_killed_at_every_call_converges() {
    const ONE_ZONE: &str = "\
        <DescribeAvailabilityZonesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
        <availabilityZoneInfo><item><zoneName>us-west-2a</zoneName><zoneState>available</zoneState></item>\
        </availabilityZoneInfo></DescribeAvailabilityZonesResponse>";
    let (cloud, config) = (Cloud::start(), with_vpn());
    let behaviour = || Behaviour::new().answer("DescribeAvailabilityZones", 200, ONE_ZONE);
    let plain = Proxy::start(cloud.url(), behaviour());
    let (gateway, other) = (
        vpn_gateway(&cloud, "ci"),
        vpc(&cloud, "prod", "10.9.0.0/24"),
    );
    let words = "create --name ci --type ci --skip-enis";
    run(plain.url(), &config, words).expect_status(0);
    let own = vpc_ids(&cloud, "ci")[0].clone();
    let wanted = describe(&cloud, "ci", false);
    let table = tables(&cloud, &own)
        .into_iter()
        .find(|t| t.routes().iter().any(|r| r.gateway_id() == Some(&gateway)));
    let table = table.unwrap().route_table_id.unwrap();
    for index in 1..60 {
        attach(&cloud, &gateway, &other);
        let call = cloud.client().delete_route().route_table_id(&table);
        cloud
            .wait(call.destination_cidr_block("172.16.0.0/12").send())
            .unwrap();
        delete_endpoint(&cloud, &own);
        let proxy = Proxy::start(cloud.url(), behaviour().kill_at(index));
        let tool = asiaq("disco_vpc_ui")
            .config(config.path())
            .args(UPDATE.split(' '));
        let killed = run_until_killed(&proxy, tool).is_some();
        let at = format!("killed at call {index}");
        if killed {
            run(plain.url(), &config, UPDATE).expect_status(0);
        }
        let rest = run(plain.url(), &config, DRY).expect_status(0);
        assert_eq!(rest.stdout, "no changes\n", "{at}");
        assert_eq!(describe(&cloud, "ci", false), wanted, "{at}");
        assert_eq!(attachments(&cloud, &gateway), [own.as_str()], "{at}");
        assert_eq!(gateway_endpoints(&cloud, &own).len(), 1, "{at}");
        if !killed {
            let calls = [
                "DetachVpnGateway",
                "AttachVpnGateway",
                "CreateRoute",
                "CreateVpcEndpoint",
            ];
            for call in calls {
                assert_eq!(proxy.count(call), 1, "{call}");
            }
            return;
        }
    }
    panic!("the update makes more than 60 calls");
}
