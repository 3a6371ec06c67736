//! One private key into the ssh agent, by `ssh-add`.

use secrecy::{ExposeSecret, SecretSlice};
use std::io::ErrorKind;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// An agent that has not answered by then will not. Some ask a person first.
const LIMIT: Duration = Duration::from_secs(30);
/// What `ssh-add` exits with when there is no agent.
const NO_AGENT: i32 = 2;

/// What became of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// The agent has it.
    Yes,
    /// It has not, for this reason; it may take others.
    Refused(String),
    /// There is no agent, for this reason.
    NoAgent(String),
}

/// Hands a key to the agent. The key goes through a pipe. Nobody is asked for a passphrase: with a terminal at hand
/// `ssh-add` would open it whatever its stdin is, unless it is made to ask a program, and the program `false` never knows
/// one. Dropping the future kills `ssh-add`.
pub(super) async fn add(key: &SecretSlice<u8>) -> Added {
    let child = Command::new("ssh-add")
        .arg("-")
        .env("SSH_ASKPASS", "false")
        .env("SSH_ASKPASS_REQUIRE", "force")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn();
    let child = match child {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Added::NoAgent("`ssh-add` is not installed".to_owned());
        }
        Err(error) => return Added::NoAgent(format!("`ssh-add` cannot be started: {error}")),
    };
    match tokio::time::timeout(LIMIT, talk(child, key)).await {
        Ok(Ok((status, words))) => outcome(status, &words),
        Ok(Err(error)) => Added::NoAgent(format!("`ssh-add` broke off: {error}")),
        Err(_) => Added::NoAgent(format!("it does not answer within {} s", LIMIT.as_secs())),
    }
}

/// Writes the key; gives the exit status and stderr.
async fn talk(mut child: Child, key: &SecretSlice<u8>) -> std::io::Result<(ExitStatus, String)> {
    if let Some(mut stdin) = child.stdin.take() {
        match stdin.write_all(key.expose_secret()).await {
            // Without an agent it ends before it has read anything.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            result => result?,
        }
    }
    let output = child.wait_with_output().await?;
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Ok((output.status, words))
}

fn outcome(status: ExitStatus, words: &str) -> Added {
    let line = words.lines().last().unwrap_or_default().trim();
    match status.code() {
        Some(0) => Added::Yes,
        Some(NO_AGENT) if line.is_empty() => Added::NoAgent("there is none".to_owned()),
        Some(NO_AGENT) => Added::NoAgent(line.to_owned()),
        // It says nothing when the passphrase was wrong.
        Some(_) if line.is_empty() => Added::Refused(
            "it needs a passphrase, and nobody is asked; add it yourself with `ssh-add`".to_owned(),
        ),
        Some(_) => Added::Refused(format!("ssh-add says: {line}")),
        None => Added::Refused(format!("ssh-add was ended by a signal ({status})")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn outcomes() {
        let of = |code: i32, words: &str| outcome(ExitStatus::from_raw(code << 8), words);
        assert_eq!(of(0, "Identity added: (stdin) (a)"), Added::Yes);
        assert_eq!(
            of(2, "Error connecting to agent: Connection refused\r\n"),
            Added::NoAgent("Error connecting to agent: Connection refused".into())
        );
        assert_eq!(of(2, ""), Added::NoAgent("there is none".into()));
        let refused = |added: Added| match added {
            Added::Refused(why) => why,
            other => panic!("{other:?}"),
        };
        assert!(refused(of(1, "")).contains("passphrase"));
        assert!(refused(of(1, "x\nagent refused operation")).ends_with("agent refused operation"));
        let killed = outcome(ExitStatus::from_raw(9), "");
        assert!(refused(killed).contains("signal"));
    }
}
