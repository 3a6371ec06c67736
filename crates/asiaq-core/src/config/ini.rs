//! The ini dialect of all configuration files and of the account records in S3 (spec 10, section 3).
//!
//! This is the model and its look-ups; `ini/parse.rs` holds the line rules, `ini/interpolate.rs` the
//! `%(name)s` replacement. Nothing here knows a particular option, opens files or prints. Values never show
//! in error texts or in `Debug`, because account records hold secrets.

mod interpolate;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;

use super::diagnostic::{ConfigError, ConfigErrors, Location};

/// Name of the section whose options stand in for those missing in the others.
const DEFAULT_SECTION: &str = "DEFAULT";

/// A parsed ini file. Option names are lower-case, section names verbatim.
#[derive(Clone)]
pub struct Ini {
    file: String,
    defaults: Section,
    sections: Vec<Section>,
    /// Where each section stands in `sections`.
    index: HashMap<String, usize>,
}

/// A value after interpolation, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The value; lines of a multi-line value are joined with `\n`.
    pub value: String,
    /// Where the option was found: its section is `DEFAULT` if it came from there.
    pub location: Location,
}

#[derive(Clone)]
struct Section {
    name: String,
    line: Option<usize>,
    entries: Vec<Entry>,
    /// Where each option stands in `entries`.
    index: HashMap<String, usize>,
}

#[derive(Clone)]
struct Entry {
    key: String,
    value: String,
    line: Option<usize>,
}

impl Section {
    fn new(name: &str, line: Option<usize>) -> Self {
        Section {
            name: name.to_owned(),
            line,
            entries: Vec::new(),
            index: HashMap::new(),
        }
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.get(*self.index.get(key)?)
    }

    /// Sets an option; one that exists keeps its position.
    fn put(&mut self, entry: Entry) {
        let known = self.index.get(&entry.key).copied();
        match known.and_then(|at| self.entries.get_mut(at)) {
            Some(old) => *old = entry,
            None => {
                self.index.insert(entry.key.clone(), self.entries.len());
                self.entries.push(entry);
            }
        }
    }
}

impl Ini {
    /// Parses the bytes of a file by the rules of sections 3.1 and 3.2. `file` is only for messages.
    ///
    /// # Errors
    /// All lines with wrong syntax or invalid UTF-8, with their line numbers.
    pub fn parse(file: &str, text: &[u8]) -> Result<Ini, ConfigErrors> {
        parse::parse(file, text)
    }

    /// A file without any section.
    pub fn empty(file: &str) -> Ini {
        Ini {
            file: file.to_owned(),
            defaults: Section::new(DEFAULT_SECTION, None),
            sections: Vec::new(),
            index: HashMap::new(),
        }
    }

    /// The name that was given to [`Ini::parse`].
    pub fn file(&self) -> &str {
        &self.file
    }

