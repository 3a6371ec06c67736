//! `disco_autoscale`: lists and cleans up groups, launch objects and scaling policies of an environment.

/// What needs a file of its own, in the folder of this name.
mod disco_autoscale {
    pub mod policies;
}

use asiaq_cli::{Common, DryRun, EnvOption, Failure, Outcome, Session, Tool, run};
use asiaq_core::Error;
use asiaq_core::aws::Aws;
use asiaq_core::group::{self, Clouds, DeleteFilter, Group, GroupAction, LaunchObject};
use asiaq_core::plan::{Plan, Yields};
use asiaq_core::spotinst::Spotinst;
use clap::{Args, Parser, Subcommand};
use disco_autoscale::policies::{CreatePolicyArgs, ListPoliciesArgs};
use serde::Serialize;
use std::process::ExitCode;

/// List and clean up groups, launch templates and scaling policies of an environment
#[derive(Debug, Parser)]
#[command(name = "disco_autoscale", version, infer_long_args = true)]
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
    /// List groups: name, image, min, desired, max, instances, kind, under test; JSON keys: name type min_size max_size
    /// desired_capacity launch_config_name image_id termination_policies vpc_zone_identifier load_balancers target_groups
    /// tags instances count is_testing; of Elastigroups also id block_device_mappings scheduling
    Listgroups,
    /// Delete the groups that have no instances
    Cleangroups,
    /// Delete the groups of a hostclass, or one group
    Deletegroup(DeleteGroupArgs),
    /// List launch templates and launch configurations: name, image (JSON keys: name type id image_id)
    Listconfigs,
    /// Delete the launch templates and launch configurations that no group uses
    Cleanconfigs,
    /// Delete a launch configuration or launch template
    Deleteconfig {
        /// Its name
        #[arg(long, value_name = "NAME")]
        config: String,
    },
    /// List scaling policies (JSON keys: asg name type adjustment_type scaling_adjustment min_adjustment cooldown
    /// step_adjustments warmup alarms)
    Listpolicies(ListPoliciesArgs),
    /// Create or overwrite a scaling policy
    Createpolicy(CreatePolicyArgs),
    /// Delete a scaling policy
    Deletepolicy {
        /// Name of the policy
        #[arg(long, alias = "policy_name", value_name = "POLICY")]
        policy_name: String,
        /// Group that it belongs to
        #[arg(long, alias = "group_name", value_name = "GROUP")]
        group_name: String,
    },
}

#[derive(Debug, Args)]
struct DeleteGroupArgs {
    #[command(flatten)]
    which: Which,
    /// Delete groups that have instances, with the instances
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Hostclass whose groups are deleted
    #[arg(long)]
    hostclass: Option<String>,
    /// Name of the group
    #[arg(long, value_name = "GROUP")]
    name: Option<String>,
}

impl Which {
    fn filter(&self) -> DeleteFilter<'_> {
        match (&self.hostclass, &self.name) {
            (Some(hostclass), _) => DeleteFilter::Hostclass(hostclass),
            (None, name) => DeleteFilter::Name(name.as_deref().unwrap_or_default()),
        }
    }
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        let (_, env) = session.environment(cli.env.env.as_deref())?;
        let spotinst = session.spotinst()?.client(&env)?;
        let call = Call {
            session,
            env: &env,
            spotinst: spotinst.as_ref(),
            dry_run: cli.dry_run.dry_run,
        };
        match cli.command {
            Command::Listgroups => call.list_groups(cli.common.debug).await?,
            Command::Cleangroups => call.delete_groups(DeleteFilter::All, false).await?,
            Command::Deletegroup(args) => {
                call.delete_groups(args.which.filter(), args.force).await?;
            }
            Command::Listconfigs => call.list_launch_objects().await?,
            Command::Cleanconfigs => call.clean_launch_objects().await?,
            Command::Deleteconfig { config } => {
                let aws = session.aws().await?;
                let plan = group::plan_delete_launch_object(&aws, &config).await?;
                call.carry_out(&aws, &plan).await?;
            }
            Command::Listpolicies(args) => call.list_policies(&args).await?,
            Command::Createpolicy(args) => call.create_policy(args).await?,
            Command::Deletepolicy {
                policy_name,
                group_name,
            } => {
                let aws = session.aws().await?;
                group::refuse_policies_of_elastigroup(call.clouds(&aws), &group_name).await?;
                let plan = group::plan_delete_policy(&group_name, &policy_name);
                call.carry_out(&aws, &plan).await?;
            }
        }
        Ok(Outcome::Success)
    })
}

