//! Executes changes to the S3 endpoint.

use super::super::action::EndpointAction;
use super::super::changes::VPC;
use super::super::observed;
use super::Executor;
use crate::aws::{Context, Tags, tag_specification};
use crate::error::{Error, Result};
use aws_sdk_ec2::types::{ResourceType, VpcEndpointType};
use std::collections::BTreeSet;
use std::time::Duration;

/// Time that AWS gets to delete an endpoint.
const DELETED: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(600));

impl Executor<'_> {
    pub(super) async fn endpoint(&self, action: &EndpointAction) -> Result<()> {
        match action {
            EndpointAction::Create {
                service,
                policy,
                new_tables,
                tags,
            } => {
                self.create_endpoint(service, policy, new_tables, tags)
                    .await
            }
            EndpointAction::Modify {
                id,
                policy,
                new_tables,
            } => {
                self.modify_endpoint(id, policy.as_deref(), new_tables)
                    .await
            }
            EndpointAction::Delete { id } => self.delete_endpoint(id).await,
        }
    }

    /// All route tables of the VPC as they are now.
    async fn all_tables(&self, new: &[String]) -> Result<BTreeSet<String>> {
        let listed = observed::route_tables(self.aws, &self.id(VPC)?).await?;
        let mut tables: BTreeSet<String> = listed.into_iter().map(|table| table.id).collect();
        for key in new {
            tables.insert(self.id(key)?);
        }
        Ok(tables)
    }

    async fn create_endpoint(
        &self,
        service: &str,
        policy: &str,
        new_tables: &[String],
        tags: &Tags,
    ) -> Result<()> {
        let tables = self.all_tables(new_tables).await?;
        let vpc = self.id(VPC)?;
        let call = self
            .aws
            .ec2()
            .create_vpc_endpoint()
            .vpc_id(&vpc)
            .service_name(service)
            .vpc_endpoint_type(VpcEndpointType::Gateway)
            .policy_document(policy)
            .set_route_table_ids(Some(tables.into_iter().collect()))
            // The same for every repetition of this call by the SDK, so that a lost answer makes no second endpoint.
            .client_token(format!("{vpc}-{:016x}", rand::random::<u64>()))
            .tag_specifications(tag_specification(ResourceType::VpcEndpoint, tags));
        call.send()
            .await
            .context("ec2:CreateVpcEndpoint", format!("{service} in {vpc}"))?;
        Ok(())
    }

    async fn modify_endpoint(
        &self,
        id: &str,
        policy: Option<&str>,
        new_tables: &[String],
    ) -> Result<()> {
        let vpc = self.id(VPC)?;
        let (tables, endpoints) = tokio::try_join!(
            self.all_tables(new_tables),
            observed::endpoints(self.aws, &vpc)
        )?;
        let own = endpoints.into_iter().find(|endpoint| endpoint.id == id);
        let own = own.ok_or_else(|| {
            Error::not_found(format!(
                "the S3 endpoint {id} of {vpc} does not exist any more"
            ))
            .with_hint("run `update`: it makes a new one")
        })?;
        let missing: Vec<String> = tables.difference(&own.route_tables).cloned().collect();
        if missing.is_empty() && policy.is_none() {
            return Ok(());
        }
        let call = self
            .aws
            .ec2()
            .modify_vpc_endpoint()
            .vpc_endpoint_id(id)
            .set_policy_document(policy.map(str::to_owned))
            .set_add_route_table_ids((!missing.is_empty()).then_some(missing));
        call.send().await.context("ec2:ModifyVpcEndpoint", id)?;
        Ok(())
    }

    async fn delete_endpoint(&self, id: &str) -> Result<()> {
        let call = self.aws.ec2().delete_vpc_endpoints().vpc_endpoint_ids(id);
        match call.send().await.context("ec2:DeleteVpcEndpoints", id) {
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) => return Err(error.into()),
            // This operation answers with success and lists what it did not delete.
            Ok(answer) => {
                let refusals = answer.unsuccessful().iter().filter_map(|item| item.error());
                let mut refusals =
                    refusals.filter(|e| !e.code().unwrap_or("").ends_with("NotFound"));
                if let Some(message) = refusals.find_map(|e| e.message()) {
                    let text = format!("ec2:DeleteVpcEndpoints of {id}: {message}");
                    return Err(Error::refused(text));
                }
            }
        }
        let what = format!("waiting for VPC endpoint {id} to be deleted");
        let gone = async || {
            let call = self.aws.ec2().describe_vpc_endpoints().vpc_endpoint_ids(id);
            let answer = match call.send().await.context("ec2:DescribeVpcEndpoints", id) {
                Err(error) if error.is_not_found() => return Ok(Some(())),
                other => other?,
            };
            let state =
                |e: &aws_sdk_ec2::types::VpcEndpoint| e.state().map(|s| s.as_str().to_owned());
            let deleted = |s: String| s.eq_ignore_ascii_case("deleted");
            let all = answer.vpc_endpoints().iter();
            Ok(all.filter_map(state).all(deleted).then_some(()))
        };
        self.aws.poll.until(&what, DELETED.0, DELETED.1, gone).await
    }
}
