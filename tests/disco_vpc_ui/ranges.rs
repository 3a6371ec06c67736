//! Ranges chosen at random, many VPCs, several runs at once; and groups with many rules.

use super::{FIXED, create, fixed, run};
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::{describe, inventory, vpc_ids};
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Output, Running, asiaq};
use std::time::Duration;

/// One metanetwork and a range from a space.
fn from_space(space: &str) -> TestConfig {
    let config = TestConfig::standard();
    let text =
        format!("[envtype:t]\nip_space = {space}\nvpc_cidr_size = 24\nintranet_cidr = auto\n");
    config.write("disco_vpc.ini", &text);
    config
}

const CREATE: &str = "create --name ci --type t --skip-enis";

/// Makes VPCs, many at once.
fn make_vpcs(cloud: &Cloud, blocks: Vec<String>) {
    let ec2 = cloud.client();
    cloud.wait(async {
        let mut calls = tokio::task::JoinSet::new();
        for block in blocks {
            calls.spawn(ec2.create_vpc().cidr_block(block).send());
            if calls.len() >= 16 {
                calls.join_next().await.unwrap().unwrap().unwrap();
            }
        }
        while let Some(made) = calls.join_next().await {
            made.unwrap().unwrap();
        }
    });
}

/// Name and block of every VPC that has a name.
fn named_blocks(cloud: &Cloud) -> Vec<(String, String)> {
    let answer = cloud.wait(cloud.client().describe_vpcs().send()).unwrap();
    let name = |vpc: &aws_sdk_ec2::types::Vpc| {
        let tag = vpc.tags().iter().find(|t| t.key() == Some("Name"))?;
        Some((tag.value()?.to_owned(), vpc.cidr_block()?.to_owned()))
    };
    let mut all: Vec<(String, String)> = answer.vpcs().iter().filter_map(name).collect();
    all.sort();
    all
}

#[test]
fn the_one_free_range_among_hundreds_of_vpcs() {
    let (cloud, config) = (Cloud::start(), from_space("10.7.0.0/16"));
    let beside = (0..60).map(|i| format!("10.8.{i}.0/24"));
    let taken = (0..256)
        .filter(|i| *i != 133)
        .map(|i| format!("10.7.{i}.0/24"));
    make_vpcs(&cloud, taken.chain(beside).collect());
    run(cloud.url(), &config, CREATE).expect_status(0);
    assert_eq!(
        named_blocks(&cloud),
        [("ci".to_owned(), "10.7.133.0/24".to_owned())]
    );
    let before = inventory(&cloud);
    let words = CREATE.replace("ci", "ci2");
    let output = run(cloud.url(), &config, &words).expect_status(1);
    assert!(
        output
            .stderr
            .starts_with("error: Cannot create VPC ci2. No subnets available"),
        "{}",
        output.stderr
    );
    assert_eq!(inventory(&cloud), before);
}

/// AWS' answer while no VPC is there.
const NO_VPCS: &str = "<DescribeVpcsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
                       <requestId>r</requestId><vpcSet/></DescribeVpcsResponse>";

/// The VPC of somebody else appears between reading and creating.
#[test]
fn a_range_that_is_taken_meanwhile_is_given_up() {
    let cloud = Cloud::start();
    make_vpcs(&cloud, vec!["10.0.0.0/24".to_owned()]);
    let before = inventory(&cloud);
    let blind = || {
        let behaviour = Behaviour::new().answer_first("DescribeVpcs", 200, NO_VPCS);
        Proxy::start(cloud.url(), behaviour)
    };
    // No other range: what was made is deleted, and the error is that of a full space.
    let (config, proxy) = (from_space("10.0.0.0/24"), blind());
    let output = run(proxy.url(), &config, CREATE).expect_status(1);
    let note = " WARN 10.0.0.0/24 for environment ci was taken at the same time by VPC - vpc-";
    assert!(output.stderr.contains(note), "{}", output.stderr);
    assert!(
        output
            .stderr
            .contains(" INFO choosing another range for ci (attempt 2 of 5)\n"),
        "{}",
        output.stderr
    );
    let error = "\nerror: Cannot create VPC ci. No subnets available";
    assert!(output.stderr.contains(error), "{}", output.stderr);
    assert_eq!((proxy.count("CreateVpc"), proxy.count("DeleteVpc")), (1, 1));
    assert_eq!(inventory(&cloud), before, "nothing is left");

    // Two ranges: the other one is taken sooner or later, at the second attempt at the latest.
    let (config, proxy) = (from_space("10.0.0.0/23"), blind());
    run(proxy.url(), &config, CREATE).expect_status(0);
    assert_eq!(
        named_blocks(&cloud),
        [("ci".to_owned(), "10.0.1.0/24".to_owned())]
    );
    assert!(proxy.count("CreateVpc") <= 2);
    // The new one is in the way of nobody.
    let output = run(cloud.url(), &config, "update --name ci").expect_status(0);
    assert!(!output.stderr.contains("overlaps"), "{}", output.stderr);
}

