//! `disco_elb`: lists, creates, updates and deletes the load balancers of hostclasses.

use asiaq_cli::{Common, DryRun, EnvOption, Failure, Outcome, Session, Tool, run};
use asiaq_core::balancer::ListedBalancer;
use asiaq_core::config::DiscoAws;
use asiaq_core::group::Clouds;
use asiaq_core::host::{self, BalancerUpdate};
use clap::{Args, Parser, Subcommand};
use std::process::ExitCode;

/// List, create, update and delete the load balancers of an environment
#[derive(Debug, Parser)]
#[command(name = "disco_elb", version, infer_long_args = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    env: EnvOption,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List load balancers: name, availability zones, id (JSON keys: name availability_zones id type scheme dns_name)
    List,
    /// Bring the load balancer of a hostclass to what its options say, and attach the hostclass's group to it
    Update(UpdateArgs),
    /// Same as update
    Create(UpdateArgs),
    /// Detach the hostclass's group from its load balancer and delete it, with the records that lead to it
    Delete {
        /// The hostclass
        #[arg(long)]
        hostclass: String,
    },
}

#[derive(Debug, Args)]
struct UpdateArgs {
    /// The hostclass
    #[arg(long)]
    hostclass: String,
    /// The load balancer of the deployment under test, and its group
    #[arg(long)]
    testing: bool,
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        let (config, env) = session.environment(cli.env.env.as_deref())?;
        let call = Call {
            session,
            config: &config,
            env: &env,
            dry_run: cli.dry_run.dry_run,
        };
        match cli.command {
            Command::List => call.list().await?,
            Command::Update(args) | Command::Create(args) => call.update(&args).await?,
            Command::Delete { hostclass } => call.delete(&hostclass).await?,
        }
        Ok(Outcome::Success)
    })
}

/// What every subcommand works with.
struct Call<'a> {
    session: &'a Session,
    config: &'a DiscoAws,
    env: &'a str,
    dry_run: bool,
}

impl Call<'_> {
    async fn list(&self) -> Result<(), Failure> {
        let aws = self.session.aws().await?;
        let all = host::list_balancers(&aws, self.env).await?;
        let printer = &self.session.printer;
        if !printer.is_json() {
            eprintln!("{}", row("ELB Name", "Availability Zones", "ELB Id"));
        }
        printer.listing(&all, |own: &ListedBalancer| {
            row(&own.name, &own.zones(), &own.id)
        });
        Ok(())
    }

    async fn update(&self, args: &UpdateArgs) -> Result<(), Failure> {
        let aws = self.session.aws().await?;
        let spotinst = self.session.spotinst()?.client(self.env)?;
        let clouds = Clouds {
            aws: &aws,
            spotinst: spotinst.as_ref(),
        };
        let planned = host::plan_balancer_update(
            clouds,
            self.config,
            self.env,
            &args.hostclass,
            args.testing,
        );
        self.carry_out(clouds, &planned.await?).await
    }

    async fn delete(&self, hostclass: &str) -> Result<(), Failure> {
        let aws = self.session.aws().await?;
        let spotinst = self.session.spotinst()?.client(self.env)?;
        let clouds = Clouds {
            aws: &aws,
            spotinst: spotinst.as_ref(),
        };
        let planned = host::plan_balancer_delete(clouds, self.env, hostclass).await?;
        if planned.plan.is_empty() {
            self.session.inform(&format!(
                "hostclass {hostclass} has no load balancer in environment `{}`",
                self.env
            ));
        }
        self.carry_out(clouds, &planned).await
    }

    /// Shows the plan, or applies it.
    async fn carry_out(&self, clouds: Clouds<'_>, planned: &BalancerUpdate) -> Result<(), Failure> {
        self.session.warn(&planned.warnings);
        if self.dry_run {
            self.session.printer.plan(&planned.plan);
        } else {
            planned.run(clouds, self.session.progress()).await?;
        }
        Ok(())
    }
}

/// The columns of spec 70, section 7.1.
fn row(name: &str, zones: &str, id: &str) -> String {
    format!("{name:<50} {zones:33} {id}")
}
