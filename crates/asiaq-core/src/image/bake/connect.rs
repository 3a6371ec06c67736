//! Who can log in to the machine of a bake, and commands as root there. Images of today refuse root and have a user with sudo
//! instead, so the user is found by trying; nothing is configured.

use crate::aws::Poll;
use crate::error::{Error, Result};
use crate::host::remote::{Login, Session, Sink, SshSettings, answers};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use std::time::Duration;
use tokio::time::timeout;

/// Who is tried, best first.
pub(super) const USERS: [&str; 9] = [
    "root",
    "ubuntu",
    "centos",
    "ec2-user",
    "rocky",
    "admin",
    "debian",
    "fedora",
    "almalinux",
];
/// Status with which cloud-init's images tell root to use another user.
const REFUSED: i32 = 142;
/// Status of ssh itself.
const SSH_FAILED: i32 = 255;
/// How long a machine may take to let somebody in.
const REACHABLE: Duration = Duration::from_secs(900);
/// How long it may be out of reach after that. sshd shuts out for a while who has tried several users.
const AGAIN: Duration = Duration::from_secs(180);
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(20);
/// How long those before one who can log in are waited for.
const A_MOMENT: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_secs(3);
/// As much of a failed command's output is shown, from its end.
const SHOWN: usize = 4 * 1024;

/// The way into a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shell {
    id: String,
    address: String,
    user: &'static str,
}

impl Shell {
    /// Waits until somebody can run commands as root.
    ///
    /// # Errors
    /// Nobody can within 15 minutes; says what was answered last, and `agent` says why the agent may lack keys.
    pub(super) async fn find(
        settings: &SshSettings,
        poll: &Poll,
        (id, address): (&str, &str),
        agent: Option<&str>,
    ) -> Result<Self> {
        let mut search = Search {
            settings,
            id,
            address,
            users: USERS.to_vec(),
            last: format!("port 22 of {address} does not answer"),
        };
        let look = async || search.round().await;
        let found = poll.until("waiting for ssh", PAUSE, REACHABLE, look).await;
        let last = search.last;
        found.map_err(|error| match error {
            Error::Timeout { after, .. } => {
                let also = agent.map(|why| format!("; {why}")).unwrap_or_default();
                Error::refused(format!(
                    "nobody can log in to instance {id} at {address} (gave up after {}s): {last}{also}",
                    after.as_secs()
                ))
                .with_hint("the private half of `bake_key` must be in your ssh agent, and port 22 open to you in the metanetwork tunnel")
            }
            other => other,
        })
    }

    /// Exit status, and the last line of what was said.
    async fn can_be_root(&self, settings: &SshSettings) -> Result<(i32, String)> {
        let command = match self.user {
            "root" => "true",
            _ => "sudo -n true",
        };
        let mut said = Vec::new();
        let login = self.login(settings);
        let run = login.run(Session::Command(command), Some(ATTEMPT), &mut said);
        let status = match run.await {
            Ok(finished) => finished.status,
            Err(Error::Timeout { .. }) => SSH_FAILED,
            Err(error) => return Err(error),
        };
        let said = String::from_utf8_lossy(&said);
        Ok((
            status,
            said.trim().lines().last().unwrap_or_default().to_owned(),
        ))
    }

    /// The user who works.
    pub(super) fn user(&self) -> &'static str {
        self.user
    }

    /// `USER@ADDRESS`.
    pub(super) fn target(&self) -> String {
        format!("{}@{}", self.user, self.address)
    }

    /// Access with ssh's options.
    pub(super) fn login<'a>(&'a self, settings: &'a SshSettings) -> Login<'a> {
        Login {
            settings,
            id: &self.id,
            address: &self.address,
            user: self.user,
        }
    }

    /// A command for root's shell, as this user writes it. `agent`: it can use the agent that is forwarded.
    fn as_root(&self, command: &str, agent: bool) -> String {
        if self.user == "root" {
            return command.to_owned();
        }
        let command = format!("cd; {command}");
        let agent = match agent {
            true => "env SSH_AUTH_SOCK=\"$SSH_AUTH_SOCK\" ",
            false => "",
        };
        format!("sudo -n -H {agent}sh -c {}", shell_words::quote(&command))
    }

    /// Runs a command as root; what it writes goes to `sink` as it comes.
    ///
    /// # Errors
    /// ssh cannot be started.
    pub(super) async fn run(
        &self,
        settings: &SshSettings,
        command: &str,
        agent: bool,
        sink: &mut dyn Sink,
    ) -> Result<i32> {
        let command = self.as_root(command, agent);
        let session = match agent {
            true => Session::WithAgent(&command),
            false => Session::Command(&command),
        };
        Ok(self.login(settings).run(session, None, sink).await?.status)
    }

    /// Runs a command as root that may be run twice, again while the machine is out of reach.
    ///
    /// # Errors
    /// It fails, with its output.
    pub(super) async fn insist(
        &self,
        settings: &SshSettings,
        poll: &Poll,
        command: &str,
    ) -> Result<()> {
        let done = |status: i32, _: &[u8]| status != SSH_FAILED;
        let (status, output) = self.repeat(settings, poll, command, done).await?;
        match status {
            0 => Ok(()),
            status => Err(failure(command, &self.id, status, &output)),
        }
    }

    /// Runs a command as root that may be run twice, again while the machine is out of reach, until it says `line`. What comes
    /// after that may break the connection; gives the status.
    ///
    /// # Errors
    /// It does not say that, with its output.
    pub(super) async fn insist_on(
        &self,
        settings: &SshSettings,
        poll: &Poll,
        command: &str,
        line: &str,
    ) -> Result<i32> {
        let done = |status: i32, output: &[u8]| status != SSH_FAILED || says(output, line);
        let (status, output) = self.repeat(settings, poll, command, done).await?;
        match says(&output, line) {
            true => Ok(status),
            false => Err(failure(command, &self.id, status, &output)),
        }
    }

    /// Runs a command as root until it is done, or out of reach for too long. Gives the last status and output.
    async fn repeat(
        &self,
        settings: &SshSettings,
        poll: &Poll,
        command: &str,
        done: impl Fn(i32, &[u8]) -> bool,
    ) -> Result<(i32, Vec<u8>)> {
        let mut output = Vec::new();
        let look = async || {
            output.clear();
            let status = self.run(settings, command, false, &mut output).await?;
            Ok::<_, Error>(done(status, &output).then_some(status))
        };
        let status = match poll.until("", PAUSE, AGAIN, look).await {
            Err(Error::Timeout { .. }) => SSH_FAILED,
            other => other?,
        };
        Ok((status, output))
    }
}

