//! `disco_aws.ini` as the tools see it: the look-up chains A to F of spec 10, section 4, and the options that
//! belong to no hostclass. Typed hostclass options are in `hostclass.rs`. Reads no environment variables.

use super::diagnostic::{ConfigError, ConfigErrors};
use super::files::ConfigDir;
use super::ini::{Found, Ini};
use crate::network::lists::words;

/// Name of the file in the configuration directory.
const FILE: &str = "disco_aws.ini";
/// The section that holds the options of the whole installation and the `default_` options.
const MAIN: &str = "disco_aws";
/// The section with options for baking.
const BAKE: &str = "bake";
/// The section with options for the test machines of deployments.
const TEST: &str = "test";
/// The section with options for IAM.
const IAM: &str = "iam";
/// The section of the change-ticket service.
const SOCIFY: &str = "socify";
/// What names of hostclass sections start with.
const HOSTCLASS_PREFIX: &str = "mhc";
/// Instance type when nothing is configured (overview, section 5).
const INSTANCE_TYPE: &str = "m5.large";
/// Image stages when nothing is configured (spec 50, D-1).
const AMI_STAGES: [&str; 2] = ["untested", "tested"];

/// Typed view of `disco_aws.ini`.
#[derive(Debug, Clone)]
pub struct DiscoAws {
    ini: Ini,
}

/// Result of an optional look-up: `None` if the option is nowhere, `Some("")` if it is present but empty.
type Lookup = Result<Option<Found>, ConfigError>;

impl DiscoAws {
    /// Reads the file from the configuration directory.
    ///
    /// # Errors
    /// As [`ConfigDir::ini`].
    pub fn load(dir: &ConfigDir) -> Result<Self, ConfigErrors> {
        dir.ini(FILE).map(Self::from_ini)
    }

    /// Reads the file, whose absence is normal here.
    ///
    /// # Errors
    /// A file that exists but cannot be read, or all its syntax errors.
    pub fn load_if_present(dir: &ConfigDir) -> Result<Option<Self>, ConfigErrors> {
        Ok(dir.ini_if_present(FILE)?.map(Self::from_ini))
    }

    /// Wraps a file that has been read.
    pub fn from_ini(ini: Ini) -> Self {
        DiscoAws { ini }
    }

    /// Spotinst account of an environment, if one is configured (spec 30, section 11.1): `spotinst_account_id`, else
    /// `default_spotinst_account_id`, each also with `@ENV`.
    ///
    /// # Errors
    /// Interpolation that fails.
    pub fn spotinst_account_id(&self, env: &str) -> Result<Option<String>, ConfigError> {
        let mut found = self.section_option(MAIN, "spotinst_account_id", env)?;
        if found.is_none() {
            found = self.section_option(MAIN, "default_spotinst_account_id", env)?;
        }
        let id = found.map(|found| found.value.trim().to_owned());
        Ok(id.filter(|id| !id.is_empty()))
    }

    /// Address of the change-ticket service, `[socify] socify_baseurl`, without slashes at its end; `None` if
    /// it is not set.
    ///
    /// # Errors
    /// It is no http or https address, or interpolation fails.
    pub fn socify_base_url(&self) -> Result<Option<String>, ConfigError> {
        let Some(found) = self.ini.find(SOCIFY, "socify_baseurl")? else {
            return Ok(None);
        };
        let url = found.value.trim().trim_end_matches('/');
        let host = url
            .split_once("://")
            .filter(|(scheme, _)| matches!(*scheme, "http" | "https"));
        match host {
            _ if url.is_empty() => Ok(None),
            Some((_, host)) if !host.is_empty() && !host.contains(char::is_whitespace) => {
                Ok(Some(url.to_owned()))
            }
            _ => Err(
                ConfigError::new(format!("`{}` is no http or https address", found.value))
                    .at(found.location)
                    .with_hint("set it to an address like `https://socify.example.com/api`"),
            ),
        }
    }

