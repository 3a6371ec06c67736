//! A service whose process is looked after: started again as its unit says, and stopped. And smaller parts of starting and
//! stopping a unit.

use super::load::Places;
use super::parse::{Restart, Unit};
use super::process;
use super::state::{self, Phase, State};
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::process::Child;
use tokio::sync::{Notify, watch};

/// More restarts than this within [`BURST_TIME`] mean that it cannot work.
const BURST: usize = 5;
const BURST_TIME: Duration = Duration::from_secs(10);
/// How long a forking service may take to write its process id.
const PID_FILE_LIMIT: Duration = Duration::from_secs(5);

/// A running service.
pub struct Service {
    stop: Arc<Notify>,
    task: tokio::task::JoinHandle<()>,
}

impl Service {
    /// Starts its process.
    pub fn start(unit: Unit, places: Places) -> Result<Self, String> {
        let stop = Arc::new(Notify::new());
        let child = launch(&unit, &places)?;
        let keeper = Keeper {
            unit,
            places,
            stop: Arc::clone(&stop),
        };
        let task = tokio::spawn(keeper.keep(child));
        Ok(Self { stop, task })
    }

    /// Stops it, and waits until that is done.
    pub async fn stop(self) {
        self.stop.notify_one();
        let _ = self.task.await;
    }
}

struct Keeper {
    unit: Unit,
    places: Places,
    stop: Arc<Notify>,
}

impl Keeper {
    /// Looks after the process until the unit is stopped.
    async fn keep(self, mut child: Child) {
        let mut restarts: Vec<Instant> = Vec::new();
        loop {
            let ended = tokio::select! {
                status = child.wait() => status.map_err(|e| e.to_string()).and_then(process::succeeded),
                () = self.stop.notified() => return self.halt(Some(&mut child)).await,
            };
            restarts.retain(|time| time.elapsed() < BURST_TIME);
            let again = match self.unit.restart {
                Restart::Always => true,
                Restart::OnFailure => ended.is_err(),
                Restart::No => false,
            };
            if !again || restarts.len() >= BURST {
                return self.rest(ended, again).await;
            }
            restarts.push(Instant::now());
            self.note(&State::new(Phase::Activating, "auto-restart"));
            tokio::select! {
                () = tokio::time::sleep(self.unit.restart_pause) => {}
                () = self.stop.notified() => return self.note(&State::new(Phase::Inactive, "dead")),
            }
            match launch(&self.unit, &self.places) {
                Ok(next) => child = next,
                Err(problem) => return self.rest(Err(problem), false).await,
            }
        }
    }

    /// The process has ended for good. Waits for the stop, so that the stop commands run if the unit is still active.
    async fn rest(&self, ended: Result<(), String>, too_often: bool) {
        match ended {
            Err(problem) if too_often => {
                self.note(&State::new(
                    Phase::Failed,
                    &format!("restarted too often; {problem}"),
                ));
            }
            Err(problem) => self.note(&State::new(Phase::Failed, &problem)),
            Ok(()) if too_often => self.note(&State::new(Phase::Failed, "restarted too often")),
            Ok(()) if self.unit.remain_after_exit => {
                self.note(&State::new(Phase::Active, "exited"));
                self.stop.notified().await;
                self.halt(None).await;
            }
            Ok(()) => self.note(&State::new(Phase::Inactive, "dead")),
        }
    }

    async fn halt(&self, child: Option<&mut Child>) {
        self.note(&State::new(Phase::Deactivating, "stop"));
        let pid = child.as_ref().and_then(|child| child.id());
        stop_commands(&self.unit, &self.places, pid).await;
        if let Some(child) = child {
            process::end(child, self.unit.stop_limit).await;
        }
        self.note(&State::new(Phase::Inactive, "dead"));
    }

    fn note(&self, state: &State) {
        state::write(&self.places, &self.unit.name, state);
    }
}

fn launch(unit: &Unit, places: &Places) -> Result<Child, String> {
    let Some(exec) = unit.start.first() else {
        return Err("no ExecStart".to_owned());
    };
    let child = process::spawn(unit, exec, places, None)?;
    state::write(places, &unit.name, &State::running(child.id()));
    Ok(child)
}

/// Runs the stop commands; `$MAINPID` is the service's process. Failures are logged: stopping goes on.
pub async fn stop_commands(unit: &Unit, places: &Places, main: Option<u32>) {
    // Nothing cancels a stop.
    let never = watch::Sender::new(false);
    let mut unit = unit.clone();
    if let Some(pid) = main {
        unit.environment
            .push(("MAINPID".to_owned(), pid.to_string()));
    }
    for exec in &unit.stop {
        let stopped =
            process::run(&unit, exec, places, unit.stop_limit, &mut never.subscribe()).await;
        if let Err(problem) = stopped {
            tracing::warn!("{}: `{}`: {problem}", unit.name, exec.line);
        }
    }
}

/// The first condition that does not hold, as it stands in the unit.
pub fn unmet(unit: &Unit) -> Option<String> {
    let unmet = unit
        .conditions
        .iter()
        .find(|condition| Path::new(&condition.path).exists() == condition.negated)?;
    let mark = if unmet.negated { "!" } else { "" };
    Some(format!("{mark}{}", unmet.path))
}

/// The process id that a forking service wrote, if its unit says where.
pub async fn daemon(unit: &Unit) -> Option<u32> {
    let path = unit.pid_file.as_ref()?;
    let deadline = Instant::now() + PID_FILE_LIMIT;
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if let Ok(pid) = text.trim().parse() {
            return Some(pid);
        }
        if Instant::now() > deadline {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Sends a signal to one process.
pub fn signal_process(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}
