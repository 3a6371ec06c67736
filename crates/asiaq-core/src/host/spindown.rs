//! Taking down the groups of a pipeline's hostclasses, and then their load balancers (spec 40, section 6).

use super::plan_balancer_removal;
use crate::aws::Aws;
use crate::balancer::{self, BalancerAction, BalancerExecutor};
use crate::error::{Error, Result};
use crate::group::{self, Clouds, DeleteFilter, GroupAction, GroupExecutor};
use crate::names;
use crate::plan::{Apply, Change, Plan, Progress, Yields};
use std::collections::BTreeSet;

/// One change of a spindown.
#[derive(Debug, Clone, PartialEq)]
pub enum SpindownAction {
    /// To a group.
    Group(GroupAction),
    /// To a load balancer or its records.
    Balancer(BalancerAction),
}

/// A planned spindown.
#[derive(Debug)]
pub struct Spindown {
    /// The changes.
    pub plan: Plan<SpindownAction>,
    /// Groups that go.
    pub groups: Vec<String>,
}

/// What becomes of the load balancers of hostclasses whose groups go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balancers {
    /// They go too, with the records that lead to them.
    Delete,
    /// They stay: the groups that come next use them, and the host names lead somewhere in between.
    Keep,
}

/// Plans the deletion of every group of the hostclasses, with their hosts, and of their load balancers. `hostclasses` must not
/// hold an empty name: that would mean every group of the environment (spec 40, D9); the pipeline's reader refuses it.
///
/// # Errors
/// A hostclass has an Elastigroup that cannot be seen without SPOTINST_TOKEN; AWS or Spotinst cannot be read.
pub async fn plan_spindown(
    clouds: Clouds<'_>,
    env: &str,
    hostclasses: &[&str],
    balancers: Balancers,
) -> Result<Spindown> {
    let mut once: Vec<&str> = Vec::new();
    for hostclass in hostclasses {
        if !once.contains(hostclass) {
            once.push(hostclass);
        }
    }
    let leaving: &[&str] = match balancers {
        Balancers::Delete => &once,
        Balancers::Keep => &[],
    };
    let ((groups, usage), mut removals, invisible) = tokio::try_join!(
        group::groups_and_usage(clouds, env),
        plan_balancer_removal(clouds.aws, env, leaving),
        group::invisible(clouds, env)
    )?;
    refuse_invisible(env, &once, &invisible)?;
    let mut plan = Plan::default();
    for hostclass in &once {
        let filter = DeleteFilter::Hostclass(hostclass);
        let (own, _) = group::plan_delete(env, &groups, &usage, filter, true, true)?;
        let group_changes = own.ids();
        plan.extend(own.map(SpindownAction::Group));
        if let Some(removal) = removals.remove(*hostclass) {
            plan.extend(removal.after(&group_changes).map(SpindownAction::Balancer));
        }
    }
    let gone = groups
        .iter()
        .filter(|group| once.contains(&group.hostclass(env)))
        .map(|group| group.name.clone());
    Ok(Spindown {
        groups: gone.collect(),
        plan,
    })
}

/// The hostclasses that have no successor, each once. A balancer or target group that one of the successors has by the same name
/// is the successor's.
fn without_successor<'a>(
    env: &str,
    hostclasses: &[&'a str],
    successors: &BTreeSet<&str>,
) -> Vec<&'a str> {
    let names = |hostclass: &str| {
        (
            names::balancer(env, hostclass, false),
            names::target_group(env, hostclass),
        )
    };
    let taken: Vec<(String, String)> = successors.iter().map(|own| names(own)).collect();
    let mut left: Vec<&str> = Vec::new();
    for hostclass in hostclasses {
        let (balancer, target_group) = names(hostclass);
        let is_taken = taken
            .iter()
            .any(|own| own.0 == balancer || own.1 == target_group);
        if !is_taken && !left.contains(hostclass) {
            left.push(hostclass);
        }
    }
    left
}

