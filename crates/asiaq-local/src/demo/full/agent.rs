//! An ssh agent that ends with the demo, however the demo ends. Holds no key itself: the tools load those of the credential
//! buckets.

use crate::error::LocalError;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// What the agent runs: says where the agent listens, waits until its input ends, and ends the agent.
const WAIT: &str = r#"trap "" INT; echo "$SSH_AUTH_SOCK"; cat >/dev/null; kill "$SSH_AGENT_PID""#;

/// The agent.
#[derive(Debug)]
pub(super) struct Agent {
    child: Child,
    /// For `SSH_AUTH_SOCK`.
    pub(super) socket: String,
}

impl Agent {
    /// Starts one without keys.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn start() -> Result<Self, LocalError> {
        let failed = |source| LocalError::Spawn {
            program: "ssh-agent".to_owned(),
            source,
        };
        let mut child = Command::new("ssh-agent")
            .args(["sh", "-c", WAIT])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let mut socket = String::new();
        if let Some(said) = child.stdout.take() {
            BufReader::new(said)
                .read_line(&mut socket)
                .map_err(failed)?;
        }
        let agent = Self {
            child,
            socket: socket.trim().to_owned(),
        };
        match agent.socket.is_empty() {
            true => Err(failed(std::io::Error::other("it said nothing"))),
            false => Ok(agent),
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Its input ends, and with it the agent; if that fails there is nothing more to do.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::os::unix::net::UnixStream;
    use std::time::{Duration, Instant};

    #[test]
    fn the_agent_ends_with_its_value() {
        let Ok(agent) = Agent::start() else {
            assert!(Command::new("ssh-agent").arg("-h").spawn().is_err());
            return;
        };
        let socket = agent.socket.clone();
        UnixStream::connect(&socket).unwrap();
        drop(agent);
        let deadline = Instant::now() + Duration::from_secs(5);
        while UnixStream::connect(&socket).is_ok() {
            assert!(Instant::now() < deadline, "the agent still listens");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
