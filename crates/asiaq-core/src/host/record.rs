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
