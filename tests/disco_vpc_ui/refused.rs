//! `create`, `update` and `destroy` with something wrong: one clear error, and nothing is changed.

use super::{FIXED, create, fixed, run};
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::{changing_calls, default_vpc, inventory, vpc_ids};
use crate::support::proxy::{Behaviour, Proxy};
use aws_sdk_ec2::types::Tag;

/// Runs a command that must fail, and gives the error report.
fn fails(proxy: &Proxy, config: &TestConfig, words: &str, status: i32) -> String {
    let output = run(proxy.url(), config, words).expect_status(status);
    assert_eq!(output.stdout, "", "{words}");
    output.stderr
}

fn with(vpc: &str) -> TestConfig {
    let config = TestConfig::standard();
    config.write("disco_vpc.ini", vpc);
    config
}

#[test]
fn create_with_wrong_configuration() {
    let cloud = Cloud::start();
    let before = inventory(&cloud);
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let only_aws = TestConfig::standard();
    std::fs::remove_file(only_aws.path().join("disco_vpc.ini")).unwrap();
    let only_vpc = fixed();
    std::fs::remove_file(only_vpc.path().join("disco_aws.ini")).unwrap();
    let replaced = |old: &str, new: &str| with(&FIXED.replacen(old, new, 1));
    let no_net = fixed();
    no_net.edit("disco_aws.ini", "default_meta_network = intranet\n", "");
    no_net.edit("disco_aws.ini", "meta_network = dmz\n", "");

    let ci = "create --name ci --type ci";
    let table: [(&str, TestConfig, &[&str]); 13] = [
        (ci, only_aws, &["disco_vpc.ini", "\nhint: "]),
        (ci, only_vpc, &["disco_aws.ini", "\nhint: "]),
        (
            "create --name my_ci --type ci",
            fixed(),
            &["VPC name `my_ci`", "contain `_`", "\nhint: "],
        ),
        (
            "create --name ci --type co",
            fixed(),
            &["unknown environment type `co`", "did you mean `ci`?"],
        ),
        (
            ci,
            replaced("tcp dmz 8000:8010", "tcp web 80"),
            &["disco_vpc.ini:5", "[envtype:ci] intranet_sg_rules", "web"],
        ),
        (
            ci,
            replaced("icmp all -1", "icmp all"),
            &["disco_vpc.ini:5", "Cannot make heads or tails of rule"],
        ),
        (ci, replaced("10.0.4.0/22", "10.0.2.0/23"), &["overlap"]),
        (
            ci,
            replaced("10.0.4.0/22", "10.1.0.0/22"),
            &["disco_vpc.ini:4", "10.1.0.0/22"],
        ),
        (
            ci,
            replaced("vpc_cidr = 10.0.0.0/20\n", ""),
            &["ip_space", "vpc_cidr_size"],
        ),
        (
            ci,
            replaced("10.0.0.0/22", "elsewhere"),
            &["disco_vpc.ini:3", "`elsewhere`"],
        ),
        (
            ci,
            replaced(
                "domain_name",
                "ntp_server_metanetwork = dmz\nntp_server_offset = +4000\ndomain_name",
            ),
            &["ntp_server_offset"],
        ),
        (
            ci,
            replaced(
                "domain_name",
                "ntp_server = no-such-host.invalid\ndomain_name",
            ),
            &["cannot resolve `no-such-host.invalid`", "\nhint: "],
        ),
        (ci, no_net, &["disco_aws.ini", "[mhcproxy]", "meta_network"]),
    ];
    for (words, config, texts) in &table {
        let report = fails(&proxy, config, words, 1);
        assert!(report.starts_with("error: "), "{report}");
        for text in *texts {
            assert!(report.contains(text), "`{text}` in\n{report}");
        }
    }
    assert_eq!(changing_calls(&proxy), [""; 0]);
    assert_eq!(inventory(&cloud), before);
}

