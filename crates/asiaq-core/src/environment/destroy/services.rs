//! Plans the end of what AWS services have in the VPC: load balancers, databases, caches, NAT gateways, endpoints,
//! VPN attachments, peerings. They do not need each other. Pure.

use super::super::action::PeeringAction;
use super::super::vpc::Vpc;
use super::contents::Contents;
use super::{DestroyAction, nat};
use crate::plan::{Plan, Sign};
use crate::{balancer, cache, database};

/// Adds the changes, each after the hosts: those use the services, also while they shut down, and a final snapshot is to
/// hold their last writes. Returns the ids after which no service is left, those of the hosts included.
pub(super) fn plan(
    plan: &mut Plan<DestroyAction>,
    vpc: &Vpc,
    contents: &Contents,
    hosts_gone: &[String],
) -> Vec<String> {
    let mut services = Plan::default();
    let balancers = balancer::plan_teardown(&contents.balancers, &contents.balancer_cnames);
    services.extend(balancers.map(DestroyAction::Balancer));
    let others = balancer::plan_vpc_teardown(&contents.vpc_balancers, &contents.balancer_cnames);
    services.extend(others.map(DestroyAction::Balancer));
    let databases = database::plan_delete(&vpc.id, &contents.databases);
    services.extend(databases.map(DestroyAction::Database));
    services.extend(cache::plan_delete(&contents.caches).map(DestroyAction::Cache));
    nat::plan(&mut services, contents);
    for gateway in &contents.vpn_gateways {
        services.push(
            format!("vpn/{gateway}"),
            [""; 0],
            Sign::Remove,
            format!("attachment of VPN gateway {gateway}, which stays"),
            DestroyAction::DetachVpn(gateway.clone()),
        );
    }
    for endpoint in &contents.endpoints {
        services.push(
            format!("endpoint/{}", endpoint.id),
            [""; 0],
            Sign::Remove,
            format!(
                "endpoint {} {} {}",
                endpoint.kind, endpoint.service, endpoint.id
            ),
            DestroyAction::DeleteEndpoint(endpoint.id.clone()),
        );
    }
    // The rules of the VPC's own groups go with all others of the group in one call, which AWS refuses if one is gone.
    let of_own_group = |action: &PeeringAction| match action {
        PeeringAction::Revoke { group, .. } => {
            contents.security_groups.iter().any(|own| own.id == *group)
        }
        _ => false,
    };
    let peerings = contents.peerings.clone().without(of_own_group);
    services.extend(peerings.map(DestroyAction::Peering));
    let services = services.after(hosts_gone);
    let gone = hosts_gone.iter().cloned().chain(services.ids()).collect();
    plan.extend(services);
    gone
}
