//! Taking an environment down: alarms and hosts first, then what stands on the network, then the network, leaving nothing
//! but what is to outlive it (spec 20, section 7). Needs no configuration: things are found by VPC or by name, so a second
//! run after any failure goes on. "Not found" is never an error.
//!
//! `contents` reads, `hosts`, `services`, `nat` and `network` plan (pure), `apply` executes.

mod apply;
mod contents;
mod hosts;
mod interfaces;
mod nat;
mod network;
mod services;

use super::action::PeeringAction;
use super::create::only;
use super::vpc::{self, Selector, Vpc};
use crate::aws::Aws;
use crate::balancer::TeardownAction;
use crate::cache::CacheAction;
use crate::database::DatabaseAction;
use crate::error::{Error, Result};
use crate::group::{Clouds, GroupAction};
use crate::monitoring::MonitoringAction;
use crate::plan::{Plan, Sign};
use crate::spotinst::{Access, Spotinst};
use aws_sdk_ec2::types::IpPermission;
use contents::{Contents, read};

/// One step of the destruction.
#[derive(Debug, Clone, PartialEq)]
pub enum DestroyAction {
    /// Delete alarms or a log group.
    Monitoring(MonitoringAction),
    /// Delete a group or a launch template.
    Group(GroupAction),
    /// Terminate all instances of the VPC and wait.
    TerminateInstances,
    /// Delete a load balancer.
    Balancer(TeardownAction),
    /// Delete databases.
    Database(DatabaseAction),
    /// Delete a cache.
    Cache(CacheAction),
    /// Delete a NAT gateway and wait.
    DeleteNat(String),
    /// Release an automatic address.
    ReleaseAddress(nat::Release),
    /// Detach a VPN gateway from the VPC and wait; the gateway stays.
    DetachVpn(String),
    /// Delete a VPC endpoint.
    DeleteEndpoint(String),
    /// Delete a peering connection with its routes and rules.
    Peering(PeeringAction),
    /// Detach and delete an internet gateway.
    DeleteInternetGateway {
        /// Gateway.
        id: String,
        /// Attached to the VPC.
        attached: bool,
    },
    /// Detach and delete all network interfaces of the VPC.
    ClearInterfaces,
    /// Revoke every rule of a security group, so that mutual references vanish.
    RevokeRules {
        /// Group.
        id: String,
        /// Ingress.
        ingress: Vec<IpPermission>,
        /// Egress.
        egress: Vec<IpPermission>,
    },
    /// Delete a security group.
    DeleteSecurityGroup(String),
    /// Delete a subnet.
    DeleteSubnet(String),
    /// Remove the associations of a route table and delete it.
    DeleteRouteTable {
        /// Table.
        id: String,
        /// Associations.
        associations: Vec<String>,
    },
    /// Delete the VPC.
    DeleteVpc,
    /// Delete a DHCP options set of the environment, unless another VPC uses it.
    DeleteDhcp(String),
}

/// A planned destruction.
#[derive(Debug)]
pub struct Destruction {
    /// The VPC.
    pub vpc: Vpc,
    /// For its Elastigroups.
    spotinst: Option<Spotinst>,
    /// The changes.
    pub plan: Plan<DestroyAction>,
    /// What the operator should know before.
    pub warnings: Vec<String>,
}

/// Plans the destruction; `None` if nothing matches. Makes no changing call.
///
/// # Errors
/// Several environments of that name; the default VPC; Elastigroups that cannot be seen without SPOTINST_TOKEN; something in the VPC that would be in the way and that Asiaq does
/// not delete; AWS cannot be read.
pub async fn plan_destroy(
    aws: &Aws,
    access: &Access,
    selector: &Selector,
) -> Result<Option<Destruction>> {
    let Some(vpc) = only(vpc::select(aws, selector).await?, selector)? else {
        return Ok(None);
    };
    let planned = plan_destroy_of(aws, access, vpc, selector).await?;
    Ok(Some(planned))
}

/// As [`plan_destroy`], for the VPC that the selector has found.
///
/// # Errors
/// Those of [`plan_destroy`].
pub async fn plan_destroy_of(
    aws: &Aws,
    access: &Access,
    vpc: Vpc,
    selector: &Selector,
) -> Result<Destruction> {
    if vpc.is_default {
        return Err(Error::refused(format!(
            "{} is the default VPC of {}, not an environment",
            vpc.id,
            aws.region()
        )));
    }
    let by_name = name_scope(aws, &vpc, selector).await?;
    let spotinst = access.client(&vpc.name)?;
    let clouds = Clouds {
        aws,
        spotinst: spotinst.as_ref(),
    };
    let contents = read(clouds, &vpc, by_name).await?;
    let plan = plan(&vpc, &contents)?;
    let mut warnings = Vec::new();
    if by_name == NameScope::Shared {
        warnings.push(format!(
            "another VPC is named `{}`: what is found by that name stays (alarms, log groups, addresses, launch templates)",
            vpc.name
        ));
    }
    Ok(Destruction {
        vpc,
        spotinst,
        plan,
        warnings,
    })
}

/// Whether what is found by the VPC's name is this VPC's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NameScope {
    /// It is.
    Own,
    /// The VPC lacks the tags of an environment.
    Foreign,
    /// Another VPC has the name as well, so nobody knows.
    Shared,
}

async fn name_scope(aws: &Aws, vpc: &Vpc, selector: &Selector) -> Result<NameScope> {
    // An empty name, or one like a path, would be the beginning of the names of AWS' own log groups.
    if !vpc.is_environment() || vpc.name.is_empty() || vpc.name.starts_with('/') {
        return Ok(NameScope::Foreign);
    }
    // Selecting by name has found only this one.
    if let Selector::Name(_) = selector {
        return Ok(NameScope::Own);
    }
    let named = vpc::select(aws, &Selector::Name(vpc.name.clone())).await?;
    Ok(if named.iter().any(|other| other.id != vpc.id) {
        NameScope::Shared
    } else {
        NameScope::Own
    })
}

/// Orders the steps. Pure. What is alive goes before what it stands on: a database that has to stay keeps its network.
///
/// DHCP options can only go after their VPC, and then nothing leads another run to a set that an interrupted one has left. That is
/// harmless: it costs nothing, and the next environment of the name adopts or replaces it.
fn plan(vpc: &Vpc, contents: &Contents) -> Result<Plan<DestroyAction>> {
    hosts::refuse_hidden_groups(vpc, contents)?;
    hosts::refuse_foreign_groups(vpc, contents)?;
    interfaces::refuse_unmanaged(vpc, contents)?;
    let mut plan = Plan::default();
    let hosts_gone = hosts::plan(&mut plan, vpc, contents)?;
    let services_gone = services::plan(&mut plan, vpc, contents, &hosts_gone);
    network::plan(&mut plan, contents, &services_gone);
    // Everything: while the VPC exists, another run finds what is found by its name or id.
    let all = plan.ids();
    plan.push(
        "vpc",
        all,
        Sign::Remove,
        format!("vpc {} {} {}", vpc.name, vpc.cidr_block, vpc.id),
        DestroyAction::DeleteVpc,
    );
    for set in &contents.dhcp_sets {
        plan.push(
            format!("dhcp/{}", set.id),
            ["vpc"],
            Sign::Remove,
            format!("DHCP options {}", set.id),
            DestroyAction::DeleteDhcp(set.id.clone()),
        );
    }
    Ok(plan)
}

#[cfg(test)]
mod tests;
