//! The frame of `disco_deploy test` and `update` (spec 50, section 13.0): what interrupted deployments have left, the choice
//! of the image, the ticket, and the deployment itself, which is `drive`'s or `rolling`'s.

use super::choose::{self, Dated, Kind, Selection, Stages};
use super::parameters::{self, Deployment, Strategy};
use super::recovery::{self, Recovery, Stuck};
use super::remote::TestOptions;
use super::running::{self, Images};
use super::{Output, Site, drive, rolling};
use crate::config::{ConfigDir, DiscoAws, DiscoVpc};
use crate::environment::{self, Vpc};
use crate::error::{Error, Result};
use crate::group::{self, Clouds, Group};
use crate::host::remote::SshSettings;
use crate::image::Image;
use crate::pipeline::Pipeline;
use crate::plan::{Interrupt, Progress};
use crate::socify::{self, Event, Socify, SubCommand};
use std::collections::BTreeSet;

/// A [`Site`] whose VPC has not been looked up.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// AWS and Spotinst.
    pub clouds: Clouds<'a>,
    /// Hostclass configuration.
    pub config: &'a DiscoAws,
    /// Environment configuration.
    pub vpc_config: &'a DiscoVpc,
    /// Configuration directory.
    pub directory: &'a ConfigDir,
    /// Environment.
    pub env: &'a str,
    /// Who deploys, for tags.
    pub owner: &'a str,
    /// Options of ssh.
    pub ssh: &'a SshSettings,
    /// What the operator sees.
    pub progress: &'a dyn Progress,
    /// Gets what integration tests print.
    pub output: Output<'a>,
    /// Ctrl-C.
    pub interrupt: &'a Interrupt,
}

/// What the operator asks for.
#[derive(Debug, Clone)]
pub struct Options {
    /// `test` or `update`.
    pub command: SubCommand,
    /// Among which images to choose.
    pub selection: Selection,
    /// The pipeline.
    pub pipeline: Pipeline,
    /// `--strategy`.
    pub strategy: Option<String>,
    /// `--deployable`.
    pub deployable: Option<bool>,
    /// `--ticket`.
    pub ticket: Option<String>,
    /// Change nothing, tell nobody.
    pub dry_run: bool,
}

/// How a run ended that did not fail.
#[derive(Debug, Clone)]
pub enum Ending {
    /// The image went through its deployment.
    Deployed(Box<Deployment>),
    /// There is nothing to deploy.
    Nothing {
        /// In a dry run: what would be done about interrupted deployments.
        recovery: Vec<String>,
    },
    /// A dry run.
    Planned {
        /// What would be done about interrupted deployments.
        recovery: Vec<String>,
        /// What would be deployed.
        deployment: Box<Deployment>,
        /// The intended path.
        path: Vec<String>,
    },
}

/// What is known of a run when it ends, for its event.
#[derive(Debug, Default)]
struct Story {
    ami: String,
    hostclass: String,
    previous: Option<String>,
    not_validated: bool,
}

/// Everything that the choice and the deployment are made from.
struct Observed {
    images: Images,
    groups: Vec<Group>,
    running: BTreeSet<String>,
    recovery: Recovery,
}

