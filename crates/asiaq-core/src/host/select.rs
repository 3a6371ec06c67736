//! Reading and selecting the instances of an environment (spec 40, section 3).

use super::Host;
use crate::aws::{Aws, Context};
use crate::error::{Error, Result};
use crate::names::tag;
use aws_sdk_ec2::types::Filter;
use std::collections::{BTreeSet, HashSet};

/// Instances per page: few round trips, little memory.
const PAGE: i32 = 500;
/// AWS takes at most 200 values per filter.
const FILTER_VALUES: usize = 200;

/// How an operator names hosts; several values and kinds make a union.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Instance ids.
    pub instances: Vec<String>,
    /// Hostclasses.
    pub hostclasses: Vec<String>,
    /// Image ids.
    pub amis: Vec<String>,
    /// Values of tag `hostname`; each must exist, the first match counts.
    pub hostnames: Vec<String>,
    /// Names of groups, of either kind.
    pub groups: Vec<String>,
}

/// All instances of a VPC, terminated ones included, that match the filters (AWS filter name, values).
pub async fn hosts_of(aws: &Aws, vpc_id: &str, filters: &[(&str, &[String])]) -> Result<Vec<Host>> {
    let own = Filter::builder().name("vpc-id").values(vpc_id).build();
    let more = filters.iter().map(|(name, values)| {
        Filter::builder()
            .name(*name)
            .set_values(Some(values.to_vec()))
            .build()
    });
    let filters = std::iter::once(own).chain(more).collect();
    let call = aws.ec2().describe_instances().set_filters(Some(filters));
    let pages = call.max_results(PAGE).into_paginator().send();
    read(pages, Some(vpc_id), vpc_id).await
}

/// Page by page into our own records, so that a large environment never sits in memory as SDK objects. With `within`, instances
/// of other VPCs are dropped here as well: what is read may be terminated next, so a filter that a server ignores, or that is
/// lost on the way, must not reach another environment.
async fn read<E>(
    mut pages: aws_smithy_async::future::pagination_stream::PaginationStream<
        std::result::Result<
            aws_sdk_ec2::operation::describe_instances::DescribeInstancesOutput,
            aws_smithy_runtime_api::client::result::SdkError<
                E,
                aws_smithy_runtime_api::client::orchestrator::HttpResponse,
            >,
        >,
    >,
    within: Option<&str>,
    resource: &str,
) -> Result<Vec<Host>>
where
    E: aws_smithy_types::error::metadata::ProvideErrorMetadata
        + std::error::Error
        + Send
        + Sync
        + 'static,
{
    let mut hosts = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.context("ec2:DescribeInstances", resource)?;
        hosts.extend(
            page.reservations()
                .iter()
                .flat_map(|r| r.instances())
                .filter(|instance| within.is_none() || instance.vpc_id() == within)
                .filter_map(Host::from_sdk),
        );
    }
    Ok(hosts)
}

/// Instances by id, wherever they are; ids that do not exist (any more) are missing from the answer.
pub(crate) async fn by_ids(aws: &Aws, ids: &[String]) -> Result<Vec<Host>> {
    let calls = ids.chunks(FILTER_VALUES).map(|chunk| async move {
        let filter = Filter::builder()
            .name("instance-id")
            .set_values(Some(chunk.to_vec()))
            .build();
        read(
            aws.ec2()
                .describe_instances()
                .filters(filter)
                .max_results(PAGE)
                .into_paginator()
                .send(),
            None,
            "the instances of groups",
        )
        .await
    });
    Ok(futures::future::try_join_all(calls)
        .await?
        .into_iter()
        .flatten()
        .collect())
}

/// The selected instances in the order of the selection, each once. Only kinds that are given are queried, concurrently.
///
/// # Errors
/// An instance id that AWS does not know; a host name that no instance has.
pub async fn select(aws: &Aws, vpc_id: &str, selection: &Selection) -> Result<Vec<Host>> {
    let by = async |filter: &'static str, values: &[String]| {
        if values.is_empty() {
            Ok(Vec::new())
        } else {
            hosts_of(aws, vpc_id, &[(filter, values)]).await
        }
    };
    let group_tag = "tag:aws:autoscaling:groupName";
    let spot_group_tag = "tag:group_name";
    let (instances, classes, images, names, groups, spot_groups) = tokio::try_join!(
        known(aws, vpc_id, &selection.instances),
        by("tag:hostclass", &selection.hostclasses),
        by("image-id", &selection.amis),
        by("tag:hostname", &selection.hostnames),
        by(group_tag, &selection.groups),
        by(spot_group_tag, &selection.groups),
    )?;
    // AWS takes `*` and `?` in filter values for wildcards; a name means just itself.
    let exactly = |hosts: Vec<Host>, key: &str, values: &[String]| -> Vec<Host> {
        hosts
            .into_iter()
            .filter(|host| {
                host.tag(key)
                    .is_some_and(|own| values.iter().any(|value| value == own))
            })
            .collect()
    };
    let mut found = in_order(instances, &selection.instances);
    found.extend(exactly(classes, tag::HOSTCLASS, &selection.hostclasses));
    found.extend(
        images
            .into_iter()
            .filter(|host| selection.amis.contains(&host.image_id)),
    );
    for name in &selection.hostnames {
        let host = names
            .iter()
            .find(|host| host.tag(tag::HOSTNAME) == Some(name));
        let missing = || {
            Error::not_found(format!("cannot find instance with hostname {name}"))
                .with_hint("see `disco_aws listhosts --all`")
        };
        found.push(host.cloned().ok_or_else(missing)?);
    }
    let members = groups.into_iter().chain(spot_groups).filter(|host| {
        let of = |name: &String| host.group() == Some(name);
        selection.groups.iter().any(of)
    });
    found.extend(members);
    let mut seen = HashSet::new();
    found.retain(|host| seen.insert(host.id.clone()));
    Ok(found)
}

/// The hosts that a command can run on, and those that it cannot any more, as `ID (STATE)`.
pub fn split_gone(hosts: Vec<Host>) -> (Vec<Host>, Vec<String>) {
    let (gone, alive): (Vec<Host>, Vec<Host>) = hosts
        .into_iter()
        .partition(|host| host.is_terminated() || host.state == "shutting-down");
    let name = |host: &Host| format!("{} ({})", host.id, host.state);
    (alive, gone.iter().map(name).collect())
}

/// Instances by id in this VPC. Ids go as `InstanceIds`, so that AWS reports a mistyped one.
async fn known(aws: &Aws, vpc_id: &str, ids: &[String]) -> Result<Vec<Host>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let own = Filter::builder().name("vpc-id").values(vpc_id).build();
    let once: BTreeSet<String> = ids.iter().cloned().collect();
    let call = aws
        .ec2()
        .describe_instances()
        .filters(own)
        .set_instance_ids(Some(once.into_iter().collect()));
    let pages = call.into_paginator().send();
    read(pages, Some(vpc_id), &ids.join(", ")).await
}

fn in_order(hosts: Vec<Host>, ids: &[String]) -> Vec<Host> {
    ids.iter()
        .filter_map(|id| hosts.iter().find(|host| host.id == *id).cloned())
        .collect()
}
