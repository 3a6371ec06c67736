//! Deleting groups: which ones and in which way (pure), and waiting until AWS is done (spec 30, section 9.3).

use super::action::GroupAction;
use super::clouds::Clouds;
use super::observed::{GroupState, groups_named};
use super::record::{Group, LaunchRef};
use super::spot;
use crate::error::{Error, Result};
use crate::names;
use crate::plan::{Plan, Sign};
use std::collections::BTreeMap;
use std::time::Duration;

/// Which groups of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteFilter<'a> {
    /// Those of a hostclass.
    Hostclass(&'a str),
    /// The one of that name.
    Name(&'a str),
    /// All.
    All,
}

impl DeleteFilter<'_> {
    /// The matching groups, newest first. Groups of other environments, and those that AWS is deleting already, never match.
    ///
    /// # Errors
    /// An empty hostclass or name: that is a mistake of the caller, never all groups.
    pub(super) fn select<'g>(&self, env: &str, groups: &'g [Group]) -> Result<Vec<&'g Group>> {
        if let Self::Hostclass("") | Self::Name("") = self {
            return Err(Error::refused(
                "no hostclass or group name is given; this would mean all groups of the environment",
            ));
        }
        let matches = |group: &&Group| match self {
            Self::Hostclass(hostclass) => group.hostclass(env) == *hostclass,
            Self::Name(name) => group.name == *name,
            Self::All => true,
        };
        let mut found: Vec<&Group> = groups
            .iter()
            .filter(|group| group.belongs_to(env) && !group.deleting)
            .filter(matches)
            .collect();
        found.sort_by(|a, b| b.name.cmp(&a.name));
        Ok(found)
    }
}

impl GroupState {
    /// The state in which AWS is deleting these groups: they are no longer "the" group of their hostclass, but their
    /// names are still taken.
    #[must_use]
    pub fn without(mut self, names: &[String]) -> Self {
        for group in &mut self.groups {
            group.deleting = group.deleting || names.contains(&group.name);
        }
        self
    }
}

/// Plans to delete groups, each with its launch object if no other group uses that; one that several groups share is left
/// to [`super::plan_clean_launch_objects`]. Without `force` a group that has instances stays, and a note says so; so does an
/// Elastigroup whose instances are unknown, see [`super::read_statuses`]. `in_use` is [`super::launch_usage`]. With `strict`
/// AWS' refusal is an error, else a note; that of Spotinst always is an error.
///
/// # Errors
/// An empty hostclass or name.
pub fn plan_delete(
    env: &str,
    groups: &[Group],
    in_use: &BTreeMap<String, usize>,
    filter: DeleteFilter<'_>,
    force: bool,
    strict: bool,
) -> Result<(Plan<GroupAction>, Vec<String>)> {
    let (mut plan, mut notes) = (Plan::default(), Vec::new());
    for group in filter.select(env, groups)? {
        let count = group.count();
        if count != Some(0) && !force {
            let why = count.map_or_else(
                || "nobody knows whether it has instances".to_owned(),
                |count| format!("it has {}", counted(count)),
            );
            notes.push(format!(
                "{} cannot be deleted: {why} (force is False)",
                group.name
            ));
            continue;
        }
        let what = match count {
            Some(count) => counted(count),
            None => "with its instances".to_owned(),
        };
        if let Some(reference) = group.spot_ref() {
            let line = format!(
                "group {} {} (Elastigroup, {what})",
                group.hostclass(env),
                group.name
            );
            let action = GroupAction::DeleteElastigroup(reference);
            let key = format!("group-delete/{}", group.name);
            plan.push(key, [""; 0], Sign::Remove, line, action);
            continue;
        }
        let launch = Some(&group.launch)
            .filter(|launch| is_own_and_unshared(env, launch, in_use))
            .cloned();
        let mut lines = vec![format!(
            "group {} {} ({})",
            group.hostclass(env),
            group.name,
            what
        )];
        lines.extend(launch.as_ref().map(describe));
        let action = GroupAction::DeleteGroup {
            name: group.name.clone(),
            force,
            strict,
            launch,
        };
        plan.push(
            format!("group-delete/{}", group.name),
            [""; 0],
            Sign::Remove,
            lines,
            action,
        );
    }
    Ok((plan, notes))
}

fn counted(instances: usize) -> String {
    if instances == 1 {
        "1 instance".to_owned()
    } else {
        format!("{instances} instances")
    }
}

/// `launch template NAME` or `launch configuration NAME`.
pub(super) fn describe(launch: &LaunchRef) -> String {
    let name = launch.name().unwrap_or_default();
    let what = if matches!(launch, LaunchRef::Configuration(_)) {
        "configuration"
    } else {
        "template"
    };
    format!("launch {what} {name}")
}

/// True if the launch object is the environment's by name and at most one group, this one, uses it.
fn is_own_and_unshared(env: &str, launch: &LaunchRef, in_use: &BTreeMap<String, usize>) -> bool {
    let own = launch
        .name()
        .is_some_and(|name| names::belongs_to(env, name, None));
    own && launch
        .object_keys()
        .iter()
        .all(|key| in_use.get(key).is_none_or(|count| *count <= 1))
}

/// Waits until AWS and Spotinst have finished deleting the groups: looks every 15 s for 10 minutes at most.
///
/// # Errors
/// Some are still there; AWS cannot be read.
pub async fn wait_gone(clouds: Clouds<'_>, env: &str, names: &[String]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let what = format!(
        "waiting for groups of environment `{env}` to be deleted: {}",
        names.join(", ")
    );
    let aws = clouds.aws;
    let look = async || {
        let (asgs, spot) = tokio::try_join!(groups_named(aws, names), spot::all(clouds, env))?;
        let left = asgs.is_empty() && !spot.iter().any(|group| names.contains(&group.name));
        Ok(left.then_some(()))
    };
    aws.poll
        .until(
            &what,
            Duration::from_secs(15),
            Duration::from_secs(600),
            look,
        )
        .await
}

#[cfg(test)]
mod tests;