#[test]
fn create_without_room() {
    let cloud = Cloud::start();
    let ec2 = cloud.client();
    let second = cloud.wait(ec2.create_vpc().cidr_block("10.3.0.0/17").send());
    let second = second.unwrap().vpc.unwrap().vpc_id.unwrap();
    // The second block of a VPC counts as well.
    let more = ec2.associate_vpc_cidr_block().vpc_id(second);
    cloud.wait(more.cidr_block("10.3.128.0/17").send()).unwrap();
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let config = TestConfig::standard();
    config.edit("disco_vpc.ini", "10.0.0.0/12", "10.3.0.0/16");
    let report = fails(&proxy, &config, "create --name ci --type ci", 1);
    assert!(
        report.starts_with("error: Cannot create VPC ci. No subnets available"),
        "{report}"
    );
    assert!(
        report.contains("\nhint: the VPCs of this region fill ip_space 10.3.0.0/16"),
        "{report}"
    );
    assert_eq!(changing_calls(&proxy), [""; 0]);
}

#[test]
fn update_and_destroy_of_what_is_not_there_or_not_clear() {
    let (cloud, config) = (Cloud::start(), fixed());
    create(&cloud, &config);
    let ec2 = cloud.client();
    let vpc = |tags: &[(&str, &str)]| {
        let made = cloud.wait(ec2.create_vpc().cidr_block("10.77.0.0/24").send());
        let id = made.unwrap().vpc.unwrap().vpc_id.unwrap();
        for (key, value) in tags {
            let tag = Tag::builder().key(*key).value(*value).build();
            cloud
                .wait(ec2.create_tags().resources(&id).tags(tag).send())
                .unwrap();
        }
        id
    };
    let foreign = vpc(&[("Name", "named-only")]);
    vpc(&[("Name", "twin"), ("type", "ci")]);
    vpc(&[("Name", "twin"), ("type", "ci")]);
    let twins = vpc_ids(&cloud, "twin");
    let default = default_vpc(&cloud);
    let before = inventory(&cloud);
    let proxy = Proxy::start(cloud.url(), Behaviour::new());

    let unmatched = "error: No matching VPC found\nhint: `disco_vpc_ui list` shows what there is\n";
    let several = format!(
        "error: several VPCs match environment `twin`: {}\nhint: choose one with --vpc-id\n",
        twins.join(", ")
    );
    for more in ["", " --dry-run"] {
        for words in [
            "update --name nobody",
            "update --vpc-id vpc-0",
            "destroy --name nobody",
            "destroy --vpc-id vpc-0",
            "destroy --name c*",
        ] {
            let report = fails(&proxy, &config, &format!("{words}{more}"), 2);
            assert_eq!(report, unmatched, "{words}");
        }
        for words in ["update --name twin", "destroy --name twin"] {
            assert_eq!(
                fails(&proxy, &config, &format!("{words}{more}"), 1),
                several,
                "{words}"
            );
        }
        let report = fails(
            &proxy,
            &config,
            &format!("update --vpc-id {foreign}{more}"),
            1,
        );
        assert!(report.contains("is not an environment"), "{report}");
        let report = fails(
            &proxy,
            &config,
            &format!("destroy --vpc-id {default}{more}"),
            1,
        );
        assert!(report.contains("is the default VPC"), "{report}");
    }
    let broken = with(&FIXED.replacen("tcp dmz 8000:8010", "tcp web 80", 1));
    let report = fails(&proxy, &broken, "update --name ci --dry-run", 1);
    assert!(
        report.contains("[envtype:ci] intranet_sg_rules"),
        "{report}"
    );
    let report = fails(&proxy, &TestConfig::new(), "update --name ci", 1);
    assert!(report.contains("disco_vpc.ini"), "{report}");
    assert_eq!(changing_calls(&proxy), [""; 0]);
    assert_eq!(inventory(&cloud), before);
}
