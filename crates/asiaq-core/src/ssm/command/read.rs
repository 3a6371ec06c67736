//! Reads the output of a command: from the listing, from the bucket, or host by host. What cannot be read is logged and
//! never an error of the command.

use super::bucket::{Place, streams};
use super::output::{InstanceOutput, PluginOutput, is_cut, shown, split};
use super::steps::Steps;
use crate::aws::{Aws, Context, Pages};
use crate::error::Result;
use aws_sdk_ssm::types::{CommandInvocation, CommandPlugin};

/// Invocations per page; the most that AWS gives.
const PAGE: i32 = 50;
pub(super) const SUCCESS: &str = "Success";
/// Status of a host that AWS tells nothing about.
pub(super) const UNKNOWN: &str = "Unknown";
/// How AWS refuses to give the output of a document with several steps without the name of one.
const STEP_WANTED: [&str; 2] = ["InvalidPluginName", "ValidationException"];

/// What AWS lists about a command's hosts, with the output that it lists.
pub(super) async fn invocations(aws: &Aws, command_id: &str) -> Result<Vec<CommandInvocation>> {
    let pages = aws
        .ssm()
        .list_command_invocations()
        .command_id(command_id)
        .details(true)
        .max_results(PAGE)
        .into_paginator()
        .items()
        .send();
    let resource = format!("command {command_id}");
    Ok(pages.all("ssm:ListCommandInvocations", &resource).await?)
}

/// Status of a host in the listing.
pub(super) fn status(invocation: &CommandInvocation) -> &str {
    invocation
        .status()
        .map_or(UNKNOWN, |status| status.as_str())
}

/// The full output on a host of the listing.
pub(super) async fn listed(
    aws: &Aws,
    command_id: &str,
    invocation: &CommandInvocation,
) -> InstanceOutput {
    let id = invocation.instance_id().unwrap_or_default();
    let steps = invocation.command_plugins();
    let reads = steps
        .iter()
        .map(|step| plugin(aws, command_id, id, step, steps.len() == 1));
    let status = status(invocation);
    InstanceOutput {
        instance_id: id.to_owned(),
        status: status.to_owned(),
        status_details: invocation.status_details().unwrap_or(status).to_owned(),
        plugins: futures::future::join_all(reads).await,
    }
}

async fn plugin(
    aws: &Aws,
    command_id: &str,
    instance: &str,
    step: &CommandPlugin,
    is_alone: bool,
) -> PluginOutput {
    let name = step.name().unwrap_or_default();
    let inline = step.output().unwrap_or_default();
    let (stdout, stderr) = match from_bucket(aws, command_id, instance, step, is_alone).await {
        Some(streams) => streams,
        None if is_cut(inline) => match single(aws, command_id, instance, Some(name)).await {
            Ok(output) => {
                return PluginOutput {
                    exit_code: step.response_code(),
                    name: name.to_owned(),
                    ..output.1
                };
            }
            Err(error) => {
                tracing::warn!("the output of {instance} is cut: {error}");
                split(inline)
            }
        },
        None => split(inline),
    };
    PluginOutput {
        name: name.to_owned(),
        stdout,
        stderr,
        exit_code: step.response_code(),
    }
}

/// The output in the bucket; `None` if the step has none there.
async fn from_bucket(
    aws: &Aws,
    command_id: &str,
    instance: &str,
    step: &CommandPlugin,
    is_alone: bool,
) -> Option<(String, String)> {
    let bucket = step
        .output_s3_bucket_name()
        .filter(|bucket| !bucket.is_empty())?;
    // Without a prefix that would be the output of all commands ever.
    let own = format!("{command_id}/{instance}/");
    let prefix = step
        .output_s3_key_prefix()
        .filter(|prefix| !prefix.is_empty());
    let place = Place {
        bucket,
        prefix: prefix.unwrap_or(&own),
        step: step.name().unwrap_or_default(),
        is_alone,
    };
    match streams(aws, &place).await {
        Ok(streams) => streams,
        Err(error) => {
            tracing::warn!("cannot read the full output of {instance}: {error}");
            None
        }
    }
}

/// The output on one host, up to 24,000 characters, without the listing: its status, status details and the step.
pub(super) async fn single(
    aws: &Aws,
    command_id: &str,
    instance: &str,
    step: Option<&str>,
) -> Result<((String, String), PluginOutput)> {
    let call = aws
        .ssm()
        .get_command_invocation()
        .command_id(command_id)
        .instance_id(instance)
        .set_plugin_name(step.filter(|name| !name.is_empty()).map(str::to_owned));
    let resource = format!("command {command_id} on {instance}");
    let found = call
        .send()
        .await
        .context("ssm:GetCommandInvocation", resource)?;
    let status = found.status().map_or(UNKNOWN, |status| status.as_str());
    let details = found.status_details().unwrap_or(status);
    let output = PluginOutput {
        name: found.plugin_name().unwrap_or_default().to_owned(),
        stdout: shown(found.standard_output_content().unwrap_or_default()),
        stderr: shown(found.standard_error_content().unwrap_or_default()),
        exit_code: found.response_code(),
    };
    Ok(((status.to_owned(), details.to_owned()), output))
}

/// The output on a host that is not in the listing, as far as it can be read.
pub(super) async fn unlisted(
    aws: &Aws,
    command_id: &str,
    instance: &str,
    steps: &Steps<'_>,
) -> InstanceOutput {
    let found = match single(aws, command_id, instance, None).await {
        Err(error)
            if error
                .aws_code()
                .is_some_and(|code| STEP_WANTED.contains(&code)) =>
        {
            let names = steps.names().await;
            let reads = names
                .iter()
                .map(|name| single(aws, command_id, instance, Some(name)));
            let found = futures::future::join_all(reads).await;
            if found.is_empty() {
                vec![Err(error)]
            } else {
                found
            }
        }
        other => vec![other],
    };
    let mut status: Option<(String, String)> = None;
    let mut plugins = Vec::new();
    for step in found {
        match step {
            Ok((own, output)) => {
                // The first step that did not succeed tells of the host.
                if status.as_ref().is_none_or(|(status, _)| status == SUCCESS) {
                    status = Some(own);
                }
                plugins.push(output);
            }
            Err(error) => tracing::warn!("cannot read the output of {instance}: {error}"),
        }
    }
    let (status, status_details) =
        status.unwrap_or_else(|| (UNKNOWN.to_owned(), UNKNOWN.to_owned()));
    InstanceOutput {
        instance_id: instance.to_owned(),
        status,
        status_details,
        plugins,
    }
}
