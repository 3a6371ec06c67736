//! Names of the steps of a document. Only needed where output is read host by host: of a document with several steps AWS
//! gives the output of one step per call.

use super::super::document;
use crate::aws::Aws;
use serde_json::Value;
use tokio::sync::OnceCell;

/// The steps of a document, read once, and only when somebody asks.
pub(super) struct Steps<'a> {
    aws: &'a Aws,
    document: &'a str,
    names: OnceCell<Vec<String>>,
}

impl<'a> Steps<'a> {
    /// Of this document.
    pub fn new(aws: &'a Aws, document: &'a str) -> Self {
        let names = OnceCell::new();
        Self {
            aws,
            document,
            names,
        }
    }

    /// Their names; none if the document cannot be read, which is logged.
    pub async fn names(&self) -> &[String] {
        self.names.get_or_init(|| self.read()).await
    }

    async fn read(&self) -> Vec<String> {
        let name = self.document;
        match document::version(self.aws, name, None).await {
            Ok(Some(text)) => names(&text.content),
            Ok(None) => Vec::new(),
            Err(error) => {
                tracing::warn!("cannot read the steps of document {name}: {error}");
                Vec::new()
            }
        }
    }
}

/// The names in the text of a document.
fn names(content: &str) -> Vec<String> {
    let content: Value = serde_json::from_str(content).unwrap_or_default();
    let steps = content.get("mainSteps").and_then(Value::as_array);
    let name = |step: &Value| step.get("name")?.as_str().map(str::to_owned);
    steps.into_iter().flatten().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_of_steps() {
        let table: [(&str, &[&str]); 4] = [
            (
                r#"{"mainSteps":[{"name":"a","action":"x"},{"name":"b"}]}"#,
                &["a", "b"],
            ),
            (r#"{"mainSteps":[{"action":"x"}, 1]}"#, &[]),
            (r#"{"runtimeConfig":{}}"#, &[]),
            ("no JSON", &[]),
        ];
        for (content, wanted) in table {
            assert_eq!(names(content), wanted, "{content}");
        }
    }
}
