//! `check`: no cloud, no region, no credentials; problems as data.

use super::fixed;
use crate::support::config::TestConfig;
use crate::support::{Output, asiaq};
use std::path::{Path, PathBuf};

/// No endpoint, region or keys: a call to AWS would fail.
fn check(directory: &Path, words: &str) -> Output {
    let output = asiaq("disco_vpc_ui")
        .config(directory)
        .args(["check"])
        .args(words.split_whitespace())
        .run();
    assert_eq!(output.stderr, "");
    output
}

/// The repository itself, which is a valid configuration directory.
fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A configuration with an error and a warning.
fn broken() -> TestConfig {
    let config = fixed();
    config.edit("disco_vpc.ini", "tcp dmz 8000:8010", "tcp web 80");
    config.edit("disco_vpc.ini", "application", "aplication");
    config.write(
        "disco_alarms.ini",
        "[notifications]\nops_ci_loud = a@x.com\n",
    );
    config
}

#[test]
fn the_shipped_configuration_is_clean() {
    let output = check(&sample(), "").expect_status(0);
    let wanted = "no problems: 4 environment types and 2 environments of their own, addresses of 13 hostclass sections, \
                  3 notifications\n";
    assert_eq!(output.stdout, wanted);
    assert_eq!(
        check(&sample(), "--output json").expect_status(0).stdout,
        "[]\n"
    );
    for words in [
        "--name production --type production",
        "--name staging --type production",
        "--name ci --type ci",
    ] {
        let output = check(&sample(), words).expect_status(0);
        assert!(
            output.stdout.starts_with("no problems: environment "),
            "{words}: {}",
            output.stdout
        );
    }
}

#[test]
fn problems_are_lines_with_their_place() {
    let config = broken();
    let path = config.path().display().to_string();
    let output = check(config.path(), "").expect_status(1);
    let shown = output.stdout.replace(&path, "DIR");
    insta::assert_snapshot!("check", shown);
    assert_eq!(
        check(config.path(), "--name ci --type ci")
            .expect_status(1)
            .stdout,
        output.stdout
    );
    // Notifications of others do not concern this environment.
    let other = check(config.path(), "--name qa --type ci").expect_status(1);
    assert!(!other.stdout.contains("ops_ci_loud"), "{}", other.stdout);
}

#[test]
fn json_has_stable_keys() {
    let config = broken();
    let path = config.path().display().to_string();
    let output = check(config.path(), "--output json").expect_status(1);
    insta::assert_snapshot!("check_json", output.stdout.replace(&path, "DIR"));
}

#[test]
fn warnings_alone_are_no_failure() {
    let config = fixed();
    config.edit("disco_vpc.ini", "application", "aplication");
    let output = check(config.path(), "").expect_status(0);
    assert_eq!(output.stdout.lines().count(), 1, "{}", output.stdout);
    assert!(
        output.stdout.ends_with(
            "disco_vpc.ini:10: [envtype:ci] aplication: warning: unknown option: did you mean `application`?\n"
        ),
        "{}",
        output.stdout
    );
}

#[test]
fn what_cannot_be_read_is_told_with_the_rest() {
    let config = TestConfig::new();
    let output = check(config.path(), "").expect_status(1);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", output.stdout);
    assert!(lines[0].starts_with("disco_vpc.ini: Config path not found: "));
    assert!(lines[1].starts_with("disco_aws.ini: warning: Config path not found: "));

    config.write("disco_vpc.ini", "[envtype:ci]\nnonsense\n");
    config.write("disco_aws.ini", "[disco_aws]\n");
    config.write("disco_alarms.ini", "[notifications]\nops_ci_info=nobody\n");
    config.write("disco_rds.ini", "more nonsense\n");
    let output = check(config.path(), "").expect_status(1);
    for place in [
        "disco_vpc.ini:2: ",
        "disco_alarms.ini:2: [notifications] ops_ci_info: ",
        "disco_rds.ini:1: ",
    ] {
        assert!(
            output.stdout.contains(place),
            "{place} in\n{}",
            output.stdout
        );
    }
}

#[test]
fn unknown_types_are_told_with_the_known_ones() {
    let output = check(fixed().path(), "--name ci --type co").expect_status(1);
    assert!(
        output.stdout.contains("unknown environment type `co`"),
        "{}",
        output.stdout
    );
    assert!(
        output
            .stdout
            .contains("(did you mean `ci`? known types: ci)"),
        "{}",
        output.stdout
    );
    let output = check(fixed().path(), "--name my_ci --type ci").expect_status(1);
    assert!(
        output.stdout.contains("must not be empty or contain `_`"),
        "{}",
        output.stdout
    );
}
