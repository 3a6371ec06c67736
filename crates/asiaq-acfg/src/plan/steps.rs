//! The changes that make the target what it will be, in order: accounts, directories and files, owners and modes of what is
//! there already, directories from the bottom up. A directory that is there already is closed to those who may not see it
//! before anything is written into it. Pure. What is as it should be gets no step.

use super::copy::shown;
use super::overlay::{Overlay, Planned};
use super::owners::Wanted;
use super::{Accounts, Found, Level, Meta, Owner, Plan, Request, Step, Target, Times};
use crate::error::AcfgError;
use crate::metadata::Entry;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Mode of a new directory until all is in it.
pub(crate) const CLOSED: u32 = 0o700;

pub(super) fn steps<T: Target>(
    request: &Request,
    overlay: &Overlay<T>,
    notes: Plan,
    wanted: &Wanted,
    accounts: &impl Accounts,
) -> Result<Plan, AcfgError> {
    let mut writer = Writer {
        request,
        overlay,
        wanted,
        accounts,
        plan: Plan::default(),
        touched: BTreeSet::new(),
    };
    writer.accounts()?;
    writer.plan.items.extend(notes.items);
    writer.target_itself()?;
    for (path, planned) in &overlay.planned {
        writer.bring(path, planned)?;
    }
    for (level, text) in &wanted.notes {
        writer.plan.note(*level, text.clone());
    }
    for path in &wanted.order {
        if !overlay.planned.contains_key(path) {
            writer.settle(path, None)?;
        }
    }
    // A path sorts before all that is below it.
    for (path, planned) in overlay.planned.iter().rev() {
        if let Planned::Directory { mode, times, .. } = planned {
            writer.finish(path, *mode, *times)?;
        }
    }
    Ok(writer.plan)
}

struct Writer<'a, T, A> {
    request: &'a Request<'a>,
    overlay: &'a Overlay<'a, T>,
    wanted: &'a Wanted<'a>,
    accounts: &'a A,
    plan: Plan,
    /// Directories in which something is made, so that their times change.
    touched: BTreeSet<PathBuf>,
}

