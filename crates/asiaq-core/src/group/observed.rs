//! Groups, their schedules and instances as they are in AWS now. Read only.

use super::launch::LaunchSpec;
use super::launch_specs::{DEFAULT_VERSION, launch_specs};
use super::policy::{self, Policy};
use super::record::{Group, Instance, Kind, LaunchRef, Member, the_group};
use crate::aws::{Aws, Pages, Tags};
use crate::error::Result;
use crate::names;
use aws_sdk_autoscaling::types::{
    AutoScalingGroup, LaunchTemplateSpecification, MixedInstancesPolicy,
};
use futures::future::try_join_all;
use std::collections::{BTreeMap, BTreeSet};

/// Largest page of Auto Scaling listings.
pub(super) const PAGE: i32 = 100;
/// Group names in one call.
const NAMES_PER_CALL: usize = 50;

/// The groups of the environment, those being deleted included, by name descending. Their images are not filled.
pub async fn groups(aws: &Aws, env: &str) -> Result<Vec<Group>> {
    Ok(own_groups(&all_groups(aws).await?, env))
}

/// [`groups`] and [`launch_usage`] from one reading.
pub async fn groups_and_usage(
    aws: &Aws,
    env: &str,
) -> Result<(Vec<Group>, BTreeMap<String, usize>)> {
    let all = all_groups(aws).await?;
    Ok((own_groups(&all, env), usage(&all)))
}

/// How many groups of the region use each launch object, mixed policies and their overrides included. The keys are
/// for [`super::plan_delete`] and [`super::plan_clean_launch_objects`].
pub async fn launch_usage(aws: &Aws) -> Result<BTreeMap<String, usize>> {
    Ok(usage(&all_groups(aws).await?))
}

/// [`groups`] with their images, for listings. The image stays empty if the launch object is gone or of another
/// environment.
pub async fn groups_with_images(aws: &Aws, env: &str) -> Result<Vec<Group>> {
    let mut groups = groups(aws, env).await?;
    let own = |group: &&Group| {
        group
            .launch
            .name()
            .is_some_and(|name| names::belongs_to(env, name, None))
    };
    let refs: Vec<LaunchRef> = groups
        .iter()
        .filter(own)
        .map(|group| group.launch.clone())
        .collect();
    let specs = launch_specs(aws, env, &refs).await?;
    for group in &mut groups {
        let spec = specs.get(&group.launch.key());
        group.image_id = spec
            .map(|spec| spec.image_id.clone())
            .filter(|id| !id.is_empty());
    }
    Ok(groups)
}

/// All instances of the environment's groups, in API order.
pub async fn instances(aws: &Aws, env: &str) -> Result<Vec<Instance>> {
    let call = aws
        .autoscaling()
        .describe_auto_scaling_instances()
        .into_paginator()
        .items()
        .send();
    let found = call
        .all("autoscaling:DescribeAutoScalingInstances", env)
        .await?;
    let convert = |i: aws_sdk_autoscaling::types::AutoScalingInstanceDetails| {
        let group = i
            .auto_scaling_group_name()
            .filter(|name| names::belongs_to(env, name, None))?
            .to_owned();
        Some(Instance {
            id: i.instance_id()?.to_owned(),
            group,
            lifecycle_state: i.lifecycle_state().unwrap_or_default().to_owned(),
        })
    };
    Ok(found.into_iter().filter_map(convert).collect())
}

/// Every group of the region.
async fn all_groups(aws: &Aws) -> Result<Vec<AutoScalingGroup>> {
    let call = aws
        .autoscaling()
        .describe_auto_scaling_groups()
        .max_records(PAGE)
        .into_paginator()
        .items()
        .send();
    Ok(call
        .all("autoscaling:DescribeAutoScalingGroups", "")
        .await?)
}

