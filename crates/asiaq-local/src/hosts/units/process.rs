//! Processes of units: made, waited for, ended. Each leads its own group. Knows nothing of states.

use super::load::{Places, assignments};
use super::parse::{Exec, Unit};
use super::words;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::OpenOptions;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// Starts a command of a unit. Its output goes to the unit's log.
pub fn spawn(
    unit: &Unit,
    exec: &Exec,
    places: &Places,
    main: Option<u32>,
) -> Result<Child, String> {
    let mut variables = places.variables();
    variables.extend(unit.environment.iter().cloned());
    for file in &unit.environment_files {
        let path = file.trim_start_matches('-');
        match std::fs::read_to_string(path) {
            Ok(text) => variables.extend(assignments(&text)),
            Err(_) if file.starts_with('-') => {}
            Err(problem) => return Err(format!("cannot read {path}: {problem}")),
        }
    }
    if let Some(pid) = main {
        variables.insert("MAINPID".to_owned(), pid.to_string());
    }
    let mut words = words::command(&exec.line, &unit.name, &variables);
    if let Some(user) = &unit.user {
        let prefix = ["runuser", "-u", user.as_str(), "--"].map(str::to_owned);
        words.splice(0..0, prefix);
    }
    let Some((program, arguments)) = words.split_first() else {
        return Err("empty command".to_owned());
    };
    let log = places.logs.join(format!("{}.log", unit.name));
    let open = || OpenOptions::new().create(true).append(true).open(&log);
    let problem = |error: std::io::Error| format!("{program}: {error}");
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(&variables)
        .current_dir(unit.directory.as_deref().unwrap_or("/"))
        .stdin(Stdio::null())
        .stdout(open().map_err(problem)?)
        .stderr(open().map_err(problem)?)
        .process_group(0);
    command.spawn().map_err(problem)
}

/// Runs a command to its end. It is killed when the time is over, or when `cancel` turns true.
pub async fn run(
    unit: &Unit,
    exec: &Exec,
    places: &Places,
    limit: Option<Duration>,
    cancel: &mut watch::Receiver<bool>,
) -> Result<(), String> {
    let result = match spawn(unit, exec, places, None) {
        Err(problem) => Err(problem),
        Ok(mut child) => {
            let ended = tokio::select! {
                status = child.wait() => status.map_err(|error| error.to_string()).and_then(succeeded),
                () = after(limit) => Err("timeout".to_owned()),
                _ = cancel.wait_for(|cancelled| *cancelled) => Err("the host goes down".to_owned()),
            };
            if child.id().is_some() {
                end(&mut child, Some(Duration::from_secs(1))).await;
            }
            ended
        }
    };
    match result {
        Err(problem) if exec.may_fail => {
            tracing::debug!(
                "{}: `{}`: {problem}, which does not matter",
                unit.name,
                exec.line
            );
            Ok(())
        }
        other => other,
    }
}

/// `Ok` for exit code 0, else what happened.
pub fn succeeded(status: ExitStatus) -> Result<(), String> {
    if status.success() {
        Ok(())
    } else {
        Err(status.to_string())
    }
}

/// Ends the process and its group: asked first, killed when the time is over.
pub async fn end(child: &mut Child, limit: Option<Duration>) {
    let Some(group) = child.id() else {
        return;
    };
    signal(group, Signal::TERM);
    let in_time = tokio::select! {
        _ = child.wait() => true,
        () = after(limit) => false,
    };
    // Also for what remains of the group when its leader has ended.
    signal(group, Signal::KILL);
    if !in_time {
        let _ = child.wait().await;
    }
}

/// Sends a signal to a group. One that is gone needs none.
pub fn signal(group: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(pid, signal);
    }
}

/// Waits that long; for ever if there is no limit.
pub async fn after(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}
