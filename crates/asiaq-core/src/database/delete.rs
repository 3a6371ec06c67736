//! Deleting the databases of a VPC: all of them with final snapshots, or none.

use super::{Database, Databases, instances};
use crate::aws::{Aws, Context, gone};
use crate::dns::{Cname, Writer};
use crate::error::{Error, Result};
use crate::names;
use crate::plan::{Plan, Progress, Sign};
use std::time::Duration;

/// Pause and limit of the wait for instances to be gone.
const GONE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(1800));
/// Pause and limit for what AWS still believes to be there or in use.
const LINGERING: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(60));

/// One change to databases.
#[derive(Debug, Clone, PartialEq)]
pub enum DatabaseAction {
    /// Delete all instances of a VPC with final snapshots, and wait.
    DeleteInstances {
        /// The VPC.
        vpc_id: String,
        /// Records that lead to them.
        cnames: Vec<Cname>,
    },
    /// Delete a subnet group.
    DeleteSubnetGroup(String),
}

/// Plans to delete the databases of a VPC and their subnet groups.
pub fn plan_delete(vpc_id: &str, databases: &Databases) -> Plan<DatabaseAction> {
    let mut plan = Plan::default();
    if !databases.instances.is_empty() {
        let mut lines: Vec<String> = databases.cnames.iter().map(Cname::describe).collect();
        for instance in &databases.instances {
            let snapshot = names::final_snapshot(&instance.id);
            if databases.old_snapshots.contains(&snapshot) {
                lines.push(format!("snapshot {snapshot} of an earlier database"));
            }
            lines.push(if instance.is_deleting() {
                format!("database {} (being deleted)", instance.id)
            } else {
                format!("database {} (leaves snapshot {snapshot})", instance.id)
            });
        }
        let action = DatabaseAction::DeleteInstances {
            vpc_id: vpc_id.to_owned(),
            cnames: databases.cnames.clone(),
        };
        plan.push("databases", [""; 0], Sign::Remove, lines, action);
    }
    for name in &databases.subnet_groups {
        plan.push(
            format!("database-subnet-group/{name}"),
            ["databases"],
            Sign::Remove,
            format!("database subnet group {name}"),
            DatabaseAction::DeleteSubnetGroup(name.clone()),
        );
    }
    plan
}

/// Makes one change. `records` deletes the records of all changes of a plan.
pub async fn apply(
    aws: &Aws,
    records: &Writer<'_>,
    action: &DatabaseAction,
    progress: &dyn Progress,
) -> Result<()> {
    match action {
        DatabaseAction::DeleteInstances { vpc_id, cnames } => {
            delete_all(aws, records, vpc_id, cnames, progress).await
        }
        DatabaseAction::DeleteSubnetGroup(name) => delete_subnet_group(aws, name).await,
    }
}

/// The state is read again: hosts have gone since the plan was made, and that took its time.
async fn delete_all(
    aws: &Aws,
    records: &Writer<'_>,
    vpc_id: &str,
    cnames: &[Cname],
    progress: &dyn Progress,
) -> Result<()> {
    let all = instances(aws, vpc_id).await?;
    refuse_without_snapshot(&all)?;
    // Before the instances: once those are gone, nothing leads to the records any more.
    records.delete_all(cnames).await?;
    let going = all.iter().filter(|own| !own.is_deleting());
    let results = futures::future::join_all(going.map(|own| delete_instance(aws, &own.id))).await;
    if let Some(error) = Error::from_list(results.into_iter().filter_map(Result::err).collect()) {
        return Err(error);
    }
    let (pause, limit) = GONE;
    let what = format!("waiting for the databases of {vpc_id} to be deleted");
    let look = async || {
        let left = instances(aws, vpc_id).await?;
        if !left.is_empty() {
            progress.note(&format!(
                "waiting for {} databases to be deleted",
                left.len()
            ));
        }
        Ok(left.is_empty().then_some(()))
    };
    aws.poll.until(&what, pause, limit, look).await
}

/// # Errors
/// One of them cannot be snapshotted: then nothing is deleted.
fn refuse_without_snapshot(all: &[Database]) -> Result<()> {
    let hindered = all
        .iter()
        .filter_map(|own| Some(format!("{} ({})", own.id, own.hindrance()?)));
    let hindered: Vec<String> = hindered.collect();
    if hindered.is_empty() {
        return Ok(());
    }
    let what = format!(
        "no database is deleted, because there can be no final snapshot of {}",
        hindered.join(", ")
    );
    Err(Error::refused(what).with_hint(
        "wait until their state is `available`, or snapshot and delete these databases yourself",
    ))
}

async fn delete_instance(aws: &Aws, id: &str) -> Result<()> {
    let snapshot = names::final_snapshot(id);
    let call = aws
        .rds()
        .delete_db_instance()
        .db_instance_identifier(id)
        .skip_final_snapshot(false)
        .final_db_snapshot_identifier(&snapshot);
    let (pause, limit) = LINGERING;
    let passes = |error: &crate::aws::AwsError| {
        error.is("DBSnapshotAlreadyExists") || error.is("InvalidDBInstanceState")
    };
    let delete = async || {
        match gone(
            call.clone()
                .send()
                .await
                .context("rds:DeleteDBInstance", id),
        ) {
            // An earlier attempt, whose answer was lost, may have been accepted.
            Err(error) if passes(&error) && is_deleting(aws, id).await => Ok(()),
            // The old one is in the way. It goes only now that AWS would delete the instance.
            Err(error) if error.is("DBSnapshotAlreadyExists") => {
                let old = aws.rds().delete_db_snapshot();
                let sent = old.db_snapshot_identifier(&snapshot).send().await;
                if let Err(other) = sent.context("rds:DeleteDBSnapshot", &snapshot) {
                    tracing::debug!("{other}");
                }
                Err(error)
            }
            other => other,
        }
    };
    Ok(aws.poll.retry(pause, limit, passes, delete).await?)
}

async fn is_deleting(aws: &Aws, id: &str) -> bool {
    let call = aws.rds().describe_db_instances().db_instance_identifier(id);
    let deleting = |status: Option<&str>| status == Some(super::DELETING);
    call.send().await.is_ok_and(|answer| {
        answer
            .db_instances()
            .iter()
            .all(|own| deleting(own.db_instance_status()))
    })
}

async fn delete_subnet_group(aws: &Aws, name: &str) -> Result<()> {
    let (pause, limit) = LINGERING;
    let call = aws
        .rds()
        .delete_db_subnet_group()
        .db_subnet_group_name(name);
    let delete = async || {
        gone(
            call.clone()
                .send()
                .await
                .context("rds:DeleteDBSubnetGroup", name),
        )
    };
    let in_use = |error: &crate::aws::AwsError| error.is("InvalidDBSubnetGroupStateFault");
    Ok(aws.poll.retry(pause, limit, in_use, delete).await?)
}

#[cfg(test)]
mod tests;