/// The groups of these names that exist, of any environment. Names must not be empty: that would mean all groups.
pub(super) async fn groups_named(aws: &Aws, names: &[String]) -> Result<Vec<Group>> {
    let read = async |chunk: Vec<String>| {
        let resource = chunk.join(", ");
        let call = aws
            .autoscaling()
            .describe_auto_scaling_groups()
            .set_auto_scaling_group_names(Some(chunk))
            .into_paginator()
            .items()
            .send();
        call.all("autoscaling:DescribeAutoScalingGroups", &resource)
            .await
    };
    let found = try_join_all(
        names
            .chunks(NAMES_PER_CALL)
            .map(|chunk| read(chunk.to_vec())),
    )
    .await?;
    Ok(found.iter().flatten().filter_map(group).collect())
}

/// Names of the groups that are named like the environment's, but whose tag says that they are of another one.
pub(super) async fn foreign_groups(aws: &Aws, env: &str) -> Result<BTreeSet<String>> {
    let all = all_groups(aws).await?;
    let named = all
        .iter()
        .filter_map(group)
        .filter(|group| names::belongs_to(env, &group.name, None) && !group.belongs_to(env));
    Ok(named.map(|group| group.name).collect())
}

fn own_groups(all: &[AutoScalingGroup], env: &str) -> Vec<Group> {
    let mut own: Vec<Group> = all
        .iter()
        .filter_map(group)
        .filter(|group| group.belongs_to(env))
        .collect();
    own.sort_by(|a, b| b.name.cmp(&a.name));
    own
}

fn group(group: &AutoScalingGroup) -> Option<Group> {
    let launch = launch_ref(group);
    let tags: Tags = group
        .tags()
        .iter()
        .filter_map(|t| {
            Some((
                t.key()?.to_owned(),
                t.value().unwrap_or_default().to_owned(),
            ))
        })
        .collect();
    let member = |i: &aws_sdk_autoscaling::types::Instance| {
        let state = i.lifecycle_state().map(|state| state.as_str().to_owned());
        Some(Member {
            id: i.instance_id()?.to_owned(),
            lifecycle_state: state.unwrap_or_default(),
        })
    };
    Some(Group {
        name: group.auto_scaling_group_name()?.to_owned(),
        kind: Kind::Asg,
        min_size: group.min_size().unwrap_or(0),
        max_size: group.max_size().unwrap_or(0),
        desired_capacity: group.desired_capacity().unwrap_or(0),
        mixed_instances: group.launch_template().is_none()
            && group.mixed_instances_policy().is_some(),
        launch_config_name: launch.name().map(str::to_owned),
        launch,
        image_id: None,
        termination_policies: group.termination_policies().to_vec(),
        vpc_zone_identifier: group.vpc_zone_identifier().unwrap_or_default().to_owned(),
        load_balancers: group.load_balancer_names().to_vec(),
        target_groups: group.target_group_arns().to_vec(),
        tags,
        instances: group.instances().iter().filter_map(member).collect(),
        deleting: group
            .status()
            .is_some_and(|status| status.starts_with("Delete")),
    })
}

/// What a group launches from: its template, else that of its mixed policy, else its configuration (spec 30, section 4.3).
fn launch_ref(group: &AutoScalingGroup) -> LaunchRef {
    let mixed = group.mixed_instances_policy().and_then(mixed_template);
    if let Some(template) = group.launch_template().or(mixed).and_then(template_ref) {
        return template;
    }
    let configuration = group
        .launch_configuration_name()
        .filter(|name| !name.is_empty());
    configuration.map_or(LaunchRef::None, |name| {
        LaunchRef::Configuration(name.to_owned())
    })
}

fn mixed_template(policy: &MixedInstancesPolicy) -> Option<&LaunchTemplateSpecification> {
    policy
        .launch_template()
        .and_then(|template| template.launch_template_specification())
}

fn template_ref(template: &LaunchTemplateSpecification) -> Option<LaunchRef> {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let (id, name) = (
        text(template.launch_template_id()),
        text(template.launch_template_name()),
    );
    let version = template
        .version()
        .filter(|version| !version.is_empty())
        .unwrap_or(DEFAULT_VERSION)
        .to_owned();
    (!id.is_empty() || !name.is_empty()).then_some(LaunchRef::Template { id, name, version })
}

