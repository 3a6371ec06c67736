//! Checking the configuration of environments without AWS: everything that `disco_vpc_ui create` would refuse or warn
//! about, for all types and environments at once. Pure but for reading the files. What is wrong with one environment is
//! decided where it is read (`disco_vpc`); here is what needs several environments or files.

mod addresses;
mod environments;
mod peerings;
mod places;
#[cfg(test)]
mod tests;

use super::diagnostic::{ConfigError, ConfigErrors};
use super::disco_alarms::DiscoAlarms;
use super::disco_aws::DiscoAws;
use super::disco_rds::DiscoRds;
use super::disco_vpc::DiscoVpc;
use super::files::ConfigDir;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt;

/// The files that are looked at, in the order in which their problems are told.
const FILES: [&str; 4] = [
    "disco_vpc.ini",
    "disco_aws.ini",
    "disco_alarms.ini",
    "disco_rds.ini",
];

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A command would refuse this.
    Error,
    /// Probably not what was meant.
    Warning,
}

/// One problem. The field names are the JSON keys of `disco_vpc_ui check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Path of the file.
    pub file: String,
    /// Line, if known.
    pub line: Option<usize>,
    /// Section, if it is in one.
    pub section: Option<String>,
    /// Option, if it is about one.
    pub key: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub problem: String,
    /// What can be done about it.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    /// `file:line: [section] key: problem (hint)` in one line; a warning says so before the problem.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warning = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        let hint = self.hint.as_ref().map(|hint| format!(" ({hint})"));
        let text = ConfigError::new(format!(
            "{warning}{}{}",
            self.problem,
            hint.unwrap_or_default()
        ))
        .at(super::Location {
            file: self.file.clone(),
            line: self.line,
            section: self.section.clone(),
            key: self.key.clone(),
        });
        f.write_str(&text.to_string().replace(['\n', '\r'], " "))
    }
}

/// What was found, and what was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// All problems, by file and line, each once.
    pub problems: Vec<Problem>,
    /// What was checked, in one line.
    pub checked: String,
}

impl Report {
    /// True if a command would refuse this configuration.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|p| p.severity == Severity::Error)
    }
}

/// The configuration files, as far as they could be read.
#[derive(Debug, Clone)]
pub struct Files {
    vpc: Option<DiscoVpc>,
    aws: Option<DiscoAws>,
    alarms: Option<DiscoAlarms>,
    rds: Option<DiscoRds>,
    problems: Problems,
}

impl Files {
    /// Files that were read elsewhere; what is `None` is not looked at.
    pub(crate) fn of(
        vpc: Option<DiscoVpc>,
        aws: Option<DiscoAws>,
        alarms: Option<DiscoAlarms>,
        rds: Option<DiscoRds>,
    ) -> Self {
        Files {
            vpc,
            aws,
            alarms,
            rds,
            problems: Problems::default(),
        }
    }

    /// Reads the files of a configuration directory. What cannot be read is a problem of the report.
    pub fn load(dir: &ConfigDir) -> Self {
        let mut problems = Problems::default();
        let vpc = problems.read(FILES[0], DiscoVpc::load(dir), Severity::Error);
        let aws = problems.read(FILES[1], DiscoAws::load(dir), Severity::Warning);
        let alarms = problems.read(FILES[2], DiscoAlarms::load(dir), Severity::Error);
        let rds = problems.read(FILES[3], DiscoRds::load(dir), Severity::Error);
        Files {
            vpc,
            aws,
            alarms,
            rds,
            problems,
        }
    }
}

/// Which environment to check: name and type. `None` is everything.
pub type Only<'a> = Option<(&'a str, &'a str)>;

/// Checks the configuration.
pub fn check(files: &Files, only: Only<'_>) -> Report {
    let mut problems = files.problems.clone();
    if let Some(vpc) = &files.vpc {
        let views = environments::environments(vpc, only, &mut problems);
        peerings::peerings(vpc, &views, only, &mut problems);
        if let Some(aws) = &files.aws {
            addresses::addresses(aws, &views, only, &mut problems);
        }
        if let Some(rds) = &files.rds {
            environments::databases(vpc, rds, &views, only, &mut problems);
        }
    }
    if let Some(alarms) = &files.alarms {
        problems.errors(match only {
            Some((name, _)) => alarms.notifications(name).err(),
            None => alarms.all_notifications().err(),
        });
    }
    Report {
        problems: problems.sorted(),
        checked: checked(files, only),
    }
}

