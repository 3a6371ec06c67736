//! NAT gateways that AWS fails or refuses, and updates that are killed.

use super::*;
use crate::support::{asiaq, run_until_killed};

fn gateway_xml(subnet: &str, state: &str, more: &str) -> String {
    format!(
        "<natGatewayId>nat-0123456789abcdef0</natGatewayId><subnetId>{subnet}</subnetId><state>{state}</state>{more}"
    )
}

fn xml(operation: &str, body: &str) -> String {
    format!(
        "<{operation}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>{body}</{operation}Response>"
    )
}

const WHY: &str = "<failureCode>Gateway.NotAttached</failureCode><failureMessage>Network has no Internet gateway attached</failureMessage>";

#[test]
fn a_gateway_that_fails_is_reported_and_its_address_given_back() {
    let (cloud, config) = (Cloud::start(), configured(""));
    let plain = Proxy::start(cloud.url(), one_zone());
    run(plain.url(), &config, "create --name ci --type ci").expect_status(0);
    configure(
        &config,
        "tunnel_nat_gateways = auto\nnat_gateway_routes = intranet/tunnel",
    );
    let made = gateway_xml("subnet-0fedcba9876543210", "pending", "");
    let failed = gateway_xml("subnet-0fedcba9876543210", "failed", WHY);
    let behaviour = one_zone()
        .answer(
            "CreateNatGateway",
            200,
            &xml(
                "CreateNatGateway",
                &format!("<natGateway>{made}</natGateway>"),
            ),
        )
        .answer(
            "DescribeNatGateways",
            200,
            &xml(
                "DescribeNatGateways",
                &format!("<natGatewaySet><item>{failed}</item></natGatewaySet>"),
            ),
        )
        .answer(
            "DeleteNatGateway",
            200,
            &xml(
                "DeleteNatGateway",
                "<natGatewayId>nat-0123456789abcdef0</natGatewayId>",
            ),
        );
    let proxy = Proxy::start(cloud.url(), behaviour);
    let output = run(proxy.url(), &config, UPDATE).expect_status(1);
    let wanted = "NAT gateway nat-0123456789abcdef0 in tunnel us-west-2a failed: Network has no Internet gateway attached";
    assert!(output.stderr.contains(wanted), "{}", output.stderr);
    assert!(
        output
            .stderr
            .contains("not started: + route intranet us-west-2a"),
        "{}",
        output.stderr
    );
    let order = [
        "AllocateAddress",
        "CreateNatGateway",
        "DeleteNatGateway",
        "ReleaseAddress",
    ];
    assert_eq!(changing_calls(&proxy), order);
    assert_eq!((state(&cloud).len(), count_addresses(&cloud)), (0, 0));
}

#[test]
fn a_gateway_found_failed_is_replaced() {
    let (cloud, config) = (Cloud::start(), configured("tunnel_nat_gateways = auto"));
    let plain = Proxy::start(cloud.url(), one_zone());
    run(plain.url(), &config, "create --name ci --type ci").expect_status(0);
    let subnets = cloud
        .wait(cloud.client().describe_subnets().send())
        .unwrap();
    let own = subnets
        .subnets()
        .iter()
        .find(|s| name(s.tags()) == "ci_tunnel_us-west-2a");
    let own = own.unwrap();
    let more = format!("<vpcId>{}</vpcId>{WHY}", own.vpc_id().unwrap());
    let failed = gateway_xml(own.subnet_id().unwrap(), "failed", &more);
    let behaviour = one_zone().answer(
        "DescribeNatGateways",
        200,
        &xml(
            "DescribeNatGateways",
            &format!("<natGatewaySet><item>{failed}</item></natGatewaySet>"),
        ),
    );
    let proxy = Proxy::start(cloud.url(), behaviour);
    let planned = run(proxy.url(), &config, DRY).expect_status(0);
    let shown: Vec<&str> = planned.stdout.lines().take(2).collect();
    assert_eq!(
        shown,
        [
            "- NAT gateway tunnel us-west-2a nat-0123456789abcdef0 - (failed)",
            "+ NAT gateway tunnel us-west-2a auto"
        ]
    );
}

