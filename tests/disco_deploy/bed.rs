//! What the tests of `disco_deploy` share: an environment `ci` in a local cloud, images in their stages, groups that serve,
//! hosts that pass their smoke tests. Asserts nothing but its own set-up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use aws_sdk_autoscaling::types::AutoScalingGroup;
use aws_sdk_ec2::types::{Instance, ResourceType, Tag, TagSpecification};

use crate::disco_aws::{filter, name_of, state_of, tag_of};
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Asiaq, Output, asiaq};

/// Who deploys.
pub const OWNER: &str = "ann";

/// An environment `ci` with the standard configuration (hostclasses `mhcapp`, `mhcdb`, `mhcproxy`; any other name of a
/// hostclass does as well). There are no images, groups or hosts at first.
pub struct Bed {
    pub cloud: Cloud,
    pub config: TestConfig,
    pub vpc_id: String,
}

impl Bed {
    /// Makes the environment by `disco_vpc_ui create`.
    pub fn new() -> Self {
        let mut bed = Self {
            cloud: Cloud::start(),
            config: TestConfig::standard(),
            vpc_id: String::new(),
        };
        asiaq("disco_vpc_ui")
            .endpoint(bed.cloud.url())
            .config(bed.config.path())
            .args(["create", "--name", "ci", "--type", "ci"])
            .run()
            .expect_status(0);
        let call = bed.cloud.client().describe_vpcs();
        let call = call.filters(filter("tag:Name", "ci")).send();
        let vpcs = bed.cloud.wait(call).unwrap();
        bed.vpc_id = vpcs.vpcs()[0].vpc_id().unwrap().to_owned();
        bed
    }

    /// Registers an image `HOSTCLASS AT` in a stage; an empty stage is none.
    pub fn image(&self, hostclass: &str, at: i64, stage: &str) -> String {
        let stage = [("stage", stage)];
        let tags = if stage[0].1.is_empty() {
            &[][..]
        } else {
            &stage
        };
        self.cloud
            .register_image(&format!("{hostclass} {at}"), tags)
    }

    /// The stage that an image is in.
    pub fn stage(&self, ami: &str) -> Option<String> {
        let call = self.cloud.client().describe_images().image_ids(ami).send();
        let images = self.cloud.wait(call).unwrap();
        let tags = images.images()[0].tags();
        let stage = tags.iter().find(|tag| tag.key() == Some("stage"))?;
        stage.value().map(str::to_owned)
    }

    /// Writes a pipeline file; gives its path.
    pub fn pipeline(&self, text: &str) -> String {
        self.config.write("pipeline.csv", text);
        let path = self.config.path().join("pipeline.csv");
        path.display().to_string()
    }

    /// Writes hostclass options into `disco_aws.ini`: text of whole sections, or of options for the last section.
    pub fn configure(&self, text: &str) {
        let path = self.config.path().join("disco_aws.ini");
        let old = std::fs::read_to_string(path).unwrap();
        self.config
            .write("disco_aws.ini", &format!("{old}\n{text}"));
    }

    /// Makes a group that serves, by `disco_aws provision`; gives its name. Its hosts have not passed their smoke test.
    pub fn serving(&self, hostclass: &str, ami: &str, desired: u32, max: u32) -> String {
        let known: Vec<String> = self.group_names();
        asiaq("disco_aws")
            .endpoint(self.cloud.url())
            .config(self.config.path())
            .env("LOGNAME", OWNER)
            .args(["provision", "--hostclass", hostclass, "--ami", ami])
            .args(["--instance-type", "t2.micro", "--no-smoke-test"])
            .args(["--desired-size", &desired.to_string()])
            .args(["--max-size", &max.to_string()])
            .run()
            .expect_status(0);
        let names = self.group_names();
        let new = names.into_iter().find(|name| !known.contains(name));
        new.expect("a new group")
    }

    /// `disco_deploy` against an endpoint, as user [`OWNER`].
    pub fn tool_at(&self, url: &str, args: &[&str]) -> Asiaq {
        asiaq("disco_deploy")
            .endpoint(url)
            .config(self.config.path())
            .env("LOGNAME", OWNER)
            .args(args)
    }

    /// Runs `disco_deploy`.
    pub fn run(&self, args: &[&str]) -> Output {
        self.tool_at(self.cloud.url(), args).run()
    }

    /// Runs `disco_deploy` through a proxy that only counts, and gives the proxy too.
    pub fn watch(&self, args: &[&str]) -> (Output, Proxy) {
        let proxy = Proxy::start(self.cloud.url(), Behaviour::new());
        let output = self.tool_at(proxy.url(), args).run();
        (output, proxy)
    }

    /// The groups of all environments.
    pub fn groups(&self) -> Vec<AutoScalingGroup> {
        let call = self.cloud.autoscaling().describe_auto_scaling_groups();
        let groups = self.cloud.wait(call.send()).unwrap();
        groups.auto_scaling_groups.unwrap_or_default()
    }

    /// Their names, sorted.
    pub fn group_names(&self) -> Vec<String> {
        let groups = self.groups();
        let mut names: Vec<String> = groups.iter().map(|g| name_of(g).to_owned()).collect();
        names.sort();
        names
    }

    /// Minimum, desired capacity and maximum of a group.
    #[track_caller]
    pub fn sizes(&self, group: &str) -> (i32, i32, i32) {
        let groups = self.groups();
        let own = groups.iter().find(|g| name_of(g) == group);
        let own = own.expect("the group");
        (
            own.min_size.unwrap(),
            own.desired_capacity.unwrap(),
            own.max_size.unwrap(),
        )
    }

