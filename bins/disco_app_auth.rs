//! `disco_app_auth`: tokens of applications.

use asiaq_cli::{BucketOption, Common, DryRun, Failure, Outcome, Session, Tool, run};
use asiaq_core::bucket::Bucket;
use asiaq_core::credentials::app_auth;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Keep the tokens of applications in a credential bucket
#[derive(Debug, Parser)]
#[command(name = "disco_app_auth", version, infer_long_args = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    bucket: BucketOption,
    #[command(flatten)]
    dry_run: DryRun,
    /// Directory that holds app_auth/ENV/ [default: the configuration directory]
    #[arg(long, global = true, value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Upload the tokens of an environment, and files `passwd` with their digests. A file that says GENERATE_WHEN_EMPTY
    /// or ALWAYS_GENERATE stands for a random token
    Update {
        /// Generate tokens of GENERATE_WHEN_EMPTY anew
        #[arg(long)]
        force: bool,
    },
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }

    fn conflict(&self) -> Option<String> {
        self.bucket.conflict()
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        let Command::Update { force } = cli.command;
        update(&cli, session, force).await
    })
}

async fn update(cli: &Cli, session: &Session, force: bool) -> Result<Outcome, Failure> {
    let aws = session.aws().await?;
    let name = session.credential_bucket(&aws, &cli.bucket).await?;
    let given = cli.bucket.env.as_deref().filter(|env| !env.is_empty());
    let env = given.unwrap_or_else(|| app_auth::environment_of(&name));
    let directory = match &cli.directory {
        Some(directory) => directory.clone(),
        None => session.config_dir().root().to_owned(),
    };
    let tree = app_auth::read(&directory, env)?;
    session.warn(tree.warnings());
    session.inform(&format!("Updating {env} Env {name} Bucket"));
    let bucket = Bucket::new(&aws, &name);
    let plan = app_auth::plan(&bucket, &tree, force).await?;
    if cli.dry_run.dry_run {
        session.printer.plan(&plan);
    } else {
        app_auth::apply(&bucket, &plan, session.progress()).await?;
    }
    Ok(Outcome::Success)
}
