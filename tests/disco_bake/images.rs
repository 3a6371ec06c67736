//! End to end: the subcommands of image management. What several of these tests need is here.

mod cleanup;
mod delete;
mod listing;
mod promote;
mod users;

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_ec2::types::{
    ImageAttributeName, LaunchPermission, LaunchPermissionModifications, ResourceType,
};

use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::furniture::tagged;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Asiaq, Output, asiaq};

/// A line of the configuration, and what it becomes: two production accounts and who bakes for them.
pub const STAGES: &str = "ami_stages = untested failed tested";
pub const PRODUCTION: &str = "ami_stages = untested failed tested\nprod_account_ids = 111111111111 222222222222\nprod_baker = jenkins";

/// A cloud, and a configuration with production accounts.
pub struct World {
    pub cloud: Cloud,
    pub config: TestConfig,
}

impl World {
    pub fn start() -> Self {
        let config = TestConfig::standard();
        config.edit("disco_aws.ini", STAGES, PRODUCTION);
        Self {
            cloud: Cloud::start(),
            config,
        }
    }

    pub fn tool(&self, words: &str) -> Asiaq {
        asiaq("disco_bake")
            .config(self.config.path())
            .args(words.split_whitespace())
    }

    pub fn run(&self, words: &str) -> Output {
        self.tool(words).endpoint(self.cloud.url()).run()
    }

    pub fn through(&self, behaviour: Behaviour, words: &str) -> (Output, Proxy) {
        let proxy = Proxy::start(self.cloud.url(), behaviour);
        (self.tool(words).endpoint(proxy.url()).run(), proxy)
    }

    /// An image of this stage.
    pub fn image(&self, name: &str, stage: &str) -> String {
        self.cloud.register_image(name, &[("stage", stage)])
    }

    /// Names of all own images, sorted.
    pub fn names(&self) -> Vec<String> {
        let call = self.cloud.client().describe_images().owners("self").send();
        let found = self.cloud.wait(call).expect("DescribeImages");
        let names = found.images().iter();
        let mut names: Vec<String> = names
            .map(|own| own.name().unwrap_or_default().to_owned())
            .collect();
        names.sort();
        names
    }

    /// A tag of an image.
    pub fn tag(&self, id: &str, key: &str) -> Option<String> {
        let call = self.cloud.client().describe_images().image_ids(id).send();
        let found = self.cloud.wait(call).expect("DescribeImages");
        let mut tags = found.images()[0].tags().iter();
        let value = tags.find(|tag| tag.key() == Some(key));
        value.and_then(|tag| tag.value().map(str::to_owned))
    }

    /// The accounts that may launch an image, sorted.
    pub fn permitted(&self, id: &str) -> Vec<String> {
        let call = self
            .cloud
            .client()
            .describe_image_attribute()
            .image_id(id)
            .attribute(ImageAttributeName::LaunchPermission);
        let found = self
            .cloud
            .wait(call.send())
            .expect("DescribeImageAttribute");
        let accounts = found.launch_permissions().iter();
        let mut accounts: Vec<String> = accounts
            .filter_map(|own| own.user_id().map(str::to_owned))
            .collect();
        accounts.sort();
        accounts
    }

    /// Lets an account launch an image.
    pub fn permit(&self, id: &str, account: &str) {
        let permission = LaunchPermission::builder().user_id(account).build();
        let added = LaunchPermissionModifications::builder().add(permission);
        let call = self
            .cloud
            .client()
            .modify_image_attribute()
            .image_id(id)
            .launch_permission(added.build());
        self.cloud.wait(call.send()).expect("ModifyImageAttribute");
    }

    /// An instance that is made of an image.
    pub fn instance(&self, image: &str, tags: &[(&str, &str)]) -> String {
        let mut call = self
            .cloud
            .client()
            .run_instances()
            .image_id(image)
            .min_count(1)
            .max_count(1);
        if !tags.is_empty() {
            call = call.tag_specifications(tagged(ResourceType::Instance, tags));
        }
        let made = self.cloud.wait(call.send()).expect("RunInstances");
        made.instances()[0].instance_id().expect("id").to_owned()
    }
}

/// The present time as unix seconds, so many seconds ago.
pub fn ago(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap() - seconds
}

/// An image in the words of EC2.
pub struct Described<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub snapshot: Option<&'a str>,
    pub tags: &'a [(&'a str, &'a str)],
}

/// An answer to DescribeImages; with `token` there is another page.
pub fn described(images: &[Described<'_>], token: Option<&str>) -> String {
    let tag = |(key, value): &(&str, &str)| {
        format!("<item><key>{key}</key><value>{value}</value></item>")
    };
    let item = |own: &Described<'_>| {
        let device = own.snapshot.map_or_else(String::new, |id| {
            format!("<item><deviceName>/dev/xvda</deviceName><ebs><snapshotId>{id}</snapshotId></ebs></item>")
        });
        format!(
            "<item><imageId>{}</imageId><name>{}</name><imageState>available</imageState><imageOwnerId>123456789012</imageOwnerId>\
             <creationDate>2024-02-03T04:05:06.000Z</creationDate><blockDeviceMapping>{device}</blockDeviceMapping>\
             <tagSet>{}</tagSet></item>",
            own.id,
            own.name,
            own.tags.iter().map(tag).collect::<String>()
        )
    };
    let token = token.map_or_else(String::new, |token| {
        format!("<nextToken>{token}</nextToken>")
    });
    format!(
        "<DescribeImagesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>proxy</requestId>\
         <imagesSet>{}</imagesSet>{token}</DescribeImagesResponse>",
        images.iter().map(item).collect::<String>()
    )
}

#[test]
fn help_and_usage() {
    const NOWHERE: &str = "http://127.0.0.1:9";
    let run = |words: &str| {
        asiaq("disco_bake")
            .endpoint(NOWHERE)
            .args(words.split_whitespace())
            .run()
    };
    for command in [
        "promote",
        "hostclasspromote",
        "listamis",
        "liststragglers",
        "listlatestami",
        "deleteami",
        "cleanupamis",
        "listrepo",
    ] {
        let help = run(&format!("{command} --help")).expect_status(0);
        assert_eq!(help.stderr, "", "{command}");
        insta::assert_snapshot!(format!("help_{command}"), help.stdout);
    }
    for words in [
        "promote --ami ami-1",
        "promote --stage tested",
        "hostclasspromote",
        "listamis --stage",
        "listamis more",
        "liststragglers --days x",
        "liststragglers --days -1",
        "listlatestami --stage tested",
        "listlatestami --hostclass mhca",
        "listlatestami --hostclass mhca --stage=,",
        "deleteami",
        "cleanupamis",
        "cleanupamis --stage=",
        "cleanupamis --stage tested --keep -1",
        "cleanupamis --stage tested --age=-1",
        "cleanupamis --stage tested --keep many",
        "listrepo --output svg",
    ] {
        let output = run(words).expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{words}: {}",
            output.stderr
        );
    }
}

#[test]
fn the_project_must_have_a_name() {
    let config = TestConfig::new();
    config.write("disco_aws.ini", "[disco_aws]\n");
    let output = asiaq("disco_bake")
        .config(config.path())
        .endpoint("http://127.0.0.1:9")
        .args(["listamis"])
        .run()
        .expect_status(1);
    assert!(
        output.stderr.contains("`project_name` is not set"),
        "{}",
        output.stderr
    );
}
