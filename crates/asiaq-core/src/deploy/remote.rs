//! Commands on hosts during a deployment: integration tests and leaving testing mode, by SSM or by ssh (spec 50, section 14).
//! What they print goes to the site's output. Whether a deployment goes on is for others to say.

use super::{Deployment, Output, Site};
use crate::config::{ConfigError, ConfigErrors, DiscoAws};
use crate::credentials::credential_buckets;
use crate::environment::{self, Vpc};
use crate::error::{Error, Result};
use crate::host::remote::{Remote, Sink};
use crate::host::{self, Host};
use crate::names::tag;
use crate::ssm::command::{self, Command, Event, Order, Report};
use std::collections::BTreeMap;

/// What switches testing mode off on a host.
const LEAVE_TESTING_MODE: &str = "sudo /etc/asiaq/bin/testing_mode.sh off";
/// Status with which ssh itself fails.
const SSH_FAILED: i32 = 255;
/// AWS takes at most 200 values per filter.
const FILTER_VALUES: usize = 200;

/// How an integration test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Passed, or there is no test.
    Passed,
    /// The test says no.
    Failed,
    /// There is no host that could run it.
    NoTestHost,
}

/// The options about tests that a deployment needs; those that it does not need may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct TestOptions {
    hostclass: String,
    /// The words of the command.
    command: Vec<String>,
    /// The command as it is written.
    command_text: String,
    user: String,
    test_document: Option<String>,
    mode_document: Option<String>,
}

impl TestOptions {
    /// Reads them for a hostclass, whose integration test is to run if `tests`, and whose hosts leave testing mode if
    /// `leaves`.
    ///
    /// # Errors
    /// An option is missing or wrong; all of them are told.
    pub(super) fn read(
        config: &DiscoAws,
        hostclass: &str,
        tests: bool,
        leaves: bool,
    ) -> Result<Self> {
        let text = |key: &str| -> Result<Option<String>> {
            let found = config.deploy_option(hostclass, key)?;
            let text = found.map(|found| found.value.trim().to_owned());
            Ok(text.filter(|text| !text.is_empty()))
        };
        let test_document = text("ssm_doc_integration_tests")?;
        let mode_document = text("ssm_doc_testing_mode")?;
        let mut problems = Vec::new();
        let mut needed = |key: &str, is_needed: bool, why: &str| -> Result<String> {
            let found = text(key)?;
            if found.is_none() && is_needed {
                let problem = format!("hostclass `{hostclass}` has no option `{key}`, {why}");
                let hint = format!("set `{key}` in `[{hostclass}]` or in `[test]`");
                let place = config.ini().location(hostclass, Some(key));
                problems.push(ConfigError::new(problem).at(place).with_hint(hint));
            }
            Ok(found.unwrap_or_default())
        };
        let why = "and the pipeline has an integration test for it";
        let by_ssh = leaves && mode_document.is_none();
        let test_hostclass = needed("test_hostclass", tests, why)?;
        let command_text = needed("test_command", tests, why)?;
        let user = needed(
            "test_user",
            tests || by_ssh,
            if tests {
                why
            } else {
                "as whom hosts leave testing mode by ssh"
            },
        )?;
        let command = shell_words::split(&command_text).unwrap_or_else(|_| {
            let problem =
                format!("`test_command` has a quote that is not closed: `{command_text}`");
            let place = config.ini().location(hostclass, Some("test_command"));
            problems.push(ConfigError::new(problem).at(place));
            Vec::new()
        });
        if !problems.is_empty() {
            return Err(ConfigErrors(problems).into());
        }
        Ok(Self {
            hostclass: test_hostclass,
            command,
            command_text,
            user,
            test_document,
            mode_document,
        })
    }

    /// Those of a deployment.
    pub(super) fn of(config: &DiscoAws, deployment: &Deployment) -> Result<Self> {
        let tests = deployment.integration_test.is_some();
        Self::read(config, &deployment.hostclass, tests, deployment.deployable)
    }

