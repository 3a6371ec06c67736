//! Groups, their schedules and instances as they are in AWS now. Read only.

use super::clouds::Clouds;
use super::delete::DeleteFilter;
use super::launch::LaunchSpec;
use super::launch_specs::{DEFAULT_VERSION, Launch, launch_specs};
use super::mark::RollsFrom;
use super::policy::{self, Policy};
use super::record::{Group, Instance, Kind, LaunchRef, Member, is_of, the_group, the_newest_group};
use super::spot;
use crate::aws::{Aws, Pages, Tags};
use crate::error::{Error, Result};
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

/// All that groups tell about an environment, from one reading of both services.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// The groups of the environment, as [`groups`] gives them.
    pub groups: Vec<Group>,
    /// All other groups of the region.
    pub others: Vec<Group>,
    /// See [`launch_usage`].
    pub usage: BTreeMap<String, usize>,
    /// The Auto Scaling groups of the region that use each launch object, without those that AWS is deleting.
    pub users: BTreeMap<String, BTreeSet<String>>,
}

/// The groups of the environment, those being deleted included: the Auto Scaling groups, then the Elastigroups, each by name
/// descending. Images of Auto Scaling groups, and instances of Elastigroups, are not filled.
pub async fn groups(clouds: Clouds<'_>, env: &str) -> Result<Vec<Group>> {
    Ok(survey(clouds, env).await?.groups)
}

/// [`groups`] and [`launch_usage`] from one reading.
pub async fn groups_and_usage(
    clouds: Clouds<'_>,
    env: &str,
) -> Result<(Vec<Group>, BTreeMap<String, usize>)> {
    let survey = survey(clouds, env).await?;
    Ok((survey.groups, survey.usage))
}

/// Reads all groups of both services.
pub async fn survey(clouds: Clouds<'_>, env: &str) -> Result<Survey> {
    let (all, spot) = tokio::try_join!(all_groups(clouds.aws), spot::all(clouds, env))?;
    Ok(Survey {
        usage: usage(&all),
        users: users(&all),
        ..divided(&all, spot, env)
    })
}

fn divided(asgs: &[AutoScalingGroup], spot: Vec<Group>, env: &str) -> Survey {
    let mut survey = Survey::default();
    for kind in [asgs.iter().filter_map(group).collect(), spot] {
        let (mut own, others): (Vec<Group>, Vec<Group>) =
            Vec::into_iter(kind).partition(|group| group.belongs_to(env));
        own.sort_by(|a, b| b.name.cmp(&a.name));
        survey.groups.extend(own);
        survey.others.extend(others);
    }
    survey
}

/// How many groups of the region use each launch object, mixed policies and their overrides included. The keys are
/// for [`super::plan_delete`] and [`super::plan_clean_launch_objects`].
pub async fn launch_usage(aws: &Aws) -> Result<BTreeMap<String, usize>> {
    Ok(usage(&all_groups(aws).await?))
}

/// [`groups`] with their images and instances, for listings. The image stays empty if the launch object is gone or of another
/// environment.
pub async fn groups_with_images(clouds: Clouds<'_>, env: &str) -> Result<Vec<Group>> {
    let mut groups = groups(clouds, env).await?;
    let statuses = spot::read_statuses(clouds, env, &mut groups, DeleteFilter::All).await?;
    if let Some(error) = Error::from_list(statuses) {
        return Err(error);
    }
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
    let specs = launch_specs(clouds.aws, env, &refs).await?;
    for group in groups.iter_mut().filter(|group| group.kind == Kind::Asg) {
        let launch = specs.get(&group.launch.key());
        group.image_id = launch
            .map(|launch| launch.spec.image_id.clone())
            .filter(|id| !id.is_empty());
    }
    Ok(groups)
}

/// All instances of the environment's groups: those of Auto Scaling groups, then those of Elastigroups, in API order.
pub async fn instances(clouds: Clouds<'_>, env: &str) -> Result<Vec<Instance>> {
    let (mut found, spot) = tokio::try_join!(
        asg_instances(clouds, env),
        spot::instances(clouds, env, None)
    )?;
    found.extend(spot);
    Ok(found)
}

