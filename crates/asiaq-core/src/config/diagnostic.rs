//! Problems in configuration, with the place they were found at.
//!
//! Every error of the pure modules ends up as a [`ConfigError`]. It carries a problem, a [`Location`] and
//! perhaps a hint. This file must not read files, print, or know any particular option.

use std::fmt;

/// A place in a configuration file. Parts that are not known stay empty.
///
/// Displays as `config/disco_vpc.ini:12: [envtype:ci] intranet_cidr`, without the unknown parts. For a CSV
/// file the section is `None` and the key is the column name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Location {
    /// Path of the file as it was opened; empty when the problem is in no file.
    pub file: String,
    /// Line number, counted from 1.
    pub line: Option<usize>,
    /// Section name without brackets.
    pub section: Option<String>,
    /// Option name, or the column name in a CSV file.
    pub key: Option<String>,
}

impl Location {
    /// The file as a whole.
    pub fn file(file: impl Into<String>) -> Self {
        Location {
            file: file.into(),
            ..Location::default()
        }
    }

    /// One line of a file (counted from 1), in no particular section.
    pub fn line(file: impl Into<String>, line: usize) -> Self {
        Location {
            file: file.into(),
            line: Some(line),
            ..Location::default()
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut place = self.file.clone();
        if let Some(line) = self.line {
            place.push_str(&format!(":{line}"));
        }
        let section = self.section.as_ref().map(|name| format!("[{name}]"));
        let inner = [section, self.key.clone()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ");
        let parts = [place, inner];
        let known: Vec<&str> = parts
            .iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        f.write_str(&known.join(": "))
    }
}

/// One problem in the configuration.
///
/// Displays as `<location>: <problem>`, or just the problem when no location is known. The hint is for the
/// `hint:` line of the error report and is not part of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", prefix(location))]
pub struct ConfigError {
    /// Where the problem is. Boxed to keep `Result`s small.
    pub location: Box<Location>,
    /// What is wrong, in lower case, naming the value.
    pub problem: String,
    /// What the operator can do about it.
    pub hint: Option<String>,
}

impl ConfigError {
    /// A problem without a place yet.
    pub fn new(problem: impl Into<String>) -> Self {
        ConfigError {
            location: Box::default(),
            problem: problem.into(),
            hint: None,
        }
    }

    /// The same problem at this place.
    pub fn at(self, location: Location) -> Self {
        ConfigError {
            location: Box::new(location),
            ..self
        }
    }

    /// The same problem with this advice.
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        ConfigError {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// All problems found in one go. Never empty when returned as an error.
///
/// Displays as one problem per line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        ConfigErrors(vec![error])
    }
}

fn prefix(location: &Location) -> String {
    let place = location.to_string();
    if place.is_empty() {
        place
    } else {
        format!("{place}: ")
    }
}

fn lines(errors: &[ConfigError]) -> String {
    errors
        .iter()
        .map(ConfigError::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Collects problems while reading goes on, so that an operator sees them all at once.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<ConfigError>);

impl Problems {
    /// Records a problem.
    pub(crate) fn push(&mut self, error: ConfigError) {
        self.0.push(error);
    }

    /// The value, or `None` after its problem has been recorded.
    pub(crate) fn keep<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|error| self.0.push(error)).ok()
    }

    /// Everything that was recorded.
    pub(crate) fn into_list(self) -> Vec<ConfigError> {
        self.0
    }

    /// The value if nothing was recorded, else all problems. `value` may only be `None` after a problem.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, ConfigErrors> {
        debug_assert!(
            value.is_some() || !self.0.is_empty(),
            "a value is missing without a problem"
        );
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(ConfigErrors(self.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn location(
        file: &str,
        line: Option<usize>,
        section: Option<&str>,
        key: Option<&str>,
    ) -> Location {
        Location {
            file: file.into(),
            line,
            section: section.map(String::from),
            key: key.map(String::from),
        }
    }

    #[test]
    fn location_leaves_out_what_is_unknown() {
        let table = [
            (
                location(
                    "config/disco_vpc.ini",
                    Some(12),
                    Some("envtype:ci"),
                    Some("intranet_cidr"),
                ),
                "config/disco_vpc.ini:12: [envtype:ci] intranet_cidr",
            ),
            (
                location("a.ini", None, Some("s"), Some("k")),
                "a.ini: [s] k",
            ),
            (location("a.ini", Some(3), Some("s"), None), "a.ini:3: [s]"),
            (location("a.ini", Some(3), None, None), "a.ini:3"),
            (location("a.ini", None, None, None), "a.ini"),
            (
                location("p.csv", Some(2), None, Some("min_size")),
                "p.csv:2: min_size",
            ),
            (location("", None, Some("s"), Some("k")), "[s] k"),
            (location("", None, None, None), ""),
        ];
        for (place, text) in table {
            assert_eq!(place.to_string(), text);
        }
    }

    #[test]
    fn errors_show_place_and_problem_but_not_the_hint() {
        let bare = ConfigError::new("`x` is wrong").with_hint("try `y`");
        assert_eq!(bare.to_string(), "`x` is wrong");
        assert_eq!(bare.hint.as_deref(), Some("try `y`"));
        let placed = bare.clone().at(Location::line("a.ini", 4));
        assert_eq!(placed.to_string(), "a.ini:4: `x` is wrong");
        assert_eq!(placed.hint, bare.hint);
        let both = ConfigErrors(vec![bare, placed]);
        assert_eq!(both.to_string(), "`x` is wrong\na.ini:4: `x` is wrong");
    }

    #[test]
    fn problems_win_over_the_value() {
        assert_eq!(Problems::default().finish(Some(1)), Ok(1));
        let mut problems = Problems::default();
        assert_eq!(problems.keep(Ok(2)), Some(2));
        assert_eq!(problems.keep::<u8>(Err(ConfigError::new("no"))), None);
        assert_eq!(problems.finish(Some(1)), Err(ConfigError::new("no").into()));
    }
}
