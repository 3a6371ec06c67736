//! The steps of a bake and their clean-ups: one list for running, for the dry run and for progress.

use super::connect::{Shell, failure};
use super::machine::{Launch, Machine, may_have_launched};
use super::{Bake, Baked, Bakery, Voice, imaging, upload};
use crate::aws::{Aws, Tags};
use crate::error::{Error, Result};
use crate::host::remote::Sink;
use crate::names::tag;
use crate::plan::Interrupt;
use chrono::Utc;
use rand::seq::SliceRandom;
use std::time::{Duration, Instant};

/// A step, in the order of execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Source,
    Network,
    Key,
    Launch,
    Run,
    Connect,
    Directory,
    Configuration,
    Asiaq,
    Script,
    Stop,
    Attributes,
    Create,
    Available,
    Terminate,
}

impl Step {
    const ALL: [Self; 15] = [
        Self::Source,
        Self::Network,
        Self::Key,
        Self::Launch,
        Self::Run,
        Self::Connect,
        Self::Directory,
        Self::Configuration,
        Self::Asiaq,
        Self::Script,
        Self::Stop,
        Self::Attributes,
        Self::Create,
        Self::Available,
        Self::Terminate,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Source => "source image",
            Self::Network => "network",
            Self::Key => "key",
            Self::Launch => "launch",
            Self::Run => "wait until it runs",
            Self::Connect => "wait for ssh",
            Self::Directory => "make directory",
            Self::Configuration => "rsync configuration",
            Self::Asiaq => "rsync asiaq",
            Self::Script => "init script",
            Self::Stop => "stop",
            Self::Attributes => "network attributes",
            Self::Create => "create image",
            Self::Available => "wait for image",
            Self::Terminate => "terminate",
        }
    }

    /// A call that is waited for even after Ctrl-C: what it makes could not be named otherwise.
    const fn is_whole(self) -> bool {
        matches!(self, Self::Launch | Self::Create)
    }
}

impl Bake<'_> {
    /// The steps of this bake.
    pub(super) fn plan(&self) -> Vec<Step> {
        let wanted = |step: &Step| *step != Step::Attributes || self.options.enhanced;
        Step::ALL.into_iter().filter(wanted).collect()
    }

    /// Names of its steps, in order.
    pub fn steps(&self) -> Vec<&'static str> {
        self.plan().into_iter().map(Step::name).collect()
    }
}

impl Bakery<'_> {
    /// Bakes it.
    ///
    /// # Errors
    /// A step failed; what it and those before it made is gone again, or is named.
    pub async fn run(
        &self,
        aws: &Aws,
        bake: &Bake<'_>,
        interrupt: &Interrupt,
        voice: &dyn Voice,
    ) -> Result<Baked> {
        let _charge = interrupt.take_charge();
        let mut work = Work::new(self, aws, bake, interrupt, voice);
        let mut begun = Vec::new();
        for step in bake.plan() {
            begun.push(step);
            match work.guarded(step).await {
                Ok(()) => {}
                // The image is made: what is left of the machine does not hide it.
                Err(error) if step == Step::Terminate && !matches!(error, Error::Interrupted) => {
                    work.tell_what_stays(&error);
                }
                Err(error) => {
                    work.clean_up(&begun).await;
                    return Err(error);
                }
            }
        }
        let image_id = work.image.take();
        let image_id = image_id.ok_or_else(|| Error::refused("the bake made no image"))?;
        Ok(Baked {
            image_name: bake.image_name.clone(),
            image_id,
        })
    }
}

/// A bake under way: what its steps have made.
struct Work<'a> {
    bakery: &'a Bakery<'a>,
    aws: &'a Aws,
    bake: &'a Bake<'a>,
    interrupt: &'a Interrupt,
    voice: &'a dyn Voice,
    began: Instant,
    bake_id: String,
    tags: Tags,
    security_group: &'a str,
    /// Why the agent may lack keys.
    agent: Option<&'a str>,
    machine: Option<Machine>,
    shell: Option<Shell>,
    image: Option<String>,
    /// A launch failed, and yet there may be a machine.
    unanswered: bool,
    terminated: bool,
}

