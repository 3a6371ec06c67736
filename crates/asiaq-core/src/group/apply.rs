//! Executes changes of groups: the only place that creates, updates and deletes them and their launch templates.
//!
//! Every action is repeatable: what the SDK's own retry finds done already is not an error.

use super::action::{GroupAction, GroupUpdate, NewGroup, NewRefresh, RefreshTemplate};
use super::calls::{self, is_busy, is_contention, is_unknown, patiently, size};
use super::clouds::Clouds;
use super::desired::draw_template_name;
use super::draining::wait_drained;
use super::launch::LaunchSpec;
use super::launch_specs::{template_id, template_spec};
use super::mark::RollsFrom;
use super::observed::groups_named;
use super::record::LaunchRef;
use super::refresh;
use super::template::template_data;
use crate::aws::{Aws, AwsError, Context, Tags, tag_specification};
use crate::balancer::TargetGroup;
use crate::error::{Error, Result};
use crate::names::tag;
use crate::plan::{Apply, Change, Progress, Yields};
use crate::spotinst::{Balancers, GroupChange};
use aws_sdk_autoscaling::types::LaunchTemplateSpecification;
use aws_sdk_ec2::types::{RequestLaunchTemplateData, ResourceType};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The only version of a template that Asiaq makes.
const VERSION: &str = "1";
/// How long Auto Scaling may not know a new template.
const TEMPLATE_LIMIT: Duration = Duration::from_secs(60);
/// Names that are tried for a template before giving up; a drawn name is taken once in millions.
const NAME_ATTEMPTS: usize = 5;

/// Applies changes of groups; see [`executor`].
pub struct GroupExecutor<'a> {
    aws: &'a Aws,
    /// For Elastigroups.
    pub(super) clouds: Clouds<'a>,
    /// ARNs of target groups that the same plan creates.
    yields: Yields,
    progress: &'a dyn Progress,
    /// Ids of created templates by planned name.
    templates: Mutex<BTreeMap<String, String>>,
    /// Ids of created Elastigroups by name.
    pub(super) elastigroups: Mutex<BTreeMap<String, String>>,
}

/// The executor of one plan, or of several plans in turn.
pub fn executor<'a>(
    clouds: Clouds<'a>,
    progress: &'a dyn Progress,
    yields: &Yields,
) -> GroupExecutor<'a> {
    GroupExecutor {
        aws: clouds.aws,
        clouds,
        yields: yields.clone(),
        progress,
        templates: Mutex::default(),
        elastigroups: Mutex::default(),
    }
}

impl Apply<GroupAction> for GroupExecutor<'_> {
    async fn apply(&self, change: &Change<GroupAction>) -> Result<(), Error> {
        self.run(&change.action).await
    }
}

