//! Security groups as AWS has them: whose they are, and their ingress as single grants.

use super::{net_of, vpc_filter};
use crate::aws::{Aws, Pages, tags_of};
use crate::environment::Vpc;
use crate::error::Result;
use crate::names::{self, PEERING_RULE_PREFIX};
use crate::network::{Grant, MetaNetwork, Peer, Protocol};
use aws_sdk_ec2::types::IpPermission;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A security group.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::environment) struct SecurityGroup {
    pub(in crate::environment) id: String,
    pub(in crate::environment) name: String,
    pub(in crate::environment) net: Option<MetaNetwork>,
    /// Ingress that rule reconciling looks at (spec 20, section 4.7).
    pub(in crate::environment) grants: BTreeSet<Grant<GroupRef>>,
    /// Ingress of peerings and IPv6: counts as present, is never revoked here.
    pub(in crate::environment) kept_grants: BTreeSet<Grant<GroupRef>>,
    pub(in crate::environment) raw_ingress: Vec<IpPermission>,
    pub(in crate::environment) raw_egress: Vec<IpPermission>,
}

/// A security group as the source of a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupRef {
    /// The group of a metanetwork of this environment.
    Net(MetaNetwork),
    /// Any other group, by id.
    Foreign(String),
}

impl fmt::Display for GroupRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Net(net) => net.fmt(f),
            Self::Foreign(id) => f.write_str(id),
        }
    }
}

/// All security groups of a VPC, `default` included.
pub(in crate::environment) async fn security_groups(
    aws: &Aws,
    vpc: &Vpc,
) -> Result<Vec<SecurityGroup>> {
    let call = aws
        .ec2()
        .describe_security_groups()
        .filters(vpc_filter(&vpc.id))
        .into_paginator()
        .items()
        .send();
    let groups = call.all("ec2:DescribeSecurityGroups", &vpc.id).await?;
    Ok(convert(&groups, &vpc.name))
}

pub(super) fn convert(
    groups: &[aws_sdk_ec2::types::SecurityGroup],
    env: &str,
) -> Vec<SecurityGroup> {
    let nets = nets_of(groups, env);
    let reference = |id: &str| {
        nets.get(id).map_or_else(
            || GroupRef::Foreign(id.to_owned()),
            |net| GroupRef::Net(*net),
        )
    };
    let convert = |g: &aws_sdk_ec2::types::SecurityGroup| {
        let id = g.group_id()?.to_owned();
        let (grants, kept_grants) = grants_of(g.ip_permissions(), &reference);
        Some(SecurityGroup {
            net: nets.get(&id).copied(),
            name: g.group_name().unwrap_or_default().to_owned(),
            grants,
            kept_grants,
            raw_ingress: g.ip_permissions().to_vec(),
            raw_egress: g.ip_permissions_egress().to_vec(),
            id,
        })
    };
    groups.iter().filter_map(convert).collect()
}

/// Group id → metanetwork: the first group with the tag, else the one with the name, whose tags were lost. Rules refer
/// to groups by id, so both kinds must be known before rules are compared.
fn nets_of(
    groups: &[aws_sdk_ec2::types::SecurityGroup],
    env: &str,
) -> BTreeMap<String, MetaNetwork> {
    let own = |net: MetaNetwork| {
        let name = names::security_group(env, net);
        let tagged = groups
            .iter()
            .find(|g| net_of(&tags_of(g.tags())) == Some(net));
        let group = tagged.or_else(|| {
            groups
                .iter()
                .find(|g| g.group_name() == Some(name.as_str()))
        })?;
        Some((group.group_id()?.to_owned(), net))
    };
    MetaNetwork::ALL.into_iter().filter_map(own).collect()
}

/// Splits permissions into single grants; ranges that belong to peerings go into the second set. IPv6 ranges and prefix
/// lists that somebody added by hand are left alone (spec 20, section 4.7), so IPv6 ranges are read only to recognise
/// our own rules as present.
fn grants_of(
    permissions: &[IpPermission],
    reference: &impl Fn(&str) -> GroupRef,
) -> (BTreeSet<Grant<GroupRef>>, BTreeSet<Grant<GroupRef>>) {
    let (mut own, mut kept) = (BTreeSet::new(), BTreeSet::new());
    for permission in permissions {
        let Ok(protocol) = permission.ip_protocol().unwrap_or("-1").parse::<Protocol>() else {
            continue;
        };
        let (from, to) = (
            permission.from_port().unwrap_or(0),
            permission.to_port().unwrap_or(65_535),
        );
        let grant = |peer| Grant::new(protocol, Some(from), Some(to), peer);
        for pair in permission.user_id_group_pairs() {
            if let Some(id) = pair.group_id() {
                own.insert(grant(Peer::Group(reference(id))));
            }
        }
        for range in permission.ip_ranges() {
            let Some(cidr) = range.cidr_ip().and_then(|text| text.parse::<IpNet>().ok()) else {
                continue;
            };
            let of_peering = range
                .description()
                .is_some_and(|d| d.starts_with(PEERING_RULE_PREFIX));
            let set = if of_peering { &mut kept } else { &mut own };
            set.insert(grant(Peer::Cidr(cidr)));
        }
        for range in permission.ipv6_ranges() {
            if let Some(cidr) = range
                .cidr_ipv6()
                .and_then(|text| text.parse::<IpNet>().ok())
            {
                kept.insert(grant(Peer::Cidr(cidr)));
            }
        }
    }
    (own, kept)
}

#[cfg(test)]
mod tests;
