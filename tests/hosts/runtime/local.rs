//! `asiaq local` with hosts, as an operator uses it: its commands, crashes, two clouds.

use super::bed::{Key, wait_until};
use super::processes::{Process, descendants, everywhere_in_network, kill};
use crate::support::{Output, asiaq};
use asiaq_local::hosts::aws_cli::AwsCli;
use asiaq_local::{MOTO_VERSION, Settings};
use aws_sdk_ec2::primitives::Blob;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `asiaq local` with a cache directory of its own.
struct Local {
    cache: tempfile::TempDir,
}

impl Local {
    fn new() -> Self {
        let settings = Settings::from_env().unwrap();
        asiaq_local::ensure_installed(&settings, &mut |_| {}).unwrap();
        AwsCli::ensure(&settings, &mut |_| {}).unwrap();
        let cache = tempfile::tempdir().unwrap();
        for name in [format!("moto-{MOTO_VERSION}"), AwsCli::directory()] {
            symlink(settings.cache_dir.join(&name), cache.path().join(&name)).unwrap();
        }
        Self { cache }
    }

    fn run(&self, args: &[&str]) -> Output {
        asiaq("asiaq")
            .env("ASIAQ_CACHE_DIR", self.cache.path().to_str().unwrap())
            .arg_list(args)
            .run()
    }

    fn status(&self) -> serde_json::Value {
        let output = self.run(&["status", "--output", "json"]).expect_status(0);
        serde_json::from_str(&output.stdout).unwrap()
    }

    fn url(&self) -> String {
        self.status()["endpoint"].as_str().unwrap().to_owned()
    }

    /// The supervisor's process id.
    fn supervisor(&self) -> u32 {
        let board = fs::read(self.cache.path().join("local/hosts.json")).unwrap();
        let board: serde_json::Value = serde_json::from_slice(&board).unwrap();
        u32::try_from(board["pid"].as_u64().unwrap()).unwrap()
    }

    /// An EC2 client and something to wait with.
    fn ec2(&self) -> (aws_sdk_ec2::Client, tokio::runtime::Runtime) {
        let config = aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(aws_sdk_ec2::config::Region::new(asiaq_local::REGION))
            .credentials_provider(aws_sdk_ec2::config::SharedCredentialsProvider::new(
                aws_sdk_ec2::config::Credentials::new("testing", "testing", None, None, "tests"),
            ))
            .endpoint_url(self.url())
            .build();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        (aws_sdk_ec2::Client::new(&config), runtime.unwrap())
    }

    /// Launches an instance with the key, and gives its id and private address once its host runs.
    fn host(&self, key: &Key) -> (String, String) {
        let (client, runtime) = self.ec2();
        let public = fs::read(key.dir.path().join("key.pub")).unwrap();
        let import = client.import_key_pair().key_name("test");
        // A second one of the name is the same.
        let _ = runtime.block_on(import.public_key_material(Blob::new(public)).send());
        let run = client
            .run_instances()
            .image_id("ami-12345678")
            .key_name("test");
        let answer = runtime
            .block_on(run.min_count(1).max_count(1).send())
            .unwrap();
        let id = answer.instances()[0].instance_id().unwrap().to_owned();
        let find = || {
            let status = self.status();
            let hosts = status["hosts"].as_array().unwrap();
            let found = hosts
                .iter()
                .find(|host| host["instance_id"] == id.as_str())
                .cloned();
            found.filter(|host| host["state"] == "running")
        };
        wait_until("the host runs", || find().is_some());
        let address = find().unwrap()["private_ip"].as_str().unwrap().to_owned();
        (id, address)
    }

    /// A command on a host, from the office.
    fn ssh(&self, key: &Key, address: &str, command: &str) -> Output {
        let ssh = key.ssh("ec2-user", address, command);
        let mut args = vec!["exec", "--", "ssh"];
        args.extend(ssh.iter().map(String::as_str));
        self.run(&args)
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.run(&["down"]);
    }
}

trait Arguments {
    fn arg_list(self, args: &[&str]) -> Self;
}

impl Arguments for crate::support::Asiaq {
    fn arg_list(self, args: &[&str]) -> Self {
        self.args(["local"]).args(args.iter().copied())
    }
}

