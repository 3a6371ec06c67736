//! What a sandbox is made from: everything on disk, read and checked before any call. Talks to nobody.

use super::TYPE;
use super::sync::{self, stays_inside};
use crate::config::{ConfigDir, ConfigError, ConfigErrors, DiscoAws, Location};
use crate::environment::Sources;
use crate::error::{Error, Result};
use crate::names;
use crate::pipeline::Pipeline;
use secrecy::SecretSlice;
use std::path::{Path, PathBuf};

/// Folder of all sandboxes in the configuration directory.
const FOLDER: &str = "sandboxes";
/// Name of the pipeline in a sandbox's directory.
const PIPELINE: &str = "pipeline.csv";

/// Where sandboxes are described.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Configuration directory.
    pub dir: &'a ConfigDir,
    /// `disco_aws.ini`.
    pub config: &'a DiscoAws,
    /// The files that describe environments.
    pub sources: &'a Sources,
    /// Environment whose options of `[disco_aws]` hold; not the sandbox.
    pub env: &'a str,
}

/// A sandbox as it is described, without anything that AWS knows.
#[derive(Debug)]
pub struct Sandbox {
    /// Its name, which is the environment's.
    pub name: String,
    /// Its pipeline.
    pub pipeline: Pipeline,
    /// The configuration files of its hosts.
    pub(super) files: Files,
}

/// Configuration files and the bucket that they go to.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Empty if there are no files.
    pub(super) bucket: String,
    pub(super) all: Vec<SyncFile>,
}

/// A file with its content.
#[derive(Debug, Clone)]
pub(super) struct SyncFile {
    /// Path, for messages.
    pub(super) source: String,
    /// Key of the object.
    pub(super) key: String,
    pub(super) content: SecretSlice<u8>,
}

impl Sandbox {
    /// Reads everything on disk. `folder` is the directory in `sandboxes`, the name if absent.
    ///
    /// # Errors
    /// A name that cannot be an environment's; everything that is wrong with pipeline, hostclasses, environment type and
    /// files, all at once.
    pub fn load(place: &Place<'_>, name: &str, folder: Option<&str>) -> Result<Self> {
        check_name(name)?;
        let folder = folder.unwrap_or(name);
        check_folder(folder)?;
        let mut problems = Problems::default();
        let _ = problems.keep(place.config.project_name().map_err(Into::into));
        let _ = problems.keep(place.sources.vpc.environment(name, TYPE));
        let pipeline = problems.keep(pipeline(place, folder));
        if let Some(pipeline) = &pipeline {
            check_rows(place.config, pipeline, name, &mut problems);
        }
        let files = read_files(place, name, folder, &mut problems);
        match pipeline {
            Some(pipeline) if problems.0.is_empty() => Ok(Self {
                name: name.to_owned(),
                pipeline,
                files,
            }),
            _ => Err(ConfigErrors(problems.0).into()),
        }
    }

    /// The files that go to a bucket, as `s3://BUCKET/KEY`.
    pub fn objects(&self) -> Vec<String> {
        let bucket = &self.files.bucket;
        let files = self.files.all.iter();
        files
            .map(|file| format!("s3://{bucket}/{}", file.key))
            .collect()
    }
}

/// Collects problems, each once.
#[derive(Default)]
struct Problems(Vec<ConfigError>);

impl Problems {
    fn push(&mut self, problem: ConfigError) {
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    fn keep<T>(&mut self, result: Result<T, ConfigErrors>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(errors) => {
                errors.0.into_iter().for_each(|problem| self.push(problem));
                None
            }
        }
    }
}

/// A name is part of the names of groups and of keys in the bucket.
///
/// # Errors
/// It cannot be the name of an environment.
pub(super) fn check_name(name: &str) -> Result<()> {
    let refused = |why: &str, hint: &str| {
        Err(Error::refused(format!("sandbox name `{name}` {why}")).with_hint(hint))
    };
    if !names::is_valid_environment(name) {
        return refused(
            "must not be empty or contain `_`",
            "`_` separates environment, hostclass and metanetwork in other names; use `-`",
        );
    }
    let odd = |c: char| c == '/' || c.is_whitespace() || c.is_control();
    if name.contains(odd) || matches!(name, "." | "..") {
        return refused(
            "must be one word without `/`",
            "use letters, digits and `-`; --config-dir names another directory in sandboxes/",
        );
    }
    if matches!(name, "-" | "none" | "None") {
        return refused("means no environment", "choose another name");
    }
    Ok(())
}

