//! The documents as files say they should be. Reads files, and nothing of AWS.

use crate::config::{ConfigDir, ConfigError, ConfigErrors, Location};
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Where the files are, in the configuration directory.
const FOLDER: &str = "ssm/documents";
/// What their names end with.
const EXTENSION: &str = ".ssm";
/// How long a name may be.
const NAME: std::ops::RangeInclusive<usize> = 3..=128;
/// What names of documents must not start with; AWS keeps these for itself.
const RESERVED: [&str; 3] = ["aws-", "amazon", "amzn"];

/// A document as a file says it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The file.
    pub file: String,
    /// Its content.
    pub content: Value,
}

/// Documents by name.
pub(super) type Desired = BTreeMap<String, Wanted>;

/// True for documents that belong to AWS.
pub(super) fn is_of_aws(name: &str) -> bool {
    name.starts_with("AWS-")
}

/// Reads the files of the configuration directory, or, if it has no such folder, of the working directory.
///
/// # Errors
/// No folder, or everything that is wrong with the files.
pub(super) fn read(dir: &ConfigDir) -> Result<Desired, ConfigErrors> {
    let folder = dir.locate_or_here(FOLDER)?;
    let mut desired = Desired::new();
    let mut problems = Vec::new();
    for path in files(&folder)? {
        match document(&path) {
            Ok(Some((name, wanted))) => {
                desired.insert(name, wanted);
            }
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(desired)
    } else {
        Err(ConfigErrors(problems))
    }
}

/// Everything in the folder, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut paths: Vec<PathBuf> = entries
        .map_err(|error| unreadable(folder, &error))?
        .into_iter()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    Ok(paths)
}

/// The document in a file; `None` if the file is not for us.
fn document(path: &Path) -> Result<Option<(String, Wanted)>, ConfigError> {
    let own = path.file_name().map(OsStr::to_string_lossy);
    let file = path.display().to_string();
    let Some(name) = name_of(&file, own.as_deref().unwrap_or_default())? else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    let content = parse(&file, &text)?;
    Ok(Some((name.to_owned(), Wanted { file, content })))
}

/// The name of the document in a file of this name; `None` if the file is not for us.
///
/// # Errors
/// AWS does not take the name.
pub(crate) fn name_of<'a>(file: &str, own: &'a str) -> Result<Option<&'a str>, ConfigError> {
    let Some(name) = own.strip_suffix(EXTENSION).filter(|name| !is_of_aws(name)) else {
        return Ok(None);
    };
    check_name(name).map_err(|problem| problem.at(Location::file(file)))?;
    Ok(Some(name))
}

fn unreadable(path: &Path, error: &std::io::Error) -> ConfigError {
    let place = Location::file(path.display().to_string());
    ConfigError::new(format!("cannot read this: {error}")).at(place)
}

/// What AWS takes for a name.
fn check_name(name: &str) -> Result<(), ConfigError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !name.chars().all(fits) || !NAME.contains(&name.len()) {
        return Err(ConfigError::new(format!("`{name}` is no name of an SSM document")).with_hint(
            "call the file NAME.ssm; names have 3 to 128 letters, digits, underscores, hyphens and dots",
        ));
    }
    match RESERVED.iter().find(|start| name.starts_with(*start)) {
        Some(start) => Err(ConfigError::new(format!(
            "the name `{name}` starts with `{start}`, which AWS keeps for itself"
        ))
        .with_hint("rename the file")),
        None => Ok(()),
    }
}

/// JSON, and an object.
fn parse(file: &str, text: &str) -> Result<Value, ConfigError> {
    let content: Value = serde_json::from_str(text).map_err(|error| {
        let place = Location::line(file, error.line().max(1));
        let full = error.to_string();
        let problem = full.split(" at line ").next().unwrap_or(&full);
        ConfigError::new(format!(
            "no valid JSON: {problem} (column {})",
            error.column()
        ))
        .at(place)
        .with_hint("see `disco_ssm get-document` for a document that AWS has")
    })?;
    if content.is_object() {
        Ok(content)
    } else {
        Err(
            ConfigError::new("an SSM document is a JSON object, in braces")
                .at(Location::line(file, 1)),
        )
    }
}

/// The content as AWS gets it: the order of the file, indented by four blanks.
pub(super) fn pretty(content: &Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer =
        Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b"    "));
    match content.serialize(&mut serializer) {
        Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
        // A value that came from JSON can be written as JSON.
        Err(_) => content.to_string(),
    }
}

#[cfg(test)]
mod tests;
