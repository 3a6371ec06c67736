//! Options of every ssh process, and Asiaq's own known-hosts file. Starts no process.

use crate::error::{Error, Result};
use rustix::process::geteuid;
use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The variable with extra arguments of every ssh.
const OPTIONS: &str = "ASIAQ_SSH_OPTIONS";

/// What the environment and the command line say about ssh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSettings {
    /// Extra arguments of every ssh: `ASIAQ_SSH_OPTIONS`, split like a shell does.
    pub extra: Vec<String>,
    /// Asiaq's own known-hosts file.
    pub known_hosts: PathBuf,
    /// `-v`.
    pub verbose: bool,
}

impl SshSettings {
    /// Reads the variables through `get`: `ASIAQ_SSH_OPTIONS`, `XDG_STATE_HOME` and `HOME`. Touches no file.
    ///
    /// # Errors
    /// `ASIAQ_SSH_OPTIONS` has an open quote; no place for the known-hosts file can be named.
    pub fn from_variables(get: impl Fn(&str) -> Option<String>, verbose: bool) -> Result<Self> {
        let text = get(OPTIONS).unwrap_or_default();
        let extra = shell_words::split(&text).map_err(|_| {
            Error::refused(format!(
                "environment variable {OPTIONS} has a quote that is not closed: `{text}`"
            ))
            .with_hint(
                "write it as in a shell, such as `-o ServerAliveInterval=30 -i '/a path/key'`",
            )
        })?;
        Ok(Self {
            extra,
            known_hosts: known_hosts(get)?,
            verbose,
        })
    }

    /// The argument that names the known-hosts file to ssh. ssh takes the value apart at blanks, and expands `%` and
    /// `${}` in it, so it is written in quotes, with `%` doubled.
    pub fn known_hosts_option(&self) -> String {
        let path = self.known_hosts.to_string_lossy();
        let value = path
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('%', "%%");
        format!("-oUserKnownHostsFile=\"{value}\"")
    }

    /// Makes the directory of the known-hosts file, for its owner alone. To be called before the first ssh: ssh makes the
    /// file, but not its directory.
    ///
    /// # Errors
    /// It cannot be made, or belongs to somebody else, who could then forge host keys.
    pub fn prepare(&self) -> Result<()> {
        let Some(directory) = self.known_hosts.parent() else {
            return Ok(());
        };
        private_directory(directory).map_err(|why| {
            Error::refused(format!(
                "cannot use the directory of ssh host keys `{}`: {why}",
                directory.display()
            ))
            .with_hint("set XDG_STATE_HOME to a directory of your own")
        })
    }
}

/// `asiaq/known_hosts` in the directory for state. As the XDG rules say, a relative `XDG_STATE_HOME` is ignored.
fn known_hosts(get: impl Fn(&str) -> Option<String>) -> Result<PathBuf> {
    let absolute = |name: &str| get(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .ok_or_else(|| {
            Error::refused("there is no place for ssh host keys: neither XDG_STATE_HOME nor HOME is set to an absolute path")
                .with_hint("set XDG_STATE_HOME to a directory of your own")
        })?;
    let path = state.join("asiaq/known_hosts");
    let text = path.to_string_lossy();
    // ssh takes `${NAME}` for a variable and knows no way to write it plainly; a line break would end its option.
    if text.contains("${") || text.contains(char::is_control) {
        return Err(Error::refused(format!(
            "ssh cannot keep host keys in {text:?}: the path has `${{` or control characters in it"
        ))
        .with_hint("set XDG_STATE_HOME to another directory"));
    }
    Ok(path)
}

fn private_directory(path: &Path) -> std::result::Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(text)?;
    let found = path.metadata().map_err(text)?;
    if found.uid() != geteuid().as_raw() {
        return Err(format!("it belongs to another user ({})", found.uid()));
    }
    if found.mode() & 0o077 != 0 {
        std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
