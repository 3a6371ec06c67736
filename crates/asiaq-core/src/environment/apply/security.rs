//! Security groups and their rules.

use super::super::changes::{VPC, group_key};
use super::super::observed::GroupRef;
use super::Executor;
use crate::aws::{AwsError, Context, Tags, tag_specification};
use crate::error::Result;
use crate::network::{Grant, MetaNetwork, Peer};
use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, ResourceType, UserIdGroupPair};
use ipnet::IpNet;

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

    /// All grants in one call; if AWS says that one of them exists, one by one.
    pub(super) async fn authorize(
        &self,
        net: MetaNetwork,
        grants: &[Grant<GroupRef>],
    ) -> Result<()> {
        let (group, permissions) = (self.id(&group_key(net))?, self.permissions(grants)?);
        let call = async |permissions: Vec<IpPermission>| {
            let call = self
                .aws
                .ec2()
                .authorize_security_group_ingress()
                .group_id(&group)
                .set_ip_permissions(Some(permissions));
            call.send()
                .await
                .context(
                    "ec2:AuthorizeSecurityGroupIngress",
                    format!("{net} ({} rules wanted)", grants.len()),
                )
                .map(|_| ())
        };
        one_by_one_if("InvalidPermission.Duplicate", permissions, call).await
    }

    pub(super) async fn revoke(&self, net: MetaNetwork, grants: &[Grant<GroupRef>]) -> Result<()> {
        let (group, permissions) = (self.id(&group_key(net))?, self.permissions(grants)?);
        let call = async |permissions: Vec<IpPermission>| {
            let call = self
                .aws
                .ec2()
                .revoke_security_group_ingress()
                .group_id(&group)
                .set_ip_permissions(Some(permissions));
            call.send()
                .await
                .context("ec2:RevokeSecurityGroupIngress", net)
                .map(|_| ())
        };
        one_by_one_if("InvalidPermission.NotFound", permissions, call).await
    }

    fn permissions(&self, grants: &[Grant<GroupRef>]) -> Result<Vec<IpPermission>> {
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

/// Sends everything in one call; if AWS answers with `harmless`, each part by itself, where `harmless` is not an error.
async fn one_by_one_if(
    harmless: &str,
    all: Vec<IpPermission>,
    call: impl AsyncFn(Vec<IpPermission>) -> Result<(), AwsError>,
) -> Result<()> {
    match call(all.clone()).await {
        Err(error) if error.is(harmless) => {}
        other => return Ok(other?),
    }
    for permission in all {
        match call(vec![permission]).await {
            Err(error) if error.is(harmless) => {}
            other => other?,
        }
    }
    Ok(())
}
