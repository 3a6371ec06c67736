//! Deleting the load balancers of a VPC with the records that lead to them (spec 70, section 7.8), for the destruction of an
//! environment.

use super::v2::{self, VpcBalancer, VpcTargetGroup};
use crate::aws::{Aws, Context, Pages, gone};
use crate::dns::{Cname, Writer};
use crate::error::Result;
use crate::plan::{Plan, Progress, Sign};

/// A classic load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balancer {
    /// Its name in AWS.
    pub name: String,
    /// Its host name.
    pub dns_name: Option<String>,
}

/// One deletion.
#[derive(Debug, Clone, PartialEq)]
pub enum TeardownAction {
    /// Delete the CNAMEs that lead to it, then the balancer.
    Delete {
        /// Its name in AWS.
        name: String,
        /// The CNAMEs.
        cnames: Vec<Cname>,
    },
    /// Delete the records that lead to an application or network balancer, then the balancer.
    DeleteV2 {
        /// The balancer.
        balancer: VpcBalancer,
        /// The records.
        cnames: Vec<Cname>,
    },
    /// Delete a target group.
    DeleteTargetGroup(VpcTargetGroup),
}

/// The classic load balancers of a VPC.
pub async fn balancers(aws: &Aws, vpc_id: &str) -> Result<Vec<Balancer>> {
    let call = aws
        .elasticloadbalancing()
        .describe_load_balancers()
        .into_paginator()
        .items()
        .send();
    let all = call
        .all("elasticloadbalancing:DescribeLoadBalancers", "")
        .await?;
    Ok(all
        .iter()
        .filter(|balancer| balancer.vpc_id() == Some(vpc_id))
        .filter_map(|balancer| {
            Some(Balancer {
                name: balancer.load_balancer_name()?.to_owned(),
                dns_name: balancer.dns_name().map(str::to_owned),
            })
        })
        .collect())
}

/// Plans to delete load balancers; `cnames` may hold records of other things too.
pub fn plan_teardown(balancers: &[Balancer], cnames: &[Cname]) -> Plan<TeardownAction> {
    let mut plan = Plan::default();
    for balancer in balancers {
        let host = balancer.dns_name.as_deref();
        let own: Vec<Cname> = cnames
            .iter()
            .filter(|cname| host.is_some_and(|host| cname.leads_to(host)))
            .cloned()
            .collect();
        let mut lines: Vec<String> = own.iter().map(Cname::describe).collect();
        lines.push(format!("load balancer {}", balancer.name));
        let action = TeardownAction::Delete {
            name: balancer.name.clone(),
            cnames: own,
        };
        plan.push(
            format!("balancer/{}", balancer.name),
            [""; 0],
            Sign::Remove,
            lines,
            action,
        );
    }
    plan
}

/// Makes one change. `records` deletes the records of all changes of a plan.
pub async fn apply_teardown(
    aws: &Aws,
    records: &Writer<'_>,
    action: &TeardownAction,
    progress: &dyn Progress,
) -> Result<()> {
    match action {
        TeardownAction::Delete { name, cnames } => {
            records.delete_all(cnames).await?;
            let call = aws
                .elasticloadbalancing()
                .delete_load_balancer()
                .load_balancer_name(name);
            let operation = "elasticloadbalancing:DeleteLoadBalancer";
            Ok(gone(call.send().await.context(operation, name))?)
        }
        TeardownAction::DeleteV2 { balancer, cnames } => {
            records.delete_all(cnames).await?;
            v2::delete_balancer(aws, &balancer.arn, &balancer.name).await
        }
        TeardownAction::DeleteTargetGroup(group) => {
            v2::delete_target_group(aws, progress, &group.arn, &group.name).await
        }
    }
}
