//! Security groups and their rules.

use super::super::changes::{VPC, group_key};
use super::super::observed::GroupRef;
use super::Executor;
use crate::aws::{AwsError, Context, Tags, tag_specification};
use crate::error::Result;
use crate::network::{Grant, MetaNetwork, Peer};
use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, ResourceType, UserIdGroupPair};
use ipnet::IpNet;
use std::sync::PoisonError;

/// Permissions in one call. AWS documents no number for a request; it caps the rules of a group, times the groups of an
/// interface, at 1,000, so that more in one call could not be granted anyway.
const PER_CALL: usize = 1000;

/// AWS' code for a group that would hold more rules than the quota allows.
const TOO_MANY: &str = "RulesPerSecurityGroupLimitExceeded";

impl Executor<'_> {
    pub(super) async fn create_group(
        &self,
        net: MetaNetwork,
        name: &str,
        tags: &Tags,
    ) -> Result<()> {
        let call = self
            .aws
            .ec2()
            .create_security_group()
            .group_name(name)
            .description(net.description())
            .vpc_id(self.id(VPC)?);
        let answer = call
            .tag_specifications(tag_specification(ResourceType::SecurityGroup, tags))
            .send()
            .await;
        let answer = answer.context("ec2:CreateSecurityGroup", name)?;
        self.learn(group_key(net), answer.group_id(), "ec2:CreateSecurityGroup")
    }

    /// All grants at once. A group that would be too full for old and new grants together loses the old ones first; that
    /// shuts nobody out who is to be let in.
    pub(super) async fn authorize(
        &self,
        net: MetaNetwork,
        grants: &[Grant<GroupRef>],
        outdated: &[Grant<GroupRef>],
        wanted: usize,
    ) -> Result<()> {
        match self.add_grants(net, grants, wanted).await {
            Err(error) if error.aws_code() == Some(TOO_MANY) && !outdated.is_empty() => {
                self.revoke(net, outdated).await?;
                self.add_grants(net, grants, wanted).await
            }
            other => other,
        }
    }

    async fn add_grants(
        &self,
        net: MetaNetwork,
        grants: &[Grant<GroupRef>],
        wanted: usize,
    ) -> Result<()> {
        let (group, permissions) = (self.id(&group_key(net))?, self.permissions(grants)?);
        let name = format!("{net} ({wanted} rules wanted)");
        let call = async |permissions: Vec<IpPermission>| {
            let call = self.aws.ec2().authorize_security_group_ingress();
            let call = call.group_id(&group).set_ip_permissions(Some(permissions));
            let answer = call.send().await;
            answer
                .context("ec2:AuthorizeSecurityGroupIngress", &name)
                .map(|_| ())
        };
        in_few_calls("InvalidPermission.Duplicate", permissions, call).await
    }

    /// Once per run: [`Self::authorize`] may have done it already.
    pub(super) async fn revoke(&self, net: MetaNetwork, grants: &[Grant<GroupRef>]) -> Result<()> {
        let (group, permissions) = (self.id(&group_key(net))?, self.permissions(grants)?);
        let revoked = || self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        if revoked().contains(&net) {
            return Ok(());
        }
        let call = async |permissions: Vec<IpPermission>| {
            let call = self.aws.ec2().revoke_security_group_ingress();
            let call = call.group_id(&group).set_ip_permissions(Some(permissions));
            let answer = call.send().await;
            answer
                .context("ec2:RevokeSecurityGroupIngress", net)
                .map(|_| ())
        };
        in_few_calls("InvalidPermission.NotFound", permissions, call).await?;
        revoked().insert(net);
        Ok(())
    }

    pub(super) fn permissions(&self, grants: &[Grant<GroupRef>]) -> Result<Vec<IpPermission>> {
        grants.iter().map(|grant| self.permission(grant)).collect()
    }

    fn permission(&self, grant: &Grant<GroupRef>) -> Result<IpPermission> {
        let permission = IpPermission::builder()
            .ip_protocol(grant.protocol.aws_name())
            .set_from_port(grant.from)
            .set_to_port(grant.to);
        let permission = match &grant.peer {
            Peer::Group(source) => {
                let id = match source {
                    GroupRef::Net(net) => self.id(&group_key(*net))?,
                    GroupRef::Foreign(id) => id.clone(),
                };
                permission.user_id_group_pairs(UserIdGroupPair::builder().group_id(id).build())
            }
            Peer::Cidr(IpNet::V4(cidr)) => {
                permission.ip_ranges(IpRange::builder().cidr_ip(cidr.to_string()).build())
            }
            Peer::Cidr(IpNet::V6(cidr)) => {
                permission.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(cidr.to_string()).build())
            }
        };
        Ok(permission.build())
    }
}

/// Sends everything in as few calls as possible. A call that AWS refuses because of one of its parts, with a code that is
/// `harmless` for that part, is sent again in halves, until the part is alone.
pub(in crate::environment) async fn in_few_calls(
    harmless: &str,
    all: Vec<IpPermission>,
    call: impl AsyncFn(Vec<IpPermission>) -> Result<(), AwsError>,
) -> Result<()> {
    let mut left: Vec<Vec<IpPermission>> = all.chunks(PER_CALL).map(<[_]>::to_vec).collect();
    while let Some(mut part) = left.pop() {
        match call(part.clone()).await {
            Err(error) if error.is(harmless) => {
                if part.len() > 1 {
                    let rest = part.split_off(part.len() / 2);
                    left.extend([part, rest]);
                }
            }
            other => other?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
