//! NAT gateways as AWS has them.

use super::{Address, vpc_filter};
use crate::aws::{Aws, Pages};
use crate::error::Result;
use std::net::Ipv4Addr;

/// A NAT gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::environment) struct NatGateway {
    pub(in crate::environment) id: String,
    pub(in crate::environment) subnet_id: String,
    /// `pending`, `available`, `failed`, `deleting` or `deleted`.
    pub(in crate::environment) state: String,
    /// Its primary elastic IP.
    pub(in crate::environment) address: Option<Ipv4Addr>,
    /// Allocation of that address.
    pub(in crate::environment) allocation_id: Option<String>,
    /// Its network interface.
    pub(in crate::environment) interface: Option<String>,
    /// Translates between private networks only and has no elastic IP. Asiaq makes none and leaves them alone.
    pub(in crate::environment) private: bool,
}

impl NatGateway {
    /// Gone; what its address is shown to be associated with is stale.
    pub(in crate::environment) fn is_deleted(&self) -> bool {
        self.state == "deleted"
    }

    /// Works, or is going to.
    pub(in crate::environment) fn is_live(&self) -> bool {
        matches!(self.state.as_str(), "available" | "pending")
    }

    /// Whether this is its address.
    pub(in crate::environment) fn has(&self, address: &Address) -> bool {
        self.allocation_id.as_ref() == Some(&address.allocation_id)
            || self.address == Some(address.public_ip)
    }
}

/// All NAT gateways of a VPC, deleted ones included: AWS lists them for about an hour.
pub(in crate::environment) async fn nat_gateways(
    aws: &Aws,
    vpc_id: &str,
) -> Result<Vec<NatGateway>> {
    let call = aws
        .ec2()
        .describe_nat_gateways()
        .filter(vpc_filter(vpc_id))
        .into_paginator()
        .items()
        .send();
    let all = call.all("ec2:DescribeNatGateways", vpc_id).await?;
    let here = |gateway: &&aws_sdk_ec2::types::NatGateway| gateway.vpc_id() == Some(vpc_id);
    Ok(all.iter().filter(here).filter_map(convert).collect())
}

fn convert(gateway: &aws_sdk_ec2::types::NatGateway) -> Option<NatGateway> {
    let addresses = gateway.nat_gateway_addresses();
    let primary = addresses
        .iter()
        .find(|a| a.is_primary() == Some(true))
        .or_else(|| addresses.first());
    Some(NatGateway {
        id: gateway.nat_gateway_id()?.to_owned(),
        subnet_id: gateway.subnet_id()?.to_owned(),
        state: gateway.state()?.as_str().to_owned(),
        address: primary
            .and_then(|a| a.public_ip())
            .and_then(|ip| ip.parse().ok()),
        allocation_id: primary.and_then(|a| a.allocation_id()).map(str::to_owned),
        interface: primary
            .and_then(|a| a.network_interface_id())
            .map(str::to_owned),
        private: gateway
            .connectivity_type()
            .is_some_and(|kind| kind.as_str() == "private"),
    })
}
