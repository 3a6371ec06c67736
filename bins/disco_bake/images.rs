//! `disco_bake`: the subcommands of image management.

#[path = "images/listing.rs"]
mod listing;

use asiaq_cli::{Failure, Outcome, Session};
use asiaq_core::aws::Aws;
use asiaq_core::config::DiscoAws;
use asiaq_core::image::manage::cleanup::{Cleanup, Rules, plan_cleanup};
use asiaq_core::image::manage::delete::plan_delete;
use asiaq_core::image::manage::{
    ImageAction, apply, plan_hostclass_promotion, plan_promotion, promote,
};
use asiaq_core::image::{self, Trusted};
use asiaq_core::plan::Plan;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use listing::{LatestArgs, ListArgs};

/// Subcommands of image management.
#[derive(Debug, Subcommand)]
pub enum Images {
    /// Set the stage of an image
    Promote(PromoteArgs),
    /// Let the production accounts launch the latest image of the last stage of a hostclass
    Hostclasspromote {
        /// Hostclass
        #[arg(long, value_name = "HC", value_parser = NonEmptyStringValueParser::new())]
        hostclass: String,
    },
    /// List images; exit 1 if there are none; JSON keys: id name hostclass created state stage productline age_hours production
    /// private tags
    Listamis(ListArgs),
    /// List hostclasses without a recent image of the last stage, with their latest image of the first stage; JSON keys:
    /// hostclass ami promoted_ami
    Liststragglers {
        /// How old a recent image may be
        #[arg(long, value_name = "DAYS", default_value_t = 3)]
        days: u32,
    },
    /// Show the latest image of a hostclass in a stage; exit 1 if there is none; JSON keys as listamis
    Listlatestami(LatestArgs),
    /// Delete an image and its snapshots
    Deleteami {
        /// AMI id
        #[arg(long, value_parser = NonEmptyStringValueParser::new())]
        ami: String,
        /// Also if a group, a launch template or an instance uses it
        #[arg(long)]
        force: bool,
    },
    /// Delete old images of a stage and their snapshots, and print them; JSON keys as listamis without production. What a group,
    /// a launch template or an instance uses always stays
    Cleanupamis(CleanupArgs),
    /// Show the address of the package repository host of the bakery; JSON keys: instance_id hostclass address public_ip
    /// private_ip
    Listrepo,
}

/// Options of `promote`.
#[derive(Debug, Args)]
pub struct PromoteArgs {
    /// AMI id
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    ami: String,
    /// One of ami_stages; images that prod_baker baked and that reach the last one are shared with prod_account_ids
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    stage: String,
    /// Share it with prod_account_ids, whatever stage it reaches and whoever baked it
    #[arg(long, alias = "promote_to_prod")]
    promote_to_prod: bool,
}

/// Options of `cleanupamis`.
#[derive(Debug, Args)]
pub struct CleanupArgs {
    /// Stage of the images
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    stage: String,
    /// How many of each hostclass to keep, however old
    #[arg(long, value_name = "N", default_value_t = 3)]
    keep: u32,
    /// Keep those that are not older
    #[arg(long, value_name = "DAYS", default_value_t = 14)]
    age: u32,
    /// Only images of this hostclass
    #[arg(long, value_name = "HC")]
    hostclass: Option<String>,
    /// Only images of this product line
    #[arg(long, alias = "product-line")]
    productline: Option<String>,
    /// Images to keep besides, separated by commas
    #[arg(
        long,
        alias = "exclude_amis",
        value_name = "AMIS",
        default_value = "",
        hide_default_value = true
    )]
    exclude_amis: String,
}

/// What every subcommand works with.
pub(crate) struct Call<'a> {
    session: &'a Session,
    config: DiscoAws,
    aws: Aws,
    dry_run: bool,
}

/// Runs one.
///
/// # Errors
/// Those of the subcommand.
pub async fn run(session: &Session, command: Images, dry_run: bool) -> Result<Outcome, Failure> {
    let config = session.disco_aws()?;
    config.project_name()?;
    let call = Call {
        session,
        config,
        aws: session.aws().await?,
        dry_run,
    };
    match command {
        Images::Promote(args) => call.promote(&args).await,
        Images::Hostclasspromote { hostclass } => call.promote_hostclass(&hostclass).await,
        Images::Listamis(args) => call.list(args).await,
        Images::Liststragglers { days } => call.stragglers(days).await,
        Images::Listlatestami(args) => call.latest(&args).await,
        Images::Deleteami { ami, force } => call.delete(&ami, force).await,
        Images::Cleanupamis(args) => call.clean_up(args).await,
        Images::Listrepo => call.repository().await,
    }
}

/// A text option that is empty counts as absent.
fn given(option: Option<String>) -> Option<String> {
    option.filter(|text| !text.is_empty())
}

impl Call<'_> {
    fn trusted(&self) -> Result<Trusted, Failure> {
        Ok(Trusted::new(&self.config.trusted_account_ids()?))
    }

    async fn promote(&self, args: &PromoteArgs) -> Result<Outcome, Failure> {
        let image = promote::locate(&self.aws, &args.ami).await?;
        let to_prod = args.promote_to_prod;
        let plan = plan_promotion(&self.aws, &self.config, &image, &args.stage, to_prod).await?;
        self.carry_out(&plan).await
    }

    async fn promote_hostclass(&self, hostclass: &str) -> Result<Outcome, Failure> {
        let (image, plan) = plan_hostclass_promotion(&self.aws, &self.config, hostclass).await?;
        let (id, name) = (&image.id, &image.name);
        self.session
            .inform(&format!("the latest image of {hostclass} is {id} ({name})"));
        self.carry_out(&plan).await
    }

    async fn delete(&self, ami: &str, force: bool) -> Result<Outcome, Failure> {
        let spotinst = self.session.spotinst()?.clients()?;
        let deletion = plan_delete(&self.aws, &spotinst, ami, force).await?;
        self.session.warn(&deletion.warnings);
        if !self.dry_run {
            self.session.inform(&format!("Deleting AMI {ami}"));
        }
        self.carry_out(&deletion.plan).await
    }

    async fn clean_up(&self, args: CleanupArgs) -> Result<Outcome, Failure> {
        let rules = Rules {
            stage: args.stage,
            product_line: given(args.productline),
            hostclass: given(args.hostclass),
            keep: args.keep,
            age: args.age,
            excluded: image::comma_separated(&args.exclude_amis)
                .into_iter()
                .collect(),
        };
        let spotinst = self.session.spotinst()?.clients()?;
        let Cleanup { rows, kept, plan } = plan_cleanup(&self.aws, &spotinst, &rules).await?;
        kept.iter().for_each(|line| self.session.inform(line));
        if !rows.is_empty() {
            let will = if self.dry_run { "would be" } else { "are" };
            let count = rows.len();
            self.session.inform(&format!(
                "these images of stage {} {will} deleted: {count}",
                rules.stage
            ));
        }
        self.session.printer.listing(&rows, |row| row.line());
        if !self.dry_run {
            apply(&self.aws, &plan, self.session.progress()).await?;
        }
        Ok(Outcome::Success)
    }

    /// Shows the plan, or applies it.
    async fn carry_out(&self, plan: &Plan<ImageAction>) -> Result<Outcome, Failure> {
        if self.dry_run {
            self.session.printer.plan(plan);
            return Ok(Outcome::Success);
        }
        if plan.is_empty() {
            self.session.inform("everything is as wanted already");
        }
        apply(&self.aws, plan, self.session.progress()).await?;
        Ok(Outcome::Success)
    }
}