    /// The file itself, for options that have no chain.
    pub fn ini(&self) -> &Ini {
        &self.ini
    }

    /// The environment to work in: `flag` is the value of `--env`, `default_env` that of `DEFAULT_ENV`; then
    /// comes `default_environment`. Empty values count as absent (spec 10, section 1.3).
    ///
    /// # Errors
    /// No value anywhere.
    pub fn environment_name(
        &self,
        flag: Option<&str>,
        default_env: Option<&str>,
    ) -> Result<String, ConfigError> {
        let given = [flag, default_env]
            .into_iter()
            .flatten()
            .find(|name| !name.is_empty());
        match given {
            Some(name) => Ok(name.to_owned()),
            None => self.main_option(
                "default_environment",
                "pass `--env ENV`, or set `DEFAULT_ENV`, or set `default_environment` in `[disco_aws]`",
            ),
        }
    }

    /// `project_name` of `[disco_aws]`.
    ///
    /// # Errors
    /// The option is absent or empty.
    pub fn project_name(&self) -> Result<String, ConfigError> {
        self.main_option("project_name", "set `project_name` in `[disco_aws]`")
    }

    /// Chain A: `S[k@E]`, `S[k]`, `disco_aws[default_k@E]`, `disco_aws[default_k]`. Without a section, S is
    /// `disco_aws`.
    ///
    /// # Errors
    /// Interpolation that fails; absence is `None`.
    pub fn asiaq_option(&self, section: Option<&str>, key: &str, env: &str) -> Lookup {
        let section = section.unwrap_or(MAIN);
        self.first(&[
            (section, format!("{key}@{env}")),
            (section, key.to_owned()),
            (MAIN, format!("default_{key}@{env}")),
            (MAIN, format!("default_{key}")),
        ])
    }

    /// Chain B: `hc[k@E]`, `hc[k]`, `disco_aws[default_k@E]`, `disco_aws[default_k]`.
    ///
    /// # Errors
    /// Interpolation that fails; absence is `None`.
    pub fn hostclass_option(&self, hostclass: &str, key: &str, env: &str) -> Lookup {
        self.asiaq_option(Some(hostclass), key, env)
    }

    /// Chain B for an option that must be there.
    ///
    /// # Errors
    /// The option is absent; the hint names both places where it can be set.
    pub fn required_hostclass_option(
        &self,
        hostclass: &str,
        key: &str,
        env: &str,
    ) -> Result<Found, ConfigError> {
        self.hostclass_option(hostclass, key, env)?.ok_or_else(|| {
            ConfigError::new(format!(
                "hostclass `{hostclass}` has no option `{key}` in environment `{env}`"
            ))
            .at(self.ini.location(hostclass, Some(key)))
            .with_hint(format!(
                "set `{key}` in `[{hostclass}]`, or `default_{key}` in `[{MAIN}]`"
            ))
        })
    }

    /// Chain C: `S[k@E]`, `S[k]`.
    ///
    /// # Errors
    /// Interpolation that fails; absence is `None`.
    pub fn section_option(&self, section: &str, key: &str, env: &str) -> Lookup {
        self.first(&[(section, format!("{key}@{env}")), (section, key.to_owned())])
    }

    /// Chain D: `hc[k]`, `bake[k]`, `disco_aws[default_k]`. Without a hostclass chain D0: `bake[k]` alone.
    ///
    /// # Errors
    /// Interpolation that fails; absence is `None`.
    pub fn bake_option(&self, hostclass: Option<&str>, key: &str) -> Lookup {
        let Some(hostclass) = hostclass else {
            return self.ini.find(BAKE, key);
        };
        self.first(&[
            (hostclass, key.to_owned()),
            (BAKE, key.to_owned()),
            (MAIN, format!("default_{key}")),
        ])
    }

