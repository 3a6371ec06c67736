//! Planning the VPN gateway: the one that people named like the environment is attached to its VPC (spec 20, section 8).

use super::super::action::{Action, VpnAction};
use super::super::desired::Desired;
use super::super::observed::{Observed, VpnGateway};
use super::VPC;
use crate::plan::{Plan, Sign};

/// Id of the change that attaches the gateway.
pub(super) const ATTACHMENT: &str = "vpn-gateway-attachment";

/// The environment's VPN gateway.
pub(super) fn gateway(observed: &Observed) -> Option<&VpnGateway> {
    observed.beside.vpn_gateways.first()
}

pub(super) fn vpn(plan: &mut Plan<Action>, desired: &Desired, observed: &Observed) {
    let Some(gateway) = gateway(observed) else {
        return;
    };
    let mut needs = vec![VPC.to_owned()];
    let mut attached = false;
    for (vpc, state) in &gateway.attachments {
        if Some(vpc) == observed.vpc_id.as_ref() {
            attached = !matches!(state.as_str(), "attaching" | "detaching");
            continue;
        }
        let id = format!("vpn-gateway-detach/{vpc}");
        let name = observed.vpc_names.get(vpc).map_or("-", String::as_str);
        let line = format!(
            "attachment of VPN gateway {} to vpc {name} {vpc}",
            gateway.id
        );
        let action = VpnAction::Detach {
            gateway: gateway.id.clone(),
            vpc: vpc.clone(),
        };
        plan.push(&id, [""; 0], Sign::Remove, line, Action::Vpn(action));
        needs.push(id);
    }
    if !attached {
        let line = format!(
            "attachment of VPN gateway {} to vpc {}",
            gateway.id, desired.name
        );
        let action = VpnAction::Attach {
            gateway: gateway.id.clone(),
        };
        plan.push(ATTACHMENT, needs, Sign::Add, line, Action::Vpn(action));
    }
}

/// Says which of several gateways is taken, and that routes to none are ignored.
pub(super) fn warnings(desired: &Desired, observed: &Observed) -> Vec<String> {
    let found = &observed.beside.vpn_gateways;
    let Some(gateway) = gateway(observed) else {
        tracing::info!("No VGW to attach.");
        let routed = desired
            .nets
            .iter()
            .filter(|(_, own)| !own.vgw_routes.is_empty());
        let ignored = routed.map(|(net, _)| {
            format!(
                "{net}_vgw_routes is ignored: there is no VPN gateway with the tag `Name` = {}",
                desired.name
            )
        });
        return ignored.collect();
    };
    if found.len() < 2 {
        return Vec::new();
    }
    let others: Vec<&str> = found.iter().skip(1).map(|g| g.id.as_str()).collect();
    vec![format!(
        "several VPN gateways have the tag `Name` = {}: {} is used, {} not",
        desired.name,
        gateway.id,
        others.join(", ")
    )]
}
