//! Endpoints, internet gateways, security groups, subnets, route tables, DHCP options, and the VPC itself.

use super::Executor;
use crate::aws::{AwsError, Context, gone};
use crate::environment::apply::in_few_calls;
use crate::error::{Error, Result};
use aws_sdk_ec2::types::IpPermission;

impl Executor<'_> {
    /// AWS reports refusals of this call in its answer.
    pub(super) async fn delete_endpoint(&self, id: &str) -> Result<()> {
        let call = self.aws.ec2().delete_vpc_endpoints().vpc_endpoint_ids(id);
        let answer = call.send().await.context("ec2:DeleteVpcEndpoints", id);
        let answer = match answer {
            Err(error) if error.is_not_found() => return Ok(()),
            other => other?,
        };
        for refusal in answer.unsuccessful().iter().filter_map(|item| item.error()) {
            let code = refusal.code().unwrap_or_default();
            if !code.ends_with("NotFound") {
                return Err(Error::refused(format!(
                    "ec2:DeleteVpcEndpoints of {id}: {code}: {}",
                    refusal.message().unwrap_or("no message")
                ))
                .with_hint("delete the endpoint with the service that made it"));
            }
        }
        Ok(())
    }

    pub(super) async fn delete_gateway(&self, id: &str, attached: bool) -> Result<()> {
        let ec2 = self.aws.ec2();
        if attached {
            let call = ec2
                .detach_internet_gateway()
                .internet_gateway_id(id)
                .vpc_id(self.vpc_id);
            self.unless_in_use(id, async || {
                match gone(
                    call.clone()
                        .send()
                        .await
                        .context("ec2:DetachInternetGateway", id),
                ) {
                    Err(error) if error.is("Gateway.NotAttached") => Ok(()),
                    other => other,
                }
            })
            .await?;
        }
        let call = ec2.delete_internet_gateway().internet_gateway_id(id);
        self.unless_in_use(id, async || {
            let result = call.clone().send().await;
            gone(result.context("ec2:DeleteInternetGateway", id))
        })
        .await
    }

    pub(super) async fn revoke(
        &self,
        id: &str,
        ingress: &[IpPermission],
        egress: &[IpPermission],
    ) -> Result<()> {
        let ec2 = self.aws.ec2();
        let absent = "InvalidPermission.NotFound";
        let known = |result: Result<(), AwsError>| match result {
            Err(error) if error.is("InvalidGroup.NotFound") => Ok(()),
            other => other,
        };
        let ingress = in_few_calls(absent, ingress.to_vec(), async |part| {
            let call = ec2.revoke_security_group_ingress().group_id(id);
            let sent = call.set_ip_permissions(Some(part)).send().await;
            known(sent.context("ec2:RevokeSecurityGroupIngress", id).map(drop))
        });
        let egress = in_few_calls(absent, egress.to_vec(), async |part| {
            let call = ec2.revoke_security_group_egress().group_id(id);
            let sent = call.set_ip_permissions(Some(part)).send().await;
            known(sent.context("ec2:RevokeSecurityGroupEgress", id).map(drop))
        });
        tokio::try_join!(ingress, egress)?;
        Ok(())
    }

    pub(super) async fn delete_security_group(&self, id: &str) -> Result<()> {
        let call = self.aws.ec2().delete_security_group().group_id(id);
        self.unless_in_use(id, async || {
            let result = call.clone().send().await;
            gone(result.context("ec2:DeleteSecurityGroup", id))
        })
        .await
    }

    pub(super) async fn delete_subnet(&self, id: &str) -> Result<()> {
        let call = self.aws.ec2().delete_subnet().subnet_id(id);
        self.unless_in_use(id, async || {
            let result = call.clone().send().await;
            gone(result.context("ec2:DeleteSubnet", id))
        })
        .await
    }

    pub(super) async fn delete_table(&self, id: &str, associations: &[String]) -> Result<()> {
        let ec2 = self.aws.ec2();
        let remove = |association: &String| {
            let call = ec2.disassociate_route_table().association_id(association);
            async move { gone(call.send().await.context("ec2:DisassociateRouteTable", id)) }
        };
        futures::future::try_join_all(associations.iter().map(remove)).await?;
        let call = ec2.delete_route_table().route_table_id(id);
        self.unless_in_use(id, async || {
            let result = call.clone().send().await;
            gone(result.context("ec2:DeleteRouteTable", id))
        })
        .await
    }

    pub(super) async fn delete_vpc(&self) -> Result<()> {
        let id = self.vpc_id;
        let call = self.aws.ec2().delete_vpc().vpc_id(id);
        self.unless_in_use(id, async || {
            let result = call.clone().send().await;
            gone(result.context("ec2:DeleteVpc", id))
        })
        .await
    }

    pub(super) async fn delete_dhcp(&self, id: &str) -> Result<()> {
        let call = self.aws.ec2().delete_dhcp_options().dhcp_options_id(id);
        let deleted = self.unless_in_use(id, async || {
            let result = call.clone().send().await;
            gone(result.context("ec2:DeleteDhcpOptions", id))
        });
        match deleted.await {
            Err(Error::Aws(error)) if error.is("DependencyViolation") => {
                let why = format!("DHCP options {id} stay: another VPC uses them");
                Err(Error::Left(why))
            }
            other => other,
        }
    }
}
