//! `disco_aws`: the subcommands that provision and take down groups.

use crate::Call;
use asiaq_cli::{Failure, Outcome};
use asiaq_core::config::DiscoVpc;
use asiaq_core::host::provision::{self, Provision, Request};
use asiaq_core::host::{Balancers, plan_respin, plan_spindown};
use asiaq_core::pipeline::Pipeline;
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;

/// Options of `provision`: a pipeline of one row.
#[derive(Debug, Args)]
pub struct ProvisionArgs {
    /// Image id [default: the newest suitable one of the hostclass]
    #[arg(long, required_unless_present = "hostclass")]
    ami: Option<String>,
    /// Hostclass
    #[arg(long)]
    hostclass: Option<String>,
    /// Keep hosts alive that fail their health check
    #[arg(long, alias = "no_destroy")]
    no_destroy: bool,
    /// Instance type [default: that of the existing group, else default_instance_type]
    #[arg(long, alias = "instance_type")]
    instance_type: Option<String>,
    /// GB to add to the root volume
    #[arg(long, alias = "extra_space")]
    extra_space: Option<u32>,
    /// GB of one more volume
    #[arg(long, alias = "extra_disk")]
    extra_disk: Option<u32>,
    /// IOPS of the extra volume and of a mounted snapshot
    #[arg(long)]
    iops: Option<u32>,
    /// Do not wait for the smoke test
    #[arg(long, alias = "no_smoke_test")]
    no_smoke_test: bool,
    /// Minimum size: a number, or N@CRON:N@CRON...
    #[arg(long, alias = "min_size", value_name = "SIZE")]
    min_size: Option<String>,
    /// Maximum size
    #[arg(long, alias = "max_size", value_name = "SIZE")]
    max_size: Option<String>,
    /// Desired size
    #[arg(long, alias = "desired_size", value_name = "SIZE")]
    desired_size: Option<String>,
    /// Mark the group as under test
    #[arg(long)]
    testing: bool,
    /// Protect the hosts from chaos
    #[arg(long, alias = "no_chaos")]
    no_chaos: bool,
    /// Use a Spotinst Elastigroup
    #[arg(long)]
    spotinst: bool,
    /// Share (N%) or number of on-demand hosts in the Elastigroup
    #[arg(long, alias = "spotinst_reserve", value_name = "N")]
    spotinst_reserve: Option<String>,
}

/// `--pipeline`.
#[derive(Debug, Args)]
pub struct PipelineArgs {
    /// Pipeline: a CSV file of hostclasses
    #[arg(long, value_name = "FILE")]
    pipeline: PathBuf,
}

/// Options of `spinup`.
#[derive(Debug, Args)]
pub struct SpinupArgs {
    #[command(flatten)]
    file: PipelineArgs,
    /// Do not wait for smoke tests
    #[arg(long, alias = "no_smoke_test")]
    no_smoke_test: bool,
    /// Stage of the images, or several in order of preference [default: ami_stage of the environment]
    #[arg(long)]
    stage: Option<String>,
    /// Mark the groups as under test
    #[arg(long)]
    testing: bool,
}

/// What an operator wants beside the rows.
#[derive(Debug, Clone, Copy, Default)]
struct Wishes<'a> {
    stage: Option<&'a str>,
    testing: bool,
    no_smoke_test: bool,
    no_destroy: bool,
}

/// One line of a spinup plan in JSON. Lines of a spindown before it have no sequence, hostclass and group.
#[derive(Debug, Serialize)]
struct PlanItem<'a> {
    sequence: Option<i64>,
    hostclass: Option<&'a str>,
    group: Option<&'a str>,
    sign: String,
    text: String,
}

