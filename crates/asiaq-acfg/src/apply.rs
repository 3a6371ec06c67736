//! Makes the changes of a plan. Every path is walked part by part from the target, and no link is followed: what the plan saw
//! there may have been replaced since, by whoever owns a directory on the way.

use crate::error::AcfgError;
use crate::plan::{Level, Owner, Plan, Step, Times};
use crate::source::PERMISSIONS;
use crate::users::MakeAccounts;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{File, FileTimes, Metadata, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Component, Path};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file is written under this name beside its place. Programs that read whole directories leave such names out, and a run
/// that was killed leaves at most one, which the next run replaces.
const DRAFT: &str = ".acfg1~";

/// Shows each line before its change is made.
///
/// # Errors
/// The first change that fails. Those before it are made; another run goes on from there.
pub fn apply(
    plan: &Plan,
    root: &Path,
    accounts: &impl MakeAccounts,
    show: &mut dyn FnMut(Level, &str),
) -> Result<(), AcfgError> {
    let applier = Applier { root, accounts };
    for item in &plan.items {
        show(item.level, &item.text);
        if let Some(step) = &item.step {
            applier.step(step)?;
        }
    }
    Ok(())
}

struct Applier<'a, A> {
    root: &'a Path,
    accounts: &'a A,
}

impl<A: MakeAccounts> Applier<'_, A> {
    fn step(&self, step: &Step) -> Result<(), AcfgError> {
        let failed = |action, path: &Path| AcfgError::io(action, &self.root.join(path));
        match step {
            Step::Group(name) => self.accounts.make_group(name),
            Step::User(owner) => self.accounts.make_user(owner),
            Step::Directory(path) => self.directory(path).map_err(failed("make", path)),
            Step::Copy {
                from,
                to,
                owner,
                mode,
            } => {
                let ids = owner.as_ref().map(|owner| self.ids(owner)).transpose()?;
                let file = File::open(from).map_err(AcfgError::io("read", from))?;
                self.copy(file, to, ids, *mode).map_err(failed("write", to))
            }
            Step::Link { at, to } => self.link(at, to).map_err(failed("make", at)),
            Step::Own { path, owner, mode } => {
                let ids = self.ids(owner)?;
                let done = self.set(path, Some(ids), *mode);
                done.map_err(failed("set the ownership of", path))
            }
            Step::Mode { path, mode } => {
                let done = self.set(path, None, *mode);
                done.map_err(failed("set the permissions of", path))
            }
            Step::Times { path, times } => {
                let done = self.open(path).and_then(|file| set_times(&file, *times));
                done.map_err(failed("set the times of", path))
            }
        }
    }

    fn ids(&self, owner: &Owner) -> Result<(u32, u32), AcfgError> {
        let unknown = |kind: &str, name: &str| AcfgError::Account {
            what: format!("the {kind} `{name}` does not exist"),
        };
        let Owner { user, group } = owner;
        let uid = self.accounts.user(user)?.or_else(|| user.parse().ok());
        let gid = self.accounts.group(group)?.or_else(|| group.parse().ok());
        let uid = uid.ok_or_else(|| unknown("user", user))?;
        Ok((uid, gid.ok_or_else(|| unknown("group", group))?))
    }

    fn directory(&self, path: &Path) -> io::Result<()> {
        if path.as_os_str().is_empty() {
            return std::fs::create_dir_all(self.root);
        }
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::mkdirat(parent, name, Mode::RWXU)?)
    }

    /// Writes beside the place and renames, so a file is there whole or not at all, one that is being run can be replaced, and a
    /// second name of the old file, which may be outside of the target, keeps the old contents.
    fn copy(
        &self,
        mut from: File,
        to: &Path,
        ids: Option<(u32, u32)>,
        mode: u32,
    ) -> io::Result<()> {
        let (parent, name) = self.parent(to)?;
        let ids = match ids {
            Some(ids) => Some(ids),
            None => owner_of(&parent, name)?,
        };
        let draft = draft(&parent)?;
        let written =
            fill(&mut from, &draft, ids, mode).and_then(|()| self.rename(&parent, name, &mut from));
        if written.is_err() {
            // What is reported is why it could not be written.
            let _ = rustix::fs::unlinkat(&parent, DRAFT, AtFlags::empty());
        }
        written
    }

    /// A file that is a mount of its own cannot be replaced: it is written in place. The draft goes before that: once
    /// the contents are right, no run would remove it.
    fn rename(&self, parent: &OwnedFd, name: &OsStr, from: &mut File) -> io::Result<()> {
        match rustix::fs::renameat(parent, DRAFT, parent, name) {
            Err(Errno::BUSY) => {}
            result => return Ok(result?),
        }
        let found = rustix::fs::statat(parent, DRAFT, AtFlags::SYMLINK_NOFOLLOW)?;
        rustix::fs::unlinkat(parent, DRAFT, AtFlags::empty())?;
        let flags = OFlags::WRONLY | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(parent, name, flags, Mode::empty())?;
        io::Seek::rewind(from)?;
        let ids = Some((found.st_uid, found.st_gid));
        fill(from, &File::from(file), ids, found.st_mode & PERMISSIONS)
    }

    /// Sets owner and mode of a file or directory. Another name of a file may be outside of the target and must keep its own:
    /// then a copy takes the place of this one. On a whole machine no name is outside, and all of them change, as programs
    /// that packages install under several names expect.
    fn set(&self, path: &Path, ids: Option<(u32, u32)>, mode: u32) -> io::Result<()> {
        let mut file = self.open(path)?;
        let found = file.metadata()?;
        let is_shared = found.is_file() && found.nlink() > 1;
        if is_shared
            && self.root != Path::new("/")
            && self.part(path, &mut file, &found, ids, mode)?
        {
            return Ok(());
        }
        if let Some((uid, gid)) = ids {
            fchown(&file, Some(uid), Some(gid))?;
        }
        file.set_permissions(Permissions::from_mode(mode))
    }

    /// Puts a copy in place of one of several names of a file; `false` if it is a mount of its own and cannot be replaced.
    fn part(
        &self,
        path: &Path,
        from: &mut File,
        found: &Metadata,
        ids: Option<(u32, u32)>,
        mode: u32,
    ) -> io::Result<bool> {
        let (parent, name) = self.parent(path)?;
        let ids = ids.unwrap_or((found.uid(), found.gid()));
        let times = FileTimes::new()
            .set_accessed(found.accessed()?)
            .set_modified(found.modified()?);
        let draft = draft(&parent)?;
        let moved = fill(from, &draft, Some(ids), mode)
            .and_then(|()| draft.set_times(times))
            .and_then(|()| Ok(rustix::fs::renameat(&parent, DRAFT, &parent, name)?));
        let Err(error) = moved else {
            return Ok(true);
        };
        // What is reported is why it could not be written.
        let _ = rustix::fs::unlinkat(&parent, DRAFT, AtFlags::empty());
        if error.raw_os_error() == Some(Errno::BUSY.raw_os_error()) {
            return Ok(false);
        }
        Err(error)
    }

    fn link(&self, at: &Path, to: &Path) -> io::Result<()> {
        let (parent, name) = self.parent(at)?;
        remove_draft(&parent)?;
        rustix::fs::symlinkat(to, &parent, DRAFT)?;
        Ok(rustix::fs::renameat(&parent, DRAFT, &parent, name)?)
    }

    /// The directory of a path, and its last part.
    fn parent<'p>(&self, path: &'p Path) -> io::Result<(OwnedFd, &'p OsStr)> {
        let name = path.file_name().ok_or(Errno::INVAL)?;
        Ok((self.walk(path.parent().unwrap_or(Path::new("")))?, name))
    }

    /// Opens a directory below the target without following a link.
    fn walk(&self, path: &Path) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut folder = rustix::fs::openat(CWD, self.root, flags, Mode::empty())?;
        for part in path.components() {
            let Component::Normal(name) = part else {
                return Err(Errno::INVAL.into());
            };
            folder = rustix::fs::openat(&folder, name, flags, Mode::empty())?;
        }
        Ok(folder)
    }

    /// Opens a file or directory so that its owner, mode and times can be changed.
    fn open(&self, path: &Path) -> io::Result<File> {
        let (parent, name) = if path.as_os_str().is_empty() {
            (self.walk(path)?, OsStr::new("."))
        } else {
            self.parent(path)?
        };
        let found = rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = FileType::from_raw_mode(found.st_mode);
        if !matches!(kind, FileType::Directory | FileType::RegularFile) {
            return Err(Errno::LOOP.into());
        }
        // Should it become a pipe meanwhile, this does not wait for its other end.
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&parent, name, flags, Mode::empty())?;
        Ok(File::from(file))
    }
}

