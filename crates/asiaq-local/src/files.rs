//! Small file helpers: lock files and the last lines of a text. Knows nothing of moto.

use std::fs::{File, OpenOptions};
use std::path::Path;

use crate::error::LocalError;

/// Opens (and if needed makes) a lock file. The file stays; the lock ends with the handle.
pub(crate) fn lock_file(path: &Path) -> Result<File, LocalError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(LocalError::file("cannot open", path))
}

/// The last `count` lines of a text that are not blank, without terminal colours.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(strip_colours)
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines
        .iter()
        .skip(lines.len().saturating_sub(count))
        .cloned()
        .collect::<Vec<_>>()
        .join("\n")
}

/// The last lines of a file; an unreadable file gives its error as text, for use inside error messages.
pub(crate) fn file_tail(path: &Path, count: usize) -> String {
    match std::fs::read(path) {
        Ok(bytes) => last_lines(&String::from_utf8_lossy(&bytes), count),
        Err(error) => format!("(`{}`: {error})", path.display()),
    }
}

fn strip_colours(line: &str) -> String {
    let mut rest = line;
    let mut plain = String::with_capacity(line.len());
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, tail)| tail);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_has_no_blank_lines_and_no_colours() {
        let text = "one\n\n\u{1b}[31m\u{1b}[1mtwo\u{1b}[0m\n  \nthree\n";
        assert_eq!(last_lines(text, 2), "two\nthree");
        assert_eq!(last_lines(text, 9), "one\ntwo\nthree");
        assert_eq!(last_lines("", 3), "");
        assert_eq!(last_lines("cut \u{1b}[3", 1), "cut ");
    }
}
