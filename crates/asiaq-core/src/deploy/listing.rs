//! Lists of images by kind, for `disco_deploy list` (spec 50, section 11).

use super::choose::{Dated, Kind, Selection, Stages, row};
use super::running;
use crate::aws::Aws;
use crate::config::DiscoAws;
use crate::environment;
use crate::error::Result;
use crate::pipeline::Pipeline;
use serde::Serialize;
use std::collections::BTreeSet;

/// Width of the hostclass column.
const WIDTH: usize = 40;

/// An image of a list. The serialised names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// AMI id.
    pub ami_id: String,
    /// Hostclass.
    pub hostclass: String,
    /// Integration test of the hostclass in the pipeline.
    pub integration_test: Option<String>,
    /// Name of the image.
    pub name: String,
    /// Its stage.
    pub stage: Option<String>,
    /// When it was created, as RFC 3339.
    pub created: String,
}

impl Listed {
    /// The line of `list`. Without a pipeline nothing is known about tests, and the last column is empty.
    pub fn line(&self, has_pipeline: bool) -> String {
        let none = if has_pipeline { "-" } else { "" };
        let test = self.integration_test.as_deref().unwrap_or(none);
        format!("{} {:<WIDTH$} {test}", self.ami_id, self.hostclass)
    }

    fn new(own: &Dated<'_>, pipeline: Option<&Pipeline>) -> Self {
        let hostclass = own.image.hostclass();
        let row = pipeline.and_then(|pipeline| row(pipeline, hostclass));
        Self {
            ami_id: own.image.id.clone(),
            hostclass: hostclass.to_owned(),
            integration_test: row.and_then(|row| row.integration_test.clone()),
            name: own.image.name.clone(),
            stage: own.image.stage().map(str::to_owned),
            created: own.created.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }
}

/// What to list.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Which images.
    pub kind: Kind,
    /// Among which.
    pub selection: &'a Selection,
    /// The pipeline, if one is given.
    pub pipeline: Option<&'a Pipeline>,
    /// Environment; it need not exist unless the kind is [`Kind::Updatable`].
    pub env: &'a str,
}

/// The images of a kind, ordered by hostclass.
///
/// # Errors
/// AWS cannot be read; the environment is needed and does not exist; `--ami` and `--hostclass` do not fit together.
pub async fn list(aws: &Aws, config: &DiscoAws, request: &Request<'_>) -> Result<Vec<Listed>> {
    let stages = Stages::new(&config.ami_stages()?);
    let (selection, pipeline) = (request.selection, request.pipeline);
    let running = async {
        match request.kind {
            Kind::Updatable => {
                let vpc = environment::find(aws, request.env).await?;
                running::running(aws, &vpc).await
            }
            _ => Ok(BTreeSet::new()),
        }
    };
    let images = running::images(aws, config, selection, pipeline);
    let (mut images, running) = tokio::try_join!(images, running)?;
    images.complete(aws, config, selection, &running).await?;
    let known = images.known(&stages, pipeline, &running);
    let found = known.list(request.kind, selection);
    Ok(found.iter().map(|own| Listed::new(own, pipeline)).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn the_layout_of_lines() {
        let own = |test: Option<&str>| Listed {
            ami_id: "ami-1".to_owned(),
            hostclass: "mhcapp".to_owned(),
            integration_test: test.map(str::to_owned),
            name: "mhcapp 1700000000".to_owned(),
            stage: None,
            created: String::new(),
        };
        let padded = "ami-1 mhcapp                                  ";
        assert_eq!(padded.len(), 6 + 40);
        let table = [
            (Some("smoke_all"), true, "smoke_all"),
            (Some("smoke_all"), false, "smoke_all"),
            (None, true, "-"),
            (None, false, ""),
        ];
        for (test, has_pipeline, last) in table {
            let line = own(test).line(has_pipeline);
            assert_eq!(line, format!("{padded} {last}"));
        }
    }
}
