//! The list notation shared by configuration options: items separated by any mix of commas, blanks
//! and line breaks (spec 20, section 2.1).
//!
//! Security group rules do not use it: there a comma ends a rule.

/// The non-empty items of `text`, in order. Empty text has no items; stray separators do not matter.
pub fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn separators_mix_freely() {
        for (text, expected) in [
            ("", vec![]),
            (" , \n,", vec![]),
            ("443,80", vec!["443", "80"]),
            ("443 80", vec!["443", "80"]),
            ("443 , 80\n8000:8010,", vec!["443", "80", "8000:8010"]),
            (
                "\t10.0.0.0/8\r\n10.1.0.0/16 ",
                vec!["10.0.0.0/8", "10.1.0.0/16"],
            ),
        ] {
            assert_eq!(words(text), expected, "{text:?}");
        }
    }
}
