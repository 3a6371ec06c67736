//! Machines for bakes: launching, copying the configuration, running scripts, making images.

use super::*;
use std::time::Duration;

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A rehearsal with a key to its hosts.
pub struct Bed {
    pub rehearsal: Rehearsal,
}

/// Options of ssh, as words for `-e` of rsync too.
const SSH: [&str; 6] = [
    "-oBatchMode=yes",
    "-oIdentitiesOnly=yes",
    "-oConnectTimeout=10",
    "-oLogLevel=ERROR",
    "-oStrictHostKeyChecking=no",
    "-oUserKnownHostsFile=/dev/null",
];
/// Where scripts expect the configuration on a machine.
pub const DATA: &str = "/opt/wgen/discoaws";

/// This project.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

impl Bed {
    pub fn new() -> Self {
        Self {
            rehearsal: Rehearsal::new(),
        }
    }

    pub fn client(&self) -> aws_sdk_ec2::Client {
        self.rehearsal.cloud.client()
    }

    /// Runs an instance and waits for its host. Gives id and address.
    pub fn launch(&self, image: &str, user_data: &str, tags: &[(&str, &str)]) -> (String, String) {
        let mut run = self
            .client()
            .run_instances()
            .image_id(image)
            .key_name("test")
            .min_count(1)
            .max_count(1);
        if !user_data.is_empty() {
            run = run.user_data(base64(user_data));
        }
        if !tags.is_empty() {
            let pair = |(key, value): &(&str, &str)| Tag::builder().key(*key).value(*value).build();
            let specification = TagSpecification::builder()
                .resource_type(ResourceType::Instance)
                .set_tags(Some(tags.iter().map(pair).collect()));
            run = run.tag_specifications(specification.build());
        }
        let answer = self.rehearsal.cloud.wait(run.send()).unwrap();
        let id = answer.instances()[0].instance_id().unwrap().to_owned();
        let host = self.rehearsal.hosts.wait_for(&id).unwrap();
        (id, host.private_ip.unwrap())
    }

    pub fn ssh(&self, user: &str, address: &str, command: &str) -> Said {
        let key = self.rehearsal.file_for("key");
        let mut ssh = self.rehearsal.hosts.enter("timeout", false).unwrap();
        ssh.args(["60", "ssh", "-i", &key])
            .args(SSH)
            .arg(format!("{user}@{address}"))
            .args((!command.is_empty()).then_some(command));
        said(ssh)
    }

    /// What a command prints that the default user runs with sudo; it must succeed.
    #[track_caller]
    pub fn root(&self, address: &str, command: &str) -> String {
        let said = self.sudo(address, command);
        assert_eq!(said.code, Some(0), "{command}: {said:?}");
        said.out
    }

    /// The same, whatever comes of it.
    pub fn sudo(&self, address: &str, command: &str) -> Said {
        let quoted = command.replace('\'', "'\\''");
        self.ssh("admin", address, &format!("sudo -n bash -c '{quoted}'"))
    }

    /// Copies what a bake copies.
    pub fn copy_configuration(&self, address: &str) {
        self.root(address, &format!("mkdir -p {DATA}/asiaq"));
        let config: Vec<PathBuf> = ["init", "discoroot", "config"]
            .iter()
            .map(|name| project().join(name))
            .collect();
        self.rsync(&config, &format!("admin@{address}:{DATA}/"));
        let tree = self.rehearsal.asiaq_tree().join("");
        self.rsync(&[tree], &format!("admin@{address}:{DATA}/asiaq"));
    }

    fn rsync(&self, sources: &[PathBuf], target: &str) {
        let transport = format!(
            "ssh -i {} {}",
            self.rehearsal.file_for("key"),
            SSH.join(" ")
        );
        let mut rsync = self.rehearsal.hosts.enter("rsync", false).unwrap();
        rsync
            .args(["-a", "--no-owner", "--no-group", "--delete"])
            .args(["--rsync-path", "sudo -n rsync", "-e", &transport])
            .args(sources)
            .arg(target);
        let said = said(rsync);
        assert_eq!(said.code, Some(0), "{said:?}");
    }

    /// Runs a script of `init/` there.
    pub fn script(&self, address: &str, words: &str) -> Said {
        self.sudo(address, &format!("{DATA}/init/{words}"))
    }

    /// Runs one that must succeed, twice: what a bake does may be done again.
    #[track_caller]
    pub fn script_twice(&self, address: &str, words: &str) {
        for _ in 0..2 {
            let said = self.script(address, words);
            assert_eq!(said.code, Some(0), "{words}: {said:?}");
        }
    }

    /// Switches a machine off from within, as a bake does, and waits until EC2 knows.
    pub fn switch_off(&self, id: &str, address: &str) {
        self.ssh("admin", address, "sudo -n shutdown now -h");
        self.rehearsal
            .until("it is stopped", || self.state(id) == "stopped");
        self.rehearsal.until("its host is off", || {
            let hosts = self.rehearsal.hosts.list();
            hosts
                .iter()
                .any(|host| host.instance_id == id && host.state == "stopped")
        });
    }

    pub fn state(&self, id: &str) -> String {
        let describe = self.client().describe_instances().instance_ids(id).send();
        let answer = self.rehearsal.cloud.wait(describe).unwrap();
        let state = answer.reservations()[0].instances()[0].state().unwrap();
        state.name().unwrap().as_str().to_owned()
    }

    pub fn tag(&self, id: &str, key: &str) -> Option<String> {
        let describe = self.client().describe_instances().instance_ids(id).send();
        let answer = self.rehearsal.cloud.wait(describe).unwrap();
        let tags = answer.reservations()[0].instances()[0].tags();
        let tag = tags.iter().find(|tag| tag.key() == Some(key))?;
        tag.value().map(str::to_owned)
    }

    pub fn image_of(&self, id: &str, name: &str) -> String {
        let create = self.client().create_image().instance_id(id).name(name);
        let answer = self
            .rehearsal
            .cloud
            .wait(create.no_reboot(true).send())
            .unwrap();
        answer.image_id.unwrap()
    }

    /// Waits until the host of a hostclass has tested itself.
    pub fn until_tested(&self, id: &str, address: &str) {
        let tested = || self.tag(id, "smoketest").is_some();
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while !tested() {
            assert!(
                std::time::Instant::now() < deadline,
                "not tested: {:?}",
                self.sudo(
                    address,
                    "systemctl list-units; tail -n 5 /var/log/units/*; cat /opt/wgen/etc/smoketest.conf"
                )
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

fn said(mut command: Command) -> Said {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    Said {
        code: output.status.code(),
        out: text(&output.stdout),
        err: text(&output.stderr),
    }
}

fn base64(text: &str) -> String {
    let mut child = Command::new("base64")
        .arg("-w0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut pipe, text.as_bytes()).unwrap();
    drop(pipe);
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}
