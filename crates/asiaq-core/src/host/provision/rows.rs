//! From a resolved row to the group and the balancer that it wants, and to their changes. Pure.
//!
//! The order of one row: interfaces, balancer, group with its attachments, and what the group has been detached from goes last.

use super::inputs::{Inputs, ResolvedRow};
use super::user_data::UserData;
use super::{Purpose, Request, RowPlan};
use crate::balancer::{self, Attachments, BalancerAction, BalancerState, PlannedBalancer};
use crate::error::{Error, Result};
use crate::group::{self, Group, GroupAction, GroupSpec, GroupState, Kind, LaunchSpec};
use crate::host::switching;
use crate::pipeline::{Reserve, Sizes, recurring_actions};
use crate::plan::{Plan, Sign};
use crate::storage::{DiskRequest, TypeFacts, layout};
use rand::Rng;
use std::net::Ipv4Addr;

/// One change of a spinup.
#[derive(Debug, Clone, PartialEq)]
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
    /// A change to the load balancer, to a target group or to their records.
    Balancer(BalancerAction),
    /// A change to the group.
    Group(GroupAction),
}

/// The changes of one row against the given state of groups and balancers.
pub(super) fn plan_row(
    request: &Request<'_>,
    inputs: &Inputs,
    own: &ResolvedRow,
    (groups, balancers): (&GroupState, &BalancerState),
    now_unix: i64,
    rng: &mut impl Rng,
) -> Result<RowPlan> {
    let purpose = request.purpose;
    let mut plan = Plan::default();
    let mut balancer = planned_balancer(request, balancers, own)?;
    let mut needs = Vec::new();
    if !matches!(purpose, Purpose::Image { .. }) {
        needs.extend(interfaces(&mut plan, inputs, own)?);
    }
    needs.extend(balancer.ready.iter().cloned());
    let mut spec = purpose.shaped(group_spec(request, inputs, own)?);
    spec.attach = balancer.attach.clone();
    spec.detach = balancer.detach.clone();
    let mut planned = group::plan_target(groups, &spec, purpose.target(), &needs, now_unix, rng)?;
    planned.plan = purpose.ordered(planned.plan);
    let others = others(groups, &planned.group_name);
    let others = switching::detach(others, request.env, &balancer.detach)?;
    // Another row may plan to detach the same group.
    planned
        .plan
        .extend(others.renamed(|id| format!("{id}/{}", spec.hostclass)));
    let hosts = awaited(groups, &spec, &planned.group_name, &planned.plan);
    switching::order(&mut balancer, &mut planned.plan, hosts);
    // If anything about balancer or group fails, what the group may still be attached to stays.
    let before = [balancer.plan.ids(), planned.plan.ids()].concat();
    plan.extend(balancer.plan.map(Action::Balancer));
    plan.extend(planned.plan.map(Action::Group));
    plan.extend(balancer.leaving.after(&before).map(Action::Balancer));
    Ok(RowPlan {
        hostclass: own.hostclass.name.clone(),
        image_id: own.image.id.clone(),
        group_name: planned.group_name,
        desired: spec.desired,
        repeats: false,
        smoke_test: own.row.smoke_test,
        notes: planned.notes,
        warnings: [warnings(own), planned.warnings, balancer.warnings].concat(),
        plan,
    })
}

/// The balancer of the row. That of a deployment leaves what serves as it is: the normal balancer is not looked at while a group
/// is tested, and what leaves goes when the deployment is done.
fn planned_balancer(
    request: &Request<'_>,
    balancers: &BalancerState,
    own: &ResolvedRow,
) -> Result<PlannedBalancer> {
    let wanted = match request.purpose {
        Purpose::Spinup | Purpose::Admission { .. } => true,
        Purpose::Trial { .. } => own.balancer.options.enabled,
        Purpose::Image { .. } => false,
    };
    if !wanted {
        return Ok(PlannedBalancer::default());
    }
    let planned = balancer::plan(balancers, &own.balancer)?;
    Ok(match request.purpose {
        Purpose::Spinup => planned,
        _ => PlannedBalancer {
            detach: Attachments::default(),
            leaving: Plan::default(),
            ..planned
        },
    })
}

/// The groups of the environment besides the row's own.
fn others<'a>(groups: &'a GroupState, own: &'a str) -> impl Iterator<Item = &'a Group> {
    groups
        .groups()
        .iter()
        .filter(move |group| group.name != own)
}