    /// The command line of a test, each word quoted.
    fn command_line(&self, test: &str) -> String {
        let words = self.command.iter().map(String::as_str);
        shell_words::join(words.chain([test]))
    }
}

/// Step 5, without the wait for the testing balancer.
///
/// # Errors
/// AWS refuses, ssh cannot be started, fails or does not reach the test host. That says nothing about the image.
pub async fn integration_test(site: &Site<'_>, deployment: &Deployment) -> Result<Verdict> {
    run_test(site, deployment).await.map_err(no_verdict)
}

/// Tests have no time limit of their own: one that runs out is that of the service which runs them, and no answer about the
/// image.
fn no_verdict(error: Error) -> Error {
    match error {
        Error::Timeout { .. } => Error::refused(error.to_string()),
        other => other,
    }
}

async fn run_test(site: &Site<'_>, deployment: &Deployment) -> Result<Verdict> {
    let Some(test) = &deployment.integration_test else {
        return Ok(Verdict::Passed);
    };
    let options = TestOptions::of(site.config, deployment)?;
    let aws = site.clouds.aws;
    let elsewhere = match deployment.test_env.as_str() {
        own if own == site.env => None,
        other => Some(environment::find(aws, other).await?),
    };
    let vpc = elsewhere.as_ref().unwrap_or(site.vpc);
    let wanted = [options.hostclass.clone()];
    let hosts = host::hosts_of(aws, &vpc.id, &[("tag:hostclass", &wanted)]).await?;
    let Some(host) = hosts
        .iter()
        .find(|host| is_test_host(host, &options.hostclass))
    else {
        tracing::error!(
            "Unable to find test host: no instance of hostclass {} in environment `{}` runs and has passed its smoke test",
            options.hostclass,
            deployment.test_env
        );
        return Ok(Verdict::NoTestHost);
    };
    tracing::info!("running integration test {test} on {}", options.hostclass);
    let passed = match &options.test_document {
        Some(document) => {
            let parameters = [
                ("command", &options.command_text),
                ("test", test),
                ("user", &options.user),
            ];
            let order = order(
                document,
                &parameters,
                "Asiaq Deploy is running integration tests",
            );
            let ids = std::slice::from_ref(&host.id);
            run_document(site, &deployment.test_env, order, ids).await?
        }
        None => {
            let remote = remote(site, vpc, &deployment.test_env).await?;
            let command = options.command_line(test);
            run_command(site, &remote, host, &options.user, &command).await?
        }
    };
    Ok(if passed {
        Verdict::Passed
    } else {
        Verdict::Failed
    })
}

/// Runs, is of the hostclass (AWS takes `*` in filters for a wildcard) and has passed its smoke test.
fn is_test_host(host: &Host, hostclass: &str) -> bool {
    host.state == "running"
        && host.hostclass() == Some(hostclass)
        && host
            .tag(tag::SMOKETEST)
            .is_some_and(|value| !value.is_empty())
}

/// Step 9: leaves testing mode on these instances; true if all did.
///
/// # Errors
/// AWS refuses, ssh cannot be started.
pub async fn leave_testing_mode(
    site: &Site<'_>,
    deployment: &Deployment,
    instances: &[String],
) -> Result<bool> {
    if instances.is_empty() {
        return Ok(true);
    }
    let options = TestOptions::read(site.config, &deployment.hostclass, false, true)?;
    if let Some(document) = &options.mode_document {
        let off = "off".to_owned();
        let comment = "Asiaq Deploy is toggling testing mode";
        let order = order(document, &[("mode", &off)], comment);
        return run_document(site, site.env, order, instances).await;
    }
    let hosts = by_ids(site, instances).await?;
    let remote = remote(site, site.vpc, site.env).await?;
    let mut all = true;
    for id in instances {
        let left = match hosts.iter().find(|host| host.id == *id) {
            None => Err(Error::not_found(format!("instance {id} is gone"))),
            Some(host) => run_command(site, &remote, host, &options.user, LEAVE_TESTING_MODE).await,
        };
        match left {
            Ok(left) => all &= left,
            Err(error) => {
                tracing::error!("testing mode of {id}: {error}");
                all = false;
            }
        }
    }
    Ok(all)
}

