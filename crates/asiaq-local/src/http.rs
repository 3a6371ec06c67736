//! Requests to moto's own interface (is it there, forget everything), to its S3 and its Route 53. Speaks to loopback only.

use std::time::Duration;

use crate::cloud::{REGION, TEST_KEY};
use crate::error::LocalError;

const TIMEOUT: Duration = Duration::from_secs(5);

fn agent() -> ureq::Agent {
    // A proxy from the environment must not see loopback requests.
    ureq::Agent::config_builder()
        .proxy(None)
        .timeout_global(Some(TIMEOUT))
        .build()
        .into()
}

/// Whether the server at `endpoint` answers.
pub(crate) fn is_healthy(endpoint: &str) -> bool {
    agent().get(format!("{endpoint}/moto-api/")).call().is_ok()
}

/// Empties all accounts of the server at `endpoint`.
pub(crate) fn reset(endpoint: &str) -> Result<(), LocalError> {
    agent()
        .post(format!("{endpoint}/moto-api/reset"))
        .send_empty()
        .map(drop)
        .map_err(|error| LocalError::Request {
            endpoint: endpoint.to_owned(),
            problem: error.to_string(),
        })
}

/// Creates an S3 bucket. The endpoint checks no signature, but reads the service from the header.
pub(crate) fn create_bucket(endpoint: &str, bucket: &str) -> Result<(), LocalError> {
    let location = format!(
        "<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>"
    );
    agent()
        .put(format!("{endpoint}/{bucket}"))
        .header("Authorization", authorization("s3"))
        .send(&location)
        .map(drop)
        .map_err(|error| LocalError::Account {
            what: format!("bucket {bucket}"),
            problem: error.to_string(),
        })
}

/// Puts an object into a bucket. As [`create_bucket`].
pub(crate) fn put_object(
    endpoint: &str,
    bucket: &str,
    key: &str,
    content: &str,
) -> Result<(), LocalError> {
    agent()
        .put(format!("{endpoint}/{bucket}/{key}"))
        .header("Authorization", authorization("s3"))
        .send(content)
        .map(drop)
        .map_err(|error| LocalError::Account {
            what: format!("s3://{bucket}/{key}"),
            problem: error.to_string(),
        })
}

/// Creates a public hosted zone. As [`create_bucket`].
pub(crate) fn create_zone(endpoint: &str, domain: &str) -> Result<(), LocalError> {
    let body = format!(
        "<CreateHostedZoneRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Name>{domain}</Name>\
         <CallerReference>demo</CallerReference></CreateHostedZoneRequest>"
    );
    agent()
        .post(format!("{endpoint}/2013-04-01/hostedzone"))
        .header("Authorization", authorization("route53"))
        .header("Content-Type", "application/xml")
        .send(&body)
        .map(drop)
        .map_err(|error| LocalError::Account {
            what: format!("hosted zone {domain}"),
            problem: error.to_string(),
        })
}

/// Keys of a bucket's first thousand objects.
pub(crate) fn list_objects(endpoint: &str, bucket: &str) -> Result<Vec<String>, LocalError> {
    let text = get(&format!("{endpoint}/{bucket}?list-type=2"), bucket)?;
    let keys = text.split("<Key>").skip(1);
    let keys = keys.filter_map(|rest| Some(rest.split_once("</Key>")?.0.to_owned()));
    Ok(keys.collect())
}

/// Content of an object.
pub(crate) fn get_object(endpoint: &str, bucket: &str, key: &str) -> Result<String, LocalError> {
    get(&format!("{endpoint}/{bucket}/{key}"), bucket)
}

fn get(url: &str, bucket: &str) -> Result<String, LocalError> {
    let failed = |error: ureq::Error| LocalError::Account {
        what: format!("bucket {bucket}"),
        problem: error.to_string(),
    };
    let request = agent()
        .get(url)
        .header("Authorization", authorization("s3"));
    let mut answer = request.call().map_err(failed)?;
    answer.body_mut().read_to_string().map_err(failed)
}

fn authorization(service: &str) -> String {
    let scope = format!("{TEST_KEY}/20260101/{REGION}/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 Credential={scope}")
}
