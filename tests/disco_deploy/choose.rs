//! Command line, `list`, and what `test` and `update` choose, as a dry run tells it.

use super::bed::Bed;
use crate::support::config::TestConfig;
use crate::support::environment::changing_calls;
use crate::support::proxy::Behaviour;
use crate::support::proxy::Proxy;
use crate::support::{Output, asiaq};
use serde_json::Value;

const PIPELINE: &str = "\
hostclass,deployable,integration_test,instance_type
mhca,yes,a_all,t2.micro
mhcb,no,,t2.micro
mhcc,yes,,t2.micro
";

/// The images of the worked example of spec 50, section 12.4; ids by name.
fn example(bed: &Bed) -> impl Fn(&str) -> String {
    let images = [
        ("mhca", 100, "tested"),
        ("mhca", 200, "untested"),
        ("mhca", 300, "failed"),
        ("mhca", 150, ""),
        ("mhcb", 100, "tested"),
        ("mhcb", 50, "untested"),
        ("mhcc", 60, ""),
        ("mhcc", 80, "untested"),
        ("mhcd", 90, "untested"),
    ];
    let made = images.map(|(hostclass, at, stage)| {
        (format!("{hostclass}@{at}"), bed.image(hostclass, at, stage))
    });
    let private = [("stage", "tested"), ("is_private", "True")];
    let private = bed.cloud.register_image("mhcc 70", &private);
    move |name: &str| {
        let found = made.iter().find(|(own, _)| own == name);
        found.map_or(&private, |(_, id)| id).clone()
    }
}

/// `HOSTCLASS@AT` of the lines of a listing.
fn listed(output: &Output, id: &impl Fn(&str) -> String) -> Vec<String> {
    let names = [
        "mhca@100", "mhca@200", "mhca@300", "mhca@150", "mhcb@100", "mhcb@50", "mhcc@60",
        "mhcc@70", "mhcc@80", "mhcd@90",
    ];
    let name = |line: &str| {
        let found = names.iter().find(|name| line.starts_with(&id(name)));
        (*found.expect("a known image")).to_owned()
    };
    output.stdout.lines().map(name).collect()
}

#[test]
fn lists_of_the_worked_example() {
    let bed = Bed::new();
    let id = example(&bed);
    let file = bed.pipeline(PIPELINE);
    let rows: [(&str, i32, &[&str]); 10] = [
        ("--tested", 0, &["mhca@100", "mhcb@100"]),
        ("--untested", 0, &["mhca@200", "mhcb@50", "mhcc@80"]),
        ("--failed", 0, &["mhca@300"]),
        ("--testable", 0, &["mhca@200", "mhcc@80"]),
        ("--failures", 1, &["mhca@300"]),
        ("--failures --hostclass mhcb", 0, &[]),
        ("--testable --hostclass mhcd", 0, &["mhcd@90"]),
        (
            "--testable --allow-any-hostclass",
            0,
            &["mhca@200", "mhcc@80", "mhcd@90"],
        ),
        ("--updatable --environment ci", 0, &["mhca@150", "mhcc@60"]),
        ("--updatable --env ci --hostclass mhcb", 0, &[]),
    ];
    for (words, status, wanted) in rows {
        let mut args = vec!["list", "--pipeline", &file];
        args.extend(words.split(' '));
        let output = bed.run(&args).expect_status(status);
        assert_eq!(listed(&output, &id), wanted, "{words}");
    }
    // By image, whatever the pipeline says; without a pipeline the last column is empty.
    let a200 = id("mhca@200");
    let output = bed
        .run(&["--untested", "list", "--ami", &a200])
        .expect_status(0);
    assert_eq!(output.stdout, format!("{a200} {:<40} \n", "mhca"));
    let args = [
        "list",
        "--untested",
        "--hostclass=mhca",
        "--pipeline",
        &file,
    ];
    let output = bed.run(&args).expect_status(0);
    assert_eq!(output.stdout, format!("{a200} {:<40} a_all\n", "mhca"));
    let output = bed.run(&["list", "--untested"]).expect_status(0);
    assert_eq!(output.stdout, "", "no pipeline, nothing to list");

    let args = [
        "--output",
        "json",
        "list",
        "--testable",
        "--pipeline",
        &file,
    ];
    let json: Value = serde_json::from_str(&bed.run(&args).expect_status(0).stdout).unwrap();
    let wanted = serde_json::json!([
        {"ami_id": a200, "hostclass": "mhca", "integration_test": "a_all", "name": "mhca 200",
         "stage": "untested", "created": "1970-01-01T00:03:20Z"},
        {"ami_id": id("mhcc@80"), "hostclass": "mhcc", "integration_test": null, "name": "mhcc 80",
         "stage": "untested", "created": "1970-01-01T00:01:20Z"},
    ]);
    assert_eq!(json, wanted);
}

