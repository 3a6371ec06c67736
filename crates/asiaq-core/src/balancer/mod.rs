//! Classic load balancers. So far only what destroying an environment needs: those of a VPC are listed and deleted with
//! their CNAMEs (spec 70, section 7.8).

use crate::aws::{Aws, Context, Pages, gone};
use crate::dns::{self, Cname};
use crate::error::Result;
use crate::plan::{Plan, Sign};

/// A classic load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balancer {
    /// Its name in AWS.
    pub name: String,
    /// Its host name.
    pub dns_name: Option<String>,
}

/// One change to load balancers.
#[derive(Debug, Clone, PartialEq)]
pub enum BalancerAction {
    /// Delete the CNAMEs that lead to it, then the balancer.
    Delete {
        /// Its name in AWS.
        name: String,
        /// The CNAMEs.
        cnames: Vec<Cname>,
    },
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
pub fn plan_delete(balancers: &[Balancer], cnames: &[Cname]) -> Plan<BalancerAction> {
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
        let action = BalancerAction::Delete {
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

/// Makes one change.
pub async fn apply(aws: &Aws, action: &BalancerAction) -> Result<()> {
    let BalancerAction::Delete { name, cnames } = action;
    for cname in cnames {
        dns::delete(aws, cname).await?;
    }
    let call = aws
        .elasticloadbalancing()
        .delete_load_balancer()
        .load_balancer_name(name);
    Ok(gone(
        call.send()
            .await
            .context("elasticloadbalancing:DeleteLoadBalancer", name),
    )?)
}