/// Refuses hostclasses of which an Elastigroup runs that cannot be seen: it would lose its load balancer and stay.
fn refuse_invisible(env: &str, hostclasses: &[&str], invisible: &BTreeSet<String>) -> Result<()> {
    let hidden = |hostclass: &&&str| invisible.contains(**hostclass);
    let found: Vec<&str> = hostclasses.iter().filter(hidden).copied().collect();
    if found.is_empty() {
        return Ok(());
    }
    let text = format!(
        "instances of Elastigroups run in environment `{env}`, but SPOTINST_TOKEN is not set, so these groups cannot be deleted: {}",
        found.join(", ")
    );
    Err(Error::refused(text)
        .with_hint("set the environment variable SPOTINST_TOKEN; nothing has been changed"))
}

impl Spindown {
    /// Plans, after the deletion of all groups, that of the balancers of those of the hostclasses that are not among the
    /// `successors`, whose groups are made next. Makes no call if there are none.
    pub async fn take_balancers(
        &mut self,
        aws: &Aws,
        env: &str,
        hostclasses: &[&str],
        successors: &BTreeSet<&str>,
    ) -> Result<()> {
        let leaving = without_successor(env, hostclasses, successors);
        let mut removals = plan_balancer_removal(aws, env, &leaving).await?;
        let before = self.plan.ids();
        for hostclass in leaving {
            if let Some(removal) = removals.remove(hostclass) {
                let removal = removal.after(&before);
                self.plan.extend(removal.map(SpindownAction::Balancer));
            }
        }
        Ok(())
    }

    /// Deletes the groups. With `wait`, returns when they have disappeared, so that new ones can take their place (D8).
    pub async fn run(
        &self,
        clouds: Clouds<'_>,
        env: &str,
        wait: bool,
        progress: &dyn Progress,
    ) -> Result<()> {
        let yields = Yields::default();
        let executor = Executor {
            groups: group::executor(clouds, progress, &yields),
            balancers: balancer::executor(clouds.aws, progress, &yields),
        };
        self.plan.apply(&executor, progress).await?;
        if wait {
            group::wait_gone(clouds, env, &self.groups).await
        } else {
            Ok(())
        }
    }
}

struct Executor<'a> {
    groups: GroupExecutor<'a>,
    balancers: BalancerExecutor<'a>,
}

impl Apply<SpindownAction> for Executor<'_> {
    async fn apply(&self, change: &Change<SpindownAction>) -> Result<(), Error> {
        match &change.action {
            SpindownAction::Group(action) => self.groups.apply(&change.with(action.clone())).await,
            SpindownAction::Balancer(action) => {
                self.balancers.apply(&change.with(action.clone())).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn only_hidden_groups_of_the_pipeline_are_refused() {
        let hidden = BTreeSet::from(["mhcweb".to_owned(), "mhcother".to_owned()]);
        assert!(refuse_invisible("ci", &["mhcdb"], &hidden).is_ok());
        assert!(refuse_invisible("ci", &["mhcdb", "mhcweb"], &BTreeSet::new()).is_ok());
        let error = refuse_invisible("ci", &["mhcdb", "mhcweb"], &hidden).unwrap_err();
        let text = error.to_string();
        assert!(text.ends_with("cannot be deleted: mhcweb"), "{text}");
        assert!(error.hint().unwrap().contains("SPOTINST_TOKEN"));
    }

    #[test]
    fn balancers_go_of_hostclasses_that_do_not_come_again() {
        for (hostclasses, successors, expected) in [
            (vec!["mhca", "mhcb"], vec!["mhca", "mhcb"], vec![]),
            (vec!["mhca", "mhcb", "mhca"], vec!["mhcb"], vec!["mhca"]),
            (vec!["mhca"], vec!["mhcc"], vec!["mhca"]),
            (vec!["mhc_a", "mhcb"], vec!["mhca"], vec!["mhcb"]),
            (vec!["mhc_a", "mhcb"], vec!["mhc-a"], vec!["mhcb"]),
        ] {
            let successors: BTreeSet<&str> = successors.into_iter().collect();
            let left = without_successor("ci", &hostclasses, &successors);
            assert_eq!(left, expected, "{hostclasses:?} {successors:?}");
        }
    }
}
