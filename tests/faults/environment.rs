//! `disco_vpc_ui` killed at every call, throttled, refused and interrupted: running it again completes the work.

use std::time::{Duration, Instant};

use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::{changing_calls, count, describe, in_vpc, inventory, vpc_ids};
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Asiaq, Output, asiaq, run_until_killed};

/// Small and without chance, so that there are few calls and equal results.
const VPC: &str = "\
[envtype:ci]
vpc_cidr = 10.0.0.0/24
intranet_cidr = 10.0.0.0/25
dmz_cidr = 10.0.0.128/25
intranet_sg_rules = tcp dmz 80
dmz_igw_routes = 0.0.0.0/0
domain_name = ci.example.com
";

/// Takes the place of moto's four zones: fewer calls again.
pub const ONE_ZONE: &str = "\
<DescribeAvailabilityZonesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
<availabilityZoneInfo><item><zoneName>us-west-2a</zoneName><zoneState>available</zoneState></item>\
</availabilityZoneInfo></DescribeAvailabilityZonesResponse>";

const CREATE: &str = "create --name ci --type ci";
const UPDATE: &str = "update --name ci";
const DESTROY: &str = "destroy --name ci";

/// A loop over all calls ends long before.
const MOST_CALLS: usize = 100;

fn config() -> TestConfig {
    let config = TestConfig::standard();
    config.write("disco_vpc.ini", VPC);
    config
}

fn behaviour() -> Behaviour {
    Behaviour::new().answer("DescribeAvailabilityZones", 200, ONE_ZONE)
}

fn tool(config: &TestConfig, words: &str) -> Asiaq {
    asiaq("disco_vpc_ui")
        .config(config.path())
        .args(words.split_whitespace())
}

fn run(proxy: &Proxy, config: &TestConfig, words: &str) -> Output {
    tool(config, words).endpoint(proxy.url()).run()
}

/// The undisturbed environment, without interfaces: update does not make them (spec 20, section 6).
fn undisturbed(cloud: &Cloud, proxy: &Proxy, config: &TestConfig) -> (Vec<String>, Vec<String>) {
    run(proxy, config, CREATE).expect_status(0);
    let result = (describe(cloud, "ci", false), inventory(cloud));
    cloud.reset();
    result
}

/// How many of each kind there are.
fn numbers(inventory: &[String]) -> Vec<(&'static str, usize)> {
    ["vpc", "subnet", "table", "security group", "gateway"]
        .map(|kind| (kind, count(inventory, kind)))
        .to_vec()
}

/// After a run that died: the same command if there is no VPC, else `update`. Then everything is as if nothing had
/// happened, and a further update has nothing to do.
fn converges(
    cloud: &Cloud,
    proxy: &Proxy,
    config: &TestConfig,
    wanted: &(Vec<String>, Vec<String>),
    at: &str,
) {
    let words = if vpc_ids(cloud, "ci").is_empty() {
        CREATE
    } else {
        UPDATE
    };
    run(proxy, config, words).expect_status(0);
    assert_eq!(describe(cloud, "ci", false), wanted.0, "{at}");
    let now = inventory(cloud);
    assert_eq!(numbers(&now), numbers(&wanted.1), "{at}");
    // moto ignores tags in CreateDhcpOptions, so that a set may be lost between that call and CreateTags; AWS does not.
    let (sets, known) = (count(&now, "dhcp"), count(&wanted.1, "dhcp"));
    assert!(sets <= known + 1, "{at}: {sets} DHCP options sets");
    assert!(
        count(&now, "interface") <= count(&wanted.1, "interface"),
        "{at}"
    );
    let rest = run(proxy, config, "update --name ci --dry-run").expect_status(0);
    assert_eq!(rest.stdout, "no changes\n", "{at}");
}

/// Kills `create` at one call after the other; `behaviour_at` says how and at which calls.
fn create_killed(step: usize, kill: impl Fn(usize) -> Behaviour) {
    let (cloud, config) = (Cloud::start(), config());
    let plain = Proxy::start(cloud.url(), behaviour());
    let wanted = undisturbed(&cloud, &plain, &config);
    for index in (1..MOST_CALLS).step_by(step) {
        let proxy = Proxy::start(cloud.url(), kill(index));
        if run_until_killed(&proxy, tool(&config, CREATE)).is_none() {
            assert!(index > 20, "create makes only {index} calls");
            assert_eq!(describe(&cloud, "ci", false), wanted.0);
            return;
        }
        let at = format!(
            "killed at call {index}: {}",
            proxy.calls()[index - 1].operation
        );
        converges(&cloud, &plain, &config, &wanted, &at);
        cloud.reset();
    }
    panic!("create makes more than {MOST_CALLS} calls");
}

#[test]
fn create_killed_after_every_call_converges() {
    create_killed(1, |index| behaviour().kill_at(index));
}

#[test]
fn create_killed_before_a_call_converges() {
    create_killed(3, |index| behaviour().kill_before(index));
}

