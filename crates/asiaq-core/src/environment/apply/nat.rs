//! Executes changes to NAT gateways. What destroying an environment needs too are free functions.

use super::super::action::{AddressSource, HeldAddress, NatAction};
use super::super::changes::{VPC, nat::gateway_key, subnet_key};
use super::super::observed::{Target, route_tables};
use super::{Executor, FRESH};
use crate::aws::{Aws, AwsError, Context, Pages, Tags, tag_specification};
use crate::error::{Error, Result};
use crate::names::tag;
use crate::network::MetaNetwork;
use aws_sdk_ec2::types::{
    Address, DomainType, Filter, NatGateway, NatGatewayState, ResourceType, Tag,
};
use ipnet::Ipv4Net;
use std::ops::RangeInclusive;
use std::time::Duration;

const AVAILABLE_PAUSE: Duration = Duration::from_secs(15);
const AVAILABLE_LIMIT: Duration = Duration::from_secs(600);
const DELETED_PAUSES: RangeInclusive<Duration> = Duration::from_secs(3)..=Duration::from_secs(60);
const DELETED_LIMIT: Duration = Duration::from_secs(900);
/// Time that AWS gets to notice that nothing uses an address any more.
const FREE_PAUSES: RangeInclusive<Duration> = Duration::from_secs(3)..=Duration::from_secs(15);
const FREE_LIMIT: Duration = Duration::from_secs(120);

