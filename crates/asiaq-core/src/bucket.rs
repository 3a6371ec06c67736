//! The objects of one S3 bucket (spec 10, section 7.4): list, get, put, delete. Follows a bucket into its region.
//!
//! Knows nothing of what the objects mean. Contents are kept in redacting types, as they may be secrets.

mod whole;

use crate::aws::{Aws, AwsError, Context};
use crate::error::{Error, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::{ByteStream, DateTime as Time};
use aws_sdk_s3::types::{Delete, ObjectIdentifier, ServerSideEncryption};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretSlice};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::OnceLock;

#[cfg(test)]
mod tests;

/// Header by which S3 says where a bucket is.
const REGION: &str = "x-amz-bucket-region";
/// Type of all contents.
const CONTENT_TYPE: &str = "application/octet-stream";
/// Version id of what was written while the bucket kept no versions.
const NO_VERSION: &str = "null";
/// Code of a write that met another one.
const CONFLICT: &str = "ConditionalRequestConflict";
/// Attempts to write an object that somebody else is writing at the same time.
const WRITE_ATTEMPTS: usize = 3;
/// Versions that one call deletes.
pub const VERSIONS_AT_ONCE: usize = 1000;

/// One bucket.
#[derive(Debug)]
pub struct Bucket<'a> {
    aws: &'a Aws,
    name: String,
    elsewhere: OnceLock<Client>,
}

/// Content of an object with what is needed to write it back safely.
#[derive(Debug, Clone)]
pub struct Object {
    /// Bytes as they are.
    pub content: SecretSlice<u8>,
    /// Entity tag for [`Condition::Unchanged`].
    pub etag: String,
    /// Time of its last change.
    pub last_modified: Option<DateTime<Utc>>,
}

/// An object as a listing shows it. The field names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Key.
    pub key: String,
    /// Size in bytes.
    pub size: i64,
    /// Time of its last change, RFC 3339.
    #[serde(serialize_with = "rfc3339")]
    pub last_modified: Option<DateTime<Utc>>,
}

/// What must hold for an object to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Always,
    /// There is no object of that key.
    Absent,
    /// The object still has this entity tag.
    Unchanged(String),
}

/// Whether an object was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It was.
    Done,
    /// The condition did not hold: nothing was written.
    Refused,
}

/// What S3 says about a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// The content is gone, or was not there.
    Gone,
    /// The bucket keeps versions: the content is hidden, and can still be read by its version.
    Hidden,
}

