//! Tokens of applications in credential buckets (spec 10, section 10): a local tree of token files becomes objects below
//! `app_auth/`, and each directory gets a `passwd` file with the digests of the tokens below it.
//!
//! Observe (files, objects), plan (pure), apply. Plan lines and errors never show a token.

mod changes;
mod tree;

use crate::bucket::{Bucket, Condition, Object, Put};
use crate::error::{Error, Result};
use crate::plan::{Apply, Change, Plan, Progress};
use changes::Observed;
use futures::stream::{self, StreamExt, TryStreamExt};
use secrecy::SecretSlice;
use std::collections::BTreeMap;
use std::path::Path;

pub use tree::Tree;

/// Where tokens lie, in the tree and in the bucket.
const PREFIX: &str = "app_auth/";
/// Name of the files with digests.
const PASSWD: &str = "passwd";
/// Objects that are read at once. The HTTP layer bounds the calls further.
const AT_ONCE: usize = 64;

/// One object to write.
#[derive(Debug)]
pub struct Upload {
    key: String,
    content: SecretSlice<u8>,
    /// What was there when the plan was made must still be there.
    condition: Condition,
    passwd: bool,
}

/// Name of the environment that a credential bucket belongs to: the last component of its name.
pub fn environment_of(bucket: &str) -> &str {
    let after_dots = bucket.rsplit('.').next().unwrap_or(bucket);
    after_dots.rsplit("--").next().unwrap_or(after_dots)
}

/// Reads the tokens of an environment below a directory. Nothing is called.
///
/// # Errors
/// There are none; files with names that no object may have, or that cannot be read: all of them.
pub fn read(directory: &Path, env: &str) -> Result<Tree> {
    tree::read(directory, env)
}

/// The plan that brings a bucket to a tree. With `force`, tokens that are generated once are generated anew.
///
/// # Errors
/// The bucket cannot be read.
pub async fn plan(bucket: &Bucket<'_>, tree: &Tree, force: bool) -> Result<Plan<Upload>> {
    let observed = observe(bucket).await?;
    Ok(changes::plan(tree, &observed, force, &mut rand::rng()))
}

/// All objects below `app_auth/`: those of the tree, and those of others that count for the digests.
async fn observe(bucket: &Bucket<'_>) -> Result<Observed> {
    let keys = bucket.list(PREFIX).await?;
    // What consoles make for a folder.
    let keys = keys.into_iter().filter(|key| !key.ends_with('/'));
    let objects: Vec<Option<(String, Object)>> = stream::iter(keys)
        .map(|key| async move {
            // One that went away since the listing is not there.
            let object = bucket.find(&key).await?;
            Ok::<_, Error>(object.map(|object| (key, object)))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(objects.into_iter().flatten().collect::<BTreeMap<_, _>>())
}

/// Applies a plan: tokens first, and of each directory the digests when all tokens below it are there.
///
/// # Errors
/// What could not be written.
pub async fn apply(
    bucket: &Bucket<'_>,
    plan: &Plan<Upload>,
    progress: &dyn Progress,
) -> Result<()> {
    plan.apply(&Uploader { bucket, progress }, progress).await?;
    Ok(())
}

struct Uploader<'a> {
    bucket: &'a Bucket<'a>,
    progress: &'a dyn Progress,
}

impl Apply<Upload> for Uploader<'_> {
    async fn apply(&self, change: &Change<Upload>) -> Result<(), Error> {
        let upload = &change.action;
        if upload.passwd {
            let key = &upload.key;
            self.progress.note(&format!("Uploading passwd key {key}"));
        }
        let put = self
            .bucket
            .put(&upload.key, &upload.content, &upload.condition);
        match put.await? {
            Put::Done => Ok(()),
            Put::Refused => Err(Error::refused(format!(
                "object {} of bucket {} was changed by somebody else at the same time",
                upload.key,
                self.bucket.name()
            ))
            .with_hint("run the same command again: it starts from what is there now")),
        }
    }
}

#[cfg(test)]
mod tests;
