//! Replacement of the instances inside an Auto Scaling group: AWS' instance refresh (docs/deploying.md, "Rolling").

use super::action::NewRefresh;
use super::calls::{is_busy, patiently, size};
use super::record::LaunchRef;
use crate::aws::{Aws, Context};
use crate::error::{Error, Result};
use aws_sdk_autoscaling::types::{
    DesiredConfiguration, Instance, InstanceRefresh, InstanceRefreshStatus,
    LaunchTemplateSpecification, RefreshPreferences, RefreshStrategy, ScaleInProtectedInstances,
    StandbyInstances,
};

/// Refreshes in one page; the newest come first.
const PAGE: i32 = 20;

/// How far a refresh is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshState {
    /// Instances are replaced, or will be.
    UnderWay,
    /// It is taken back, or stopped, and not done with that.
    Leaving,
    /// All instances are replaced.
    Successful,
    /// It failed, and what was replaced stays replaced.
    Failed,
    /// Somebody stopped it, and what was replaced stays replaced.
    Cancelled,
    /// It failed and has been taken back.
    RolledBack,
    /// It failed, and so did taking it back.
    RollbackFailed,
}

impl RefreshState {
    fn of(status: Option<&InstanceRefreshStatus>) -> Self {
        use InstanceRefreshStatus as Sdk;
        match status {
            Some(Sdk::Successful) => Self::Successful,
            Some(Sdk::Failed) => Self::Failed,
            Some(Sdk::Cancelled) => Self::Cancelled,
            Some(Sdk::RollbackSuccessful) => Self::RolledBack,
            Some(Sdk::RollbackFailed) => Self::RollbackFailed,
            Some(Sdk::RollbackInProgress | Sdk::Cancelling) => Self::Leaving,
            _ => Self::UnderWay,
        }
    }

    /// Nothing happens any more.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::UnderWay | Self::Leaving)
    }
}

/// An instance refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// Id.
    pub id: String,
    /// How far it is.
    pub state: RefreshState,
    /// AWS' word for that.
    pub status: String,
    /// Share of the instances that are replaced.
    pub percentage: i32,
    /// Why it is so far and not farther, in AWS' words.
    pub reason: Option<String>,
    /// What instances launch from when it is done, if it changes that.
    pub launch: LaunchRef,
}

impl Refresh {
    fn from_sdk(own: &InstanceRefresh) -> Option<Self> {
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let template = own
            .desired_configuration()
            .and_then(|own| own.launch_template());
        let launch = template.map_or(LaunchRef::None, |own| LaunchRef::Template {
            id: text(own.launch_template_id()),
            name: text(own.launch_template_name()),
            version: text(own.version()),
        });
        Some(Self {
            id: own.instance_refresh_id()?.to_owned(),
            state: RefreshState::of(own.status()),
            status: text(own.status().map(InstanceRefreshStatus::as_str)),
            percentage: own.percentage_complete().unwrap_or(0),
            reason: own.status_reason().map(str::to_owned),
            launch,
        })
    }
}

/// The latest refreshes of a group, the newest first.
pub async fn refreshes(aws: &Aws, group: &str) -> Result<Vec<Refresh>> {
    let call = aws.autoscaling().describe_instance_refreshes();
    let call = call.auto_scaling_group_name(group).max_records(PAGE);
    let answer = call.send().await;
    let answer = answer.context("autoscaling:DescribeInstanceRefreshes", group)?;
    let all = answer.instance_refreshes().iter();
    Ok(all.filter_map(Refresh::from_sdk).collect())
}

/// The instances of a group that a refresh leaves alone: those in standby, and those that are protected from scale in.
pub async fn spared(aws: &Aws, group: &str) -> Result<Vec<String>> {
    let call = aws.autoscaling().describe_auto_scaling_groups();
    let answer = call.auto_scaling_group_names(group).send().await;
    let answer = answer.context("autoscaling:DescribeAutoScalingGroups", group)?;
    let groups = answer.auto_scaling_groups().iter();
    let all = groups.flat_map(|own| own.instances());
    let left = all.filter(|own| is_spared(own));
    Ok(left
        .filter_map(|own| own.instance_id().map(str::to_owned))
        .collect())
}

fn is_spared(own: &Instance) -> bool {
    let state = own.lifecycle_state().map(|state| state.as_str());
    own.protected_from_scale_in() == Some(true)
        || matches!(state, Some("Standby" | "EnteringStandby"))
}

