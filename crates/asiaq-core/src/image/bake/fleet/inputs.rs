//! When the files that images are made from changed last: the commit if git has them unchanged, else the file system. Only reads.

use super::stale::Changed;
use crate::config::{ConfigError, Location};
use crate::error::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::path::Path;
use std::process::Stdio;
use std::time::UNIX_EPOCH;
use tokio::process::Command;

/// The directories whose files go into images.
const PARTS: [&str; 2] = ["init", "discoroot"];
/// Separates commits in git's answer: no path or status begins with it.
const COMMIT: char = '\x01';

/// All files of `init/` and `discoroot/` below `tree`, and those that git knows to have been deleted.
///
/// # Errors
/// A file or directory cannot be read. That git cannot help is no error.
pub async fn read(tree: &Path) -> Result<Vec<Changed>> {
    let mut found = BTreeMap::new();
    for part in PARTS {
        walk(tree, part, &mut found)?;
    }
    let committed = committed(tree).await;
    Ok(merge(found, committed))
}

/// What git knows of the files.
#[derive(Debug, Default, PartialEq, Eq)]
struct Committed {
    /// The last commit that touched a path, and whether it deleted it.
    last: BTreeMap<String, (i64, bool)>,
    /// Paths whose files differ from the last commit.
    dirty: BTreeSet<String>,
}

/// Times of modification are replaced where git has the file unchanged; what was deleted is added.
fn merge(found: BTreeMap<String, i64>, committed: Committed) -> Vec<Changed> {
    let mut times = found;
    for (path, (at, deleted)) in committed.last {
        match times.get_mut(&path) {
            // A new file in the place of a deleted one is not committed yet.
            Some(time) if !deleted && !committed.dirty.contains(&path) => *time = at,
            Some(_) => {}
            None => {
                times.insert(path, at);
            }
        }
    }
    let changed = |(path, at)| Changed { path, at };
    times.into_iter().map(changed).collect()
}

/// Adds all files below `relative`. Links to directories are not followed, as acfg does not; a link to a file counts with its
/// target. A directory that is missing has no files.
fn walk(tree: &Path, relative: &str, found: &mut BTreeMap<String, i64>) -> Result<()> {
    let path = tree.join(relative);
    let fails = |error: std::io::Error| {
        ConfigError::new(format!("cannot read it: {error}"))
            .at(Location::file(path.display().to_string()))
    };
    let entries = match std::fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(fails(error).into()),
    };
    for entry in entries {
        let entry = entry.map_err(fails)?;
        let inner = format!("{relative}/{}", entry.file_name().to_string_lossy());
        let own = entry.metadata().map_err(fails)?;
        if own.is_dir() {
            walk(tree, &inner, found)?;
        } else {
            let target = std::fs::metadata(entry.path()).ok();
            let times = [Some(&own), target.as_ref()];
            let time = times.into_iter().flatten().map(modified).max();
            found.insert(inner, time.unwrap_or_default());
        }
    }
    Ok(())
}

fn modified(metadata: &Metadata) -> i64 {
    let time = metadata.modified().ok();
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or_default()
}

/// Asks git: one process for all commits, one for what is not committed. Nothing if it is missing or the tree is not its own.
async fn committed(tree: &Path) -> Committed {
    // Merges count with what they brought, when they brought it: a branch may be older than the image without being in it.
    let log = [
        "log",
        "--first-parent",
        "--diff-merges=first-parent",
        "--no-renames",
        "--name-status",
        "--format=%x01%ct",
        "-z",
        "--relative",
    ];
    let diff = [
        "diff",
        "HEAD",
        "--name-only",
        "--no-renames",
        "--no-ext-diff",
        "-z",
        "--relative",
    ];
    let (log, diff) = tokio::join!(git(tree, &log), git(tree, &diff));
    match (log, diff) {
        (Some(log), Some(diff)) => Committed {
            last: parse_log(&log),
            dirty: diff
                .split('\0')
                .filter(|path| !path.is_empty())
                .map(str::to_owned)
                .collect(),
        },
        _ => Committed::default(),
    }
}

/// What git writes, `None` if it fails.
async fn git(tree: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(tree)
        .args(arguments)
        .arg("--")
        .args(PARTS)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    match output {
        Ok(output) if output.status.success() => {
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            tracing::debug!(
                "git {arguments:?} says `{}`: times of modification of files count",
                text.trim()
            );
            None
        }
        Err(error) => {
            tracing::debug!("no git ({error}): times of modification of files count");
            None
        }
    }
}

/// The newest commit of each path. The text is a row of entries that end in NUL: a time, then pairs of status and path.
fn parse_log(text: &str) -> BTreeMap<String, (i64, bool)> {
    let mut last = BTreeMap::new();
    let mut time = 0;
    let mut entries = text.split('\0').map(|entry| entry.trim_start_matches('\n'));
    while let Some(entry) = entries.next() {
        if entry.is_empty() {
            continue;
        }
        if let Some(seconds) = entry.strip_prefix(COMMIT) {
            time = seconds.trim().parse().unwrap_or_default();
        } else if let Some(path) = entries.next() {
            last.entry(path.to_owned()).or_insert((time, entry == "D"));
        }
    }
    last
}

#[cfg(test)]
mod tests;
