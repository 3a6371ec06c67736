//! The long-lived local cloud behind `asiaq local up|down|status|env|reset`. Keeps one state file; knows no AWS call.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::account::PLANTED;
use crate::error::LocalError;
use crate::files::lock_file;
use crate::hosts::{self, HostStatus, board, outside};
use crate::http;
use crate::install::ensure_installed;
use crate::process::Identity;
use crate::server::{self, Life};
use crate::settings::Settings;

/// The region of the test credentials.
pub const REGION: &str = "us-west-2";
/// Access key and secret key that the local cloud takes; any others work too.
pub const TEST_KEY: &str = "testing";

/// Directory of the full demo, in the state directory.
pub(crate) const DEMO: &str = "demo";

/// A local cloud that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// URL for `AWS_ENDPOINT_URL`, without a slash at its end.
    pub endpoint: String,
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// Process id of the server.
    pub pid: u32,
    /// Process id of the companion process, if one was asked for and runs.
    pub agent_pid: Option<u32>,
    /// Process id behind the hosts, if they were asked for and run.
    #[serde(default)]
    pub hosts_pid: Option<u32>,
    /// The hosts; `None` without hosts.
    #[serde(default)]
    pub hosts: Option<Vec<HostStatus>>,
    /// Whether there were hosts that ended by themselves.
    #[serde(skip)]
    pub hosts_ended: bool,
    /// When it was started, seconds since 1970.
    pub started: u64,
    /// The server's log.
    pub log: PathBuf,
}

impl Status {
    /// How long it has been running, to the second.
    pub fn uptime(&self) -> Duration {
        Duration::from_secs(unix_now().saturating_sub(self.started))
    }
}

/// The content of the state file.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    status: Status,
    server: Identity,
    agent: Option<Identity>,
    /// The process whose end is the end of all hosts.
    #[serde(default)]
    hosts: Option<Identity>,
}

impl Record {
    /// The status with agent and hosts left out if they are gone; `None` if the server is gone.
    fn current(mut self) -> Option<Self> {
        if !self.server.is_alive() {
            return None;
        }
        self.agent = self.agent.filter(Identity::is_alive);
        self.status.agent_pid = self.agent.as_ref().map(|agent| agent.pid);
        let asked_for = self.hosts.is_some();
        self.hosts = self.hosts.filter(Identity::is_alive);
        self.status.hosts_ended = asked_for && self.hosts.is_none();
        self.status.hosts_pid = self.hosts.as_ref().map(|hosts| hosts.pid);
        Some(self)
    }

    /// Ends all processes. True if one of them was running.
    fn stop(&self) -> Result<bool, LocalError> {
        let hosts = self.hosts.as_ref().map_or(Ok(false), Identity::stop);
        if matches!((&self.hosts, &hosts), (Some(_), Ok(false))) {
            tracing::warn!("the hosts of the local cloud had ended before");
        }
        let agent = self.agent.as_ref().map_or(Ok(false), Identity::stop);
        // A stubborn agent must not keep the server up.
        let server = self.server.stop()?;
        Ok(hosts? || agent? || server)
    }
}

