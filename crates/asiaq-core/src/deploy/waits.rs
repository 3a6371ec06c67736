//! Waiting for the hosts of a new group: that they come, and that they pass their smoke tests (spec 50, section 13.3, steps 3,
//! 4 and 8). Only hosts of the group count, whatever others run of the image. Read only.

use super::{Deployment, Site};
use crate::aws::{Aws, Context};
use crate::error::{Error, Result};
use crate::group::Kind;
use crate::host::{self, Host, Selection, Smoke};
use crate::names;
use aws_sdk_autoscaling::types::{Activity, ScalingActivityStatusCode};
use std::time::Duration;

/// Pause between looks for hosts.
const PAUSE: Duration = Duration::from_secs(15);
/// So many of the newest activities of a group are read for the reason why it has no hosts.
const ACTIVITIES: i32 = 20;

/// How smoke tests ended.
#[derive(Debug)]
pub(super) enum Tested {
    /// All hosts passed.
    Passed,
    /// A host died in it: that is an answer about the image.
    Died(Error),
}

/// Ids of the hosts of a group that are not gone, of one image only if that is given.
pub(super) async fn hosts_of(
    site: &Site<'_>,
    group: &str,
    image: Option<&str>,
) -> Result<Vec<String>> {
    let selection = Selection {
        groups: vec![group.to_owned()],
        ..Selection::default()
    };
    let found = host::select(site.clouds.aws, &site.vpc.id, &selection).await?;
    let (alive, _) = host::split_gone(found);
    let own = |host: &Host| image.is_none_or(|image| host.image_id == image);
    Ok(alive.into_iter().filter(own).map(|host| host.id).collect())
}

/// Step 3: waits until the group has its hosts of the image; gives their ids.
///
/// # Errors
/// Not within `hosts_timeout`. If AWS says that it could not launch them the error is a refusal with the reason, because that
/// says nothing about the image; else a timeout.
pub(super) async fn hosts(
    site: &Site<'_>,
    deployment: &Deployment,
    group: &str,
) -> Result<Vec<String>> {
    let wanted = deployment.desired.max(1) as usize;
    let image = deployment.image.id.as_str();
    let limit = deployment.limits.hosts;
    let mut found = Vec::new();
    let waited = site.clouds.aws.poll.until("", PAUSE, limit, async || {
        let before = found.len();
        found = hosts_of(site, group, Some(image)).await?;
        if found.len() < wanted && (before == 0 || before != found.len()) {
            site.progress.note(&format!(
                "Waiting for hosts of {image} in group {group}: {} of {wanted}",
                found.len()
            ));
        }
        Ok((found.len() >= wanted).then_some(()))
    });
    match waited.await {
        Ok(()) => Ok(found),
        Err(Error::Timeout { after, .. }) => {
            let what = format!(
                "group {group} has {} of {wanted} hosts of image {image}",
                found.len()
            );
            Err(match refusal(site, deployment.kind, group).await {
                Some(why) => Error::refused(format!(
                    "{what} after {} s, AWS could not launch them: {why}",
                    after.as_secs()
                )),
                None => Error::Timeout { what, after },
            })
        }
        Err(other) => Err(other),
    }
}

/// Why AWS could not launch hosts of an Auto Scaling group, if it says so. That it cannot be asked is told and is no answer.
async fn refusal(site: &Site<'_>, kind: Kind, group: &str) -> Option<String> {
    if kind != Kind::Asg {
        return None;
    }
    match failed_activity(site.clouds.aws, group).await {
        Ok(why) => why,
        Err(error) => {
            tracing::warn!("why group {group} lacks hosts is not known: {error}");
            None
        }
    }
}

/// What AWS says about the newest activity of the group that failed.
async fn failed_activity(aws: &Aws, group: &str) -> Result<Option<String>> {
    let call = aws
        .autoscaling()
        .describe_scaling_activities()
        .auto_scaling_group_name(group)
        .max_records(ACTIVITIES);
    let operation = "autoscaling:DescribeScalingActivities";
    let answer = call.send().await.context(operation, group)?;
    Ok(newest_failure(answer.activities()))
}

/// The newest come first. Pure.
fn newest_failure(activities: &[Activity]) -> Option<String> {
    let mut failed = activities
        .iter()
        .filter(|own| own.status_code() == Some(&ScalingActivityStatusCode::Failed));
    failed.find_map(|own| own.status_message().map(str::to_owned))
}

/// Step 4: waits until these hosts have passed their smoke tests.
///
/// # Errors
/// Not within `smoke_test_timeout`; AWS or ssh does not work, which says nothing about the image.
pub(super) async fn smoke_tests(
    site: &Site<'_>,
    deployment: &Deployment,
    smoke: &Smoke<'_>,
    hosts: &[String],
) -> Result<Tested> {
    let (aws, limit) = (site.clouds.aws, deployment.limits.smoke_tests);
    match host::wait_smoke_tested(aws, hosts, smoke, limit, site.progress).await {
        Ok(()) => Ok(Tested::Passed),
        // The wait refuses to go on for this reason, and for others that have to do with this machine.
        Err(error @ Error::Refused { .. }) => {
            let now = host::by_ids(aws, hosts).await?;
            if now.iter().any(Host::is_terminated) {
                return Ok(Tested::Died(error));
            }
            Err(error)
        }
        Err(other) => Err(other),
    }
}

/// Names of the environment's credential buckets, with the keys that ssh needs.
///
/// # Errors
/// The configuration is wrong.
pub(super) fn credential_buckets(site: &Site<'_>) -> Result<Vec<String>> {
    let vpc = site.vpc;
    let postfixes = site
        .vpc_config
        .credential_postfixes(&vpc.name, &vpc.env_type)?;
    if postfixes.is_empty() {
        return Ok(Vec::new());
    }
    let project = site.config.project_name()?;
    let region = site.clouds.aws.region();
    let name = |postfix: &String| names::credential_bucket(region, &project, postfix);
    Ok(postfixes.iter().map(name).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn activity(status: ScalingActivityStatusCode, message: Option<&str>) -> Activity {
        Activity::builder()
            .status_code(status)
            .set_status_message(message.map(str::to_owned))
            .build()
    }

    #[test]
    fn the_newest_failure_says_why() {
        use ScalingActivityStatusCode as Code;
        let failed = |message| activity(Code::Failed, Some(message));
        let table = [
            (vec![], None),
            (vec![activity(Code::InProgress, Some("launching"))], None),
            (vec![activity(Code::Failed, None)], None),
            (
                vec![
                    activity(Code::Successful, None),
                    failed("no capacity"),
                    failed("no such image"),
                ],
                Some("no capacity"),
            ),
        ];
        for (activities, wanted) in table {
            assert_eq!(newest_failure(&activities).as_deref(), wanted);
        }
    }
}
