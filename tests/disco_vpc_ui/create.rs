//! `create`: what is made, and the plan of it.

use super::{FIXED, create, fixed, logged, run, sorted_lines};
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::{changing_calls, describe, in_vpc, inventory, vpc_ids};
use crate::support::proxy::{Behaviour, Proxy};

/// First address and prefix length.
fn block(text: &str) -> (u32, u8) {
    let (address, prefix) = text.split_once('/').unwrap();
    let address: std::net::Ipv4Addr = address.parse().unwrap();
    (address.into(), prefix.parse().unwrap())
}

fn overlap(a: &str, b: &str) -> bool {
    let ((a, a_prefix), (b, b_prefix)) = (block(a), block(b));
    let mask = |prefix: u8| u32::MAX << (32 - u32::from(prefix));
    let shorter = mask(a_prefix.min(b_prefix));
    a & shorter == b & shorter
}

#[test]
fn an_environment_in_full() {
    let (cloud, config) = (Cloud::start(), fixed());
    let words = "create --name ci --type ci --tag productline:blue --tag url:http://x --tag productline:red --tag empty:";
    let planned = run(cloud.url(), &config, &format!("{words} --dry-run")).expect_status(0);
    let output = run(cloud.url(), &config, words).expect_status(0);
    let ids = vpc_ids(&cloud, "ci");
    assert_eq!(
        output.stdout,
        format!("VPC ci({}) has been created\n", ids[0])
    );
    assert_eq!(logged(&output), sorted_lines(&planned.stdout));
    insta::assert_snapshot!("create_plan", planned.stdout);
    insta::assert_snapshot!("created", describe(&cloud, "ci", true).join("\n"));

    let vpcs = cloud.wait(cloud.client().describe_vpcs().vpc_ids(&ids[0]).send());
    let vpcs = vpcs.unwrap();
    let date = vpcs.vpcs()[0]
        .tags()
        .iter()
        .find(|tag| tag.key() == Some("create_date"));
    let date = date.and_then(|tag| tag.value()).unwrap();
    let shape: String = date
        .chars()
        .map(|c| if c.is_ascii_digit() { '9' } else { c })
        .collect();
    assert!("9999-99-99T99:99:99.999999".starts_with(&shape), "{date}");
}

#[test]
fn automatic_blocks_lie_in_the_space_and_overlap_nothing() {
    let (cloud, config) = (Cloud::start(), TestConfig::standard());
    let ec2 = cloud.client();
    // Three quarters of the space are taken.
    for taken in ["10.0.0.0/16", "10.1.0.0/16"] {
        cloud
            .wait(ec2.create_vpc().cidr_block(taken).send())
            .unwrap();
    }
    config.edit("disco_vpc.ini", "10.0.0.0/12", "10.0.0.0/14");
    for name in ["ci", "ci2"] {
        let words = format!("create --name {name} --type ci");
        run(cloud.url(), &config, &words).expect_status(0);
    }
    let vpcs = cloud.wait(ec2.describe_vpcs().send()).unwrap();
    let blocks: Vec<&str> = vpcs.vpcs().iter().filter_map(|v| v.cidr_block()).collect();
    for (index, own) in blocks.iter().enumerate() {
        assert!(
            !blocks[index + 1..].iter().any(|other| overlap(own, other)),
            "{blocks:?}"
        );
    }
    for name in ["ci", "ci2"] {
        let id = &vpc_ids(&cloud, name)[0];
        let vpc = vpcs
            .vpcs()
            .iter()
            .find(|v| v.vpc_id() == Some(id))
            .and_then(|v| v.cidr_block())
            .unwrap();
        assert!(vpc.ends_with("/20") && overlap(vpc, "10.0.0.0/14"), "{vpc}");
        let call = ec2.describe_subnets().filters(in_vpc(id)).send();
        let answer = cloud.wait(call).unwrap();
        let subnets: Vec<&str> = answer
            .subnets()
            .iter()
            .filter_map(|s| s.cidr_block())
            .collect();
        assert_eq!(subnets.len(), 12);
        for (index, own) in subnets.iter().enumerate() {
            assert!(own.ends_with("/24") && overlap(own, vpc), "{own} in {vpc}");
            assert!(!subnets[index + 1..].iter().any(|other| overlap(own, other)));
        }
    }
}

