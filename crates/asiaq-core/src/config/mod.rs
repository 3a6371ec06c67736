//! The configuration room: the ini dialect, file search, look-up chains and typed views of the ini files.
//!
//! Pure: no AWS, no network, no environment variables (callers pass their values in). Only `files.rs` reads
//! files, and only at given paths. Specs: 10, sections 1.3, 1.6 and 2 to 5; 20, sections 2 and 4; 40,
//! section 1.3.

pub mod check;
pub mod diagnostic;
pub mod disco_alarms;
pub mod disco_aws;
pub mod disco_rds;
pub mod disco_vpc;
pub mod files;
pub mod hostclass;
pub mod ini;
pub(crate) mod suggest;
pub mod truth;

pub use diagnostic::{ConfigError, ConfigErrors, Location};
pub use disco_alarms::{DiscoAlarms, Endpoint, EndpointProtocol, Level, Notification};
pub use disco_aws::DiscoAws;
pub use disco_rds::DiscoRds;
pub use disco_vpc::{
    DhcpConfig, DiscoVpc, EnvironmentConfig, MetaNetworkConfig, NatConfig, NtpConfig,
    PeeringConfig, VpcCidr,
};
pub use files::ConfigDir;
pub use hostclass::{BalancerOptions, BalancerType, HostclassConfig, SmokeMethod, StaticAddresses};
pub use ini::{Found, Ini};
pub use truth::is_truthy;
