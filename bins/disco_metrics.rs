//! `disco_metrics`: send metrics of this host to CloudWatch.

use asiaq_cli::{Common, DryRun, Failure, Outcome, Session, Tool, run};
use asiaq_core::monitoring::host_metrics::{self, Identity, MetricRow};
use chrono::Utc;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Send metrics of this host to CloudWatch: memory, processor, disks, queues of RabbitMQ
#[derive(Debug, Parser)]
#[command(name = "disco_metrics", version, infer_long_args = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    dry_run: DryRun,
    /// Send as hostclass mhccloudwatchtest of environment desktop to us-west-2, without asking the instance
    /// metadata
    #[arg(long, global = true)]
    dummy: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure and send. With --dry-run print what would be sent (JSON keys: namespace name value unit
    /// env_hostclass)
    Upload {
        /// Wait a random number of whole seconds below this before sending, so that a fleet does not send at
        /// once
        #[arg(
            long,
            value_name = "SECONDS",
            default_value_t = 0,
            allow_negative_numbers = true
        )]
        jitter: i64,
    },
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        let Command::Upload { jitter } = cli.command;
        let identity = if cli.dummy {
            Identity::dummy()
        } else {
            Identity::of_this_host(&session.instance_metadata()?).await?
        };
        upload(session, &identity, jitter, cli.dry_run.dry_run).await?;
        Ok(Outcome::Success)
    })
}

async fn upload(
    session: &Session,
    identity: &Identity,
    jitter: i64,
    dry_run: bool,
) -> Result<(), Failure> {
    let measured = Utc::now();
    let groups = host_metrics::collect().await;
    if dry_run {
        let rows = host_metrics::rows(&groups, identity);
        session.printer.listing(&rows, MetricRow::line);
        return Ok(());
    }
    tokio::time::sleep(host_metrics::pause(jitter)).await;
    let aws = session.aws_in(&identity.region).await;
    host_metrics::send(&aws, &groups, identity, measured).await?;
    Ok(())
}
