//! What the configuration says about a bake (spec 50, sections 2 and 5.1). Makes no call; all problems are told at once.

use super::Request;
use crate::config::diagnostic::Problems;
use crate::config::{ConfigDir, ConfigError, ConfigErrors, DiscoAws, Found, is_truthy};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The section.
const BAKE: &str = "bake";
/// How long a new image may take, in seconds.
const AVAILABLE: u64 = 600;
/// Type of root volumes.
const VOLUME_TYPE: &str = "gp3";

/// What is baked, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Options {
    /// First word of the image's name.
    pub(super) base_name: String,
    /// Argument of the init script, and tag.
    pub(super) hostclass: String,
    pub(super) phase: u32,
    pub(super) source: Source,
    pub(super) stage: String,
    pub(super) bakery: String,
    pub(super) instance_type: String,
    pub(super) key: String,
    pub(super) profile: Option<String>,
    pub(super) http_tokens: Option<String>,
    pub(super) volume_type: String,
    /// In GB; else that of the source image.
    pub(super) volume_size: Option<i32>,
    pub(super) encrypted: bool,
    pub(super) enhanced: bool,
    pub(super) product_line: Option<String>,
    pub(super) wait: Duration,
    /// What is copied to the machine, as rsync takes it.
    pub(super) configuration: String,
    pub(super) asiaq: String,
    pub(super) destination: String,
}

/// Where a bake starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// This image.
    Id(String),
    /// The newest base image of that name in that stage.
    Base {
        /// First word of its name.
        name: String,
        /// The last stage.
        stage: String,
    },
}

/// `[bake] bakery_environment`.
pub(super) fn bakery_environment(config: &DiscoAws) -> Result<String, ConfigError> {
    Reader(config).plain("bakery_environment")
}

/// `[bake] repo_hostclass`.
pub(super) fn repo_hostclass(config: &DiscoAws) -> Result<String, ConfigError> {
    Reader(config).plain("repo_hostclass")
}

impl Options {
    /// Reads them.
    ///
    /// # Errors
    /// Everything that is missing or wrong, with its place.
    pub(super) fn read(
        config: &DiscoAws,
        directory: &ConfigDir,
        request: &Request<'_>,
    ) -> Result<Self, ConfigErrors> {
        let reader = Reader(config);
        let mut problems = Problems::default();
        let phase = match request.hostclass {
            None => Some(1),
            Some(hostclass) => problems.keep(reader.number(hostclass, "phase", None)),
        };
        let base_name = match request.hostclass {
            Some(hostclass) => Some(hostclass.to_owned()),
            None => problems.keep(reader.plain("phase1_ami_name")),
        };
        let (Some(phase), Some(base_name)) = (phase, base_name) else {
            return problems.finish(None);
        };
        let hostclass = match phase {
            1 => problems.keep(reader.plain("phase1_hostclass")),
            _ => Some(base_name.clone()),
        };
        let Some(hostclass) = hostclass else {
            return problems.finish(None);
        };
        let stages = problems.keep(config.ami_stages()).unwrap_or_default();
        let last = stages.last().cloned().unwrap_or_default();
        let source = problems.keep(reader.source(request, phase, &base_name, last));
        let bakery = problems.keep(reader.plain("bakery_environment"));
        let instance_type = problems.keep(reader.plain("bakery_instance_type"));
        let key = problems.keep(reader.plain("bake_key"));
        problems.keep(reader.plain("repo_hostclass"));
        problems.keep(config.project_name());
        let mut text = |key: &str| problems.keep(reader.filled(&hostclass, key)).flatten();
        let profile = text("bake_instance_profile");
        let product_line = text("product_line");
        let volume_type = text("bake_volume_type");
        let encrypted = text("bake_encrypted").is_some_and(|value| is_truthy(&value));
        let enhanced = text("enhanced_networking").is_some_and(|value| is_truthy(&value));
        let volume_size = problems.keep(reader.size(&hostclass));
        let wait = reader.number(&hostclass, "ami_available_wait_time", Some(AVAILABLE));
        let wait = problems.keep(wait).map(Duration::from_secs);
        let tokens = reader.tokens(&hostclass, bakery.as_deref().unwrap_or_default());
        let http_tokens = problems.keep(tokens);
        let configuration = problems.keep(reader.configuration(directory, phase));
        let asiaq = problems.keep(reader.asiaq(directory));
        let destination = problems.keep(reader.destination());
        let stage = request.stage.or(stages.first().map(String::as_str));
        let options = || {
            Some(Self {
                base_name,
                hostclass: hostclass.clone(),
                phase: u32::try_from(phase).ok()?,
                source: source?,
                stage: stage.unwrap_or_default().to_owned(),
                bakery: bakery?,
                instance_type: instance_type?,
                key: key?,
                profile,
                http_tokens: http_tokens?,
                volume_type: volume_type.unwrap_or_else(|| VOLUME_TYPE.to_owned()),
                volume_size: volume_size?,
                encrypted,
                enhanced,
                product_line,
                wait: wait?,
                configuration: configuration?,
                asiaq: asiaq?,
                destination: destination?,
            })
        };
        let options = options();
        problems.finish(options)
    }
}

/// Look-ups, each with its complaint.
struct Reader<'a>(&'a DiscoAws);

