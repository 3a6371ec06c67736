//! Remote execution over the system's ssh: who is reached how, with which options and keys, and what came back
//! (spec 40, section 9; overview, section 10). No terminal here: output goes to a [`Sink`].
//!
//! `settings`, `command`: pure, what the ssh processes are called with. `route`: direct or through a jump host. `keys`: private
//! keys from credential buckets into the agent. `run`: one process. `fleet`: one command on many hosts. `output`: theirs on one
//! stream. `login`: one machine that needs no looking for.

mod command;
mod fleet;
mod keys;
mod login;
mod output;
mod route;
mod run;
mod settings;

pub use command::{Session, argv, check_word};
pub use fleet::{FleetReport, HostResult, Parallel};
pub use login::{Login, load_keys, run_program};
pub use output::Layout;
pub use route::{JumpHost, Route, answers};
pub use run::{Finished, Sink};
pub use settings::SshSettings;

use super::Host;
use crate::aws::Aws;
use crate::config::DiscoAws;
use crate::environment::Vpc;
use crate::error::Result;
use run::Connecting;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::sync::{Mutex, OnceCell, Semaphore};

/// ssh processes that make their connection through the jump host at once. An sshd as it comes (`MaxStartups 10:30:100`) drops
/// some of those beyond ten that have not logged in yet.
const CONNECTING_AT_ONCE: usize = 8;

/// Access to the hosts of one environment by ssh. A jump host is looked for when one is needed, until one is found.
#[derive(Debug)]
pub struct Remote<'a> {
    aws: &'a Aws,
    vpc: &'a Vpc,
    config: &'a DiscoAws,
    env: &'a str,
    settings: SshSettings,
    jump: OnceLock<JumpHost>,
    /// The last look for it in vain; locked while somebody looks.
    looked: Mutex<Option<route::Look>>,
    connecting: Semaphore,
    prepared: OnceCell<()>,
}

impl<'a> Remote<'a> {
    /// Makes no call and starts no process yet.
    pub fn new(
        aws: &'a Aws,
        vpc: &'a Vpc,
        config: &'a DiscoAws,
        env: &'a str,
        settings: SshSettings,
    ) -> Self {
        Self {
            aws,
            vpc,
            config,
            env,
            settings,
            jump: OnceLock::new(),
            looked: Mutex::default(),
            connecting: Semaphore::new(CONNECTING_AT_ONCE),
            prepared: OnceCell::new(),
        }
    }

    /// Loads the private keys of these credential buckets (names) into the agent, before the first remote command. A bucket or
    /// key that cannot be read is warned about and skipped; no buckets: nothing happens and no agent is needed.
    ///
    /// # Errors
    /// There are keys, and no agent takes them.
    pub async fn load_keys(&self, buckets: &[String]) -> Result<()> {
        keys::load(self.aws, buckets).await
    }

    /// Makes what every ssh needs on this machine.
    ///
    /// # Errors
    /// The directory of the host keys cannot be used.
    pub async fn prepare(&self) -> Result<()> {
        let prepare = || async { self.settings.prepare() };
        self.prepared.get_or_try_init(prepare).await?;
        Ok(())
    }

    /// Runs a command (one string, for the remote shell) as `user` on one host; stdout and stderr merged go to `sink` as they
    /// come. With `must_reach`, a host that neither answers nor has a jump host before it is an error; otherwise ssh itself
    /// is asked (status 255).
    ///
    /// # Errors
    /// The host has no address or cannot be reached, ssh cannot be started. A status other than 0 is no error here.
    pub async fn run(
        &self,
        host: &Host,
        user: &str,
        command: &str,
        must_reach: bool,
        sink: &mut dyn Sink,
    ) -> Result<Finished> {
        let route = self.route(host, must_reach).await?;
        self.start((host, &route), user, command, None, sink).await
    }

    /// Logs in as `user` and lets the host decide what to run, for `limit` at most.
    ///
    /// # Errors
    /// See [`Self::run`]; it takes longer.
    pub async fn probe(
        &self,
        host: &Host,
        user: &str,
        limit: Duration,
        sink: &mut dyn Sink,
    ) -> Result<Finished> {
        let route = self.route(host, false).await?;
        self.start((host, &route), user, "", Some(limit), sink)
            .await
    }

    async fn start(
        &self,
        (host, route): (&Host, &Route),
        user: &str,
        command: &str,
        limit: Option<Duration>,
        sink: &mut dyn Sink,
    ) -> Result<Finished> {
        check_word("a user name", user)?;
        self.prepare().await?;
        let session = Session::Command(command);
        let argv = command::argv(&self.settings, &host.id, Some(user), route, session);
        tracing::debug!("{}: {}", host.id, shell_words::join(&argv));
        let connecting = match route {
            Route::Direct(_) => None,
            // It is never closed, so there is always a place in the end.
            Route::Jump(..) => self.connecting.acquire().await.ok(),
        };
        let connecting = connecting.map(|place| Connecting {
            place,
            until_output: !self.settings.verbose,
        });
        run::run(&argv, limit, connecting, sink).await
    }

    /// How the host is reached from here.
    ///
    /// # Errors
    /// See [`Self::run`].
    pub async fn route(&self, host: &Host, must_reach: bool) -> Result<Route> {
        route::route(self, host, must_reach).await
    }
}
