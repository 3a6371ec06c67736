//! Runs a document on hosts (spec 40, section 10).
//!
//! Hosts are sent to in chunks of 50, which is what AWS takes in one call. Each chunk is a command of its own in AWS; all of
//! them are followed at once, and the output of a host is handed on as soon as the host is done.

mod bucket;
mod order;
mod output;
mod read;
mod run;
mod steps;

pub use order::Order;
pub use output::{InstanceOutput, PluginOutput};
pub use run::{Ended, Event, Failed, Report, run};

use crate::aws::{Aws, Context};
use crate::config::DiscoAws;
use crate::error::{Error, Result};
use crate::host::{self, Host};
use crate::names;
use crate::plan::{Plan, Sign};
use std::collections::BTreeMap;

/// What is to be run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command {
    /// Name of the document; one of AWS, or the ARN of a shared one, is fine too.
    pub document: String,
    /// Its parameters.
    pub parameters: BTreeMap<String, String>,
    /// Comment for the history of commands.
    pub comment: Option<String>,
    /// Bucket for the full output.
    pub bucket: Option<String>,
}

/// The hosts that can run commands, and a warning for each that is stopped or going: AWS would refuse the command for the
/// whole chunk of such a host.
///
/// # Errors
/// None is left.
pub fn targets(hosts: Vec<Host>) -> Result<(Vec<Host>, Vec<String>)> {
    let (alive, mut off) = host::split_gone(hosts);
    let is_stopped = |host: &Host| matches!(host.state.as_str(), "stopped" | "stopping");
    let (stopped, left): (Vec<Host>, Vec<Host>) = alive.into_iter().partition(is_stopped);
    off.extend(
        stopped
            .iter()
            .map(|host| format!("{} ({})", host.id, host.state)),
    );
    let warnings: Vec<String> = off
        .iter()
        .map(|host| format!("instance {host} is skipped: it does not run"))
        .collect();
    if left.is_empty() {
        let what = match warnings.len() {
            0 => "no instance matches".to_owned(),
            n => format!("no instance is left: all {n} that match are stopped, going or gone"),
        };
        return Err(Error::not_found(what).with_hint("see `disco_aws listhosts --state`"));
    }
    Ok((left, warnings))
}

/// What the command would do, for people. Parameters may hold secrets and are not shown.
pub fn plan(command: &Command, hosts: &[Host]) -> Plan<()> {
    let mut plan = Plan::default();
    for host in hosts {
        let hostclass = host.hostclass().unwrap_or("-");
        let line = format!(
            "command {} on instance {} {hostclass}",
            command.document, host.id
        );
        plan.push(format!("command/{}", host.id), [""; 0], Sign::Add, line, ());
    }
    plan
}

/// That the document exists, for a dry run. A real one learns it from AWS when it sends.
///
/// # Errors
/// It does not.
pub async fn check_document(aws: &Aws, name: &str) -> Result<()> {
    let call = aws.ssm().describe_document().name(name).send().await;
    match call.context("ssm:DescribeDocument", format!("document {name}")) {
        Ok(_) => Ok(()),
        Err(error) if error.is("InvalidDocument") => {
            let error = Error::not_found(format!("no SSM document `{name}`"));
            Err(error.with_hint("see `disco_ssm list-documents`"))
        }
        Err(error) => Err(error.into()),
    }
}

/// The configured bucket for output: `s3_bucket_base`, `s3_bucket_suffix`. `None` if there is no base.
///
/// # Errors
/// Interpolation that fails.
pub fn bucket(config: &DiscoAws, env: &str) -> Result<Option<String>> {
    let option = |key: &str| -> Result<Option<String>> {
        let found = config.asiaq_option(None, key, env)?;
        let text = found.map(|found| found.value.trim().to_owned());
        Ok(text.filter(|text| !text.is_empty()))
    };
    let suffix = option("s3_bucket_suffix")?;
    let base = option("s3_bucket_base")?;
    Ok(base.map(|base| names::data_bucket(&base, "ssm", suffix.as_deref())))
}

/// The bucket if it can be used; otherwise a warning that says why not, and what that means.
pub async fn usable_bucket(aws: &Aws, bucket: Option<String>) -> Result<String, String> {
    let limited = "output is limited to 24000 characters per host";
    let Some(bucket) = bucket else {
        return Err(format!(
            "`s3_bucket_base` is not set in `[disco_aws]`: {limited}"
        ));
    };
    let head = aws.s3().head_bucket().bucket(&bucket).send().await;
    match head.context("s3:HeadBucket", format!("bucket {bucket}")) {
        Ok(_) => Ok(bucket),
        Err(error) => Err(format!("cannot access bucket {bucket}, {limited}: {error}")),
    }
}

#[cfg(test)]
mod tests;
