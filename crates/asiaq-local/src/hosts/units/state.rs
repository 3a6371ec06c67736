//! What a unit does at the moment, as a file for everybody to read.

use super::load::Places;
use serde::{Deserialize, Serialize};
use std::fs;

/// State of a unit, in systemd's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It starts.
    Activating,
    /// It runs, or has done its work.
    Active,
    /// It stops.
    Deactivating,
    /// It failed.
    Failed,
    /// None of these.
    #[default]
    Inactive,
}

impl Phase {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Activating => "activating",
            Self::Active => "active",
            Self::Deactivating => "deactivating",
            Self::Failed => "failed",
            Self::Inactive => "inactive",
        }
    }
}

/// A unit's state with its details.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct State {
    /// The state.
    pub active: Phase,
    /// More about it: `running`, `exited`, `start-pre`, or why it failed.
    pub detail: String,
    /// Process of a running service.
    pub pid: Option<u32>,
}

impl State {
    /// A state without a process.
    pub fn new(active: Phase, detail: &str) -> Self {
        Self {
            active,
            detail: detail.to_owned(),
            pid: None,
        }
    }

    /// A service that runs.
    pub fn running(pid: Option<u32>) -> Self {
        Self {
            active: Phase::Active,
            detail: "running".to_owned(),
            pid,
        }
    }
}

/// Notes a state. A state that cannot be written must not end a service: it is only logged.
pub fn write(places: &Places, name: &str, state: &State) {
    let path = places.run.join(format!("{name}.json"));
    let new = places.run.join(format!("{name}.json.new"));
    let written = serde_json::to_vec(state)
        .map_err(std::io::Error::from)
        .and_then(|text| fs::write(&new, text))
        .and_then(|()| fs::rename(&new, &path));
    if let Err(problem) = written {
        tracing::warn!("cannot write {}: {problem}", path.display());
    }
    let Phase::Failed = state.active else {
        tracing::debug!("{name}: {} ({})", state.active.word(), state.detail);
        return;
    };
    tracing::warn!("{name}: failed ({})", state.detail);
}

/// The state of a unit; one that was never started is inactive, as is a daemon whose process is gone.
pub fn read(places: &Places, name: &str) -> State {
    let text = fs::read(places.run.join(format!("{name}.json"))).unwrap_or_default();
    let state: State = serde_json::from_slice(&text).unwrap_or_default();
    let gone = |pid: u32| !std::path::Path::new(&format!("/proc/{pid}")).exists();
    if state.active == Phase::Active && state.pid.is_some_and(gone) {
        return State::new(Phase::Inactive, "dead");
    }
    state
}
