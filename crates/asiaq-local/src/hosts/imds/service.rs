//! The metadata services of all hosts as the supervisor holds them: live identities, and servers that end with their hosts.

use super::identity::{Identity, PublicKey};
use super::observe;
use super::server::serve;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::Instance;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Pause before user data is asked for again.
const AGAIN: Duration = Duration::from_millis(500);

/// Identities by instance id.
#[derive(Debug)]
pub(crate) struct Metadata {
    client: Client,
    identities: BTreeMap<String, Arc<RwLock<Identity>>>,
}

impl Metadata {
    /// Without hosts yet.
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            identities: BTreeMap::new(),
        }
    }

    /// Takes over what EC2 says now of the instances: tags and addresses change.
    pub(crate) fn look(&mut self, instances: &[Instance]) {
        let named = |instance: &&Instance| instance.instance_id().is_some();
        self.identities.retain(|id, _| {
            instances
                .iter()
                .any(|instance| instance.instance_id() == Some(id))
        });
        for instance in instances.iter().filter(named) {
            let known = instance
                .instance_id()
                .and_then(|id| self.identities.get(id));
            if let Some(known) = known {
                let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
                let (data, key) = (known.user_data.take(), known.key.take());
                *known = observe::identity(instance, data, key);
            }
        }
    }

    /// The service of a host that is about to start.
    pub(crate) fn service(&mut self, instance: &Instance, key: Option<PublicKey>) -> Service {
        let id = instance.instance_id().unwrap_or_default().to_owned();
        let identity = Arc::new(RwLock::new(observe::identity(instance, None, key)));
        self.identities.insert(id.clone(), Arc::clone(&identity));
        Service {
            client: self.client.clone(),
            id,
            identity,
        }
    }
}

/// A service that waits for its socket.
#[derive(Debug)]
pub(crate) struct Service {
    client: Client,
    id: String,
    identity: Arc<RwLock<Identity>>,
}

impl Service {
    /// Serves on a socket that does not block. Clients wait until user data has been read. Must be called where tokio runs.
    pub(crate) fn serve(self, listener: std::net::TcpListener) -> std::io::Result<Serving> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let task = tokio::spawn(async move {
            let data = loop {
                match observe::user_data(&self.client, &self.id).await {
                    Ok(data) => break data,
                    Err(problem) => tracing::info!("user data of {}: {problem}", self.id),
                }
                tokio::time::sleep(AGAIN).await;
            };
            self.identity
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .user_data = data;
            serve(listener, self.identity).await;
        });
        Ok(Serving(task.abort_handle()))
    }
}

/// A running service; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Serving(tokio::task::AbortHandle);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}
