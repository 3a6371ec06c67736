//! What a deployment is: hostclass, image, group that serves, sizes, tests, strategy (spec 50, sections 13.1 and 13.2). Pure.

use super::{Limits, choose};
use crate::config::{ConfigError, DiscoAws, Location, is_truthy};
use crate::error::{Error, Result};
use crate::group::{Group, Kind, the_group};
use crate::image::Image;
use crate::names::tag;
use crate::pipeline::{Pipeline, Row, Sizes};
use std::fmt;

/// How the new image comes into service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// A second group is tested and replaces the first.
    BlueGreen,
    /// Hosts of the group are replaced a few at a time.
    Rolling,
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::BlueGreen => "blue_green",
            Self::Rolling => "rolling",
        })
    }
}

impl Strategy {
    /// Reads the word of the configuration or the command line; a remark after `#` does not belong to it.
    fn parse(text: &str) -> Option<Self> {
        match text.split('#').next().unwrap_or_default().trim() {
            "blue_green" => Some(Self::BlueGreen),
            "rolling" => Some(Self::Rolling),
            _ => None,
        }
    }
}

/// One deployment, before anything is changed.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Hostclass: the image's.
    pub hostclass: String,
    /// The image.
    pub image: Image,
    /// The row of the pipeline; empty if it has none.
    pub row: Row,
    /// The pipeline's file, for messages.
    pub pipeline_file: String,
    /// The group that serves now.
    pub old: Option<Group>,
    /// What a new group of it will be; with strategy rolling what the group is.
    pub kind: Kind,
    /// Whether the new group may replace the old one.
    pub deployable: bool,
    /// Name of the integration test.
    pub integration_test: Option<String>,
    /// A load balancer stands before the group.
    pub uses_elb: bool,
    /// How.
    pub strategy: Strategy,
    /// Sizes of the testing group: desired, min, max (spec 50, section 13.2 with D-35).
    pub desired: u32,
    /// See `desired`.
    pub min: u32,
    /// See `desired`.
    pub max: u32,
    /// Environment in which the test hosts live.
    pub test_env: String,
    /// How long is waited.
    pub limits: Limits,
}

/// What a deployment is made from.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Hostclass configuration.
    pub config: &'a DiscoAws,
    /// Environment.
    pub env: &'a str,
    /// The pipeline.
    pub pipeline: &'a Pipeline,
    /// The image that was chosen.
    pub image: &'a Image,
    /// The groups of the environment.
    pub groups: &'a [Group],
    /// Whether Spotinst can be spoken to.
    pub spotinst: bool,
    /// `update`: the pipeline must have the hostclass.
    pub is_update: bool,
    /// `--strategy`.
    pub strategy: Option<&'a str>,
    /// `--deployable`.
    pub deployable: Option<bool>,
}

/// What is to be done with the image.
///
/// # Errors
/// The hostclass has no row though it must; several groups of it serve; the configuration is wrong. Nothing has been changed.
pub fn deployment(request: &Request<'_>) -> Result<Deployment> {
    let hostclass = request.image.hostclass();
    let found = choose::row(request.pipeline, hostclass);
    if request.is_update && found.is_none() {
        return Err(Error::not_found(format!(
            "Pipeline Dictionary is not defined: {} has no row for hostclass {hostclass}",
            request.pipeline.file
        ))
        .with_hint("add a row, or try the image with `disco_deploy test`"));
    }
    let strategy = strategy(request, hostclass)?;
    let old = old_group(request.groups, request.env, hostclass)?;
    let deployable = found.is_some_and(|row| row.deployable);
    let row = found.cloned().unwrap_or_default();
    let kind = kind(request, hostclass, &row, strategy, old.as_ref())?;
    let (desired, min, max) = sizes(&row, old.as_ref());
    let integration_test = row.integration_test.clone();
    Ok(Deployment {
        hostclass: hostclass.to_owned(),
        image: request.image.clone(),
        pipeline_file: request.pipeline.file.clone(),
        old,
        kind,
        deployable: request.deployable.unwrap_or(deployable),
        integration_test: integration_test.filter(|name| !name.trim().is_empty()),
        uses_elb: uses_elb(request.config, hostclass, request.env)?,
        strategy,
        desired,
        min,
        max,
        test_env: test_env(request.config, request.env)?,
        limits: Limits::read(request.config, hostclass)?,
        row,
    })
}

/// The group that serves: groups under test do not count, nor does one whose place another has taken already (a dry run sees
/// that when a deployment was interrupted).
fn old_group(groups: &[Group], env: &str, hostclass: &str) -> Result<Option<Group>> {
    let serving = || {
        groups
            .iter()
            .filter(|group| !group.is_testing() && !group.deleting)
    };
    let replaced = |group: &&Group| {
        let by = |other: &Group| other.tags.get(tag::DEPLOY_REPLACES) == Some(&group.name);
        serving().any(by)
    };
    let serving: Vec<Group> = serving()
        .filter(|group| !replaced(group))
        .cloned()
        .collect();
    Ok(the_group(&serving, env, hostclass)?.cloned())
}

