//! `asiaq config`: the configuration as a whole, without AWS.

use asiaq_cli::{Failure, Outcome, Session, key_and_value};
use asiaq_core::config::check::Problem;
use asiaq_core::lint::{self, lookup};
use clap::{Args, Subcommand};

/// Subcommands of `asiaq config`.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Check everything in the configuration directory: all ini files, pipelines, IAM, documents, and what they refer to.
    /// Exits 1 if there is any problem. JSON: file, line, section, key, severity (error or warning), problem, hint
    Check(CheckArgs),
    /// Print the value of an option of disco_aws.ini: KEY@ENV of the section, KEY, then default_KEY@ENV and default_KEY of
    /// [disco_aws]. JSON: value, file, line, section, key, step
    #[command(override_usage = "asiaq config get [OPTIONS] [SECTION] <OPTION>")]
    Get(GetArgs),
    /// List the sections of an ini file. JSON: section, file, line
    Sections(SectionsArgs),
}

/// Options of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Exit 0 if there are only warnings; they are shown all the same
    #[arg(long)]
    allow_warnings: bool,
}

/// Options of `get`.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// Section [default: disco_aws], and option; or the option alone
    #[arg(value_name = "SECTION OPTION", required = true)]
    first: String,
    /// The option, if the first word is the section
    #[arg(hide = true, conflicts_with_all = ["hostclass", "section"])]
    second: Option<String>,
    /// Hostclass whose option it is
    #[arg(long, conflicts_with = "section")]
    hostclass: Option<String>,
    /// Section whose option it is
    #[arg(long)]
    section: Option<String>,
}

/// Options of `sections`.
#[derive(Debug, Args)]
pub struct SectionsArgs {
    /// Only sections whose option has this value; repeatable, then all must hold
    #[arg(long = "where", value_name = "KEY=VALUE", value_parser = key_and_value)]
    wanted: Vec<(String, String)>,
    /// The ini file
    #[arg(long, default_value = "disco_aws.ini")]
    file: String,
}

/// Runs a subcommand.
pub fn run(session: &Session, command: Config, env: Option<&str>) -> Result<Outcome, Failure> {
    match command {
        Config::Check(args) => Ok(check(session, &args)),
        Config::Get(args) => get(session, args, env),
        Config::Sections(args) => {
            let ini = session.config_dir().ini(&args.file)?;
            let found = lookup::sections(&ini, &args.wanted)?;
            session.printer.listing(&found, |own| own.section.clone());
            Ok(Outcome::Success)
        }
    }
}

fn check(session: &Session, args: &CheckArgs) -> Outcome {
    let report = lint::check(&session.config_dir());
    if report.problems.is_empty() && !session.printer.is_json() {
        session.printer.line(&report.checked);
    } else {
        session
            .printer
            .listing(&report.problems, Problem::to_string);
    }
    let fine = report.problems.is_empty() || (args.allow_warnings && !report.has_errors());
    if fine {
        Outcome::Success
    } else {
        Outcome::Exit(1)
    }
}

fn get(session: &Session, args: GetArgs, env: Option<&str>) -> Result<Outcome, Failure> {
    let (section, key) = match args.second {
        Some(option) => (args.first, option),
        None => {
            let section = args.hostclass.or(args.section);
            (
                section.unwrap_or_else(|| "disco_aws".to_owned()),
                args.first,
            )
        }
    };
    let aws = session.disco_aws()?;
    // Without forms for environments it does not matter which one it is, and there need not be any.
    let env = match aws.differs_by_environment(&section, &key) {
        true => session.environment(env)?.1,
        false => env.unwrap_or_default().to_owned(),
    };
    let found = aws.explain(&section, &key, &env)?;
    if session.printer.is_json() {
        session.printer.json(&found);
    } else {
        session.printer.line(&found.value);
    }
    Ok(Outcome::Success)
}
