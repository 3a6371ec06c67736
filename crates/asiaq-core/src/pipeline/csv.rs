//! The pipeline CSV: reading with all problems reported at once, and printing (spec 10, section 6;
//! spec 40, section 4.1).
//!
//! What a row asks for is carried out elsewhere. Rules that hold for one command only are methods that
//! this command calls: spindown must accept files that spinup refuses.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use ::csv::{ByteRecord, ReaderBuilder, WriterBuilder};

use super::sizes::whole_number;
use super::{Reserve, Sizes};
use crate::config::diagnostic::{ConfigError, ConfigErrors, Location, Problems};
use crate::config::truth::is_truthy;
use crate::network::GrammarError;

/// The columns that are understood, in the order in which they are printed.
pub(crate) const COLUMNS: [&str; 17] = [
    "sequence",
    "hostclass",
    "ami",
    "min_size",
    "desired_size",
    "max_size",
    "instance_type",
    "extra_space",
    "extra_disk",
    "iops",
    "smoke_test",
    "termination_policies",
    "chaos",
    "spotinst",
    "spotinst_reserve",
    "deployable",
    "integration_test",
];

/// The column of which a blank cell is not the same as none.
const RESERVE: &str = "spotinst_reserve";

/// A pipeline file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// The path as it was given, for messages.
    pub file: String,
    /// The rows, in file order.
    pub rows: Vec<Row>,
}

/// One row of a pipeline. Blank cells are absent, but for the reserve; other texts are kept untrimmed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// Line number of the row in the file, counted from 1.
    pub line: usize,
    /// Boot order, as written. [`Pipeline::sequences`] understands it.
    pub sequence: Option<String>,
    /// Hostclass. Spinup replaces it by the hostclass of the AMI.
    pub hostclass: Option<String>,
    /// AMI id.
    pub ami: Option<String>,
    /// Minimum size of the group.
    pub min_size: Option<Sizes>,
    /// Desired size of the group.
    pub desired_size: Option<Sizes>,
    /// Maximum size of the group.
    pub max_size: Option<Sizes>,
    /// Instance type, or several separated by `:` (Spotinst).
    pub instance_type: Option<String>,
    /// Additional space on the root volume in GB; never 0.
    pub extra_space: Option<u32>,
    /// Size of an additional volume in GB; never 0.
    pub extra_disk: Option<u32>,
    /// Provisioned IOPS of the additional volume; never 0.
    pub iops: Option<u32>,
    /// Whether to smoke test the hosts.
    pub smoke_test: bool,
    /// Termination policies; empty for the default.
    pub termination_policies: Vec<String>,
    /// Whether chaos may terminate the hosts; absent for the hostclass option.
    pub chaos: Option<bool>,
    /// Whether the group is an Elastigroup; absent for the hostclass option.
    pub spotinst: Option<bool>,
    /// On-demand instances of an Elastigroup: `N` or `N%`, see [`Reserve`]. Empty if the row has the cell and
    /// it is blank: an update then resets the reserve; absent without the column, or if the row ends before
    /// it: an update then leaves it alone.
    pub spotinst_reserve: Option<String>,
    /// Whether deployment may update the hostclass.
    pub deployable: bool,
    /// Name of the integration test of the hostclass.
    pub integration_test: Option<String>,
}

impl Row {
    /// The first instance type of the list, without blanks around it.
    pub fn first_instance_type(&self) -> Option<&str> {
        self.instance_type
            .as_deref()?
            .split(':')
            .map(str::trim)
            .find(|kind| !kind.is_empty())
    }

    /// Checks that the row says what to start: a hostclass or an AMI. For spinup.
    pub fn check_identity(&self, file: &str) -> Result<(), ConfigError> {
        if self.hostclass.is_some() || self.ami.is_some() {
            return Ok(());
        }
        Err(
            ConfigError::new("the row has neither a hostclass nor an ami")
                .at(self.location(file, "hostclass")),
        )
    }

    fn location(&self, file: &str, column: &str) -> Location {
        Location {
            key: Some(column.to_owned()),
            ..Location::line(file, self.line)
        }
    }

    /// The cells of the row in the order of [`COLUMNS`].
    fn cells(&self) -> [String; COLUMNS.len()] {
        fn show(value: Option<&impl ToString>) -> String {
            value.map(ToString::to_string).unwrap_or_default()
        }
        fn word(value: Option<bool>) -> String {
            value
                .map(|yes| if yes { "yes" } else { "no" })
                .unwrap_or_default()
                .to_owned()
        }
        [
            show(self.sequence.as_ref()),
            show(self.hostclass.as_ref()),
            show(self.ami.as_ref()),
            show(self.min_size.as_ref()),
            show(self.desired_size.as_ref()),
            show(self.max_size.as_ref()),
            show(self.instance_type.as_ref()),
            show(self.extra_space.as_ref()),
            show(self.extra_disk.as_ref()),
            show(self.iops.as_ref()),
            word(self.smoke_test.then_some(true)),
            self.termination_policies.join(" "),
            word(self.chaos),
            word(self.spotinst),
            show(self.spotinst_reserve.as_ref()),
            word(self.deployable.then_some(true)),
            show(self.integration_test.as_ref()),
        ]
    }
}

