//! What uses images, for the tests of deletion and clean-up.

use aws_sdk_autoscaling::types::LaunchTemplateSpecification;
use aws_sdk_ec2::types::{InstanceType, RequestLaunchTemplateData};

use crate::support::cloud::Cloud;

fn data(image: &str) -> RequestLaunchTemplateData {
    RequestLaunchTemplateData::builder()
        .image_id(image)
        .instance_type(InstanceType::M5Large)
        .build()
}

/// A launch template with a version for each of these images.
pub fn template(cloud: &Cloud, name: &str, images: &[&str]) {
    let ec2 = cloud.client();
    let (first, more) = images.split_first().expect("an image");
    let call = ec2
        .create_launch_template()
        .launch_template_name(name)
        .launch_template_data(data(first));
    cloud.wait(call.send()).expect("CreateLaunchTemplate");
    for image in more {
        let call = ec2
            .create_launch_template_version()
            .launch_template_name(name)
            .launch_template_data(data(image));
        let made = cloud.wait(call.send());
        made.expect("CreateLaunchTemplateVersion");
    }
}

/// A group without instances that launches from a version of a template.
pub fn group(cloud: &Cloud, name: &str, template: &str, version: &str) {
    let launch = LaunchTemplateSpecification::builder()
        .launch_template_name(template)
        .version(version);
    let call = cloud
        .autoscaling()
        .create_auto_scaling_group()
        .auto_scaling_group_name(name)
        .availability_zones("us-west-2a")
        .min_size(0)
        .max_size(2)
        .desired_capacity(0)
        .launch_template(launch.build());
    cloud.wait(call.send()).expect("CreateAutoScalingGroup");
}

/// A launch configuration.
pub fn configuration(cloud: &Cloud, name: &str, image: &str) {
    let call = cloud
        .autoscaling()
        .create_launch_configuration()
        .launch_configuration_name(name)
        .image_id(image)
        .instance_type("m5.large");
    cloud.wait(call.send()).expect("CreateLaunchConfiguration");
}