/// What was checked, for people.
fn checked(files: &Files, only: Only<'_>) -> String {
    let number = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let mut parts = Vec::new();
    if let Some(vpc) = &files.vpc {
        parts.push(match only {
            Some((name, env_type)) => format!("environment {name} of type {env_type}"),
            None => format!(
                "{} and {} of their own",
                number(vpc.types().len(), "environment type"),
                number(vpc.environments().count(), "environment")
            ),
        });
    }
    if let Some(aws) = &files.aws {
        parts.push(format!(
            "addresses of {}",
            number(aws.hostclasses().len(), "hostclass section")
        ));
    }
    let told = files.alarms.as_ref().map(|alarms| match only {
        Some((name, _)) => alarms.notifications(name),
        None => alarms.all_notifications(),
    });
    if let Some(Ok(told)) = told {
        parts.push(number(told.len(), "notification"));
    }
    format!("no problems: {}", parts.join(", "))
}

/// Collects problems.
#[derive(Debug, Clone, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// Adds a problem.
    pub(crate) fn push(&mut self, severity: Severity, error: ConfigError) {
        let location = *error.location;
        let problem = Problem {
            file: location.file,
            line: location.line,
            section: location.section,
            key: location.key,
            severity,
            problem: error.problem,
            hint: error.hint,
        };
        self.0.push(problem);
    }

    /// Adds what a command would refuse.
    pub(crate) fn error(&mut self, error: ConfigError) {
        self.push(Severity::Error, error);
    }

    /// Adds what is probably not meant.
    pub(crate) fn warning(&mut self, error: ConfigError) {
        self.push(Severity::Warning, error);
    }

    /// How many were added so far.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds what another check has found.
    pub(crate) fn extend(&mut self, problems: Vec<Problem>) {
        self.0.extend(problems);
    }

    /// Every problem once, in the order of their first mention; one that is both counts as an error.
    pub(crate) fn each_once(self) -> Vec<Problem> {
        let mut places = HashMap::new();
        let mut once: Vec<Problem> = Vec::new();
        for problem in self.0 {
            let place = (
                problem.file.clone(),
                problem.line,
                problem.section.clone(),
                problem.key.clone(),
                problem.problem.clone(),
            );
            let at = *places.entry(place).or_insert(once.len());
            match once.get_mut(at) {
                Some(known) if problem.severity < known.severity => *known = problem,
                Some(_) => {}
                None => once.push(problem),
            }
        }
        once
    }

    /// Adds all of these as errors.
    pub(crate) fn errors(&mut self, errors: Option<ConfigErrors>) {
        for error in errors.map(|errors| errors.0).unwrap_or_default() {
            self.push(Severity::Error, error);
        }
    }

    /// What was read, or `None` after its problems were recorded. A missing file is as bad as `missing` says.
    fn read<T>(
        &mut self,
        name: &str,
        result: Result<T, ConfigErrors>,
        missing: Severity,
    ) -> Option<T> {
        let ConfigErrors(errors) = match result {
            Ok(found) => return Some(found),
            Err(errors) => errors,
        };
        for error in errors {
            if error.location.file.is_empty() {
                self.push(missing, error.at(super::Location::file(name)));
            } else {
                self.push(Severity::Error, error);
            }
        }
        None
    }

    fn sorted(self) -> Vec<Problem> {
        let place = |file: &str| FILES.iter().position(|name| file.ends_with(name));
        let mut problems = self.each_once();
        problems.sort_by(|a, b| {
            let key = |p: &Problem| (place(&p.file), p.line, p.section.clone(), p.key.clone());
            key(a).cmp(&key(b)).then(a.severity.cmp(&b.severity))
        });
        problems
    }
}
