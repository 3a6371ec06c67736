//! What an environment's configuration asks for beside its VPC: notifications and databases. Pure.

use super::observed::Topics;
use super::sources::Sources;
use super::vpc::Vpc;
use crate::config::{ConfigErrors, EnvironmentConfig, Notification};
use crate::error::{Error, Result};
use crate::network::MetaNetwork;

/// What belongs to an environment without being part of its VPC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Services {
    /// Topics and who is told.
    pub(super) notifications: Vec<Notification>,
    /// Databases to make; only a new environment has any (spec 20, section 6).
    pub(super) databases: Vec<String>,
}

impl Services {
    /// Those of a new environment. `environment` is what its VPC is to be, if that is known.
    pub(super) fn for_create(
        sources: &Sources,
        name: &str,
        environment: Option<&EnvironmentConfig>,
        vpcs: &[Vpc],
    ) -> Result<Self, ConfigErrors> {
        let others = known_environments(sources, vpcs);
        let databases = sources.rds.databases(name, &others);
        let homeless = environment
            .filter(|config| !config.metanetworks.contains_key(&MetaNetwork::Intranet))
            .map_or(Vec::new(), |_| {
                sources.rds.without_intranet(name, &databases)
            });
        match (sources.alarms.notifications(name), homeless.is_empty()) {
            (Ok(notifications), true) => Ok(Self {
                notifications,
                databases,
            }),
            (Ok(_), false) => Err(ConfigErrors(homeless)),
            (Err(ConfigErrors(wrong)), _) => Err(ConfigErrors([wrong, homeless].concat())),
        }
    }

    /// Those of an update.
    pub(super) fn for_update(sources: &Sources, name: &str) -> Result<Self, ConfigErrors> {
        Ok(Self {
            notifications: sources.alarms.notifications(name)?,
            databases: Vec::new(),
        })
    }

    /// Topics and subscriptions of the environment that nobody asks for. They stay (spec 60, section 4).
    pub(super) fn warnings(&self, env: &str, topics: &Topics) -> Vec<String> {
        let (mut extra, mut endpoints) = (Vec::new(), Vec::new());
        for (name, topic) in topics.iter() {
            let wanted = self.notifications.iter().find(|own| own.topic == *name);
            if wanted.is_none() {
                if !belongs_to(env, name) {
                    continue;
                }
                extra.push(name.clone());
            }
            let kept = |address: &str| {
                wanted.is_some_and(|own| own.endpoints.iter().any(|e| e.is_listed_as(address)))
            };
            let confirmed = topic.subscriptions.iter().filter(|s| s.confirmed);
            endpoints.extend(
                confirmed
                    .filter(|s| !kept(&s.address))
                    .map(|s| format!("{name} {}", s.shown())),
            );
        }
        let line = |what: &str, found: &[String]| {
            (!found.is_empty()).then(|| {
                let (number, list) = (found.len(), found.join(", "));
                format!("{what} that disco_alarms.ini does not name, left alone ({number}): {list}")
            })
        };
        let topics = line(&format!("topics of environment {env}"), &extra);
        let subscriptions = line(&format!("subscriptions of environment {env}"), &endpoints);
        [topics, subscriptions].into_iter().flatten().collect()
    }
}

/// True if the last but one part of a topic's name is the environment.
fn belongs_to(env: &str, topic: &str) -> bool {
    topic.rsplit('_').nth(1) == Some(env)
}

/// Names of environments that exist or have a section of their own.
pub(super) fn known_environments<'a>(sources: &'a Sources, vpcs: &'a [Vpc]) -> Vec<&'a str> {
    let existing = vpcs.iter().filter(|vpc| vpc.is_environment());
    existing
        .map(|vpc| vpc.name.as_str())
        .chain(sources.vpc.environments())
        .collect()
}

/// The parts of the configuration, or the problems of all of them, those of the peering lines included.
pub(super) fn joined(
    sources: &Sources,
    environment: Result<EnvironmentConfig>,
    services: Result<Services, ConfigErrors>,
) -> Result<(EnvironmentConfig, Services)> {
    let services = match (services, sources.vpc.peerings()) {
        (Err(ConfigErrors(first)), Err(ConfigErrors(second))) => {
            Err(ConfigErrors([second, first].concat()))
        }
        (Ok(_), Err(errors)) => Err(errors),
        (services, Ok(_)) => services,
    };
    match (environment, services) {
        (Ok(environment), Ok(services)) => Ok((environment, services)),
        (Err(Error::Config(ConfigErrors(first))), Err(ConfigErrors(second))) => {
            Err(ConfigErrors([first, second].concat()).into())
        }
        (Err(error), _) => Err(error),
        (_, Err(errors)) => Err(errors.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn the_last_but_one_part_names_the_environment() {
        let table = [
            ("web_qa_critical", true),
            ("a_b_qa_info", true),
            ("qa_info", true),
            ("web_prod_critical", false),
            ("qa", false),
            ("web_qa-2_info", false),
            ("qa_web_info", false),
        ];
        for (topic, own) in table {
            assert_eq!(belongs_to("qa", topic), own, "{topic}");
        }
    }
}
