//! What interrupted deployments have left: groups under test and testing balancers, found by their tags and names.
//!
//! A group that a deployment made carries `deploy_replaces` until the deployment is done. One under test goes, with its testing
//! balancer. One that serves already takes the place of the group that the tag names, as the deployment would have done. A group
//! that an operator made with `--testing` has no such tag: it is not touched, and neither is its balancer.

use super::{Deployment, Site, Strategy, groups, remote, rolling, waits};
use crate::balancer;
use crate::error::{Error, Result};
use crate::group::{Group, Kind, tag_instances};
use crate::image::Image;
use crate::names::{self, tag};
use crate::pipeline::Row;
use std::collections::{BTreeMap, BTreeSet};

/// What is to be done about them, before anything is chosen, for the given hostclasses or all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// A line each, for people.
    pub lines: Vec<String>,
    leftovers: Vec<Leftover>,
}

/// One thing that is left.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Leftover {
    hostclass: String,
    kind: Kind,
    /// Desired capacity of the group; a group that is to have no hosts is not waited for.
    desired: u32,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// A group under test, and the one that serves, if there is one.
    UnderTest { new: String, old: Option<String> },
    /// A group that serves, and the one whose place it was to take.
    Switching { new: String, old: String },
    /// A group that serves alone, and is still marked.
    Marked(String),
    /// A testing balancer without a group.
    Balancer,
}

/// Looks for them among the groups of the environment, and among its balancers. Changes nothing.
///
/// # Errors
/// AWS cannot be read.
pub async fn look(
    site: &Site<'_>,
    hostclasses: Option<&[String]>,
    groups: &[Group],
) -> Result<Recovery> {
    let balancers = balancer::list(site.clouds.aws, &site.vpc.id).await?;
    let balancers: BTreeSet<String> = balancers.into_iter().map(|own| own.id).collect();
    let wanted: BTreeSet<String> = match hostclasses {
        Some(wanted) => wanted.iter().cloned().collect(),
        None => {
            let grouped = groups.iter().map(|own| own.hostclass(site.env).to_owned());
            site.config
                .hostclasses()
                .into_iter()
                .chain(grouped)
                .collect()
        }
    };
    for group in groups {
        // The image that it was brought is not judged here: that is for a run with this image.
        if wanted.contains(group.hostclass(site.env))
            && let Some(text) = rolling::interrupted(group)
        {
            tracing::warn!("{text}");
        }
    }
    let leftovers = leftovers(site.env, groups, &balancers, &wanted);
    Ok(Recovery {
        lines: leftovers.iter().map(|own| own.line(site.env)).collect(),
        leftovers,
    })
}

/// What is left of these hostclasses, among all groups of the environment and the names that balancers have in AWS. Pure.
fn leftovers(
    env: &str,
    groups: &[Group],
    balancers: &BTreeSet<String>,
    wanted: &BTreeSet<String>,
) -> Vec<Leftover> {
    let living: Vec<&Group> = groups.iter().filter(|group| !group.deleting).collect();
    let mut found = Vec::new();
    for hostclass in wanted.iter().filter(|name| !name.is_empty()) {
        let own = || living.iter().filter(|own| own.hostclass(env) == hostclass);
        for group in own() {
            let Some(replaces) = group.tags.get(tag::DEPLOY_REPLACES) else {
                continue;
            };
            let old = living.iter().any(|other| other.name == *replaces);
            let name = group.name.clone();
            let what = match (group.is_testing(), old && *replaces != name) {
                (true, old) => What::UnderTest {
                    new: name,
                    old: old.then(|| replaces.clone()),
                },
                (false, true) => What::Switching {
                    new: name,
                    old: replaces.clone(),
                },
                (false, false) => What::Marked(name),
            };
            found.push(Leftover {
                hostclass: hostclass.clone(),
                kind: group.kind,
                desired: u32::try_from(group.desired_capacity).unwrap_or(0),
                what,
            });
        }
        let testing = balancers.contains(&names::balancer_id(env, hostclass, true));
        // Of two hostclasses `web` and `web-test`, the balancer of one may have the name of the other's.
        let others = || {
            living
                .iter()
                .map(|own| own.hostclass(env))
                .chain(wanted.iter().map(String::as_str))
        };
        let test_name = names::balancer(env, hostclass, true);
        let anothers = others().any(|other| names::balancer(env, other, false) == test_name);
        // A group under test removes its balancer, and one that serves does so at its end.
        let expected =
            own().any(|group| group.is_testing() || group.tags.contains_key(tag::DEPLOY_REPLACES));
        if testing && !expected && !anothers {
            found.push(Leftover {
                hostclass: hostclass.clone(),
                kind: Kind::Asg,
                desired: 0,
                what: What::Balancer,
            });
        }
    }
    found
}

