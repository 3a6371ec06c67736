//! Private keys from credential buckets into the ssh agent (spec 40, section 9.1). They go to `ssh-add` through a pipe: never
//! to a disk, an argument list or a log.

mod agent;

use crate::aws::{Aws, AwsError, Context};
use crate::error::{Error, Result};
use agent::{Added, add};
use futures::StreamExt;
use futures::stream;
use secrecy::SecretSlice;

/// Where keys lie in a bucket.
const PREFIX: &str = "private_keys/ssh/";
/// Keys that are read at once.
const AT_ONCE: usize = 8;
/// No private key is as large; more is not read.
const LARGEST: i64 = 64 * 1024;

/// One key in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Object<'a> {
    bucket: &'a str,
    name: String,
    size: i64,
}

/// See [`super::Remote::load_keys`].
pub(super) async fn load(aws: &Aws, buckets: &[String]) -> Result<()> {
    let listings = buckets.iter().map(|bucket| list(aws, bucket));
    let objects = futures::future::join_all(listings).await;
    // In the order of the buckets and of the names, so that two runs tell the same.
    let mut keys = stream::iter(objects.into_iter().flatten())
        .map(|object| async move {
            let key = read(aws, &object).await;
            (object, key)
        })
        .buffered(AT_ONCE);
    while let Some((object, key)) = keys.next().await {
        let added = match key {
            Ok(key) => add(&key).await,
            Err(why) => Added::Refused(why),
        };
        match added {
            Added::Yes => tracing::debug!("the agent has {}", object.place()),
            Added::Refused(why) => tracing::warn!("{} is skipped: {why}", object.place()),
            Added::NoAgent(why) => return Err(no_agent(&object, &why)),
        }
    }
    Ok(())
}

fn no_agent(object: &Object<'_>, why: &str) -> Error {
    Error::refused(format!(
        "no ssh agent takes the private keys of credential bucket {}: {why}",
        object.bucket
    ))
    .with_hint("start one: `eval \"$(ssh-agent)\"`")
}

impl Object<'_> {
    fn place(&self) -> String {
        format!("private key {} of bucket {}", self.name, self.bucket)
    }
}

/// The keys of a bucket. One that cannot be listed is warned about and has none.
async fn list<'a>(aws: &Aws, bucket: &'a str) -> Vec<Object<'a>> {
    match objects(aws, bucket).await {
        Ok(objects) => objects,
        Err(error) => {
            tracing::warn!(
                "ssh keys of credential bucket {bucket} are skipped: {}",
                reason(&error)
            );
            Vec::new()
        }
    }
}

async fn objects<'a>(aws: &Aws, bucket: &'a str) -> Result<Vec<Object<'a>>, AwsError> {
    let call = aws.s3().list_objects_v2().bucket(bucket).prefix(PREFIX);
    let mut pages = call.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.context("s3:ListObjectsV2", bucket)?;
        found.extend(page.contents().iter().filter_map(|object| {
            // What consoles make for a folder.
            let name = object.key().filter(|name| !name.ends_with('/'))?;
            Some(Object {
                bucket,
                name: name.to_owned(),
                size: object.size().unwrap_or_default(),
            })
        }));
    }
    Ok(found)
}

/// The key of an object in the form that `ssh-add` takes, or why there is none.
async fn read(aws: &Aws, object: &Object<'_>) -> std::result::Result<SecretSlice<u8>, String> {
    if object.size > LARGEST {
        return Err(format!("{} bytes are too many for a key", object.size));
    }
    let bytes = content(aws, object).await?;
    key_text(bytes).ok_or_else(|| "it is no private key in PEM or OpenSSH form".to_owned())
}

async fn content(aws: &Aws, object: &Object<'_>) -> std::result::Result<Vec<u8>, String> {
    let answer = aws
        .s3()
        .get_object()
        .bucket(object.bucket)
        .key(&object.name)
        .send()
        .await
        .context(
            "s3:GetObject",
            format_args!("{}/{}", object.bucket, object.name),
        )
        .map_err(|error| reason(&error))?;
    let body = answer.body.collect().await;
    let body = body.map_err(|error| format!("the connection broke off: {error}"))?;
    Ok(body.to_vec())
}

/// A failure with its remedy, for one line.
fn reason(error: &AwsError) -> String {
    match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}

/// A key as `ssh-add` takes it: line ends of Unix, the last line too. `None` if it is no private key.
fn key_text(bytes: Vec<u8>) -> Option<SecretSlice<u8>> {
    let has = |part: &[u8]| bytes.windows(part.len()).any(|found| found == part);
    if !has(b"-----BEGIN ") || !has(b"PRIVATE KEY-----") {
        return None;
    }
    let mut text: Vec<u8> = bytes.into_iter().filter(|byte| *byte != b'\r').collect();
    if text.last() != Some(&b'\n') {
        text.push(b'\n');
    }
    Some(text.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn texts_of_keys() {
        let begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
        let end = "-----END OPENSSH PRIVATE KEY-----";
        let good = format!("{begin}\nAAAA\n{end}\n");
        for text in [
            good.clone(),
            good.trim_end().to_owned(),
            good.replace('\n', "\r\n"),
            good.replace('\n', "\r\n").trim_end().to_owned(),
            format!("{begin}\nAAAA\n{end}\r"),
        ] {
            let key = key_text(text.into_bytes()).unwrap();
            assert_eq!(key.expose_secret(), good.as_bytes());
        }
        let old = "-----BEGIN RSA PRIVATE KEY-----\nAA\n-----END RSA PRIVATE KEY-----\n";
        assert!(key_text(old.into()).is_some());
        for none in [
            "",
            "\n",
            "ssh-ed25519 AAAA me",
            "-----BEGIN CERTIFICATE-----\n",
        ] {
            assert!(key_text(none.into()).is_none(), "{none:?}");
        }
    }

    #[test]
    fn keys_are_not_shown() {
        let key = key_text(b"-----BEGIN PRIVATE KEY-----\nMIIE".to_vec()).unwrap();
        assert!(!format!("{key:?}").contains("MIIE"));
    }
}
