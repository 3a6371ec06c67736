//! Executes the destruction.

use super::super::observed::{self, Interface};
use super::{DestroyAction, Destruction, instances};
use crate::aws::{Aws, AwsError, Context};
use crate::error::{Error, Result};
use crate::group::{self, GroupExecutor};
use crate::plan::{Apply, Change, Progress};
use aws_sdk_ec2::types::IpPermission;
use std::time::Duration;

/// Pause and limit of the wait for instances to be terminated.
const INSTANCES: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(600));
/// Pause and limit of the wait for interfaces to be gone.
const INTERFACES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));
/// Pause and limit for what AWS still believes to be in use.
const IN_USE: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(60));

impl Destruction {
    /// Applies the plan.
    pub async fn run(&self, aws: &Aws, progress: &dyn Progress) -> Result<()> {
        let executor = Executor {
            aws,
            vpc_id: &self.vpc.id,
            groups: group::executor(aws, progress),
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
    progress: &'a dyn Progress,
}

impl Apply<DestroyAction> for Executor<'_> {
    async fn apply(&self, change: &Change<DestroyAction>) -> Result<(), Error> {
        let ec2 = self.aws.ec2();
        match &change.action {
            DestroyAction::Group(action) => self.groups.apply(&change.with(action.clone())).await,
            DestroyAction::TerminateInstances => self.terminate_instances().await,
            DestroyAction::DeleteInternetGateway { id, attached } => {
                self.delete_gateway(id, *attached).await
            }
            DestroyAction::ClearInterfaces => self.clear_interfaces().await,
            DestroyAction::RevokeRules {
                id,
                ingress,
                egress,
            } => self.revoke(id, ingress, egress).await,
            DestroyAction::DeleteSecurityGroup(id) => {
                self.unless_in_use(id, async || {
                    gone(
                        ec2.delete_security_group()
                            .group_id(id)
                            .send()
                            .await
                            .context("ec2:DeleteSecurityGroup", id),
                    )
                })
                .await
            }
            DestroyAction::DeleteSubnet(id) => {
                self.unless_in_use(id, async || {
                    gone(
                        ec2.delete_subnet()
                            .subnet_id(id)
                            .send()
                            .await
                            .context("ec2:DeleteSubnet", id),
                    )
                })
                .await
            }
            DestroyAction::DeleteRouteTable { id, associations } => {
                self.delete_table(id, associations).await
            }
            DestroyAction::DeleteVpc => {
                let id = self.vpc_id;
                self.unless_in_use(id, async || {
                    gone(
                        ec2.delete_vpc()
                            .vpc_id(id)
                            .send()
                            .await
                            .context("ec2:DeleteVpc", id),
                    )
                })
                .await
            }
            DestroyAction::DeleteDhcp(id) => {
                match gone(
                    ec2.delete_dhcp_options()
                        .dhcp_options_id(id)
                        .send()
                        .await
                        .context("ec2:DeleteDhcpOptions", id),
                ) {
                    Err(error) if error.is("DependencyViolation") => {
                        let why = format!("DHCP options {id} stay: another VPC uses them");
                        Err(Error::Left(why))
                    }
                    other => Ok(other?),
                }
            }
        }
    }
}

/// "Not found" means that the thing is gone, which is what was wanted.
fn gone<T>(result: Result<T, AwsError>) -> Result<(), AwsError> {
    match result {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

impl Executor<'_> {
    /// Repeats a deletion while AWS says that the thing is in use: it learns late of what has just been deleted.
    async fn unless_in_use(
        &self,
        id: &str,
        delete: impl AsyncFn() -> Result<(), AwsError>,
    ) -> Result<()> {
        let (pause, limit) = IN_USE;
        let start = tokio::time::Instant::now();
        loop {
            match delete().await {
                Err(error) if error.is("DependencyViolation") && start.elapsed() < limit => {
                    self.progress
                        .note(&format!("waiting until {id} is no longer in use"));
                    self.aws.poll.pause(pause).await;
                }
                other => return Ok(other?),
            }
        }
    }

    async fn terminate_instances(&self) -> Result<()> {
        let (pause, limit) = INSTANCES;
        let mut asked: Vec<String> = Vec::new();
        let what = format!(
            "waiting for the instances of {} to be terminated",
            self.vpc_id
        );
        self.aws
            .poll
            .until(&what, pause, limit, async || {
                let alive = instances(self.aws, self.vpc_id).await?;
                let new: Vec<String> = alive
                    .iter()
                    .filter(|id| !asked.contains(id))
                    .cloned()
                    .collect();
                for chunk in new.chunks(500) {
                    let call = self
                        .aws
                        .ec2()
                        .terminate_instances()
                        .set_instance_ids(Some(chunk.to_vec()));
                    gone(
                        call.send()
                            .await
                            .context("ec2:TerminateInstances", chunk.join(", ")),
                    )?;
                }
                asked.extend(new);
                if !alive.is_empty() {
                    self.progress.note(&format!(
                        "waiting for {} instances to be terminated",
                        alive.len()
                    ));
                }
                Ok(alive.is_empty().then_some(()))
            })
            .await
    }

    async fn delete_gateway(&self, id: &str, attached: bool) -> Result<()> {
        let ec2 = self.aws.ec2();
        if attached {
            let call = ec2
                .detach_internet_gateway()
                .internet_gateway_id(id)
                .vpc_id(self.vpc_id);
            self.unless_in_use(id, async || {
                match gone(
                    call.clone()
                        .send()
                        .await
                        .context("ec2:DetachInternetGateway", id),
                ) {
                    Err(error) if error.is("Gateway.NotAttached") => Ok(()),
                    other => other,
                }
            })
            .await?;
        }
        Ok(gone(
            ec2.delete_internet_gateway()
                .internet_gateway_id(id)
                .send()
                .await
                .context("ec2:DeleteInternetGateway", id),
        )?)
    }

    async fn clear_interfaces(&self) -> Result<()> {
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
                let failed = results.into_iter().filter_map(Result::err).next();
                let waiting = all.iter().filter(|i| i.managed).count();
                if let Some(error) = &failed {
                    self.progress
                        .note(&format!("an interface is not free yet: {error}"));
                } else if waiting > 0 {
                    self.progress.note(&format!(
                        "waiting for {waiting} interfaces that AWS removes itself"
                    ));
                }
                let done = failed.is_none() && waiting == 0;
                Ok(done.then_some(()))
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
        gone(
            ec2.delete_network_interface()
                .network_interface_id(&interface.id)
                .send()
                .await
                .context("ec2:DeleteNetworkInterface", &interface.id),
        )
    }

    async fn revoke(
        &self,
        id: &str,
        ingress: &[IpPermission],
        egress: &[IpPermission],
    ) -> Result<()> {
        let ec2 = self.aws.ec2();
        let ingress_call = async {
            if ingress.is_empty() {
                return Ok(());
            }
            let call = ec2
                .revoke_security_group_ingress()
                .group_id(id)
                .set_ip_permissions(Some(ingress.to_vec()));
            gone(
                call.send()
                    .await
                    .context("ec2:RevokeSecurityGroupIngress", id),
            )
        };
        let egress_call = async {
            if egress.is_empty() {
                return Ok(());
            }
            let call = ec2
                .revoke_security_group_egress()
                .group_id(id)
                .set_ip_permissions(Some(egress.to_vec()));
            gone(
                call.send()
                    .await
                    .context("ec2:RevokeSecurityGroupEgress", id),
            )
        };
        tokio::try_join!(ingress_call, egress_call)?;
        Ok(())
    }

    async fn delete_table(&self, id: &str, associations: &[String]) -> Result<()> {
        let ec2 = self.aws.ec2();
        let remove = |association: &String| {
            let call = ec2.disassociate_route_table().association_id(association);
            async move { gone(call.send().await.context("ec2:DisassociateRouteTable", id)) }
        };
        futures::future::try_join_all(associations.iter().map(remove)).await?;
        self.unless_in_use(id, async || {
            gone(
                ec2.delete_route_table()
                    .route_table_id(id)
                    .send()
                    .await
                    .context("ec2:DeleteRouteTable", id),
            )
        })
        .await
    }
}
