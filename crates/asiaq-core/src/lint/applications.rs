//! `app_auth`, whose files are only looked at by name, and sandboxes.

use super::references::References;
use super::tree::Tree;
use crate::config::check::Problems;
use crate::config::{ConfigError, Location};
use crate::names;

/// The section that says what sandboxes upload.
const MAIN: &str = "disco_aws";

/// Checks both.
pub(super) fn check(tree: &Tree, references: &References, problems: &mut Problems) {
    secrets(tree, references, problems);
    for own in &tree.sandboxes {
        if own.pipeline.is_none() && !own.files.iter().any(|name| name == "pipeline.csv") {
            let error = ConfigError::new("a sandbox needs a file pipeline.csv")
                .at(Location::file(&own.path));
            problems.error(error);
        }
        if !names::is_valid_environment(&own.name) {
            let text = format!(
                "no sandbox can be called `{}`: a name must not contain `_`",
                own.name
            );
            problems.warning(ConfigError::new(text).at(Location::file(&own.path)));
        }
    }
    synchronised(tree, problems);
}

/// Files with authorization data of applications: `app_auth/ENV/...`.
fn secrets(tree: &Tree, references: &References, problems: &mut Problems) {
    let mut seen: Vec<&str> = Vec::new();
    for entry in &tree.app_auth {
        let place = || Location::file(&entry.path);
        let own = entry.name.rsplit('/').next().unwrap_or_default();
        if own.starts_with("README") || own.starts_with('.') {
            continue;
        }
        let Some((env, name)) = entry.name.split_once('/') else {
            problems.warning(
                ConfigError::new("no effect outside of a folder for an environment").at(place()),
            );
            continue;
        };
        if !seen.contains(&env) {
            seen.push(env);
            if let Some(error) = references.environment(env) {
                let folder = entry
                    .path
                    .strip_suffix(&format!("/{name}"))
                    .unwrap_or(&entry.path);
                problems.warning(error.at(Location::file(folder)));
            }
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        if !name.chars().all(fits) {
            let error = ConfigError::new("hosts cannot refer to a file of this name").at(place());
            problems.error(error.with_hint("use letters, digits, `_`, `-` and `.`"));
        } else if own == "passwd" {
            problems.warning(
                ConfigError::new("a file `passwd` is not uploaded: it is made of the others")
                    .at(place()),
            );
        }
    }
}

/// `sandbox_sync_config` (spec 10, section 13.1), also its forms for one environment.
fn synchronised(tree: &Tree, problems: &mut Problems) {
    let Some(aws) = &tree.aws else {
        return;
    };
    let ini = aws.ini();
    for option in ini.options(MAIN) {
        let (name, env) = option.split_once('@').unwrap_or((option, ""));
        if name != "sandbox_sync_config" {
            continue;
        }
        let Ok(Some(found)) = ini.find(MAIN, option) else {
            continue;
        };
        let mut wrong = |problem: String| {
            problems.error(ConfigError::new(problem).at(found.location.clone()));
        };
        let lines = found.value.lines().map(str::trim);
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        for line in &lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [local, _] = words.as_slice() else {
                wrong(format!("`{line}` is not of the form LOCAL REMOTE_DIR"));
                continue;
            };
            for own in &tree.sandboxes {
                if !own.files.iter().any(|name| name == local) {
                    wrong(format!("there is no file {local} in {}", own.path));
                }
            }
        }
        let bucket = aws.asiaq_option(None, "sandbox_config_bucket", env);
        if !lines.is_empty() && matches!(bucket, Ok(None)) {
            wrong("no bucket is configured: set `sandbox_config_bucket`".to_owned());
        }
    }
}
