//! What the hosts that have been replaced say: their smoke tests, and the integration test.

use super::Judgement;
use crate::credentials::credential_buckets;
use crate::deploy::remote::{TestOptions, Verdict, integration_test};
use crate::deploy::{Deployment, Site};
use crate::environment;
use crate::error::{Error, Result};
use crate::host::remote::Remote;
use crate::host::{self, Host, Selection};
use crate::names::tag;
use std::time::Duration;

/// Pause between looks at smoke tests.
const PAUSE: Duration = Duration::from_secs(15);

/// Makes sure before anything is changed that the integration test can be run: its options, its test host, and the keys for it.
///
/// # Errors
/// It cannot.
pub(super) async fn ready(site: &Site<'_>, deployment: &Deployment) -> Result<()> {
    let Some(test) = &deployment.integration_test else {
        return Ok(());
    };
    TestOptions::of(site.config, deployment)?;
    let text = |key: &str| -> Result<Option<String>> {
        let found = site.config.deploy_option(&deployment.hostclass, key)?;
        let text = found.map(|found| found.value.trim().to_owned());
        Ok(text.filter(|text| !text.is_empty()))
    };
    let wanted = [text("test_hostclass")?.unwrap_or_default()];
    let aws = site.clouds.aws;
    let elsewhere = match deployment.test_env.as_str() {
        own if own == site.env => None,
        other => Some(environment::find(aws, other).await?),
    };
    let vpc = elsewhere.as_ref().unwrap_or(site.vpc);
    let hosts = host::hosts_of(aws, &vpc.id, &[("tag:hostclass", &wanted)]).await?;
    let runs = hosts
        .iter()
        .any(|host| host.state == "running" && has_passed(host));
    if !runs {
        let what = format!(
            "integration test {test} cannot be run: no host of hostclass {} in environment `{}` runs and has passed its smoke test",
            wanted.concat(),
            deployment.test_env
        );
        return Err(Error::refused(what).with_hint("start a test host first; nothing was changed"));
    }
    if text("ssm_doc_integration_tests")?.is_none() {
        let buckets = credential_buckets(site.directory, site.config, vpc, aws.region())?;
        let env = &deployment.test_env;
        let remote = Remote::new(aws, vpc, site.config, env, site.ssh.clone());
        remote.load_keys(&buckets).await?;
    }
    Ok(())
}

/// Judges the hosts of the group by smoke tests, then by the integration test if there is one. Hosts that were `spared`
/// keep the image that they have.
///
/// # Errors
/// AWS cannot be read; the test cannot be started.
pub(super) async fn judge(
    site: &Site<'_>,
    deployment: &Deployment,
    group: &str,
    spared: &[String],
) -> Result<Judgement> {
    match smoke_tests(site, deployment, group, spared).await {
        Err(error @ Error::Timeout { .. }) => {
            return Ok(Judgement::Bad {
                why: format!("AMI smoke test failed: {error}"),
                to_blame: true,
            });
        }
        other => other?,
    }
    if deployment.integration_test.is_none() {
        return Ok(Judgement::Good);
    }
    let why = "AMI integration test failed".to_owned();
    Ok(match integration_test(site, deployment).await? {
        Verdict::Passed => Judgement::Good,
        Verdict::Failed => Judgement::Bad {
            why,
            to_blame: true,
        },
        Verdict::NoTestHost => Judgement::Bad {
            why: format!("{why}: there is no host that could run it"),
            to_blame: false,
        },
    })
}

async fn smoke_tests(
    site: &Site<'_>,
    deployment: &Deployment,
    group: &str,
    spared: &[String],
) -> Result<()> {
    let selection = Selection {
        groups: vec![group.to_owned()],
        ..Selection::default()
    };
    let empty = deployment
        .old
        .as_ref()
        .is_some_and(|old| old.desired_capacity == 0);
    let limit = deployment.limits.smoke_tests;
    let (aws, mut late) = (site.clouds.aws, Vec::new());
    let waited = aws.poll.until("", PAUSE, limit, async || {
        let found = host::select(aws, &site.vpc.id, &selection).await?;
        let (alive, _) = host::split_gone(found);
        let before = late.len();
        late = laggards(&alive, &deployment.image.id, spared, empty);
        if !late.is_empty() && late.len() != before {
            site.progress.note(&format!(
                "Waiting for {} host[s] of {group} to pass smoke test",
                late.len()
            ));
        }
        Ok(late.is_empty().then_some(()))
    });
    waited.await.map_err(|error| match error {
        Error::Timeout { after, .. } => Error::Timeout {
            what: late.join(", "),
            after,
        },
        other => other,
    })
}

/// Who has not passed, as people read it. Pure.
fn laggards(hosts: &[Host], image: &str, spared: &[String], may_be_empty: bool) -> Vec<String> {
    if hosts.is_empty() && !may_be_empty {
        return vec!["the group has no hosts".to_owned()];
    }
    let late = |host: &Host| {
        if host.image_id == image {
            (!has_passed(host)).then(|| format!("{} has not passed", host.id))
        } else {
            (!spared.contains(&host.id)).then(|| format!("{} runs {}", host.id, host.image_id))
        }
    };
    let late: Vec<String> = hosts.iter().filter_map(late).collect();
    // Hosts that keep the old image say nothing about the new one.
    if late.is_empty() && !may_be_empty && hosts.iter().all(|host| host.image_id != image) {
        return vec![format!("no host runs {image}")];
    }
    late
}

fn has_passed(host: &Host) -> bool {
    host.tag(tag::SMOKETEST)
        .is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::aws::Tags;

    fn host(id: &str, image: &str, smoke: Option<&str>) -> Host {
        let tag = smoke.map(|value| (tag::SMOKETEST.to_owned(), value.to_owned()));
        Host {
            id: id.to_owned(),
            state: "running".to_owned(),
            image_id: image.to_owned(),
            instance_type: String::new(),
            public_ip: None,
            private_ip: None,
            addresses: Vec::new(),
            zone: String::new(),
            security_group: None,
            launched: None,
            tags: tag.into_iter().collect::<Tags>(),
        }
    }

    #[test]
    fn all_hosts_run_the_image_and_carry_the_tag() {
        let table = [
            (vec![], false, "the group has no hosts"),
            (vec![], true, ""),
            (vec![host("i-1", "ami-2", Some("passed"))], false, ""),
            (
                vec![
                    host("i-1", "ami-1", Some("passed")),
                    host("i-2", "ami-2", Some("")),
                    host("i-3", "ami-2", None),
                    host("i-4", "ami-2", Some("1")),
                ],
                true,
                "i-1 runs ami-1, i-2 has not passed, i-3 has not passed",
            ),
        ];
        for (hosts, may_be_empty, wanted) in table {
            let late = laggards(&hosts, "ami-2", &[], may_be_empty);
            assert_eq!(late.join(", "), wanted);
        }
    }

    #[test]
    fn hosts_that_aws_leaves_alone_may_keep_their_image_but_not_all_of_them() {
        let old = || host("i-1", "ami-1", None);
        let new = host("i-2", "ami-2", Some("1"));
        let spared = ["i-1".to_owned()];
        assert_eq!(laggards(&[old(), new], "ami-2", &spared, false), [""; 0]);
        assert_eq!(
            laggards(&[old()], "ami-2", &spared, false),
            ["no host runs ami-2"]
        );
    }
}
