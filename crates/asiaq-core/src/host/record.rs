//! The record of an instance. SDK types stop here.

use crate::aws::{Tags, tags_of};
use crate::names::tag;
use chrono::{DateTime, Utc};

/// An instance of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Instance id.
    pub id: String,
    /// `pending`, `running`, `shutting-down`, `terminated`, `stopping`, `stopped`.
    pub state: String,
    /// Image id.
    pub image_id: String,
    /// Instance type.
    pub instance_type: String,
    /// Public IPv4 address.
    pub public_ip: Option<String>,
    /// The address to reach it at from inside: with one interface its address, with more that of the second (the
    /// floating one), with none the instance's own.
    pub private_ip: Option<String>,
    /// Private addresses, that of the primary interface first.
    pub addresses: Vec<String>,
    /// Availability zone.
    pub zone: String,
    /// Name of the first security group.
    pub security_group: Option<String>,
    /// Launch time.
    pub launched: Option<DateTime<Utc>>,
    /// All tags.
    pub tags: Tags,
}

impl Host {
    /// Tag `hostclass`.
    pub fn hostclass(&self) -> Option<&str> {
        self.tag(tag::HOSTCLASS)
    }

    /// A tag's value.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.get(key).map(String::as_str)
    }

    /// Name of the group that it is in: an Auto Scaling group, or an Elastigroup, which tags its hosts itself (spec 30,
    /// section 15).
    pub fn group(&self) -> Option<&str> {
        let spot = || {
            self.tag(tag::SPOTINST)
                .filter(|value| *value == "True")
                .and(self.tag(tag::GROUP_NAME))
        };
        self.tag(tag::ASG_NAME).or_else(spot)
    }

    /// Gone for good.
    pub fn is_terminated(&self) -> bool {
        self.state == "terminated"
    }

    pub(super) fn from_sdk(instance: &aws_sdk_ec2::types::Instance) -> Option<Self> {
        let interfaces = instance.network_interfaces();
        let preferred = match interfaces {
            [] => instance.private_ip_address(),
            [only] => only.private_ip_address(),
            [first, second, ..] => {
                let indexed = interfaces
                    .iter()
                    .find(|i| i.attachment().and_then(|a| a.device_index()) == Some(1));
                indexed
                    .unwrap_or(second)
                    .private_ip_address()
                    .or_else(|| first.private_ip_address())
            }
        };
        let launched = instance
            .launch_time()
            .and_then(|at| DateTime::from_timestamp(at.secs(), at.subsec_nanos()));
        Some(Self {
            id: instance.instance_id()?.to_owned(),
            state: instance
                .state()
                .and_then(|s| s.name())
                .map(|n| n.as_str().to_owned())
                .unwrap_or_default(),
            image_id: instance.image_id().unwrap_or_default().to_owned(),
            instance_type: instance
                .instance_type()
                .map(|t| t.as_str().to_owned())
                .unwrap_or_default(),
            public_ip: instance.public_ip_address().map(str::to_owned),
            private_ip: preferred.map(str::to_owned),
            addresses: addresses(instance),
            zone: instance
                .placement()
                .and_then(|p| p.availability_zone())
                .unwrap_or_default()
                .to_owned(),
            security_group: instance
                .security_groups()
                .first()
                .and_then(|g| g.group_name())
                .map(str::to_owned),
            launched,
            tags: tags_of(instance.tags()),
        })
    }
}

/// The instance's own address, then those of its further interfaces in the order of their devices.
fn addresses(instance: &aws_sdk_ec2::types::Instance) -> Vec<String> {
    let mut interfaces: Vec<_> = instance.network_interfaces().iter().collect();
    interfaces.sort_by_key(|interface| interface.attachment().and_then(|a| a.device_index()));
    let of_interfaces = interfaces.iter().filter_map(|i| i.private_ip_address());
    let mut all: Vec<String> = Vec::new();
    for address in instance
        .private_ip_address()
        .into_iter()
        .chain(of_interfaces)
    {
        if all.iter().all(|known| known != address) {
            all.push(address.to_owned());
        }
    }
    all
}

#[cfg(test)]
pub(in crate::host) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use aws_sdk_ec2::types::{
        Instance, InstanceNetworkInterface, InstanceNetworkInterfaceAttachment,
    };

    /// A host with these tags.
    pub(in crate::host) fn host(id: &str, state: &str, tags: &[(&str, &str)]) -> Host {
        Host {
            id: id.into(),
            state: state.into(),
            image_id: "ami-1".into(),
            instance_type: "m5.large".into(),
            public_ip: None,
            private_ip: Some("10.3.0.12".into()),
            addresses: vec!["10.3.0.12".into()],
            zone: "us-west-2a".into(),
            security_group: None,
            launched: DateTime::from_timestamp(1_700_000_000, 0),
            tags: tags
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect::<Tags>(),
        }
    }

    fn interface(address: &str, index: i32) -> InstanceNetworkInterface {
        let attachment = InstanceNetworkInterfaceAttachment::builder()
            .device_index(index)
            .build();
        InstanceNetworkInterface::builder()
            .private_ip_address(address)
            .attachment(attachment)
            .build()
    }

    #[test]
    fn the_floating_address_is_preferred() {
        let table = [
            (vec![], "10.0.0.1"),
            (vec![interface("10.0.0.2", 0)], "10.0.0.2"),
            (
                vec![interface("10.0.0.2", 0), interface("10.0.0.3", 1)],
                "10.0.0.3",
            ),
            (
                vec![interface("10.0.0.3", 1), interface("10.0.0.2", 0)],
                "10.0.0.3",
            ),
            (
                vec![interface("10.0.0.2", 0), interface("10.0.0.4", 2)],
                "10.0.0.4",
            ),
        ];
        for (interfaces, expected) in table {
            let instance = Instance::builder()
                .instance_id("i-1")
                .private_ip_address("10.0.0.1")
                .set_network_interfaces(Some(interfaces.clone()))
                .build();
            let host = Host::from_sdk(&instance).unwrap();
            assert_eq!(host.private_ip.as_deref(), Some(expected), "{interfaces:?}");
            assert_eq!(host.addresses.first().map(String::as_str), Some("10.0.0.1"));
            assert_eq!(host.addresses.len(), 1 + interfaces.len(), "{interfaces:?}");
        }
    }

    #[test]
    fn an_instance_that_says_little_is_a_host_all_the_same() {
        let host = Host::from_sdk(&Instance::builder().instance_id("i-1").build()).unwrap();
        assert_eq!(
            (
                host.state.as_str(),
                host.private_ip.as_deref(),
                host.security_group.as_deref()
            ),
            ("", None, None)
        );
        assert!(!host.is_terminated() && host.hostclass().is_none());
        assert_eq!(Host::from_sdk(&Instance::builder().build()), None);
    }

    #[test]
    fn hosts_of_both_kinds_know_their_group() {
        let group = |tags: &[(&str, &str)]| host("i-1", "running", tags).group().map(str::to_owned);
        let asg = ("aws:autoscaling:groupName", "ci_a_1");
        let named = ("group_name", "ci_a_2");
        assert_eq!(group(&[asg]).as_deref(), Some("ci_a_1"));
        assert_eq!(
            group(&[("spotinst", "True"), named]).as_deref(),
            Some("ci_a_2")
        );
        assert_eq!(
            group(&[asg, ("spotinst", "True"), named]).as_deref(),
            Some("ci_a_1")
        );
        assert_eq!(group(&[named]), None, "the tag alone can be anybody's");
        assert_eq!(group(&[("spotinst", "True")]), None);
    }
}
