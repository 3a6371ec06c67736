//! The target as it will be, and where a path in it really lies. Pure.

use super::{Found, Meta, Target, Times};
use crate::error::AcfgError;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// As many links as Linux follows.
const MOST_LINKS: usize = 40;

/// What the source brings to a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Planned {
    /// A directory with this mode and these times. `from` is its path in the source.
    Directory {
        from: PathBuf,
        mode: u32,
        times: Times,
    },
    /// A file of the source with its mode.
    File { from: PathBuf, mode: u32 },
    /// A link of the source and where it leads.
    Link { from: PathBuf, to: PathBuf },
}

impl Planned {
    pub(super) fn from(&self) -> &Path {
        match self {
            Self::Directory { from, .. } | Self::File { from, .. } | Self::Link { from, .. } => {
                from
            }
        }
    }
}

/// Why a path lies nowhere in the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Astray {
    Outside,
    Loop,
    /// Something on the way is no directory.
    Blocked,
}

impl Astray {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Outside => "leads out of the target",
            Self::Loop => "has too many links on its way",
            Self::Blocked => "has something on its way that is no directory",
        }
    }
}

pub(super) struct Overlay<'a, T> {
    pub(super) target: &'a T,
    pub(super) planned: BTreeMap<PathBuf, Planned>,
}

impl<'a, T: Target> Overlay<'a, T> {
    pub(super) fn new(target: &'a T) -> Self {
        Self {
            target,
            planned: BTreeMap::new(),
        }
    }

    /// What will be at a path without links on the way.
    pub(super) fn look(&self, path: &Path) -> Result<Found, AcfgError> {
        let meta = |mode: u32| Meta {
            mode,
            ..Meta::default()
        };
        match self.planned.get(path) {
            Some(Planned::Directory { mode, .. }) => Ok(Found::Directory(meta(*mode))),
            Some(Planned::File { mode, .. }) => Ok(Found::File(meta(*mode))),
            Some(Planned::Link { to, .. }) => Ok(Found::Link(to.clone())),
            // The target itself is made if it is missing.
            None if path.as_os_str().is_empty() => match self.target.look(path)? {
                Found::Missing => Ok(Found::Directory(Meta::default())),
                found => Ok(found),
            },
            None => self.target.look(path),
        }
    }

    /// Where `path` really lies, as seen from the directory `start`, which has no links on its way. What is missing counts as
    /// what it will be: a plain file or directory.
    pub(super) fn resolve(
        &self,
        start: &Path,
        path: &Path,
    ) -> Result<Result<PathBuf, Astray>, AcfgError> {
        let whole_machine = self.target.root() == Path::new("/");
        let mut real = start.to_owned();
        let mut links = 0;
        let mut waiting = VecDeque::new();
        if let Err(astray) = self.queue(path, &mut real, &mut waiting) {
            return Ok(Err(astray));
        }
        while let Some(part) = waiting.pop_front() {
            let Some(name) = part else {
                if !real.pop() && !whole_machine {
                    return Ok(Err(Astray::Outside));
                }
                continue;
            };
            real.push(name);
            match self.look(&real)? {
                Found::Link(to) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Ok(Err(Astray::Loop));
                    }
                    real.pop();
                    if let Err(astray) = self.queue(&to, &mut real, &mut waiting) {
                        return Ok(Err(astray));
                    }
                }
                Found::File(_) | Found::Special if !waiting.is_empty() => {
                    return Ok(Err(Astray::Blocked));
                }
                _ => {}
            }
        }
        Ok(Ok(real))
    }

    /// Puts the parts of a path before those that wait; `None` is `..`. An absolute path starts again at the target, if it
    /// is in it.
    fn queue(
        &self,
        path: &Path,
        real: &mut PathBuf,
        waiting: &mut VecDeque<Option<OsString>>,
    ) -> Result<(), Astray> {
        let mut rest = path;
        if path.is_absolute() {
            rest = path
                .strip_prefix(self.target.root())
                .map_err(|_| Astray::Outside)?;
            *real = PathBuf::new();
        }
        for part in rest.components().rev() {
            match part {
                Component::Normal(name) => waiting.push_front(Some(name.to_owned())),
                Component::ParentDir => waiting.push_front(None),
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
        Ok(())
    }
}
