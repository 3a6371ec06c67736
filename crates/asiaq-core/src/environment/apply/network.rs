//! VPC, subnets, route tables and static-IP interfaces.

use super::super::changes::{VPC, group_key, subnet_key, table_key};
use super::super::interface::{InterfaceRequest, create_interface};
use super::Executor;
use crate::aws::{Context, Tags, tag_specification};
use crate::error::{Error, Result};
use crate::network::MetaNetwork;
use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType};
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Time that AWS gets to make a VPC available.
const VPC_AVAILABLE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(600));

impl Executor<'_> {
    pub(super) async fn create_vpc(&self, name: &str, cidr: Ipv4Net, tags: &Tags) -> Result<()> {
        let call = self.aws.ec2().create_vpc().cidr_block(cidr.to_string());
        let answer = call
            .tag_specifications(tag_specification(ResourceType::Vpc, tags))
            .send()
            .await;
        let answer = answer.context("ec2:CreateVpc", format!("environment {name}"))?;
        self.learn(VPC, answer.vpc().and_then(|v| v.vpc_id()), "ec2:CreateVpc")?;
        let id = self.id(VPC)?;
        let what = format!("waiting for VPC {id} of environment `{name}` to become available");
        let (pause, limit) = VPC_AVAILABLE;
        self.aws
            .poll
            .until(&what, pause, limit, async || {
                let answer = match self
                    .aws
                    .ec2()
                    .describe_vpcs()
                    .vpc_ids(&id)
                    .send()
                    .await
                    .context("ec2:DescribeVpcs", &id)
                {
                    Err(error) if error.is_not_found() => return Ok(None),
                    other => other?,
                };
                let available = answer
                    .vpcs()
                    .iter()
                    .any(|v| v.state().is_some_and(|s| s.as_str() == "available"));
                Ok(available.then_some(()))
            })
            .await
    }

    pub(super) async fn dns_attribute(&self, support: bool) -> Result<()> {
        let on = AttributeBooleanValue::builder().value(true).build();
        let id = self.id(VPC)?;
        let call = self.aws.ec2().modify_vpc_attribute().vpc_id(&id);
        let call = if support {
            call.enable_dns_support(on)
        } else {
            call.enable_dns_hostnames(on)
        };
        call.send().await.context("ec2:ModifyVpcAttribute", &id)?;
        Ok(())
    }

    pub(super) async fn create_subnet(
        &self,
        net: MetaNetwork,
        zone: &str,
        cidr: Ipv4Net,
        tags: &Tags,
    ) -> Result<()> {
        let call = self
            .aws
            .ec2()
            .create_subnet()
            .vpc_id(self.id(VPC)?)
            .cidr_block(cidr.to_string())
            .availability_zone(zone);
        let answer = call
            .tag_specifications(tag_specification(ResourceType::Subnet, tags))
            .send()
            .await;
        let answer = answer.context("ec2:CreateSubnet", format!("subnet {net} {zone} {cidr}"))?;
        self.learn(
            subnet_key(net, zone),
            answer.subnet().and_then(|s| s.subnet_id()),
            "ec2:CreateSubnet",
        )
    }

    pub(super) async fn create_table(
        &self,
        net: MetaNetwork,
        zone: &str,
        tags: &Tags,
    ) -> Result<()> {
        let call = self.aws.ec2().create_route_table().vpc_id(self.id(VPC)?);
        let answer = call
            .tag_specifications(tag_specification(ResourceType::RouteTable, tags))
            .send()
            .await;
        let answer = answer.context("ec2:CreateRouteTable", format!("route table {net} {zone}"))?;
        self.learn(
            table_key(net, zone),
            answer.route_table().and_then(|t| t.route_table_id()),
            "ec2:CreateRouteTable",
        )
    }

    pub(super) async fn associate(
        &self,
        table: &str,
        subnet: &str,
        replace: Option<&str>,
    ) -> Result<()> {
        let (table_id, name) = (self.id(table)?, format!("{table} with {subnet}"));
        if let Some(old) = replace {
            let call = self
                .aws
                .ec2()
                .replace_route_table_association()
                .association_id(old)
                .route_table_id(table_id);
            call.send()
                .await
                .context("ec2:ReplaceRouteTableAssociation", &name)?;
        } else {
            let call = self
                .aws
                .ec2()
                .associate_route_table()
                .route_table_id(table_id)
                .subnet_id(self.id(subnet)?);
            call.send()
                .await
                .context("ec2:AssociateRouteTable", &name)?;
        }
        Ok(())
    }

    /// AWS keeps the first four and the last address of a subnet for itself; asking for one is a mistake worth a note, not
    /// a reason to leave the environment half-made (spec 20, section 13).
    pub(super) async fn interface(
        &self,
        net: MetaNetwork,
        zone: &str,
        address: Ipv4Addr,
        hostclass: &str,
    ) -> Result<()> {
        let request = InterfaceRequest {
            environment: self.env.to_owned(),
            hostclass: hostclass.to_owned(),
            address,
        };
        match create_interface(
            self.aws,
            &request,
            &self.id(&subnet_key(net, zone))?,
            &self.id(&group_key(net))?,
        )
        .await
        {
            Err(error)
                if matches!(
                    error.code.as_deref(),
                    Some("InvalidParameterValue" | "InvalidIPAddress.InUse")
                ) =>
            {
                Err(Error::Left(format!(
                    "Failed to reserve IP address ({address}) for hostclass ({hostclass}): {error}"
                )))
            }
            other => Ok(other.map(|_| ())?),
        }
    }
}
