//! `disco_eip`: lists, allocates and releases elastic IPs.

use asiaq_cli::{Common, DryRun, Failure, Outcome, Session, Tool, run};
use asiaq_core::environment::{self, Address, AddressAction};
use asiaq_core::plan::Plan;
use clap::{Parser, Subcommand};
use std::net::Ipv4Addr;
use std::process::ExitCode;

/// List, allocate and release elastic IPs
#[derive(Debug, Parser)]
#[command(name = "disco_eip", version, infer_long_args = true)]
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
    /// List the elastic IPs of the region: address, instance (JSON keys: public_ip allocation_id association_id
    /// instance_id network_interface_id private_ip tags)
    List,
    /// Allocate an elastic IP and print it
    Allocate,
    /// Release an elastic IP
    Release {
        /// The address
        #[arg(long, value_name = "IP")]
        eip: Ipv4Addr,
        /// Take it away from what uses it
        #[arg(long)]
        force: bool,
    },
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
            Command::List => list(session).await,
            Command::Allocate => carry_out(session, &environment::plan_allocate(), dry_run).await,
            Command::Release { eip, force } => {
                let plan = environment::plan_release(&session.aws().await?, eip, force).await?;
                carry_out(session, &plan, dry_run).await
            }
        }
    })
}

async fn list(session: &Session) -> Result<Outcome, Failure> {
    let addresses = environment::addresses(&session.aws().await?).await?;
    session.printer.listing(&addresses, |address: &Address| {
        let instance = address.instance_id.as_deref().unwrap_or("-");
        format!("{}\t{instance}", address.public_ip)
    });
    Ok(Outcome::Success)
}

/// Shows the plan, or applies it and prints the address that it allocated.
async fn carry_out(
    session: &Session,
    plan: &Plan<AddressAction>,
    dry_run: bool,
) -> Result<Outcome, Failure> {
    if dry_run {
        session.printer.plan(plan);
        return Ok(Outcome::Success);
    }
    let aws = session.aws().await?;
    let allocated = environment::apply_addresses(&aws, plan, session.progress()).await?;
    if let Some(ip) = allocated {
        session.printer.line(ip.to_string());
    }
    Ok(Outcome::Success)
}
