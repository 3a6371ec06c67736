//! Groups of a deployment: made under test, admitted to service, retired, removed (spec 50, sections 13.3 to 13.5 and 16).
//!
//! Provisioning does the work: this file says what it is to do at each step. `removal` takes away what is left over.

mod removal;

pub use removal::{finish, remove, retire};

pub(super) use removal::sweep;

use super::{Deployment, Site};
use crate::balancer::{self, BalancerSpec};
use crate::error::{Error, Result};
use crate::group::{self, Group, Kind, plan_mark, tag_instances};
use crate::host::provision::{self, Provision, Purpose, Request};
use crate::names::tag;
use crate::pipeline::{CreateSizes, Pipeline, Row, Sizes};
use crate::plan::{Plan, Yields};
use std::collections::BTreeMap;

/// Step 1: makes a new group under test, with the testing balancer if there is one. Waits for nothing but the creation. `made`
/// gets its name before anything is made.
///
/// # Errors
/// The hostclass has too many groups; a part could not be made: then [`remove`] with what `made` holds is for the caller.
pub async fn make(
    site: &Site<'_>,
    deployment: &Deployment,
    made: &mut Option<String>,
) -> Result<()> {
    let number = |size: u32| Sizes::parse(&size.to_string()).ok().flatten();
    let row = Row {
        min_size: number(deployment.min),
        desired_size: number(deployment.desired),
        max_size: number(deployment.max),
        ..row(deployment)
    };
    let old = deployment.old.as_ref().map(|group| group.name.as_str());
    let pipeline = pipeline(deployment, row);
    let planned = prepare(site, &pipeline, Purpose::Trial { old }).await?;
    let name = planned_group(&planned)?;
    if old == Some(name.as_str()) {
        return Err(Error::refused(
            "Old group and new group should not be the same.",
        ));
    }
    *made = Some(name);
    planned.run(site.clouds, site.progress).await
}

/// Steps 11 and 13: the group serves. Launch template and sizes, normal balancer attached before the testing one is detached,
/// recurring actions; last `is_testing`, of the group and of its instances: until then the group counts as one under test.
///
/// # Errors
/// AWS or Spotinst refuses.
pub async fn admit(site: &Site<'_>, deployment: &Deployment, name: &str) -> Result<()> {
    let pipeline = pipeline(deployment, row(deployment));
    let sizes = present_sizes(site, deployment).await?;
    let purpose = Purpose::Admission { group: name, sizes };
    let planned = prepare(site, &pipeline, purpose).await?;
    planned.run(site.clouds, site.progress).await?;
    let group = the(site, name).await?;
    apply(site, plan_mark(&group, &[(tag::IS_TESTING, Some("0"))])).await?;
    let tags = BTreeMap::from([(tag::IS_TESTING.to_owned(), "0".to_owned())]);
    tag_instances(site.clouds.aws, &hosts(site, &group).await?, &tags).await
}

/// Step 12: waits until these instances are in service behind the normal balancer or target group; without one at once. With
/// `testing` until the testing balancer has an instance and all of its are in service.
///
/// # Errors
/// Not within `in_service_timeout`.
pub async fn wait_in_service(
    site: &Site<'_>,
    deployment: &Deployment,
    instances: &[String],
    testing: bool,
) -> Result<()> {
    // Hosts that were there for the test only have gone (D-35).
    let none_left = !testing && real_sizes(deployment).desired == Some(0);
    if none_left || (testing && !deployment.uses_elb) || (!testing && instances.is_empty()) {
        return Ok(());
    }
    let own = site.config.hostclass(&deployment.hostclass, site.env)?;
    let spec = BalancerSpec {
        testing,
        options: own.balancer.clone(),
        domain: own.domain_name.clone(),
        ..BalancerSpec::none(site.env, &deployment.hostclass, &site.vpc.id)
    };
    let only = if testing { &[] } else { instances };
    balancer::wait_for_hosts(site.clouds.aws, &spec, only, deployment.limits.in_service).await
}

/// Step 10: the old group of a hostclass that is not deployable gets the new image for future hosts; the ones that run stay.
///
/// # Errors
/// AWS or Spotinst refuses.
pub async fn give_image(site: &Site<'_>, deployment: &Deployment) -> Result<()> {
    let Some(old) = &deployment.old else {
        return Ok(());
    };
    let pipeline = pipeline(deployment, row(deployment));
    let purpose = Purpose::Image { group: &old.name };
    let planned = prepare(site, &pipeline, purpose).await?;
    planned.run(site.clouds, site.progress).await?;
    sweep(site, &deployment.hostclass).await
}

