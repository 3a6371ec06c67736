//! Records of accounts: their keys, checks, and what differs between two of them. Pure.
//!
//! A record is a file of the ini dialect with a section `[user]` or `[group]`. Keys that mean nothing here, and hashes of
//! any scheme, survive an edit. Values that may be secrets show in no text for people.

use crate::config::{ConfigErrors, Ini, is_truthy};
use crate::error::{Error, Result};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use std::collections::BTreeMap;
use std::fmt;

/// Value of `ssh_key_0` in a new record, to be replaced in the editor.
pub(super) const PLACEHOLDER: &str = "Insert SSH key";
/// Options whose values people may see. All others could be secrets.
const SHOWN: [&str; 5] = ["id", "shell", "home", "groups", "active"];
/// Words for no; those for yes are the ones of the whole configuration.
const NO: [&str; 6] = ["false", "no", "n", "f", "nay", "0"];
/// Longest name that the user database takes.
const LONGEST_NAME: usize = 32;

/// What an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A person, or a program that logs in.
    User,
    /// A group of users.
    Group,
}

impl Kind {
    /// Name of the section of its records.
    pub fn section(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }

    /// What its keys begin with.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::User => "accounts/users/",
            Self::Group => "accounts/groups/",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.section())
    }
}

/// One record. `Debug` shows no values.
#[derive(Debug, Clone)]
pub struct Record {
    kind: Kind,
    ini: Ini,
}

impl Record {
    /// The record of a new user, for the editor.
    pub fn new_user(id: u32, hash: &SecretString) -> Self {
        let mut ini = Ini::empty("");
        let id = id.to_string();
        for (key, value) in [
            ("password", hash.expose_secret()),
            ("ssh_key_0", PLACEHOLDER),
            ("shell", "/bin/bash"),
            ("groups", "users,disco_operators"),
            ("active", "yes"),
            ("id", &id),
        ] {
            ini.set("user", key, value);
        }
        Self {
            kind: Kind::User,
            ini,
        }
    }

    /// The record of a new group.
    pub fn new_group(id: u32) -> Self {
        let mut ini = Ini::empty("");
        ini.set("group", "id", &id.to_string());
        Self {
            kind: Kind::Group,
            ini,
        }
    }

    /// Reads a record; `name` is for messages. Its id is not looked at.
    ///
    /// # Errors
    /// It is no file of the ini dialect, or has neither of the sections.
    pub fn parse(name: &str, content: &SecretSlice<u8>) -> Result<Self> {
        let ini = Ini::parse(&format!("record of {name}"), content.expose_secret())
            .map_err(without_hints)?;
        let kind = [Kind::User, Kind::Group]
            .into_iter()
            .find(|kind| ini.has_section(kind.section()))
            .ok_or_else(|| Error::refused("Unknown account type."))?;
        Ok(Self { kind, ini })
    }

    /// As [`Record::parse`], and checks that the record is of this kind and has an integer id.
    ///
    /// # Errors
    /// It is not, or has not.
    pub fn checked(kind: Kind, name: &str, content: &SecretSlice<u8>) -> Result<Self> {
        let record = Self::parse(name, content)?;
        if record.kind != kind {
            return Err(Error::refused(format!(
                "the record of {kind} {name} has no section `[{kind}]`"
            )));
        }
        record.id()?;
        Ok(record)
    }

    /// As [`Record::checked`], of what a person wrote: no option may stand twice in a section, as only the last would be stored.
    ///
    /// # Errors
    /// It is no such record, or an option stands twice.
    pub fn edited(kind: Kind, name: &str, content: &SecretSlice<u8>) -> Result<Self> {
        let record = Self::checked(kind, name, content)?;
        let twice: Vec<String> = twice(content.expose_secret())
            .iter()
            .map(|(first, second, key)| {
                let key = visible(key);
                format!("record of {name}: lines {first} and {second} both set `{key}`: only one would be stored")
            })
            .collect();
        if twice.is_empty() {
            return Ok(record);
        }
        Err(Error::refused(twice.join("\n")).with_hint("give one of them another name"))
    }

