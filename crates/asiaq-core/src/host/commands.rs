//! Small commands on hosts: terminate, stop, tag, promote. Planned, shown, applied like everything else.

use super::Host;
use crate::aws::{Aws, Context, Tags, ec2_tags};
use crate::environment::{InstanceRoute, delete_instance_route};
use crate::error::{Error, Result};
use crate::image::{self, Image};
use crate::plan::{Apply, Change, Plan, Progress, Sign};
use aws_sdk_ec2::types::Tag;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// Instances that AWS takes in one call.
const PER_CALL: usize = 1000;

/// One change to hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostAction {
    /// Delete a route that leads to an instance.
    DeleteRoute(InstanceRoute),
    /// Terminate instances.
    Terminate(Vec<String>),
    /// Stop instances.
    Stop(Vec<String>),
    /// Remove a tag, or set it to a new value.
    Tag {
        /// Instances.
        ids: Vec<String>,
        /// Tag key.
        key: String,
        /// New value; `None` only removes.
        value: Option<String>,
    },
    /// Share an image.
    Share {
        /// The image.
        image: Box<Image>,
        /// Accounts.
        accounts: Vec<String>,
    },
}

/// `Terminated: Instance:i-1,Instance:i-2`, the line that scripts read (spec 40, section 8).
pub fn selection_line(verb: &str, hosts: &[Host]) -> String {
    let ids: Vec<String> = hosts
        .iter()
        .map(|host| format!("Instance:{}", host.id))
        .collect();
    format!("{verb}: {}", ids.join(","))
}

fn ids(hosts: &[Host]) -> Vec<String> {
    hosts.iter().map(|host| host.id.clone()).collect()
}

fn host_lines(what: &str, hosts: &[Host]) -> Vec<String> {
    hosts
        .iter()
        .map(|host| format!("{what} {} {}", host.id, host.hostclass().unwrap_or("-")))
        .collect()
}

/// Terminates the hosts after deleting the routes that lead to them. `routes` may hold routes to other instances.
pub fn plan_terminate(hosts: &[Host], routes: &[InstanceRoute]) -> Plan<HostAction> {
    let mut plan = Plan::default();
    let mut before = Vec::new();
    for route in routes
        .iter()
        .filter(|route| hosts.iter().any(|host| host.id == route.instance_id))
    {
        let id = format!("route/{}/{}", route.table_id, route.destination);
        let line = format!(
            "route {} -> {} in {}",
            route.destination, route.instance_id, route.table_id
        );
        plan.push(
            &id,
            [""; 0],
            Sign::Remove,
            line,
            HostAction::DeleteRoute(route.clone()),
        );
        before.push(id);
    }
    for (number, hosts) in hosts.chunks(PER_CALL).enumerate() {
        let id = match number {
            0 => "terminate".to_owned(),
            _ => format!("terminate/{number}"),
        };
        plan.push(
            id,
            before.clone(),
            Sign::Remove,
            host_lines("instance", hosts),
            HostAction::Terminate(ids(hosts)),
        );
    }
    plan
}

/// Stops the hosts.
pub fn plan_stop(hosts: &[Host]) -> Plan<HostAction> {
    let mut plan = Plan::default();
    if !hosts.is_empty() {
        plan.push(
            "stop",
            [""; 0],
            Sign::Modify,
            host_lines("stop instance", hosts),
            HostAction::Stop(ids(hosts)),
        );
    }
    plan
}

/// Removes the tag, or sets it if `value` is not empty.
pub fn plan_tag(hosts: &[Host], key: &str, value: Option<&str>) -> Plan<HostAction> {
    let mut plan = Plan::default();
    let value = value.filter(|value| !value.is_empty());
    let line = |host: &Host| {
        let (old, new) = (host.tag(key).unwrap_or("none"), value.unwrap_or("none"));
        format!("tag {key} of instance {}: {old} -> {new}", host.id)
    };
    let changing: Vec<Host> = hosts
        .iter()
        .filter(|host| host.tag(key) != value)
        .cloned()
        .collect();
    if !changing.is_empty() {
        let action = HostAction::Tag {
            ids: ids(&changing),
            key: key.to_owned(),
            value: value.map(str::to_owned),
        };
        plan.push(
            "tag",
            [""; 0],
            Sign::Modify,
            changing.iter().map(line).collect::<Vec<_>>(),
            action,
        );
    }
    plan
}

