//! Tables and properties of the ini dialect.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Ini {
    Ini::parse("t.ini", text.as_bytes()).unwrap()
}

fn problems(text: &[u8]) -> Vec<String> {
    let ConfigErrors(errors) = Ini::parse("t.ini", text).unwrap_err();
    errors.iter().map(ConfigError::to_string).collect()
}

fn value(text: &str, option: &str) -> String {
    parse(text).get("s", option).unwrap().value
}

/// Everything a file holds, raw: section, option, value.
fn content(ini: &Ini) -> Vec<(String, Vec<(String, String)>)> {
    let all = std::iter::once(&ini.defaults).chain(&ini.sections);
    all.map(|section| {
        let pairs = section
            .entries
            .iter()
            .map(|e| (e.key.clone(), e.value.clone()));
        (section.name.clone(), pairs.collect())
    })
    .collect()
}

#[test]
fn values_of_the_spec_table() {
    for (line, expected) in [
        ("k=a b ; c", "a b"),
        ("k=a;b", "a;b"),
        ("k=a;b ; c", "a;b ; c"),
        ("k: x=y", "x=y"),
        ("k=http://h:80/p", "http://h:80/p"),
        ("k = \"q\"", "\"q\""),
        ("k=\"\"", ""),
        ("k = v # c", "v # c"),
        ("k=; c", "; c"),
    ] {
        assert_eq!(value(&format!("[s]\n{line}\n"), "k"), expected, "{line:?}");
        assert_eq!(
            value(&format!("[s]\n{line}"), "k"),
            expected,
            "{line:?} at the end"
        );
    }
}

#[test]
fn values_in_the_corners() {
    for (line, expected) in [
        ("k=", ""),
        ("k =   ", ""),
        ("k=; c ", ""),
        ("k=; c\r", ""),
        ("k=;", ";"),
        ("k=  ; c", "; c"),
        ("k=v\r", "v"),
        ("k=v\t;c", "v"),
        ("k=v\x0b; c", "v"),
        ("k= \"\" ; c", ""),
        ("k=\"\" x", "\"\" x"),
        ("k=a\u{a0}; c", "a\u{a0}; c"),
        ("k=a ; b ; c", "a"),
        ("k==v", "=v"),
        ("k=:v", ":v"),
        ("k:=v", "=v"),
        ("K=v", "v"),
        ("k \t=v", "v"),
        ("k=größe", "größe"),
        ("k=100%", "100%"),
    ] {
        assert_eq!(value(&format!("[s]\n{line}\n"), "k"), expected, "{line:?}");
    }
}

#[test]
fn option_names() {
    for (line, name) in [
        ("eip@Staging=1", "EIP@STAGING"),
        ("two words = 1", "two words"),
        ("remark=1", "remark"),
        ("rem=1", "rem"),
        ("rem:1", "rem"),
        ("a;b=1", "a;b"),
        ("a#b=1", "a#b"),
        ("[open=1", "[open"),
        ("[]=1", "[]"),
        ("Ä=1", "Ä"),
    ] {
        assert_eq!(value(&format!("[s]\n{line}\n"), name), "1", "{line:?}");
    }
}

#[test]
fn ignored_lines_do_not_end_a_value() {
    for line in [
        "", "   ", "\r", "# c", ";c", "#", "rem", "REM x", "rem = 1", "Rem\tk=2", "rem\r",
    ] {
        let text = format!("[s]\nk=a\n{line}\n b\n");
        assert_eq!(value(&text, "k"), "a\nb", "{line:?}");
        assert!(parse(&text).options("s").eq(["k"]), "{line:?}");
    }
}

#[test]
fn continuation_lines_know_no_comments() {
    let text = "[s]\nk=a ; gone\n # note\n\t; note\n [t]\n x=y ; kept\n\"\"=1\n \"\"\n";
    assert_eq!(value(text, "k"), "a\n# note\n; note\n[t]\nx=y ; kept");
    assert_eq!(value(text, "\"\""), "1\n\"\"");
    assert_eq!(
        value("[s]\nk=\n one two\r\n\x0cthree\n", "k"),
        "\none two\nthree"
    );
    assert_eq!(value("[s]\nk=\"\"\n a\n", "k"), "\na");
}

