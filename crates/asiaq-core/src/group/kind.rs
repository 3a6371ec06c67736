//! Which service runs the group of a hostclass (spec 30, section 14). Pure.

use super::changes::Target;
use super::observed::GroupState;
use super::record::{Group, Kind, is_of, the_group};
use super::spot_apply::disabled;
use crate::error::Result;

/// The kind of the group that a request is about: that of the group that is updated, else the wanted one.
///
/// # Errors
/// The hostclass has several groups; an Elastigroup is to be created while Spotinst is disabled. Nothing has been changed.
pub fn kind_for(
    state: &GroupState,
    hostclass: &str,
    target: Target<'_>,
    want_spot: bool,
) -> Result<Kind> {
    let kind = match existing_for(state, hostclass, target)? {
        Some(group) => group.kind,
        None => wanted(want_spot),
    };
    if kind == Kind::Spot && !state.spotinst {
        return Err(disabled(&format!("the group of hostclass {hostclass}")));
    }
    Ok(kind)
}

/// The group that a request updates; `None` if it creates one.
pub(super) fn existing_for<'s>(
    state: &'s GroupState,
    hostclass: &str,
    target: Target<'_>,
) -> Result<Option<&'s Group>> {
    Ok(match target {
        Target::Hostclass => state.existing(hostclass)?,
        Target::Another => {
            // An operator's group under test may stand beside the one that serves.
            let serving = state.groups.iter().filter(|group| !group.is_testing());
            let serving: Vec<Group> = serving.cloned().collect();
            the_group(&serving, &state.env, hostclass)?.and(None)
        }
        Target::Named(name) => state
            .groups
            .iter()
            .find(|group| group.name == name && is_of(group, &state.env, hostclass)),
    })
}

fn wanted(want_spot: bool) -> Kind {
    if want_spot { Kind::Spot } else { Kind::Asg }
}

/// What is said about a group that stays what it is though the other kind is configured.
pub(super) fn mismatch(existing: Option<&Group>, want_spot: bool) -> Option<String> {
    let group = existing.filter(|group| group.kind != wanted(want_spot))?;
    let (is, asked) = match group.kind {
        Kind::Asg => ("an Auto Scaling group", "an Elastigroup"),
        Kind::Spot => ("an Elastigroup", "an Auto Scaling group"),
    };
    Some(format!(
        "group {} is {is} and stays one, although {asked} is configured: only a new group becomes one",
        group.name
    ))
}

/// The warning about an Elastigroup that nobody can see, beside which an Auto Scaling group would be made.
pub(super) fn invisible(state: &GroupState, hostclass: &str, want_spot: bool) -> Option<String> {
    let hidden = !want_spot && !state.spotinst && state.invisible.contains(hostclass);
    hidden.then(|| {
        format!(
            "instances of an Elastigroup of {hostclass} run in environment `{}`, but SPOTINST_TOKEN is not set: that group cannot be seen, and an Auto Scaling group is used beside it",
            state.env
        )
    })
}

#[cfg(test)]
mod tests;
