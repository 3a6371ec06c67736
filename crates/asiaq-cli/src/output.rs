//! Data on stdout: lines, tables, JSON, plans.

use crate::Format;
use asiaq_core::plan::Plan;
use secrecy::{ExposeSecret, SecretSlice};
use serde::Serialize;
use std::io::{self, ErrorKind, Write};

/// Exit code of a program whose reader went away, as if SIGPIPE had ended it.
const BROKEN_PIPE: i32 = 141;

/// Prints data in the form that `--output` asks for.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    format: Format,
}

/// One column of a table: its header and cells. Empty cells print `-`.
#[derive(Debug, Clone)]
pub struct Column {
    /// Header.
    pub header: &'static str,
    /// Cells, in row order.
    pub cells: Vec<String>,
}

impl Printer {
    /// A printer for the given form.
    pub fn new(format: Format) -> Self {
        Self { format }
    }

    /// True for `--output json`.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// One line of data. A reader that went away (`| head`) ends the program quietly.
    pub fn line(&self, text: impl AsRef<str>) {
        self.content(text.as_ref().as_bytes());
    }

    /// A secret that was asked for, as it is, and a line end. As [`Printer::line`].
    pub fn secret(&self, content: &SecretSlice<u8>) {
        self.content(content.expose_secret());
    }

    fn content(&self, bytes: &[u8]) {
        let mut out = io::stdout().lock();
        let result = out
            .write_all(bytes)
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush());
        match result {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(BROKEN_PIPE),
            Err(error) => {
                eprintln!("error: cannot write to stdout: {error}");
                std::process::exit(1);
            }
        }
    }

    /// A listing: an array of objects as JSON, or one line per item from `text`.
    pub fn listing<T: Serialize>(&self, items: &[T], text: impl Fn(&T) -> String) {
        if self.is_json() {
            self.json(items);
        } else if !items.is_empty() {
            let lines: Vec<String> = items.iter().map(text).collect();
            self.line(lines.join("\n"));
        }
    }

    /// A value as JSON.
    pub fn json<T: Serialize + ?Sized>(&self, value: &T) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.line(text),
            // Our records have string keys only, which is all that serialising could refuse.
            Err(error) => self.line(format!("{{\"error\": \"{error}\"}}")),
        }
    }

    /// The table of spec 10, section 7.2: header on stderr, rows on stdout, cells padded to the widest plus four.
    pub fn table(&self, columns: &[Column]) {
        let width = |column: &Column| {
            column
                .cells
                .iter()
                .map(|c| c.chars().count().max(1))
                .chain([column.header.chars().count()])
                .max()
                .unwrap_or(0)
                + 4
        };
        let widths: Vec<usize> = columns.iter().map(width).collect();
        let row = |cells: Vec<&str>| {
            let padded = cells.iter().zip(&widths).map(|(cell, width)| {
                format!("{:<width$}", if cell.is_empty() { "-" } else { cell })
            });
            padded.collect::<String>()
        };
        eprintln!("{}", row(columns.iter().map(|c| c.header).collect()));
        let rows = columns.iter().map(|c| c.cells.len()).max().unwrap_or(0);
        for index in 0..rows {
            self.line(row(columns
                .iter()
                .map(|c| c.cells.get(index).map_or("", String::as_str))
                .collect()));
        }
    }

    /// A plan, for `--dry-run`: its lines, or an array of `{change, sign, text}`. No change prints one line saying so.
    pub fn plan<A>(&self, plan: &Plan<A>) {
        if self.is_json() {
            let items = plan.changes().iter().flat_map(|change| {
                let item = |line: &String| serde_json::json!({ "change": change.id, "sign": change.sign.to_string(), "text": line });
                change.lines.iter().map(item).collect::<Vec<_>>()
            });
            self.json(&items.collect::<Vec<_>>());
        } else if plan.is_empty() {
            self.line("no changes");
        } else {
            self.line(plan.lines().join("\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        assert!(Printer::new(Format::Json).is_json() && !Printer::new(Format::Text).is_json());
    }
}
