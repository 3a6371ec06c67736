//! What a command works with: settings from the environment, configuration, AWS, printer and progress.

use crate::{BucketOption, CliProgress, Failure, Format, Printer};
use asiaq_core::aws::{Aws, Settings};
use asiaq_core::config::{ConfigDir, DiscoAws};
use asiaq_core::credentials;
use asiaq_core::host::remote::SshSettings;
use asiaq_core::monitoring::host_metrics::Imds;
use asiaq_core::names;
use asiaq_core::plan::Interrupt;
use asiaq_core::spotinst::{Access, SpotinstSettings};
use std::sync::Arc;

/// One run of a command.
#[derive(Debug)]
pub struct Session {
    /// Data on stdout.
    pub printer: Printer,
    progress: Arc<CliProgress>,
    settings: Settings,
    interrupt: Interrupt,
}

/// An environment variable that is set, valid text and not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Session {
    pub(crate) fn new(format: Format, progress: Arc<CliProgress>) -> Result<Self, Failure> {
        let settings = Settings::from_variables(variable)?;
        Ok(Self {
            printer: Printer::new(format),
            progress,
            settings,
            interrupt: Interrupt::default(),
        })
    }

    /// Progress of the changes that the command makes.
    pub fn progress(&self) -> &CliProgress {
        &self.progress
    }

    /// Whether Ctrl-C has come, for work that cleans up after itself.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// The configuration directory: `ASIAQ_CONFIG`, else the working directory.
    pub fn config_dir(&self) -> ConfigDir {
        ConfigDir::new(std::env::var_os("ASIAQ_CONFIG").as_deref())
    }

    /// `disco_aws.ini`.
    pub fn disco_aws(&self) -> Result<DiscoAws, Failure> {
        Ok(DiscoAws::load(&self.config_dir())?)
    }

    /// `disco_aws.ini` and the environment that `--env`, `DEFAULT_ENV` or the file selects, in this order.
    pub fn environment(&self, flag: Option<&str>) -> Result<(DiscoAws, String), Failure> {
        let config = self.disco_aws()?;
        let name = config.environment_name(flag, variable("DEFAULT_ENV").as_deref())?;
        Ok((config, name))
    }

    /// Access to AWS. Makes no call yet.
    pub async fn aws(&self) -> Result<Aws, Failure> {
        Ok(Aws::connect(&self.settings).await?)
    }

    /// Name of the bucket that `--bucket` names, else of the first credential bucket of the environment.
    pub async fn credential_bucket(
        &self,
        aws: &Aws,
        option: &BucketOption,
    ) -> Result<String, Failure> {
        if let Some(bucket) = &option.bucket {
            return Ok(bucket.clone());
        }
        let (config, env) = self.environment(option.env.as_deref())?;
        let directory = self.config_dir();
        Ok(credentials::first_bucket(aws, &directory, &config, &env).await?)
    }

    /// Options of every ssh, with Asiaq's own known-hosts file; ssh itself talks much with `verbose`.
    pub fn ssh_settings(&self, verbose: bool) -> Result<SshSettings, Failure> {
        Ok(SshSettings::from_variables(variable, verbose)?)
    }

    /// Access to AWS in a region that is known already, with one attempt per call: for a caller that repeats calls itself.
    pub async fn aws_in(&self, region: &str) -> Aws {
        let settings = Settings {
            max_attempts: 1,
            ..self.settings.clone()
        };
        Aws::connect_in(&settings, region).await
    }

    /// The metadata of the instance that this runs on. Makes no request yet.
    pub fn instance_metadata(&self) -> Result<Imds, Failure> {
        Ok(Imds::from_variables(variable)?)
    }

    /// Access to Spotinst; disabled unless `SPOTINST_TOKEN` is set. Only then the configuration is read: it says which account
    /// belongs to an environment. Without the file that is the token's default account.
    pub fn spotinst(&self) -> Result<Access, Failure> {
        let settings = SpotinstSettings::from_variables(variable)?;
        let config = match settings {
            Some(_) => DiscoAws::load_if_present(&self.config_dir())?,
            None => None,
        };
        Ok(Access::new(settings, config))
    }

    /// Logs what was done.
    pub fn inform(&self, text: &str) {
        tracing::info!("{text}");
    }

    /// Logs warnings.
    pub fn warn(&self, warnings: &[String]) {
        for warning in warnings {
            tracing::warn!("{warning}");
        }
    }

    /// The user on whose behalf the command runs, for `owner` tags.
    pub fn user(&self) -> String {
        names::current_user(variable)
            .or_else(passwd_name)
            .unwrap_or_else(|| "unknown".to_owned())
    }
}

fn passwd_name() -> Option<String> {
    nix::unistd::User::from_uid(nix::unistd::getuid())
        .ok()
        .flatten()
        .map(|user| user.name)
}
