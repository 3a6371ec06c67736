//! The application and network balancers and the target groups of a VPC, for the destruction of an environment, and the
//! deletions that it shares with ordinary changes.

use super::observed::{balancers, kind_of, target_groups};
use crate::aws::{Aws, AwsError, Context, gone};
use crate::balancer::TeardownAction;
use crate::config::BalancerType;
use crate::dns::Cname;
use crate::error::{Error, Result};
use crate::plan::{Plan, Progress, Sign};
use std::time::Duration;

/// Pause and limit for a target group whose balancer is still going.
const IN_USE: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(60));

/// An application or network balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpcBalancer {
    /// ARN.
    pub arn: String,
    /// Its name in AWS.
    pub name: String,
    /// Application or network.
    pub kind: BalancerType,
    /// Its host name.
    pub dns_name: Option<String>,
}

/// A target group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpcTargetGroup {
    /// ARN.
    pub arn: String,
    /// Name.
    pub name: String,
}

/// What a VPC has of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VpcBalancers {
    /// Balancers.
    pub balancers: Vec<VpcBalancer>,
    /// Target groups.
    pub target_groups: Vec<VpcTargetGroup>,
}

/// Reads them, in the order of the service.
pub async fn vpc_balancers(aws: &Aws, vpc_id: &str) -> Result<VpcBalancers> {
    let (all, groups) = tokio::try_join!(balancers(aws), target_groups(aws))?;
    let balancers = all.iter().filter(|own| own.vpc_id() == Some(vpc_id));
    let groups = groups.iter().filter(|own| own.vpc_id() == Some(vpc_id));
    Ok(VpcBalancers {
        balancers: balancers
            .filter_map(|own| {
                Some(VpcBalancer {
                    arn: own.load_balancer_arn()?.to_owned(),
                    name: own.load_balancer_name()?.to_owned(),
                    kind: kind_of(own)?,
                    dns_name: own.dns_name().map(str::to_owned),
                })
            })
            .collect(),
        target_groups: groups
            .filter_map(|own| {
                Some(VpcTargetGroup {
                    arn: own.target_group_arn()?.to_owned(),
                    name: own.target_group_name()?.to_owned(),
                })
            })
            .collect(),
    })
}

/// Plans to delete all of them, the target groups after the balancers; `cnames` may hold records of other things too.
pub fn plan_vpc_teardown(found: &VpcBalancers, cnames: &[Cname]) -> Plan<TeardownAction> {
    let mut plan = Plan::default();
    for balancer in &found.balancers {
        let host = balancer.dns_name.as_deref();
        let leads = |cname: &&Cname| host.is_some_and(|host| cname.leads_to(host));
        let own: Vec<Cname> = cnames.iter().filter(leads).cloned().collect();
        let mut lines: Vec<String> = own.iter().map(Cname::describe).collect();
        lines.push(format!("{} load balancer {}", balancer.kind, balancer.name));
        let action = TeardownAction::DeleteV2 {
            balancer: balancer.clone(),
            cnames: own,
        };
        plan.push(
            format!("balancer/{}/{}", balancer.kind, balancer.name),
            [""; 0],
            Sign::Remove,
            lines,
            action,
        );
    }
    let balancers = plan.ids();
    for group in &found.target_groups {
        plan.push(
            format!("target-group/{}", group.name),
            balancers.clone(),
            Sign::Remove,
            format!("target group {}", group.name),
            TeardownAction::DeleteTargetGroup(group.clone()),
        );
    }
    plan
}

/// Deletes a balancer with its listeners.
pub(in crate::balancer) async fn delete_balancer(aws: &Aws, arn: &str, name: &str) -> Result<()> {
    let call = aws
        .elasticloadbalancingv2()
        .delete_load_balancer()
        .load_balancer_arn(arn);
    let operation = "elasticloadbalancing:DeleteLoadBalancer";
    Ok(gone(call.send().await.context(operation, name))?)
}

/// Deletes a target group. While its balancer goes, it is in use; one that stays in use is left.
pub(in crate::balancer) async fn delete_target_group(
    aws: &Aws,
    progress: &dyn Progress,
    arn: &str,
    name: &str,
) -> Result<()> {
    let (pause, limit) = IN_USE;
    let in_use = |error: &AwsError| {
        let in_use = error.is("ResourceInUse");
        if in_use {
            progress.note(&format!(
                "waiting until target group {name} is no longer in use"
            ));
        }
        in_use
    };
    let deleted = aws.poll.retry(pause, limit, in_use, async || {
        let call = aws
            .elasticloadbalancingv2()
            .delete_target_group()
            .target_group_arn(arn);
        let operation = "elasticloadbalancing:DeleteTargetGroup";
        gone(call.send().await.context(operation, name))
    });
    match deleted.await {
        Err(error) if error.is("ResourceInUse") => Err(Error::Left(format!(
            "target group {name} stays: a listener rule or another load balancer uses it"
        ))),
        other => Ok(other?),
    }
}
