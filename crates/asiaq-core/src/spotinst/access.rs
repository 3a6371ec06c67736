//! Spotinst as the environment variables and the configuration allow it: the account depends on the
//! environment.

use super::client::Spotinst;
use super::settings::SpotinstSettings;
use crate::config::DiscoAws;
use crate::error::Result;
use std::collections::BTreeSet;

/// Section and options that name accounts, each also with `@ENV`.
const MAIN: &str = "disco_aws";
const ACCOUNTS: [&str; 2] = ["spotinst_account_id", "default_spotinst_account_id"];

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

    /// A client for each account that any environment has, and for that of environments which are not named; none if Spotinst
    /// is disabled.
    ///
    /// # Errors
    /// As [`Access::client`].
    pub fn clients(&self) -> Result<Vec<Spotinst>> {
        let Some(settings) = &self.settings else {
            return Ok(Vec::new());
        };
        let accounts = match &self.config {
            Some(config) => accounts(config)?,
            None => BTreeSet::from([None]),
        };
        let client = |account| Spotinst::new(settings.clone(), account);
        accounts.into_iter().map(client).collect()
    }
}

/// The accounts of all environments; `None` is the token's default account.
fn accounts(config: &DiscoAws) -> Result<BTreeSet<Option<String>>> {
    let env = |option: &str| {
        let (key, env) = option.split_once('@')?;
        ACCOUNTS.contains(&key).then(|| env.to_owned())
    };
    let mut envs: BTreeSet<String> = config.ini().options(MAIN).filter_map(env).collect();
    envs.insert(String::new());
    let mut found = BTreeSet::new();
    for env in &envs {
        found.insert(config.spotinst_account_id(env)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::config::Ini;

    #[test]
    fn accounts_of_all_environments_each_once() {
        let table: [(&str, &[Option<&str>]); 4] = [
            ("", &[None]),
            (
                "spotinst_account_id=act-1\nspotinst_account_id@ci=act-1\n",
                &[Some("act-1")],
            ),
            ("spotinst_account_id@prod=act-1\n", &[None, Some("act-1")]),
            (
                "spotinst_account_id@prod=act-1\ndefault_spotinst_account_id@ci=act-2\n\
                 default_spotinst_account_id=act-3\nspotinst_account_id_old@dev=act-4\n",
                &[Some("act-1"), Some("act-2"), Some("act-3")],
            ),
        ];
        for (text, wanted) in table {
            let text = format!("[disco_aws]\n{text}");
            let ini = Ini::parse("disco_aws.ini", text.as_bytes()).unwrap();
            let found = accounts(&DiscoAws::from_ini(ini)).unwrap();
            let found: Vec<Option<&str>> = found.iter().map(Option::as_deref).collect();
            assert_eq!(found, wanted, "{text}");
        }
    }
}
