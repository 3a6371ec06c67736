//! A launch template that is a copy of another launch object, but for one snapshot (spec 30, section 10). Pure.
//!
//! AWS copies versions only within a template, so every field is carried over here. What cannot be carried over is refused:
//! a copy that lacks something would be worse than none.

use crate::error::{Error, Result};
use aws_sdk_autoscaling::types::LaunchConfiguration;
use aws_sdk_ec2::types as ec2;

/// What a launch template or launch configuration holds, as AWS states it.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// A version of a template.
    Template(Box<ec2::ResponseLaunchTemplateData>),
    /// A launch configuration.
    Configuration(Box<LaunchConfiguration>),
}

/// The data of a template that is to be created.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateData(pub(super) Box<ec2::RequestLaunchTemplateData>);

/// Holds no numbers but whole ones: what has others is not copied.
impl Eq for TemplateData {}

/// A builder with the named fields of a value of another type.
macro_rules! copied {
    ($old:expr => $new:ident { $($set:ident $field:ident),* $(,)? }) => {
        ec2::$new::builder()$(.$set($old.$field.clone()))*
    };
}

impl Source {
    /// A copy in which the device that starts from a snapshot starts from another one, with that size.
    ///
    /// # Errors
    /// It holds something that cannot be copied; `name` says what in.
    pub(super) fn with_snapshot(
        &self,
        name: &str,
        snapshot_id: &str,
        size: i32,
    ) -> Result<TemplateData> {
        let mut data = match self {
            Self::Template(old) => template(name, old)?,
            Self::Configuration(old) => configuration(old),
        };
        for device in data.block_device_mappings.iter_mut().flatten() {
            if let Some(volume) = device.ebs.as_mut().filter(|ebs| ebs.snapshot_id.is_some()) {
                volume.snapshot_id = Some(snapshot_id.to_owned());
                volume.volume_size = Some(size);
            }
        }
        Ok(TemplateData(Box::new(data)))
    }
}

/// Parts that Asiaq never makes and does not copy.
fn refuse_uncopied(name: &str, old: &ec2::ResponseLaunchTemplateData) -> Result<()> {
    let parts = [
        ("instance requirements", old.instance_requirements.is_some()),
        (
            "secondary interfaces",
            old.secondary_interfaces
                .as_ref()
                .is_some_and(|all| !all.is_empty()),
        ),
        (
            "an operator",
            old.operator
                .as_ref()
                .is_some_and(|own| own.managed == Some(true)),
        ),
    ];
    let found: Vec<&str> = parts
        .iter()
        .filter(|(_, has)| *has)
        .map(|(what, _)| *what)
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    let text = format!(
        "launch template {name} has {}, which cannot be copied",
        found.join(" and ")
    );
    Err(Error::refused(text).with_hint("make a new version of it with the new snapshot by hand"))
}

fn template(
    name: &str,
    old: &ec2::ResponseLaunchTemplateData,
) -> Result<ec2::RequestLaunchTemplateData> {
    refuse_uncopied(name, old)?;
    let data = copied!(old => RequestLaunchTemplateData {
        set_kernel_id kernel_id, set_ebs_optimized ebs_optimized, set_image_id image_id,
        set_instance_type instance_type, set_key_name key_name, set_ram_disk_id ram_disk_id,
        set_disable_api_termination disable_api_termination, set_disable_api_stop disable_api_stop,
        set_instance_initiated_shutdown_behavior instance_initiated_shutdown_behavior,
        set_user_data user_data, set_security_group_ids security_group_ids, set_security_groups security_groups,
    });
    let profile = |own: &ec2::LaunchTemplateIamInstanceProfileSpecification| {
        copied!(own => LaunchTemplateIamInstanceProfileSpecificationRequest { set_arn arn, set_name name }).build()
    };
    let monitoring = |own: &ec2::LaunchTemplatesMonitoring| {
        copied!(own => LaunchTemplatesMonitoringRequest { set_enabled enabled }).build()
    };
    let metadata = |own: &ec2::LaunchTemplateInstanceMetadataOptions| {
        copied!(own => LaunchTemplateInstanceMetadataOptionsRequest {
            set_http_tokens http_tokens, set_http_put_response_hop_limit http_put_response_hop_limit,
            set_http_endpoint http_endpoint, set_http_protocol_ipv6 http_protocol_ipv6,
            set_instance_metadata_tags instance_metadata_tags,
        })
        .build()
    };
    let data = data
        .set_iam_instance_profile(old.iam_instance_profile.as_ref().map(profile))
        .set_block_device_mappings(each(&old.block_device_mappings, device))
        .set_network_interfaces(each(&old.network_interfaces, interface))
        .set_monitoring(old.monitoring.as_ref().map(monitoring))
        .set_placement(old.placement.as_ref().map(placement))
        .set_tag_specifications(tags(old))
        .set_metadata_options(old.metadata_options.as_ref().map(metadata));
    Ok(rarities(data, old).build())
}

