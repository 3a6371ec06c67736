//! `disco_autoscale` end to end. This file holds what its tests share: a cloud, makers of groups and launch objects, and
//! readers of what AWS then holds. The tests are in the folder of this name.

mod deleting;
mod elastigroups;
mod launch_objects;
mod listing;
mod pages;
mod policies;
mod usage;

use aws_sdk_autoscaling::types::{
    LaunchTemplate, LaunchTemplateOverrides, LaunchTemplateSpecification, MixedInstancesPolicy,
    ScalingPolicy, Tag,
};
use aws_sdk_ec2::types::RequestLaunchTemplateData;

use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Asiaq, Output, asiaq};

/// The image of most launch objects.
pub const IMAGE: &str = "ami-0123456789abcdef0";

/// A cloud and the standard configuration, whose default environment is `ci`.
pub struct World {
    pub cloud: Cloud,
    config: TestConfig,
}

/// What a group launches from, by name.
#[derive(Clone, Copy)]
pub enum Launch<'a> {
    Template(&'a str),
    Configuration(&'a str),
    /// A mixed policy: its template, and one that an override names.
    Mixed(&'a str, &'a str),
}

impl World {
    pub fn new() -> Self {
        Self {
            cloud: Cloud::start(),
            config: TestConfig::standard(),
        }
    }

    /// The tool with these arguments against an endpoint.
    pub fn tool_at(&self, url: &str, args: &[&str]) -> Asiaq {
        asiaq("disco_autoscale")
            .endpoint(url)
            .config(self.config.path())
            .args(args.iter().copied())
    }

    /// Runs the tool.
    pub fn run(&self, args: &[&str]) -> Output {
        self.tool_at(self.cloud.url(), args).run()
    }

    /// Runs the tool with exit code 0; gives its stdout.
    #[track_caller]
    pub fn stdout(&self, args: &[&str]) -> String {
        self.run(args).expect_status(0).stdout
    }

    /// Runs the tool with exit code 0 and `--output json`.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        let args: Vec<&str> = args.iter().copied().chain(["--output", "json"]).collect();
        serde_json::from_str(&self.stdout(&args)).unwrap()
    }

    /// Runs the tool through a proxy; gives the names of the calls too.
    pub fn watch(&self, behaviour: Behaviour, args: &[&str]) -> (Output, Vec<String>) {
        let proxy = Proxy::start(self.cloud.url(), behaviour);
        let output = self.tool_at(proxy.url(), args).run();
        let calls = proxy.calls().into_iter().map(|call| call.operation);
        (output, calls.collect())
    }

    /// Makes a launch template with one version.
    pub fn template(&self, name: &str, image: &str) {
        let data = RequestLaunchTemplateData::builder()
            .image_id(image)
            .instance_type("m5.large".into())
            .build();
        let call = self
            .cloud
            .client()
            .create_launch_template()
            .launch_template_name(name)
            .launch_template_data(data);
        self.cloud.wait(call.send()).unwrap();
    }

    /// Makes a launch configuration.
    pub fn configuration(&self, name: &str, image: &str) {
        let call = self
            .cloud
            .autoscaling()
            .create_launch_configuration()
            .launch_configuration_name(name)
            .image_id(image)
            .instance_type("m5.large");
        self.cloud.wait(call.send()).unwrap();
    }

    /// Makes a group of at most two instances.
    pub fn group(&self, name: &str, launch: Launch<'_>, instances: i32, tags: &[(&str, &str)]) {
        let tag = |(key, value): &(&str, &str)| {
            Tag::builder()
                .resource_id(name)
                .resource_type("auto-scaling-group")
                .key(*key)
                .value(*value)
                .propagate_at_launch(true)
                .build()
        };
        let call = self
            .cloud
            .autoscaling()
            .create_auto_scaling_group()
            .auto_scaling_group_name(name)
            .availability_zones("us-west-2a")
            .min_size(0)
            .max_size(2)
            .desired_capacity(instances)
            .set_tags(Some(tags.iter().map(tag).collect()));
        let call = match launch {
            Launch::Template(template) => call.launch_template(specification(template)),
            Launch::Configuration(configuration) => call.launch_configuration_name(configuration),
            Launch::Mixed(template, other) => call.mixed_instances_policy(mixed(template, other)),
        };
        self.cloud.wait(call.send()).unwrap();
    }

    /// A group with a template of its own, named after it with a `9`.
    pub fn own_group(&self, name: &str, instances: i32, tags: &[(&str, &str)]) {
        let template = format!("{name}9");
        self.template(&template, IMAGE);
        self.group(name, Launch::Template(&template), instances, tags);
    }

    /// Names of all groups, sorted.
    pub fn groups(&self) -> Vec<String> {
        let call = self.cloud.autoscaling().describe_auto_scaling_groups();
        let found = self.cloud.wait(call.send()).unwrap();
        let names = found.auto_scaling_groups().iter();
        sorted(names.map(|group| group.auto_scaling_group_name().unwrap().to_owned()))
    }

    /// Names of all launch templates, sorted.
    pub fn templates(&self) -> Vec<String> {
        let call = self.cloud.client().describe_launch_templates();
        let found = self.cloud.wait(call.max_results(200).send()).unwrap();
        let names = found.launch_templates().iter();
        sorted(names.map(|template| template.launch_template_name().unwrap().to_owned()))
    }

    /// Names of all launch configurations, sorted.
    pub fn configurations(&self) -> Vec<String> {
        let call = self.cloud.autoscaling().describe_launch_configurations();
        let found = self.cloud.wait(call.send()).unwrap();
        let names = found.launch_configurations().iter();
        sorted(names.map(|own| own.launch_configuration_name().unwrap().to_owned()))
    }

    /// All scaling policies, in API order.
    pub fn policies(&self) -> Vec<ScalingPolicy> {
        let call = self.cloud.autoscaling().describe_policies();
        let found = self.cloud.wait(call.send()).unwrap();
        found.scaling_policies.unwrap_or_default()
    }
}

fn specification(template: &str) -> LaunchTemplateSpecification {
    LaunchTemplateSpecification::builder()
        .launch_template_name(template)
        .version("1")
        .build()
}

fn mixed(template: &str, other: &str) -> MixedInstancesPolicy {
    let other = LaunchTemplateOverrides::builder()
        .instance_type("m5.xlarge")
        .launch_template_specification(specification(other));
    let template = LaunchTemplate::builder()
        .launch_template_specification(specification(template))
        .overrides(other.build());
    MixedInstancesPolicy::builder()
        .launch_template(template.build())
        .build()
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// An error in the words of Auto Scaling.
pub fn refusal(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>proxy</RequestId></ErrorResponse>"
    )
}

/// True if the calls only read.
pub fn reads_only(calls: &[String]) -> bool {
    calls.iter().all(|call| call.starts_with("Describe"))
}
