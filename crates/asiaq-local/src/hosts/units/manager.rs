//! The manager of a host's units: starts those that are enabled, keeps services running, does what `systemctl` asks for, and
//! stops everything in reverse order when the host goes down.

use super::control;
use super::load::{Places, is_service};
use super::order::{Waits, reversed, schedule};
use super::parse::{Kind, Unit};
use super::process;
use super::service::{self, Service};
use super::state::{self, Phase, State};
use crate::error::LocalError;
use futures::future::{BoxFuture, join_all};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Runs the units of a host until SIGTERM or SIGINT, and then stops them all. Blocks, on a runtime of its own: the caller's
/// would end on the same signals and leave units behind.
///
/// # Errors
/// A directory or the socket cannot be made.
pub fn run(places: Places) -> Result<(), LocalError> {
    let problem = |source| LocalError::file("cannot start", "the manager of units")(source);
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(problem)?;
        runtime.block_on(live(places))
    };
    std::thread::scope(|scope| scope.spawn(work).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

async fn live(places: Places) -> Result<(), LocalError> {
    for folder in [&places.run, &places.logs] {
        std::fs::create_dir_all(folder).map_err(LocalError::file("cannot create", folder))?;
    }
    let socket = places.socket();
    // Left by a manager that was killed.
    let _ = std::fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).map_err(LocalError::file("cannot make", &socket))?;
    // Whoever may write to the socket may start and stop services.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&socket, mode).map_err(LocalError::file("cannot change", &socket))?;
    let handler = |kind| signal(kind).map_err(LocalError::file("cannot handle", "signals"));
    let (mut term, mut int) = (
        handler(SignalKind::terminate())?,
        handler(SignalKind::interrupt())?,
    );
    let manager = Arc::new(Manager::new(places));
    let boot = Arc::clone(&manager);
    tokio::spawn(async move {
        let enabled = boot.places.enabled();
        boot.start(&enabled).await;
        tracing::info!("booted: {} units", enabled.len());
    });
    tokio::select! {
        () = control::serve(listener, Arc::clone(&manager)) => {}
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    manager.shut_down().await;
    Ok(())
}

/// What is known of one unit.
enum Slot {
    Nothing,
    /// Its commands have ended, and it counts as active.
    Exited(Unit),
    /// A forking service and its process.
    Daemon(Unit, Option<u32>),
    /// A service that is looked after.
    Running(Service),
}

/// All units.
pub struct Manager {
    places: Places,
    slots: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<Slot>>>>,
    closing: watch::Sender<bool>,
}

impl Manager {
    pub(super) fn new(places: Places) -> Self {
        Self {
            places,
            slots: Mutex::default(),
            closing: watch::Sender::new(false),
        }
    }

    fn slot(&self, name: &str) -> Arc<tokio::sync::Mutex<Slot>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.entry(name.to_owned());
        Arc::clone(slot.or_insert_with(|| Arc::new(tokio::sync::Mutex::new(Slot::Nothing))))
    }

    /// Starts units with all that they want and require, in order. Gives those of the named ones that failed, and why.
    pub(super) async fn start(self: &Arc<Self>, names: &[String]) -> Vec<(String, String)> {
        let units = Arc::new(self.closure(names));
        let order = schedule(&units);
        for (unit, other) in &order.broken {
            tracing::warn!("{unit} and {other} each wait for the other: {unit} does not wait");
        }
        let failed: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
        walk(&order.waits, |name| {
            let (manager, units, failed) =
                (Arc::clone(self), Arc::clone(&units), Arc::clone(&failed));
            Box::pin(async move {
                let Some(unit) = units.get(&name) else { return };
                if let Err(problem) = manager.start_one(unit).await {
                    let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                    failed.insert(name, problem);
                }
            })
        })
        .await;
        let mut failed =
            std::mem::take(&mut *failed.lock().unwrap_or_else(PoisonError::into_inner));
        for name in names {
            if !units.contains_key(name) {
                failed.insert(name.clone(), "there is no such unit".to_owned());
            }
        }
        failed
            .into_iter()
            .filter(|(name, _)| names.contains(name))
            .collect()
    }

    /// The units and all that they want or require, as far as they exist.
    fn closure(&self, names: &[String]) -> BTreeMap<String, Unit> {
        let mut units = BTreeMap::new();
        let mut open: Vec<String> = names.to_vec();
        while let Some(name) = open.pop() {
            if !is_service(&name) || units.contains_key(&name) {
                continue;
            }
            if let Some(unit) = self.places.load(&name) {
                open.extend(unit.wants.iter().chain(&unit.requires).cloned());
                units.insert(name, unit);
            }
        }
        units
    }

    async fn start_one(&self, unit: &Unit) -> Result<(), String> {
        let slot = self.slot(&unit.name);
        let mut slot = slot.lock().await;
        if self.state(&unit.name).active == Phase::Active {
            return Ok(());
        }
        let mut closing = self.closing.subscribe();
        if *closing.borrow_and_update() {
            return Err("the host goes down".to_owned());
        }
        // One that waits for its restart must not start beside the new one.
        if let Slot::Running(service) = std::mem::replace(&mut *slot, Slot::Nothing) {
            service.stop().await;
        }
        if let Some(unmet) = service::unmet(unit) {
            self.note(
                unit,
                &State::new(Phase::Inactive, &format!("condition {unmet}")),
            );
            return Ok(());
        }
        self.note(unit, &State::new(Phase::Activating, "start"));
        let required = unit.requires.iter().filter(|name| is_service(name));
        let lacking = required
            .into_iter()
            .find(|name| self.state(name).active != Phase::Active);
        let begun = match lacking {
            Some(name) => Err(format!("{name} is not active")),
            None => self.begin(unit, &mut closing).await,
        };
        match begun {
            Ok(started) => {
                *slot = started;
                Ok(())
            }
            Err(problem) => {
                self.note(unit, &State::new(Phase::Failed, &problem));
                *slot = Slot::Nothing;
                Err(problem)
            }
        }
    }

    /// Runs the start commands of a unit.
    async fn begin(
        &self,
        unit: &Unit,
        closing: &mut watch::Receiver<bool>,
    ) -> Result<Slot, String> {
        for exec in &unit.start_pre {
            process::run(unit, exec, &self.places, unit.start_limit, closing).await?;
        }
        if unit.kind == Kind::Exec {
            return Service::start(unit.clone(), self.places.clone()).map(Slot::Running);
        }
        for exec in &unit.start {
            process::run(unit, exec, &self.places, unit.start_limit, closing).await?;
        }
        if unit.kind == Kind::Forking {
            let pid = service::daemon(unit).await;
            self.note(unit, &State::running(pid));
            return Ok(Slot::Daemon(unit.clone(), pid));
        }
        if unit.remain_after_exit {
            self.note(unit, &State::new(Phase::Active, "exited"));
            return Ok(Slot::Exited(unit.clone()));
        }
        self.note(unit, &State::new(Phase::Inactive, "done"));
        Ok(Slot::Nothing)
    }

    /// Stops a unit, if it is active.
    pub(super) async fn stop(&self, name: &str) {
        let slot = self.slot(name);
        let mut slot = slot.lock().await;
        match std::mem::replace(&mut *slot, Slot::Nothing) {
            Slot::Nothing => {}
            Slot::Exited(unit) => {
                self.note(&unit, &State::new(Phase::Deactivating, "stop"));
                service::stop_commands(&unit, &self.places, None).await;
                self.note(&unit, &State::new(Phase::Inactive, "dead"));
            }
            Slot::Daemon(unit, pid) => {
                self.note(&unit, &State::new(Phase::Deactivating, "stop"));
                service::stop_commands(&unit, &self.places, pid).await;
                end_daemon(&unit, pid).await;
                self.note(&unit, &State::new(Phase::Inactive, "dead"));
            }
            Slot::Running(service) => service.stop().await,
        }
        // What had failed is only forgotten, as systemd does.
        if self.state(name).active == Phase::Failed {
            state::write(&self.places, name, &State::default());
        }
    }

    /// Stops everything, those that waited for others first.
    pub(super) async fn shut_down(self: &Arc<Self>) {
        self.closing.send_replace(true);
        let names: Vec<String> = {
            let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.keys().cloned().collect()
        };
        let units = names
            .iter()
            .filter_map(|name| Some((name.clone(), self.places.load(name)?)));
        let order = reversed(&schedule(&units.collect()).waits);
        walk(&order, |name| {
            let manager = Arc::clone(self);
            Box::pin(async move { manager.stop(&name).await })
        })
        .await;
    }

    /// The state of a unit.
    pub(super) fn state(&self, name: &str) -> State {
        state::read(&self.places, name)
    }

    fn note(&self, unit: &Unit, state: &State) {
        state::write(&self.places, &unit.name, state);
    }
}

