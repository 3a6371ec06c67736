//! Executes the transition table of blue/green deployments: does what a state says, tells the table what came of it, and says
//! at the end what happened. Which state follows is decided by `machine` alone.

use super::groups;
use super::machine::{self, Action, Event, Facts, Reason, State, Step};
use super::remote::{self, Verdict};
use super::waits::{self, Tested};
use super::{Deployment, Site};
use crate::config::SmokeMethod;
use crate::error::{Error, Result};
use crate::group;
use crate::host::Smoke;
use crate::host::remote::Remote;
use crate::image::manage::set_stage;

/// The stage of images that failed their tests.
const FAILED: &str = "failed";

/// The intended path, for a dry run: a line for each state in which something is done.
pub fn path(deployment: &Deployment) -> Vec<String> {
    let states = machine::happy_path(facts(deployment));
    let told = states
        .into_iter()
        .filter_map(|state| title(state, deployment));
    told.collect()
}

/// Deploys: a new group is tested, admitted, and replaces the old one.
///
/// # Errors
/// The image failed or something went wrong; the old group serves, and what was made for the new one is gone or named.
/// [`Error::Interrupted`] after Ctrl-C, when that is cleaned up.
pub async fn deploy(site: &Site<'_>, deployment: &Deployment) -> Result<()> {
    let _charge = site.interrupt.take_charge();
    let by_ssh = site.config.smoke_method(&deployment.hostclass, site.env)? == SmokeMethod::Ssh;
    let buckets = if by_ssh {
        waits::credential_buckets(site)?
    } else {
        Vec::new()
    };
    let (aws, vpc) = (site.clouds.aws, site.vpc);
    let remote = Remote::new(aws, vpc, site.config, site.env, site.ssh.clone());
    let ssh = by_ssh.then_some((&remote, buckets.as_slice()));
    let mut drive = Drive {
        site,
        deployment,
        smoke: Smoke::new(site.config, site.env, ssh),
        group: None,
        hosts: Vec::new(),
        promoted: false,
        took_addresses: false,
        faults: Faults::default(),
    };
    site.progress.steps(path(deployment).len());
    let facts = facts(deployment);
    let mut step = Step::from(State::Start);
    while let Some(action) = step.action {
        let state = step.state;
        if let Some(title) = title(state, deployment) {
            site.progress.stage(&title, &[]);
        }
        let result = if state.may_be_cut() {
            site.interrupt.guard(drive.act(action)).await
        } else {
            drive.act(action).await
        };
        let event = drive.judge(state, result);
        step = machine::next(state, event, facts);
        tracing::debug!("{state:?}, {event:?}: {:?}", step.state);
        if event == Event::Interrupted {
            drive.faults.cut = Some(state);
        }
    }
    drive.end(step.state)
}

fn facts(deployment: &Deployment) -> Facts {
    Facts {
        deployable: deployment.deployable,
        has_test: deployment.integration_test.is_some(),
        has_old: deployment.old.is_some(),
    }
}

/// What is done in a state, for people. Nothing for states that are over at once.
fn title(state: State, deployment: &Deployment) -> Option<String> {
    let Deployment {
        hostclass,
        desired,
        min,
        max,
        ..
    } = deployment;
    let (image, old) = (&deployment.image.id, old_name(deployment));
    let with_balancer = |text: &str| {
        if deployment.uses_elb {
            format!("{text} behind its load balancer")
        } else {
            text.to_owned()
        }
    };
    Some(match state {
        State::Start | State::ListingHosts | State::Done | State::Failed(_) => return None,
        State::Making => {
            let testing = if deployment.uses_elb {
                " and a testing load balancer"
            } else {
                ""
            };
            format!(
                "make a new group of {hostclass} for tests from {image} (desired {desired}, min {min}, max {max}){testing}"
            )
        }
        State::WaitingForHosts => format!("wait for {} hosts of the new group", desired.max(&1)),
        State::SmokeTesting => "wait until the new hosts pass their smoke tests".to_owned(),
        State::IntegrationTesting => format!(
            "run integration test {} in environment {}",
            deployment.integration_test.as_deref().unwrap_or_default(),
            deployment.test_env
        ),
        State::Promoting => format!("give image {image} the last stage"),
        State::Failing(_) => format!("give image {image} the stage {FAILED}"),
        State::LeavingTestMode => "leave testing mode on the new hosts".to_owned(),
        State::Admitting => with_balancer("bring the new group into service"),
        State::WaitingForBalancer => with_balancer("wait until the new hosts are in service"),
        State::Retiring => format!("scale down and delete the old group {old}"),
        State::Finishing => "remove what was for tests only".to_owned(),
        State::Removing(Reason::NotDeployable) => {
            format!("{hostclass} is not deployable, destroying new autoscaling group")
        }
        State::Removing(_) => {
            let balancer = if deployment.uses_elb {
                " and the testing load balancer"
            } else {
                ""
            };
            format!("remove the new group{balancer}")
        }
        State::GivingImage => {
            format!("give group {old} image {image} for hosts to come; its hosts stay")
        }
    })
}

