//! From a job and what is there to a plan: find or create the pipeline, give it its definition, activate it. Pure.

use super::definition::{Definition, Object, differences};
use super::record::Pipeline;
use crate::aws::Tags;
use crate::error::{Error, Result};
use crate::plan::{Plan, Sign};

/// Logical names of the steps.
const PIPELINE: &str = "pipeline";
const DEFINITION: &str = "definition";
const ACTIVATION: &str = "activation";

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PipelineAction {
    /// Make a bucket.
    CreateBucket {
        /// Its name.
        name: String,
    },
    /// Make a pipeline; yields its id.
    Create(NewPipeline),
    /// Put a definition in place of the one that the pipeline has.
    Define {
        /// Of which pipeline.
        pipeline: Target,
        /// The definition.
        definition: Definition,
        /// File that it comes from, for messages.
        file: String,
    },
    /// Let the pipeline run.
    Activate {
        /// Which one.
        pipeline: Target,
        /// Values of its parameters.
        values: Vec<(String, String)>,
    },
    /// Delete a pipeline.
    Delete {
        /// Its id.
        id: String,
    },
}

/// A pipeline that is there, or is made by an earlier change of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub(super) name: String,
    /// Its id, if it is there.
    pub(super) id: Option<String>,
    /// It was activated before: AWS does not take every change of its definition.
    pub(super) was_activated: bool,
}

/// A pipeline to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPipeline {
    pub(super) name: String,
    pub(super) description: String,
    /// By this and the name AWS knows a pipeline that an earlier run made.
    pub(super) unique_id: String,
    pub(super) tags: Tags,
}

/// What is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) new: NewPipeline,
    pub(super) definition: Definition,
    /// File of the definition, for messages.
    pub(super) file: String,
    /// Values for the activation.
    pub(super) values: Vec<(String, String)>,
    /// What the activation does, for the plan.
    pub(super) what: String,
    /// Put the definition in place of one that is there.
    pub(super) force_reload: bool,
}

/// The pipeline of the job, with the objects that it is defined by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Existing {
    pub(super) pipeline: Pipeline,
    pub(super) objects: Vec<Object>,
}

/// The one pipeline of those that carry the tags of a job; those that go away do not count.
///
/// # Errors
/// There are several.
pub(super) fn only(found: Vec<Pipeline>, tags: &Tags) -> Result<Option<Pipeline>> {
    let mut found: Vec<Pipeline> = found.into_iter().filter(|p| !p.is_deleting()).collect();
    if found.len() > 1 {
        let ids: Vec<&str> = found.iter().map(|p| p.id.as_str()).collect();
        let tags: Vec<String> = tags
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        return Err(Error::refused(format!(
            "{} pipelines carry the tags {}: {}",
            ids.len(),
            tags.join(" "),
            ids.join(", ")
        ))
        .with_hint("keep one, and delete the others with `asiaq dp delete ID`"));
    }
    Ok(found.pop())
}

/// Whether the definition of a pipeline that is there is replaced: on demand, and while the pipeline was never activated, which
/// means that an earlier run was stopped on the way, or that AWS found faults in its definition. AWS keeps a faulty one, and
/// the fault may be in its parameters, so equal objects say nothing.
pub(super) fn is_replaced(job: &Job, existing: &Existing) -> bool {
    job.force_reload || existing.objects.is_empty() || existing.pipeline.is_pending()
}

/// The plan of a job.
pub(super) fn plan(job: Job, existing: Option<&Existing>) -> Plan<PipelineAction> {
    let mut plan = Plan::default();
    let name = job.new.name.clone();
    let target = Target {
        name: name.clone(),
        id: existing.map(|existing| existing.pipeline.id.clone()),
        was_activated: existing.is_some_and(|existing| !existing.pipeline.is_pending()),
    };
    let label = match &target.id {
        Some(id) => format!("pipeline {name} ({id})"),
        None => format!("pipeline {name}"),
    };
    let is_defined = existing.is_none_or(|existing| is_replaced(&job, existing));
    if existing.is_none() {
        let action = PipelineAction::Create(job.new);
        plan.push(PIPELINE, [""; 0], Sign::Add, label.clone(), action);
    }
    if is_defined {
        let old = existing.map_or(&[][..], |existing| &existing.objects);
        let (sign, what) = match differences(old, &job.definition.objects) {
            _ if old.is_empty() => (Sign::Add, String::new()),
            changed if changed.is_empty() => (Sign::Modify, ", no object differs".to_owned()),
            changed => (Sign::Modify, format!(", objects {}", changed.join(" "))),
        };
        let line = format!("definition of {label} from {}{what}", job.file);
        let action = PipelineAction::Define {
            pipeline: target.clone(),
            definition: job.definition,
            file: job.file,
        };
        plan.push(DEFINITION, [PIPELINE], sign, line, action);
    }
    let action = PipelineAction::Activate {
        pipeline: target,
        values: job.values,
    };
    let line = format!("activate {label}: {}", job.what);
    plan.push(
        ACTIVATION,
        [PIPELINE, DEFINITION],
        Sign::Modify,
        line,
        action,
    );
    plan
}

#[cfg(test)]
mod tests;
