//! Pipeline files, sizes and schedules.

use super::{FILE, errors, lines, must, text};
use crate::{Rng, Signature, Target};
use asiaq_core::pipeline::{Cron, Pipeline, Row, Sizes, create_sizes, recurring_actions};

/// A whole pipeline file.
pub(super) const PIPELINE: Target = Target {
    name: "pipeline",
    run: pipeline,
    words: &[
        "sequence",
        "hostclass",
        "min_size",
        "desired_size",
        "max_size",
        "instance_type",
        "extra_space",
        "extra_disk",
        "iops",
        "smoke_test",
        "ami",
        "deployable",
        "integration_test",
        "chaos",
        "spotinst",
        "spotinst_reserve",
        "termination_policies",
        "mhcbanana",
        ",",
        "\n",
        "\r\n",
        "\"",
        "\"\"",
        "yes",
        "no",
        "25%",
        "1@0 6 * * *",
        ":",
        "\u{feff}",
    ],
    make: make_pipeline,
};

/// A size of a group.
pub(super) const SIZES: Target = Target {
    name: "sizes",
    run: sizes,
    words: &[
        "@",
        ":",
        "*",
        "1@* * * * *",
        "0 6 * * *",
        " ",
        "MON",
        "2147483647",
        "2147483648",
        "L",
        "?",
        "-",
        "/",
        ",",
    ],
    make: |rng| {
        if rng.once_in(4) {
            return rng.number().to_string();
        }
        rng.many(3, |rng| {
            format!(
                "{}@{}{}",
                rng.below(20),
                cron_text(rng),
                rng.pick(&[":", "", " : "])
            )
        })
    },
};

/// A schedule.
pub(super) const CRON: Target = Target {
    name: "cron",
    run: cron,
    words: &[
        "*",
        "*/5",
        "0",
        "7",
        "MON",
        "mon-fri",
        "JAN",
        "1,2",
        "1-5/2",
        " ",
        "?",
        "L",
        "W",
        "#",
        "@daily",
        "-",
        "/",
        ",",
        "59",
        "23",
        "31",
        "12",
        "/0",
        "0/1",
        "4294967296",
    ],
    make: cron_text,
};

fn make_pipeline(rng: &mut Rng) -> String {
    let columns = [
        "hostclass",
        "sequence",
        "min_size",
        "desired_size",
        "ami",
        "spotinst_reserve",
        "iops",
        "chaos",
        "other",
    ];
    let count = 1 + rng.below(6);
    let header: Vec<&str> = (0..count).map(|_| rng.pick(&columns)).collect();
    let rows = rng.many(4, |rng| {
        let cells: Vec<String> = (0..rng.below(count + 2))
            .map(|_| match rng.below(5) {
                0 => rng.below(9).to_string(),
                1 => format!("{}@{}", rng.below(9), cron_text(rng)),
                _ => rng
                    .pick(&[
                        "",
                        " ",
                        "mhcx",
                        "yes",
                        "no",
                        "10%",
                        "\"a,b\"",
                        "\"a\"\"b\"",
                        "a b",
                    ])
                    .to_owned(),
            })
            .collect();
        format!("{}\n", cells.join(","))
    });
    format!("hostclass,{}\n{rows}", header.join(","))
}

fn cron_text(rng: &mut Rng) -> String {
    let field = |rng: &mut Rng| match rng.below(5) {
        0 | 1 => "*".to_owned(),
        2 => rng.below(62).to_string(),
        3 => format!("{}-{}", rng.below(8), rng.below(32)),
        _ => rng
            .pick(&[
                "*/2", "1,2,3", "MON", "Jan", "0/5", "1-5/2", "sun-sat", "7", "5-7", "?",
            ])
            .to_owned(),
    };
    let fields: Vec<String> = (0..5).map(|_| field(rng)).collect();
    fields.join(" ")
}

fn pipeline(input: &[u8]) -> Signature {
    let parsed = match Pipeline::parse(FILE, input) {
        Ok(parsed) => parsed,
        Err(found) => return errors(&found, input),
    };
    let mut last = 1;
    for row in &parsed.rows {
        assert!(
            row.line > 0 && row.line <= lines(input),
            "line {}",
            row.line
        );
        assert!(row.line >= last, "lines go up");
        last = row.line;
    }
    let written = parsed.to_csv();
    let again = must(
        Pipeline::parse(FILE, written.as_bytes()),
        "what was written cannot be read",
    );
    let bare = |pipeline: &Pipeline| -> Vec<Row> {
        let rows = pipeline.rows.iter().cloned();
        rows.map(|row| Row { line: 0, ..row }).collect()
    };
    assert_eq!(bare(&again), bare(&parsed), "written:\n{written}");
    assert_eq!(again.to_csv(), written, "written twice, it differs");
    let ordered = parsed.sequences();
    if let Ok(sequences) = &ordered {
        let rows: usize = sequences.iter().map(|(_, rows)| rows.len()).sum();
        assert_eq!(rows, parsed.rows.len(), "rows in sequences");
        assert!(sequences.iter().map(|(number, _)| number).is_sorted());
    }
    let named = parsed.require_hostclasses().is_ok();
    assert_eq!(named, parsed.rows.iter().all(|row| row.hostclass.is_some()));
    let shape = Signature::of("pipeline").and((
        Signature::count(parsed.rows.len()),
        named,
        ordered.is_ok(),
    ));
    parsed
        .rows
        .iter()
        .take(2)
        .fold(shape, |shape, row| shape.and(row_shape(row)))
}

