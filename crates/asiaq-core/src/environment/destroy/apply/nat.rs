//! NAT gateways and their automatic addresses (spec 20, section 9).

use super::super::nat::{Release, is_stale};
use super::Executor;
use crate::aws::{Context, gone};
use crate::environment::apply::{release_address, wait_until_deleted};
use crate::environment::observed;
use crate::error::{Error, Result};

impl Executor<'_> {
    /// Deletes a gateway and waits. One that AWS is deleting already is only waited for.
    pub(super) async fn delete_nat(&self, id: &str) -> Result<()> {
        let call = self.aws.ec2().delete_nat_gateway().nat_gateway_id(id);
        gone(call.send().await.context("ec2:DeleteNatGateway", id))?;
        self.progress
            .note(&format!("waiting for NAT gateway {id} to be deleted"));
        wait_until_deleted(self.aws, &[id.to_owned()]).await
    }

    /// Releases an address. One that something else uses meanwhile stays.
    pub(super) async fn release(&self, release: &Release) -> Result<()> {
        let all = observed::addresses(self.aws).await?;
        let own = |address: &&observed::Address| address.allocation_id == release.allocation;
        let stale = |address| is_stale(address, release.interface.as_deref());
        let left = |what: &str| Err(Error::Left(format!("address {} {what}", release.address)));
        match all.iter().find(own) {
            Some(address) if !stale(address) => left("stays: something else uses it"),
            Some(_) if release_address(self.aws, &release.allocation).await? => Ok(()),
            _ => left("is gone already"),
        }
    }
}
