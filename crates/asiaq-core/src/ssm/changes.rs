//! From what is wanted and what exists to a plan. Pure.
//!
//! A document is updated in place: a new version that becomes the default one, so that sharing and history survive. A run
//! that ended between the two leaves a newest version that is as wanted; then only the default is switched, unless that
//! version failed.

use super::desired::{Desired, Wanted, pretty};
use super::observed::{COMMAND, Existing, Held, Observed, Version};
use crate::config::{ConfigError, ConfigErrors, Location};
use crate::plan::{Plan, Sign};
use serde_json::Value;

/// One change of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentAction {
    /// Create it.
    Create {
        /// Name.
        name: String,
        /// Text.
        content: String,
    },
    /// Add a version and make it the default one.
    Update {
        /// Name.
        name: String,
        /// Text.
        content: String,
    },
    /// Make an existing version the default one.
    SetDefault {
        /// Name.
        name: String,
        /// Version.
        version: String,
        /// AWS is still making the version: wait for it first.
        pending: bool,
    },
    /// Wait until the default version, which is as wanted, is active.
    Wait {
        /// Name.
        name: String,
        /// Version.
        version: String,
    },
    /// Delete it.
    Delete {
        /// Name.
        name: String,
        /// Wait until it is gone even if nobody wants to wait: a new one of the name follows.
        replaced: bool,
    },
}

impl DocumentAction {
    /// Name of the document.
    fn name(&self) -> &str {
        match self {
            Self::Create { name, .. }
            | Self::Update { name, .. }
            | Self::SetDefault { name, .. }
            | Self::Wait { name, .. }
            | Self::Delete { name, .. } => name,
        }
    }
}

/// Names of documents by what happens to them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Documents to create.
    pub new: Vec<String>,
    /// Documents to delete.
    pub deleted: Vec<String>,
    /// Documents to update.
    pub updated: Vec<String>,
    /// Documents that are as their files say.
    pub unchanged: Vec<String>,
    /// Own documents of other types, which are left alone.
    pub foreign: Vec<String>,
}

impl Summary {
    /// For people: four lines, and one about documents of other types if there are any.
    pub fn lines(&self) -> Vec<String> {
        let names = |names: &[String]| match names {
            [] => "none".to_owned(),
            names => names.join(", "),
        };
        let mut lines = vec![
            format!("New documents: {}", names(&self.new)),
            format!("Documents to delete: {}", names(&self.deleted)),
            format!("Documents to update: {}", names(&self.updated)),
            format!("Unchanged documents: {}", names(&self.unchanged)),
        ];
        if !self.foreign.is_empty() {
            lines.push(format!(
                "Left alone, because they are no Command documents: {}",
                names(&self.foreign)
            ));
        }
        lines
    }
}

/// What to do, and a summary of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Update {
    /// The changes.
    pub plan: Plan<DocumentAction>,
    /// Names by kind of change.
    pub summary: Summary,
}

/// Compares. Formatting and the order of keys do not count.
///
/// # Errors
/// A file with the name of a document of another type.
pub(super) fn changes(desired: &Desired, observed: &Observed) -> Result<Update, ConfigErrors> {
    let clashes: Vec<ConfigError> = desired
        .iter()
        .filter_map(|(name, wanted)| clash(name, wanted, observed.get(name)?))
        .collect();
    if !clashes.is_empty() {
        return Err(ConfigErrors(clashes));
    }
    let mut update = Update::default();
    for (name, wanted) in desired {
        match observed
            .get(name)
            .and_then(|existing| existing.held.as_ref())
        {
            None => {
                update.summary.new.push(name.clone());
                create(&mut update.plan, name, wanted, &[]);
            }
            Some(held) => compare(&mut update, name, wanted, held),
        }
    }
    for (name, existing) in observed
        .iter()
        .filter(|(name, _)| !desired.contains_key(*name))
    {
        if existing.kind == COMMAND {
            update.summary.deleted.push(name.clone());
            delete(&mut update.plan, name, format!("document {name}"), false);
        } else {
            update.summary.foreign.push(name.clone());
        }
    }
    Ok(update)
}

