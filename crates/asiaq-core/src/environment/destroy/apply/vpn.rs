//! VPN gateways: detached from the VPC, never deleted (spec 20, section 8).

use super::super::contents::vpn_gateways;
use super::Executor;
use crate::aws::{Context, gone};
use crate::error::{Error, Result};
use std::time::Duration;

/// Pause and limit of the wait for a gateway to be detached.
const DETACHED: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(600));

impl Executor<'_> {
    pub(super) async fn detach_vpn(&self, id: &str) -> Result<()> {
        let call = self
            .aws
            .ec2()
            .detach_vpn_gateway()
            .vpn_gateway_id(id)
            .vpc_id(self.vpc_id);
        match gone(call.send().await.context("ec2:DetachVpnGateway", id)) {
            // Being detached already.
            Err(error) if error.is("IncorrectState") => {}
            other => other?,
        }
        let (pause, limit) = DETACHED;
        let what = format!("waiting for VPN gateway {id} to be detached");
        let look = async || {
            let left = vpn_gateways(self.aws, self.vpc_id).await?;
            let here = left.iter().any(|own| own == id);
            if here {
                self.progress.note(&what);
            }
            Ok((!here).then_some(()))
        };
        match self.aws.poll.until(&what, pause, limit, look).await {
            // The rest may go on; the VPC itself says if it is still in use.
            Err(error @ Error::Timeout { .. }) => Err(Error::Left(error.to_string())),
            other => other,
        }
    }
}
