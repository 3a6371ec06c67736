//! The text of a real environment, of the smallest, and its width.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::super::sample;
use super::*;

#[test]
fn texts() {
    let large = text(&sample::large());
    insta::assert_snapshot!("large", large);
    insta::assert_snapshot!("small", text(&sample::small()));
    let widest = large.lines().map(|line| line.chars().count()).max();
    assert!(widest.unwrap() <= 120, "{widest:?}");
    assert!(!large.lines().any(|line| line.ends_with(' ')));
}

#[test]
fn words_are_wrapped_between_blanks() {
    let word = "x".repeat(60);
    let lines = wrapped("in: ", &format!("{word} {word} {} y", "z".repeat(200)));
    assert_eq!(
        lines,
        [
            format!("in: {word}"),
            format!("    {word}"),
            format!("    {}", "z".repeat(200)),
            "    y".to_owned()
        ]
    );
    assert_eq!(wrapped("in: ", "tcp 22 from dmz"), ["in: tcp 22 from dmz"]);
}
