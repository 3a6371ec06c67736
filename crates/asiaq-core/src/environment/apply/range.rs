//! Claims the range of a new VPC: keeps it or gives the VPC up again.

use super::super::changes::VPC;
use super::super::range::{Claim, claim};
use super::super::vpc;
use super::Executor;
use crate::aws::Context;
use crate::error::{Error, Result};
use ipnet::Ipv4Net;
use std::time::Duration;

/// How long a VPC waits for others that are to give way. They do so right after their creation, or never.
const WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(6));

/// Pause and limit of the wait until AWS does not list the VPC any more: the next attempt would take it for another one.
const GONE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

impl Executor<'_> {
    /// Keeps the VPC only if no other one has addresses of its range. If there is one, the VPC with the lower id waits for
    /// the other to go and the other one goes; so one of two that see each other stays. Who waits in vain goes too: the
    /// other one was there first, and has not seen this one.
    pub(super) async fn claim_range(&self, name: &str, cidr: Ipv4Net) -> Result<()> {
        let id = self.id(VPC)?;
        let rival = std::cell::RefCell::new(String::new());
        let decided = async || {
            let all = vpc::list(self.aws).await?;
            let (claim, other) = claim(&id, cidr, &all);
            rival.replace(other);
            Ok((claim != Claim::Wait).then_some(claim))
        };
        let what = format!("waiting for other VPCs to leave {cidr}");
        match self.aws.poll.until(&what, WAIT.0, WAIT.1, decided).await {
            Ok(Claim::Keep) => return Ok(()),
            Ok(_) | Err(Error::Timeout { .. }) => {}
            Err(error) => return Err(error),
        }
        let call = self.aws.ec2().delete_vpc().vpc_id(&id);
        match call.send().await.context("ec2:DeleteVpc", &id) {
            Err(error) if error.is_not_found() => {}
            other => other.map(|_| ())?,
        }
        let what = format!("waiting for VPC {id} to go");
        let look = async || {
            let all = vpc::list(self.aws).await?;
            Ok((!all.iter().any(|vpc| vpc.id == id)).then_some(()))
        };
        self.aws.poll.until(&what, GONE.0, GONE.1, look).await?;
        Err(Error::RangeTaken(format!(
            "{cidr} for environment {name} was taken at the same time by VPC {}; {id} is deleted again",
            rival.into_inner()
        )))
    }
}