fn old_name(deployment: &Deployment) -> &str {
    let old = deployment.old.as_ref();
    old.map_or("-", |group| group.name.as_str())
}

/// A deployment under way.
struct Drive<'a> {
    site: &'a Site<'a>,
    deployment: &'a Deployment,
    smoke: Smoke<'a>,
    /// The new group, as soon as its name is known: it may have been made only in part.
    group: Option<String>,
    /// Its hosts.
    hosts: Vec<String>,
    /// The image has got the final stage.
    promoted: bool,
    /// Its hosts may have taken elastic and floating addresses: they do so when they leave testing mode.
    took_addresses: bool,
    faults: Faults,
}

/// What went wrong.
#[derive(Debug, Default)]
struct Faults {
    /// First.
    cause: Option<Error>,
    /// While cleaning up after it.
    left: Vec<Error>,
    /// Where Ctrl-C came.
    cut: Option<State>,
}

impl Drive<'_> {
    async fn act(&mut self, action: Action) -> Result<Event> {
        let (site, deployment) = (self.site, self.deployment);
        match action {
            Action::Prepare => self.smoke.prepare([deployment.hostclass.as_str()]).await?,
            Action::Make => groups::make(site, deployment, &mut self.group).await?,
            Action::AwaitHosts => {
                self.hosts = waits::hosts(site, deployment, self.group()?).await?;
            }
            Action::SmokeTest => {
                let tested = waits::smoke_tests(site, deployment, &self.smoke, &self.hosts).await?;
                if let Tested::Died(error) = tested {
                    self.faults.cause = Some(error);
                    return Ok(Event::Rejected);
                }
            }
            Action::IntegrationTest => return self.integration_test().await,
            Action::Promote => {
                let stages = site.config.ami_stages()?;
                self.stage(stages.last().map_or("", String::as_str)).await?;
                self.promoted = true;
            }
            Action::MarkFailed => self.stage(FAILED).await?,
            Action::ListHosts => {
                self.hosts = waits::hosts_of(site, self.group()?, None).await?;
                if self.hosts.is_empty() {
                    return Ok(Event::NoHosts);
                }
            }
            Action::LeaveTestMode => {
                self.took_addresses = true;
                if !remote::leave_testing_mode(site, deployment, &self.hosts).await? {
                    return Ok(Event::Rejected);
                }
            }
            Action::Admit => return self.admit().await,
            Action::AwaitService => {
                groups::wait_in_service(site, deployment, &self.hosts, false).await?;
            }
            Action::RetireOld => {
                if let Some(old) = &deployment.old {
                    groups::retire(site, deployment, &old.name).await?;
                }
            }
            Action::Finish => groups::finish(site, deployment, self.group()?).await?,
            Action::RemoveNew => self.remove_new().await?,
            Action::GiveImage => groups::give_image(site, deployment).await?,
        }
        Ok(Event::Done)
    }

    /// Admits the group. Hosts that it got since its hosts were listed may have started under test: they pass their smoke
    /// tests and leave testing mode too.
    async fn admit(&mut self) -> Result<Event> {
        let (site, deployment) = (self.site, self.deployment);
        let group = self.group()?.to_owned();
        groups::admit(site, deployment, &group).await?;
        let now = waits::hosts_of(site, &group, None).await?;
        if now.is_empty() {
            // Those that are known are waited for, in vain unless there are to be none.
            return Ok(Event::Done);
        }
        let late = late(&self.hosts, &now);
        self.hosts = now;
        if late.is_empty() {
            return Ok(Event::Done);
        }
        if let Tested::Died(error) =
            waits::smoke_tests(site, deployment, &self.smoke, &late).await?
        {
            self.faults.cause = Some(error);
            return Ok(Event::Rejected);
        }
        if remote::leave_testing_mode(site, deployment, &late).await? {
            return Ok(Event::Done);
        }
        let text = format!(
            "hosts that came late did not all leave testing mode: {}",
            late.join(", ")
        );
        Err(Error::refused(text))
    }

    async fn remove_new(&self) -> Result<()> {
        let group = self.group.as_deref();
        let removed = groups::remove(self.site, self.deployment, group).await;
        if self.took_addresses {
            self.return_addresses().await;
        }
        removed
    }

    /// The hosts of the old group take back what those of the new one have taken. Failures are told only.
    async fn return_addresses(&self) {
        let (site, deployment) = (self.site, self.deployment);
        let Some(old) = &deployment.old else {
            return;
        };
        let returned = async {
            let hosts = waits::hosts_of(site, &old.name, None).await?;
            remote::leave_testing_mode(site, deployment, &hosts).await
        };
        let why = match returned.await {
            Ok(true) => return,
            Ok(false) => "the command failed".to_owned(),
            Err(error) => error.to_string(),
        };
        tracing::error!(
            "hosts of group {} may not have their elastic and floating addresses back: {why}; `sudo /etc/asiaq/bin/testing_mode.sh off` on them takes these",
            old.name
        );
    }

    async fn integration_test(&mut self) -> Result<Event> {
        let (site, deployment) = (self.site, self.deployment);
        if deployment.uses_elb {
            groups::wait_in_service(site, deployment, &self.hosts, true).await?;
        }
        Ok(match remote::integration_test(site, deployment).await? {
            Verdict::Passed => Event::Done,
            Verdict::Failed => Event::Rejected,
            Verdict::NoTestHost => Event::NoTestHost,
        })
    }

    async fn stage(&self, stage: &str) -> Result<()> {
        let (site, image) = (self.site, &self.deployment.image);
        let done = set_stage(site.clouds.aws, site.config, image, stage).await?;
        let shared = if done.shared_with.is_empty() {
            String::new()
        } else {
            format!(" and shared with {}", done.shared_with.join(", "))
        };
        site.progress
            .note(&format!("image {} is now {}{shared}", image.id, done.stage));
        Ok(())
    }

    fn group(&self) -> Result<&str> {
        let group = self.group.as_deref();
        group.ok_or_else(|| Error::not_found("the new group is not known"))
    }

    /// What the result of a state means, and keeps what went wrong.
    fn judge(&mut self, state: State, result: Result<Event>) -> Event {
        let error = match result {
            Ok(event) => return event,
            Err(error) => error,
        };
        let event = event_of(state, &error);
        match (state, event) {
            (_, Event::Interrupted) => {}
            // Both are told and ignored.
            (State::Promoting | State::Failing(_), _) => {
                tracing::error!(
                    "image {} keeps its stage: {error}",
                    self.deployment.image.id
                );
            }
            (State::Removing(_), _) => self.faults.left.push(error),
            _ => self.faults.cause = Some(error),
        }
        event
    }

    /// What the operator hears.
    fn end(self, state: State) -> Result<()> {
        let State::Failed(reason) = state else {
            return Ok(());
        };
        let names = Names {
            deployment: self.deployment,
            group: self.group.as_deref(),
            promoted: self.promoted,
        };
        let Faults { cause, left, cut } = self.faults;
        if reason == Reason::Interrupted {
            for error in &left {
                tracing::error!("{}: {error}", names.remains());
            }
            tracing::warn!("{}", names.after_interrupt(cut, left.is_empty()));
            return Err(Error::Interrupted);
        }
        let mut all = vec![names.error(reason, cause, left.is_empty())];
        for error in left {
            let hint =
                "run `disco_deploy` again: it removes what an interrupted deployment has left";
            all.push(Error::refused(format!("{}: {error}", names.remains())).with_hint(hint));
        }
        Error::from_list(all).map_or(Ok(()), Err)
    }
}

