//! `asiaq ddb_backup`: backups of DynamoDB tables.

use asiaq_cli::{Failure, Outcome, Session};
use asiaq_core::aws::Aws;
use asiaq_core::datapipeline::{self, Backup, Backups, JobOptions, PipelineAction};
use asiaq_core::network::MetaNetwork;
use asiaq_core::plan::Plan;
use clap::{Args, Subcommand};

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum DdbBackup {
    /// Make the bucket for backups, unless it is there
    Init,
    /// List the backups of a table: their directories (JSON keys: name environment table location)
    List {
        /// The table, without _ENV
        #[arg(value_parser = datapipeline::table)]
        table: String,
    },
    /// Back up a table periodically: find or make its pipeline, and activate it
    Backup {
        #[command(flatten)]
        job: JobArgs,
        /// Time between backups: N minutes|hours|days|weeks|months [default: what the template says]
        #[arg(long = "backup_period", alias = "backup-period", value_name = "PERIOD", value_parser = datapipeline::period)]
        backup_period: Option<String>,
    },
    /// Restore a table from a backup: find or make its pipeline, and activate it
    Restore {
        #[command(flatten)]
        job: JobArgs,
        /// Directory of the backup [default: the last one that `list` shows]
        #[arg(long, value_name = "DIR", value_parser = datapipeline::directory)]
        from: Option<String>,
    },
}

/// What `backup` and `restore` share.
#[derive(Debug, Args)]
pub struct JobArgs {
    /// The table, without _ENV
    #[arg(value_parser = datapipeline::table)]
    table: String,
    /// Replace the definition of a pipeline that exists by the template's
    #[arg(long, alias = "force_reload")]
    force_reload: bool,
    /// Metanetwork in which the pipeline's machines run
    #[arg(long, value_name = "NET")]
    metanetwork: Option<MetaNetwork>,
}

impl JobArgs {
    fn options(&self) -> JobOptions {
        JobOptions {
            force_reload: self.force_reload,
            metanetwork: self.metanetwork,
        }
    }
}

/// Runs a subcommand.
pub async fn run(
    session: &Session,
    command: DdbBackup,
    env: Option<&str>,
    dry_run: bool,
) -> Result<Outcome, Failure> {
    let (config, env) = session.environment(env)?;
    let aws = session.aws().await?;
    let backups = Backups::new(&aws, &config, &env)?;
    let dir = session.config_dir();
    let planned = match command {
        DdbBackup::List { table } => {
            let found = backups.list(&table).await?;
            let name = |backup: &Backup| backup.name.clone();
            session.printer.listing(&found, name);
            return Ok(Outcome::Success);
        }
        DdbBackup::Init => {
            let plan = backups.plan_init().await?;
            if !plan.is_empty() && !dry_run {
                session.inform(&format!("Creating bucket {}", backups.bucket()));
            }
            return carry_out(session, &aws, &plan, dry_run).await;
        }
        DdbBackup::Backup { job, backup_period } => {
            let period = backup_period.as_deref();
            let options = job.options();
            backups
                .plan_backup(&dir, &job.table, period, &options)
                .await?
        }
        DdbBackup::Restore { job, from } => {
            let options = job.options();
            backups
                .plan_restore(&dir, &job.table, from.as_deref(), &options)
                .await?
        }
    };
    session.warn(&planned.warnings);
    carry_out(session, &aws, &planned.plan, dry_run).await
}

async fn carry_out(
    session: &Session,
    aws: &Aws,
    plan: &Plan<PipelineAction>,
    dry_run: bool,
) -> Result<Outcome, Failure> {
    if dry_run {
        session.printer.plan(plan);
    } else {
        datapipeline::apply(aws, plan, session.progress()).await?;
    }
    Ok(Outcome::Success)
}
