//! `asiaq dp`: pipelines of AWS Data Pipeline.

use asiaq_cli::{Failure, Outcome, Session};
use asiaq_core::aws::Tags;
use asiaq_core::datapipeline::{self, Columns, Listed, Selection, Zone};
use clap::{Args, Subcommand};

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Dp {
    /// List the pipelines of the environment: id, name, and what the options add, separated by tabs (JSON keys: id name health
    /// state create_date last_run description tags)
    List(ListArgs),
    /// Delete a pipeline with its definition and its history
    Delete {
        /// Its id, such as df-0123456789
        id: String,
    },
}

/// Options of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only pipelines of exactly this name
    #[arg(long, value_name = "NAME")]
    pipeline_name: Option<String>,
    /// Those of all environments, and of none
    #[arg(long)]
    all_envs: bool,
    /// Add the health
    #[arg(long)]
    health: bool,
    /// Add the state
    #[arg(long)]
    state: bool,
    /// Add the creation date, in the time zone `user_timezone` of disco_aws.ini
    #[arg(long)]
    create_date: bool,
    /// Add the date of the last run
    #[arg(long)]
    last_run: bool,
    /// Add the description
    #[arg(long)]
    desc: bool,
}

/// Runs a subcommand.
pub async fn run(
    session: &Session,
    command: Dp,
    env: Option<&str>,
    dry_run: bool,
) -> Result<Outcome, Failure> {
    match command {
        Dp::List(args) => list(session, args, env).await,
        Dp::Delete { id } => delete(session, &id, dry_run).await,
    }
}

async fn list(session: &Session, args: ListArgs, env: Option<&str>) -> Result<Outcome, Failure> {
    let (config, env) = session.environment(env)?;
    let zone = Zone::of(&config, &env)?;
    let own = Tags::from([("environment".to_owned(), env)]);
    let selection = Selection {
        name: args.pipeline_name,
        tags: if args.all_envs { Tags::new() } else { own },
    };
    let found = datapipeline::read(&session.aws().await?, &selection).await?;
    let rows: Vec<Listed> = found
        .into_iter()
        .map(|pipeline| Listed::new(pipeline, zone))
        .collect();
    let columns = Columns {
        health: args.health,
        state: args.state,
        create_date: args.create_date,
        last_run: args.last_run,
        description: args.desc,
    };
    session.printer.listing(&rows, |row| row.line(columns));
    Ok(Outcome::Success)
}

async fn delete(session: &Session, id: &str, dry_run: bool) -> Result<Outcome, Failure> {
    let aws = session.aws().await?;
    let deletion = datapipeline::plan_delete(&aws, id).await?;
    if dry_run {
        session.printer.plan(&deletion.plan);
        return Ok(Outcome::Success);
    }
    session.inform(&format!("Deleting pipeline {}", deletion.name));
    datapipeline::apply(&aws, &deletion.plan, session.progress()).await?;
    Ok(Outcome::Success)
}
