//! Carries out changes of documents. Every action can be repeated: a call whose answer was lost, or that an earlier run made,
//! is not an error.

use super::changes::DocumentAction;
use super::document::{self, Text};
use crate::aws::{Aws, AwsError, Context};
use crate::error::{Error, Result};
use crate::plan::{Apply, Change, Plan, Progress};
use aws_sdk_ssm::types::{DocumentDescription, DocumentFormat, DocumentStatus, DocumentType};
use futures::stream::{StreamExt, iter};
use serde_json::Value;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Pauses of the waits for a document, doubling.
const PAUSES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(15);
/// How long to wait for one.
const LIMIT: Duration = Duration::from_secs(300);
/// Versions that are read at once.
const READS_AT_ONCE: usize = 8;

/// Applies such a plan. With `wait`, created documents are waited for to be active and deleted ones to be gone.
pub async fn apply(
    aws: &Aws,
    plan: &Plan<DocumentAction>,
    wait: bool,
    progress: &dyn Progress,
) -> Result<()> {
    plan.apply(&Executor { aws, wait }, progress).await?;
    Ok(())
}

struct Executor<'a> {
    aws: &'a Aws,
    wait: bool,
}

impl Apply<DocumentAction> for Executor<'_> {
    async fn apply(&self, change: &Change<DocumentAction>) -> Result<(), Error> {
        match &change.action {
            DocumentAction::Create { name, content } => self.create(name, content).await,
            DocumentAction::Update { name, content } => self.update(name, content).await,
            DocumentAction::SetDefault {
                name,
                version,
                pending,
            } => {
                if *pending {
                    self.active(name, Some(version)).await?;
                }
                self.set_default(name, version).await
            }
            DocumentAction::Wait { name, version } => self.active(name, Some(version)).await,
            DocumentAction::Delete { name, replaced } => self.delete(name, *replaced).await,
        }
    }
}

fn what(name: &str) -> String {
    format!("document {name}")
}

fn same(one: &str, other: &str) -> bool {
    let parse = |text: &str| serde_json::from_str::<Value>(text).ok();
    parse(one).is_some_and(|value| Some(value) == parse(other))
}

