//! Deleting one pipeline.

use super::changes::PipelineAction;
use super::observed;
use crate::aws::Aws;
use crate::error::{Error, Result};
use crate::plan::{Plan, Sign};

/// What deleting a pipeline means.
#[derive(Debug)]
pub struct Deletion {
    /// Name of the pipeline.
    pub name: String,
    /// The plan.
    pub plan: Plan<PipelineAction>,
}

/// Plans to delete the pipeline of this id.
///
/// # Errors
/// There is none, or AWS refuses.
pub async fn plan_delete(aws: &Aws, id: &str) -> Result<Deletion> {
    let found = observed::one(aws, id).await?;
    let pipeline = found.ok_or_else(|| {
        Error::not_found(format!("no pipeline `{id}` in {}", aws.region()))
            .with_hint("`asiaq dp list --all-envs` shows the pipelines")
    })?;
    let mut plan = Plan::default();
    plan.push(
        format!("pipeline/{id}"),
        [""; 0],
        Sign::Remove,
        format!("pipeline {} ({id})", pipeline.name),
        PipelineAction::Delete { id: pipeline.id },
    );
    Ok(Deletion {
        name: pipeline.name,
        plan,
    })
}