/// The parts that hardly any template has.
fn rarities(
    data: ec2::builders::RequestLaunchTemplateDataBuilder,
    old: &ec2::ResponseLaunchTemplateData,
) -> ec2::builders::RequestLaunchTemplateDataBuilder {
    let credit = old.credit_specification.as_ref();
    let cpu = old.cpu_options.as_ref().map(|own| {
        copied!(own => LaunchTemplateCpuOptionsRequest {
            set_core_count core_count, set_threads_per_core threads_per_core, set_amd_sev_snp amd_sev_snp,
            set_nested_virtualization nested_virtualization,
        })
        .build()
    });
    let enclave = old.enclave_options.as_ref();
    let hibernation = old.hibernation_options.as_ref();
    let names = old.private_dns_name_options.as_ref().map(|own| {
        copied!(own => LaunchTemplatePrivateDnsNameOptionsRequest {
            set_hostname_type hostname_type,
            set_enable_resource_name_dns_a_record enable_resource_name_dns_a_record,
            set_enable_resource_name_dns_aaaa_record enable_resource_name_dns_aaaa_record,
        })
        .build()
    });
    let maintenance = old.maintenance_options.as_ref();
    let performance = old.network_performance_options.as_ref();
    data.set_instance_market_options(old.instance_market_options.as_ref().map(market))
        .set_capacity_reservation_specification(
            old.capacity_reservation_specification.as_ref().map(reservation),
        )
        .set_license_specifications(each(&old.license_specifications, |own| {
            copied!(own => LaunchTemplateLicenseConfigurationRequest {
                set_license_configuration_arn license_configuration_arn
            })
            .build()
        }))
        .set_credit_specification(credit.map(|own| {
            copied!(own => CreditSpecificationRequest { set_cpu_credits cpu_credits }).build()
        }))
        .set_cpu_options(cpu)
        .set_enclave_options(enclave.map(|own| {
            copied!(own => LaunchTemplateEnclaveOptionsRequest { set_enabled enabled }).build()
        }))
        .set_hibernation_options(hibernation.map(|own| {
            copied!(own => LaunchTemplateHibernationOptionsRequest { set_configured configured }).build()
        }))
        .set_private_dns_name_options(names)
        .set_maintenance_options(maintenance.map(|own| {
            copied!(own => LaunchTemplateInstanceMaintenanceOptionsRequest { set_auto_recovery auto_recovery })
                .build()
        }))
        .set_network_performance_options(performance.map(|own| {
            copied!(own => LaunchTemplateNetworkPerformanceOptionsRequest {
                set_bandwidth_weighting bandwidth_weighting
            })
            .build()
        }))
}

fn each<A, B>(list: &Option<Vec<A>>, convert: impl Fn(&A) -> B) -> Option<Vec<B>> {
    let converted: Vec<B> = list.iter().flatten().map(convert).collect();
    Some(converted).filter(|list| !list.is_empty())
}

fn device(
    own: &ec2::LaunchTemplateBlockDeviceMapping,
) -> ec2::LaunchTemplateBlockDeviceMappingRequest {
    let volume = |ebs: &ec2::LaunchTemplateEbsBlockDevice| {
        copied!(ebs => LaunchTemplateEbsBlockDeviceRequest {
            set_encrypted encrypted, set_delete_on_termination delete_on_termination, set_iops iops,
            set_kms_key_id kms_key_id, set_snapshot_id snapshot_id, set_volume_size volume_size,
            set_volume_type volume_type, set_throughput throughput,
            set_volume_initialization_rate volume_initialization_rate, set_ebs_card_index ebs_card_index,
        })
        .build()
    };
    copied!(own => LaunchTemplateBlockDeviceMappingRequest {
        set_device_name device_name, set_virtual_name virtual_name, set_no_device no_device,
    })
    .set_ebs(own.ebs.as_ref().map(volume))
    .build()
}