pub fn commands() {
    let (local, key) = (Local::new(), Key::new());
    local.run(&["up"]).expect_status(0);
    assert!(local.status()["hosts"].is_null(), "without hosts");
    let refused = local.run(&["exec", "--", "true"]).expect_status(1);
    assert!(
        refused
            .stderr
            .contains("hint: start them with `asiaq local up --hosts`"),
        "{}",
        refused.stderr
    );
    let before = local.status();
    local.run(&["up", "--hosts"]).expect_status(0);
    let status = local.status();
    assert_eq!(
        status["pid"], before["pid"],
        "the cloud goes on, hosts come to it"
    );
    assert_eq!(status["hosts"], serde_json::json!([]));
    local.run(&["up", "--hosts"]).expect_status(0);
    assert_eq!(
        local.status()["hosts_pid"],
        status["hosts_pid"],
        "the second `up` finds the first"
    );

    let (id, address) = local.host(&key);
    let said = local.ssh(
        &key,
        &address,
        "echo $AWS_ENDPOINT_URL; hostname; sudo id -u; exit 7",
    );
    let said = said.expect_status(7);
    let name = format!("ip-{}", address.replace('.', "-"));
    let port = status["port"].as_u64().unwrap();
    assert_eq!(
        said.stdout,
        format!("http://169.254.169.253:{port}\n{name}\n0\n"),
        "{}",
        said.stderr
    );
    let text = local.run(&["status"]).expect_status(0).stdout;
    assert!(
        text.lines()
            .any(|line| line.starts_with(&id) && line.contains(&address)),
        "{text}"
    );
    let args = [
        "exec",
        "--",
        "sh",
        "-c",
        "echo $AWS_ENDPOINT_URL; pwd; curl -s -o /dev/null -w '%{http_code}' $AWS_ENDPOINT_URL/moto-api/",
    ];
    let office = local.run(&args).expect_status(0).stdout;
    let lines: Vec<&str> = office.lines().collect();
    assert_eq!(
        (lines[0], lines[2]),
        (local.url().as_str(), "200"),
        "the same endpoint in the office"
    );
    assert!(
        Path::new(lines[1]).is_absolute() && lines[1] != "/",
        "the caller's directory: {office}"
    );

    local.run(&["reset"]).expect_status(0);
    wait_until("hosts vanish with their instances", || {
        local.status()["hosts"] == serde_json::json!([])
    });
    let pid = local.supervisor();
    let all = descendants(pid);
    local.run(&["down"]).expect_status(0);
    assert!(
        all.iter().all(|process| !process.lives()),
        "everything ended"
    );
    local.run(&["exec", "--", "true"]).expect_status(1);
}

/// Mounts, links and addresses of the machine itself.
fn machine() -> (String, String, String) {
    let ip = |what: &str| {
        let output = Command::new("ip").args(["-o", what]).output().unwrap();
        // Lifetimes of addresses run.
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| line.split('\\').next().unwrap().to_owned() + "\n")
            .collect()
    };
    (
        fs::read_to_string("/proc/mounts").unwrap(),
        ip("link"),
        ip("addr"),
    )
}

pub fn crash() {
    let (local, key) = (Local::new(), Key::new());
    let before = machine();
    local.run(&["up", "--hosts"]).expect_status(0);
    let (_, address) = local.host(&key);
    local
        .ssh(&key, &address, "nohup sleep 1000 >/dev/null 2>&1 & true")
        .expect_status(0);
    assert_eq!(machine(), before, "nothing of the hosts is outside");
    let supervisor = local.supervisor();
    let all = descendants(supervisor);
    assert!(all.len() >= 5, "{all:?}");
    let networks: BTreeSet<PathBuf> = all.iter().filter_map(|one| one.network.clone()).collect();
    let own = fs::read_link("/proc/self/ns/net").unwrap();
    let foreign: Vec<&PathBuf> = networks.iter().filter(|one| **one != own).collect();
    assert!(!foreign.is_empty());
    kill(supervisor);
    wait_until("all processes end", || {
        all.iter().all(|process| !process.lives())
    });
    let left = everywhere_in_network();
    assert!(
        foreign.iter().all(|network| !left.contains(*network)),
        "no network is left"
    );
    assert_eq!(machine(), before);
    assert!(
        local.status()["hosts"].is_null(),
        "the cloud goes on without hosts"
    );
    let told = local.run(&["status"]).expect_status(0).stderr;
    assert!(
        told.contains("the hosts have ended") && told.contains("asiaq local up --hosts"),
        "{told}"
    );
    let down = local.run(&["down"]).expect_status(0);
    assert!(
        down.stderr
            .contains("hosts of the local cloud had ended before"),
        "{}",
        down.stderr
    );
    local.run(&["status"]).expect_status(1);
    // And again, with a crash of everything: nothing is in the way of the next start.
    local.run(&["up", "--hosts"]).expect_status(0);
    let status = local.status();
    for pid in ["pid", "hosts_pid", "agent_pid"] {
        kill(u32::try_from(status[pid].as_u64().unwrap()).unwrap());
    }
    local.run(&["up", "--hosts"]).expect_status(0);
    let (_, address) = local.host(&key);
    assert_eq!(
        local.ssh(&key, &address, "whoami").expect_status(0).stdout,
        "ec2-user\n"
    );
    local.run(&["down"]).expect_status(0);
    assert_eq!(machine(), before);
}

pub fn two() {
    let (one, other, key) = (Local::new(), Local::new(), Key::new());
    one.run(&["up", "--hosts"]).expect_status(0);
    other.run(&["up", "--hosts"]).expect_status(0);
    let (first, first_address) = one.host(&key);
    let (second, _) = other.host(&key);
    let ids = |local: &Local| -> Vec<String> {
        let status = local.status();
        let hosts = status["hosts"].as_array().unwrap();
        hosts
            .iter()
            .map(|host| host["instance_id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!((ids(&one), ids(&other)), (vec![first], vec![second]));
    other.ssh(&key, &first_address, "true").expect_status(255);
    other.run(&["down"]).expect_status(0);
    one.ssh(&key, &first_address, "true").expect_status(0);
}
