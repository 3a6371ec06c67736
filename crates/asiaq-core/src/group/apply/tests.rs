//! What errors mean. The calls themselves are in the end-to-end tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;

#[test]
fn only_a_missing_template_is_waited_for() {
    let table = [
        (
            "The specified launch template, with template ID lt-1, does not exist.",
            true,
        ),
        ("Launch Template lt-1 does not exist", true),
        (
            "You must use a valid fully-formed launch template. The key pair 'x' does not exist",
            false,
        ),
        ("The security group 'sg-1' does not exist", false),
        ("Invalid launch template: no image", false),
    ];
    for (message, wanted) in table {
        assert_eq!(misses_template(message), wanted, "{message}");
    }
}
