//! Executes the conversion of route tables from the old layout.

use super::super::action::{LayoutAction, RouteOperation};
use super::super::changes::{subnet_key, table_key};
use super::super::observed::Target;
use super::Executor;
use crate::aws::{AwsError, Context, Tags, ec2_tags};
use crate::error::{Error, Result};
use ipnet::Ipv4Net;
use std::time::Duration;

/// Pause and limit for a table that AWS still believes to be in use.
const IN_USE: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(120));

impl Executor<'_> {
    pub(super) async fn layout(&self, action: &LayoutAction) -> Result<()> {
        match action {
            LayoutAction::Split {
                net,
                zone,
                create,
                routes,
                propagating,
            } => {
                let table = table_key(*net, zone);
                if let Some(tags) = create {
                    self.create_table(*net, zone, tags).await?;
                }
                for (destination, target) in routes {
                    self.copy_route(&table, *destination, target).await?;
                }
                for gateway in propagating {
                    self.propagate(&table, gateway).await?;
                }
                Ok(())
            }
            LayoutAction::DeleteShared { table } => self.delete_table(table).await,
            LayoutAction::TagSubnet { net, zone, tags } => {
                self.tag(&self.id(&subnet_key(*net, zone))?, tags).await
            }
        }
    }

    /// Copies a route of any kind. Transit gateways are nothing that we make, but what people made must not be lost.
    async fn copy_route(&self, table: &str, destination: Ipv4Net, target: &Target) -> Result<()> {
        let Target::Other(id) = target else {
            return self
                .route(RouteOperation::Create, table, destination, target)
                .await;
        };
        let call = self
            .aws
            .ec2()
            .create_route()
            .route_table_id(self.id(table)?)
            .destination_cidr_block(destination.to_string());
        let call = match id.split('-').next() {
            Some("tgw") => call.transit_gateway_id(id),
            Some("lgw") => call.local_gateway_id(id),
            Some("cagw") => call.carrier_gateway_id(id),
            _ => {
                return Err(Error::refused(format!(
                    "route {destination} -> {id} cannot be copied to {table}"
                ))
                .with_hint("create it there by hand, then run the command again"));
            }
        };
        let name = format!("{table} {destination}");
        match call.send().await.context("ec2:CreateRoute", &name) {
            Err(error) if !error.is("RouteAlreadyExists") => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn propagate(&self, table: &str, gateway: &str) -> Result<()> {
        let call = self
            .aws
            .ec2()
            .enable_vgw_route_propagation()
            .route_table_id(self.id(table)?)
            .gateway_id(gateway);
        let sent = call.send().await;
        sent.context(
            "ec2:EnableVgwRoutePropagation",
            format!("{gateway} to {table}"),
        )?;
        Ok(())
    }

    async fn delete_table(&self, table: &str) -> Result<()> {
        let call = self.aws.ec2().delete_route_table().route_table_id(table);
        // AWS learns late that its subnets have other tables now.
        let delete = async || {
            let sent = call.clone().send().await;
            sent.context("ec2:DeleteRouteTable", table)
        };
        let in_use = |error: &AwsError| error.is("DependencyViolation");
        let (pause, limit) = IN_USE;
        match self.aws.poll.retry(pause, limit, in_use, delete).await {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }

    pub(super) async fn tag(&self, resource: &str, tags: &Tags) -> Result<()> {
        let call = self.aws.ec2().create_tags().resources(resource);
        let sent = call.set_tags(Some(ec2_tags(tags))).send().await;
        sent.context("ec2:CreateTags", resource)?;
        Ok(())
    }
}