/// What every subcommand works with.
struct Call<'a> {
    session: &'a Session,
    env: &'a str,
    spotinst: Option<&'a Spotinst>,
    dry_run: bool,
}

/// A group with the columns that the listing derives.
#[derive(Serialize)]
struct GroupRow {
    #[serde(flatten)]
    group: Group,
    count: usize,
    is_testing: bool,
}

impl Call<'_> {
    fn clouds<'c>(&'c self, aws: &'c Aws) -> Clouds<'c> {
        Clouds {
            aws,
            spotinst: self.spotinst,
        }
    }

    /// Shows the plan, or applies it.
    async fn carry_out(&self, aws: &Aws, plan: &Plan<GroupAction>) -> Result<(), Failure> {
        if self.dry_run {
            self.session.printer.plan(plan);
            return Ok(());
        }
        let progress = self.session.progress();
        let executor = group::executor(self.clouds(aws), progress, &Yields::default());
        let outcome = plan.apply(&executor, progress).await;
        outcome.map_err(Error::from)?;
        Ok(())
    }

    async fn list_groups(&self, header: bool) -> Result<(), Failure> {
        let aws = self.session.aws().await?;
        let mut groups = group::groups_with_images(self.clouds(&aws), self.env).await?;
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        let row = |group: Group| GroupRow {
            count: group.count().unwrap_or_default(),
            is_testing: group.is_testing(),
            group,
        };
        let rows: Vec<GroupRow> = groups.into_iter().map(row).collect();
        let width = self.env.chars().count();
        let printer = &self.session.printer;
        if header && !printer.is_json() {
            // Five columns short of the rows, as it always was.
            printer.line(format!(
                "{:<name_width$} {:<21} min des max cnt type is_testing",
                "Name",
                "AMI",
                name_width = 35 + width
            ));
        }
        printer.listing(&rows, |row| group_line(row, 40 + width));
        Ok(())
    }

    async fn delete_groups(&self, filter: DeleteFilter<'_>, force: bool) -> Result<(), Failure> {
        let aws = self.session.aws().await?;
        let clouds = self.clouds(&aws);
        let (mut groups, usage) = group::groups_and_usage(clouds, self.env).await?;
        // Forced, instances do not matter.
        let unread = if force {
            Vec::new()
        } else {
            group::read_statuses(clouds, self.env, &mut groups, filter).await?
        };
        let (plan, notes) = group::plan_delete(self.env, &groups, &usage, filter, force, false)?;
        for note in &notes {
            self.session.inform(note);
        }
        let outcome = self.carry_out(&aws, &plan).await;
        match Error::from_list(unread) {
            Some(unread) if outcome.is_ok() => Err(unread.into()),
            Some(unread) => {
                self.session.warn(&[unread.to_string()]);
                outcome
            }
            None => outcome,
        }
    }

    async fn list_launch_objects(&self) -> Result<(), Failure> {
        let objects = group::launch_objects(&self.session.aws().await?, self.env).await?;
        let line = |object: &LaunchObject| {
            let image = object.image_id.as_deref().unwrap_or_default();
            format!("{:<24} {image}", object.name)
        };
        self.session.printer.listing(&objects, line);
        Ok(())
    }

    async fn clean_launch_objects(&self) -> Result<(), Failure> {
        self.session.inform(&format!(
            "Cleaning up unused launch configurations and launch templates in {}",
            self.env
        ));
        let aws = self.session.aws().await?;
        let (objects, usage) = tokio::try_join!(
            group::launch_objects(&aws, self.env),
            group::launch_usage(&aws)
        )?;
        let plan = group::plan_clean_launch_objects(self.env, &objects, &usage);
        self.carry_out(&aws, &plan).await
    }
}

/// The columns of spec 30, section 2.1; trailing blanks are part of it.
fn group_line(row: &GroupRow, width: usize) -> String {
    let group = &row.group;
    format!(
        "{:<width$} {:<21} {:>3} {:>3} {:>3} {:>3} {:<4} {:<10}",
        group.name,
        group.image_id.as_deref().unwrap_or_default(),
        group.min_size,
        group.desired_capacity,
        group.max_size,
        row.count,
        group.kind,
        if row.is_testing { "y" } else { "n" },
    )
}
