#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use aws_sdk_autoscaling::types as scaling;

fn copy(old: ec2::ResponseLaunchTemplateData) -> ec2::RequestLaunchTemplateData {
    *Source::Template(Box::new(old))
        .with_snapshot("t", "snap-2", 30)
        .unwrap()
        .0
}

fn converted(old: scaling::LaunchConfiguration) -> ec2::RequestLaunchTemplateData {
    *Source::Configuration(Box::new(old))
        .with_snapshot("c", "snap-2", 30)
        .unwrap()
        .0
}

#[test]
fn nothing_becomes_nothing() {
    let empty = ec2::RequestLaunchTemplateData::builder().build();
    assert_eq!(
        copy(ec2::ResponseLaunchTemplateData::builder().build()),
        empty
    );
    let bare = scaling::LaunchConfiguration::builder()
        .iam_instance_profile("")
        .user_data("")
        .build();
    assert_eq!(converted(bare), empty);
}

#[test]
fn what_asiaq_and_operators_put_into_templates_is_copied() {
    let interface = ec2::LaunchTemplateInstanceNetworkInterfaceSpecification::builder()
        .device_index(0)
        .associate_public_ip_address(false)
        .delete_on_termination(true)
        .groups("sg-1")
        .ipv6_addresses(
            ec2::InstanceIpv6Address::builder()
                .ipv6_address("::1")
                .build(),
        )
        .build();
    let old = ec2::ResponseLaunchTemplateData::builder()
        .image_id("ami-1")
        .instance_type("m5.large".into())
        .key_name("ops")
        .user_data("bm90IG91cnM=")
        .ebs_optimized(true)
        .network_interfaces(interface)
        .iam_instance_profile(
            ec2::LaunchTemplateIamInstanceProfileSpecification::builder()
                .name("web")
                .build(),
        )
        .monitoring(
            ec2::LaunchTemplatesMonitoring::builder()
                .enabled(true)
                .build(),
        )
        .placement(
            ec2::LaunchTemplatePlacement::builder()
                .tenancy("dedicated".into())
                .group_name("g")
                .group_id("pg-1")
                .build(),
        )
        .metadata_options(
            ec2::LaunchTemplateInstanceMetadataOptions::builder()
                .http_tokens("required".into())
                .http_put_response_hop_limit(2)
                .instance_metadata_tags("enabled".into())
                .build(),
        )
        .tag_specifications(
            ec2::LaunchTemplateTagSpecification::builder()
                .resource_type("launch-template".into())
                .build(),
        )
        .tag_specifications(
            ec2::LaunchTemplateTagSpecification::builder()
                .resource_type("volume".into())
                .tags(ec2::Tag::builder().key("a").value("b").build())
                .build(),
        )
        .credit_specification(
            ec2::CreditSpecification::builder()
                .cpu_credits("unlimited")
                .build(),
        )
        .build();
    let new = copy(old);
    assert_eq!(
        (new.image_id(), new.key_name(), new.user_data()),
        (Some("ami-1"), Some("ops"), Some("bm90IG91cnM="))
    );
    assert_eq!(
        (new.ebs_optimized(), new.monitoring().unwrap().enabled()),
        (Some(true), Some(true))
    );
    let interface = &new.network_interfaces()[0];
    assert_eq!(
        (interface.associate_public_ip_address(), interface.groups()),
        (Some(false), &["sg-1".to_owned()][..])
    );
    assert_eq!(interface.ipv6_addresses()[0].ipv6_address(), Some("::1"));
    assert_eq!(new.iam_instance_profile().unwrap().name(), Some("web"));
    let placement = new.placement().unwrap();
    assert_eq!(
        (
            placement.tenancy().unwrap().as_str(),
            placement.group_name(),
            placement.group_id()
        ),
        ("dedicated", Some("g"), None)
    );
    let metadata = new.metadata_options().unwrap();
    assert_eq!(
        (
            metadata.http_tokens().unwrap().as_str(),
            metadata.http_put_response_hop_limit()
        ),
        ("required", Some(2))
    );
    assert_eq!(
        metadata.instance_metadata_tags().unwrap().as_str(),
        "enabled"
    );
    let kinds: Vec<&str> = new
        .tag_specifications()
        .iter()
        .map(|own| own.resource_type().unwrap().as_str())
        .collect();
    assert_eq!(
        kinds,
        ["volume"],
        "tags of the template itself are given anew"
    );
    assert_eq!(
        new.credit_specification().unwrap().cpu_credits(),
        Some("unlimited")
    );
}

#[test]
fn what_cannot_be_copied_is_refused() {
    let requirements = ec2::InstanceRequirements::builder().build();
    let old = ec2::ResponseLaunchTemplateData::builder()
        .instance_requirements(requirements)
        .build();
    let error = Source::Template(Box::new(old))
        .with_snapshot("t", "snap-2", 30)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "launch template t has instance requirements, which cannot be copied"
    );
}

#[test]
fn launch_configurations_are_converted() {
    let ebs = scaling::Ebs::builder()
        .snapshot_id("snap-1")
        .volume_size(20)
        .volume_type("io1")
        .iops(100)
        .build();
    let old = || {
        scaling::LaunchConfiguration::builder()
            .image_id("ami-1")
            .instance_type("m3.large")
            .security_groups("sg-1")
            .user_data("YQ==")
            .iam_instance_profile("arn:aws:iam::1:instance-profile/web")
            .placement_tenancy("dedicated")
            .spot_price("0.5")
            .metadata_options(
                scaling::InstanceMetadataOptions::builder()
                    .http_tokens("required".into())
                    .build(),
            )
            .block_device_mappings(
                scaling::BlockDeviceMapping::builder()
                    .device_name("/dev/sdb")
                    .ebs(ebs.clone())
                    .build(),
            )
            .block_device_mappings(
                scaling::BlockDeviceMapping::builder()
                    .device_name("/dev/sdc")
                    .no_device(true)
                    .build(),
            )
    };
    let new = converted(old().build());
    assert_eq!(
        (new.security_group_ids(), new.network_interfaces().len()),
        (&["sg-1".to_owned()][..], 0),
        "nothing is said about a public address"
    );
    assert_eq!(
        (
            new.user_data(),
            new.placement().unwrap().tenancy().unwrap().as_str()
        ),
        (Some("YQ=="), "dedicated")
    );
    assert_eq!(
        new.iam_instance_profile().unwrap().arn(),
        Some("arn:aws:iam::1:instance-profile/web")
    );
    assert_eq!(
        new.metadata_options()
            .unwrap()
            .http_tokens()
            .unwrap()
            .as_str(),
        "required"
    );
    assert_eq!(
        new.instance_market_options()
            .unwrap()
            .spot_options()
            .unwrap()
            .max_price(),
        Some("0.5")
    );
    let [data, none] = new.block_device_mappings() else {
        panic!("two devices")
    };
    let ebs = data.ebs().unwrap();
    assert_eq!(
        (
            ebs.snapshot_id(),
            ebs.volume_size(),
            ebs.iops(),
            ebs.volume_type().unwrap().as_str()
        ),
        (Some("snap-2"), Some(30), Some(100), "io1")
    );
    assert_eq!((none.no_device(), none.ebs().is_none()), (Some(""), true));

    let public = converted(old().associate_public_ip_address(true).build());
    let interface = &public.network_interfaces()[0];
    assert_eq!(
        (interface.associate_public_ip_address(), interface.groups()),
        (Some(true), &["sg-1".to_owned()][..])
    );
    assert!(public.security_group_ids().is_empty());
}