async fn asg_instances(clouds: Clouds<'_>, env: &str) -> Result<Vec<Instance>> {
    let call = clouds
        .aws
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
pub(super) async fn all_groups(aws: &Aws) -> Result<Vec<AutoScalingGroup>> {
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
        spot: None,
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
    for key in all.iter().flat_map(used_keys) {
        *counts.entry(key).or_insert(0) += 1;
    }
    counts
}

fn users(all: &[AutoScalingGroup]) -> BTreeMap<String, BTreeSet<String>> {
    let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for own in all {
        let Some(live) = group(own).filter(|group| !group.deleting) else {
            continue;
        };
        for key in used_keys(own) {
            users.entry(key).or_default().insert(live.name.clone());
        }
    }
    users
}

/// Keys of the launch objects that a group uses, each once.
fn used_keys(group: &AutoScalingGroup) -> BTreeSet<String> {
    let used = used_refs(group);
    used.iter().flat_map(LaunchRef::object_keys).collect()
}

/// The groups that stay, with all that each of them may launch from.
pub(super) fn live_refs(all: &[AutoScalingGroup]) -> Vec<(String, Vec<LaunchRef>)> {
    let live = |own: &AutoScalingGroup| {
        let group = group(own).filter(|group| !group.deleting)?;
        Some((group.name, used_refs(own)))
    };
    all.iter().filter_map(live).collect()
}

/// All that a group may launch from, overrides of a mixed policy included.
fn used_refs(group: &AutoScalingGroup) -> Vec<LaunchRef> {
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
    templates
        .chain([launch_ref(group)])
        .chain(rolled_refs(group))
        .collect()
}

/// What hosts of a group launch from while a deployment replaces them, and may come back to.
fn rolled_refs(group: &AutoScalingGroup) -> Vec<LaunchRef> {
    let own = group
        .tags()
        .iter()
        .find(|own| own.key() == Some(names::tag::DEPLOY_ROLLS_FROM));
    let Some(rolls) = own.and_then(|own| RollsFrom::parse(own.value().unwrap_or_default())) else {
        return Vec::new();
    };
    let launch = |text: &String| {
        let (id, version) = text.split_once(':')?;
        Some(LaunchRef::Template {
            id: id.to_owned(),
            name: String::new(),
            version: version.to_owned(),
        })
    };
    [rolls.from, rolls.to].iter().filter_map(launch).collect()
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
    pub(super) launches: BTreeMap<String, Launch>,
    pub(super) policies: Vec<Policy>,
    pub(super) scheduled: Vec<Scheduled>,
    /// Whether Spotinst is enabled; if not, Elastigroups are missing here.
    pub(super) spotinst: bool,
    /// Hostclasses that have instances of Elastigroups which are missing here.
    pub(super) invisible: BTreeSet<String>,
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

    /// As [`GroupState::existing`] for a deployment, which has two groups for a while; see [`the_newest_group`].
    ///
    /// # Errors
    /// More than two of a kind.
    pub fn newest(&self, hostclass: &str) -> Result<Option<&Group>> {
        the_newest_group(&self.groups, &self.env, hostclass)
    }

    /// What an Auto Scaling group launches; `None` if its launch object is gone, and for Elastigroups.
    pub fn launch_of(&self, group: &Group) -> Option<&LaunchSpec> {
        let launch = self.launches.get(&group.launch.key());
        launch.map(|launch| &launch.spec)
    }

    /// The instance types that a group launches, joined by `:`; of an Elastigroup the on-demand type first (spec 30, sections
    /// 4.3 and 13.7). `None` if it does not say.
    pub fn launch_info(&self, group: &Group) -> Option<String> {
        let types = match group.elastigroup() {
            Some(document) => document.instance_types().join(":"),
            None => self.launch_of(group)?.instance_type.clone(),
        };
        Some(types).filter(|types| !types.is_empty())
    }
}

/// Reads what changing the launch object of one hostclass needs and no more: hosts call it with few permissions. Policies and
/// schedules stay empty, so this is not for [`super::plan_group`].
pub async fn observe_launch(clouds: Clouds<'_>, env: &str, hostclass: &str) -> Result<GroupState> {
    let groups = groups(clouds, env).await?;
    let refs: Vec<LaunchRef> = groups
        .iter()
        .filter(|group| is_of(group, env, hostclass))
        .map(|group| group.launch.clone())
        .collect();
    let launches = launch_specs(clouds.aws, env, &refs).await?;
    Ok(GroupState {
        env: env.to_owned(),
        groups,
        launches,
        policies: Vec::new(),
        scheduled: Vec::new(),
        spotinst: clouds.spotinst.is_some(),
        invisible: BTreeSet::new(),
    })
}

/// Reads all that planning needs: groups, policies and schedules concurrently, then the launch objects.
pub async fn observe(clouds: Clouds<'_>, env: &str) -> Result<GroupState> {
    let aws = clouds.aws;
    let (groups, policies, scheduled, invisible) = tokio::try_join!(
        groups(clouds, env),
        policy::all(aws),
        scheduled(aws),
        spot::invisible(clouds, env)
    )?;
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
        spotinst: clouds.spotinst.is_some(),
        invisible,
    })
}

#[cfg(test)]
mod tests;
