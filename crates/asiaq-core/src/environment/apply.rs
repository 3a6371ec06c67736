//! Executes the changes of an environment: the only place where create and update call changing operations.
//! One file per sort of resource; here is what they share.
//!
//! Every action is repeatable: what is already as wanted (a rule that exists, a route that exists) is not an error.

mod database;
mod dhcp;
mod endpoint;
mod gateway;
mod layout;
pub(super) mod nat;
mod network;
mod peering;
mod range;
mod security;
mod topic;
mod vpn;

pub(super) use nat::{release_address, wait_until_deleted};
pub use peering::{PeeringExecutor, peering_executor};
pub(super) use security::in_few_calls;

use super::action::Action;
use crate::aws::{Aws, AwsError};
use crate::error::{Error, Result};
use crate::network::MetaNetwork;
use crate::plan::{Apply, Change, Plan, Progress};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

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
        revoked: Mutex::default(),
    };
    plan.apply(&executor, progress).await?;
    Ok(executor
        .ids
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner))
}

#[derive(Debug)]
struct Executor<'a> {
    aws: &'a Aws,
    env: &'a str,
    ids: Mutex<BTreeMap<String, String>>,
    /// Metanetworks whose outdated grants are revoked.
    revoked: Mutex<BTreeSet<MetaNetwork>>,
}

/// Pause and limit for what AWS does not know yet although it has just made it.
const FRESH: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));

impl Apply<Action> for Executor<'_> {
    /// AWS may deny for some seconds that something exists that it has just made. Actions of several calls, of which the
    /// first ones must not be made again, wait by themselves.
    async fn apply(&self, change: &Change<Action>) -> Result<(), Error> {
        let once = matches!(
            change.action,
            Action::CreateVpc { .. } | Action::Layout(_) | Action::Nat(_)
        );
        let (pause, limit) = FRESH;
        let start = Instant::now();
        loop {
            match self.make(change).await {
                Err(Error::Aws(error))
                    if !once && error.is_not_found() && start.elapsed() < limit =>
                {
                    self.aws.poll.pause(pause).await;
                }
                other => return other,
            }
        }
    }
}

impl Executor<'_> {
    async fn make(&self, change: &Change<Action>) -> Result<(), Error> {
        match &change.action {
            Action::CreateVpc {
                name,
                cidr,
                random,
                tags,
            } => {
                self.create_vpc(name, *cidr, tags).await?;
                if *random {
                    self.claim_range(name, *cidr).await?;
                }
                Ok(())
            }
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
            Action::Authorize {
                net,
                grants,
                outdated,
                wanted,
            } => self.authorize(*net, grants, outdated, *wanted).await,
            Action::Revoke { net, grants } => self.revoke(*net, grants).await,
            Action::CreateInternetGateway { tags } => self.create_internet_gateway(tags).await,
            Action::AttachInternetGateway => self.attach_internet_gateway().await,
            Action::Route {
                operation,
                table,
                destination,
                target,
            } => self.route(*operation, table, *destination, target).await,
            Action::CreateDhcp { options, tags } => self.create_dhcp(options, tags).await,
            Action::AssociateDhcp { existing } => self.associate_dhcp(existing.as_deref()).await,
            Action::DeleteDhcp { id } => self.delete_dhcp(id).await,
            Action::CreateInterface {
                net,
                zone,
                address,
                hostclass,
            } => self.interface(*net, zone, *address, hostclass).await,
            Action::Layout(action) => self.layout(action).await,
            Action::Nat(action) => self.nat(action).await,
            Action::Vpn(action) => self.vpn(action).await,
            Action::Endpoint(action) => self.endpoint(action).await,
            Action::Peering(action) => self.peering(action).await,
            Action::Topic(action) => self.topic(action).await,
            Action::Database(action) => self.database(action).await,
        }
    }
}

/// True for what AWS gives as an id, such as `rtb-0123456789abcdef0`. Logical names contain a `/` or other letters.
fn is_id(key: &str) -> bool {
    key.rsplit_once('-').is_some_and(|(kind, number)| {
        !kind.is_empty()
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_hexdigit())
            && !kind.contains('/')
    })
}

impl Executor<'_> {
    /// The id behind a logical name; an id stands for itself. Plans order changes so that it is known; if not, the plan is
    /// at fault.
    fn id(&self, key: &str) -> Result<String> {
        let ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ids.get(key).cloned();
        known
            .or_else(|| is_id(key).then(|| key.to_owned()))
            .ok_or_else(|| {
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
