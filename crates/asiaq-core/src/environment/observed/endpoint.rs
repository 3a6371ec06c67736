//! VPC endpoints as AWS has them.

use super::vpc_filter;
use crate::aws::{Aws, Pages};
use crate::error::Result;
use std::collections::BTreeSet;

/// An endpoint of any service and type that is not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::environment) struct Endpoint {
    pub(in crate::environment) id: String,
    /// Such as `com.amazonaws.us-west-2.s3`.
    pub(in crate::environment) service: String,
    /// `Gateway`, `Interface`, …
    pub(in crate::environment) kind: String,
    pub(in crate::environment) route_tables: BTreeSet<String>,
    /// JSON document.
    pub(in crate::environment) policy: Option<String>,
    /// Seconds since 1970.
    pub(in crate::environment) created: i64,
}

/// The endpoints of a VPC; AWS lists deleted ones for a while, they are left out.
pub(in crate::environment) async fn endpoints(aws: &Aws, vpc_id: &str) -> Result<Vec<Endpoint>> {
    let call = aws
        .ec2()
        .describe_vpc_endpoints()
        .filters(vpc_filter(vpc_id))
        .into_paginator()
        .items()
        .send();
    let all = call.all("ec2:DescribeVpcEndpoints", vpc_id).await?;
    let of_vpc = |e: &&aws_sdk_ec2::types::VpcEndpoint| e.vpc_id() == Some(vpc_id);
    Ok(all.iter().filter(of_vpc).filter_map(convert).collect())
}

fn convert(endpoint: &aws_sdk_ec2::types::VpcEndpoint) -> Option<Endpoint> {
    // AWS writes states of endpoints in either case.
    let state = endpoint.state().map(|s| s.as_str().to_ascii_lowercase());
    if matches!(state.as_deref(), Some("deleting" | "deleted")) {
        return None;
    }
    Some(Endpoint {
        id: endpoint.vpc_endpoint_id()?.to_owned(),
        service: endpoint.service_name()?.to_owned(),
        kind: endpoint
            .vpc_endpoint_type()
            .map_or("Gateway", |t| t.as_str())
            .to_owned(),
        route_tables: endpoint.route_table_ids().iter().cloned().collect(),
        policy: endpoint.policy_document().map(str::to_owned),
        created: endpoint.creation_timestamp().map_or(0, |t| t.secs()),
    })
}
