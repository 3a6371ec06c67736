//! The graph of a real environment, and names that need quoting.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::super::sample;
use super::*;

#[test]
fn graphs() {
    insta::assert_snapshot!("large", dot(&sample::large()));
    insta::assert_snapshot!("small", dot(&sample::small()));
}

#[test]
fn quoting() {
    let table = [
        ("plain", r#""plain""#),
        (r#"a"b"#, r#""a\"b""#),
        (r"a\n", r#""a\\n""#),
        (r#"\""#, r#""\\\"""#),
        ("<b>&amp;", r#""<b>&amp;amp;""#),
        ("a\nb\u{7}", r#""a b ""#),
    ];
    for (text, wanted) in table {
        assert_eq!(quoted(&[text]), wanted);
    }
    assert_eq!(label(&["a", "b\\l"]), r#""a\lb\\l\l""#);
}

/// Outside of strings there is only what we wrote, and brackets match: whatever the names are.
#[test]
fn names_do_not_leak_out_of_strings() {
    for env in [
        sample::nasty(),
        sample::large(),
        sample::small(),
        Environment::default(),
    ] {
        let graph = dot(&env);
        let (mut outside, mut inside, mut escape) = (String::new(), false, false);
        for c in graph.chars() {
            match (inside, escape, c) {
                (true, true, _) => escape = false,
                (true, false, '\\') => escape = true,
                (_, _, '"') => inside = !inside,
                (true, _, _) => assert!(!c.is_control(), "{c:?}"),
                (false, _, _) => outside.push(c),
            }
        }
        assert!(!inside);
        let allowed = |c: char| c.is_ascii_alphanumeric() || " \n{}[]=;,->".contains(c);
        assert!(outside.chars().all(allowed), "{outside}");
        for (open, close) in [('{', '}'), ('[', ']')] {
            assert_eq!(
                outside.matches(open).count(),
                outside.matches(close).count()
            );
        }
    }
}