impl Pipeline {
    /// Reads the file at `path`, which is taken as given.
    pub fn read(path: &Path) -> Result<Pipeline, ConfigErrors> {
        let file = path.display().to_string();
        match std::fs::read(path) {
            Ok(text) => Pipeline::parse(&file, &text),
            Err(error) => {
                let problem = format!("cannot read the pipeline: {error}");
                let hint = "give --pipeline a CSV file, relative to the working directory";
                Err(ConfigError::new(problem)
                    .at(Location::file(file))
                    .with_hint(hint)
                    .into())
            }
        }
    }

    /// Parses the text of a pipeline; `file` is for messages. Everything that is wrong in any row is
    /// reported, except what only matters to some commands.
    pub fn parse(file: &str, text: &[u8]) -> Result<Pipeline, ConfigErrors> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let line_ends: Vec<usize> = text
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .map(|(at, _)| at)
            .collect();
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(text);
        let unreadable =
            |error: ::csv::Error| ConfigError::new(error.to_string()).at(Location::file(file));

        let headers: Vec<String> = reader
            .byte_headers()
            .map_err(unreadable)?
            .iter()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        if !headers.iter().any(|name| name == "hostclass") {
            let found = headers.join(", ");
            let problem = format!(
                "Pipeline file {file} is missing required header hostclass (found: [{found}])"
            );
            return Err(ConfigError::new(problem).into());
        }
        // Of a repeated name the last column counts.
        let columns: HashMap<&str, usize> = headers
            .iter()
            .enumerate()
            .map(|(index, name)| (name.as_str(), index))
            .collect();

        let mut problems = Problems::default();
        let mut rows = Vec::new();
        for record in reader.byte_records() {
            let record = record.map_err(unreadable)?;
            let line = line_of(text, &line_ends, &record);
            rows.push(
                Cells {
                    file,
                    line,
                    record: &record,
                    columns: &columns,
                    problems: &mut problems,
                }
                .row(),
            );
        }
        problems.finish(Some(Pipeline {
            file: file.to_owned(),
            rows,
        }))
    }

    /// The rows by their sequence number, ascending; rows of one number in file order. For spinup.
    ///
    /// Errors: every row without a sequence or with one that is not an integer.
    pub fn sequences(&self) -> Result<Vec<(i64, Vec<&Row>)>, ConfigErrors> {
        let mut problems = Problems::default();
        let mut sequences: BTreeMap<i64, Vec<&Row>> = BTreeMap::new();
        for row in &self.rows {
            let number = match row.sequence.as_deref() {
                None => Err("the row has no sequence number".to_owned()),
                Some(text) => text
                    .trim()
                    .parse()
                    .map_err(|_| format!("`{text}` is not a sequence number: use an integer")),
            };
            let number = number.map_err(|problem| {
                ConfigError::new(problem).at(row.location(&self.file, "sequence"))
            });
            if let Some(number) = problems.keep(number) {
                sequences.entry(number).or_default().push(row);
            }
        }
        problems.finish(Some(sequences.into_iter().collect()))
    }

    /// The hostclass of every row. For spindown, where a missing one must never mean all of them.
    ///
    /// Errors: every row without a hostclass.
    pub fn require_hostclasses(&self) -> Result<Vec<&str>, ConfigErrors> {
        let mut problems = Problems::default();
        let mut hostclasses = Vec::new();
        for row in &self.rows {
            let hostclass = row.hostclass.as_deref().ok_or_else(|| {
                ConfigError::new("the row has no hostclass")
                    .at(row.location(&self.file, "hostclass"))
            });
            hostclasses.extend(problems.keep(hostclass));
        }
        problems.finish(Some(hostclasses))
    }

    /// The pipeline as CSV with all known columns, but without the reserve if no row has one. If only some
    /// rows have one it is the last column, and the other rows end before it. Parsing the text yields the same
    /// rows but for their lines.
    pub fn to_csv(&self) -> String {
        let given = |row: &Row| row.spotinst_reserve.is_some();
        let some = self.rows.iter().any(given);
        let in_place = some && self.rows.iter().all(given);
        let at_end = some && !in_place;
        let mut writer = WriterBuilder::new().flexible(true).from_writer(Vec::new());
        let header = std::iter::once((COLUMNS.map(str::to_owned), true));
        let rows = self.rows.iter().map(|row| (row.cells(), given(row)));
        for (record, given) in header.chain(rows) {
            let cells = || record.iter().zip(COLUMNS);
            let last = cells().filter(|(_, column)| at_end && given && *column == RESERVE);
            let shown = cells().filter(|(_, column)| in_place || *column != RESERVE);
            // Writing to memory does not fail.
            let _ = writer.write_record(shown.chain(last).map(|(cell, _)| cell));
        }
        // All cells are text, so the bytes are UTF-8.
        writer
            .into_inner()
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .unwrap_or_default()
    }
}

