//! Help and usage errors. Nothing is called.

use crate::support::{Output, asiaq};

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

fn run(words: &[&str]) -> Output {
    asiaq("asiaq").endpoint(NOWHERE).args(words).run()
}

#[test]
fn help() {
    for (name, words) in [
        ("help_dp", &["dp", "--help"][..]),
        ("help_dp_list", &["dp", "list", "--help"]),
        ("help_ddb_backup", &["ddb_backup", "--help"]),
        (
            "help_ddb_backup_backup",
            &["ddb_backup", "backup", "--help"],
        ),
        (
            "help_ddb_backup_restore",
            &["ddb_backup", "restore", "--help"],
        ),
    ] {
        let help = run(words).expect_status(0);
        assert_eq!(help.stderr, "");
        insta::assert_snapshot!(name, help.stdout);
    }
}

#[test]
fn usage_errors() {
    for words in [
        &["dp"][..],
        &["dp", "delete"],
        &["dp", "list", "--pipeline-name"],
        &["dp", "list", "extra"],
        &["ddb_backup"],
        &["ddb_backup", "init", "users"],
        &["ddb_backup", "list"],
        &["ddb_backup", "list", "a/b"],
        &["ddb_backup", "backup", ""],
        &[
            "ddb_backup",
            "backup",
            "users",
            "--backup_period",
            "1 fortnight",
        ],
        &[
            "ddb_backup",
            "backup",
            "users",
            "--backup-period",
            "14 minutes",
        ],
        &["ddb_backup", "backup", "users", "--backup_period=0 days"],
        &["ddb_backup", "backup", "users", "--from", "x"],
        &["ddb_backup", "backup", "users", "--metanetwork", "moon"],
        &["ddb_backup", "restore", "users", "--from", "a/b"],
        &["ddb_backup", "restore", "users", "--backup_period", "1 day"],
    ] {
        let output = run(words).expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{words:?}: {}",
            output.stderr
        );
    }
}
