//! Keeps a host for every instance: looks, plans, applies, tells. Process 1 of a namespace of its own, so that the system
//! ends everything with it.

mod ends;

use super::board::{Board, HostStatus};
use super::boot::Boot;
use super::images::{Below, Images, Source};
use super::imds::{Metadata, PublicKey, Service};
use super::machine::Machine;
use super::network::{Addresses, Link, default_mac};
use super::observe::{self, Look};
use super::place::{Place, raise_file_limit};
use super::plan::{Action, Known, Life, Phase, plan};
use crate::account::client;
use crate::error::LocalError;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::Instance;
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Shortest pause between looks.
const LOOK: Duration = Duration::from_millis(500);
/// Longest pause between looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// An endpoint at which nobody has listened for this long is gone.
const PATIENCE: Duration = Duration::from_secs(10);
/// An endpoint that somebody listens at, but has not answered for this long, will not answer any more.
const BUSY: Duration = Duration::from_secs(300);
/// Hosts that start at once.
const STARTS: usize = 8;
/// Hosts that end or get other addresses at once; they wait more than they work.
const OTHERS: usize = 64;
/// Failed starts in a row after which a host is not tried again.
const ATTEMPTS: u32 = 3;

/// State of a host that boots.
const STARTING: &str = "starting";

/// Runs until the endpoint is gone. `dir` gets the list of hosts.
///
/// # Errors
/// The place for the hosts cannot be made.
pub async fn supervise(endpoint: &str, dir: &Path) -> Result<(), LocalError> {
    raise_file_limit();
    let place = Place::make(endpoint, dir)?;
    let forwarding = place.forward()?;
    let mut supervisor = Supervisor::new(endpoint, dir, place)?;
    supervisor.tell()?;
    let ended = supervisor.run().await;
    drop(forwarding);
    ended
}

/// A host and what is known of it.
#[derive(Debug)]
struct Host {
    phase: Phase,
    /// For people.
    state: &'static str,
    addresses: Addresses,
    problem: Option<String>,
    /// Failed starts in a row.
    failures: u32,
    image: String,
    layers: Vec<PathBuf>,
    /// Whether its image has boot units, which tag the instance.
    boots: bool,
    /// It switched itself off, and EC2 does not know yet.
    off: bool,
    files: Option<PathBuf>,
    /// Away while an action is under way.
    machine: Option<Machine>,
}

/// The end of an action.
struct Done {
    id: String,
    machine: Option<Machine>,
    phase: Option<Phase>,
    result: Result<(), LocalError>,
}

struct Supervisor {
    client: Client,
    dir: PathBuf,
    endpoint: String,
    place: Place,
    images: Images,
    metadata: Metadata,
    hosts: BTreeMap<String, Host>,
    actions: JoinSet<Done>,
    starts: Arc<Semaphore>,
    others: Arc<Semaphore>,
    /// Whether it has seen the cloud yet.
    begun: bool,
    /// Numbers the links.
    links: u32,
    told: Option<Board>,
}

impl Supervisor {
    fn new(endpoint: &str, dir: &Path, place: Place) -> Result<Self, LocalError> {
        let client = client(endpoint);
        Ok(Self {
            metadata: Metadata::new(client.clone()),
            client,
            endpoint: endpoint.to_owned(),
            dir: dir.to_path_buf(),
            images: Images::new(place.images(), dir.join("images")),
            place,
            hosts: BTreeMap::new(),
            actions: JoinSet::new(),
            starts: Arc::new(Semaphore::new(STARTS)),
            others: Arc::new(Semaphore::new(OTHERS)),
            begun: false,
            links: 0,
            told: None,
        })
    }

