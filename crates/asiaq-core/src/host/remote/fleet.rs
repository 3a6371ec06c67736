//! One command on many hosts: one after another, or a bounded number at once; results in the order of the selection
//! (spec 40, section 9.5).

use super::output::{Board, Layout, Outlet};
use super::{Remote, Sink, check_word};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::host::login::own_name;
use futures::StreamExt;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Status of a host that ssh could not reach.
const NOT_REACHED: i32 = 255;
/// Open files that a process has anyway, and those that one host needs: its pipe, its process, a probe.
const FILES: (u64, u64) = (128, 5);
/// Failed hosts that have a line each; more share a line with those that failed alike.
const LINES: usize = 20;
/// Characters of one host's problem that are shown.
const LONGEST_PROBLEM: usize = 300;

/// How many hosts at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parallel {
    /// One after another.
    Serial,
    /// At most this many ssh processes.
    Bounded(usize),
}

/// What became of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostResult {
    /// Instance id.
    pub id: String,
    /// How people call it.
    pub name: String,
    /// Exit status; 255 when ssh failed or the host could not be reached.
    pub status: i32,
    /// Why, if it did not even start.
    pub problem: Option<String>,
}

/// What became of all.
#[derive(Debug, Default)]
pub struct FleetReport {
    /// One per host, in the order of the selection; those that were not waited for are missing.
    pub results: Vec<HostResult>,
    /// The output could not be written any more: the rest was stopped.
    pub lost_output: Option<io::Error>,
}

impl Remote<'_> {
    /// Runs a command on all hosts and writes their output. A host that fails does not stop the others. Dropping the future ends
    /// all that run, also while the output's reader stalls.
    ///
    /// # Errors
    /// Nothing could be started: the user's name or the configuration is wrong, this machine has no ssh or no place for host
    /// keys.
    pub async fn run_on_all(
        &self,
        hosts: &[Host],
        user: &str,
        command: &str,
        parallel: Parallel,
        (layout, out): (Layout, impl Write + Send + 'static),
    ) -> Result<FleetReport> {
        check_word("a user name", user)?;
        self.may_have_jump_host()?;
        // What every host would fail at is told once.
        self.settings.prepare()?;
        has_ssh(std::env::var_os("PATH").as_deref())?;
        let names = names(hosts);
        let outlet = Outlet::new();
        outlet.start(out).map_err(cannot_write)?;
        let board = Mutex::new(Board::new(&outlet, layout, &names));
        let one = async |(index, (host, name)): (usize, (&Host, &String))| {
            let mut sink = Place {
                board: &board,
                index,
            };
            let running = self.run(host, user, command, false, &mut sink);
            let prints = || lock(&board).prints(index);
            let ran = outlet.with_room(prints, running).await;
            lock(&board).ended(index);
            let (status, problem) = match ran {
                Ok(finished) => (finished.status, None),
                Err(error) => (NOT_REACHED, Some(with_hint(&error))),
            };
            let result = HostResult {
                id: host.id.clone(),
                name: name.clone(),
                status,
                problem,
            };
            (index, result)
        };
        let all = hosts.iter().zip(&names).enumerate().map(one);
        let running = futures::stream::iter(all).buffer_unordered(at_once(parallel));
        let mut results: Vec<(usize, HostResult)> = tokio::select! {
            results = running.collect() => results,
            () = outlet.broken() => Vec::new(),
        };
        outlet.written().await;
        results.sort_by_key(|(index, _)| *index);
        let lost_output = outlet.error();
        Ok(FleetReport {
            results: results.into_iter().map(|(_, result)| result).collect(),
            lost_output,
        })
    }
}

impl FleetReport {
    /// Exit status of the whole: the last that is not 0 of hosts that ran one after another, the highest of others.
    pub fn status(&self, parallel: Parallel) -> i32 {
        let mut statuses = self.results.iter().map(|result| result.status);
        match parallel {
            Parallel::Serial => statuses.rfind(|status| *status != 0).unwrap_or(0),
            Parallel::Bounded(_) => statuses.max().unwrap_or(0),
        }
    }

