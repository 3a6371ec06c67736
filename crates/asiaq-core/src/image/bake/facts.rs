//! What all bakes of a command share: read once, by the bake that needs it first.

use super::Bakery;
use super::leftovers::{self, Leftover};
use super::options::{bakery_environment, repo_hostclass};
use crate::aws::Aws;
use crate::credentials::credential_buckets;
use crate::environment::{self, Site, Vpc};
use crate::error::{Error, Result};
use crate::host::hosts_of;
use crate::host::remote;
use crate::image::Image;
use crate::names::tag;
use crate::network::MetaNetwork;
use chrono::Utc;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Where bakes happen: a metanetwork that reaches the internet.
pub(super) const NET: MetaNetwork = MetaNetwork::Tunnel;

/// Cells that fill.
#[derive(Debug, Default)]
pub(super) struct Facts {
    vpc: OnceCell<Vpc>,
    surroundings: OnceCell<Surroundings>,
    keys: OnceCell<Option<String>>,
    sources: Mutex<BTreeMap<String, Arc<OnceCell<Vec<Image>>>>>,
}

/// What is in the bakery.
#[derive(Debug)]
pub(super) struct Surroundings {
    /// Its network.
    pub(super) site: Site,
    /// Private address of the host with packages of our own, if it runs.
    pub(super) repo: Option<String>,
}

impl Bakery<'_> {
    /// The VPC of `[bake] bakery_environment`.
    pub(super) async fn vpc(&self, aws: &Aws) -> Result<&Vpc> {
        let find = || async {
            let name = bakery_environment(self.config)?;
            let found = environment::find(aws, &name).await;
            found.map_err(|error| match error {
                Error::NotFound { what, .. } => Error::not_found(what).with_hint(
                    "correct `bakery_environment` in `[bake]`, or make the environment with `disco_vpc_ui create`",
                ),
                other => other,
            })
        };
        self.facts.vpc.get_or_try_init(find).await
    }

    /// Network and repository host; warns of machines that earlier bakes have left behind.
    pub(super) async fn surroundings(&self, aws: &Aws) -> Result<&Surroundings> {
        let vpc = self.vpc(aws).await?;
        let read = || async {
            let (site, repo, left) = tokio::try_join!(
                environment::site_of(aws, vpc, NET),
                self.repository(aws, vpc),
                leftovers::find(aws, vpc)
            )?;
            warn_of(&left);
            Ok(Surroundings { site, repo })
        };
        self.facts.surroundings.get_or_try_init(read).await
    }

    /// Source images by name or id: many bakes start from the same one.
    pub(super) async fn sources_once(
        &self,
        key: &str,
        read: impl AsyncFnOnce() -> Result<Vec<Image>>,
    ) -> Result<Vec<Image>> {
        let cell = {
            let cells = self.facts.sources.lock();
            let mut cells = cells.unwrap_or_else(PoisonError::into_inner);
            cells.entry(key.to_owned()).or_default().clone()
        };
        Ok(cell.get_or_try_init(|| read()).await?.clone())
    }

    async fn repository(&self, aws: &Aws, vpc: &Vpc) -> Result<Option<String>> {
        let hostclass = [repo_hostclass(self.config)?];
        let running = ["running".to_owned()];
        let filters: [(&str, &[String]); 2] = [
            ("tag:hostclass", &hostclass),
            ("instance-state-name", &running),
        ];
        let hosts = hosts_of(aws, &vpc.id, &filters).await?;
        let mut running = hosts.into_iter().filter(|host| {
            host.state == "running" && host.tag(tag::HOSTCLASS) == Some(&hostclass[0])
        });
        Ok(running.find_map(|host| host.addresses.first().cloned()))
    }

    /// The security group of the network. One that a bake made would have no rules, so that nobody could log in.
    pub(super) async fn security_group(&self, aws: &Aws) -> Result<&str> {
        let (vpc, surroundings) = (self.vpc(aws).await?, self.surroundings(aws).await?);
        let group = surroundings.site.security_group_id.as_deref();
        group.ok_or_else(|| {
            let what = format!(
                "metanetwork {NET} of environment `{}` has no security group",
                vpc.name
            );
            let hint = format!("make it with `disco_vpc_ui update --name {}`", vpc.name);
            Error::not_found(what).with_hint(hint)
        })
    }

    /// Loads the keys of the bakery's credential buckets into the agent. Without an agent a bake may do as well: ssh may find
    /// its key elsewhere. Gives why there is none.
    pub(super) async fn load_keys(&self, aws: &Aws) -> Result<Option<&str>> {
        let vpc = self.vpc(aws).await?;
        let load = || async {
            self.ssh.prepare()?;
            let buckets = credential_buckets(self.directory, self.config, vpc, aws.region())?;
            Ok::<_, Error>(match remote::load_keys(aws, &buckets).await {
                Ok(()) => None,
                Err(error) => {
                    tracing::warn!("{error}; going on without them");
                    Some(error.to_string())
                }
            })
        };
        Ok(self.facts.keys.get_or_try_init(load).await?.as_deref())
    }
}

fn warn_of(left: &[Leftover]) {
    for leftover in left {
        tracing::warn!(
            "{}: an interrupted bake may have left it behind, or another bake is under way; \
             if nobody bakes on it, `disco_bake cleanup --instance {}` removes it",
            leftover.describe(Utc::now()),
            leftover.instance_id
        );
    }
}