/// Images all of whose running hosts are older than `hours`. Pure (spec 40, section 8).
fn settled_images(running: &[Host], hours: i64, now: DateTime<Utc>) -> Vec<String> {
    let mut oldest_enough: BTreeMap<&str, bool> = BTreeMap::new();
    for host in running {
        let old = host
            .launched
            .is_some_and(|at| (now - at).num_seconds() > hours.saturating_mul(3600));
        let all = oldest_enough.entry(&host.image_id).or_insert(true);
        *all = *all && old;
    }
    oldest_enough
        .into_iter()
        .filter(|(_, all)| *all)
        .map(|(id, _)| id.to_owned())
        .collect()
}

/// Shares the images of settled running hosts with the production accounts, if they are of the final stage.
pub async fn plan_promote_running(
    aws: &Aws,
    running: &[Host],
    hours: i64,
    trusted: &image::Trusted,
    final_stage: &str,
    accounts: &[String],
) -> Result<Plan<HostAction>> {
    let mut plan = Plan::default();
    let ids = settled_images(running, hours, Utc::now());
    if ids.is_empty() {
        tracing::warn!("no image whose running hosts are all older than {hours} hours");
        return Ok(plan);
    }
    let images = image::by_ids(aws, trusted, &ids).await?;
    for image in image::shareable(&images, final_stage)
        .into_iter()
        .filter(|_| !accounts.is_empty())
    {
        let line = format!(
            "launch permission of {} ({}) for {}",
            image.id,
            image.name,
            accounts.join(", ")
        );
        let action = HostAction::Share {
            image: Box::new(image.clone()),
            accounts: accounts.to_vec(),
        };
        plan.push(
            format!("share/{}", image.id),
            [""; 0],
            Sign::Add,
            line,
            action,
        );
    }
    Ok(plan)
}

/// Applies such a plan.
pub async fn apply(aws: &Aws, plan: &Plan<HostAction>, progress: &dyn Progress) -> Result<()> {
    plan.apply(&Executor { aws }, progress).await?;
    Ok(())
}

struct Executor<'a> {
    aws: &'a Aws,
}

impl Apply<HostAction> for Executor<'_> {
    async fn apply(&self, change: &Change<HostAction>) -> Result<(), Error> {
        let ec2 = self.aws.ec2();
        match &change.action {
            HostAction::DeleteRoute(route) => delete_instance_route(self.aws, route).await?,
            HostAction::Terminate(ids) => {
                ec2.terminate_instances()
                    .set_instance_ids(Some(ids.clone()))
                    .send()
                    .await
                    .context("ec2:TerminateInstances", ids.join(", "))?;
            }
            HostAction::Stop(ids) => {
                ec2.stop_instances()
                    .set_instance_ids(Some(ids.clone()))
                    .send()
                    .await
                    .context("ec2:StopInstances", ids.join(", "))?;
            }
            HostAction::Tag {
                ids,
                key,
                value: None,
            } => {
                let call = ec2
                    .delete_tags()
                    .set_resources(Some(ids.clone()))
                    .tags(Tag::builder().key(key).build());
                call.send()
                    .await
                    .context("ec2:DeleteTags", ids.join(", "))?;
            }
            HostAction::Tag {
                ids,
                key,
                value: Some(value),
            } => {
                let tags = Tags::from([(key.clone(), value.clone())]);
                let call = ec2
                    .create_tags()
                    .set_resources(Some(ids.clone()))
                    .set_tags(Some(ec2_tags(&tags)));
                call.send()
                    .await
                    .context("ec2:CreateTags", ids.join(", "))?;
            }
            HostAction::Share { image, accounts } => {
                image::share(self.aws, image, accounts).await?
            }
        }
        Ok(())
    }
}

/// The ids of images in use, each once.
pub fn images_of(hosts: &[Host]) -> Vec<String> {
    hosts
        .iter()
        .map(|host| host.image_id.clone())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests;
