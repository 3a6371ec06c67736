//! The grammar of `acfg.metadata`: `PATH[~HOSTCLASS] OCTALMODE OWNER GROUP`. Pure.

use crate::error::Problem;
use crate::select;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// One line: who owns a path, and with which mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Line number, from 1.
    pub line: usize,
    /// Path below the target, without leading slash; empty for the target itself.
    pub path: PathBuf,
    /// Only for this hostclass.
    pub hostclass: Option<String>,
    /// Permission bits, at most 07777.
    pub mode: u32,
    /// Name of the user, or a number.
    pub owner: String,
    /// Name of the group, or a number.
    pub group: String,
}

impl Entry {
    /// How strongly the line counts for these hostclasses; `None` if it is for others.
    pub fn rank(&self, hostclasses: &[String]) -> Option<usize> {
        select::rank(self.hostclass.as_deref().map(OsStr::new), hostclasses)
    }
}

/// Longest name of a user or group.
const LONGEST_NAME: usize = 32;

/// Reads all lines. `file` is how the file is called in problems.
///
/// # Errors
/// All lines that are wrong, each as `FILE:LINE` with the line itself.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Vec<Entry>, Vec<Problem>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    for (index, raw) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = index + 1;
        let parsed = match std::str::from_utf8(raw) {
            Ok(text) => one_line(text, line),
            Err(_) => Err("this line is not UTF-8".to_owned()),
        };
        match parsed {
            Ok(entry) => entries.extend(entry),
            Err(text) => problems.push(Problem::new(format_args!("{file}:{line}"), text)),
        }
    }
    if problems.is_empty() {
        Ok(entries)
    } else {
        Err(problems)
    }
}

fn one_line(raw: &str, line: usize) -> Result<Option<Entry>, String> {
    let text = raw.split('#').next().unwrap_or_default();
    let is_space = |c: char| c.is_ascii_whitespace() || c == '\x0b';
    let fields: Vec<&str> = text
        .split(is_space)
        .filter(|word| !word.is_empty())
        .collect();
    let text = text.trim_matches(is_space);
    let [path, mode, owner, group] = fields[..] else {
        if fields.is_empty() {
            return Ok(None);
        }
        return Err(format!(
            "`{text}` has {} fields; wanted: PATH[~HOSTCLASS] MODE OWNER GROUP",
            fields.len()
        ));
    };
    let problem = |problem: String| format!("{problem} in `{text}`");
    let (path, hostclass) = split_path(path).map_err(problem)?;
    Ok(Some(Entry {
        line,
        path,
        hostclass,
        mode: octal(mode).map_err(problem)?,
        owner: account(owner, "user").map_err(problem)?,
        group: account(group, "group").map_err(problem)?,
    }))
}

/// Only the last component can have a hostclass: `~` in the name of a directory has no meaning.
fn split_path(path: &str) -> Result<(PathBuf, Option<String>), String> {
    let (folder, name) = match path.rfind('/') {
        Some(at) => path.split_at(at + 1),
        None => ("", path),
    };
    let (base, hostclass) = match name.split_once('~') {
        Some((base, hostclass)) => (base, Some(hostclass)),
        None => (name, None),
    };
    if hostclass == Some("") {
        return Err("no hostclass after the `~`".to_owned());
    }
    if hostclass.is_some() && base.is_empty() {
        return Err("no file name before the `~`".to_owned());
    }
    let whole = format!("{folder}{base}");
    if whole.contains('\0') {
        return Err("a NUL byte".to_owned());
    }
    let mut relative = PathBuf::new();
    for component in Path::new(&whole).components() {
        match component {
            Component::Normal(part) => relative.push(part),
            Component::ParentDir => {
                return Err("`..`, which may lead out of the target,".to_owned());
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Ok((relative, hostclass.map(str::to_owned)))
}

fn octal(text: &str) -> Result<u32, String> {
    let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    let mode = u32::from_str_radix(text, 8).ok().filter(|_| digits);
    mode.filter(|mode| *mode <= 0o7777)
        .ok_or_else(|| format!("`{text}` is no octal mode from 0 to 7777"))
}

/// Such names cannot be taken for options or fields by the programs that make accounts.
fn account(text: &str, kind: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let body = text.strip_suffix('$').unwrap_or(text);
    let fine = !body.is_empty()
        && text.len() <= LONGEST_NAME
        && !body.starts_with(['-', '.'])
        && body.bytes().all(plain);
    // The largest number means "leave it as it is" to the system.
    let digits = !body.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<u32>().is_ok_and(|number| number != u32::MAX);
    if fine && (!digits || number) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is no name of a {kind}"))
    }
}

#[cfg(test)]
mod tests;
