//! The internet gateway and the routes to gateways.

use super::super::action::RouteOperation;
use super::super::changes::{INTERNET_GATEWAY, VPC};
use super::super::observed::Target;
use super::Executor;
use crate::aws::{AwsError, Context, Tags, tag_specification};
use crate::error::{Error, Result};
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
        target: &Target,
    ) -> Result<()> {
        let (table_id, name) = (self.id(table)?, format!("{destination} in {table}"));
        let route = RouteCall {
            table: &table_id,
            destination: &destination.to_string(),
            name: &name,
        };
        if operation == RouteOperation::Delete {
            let call = self.aws.ec2().delete_route().route_table_id(&table_id);
            let call = call.destination_cidr_block(route.destination);
            return match call.send().await.context("ec2:DeleteRoute", &name) {
                Err(error) if error.is_not_found() => Ok(()),
                other => Ok(other.map(|_| ())?),
            };
        }
        if let Target::Other(_) = target {
            let text = format!("routes to {target} are not made by this tool");
            return Err(Error::refused(text));
        }
        let id = self.id(target.key())?;
        if operation == RouteOperation::Create {
            return match self.create_route(&route, target, &id).await {
                Err(error) if error.is("RouteAlreadyExists") => {
                    Ok(self.replace_route(&route, target, &id).await?)
                }
                other => Ok(other?),
            };
        }
        match self.replace_route(&route, target, &id).await {
            // AWS says "use CreateRoute instead" if the old route has gone meanwhile.
            Err(error) if error.is("InvalidParameterValue") || error.is_not_found() => {
                Ok(self.create_route(&route, target, &id).await?)
            }
            other => Ok(other?),
        }
    }

    async fn create_route(
        &self,
        route: &RouteCall<'_>,
        target: &Target,
        id: &str,
    ) -> Result<(), AwsError> {
        let call = self.aws.ec2().create_route().route_table_id(route.table);
        let call = call.destination_cidr_block(route.destination);
        let call = match target {
            Target::Gateway(_) | Target::Other(_) => call.gateway_id(id),
            Target::Nat(_) => call.nat_gateway_id(id),
            Target::Peering(_) => call.vpc_peering_connection_id(id),
            Target::Instance(_) => call.instance_id(id),
            Target::Interface(_) => call.network_interface_id(id),
        };
        let answer = call.send().await.context("ec2:CreateRoute", route.name);
        answer.map(|_| ())
    }

    async fn replace_route(
        &self,
        route: &RouteCall<'_>,
        target: &Target,
        id: &str,
    ) -> Result<(), AwsError> {
        let call = self.aws.ec2().replace_route().route_table_id(route.table);
        let call = call.destination_cidr_block(route.destination);
        let call = match target {
            Target::Gateway(_) | Target::Other(_) => call.gateway_id(id),
            Target::Nat(_) => call.nat_gateway_id(id),
            Target::Peering(_) => call.vpc_peering_connection_id(id),
            Target::Instance(_) => call.instance_id(id),
            Target::Interface(_) => call.network_interface_id(id),
        };
        let answer = call.send().await.context("ec2:ReplaceRoute", route.name);
        answer.map(|_| ())
    }
}

/// Which route, in AWS' words and for errors.
struct RouteCall<'a> {
    table: &'a str,
    destination: &'a str,
    name: &'a str,
}
