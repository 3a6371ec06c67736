//! Taking down the groups of a pipeline's hostclasses (spec 40, section 6).

use crate::aws::Aws;
use crate::error::Result;
use crate::group::{self, DeleteFilter, GroupAction};
use crate::plan::{Plan, Progress};

/// A planned spindown.
#[derive(Debug)]
pub struct Spindown {
    /// The changes.
    pub plan: Plan<GroupAction>,
    /// Groups that go.
    pub groups: Vec<String>,
}

/// Plans the deletion of every group of the hostclasses, with their hosts. `hostclasses` must not hold an empty name: that would
/// mean every group of the environment (spec 40, D9); the pipeline's reader refuses it.
pub async fn plan_spindown(aws: &Aws, env: &str, hostclasses: &[&str]) -> Result<Spindown> {
    let (groups, usage) = group::groups_and_usage(aws, env).await?;
    let mut plan = Plan::default();
    let mut done: Vec<&str> = Vec::new();
    for hostclass in hostclasses {
        if !done.contains(hostclass) {
            plan.extend(
                group::plan_delete(
                    env,
                    &groups,
                    &usage,
                    DeleteFilter::Hostclass(hostclass),
                    true,
                    false,
                )?
                .0,
            );
            done.push(hostclass);
        }
    }
    let gone = groups
        .iter()
        .filter(|group| done.contains(&group.hostclass(env)))
        .map(|group| group.name.clone());
    Ok(Spindown {
        groups: gone.collect(),
        plan,
    })
}

impl Spindown {
    /// Deletes the groups. With `wait`, returns when they have disappeared, so that new ones can take their place (D8).
    pub async fn run(
        &self,
        aws: &Aws,
        env: &str,
        wait: bool,
        progress: &dyn Progress,
    ) -> Result<()> {
        self.plan
            .apply(&group::executor(aws, progress), progress)
            .await?;
        if wait {
            group::wait_gone(aws, env, &self.groups).await
        } else {
            Ok(())
        }
    }
}
