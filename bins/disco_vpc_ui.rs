//! `disco_vpc_ui`: creates, lists, shows, updates and destroys environments.

/// The longer subcommands, in the folder of this name.
mod disco_vpc_ui {
    pub mod check;
    pub mod peerings;
    pub mod show;
}

use asiaq_cli::{Common, DryRun, Failure, Format, Outcome, Session, Tool, environment_tag, run};
use asiaq_core::environment::{self, Create, Selector, Sources, Vpc};
use clap::{Args, Parser, Subcommand};
use disco_vpc_ui::check::{CheckArgs, check};
use disco_vpc_ui::peerings::{self, PeeringsArgs};
use disco_vpc_ui::show;
use std::process::ExitCode;

/// Create, list, show, update and destroy environments (VPCs)
#[derive(Debug, Parser)]
#[command(name = "disco_vpc_ui", version, infer_long_args = true)]
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
    /// Check the configuration of environments without AWS (JSON keys: file line section key severity problem hint)
    Check(CheckArgs),
    /// Create an environment of a type that disco_vpc.ini describes
    Create(CreateArgs),
    /// Destroy an environment with all hosts in it
    Destroy(Which),
    /// List all VPCs of the region: id, name (JSON keys: id name type cidr_block cidr_blocks is_default tags)
    List {
        /// Add the column of environment types
        #[arg(long = "type")]
        show_type: bool,
    },
    /// List, make or delete connections between environments (JSON keys of --list: id status accepter requester, the
    /// last two with vpc_id name cidr_block)
    Peerings(PeeringsArgs),
    /// Show an environment and all in it, as text, JSON, picture (svg) or graph (dot)
    #[command(after_help = show::HELP)]
    Show(Which),
    /// Bring an environment in line with disco_vpc.ini; completes one that was left half-made
    Update(Which),
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// Name of the environment; must not contain `_`
    #[arg(long)]
    name: String,
    /// Type: a section [envtype:TYPE] of disco_vpc.ini
    #[arg(long = "type", value_name = "TYPE")]
    env_type: String,
    /// Do not reserve the static addresses of hostclasses
    #[arg(long, alias = "skip_enis")]
    skip_enis: bool,
    /// Tag of the VPC and what is in it (repeatable)
    #[arg(long = "tag", value_name = "KEY:VALUE", value_parser = environment_tag)]
    tags: Vec<(String, String)>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Name of the environment
    #[arg(long)]
    name: Option<String>,
    /// Id of the VPC
    #[arg(long, alias = "vpc_id")]
    vpc_id: Option<String>,
}

impl Which {
    fn selector(self) -> Selector {
        match (self.vpc_id, self.name) {
            (Some(id), _) => Selector::Id(id),
            (None, name) => Selector::Name(name.unwrap_or_default()),
        }
    }
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }

    fn formats(&self) -> &[Format] {
        match self.command {
            Command::Show(_) => Format::ALL,
            _ => Format::USUAL,
        }
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        let dry_run = cli.dry_run.dry_run;
        match cli.command {
            Command::Check(args) => Ok(check(session, &args)),
            Command::Create(args) => create(session, args, dry_run).await,
            Command::Destroy(which) => destroy(session, &which.selector(), dry_run).await,
            Command::List { show_type } => list(session, show_type).await,
            Command::Peerings(args) => peerings::run(session, &args, dry_run, no_match).await,
            Command::Show(which) => show::show(session, &which.selector(), cli.common.output).await,
            Command::Update(which) => update(session, &which.selector(), dry_run).await,
        }
    })
}

async fn create(session: &Session, args: CreateArgs, dry_run: bool) -> Result<Outcome, Failure> {
    let sources = Sources::load(&session.config_dir())?;
    let hostclasses = if args.skip_enis {
        None
    } else {
        Some(session.disco_aws()?)
    };
    let request = Create {
        name: &args.name,
        env_type: &args.env_type,
        tags: args.tags.into_iter().collect(),
        hostclasses: hostclasses.as_ref(),
    };
    let aws = session.aws().await?;
    let planned = environment::plan_create(&aws, &sources, &request).await?;
    session.warn(&planned.warnings);
    if dry_run {
        session.printer.plan(&planned.plan);
        return Ok(Outcome::Success);
    }
    let vpc_id = environment::create(&aws, &sources, &request, planned, session.progress()).await?;
    session
        .printer
        .line(format!("VPC {}({vpc_id}) has been created", args.name));
    Ok(Outcome::Success)
}

async fn update(session: &Session, selector: &Selector, dry_run: bool) -> Result<Outcome, Failure> {
    let sources = Sources::load(&session.config_dir())?;
    let aws = session.aws().await?;
    let planned = environment::plan_update(&aws, &sources, selector)
        .await?
        .ok_or_else(no_match)?;
    session.warn(&planned.warnings);
    if dry_run {
        session.warn(planned.extra_peerings.as_slice());
        session.printer.plan(&planned.plan);
    } else {
        planned.apply(&aws, session.progress()).await?;
    }
    Ok(Outcome::Success)
}

async fn destroy(
    session: &Session,
    selector: &Selector,
    dry_run: bool,
) -> Result<Outcome, Failure> {
    let aws = session.aws().await?;
    let destruction = environment::plan_destroy(&aws, &session.spotinst()?, selector)
        .await?
        .ok_or_else(no_match)?;
    session.warn(&destruction.warnings);
    if dry_run {
        session.printer.plan(&destruction.plan);
    } else {
        destruction.run(&aws, session.progress()).await?;
    }
    Ok(Outcome::Success)
}

async fn list(session: &Session, show_type: bool) -> Result<Outcome, Failure> {
    let vpcs = environment::list(&session.aws().await?).await?;
    session.printer.listing(&vpcs, |vpc: &Vpc| {
        let kind = if show_type {
            format!("\t{}", vpc.env_type)
        } else {
            String::new()
        };
        format!("{}\t{:<15}{kind}", vpc.id, vpc.name)
    });
    Ok(Outcome::Success)
}

/// The exit code is part of the command's contract.
fn no_match() -> Failure {
    Failure::new("No matching VPC found")
        .with_hint(Some("`disco_vpc_ui list` shows what there is".into()))
        .with_code(2)
}