    async fn run(&mut self) -> Result<(), LocalError> {
        // Since the first of the looks that failed one after another: a round may take its time.
        let mut silent: Option<Instant> = None;
        loop {
            let begun = Instant::now();
            match observe::look(&self.client).await {
                Ok(look) => {
                    silent = None;
                    self.round(look).await?;
                }
                Err(problem) => {
                    tracing::info!("the local cloud does not answer: {problem}");
                    let limit = if self.somebody_listens().await {
                        BUSY
                    } else {
                        PATIENCE
                    };
                    if silent.get_or_insert_with(Instant::now).elapsed() >= limit {
                        break;
                    }
                }
            }
            self.tell()?;
            // A large cloud takes longer to list; some of its time stays for others.
            let pause = begun.elapsed().clamp(LOOK, LONGEST_PAUSE);
            self.rest(pause).await?;
        }
        tracing::info!("the local cloud is gone");
        Ok(())
    }

    /// False only if nobody listens at the endpoint: on a busy machine the cloud may not answer in time and be there.
    async fn somebody_listens(&self) -> bool {
        let address = self.endpoint.trim_start_matches("http://");
        let refused = |error: &std::io::Error| error.kind() == ErrorKind::ConnectionRefused;
        let connect = tokio::net::TcpStream::connect(address);
        let connected = tokio::time::timeout(LONGEST_PAUSE, connect).await;
        !matches!(connected, Ok(Err(error)) if refused(&error))
    }

