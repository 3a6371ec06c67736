//! The order of changes when the balancer of a hostclass is switched, replaced or leaves: attach, wait until the new one
//! serves, move host names and listeners, detach, delete. Pure.

use crate::balancer::{Attachments, PlannedBalancer};
use crate::error::Result;
use crate::group::{self, AttachmentSpec, Extent, Group, GroupAction, plan_attachments};
use crate::plan::Plan;

/// Puts the changes of a balancer and those of groups in order. `hosts` as for [`PlannedBalancer::attached_by`].
pub(super) fn order(
    planned: &mut PlannedBalancer,
    groups: &mut Plan<GroupAction>,
    hosts: Option<Vec<String>>,
) {
    planned.attached_by(&group::attaching(groups), hosts);
    let before = planned.plan.ids();
    for id in group::detaching(groups) {
        groups.need(&id, &before);
    }
}

/// The instances that a group has in service; `None` if it has none.
pub(super) fn hosts(group: &Group) -> Option<Vec<String>> {
    let members = group.instances.iter();
    let serving = members.filter(|own| own.lifecycle_state == "InService");
    let ids: Vec<String> = serving.map(|own| own.id.clone()).collect();
    (!ids.is_empty()).then_some(ids)
}

/// Detaches groups from what goes, as far as they are attached.
pub(crate) fn detach<'a>(
    groups: impl Iterator<Item = &'a Group>,
    env: &str,
    going: &Attachments,
) -> Result<Plan<GroupAction>> {
    let mut plan = Plan::default();
    let nothing = Attachments::default();
    let wanted = AttachmentSpec {
        attach: &nothing,
        detach: going,
        load_balancers: Extent::Some,
        target_groups: Extent::Some,
    };
    for group in groups.filter(|group| !group.deleting) {
        let (own, _) = plan_attachments(
            std::slice::from_ref(group),
            env,
            group.hostclass(env),
            wanted,
            &[],
        )?;
        plan.extend(own);
    }
    Ok(plan)
}

#[cfg(test)]
mod tests;
