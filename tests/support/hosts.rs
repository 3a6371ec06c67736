//! An environment `ci` on real hosts of the local cloud, as an operator has it: configuration, seeded images, a credential
//! bucket with the keys, an agent; tools that run in the office or on the internet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use asiaq_local::hosts::Hosts;
use asiaq_local::hosts::seed::{Seed, Vendor, accounts_of_hosts};
use aws_sdk_ec2::primitives::Blob;
use aws_sdk_ec2::types::{Instance, ResourceType, Tag, TagSpecification};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use tempfile::TempDir;

use super::cloud::Cloud;
use super::config::TestConfig;
use super::sshd::{Agent, make_key};
use super::{Output, asiaq, binary};

/// The credential bucket of `[disco_aws] project_name = rehearsal` and postfix `test`.
const BUCKET: &str = "us-west-2.rehearsal.credentials.test";
/// How long anything may take; other tests share the processors.
const LIMIT: Duration = Duration::from_secs(120);

/// Where a person sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// Reaches private addresses.
    Office,
    /// Reaches public addresses only.
    Internet,
}

/// A cloud with hosts, and everything an operator has beside it.
pub struct Rehearsal {
    pub hosts: Hosts,
    pub cloud: Cloud,
    pub config: TestConfig,
    agent: Agent,
    directory: TempDir,
}

impl Rehearsal {
    /// An empty account with a key pair `test`, whose private half lies in the credential bucket, and an agent without keys.
    pub fn new() -> Self {
        let cloud = Cloud::start();
        let directory = tempfile::tempdir().expect("temporary directory");
        make_key(&directory.path().join("key"));
        let config = TestConfig::standard();
        config.edit(
            "disco_aws.ini",
            "default_ssh_key_name = None",
            "default_ssh_key_name = test",
        );
        config.edit(
            "disco_vpc.ini",
            "application = rehearsal",
            "application = rehearsal\ncredential_buckets = test",
        );
        let hosts = Hosts::start(Path::new(binary("asiaq")), cloud.url(), directory.path())
            .expect("hosts of the local cloud");
        let rehearsal = Self {
            agent: Agent::start(directory.path()),
            hosts,
            cloud,
            config,
            directory,
        };
        rehearsal.keys();
        rehearsal
    }

