//! `disco_aws` end to end. This file holds what its tests share: an environment in a local cloud, and readers of what
//! AWS then holds. The tests are in the folder of this name.

mod bad_input;
pub mod balancers;
mod commands;
mod images;
mod listing;
mod neighbours;
mod provision;
mod smoke;
mod spindown;
mod spinup;
mod spotinst;
mod updates;

use std::collections::BTreeMap;

use aws_sdk_autoscaling::types::{AutoScalingGroup, ScheduledUpdateGroupAction};
use aws_sdk_ec2::types::{
    Filter, Instance, InstanceStateName, LaunchTemplate, NetworkInterface,
    ResponseLaunchTemplateData, Tag,
};

use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Asiaq, Output, asiaq};

/// Who the tests are, in `owner` tags.
pub const OWNER: &str = "ann";

/// The environment `ci` of the standard configuration, with one image per hostclass.
pub struct World {
    pub cloud: Cloud,
    pub config: TestConfig,
    pub vpc_id: String,
    /// Images by hostclass.
    pub images: BTreeMap<&'static str, String>,
}

impl World {
    /// Makes the environment by `disco_vpc_ui create`.
    pub fn new() -> Self {
        let mut world = Self {
            cloud: Cloud::start(),
            config: TestConfig::standard(),
            vpc_id: String::new(),
            images: BTreeMap::new(),
        };
        asiaq("disco_vpc_ui")
            .endpoint(world.cloud.url())
            .config(world.config.path())
            .args(["create", "--name", "ci", "--type", "ci"])
            .run()
            .expect_status(0);
        let ec2 = world.cloud.client();
        let vpcs = ec2.describe_vpcs().filters(filter("tag:Name", "ci")).send();
        world.vpc_id = world.cloud.wait(vpcs).unwrap().vpcs()[0]
            .vpc_id()
            .unwrap()
            .to_owned();
        for (hostclass, at) in [
            ("mhcapp", 1_700_000_100),
            ("mhcdb", 1_700_000_200),
            ("mhcproxy", 1_700_000_300),
        ] {
            let image = world
                .cloud
                .register_image(&format!("{hostclass} {at}"), &[("stage", "tested")]);
            world.images.insert(hostclass, image);
        }
        world
    }

    /// `disco_aws` against an endpoint, as user [`OWNER`].
    pub fn tool_at(&self, url: &str, args: &[&str]) -> Asiaq {
        asiaq("disco_aws")
            .endpoint(url)
            .config(self.config.path())
            .env("LOGNAME", OWNER)
            .args(args)
    }

    /// Runs `disco_aws`.
    pub fn run(&self, args: &[&str]) -> Output {
        self.tool_at(self.cloud.url(), args).run()
    }

    /// Runs `disco_aws` through a proxy that only counts, and gives the proxy too.
    pub fn watch(&self, args: &[&str]) -> (Output, Proxy) {
        let proxy = Proxy::start(self.cloud.url(), Behaviour::new());
        let output = self.tool_at(proxy.url(), args).run();
        (output, proxy)
    }

    /// Writes a pipeline; gives its path.
    pub fn pipeline(&self, name: &str, text: &str) -> String {
        self.config.write(name, text);
        self.config.path().join(name).display().to_string()
    }

    /// The groups of all environments.
    pub fn groups(&self) -> Vec<AutoScalingGroup> {
        let call = self
            .cloud
            .autoscaling()
            .describe_auto_scaling_groups()
            .send();
        self.cloud
            .wait(call)
            .unwrap()
            .auto_scaling_groups
            .unwrap_or_default()
    }

    /// The one group of a hostclass.
    #[track_caller]
    pub fn group(&self, hostclass: &str) -> AutoScalingGroup {
        let prefix = format!("ci_{hostclass}_");
        let mut own: Vec<AutoScalingGroup> = self
            .groups()
            .into_iter()
            .filter(|group| name_of(group).starts_with(&prefix))
            .collect();
        assert_eq!(
            own.len(),
            1,
            "groups of {hostclass}: {:?}",
            own.iter().map(name_of).collect::<Vec<_>>()
        );
        own.remove(0)
    }

