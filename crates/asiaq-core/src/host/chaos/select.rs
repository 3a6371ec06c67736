//! Choosing the instances to kill (spec 40, section 15; docs/chaos.md). Pure: the same seed and fleet give
//! the same choice, in whatever order the fleet is listed.

use super::Percent;
use crate::error::{Error, Result};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt;

/// A group as far as chaos cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChaosGroup {
    /// Name.
    pub name: String,
    /// Hostclass.
    pub hostclass: String,
    /// False if its instances must not be killed.
    pub enabled: bool,
    /// Desired capacity.
    pub desired: u64,
    /// Its instances.
    pub members: Vec<ChaosMember>,
}

/// An instance of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChaosMember {
    /// Instance id.
    pub id: String,
    /// Tag `hostclass` of the instance.
    pub hostclass: Option<String>,
    /// Availability zone.
    pub zone: String,
    /// Lifecycle state in its group such as `InService`; empty if the group does not say.
    pub lifecycle: String,
    /// State in EC2 such as `running`.
    pub state: String,
}

/// What the operator asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChaosOptions {
    /// How many of all to kill; the default depends on `zone`.
    pub level: Option<Percent>,
    /// How many of each group must stay.
    pub retainage: Percent,
    /// Only instances of this zone.
    pub zone: Option<String>,
    /// Only groups of these hostclasses; empty for all.
    pub hostclasses: Vec<String>,
}

impl ChaosOptions {
    /// The level in force: who loses a zone loses all of it.
    pub fn level(&self) -> Percent {
        let default = if self.zone.is_some() { 100 } else { 1 };
        self.level.unwrap_or(Percent::whole(default))
    }
}

/// An instance that is to be killed. The field names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Victim {
    /// Its hostclass.
    pub hostclass: String,
    /// Its id.
    pub instance_id: String,
    /// Its group.
    pub group: String,
    /// Its zone.
    pub availability_zone: String,
}

impl Victim {
    /// The line of the text layout.
    pub fn line(&self) -> String {
        format!("{:<20} {}", self.hostclass, self.instance_id)
    }
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The victims by hostclass and id.
    pub victims: Vec<Victim>,
    /// Instances of which the level is a share.
    pub total: usize,
    /// Instances that retainage leaves free to be killed.
    pub eligible: usize,
    /// Why nobody dies.
    pub nothing: Option<Nothing>,
}

impl Choice {
    /// What was chosen from, or why nobody dies, in one line.
    pub fn summary(&self) -> String {
        match self.nothing {
            Some(nothing) => nothing.to_string(),
            None => format!(
                "chosen {} of {} instances; {} of them may be killed",
                self.victims.len(),
                self.total,
                self.eligible
            ),
        }
    }
}

/// Why nobody dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nothing {
    /// No group takes part.
    NoGroup,
    /// The groups that take part have no instance.
    NoInstance,
    /// Level 0.
    Level,
    /// Retainage keeps all of them.
    Retainage,
}

impl fmt::Display for Nothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoGroup => "nothing to kill: the environment has no group with chaos enabled",
            Self::NoInstance => "nothing to kill: the groups with chaos enabled have no instance",
            Self::Level => "nothing to kill: the level is 0",
            Self::Retainage => {
                "nothing to kill: retainage keeps every instance of the groups with chaos enabled"
            }
        })
    }
}

/// True for an instance that is on its way out, or stopped, which its group replaces as well: it is neither victim nor survivor.
pub(super) fn is_going(lifecycle: &str, state: &str) -> bool {
    lifecycle.starts_with("Terminat")
        || lifecycle.starts_with("Detach")
        || matches!(
            state,
            "shutting-down" | "terminated" | "stopping" | "stopped"
        )
}

