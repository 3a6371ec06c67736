//! Rolling Auto Scaling groups: AWS' instance refresh.

use super::checks::judge;
use super::{Judgement, Roller, RollingOptions};
use crate::aws::Tags;
use crate::deploy::{Deployment, Site, groups};
use crate::error::{Error, Result};
use crate::group::{
    self, Group, GroupAction, LaunchRef, NewRefresh, Refresh, RefreshState, RefreshTemplate,
    RollsFrom,
};
use crate::host::provision::{Action, Purpose};
use crate::plan::{Plan, Sign};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Pause between looks at a refresh.
const PAUSE: Duration = Duration::from_secs(15);
/// What bringing the old image back may take at least.
const BACK: Duration = Duration::from_secs(3600);

/// Replaces the hosts of an Auto Scaling group.
pub(super) struct Refreshing<'a> {
    site: &'a Site<'a>,
    deployment: &'a Deployment,
    group: &'a str,
    options: RollingOptions,
    begun: Mutex<Option<Begun>>,
}

/// What has been begun, so that it can be taken back.
#[derive(Debug, Clone)]
struct Begun {
    /// What the group launched from before.
    former: Former,
    /// The newest refresh that is none of ours.
    earlier: Option<String>,
}

/// A version of a launch template that AWS can go back to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Former {
    id: String,
    name: String,
    version: String,
}

impl Former {
    /// # Errors
    /// AWS could not go back to what the group launches from.
    fn of(group: &Group) -> Result<Self> {
        let why = match &group.launch {
            LaunchRef::Template { .. } if group.mixed_instances => "has a mixed instances policy",
            LaunchRef::Template { id, name, version } => {
                if !id.is_empty() && version.parse::<u64>().is_ok() {
                    return Ok(Self {
                        id: id.clone(),
                        name: name.clone(),
                        version: version.clone(),
                    });
                }
                "states no number as version of its launch template"
            }
            LaunchRef::Configuration(_) => "has a launch configuration",
            LaunchRef::None => "has no launch template",
        };
        let what = format!("group {} cannot be rolled: it {why}", group.name);
        Err(Error::refused(what).with_hint("deploy it once with `--strategy blue_green`"))
    }

    /// As tags record it.
    fn key(&self) -> String {
        format!("{}:{}", self.id, self.version)
    }

    /// What this group records of an interrupted deployment, if the group launches from either side of that.
    fn recorded(&self, tags: &Tags) -> Option<Self> {
        let rolls = RollsFrom::of(tags)?;
        let (id, version) = rolls.before(&self.key())?.split_once(':')?;
        Some(Self {
            id: id.to_owned(),
            name: String::new(),
            version: version.to_owned(),
        })
    }

    fn launch(&self) -> LaunchRef {
        LaunchRef::Template {
            id: self.id.clone(),
            name: self.name.clone(),
            version: self.version.clone(),
        }
    }
}

impl<'a> Refreshing<'a> {
    pub(super) fn new(
        site: &'a Site<'a>,
        deployment: &'a Deployment,
        group: &'a str,
        options: RollingOptions,
    ) -> Self {
        Self {
            site,
            deployment,
            group,
            options,
            begun: Mutex::new(None),
        }
    }

