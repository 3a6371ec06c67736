//! Tests of the pipeline CSV: columns, odd files, problems with their lines, and the round trip.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Pipeline {
    Pipeline::parse("p.csv", text.as_bytes()).unwrap()
}

fn problems(result: Result<impl std::fmt::Debug, ConfigErrors>) -> Vec<String> {
    result
        .unwrap_err()
        .0
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn size(text: &str) -> Option<Sizes> {
    Sizes::parse(text).unwrap()
}

#[test]
fn every_column_is_read() {
    let text = "integration_test,deployable,spotinst_reserve,spotinst,chaos,termination_policies,smoke_test,iops,\
        extra_disk,extra_space,instance_type,max_size,desired_size,min_size,ami,hostclass,sequence,comment\n\
        test web,yes,25%,no,True,OldestInstance  Default,y,100,20,10, m5.large : c5.large,9,\
        \"1@*/15 8-18 * * 1,3\",007,ami-1,mhcweb,3,ignored\n";
    let expected = Row {
        line: 2,
        sequence: Some("3".into()),
        hostclass: Some("mhcweb".into()),
        ami: Some("ami-1".into()),
        min_size: size("7"),
        desired_size: size("1@*/15 8-18 * * 1,3"),
        max_size: size("9"),
        instance_type: Some(" m5.large : c5.large".into()),
        extra_space: Some(10),
        extra_disk: Some(20),
        iops: Some(100),
        smoke_test: true,
        termination_policies: vec!["OldestInstance".into(), "Default".into()],
        chaos: Some(true),
        spotinst: Some(false),
        spotinst_reserve: Some("25%".into()),
        deployable: true,
        integration_test: Some("test web".into()),
    };
    let pipeline = parse(text);
    assert_eq!(pipeline.file, "p.csv");
    assert_eq!(pipeline.rows, [expected]);
}

#[test]
fn absent_and_empty_cells_are_the_defaults() {
    let expected = |line| Row {
        line,
        hostclass: Some("mhcweb".into()),
        ..Row::default()
    };
    let all = COLUMNS.join(",");
    let empty = format!("{all}\n,mhcweb,,,,,,0,00,0,,,,,,,\n");
    let reset = Row {
        spotinst_reserve: Some(String::new()),
        ..expected(2)
    };
    assert_eq!(parse(&empty).rows, [reset]);
    assert_eq!(parse("hostclass\nmhcweb\n").rows, [expected(2)]);
    assert_eq!(
        parse("hostclass,ami,min_size\nmhcweb").rows,
        [expected(2)],
        "short row"
    );
    assert_eq!(
        parse("hostclass\nmhcweb,1,2,3\n").rows,
        [expected(2)],
        "long row"
    );
    assert_eq!(
        parse("hostclass,chaos,smoke_test\nmhcweb, ,  \n").rows,
        [expected(2)],
        "blank cells"
    );
}

#[test]
fn odd_but_valid_files() {
    let hostclasses = |text: &str| -> Vec<(usize, Option<String>)> {
        parse(text)
            .rows
            .into_iter()
            .map(|row| (row.line, row.hostclass))
            .collect()
    };
    let name = |text: &str| Some(text.to_owned());
    assert_eq!(hostclasses("hostclass\n"), []);
    assert_eq!(hostclasses("hostclass"), []);
    assert_eq!(
        hostclasses("\u{feff}hostclass\na\n"),
        [(2, name("a"))],
        "byte order mark"
    );
    assert_eq!(
        hostclasses("hostclass\r\na\r\n\r\nb\r\n"),
        [(2, name("a")), (4, name("b"))],
        "CRLF"
    );
    assert_eq!(
        hostclasses("\n\nhostclass\n\n\na\n\nb"),
        [(6, name("a")), (8, name("b"))],
        "blank lines"
    );
    assert_eq!(
        hostclasses("hostclass,hostclass\na,b\n"),
        [(2, name("b"))],
        "last of equal headers"
    );
    assert_eq!(
        hostclasses("hostclass,hostclass\na\n"),
        [(2, None)],
        "last of equal headers, short row"
    );
    assert_eq!(
        hostclasses("hostclass\n\"say \"\"hi\"\", now\"\n"),
        [(2, name("say \"hi\", now"))],
        "quotes"
    );
    assert_eq!(
        hostclasses("hostclass\n a \n"),
        [(2, name(" a "))],
        "not trimmed"
    );
    assert_eq!(
        hostclasses("hostclass\n#a\n"),
        [(2, name("#a"))],
        "no comments"
    );
    assert_eq!(
        hostclasses("note,hostclass\n\"two\nlines\",a\nx,b\n"),
        [(2, name("a")), (4, name("b"))],
        "line breaks in ignored columns"
    );
}

#[test]
fn the_header_must_name_the_hostclass() {
    for (text, found) in [
        ("", ""),
        ("\n", ""),
        ("sequence,ami\n1,ami-1\n", "sequence, ami"),
        ("Hostclass, hostclass\n", "Hostclass,  hostclass"),
    ] {
        assert_eq!(
            problems(Pipeline::parse("p.csv", text.as_bytes())),
            [format!(
                "Pipeline file p.csv is missing required header hostclass (found: [{found}])"
            )]
        );
    }
}

#[test]
fn all_problems_are_reported_with_line_and_column() {
    let text = "hostclass,min_size,max_size,extra_disk,iops,spotinst_reserve\n\
        a,1,2,3,4,5\n\
        \n\
        b,-1,2@0 25 * * *,x,1.5,101%\n\
        c,1,2,-3,,abc\n";
    let found = problems(Pipeline::parse("dir/p.csv", text.as_bytes()));
    let expected = [
        "dir/p.csv:4: min_size: `-1` is not a size: ",
        "dir/p.csv:4: max_size: `2@0 25 * * *` is not a size: ",
        "dir/p.csv:4: extra_disk: `x` is not a whole number from 0 to 2147483647",
        "dir/p.csv:4: iops: `1.5` is not a whole number",
        "dir/p.csv:4: spotinst_reserve: `101%` is not a reserve: ",
        "dir/p.csv:5: extra_disk: `-3` is not a whole number",
        "dir/p.csv:5: spotinst_reserve: `abc` is not a reserve: ",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (problem, start) in found.iter().zip(expected) {
        assert!(problem.starts_with(start), "{problem}");
    }
}

#[test]
fn open_quotes_and_foreign_encodings_are_problems() {
    assert_eq!(
        problems(Pipeline::parse(
            "p.csv",
            b"sequence,hostclass\n1,\"a\n2,b\n3,c\n"
        )),
        ["p.csv:2: hostclass: the cell contains a line break: is a closing quote missing?"]
    );
    assert_eq!(
        problems(Pipeline::parse(
            "p.csv",
            b"hostclass,note\na,\xff\nm\xff,\n"
        )),
        ["p.csv:3: hostclass: the cell is not valid UTF-8"]
    );
}

#[test]
fn reserves() {
    for text in ["3", "0", "25%", "0%", "100%", " 25 % "] {
        assert_eq!(reserve(text).unwrap().as_deref(), Some(text));
    }
    for text in ["abc", "10.5%", "101%", "-1", "-1%", "%", "25%%"] {
        assert!(
            reserve(text).unwrap_err().0.contains(&format!("`{text}`")),
            "{text}"
        );
    }
}

#[test]
fn a_blank_reserve_is_given_and_an_absent_cell_is_not() {
    let table = [
        ("hostclass\na\n", None),
        ("hostclass,spotinst_reserve\na,\n", Some("")),
        ("hostclass,spotinst_reserve\na,  \n", Some("")),
        ("hostclass,spotinst_reserve\na\n", None),
        ("spotinst_reserve,hostclass\n,a\n", Some("")),
        ("hostclass,spotinst_reserve\na,0\n", Some("0")),
        ("hostclass,spotinst_reserve\na, 25 %\n", Some(" 25 %")),
    ];
    for (text, wanted) in table {
        let pipeline = parse(text);
        assert_eq!(
            pipeline.rows[0].spotinst_reserve.as_deref(),
            wanted,
            "{text}"
        );
        assert_eq!(parse(&pipeline.to_csv()).rows, pipeline.rows, "{text}");
    }
}

#[test]
fn sequences_ascend_and_keep_file_order() {
    let pipeline = parse("sequence,hostclass\n10,a\n2,b\n 10 ,c\n-1,d\n2,e\n");
    let found: Vec<(i64, Vec<&str>)> = pipeline
        .sequences()
        .unwrap()
        .into_iter()
        .map(|(number, rows)| {
            (
                number,
                rows.iter()
                    .filter_map(|row| row.hostclass.as_deref())
                    .collect(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [(-1, vec!["d"]), (2, vec!["b", "e"]), (10, vec!["a", "c"])]
    );
    assert!(parse("hostclass\n").sequences().unwrap().is_empty());
}

#[test]
fn bad_sequences_fail_spinup_but_not_spindown() {
    let pipeline = parse("sequence,hostclass\n1,a\n,b\nsoon,c\n1.5,d\n");
    assert_eq!(
        problems(pipeline.sequences()),
        [
            "p.csv:3: sequence: the row has no sequence number",
            "p.csv:4: sequence: `soon` is not a sequence number: use an integer",
            "p.csv:5: sequence: `1.5` is not a sequence number: use an integer",
        ]
    );
    assert_eq!(
        pipeline.require_hostclasses().unwrap(),
        ["a", "b", "c", "d"]
    );
    assert_eq!(
        problems(parse("hostclass\na\n").sequences()),
        ["p.csv:2: sequence: the row has no sequence number"],
        "no such column"
    );
}

#[test]
fn missing_hostclasses_fail_spindown() {
    let pipeline = parse("sequence,hostclass,ami\n1,,ami-1\n2,b,\n3, ,\n4\n");
    assert_eq!(
        problems(pipeline.require_hostclasses()),
        [
            "p.csv:2: hostclass: the row has no hostclass",
            "p.csv:4: hostclass: the row has no hostclass",
            "p.csv:5: hostclass: the row has no hostclass",
        ]
    );
    let identities: Vec<bool> = pipeline
        .rows
        .iter()
        .map(|row| row.check_identity("p.csv").is_ok())
        .collect();
    assert_eq!(identities, [true, true, false, false]);
    assert_eq!(
        pipeline.rows[2]
            .check_identity("p.csv")
            .unwrap_err()
            .to_string(),
        "p.csv:4: hostclass: the row has neither a hostclass nor an ami"
    );
}

#[test]
fn first_instance_types() {
    for (list, expected) in [
        (None, None),
        (Some("m5.large"), Some("m5.large")),
        (Some(" m5.large : c5.large"), Some("m5.large")),
        (Some(":c5.large"), Some("c5.large")),
        (Some(" : "), None),
    ] {
        let row = Row {
            instance_type: list.map(str::to_owned),
            ..Row::default()
        };
        assert_eq!(row.first_instance_type(), expected, "{list:?}");
    }
}

#[test]
fn files_are_read_from_the_given_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ci.csv");
    let shown = path.display().to_string();
    let found = problems(Pipeline::read(&path));
    assert!(
        found[0].starts_with(&format!("{shown}: cannot read the pipeline: ")),
        "{found:?}"
    );
    std::fs::write(&path, "hostclass\nmhcweb\n").unwrap();
    let pipeline = Pipeline::read(&path).unwrap();
    assert_eq!(pipeline.file, shown);
    assert_eq!(pipeline.require_hostclasses().unwrap(), ["mhcweb"]);
}

#[test]
fn printing_is_canonical() {
    let pipeline = parse(
        "hostclass,chaos,smoke_test,sequence,desired_size\nmhcweb,off,Y,1,\"1@0 6 * * 1,3\"\n",
    );
    let columns = COLUMNS.join(",");
    let without = columns.replace(",spotinst_reserve", "");
    assert_eq!(
        pipeline.to_csv(),
        format!("{without}\n1,mhcweb,,,\"1@0 6 * * 1,3\",,,,,,yes,,no,,,\n")
    );
    let pipeline = parse("hostclass,spotinst_reserve\nmhcweb,\nmhcdb,5%\n");
    assert_eq!(
        pipeline.to_csv(),
        format!("{columns}\n,mhcweb,,,,,,,,,,,,,,,\n,mhcdb,,,,,,,,,,,,,5%,,\n")
    );
    let pipeline = parse("hostclass,spotinst_reserve\nmhcweb\nmhcdb,5%\nmhcapp,\n");
    let blanks = ",".repeat(COLUMNS.len() - 3);
    assert_eq!(
        pipeline.to_csv(),
        format!(
            "{without},spotinst_reserve\n,mhcweb{blanks}\n,mhcdb{blanks},5%\n,mhcapp{blanks},\n"
        )
    );
}

fn without_lines(pipeline: Pipeline) -> Vec<Row> {
    pipeline
        .rows
        .into_iter()
        .map(|row| Row { line: 0, ..row })
        .collect()
}

fn any_row() -> impl Strategy<Value = Row> {
    let text = || proptest::option::of("[ -~äß]{0,4}[!-~][ -~]{0,4}");
    let sizes = || {
        let one = proptest::option::of(0u32..50)
            .prop_map(|size| size.and_then(|n| Sizes::parse(&n.to_string()).unwrap()));
        let many = (0u32..9, 0u8..60, 0u8..=7).prop_map(|(n, minute, day)| {
            Sizes::parse(&format!("{n}@{minute} 6 * * {day},1:9@0 7 * * *")).unwrap()
        });
        prop_oneof![one, many]
    };
    let number = || proptest::option::of(1u32..=i32::MAX as u32);
    let truth = || proptest::option::of(any::<bool>());
    let names = (text(), text(), text(), text(), text());
    let more = (
        any::<bool>(),
        proptest::collection::vec("[!-~]{1,8}", 0..3),
        proptest::option::of("[0-9]{1,3}|[0-9]{1,2}%"),
    );
    (
        names,
        (sizes(), sizes(), sizes()),
        (number(), number(), number()),
        (truth(), truth(), any::<bool>()),
        more,
    )
        .prop_map(|(names, sizes, numbers, truths, more)| Row {
            line: 0,
            sequence: names.0,
            hostclass: names.1,
            ami: names.2,
            min_size: sizes.0,
            desired_size: sizes.1,
            max_size: sizes.2,
            instance_type: names.3,
            extra_space: numbers.0,
            extra_disk: numbers.1,
            iops: numbers.2,
            smoke_test: more.0,
            termination_policies: more.1,
            chaos: truths.0,
            spotinst: truths.1,
            spotinst_reserve: more.2,
            deployable: truths.2,
            integration_test: names.4,
        })
}

proptest! {
    #[test]
    fn printed_pipelines_parse_to_themselves(
        mut rows in proptest::collection::vec(any_row(), 0..5),
        reserves in proptest::option::of(any::<bool>()),
    ) {
        // None of the rows has a reserve, or all of them, or some.
        for row in rows.iter_mut().filter(|_| reserves.is_some()) {
            let own = row.spotinst_reserve.take();
            row.spotinst_reserve = (reserves == Some(true)).then(|| own.unwrap_or_default());
        }
        let pipeline = Pipeline { file: "p.csv".into(), rows };
        let again = parse(&pipeline.to_csv());
        for (index, row) in again.rows.iter().enumerate() {
            prop_assert_eq!(row.line, index + 2);
        }
        prop_assert_eq!(without_lines(again), pipeline.rows);
    }

    #[test]
    fn parsing_never_panics_and_printing_is_stable(
        cells in proptest::collection::vec("[-0-9a-z@*%:\", \r\n]{0,12}", 0..12),
        noise in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut text = b"hostclass,min_size,iops,chaos,spotinst_reserve\n".to_vec();
        text.extend(cells.join(",").bytes());
        if let Ok(pipeline) = Pipeline::parse("p.csv", &text) {
            let lines = text.iter().filter(|byte| **byte == b'\n').count() + 1;
            for pair in pipeline.rows.windows(2) {
                // A lone carriage return ends a row as well, so lines may repeat.
                prop_assert!(pair[0].line <= pair[1].line);
            }
            prop_assert!(pipeline.rows.iter().all(|row| (2..=lines).contains(&row.line)));
            let again = parse(&pipeline.to_csv());
            prop_assert_eq!(without_lines(again), without_lines(pipeline));
        }
        text.extend(noise);
        let _ = Pipeline::parse("p.csv", &text);
    }
}
