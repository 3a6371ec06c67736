//! Tests of cron expressions: which are accepted, and that the crate sees the right days.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ::cron::TimeUnitSpec;
use proptest::prelude::*;

use super::*;

#[test]
fn valid_expressions_keep_their_text() {
    for text in [
        "0 20 * * *",
        "45 19 * * *",
        "*/15 8-18 * * 1,3",
        "0 7 * * 1",
        "0 7 * * 0",
        "0 7 * * 7",
        "0 0 * * 0-7",
        "0 0 * * 5-7",
        "0 0 * * 1-5/2,0",
        "0 0 * * 0/2",
        "0 0 * * 7/2",
        "0 0 * * */2",
        "0 0 1 JAN MON-FRI",
        "0 0 1,15 jan-mar sun,wed",
        "0  6 * *\t*",
        "5/20 * * * *",
        "59 23 31 12 6",
    ] {
        let cron = Cron::parse(text).unwrap();
        assert_eq!(cron.as_str(), text);
        assert_eq!(cron.to_string(), text);
    }
    assert_eq!(Cron::parse(" 0 6 * * * ").unwrap().as_str(), "0 6 * * *");
}

#[test]
fn the_number_of_fields_is_five() {
    for (text, count) in [
        ("", 0),
        ("@daily", 1),
        ("0 6 * *", 4),
        ("0 0 6 * * *", 6),
        ("0 0 6 * * * 2030", 7),
    ] {
        let problem = Cron::parse(text).unwrap_err().0;
        let start =
            format!("`{text}` is not a cron expression: it has {count} fields instead of five");
        assert!(problem.starts_with(&start), "{problem}");
    }
}

#[test]
fn bad_fields_are_named() {
    for (text, name, field) in [
        ("60 * * * *", "minute", "60"),
        ("0 24 * * *", "hour", "24"),
        ("0 0 0 * *", "day of month", "0"),
        ("0 0 32 * *", "day of month", "32"),
        ("0 0 * 13 *", "month", "13"),
        ("0 0 * 0 *", "month", "0"),
        ("0 0 * * 8", "day of week", "8"),
        ("0 0 * * 5-8", "day of week", "5-8"),
        ("0 0 * * 5-1", "day of week", "5-1"),
        ("0 0 * * 1/0", "day of week", "1/0"),
        ("0 0 * * */0", "day of week", "*/0"),
        ("0 0 * * 1-", "day of week", "1-"),
        ("0 0 * * 1,", "day of week", "1,"),
        ("0 0 * * +1", "day of week", "+1"),
        ("0 0 * * mon-8", "day of week", "mon-8"),
        ("0 0 * * xyz", "day of week", "xyz"),
        ("0 0 * * 5L", "day of week", "5L"),
        ("0 0 ? * 1", "day of month", "?"),
        ("0 0 1 * ?", "day of week", "?"),
        ("0 18-8 * * *", "hour", "18-8"),
        ("*/0 * * * *", "minute", "*/0"),
        ("*5 0 * * *", "minute", "*5"),
        (",1 0 * * *", "minute", ",1"),
        ("1- 5 * * *", "minute", "1-"),
        ("0 , * * *", "hour", ","),
        ("0 /5 * * *", "hour", "/5"),
        ("0 -5 * * *", "hour", "-5"),
        ("c d e f g", "minute", "c"),
        ("0 0 @ : *", "day of month", "@"),
    ] {
        assert_eq!(
            Cron::parse(text).unwrap_err().0,
            format!("`{text}` is not a cron expression: its {name} `{field}` is not valid")
        );
    }
}

#[test]
fn days_of_the_week_mean_the_same_days_to_the_crate() {
    for (field, days) in [
        ("0", vec![1]),
        ("7", vec![1]),
        ("1", vec![2]),
        ("6", vec![7]),
        ("sun", vec![1]),
        ("1-5", vec![2, 3, 4, 5, 6]),
        ("5-7", vec![1, 6, 7]),
        ("1-5/2", vec![2, 4, 6]),
        ("0/3", vec![1, 4, 7]),
        ("0,mon,6", vec![1, 2, 7]),
        ("*", vec![1, 2, 3, 4, 5, 6, 7]),
    ] {
        let schedule: Schedule = format!("0 0 0 * * {}", sunday_first(field).unwrap())
            .parse()
            .unwrap();
        assert_eq!(
            schedule.days_of_week().iter().collect::<Vec<_>>(),
            days,
            "{field}"
        );
    }
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "\\PC{0,20}|[-0-9*/,?@a-z ]{0,24}|([-0-9*/,]{1,5} ){4}[-0-7*/,]{1,5}") {
        if let Ok(cron) = Cron::parse(&text) {
            prop_assert_eq!(cron.as_str(), text.trim());
            prop_assert!(!text.contains([':', '@']));
            prop_assert_eq!(Cron::parse(cron.as_str()).unwrap(), cron);
        }
    }

    #[test]
    fn plain_numbers_in_range_are_accepted(
        minute in 0u8..70, hour in 0u8..30, day in 0u8..40, month in 0u8..15, weekday in 0u8..10,
    ) {
        let valid = minute < 60 && hour < 24 && (1..=31).contains(&day) && (1..=12).contains(&month) && weekday <= 7;
        prop_assert_eq!(Cron::parse(&format!("{minute} {hour} {day} {month} {weekday}")).is_ok(), valid);
    }
}