    /// How many hosts failed, and which with what: a line for each, or for all that failed alike if they are many; `None` if
    /// none did.
    pub fn failures(&self) -> Option<String> {
        let failed: Vec<&HostResult> = self.results.iter().filter(|r| r.status != 0).collect();
        if failed.is_empty() {
            return None;
        }
        let mut text = format!("{} of {} hosts failed", failed.len(), self.results.len());
        if failed.len() <= LINES {
            for result in failed {
                text += &format!("\n  {}", result.line());
            }
            return Some(text);
        }
        let mut alike: Vec<(String, Vec<String>)> = Vec::new();
        for result in failed {
            let (why, name) = (result.why(), result.in_list());
            match alike.iter_mut().find(|(other, _)| *other == why) {
                Some((_, names)) => names.push(name),
                None => alike.push((why, vec![name])),
            }
        }
        for (why, names) in alike {
            text += &format!("\n  {why}: {}", names.join(", "));
        }
        Some(text)
    }

    /// True if ssh itself failed, or a command with ssh's status, and only ssh knows why.
    pub fn ssh_failed(&self) -> bool {
        let by_ssh = |r: &HostResult| r.status == NOT_REACHED && r.problem.is_none();
        self.results.iter().any(by_ssh)
    }
}

impl HostResult {
    fn why(&self) -> String {
        match &self.problem {
            Some(problem) => shortened(problem),
            None if self.status == NOT_REACHED => "exit status 255, as when ssh fails".to_owned(),
            None => format!("exit status {}", self.status),
        }
    }

    fn in_list(&self) -> String {
        if self.name.contains(&self.id) {
            self.name.clone()
        } else {
            format!("{} ({})", self.name, self.id)
        }
    }

    fn line(&self) -> String {
        let what = self.why();
        if self.name.contains(&self.id) {
            format!("{}: {what}", self.name)
        } else {
            format!("{} {}: {what}", self.id, self.name)
        }
    }
}

/// An error with what can be done about it.
fn with_hint(error: &Error) -> String {
    match error.hint() {
        Some(hint) => format!("{error} ({hint})"),
        None => error.to_string(),
    }
}

fn cannot_write(error: io::Error) -> Error {
    Error::refused(format!("cannot start a thread for the output: {error}"))
}

/// Looks for ssh in these directories. Without any, the system looks where it likes.
fn has_ssh(path: Option<&OsStr>) -> Result<()> {
    let found = path.is_none_or(|path| {
        std::env::split_paths(path).any(|directory| {
            let found = directory.join("ssh").metadata();
            found.is_ok_and(|file| file.is_file() && file.mode() & 0o111 != 0)
        })
    });
    if found {
        return Ok(());
    }
    Err(
        Error::refused("cannot start `ssh`: no directory of PATH has it")
            .with_hint("install OpenSSH's client, or correct PATH"),
    )
}

/// One line of bounded length.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST_PROBLEM {
        return line;
    }
    line.chars().take(LONGEST_PROBLEM).collect::<String>() + "…"
}

/// What hosts are called in output: tag `hostname`, else the id; both where several share the tag.
fn names(hosts: &[Host]) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in hosts.iter().filter_map(own_name) {
        *counts.entry(name).or_default() += 1;
    }
    let name = |host: &Host| match own_name(host) {
        None => host.id.clone(),
        Some(name) if counts.get(&name) == Some(&1) => name,
        Some(name) => format!("{name} {}", host.id),
    };
    hosts.iter().map(name).collect()
}

/// How many at once: as many as wanted, or as the limit of open files allows after it has been raised as far as needed.
fn at_once(parallel: Parallel) -> usize {
    let Parallel::Bounded(wanted) = parallel else {
        return 1;
    };
    let wanted = wanted.max(1);
    let (own, each) = FILES;
    let needed = own + each * u64::try_from(wanted).unwrap_or(u64::MAX / each - own);
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return wanted;
    }
    let current = limit.maximum.map_or(needed, |most| most.min(needed));
    let raised = Rlimit {
        current: Some(current),
        maximum: limit.maximum,
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => current,
        Err(_) => limit.current.unwrap_or(current),
    };
    let possible = usize::try_from(current.saturating_sub(own) / each).unwrap_or(wanted);
    if possible < wanted {
        tracing::warn!("the limit of open files ({current}) allows {possible} hosts at once");
    }
    possible.clamp(1, wanted)
}

/// The place of one host on the board.
struct Place<'a, 'b> {
    board: &'a Mutex<Board<'b>>,
    index: usize,
}

impl Sink for Place<'_, '_> {
    fn bytes(&mut self, bytes: &[u8]) {
        lock(self.board).bytes(self.index, bytes);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