#[test]
fn a_fixed_range_is_not_checked_but_update_says_that_it_overlaps() {
    let (cloud, config) = (Cloud::start(), fixed());
    make_vpcs(&cloud, vec!["10.0.8.0/24".to_owned()]);
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    run(proxy.url(), &config, "create --name ci --type ci").expect_status(0);
    assert_eq!(proxy.count("DescribeVpcs"), 2, "read, and waited for");
    for words in ["update --name ci", "update --name ci --dry-run"] {
        let output = run(cloud.url(), &config, words).expect_status(0);
        let id = &vpc_ids(&cloud, "ci")[0];
        let warning = format!(" WARN VPC ci {id} 10.0.0.0/20 overlaps VPC - vpc-");
        assert!(output.stderr.contains(&warning), "{}", output.stderr);
        assert!(!output.stderr.contains("172.31."), "{}", output.stderr);
    }
}

/// Runs `create` for each name at the same time, slowly.
fn at_once(cloud: &Cloud, config: &TestConfig, names: &[&str]) -> Vec<Output> {
    let delay = Behaviour::new().delay(Duration::from_millis(30));
    let proxy = Proxy::start(cloud.url(), delay);
    let start = |name: &&str| {
        let words = CREATE.replace("ci", name);
        let tool = asiaq("disco_vpc_ui")
            .endpoint(proxy.url())
            .config(config.path());
        tool.args(words.split(' ')).spawn()
    };
    let running: Vec<Running> = names.iter().map(start).collect();
    running.into_iter().map(Running::wait).collect()
}

fn all_different(blocks: &[(String, String)]) -> bool {
    let distinct: std::collections::BTreeSet<&String> = blocks.iter().map(|(_, b)| b).collect();
    distinct.len() == blocks.len()
}

#[test]
fn three_runs_at_once_get_different_ranges() {
    let (cloud, config) = (Cloud::start(), from_space("10.0.0.0/22"));
    let mut withdrawn = 0;
    // Some rounds, and more if the runs have not met yet.
    for round in 0..20 {
        if round >= 6 && withdrawn > 0 {
            return;
        }
        cloud.reset();
        // Four ranges, or exactly three.
        if round % 2 == 1 {
            make_vpcs(&cloud, vec!["10.0.3.0/24".to_owned()]);
        }
        for output in at_once(&cloud, &config, &["a", "b", "c"]) {
            withdrawn += output.stderr.matches("choosing another range").count();
            output.expect_status(0);
        }
        let blocks = named_blocks(&cloud);
        let names: Vec<&str> = blocks.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"], "round {round}");
        assert!(all_different(&blocks), "round {round}: {blocks:?}");
        assert!(round % 2 == 0 || !blocks.iter().any(|(_, b)| b == "10.0.3.0/24"));
        for name in names {
            let words = format!("update --name {name} --dry-run");
            let rest = run(cloud.url(), &config, &words).expect_status(0);
            assert_eq!(rest.stdout, "no changes\n");
            assert!(!rest.stderr.contains("overlaps"), "{}", rest.stderr);
        }
    }
    panic!("the runs never meet: the test shows nothing");
}

#[test]
fn more_runs_than_ranges_fail_clearly() {
    let (cloud, config) = (Cloud::start(), from_space("10.0.0.0/23"));
    let outputs = at_once(&cloud, &config, &["a", "b", "c", "d"]);
    let made = outputs.iter().filter(|output| output.status == 0).count();
    assert!((1..=2).contains(&made), "{made}");
    for output in outputs.iter().filter(|output| output.status != 0) {
        let full = output.stderr.contains("No subnets available");
        assert!(
            full || output.stderr.contains("no free range for `"),
            "{}",
            output.stderr
        );
        assert!(output.stderr.contains("\nhint: "), "{}", output.stderr);
    }
    let blocks = named_blocks(&cloud);
    assert_eq!(blocks.len(), made, "{blocks:?}");
    assert!(all_different(&blocks), "{blocks:?}");
}

/// A group with that many rules, one for each port.
fn group_answer(group: &str, vpc: &str, ports: std::ops::Range<usize>) -> String {
    let rule = |port: usize| {
        format!(
            "<item><ipProtocol>tcp</ipProtocol><fromPort>{port}</fromPort><toPort>{port}</toPort>\
             <ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges></item>"
        )
    };
    let rules: String = ports.map(rule).collect();
    format!(
        "<DescribeSecurityGroupsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
         <securityGroupInfo><item><groupId>{group}</groupId><groupName>ci_intranet</groupName><vpcId>{vpc}</vpcId>\
         <ipPermissions>{rules}</ipPermissions><tagSet><item><key>meta_network</key><value>intranet</value></item>\
         </tagSet></item></securityGroupInfo></DescribeSecurityGroupsResponse>"
    )
}

