//! A bucket as a whole: whether it is there, making it, and its keys seen as directories.

use super::Bucket;
use crate::aws::Context;
use crate::error::{Error, Result};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use std::time::Duration;

/// The region whose buckets are made without naming it.
const FIRST_REGION: &str = "us-east-1";
/// Between attempts while S3 works on another request for the same name.
const PAUSE: Duration = Duration::from_secs(2);
/// How long to try.
const LIMIT: Duration = Duration::from_secs(60);

impl Bucket<'_> {
    /// Whether the bucket exists.
    ///
    /// # Errors
    /// It belongs to somebody else, or S3 does not say.
    pub async fn is_there(&self) -> Result<bool> {
        let answer = self
            .attempt(|client| client.head_bucket().bucket(&self.name).send())
            .await;
        // The answer to a HEAD has no body, so its status is all there is.
        let raw = answer.as_ref().err().and_then(SdkError::raw_response);
        let status = raw.map(|raw| raw.status().as_u16());
        match (answer.context("s3:HeadBucket", self.label()), status) {
            (Ok(_), _) => Ok(true),
            (Err(_), Some(404)) => Ok(false),
            (Err(_), Some(403)) => Err(Error::refused(format!(
                "{} belongs to another account, or the credentials in use may not look at it",
                self.label()
            ))
            .with_hint("choose a name of your own, or grant s3:ListBucket on it")),
            (Err(error), _) => Err(error.into()),
        }
    }

    /// Makes the bucket in the region of the command. One of our own that exists is fine.
    ///
    /// # Errors
    /// The name belongs to somebody else, or S3 refuses.
    pub async fn create(&self) -> Result<()> {
        let region = self.aws.region();
        let place = (region != FIRST_REGION).then(|| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(region))
                .build()
        });
        let call = async || {
            let call = self.aws.s3().create_bucket().bucket(&self.name);
            let call = call.set_create_bucket_configuration(place.clone());
            call.send().await.context("s3:CreateBucket", self.label())
        };
        let busy = |error: &crate::aws::AwsError| error.is("OperationAborted");
        match self.aws.poll.retry(PAUSE, LIMIT, busy, call).await {
            Ok(_) => Ok(()),
            Err(error) if error.is("BucketAlreadyOwnedByYou") => Ok(()),
            Err(error) if error.is("BucketAlreadyExists") => Err(Error::refused(format!(
                "{} belongs to another account",
                self.label()
            ))
            .with_hint("bucket names are shared by the whole world: choose another one")),
            Err(error) => Err(error.into()),
        }
    }

    /// Names of the directories right below a prefix that ends in `/`, in the order of S3. Objects there are left out.
    ///
    /// # Errors
    /// The bucket does not exist, or cannot be listed.
    pub async fn directories(&self, prefix: &str) -> Result<Vec<String>> {
        let (mut names, mut token) = (Vec::new(), None);
        loop {
            let next: Option<String> = token.clone();
            let page = self
                .attempt(|client| {
                    let call = client.list_objects_v2().bucket(&self.name).prefix(prefix);
                    let call = call.delimiter("/");
                    call.set_continuation_token(next.clone()).send()
                })
                .await
                .context("s3:ListObjectsV2", self.label())?;
            let found = page.common_prefixes().iter().filter_map(|p| p.prefix());
            let name =
                |path: &str| Some(path.strip_prefix(prefix)?.trim_end_matches('/').to_owned());
            names.extend(found.filter_map(name).filter(|name| !name.is_empty()));
            token = page.next_continuation_token().map(str::to_owned);
            if token.is_none() {
                return Ok(names);
            }
        }
    }

    fn label(&self) -> String {
        format!("bucket {}", self.name)
    }
}

#[cfg(test)]
mod tests;
