//! Launch content as AWS knows it: to a launch template's data, and back from templates and launch configurations.

use super::launch::{BlockDevice, BlockDeviceKind, LaunchSpec};
use aws_sdk_autoscaling::types::LaunchConfiguration;
use aws_sdk_ec2::types as ec2;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The data of a launch template. There is always exactly one network interface, since the public address is explicit;
/// so security groups go into it (spec 30, section 4.1).
pub(super) fn template_data(spec: &LaunchSpec) -> ec2::RequestLaunchTemplateData {
    let interface = ec2::LaunchTemplateInstanceNetworkInterfaceSpecificationRequest::builder()
        .device_index(0)
        .associate_public_ip_address(spec.public_ip)
        .delete_on_termination(true)
        .set_groups(Some(spec.security_groups.clone()).filter(|groups| !groups.is_empty()))
        .build();
    let devices: Vec<_> = spec.sent_devices().map(device_request).collect();
    let user_data = Some(STANDARD.encode(&spec.user_data)).filter(|_| !spec.user_data.is_empty());
    let tokens = |text: &String| {
        ec2::LaunchTemplateInstanceMetadataOptionsRequest::builder()
            .http_tokens(text.as_str().into())
            .build()
    };
    ec2::RequestLaunchTemplateData::builder()
        .image_id(&spec.image_id)
        .instance_type(spec.instance_type.as_str().into())
        .set_key_name(spec.key_name.clone())
        .network_interfaces(interface)
        .set_block_device_mappings(Some(devices).filter(|devices| !devices.is_empty()))
        .monitoring(
            ec2::LaunchTemplatesMonitoringRequest::builder()
                .enabled(spec.monitoring)
                .build(),
        )
        .set_iam_instance_profile(spec.instance_profile.as_deref().map(profile_request))
        .ebs_optimized(spec.ebs_optimized)
        .set_user_data(user_data)
        .set_metadata_options(spec.http_tokens.as_ref().map(tokens))
        .build()
}

/// A profile by ARN or by name.
pub(super) fn profile_request(
    profile: &str,
) -> ec2::LaunchTemplateIamInstanceProfileSpecificationRequest {
    let request = ec2::LaunchTemplateIamInstanceProfileSpecificationRequest::builder();
    if profile.starts_with("arn:") {
        request.arn(profile).build()
    } else {
        request.name(profile).build()
    }
}

fn device_request(device: &BlockDevice) -> ec2::LaunchTemplateBlockDeviceMappingRequest {
    let request =
        ec2::LaunchTemplateBlockDeviceMappingRequest::builder().device_name(&device.device);
    match &device.kind {
        BlockDeviceKind::Ephemeral(name) => request.virtual_name(name).build(),
        BlockDeviceKind::Ebs {
            size,
            iops,
            volume_type,
            snapshot_id,
            delete_on_termination,
        } => {
            let volume = ec2::LaunchTemplateEbsBlockDeviceRequest::builder()
                .delete_on_termination(*delete_on_termination)
                .set_volume_size(*size)
                .set_iops(*iops)
                .set_volume_type(volume_type.as_deref().map(Into::into))
                .set_snapshot_id(snapshot_id.clone());
            request.ebs(volume.build()).build()
        }
    }
}

/// The content of a template's version. Security groups count whether they are in the interface or beside it.
pub(super) fn spec_of_template(data: &ec2::ResponseLaunchTemplateData) -> LaunchSpec {
    let interface = data.network_interfaces().first();
    let groups = interface.map_or(data.security_group_ids(), |interface| interface.groups());
    let profile = data
        .iam_instance_profile()
        .and_then(|p| p.arn().or(p.name()));
    let tokens = data
        .metadata_options()
        .and_then(|options| options.http_tokens());
    LaunchSpec {
        image_id: data.image_id().unwrap_or_default().to_owned(),
        instance_type: data
            .instance_type()
            .map(|t| t.as_str().to_owned())
            .unwrap_or_default(),
        key_name: filled(data.key_name()),
        security_groups: groups.to_vec(),
        public_ip: interface
            .and_then(|i| i.associate_public_ip_address())
            .unwrap_or(false),
        block_devices: data
            .block_device_mappings()
            .iter()
            .filter_map(device_of_template)
            .collect(),
        monitoring: data.monitoring().and_then(|m| m.enabled()).unwrap_or(false),
        instance_profile: filled(profile),
        ebs_optimized: data.ebs_optimized().unwrap_or(false),
        user_data: decoded(data.user_data()),
        http_tokens: tokens.map(|state| state.as_str().to_owned()),
    }
}