#[test]
fn section_headers() {
    let ini = parse(
        "[ a ]trailing = 1\nx=1\n[A]\n[a]b]\n[[c]\n[default]\n[defaults]\n[DEFAULT]\nd=1\n[A]\ny=2\n",
    );
    assert!(
        ini.sections()
            .eq([" a ", "A", "a", "[c", "default", "defaults"])
    );
    assert_eq!(ini.get(" a ", "x").unwrap().value, "1");
    assert_eq!(ini.get("A", "y").unwrap().value, "2");
    assert!(ini.has_section("A") && !ini.has_section("DEFAULT") && !ini.has_section("b"));
    assert!(!ini.has_section("") && !ini.has_section("[a]"));
}

#[test]
fn repeated_sections_merge_and_later_options_replace() {
    let ini = parse("[s]\na=1\nb=2\n c\n[t]\n[s]\nc=3\nA=4\n more\n");
    assert!(ini.options("s").eq(["a", "b", "c"]));
    assert_eq!(ini.get("s", "a").unwrap().value, "4\nmore");
    assert_eq!(ini.location("s", Some("a")).line, Some(8));
    assert_eq!(ini.location("s", Some("b")).line, Some(3));
    assert_eq!(ini.location("s", None).line, Some(1));
}

#[test]
fn syntax_errors_are_collected_with_their_lines() {
    let text = b"[s]\n indented\nk=1\nno separator\n=v\n: v\n[]\n k2 fine\n[t]\n\n\tk=v\n[open\n";
    let found = problems(text);
    let lines: Vec<&str> = found
        .iter()
        .map(|text| text.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            "t.ini:2", "t.ini:4", "t.ini:5", "t.ini:6", "t.ini:7", "t.ini:11", "t.ini:12"
        ]
    );
    assert!(
        found.iter().all(|text| text.contains("syntax error")),
        "{found:?}"
    );
    assert!(
        !found.join("").contains("separator"),
        "lines may hold secrets: {found:?}"
    );
}

#[test]
fn options_before_any_section_are_reported_once() {
    let found = problems(b"# c\n\nk=1\nl=2\n[s]\nwrong\n");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("t.ini:3: no section headers"),
        "{found:?}"
    );
    assert!(found[1].starts_with("t.ini:6: syntax error"), "{found:?}");
    assert!(problems(b" k=1\n")[0].starts_with("t.ini:1: no section headers"));
}

#[test]
fn encoding() {
    assert_eq!(value("\u{feff}[s]\nk=1\n", "k"), "1");
    assert_eq!(
        problems(b"[s]\nk=1\nx=\xff\ny=\xfe\n"),
        [
            "t.ini:3: this line is not valid UTF-8",
            "t.ini:4: this line is not valid UTF-8"
        ]
    );
    let comments = Ini::parse("t.ini", b"# \xff\n[s]\n; \xff\nrem \xff\nk=1\n").unwrap();
    assert_eq!(comments.get("s", "k").unwrap().value, "1");
    assert_eq!(parse("").sections().count(), 0);
    assert_eq!(parse("\n# only comments\n").sections().count(), 0);
}

const DEFAULTS: &str = "[DEFAULT]\na=da\nb=db\n[s]\nc=sc\nB=sb\n[empty]\n";

#[test]
fn look_up() {
    let ini = parse(DEFAULTS);
    for (section, option, has, found) in [
        ("s", "a", true, Some(("da", "DEFAULT", 2))),
        ("s", "b", true, Some(("sb", "s", 6))),
        ("s", "C", true, Some(("sc", "s", 5))),
        ("s", "x", false, None),
        ("empty", "b", true, Some(("db", "DEFAULT", 3))),
        ("unknown", "a", false, None),
        ("", "a", true, Some(("da", "DEFAULT", 2))),
        ("", "c", false, None),
        ("DEFAULT", "b", true, Some(("db", "DEFAULT", 3))),
    ] {
        assert_eq!(ini.has_option(section, option), has, "{section} {option}");
        let expected = found.map(|(value, holder, line)| Found {
            value: value.into(),
            location: Location {
                file: "t.ini".into(),
                line: Some(line),
                section: Some(holder.into()),
                key: Some(option.to_lowercase()),
            },
        });
        assert_eq!(
            ini.find(section, option).unwrap(),
            expected,
            "{section} {option}"
        );
    }
    assert_eq!(
        ini.get("s", "X").unwrap_err().to_string(),
        "t.ini:4: [s] x: No option 'x' in section: 's'"
    );
    assert_eq!(
        ini.get("t", "a").unwrap_err().to_string(),
        "t.ini: No section: 't'"
    );
    assert_eq!(
        ini.items("t").unwrap_err().to_string(),
        "t.ini: No section: 't'"
    );
    assert_eq!(ini.location("t", Some("K")).to_string(), "t.ini: [t] k");
    assert_eq!(ini.location("empty", None).to_string(), "t.ini:7: [empty]");
}

