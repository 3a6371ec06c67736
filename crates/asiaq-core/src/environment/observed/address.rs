//! Elastic IPs as AWS has them.

use crate::aws::{Aws, Context, Tags, tags_of};
use crate::error::Result;
use serde::Serialize;
use std::net::Ipv4Addr;

/// An elastic IP. The field names are the JSON keys of `disco_eip list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Address {
    /// The address.
    pub public_ip: Ipv4Addr,
    /// Its allocation.
    pub allocation_id: String,
    /// Its association with an instance, interface or NAT gateway.
    pub association_id: Option<String>,
    /// The instance that it is on.
    pub instance_id: Option<String>,
    /// The interface that it is on.
    pub network_interface_id: Option<String>,
    /// The private address behind it.
    pub private_ip: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// All elastic IPs of the region in ascending numeric order. The call has no pages.
pub async fn addresses(aws: &Aws) -> Result<Vec<Address>> {
    let answer = aws.ec2().describe_addresses().send().await;
    let answer = answer.context("ec2:DescribeAddresses", aws.region())?;
    let mut found: Vec<Address> = answer.addresses().iter().filter_map(convert).collect();
    found.sort_by_key(|address| address.public_ip);
    Ok(found)
}

/// One elastic IP; `None` if the region has no such address.
pub(in crate::environment) async fn address_by_ip(
    aws: &Aws,
    ip: Ipv4Addr,
) -> Result<Option<Address>> {
    let call = aws.ec2().describe_addresses().public_ips(ip.to_string());
    let answer = match call.send().await.context("ec2:DescribeAddresses", ip) {
        Err(error) if error.is_not_found() => return Ok(None),
        other => other?,
    };
    let mut found = answer.addresses().iter().filter_map(convert);
    Ok(found.find(|address| address.public_ip == ip))
}

fn convert(address: &aws_sdk_ec2::types::Address) -> Option<Address> {
    let filled = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(str::to_owned);
    Some(Address {
        public_ip: address.public_ip()?.parse().ok()?,
        allocation_id: address.allocation_id()?.to_owned(),
        association_id: filled(address.association_id()),
        instance_id: filled(address.instance_id()),
        network_interface_id: filled(address.network_interface_id()),
        private_ip: filled(address.private_ip_address()),
        tags: tags_of(address.tags()),
    })
}