/// Ends the process of a forking service, if its stop commands did not.
async fn end_daemon(unit: &Unit, pid: Option<u32>) {
    let alive = |pid: u32| std::path::Path::new(&format!("/proc/{pid}")).exists();
    let Some(pid) = pid.filter(|pid| alive(*pid)) else {
        return;
    };
    service::signal_process(pid, Signal::TERM);
    let gone = async {
        while alive(pid) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = gone => {}
        () = process::after(unit.stop_limit) => service::signal_process(pid, Signal::KILL),
    }
}

/// Does something for each name, after it is done for those that the name waits for; else at the same time.
async fn walk(waits: &Waits, action: impl Fn(String) -> BoxFuture<'static, ()>) {
    let done: BTreeMap<&String, watch::Sender<bool>> = waits
        .keys()
        .map(|name| (name, watch::Sender::new(false)))
        .collect();
    let mut tasks = Vec::new();
    for (name, earlier) in waits {
        let signals: Vec<watch::Receiver<bool>> = earlier
            .iter()
            .filter_map(|other| Some(done.get(other)?.subscribe()))
            .collect();
        let (ready, work) = (done.get(name).cloned(), action(name.clone()));
        tasks.push(async move {
            for mut signal in signals {
                let _ = signal.wait_for(|done| *done).await;
            }
            work.await;
            if let Some(ready) = ready {
                ready.send_replace(true);
            }
        });
    }
    join_all(tasks).await;
}

#[cfg(test)]
mod tests;
