//! One host as the supervisor holds it: its directory, its link, its processes. Everything here blocks.

use super::boot::{Boot, READY};
use super::imds::{self, Service, Serving};
use super::namespace;
use super::network::{self, Addresses, Link};
use crate::error::LocalError;
use crate::files::file_tail;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What its first process takes over from the supervisor's environment; the host's root can read it.
const KEPT: [&str; 2] = ["PATH", "ASIAQ_LOG"];
/// How long a host may take to end by itself.
const GRACE: Duration = Duration::from_secs(25);
const POLL: Duration = Duration::from_millis(10);

/// How a host ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Somebody in it switched it off.
    Off,
    /// In another way.
    Broken(String),
}

/// A host.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) link: Link,
    /// Addresses that it has now, while attached.
    attached: Option<Addresses>,
    /// Its metadata service.
    serving: Option<Serving>,
    /// Holds its files.
    dir: PathBuf,
    /// What its processes say until they have logs of their own.
    console: PathBuf,
    process: Option<Child>,
}

impl Machine {
    pub(crate) fn new(link: Link, dir: PathBuf, console: PathBuf) -> Self {
        Self {
            link,
            attached: None,
            serving: None,
            dir,
            console,
            process: None,
        }
    }

    /// What it wrote.
    pub(crate) fn files(&self) -> PathBuf {
        self.dir.join("upper")
    }

    /// Makes its network, with the metadata service in it. Must be called where tokio runs.
    pub(crate) fn attach(
        &mut self,
        addresses: &Addresses,
        service: Service,
    ) -> Result<(), LocalError> {
        self.attached = Some(addresses.clone());
        network::attach(&self.link, addresses)?;
        let listener = namespace::listen(&self.link.host, imds::ADDRESS)?;
        let serving = service.serve(listener);
        self.serving = Some(serving.map_err(|error| LocalError::hosts("metadata", error))?);
        Ok(())
    }

    /// Boots it, and returns when it takes connections.
    pub(crate) fn boot(
        &mut self,
        program: &std::path::Path,
        boot: &Boot,
    ) -> Result<(), LocalError> {
        for name in ["upper", "work", "root"] {
            let path = self.dir.join(name);
            fs::create_dir_all(&path).map_err(LocalError::file("cannot make", path))?;
        }
        let file = self.dir.join("boot.json");
        let text = serde_json::to_vec(boot).map_err(|error| LocalError::hosts("boot", error))?;
        fs::write(&file, text).map_err(LocalError::file("cannot write", &file))?;
        let console =
            File::create(&self.console).map_err(LocalError::file("cannot write", &self.console))?;
        let namespace = namespace::path(&self.link.host);
        let mut child = Command::new("nsenter")
            .arg(format!("--net={}", namespace.display()))
            .args([
                "--", "unshare", "--mount", "--uts", "--ipc", "--pid", "--fork",
            ])
            .args(["--kill-child=SIGKILL", "--"])
            .arg(program)
            .args(["local", "boot"])
            .arg(&file)
            .env_clear()
            .envs(
                KEPT.iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(console)
            .spawn()
            .map_err(|source| LocalError::Spawn {
                program: "nsenter".to_owned(),
                source,
            })?;
        let mut line = String::new();
        let pipe = child.stdout.take();
        self.process = Some(child);
        // It says so or ends within a limit of its own.
        let read = pipe.map(|pipe| BufReader::new(pipe).read_line(&mut line));
        if matches!(read, Some(Ok(_))) && line.trim() == READY {
            return Ok(());
        }
        Err(LocalError::hosts("boot", file_tail(&self.console, 3)))
    }

    /// Gives it other addresses.
    pub(crate) fn readdress(&mut self, addresses: &Addresses) -> Result<(), LocalError> {
        let old = self.attached.replace(addresses.clone()).unwrap_or_default();
        network::readdress(&self.link, &old, addresses)
    }

    /// How it ended, if it did so by itself.
    pub(crate) fn ended(&mut self) -> Option<End> {
        let ended = self.process.as_mut()?.try_wait().ok()??;
        if ended.success() {
            return Some(End::Off);
        }
        let tail = file_tail(&self.console, 3);
        let problem = format!("its first process ended with {ended}: {tail}");
        Some(End::Broken(problem.trim_end_matches(": ").to_owned()))
    }

    /// Ends what runs in it, and its network. Its files stay.
    pub(crate) fn stop(&mut self) -> Result<(), LocalError> {
        if let Some(mut child) = self.process.take() {
            end(&mut child)?;
        }
        self.serving = None;
        if let Some(addresses) = self.attached.take() {
            network::detach(&self.link, &addresses);
        }
        Ok(())
    }

    /// Ends it and forgets its files.
    pub(crate) fn remove(&mut self) -> Result<(), LocalError> {
        self.stop()?;
        match fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(LocalError::file("cannot remove", &self.dir)(error))
            }
            _ => Ok(()),
        }
    }
}

/// Asks first. The namespace goes with its first process, and with that everything in it.
fn end(child: &mut Child) -> Result<(), LocalError> {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let deadline = Instant::now() + GRACE;
    if let Some(group) = group {
        // `unshare` itself does not listen; the host's first process does, and is in its group.
        let _ = kill_process_group(group, Signal::TERM);
    }
    while Instant::now() < deadline {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return Ok(());
        }
        std::thread::sleep(POLL);
    }
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
    child
        .wait()
        .map(drop)
        .map_err(|error| LocalError::hosts("end of a host", error))
}
