//! Makes the changes: runs the programs of the system, one after the other, and adds keys. Secrets go through pipes.

use super::keys::Root;
use super::plan::Step;
use super::shadow::set_hash;
use super::system::System;
use crate::error::{Error, Result};
use crate::plan::{Apply, Change};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::Mutex;

/// Where these programs are, if the `PATH` of whoever calls does not say so.
const DIRECTORIES: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Makes the changes of one system.
#[derive(Debug)]
pub(super) struct Executor<'a> {
    root: &'a Root,
    /// The programs lock the user database and do not wait for each other.
    turn: Mutex<()>,
}

impl<'a> Executor<'a> {
    pub(super) fn new(root: &'a Root) -> Self {
        Self {
            root,
            turn: Mutex::new(()),
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap_or_default();
        let path = if path.is_empty() {
            DIRECTORIES.to_owned()
        } else {
            format!("{path}:{DIRECTORIES}")
        };
        command.env("PATH", path).env("LC_ALL", "C");
        if let Some(tree) = self.root.tree() {
            command.arg("-P").arg(tree);
        }
        command
    }

    async fn password(&self, user: &str, hash: &SecretString) -> Result<()> {
        if !self.root.is_host() {
            // Not every `chpasswd` can work in a tree.
            return set_hash(self.root, user, hash);
        }
        let mut command = self.command("chpasswd");
        command.arg("-e");
        let line = Zeroizing::new(format!("{user}:{}\n", hash.expose_secret()));
        run(command, "chpasswd", Some(line.as_bytes())).await
    }

    fn keys(&self, user: &str, keys: &[String]) -> Result<()> {
        let system = System::read(self.root)?;
        let found = system
            .users
            .get(user)
            .ok_or_else(|| Error::not_found(format!("no user {user} in the user database")))?;
        let added = self.root.add(&found.home, found.uid, found.gid, keys);
        added.map_err(Error::refused)
    }
}

impl Apply<Step> for Executor<'_> {
    async fn apply(&self, change: &Change<Step>) -> Result<()> {
        let _turn = self.turn.lock().await;
        match &change.action {
            Step::Run { program, args } => {
                let mut command = self.command(program);
                command.args(args);
                run(command, program, None).await
            }
            Step::Password { user, hash } => self.password(user, hash).await,
            Step::Keys { user, keys } => self.keys(user, keys),
        }
    }
}

/// Runs a program to its end; what it says on stderr is the reason of a failure.
async fn run(mut command: Command, program: &str, input: Option<&[u8]>) -> Result<()> {
    let failed = |error| Error::refused(format!("cannot run `{program}`: {error}"));
    let stdin = if input.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    };
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // A program that does not read says why by itself.
        let _ = stdin.write_all(input).await;
    }
    let output = child.wait_with_output().await.map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::refused(format!(
        "`{program}` failed ({}): {}",
        output.status,
        said.trim().replace('\n', "; ")
    )))
}
