//! A pipeline of one row from command line options, checked by the same rules as a file.

use super::Pipeline;
use crate::config::{ConfigError, ConfigErrors};

/// What messages call the "file".
const SOURCE: &str = "command line";

impl Pipeline {
    /// One row with sequence 1 and the given cells (column name, text); absent cells stay absent.
    pub fn of_one(cells: &[(&str, Option<String>)]) -> Result<Pipeline, ConfigErrors> {
        let given: Vec<(&str, &str)> = std::iter::once(("sequence", "1"))
            .chain(
                cells
                    .iter()
                    .filter_map(|(column, cell)| Some((*column, cell.as_deref()?))),
            )
            .collect();
        let needed = given.iter().any(|(column, _)| *column == "hostclass");
        let hostclass = if needed {
            None
        } else {
            Some(("hostclass", ""))
        };
        let given: Vec<(&str, &str)> = given.into_iter().chain(hostclass).collect();
        let mut writer = csv::Writer::from_writer(Vec::new());
        let written = writer
            .write_record(given.iter().map(|(column, _)| column))
            .and_then(|()| writer.write_record(given.iter().map(|(_, cell)| cell)));
        let text = written
            .map_err(|e| e.to_string())
            .and_then(|()| writer.into_inner().map_err(|e| e.to_string()));
        let text = text
            .map_err(|problem| ConfigError::new(format!("cannot read the options: {problem}")))?;
        Pipeline::parse(SOURCE, &text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn options_become_cells() {
        let cells = [
            ("hostclass", Some("mhcweb".to_owned())),
            ("min_size", Some("1@0 20 * * *:3@0 6 * * *".to_owned())),
            ("ami", None),
        ];
        let pipeline = Pipeline::of_one(&cells).unwrap();
        let row = &pipeline.rows[0];
        assert_eq!(
            (row.hostclass.as_deref(), row.ami.as_deref()),
            (Some("mhcweb"), None)
        );
        assert_eq!(row.min_size.as_ref().unwrap().smallest(), 1);
        assert_eq!(pipeline.sequences().unwrap()[0].0, 1);
        assert_eq!(
            Pipeline::of_one(&[("ami", Some("ami-1".into()))])
                .unwrap()
                .rows[0]
                .ami
                .as_deref(),
            Some("ami-1")
        );
        let wrong = Pipeline::of_one(&[
            ("hostclass", Some("mhcweb".into())),
            ("max_size", Some("many".into())),
        ])
        .unwrap_err();
        assert!(
            wrong.to_string().starts_with("command line:2: max_size"),
            "{wrong}"
        );
    }
}
