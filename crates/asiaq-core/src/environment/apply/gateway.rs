//! The internet gateway and the routes to gateways.

use super::super::action::RouteOperation;
use super::super::changes::{INTERNET_GATEWAY, VPC};
use super::Executor;
use crate::aws::{Context, Tags, tag_specification};
use crate::error::Result;
use aws_sdk_ec2::types::ResourceType;
use ipnet::Ipv4Net;

impl Executor<'_> {
    pub(super) async fn create_internet_gateway(&self, tags: &Tags) -> Result<()> {
        let call = self.aws.ec2().create_internet_gateway();
        let answer = call
            .tag_specifications(tag_specification(ResourceType::InternetGateway, tags))
            .send()
            .await;
        let answer = answer.context(
            "ec2:CreateInternetGateway",
            format!("environment {}", self.env),
        )?;
        self.learn(
            INTERNET_GATEWAY,
            answer
                .internet_gateway()
                .and_then(|g| g.internet_gateway_id()),
            "ec2:CreateInternetGateway",
        )
    }

    pub(super) async fn attach_internet_gateway(&self) -> Result<()> {
        let id = self.id(INTERNET_GATEWAY)?;
        let call = self
            .aws
            .ec2()
            .attach_internet_gateway()
            .internet_gateway_id(&id)
            .vpc_id(self.id(VPC)?);
        match call.send().await.context("ec2:AttachInternetGateway", &id) {
            Err(error) if error.is("Resource.AlreadyAssociated") => Ok(()),
            other => Ok(other.map(|_| ())?),
        }
    }

    pub(super) async fn route(
        &self,
        operation: RouteOperation,
        table: &str,
        destination: Ipv4Net,
        gateway: &str,
    ) -> Result<()> {
        let (table_id, name) = (self.id(table)?, format!("{destination} in {table}"));
        let ec2 = self.aws.ec2();
        if operation == RouteOperation::Delete {
            let call = ec2
                .delete_route()
                .route_table_id(table_id)
                .destination_cidr_block(destination.to_string());
            return match call.send().await.context("ec2:DeleteRoute", &name) {
                Err(error) if error.is_not_found() => Ok(()),
                other => Ok(other.map(|_| ())?),
            };
        }
        let gateway = if gateway == INTERNET_GATEWAY {
            self.id(INTERNET_GATEWAY)?
        } else {
            gateway.to_owned()
        };
        if operation == RouteOperation::Create {
            let call = ec2
                .create_route()
                .route_table_id(&table_id)
                .destination_cidr_block(destination.to_string())
                .gateway_id(&gateway);
            match call.send().await.context("ec2:CreateRoute", &name) {
                Err(error) if error.is("RouteAlreadyExists") => {}
                other => return Ok(other.map(|_| ())?),
            }
        }
        let call = ec2
            .replace_route()
            .route_table_id(table_id)
            .destination_cidr_block(destination.to_string())
            .gateway_id(gateway);
        call.send().await.context("ec2:ReplaceRoute", &name)?;
        Ok(())
    }
}
