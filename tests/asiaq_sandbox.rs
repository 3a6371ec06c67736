//! End to end: `asiaq sandbox` and `asiaq_sandbox`. This file holds what the tests share; they are in the folder of this name.

mod bring_up;
mod destroy;
mod faults;
mod refused;
mod together;

use aws_sdk_autoscaling::types::AutoScalingGroup;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

use crate::disco_aws::name_of;
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::inventory;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Asiaq, Output, asiaq};

/// The bucket of the configuration files.
const BUCKET: &str = "cfg";

const SYNC: &str = "
sandbox_config_bucket = cfg
sandbox_sync_config = zk_list zk/black
    ips   fw/
";

/// Two metanetworks. The range is fixed, so results are equal.
const VPC: &str = "\
[envtype:sandbox]
vpc_cidr = 10.0.0.0/24
intranet_cidr = 10.0.0.0/25
dmz_cidr = 10.0.0.128/25
intranet_sg_rules = tcp dmz 80
dmz_igw_routes = 0.0.0.0/0
domain_name = box.example.com
ami_stage = tested

[envtype:ci]
vpc_cidr = 10.1.0.0/24
intranet_cidr = 10.1.0.0/25
dmz_cidr = 10.1.0.128/25
domain_name = ci.example.com
";

const PIPELINE: &str = "\
sequence,hostclass,min_size,desired_size,max_size,instance_type
2,mhcapp,,2,3,t2.micro
1,mhcproxy,,1,,t2.micro
";

/// An account with images and a bucket, and the sandbox directory `base`.
struct World {
    cloud: Cloud,
    config: TestConfig,
}

impl World {
    fn new() -> Self {
        let config = TestConfig::standard();
        config
            .edit(
                "disco_aws.ini",
                "default_domain_name = example.com\n",
                &format!("default_domain_name = example.com{SYNC}"),
            )
            // Hosts of the local cloud take low addresses.
            .edit("disco_aws.ini", "ip_address = +5", "ip_address = +20")
            .write("disco_vpc.ini", VPC)
            .write("sandboxes/base/pipeline.csv", PIPELINE)
            .write("sandboxes/base/zk_list", "mhcdb\n")
            .write("sandboxes/base/ips", "203.0.113.0/24\n");
        let world = Self {
            cloud: Cloud::start(),
            config,
        };
        world.prepare();
        world
    }

    fn prepare(&self) {
        for (hostclass, at) in [("mhcapp", 1_700_000_100), ("mhcproxy", 1_700_000_300)] {
            let name = format!("{hostclass} {at}");
            self.cloud.register_image(&name, &[("stage", "tested")]);
        }
        self.make_bucket(BUCKET);
    }

    fn make_bucket(&self, name: &str) {
        let place = CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::UsWest2)
            .build();
        let call = self.s3().create_bucket().bucket(name);
        let call = call.create_bucket_configuration(place).send();
        self.cloud.wait(call).unwrap();
    }

    /// An account as new.
    fn reset(&self) {
        self.cloud.reset();
        self.prepare();
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.cloud.sdk()).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// Key and content of every object of a bucket.
    fn objects_of(&self, bucket: &str) -> Vec<(String, String)> {
        let s3 = self.s3();
        self.cloud.wait(async {
            let listed = s3.list_objects_v2().bucket(bucket).send().await.unwrap();
            let mut all = Vec::new();
            for key in listed.contents().iter().filter_map(|object| object.key()) {
                let object = s3.get_object().bucket(bucket).key(key).send();
                let bytes = object.await.unwrap().body.collect().await.unwrap();
                let text = String::from_utf8(bytes.to_vec()).unwrap();
                all.push((key.to_owned(), text));
            }
            all
        })
    }

    fn objects(&self) -> Vec<(String, String)> {
        self.objects_of(BUCKET)
    }

    /// Keys of the bucket.
    fn keys(&self) -> Vec<String> {
        self.objects().into_iter().map(|(key, _)| key).collect()
    }

    /// `asiaq sandbox` with these words, against no endpoint yet.
    fn tool(&self, words: &str) -> Asiaq {
        asiaq("asiaq")
            .config(self.config.path())
            .env("LOGNAME", "ann")
            .args(["sandbox"])
            .args(words.split_whitespace())
    }

    fn run(&self, words: &str) -> Output {
        self.tool(words).endpoint(self.cloud.url()).run()
    }

    /// The same through a proxy that only counts.
    fn watch(&self, words: &str) -> (Output, Proxy) {
        let proxy = Proxy::start(self.cloud.url(), Behaviour::new());
        let output = self.tool(words).endpoint(proxy.url()).run();
        (output, proxy)
    }

    /// All groups, sorted by name.
    fn groups(&self) -> Vec<AutoScalingGroup> {
        let call = self.cloud.autoscaling().describe_auto_scaling_groups();
        let answer = self.cloud.wait(call.send()).unwrap();
        let mut all = answer.auto_scaling_groups.unwrap_or_default();
        all.sort_by(|a, b| name_of(a).cmp(name_of(b)));
        all
    }

    /// Name without its time, minimum, desired capacity and maximum of all groups.
    fn sizes(&self) -> Vec<(String, i32, i32, i32)> {
        let size = |group: &AutoScalingGroup| {
            let (name, _) = name_of(group).rsplit_once('_').unwrap();
            (
                name.to_owned(),
                group.min_size.unwrap(),
                group.desired_capacity.unwrap(),
                group.max_size.unwrap(),
            )
        };
        self.groups().iter().map(size).collect()
    }

    /// Everything that a run may make, objects included.
    fn everything(&self) -> Vec<String> {
        let mut all = inventory(&self.cloud);
        all.extend(self.keys().into_iter().map(|key| format!("object {key}")));
        all
    }
}

/// The operations that are not for reading.
fn changing(proxy: &Proxy) -> Vec<String> {
    let calls = proxy.calls().into_iter().map(|call| call.operation);
    let reads = ["Describe", "List", "Get", "GET ", "HEAD "];
    calls
        .filter(|name| !reads.iter().any(|verb| name.starts_with(verb)))
        .collect()
}

/// Messages of the log lines of level INFO.
fn told(output: &Output) -> Vec<String> {
    let message = |line: &str| Some(line.split_once(" INFO ")?.1.to_owned());
    output.stderr.lines().filter_map(message).collect()
}
