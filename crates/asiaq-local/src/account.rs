//! Prepares the account behind a local endpoint as a team's account would be: key pair, baked images, buckets.
//!
//! Speaks to the given endpoint with test keys only.

use crate::cloud::{REGION, TEST_KEY};
use crate::error::LocalError;
use crate::hosts::seed::{Accounts, Seed, Vendor};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ec2::types::{BlockDeviceMapping, EbsBlockDevice, Tag};
use std::path::Path;

/// Product line of everything here.
const PRODUCTLINE: &str = "demo";
/// Name of the vendor's image.
const VENDOR: &str = "debian-12-amd64-20260413-2447";
/// Where private keys and public keys of ssh users lie in a credential bucket.
const PRIVATE_KEYS: &str = "private_keys/ssh";
const PUBLIC_KEYS: &str = "public_keys/ssh";
/// Users of images whose key is looked for there.
const USERS: [&str; 3] = ["smoketest", "snapshot", "test"];

/// Ends the name of a file beside an image's content that goes with the cloud; content that people laid out stays.
pub(crate) const PLANTED: &str = ".planted";

/// Contents of images, for hosts that boot from them.
#[derive(Debug)]
pub(crate) struct Contents<'a> {
    /// Configuration directory with `discoroot/`.
    pub(crate) config: &'a Path,
    /// Gets a directory per image.
    pub(crate) images: &'a Path,
    /// Users and groups of hosts.
    pub(crate) accounts: &'a Accounts,
}

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

/// Creates a key pair, one tested image per hostclass (`baked_at`: unix seconds in their names), and buckets with the key.
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
    prepare_with(endpoint, key_pair, hostclasses, buckets, baked_at, None).await
}

/// The same, with contents for the images.
pub(crate) async fn prepare_with(
    endpoint: &str,
    key_pair: &str,
    hostclasses: &[String],
    buckets: &[String],
    baked_at: u64,
    contents: Option<&Contents<'_>>,
) -> Result<Account, LocalError> {
    let client = client(endpoint);
    let keys = create_keys(&client, key_pair).await?;
    let mut images = Vec::new();
    for hostclass in hostclasses {
        let id = register(&client, hostclass, baked_at).await?;
        if let Some(contents) = contents {
            let seed = Seed {
                config: contents.config,
                hostclass,
                productline: PRODUCTLINE,
                accounts: contents.accounts,
            };
            seed.plant(&contents.images.join(&id))?;
            mark(contents.images, &id)?;
        }
        images.push((hostclass.clone(), id));
    }
    for bucket in buckets {
        crate::http::create_bucket(endpoint, bucket)?;
        put_keys(endpoint, bucket, key_pair, &keys)?;
    }
    Ok(Account {
        key_pair: key_pair.to_owned(),
        images,
        buckets: buckets.to_vec(),
    })
}

/// Registers an image as a vendor publishes it, lays out its content in `images`, and gives its id.
///
/// # Errors
/// The endpoint refuses, or a file cannot be written.
pub(crate) async fn vendor_image(
    endpoint: &str,
    vendor: &Vendor<'_>,
    images: &Path,
) -> Result<String, LocalError> {
    let request = client(endpoint)
        .register_image()
        .name(VENDOR)
        .root_device_name("/dev/xvda");
    let answer = request.send().await;
    let answer = answer.map_err(|e| failed(VENDOR, e.into_service_error().to_string()))?;
    let id = answer.image_id().unwrap_or_default().to_owned();
    std::fs::create_dir_all(images).map_err(LocalError::file("cannot create", images))?;
    vendor.plant(&images.join(&id))?;
    mark(images, &id)?;
    Ok(id)
}

/// Notes that the content of an image goes with the cloud.
fn mark(images: &Path, id: &str) -> Result<(), LocalError> {
    let marker = images.join(format!("{id}{PLANTED}"));
    std::fs::write(&marker, "").map_err(LocalError::file("cannot write", &marker))
}

/// A key pair, private part first.
struct Keys {
    private: String,
    public: String,
}

async fn create_keys(client: &Client, name: &str) -> Result<Keys, LocalError> {
    let failed = |problem: String| failed(&format!("key pair {name}"), problem);
    let created = client.create_key_pair().key_name(name).send().await;
    let created = created.map_err(|error| failed(error.into_service_error().to_string()))?;
    let listed = client
        .describe_key_pairs()
        .key_names(name)
        .include_public_key(true)
        .send()
        .await
        .map_err(|error| failed(error.into_service_error().to_string()))?;
    let public = listed
        .key_pairs()
        .first()
        .and_then(|pair| pair.public_key());
    Ok(Keys {
        private: created.key_material().unwrap_or_default().to_owned(),
        public: public.unwrap_or_default().trim().to_owned(),
    })
}

/// Where the tools and the hosts look for keys. They never touch a disk.
fn put_keys(endpoint: &str, bucket: &str, name: &str, keys: &Keys) -> Result<(), LocalError> {
    let put = |key: &str, text: &str| crate::http::put_object(endpoint, bucket, key, text);
    put(&format!("{PRIVATE_KEYS}/{name}"), &keys.private)?;
    for user in USERS {
        let line = format!("{}\n", keys.public);
        put(&format!("{PUBLIC_KEYS}/{user}.pub"), &line)?;
    }
    Ok(())
}

/// Registers the image of a hostclass as a bake would leave it, and gives its id.
async fn register(client: &Client, hostclass: &str, baked_at: u64) -> Result<String, LocalError> {
    let problem = |error: String| failed(&format!("image of {hostclass}"), error);
    let root = EbsBlockDevice::builder().volume_size(8).build();
    let device = BlockDeviceMapping::builder()
        .device_name("/dev/xvda")
        .ebs(root)
        .build();
    let answer = client
        .register_image()
        .name(format!("{hostclass} {baked_at}"))
        .root_device_name("/dev/xvda")
        .block_device_mappings(device)
        .send()
        .await
        .map_err(|error| problem(error.into_service_error().to_string()))?;
    let id = answer.image_id().unwrap_or_default().to_owned();
    let tags = [
        ("hostclass", hostclass),
        ("stage", "tested"),
        ("is_private", "False"),
        ("productline", PRODUCTLINE),
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
    Ok(id)
}

fn failed(what: &str, problem: String) -> LocalError {
    LocalError::Account {
        what: what.to_owned(),
        problem,
    }
}