fn done(operation: &str) -> String {
    format!(
        "<{operation}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
         <return>true</return></{operation}Response>"
    )
}

/// moto refuses more than 60 rules, the default quota, so the answers are AWS' as documented.
#[test]
fn half_of_a_thousand_rules_change_in_two_calls() {
    const ADD: &str = "AuthorizeSecurityGroupIngress";
    const REVOKE: &str = "RevokeSecurityGroupIngress";
    let (cloud, config) = (Cloud::start(), TestConfig::standard());
    let with_rules = |ports: std::ops::Range<usize>| {
        let ports: Vec<String> = ports.map(|port| port.to_string()).collect();
        let text = format!(
            "[envtype:t]\nvpc_cidr = 10.0.0.0/24\nintranet_cidr = auto\nintranet_sg_rules = tcp 10.0.0.0/8 {}\n",
            ports.join(" ")
        );
        config.write("disco_vpc.ini", &text);
    };
    with_rules(1..11);
    run(cloud.url(), &config, CREATE).expect_status(0);
    let vpc = vpc_ids(&cloud, "ci")[0].clone();
    with_rules(501..1501);
    let behaviour = || {
        Behaviour::new()
            .answer(
                "DescribeSecurityGroups",
                200,
                &group_answer("sg-0123456789abcdef0", &vpc, 1..1001),
            )
            .answer(REVOKE, 200, &done(REVOKE))
    };
    let permissions = |proxy: &Proxy, operation: &str| {
        let calls = proxy
            .calls()
            .into_iter()
            .filter(|call| call.operation == operation);
        let size = |call: crate::support::proxy::Call| {
            call.form
                .iter()
                .filter(|(key, _)| key.ends_with(".FromPort"))
                .count()
        };
        calls.map(size).collect::<Vec<usize>>()
    };
    let proxy = Proxy::start(cloud.url(), behaviour().answer(ADD, 200, &done(ADD)));
    run(proxy.url(), &config, "update --name ci").expect_status(0);
    assert_eq!(permissions(&proxy, ADD), [500]);
    assert_eq!(permissions(&proxy, REVOKE), [500]);

    // Old and new rules together are too many: the old ones go first.
    let full = "<Response><Errors><Error><Code>RulesPerSecurityGroupLimitExceeded</Code><Message>no</Message>\
                </Error></Errors><RequestID>r-1</RequestID></Response>";
    let once = behaviour()
        .answer_first(ADD, 400, full)
        .answer(ADD, 200, &done(ADD));
    let proxy = Proxy::start(cloud.url(), once);
    run(proxy.url(), &config, "update --name ci").expect_status(0);
    let calls = proxy.calls().into_iter().map(|call| call.operation);
    let changing: Vec<String> = calls.filter(|name| name == ADD || name == REVOKE).collect();
    assert_eq!(changing, [ADD, REVOKE, ADD]);

    // The new ones alone are too many.
    let proxy = Proxy::start(cloud.url(), behaviour().answer(ADD, 400, full));
    let output = run(proxy.url(), &config, "update --name ci").expect_status(1);
    let text = "intranet (1000 rules wanted): RulesPerSecurityGroupLimitExceeded";
    assert!(output.stderr.contains(text), "{}", output.stderr);
    assert!(
        output
            .stderr
            .contains("\nhint: the security group would hold more"),
        "{}",
        output.stderr
    );
}

/// Several addresses of one hostclass, by offset and absolute, and one only in this environment.
#[test]
fn static_addresses_of_every_form() {
    let (cloud, config) = (Cloud::start(), fixed());
    config.edit(
        "disco_aws.ini",
        "ip_address = +5",
        "ip_address = +7 10.0.5.9\n  -3\nip_address@other = +8",
    );
    config.edit(
        "disco_aws.ini",
        "chaos = no",
        "chaos = no\nip_address@ci = 10.0.1.20\nip_address = +9",
    );
    create(&cloud, &config);
    let interfaces = || {
        let lines = describe(&cloud, "ci", true).into_iter();
        let mut all: Vec<String> = lines
            .filter_map(|line| {
                Some(
                    line.strip_prefix("interface ")?
                        .split(" `")
                        .next()?
                        .to_owned(),
                )
            })
            .collect();
        all.sort();
        all
    };
    let wanted = [
        "10.0.1.20 in 10.0.1.0/24",
        "10.0.4.7 in 10.0.4.0/24",
        "10.0.5.9 in 10.0.5.0/24",
        "10.0.6.252 in 10.0.6.0/24",
    ];
    assert_eq!(interfaces(), wanted);
    run(cloud.url(), &config, "update --name ci").expect_status(0);
    assert_eq!(interfaces(), wanted, "update leaves them alone");
    assert!(
        FIXED.contains("dmz_cidr = 10.0.4.0/22"),
        "the addresses above lie there"
    );
}
