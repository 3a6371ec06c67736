//! What commands cost in AWS calls and round trips: `cargo bench --bench round_trips`.
//!
//! Each case runs a built tool against a local endpoint through a proxy, once without and once with 50 ms added to every call.
//! Reported: calls, the longest chain of calls that followed one another, both wall times, and the budget: 1.5 x chain x 50 ms plus
//! the time that the endpoint itself takes (the wall time without the delay). Start-up of `--help` and the memory of a large
//! listing are measured too. Not a test: nothing fails here, the figures are for people (docs/architecture.md has them).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]
// The support code serves the tests; a benchmark uses a part of it.
#![allow(dead_code, unused_imports)]

#[path = "../tests/support/mod.rs"]
mod support;

use aws_sdk_ec2::types::{InstanceType, ResourceType, Tag, TagSpecification};
use std::fmt::Write;
use std::time::{Duration, Instant};
use support::bakery::Bakery;
use support::cloud::Cloud;
use support::config::TestConfig;
use support::proxy::{Behaviour, Proxy};
use support::{Output, asiaq};

/// Runs per figure, of which the median counts: the endpoint's own time varies.
const RUNS: usize = 3;
const DELAY: Duration = Duration::from_millis(50);
const HOSTCLASSES: usize = 40;
const INSTANCES: i32 = 2_000;
/// How long the init scripts of parallel bakes take.
const SCRIPT: &str = "3";

fn main() {
    // `cargo bench` passes options of the built-in harness, which mean nothing here.
    let cloud = Cloud::start();
    println!(
        "{:<28} {:>6} {:>6} {:>9} {:>9} {:>9}",
        "command", "calls", "chain", "0 ms", "50 ms", "budget"
    );
    create(&cloud);
    create_complete(&cloud);
    spinup(&cloud);
    spinup_balanced(&cloud);
    list_hosts(&cloud);
    bake();
    help();
}

/// One run through a proxy: wall time, calls and chain.
struct Measured {
    wall: Duration,
    calls: usize,
    chain: usize,
}

fn measure(cloud: &Cloud, delay: Duration, run: impl FnOnce(&str) -> Output) -> Measured {
    let proxy = Proxy::start(cloud.url(), Behaviour::new().delay(delay));
    let start = Instant::now();
    run(proxy.url()).expect_status(0);
    Measured {
        wall: start.elapsed(),
        calls: proxy.calls().len(),
        chain: proxy.longest_chain(),
    }
}

/// Measures without and with the delay, several times. `prepare` brings the endpoint into the state before the command.
fn report(cloud: &Cloud, name: &str, prepare: impl Fn(), run: impl Fn(&str) -> Output) {
    let median = |delay| {
        let mut runs: Vec<Measured> = (0..RUNS)
            .map(|_| {
                prepare();
                measure(cloud, delay, &run)
            })
            .collect();
        runs.sort_by_key(|run| run.wall);
        runs.swap_remove(RUNS / 2)
    };
    let (bare, slow) = (median(Duration::ZERO), median(DELAY));
    let budget = DELAY * u32::try_from(slow.chain).unwrap() * 3 / 2 + bare.wall;
    let verdict = if slow.wall <= budget {
        ""
    } else {
        "  OVER BUDGET"
    };
    println!(
        "{name:<28} {:>6} {:>6} {:>9.2?} {:>9.2?} {:>9.2?}{verdict}",
        slow.calls, slow.chain, bare.wall, slow.wall, budget
    );
}

fn create_environment(config: &TestConfig, url: &str) -> Output {
    asiaq("disco_vpc_ui")
        .endpoint(url)
        .config(config.path())
        .args(["create", "--name", "ci", "--type", "ci"])
        .run()
}

fn create(cloud: &Cloud) {
    let config = TestConfig::standard();
    let prepare = || {
        cloud.reset();
        warm(cloud);
    };
    report(cloud, "disco_vpc_ui create", prepare, |url| {
        create_environment(&config, url)
    });
}

/// Three types: `ci` with everything, and two that it is connected with.
const COMPLETE: &str = "
tunnel_nat_gateways = auto
nat_gateway_routes = intranet/tunnel

[envtype:build]
ip_space = 10.16.0.0/12
vpc_cidr_size = 20
intranet_cidr = auto
maintenance_cidr = auto

[peerings]
connection_1 = ci/intranet *:build/intranet
connection_2 = ci/maintenance *:build/maintenance
";

