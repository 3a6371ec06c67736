//! From a resolved row to the group that it wants, and to its changes. Pure.

use super::inputs::{Inputs, ResolvedRow};
use super::user_data::UserData;
use super::{Request, RowPlan};
use crate::aws::Tags;
use crate::error::{Error, Result};
use crate::group::{self, GroupAction, GroupSpec, GroupState, LaunchSpec};
use crate::names::tag;
use crate::pipeline::{Sizes, recurring_actions};
use crate::plan::{Plan, Sign};
use crate::storage::{DiskRequest, layout};
use rand::Rng;
use std::net::Ipv4Addr;

/// One change of a spinup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Reserve a static address for hosts of the hostclass.
    CreateInterface {
        /// Hostclass.
        hostclass: String,
        /// Address.
        address: Ipv4Addr,
        /// Subnet it lies in.
        subnet_id: String,
        /// Security group of the metanetwork.
        group_id: String,
    },
    /// A change to the group.
    Group(GroupAction),
}

/// The changes of one row against the given state of the groups.
pub(super) fn plan_row(
    request: &Request<'_>,
    inputs: &Inputs,
    own: &ResolvedRow,
    groups: &GroupState,
    now_unix: i64,
    rng: &mut impl Rng,
) -> Result<RowPlan> {
    let mut plan = Plan::default();
    let needs = interfaces(&mut plan, inputs, own)?;
    let spec = group_spec(request, inputs, own)?;
    let planned = group::plan_group(groups, &spec, &needs, now_unix, rng)?;
    plan.extend(planned.plan.map(Action::Group));
    Ok(RowPlan {
        hostclass: own.hostclass.name.clone(),
        image_id: own.image.id.clone(),
        group_name: planned.group_name,
        desired: spec.desired,
        repeats: false,
        smoke_test: own.row.smoke_test,
        warnings: warnings(own),
        plan,
    })
}

fn warnings(own: &ResolvedRow) -> Vec<String> {
    let name = &own.hostclass.name;
    let mut warnings = Vec::new();
    if own.image.hostclass()
        != own
            .row
            .hostclass
            .as_deref()
            .unwrap_or(own.image.hostclass())
    {
        warnings.push(format!(
            "image {} is of hostclass {name}, which counts, not {}",
            own.image.id,
            own.row.hostclass.as_deref().unwrap_or_default()
        ));
    }
    for (on, what) in [
        (own.hostclass.elb, "a load balancer (elb)"),
        (own.hostclass.target_group, "a target group (target_group)"),
    ] {
        if on {
            warnings.push(format!("hostclass {name} is configured with {what}: this version does not manage it; what is attached stays attached"));
        }
    }
    warnings
}

/// Creates missing interfaces; returns what the group has to wait for.
fn interfaces(plan: &mut Plan<Action>, inputs: &Inputs, own: &ResolvedRow) -> Result<Vec<String>> {
    let net = own.hostclass.meta_network;
    let place = inputs.network.place(net)?;
    let mut ids = Vec::new();
    for address in &own.new_interfaces {
        let subnet = place.subnet_of(*address).ok_or_else(|| {
            Error::not_found(format!("no subnet of metanetwork {net} contains {address}"))
        })?;
        let id = format!("interface/{address}");
        let line = format!(
            "interface {net} {} {address} of {}",
            subnet.zone, own.hostclass.name
        );
        let action = Action::CreateInterface {
            hostclass: own.hostclass.name.clone(),
            address: *address,
            subnet_id: subnet.id.clone(),
            group_id: place.security_group_id.clone(),
        };
        plan.push(&id, [""; 0], Sign::Add, line, action);
        ids.push(id);
    }
    Ok(ids)
}

fn group_spec(request: &Request<'_>, inputs: &Inputs, own: &ResolvedRow) -> Result<GroupSpec> {
    let place = inputs.network.place(own.hostclass.meta_network)?;
    let pinned = |id: &str| {
        own.addresses.is_empty()
            || own
                .addresses
                .iter()
                .any(|a| place.subnet_of(*a).is_some_and(|s| s.id == id))
    };
    let row = &own.row;
    let largest = |sizes: &Option<Sizes>| sizes.as_ref().map(Sizes::largest);
    Ok(GroupSpec {
        env: request.env.to_owned(),
        hostclass: own.hostclass.name.clone(),
        launch: launch_spec(request, inputs, own, &place.security_group_id)?,
        subnets: place
            .subnets
            .iter()
            .map(|s| s.id.clone())
            .filter(|id| pinned(id))
            .collect(),
        min: row.min_size.as_ref().map(Sizes::smallest),
        desired: largest(&row.desired_size),
        max: largest(&row.max_size),
        tags: tags(request, inputs, own),
        termination_policies: row.termination_policies.clone(),
        recurring: recurring_actions(
            row.min_size.as_ref(),
            row.desired_size.as_ref(),
            row.max_size.as_ref(),
        ),
    })
}

