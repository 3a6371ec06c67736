//! Help, usage errors and `--silent`.

use super::{BUCKET, bucket, run};
use crate::support::{Output, asiaq};

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

fn bare(words: &str) -> Output {
    asiaq("disco_creds")
        .endpoint(NOWHERE)
        .args(words.split_whitespace())
        .run()
}

#[test]
fn help_and_usage() {
    let mut text = String::new();
    for command in ["", "list", "get", "set", "delete", "setfile"] {
        let help = bare(&format!("{command} --help")).expect_status(0);
        assert_eq!(help.stderr, "");
        text += &format!("$ disco_creds {command} --help\n{}\n", help.stdout);
    }
    insta::assert_snapshot!("help", text);
    for words in [
        "",
        "show",
        "get",
        "get --key",
        "get --key k --output json",
        "list --output svg",
        "list --bucket=",
        "set --key k",
        "set --value v",
        "set --key k --value v --password",
        "delete --all-versions",
        "setfile --key k",
        "setfile --filename f",
        "--silent --debug list",
        "--debug list --silent",
        "--silent list --debug",
        "--bucket b --env e list",
        "--bucket b list --env e",
        "--env e list --bucket b",
        "list extra",
    ] {
        let output = bare(words).expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{words}: {}",
            output.stderr
        );
    }
}

#[test]
fn silence_hides_everything_but_data_and_the_exit_code() {
    let cloud = bucket();
    run(cloud.url(), "set --key k --value v --silent").expect_status(0);
    let got = run(cloud.url(), "--silent get --key k").expect_status(0);
    assert_eq!((got.stdout.as_str(), got.stderr.as_str()), ("v\n", ""));
    for words in ["get --key none", "setfile --key none --filename f"] {
        let loud = run(cloud.url(), words).expect_status(1);
        assert!(loud.stderr.starts_with("error: "), "{}", loud.stderr);
        let quiet = run(cloud.url(), &format!("{words} --silent")).expect_status(1);
        assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    }
    // Even where logs are asked for, and where the failure comes early.
    let output = asiaq("disco_creds")
        .endpoint(cloud.url())
        .env("ASIAQ_LOG", "trace")
        .env("ASIAQ_MAX_CONCURRENCY", "nonsense")
        .args(["--bucket", BUCKET, "list", "--silent"])
        .run()
        .expect_status(1);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
}
