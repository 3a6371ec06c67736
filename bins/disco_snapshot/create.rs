//! Making the first snapshot of a hostclass: `disco_snapshot create`, and `disco_aws createsnapshot` for old scripts.

use asiaq_cli::{Failure, Outcome, Session};
use asiaq_core::config::DiscoAws;
use asiaq_core::storage::{self, CreateRequest};
use clap::Args;

/// Options of both.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Size in GB
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..=65_536))]
    size: i32,
    /// The hostclass
    #[arg(long)]
    hostclass: String,
    /// Do not encrypt
    #[arg(long)]
    unencrypted: bool,
}

/// Plans it, and shows the plan or applies it.
pub async fn create(
    session: &Session,
    config: &DiscoAws,
    env: &str,
    args: &CreateArgs,
    dry_run: bool,
) -> Result<Outcome, Failure> {
    let encrypted = !args.unencrypted;
    let request = CreateRequest::new(config, env, &args.hostclass, args.size, encrypted)?;
    let aws = session.aws().await?;
    let plan = storage::plan_create(&aws, &request).await?;
    if dry_run {
        session.printer.plan(&plan);
        return Ok(Outcome::Success);
    }
    let (applied, result) = storage::apply(&aws, &plan, session.progress()).await;
    result?;
    if let Some(id) = applied.snapshot {
        session.inform(&format!("created {id}"));
    }
    Ok(Outcome::Success)
}
