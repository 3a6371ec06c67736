//! The latest snapshot of a hostclass, which new hosts mount (spec 40, section 12.1).

use crate::aws::{Aws, Pages, tags_of};
use crate::error::{Error, Result};
use crate::names::tag;
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

/// The latest own snapshot of every hostclass in an environment, whatever its status: hostclass → snapshot.
pub async fn latest_snapshots(
    aws: &Aws,
    env: &str,
    hostclasses: &[String],
) -> Result<BTreeMap<String, Snapshot>> {
    let mut latest: BTreeMap<String, (i64, Snapshot)> = BTreeMap::new();
    for chunk in hostclasses.chunks(200) {
        let environment = Filter::builder().name("tag:env").values(env).build();
        let classes = Filter::builder()
            .name("tag:hostclass")
            .set_values(Some(chunk.to_vec()))
            .build();
        let call = aws
            .ec2()
            .describe_snapshots()
            .owner_ids("self")
            .filters(environment)
            .filters(classes)
            .into_paginator()
            .items()
            .send();
        for snapshot in call.all("ec2:DescribeSnapshots", env).await? {
            let started = snapshot.start_time().map_or(0, |at| at.secs());
            let Some(own) = convert(&snapshot) else {
                continue;
            };
            if latest
                .get(&own.hostclass)
                .is_none_or(|(other, _)| *other < started)
            {
                latest.insert(own.hostclass.clone(), (started, own));
            }
        }
    }
    Ok(latest
        .into_iter()
        .map(|(hostclass, (_, snapshot))| (hostclass, snapshot))
        .collect())
}

fn convert(snapshot: &aws_sdk_ec2::types::Snapshot) -> Option<Snapshot> {
    Some(Snapshot {
        id: snapshot.snapshot_id()?.to_owned(),
        hostclass: tags_of(snapshot.tags()).remove(tag::HOSTCLASS)?,
        size: snapshot.volume_size().unwrap_or(0),
        completed: snapshot.state() == Some(&SnapshotState::Completed),
    })
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
    use super::*;
    use aws_sdk_ec2::types::Tag;

    #[test]
    fn only_a_completed_snapshot_counts_as_ready() {
        let snapshot = |state: SnapshotState| {
            let tag = Tag::builder().key("hostclass").value("mhcdb").build();
            let snapshot = aws_sdk_ec2::types::Snapshot::builder()
                .snapshot_id("snap-1")
                .volume_size(40);
            convert(&snapshot.tags(tag).state(state).build()).unwrap()
        };
        let done = snapshot(SnapshotState::Completed);
        assert_eq!(
            (done.hostclass.as_str(), done.size, done.completed),
            ("mhcdb", 40, true)
        );
        assert!(
            !snapshot(SnapshotState::Pending).completed
                && !snapshot(SnapshotState::Error).completed
        );
        let untagged = aws_sdk_ec2::types::Snapshot::builder()
            .snapshot_id("snap-2")
            .build();
        assert_eq!(convert(&untagged), None);
    }
}
