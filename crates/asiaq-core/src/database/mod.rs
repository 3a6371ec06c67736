//! RDS databases. So far only what destroying an environment needs: those of a VPC are listed and deleted with a final
//! snapshot, and their subnet groups after them (spec 70, section 1.8).

mod delete;

pub use delete::{DatabaseAction, apply, plan_delete};

use crate::aws::{Aws, Pages};
use crate::dns::{self, Cname};
use crate::error::Result;
use crate::names;
use std::collections::BTreeSet;

/// States in which AWS takes the final snapshot of an instance.
const SNAPSHOT_STATES: [&str; 3] = ["available", "backing-up", "creating"];
/// State of an instance that goes.
const DELETING: &str = "deleting";

/// A database instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Identifier.
    pub id: String,
    /// State, such as `available`.
    pub status: String,
    /// Its host name, once it has one.
    pub endpoint: Option<String>,
    /// What else keeps AWS from deleting it with a final snapshot.
    pub obstacle: Option<String>,
}

impl Database {
    /// AWS is deleting it already.
    pub fn is_deleting(&self) -> bool {
        self.status == DELETING
    }

    /// Why it cannot be deleted with a final snapshot; `None` if it can.
    pub fn hindrance(&self) -> Option<&str> {
        let state = &self.status;
        let impossible = !SNAPSHOT_STATES.contains(&state.as_str());
        self.obstacle
            .as_deref()
            .or_else(|| impossible.then_some(state.as_str()))
            .filter(|_| !self.is_deleting())
    }
}

/// The databases of a VPC and what belongs to them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Databases {
    /// Instances.
    pub instances: Vec<Database>,
    /// Names of the subnet groups.
    pub subnet_groups: Vec<String>,
    /// Final snapshots of earlier databases with the same identifiers, which new ones replace.
    pub old_snapshots: BTreeSet<String>,
    /// Records that lead to the instances.
    pub cnames: Vec<Cname>,
}

/// Reads the databases of a VPC.
pub async fn databases(aws: &Aws, vpc_id: &str) -> Result<Databases> {
    let (instances, subnet_groups) =
        tokio::try_join!(instances(aws, vpc_id), subnet_groups(aws, vpc_id))?;
    let ids = instances.iter().filter(|own| !own.is_deleting());
    let snapshots = ids.map(|own| old_snapshot(aws, &own.id));
    let hosts: Vec<String> = instances
        .iter()
        .filter_map(|d| d.endpoint.clone())
        .collect();
    let (snapshots, cnames) = tokio::try_join!(
        futures::future::try_join_all(snapshots),
        dns::cnames_of(aws, &hosts)
    )?;
    Ok(Databases {
        instances,
        subnet_groups,
        old_snapshots: snapshots.into_iter().flatten().collect(),
        cnames,
    })
}

/// The instances of a VPC.
async fn instances(aws: &Aws, vpc_id: &str) -> Result<Vec<Database>> {
    let call = aws
        .rds()
        .describe_db_instances()
        .into_paginator()
        .items()
        .send();
    let all = call.all("rds:DescribeDBInstances", "").await?;
    let here = |own: &&aws_sdk_rds::types::DbInstance| {
        own.db_subnet_group().and_then(|g| g.vpc_id()) == Some(vpc_id)
    };
    Ok(all.iter().filter(here).filter_map(convert).collect())
}

fn convert(instance: &aws_sdk_rds::types::DbInstance) -> Option<Database> {
    let filled = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(str::to_owned);
    let cluster =
        filled(instance.db_cluster_identifier()).map(|id| format!("member of cluster {id}"));
    let replica = filled(instance.read_replica_source_db_instance_identifier())
        .map(|id| format!("read replica of {id}"));
    let protected = instance
        .deletion_protection()
        .filter(|on| *on)
        .map(|_| "deletion protection is on".to_owned());
    Some(Database {
        id: instance.db_instance_identifier()?.to_owned(),
        status: instance
            .db_instance_status()
            .unwrap_or("unknown")
            .to_owned(),
        endpoint: filled(instance.endpoint().and_then(|e| e.address())),
        obstacle: cluster.or(replica).or(protected),
    })
}

async fn subnet_groups(aws: &Aws, vpc_id: &str) -> Result<Vec<String>> {
    let call = aws
        .rds()
        .describe_db_subnet_groups()
        .into_paginator()
        .items()
        .send();
    let all = call.all("rds:DescribeDBSubnetGroups", "").await?;
    Ok(all
        .iter()
        .filter(|group| group.vpc_id() == Some(vpc_id))
        .filter_map(|group| group.db_subnet_group_name().map(str::to_owned))
        .collect())
}

/// The name of the final snapshot of an earlier database of that identifier, if there is one.
async fn old_snapshot(aws: &Aws, id: &str) -> Result<Option<String>> {
    let name = names::final_snapshot(id);
    let call = aws
        .rds()
        .describe_db_snapshots()
        .db_snapshot_identifier(&name)
        .into_paginator()
        .items()
        .send();
    match call.all("rds:DescribeDBSnapshots", &name).await {
        Err(error) if error.is_not_found() => Ok(None),
        other => Ok((!other?.is_empty()).then_some(name)),
    }
}