impl Reader<'_> {
    fn missing(&self, section: &str, key: &str) -> ConfigError {
        ConfigError::new(format!("`{key}` is not set"))
            .at(self.0.ini().location(section, Some(key)))
            .with_hint(format!("set `{key}` in `[{section}]`"))
    }

    /// An option of `[bake]` itself that must have a value.
    fn plain(&self, key: &str) -> Result<String, ConfigError> {
        let found = self.0.bake_option(None, key)?;
        let value = found.map(|found| found.value.trim().to_owned());
        let value = value.filter(|value| !value.is_empty());
        value.ok_or_else(|| self.missing(BAKE, key))
    }

    fn found(&self, hostclass: &str, key: &str) -> Result<Option<Found>, ConfigError> {
        let found = self.0.bake_option(Some(hostclass), key)?;
        Ok(found.filter(|found| !found.value.trim().is_empty()))
    }

    fn filled(&self, hostclass: &str, key: &str) -> Result<Option<String>, ConfigError> {
        let found = self.found(hostclass, key)?;
        Ok(found.map(|found| found.value.trim().to_owned()))
    }

    fn number(&self, hostclass: &str, key: &str, default: Option<u64>) -> Result<u64, ConfigError> {
        let Some(found) = self.found(hostclass, key)? else {
            return default.ok_or_else(|| {
                self.missing(BAKE, key).with_hint(format!(
                    "set `{key}` in `[{hostclass}]`, or in `[{BAKE}]` for all"
                ))
            });
        };
        found.value.trim().parse().map_err(|_| {
            ConfigError::new(format!("`{}` is no whole number", found.value)).at(found.location)
        })
    }

    fn size(&self, hostclass: &str) -> Result<Option<i32>, ConfigError> {
        let Some(found) = self.found(hostclass, "bake_volume_size")? else {
            return Ok(None);
        };
        let size = found.value.trim().parse().ok();
        let size = size.filter(|size| (1..=65536).contains(size));
        let bad = || ConfigError::new(format!("`{}` is no size in GB", found.value));
        Ok(Some(size.ok_or_else(|| bad().at(found.location.clone()))?))
    }

    fn tokens(&self, hostclass: &str, env: &str) -> Result<Option<String>, ConfigError> {
        let found = self.0.hostclass_option(hostclass, "http_tokens", env)?;
        let Some(found) = found.filter(|found| !found.value.trim().is_empty()) else {
            return Ok(None);
        };
        match found.value.trim().to_ascii_lowercase() {
            word if word == "required" || word == "optional" => Ok(Some(word)),
            _ => Err(ConfigError::new(format!(
                "`{}` is neither `optional` nor `required`",
                found.value
            ))
            .at(found.location)),
        }
    }

    /// A phase 1 bake starts from what the section of the base image says, others from the newest base image.
    fn source(
        &self,
        request: &Request<'_>,
        phase: u64,
        base_name: &str,
        last_stage: String,
    ) -> Result<Source, ConfigError> {
        if let Some(id) = request.source_ami {
            return Ok(Source::Id(id.to_owned()));
        }
        let key = if phase == 1 {
            "bake_ami"
        } else {
            "phase1_ami_name"
        };
        let found = self.filled(base_name, key)?.ok_or_else(|| {
            let place = if phase == 1 { base_name } else { BAKE };
            let hint = format!("set `{key}` in `[{place}]`, or pass `--source-ami AMI`");
            self.missing(place, key).with_hint(hint)
        })?;
        Ok(match phase {
            1 => Source::Id(found),
            _ => Source::Base {
                name: found,
                stage: last_stage,
            },
        })
    }

    /// The directory that `key` names, relative to the configuration directory, as it is written.
    fn place(&self, directory: &ConfigDir, key: &str) -> Result<String, ConfigError> {
        let value = self.plain(key)?;
        if value.starts_with('/') {
            return Ok(value);
        }
        let root =
            std::path::absolute(directory.root()).unwrap_or_else(|_| directory.root().into());
        Ok(format!("{}/{value}", root.display()))
    }

    fn exists(&self, path: &Path, key: &str) -> Result<(), ConfigError> {
        if path.exists() {
            return Ok(());
        }
        Err(
            ConfigError::new(format!("config path not found: {}", path.display()))
                .at(self.0.ini().location(BAKE, Some(key))),
        )
    }

    fn configuration(&self, directory: &ConfigDir, phase: u64) -> Result<String, ConfigError> {
        let key = "config_data_source";
        let place = self.place(directory, key)?;
        let inside = |name: &str| PathBuf::from(&place).join(name);
        self.exists(&inside("discoroot"), key)?;
        self.exists(&inside(&format!("init/phase{phase}.sh")), key)?;
        Ok(place)
    }

    fn asiaq(&self, directory: &ConfigDir) -> Result<String, ConfigError> {
        let key = "asiaq_data_source";
        let place = self.place(directory, key)?;
        self.exists(Path::new(&place), key)?;
        Ok(format!("{}/", place.trim_end_matches('/')))
    }

    fn destination(&self) -> Result<String, ConfigError> {
        let key = "data_destination";
        let value = self.plain(key)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@".contains(c);
        if value.len() > 1 && value.starts_with('/') && value.chars().all(plain) {
            return Ok(value.trim_end_matches('/').to_owned());
        }
        Err(ConfigError::new(format!(
            "`{value}` is no absolute path of letters, digits and `/._-+@`"
        ))
        .at(self.0.ini().location(BAKE, Some(key))))
    }
}

#[cfg(test)]
mod tests;
