//! Homes and authorized keys. Root writes here where users may write too, so nothing is reached by a path that they could
//! bend: every step goes from an open directory to a name in it, links are never followed, and owners are checked.

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::fs::{fchmod, fchown, fstat, mkdirat, open, openat, statat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

/// Mode of `.ssh` and of the file in it.
const MODE: u32 = 0o700;
/// Nobody has more keys than fit in here.
const LARGEST: u64 = 1 << 20;
const SSH: &str = ".ssh";
const FILE: &str = "authorized_keys";
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);
const UNBENT: OFlags = DIRECTORY.union(OFlags::NOFOLLOW);

/// This host, or a tree.
#[derive(Debug, Clone)]
pub(super) struct Root {
    tree: Option<PathBuf>,
}

/// Keys that a user has, and whether the files are as they should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Keys {
    /// The home directory is there.
    pub(super) home: bool,
    /// `.ssh` and the file are there, with the right owners and modes.
    pub(super) right: bool,
    /// Lines of the file.
    pub(super) lines: Vec<String>,
}

impl Root {
    /// This host, or the tree at a path. The programs of the system want that to be absolute, and whatever leads to `/` is
    /// this host.
    ///
    /// # Errors
    /// There is no such tree.
    pub(super) fn new(tree: Option<&Path>) -> Result<Self, String> {
        let Some(tree) = tree else {
            return Ok(Self { tree: None });
        };
        let real = std::fs::canonicalize(tree)
            .map_err(|error| format!("cannot install into {}: {error}", tree.display()))?;
        Ok(Self {
            tree: Some(real).filter(|real| *real != Path::new("/")),
        })
    }

    pub(super) fn is_host(&self) -> bool {
        self.tree.is_none()
    }

    pub(super) fn tree(&self) -> Option<&Path> {
        self.tree.as_deref()
    }

