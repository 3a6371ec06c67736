//! What a host of the local cloud finds inside: metadata, boot scripts, units.

use super::needs::Needs;
use crate::support::cloud::Cloud;
use crate::support::{asiaq, binary};
use asiaq_local::Settings;
use asiaq_local::hosts::Hosts;
use asiaq_local::hosts::seed::{Seed, accounts_of_hosts};
use aws_sdk_ec2::types::{
    HttpTokensState, InstanceMetadataOptionsRequest, ResourceType, Tag, TagSpecification,
};
use libtest_mimic::Trial;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub fn tests(needs: &Needs) -> Vec<Trial> {
    vec![
        needs.hosts("inside::metadata_needs_a_token_and_is_live", metadata),
        needs.hosts("inside::aws_works_for_every_user", aws_for_all),
        needs.hosts("inside::a_seeded_image_boots_and_tags_itself", boots),
        needs.hosts("inside::a_failing_check_keeps_the_tag_away", failing_check),
        needs.hosts("inside::services_of_an_image_run", services),
        needs.hosts("inside::take_snapshot_moves_the_group_on", snapshot),
        needs.hosts("inside::the_demo_has_real_smoke_tests", demo),
    ]
}

/// How long anything in a host may take. Hosts share two cores with other tests.
const LIMIT: Duration = Duration::from_secs(90);
const BUCKET: &str = "us-west-2.example.credentials.test";

/// A cloud with hosts, and the key to them.
struct Bed {
    hosts: Hosts,
    cloud: Cloud,
    dir: tempfile::TempDir,
}