/// The line on which a record starts. The reader's own count stops before the empty lines it skips.
fn line_of(text: &[u8], line_ends: &[usize], record: &ByteRecord) -> usize {
    let before = record.position().map_or(0, |position| {
        usize::try_from(position.byte()).unwrap_or(usize::MAX)
    });
    let rest = text.get(before..).unwrap_or_default();
    let skipped = rest
        .iter()
        .take_while(|byte| matches!(byte, b'\n' | b'\r'))
        .count();
    line_ends.partition_point(|end| *end < before + skipped) + 1
}

/// The cells of one row and where to report what is wrong with them.
struct Cells<'a> {
    file: &'a str,
    line: usize,
    record: &'a ByteRecord,
    columns: &'a HashMap<&'a str, usize>,
    problems: &'a mut Problems,
}

impl Cells<'_> {
    fn row(&mut self) -> Row {
        Row {
            line: self.line,
            sequence: self.text("sequence"),
            hostclass: self.text("hostclass"),
            ami: self.text("ami"),
            min_size: self.read("min_size", Sizes::parse),
            desired_size: self.read("desired_size", Sizes::parse),
            max_size: self.read("max_size", Sizes::parse),
            instance_type: self.text("instance_type"),
            extra_space: self.read("extra_space", positive),
            extra_disk: self.read("extra_disk", positive),
            iops: self.read("iops", positive),
            smoke_test: self.truth("smoke_test").unwrap_or(false),
            termination_policies: self
                .text("termination_policies")
                .map(|list| list.split_whitespace().map(str::to_owned).collect())
                .unwrap_or_default(),
            chaos: self.truth("chaos"),
            spotinst: self.truth("spotinst"),
            spotinst_reserve: self.reserve(),
            deployable: self.truth("deployable").unwrap_or(false),
            integration_test: self.text("integration_test"),
        }
    }

    /// The text of a cell that is not blank.
    fn text(&mut self, column: &'static str) -> Option<String> {
        self.read(column, |text| Ok(Some(text.to_owned())))
    }

    /// Yes or no, if the cell is not blank.
    fn truth(&mut self, column: &'static str) -> Option<bool> {
        self.read(column, |text| Ok(Some(is_truthy(text))))
    }

    /// The reserve; empty if the cell is there but blank. A row that ends before it has none.
    fn reserve(&mut self) -> Option<String> {
        self.record.get(*self.columns.get(RESERVE)?)?;
        Some(self.read(RESERVE, reserve).unwrap_or_default())
    }

    /// What `parse` makes of a cell that is not blank; its problem is recorded.
    fn read<T>(
        &mut self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Result<Option<T>, GrammarError>,
    ) -> Option<T> {
        let cell = self.record.get(*self.columns.get(column)?)?;
        let result = match std::str::from_utf8(cell) {
            Ok(text) if text.trim().is_empty() => Ok(None),
            // Most often this is the rest of the file after a quote that nobody closed.
            Ok(text) if text.contains(['\n', '\r']) => Err(GrammarError(
                "the cell contains a line break: is a closing quote missing?".to_owned(),
            )),
            Ok(text) => parse(text),
            Err(_) => Err(GrammarError("the cell is not valid UTF-8".to_owned())),
        };
        let result = result.map_err(|GrammarError(problem)| {
            let location = Location {
                key: Some(column.to_owned()),
                ..Location::line(self.file, self.line)
            };
            ConfigError::new(problem).at(location)
        });
        self.problems.keep(result).flatten()
    }
}

/// A whole number, where 0 means none.
fn positive(text: &str) -> Result<Option<u32>, GrammarError> {
    match whole_number(text) {
        Some(number) => Ok(Some(number).filter(|number| *number > 0)),
        None => Err(GrammarError(format!(
            "`{text}` is not a whole number from 0 to {}",
            i32::MAX
        ))),
    }
}

/// Checks a reserve. The text is kept.
fn reserve(text: &str) -> Result<Option<String>, GrammarError> {
    text.parse::<Reserve>().map(|_| Some(text.to_owned()))
}

#[cfg(test)]
mod tests;