    /// All section names in first-seen order, without `DEFAULT`.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|section| section.name.as_str())
    }

    /// True if the file has this section. `DEFAULT` does not count.
    pub fn has_section(&self, section: &str) -> bool {
        self.index.contains_key(section)
    }

    /// The options that stand in this section itself, in file order, without those of `[DEFAULT]`.
    pub fn options(&self, section: &str) -> impl Iterator<Item = &str> {
        self.section(section)
            .into_iter()
            .flat_map(|section| &section.entries)
            .map(|entry| entry.key.as_str())
    }

    /// True if the section exists and has the option, itself or through `[DEFAULT]`. The empty section name
    /// means `[DEFAULT]` alone.
    pub fn has_option(&self, section: &str, option: &str) -> bool {
        self.entry(section, &option.to_ascii_lowercase()).is_some()
    }

    /// The value of an option: of the section, else of `[DEFAULT]`. An unknown section gives `None`, even if
    /// `[DEFAULT]` has the option.
    ///
    /// # Errors
    /// Interpolation that fails (section 3.4).
    pub fn find(&self, section: &str, option: &str) -> Result<Option<Found>, ConfigError> {
        match self.entry(section, &option.to_ascii_lowercase()) {
            Some((holder, entry)) => self.found(section, holder, entry).map(Some),
            None => Ok(None),
        }
    }

    /// Like [`Ini::find`] for an option that must exist.
    ///
    /// # Errors
    /// `No section: 's'`, `No option 'o' in section: 's'`, or interpolation that fails.
    pub fn get(&self, section: &str, option: &str) -> Result<Found, ConfigError> {
        if let Some(found) = self.find(section, option)? {
            return Ok(found);
        }
        if self.section(section).is_none() {
            return Err(self.no_section(section));
        }
        let key = option.to_ascii_lowercase();
        let problem = format!("No option '{key}' in section: '{section}'");
        Err(ConfigError::new(problem).at(self.location(section, Some(option))))
    }

    /// All options of a section: those of `[DEFAULT]` first, overridden in place by the section's own, then
    /// the section's remaining ones.
    ///
    /// # Errors
    /// `No section: 's'`, or interpolation that fails for any of them.
    pub fn items(&self, section: &str) -> Result<Vec<(String, Found)>, ConfigError> {
        let own = self
            .section(section)
            .ok_or_else(|| self.no_section(section))?;
        let inherited = self
            .defaults
            .entries
            .iter()
            .map(|entry| match own.entry(&entry.key) {
                Some(over) => (own, over),
                None => (&self.defaults, entry),
            });
        let rest = own
            .entries
            .iter()
            .filter(|entry| self.defaults.entry(&entry.key).is_none())
            .map(|entry| (own, entry));
        inherited
            .chain(rest)
            .map(|(holder, entry)| Ok((entry.key.clone(), self.found(section, holder, entry)?)))
            .collect()
    }

    /// The value of an option that stands in this section itself, without interpolation.
    pub fn raw(&self, section: &str, option: &str) -> Option<&str> {
        let entry = self.section(section)?.entry(&option.to_ascii_lowercase())?;
        Some(&entry.value)
    }

    /// Where an option stands; for one that is missing, where its section starts, as far as known.
    pub fn location(&self, section: &str, option: Option<&str>) -> Location {
        let key = option.map(str::to_ascii_lowercase);
        if let Some((holder, entry)) = key.as_deref().and_then(|key| self.entry(section, key)) {
            return self.entry_location(holder, entry);
        }
        Location {
            file: self.file.clone(),
            line: self.section(section).and_then(|known| known.line),
            section: Some(section.to_owned()),
            key,
        }
    }

    /// Sets an option, creating its section if needed; an option that exists keeps its position.
    ///
    /// The option name is lower-cased and must be a valid one (section 3.1, rule 6). What the dialect cannot
    /// express (blank lines inside the value, blanks around it, ` ;` in its first line) is lost when written.
    pub fn set(&mut self, section: &str, option: &str, value: &str) {
        let entry = Entry {
            key: option.to_ascii_lowercase(),
            value: value.to_owned(),
            line: None,
        };
        self.open(section, None).put(entry);
    }

    /// The file as text (section 3.5): `[DEFAULT]` first if it has options, comments are gone.
    ///
    /// An option called `rem` is written `rem= value`: with the usual blank it would read back as a comment.
    pub fn to_text(&self) -> String {
        let defaults = Some(&self.defaults).filter(|section| !section.entries.is_empty());
        let mut text = String::new();
        for section in defaults.into_iter().chain(&self.sections) {
            text.push_str(&format!("[{}]\n", section.name));
            for Entry { key, value, .. } in &section.entries {
                let blank = if key == "rem" { "" } else { " " };
                text.push_str(&format!("{key}{blank}= {}\n", value.replace('\n', "\n\t")));
            }
            text.push('\n');
        }
        text
    }

    /// The section, or the defaults for `DEFAULT` and the empty name.
    fn section(&self, name: &str) -> Option<&Section> {
        if name.is_empty() || name == DEFAULT_SECTION {
            return Some(&self.defaults);
        }
        self.sections.get(*self.index.get(name)?)
    }

    /// The section, created at the end if there is none.
    fn open(&mut self, name: &str, line: Option<usize>) -> &mut Section {
        if name.is_empty() || name == DEFAULT_SECTION {
            self.defaults.line = self.defaults.line.or(line);
            return &mut self.defaults;
        }
        let index = match self.index.get(name) {
            Some(index) => *index,
            None => {
                self.index.insert(name.to_owned(), self.sections.len());
                self.sections.push(Section::new(name, line));
                self.sections.len() - 1
            }
        };
        // The index was just found, or is that of the section just pushed.
        &mut self.sections[index]
    }

    /// The entry for a lower-case option, and the section it stands in.
    fn entry(&self, section: &str, key: &str) -> Option<(&Section, &Entry)> {
        let own = self.section(section)?;
        [own, &self.defaults]
            .into_iter()
            .find_map(|holder| holder.entry(key).map(|entry| (holder, entry)))
    }

    fn found(&self, section: &str, holder: &Section, entry: &Entry) -> Result<Found, ConfigError> {
        let location = self.entry_location(holder, entry);
        let known = |key: &str| match self.entry(section, key) {
            Some((_, entry)) => Some(entry.value.as_str()),
            None if key == "__name__" => Some(section),
            None => None,
        };
        match interpolate::interpolate(&entry.value, known) {
            Ok(value) => Ok(Found { value, location }),
            Err(problem) => Err(ConfigError::new(problem)
                .at(location)
                .with_hint("write `%%` for a plain per cent sign in a value that uses `%(name)s`")),
        }
    }

    fn entry_location(&self, holder: &Section, entry: &Entry) -> Location {
        Location {
            file: self.file.clone(),
            line: entry.line,
            section: Some(holder.name.clone()),
            key: Some(entry.key.clone()),
        }
    }

    fn no_section(&self, section: &str) -> ConfigError {
        ConfigError::new(format!("No section: '{section}'")).at(Location::file(&self.file))
    }
}

impl fmt::Debug for Ini {
    /// Shows the file and its section names. Values stay out: they may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.sections().collect();
        f.debug_struct("Ini")
            .field("file", &self.file)
            .field("sections", &names)
            .finish_non_exhaustive()
    }
}
