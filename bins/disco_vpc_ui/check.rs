//! `check`: the problems of the configuration, as data.

use asiaq_cli::{Outcome, Session};
use asiaq_core::config::check::{self, Files, Problem};
use clap::Args;

/// Which environment to check; all of them without options.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Check only the environment of this name
    #[arg(long, requires = "env_type")]
    name: Option<String>,
    /// Type of that environment
    #[arg(long = "type", value_name = "TYPE", requires = "name")]
    env_type: Option<String>,
}

/// Prints all problems, or one line that there are none. Exit 1 if `create` would refuse the configuration.
pub fn check(session: &Session, args: &CheckArgs) -> Outcome {
    let files = Files::load(&session.config_dir());
    let only = args.name.as_deref().zip(args.env_type.as_deref());
    let report = check::check(&files, only);
    if report.problems.is_empty() && !session.printer.is_json() {
        session.printer.line(&report.checked);
    } else {
        session
            .printer
            .listing(&report.problems, Problem::to_string);
    }
    if report.has_errors() {
        Outcome::Exit(1)
    } else {
        Outcome::Success
    }
}
