//! Reading images: by id, by hostclass; owners are always ourselves and the trusted accounts.

use super::Image;
use crate::aws::{Aws, Pages};
use crate::error::{Error, Result};
use aws_sdk_ec2::types::Filter;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::time::Duration;

/// AWS takes at most 200 values per filter.
const FILTER_VALUES: usize = 200;

/// Whose images may be used: our own account's, and those of `trusted_account_ids`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted(Vec<String>);

impl Trusted {
    /// Ourselves and these accounts.
    pub fn new(accounts: &[String]) -> Self {
        Self(
            std::iter::once("self".to_owned())
                .chain(accounts.iter().cloned())
                .collect(),
        )
    }
}

/// Images by id. Ids that do not exist, or belong to others, are simply missing from the answer; no ids, no call.
pub async fn by_ids(aws: &Aws, trusted: &Trusted, ids: &[String]) -> Result<Vec<Image>> {
    search(aws, trusted, "image-id", ids).await
}

/// All images of the hostclasses, whatever their stage: names `<hostclass> *`.
pub async fn of_hostclasses(
    aws: &Aws,
    trusted: &Trusted,
    hostclasses: &[String],
) -> Result<Vec<Image>> {
    let patterns: Vec<String> = hostclasses
        .iter()
        .map(|hostclass| format!("{hostclass} *"))
        .collect();
    search(aws, trusted, "name", &patterns).await
}

async fn search(
    aws: &Aws,
    trusted: &Trusted,
    filter: &str,
    values: &[String],
) -> Result<Vec<Image>> {
    let calls = values.chunks(FILTER_VALUES).map(|chunk| async move {
        let filter = Filter::builder()
            .name(filter)
            .set_values(Some(chunk.to_vec()))
            .build();
        let call = aws
            .ec2()
            .describe_images()
            .set_owners(Some(trusted.0.clone()))
            .filters(filter)
            .into_paginator()
            .items()
            .send();
        call.all("ec2:DescribeImages", &chunk.join(", ")).await
    });
    let found = futures::future::try_join_all(calls).await?;
    Ok(found
        .into_iter()
        .flatten()
        .filter_map(Image::from_sdk)
        .collect())
}

/// Creation times of images given by id; images that are gone are missing from the answer.
pub async fn ages(
    aws: &Aws,
    trusted: &Trusted,
    ids: &[String],
) -> Result<BTreeMap<String, DateTime<Utc>>> {
    creation_times(aws, &by_ids(aws, trusted, ids).await?).await
}

/// Creation time per image id: from the name, else the newest snapshot, else AWS' creation date (spec 50, section 3.1).
/// Only images without a time in their name cost a call, and that call names their snapshots.
pub async fn creation_times(
    aws: &Aws,
    images: &[Image],
) -> Result<BTreeMap<String, DateTime<Utc>>> {
    let nameless: Vec<&Image> = images
        .iter()
        .filter(|image| image.timestamp() == 0)
        .collect();
    let ids: Vec<String> = nameless
        .iter()
        .flat_map(|image| image.devices.iter().filter_map(|d| d.snapshot_id.clone()))
        .collect();
    let starts = snapshot_starts(aws, &ids).await?;
    let of_image = |image: &Image| match image.timestamp() {
        0 => {
            let newest = image
                .devices
                .iter()
                .filter_map(|d| starts.get(d.snapshot_id.as_ref()?))
                .max()
                .copied();
            newest.or(image.creation_date)
        }
        seconds => DateTime::from_timestamp(seconds, 0),
    };
    Ok(images
        .iter()
        .filter_map(|image| Some((image.id.clone(), of_image(image)?)))
        .collect())
}

async fn snapshot_starts(aws: &Aws, ids: &[String]) -> Result<BTreeMap<String, DateTime<Utc>>> {
    let calls = ids.chunks(FILTER_VALUES).map(|chunk| async move {
        let filter = Filter::builder()
            .name("snapshot-id")
            .set_values(Some(chunk.to_vec()))
            .build();
        let call = aws
            .ec2()
            .describe_snapshots()
            .filters(filter)
            .into_paginator()
            .items()
            .send();
        call.all("ec2:DescribeSnapshots", "snapshots of images")
            .await
    });
    let found = futures::future::try_join_all(calls).await?;
    let start = |s: aws_sdk_ec2::types::Snapshot| {
        let at = DateTime::from_timestamp(s.start_time()?.secs(), s.start_time()?.subsec_nanos())?;
        Some((s.snapshot_id()?.to_owned(), at))
    };
    Ok(found.into_iter().flatten().filter_map(start).collect())
}

/// Waits until all of the images are available (600 s). One call per poll, none if they all are already.
pub async fn wait_available(aws: &Aws, trusted: &Trusted, images: &[Image]) -> Result<()> {
    let mut waiting: Vec<String> = images
        .iter()
        .filter(|image| image.state != "available")
        .map(|image| image.id.clone())
        .collect();
    if waiting.is_empty() {
        return Ok(());
    }
    let what = format!(
        "waiting for images {} to become available",
        waiting.join(", ")
    );
    aws.poll
        .until(
            &what,
            Duration::from_secs(15),
            Duration::from_secs(600),
            async || {
                let now = by_ids(aws, trusted, &waiting).await?;
                if let Some(lost) = now.iter().find(|image| !image.is_usable()) {
                    return Err(Error::refused(format!(
                        "image {} ({}) is {}",
                        lost.id, lost.name, lost.state
                    )));
                }
                waiting.retain(|id| {
                    !now.iter()
                        .any(|image| image.id == *id && image.state == "available")
                });
                Ok(waiting.is_empty().then_some(()))
            },
        )
        .await
}