#[test]
fn an_image_and_its_hostclass_belong_together() {
    let bed = Bed::new();
    let image = bed.image("mhcapp", 1_700_000_000, "untested");
    let file = bed.pipeline("hostclass\nmhcapp\n");
    for command in ["list --tested", "test --dry-run"] {
        let run = |ami: &str| {
            let mut args: Vec<&str> = command.split(' ').collect();
            args.extend(["--pipeline", &file, "--hostclass", "mhcdb", "--ami", ami]);
            bed.run(&args).expect_status(1).stderr
        };
        let text = format!("AMI {image} does not belong to hostclass mhcdb");
        assert!(run(&image).contains(&text), "{}", run(&image));
        let missing = run("ami-00000000000000000");
        assert!(
            missing.contains("AMI not found: ['ami-00000000000000000']"),
            "{missing}"
        );
        assert!(missing.contains("trusted_account_ids"), "{missing}");
    }
}

#[test]
fn what_runs_decides_what_an_update_takes() {
    let bed = Bed::new();
    let id = example(&bed);
    let file = bed.pipeline(PIPELINE);
    let args = ["list", "--updatable", "--pipeline", &file, "--env", "ci"];
    let now = || listed(&bed.run(&args).expect_status(0), &id);
    assert_eq!(now(), ["mhca@150", "mhcc@60"], "nothing runs");

    let gone = bed.image("mhca", 400, "tested");
    let of_gone = bed.instance(&gone, &[("hostclass", "mhca")]);
    let call = bed.cloud.client().deregister_image().image_id(&gone);
    bed.cloud.wait(call.send()).unwrap();
    assert_eq!(
        now(),
        ["mhca@150", "mhcc@60"],
        "an image that is gone does not count"
    );
    bed.terminate(&[of_gone]);

    let old = bed.instance(&id("mhca@100"), &[]);
    assert_eq!(now(), ["mhca@150", "mhcc@60"]);
    let newest = bed.instance(&id("mhca@150"), &[]);
    assert_eq!(now(), ["mhcc@60"]);
    // The image that is asked for is compared with what runs, which was not asked for.
    let ami = id("mhca@100");
    let output = bed.run(&[&args[..], &["--ami", &ami]].concat());
    assert_eq!(output.expect_status(0).stdout, "");
    bed.terminate(&[newest, old]);
    assert_eq!(
        now(),
        ["mhca@150", "mhcc@60"],
        "terminated instances do not run"
    );

    let args = [
        "list",
        "--updatable",
        "--pipeline",
        &file,
        "--env",
        "nowhere",
    ];
    let stderr = bed.run(&args).expect_status(1).stderr;
    assert!(
        stderr.contains("cannot select environment `nowhere`"),
        "{stderr}"
    );
    let args = [
        "list",
        "--testable",
        "--pipeline",
        &file,
        "--env",
        "nowhere",
    ];
    bed.run(&args).expect_status(0);
}

