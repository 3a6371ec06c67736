//! Texts in the hands of a person: `$EDITOR` on a private file, and nothing that was written there is ever lost.
//!
//! While the editor has the terminal, Ctrl-C is its business. Whatever ends the command before the text was used, an edit is
//! kept in a file that only this user can read, and the error or the report of the interruption names it.

use crate::session::variable;
use crate::{CliProgress, Failure, Session, ask_yes};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretSlice};
use std::cell::Cell;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Editor of those who chose none.
const DEFAULT: &str = "vi";
/// Mode of the files.
const FILE_MODE: u32 = 0o600;
/// Mode of their directories.
const DIRECTORY_MODE: u32 = 0o700;
/// How many edits of one account may be kept in the same second.
const NAMES: u32 = 1000;
/// How long an editor that is told to end may take to save its text.
const GRACE: Duration = Duration::from_secs(2);
/// Pause between two looks at it.
const PAUSE: Duration = Duration::from_millis(20);

static EDITOR_RUNS: AtomicBool = AtomicBool::new(false);

/// Whether the keys of the terminal that make signals are meant for an editor.
pub(crate) fn editor_runs() -> bool {
    EDITOR_RUNS.load(Ordering::Relaxed)
}

/// A text that was edited and is not used yet.
#[derive(Debug)]
pub struct Edit<'a> {
    progress: &'a CliProgress,
    /// For the name of a kept file, such as `user-ann`.
    label: String,
    /// The command line that edits the same thing.
    again: String,
    original: SecretSlice<u8>,
    directory: Option<TempDir>,
    file: PathBuf,
    /// The editor ended well, so whatever else it left is no unsaved text.
    ended: Cell<bool>,
    /// Taking the edit up as it is would undo what somebody else did.
    overtaken: bool,
}

impl<'a> Edit<'a> {
    /// Opens the editor on a text until `check` takes what is in the file; on a terminal the person may repair it. `again` has
    /// the words of the command line that edits the same thing.
    ///
    /// # Errors
    /// There is no editor, it fails, or the check does. The edit is kept then.
    pub async fn make<T>(
        session: &'a Session,
        label: &str,
        again: &[&str],
        text: SecretSlice<u8>,
        check: impl Fn(&SecretSlice<u8>) -> Result<T, Failure>,
    ) -> Result<(Self, T), Failure> {
        let edit = Self::begin(session.progress(), label, again, text)?;
        loop {
            let checked = match edit.run().await {
                Ok(()) => edit.text().and_then(|text| check(&text)),
                Err(failure) => return Err(edit.keep(failure)),
            };
            let failure = match checked {
                Ok(value) => return Ok((edit, value)),
                Err(failure) => failure,
            };
            if !edit.is_changed() {
                return Err(failure);
            }
            match ask_yes(&format!("{failure}\nEdit again?")).await {
                Ok(true) => {}
                Ok(false) | Err(_) => return Err(edit.keep(failure)),
            }
        }
    }

    fn begin(
        progress: &'a CliProgress,
        label: &str,
        again: &[&str],
        original: SecretSlice<u8>,
    ) -> Result<Self, Failure> {
        let failed = |error| Failure::new(format!("cannot write a file for the editor: {error}"));
        let directory = private_directory().map_err(failed)?;
        let file = directory.path().join(format!("{}.ini", plain(label)));
        write_new(&file, original.expose_secret()).map_err(failed)?;
        Ok(Self {
            progress,
            label: plain(label),
            again: shell_words::join(again),
            original,
            directory: Some(directory),
            file,
            ended: Cell::new(false),
            overtaken: false,
        })
    }

    /// Whether the text is another one than at first.
    fn is_changed(&self) -> bool {
        self.directory.is_some()
            && self
                .text()
                .is_ok_and(|text| text.expose_secret() != self.original.expose_secret())
    }

    /// After the attempt to use the text: it is not needed any more, or kept.
    ///
    /// # Errors
    /// The failure of the attempt, which says where the edit is.
    pub fn finish<T>(mut self, used: Result<T, Failure>) -> Result<T, Failure> {
        match used {
            Ok(value) => {
                self.directory = None;
                Ok(value)
            }
            Err(failure) => Err(self.keep(failure)),
        }
    }

