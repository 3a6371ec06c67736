//! Help, usage errors and `hashpassword`. Nothing is called, and there is no configuration.

use super::{fed, is_hash_of};
use crate::support::{Output, asiaq};

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

fn run(words: &str) -> Output {
    let tool = asiaq("disco_accounts").endpoint(NOWHERE);
    tool.args(words.split_whitespace()).run()
}

#[test]
fn help_and_usage() {
    for words in [
        "--help",
        "adduser --help",
        "edituser --help",
        "install --help",
    ] {
        let help = run(words).expect_status(0);
        assert_eq!(help.stderr, "");
        let name = words.replace("--", "").replace(' ', "_");
        insta::assert_snapshot!(name, help.stdout);
    }
    for words in [
        "",
        "listusers listgroups",
        "add-user",
        "addgroup",
        "addgroup --name",
        "addgroup --name a/b",
        "addgroup --name=-rf",
        "addgroup --name ops --password x",
        "adduser --name 2000",
        "editgroup",
        "editgroup --name ops --active no",
        "edituser",
        "edituser --name ann --active maybe",
        "edituser --name ann --active",
        "install --name ann",
        "listusers --bucket a --env b",
        "--bucket a listusers --env b",
        "--dry-run",
        "hashpassword --output json",
    ] {
        let output = run(words).expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{words}: {}",
            output.stderr
        );
    }
}

#[test]
fn options_go_before_and_after_the_command_and_may_be_short() {
    let fails = "error: hashpassword takes neither --bucket nor --env\n";
    let fails = |words: &str| run(words).expect_status(2).stderr.starts_with(fails);
    for words in [
        "--buck b hashpassword",
        "hashpassword --bucket=b",
        "--env e hashpassword",
        "hashpassword --e e",
    ] {
        assert!(fails(words), "{words}");
    }
}

#[test]
fn a_hash_needs_neither_configuration_nor_aws() {
    let hash = |input: &str| fed(asiaq("disco_accounts").args(["hashpassword"]), input);
    let password = "correct horse \u{f6}";
    let output = hash(&format!("{password}\r\n{password}\nmore")).expect_status(0);
    let text = output.stdout.strip_suffix('\n').unwrap();
    assert!(
        text.starts_with("$6$rounds=656000$") && text.len() == 17 + 16 + 1 + 86,
        "{text}"
    );
    assert!(is_hash_of(text, password), "{text}");
    assert_eq!(output.stderr, "Password: \nPassword: \n");

    let output = hash("one\ntwo\n").expect_status(2);
    assert_eq!(output.stdout, "!Password does not match!\n");
    for (input, problem) in [
        ("", "error: there is no password: stdin ended\n"),
        ("one\n", "error: there is no password: stdin ended\n"),
        ("\n\n", "error: the password is empty\n"),
    ] {
        let output = hash(input).expect_status(1);
        assert_eq!(output.stdout, "");
        assert!(output.stderr.contains(problem), "{}", output.stderr);
    }
}

#[test]
fn a_user_without_name_is_refused() {
    for (user, problem) in [
        ("", "error: there is no name: $USER is not set\n"),
        ("a b", "error: `a b` is no name of an account"),
    ] {
        let tool = asiaq("disco_accounts").endpoint(NOWHERE).env("USER", user);
        let output = tool
            .args(["adduser", "--bucket", "b"])
            .run()
            .expect_status(1);
        assert!(output.stderr.contains(problem), "{}", output.stderr);
    }
}
