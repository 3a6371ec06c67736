//! Executes changes to the VPN gateway. Attaching takes minutes, and both ways have states in between.

use super::super::action::VpnAction;
use super::super::changes::VPC;
use super::Executor;
use crate::aws::Context;
use crate::error::{Error, Result};
use std::time::Duration;

const PAUSE: Duration = Duration::from_secs(2);
/// Time that AWS gets to attach or detach a gateway.
const LIMIT: Duration = Duration::from_secs(600);
/// After a detachment AWS denies for a while that the gateway exists.
const DENIED: Duration = Duration::from_secs(60);

impl Executor<'_> {
    pub(super) async fn vpn(&self, action: &VpnAction) -> Result<()> {
        match action {
            VpnAction::Detach { gateway, vpc } => self.detach_vpn_gateway(gateway, vpc).await,
            VpnAction::Attach { gateway } => self.attach_vpn_gateway(gateway).await,
        }
    }

    /// A detachment that takes too long is only worth a note: the attachment shows whether it matters.
    async fn detach_vpn_gateway(&self, gateway: &str, vpc: &str) -> Result<()> {
        if self.attachment(gateway, vpc).await?.as_deref() != Some("detaching") {
            let call = self.aws.ec2().detach_vpn_gateway();
            let call = call.vpn_gateway_id(gateway).vpc_id(vpc);
            match call.send().await.context("ec2:DetachVpnGateway", gateway) {
                Err(error) if error.is_not_found() => {}
                other => other.map(|_| ())?,
            }
        }
        match self.until_detached(gateway, vpc).await {
            Err(error @ Error::Timeout { .. }) => Err(Error::Left(error.to_string())),
            other => other,
        }
    }

    async fn attach_vpn_gateway(&self, gateway: &str) -> Result<()> {
        let vpc = self.id(VPC)?;
        let mut state = self.attachment(gateway, &vpc).await?;
        if state.as_deref() == Some("detaching") {
            self.until_detached(gateway, &vpc).await?;
            state = None;
        }
        if state.is_none() {
            self.request_attachment(gateway, &vpc).await?;
        }
        let what = format!("waiting for VPN gateway {gateway} to be attached to {vpc}");
        let attached = async || {
            let state = self.attachment(gateway, &vpc).await?;
            Ok((state.as_deref() == Some("attached")).then_some(()))
        };
        self.aws.poll.until(&what, PAUSE, LIMIT, attached).await
    }

    async fn request_attachment(&self, gateway: &str, vpc: &str) -> Result<()> {
        let what = format!("waiting for VPN gateway {gateway} to be known again");
        let request = async || {
            let call = self.aws.ec2().attach_vpn_gateway();
            let call = call.vpn_gateway_id(gateway).vpc_id(vpc);
            match call.send().await.context("ec2:AttachVpnGateway", gateway) {
                Err(error) if error.is_not_found() => Ok(None),
                other => Ok(Some(other.map(|_| ())?)),
            }
        };
        self.aws.poll.until(&what, PAUSE, DENIED, request).await
    }

    async fn until_detached(&self, gateway: &str, vpc: &str) -> Result<()> {
        let what = format!("waiting for VPN gateway {gateway} to be detached from {vpc}");
        let detached = async || {
            let state = self.attachment(gateway, vpc).await?;
            Ok(state.is_none().then_some(()))
        };
        self.aws.poll.until(&what, PAUSE, LIMIT, detached).await
    }

    /// The state of the gateway's attachment to a VPC. None at all, `detached`, and a gateway that AWS denies are the same.
    async fn attachment(&self, gateway: &str, vpc: &str) -> Result<Option<String>> {
        let call = self.aws.ec2().describe_vpn_gateways();
        let answer = call.vpn_gateway_ids(gateway).send().await;
        let answer = match answer.context("ec2:DescribeVpnGateways", gateway) {
            Err(error) if error.is_not_found() => return Ok(None),
            other => other?,
        };
        let gateways = answer.vpn_gateways().iter();
        let own = gateways
            .filter(|g| g.vpn_gateway_id() == Some(gateway))
            .flat_map(|g| g.vpc_attachments())
            .find(|a| a.vpc_id() == Some(vpc));
        let state = own.map(|a| a.state().map_or("attached", |s| s.as_str()).to_owned());
        Ok(state.filter(|state| state != "detached"))
    }
}
