//! ElastiCache. So far only what destroying an environment needs: the replication groups and cache subnet groups of a VPC
//! are found and deleted (spec 70, section 2.5).

mod delete;

pub use delete::{CacheAction, apply, plan_delete};

use crate::aws::{Aws, Context, Pages};
use crate::dns::{self, Cname};
use crate::error::Result;
use crate::names::tag;
use std::collections::BTreeMap;

/// A replication group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// Its id in AWS.
    pub id: String,
    /// `ENV-CLUSTER` for those of Asiaq.
    pub description: String,
    /// The host name that records lead to, once it has one.
    pub endpoint: Option<String>,
    arn: Option<String>,
}

/// A cache cluster: a member of a replication group, or alone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cluster {
    id: String,
    replication_group: Option<String>,
    subnet_group: Option<String>,
}

/// The caches of a VPC and what belongs to them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Caches {
    /// Replication groups.
    pub groups: Vec<Cache>,
    /// Names of the cache subnet groups.
    pub subnet_groups: Vec<String>,
    /// Clusters that belong to no replication group. Asiaq makes none.
    pub lone_clusters: Vec<String>,
    /// Records that lead to the caches.
    pub cnames: Vec<Cname>,
}

/// What the region holds.
#[derive(Debug, Default)]
struct Region {
    groups: Vec<Cache>,
    clusters: Vec<Cluster>,
    /// Cache subnet group → VPC.
    subnet_groups: BTreeMap<String, String>,
}

/// Where a replication group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Here,
    Elsewhere,
    /// AWS does not list its clusters (yet).
    Unknown,
}

impl Region {
    /// The VPC of a replication group is that of the subnet group of its clusters.
    fn place(&self, cache: &Cache, vpc_id: &str) -> Place {
        let own = |cluster: &&Cluster| {
            let group = cluster.replication_group.as_deref();
            group.is_some_and(|id| id.eq_ignore_ascii_case(&cache.id))
        };
        let vpc_of = |cluster: &Cluster| self.subnet_groups.get(cluster.subnet_group.as_ref()?);
        match self.clusters.iter().filter(own).find_map(vpc_of) {
            Some(vpc) if vpc == vpc_id => Place::Here,
            Some(_) => Place::Elsewhere,
            None => Place::Unknown,
        }
    }

    fn lone_clusters(&self, vpc_id: &str) -> Vec<String> {
        let here = |cluster: &&Cluster| {
            let group = cluster.subnet_group.as_ref();
            let vpc = group.and_then(|name| self.subnet_groups.get(name));
            cluster.replication_group.is_none() && vpc.is_some_and(|vpc| vpc == vpc_id)
        };
        let clusters = self.clusters.iter().filter(here);
        clusters.map(|cluster| cluster.id.clone()).collect()
    }
}

/// Reads the caches of a VPC. A replication group whose clusters AWS does not list counts if it is named for and tagged
/// with the environment `env`.
pub async fn caches(aws: &Aws, vpc_id: &str, env: Option<&str>) -> Result<Caches> {
    let region = region(aws).await?;
    let (mut groups, mut unknown) = (Vec::new(), Vec::new());
    for cache in &region.groups {
        match region.place(cache, vpc_id) {
            Place::Here => groups.push(cache.clone()),
            Place::Unknown => unknown.push(cache.clone()),
            Place::Elsewhere => {}
        }
    }
    if let Some(env) = env {
        unknown.retain(|cache| cache.description.starts_with(&format!("{env}-")));
        let tagged = unknown.iter().map(|cache| environment_tag(aws, cache));
        let tags = futures::future::try_join_all(tagged).await?;
        let own = unknown.into_iter().zip(tags);
        groups.extend(
            own.filter(|(_, tag)| tag.as_deref() == Some(env))
                .map(|(cache, _)| cache),
        );
    }
    let hosts: Vec<String> = groups.iter().filter_map(|c| c.endpoint.clone()).collect();
    let own_subnet_groups = region
        .subnet_groups
        .iter()
        .filter(|(_, vpc)| *vpc == vpc_id);
    Ok(Caches {
        groups,
        subnet_groups: own_subnet_groups.map(|(name, _)| name.clone()).collect(),
        lone_clusters: region.lone_clusters(vpc_id),
        cnames: dns::cnames_of(aws, &hosts).await?,
    })
}