#[test]
fn a_second_environment_of_the_same_name_is_refused() {
    let (cloud, config) = (Cloud::start(), fixed());
    create(&cloud, &config);
    let before = inventory(&cloud);
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    for words in [
        "create --name ci --type ci",
        "create --name ci --type ci --dry-run",
        "create --name ci --type nonsense",
    ] {
        let output = run(proxy.url(), &config, words).expect_status(1);
        assert_eq!(output.stdout, "");
        assert!(
            output
                .stderr
                .starts_with("error: VPC with same name already exists."),
            "{}",
            output.stderr
        );
        assert!(
            output
                .stderr
                .contains("\nhint: `disco_vpc_ui update --name ci`"),
            "{}",
            output.stderr
        );
    }
    assert_eq!(changing_calls(&proxy), [""; 0]);
    assert_eq!(inventory(&cloud), before);
}

#[test]
fn a_dry_run_changes_nothing_and_speaks_json_too() {
    let (cloud, config) = (Cloud::start(), fixed());
    let before = inventory(&cloud);
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let text = run(proxy.url(), &config, "--dry-run create --name ci --type ci").expect_status(0);
    let json = run(
        proxy.url(),
        &config,
        "create --name ci --type ci --dry-run --output json",
    )
    .expect_status(0);
    assert_eq!(changing_calls(&proxy), [""; 0]);
    assert_eq!(inventory(&cloud), before);
    let items: Vec<serde_json::Value> = serde_json::from_str(&json.stdout).unwrap();
    let lines: Vec<String> = items
        .iter()
        .map(|item| {
            format!(
                "{} {}",
                item["sign"].as_str().unwrap(),
                item["text"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(lines, text.stdout.lines().collect::<Vec<_>>());
}

#[test]
fn addresses_are_skipped_on_request_and_warned_about_where_they_do_not_fit() {
    let (cloud, config) = (Cloud::start(), fixed());
    let words = "create --name ci --type ci --skip-enis";
    run(cloud.url(), &config, words).expect_status(0);
    let shown = describe(&cloud, "ci", true);
    assert!(
        !shown.iter().any(|line| line.starts_with("interface")),
        "{shown:#?}"
    );

    cloud.reset();
    config.edit(
        "disco_aws.ini",
        "ip_address = +5",
        "ip_address = +7 10.99.0.1 -3",
    );
    let output = run(cloud.url(), &config, "create --name ci --type ci").expect_status(0);
    assert!(
        output
            .stderr
            .contains("WARN Failed to reserve IP address (10.99.0.1) for hostclass (mhcproxy)"),
        "{}",
        output.stderr
    );
    let shown = describe(&cloud, "ci", true);
    let interfaces: Vec<&str> = shown
        .iter()
        .filter(|line| line.starts_with("interface"))
        .map(|line| line.split(" `").next().unwrap())
        .collect();
    assert_eq!(
        interfaces,
        [
            "interface 10.0.4.7 in 10.0.4.0/24",
            "interface 10.0.6.252 in 10.0.6.0/24"
        ]
    );
}

#[test]
fn a_setting_of_the_environment_wins_over_its_type() {
    let (cloud, config) = (Cloud::start(), fixed());
    let own = "\n[env:special]\nvpc_cidr = 10.9.0.0/24\nintranet_cidr = auto\ndmz_cidr =\n\
               intranet_sg_rules = icmp all -1\napplication = other\n";
    config.write("disco_vpc.ini", &format!("{FIXED}{own}"));
    run(
        cloud.url(),
        &config,
        "create --name special --type ci --skip-enis",
    )
    .expect_status(0);
    let shown = describe(&cloud, "special", false).join("\n");
    assert!(
        shown.contains("vpc 10.9.0.0/24") && shown.contains("application=other"),
        "{shown}"
    );
    assert!(
        shown.contains("rule special_intranet icmp -1--1 from special_intranet"),
        "{shown}"
    );
    assert!(!shown.contains("dmz"), "{shown}");
}

/// Independent calls run together: the number of calls that follow one another does not grow with the environment.
#[test]
fn few_round_trips_for_many_resources() {
    let (cloud, config) = (Cloud::start(), TestConfig::standard());
    let delay = std::time::Duration::from_millis(40);
    let proxy = Proxy::start(cloud.url(), Behaviour::new().delay(delay));
    run(proxy.url(), &config, "create --name ci --type ci").expect_status(0);
    let calls = proxy.calls();
    assert!(calls.len() > 50, "{} calls", calls.len());
    // Read, VPC, wait for it, what is in it, what refers to that, routes; and some queueing at 16 calls at once.
    assert!(
        proxy.longest_chain() <= 12,
        "{} in a row",
        proxy.longest_chain()
    );
    let create = calls.iter().find(|call| call.operation == "CreateVpc");
    let create = create.unwrap().started;
    let reads = || calls.iter().filter(|call| call.started < create);
    let last_start = reads().map(|call| call.started).max().unwrap();
    let first_end = reads().filter_map(|call| call.finished).min().unwrap();
    assert!(
        last_start < first_end,
        "everything is read in one round before the first change"
    );
}
