//! Carries out changes of pipelines. Every action can be repeated.

use super::changes::{NewPipeline, PipelineAction, Target};
use super::closed::{explain, is_gone};
use super::convert;
use super::definition::Definition;
use super::observed;
use crate::aws::{Aws, AwsError, Context};
use crate::bucket::Bucket;
use crate::error::{Error, Result};
use crate::plan::{Apply, Change, Plan, Progress, Yields};
use aws_sdk_datapipeline::operation::put_pipeline_definition::PutPipelineDefinitionOutput;
use aws_smithy_types::DateTime;
use std::time::SystemTime;

/// How often a pipeline is made again because AWS gave the id of one that was deleted.
const ATTEMPTS: usize = 8;

/// Applies such a plan.
///
/// # Errors
/// A change failed; the error lists what is done and what is not.
pub async fn apply(aws: &Aws, plan: &Plan<PipelineAction>, progress: &dyn Progress) -> Result<()> {
    let made = Yields::default();
    plan.apply(&Executor { aws, made }, progress).await?;
    Ok(())
}

struct Executor<'a> {
    aws: &'a Aws,
    /// Ids of pipelines that were made, by name.
    made: Yields,
}

impl Apply<PipelineAction> for Executor<'_> {
    async fn apply(&self, change: &Change<PipelineAction>) -> Result<(), Error> {
        match &change.action {
            PipelineAction::CreateBucket { name } => Bucket::new(self.aws, name).create().await,
            PipelineAction::Create(new) => {
                self.made.put(&new.name, self.create(new).await?);
                Ok(())
            }
            PipelineAction::Define {
                pipeline,
                definition,
                file,
            } => self.define(pipeline, definition, file).await,
            PipelineAction::Activate { pipeline, values } => self.activate(pipeline, values).await,
            PipelineAction::Delete { id } => self.delete(id).await,
        }
    }
}

impl Executor<'_> {
    /// AWS gives the same pipeline for the same name and unique id, also to several runs at once. If that one was deleted since,
    /// its id makes another unique id, which again is the same for all runs.
    async fn create(&self, new: &NewPipeline) -> Result<String> {
        let mut unique = new.unique_id.clone();
        for _ in 0..ATTEMPTS {
            let id = self.create_as(new, &unique).await?;
            if !observed::was_deleted(self.aws, &id).await? {
                return Ok(id);
            }
            unique = format!("{}/after/{id}", new.unique_id);
        }
        Err(Error::refused(format!(
            "AWS gives pipeline {} the id of a pipeline that was deleted",
            new.name
        ))
        .with_hint("wait some minutes, then run the command again"))
    }

    async fn create_as(&self, new: &NewPipeline, unique_id: &str) -> Result<String> {
        let call = self
            .aws
            .datapipeline()
            .create_pipeline()
            .name(&new.name)
            .description(&new.description)
            .unique_id(unique_id)
            .set_tags(Some(convert::tags(&new.tags)?));
        let answer = call.send().await;
        let answer = answer
            .context(
                "datapipeline:CreatePipeline",
                format!("pipeline {}", new.name),
            )
            .map_err(|error| self.told(error))?;
        Ok(answer.pipeline_id().to_owned())
    }

    async fn define(&self, pipeline: &Target, definition: &Definition, file: &str) -> Result<()> {
        let (id, label) = self.find(pipeline)?;
        let sendable = convert::sendable(definition)?;
        let call = self
            .aws
            .datapipeline()
            .put_pipeline_definition()
            .pipeline_id(&id)
            .set_pipeline_objects(Some(sendable.objects))
            .set_parameter_objects(Some(sendable.parameters))
            .set_parameter_values(Some(sendable.values));
        let answer = call.send().await;
        match answer.context("datapipeline:PutPipelineDefinition", &label) {
            Ok(answer) => judge(&answer, &label, file, &again(pipeline, &id)),
            Err(error) if pipeline.was_activated && error.is("InvalidRequestException") => {
                Err(Error::refused(error.to_string()).with_hint(format!(
                    "AWS does not change everything in a pipeline that was activated, and nothing in one that is finished: \
                     `asiaq dp delete {id}` and run the command again"
                )))
            }
            Err(error) => Err(self.told(error)),
        }
    }

    async fn activate(&self, pipeline: &Target, values: &[(String, String)]) -> Result<()> {
        let (id, label) = self.find(pipeline)?;
        let call = self
            .aws
            .datapipeline()
            .activate_pipeline()
            .pipeline_id(&id)
            .start_timestamp(DateTime::from(SystemTime::now()))
            .set_parameter_values(Some(convert::values(values)?));
        let answer = call.send().await;
        match answer.context("datapipeline:ActivatePipeline", &label) {
            Ok(_) => Ok(()),
            Err(error) if error.is("InvalidRequestException") => {
                Err(Error::refused(error.to_string()).with_hint(format!(
                    "if the definition of the pipeline is the reason, correct the template, {}",
                    again(pipeline, &id)
                )))
            }
            Err(error) => Err(self.told(error)),
        }
    }

    async fn delete(&self, id: &str) -> Result<()> {
        let call = self.aws.datapipeline().delete_pipeline().pipeline_id(id);
        let answer = call.send().await;
        match answer.context("datapipeline:DeletePipeline", format!("pipeline {id}")) {
            Err(error) if !is_gone(&error) => Err(self.told(error)),
            _ => Ok(()),
        }
    }

    /// Id of the pipeline, and what it is called in messages.
    fn find(&self, pipeline: &Target) -> Result<(String, String)> {
        let name = &pipeline.name;
        let id = pipeline.id.clone().or_else(|| self.made.get(name));
        let id = id.ok_or_else(|| Error::not_found(format!("pipeline {name} was not made")))?;
        let label = format!("pipeline {name} ({id})");
        Ok((id, label))
    }

    fn told(&self, error: AwsError) -> Error {
        explain(error, self.aws.region())
    }
}

/// What makes AWS take the template's definition after it was corrected.
fn again(pipeline: &Target, id: &str) -> String {
    if pipeline.was_activated {
        format!(
            "then use --force-reload; AWS does not change everything in a pipeline that was activated, and nothing in one \
             that is finished: if it still refuses, `asiaq dp delete {id}` and run the command again"
        )
    } else {
        "then run the command again".to_owned()
    }
}

/// Logs the warnings about a definition; its errors are one error with every text. `again` is what to do after the correction.
fn judge(answer: &PutPipelineDefinitionOutput, label: &str, file: &str, again: &str) -> Result<()> {
    let line = |id: Option<&str>, text: &String| format!("object {}: {text}", id.unwrap_or("?"));
    for warning in answer.validation_warnings() {
        for text in warning.warnings() {
            tracing::warn!("definition of {label}: {}", line(warning.id(), text));
        }
    }
    let problems: Vec<String> = answer
        .validation_errors()
        .iter()
        .flat_map(|error| error.errors().iter().map(|text| line(error.id(), text)))
        .collect();
    if !answer.errored() && problems.is_empty() {
        return Ok(());
    }
    Err(Error::refused(format!(
        "AWS does not take the definition of {label}, so it is not activated:\n    {}",
        if problems.is_empty() {
            "no reason is given".to_owned()
        } else {
            problems.join("\n    ")
        }
    ))
    .with_hint(format!("correct {file}, {again}")))
}

#[cfg(test)]
mod tests;