    /// Chain E: `hc[k]`, `test[k]`, `test[k without test_]`, `disco_aws[default_k]`.
    ///
    /// # Errors
    /// Interpolation that fails; absence is `None`.
    pub fn deploy_option(&self, hostclass: &str, key: &str) -> Lookup {
        let mut places = vec![(hostclass, key.to_owned()), (TEST, key.to_owned())];
        if let Some(short) = key.strip_prefix("test_") {
            places.push((TEST, short.to_owned()));
        }
        places.push((MAIN, format!("default_{key}")));
        self.first(&places)
    }

    /// Chain F: `iam[k@ACCOUNT]`, `iam[k]`.
    ///
    /// # Errors
    /// Interpolation that fails; absence is `None`.
    pub fn iam_option(&self, account: &str, key: &str) -> Lookup {
        self.section_option(IAM, key, account)
    }

    /// The sections that are hostclasses (their name starts with `mhc`), in file order.
    pub fn hostclasses(&self) -> Vec<String> {
        self.ini
            .sections()
            .filter(|name| name.starts_with(HOSTCLASS_PREFIX))
            .map(String::from)
            .collect()
    }

    /// `[bake] trusted_account_ids`: accounts whose images are visible besides our own. Absent: none.
    ///
    /// # Errors
    /// Interpolation that fails.
    pub fn trusted_account_ids(&self) -> Result<Vec<String>, ConfigError> {
        Ok(self.bake_list("trusted_account_ids")?.unwrap_or_default())
    }

    /// `[bake] prod_account_ids`: accounts that images are shared with. Absent: none.
    ///
    /// # Errors
    /// Interpolation that fails.
    pub fn prod_account_ids(&self) -> Result<Vec<String>, ConfigError> {
        Ok(self.bake_list("prod_account_ids")?.unwrap_or_default())
    }

    /// `[bake] ami_stages` in order: first the stage of a new image, last the final one. Never empty; absent:
    /// `untested tested`.
    ///
    /// # Errors
    /// The option is present but empty, or interpolation fails.
    pub fn ami_stages(&self) -> Result<Vec<String>, ConfigError> {
        let key = "ami_stages";
        match self.bake_list(key)? {
            None => Ok(AMI_STAGES.map(String::from).to_vec()),
            Some(stages) if stages.is_empty() => {
                Err(ConfigError::new("the list of image stages is empty")
                    .at(self.ini.location(BAKE, Some(key)))
                    .with_hint("list the stages in order, like `untested failed tested`"))
            }
            Some(stages) => Ok(stages),
        }
    }

    /// `default_instance_type` of `[disco_aws]`, with `@env` first; absent or empty: `m5.large`.
    ///
    /// # Errors
    /// Interpolation that fails.
    pub fn default_instance_type(&self, env: &str) -> Result<String, ConfigError> {
        let found = self.section_option(MAIN, "default_instance_type", env)?;
        Ok(found
            .map(|found| found.value)
            .filter(|value| !value.is_empty())
            .unwrap_or_else(|| INSTANCE_TYPE.to_owned()))
    }

    /// The first of these (section, option) pairs that is present.
    fn first(&self, places: &[(&str, String)]) -> Lookup {
        for (section, key) in places {
            if let Some(found) = self.ini.find(section, key)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn bake_list(&self, key: &str) -> Result<Option<Vec<String>>, ConfigError> {
        let found = self.ini.find(BAKE, key)?;
        Ok(found.map(|found| words(&found.value).into_iter().map(String::from).collect()))
    }

    /// A plain option of `[disco_aws]` that must have a value.
    fn main_option(&self, key: &str, hint: &str) -> Result<String, ConfigError> {
        match self.ini.find(MAIN, key)? {
            Some(found) if !found.value.is_empty() => Ok(found.value),
            _ => Err(ConfigError::new(format!("`{key}` is not set"))
                .at(self.ini.location(MAIN, Some(key)))
                .with_hint(hint)),
        }
    }
}

#[cfg(test)]
mod tests;
