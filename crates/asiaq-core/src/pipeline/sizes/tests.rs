//! Tests of size expressions: the examples of spec 10 (6), spec 40 (4.5) and spec 30 (5.1, 8).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;

fn sizes(text: &str) -> Option<Sizes> {
    Sizes::parse(text).unwrap()
}

fn entries(sizes: &Sizes) -> Vec<(String, u32)> {
    sizes
        .scheduled()
        .map(|(cron, size)| (cron.to_string(), size))
        .collect()
}

#[test]
fn plain_numbers() {
    for (text, size) in [
        ("007", 7),
        ("0", 0),
        ("12", 12),
        (" 5", 5),
        ("5 ", 5),
        ("5:", 5),
        ("2147483647", i32::MAX as u32),
    ] {
        let parsed = sizes(text).unwrap();
        assert_eq!(
            (parsed.smallest(), parsed.largest()),
            (size, size),
            "{text}"
        );
        assert_eq!(parsed.scheduled().count(), 0, "{text}");
        assert_eq!(parsed.to_string(), size.to_string());
    }
    for text in ["", "  ", "\n"] {
        assert_eq!(sizes(text), None, "{text:?}");
    }
}

#[test]
fn schedules() {
    for (text, smallest, largest, expected) in [
        (
            "2@0 6 * * *:9@0 18 * * *",
            2,
            9,
            vec![("0 18 * * *", 9), ("0 6 * * *", 2)],
        ),
        (
            "1@0 6 * * *:1@0 7 * * *",
            1,
            1,
            vec![("0 6 * * *", 1), ("0 7 * * *", 1)],
        ),
        ("3@0 6 * * *:2@0 6 * * *", 2, 2, vec![("0 6 * * *", 2)]),
        (" 5@0 6 * * *: ", 5, 5, vec![("0 6 * * *", 5)]),
        ("0@*/15 8-18 * * 1,3", 0, 0, vec![("*/15 8-18 * * 1,3", 0)]),
        (
            "1@0 6 * * * : 2@0 7 * * *",
            1,
            2,
            vec![("0 6 * * *", 1), ("0 7 * * *", 2)],
        ),
    ] {
        let parsed = sizes(text).unwrap();
        assert_eq!(
            (parsed.smallest(), parsed.largest()),
            (smallest, largest),
            "{text}"
        );
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(cron, size)| (cron.to_owned(), size))
            .collect();
        assert_eq!(entries(&parsed), expected, "{text}");
    }
}

#[test]
fn malformed_sizes_name_the_value() {
    for (text, problem) in [
        ("-1", "`-1` is not of the form SIZE@CRON"),
        ("+1", "`+1` is not of the form SIZE@CRON"),
        ("1.5", "`1.5` is not of the form SIZE@CRON"),
        ("2147483648", "it is larger than 2147483647"),
        (":", "`` is not of the form SIZE@CRON"),
        ("5::", "`5` is not of the form SIZE@CRON"),
        ("5@0 6 * * *::", "`` is not of the form SIZE@CRON"),
        ("4@c:2", "`c` is not a cron expression: it has 1 fields"),
        ("4@0 6 * * *:2", "`2` is not of the form SIZE@CRON"),
        ("2:4@0 6 * * *", "`2` is not of the form SIZE@CRON"),
        (
            "x@0 6 * * *",
            "`x` is not a whole number from 0 to 2147483647",
        ),
        ("-1@0 6 * * *", "`-1` is not a whole number"),
        ("@0 6 * * *", "`` is not a whole number"),
        ("5@", "`` is not a cron expression: it has 0 fields"),
        ("5@@daily", "`@daily` is not a cron expression"),
        ("5@0 25 * * *", "its hour `25` is not valid"),
        ("٣", "`٣` is not of the form SIZE@CRON"),
    ] {
        let found = Sizes::parse(text).unwrap_err().0;
        assert!(
            found.starts_with(&format!("`{text}` is not a size: ")),
            "{found}"
        );
        assert!(found.contains(problem), "{found}");
    }
}

/// Static result and actions of three columns, as a group is created with them.
fn created(min: &str, desired: &str, max: &str) -> (String, Vec<String>) {
    let (min, desired, max) = (sizes(min), sizes(desired), sizes(max));
    let created = create_sizes(
        min.as_ref().map(Sizes::smallest),
        desired.as_ref().map(Sizes::largest),
        max.as_ref().map(Sizes::largest),
    );
    let wanted = created
        .desired
        .map_or("-".to_owned(), |size| size.to_string());
    let actions = recurring_actions(min.as_ref(), desired.as_ref(), max.as_ref())
        .into_iter()
        .map(|action| {
            let parts = [
                ("min", action.min),
                ("desired", action.desired),
                ("max", action.max),
            ];
            let parts: Vec<String> = parts
                .into_iter()
                .filter_map(|(name, size)| Some(format!("{name} {}", size?)))
                .collect();
            format!("{}: {}", action.cron, parts.join(" "))
        })
        .collect();
    (
        format!("{}/{}/{}", created.min, wanted, created.max),
        actions,
    )
}

