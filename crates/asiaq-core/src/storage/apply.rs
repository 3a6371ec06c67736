//! Executes changes of snapshots and of the volumes that snapshots are taken of. Every action is repeatable, as far as AWS can tell
//! a repetition: CreateSnapshot has no token, so that it is repeated only if AWS has surely not taken it.

use crate::aws::{Aws, AwsError, Context, Pages, Tags, gone, tag_specification};
use crate::error::{Error, Result};
use crate::plan::{Apply, Change, Plan, Progress, Yields};
use aws_config::retry::RetryConfig;
use aws_sdk_ec2::types::{Filter, ResourceType, Volume, VolumeState, VolumeType};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a new volume may take to become available.
const AVAILABLE_LIMIT: Duration = Duration::from_secs(900);
/// Pause and limit while AWS refuses to make a snapshot because calls come too fast.
const THROTTLED: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(600));
const THROTTLING: [&str; 5] = [
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "RequestThrottled",
    "TooManyRequestsException",
];
/// Names under which the ids of what is made are kept.
const VOLUME: &str = "volume";
const SNAPSHOT: &str = "snapshot";

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotAction {
    /// Create an empty volume, to take a snapshot of it.
    CreateVolume {
        /// GiB.
        size: i32,
        /// Availability zone.
        zone: String,
        /// Whether it is to be encrypted.
        encrypted: bool,
        /// Its tags.
        tags: Tags,
    },
    /// Take a snapshot of a volume; of one that is being created when it is available.
    CreateSnapshot {
        /// The volume.
        volume: VolumeRef,
        /// Tags of the snapshot.
        tags: Tags,
    },
    /// Delete a volume.
    DeleteVolume(VolumeRef),
    /// Delete a snapshot.
    DeleteSnapshot(String),
}

/// A volume that a change is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumeRef {
    /// The one that the same plan creates.
    Planned,
    /// One that exists and that the plan deletes at its end.
    Temporary(String),
    /// One that exists and stays.
    Existing(String),
}

/// What came of a plan.
#[derive(Debug, Default)]
pub struct Applied {
    /// The snapshot that was made.
    pub snapshot: Option<String>,
    /// Snapshots that could not be deleted.
    pub refused: BTreeSet<String>,
}

/// Applies a plan. If it fails after a temporary volume exists, that volume is deleted again.
///
/// # Errors
/// Changes that failed. Failed deletions of snapshots are among them, and listed in the second part.
pub async fn apply(
    aws: &Aws,
    plan: &Plan<SnapshotAction>,
    progress: &dyn Progress,
) -> (Applied, Result<()>) {
    let executor = Executor {
        aws,
        yields: Yields::default(),
        refused: Mutex::default(),
    };
    let result = plan.apply(&executor, progress).await;
    if result.is_err() {
        executor.clean_up().await;
    }
    let applied = Applied {
        snapshot: executor.yields.get(SNAPSHOT),
        refused: executor
            .refused
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner),
    };
    (applied, result.map(|_| ()).map_err(Error::from))
}

struct Executor<'a> {
    aws: &'a Aws,
    yields: Yields,
    refused: Mutex<BTreeSet<String>>,
}

impl Apply<SnapshotAction> for Executor<'_> {
    async fn apply(&self, change: &Change<SnapshotAction>) -> Result<(), Error> {
        match &change.action {
            SnapshotAction::CreateVolume {
                size,
                zone,
                encrypted,
                tags,
            } => self.create_volume(*size, zone, *encrypted, tags).await,
            SnapshotAction::CreateSnapshot { volume, tags } => {
                self.create_snapshot(volume, tags).await
            }
            SnapshotAction::DeleteVolume(volume) => {
                let id = self.volume_id(volume)?;
                // Whatever comes of it, it is not tried again when the plan fails.
                if self.yields.get(VOLUME).as_ref() == Some(&id) {
                    self.yields.put(VOLUME, "");
                }
                Ok(delete_volume(self.aws, &id).await?)
            }
            SnapshotAction::DeleteSnapshot(id) => {
                let deleted = self.aws.ec2().delete_snapshot().snapshot_id(id).send();
                let deleted = gone(deleted.await.context("ec2:DeleteSnapshot", id));
                if deleted.is_err() {
                    let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
                    refused.insert(id.clone());
                }
                Ok(deleted?)
            }
        }
    }
}

