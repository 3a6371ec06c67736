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
        "list-records example.com",
        "list-records --zone",
        "create-record example.com web.example.com CNAME",
        "create-record example.com web.example.com CNAME a b",
        "delete-record example.com web.example.com",
        "delete-record example.com web.example.com CNAME value",
        "list-zones --zone example.com",
        "grab",
    ] {
        let output = run(NOWHERE, words).expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{words}"
        );
    }
}

#[test]
fn an_unknown_type_is_refused_before_any_call() {
    for words in [
        "create-record example.com web.example.com CNAMES x.example.org",
        "delete-record example.com web.example.com CNAMES",
    ] {
        let output = run(NOWHERE, words).expect_status(1);
        assert_eq!(output.stdout, "");
        let wanted = "error: unknown record type CNAMES\nhint: the types are ";
        assert!(output.stderr.contains(wanted), "{}", output.stderr);
    }
}
