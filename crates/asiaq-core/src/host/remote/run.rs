//! One ssh process: started without stdin, its output read while it runs, killed with all its children when nobody waits for it
//! any more.

use crate::error::{Error, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, sleep_until, timeout};

/// Status of a process that a signal ended: ssh's own failure.
const SSH_FAILED: i32 = 255;
/// What is read at once.
const CHUNK: usize = 64 * 1024;
/// How long output may still come after the process has ended: from children that hold its pipe.
const LATE: Duration = Duration::from_secs(1);

/// How long making a connection through a jump host may take before it counts as made: nothing tells when its sshd has let us
/// in. A command that prints something is through before.
const CONNECTING: Duration = Duration::from_millis(1500);

/// A place among the processes that connect through the jump host at this moment.
#[derive(Debug)]
pub(super) struct Connecting<'a> {
    /// The place; free again when dropped.
    pub(super) place: SemaphorePermit<'a>,
    /// Output means that the connection has been made. Not so with `-v`: then ssh talks at once.
    pub(super) until_output: bool,
}

/// Takes output as it comes.
pub trait Sink: Send {
    /// Some bytes of stdout and stderr, merged; never a promise of whole lines or characters.
    fn bytes(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// How a remote command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// Exit status; 255 is ssh's own failure.
    pub status: i32,
}

/// Runs a process to its end, or for `limit`. Dropping the future kills the process with all its children. The place of
/// `connecting` is given back when the connection has been made, as far as that can be seen.
///
/// # Errors
/// It cannot be started, or takes longer than `limit`.
pub(super) async fn run(
    argv: &[String],
    limit: Option<Duration>,
    connecting: Option<Connecting<'_>>,
    sink: &mut dyn Sink,
) -> Result<Finished> {
    let (mut process, output) = start(argv)?;
    let ending = to_its_end(&mut process, output, connecting, sink);
    let Some(limit) = limit else {
        return ending.await;
    };
    timeout(limit, ending).await.map_err(|_| Error::Timeout {
        what: "ssh did not end".to_owned(),
        after: limit,
    })?
}

/// Starts a process in a process group of its own, so that its children can be killed with it.
fn start(argv: &[String]) -> Result<(Process, Receiver)> {
    let (program, arguments) = argv
        .split_first()
        .ok_or_else(|| Error::refused("there is no program to run"))?;
    let failed = |error: std::io::Error| cannot_start(program, &error);
    let (reader, writer) = std::io::pipe().map_err(failed)?;
    let output = Receiver::from_owned_fd(OwnedFd::from(reader)).map_err(failed)?;
    // The command holds the pipe's ends until it is dropped: only then does the pipe end with the process.
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(writer.try_clone().map_err(failed)?)
        .stderr(writer)
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let group = child.id().and_then(|id| i32::try_from(id).ok());
    let group = group.and_then(Pid::from_raw);
    Ok((Process { child, group }, output))
}

/// Reads and waits. A child that outlives the process and holds its pipe is given a second.
async fn to_its_end(
    process: &mut Process,
    mut output: Receiver,
    mut connecting: Option<Connecting<'_>>,
    sink: &mut dyn Sink,
) -> Result<Finished> {
    let mut buffer = vec![0; CHUNK];
    let mut status = None;
    let connected = Instant::now() + CONNECTING;
    let mut last = None;
    loop {
        let late = async {
            match last {
                Some(last) => sleep_until(last).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = late => {
                process.kill();
                // What is in the pipe (it holds no more than this) was written before.
                if let Ok(count) = output.try_read(&mut buffer) {
                    sink.bytes(buffer.get(..count).unwrap_or_default());
                }
                break;
            }
            read = output.read(&mut buffer) => match read {
                Ok(0) => break,
                Ok(count) => {
                    if let Some(made) = connecting.take_if(|own| own.until_output) {
                        drop(made.place);
                    }
                    sink.bytes(buffer.get(..count).unwrap_or_default());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(lost(&error)),
            },
            ended = process.child.wait(), if status.is_none() => {
                status = Some(ended.map_err(|error| lost(&error))?);
                last = Some(Instant::now() + LATE);
            }
            () = sleep_until(connected), if connecting.is_some() => connecting = None,
        }
    }
    let status = match status {
        Some(status) => status,
        None => process.child.wait().await.map_err(|error| lost(&error))?,
    };
    // Nobody of the group is left: its number may be given to others.
    process.group = None;
    Ok(Finished {
        status: status.code().unwrap_or(SSH_FAILED),
    })
}

fn cannot_start(program: &str, error: &std::io::Error) -> Error {
    let failed = Error::refused(format!("cannot start `{program}`: {error}"));
    match error.kind() {
        ErrorKind::NotFound if program == "ssh" => {
            failed.with_hint("install OpenSSH's client, or correct PATH")
        }
        ErrorKind::NotFound => failed.with_hint(format!("install `{program}`, or correct PATH")),
        _ => failed,
    }
}

fn lost(error: &std::io::Error) -> Error {
    Error::refused(format!("cannot follow ssh: {error}"))
}

/// A process that leads a group; both die with this value.
struct Process {
    child: Child,
    group: Option<Pid>,
}

impl Process {
    fn kill(&self) {
        if let Some(group) = self.group
            && let Err(error) = kill_process_group(group, Signal::KILL)
        {
            tracing::debug!("process group {}: {error}", group.as_raw_nonzero());
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests;