impl GroupExecutor<'_> {
    /// Makes one change, for capabilities that wrap these actions in their own.
    pub async fn run(&self, action: &GroupAction) -> Result<()> {
        match action {
            GroupAction::CreateTemplate {
                name,
                env,
                hostclass,
                spec,
                copied,
            } => {
                let data = copied
                    .as_ref()
                    .map_or_else(|| template_data(spec), |copied| copied.0.as_ref().clone());
                self.create_template(name, env, hostclass, spec, data).await
            }
            GroupAction::CreateGroup(group) => {
                let id = self.template_id(&group.template)?;
                let outcome = self.create_group(group, &id).await;
                self.settle(&group.name, &id, outcome, true).await
            }
            GroupAction::UpdateGroup(update) => {
                let id = update
                    .template
                    .as_deref()
                    .map(|planned| self.template_id(planned))
                    .transpose()?;
                let outcome = self.update_group(update, id.as_deref()).await;
                match id {
                    Some(id) => self.settle(&update.name, &id, outcome, false).await,
                    None => outcome,
                }
            }
            GroupAction::Attach {
                group,
                load_balancers,
                target_groups,
            } => {
                let arns = self.arns(target_groups)?;
                calls::attach(self.aws, group, load_balancers, &arns).await
            }
            GroupAction::Detach {
                group,
                load_balancers,
                target_groups,
            } => {
                calls::detach(self.aws, group, load_balancers, target_groups).await?;
                wait_drained(self.aws, group, load_balancers, target_groups).await
            }
            GroupAction::CreateElastigroup {
                group,
                new_target_groups,
            } => self.create_elastigroup(group, new_target_groups).await,
            GroupAction::UpdateElastigroup { group, change } => {
                self.update_elastigroup(group, change).await
            }
            GroupAction::AttachElastigroup {
                group,
                load_balancers,
                kept_target_groups,
                new_target_groups,
            } => {
                let mut target_groups = kept_target_groups.clone();
                target_groups.extend(self.arns(new_target_groups)?);
                let balancers = Balancers {
                    classic: load_balancers.clone(),
                    target_groups,
                };
                let change = GroupChange {
                    balancers: Some(balancers),
                    ..GroupChange::default()
                };
                self.update_elastigroup(group, &change).await
            }
            GroupAction::DeleteElastigroup(group) => self.delete_elastigroup(group).await,
            GroupAction::PutTags { group, tags } => calls::put_tags(self.aws, group, tags).await,
            GroupAction::DeleteTags { group, keys } => {
                calls::delete_tags(self.aws, group, keys).await
            }
            GroupAction::Refresh(new) => self.refresh(new).await,
            GroupAction::PutPolicy(request) => calls::put_policy(self.aws, request).await,
            GroupAction::DeletePolicy { group, name } => {
                calls::delete_policy(self.aws, group, name).await
            }
            GroupAction::PutSchedule { group, action } => {
                calls::put_schedule(self.aws, group, action).await
            }
            GroupAction::DeleteSchedule { group, name } => {
                calls::delete_schedule(self.aws, group, name).await
            }
            GroupAction::DeleteGroup {
                name,
                force,
                strict,
                launch,
            } => {
                self.delete_group(name, *force, *strict, launch.as_ref())
                    .await
            }
            GroupAction::DeleteLaunchObject { launch, strict } => {
                self.delete_launch_object(launch, *strict).await
            }
        }
    }

    /// The id of a template by its planned name. Plans order changes so that it is known; if not, the plan is at fault.
    fn template_id(&self, planned: &str) -> Result<String> {
        let templates = self
            .templates
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        templates.get(planned).cloned().ok_or_else(|| {
            Error::not_found(format!("launch template `{planned}` has not been created"))
        })
    }

    async fn refresh(&self, new: &NewRefresh) -> Result<()> {
        let (id, version) = match &new.template {
            RefreshTemplate::Planned(name) => (self.template_id(name)?, VERSION.to_owned()),
            RefreshTemplate::Existing { id, version } => (id.clone(), version.clone()),
        };
        if let Some(from) = &new.rolls_from {
            let rolls = RollsFrom {
                from: from.clone(),
                to: format!("{id}:{version}"),
            };
            let tags = Tags::from([(tag::DEPLOY_ROLLS_FROM.to_owned(), rolls.value())]);
            calls::put_tags(self.aws, &new.group, &tags).await?;
        }
        refresh::start(self.aws, new, &id, &version).await
    }

    /// The ARNs of target groups; those of new ones have been yielded by the changes that make them.
    pub(super) fn arns(&self, target_groups: &[TargetGroup]) -> Result<Vec<String>> {
        let arn = |own: &TargetGroup| {
            let known = own.arn.clone().or_else(|| self.yields.get(&own.key()));
            known.ok_or_else(|| {
                Error::not_found(format!("target group `{}` has not been created", own.name))
            })
        };
        target_groups.iter().map(arn).collect()
    }

    async fn create_template(
        &self,
        planned: &str,
        env: &str,
        hostclass: &str,
        spec: &LaunchSpec,
        data: RequestLaunchTemplateData,
    ) -> Result<()> {
        let mut name = planned.to_owned();
        for _ in 0..NAME_ATTEMPTS {
            let attempt = self.try_template(&name, env, hostclass, spec, data.clone());
            if let Some(id) = attempt.await? {
                self.templates
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(planned.to_owned(), id);
                return Ok(());
            }
            name = draw_template_name(env, hostclass, &mut rand::rng());
        }
        Err(
            Error::refused(format!("no free name for a launch template of {hostclass}"))
                .with_hint("remove what nobody uses with `disco_autoscale cleanconfigs`"),
        )
    }

    /// Creates a template; `None` if the name belongs to something else. A template of that name with exactly our
    /// content is the work of the SDK's own retry.
    async fn try_template(
        &self,
        name: &str,
        env: &str,
        hostclass: &str,
        spec: &LaunchSpec,
        data: RequestLaunchTemplateData,
    ) -> Result<Option<String>> {
        let tags = Tags::from([
            (tag::HOSTCLASS.to_owned(), hostclass.to_owned()),
            (tag::ENVIRONMENT.to_owned(), env.to_owned()),
        ]);
        let call = self
            .aws
            .ec2()
            .create_launch_template()
            .launch_template_name(name)
            .launch_template_data(data);
        let call = call.client_token(format!("{name}-{:016x}", rand::random::<u64>()));
        let call = call.tag_specifications(tag_specification(ResourceType::LaunchTemplate, &tags));
        let answer = match call.send().await.context("ec2:CreateLaunchTemplate", name) {
            Err(error)
                if error.code.as_deref().is_some_and(|code| {
                    code.starts_with("InvalidLaunchTemplateName.AlreadyExists")
                }) =>
            {
                return self.own_template(name, spec).await;
            }
            other => other?,
        };
        let id = answer
            .launch_template()
            .and_then(|template| template.launch_template_id());
        Ok(Some(id.map(str::to_owned).ok_or_else(|| {
            AwsError::incomplete("ec2:CreateLaunchTemplate", name, "LaunchTemplateId")
        })?))
    }

    async fn own_template(&self, name: &str, spec: &LaunchSpec) -> Result<Option<String>> {
        let Some(id) = template_id(self.aws, name).await? else {
            return Ok(None);
        };
        let launch = LaunchRef::Template {
            id: id.clone(),
            name: name.to_owned(),
            version: VERSION.to_owned(),
        };
        let same = template_spec(self.aws, &launch)
            .await?
            .is_some_and(|found| found.is_same_as(spec));
        Ok(same.then_some(id))
    }

    async fn create_group(&self, group: &NewGroup, template: &str) -> Result<()> {
        let NewGroup {
            name,
            sizes,
            subnets,
            tags,
            termination_policies,
            load_balancers,
            target_groups,
            ..
        } = group;
        let arns = self.arns(target_groups)?;
        let call = async || {
            self.aws
                .autoscaling()
                .create_auto_scaling_group()
                .auto_scaling_group_name(name)
                .launch_template(template_reference(template))
                .vpc_zone_identifier(subnets.join(","))
                .min_size(size(sizes.min))
                .max_size(size(sizes.max))
                .set_desired_capacity(sizes.desired.map(size))
                .set_tags(Some(calls::group_tags(name, tags)).filter(|tags| !tags.is_empty()))
                .set_termination_policies(Some(termination_policies.clone()))
                .set_load_balancer_names(filled(load_balancers))
                .set_target_group_arns(filled(&arns))
                .send()
                .await
                .context("autoscaling:CreateAutoScalingGroup", name)
        };
        let start = Instant::now();
        let passing = |error: &AwsError| is_busy(error) || is_too_early(error, start);
        patiently(self.aws, name, passing, call).await.map(|_| ())
    }

    async fn update_group(&self, update: &GroupUpdate, template: Option<&str>) -> Result<()> {
        let GroupUpdate {
            name,
            subnets,
            min,
            desired,
            max,
            termination_policies,
            ..
        } = update;
        let call = async || {
            self.aws
                .autoscaling()
                .update_auto_scaling_group()
                .auto_scaling_group_name(name)
                .set_launch_template(template.map(template_reference))
                .set_vpc_zone_identifier(Some(subnets.join(",")).filter(|ids| !ids.is_empty()))
                .set_min_size(min.map(size))
                .set_max_size(max.map(size))
                .set_desired_capacity(desired.map(size))
                .set_termination_policies(
                    Some(termination_policies.clone()).filter(|policies| !policies.is_empty()),
                )
                .send()
                .await
                .context("autoscaling:UpdateAutoScalingGroup", name)
        };
        let start = Instant::now();
        let passing =
            |error: &AwsError| is_busy(error) || (template.is_some() && is_too_early(error, start));
        patiently(self.aws, name, passing, call).await.map(|_| ())
    }

    /// After a failed group call: if the group refers to the new template all the same, a lost answer or an earlier
    /// attempt of the SDK is behind it, and `done_if_referred` says whether that means success. Else the template goes.
    async fn settle(
        &self,
        group: &str,
        template: &str,
        outcome: Result<()>,
        done_if_referred: bool,
    ) -> Result<()> {
        let Err(error) = outcome else { return Ok(()) };
        let Ok(found) = groups_named(self.aws, &[group.to_owned()]).await else {
            return Err(error);
        };
        let refers = found
            .iter()
            .any(|group| matches!(&group.launch, LaunchRef::Template { id, .. } if id == template));
        if refers {
            return if done_if_referred { Ok(()) } else { Err(error) };
        }
        let launch = LaunchRef::Template {
            id: template.to_owned(),
            name: template.to_owned(),
            version: VERSION.to_owned(),
        };
        if let Err(problem) = calls::delete_launch_object(self.aws, &launch).await {
            self.progress.note(&format!(
                "launch template {template} is left over: {problem}"
            ));
        }
        Err(error)
    }

    async fn delete_group(
        &self,
        name: &str,
        force: bool,
        strict: bool,
        launch: Option<&LaunchRef>,
    ) -> Result<()> {
        let call = async || {
            let call = self
                .aws
                .autoscaling()
                .delete_auto_scaling_group()
                .auto_scaling_group_name(name)
                .force_delete(force);
            match call
                .send()
                .await
                .context("autoscaling:DeleteAutoScalingGroup", name)
            {
                Err(error) if is_unknown(&error) => Ok(()),
                other => other.map(|_| ()),
            }
        };
        let passing = if strict { is_busy } else { is_contention };
        if let Err(error) = patiently(self.aws, name, passing, call).await {
            if strict || is_unanswered(&error) {
                return Err(error);
            }
            let force = if force { "True" } else { "False" };
            let why = format!("{name} cannot be deleted (force is {force}): {error}");
            return Err(Error::Left(why));
        }
        match launch {
            Some(launch) if strict => {
                // AWS keeps a launch configuration until its group is gone.
                let passing = |error: &AwsError| error.is("ResourceInUse");
                let outcome = patiently(self.aws, name, passing, async || {
                    calls::delete_launch_object(self.aws, launch).await
                })
                .await;
                warn_of_failure(launch, outcome);
            }
            Some(launch) => {
                warn_of_failure(launch, calls::delete_launch_object(self.aws, launch).await)
            }
            None => {}
        }
        Ok(())
    }

    async fn delete_launch_object(&self, launch: &LaunchRef, strict: bool) -> Result<()> {
        let outcome = calls::delete_launch_object(self.aws, launch).await;
        match outcome {
            Err(error) if !strict => Err(Error::Left(failure_text(launch, &error))),
            other => Ok(other?),
        }
    }
}

