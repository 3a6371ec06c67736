//! One pipeline, which pipelines a command means, and how the listing shows them. Pure.

use super::times::Zone;
use crate::aws::Tags;
use serde::Serialize;

/// State of a pipeline that was never activated.
const PENDING: &str = "PENDING";
/// State of a pipeline that is on its way out.
const DELETING: &str = "DELETING";

/// A pipeline as AWS describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pipeline {
    /// Its id, such as `df-0123456789`.
    pub id: String,
    /// Its name; several may have the same.
    pub name: String,
    /// Health, if AWS tells.
    pub health: Option<String>,
    /// State, such as `PENDING` or `SCHEDULED`.
    pub state: Option<String>,
    /// Time of its creation as AWS writes it.
    pub created: Option<String>,
    /// Time of its last run as AWS writes it.
    pub last_run: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Tags.
    pub tags: Tags,
}

impl Pipeline {
    /// It was never activated.
    pub fn is_pending(&self) -> bool {
        self.state.as_deref() == Some(PENDING)
    }

    /// It goes away.
    pub fn is_deleting(&self) -> bool {
        self.state.as_deref() == Some(DELETING)
    }
}

/// Which pipelines a command means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Exactly this name, if given.
    pub name: Option<String>,
    /// At least these tags.
    pub tags: Tags,
}

impl Selection {
    /// Whether a pipeline of this name can be one of them.
    pub fn allows_name(&self, name: &str) -> bool {
        self.name.as_deref().is_none_or(|wanted| wanted == name)
    }

    /// Whether this is one of them.
    pub fn takes(&self, pipeline: &Pipeline) -> bool {
        let has = |(key, value): (&String, &String)| pipeline.tags.get(key) == Some(value);
        self.allows_name(&pipeline.name) && self.tags.iter().all(has)
    }
}

/// Columns of the text listing beside id and name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Columns {
    /// Health.
    pub health: bool,
    /// State.
    pub state: bool,
    /// Creation date.
    pub create_date: bool,
    /// Last run.
    pub last_run: bool,
    /// Description.
    pub description: bool,
}

/// A row of the listing; the field names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Health.
    pub health: Option<String>,
    /// State.
    pub state: Option<String>,
    /// Creation date in the operator's zone.
    pub create_date: Option<String>,
    /// Last run in the operator's zone.
    pub last_run: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Tags.
    pub tags: Tags,
}

impl Listed {
    /// The row of a pipeline, with dates in this zone.
    pub fn new(pipeline: Pipeline, zone: Zone) -> Self {
        let date = |text: Option<String>| text.map(|text| zone.show(&text));
        Self {
            id: pipeline.id,
            name: pipeline.name,
            health: pipeline.health,
            state: pipeline.state,
            create_date: date(pipeline.created),
            last_run: date(pipeline.last_run),
            description: pipeline.description,
            tags: pipeline.tags,
        }
    }

    /// The row as text: id, name and the chosen columns, separated by tabs.
    pub fn line(&self, columns: Columns) -> String {
        let all = [
            (columns.health, &self.health, "N/A"),
            (columns.state, &self.state, "N/A"),
            (columns.create_date, &self.create_date, "N/A"),
            (columns.last_run, &self.last_run, "NEVER"),
            (columns.description, &self.description, ""),
        ];
        let chosen = all.iter().filter(|(is_chosen, _, _)| *is_chosen);
        let cells = chosen.map(|(_, value, none)| value.as_deref().unwrap_or(none));
        [self.id.as_str(), self.name.as_str()]
            .into_iter()
            .chain(cells)
            .map(one_cell)
            .collect::<Vec<_>>()
            .join("\t")
    }
}

/// Tabs and line breaks inside a value would look like those between values.
fn one_cell(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::config::{DiscoAws, Ini};

    fn pipeline(name: &str, tags: &[(&str, &str)]) -> Pipeline {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Pipeline {
            id: "df-1".into(),
            name: name.into(),
            tags: tags.iter().map(own).collect(),
            ..Pipeline::default()
        }
    }

    #[test]
    fn selection_by_name_and_tags() {
        let ci = [("environment", "ci"), ("template", "x")];
        let table = [
            (None, &[][..], true),
            (Some("a"), &[][..], true),
            (Some("A"), &[][..], false),
            (Some(""), &[][..], false),
            (None, &[("environment", "ci")][..], true),
            (None, &[("environment", "CI")][..], false),
            (None, &[("environment", "ci"), ("template", "x")][..], true),
            (
                None,
                &[("environment", "ci"), ("table_name", "x")][..],
                false,
            ),
            (Some("a"), &[("environment", "ci")][..], true),
            (Some("b"), &[("environment", "ci")][..], false),
        ];
        for (name, tags, taken) in table {
            let selection = Selection {
                name: name.map(String::from),
                tags: pipeline("", tags).tags,
            };
            assert_eq!(
                selection.takes(&pipeline("a", &ci)),
                taken,
                "{name:?} {tags:?}"
            );
        }
    }

    #[test]
    fn the_columns_come_in_the_order_of_the_specification() {
        let zone = Zone::of(&DiscoAws::from_ini(Ini::empty("x")), "ci").unwrap();
        let full = Pipeline {
            health: Some("HEALTHY".into()),
            state: Some("SCHEDULED".into()),
            created: Some("2016-03-02T12:00:00".into()),
            last_run: Some("yesterday".into()),
            description: Some("two\tlines\nof text".into()),
            ..pipeline("a b", &[])
        };
        let all = Columns {
            health: true,
            state: true,
            create_date: true,
            last_run: true,
            description: true,
        };
        let table = [
            (
                full.clone(),
                all,
                "df-1\ta b\tHEALTHY\tSCHEDULED\t2016-03-02T07:00:00-05:00\tyesterday\ttwo lines of text",
            ),
            (pipeline("a", &[]), all, "df-1\ta\tN/A\tN/A\tN/A\tNEVER\t"),
            (full.clone(), Columns::default(), "df-1\ta b"),
            (
                full,
                Columns {
                    state: true,
                    last_run: true,
                    ..Columns::default()
                },
                "df-1\ta b\tSCHEDULED\tyesterday",
            ),
        ];
        for (pipeline, columns, line) in table {
            assert_eq!(Listed::new(pipeline, zone).line(columns), line);
        }
    }

    #[test]
    fn states() {
        let state = |text: Option<&str>| Pipeline {
            state: text.map(String::from),
            ..Pipeline::default()
        };
        assert!(state(Some("PENDING")).is_pending() && !state(None).is_pending());
        assert!(state(Some("DELETING")).is_deleting() && !state(Some("SCHEDULED")).is_deleting());
    }
}