impl Executor<'_> {
    fn volume_id(&self, volume: &VolumeRef) -> Result<String, AwsError> {
        match volume {
            VolumeRef::Temporary(id) | VolumeRef::Existing(id) => Ok(id.clone()),
            VolumeRef::Planned => self.yields.get(VOLUME).ok_or_else(|| {
                AwsError::incomplete("ec2:CreateVolume", "the new volume", "VolumeId")
            }),
        }
    }

    async fn create_volume(
        &self,
        size: i32,
        zone: &str,
        encrypted: bool,
        tags: &Tags,
    ) -> Result<()> {
        let (operation, resource) = ("ec2:CreateVolume", format!("{size} GiB in {zone}"));
        let call = self
            .aws
            .ec2()
            .create_volume()
            .size(size)
            .availability_zone(zone)
            .volume_type(VolumeType::Gp3)
            .encrypted(encrypted)
            .client_token(format!("asiaq-{:032x}", rand::random::<u128>()))
            .tag_specifications(tag_specification(ResourceType::Volume, tags));
        let made = call.send().await.context(operation, &resource)?;
        let id = made
            .volume_id()
            .ok_or_else(|| AwsError::incomplete(operation, &resource, "VolumeId"))?;
        self.yields.put(VOLUME, id);
        if made.encrypted() == Some(true) && !encrypted {
            tracing::warn!(
                "the volume and its snapshot are encrypted although --unencrypted is given: the account encrypts all new volumes"
            );
        }
        Ok(())
    }

    async fn create_snapshot(&self, volume: &VolumeRef, tags: &Tags) -> Result<()> {
        let id = self.volume_id(volume)?;
        if let VolumeRef::Temporary(id) = volume {
            self.yields.put(VOLUME, id);
        }
        if !matches!(volume, VolumeRef::Existing(_)) {
            wait_available(self.aws, &id).await?;
        }
        let operation = "ec2:CreateSnapshot";
        let call = self
            .aws
            .ec2()
            .create_snapshot()
            .volume_id(&id)
            .tag_specifications(tag_specification(ResourceType::Snapshot, tags));
        let once = aws_sdk_ec2::config::Builder::new().retry_config(RetryConfig::disabled());
        let too_fast = |error: &AwsError| THROTTLING.iter().any(|code| error.is(code));
        let send = async || {
            let call = call.clone().customize().config_override(once.clone());
            call.send().await.context(operation, &id)
        };
        let made = self
            .aws
            .poll
            .retry(THROTTLED.0, THROTTLED.1, too_fast, send)
            .await?;
        let snapshot = made
            .snapshot_id()
            .ok_or_else(|| AwsError::incomplete(operation, &id, "SnapshotId"))?;
        self.yields.put(SNAPSHOT, snapshot);
        Ok(())
    }

    /// Deletes the temporary volume of a plan that failed. The failure of the plan is what is reported.
    async fn clean_up(&self) {
        let Some(id) = self.yields.get(VOLUME).filter(|id| !id.is_empty()) else {
            return;
        };
        match delete_volume(self.aws, &id).await {
            Ok(()) => tracing::info!("- volume {id}"),
            Err(error) => tracing::warn!(
                "volume {id} remains: {error}; delete it, or run the same command again"
            ),
        }
    }
}

async fn delete_volume(aws: &Aws, id: &str) -> Result<(), AwsError> {
    let deleted = aws.ec2().delete_volume().volume_id(id).send().await;
    gone(deleted.context("ec2:DeleteVolume", id))
}

/// Waits until a volume is available. A new volume may be unknown for a moment; one that vanishes again was not made, which is
/// how AWS reports a key that it may not use.
async fn wait_available(aws: &Aws, id: &str) -> Result<()> {
    let what = format!("waiting for volume {id} to become available");
    let (first, longest) = (Duration::from_secs(3), Duration::from_secs(30));
    let mut seen = false;
    let look = async || {
        let found = volumes(aws, &[("volume-id", &[id.to_owned()])]).await?;
        let state = found.first().and_then(|volume| volume.state().cloned());
        let lost = |state: &str| {
            let text = format!("volume {id} is {state} instead of available");
            Error::refused(text).with_hint(
                "AWS could not make it; if volumes are encrypted by default, check that you may use the account's key",
            )
        };
        match state {
            Some(VolumeState::Available) => return Ok(Some(())),
            Some(VolumeState::Creating) => seen = true,
            Some(other) => return Err(lost(other.as_str())),
            None if seen => return Err(lost("gone")),
            None => {}
        }
        Ok(None)
    };
    aws.poll
        .backing_off(&what, first..=longest, AVAILABLE_LIMIT, look)
        .await
}

/// The volumes that match all filters.
pub(super) async fn volumes(aws: &Aws, filters: &[(&str, &[String])]) -> Result<Vec<Volume>> {
    let resource: Vec<String> = filters
        .iter()
        .flat_map(|(_, values)| values.iter().cloned())
        .collect();
    let filters = filters.iter().map(|(name, values)| {
        Filter::builder()
            .name(*name)
            .set_values(Some(values.to_vec()))
            .build()
    });
    let call = aws
        .ec2()
        .describe_volumes()
        .set_filters(Some(filters.collect()));
    let found = call.into_paginator().items().send();
    Ok(found
        .all("ec2:DescribeVolumes", &resource.join(", "))
        .await?)
}