#[test]
fn dry_runs_tell_what_would_be_deployed() {
    let bed = Bed::new();
    bed.configure("[test]\nhostclass=mhctester\ncommand=/opt/run\nuser=tester\n");
    let id = example(&bed);
    let file = bed.pipeline(PIPELINE);
    let dry = |words: &str| {
        let mut args: Vec<&str> = words.split(' ').collect();
        args.extend(["--pipeline", &file, "--dry-run"]);
        let (output, proxy) = bed.watch(&args);
        assert_eq!(changing_calls(&proxy), [""; 0], "{words}");
        output
    };
    let first = |words: &str| {
        let output = dry(words).expect_status(0);
        output.stdout.lines().next().unwrap_or_default().to_owned()
    };
    let headline = |deployable: &str, hostclass: &str, ami: &str, strategy: &str| {
        format!(
            "testing {deployable} hostclass {hostclass} AMI {ami} with {strategy} deployment strategy"
        )
    };
    let table = [
        (
            "test --hostclass mhca",
            ("deployable", "mhca", "mhca@200", "blue_green"),
        ),
        (
            "test --hostclass mhcd",
            ("non-deployable", "mhcd", "mhcd@90", "blue_green"),
        ),
        (
            "test --hostclass mhcd --deployable yes",
            ("deployable", "mhcd", "mhcd@90", "blue_green"),
        ),
        (
            "test --hostclass mhca --deployable maybe",
            ("non-deployable", "mhca", "mhca@200", "blue_green"),
        ),
        (
            "test --hostclass mhcc --strategy rolling",
            ("deployable", "mhcc", "mhcc@80", "rolling"),
        ),
        (
            "update --env ci --hostclass mhcc",
            ("deployable", "mhcc", "mhcc@60", "blue_green"),
        ),
    ];
    for (words, (deployable, hostclass, image, strategy)) in table {
        let wanted = headline(deployable, hostclass, &id(image), strategy);
        assert_eq!(first(words), wanted, "{words}");
    }
    // By id neither stage nor privacy count.
    for image in ["mhca@300", "mhcc@70", "mhcb@50"] {
        let found = first(&format!("test --ami {}", id(image)));
        assert!(found.contains(&id(image)), "{found}");
    }
    // One of two is drawn, and it is said which.
    let output = dry("test").expect_status(0);
    assert!(
        output
            .stderr
            .contains("is drawn at random, one of 2 candidates"),
        "{}",
        output.stderr
    );
    let drawn = [id("mhca@200"), id("mhcc@80")];
    assert!(
        drawn
            .iter()
            .any(|ami| output.stdout.contains(&format!("AMI {ami} ")))
    );

    let output = dry("test --hostclass mhcb").expect_status(0);
    assert_eq!(output.stdout, "");
    assert!(
        output.stderr.contains("No untested AMIs found."),
        "{}",
        output.stderr
    );
    let update = format!("update --env ci --ami {}", id("mhcd@90"));
    for (words, wanted) in [
        (
            "test --hostclass mhca --strategy canary",
            "Unsupported deployment strategy: canary",
        ),
        (&update, "Pipeline Dictionary is not defined"),
        (
            "test --hostclass mhca --env nowhere",
            "cannot select environment `nowhere`",
        ),
    ] {
        let output = dry(words).expect_status(1);
        assert!(output.stderr.contains(wanted), "{words}: {}", output.stderr);
        assert_eq!(output.stdout, "");
    }
}

#[test]
fn the_group_that_serves_and_its_sizes() {
    let bed = Bed::new();
    let old = bed.image("mhcapp", 1_700_000_000, "tested");
    let new = bed.image("mhcapp", 1_700_000_100, "untested");
    let file = bed.pipeline("hostclass,desired_size\nmhcapp,7\n");
    let args = ["test", "--pipeline", &file, "--dry-run"];
    let lines = || {
        let output = bed.run(&args).expect_status(0);
        let lines = output.stdout.lines().map(str::to_owned);
        lines.collect::<Vec<String>>()
    };
    let found = lines();
    assert!(found[0].contains(&new), "{found:?}");
    assert_eq!(found[1], "no group serves");
    assert_eq!(
        found[2],
        "group under deployment (asg): desired 7, min 0, max 7"
    );
    let group = bed.serving("mhcapp", &old, 2, 3);
    let found = lines();
    assert_eq!(
        found[1],
        format!("group {group} (asg) serves: desired 2, min 0, max 3")
    );
    assert_eq!(
        found[2],
        "group under deployment (asg): desired 2, min 0, max 3"
    );
    assert_eq!(found[3], "integration test: -");

    let args = [&args[..], &["--output", "json"]].concat();
    let json: Value = serde_json::from_str(&bed.run(&args).expect_status(0).stdout).unwrap();
    let own = &json[0];
    assert_eq!(
        (&own["old_group"], &own["ami_id"]),
        (&group.into(), &new.into())
    );
    assert_eq!(
        (&own["desired_size"], &own["type"]),
        (&2.into(), &"asg".into())
    );

    // Options of tests are asked for before anything happens.
    let file = bed.pipeline("hostclass,integration_test\nmhcapp,app_all\n");
    let stderr = bed
        .run(&["test", "--pipeline", &file, "--dry-run"])
        .expect_status(1)
        .stderr;
    for key in ["test_hostclass", "test_command", "test_user"] {
        assert!(stderr.contains(&format!("no option `{key}`")), "{stderr}");
    }
}

