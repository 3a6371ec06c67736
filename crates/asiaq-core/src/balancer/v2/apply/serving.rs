//! Waits until a balancer serves: it is active, and its hosts are healthy. Read only.

use super::Calls;
use crate::aws::Context;
use crate::balancer::v2::action::BalancerRef;
use crate::balancer::v2::wait_healthy;
use crate::balancer::{BalancerExecutor, TargetGroup};
use crate::error::{Error, Result};
use aws_sdk_elasticloadbalancingv2::types::LoadBalancerStateEnum as State;
use std::time::Duration;

/// Pause and limit until a new balancer is active.
const ACTIVE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));

/// Waits for the balancer, then for its hosts; without `hosts` for none, with an empty list for those that are there.
pub(in crate::balancer) async fn wait_serving(
    executor: &BalancerExecutor<'_>,
    balancer: &BalancerRef,
    groups: &[TargetGroup],
    hosts: Option<&[String]>,
) -> Result<()> {
    let own = Calls(executor);
    own.wait_active(balancer).await?;
    let Some(hosts) = hosts else {
        return Ok(());
    };
    let arns = groups.iter().map(|group| own.group_arn(group));
    let arns = arns.collect::<Result<Vec<String>>>()?;
    wait_healthy(executor.aws, &arns, hosts).await
}

impl Calls<'_, '_> {
    async fn wait_active(&self, balancer: &BalancerRef) -> Result<()> {
        let arn = self.balancer_arn(balancer)?;
        let (pause, limit) = ACTIVE;
        let what = format!(
            "waiting for load balancer {} to become active",
            balancer.title
        );
        let look = async || {
            let call = self.client().describe_load_balancers();
            let call = call.load_balancer_arns(&arn).send().await;
            let operation = "elasticloadbalancing:DescribeLoadBalancers";
            let answer = call.context(operation, &balancer.title)?;
            let found = answer.load_balancers().first();
            let state = found.and_then(|own| own.state());
            match state.and_then(|state| state.code()) {
                Some(State::Active | State::ActiveImpaired) => Ok(Some(())),
                Some(State::Failed) => {
                    let why = state.and_then(|state| state.reason()).unwrap_or_default();
                    let what = format!("load balancer {} has failed: {why}", balancer.title);
                    let hint = "delete it with `disco_elb delete`, then run the command again";
                    Err(Error::refused(what).with_hint(hint))
                }
                _ => Ok(None),
            }
        };
        self.0.aws.poll.until(&what, pause, limit, look).await
    }
}