/// Chooses the victims.
///
/// # Errors
/// A zone or a hostclass that no instance or group which takes part has.
pub fn choose(groups: &[ChaosGroup], options: &ChaosOptions, seed: u64) -> Result<Choice> {
    let enabled: Vec<&ChaosGroup> = groups.iter().filter(|group| group.enabled).collect();
    check_hostclasses(&enabled, &options.hostclasses)?;
    let wanted = &options.hostclasses;
    let taking_part: Vec<&ChaosGroup> = enabled
        .into_iter()
        .filter(|group| wanted.is_empty() || wanted.contains(&group.hostclass))
        .collect();
    check_zone(&taking_part, options.zone.as_deref())?;
    let in_zone = |member: &&ChaosMember| {
        options
            .zone
            .as_ref()
            .is_none_or(|zone| *zone == member.zone)
    };

    let (mut total, mut eligible) = (0, Vec::new());
    for group in &taking_part {
        let present = present(group);
        let targets: Vec<&ChaosMember> = present.iter().copied().filter(in_zone).collect();
        total += targets.len();
        let free = free(group.desired, present.len(), options.retainage);
        let drawn = draw(targets, free, seed, "group", |member| &member.id);
        eligible.extend(drawn.into_iter().map(|member| victim(group, member)));
    }
    let count = kill_count(total, options.level());
    let mut choice = Choice {
        nothing: nothing(taking_part.len(), total, eligible.len(), options.level()),
        total,
        eligible: eligible.len(),
        victims: draw(eligible, count, seed, "kill", |victim| &victim.instance_id),
    };
    choice.victims.sort();
    Ok(choice)
}

/// The instances that count.
fn present(group: &ChaosGroup) -> Vec<&ChaosMember> {
    let members = group.members.iter();
    members
        .filter(|member| !is_going(&member.lifecycle, &member.state))
        .collect()
}

/// How many of a group may be killed.
fn free(desired: u64, present: usize, retainage: Percent) -> usize {
    let present = u64::try_from(present).unwrap_or(u64::MAX);
    let free = desired
        .min(present)
        .saturating_sub(retainage.of_up(desired));
    usize::try_from(free).unwrap_or(usize::MAX)
}

/// How many are to be killed, of so many in all.
fn kill_count(total: usize, level: Percent) -> usize {
    if level.is_zero() {
        return 0;
    }
    let share = level.of_down(u64::try_from(total).unwrap_or(u64::MAX));
    usize::try_from(share).unwrap_or(usize::MAX).max(1)
}

fn nothing(groups: usize, total: usize, eligible: usize, level: Percent) -> Option<Nothing> {
    if groups == 0 {
        Some(Nothing::NoGroup)
    } else if total == 0 {
        Some(Nothing::NoInstance)
    } else if level.is_zero() {
        Some(Nothing::Level)
    } else {
        (eligible == 0).then_some(Nothing::Retainage)
    }
}

fn victim(group: &ChaosGroup, member: &ChaosMember) -> Victim {
    let class = member.hostclass.as_ref().unwrap_or(&group.hostclass);
    Victim {
        hostclass: class.clone(),
        instance_id: member.id.clone(),
        group: group.name.clone(),
        availability_zone: member.zone.clone(),
    }
}

/// So many of the items, without replacement: each draws a lot, and the lowest are taken. Lots depend on
/// nothing but the seed, the step and the id, so the order of the items does not matter, nor does any
/// generator's sequence.
fn draw<T>(
    mut items: Vec<T>,
    count: usize,
    seed: u64,
    step: &str,
    id: impl Fn(&T) -> &str,
) -> Vec<T> {
    items.sort_by_cached_key(|item| lot(seed, step, id(item)));
    items.truncate(count);
    items
}

/// The lot of an instance in one step of the choice. It must never change: seeds are noted down to repeat a
/// choice.
fn lot(seed: u64, step: &str, id: &str) -> [u8; 32] {
    let text = format!("asiaq chaos\n{seed}\n{step}\n{id}");
    Sha256::digest(text.as_bytes()).into()
}

fn check_hostclasses(enabled: &[&ChaosGroup], wanted: &[String]) -> Result<()> {
    let known: BTreeSet<&str> = enabled.iter().map(|g| g.hostclass.as_str()).collect();
    let missing: Vec<&str> = wanted
        .iter()
        .map(String::as_str)
        .filter(|class| !known.contains(class))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let text = format!(
        "no group with chaos enabled has hostclass {}",
        missing.join(", ")
    );
    Err(Error::not_found(text).with_hint(those("hostclasses", known)))
}

fn check_zone(groups: &[&ChaosGroup], wanted: Option<&str>) -> Result<()> {
    let Some(zone) = wanted else {
        return Ok(());
    };
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for member in groups.iter().flat_map(|group| present(group)) {
        known.insert(&member.zone);
    }
    if known.contains(zone) {
        return Ok(());
    }
    let text = format!("no instance of a group with chaos enabled is in zone {zone}");
    Err(Error::not_found(text).with_hint(those("zones", known)))
}

fn those<'a>(what: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if known.is_empty() {
        format!(
            "there are no such {what} in this environment; the option and tag `chaos` switch groups on and off"
        )
    } else {
        format!("{what} that can be chosen: {}", known.join(", "))
    }
}

#[cfg(test)]
mod tests;
