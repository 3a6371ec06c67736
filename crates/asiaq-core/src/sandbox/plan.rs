//! Making a sandbox or bringing it in line: files, environment and pipeline as one plan, and its application.

use super::input::Sandbox;
use super::lines::{self, Part, PlanLine};
use super::objects::{self, ObjectPlan};
use super::tags::{self, TagAction};
use super::{TYPE, among};
use crate::aws::{Aws, Tags};
use crate::config::DiscoAws;
use crate::environment::{self, Create, Sources, Vpc};
use crate::error::{Error, Result};
use crate::group::Clouds;
use crate::host::provision::{self, Expected, Provision, Request};
use crate::host::remote::SshSettings;
use crate::plan::{Plan, Progress};

/// What goes with a sandbox's description.
#[derive(Debug)]
pub struct Wishes<'a> {
    /// `disco_aws.ini`.
    pub config: &'a DiscoAws,
    /// The files that describe environments.
    pub sources: &'a Sources,
    /// Tags of the environment.
    pub tags: Tags,
    /// Who runs the command.
    pub owner: &'a str,
    /// Options of ssh, where hosts are smoke tested by it.
    pub ssh: Option<SshSettings>,
}

/// A planned sandbox. Nothing has been changed yet.
#[derive(Debug)]
pub struct Planned<'a> {
    sandbox: &'a Sandbox,
    wishes: &'a Wishes<'a>,
    files: ObjectPlan,
    environment: Environment,
    pipeline: Pipeline<'a>,
}

/// The environment of the sandbox.
#[derive(Debug)]
enum Environment {
    /// It will be made.
    New(environment::Planned),
    /// It exists.
    Existing {
        vpc: Vpc,
        tags: Plan<TagAction>,
        update: environment::Planned,
    },
}

/// The pipeline of the sandbox.
#[derive(Debug)]
enum Pipeline<'a> {
    /// Planned against an environment that is as wanted.
    Ready(Box<Provision<'a>>),
    /// Planned against an environment that will change before: planned again then.
    Now(Box<Provision<'a>>),
    /// What will be spun up in an environment that does not exist, or is half-made.
    Later(Vec<Expected>),
}

/// Looks at bucket, environment and groups, and plans. Makes no changing call.
///
/// # Errors
/// The environment of that name is no sandbox; the bucket cannot be read; what planning environment and pipeline refuses.
pub async fn plan<'a>(
    clouds: Clouds<'_>,
    sandbox: &'a Sandbox,
    wishes: &'a Wishes<'a>,
) -> Result<Planned<'a>> {
    let aws = clouds.aws;
    tracing::info!("Checking if environment '{}' already exists", sandbox.name);
    let (vpcs, files) = tokio::try_join!(
        environment::list(aws),
        objects::plan(aws, &sandbox.name, &sandbox.files)
    )?;
    let (environment, pipeline) = match among(vpcs.clone(), &sandbox.name)? {
        None => plan_new(clouds, sandbox, wishes).await?,
        Some(vpc) => plan_existing(clouds, sandbox, wishes, (vpc, &vpcs)).await?,
    };
    Ok(Planned {
        sandbox,
        wishes,
        files,
        environment,
        pipeline,
    })
}

async fn plan_new<'a>(
    clouds: Clouds<'_>,
    sandbox: &'a Sandbox,
    wishes: &'a Wishes<'a>,
) -> Result<(Environment, Pipeline<'a>)> {
    let (create, request) = (wishes.create(sandbox), wishes.request(sandbox));
    let (planned, expected) = tokio::try_join!(
        environment::plan_create(clouds.aws, wishes.sources, &create),
        provision::look_ahead(clouds, &request, TYPE)
    )?;
    Ok((Environment::New(planned), Pipeline::Later(expected)))
}

async fn plan_existing<'a>(
    clouds: Clouds<'_>,
    sandbox: &'a Sandbox,
    wishes: &'a Wishes<'a>,
    (vpc, vpcs): (Vpc, &[Vpc]),
) -> Result<(Environment, Pipeline<'a>)> {
    tracing::info!("Sandbox {} already exists: updating it.", sandbox.name);
    let (around, hostclasses) = ((&vpc, vpcs), Some(wishes.config));
    let (update, provision) = tokio::join!(
        environment::plan_update_of(clouds.aws, wishes.sources, around, hostclasses),
        provision::prepare_in(clouds, wishes.request(sandbox), Some(&vpc))
    );
    let update = update?;
    let tags = tags::plan(&wishes.tags, &vpc);
    let settled = update.plan.is_empty() && tags.is_empty();
    let pipeline = match provision {
        Ok(provision) if settled => Pipeline::Ready(Box::new(provision)),
        Ok(provision) => Pipeline::Now(Box::new(provision)),
        // A half-made environment lacks what the pipeline stands on; everything else is checked.
        Err(error) if update.makes_places() && may_lack_a_place(&error) => {
            let request = wishes.request(sandbox);
            Pipeline::Later(provision::look_ahead(clouds, &request, TYPE).await?)
        }
        Err(error) => return Err(error),
    };
    Ok((Environment::Existing { vpc, tags, update }, pipeline))
}

/// False for what a metanetwork that is still to be made cannot cause, such as that AWS refuses to answer.
fn may_lack_a_place(error: &Error) -> bool {
    match error {
        Error::Config(_) | Error::NotFound { .. } | Error::Refused { .. } => true,
        Error::Several(errors) => errors.iter().all(may_lack_a_place),
        _ => false,
    }
}

