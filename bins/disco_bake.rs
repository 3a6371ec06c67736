//! `disco_bake`: machine images.

#[path = "disco_bake/bake.rs"]
mod bake;
#[path = "disco_bake/fleet.rs"]
mod fleet;
#[path = "disco_bake/images.rs"]
mod images;

use asiaq_cli::{Common, DryRun, Outcome, Session, Tool, run};
use asiaq_core::image::template;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Make machine images, and manage them
#[derive(Debug, Parser)]
#[command(name = "disco_bake", version, infer_long_args = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    dry_run: DryRun,
    /// Has no effect; known from old scripts
    #[arg(long, hide = true, global = true)]
    truncate: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bake images
    Bake(bake::BakeArgs),
    /// Remove what interrupted bakes have left behind: machines, their volumes, images that failed
    Cleanup(bake::CleanupArgs),
    /// Make the init script of a new hostclass from init/template.sh
    Create {
        /// The hostclass; begins with mhc
        #[arg(long, value_name = "HC")]
        hostclass: String,
        /// Replace a script that is there
        #[arg(long)]
        force: bool,
    },
    #[command(flatten)]
    Images(images::Images),
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        let dry_run = cli.dry_run.dry_run;
        if cli.truncate {
            session.inform("--truncate has no effect");
        }
        match cli.command {
            Command::Bake(args) => bake::bake(session, &args, dry_run).await,
            Command::Cleanup(args) => bake::cleanup(session, &args, dry_run).await,
            Command::Images(command) => images::run(session, command, dry_run).await,
            Command::Create { hostclass, force } => {
                let plan = template::plan_scripts(&session.config_dir(), &hostclass, force)?;
                if dry_run {
                    session.printer.plan(&plan);
                } else {
                    template::write_scripts(&plan)?;
                }
                Ok(Outcome::Success)
            }
        }
    })
}