#[test]
fn items_list_defaults_first() {
    let ini = parse(DEFAULTS);
    let pairs = |section| {
        let items: Vec<(String, Found)> = ini.items(section).unwrap();
        items
            .into_iter()
            .map(|(key, found)| (key, found.value))
            .collect::<Vec<_>>()
    };
    let own = |list: &[(&str, &str)]| {
        list.iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(pairs("s"), own(&[("a", "da"), ("b", "sb"), ("c", "sc")]));
    assert_eq!(pairs("empty"), own(&[("a", "da"), ("b", "db")]));
    assert_eq!(pairs("DEFAULT"), own(&[("a", "da"), ("b", "db")]));
}

#[test]
fn an_empty_value_is_present() {
    let ini = parse("[DEFAULT]\nk=default\n[s]\nk=\n");
    assert!(ini.has_option("s", "k"));
    assert_eq!(ini.get("s", "k").unwrap().value, "");
}

#[test]
fn interpolation() {
    let text = "[DEFAULT]\nd=D\n[s]\na=1\nb=%(A)s-%(d)s\nc=<%(b)s>\nn=%(__name__)s\np=%(a)s%%\nq=%%(a)s\n\
                plain=100%\nurl=%20 %Y-%m-%d %%\nm=%(a)s\n %(d)s\n[t]\nd=T\n";
    for (option, expected) in [
        ("b", "1-D"),
        ("c", "<1-D>"),
        ("n", "s"),
        ("p", "1%"),
        ("q", "1"),
        ("plain", "100%"),
        ("url", "%20 %Y-%m-%d %%"),
        ("m", "1\nD"),
    ] {
        assert_eq!(value(text, option), expected, "{option}");
    }
    let defaults = parse("[DEFAULT]\nx=%(y)s of %(__name__)s\ny=default\n[s]\ny=own\n[t]\n");
    assert_eq!(defaults.get("s", "x").unwrap().value, "own of s");
    assert_eq!(defaults.get("t", "x").unwrap().value, "default of t");
}

#[test]
fn interpolation_errors_name_section_and_option_only_when_read() {
    let text = "[s]\ngood=1\nunknown=%(x)s\nlone=%(good)s %\nform=%(good)s %d\nopen=%(good\nnos=%(good)d\nloop=%(loop)s\n";
    let ini = parse(text);
    assert_eq!(ini.get("s", "good").unwrap().value, "1");
    for (option, line, problem) in [
        ("unknown", 3, "interpolation names an unknown option `x`"),
        ("lone", 4, "interpolation allows only `%%` and `%(name)s`"),
        ("form", 5, "interpolation allows only `%%` and `%(name)s`"),
        ("open", 6, "interpolation has `%(` without `)`"),
        (
            "nos",
            7,
            "interpolation of `%(good)` needs an `s` after the bracket",
        ),
        ("loop", 8, "interpolation does not end after 10 rounds"),
    ] {
        let expected = format!("t.ini:{line}: [s] {option}: {problem}");
        assert_eq!(ini.find("s", option).unwrap_err().to_string(), expected);
        assert_eq!(ini.get("s", option).unwrap_err().to_string(), expected);
    }
    assert!(ini.items("s").is_err());
}

#[test]
fn interpolation_ends_after_ten_rounds() {
    let chain = |length: usize| {
        let links: String = (1..length)
            .map(|i| format!("k{i}=%(k{})s\n", i + 1))
            .collect();
        parse(&format!("[s]\n{links}k{length}=end\n"))
            .find("s", "k1")
            .map(|found| found.unwrap().value)
    };
    assert_eq!(chain(11).unwrap(), "end");
    assert!(chain(12).is_err());
}

#[test]
fn interpolation_cannot_fill_the_memory() {
    let links: String = (0..9)
        .map(|i| format!("k{i}={}\n", format!("%(k{})s", i + 1).repeat(100)))
        .collect();
    let ini = parse(&format!("[s]\n{links}k9=xxxxxxxxxx\n"));
    assert_eq!(
        ini.find("s", "k0").unwrap_err().problem,
        "interpolation makes the value too long"
    );
}

#[test]
fn writing() {
    let mut ini = parse("# c\n[user]\nB = 2 ; c\nm=\n x\n y\n\n[DEFAULT]\nd:1\n[empty]\n");
    assert_eq!(
        ini.to_text(),
        "[DEFAULT]\nd = 1\n\n[user]\nb = 2\nm = \n\tx\n\ty\n\n[empty]\n\n"
    );
    ini.set("user", "B", "3");
    ini.set("user", "New", "n");
    ini.set("other", "o", "1");
    ini.set("DEFAULT", "d", "2");
    assert_eq!(
        ini.to_text(),
        "[DEFAULT]\nd = 2\n\n[user]\nb = 3\nm = \n\tx\n\ty\nnew = n\n\n[empty]\n\n[other]\no = 1\n\n"
    );
    assert_eq!(parse("[DEFAULT]\n[s]\n").to_text(), "[s]\n\n");
    assert_eq!(parse("[s]\nrem=1\n").to_text(), "[s]\nrem= 1\n\n");
    assert_eq!(Ini::empty("x").to_text(), "");
}

#[test]
fn a_set_value_cannot_become_another_section_or_option() {
    let mut ini = Ini::empty("t.ini");
    ini.set("user", "shell", "/bin/sh\n[group]\nadmin=1");
    let read = parse(&ini.to_text());
    assert!(read.sections().eq(["user"]));
    assert_eq!(
        read.get("user", "shell").unwrap().value,
        "/bin/sh\n[group]\nadmin=1"
    );
}

#[test]
fn debug_output_hides_values() {
    let shown = format!("{:?}", parse("[user]\npassword=$6$secret\n"));
    assert!(shown.contains("t.ini") && shown.contains("user"), "{shown}");
    assert!(!shown.contains("secret"), "{shown}");
}

/// Text made of the pieces that the line rules care about.
fn ini_text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "\n",
        "\n",
        "\n",
        "\n[s]\n",
        "\n[t]\n",
        "\n[DEFAULT]\n",
        "[",
        "]",
        "=",
        ":",
        ";",
        " ",
        "\t",
        "\r",
        "\x0b",
        "#",
        "rem",
        "REM ",
        "k",
        "K",
        "opt",
        "\"\"",
        "%",
        "%(k)s",
        "%%",
        "ä",
        "\u{feff}",
        "a b",
        "@ci",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| format!("[s]\n{}", pieces.concat()))
}

