//! The configuration files of a sandbox in the bucket: observe, plan, upload, delete.
//!
//! Contents are compared and not entity tags, which are a digest of the content only in some buckets. The files are small.
//!
//! A bucket knows no regions, and a key has only the sandbox's name in it. So objects are marked with the region and the name when they
//! are uploaded, and the destruction of a sandbox leaves those alone that may be somebody else's.

use super::input::{Configured, Files, SyncFile};
use crate::aws::Aws;
use crate::bucket::Bucket;
use crate::error::{Error, Result};
use crate::plan::{Apply, Change, Plan, Sign};
use futures::future::try_join_all;
use secrecy::{ExposeSecret, SecretSlice};

/// Metadatum that says which sandbox has uploaded an object: `REGION/NAME`.
const MARK: &str = "asiaq-sandbox";

/// The mark of a sandbox. Metadata are ASCII.
fn mark(aws: &Aws, name: &str) -> String {
    format!("{}/{}", aws.region(), name.escape_default())
}

/// One change to the bucket.
#[derive(Debug, Clone)]
pub(super) enum ObjectAction {
    /// Upload a file.
    Put(SyncFile),
    /// Delete the object of this key.
    Delete(String),
}

/// Changes, and what is as wanted.
#[derive(Debug, Default)]
pub(super) struct ObjectPlan {
    pub(super) bucket: String,
    pub(super) plan: Plan<ObjectAction>,
    /// `=` lines.
    pub(super) kept: Vec<String>,
    /// What the operator should know.
    pub(super) warnings: Vec<String>,
}

/// An object that exists.
struct Found {
    content: SecretSlice<u8>,
    mark: Option<String>,
}

async fn find(bucket: &Bucket<'_>, key: &str) -> Result<Option<Found>> {
    let found = bucket.find_with_metadata(key).await?;
    Ok(found.map(|(object, mut metadata)| Found {
        content: object.content,
        mark: metadata.remove(MARK),
    }))
}

/// Reads the objects and plans the uploads.
///
/// # Errors
/// The bucket does not exist or cannot be read.
pub(super) async fn plan(aws: &Aws, name: &str, files: &Files) -> Result<ObjectPlan> {
    let bucket = Bucket::new(aws, &files.bucket);
    let reads = files.all.iter().map(|file| find(&bucket, &file.key));
    let found = try_join_all(reads).await?;
    Ok(compare(files, &found, &mark(aws, name)))
}

/// What is to be uploaded. Pure.
fn compare(files: &Files, found: &[Option<Found>], mark: &str) -> ObjectPlan {
    let mut all = ObjectPlan {
        bucket: files.bucket.clone(),
        ..ObjectPlan::default()
    };
    for (file, there) in files.all.iter().zip(found) {
        let object_of = format!("object s3://{}/{}", files.bucket, file.key);
        let own = file.content.expose_secret();
        let (sign, line) = match there {
            Some(there) if there.content.expose_secret() == own => {
                if there.mark.as_deref() == Some(mark) {
                    all.kept.push(format!("= {object_of} is as wanted"));
                    continue;
                }
                let old = there.mark.as_deref().unwrap_or("none");
                let line = format!("{object_of}: mark {MARK}: {old} -> {mark}");
                (Sign::Modify, line)
            }
            Some(there) => {
                let there = there.content.expose_secret();
                let change = format!("{} -> {} bytes", there.len(), own.len());
                let line = format!("{object_of}: differs from {} ({change})", file.source);
                (Sign::Modify, line)
            }
            None => (Sign::Add, format!("{object_of} from {}", file.source)),
        };
        let action = ObjectAction::Put(file.clone());
        all.plan
            .push(format!("object/{}", file.key), [""; 0], sign, line, action);
    }
    all
}

/// Key and mark of every object under the keys of a sandbox. A bucket that does not exist has none.
///
/// # Errors
/// The bucket cannot be read.
pub(super) async fn marks(
    aws: &Aws,
    configured: Option<&Configured>,
) -> Result<Vec<(String, Option<String>)>> {
    let Some(configured) = configured.filter(|own| !own.bucket.is_empty()) else {
        return Ok(Vec::new());
    };
    let bucket = Bucket::new(aws, &configured.bucket);
    let read = async |key: &str| match find(&bucket, key).await {
        Err(error) if error.aws_code() == Some("NoSuchBucket") => Ok(None),
        other => other,
    };
    let reads = configured.lines.iter().map(|line| read(&line.key));
    let found = try_join_all(reads).await?;
    let keys = configured.lines.iter().map(|line| line.key.clone());
    Ok(keys
        .zip(found)
        .filter_map(|(key, there)| Some((key, there?.mark)))
        .collect())
}