/// What a command said.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Bed {
    fn new() -> Self {
        let cloud = Cloud::start();
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("key");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
            .arg(&key)
            .status();
        assert!(made.unwrap().success());
        let public = fs::read(dir.path().join("key.pub")).unwrap();
        let import = cloud
            .client()
            .import_key_pair()
            .key_name("test")
            .public_key_material(aws_sdk_ec2::primitives::Blob::new(public))
            .send();
        cloud.wait(import).unwrap();
        let hosts = Hosts::start(Path::new(binary("asiaq")), cloud.url(), dir.path()).unwrap();
        Self { hosts, cloud, dir }
    }

    /// The image of a hostclass with the project's own files, and the directory with its content.
    fn image(&self, hostclass: &str) -> (String, PathBuf) {
        let id = self
            .cloud
            .register_image(&format!("{hostclass} 1"), &[("hostclass", hostclass)]);
        let layer = self.dir.path().join("images").join(&id);
        fs::create_dir_all(layer.parent().unwrap()).unwrap();
        let accounts = accounts_of_hosts().unwrap();
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let seed = Seed {
            config,
            hostclass,
            productline: "fruit",
            accounts: &accounts,
        };
        seed.plant(&layer).unwrap();
        (id, layer)
    }

    /// The credential bucket, with the test key as that of the users of images.
    fn bucket(&self) {
        let config = aws_sdk_s3::config::Builder::from(&self.cloud.sdk()).force_path_style(true);
        let s3 = aws_sdk_s3::Client::from_conf(config.build());
        let place = aws_sdk_s3::types::CreateBucketConfiguration::builder()
            .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::UsWest2)
            .build();
        let create = s3
            .create_bucket()
            .bucket(BUCKET)
            .create_bucket_configuration(place);
        self.cloud.wait(create.send()).unwrap();
        for user in ["smoketest", "snapshot", "test"] {
            let public = fs::read(self.dir.path().join("key.pub")).unwrap();
            let key = format!("public_keys/ssh/{user}.pub");
            let put = s3.put_object().bucket(BUCKET).key(key).body(public.into());
            self.cloud.wait(put.send()).unwrap();
        }
    }

    /// Runs an instance and waits for its host. Gives id and address.
    fn run(&self, image: &str, user_data: &str, tags: &[(&str, &str)]) -> (String, String) {
        let options =
            InstanceMetadataOptionsRequest::builder().http_tokens(HttpTokensState::Required);
        let mut run = self
            .cloud
            .client()
            .run_instances()
            .image_id(image)
            .key_name("test")
            .min_count(1)
            .max_count(1)
            .metadata_options(options.build());
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
        let answer = self.cloud.wait(run.send()).unwrap();
        let id = answer.instances()[0].instance_id().unwrap().to_owned();
        let host = self.hosts.wait_for(&id).unwrap();
        (id, host.private_ip.unwrap())
    }

    fn ssh(&self, user: &str, address: &str, command: &str) -> Said {
        let output = self
            .hosts
            .enter("timeout", false)
            .unwrap()
            .args(["40", "ssh"])
            .arg("-i")
            .arg(self.dir.path().join("key"))
            .args([
                "-oBatchMode=yes",
                "-oIdentitiesOnly=yes",
                "-oConnectTimeout=10",
                "-oLogLevel=ERROR",
            ])
            .args([
                "-oStrictHostKeyChecking=no",
                "-oUserKnownHostsFile=/dev/null",
            ])
            .arg(format!("{user}@{address}"))
            .args((!command.is_empty()).then_some(command))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        Said {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// What a command in the host prints; it must succeed.
    #[track_caller]
    fn root(&self, address: &str, command: &str) -> String {
        let said = self.ssh("root", address, command);
        assert_eq!(said.code, Some(0), "{command}: {said:?}");
        said.out
    }

    fn tags(&self, id: &str) -> BTreeMap<String, String> {
        let describe = self
            .cloud
            .client()
            .describe_instances()
            .instance_ids(id)
            .send();
        let answer = self.cloud.wait(describe).unwrap();
        let tags = answer.reservations()[0].instances()[0].tags();
        tags.iter()
            .map(|tag| {
                (
                    tag.key().unwrap().to_owned(),
                    tag.value().unwrap().to_owned(),
                )
            })
            .collect()
    }

    #[track_caller]
    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + LIMIT;
        while !holds() {
            assert!(
                Instant::now() < deadline,
                "{what}: not after {LIMIT:?}; {}",
                self.logs()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// What the units of all hosts said.
    fn logs(&self) -> String {
        let hosts = self.hosts.list();
        let addresses = hosts.iter().filter_map(|host| host.private_ip.as_deref());
        let log = |address| {
            self.ssh(
                "root",
                address,
                "systemctl list-units; tail -n 5 /var/log/units/*",
            )
            .out
        };
        addresses.map(log).collect()
    }
}

fn base64(text: &str) -> String {
    let mut child = Command::new("base64")
        .arg("-w0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

/// User data as Asiaq writes it.
fn user_data(hostclass: &str) -> String {
    format!(
        "hostclass=\"{hostclass}\"\nlogger_ip=\"\"\nlogforwarder_ip=\"\"\nenvironment_name=\"ci\"\n\
         domain_name=\"None\"\nowner=\"tester\"\ncredential_buckets=\"{BUCKET}\"\neip=\"None\"\nfloating_ips=\"\"\n\
         floating_ip=\"\"\nsmoketest_termination=\"0\"\nproject_name=\"example\"\nis_spotinst=\"0\"\n"
    )
}

fn metadata() {
    let bed = Bed::new();
    let image = bed.cloud.register_image("plain 1", &[]);
    let data = "hostclass=\"mhcweb\"\n";
    let (id, address) = bed.run(&image, data, &[("hostclass", "mhcweb")]);
    let imds = "http://169.254.169.254/latest";
    let status = |options: &str| {
        let curl = format!("curl -s --max-time 5 -o /dev/null -w '%{{http_code}}' {options}");
        bed.ssh("ec2-user", &address, &curl).out
    };
    let ttl = "-X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60'";
    for (options, want) in [
        (format!("{imds}/meta-data/instance-id"), "401"),
        (
            format!("-H 'X-aws-ec2-metadata-token: wrong' {imds}/meta-data/instance-id"),
            "401",
        ),
        (format!("{ttl} {imds}/api/token"), "200"),
        (format!("-X PUT {imds}/api/token"), "400"),
        (
            format!("{ttl} -H 'X-Forwarded-For: 10.0.0.1' {imds}/api/token"),
            "403",
        ),
    ] {
        assert_eq!(status(&options), want, "{options}");
    }
    let get = |path: &str| {
        let command = format!(
            "token=$(curl -sSf {ttl} {imds}/api/token) && curl -sSf -H \"X-aws-ec2-metadata-token: $token\" {imds}/{path}"
        );
        bed.ssh("ec2-user", &address, &command)
    };
    assert_eq!(get("meta-data/instance-id").out, id);
    assert_eq!(get("meta-data/local-ipv4").out, address);
    assert_eq!(get("meta-data/public-keys/").out, "0=test");
    assert!(
        get("meta-data/public-keys/0/openssh-key")
            .out
            .starts_with("ssh-ed25519 ")
    );
    assert_eq!(get("user-data").out, data.trim_end());
    assert_eq!(get("meta-data/tags/instance/hostclass").out, "mhcweb");
    assert!(get("dynamic/instance-identity/document").out.contains(&id));
    assert_ne!(get("meta-data/tags/instance/colour").code, Some(0));
    let tag = bed.cloud.client().create_tags().resources(&id);
    let tag = tag
        .tags(Tag::builder().key("colour").value("blue").build())
        .send();
    bed.cloud.wait(tag).unwrap();
    bed.until("the new tag", || {
        get("meta-data/tags/instance/colour").out == "blue"
    });
    // Another host finds itself, not the first one, and has no user data.
    let (other, second) = bed.run(&image, "", &[]);
    let own = |path: &str| {
        let command = format!(
            "token=$(curl -sSf {ttl} {imds}/api/token) && curl -s -H \"X-aws-ec2-metadata-token: $token\" -w ' %{{http_code}}' {imds}/{path}"
        );
        bed.ssh("ec2-user", &second, &command).out
    };
    assert_eq!(own("meta-data/instance-id"), format!("{other} 200"));
    assert_eq!(own("user-data"), " 404");
}

fn aws_for_all() {
    let bed = Bed::new();
    let image = bed.cloud.register_image("plain 1", &[]);
    let (id, address) = bed.run(&image, "", &[]);
    let list =
        "aws ec2 describe-instances --output text --query 'Reservations[].Instances[].InstanceId'";
    for user in ["root", "ec2-user"] {
        let said = bed.ssh(user, &address, list);
        assert_eq!(
            (said.code, said.out.as_str()),
            (Some(0), id.as_str()),
            "{user}: {said:?}"
        );
    }
    let said = bed.ssh("ec2-user", &address, &format!("sudo {list}"));
    assert_eq!(said.out, id, "{said:?}");
    let said = bed.ssh("ec2-user", &address, "touch /usr/lib/asiaq-local/aws/x");
    assert_ne!(
        said.code,
        Some(0),
        "hosts cannot change what the machine shares with them"
    );
}

fn boots() {
    let bed = Bed::new();
    bed.bucket();
    let (image, _) = bed.image("mhcweb");
    let (id, address) = bed.run(&image, &user_data("mhcweb"), &[("hostclass", "mhcweb")]);
    bed.until("smoketest", || bed.tags(&id).contains_key("smoketest"));
    let name = format!("web-{id}");
    let tags = bed.tags(&id);
    for (key, value) in [
        ("hostname", name.as_str()),
        ("Name", &format!("ci-mhcweb-{name}")),
        ("hostclass", "mhcweb"),
        ("owner", "tester"),
        ("environment", "ci"),
        ("productline", "fruit"),
        ("smoketest", "tested"),
    ] {
        assert_eq!(
            tags.get(key).map(String::as_str),
            Some(value),
            "{key}: {tags:?}"
        );
    }
    assert!(tags["boottime"].parse::<u64>().is_ok(), "{tags:?}");
    assert_eq!(bed.root(&address, "hostname"), name);
    let failed = bed.root(&address, "systemctl list-units | grep failed || true");
    assert_eq!(failed, "", "no unit failed; {}", bed.logs());
    for (user, command, want) in [
        ("smoketest", "", 0),
        ("smoketest", "id", 10),
        ("smoketest", "1.2.3.400", 10),
        ("root", "systemctl is-active --quiet disco-booted", 0),
        ("root", "/opt/wgen/bin/disco-booted.sh status", 0),
        ("snapshot", "true", 0),
        ("snapshot", "sudo -n /opt/wgen/bin/take_snapshot.sh", 1),
        ("snapshot", "sudo -n id", 1),
    ] {
        let said = bed.ssh(user, &address, command);
        assert_eq!(said.code, Some(want), "{user} {command}: {said:?}");
    }
    let stop = bed.cloud.client().stop_instances().instance_ids(&id).send();
    bed.cloud.wait(stop).unwrap();
    bed.until("the tag goes when the host stops", || {
        !bed.tags(&id).contains_key("smoketest")
    });
    assert!(bed.tags(&id).contains_key("hostname"));
    let start = bed
        .cloud
        .client()
        .start_instances()
        .instance_ids(&id)
        .send();
    bed.cloud.wait(start).unwrap();
    bed.until("smoketest again", || {
        bed.tags(&id).contains_key("smoketest")
    });
    assert_eq!(
        bed.ssh("root", &address, "hostname").out,
        name,
        "the host kept its files"
    );
}

fn failing_check() {
    let bed = Bed::new();
    bed.bucket();
    let (image, layer) = bed.image("mhcweb");
    let checks = layer.join("opt/wgen/etc/smoketest.conf");
    let text = fs::read_to_string(&checks).unwrap() + "test -e /etc/good\n";
    fs::write(&checks, text).unwrap();
    let (id, address) = bed.run(&image, &user_data("mhcweb"), &[("hostclass", "mhcweb")]);
    bed.until("hostname", || bed.tags(&id).contains_key("hostname"));
    let status = || bed.ssh("smoketest", &address, "").code;
    bed.until("booted, not tested", || status() == Some(1));
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(
        bed.ssh("root", &address, "/opt/wgen/bin/disco-booted.sh status")
            .code,
        Some(1)
    );
    assert!(!bed.tags(&id).contains_key("smoketest"));
    // Disk space and floating address pass, so it is the third.
    let said = bed.ssh("root", &address, "/opt/wgen/bin/smoketest.unit.sh");
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("test -e /etc/good"), "{said:?}");
    bed.root(&address, "touch /etc/good");
    bed.until("tested", || bed.tags(&id).contains_key("smoketest"));
    assert_eq!(status(), Some(0));
}

/// A service that the image brings runs, is restarted, and answers to systemctl, also by its full name.
fn services() {
    let bed = Bed::new();
    let image = bed.cloud.register_image("plain 1", &[]);
    let (_, address) = bed.run(&image, "", &[]);
    let unit = "[Unit]\\nDescription=Web\\n[Service]\\nRestart=always\\nRestartSec=100ms\\n\
        ExecStart=/usr/bin/sleep 1000\\n[Install]\\nWantedBy=multi-user.target\\n";
    bed.root(
        &address,
        &format!("printf '{unit}' >/etc/systemd/system/web.service"),
    );
    bed.root(&address, "systemctl enable --now web");
    assert_eq!(
        bed.root(
            &address,
            "/usr/bin/systemctl is-active web; systemctl is-enabled web"
        ),
        "active\nenabled"
    );
    bed.root(
        &address,
        "pkill -x sleep; sleep 2; systemctl is-active web; pgrep -cx sleep",
    );
    bed.root(&address, "systemctl stop web");
    let said = bed.ssh("root", &address, "systemctl is-active web");
    assert_eq!((said.code, said.out.as_str()), (Some(3), "inactive"));
    let said = bed.ssh("ec2-user", &address, "systemctl start web");
    assert_eq!(said.code, Some(1), "only root starts services: {said:?}");
    assert_eq!(
        bed.ssh(
            "ec2-user",
            &address,
            "sudo systemctl start web && systemctl is-active web"
        )
        .out,
        "active"
    );
    // The units of the machine are not for hosts.
    let units = bed.root(&address, "ls /etc/systemd/system");
    assert_eq!(units, "multi-user.target.wants\nweb.service");
    bed.root(&address, "hostnamectl set-hostname web-1");
    assert_eq!(
        bed.root(&address, "hostname; cat /etc/hostname"),
        "web-1\nweb-1"
    );
}

/// The volume has no file system here, as hosts have no disks: what is shown is the snapshot, its tags, and that the tool is
/// called and its failure told.
fn snapshot() {
    let bed = Bed::new();
    bed.bucket();
    let (image, _) = bed.image("mhcweb");
    let client = bed.cloud.client();
    let volume = |snapshot: Option<&str>| {
        let create = client
            .create_volume()
            .availability_zone("us-west-2a")
            .size(1);
        let created = bed
            .cloud
            .wait(create.set_snapshot_id(snapshot.map(str::to_owned)).send())
            .unwrap();
        created.volume_id.unwrap()
    };
    let origin = bed
        .cloud
        .wait(client.create_snapshot().volume_id(volume(None)).send())
        .unwrap();
    let origin = origin.snapshot_id.unwrap();
    let tag = client.create_tags().resources(&origin);
    bed.cloud
        .wait(
            tag.tags(Tag::builder().key("hostclass").value("mhcweb").build())
                .send(),
        )
        .unwrap();
    let (id, address) = bed.run(&image, &user_data("mhcweb"), &[("hostclass", "mhcweb")]);
    let attach = client
        .attach_volume()
        .volume_id(volume(Some(&origin)))
        .instance_id(&id)
        .device("/dev/sdb");
    bed.cloud.wait(attach.send()).unwrap();
    bed.until("smoketest", || bed.tags(&id).contains_key("smoketest"));
    let said = bed.ssh(
        "snapshot",
        &address,
        "sudo -n /opt/wgen/bin/take_snapshot.sh",
    );
    assert_eq!(said.code, Some(5), "there is no group to update: {said:?}");
    let list = client.describe_snapshots().owner_ids("self").send();
    let snapshots = bed.cloud.wait(list).unwrap();
    let taken: Vec<_> = snapshots
        .snapshots()
        .iter()
        .filter(|s| s.tags().iter().any(|t| t.key() == Some("env")))
        .collect();
    assert_eq!(taken.len(), 1, "{snapshots:?}");
    let tags: BTreeMap<_, _> = taken[0]
        .tags()
        .iter()
        .map(|t| (t.key().unwrap(), t.value().unwrap()))
        .collect();
    assert_eq!(
        tags,
        BTreeMap::from([
            ("hostclass", "mhcweb"),
            ("env", "ci"),
            ("productline", "fruit")
        ])
    );
}

/// The newcomer's demo, with hosts that boot by themselves.
fn demo() {
    let settings = Settings::from_env().unwrap();
    asiaq_local::ensure_installed(&settings, &mut |_| {}).unwrap();
    asiaq_local::hosts::aws_cli::AwsCli::ensure(&settings, &mut |_| {}).unwrap();
    let cache = tempfile::tempdir().unwrap();
    for name in [
        format!("moto-{}", asiaq_local::MOTO_VERSION),
        asiaq_local::hosts::aws_cli::AwsCli::directory(),
    ] {
        std::os::unix::fs::symlink(settings.cache_dir.join(&name), cache.path().join(&name))
            .unwrap();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let local = |arguments: &[&str]| {
        asiaq("asiaq")
            .env("ASIAQ_CACHE_DIR", cache.path().to_str().unwrap())
            .config(root)
            .args(["local"])
            .args(arguments.iter().copied())
            .run()
    };
    local(&["up", "--hosts"]).expect_status(0);
    let start = Instant::now();
    let shown = std::panic::catch_unwind(|| {
        let text = local(&["demo"]).expect_status(0).stdout;
        eprintln!(
            "the demo with real hosts took {:.1} s",
            start.elapsed().as_secs_f64()
        );
        assert!(text.contains("Smoke tested 2 host[s]"), "{text}");
        let status = local(&["status", "--output", "json"])
            .expect_status(0)
            .stdout;
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        let hosts = status["hosts"].as_array().unwrap();
        let own = |host: &serde_json::Value| host["boots_itself"] == true;
        assert!(!hosts.is_empty() && hosts.iter().all(own), "{status}");
        let endpoint = status["endpoint"].as_str().unwrap();
        let listing = asiaq("disco_aws")
            .endpoint(endpoint)
            .config(root)
            .args(["--env", "ci", "listhosts", "--output", "json"])
            .run()
            .expect_status(0);
        // A host names itself by its whole instance id; what plays hosts elsewhere takes its last digits.
        let named = listing.stdout.contains("\"hostname\": \"discologger-i-");
        assert!(named, "{}", listing.stdout);
    });
    local(&["down"]).expect_status(0);
    shown.unwrap();
}
