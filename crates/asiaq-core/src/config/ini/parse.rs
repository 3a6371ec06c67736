//! The line rules of the ini dialect (spec 10, sections 3.1 and 3.2). Look-ups are not done here.

use super::{Entry, Ini};
use crate::config::diagnostic::{ConfigError, ConfigErrors, Location, Problems};

/// What a line is, once blank lines and comments are out of the way.
enum Line<'a> {
    Continuation(&'a str),
    Header(&'a str),
    Option { name: &'a str, value: &'a str },
    Malformed,
}

/// Where the reader stands: the open section and the option that continuation lines belong to.
#[derive(Default)]
struct Position {
    section: Option<String>,
    option: Option<String>,
    complained_about_missing_header: bool,
}

/// Parses a whole file; see [`Ini::parse`].
pub(super) fn parse(file: &str, text: &[u8]) -> Result<Ini, ConfigErrors> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut ini = Ini::empty(file);
    let mut problems = Problems::default();
    let mut position = Position::default();
    for (index, bytes) in text.split(|byte| *byte == b'\n').enumerate() {
        if is_ignored(bytes) {
            continue;
        }
        let number = index + 1;
        let taken = match std::str::from_utf8(bytes) {
            Ok(line) => take(&mut ini, &mut position, number, line),
            Err(_) => Err(ConfigError::new("this line is not valid UTF-8")
                .with_hint("save the file as UTF-8")),
        };
        problems.keep(taken.map_err(|error| error.at(Location::line(file, number))));
    }
    problems.finish(Some(ini))
}

/// Adds one line to the file read so far.
fn take(
    ini: &mut Ini,
    position: &mut Position,
    number: usize,
    line: &str,
) -> Result<(), ConfigError> {
    match (classify(line, position.option.is_some()), &position.section) {
        (Line::Header(name), _) => {
            ini.open(name, Some(number));
            position.section = Some(name.to_owned());
            position.option = None;
        }
        (_, None) if position.complained_about_missing_header => {}
        (_, None) => {
            position.complained_about_missing_header = true;
            return Err(ConfigError::new(
                "no section headers: an option stands before the first `[section]`",
            ));
        }
        (Line::Option { name, value }, Some(section)) => {
            let key = name.to_ascii_lowercase();
            position.option = Some(key.clone());
            ini.open(section, None).put(Entry {
                key,
                value: clean(value).to_owned(),
                line: Some(number),
            });
        }
        (Line::Continuation(text), Some(section)) => {
            let entries = &mut ini.open(section, None).entries;
            let current = entries
                .iter_mut()
                .find(|entry| Some(&entry.key) == position.option.as_ref());
            if let Some(entry) = current {
                entry.value.push('\n');
                entry.value.push_str(text);
            }
        }
        (Line::Malformed, Some(_)) => {
            return Err(ConfigError::new(
                "syntax error: neither `[section]` nor `option = value`",
            ));
        }
    }
    Ok(())
}

/// The six characters that the dialect counts as whitespace.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// Rules 1 and 2: blank lines, `#` and `;` in the first column, the word `rem` in the first column.
///
/// Works on bytes, so that a comment in another encoding does no harm.
fn is_ignored(line: &[u8]) -> bool {
    let space = |byte: &u8| is_space(char::from(*byte));
    match line.first() {
        None | Some(b'#' | b';') => true,
        Some(b'r' | b'R') => {
            let word = line.split(space).next().unwrap_or(line);
            word.eq_ignore_ascii_case(b"rem")
        }
        Some(_) => line.iter().all(space),
    }
}

/// Rules 3 to 7. `in_option` tells whether an option was seen since the section's header.
fn classify(line: &str, in_option: bool) -> Line<'_> {
    let indented = line.starts_with(is_space);
    if indented && in_option {
        return Line::Continuation(line.trim_matches(is_space));
    }
    if let Some((name, _)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        && !name.is_empty()
    {
        return Line::Header(name);
    }
    match line.split_once([':', '=']) {
        Some((name, value)) if !name.is_empty() && !indented => Line::Option {
            name: name.trim_end_matches(is_space),
            value,
        },
        _ => Line::Malformed,
    }
}

/// Section 3.2: the value of an option's first line, from the text after the separator.
fn clean(rest: &str) -> &str {
    let text = rest.trim_start_matches(is_space);
    let kept = match text.split_once(';') {
        // Before a `;` at the very start, the dialect looks at the end of the line instead.
        Some(("", _)) if text.ends_with(is_space) => "",
        Some((before, _)) if before.ends_with(is_space) => before,
        _ => text,
    };
    match kept.trim_matches(is_space) {
        "\"\"" => "",
        value => value,
    }
}
