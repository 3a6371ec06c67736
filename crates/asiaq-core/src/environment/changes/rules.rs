//! Security groups and their ingress rules.

use super::super::action::Action;
use super::super::desired::{Desired, DesiredNet};
use super::super::observed::{GroupRef, Observed};
use super::{VPC, find_group, group_key};
use crate::aws::Tags;
use crate::names::{self, tag};
use crate::network::{Grant, MetaNetwork, Peer, diff_grants};
use crate::plan::{Plan, Sign};
use std::collections::BTreeSet;

pub(super) fn security_group(
    plan: &mut Plan<Action>,
    desired: &Desired,
    observed: &Observed,
    net: MetaNetwork,
) {
    if find_group(observed, net).is_some() {
        return;
    }
    let name = names::security_group(&desired.name, net);
    let tags = Tags::from([
        (tag::NAME.to_owned(), name.clone()),
        (tag::META_NETWORK.to_owned(), net.to_string()),
    ]);
    plan.push(
        group_key(net),
        [VPC],
        Sign::Add,
        format!("security group {net} {name}"),
        Action::CreateSecurityGroup { net, name, tags },
    );
}

/// Ingress rules of one metanetwork's group: one change, so one call, per direction.
pub(super) fn rules(
    plan: &mut Plan<Action>,
    observed: &Observed,
    net: MetaNetwork,
    own: &DesiredNet,
) {
    let empty = BTreeSet::new();
    let group = find_group(observed, net);
    let kept = group.map_or(&empty, |g| &g.kept_grants);
    let to_refs = |grant: &Grant<MetaNetwork>| {
        let peer = match &grant.peer {
            Peer::Group(source) => Peer::Group(GroupRef::Net(*source)),
            Peer::Cidr(cidr) => Peer::Cidr(*cidr),
        };
        Grant {
            protocol: grant.protocol,
            from: grant.from,
            to: grant.to,
            peer,
        }
    };
    let wanted: BTreeSet<Grant<GroupRef>> = own
        .grants
        .iter()
        .map(to_refs)
        .filter(|grant| !kept.contains(grant))
        .collect();
    let total = wanted.len() + kept.len();
    let (add, revoke) = diff_grants(&wanted, group.map_or(&empty, |g| &g.grants));
    let line = |grant: &Grant<GroupRef>| format!("rule {net} {grant}");
    let mut needs = vec![group_key(net)];
    if !add.is_empty() {
        let sources = add.iter().filter_map(|g| match &g.peer {
            Peer::Group(GroupRef::Net(source)) => Some(group_key(*source)),
            _ => None,
        });
        needs.extend(sources);
        let lines: Vec<String> = add.iter().map(line).collect();
        plan.push(
            format!("rules-add/{net}"),
            needs.clone(),
            Sign::Add,
            lines,
            Action::Authorize {
                net,
                grants: add,
                outdated: revoke.clone(),
                wanted: total,
            },
        );
    }
    if !revoke.is_empty() {
        needs.push(format!("rules-add/{net}"));
        let lines: Vec<String> = revoke.iter().map(line).collect();
        plan.push(
            format!("rules-revoke/{net}"),
            needs,
            Sign::Remove,
            lines,
            Action::Revoke {
                net,
                grants: revoke,
            },
        );
    }
}