fn device_of_template(mapping: &ec2::LaunchTemplateBlockDeviceMapping) -> Option<BlockDevice> {
    let volume = |ebs: &ec2::LaunchTemplateEbsBlockDevice| BlockDeviceKind::Ebs {
        size: ebs.volume_size(),
        iops: ebs.iops(),
        volume_type: ebs.volume_type().map(|t| t.as_str().to_owned()),
        snapshot_id: filled(ebs.snapshot_id()),
        delete_on_termination: ebs.delete_on_termination().unwrap_or(true),
    };
    let volume = mapping.ebs().map(volume);
    device(mapping.device_name(), mapping.virtual_name(), volume)
}

/// The content of a launch configuration.
pub(super) fn spec_of_configuration(configuration: &LaunchConfiguration) -> LaunchSpec {
    let tokens = configuration
        .metadata_options()
        .and_then(|options| options.http_tokens());
    LaunchSpec {
        image_id: configuration.image_id().unwrap_or_default().to_owned(),
        instance_type: configuration.instance_type().unwrap_or_default().to_owned(),
        key_name: filled(configuration.key_name()),
        security_groups: configuration.security_groups().to_vec(),
        public_ip: configuration.associate_public_ip_address().unwrap_or(false),
        block_devices: configuration
            .block_device_mappings()
            .iter()
            .filter_map(device_of_configuration)
            .collect(),
        monitoring: configuration
            .instance_monitoring()
            .and_then(|m| m.enabled())
            .unwrap_or(false),
        instance_profile: filled(configuration.iam_instance_profile()),
        ebs_optimized: configuration.ebs_optimized().unwrap_or(false),
        user_data: decoded(configuration.user_data()),
        http_tokens: tokens.map(|state| state.as_str().to_owned()),
    }
}

fn device_of_configuration(
    mapping: &aws_sdk_autoscaling::types::BlockDeviceMapping,
) -> Option<BlockDevice> {
    let volume = |ebs: &aws_sdk_autoscaling::types::Ebs| BlockDeviceKind::Ebs {
        size: ebs.volume_size(),
        iops: ebs.iops(),
        volume_type: filled(ebs.volume_type()),
        snapshot_id: filled(ebs.snapshot_id()),
        delete_on_termination: ebs.delete_on_termination().unwrap_or(true),
    };
    let volume = mapping.ebs().map(volume);
    device(mapping.device_name(), mapping.virtual_name(), volume)
}

/// A volume, else an instance store; `None` if it is neither.
fn device(
    name: Option<&str>,
    virtual_name: Option<&str>,
    volume: Option<BlockDeviceKind>,
) -> Option<BlockDevice> {
    let ephemeral = || filled(virtual_name).map(BlockDeviceKind::Ephemeral);
    Some(BlockDevice {
        device: name?.to_owned(),
        kind: volume.or_else(ephemeral)?,
    })
}

