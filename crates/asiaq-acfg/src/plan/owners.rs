//! Which line of `acfg.metadata` counts for which path of the target. Pure.

use super::copy::shown;
use super::overlay::Overlay;
use super::{Found, Level, Request, Target, refuse};
use crate::error::{AcfgError, Problem};
use crate::metadata::{self, Entry};
use crate::select::METADATA;
use crate::source::Source;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Owners and modes by real path, and lines about those that do not count.
#[derive(Debug, Default)]
pub(super) struct Wanted<'a> {
    pub(super) by_path: BTreeMap<PathBuf, &'a Entry>,
    /// The paths in the order of the file.
    pub(super) order: Vec<PathBuf>,
    pub(super) notes: Vec<(Level, String)>,
}

/// Parses the file; without one there are no lines.
pub(super) fn read(source: &Source) -> (Vec<Entry>, Vec<Problem>) {
    let file = source.root.join(METADATA).display().to_string();
    match metadata::parse(&file, source.metadata.as_deref().unwrap_or_default()) {
        Ok(entries) => (entries, Vec::new()),
        Err(problems) => (Vec::new(), problems),
    }
}

/// The first line for a path counts, unless a later one is for a stronger hostclass.
pub(super) fn decide<'a, T: Target>(
    request: &Request,
    overlay: &Overlay<T>,
    entries: &'a [Entry],
    problems: &mut Vec<Problem>,
) -> Result<Wanted<'a>, AcfgError> {
    let file = request.source.root.join(METADATA);
    let mut wanted = Wanted::default();
    if request.source.metadata.is_none() {
        let text = format!("Metadata file not found: {}", file.display());
        wanted.notes.push((Level::Warning, text));
    }
    for entry in entries {
        let Some(rank) = entry.rank(request.hostclasses) else {
            continue;
        };
        let place = shown(request, &entry.path);
        let at = format!("{}:{}", file.display(), entry.line);
        let real = match overlay.resolve(Path::new(""), &entry.path)? {
            Ok(real) => real,
            Err(astray) => {
                let text = format!("`{}` {}", place.display(), astray.text());
                refuse(problems, Path::new(&at), text);
                continue;
            }
        };
        match overlay.look(&real)? {
            Found::File(_) | Found::Directory(_) => {}
            Found::Special => {
                let text = format!("`{}` is a socket, a pipe or a device", place.display());
                refuse(problems, Path::new(&at), text);
                continue;
            }
            Found::Missing | Found::Link(_) => {
                let text = format!("skipping permissions (file not found): {}", place.display());
                wanted.notes.push((Level::Warning, text));
                continue;
            }
        }
        wanted.add(real, entry, rank, request, &place);
    }
    Ok(wanted)
}

impl<'a> Wanted<'a> {
    fn add(
        &mut self,
        real: PathBuf,
        entry: &'a Entry,
        rank: usize,
        request: &Request,
        place: &Path,
    ) {
        let Some(other) = self.by_path.get(&real) else {
            self.order.push(real.clone());
            self.by_path.insert(real, entry);
            return;
        };
        let stronger = other
            .rank(request.hostclasses)
            .is_none_or(|other| rank < other);
        let hostclass = entry.hostclass.as_deref().unwrap_or("(all)");
        let text = if stronger {
            format!(
                "OVERRIDING ownership of {} for hostclass {hostclass}",
                place.display()
            )
        } else {
            format!(
                "Skipping permissions from hostclass {hostclass} for {}",
                place.display()
            )
        };
        self.notes.push((Level::Info, text));
        if stronger {
            self.by_path.insert(real, entry);
        }
    }
}