    fn begin(&self, own: Begun) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        *begun = Some(own);
    }

    /// What to go back to: what an interrupted deployment has recorded if that is still there, else what the group launches
    /// from.
    async fn former(&self, own: &Group, current: &Former) -> Result<Former> {
        if let Some(recorded) = current.recorded(&own.tags) {
            let image = group::image_of(self.site.clouds.aws, &recorded.launch()).await?;
            if image.is_some() {
                return Ok(recorded);
            }
        }
        Ok(current.clone())
    }

    fn hosts(&self) -> u32 {
        let old = self.deployment.old.as_ref();
        old.map_or(1, |old| u32::try_from(old.desired_capacity).unwrap_or(0))
    }

    fn limit(&self) -> Duration {
        let warmup = self.options.warmup_seconds();
        self.options.limit(self.hosts(), warmup)
    }

    fn begun(&self) -> Option<Begun> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.clone()
    }

    /// The newest refresh, unless it is the earlier one.
    async fn newest(&self, earlier: Option<&str>) -> Result<Option<Refresh>> {
        let all = group::refreshes(self.site.clouds.aws, self.group).await?;
        let newest = all.into_iter().next();
        Ok(newest.filter(|own| earlier != Some(own.id.as_str())))
    }

    /// Waits until the newest refresh is over and tells how far it is.
    async fn follow(&self, earlier: Option<&str>, limit: Duration) -> Result<Refresh> {
        let group = self.group;
        let what = format!("waiting for the instance refresh of group {group}");
        let poll = &self.site.clouds.aws.poll;
        let mut told = String::new();
        let look = async || {
            let Some(newest) = self.newest(earlier).await? else {
                return Ok(None);
            };
            let text = progress(group, &newest);
            if text != told {
                self.site.progress.note(&text);
                told = text;
            }
            Ok(Some(newest).filter(|own| own.state.is_over()))
        };
        poll.until(&what, PAUSE, limit, look).await
    }

    /// Follows a refresh that is under way to its end. Returns it if it brings this image: an interrupted run of this
    /// deployment has started it.
    async fn earlier(&self) -> Result<Option<Refresh>> {
        let newest = self.newest(None).await?;
        let Some(under_way) = newest.filter(|own| !own.state.is_over()) else {
            return Ok(None);
        };
        let aws = self.site.clouds.aws;
        let image = group::image_of(aws, &under_way.launch).await?;
        let same = image.as_ref() == Some(&self.deployment.image.id);
        let whose = if same {
            "of this image"
        } else {
            "of another image"
        };
        self.site.progress.note(&format!(
            "an instance refresh {whose} is under way in group {}: it is followed to its end first",
            self.group
        ));
        if same {
            let before = groups::the(self.site, self.group).await?;
            let former = self.former(&before, &Former::of(&before)?).await?;
            self.begin(Begun {
                former,
                earlier: None,
            });
        }
        let ended = self.follow(None, self.limit()).await?;
        Ok(Some(ended).filter(|_| same))
    }

    /// Plans the refresh, with a new launch template if the group launches from something else than it should.
    async fn planned(&self) -> Result<(Plan<GroupAction>, Begun)> {
        let own = groups::the(self.site, self.group).await?;
        let current = Former::of(&own)?;
        let former = self.former(&own, &current).await?;
        let pipeline = groups::pipeline(self.deployment, groups::row(self.deployment));
        let purpose = Purpose::Image { group: self.group };
        let planned = groups::prepare(self.site, &pipeline, purpose).await?;
        planned.wait_for_prerequisites(self.site.clouds.aws).await?;
        let rows = planned.sequences.iter().flat_map(|own| &own.rows);
        let changes = rows.flat_map(|row| row.plan.changes());
        let mut plan = Plan::default();
        let mut refreshes = false;
        for change in changes {
            let action = match &change.action {
                Action::Group(GroupAction::UpdateGroup(update)) => {
                    let template = update.template.clone().map(RefreshTemplate::Planned);
                    refreshes = true;
                    GroupAction::Refresh(self.refresh(template, &current, Some(&former)))
                }
                Action::Group(other) => other.clone(),
                Action::CreateInterface { .. } | Action::Balancer(_) => continue,
            };
            let (needs, lines) = (change.needs.clone(), change.lines.clone());
            plan.push(change.id.clone(), needs, change.sign, lines, action);
        }
        if !refreshes {
            self.push(&mut plan, &current, Some(&former));
        }
        let earlier = self.newest(None).await?.map(|own| own.id);
        Ok((plan, Begun { former, earlier }))
    }

    /// Replaces the hosts and tells how that ended. The calls that start it are not cut by Ctrl-C: what they did would not be
    /// known.
    async fn replace(&self) -> Result<Refresh> {
        let interrupt = self.site.interrupt;
        if let Some(ended) = interrupt.guard(self.earlier()).await? {
            return Ok(ended);
        }
        let (plan, begun) = interrupt.guard(self.planned()).await?;
        let earlier = begun.earlier.clone();
        self.begin(begun);
        groups::apply(self.site, plan).await?;
        let followed = self.follow(earlier.as_deref(), self.limit());
        interrupt.guard(followed).await
    }

    /// Judges the hosts after a refresh.
    async fn judged(&self) -> Result<Judgement> {
        let spared = group::spared(self.site.clouds.aws, self.group).await?;
        if !spared.is_empty() {
            tracing::warn!(
                "hosts of {} in standby or protected from scale in keep their image: {}",
                self.group,
                spared.join(", ")
            );
        }
        judge(self.site, self.deployment, self.group, &spared).await
    }

    fn push(&self, plan: &mut Plan<GroupAction>, to: &Former, rolls_from: Option<&Former>) {
        let action = GroupAction::Refresh(self.refresh(None, to, rolls_from));
        let template = if to.name.is_empty() { &to.id } else { &to.name };
        let line = format!(
            "instances of group {}: launch template {template}",
            self.group
        );
        let id = format!("refresh/{}", self.group);
        plan.push(id, [""; 0], Sign::Modify, line, action);
    }

    fn refresh(
        &self,
        template: Option<RefreshTemplate>,
        existing: &Former,
        rolls_from: Option<&Former>,
    ) -> NewRefresh {
        let (least, most) = self.options.healthy(self.hosts());
        NewRefresh {
            group: self.group.to_owned(),
            template: template.unwrap_or_else(|| RefreshTemplate::Existing {
                id: existing.id.clone(),
                version: existing.version.clone(),
            }),
            min_healthy_percentage: least,
            max_healthy_percentage: most,
            warmup: self.options.warmup_seconds(),
            rolls_from: rolls_from.map(Former::key),
        }
    }
}

