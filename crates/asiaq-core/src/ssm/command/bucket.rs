//! Reads the full output of a step from the bucket.

use super::output::shown;
use crate::aws::{Aws, Context};
use crate::error::{Error, Result};
use std::path::Path;

/// Where the output of a step is.
pub(super) struct Place<'a> {
    pub bucket: &'a str,
    /// Names a command and a host, and mostly an action; seldom the step.
    pub prefix: &'a str,
    /// Name of the step.
    pub step: &'a str,
    /// The document has no other step.
    pub is_alone: bool,
}

/// Standard output and standard error; `None` if there is neither.
pub(super) async fn streams(aws: &Aws, place: &Place<'_>) -> Result<Option<(String, String)>> {
    let bucket = place.bucket;
    let mut pages = aws
        .s3()
        .list_objects_v2()
        .bucket(bucket)
        .prefix(place.prefix)
        .into_paginator()
        .send();
    let mut keys: Vec<String> = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.context("s3:ListObjectsV2", format!("bucket {bucket}"))?;
        keys.extend(
            page.contents()
                .iter()
                .filter_map(|object| object.key().map(str::to_owned)),
        );
    }
    let own = own_keys(&keys, place);
    let key = |end: &str| own.iter().copied().find(|key| key.ends_with(end));
    let (stdout, stderr) = (key("stdout"), key("stderr"));
    if stdout.is_none() && stderr.is_none() {
        return Ok(None);
    }
    let both = futures::future::try_join(object(aws, bucket, stdout), object(aws, bucket, stderr));
    both.await.map(Some)
}

/// The keys of the step among those below the prefix: those that name it below the prefix, else those that name it at all,
/// else, if there is no other step, all.
fn own_keys<'a>(keys: &'a [String], place: &Place<'_>) -> Vec<&'a str> {
    let below = |key: &'a String| key.strip_prefix(place.prefix).unwrap_or(key);
    let all = || keys.iter().map(String::as_str);
    let inner: Vec<&str> = keys
        .iter()
        .filter(|key| names(below(key), place.step))
        .map(String::as_str)
        .collect();
    if !inner.is_empty() {
        return inner;
    }
    let named: Vec<&str> = all().filter(|key| names(key, place.step)).collect();
    if named.is_empty() && place.is_alone {
        return all().collect();
    }
    named
}

/// Whether a directory of the key is called like the step, or ends in `.STEP`. AWS leaves colons out of keys.
fn names(key: &str, step: &str) -> bool {
    let step = step.replace(':', "");
    let is_own = |part: &str| {
        part == step
            || part
                .strip_suffix(step.as_str())
                .is_some_and(|start| start.ends_with('.'))
    };
    !step.is_empty() && key.rsplit('/').skip(1).any(is_own)
}

/// The text of an object, trimmed; `-` without a key.
async fn object(aws: &Aws, bucket: &str, key: Option<&str>) -> Result<String> {
    let Some(key) = key else {
        return Ok(shown(""));
    };
    let place = Path::new(bucket).join(key).display().to_string();
    let call = aws.s3().get_object().bucket(bucket).key(key).send().await;
    let answer = call.context("s3:GetObject", &place)?;
    let cut_off = |error| Error::refused(format!("s3:GetObject of {place}: {error}"));
    let body = answer.body.collect().await.map_err(cut_off)?.into_bytes();
    Ok(shown(&String::from_utf8_lossy(&body)))
}

#[cfg(test)]
mod tests {
    use super::{Place, own_keys};

    /// Keys, prefix, step, whether it is alone, its keys.
    type Row<'a> = (&'a [&'a str], &'a str, &'a str, bool, &'a [&'a str]);

    #[test]
    fn keys_of_a_step() {
        let two = ["c/i/sh/0.one/stdout", "c/i/sh/1.two/stderr"];
        let table: [Row<'_>; 9] = [
            (&two, "c/i/sh", "one", false, &two[..1]),
            (&two, "c/i/sh", "two", false, &two[1..]),
            (&two, "c/i/", "two", false, &two[1..]),
            (&two, "c/i/sh", "three", false, &[]),
            (&two, "c/i/sh", "three", true, &two),
            (&two, "c/i/sh", "", true, &two),
            // The action is called like the first step.
            (
                &["c/i/sh/sh/stdout", "c/i/sh/two/stdout"],
                "c/i/sh",
                "sh",
                false,
                &["c/i/sh/sh/stdout"],
            ),
            // The prefix names the step, and begins the name of another one.
            (
                &["c/i/sh/0.a-b/stdout", "c/i/sh/0.a/stdout"],
                "c/i/sh/0.a",
                "a",
                false,
                &["c/i/sh/0.a/stdout"],
            ),
            (
                &["c/i/x/0.awsrun/stdout"],
                "c/i/x",
                "aws:run",
                false,
                &["c/i/x/0.awsrun/stdout"],
            ),
        ];
        for (keys, prefix, step, is_alone, wanted) in table {
            let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            let place = Place {
                bucket: "b",
                prefix,
                step,
                is_alone,
            };
            assert_eq!(own_keys(&keys, &place), wanted, "{prefix} {step}");
        }
    }
}
