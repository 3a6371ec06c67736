//! `disco_aws exec-ssm`: runs an SSM document on hosts.

use crate::Call;
use crate::disco_aws::hosts::Selector;
use asiaq_cli::{Failure, Outcome};
use asiaq_core::aws::Aws;
use asiaq_core::host::{self, Host};
use asiaq_core::ssm::command::{self, Command, Event, InstanceOutput, Order, Report};
use clap::Args;
use std::io::IsTerminal;

/// Options of `exec-ssm`.
#[derive(Debug, Args)]
pub struct ExecSsmArgs {
    /// Name of the document
    #[arg(long)]
    document: String,
    /// Parameter of the document (repeatable); the last one of a key counts
    #[arg(long, value_name = "KEY=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// Comment for the history of commands
    #[arg(long)]
    comment: Option<String>,
    #[command(flatten)]
    selector: Selector,
}

/// Splits at the first `=`.
fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

impl Call<'_> {
    pub async fn exec_ssm(&self, args: ExecSsmArgs) -> Result<Outcome, Failure> {
        let bucket = command::bucket(self.config, self.env)?;
        let (aws, vpc) = self.vpc().await?;
        let selection = args.selector.hosts.into();
        let (hosts, bucket) = tokio::join!(
            host::select(&aws, &vpc.id, &selection),
            command::usable_bucket(&aws, bucket)
        );
        let (hosts, warnings) = command::targets(hosts?)?;
        self.session.warn(&warnings);
        let command = Command {
            document: args.document,
            parameters: args.parameters.into_iter().collect(),
            comment: args.comment,
            bucket: bucket.map_err(|warning| self.session.warn(&[warning])).ok(),
        };
        if self.dry_run {
            command::check_document(&aws, &command.document).await?;
            self.session.printer.plan(&command::plan(&command, &hosts));
            return Ok(Outcome::Success);
        }
        let report = self.run_command(&aws, &command, &hosts).await;
        self.finish(report, hosts.len())
    }

    /// Runs it, printing the output of hosts: as they finish on a terminal, else in the order of the selection.
    async fn run_command(&self, aws: &Aws, command: &Command, hosts: &[Host]) -> Report {
        let printer = &self.session.printer;
        let ids: Vec<String> = hosts.iter().map(|host| host.id.clone()).collect();
        let live = std::io::stdout().is_terminal() && !printer.is_json();
        let order = if live {
            Order::AsFinished
        } else {
            Order::AsSent
        };
        let mut collected: Vec<InstanceOutput> = Vec::new();
        let mut sink = |event| match event {
            Event::Sent {
                command_id,
                instances,
            } => {
                let stop = format!("aws ssm cancel-command --command-id {command_id}");
                self.session.inform(&format!(
                    "command {command_id} is sent to {instances} instances; to stop it: {stop}"
                ));
                let hint = format!(
                    "command {command_id} goes on in AWS unless it has ended; to stop it: {stop}"
                );
                self.session.progress().on_interrupt(hint);
            }
            Event::Output(output) if printer.is_json() => collected.push(output),
            Event::Output(output) => printer.line(output.text()),
        };
        let report = command::run(aws, command, &ids, order, &mut sink).await;
        if printer.is_json() {
            printer.json(&collected);
        }
        report
    }

    fn finish(&self, report: Report, all: usize) -> Result<Outcome, Failure> {
        let problem = problem(&report, all);
        let has_ended_well = report.unsuccessful.is_empty();
        match (asiaq_core::Error::from_list(report.errors), problem) {
            (None, None) => Ok(Outcome::Success),
            (None, Some(problem)) if has_ended_well => {
                self.session.warn(&[problem]);
                Ok(Outcome::Success)
            }
            (None, Some(problem)) => Err(Failure::new(problem)),
            (Some(error), problem) => {
                self.session.warn(problem.as_slice());
                Err(error.into())
            }
        }
    }
}

/// What AWS says of commands and hosts that did not succeed; `None` if all did.
fn problem(report: &Report, all: usize) -> Option<String> {
    let ended = report
        .unsuccessful
        .iter()
        .map(|ended| format!("command {} ended as {}", ended.command_id, ended.status));
    let mut text = ended.collect::<Vec<_>>().join(", ");
    if !report.failed.is_empty() {
        if text.is_empty() {
            text.push_str("the command did not succeed everywhere");
        }
        let failed = report.failed.len();
        text.push_str(&format!("; it failed on {failed} of {all} instances:"));
        for failed in &report.failed {
            text.push_str(&format!("\n  {}: {}", failed.instance_id, failed.status));
        }
    }
    Some(text).filter(|text| !text.is_empty())
}