proptest! {
    #[test]
    fn parsing_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(ini) = Ini::parse("t.ini", &bytes) {
            for section in ini.sections() {
                let _ = ini.items(section);
            }
        }
    }

    #[test]
    fn odd_text_never_panics_and_errors_are_never_empty(text in ini_text()) {
        match Ini::parse("t.ini", text.as_bytes()) {
            Ok(ini) => for section in ini.sections() {
                for option in ini.options(section) {
                    prop_assert!(ini.has_option(section, option));
                    let _ = ini.find(section, option);
                }
            },
            Err(ConfigErrors(errors)) => {
                prop_assert!(!errors.is_empty());
                let lines = text.split('\n').count();
                for error in errors {
                    prop_assert!(error.location.line.is_some_and(|line| (1..=lines).contains(&line)));
                }
            }
        }
    }

    #[test]
    fn what_was_written_reads_back_the_same(text in ini_text()) {
        if let Ok(ini) = Ini::parse("t.ini", text.as_bytes()) {
            let written = ini.to_text();
            let again = Ini::parse("t.ini", written.as_bytes())
                .map_err(|errors| TestCaseError::fail(format!("{errors}\n{written}")))?;
            prop_assert_eq!(content(&again), content(&ini));
            prop_assert_eq!(again.to_text(), written);
        }
    }
}
