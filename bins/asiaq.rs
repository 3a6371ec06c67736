//! `asiaq`: the umbrella command: sandboxes, the configuration as a whole, backups of tables, the local cloud, and the suite
//! itself (links, completions, manual).

/// The parts, in the folder of this name.
mod asiaq {
    pub mod config;
    pub mod ddb_backup;
    pub mod dp;
    pub mod links;
    pub mod local;
    pub mod manual;
    pub mod sandbox;
    pub mod scripts;
}

use asiaq::config::Config;
use asiaq::ddb_backup::DdbBackup;
use asiaq::dp::Dp;
use asiaq::local::Local;
use asiaq::manual::{CompletionsArgs, ManArgs};
use asiaq::sandbox::SandboxArgs;
use asiaq_cli::{Common, DryRun, Session, Tool, run};
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Asiaq: environments and pipelines of hosts in AWS
#[derive(Debug, Parser)]
#[command(name = "asiaq", version, infer_long_args = true, mut_arg("debug", |debug| debug.short('d')))]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    dry_run: DryRun,
    /// Environment whose options of the configuration hold [default: $DEFAULT_ENV, else default_environment of disco_aws.ini]
    #[arg(long, visible_alias = "environment", global = true, value_name = "ENV")]
    env: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create, update or destroy a sandbox: an environment of your own with its pipeline (JSON keys of --dry-run: part
    /// sequence hostclass sign text)
    Sandbox(SandboxArgs),
    /// Look at the configuration as a whole, without AWS
    Config {
        #[command(subcommand)]
        command: Config,
    },
    /// List and delete pipelines of AWS Data Pipeline
    Dp {
        #[command(subcommand)]
        command: Dp,
    },
    /// Back up and restore DynamoDB tables with AWS Data Pipeline
    #[command(name = "ddb_backup", alias = "ddb-backup")]
    DdbBackup {
        #[command(subcommand)]
        command: DdbBackup,
    },
    /// Rehearse without an AWS account: a local endpoint on loopback
    Local {
        #[command(subcommand)]
        command: Local,
    },
    /// Link every tool under the name that old scripts call (disco_aws.py and so on), and install the scripts (disco_ssh.sh)
    LinkNames {
        /// Directory for the links, usually one on the PATH
        dir: PathBuf,
    },
    /// Print what a shell needs to complete the command lines of all tools
    Completions(CompletionsArgs),
    /// Write the manual pages of all tools
    Man(ManArgs),
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        let (env, dry_run) = (cli.env.as_deref(), cli.dry_run.dry_run);
        match cli.command {
            Command::Sandbox(args) => asiaq::sandbox::run(session, args, env, dry_run).await,
            Command::Config { command } => asiaq::config::run(session, command, env),
            Command::Dp { command } => asiaq::dp::run(session, command, env, dry_run).await,
            Command::DdbBackup { command } => {
                asiaq::ddb_backup::run(session, command, env, dry_run).await
            }
            Command::Local { command } => asiaq::local::run(session, command).await,
            Command::LinkNames { dir } => asiaq::links::link_names(session, &dir),
            Command::Completions(args) => asiaq::manual::completions(session, &args),
            Command::Man(args) => asiaq::manual::man(session, &args),
        }
    })
}
