//! The demo of a developer's sandbox: made, made again, looked at, and how it goes.

use super::shell::Shell;
use super::{Scene, list_hosts};
use crate::error::LocalError;
use asiaq_core::config::DiscoAws;

/// The sandbox of the demo and its directory in `sandboxes/`.
const NAME: &str = "sample";

pub(super) const SCENE: Scene = Scene {
    env: NAME,
    env_type: asiaq_core::sandbox::TYPE,
    pipeline: "sandboxes/sample/pipeline.csv",
};

/// The bucket of the sandboxes' configuration files.
///
/// # Errors
/// It is not configured.
pub(super) fn bucket(config: &DiscoAws) -> Result<String, LocalError> {
    let wrong = |problem: String| LocalError::DemoConfig { problem };
    let env = config
        .environment_name(None, None)
        .map_err(|error| wrong(error.to_string()))?;
    let found = config
        .asiaq_option(None, "sandbox_config_bucket", &env)
        .map_err(|error| wrong(error.to_string()))?;
    let name = found.map(|found| found.value.trim().to_owned());
    name.filter(|name| !name.is_empty()).ok_or_else(|| {
        wrong("`sandbox_config_bucket` is not set in [disco_aws] of disco_aws.ini".to_owned())
    })
}

/// The chapters.
pub(super) fn play(shell: &mut Shell<'_>) -> Result<(), LocalError> {
    shell.chapter("3. One command: configuration files to S3, a VPC of type sandbox, and its pipeline, sequence by sequence");
    shell.run("asiaq", &["sandbox", NAME, "--tag", "productline:demo"])?;
    shell.chapter("4. The same again: it looks at everything and finds nothing to change");
    shell.run("asiaq", &["sandbox", NAME])?;
    shell.chapter("5. Its hosts: instance, hostclass, address, state, private address, zone");
    list_hosts(shell, NAME)?;
    shell.chapter("6. The files that its hosts configure themselves with");
    objects(shell)?;
    shell.chapter("7. What it would mean to destroy it");
    shell.run("asiaq", &["sandbox", NAME, "--destroy", "--dry-run"])
}

/// Every object of the sandboxes' bucket with its content.
fn objects(shell: &mut Shell<'_>) -> Result<(), LocalError> {
    let dir = asiaq_core::config::ConfigDir::new(Some(shell.demo.config.as_os_str()));
    let config = DiscoAws::load(&dir).map_err(|error| LocalError::DemoConfig {
        problem: error.to_string(),
    })?;
    let (endpoint, bucket) = (&shell.status.endpoint, bucket(&config)?);
    for key in crate::http::list_objects(endpoint, &bucket)? {
        (shell.say)(&format!("     s3://{bucket}/{key}"));
        for line in crate::http::get_object(endpoint, &bucket, &key)?.lines() {
            (shell.say)(&format!("       {line}"));
        }
    }
    (shell.say)("");
    Ok(())
}

/// What to try then.
pub(super) fn next_steps(say: &mut dyn FnMut(&str)) {
    say("\nTry next, in this directory:");
    for (command, text) in [
        (
            "eval \"$(asiaq local env)\"".to_owned(),
            "point every AWS tool at the local cloud",
        ),
        (
            format!("$EDITOR sandboxes/{NAME}/pipeline.csv"),
            "change a size or a type, or add a row",
        ),
        (
            format!("asiaq sandbox {NAME} --dry-run"),
            "see what would change; without --dry-run it does",
        ),
        (
            format!("asiaq sandbox mine --config-dir {NAME}"),
            "a second sandbox from the same files",
        ),
        (
            format!("disco_vpc_ui show --name {NAME}"),
            "everything in it",
        ),
        (
            format!("asiaq sandbox {NAME} --destroy"),
            "take it down with all in it",
        ),
        ("asiaq local down".to_owned(), "stop the local cloud"),
    ] {
        say(&format!("  {command:<48} # {text}"));
    }
}