    /// Minimum, desired capacity, maximum of the one group of a hostclass.
    #[track_caller]
    pub fn sizes(&self, hostclass: &str) -> (i32, i32, i32) {
        let group = self.group(hostclass);
        (
            group.min_size.unwrap(),
            group.desired_capacity.unwrap(),
            group.max_size.unwrap(),
        )
    }

    /// The launch templates of all environments.
    pub fn templates(&self) -> Vec<LaunchTemplate> {
        let call = self
            .cloud
            .client()
            .describe_launch_templates()
            .max_results(200)
            .send();
        self.cloud
            .wait(call)
            .unwrap()
            .launch_templates
            .unwrap_or_default()
    }

    /// What the one group of a hostclass launches: the content of the template version that it refers to.
    #[track_caller]
    pub fn launch(&self, hostclass: &str) -> ResponseLaunchTemplateData {
        let group = self.group(hostclass);
        let reference = group.launch_template().expect("a launch template");
        let call = self
            .cloud
            .client()
            .describe_launch_template_versions()
            .launch_template_id(reference.launch_template_id().unwrap())
            .versions(reference.version().unwrap());
        let mut found = self
            .cloud
            .wait(call.send())
            .expect("the template exists")
            .launch_template_versions
            .unwrap();
        found.remove(0).launch_template_data.unwrap()
    }

    /// The user data of a hostclass's hosts, decoded, line by line.
    #[track_caller]
    pub fn user_data(&self, hostclass: &str) -> Vec<String> {
        let encoded = self.launch(hostclass).user_data.expect("user data");
        decode_base64(&encoded).lines().map(str::to_owned).collect()
    }

    /// The recurring actions of all groups.
    pub fn schedules(&self) -> Vec<ScheduledUpdateGroupAction> {
        let call = self.cloud.autoscaling().describe_scheduled_actions().send();
        self.cloud
            .wait(call)
            .unwrap()
            .scheduled_update_group_actions
            .unwrap_or_default()
    }

    /// The names of the scaling policies of a group, sorted.
    pub fn policies(&self, group: &str) -> Vec<String> {
        let call = self
            .cloud
            .autoscaling()
            .describe_policies()
            .auto_scaling_group_name(group)
            .send();
        let found = self
            .cloud
            .wait(call)
            .unwrap()
            .scaling_policies
            .unwrap_or_default();
        let mut names: Vec<String> = found
            .into_iter()
            .filter_map(|policy| policy.policy_name)
            .collect();
        names.sort();
        names
    }

    /// The instances of the environment that are not terminated, those of one hostclass if given.
    pub fn instances(&self, hostclass: Option<&str>) -> Vec<Instance> {
        let call = self
            .cloud
            .client()
            .describe_instances()
            .filters(filter("vpc-id", &self.vpc_id))
            .send();
        let found = self
            .cloud
            .wait(call)
            .unwrap()
            .reservations
            .unwrap_or_default();
        found
            .into_iter()
            .flat_map(|reservation| reservation.instances.unwrap_or_default())
            .filter(|instance| state_of(instance) != "terminated")
            .filter(|instance| {
                hostclass.is_none_or(|wanted| tag_of(instance, "hostclass") == Some(wanted))
            })
            .collect()
    }

    /// The ids of [`World::instances`].
    pub fn instance_ids(&self, hostclass: Option<&str>) -> Vec<String> {
        self.instances(hostclass)
            .into_iter()
            .map(|instance| instance.instance_id.unwrap())
            .collect()
    }

    /// Sets a tag, as a host does on itself.
    pub fn tag(&self, ids: &[String], key: &str, value: &str) {
        let tag = Tag::builder().key(key).value(value).build();
        let call = self
            .cloud
            .client()
            .create_tags()
            .set_resources(Some(ids.to_vec()))
            .tags(tag)
            .send();
        self.cloud.wait(call).unwrap();
    }

