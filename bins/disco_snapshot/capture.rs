//! `disco_snapshot capture`: of a volume, or by hosts.

use crate::Call;
use asiaq_cli::{Failure, Outcome, key_value};
use asiaq_core::credentials::credential_buckets;
use asiaq_core::environment;
use asiaq_core::host::remote::Remote;
use asiaq_core::host::{self, Host, Selection};
use asiaq_core::storage;
use clap::{ArgGroup, Args};

/// Options of `capture`: exactly one kind of selector, repeatable, or one volume.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(false).args(["instance", "hostname", "hostclass", "ami", "volume_id"]))]
pub struct CaptureArgs {
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
    /// A volume that is attached to a host
    #[arg(long, value_name = "ID")]
    volume_id: Option<String>,
    /// Another tag of the volume's snapshot (repeatable)
    #[arg(long, value_name = "KEY:VALUE", value_parser = key_value, requires = "volume_id", conflicts_with_all = ["instance", "hostname", "hostclass", "ami"])]
    tag: Vec<(String, String)>,
}

impl Call<'_> {
    pub async fn capture(&self, args: CaptureArgs, debug: bool) -> Result<Outcome, Failure> {
        match &args.volume_id {
            Some(volume) => self.capture_volume(volume, &args.tag).await,
            None => self.capture_by_hosts(args, debug).await,
        }
    }

    pub async fn capture_volume(
        &self,
        volume: &str,
        tags: &[(String, String)],
    ) -> Result<Outcome, Failure> {
        let aws = self.session.aws().await?;
        let plan = storage::plan_capture(&aws, volume, tags).await?;
        if let Some(id) = self.carry_out(&aws, &plan).await? {
            let line = format!("Successfully created snapshot: {id}");
            self.session.printer.line(line);
        }
        Ok(Outcome::Success)
    }

    async fn capture_by_hosts(&self, args: CaptureArgs, debug: bool) -> Result<Outcome, Failure> {
        let (config, env) = self.environment()?;
        let aws = self.session.aws().await?;
        let vpc = environment::find(&aws, &env).await?;
        let selection = Selection {
            instances: args.instance,
            hostnames: args.hostname,
            hostclasses: args.hostclass,
            amis: args.ami,
            groups: Vec::new(),
        };
        let hosts = host::select(&aws, &vpc.id, &selection).await?;
        let printer = &self.session.printer;
        let (hosts, gone) = host::split_gone(hosts);
        if !gone.is_empty() {
            let text = format!("skipped: {}", gone.join(", "));
            self.session.warn(&[text]);
        }
        let plan = host::plan_capture(&hosts);
        if hosts.is_empty() && !printer.is_json() {
            printer.line("No instances found");
            return Ok(Outcome::Success);
        }
        if self.dry_run {
            printer.plan(&plan);
            return Ok(Outcome::Success);
        }
        let directory = self.session.config_dir();
        let buckets = credential_buckets(&directory, &config, &vpc, aws.region())?;
        let settings = self.session.ssh_settings(debug)?;
        let remote = Remote::new(&aws, &vpc, &config, &env, settings);
        remote.load_keys(&buckets).await?;
        let captured = |host: &Host| {
            printer.line(format!("Successfully snapshotted Instance:{}", host.id));
        };
        host::capture(&remote, &plan, self.session.progress(), &captured).await?;
        Ok(Outcome::Success)
    }
}
