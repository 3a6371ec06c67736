//! Words of the command line: tables, directories of backups, periods. Pure.

/// Longest period that AWS accepts, in minutes: three years.
const LONGEST: u64 = 3 * 365 * 24 * 60;
/// Shortest one.
const SHORTEST: u64 = 15;
/// Units with their length in minutes.
const UNITS: [(&str, u64); 5] = [
    ("minutes", 1),
    ("hours", 60),
    ("days", 24 * 60),
    ("weeks", 7 * 24 * 60),
    ("months", 30 * 24 * 60),
];

/// A table as the configuration calls it, without `_ENV`.
///
/// # Errors
/// It has characters that DynamoDB does not allow.
pub fn table(text: &str) -> Result<String, String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if text.is_empty() || !text.chars().all(is_allowed) {
        return Err("a table name has letters, digits, `_`, `-` and `.`".to_owned());
    }
    Ok(text.to_owned())
}

/// The directory of a backup; a slash at its end is taken off.
///
/// # Errors
/// It is empty, or a path.
pub fn directory(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('/').unwrap_or(text);
    if name.is_empty() || name.contains('/') {
        return Err("expected a name that `asiaq ddb_backup list TABLE` prints".to_owned());
    }
    Ok(name.to_owned())
}

/// A period as Data Pipeline has it: `N minutes|hours|days|weeks|months`, at least 15 minutes, at most 3 years.
///
/// # Errors
/// It is something else.
pub fn period(text: &str) -> Result<String, String> {
    let expected = || {
        "expected `N UNIT` from `15 minutes` to 3 years; UNIT is minutes, hours, days, weeks or months"
            .to_owned()
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let [number, unit] = words[..] else {
        return Err(expected());
    };
    let (_, length) = UNITS
        .iter()
        .find(|(name, _)| *name == unit || name.strip_suffix('s') == Some(unit))
        .ok_or_else(expected)?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    let count = number.parse::<u64>().ok().filter(|_| is_number);
    let minutes = count.and_then(|count| count.checked_mul(*length));
    match (count, minutes) {
        (Some(count), Some(SHORTEST..=LONGEST)) => Ok(format!("{count} {unit}")),
        _ => Err(expected()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn periods() {
        let good = [
            ("1 day", "1 day"),
            ("15 minutes", "15 minutes"),
            ("  2   weeks ", "2 weeks"),
            ("01 hours", "1 hours"),
            ("36 months", "36 months"),
            ("1095 days", "1095 days"),
        ];
        for (text, wanted) in good {
            assert_eq!(period(text).as_deref(), Ok(wanted));
        }
        let bad = [
            "",
            "1",
            "day",
            "1day",
            "1 day 2",
            "0 days",
            "-1 days",
            "+1 days",
            "1.5 days",
            "14 minutes",
            "37 months",
            "1096 days",
            "1 year",
            "1 Days",
            "99999999999999999999 days",
            "9999999999999999999 months",
        ];
        for text in bad {
            assert!(
                period(text).unwrap_err().contains("minutes, hours, days"),
                "{text}"
            );
        }
    }

    #[test]
    fn tables_and_directories() {
        for good in ["a", "Users_v2", "a.b-c"] {
            assert_eq!(table(good).as_deref(), Ok(good));
        }
        for bad in ["", "a/b", "a b", "ä", "../x"] {
            assert!(table(bad).is_err(), "{bad}");
        }
        assert_eq!(directory("2016-01-01/").as_deref(), Ok("2016-01-01"));
        assert_eq!(directory("x").as_deref(), Ok("x"));
        for bad in ["", "/", "a/b", "/a"] {
            assert!(directory(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_period_reads_back_as_itself(text in "[0-9]{1,4} (minute|hour|day|week|month)s?") {
            if let Ok(once) = period(&text) {
                prop_assert_eq!(period(&once), Ok(once.clone()));
            }
        }

        #[test]
        fn nothing_panics(text in ".{0,20}") {
            let _ = (period(&text), table(&text), directory(&text));
        }
    }
}
