//! The latest snapshot of a hostclass, which new hosts mount (spec 40, section 12.1).

use super::record::{self, SnapshotRecord};
use crate::aws::{Aws, Pages};
use crate::error::{Error, Result};
use aws_sdk_ec2::types::{Filter, SnapshotState};
use std::collections::BTreeMap;
use std::time::Duration;

/// A snapshot that hosts of a hostclass mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Snapshot id.
    pub id: String,
    /// Tag `hostclass`.
    pub hostclass: String,
    /// GB.
    pub size: i32,
    /// Ready to be mounted.
    pub completed: bool,
}

/// The latest own snapshot of every hostclass in an environment, whatever its status: hostclass → snapshot. It is the one that
/// `disco_snapshot update` takes.
pub async fn latest_snapshots(
    aws: &Aws,
    env: &str,
    hostclasses: &[String],
) -> Result<BTreeMap<String, Snapshot>> {
    // Of no hostclass would mean of all.
    if hostclasses.is_empty() {
        return Ok(BTreeMap::new());
    }
    // In order of time: the last one of a hostclass remains.
    let found = record::of_environment(aws, env, hostclasses).await?;
    Ok(found
        .into_iter()
        .map(|own| (own.hostclass.clone(), Snapshot::from(own)))
        .collect())
}

impl From<SnapshotRecord> for Snapshot {
    fn from(own: SnapshotRecord) -> Self {
        Self {
            completed: own.is_completed(),
            id: own.id,
            hostclass: own.hostclass,
            size: own.size,
        }
    }
}

/// Waits until the snapshots are completed (900 s); a snapshot that failed ends the wait at once.
pub async fn wait_completed(aws: &Aws, snapshots: &[&Snapshot]) -> Result<()> {
    let mut waiting: Vec<String> = snapshots
        .iter()
        .filter(|s| !s.completed)
        .map(|s| s.id.clone())
        .collect();
    if waiting.is_empty() {
        return Ok(());
    }
    tracing::warn!(
        "waiting for snapshots {} to be completed",
        waiting.join(", ")
    );
    let what = format!(
        "waiting for snapshots {} to be completed",
        waiting.join(", ")
    );
    aws.poll
        .until(&what, Duration::from_secs(5), Duration::from_secs(900), async || {
            let filter = Filter::builder().name("snapshot-id").set_values(Some(waiting.clone())).build();
            let call = aws.ec2().describe_snapshots().filters(filter).into_paginator().items().send();
            for snapshot in call.all("ec2:DescribeSnapshots", &waiting.join(", ")).await? {
                let id = snapshot.snapshot_id().unwrap_or_default();
                match snapshot.state() {
                    Some(SnapshotState::Completed) => waiting.retain(|other| other != id),
                    Some(SnapshotState::Error) => {
                        let text = format!("snapshot {id} failed: {}", snapshot.state_message().unwrap_or("no reason given"));
                        return Err(Error::refused(text).with_hint("delete it with `disco_snapshot delete`, so that the one before is used"));
                    }
                    _ => {}
                }
            }
            Ok(waiting.is_empty().then_some(()))
        })
        .await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::record::tests::snapshot;
    use super::*;

    #[test]
    fn only_a_completed_snapshot_counts_as_ready() {
        let of = |status: &str| {
            let own = snapshot("snap-1", "mhcdb", "ci", "2026-02-03T04:05:06Z");
            Snapshot::from(SnapshotRecord {
                status: status.into(),
                ..own
            })
        };
        let done = of("completed");
        assert_eq!(
            (done.hostclass.as_str(), done.size, done.completed),
            ("mhcdb", 40, true)
        );
        assert!(!of("pending").completed && !of("error").completed);
    }
}