    /// After an attempt that failed because somebody else changed the same thing: the edit is kept, but the failure does not
    /// say how to put it in the place of the other change.
    #[must_use]
    pub fn overtaken(mut self, failure: Failure) -> Failure {
        self.overtaken = true;
        self.keep(failure)
    }

    /// Keeps an edit that was not to be used now; where it is, unless there is nothing to keep.
    pub fn set_aside(mut self) -> Option<String> {
        self.rescue()
    }

    /// Keeps the edit, and says in the failure where it is and how to go on.
    fn keep(mut self, failure: Failure) -> Failure {
        let Some(kept) = self.rescue() else {
            return failure;
        };
        let advice = failure.hint().map(|hint| format!("{hint}\n      "));
        let hint = format!("{}{kept}", advice.unwrap_or_default());
        failure.with_hint(Some(hint))
    }

    /// Puts a changed text, and what an editor left that did not end well, where it stays; says where, unless there is nothing
    /// to keep.
    fn rescue(&mut self) -> Option<String> {
        let original = self.original.expose_secret();
        let text = self.text().ok();
        let text = text.filter(|text| text.expose_secret() != original);
        let directory = self.directory.take()?;
        let (changed, more) = (
            text.is_some(),
            !self.ended.get() && self.has_more(&directory),
        );
        if !changed && !more {
            return None;
        }
        let file = text.map(|text| kept_file(&self.label, text.expose_secret()));
        let copies = more.then(|| kept_copies(&self.label, directory.path()));
        let (file, copies) = match (file.transpose(), copies.transpose()) {
            (Ok(file), Ok(copies)) => (file, copies),
            (Err(error), _) | (_, Err(error)) => {
                // Without the cleaning up that a drop would do, and before the warning: stderr may be gone.
                let stays = directory.keep();
                tracing::warn!("the edit stays where it is: {error}");
                (changed.then(|| self.file.clone()), more.then_some(stays))
            }
        };
        let file = file.map(|file| self.advice(&file));
        let copies = copies.map(|copies| {
            format!(
                "the editor left files of its own, copied to {}; text that was not saved may be in them; delete them when they \
                 are of no more use",
                copies.display()
            )
        });
        let lines: Vec<String> = file.into_iter().chain(copies).collect();
        Some(lines.join("\n      "))
    }

    /// Whether there are files besides the one that was edited, such as rescue copies.
    fn has_more(&self, directory: &TempDir) -> bool {
        let entries = fs::read_dir(directory.path()).into_iter().flatten();
        entries.flatten().any(|entry| {
            entry.path() != self.file && entry.file_type().is_ok_and(|kind| kind.is_file())
        })
    }

    fn advice(&self, path: &Path) -> String {
        let path = path.to_string_lossy();
        let end = "delete it when it is of no more use";
        if self.overtaken {
            return format!("your edit is kept in {path}; {end}");
        }
        let editor = format!("cp {}", shell_words::quote(&path));
        format!(
            "your edit is kept in {path}; EDITOR={} {} takes it up again; {end}",
            shell_words::quote(&editor),
            self.again
        )
    }

    fn text(&self) -> Result<SecretSlice<u8>, Failure> {
        let bytes = fs::read(&self.file).map_err(|error| {
            Failure::new(format!("cannot read the file of the editor: {error}"))
        })?;
        Ok(bytes.into())
    }

    async fn run(&self) -> Result<(), Failure> {
        self.ended.set(false);
        let editor = variable("EDITOR").unwrap_or_else(|| DEFAULT.to_owned());
        let words = shell_words::split(&editor)
            .map_err(|error| Failure::new(format!("cannot read $EDITOR `{editor}`: {error}")))?;
        let [program, arguments @ ..] = &words[..] else {
            return Err(Failure::new("$EDITOR is blank"));
        };
        let started = tokio::process::Command::new(program)
            .args(arguments)
            .arg(&self.file)
            .spawn();
        let child = started.map_err(|error| match error.kind() {
            ErrorKind::NotFound => Failure::new(format!("the editor `{program}` is not installed"))
                .with_hint(Some("set EDITOR to one that is".to_owned())),
            _ => Failure::new(format!("cannot start the editor `{program}`: {error}")),
        })?;
        let status = Foreground::new(child).wait().await;
        let status = status
            .map_err(|error| Failure::new(format!("lost the editor `{program}`: {error}")))?;
        if status.success() {
            self.ended.set(true);
            return Ok(());
        }
        Err(Failure::new(format!(
            "the editor `{program}` failed ({status}): nothing was written"
        )))
    }
}

