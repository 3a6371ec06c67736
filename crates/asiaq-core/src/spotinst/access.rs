//! Spotinst as the environment variables and the configuration allow it: the account depends on the
//! environment.

use super::client::Spotinst;
use super::settings::SpotinstSettings;
use crate::config::DiscoAws;
use crate::error::Result;

/// What a command needs to get a client for an environment.
#[derive(Debug, Clone, Default)]
pub struct Access {
    settings: Option<SpotinstSettings>,
    config: Option<DiscoAws>,
}

impl Access {
    /// Access with these settings; `None` means disabled. The configuration says which account belongs to an
    /// environment.
    pub fn new(settings: Option<SpotinstSettings>, config: Option<DiscoAws>) -> Self {
        Self { settings, config }
    }

    /// The client for an environment; `None` if Spotinst is disabled.
    ///
    /// # Errors
    /// The configuration of the account is wrong, or HTTPS cannot be set up.
    pub fn client(&self, env: &str) -> Result<Option<Spotinst>> {
        let Some(settings) = &self.settings else {
            return Ok(None);
        };
        let account = match &self.config {
            Some(config) => config.spotinst_account_id(env)?,
            None => None,
        };
        Spotinst::new(settings.clone(), account).map(Some)
    }
}
