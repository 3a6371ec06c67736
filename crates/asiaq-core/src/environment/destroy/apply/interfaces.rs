//! Network interfaces.

use super::super::super::observed::{self, Interface};
use super::Executor;
use crate::aws::{AwsError, Context, gone};
use crate::error::Result;
use std::time::Duration;

/// Pause and limit of the wait for interfaces to be gone.
const INTERFACES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));

impl Executor<'_> {
    /// Deletes the interfaces again and again until none is left. Those that AWS removes itself are only waited for.
    pub(super) async fn clear_interfaces(&self) -> Result<()> {
        let (pause, limit) = INTERFACES;
        let what = format!("waiting for the interfaces of {} to be gone", self.vpc_id);
        self.aws
            .poll
            .until(&what, pause, limit, async || {
                let all = observed::interfaces(self.aws, self.vpc_id).await?;
                let results = futures::future::join_all(
                    all.iter()
                        .filter(|i| !i.managed)
                        .map(|i| self.delete_interface(i)),
                )
                .await;
                let waiting = all.iter().filter(|i| i.managed).count();
                let failed = results.into_iter().filter_map(Result::err).next();
                match failed {
                    Some(error) if error.is("UnauthorizedOperation") => return Err(error.into()),
                    Some(error) => {
                        self.progress
                            .note(&format!("an interface is not free yet: {error}"));
                        return Ok(None);
                    }
                    None if waiting > 0 => self.progress.note(&format!(
                        "waiting for {waiting} interfaces that AWS removes itself"
                    )),
                    None => {}
                }
                Ok((waiting == 0).then_some(()))
            })
            .await
    }

    async fn delete_interface(&self, interface: &Interface) -> Result<(), AwsError> {
        let ec2 = self.aws.ec2();
        if let Some(attachment) = &interface.attachment {
            let call = ec2
                .detach_network_interface()
                .attachment_id(attachment)
                .force(true);
            gone(
                call.send()
                    .await
                    .context("ec2:DetachNetworkInterface", &interface.id),
            )?;
        }
        let call = ec2
            .delete_network_interface()
            .network_interface_id(&interface.id);
        gone(
            call.send()
                .await
                .context("ec2:DeleteNetworkInterface", &interface.id),
        )
    }
}