/// Four metanetworks in three zones, NAT and two peerings. Beside the usual figures: what the same would cost with one call per
/// resource, tag and rule.
fn create_complete(cloud: &Cloud) {
    let config = TestConfig::standard();
    let text = std::fs::read_to_string(config.path().join("disco_vpc.ini")).unwrap();
    config.write("disco_vpc.ini", &format!("{text}{COMPLETE}"));
    let prepare = || {
        cloud.reset();
        warm(cloud);
        for name in ["east", "west"] {
            let arguments = ["create", "--name", name, "--type", "build"];
            let tool = asiaq("disco_vpc_ui").endpoint(cloud.url());
            let output = tool.config(config.path()).args(arguments).run();
            output.expect_status(0);
        }
    };
    let create = |url: &str| create_environment(&config, url);
    report(cloud, "create, NAT and 2 peerings", prepare, create);
    prepare();
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    create(proxy.url()).expect_status(0);
    let calls = proxy.calls();
    let single: usize = calls.iter().map(single_calls).sum();
    println!(
        "create, NAT and 2 peerings: {} calls, {single} with one call per tag and rule",
        calls.len()
    );
}

/// How many calls this one stands for: itself, one for each tag in it, and one for each rule after the first.
fn single_calls(call: &support::proxy::Call) -> usize {
    let tags = |key: &str| key.starts_with("TagSpecification.") && key.ends_with(".Value");
    let rules = |key: &str| {
        ["IpRanges", "Ipv6Ranges", "Groups"]
            .iter()
            .any(|source| key.contains(&format!(".{source}.")))
            && ["CidrIp", "CidrIpv6", "GroupId"]
                .iter()
                .any(|end| key.ends_with(end))
    };
    let count =
        |wanted: &dyn Fn(&str) -> bool| call.form.iter().filter(|(key, _)| wanted(key)).count();
    1 + count(&tags) + count(&rules).saturating_sub(1)
}

/// The first call of a service loads it; that is no cost of a command.
fn warm(cloud: &Cloud) {
    cloud.wait(cloud.client().describe_vpcs().send()).unwrap();
    cloud
        .wait(cloud.autoscaling().describe_auto_scaling_groups().send())
        .unwrap();
}

fn spinup(cloud: &Cloud) {
    let config = TestConfig::standard();
    let mut csv = String::from(
        "sequence,hostclass,min_size,desired_size,max_size,instance_type,smoke_test\n",
    );
    for n in 0..HOSTCLASSES {
        writeln!(csv, "1,mhcbench{n},0,1,2,m5.large,no").unwrap();
    }
    config.write("bench.csv", &csv);
    let file = config.path().join("bench.csv");
    let prepare = || {
        cloud.reset();
        warm(cloud);
        create_environment(&config, cloud.url()).expect_status(0);
        for n in 0..HOSTCLASSES {
            cloud.register_image(&format!("mhcbench{n} 1700000000"), &[("stage", "tested")]);
        }
    };
    let run = |url: &str| {
        let args = [
            "--env",
            "ci",
            "spinup",
            "--pipeline",
            file.to_str().unwrap(),
        ];
        asiaq("disco_aws")
            .endpoint(url)
            .config(config.path())
            .args(args)
            .run()
    };
    report(cloud, "spinup, 40 hostclasses", prepare, run);
    report(cloud, "the same again", || {}, run);
}

/// As [`spinup`], every hostclass with a load balancer and two host names in one zone. Beside the usual figures: how many calls
/// change records.
fn spinup_balanced(cloud: &Cloud) {
    let config = TestConfig::standard();
    let mut ini = std::fs::read_to_string(config.path().join("disco_aws.ini")).unwrap();
    let mut csv = String::from("sequence,hostclass,min_size,desired_size,max_size,instance_type\n");
    for n in 0..HOSTCLASSES {
        writeln!(csv, "1,mhcbench{n},0,1,2,m5.large").unwrap();
        write!(
            ini,
            "\n[mhcbench{n}]\nelb = yes\nelb_health_check_url = /ok\nelb_dns_alias = bench{n}\n"
        )
        .unwrap();
    }
    config.write("disco_aws.ini", &ini).write("bench.csv", &csv);
    let file = config.path().join("bench.csv");
    let prepare = || {
        cloud.reset();
        warm(cloud);
        create_environment(&config, cloud.url()).expect_status(0);
        support::zone::zone(cloud, "example.com", false);
        for n in 0..HOSTCLASSES {
            cloud.register_image(&format!("mhcbench{n} 1700000000"), &[("stage", "tested")]);
        }
    };
    let run = |url: &str| {
        let args = [
            "--env",
            "ci",
            "spinup",
            "--pipeline",
            file.to_str().unwrap(),
        ];
        let tool = asiaq("disco_aws").endpoint(url).config(config.path());
        tool.args(args).run()
    };
    report(cloud, "spinup, 40 with ELB and DNS", prepare, run);
    report(cloud, "the same again", || {}, run);
    prepare();
    let proxy = Proxy::start(cloud.url(), Behaviour::new().delay(DELAY));
    run(proxy.url()).expect_status(0);
    let is_change =
        |operation: &str| operation.starts_with("POST ") && operation.contains("/rrset");
    let calls = proxy.calls();
    let changes = calls
        .iter()
        .filter(|call| is_change(&call.operation))
        .count();
    println!(
        "spinup, 40 with ELB and DNS: {changes} ChangeResourceRecordSets for {} records",
        2 * HOSTCLASSES
    );
}

