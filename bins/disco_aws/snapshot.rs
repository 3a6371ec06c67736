//! `disco_aws createsnapshot`: the old name of `disco_snapshot create`, which init scripts still call.

use crate::Call;
use asiaq_cli::{Failure, Outcome};
use asiaq_core::storage::{self, CreateRequest};
use clap::Args;

/// Options of `createsnapshot`.
#[derive(Debug, Args)]
pub struct CreateSnapshotArgs {
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

impl Call<'_> {
    pub async fn create_snapshot(&self, args: &CreateSnapshotArgs) -> Result<Outcome, Failure> {
        let aws = self.session.aws().await?;
        let encrypted = !args.unencrypted;
        let (config, env) = (self.config, self.env);
        let request = CreateRequest::new(config, env, &args.hostclass, args.size, encrypted)?;
        let plan = storage::plan_create(&aws, &request).await?;
        if self.dry_run {
            self.session.printer.plan(&plan);
            return Ok(Outcome::Success);
        }
        let (applied, result) = storage::apply(&aws, &plan, self.session.progress()).await;
        result?;
        if let Some(id) = applied.snapshot {
            self.session.inform(&format!("created {id}"));
        }
        Ok(Outcome::Success)
    }
}
