//! What a deployment takes away: the group that failed, the group that has been replaced, the testing balancer, launch
//! templates that nobody uses any more.

use super::{apply, the, wait_in_service};
use crate::balancer::{Attachments, PlannedBalancer, plan_testing_removal};
use crate::deploy::{Deployment, Site, waits};
use crate::error::{Error, Result};
use crate::group::{
    self, DeleteFilter, Group, LaunchObject, Survey, plan_clean_launch_objects, plan_delete,
    plan_mark,
};
use crate::host::{BalancerUpdate, BalancerUpdateAction, detach, plan_balancer_update};
use crate::names::{self, REPLACES_NOTHING, tag};
use crate::plan::Plan;
use std::collections::BTreeMap;

/// Removes a group under test with its launch template, and the testing balancer with its records. What is gone already is
/// fine. Never removes a group that serves: one that is not marked as under test goes only while the group that it was to
/// replace is there and has not been scaled down. If host names or listeners lead to the new group only, the group that serves
/// gets there first.
///
/// # Errors
/// Something stays; it is named.
pub async fn remove(site: &Site<'_>, deployment: &Deployment, name: Option<&str>) -> Result<()> {
    let env = site.env;
    let (survey, balancer) = tokio::join!(
        group::survey(site.clouds, env),
        testing_balancer(site, &deployment.hostclass)
    );
    let survey = survey?;
    let found = survey
        .groups
        .iter()
        .find(|group| Some(group.name.as_str()) == name);
    if let Some(group) = found {
        may_go(group, &survey.groups)?;
        let testing = match &balancer {
            Ok(own) => own.detach.clone(),
            // It cannot be read, and the group is to go all the same.
            Err(_) => Attachments {
                load_balancers: vec![names::balancer_id(env, &deployment.hostclass, true)],
                target_groups: Vec::new(),
            },
        };
        restore(site, deployment, group, &survey.groups, &testing).await?;
        delete(site, group, &survey).await?;
    }
    let stay = survey.groups.iter();
    let stay: Vec<&Group> = stay
        .filter(|group| Some(group.name.as_str()) != name)
        .collect();
    let balancer = async {
        let plan = removal(env, &deployment.hostclass, &stay, balancer?)?;
        run(site, plan).await
    };
    let mut errors: Vec<Error> = balancer.await.err().into_iter().collect();
    errors.extend(sweep(site, &deployment.hostclass).await.err());
    Error::from_list(errors).map_or(Ok(()), Err)
}

/// Before a group goes that an admission has put where nothing else serves (a balancer of another type, another target group):
/// the normal balancer is brought in line with the group that serves, which is attached and waited for. The
/// group that goes counts as one under test from then on.
async fn restore(
    site: &Site<'_>,
    deployment: &Deployment,
    going: &Group,
    groups: &[Group],
    testing: &Attachments,
) -> Result<()> {
    let hostclass = deployment.hostclass.as_str();
    let serving = groups.iter().filter(|own| {
        let is_own = own.name != going.name && own.hostclass(site.env) == hostclass;
        is_own && !own.deleting && !own.is_testing() && own.max_size > 0
    });
    let serving: Vec<&Group> = serving.collect();
    // One that AWS is deleting has been here before.
    if going.deleting || serving.is_empty() || !is_alone(going, &serving, testing) {
        return Ok(());
    }
    apply(site, plan_mark(going, &[(tag::IS_TESTING, Some("1"))])).await?;
    update_normal(site, hostclass).await?;
    // Names may lead there already: then nobody has waited for the hosts yet.
    for group in serving {
        let hosts = waits::hosts_of(site, &group.name, None).await?;
        wait_in_service(site, deployment, &hosts, false).await?;
    }
    Ok(())
}

/// The group is attached to something that is not the testing balancer's and that no group that serves is attached to. Pure.
fn is_alone(going: &Group, serving: &[&Group], testing: &Attachments) -> bool {
    let mut names = going.load_balancers.iter();
    let mut arns = going.target_groups.iter();
    let is_test = |arn: &String| {
        let mut all = testing.target_groups.iter();
        all.any(|own| own.arn.as_ref() == Some(arn))
    };
    let alone = names.any(|name| {
        let mut others = serving.iter();
        !testing.load_balancers.contains(name)
            && !others.any(|own| own.load_balancers.contains(name))
    });
    alone
        || arns.any(|arn| {
            let mut others = serving.iter();
            !is_test(arn) && !others.any(|own| own.target_groups.contains(arn))
        })
}

/// Deletes a group with its launch template.
async fn delete(site: &Site<'_>, group: &Group, survey: &Survey) -> Result<()> {
    let filter = DeleteFilter::Name(&group.name);
    let (groups, usage) = (&survey.groups, &survey.usage);
    let (plan, _) = plan_delete(site.env, groups, usage, filter, true, true)?;
    apply(site, plan).await
}

/// Brings the normal balancer in line with the configuration and with the group that serves.
async fn update_normal(site: &Site<'_>, hostclass: &str) -> Result<()> {
    let update = plan_balancer_update(site.clouds, site.config, site.env, hostclass, false).await?;
    for warning in &update.warnings {
        tracing::warn!("{warning}");
    }
    update.run(site.clouds, site.progress).await
}

