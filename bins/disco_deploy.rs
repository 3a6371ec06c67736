//! `disco_deploy`: tests new images and brings them into service.

#[path = "disco_deploy/arguments.rs"]
mod arguments;
#[path = "disco_deploy/deploying.rs"]
mod deploying;

use arguments::{Choice, Lists};
use asiaq_cli::{Common, DryRun, Format, Outcome, Session, Tool, run};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Test new images and bring them into service. Options may stand before or after the subcommand
#[derive(Debug, Parser)]
#[command(name = "disco_deploy", version, infer_long_args = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    lists: Lists,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Command {
    /// Deploy one untested image that is newer than what is tested (drawn at random) and mark it as tested or failed. Exit 0
    /// also if there is nothing to deploy
    Test,
    /// Deploy one tested image that is newer than what runs (drawn at random); --environment is required
    Update,
    /// List images: id, hostclass, integration test. JSON keys: ami_id hostclass integration_test name stage created
    List,
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }

    fn formats(&self) -> &[Format] {
        match self.command {
            // Their output is that of tests.
            Command::Test | Command::Update if !self.dry_run.dry_run => &[Format::Text],
            _ => Format::USUAL,
        }
    }

    fn conflict(&self) -> Option<String> {
        match self.command {
            Command::Test => self.lists.refused().or_else(|| self.choice.lacks(false)),
            Command::Update => self.lists.refused().or_else(|| self.choice.lacks(true)),
            Command::List => self.lists.conflict(&self.choice),
        }
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        let (config, env) = session.environment(cli.choice.environment.as_deref())?;
        let call = deploying::Call {
            session,
            config: &config,
            env: &env,
            dry_run: cli.dry_run.dry_run,
            debug: cli.common.debug,
        };
        match (cli.command, cli.lists.kind()) {
            (Command::Test, _) => call.deploy(cli.choice, false).await,
            (Command::Update, _) => call.deploy(cli.choice, true).await,
            (Command::List, Some(list)) => call.list(cli.choice, list).await,
            // The command line was refused before.
            (Command::List, None) => Ok(Outcome::Success),
        }
    })
}
