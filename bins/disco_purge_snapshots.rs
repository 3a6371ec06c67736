//! `disco_purge_snapshots`: deletes snapshots that nobody needs any more, of the whole account in the region.

use asiaq_cli::{Common, DryRun, Failure, Format, Outcome, Session, Tool, run};
use asiaq_core::storage;
use asiaq_core::storage::purge::{Options, Rules};
use clap::Parser;
use std::process::ExitCode;

/// Delete snapshots that nobody needs any more. Without any rule: --stray-ami --no-metadata --keep-days 100 --keep-num 5.
/// What an image, launch template, launch configuration or Elastigroup needs always stays
#[derive(Debug, Parser)]
#[command(name = "disco_purge_snapshots", version, infer_long_args = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    dry_run: DryRun,
    /// Delete snapshots of images that are not registered any more
    #[arg(long)]
    stray_ami: bool,
    /// Delete snapshots without description and tags
    #[arg(long)]
    no_metadata: bool,
    /// Deprecated: same as --keep-days 100
    #[arg(long)]
    old: bool,
    /// Delete snapshots that are older than so many days and not of an image
    #[arg(long, value_name = "DAYS")]
    keep_days: Option<u32>,
    /// Keep the newest snapshots of each hostclass in each environment, whatever the other rules say
    #[arg(long, value_name = "NUM", allow_negative_numbers = true)]
    keep_num: Option<i64>,
    /// Of each hostclass, environment and day before yesterday or earlier (UTC), delete all but the newest snapshots
    #[arg(long, value_name = "NUM")]
    max_per_day: Option<u32>,
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }

    /// What a purge prints while it works is text.
    fn formats(&self) -> &[Format] {
        if self.dry_run.dry_run {
            Format::USUAL
        } else {
            &[Format::Text]
        }
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        let rules = Rules::new(Options {
            stray_ami: cli.stray_ami,
            no_metadata: cli.no_metadata,
            old: cli.old,
            keep_days: cli.keep_days,
            keep_num: cli.keep_num,
            max_per_day: cli.max_per_day,
        })?;
        purge(session, rules, cli.dry_run.dry_run).await
    })
}

async fn purge(session: &Session, rules: Rules, dry_run: bool) -> Result<Outcome, Failure> {
    let aws = session.aws().await?;
    let spotinst = session.spotinst()?.clients()?;
    let (selection, plan) = storage::plan_purge(&aws, &spotinst, rules).await?;
    session.warn(&selection.in_use);
    let printer = &session.printer;
    if dry_run && printer.is_json() {
        printer.plan(&plan);
        return Ok(Outcome::Success);
    }
    selection.lines.iter().for_each(|line| printer.line(line));
    if dry_run {
        for id in &selection.purge {
            printer.line(format!("Would purge snapshot: {id}"));
        }
        return Ok(Outcome::Success);
    }
    let (applied, result) = storage::apply(&aws, &plan, session.progress()).await;
    for id in selection
        .purge
        .iter()
        .filter(|id| applied.refused.contains(*id))
    {
        printer.line(format!("Failed to purge snapshot: {id}"));
    }
    result?;
    Ok(Outcome::Success)
}
