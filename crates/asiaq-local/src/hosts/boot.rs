//! The first process of a host: makes its file tree and its settings, starts sshd and the boot units, collects what ends,
//! and ends the host when asked. It runs in namespaces that the supervisor made for it.

mod settings;
mod tree;

use super::inside::{ASIAQ, Mount};
use crate::error::LocalError;
use crate::files::file_tail;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// What the supervisor reads from a host that takes connections.
pub(crate) const READY: &str = "ready";
/// How long sshd may take to listen.
const SSHD_LIMIT: Duration = Duration::from_secs(15);
const SSHD_LOG: &str = "/var/log/sshd.log";
const UNITS_LOG: &str = "/var/log/units.log";
/// How long units may take to stop.
const UNITS_LIMIT: Duration = Duration::from_secs(20);
/// Ended children are left to their starters for this long.
const COLLECT: Duration = Duration::from_secs(1);

/// Everything that a host is told at boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Boot {
    /// The instance.
    pub(crate) instance_id: String,
    /// Its primary private address.
    pub(crate) address: Ipv4Addr,
    /// Host name at first boot.
    pub(crate) hostname: String,
    /// AWS endpoint as the host reaches it.
    pub(crate) endpoint: String,
    /// Public key of its key pair.
    pub(crate) public_key: Option<String>,
    /// Read-only layers, topmost first, down to the machine's `/`.
    pub(crate) layers: Vec<PathBuf>,
    /// Holds `upper`, `work` and `root`.
    pub(crate) dir: PathBuf,
    /// Directories and files of the machine that the host sees.
    pub(crate) shown: Vec<Mount>,
}

/// Boots a host from the description in `file`, and returns when it is to end. Must be process 1 of its namespace.
///
/// # Errors
/// Anything that keeps it from being reachable.
pub fn boot(file: &Path) -> Result<(), LocalError> {
    let text = fs::read(file).map_err(LocalError::file("cannot read", file))?;
    let boot: Boot =
        serde_json::from_slice(&text).map_err(|error| LocalError::hosts("boot", error))?;
    // A thread of its own: the caller's runtime must not see our signals.
    let thread = std::thread::Builder::new().spawn(move || run(&boot));
    let thread = thread.map_err(|error| LocalError::hosts("boot", error))?;
    thread
        .join()
        .unwrap_or_else(|_| Err(LocalError::hosts("boot", "it panicked")))
}

fn run(boot: &Boot) -> Result<(), LocalError> {
    tree::enter(boot)?;
    settings::write(boot)?;
    tree::give_up_machine_privileges()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| LocalError::hosts("boot", error))?;
    runtime.block_on(live())
}

/// From sshd's start to the host's end.
async fn live() -> Result<(), LocalError> {
    let problem = |error| LocalError::hosts("signals", error);
    let mut end = signal(SignalKind::terminate()).map_err(problem)?;
    let mut off = signal(SignalKind::user_defined2()).map_err(problem)?;
    let mut ended = signal(SignalKind::child()).map_err(problem)?;
    let mut sshd = service("/usr/sbin/sshd", &["-D", "-e"], SSHD_LOG)?;
    wait_for_sshd(&mut sshd).await?;
    say_ready()?;
    let mut units = service(ASIAQ, &["local", "units"], UNITS_LOG)?;
    let mut dead = BTreeSet::new();
    loop {
        tokio::select! {
            _ = end.recv() => break,
            _ = off.recv() => break,
            _ = ended.recv() => {}
            () = tokio::time::sleep(COLLECT), if !dead.is_empty() => {}
        }
        tokio::select! {
            _ = end.recv() => break,
            _ = off.recv() => break,
            () = tokio::time::sleep(COLLECT) => {}
        }
        // Whoever restarts sshd ends it and relies on this.
        if matches!(sshd.try_wait(), Ok(Some(_))) {
            sshd = service("/usr/sbin/sshd", &["-D", "-e"], SSHD_LOG)?;
        }
        dead = collect(&dead);
    }
    shut_down(&mut units).await;
    Ok(())
}

/// Starts a program that runs as long as the host.
fn service(program: &str, arguments: &[&str], log: &str) -> Result<Child, LocalError> {
    let open = || File::options().create(true).append(true).open(log);
    let problem = LocalError::file("cannot write", log);
    let (output, errors) = open().and_then(|one| Ok((one, open()?))).map_err(problem)?;
    Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", settings::PATH)
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(|source| LocalError::Spawn {
            program: program.to_owned(),
            source,
        })
}

/// Lets the units stop in their order.
async fn shut_down(units: &mut Child) {
    let pid = i32::try_from(units.id()).ok().and_then(Pid::from_raw);
    let deadline = Instant::now() + UNITS_LIMIT;
    if let Some(pid) = pid {
        // It may have ended before.
        let _ = kill_process(pid, Signal::TERM);
    }
    while matches!(units.try_wait(), Ok(None)) && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn wait_for_sshd(sshd: &mut Child) -> Result<(), LocalError> {
    let deadline = Instant::now() + SSHD_LIMIT;
    let port = SocketAddr::from((Ipv4Addr::LOCALHOST, 22));
    loop {
        if TcpStream::connect_timeout(&port, COLLECT).is_ok() {
            return Ok(());
        }
        let ended = matches!(sshd.try_wait(), Ok(Some(_)));
        if ended || Instant::now() >= deadline {
            let what = if ended {
                "it ended"
            } else {
                "it does not listen on port 22"
            };
            let tail = file_tail(Path::new(SSHD_LOG), 3);
            return Err(LocalError::hosts("sshd", format!("{what}: {tail}")));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Tells the supervisor. From then on the stream is the console.
fn say_ready() -> Result<(), LocalError> {
    let problem = |error: std::io::Error| LocalError::hosts("boot", error);
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{READY}").map_err(problem)?;
    stdout.flush().map_err(problem)?;
    rustix::stdio::dup2_stdout(std::io::stderr()).map_err(|error| problem(error.into()))
}

/// Collects orphans that ended before the last look too; those that ended since are given back. Whoever started a process
/// has the time between two looks to ask for its end itself.
fn collect(before: &BTreeSet<i32>) -> BTreeSet<i32> {
    let now: BTreeSet<i32> = zombies().collect();
    for pid in now.intersection(before).copied().filter_map(Pid::from_raw) {
        // Its starter may have been faster after all.
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    }
    now.difference(before).copied().collect()
}

/// Ended children of this process.
fn zombies() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let (_, rest) = stat.rsplit_once(')')?;
        rest.trim_start().starts_with("Z 1 ").then_some(pid)
    })
}
