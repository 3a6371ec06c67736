//! What the source brings to which path of the target. Pure.

use super::overlay::{Astray, Overlay, Planned};
use super::{Found, Level, Plan, Request, Target, refuse};
use crate::error::{AcfgError, Problem};
use crate::select::select;
use crate::source::{Entry, Folder};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Fills the overlay; lines for what is left out go to `notes`.
pub(super) fn decide<T: Target>(
    request: &Request,
    overlay: &mut Overlay<T>,
    notes: &mut Plan,
    problems: &mut Vec<Problem>,
) -> Result<(), AcfgError> {
    let mut refused: Vec<&Path> = Vec::new();
    let mut decision = Decision {
        request,
        overlay,
        problems,
        placed: Vec::new(),
    };
    for folder in &request.source.folders {
        if refused.iter().any(|path| folder.path.starts_with(path)) {
            continue;
        }
        let Some(real) = decision.directory(folder)? else {
            refused.push(&folder.path);
            continue;
        };
        let names = folder.files.keys().map(OsString::as_os_str);
        let selection = select(names, request.hostclasses);
        for (base, name) in &selection.chosen {
            decision.file(folder, &real, base, name)?;
        }
        for name in &selection.skipped {
            let file = request.source.root.join(&folder.path).join(name);
            notes.note(Level::Info, format!("skipping: {}", file.display()));
        }
    }
    decision.links()?;
    decision.still_there()
}

struct Decision<'a, 'b, T> {
    request: &'a Request<'a>,
    overlay: &'a mut Overlay<'b, T>,
    problems: &'a mut Vec<Problem>,
    /// Paths of the source, and where they really lie.
    placed: Vec<(PathBuf, PathBuf)>,
}

impl<T: Target> Decision<'_, '_, T> {
    fn shown(&self, path: &Path) -> PathBuf {
        shown(self.request, path)
    }

    /// Where a directory of the source really lies in the target; `None` if that is refused.
    fn directory(&mut self, folder: &Folder) -> Result<Option<PathBuf>, AcfgError> {
        let place = self.shown(&folder.path);
        let Some(real) = self.place(&folder.path, &place)? else {
            return Ok(None);
        };
        match self.overlay.look(&real)? {
            Found::Missing | Found::Directory(_) => {}
            _ => {
                let text = "is no directory, but one of that name is in the source";
                refuse(self.problems, &place, text);
                return Ok(None);
            }
        }
        if real.as_os_str().is_empty() {
            // The target itself keeps its mode and times.
            return Ok(Some(real));
        }
        let planned = Planned::Directory {
            from: self.request.source.root.join(&folder.path),
            mode: folder.mode,
            times: folder.times,
        };
        // Two directories of the source can be one in the target, by a link there: the last one counts.
        self.overlay.planned.insert(real.clone(), planned);
        Ok(Some(real))
    }

    /// Plans one chosen file of a directory that lies at `parent`.
    fn file(
        &mut self,
        folder: &Folder,
        parent: &Path,
        base: &OsStr,
        name: &OsStr,
    ) -> Result<(), AcfgError> {
        let from = self.request.source.root.join(&folder.path).join(name);
        if folder.directories.contains(base) {
            let text = "a file and a directory of the source have the same name in the target";
            refuse(self.problems, &from, text);
            return Ok(());
        }
        let place = self.shown(&folder.path.join(base));
        match folder.files.get(name) {
            Some(Entry::File(mode)) => {
                let Some(real) = self.place(&folder.path.join(base), &place)? else {
                    return Ok(());
                };
                let mode = *mode;
                self.put(real, &place, Planned::File { from, mode })
            }
            Some(Entry::Link(to)) => {
                let to = to.clone();
                self.put(parent.join(base), &place, Planned::Link { from, to })
            }
            None => Ok(()),
        }
    }

    /// Where a path really lies; its directory will be there. `None` if that is refused.
    fn place(&mut self, path: &Path, place: &Path) -> Result<Option<PathBuf>, AcfgError> {
        let real = match self.overlay.resolve(Path::new(""), path)? {
            Ok(real) => real,
            Err(astray) => {
                refuse(self.problems, place, format!("it {}", astray.text()));
                return Ok(None);
            }
        };
        if let Some(parent) = real.parent()
            && !matches!(self.overlay.look(parent)?, Found::Directory(_))
        {
            refuse(self.problems, place, "it is a link that leads to nothing");
            return Ok(None);
        }
        self.placed.push((path.to_owned(), real.clone()));
        Ok(Some(real))
    }

    /// Links must stay in the target, seen in the target as it will be.
    fn links(&mut self) -> Result<(), AcfgError> {
        for (at, planned) in &self.overlay.planned {
            let Planned::Link { from, to } = planned else {
                continue;
            };
            let parent = at.parent().unwrap_or(Path::new(""));
            if let Err(astray) = self.overlay.resolve(parent, to)?
                && astray != Astray::Blocked
            {
                let text = format!("its destination `{}` {}", to.display(), astray.text());
                refuse(self.problems, from, text);
            }
        }
        Ok(())
    }

    /// A link of the source that takes the place of one by which a path was found would send that path elsewhere.
    fn still_there(&mut self) -> Result<(), AcfgError> {
        for (path, real) in &self.placed {
            if self.overlay.resolve(Path::new(""), path)?.as_ref() != Ok(real) {
                let text = "a link of the source changes where this lies in the target";
                refuse(self.problems, &shown(self.request, path), text);
            }
        }
        Ok(())
    }

    /// Plans a file or link, unless something is in its way.
    fn put(&mut self, real: PathBuf, place: &Path, new: Planned) -> Result<(), AcfgError> {
        if let Some(other) = self.overlay.planned.get(&real) {
            let text = format!(
                "`{}` and `{}` would be the same file in the target",
                other.from().display(),
                new.from().display()
            );
            refuse(self.problems, place, text);
            return Ok(());
        }
        match self.overlay.look(&real)? {
            Found::Directory(_) => {
                let text = "is a directory, but a file of that name is in the source";
                refuse(self.problems, place, text);
            }
            Found::Special => {
                let text = "is a socket, a pipe or a device and is not overwritten";
                refuse(self.problems, place, text);
            }
            _ => {
                self.overlay.planned.insert(real, new);
            }
        }
        Ok(())
    }
}

/// A path of the target as the user would write it.
pub(super) fn shown(request: &Request, path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() {
        return request.shown.to_owned();
    }
    request.shown.join(path)
}