impl Drop for Edit<'_> {
    /// Comes here with an edit in hand if the command was interrupted.
    fn drop(&mut self) {
        if let Some(kept) = self.rescue() {
            self.progress.on_interrupt(kept);
        }
    }
}

/// An editor that has the terminal.
struct Foreground {
    child: tokio::process::Child,
    ended: bool,
}

impl Foreground {
    fn new(child: tokio::process::Child) -> Self {
        EDITOR_RUNS.store(true, Ordering::Relaxed);
        Self {
            child,
            ended: false,
        }
    }

    async fn wait(mut self) -> std::io::Result<std::process::ExitStatus> {
        let status = self.child.wait().await;
        self.ended = true;
        status
    }
}

impl Drop for Foreground {
    /// A signal that ends this command ends the editor too, which may save its text and gives the terminal back. It is waited
    /// for, so that what it saves is there to be kept.
    fn drop(&mut self) {
        EDITOR_RUNS.store(false, Ordering::Relaxed);
        let id = self.child.id().filter(|_| !self.ended);
        if let Some(id) = id.and_then(|id| i32::try_from(id).ok()) {
            let id = nix::unistd::Pid::from_raw(id);
            let _ = nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM);
            let deadline = Instant::now() + GRACE;
            while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(PAUSE);
            }
        }
    }
}

/// A new directory that only this user can look into, in memory if there is such a place.
fn private_directory() -> std::io::Result<TempDir> {
    let private = |place: &Path| {
        tempfile::Builder::new()
            .prefix("asiaq-edit-")
            .permissions(Permissions::from_mode(DIRECTORY_MODE))
            .tempdir_in(place)
    };
    if let Some(place) = variable("XDG_RUNTIME_DIR")
        && let Ok(directory) = private(Path::new(&place))
    {
        return Ok(directory);
    }
    private(&std::env::temp_dir())
}

/// Writes a text to a new file in the state directory, named after what was edited and the time.
fn kept_file(label: &str, text: &[u8]) -> std::io::Result<PathBuf> {
    kept(label, "ini", |path| {
        write_new(path, text).inspect_err(|error| {
            if error.kind() != ErrorKind::AlreadyExists {
                // Half of an edit would only mislead; the whole is still in the file of the editor.
                let _ = fs::remove_file(path);
            }
        })
    })
}

/// Copies the files of a directory to a new one in the state directory, as the place of the first may end with the login.
fn kept_copies(label: &str, from: &Path) -> std::io::Result<PathBuf> {
    kept(label, "files", |path| {
        DirBuilder::new().mode(DIRECTORY_MODE).create(path)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                let text = Zeroizing::new(fs::read(entry.path())?);
                write_new(&path.join(entry.file_name()), &text)?;
            }
        }
        Ok(())
    })
}

/// Makes something under a new name in the state directory.
fn kept(
    label: &str,
    end: &str,
    make: impl Fn(&Path) -> std::io::Result<()>,
) -> std::io::Result<PathBuf> {
    let state = variable("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.or_else(|| Some(Path::new(&variable("HOME")?).join(".local/state")));
    let state =
        state.ok_or_else(|| std::io::Error::other("neither XDG_STATE_HOME nor HOME is set"))?;
    let directory = state.join("asiaq/edits");
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(&directory)?;
    let time = chrono::Utc::now().format("%Y%m%dT%H%M%SZ");
    for number in 1..=NAMES {
        let more = if number == 1 {
            String::new()
        } else {
            format!("-{number}")
        };
        let path = directory.join(format!("{label}-{time}{more}.{end}"));
        match make(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(std::io::Error::other("too many edits are kept"))
}

fn write_new(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// A label that is a file name of its own.
fn plain(label: &str) -> String {
    let safe = |c: char| match c {
        c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') => c,
        _ => '_',
    };
    label.chars().map(safe).collect()
}
