//! Pipelines: the CSV as spinup reads it, the sizes against each other, and what the rows refer to.

use super::references::References;
use super::tree::{File, Tree, errors_of};
use super::values;
use crate::config::check::{Problems, Severity};
use crate::config::suggest::nearest;
use crate::config::{ConfigError, Location};
use crate::pipeline::{COLUMNS, Pipeline, Row};
use csv::ReaderBuilder;

const BOOLEANS: [&str; 4] = ["smoke_test", "chaos", "spotinst", "deployable"];
const POLICIES: [&str; 7] = [
    "Default",
    "OldestInstance",
    "NewestInstance",
    "OldestLaunchConfiguration",
    "OldestLaunchTemplate",
    "ClosestToNextInstanceHour",
    "AllocationStrategy",
];

/// Checks all pipelines.
pub(super) fn check(tree: &Tree, references: &References, problems: &mut Problems) {
    for file in tree.all_pipelines() {
        columns(file, problems);
        let pipeline = match Pipeline::parse(&file.path, &file.text) {
            Ok(pipeline) => pipeline,
            Err(errors) => {
                for error in errors.0 {
                    let nowhere = error.location.file.is_empty();
                    let place = Location::line(&file.path, 1);
                    problems.error(if nowhere { error.at(place) } else { error });
                }
                continue;
            }
        };
        for error in errors_of(pipeline.sequences()) {
            problems.error(error);
        }
        cells(file, &pipeline, problems);
        for row in &pipeline.rows {
            if let Err(error) = row.check_identity(&file.path) {
                problems.error(error);
            }
            let at = |column: &str| Location {
                key: Some(column.to_owned()),
                ..Location::line(&file.path, row.line)
            };
            hosts(tree, references, row, at, problems);
            sizes(row, at, problems);
        }
    }
}

/// Columns that resemble a known one. Others are the operators' own.
fn columns(file: &File, problems: &mut Problems) {
    let text = file
        .text
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&file.text);
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(text);
    let Ok(headers) = reader.byte_headers() else {
        return;
    };
    for name in headers.iter().map(String::from_utf8_lossy) {
        let known = COLUMNS.contains(&&*name);
        if let Some(meant) = nearest(&name, &COLUMNS).filter(|_| !known && name.len() > 2) {
            let error = ConfigError::new(format!("unknown column `{name}`"))
                .at(Location::line(&file.path, 1));
            problems.warning(error.with_hint(format!("did you mean `{meant}`?")));
        }
    }
}

/// Cells that are to be booleans.
fn cells(file: &File, pipeline: &Pipeline, problems: &mut Problems) {
    let text = file
        .text
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&file.text);
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(text);
    let Ok(headers) = reader.byte_headers().cloned() else {
        return;
    };
    for (record, row) in reader.byte_records().zip(&pipeline.rows) {
        let Ok(record) = record else {
            return;
        };
        for (name, cell) in headers.iter().zip(&record) {
            let (name, cell) = (String::from_utf8_lossy(name), String::from_utf8_lossy(cell));
            let Some(wrong) = values::boolean(&cell).filter(|_| BOOLEANS.contains(&&*name)) else {
                continue;
            };
            let place = Location {
                key: Some(name.into_owned()),
                ..Location::line(&file.path, row.line)
            };
            let mut error = ConfigError::new(wrong.problem).at(place);
            error.hint = wrong.hint.map(str::to_owned);
            problems.push(wrong.severity, error);
        }
    }
}

/// What kind of hosts a row asks for.
fn hosts(
    tree: &Tree,
    references: &References,
    row: &Row,
    at: impl Fn(&str) -> Location,
    problems: &mut Problems,
) {
    if let Some(hostclass) = &row.hostclass {
        if !hostclass.starts_with("mhc") {
            let error = ConfigError::new(format!(
                "`{hostclass}` is no hostclass: their names begin with mhc"
            ));
            problems.warning(error.at(at("hostclass")));
        } else if let Some(error) = references.hostclass(hostclass) {
            problems.warning(error.at(at("hostclass")));
        }
        if let (Some(_), Some(aws)) = (&row.integration_test, &tree.aws) {
            for key in ["test_hostclass", "test_command", "test_user"] {
                if matches!(aws.deploy_option(hostclass, key), Ok(None)) {
                    let error =
                        ConfigError::new(format!("the test cannot run: `{key}` is not set"));
                    let error = error.with_hint(format!(
                        "set it in `[{hostclass}]` or `[test]` of disco_aws.ini"
                    ));
                    problems.warning(error.at(at("integration_test")));
                }
            }
        }
    }
    if let Some(ami) = row.ami.as_deref().filter(|ami| !values::is_ami(ami.trim())) {
        problems.error(ConfigError::new(format!("`{ami}` is no id of an image")).at(at("ami")));
    }
    let types = row.instance_type.as_deref().unwrap_or_default();
    for kind in types
        .split(':')
        .map(str::trim)
        .filter(|kind| !kind.is_empty())
    {
        if let Some(wrong) = values::instance(kind) {
            let mut error = ConfigError::new(wrong.problem).at(at("instance_type"));
            error.hint = wrong.hint.map(str::to_owned);
            problems.push(wrong.severity, error);
        }
    }
    for policy in &row.termination_policies {
        if !POLICIES.contains(&policy.as_str()) && !policy.starts_with("arn:") {
            let error = ConfigError::new(format!("`{policy}` is no termination policy"));
            let error = super::references::with_meant(error, nearest(policy, &POLICIES));
            problems.push(Severity::Error, error.at(at("termination_policies")));
        }
    }
}

/// Sizes that cannot be together.
fn sizes(row: &Row, at: impl Fn(&str) -> Location, problems: &mut Problems) {
    let pairs = [
        ("min_size", &row.min_size, "max_size", &row.max_size),
        ("min_size", &row.min_size, "desired_size", &row.desired_size),
        ("desired_size", &row.desired_size, "max_size", &row.max_size),
    ];
    for (small, smaller, large, larger) in pairs {
        let (Some(smaller), Some(larger)) = (smaller, larger) else {
            continue;
        };
        let (least, most) = (smaller.smallest(), larger.largest());
        if least > most {
            let text = format!("{small} {least} is more than {large} {most}");
            problems.warning(ConfigError::new(text).at(at(small)));
            return;
        }
    }
}
