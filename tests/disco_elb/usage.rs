//! Help and usage errors. Nothing is called.

use crate::support::config::TestConfig;
use crate::support::{Output, asiaq};

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

fn run(words: &str) -> Output {
    let config = TestConfig::standard();
    asiaq("disco_elb")
        .endpoint(NOWHERE)
        .config(config.path())
        .args(words.split_whitespace())
        .run()
}

#[test]
fn help_and_usage() {
    let help = run("--help").expect_status(0);
    assert_eq!(help.stderr, "");
    insta::assert_snapshot!("help", help.stdout);
    for words in [
        "",
        "update",
        "create",
        "delete",
        "delete --hostclass mhcweb --testing",
        "list --hostclass mhcweb",
        "grab",
    ] {
        let output = run(words).expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{words}"
        );
    }
}