    /// What it describes.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its id.
    ///
    /// # Errors
    /// There is none, or it is no integer that a system takes.
    pub fn id(&self) -> Result<u32> {
        let section = self.kind.section();
        let found = self.ini.get(section, "id").map_err(plain)?;
        // The largest number stands for `no id` in system calls.
        match found.value.parse() {
            Ok(id) if id != u32::MAX => Ok(id),
            _ => Err(Error::refused(format!(
                "{}: `{}` is no id of a {section}",
                found.location,
                visible(&found.value)
            ))),
        }
    }

    /// Changes its id.
    pub(super) fn set_id(&mut self, id: u32) {
        self.ini.set(self.kind.section(), "id", &id.to_string());
    }

    /// Whether the user may log in: yes unless the record says otherwise.
    ///
    /// # Errors
    /// The value cannot be interpolated.
    pub fn active(&self) -> Result<bool> {
        Ok(self
            .value("active")?
            .is_none_or(|active| is_truthy(&active)))
    }

    /// Says whether the user may log in; false if the record says so already.
    pub fn set_active(&mut self, word: &str) -> bool {
        let section = self.kind.section();
        let says = match self.ini.find(section, "active") {
            Ok(found) => found.map(|found| is_truthy(&found.value)),
            Err(_) => None,
        };
        if says == Some(is_truthy(word)) {
            return false;
        }
        self.ini.set(section, "active", word);
        true
    }

    /// The crypt(3) hash.
    ///
    /// # Errors
    /// The value cannot be interpolated.
    pub fn password(&self) -> Result<Option<SecretString>> {
        Ok(self.value("password")?.map(SecretString::from))
    }

    /// Login shell.
    ///
    /// # Errors
    /// The value cannot be interpolated.
    pub fn shell(&self) -> Result<Option<String>> {
        self.value("shell")
    }

    /// Home directory.
    ///
    /// # Errors
    /// The value cannot be interpolated.
    pub fn home(&self) -> Result<Option<String>> {
        self.value("home")
    }

    /// Supplementary groups.
    ///
    /// # Errors
    /// The value cannot be interpolated.
    pub fn groups(&self) -> Result<Option<Vec<String>>> {
        let split = |list: String| {
            let names = list.split(',').map(str::trim);
            let names = names.filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        };
        Ok(self.value("groups")?.map(split))
    }

    /// Authorized keys in the order of the record, without the placeholder of new records.
    ///
    /// # Errors
    /// A value cannot be interpolated.
    pub fn ssh_keys(&self) -> Result<Vec<String>> {
        let mut keys: Vec<String> = Vec::new();
        let inherited = self.ini.options("DEFAULT");
        for option in inherited.chain(self.ini.options(self.kind.section())) {
            if !option.starts_with("ssh_key") {
                continue;
            }
            for line in self.value(option)?.unwrap_or_default().lines() {
                let line = line.trim();
                if !line.is_empty() && line != PLACEHOLDER && !keys.iter().any(|key| key == line) {
                    keys.push(line.to_owned());
                }
            }
        }
        Ok(keys)
    }

    /// The record as it is stored.
    pub fn content(&self) -> SecretSlice<u8> {
        self.ini.to_text().into_bytes().into()
    }

