//! Unit files: from text to a [`Unit`]. Pure.

use super::words;
use std::time::Duration;

/// How long a service may take to start or stop when its unit does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(90);
/// Pause before a restart when the unit does not say.
const DEFAULT_RESTART_PAUSE: Duration = Duration::from_millis(100);
/// Directives that mean nothing here, and are common enough to say nothing about them.
const SILENT: [&str; 6] = [
    "Description",
    "Documentation",
    "WantedBy",
    "Also",
    "Alias",
    "StandardOutput",
];

/// When a service counts as started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// When its commands have ended.
    #[default]
    Oneshot,
    /// As soon as its process runs.
    Exec,
    /// When its command has ended; a daemon stays.
    Forking,
}

/// When a process that ended is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Restart {
    /// Never.
    #[default]
    No,
    /// After a failure.
    OnFailure,
    /// Also after success.
    Always,
}

/// A command of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// Its words are found when it runs: they hold variables.
    pub line: String,
    /// Leading `-`: a failure does not matter.
    pub may_fail: bool,
}

/// `ConditionPathExists=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The path.
    pub path: String,
    /// Leading `!`: it must not exist.
    pub negated: bool,
}

/// A service unit, as far as this init knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit {
    /// With its suffix.
    pub name: String,
    /// For people.
    pub description: String,
    /// Starts after these.
    pub after: Vec<String>,
    /// Starts before these.
    pub before: Vec<String>,
    /// Started too.
    pub wants: Vec<String>,
    /// Started too; if one fails, so does this.
    pub requires: Vec<String>,
    /// All must hold, else it is skipped.
    pub conditions: Vec<Condition>,
    /// When it counts as started.
    pub kind: Kind,
    /// Commands before the service.
    pub start_pre: Vec<Exec>,
    /// The service.
    pub start: Vec<Exec>,
    /// Commands that stop it.
    pub stop: Vec<Exec>,
    /// Variables.
    pub environment: Vec<(String, String)>,
    /// Files with variables; a leading `-` allows one to be absent.
    pub environment_files: Vec<String>,
    /// Counts as active after its process has ended.
    pub remain_after_exit: bool,
    /// When to start it again.
    pub restart: Restart,
    /// Pause before that.
    pub restart_pause: Duration,
    /// Time to start; `None` = any.
    pub start_limit: Option<Duration>,
    /// Time to stop; `None` = any.
    pub stop_limit: Option<Duration>,
    /// Where a forking service writes its process id.
    pub pid_file: Option<String>,
    /// Account of the service.
    pub user: Option<String>,
    /// Where it starts.
    pub directory: Option<String>,
    /// `[Install] WantedBy=`.
    pub wanted_by: Vec<String>,
}

/// One `key=value` with its section.
#[derive(Debug, PartialEq, Eq)]
struct Entry<'a> {
    section: &'a str,
    key: String,
    value: String,
}

/// Reads a unit from the text of its file, followed by the texts of its drop-ins in order.
pub fn parse(name: &str, texts: &[String]) -> Unit {
    let mut unit = Unit {
        name: name.to_owned(),
        restart_pause: DEFAULT_RESTART_PAUSE,
        stop_limit: Some(DEFAULT_TIMEOUT),
        ..Unit::default()
    };
    let mut kind = None;
    let mut start_limit = None;
    for entry in texts.iter().flat_map(|text| entries(text)) {
        match (entry.section, entry.key.as_str()) {
            ("Service", "Type") => kind = Some(kind_of(&entry.value)),
            ("Service", "TimeoutStartSec" | "TimeoutSec") => {
                start_limit = Some(time_span(&entry.value));
                if entry.key == "TimeoutSec" {
                    unit.stop_limit = time_span(&entry.value);
                }
            }
            _ => unit.take(entry),
        }
    }
    // As systemd has it: nothing to start means oneshot, and oneshot may take its time.
    let implied = if unit.start.is_empty() {
        Kind::Oneshot
    } else {
        Kind::Exec
    };
    unit.kind = kind.unwrap_or(implied);
    unit.start_limit = start_limit.unwrap_or(match unit.kind {
        Kind::Oneshot => None,
        Kind::Exec | Kind::Forking => Some(DEFAULT_TIMEOUT),
    });
    unit
}

impl Unit {
    fn take(&mut self, entry: Entry) {
        let value = entry.value;
        match (entry.section, entry.key.as_str()) {
            ("Unit", "Description") => self.description = value,
            ("Unit", "After") => names(&mut self.after, &value),
            ("Unit", "Before") => names(&mut self.before, &value),
            ("Unit", "Wants") => names(&mut self.wants, &value),
            ("Unit", "Requires" | "BindsTo") => names(&mut self.requires, &value),
            ("Unit", "ConditionPathExists") => self.condition(&value),
            ("Install", "WantedBy" | "RequiredBy") => names(&mut self.wanted_by, &value),
            ("Service", key) => self.service(key, value),
            (_, key) => ignored(&self.name, key),
        }
    }

