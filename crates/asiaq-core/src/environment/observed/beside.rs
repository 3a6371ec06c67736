//! What a plan depends on outside of its VPC: gateways and addresses that others made, topics.

use super::{Address, Topics, VpnGateway, addresses, topics, vpn_gateways};
use crate::aws::Aws;
use crate::config::EnvironmentConfig;
use crate::environment::Sources;
use crate::error::Result;

/// What there is outside of the VPC.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::environment) struct Beside {
    /// VPN gateways named like the environment, by id.
    pub(in crate::environment) vpn_gateways: Vec<VpnGateway>,
    /// All elastic IPs of the region: those to use, and those that an interrupted run left.
    pub(in crate::environment) addresses: Vec<Address>,
    /// All topics of the region; read only if the configuration has notifications.
    pub(in crate::environment) topics: Topics,
}

/// Reads it: all calls concurrent. Peers come later, when the VPCs are known.
pub(in crate::environment) async fn beside(
    aws: &Aws,
    config: &EnvironmentConfig,
    sources: &Sources,
) -> Result<Beside> {
    let told = async {
        if sources.alarms.has_notifications() {
            topics(aws).await
        } else {
            Ok(Topics::default())
        }
    };
    let (vpn_gateways, addresses, topics) =
        tokio::try_join!(vpn_gateways(aws, &config.name), addresses(aws), told)?;
    Ok(Beside {
        vpn_gateways,
        addresses,
        topics,
    })
}