fn usage(all: &[AutoScalingGroup]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for group in all {
        let policy = group.mixed_instances_policy();
        let overrides = policy
            .and_then(|p| p.launch_template())
            .map(|template| template.overrides())
            .unwrap_or_default();
        let overrides = overrides
            .iter()
            .filter_map(|o| o.launch_template_specification());
        let templates = policy
            .and_then(mixed_template)
            .into_iter()
            .chain(overrides)
            .filter_map(template_ref);
        let keys: BTreeSet<String> = templates
            .chain([launch_ref(group)])
            .flat_map(|launch| launch.object_keys())
            .collect();
        for key in keys {
            *counts.entry(key).or_insert(0) += 1;
        }
    }
    counts
}

/// A scheduled action of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scheduled {
    pub(super) group: String,
    pub(super) name: String,
    /// Cron text; `None` for an action that takes place once.
    pub(super) recurrence: Option<String>,
    /// True if it has a time zone other than UTC, or an end.
    pub(super) limited: bool,
    pub(super) min: Option<i32>,
    pub(super) desired: Option<i32>,
    pub(super) max: Option<i32>,
}

async fn scheduled(aws: &Aws) -> Result<Vec<Scheduled>> {
    let call = aws
        .autoscaling()
        .describe_scheduled_actions()
        .max_records(PAGE)
        .into_paginator()
        .items()
        .send();
    let convert = |a: aws_sdk_autoscaling::types::ScheduledUpdateGroupAction| {
        let zone = a
            .time_zone()
            .is_some_and(|zone| !matches!(zone, "" | "UTC" | "Etc/UTC"));
        Some(Scheduled {
            group: a.auto_scaling_group_name()?.to_owned(),
            name: a.scheduled_action_name()?.to_owned(),
            recurrence: a
                .recurrence()
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            limited: zone || a.end_time().is_some(),
            min: a.min_size(),
            desired: a.desired_capacity(),
            max: a.max_size(),
        })
    };
    Ok(call
        .all("autoscaling:DescribeScheduledActions", "")
        .await?
        .into_iter()
        .filter_map(convert)
        .collect())
}

/// What planning needs to know of an environment's groups, read once for all rows.
#[derive(Debug, Clone)]
pub struct GroupState {
    pub(super) env: String,
    pub(super) groups: Vec<Group>,
    pub(super) launches: BTreeMap<String, LaunchSpec>,
    pub(super) policies: Vec<Policy>,
    pub(super) scheduled: Vec<Scheduled>,
}

impl GroupState {
    /// The groups of the environment, those being deleted included, by name descending.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// "The" group of a hostclass, see [`the_group`].
    ///
    /// # Errors
    /// More than one.
    pub fn existing(&self, hostclass: &str) -> Result<Option<&Group>> {
        the_group(&self.groups, &self.env, hostclass)
    }

    /// What a group launches; `None` if its launch object is gone.
    pub fn launch_of(&self, group: &Group) -> Option<&LaunchSpec> {
        self.launches.get(&group.launch.key())
    }
}

/// Reads all that planning needs: groups, policies and schedules concurrently, then the launch objects.
pub async fn observe(aws: &Aws, env: &str) -> Result<GroupState> {
    let (groups, policies, scheduled) =
        tokio::try_join!(groups(aws, env), policy::all(aws), scheduled(aws))?;
    let refs: Vec<LaunchRef> = groups
        .iter()
        .filter(|group| !group.deleting)
        .map(|group| group.launch.clone())
        .collect();
    let launches = launch_specs(aws, env, &refs).await?;
    Ok(GroupState {
        env: env.to_owned(),
        groups,
        launches,
        policies,
        scheduled,
    })
}

#[cfg(test)]
mod tests;