impl Roller for Refreshing<'_> {
    async fn forward(&self) -> Result<Judgement> {
        match self.replace().await {
            Ok(ended) if ended.state == RefreshState::Successful => {
                self.site.interrupt.guard(self.judged()).await
            }
            // AWS' health checks fail for lack of capacity too, and somebody may have cancelled it: only tests blame the image.
            Ok(ended) => Ok(Judgement::Bad {
                why: failure(self.group, &ended),
                to_blame: false,
            }),
            Err(error @ Error::Timeout { .. }) => Ok(Judgement::Bad {
                why: error.to_string(),
                to_blame: false,
            }),
            Err(error) => Err(error),
        }
    }

    fn has_begun(&self) -> bool {
        self.begun().is_some()
    }

    async fn back(&self) -> Result<String> {
        let (aws, group) = (self.site.clouds.aws, self.group);
        let Some(begun) = self.begun() else {
            return Ok(format!("group {group} has not been changed"));
        };
        let limit = self.limit().max(BACK);
        let earlier = begun.earlier.as_deref();
        let Some(mut newest) = self.newest(earlier).await? else {
            return Ok(format!("group {group} has not been changed"));
        };
        let own = groups::the(self.site, group).await?;
        if is_foreign(&newest, &own.tags) {
            return Ok(format!(
                "group {group} has not been changed by this deployment"
            ));
        }
        if newest.state == RefreshState::UnderWay {
            group::roll_back(aws, group).await?;
        }
        if !newest.state.is_over() {
            newest = self.follow(earlier, limit).await?;
        }
        // AWS takes it back to what the group launched from then, which may be what an interrupted run had brought.
        let now = groups::the(self.site, group).await?;
        let now = Former::of(&now).ok().map(|now| now.key());
        if newest.state != RefreshState::RolledBack || now != Some(begun.former.key()) {
            let mut plan = Plan::default();
            self.push(&mut plan, &begun.former, None);
            groups::apply(self.site, plan).await?;
            let ended = self.follow(Some(&newest.id), limit).await?;
            if ended.state != RefreshState::Successful {
                return Err(Error::refused(failure(group, &ended)));
            }
        }
        let image = group::image_of(aws, &begun.former.launch()).await?;
        let image = image.unwrap_or_else(|| "that it had before".to_owned());
        Ok(format!("group {group} serves image {image} again"))
    }
}

