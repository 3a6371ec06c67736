//! A sandbox is made, found again, changed.

use std::time::{Duration, Instant};

use aws_sdk_ec2::types::Tag;

use super::{World, changing, told};
use crate::disco_aws::name_of;
use crate::support::asiaq;
use crate::support::environment::vpc_ids;
use crate::support::proxy::{Behaviour, Proxy};

const ARGS: &str = "box7 --config-dir base --tag productline:fruit --tag url:http://x";

fn tags_of_vpc(world: &World, name: &str) -> Vec<(String, String)> {
    let ids = vpc_ids(&world.cloud, name);
    let call = world.cloud.client().describe_vpcs().vpc_ids(&ids[0]).send();
    let answer = world.cloud.wait(call).unwrap();
    let pair = |tag: &Tag| {
        (
            tag.key().unwrap().to_owned(),
            tag.value().unwrap().to_owned(),
        )
    };
    let mut tags: Vec<_> = answer.vpcs()[0].tags().iter().map(pair).collect();
    tags.retain(|(key, _)| key != "create_date");
    tags.sort();
    tags
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[test]
fn the_worked_example() {
    let world = World::new();
    let output = world.run(ARGS).expect_status(0);
    assert_eq!(output.stdout, "", "a plan that is made prints no data");
    assert_eq!(
        world.objects(),
        [
            pair("fw/box7", "203.0.113.0/24\n"),
            pair("zk/black/box7", "mhcdb\n")
        ]
    );
    let head = world.s3().head_object().bucket("cfg").key("fw/box7").send();
    let head = world.cloud.wait(head).unwrap();
    assert_eq!(head.server_side_encryption(), None, "the bucket decides");
    assert_eq!(
        tags_of_vpc(&world, "box7"),
        [
            pair("Name", "box7"),
            pair("application", ""),
            pair("productline", "fruit"),
            pair("type", "sandbox"),
            pair("url", "http://x")
        ]
    );
    assert_eq!(
        world.sizes(),
        [
            ("box7_mhcapp".to_owned(), 0, 2, 3),
            ("box7_mhcproxy".to_owned(), 0, 1, 1)
        ]
    );
    for group in world.groups() {
        let tag = |key: &str| {
            let own = group.tags().iter().find(|tag| tag.key() == Some(key));
            own.and_then(|tag| tag.value().map(str::to_owned))
        };
        assert_eq!(tag("environment_class").as_deref(), Some("development"));
        assert_eq!(tag("environment").as_deref(), Some("box7"));
        assert_eq!(tag("is_testing").as_deref(), Some("0"));
        assert_eq!(tag("owner").as_deref(), Some("ann"));
    }
    steps_are_told(&told(&output));
}

#[track_caller]
fn steps_are_told(lines: &[String]) {
    let found = |start: &str, end: &str| {
        lines
            .iter()
            .position(|line| line.starts_with(start) && line.ends_with(end))
            .unwrap_or_else(|| panic!("`{start}…{end}` in {lines:#?}"))
    };
    let order = [
        found("[1/5] 0.", " s: checks of sandbox box7"),
        found("Checking if environment 'box7' already exists", ""),
        found("[2/5] ", " s: configuration files in bucket cfg"),
        found(
            "Uploading config file file ",
            "sandboxes/base/ips to fw/box7",
        ),
        found("[3/5] ", " s: environment box7"),
        found("+ vpc box7 10.0.0.0/24", ""),
        found("[4/5] ", " s: sequence 1: mhcproxy"),
        found("[5/5] ", " s: sequence 2: mhcapp"),
        found("Spun up 2 instances of mhcapp", ""),
        found("sandbox box7 is up after ", " s"),
        found("  its hosts:  disco_aws --env box7 listhosts", ""),
        found("  log in:     disco_ssh --env box7 HOST", ""),
        found("  destroy it: asiaq sandbox box7 --destroy", ""),
    ];
    assert!(order.is_sorted(), "{order:?} of {lines:#?}");
}

#[test]
fn the_dry_run_of_a_new_sandbox_shows_everything_and_changes_nothing() {
    let world = World::new();
    let before = world.everything();
    let (output, proxy) = world.watch(&format!("{ARGS} --dry-run"));
    let text = output.expect_status(0).stdout;
    assert_eq!(changing(&proxy), [""; 0]);
    assert_eq!(world.everything(), before);
    let headings: Vec<&str> = text.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(
        headings,
        [
            "configuration files",
            "environment",
            "sequence 1",
            "sequence 2"
        ]
    );
    for line in [
        "  + object s3://cfg/zk/black/box7 from ",
        "  + vpc box7 10.0.0.0/24\n",
        "  + interface dmz ",
        "  + group mhcproxy from ami-",
        ": min 0, desired 2, max 3, t2.micro\n",
    ] {
        let line = line.replace("min 0, ", "");
        assert!(text.contains(&line), "`{line}` in\n{text}");
    }
    let json = world.run(&format!("{ARGS} --dry-run --output json"));
    let items: Vec<serde_json::Value> =
        serde_json::from_str(&json.expect_status(0).stdout).unwrap();
    let shown = text.lines().filter(|line| line.starts_with(' ')).count();
    assert_eq!(items.len(), shown);
    let keys: Vec<&String> = items[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["part", "sequence", "hostclass", "sign", "text"]);
    assert_eq!(items[0]["part"], "files");
    assert_eq!(items[2]["part"], "environment");
    let last = items.last().unwrap();
    assert_eq!(last["part"], "pipeline");
    assert_eq!(
        (&last["sequence"], &last["hostclass"]),
        (&2.into(), &"mhcapp".into())
    );
}

#[test]
fn a_second_run_changes_nothing_and_a_third_what_was_edited() {
    let world = World::new();
    world.run(ARGS).expect_status(0);
    let (before, names) = (world.everything(), world.groups());
    let (again, proxy) = world.watch(ARGS);
    let lines = told(&again.expect_status(0));
    assert_eq!(changing(&proxy), [""; 0]);
    assert_eq!(world.everything(), before);
    for line in [
        "Sandbox box7 already exists: updating it.",
        "= environment box7 is as wanted",
        "= object s3://cfg/fw/box7 is as wanted",
    ] {
        assert!(
            lines.iter().any(|told| told == line),
            "`{line}` in {lines:#?}"
        );
    }
    let kept = lines.iter().filter(|line| line.starts_with("= group "));
    assert_eq!(kept.count(), 2);
    // Nothing is fetched twice.
    assert_eq!(proxy.count("DescribeVpcs"), 1);
    assert_eq!(proxy.count("DescribeAutoScalingGroups"), 1);
    assert_eq!(proxy.count("DescribeImages"), 1);

    world
        .config
        .edit(
            "sandboxes/base/pipeline.csv",
            "2,mhcapp,,2,3",
            "2,mhcapp,,3,3",
        )
        .write("sandboxes/base/ips", "198.51.100.0/24\n")
        .edit("disco_vpc.ini", "tcp dmz 80\n", "tcp dmz 80 443\n");
    let words = "box7 --config-dir base --tag productline:nuts --tag team:a";
    let (dry, proxy) = world.watch(&format!("{words} --dry-run"));
    let text = dry.expect_status(0).stdout;
    assert_eq!(changing(&proxy), [""; 0]);
    for line in [
        "  = object s3://cfg/zk/black/box7 is as wanted",
        "  ~ object s3://cfg/fw/box7: differs from ",
        "  ~ vpc tag productline: fruit -> nuts",
        "  + vpc tag team: a",
        "  = group mhcproxy box7_mhcproxy_",
        "443",
    ] {
        assert!(text.contains(line), "`{line}` in\n{text}");
    }
    world.run(words).expect_status(0);
    assert_eq!(world.objects()[0], pair("fw/box7", "198.51.100.0/24\n"));
    let tags = tags_of_vpc(&world, "box7");
    assert!(tags.contains(&pair("productline", "nuts")) && tags.contains(&pair("team", "a")));
    assert!(
        tags.contains(&pair("url", "http://x")),
        "tags stay: {tags:?}"
    );
    assert_eq!(world.sizes()[0], ("box7_mhcapp".to_owned(), 0, 3, 3));
    let after = world.groups();
    assert_eq!(
        after.iter().map(name_of).collect::<Vec<_>>(),
        names.iter().map(name_of).collect::<Vec<_>>()
    );
}

#[test]
fn a_group_that_no_row_names_any_more_is_told() {
    let world = World::new();
    world.run(ARGS).expect_status(0);
    world.config.write(
        "sandboxes/base/pipeline.csv",
        "sequence,hostclass,desired_size,max_size,instance_type\n2,mhcapp,2,3,t2.micro\n",
    );
    let output = world.run(ARGS).expect_status(0);
    let text = "hostclass mhcproxy has a group and no row in the pipeline";
    assert!(output.stderr.contains(text), "{}", output.stderr);
    assert!(!output.stderr.contains("hostclass mhcapp has a group"));
    assert_eq!(world.sizes().len(), 2, "it stays");
}

/// The tool of its own is the same command.
#[test]
fn asiaq_sandbox_is_the_same() {
    let world = World::new();
    let run = |words: &str| {
        asiaq("asiaq_sandbox")
            .endpoint(world.cloud.url())
            .config(world.config.path())
            .args(words.split_whitespace())
            .run()
    };
    let own = run("-d --environment ci --config-dir base --dry-run box7").expect_status(0);
    let other = world
        .run("box7 --config-dir base --dry-run")
        .expect_status(0);
    assert_eq!(own.stdout, other.stdout);
    run("box7 --config-dir=base").expect_status(0);
    assert_eq!(world.sizes().len(), 2);
    let text = run("box7 --config-dir base --dry-run")
        .expect_status(0)
        .stdout;
    assert!(
        text.lines()
            .all(|line| !line.starts_with("  ") || line.starts_with("  = ")),
        "{text}"
    );
}

/// Options of the configuration are those of `--env`, else of DEFAULT_ENV, else of default_environment: never the sandbox's.
#[test]
fn the_environment_of_the_options_is_not_the_sandbox() {
    let world = World::new();
    world.make_bucket("other");
    world.make_bucket("wrong");
    world.config.edit(
        "disco_aws.ini",
        "sandbox_config_bucket = cfg",
        "sandbox_config_bucket = cfg\nsandbox_config_bucket@other = other\nsandbox_config_bucket@box7 = wrong",
    );
    let bucket = |tool: crate::support::Asiaq| {
        let text = tool
            .endpoint(world.cloud.url())
            .run()
            .expect_status(0)
            .stdout;
        let (_, rest) = text.split_once("s3://").unwrap();
        rest.split_once('/').unwrap().0.to_owned()
    };
    let words = "box7 --config-dir base --dry-run";
    assert_eq!(bucket(world.tool(words)), "cfg");
    assert_eq!(bucket(world.tool(&format!("{words} --env other"))), "other");
    assert_eq!(
        bucket(world.tool(words).env("DEFAULT_ENV", "other")),
        "other"
    );
    let both = world
        .tool(&format!("{words} --env other"))
        .env("DEFAULT_ENV", "box7");
    assert_eq!(bucket(both), "other");
}

#[test]
fn the_pipeline_of_the_working_directory_comes_first() {
    let world = World::new();
    let here = crate::support::config::TestConfig::new();
    let dry_run = |words: &str| {
        let tool = world.tool(words).directory(here.path());
        tool.endpoint(world.cloud.url())
            .run()
            .expect_status(0)
            .stdout
    };
    let words = "box7 --config-dir base --dry-run";
    assert!(dry_run(words).contains("+ group mhcproxy"));
    here.write(
        "sandboxes/base/pipeline.csv",
        "sequence,hostclass\n7,mhcapp\n",
    );
    let text = dry_run(words);
    assert!(
        text.contains("sequence 7\n") && !text.contains("mhcproxy from"),
        "{text}"
    );
    // The files stay those of the configuration directory.
    assert!(text.contains("+ object s3://cfg/fw/box7 from "), "{text}");
}

#[test]
fn nothing_is_synced_when_nothing_is_configured() {
    let world = World::new();
    world.config.edit("disco_aws.ini", super::SYNC, "\n");
    let (output, proxy) = world.watch("base");
    let lines = told(&output.expect_status(0));
    assert!(
        lines.iter().any(|line| line.starts_with("[4/4] ")),
        "{lines:#?}"
    );
    assert_eq!(world.keys(), [""; 0]);
    let s3 = proxy
        .calls()
        .into_iter()
        .filter(|call| call.service == "s3");
    assert_eq!(s3.count(), 0);
    assert_eq!(world.sizes()[0].0, "base_mhcapp");
}

/// As `spinup` does: the next sequence waits for the smoke tests of the one before.
#[test]
fn smoke_tests_are_on() {
    let world = World::new();
    world.config.write(
        "sandboxes/base/pipeline.csv",
        "sequence,hostclass,desired_size,instance_type,smoke_test\n1,mhcproxy,1,t2.micro,yes\n2,mhcapp,1,t2.micro,no\n",
    );
    let proxy = Proxy::start(world.cloud.url(), Behaviour::new());
    let running = world.tool("base").endpoint(proxy.url()).spawn();
    let deadline = Instant::now() + Duration::from_secs(60);
    while proxy.count("DescribeInstances") < 3 {
        assert!(Instant::now() < deadline, "nobody looks at the hosts");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(world.sizes().len(), 1);
    let hosts = world.groups()[0].instances().to_vec();
    let tag = Tag::builder().key("smoketest").value("tested").build();
    let call = world.cloud.client().create_tags().tags(tag);
    let call = call.resources(hosts[0].instance_id().unwrap());
    world.cloud.wait(call.send()).unwrap();
    running.wait().expect_status(0);
    assert_eq!(world.sizes().len(), 2);
}
