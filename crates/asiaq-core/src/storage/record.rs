//! The record of a snapshot, and reading them. SDK types stop here.

use crate::aws::{Aws, AwsError, Context, Pages, Tags, tags_of};
use crate::error::Result;
use crate::names::tag;
use aws_sdk_ec2::types::Filter;
use chrono::{DateTime, SecondsFormat, Utc};
use futures::future::try_join_all;
use serde::{Serialize, Serializer};

/// AWS takes at most 200 values per filter.
const FILTER_VALUES: usize = 200;
/// Snapshots per page. Without a limit AWS puts all of them into one answer, which may take too long.
const PAGE: i32 = 1000;

/// A snapshot of our own account. The field names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotRecord {
    /// Tag `hostclass`; empty without it.
    pub hostclass: String,
    /// Snapshot id.
    pub id: String,
    /// `pending`, `completed`, `error`, ….
    pub status: String,
    /// When it was begun.
    #[serde(serialize_with = "written")]
    pub start_time: DateTime<Utc>,
    /// GiB.
    pub size: i32,
    /// Tag `env`; empty without it.
    pub env: String,
    /// Tag `productline`; empty without it.
    pub productline: String,
    /// Description.
    pub description: String,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// The volume that it was taken of.
    pub volume_id: String,
    /// All tags.
    pub tags: Tags,
}

impl SnapshotRecord {
    /// The line of a listing (spec 40, section 12.6).
    pub fn line(&self) -> String {
        format!(
            "{:<26} {:<13} {:<9} {} {:>4}",
            self.hostclass,
            self.id,
            self.status,
            iso(self.start_time),
            self.size
        )
    }

    /// A snapshot that is still being made.
    pub fn is_pending(&self) -> bool {
        self.status == "pending"
    }

    /// A snapshot that hosts can start from.
    pub fn is_completed(&self) -> bool {
        self.status == "completed"
    }

    fn from_sdk(snapshot: &aws_sdk_ec2::types::Snapshot, now: DateTime<Utc>) -> Option<Self> {
        let tags = tags_of(snapshot.tags());
        let value = |key: &str| tags.get(key).cloned().unwrap_or_default();
        let started = snapshot
            .start_time()
            .and_then(|at| DateTime::from_timestamp(at.secs(), at.subsec_nanos()));
        Some(Self {
            hostclass: value(tag::HOSTCLASS),
            id: snapshot.snapshot_id()?.to_owned(),
            status: snapshot
                .state()
                .map(|state| state.as_str().to_owned())
                .unwrap_or_default(),
            // AWS always says it; what does not say it must not count as old.
            start_time: started.unwrap_or(now),
            size: snapshot.volume_size().unwrap_or(0),
            env: value(tag::SNAPSHOT_ENVIRONMENT),
            productline: value(tag::PRODUCT_LINE),
            description: snapshot.description().unwrap_or_default().to_owned(),
            encrypted: snapshot.encrypted().unwrap_or(false),
            volume_id: snapshot.volume_id().unwrap_or_default().to_owned(),
            tags,
        })
    }
}

/// `2026-02-03T04:05:06.000Z`.
fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn written<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&iso(*at))
}

/// The snapshots of our own account that match all filters (AWS filter name, values), each value list in chunks that AWS takes.
async fn matching(
    aws: &Aws,
    filters: &[(&str, &[String])],
    resource: &str,
) -> Result<Vec<SnapshotRecord>> {
    let filters = filters.iter().map(|(name, values)| {
        Filter::builder()
            .name(*name)
            .set_values(Some(values.to_vec()))
            .build()
    });
    let call = aws
        .ec2()
        .describe_snapshots()
        .owner_ids("self")
        .set_filters(Some(filters.collect()).filter(|all: &Vec<Filter>| !all.is_empty()))
        .max_results(PAGE);
    let mut pages = call.into_paginator().items().send();
    let now = Utc::now();
    let mut found = Vec::new();
    while let Some(snapshot) = pages.next().await {
        let snapshot = snapshot.context("ec2:DescribeSnapshots", resource)?;
        found.extend(SnapshotRecord::from_sdk(&snapshot, now));
    }
    Ok(found)
}

/// All snapshots of the account in the region.
pub(super) async fn all(aws: &Aws) -> Result<Vec<SnapshotRecord>> {
    matching(aws, &[], "all own snapshots").await
}

/// The snapshots of hostclasses in an environment, by hostclass and time; no hostclasses: those of all.
pub(super) async fn of_environment(
    aws: &Aws,
    env: &str,
    hostclasses: &[String],
) -> Result<Vec<SnapshotRecord>> {
    let environment = [env.to_owned()];
    let key = [tag::HOSTCLASS.to_owned()];
    let read = async |filter: (&str, &[String])| {
        let filters = [("tag:env", &environment[..]), filter];
        matching(aws, &filters, env).await
    };
    let mut found: Vec<SnapshotRecord> = if hostclasses.is_empty() {
        read(("tag-key", &key)).await?
    } else {
        let chunks = hostclasses.chunks(FILTER_VALUES);
        let read = try_join_all(chunks.map(|chunk| read(("tag:hostclass", chunk)))).await?;
        read.into_iter().flatten().collect()
    };
    // AWS takes `*` and `?` in filter values for wildcards; a name means just itself.
    found.retain(|own| {
        own.env == env
            && own.tags.contains_key(tag::HOSTCLASS)
            && (hostclasses.is_empty() || hostclasses.contains(&own.hostclass))
    });
    found.sort_by(|a, b| by_hostclass_and_time(a).cmp(&by_hostclass_and_time(b)));
    found.dedup_by(|a, b| a.id == b.id);
    Ok(found)
}

