//! The application and network balancers of a VPC, for people. Read only.

use super::observed::{balancers, kind_of, tags_of};
use crate::aws::Aws;
use crate::balancer::listing::ListedBalancer;
use crate::error::Result;

/// Lists them, in the order of the service.
pub(in crate::balancer) async fn list(aws: &Aws, vpc_id: &str) -> Result<Vec<ListedBalancer>> {
    let all = balancers(aws).await?;
    let own = || all.iter().filter(|own| own.vpc_id() == Some(vpc_id));
    let arns: Vec<&str> = own().filter_map(|own| own.load_balancer_arn()).collect();
    let mut tags = tags_of(aws, &arns).await?;
    let listed = own().filter_map(|own| {
        let tags = tags.remove(own.load_balancer_arn()?).unwrap_or_default();
        let zones = own.availability_zones().iter();
        let mut zones: Vec<String> = zones
            .filter_map(|zone| zone.zone_name().map(str::to_owned))
            .collect();
        zones.sort();
        let scheme = own.scheme().map(|scheme| scheme.as_str().to_owned());
        Some(ListedBalancer {
            availability_zones: zones,
            scheme: scheme.unwrap_or_default(),
            dns_name: own.dns_name().unwrap_or_default().to_owned(),
            ..ListedBalancer::new(kind_of(own)?, own.load_balancer_name()?, &tags)
        })
    });
    Ok(listed.collect())
}
