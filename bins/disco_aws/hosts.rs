//! `disco_aws`: the subcommands that work on single hosts.

use crate::Call;
use asiaq_cli::{Failure, Outcome};
use asiaq_core::aws::Aws;
use asiaq_core::config::DiscoAws;
use asiaq_core::environment::{self, Vpc};
use asiaq_core::host::{self, Columns, Host, HostAction, HostRow, Selection};
use asiaq_core::image::{self, Trusted};
use asiaq_core::plan::Plan;
use chrono::Utc;
use clap::{ArgGroup, Args};

/// Hosts by any selectors, also none, also mixed.
#[derive(Debug, Args)]
pub struct Hosts {
    /// Instance id (repeatable)
    #[arg(long)]
    instance: Vec<String>,
    /// Host name, as in the tag `hostname` (repeatable)
    #[arg(long)]
    hostname: Vec<String>,
    /// Hostclass (repeatable)
    #[arg(long)]
    hostclass: Vec<String>,
    /// Image id (repeatable)
    #[arg(long)]
    ami: Vec<String>,
    /// Auto Scaling group (repeatable)
    #[arg(long)]
    asg: Vec<String>,
}

/// Exactly one kind of selector, repeatable.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("selector").required(true).multiple(false).args(["instance", "hostname", "hostclass", "ami", "asg"]))]
pub struct Selector {
    #[command(flatten)]
    pub hosts: Hosts,
}

impl From<Hosts> for Selection {
    fn from(hosts: Hosts) -> Self {
        Self {
            instances: hosts.instance,
            hostclasses: hosts.hostclass,
            amis: hosts.ami,
            hostnames: hosts.hostname,
            groups: hosts.asg,
        }
    }
}

impl From<Selector> for Selection {
    fn from(selector: Selector) -> Self {
        selector.hosts.into()
    }
}

/// Options of `tag`.
#[derive(Debug, Args)]
pub struct TagArgs {
    /// Instance id (repeatable)
    #[arg(long, required = true)]
    instance: Vec<String>,
    /// Tag key
    #[arg(long)]
    key: String,
    /// New value; without it the tag is removed
    #[arg(long)]
    value: Option<String>,
}

/// Options of `listhosts`: which columns to show beside instance id, hostclass and address.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only hosts of this hostclass
    #[arg(long)]
    hostclass: Option<String>,
    /// Show the state
    #[arg(long)]
    state: bool,
    /// Show whether the host has a host name (y or -)
    #[arg(long)]
    hostname: bool,
    /// Show the owner
    #[arg(long)]
    owner: bool,
    /// Show the product line
    #[arg(long)]
    productline: bool,
    /// Show the instance type
    #[arg(long, alias = "instance_type")]
    instance_type: bool,
    /// Show the private address
    #[arg(long, alias = "private_ip")]
    private_ip: bool,
    /// Show the image
    #[arg(long)]
    ami: bool,
    /// Show whether the smoke test passed (y or -)
    #[arg(long)]
    smoke: bool,
    /// Show the age of the image in hours
    #[arg(long, alias = "ami_age")]
    ami_age: bool,
    /// Show the hours since launch
    #[arg(long)]
    uptime: bool,
    /// Show the security group
    #[arg(long)]
    securitygroup: bool,
    /// Show the availability zone
    #[arg(long, alias = "availability_zone")]
    availability_zone: bool,
    /// Show state, hostname, owner, instance type, image, smoke test, image age and uptime
    #[arg(long)]
    most: bool,
    /// Show everything
    #[arg(long)]
    all: bool,
}

impl ListArgs {
    fn columns(&self) -> Columns {
        let own = Columns {
            state: self.state,
            hostname: self.hostname,
            owner: self.owner,
            instance_type: self.instance_type,
            ami: self.ami,
            smoke: self.smoke,
            ami_age: self.ami_age,
            uptime: self.uptime,
            private_ip: self.private_ip,
            availability_zone: self.availability_zone,
            productline: self.productline,
            securitygroup: self.securitygroup,
        };
        match (self.all, self.most) {
            (true, _) => own.all(),
            (false, true) => own.most(),
            _ => own,
        }
    }
}

fn trusted(config: &DiscoAws) -> Result<Trusted, Failure> {
    Ok(Trusted::new(&config.trusted_account_ids()?))
}