fn clash(name: &str, wanted: &Wanted, existing: &Existing) -> Option<ConfigError> {
    (existing.kind != COMMAND).then(|| {
        let kind = &existing.kind;
        ConfigError::new(format!(
            "document `{name}` exists with type {kind}; files are for type {COMMAND}"
        ))
        .at(Location::file(&wanted.file))
        .with_hint("rename the file, or delete that document yourself")
    })
}

/// A document that exists and has a file. A version that failed is never made the default one.
fn compare(update: &mut Update, name: &str, wanted: &Wanted, held: &Held) {
    let (plan, default) = (&mut update.plan, &held.default);
    let is_wanted = |version: &Version| version.content.as_ref() == Some(&wanted.content);
    if is_useless(held) {
        update.summary.updated.push(name.to_owned());
        let line = format!("document {name} (status {})", default.status);
        let id = delete(plan, name, line, true);
        return create(plan, name, wanted, &[id]);
    }
    if is_wanted(default) && !default.has_failed() {
        update.summary.unchanged.push(name.to_owned());
        if default.is_pending() {
            let (number, status) = (&default.number, &default.status);
            let line = format!("document {name}: version {number} ({status}) -> active");
            let (name, version) = (name.to_owned(), number.clone());
            modify(plan, line, DocumentAction::Wait { name, version });
        }
        return;
    }
    update.summary.updated.push(name.to_owned());
    let old = &default.number;
    let latest = held.latest.as_ref().filter(|latest| is_wanted(latest));
    match latest.filter(|latest| !latest.has_failed()) {
        Some(latest) => {
            let version = latest.number.clone();
            let line = format!("document {name}: default version {old} -> {version}");
            let action = DocumentAction::SetDefault {
                name: name.to_owned(),
                version,
                pending: latest.is_pending(),
            };
            modify(plan, line, action);
        }
        None => {
            let failed = latest.or(Some(default).filter(|default| is_wanted(default)));
            let what = match failed {
                Some(failed) => format!("version {} of this content has failed", failed.number),
                None => differences(default.content.as_ref(), &wanted.content),
            };
            let line = format!("document {name}: version {old} -> new default version ({what})");
            let action = DocumentAction::Update {
                name: name.to_owned(),
                content: pretty(&wanted.content),
            };
            modify(plan, line, action);
        }
    }
}

/// Nothing of it can be used, so there is nothing to preserve: it is going, or the first version failed and is the only one.
fn is_useless(held: &Held) -> bool {
    let default = &held.default;
    let is_alone = held.latest.is_none() && default.number == "1";
    default.status == "Deleting" || (default.has_failed() && is_alone)
}

fn modify(plan: &mut Plan<DocumentAction>, line: String, action: DocumentAction) {
    let id = format!("document/{}", action.name());
    plan.push(id, [""; 0], Sign::Modify, line, action);
}

fn create(plan: &mut Plan<DocumentAction>, name: &str, wanted: &Wanted, needs: &[String]) {
    let action = DocumentAction::Create {
        name: name.to_owned(),
        content: pretty(&wanted.content),
    };
    let line = format!("document {name}");
    plan.push(format!("document/{name}"), needs, Sign::Add, line, action);
}

fn delete(plan: &mut Plan<DocumentAction>, name: &str, line: String, replaced: bool) -> String {
    let id = format!("document/{name}/gone");
    let name = name.to_owned();
    let action = DocumentAction::Delete { name, replaced };
    plan.push(&id, [""; 0], Sign::Remove, line, action);
    id
}

/// The top-level keys that differ: `+key`, `-key`, or `key` for another value.
fn differences(old: Option<&Value>, new: &Value) -> String {
    let (Some(old), Some(new)) = (old.and_then(Value::as_object), new.as_object()) else {
        return "another content".to_owned();
    };
    let removed = old
        .keys()
        .filter(|key| !new.contains_key(*key))
        .map(|key| format!("-{key}"));
    let others = new.iter().filter_map(|(key, value)| match old.get(key) {
        None => Some(format!("+{key}")),
        Some(before) => (before != value).then(|| key.clone()),
    });
    removed.chain(others).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
