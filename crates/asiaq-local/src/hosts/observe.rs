//! Reads instances, images and keys from the endpoint. Changes nothing.

use super::images::Image;
use super::network::Addresses;
use super::plan::{Life, Observed};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::Instance;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

/// What one round sees.
#[derive(Debug, Clone, Default)]
pub(crate) struct Look {
    /// In order of launch.
    pub(crate) instances: Vec<Instance>,
    /// In order of creation. Read after the instances, so that it has every image from which one of them was launched.
    pub(crate) images: Vec<Image>,
}

/// How long one call may take; an endpoint that hangs must not hold up the hosts.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// Looks once.
pub(crate) async fn look(client: &Client) -> Result<Look, String> {
    Ok(Look {
        instances: in_time(instances(client)).await?,
        images: in_time(images(client)).await?,
    })
}

/// What a call gives, if it does so soon enough.
pub(crate) async fn in_time<T>(call: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let limit = CALL_LIMIT.as_secs();
    tokio::time::timeout(CALL_LIMIT, call)
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {limit} s")))
}

async fn instances(client: &Client) -> Result<Vec<Instance>, String> {
    let pages = client.describe_instances().into_paginator().items().send();
    let reservations = pages
        .collect::<Result<Vec<_>, _>>()
        .await
        .map_err(|error| error.into_service_error().to_string())?;
    let mut found: Vec<Instance> = reservations
        .into_iter()
        .flat_map(|one| one.instances.unwrap_or_default())
        .collect();
    found.sort_by_cached_key(|instance| {
        let launched = instance.launch_time().map(|time| time.as_nanos());
        (
            launched,
            instance.ami_launch_index(),
            instance.instance_id().map(str::to_owned),
        )
    });
    Ok(found)
}

async fn images(client: &Client) -> Result<Vec<Image>, String> {
    let pages = client
        .describe_images()
        .owners("self")
        .into_paginator()
        .items()
        .send();
    let mut found = pages
        .collect::<Result<Vec<_>, _>>()
        .await
        .map_err(|error| error.into_service_error().to_string())?;
    found.sort_by(|one, other| one.creation_date().cmp(&other.creation_date()));
    let image = |image: aws_sdk_ec2::types::Image| Image {
        id: image.image_id.unwrap_or_default(),
        instance: image.source_instance_id,
        copy_of: image.source_image_id,
    };
    Ok(found.into_iter().map(image).collect())
}

/// Public keys by name of the key pair.
pub(crate) async fn keys(client: &Client) -> Result<BTreeMap<String, String>, String> {
    let answer = client
        .describe_key_pairs()
        .include_public_key(true)
        .send()
        .await
        .map_err(|error| error.into_service_error().to_string())?;
    let pair = |key: &aws_sdk_ec2::types::KeyPairInfo| {
        Some((
            key.key_name()?.to_owned(),
            key.public_key()?.trim().to_owned(),
        ))
    };
    Ok(answer.key_pairs().iter().filter_map(pair).collect())
}

/// What an instance wants of its host.
pub(crate) fn observed(instance: &Instance) -> Observed {
    let state = instance.state().and_then(|state| state.name());
    Observed {
        id: instance.instance_id().unwrap_or_default().to_owned(),
        life: Life::of(state.map_or("", |name| name.as_str())),
        addresses: addresses(instance),
    }
}

/// Its addresses, in order, each once.
fn addresses(instance: &Instance) -> Addresses {
    let mut found = Addresses::default();
    add(&mut found.private, instance.private_ip_address());
    add(&mut found.public, instance.public_ip_address());
    for interface in instance.network_interfaces() {
        for address in interface.private_ip_addresses() {
            add(&mut found.private, address.private_ip_address());
            let public = address.association().and_then(|one| one.public_ip());
            add(&mut found.public, public);
        }
        add(&mut found.private, interface.private_ip_address());
        add(
            &mut found.public,
            interface.association().and_then(|one| one.public_ip()),
        );
    }
    found
}

/// Addresses that cannot be routed to a host are left out.
fn add(list: &mut Vec<Ipv4Addr>, text: Option<&str>) {
    let Some(ip) = text.and_then(|text| text.parse::<Ipv4Addr>().ok()) else {
        return;
    };
    let usable =
        !(ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || ip.is_multicast());
    if usable && !list.contains(&ip) {
        list.push(ip);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use aws_sdk_ec2::types::{
        InstanceNetworkInterface, InstanceNetworkInterfaceAssociation, InstancePrivateIpAddress,
        InstanceState, InstanceStateName,
    };

    #[test]
    fn addresses_of_all_interfaces_once_the_primary_first() {
        let private = |ip: &str| {
            InstancePrivateIpAddress::builder()
                .private_ip_address(ip)
                .build()
        };
        let interface = |ips: &[&str], public: Option<&str>| {
            let association = InstanceNetworkInterfaceAssociation::builder();
            InstanceNetworkInterface::builder()
                .set_private_ip_addresses(Some(ips.iter().map(|ip| private(ip)).collect()))
                .association(association.set_public_ip(public.map(str::to_owned)).build())
                .build()
        };
        let instance = Instance::builder()
            .instance_id("i-1")
            .state(
                InstanceState::builder()
                    .name(InstanceStateName::Running)
                    .build(),
            )
            .private_ip_address("10.0.0.9")
            .public_ip_address("54.0.0.1")
            .network_interfaces(interface(&["10.0.0.5", "10.0.0.9"], Some("54.0.0.1")))
            .network_interfaces(interface(&["10.0.0.6", "127.0.0.1"], Some("127.3.3.3")))
            .build();
        let found = observed(&instance);
        assert_eq!((found.id.as_str(), found.life), ("i-1", Life::Running));
        let text = |list: &[Ipv4Addr]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            text(&found.addresses.private),
            ["10.0.0.9", "10.0.0.5", "10.0.0.6"]
        );
        assert_eq!(
            text(&found.addresses.public),
            ["54.0.0.1"],
            "no address of loopback"
        );
    }
}
