//! `asiaq_sandbox`: `asiaq sandbox` as a command of its own.

/// The part that it shares with `asiaq`.
mod asiaq {
    pub mod sandbox;
}

use asiaq::sandbox::SandboxArgs;
use asiaq_cli::{Common, DryRun, Session, Tool, run};
use clap::Parser;
use std::process::ExitCode;

/// Create, update or destroy a sandbox: an environment of your own with its pipeline (JSON keys of --dry-run: part sequence
/// hostclass sign text)
#[derive(Debug, Parser)]
#[command(name = "asiaq_sandbox", version, infer_long_args = true, mut_arg("debug", |debug| debug.short('d')))]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    dry_run: DryRun,
    /// Environment whose options of the configuration hold [default: $DEFAULT_ENV, else default_environment of disco_aws.ini]
    #[arg(long, visible_alias = "environment", value_name = "ENV")]
    env: Option<String>,
    #[command(flatten)]
    sandbox: SandboxArgs,
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        let (env, dry_run) = (cli.env.as_deref(), cli.dry_run.dry_run);
        asiaq::sandbox::run(session, cli.sandbox, env, dry_run).await
    })
}