    /// What differs from an older record, a line per option: old and new value where people may see them.
    pub fn changes(&self, old: &Record) -> Vec<String> {
        let section = self.kind.section();
        let (before, after) = (old.raw(), self.raw());
        let place = |of: &str| {
            if of == section {
                String::new()
            } else {
                format!("[{of}] ")
            }
        };
        let find = |of: &[(String, String, String)], at: (&str, &str)| {
            let same = of
                .iter()
                .find(|(s, key, _)| (s.as_str(), key.as_str()) == at);
            same.map(|(_, _, value)| value.clone())
        };
        let mut lines = Vec::new();
        for (of, key, value) in &after {
            let shown = of == section && SHOWN.contains(&key.as_str());
            let name = visible(&format!("{}{key}", place(of)));
            let old = find(&before, (of, key));
            if old.as_ref() == Some(value) {
                continue;
            }
            let value = visible(value);
            match old.map(|old| visible(&old)) {
                Some(old) if shown => lines.push(format!("{name}: {old} -> {value}")),
                Some(_) => lines.push(format!("{name}: changed")),
                None if shown => lines.push(format!("{name}: added, {value}")),
                None => lines.push(format!("{name}: added")),
            }
        }
        for (of, key, _) in &before {
            if find(&after, (of, key)).is_none() {
                lines.push(format!(
                    "{}: removed",
                    visible(&format!("{}{key}", place(of)))
                ));
            }
        }
        lines
    }

    /// All options as they stand in the file.
    fn raw(&self) -> Vec<(String, String, String)> {
        let sections = std::iter::once("DEFAULT").chain(self.ini.sections());
        let options = |section| self.ini.options(section).map(move |key| (section, key));
        let value = |(section, key): (&str, &str)| {
            let value = self.ini.raw(section, key).unwrap_or_default();
            (section.to_owned(), key.to_owned(), value.to_owned())
        };
        sections.flat_map(options).map(value).collect()
    }

    fn value(&self, option: &str) -> Result<Option<String>> {
        let found = self.ini.find(self.kind.section(), option).map_err(plain)?;
        Ok(found.map(|found| found.value))
    }
}

/// What a word for yes or no means; `None` for every other word.
pub fn yes_or_no(word: &str) -> Option<bool> {
    match word {
        yes if is_truthy(yes) => Some(true),
        no if NO.iter().any(|known| no.eq_ignore_ascii_case(known)) => Some(false),
        _ => None,
    }
}

/// Whether the user database takes a name: letters, digits, `_`, `.`, `-`, perhaps `$` at the end; no digit, `-` or `.`
/// in front. So none of them is an option, a path, or a number that could be taken for an id.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<(), String> {
    let body = name.strip_suffix('$').unwrap_or(name);
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    if body.starts_with(first) && body.chars().all(inner) && name.len() <= LONGEST_NAME {
        Ok(())
    } else {
        Err(format!(
            "`{}` is no name of an account: up to {LONGEST_NAME} letters, digits, `_`, `.` and `-`, with a letter or `_` in front",
            name.escape_default()
        ))
    }
}

/// A text in which nothing moves the cursor or ends the line.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

/// Options that stand twice in a section of a file without errors: both line numbers, and the option.
fn twice(text: &[u8]) -> Vec<(usize, usize, String)> {
    let (mut section, mut lines) = (String::new(), BTreeMap::new());
    let mut twice = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        // The dialect itself says what a line is: an option alone is an error, unless the line before it is a header.
        if let Ok(header) = Ini::parse("", &[line, &b"\nx = x"[..]].concat()) {
            section = header.sections().next().unwrap_or("DEFAULT").to_owned();
            continue;
        }
        // An indented line goes on with the value above it, and is none of these.
        let Ok(one) = Ini::parse("", &[&b"[x]\n"[..], line].concat()) else {
            continue;
        };
        if let Some(key) = one.options("x").next()
            && let Some(first) = lines.insert((section.clone(), key.to_owned()), index + 1)
        {
            twice.push((first, index + 1, key.to_owned()));
        }
    }
    twice
}

/// Errors in records are not about configuration files, and their advice is.
fn without_hints(errors: ConfigErrors) -> Error {
    Error::refused(errors.to_string())
}

fn plain(error: crate::config::ConfigError) -> Error {
    Error::refused(error.to_string())
}

#[cfg(test)]
mod tests;