impl Executor<'_> {
    pub(super) async fn nat(&self, action: &NatAction) -> Result<()> {
        match action {
            NatAction::Create {
                net,
                zone,
                tags,
                source,
            } => self.create_nat(*net, zone, tags, source).await,
            NatAction::Await { net, zone, gateway } => {
                match wait_until_available(self.aws, gateway).await? {
                    Some(reason) => Err(failed(*net, zone, gateway, &reason)),
                    None => Ok(()),
                }
            }
            NatAction::Delete {
                gateway,
                deleting,
                allocation,
                release,
                ..
            } => {
                let held = (allocation.as_deref(), release.as_ref());
                self.delete_nat(gateway, *deleting, held).await
            }
            NatAction::Release(address) => {
                release_address(self.aws, &address.allocation_id).await?;
                Ok(())
            }
            NatAction::MarkSubnet {
                net,
                zone,
                automatic,
            } => self.mark_subnet(*net, zone, *automatic).await,
            NatAction::Adopt(address) => self.untag(&address.allocation_id, tag::DYNAMIC).await,
            NatAction::DeleteRoute { table } => self.delete_nat_route(table).await,
        }
    }

    /// The SDK puts a client token into the call, so that its retries make one gateway. A gateway whose making was not
    /// seen to its end is found by the next run.
    async fn create_nat(
        &self,
        net: MetaNetwork,
        zone: &str,
        tags: &Tags,
        source: &AddressSource,
    ) -> Result<()> {
        let (allocation, automatic) = match source {
            AddressSource::Given(held) => (self.take(held).await?, false),
            AddressSource::Left(held) => (self.take(held).await?, true),
            AddressSource::Allocated => (self.allocate(net, zone, tags).await?, true),
        };
        let call = self
            .aws
            .ec2()
            .create_nat_gateway()
            .subnet_id(self.id(&subnet_key(net, zone))?)
            .allocation_id(&allocation)
            .tag_specifications(tag_specification(ResourceType::Natgateway, tags));
        let name = format!("NAT gateway {net} {zone}");
        let (pause, limit) = FRESH;
        let create = async || {
            let sent = call.clone().send().await;
            sent.context("ec2:CreateNatGateway", &name)
        };
        let created = self
            .aws
            .poll
            .retry(pause, limit, AwsError::is_not_found, create)
            .await;
        let answer = match created {
            Ok(answer) => answer,
            // Without an answer nobody knows whether there is a gateway; the next run sees.
            Err(error) if automatic && error.code.is_some() => {
                return Err(self.give_back(&allocation, error.into()).await);
            }
            Err(error) => return Err(error.into()),
        };
        let gateway = answer.nat_gateway().and_then(|g| g.nat_gateway_id());
        self.learn(gateway_key(net, zone), gateway, "ec2:CreateNatGateway")?;
        let gateway = self.id(&gateway_key(net, zone))?;
        if let Some(reason) = wait_until_available(self.aws, &gateway).await? {
            let error = failed(net, zone, &gateway, &reason);
            if !automatic {
                return Err(error);
            }
            if let Err(other) = self.delete_nat(&gateway, false, (None, None)).await {
                return Err(both(error, other));
            }
            return Err(self.give_back(&allocation, error).await);
        }
        if automatic {
            self.mark_subnet(net, zone, true).await?;
        }
        Ok(())
    }

    /// Makes an existing address ready for a gateway.
    async fn take(&self, held: &HeldAddress) -> Result<String> {
        if held.stale {
            drop_association(self.aws, &held.allocation_id).await?;
        }
        Ok(held.allocation_id.clone())
    }

    /// The tags let the next run find the address if this one dies before the gateway is made.
    async fn allocate(&self, net: MetaNetwork, zone: &str, tags: &Tags) -> Result<String> {
        let own = [
            (tag::NAME, tags.get(tag::NAME).map_or("", String::as_str)),
            (tag::DYNAMIC, "true"),
            (tag::ENVIRONMENT, self.env),
        ];
        let own = own
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let what = format!("elastic IP of NAT gateway {net} {zone}");
        let call = self.aws.ec2().allocate_address().domain(DomainType::Vpc);
        let call = call.tag_specifications(tag_specification(ResourceType::ElasticIp, &own));
        let answer = call.send().await.context("ec2:AllocateAddress", &what)?;
        let id = answer.allocation_id().map(str::to_owned);
        Ok(id.ok_or_else(|| AwsError::incomplete("ec2:AllocateAddress", what, "AllocationId"))?)
    }

    /// Releases the address of a gateway that could not be made; gives the error back.
    async fn give_back(&self, allocation: &str, error: Error) -> Error {
        match release_address(self.aws, allocation).await {
            Ok(_) => error,
            Err(other) => both(error, other),
        }
    }

    async fn delete_nat(
        &self,
        gateway: &str,
        deleting: bool,
        (allocation, release): (Option<&str>, Option<&Tags>),
    ) -> Result<()> {
        if let (Some(allocation), Some(tags)) = (allocation, release.filter(|t| !t.is_empty())) {
            self.tag(allocation, tags).await?;
        }
        if !deleting {
            let call = self.aws.ec2().delete_nat_gateway().nat_gateway_id(gateway);
            match call.send().await.context("ec2:DeleteNatGateway", gateway) {
                Err(error) if !is_gone(&error) => return Err(error.into()),
                _ => {}
            }
        }
        wait_until_deleted(self.aws, &[gateway.to_owned()]).await?;
        match allocation {
            Some(own) if release.is_some() => release_address(self.aws, own).await.map(|_| ()),
            Some(own) => drop_association(self.aws, own).await,
            None => Ok(()),
        }
    }

    async fn mark_subnet(&self, net: MetaNetwork, zone: &str, automatic: bool) -> Result<()> {
        let subnet = self.id(&subnet_key(net, zone))?;
        if automatic {
            let tags = Tags::from([(tag::DYNONAT.to_owned(), String::new())]);
            self.tag(&subnet, &tags).await
        } else {
            self.untag(&subnet, tag::DYNONAT).await
        }
    }

    async fn untag(&self, resource: &str, key: &str) -> Result<()> {
        let call = self.aws.ec2().delete_tags().resources(resource);
        let sent = call.tags(Tag::builder().key(key).build()).send().await;
        sent.context("ec2:DeleteTags", resource)?;
        Ok(())
    }

    /// Somebody may have pointed the route elsewhere since it was read.
    async fn delete_nat_route(&self, table: &str) -> Result<()> {
        let (id, all) = (self.id(table)?, Ipv4Net::default());
        let tables = route_tables(self.aws, &self.id(VPC)?).await?;
        let still = tables.iter().filter(|t| t.id == id).any(|t| {
            let mut routes = t.routes.iter();
            routes.any(|r| r.destination == all && matches!(r.target, Target::Nat(_)))
        });
        if !still {
            return Ok(());
        }
        let call = self.aws.ec2().delete_route().route_table_id(id);
        let sent = call.destination_cidr_block(all.to_string()).send().await;
        match sent.context("ec2:DeleteRoute", format!("{table} {all}")) {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }
}

fn failed(net: MetaNetwork, zone: &str, gateway: &str, reason: &str) -> Error {
    Error::refused(format!(
        "NAT gateway {gateway} in {net} {zone} failed: {reason}"
    ))
    .with_hint("remove the cause; `disco_vpc_ui update` then makes it again")
}