    /// Tags of a group.
    #[track_caller]
    pub fn group_tags(&self, group: &str) -> BTreeMap<String, String> {
        let groups = self.groups();
        let own = groups.iter().find(|g| name_of(g) == group);
        let tags = own.expect("the group").tags().iter();
        tags.map(|tag| {
            let value = tag.value().unwrap_or_default();
            (tag.key().unwrap().to_owned(), value.to_owned())
        })
        .collect()
    }

    /// Names of the launch templates, sorted.
    pub fn templates(&self) -> Vec<String> {
        let call = self.cloud.client().describe_launch_templates();
        let found = self.cloud.wait(call.max_results(200).send()).unwrap();
        let found = found.launch_templates.unwrap_or_default().into_iter();
        let mut names: Vec<String> = found.filter_map(|t| t.launch_template_name).collect();
        names.sort();
        names
    }

    /// The instances of the environment that are not terminated.
    pub fn instances(&self) -> Vec<Instance> {
        let call = self.cloud.client().describe_instances();
        let call = call.filters(filter("vpc-id", &self.vpc_id)).send();
        live(self.cloud.wait(call).unwrap())
    }

    /// Ids of the instances of a group that are not terminated.
    pub fn hosts_of(&self, group: &str) -> Vec<String> {
        let own =
            |instance: &Instance| tag_of(instance, "aws:autoscaling:groupName") == Some(group);
        let all = self.instances().into_iter();
        all.filter(own).map(|i| i.instance_id.unwrap()).collect()
    }

    /// Starts an instance beside all groups, with tags; gives its id.
    pub fn instance(&self, ami: &str, tags: &[(&str, &str)]) -> String {
        let ec2 = self.cloud.client();
        let call = ec2.describe_subnets();
        let call = call.filters(filter("vpc-id", &self.vpc_id));
        let call = call.filters(filter("tag:meta_network", "intranet")).send();
        let subnets = self.cloud.wait(call).unwrap();
        let subnet = subnets.subnets()[0].subnet_id().unwrap();
        let tags: Vec<_> = tags.iter().map(|(key, value)| tag(key, value)).collect();
        let tags = (!tags.is_empty()).then(|| {
            vec![
                TagSpecification::builder()
                    .resource_type(ResourceType::Instance)
                    .set_tags(Some(tags))
                    .build(),
            ]
        });
        let call = ec2.run_instances().image_id(ami).subnet_id(subnet);
        let call = call.min_count(1).max_count(1).set_tag_specifications(tags);
        let made = self.cloud.wait(call.send()).unwrap();
        made.instances()[0].instance_id().unwrap().to_owned()
    }

    /// Terminates instances.
    pub fn terminate(&self, ids: &[String]) {
        let call = self.cloud.client().terminate_instances();
        let call = call.set_instance_ids(Some(ids.to_vec())).send();
        self.cloud.wait(call).unwrap();
    }

    /// Tags resources, as hosts do themselves.
    pub fn tag(&self, ids: &[String], key: &str, value: &str) {
        let call = self.cloud.client().create_tags();
        let call = call.set_resources(Some(ids.to_vec())).tags(tag(key, value));
        self.cloud.wait(call.send()).unwrap();
    }

    /// From now on hosts of these images pass their smoke test as soon as they run; without images all hosts do.
    pub fn healthy(&self, images: &[&str]) -> Healthy {
        let end = Arc::new(AtomicBool::new(false));
        let (ended, ec2) = (end.clone(), self.cloud.client());
        let vpc = filter("vpc-id", &self.vpc_id);
        let images: Vec<String> = images.iter().map(|&image| image.to_owned()).collect();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("runtime");
            while !ended.load(Ordering::SeqCst) {
                runtime.block_on(pass(&ec2, &vpc, &images));
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Healthy {
            end,
            thread: Some(thread),
        }
    }
}

/// Hosts pass their smoke tests while this lives.
pub struct Healthy {
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Healthy {
    fn drop(&mut self) {
        self.end.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // A panic of it has been reported by itself.
            let _ = thread.join();
        }
    }
}

/// Tags running hosts of these images, or of any, that are not tagged yet.
async fn pass(ec2: &aws_sdk_ec2::Client, vpc: &aws_sdk_ec2::types::Filter, images: &[String]) {
    let call = ec2.describe_instances().filters(vpc.clone());
    let Ok(found) = call.send().await else {
        return;
    };
    let ids: Vec<String> = live(found)
        .into_iter()
        .filter(|i| state_of(i) == "running" && tag_of(i, "smoketest").is_none())
        .filter(|i| images.is_empty() || images.iter().any(|own| i.image_id() == Some(own)))
        .filter_map(|i| i.instance_id)
        .collect();
    if !ids.is_empty() {
        let call = ec2.create_tags().set_resources(Some(ids));
        // An instance may have gone meanwhile; the next look is soon.
        let _ = call.tags(tag("smoketest", "100")).send().await;
    }
}

fn live(
    found: aws_sdk_ec2::operation::describe_instances::DescribeInstancesOutput,
) -> Vec<Instance> {
    let reservations = found.reservations.unwrap_or_default().into_iter();
    let instances = reservations.flat_map(|r| r.instances.unwrap_or_default());
    instances.filter(|i| state_of(i) != "terminated").collect()
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}
