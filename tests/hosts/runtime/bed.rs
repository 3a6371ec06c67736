//! A cloud with hosts and a key to them, and logging in. Asserts only what makes it usable.

use crate::support::binary;
use crate::support::cloud::Cloud;
use asiaq_local::hosts::{HostStatus, Hosts};
use aws_sdk_ec2::primitives::Blob;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take; other tests share the processors.
const LIMIT: Duration = Duration::from_secs(90);

/// A cloud with hosts, and a key to them.
pub struct Bed {
    pub hosts: Hosts,
    pub cloud: Cloud,
    pub key: Key,
}

/// A key pair of a test.
pub struct Key {
    pub dir: tempfile::TempDir,
}

impl Key {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
            .arg(dir.path().join("key"))
            .status();
        assert!(made.unwrap().success());
        Self { dir }
    }

    /// Makes it known to a cloud.
    pub fn import(&self, cloud: &Cloud, client: &aws_sdk_ec2::Client) {
        let public = fs::read(self.dir.path().join("key.pub")).unwrap();
        let import = client.import_key_pair().key_name("test");
        let import = import.public_key_material(Blob::new(public)).send();
        cloud.wait(import).unwrap();
    }

    /// Arguments of ssh.
    pub fn ssh(&self, user: &str, address: &str, command: &str) -> Vec<String> {
        let key = self.dir.path().join("key").display().to_string();
        let options = [
            "-oBatchMode=yes",
            "-oIdentitiesOnly=yes",
            "-oIdentityAgent=none",
            "-oStrictHostKeyChecking=no",
            "-oUserKnownHostsFile=/dev/null",
            "-oLogLevel=ERROR",
            "-oConnectTimeout=20",
        ];
        let mut all: Vec<String> = options.map(str::to_owned).into();
        all.extend([
            "-i".to_owned(),
            key,
            format!("{user}@{address}"),
            command.to_owned(),
        ]);
        all
    }
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Bed {
    pub fn new() -> Self {
        let cloud = Cloud::start();
        let key = Key::new();
        key.import(&cloud, &cloud.client());
        let dir = key.dir.path().join("state");
        let hosts = Hosts::start(Path::new(binary("asiaq")), cloud.url(), &dir).unwrap();
        Self { hosts, cloud, key }
    }

    /// Launches instances and gives their ids.
    pub fn launch(&self, image: &str, count: usize) -> Vec<String> {
        let count = i32::try_from(count).unwrap();
        let run = self
            .cloud
            .client()
            .run_instances()
            .image_id(image)
            .key_name("test");
        let answer = self
            .cloud
            .wait(run.min_count(count).max_count(count).send())
            .unwrap();
        let id = |one: &aws_sdk_ec2::types::Instance| one.instance_id().unwrap().to_owned();
        answer.instances().iter().map(id).collect()
    }

    /// Launches one and waits for its host.
    pub fn host(&self, image: &str) -> HostStatus {
        self.hosts.wait_for(&self.launch(image, 1)[0]).unwrap()
    }

    pub fn image(&self) -> String {
        self.cloud.register_image("plain", &[])
    }

    pub fn ssh(&self, host: &HostStatus, command: &str) -> Said {
        let address = host.private_ip.as_deref().unwrap();
        self.ssh_at("root", address, command, false)
    }

    pub fn ssh_at(&self, user: &str, address: &str, command: &str, internet: bool) -> Said {
        let output = self
            .hosts
            // An address that goes in the middle of a login leaves ssh with a peer that never answers.
            .enter("timeout", internet)
            .unwrap()
            .args(["40", "ssh"])
            .args(self.key.ssh(user, address, command))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Said {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            err: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }
    }

    /// What a command on a host prints, which must succeed.
    #[track_caller]
    pub fn says(&self, host: &HostStatus, command: &str) -> String {
        let said = self.ssh(host, command);
        assert_eq!(said.code, Some(0), "{command}: {said:?}");
        said.out
    }

    /// The state of a host in the list; nothing if it is not there.
    pub fn state(&self, id: &str) -> String {
        let found = self
            .hosts
            .list()
            .into_iter()
            .find(|host| host.instance_id == id);
        found.map_or_else(String::new, |host| host.state)
    }
}

#[track_caller]
pub fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