/// `--strategy`, else the option.
fn strategy(request: &Request<'_>, hostclass: &str) -> Result<Strategy> {
    const HINT: &str = "use `blue_green` or `rolling`";
    let unknown = |text: &str| format!("Unsupported deployment strategy: {text}");
    if let Some(text) = request.strategy {
        let known = Strategy::parse(text);
        return known.ok_or_else(|| Error::refused(unknown(text)).with_hint(HINT));
    }
    let found = request
        .config
        .deploy_option(hostclass, "deployment_strategy")?;
    let Some(found) = found.filter(|found| !found.value.trim().is_empty()) else {
        return Ok(Strategy::BlueGreen);
    };
    Strategy::parse(&found.value).ok_or_else(|| {
        let error = ConfigError::new(unknown(&found.value));
        error.at(found.location.clone()).with_hint(HINT).into()
    })
}

/// What the new group will be; a rolling deployment keeps the group that is there.
fn kind(
    request: &Request<'_>,
    hostclass: &str,
    row: &Row,
    strategy: Strategy,
    old: Option<&Group>,
) -> Result<Kind> {
    if let (Strategy::Rolling, Some(old)) = (strategy, old) {
        return Ok(old.kind);
    }
    let option = request
        .config
        .section_option(hostclass, "spotinst", request.env)?;
    let by_option = option.as_ref().is_some_and(|found| is_truthy(&found.value));
    if row.spotinst != Some(true) && !by_option {
        return Ok(Kind::Asg);
    }
    if request.spotinst {
        return Ok(Kind::Spot);
    }
    let place = match (row.spotinst, option) {
        (Some(true), _) => Some(Location {
            key: Some("spotinst".to_owned()),
            ..Location::line(&request.pipeline.file, row.line)
        }),
        (_, option) => option.map(|found| found.location),
    };
    let text = format!(
        "hostclass {hostclass} asks for a Spotinst Elastigroup, but SPOTINST_TOKEN is not set"
    );
    let error = ConfigError::new(text).with_hint(
        "set the environment variable SPOTINST_TOKEN, or remove `spotinst` from the row and the hostclass to use an Auto Scaling group",
    );
    Err(match place {
        Some(place) => error.at(place),
        None => error,
    }
    .into())
}

/// Desired, smallest and largest size of a group under test: those of the group that serves, else those of the row. There is
/// always a host to test.
fn sizes(row: &Row, old: Option<&Group>) -> (u32, u32, u32) {
    if let Some(old) = old {
        let size = |own: i32| u32::try_from(own).unwrap_or(0);
        let desired = size(old.desired_capacity).max(1);
        return (desired, size(old.min_size), size(old.max_size).max(desired));
    }
    let largest = |sizes: &Option<Sizes>| sizes.as_ref().map(Sizes::largest);
    let desired = largest(&row.desired_size).unwrap_or(1).max(1);
    let min = row.min_size.as_ref().map_or(0, Sizes::smallest);
    let max = largest(&row.max_size).filter(|max| *max > 0);
    (desired, min, max.unwrap_or(desired))
}

/// Whether a load balancer stands before the hosts (spec 50, D-27).
fn uses_elb(config: &DiscoAws, hostclass: &str, env: &str) -> Result<bool> {
    let own = config.section_option(hostclass, "elb", env)?;
    let found = match own {
        Some(found) => Some(found),
        None => match config.ini().find("test", "elb")? {
            Some(found) => Some(found),
            None => config.section_option("disco_aws", "default_elb", env)?,
        },
    };
    Ok(found.is_some_and(|found| is_truthy(&found.value)))
}

/// `[test] env`, else the environment of the deployment.
fn test_env(config: &DiscoAws, env: &str) -> Result<String> {
    let found = config.ini().find("test", "env")?;
    let name = found.map(|found| found.value.trim().to_owned());
    let name = name.filter(|name| !name.is_empty());
    Ok(name.unwrap_or_else(|| env.to_owned()))
}

impl Deployment {
    /// What is about to happen, in one line.
    pub fn headline(&self) -> String {
        let deployable = if self.deployable {
            "deployable"
        } else {
            "non-deployable"
        };
        format!(
            "testing {deployable} hostclass {} AMI {} with {} deployment strategy",
            self.hostclass, self.image.id, self.strategy
        )
    }

    /// The group that serves and what comes, for a dry run.
    pub fn lines(&self) -> Vec<String> {
        let serving = match &self.old {
            None => "no group serves".to_owned(),
            Some(old) => format!(
                "group {} ({}) serves: desired {}, min {}, max {}",
                old.name, old.kind, old.desired_capacity, old.min_size, old.max_size
            ),
        };
        let test = self.integration_test.as_deref();
        vec![
            self.headline(),
            serving,
            format!(
                "group under deployment ({}): desired {}, min {}, max {}",
                self.kind, self.desired, self.min, self.max
            ),
            format!("integration test: {}", test.unwrap_or("-")),
        ]
    }
}

#[cfg(test)]
mod tests;
