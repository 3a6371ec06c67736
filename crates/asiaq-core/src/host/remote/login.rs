//! One machine at a known address, as a known user: what bakes need. No jump host, no look-ups.

use super::command::{argv, check_word, transport};
use super::run::run;
use super::{Finished, Route, Session, Sink, SshSettings, keys};
use crate::aws::Aws;
use crate::error::Result;
use std::time::Duration;

/// Access to a machine by ssh.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    /// Options of ssh. Their directory must have been made: [`SshSettings::prepare`].
    pub settings: &'a SshSettings,
    /// Instance id, under which its host key is known.
    pub id: &'a str,
    /// Address.
    pub address: &'a str,
    /// User.
    pub user: &'a str,
}

impl Login<'_> {
    /// Runs a command for `limit` at most; stdout and stderr merged go to `sink` as they come. Dropping the future ends ssh.
    ///
    /// # Errors
    /// ssh cannot be started; it takes longer. A status other than 0 is no error here.
    pub async fn run(
        &self,
        session: Session<'_>,
        limit: Option<Duration>,
        sink: &mut dyn Sink,
    ) -> Result<Finished> {
        check_word("a user name", self.user)?;
        let route = Route::Direct(self.address.to_owned());
        let argv = argv(self.settings, self.id, Some(self.user), &route, session);
        tracing::debug!("{}: {}", self.id, shell_words::join(&argv));
        run(&argv, limit, None, sink).await
    }

    /// The command with which rsync starts ssh, as one word for its option `-e`. rsync knows quotes, but no backslashes.
    pub fn transport(&self) -> String {
        let words = transport(self.settings, self.id);
        let words: Vec<String> = words.iter().map(|word| quoted_for_rsync(word)).collect();
        words.join(" ")
    }
}

/// rsync takes a doubled quote inside of quotes for one.
fn quoted_for_rsync(word: &str) -> String {
    if word.contains([' ', '"', '\'']) || word.is_empty() {
        return format!("'{}'", word.replace('\'', "''"));
    }
    word.to_owned()
}

/// Loads the private keys of these credential buckets (names) into the agent. A bucket or key that cannot be read is warned
/// about and skipped; no keys: no agent is needed.
///
/// # Errors
/// There are keys, and no agent takes them.
pub async fn load_keys(aws: &Aws, buckets: &[String]) -> Result<()> {
    keys::load(aws, buckets).await
}

/// Runs a program that uses ssh, such as rsync, to its end. Dropping the future ends it with all its children.
///
/// # Errors
/// It cannot be started. A status other than 0 is no error here.
pub async fn run_program(argv: &[String], sink: &mut dyn Sink) -> Result<Finished> {
    tracing::debug!("{}", shell_words::join(argv));
    run(argv, None, None, sink).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn the_transport_of_rsync_has_the_options_of_ssh() {
        let settings = SshSettings {
            extra: vec!["-i".into(), "/it's/a key".into()],
            known_hosts: "/state/asiaq/known_hosts".into(),
            verbose: false,
        };
        let login = Login {
            settings: &settings,
            id: "i-1",
            address: "10.0.0.1",
            user: "root",
        };
        let text = login.transport();
        assert!(text.starts_with("ssh -T "), "{text}");
        for part in [
            " -oHostKeyAlias=i-1 ",
            " -oBatchMode=yes ",
            " -oForwardAgent=no ",
            " -i '/it''s/a key' ",
            " '-oUserKnownHostsFile=\"/state/asiaq/known_hosts\"' ",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(
            !text.contains("10.0.0.1") && !text.contains(" -- "),
            "{text}"
        );
    }
}