impl Leftover {
    fn line(&self, env: &str) -> String {
        let hostclass = &self.hostclass;
        match &self.what {
            What::UnderTest { new, .. } => format!(
                "- group {hostclass} {new} of an interrupted deployment, with its testing load balancer"
            ),
            What::Switching { new, old } => {
                format!(
                    "~ group {hostclass} {new} of an interrupted deployment takes the place of {old}"
                )
            }
            What::Marked(name) => format!(
                "~ group {hostclass} {name} serves: what its interrupted deployment has left is removed"
            ),
            What::Balancer => format!(
                "- load balancer {} of an interrupted deployment",
                names::balancer(env, hostclass, true)
            ),
        }
    }

    async fn run(&self, site: &Site<'_>) -> Result<()> {
        let deployment = self.deployment(site)?;
        match &self.what {
            What::UnderTest { new, old } => {
                let removed = groups::remove(site, &deployment, Some(new)).await;
                if let Some(old) = old {
                    take_back(site, &deployment, old).await;
                }
                removed
            }
            What::Balancer => groups::remove(site, &deployment, None).await,
            What::Marked(name) => {
                serving_hosts(site, name).await?;
                groups::finish(site, &deployment, name).await
            }
            What::Switching { new, old } => self.switch(site, &deployment, new, old).await,
        }
    }

    /// From step 12 on: the new group has been made one that serves.
    async fn switch(
        &self,
        site: &Site<'_>,
        deployment: &Deployment,
        new: &str,
        old: &str,
    ) -> Result<()> {
        let hosts = serving_hosts(site, new).await?;
        let in_service = if hosts.is_empty() && self.desired > 0 {
            Err(Error::refused("it has no hosts"))
        } else {
            groups::wait_in_service(site, deployment, &hosts, false).await
        };
        if let Err(error) = in_service {
            let text = format!(
                "group {new} of an interrupted deployment does not come into service, so it stays beside group {old}: {error}"
            );
            let hint = "delete the one that is not wanted with `disco_autoscale deletegroup --name GROUP --force`, then run the command again";
            return Err(Error::refused(text).with_hint(hint));
        }
        groups::retire(site, deployment, old).await?;
        groups::finish(site, deployment, new).await
    }

    /// As much of the interrupted deployment as its end needs.
    fn deployment(&self, site: &Site<'_>) -> Result<Deployment> {
        let options = site.config.hostclass(&self.hostclass, site.env)?;
        Ok(Deployment {
            hostclass: self.hostclass.clone(),
            image: Image {
                id: String::new(),
                name: self.hostclass.clone(),
                state: String::new(),
                tags: Default::default(),
                root_device: None,
                devices: Vec::new(),
                creation_date: None,
            },
            row: Row::default(),
            pipeline_file: String::new(),
            old: None,
            kind: self.kind,
            deployable: true,
            integration_test: None,
            uses_elb: options.balancer.enabled || self.what == What::Balancer,
            strategy: Strategy::BlueGreen,
            desired: self.desired,
            min: 0,
            max: self.desired,
            test_env: site.env.to_owned(),
            limits: super::Limits::read(site.config, &self.hostclass)?,
        })
    }
}

/// The hosts of a group that serves. None of them is under test, even if the deployment did not come to say so.
async fn serving_hosts(site: &Site<'_>, group: &str) -> Result<Vec<String>> {
    let hosts = waits::hosts_of(site, group, None).await?;
    let tags = BTreeMap::from([(tag::IS_TESTING.to_owned(), "0".to_owned())]);
    tag_instances(site.clouds.aws, &hosts, &tags).await?;
    Ok(hosts)
}

/// Lets the hosts of the group that serves take their addresses back: new hosts take them when they leave testing mode, and
/// nobody knows whether the deployment came to that. A failure is told only, because there may be nothing to take back.
async fn take_back(site: &Site<'_>, deployment: &Deployment, old: &str) {
    let left = async {
        let hosts = waits::hosts_of(site, old, None).await?;
        remote::leave_testing_mode(site, deployment, &hosts).await
    };
    let why = match Box::pin(left).await {
        Ok(true) => return,
        Ok(false) => "leaving testing mode failed".to_owned(),
        Err(error) => error.to_string(),
    };
    tracing::warn!(
        "hosts of group {old} may lack their elastic or floating addresses, if they have any: {why}"
    );
}

/// What could not be put in order, by hostclass.
pub(super) type Stuck = Vec<(String, Error)>;

impl Recovery {
    /// Nothing is left.
    pub fn is_empty(&self) -> bool {
        self.leftovers.is_empty()
    }

    /// Removes groups under test; completes switches that were under way. Returns what stays, and why.
    pub(super) async fn run(&self, site: &Site<'_>) -> Stuck {
        let mut stuck = Stuck::new();
        for (leftover, line) in self.leftovers.iter().zip(&self.lines) {
            site.progress.note(line);
            if let Err(error) = leftover.run(site).await {
                stuck.push((leftover.hostclass.clone(), error));
            }
        }
        stuck
    }
}

#[cfg(test)]
mod tests;
