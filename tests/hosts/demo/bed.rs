//! A local cloud of the demo's own, seen from outside: its commands, its hosts, and what is in the account.

use crate::support::sshd::Agent;
use crate::support::{Output, asiaq, binary};
use asiaq_local::hosts::aws_cli::AwsCli;
use asiaq_local::{MOTO_VERSION, REGION, Settings};
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_ec2::types::Filter;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The package of the tests; the project is around it.
pub const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A group as it is.
#[derive(Debug)]
pub struct Group {
    pub name: String,
    pub image: String,
}

/// The cloud.
pub struct Bed {
    cache: TempDir,
    agent: Agent,
    runtime: tokio::runtime::Runtime,
}

/// Runs a command to its end, however long that takes.
pub fn finished(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap();
    Output {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Bed {
    pub fn new() -> Self {
        let settings = Settings::from_env().unwrap();
        asiaq_local::ensure_installed(&settings, &mut |_| {}).unwrap();
        AwsCli::ensure(&settings, &mut |_| {}).unwrap();
        let cache = tempfile::tempdir().unwrap();
        for name in [format!("moto-{MOTO_VERSION}"), AwsCli::directory()] {
            symlink(settings.cache_dir.join(&name), cache.path().join(&name)).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        Self {
            agent: Agent::start(cache.path()),
            cache,
            runtime: runtime.unwrap(),
        }
    }

    /// A program in an operator's environment: the project's configuration, our tools first on the path.
    pub fn tool(&self, program: &str, args: &[&str]) -> (Command, TempDir) {
        let tools = Path::new(binary("asiaq")).parent().unwrap();
        let path = std::env::var("PATH").unwrap();
        let (settings, home) = asiaq("asiaq")
            .env("ASIAQ_CACHE_DIR", self.cache.path().to_str().unwrap())
            .env("PATH", &format!("{}:{path}", tools.display()))
            .env("SSH_AUTH_SOCK", self.agent.socket().to_str().unwrap())
            .env(
                "XDG_STATE_HOME",
                self.cache.path().join("state").to_str().unwrap(),
            )
            .env("ASIAQ_SSH_OPTIONS", "-F none -oIdentityFile=none")
            .into_command();
        let program = match program {
            "asiaq" => binary("asiaq"),
            other => other,
        };
        let mut command = Command::new(program);
        command.args(args).current_dir(ROOT);
        for (name, value) in settings.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        // Where people stand is the configuration directory.
        command.env("ASIAQ_CONFIG", ".");
        if let Some(url) = self.endpoint() {
            command.envs(asiaq_local::environment(&url));
        }
        (command, home)
    }

    /// A subcommand of `asiaq local`.
    pub fn local(&self, args: &[&str]) -> Output {
        let (mut command, _home) = self.tool("asiaq", &[&["local"], args].concat());
        finished(&mut command)
    }

    fn endpoint(&self) -> Option<String> {
        let state = std::fs::read(self.cache.path().join("local/state.json")).ok()?;
        let state: serde_json::Value = serde_json::from_slice(&state).ok()?;
        Some(state["status"]["endpoint"].as_str()?.to_owned())
    }

    /// The demo's copy of the configuration directory.
    pub fn config(&self) -> PathBuf {
        self.cache.path().join("local/demo/config")
    }

    /// What a command says on a host of the environment.
    #[track_caller]
    pub fn exec(&self, id: &str, command: &str) -> String {
        let args = [
            "local",
            "exec",
            "--",
            "disco_aws",
            "--env",
            "ci",
            "exec",
            "--instance",
            id,
            "--user",
            super::USER,
            "--command",
            command,
        ];
        let (mut command, _home) = self.tool("asiaq", &args);
        let output = finished(command.current_dir(self.config()));
        output.expect_status(0).stdout
    }

    fn sdk(&self) -> aws_config::SdkConfig {
        let keys = Credentials::new("testing", "testing", None, None, "tests");
        aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .endpoint_url(self.endpoint().expect("the cloud runs"))
            .build()
    }

    fn ec2(&self) -> aws_sdk_ec2::Client {
        aws_sdk_ec2::Client::new(&self.sdk())
    }

    fn wait<F: Future>(&self, call: F) -> F::Output {
        self.runtime.block_on(call)
    }

    /// Ids of the running instances of a hostclass.
    pub fn running(&self, hostclass: &str) -> Vec<String> {
        let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
        let call = self.ec2().describe_instances();
        let call = call.filters(filter("tag:hostclass", hostclass));
        let answer = self.wait(
            call.filters(filter("instance-state-name", "running"))
                .send(),
        );
        let answer = answer.unwrap();
        let all = answer.reservations().iter().flat_map(|r| r.instances());
        all.map(|i| i.instance_id().unwrap().to_owned()).collect()
    }

    pub fn is_terminated(&self, id: &str) -> bool {
        let answer = self.wait(self.ec2().describe_instances().instance_ids(id).send());
        let answer = answer.unwrap();
        let state = answer.reservations()[0].instances()[0].state().unwrap();
        state.name().unwrap().as_str() == "terminated"
    }

    /// All groups, with the image of their template.
    pub fn groups(&self) -> Vec<Group> {
        let client = aws_sdk_autoscaling::Client::new(&self.sdk());
        let answer = self
            .wait(client.describe_auto_scaling_groups().send())
            .unwrap();
        let group = |group: &aws_sdk_autoscaling::types::AutoScalingGroup| {
            let template = group.launch_template().unwrap();
            let call = self.ec2().describe_launch_template_versions();
            let call = call.launch_template_id(template.launch_template_id().unwrap());
            let call = call.versions(template.version().unwrap_or("$Default"));
            let answer = self.wait(call.send()).unwrap();
            let data = answer.launch_template_versions()[0].launch_template_data();
            Group {
                name: group.auto_scaling_group_name().unwrap().to_owned(),
                image: data.unwrap().image_id().unwrap().to_owned(),
            }
        };
        answer.auto_scaling_groups().iter().map(group).collect()
    }

    pub fn group_tag(&self, name: &str, key: &str) -> Option<String> {
        let client = aws_sdk_autoscaling::Client::new(&self.sdk());
        let call = client.describe_auto_scaling_groups();
        let answer = self
            .wait(call.auto_scaling_group_names(name).send())
            .unwrap();
        let tags = answer.auto_scaling_groups()[0].tags();
        let tag = tags.iter().find(|tag| tag.key() == Some(key))?;
        tag.value().map(str::to_owned)
    }

    pub fn templates(&self) -> Vec<String> {
        let answer = self
            .wait(self.ec2().describe_launch_templates().send())
            .unwrap();
        let name =
            |t: &aws_sdk_ec2::types::LaunchTemplate| t.launch_template_name().unwrap().to_owned();
        answer.launch_templates().iter().map(name).collect()
    }

    /// The instances behind each load balancer.
    pub fn balancers(&self) -> Vec<Vec<String>> {
        let client = aws_sdk_elasticloadbalancing::Client::new(&self.sdk());
        let answer = self.wait(client.describe_load_balancers().send()).unwrap();
        let ids = |balancer: &aws_sdk_elasticloadbalancing::types::LoadBalancerDescription| {
            let instances = balancer.instances().iter();
            instances
                .map(|i| i.instance_id().unwrap().to_owned())
                .collect()
        };
        answer
            .load_balancer_descriptions()
            .iter()
            .map(ids)
            .collect()
    }

    pub fn image_tag(&self, id: &str, key: &str) -> Option<String> {
        let answer = self
            .wait(self.ec2().describe_images().image_ids(id).send())
            .unwrap();
        let tag = answer.images()[0]
            .tags()
            .iter()
            .find(|tag| tag.key() == Some(key))?;
        tag.value().map(str::to_owned)
    }

    /// Names of all images.
    pub fn images(&self) -> Vec<String> {
        let answer = self
            .wait(self.ec2().describe_images().owners("self").send())
            .unwrap();
        answer
            .images()
            .iter()
            .map(|image| image.name().unwrap().to_owned())
            .collect()
    }

    /// How many snapshots there are of images that Asiaq baked.
    pub fn snapshots(&self) -> usize {
        let call = self.ec2().describe_snapshots().owner_ids("self");
        let answer = self.wait(call.send()).unwrap();
        let of_bake = |text: Option<&str>| text.is_some_and(|text| text.contains("CreateImage"));
        answer
            .snapshots()
            .iter()
            .filter(|s| of_bake(s.description()))
            .count()
    }

    pub fn vpcs(&self) -> usize {
        self.wait(self.ec2().describe_vpcs().send())
            .unwrap()
            .vpcs()
            .len()
    }

    /// Waits until no host runs any more.
    pub fn until_no_host(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let status = self
                .local(&["status", "--output", "json"])
                .expect_status(0)
                .stdout;
            let status: serde_json::Value = serde_json::from_str(&status).unwrap();
            if status["hosts"] == serde_json::json!([]) {
                return;
            }
            assert!(Instant::now() < deadline, "hosts are left: {status}");
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        let _ = self.local(&["down"]);
    }
}
