//! Reads pipelines and their definitions. SDK types stop here.

use super::closed::{explain, is_deleted, is_gone};
use super::convert;
use super::definition::Object;
use super::record::{Pipeline, Selection};
use crate::aws::{Aws, AwsError, Context, Tags};
use crate::error::Result;
use aws_sdk_datapipeline::types::PipelineDescription;
use futures::future::{join_all, try_join_all};

/// Pipelines per DescribePipelines.
const BATCH: usize = 25;

/// The pipelines that are meant, in the order of AWS. Only those whose name fits are described, batches concurrently.
///
/// # Errors
/// AWS refuses; if for lack of the service, the hint says what to use instead.
pub async fn read(aws: &Aws, selection: &Selection) -> Result<Vec<Pipeline>> {
    let told = |error| explain(error, aws.region());
    let ids = ids(aws, selection).await.map_err(told)?;
    let batches = ids.chunks(BATCH).map(|batch| describe(aws, batch));
    let found = try_join_all(batches).await.map_err(told)?;
    let all = found.into_iter().flatten();
    Ok(all.filter(|pipeline| selection.takes(pipeline)).collect())
}

/// One pipeline, or `None` if there is none of that id.
pub(super) async fn one(aws: &Aws, id: &str) -> Result<Option<Pipeline>> {
    let found = describe(aws, &[id.to_owned()]).await;
    Ok(found.map_err(|error| explain(error, aws.region()))?.pop())
}

/// Whether AWS says that the pipeline of this id was deleted, or is on its way out.
pub(super) async fn was_deleted(aws: &Aws, id: &str) -> Result<bool> {
    match described(aws, &[id.to_owned()]).await {
        Err(error) if is_deleted(&error) => Ok(true),
        // One that was made a moment ago may not be known everywhere yet.
        Err(error) if is_gone(&error) => Ok(false),
        Err(error) => Err(explain(error, aws.region())),
        Ok(found) => Ok(found.iter().any(Pipeline::is_deleting)),
    }
}

/// The objects of a pipeline's definition; none if it has no definition yet.
pub(super) async fn objects(aws: &Aws, pipeline: &Pipeline) -> Result<Vec<Object>> {
    let call = aws
        .datapipeline()
        .get_pipeline_definition()
        .pipeline_id(&pipeline.id)
        .version("latest");
    let place = format!("pipeline {} ({})", pipeline.name, pipeline.id);
    let answer = call.send().await;
    let answer = answer
        .context("datapipeline:GetPipelineDefinition", place)
        .map_err(|error| explain(error, aws.region()))?;
    Ok(convert::objects_from(answer.pipeline_objects()))
}

async fn ids(aws: &Aws, selection: &Selection) -> Result<Vec<String>, AwsError> {
    let (mut ids, mut marker) = (Vec::new(), None);
    loop {
        let call = aws.datapipeline().list_pipelines().set_marker(marker);
        let page = call
            .send()
            .await
            .context("datapipeline:ListPipelines", "")?;
        let named = page.pipeline_id_list().iter();
        let fitting = named.filter(|p| selection.allows_name(p.name().unwrap_or_default()));
        ids.extend(fitting.filter_map(|p| p.id().map(str::to_owned)));
        marker = page
            .marker()
            .filter(|marker| !marker.is_empty())
            .map(str::to_owned);
        if !page.has_more_results() || marker.is_none() {
            return Ok(ids);
        }
    }
}

/// Describes some pipelines, in this order. AWS refuses them all if one was deleted since it was listed: then each alone.
async fn describe(aws: &Aws, ids: &[String]) -> Result<Vec<Pipeline>, AwsError> {
    let mut found = match described(aws, ids).await {
        Err(error) if is_gone(&error) => each(aws, ids).await?,
        other => other?,
    };
    found.sort_by_key(|pipeline| ids.iter().position(|id| *id == pipeline.id));
    Ok(found)
}

/// Describes pipelines one by one, after all at once did not work: those that are left.
async fn each(aws: &Aws, ids: &[String]) -> Result<Vec<Pipeline>, AwsError> {
    let mut left = Vec::new();
    if ids.len() < 2 {
        return Ok(left);
    }
    let alone = ids
        .iter()
        .map(|id| described(aws, std::slice::from_ref(id)));
    for result in join_all(alone).await {
        match result {
            Ok(found) => left.extend(found),
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(left)
}

async fn described(aws: &Aws, ids: &[String]) -> Result<Vec<Pipeline>, AwsError> {
    let call = aws
        .datapipeline()
        .describe_pipelines()
        .set_pipeline_ids(Some(ids.to_vec()));
    let resource = match ids {
        [id] => format!("pipeline {id}"),
        _ => format!("{} pipelines", ids.len()),
    };
    let answer = call.send().await;
    let answer = answer.context("datapipeline:DescribePipelines", resource)?;
    let list = answer.pipeline_description_list();
    Ok(list.iter().map(pipeline).collect())
}

fn pipeline(description: &PipelineDescription) -> Pipeline {
    let field = |key: &str| {
        let found = description.fields().iter().find(|field| field.key() == key);
        found
            .and_then(|field| field.string_value())
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let tags = description.tags().iter();
    Pipeline {
        id: description.pipeline_id().to_owned(),
        name: description.name().to_owned(),
        health: field("@healthStatus"),
        state: field("@pipelineState"),
        created: field("@creationTime"),
        last_run: field("@latestRunTime"),
        description: description
            .description()
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        tags: tags
            .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
            .collect::<Tags>(),
    }
}

#[cfg(test)]
mod tests;
