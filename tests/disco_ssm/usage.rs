//! Help and usage errors. Nothing is called.

use crate::support::{Output, asiaq};

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

fn run(tool: &str, words: &[&str]) -> Output {
    asiaq(tool).endpoint(NOWHERE).args(words).run()
}

#[test]
fn help_and_usage_of_disco_ssm() {
    let help = run("disco_ssm", &["--help"]).expect_status(0);
    assert_eq!(help.stderr, "");
    insta::assert_snapshot!("help", help.stdout);
    let help = run("disco_ssm", &["update-documents", "--help"]).expect_status(0);
    insta::assert_snapshot!("help_update_documents", help.stdout);
    for words in [
        &[][..],
        &["get-document"],
        &["get-document", "--name"],
        &["list-documents", "--no-wait"],
        &["update-documents", "--name", "x"],
        &["update-documents", "--env", "ci"],
        &["delete-documents"],
    ] {
        let output = run("disco_ssm", words).expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{words:?}"
        );
    }
}

#[test]
fn help_and_usage_of_exec_ssm() {
    let help = run("disco_aws", &["exec-ssm", "--help"]).expect_status(0);
    insta::assert_snapshot!("help_exec_ssm", help.stdout);
    for words in [
        &["--hostclass", "mhcapp"][..],
        &["--document", "abc"],
        &[
            "--document",
            "abc",
            "--hostclass",
            "mhcapp",
            "--instance",
            "i-1",
        ],
        &[
            "--document",
            "abc",
            "--hostclass",
            "mhcapp",
            "--parameters",
            "nonsense",
        ],
        &[
            "--document",
            "abc",
            "--hostclass",
            "mhcapp",
            "--parameters",
            "=x",
        ],
        &["--document", "abc", "--hostclass", "mhcapp", "--comment"],
    ] {
        let output = run("disco_aws", &[&["exec-ssm"], words].concat()).expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{words:?}"
        );
    }
}
