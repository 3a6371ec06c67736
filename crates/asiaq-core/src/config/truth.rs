//! Yes and no in configuration files (spec 10, section 1.6). Nothing else belongs here.

/// The words that mean yes, in any case.
const YES: [&str; 6] = ["true", "yes", "t", "y", "aye", "1"];

/// True iff the text is one of `true yes t y aye 1`, in any case.
///
/// Everything else is false: `on`, words with blanks around them, the empty text.
pub fn is_truthy(text: &str) -> bool {
    YES.iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::is_truthy;

    #[test]
    fn exactly_the_six_words_are_true() {
        for word in [
            "true", "yes", "t", "y", "aye", "1", "True", "YES", "T", "Y", "Aye",
        ] {
            assert!(is_truthy(word), "{word}");
        }
        for word in [
            "", "on", " yes ", "yes ", "no", "false", "0", "2", "ja", "yess", "11",
        ] {
            assert!(!is_truthy(word), "{word}");
        }
    }
}
