//! Scaling groups down to nothing, and ending single instances, of both kinds of groups (spec 30, sections 9.1 and 9.2).

use super::calls::scale_to_zero;
use super::clouds::Clouds;
use super::delete::DeleteFilter;
use super::observed::{groups, groups_named};
use super::record::Group;
use super::spot;
use super::spot_apply::disabled;
use crate::aws::{Aws, Context, Pages};
use crate::error::{Error, Result};
use crate::plan::Progress;
use crate::spotinst::{GroupChange, Spotinst, update_document};
use aws_sdk_ec2::types::{Filter, InstanceStateName};
use futures::future::join_all;
use std::collections::BTreeSet;
use std::time::Duration;

/// Between two looks at terminating instances, and how long they may take.
const TERMINATION: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(600));
/// Values that EC2 takes in one filter.
const FILTER_VALUES: usize = 200;

/// Sets all sizes of the matching groups to 0. With `wait` returns when their instances are terminated, 10 minutes at
/// most; with `noerror` running out of time is noted and gives false instead of an error.
///
/// # Errors
/// An empty hostclass or name; AWS refuses; time runs out.
pub async fn scale_down(
    clouds: Clouds<'_>,
    env: &str,
    filter: DeleteFilter<'_>,
    wait: bool,
    noerror: bool,
    progress: &dyn Progress,
) -> Result<bool> {
    let found = groups(clouds, env).await?;
    let selected = filter.select(env, &found)?;
    let outcomes = join_all(
        selected
            .iter()
            .map(|group| scale_group_down(clouds, env, group, wait, progress)),
    )
    .await;
    let (late, failed): (Vec<Error>, Vec<Error>) = outcomes
        .into_iter()
        .filter_map(Result::err)
        .partition(|error| noerror && matches!(error, Error::Timeout { .. }));
    late.iter()
        .for_each(|error| progress.note(&error.to_string()));
    Error::from_list(failed).map_or(Ok(late.is_empty()), Err)
}

/// The instances are those of this group right after the request: none of other groups are waited for.
async fn scale_group_down(
    clouds: Clouds<'_>,
    env: &str,
    group: &Group,
    wait: bool,
    progress: &dyn Progress,
) -> Result<()> {
    let (aws, name) = (clouds.aws, group.name.as_str());
    progress.note(&format!("Scaling down group {name}"));
    match &group.spot {
        Some(own) => {
            let zero = update_document(&GroupChange::to_zero());
            spotinst(clouds, name)?.update_group(&own.id, &zero).await?;
        }
        None => scale_to_zero(aws, name).await?,
    }
    if !wait {
        return Ok(());
    }
    let ids: Vec<String> = if group.spot.is_some() {
        let members = spot::instances(clouds, env, Some(name)).await?;
        members.into_iter().map(|member| member.id).collect()
    } else {
        let found = groups_named(aws, &[name.to_owned()]).await?;
        let members = found.into_iter().flat_map(|group| group.instances);
        members.map(|member| member.id).collect()
    };
    if ids.is_empty() {
        return Ok(());
    }
    let what = format!("waiting for the instances of {name} to be terminated");
    let look = async || Ok((terminated(aws, &ids, name).await? == ids.len()).then_some(()));
    aws.poll
        .until(&what, TERMINATION.0, TERMINATION.1, look)
        .await
}

/// How many of the instances EC2 reports as terminated. Ids that it does not know (yet) do not count.
async fn terminated(aws: &Aws, ids: &[String], group: &str) -> Result<usize> {
    let mut done = BTreeSet::new();
    for chunk in ids.chunks(FILTER_VALUES) {
        let filter = Filter::builder()
            .name("instance-id")
            .set_values(Some(chunk.to_vec()))
            .build();
        let call = aws
            .ec2()
            .describe_instances()
            .filters(filter)
            .into_paginator()
            .items()
            .send();
        let reservations = call.all("ec2:DescribeInstances", group).await?;
        let over = |i: &&aws_sdk_ec2::types::Instance| {
            i.state().and_then(|state| state.name()) == Some(&InstanceStateName::Terminated)
        };
        done.extend(
            reservations
                .iter()
                .flat_map(|r| r.instances())
                .filter(over)
                .filter_map(|i| i.instance_id().map(str::to_owned)),
        );
    }
    Ok(done.len())
}

fn spotinst<'a>(clouds: Clouds<'a>, group: &str) -> Result<&'a Spotinst> {
    clouds
        .spotinst
        .ok_or_else(|| disabled(&format!("Elastigroup {group}")))
}

/// Terminates an instance of a group; with `decrement` the group's desired size goes down by one, that of an Elastigroup not
/// below its minimum; else the group replaces the instance. `group` must have been read just now.
pub async fn terminate_instance(
    clouds: Clouds<'_>,
    group: &Group,
    instance_id: &str,
    decrement: bool,
) -> Result<()> {
    let Some(document) = group.elastigroup() else {
        let call = clouds
            .aws
            .autoscaling()
            .terminate_instance_in_auto_scaling_group()
            .instance_id(instance_id)
            .should_decrement_desired_capacity(decrement);
        call.send().await.context(
            "autoscaling:TerminateInstanceInAutoScalingGroup",
            instance_id,
        )?;
        return Ok(());
    };
    // First the size, or the group would start another instance.
    let target = document.target().unwrap_or(0);
    let lower = target.saturating_sub(1);
    if decrement && lower < target && lower >= document.min().unwrap_or(0) {
        let change = GroupChange {
            desired: Some(lower),
            ..GroupChange::default()
        };
        spotinst(clouds, &group.name)?
            .update_group(&document.id, &update_document(&change))
            .await?;
    }
    let call = clouds.aws.ec2().terminate_instances();
    call.instance_ids(instance_id)
        .send()
        .await
        .context("ec2:TerminateInstances", instance_id)?;
    Ok(())
}

#[cfg(test)]
pub(super) mod tests;
