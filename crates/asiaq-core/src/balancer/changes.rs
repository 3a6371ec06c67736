//! Wanted balancer against what is there: the plan of one hostclass. Pure.

use super::apply::BalancerAction;
use super::attachments::Attachments;
use super::observed::BalancerState;
use super::spec::BalancerSpec;
use super::{classic, serving, v2};
use crate::config::BalancerType;
use crate::error::Result;
use crate::plan::Plan;

/// The planned balancer of a hostclass.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlannedBalancer {
    /// Creates and updates; empty if everything is as wanted.
    pub plan: Plan<BalancerAction>,
    /// What the group of the hostclass is to be attached to.
    pub attach: Attachments,
    /// Changes of `plan` that must be done before the group can be attached.
    pub ready: Vec<String>,
    /// The change of `plan` that waits until the balancer serves, before host names move to it.
    pub serving: Option<String>,
    /// Changes of `plan` that send requests to other target groups: the group is to be attached before.
    pub after_attach: Vec<String>,
    /// What the group has to be detached from, if it is attached. All of `plan` is to be done before.
    pub detach: Attachments,
    /// Deletions, to be made after the group is detached.
    pub leaving: Plan<BalancerAction>,
    /// What the operator should know.
    pub warnings: Vec<String>,
}

impl PlannedBalancer {
    /// Puts the changes that attach the group before those that need it attached. `hosts` are the instances that the group
    /// has now: they are to be healthy before host names move; an empty list means whatever the group then has, and `None`
    /// that there are none to wait for.
    pub fn attached_by(&mut self, attaching: &[String], hosts: Option<Vec<String>>) {
        for id in self.serving.iter().chain(&self.after_attach) {
            self.plan.need(id, attaching);
        }
        if let Some(id) = &self.serving {
            self.plan.edit(id, |action| {
                if let BalancerAction::Serving(action) = action {
                    action.hosts = hosts;
                }
            });
        }
    }
}

/// Plans the balancer of a hostclass: of the type that is wanted; one of another type that is the hostclass's leaves.
///
/// # Errors
/// No hosted zone, no certificate, something that the type of balancer cannot do. Nothing has been changed then.
pub fn plan(state: &BalancerState, spec: &BalancerSpec) -> Result<PlannedBalancer> {
    let mut planned = PlannedBalancer::default();
    match spec.options.kind {
        BalancerType::Classic => classic::plan(&mut planned, state, spec)?,
        BalancerType::Application | BalancerType::Network => {
            v2::plan(&mut planned, state, spec)?;
        }
    }
    serving::plan(&mut planned, state, spec);
    classic::plan_leaving(&mut planned, state, spec);
    v2::plan_leaving(&mut planned, state, spec);
    v2::plan_target_group(&mut planned, state, spec)?;
    Ok(planned)
}