fn interface(
    own: &ec2::LaunchTemplateInstanceNetworkInterfaceSpecification,
) -> ec2::LaunchTemplateInstanceNetworkInterfaceSpecificationRequest {
    let tracking = own.connection_tracking_specification.as_ref().map(|own| {
        copied!(own => ConnectionTrackingSpecificationRequest {
            set_tcp_established_timeout tcp_established_timeout, set_udp_timeout udp_timeout,
            set_udp_stream_timeout udp_stream_timeout,
        })
        .build()
    });
    let express = own.ena_srd_specification.as_ref().map(|own| {
        let udp = own.ena_srd_udp_specification.as_ref().map(|udp| {
            copied!(udp => EnaSrdUdpSpecificationRequest { set_ena_srd_udp_enabled ena_srd_udp_enabled }).build()
        });
        copied!(own => EnaSrdSpecificationRequest { set_ena_srd_enabled ena_srd_enabled })
            .set_ena_srd_udp_specification(udp)
            .build()
    });
    copied!(own => LaunchTemplateInstanceNetworkInterfaceSpecificationRequest {
        set_associate_carrier_ip_address associate_carrier_ip_address,
        set_associate_public_ip_address associate_public_ip_address,
        set_delete_on_termination delete_on_termination, set_description description,
        set_device_index device_index, set_groups groups, set_interface_type interface_type,
        set_ipv6_address_count ipv6_address_count, set_network_interface_id network_interface_id,
        set_private_ip_address private_ip_address, set_private_ip_addresses private_ip_addresses,
        set_secondary_private_ip_address_count secondary_private_ip_address_count, set_subnet_id subnet_id,
        set_network_card_index network_card_index, set_ipv4_prefix_count ipv4_prefix_count,
        set_ipv6_prefix_count ipv6_prefix_count, set_primary_ipv6 primary_ipv6,
        set_ena_queue_count ena_queue_count,
    })
    .set_ipv6_addresses(each(&own.ipv6_addresses, |own| {
        copied!(own => InstanceIpv6AddressRequest { set_ipv6_address ipv6_address }).build()
    }))
    .set_ipv4_prefixes(each(&own.ipv4_prefixes, |own| {
        copied!(own => Ipv4PrefixSpecificationRequest { set_ipv4_prefix ipv4_prefix }).build()
    }))
    .set_ipv6_prefixes(each(&own.ipv6_prefixes, |own| {
        copied!(own => Ipv6PrefixSpecificationRequest { set_ipv6_prefix ipv6_prefix }).build()
    }))
    .set_connection_tracking_specification(tracking)
    .set_ena_srd_specification(express)
    .build()
}

fn placement(own: &ec2::LaunchTemplatePlacement) -> ec2::LaunchTemplatePlacementRequest {
    // AWS takes a placement group by name or by id, and states both.
    let group_id = own.group_id.clone().filter(|_| own.group_name.is_none());
    copied!(own => LaunchTemplatePlacementRequest {
        set_availability_zone availability_zone, set_affinity affinity, set_group_name group_name,
        set_host_id host_id, set_tenancy tenancy, set_spread_domain spread_domain,
        set_host_resource_group_arn host_resource_group_arn, set_partition_number partition_number,
    })
    .set_group_id(group_id)
    .build()
}

/// Tags of what the template launches. Those of the template itself are given when it is created.
fn tags(
    old: &ec2::ResponseLaunchTemplateData,
) -> Option<Vec<ec2::LaunchTemplateTagSpecificationRequest>> {
    let own = old.tag_specifications.iter().flatten();
    let launched = own.filter(|own| own.resource_type != Some(ec2::ResourceType::LaunchTemplate));
    let converted: Vec<_> = launched
        .map(|own| {
            copied!(own => LaunchTemplateTagSpecificationRequest {
                set_resource_type resource_type, set_tags tags
            })
            .build()
        })
        .collect();
    Some(converted).filter(|list| !list.is_empty())
}

fn market(
    own: &ec2::LaunchTemplateInstanceMarketOptions,
) -> ec2::LaunchTemplateInstanceMarketOptionsRequest {
    let spot = own.spot_options.as_ref().map(|own| {
        copied!(own => LaunchTemplateSpotMarketOptionsRequest {
            set_max_price max_price, set_spot_instance_type spot_instance_type,
            set_block_duration_minutes block_duration_minutes, set_valid_until valid_until,
            set_instance_interruption_behavior instance_interruption_behavior,
        })
        .build()
    });
    copied!(own => LaunchTemplateInstanceMarketOptionsRequest { set_market_type market_type })
        .set_spot_options(spot)
        .build()
}