fn both(first: Error, second: Error) -> Error {
    Error::Several(vec![first, second])
}

/// EC2 has two codes for a NAT gateway that does not exist.
fn is_gone(error: &AwsError) -> bool {
    error.is_not_found() || error.is("NatGatewayNotFound")
}

/// Waits until a NAT gateway works. `Some` with AWS' reason if it failed, which is final.
async fn wait_until_available(aws: &Aws, gateway: &str) -> Result<Option<String>> {
    let what = format!("waiting for NAT gateway {gateway} to become available");
    let look = async || {
        // A gateway that was made a moment ago may not be listed yet.
        let Some(found) = read(aws, &[gateway.to_owned()]).await?.into_iter().next() else {
            return Ok(None);
        };
        Ok(match found.state() {
            Some(NatGatewayState::Available) => Some(None),
            Some(state @ (NatGatewayState::Failed | NatGatewayState::Deleted)) => {
                let why = found.failure_message().or(found.failure_code());
                Some(Some(why.unwrap_or(state.as_str()).to_owned()))
            }
            _ => None,
        })
    };
    aws.poll
        .until(&what, AVAILABLE_PAUSE, AVAILABLE_LIMIT, look)
        .await
}

/// Those of these gateways that AWS lists. A filter, because asking by id fails if one of them is gone.
async fn read(aws: &Aws, gateways: &[String]) -> Result<Vec<NatGateway>> {
    let ids = Some(gateways.to_vec());
    let filter = Filter::builder().name("nat-gateway-id").set_values(ids);
    let call = aws.ec2().describe_nat_gateways().filter(filter.build());
    let pages = call.into_paginator().items().send();
    Ok(pages
        .all("ec2:DescribeNatGateways", &gateways.join(" "))
        .await?)
}

/// Waits until all of these NAT gateways are gone. A failed one counts as gone: it has no interface and no address.
pub(in crate::environment) async fn wait_until_deleted(
    aws: &Aws,
    gateways: &[String],
) -> Result<()> {
    let what = format!("waiting for NAT gateways {} to go", gateways.join(" "));
    let look = async || {
        let gone = |gateway: &NatGateway| {
            let state = gateway.state();
            state.is_none_or(|s| matches!(s, NatGatewayState::Deleted | NatGatewayState::Failed))
        };
        let all_gone = read(aws, gateways).await?.iter().all(gone);
        Ok(all_gone.then_some(()))
    };
    aws.poll
        .backing_off(&what, DELETED_PAUSES, DELETED_LIMIT, look)
        .await
}

/// Gives an address back whose NAT gateway is gone. AWS may still show an association with that gateway, which is void.
/// `false` if there was no such address any more.
pub(in crate::environment) async fn release_address(aws: &Aws, allocation: &str) -> Result<bool> {
    let what = format!("waiting for elastic IP {allocation} to be free");
    aws.poll
        .backing_off(&what, FREE_PAUSES, FREE_LIMIT, async || {
            drop_association(aws, allocation).await?;
            let call = aws.ec2().release_address().allocation_id(allocation);
            match call.send().await.context("ec2:ReleaseAddress", allocation) {
                Ok(_) => Ok(Some(true)),
                Err(error) if error.is_not_found() => Ok(Some(false)),
                Err(error) if error.is("InvalidIPAddress.InUse") => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
        .await
}

/// Removes the association of an address whose NAT gateway is gone, if AWS still shows it. That AWS refuses is no
/// failure: it removes such associations itself, and what uses the address next says so if it cannot.
async fn drop_association(aws: &Aws, allocation: &str) -> Result<()> {
    let call = aws.ec2().describe_addresses().allocation_ids(allocation);
    let answer = match call
        .send()
        .await
        .context("ec2:DescribeAddresses", allocation)
    {
        Err(error) if error.is_not_found() => return Ok(()),
        other => other?,
    };
    // What is on an instance was put there by somebody since.
    let own = |address: &&Address| address.instance_id().is_none_or(str::is_empty);
    let address = answer.addresses().first().filter(own);
    let association = address.and_then(Address::association_id);
    if let Some(association) = association.filter(|id| !id.is_empty()) {
        let call = aws.ec2().disassociate_address().association_id(association);
        if let Err(error) = call
            .send()
            .await
            .context("ec2:DisassociateAddress", allocation)
        {
            tracing::debug!("{error}");
        }
    }
    Ok(())
}
