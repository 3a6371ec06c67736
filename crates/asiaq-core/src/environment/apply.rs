//! Executes the changes of an environment: the only place where create and update call changing operations.
//! One file per sort of resource; here is what they share.
//!
//! Every action is repeatable: what is already as wanted (a rule that exists, a route that exists) is not an error.

mod dhcp;
mod gateway;
mod network;
mod security;

use super::action::Action;
use crate::aws::{Aws, AwsError};
use crate::error::{Error, Result};
use crate::plan::{Apply, Change, Plan, Progress};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Applies a plan to the environment `name`. `ids` are the existing resources by logical name. Returns all ids.
pub async fn apply(
    aws: &Aws,
    name: &str,
    plan: &Plan<Action>,
    ids: BTreeMap<String, String>,
    progress: &dyn Progress,
) -> Result<BTreeMap<String, String>> {
    let executor = Executor {
        aws,
        env: name,
        ids: Mutex::new(ids),
    };
    plan.apply(&executor, progress).await?;
    Ok(executor
        .ids
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner))
}

struct Executor<'a> {
    aws: &'a Aws,
    env: &'a str,
    ids: Mutex<BTreeMap<String, String>>,
}

impl Apply<Action> for Executor<'_> {
    async fn apply(&self, change: &Change<Action>) -> Result<(), Error> {
        match &change.action {
            Action::CreateVpc { name, cidr, tags } => self.create_vpc(name, *cidr, tags).await,
            Action::EnableDnsSupport => self.dns_attribute(true).await,
            Action::EnableDnsHostnames => self.dns_attribute(false).await,
            Action::CreateSecurityGroup { net, name, tags } => {
                self.create_group(*net, name, tags).await
            }
            Action::CreateSubnet {
                net,
                zone,
                cidr,
                tags,
            } => self.create_subnet(*net, zone, *cidr, tags).await,
            Action::CreateRouteTable { net, zone, tags } => {
                self.create_table(*net, zone, tags).await
            }
            Action::AssociateRouteTable {
                table,
                subnet,
                replace,
            } => self.associate(table, subnet, replace.as_deref()).await,
            Action::Authorize { net, grants } => self.authorize(*net, grants).await,
            Action::Revoke { net, grants } => self.revoke(*net, grants).await,
            Action::CreateInternetGateway { tags } => self.create_internet_gateway(tags).await,
            Action::AttachInternetGateway => self.attach_internet_gateway().await,
            Action::Route {
                operation,
                table,
                destination,
                gateway,
            } => self.route(*operation, table, *destination, gateway).await,
            Action::CreateDhcp { options, tags } => self.create_dhcp(options, tags).await,
            Action::AssociateDhcp { existing } => self.associate_dhcp(existing.as_deref()).await,
            Action::DeleteDhcp { id } => self.delete_dhcp(id).await,
            Action::CreateInterface {
                net,
                zone,
                address,
                hostclass,
            } => self.interface(*net, zone, *address, hostclass).await,
        }
    }
}

impl Executor<'_> {
    /// The id behind a logical name. Plans order changes so that it is known; if not, the plan is at fault.
    fn id(&self, key: &str) -> Result<String> {
        let ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.get(key).cloned().ok_or_else(|| {
            Error::not_found(format!(
                "`{key}` of environment `{}` does not exist",
                self.env
            ))
        })
    }

    fn learn(
        &self,
        key: impl Into<String>,
        id: Option<&str>,
        operation: &'static str,
    ) -> Result<()> {
        let key = key.into();
        let id = id.ok_or_else(|| AwsError::incomplete(operation, &key, "id"))?;
        self.ids
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, id.to_owned());
        Ok(())
    }
}
