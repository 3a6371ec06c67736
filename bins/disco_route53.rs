//! `disco_route53`: lists zones and records, creates and deletes records.

use asiaq_cli::{Common, DryRun, Failure, Outcome, Session, Tool, run};
use asiaq_core::dns::{self, Edit, Listed, Zone};
use asiaq_core::plan::Plan;
use clap::{Args, Parser, Subcommand};
use std::process::ExitCode;

/// List hosted zones and their records, create and delete records
#[derive(Debug, Parser)]
#[command(name = "disco_route53", version, infer_long_args = true)]
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
    /// List hosted zones: name, id, private (JSON keys: name id private)
    ListZones,
    /// List records: type, name, values (JSON keys: zone zone_id private name type ttl values alias
    /// set_identifier weight region failover health_check_id)
    ListRecords {
        /// Only the records of this zone
        #[arg(long, value_name = "ZONE-NAME")]
        zone: Option<String>,
    },
    /// Create a record with one value and a TTL of 5 s, or overwrite it
    CreateRecord {
        #[command(flatten)]
        place: Place,
        /// Value; a TXT value is put in quotes if it is not
        value: String,
    },
    /// Delete a record
    DeleteRecord {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
struct Place {
    /// Hosted zone; of a public and a private one of that name the public one
    #[arg(value_name = "ZONE-NAME")]
    zone: String,
    /// Whole name of the record
    #[arg(value_name = "RECORD-NAME")]
    name: String,
    /// Type such as CNAME
    #[arg(value_name = "TYPE")]
    kind: String,
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        let dry_run = cli.dry_run.dry_run;
        match cli.command {
            Command::ListZones => list_zones(session).await,
            Command::ListRecords { zone } => list_records(session, zone.as_deref()).await,
            Command::CreateRecord { place, value } => {
                let aws = session.aws().await?;
                let Place { zone, name, kind } = &place;
                let plan = dns::plan_create(&aws, zone, name, kind, &value).await?;
                let nothing = "is as wanted already";
                carry_out(session, &place, &plan, dry_run, nothing).await
            }
            Command::DeleteRecord { place } => {
                let aws = session.aws().await?;
                let Place { zone, name, kind } = &place;
                let plan = dns::plan_delete(&aws, zone, name, kind).await?;
                let nothing = "does not exist";
                carry_out(session, &place, &plan, dry_run, nothing).await
            }
        }
    })
}

async fn list_zones(session: &Session) -> Result<Outcome, Failure> {
    let mut zones = dns::zones(&session.aws().await?).await?;
    zones.sort_by(|a, b| a.name.cmp(&b.name));
    session.printer.listing(&zones, |zone: &Zone| {
        format!("{:<20} {:10} {:<5}", zone.name, zone.id, zone.private)
    });
    Ok(Outcome::Success)
}

async fn list_records(session: &Session, zone: Option<&str>) -> Result<Outcome, Failure> {
    let records = dns::listing(&session.aws().await?, zone).await?;
    session.printer.listing(&records, |listed: &Listed| {
        let record = &listed.record;
        let values = record.values.join(",");
        format!("{:<5} {:20} {values:50}", record.kind, record.name)
    });
    Ok(Outcome::Success)
}

/// Shows the plan, or applies it; `nothing` says why there is nothing to do.
async fn carry_out(
    session: &Session,
    place: &Place,
    plan: &Plan<Edit>,
    dry_run: bool,
    nothing: &str,
) -> Result<Outcome, Failure> {
    if plan.is_empty() {
        session.inform(&format!("record {} {} {nothing}", place.name, place.kind));
    }
    if dry_run {
        session.printer.plan(plan);
    } else if !plan.is_empty() {
        dns::apply(&session.aws().await?, plan, session.progress()).await?;
    }
    Ok(Outcome::Success)
}