/// The hosts that are new. Pure.
fn late(known: &[String], now: &[String]) -> Vec<String> {
    let new = now.iter().filter(|id| !known.contains(id));
    new.cloned().collect()
}

/// What an error means to the table.
fn event_of(state: State, error: &Error) -> Event {
    match (state, error) {
        (_, Error::Interrupted) => Event::Interrupted,
        (_, Error::Timeout { .. }) => Event::TimedOut,
        (State::Making, error) if group::is_too_many(error) => Event::TooManyGroups,
        (State::Making, Error::Refused { what, .. }) if *what == Reason::SameGroup.to_string() => {
            Event::SameGroup
        }
        _ => Event::Failed,
    }
}

/// The names that messages need.
struct Names<'a> {
    deployment: &'a Deployment,
    group: Option<&'a str>,
    /// The image has got the final stage, so it is not chosen again.
    promoted: bool,
}

impl Names<'_> {
    fn group(&self) -> String {
        self.group.map_or_else(
            || format!("the new group of {}", self.deployment.hostclass),
            |name| format!("group {name}"),
        )
    }

    fn remains(&self) -> String {
        format!("what was made for {} could not be removed", self.group())
    }

    /// How an image that has passed its tests is deployed, since it is not chosen again.
    fn again(&self) -> String {
        if self.promoted {
            format!(
                "; the image has passed its tests: `disco_deploy test --ami {0}` or `disco_deploy update --ami {0}` deploys it",
                self.deployment.image.id
            )
        } else {
            String::new()
        }
    }

    /// Who serves now, what became of the new group, and how to go on.
    fn aftermath(&self, removed: bool) -> String {
        let serves = match &self.deployment.old {
            Some(old) => format!("group {} serves as before", old.name),
            None => "no group served before, and none does".to_owned(),
        };
        let again = self.again();
        if removed {
            format!(
                "what was made for {} is removed; {serves}{again}",
                self.group()
            )
        } else {
            format!("{serves}{again}")
        }
    }

    fn after_interrupt(&self, cut: Option<State>, removed: bool) -> String {
        match cut {
            Some(state) if state.is_switched() => format!(
                "interrupted while {} took the place of {}: running `disco_deploy` again completes that",
                self.group(),
                old_name(self.deployment)
            ),
            Some(State::GivingImage) => format!(
                "interrupted while group {} was given image {}; its hosts are untouched{}",
                old_name(self.deployment),
                self.deployment.image.id,
                self.again()
            ),
            Some(State::Start) => format!("interrupted: {}", self.aftermath(false)),
            _ => format!("interrupted: {}", self.aftermath(removed)),
        }
    }

    /// The error of a deployment, as section 13.3 words it, with what it was about.
    fn error(&self, reason: Reason, cause: Option<Error>, removed: bool) -> Error {
        let image = &self.deployment.image;
        let about = format!("image {} ({}) in {}", image.id, image.name, self.group());
        let cause = match (reason, cause) {
            // Nothing has been made: the cause says it all.
            (Reason::NotBegun | Reason::TooManyGroups, Some(cause)) => return cause,
            (Reason::SameGroup, _) => None,
            (_, cause) => cause,
        };
        let what = match reason {
            Reason::SameGroup => format!("{reason} It is {}.", old_name(self.deployment)),
            Reason::SmokeTest | Reason::IntegrationTest => format!("{reason} It was {about}"),
            Reason::NoTestHost => {
                format!("{reason} Unable to find test host for {about}; the image keeps its stage")
            }
            Reason::NoHosts | Reason::TestMode => {
                format!("{reason} {}", self.group.unwrap_or_default())
            }
            _ => format!("{reason}: {about}"),
        };
        let (what, own_hint) = match &cause {
            Some(cause) => (format!("{what}: {cause}"), cause.hint()),
            None => (what, None),
        };
        let hint = match reason {
            Reason::NotRetired | Reason::NotFinished => {
                "running `disco_deploy` again completes the switch".to_owned()
            }
            Reason::SmokeTest if removed => format!(
                "{}; `disco_aws provision --ami {} --no-destroy` starts a host that stays when its tests fail",
                self.aftermath(true),
                image.id
            ),
            Reason::ImageNotGiven | Reason::SameGroup => self.aftermath(false),
            _ => match own_hint.filter(|_| removed) {
                Some(own) => format!("{own}; {}", self.aftermath(removed)),
                None => self.aftermath(removed),
            },
        };
        Error::refused(what).with_hint(hint)
    }
}

#[cfg(test)]
mod tests;