impl Call<'_> {
    /// Access to AWS, and the environment's VPC.
    pub async fn vpc(&self) -> Result<(Aws, Vpc), Failure> {
        let aws = self.session.aws().await?;
        let vpc = environment::find(&aws, self.env).await?;
        Ok((aws, vpc))
    }

    /// Shows or applies a plan on hosts.
    async fn carry_out(&self, aws: &Aws, plan: &Plan<HostAction>) -> Result<Outcome, Failure> {
        if self.dry_run {
            self.session.printer.plan(plan);
        } else {
            host::apply(aws, plan, self.session.progress()).await?;
        }
        Ok(Outcome::Success)
    }

    pub async fn list_hosts(&self, args: ListArgs) -> Result<Outcome, Failure> {
        let (aws, vpc) = self.vpc().await?;
        let columns = args.columns();
        let hosts = match args.hostclass {
            Some(hostclass) => {
                host::select(
                    &aws,
                    &vpc.id,
                    &Selection {
                        hostclasses: vec![hostclass],
                        ..Selection::default()
                    },
                )
                .await?
            }
            None => host::hosts_of(&aws, &vpc.id, &[]).await?,
        };
        let ages = if columns.ami_age || self.session.printer.is_json() {
            image::ages(&aws, &trusted(self.config)?, &host::images_of(&hosts)).await?
        } else {
            Default::default()
        };
        let rows = host::rows(hosts, &ages, Utc::now());
        self.session
            .printer
            .listing(&rows, |row: &HostRow| row.line(columns));
        Ok(Outcome::Success)
    }

    pub async fn terminate(&self, selector: Selector) -> Result<Outcome, Failure> {
        let (aws, vpc) = self.vpc().await?;
        let selection = selector.hosts.into();
        let (mut hosts, routes) = tokio::try_join!(
            host::select(&aws, &vpc.id, &selection),
            environment::instance_routes(&aws, &vpc.id)
        )?;
        hosts.retain(|host| !host.is_terminated());
        let plan = host::plan_terminate(&hosts, &routes);
        self.carry_out(&aws, &plan).await?;
        self.report("Terminated", &hosts)
    }

    pub async fn stop(&self, selector: Selector) -> Result<Outcome, Failure> {
        let (aws, vpc) = self.vpc().await?;
        let mut hosts = host::select(&aws, &vpc.id, &selector.hosts.into()).await?;
        hosts.retain(|host| !host.is_terminated());
        self.carry_out(&aws, &host::plan_stop(&hosts)).await?;
        self.report("Stopped", &hosts)
    }

    fn report(&self, verb: &str, hosts: &[Host]) -> Result<Outcome, Failure> {
        if hosts.is_empty() {
            self.session.warn(&["no instance matches".to_owned()]);
        }
        if !self.dry_run {
            self.session.printer.line(host::selection_line(verb, hosts));
        }
        Ok(Outcome::Success)
    }

    pub async fn tag(&self, args: TagArgs) -> Result<Outcome, Failure> {
        let (aws, vpc) = self.vpc().await?;
        let hosts = host::select(
            &aws,
            &vpc.id,
            &Selection {
                instances: args.instance,
                ..Selection::default()
            },
        )
        .await?;
        self.carry_out(
            &aws,
            &host::plan_tag(&hosts, &args.key, args.value.as_deref()),
        )
        .await
    }

    pub async fn promote_running(&self, hours: i64) -> Result<Outcome, Failure> {
        let (stages, accounts) = (self.config.ami_stages()?, self.config.prod_account_ids()?);
        let (aws, vpc) = self.vpc().await?;
        let running = host::hosts_of(
            &aws,
            &vpc.id,
            &[("instance-state-name", &["running".to_owned()])],
        )
        .await?;
        if accounts.is_empty() {
            let text =
                "prod_account_ids of [bake] is empty: there is no account to share images with";
            self.session.warn(&[text.to_owned()]);
        }
        let final_stage = stages.last().map(String::as_str).unwrap_or_default();
        let plan = host::plan_promote_running(
            &aws,
            &running,
            hours,
            &trusted(self.config)?,
            final_stage,
            &accounts,
        )
        .await?;
        self.carry_out(&aws, &plan).await
    }
}
