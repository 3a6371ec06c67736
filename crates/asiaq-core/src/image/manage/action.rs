//! Executes changes of images: stages, sharing, deregistration, deletion of their snapshots. Every action is repeatable.

use crate::aws::{Aws, Context, Tags, ec2_tags, gone};
use crate::error::{Error, Result};
use crate::image::{Image, share};
use crate::names::tag;
use crate::plan::{Apply, Change, Plan, Progress};
use std::time::Duration;

/// AWS may take a snapshot for used for a moment after its image is deregistered: pause and limit.
const STILL_USED: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));
/// What AWS answers while an image is made of a snapshot.
const IN_USE: &str = "InvalidSnapshot.InUse";
/// What AWS answers for an image that has been deregistered.
const DEREGISTERED: &str = "InvalidAMIID.Unavailable";

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageAction {
    /// Set the tag `stage`.
    SetStage {
        /// Image id.
        image: String,
        /// The stage.
        stage: String,
    },
    /// Let accounts launch it.
    Share {
        /// The image.
        image: Box<Image>,
        /// All production accounts.
        accounts: Vec<String>,
    },
    /// Deregister an image.
    Deregister(String),
    /// Delete a snapshot.
    DeleteSnapshot(String),
}

/// Applies a plan.
///
/// # Errors
/// Changes that failed.
pub async fn apply(aws: &Aws, plan: &Plan<ImageAction>, progress: &dyn Progress) -> Result<()> {
    plan.apply(&Executor { aws }, progress).await?;
    Ok(())
}

/// Makes one change after the other.
pub(in crate::image) struct Executor<'a> {
    pub(in crate::image) aws: &'a Aws,
}

impl Apply<ImageAction> for Executor<'_> {
    async fn apply(&self, change: &Change<ImageAction>) -> Result<(), Error> {
        match &change.action {
            ImageAction::SetStage { image, stage } => {
                let tags = Tags::from([(tag::STAGE.to_owned(), stage.clone())]);
                let call = self.aws.ec2().create_tags().resources(image);
                let call = call.set_tags(Some(ec2_tags(&tags))).send();
                call.await.context("ec2:CreateTags", image)?;
                Ok(())
            }
            ImageAction::Share { image, accounts } => {
                for account in accounts {
                    let id = &image.id;
                    tracing::warn!("Permitting {id} to be launched by prod account {account}");
                }
                share(self.aws, image, accounts).await
            }
            ImageAction::Deregister(id) => {
                let call = self.aws.ec2().deregister_image().image_id(id).send();
                match gone(call.await.context("ec2:DeregisterImage", id)) {
                    Err(error) if !error.is(DEREGISTERED) => Err(error.into()),
                    _ => Ok(()),
                }
            }
            ImageAction::DeleteSnapshot(id) => self.delete_snapshot(id).await,
        }
    }
}

impl Executor<'_> {
    /// One that another image is made of as well stays.
    async fn delete_snapshot(&self, id: &str) -> Result<()> {
        let delete = async || {
            let call = self.aws.ec2().delete_snapshot().snapshot_id(id).send();
            gone(call.await.context("ec2:DeleteSnapshot", id))
        };
        let (pause, limit) = STILL_USED;
        let used = |error: &crate::aws::AwsError| error.is(IN_USE);
        match self.aws.poll.retry(pause, limit, used, delete).await {
            Err(error) if used(&error) => Err(Error::Left(format!(
                "snapshot {id} stays: something else uses it: {}",
                error.message
            ))),
            other => Ok(other?),
        }
    }
}
