//! `destroy`: leaves nothing of the environment and touches nothing else.

mod groups;
mod services;

use super::{create, fixed, logged, run, sorted_lines};
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::{changing_calls, count, in_vpc, inventory, vpc_ids};
use crate::support::proxy::{Behaviour, Proxy};
use aws_sdk_ec2::types::{RequestLaunchTemplateData, ResourceType, Tag, TagSpecification};

/// An Auto Scaling group with two instances, in the subnets of a VPC, and its launch template.
fn add_group(cloud: &Cloud, env: &str, vpc_id: &str) {
    let (ec2, scaling) = (cloud.client(), cloud.autoscaling());
    let image = cloud.register_image(&format!("mhcweb {env}"), &[]);
    let template = format!("{env}_mhcweb_1");
    let data = RequestLaunchTemplateData::builder()
        .image_id(image)
        .instance_type("t3.micro".into())
        .build();
    let call = ec2
        .create_launch_template()
        .launch_template_name(&template)
        .launch_template_data(data);
    cloud.wait(call.send()).unwrap();
    let call = ec2.describe_subnets().filters(in_vpc(vpc_id)).send();
    let subnets = cloud.wait(call).unwrap();
    let ids: Vec<&str> = subnets
        .subnets()
        .iter()
        .filter_map(|s| s.subnet_id())
        .collect();
    let specification = aws_sdk_autoscaling::types::LaunchTemplateSpecification::builder()
        .launch_template_name(&template)
        .version("$Default")
        .build();
    let tag = |key: &str, value: &str| {
        aws_sdk_autoscaling::types::Tag::builder()
            .key(key)
            .value(value)
            .propagate_at_launch(true)
            .build()
    };
    let call = scaling
        .create_auto_scaling_group()
        .auto_scaling_group_name(format!("{env}_mhcweb_1780000000"))
        .launch_template(specification)
        .min_size(2)
        .max_size(2)
        .desired_capacity(2)
        .vpc_zone_identifier(ids.join(","))
        .tags(tag("hostclass", "mhcweb"))
        .tags(tag("environment", env));
    cloud.wait(call.send()).unwrap();
}

/// An instance that belongs to no group.
fn add_instance(cloud: &Cloud, vpc_id: &str) {
    let ec2 = cloud.client();
    let image = cloud.register_image("loner", &[]);
    let call = ec2.describe_subnets().filters(in_vpc(vpc_id)).send();
    let subnets = cloud.wait(call).unwrap();
    let call = ec2
        .run_instances()
        .image_id(image)
        .instance_type("t3.micro".into())
        .min_count(1)
        .max_count(1)
        .subnet_id(subnets.subnets()[0].subnet_id().unwrap());
    cloud.wait(call.send()).unwrap();
}

#[test]
fn nothing_is_left() {
    let (cloud, config) = (Cloud::start(), fixed());
    // A neighbour whose name begins like ours.
    run(cloud.url(), &config, "create --name ci-2 --type ci").expect_status(0);
    add_group(&cloud, "ci-2", &vpc_ids(&cloud, "ci-2")[0]);
    let empty = inventory(&cloud);

    create(&cloud, &config);
    let vpc = vpc_ids(&cloud, "ci")[0].clone();
    add_group(&cloud, "ci", &vpc);
    add_instance(&cloud, &vpc);
    let full = inventory(&cloud);
    assert_eq!(count(&full, "instance"), count(&empty, "instance") + 3);

    // No configuration is needed.
    let nothing = TestConfig::new();
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let planned = run(proxy.url(), &nothing, "destroy --name ci --dry-run").expect_status(0);
    assert_eq!(changing_calls(&proxy), [""; 0]);
    assert_eq!(inventory(&cloud), full);
    assert!(
        planned
            .stdout
            .contains("- group mhcweb ci_mhcweb_1780000000 (2 instances)\n")
    );
    assert!(!planned.stdout.contains("ci-2"), "{}", planned.stdout);

    let output = run(cloud.url(), &nothing, "destroy --name ci").expect_status(0);
    assert_eq!(output.stdout, "");
    assert_eq!(logged(&output), sorted_lines(&planned.stdout));
    assert_eq!(inventory(&cloud), empty);

    let again = run(cloud.url(), &nothing, "destroy --name ci").expect_status(2);
    assert_eq!(
        again.stderr,
        "error: No matching VPC found\nhint: `disco_vpc_ui list` shows what there is\n"
    );
    assert_eq!(inventory(&cloud), empty);
}

#[test]
fn a_foreign_vpc_goes_without_what_is_found_by_name() {
    let (cloud, config) = (Cloud::start(), fixed());
    create(&cloud, &config);
    add_group(&cloud, "ci", &vpc_ids(&cloud, "ci")[0]);
    let environment = inventory(&cloud);
    let ec2 = cloud.client();
    // Named like the environment, but without a type: not an environment.
    let tags = TagSpecification::builder()
        .resource_type(ResourceType::Vpc)
        .tags(Tag::builder().key("Name").value("ci").build())
        .build();
    let call = ec2.create_vpc().cidr_block("10.88.0.0/24");
    let made = cloud.wait(call.tag_specifications(tags).send());
    let foreign = made.unwrap().vpc.unwrap().vpc_id.unwrap();
    let call = ec2.create_subnet().vpc_id(&foreign);
    cloud.wait(call.cidr_block("10.88.0.0/25").send()).unwrap();
    add_instance(&cloud, &foreign);
    let call = ec2.create_security_group().vpc_id(&foreign);
    cloud
        .wait(call.group_name("own").description("own").send())
        .unwrap();
    // What an interrupted `create` of the environment would find again must stay as well.
    let tags = TagSpecification::builder()
        .resource_type(ResourceType::InternetGateway)
        .tags(Tag::builder().key("environment").value("ci").build())
        .build();
    let call = ec2.create_internet_gateway().tag_specifications(tags);
    let left = cloud.wait(call.send()).unwrap();
    let left = left
        .internet_gateway
        .and_then(|g| g.internet_gateway_id)
        .unwrap();

    let words = format!("destroy --vpc-id {foreign}");
    run(cloud.url(), &config, &words).expect_status(0);
    let mut wanted = environment;
    wanted.push(format!("gateway {left}"));
    wanted.sort();
    assert_eq!(inventory(&cloud), wanted);
}