/// The hosts that are to be healthy before host names move, see [`balancer::PlannedBalancer::attached_by`]. If the row changes
/// the group these are the ones that it then has; with a desired size of 0 there are none.
fn awaited(
    groups: &GroupState,
    spec: &GroupSpec,
    name: &str,
    plan: &Plan<GroupAction>,
) -> Option<Vec<String>> {
    let group = groups.groups().iter().find(|group| group.name == name)?;
    let hosts = switching::hosts(group).filter(|_| spec.desired != Some(0))?;
    let own = format!("group/{name}");
    let changes = plan.changes().iter().any(|change| change.id == own);
    Some(if changes { Vec::new() } else { hosts })
}

fn warnings(own: &ResolvedRow) -> Vec<String> {
    let name = &own.hostclass.name;
    let mut warnings = Vec::new();
    if let Some(asked) = own
        .row
        .hostclass
        .as_deref()
        .filter(|asked| *asked != own.image.hostclass())
    {
        warnings.push(format!(
            "image {} is of hostclass {name}, which counts, not {asked}",
            own.image.id
        ));
    }
    if own.kind == Kind::Asg && own.reserve.is_some_and(|reserve| reserve != Reserve::None) {
        warnings.push(format!(
            "spotinst_reserve of hostclass {name} has no effect: its group is an Auto Scaling group"
        ));
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
        tags: own.tags.clone(),
        termination_policies: row.termination_policies.clone(),
        want_spot: own.want_spot,
        instance_types: own.instance_types.clone(),
        zones: place
            .subnets
            .iter()
            .map(|s| (s.id.clone(), s.zone.clone()))
            .collect(),
        reserve: own.reserve,
        attach: Default::default(),
        detach: Default::default(),
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
    let facts = common_facts(
        own.instance_types
            .iter()
            .map(|kind| own.more_facts.get(kind).or_else(|| inputs.facts.get(kind)))
            .map(|facts| facts.copied().unwrap_or_default()),
    );
    let disks = DiskRequest {
        extra_space: own.row.extra_space,
        extra_disk: own.row.extra_disk,
        iops: own.row.iops,
        ephemerals: facts.ephemerals,
    };
    Ok(LaunchSpec {
        image_id: own.image.id.clone(),
        instance_type: own.instance_types.first().cloned().unwrap_or_default(),
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
        is_spotinst: own.kind == Kind::Spot,
    }
    .render()
}

/// What holds for every type of a list: any of them may be launched.
fn common_facts(types: impl Iterator<Item = TypeFacts>) -> TypeFacts {
    let both = |a: TypeFacts, b: TypeFacts| TypeFacts {
        ebs_optimized: a.ebs_optimized && b.ebs_optimized,
        ephemerals: a.ephemerals.min(b.ephemerals),
    };
    types.reduce(both).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::inputs::tests::resolved;
    use super::*;

    #[test]
    fn operators_are_told_what_counts_and_what_has_no_effect() {
        let mut own = resolved("mhcx", "elb=yes\ntarget_group=yes");
        assert_eq!(warnings(&own), [""; 0], "a row by image");
        own.row.hostclass = Some("mhcx".into());
        assert_eq!(warnings(&own), [""; 0]);
        own.row.hostclass = Some("mhcy".into());
        assert_eq!(
            warnings(&own),
            ["image ami-1 is of hostclass mhcx, which counts, not mhcy"]
        );
        own.row.hostclass = None;
        for (kind, reserve, expected) in [
            (Kind::Asg, Some(Reserve::Share(25)), 1),
            (Kind::Asg, Some(Reserve::None), 0),
            (Kind::Asg, None, 0),
            (Kind::Spot, Some(Reserve::Count(3)), 0),
        ] {
            (own.kind, own.reserve) = (kind, reserve);
            assert_eq!(warnings(&own).len(), expected, "{kind} {reserve:?}");
        }
    }

    #[test]
    fn a_list_of_types_has_what_all_of_them_have() {
        let facts = |ebs_optimized, ephemerals| TypeFacts {
            ebs_optimized,
            ephemerals,
        };
        for (types, expected) in [
            (vec![], facts(false, 0)),
            (vec![facts(true, 2)], facts(true, 2)),
            (vec![facts(true, 2), facts(true, 1)], facts(true, 1)),
            (vec![facts(true, 0), facts(false, 4)], facts(false, 0)),
        ] {
            assert_eq!(
                common_facts(types.clone().into_iter()),
                expected,
                "{types:?}"
            );
        }
    }
}
