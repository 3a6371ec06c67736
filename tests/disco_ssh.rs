//! `disco_ssh`: help and usage errors. What it does is shown on real ssh servers: `hosts/interactive.rs`.

use crate::support::asiaq;

#[test]
fn help_and_usage() {
    let run = |words: &str| asiaq("disco_ssh").args(words.split_whitespace()).run();
    let help = run("--help").expect_status(0);
    assert_eq!(help.stderr, "");
    insta::assert_snapshot!("help", help.stdout);
    for words in [
        "",
        "web-1 web-2",
        "-u",
        "--last web-1",
        "web-1 --output svg",
    ] {
        let output = run(words).expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{words}"
        );
    }
}