/// Starts the local cloud if it is not running, with agent and hosts as the settings say, and gives its status. Installs moto on first use; `progress` gets a
/// line per step. A server that runs but does not answer is replaced; a state file of a server that is gone, even
/// if another process has its id now, is cleaned away. The server outlives this process and Ctrl-C.
///
/// # Errors
/// As for [`ensure_installed`]; the port is taken; the server does not answer within 30 s.
pub fn up(settings: &Settings, progress: &mut dyn FnMut(&str)) -> Result<Status, LocalError> {
    if settings.hosts.is_some() {
        hosts::requirements().map_err(|missing| LocalError::HostsMissing { missing })?;
    }
    let python = ensure_installed(settings, progress)?;
    if settings.hosts.is_some() {
        outside::prepare(settings, progress);
    }
    let state = StateDir::lock(settings)?;
    if let Some(old) = state.read()? {
        match old.clone().current() {
            Some(mut record) if http::is_healthy(&record.status.endpoint) => {
                if record.agent.is_none() && settings.agent.is_some() {
                    progress("starting the agent of the local cloud");
                    state.start_agent(settings, &mut record)?;
                }
                if record.hosts.is_none() && settings.hosts.is_some() {
                    progress("starting the hosts of the local cloud");
                    state.start_hosts(settings, &mut record)?;
                }
                return Ok(record.status);
            }
            _ => {
                old.stop()?;
                state.clear()?;
            }
        }
    }
    // Left by a cloud of which there is no record.
    board::remove(&settings.state_dir)?;
    progress("starting the local cloud");
    let log = state.path("moto.log");
    let started = server::start(&python, settings.port, &log, Life::Detached)?;
    let pid = started.child.id();
    let Some(server) = Identity::of(pid) else {
        return Err(LocalError::NotHealthy {
            problem: "it ended at once".to_owned(),
            tail: crate::files::file_tail(&log, 20),
        });
    };
    let status = Status {
        endpoint: server::endpoint(started.port),
        port: started.port,
        pid,
        agent_pid: None,
        hosts_pid: None,
        hosts: None,
        hosts_ended: false,
        started: unix_now(),
        log,
    };
    let mut record = Record {
        status,
        server,
        agent: None,
        hosts: None,
    };
    let result = state
        .write(&record)
        .and_then(|()| state.start_agent(settings, &mut record))
        .and_then(|()| state.start_hosts(settings, &mut record));
    if let Err(error) = result {
        // Nothing half-started stays behind; the first failure is the one to report.
        let _ = record.stop();
        let _ = state.clear();
        return Err(error);
    }
    Ok(record.status)
}

/// The running local cloud, or `None`. Changes nothing.
///
/// # Errors
/// The state file cannot be read.
pub fn status(settings: &Settings) -> Result<Option<Status>, LocalError> {
    let record = read_record(&state_file(settings))?.and_then(Record::current);
    Ok(record.map(|record| {
        let mut status = record.status;
        let board = status
            .hosts_pid
            .and_then(|_| board::read(&settings.state_dir));
        status.hosts = board.map(|board| board.hosts);
        status
    }))
}

/// A command that runs in the network of the hosts: in the office, or on the internet. It keeps the caller's files and
/// directory.
///
/// # Errors
/// No cloud or no hosts run.
pub fn enter(
    settings: &Settings,
    program: &OsStr,
    from_internet: bool,
) -> Result<Command, LocalError> {
    let status = status(settings)?.ok_or(LocalError::NotRunning)?;
    status.hosts_pid.ok_or(LocalError::NoHosts)?;
    outside::enter(
        &settings.state_dir,
        &status.endpoint,
        program,
        from_internet,
    )
}

/// Ends the local cloud and its agent; all its content is lost. False if none was running.
///
/// # Errors
/// A process does not end, or the state file cannot be removed.
pub fn down(settings: &Settings) -> Result<bool, LocalError> {
    if !settings.state_dir.exists() {
        return Ok(false);
    }
    let state = StateDir::lock(settings)?;
    let stopped = match state.read()? {
        Some(record) => record.stop()?,
        None => false,
    };
    state.clear()?;
    state.sweep()?;
    Ok(stopped)
}

/// Empties the local cloud without a restart.
///
/// # Errors
/// It is not running or does not answer.
pub fn reset(settings: &Settings) -> Result<(), LocalError> {
    let status = status(settings)?.ok_or(LocalError::NotRunning)?;
    http::reset(&status.endpoint)
}

/// Shell lines that point every AWS client at the local cloud, for `eval "$(asiaq local env)"`.
pub fn env_lines(status: &Status) -> Vec<String> {
    let mut lines: Vec<String> = environment(&status.endpoint)
        .into_iter()
        .map(|(name, value)| format!("export {name}={value}"))
        .collect();
    lines.push(format!("unset {}", UNWANTED.join(" ")));
    lines
}

/// Variables that would lead a client away from the test keys.
pub(crate) const UNWANTED: [&str; 2] = ["AWS_PROFILE", "AWS_SESSION_TOKEN"];

/// The variables of [`env_lines`] as pairs, for child processes. Values need no quoting.
pub fn environment(endpoint: &str) -> [(&'static str, String); 4] {
    [
        ("AWS_ENDPOINT_URL", endpoint.to_owned()),
        ("AWS_ACCESS_KEY_ID", TEST_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", TEST_KEY.to_owned()),
        ("AWS_REGION", REGION.to_owned()),
    ]
}

fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn state_file(settings: &Settings) -> PathBuf {
    settings.state_dir.join("state.json")
}

/// Removes a directory with everything in it, if it is there.
pub(crate) fn remove_tree(path: &Path) -> Result<(), LocalError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LocalError::file("cannot remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Reads a state file. A file that makes no sense counts as none: it describes nothing that could be ended safely.
fn read_record(path: &Path) -> Result<Option<Record>, LocalError> {
    match fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)
            .inspect_err(|error| tracing::warn!("ignoring `{}`: {error}", path.display()))
            .ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LocalError::file("cannot read", path)(error)),
    }
}