fn filled(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// User data as text. What is not base64 of UTF-8 was not written by Asiaq and stays as it is, so it never equals ours.
fn decoded(user_data: Option<&str>) -> String {
    let encoded = user_data.unwrap_or_default();
    let text = STANDARD
        .decode(encoded)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    text.unwrap_or_else(|| encoded.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::launch::tests::{spec, volume};
    use super::*;

    #[test]
    fn data_of_a_template_as_the_specification_lists_it() {
        let data = template_data(&spec());
        let interface = data.network_interfaces().first().unwrap();
        assert_eq!(
            (
                interface.device_index(),
                interface.delete_on_termination(),
                interface.associate_public_ip_address()
            ),
            (Some(0), Some(true), Some(false))
        );
        assert_eq!(interface.groups(), ["sg-1", "sg-2"]);
        assert!(
            data.security_group_ids().is_empty()
                && data.metadata_options().is_none()
                && interface.subnet_id().is_none()
        );
        assert_eq!(data.iam_instance_profile().unwrap().name(), Some("web"));
        assert_eq!(
            data.user_data(),
            Some("aG9zdGNsYXNzPSJtaGN3ZWIiCm93bmVyPSJhbm4i")
        );
        assert_eq!(data.monitoring().unwrap().enabled(), Some(false));
    }

    #[test]
    fn absent_things_are_left_out_and_arns_are_recognised() {
        let bare = LaunchSpec {
            key_name: None,
            instance_profile: Some("arn:aws:iam::1:instance-profile/web".into()),
            block_devices: Vec::new(),
            user_data: String::new(),
            ..spec()
        };
        let data = template_data(&bare);
        assert!(
            data.key_name().is_none()
                && data.user_data().is_none()
                && data.block_device_mappings.is_none()
        );
        let profile = data.iam_instance_profile().unwrap();
        assert_eq!(
            (profile.arn(), profile.name()),
            (Some("arn:aws:iam::1:instance-profile/web"), None)
        );
        assert!(
            template_data(&LaunchSpec {
                instance_profile: None,
                ..spec()
            })
            .iam_instance_profile()
            .is_none()
        );
    }

    fn sent(devices: Vec<BlockDevice>) -> Vec<ec2::LaunchTemplateBlockDeviceMappingRequest> {
        let spec = LaunchSpec {
            block_devices: devices,
            ..spec()
        };
        template_data(&spec).block_device_mappings().to_vec()
    }

    #[test]
    fn volumes_of_section_4_2() {
        let root = |size| volume("/dev/sda1", size, None, None);
        let extra = sent(vec![root(None), volume("/dev/sdb", Some(50), None, None)]);
        let found: Vec<_> = extra
            .iter()
            .map(|d| (d.device_name(), d.ebs().unwrap().volume_size()))
            .collect();
        assert_eq!(found, [(Some("/dev/sdb"), Some(50))]);
        let both = sent(vec![
            root(Some(20)),
            volume("/dev/sdb", Some(40), Some(500), Some("snap-1")),
        ]);
        let (root, disk) = (both[0].ebs().unwrap(), both[1].ebs().unwrap());
        assert_eq!(
            (
                root.volume_size(),
                root.iops(),
                root.volume_type(),
                root.snapshot_id()
            ),
            (Some(20), None, None, None)
        );
        assert_eq!(
            (disk.volume_size(), disk.iops(), disk.snapshot_id()),
            (Some(40), Some(500), Some("snap-1"))
        );
        assert_eq!(
            (disk.volume_type().map(|t| t.as_str()), disk.encrypted()),
            (Some("io1"), None)
        );
    }

    #[test]
    fn instance_stores_of_section_4_2() {
        let ephemeral = |n: u8| BlockDevice {
            device: format!("/dev/sd{n}"),
            kind: BlockDeviceKind::Ephemeral(format!("ephemeral{n}")),
        };
        let found = sent(vec![
            volume("/dev/sda1", None, None, None),
            ephemeral(0),
            ephemeral(1),
        ]);
        let names: Vec<_> = found.iter().map(|d| d.virtual_name().unwrap()).collect();
        assert_eq!(names, ["ephemeral0", "ephemeral1"]);
    }

    #[test]
    fn old_configurations_are_read_without_the_parts_they_lack() {
        let bare = LaunchConfiguration::builder()
            .launch_configuration_name("n")
            .image_id("ami-1")
            .instance_type("m3.large")
            .iam_instance_profile("")
            .build();
        let spec = spec_of_configuration(&bare);
        assert_eq!(
            (
                spec.image_id.as_str(),
                spec.instance_type.as_str(),
                spec.instance_profile
            ),
            ("ami-1", "m3.large", None)
        );
        assert_eq!(
            (spec.user_data.as_str(), spec.key_name, spec.public_ip),
            ("", None, false)
        );
    }

    #[test]
    fn foreign_user_data_is_kept_as_it_is() {
        for (given, wanted) in [
            (Some("YT0iYiI="), "a=\"b\""),
            (Some("not base64!"), "not base64!"),
            (Some("/w=="), "/w=="),
            (None, ""),
        ] {
            assert_eq!(decoded(given), wanted);
        }
    }
}