async fn region(aws: &Aws) -> Result<Region> {
    let client = aws.elasticache();
    let groups = client
        .describe_replication_groups()
        .into_paginator()
        .items()
        .send();
    let clusters = client
        .describe_cache_clusters()
        .into_paginator()
        .items()
        .send();
    let subnet_groups = client
        .describe_cache_subnet_groups()
        .into_paginator()
        .items()
        .send();
    let (groups, clusters, subnet_groups) = tokio::try_join!(
        groups.all("elasticache:DescribeReplicationGroups", ""),
        clusters.all("elasticache:DescribeCacheClusters", ""),
        subnet_groups.all("elasticache:DescribeCacheSubnetGroups", ""),
    )?;
    Ok(Region {
        groups: groups.iter().filter_map(cache).collect(),
        clusters: clusters.iter().filter_map(cluster).collect(),
        subnet_groups: subnet_groups
            .iter()
            .filter_map(|group| {
                let name = group.cache_subnet_group_name()?.to_owned();
                Some((name, group.vpc_id()?.to_owned()))
            })
            .collect(),
    })
}

fn cache(group: &aws_sdk_elasticache::types::ReplicationGroup) -> Option<Cache> {
    // Groups in cluster mode have a configuration endpoint, others a primary one.
    let primary = || group.node_groups().first()?.primary_endpoint();
    let endpoint = group.configuration_endpoint().or_else(primary);
    Some(Cache {
        id: group.replication_group_id()?.to_owned(),
        description: group.description().unwrap_or_default().to_owned(),
        endpoint: endpoint
            .and_then(|endpoint| endpoint.address())
            .filter(|address| !address.is_empty())
            .map(str::to_owned),
        arn: group.arn().map(str::to_owned),
    })
}

fn cluster(cluster: &aws_sdk_elasticache::types::CacheCluster) -> Option<Cluster> {
    Some(Cluster {
        id: cluster.cache_cluster_id()?.to_owned(),
        replication_group: cluster.replication_group_id().map(str::to_owned),
        subnet_group: cluster.cache_subnet_group_name().map(str::to_owned),
    })
}

/// Tag `environment` of a replication group; none if it is gone.
async fn environment_tag(aws: &Aws, cache: &Cache) -> Result<Option<String>> {
    let Some(arn) = &cache.arn else {
        return Ok(None);
    };
    let call = aws
        .elasticache()
        .list_tags_for_resource()
        .resource_name(arn);
    let answer = call.send().await;
    let answer = match answer.context("elasticache:ListTagsForResource", &cache.id) {
        Err(error) if error.is_not_found() => return Ok(None),
        other => other?,
    };
    let own = answer
        .tag_list()
        .iter()
        .find(|own| own.key() == Some(tag::ENVIRONMENT));
    Ok(own.and_then(|own| own.value()).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn cluster(id: &str, group: Option<&str>, subnets: Option<&str>) -> Cluster {
        Cluster {
            id: id.to_owned(),
            replication_group: group.map(str::to_owned),
            subnet_group: subnets.map(str::to_owned),
        }
    }

    #[test]
    fn the_subnet_group_of_its_clusters_says_where_a_cache_is() {
        let region = Region {
            groups: Vec::new(),
            clusters: vec![
                cluster("a1", Some("abc"), None),
                cluster("a2", Some("abc"), Some("ci-intranet")),
                cluster("b1", Some("def"), Some("ci-2-intranet")),
                cluster("m1", None, Some("ci-intranet")),
                cluster("m2", None, Some("ci-2-intranet")),
                cluster("m3", None, None),
            ],
            subnet_groups: [("ci-intranet", "vpc-1"), ("ci-2-intranet", "vpc-2")]
                .map(|(name, vpc)| (name.to_owned(), vpc.to_owned()))
                .into(),
        };
        let place = |id: &str| {
            let cache = Cache {
                id: id.to_owned(),
                description: "ci-sessions".into(),
                endpoint: None,
                arn: None,
            };
            region.place(&cache, "vpc-1")
        };
        assert_eq!(place("Abc"), Place::Here, "ids are compared without case");
        assert_eq!(place("def"), Place::Elsewhere);
        assert_eq!(place("ghi"), Place::Unknown);
        assert_eq!(region.lone_clusters("vpc-1"), ["m1"]);
    }
}
