//! Inputs in files: those that the repository keeps, and those that a run finds.

use crate::Signature;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The directory with a directory of inputs for each target.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The inputs in a directory with their names, by name; none if there is no directory.
///
/// # Errors
/// The system refuses to read one.
pub fn read(directory: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let mut inputs = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        inputs.push((name, fs::read(entry.path())?));
    }
    inputs.sort();
    Ok(inputs)
}

/// Writes an input under a name made of its contents; gives back its path.
///
/// # Errors
/// The system refuses to write.
pub fn write(directory: &Path, prefix: &str, input: &[u8]) -> io::Result<PathBuf> {
    fs::create_dir_all(directory)?;
    let path = directory.join(format!("{prefix}{:016x}", Signature::of(input).0));
    fs::write(&path, input)?;
    Ok(path)
}