/// Hands what a script writes to the voice.
struct Live<'a> {
    voice: &'a dyn Voice,
    bake: &'a str,
    began: Instant,
}

impl Sink for Live<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        let elapsed = self.began.elapsed();
        self.voice
            .output(self.bake, Step::Script.name(), elapsed, bytes);
    }
}

impl<'a> Work<'a> {
    fn new(
        bakery: &'a Bakery<'a>,
        aws: &'a Aws,
        bake: &'a Bake<'a>,
        interrupt: &'a Interrupt,
        voice: &'a dyn Voice,
    ) -> Self {
        let request = &bake.request;
        let bake_id = new_id();
        let maker = imaging::Maker {
            baker: bakery.baker,
            version: bakery.version,
            bake_id: &bake_id,
        };
        let tags = imaging::tags(
            &bake.options,
            &bake.source.id,
            maker,
            request.private,
            request.tags,
        );
        Self {
            bakery,
            aws,
            bake,
            interrupt,
            voice,
            began: Instant::now(),
            bake_id,
            tags,
            security_group: "",
            agent: None,
            machine: None,
            shell: None,
            image: None,
            unanswered: false,
            terminated: false,
        }
    }

    async fn guarded(&mut self, step: Step) -> Result<()> {
        let interrupt = self.interrupt;
        if interrupt.came() {
            return Err(Error::Interrupted);
        }
        let elapsed = self.began.elapsed();
        self.voice.step(&self.bake.image_name, step.name(), elapsed);
        if step.is_whole() {
            return self.run(step).await;
        }
        interrupt.guard(self.run(step)).await
    }

