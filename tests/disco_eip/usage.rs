//! Help and usage errors. Nothing is called.

use super::run;

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

#[test]
fn help_and_usage() {
    let help = run(NOWHERE, "--help").expect_status(0);
    assert_eq!(help.stderr, "");
    insta::assert_snapshot!("help", help.stdout);
    for words in [
        "",
        "release",
        "release --eip nonsense",
        "release --force",
        "list --eip 192.0.2.1",
        "grab",
    ] {
        let output = run(NOWHERE, words).expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{words}"
        );
    }
}
