//! `disco_aws`: provisions and manages the hosts of an environment.

/// The subcommands, in the folder of this name; one is shared with `disco_snapshot`.
mod disco_aws {
    pub mod hosts;
    pub mod pipeline;
    pub mod remote;
    #[path = "../disco_snapshot/create.rs"]
    pub mod snapshot;
    pub mod ssm;
}

use asiaq_cli::{Common, DryRun, EnvOption, Failure, Format, Outcome, Session, Tool, run};
use asiaq_core::aws::Aws;
use asiaq_core::group::Clouds;
use asiaq_core::spotinst::Spotinst;
use clap::{Parser, Subcommand};
use disco_aws::hosts::{Hosts, ListArgs, Selector, TagArgs};
use disco_aws::pipeline::{PipelineArgs, ProvisionArgs, SpinupArgs};
use disco_aws::remote::ExecArgs;
use disco_aws::snapshot::{self, CreateArgs};
use disco_aws::ssm::ExecSsmArgs;
use std::process::ExitCode;

/// Provision and manage the hosts of an environment
#[derive(Debug, Parser)]
#[command(name = "disco_aws", version, infer_long_args = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    env: EnvOption,
    #[command(flatten)]
    dry_run: DryRun,
    /// Accepted for old scripts, without effect
    #[arg(long, hide = true, global = true)]
    truncate: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create or update the group of one hostclass
    Provision(ProvisionArgs),
    /// Create or update the groups of a pipeline, sequence by sequence
    Spinup(SpinupArgs),
    /// Delete the groups of a pipeline with their hosts
    Spindown(PipelineArgs),
    /// Spindown, then spinup
    Spindownandup(PipelineArgs),
    /// List hosts; JSON has all columns: instance_id hostclass address state hostname owner instance_type ami smoketest
    /// ami_age_hours uptime_hours private_ip availability_zone productline security_group group_name
    Listhosts(ListArgs),
    /// Terminate hosts; their groups replace them
    Terminate(Selector),
    /// Stop hosts
    Stop(Selector),
    /// Run an SSM document on hosts and print its output; JSON keys: instance_id status status_details plugins
    /// (name stdout stderr exit_code)
    ExecSsm(ExecSsmArgs),
    /// Set a tag of instances, or remove it
    Tag(TagArgs),
    /// Tell whether hosts have passed their smoke tests; exit 0 only if all have; JSON keys: instance_id hostname ready failed
    /// (terminated)
    Isready(Hosts),
    /// Run a command on hosts by ssh; JSON only with --dry-run
    Exec(ExecArgs),
    /// Same as `disco_snapshot create`, for old scripts
    #[command(hide = true)]
    Createsnapshot(CreateArgs),
    /// Print an option of a hostclass as this environment sees it
    Gethostclassoption {
        /// Hostclass
        #[arg(long)]
        hostclass: String,
        /// Option
        #[arg(long)]
        option: String,
    },
    /// Share images that have been running for long enough with the production accounts
    Promoterunning {
        /// Hours that every running host of the image must have been up
        #[arg(long, default_value_t = 3)]
        hours: i64,
    },
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }

    fn formats(&self) -> &[Format] {
        match self.command {
            // Its output is that of the hosts.
            Command::Exec(_) if !self.dry_run.dry_run => &[Format::Text],
            _ => Format::USUAL,
        }
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        let (config, env) = session.environment(cli.env.env.as_deref())?;
        config.project_name()?;
        let spotinst = session.spotinst()?.client(&env)?;
        let call = Call {
            session,
            spotinst: spotinst.as_ref(),
            config: &config,
            env: &env,
            dry_run: cli.dry_run.dry_run,
            debug: cli.common.debug,
        };
        match cli.command {
            Command::Provision(args) => call.provision(args).await,
            Command::Spinup(args) => call.spinup(args).await,
            Command::Spindown(args) => call.spindown(&args).await,
            Command::Spindownandup(args) => call.spindown_and_up(&args).await,
            Command::Listhosts(args) => call.list_hosts(args).await,
            Command::Terminate(selector) => call.terminate(selector).await,
            Command::Stop(selector) => call.stop(selector).await,
            Command::ExecSsm(args) => call.exec_ssm(args).await,
            Command::Tag(args) => call.tag(args).await,
            Command::Isready(hosts) => call.is_ready(hosts).await,
            Command::Exec(args) => call.exec(args).await,
            Command::Createsnapshot(args) => {
                snapshot::create(session, &config, &env, &args, call.dry_run).await
            }
            Command::Gethostclassoption { hostclass, option } => {
                call.hostclass_option(&hostclass, &option)
            }
            Command::Promoterunning { hours } => call.promote_running(hours).await,
        }
    })
}

/// What every subcommand works with.
struct Call<'a> {
    session: &'a Session,
    config: &'a asiaq_core::config::DiscoAws,
    env: &'a str,
    spotinst: Option<&'a Spotinst>,
    dry_run: bool,
    debug: bool,
}

impl Call<'_> {
    fn clouds<'c>(&'c self, aws: &'c Aws) -> Clouds<'c> {
        Clouds {
            aws,
            spotinst: self.spotinst,
        }
    }

    fn hostclass_option(&self, hostclass: &str, option: &str) -> Result<Outcome, Failure> {
        let found = self.config.hostclass_option(hostclass, option, self.env)?;
        self.session.printer.line(found.map_or_else(
            || format!("Hostclass {hostclass} doesn't have option {option}."),
            |found| found.value,
        ));
        Ok(Outcome::Success)
    }
}
