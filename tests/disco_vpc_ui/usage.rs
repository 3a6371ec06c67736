//! Help, version, usage errors, and the ways to write options. No cloud is needed: nothing is called.

use super::run;
use crate::support::asiaq;
use crate::support::config::TestConfig;

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

fn help(words: &str) -> String {
    let output = run(NOWHERE, &TestConfig::new(), words).expect_status(0);
    assert_eq!(output.stderr, "");
    output.stdout
}

#[test]
fn help_is_data() {
    insta::assert_snapshot!("help", help("--help"));
    insta::assert_snapshot!("help_check", help("check --help"));
    insta::assert_snapshot!("help_create", help("create --help"));
    insta::assert_snapshot!("help_destroy", help("destroy --help"));
    assert_eq!(
        help("--version"),
        format!("disco_vpc_ui {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn usage_errors_exit_2_and_say_why_on_stderr() {
    let table = [
        ("", "Usage: disco_vpc_ui"),
        ("explode", "unrecognized subcommand 'explode'"),
        ("create --name ci", "--type <TYPE>"),
        ("create --type ci", "--name <NAME>"),
        ("destroy", "<--name <NAME>|--vpc-id <VPC_ID>>"),
        ("destroy --name ci --vpc-id vpc-1", "cannot be used with"),
        ("update", "<--name <NAME>|--vpc-id <VPC_ID>>"),
        ("check --name ci", "--type <TYPE>"),
        ("check --type ci", "--name <NAME>"),
        ("list --output xml", "possible values: text, json"),
        ("list --d", "--d"),
        (
            "create --name ci --type ci --tag Name:x",
            "the tag `Name` identifies the environment",
        ),
        (
            "create --name ci --type ci --tag type:x",
            "the tag `type` identifies the environment",
        ),
        ("create --name ci --type ci --tag x", "expected KEY:VALUE"),
        ("create --name ci --type ci --tag :x", "expected KEY:VALUE"),
    ];
    for (words, text) in table {
        let output = run(NOWHERE, &TestConfig::standard(), words).expect_status(2);
        assert_eq!(output.stdout, "", "{words}");
        assert!(
            output.stderr.contains(text) && output.stderr.contains("Usage:"),
            "{words}:\n{}",
            output.stderr
        );
    }
}

#[test]
fn without_a_region_or_keys_or_an_endpoint_there_is_one_clear_error() {
    let config = TestConfig::standard();
    let tool = || {
        asiaq("disco_vpc_ui")
            .config(config.path())
            .args(["create", "--name", "ci", "--type", "ci"])
    };
    let table = [
        (
            tool().run(),
            "error: no AWS region is configured\n",
            "hint: set AWS_REGION",
        ),
        (
            tool()
                .env("AWS_REGION", "us-west-2")
                .env("AWS_ENDPOINT_URL", NOWHERE)
                .run(),
            "no usable AWS credentials\n",
            "hint: set AWS_PROFILE",
        ),
        (
            tool().endpoint(NOWHERE).run(),
            "cannot reach AWS: ",
            "hint: check the network",
        ),
    ];
    for (output, error, hint) in table {
        let output = output.expect_status(1);
        assert_eq!(output.stdout, "");
        let lines: Vec<&str> = output.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{}", output.stderr);
        assert!(
            output.stderr.contains(error) && lines[1].starts_with(hint),
            "{}",
            output.stderr
        );
    }
}

#[test]
fn an_endpoint_that_refuses_is_given_up_at_once() {
    let start = std::time::Instant::now();
    let output = run(NOWHERE, &TestConfig::new(), "list").expect_status(1);
    assert!(
        output.stderr.contains("ec2:DescribeVpcs"),
        "{}",
        output.stderr
    );
    assert!(
        start.elapsed() < std::time::Duration::from_secs(10),
        "no retries"
    );
}

#[test]
fn debug_shows_the_causes() {
    let output = run(NOWHERE, &TestConfig::new(), "list --debug").expect_status(1);
    assert!(
        output.stderr.contains("caused by: ") && output.stderr.contains("refused"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_bad_setting_of_the_environment_is_named() {
    let output = asiaq("disco_vpc_ui")
        .endpoint(NOWHERE)
        .env("ASIAQ_MAX_CONCURRENCY", "many")
        .args(["list"])
        .run()
        .expect_status(1);
    assert!(
        output
            .stderr
            .starts_with("error: environment variable ASIAQ_MAX_CONCURRENCY is `many`\nhint: "),
        "{}",
        output.stderr
    );
}