    async fn run(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Source => {
                self.say_source();
                Ok(())
            }
            Step::Network => {
                self.security_group = &self.bake.group;
                Ok(())
            }
            Step::Key => {
                self.agent = self.bakery.load_keys(self.aws).await?;
                Ok(())
            }
            Step::Launch => self.launch().await,
            Step::Run => match self.machine.as_mut() {
                Some(machine) => machine.wait_running(self.aws).await,
                None => Err(no_machine()),
            },
            Step::Connect => self.connect().await,
            Step::Directory => {
                let command = format!("mkdir -p {}/asiaq", self.bake.options.destination);
                let (settings, poll) = (self.bakery.ssh, &self.aws.poll);
                self.shell()?.insist(settings, poll, &command).await
            }
            Step::Configuration => {
                let options = &self.bake.options;
                self.upload(&options.configuration, &options.destination)
                    .await
            }
            Step::Asiaq => {
                let options = &self.bake.options;
                let destination = format!("{}/asiaq", options.destination);
                self.upload(&options.asiaq, &destination).await
            }
            Step::Script => self.script().await,
            Step::Stop => self.stop().await,
            Step::Attributes => {
                self.machine()?.enhance(self.aws).await;
                Ok(())
            }
            Step::Create => {
                let machine = self.machine()?.id.clone();
                let name = &self.bake.image_name;
                let id = imaging::create(self.aws, &machine, name, &self.tags).await?;
                tracing::info!("image {id} `{name}` is being made");
                self.image = Some(id);
                Ok(())
            }
            Step::Available => {
                let id = self.image.as_deref().ok_or_else(no_machine)?;
                imaging::wait(self.aws, id, &self.tags, self.bake.options.wait).await
            }
            Step::Terminate => {
                self.machine()?.terminate(self.aws).await?;
                self.terminated = true;
                Ok(())
            }
        }
    }

    /// Undoes the steps that were begun, last first. Nothing here hides the error that brought it about.
    async fn clean_up(&mut self, begun: &[Step]) {
        let name = &self.bake.image_name;
        let at = begun.last().map_or("", |step| step.name());
        tracing::warn!("the bake of `{name}` ends in step `{at}`");
        for step in begun.iter().rev() {
            match step {
                Step::Create => {
                    if let Some(id) = &self.image {
                        tracing::warn!("image {id} `{name}` stays");
                    }
                }
                Step::Launch => self.clean_up_machine(begun.contains(&Step::Connect)).await,
                _ => {}
            }
        }
    }

    /// `seen`: AWS has told that it knows the machine.
    async fn clean_up_machine(&mut self, seen: bool) {
        if self.terminated {
            return;
        }
        if self.machine.is_none() {
            self.find_lost_machine().await;
        }
        let Some(machine) = &self.machine else {
            return;
        };
        if self.bake.request.keep_failed {
            return self.tell_how_to_look(machine);
        }
        let ended = match seen {
            true => machine.terminate(self.aws).await,
            false => machine.terminate_new(self.aws).await,
        };
        match ended {
            Ok(()) => tracing::info!("instance {} is terminated", machine.id),
            Err(error) => self.tell_what_stays(&error),
        }
    }

    /// A launch that failed may have made a machine all the same.
    async fn find_lost_machine(&mut self) {
        let found = match self.unanswered {
            true => Machine::lost(self.aws, &self.bake_id).await,
            false => Machine::of_bake(self.aws, &self.bake_id).await,
        };
        let why = match found {
            Ok(Some(machine)) => {
                self.machine = Some(machine);
                return;
            }
            Ok(None) if !self.unanswered => return,
            Ok(None) => "AWS did not answer, and does not know it yet".to_owned(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(
            "an instance with tag {}={} may have been launched: {why}; \
             `disco_bake cleanup` removes it from two hours after the bake began",
            tag::BAKE_ID,
            self.bake_id
        );
    }

    fn tell_what_stays(&self, error: &Error) {
        if let Some(Machine { id, .. }) = &self.machine {
            tracing::warn!(
                "instance {id} stays: {error}; `disco_bake cleanup --instance {id}` removes it"
            );
        }
    }

    fn tell_how_to_look(&self, machine: &Machine) {
        let user = self.shell.as_ref().map_or("root", Shell::user);
        let address = machine.address(self.bake.request.use_local_ip);
        let address = address.unwrap_or("(it has no address)");
        tracing::warn!("instance {} stays, as --no-destroy says", machine.id);
        tracing::info!(
            "Examine instance command: ssh -o HostKeyAlias={} {} {user}@{address}",
            machine.id,
            shell_words::quote(&self.bakery.ssh.known_hosts_option())
        );
    }

    fn say_source(&self) {
        let (bake, options) = (self.bake, &self.bake.options);
        tracing::info!(
            "phase {} image `{}` of hostclass {} from {} `{}`",
            options.phase,
            bake.image_name,
            options.hostclass,
            bake.source.id,
            bake.source.name
        );
    }

    async fn launch(&mut self) -> Result<()> {
        let site = &self.bakery.surroundings(self.aws).await?.site;
        let mut subnets = site.subnets.clone();
        subnets.shuffle(&mut rand::rng());
        let launch = Launch {
            options: &self.bake.options,
            source: &self.bake.source,
            security_group: self.security_group,
            subnets,
            bake_id: &self.bake_id,
            tags: self.machine_tags(),
            interrupt: self.interrupt,
        };
        let launched = launch.run(self.aws).await;
        self.unanswered = launched.as_ref().is_err_and(may_have_launched);
        let machine = launched?;
        tracing::info!("instance {} is launched", machine.id);
        self.machine = Some(machine);
        Ok(())
    }

    fn machine_tags(&self) -> Tags {
        let hostclass = format!("bake_{}", self.bake.options.hostclass);
        let pairs = [
            (tag::NAME, hostclass.clone()),
            (tag::HOSTCLASS, hostclass),
            (tag::BAKER, self.bakery.baker.to_owned()),
            (tag::BAKE_IMAGE, self.bake.image_name.clone()),
            (tag::BAKE_STARTED, Utc::now().timestamp().to_string()),
            (tag::BAKE_ID, self.bake_id.clone()),
        ];
        pairs.map(|(key, value)| (key.to_owned(), value)).into()
    }

    async fn connect(&mut self) -> Result<()> {
        self.bakery.ssh.prepare()?;
        let machine = self.machine()?;
        let address = machine.address(self.bake.request.use_local_ip)?;
        let target = (machine.id.as_str(), address);
        let poll = &self.aws.poll;
        let shell = Shell::find(self.bakery.ssh, poll, target, self.agent).await?;
        tracing::info!("instance {} is reached as {}", machine.id, shell.target());
        self.shell = Some(shell);
        Ok(())
    }

    async fn upload(&self, source: &str, destination: &str) -> Result<()> {
        let id = &self.machine()?.id;
        upload::upload(self.shell()?, self.bakery.ssh, id, source, destination).await
    }

    /// Without a repository host the script gets the hostclass alone.
    async fn script(&self) -> Result<()> {
        let options = &self.bake.options;
        let script = format!("{}/init/phase{}.sh", options.destination, options.phase);
        let mut words = vec![script.as_str(), &options.hostclass];
        if let Some(repo) = &self.bake.repo {
            words.extend([repo.as_str(), &self.bake_id]);
        }
        let command = shell_words::join(&words);
        tracing::info!("running {script}, bake id {}", self.bake_id);
        let mut live = Live {
            voice: self.voice,
            bake: &self.bake.image_name,
            began: self.began,
        };
        let shell = self.shell()?;
        let status = shell
            .run(self.bakery.ssh, &command, true, &mut live)
            .await?;
        match status {
            0 => Ok(()),
            status => Err(failure(&command, &self.machine()?.id, status, b"")),
        }
    }

    async fn stop(&self) -> Result<()> {
        let (machine, shell) = (self.machine()?, self.shell()?);
        let command = farewell(shell.user());
        let (settings, poll) = (self.bakery.ssh, &self.aws.poll);
        let status = shell.insist_on(settings, poll, &command, CLEARED).await?;
        // The connection usually breaks off: 255.
        machine
            .wait_stopped(self.aws, matches!(status, 0 | 255))
            .await
    }

    fn machine(&self) -> Result<&Machine> {
        self.machine.as_ref().ok_or_else(no_machine)
    }

    fn shell(&self) -> Result<&Shell> {
        self.shell.as_ref().ok_or_else(no_machine)
    }
}

/// A step before did not do what it says; none of them ends so.
fn no_machine() -> Error {
    Error::refused("the bake has no machine yet")
}

/// What the machine says when it has nothing left of the bake: nobody can log in again to look, and the status may be that of
/// the shutdown or of the connection that it breaks.
const CLEARED: &str = "keys are removed";

/// The last command on the machine. The keys that the bake came in with stay at home. What makes host keys on a new machine is
/// cloud-init; where there is none, those of the image stay. systemd makes a machine id where it finds an empty one.
fn farewell(user: &str) -> String {
    let own = match user {
        "root" => String::new(),
        user => format!(" ~{user}/.ssh/authorized_keys"),
    };
    [
        &format!("rm -f /root/.ssh/authorized_keys{own}"),
        "if command -v cloud-init >/dev/null; then rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub; fi",
        "if [ -f /etc/machine-id ]; then : > /etc/machine-id; fi",
        &format!("echo '{CLEARED}'"),
        "sync",
        "shutdown now -h",
    ]
    .join(" && ")
}

/// 32 digits in the form of a time-based UUID (version 1) with a random node.
fn new_id() -> String {
    /// Tenths of microseconds from the beginning of the Gregorian calendar to 1970.
    const GREGORIAN: u64 = 0x01b2_1dd2_1381_4000;
    let since = Duration::from_micros(Utc::now().timestamp_micros().unsigned_abs());
    let time = GREGORIAN + since.as_secs() * 10_000_000 + u64::from(since.subsec_nanos()) / 100;
    let (low, middle, high) = (
        time as u32,
        (time >> 32) as u16,
        (time >> 48) as u16 & 0xfff,
    );
    let sequence = rand::random::<u16>() & 0x3fff | 0x8000;
    let node = rand::random::<u64>() & 0xffff_ffff_ffff | 0x0100_0000_0000;
    format!("{low:08x}{middle:04x}1{high:03x}{sequence:04x}{node:012x}")
}

#[cfg(test)]
mod tests;
