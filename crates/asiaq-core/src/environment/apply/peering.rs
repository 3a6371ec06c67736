//! Executes changes to peering connections, as part of an environment's plan or by themselves.

use super::super::action::{PeeringAction, PeeringParty, RouteOperation};
use super::super::observed::{self, GroupRef, Peering, Target, is_live_status};
use super::Executor;
use super::security::in_few_calls;
use crate::aws::{Aws, AwsError, Context, Tags, tag_specification};
use crate::error::{Error, Result};
use crate::network::Grant;
use crate::plan::{Apply, Change};
use aws_sdk_ec2::types::{IpPermission, IpRange, ResourceType};
use ipnet::Ipv4Net;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// Pause and limit of the wait for a connection to become active.
const ACTIVE: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(600));
/// AWS' answer to a change that the connection's state does not allow, such as accepting what is accepted.
const WRONG_STATE: &str = "InvalidStateTransition";

/// Executes changes to peering connections that are not part of a larger plan, or those of another capability's plan.
#[derive(Debug)]
pub struct PeeringExecutor<'a>(Executor<'a>);

/// An executor of its own.
pub fn peering_executor(aws: &Aws) -> PeeringExecutor<'_> {
    PeeringExecutor(Executor {
        aws,
        env: "-",
        ids: Mutex::new(BTreeMap::new()),
        revoked: Mutex::default(),
    })
}

impl Apply<PeeringAction> for PeeringExecutor<'_> {
    async fn apply(&self, change: &Change<PeeringAction>) -> Result<(), Error> {
        self.0.peering(&change.action).await
    }
}