impl<'a> Place<'a> {
    fn site(&self, vpc: &'a Vpc) -> Site<'a> {
        Site {
            clouds: self.clouds,
            config: self.config,
            vpc_config: self.vpc_config,
            directory: self.directory,
            env: self.env,
            vpc,
            owner: self.owner,
            ssh: self.ssh,
            progress: self.progress,
            output: self.output,
            interrupt: self.interrupt,
        }
    }
}

/// Chooses an image and deploys it. With a ticket, exactly one event tells how it went, also after Ctrl-C.
///
/// # Errors
/// The deployment failed, or could not begin.
pub async fn run(place: &Place<'_>, options: &Options) -> Result<Ending> {
    let about = socify::Deployment {
        ticket: options.ticket.as_deref(),
        environment: place.env,
        sub_command: options.command,
        dry_run: options.dry_run,
    };
    let socify = Socify::new(place.config, &about, place.clouds.aws.poll)?;
    let _charge = socify.is_active().then(|| place.interrupt.take_charge());
    let mut story = Story::default();
    let result = Box::pin(told(place, options, &socify, &mut story)).await;
    let (ami, hostclass) = (story.ami.as_str(), story.hostclass.as_str());
    let event = match &result {
        Ok(Ending::Deployed(_)) => Event::deployed(ami, hostclass, story.previous.as_deref()),
        Ok(Ending::Nothing { .. }) => Event::nothing_to_deploy(),
        Ok(Ending::Planned { .. }) => return result,
        Err(error) if story.not_validated => Event::not_validated(ami, &error.to_string()),
        Err(error) => Event::failed(ami, hostclass, &error.to_string()),
    };
    socify.event(&event).await;
    result
}

/// A run without its event. The large futures are boxed: nested as they are, the compiler refuses to lay them out.
async fn told(
    place: &Place<'_>,
    options: &Options,
    socify: &Socify,
    story: &mut Story,
) -> Result<Ending> {
    let interrupt = place.interrupt;
    let begin = Box::pin(read(place, options));
    let (vpc, images, groups) = interrupt.guard(begin).await?;
    let site = place.site(&vpc);
    let observe = Box::pin(observe(&site, options, socify.is_active(), images, groups));
    let (seen, stuck) = interrupt.guard(observe).await?;
    let recovery = match options.dry_run {
        true => seen.recovery.lines.clone(),
        false => Vec::new(),
    };
    let Some(image) = choice(&site, options, &seen, &stuck)? else {
        tracing::error!("No untested AMIs found.");
        return in_order(stuck).map(|()| Ending::Nothing { recovery });
    };
    image.id.clone_into(&mut story.ami);
    let validation = async { Ok(socify.validate(&image.id).await) };
    if !interrupt.guard(validation).await? {
        story.not_validated = true;
        let (ticket, ami) = (socify.ticket(), &image.id);
        return Err(Error::refused(format!(
            "The SOC validation of ticket {ticket} and AMI {ami} failed."
        ))
        .with_hint("nothing has been deployed; look at the ticket"));
    }
    image.hostclass().clone_into(&mut story.hostclass);
    story.previous = previous(&site, options, &seen, &story.hostclass)?;
    let deployment = deployment(&site, options, &seen, image)?;
    tracing::info!("{}", deployment.headline());
    let deployment = Box::new(deployment);
    if options.dry_run {
        let path = match deployment.strategy {
            Strategy::BlueGreen => drive::path(&deployment),
            Strategy::Rolling => rolling::path(&deployment),
        };
        return Ok(Ending::Planned {
            recovery,
            deployment,
            path,
        });
    }
    match deployment.strategy {
        Strategy::BlueGreen => Box::pin(drive::deploy(&site, &deployment)).await?,
        Strategy::Rolling => Box::pin(rolling::deploy(&site, &deployment)).await?,
    }
    Ok(Ending::Deployed(deployment))
}

/// The first look: whatever can be read without knowing the VPC, and the VPC.
async fn read(place: &Place<'_>, options: &Options) -> Result<(Vpc, Images, Vec<Group>)> {
    let (aws, selection) = (place.clouds.aws, &options.selection);
    let (vpc, images, groups) = tokio::try_join!(
        environment::find(aws, place.env),
        running::images(aws, place.config, selection, Some(&options.pipeline)),
        group::groups(place.clouds, place.env),
    )?;
    if let Some(ami) = &selection.ami
        && images.find(ami).is_none()
    {
        return Err(running::not_found(ami));
    }
    Ok((vpc, images, groups))
}

/// The second look: what interrupted deployments have left, and what runs. What they have left is put in order first, unless
/// this is a dry run. Where that fails the hostclass is not deployed; others are, unless the operator asked for this one.
async fn observe(
    site: &Site<'_>,
    options: &Options,
    is_told: bool,
    mut images: Images,
    mut groups: Vec<Group>,
) -> Result<(Observed, Stuck)> {
    let hostclasses = concerned(options, &images);
    let needs_running = is_told || options.command == SubCommand::Update;
    let aws = site.clouds.aws;
    let runs = async || match needs_running {
        true => running::running(aws, site.vpc).await,
        false => Ok(BTreeSet::new()),
    };
    let look = recovery::look(site, hostclasses.as_deref(), &groups);
    let (recovery, mut running) = tokio::try_join!(look, runs())?;
    let selection = &options.selection;
    let mut stuck = Stuck::new();
    if !options.dry_run && !recovery.lines.is_empty() {
        for line in &recovery.lines {
            tracing::warn!("an interrupted deployment: {line}");
        }
        stuck = Box::pin(recovery.run(site)).await;
        if selection.ami.is_some() || selection.hostclass.is_some() {
            in_order(std::mem::take(&mut stuck))?;
        }
        for (hostclass, error) in &stuck {
            tracing::error!(
                "{hostclass} is left out, because its interrupted deployment is not in order: {error}"
            );
        }
        (groups, running) = tokio::try_join!(group::groups(site.clouds, site.env), runs())?;
    }
    images
        .complete(aws, site.config, selection, &running)
        .await?;
    let observed = Observed {
        images,
        groups,
        running,
        recovery,
    };
    Ok((observed, stuck))
}

/// Refuses what could not be put in order.
fn in_order(stuck: Stuck) -> Result<()> {
    let errors = stuck.into_iter().map(|(_, error)| error).collect();
    Error::from_list(errors).map_or(Ok(()), Err)
}

/// The hostclasses that the run may be about; `None` for all.
fn concerned(options: &Options, images: &Images) -> Option<Vec<String>> {
    let selection = &options.selection;
    let by_ami = selection.ami.as_ref().and_then(|ami| images.find(ami));
    let one = by_ami.map(|image| image.hostclass().to_owned());
    match one.or_else(|| selection.hostclass.clone()) {
        Some(hostclass) => Some(vec![hostclass]),
        None if selection.any_hostclass => None,
        None => Some(choose::hostclasses(&options.pipeline)),
    }
}

/// The image to deploy; `None` if there is nothing to do.
fn choice<'s>(
    site: &Site<'_>,
    options: &Options,
    seen: &'s Observed,
    stuck: &[(String, Error)],
) -> Result<Option<&'s Image>> {
    let stages = Stages::new(&site.config.ami_stages()?);
    let pipeline = Some(&options.pipeline);
    let known = seen.images.known(&stages, pipeline, &seen.running);
    if let Some(ami) = &options.selection.ami {
        let set = known.candidates(&options.selection);
        let id = set.first().map(|image| image.id.as_str());
        let found = id.and_then(|id| seen.images.find(id));
        return found.map(Some).ok_or_else(|| running::not_found(ami));
    }
    let kind = match options.command {
        SubCommand::Test => Kind::Testable,
        SubCommand::Update => Kind::Updatable,
    };
    let mut candidates: Vec<Dated<'_>> = known.list(kind, &options.selection);
    candidates.retain(|own| {
        stuck
            .iter()
            .all(|(other, _)| other != own.image.hostclass())
    });
    let Some(own) = choose::pick(&candidates, &mut rand::rng()) else {
        return Ok(None);
    };
    let (id, name) = (&own.image.id, &own.image.name);
    match candidates.len() {
        1 => tracing::info!("{id} ({name}) is the only candidate"),
        n => tracing::info!("{id} ({name}) is drawn at random, one of {n} candidates"),
    }
    Ok(seen.images.find(id))
}

/// The newest image of the hostclass that runs, where somebody is told.
fn previous(
    site: &Site<'_>,
    options: &Options,
    seen: &Observed,
    hostclass: &str,
) -> Result<Option<String>> {
    let stages = Stages::new(&site.config.ami_stages()?);
    let pipeline = Some(&options.pipeline);
    let runs = seen
        .images
        .known(&stages, pipeline, &seen.running)
        .running();
    Ok(runs.get(hostclass).map(|own| own.image.id.clone()))
}

/// What the deployment is, with everything checked that the configuration must say for it.
fn deployment(
    site: &Site<'_>,
    options: &Options,
    seen: &Observed,
    image: &Image,
) -> Result<Deployment> {
    let request = parameters::Request {
        config: site.config,
        env: site.env,
        pipeline: &options.pipeline,
        image,
        groups: &seen.groups,
        spotinst: site.clouds.spotinst.is_some(),
        is_update: options.command == SubCommand::Update,
        strategy: options.strategy.as_deref(),
        deployable: options.deployable,
    };
    let deployment = parameters::deployment(&request)?;
    TestOptions::of(site.config, &deployment)?;
    Ok(deployment)
}
