//! `disco_ssm`: list, show and update SSM documents.

use asiaq_cli::{Common, DryRun, Failure, Outcome, Session, Tool, run};
use asiaq_core::ssm::{self, Document};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// List, show and update SSM documents
#[derive(Debug, Parser)]
#[command(name = "disco_ssm", version, infer_long_args = true)]
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
    /// List the documents of this account: name, owner, platforms (JSON keys: name owner platforms document_type
    /// document_format document_version schema_version)
    ListDocuments {
        /// Begin with a line of headers
        #[arg(long)]
        headers: bool,
    },
    /// Print a document (JSON keys: name document_version status content)
    GetDocument {
        /// Its name
        #[arg(long)]
        name: String,
    },
    /// Make the documents of this account like the files ssm/documents/*.ssm: create, update in place, delete
    UpdateDocuments {
        /// Do not wait until created documents are active and deleted ones gone
        #[arg(long, alias = "no_wait")]
        no_wait: bool,
    },
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| match cli.command {
        Command::ListDocuments { headers } => list(session, headers).await,
        Command::GetDocument { name } => get(session, &name).await,
        Command::UpdateDocuments { no_wait } => {
            update(session, !no_wait, cli.dry_run.dry_run).await
        }
    })
}

async fn list(session: &Session, headers: bool) -> Result<Outcome, Failure> {
    let documents = ssm::list(&session.aws().await?).await?;
    if headers && !session.printer.is_json() {
        session.printer.line(ssm::header());
    }
    session.printer.listing(&documents, Document::line);
    Ok(Outcome::Success)
}

async fn get(session: &Session, name: &str) -> Result<Outcome, Failure> {
    match ssm::get(&session.aws().await?, name).await? {
        Some(document) if session.printer.is_json() => session.printer.json(&document),
        Some(document) => session.printer.line(document.content),
        None => session.inform(&format!("there is no document `{name}`")),
    }
    Ok(Outcome::Success)
}

async fn update(session: &Session, wait: bool, dry_run: bool) -> Result<Outcome, Failure> {
    let aws = session.aws().await?;
    let update = ssm::plan_update(&aws, &session.config_dir()).await?;
    for line in update.summary.lines() {
        session.inform(&line);
    }
    if dry_run {
        session.printer.plan(&update.plan);
        return Ok(Outcome::Success);
    }
    ssm::apply(&aws, &update.plan, wait, session.progress()).await?;
    if !session.printer.is_json() {
        session.printer.line("Done");
    }
    Ok(Outcome::Success)
}