    /// A file of the system, by its path without `/` in front.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.tree.as_deref().unwrap_or(Path::new("/")).join(name)
    }

    /// `etc`, and a file in it that can be read. In a tree no link is followed: it would lead out of it.
    ///
    /// # Errors
    /// One of them cannot be opened, or is a link.
    pub(super) fn open_etc(&self, name: &str) -> io::Result<(OwnedFd, File)> {
        let failed = |error: Errno| match error {
            Errno::LOOP | Errno::NOTDIR if !self.is_host() => {
                io::Error::other("it is reached by a link, which could lead out of the tree")
            }
            other => io::Error::from(other),
        };
        let start = open(self.path(""), DIRECTORY, Mode::empty()).map_err(failed)?;
        let etc = openat(&start, "etc", self.flags(DIRECTORY), Mode::empty()).map_err(failed)?;
        let plain = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = openat(&etc, name, self.flags(plain), Mode::empty()).map_err(failed)?;
        Ok((etc, File::from(file)))
    }

    fn flags(&self, flags: OFlags) -> OFlags {
        match self.is_host() {
            true => flags,
            false => flags | OFlags::NOFOLLOW,
        }
    }

    /// Looks at the keys of a user.
    ///
    /// # Errors
    /// Something is not the user's, or no plain file or directory.
    pub(super) fn look(&self, home: &str, uid: u32, gid: u32) -> Result<Keys, String> {
        let Some(home) = self.open_home(home, uid, false)? else {
            return Ok(Keys::default());
        };
        let mut keys = Keys {
            home: true,
            ..Keys::default()
        };
        let Some((ssh, right)) = open_ssh(&home, uid, gid, false)? else {
            return Ok(keys);
        };
        if let Some((file, file_right)) = open_file(&ssh, uid, gid, OFlags::RDONLY)? {
            keys.right = right && file_right;
            keys.lines = lines(&read(&file)?);
        }
        Ok(keys)
    }

    /// Adds the keys that are missing, with everything that they need. What others wrote stays.
    ///
    /// # Errors
    /// As [`Root::look`]; something cannot be written.
    pub(super) fn add(
        &self,
        home: &str,
        uid: u32,
        gid: u32,
        wanted: &[String],
    ) -> Result<(), String> {
        let place = home;
        let home = self
            .open_home(home, uid, true)?
            .ok_or_else(|| format!("home directory {place} does not exist"))?;
        if is_new(&home)? {
            own(&home, uid, gid)?;
        }
        let missing = || format!("{place}/{SSH} vanished");
        let (ssh, right) = open_ssh(&home, uid, gid, true)?.ok_or_else(missing)?;
        if !right {
            own(&ssh, uid, gid)?;
        }
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE;
        let (file, right) = open_file(&ssh, uid, gid, flags)?.ok_or_else(missing)?;
        if !right {
            own(&file, uid, gid)?;
        }
        let old = read(&file)?;
        let known = lines(&old);
        let new: Vec<&str> = wanted
            .iter()
            .map(String::as_str)
            .filter(|key| !known.iter().any(|line| line == key))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut text = new.join("\n") + "\n";
        if !old.is_empty() && !old.ends_with('\n') {
            text.insert(0, '\n');
        }
        // One call that appends: lines that others add at the same time stay whole.
        (&File::from(file))
            .write_all(text.as_bytes())
            .map_err(|error| format!("cannot write {place}/{SSH}/{FILE}: {error}"))
    }

    /// The home directory; one that is missing is made if asked for. Links in a tree are not followed: they would lead out of
    /// it. On a host they are followed where nobody but root can have made them. A home that is root's is taken if it was made
    /// here, or if nobody else could have bent the way to it.
    fn open_home(&self, home: &str, uid: u32, make: bool) -> Result<Option<OwnedFd>, String> {
        let parts: Vec<Component> = Path::new(home).components().collect();
        let [Component::RootDir, names @ ..] = &parts[..] else {
            return Err(format!("home directory `{home}` is no absolute path"));
        };
        if !names
            .iter()
            .all(|part| matches!(part, Component::Normal(_)))
        {
            return Err(format!("home directory `{home}` contains `..`"));
        }
        let problem = |error: Errno| match error {
            Errno::LOOP | Errno::NOTDIR => {
                format!("home directory {home} is reached by a link, or is no directory")
            }
            error => format!("cannot open home directory {home}: {error}"),
        };
        let start = self.path("");
        let mut at = open(&start, DIRECTORY, Mode::empty()).map_err(problem)?;
        let (mut straight, mut made) = (true, false);
        for (index, name) in names.iter().enumerate() {
            let name = name.as_os_str();
            let last = index + 1 == names.len();
            let safe = is_roots(&fstat(&at).map_err(problem)?);
            straight &= safe && !is_link(&at, name);
            let flags = if safe && self.is_host() {
                DIRECTORY
            } else {
                UNBENT
            };
            at = match openat(&at, name, flags, Mode::empty()) {
                Ok(next) => next,
                Err(Errno::NOENT) if !make => return Ok(None),
                Err(Errno::NOENT) => {
                    let mode = Mode::from_raw_mode(if last { MODE } else { 0o755 });
                    match mkdirat(&at, name, mode) {
                        Ok(()) => made = last,
                        Err(Errno::EXIST) => {}
                        Err(error) => return Err(problem(error)),
                    }
                    openat(&at, name, UNBENT, Mode::empty()).map_err(problem)?
                }
                Err(error) => return Err(problem(error)),
            };
        }
        let stat = fstat(&at).map_err(problem)?;
        let safe = made && is_empty(&at) || straight && is_roots(&stat);
        if stat.st_uid == uid || stat.st_uid == 0 && safe {
            return Ok(Some(at));
        }
        let other = stat.st_uid;
        Err(format!(
            "home directory {home} belongs to uid {other}, not to {uid}"
        ))
    }
}

/// Whether nobody but root can put something into a directory.
fn is_roots(directory: &Stat) -> bool {
    directory.st_uid == 0 && directory.st_mode & 0o022 == 0
}