impl<'a> Wishes<'a> {
    fn create<'c>(&'c self, sandbox: &'c Sandbox) -> Create<'c> {
        Create {
            name: &sandbox.name,
            env_type: TYPE,
            tags: self.tags.clone(),
            hostclasses: Some(self.config),
        }
    }

    /// As `disco_aws spinup` has it, without options.
    fn request(&'a self, sandbox: &'a Sandbox) -> Request<'a> {
        Request {
            config: self.config,
            vpc_config: &self.sources.vpc,
            env: &sandbox.name,
            pipeline: &sandbox.pipeline,
            stage: None,
            testing: false,
            smoke_tests: true,
            keep_failing_hosts: false,
            leaving: Vec::new(),
            purpose: provision::Purpose::Spinup,
            owner: self.owner,
            ssh: self.ssh.clone(),
        }
    }
}

impl<'a> Planned<'a> {
    /// What the operator should know.
    pub fn warnings(&self) -> Vec<String> {
        let (Environment::New(planned)
        | Environment::Existing {
            update: planned, ..
        }) = &self.environment;
        let mut all = planned.warnings.clone();
        all.extend(planned.extra_peerings.clone());
        if let Pipeline::Ready(provision) | Pipeline::Now(provision) = &self.pipeline {
            all.extend(warnings_of(provision));
        }
        all
    }

    /// The plan, line by line.
    pub fn lines(&self) -> Vec<PlanLine> {
        let mut all = lines::of_objects(&self.files);
        match &self.environment {
            Environment::New(planned) => {
                all.extend(lines::of_plan(Part::Environment, &planned.plan))
            }
            Environment::Existing { tags, update, .. } => {
                all.extend(lines::of_plan(Part::Environment, tags));
                all.extend(lines::of_plan(Part::Environment, &update.plan));
                if tags.is_empty() && update.plan.is_empty() {
                    all.push(lines::of_environment(&lines::as_wanted(&self.sandbox.name)));
                }
            }
        }
        all.extend(match &self.pipeline {
            Pipeline::Ready(provision) | Pipeline::Now(provision) => lines::of_provision(provision),
            Pipeline::Later(expected) => lines::of_expected(expected),
        });
        all
    }

    /// The plan as text.
    pub fn text(&self) -> Vec<String> {
        lines::text(&self.lines())
    }

    /// The stages that [`Self::run`] tells its progress about.
    pub fn stages(sandbox: &Sandbox) -> usize {
        let sequences = sandbox.pipeline.sequences().map_or(0, |all| all.len());
        usize::from(!sandbox.files.all.is_empty()) + 1 + sequences
    }

    /// Uploads, makes the environment or brings it in line, spins the pipeline up.
    ///
    /// # Errors
    /// The first of them that fails; running the command again goes on from there.
    pub async fn run(self, clouds: Clouds<'_>, progress: &dyn Progress) -> Result<()> {
        let aws = clouds.aws;
        let (sandbox, wishes) = (self.sandbox, self.wishes);
        self.upload(aws, progress).await?;
        match self.environment {
            Environment::New(planned) => {
                progress.stage(&format!("environment {}", sandbox.name), &[]);
                let create = wishes.create(sandbox);
                environment::create(aws, wishes.sources, &create, planned, progress).await?;
            }
            Environment::Existing { vpc, tags, update } => {
                let settled = update.plan.is_empty() && tags.is_empty();
                let kept = settled.then(|| lines::as_wanted(&sandbox.name));
                progress.stage(&format!("environment {}", sandbox.name), kept.as_slice());
                let executor = tags::Executor {
                    aws,
                    vpc_id: &vpc.id,
                };
                tags.apply(&executor, progress).await?;
                update.apply(aws, progress).await?;
            }
        }
        let provision = match self.pipeline {
            Pipeline::Ready(provision) => *provision,
            Pipeline::Now(_) | Pipeline::Later(_) => {
                let fresh = provision::prepare(clouds, wishes.request(sandbox)).await?;
                for warning in warnings_of(&fresh) {
                    tracing::warn!("{warning}");
                }
                fresh
            }
        };
        for note in provision
            .sequences
            .iter()
            .flat_map(|s| &s.rows)
            .flat_map(|row| &row.notes)
        {
            tracing::info!("{note}");
        }
        provision.run(clouds, progress).await
    }

    async fn upload(&self, aws: &Aws, progress: &dyn Progress) -> Result<()> {
        if self.sandbox.files.all.is_empty() {
            return Ok(());
        }
        let bucket = &self.files.bucket;
        let title = format!("configuration files in bucket {bucket}");
        progress.stage(&title, &self.files.kept);
        let executor = objects::Executor::new(aws, bucket, &self.sandbox.name);
        self.files.plan.apply(&executor, progress).await?;
        Ok(())
    }
}

fn warnings_of(provision: &Provision<'_>) -> Vec<String> {
    let rows = provision
        .sequences
        .iter()
        .flat_map(|sequence| &sequence.rows);
    let mut all: Vec<String> = rows.flat_map(|row| row.warnings.clone()).collect();
    all.extend(provision.without_row().iter().map(|hostclass| {
        format!(
            "hostclass {hostclass} has a group and no row in the pipeline: its hosts go on running, until `disco_autoscale --env {} deletegroup --hostclass {hostclass} --force`",
            provision.env()
        )
    }));
    all
}