impl<T: Target, A: Accounts> Writer<'_, T, A> {
    fn shown(&self, path: &Path) -> String {
        shown(self.request, path).display().to_string()
    }

    fn wanted(&self, path: &Path) -> Option<&Entry> {
        self.wanted.by_path.get(path).copied()
    }

    fn touch(&mut self, path: &Path) {
        if let Some(parent) = path.parent() {
            self.touched.insert(parent.to_owned());
        }
    }

    /// Users and groups that are missing. A number needs no account.
    fn accounts(&mut self) -> Result<(), AcfgError> {
        let (mut groups, mut users) = (BTreeSet::new(), BTreeSet::new());
        for path in &self.wanted.order {
            let Some(entry) = self.wanted.by_path.get(path) else {
                continue;
            };
            let group = entry.group.as_str();
            if !groups.contains(group) && self.gid(group)?.is_none() {
                groups.insert(group);
                let text = format!("making group {group}");
                self.plan
                    .step(Level::Info, text, Step::Group(group.to_owned()));
            }
            let user = entry.owner.as_str();
            if !users.contains(user) && self.uid(user)?.is_none() {
                users.insert(user);
                let text = format!("making user {user} in group {group}");
                self.plan.step(Level::Info, text, Step::User(owner(entry)));
            }
        }
        Ok(())
    }

    fn uid(&self, name: &str) -> Result<Option<u32>, AcfgError> {
        Ok(self.accounts.user(name)?.or_else(|| name.parse().ok()))
    }

    fn gid(&self, name: &str) -> Result<Option<u32>, AcfgError> {
        Ok(self.accounts.group(name)?.or_else(|| name.parse().ok()))
    }

    /// The target is made if it is missing.
    fn target_itself(&mut self) -> Result<(), AcfgError> {
        if self.overlay.target.look(Path::new(""))? == Found::Missing {
            let text = format!("make directory {}", self.shown(Path::new("")));
            self.plan
                .step(Level::Info, text, Step::Directory(PathBuf::new()));
        }
        Ok(())
    }

    /// A directory, file or link of the source.
    fn bring(&mut self, path: &Path, planned: &Planned) -> Result<(), AcfgError> {
        let found = self.overlay.target.look(path)?;
        match planned {
            Planned::Directory { mode, .. } => match found {
                Found::Missing => {
                    let text = format!("make directory {}", self.shown(path));
                    let step = Step::Directory(path.to_owned());
                    self.plan.step(Level::Info, text, step);
                    self.touch(path);
                }
                Found::Directory(meta) => self.tighten(path, meta, *mode)?,
                _ => {}
            },
            Planned::File { from, mode } => {
                let present = matches!(found, Found::File(_));
                if present && self.overlay.target.same(from, path)? {
                    return self.settle(path, Some(*mode));
                }
                self.copy(from, path, *mode);
            }
            Planned::Link { from, to } => {
                if found != Found::Link(to.clone()) {
                    let (from, shown) = (from.display(), self.shown(path));
                    let (at, to) = (path.to_owned(), to.clone());
                    let text = format!("copying {from} to {shown} (link to {})", to.display());
                    self.plan.step(Level::Info, text, Step::Link { at, to });
                    self.touch(path);
                }
            }
        }
        Ok(())
    }

    fn copy(&mut self, from: &Path, path: &Path, mode: u32) {
        let shown = self.shown(path);
        let wanted = self.wanted(path).cloned();
        let step = Step::Copy {
            from: from.to_owned(),
            to: path.to_owned(),
            owner: wanted.as_ref().map(owner),
            mode: wanted.as_ref().map_or(mode, |entry| entry.mode),
        };
        let text = format!("copying {} to {shown}", from.display());
        self.plan.step(Level::Info, text, step);
        // Owner and mode are part of the same step, so that nobody sees the file without them.
        if let Some(entry) = wanted {
            self.plan.note(Level::Info, owner_line(&shown, &entry));
            self.plan.note(Level::Info, mode_line(&shown, entry.mode));
        }
        self.touch(path);
    }

    /// Owner and mode of something that is there. Without a wanted mode it keeps its own.
    fn settle(&mut self, path: &Path, mode: Option<u32>) -> Result<(), AcfgError> {
        let found = self.overlay.target.look(path)?;
        let is_file = matches!(found, Found::File(_));
        let meta = match found {
            Found::File(meta) | Found::Directory(meta) => meta,
            // The target itself, if it is made: then it belongs to us.
            _ => Meta {
                uid: u32::MAX,
                ..Meta::default()
            },
        };
        let before = self.plan.items.len();
        self.own_and_mode(path, meta, mode.unwrap_or(meta.mode), Level::Info)?;
        // One of several names of a file is replaced.
        if is_file && self.plan.items.len() > before {
            self.touch(path);
        }
        Ok(())
    }

    fn own_and_mode(
        &mut self,
        path: &Path,
        meta: Meta,
        mode: u32,
        level: Level,
    ) -> Result<(), AcfgError> {
        let mode = self.final_mode(path, mode);
        self.own(path, meta, mode)?;
        if meta.mode != mode {
            let is_wanted = self.wanted(path).is_some();
            self.set_mode(path, mode, if is_wanted { Level::Info } else { level });
        }
        Ok(())
    }

    /// The mode in `acfg.metadata`, else this one.
    fn final_mode(&self, path: &Path, mode: u32) -> u32 {
        self.wanted(path).map_or(mode, |entry| entry.mode)
    }

    /// The owner in `acfg.metadata`, if it is another one; with this mode.
    fn own(&mut self, path: &Path, meta: Meta, mode: u32) -> Result<(), AcfgError> {
        let Some(entry) = self.wanted(path).cloned() else {
            return Ok(());
        };
        let ids = (self.uid(&entry.owner)?, self.gid(&entry.group)?);
        if ids != (Some(meta.uid), Some(meta.gid)) {
            let text = owner_line(&self.shown(path), &entry);
            let (path, owner) = (path.to_owned(), owner(&entry));
            let step = Step::Own { path, owner, mode };
            self.plan.step(Level::Info, text, step);
        }
        Ok(())
    }

    fn set_mode(&mut self, path: &Path, mode: u32, level: Level) {
        let text = mode_line(&self.shown(path), mode);
        let path = path.to_owned();
        self.plan.step(level, text, Step::Mode { path, mode });
    }

    /// Owner of a directory that is there, and what its mode loses, before anything in it.
    fn tighten(&mut self, path: &Path, meta: Meta, mode: u32) -> Result<(), AcfgError> {
        let mode = self.final_mode(path, mode);
        let strict = strict(meta.mode, mode);
        self.own(path, meta, strict)?;
        if meta.mode != strict {
            let is_final = strict == mode;
            let level = if is_final { Level::Info } else { Level::Debug };
            self.set_mode(path, strict, level);
        }
        Ok(())
    }

    /// Mode and times of a directory, and the owner of a new one, after all in it.
    fn finish(&mut self, path: &Path, mode: u32, times: Times) -> Result<(), AcfgError> {
        let (meta, new) = match self.overlay.target.look(path)? {
            Found::Directory(meta) => (meta, false),
            _ => (
                Meta {
                    // Who it belongs to is known when it is made.
                    uid: u32::MAX,
                    mode: CLOSED,
                    ..Meta::default()
                },
                true,
            ),
        };
        if new {
            self.own_and_mode(path, meta, mode, Level::Debug)?;
        } else {
            let mode = self.final_mode(path, mode);
            if strict(meta.mode, mode) != mode {
                self.set_mode(path, mode, Level::Info);
            }
        }
        let touched = new || self.touched.contains(path);
        if touched || meta.times.modified != times.modified {
            let level = if touched { Level::Debug } else { Level::Info };
            let text = format!("setting times of {}", self.shown(path));
            let path = path.to_owned();
            self.plan.step(level, text, Step::Times { path, times });
        }
        Ok(())
    }
}

/// What nobody but the owner has more of than before or afterwards. The sticky bit takes rights away, so it comes first and
/// goes last; the owner's own rights go last, because they may be needed for writing.
fn strict(found: u32, wanted: u32) -> u32 {
    (found & (wanted | 0o1700)) | (wanted & 0o1000)
}

fn owner(entry: &Entry) -> Owner {
    Owner {
        user: entry.owner.clone(),
        group: entry.group.clone(),
    }
}

fn owner_line(shown: &str, entry: &Entry) -> String {
    format!(
        "setting ownership of {shown} to {}:{}",
        entry.owner, entry.group
    )
}

fn mode_line(shown: &str, mode: u32) -> String {
    format!("setting permissions of {shown} to {mode:04o}")
}
