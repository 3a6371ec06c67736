//! Who a host is, as its metadata service tells it. Plain data, read from EC2 by `observe.rs`.

use std::collections::BTreeMap;

/// A network interface of the instance.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interface {
    /// Hardware address, lower case.
    pub mac: String,
    /// `eni-…`.
    pub id: String,
    /// Its number on the instance; 0 is the primary one.
    pub device_number: i32,
    /// Private addresses, the primary one first.
    pub addresses: Vec<String>,
    /// Public addresses.
    pub public: Vec<String>,
    /// Its subnet.
    pub subnet_id: Option<String>,
    /// Its network.
    pub vpc_id: Option<String>,
}

/// The key pair that an instance was started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Name of the key pair.
    pub name: String,
    /// One line of an `authorized_keys` file.
    pub openssh: String,
}

/// Everything that a host can ask its metadata service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// `i-…`.
    pub instance_id: String,
    /// `ami-…`.
    pub image_id: String,
    /// For instance `m5.large`.
    pub instance_type: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// Account that owns it.
    pub account_id: String,
    /// For instance `us-west-2`.
    pub region: String,
    /// For instance `us-west-2a`.
    pub availability_zone: String,
    /// When it was launched, as in `2026-11-22T12:23:33Z`.
    pub launched: String,
    /// The private DNS name.
    pub hostname: String,
    /// Primary private address.
    pub private_ip: String,
    /// Public address, if it has one.
    pub public_ip: Option<String>,
    /// All interfaces.
    pub interfaces: Vec<Interface>,
    /// Names of security groups.
    pub security_groups: Vec<String>,
    /// The key pair.
    pub key: Option<PublicKey>,
    /// Name of the role in the instance profile.
    pub role: Option<String>,
    /// Tags, live.
    pub tags: BTreeMap<String, String>,
    /// User data, decoded.
    pub user_data: Option<Vec<u8>>,
    /// Whether requests without a token (IMDSv1) are refused.
    pub token_required: bool,
    /// Whether the service is switched off for this instance.
    pub disabled: bool,
}

impl Identity {
    /// The primary interface.
    pub fn primary(&self) -> Option<&Interface> {
        self.interfaces.iter().min_by_key(|i| i.device_number)
    }
}
