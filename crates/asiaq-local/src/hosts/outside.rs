//! Hosts as seen from outside: starting the supervisor, waiting for hosts, entering their network. Any system can build it.

use super::aws_cli::AwsCli;
use super::board::{self, HostStatus};
use crate::cloud;
use crate::error::LocalError;
use crate::files::file_tail;
use crate::settings::Settings;
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the supervisor may take until it is ready.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How long a host may take until it runs.
const HOST_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// Installs what hosts are to have. They can do without, so a failure only is said.
pub(crate) fn prepare(settings: &Settings, progress: &mut dyn FnMut(&str)) {
    if let Err(problem) = AwsCli::ensure(settings, progress) {
        tracing::warn!("hosts will have no `aws` command: {problem}");
    }
}

/// What the supervisor takes over from the caller's environment. Nothing else: hosts and their users must not find
/// credentials in it.
const KEPT: [&str; 5] = [
    "PATH",
    "HOME",
    "XDG_CACHE_HOME",
    "ASIAQ_CACHE_DIR",
    "ASIAQ_LOG",
];

/// Starts a supervisor with the program `asiaq`, detached from this terminal. The process is the parent of the supervisor
/// proper: either one's end is the other's, and the end of all hosts.
pub(crate) fn spawn(asiaq: &Path, endpoint: &str, dir: &Path) -> Result<Child, LocalError> {
    super::requirements().map_err(|missing| LocalError::HostsMissing { missing })?;
    std::fs::create_dir_all(dir).map_err(LocalError::file("cannot make", dir))?;
    if dir.starts_with("/run") || dir.starts_with("/proc") {
        let problem = "it must not lie below /run or /proc, which hosts have of their own";
        return Err(LocalError::hosts(
            format!("directory `{}`", dir.display()),
            problem,
        ));
    }
    // A list that another supervisor left says nothing about this one.
    board::remove(dir)?;
    let log = dir.join("hosts.log");
    let output = File::create(&log).map_err(LocalError::file("cannot write", &log))?;
    let errors = output
        .try_clone()
        .map_err(LocalError::file("cannot write", &log))?;
    Command::new("unshare")
        .args([
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--fork",
            "--kill-child=SIGKILL",
            "--",
        ])
        .arg(asiaq)
        .args(["local", "supervise"])
        .arg(dir)
        .env_clear()
        .envs(
            KEPT.iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .env("AWS_ENDPOINT_URL", endpoint)
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(|source| LocalError::Spawn {
            program: "unshare".to_owned(),
            source,
        })
}

/// Waits until a supervisor is ready; ends one that does not get there.
pub(crate) fn wait_until_ready(child: &mut Child, dir: &Path) -> Result<(), LocalError> {
    let deadline = Instant::now() + START_LIMIT;
    while board::read(dir).is_none() {
        let ended = matches!(child.try_wait(), Ok(Some(_)));
        if ended || Instant::now() >= deadline {
            end(child);
            let tail = file_tail(&dir.join("hosts.log"), 5);
            return Err(LocalError::hosts("they did not start", tail));
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

fn end(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

/// A command that runs in the office, or on the internet: the caller's files and directory, but a network in which the
/// hosts are. It sees the AWS endpoint at the same URL as outside.
pub(crate) fn enter(
    dir: &Path,
    endpoint: &str,
    program: impl AsRef<OsStr>,
    from_internet: bool,
) -> Result<Command, LocalError> {
    let board = board::read(dir).ok_or(LocalError::NoHosts)?;
    let place = if from_internet { "internet" } else { "office" };
    let mut command = Command::new("nsenter");
    command
        .arg(format!(
            "--net=/proc/{}/root/run/netns/{place}",
            board.supervisor.pid
        ))
        .arg("--")
        .arg(program)
        .envs(cloud::environment(endpoint));
    for name in cloud::UNWANTED {
        command.env_remove(name);
    }
    Ok(command)
}

/// Hosts beside an endpoint of one's own, for tests. Dropping it ends them; so does the end of the endpoint.
#[derive(Debug)]
pub struct Hosts {
    supervisor: Child,
    endpoint: String,
    dir: PathBuf,
}

impl Hosts {
    /// Starts them. `asiaq` is the program of that name, `dir` gets the list of hosts and logs.
    ///
    /// # Errors
    /// The machine cannot run hosts, or they do not start.
    pub fn start(asiaq: &Path, endpoint: &str, dir: &Path) -> Result<Self, LocalError> {
        if let Ok(settings) = Settings::from_env() {
            prepare(&settings, &mut |_| {});
        }
        let mut supervisor = spawn(asiaq, endpoint, dir)?;
        wait_until_ready(&mut supervisor, dir)?;
        Ok(Self {
            supervisor,
            endpoint: endpoint.to_owned(),
            dir: dir.to_path_buf(),
        })
    }

    /// A command that runs where people are: in the office, or on the internet.
    ///
    /// # Errors
    /// The hosts are gone.
    pub fn enter(
        &self,
        program: impl AsRef<OsStr>,
        from_internet: bool,
    ) -> Result<Command, LocalError> {
        enter(&self.dir, &self.endpoint, program, from_internet)
    }

    /// Process id of the supervisor.
    pub fn supervisor(&self) -> Option<u32> {
        board::read(&self.dir).map(|board| board.supervisor.pid)
    }

    /// All hosts.
    pub fn list(&self) -> Vec<HostStatus> {
        board::read(&self.dir)
            .map(|board| board.hosts)
            .unwrap_or_default()
    }

    /// Waits until the host of an instance takes connections.
    ///
    /// # Errors
    /// It failed, or is not there after a minute.
    pub fn wait_for(&self, instance: &str) -> Result<HostStatus, LocalError> {
        let deadline = Instant::now() + HOST_LIMIT;
        loop {
            let found = self
                .list()
                .into_iter()
                .find(|host| host.instance_id == instance);
            let state = found
                .as_ref()
                .map_or("unknown", |host| host.state.as_str())
                .to_owned();
            match (found, state.as_str()) {
                (Some(host), "running") => return Ok(host),
                (Some(host), "failed" | "refused") => {
                    let problem = host.problem.unwrap_or_default();
                    return Err(LocalError::hosts(
                        format!("host of {instance} {state}"),
                        problem,
                    ));
                }
                _ if Instant::now() >= deadline => {
                    let problem = format!("it is {state} after {} s", HOST_LIMIT.as_secs());
                    return Err(LocalError::hosts(format!("host of {instance}"), problem));
                }
                _ => std::thread::sleep(POLL),
            }
        }
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        end(&mut self.supervisor);
    }
}
