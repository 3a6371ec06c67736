//! Planning NAT gateways and the default routes that lead to them (spec 20, sections 4.9 and 9). `nat/places.rs` decides
//! what stands and what is wanted in every subnet, `nat/routes.rs` what happens to every default route; here both
//! become changes, in an order in which no address is used twice and no route is left behind.

mod places;
mod routes;
#[cfg(test)]
mod tests;

use super::super::action::{Action, AddressSource, NatAction};
use super::super::desired::{Desired, place_tags};
use super::super::observed::Observed;
use super::{subnet_key, table_key};
use crate::names::tag;
use crate::network::MetaNetwork;
use crate::plan::{Plan, Sign};
use places::{Leaving, Place, survey};
use routes::{DefaultRoute, Step, default_routes};

/// Logical name of the NAT gateway that is made in a subnet.
pub(in crate::environment) fn gateway_key(net: MetaNetwork, zone: &str) -> String {
    format!("nat-gateway/{net}/{zone}")
}

fn deletion_key(gateway: &str) -> String {
    format!("nat-gateway-deletion/{gateway}")
}

fn mark_key(net: MetaNetwork, zone: &str) -> String {
    format!("nat-mark/{net}/{zone}")
}

pub(super) fn nat(plan: &mut Plan<Action>, desired: &Desired, observed: &Observed) {
    let survey = survey(desired, observed);
    let places = &survey.places;
    let routes = default_routes(desired, observed, places);
    for route in routes.iter().filter(|r| r.step == Step::Delete) {
        routes::push(plan, route);
    }
    for address in survey.adopted {
        plan.push(
            format!("nat-adoption/{}", address.allocation_id),
            [""; 0],
            Sign::Remove,
            format!("tag {} of elastic IP {}", tag::DYNAMIC, address.public_ip),
            Action::Nat(NatAction::Adopt(address)),
        );
    }
    for place in places {
        for leaving in &place.leaving {
            delete(plan, place, leaving, places, &routes);
        }
        mark(plan, place);
        create(plan, desired, place, places);
    }
    for address in survey.leftovers {
        plan.push(
            format!("nat-release/{}", address.allocation_id),
            [""; 0],
            Sign::Remove,
            format!(
                "elastic IP {} (left by an interrupted run)",
                address.public_ip
            ),
            Action::Nat(NatAction::Release(address)),
        );
    }
    for route in routes.iter().filter(|r| r.step != Step::Delete) {
        routes::push(plan, route);
    }
}

/// A gateway goes when no route leads to it any more. A route that is to lead to a gateway that itself waits for a
/// deletion is not waited for: it is changed afterwards.
fn delete(
    plan: &mut Plan<Action>,
    place: &Place<'_>,
    leaving: &Leaving<'_>,
    places: &[Place<'_>],
    routes: &[DefaultRoute<'_>],
) {
    let gateway = leaving.gateway;
    let first = |route: &&DefaultRoute<'_>| {
        let late = route
            .towards
            .is_some_and(|place| !waits_for(place, places).is_empty());
        route.leads_to(&gateway.id) && !late
    };
    let mut needs: Vec<String> = routes.iter().filter(first).map(DefaultRoute::key).collect();
    // Tables of the old layout are split, with the route, before the gateway goes.
    for route in routes.iter().filter(|route| route.leads_to(&gateway.id)) {
        needs.push(table_key(route.net, route.zone));
        needs.push(format!("association/{}/{}", route.net, route.zone));
    }
    let address = leaving
        .public_ip
        .map_or_else(|| "-".to_owned(), |ip| ip.to_string());
    let note = match gateway.state.as_str() {
        "deleting" => " (being deleted)",
        "failed" => " (failed)",
        _ => "",
    };
    let mut lines = vec![format!(
        "NAT gateway {} {} {} {address}{note}",
        place.net, place.zone, gateway.id
    )];
    if leaving.release.is_some() {
        lines.push(format!("elastic IP {address} (automatic)"));
    }
    let action = NatAction::Delete {
        net: place.net,
        zone: place.zone.to_owned(),
        gateway: gateway.id.clone(),
        deleting: gateway.state == "deleting",
        allocation: gateway.allocation_id.clone(),
        release: leaving.release.clone(),
    };
    plan.push(
        deletion_key(&gateway.id),
        needs,
        Sign::Remove,
        lines,
        Action::Nat(action),
    );
}

/// The deletions that the gateway to be made in this place waits for: what stands there, and what has its address.
fn waits_for(place: &Place<'_>, places: &[Place<'_>]) -> Vec<String> {
    let Some(source) = &place.wanted else {
        return Vec::new();
    };
    let holds = |leaving: &&Leaving<'_>| match source {
        AddressSource::Given(held) => {
            leaving.public_ip == Some(held.public_ip)
                || leaving.gateway.allocation_id.as_ref() == Some(&held.allocation_id)
        }
        AddressSource::Allocated | AddressSource::Left(_) => false,
    };
    let elsewhere = places.iter().flat_map(|other| &other.leaving).filter(holds);
    let all = place.leaving.iter().chain(elsewhere);
    let mut keys: Vec<String> = all.map(|l| deletion_key(&l.gateway.id)).collect();
    keys.sort();
    keys.dedup();
    keys
}

/// The subnet's tag says whether the address of its gateway is automatic. A new automatic gateway brings it along.
fn mark(plan: &mut Plan<Action>, place: &Place<'_>) {
    let wanted = place.automatic && (place.kept.is_some() || place.marked);
    if wanted == place.marked {
        return;
    }
    let needs = place.leaving.iter().map(|l| deletion_key(&l.gateway.id));
    let action = NatAction::MarkSubnet {
        net: place.net,
        zone: place.zone.to_owned(),
        automatic: wanted,
    };
    plan.push(
        mark_key(place.net, place.zone),
        needs,
        if wanted { Sign::Add } else { Sign::Remove },
        format!(
            "tag {} of subnet {} {}",
            tag::DYNONAT,
            place.net,
            place.zone
        ),
        Action::Nat(action),
    );
}

/// The gateway to be made, or waited for.
fn create(plan: &mut Plan<Action>, desired: &Desired, place: &Place<'_>, places: &[Place<'_>]) {
    let (net, zone) = (place.net, place.zone);
    if let Some(pending) = place.kept.filter(|g| g.state == "pending") {
        let action = NatAction::Await {
            net,
            zone: zone.to_owned(),
            gateway: pending.id.clone(),
        };
        plan.push(
            gateway_key(net, zone),
            [""; 0],
            Sign::Modify,
            format!(
                "NAT gateway {net} {zone} {}: pending -> available",
                pending.id
            ),
            Action::Nat(action),
        );
    }
    let Some(source) = &place.wanted else {
        return;
    };
    let address = match source {
        AddressSource::Given(held) => held.public_ip.to_string(),
        AddressSource::Allocated => "auto".to_owned(),
        AddressSource::Left(held) => {
            format!("auto {} (left by an interrupted run)", held.public_ip)
        }
    };
    let mut needs = waits_for(place, places);
    needs.extend([
        subnet_key(net, zone),
        mark_key(net, zone),
        "internet-gateway-attachment".to_owned(),
    ]);
    let action = NatAction::Create {
        net,
        zone: zone.to_owned(),
        tags: place_tags(desired, net, zone),
        source: source.clone(),
    };
    plan.push(
        gateway_key(net, zone),
        needs,
        Sign::Add,
        format!("NAT gateway {net} {zone} {address}"),
        Action::Nat(action),
    );
}
