//! JSON files with the lines of what is in them. Knows no particular format.

use super::tree::File;
use crate::config::{ConfigError, Location};
use serde_json::Value;

/// A JSON file.
pub(super) struct Json<'a> {
    file: &'a File,
    /// What is in it.
    pub(super) value: Value,
}

/// One step from a value to one within it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    /// The member of this name of an object.
    Key(&'a str),
    /// The item at this place of a list.
    Item(usize),
}

impl<'a> Json<'a> {
    /// Reads a file.
    ///
    /// # Errors
    /// It is no JSON, at the line where that shows.
    pub(super) fn parse(file: &'a File) -> Result<Self, ConfigError> {
        let place = |line: usize| Location::line(&file.path, line.max(1));
        if let Err(error) = std::str::from_utf8(&file.text) {
            let line = line_at(&file.text, error.valid_up_to());
            return Err(ConfigError::new("this line is not valid UTF-8").at(place(line)));
        }
        match serde_json::from_slice(&file.text) {
            Ok(value) => Ok(Json { file, value }),
            Err(error) => {
                let full = error.to_string();
                let what = full.split(" at line ").next().unwrap_or(&full);
                let text = format!("no valid JSON: {what} (column {})", error.column());
                Err(ConfigError::new(text).at(place(error.line())))
            }
        }
    }

    /// A problem at a member or item; where that is missing, at the innermost one that is there.
    pub(super) fn wrong(&self, steps: &[Step<'_>], problem: impl Into<String>) -> ConfigError {
        let all = (0..=steps.len()).rev();
        let mut known = all.filter_map(|n| {
            let mut scanner = Scanner {
                text: &self.file.text,
                at: 0,
            };
            scanner.find(steps.get(..n)?)
        });
        let line = line_at(&self.file.text, known.next().unwrap_or(0));
        ConfigError::new(problem).at(Location::line(&self.file.path, line))
    }
}

fn line_at(text: &[u8], position: usize) -> usize {
    let before = text.iter().take(position);
    before.filter(|byte| **byte == b'\n').count() + 1
}

/// Walks over text that is known to be JSON.
struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    /// Where the value at the end of the steps begins; for a member of an object, where its name does.
    fn find(&mut self, steps: &[Step<'_>]) -> Option<usize> {
        let first = self.peek()?;
        let Some((step, rest)) = steps.split_first() else {
            return Some(self.at);
        };
        self.at += 1;
        match (first, step) {
            (b'{', Step::Key(name)) => loop {
                if self.peek()? == b'}' {
                    return None;
                }
                let start = self.at;
                let key = self.string()?;
                self.peek()?;
                self.at += 1;
                if key == *name {
                    return if rest.is_empty() {
                        Some(start)
                    } else {
                        self.find(rest)
                    };
                }
                self.skip()?;
                self.comma()?;
            },
            (b'[', Step::Item(index)) => {
                for _ in 0..*index {
                    self.skip()?;
                    self.comma()?;
                }
                (self.peek()? != b']').then(|| self.find(rest)).flatten()
            }
            _ => None,
        }
    }

    fn comma(&mut self) -> Option<()> {
        (self.peek()? == b',').then(|| self.at += 1)
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.text.get(self.at)? {
                b'\\' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        serde_json::from_slice(self.text.get(start..self.at)?).ok()
    }

    /// Passes one value.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' => self.at += 1,
                _ => {
                    let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                    while self.text.get(self.at).is_some_and(word) {
                        self.at += 1;
                    }
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::Step::{Item, Key};
    use super::*;

    fn file(text: &[u8]) -> File {
        File {
            path: "a.json".to_owned(),
            name: "a.json".to_owned(),
            text: text.to_vec(),
        }
    }

    #[test]
    fn places_are_lines() {
        let text = "{\n \"a\": [\n  1,\n  {\"x\": \"}\\\"\",\n   \"y\": true}, [],\n  null\n ],\n \"b\\u0063\":\n  -1.5e3\n}\n";
        let file = file(text.as_bytes());
        let json = Json::parse(&file).unwrap();
        let table: [(&[Step<'_>], usize); 11] = [
            (&[], 1),
            (&[Key("a")], 2),
            (&[Key("a"), Item(0)], 3),
            (&[Key("a"), Item(1)], 4),
            (&[Key("a"), Item(1), Key("y")], 5),
            (&[Key("a"), Item(2)], 5),
            (&[Key("a"), Item(3)], 6),
            (&[Key("bc")], 8),
            // What is missing, or is no list or object, is told of what holds it.
            (&[Key("a"), Item(1), Key("z")], 4),
            (&[Key("a"), Item(9), Key("z")], 2),
            (&[Key("a"), Key("z")], 2),
        ];
        for (steps, line) in table {
            let place = json.wrong(steps, "x").to_string();
            assert_eq!(place, format!("a.json:{line}: x"), "{steps:?}");
        }
    }

    #[test]
    fn what_is_no_json_has_a_line() {
        for (text, told) in [
            (
                &b"{\n \"a\": 1,\n}"[..],
                "a.json:3: no valid JSON: trailing comma (column 1)",
            ),
            (
                b"{}\n{}",
                "a.json:2: no valid JSON: trailing characters (column 1)",
            ),
            (
                b"",
                "a.json:1: no valid JSON: EOF while parsing a value (column 0)",
            ),
            (
                b"{\n \"\xff\": 1}",
                "a.json:2: this line is not valid UTF-8",
            ),
        ] {
            let file = file(text);
            assert_eq!(Json::parse(&file).err().unwrap().to_string(), told);
        }
    }
}
