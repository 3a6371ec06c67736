//! Routes that lead to an instance: deleted before the instance is (spec 20, section 15; spec 40, section 8).

use crate::aws::{Aws, Context, Pages};
use crate::error::Result;
use aws_sdk_ec2::types::Filter;

/// A route whose target is an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceRoute {
    /// Route table.
    pub table_id: String,
    /// Destination, IPv4 or IPv6.
    pub destination: String,
    /// Target.
    pub instance_id: String,
}

/// All routes of a VPC's tables that lead to instances.
pub async fn instance_routes(aws: &Aws, vpc_id: &str) -> Result<Vec<InstanceRoute>> {
    let filter = Filter::builder().name("vpc-id").values(vpc_id).build();
    let call = aws
        .ec2()
        .describe_route_tables()
        .filters(filter)
        .into_paginator()
        .items()
        .send();
    let mut found = Vec::new();
    for table in call.all("ec2:DescribeRouteTables", vpc_id).await? {
        let route = |r: &aws_sdk_ec2::types::Route| {
            Some(InstanceRoute {
                table_id: table.route_table_id()?.to_owned(),
                destination: r
                    .destination_cidr_block()
                    .or_else(|| r.destination_ipv6_cidr_block())?
                    .to_owned(),
                instance_id: r.instance_id()?.to_owned(),
            })
        };
        found.extend(table.routes().iter().filter_map(route));
    }
    Ok(found)
}

/// Deletes such a route; one that is gone already is fine.
pub async fn delete_instance_route(aws: &Aws, route: &InstanceRoute) -> Result<()> {
    let call = aws.ec2().delete_route().route_table_id(&route.table_id);
    let call = if route.destination.contains(':') {
        call.destination_ipv6_cidr_block(&route.destination)
    } else {
        call.destination_cidr_block(&route.destination)
    };
    match call.send().await.context(
        "ec2:DeleteRoute",
        format!("{} in {}", route.destination, route.table_id),
    ) {
        Err(error) if error.is_not_found() => Ok(()),
        other => Ok(other.map(|_| ())?),
    }
}
