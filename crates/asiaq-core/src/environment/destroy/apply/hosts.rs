//! Instances.

use super::super::contents::instances;
use super::Executor;
use crate::aws::{Context, gone};
use crate::error::Result;
use std::time::Duration;

/// Pause and limit of the wait for instances to be terminated.
const INSTANCES: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(600));

impl Executor<'_> {
    /// Terminates all instances, those that appear meanwhile included.
    pub(super) async fn terminate_instances(&self) -> Result<()> {
        let (pause, limit) = INSTANCES;
        let mut asked: Vec<String> = Vec::new();
        let what = format!(
            "waiting for the instances of {} to be terminated",
            self.vpc_id
        );
        self.aws
            .poll
            .until(&what, pause, limit, async || {
                let alive = instances(self.aws, self.vpc_id).await?;
                let new: Vec<String> = alive
                    .iter()
                    .filter(|id| !asked.contains(id))
                    .cloned()
                    .collect();
                for chunk in new.chunks(500) {
                    let call = self
                        .aws
                        .ec2()
                        .terminate_instances()
                        .set_instance_ids(Some(chunk.to_vec()));
                    gone(
                        call.send()
                            .await
                            .context("ec2:TerminateInstances", chunk.join(", ")),
                    )?;
                }
                asked.extend(new);
                if !alive.is_empty() {
                    self.progress.note(&format!(
                        "waiting for {} instances to be terminated",
                        alive.len()
                    ));
                }
                Ok(alive.is_empty().then_some(()))
            })
            .await
    }
}
