//! Prepares the account behind a local endpoint as a team's account would be: key pair, baked images, buckets.
//!
//! Speaks to the given endpoint with test keys only.

use crate::cloud::{REGION, TEST_KEY};
use crate::error::LocalError;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ec2::types::{BlockDeviceMapping, EbsBlockDevice, Tag};

/// An EC2 client of the local endpoint.
pub(crate) fn client(endpoint: &str) -> Client {
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(
            TEST_KEY,
            TEST_KEY,
            None,
            None,
            "asiaq-local",
        ))
        .endpoint_url(endpoint);
    Client::from_conf(config.build())
}

/// What a prepared account holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Name of the key pair.
    pub key_pair: String,
    /// Hostclass and AMI id of each image.
    pub images: Vec<(String, String)>,
    /// Names of the buckets.
    pub buckets: Vec<String>,
}

/// Creates a key pair, one tested image per hostclass (`baked_at`: unix seconds in their names), and buckets.
///
/// # Errors
/// The endpoint refuses a request.
pub async fn prepare(
    endpoint: &str,
    key_pair: &str,
    hostclasses: &[String],
    buckets: &[String],
    baked_at: u64,
) -> Result<Account, LocalError> {
    let client = client(endpoint);
    let failed = |what: &str, problem: String| LocalError::Account {
        what: what.to_owned(),
        problem,
    };
    let key = client.create_key_pair().key_name(key_pair).send().await;
    key.map_err(|error| {
        failed(
            &format!("key pair {key_pair}"),
            error.into_service_error().to_string(),
        )
    })?;
    let mut images = Vec::new();
    for hostclass in hostclasses {
        let problem = |error: String| failed(&format!("image of {hostclass}"), error);
        let root = EbsBlockDevice::builder().volume_size(8).build();
        let answer = client
            .register_image()
            .name(format!("{hostclass} {baked_at}"))
            .root_device_name("/dev/xvda")
            .block_device_mappings(
                BlockDeviceMapping::builder()
                    .device_name("/dev/xvda")
                    .ebs(root)
                    .build(),
            )
            .send()
            .await
            .map_err(|error| problem(error.into_service_error().to_string()))?;
        let id = answer.image_id().unwrap_or_default().to_owned();
        let tags = [
            ("hostclass", hostclass.as_str()),
            ("stage", "tested"),
            ("is_private", "False"),
            ("productline", "demo"),
            ("baker", "demo"),
        ];
        let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build());
        let tagged = client
            .create_tags()
            .resources(&id)
            .set_tags(Some(tags.to_vec()))
            .send()
            .await;
        tagged.map_err(|error| problem(error.into_service_error().to_string()))?;
        images.push((hostclass.clone(), id));
    }
    for bucket in buckets {
        crate::http::create_bucket(endpoint, bucket)?;
    }
    Ok(Account {
        key_pair: key_pair.to_owned(),
        images,
        buckets: buckets.to_vec(),
    })
}