/// Whether one of the lines is this one.
fn says(output: &[u8], line: &str) -> bool {
    let text = String::from_utf8_lossy(output);
    text.lines().any(|own| own.trim() == line)
}

/// The search for a user who can be root.
struct Search<'a> {
    settings: &'a SshSettings,
    id: &'a str,
    address: &'a str,
    /// Who has not been refused for good.
    users: Vec<&'static str>,
    /// What was answered last.
    last: String,
}

impl Search<'_> {
    /// Tries all users at once. A port that does not answer is no reason not to try ssh, which may know another way, but then
    /// one attempt tells for all.
    async fn round(&mut self) -> Result<Option<Shell>> {
        let all = self.users.clone();
        let (first, others) = all.split_at(all.len().min(1));
        if answers(self.address).await {
            return self.attempt(&all).await;
        }
        if let Some(shell) = self.attempt(first).await? {
            return Ok(Some(shell));
        }
        let reached = self.users.len() < all.len() || self.last.contains("Permission denied");
        match reached {
            true => self.attempt(others).await,
            false => Ok(None),
        }
    }

    /// Tries them all at once. The first who can is taken, unless one before him in the list can within a moment: root's
    /// refusal takes ten seconds on images of cloud-init.
    async fn attempt(&mut self, users: &[&'static str]) -> Result<Option<Shell>> {
        let (settings, id, address) = (self.settings, self.id, self.address);
        let attempts = users.iter().enumerate().map(|(place, user)| {
            let shell = Shell {
                id: id.to_owned(),
                address: address.to_owned(),
                user,
            };
            async move { (place, shell.can_be_root(settings).await, shell) }
        });
        let mut attempts: FuturesUnordered<_> = attempts.collect();
        let mut best: Option<(usize, Shell)> = None;
        let mut last = None;
        loop {
            let patience = match &best {
                None => ATTEMPT * 2,
                Some((0, _)) => break,
                Some(_) => A_MOMENT,
            };
            let Ok(Some((place, result, shell))) = timeout(patience, attempts.next()).await else {
                break;
            };
            match result? {
                (0, _) if best.as_ref().is_none_or(|(own, _)| place < *own) => {
                    best = Some((place, shell));
                }
                (REFUSED, said) => {
                    self.users.retain(|user| *user != shell.user);
                    last.get_or_insert(said);
                }
                (status, said) if status != 0 && !said.is_empty() => last = Some(said),
                _ => {}
            }
        }
        if let Some(last) = last {
            self.last = last;
        }
        Ok(best.map(|(_, shell)| shell))
    }
}

/// A remote command or transfer that failed, with the end of its output.
pub(super) fn failure(command: &str, id: &str, status: i32, output: &[u8]) -> Error {
    let start = output.len().saturating_sub(SHOWN);
    let shown = String::from_utf8_lossy(output.get(start..).unwrap_or_default());
    let mut text = format!("`{command}` on instance {id} ended with status {status}");
    if !shown.trim().is_empty() {
        text.push_str(&format!(":\n{}", shown.trim_end()));
    }
    Error::refused(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn shell(user: &'static str) -> Shell {
        Shell {
            id: "i-1".into(),
            address: "10.0.0.1".into(),
            user,
        }
    }

    #[test]
    fn commands_are_roots() {
        assert_eq!(shell("root").as_root("a 'b'", true), "a 'b'");
        assert_eq!(
            shell("admin").as_root("a 'b'", false),
            r"sudo -n -H sh -c 'cd; a '\''b'\'''"
        );
        assert_eq!(
            shell("admin").as_root("a", true),
            "sudo -n -H env SSH_AUTH_SOCK=\"$SSH_AUTH_SOCK\" sh -c 'cd; a'"
        );
    }

    #[test]
    fn lines_count_as_said_when_they_are_whole() {
        assert!(says(b"a\nit is so\r\nb", "it is so"));
        for other in [&b""[..], b"it is so not", b"echo 'it is so'"] {
            assert!(!says(other, "it is so"), "{other:?}");
        }
    }

    #[test]
    fn failures_end_with_the_output() {
        let text = failure("x", "i-1", 3, b"a\nb\n").to_string();
        assert_eq!(text, "`x` on instance i-1 ended with status 3:\na\nb");
        let long = failure("x", "i-1", 3, &[b'y'; 100_000]).to_string();
        assert!(long.len() < 5_000);
    }
}
