//! What is in the source tree. Only reads; never reads a file outside of the source.

use crate::error::{AcfgError, Problem};
use crate::plan::Times;
use crate::select::METADATA;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, FileType, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Permission bits, with set-id and sticky bits.
pub(crate) const PERMISSIONS: u32 = 0o7777;

/// A tree to be laid over another one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// The tree as it was named.
    pub root: PathBuf,
    /// Its directories from the top down, sorted; the first one is the tree itself.
    pub folders: Vec<Folder>,
    /// The bytes of `acfg.metadata`.
    pub metadata: Option<Vec<u8>>,
}

/// One directory of the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// Path in the tree; empty for the tree itself.
    pub path: PathBuf,
    /// Permission bits.
    pub mode: u32,
    /// Its times.
    pub times: Times,
    /// What is in it, apart from directories.
    pub files: BTreeMap<OsString, Entry>,
    /// Names of the directories in it.
    pub directories: BTreeSet<OsString>,
}

/// A file of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A file with its permission bits, or a link to a file in the source.
    File(u32),
    /// A link to a directory, to nothing, or to something outside of the source. It is made again as a link.
    Link(PathBuf),
}

impl Source {
    /// Reads the tree.
    ///
    /// # Errors
    /// It cannot be read, or it holds sockets, pipes or devices: all of them are named.
    pub fn observe(root: &Path) -> Result<Self, AcfgError> {
        let real = fs::canonicalize(root).map_err(AcfgError::io("read", root))?;
        let mut source = Source {
            root: root.to_owned(),
            ..Source::default()
        };
        let mut problems = Vec::new();
        let mut waiting = vec![PathBuf::new()];
        while let Some(path) = waiting.pop() {
            let folder = folder(root, &real, path, &mut problems)?;
            let below = folder.directories.iter().rev();
            waiting.extend(below.map(|name| folder.path.join(name)));
            source.folders.push(folder);
        }
        let metadata = root.join(METADATA);
        let first = source.folders.first();
        match first.and_then(|folder| folder.files.get(OsStr::new(METADATA))) {
            Some(Entry::File(_)) => {
                let bytes = fs::read(&metadata).map_err(AcfgError::io("read", &metadata))?;
                source.metadata = Some(bytes);
            }
            Some(Entry::Link(_)) => problems.push(Problem::new(
                metadata.display(),
                "this link does not lead to a file of the source",
            )),
            None => {}
        }
        if problems.is_empty() {
            Ok(source)
        } else {
            Err(AcfgError::Refused(problems))
        }
    }
}

fn folder(
    root: &Path,
    real: &Path,
    path: PathBuf,
    problems: &mut Vec<Problem>,
) -> Result<Folder, AcfgError> {
    let full = root.join(&path);
    // The tree itself may be named by a link.
    let found = fs::metadata(&full).map_err(AcfgError::io("read", &full))?;
    let mut folder = Folder {
        path,
        mode: found.mode() & PERMISSIONS,
        times: times(&found),
        ..Folder::default()
    };
    for entry in fs::read_dir(&full).map_err(AcfgError::io("read", &full))? {
        let entry = entry.map_err(AcfgError::io("read", &full))?;
        let (name, file) = (entry.file_name(), entry.path());
        let found = fs::symlink_metadata(&file).map_err(AcfgError::io("read", &file))?;
        let kind = found.file_type();
        if kind.is_dir() {
            folder.directories.insert(name);
        } else if kind.is_symlink() {
            match link(real, &file)? {
                Ok(entry) => drop(folder.files.insert(name, entry)),
                Err(kind) => problems.push(special(&file, kind)),
            }
        } else if kind.is_file() {
            let mode = found.mode() & PERMISSIONS;
            folder.files.insert(name, Entry::File(mode));
        } else {
            problems.push(special(&file, kind));
        }
    }
    Ok(folder)
}

/// A link to a file in the source stands for that file. The inner error is the kind of a special file in the source.
fn link(real: &Path, file: &Path) -> Result<Result<Entry, FileType>, AcfgError> {
    let inside = fs::canonicalize(file)
        .ok()
        .filter(|end| end.starts_with(real));
    if let Some(end) = inside {
        let found = fs::symlink_metadata(&end).map_err(AcfgError::io("read", &end))?;
        if found.is_file() {
            return Ok(Ok(Entry::File(found.mode() & PERMISSIONS)));
        }
        if !found.is_dir() {
            return Ok(Err(found.file_type()));
        }
    }
    let to = fs::read_link(file).map_err(AcfgError::io("read", file))?;
    Ok(Ok(Entry::Link(to)))
}

fn special(file: &Path, kind: FileType) -> Problem {
    let kind = if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Problem::new(file.display(), format!("{kind} cannot be copied"))
}

/// Times of a file.
pub(crate) fn times(found: &Metadata) -> Times {
    Times {
        accessed: (found.atime(), found.atime_nsec()),
        modified: (found.mtime(), found.mtime_nsec()),
    }
}

#[cfg(test)]
mod tests;