    /// The ids of the subnets of a metanetwork, sorted, with their blocks.
    pub fn subnets(&self, net: &str) -> BTreeMap<String, String> {
        let call = self
            .cloud
            .client()
            .describe_subnets()
            .filters(filter("vpc-id", &self.vpc_id))
            .filters(filter("tag:meta_network", net))
            .send();
        let found = self.cloud.wait(call).unwrap().subnets.unwrap_or_default();
        found
            .into_iter()
            .map(|subnet| (subnet.subnet_id.unwrap(), subnet.cidr_block.unwrap()))
            .collect()
    }

    /// The security group of a metanetwork.
    pub fn security_group(&self, net: &str) -> String {
        let call = self
            .cloud
            .client()
            .describe_security_groups()
            .filters(filter("vpc-id", &self.vpc_id))
            .filters(filter("tag:meta_network", net))
            .send();
        self.cloud.wait(call).unwrap().security_groups()[0]
            .group_id()
            .unwrap()
            .to_owned()
    }

    /// The interfaces for static addresses.
    pub fn floating_interfaces(&self) -> Vec<NetworkInterface> {
        let call = self
            .cloud
            .client()
            .describe_network_interfaces()
            .filters(filter("vpc-id", &self.vpc_id))
            .filters(filter("description", "floating interface"))
            .send();
        self.cloud
            .wait(call)
            .unwrap()
            .network_interfaces
            .unwrap_or_default()
    }

    /// Removes the interfaces that `disco_vpc_ui create` reserved, so that provisioning has to make them.
    pub fn delete_floating_interfaces(&self) {
        for interface in self.floating_interfaces() {
            let call = self.cloud.client().delete_network_interface();
            let call = call.network_interface_id(interface.network_interface_id.unwrap());
            self.cloud.wait(call.send()).unwrap();
        }
    }

    /// Removes groups, templates and interfaces: the environment is as new.
    pub fn clear(&self) {
        for group in self.groups() {
            let call = self.cloud.autoscaling().delete_auto_scaling_group();
            let call = call
                .auto_scaling_group_name(name_of(&group))
                .force_delete(true);
            self.cloud.wait(call.send()).unwrap();
        }
        for template in self.templates() {
            let call = self.cloud.client().delete_launch_template();
            let call = call.launch_template_id(template.launch_template_id.unwrap());
            self.cloud.wait(call.send()).unwrap();
        }
        self.delete_floating_interfaces();
    }

    /// Asserts that there is nothing that provisioning makes.
    #[track_caller]
    pub fn assert_nothing_provisioned(&self) {
        let groups: Vec<String> = self
            .groups()
            .iter()
            .map(|group| name_of(group).to_owned())
            .collect();
        assert_eq!(groups, [""; 0]);
        assert_eq!(self.templates(), []);
        assert_eq!(self.schedules(), []);
    }
}

/// A filter with one value.
pub fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// Name of a group.
pub fn name_of(group: &AutoScalingGroup) -> &str {
    group.auto_scaling_group_name().unwrap()
}

/// State of an instance, as AWS names it.
pub fn state_of(instance: &Instance) -> &str {
    instance
        .state()
        .and_then(|state| state.name())
        .map_or("", InstanceStateName::as_str)
}

/// A tag of an instance.
pub fn tag_of<'a>(instance: &'a Instance, key: &str) -> Option<&'a str> {
    instance
        .tags()
        .iter()
        .find(|tag| tag.key() == Some(key))
        .and_then(|tag| tag.value())
}

/// The operations that change something, in order of arrival.
pub fn changing(proxy: &Proxy) -> Vec<String> {
    let calls = proxy.calls().into_iter().map(|call| call.operation);
    calls
        .filter(|operation| {
            let reads = ["Describe", "List", "Get", "GET "];
            !reads.iter().any(|verb| operation.starts_with(verb))
        })
        .collect()
}

/// Standard base64 with padding, to text.
pub fn decode_base64(text: &str) -> String {
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        other => panic!("`{}` is not base64", char::from(other)),
    };
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for c in text.trim_end_matches('=').bytes() {
        bits = bits << 6 | u32::from(value(c));
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    String::from_utf8(bytes).expect("text")
}