fn launch_spec(
    request: &Request<'_>,
    inputs: &Inputs,
    own: &ResolvedRow,
    security_group: &str,
) -> Result<LaunchSpec> {
    let facts = inputs
        .facts
        .get(&own.instance_type)
        .copied()
        .unwrap_or_default();
    let disks = DiskRequest {
        extra_space: own.row.extra_space,
        extra_disk: own.row.extra_disk,
        iops: own.row.iops,
        ephemerals: facts.ephemerals,
    };
    Ok(LaunchSpec {
        image_id: own.image.id.clone(),
        instance_type: own.instance_type.clone(),
        key_name: own.hostclass.ssh_key_name.clone(),
        security_groups: vec![security_group.to_owned()],
        public_ip: own.hostclass.public_ip,
        block_devices: layout(&own.image, inputs.snapshots.get(&own.hostclass.name), disks)?,
        monitoring: false,
        instance_profile: own.hostclass.instance_profile_name.clone(),
        ebs_optimized: facts.ebs_optimized,
        user_data: user_data(request, inputs, own),
        http_tokens: own.hostclass.http_tokens.clone(),
    })
}

fn user_data(request: &Request<'_>, inputs: &Inputs, own: &ResolvedRow) -> String {
    let floating: Vec<String> = own.addresses.iter().map(ToString::to_string).collect();
    UserData {
        hostclass: &own.hostclass.name,
        http_proxy_ip: own
            .hostclass
            .enable_proxy
            .then_some(inputs.helpers.proxy.as_str()),
        logger_ip: &inputs.helpers.logger,
        logforwarder_ip: &inputs.helpers.logforwarder,
        environment: &inputs.vpc.name,
        domain_name: own.hostclass.domain_name.as_deref(),
        owner: request.owner,
        credential_buckets: &inputs.credential_buckets,
        eip: own.hostclass.eip.as_deref(),
        floating_ips: &floating,
        smoketest_termination: own.hostclass.smoketest_termination && !request.keep_failing_hosts,
        project_name: &inputs.project,
        is_spotinst: false,
    }
    .render()
}

/// Tags of the group, propagated to its hosts; the hostclass option `tags` comes last and may override (spec 40, section 4.4).
fn tags(request: &Request<'_>, inputs: &Inputs, own: &ResolvedRow) -> Tags {
    let name = own.hostclass.name.as_str();
    let chaos = if own.row.chaos.unwrap_or(own.hostclass.chaos) {
        "True"
    } else {
        "False"
    };
    let testing = if request.testing { "1" } else { "0" };
    let fixed = [
        (tag::HOSTCLASS, name),
        (tag::APPLICATION, name),
        (tag::OWNER, request.owner),
        (tag::ENVIRONMENT, request.env),
        (tag::ENVIRONMENT_CLASS, inputs.vpc.environment_class()),
        (tag::CHAOS, chaos),
        (tag::IS_TESTING, testing),
    ];
    let fixed = fixed
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
    fixed.chain(own.hostclass.tags.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::inputs::tests::resolved;
    use super::*;

    #[test]
    fn operators_are_told_what_counts_and_what_is_not_managed() {
        let mut own = resolved("mhcx", "");
        assert_eq!(warnings(&own), [""; 0], "a row by image");
        own.row.hostclass = Some("mhcx".into());
        assert_eq!(warnings(&own), [""; 0]);
        own.row.hostclass = Some("mhcy".into());
        assert_eq!(
            warnings(&own),
            ["image ami-1 is of hostclass mhcx, which counts, not mhcy"]
        );
        let balanced = warnings(&resolved("mhcx", "elb=yes\ntarget_group=yes"));
        assert_eq!(balanced.len(), 2);
        assert!(
            balanced[0].contains("a load balancer (elb)")
                && balanced[1].contains("a target group (target_group)")
        );
    }
}
