//! One section of an ini file against the table of its options: names, and values by themselves.

use super::keys::Key;
use super::references::{References, unknown, with_meant};
use super::values::{is_remark, wrong};
use crate::config::check::Problems;
use crate::config::suggest::nearest;
use crate::config::{ConfigError, Ini};

/// What may stand after `@`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// Nothing: there are no such forms.
    Nothing,
    /// An environment.
    Environment,
    /// An account.
    Account,
}

/// Which unknown names are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// All.
    All,
    /// Those that resemble a known name: others are the operators' own.
    Near,
    /// The same, also for `default_` forms and for hostclass options that lack it.
    Main,
    /// Short ones that resemble a known name: the reader of hostclasses tells of the others.
    Short,
}

/// Shorter names of hostclass options are not compared by the reader of hostclasses.
const SHORT: usize = 5;
/// The section whose options stand in for those missing in the others.
pub(super) const DEFAULTS: &str = "DEFAULT";
/// What the forms for all hostclasses begin with.
const DEFAULT: &str = "default_";

/// How a section is to be read.
pub(super) struct Rules {
    /// The options.
    pub(super) keys: Vec<Key>,
    /// Options that are known with `default_` before their name.
    pub(super) defaults: &'static [Key],
    pub(super) at: At,
    pub(super) unknown: Unknown,
    /// Whether a value that begins with `#` counts as not set.
    pub(super) remarks: bool,
}

impl Rules {
    /// A section with these options and no special forms.
    pub(super) fn plain(keys: &[Key]) -> Self {
        Rules {
            keys: keys.to_vec(),
            defaults: &[],
            at: At::Nothing,
            unknown: Unknown::All,
            remarks: false,
        }
    }

    fn key(&self, name: &str) -> Option<&Key> {
        let own = self.keys.iter().find(|key| key.name == name);
        own.or_else(|| {
            let rest = name.strip_prefix(DEFAULT)?;
            self.defaults.iter().find(|key| key.name == rest)
        })
    }

    /// Whether forms of an option with `@` are looked up in this section.
    fn has_forms(&self, key: &Key) -> bool {
        self.at != At::Nothing && key.forms
    }

    /// The problem of an unknown option.
    fn stranger(&self, name: &str) -> Option<ConfigError> {
        let names: Vec<&str> = self.keys.iter().map(|key| key.name).collect();
        let error = ConfigError::new(format!("unknown option `{name}`"));
        if self.unknown == Unknown::Main {
            let of_hosts: Vec<&str> = self.defaults.iter().map(|key| key.name).collect();
            if let Some(rest) = name.strip_prefix(DEFAULT) {
                let meant = nearest(name, &names).map(str::to_owned);
                let short = rest.len() < SHORT;
                let of_host = || (!short).then(|| nearest(rest, &of_hosts)).flatten();
                let meant = meant.or_else(|| Some(format!("{DEFAULT}{}", of_host()?)))?;
                return Some(with_meant(error, Some(&meant)));
            }
            if of_hosts.contains(&name) {
                let meant = format!("{DEFAULT}{name}");
                return Some(with_meant(error, Some(&meant)));
            }
        }
        let meant = nearest(name, &names);
        match self.unknown {
            Unknown::Short if name.len() >= SHORT || meant.is_none() => None,
            Unknown::Near | Unknown::Main if meant.is_none() => None,
            _ => Some(with_meant(error, meant)),
        }
    }
}

/// Checks the options that stand in a section itself, and the values of those that it has from `[DEFAULT]`. Of the latter
/// unknown ones are not told: they may be for other sections, or parts of values.
pub(super) fn check(
    ini: &Ini,
    section: &str,
    rules: &Rules,
    references: &References,
    problems: &mut Problems,
) {
    for option in ini.options(section) {
        let place = ini.location(section, Some(option));
        let (name, at) = match option.split_once('@') {
            Some((name, at)) => (name, Some(at)),
            None => (option, None),
        };
        match rules.key(name) {
            Some(key) if at.is_some() && !rules.has_forms(key) => {
                let text = format!("unknown option: `{name}` has no `@` form here");
                problems.warning(ConfigError::new(text).at(place));
            }
            Some(key) => {
                if let Some(error) = at.and_then(|at| misspelt(rules.at, at, references)) {
                    problems.warning(error.at(place));
                }
                value(
                    ini,
                    (section, option),
                    key,
                    rules.remarks,
                    references,
                    problems,
                );
            }
            None => {
                if let Some(error) = rules.stranger(name) {
                    problems.warning(error.at(place));
                }
            }
        }
    }
    let inherited = ini.options(DEFAULTS);
    for option in inherited.filter(|option| ini.raw(section, option).is_none()) {
        let (name, is_form) = match option.split_once('@') {
            Some((name, _)) => (name, true),
            None => (option, false),
        };
        let key = rules.key(name);
        if let Some(key) = key.filter(|key| !is_form || rules.has_forms(key)) {
            value(
                ini,
                (section, option),
                key,
                rules.remarks,
                references,
                problems,
            );
        }
    }
}

/// Checks one value, wherever it stands. With `remarks`, one that starts with `#` is none.
fn value(
    ini: &Ini,
    (section, option): (&str, &str),
    key: &Key,
    remarks: bool,
    references: &References,
    problems: &mut Problems,
) {
    let place = ini.location(section, Some(option));
    let found = match ini.find(section, option) {
        Ok(found) => found.map(|found| found.value).unwrap_or_default(),
        Err(error) => {
            problems.error(error);
            return;
        }
    };
    if remarks && is_remark(&found) {
        return;
    }
    if found.trim().is_empty() {
        if key.required && !option.contains('@') {
            problems.error(ConfigError::new("the value is empty").at(place));
        }
        return;
    }
    if let Some(wrong) = wrong(key.kind, &found) {
        let mut error = ConfigError::new(wrong.problem).at(place.clone());
        error.hint = wrong.hint.map(str::to_owned);
        problems.push(wrong.severity, error);
    }
    for error in references.suspicious(key.kind, found.trim()) {
        problems.warning(error.at(place.clone()));
    }
}

/// A name after `@` that is nearly a known one. Others are left alone: environments may have any name.
fn misspelt(at: At, name: &str, references: &References) -> Option<ConfigError> {
    let (what, known) = match at {
        At::Nothing => return None,
        At::Environment => ("environment or type", references.environments.as_deref()?),
        At::Account => (
            "folder in iam/group_membership",
            references.accounts.as_deref()?,
        ),
    };
    let lower: Vec<String> = known.iter().map(|name| name.to_ascii_lowercase()).collect();
    // Short names are near to each other without being meant.
    let error = unknown(what, name, &lower)?;
    (name.len() > 3 && error.hint.is_some()).then_some(error)
}

/// Tells of required options that a section lacks. `has` looks wherever the option may stand.
pub(super) fn require(
    ini: &Ini,
    section: &str,
    keys: &[Key],
    has: impl Fn(&str) -> bool,
    problems: &mut Problems,
) {
    for key in keys.iter().filter(|key| key.required && !has(key.name)) {
        problems.error(missing(ini, section, key.name));
    }
}

/// The problem of an option that a section lacks.
pub(super) fn missing(ini: &Ini, section: &str, name: &str) -> ConfigError {
    let mut place = ini.location(section, None);
    place.key = Some(name.to_owned());
    ConfigError::new("this option is required").at(place)
}
