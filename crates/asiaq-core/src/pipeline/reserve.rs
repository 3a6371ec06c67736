//! The reserve of an Elastigroup: how many of its instances stay on demand (spec 30, section 12.1). Pure.

use super::sizes::whole_number;
use crate::network::GrammarError;
use std::str::FromStr;

/// `spotinst_reserve` of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserve {
    /// Empty: no reserve, all spot.
    None,
    /// `N%` of the instances.
    Share(u8),
    /// `N` instances.
    Count(u32),
}

impl FromStr for Reserve {
    type Err = GrammarError;

    fn from_str(text: &str) -> Result<Self, GrammarError> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Ok(Self::None);
        }
        let found = match trimmed.strip_suffix('%') {
            Some(percent) => whole_number(percent)
                .and_then(|percent| u8::try_from(percent).ok())
                .filter(|percent| *percent <= 100)
                .map(Self::Share),
            None => whole_number(trimmed).map(Self::Count),
        };
        found.ok_or_else(|| {
            GrammarError(format!(
                "`{text}` is not a reserve: use a number of instances like 3, or a share like 25%"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn shares_and_numbers() {
        let table = [
            ("", Reserve::None),
            ("  ", Reserve::None),
            ("25%", Reserve::Share(25)),
            (" 25 % ", Reserve::Share(25)),
            ("0%", Reserve::Share(0)),
            ("100%", Reserve::Share(100)),
            ("0", Reserve::Count(0)),
            ("3", Reserve::Count(3)),
            (" 3 ", Reserve::Count(3)),
            ("2147483647", Reserve::Count(2_147_483_647)),
        ];
        for (text, wanted) in table {
            assert_eq!(text.parse(), Ok(wanted), "`{text}`");
        }
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for text in [
            "abc",
            "10.5%",
            "101%",
            "-1",
            "-1%",
            "%",
            " %",
            "25%%",
            "3.0",
            "+3",
            "1e2",
            "25 %x",
            "2147483648",
        ] {
            let GrammarError(problem) = text.parse::<Reserve>().unwrap_err();
            assert!(
                problem.starts_with(&format!("`{text}` is not a reserve")),
                "{problem}"
            );
        }
    }
}
