//! What the supervisor tells people and `asiaq local` about its hosts: one file, replaced in one step. Any system can read it.

use crate::error::LocalError;
use crate::process::Identity;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// A host, as `asiaq local status` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostStatus {
    /// Instance id.
    pub instance_id: String,
    /// Primary private address.
    pub private_ip: Option<String>,
    /// Public address.
    pub public_ip: Option<String>,
    /// `starting`, `running`, `stopping`, `stopped`, `failed` or `refused`.
    pub state: String,
    /// Whether its image has boot scripts that tag the instance.
    #[serde(default)]
    pub boots_itself: bool,
    /// Why it does not run as it should.
    pub problem: Option<String>,
}

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Board {
    /// The supervisor, as seen from outside.
    #[serde(flatten)]
    pub(crate) supervisor: Identity,
    /// All hosts, by instance id.
    pub(crate) hosts: Vec<HostStatus>,
}

/// Where the file is.
pub(crate) fn file(dir: &Path) -> PathBuf {
    dir.join("hosts.json")
}

/// Reads it. `None` before the supervisor is ready, and after its end: what it left behind describes nothing.
pub(crate) fn read(dir: &Path) -> Option<Board> {
    let text = fs::read(file(dir)).ok()?;
    let board: Board = serde_json::from_slice(&text).ok()?;
    board.supervisor.is_alive().then_some(board)
}

/// Removes it, if it is there.
pub(crate) fn remove(dir: &Path) -> Result<(), LocalError> {
    match fs::remove_file(file(dir)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LocalError::file("cannot remove", file(dir))(error))
        }
        _ => Ok(()),
    }
}

impl Board {
    pub(crate) fn write(&self, dir: &Path) -> Result<(), LocalError> {
        let (new, file) = (dir.join("hosts.json.new"), file(dir));
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| LocalError::file("cannot write", &new)(error.into()))?;
        fs::write(&new, text).map_err(LocalError::file("cannot write", &new))?;
        fs::rename(&new, &file).map_err(LocalError::file("cannot write", &file))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_board_counts_while_its_supervisor_lives() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(dir.path()).is_none());
        let board = Board {
            supervisor: Identity::of(std::process::id()).unwrap(),
            hosts: Vec::new(),
        };
        board.write(dir.path()).unwrap();
        assert_eq!(read(dir.path()), Some(board));
        // Another process of the same id.
        let text = fs::read(file(dir.path())).unwrap();
        let mut value: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(value["pid"], std::process::id());
        value["birth"] = "another".into();
        fs::write(file(dir.path()), value.to_string()).unwrap();
        assert!(read(dir.path()).is_none());
        remove(dir.path()).unwrap();
        remove(dir.path()).unwrap();
        assert!(!file(dir.path()).exists());
    }
}