impl Executor<'_> {
    pub(super) async fn peering(&self, action: &PeeringAction) -> Result<()> {
        match action {
            PeeringAction::Connect {
                key,
                requester,
                accepter,
                existing,
                tags,
            } => {
                let id = match existing {
                    Some(id) => id.clone(),
                    None => self.create_peering(requester, accepter, tags).await?,
                };
                self.learn(key, Some(&id), "ec2:CreateVpcPeeringConnection")?;
                self.activate(&id, requester, accepter).await
            }
            PeeringAction::SetRoute {
                table,
                destination,
                connection,
            } => {
                let target = Target::Peering(connection.clone());
                self.route(RouteOperation::Create, table, *destination, &target)
                    .await
            }
            PeeringAction::DeleteRoute {
                table,
                destination,
                connection,
            } => {
                let target = Target::Peering(connection.clone());
                self.route(RouteOperation::Delete, table, *destination, &target)
                    .await
            }
            PeeringAction::Authorize {
                group,
                cidr,
                description,
            } => self.let_in(group, *cidr, description).await,
            PeeringAction::Revoke { group, grants } => self.shut_out(group, grants).await,
            PeeringAction::Delete { id } => self.delete_peering(id).await,
        }
    }

    /// Asks for a connection; gives the id of the one that there is if AWS says so.
    async fn create_peering(
        &self,
        requester: &PeeringParty,
        accepter: &PeeringParty,
        tags: &Tags,
    ) -> Result<String> {
        let (vpc, peer) = (self.id(&requester.vpc)?, self.id(&accepter.vpc)?);
        let (operation, what) = (
            "ec2:CreateVpcPeeringConnection",
            format!("{requester} and {accepter}"),
        );
        let call = self
            .aws
            .ec2()
            .create_vpc_peering_connection()
            .vpc_id(&vpc)
            .peer_vpc_id(&peer)
            .tag_specifications(tag_specification(ResourceType::VpcPeeringConnection, tags));
        match call.send().await.context(operation, &what) {
            Err(error) if error.is("VpcPeeringConnectionAlreadyExists") => {
                let all = observed::peerings_of(self.aws, &vpc).await?;
                let joins = |p: &&Peering| {
                    p.is_live() && p.across(&vpc).is_some_and(|side| side.vpc_id == peer)
                };
                let found = all.iter().find(joins).map(|p| p.id.clone());
                found.ok_or_else(|| error.into())
            }
            other => {
                let answer = other?;
                let id = answer
                    .vpc_peering_connection()
                    .and_then(|p| p.vpc_peering_connection_id());
                let id = id.ok_or_else(|| AwsError::incomplete(operation, &what, "id"))?;
                Ok(id.to_owned())
            }
        }
    }

    /// Accepts a connection as soon as it can be, and waits until it is active.
    async fn activate(
        &self,
        id: &str,
        requester: &PeeringParty,
        accepter: &PeeringParty,
    ) -> Result<()> {
        let (pause, limit) = ACTIVE;
        let what = format!(
            "waiting for peering connection {id} between {requester} and {accepter} to become active"
        );
        self.aws
            .poll
            .until(&what, pause, limit, async || {
                let Some((status, message)) = self.peering_status(id).await? else {
                    return Ok(None);
                };
                let status = match status.as_str() {
                    "pending-acceptance" => self.accept(id).await?,
                    _ => status,
                };
                match status.as_str() {
                    "active" => Ok(Some(())),
                    "failed" | "rejected" | "expired" | "deleted" | "deleting" => {
                        let text = format!("peering connection {id} between {requester} and {accepter} is {status}: {message}");
                        Err(Error::refused(text).with_hint("networks of peered environments must not overlap; `disco_vpc_ui peerings --list` shows what there is"))
                    }
                    _ => Ok(None),
                }
            })
            .await
    }

    /// Status and AWS' remark on it; `None` while AWS does not know the connection yet.
    async fn peering_status(&self, id: &str) -> Result<Option<(String, String)>> {
        let call = self
            .aws
            .ec2()
            .describe_vpc_peering_connections()
            .vpc_peering_connection_ids(id);
        let answer = call
            .send()
            .await
            .context("ec2:DescribeVpcPeeringConnections", id);
        let answer = match answer {
            Err(error) if error.is_not_found() => return Ok(None),
            other => other?,
        };
        let own = answer
            .vpc_peering_connections()
            .iter()
            .find(|p| p.vpc_peering_connection_id() == Some(id));
        let status = own.and_then(|p| p.status()).and_then(|status| {
            Some((
                status.code()?.as_str().to_owned(),
                status.message().unwrap_or_default().to_owned(),
            ))
        });
        Ok(status)
    }

    /// The status after accepting.
    async fn accept(&self, id: &str) -> Result<String> {
        let call = self
            .aws
            .ec2()
            .accept_vpc_peering_connection()
            .vpc_peering_connection_id(id);
        let answer = call
            .send()
            .await
            .context("ec2:AcceptVpcPeeringConnection", id);
        match answer {
            // Somebody else was faster, or AWS is not ready yet: look again.
            Err(error) if error.is(WRONG_STATE) || error.is_not_found() => {
                Ok("provisioning".to_owned())
            }
            other => {
                let answer = other?;
                let code = answer
                    .vpc_peering_connection()
                    .and_then(|p| p.status())
                    .and_then(|status| status.code());
                Ok(code.map_or("provisioning", |code| code.as_str()).to_owned())
            }
        }
    }

    async fn let_in(&self, group: &str, cidr: Ipv4Net, description: &str) -> Result<()> {
        let range = IpRange::builder()
            .cidr_ip(cidr.to_string())
            .description(description)
            .build();
        let permission = IpPermission::builder()
            .ip_protocol("-1")
            .ip_ranges(range)
            .build();
        let call = self
            .aws
            .ec2()
            .authorize_security_group_ingress()
            .group_id(self.id(group)?)
            .ip_permissions(permission);
        let answer = call.send().await.context(
            "ec2:AuthorizeSecurityGroupIngress",
            format!("{group} for {description}"),
        );
        match answer {
            Err(error) if error.is("InvalidPermission.Duplicate") => Ok(()),
            other => Ok(other.map(|_| ())?),
        }
    }

    async fn shut_out(&self, group: &str, grants: &[Grant<GroupRef>]) -> Result<()> {
        let call = async |permissions: Vec<IpPermission>| {
            let call = self
                .aws
                .ec2()
                .revoke_security_group_ingress()
                .group_id(group)
                .set_ip_permissions(Some(permissions));
            match call
                .send()
                .await
                .context("ec2:RevokeSecurityGroupIngress", group)
            {
                Err(error) if error.is("InvalidGroup.NotFound") => Ok(()),
                other => other.map(|_| ()),
            }
        };
        in_few_calls(
            "InvalidPermission.NotFound",
            self.permissions(grants)?,
            call,
        )
        .await
    }

    async fn delete_peering(&self, id: &str) -> Result<()> {
        let call = self
            .aws
            .ec2()
            .delete_vpc_peering_connection()
            .vpc_peering_connection_id(id);
        let (pause, limit) = ACTIVE;
        let what = format!("waiting until peering connection {id} can be deleted");
        let delete = async || {
            let sent = call.clone().send().await;
            match sent.context("ec2:DeleteVpcPeeringConnection", id) {
                Err(error) if error.is_not_found() => Ok(Some(())),
                // Either it is dead already, or it is not yet what can be deleted.
                Err(error) if error.is(WRONG_STATE) => {
                    let status = self.peering_status(id).await?;
                    let live = status.is_some_and(|(status, _)| is_live_status(&status));
                    Ok((!live).then_some(()))
                }
                other => Ok(Some(other.map(drop)?)),
            }
        };
        self.aws.poll.until(&what, pause, limit, delete).await
    }
}
