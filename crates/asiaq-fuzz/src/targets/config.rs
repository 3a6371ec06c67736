//! The ini dialect, and options in it.

use super::{FILE, errors, lines, must, text};
use crate::{Rng, Signature, Target};
use asiaq_core::config::{ConfigError, DiscoAws, Found, Ini};

/// The ini dialect.
pub(super) const INI: Target = Target {
    name: "ini",
    run: ini,
    words: &[
        "[s]",
        "[DEFAULT]",
        "\n",
        "=",
        ":",
        ";",
        " ;",
        "#",
        "rem ",
        "rem",
        "%(a)s",
        "%%",
        "%(",
        "\n\t",
        "\"\"",
        "a=",
        "@ci",
        "__name__",
        "[",
        "]",
        "\r\n",
        "A",
        "\u{feff}",
    ],
    make: make_ini,
};

/// Option `tags` of a hostclass.
pub(super) const TAGS: Target = Target {
    name: "tags",
    run: tags,
    words: &[":", ",", "a:b", "a:", ":b", " ", "\n", "%(", "::", ",,"],
    make: |rng| {
        rng.many(5, |rng| {
            rng.pick(&["a:b", "key:value:more", ",", " , ", "a", ":", "\n", " "])
                .to_owned()
        })
    },
};

fn make_ini(rng: &mut Rng) -> String {
    rng.many(8, |rng| {
        let key = rng.pick(&["a", "b", "KEY", "rem", "a b", "a@ci", "#c", ";c", "[x"]);
        let value = rng.pick(&[
            "",
            "1",
            "%(a)s",
            "%(b)s x",
            "v ; c",
            "v;c",
            "\"\"",
            "100%",
            "%%(a)s",
            "%(__name__)s",
        ]);
        match rng.below(6) {
            0 => format!(
                "[{}]\n",
                rng.pick(&["s", "t", "DEFAULT", "env:ci", "a]b", ""])
            ),
            1 => format!("\t{value}\n"),
            2 => format!("{key}: {value}\n"),
            3 => "\n".to_owned(),
            _ => format!("{key}={value}\n"),
        }
    })
}

/// Value and section, or the problem; lines differ after writing.
type Answer = Result<Option<(String, Option<String>)>, String>;

fn answer(found: Result<Option<Found>, ConfigError>) -> Answer {
    match found {
        Ok(found) => Ok(found.map(|found| (found.value, found.location.section))),
        Err(error) => Err(error.problem),
    }
}

/// So many values count for the signature.
const SHAPED: usize = 3;

fn ini(input: &[u8]) -> Signature {
    let parsed = match Ini::parse(FILE, input) {
        Ok(parsed) => parsed,
        Err(found) => return errors(&found, input),
    };
    let written = parsed.to_text();
    let again = must(
        Ini::parse(FILE, written.as_bytes()),
        "what was written cannot be read",
    );
    assert_eq!(again.to_text(), written, "written twice, it differs");
    let sections: Vec<&str> = parsed.sections().collect();
    assert_eq!(sections, again.sections().collect::<Vec<_>>(), "sections");
    let mut shape = Signature::of("ini").and(Signature::count(sections.len()));
    let mut values = 0;
    for section in sections.iter().copied().chain(["DEFAULT"]) {
        let options: Vec<&str> = parsed.options(section).collect();
        assert_eq!(
            options,
            again.options(section).collect::<Vec<_>>(),
            "options of [{section}]"
        );
        for option in &options {
            let value = one_option(&parsed, section, option, input);
            assert_eq!(
                answer(again.find(section, option)),
                value,
                "[{section}] {option}"
            );
            values += 1;
            if values <= SHAPED {
                shape = shape.and(value_shape(&value));
            }
        }
        all_items(&parsed, section, &options);
    }
    assert!(!parsed.has_section("no such section"));
    assert_eq!(answer(parsed.find("no such section", "a")), Ok(None));
    shape
}

fn value_shape(value: &Answer) -> Signature {
    match value {
        Ok(None) => Signature::of(0),
        Ok(Some((value, _))) => Signature::of((
            Signature::count(value.len()),
            value.contains('%'),
            value.contains('\n'),
            value.contains(';'),
        )),
        Err(problem) => Signature::error(problem),
    }
}

/// Every way to look an option up says the same, and says where it stands.
fn one_option(ini: &Ini, section: &str, option: &str, input: &[u8]) -> Answer {
    assert!(
        ini.has_option(section, option),
        "[{section}] {option} is there"
    );
    assert_eq!(option, option.to_ascii_lowercase());
    let found = ini.find(section, option);
    assert_eq!(ini.find(section, &option.to_ascii_uppercase()), found);
    assert_eq!(ini.get(section, option).map(Some), found, "get and find");
    let place = ini.location(section, Some(option));
    if let Ok(Some(found)) = &found {
        assert_eq!(found.location, place);
    }
    let line = place.line.unwrap_or_default();
    assert!(
        (1..=lines(input)).contains(&line),
        "line {line} of [{section}] {option}"
    );
    let bytes = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
    let text = bytes
        .split(|byte| *byte == b'\n')
        .nth(line - 1)
        .unwrap_or_default();
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    assert!(
        text.starts_with(option),
        "line {line} does not hold {option}"
    );
    answer(found)
}

/// The list of all options agrees with look-ups one by one.
fn all_items(ini: &Ini, section: &str, options: &[&str]) {
    let Ok(items) = ini.items(section) else {
        return;
    };
    for (key, found) in &items {
        assert_eq!(
            ini.find(section, key).ok().flatten().as_ref(),
            Some(found),
            "{key}"
        );
    }
    for option in options {
        let times = items.iter().filter(|(key, _)| key == option).count();
        assert_eq!(times, 1, "{option} in the list");
    }
}

fn tags(input: &[u8]) -> Signature {
    let value = text(input);
    let mut ini = Ini::empty(FILE);
    for (option, value) in [
        ("meta_network", "dmz"),
        ("ssh_key_name", "k"),
        ("public_ip", "no"),
        ("smoketest_termination", "no"),
        ("tags", &value),
    ] {
        ini.set("mhcx", option, value);
    }
    match DiscoAws::from_ini(ini).hostclass("mhcx", "ci") {
        Ok(config) => {
            let blank = value.trim().is_empty();
            let entries = if blank { 0 } else { value.split(',').count() };
            assert_eq!(config.tags.len(), entries, "{:?}", config.tags);
            for (key, value) in &config.tags {
                assert!(!key.is_empty() && key.trim() == key && value.trim() == value);
                assert!(!key.contains([':', ',']) && !value.contains(','));
            }
            let long = config.tags.iter().any(|(_, value)| value.contains(':'));
            Signature::of("tags").and((Signature::count(entries), long))
        }
        Err(found) => {
            // The option was not read from a file, so it has no line.
            assert!(
                found.0.iter().all(|error| error.location.key.is_some()),
                "{found}"
            );
            let first = found
                .0
                .first()
                .map(|error| Signature::error(&error.problem));
            Signature::of(("errors", Signature::count(found.0.len()), first))
        }
    }
}
