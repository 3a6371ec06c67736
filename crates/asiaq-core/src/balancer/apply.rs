//! Executes changes of balancers, target groups and their records.

use super::classic::{self, ClassicAction};
use super::records::{self, RecordsAction};
use super::serving::{self, ServingAction};
use super::v2::{self, V2Action};
use crate::aws::Aws;
use crate::dns::Writer;
use crate::error::{Error, Result};
use crate::plan::{Apply, Change, Progress, Yields};

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum BalancerAction {
    /// To a classic load balancer.
    Classic(ClassicAction),
    /// To an application or network load balancer, or to a target group.
    V2(Box<V2Action>),
    /// To the records that lead to a load balancer.
    Records(RecordsAction),
    /// None: wait until a load balancer serves.
    Serving(ServingAction),
}

/// Applies changes of balancers; see [`executor`].
pub struct BalancerExecutor<'a> {
    pub(super) aws: &'a Aws,
    pub(super) progress: &'a dyn Progress,
    /// Host names and zones of balancers, ARNs of target groups.
    pub(super) yields: Yields,
    /// Writes records, many in one call.
    pub(super) records: Writer<'a>,
}

/// The executor of one plan. ARNs of new target groups are put into `yields`.
pub fn executor<'a>(
    aws: &'a Aws,
    progress: &'a dyn Progress,
    yields: &Yields,
) -> BalancerExecutor<'a> {
    BalancerExecutor {
        aws,
        progress,
        yields: yields.clone(),
        records: Writer::new(aws),
    }
}

impl Apply<BalancerAction> for BalancerExecutor<'_> {
    async fn apply(&self, change: &Change<BalancerAction>) -> Result<(), Error> {
        self.run(&change.action).await
    }
}

impl BalancerExecutor<'_> {
    /// Makes one change, for capabilities that wrap these actions in their own.
    pub async fn run(&self, action: &BalancerAction) -> Result<()> {
        match action {
            BalancerAction::Classic(action) => classic::apply(self, action).await,
            BalancerAction::V2(action) => v2::apply(self, action).await,
            BalancerAction::Records(action) => records::apply(self, action).await,
            BalancerAction::Serving(action) => serving::apply(self, action).await,
        }
    }
}
