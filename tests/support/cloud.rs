//! One local cloud per test, and SDK clients to prepare it and read it back. Knows no tool.

use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_ec2::types::{BlockDeviceMapping, EbsBlockDevice, Tag};
use tokio::runtime::Runtime;

use asiaq_local::{Endpoint, REGION, Settings, TEST_KEY};

/// Size in GB of a seeded image's root volume.
const ROOT_SIZE: i32 = 8;

/// A moto server on a free port, gone with this value.
pub struct Cloud {
    endpoint: Endpoint,
    runtime: Runtime,
}

impl Cloud {
    /// Starts a server; about 0.4 s. Its first EC2 call takes another 0.6 s. The first start ever installs moto.
    pub fn start() -> Self {
        let settings = Settings::from_env().expect("settings");
        let endpoint =
            Endpoint::start(&settings).unwrap_or_else(|error| panic!("start moto: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("runtime");
        Self { endpoint, runtime }
    }

    /// The endpoint's URL.
    pub fn url(&self) -> &str {
        self.endpoint.url()
    }

    /// Empties the cloud; cheaper than another server for a test of several cases.
    pub fn reset(&self) {
        self.endpoint.reset().expect("reset moto");
    }

    /// An EC2 client that talks to the server itself, not through any proxy.
    pub fn client(&self) -> aws_sdk_ec2::Client {
        let config = aws_sdk_ec2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(credentials())
            .endpoint_url(self.url());
        aws_sdk_ec2::Client::from_conf(config.build())
    }

    /// An Auto Scaling client; as [`Cloud::client`].
    pub fn autoscaling(&self) -> aws_sdk_autoscaling::Client {
        let config = aws_sdk_autoscaling::Config::builder()
            .behavior_version(aws_sdk_autoscaling::config::BehaviorVersion::latest())
            .region(aws_sdk_autoscaling::config::Region::new(REGION))
            .credentials_provider(credentials())
            .endpoint_url(self.url());
        aws_sdk_autoscaling::Client::from_conf(config.build())
    }

    /// Settings for clients of the other services; as [`Cloud::client`].
    pub fn sdk(&self) -> aws_config::SdkConfig {
        aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials()))
            .endpoint_url(self.url())
            .build()
    }

    /// The core's access to an endpoint: this server's, or a proxy's. One attempt per call, short pauses.
    pub fn aws(&self, url: &str) -> asiaq_core::aws::Aws {
        let retry = aws_config::retry::RetryConfig::standard().with_max_attempts(1);
        let config = self.sdk().into_builder().endpoint_url(url);
        let poll = asiaq_core::aws::Poll::new(Some(std::time::Duration::from_millis(20)));
        asiaq_core::aws::Aws::new(config.retry_config(retry).build(), REGION.to_owned(), poll)
    }

    /// An SNS client; as [`Cloud::client`].
    pub fn sns(&self) -> aws_sdk_sns::Client {
        aws_sdk_sns::Client::new(&self.sdk())
    }

    /// Waits for an SDK call from a plain test function.
    pub fn wait<F: Future>(&self, call: F) -> F::Output {
        self.runtime.block_on(call)
    }

    /// Registers an image of this account and tags it; gives its id. (moto keeps images per account, so one of
    /// another owner cannot be shown to a tool; it also ignores the device mapping and dates images to the second.)
    pub fn register_image(&self, name: &str, tags: &[(&str, &str)]) -> String {
        let client = self.client();
        let ebs = EbsBlockDevice::builder()
            .volume_size(ROOT_SIZE)
            .delete_on_termination(true)
            .build();
        let root = BlockDeviceMapping::builder()
            .device_name("/dev/xvda")
            .ebs(ebs)
            .build();
        let register = client
            .register_image()
            .name(name)
            .root_device_name("/dev/xvda")
            .block_device_mappings(root)
            .send();
        let answer = self.wait(register).expect("RegisterImage");
        let id = answer.image_id.expect("id of the image");
        let tags: Vec<Tag> = tags
            .iter()
            .map(|(key, value)| Tag::builder().key(*key).value(*value).build())
            .collect();
        if !tags.is_empty() {
            let create = client
                .create_tags()
                .resources(&id)
                .set_tags(Some(tags))
                .send();
            self.wait(create).expect("CreateTags");
        }
        id
    }
}

fn credentials() -> Credentials {
    Credentials::new(TEST_KEY, TEST_KEY, None, None, "tests")
}
