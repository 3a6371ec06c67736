//! `disco_vpc_ui peerings`: lists, makes and deletes connections between environments.

use asiaq_cli::{Failure, Outcome, Session};
use asiaq_core::config::DiscoVpc;
use asiaq_core::environment::Selector;
use asiaq_core::environment::peering::{self, PeeringRecord};
use clap::Args;

/// Arguments of the subcommand.
#[derive(Debug, Args)]
pub struct PeeringsArgs {
    #[command(flatten)]
    action: Action,
    /// Name of the environment; without it and --vpc-id, all of the region
    #[arg(long)]
    name: Option<String>,
    /// Id of the VPC
    #[arg(long, alias = "vpc_id")]
    vpc_id: Option<String>,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct Action {
    /// List connections: id, status, names and networks of accepter and requester
    #[arg(long)]
    list: bool,
    /// Delete connections, with their routes and rules on both sides
    #[arg(long)]
    delete: bool,
    /// Make the connections of disco_vpc.ini
    #[arg(long)]
    create: bool,
}

impl PeeringsArgs {
    fn selector(&self) -> Result<Option<Selector>, Failure> {
        match (&self.name, &self.vpc_id) {
            (Some(_), Some(_)) => {
                let text = "Don't use vpc_name and vpc_id at the same time.";
                Err(Failure::new(text).with_code(2))
            }
            (Some(name), None) => Ok(Some(Selector::Name(name.clone()))),
            (None, id) => Ok(id.clone().map(Selector::Id)),
        }
    }
}

/// Runs the subcommand; `no_match` is the failure when no VPC matches.
pub async fn run(
    session: &Session,
    args: &PeeringsArgs,
    dry_run: bool,
    no_match: impl Fn() -> Failure,
) -> Result<Outcome, Failure> {
    let selector = args.selector()?;
    let selector = selector.as_ref();
    match &args.action {
        Action { list: true, .. } => {
            let found = peering::list(&session.aws().await?, selector).await?;
            session.printer.listing(&found.ok_or_else(no_match)?, row);
        }
        Action { delete: true, .. } => {
            let aws = session.aws().await?;
            let plan = peering::plan_delete_selected(&aws, selector).await?;
            finish(session, &aws, &plan.ok_or_else(no_match)?, dry_run).await?;
        }
        Action { create: true, .. } => {
            let config = DiscoVpc::load(&session.config_dir())?;
            let aws = session.aws().await?;
            let planned = peering::plan_connect(&aws, &config, selector).await?;
            let planned = planned.ok_or_else(no_match)?;
            session.warn(&planned.warnings);
            finish(session, &aws, &planned.plan, dry_run).await?;
        }
        _ => session.warn(&["nothing to do: choose --list, --create or --delete".to_owned()]),
    }
    Ok(Outcome::Success)
}

/// Shows a plan, or makes its changes.
async fn finish(
    session: &Session,
    aws: &asiaq_core::aws::Aws,
    plan: &asiaq_core::plan::Plan<peering::PeeringAction>,
    dry_run: bool,
) -> Result<(), Failure> {
    if dry_run {
        session.printer.plan(plan);
    } else {
        peering::apply(aws, plan, session.progress()).await?;
    }
    Ok(())
}

/// One line of the listing, in the layout that scripts expect.
fn row(record: &PeeringRecord) -> String {
    let (accepter, requester) = (&record.accepter, &record.requester);
    let names = format!("{}<->{}", accepter.name, requester.name);
    let blocks = format!("{}<->{}", accepter.cidr_block, requester.cidr_block);
    format!(
        "{:<14} {:<8} {names:<20} {blocks:<21}",
        record.id, record.status
    )
}
