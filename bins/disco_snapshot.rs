//! `disco_snapshot`: makes, lists, captures, updates and deletes snapshots of hostclasses.

/// The subcommands that make snapshots, in the folder of this name.
mod disco_snapshot {
    pub mod capture;
    pub mod create;
}

use asiaq_cli::{
    Common, DryRun, EnvOption, Failure, Format, Outcome, Session, Tool, key_value, run,
};
use asiaq_core::aws::Aws;
use asiaq_core::config::DiscoAws;
use asiaq_core::group::{self, Clouds};
use asiaq_core::plan::{Plan, Yields};
use asiaq_core::storage::{self, Planned, SnapshotAction, SnapshotRecord};
use clap::{Parser, Subcommand};
use disco_snapshot::capture::CaptureArgs;
use disco_snapshot::create::{CreateArgs, create};
use std::process::ExitCode;

/// Make, list, capture, update and delete snapshots of hostclasses. With --volume-id and no subcommand: capture
#[derive(Debug, Parser)]
#[command(
    name = "disco_snapshot",
    version,
    infer_long_args = true,
    subcommand_negates_reqs = true
)]
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
    /// Take a snapshot of this volume (same as capture --volume-id)
    #[arg(long, value_name = "ID", required = true)]
    volume_id: Option<String>,
    /// Another tag of that snapshot (repeatable)
    #[arg(long, value_name = "KEY:VALUE", value_parser = key_value, requires = "volume_id")]
    tag: Vec<(String, String)>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the first snapshot of a hostclass: of an empty, unformatted volume
    Create(CreateArgs),
    /// List snapshots: hostclass, id, status, start time, GB (JSON keys: hostclass id status start_time size env productline
    /// description encrypted volume_id tags)
    List {
        /// Only those of this hostclass (repeatable)
        #[arg(long)]
        hostclass: Vec<String>,
    },
    /// Delete all but the newest snapshots of each hostclass; one that new hosts of a group start from stays
    Cleanup {
        /// How many stay
        #[arg(long, default_value_t = 3, allow_negative_numbers = true)]
        keep: i64,
    },
    /// Delete snapshots; refused if new hosts of a group start from one
    Delete {
        /// Snapshot id (repeatable)
        #[arg(long, required = true, value_name = "ID")]
        snapshot: Vec<String>,
    },
    /// Take a snapshot of an attached volume, or let hosts take one of their own disk
    Capture(CaptureArgs),
    /// Let new hosts of a hostclass's group start from its latest snapshot
    Update {
        /// The hostclass
        #[arg(long)]
        hostclass: String,
        /// This snapshot instead of the latest one
        #[arg(long, value_name = "ID")]
        snapshot_id: Option<String>,
    },
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }

    /// What a capture prints while it works is text.
    fn formats(&self) -> &[Format] {
        match self.command {
            Some(Command::Capture(_)) | None if !self.dry_run.dry_run => &[Format::Text],
            _ => Format::USUAL,
        }
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        let call = Call {
            session,
            env: cli.env.env.as_deref(),
            dry_run: cli.dry_run.dry_run,
        };
        match (cli.command, cli.volume_id) {
            (Some(_), Some(_)) => Err(Failure::new(
                "--volume-id before the subcommand is for capture without a subcommand\n\n\
                 Usage: disco_snapshot --volume-id ID [--tag KEY:VALUE], or disco_snapshot COMMAND",
            )
            .with_code(2)),
            (None, volume) => {
                call.capture_volume(volume.as_deref().unwrap_or_default(), &cli.tag)
                    .await
            }
            (Some(Command::Create(args)), None) => call.create(&args).await,
            (Some(Command::List { hostclass }), None) => call.list(&hostclass).await,
            (Some(Command::Cleanup { keep }), None) => call.cleanup(keep).await,
            (Some(Command::Delete { snapshot }), None) => call.delete(&snapshot).await,
            (Some(Command::Capture(args)), None) => call.capture(args, cli.common.debug).await,
            (
                Some(Command::Update {
                    hostclass,
                    snapshot_id,
                }),
                None,
            ) => call.update(&hostclass, snapshot_id.as_deref()).await,
        }
    })
}

/// What every subcommand works with. The configuration is read by those that need an environment.
struct Call<'a> {
    session: &'a Session,
    env: Option<&'a str>,
    dry_run: bool,
}

impl Call<'_> {
    fn environment(&self) -> Result<(DiscoAws, String), Failure> {
        self.session.environment(self.env)
    }

    /// Shows the plan, or applies it; gives the snapshot that it made.
    async fn carry_out(
        &self,
        aws: &Aws,
        plan: &Plan<SnapshotAction>,
    ) -> Result<Option<String>, Failure> {
        if self.dry_run {
            self.session.printer.plan(plan);
            return Ok(None);
        }
        let (applied, result) = storage::apply(aws, plan, self.session.progress()).await;
        result?;
        Ok(applied.snapshot)
    }

    async fn create(&self, args: &CreateArgs) -> Result<Outcome, Failure> {
        let (config, env) = self.environment()?;
        create(self.session, &config, &env, args, self.dry_run).await
    }

    async fn list(&self, hostclasses: &[String]) -> Result<Outcome, Failure> {
        let (_, env) = self.environment()?;
        let found = storage::list(&self.session.aws().await?, &env, hostclasses).await?;
        self.session.printer.listing(&found, SnapshotRecord::line);
        Ok(Outcome::Success)
    }

    async fn cleanup(&self, keep: i64) -> Result<Outcome, Failure> {
        let (_, env) = self.environment()?;
        let aws = self.session.aws().await?;
        let spotinst = self.session.spotinst()?.client(&env)?;
        let clouds = Clouds {
            aws: &aws,
            spotinst: spotinst.as_ref(),
        };
        let planned = storage::plan_cleanup(clouds, &env, keep).await?;
        self.delete_planned(&aws, planned).await
    }

    async fn delete(&self, ids: &[String]) -> Result<Outcome, Failure> {
        let (_, env) = self.environment()?;
        let aws = self.session.aws().await?;
        let spotinst = self.session.spotinst()?.client(&env)?;
        let clouds = Clouds {
            aws: &aws,
            spotinst: spotinst.as_ref(),
        };
        let planned = storage::plan_delete(clouds, &env, ids).await?;
        self.delete_planned(&aws, planned).await
    }

    async fn delete_planned(&self, aws: &Aws, planned: Planned) -> Result<Outcome, Failure> {
        self.session.warn(&planned.warnings);
        self.carry_out(aws, &planned.plan).await?;
        Ok(Outcome::Success)
    }

    async fn update(&self, hostclass: &str, snapshot: Option<&str>) -> Result<Outcome, Failure> {
        let (_, env) = self.environment()?;
        let aws = self.session.aws().await?;
        let spotinst = self.session.spotinst()?.client(&env)?;
        let clouds = Clouds {
            aws: &aws,
            spotinst: spotinst.as_ref(),
        };
        let plan = storage::plan_update(clouds, &env, hostclass, snapshot).await?;
        if self.dry_run {
            self.session.printer.plan(&plan);
            return Ok(Outcome::Success);
        }
        let progress = self.session.progress();
        let executor = group::executor(clouds, progress, &Yields::default());
        let applied = plan.apply(&executor, progress).await;
        applied.map_err(asiaq_core::Error::from)?;
        Ok(Outcome::Success)
    }
}