/// A new draft, for the running user alone.
fn draft(parent: &OwnedFd) -> io::Result<File> {
    remove_draft(parent)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let draft = rustix::fs::openat(parent, DRAFT, flags, Mode::RUSR | Mode::WUSR)?;
    Ok(File::from(draft))
}

/// Removes what a killed run left.
fn remove_draft(parent: &OwnedFd) -> io::Result<()> {
    match rustix::fs::unlinkat(parent, DRAFT, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Who owns a file that is there.
fn owner_of(parent: &OwnedFd, name: &OsStr) -> io::Result<Option<(u32, u32)>> {
    match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::RegularFile => {
            Ok(Some((found.st_uid, found.st_gid)))
        }
        Ok(_) => Err(Errno::LOOP.into()),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Contents, then owner, then mode: a change of owner takes set-id bits away.
fn fill(from: &mut File, mut to: &File, ids: Option<(u32, u32)>, mode: u32) -> io::Result<()> {
    io::copy(from, &mut to)?;
    if let Some((uid, gid)) = ids {
        let found = to.metadata()?;
        if (found.uid(), found.gid()) != (uid, gid) {
            fchown(to, Some(uid), Some(gid))?;
        }
    }
    to.set_permissions(Permissions::from_mode(mode))
}

fn set_times(file: &File, times: Times) -> io::Result<()> {
    let accessed = time(times.accessed).ok_or(Errno::INVAL)?;
    let modified = time(times.modified).ok_or(Errno::INVAL)?;
    let times = FileTimes::new()
        .set_accessed(accessed)
        .set_modified(modified);
    file.set_times(times)
}

/// Nanoseconds count forward, also before 1970.
fn time((seconds, nanoseconds): (i64, i64)) -> Option<SystemTime> {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let base = if seconds < 0 {
        UNIX_EPOCH.checked_sub(whole)?
    } else {
        UNIX_EPOCH.checked_add(whole)?
    };
    base.checked_add(Duration::from_nanos(nanoseconds.try_into().ok()?))
}