fn is_link(directory: &OwnedFd, name: &OsStr) -> bool {
    statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

/// Whether a home was made here, now or by a run that was killed, and not given to its user yet.
fn is_new(home: &OwnedFd) -> Result<bool, String> {
    let stat = fstat(home).map_err(no("home directory"))?;
    Ok(stat.st_uid == 0 && stat.st_mode & 0o7777 == MODE && is_empty(home))
}

/// `.ssh` in a home, and whether owner and mode are right. It must be the user's, or new.
fn open_ssh(
    home: &OwnedFd,
    uid: u32,
    gid: u32,
    make: bool,
) -> Result<Option<(OwnedFd, bool)>, String> {
    if make {
        match mkdirat(home, SSH, Mode::from_raw_mode(MODE)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(no(SSH)(error)),
        }
    }
    let ssh = match openat(home, SSH, UNBENT, Mode::empty()) {
        Ok(ssh) => ssh,
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP | Errno::NOTDIR) => {
            return Err(format!(
                "{SSH} is a link or no directory: root does not follow it"
            ));
        }
        Err(error) => return Err(no(SSH)(error)),
    };
    let stat = fstat(&ssh).map_err(no(SSH))?;
    // Root's and empty: made by a run that was killed before it gave it away.
    if stat.st_uid != uid && !(stat.st_uid == 0 && is_empty(&ssh)) {
        return Err(format!(
            "{SSH} belongs to uid {}, not to {uid}",
            stat.st_uid
        ));
    }
    Ok(Some((ssh, is_right(&stat, uid, gid))))
}

/// The file of the keys, and whether owner and mode are right. It must be a plain file of the user under no other name
/// anywhere, or an empty one of root.
fn open_file(
    ssh: &OwnedFd,
    uid: u32,
    gid: u32,
    flags: OFlags,
) -> Result<Option<(OwnedFd, bool)>, String> {
    let unbent = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    // Looked at before it is opened: to open a device may have effects.
    match statat(ssh, FILE, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => plain(&stat, uid)?,
        Err(Errno::NOENT) => {}
        Err(error) => return Err(no(FILE)(error)),
    }
    let file = match openat(ssh, FILE, flags | unbent, Mode::from_raw_mode(0o600)) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(no(FILE)(error)),
    };
    let stat = fstat(&file).map_err(no(FILE))?;
    plain(&stat, uid)?;
    Ok(Some((file, is_right(&stat, uid, gid))))
}

fn plain(stat: &Stat, uid: u32) -> Result<(), String> {
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(format!(
            "{FILE} is a link or no plain file: root does not follow it"
        ));
    }
    if stat.st_nlink != 1 {
        return Err(format!("{FILE} has a second name (a hard link)"));
    }
    // Root's and empty: made by a run that was killed before it gave it away. With content it may be any file of root that the
    // user moved here.
    if stat.st_uid != uid && !(stat.st_uid == 0 && stat.st_size == 0) {
        return Err(format!(
            "{FILE} belongs to uid {}, not to {uid}, and root gives no content away",
            stat.st_uid
        ));
    }
    Ok(())
}

fn is_right(stat: &Stat, uid: u32, gid: u32) -> bool {
    (stat.st_uid, stat.st_gid, stat.st_mode & 0o7777) == (uid, gid, MODE)
}

fn own(file: &OwnedFd, uid: u32, gid: u32) -> Result<(), String> {
    fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
        .and_then(|()| fchmod(file, Mode::from_raw_mode(MODE)))
        .map_err(|error| format!("cannot change the owner: {error}"))
}

fn is_empty(directory: &OwnedFd) -> bool {
    let Ok(entries) = Dir::read_from(directory) else {
        return false;
    };
    let mut others = entries.filter(|entry| {
        let name = entry.as_ref().map(|entry| entry.file_name().to_bytes());
        !matches!(name, Ok(b"." | b".."))
    });
    others.next().is_none()
}

fn read(file: &OwnedFd) -> Result<String, String> {
    let copy = file
        .try_clone()
        .map_err(|error| format!("cannot read {FILE}: {error}"))?;
    let mut bytes = Vec::new();
    File::from(copy)
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot read {FILE}: {error}"))?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("{FILE} has more than {LARGEST} bytes"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim().to_owned()).collect()
}

fn no(what: &str) -> impl Fn(Errno) -> String + '_ {
    move |error| format!("cannot open {what}: {error}")
}

#[cfg(test)]
mod tests;
