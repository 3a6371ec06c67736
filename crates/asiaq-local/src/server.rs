//! Starts one moto server and waits until it answers. Who ends it and who remembers it is the callers' affair.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::LocalError;
use crate::files::file_tail;
use crate::http;

/// How long a server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
const TAIL_LINES: usize = 20;

/// moto loads hundreds of thousands of objects at start and at the first call of a service; with rare collections that
/// takes half the time.
const RARE_COLLECTIONS: &str = "import gc; gc.set_threshold(100_000, 50, 100)\n";

/// Ends the server when standard input ends, that is when the parent is gone, however it went.
const END_WITH_PARENT: &str = "\
import os, sys, threading
def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)
threading.Thread(target=end_with_parent, daemon=True).start()
";

/// Brings moto closer to AWS where a rehearsal depends on it.
const FIXES: &str = include_str!("moto_fixes.py");

const RUN: &str = "from moto.server import main; main()\n";

/// Whether a server outlives the process that starts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// In a process group of its own: Ctrl-C at the parent's terminal does not reach it.
    Detached,
    /// Ends when the parent does.
    WithParent,
}

/// A server that answers.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) port: u16,
}

/// Starts a server on 127.0.0.1 and waits until it answers. Port 0 takes any free port; the system chooses it when
/// the server binds, so two servers never get the same one. `log` is overwritten.
pub(crate) fn start(
    python: &Path,
    port: u16,
    log: &Path,
    life: Life,
) -> Result<Server, LocalError> {
    let mut child = command(python, port, log, life)?
        .spawn()
        .map_err(|source| LocalError::Spawn {
            program: python.display().to_string(),
            source,
        })?;
    match wait_until_healthy(&mut child, port, log) {
        Ok(port) => Ok(Server { child, port }),
        Err(error) => {
            // Ended already, or not worth keeping; either way it must not stay behind as a zombie.
            let _ = child.kill();
            let _ = child.wait();
            Err(error)
        }
    }
}

/// The URL of a server on this machine.
pub(crate) fn endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn command(python: &Path, port: u16, log: &Path, life: Life) -> Result<Command, LocalError> {
    let output = File::create(log).map_err(LocalError::file("cannot write", log))?;
    let errors = output
        .try_clone()
        .map_err(LocalError::file("cannot write", log))?;
    let life_line = match life {
        Life::Detached => "",
        Life::WithParent => END_WITH_PARENT,
    };
    let script = [RARE_COLLECTIONS, life_line, FIXES, RUN].concat();
    let mut command = Command::new(python);
    // Isolated from the caller's Python settings and directory, unbuffered so that the log is up to date.
    command
        .args([
            "-I",
            "-u",
            "-c",
            &script,
            "-H",
            "127.0.0.1",
            "-p",
            &port.to_string(),
        ])
        .stdout(output)
        .stderr(errors);
    match life {
        Life::Detached => command.stdin(Stdio::null()).process_group(0),
        Life::WithParent => command.stdin(Stdio::piped()),
    };
    // The caller's account has no business in there.
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"AWS_") {
            command.env_remove(name);
        }
    }
    // 1300 vendor images per region, which only make the first call slow.
    let default_images = OsStr::new("MOTO_EC2_LOAD_DEFAULT_AMIS");
    if std::env::var_os(default_images).is_none() {
        command.env(default_images, "false");
    }
    Ok(command)
}

/// Waits for the line in which the server names its port, then for an answer. The line comes from our own child's
/// log, so an answer is never taken from another server on that port.
fn wait_until_healthy(child: &mut Child, port: u16, log: &Path) -> Result<u16, LocalError> {
    let deadline = Instant::now() + START_LIMIT;
    let not_healthy = |problem: String| LocalError::NotHealthy {
        problem,
        tail: file_tail(log, TAIL_LINES),
    };
    loop {
        let ended = child
            .try_wait()
            .map_err(|error| not_healthy(error.to_string()))?;
        let text = std::fs::read(log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        if let Some(status) = ended {
            if text.contains("ddress already in use") {
                return Err(LocalError::PortInUse { port });
            }
            return Err(not_healthy(format!("it ended with {status}")));
        }
        if let Some(port) = announced_port(&text)
            && http::is_healthy(&endpoint(port))
        {
            return Ok(port);
        }
        if Instant::now() >= deadline {
            return Err(not_healthy(format!(
                "no answer within {} s",
                START_LIMIT.as_secs()
            )));
        }
        std::thread::sleep(POLL);
    }
}

/// The port in the server's start message, once its line is complete.
fn announced_port(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once("Running on http://127.0.0.1:")?;
    let (port, _) = rest.split_once('\n')?;
    port.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_a_complete_start_line() {
        let line = "WARNING: development server\n * Running on http://127.0.0.1:38293\nPress CTRL+C to quit\n";
        assert_eq!(announced_port(line), Some(38293));
        assert_eq!(announced_port(" * Running on http://127.0.0.1:382"), None);
        assert_eq!(announced_port(" * Running on http://127.0.0.1:x\n"), None);
        assert_eq!(announced_port(""), None);
    }
}
