//! Static-IP interfaces: found by VPC and address, created once, never attached here (spec 20, section 13; spec 40, section 4.7).

use crate::aws::{Aws, AwsError, Context, Pages, Tags, tag_specification};
use crate::error::Result;
use crate::names::{FLOATING_INTERFACE, tag};
use aws_sdk_ec2::types::{Filter, ResourceType};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// An interface to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceRequest {
    /// Environment, for its tags.
    pub environment: String,
    /// Hostclass that the address is configured for.
    pub hostclass: String,
    /// The address.
    pub address: Ipv4Addr,
}

/// The interfaces of a VPC that hold one of the addresses: address → interface id. One call per 200 addresses.
pub async fn find_interfaces(
    aws: &Aws,
    vpc_id: &str,
    addresses: &[Ipv4Addr],
) -> Result<BTreeMap<Ipv4Addr, String>> {
    let chunks = addresses
        .chunks(200)
        .map(|chunk| find_chunk(aws, vpc_id, chunk));
    let found = futures::future::try_join_all(chunks).await?;
    Ok(found.into_iter().flatten().collect())
}

async fn find_chunk(
    aws: &Aws,
    vpc_id: &str,
    addresses: &[Ipv4Addr],
) -> Result<Vec<(Ipv4Addr, String)>> {
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let filters = [
        Filter::builder().name("vpc-id").values(vpc_id).build(),
        Filter::builder()
            .name("private-ip-address")
            .set_values(Some(texts))
            .build(),
    ];
    let call = aws
        .ec2()
        .describe_network_interfaces()
        .set_filters(Some(filters.to_vec()))
        .into_paginator()
        .items()
        .send();
    let interfaces = call.all("ec2:DescribeNetworkInterfaces", vpc_id).await?;
    let address_of = |i: &aws_sdk_ec2::types::NetworkInterface| {
        i.private_ip_address().and_then(|text| text.parse().ok())
    };
    let pairs = interfaces
        .iter()
        .filter_map(|i| Some((address_of(i)?, i.network_interface_id()?.to_owned())));
    Ok(pairs
        .filter(|(address, _)| addresses.contains(address))
        .collect())
}

/// Creates the interface in a subnet with a security group. An address that is taken meanwhile by our own earlier
/// interface is not an error; AWS' refusal of a reserved address is.
pub async fn create_interface(
    aws: &Aws,
    request: &InterfaceRequest,
    subnet_id: &str,
    group_id: &str,
) -> Result<String, AwsError> {
    let name = format!("interface {} of {}", request.address, request.hostclass);
    let tags = Tags::from([
        (
            tag::NAME.to_owned(),
            format!("{}-{}", request.environment, request.hostclass),
        ),
        (tag::ENVIRONMENT.to_owned(), request.environment.clone()),
    ]);
    let answer = aws
        .ec2()
        .create_network_interface()
        .subnet_id(subnet_id)
        .private_ip_address(request.address.to_string())
        .description(FLOATING_INTERFACE)
        .groups(group_id)
        .tag_specifications(tag_specification(ResourceType::NetworkInterface, &tags))
        .send()
        .await
        .context("ec2:CreateNetworkInterface", &name)?;
    let id = answer
        .network_interface()
        .and_then(|i| i.network_interface_id());
    id.map(str::to_owned).ok_or_else(|| {
        AwsError::incomplete("ec2:CreateNetworkInterface", name, "NetworkInterfaceId")
    })
}