    /// Waits, and takes note of actions that end.
    async fn rest(&mut self, pause: Duration) -> Result<(), LocalError> {
        let until = tokio::time::Instant::now() + pause;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return Ok(()),
                Some(done) = self.actions.join_next() => {
                    self.note(done.map_err(|error| LocalError::hosts("supervisor", error))?);
                    self.tell()?;
                }
            }
        }
    }

    async fn round(&mut self, look: Look) -> Result<(), LocalError> {
        self.notice_ends();
        self.tell_ends().await;
        self.metadata.look(&look.instances);
        if !self.begun {
            self.images.lose(&look.images);
            self.begun = true;
        }
        self.capture(&look).await?;
        let observed: Vec<_> = look.instances.iter().map(observe::observed).collect();
        let known = self.hosts.iter().map(|(id, host)| {
            let known = Known {
                phase: host.phase,
                addresses: host.addresses.clone(),
            };
            (id.clone(), known)
        });
        let actions = plan(&observed, &known.collect());
        let starts = actions
            .iter()
            .any(|action| matches!(action, Action::Start { .. }));
        let keys = if starts {
            observe::in_time(observe::keys(&self.client)).await
        } else {
            Ok(BTreeMap::new())
        };
        let keys = match keys {
            Ok(keys) => keys,
            Err(problem) => {
                tracing::info!("key pairs: {problem}");
                return Ok(());
            }
        };
        let instances: BTreeMap<&str, &Instance> = look
            .instances
            .iter()
            .filter_map(|instance| Some((instance.instance_id()?, instance)))
            .collect();
        let missing = self.images.missing(&look.images);
        let sources: BTreeSet<String> = missing
            .iter()
            .filter_map(|image| image.instance.clone())
            .collect();
        // What an image is still to be made from stays.
        let kept =
            |action: &Action| matches!(action, Action::Remove { id } if sources.contains(id));
        for action in actions.into_iter().filter(|action| !kept(action)) {
            self.apply(action, &instances, &keys);
        }
        Ok(())
    }

    /// Keeps the files of new images, before anything else changes the hosts that they are made from.
    async fn capture(&mut self, look: &Look) -> Result<(), LocalError> {
        let used: BTreeSet<PathBuf> = self
            .hosts
            .values()
            .flat_map(|host| host.layers.iter().cloned())
            .collect();
        let sources = self.sources(look);
        let (mut images, listed) = (std::mem::take(&mut self.images), look.images.clone());
        // Copying takes its time, in which endpoint and metadata must answer.
        let work = tokio::task::spawn_blocking(move || {
            images.follow(&listed, &sources, &used);
            images
        });
        self.images = work
            .await
            .map_err(|error| LocalError::hosts("images", error))?;
        Ok(())
    }

    /// What the instances hold of which there are new images.
    fn sources(&self, look: &Look) -> BTreeMap<String, Source> {
        let missing = self.images.missing(&look.images);
        let wanted = missing.iter().filter_map(|image| image.instance.clone());
        wanted
            .filter_map(|id| {
                let source = self.source(&id, look)?;
                Some((id, source))
            })
            .collect()
    }

    /// What an instance's host holds; of one that never ran, what its image holds. Nothing is known of one that is gone.
    fn source(&self, instance: &str, look: &Look) -> Option<Source> {
        if let Some(host) = self.hosts.get(instance) {
            // One that was not started yet has nothing of its own, not even layers.
            let below = match host.files {
                Some(_) => Below::Layers(host.layers.clone()),
                None => Below::Image(host.image.clone()),
            };
            return Some(Source {
                files: host.files.clone().filter(|files| files.is_dir()),
                below,
            });
        }
        let mut listed = look.instances.iter();
        let listed = listed.find(|one| one.instance_id() == Some(instance))?;
        if observe::observed(listed).life == Life::Gone {
            return None;
        }
        Some(Source {
            files: None,
            below: Below::Image(listed.image_id().unwrap_or_default().to_owned()),
        })
    }

    fn apply(
        &mut self,
        action: Action,
        instances: &BTreeMap<&str, &Instance>,
        keys: &BTreeMap<String, String>,
    ) {
        match action {
            Action::Start { id } => {
                if let Some(instance) = instances.get(id.as_str()) {
                    self.start(&id, instance, keys);
                }
            }
            Action::Stop { id } => self.act(&id, "stopping", Some(Phase::Down), Machine::stop),
            Action::Remove { id } => self.act(&id, "stopping", None, Machine::remove),
            Action::Readdress { id, addresses } => {
                if let Some(host) = self.hosts.get_mut(&id) {
                    host.addresses = addresses.clone();
                }
                self.act(&id, "running", Some(Phase::Up), move |machine| {
                    machine.readdress(&addresses)
                });
            }
            Action::Refuse { id, address, owner } => {
                let problem = format!("{owner} has its address {address}");
                tracing::warn!("{id} is not started: {problem}");
                let image = instances.get(id.as_str()).and_then(|one| one.image_id());
                let image = image.unwrap_or_default().to_owned();
                let host = self.hosts.entry(id).or_insert_with(|| Host::new(image));
                (host.phase, host.state) = (Phase::Refused, "refused");
                host.problem = Some(problem);
            }
        }
    }

    fn start(&mut self, id: &str, instance: &Instance, keys: &BTreeMap<String, String>) {
        let image = instance.image_id().unwrap_or_default().to_owned();
        let host = self
            .hosts
            .entry(id.to_owned())
            .or_insert_with(|| Host::new(image));
        host.addresses = observe::observed(instance).addresses;
        host.problem = None;
        if host.machine.is_none() {
            self.links += 1;
            let mac = instance
                .network_interfaces()
                .first()
                .and_then(|one| one.mac_address());
            let link = Link {
                host: id.to_owned(),
                name: format!("h{}", self.links),
                mac: mac.map_or_else(|| default_mac(self.links), str::to_owned),
            };
            match self.images.layers(&host.image) {
                Ok(layers) => {
                    host.boots = super::inside::boots(&layers);
                    host.layers = layers;
                }
                Err(problem) => {
                    // Tried again in the next round, unless it will not get better.
                    if self.images.is_lost(&host.image) {
                        tracing::warn!("{id} is not started: {problem}");
                        (host.phase, host.state) = (Phase::Failed, "failed");
                    }
                    host.problem = Some(problem.to_string());
                    return;
                }
            }
            let machine = self.place.machine(link);
            host.files = Some(machine.files());
            host.machine = Some(machine);
        }
        let Some(address) = host.addresses.private.first().copied() else {
            return;
        };
        let key = instance.key_name().and_then(|name| {
            let openssh = keys.get(name)?.clone();
            Some(PublicKey {
                name: name.to_owned(),
                openssh,
            })
        });
        let line = key.as_ref().map(|key| key.openssh.clone());
        let boot = self.place.boot(id, address, line, &host.layers);
        let (addresses, program) = (host.addresses.clone(), self.place.program.clone());
        let service = self.metadata.service(instance, key);
        self.act(id, STARTING, Some(Phase::Up), move |machine| {
            start(machine, &addresses, service, &program, &boot)
        });
    }

    /// Does something to a host beside everything else; `then` is its phase after success, `None` its end.
    fn act(
        &mut self,
        id: &str,
        state: &'static str,
        then: Option<Phase>,
        work: impl FnOnce(&mut Machine) -> Result<(), LocalError> + Send + 'static,
    ) {
        let Some(host) = self.hosts.get_mut(id) else {
            return;
        };
        let Some(mut machine) = host.machine.take() else {
            // One that was refused has nothing to end.
            self.hosts.remove(id);
            return;
        };
        (host.phase, host.state) = (Phase::Busy, state);
        let starts = state == STARTING;
        let slots = if starts { &self.starts } else { &self.others };
        let (id, slots) = (id.to_owned(), Arc::clone(slots));
        self.actions.spawn(async move {
            let _slot = slots.acquire_owned().await;
            let worked = tokio::task::spawn_blocking(move || {
                let result = work(&mut machine);
                (machine, result)
            });
            match worked.await {
                Ok((machine, result)) => Done {
                    id,
                    machine: Some(machine),
                    phase: then,
                    result,
                },
                Err(error) => {
                    let result = Err(LocalError::hosts("supervisor", error));
                    Done {
                        id,
                        machine: None,
                        phase: then,
                        result,
                    }
                }
            }
        });
    }

    fn note(&mut self, done: Done) {
        let Some(host) = self.hosts.get_mut(&done.id) else {
            return;
        };
        host.machine = done.machine;
        let tried_to_start = host.state == STARTING;
        match (done.result, done.phase) {
            (Ok(()), None) => {
                self.hosts.remove(&done.id);
            }
            (Ok(()), Some(phase)) => {
                host.phase = phase;
                host.failures = 0;
                host.state = if phase == Phase::Up {
                    "running"
                } else {
                    "stopped"
                };
            }
            (Err(problem), _) => {
                tracing::warn!("{}: {problem}", done.id);
                host.failures += 1;
                // A failed start leaves nothing running, so that it can be tried again.
                let again = tried_to_start && host.failures < ATTEMPTS;
                (host.phase, host.state) = if again {
                    (Phase::Down, "stopped")
                } else {
                    (Phase::Failed, "failed")
                };
                host.problem = Some(problem.to_string());
            }
        }
    }

    /// Writes the list, if it changed.
    fn tell(&mut self) -> Result<(), LocalError> {
        let status = |(id, host): (&String, &Host)| HostStatus {
            instance_id: id.clone(),
            private_ip: host.addresses.private.first().map(ToString::to_string),
            public_ip: host.addresses.public.first().map(ToString::to_string),
            state: host.state.to_owned(),
            boots_itself: host.boots,
            problem: host.problem.clone(),
        };
        let board = Board {
            supervisor: self.place.supervisor.clone(),
            hosts: self.hosts.iter().map(status).collect(),
        };
        if self.told.as_ref() != Some(&board) {
            board.write(&self.dir)?;
            self.told = Some(board);
        }
        Ok(())
    }
}

impl Host {
    fn new(image: String) -> Self {
        Self {
            phase: Phase::Down,
            state: STARTING,
            failures: 0,
            addresses: Addresses::default(),
            problem: None,
            image,
            layers: Vec::new(),
            boots: false,
            off: false,
            files: None,
            machine: None,
        }
    }
}

/// Network and metadata first, so that they are there when it boots. What failed leaves nothing running.
fn start(
    machine: &mut Machine,
    addresses: &Addresses,
    service: Service,
    program: &Path,
    boot: &Boot,
) -> Result<(), LocalError> {
    let started = machine
        .attach(addresses, service)
        .and_then(|()| machine.boot(program, boot));
    if started.is_err() {
        // The first failure is the one to tell.
        let _ = machine.stop();
    }
    started
}
