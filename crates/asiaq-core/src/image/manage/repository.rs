//! The package repository host of the bakery (spec 50, sections 4.2 and 5.4). Read only.

use crate::aws::Aws;
use crate::config::{ConfigError, DiscoAws};
use crate::environment;
use crate::error::Result;
use crate::host::{Host, hosts_of};
use serde::Serialize;

/// The repository host as `listrepo` shows it. The field names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repository {
    /// Instance id.
    pub instance_id: String,
    /// Hostclass.
    pub hostclass: String,
    /// Public address, else the private one.
    pub address: Option<String>,
    /// Public address.
    pub public_ip: Option<String>,
    /// Private address.
    pub private_ip: Option<String>,
}

/// The running package repository host of the bakery's environment, if there is one; the first in API order.
///
/// # Errors
/// `[bake] bakery_environment` or `repo_hostclass` is missing; the environment does not exist.
pub async fn repository_host(aws: &Aws, config: &DiscoAws) -> Result<Option<Host>> {
    let (env, hostclass) = (
        required(config, "bakery_environment")?,
        required(config, "repo_hostclass")?,
    );
    let vpc = environment::find(aws, &env).await?;
    let (classes, states) = ([hostclass.clone()], ["running".to_owned()]);
    let filters: [(&str, &[String]); 2] = [
        ("tag:hostclass", &classes),
        ("instance-state-name", &states),
    ];
    let found = hosts_of(aws, &vpc.id, &filters).await?;
    // AWS takes `*` and `?` in filter values for wildcards; a name means just itself.
    let own = |host: &Host| host.hostclass() == Some(&hostclass);
    Ok(found.into_iter().find(own))
}

impl From<Host> for Repository {
    fn from(host: Host) -> Self {
        Self {
            hostclass: host.hostclass().unwrap_or_default().to_owned(),
            address: host.public_ip.clone().or_else(|| host.private_ip.clone()),
            instance_id: host.id,
            public_ip: host.public_ip,
            private_ip: host.private_ip,
        }
    }
}

fn required(config: &DiscoAws, key: &str) -> Result<String, ConfigError> {
    let found = config.bake_option(None, key)?;
    let value = found.map(|found| found.value.trim().to_owned());
    value.filter(|value| !value.is_empty()).ok_or_else(|| {
        ConfigError::new(format!("`{key}` is not set"))
            .at(config.ini().location("bake", Some(key)))
            .with_hint(format!("set `{key}` in `[bake]`"))
    })
}