/// Starts a refresh that AWS takes back by itself if it fails. One to the same template that is under way was started by an
/// attempt that got no answer.
///
/// # Errors
/// AWS refuses; a refresh to something else is under way.
pub(super) async fn start(
    aws: &Aws,
    new: &NewRefresh,
    template: &str,
    version: &str,
) -> Result<()> {
    let launch = LaunchTemplateSpecification::builder()
        .launch_template_id(template)
        .version(version)
        .build();
    let desired = DesiredConfiguration::builder()
        .launch_template(launch)
        .build();
    let preferences = RefreshPreferences::builder()
        .min_healthy_percentage(size(new.min_healthy_percentage))
        .set_max_healthy_percentage(new.max_healthy_percentage.map(size))
        .instance_warmup(size(new.warmup))
        .scale_in_protected_instances(ScaleInProtectedInstances::Ignore)
        .standby_instances(StandbyInstances::Ignore)
        .skip_matching(true)
        .auto_rollback(true)
        .build();
    let call = async || {
        let call = aws.autoscaling().start_instance_refresh();
        let call = call
            .auto_scaling_group_name(&new.group)
            .strategy(RefreshStrategy::Rolling)
            .desired_configuration(desired.clone())
            .preferences(preferences.clone());
        let operation = "autoscaling:StartInstanceRefresh";
        match call.send().await.context(operation, &new.group) {
            Err(error) if error.is("InstanceRefreshInProgress") => Ok(false),
            other => other.map(|_| true),
        }
    };
    if patiently(aws, &new.group, is_busy, call).await? {
        return Ok(());
    }
    let newest = refreshes(aws, &new.group).await?.into_iter().next();
    if newest.is_some_and(|own| is_to(&own.launch, template, version)) {
        return Ok(());
    }
    let what = format!(
        "another instance refresh of group {} is under way",
        new.group
    );
    Err(Error::refused(what).with_hint("wait until it has ended, then run the deployment again"))
}

fn is_to(launch: &LaunchRef, template: &str, wanted: &str) -> bool {
    matches!(launch, LaunchRef::Template { id, version, .. } if id == template && version == wanted)
}

/// Takes the refresh that is under way back: instances launch from what they launched from before. False if there is none, or
/// if it is being taken back already.
pub async fn roll_back(aws: &Aws, group: &str) -> Result<bool> {
    let call = aws.autoscaling().rollback_instance_refresh();
    let call = call.auto_scaling_group_name(group).send().await;
    match call.context("autoscaling:RollbackInstanceRefresh", group) {
        Err(error) if error.is("ActiveInstanceRefreshNotFound") => Ok(false),
        // AWS refuses a second request for the same.
        Err(error) if error.is("IrreversibleInstanceRefresh") => {
            let newest = refreshes(aws, group).await?.into_iter().next();
            match newest {
                Some(own) if own.state != RefreshState::UnderWay => Ok(false),
                _ => Err(error.into()),
            }
        }
        other => Ok(other.map(|_| true)?),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn terminal_states_are_those_of_aws() {
        let over: Vec<&str> = InstanceRefreshStatus::values()
            .iter()
            .filter(|word| RefreshState::of(Some(&InstanceRefreshStatus::from(**word))).is_over())
            .copied()
            .collect();
        assert_eq!(
            over,
            [
                "Cancelled",
                "Failed",
                "RollbackFailed",
                "RollbackSuccessful",
                "Successful"
            ]
        );
        assert_eq!(RefreshState::of(None), RefreshState::UnderWay);
    }

    #[test]
    fn only_a_refresh_to_the_same_version_of_the_template_is_ours() {
        let to = |id: &str, version: &str| LaunchRef::Template {
            id: id.to_owned(),
            name: String::new(),
            version: version.to_owned(),
        };
        assert!(is_to(&to("lt-1", "1"), "lt-1", "1"));
        assert!(!is_to(&to("lt-2", "1"), "lt-1", "1"));
        assert!(!is_to(&to("lt-1", "2"), "lt-1", "1"));
        assert!(!is_to(&LaunchRef::None, "lt-1", "1"));
    }

    #[test]
    fn hosts_in_standby_and_protected_ones_are_left_alone() {
        use aws_sdk_autoscaling::types::LifecycleState;
        let table = [
            (LifecycleState::InService, false, false),
            (LifecycleState::InService, true, true),
            (LifecycleState::Standby, false, true),
            (LifecycleState::Terminating, false, false),
        ];
        for (state, protected, wanted) in table {
            let own = Instance::builder().lifecycle_state(state);
            let own = own.protected_from_scale_in(protected).build();
            assert_eq!(is_spared(&own), wanted, "{own:?}");
        }
    }
}