fn row_shape(row: &Row) -> Signature {
    let sizes = [&row.min_size, &row.desired_size, &row.max_size].map(Option::as_ref);
    let [min, desired, max] = sizes;
    let smallest = |sizes: Option<&Sizes>| sizes.map(Sizes::smallest);
    let made = create_sizes(smallest(min), smallest(desired), smallest(max));
    assert!(made.min <= made.max, "{made:?}");
    assert!(
        made.desired.is_none_or(|desired| desired <= made.max),
        "{made:?}"
    );
    let actions = recurring_actions(min, desired, max);
    for action in &actions {
        assert!(action.min.is_some() || action.desired.is_some() || action.max.is_some());
        assert!(
            !action.name("g").contains([' ', '*']),
            "{}",
            action.name("g")
        );
    }
    let schedules = sizes
        .into_iter()
        .flatten()
        .map(|sizes| sizes.scheduled().count());
    assert!(
        actions.len() <= schedules.sum(),
        "one action for a schedule"
    );
    Signature::of((
        sizes.map(|sizes| sizes.is_some()),
        Signature::count(actions.len()),
        row.spotinst_reserve.as_deref().map(str::is_empty),
        row.first_instance_type().is_some(),
        (
            row.chaos,
            row.smoke_test,
            row.iops.is_some(),
            row.ami.is_some(),
        ),
    ))
}

fn sizes(input: &[u8]) -> Signature {
    let value = text(input);
    match Sizes::parse(&value) {
        Ok(None) => {
            assert!(value.trim().is_empty(), "`{value}` is a size");
            Signature::of("none")
        }
        Ok(Some(sizes)) => {
            let shown = sizes.to_string();
            let again = must(Sizes::parse(&shown), "what was shown cannot be read");
            assert_eq!(again.as_ref(), Some(&sizes), "shown as {shown}");
            assert!(sizes.smallest() <= sizes.largest());
            assert!(i32::try_from(sizes.largest()).is_ok());
            let schedules: Vec<(&Cron, u32)> = sizes.scheduled().collect();
            assert!(
                schedules.is_sorted_by(|a, b| a.0 < b.0),
                "schedules are sorted and distinct"
            );
            assert_eq!(
                schedules.is_empty(),
                shown.parse::<u32>().is_ok(),
                "{shown}"
            );
            let actions = recurring_actions(Some(&sizes), None, Some(&sizes));
            assert_eq!(actions.len(), schedules.len());
            assert!(actions.iter().all(|action| action.min == action.max));
            Signature::of("sizes").and((Signature::count(schedules.len()), shown == value))
        }
        Err(error) => Signature::error(&error.0).and(kinds(&value)),
    }
}

fn cron(input: &[u8]) -> Signature {
    let value = text(input);
    match Cron::parse(&value) {
        Ok(cron) => {
            let shown = cron.as_str();
            assert_eq!(shown, value.trim(), "the text is kept");
            assert_eq!(must(Cron::parse(shown), "it reads back"), cron);
            let fields: Vec<&str> = shown.split_whitespace().collect();
            assert_eq!(fields.len(), 5);
            assert!(
                !shown.contains(['?', '@', 'L', 'W', '#'])
                    || shown.chars().any(char::is_alphabetic)
            );
            // Each field stands for itself: stars in place of the others change nothing.
            for at in 0..fields.len() {
                let mut alone = ["*"; 5];
                if let (Some(place), Some(field)) = (alone.get_mut(at), fields.get(at)) {
                    *place = field;
                }
                must(Cron::parse(&alone.join(" ")), "a field alone");
            }
            let kind = |field: &&str| {
                let has = |c: char| field.contains(c);
                (
                    has('*'),
                    has('-'),
                    has('/'),
                    has(','),
                    field.chars().any(char::is_alphabetic),
                )
            };
            Signature::of(fields.iter().map(kind).collect::<Vec<_>>())
        }
        Err(error) => Signature::error(&error.0).and(kinds(&value)),
    }
}

/// What kinds of characters a text has, and how many words: errors that quote the whole text say little else.
fn kinds(value: &str) -> Signature {
    let marks = ['@', ':', '*', '-', '/', ','].map(|mark| value.contains(mark));
    Signature::of((marks, Signature::count(value.split_whitespace().count())))
}
