//! A bakery on the emulator, whose machines are imagined: programs `ssh` and `rsync` stand in for the real ones, note what they
//! were told and answer as files beside them say.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use aws_sdk_ec2::types::{Filter, Image, Instance, ResourceType};
use tempfile::TempDir;

use super::cloud::Cloud;
use super::config::TestConfig;
use super::furniture::tagged;
use super::{Asiaq, asiaq};

/// Image that bakes start from.
pub const BASE: &str = "base 1700000000";

/// Notes its words, and lets in whom the file `users` names. `script` runs in place of init scripts, and a machine shuts down
/// as the status in `shutdown` says, once it has said what is in `farewell`.
const SSH: &str = r#"#!/bin/sh
line=ssh; user=; last=
for word; do
    line="$line$(printf '\t')$word"; last=$word
    case $word in -l*) user=${word#-l};; esac
done
echo "$line" >> "$BED/told"
. "$BED/fault"
if ! grep -qx "$user" "$BED/users"; then
    [ "$user" = root ] && { echo 'Please login as the user "admin" rather than the user "root".'; exit 142; }
    echo "$user@host: Permission denied (publickey)."; exit 255
fi
case $last in
    *init/phase*) export last; exec sh "$BED/script";;
    *shutdown*) cat "$BED/farewell"; exit "$(cat "$BED/shutdown")";;
esac
exit 0
"#;

/// Notes its words; ends as the file `rsync-status` says, which loses its first line each time.
const RSYNC: &str = r#"#!/bin/sh
line=rsync
for word; do line="$line$(printf '\t')$word"; done
echo "$line" >> "$BED/told"
. "$BED/fault"
status=$(head -n 1 "$BED/rsync-status"); sed -i 1d "$BED/rsync-status"
[ "${status:-0}" = 0 ] || echo "rsync says why"
exit "${status:-0}"
"#;

const CONFIG: &str = "\
[disco_aws]
project_name = rehearsal
default_environment = build
[bake]
bakery_environment = build
bakery_instance_type = m5.large
bake_key = operators
repo_hostclass = mhcrepo
phase1_hostclass = mhcgeneric
phase1_ami_name = base
config_data_source = .
asiaq_data_source = dist
data_destination = /opt/asiaq
ami_stages = untested failed tested
phase = 2
[base]
phase = 1
[mhcapp]
product_line = fruit
";

/// Everything a bake needs.
pub struct Bakery {
    pub cloud: Cloud,
    pub config: TestConfig,
    pub vpc_id: String,
    pub base: String,
    directory: TempDir,
}

impl Bakery {
    /// An environment `build` with a metanetwork `tunnel`, and a tested base image.
    pub fn new() -> Self {
        let cloud = Cloud::start();
        let config = TestConfig::new();
        config.write("disco_aws.ini", CONFIG);
        for file in [
            "init/phase1.sh",
            "init/phase2.sh",
            "discoroot/etc/x",
            "dist/bin/acfg1.py",
        ] {
            config.write(file, "#!/bin/sh\n");
        }
        let directory = tempfile::tempdir().expect("temporary directory");
        fs::create_dir(directory.path().join("bin")).expect("directory of programs");
        let (base, vpc_id) = populate(&cloud);
        let bakery = Self {
            cloud,
            config,
            vpc_id,
            base,
            directory,
        };
        for (name, text) in [("bin/ssh", SSH), ("bin/rsync", RSYNC)] {
            bakery.set(name, text);
            let path = bakery.directory.path().join(name);
            fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("mode");
        }
        bakery.set("users", "admin\n");
        bakery.set("shutdown", "1");
        bakery.set("farewell", "keys are removed\n");
        bakery.set("script", "echo baking\n");
        bakery.set("rsync-status", "");
        bakery.set("told", "");
        bakery.set("fault", "");
        bakery
    }

    /// Empties the cloud and makes it anew.
    // Only the tests on real hosts use it.
    #[allow(dead_code)]
    pub fn reset(&mut self) {
        self.cloud.reset();
        (self.base, self.vpc_id) = populate(&self.cloud);
        self.set("told", "");
    }