#[test]
fn a_refused_gateway_gives_its_address_back_with_advice() {
    let (cloud, config) = (Cloud::start(), configured(""));
    let plain = Proxy::start(cloud.url(), one_zone());
    run(plain.url(), &config, "create --name ci --type ci").expect_status(0);
    configure(&config, "tunnel_nat_gateways = auto");
    let body = "<Response><Errors><Error><Code>NatGatewayLimitExceeded</Code><Message>no more</Message></Error></Errors>\
                <RequestID>r-1</RequestID></Response>";
    let proxy = Proxy::start(
        cloud.url(),
        one_zone().answer("CreateNatGateway", 400, body),
    );
    let output = run(proxy.url(), &config, UPDATE).expect_status(1);
    assert!(
        output
            .stderr
            .contains("hint: the account's limit of NAT gateways"),
        "{}",
        output.stderr
    );
    assert_eq!(count_addresses(&cloud), 0);
    run(plain.url(), &config, UPDATE).expect_status(0);
    assert_eq!(count_addresses(&cloud), 1);
}

/// Kills an update at every call from the first changing one on; each time the next update completes it.
pub fn killed_everywhere(
    prepare: impl Fn(&Cloud, &TestConfig, &Proxy),
    check: impl Fn(&Cloud, &str),
) {
    let (cloud, config) = (Cloud::start(), configured(""));
    let plain = Proxy::start(cloud.url(), one_zone());
    prepare(&cloud, &config, &plain);
    let whole = Proxy::start(cloud.url(), one_zone());
    run(whole.url(), &config, UPDATE).expect_status(0);
    check(&cloud, "undisturbed");
    let reads = |name: &str| name.starts_with("Describe");
    let calls = whole.calls();
    let first = calls.iter().position(|c| !reads(&c.operation)).unwrap() + 1;
    assert!(
        calls.len() > first + 10,
        "{} calls, first change {first}",
        calls.len()
    );
    for index in first..200 {
        cloud.reset();
        prepare(&cloud, &config, &plain);
        let proxy = Proxy::start(cloud.url(), one_zone().kill_at(index));
        let tool = asiaq("disco_vpc_ui")
            .config(config.path())
            .args(UPDATE.split_whitespace());
        if run_until_killed(&proxy, tool).is_none() {
            assert!(index > first + 10);
            return;
        }
        let at = format!(
            "killed at call {index}: {}",
            proxy.calls()[index - 1].operation
        );
        run(plain.url(), &config, UPDATE).expect_status(0);
        check(&cloud, &at);
        let rest = run(plain.url(), &config, DRY).expect_status(0);
        assert_eq!(rest.stdout, "no changes\n", "{at}");
    }
    panic!("no end");
}

#[test]
fn update_of_gateways_killed_at_every_call_loses_no_address() {
    let both = |tunnel: &str, dmz: &str| {
        format!(
            "tunnel_nat_gateways = {tunnel}\ndmz_nat_gateways = {dmz}\nnat_gateway_routes = intranet/tunnel"
        )
    };
    killed_everywhere(
        |cloud, config, plain| {
            let ip = allocate(cloud, 1).remove(0);
            configure(config, &both("auto", &ip));
            run(plain.url(), config, "create --name ci --type ci").expect_status(0);
            configure(config, &both(&ip, "auto"));
        },
        |cloud, at| {
            let found = state(cloud);
            let starts = |start: &str| found.iter().filter(|l| l.starts_with(start)).count();
            assert_eq!(
                starts("gateway ci_dmz_us-west-2a auto"),
                1,
                "{at}: {found:#?}"
            );
            assert_eq!(
                starts("gateway ci_tunnel_us-west-2a "),
                1,
                "{at}: {found:#?}"
            );
            assert_eq!(
                (
                    starts("gateway"),
                    starts("automatic"),
                    starts("mark ci_dmz"),
                    starts("mark")
                ),
                (2, 1, 1, 1),
                "{at}: {found:#?}"
            );
            assert_eq!(
                starts("ci_intranet_us-west-2a 0.0.0.0/0 -> ci_tunnel_us-west-2a"),
                1,
                "{at}: {found:#?}"
            );
            assert_eq!(count_addresses(cloud), 2, "{at}");
        },
    );
}