    fn service(&mut self, key: &str, value: String) {
        match key {
            "ExecStartPre" => command(&mut self.start_pre, &value),
            "ExecStart" => command(&mut self.start, &value),
            "ExecStop" => command(&mut self.stop, &value),
            "Environment" if value.is_empty() => self.environment.clear(),
            "Environment" => {
                let words = words::split(&words::specifiers(&value, &self.name));
                let pairs = words.iter().filter_map(|word| word.split_once('='));
                self.environment
                    .extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
            }
            "EnvironmentFile" if value.is_empty() => self.environment_files.clear(),
            "EnvironmentFile" => self.environment_files.push(value),
            "RemainAfterExit" => self.remain_after_exit = truth(&value),
            "Restart" => self.restart = restart_of(&value),
            "RestartSec" => {
                self.restart_pause = time_span(&value).unwrap_or(DEFAULT_RESTART_PAUSE);
            }
            "TimeoutStopSec" => self.stop_limit = time_span(&value),
            "PIDFile" => self.pid_file = Some(value).filter(|text| !text.is_empty()),
            "User" => self.user = Some(value).filter(|user| !user.is_empty() && user != "root"),
            "WorkingDirectory" => {
                self.directory = Some(value).filter(|text| text.starts_with('/'));
            }
            other => ignored(&self.name, other),
        }
    }

    fn condition(&mut self, value: &str) {
        if value.is_empty() {
            self.conditions.clear();
            return;
        }
        let value = value.trim_start_matches('|');
        let path = value.trim_start_matches('!');
        self.conditions.push(Condition {
            path: path.to_owned(),
            negated: path.len() != value.len(),
        });
    }
}

fn ignored(unit: &str, key: &str) {
    if !SILENT.contains(&key) {
        tracing::debug!("{unit}: `{key}` is not known here");
    }
}

/// Adds names; an empty value forgets those so far.
fn names(list: &mut Vec<String>, value: &str) {
    if value.is_empty() {
        list.clear();
    }
    list.extend(value.split_whitespace().map(str::to_owned));
}

fn command(list: &mut Vec<Exec>, value: &str) {
    let line = value.trim_start_matches(['-', '@', ':', '+', '!']);
    if line.is_empty() {
        list.clear();
        return;
    }
    let marks = value.get(..value.len() - line.len()).unwrap_or_default();
    list.push(Exec {
        line: line.to_owned(),
        may_fail: marks.contains('-'),
    });
}

fn kind_of(value: &str) -> Kind {
    match value {
        "oneshot" => Kind::Oneshot,
        "forking" => Kind::Forking,
        _ => Kind::Exec,
    }
}

fn restart_of(value: &str) -> Restart {
    match value {
        "always" => Restart::Always,
        "on-failure" | "on-abnormal" | "on-abort" => Restart::OnFailure,
        _ => Restart::No,
    }
}

fn truth(value: &str) -> bool {
    matches!(value.to_lowercase().as_str(), "yes" | "true" | "on" | "1")
}

/// `90`, `5s`, `1min 30s`, `500ms`; `None` for `infinity`, 0 and what cannot be read.
fn time_span(value: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let compact: String = value.split_whitespace().collect();
    let mut rest = compact.as_str();
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let letters = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let seconds = match unit {
            "" | "s" | "sec" | "second" | "seconds" => 1.0,
            "ms" | "msec" => 0.001,
            "m" | "min" | "minute" | "minutes" => 60.0,
            "h" | "hr" | "hour" | "hours" => 3600.0,
            _ => return None,
        };
        let number: f64 = number.parse().ok()?;
        total += Duration::try_from_secs_f64(number * seconds).ok()?;
        rest = tail;
    }
    (!total.is_zero()).then_some(total)
}

/// The lines of a unit file. A backslash at the end of a line joins it with the next; comments in between do not matter.
fn entries(text: &str) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut section = "";
    let mut open: Option<String> = None;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with(['#', ';']) || (line.is_empty() && open.is_none()) {
            continue;
        }
        let (part, more) = match line.strip_suffix('\\') {
            Some(part) => (part.trim_end(), true),
            None => (line, false),
        };
        let whole = match open.take() {
            Some(start) => format!("{start} {part}"),
            None => part.to_owned(),
        };
        if more {
            open = Some(whole);
            continue;
        }
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            section = name;
        } else if let Some((key, value)) = whole.split_once('=') {
            entries.push(Entry {
                section,
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
            });
        }
    }
    entries
}

#[cfg(test)]
mod tests;
