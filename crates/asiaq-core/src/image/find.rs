//! Reading images: by id, by hostclass; owners are always ourselves and the trusted accounts.

use super::{Image, best};
use crate::aws::{Aws, Context, Pages};
use crate::error::{Error, Result};
use crate::names::tag;
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

/// All images that may be used, whatever their hostclass and stage.
pub async fn visible(aws: &Aws, trusted: &Trusted) -> Result<Vec<Image>> {
    read(aws, trusted, Vec::new(), "all").await
}

/// The best image of a hostclass among those that may be used, see [`best`].
pub async fn find(
    aws: &Aws,
    trusted: &Trusted,
    hostclass: &str,
    stages: &[String],
    include_private: bool,
) -> Result<Option<Image>> {
    let images = of_hostclasses(aws, trusted, &[hostclass.to_owned()]).await?;
    Ok(best(&images, hostclass, stages, include_private).cloned())
}

/// The image of this id, whoever owns it.
///
/// # Errors
/// AWS does not know it, or does not show it to us.
pub async fn any_by_id(aws: &Aws, id: &str) -> Result<Image> {
    let call = aws.ec2().describe_images().image_ids(id);
    let found = call.include_disabled(true).send().await;
    let found = found.context("ec2:DescribeImages", id)?;
    let image = found.images.unwrap_or_default().into_iter().next();
    image.and_then(Image::from_sdk).ok_or_else(|| {
        Error::not_found(format!("image {id} does not exist (any more)"))
            .with_hint("`disco_bake listamis` lists the images")
    })
}

/// What images are asked for; what is not given does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Ids; an empty list wants nothing.
    pub ids: Option<Vec<String>>,
    /// Any of these stages.
    pub stages: Vec<String>,
    /// Tag `productline`.
    pub product_line: Option<String>,
    /// State such as `available`.
    pub state: Option<String>,
    /// First word of the name.
    pub hostclass: Option<String>,
}

impl Wanted {
    /// Whether an image is wanted.
    pub fn takes(&self, image: &Image) -> bool {
        let same = |wanted: &Option<String>, own: Option<&str>| {
            wanted.is_none() || wanted.as_deref() == own
        };
        self.ids.as_ref().is_none_or(|ids| ids.contains(&image.id))
            && image.has_stage(&self.stages)
            && same(&self.product_line, image.product_line())
            && same(&self.state, Some(&image.state))
            && same(&self.hostclass, Some(image.hostclass()))
    }

    /// The same for AWS, which takes `*` and `?` in values for wildcards.
    fn filters(&self) -> Vec<Filter> {
        let of = |name: String, values: Vec<String>| {
            let filter = Filter::builder().name(name);
            filter.set_values(Some(values)).build()
        };
        let tagged = |key: &str| format!("tag:{key}");
        let mut filters = Vec::new();
        filters.extend(self.ids.clone().map(|ids| of("image-id".to_owned(), ids)));
        if !self.stages.is_empty() {
            filters.push(of(tagged(tag::STAGE), self.stages.clone()));
        }
        let one = |name: String, value: &Option<String>| {
            let value = value.clone()?;
            Some(of(name, vec![value]))
        };
        filters.extend(one(tagged(tag::PRODUCT_LINE), &self.product_line));
        filters.extend(one("state".to_owned(), &self.state));
        let names = self.hostclass.as_ref();
        let names = names.map(|own| vec![own.clone(), format!("{own} *")]);
        filters.extend(names.map(|names| of("name".to_owned(), names)));
        filters
    }
}

/// The images of these owners that are wanted, in API order.
pub async fn matching(aws: &Aws, owners: &Trusted, wanted: &Wanted) -> Result<Vec<Image>> {
    if wanted.ids.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Vec::new());
    }
    let mut found = read(aws, owners, wanted.filters(), "the images asked for").await?;
    found.retain(|image| wanted.takes(image));
    Ok(found)
}

async fn read(
    aws: &Aws,
    owners: &Trusted,
    filters: Vec<Filter>,
    resource: &str,
) -> Result<Vec<Image>> {
    let filters = Some(filters).filter(|filters| !filters.is_empty());
    let call = aws
        .ec2()
        .describe_images()
        .set_owners(Some(owners.0.clone()))
        .set_filters(filters)
        .into_paginator()
        .items()
        .send();
    let found = call.all("ec2:DescribeImages", resource).await?;
    Ok(found.into_iter().filter_map(Image::from_sdk).collect())
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
        read(aws, trusted, vec![filter], &chunk.join(", ")).await
    });
    let found = futures::future::try_join_all(calls).await?;
    Ok(found.into_iter().flatten().collect())
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
/// Only images without a time in their name cost a call, and that call names their snapshots; where AWS refuses it, its creation
/// date is taken.
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
    let starts = match snapshot_starts(aws, &ids).await {
        Err(error) if error.aws_code().is_some() => {
            tracing::debug!(
                "the creation date of images stands for that of their snapshots: {error}"
            );
            BTreeMap::new()
        }
        starts => starts?,
    };
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::tests::image;
    use super::*;

    #[test]
    fn what_is_wanted() {
        let mut own = image("mhca 1700000000", Some("tested"), None, "available");
        own.tags.insert(tag::PRODUCT_LINE.into(), "web".into());
        let some = |text: &str| Some(text.to_owned());
        let any = Wanted::default;
        let stages = |list: &[&str]| Wanted {
            stages: list.iter().map(|s| (*s).to_owned()).collect(),
            ..any()
        };
        let ids = |list: &[&str]| Wanted {
            ids: Some(list.iter().map(|s| (*s).to_owned()).collect()),
            ..any()
        };
        let line = |text: &str| Wanted {
            product_line: some(text),
            ..any()
        };
        let state = |text: &str| Wanted {
            state: some(text),
            ..any()
        };
        let class = |text: &str| Wanted {
            hostclass: some(text),
            ..any()
        };
        let table = [
            (any(), true),
            (stages(&["untested", "tested"]), true),
            (stages(&["*"]), false),
            (ids(&["ami-mhca-1700000000"]), true),
            (ids(&[]), false),
            (line("web"), true),
            (line("w*"), false),
            (state("available"), true),
            (state("pending"), false),
            (class("mhca"), true),
            (class("mhc"), false),
        ];
        for (wanted, takes) in table {
            assert_eq!(wanted.takes(&own), takes, "{wanted:?}");
        }
        let bare = image("mhca", None, None, "available");
        assert!(class("mhca").takes(&bare) && !line("web").takes(&bare));
    }

    #[test]
    fn every_condition_is_a_filter() {
        let wanted = Wanted {
            ids: Some(vec!["ami-1".into()]),
            stages: vec!["a".into(), "b".into()],
            product_line: Some("web".into()),
            state: Some("available".into()),
            hostclass: Some("mhca".into()),
        };
        let filters = wanted.filters();
        let shown: Vec<String> = filters
            .iter()
            .map(|f| format!("{}={}", f.name().unwrap(), f.values().join("|")))
            .collect();
        assert_eq!(
            shown,
            [
                "image-id=ami-1",
                "tag:stage=a|b",
                "tag:productline=web",
                "state=available",
                "name=mhca|mhca *"
            ]
        );
        assert!(Wanted::default().filters().is_empty());
    }
}