#[test]
fn examples_of_the_host_spec() {
    // Result is min/desired/max.
    let table: [(&str, &str, &str, &str, &[&str]); 6] = [
        ("", "2", "", "0/2/2", &[]),
        ("1", "", "", "1/-/1", &[]),
        ("", "", "6", "0/6/6", &[]),
        (
            "0@0 20 * * *:3@0 6 * * *",
            "3",
            "5",
            "0/3/5",
            &["0 20 * * *: min 0", "0 6 * * *: min 3"],
        ),
        (
            "",
            "1@45 19 * * *:3@33 19 * * *",
            "",
            "0/3/3",
            &["33 19 * * *: desired 3", "45 19 * * *: desired 1"],
        ),
        (
            "1",
            "2@0 7 * * 1",
            "4@0 7 * * 1:2@0 22 * * *",
            "1/2/4",
            &["0 22 * * *: max 2", "0 7 * * 1: desired 2 max 4"],
        ),
    ];
    for (min, desired, max, result, actions) in table {
        let (found, found_actions) = created(min, desired, max);
        assert_eq!(found, result, "{min} / {desired} / {max}");
        assert_eq!(found_actions, actions, "{min} / {desired} / {max}");
    }
}

#[test]
fn creation_table_of_the_group_spec() {
    for (min, desired, max, expected) in [
        (None, None, None, (0, None, 0)),
        (Some(2), None, None, (2, None, 2)),
        (None, Some(3), None, (0, Some(3), 3)),
        (Some(1), None, Some(6), (1, Some(6), 6)),
        (Some(0), Some(0), Some(4), (0, Some(0), 4)),
        (Some(5), Some(2), Some(3), (5, Some(2), 5)),
        (None, None, Some(0), (0, Some(0), 0)),
    ] {
        let created = create_sizes(min, desired, max);
        assert_eq!(
            (created.min, created.desired, created.max),
            expected,
            "{min:?} {desired:?} {max:?}"
        );
    }
}

#[test]
fn action_names() {
    for (cron, name) in [
        ("30 10 * * *", "ci_mhcweb_1790000000_30_10_star_star_star"),
        (
            "*/15 8-18 * * 1,3",
            "ci_mhcweb_1790000000_star/15_8-18_star_star_1,3",
        ),
    ] {
        let desired = sizes(&format!("1@{cron}"));
        let actions = recurring_actions(None, desired.as_ref(), None);
        assert_eq!(actions[0].name("ci_mhcweb_1790000000"), name);
    }
}

#[test]
fn a_schedule_in_all_columns_is_one_action() {
    let (min, desired, max) = (
        sizes("1@0 6 * * *"),
        sizes("2@0 6 * * *"),
        sizes("3@0 6 * * *"),
    );
    let actions = recurring_actions(min.as_ref(), desired.as_ref(), max.as_ref());
    let cron = Cron::parse("0 6 * * *").unwrap();
    assert_eq!(
        actions,
        [RecurringAction {
            cron,
            min: Some(1),
            desired: Some(2),
            max: Some(3)
        }]
    );
    assert!(recurring_actions(None, None, None).is_empty());
}

proptest! {
    #[test]
    fn printed_sizes_parse_to_themselves(
        list in proptest::collection::vec((0..=i32::MAX as u32, 0u8..60, 0u8..24, 0u8..=7), 1..5),
        plain: bool,
    ) {
        let text = if plain {
            list[0].0.to_string()
        } else {
            let entries: Vec<String> =
                list.iter().map(|(size, minute, hour, day)| format!("{size}@{minute} {hour} * * {day}")).collect();
            entries.join(":")
        };
        let parsed = sizes(&text).unwrap();
        prop_assert_eq!(sizes(&parsed.to_string()), Some(parsed.clone()));
        prop_assert!(parsed.smallest() <= parsed.largest());
        prop_assert_eq!(parsed.scheduled().count() == 0, plain);
    }

    #[test]
    fn parsing_never_panics_and_printing_is_stable(
        text in "\\PC{0,24}|[0-9@: *]{0,24}|([0-9]{1,3}@[0-9]{1,2} [0-9*]{1,2} \\* \\* [0-7]:?){1,3}",
    ) {
        if let Ok(Some(parsed)) = Sizes::parse(&text) {
            prop_assert_eq!(sizes(&parsed.to_string()), Some(parsed));
        }
    }
}
