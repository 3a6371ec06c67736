//! Plans the end of a balancer that is not wanted any more: its records, itself with its listeners, its target groups.
//! Pure. All of it comes after the group is detached.

use super::action::V2Action;
use super::groups::leave;
use super::observed::{concerned, wanted};
use crate::balancer::records::zone;
use crate::balancer::spec::{is_of_other, of_other};
use crate::balancer::{BalancerAction, BalancerSpec, BalancerState, PlannedBalancer};
use crate::names;
use crate::plan::Sign;

/// Plans the deletion of a balancer of the hostclass that is not wanted, with its target groups.
pub(in crate::balancer) fn plan_leaving(
    planned: &mut PlannedBalancer,
    state: &BalancerState,
    spec: &BalancerSpec,
) {
    if wanted(spec) {
        return;
    }
    let id = concerned(spec);
    let mut needs = Vec::new();
    let own = state.v2.balancers.get(&id);
    let own = own.filter(|own| own.vpc_id == spec.vpc_id);
    if let Some(warning) = own.and_then(|own| of_other(spec, &own.tags)) {
        planned.warnings.push(warning);
        return;
    }
    if let Some(balancer) = own {
        let mut before = Vec::new();
        // A balancer of another type takes these names over in its own plan, in its own zone.
        let taken = if spec.options.enabled {
            spec.hosts()
        } else {
            Vec::new()
        };
        let zone = zone(state, spec).ok().map(|zone| zone.id.as_str());
        let records = state.v2.leading.iter().filter(|record| {
            let name = record.name();
            let named = taken.iter().any(|host| host.eq_ignore_ascii_case(name));
            let is_taken = named && zone == Some(record.zone_id());
            record.leads_to(&balancer.dns_name) && !is_taken
        });
        for (index, record) in records.enumerate() {
            let change = format!("balancer/{id}/record/{index}");
            let action =
                BalancerAction::V2(Box::new(V2Action::DeleteRecord(Box::new(record.clone()))));
            let line = record.describe();
            planned
                .leaving
                .push(change.clone(), [""; 0], Sign::Remove, line, action);
            before.push(change);
        }
        let line = format!("{} load balancer {}", balancer.kind, title(spec));
        let reference = balancer.reference(spec, &id);
        let action = BalancerAction::V2(Box::new(V2Action::DeleteBalancer(reference)));
        let change = format!("balancer/{id}/delete");
        planned
            .leaving
            .push(change.clone(), before, Sign::Remove, line, action);
        needs.push(change);
    }
    let kept = names::target_group(&spec.env, &spec.hostclass);
    for group in state.v2.groups.values() {
        let stays = spec.options.target_group && group.name == kept;
        let of_other = is_of_other(spec, &group.tags);
        if group.is_made_for(&id) && !stays && !of_other && group.vpc_id == spec.vpc_id {
            leave(planned, group, &needs);
        }
    }
}

/// The name that people read of the balancer that the hostclass is about.
fn title(spec: &BalancerSpec) -> String {
    let testing = spec.testing && spec.options.enabled;
    names::balancer(&spec.env, &spec.hostclass, testing)
}