/// A launch object that stays is untidy, not harmful; so the command goes on.
fn warn_of_failure<E: Display>(launch: &LaunchRef, outcome: Result<(), E>) {
    if let Err(error) = outcome {
        tracing::warn!("{}", failure_text(launch, &error));
    }
}

fn failure_text(launch: &LaunchRef, error: &impl Display) -> String {
    let name = launch.name().unwrap_or_default();
    format!("Error while deleting {name}: {error}")
}

/// No answer came from AWS, so nothing was refused.
fn is_unanswered(error: &Error) -> bool {
    matches!(error, Error::Aws(error) if error.code.is_none())
}

/// Auto Scaling does not know the template yet that EC2 has just made; it learns of it soon after `start`.
fn is_too_early(error: &AwsError, start: Instant) -> bool {
    error.is("ValidationError")
        && misses_template(&error.message)
        && start.elapsed() < TEMPLATE_LIMIT
}

/// The template itself is missing. Of a template that names something missing AWS says that it must be fully-formed.
fn misses_template(message: &str) -> bool {
    let text = message.to_ascii_lowercase();
    text.contains("launch template")
        && text.contains("does not exist")
        && !text.contains("fully-formed")
}

fn filled(list: &[String]) -> Option<Vec<String>> {
    Some(list.to_vec()).filter(|list| !list.is_empty())
}

fn template_reference(id: &str) -> LaunchTemplateSpecification {
    LaunchTemplateSpecification::builder()
        .launch_template_id(id)
        .version(VERSION)
        .build()
}

#[cfg(test)]
mod tests;
