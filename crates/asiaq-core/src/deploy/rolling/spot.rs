//! Rolling Elastigroups: the group gets the image, then Spotinst replaces its instances.

use super::checks::judge;
use super::{Judgement, Roller, RollingOptions};
use crate::deploy::{Deployment, Site, groups};
use crate::error::{Error, Result};
use crate::group::{self, Group, GroupAction, RollsFrom, plan_mark};
use crate::host::provision::Purpose;
use crate::names::tag;
use crate::plan::{Plan, Sign};
use crate::spotinst::{HealthCheck, Roll};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Grace period of a roll if none is configured.
const GRACE: Duration = Duration::from_secs(1200);

/// Replaces the hosts of an Elastigroup.
pub(super) struct Rolling<'a> {
    site: &'a Site<'a>,
    deployment: &'a Deployment,
    group: &'a str,
    options: RollingOptions,
    /// The group as it was, once it has been changed, and the image that comes back.
    former: Mutex<Option<(Group, Option<String>)>>,
}

impl<'a> Rolling<'a> {
    pub(super) fn new(
        site: &'a Site<'a>,
        deployment: &'a Deployment,
        group: &'a str,
        options: RollingOptions,
    ) -> Self {
        Self {
            site,
            deployment,
            group,
            options,
            former: Mutex::new(None),
        }
    }

    fn begun(&self) -> Option<(Group, Option<String>)> {
        let former = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        former.clone()
    }

    /// The group as it was, its image, and the change that makes it so again; `None` if it has not been changed.
    fn former(&self) -> Option<(Group, Option<String>, GroupAction)> {
        let (own, image) = self.begun()?;
        let mut action = group::former_launch(&own)?;
        if let GroupAction::UpdateElastigroup { change, .. } = &mut action {
            change.image_id.clone_from(&image);
        }
        Some((own, image, action))
    }

    /// Records what comes back if the new image fails, here and in a tag of the group.
    async fn begin(&self, own: &Group) -> Result<()> {
        let image = before(own);
        let rolls = image.as_ref().map(|image| RollsFrom {
            from: image.clone(),
            to: self.deployment.image.id.clone(),
        });
        *self.former.lock().unwrap_or_else(PoisonError::into_inner) = Some((own.clone(), image));
        let Some(rolls) = rolls else {
            return Ok(());
        };
        let value = rolls.value();
        let plan = plan_mark(own, &[(tag::DEPLOY_ROLLS_FROM, Some(&value))]);
        groups::apply(self.site, plan).await
    }

    fn limit(&self, group: &Group) -> Duration {
        let hosts = u32::try_from(group.desired_capacity).unwrap_or(0);
        let grace = roll(self.options, group).grace_period.as_secs();
        let grace = u32::try_from(grace).unwrap_or(u32::MAX);
        self.options.limit(hosts, grace)
    }

    async fn roll(&self, group: &Group) -> Result<()> {
        let roll = roll(self.options, group);
        self.site.progress.note(&format!(
            "rolling Elastigroup {} in batches of {}%",
            group.name, roll.batch_percent
        ));
        group::roll_with(self.site.clouds, group, &roll, self.limit(group)).await
    }
}

/// The image to go back to: that of before an interrupted deployment if the group records it, else that of the group. Pure.
fn before(own: &Group) -> Option<String> {
    let now = own.image_id.clone()?;
    let rolls = RollsFrom::of(&own.tags);
    let recorded = rolls.and_then(|rolls| rolls.before(&now).map(str::to_owned));
    Some(recorded.unwrap_or(now))
}

/// How the instances of a group are replaced. Pure.
fn roll(options: RollingOptions, group: &Group) -> Roll {
    let grace = options
        .warmup
        .map(|seconds| Duration::from_secs(seconds.into()));
    Roll {
        batch_percent: options.batch(),
        grace_period: grace.unwrap_or(GRACE),
        health_check: if !group.load_balancers.is_empty() {
            HealthCheck::Elb
        } else if !group.target_groups.is_empty() {
            HealthCheck::TargetGroup
        } else {
            HealthCheck::Ec2
        },
    }
}