/// Plans the deletion of the objects that are the sandbox's. `stands` says whether its environment exists here.
pub(super) fn plan_delete(
    aws: &Aws,
    (bucket, name): (&str, &str),
    found: &[(String, Option<String>)],
    stands: bool,
) -> ObjectPlan {
    delete(bucket, &mark(aws, name), found, stands)
}

/// Objects with another mark stay, and so do those without one if nothing here shows that they are this sandbox's. Pure.
fn delete(bucket: &str, own: &str, found: &[(String, Option<String>)], stands: bool) -> ObjectPlan {
    let mut all = ObjectPlan {
        bucket: bucket.to_owned(),
        ..ObjectPlan::default()
    };
    for (key, mark) in found {
        let object = format!("object s3://{bucket}/{key}");
        let stays = match mark.as_deref() {
            Some(mark) if mark == own => None,
            Some(mark) => Some(format!("{object} stays: it is of the sandbox {mark}")),
            None if stands => None,
            None => Some(format!(
                "{object} stays: there is no such sandbox here, and the object does not say whose it is"
            )),
        };
        if let Some(warning) = stays {
            all.warnings.push(warning);
            continue;
        }
        let action = ObjectAction::Delete(key.clone());
        all.plan.push(
            format!("object/{key}"),
            [""; 0],
            Sign::Remove,
            object,
            action,
        );
    }
    all
}

/// Makes the changes.
pub(super) struct Executor<'a> {
    bucket: Bucket<'a>,
    mark: String,
}

impl<'a> Executor<'a> {
    /// For the sandbox of that name.
    pub(super) fn new(aws: &'a Aws, bucket: &str, name: &str) -> Self {
        Self {
            bucket: Bucket::new(aws, bucket),
            mark: mark(aws, name),
        }
    }
}

impl Apply<ObjectAction> for Executor<'_> {
    async fn apply(&self, change: &Change<ObjectAction>) -> Result<(), Error> {
        match &change.action {
            ObjectAction::Put(file) => {
                tracing::info!("Uploading config file file {} to {}", file.source, file.key);
                self.bucket
                    .put_as_bucket_says(&file.key, &file.content, (MARK, &self.mark))
                    .await
            }
            ObjectAction::Delete(key) => self.bucket.delete(key).await.map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn only_what_differs_is_uploaded() {
        let file = |key: &str, content: &str| SyncFile {
            source: format!("./sandboxes/x/{key}"),
            key: key.to_owned(),
            content: content.as_bytes().to_vec().into(),
        };
        let files = Files {
            bucket: "b".into(),
            all: vec![
                file("new", "1"),
                file("same", "22"),
                file("other", ""),
                file("plain", "4"),
                file("east", "5"),
            ],
        };
        let object = |content: &str, mark: Option<&str>| {
            Some(Found {
                content: SecretSlice::from(content.as_bytes().to_vec()),
                mark: mark.map(str::to_owned),
            })
        };
        let found = [
            None,
            object("22", Some("west/x")),
            object("333", Some("west/x")),
            object("4", None),
            object("5", Some("east/x")),
        ];
        let planned = compare(&files, &found, "west/x");
        assert_eq!(
            planned.plan.lines(),
            [
                "+ object s3://b/new from ./sandboxes/x/new",
                "~ object s3://b/other: differs from ./sandboxes/x/other (3 -> 0 bytes)",
                "~ object s3://b/plain: mark asiaq-sandbox: none -> west/x",
                "~ object s3://b/east: mark asiaq-sandbox: east/x -> west/x",
            ]
        );
        assert_eq!(planned.kept, ["= object s3://b/same is as wanted"]);
    }

    #[test]
    fn what_may_be_somebody_elses_stays() {
        let object = |key: &str, mark: Option<&str>| (key.to_owned(), mark.map(str::to_owned));
        let found = [
            object("own", Some("west/x")),
            object("other", Some("east/x")),
            object("plain", None),
        ];
        let (own, plain) = ("- object s3://b/own", "- object s3://b/plain");
        for (stands, gone, stay) in [
            (true, vec![own, plain], vec!["other"]),
            (false, vec![own], vec!["other", "plain"]),
        ] {
            let planned = delete("b", "west/x", &found, stands);
            assert_eq!(planned.plan.lines(), gone, "{stands}");
            assert_eq!(planned.warnings.len(), stay.len(), "{stands}");
            for (warning, key) in planned.warnings.iter().zip(stay) {
                let start = format!("object s3://b/{key} stays: ");
                assert!(warning.starts_with(&start), "{warning}");
            }
        }
    }
}
