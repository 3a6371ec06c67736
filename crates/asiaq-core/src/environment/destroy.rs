//! Taking an environment down: groups and instances first, then everything else in dependency order, leaving nothing
//! (spec 20, section 7). Needs no configuration: things are found by VPC id or by name, so a second run after any failure
//! goes on. "Not found" is never an error.

mod apply;

use super::create::only;
use super::observed::{
    self, DhcpSet, Interface, InternetGateway, RouteTable, SecurityGroup, Subnet,
};
use super::vpc::{self, Selector, Vpc};
use crate::aws::{Aws, Pages};
use crate::error::{Error, Result};
use crate::group::{self, DeleteFilter, Group, GroupAction, LaunchObject};
use crate::plan::{Plan, Sign};
use aws_sdk_ec2::types::{Filter, IpPermission};
use std::collections::BTreeMap;

/// One step of the destruction.
#[derive(Debug, Clone, PartialEq)]
pub enum DestroyAction {
    /// Delete a group or a launch template.
    Group(GroupAction),
    /// Terminate all instances of the VPC and wait.
    TerminateInstances,
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
    /// The changes.
    pub plan: Plan<DestroyAction>,
}

/// What a VPC holds.
#[derive(Debug, Default)]
struct Contents {
    groups: Vec<Group>,
    usage: BTreeMap<String, usize>,
    launch_objects: Vec<LaunchObject>,
    instances: Vec<String>,
    gateways: Vec<InternetGateway>,
    interfaces: Vec<Interface>,
    security_groups: Vec<SecurityGroup>,
    subnets: Vec<Subnet>,
    route_tables: Vec<RouteTable>,
    dhcp_sets: Vec<DhcpSet>,
}

/// Plans the destruction; `None` if nothing matches. Makes no changing call.
///
/// # Errors
/// Several environments of that name; AWS cannot be read.
pub async fn plan_destroy(aws: &Aws, selector: &Selector) -> Result<Option<Destruction>> {
    let Some(vpc) = only(vpc::select(aws, selector).await?, selector)? else {
        return Ok(None);
    };
    if vpc.is_default {
        return Err(Error::refused(format!(
            "{} is the default VPC of {}, not an environment",
            vpc.id,
            aws.region()
        )));
    }
    let contents = read(aws, &vpc).await?;
    let plan = plan(&vpc, &contents)?;
    Ok(Some(Destruction { vpc, plan }))
}

async fn read(aws: &Aws, vpc: &Vpc) -> Result<Contents> {
    let named = vpc.is_environment();
    let scaling = async {
        if !named {
            return Ok((Vec::new(), BTreeMap::new(), Vec::new()));
        }
        let ((groups, usage), objects) = tokio::try_join!(
            group::groups_and_usage(aws, &vpc.name),
            group::launch_objects(aws, &vpc.name)
        )?;
        Ok((groups, usage, objects))
    };
    let dhcp = async {
        if named {
            observed::dhcp_sets(aws, &vpc.name).await
        } else {
            Ok(Vec::new())
        }
    };
    let (
        (groups, usage, launch_objects),
        instances,
        gateways,
        interfaces,
        security_groups,
        subnets,
        route_tables,
        dhcp_sets,
    ) = tokio::try_join!(
        scaling,
        instances(aws, &vpc.id),
        observed::internet_gateways(aws, Some(&vpc.id), named.then_some(&vpc.name)),
        observed::interfaces(aws, &vpc.id),
        observed::security_groups(aws, vpc),
        observed::subnets(aws, &vpc.id),
        observed::route_tables(aws, &vpc.id),
        dhcp,
    )?;
    Ok(Contents {
        groups,
        usage,
        launch_objects,
        instances,
        gateways,
        interfaces,
        security_groups,
        subnets,
        route_tables,
        dhcp_sets,
    })
}

/// Ids of instances that are not terminated.
async fn instances(aws: &Aws, vpc_id: &str) -> Result<Vec<String>> {
    let states = ["pending", "running", "shutting-down", "stopping", "stopped"]
        .map(str::to_owned)
        .to_vec();
    let filters = [
        Filter::builder().name("vpc-id").values(vpc_id).build(),
        Filter::builder()
            .name("instance-state-name")
            .set_values(Some(states))
            .build(),
    ];
    let call = aws
        .ec2()
        .describe_instances()
        .set_filters(Some(filters.to_vec()))
        .into_paginator()
        .items()
        .send();
    let reservations = call.all("ec2:DescribeInstances", vpc_id).await?;
    Ok(reservations
        .iter()
        .flat_map(|r| r.instances())
        .filter_map(|i| i.instance_id().map(str::to_owned))
        .collect())
}

