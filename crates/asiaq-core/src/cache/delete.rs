//! Deleting replication groups and cache subnet groups.

use super::{Cache, Caches};
use crate::aws::{Aws, AwsError, Context, gone};
use crate::dns::{Cname, Writer};
use crate::error::Result;
use crate::plan::{Plan, Progress, Sign};
use std::time::Duration;

/// Pause and limit of the wait for a replication group to be gone.
const GONE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(600));
/// Pause and limit for a subnet group that AWS still believes to be in use.
const IN_USE: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(60));

/// One change to caches.
#[derive(Debug, Clone, PartialEq)]
pub enum CacheAction {
    /// Delete the records that lead to a replication group, then the group, and wait.
    Delete {
        /// Its id.
        id: String,
        /// The records.
        cnames: Vec<Cname>,
    },
    /// Delete a cache subnet group.
    DeleteSubnetGroup(String),
}

/// Plans to delete the caches of a VPC and their subnet groups.
pub fn plan_delete(caches: &Caches) -> Plan<CacheAction> {
    let mut plan = Plan::default();
    let change = |cache: &Cache| format!("cache/{}", cache.id);
    for cache in &caches.groups {
        let host = cache.endpoint.as_deref();
        let leads = |cname: &&Cname| host.is_some_and(|host| cname.leads_to(host));
        let own: Vec<Cname> = caches.cnames.iter().filter(leads).cloned().collect();
        let mut lines: Vec<String> = own.iter().map(Cname::describe).collect();
        lines.push(format!("cache {} {}", cache.description, cache.id));
        let action = CacheAction::Delete {
            id: cache.id.clone(),
            cnames: own,
        };
        plan.push(change(cache), [""; 0], Sign::Remove, lines, action);
    }
    let all: Vec<String> = caches.groups.iter().map(change).collect();
    for name in &caches.subnet_groups {
        plan.push(
            format!("cache-subnet-group/{name}"),
            all.clone(),
            Sign::Remove,
            format!("cache subnet group {name}"),
            CacheAction::DeleteSubnetGroup(name.clone()),
        );
    }
    plan
}

/// Makes one change. `records` deletes the records of all changes of a plan.
pub async fn apply(
    aws: &Aws,
    records: &Writer<'_>,
    action: &CacheAction,
    progress: &dyn Progress,
) -> Result<()> {
    match action {
        CacheAction::Delete { id, cnames } => {
            // Before the group: once it is gone, nothing leads to the records any more.
            records.delete_all(cnames).await?;
            delete(aws, id, progress).await
        }
        CacheAction::DeleteSubnetGroup(name) => delete_subnet_group(aws, name).await,
    }
}

async fn delete(aws: &Aws, id: &str, progress: &dyn Progress) -> Result<()> {
    let (pause, limit) = GONE;
    let what = format!("waiting for cache {id} to be deleted");
    let look = async || {
        let Some(status) = status(aws, id).await? else {
            return Ok(Some(()));
        };
        if status != "deleting" {
            ask(aws, id).await?;
        }
        progress.note(&format!("waiting for cache {id} to be deleted"));
        Ok(None)
    };
    aws.poll.until(&what, pause, limit, look).await
}

/// State of a replication group; `None` if it is gone.
async fn status(aws: &Aws, id: &str) -> Result<Option<String>> {
    let call = aws
        .elasticache()
        .describe_replication_groups()
        .replication_group_id(id);
    match call
        .send()
        .await
        .context("elasticache:DescribeReplicationGroups", id)
    {
        Err(error) if error.is_not_found() => Ok(None),
        other => Ok(other?
            .replication_groups()
            .first()
            .map(|group| group.status().unwrap_or_default().to_owned())),
    }
}

/// Asks for the deletion. A group that is being made or changed refuses; it is asked again at the next look.
async fn ask(aws: &Aws, id: &str) -> Result<(), AwsError> {
    let call = aws
        .elasticache()
        .delete_replication_group()
        .replication_group_id(id);
    match gone(
        call.send()
            .await
            .context("elasticache:DeleteReplicationGroup", id),
    ) {
        Err(error) if error.is("InvalidReplicationGroupState") => Ok(()),
        other => other,
    }
}

async fn delete_subnet_group(aws: &Aws, name: &str) -> Result<()> {
    let (pause, limit) = IN_USE;
    let call = aws
        .elasticache()
        .delete_cache_subnet_group()
        .cache_subnet_group_name(name);
    let delete = async || {
        gone(
            call.clone()
                .send()
                .await
                .context("elasticache:DeleteCacheSubnetGroup", name),
        )
    };
    let in_use = |error: &AwsError| error.is("CacheSubnetGroupInUse");
    Ok(aws.poll.retry(pause, limit, in_use, delete).await?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn subnet_groups_go_after_the_caches() {
        let caches = Caches {
            groups: vec![Cache {
                id: "a1".into(),
                description: "ci-sessions".into(),
                endpoint: None,
                arn: None,
            }],
            subnet_groups: vec!["ci-intranet".into()],
            ..Caches::default()
        };
        let plan = plan_delete(&caches);
        assert_eq!(
            plan.lines(),
            ["- cache ci-sessions a1", "- cache subnet group ci-intranet"]
        );
        assert_eq!(plan.changes()[1].needs, ["cache/a1"]);
    }
}