fn by_hostclass_and_time(own: &SnapshotRecord) -> (&str, DateTime<Utc>, &str) {
    (&own.hostclass, own.start_time, &own.id)
}

/// Own snapshots by id, of whatever environment; ids that do not exist are missing from the answer.
pub(super) async fn by_ids(aws: &Aws, ids: &[String]) -> Result<Vec<SnapshotRecord>> {
    let read = ids.chunks(FILTER_VALUES).map(|chunk| async move {
        matching(aws, &[("snapshot-id", chunk)], &chunk.join(", ")).await
    });
    Ok(try_join_all(read).await?.into_iter().flatten().collect())
}

/// Snapshots that were taken of these volumes.
pub(super) async fn of_volumes(aws: &Aws, volumes: &[String]) -> Result<Vec<SnapshotRecord>> {
    let read = volumes.chunks(FILTER_VALUES).map(|chunk| async move {
        matching(aws, &[("volume-id", chunk)], &chunk.join(", ")).await
    });
    Ok(try_join_all(read).await?.into_iter().flatten().collect())
}

/// A snapshot that may be somebody else's, if it is shared with us.
///
/// # Errors
/// There is none of this id that we may see.
pub(super) async fn any_by_id(aws: &Aws, id: &str) -> Result<SnapshotRecord> {
    let call = aws.ec2().describe_snapshots().snapshot_ids(id);
    let found = call.into_paginator().items().send();
    let found = found.all("ec2:DescribeSnapshots", id).await?;
    let record = found
        .first()
        .and_then(|snapshot| SnapshotRecord::from_sdk(snapshot, Utc::now()));
    Ok(record.ok_or_else(|| AwsError::incomplete("ec2:DescribeSnapshots", id, "SnapshotId"))?)
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use aws_sdk_ec2::primitives::DateTime as SdkTime;
    use aws_sdk_ec2::types::{Snapshot, SnapshotState, Tag};

    /// A completed snapshot of a hostclass in an environment; without description, with these two tags if they are not empty.
    pub(in crate::storage) fn snapshot(
        id: &str,
        hostclass: &str,
        env: &str,
        start_time: &str,
    ) -> SnapshotRecord {
        let pairs = [
            (tag::HOSTCLASS, hostclass),
            (tag::SNAPSHOT_ENVIRONMENT, env),
        ];
        SnapshotRecord {
            hostclass: hostclass.into(),
            id: id.into(),
            status: "completed".into(),
            start_time: start_time.parse().unwrap(),
            size: 40,
            env: env.into(),
            productline: String::new(),
            description: String::new(),
            encrypted: true,
            volume_id: "vol-1".into(),
            tags: pairs
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    #[test]
    fn lines_pad_and_never_cut() {
        let own = snapshot("snap-1", "mhcdb", "ci", "2026-02-03T04:05:06Z");
        assert_eq!(
            own.line(),
            "mhcdb                      snap-1        completed 2026-02-03T04:05:06.000Z   40"
        );
        let mut long = snapshot(
            "snap-0123456789abcdef0",
            "mhcaveryveryverylongstatefulname",
            "ci",
            "2026-02-03T04:05:06.789Z",
        );
        long.size = 16384;
        long.status = "recoverable".into();
        assert_eq!(
            long.line(),
            "mhcaveryveryverylongstatefulname snap-0123456789abcdef0 recoverable 2026-02-03T04:05:06.789Z 16384"
        );
    }

    #[test]
    fn what_aws_tells_and_does_not_tell() {
        let now = "2026-03-10T12:00:00Z".parse().unwrap();
        let tagged = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let full = Snapshot::builder()
            .snapshot_id("snap-1")
            .state(SnapshotState::Pending)
            .start_time(SdkTime::from_secs(1_770_091_506))
            .volume_size(10)
            .description("by hand")
            .encrypted(true)
            .volume_id("vol-7")
            .tags(tagged("hostclass", "mhcdb"))
            .tags(tagged("env", "ci"))
            .tags(tagged("productline", "shop"))
            .build();
        let own = SnapshotRecord::from_sdk(&full, now).unwrap();
        assert!(own.is_pending() && own.encrypted);
        assert_eq!(
            (own.env.as_str(), own.productline.as_str(), own.size),
            ("ci", "shop", 10)
        );
        assert_eq!(
            (own.volume_id.as_str(), own.description.as_str()),
            ("vol-7", "by hand")
        );
        assert_eq!(own.start_time.timestamp(), 1_770_091_506);
        let bare = Snapshot::builder().snapshot_id("snap-2").build();
        let own = SnapshotRecord::from_sdk(&bare, now).unwrap();
        assert_eq!(own.start_time, now, "of unknown age means new");
        assert_eq!(
            SnapshotRecord::from_sdk(&Snapshot::builder().build(), now),
            None
        );
    }
}