/// The state directory, locked against other `up` and `down` commands for as long as this value lives.
struct StateDir {
    directory: PathBuf,
    file: PathBuf,
    _lock: fs::File,
}

impl StateDir {
    fn lock(settings: &Settings) -> Result<Self, LocalError> {
        let directory = settings.state_dir.clone();
        fs::create_dir_all(&directory).map_err(LocalError::file("cannot create", &directory))?;
        let path = directory.join("lock");
        let lock = lock_file(&path)?;
        lock.lock().map_err(LocalError::file("cannot lock", path))?;
        Ok(Self {
            file: state_file(settings),
            directory,
            _lock: lock,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn read(&self) -> Result<Option<Record>, LocalError> {
        read_record(&self.file)
    }

    /// Replaces the state file in one step, so that `status` never sees half of it.
    fn write(&self, record: &Record) -> Result<(), LocalError> {
        let new = self.path("state.json.new");
        let text = serde_json::to_vec_pretty(record)
            .map_err(|error| LocalError::file("cannot write", &new)(error.into()))?;
        fs::write(&new, text).map_err(LocalError::file("cannot write", &new))?;
        fs::rename(&new, &self.file).map_err(LocalError::file("cannot write", &self.file))
    }

    fn clear(&self) -> Result<(), LocalError> {
        board::remove(&self.directory)?;
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(LocalError::file("cannot remove", &self.file)(error))
            }
            _ => Ok(()),
        }
    }

    /// Removes what hosts said, what the full demo left, and the contents of images that this cloud made.
    fn sweep(&self) -> Result<(), LocalError> {
        remove_tree(&self.path("console"))?;
        remove_tree(&self.path(DEMO))?;
        let Ok(entries) = fs::read_dir(self.path("images")) else {
            return Ok(());
        };
        for marker in entries.flatten().map(|entry| entry.path()) {
            let name = marker.file_name().and_then(OsStr::to_str);
            if let Some(image) = name.and_then(|name| name.strip_suffix(PLANTED)) {
                remove_tree(&marker.with_file_name(image))?;
                fs::remove_file(&marker).map_err(LocalError::file("cannot remove", &marker))?;
            }
        }
        Ok(())
    }

    /// Starts the companion process, if the settings name one, and notes it in the record and the state file.
    fn start_agent(&self, settings: &Settings, record: &mut Record) -> Result<(), LocalError> {
        let Some((program, arguments)) =
            settings.agent.as_ref().and_then(|line| line.split_first())
        else {
            return Ok(());
        };
        let log = self.path("agent.log");
        let output = fs::File::create(&log).map_err(LocalError::file("cannot write", &log))?;
        let errors = output
            .try_clone()
            .map_err(LocalError::file("cannot write", &log))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        command.envs(environment(&record.status.endpoint));
        for name in UNWANTED {
            command.env_remove(name);
        }
        let child = command.spawn().map_err(|source| LocalError::Spawn {
            program: program.to_string_lossy().into_owned(),
            source,
        })?;
        record.agent = Identity::of(child.id());
        record.status.agent_pid = record.agent.as_ref().map(|agent| agent.pid);
        self.write(record)
    }

    /// Starts the hosts, if the settings ask for them, and notes them in the record and the state file.
    fn start_hosts(&self, settings: &Settings, record: &mut Record) -> Result<(), LocalError> {
        let Some(program) = &settings.hosts else {
            return Ok(());
        };
        let mut child = outside::spawn(program, &record.status.endpoint, &self.directory)?;
        // Noted before it is ready, so that `down` finds it whatever becomes of this process.
        record.hosts = Identity::of(child.id());
        record.status.hosts_pid = record.hosts.as_ref().map(|hosts| hosts.pid);
        record.status.hosts_ended = false;
        self.write(record)?;
        outside::wait_until_ready(&mut child, &self.directory)
    }
}

#[cfg(test)]
mod tests;
