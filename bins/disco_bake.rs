//! `disco_bake`: machine images.

use asiaq_cli::{Common, DryRun, Outcome, Session, Tool, run};
use asiaq_core::image::template;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Make machine images
#[derive(Debug, Parser)]
#[command(name = "disco_bake", version, infer_long_args = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the init script of a new hostclass from init/template.sh
    Create {
        /// The hostclass; begins with mhc
        #[arg(long, value_name = "HC")]
        hostclass: String,
        /// Replace a script that is there
        #[arg(long)]
        force: bool,
    },
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| match cli.command {
        Command::Create { hostclass, force } => {
            let plan = template::plan_scripts(&session.config_dir(), &hostclass, force)?;
            if cli.dry_run.dry_run {
                session.printer.plan(&plan);
            } else {
                template::write_scripts(&plan)?;
            }
            Ok(Outcome::Success)
        }
    })
}
