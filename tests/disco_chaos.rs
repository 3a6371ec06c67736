//! `disco_chaos` end to end. This file holds what its tests share: an environment with groups in two zones,
//! made by the SDK. The tests are in the folder of this name.

mod bias;
mod elastigroups;
mod faults;
mod killing;
mod usage;

use aws_sdk_autoscaling::types::{AutoScalingGroup, LaunchTemplateSpecification, Tag as GroupTag};
use aws_sdk_ec2::types::{RequestLaunchTemplateData, ResourceType};
use std::collections::{BTreeMap, BTreeSet};

use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::furniture::tagged;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Asiaq, Output, asiaq};

/// The zones that have a subnet.
const ZONES: [&str; 2] = ["us-west-2a", "us-west-2b"];
/// The launch template of all groups.
const TEMPLATE: &str = "all";

/// The environment `ci` of the standard configuration: a VPC with a subnet in each zone.
pub struct World {
    pub cloud: Cloud,
    config: TestConfig,
    /// Subnets by zone.
    subnets: BTreeMap<&'static str, String>,
}

impl World {
    pub fn new() -> Self {
        let mut world = Self {
            cloud: Cloud::start(),
            config: TestConfig::standard(),
            subnets: BTreeMap::new(),
        };
        let image = world.cloud.register_image("mhcapp 1700000000", &[]);
        let data = RequestLaunchTemplateData::builder()
            .image_id(image)
            .instance_type("t2.micro".into())
            .build();
        let call = world.cloud.client().create_launch_template();
        let call = call
            .launch_template_name(TEMPLATE)
            .launch_template_data(data);
        world.cloud.wait(call.send()).unwrap();
        world.subnets = world.environment("ci", "10.1");
        world
    }

