//! Rolling deployments: hosts inside the group are replaced a few at a time (docs/deploying.md, "Rolling").
//!
//! `asg` and `spot` replace hosts of either kind of group and take that back; here is what both have in common: when to go back,
//! and what becomes of the image. `checks` judges hosts that have been replaced, `options` reads the configuration.

mod asg;
mod checks;
mod options;
mod spot;

pub use options::RollingOptions;

use super::{Deployment, Site, drive, groups};
use crate::error::{Error, Result};
use crate::group::{Group, Kind, RollsFrom, plan_mark};
use crate::image::manage::set_stage;
use crate::names::tag;

/// Stage of images that failed.
const FAILED: &str = "failed";

/// What the new hosts say about the image.
enum Judgement {
    /// They serve.
    Good,
    /// They do not, and this is why. The image is `to_blame`, or nobody knows.
    Bad { why: String, to_blame: bool },
}

/// Replaces the hosts of one group.
trait Roller {
    /// Replaces them and judges the new ones. Ctrl-C ends it, but no call that starts a replacement.
    async fn forward(&self) -> Result<Judgement>;

    /// Whether the group may have been changed.
    fn has_begun(&self) -> bool;

    /// Brings the old image back, as far as it has gone. Returns what serves then, for people.
    async fn back(&self) -> Result<String>;
}

/// The group whose hosts are replaced; `None` if the deployment goes the way of blue/green.
fn rolled(deployment: &Deployment) -> Option<&Group> {
    deployment.old.as_ref().filter(|_| deployment.deployable)
}

/// Why a deployment goes the way of blue/green.
fn instead(deployment: &Deployment) -> String {
    let hostclass = &deployment.hostclass;
    match &deployment.old {
        None => format!("{hostclass} has no group yet: a new one is tested, as for blue_green"),
        Some(old) => format!(
            "{hostclass} is not deployable, so the hosts of {} stay: the image is tested in a new group, as for blue_green",
            old.name
        ),
    }
}

/// The intended path, for a dry run.
pub fn path(deployment: &Deployment) -> Vec<String> {
    let Some(old) = rolled(deployment) else {
        let mut path = vec![instead(deployment)];
        path.extend(drive::path(deployment));
        return path;
    };
    let (group, image) = (old.name.as_str(), deployment.image.id.as_str());
    let replace = match old.kind {
        Kind::Asg => [
            format!("create a launch template with image {image}"),
            format!("start an instance refresh of group {group} and follow it"),
        ],
        Kind::Spot => [
            format!("give image {image} to Elastigroup {group}"),
            format!("roll Elastigroup {group} and follow that"),
        ],
    };
    let mut path = replace.to_vec();
    path.push(format!("look at the smoke tests of the hosts of {group}"));
    if let Some(test) = &deployment.integration_test {
        path.push(format!("run integration test {test}"));
    }
    path.push(format!(
        "if all is well: promote {image} to the last stage; else: bring the old image back, and mark {image} as {FAILED}"
    ));
    path
}

/// Rolls the group to the new image, or rolls it back.
///
/// # Errors
/// The configuration is wrong, and nothing has been changed. The image failed, or something went wrong: the error says what
/// serves.
pub async fn deploy(site: &Site<'_>, deployment: &Deployment) -> Result<()> {
    let options = RollingOptions::read(site.config, &deployment.hostclass)?;
    let Some(old) = rolled(deployment) else {
        site.progress.note(&instead(deployment));
        return drive::deploy(site, deployment).await;
    };
    let _charge = site.interrupt.take_charge();
    let ready = checks::ready(site, deployment);
    site.interrupt.guard(ready).await?;
    match old.kind {
        Kind::Asg => {
            let roller = asg::Refreshing::new(site, deployment, &old.name, options);
            run(site, deployment, &old.name, &roller).await
        }
        Kind::Spot => {
            let roller = spot::Rolling::new(site, deployment, &old.name, options);
            run(site, deployment, &old.name, &roller).await
        }
    }
}

/// What people read about a group whose hosts an interrupted deployment was replacing; `None` if there is nothing to tell. Pure.
pub fn interrupted(group: &Group) -> Option<String> {
    let rolls = RollsFrom::of(&group.tags)?;
    Some(format!(
        "a rolling deployment of group {} from {} to {} was interrupted: finish it with `disco_deploy test --ami AMI --strategy rolling`",
        group.name, rolls.from, rolls.to
    ))
}

/// Removes what was there for the deployment only.
async fn tidy(site: &Site<'_>, deployment: &Deployment, group: &str, begun: bool) -> Result<()> {
    // If nothing has begun the record is that of an earlier run, which is not done.
    if begun {
        let own = groups::the(site, group).await?;
        let plan = plan_mark(&own, &[(tag::DEPLOY_ROLLS_FROM, None)]);
        groups::apply(site, plan).await?;
    }
    groups::sweep(site, &deployment.hostclass).await
}

async fn run(
    site: &Site<'_>,
    deployment: &Deployment,
    group: &str,
    roller: &impl Roller,
) -> Result<()> {
    let seen = || Some("see the console output of the new hosts".to_owned());
    let (why, to_blame, own_hint) = match roller.forward().await {
        Ok(Judgement::Good) => {
            promote(site, deployment).await;
            return tidy(site, deployment, group, roller.has_begun()).await;
        }
        Ok(Judgement::Bad { why, to_blame }) => (why, to_blame, seen()),
        Err(Error::Interrupted) => {
            site.progress.note(
                "interrupted: bringing the old image back; interrupt again to leave it to AWS",
            );
            let serves = roller.back().await?;
            site.progress.note(&serves);
            tidy(site, deployment, group, roller.has_begun()).await?;
            return Err(Error::Interrupted);
        }
        // Nothing has been changed.
        Err(error @ Error::Config(_)) if !roller.has_begun() => return Err(error),
        Err(error) => (error.to_string(), false, error.hint()),
    };
    if to_blame {
        mark(site, deployment, FAILED).await;
    }
    let (serves, hint) = match roller.back().await {
        Ok(serves) => {
            if let Err(error) = tidy(site, deployment, group, roller.has_begun()).await {
                tracing::warn!("launch templates that nobody uses, or a tag of {group}, stay: {error}");
            }
            (serves, own_hint)
        }
        // AWS may need templates that the group does not launch from, so all of them stay.
        Err(error) => (
            format!("bringing the old image back failed: {error}"),
            Some("the group may serve both images: look at its instance refreshes or rolls, or run the deployment again".to_owned()),
        ),
    };
    let error = Error::refused(format!("{why}; {serves}"));
    Err(match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    })
}

/// Promotes the image that serves. A failure is told, and the deployment stands.
async fn promote(site: &Site<'_>, deployment: &Deployment) {
    match site.config.ami_stages() {
        Ok(stages) => {
            if let Some(last) = stages.last() {
                mark(site, deployment, last).await;
            }
        }
        Err(error) => tracing::error!("{error}"),
    }
}

async fn mark(site: &Site<'_>, deployment: &Deployment, stage: &str) {
    let image = &deployment.image;
    if let Err(error) = set_stage(site.clouds.aws, site.config, image, stage).await {
        tracing::error!("image {} is not marked as {stage}: {error}", image.id);
    }
}

#[cfg(test)]
mod tests;