impl Roller for Rolling<'_> {
    async fn forward(&self) -> Result<Judgement> {
        let (site, clouds) = (self.site, self.site.clouds);
        let interrupt = site.interrupt;
        let own = interrupt.guard(groups::the(site, self.group)).await?;
        let earlier = group::wait_rolled(clouds, &own, self.limit(&own));
        if interrupt.guard(earlier).await? {
            site.progress
                .note(&format!("an earlier roll of {} has ended", self.group));
        }
        let pipeline = groups::pipeline(self.deployment, groups::row(self.deployment));
        let purpose = Purpose::Image { group: self.group };
        let prepared = groups::prepare(site, &pipeline, purpose);
        let planned = interrupt.guard(prepared).await?;
        self.begin(&own).await?;
        planned.run(clouds, site.progress).await?;
        match interrupt.guard(self.roll(&own)).await {
            // The service says that the roll failed, or does not end: that may be for lack of capacity.
            Err(error @ (Error::Refused { .. } | Error::Timeout { .. })) => Ok(Judgement::Bad {
                why: error.to_string(),
                to_blame: false,
            }),
            Err(error) => Err(error),
            Ok(()) => {
                let judged = judge(site, self.deployment, self.group, &[]);
                interrupt.guard(judged).await
            }
        }
    }

    fn has_begun(&self) -> bool {
        self.begun().is_some()
    }

    async fn back(&self) -> Result<String> {
        let name = self.group;
        let Some((own, image, action)) = self.former() else {
            return Ok(format!("Elastigroup {name} has not been changed"));
        };
        let image = image.unwrap_or_else(|| "of before".to_owned());
        let mut plan = Plan::default();
        let line = format!("Elastigroup {name}: image {image} again");
        plan.push(format!("group/{name}"), [""; 0], Sign::Modify, line, action);
        groups::apply(self.site, plan).await?;
        group::wait_rolled(self.site.clouds, &own, self.limit(&own)).await?;
        self.roll(&own).await?;
        Ok(format!("Elastigroup {name} serves image {image} again"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::deploy::groups::tests::group;

    #[test]
    fn the_image_of_before_an_interrupted_deployment_comes_back() {
        let table = [
            (Some("ami-2"), "", Some("ami-2")),
            (Some("ami-2"), "ami-1/ami-2", Some("ami-1")),
            (Some("ami-1"), "ami-1/ami-2", Some("ami-1")),
            // Somebody has changed the group since.
            (Some("ami-3"), "ami-1/ami-2", Some("ami-3")),
            (None, "ami-1/ami-2", None),
        ];
        for (now, tag, wanted) in table {
            let own = Group {
                image_id: now.map(str::to_owned),
                ..group("ci_mhcweb_1", (1, 1, 1), &[("deploy_rolls_from", tag)])
            };
            assert_eq!(before(&own).as_deref(), wanted, "{now:?} {tag}");
        }
    }

    #[test]
    fn health_is_told_by_what_stands_before_the_group() {
        let options = |healthy, warmup| RollingOptions {
            min_healthy_percentage: healthy,
            warmup,
            limit: None,
        };
        let bare = || group("ci_mhcweb_1", (1, 1, 1), &[]);
        let classic = Group {
            load_balancers: vec!["b".into()],
            ..bare()
        };
        let target = Group {
            target_groups: vec!["arn:t".into()],
            ..bare()
        };
        let table = [
            (options(90, None), bare(), (10, 1200, HealthCheck::Ec2)),
            (options(0, Some(60)), classic, (100, 60, HealthCheck::Elb)),
            (
                options(100, None),
                target,
                (1, 1200, HealthCheck::TargetGroup),
            ),
        ];
        for (options, group, (batch_percent, grace, health_check)) in table {
            let wanted = Roll {
                batch_percent,
                grace_period: Duration::from_secs(grace),
                health_check,
            };
            assert_eq!(roll(options, &group), wanted);
        }
    }
}