impl Executor<'_> {
    async fn create(&self, name: &str, content: &str) -> Result<()> {
        let call = self.aws.ssm().create_document().name(name).content(content);
        let call = call
            .document_type(DocumentType::Command)
            .document_format(DocumentFormat::Json);
        let made = call.send().await.context("ssm:CreateDocument", what(name));
        match made {
            Ok(answer) if is_active(answer.document_description()) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.is("DocumentAlreadyExists") => {
                let found = document::version(self.aws, name, None).await?;
                if !found.is_some_and(|found| same(&found.content, content)) {
                    return Err(error.into());
                }
            }
            Err(error) => return Err(error.into()),
        }
        self.active(name, None).await
    }

    async fn update(&self, name: &str, content: &str) -> Result<()> {
        let call = self.aws.ssm().update_document().name(name).content(content);
        let call = call
            .document_version("$LATEST")
            .document_format(DocumentFormat::Json);
        let made = call.send().await.context("ssm:UpdateDocument", what(name));
        let (version, is_active) = match made {
            Ok(answer) => {
                let description = answer.document_description();
                let version = description.and_then(DocumentDescription::document_version);
                let missing =
                    || AwsError::incomplete("ssm:UpdateDocument", what(name), "DocumentVersion");
                (
                    version.ok_or_else(missing)?.to_owned(),
                    is_active(description),
                )
            }
            Err(error) if error.is("DuplicateDocumentContent") => {
                let Some(found) = self.version_with(name, content).await? else {
                    return Err(error.into());
                };
                let version = found.document_version;
                if found.status == DocumentStatus::Failed.as_str() {
                    let described = self.describe(name, Some(&version)).await?;
                    return Err(failed(name, Some(&version), described.as_ref()));
                }
                let is_active = found.status == DocumentStatus::Active.as_str();
                (version, is_active)
            }
            Err(error) => return Err(error.into()),
        };
        if !is_active {
            self.active(name, Some(&version)).await?;
        }
        self.set_default(name, &version).await
    }

    /// The newest active version of this content; without one, the newest of it.
    async fn version_with(&self, name: &str, content: &str) -> Result<Option<Text>> {
        let Some(newest) = document::version(self.aws, name, Some("$LATEST")).await? else {
            return Ok(None);
        };
        let number: u32 = newest.document_version.parse().unwrap_or(0);
        let aws = self.aws;
        let older = iter((1..number).rev())
            .map(|number| async move {
                let number = number.to_string();
                document::version(aws, name, Some(&number)).await
            })
            .buffered(READS_AT_ONCE);
        let newest = futures::stream::once(async { Ok::<_, Error>(Some(newest)) });
        let mut versions = std::pin::pin!(newest.chain(older));
        let mut best = None;
        while let Some(found) = versions.next().await {
            let found: Option<Text> = found?;
            match found.filter(|found| same(&found.content, content)) {
                Some(found) if found.status == DocumentStatus::Active.as_str() => {
                    return Ok(Some(found));
                }
                Some(found) => best = best.or(Some(found)),
                None => {}
            }
        }
        Ok(best)
    }

    async fn set_default(&self, name: &str, version: &str) -> Result<()> {
        let call = self.aws.ssm().update_document_default_version().name(name);
        call.document_version(version)
            .send()
            .await
            .context("ssm:UpdateDocumentDefaultVersion", what(name))?;
        Ok(())
    }

    async fn delete(&self, name: &str, replaced: bool) -> Result<()> {
        let gone = self.aws.ssm().delete_document().name(name).send().await;
        match gone.context("ssm:DeleteDocument", what(name)) {
            Err(error) if !error.is("InvalidDocument") => return Err(error.into()),
            _ => {}
        }
        if !self.wait && !replaced {
            return Ok(());
        }
        let text = format!("waiting for document {name} to be deleted");
        let look = async || Ok(self.describe(name, None).await?.is_none().then_some(()));
        self.aws.poll.backing_off(&text, PAUSES, LIMIT, look).await
    }

    /// Waits until the document or that version of it is active, if anybody wants to wait.
    async fn active(&self, name: &str, version: Option<&str>) -> Result<()> {
        if !self.wait {
            return Ok(());
        }
        let text = format!("waiting for document {name} to become active");
        let look = async || {
            let Some(found) = self.describe(name, version).await? else {
                return Ok(None);
            };
            match found.status() {
                Some(DocumentStatus::Active) => Ok(Some(())),
                Some(DocumentStatus::Failed) => Err(failed(name, version, Some(&found))),
                _ => Ok(None),
            }
        };
        self.aws.poll.backing_off(&text, PAUSES, LIMIT, look).await
    }

    async fn describe(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> Result<Option<DocumentDescription>> {
        let call = self.aws.ssm().describe_document().name(name);
        let call = call.set_document_version(version.map(str::to_owned));
        match call
            .send()
            .await
            .context("ssm:DescribeDocument", what(name))
        {
            Ok(answer) => Ok(answer.document),
            Err(error) if error.is("InvalidDocument") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn failed(name: &str, version: Option<&str>, found: Option<&DocumentDescription>) -> Error {
    let version = version.map_or_else(String::new, |version| format!("version {version} of "));
    let why = found.and_then(DocumentDescription::status_information);
    let why = why.unwrap_or("AWS does not say why");
    Error::refused(format!("{version}document {name} has failed: {why}"))
        .with_hint("correct the file and run the command again")
}

fn is_active(description: Option<&DocumentDescription>) -> bool {
    description.and_then(DocumentDescription::status) == Some(&DocumentStatus::Active)
}