impl<'a> Bucket<'a> {
    /// Makes no call: what is wrong with the bucket is told by the first operation.
    pub fn new(aws: &'a Aws, name: impl Into<String>) -> Self {
        Self {
            aws,
            name: name.into(),
            elsewhere: OnceLock::new(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Keys with this prefix, in the order of S3.
    ///
    /// # Errors
    /// The bucket does not exist, or cannot be listed.
    pub async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let objects = self.objects(prefix).await?;
        Ok(objects.into_iter().map(|object| object.key).collect())
    }

    /// Objects with this prefix, in the order of S3.
    ///
    /// # Errors
    /// The bucket does not exist, or cannot be listed.
    pub async fn objects(&self, prefix: &str) -> Result<Vec<Listed>> {
        let (mut objects, mut token) = (Vec::new(), None);
        loop {
            let next = token.clone();
            let page = self
                .attempt(|client| {
                    let call = client.list_objects_v2().bucket(&self.name).prefix(prefix);
                    call.set_continuation_token(next.clone()).send()
                })
                .await
                .context("s3:ListObjectsV2", format!("bucket {}", self.name))?;
            objects.extend(page.contents().iter().filter_map(|object| {
                Some(Listed {
                    key: object.key()?.to_owned(),
                    size: object.size().unwrap_or_default(),
                    last_modified: object.last_modified().and_then(time),
                })
            }));
            token = page.next_continuation_token().map(str::to_owned);
            if token.is_none() {
                return Ok(objects);
            }
        }
    }

    /// An object, or `None` if there is none of that key.
    ///
    /// # Errors
    /// The bucket does not exist, or the object cannot be read.
    pub async fn find(&self, key: &str) -> Result<Option<Object>> {
        let found = self.find_with_metadata(key).await?;
        Ok(found.map(|(object, _)| object))
    }

    /// As [`Bucket::find`], with the object's own metadata.
    ///
    /// # Errors
    /// As [`Bucket::find`].
    pub async fn find_with_metadata(
        &self,
        key: &str,
    ) -> Result<Option<(Object, HashMap<String, String>)>> {
        let answer = self
            .attempt(|client| client.get_object().bucket(&self.name).key(key).send())
            .await
            .context("s3:GetObject", self.place(key));
        let answer = match answer {
            Err(error) if error.is("NoSuchKey") => return Ok(None),
            other => other?,
        };
        let etag = answer.e_tag().unwrap_or_default().to_owned();
        let last_modified = answer.last_modified().and_then(time);
        let metadata = answer.metadata().cloned().unwrap_or_default();
        let content = answer.body.collect().await.map_err(|error| {
            let place = self.place(key);
            Error::refused(format!("{place} was not read to its end: {error}"))
                .with_hint("the connection broke off: run the same command again")
        })?;
        let object = Object {
            content: content.to_vec().into(),
            etag,
            last_modified,
        };
        Ok(Some((object, metadata)))
    }

    /// An object that must exist.
    ///
    /// # Errors
    /// As [`Bucket::find`], and if there is none of that key.
    pub async fn get(&self, key: &str) -> Result<Object> {
        self.find(key).await?.ok_or_else(|| {
            Error::not_found(format!("{} does not exist", self.place(key)))
                .with_hint("`disco_creds list` shows the keys of a bucket")
        })
    }

    /// Whether there is an object of that key.
    ///
    /// # Errors
    /// As [`Bucket::find`].
    pub async fn exists(&self, key: &str) -> Result<bool> {
        let answer = self
            .attempt(|client| client.head_object().bucket(&self.name).key(key).send())
            .await
            .context("s3:HeadObject", self.place(key));
        match answer {
            Ok(_) => Ok(true),
            // A HEAD has no body that would tell a missing bucket from a missing object, or say what is not allowed.
            Err(error) if error.code.is_some() => Ok(self.find(key).await?.is_some()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes an object, encrypted by S3, if the condition holds.
    ///
    /// # Errors
    /// The bucket does not exist, or the object cannot be written.
    pub async fn put(
        &self,
        key: &str,
        content: &SecretSlice<u8>,
        condition: &Condition,
    ) -> Result<Put> {
        let mut attempt = 1;
        loop {
            let error = match self.put_once(key, content, condition).await {
                Ok(()) => return Ok(Put::Done),
                Err(error) => error,
            };
            // The condition was not looked at: S3 wants it to be asked again.
            if error.is(CONFLICT) && attempt < WRITE_ATTEMPTS {
                attempt += 1;
            } else if is_refusal(&error) && *condition != Condition::Always {
                return self.refused(key, content).await;
            } else {
                return Err(error.into());
            }
        }
    }

    /// Writes an object with one metadatum, encrypted or not as the bucket's own default says.
    ///
    /// # Errors
    /// As [`Bucket::put`].
    pub async fn put_as_bucket_says(
        &self,
        key: &str,
        content: &SecretSlice<u8>,
        (name, value): (&str, &str),
    ) -> Result<()> {
        self.attempt(|client| {
            let call = client.put_object().bucket(&self.name).key(key);
            call.content_type(CONTENT_TYPE)
                .metadata(name, value)
                .body(ByteStream::from(content.expose_secret().to_vec()))
                .send()
        })
        .await
        .context("s3:PutObject", self.place(key))?;
        Ok(())
    }

    async fn put_once(
        &self,
        key: &str,
        content: &SecretSlice<u8>,
        condition: &Condition,
    ) -> Result<(), AwsError> {
        self.attempt(|client| {
            let call = client
                .put_object()
                .bucket(&self.name)
                .key(key)
                .content_type(CONTENT_TYPE)
                .server_side_encryption(ServerSideEncryption::Aes256)
                .body(ByteStream::from(content.expose_secret().to_vec()));
            match condition {
                Condition::Always => call,
                Condition::Absent => call.if_none_match("*"),
                Condition::Unchanged(etag) => call.if_match(etag),
            }
            .send()
        })
        .await
        .map(|_| ())
        .context("s3:PutObject", self.place(key))
    }

    /// After a refusal: an attempt before may have written, and its answer got lost.
    async fn refused(&self, key: &str, content: &SecretSlice<u8>) -> Result<Put> {
        let there = self.find(key).await?;
        let ours = there.is_some_and(|o| o.content.expose_secret() == content.expose_secret());
        Ok(if ours { Put::Done } else { Put::Refused })
    }

    /// Deletes an object; that there is none is fine.
    ///
    /// # Errors
    /// The bucket does not exist, or the object cannot be deleted.
    pub async fn delete(&self, key: &str) -> Result<Deleted> {
        let answer = self
            .attempt(|client| client.delete_object().bucket(&self.name).key(key).send())
            .await
            .context("s3:DeleteObject", self.place(key))?;
        Ok(match answer.delete_marker() {
            Some(true) => Deleted::Hidden,
            _ => Deleted::Gone,
        })
    }

    /// Ids of all versions and delete markers of an object.
    ///
    /// # Errors
    /// The bucket does not exist, or its versions cannot be listed.
    pub async fn versions(&self, key: &str) -> Result<Vec<String>> {
        let (mut ids, mut marker, mut version) = (Vec::new(), None, None);
        loop {
            let (after, of) = (marker.clone(), version.clone());
            let page = self
                .attempt(|client| {
                    let call = client.list_object_versions().bucket(&self.name).prefix(key);
                    call.set_key_marker(after.clone())
                        .set_version_id_marker(of.clone())
                        .send()
                })
                .await
                .context("s3:ListObjectVersions", self.place(key))?;
            let contents = page.versions().iter().map(|v| (v.key(), v.version_id()));
            let markers = page.delete_markers().iter();
            let markers = markers.map(|m| (m.key(), m.version_id()));
            // Longer keys with this prefix are other objects.
            let own = contents.chain(markers).filter(|(k, _)| *k == Some(key));
            ids.extend(own.map(|(_, id)| id.unwrap_or(NO_VERSION).to_owned()));
            marker = page.next_key_marker().map(str::to_owned);
            version = page.next_version_id_marker().map(str::to_owned);
            // They are sorted by key, and the key itself is the first with its prefix.
            if page.is_truncated() != Some(true) || marker.as_deref() != Some(key) {
                return Ok(ids);
            }
        }
    }

    /// Deletes versions and delete markers of an object for good, at most [`VERSIONS_AT_ONCE`]; that there is none is fine.
    ///
    /// # Errors
    /// The bucket does not exist, or a version cannot be deleted.
    pub async fn delete_versions(&self, key: &str, ids: &[String]) -> Result<()> {
        let incomplete = |error: aws_sdk_s3::error::BuildError| Error::refused(error.to_string());
        let object = |id: &String| ObjectIdentifier::builder().key(key).version_id(id).build();
        let objects: Result<Vec<_>, _> = ids.iter().map(object).collect();
        let objects = Some(objects.map_err(incomplete)?);
        let request = Delete::builder().set_objects(objects).quiet(true).build();
        let request = request.map_err(incomplete)?;
        let answer = self
            .attempt(|client| {
                let call = client.delete_objects().bucket(&self.name);
                call.delete(request.clone()).send()
            })
            .await
            .context("s3:DeleteObjects", self.place(key))?;
        let errors = answer.errors();
        let Some(first) = errors.first() else {
            return Ok(());
        };
        let (code, message) = (first.code(), first.message());
        Err(Error::refused(format!(
            "{} of {} versions of {} were not deleted: {}: {}",
            errors.len(),
            ids.len(),
            self.place(key),
            code.unwrap_or("error"),
            message.unwrap_or("no message")
        ))
        .with_hint("the permission s3:DeleteObjectVersion is needed"))
    }

    fn place(&self, key: &str) -> String {
        format!("object {key} of bucket {}", self.name)
    }

    /// Makes a call; if S3 says that the bucket is in another region, there.
    async fn attempt<T, E, F>(
        &self,
        call: impl Fn(Client) -> F,
    ) -> Result<T, SdkError<E, HttpResponse>>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        if let Some(client) = self.elsewhere.get() {
            return call(client.clone()).await;
        }
        let first = call(self.aws.s3().clone()).await;
        let Err(error) = &first else { return first };
        match region(error) {
            Some(region) if region != self.aws.region() => {
                let client = self.elsewhere.get_or_init(|| self.aws.s3_in(&region));
                call(client.clone()).await
            }
            _ => first,
        }
    }
}

/// The region that a refusal names. Refusals for other reasons name it too, so only those for the wrong region count.
fn region<E>(error: &SdkError<E, HttpResponse>) -> Option<String> {
    let answer = error.raw_response()?;
    // 301 PermanentRedirect and 307 TemporaryRedirect; 400 AuthorizationHeaderMalformed and HEAD's 400 without a body.
    let moved = matches!(answer.status().as_u16(), 301 | 307 | 400);
    let header = answer.headers().get(REGION).map(str::to_owned);
    let region = header.or_else(|| region_in(answer.body().bytes()?));
    region.filter(|_| moved)
}

/// The region in the text of a refusal: not all of them have the header.
fn region_in(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("<Region>")?;
    let (region, _) = rest.split_once("</Region>")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (!region.is_empty() && region.chars().all(plain)).then(|| region.to_owned())
}

/// 412 says that the condition does not hold, 409 that another writer is at it, 404 that an object which was to be unchanged
/// is gone.
fn is_refusal(error: &AwsError) -> bool {
    ["PreconditionFailed", CONFLICT, "NoSuchKey"]
        .iter()
        .any(|code| error.is(code))
}

fn time(time: &Time) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}

fn rfc3339<S: serde::Serializer>(
    time: &Option<DateTime<Utc>>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    let text = time.map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    text.serialize(serializer)
}
