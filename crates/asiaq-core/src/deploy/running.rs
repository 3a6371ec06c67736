//! Reads what a choice is made from: images, their creation times, and which of them run. Chooses nothing.

use super::choose::{self, Known, Selection, Stages};
use crate::aws::Aws;
use crate::config::DiscoAws;
use crate::environment::Vpc;
use crate::error::{Error, Result};
use crate::host;
use crate::image::{self, Image, Trusted};
use crate::pipeline::Pipeline;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// Images and their creation times.
#[derive(Debug, Clone, Default)]
pub(super) struct Images {
    images: Vec<Image>,
    created: BTreeMap<String, DateTime<Utc>>,
}

/// The images that a selection can choose from, and the others of their hostclasses; for an image by its id only that one.
///
/// # Errors
/// AWS cannot be read; `--ami` and `--hostclass` do not fit together.
pub(super) async fn images(
    aws: &Aws,
    config: &DiscoAws,
    selection: &Selection,
    pipeline: Option<&Pipeline>,
) -> Result<Images> {
    let trusted = trusted(config)?;
    let images = match (
        &selection.ami,
        &selection.hostclass,
        selection.any_hostclass,
    ) {
        (Some(ami), ..) => image::by_ids(aws, &trusted, std::slice::from_ref(ami)).await?,
        (None, Some(hostclass), _) => {
            let only = std::slice::from_ref(hostclass);
            image::of_hostclasses(aws, &trusted, only).await?
        }
        (None, None, true) => image::visible(aws, &trusted).await?,
        (None, None, false) => {
            let listed = pipeline.map(choose::hostclasses).unwrap_or_default();
            image::of_hostclasses(aws, &trusted, &listed).await?
        }
    };
    check_ami(selection, &images)?;
    dated(aws, images).await
}

async fn dated(aws: &Aws, images: Vec<Image>) -> Result<Images> {
    let created = image::creation_times(aws, &images).await?;
    Ok(Images { images, created })
}

fn trusted(config: &DiscoAws) -> Result<Trusted> {
    Ok(Trusted::new(&config.trusted_account_ids()?))
}

/// An image and a hostclass that are both given belong together.
fn check_ami(selection: &Selection, images: &[Image]) -> Result<()> {
    let (Some(ami), Some(hostclass)) = (&selection.ami, &selection.hostclass) else {
        return Ok(());
    };
    match images.iter().find(|image| image.id == *ami) {
        None => Err(not_found(ami)),
        Some(image) if image.hostclass() != hostclass => {
            let own = image.hostclass();
            Err(Error::refused(format!(
                "AMI {ami} does not belong to hostclass {hostclass}"
            ))
            .with_hint(format!(
                "it belongs to hostclass {own}: leave out --hostclass"
            )))
        }
        Some(_) => Ok(()),
    }
}

/// `--ami` names nothing that may be deployed.
pub(super) fn not_found(ami: &str) -> Error {
    Error::not_found(format!("Specified AMI not found: ['{ami}']")).with_hint(
        "it must be available, in this region, and belong to this account or to one of `trusted_account_ids` in `[bake]`",
    )
}

/// Ids of the images that instances of the environment run from, or start from now.
///
/// # Errors
/// AWS cannot be read.
pub(super) async fn running(aws: &Aws, vpc: &Vpc) -> Result<BTreeSet<String>> {
    let states = ["pending", "running"].map(str::to_owned);
    let hosts = host::hosts_of(aws, &vpc.id, &[("instance-state-name", &states)]).await?;
    Ok(hosts.into_iter().map(|host| host.image_id).collect())
}

impl Images {
    /// The images that were read, for a choice.
    pub(super) fn known<'a>(
        &'a self,
        stages: &'a Stages,
        pipeline: Option<&'a Pipeline>,
        running: &'a BTreeSet<String>,
    ) -> Known<'a> {
        Known {
            images: &self.images,
            created: &self.created,
            stages,
            pipeline,
            running,
        }
    }

    /// The image of this id.
    pub(super) fn find(&self, id: &str) -> Option<&Image> {
        self.images.iter().find(|image| image.id == id)
    }

    /// Reads those of these images that were not read yet. Images of hostclasses that nothing is chosen from do not matter,
    /// so that is only for a selection by id. Images that are gone do not matter either.
    ///
    /// # Errors
    /// AWS cannot be read.
    pub(super) async fn complete(
        &mut self,
        aws: &Aws,
        config: &DiscoAws,
        selection: &Selection,
        ids: &BTreeSet<String>,
    ) -> Result<()> {
        let missing = ids.iter().filter(|id| self.find(id).is_none()).cloned();
        let missing: Vec<String> = missing.collect();
        if selection.ami.is_none() || missing.is_empty() {
            return Ok(());
        }
        let more = image::by_ids(aws, &trusted(config)?, &missing).await?;
        let more = dated(aws, more).await?;
        self.images.extend(more.images);
        self.created.extend(more.created);
        Ok(())
    }
}