/// Kills `destroy` at one call after the other: a second run leaves nothing.
fn destroy_killed(step: usize, kill: impl Fn(usize) -> Behaviour) {
    let (cloud, config) = (Cloud::start(), config());
    let plain = Proxy::start(cloud.url(), behaviour());
    for index in (1..MOST_CALLS).step_by(step) {
        cloud.reset();
        let empty = inventory(&cloud);
        run(&plain, &config, CREATE).expect_status(0);
        let proxy = Proxy::start(cloud.url(), kill(index));
        let killed = run_until_killed(&proxy, tool(&config, DESTROY)).is_some();
        let gone = vpc_ids(&cloud, "ci").is_empty();
        let again = run(&plain, &config, DESTROY);
        // moto deletes the DHCP options with the VPC. AWS keeps them: a run that dies in between leaves them, and they
        // are used again by the next `create`.
        again.expect_status(if gone { 2 } else { 0 });
        let at = &proxy.calls()[index.min(proxy.calls().len()) - 1].operation;
        assert_eq!(inventory(&cloud), empty, "killed at call {index}: {at}");
        if !killed {
            assert!(index > 15, "destroy makes only {index} calls");
            return;
        }
    }
    panic!("destroy makes more than {MOST_CALLS} calls");
}

#[test]
fn destroy_killed_after_every_call_leaves_nothing() {
    destroy_killed(1, |index| behaviour().kill_at(index));
}

#[test]
fn destroy_killed_before_a_call_leaves_nothing() {
    destroy_killed(3, |index| behaviour().kill_before(index));
}

#[test]
fn throttling_is_waited_out() {
    let (cloud, config) = (Cloud::start(), config());
    let plain = Proxy::start(cloud.url(), behaviour());
    let wanted = undisturbed(&cloud, &plain, &config);
    let empty = inventory(&cloud);
    // The SDK slows down after each refusal, so there are only a few.
    let throttled = behaviour().throttle("CreateSubnet", 2);
    let proxy = Proxy::start(cloud.url(), throttled);
    run(&proxy, &config, CREATE).expect_status(0);
    assert_eq!(describe(&cloud, "ci", false), wanted.0);
    assert_eq!(proxy.count("CreateSubnet"), 4, "two refused, two made");
    assert_eq!(
        numbers(&inventory(&cloud)),
        numbers(&wanted.1),
        "nothing is made twice"
    );

    let throttled = behaviour().throttle("DeleteVpc", 1);
    let proxy = Proxy::start(cloud.url(), throttled);
    run(&proxy, &config, DESTROY).expect_status(0);
    assert_eq!(inventory(&cloud), empty);
}

#[test]
fn throttling_without_end_is_reported_with_advice() {
    let (cloud, config) = (Cloud::start(), config());
    let proxy = Proxy::start(cloud.url(), behaviour().throttle("CreateVpc", 1000));
    let output = tool(&config, CREATE)
        .endpoint(proxy.url())
        .env("AWS_MAX_ATTEMPTS", "2")
        .run()
        .expect_status(1);
    assert!(
        output
            .stderr
            .contains("ec2:CreateVpc of environment ci: RequestLimitExceeded: "),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("\nhint: AWS throttles this account"),
        "{}",
        output.stderr
    );
    assert_eq!(proxy.count("CreateVpc"), 2);
}

#[test]
fn a_lost_answer_is_asked_for_again() {
    let (cloud, config) = (Cloud::start(), config());
    let plain = Proxy::start(cloud.url(), behaviour());
    let wanted = undisturbed(&cloud, &plain, &config);
    let proxy = Proxy::start(
        cloud.url(),
        behaviour().reset_at(2).reset_at(9).reset_at(12),
    );
    run(&proxy, &config, CREATE).expect_status(0);
    assert_eq!(describe(&cloud, "ci", false), wanted.0);
}

fn refusal(code: &str) -> String {
    format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors><RequestID>r-1</RequestID></Response>"
    )
}