/// Whether a refresh brings something else than these tags of its group record. Pure.
fn is_foreign(refresh: &Refresh, tags: &Tags) -> bool {
    let LaunchRef::Template { id, version, .. } = &refresh.launch else {
        return false;
    };
    RollsFrom::of(tags).is_some_and(|rolls| rolls.to != format!("{id}:{version}"))
}

/// How far a refresh is, for people.
fn progress(group: &str, own: &Refresh) -> String {
    format!(
        "instance refresh of group {group}: {} ({}%)",
        own.status, own.percentage
    )
}

/// Why a refresh has failed.
fn failure(group: &str, own: &Refresh) -> String {
    let reason = own.reason.as_deref().map(|why| format!(": {why}"));
    format!(
        "the instance refresh of group {group} ended as {}{}",
        own.status,
        reason.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::deploy::groups::tests::group;

    #[test]
    fn only_numbered_versions_of_templates_can_be_gone_back_to() {
        let template = |id: &str, version: &str| LaunchRef::Template {
            id: id.into(),
            name: "ci_mhcweb_1".into(),
            version: version.into(),
        };
        let table = [
            (template("lt-1", "1"), false, ""),
            (template("lt-1", "1"), true, "mixed instances policy"),
            (template("lt-1", "$Latest"), false, "no number"),
            (template("lt-1", "$Default"), false, "no number"),
            (template("", "1"), false, "no number"),
            (
                LaunchRef::Configuration("c".into()),
                false,
                "launch configuration",
            ),
            (LaunchRef::None, false, "no launch template"),
        ];
        for (launch, mixed_instances, wanted) in table {
            let own = Group {
                launch,
                mixed_instances,
                ..group("ci_mhcweb_1", (1, 1, 1), &[])
            };
            match Former::of(&own) {
                Ok(former) => {
                    assert_eq!(wanted, "");
                    assert_eq!(former.launch(), own.launch);
                }
                Err(error) => {
                    assert!(
                        !wanted.is_empty() && error.to_string().contains(wanted),
                        "{error}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_an_interrupted_deployment_replaced_comes_back() {
        let now = |id: &str| Former {
            id: id.into(),
            name: "ci_mhcweb_1".into(),
            version: "1".into(),
        };
        let table = [
            ("lt-2", "lt-1:3/lt-2:1", Some("lt-1:3")),
            ("lt-1", "lt-1:1/lt-2:1", Some("lt-1:1")),
            // Somebody has changed the group since.
            ("lt-3", "lt-1:3/lt-2:1", None),
            ("lt-2", "ami-1", None),
            ("lt-2", "lt-1/lt-2:1", None),
        ];
        for (id, tag, wanted) in table {
            let own = group("ci_mhcweb_1", (1, 1, 1), &[("deploy_rolls_from", tag)]);
            let recorded = now(id).recorded(&own.tags);
            assert_eq!(recorded.map(|own| own.key()).as_deref(), wanted, "{tag}");
        }
    }

    #[test]
    fn people_read_how_far_it_is_and_why_it_ended() {
        let own = Refresh {
            id: "r-1".into(),
            state: RefreshState::RolledBack,
            status: "RollbackSuccessful".into(),
            percentage: 40,
            reason: Some("hosts are unhealthy".into()),
            launch: LaunchRef::None,
        };
        assert_eq!(
            progress("g", &own),
            "instance refresh of group g: RollbackSuccessful (40%)"
        );
        assert_eq!(
            failure("g", &own),
            "the instance refresh of group g ended as RollbackSuccessful: hosts are unhealthy"
        );
    }
}
