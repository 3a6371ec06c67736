//! How the service refuses changes of records, and what is to be done about it. Pure.

use super::RecordChange;
use crate::aws::{AwsError, Context};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error as StdError;

/// The code for changes that cannot be made.
const REFUSED: &str = "InvalidChangeBatch";

/// As [`Context::context`], with all that the service has to say about refused changes. It says it in a form
/// of its own, which the SDK does not read.
pub(super) fn explained<T, E>(
    result: Result<T, SdkError<E, HttpResponse>>,
    operation: &'static str,
    what: &str,
) -> Result<T, AwsError>
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let response = result.as_ref().err().and_then(SdkError::raw_response);
    let body = response.and_then(|response| response.body().bytes());
    let said = body.map_or_else(Vec::new, |body| messages(&String::from_utf8_lossy(body)));
    result.context(operation, what).map_err(|mut error| {
        if !said.is_empty() {
            error.code = Some(REFUSED.to_owned());
            error.message = said.join("; ");
        }
        error
    })
}

/// The messages of a document about refused changes; none of another one.
fn messages(body: &str) -> Vec<String> {
    if !body.contains(REFUSED) {
        return Vec::new();
    }
    let texts = body.split("<Message>").skip(1);
    texts
        .filter_map(|text| text.split("</Message>").next())
        .map(|text| {
            [
                ("&lt;", "<"),
                ("&gt;", ">"),
                ("&quot;", "\""),
                ("&apos;", "'"),
                ("&#39;", "'"),
                ("&amp;", "&"),
            ]
            .iter()
            .fold(text.trim().to_owned(), |text, (from, to)| {
                text.replace(from, to)
            })
        })
        .collect()
}

/// True if the service takes none of the changes because of one of them.
pub(super) fn is_refusal(error: &AwsError) -> bool {
    [REFUSED, "InvalidInput", "NoSuchHostedZone"]
        .iter()
        .any(|code| error.is(code))
}

/// The changes without those deletions that need not be made, as this refusal says.
pub(super) fn still_to_do<'c>(
    changes: &[&'c RecordChange],
    error: &AwsError,
) -> Vec<&'c RecordChange> {
    let zone_is_gone = error.is("NoSuchHostedZone") && changes.iter().all(|c| c.is_deletion());
    let done = |change: &RecordChange| {
        zone_is_gone
            || change.is_deletion()
                && error.is(REFUSED)
                && error.message.split("; ").any(|said| {
                    is_no_longer_so(said) && (changes.len() == 1 || is_about(said, change))
                })
    };
    changes
        .iter()
        .copied()
        .filter(|change| !done(change))
        .collect()
}

/// AWS' two ways to say that the record is not there, or not as it was. It has no code for it.
fn is_no_longer_so(message: &str) -> bool {
    message.contains("not found") || message.contains("do not match the current values")
}

/// True if the message names the record: `[name='web.example.com.', type='A']`.
fn is_about(message: &str, change: &RecordChange) -> bool {
    let name = change.name().trim_end_matches('.').to_ascii_lowercase();
    let kind = format!("type='{}'", change.kind());
    let message_lower = message.to_ascii_lowercase();
    let named = [format!("name='{name}.'"), format!("name='{name}'")]
        .iter()
        .any(|name| message_lower.contains(name));
    named && message.contains(&kind)
}

#[cfg(test)]
mod tests;