    /// A file beside the stand-ins.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes one of the files that the stand-ins look at.
    pub fn set(&self, name: &str, text: &str) {
        fs::write(self.directory.path().join(name), text).expect("file of a stand-in");
    }

    /// Sends the tool a signal when one of the stand-ins is told something; `None`: no more.
    #[allow(dead_code)]
    pub fn signal_at(&self, fault: Option<(&str, &str)>) {
        let text = fault.map(|(signal, part)| {
            format!("case $line in *'{part}'*) kill -{signal} $PPID; sleep 20;; esac\n")
        });
        self.set("fault", &text.unwrap_or_default());
    }

    /// What `ssh` and `rsync` were told: their words, joined by blanks.
    pub fn told(&self) -> Vec<String> {
        let text = fs::read_to_string(self.directory.path().join("told")).expect("notes");
        text.lines().map(|line| line.replace('\t', " ")).collect()
    }

    /// `disco_bake` with these arguments.
    pub fn tool(&self, args: &[&str]) -> Asiaq {
        let path = std::env::var("PATH").expect("PATH");
        let own = self.directory.path().display();
        asiaq("disco_bake")
            .endpoint(self.cloud.url())
            .config(self.config.path())
            .env("PATH", &format!("{own}/bin:{path}"))
            .env("BED", &own.to_string())
            .env("XDG_STATE_HOME", &format!("{own}/state"))
            .env("USER", "ann")
            .env("LOGNAME", "ann")
            .args(args)
    }

    /// Machines of bakes that are not gone.
    pub fn machines(&self) -> Vec<Instance> {
        let filter = Filter::builder().name("tag-key").values("bake_image");
        let call = self.cloud.client().describe_instances();
        let call = call.filters(filter.build()).send();
        let answer = self.cloud.wait(call).expect("DescribeInstances");
        let all = answer.reservations().iter().flat_map(|r| r.instances());
        let state = |i: &Instance| {
            i.state()
                .and_then(|s| s.name())
                .map(|n| n.as_str().to_owned())
        };
        all.filter(|i| !matches!(state(i).as_deref(), Some("terminated" | "shutting-down")))
            .cloned()
            .collect()
    }

    /// Images but for the base image.
    pub fn images(&self) -> Vec<Image> {
        let call = self.cloud.client().describe_images().owners("self").send();
        let found = self.cloud.wait(call).expect("DescribeImages");
        let images = found.images().iter();
        images.filter(|i| i.name() != Some(BASE)).cloned().collect()
    }
}

fn populate(cloud: &Cloud) -> (String, String) {
    let base = cloud.register_image(BASE, &[("hostclass", "mhcgeneric"), ("stage", "tested")]);
    let ec2 = cloud.client();
    let tags = [("Name", "build"), ("type", "build")];
    let vpc = ec2
        .create_vpc()
        .cidr_block("127.77.0.0/16")
        .tag_specifications(tagged(ResourceType::Vpc, &tags));
    let vpc = cloud.wait(vpc.send()).expect("CreateVpc").vpc;
    let vpc_id = vpc.and_then(|v| v.vpc_id).expect("id of the VPC");
    for (zone, cidr) in [
        ("us-west-2a", "127.77.0.0/24"),
        ("us-west-2b", "127.77.1.0/24"),
    ] {
        let tags = [("Name", "build_tunnel"), ("meta_network", "tunnel")];
        let subnet = ec2
            .create_subnet()
            .vpc_id(&vpc_id)
            .availability_zone(zone)
            .cidr_block(cidr)
            .tag_specifications(tagged(ResourceType::Subnet, &tags));
        cloud.wait(subnet.send()).expect("CreateSubnet");
    }
    let tags = [("Name", "build_tunnel"), ("meta_network", "tunnel")];
    let group = ec2
        .create_security_group()
        .group_name("build_tunnel")
        .description("tunnel")
        .vpc_id(&vpc_id)
        .tag_specifications(tagged(ResourceType::SecurityGroup, &tags));
    cloud.wait(group.send()).expect("CreateSecurityGroup");
    let key = ec2.create_key_pair().key_name("operators").send();
    cloud.wait(key).expect("CreateKeyPair");
    (base, vpc_id)
}
