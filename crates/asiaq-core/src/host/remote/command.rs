//! Command lines of ssh. Pure.
//!
//! ssh takes the first value of an option that occurs twice. So the words are in three layers: what must hold (which key the host
//! has, that nothing asks, the way through the jump host), the operator's own (`ASIAQ_SSH_OPTIONS`), and defaults that the
//! operator may override.

use super::{Route, SshSettings};
use crate::error::{Error, Result};

/// What keeps the user's ssh_config from changing what a command is: a terminal would alter its output, the agent is not for
/// the host, tunnels of many hosts would want the same port, and another remote command would be an error. Not for the way
/// through a jump host: `-W` has neither session nor tunnels.
const COMMAND_ONLY: [&str; 2] = ["-oClearAllForwardings=yes", "-oRemoteCommand=none"];

/// What happens at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session<'a> {
    /// A command for the remote shell; no terminal, never asks for anything. An empty one lets the host decide (a forced
    /// command, else a shell that finds nothing to read).
    Command(&'a str),
    /// The same, with the agent forwarded: for scripts that go on to other machines.
    WithAgent(&'a str),
    /// A terminal for a person, with the agent forwarded.
    Terminal,
}

/// The words of an ssh process, `ssh` first. `alias` is the name under which the host's key is known: its instance id. The
/// remote command is one word, so the remote shell gets it as it is. `--` comes before the address: neither it nor the
/// command can be taken for an option.
pub fn argv(
    settings: &SshSettings,
    alias: &str,
    user: Option<&str>,
    route: &Route,
    session: Session<'_>,
) -> Vec<String> {
    let mut words = opening(session);
    words.extend(required(alias, session));
    if let Route::Jump(jump, _) = route {
        let command = through(settings, &jump.id, user, &jump.address, session);
        words.push(format!("-oProxyCommand={command}"));
    }
    words.extend(user.map(|user| format!("-l{user}")));
    words.extend(overridable(settings, session));
    let (Route::Direct(address) | Route::Jump(_, address)) = route;
    words.extend(["--".to_owned(), address.clone()]);
    if let Session::Command(command) | Session::WithAgent(command) = session
        && !command.is_empty()
    {
        words.push(command.to_owned());
    }
    words
}

/// The words with which another program, such as rsync, starts ssh: it adds user, address and command itself.
pub(super) fn transport(settings: &SshSettings, alias: &str) -> Vec<String> {
    let session = Session::Command("");
    let mut words = opening(session);
    words.extend(required(alias, session));
    words.extend(overridable(settings, session));
    words
}

/// `ssh`, and what kind of session it has.
fn opening(session: Session<'_>) -> Vec<String> {
    let forward = match session {
        Session::Terminal => return vec!["ssh".to_owned(), "-At".to_owned()],
        Session::Command(_) => "-oForwardAgent=no",
        Session::WithAgent(_) => "-oForwardAgent=yes",
    };
    let words = ["ssh", "-T", forward].into_iter().chain(COMMAND_ONLY);
    words.map(str::to_owned).collect()
}

/// Refuses what no user name and no address looks like, but an option does.
///
/// # Errors
/// It is empty, or begins with `-`.
pub fn check_word(what: &str, word: &str) -> Result<()> {
    if word.is_empty() || word.starts_with('-') {
        return Err(Error::refused(format!("`{word}` is not {what}")));
    }
    Ok(())
}

/// A command that connects to the target through the jump host, for `ProxyCommand`: ssh expands `%` in it and gives it to a
/// shell.
fn through(
    settings: &SshSettings,
    alias: &str,
    user: Option<&str>,
    address: &str,
    session: Session<'_>,
) -> String {
    let mut words = vec!["ssh".to_owned()];
    words.extend(required(alias, session));
    words.extend(user.map(|user| format!("-l{user}")));
    words.extend(overridable(settings, session));
    let literal = |word: &str| shell_words::quote(word).replace('%', "%%");
    let mut words: Vec<String> = words.iter().map(|word| literal(word)).collect();
    words.push("-W '[%h]:%p'".to_owned());
    words.extend(["--".to_owned(), literal(address)]);
    words.join(" ")
}

/// What the operator's options cannot change.
fn required(alias: &str, session: Session<'_>) -> Vec<String> {
    let mut words = vec![
        format!("-oHostKeyAlias={alias}"),
        // Connections are not shared, even if the user's ssh_config says so: the one there is may lead to another host that
        // had the same address, without a look at its key; and its process would hold our pipe.
        "-oControlPath=none".to_owned(),
    ];
    if session != Session::Terminal {
        words.push("-oBatchMode=yes".to_owned());
    }
    words
}

/// The operator's options, and after them what they may override.
fn overridable(settings: &SshSettings, session: Session<'_>) -> Vec<String> {
    let timeout = match session {
        Session::Terminal => 7,
        Session::Command(_) | Session::WithAgent(_) => 10,
    };
    let mut words = settings.extra.clone();
    words.push(format!("-oConnectTimeout={timeout}"));
    words.push("-oStrictHostKeyChecking=accept-new".to_owned());
    words.push(settings.known_hosts_option());
    // A connection that died without a word is noticed after 45 seconds.
    words.push("-oServerAliveInterval=15".to_owned());
    words.push("-oServerAliveCountMax=3".to_owned());
    match (settings.verbose, session) {
        (true, _) => words.push("-v".to_owned()),
        // What ssh has to say about keys that it learns is no output of the host.
        (false, Session::Terminal) => {}
        (false, _) => words.push("-oLogLevel=ERROR".to_owned()),
    }
    words
}

#[cfg(test)]
mod tests;