fn check_folder(folder: &str) -> Result<()> {
    if stays_inside(folder) {
        return Ok(());
    }
    let text = format!("`{folder}` leads out of the directory `{FOLDER}`");
    Err(Error::refused(text).with_hint("name a directory in sandboxes/, such as another sandbox's"))
}

/// The pipeline in the working directory, else in the configuration directory (spec 10, section 2).
fn pipeline(place: &Place<'_>, folder: &str) -> Result<Pipeline, ConfigErrors> {
    let relative = format!("{FOLDER}/{folder}/{PIPELINE}");
    let here = ConfigDir::new(None).locate(&relative);
    let path = here.or_else(|_| place.dir.locate(&relative)).map_err(|error| {
        error.with_hint(format!(
            "write {relative} in the working directory or in the directory that ASIAQ_CONFIG names, or choose an existing one with --config-dir"
        ))
    })?;
    Pipeline::read(&path)
}

/// Sequences, identities, and the options of all hostclasses that rows name.
fn check_rows(config: &DiscoAws, pipeline: &Pipeline, name: &str, problems: &mut Problems) {
    let _ = problems.keep(pipeline.sequences());
    for row in &pipeline.rows {
        let _ = problems.keep(row.check_identity(&pipeline.file).map_err(Into::into));
        // With an image, the hostclass is the image's.
        if let (Some(hostclass), None) = (&row.hostclass, &row.ami) {
            let _ = problems.keep(config.hostclass(hostclass, name));
        }
    }
}

/// Bucket and keys of a sandbox's files, as configured.
pub(super) struct Configured {
    /// Empty if it is not configured.
    pub(super) bucket: String,
    pub(super) lines: Vec<sync::SyncLine>,
    place: Location,
}

/// What `sandbox_sync_config` and `sandbox_config_bucket` say; `None` without the former.
///
/// # Errors
/// Everything that is wrong with them, except that the bucket is missing.
pub(super) fn configured(
    config: &DiscoAws,
    env: &str,
    name: &str,
) -> Result<Option<Configured>, ConfigErrors> {
    let option = |key: &str| config.asiaq_option(None, key, env);
    let Some(found) = option("sandbox_sync_config")? else {
        return Ok(None);
    };
    let (lines, problems) = sync::lines(&found, name);
    if !problems.is_empty() {
        return Err(ConfigErrors(problems));
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let bucket = option("sandbox_config_bucket")?.map(|found| found.value.trim().to_owned());
    Ok(Some(Configured {
        bucket: bucket.unwrap_or_default(),
        lines,
        place: found.location,
    }))
}

fn read_files(place: &Place<'_>, name: &str, folder: &str, problems: &mut Problems) -> Files {
    let Some(Some(configured)) = problems.keep(configured(place.config, place.env, name)) else {
        return Files::default();
    };
    if configured.bucket.is_empty() {
        let error =
            ConfigError::new("Sandbox configuration sync requested, but no bucket configured.");
        let hint = "set `sandbox_config_bucket` in [disco_aws], or remove `sandbox_sync_config`";
        problems.push(error.at(configured.place.clone()).with_hint(hint));
    }
    let root = place.dir.locate(&format!("{FOLDER}/{folder}"));
    let Some(root) = problems.keep(root.map_err(Into::into)) else {
        return Files::default();
    };
    let mut files = Files {
        bucket: configured.bucket,
        all: Vec::new(),
    };
    for line in configured.lines {
        let file = read(&root, line).map_err(|error| error.at(configured.place.clone()));
        files.all.extend(problems.keep(file.map_err(Into::into)));
    }
    files
}

/// A regular file that, all links followed, lies in the sandbox's directory.
fn read(root: &Path, line: sync::SyncLine) -> Result<SyncFile, ConfigError> {
    let path: PathBuf = root.join(&line.local);
    let shown = path.display().to_string();
    let unreadable = |error: std::io::Error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            ConfigError::new(format!("Config path not found: {shown}"))
                .with_hint("write the file, or remove its line from sandbox_sync_config")
        } else {
            ConfigError::new(format!("cannot read {shown}: {error}"))
        }
    };
    let real = path.canonicalize().map_err(unreadable)?;
    let inside = root.canonicalize().map_err(unreadable)?;
    if !real.starts_with(&inside) {
        let problem = format!("{shown} is a link that leads out of {}", root.display());
        return Err(ConfigError::new(problem).with_hint("copy the file into the directory"));
    }
    if !real.metadata().map_err(unreadable)?.is_file() {
        return Err(ConfigError::new(format!("{shown} is no regular file")));
    }
    let content = std::fs::read(&real).map_err(unreadable)?;
    Ok(SyncFile {
        source: shown,
        key: line.key,
        content: content.into(),
    })
}

#[cfg(test)]
mod tests;
