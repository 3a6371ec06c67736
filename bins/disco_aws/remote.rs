//! `disco_aws`: the subcommands that may reach hosts by ssh.

use crate::Call;
use crate::disco_aws::hosts::{Hosts, Selector};
use asiaq_cli::{Failure, Outcome};
use asiaq_core::aws::Aws;
use asiaq_core::credentials::credential_buckets;
use asiaq_core::environment::Vpc;
use asiaq_core::host::remote::{FleetReport, Layout, Parallel, Remote, SshSettings};
use asiaq_core::host::{self, Host, HostRow, Readiness, Smoke};
use asiaq_core::names::tag;
use chrono::Utc;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde::Serialize;
use std::io::{ErrorKind, IsTerminal};

/// Exit code of a program whose reader went away.
const BROKEN_PIPE: u8 = 141;

/// Options of `exec`.
#[derive(Debug, Args)]
pub struct ExecArgs {
    #[command(flatten)]
    selector: Selector,
    /// Command for the remote shell
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    command: String,
    /// User to log in as
    #[arg(long)]
    user: String,
    /// Run on several hosts at once
    #[arg(long)]
    concurrent: bool,
    /// At most so many hosts at once
    #[arg(long, value_name = "N", default_value_t = 100, requires = "concurrent", value_parser = clap::value_parser!(u16).range(1..))]
    parallel: u16,
}

/// One host in the JSON of `isready`.
#[derive(Debug, Serialize)]
struct ReadyRow {
    instance_id: String,
    hostname: Option<String>,
    ready: bool,
    failed: bool,
}

impl ReadyRow {
    fn new((host, readiness): (&Host, &Readiness)) -> Self {
        Self {
            instance_id: host.id.clone(),
            hostname: host.tag(tag::HOSTNAME).map(str::to_owned),
            ready: *readiness == Readiness::Ready,
            failed: *readiness == Readiness::Failed,
        }
    }
}

impl Call<'_> {
    pub async fn exec(&self, args: ExecArgs) -> Result<Outcome, Failure> {
        let (aws, vpc) = self.vpc().await?;
        let selected = host::select(&aws, &vpc.id, &args.selector.into()).await?;
        if selected.is_empty() {
            return Ok(Outcome::Success);
        }
        let (hosts, gone) = host::split_gone(selected);
        if !gone.is_empty() {
            self.session
                .warn(&[format!("skipped: {}", gone.join(", "))]);
        }
        if hosts.is_empty() {
            return Err(Failure::new(
                "every selected host is terminated or shutting down",
            ));
        }
        if self.dry_run {
            let rows = host::rows(hosts, &Default::default(), Utc::now());
            let columns = Default::default();
            let printer = &self.session.printer;
            printer.listing(&rows, |row: &HostRow| row.line(columns));
            return Ok(Outcome::Success);
        }
        let remote = self.remote(&aws, &vpc).await?;
        let parallel = match args.concurrent {
            true => Parallel::Bounded(args.parallel.into()),
            false => Parallel::Serial,
        };
        let out = std::io::stdout();
        let layout = match hosts.len() > 1 && out.is_terminal() {
            true => Layout::Prefixed,
            false => Layout::Whole,
        };
        let (user, command) = (&args.user, &args.command);
        let report = remote.run_on_all(&hosts, user, command, parallel, (layout, out));
        ended(report.await?, parallel, self.debug)
    }

    pub async fn is_ready(&self, hosts: Hosts) -> Result<Outcome, Failure> {
        let (aws, vpc) = self.vpc().await?;
        let hosts = host::select(&aws, &vpc.id, &hosts.into()).await?;
        let printer = &self.session.printer;
        let json = printer.is_json();
        if hosts.is_empty() && !json {
            printer.line("No instances found");
        }
        let directory = self.session.config_dir();
        let (config, env) = (self.config, self.env);
        let (remote, buckets) = match self.smoke_ssh()? {
            None => (None, Vec::new()),
            Some(ssh) => (
                Some(Remote::new(&aws, &vpc, config, env, ssh)),
                credential_buckets(&directory, config, &vpc, aws.region())?,
            ),
        };
        let ssh = remote.as_ref().map(|remote| (remote, buckets.as_slice()));
        let tell = |host: &Host, readiness: Option<Readiness>| {
            if json {
                return;
            }
            let name = format!("{} {}", host.tag(tag::HOSTNAME).unwrap_or("None"), host.id);
            printer.line(match readiness {
                None => format!("Checking {name}..."),
                Some(Readiness::Ready) => format!("...{name} is ready"),
                Some(Readiness::Failed) => format!("..{name} failed smoke test"),
                Some(Readiness::NotReady) => format!("...{name} is NOT ready"),
            });
        };
        let checked = Smoke::new(config, env, ssh).check(&hosts, tell).await?;
        if json {
            let rows: Vec<ReadyRow> = hosts.iter().zip(&checked).map(ReadyRow::new).collect();
            printer.json(&rows);
        }
        let all_ready = checked.iter().all(|is| *is == Readiness::Ready);
        Ok(if all_ready {
            Outcome::Success
        } else {
            Outcome::Exit(1)
        })
    }

    /// Options of ssh, if hosts are smoke tested by it.
    pub fn smoke_ssh(&self) -> Result<Option<SshSettings>, Failure> {
        let by_ssh = self.config.any_smoke_test_by_ssh(self.env)?;
        by_ssh
            .then(|| self.session.ssh_settings(self.debug))
            .transpose()
    }

    /// Access to the hosts of the environment, with the keys of its credential buckets in the agent.
    async fn remote<'r>(&'r self, aws: &'r Aws, vpc: &'r Vpc) -> Result<Remote<'r>, Failure> {
        let directory = self.session.config_dir();
        let buckets = credential_buckets(&directory, self.config, vpc, aws.region())?;
        let settings = self.session.ssh_settings(self.debug)?;
        let remote = Remote::new(aws, vpc, self.config, self.env, settings);
        remote.load_keys(&buckets).await?;
        Ok(remote)
    }
}

/// Reports what failed, and exits as the remote commands did.
fn ended(report: FleetReport, parallel: Parallel, debug: bool) -> Result<Outcome, Failure> {
    if let Some(error) = report.lost_output {
        return match error.kind() {
            ErrorKind::BrokenPipe => Ok(Outcome::Exit(BROKEN_PIPE)),
            _ => Err(Failure::new(format!("cannot write to stdout: {error}"))),
        };
    }
    match report.failures() {
        None => Ok(Outcome::Success),
        Some(text) => {
            let code = u8::try_from(report.status(parallel)).unwrap_or(u8::MAX);
            let hint = (report.ssh_failed() && !debug)
                .then(|| "`--debug` shows what ssh itself has to say".to_owned());
            Err(Failure::new(text).with_code(code).with_hint(hint))
        }
    }
}
