//! Before a host name moves from elsewhere to a balancer, that one has to serve: planning (pure) and the wait.

use super::apply::{BalancerAction, BalancerExecutor};
use super::attachments::TargetGroup;
use super::changes::PlannedBalancer;
use super::observed::BalancerState;
use super::spec::BalancerSpec;
use super::v2::{BalancerRef, V2Action, wait_serving};
use super::wait_in_service;
use crate::config::BalancerType;
use crate::error::Result;
use crate::plan::{Change, Sign};

/// The balancer that is to serve.
#[derive(Debug, Clone, PartialEq)]
enum Server {
    /// A classic one, by name.
    Classic(String),
    /// Another one, with its target groups.
    V2(BalancerRef, Vec<TargetGroup>),
}

/// A wait until a balancer is there and its hosts are healthy.
#[derive(Debug, Clone, PartialEq)]
pub struct ServingAction {
    server: Server,
    /// Instances to wait for; an empty list: those that are there; `None`: no hosts are waited for.
    pub(super) hosts: Option<Vec<String>>,
}

/// True for the change of a record that leads elsewhere now.
fn moves(change: &Change<BalancerAction>) -> bool {
    let of_records = match &change.action {
        BalancerAction::Records(_) => true,
        BalancerAction::V2(action) => matches!(**action, V2Action::Lead { .. }),
        BalancerAction::Classic(_) | BalancerAction::Serving(_) => false,
    };
    of_records && change.sign == Sign::Modify
}

/// True for the change of any record.
fn is_record(change: &Change<BalancerAction>) -> bool {
    moves(change) || change.id.starts_with("record")
}

/// Puts the wait between everything else about the balancer and the records that move. New records wait for nothing.
pub(super) fn plan(planned: &mut PlannedBalancer, state: &BalancerState, spec: &BalancerSpec) {
    if !planned.plan.changes().iter().any(moves) {
        return;
    }
    let all = std::mem::take(&mut planned.plan);
    let (records, mut plan) = all.partition(is_record);
    let (moving, new) = records.partition(moves);
    let id = format!("serving/{}", spec.id());
    let (server, title) = match spec.options.kind {
        BalancerType::Classic => (classic(planned, spec), spec.label()),
        BalancerType::Application | BalancerType::Network => {
            (v2(planned, state, spec), spec.name())
        }
    };
    let line = format!(
        "wait until {} load balancer {title} serves",
        spec.options.kind
    );
    let needs = plan.ids();
    let action = BalancerAction::Serving(ServingAction {
        server,
        hosts: None,
    });
    plan.extend(new);
    plan.push(id.clone(), needs, Sign::Modify, line, action);
    plan.extend(moving.after(std::slice::from_ref(&id)));
    planned.plan = plan;
    planned.serving = Some(id);
}

/// The classic balancer that the group is attached to; one of old may have another name than a new one.
fn classic(planned: &PlannedBalancer, spec: &BalancerSpec) -> Server {
    let name = planned.attach.load_balancers.first().cloned();
    Server::Classic(name.unwrap_or_else(|| spec.id()))
}

fn v2(planned: &PlannedBalancer, state: &BalancerState, spec: &BalancerSpec) -> Server {
    let id = spec.id();
    let arn = state.v2.arn(&id);
    let balancer = BalancerRef {
        title: spec.name(),
        id,
        arn,
    };
    Server::V2(balancer, planned.attach.target_groups.clone())
}

/// Waits. A classic balancer needs no time of its own.
pub(super) async fn apply(executor: &BalancerExecutor<'_>, action: &ServingAction) -> Result<()> {
    let hosts = action.hosts.as_deref();
    match (&action.server, hosts) {
        (Server::V2(balancer, groups), _) => wait_serving(executor, balancer, groups, hosts).await,
        (Server::Classic(name), Some(hosts)) => wait_in_service(executor.aws, name, hosts).await,
        (Server::Classic(_), None) => Ok(()),
    }
}
