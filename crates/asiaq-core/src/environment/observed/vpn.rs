//! VPN gateways as AWS has them. Asiaq never creates or deletes one (spec 20, section 8).

use crate::aws::{Aws, Context};
use crate::error::Result;
use aws_sdk_ec2::types::Filter;

/// A VPN gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::environment) struct VpnGateway {
    pub(in crate::environment) id: String,
    /// VPC id and state of every attachment that is not `detached`.
    pub(in crate::environment) attachments: Vec<(String, String)>,
}

/// The VPN gateways with tag `Name` = environment by id, those that are deleted or about to be left out.
pub(in crate::environment) async fn vpn_gateways(aws: &Aws, env: &str) -> Result<Vec<VpnGateway>> {
    let filter = Filter::builder().name("tag:Name").values(env).build();
    let answer = aws
        .ec2()
        .describe_vpn_gateways()
        .filters(filter)
        .send()
        .await;
    let answer = answer.context("ec2:DescribeVpnGateways", env)?;
    let mut found: Vec<VpnGateway> = answer
        .vpn_gateways()
        .iter()
        .filter(|g| !matches!(g.state().map(|s| s.as_str()), Some("deleted" | "deleting")))
        .filter_map(convert)
        .collect();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}

fn convert(gateway: &aws_sdk_ec2::types::VpnGateway) -> Option<VpnGateway> {
    let attachments = gateway.vpc_attachments().iter().filter_map(|a| {
        let state = a.state().map_or("attached", |s| s.as_str());
        Some((a.vpc_id()?.to_owned(), state.to_owned()))
    });
    Some(VpnGateway {
        id: gateway.vpn_gateway_id()?.to_owned(),
        attachments: attachments
            .filter(|(_, state)| state != "detached")
            .collect(),
    })
}