fn reservation(
    own: &ec2::LaunchTemplateCapacityReservationSpecificationResponse,
) -> ec2::LaunchTemplateCapacityReservationSpecificationRequest {
    let target = own.capacity_reservation_target.as_ref().map(|own| {
        copied!(own => CapacityReservationTarget {
            set_capacity_reservation_id capacity_reservation_id,
            set_capacity_reservation_resource_group_arn capacity_reservation_resource_group_arn,
        })
        .build()
    });
    copied!(own => LaunchTemplateCapacityReservationSpecificationRequest {
        set_capacity_reservation_preference capacity_reservation_preference
    })
    .set_capacity_reservation_target(target)
    .build()
}

/// A launch configuration as template data; what it lacks the template lacks too (spec 30, sections 4.1 and 10).
fn configuration(old: &LaunchConfiguration) -> ec2::RequestLaunchTemplateData {
    let text = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
    let groups = Some(old.security_groups().to_vec()).filter(|groups| !groups.is_empty());
    let data = ec2::RequestLaunchTemplateData::builder()
        .set_image_id(text(&old.image_id))
        .set_instance_type(text(&old.instance_type).map(|name| name.as_str().into()))
        .set_key_name(text(&old.key_name))
        .set_kernel_id(text(&old.kernel_id))
        .set_ram_disk_id(text(&old.ramdisk_id))
        .set_user_data(text(&old.user_data))
        .set_ebs_optimized(old.ebs_optimized)
        .set_block_device_mappings(each(&old.block_device_mappings, device_of_configuration));
    // Only with an interface can a template say whether there is a public address; groups then belong into it.
    let data = match old.associate_public_ip_address {
        Some(public) => data.network_interfaces(
            ec2::LaunchTemplateInstanceNetworkInterfaceSpecificationRequest::builder()
                .device_index(0)
                .delete_on_termination(true)
                .associate_public_ip_address(public)
                .set_groups(groups)
                .build(),
        ),
        None => data.set_security_group_ids(groups),
    };
    let monitoring = old.instance_monitoring.as_ref().map(|own| {
        copied!(own => LaunchTemplatesMonitoringRequest { set_enabled enabled }).build()
    });
    let tenancy = text(&old.placement_tenancy).map(|tenancy| {
        ec2::LaunchTemplatePlacementRequest::builder()
            .tenancy(tenancy.as_str().into())
            .build()
    });
    let price = text(&old.spot_price).map(|price| {
        let spot = ec2::LaunchTemplateSpotMarketOptionsRequest::builder()
            .max_price(price)
            .build();
        ec2::LaunchTemplateInstanceMarketOptionsRequest::builder()
            .market_type(ec2::MarketType::Spot)
            .spot_options(spot)
            .build()
    });
    let metadata = old.metadata_options.as_ref().map(|own| {
        ec2::LaunchTemplateInstanceMetadataOptionsRequest::builder()
            .set_http_tokens(own.http_tokens().map(|word| word.as_str().into()))
            .set_http_endpoint(own.http_endpoint().map(|word| word.as_str().into()))
            .set_http_put_response_hop_limit(own.http_put_response_hop_limit())
            .build()
    });
    let profile = text(&old.iam_instance_profile);
    data.set_monitoring(monitoring)
        .set_placement(tenancy)
        .set_instance_market_options(price)
        .set_metadata_options(metadata)
        .set_iam_instance_profile(profile.as_deref().map(super::template::profile_request))
        .build()
}

fn device_of_configuration(
    own: &aws_sdk_autoscaling::types::BlockDeviceMapping,
) -> ec2::LaunchTemplateBlockDeviceMappingRequest {
    let text = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
    let volume = own.ebs.as_ref().map(|ebs| {
        copied!(ebs => LaunchTemplateEbsBlockDeviceRequest {
            set_encrypted encrypted, set_delete_on_termination delete_on_termination, set_iops iops,
            set_volume_size volume_size, set_throughput throughput,
        })
        .set_volume_type(text(&ebs.volume_type).map(|kind| kind.as_str().into()))
        .set_snapshot_id(text(&ebs.snapshot_id))
        .build()
    });
    ec2::LaunchTemplateBlockDeviceMappingRequest::builder()
        .set_device_name(own.device_name.clone())
        .set_virtual_name(text(&own.virtual_name))
        .set_no_device(own.no_device.filter(|omit| *omit).map(|_| String::new()))
        .set_ebs(volume)
        .build()
}

#[cfg(test)]
mod tests;
