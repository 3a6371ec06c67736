//! Plans the target group of a hostclass that has a classic balancer or none (spec 70, section 7.9): one, for a balancer
//! that others keep. An existing one is used as it is. Pure.

use super::action::{HealthCheck, V2Action};
use super::desired;
use super::groups::{push, tag};
use super::observed::wanted;
use crate::balancer::{BalancerSpec, BalancerState, PlannedBalancer, TargetGroup};
use crate::error::{Error, Result};
use crate::names;
use crate::network::listener::Side;
use crate::plan::Sign;

/// Plans the target group that `target_group` asks for beside a classic balancer or without any.
///
/// # Errors
/// A target group of that name is in another VPC, or AWS takes no such name.
pub(in crate::balancer) fn plan_target_group(
    planned: &mut PlannedBalancer,
    state: &BalancerState,
    spec: &BalancerSpec,
) -> Result<()> {
    if !spec.options.target_group || wanted(spec) {
        return Ok(());
    }
    let name = names::target_group(&spec.env, &spec.hostclass);
    check_name(spec, &name)?;
    let Some(group) = state.v2.groups.get(&name) else {
        create(planned, spec, name);
        return Ok(());
    };
    if group.vpc_id != spec.vpc_id {
        let what = format!("target group {name} is in another VPC, {}", group.vpc_id);
        return Err(Error::refused(what).with_hint("delete it there first"));
    }
    let (reference, title) = (group.reference(), format!("target group {name}"));
    let key = reference.key();
    tag(planned, &key, &title, &group.arn, &spec.tags, &group.tags);
    // From now on it is the operator's: it does not go with a balancer.
    if group.tags.contains_key(desired::MADE_FOR) {
        let action = V2Action::RemoveTag {
            name: title.clone(),
            arn: group.arn.clone(),
            key: desired::MADE_FOR.to_owned(),
        };
        let line = format!("{title} tag {}", desired::MADE_FOR);
        push(
            planned,
            format!("{key}/untag"),
            &[],
            Sign::Remove,
            vec![line],
            action,
        );
    }
    planned.attach.target_groups.push(reference);
    Ok(())
}

/// AWS takes letters, digits and hyphens, and no hyphen at either end.
fn check_name(spec: &BalancerSpec, name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.chars().all(plain) && !name.starts_with('-') && !name.ends_with('-') {
        return Ok(());
    }
    let what = format!(
        "hostclass {} cannot have the target group {name}: names of target groups are letters, digits and inner hyphens",
        spec.hostclass
    );
    Err(Error::refused(what).with_hint("rename the hostclass, or set target_group=no"))
}

fn create(planned: &mut PlannedBalancer, spec: &BalancerSpec, name: String) {
    let Some(mapping) = spec.options.mappings.first() else {
        return;
    };
    let (internal, external) = (&mapping.internal, &mapping.external);
    let protocol = match external.protocol.as_str() {
        "SSL" => "TLS",
        other => other,
    };
    let side = Side::new(external.port, protocol);
    let check = health_check(spec, &side, internal);
    let group = TargetGroup {
        name: name.clone(),
        arn: None,
    };
    let line = format!("target group {name} {side}, check {check}");
    let action = V2Action::CreateGroup {
        name,
        side,
        vpc_id: spec.vpc_id.clone(),
        check,
        tags: spec.tags.clone(),
    };
    push(planned, group.key(), &[], Sign::Add, vec![line], action);
    planned.ready.push(group.key());
    planned.attach.target_groups.push(group);
}

/// The check goes to the hosts as they are spoken to. AWS takes no TCP check for groups of HTTP and HTTPS.
fn health_check(spec: &BalancerSpec, group: &Side, internal: &Side) -> HealthCheck {
    let url = spec.options.health_check_url.as_deref().unwrap_or("/");
    let protocol = if internal.is_http() {
        internal.protocol.as_str()
    } else if group.is_http() {
        "HTTP"
    } else {
        "TCP"
    };
    HealthCheck {
        protocol: protocol.to_owned(),
        port: internal.port,
        path: (protocol != "TCP").then(|| url.to_owned()),
        numbers: None,
    }
}
