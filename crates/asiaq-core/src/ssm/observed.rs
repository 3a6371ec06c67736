//! The documents as AWS has them.

use super::desired::Desired;
use super::document::{self, Document, Text};
use crate::aws::Aws;
use crate::error::Result;
use serde_json::Value;
use std::collections::BTreeMap;

/// The one type of document that is managed.
pub(super) const COMMAND: &str = "Command";

/// A document of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Existing {
    /// Type of the document.
    pub kind: String,
    /// What it holds. Only read of Command documents that a file is for.
    pub held: Option<Held>,
}

/// What a document holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// Its default version.
    pub default: Version,
    /// Its newest version. Only read if the default one has failed or is not as wanted, and only kept if it is another one.
    pub latest: Option<Version>,
}

/// A version of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    /// Number.
    pub number: String,
    /// `Active`, `Failed` and so on.
    pub status: String,
    /// Content; `None` if it is no JSON.
    pub content: Option<Value>,
}

impl Version {
    /// AWS could not make it.
    pub fn has_failed(&self) -> bool {
        self.status == "Failed"
    }

    /// AWS is still making it.
    pub fn is_pending(&self) -> bool {
        matches!(self.status.as_str(), "Creating" | "Updating")
    }
}

impl From<Text> for Version {
    fn from(text: Text) -> Self {
        Self {
            number: text.document_version,
            status: text.status,
            content: serde_json::from_str(&text.content).ok(),
        }
    }
}

/// Documents by name.
pub(super) type Observed = BTreeMap<String, Existing>;

/// Lists all own documents and reads those that a file is for, concurrently.
pub(super) async fn observe(aws: &Aws, desired: &Desired) -> Result<Observed> {
    let reads = document::list(aws)
        .await?
        .into_iter()
        .map(async |listed: Document| {
            let wanted = desired
                .get(&listed.name)
                .filter(|_| listed.document_type == COMMAND);
            let held = match wanted {
                Some(wanted) => match read(aws, &listed.name, &wanted.content).await? {
                    Some(held) => Some(held),
                    // Deleted since the listing.
                    None => return Ok(None),
                },
                None => None,
            };
            let existing = Existing {
                kind: listed.document_type,
                held,
            };
            Ok::<_, crate::Error>(Some((listed.name, existing)))
        });
    let found = futures::future::try_join_all(reads).await?;
    Ok(found.into_iter().flatten().collect())
}

async fn read(aws: &Aws, name: &str, wanted: &Value) -> Result<Option<Held>> {
    let Some(text) = document::version(aws, name, None).await? else {
        return Ok(None);
    };
    let mut held = Held {
        default: Version::from(text),
        latest: None,
    };
    if held.default.has_failed() || held.default.content.as_ref() != Some(wanted) {
        let latest = document::version(aws, name, Some("$LATEST")).await?;
        held.latest = latest
            .map(Version::from)
            .filter(|latest| latest.number != held.default.number);
    }
    Ok(Some(held))
}
