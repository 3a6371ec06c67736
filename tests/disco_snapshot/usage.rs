//! Help and usage errors. Nothing is called.

use crate::support::{Output, asiaq};

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

fn run(words: &str) -> Output {
    let tool = asiaq("disco_snapshot").endpoint(NOWHERE);
    tool.args(words.split_whitespace()).run()
}

#[test]
fn help_and_usage() {
    let help = run("--help").expect_status(0);
    assert_eq!(help.stderr, "");
    insta::assert_snapshot!("help", help.stdout);
    insta::assert_snapshot!(
        "help_capture",
        run("capture --help").expect_status(0).stdout
    );
    for words in [
        "",
        "--env ci",
        "--tag a:b",
        "create --hostclass mhcdb",
        "create --size 10",
        "create --size 0 --hostclass mhcdb",
        "create --size ten --hostclass mhcdb",
        "delete",
        "cleanup --keep many",
        "capture",
        "capture --hostclass mhcdb --instance i-1",
        "capture --hostclass mhcdb --volume-id vol-1",
        "capture --hostclass mhcdb --tag a:b",
        "capture --volume-id vol-1 --tag nonsense",
        "--volume-id vol-1 list",
        "--volume-id vol-1 --output json",
        "capture --volume-id vol-1 --output json",
        "update",
        "shrink",
    ] {
        let output = run(words).expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{words}: {}",
            output.stderr
        );
    }
    let output = run("--env ci cleanup --keep 0").expect_status(1);
    assert!(
        output.stderr.contains("disco_aws.ini"),
        "the environment comes first: {}",
        output.stderr
    );
}
