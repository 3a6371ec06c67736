//! Reads a host's identity from what EC2 says about its instance.

use super::identity::{Identity, Interface, PublicKey};
use crate::cloud::REGION;
use aws_sdk_ec2::types::{
    HttpTokensState, Instance, InstanceMetadataEndpointState, InstanceNetworkInterface,
};
use base64::Engine as _;

/// The account of the local cloud.
const ACCOUNT: &str = "123456789012";

/// The identity of an instance. User data and key do not change while it lives, so they are passed in.
pub fn identity(
    instance: &Instance,
    user_data: Option<Vec<u8>>,
    key: Option<PublicKey>,
) -> Identity {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let zone = instance.placement().and_then(|p| p.availability_zone());
    let tokens = instance.metadata_options().and_then(|o| o.http_tokens());
    let endpoint = instance.metadata_options().and_then(|o| o.http_endpoint());
    let tags = instance.tags().iter();
    let groups = instance.security_groups().iter();
    Identity {
        instance_id: text(instance.instance_id()),
        image_id: text(instance.image_id()),
        instance_type: instance
            .instance_type()
            .map_or_else(String::new, |kind| kind.as_str().to_owned()),
        architecture: instance
            .architecture()
            .map_or("x86_64", |value| value.as_str())
            .to_owned(),
        account_id: ACCOUNT.to_owned(),
        region: zone.map_or(REGION, region_of).to_owned(),
        availability_zone: text(zone),
        launched: instance
            .launch_time()
            .and_then(|time| {
                time.fmt(aws_sdk_ec2::primitives::DateTimeFormat::DateTime)
                    .ok()
            })
            .unwrap_or_default(),
        hostname: text(instance.private_dns_name()),
        private_ip: text(instance.private_ip_address()),
        public_ip: present(instance.public_ip_address()),
        interfaces: instance
            .network_interfaces()
            .iter()
            .map(interface)
            .collect(),
        security_groups: groups
            .filter_map(|group| present(group.group_name()))
            .collect(),
        key,
        role: instance
            .iam_instance_profile()
            .and_then(|profile| profile.arn())
            .and_then(|arn| present(arn.rsplit('/').next())),
        tags: tags
            .filter_map(|tag| Some((tag.key()?.to_owned(), text(tag.value()))))
            .collect(),
        user_data,
        disabled: endpoint == Some(&InstanceMetadataEndpointState::Disabled),
        token_required: tokens == Some(&HttpTokensState::Required),
    }
}

/// User data as an instance attribute has it: base64.
///
/// # Errors
/// EC2 refuses the request.
pub async fn user_data(
    client: &aws_sdk_ec2::Client,
    instance: &str,
) -> Result<Option<Vec<u8>>, aws_sdk_ec2::Error> {
    let answer = client
        .describe_instance_attribute()
        .instance_id(instance)
        .attribute(aws_sdk_ec2::types::InstanceAttributeName::UserData)
        .send()
        .await?;
    let text = answer.user_data().and_then(|data| data.value());
    Ok(text.and_then(decoded))
}

/// Decodes user data. Empty counts as none; text that is not base64 is taken as it stands.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(compact);
    let bytes = bytes.unwrap_or_else(|_| text.as_bytes().to_vec());
    (!bytes.is_empty()).then_some(bytes)
}

fn interface(interface: &InstanceNetworkInterface) -> Interface {
    let all = interface.private_ip_addresses();
    let mut addresses: Vec<String> = present(interface.private_ip_address())
        .into_iter()
        .collect();
    for address in all.iter().filter_map(|a| present(a.private_ip_address())) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    let public = |a: &aws_sdk_ec2::types::InstancePrivateIpAddress| {
        present(a.association().and_then(|found| found.public_ip()))
    };
    let mac = interface.mac_address().unwrap_or_default();
    Interface {
        mac: mac.to_lowercase(),
        id: interface
            .network_interface_id()
            .unwrap_or_default()
            .to_owned(),
        device_number: interface
            .attachment()
            .and_then(|attachment| attachment.device_index())
            .unwrap_or_default(),
        public: all.iter().filter_map(public).collect(),
        addresses,
        subnet_id: present(interface.subnet_id()),
        vpc_id: present(interface.vpc_id()),
    }
}

fn present(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// `us-west-2` of `us-west-2a`.
fn region_of(zone: &str) -> &str {
    zone.trim_end_matches(|last: char| last.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use aws_sdk_ec2::types::{
        IamInstanceProfile, InstanceMetadataOptionsResponse, InstanceNetworkInterfaceAttachment,
        Placement, Tag,
    };

    #[test]
    fn an_identity_is_what_ec2_says() {
        let attachment = InstanceNetworkInterfaceAttachment::builder().device_index(0);
        let interface = InstanceNetworkInterface::builder()
            .mac_address("1B:2B:3C:4D:5E:6F")
            .network_interface_id("eni-1")
            .private_ip_address("10.0.0.4")
            .subnet_id("subnet-1")
            .attachment(attachment.build());
        let required = InstanceMetadataOptionsResponse::builder()
            .http_tokens(HttpTokensState::Required)
            .http_endpoint(InstanceMetadataEndpointState::Disabled)
            .build();
        let profile = IamInstanceProfile::builder().arn("arn:aws:iam::1:instance-profile/path/web");
        let instance = Instance::builder()
            .instance_id("i-1")
            .placement(Placement::builder().availability_zone("us-west-2b").build())
            .network_interfaces(interface.build())
            .iam_instance_profile(profile.build())
            .public_ip_address("")
            .tags(Tag::builder().key("hostclass").value("mhcweb").build());
        let plain = identity(&instance.clone().build(), Some(b"x".to_vec()), None);
        assert!(!plain.token_required, "nothing said: IMDSv1 works too");
        assert!(!plain.disabled);
        assert_eq!(
            (plain.region.as_str(), plain.architecture.as_str()),
            ("us-west-2", "x86_64")
        );
        assert_eq!(plain.role.as_deref(), Some("web"));
        assert_eq!(plain.public_ip, None);
        assert_eq!(plain.primary().unwrap().mac, "1b:2b:3c:4d:5e:6f");
        assert_eq!(plain.primary().unwrap().addresses, ["10.0.0.4"]);
        assert_eq!(plain.tags["hostclass"], "mhcweb");
        let strict = identity(&instance.metadata_options(required).build(), None, None);
        assert!(strict.token_required && strict.disabled);
    }

    #[test]
    fn user_data_is_decoded() {
        for (text, want) in [
            ("aG9zdGNsYXNzPSJ4Igo=", Some(&b"hostclass=\"x\"\n"[..])),
            ("aG9z\ndGNsYXNzPSJ4Igo=\n", Some(b"hostclass=\"x\"\n")),
            ("plain=\"text\"", Some(b"plain=\"text\"")),
            ("", None),
        ] {
            assert_eq!(decoded(text).as_deref(), want, "{text:?}");
        }
    }
}