/// An update that finds nothing: VPC, images and groups are read at once, then what runs and what is left over.
#[test]
fn choosing_takes_two_round_trips() {
    let bed = Bed::new();
    bed.image("mhcapp", 1_700_000_000, "untested");
    let file = bed.pipeline("hostclass,deployable\nmhcapp,yes\n");
    let args = ["update", "--pipeline", &file, "--environment", "ci"];
    let proxy = Proxy::start(
        bed.cloud.url(),
        Behaviour::new().delay(std::time::Duration::from_millis(100)),
    );
    let output = bed.tool_at(proxy.url(), &args).run().expect_status(0);
    assert!(
        output.stderr.contains("No untested AMIs found."),
        "{}",
        output.stderr
    );
    assert_eq!(proxy.count("DescribeImages"), 1);
    assert_eq!(proxy.count("DescribeInstances"), 1);
    assert_eq!(proxy.count("DescribeVpcs"), 1);
    assert_eq!(proxy.longest_chain(), 2, "{:?}", proxy.calls());
}

#[test]
fn help_and_usage() {
    let config = TestConfig::standard();
    let run = |words: &str| {
        asiaq("disco_deploy")
            .endpoint("http://127.0.0.1:9")
            .config(config.path())
            .args(words.split_whitespace())
            .run()
    };
    let help = run("--help").expect_status(0);
    assert_eq!(help.stderr, "");
    insta::assert_snapshot!("help", help.stdout);
    let wrong = [
        "",
        "grab",
        "test",
        "update --pipeline p.csv",
        "update --environment ci",
        "list",
        "list --tested --untested",
        "--tested list --failed",
        "list --updatable",
        "list --updatable --pipeline p.csv",
        "list --updatable --environment ci",
        "list --tested --strategy rolling",
        "list --tested --ticket T",
        "list --deployable yes --tested",
        "test --pipeline p.csv --tested",
        "update --pipeline p.csv --environment ci --failures",
        "list --test",
        "test --pipeline p.csv --output json",
        "test --pipeline p.csv --ami=",
        "test --pipeline",
        "test --pipeline p.csv extra",
    ];
    for words in wrong {
        let output = run(words).expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{words}: {}",
            output.stderr
        );
    }
    config.write("p.csv", "hostclass\nmhcapp\n");
    let file = config.path().join("p.csv").display().to_string();
    let right = [
        "list --tested --hostclass mhcapp --dry-run",
        "--failures list --ami ami-1",
        "--pipe FILE test --dep=no",
        "test --pipeline=FILE --env ci --output json --dry-run",
        "--environment ci --pipeline FILE update --allow",
        "list --upd --pipe FILE --env ci",
    ];
    // What is right gets as far as AWS.
    for words in right {
        let output = run(&words.replace("FILE", &file)).expect_status(1);
        assert!(
            output.stderr.contains("cannot reach AWS"),
            "{words}: {}",
            output.stderr
        );
    }
    for (text, wanted) in [
        ("nothing", "cannot read the pipeline"),
        ("ami\nx\n", "missing required header hostclass"),
    ] {
        let path = config.path().join("other.csv");
        if text != "nothing" {
            config.write("other.csv", text);
        }
        let words = format!("test --pipeline {}", path.display());
        let stderr = run(&words).expect_status(1).stderr;
        assert!(stderr.contains(wanted), "{stderr}");
    }
}
