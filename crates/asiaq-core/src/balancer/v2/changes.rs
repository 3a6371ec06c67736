//! Plans the balancer itself; target groups, listeners and host names have their own files. Pure.

use super::action::{BalancerRef, V2Action};
use super::attributes;
use super::groups::{self, push};
use super::listeners::Listeners;
use super::observed::{Balancer, wanted};
use super::records;
use crate::balancer::{BalancerSpec, BalancerState, PlannedBalancer};
use crate::config::BalancerType;
use crate::error::{Error, Result};
use crate::plan::Sign;
use std::collections::BTreeSet;

/// Plans the balancer that is wanted, with its listeners and target groups.
///
/// # Errors
/// No zone, no certificate, too few availability zones, something else of its name or type. Nothing has been changed then.
pub(in crate::balancer) fn plan(
    planned: &mut PlannedBalancer,
    state: &BalancerState,
    spec: &BalancerSpec,
) -> Result<()> {
    if !wanted(spec) {
        return Ok(());
    }
    check_zones(spec)?;
    let certificate = match spec.certificate() {
        Some(wanted) => Some(state.certificates.arn(&wanted)?),
        None => None,
    };
    let observed = state.v2.balancers.get(&spec.id());
    if let Some(own) = observed {
        check_own(spec, own)?;
    }
    let balancer = BalancerRef {
        id: spec.id(),
        title: spec.name(),
        arn: observed.map(|own| own.arn.clone()),
    };
    let groups = groups::plan(planned, &state.v2, spec)?;
    let needs = match observed {
        Some(own) => {
            update(planned, spec, &balancer, own);
            Vec::new()
        }
        None => create(planned, spec, &balancer),
    };
    let listeners = Listeners {
        spec,
        balancer: &balancer,
        needs: &needs,
        groups: &groups,
        certificate,
    };
    listeners.plan(planned, observed);
    records::plan(planned, &state.names, spec, &balancer, observed, &needs)?;
    let all = groups.into_iter().map(|own| own.group);
    planned.attach.target_groups.extend(all);
    Ok(())
}

/// What is there of that name must be in our VPC and of the wanted type: AWS can change neither.
fn check_own(spec: &BalancerSpec, own: &Balancer) -> Result<()> {
    if own.vpc_id != spec.vpc_id {
        let what = format!(
            "load balancer {} ({}) is in another VPC, {}",
            spec.id(),
            spec.name(),
            own.vpc_id
        );
        return Err(Error::refused(what).with_hint("delete it there first"));
    }
    if own.kind == spec.options.kind {
        return Ok(());
    }
    let what = format!(
        "load balancer {} is of type {}, not {}, which cannot be changed",
        spec.name(),
        own.kind,
        spec.options.kind
    );
    Err(Error::refused(what).with_hint(by_hand(spec)))
}

/// AWS puts an application balancer into two zones at least.
fn check_zones(spec: &BalancerSpec) -> Result<()> {
    if spec.options.kind != BalancerType::Application || spec.zones.len() > 1 {
        return Ok(());
    }
    let what = format!(
        "the application load balancer of {} needs subnets in two availability zones, and has {}",
        spec.hostclass,
        spec.zones.join(", ")
    );
    Err(Error::refused(what).with_hint(
        "set elb_meta_network to a metanetwork with more zones (then static addresses do not bind it), or elb_type=network",
    ))
}

fn replace_by_hand(spec: &BalancerSpec, what: &str) -> String {
    format!("{what}, which cannot be changed: {}", by_hand(spec))
}

fn by_hand(spec: &BalancerSpec) -> String {
    format!(
        "run `disco_elb delete --hostclass {0}`, then `disco_elb update --hostclass {0}`",
        spec.hostclass
    )
}

fn scheme(public: bool) -> &'static str {
    if public {
        "internet-facing"
    } else {
        "internal"
    }
}

/// Returns the id of the change that others need.
fn create(
    planned: &mut PlannedBalancer,
    spec: &BalancerSpec,
    balancer: &BalancerRef,
) -> Vec<String> {
    let options = &spec.options;
    let line = format!(
        "{} load balancer {} ({}) in {}",
        options.kind,
        balancer.title,
        scheme(options.public),
        spec.zones.join(", ")
    );
    let action = V2Action::CreateBalancer {
        balancer: balancer.clone(),
        kind: options.kind,
        public: options.public,
        vpc_id: spec.vpc_id.clone(),
        subnets: spec.subnets.clone(),
        security_group: spec.security_group.clone(),
        tags: spec.balancer_tags(),
    };
    let id = format!("balancer/{}", balancer.id);
    push(planned, id.clone(), &[], Sign::Add, vec![line], action);
    let attributes = attributes::of_balancer(spec);
    if !attributes.is_empty() {
        let title = format!("load balancer {}", balancer.title);
        let lines = attributes::lines(&title, &attributes, None);
        let action = V2Action::BalancerAttributes(balancer.clone(), attributes);
        let own = format!("{id}/attributes");
        push(
            planned,
            own,
            std::slice::from_ref(&id),
            Sign::Add,
            lines,
            action,
        );
    }
    vec![id]
}

fn update(
    planned: &mut PlannedBalancer,
    spec: &BalancerSpec,
    balancer: &BalancerRef,
    own: &Balancer,
) {
    let (options, title) = (&spec.options, format!("load balancer {}", balancer.title));
    let id = format!("balancer/{}", balancer.id);
    if own.public != options.public {
        let what = format!(
            "{title} is {}, not {}",
            scheme(own.public),
            scheme(options.public)
        );
        planned.warnings.push(replace_by_hand(spec, &what));
    }
    let subnets: BTreeSet<String> = spec.subnets.iter().cloned().collect();
    if own.subnets != subnets {
        let line = format!(
            "{title} subnets {} -> {}",
            joined(&own.subnets),
            joined(&subnets)
        );
        let action = V2Action::SetSubnets(balancer.clone(), spec.subnets.clone());
        push(
            planned,
            format!("{id}/subnets"),
            &[],
            Sign::Modify,
            vec![line],
            action,
        );
    }
    let security_groups = BTreeSet::from([spec.security_group.clone()]);
    if own.kind == BalancerType::Network && own.security_groups.is_empty() {
        planned.warnings.push(replace_by_hand(
            spec,
            &format!("{title} was made without security group"),
        ));
    } else if own.security_groups != security_groups {
        let (old, new) = (joined(&own.security_groups), &spec.security_group);
        let line = format!("{title} security group {old} -> {new}");
        let action = V2Action::SetSecurityGroup(balancer.clone(), new.clone());
        push(
            planned,
            format!("{id}/security-group"),
            &[],
            Sign::Modify,
            vec![line],
            action,
        );
    }
    let changed = attributes::differing(&attributes::of_balancer(spec), &own.attributes);
    if !changed.is_empty() {
        let lines = attributes::lines(&title, &changed, Some(&own.attributes));
        let action = V2Action::BalancerAttributes(balancer.clone(), changed);
        push(
            planned,
            format!("{id}/attributes"),
            &[],
            Sign::Modify,
            lines,
            action,
        );
    }
    groups::tag(
        planned,
        &id,
        &title,
        &own.arn,
        &spec.balancer_tags(),
        &own.tags,
    );
}

fn joined(ids: &BTreeSet<String>) -> String {
    if ids.is_empty() {
        return "none".to_owned();
    }
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    all.join(", ")
}
