//! Help and usage errors.

use super::Programs;

#[test]
fn help_and_usage() {
    let programs = Programs::all();
    for (name, words) in [("help", "--help"), ("help_upload", "upload --help")] {
        let help = programs.tool(words).run().expect_status(0);
        assert_eq!(help.stderr, "");
        insta::assert_snapshot!(name, help.stdout);
    }
    for words in [
        "",
        "--dummy",
        "download",
        "upload --jitter",
        "upload --jitter soon",
        "upload --jitter 1.5",
        "upload now",
    ] {
        let output = programs.tool(words).run().expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{words}: {}",
            output.stderr
        );
    }
    for jitter in ["0", "-5", "1"] {
        let words = format!("--dummy --dry-run upload --jitter {jitter}");
        programs.tool(&words).run().expect_status(0);
    }
}