/// The sizes that the group was to have in service when the deployment began: those of the old group if there is one. The test
/// may need more (D-35).
pub(super) fn real_sizes(deployment: &Deployment) -> CreateSizes {
    match &deployment.old {
        Some(old) => sizes_of(old),
        None => CreateSizes {
            min: deployment.min,
            max: deployment.max,
            desired: Some(deployment.desired),
        },
    }
}

/// The sizes that the group is to have in service as of now: the old group may have been scaled since the deployment began.
async fn present_sizes(site: &Site<'_>, deployment: &Deployment) -> Result<CreateSizes> {
    let Some(old) = &deployment.old else {
        return Ok(real_sizes(deployment));
    };
    let groups = group::groups(site.clouds, site.env).await?;
    let mut now = groups.iter().filter(|group| !group.deleting);
    let now = now.find(|group| group.name == old.name);
    Ok(sizes_of(now.unwrap_or(old)))
}

fn sizes_of(group: &Group) -> CreateSizes {
    let size = |count: i32| u32::try_from(count).unwrap_or(0);
    CreateSizes {
        min: size(group.min_size),
        max: size(group.max_size),
        desired: Some(size(group.desired_capacity)),
    }
}

/// The row of the deployment: the image and nothing else is new.
pub(super) fn row(deployment: &Deployment) -> Row {
    Row {
        sequence: Some("1".to_owned()),
        hostclass: Some(deployment.hostclass.clone()),
        ami: Some(deployment.image.id.clone()),
        smoke_test: false,
        ..deployment.row.clone()
    }
}

pub(super) fn pipeline(deployment: &Deployment, row: Row) -> Pipeline {
    Pipeline {
        file: deployment.pipeline_file.clone(),
        rows: vec![row],
    }
}

/// Plans the row. Nothing is changed.
pub(super) async fn prepare<'a>(
    site: &'a Site<'a>,
    pipeline: &'a Pipeline,
    purpose: Purpose<'a>,
) -> Result<Provision<'a>> {
    let request = Request {
        config: site.config,
        vpc_config: site.vpc_config,
        env: site.env,
        pipeline,
        stage: None,
        testing: matches!(purpose, Purpose::Trial { .. }),
        smoke_tests: false,
        keep_failing_hosts: false,
        leaving: Vec::new(),
        purpose,
        owner: site.owner,
        ssh: None,
    };
    let planned = provision::prepare_in(site.clouds, request, Some(site.vpc)).await?;
    for row in planned.sequences.iter().flat_map(|own| &own.rows) {
        row.notes.iter().for_each(|note| site.progress.note(note));
        for warning in &row.warnings {
            tracing::warn!("{warning}");
        }
    }
    Ok(planned)
}

fn planned_group(planned: &Provision<'_>) -> Result<String> {
    let mut rows = planned.sequences.iter().flat_map(|own| &own.rows);
    let name = rows.next().map(|row| row.group_name.clone());
    name.ok_or_else(|| Error::refused("the deployment has no row"))
}

/// The group of that name as it is now.
pub(super) async fn the(site: &Site<'_>, name: &str) -> Result<Group> {
    let found = group::groups(site.clouds, site.env).await?;
    let own = found
        .into_iter()
        .find(|group| group.name == name && !group.deleting);
    own.ok_or_else(|| {
        Error::not_found(format!(
            "group {name} is gone from environment `{}`",
            site.env
        ))
    })
}

/// The instances of a group as just read.
async fn hosts(site: &Site<'_>, group: &Group) -> Result<Vec<String>> {
    if group.kind == Kind::Asg {
        return Ok(group.instances.iter().map(|own| own.id.clone()).collect());
    }
    let all = group::instances(site.clouds, site.env).await?;
    let own = all.into_iter().filter(|own| own.group == group.name);
    Ok(own.map(|own| own.id).collect())
}

/// Makes changes of groups.
pub(super) async fn apply(site: &Site<'_>, plan: Plan<group::GroupAction>) -> Result<()> {
    if plan.is_empty() {
        return Ok(());
    }
    let executor = group::executor(site.clouds, site.progress, &Yields::default());
    plan.apply(&executor, site.progress).await?;
    Ok(())
}

#[cfg(test)]
pub(super) mod tests;