    /// The key pair, and the bucket with the keys of people and of the users that images have.
    fn keys(&self) {
        let public = self.file("key.pub");
        let import = self.cloud.client().import_key_pair().key_name("test");
        let import = import.public_key_material(Blob::new(public.clone())).send();
        self.cloud.wait(import).expect("ImportKeyPair");
        let config = aws_sdk_s3::config::Builder::from(&self.cloud.sdk()).force_path_style(true);
        let s3 = aws_sdk_s3::Client::from_conf(config.build());
        let place = CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::UsWest2)
            .build();
        let create = s3
            .create_bucket()
            .bucket(BUCKET)
            .create_bucket_configuration(place);
        self.cloud.wait(create.send()).expect("CreateBucket");
        let objects = ["smoketest", "snapshot", "test"]
            .map(|user| (format!("public_keys/ssh/{user}.pub"), public.clone()))
            .into_iter()
            .chain([("private_keys/ssh/operator".to_owned(), self.file("key"))]);
        for (key, body) in objects {
            let put = s3.put_object().bucket(BUCKET).key(key).body(body.into());
            self.cloud.wait(put.send()).expect("PutObject");
        }
    }

    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.directory.path().join(name)).expect("key")
    }

    /// An image of the hostclass with the files of this project's `discoroot/`.
    pub fn image(&self, hostclass: &str) -> String {
        self.image_at(hostclass, 1_700_000_000, "tested").0
    }

    /// An image `HOSTCLASS AT` in a stage, and the directory with its content, which may be changed until a host starts from it.
    pub fn image_at(&self, hostclass: &str, at: i64, stage: &str) -> (String, PathBuf) {
        let tags = [("hostclass", hostclass), ("stage", stage)];
        let id = self
            .cloud
            .register_image(&format!("{hostclass} {at}"), &tags);
        let layer = self.directory.path().join("images").join(&id);
        fs::create_dir_all(layer.parent().expect("parent")).expect("directory of images");
        let project = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let seed = Seed {
            config: project.parent().expect("the project"),
            hostclass,
            productline: "testing",
            accounts: &accounts_of_hosts().expect("accounts"),
        };
        seed.plant(&layer).expect("content of the image");
        (id, layer)
    }

    /// An image as a vendor publishes it: phase 1 bakes start from it. Owner is this account.
    pub fn vendor_image(&self) -> String {
        let id = self
            .cloud
            .register_image("debian-12-amd64-20260413-2447", &[]);
        let layer = self.directory.path().join("images").join(&id);
        fs::create_dir_all(layer.parent().expect("parent")).expect("directory of images");
        let accounts = accounts_of_hosts().expect("accounts");
        let vendor = Vendor {
            accounts: &accounts,
        };
        vendor.plant(&layer).expect("content of the image");
        id
    }

    /// The tree that `asiaq_data_source` names, as `bins/asiaq-tree.sh` makes it, but with the ordinary acfg1: hosts of the
    /// local cloud have the libraries of this machine.
    pub fn asiaq_tree(&self) -> PathBuf {
        let tree = self.directory.path().join("asiaq-tree");
        let bin = tree.join("bin");
        fs::create_dir_all(&bin).expect("directory of tools");
        fs::copy(binary("acfg1"), bin.join("acfg1.py")).expect("acfg1");
        let stub = Path::new(env!("CARGO_MANIFEST_DIR")).join("asiaq-stub");
        for name in ["pyproject.toml", "asiaq_stub.py"] {
            fs::copy(stub.join(name), tree.join(name)).expect("the stub");
        }
        tree
    }

    /// A program in the environment of a tool, in one of the networks. Its home lasts as long as the second value.
    pub fn command(&self, program: &str, args: &[&str], from: From) -> (Command, TempDir) {
        let (tool, home) = asiaq("asiaq")
            .endpoint(self.cloud.url())
            .config(self.config.path())
            .env("DEFAULT_ENV", "ci")
            .env("SSH_AUTH_SOCK", &self.agent.socket().to_string_lossy())
            .env(
                "XDG_STATE_HOME",
                &self.directory.path().join("state").to_string_lossy(),
            )
            .env("ASIAQ_SSH_OPTIONS", "-F none -oIdentityFile=none")
            .into_command();
        let mut command = self
            .hosts
            .enter(program, from == From::Internet)
            .expect("the hosts run");
        command
            .args(args)
            .current_dir(home.path())
            .stdin(Stdio::null());
        for (name, value) in tool.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        (command, home)
    }

    /// Runs a tool to its end.
    pub fn run(&self, tool: &str, args: &[&str], from: From) -> Output {
        let (mut command, _home) = self.command(binary(tool), args, from);
        let output = command.output().expect("run the tool");
        Output {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Waits until something holds; the text says what for.
    #[track_caller]
    pub fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + LIMIT;
        while !holds() {
            assert!(
                Instant::now() < deadline,
                "{what}: not after {LIMIT:?}; hosts: {:?}",
                self.hosts.list()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Launches so many hosts of a hostclass beside any group, and gives their addresses once all of them run.
    pub fn fleet(&self, hostclass: &str, count: usize) -> Vec<String> {
        let client = self.cloud.client();
        let image = self
            .cloud
            .register_image(&format!("{hostclass} 1700000001"), &[]);
        let subnets = self
            .cloud
            .wait(client.describe_subnets().send())
            .expect("DescribeSubnets");
        let ours = subnets.subnets().iter().find(|subnet| {
            subnet
                .tags()
                .iter()
                .any(|tag| tag.key() == Some("meta_network"))
        });
        let subnet = ours.or(subnets.subnets().first()).expect("a subnet");
        let number = i32::try_from(count).expect("number of hosts");
        let tag = Tag::builder().key("hostclass").value(hostclass).build();
        let tags = TagSpecification::builder()
            .resource_type(ResourceType::Instance)
            .tags(tag)
            .build();
        let run = client
            .run_instances()
            .image_id(image)
            .key_name("test")
            .subnet_id(subnet.subnet_id().expect("id of the subnet"))
            .min_count(number)
            .max_count(number)
            .tag_specifications(tags);
        let answer = self.cloud.wait(run.send()).expect("RunInstances");
        let address = |instance: &Instance| {
            let host = self
                .hosts
                .wait_for(instance.instance_id().expect("id"))
                .expect("its host");
            host.private_ip.expect("its address")
        };
        answer.instances().iter().map(address).collect()
    }

    /// A path for a file that lasts as long as the rehearsal.
    pub fn file_for(&self, name: &str) -> String {
        self.directory
            .path()
            .join(name)
            .to_string_lossy()
            .into_owned()
    }
}