#[test]
fn a_refused_call_is_reported_with_what_is_done_and_what_is_not() {
    let (cloud, config) = (Cloud::start(), config());
    let plain = Proxy::start(cloud.url(), behaviour());
    let wanted = undisturbed(&cloud, &plain, &config);
    let planned = run(&plain, &config, "create --name ci --type ci --dry-run").expect_status(0);

    let proxy = Proxy::start(
        cloud.url(),
        behaviour().answer("CreateSubnet", 400, &refusal("InvalidSubnet.Range")),
    );
    let output = run(&proxy, &config, CREATE).expect_status(1);
    assert_eq!(output.stdout, "");
    let report = &output.stderr[output.stderr.find("error: ").expect("a report")..];
    let (first, rest) = report.split_once('\n').unwrap();
    assert!(
        first.starts_with("error: 2 of ") && first.ends_with(" not started)"),
        "{report}"
    );
    for text in [
        "\n  failed: + subnet intranet us-west-2a 10.0.0.0/25: ec2:CreateSubnet of subnet intranet us-west-2a 10.0.0.0/25: InvalidSubnet.Range: no\n",
        "\n  failed: + subnet dmz us-west-2a 10.0.0.128/25: ",
        "\n  not started: + association of route table and subnet dmz us-west-2a",
        "\n  not started: + interface dmz us-west-2a 10.0.0.133 of mhcproxy",
        "\nhint: what is done stays; run the command again to go on",
    ] {
        assert!(report.contains(text), "`{text}` in\n{report}");
    }
    // Every planned line is either logged as done, failed or not started.
    for line in planned.stdout.lines() {
        assert!(
            output.stderr.contains(&format!(" INFO {line}\n")) || rest.contains(line),
            "`{line}` in\n{}",
            output.stderr
        );
    }
    converges(&cloud, &plain, &config, &wanted, "after a refusal");

    cloud.reset();
    let before = inventory(&cloud);
    let proxy = Proxy::start(
        cloud.url(),
        behaviour().answer("CreateVpc", 400, &refusal("VpcLimitExceeded")),
    );
    let output = run(&proxy, &config, CREATE).expect_status(1);
    assert!(
        output.stderr.contains("VpcLimitExceeded"),
        "{}",
        output.stderr
    );
    assert!(
        output
            .stderr
            .contains("\nhint: the account's limit of VPCs in this region is reached"),
        "{}",
        output.stderr
    );
    assert_eq!(vpc_ids(&cloud, "ci"), [""; 0]);
    // What needs no VPC may exist, and is used by the next run.
    converges(&cloud, &plain, &config, &wanted, "after a limit");
    run(&plain, &config, DESTROY).expect_status(0);
    assert_eq!(inventory(&cloud), before);
}

#[test]
fn destroy_goes_on_after_a_refusal() {
    let (cloud, config) = (Cloud::start(), config());
    let plain = Proxy::start(cloud.url(), behaviour());
    let empty = inventory(&cloud);
    run(&plain, &config, CREATE).expect_status(0);
    let proxy = Proxy::start(
        cloud.url(),
        behaviour().answer("DeleteRouteTable", 400, &refusal("UnauthorizedOperation")),
    );
    let output = run(&proxy, &config, DESTROY).expect_status(1);
    for text in [
        "\n  failed: - route table dmz ",
        "\n  not started: - vpc ci 10.0.0.0/24 ",
        "\nhint: the credentials in use lack this permission; what is done stays",
    ] {
        assert!(
            output.stderr.contains(text),
            "`{text}` in\n{}",
            output.stderr
        );
    }
    let subnets = cloud
        .client()
        .describe_subnets()
        .filters(in_vpc(&vpc_ids(&cloud, "ci")[0]))
        .send();
    assert!(
        cloud.wait(subnets).unwrap().subnets().is_empty(),
        "what does not need the tables is done"
    );
    run(&plain, &config, DESTROY).expect_status(0);
    assert_eq!(inventory(&cloud), empty);
}

#[test]
fn old_dhcp_options_that_cannot_be_deleted_are_only_a_note() {
    let (cloud, config) = (Cloud::start(), config());
    let plain = Proxy::start(cloud.url(), behaviour());
    run(&plain, &config, CREATE).expect_status(0);
    config.edit("disco_vpc.ini", "ci.example.com", "new.example.com");
    let refusing = behaviour().answer("DeleteDhcpOptions", 400, &refusal("DependencyViolation"));
    let proxy = Proxy::start(cloud.url(), refusing);
    let output = run(&proxy, &config, UPDATE).expect_status(0);
    assert!(
        output.stderr.contains("the old DHCP options stay: "),
        "{}",
        output.stderr
    );
    let shown = describe(&cloud, "ci", false);
    assert!(
        shown
            .iter()
            .any(|line| line.contains("domain-name=new.example.com")),
        "{shown:#?}"
    );
    assert!(shown.contains(&"dhcp sets: 2".to_owned()), "{shown:#?}");
    run(&plain, &config, UPDATE).expect_status(0);
    assert!(describe(&cloud, "ci", false).contains(&"dhcp sets: 1".to_owned()));
}

#[test]
fn ctrl_c_says_what_was_done_and_running_again_goes_on() {
    let (cloud, config) = (Cloud::start(), config());
    let plain = Proxy::start(cloud.url(), behaviour());
    let wanted = undisturbed(&cloud, &plain, &config);
    let proxy = Proxy::start(cloud.url(), behaviour().delay(Duration::from_millis(60)));
    let running = tool(&config, CREATE).endpoint(proxy.url()).spawn();
    let start = Instant::now();
    while proxy.count("AssociateRouteTable") == 0 {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{:?}",
            changing_calls(&proxy)
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    let id = running.child().lock().unwrap().id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status()
        .unwrap();
    assert!(sent.success());
    let output = running.wait().expect_status(130);
    assert_eq!(output.stdout, "");
    let report = &output.stderr[output
        .stderr
        .find("error: interrupted\n")
        .expect("a report")..];
    for text in [
        " planned changes were made; ",
        "\n  + vpc ci 10.0.0.0/24\n",
        "\n  + subnet ",
        "\nhint: run ",
    ] {
        assert!(report.contains(text), "`{text}` in\n{report}");
    }
    converges(&cloud, &plain, &config, &wanted, "after Ctrl-C");
}