impl Call<'_> {
    pub async fn provision(&self, args: ProvisionArgs) -> Result<Outcome, Failure> {
        let number = |value: Option<u32>| value.map(|n| n.to_string());
        let flag = |set: bool, value: &str| set.then(|| value.to_owned());
        let pipeline = Pipeline::of_one(&[
            ("ami", args.ami),
            ("hostclass", args.hostclass),
            ("instance_type", args.instance_type),
            ("extra_space", number(args.extra_space)),
            ("extra_disk", number(args.extra_disk)),
            ("iops", number(args.iops)),
            ("smoke_test", flag(!args.no_smoke_test, "yes")),
            ("min_size", args.min_size),
            ("max_size", args.max_size),
            ("desired_size", args.desired_size),
            ("chaos", flag(args.no_chaos, "no")),
            ("spotinst", flag(args.spotinst, "yes")),
            ("spotinst_reserve", args.spotinst_reserve),
        ])?;
        let wishes = Wishes {
            testing: args.testing,
            no_smoke_test: args.no_smoke_test,
            no_destroy: args.no_destroy,
            ..Wishes::default()
        };
        self.provision_rows(&pipeline, &wishes).await
    }

    pub async fn spinup(&self, args: SpinupArgs) -> Result<Outcome, Failure> {
        let pipeline = Pipeline::read(&args.file.pipeline)?;
        let wishes = Wishes {
            stage: args.stage.as_deref(),
            testing: args.testing,
            no_smoke_test: args.no_smoke_test,
            ..Wishes::default()
        };
        self.provision_rows(&pipeline, &wishes).await
    }

    async fn provision_rows(
        &self,
        pipeline: &Pipeline,
        wishes: &Wishes<'_>,
    ) -> Result<Outcome, Failure> {
        let aws = self.session.aws().await?;
        let vpc_config = DiscoVpc::load(&self.session.config_dir())?;
        let owner = self.session.user();
        let request = self.request(pipeline, &vpc_config, &owner, wishes)?;
        let planned = provision::prepare(self.clouds(&aws), request).await?;
        self.warn_about(&planned);
        if self.dry_run {
            self.show(&[], &planned);
        } else {
            planned
                .run(self.clouds(&aws), self.session.progress())
                .await?;
        }
        Ok(Outcome::Success)
    }

    fn request<'r>(
        &'r self,
        pipeline: &'r Pipeline,
        vpc_config: &'r DiscoVpc,
        owner: &'r str,
        wishes: &Wishes<'r>,
    ) -> Result<Request<'r>, Failure> {
        Ok(Request {
            ssh: self.smoke_ssh()?,
            config: self.config,
            vpc_config,
            env: self.env,
            pipeline,
            stage: wishes.stage,
            testing: wishes.testing,
            smoke_tests: !wishes.no_smoke_test,
            keep_failing_hosts: wishes.no_destroy,
            leaving: Vec::new(),
            purpose: provision::Purpose::Spinup,
            owner,
        })
    }

    fn warn_about(&self, planned: &Provision<'_>) {
        for row in planned.sequences.iter().flat_map(|sequence| &sequence.rows) {
            for note in &row.notes {
                self.session.inform(note);
            }
            self.session.warn(&row.warnings);
        }
    }

    /// The plan of a whole pipeline: what would be deleted before, then what would be created, updated, left alone.
    fn show(&self, before: &[String], planned: &Provision<'_>) {
        let printer = &self.session.printer;
        if printer.is_json() {
            printer.json(&plan_items(before, planned));
            return;
        }
        for line in before {
            printer.line(line);
        }
        for sequence in &planned.sequences {
            printer.line(format!("sequence {}", sequence.number));
            for line in sequence.rows.iter().flat_map(|row| row.lines()) {
                printer.line(format!("  {line}"));
            }
        }
    }

    pub async fn spindown(&self, args: &PipelineArgs) -> Result<Outcome, Failure> {
        let pipeline = Pipeline::read(&args.pipeline)?;
        let hostclasses = pipeline.require_hostclasses()?;
        let aws = self.session.aws().await?;
        let clouds = self.clouds(&aws);
        let spindown = plan_spindown(clouds, self.env, &hostclasses, Balancers::Delete).await?;
        if self.dry_run {
            self.session.printer.plan(&spindown.plan);
        } else {
            spindown
                .run(self.clouds(&aws), self.env, false, self.session.progress())
                .await?;
        }
        Ok(Outcome::Success)
    }

    pub async fn spindown_and_up(&self, args: &PipelineArgs) -> Result<Outcome, Failure> {
        let pipeline = Pipeline::read(&args.pipeline)?;
        let aws = self.session.aws().await?;
        let vpc_config = DiscoVpc::load(&self.session.config_dir())?;
        let owner = self.session.user();
        let request = self.request(&pipeline, &vpc_config, &owner, &Wishes::default())?;
        let respin = plan_respin(self.clouds(&aws), request).await?;
        self.warn_about(&respin.up);
        if self.dry_run {
            self.show(&respin.down.plan.lines(), &respin.up);
        } else {
            respin
                .run(self.clouds(&aws), self.session.progress())
                .await?;
        }
        Ok(Outcome::Success)
    }
}

/// Sign and text of a plan line.
fn parts(line: &str) -> (String, String) {
    let (sign, text) = line.split_once(' ').unwrap_or_default();
    (sign.to_owned(), text.to_owned())
}

fn plan_items<'a>(before: &[String], planned: &'a Provision<'_>) -> Vec<PlanItem<'a>> {
    let deletion = |line: &String| {
        let (sign, text) = parts(line);
        PlanItem {
            sequence: None,
            hostclass: None,
            group: None,
            sign,
            text,
        }
    };
    let mut items: Vec<PlanItem<'a>> = before.iter().map(deletion).collect();
    for sequence in &planned.sequences {
        for row in &sequence.rows {
            let item = |line: String| {
                let (sign, text) = parts(&line);
                PlanItem {
                    sequence: Some(sequence.number),
                    hostclass: Some(&row.hostclass),
                    group: Some(&row.group_name),
                    sign,
                    text,
                }
            };
            items.extend(row.lines().into_iter().map(item));
        }
    }
    items
}