/// A phase 2 bake with everything but the init script, which ends at once here. Then how the time of several bakes grows when
/// the init script of each takes [`SCRIPT`] seconds.
fn bake() {
    let names: Vec<String> = (0..8).map(|n| format!("mhcbench{n}")).collect();
    let bed = Bakery::new();
    let run = |url: &str, count: usize| {
        let mut words = vec!["bake", "--parallel", "8"];
        for name in names.iter().take(count) {
            words.extend(["--hostclass", name]);
        }
        bed.tool(&words).endpoint(url).run()
    };
    // Names of images end in the second, so the next bake of the same hostclass begins in the next one.
    let next_second = || std::thread::sleep(Duration::from_secs(1));
    let one = |url: &str| run(url, 1);
    report(&bed.cloud, "disco_bake bake, phase 2", next_second, one);
    let all = |url: &str| run(url, 8);
    report(&bed.cloud, "disco_bake bake of 8", next_second, all);
    bed.set("script", &format!("sleep {SCRIPT}\n"));
    for count in [1, 2, 4, 8] {
        next_second();
        let start = Instant::now();
        run(bed.cloud.url(), count).expect_status(0);
        let wall = start.elapsed();
        println!("{count} bakes with init scripts of {SCRIPT} s: {wall:.2?}");
    }
}

fn list_hosts(cloud: &Cloud) {
    let config = TestConfig::standard();
    // Room for all of them in one metanetwork.
    config.edit("disco_vpc.ini", "vpc_cidr_size = 20", "vpc_cidr_size = 16");
    cloud.reset();
    create_environment(&config, cloud.url()).expect_status(0);
    let image = cloud.register_image("mhcapp 1700000000", &[("stage", "tested")]);
    fill(cloud, &image);
    let list = |url: &str| {
        asiaq("disco_aws")
            .endpoint(url)
            .config(config.path())
            .args(["--env", "ci", "listhosts", "--all"])
    };
    let run = |url: &str| {
        let output = list(url).run();
        assert_eq!(
            output.stdout.lines().count(),
            usize::try_from(INSTANCES).unwrap()
        );
        output
    };
    report(cloud, "listhosts --all, 2000 hosts", || {}, run);
    let running = list(cloud.url()).spawn();
    let child = running.child();
    let mut peak = 0;
    while child.lock().unwrap().try_wait().unwrap().is_none() {
        peak = peak.max(resident_kb(child.lock().unwrap().id()));
        std::thread::sleep(Duration::from_millis(1));
    }
    println!(
        "listhosts --all, 2000 hosts: {:.1} MB resident at most",
        f64::from(peak) / 1024.0
    );
}

/// Peak resident memory so far (`VmHWM`), 0 when the process is gone.
fn resident_kb(pid: u32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// Launches the instances into the environment, in many reservations as groups do.
fn fill(cloud: &Cloud, image: &str) {
    let client = cloud.client();
    let subnets = cloud.wait(client.describe_subnets().send()).unwrap();
    let is_own = |s: &&aws_sdk_ec2::types::Subnet| {
        s.tags()
            .iter()
            .any(|t| t.key() == Some("meta_network") && t.value() == Some("intranet"))
    };
    let subnets: Vec<&str> = subnets
        .subnets()
        .iter()
        .filter(is_own)
        .filter_map(|s| s.subnet_id())
        .collect();
    let per_launch = 50;
    for n in 0..INSTANCES / per_launch {
        let pairs = [
            ("hostclass", format!("mhcbench{}", n % 40)),
            ("hostname", format!("host{n}")),
            ("owner", "bench".into()),
            ("environment", "ci".into()),
            ("smoketest", "tested".into()),
            ("productline", "bench".into()),
        ];
        let tags = pairs
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .to_vec();
        let spec = TagSpecification::builder()
            .resource_type(ResourceType::Instance)
            .set_tags(Some(tags))
            .build();
        let subnet = subnets[usize::try_from(n).unwrap() % subnets.len()];
        let call = client
            .run_instances()
            .image_id(image)
            .instance_type(InstanceType::M5Large)
            .min_count(per_launch)
            .max_count(per_launch);
        cloud
            .wait(call.subnet_id(subnet).tag_specifications(spec).send())
            .unwrap();
    }
}

fn help() {
    for tool in [
        "asiaq",
        "disco_aws",
        "disco_autoscale",
        "disco_eip",
        "disco_elb",
        "disco_chaos",
        "disco_metrics",
        "disco_purge_snapshots",
        "disco_route53",
        "disco_snapshot",
        "disco_ssh",
        "disco_ssm",
        "disco_vpc_ui",
    ] {
        let mut best = Duration::MAX;
        for _ in 0..20 {
            let path = support::binary(tool);
            let start = Instant::now();
            std::process::Command::new(path)
                .arg("--help")
                .output()
                .unwrap();
            best = best.min(start.elapsed());
        }
        println!("{tool} --help: {best:.1?} (best of 20)");
    }
}