/// Step 14: scales the old group to nothing, waits for its hosts, deletes it with its launch template. Hosts that take longer
/// than 10 minutes are not waited for (D-45).
///
/// # Errors
/// Scaling down or deleting is refused.
pub async fn retire(site: &Site<'_>, _deployment: &Deployment, old: &str) -> Result<()> {
    let (clouds, env, filter) = (site.clouds, site.env, DeleteFilter::Name(old));
    group::scale_down(clouds, env, filter, false, true, site.progress).await?;
    let waited = group::scale_down(clouds, env, filter, true, true, site.progress).await;
    if let Err(error) = waited {
        tracing::error!("the hosts of {old} are not waited for: {error}");
    }
    let (groups, usage) = group::groups_and_usage(clouds, env).await?;
    let (plan, _) = plan_delete(env, &groups, &usage, filter, true, true)?;
    apply(site, plan).await
}

/// Step 15: deletes the testing balancer and what has left with the old group, and removes the mark of a deployment under way
/// from the group.
///
/// # Errors
/// AWS refuses; running again goes on.
pub async fn finish(site: &Site<'_>, deployment: &Deployment, name: &str) -> Result<()> {
    let (env, hostclass) = (site.env, deployment.hostclass.as_str());
    let (groups, balancer) = tokio::try_join!(
        group::groups(site.clouds, env),
        testing_balancer(site, hostclass)
    )?;
    let stay: Vec<&Group> = groups.iter().collect();
    run(site, removal(env, hostclass, &stay, balancer)?).await?;
    // The normal balancer as it is configured: one of another type, or one that is not wanted, has only waited for this.
    update_normal(site, hostclass).await?;
    sweep(site, hostclass).await?;
    let group = the(site, name).await?;
    apply(site, plan_mark(&group, &[(tag::DEPLOY_REPLACES, None)])).await
}

/// Refuses a group that serves. Pure.
fn may_go(group: &Group, groups: &[Group]) -> Result<()> {
    let replaced = group.tags.get(tag::DEPLOY_REPLACES).map(String::as_str);
    let serves = |name: &str| {
        let mut all = groups.iter();
        all.any(|own| own.name == name && !own.deleting && own.max_size > 0)
    };
    let expendable = replaced.is_some_and(|old| old == REPLACES_NOTHING || serves(old));
    if group.is_testing() || expendable {
        return Ok(());
    }
    let what = format!(
        "group {} is not removed: it is not under test, and nothing else serves in its place",
        group.name
    );
    let hint = format!(
        "delete it with `disco_autoscale deletegroup --name {} --force` if it is not wanted",
        group.name
    );
    Err(Error::refused(what).with_hint(hint))
}

async fn testing_balancer(site: &Site<'_>, hostclass: &str) -> Result<PlannedBalancer> {
    plan_testing_removal(site.clouds.aws, site.env, hostclass, &site.vpc.id).await
}

/// The end of the testing balancer, after groups that stay are detached.
fn removal(
    env: &str,
    hostclass: &str,
    stay: &[&Group],
    balancer: PlannedBalancer,
) -> Result<Plan<BalancerUpdateAction>> {
    let Some(mut plan) = detached(env, hostclass, stay, &balancer.detach)? else {
        return Ok(Plan::default());
    };
    for warning in &balancer.warnings {
        tracing::warn!("{warning}");
    }
    let before = plan.ids();
    let leaving = balancer.leaving.map(BalancerUpdateAction::Balancer);
    plan.extend(leaving.after(&before));
    Ok(plan)
}

/// Detaches groups that stay from what goes. `None` if an operator tests a group of his own behind it: it stays then. Pure.
fn detached(
    env: &str,
    hostclass: &str,
    stay: &[&Group],
    going: &Attachments,
) -> Result<Option<Plan<BalancerUpdateAction>>> {
    let is_attached = |group: &Group| {
        let mut names = going.load_balancers.iter();
        let mut arns = going
            .target_groups
            .iter()
            .filter_map(|own| own.arn.as_ref());
        names.any(|name| group.load_balancers.contains(name))
            || arns.any(|arn| group.target_groups.contains(arn))
    };
    let is_operators = |group: &Group| {
        let own = group.hostclass(env) == hostclass && !group.deleting && group.is_testing();
        own && !group.tags.contains_key(tag::DEPLOY_REPLACES)
    };
    let mut all = stay.iter();
    if let Some(group) = all.find(|own| is_operators(own) && is_attached(own)) {
        tracing::info!(
            "the testing load balancer of {hostclass} stays: group {} is behind it",
            group.name
        );
        return Ok(None);
    }
    let plan = detach(stay.iter().copied(), env, going)?;
    Ok(Some(plan.map(BalancerUpdateAction::Group)))
}

async fn run(site: &Site<'_>, plan: Plan<BalancerUpdateAction>) -> Result<()> {
    if plan.is_empty() {
        return Ok(());
    }
    let update = BalancerUpdate {
        plan,
        warnings: Vec::new(),
    };
    update.run(site.clouds, site.progress).await
}

/// Deletes the launch templates of the hostclass that Asiaq named and that no group launches from: those that groups of this
/// and of interrupted deployments have launched from (D-34).
pub(in crate::deploy) async fn sweep(site: &Site<'_>, hostclass: &str) -> Result<()> {
    let (aws, env) = (site.clouds.aws, site.env);
    // What groups use comes last: a group that is made meanwhile has its template before.
    let objects = group::launch_objects(aws, env).await?;
    let own = |object: &LaunchObject| names::hostclass_of(env, &object.name) == hostclass;
    let objects: Vec<LaunchObject> = objects.into_iter().filter(own).collect();
    if objects.is_empty() {
        return Ok(());
    }
    let survey = group::survey(site.clouds, env).await?;
    let used = survey
        .users
        .into_iter()
        .map(|(key, groups)| (key, groups.len()));
    let used: BTreeMap<String, usize> = used.collect();
    apply(site, plan_clean_launch_objects(env, &objects, &used)).await
}

#[cfg(test)]
mod tests;
