//! Plans the end of the network: interfaces, gateways, security groups, subnets, route tables. Pure.

use super::DestroyAction;
use super::contents::Contents;
use crate::plan::{Plan, Sign};

const INTERFACES: &str = "interfaces";

/// Adds the changes, all of them after what stands on the network.
pub(super) fn plan(plan: &mut Plan<DestroyAction>, contents: &Contents, services_gone: &[String]) {
    let mut network = Plan::default();
    let mut lines: Vec<String> = contents
        .interfaces
        .iter()
        .map(|i| format!("interface {} {}", i.id, i.address))
        .collect();
    if lines.is_empty() && !services_gone.is_empty() {
        lines.push("interfaces that hosts and services leave behind".to_owned());
    }
    if !lines.is_empty() {
        network.push(
            INTERFACES,
            [""; 0],
            Sign::Remove,
            lines,
            DestroyAction::ClearInterfaces,
        );
    }
    // An address of an interface that leads to the internet keeps the gateway in use.
    for gateway in &contents.gateways {
        let action = DestroyAction::DeleteInternetGateway {
            id: gateway.id.clone(),
            attached: !gateway.vpcs.is_empty(),
        };
        network.push(
            format!("internet-gateway/{}", gateway.id),
            [INTERFACES],
            Sign::Remove,
            format!("internet gateway {}", gateway.id),
            action,
        );
    }
    security_groups(&mut network, contents);
    subnets(&mut network, contents);
    plan.extend(network.after(services_gone));
}

fn security_groups(plan: &mut Plan<DestroyAction>, contents: &Contents) {
    let mut needs = vec![INTERFACES.to_owned()];
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
        plan.push(&id, [INTERFACES], Sign::Remove, line, action);
        needs.push(id);
    }
    for own in contents
        .security_groups
        .iter()
        .filter(|g| g.name != "default")
    {
        plan.push(
            format!("security-group/{}", own.id),
            needs.clone(),
            Sign::Remove,
            format!("security group {} {}", own.name, own.id),
            DestroyAction::DeleteSecurityGroup(own.id.clone()),
        );
    }
}

fn subnets(plan: &mut Plan<DestroyAction>, contents: &Contents) {
    for subnet in &contents.subnets {
        let net = subnet.net.map_or("-", |net| net.as_str());
        plan.push(
            format!("subnet/{}", subnet.id),
            [INTERFACES],
            Sign::Remove,
            format!("subnet {net} {} {} {}", subnet.zone, subnet.cidr, subnet.id),
            DestroyAction::DeleteSubnet(subnet.id.clone()),
        );
    }
    for table in contents.route_tables.iter().filter(|table| !table.main) {
        let net = table.net.map_or("-", |net| net.as_str());
        let action = DestroyAction::DeleteRouteTable {
            id: table.id.clone(),
            associations: table.associations.values().cloned().collect(),
        };
        plan.push(
            format!("route-table/{}", table.id),
            [INTERFACES],
            Sign::Remove,
            format!("route table {net} {}", table.id),
            action,
        );
    }
}