    /// Makes the VPC of an environment; its subnets by zone.
    pub fn environment(&self, name: &str, network: &str) -> BTreeMap<&'static str, String> {
        let ec2 = self.cloud.client();
        let call = ec2
            .create_vpc()
            .cidr_block(format!("{network}.0.0/16"))
            .tag_specifications(tagged(ResourceType::Vpc, &[("Name", name), ("type", "ci")]));
        let vpc = self.cloud.wait(call.send()).unwrap().vpc.unwrap();
        let subnet = |(n, zone): (usize, &&'static str)| {
            let call = ec2
                .create_subnet()
                .vpc_id(vpc.vpc_id().unwrap())
                .availability_zone(*zone)
                .cidr_block(format!("{network}.{n}.0/24"));
            let made = self.cloud.wait(call.send()).unwrap().subnet.unwrap();
            (*zone, made.subnet_id.unwrap())
        };
        ZONES.iter().enumerate().map(subnet).collect()
    }

    /// Makes a group with as many instances as it wants, in a zone, with the tags that provisioning gives it.
    pub fn group(&self, hostclass: &str, size: i32, zone: &str, chaos: Option<&str>) {
        let name = format!("ci_{hostclass}_1700000000");
        self.group_in(&self.subnets[zone], &name, hostclass, size, chaos);
    }

    pub fn group_in(
        &self,
        subnet: &str,
        name: &str,
        hostclass: &str,
        size: i32,
        chaos: Option<&str>,
    ) {
        let tag = |key: &str, value: &str| {
            GroupTag::builder()
                .resource_id(name)
                .resource_type("auto-scaling-group")
                .key(key)
                .value(value)
                .propagate_at_launch(true)
                .build()
        };
        let template = LaunchTemplateSpecification::builder()
            .launch_template_name(TEMPLATE)
            .version("1");
        let call = self
            .cloud
            .autoscaling()
            .create_auto_scaling_group()
            .auto_scaling_group_name(name)
            .launch_template(template.build())
            .vpc_zone_identifier(subnet)
            .min_size(size)
            .max_size(size)
            .desired_capacity(size)
            .tags(tag("hostclass", hostclass));
        let call = match chaos {
            Some(value) => call.tags(tag("chaos", value)),
            None => call,
        };
        self.cloud.wait(call.send()).unwrap();
    }

    /// Starts an instance in a zone and attaches it to the group of a hostclass, which then wants one more.
    pub fn attach(&self, hostclass: &str, zone: &str) -> String {
        let name = format!("ci_{hostclass}_1700000000");
        let group = self.groups().remove(&name).unwrap();
        let call = self
            .cloud
            .autoscaling()
            .update_auto_scaling_group()
            .auto_scaling_group_name(&name)
            .max_size(group.max_size().unwrap() + 1);
        self.cloud.wait(call.send()).unwrap();
        let id = self.instance(zone, &[("hostclass", hostclass)]);
        let call = self
            .cloud
            .autoscaling()
            .attach_instances()
            .auto_scaling_group_name(&name)
            .instance_ids(&id);
        self.cloud.wait(call.send()).unwrap();
        id
    }

    /// Starts an instance of no group.
    pub fn instance(&self, zone: &str, tags: &[(&str, &str)]) -> String {
        let template = aws_sdk_ec2::types::LaunchTemplateSpecification::builder()
            .launch_template_name(TEMPLATE)
            .version("1");
        let call = self
            .cloud
            .client()
            .run_instances()
            .launch_template(template.build())
            .subnet_id(&self.subnets[zone])
            .tag_specifications(tagged(ResourceType::Instance, tags))
            .min_count(1)
            .max_count(1);
        let made = self.cloud.wait(call.send()).unwrap();
        made.instances()[0].instance_id().unwrap().to_owned()
    }

    /// All groups by name.
    pub fn groups(&self) -> BTreeMap<String, AutoScalingGroup> {
        let call = self.cloud.autoscaling().describe_auto_scaling_groups();
        let found = self.cloud.wait(call.send()).unwrap().auto_scaling_groups;
        let named =
            |group: AutoScalingGroup| (group.auto_scaling_group_name.clone().unwrap(), group);
        found.unwrap_or_default().into_iter().map(named).collect()
    }

    /// Ids of the instances that run, of a hostclass.
    pub fn running(&self, hostclass: &str) -> BTreeSet<String> {
        let call = self.cloud.client().describe_instances();
        let found = self.cloud.wait(call.send()).unwrap();
        let all = found.reservations().iter().flat_map(|r| r.instances());
        let own = all.filter(|instance| {
            let state = instance.state().and_then(|state| state.name()).unwrap();
            let mut tags = instance.tags().iter();
            state.as_str() == "running"
                && tags.any(|tag| (tag.key(), tag.value()) == (Some("hostclass"), Some(hostclass)))
        });
        own.map(|instance| instance.instance_id().unwrap().to_owned())
            .collect()
    }

    /// The tool with these arguments against an endpoint.
    pub fn tool_at(&self, url: &str, args: &str) -> Asiaq {
        asiaq("disco_chaos")
            .endpoint(url)
            .config(self.config.path())
            .args(args.split_whitespace())
    }

    /// Runs the tool.
    pub fn run(&self, args: &str) -> Output {
        self.tool_at(self.cloud.url(), args).run()
    }

    /// Runs the tool with exit code 0 through a proxy; gives what it printed as pairs of hostclass and id,
    /// and the proxy.
    #[track_caller]
    pub fn watch(&self, behaviour: Behaviour, args: &str) -> (Vec<(String, String)>, Proxy) {
        let proxy = Proxy::start(self.cloud.url(), behaviour);
        let output = self.tool_at(proxy.url(), args).run().expect_status(0);
        (victims(&output), proxy)
    }
}

/// Hostclass and id of each line.
pub fn victims(output: &Output) -> Vec<(String, String)> {
    let pair = |line: &str| {
        let (hostclass, id) = line.split_at(20);
        assert!(id.starts_with(" i-"), "{line}");
        (hostclass.trim_end().to_owned(), id.trim_start().to_owned())
    };
    output.stdout.lines().map(pair).collect()
}

/// The ids alone.
pub fn ids(victims: &[(String, String)]) -> BTreeSet<String> {
    victims.iter().map(|(_, id)| id.clone()).collect()
}
