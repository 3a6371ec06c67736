//! Which files of a directory a hostclass gets. Pure.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The file with owners and modes. It is never copied.
pub const METADATA: &str = "acfg.metadata";

/// What becomes of the files of one directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Name in the target → name in the source.
    pub chosen: BTreeMap<OsString, OsString>,
    /// Names in the source that are left out, sorted; the file with owners and modes is not among them.
    pub skipped: Vec<OsString>,
}

/// How strongly something for this hostclass counts: 0 is the strongest, what is for all hostclasses is the weakest, `None` is
/// for others.
pub fn rank(hostclass: Option<&OsStr>, hostclasses: &[String]) -> Option<usize> {
    match hostclass {
        None => Some(hostclasses.len()),
        Some(hostclass) => hostclasses
            .iter()
            .position(|known| known.as_str() == hostclass),
    }
}

/// Splits `NAME~HOSTCLASS` at the first `~`.
pub fn split(name: &OsStr) -> (&OsStr, Option<&OsStr>) {
    let bytes = name.as_bytes();
    match bytes.iter().position(|byte| *byte == b'~') {
        None => (name, None),
        Some(at) => {
            let (base, rest) = bytes.split_at(at);
            let suffix = rest.get(1..).unwrap_or_default();
            (OsStr::from_bytes(base), Some(OsStr::from_bytes(suffix)))
        }
    }
}

/// Chooses among the names of files in one directory. The hostclasses come strongest first. Editors' copies (`name~`) and names
/// that begin with `~` are for nobody.
pub fn select<'a>(names: impl IntoIterator<Item = &'a OsStr>, hostclasses: &[String]) -> Selection {
    let mut best: BTreeMap<&OsStr, (usize, &OsStr)> = BTreeMap::new();
    let mut skipped: Vec<&OsStr> = Vec::new();
    for name in names {
        if name == METADATA {
            continue;
        }
        let (base, suffix) = split(name);
        let rank = match rank(suffix, hostclasses) {
            Some(rank) if !base.is_empty() && !name.as_bytes().ends_with(b"~") => rank,
            _ => {
                skipped.push(name);
                continue;
            }
        };
        match best.get(base) {
            Some((other, _)) if *other <= rank => skipped.push(name),
            _ => {
                if let Some((_, loser)) = best.insert(base, (rank, name)) {
                    skipped.push(loser);
                }
            }
        }
    }
    skipped.sort();
    let chosen = best
        .into_iter()
        .map(|(base, (_, name))| (base.to_owned(), name.to_owned()));
    Selection {
        chosen: chosen.collect(),
        skipped: skipped.into_iter().map(OsStr::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests;