/// The instances of these ids in the environment.
async fn by_ids(site: &Site<'_>, ids: &[String]) -> Result<Vec<Host>> {
    let (aws, vpc) = (site.clouds.aws, &site.vpc.id);
    let reads = ids
        .chunks(FILTER_VALUES)
        .map(|chunk| async move { host::hosts_of(aws, vpc, &[("instance-id", chunk)]).await });
    let found = futures::future::try_join_all(reads).await?;
    Ok(found.into_iter().flatten().collect())
}

/// Access to the hosts of an environment, with its keys in the agent.
async fn remote<'s>(site: &'s Site<'_>, vpc: &'s Vpc, env: &'s str) -> Result<Remote<'s>> {
    let aws = site.clouds.aws;
    let buckets = credential_buckets(site.directory, site.config, vpc, aws.region())?;
    let remote = Remote::new(aws, vpc, site.config, env, site.ssh.clone());
    remote.load_keys(&buckets).await?;
    Ok(remote)
}

/// Hands on what a command prints.
struct Printed<'a>(Output<'a>);

impl Sink for Printed<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        (self.0)(bytes);
    }
}

/// True if a command on a host exits with 0.
///
/// # Errors
/// ssh cannot be started, or ends as it does when it fails itself: then nobody knows what the command says.
async fn run_command(
    site: &Site<'_>,
    remote: &Remote<'_>,
    host: &Host,
    user: &str,
    command: &str,
) -> Result<bool> {
    let mut printed = Printed(site.output);
    let ended = remote.run(host, user, command, true, &mut printed).await?;
    judged_status(command, &host.id, ended.status)
}

fn judged_status(command: &str, host: &str, status: i32) -> Result<bool> {
    if status == SSH_FAILED {
        let text =
            format!("`{command}` on {host} ended with {status}, which is how ssh itself fails");
        let hint = "see what ssh has printed; a command of yours should end with another status";
        return Err(Error::refused(text).with_hint(hint));
    }
    if status != 0 {
        tracing::error!("`{command}` on {host} ended with {status}");
    }
    Ok(status == 0)
}

fn order(document: &str, parameters: &[(&str, &String)], comment: &str) -> Command {
    let parameters = parameters
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).clone()));
    Command {
        document: document.to_owned(),
        parameters: parameters.collect::<BTreeMap<_, _>>(),
        comment: Some(comment.to_owned()),
        bucket: None,
    }
}

/// True if a document succeeds on all of these instances. Output that cannot be read does not count (spec 50, D-30).
async fn run_document(
    site: &Site<'_>,
    env: &str,
    mut order: Command,
    instances: &[String],
) -> Result<bool> {
    let aws = site.clouds.aws;
    let bucket = command::bucket(site.config, env)?;
    match command::usable_bucket(aws, bucket).await {
        Ok(bucket) => order.bucket = Some(bucket),
        Err(warning) => tracing::warn!("{warning}"),
    }
    let mut sink = |event| match event {
        Event::Sent { command_id, .. } => tracing::info!(
            "command {command_id} is sent; to stop it: aws ssm cancel-command --command-id {command_id}"
        ),
        Event::Output(output) => (site.output)(format!("{}\n", output.text()).as_bytes()),
    };
    let report = command::run(aws, &order, instances, Order::AsSent, &mut sink).await;
    judged(report)
}

fn judged(report: Report) -> Result<bool> {
    if let Some(error) = Error::from_list(report.errors) {
        return Err(error);
    }
    for ended in &report.unsuccessful {
        tracing::error!("command {} ended as {}", ended.command_id, ended.status);
    }
    for failed in &report.failed {
        tracing::error!("it ended as {} on {}", failed.status, failed.instance_id);
    }
    Ok(report.unsuccessful.is_empty())
}

#[cfg(test)]
mod tests;