/// Orders the steps. Pure.
fn plan(vpc: &Vpc, contents: &Contents) -> Result<Plan<DestroyAction>> {
    refuse_services(vpc, contents)?;
    let mut plan = Plan::default();
    let hosts_gone = hosts(&mut plan, vpc, contents)?;
    let mut all: Vec<String> = hosts_gone.clone();
    let mut lines: Vec<String> = contents
        .interfaces
        .iter()
        .map(|i| format!("interface {} {}", i.id, i.address))
        .collect();
    if lines.is_empty() && !hosts_gone.is_empty() {
        lines.push("interfaces that instances leave behind".to_owned());
    }
    if !lines.is_empty() {
        plan.push(
            "interfaces",
            hosts_gone.clone(),
            Sign::Remove,
            lines,
            DestroyAction::ClearInterfaces,
        );
        all.push("interfaces".to_owned());
    }
    // An address of an interface that leads to the internet keeps the gateway in use.
    for gateway in &contents.gateways {
        let id = format!("internet-gateway/{}", gateway.id);
        let action = DestroyAction::DeleteInternetGateway {
            id: gateway.id.clone(),
            attached: !gateway.vpcs.is_empty(),
        };
        plan.push(
            &id,
            all_of(&hosts_gone, &["interfaces"]),
            Sign::Remove,
            format!("internet gateway {}", gateway.id),
            action,
        );
        all.push(id);
    }
    all.extend(security_groups(&mut plan, contents, &hosts_gone));
    for subnet in &contents.subnets {
        let id = format!("subnet/{}", subnet.id);
        let line = format!(
            "subnet {} {} {} {}",
            subnet.net.map_or("-", |net| net.as_str()),
            subnet.zone,
            subnet.cidr,
            subnet.id
        );
        plan.push(
            &id,
            all_of(&hosts_gone, &["interfaces"]),
            Sign::Remove,
            line,
            DestroyAction::DeleteSubnet(subnet.id.clone()),
        );
        all.push(id);
    }
    for table in contents.route_tables.iter().filter(|table| !table.main) {
        let id = format!("route-table/{}", table.id);
        let action = DestroyAction::DeleteRouteTable {
            id: table.id.clone(),
            associations: table.associations.values().cloned().collect(),
        };
        plan.push(
            &id,
            hosts_gone.clone(),
            Sign::Remove,
            format!(
                "route table {} {}",
                table.net.map_or("-", |net| net.as_str()),
                table.id
            ),
            action,
        );
        all.push(id);
    }
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

/// Interfaces of AWS services go only with the service's own object, which this version does not delete. Without this check
/// the hosts would be gone before the command found out.
fn refuse_services(vpc: &Vpc, contents: &Contents) -> Result<()> {
    let managed: Vec<String> = contents
        .interfaces
        .iter()
        .filter(|interface| interface.of_service)
        .map(|interface| format!("{} ({})", interface.id, interface.description))
        .collect();
    if managed.is_empty() {
        return Ok(());
    }
    let what = format!(
        "VPC {} {} holds interfaces of AWS services, which this version cannot remove: {}",
        vpc.name,
        vpc.id,
        managed.join(", ")
    );
    Err(Error::refused(what).with_hint(
        "delete what they belong to first (NAT gateways, endpoints, load balancers, databases); nothing has been changed",
    ))
}

fn all_of(first: &[String], more: &[&str]) -> Vec<String> {
    first
        .iter()
        .cloned()
        .chain(more.iter().map(|id| (*id).to_owned()))
        .collect()
}

/// Groups with their launch templates, unused templates, instances. Returns the ids after which no host is left.
fn hosts(plan: &mut Plan<DestroyAction>, vpc: &Vpc, contents: &Contents) -> Result<Vec<String>> {
    let here = |group: &&Group| {
        let mut subnets = group
            .vpc_zone_identifier
            .split(',')
            .filter(|id| !id.is_empty())
            .peekable();
        subnets.peek().is_none()
            || subnets.any(|id| contents.subnets.iter().any(|subnet| subnet.id == id))
    };
    let own: Vec<Group> = contents.groups.iter().filter(here).cloned().collect();
    let mut ids = Vec::new();
    if vpc.is_environment() {
        let (groups, _) = group::plan_delete(
            &vpc.name,
            &own,
            &contents.usage,
            DeleteFilter::All,
            true,
            true,
        )?;
        ids.extend(groups.changes().iter().map(|change| change.id.clone()));
        plan.extend(groups.map(DestroyAction::Group));
        plan.extend(
            group::plan_clean_launch_objects(&vpc.name, &contents.launch_objects, &contents.usage)
                .map(DestroyAction::Group),
        );
    }
    // Also without instances: a group may have launched one meanwhile.
    if !contents.instances.is_empty() || !own.is_empty() {
        let mut lines: Vec<String> = contents
            .instances
            .iter()
            .map(|id| format!("instance {id}"))
            .collect();
        if lines.is_empty() {
            lines.push("instances launched meanwhile".to_owned());
        }
        plan.push(
            "instances",
            ids.clone(),
            Sign::Remove,
            lines,
            DestroyAction::TerminateInstances,
        );
        ids.push("instances".to_owned());
    }
    Ok(ids)
}

fn security_groups(
    plan: &mut Plan<DestroyAction>,
    contents: &Contents,
    hosts_gone: &[String],
) -> Vec<String> {
    let mut revoked = Vec::new();
    for own in contents
        .security_groups
        .iter()
        .filter(|g| !(g.raw_ingress.is_empty() && g.raw_egress.is_empty()))
    {
        let id = format!("rules/{}", own.id);
        let line = format!("rules of security group {} {}", own.name, own.id);
        let action = DestroyAction::RevokeRules {
            id: own.id.clone(),
            ingress: own.raw_ingress.clone(),
            egress: own.raw_egress.clone(),
        };
        plan.push(&id, hosts_gone.to_vec(), Sign::Remove, line, action);
        revoked.push(id);
    }
    let mut needs = revoked.clone();
    needs.extend(all_of(hosts_gone, &["interfaces"]));
    let mut ids = revoked;
    for own in contents
        .security_groups
        .iter()
        .filter(|g| g.name != "default")
    {
        let id = format!("security-group/{}", own.id);
        let line = format!("security group {} {}", own.name, own.id);
        plan.push(
            &id,
            needs.clone(),
            Sign::Remove,
            line,
            DestroyAction::DeleteSecurityGroup(own.id.clone()),
        );
        ids.push(id);
    }
    ids
}

#[cfg(test)]
mod tests;
