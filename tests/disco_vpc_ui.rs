//! `disco_vpc_ui` against a local cloud.

mod check;
mod create;
mod destroy;
mod endpoint;
mod gateways;
mod listing;
mod nat;
mod notifications;
mod peerings;
mod ranges;
mod refused;
mod show;
mod update;
mod usage;

use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::{Output, asiaq};

/// An environment type without chance: two metanetworks with fixed blocks.
const FIXED: &str = "\
[envtype:ci]
vpc_cidr = 10.0.0.0/20
intranet_cidr = 10.0.0.0/22
dmz_cidr = 10.0.4.0/22
intranet_sg_rules = tcp dmz 8000:8010, icmp all -1
dmz_sg_rules = tcp 192.0.2.0/24 80
dmz_igw_routes = 0.0.0.0/0
domain_name = ci.example.com
internal_dns = AmazonProvidedDNS
application = rehearsal
";

fn fixed() -> TestConfig {
    let config = TestConfig::standard();
    config.write("disco_vpc.ini", FIXED);
    config
}

/// Runs `disco_vpc_ui` with these words.
fn run(url: &str, config: &TestConfig, words: &str) -> Output {
    asiaq("disco_vpc_ui")
        .endpoint(url)
        .config(config.path())
        .args(words.split_whitespace())
        .run()
}

/// Creates environment `ci` of type `ci`.
fn create(cloud: &Cloud, config: &TestConfig) {
    run(cloud.url(), config, "create --name ci --type ci").expect_status(0);
}

/// The plan lines that a run has logged, sorted: independent changes are made in any order.
fn logged(output: &Output) -> Vec<String> {
    let message = |line: &str| line.split_once(" INFO ").map(|(_, text)| text.to_owned());
    let mut lines: Vec<String> = output.stderr.lines().filter_map(message).collect();
    lines.retain(|line| ["+ ", "- ", "~ "].iter().any(|sign| line.starts_with(sign)));
    lines.sort();
    lines
}

fn sorted_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}
