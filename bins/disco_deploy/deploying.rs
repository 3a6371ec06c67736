//! `disco_deploy`: the subcommands.

use crate::arguments::Choice;
use asiaq_cli::{Failure, Outcome, Session};
use asiaq_core::config::{DiscoAws, DiscoVpc};
use asiaq_core::deploy::choose::Kind;
use asiaq_core::deploy::listing::{self, Listed};
use asiaq_core::deploy::{self, Deployment, Ending, Options, Place};
use asiaq_core::group::Clouds;
use asiaq_core::pipeline::Pipeline;
use asiaq_core::socify::SubCommand;
use serde_json::{Value, json};
use std::io::Write;

/// What every subcommand works with.
pub struct Call<'a> {
    pub session: &'a Session,
    pub config: &'a DiscoAws,
    pub env: &'a str,
    pub dry_run: bool,
    pub debug: bool,
}

impl Call<'_> {
    /// `test`, or `update`.
    pub async fn deploy(&self, choice: Choice, is_update: bool) -> Result<Outcome, Failure> {
        let command = match is_update {
            true => SubCommand::Update,
            false => SubCommand::Test,
        };
        let options = Options {
            command,
            selection: choice.selection(),
            deployable: choice.deployable(),
            pipeline: Pipeline::read(&choice.pipeline.unwrap_or_default())?,
            strategy: choice.strategy,
            ticket: choice.ticket,
            dry_run: self.dry_run,
        };
        let session = self.session;
        let directory = session.config_dir();
        let vpc_config = DiscoVpc::load(&directory)?;
        let ssh = session.ssh_settings(self.debug)?;
        let owner = session.user();
        let spotinst = session.spotinst()?.client(self.env)?;
        let aws = session.aws().await?;
        let place = Place {
            clouds: Clouds {
                aws: &aws,
                spotinst: spotinst.as_ref(),
            },
            config: self.config,
            vpc_config: &vpc_config,
            directory: &directory,
            env: self.env,
            owner: &owner,
            ssh: &ssh,
            progress: session.progress(),
            output: &write,
            interrupt: session.interrupt(),
        };
        let ending = Box::pin(deploy::run(&place, &options)).await?;
        self.show(&ending);
        Ok(Outcome::Success)
    }

    /// What a dry run found out.
    fn show(&self, ending: &Ending) {
        let printer = &self.session.printer;
        match ending {
            Ending::Deployed(deployment) => self.session.inform(&format!(
                "deployed AMI {} of hostclass {}",
                deployment.image.id, deployment.hostclass
            )),
            Ending::Nothing { recovery } if printer.is_json() => {
                let items = recovery.iter().map(|line| json!({ "recovery": [line] }));
                printer.json(&items.collect::<Vec<Value>>());
            }
            Ending::Nothing { recovery } => recovery.iter().for_each(|line| printer.line(line)),
            Ending::Planned {
                recovery,
                deployment,
                path,
            } if printer.is_json() => printer.json(&[planned(recovery, deployment, path)]),
            Ending::Planned {
                recovery,
                deployment,
                path,
            } => {
                let lines = deployment.lines();
                for line in recovery.iter().chain(&lines).chain(path) {
                    printer.line(line);
                }
            }
        }
    }

    /// `list`.
    pub async fn list(&self, choice: Choice, kind: Kind) -> Result<Outcome, Failure> {
        let selection = choice.selection();
        let pipeline = choice.pipeline.as_deref().map(Pipeline::read).transpose()?;
        let aws = self.session.aws().await?;
        let request = listing::Request {
            kind,
            selection: &selection,
            pipeline: pipeline.as_ref(),
            env: self.env,
        };
        let found = listing::list(&aws, self.config, &request).await?;
        let line = |own: &Listed| own.line(pipeline.is_some());
        self.session.printer.listing(&found, line);
        Ok(match kind {
            Kind::Failures if !found.is_empty() => Outcome::Exit(1),
            _ => Outcome::Success,
        })
    }
}

/// Prints what tests print. A reader that went away must not end a deployment half-way.
fn write(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// A dry run in JSON.
fn planned(recovery: &[String], deployment: &Deployment, path: &[String]) -> Value {
    json!({
        "recovery": recovery,
        "hostclass": deployment.hostclass,
        "ami_id": deployment.image.id,
        "deployable": deployment.deployable,
        "strategy": deployment.strategy.to_string(),
        "integration_test": deployment.integration_test,
        "uses_elb": deployment.uses_elb,
        "old_group": deployment.old.as_ref().map(|group| &group.name),
        "type": deployment.kind,
        "desired_size": deployment.desired,
        "min_size": deployment.min,
        "max_size": deployment.max,
        "path": path,
    })
}
