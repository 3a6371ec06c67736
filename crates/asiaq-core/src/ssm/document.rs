//! Documents of the account as operators see them: the listing, and the text of one.

use super::desired::is_of_aws;
use crate::aws::{Aws, Context, Pages};
use crate::error::{Error, Result};
use aws_sdk_ssm::types::{DocumentIdentifier, DocumentKeyValuesFilter};
use serde::Serialize;

/// Documents per page; the most that AWS gives.
const PAGE: i32 = 50;

/// A document of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document {
    /// Name.
    pub name: String,
    /// Account that owns it.
    pub owner: String,
    /// Platforms that it is for.
    pub platforms: Vec<String>,
    /// `Command`, `Automation`, `Session` and so on.
    pub document_type: String,
    /// `JSON`, `YAML` or `TEXT`.
    pub document_format: String,
    /// Default version.
    pub document_version: String,
    /// Version of the language that it is written in.
    pub schema_version: String,
}

/// The header of the listing, in its layout.
pub fn header() -> String {
    layout("Name", "Owner", "Platforms")
}

fn layout(name: &str, owner: &str, platforms: &str) -> String {
    format!("{name:<30} {owner:<20} {platforms}")
}

impl Document {
    /// Name, owner and platforms in the layout of the listing.
    pub fn line(&self) -> String {
        layout(&self.name, &self.owner, &self.platforms.join(","))
    }

    fn from_sdk(document: &DocumentIdentifier) -> Option<Self> {
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let platforms = document.platform_types().iter();
        Some(Self {
            name: document.name()?.to_owned(),
            owner: text(document.owner()),
            platforms: platforms
                .map(|platform| platform.as_str().to_owned())
                .collect(),
            document_type: text(document.document_type().map(|kind| kind.as_str())),
            document_format: text(document.document_format().map(|format| format.as_str())),
            document_version: text(document.document_version()),
            schema_version: text(document.schema_version()),
        })
    }
}

/// The account's own documents of all types, sorted by name.
pub async fn list(aws: &Aws) -> Result<Vec<Document>> {
    let own = DocumentKeyValuesFilter::builder()
        .key("Owner")
        .values("Self")
        .build();
    let pages = aws
        .ssm()
        .list_documents()
        .filters(own)
        .max_results(PAGE)
        .into_paginator()
        .items()
        .send();
    let found = pages.all("ssm:ListDocuments", "").await?;
    let mut documents: Vec<Document> = found
        .iter()
        .filter_map(Document::from_sdk)
        .filter(|document| !is_of_aws(&document.name))
        .collect();
    documents.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(documents)
}

/// A document with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text {
    /// Name.
    pub name: String,
    /// Version that the text is of.
    pub document_version: String,
    /// `Active`, `Failed` and so on.
    pub status: String,
    /// The text.
    pub content: String,
}

/// The text of a document's default version; `None` if there is no such document.
///
/// # Errors
/// A document of AWS.
pub async fn get(aws: &Aws, name: &str) -> Result<Option<Text>> {
    if is_of_aws(name) {
        return Err(Error::refused(format!("`{name}` belongs to AWS"))
            .with_hint("see `disco_ssm list-documents` for the documents of this account"));
    }
    version(aws, name, None).await
}

/// The text of a version, the default one if none is given; `None` if there is no such document or version.
pub(super) async fn version(aws: &Aws, name: &str, version: Option<&str>) -> Result<Option<Text>> {
    let call = aws.ssm().get_document().name(name);
    let answer = call
        .set_document_version(version.map(str::to_owned))
        .send()
        .await
        .context("ssm:GetDocument", format!("document {name}"));
    match answer {
        Ok(found) => Ok(Some(Text {
            name: name.to_owned(),
            document_version: found.document_version().unwrap_or_default().to_owned(),
            status: found
                .status()
                .map(|status| status.as_str())
                .unwrap_or_default()
                .to_owned(),
            content: found.content().unwrap_or_default().to_owned(),
        })),
        Err(error) if error.is("InvalidDocument") || error.is("InvalidDocumentVersion") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use aws_sdk_ssm::types::PlatformType;

    #[test]
    fn the_layout_pads_and_never_cuts() {
        let document = |name: &str| {
            let sdk = DocumentIdentifier::builder()
                .name(name)
                .owner("123456789012")
                .platform_types(PlatformType::Linux)
                .platform_types(PlatformType::Macos)
                .build();
            Document::from_sdk(&sdk).unwrap().line()
        };
        assert_eq!(
            header(),
            format!("{:<30} {:<20} Platforms", "Name", "Owner")
        );
        assert_eq!(
            document("abc"),
            format!("{:<30} {:<20} Linux,MacOS", "abc", "123456789012")
        );
        let long = "x".repeat(40);
        assert_eq!(
            document(&long),
            format!("{long} 123456789012         Linux,MacOS")
        );
    }
}
