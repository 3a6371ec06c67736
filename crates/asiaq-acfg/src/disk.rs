//! The target on the disk, as it is observed. Only reads.

use crate::error::{AcfgError, Problem};
use crate::plan::{Found, Meta, Target};
use crate::source::{PERMISSIONS, Source, times};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// The directory over which a tree is laid.
#[derive(Debug, Clone)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// Finds its real path. It need not exist.
    ///
    /// # Errors
    /// It is no directory, lies in the source, or the system refuses to say.
    pub fn observe(path: &Path, source: &Source) -> Result<Self, AcfgError> {
        let root = real(path)?;
        let from = fs::canonicalize(&source.root).map_err(AcfgError::io("read", &source.root))?;
        let refused = |text: &str| AcfgError::Refused(vec![Problem::new(path.display(), text)]);
        if root.starts_with(&from) {
            return Err(refused("the target is the source or lies in it"));
        }
        match fs::metadata(&root) {
            Ok(found) if !found.is_dir() => Err(refused("the target is no directory")),
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(AcfgError::io("read", path)(error))
            }
            _ => Ok(Self { root }),
        }
    }
}

/// The real path of something that may be missing, with directories that may be missing.
fn real(path: &Path) -> Result<PathBuf, AcfgError> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        result => return result.map_err(AcfgError::io("read", path)),
    }
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("/"),
    };
    match path.components().next_back() {
        // A link that leads to nothing is not made into a directory.
        Some(Component::Normal(name)) if !path.is_symlink() => Ok(real(parent)?.join(name)),
        _ => Err(AcfgError::io("read", path)(ErrorKind::NotFound.into())),
    }
}

impl Target for Disk {
    fn root(&self) -> &Path {
        &self.root
    }

    fn look(&self, path: &Path) -> Result<Found, AcfgError> {
        let path = self.root.join(path);
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if missing(&error) => return Ok(Found::Missing),
            Err(error) => return Err(AcfgError::io("read", &path)(error)),
        };
        let meta = Meta {
            uid: found.uid(),
            gid: found.gid(),
            mode: found.mode() & PERMISSIONS,
            times: times(&found),
        };
        let kind = found.file_type();
        if kind.is_symlink() {
            let to = fs::read_link(&path).map_err(AcfgError::io("read", &path))?;
            return Ok(Found::Link(to));
        }
        Ok(if kind.is_dir() {
            Found::Directory(meta)
        } else if kind.is_file() {
            Found::File(meta)
        } else {
            Found::Special
        })
    }

    fn same(&self, from: &Path, path: &Path) -> Result<bool, AcfgError> {
        let path = self.root.join(path);
        let mut left = File::open(from).map_err(AcfgError::io("read", from))?;
        let mut right = File::open(&path).map_err(AcfgError::io("read", &path))?;
        let size = |file: &File, path: &Path| {
            let found = file.metadata().map_err(AcfgError::io("read", path))?;
            Ok::<u64, AcfgError>(found.len())
        };
        if size(&left, from)? != size(&right, &path)? {
            return Ok(false);
        }
        let (mut ours, mut theirs) = (vec![0; 65536], vec![0; 65536]);
        loop {
            let a = fill(&mut left, &mut ours).map_err(AcfgError::io("read", from))?;
            let b = fill(&mut right, &mut theirs).map_err(AcfgError::io("read", &path))?;
            if ours.get(..a) != theirs.get(..b) {
                return Ok(false);
            }
            if a == 0 {
                return Ok(true);
            }
        }
    }
}

/// Below a file there is nothing either.
fn missing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..)
        && !rest.is_empty()
    {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
