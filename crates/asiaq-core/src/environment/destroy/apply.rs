//! Executes the destruction; one file per sort of thing. Here is what they share.

mod hosts;
mod interfaces;
mod nat;
mod network;
mod vpn;

use super::super::peering::{PeeringExecutor, peering_executor};
use super::{DestroyAction, Destruction};
use crate::aws::{Aws, AwsError};
use crate::dns::Writer;
use crate::error::{Error, Result};
use crate::group::{self, Clouds, GroupExecutor};
use crate::plan::{Apply, Change, Progress, Yields};
use crate::{balancer, cache, database, monitoring};
use std::time::Duration;

/// Pause and limit for what AWS still believes to be in use.
const IN_USE: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(60));

impl Destruction {
    /// Applies the plan.
    pub async fn run(&self, aws: &Aws, progress: &dyn Progress) -> Result<()> {
        let clouds = Clouds {
            aws,
            spotinst: self.spotinst.as_ref(),
        };
        let executor = Executor {
            aws,
            vpc_id: &self.vpc.id,
            groups: group::executor(clouds, progress, &Yields::default()),
            peerings: peering_executor(aws),
            records: Writer::new(aws),
            progress,
        };
        self.plan.apply(&executor, progress).await?;
        Ok(())
    }
}

struct Executor<'a> {
    aws: &'a Aws,
    vpc_id: &'a str,
    groups: GroupExecutor<'a>,
    peerings: PeeringExecutor<'a>,
    /// Deletes the records of everything that goes, many in one call.
    records: Writer<'a>,
    progress: &'a dyn Progress,
}

impl Apply<DestroyAction> for Executor<'_> {
    async fn apply(&self, change: &Change<DestroyAction>) -> Result<(), Error> {
        let (aws, progress) = (self.aws, self.progress);
        match &change.action {
            DestroyAction::Monitoring(action) => monitoring::apply(aws, action).await,
            DestroyAction::Group(action) => self.groups.apply(&change.with(action.clone())).await,
            DestroyAction::TerminateInstances => self.terminate_instances().await,
            DestroyAction::Balancer(action) => {
                balancer::apply_teardown(aws, &self.records, action, progress).await
            }
            DestroyAction::Database(action) => {
                database::apply(aws, &self.records, action, progress).await
            }
            DestroyAction::Cache(action) => {
                cache::apply(aws, &self.records, action, progress).await
            }
            DestroyAction::DeleteNat(id) => self.delete_nat(id).await,
            DestroyAction::ReleaseAddress(release) => self.release(release).await,
            DestroyAction::DetachVpn(id) => self.detach_vpn(id).await,
            DestroyAction::DeleteEndpoint(id) => self.delete_endpoint(id).await,
            DestroyAction::Peering(action) => {
                self.peerings.apply(&change.with(action.clone())).await
            }
            DestroyAction::DeleteInternetGateway { id, attached } => {
                self.delete_gateway(id, *attached).await
            }
            DestroyAction::ClearInterfaces => self.clear_interfaces().await,
            DestroyAction::RevokeRules {
                id,
                ingress,
                egress,
            } => self.revoke(id, ingress, egress).await,
            DestroyAction::DeleteSecurityGroup(id) => self.delete_security_group(id).await,
            DestroyAction::DeleteSubnet(id) => self.delete_subnet(id).await,
            DestroyAction::DeleteRouteTable { id, associations } => {
                self.delete_table(id, associations).await
            }
            DestroyAction::DeleteVpc => self.delete_vpc().await,
            DestroyAction::DeleteDhcp(id) => self.delete_dhcp(id).await,
        }
    }
}

impl Executor<'_> {
    /// Repeats a deletion while AWS says that the thing is in use: it learns late of what has just been deleted.
    async fn unless_in_use(
        &self,
        id: &str,
        delete: impl AsyncFnMut() -> Result<(), AwsError>,
    ) -> Result<()> {
        let (pause, limit) = IN_USE;
        let in_use = |error: &AwsError| {
            let in_use = error.is("DependencyViolation") || error.is("InvalidIPAddress.InUse");
            if in_use {
                self.progress
                    .note(&format!("waiting until {id} is no longer in use"));
            }
            in_use
        };
        Ok(self.aws.poll.retry(pause, limit, in_use, delete).await?)
    }
}
