//! Options of `disco_deploy`. All of them are taken before and after the subcommand, so what a subcommand needs or refuses is
//! said here and not by clap.

use asiaq_core::config::is_truthy;
use asiaq_core::deploy::choose::{Kind, Selection};
use clap::Args;
use clap::builder::NonEmptyStringValueParser as Filled;
use std::path::PathBuf;

/// Options that say what is deployed or listed.
#[derive(Debug, Args)]
pub struct Choice {
    /// Pipeline: a CSV file of hostclasses; required but for most lists
    #[arg(long, global = true, value_name = "FILE")]
    pub pipeline: Option<PathBuf>,
    /// Environment (VPC) to deploy to [default: $DEFAULT_ENV, else default_environment of disco_aws.ini]
    #[arg(long, global = true, value_name = "ENV", visible_alias = "env", value_parser = Filled::new())]
    pub environment: Option<String>,
    /// Take this image, whatever its stage
    #[arg(long, global = true, value_name = "AMI", value_parser = Filled::new())]
    ami: Option<String>,
    /// Take an image of this hostclass, even if the pipeline lacks it
    #[arg(long, global = true, value_name = "HC", value_parser = Filled::new())]
    hostclass: Option<String>,
    /// Take images of hostclasses that the pipeline lacks as well
    #[arg(long, global = true)]
    allow_any_hostclass: bool,
    /// blue_green or rolling [default: deployment_strategy of the hostclass, else blue_green]
    #[arg(long, global = true, value_name = "STRATEGY", value_parser = Filled::new())]
    pub strategy: Option<String>,
    /// Change ticket that is asked, and told how it went
    #[arg(long, global = true, value_name = "TICKET", value_parser = Filled::new())]
    pub ticket: Option<String>,
    /// Whether the new group may replace the old one [default: as the pipeline says]
    #[arg(long, global = true, value_name = "YES|NO")]
    deployable: Option<String>,
}

impl Choice {
    /// Among which images to choose.
    pub fn selection(&self) -> Selection {
        Selection {
            ami: self.ami.clone(),
            hostclass: self.hostclass.clone(),
            any_hostclass: self.allow_any_hostclass,
        }
    }

    /// `--deployable`: whatever does not mean yes means no.
    pub fn deployable(&self) -> Option<bool> {
        self.deployable.as_deref().map(is_truthy)
    }

    /// Which required options are missing.
    pub fn lacks(&self, needs_environment: bool) -> Option<String> {
        let needed = [
            ("--pipeline <FILE>", self.pipeline.is_none()),
            (
                "--environment <ENV>",
                needs_environment && self.environment.is_none(),
            ),
        ];
        let missing = needed.iter().filter(|(_, is_missing)| *is_missing);
        let missing: Vec<&str> = missing.map(|(option, _)| *option).collect();
        (!missing.is_empty()).then(|| {
            format!(
                "the following required arguments were not provided:\n  {}",
                missing.join("\n  ")
            )
        })
    }
}

/// The kinds of `list`.
#[derive(Debug, Args)]
#[command(next_help_heading = "For list, exactly one of")]
pub struct Lists {
    /// The latest tested image of each hostclass
    #[arg(long, global = true)]
    tested: bool,
    /// The latest untested image of each hostclass
    #[arg(long, global = true)]
    untested: bool,
    /// The latest failed image of each hostclass
    #[arg(long, global = true)]
    failed: bool,
    /// Failed images that are newer than what is tested; exit 1 if there are any
    #[arg(long, global = true)]
    failures: bool,
    /// What `test` chooses from
    #[arg(long, global = true)]
    testable: bool,
    /// What `update` chooses from; needs --pipeline and --environment
    #[arg(long, global = true)]
    updatable: bool,
}

impl Lists {
    fn given(&self) -> Vec<(&'static str, Kind)> {
        let all = [
            ("--tested", self.tested, Kind::Tested),
            ("--untested", self.untested, Kind::Untested),
            ("--failed", self.failed, Kind::Failed),
            ("--failures", self.failures, Kind::Failures),
            ("--testable", self.testable, Kind::Testable),
            ("--updatable", self.updatable, Kind::Updatable),
        ];
        let given = all.into_iter().filter(|(_, is_given, _)| *is_given);
        given.map(|(name, _, kind)| (name, kind)).collect()
    }

    /// What is to be listed; `None` unless exactly one kind is given.
    pub fn kind(&self) -> Option<Kind> {
        match self.given()[..] {
            [(_, kind)] => Some(kind),
            _ => None,
        }
    }

    /// What is wrong if a kind is given to another subcommand.
    pub fn refused(&self) -> Option<String> {
        let given = self.given();
        let (name, _) = given.first()?;
        Some(format!(
            "the argument '{name}' can only be used with 'list'"
        ))
    }

    /// What is wrong with a command line of `list`.
    pub fn conflict(&self, choice: &Choice) -> Option<String> {
        let others = [
            ("--strategy <STRATEGY>", choice.strategy.is_some()),
            ("--ticket <TICKET>", choice.ticket.is_some()),
            ("--deployable <YES|NO>", choice.deployable.is_some()),
        ];
        if let Some((name, _)) = others.iter().find(|(_, is_given)| *is_given) {
            return Some(format!("the argument '{name}' cannot be used with 'list'"));
        }
        match self.given()[..] {
            [(_, Kind::Updatable)] => choice.lacks(true),
            [_] => None,
            [] => Some(
                "give one of --tested, --untested, --failed, --failures, --testable, --updatable"
                    .to_owned(),
            ),
            [(first, _), (second, _), ..] => Some(format!(
                "the argument '{first}' cannot be used with '{second}'"
            )),
        }
    }
}
