//! Changes and plans as data. Pure.

use std::collections::{HashMap, HashSet};
use std::fmt;

/// What a change does to the account, as the first character of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// Create, attach, add.
    Add,
    /// Replace, modify.
    Modify,
    /// Delete, detach, revoke.
    Remove,
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "+",
            Self::Modify => "~",
            Self::Remove => "-",
        })
    }
}

/// One change: what to do (`action`), what must be done before, and a line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<A> {
    /// Logical name, unique in the plan, such as `subnet/intranet/us-west-2a`.
    pub id: String,
    /// Logical names that must be done first. Names that are not in the plan are taken as already there.
    pub needs: Vec<String>,
    /// Kind of change.
    pub sign: Sign,
    /// What people read, one line per thing that changes, without the sign. Several things may go in one AWS call.
    pub lines: Vec<String>,
    /// What the capability does.
    pub action: A,
}

impl<A> Change<A> {
    /// The same change with another action, to hand it to the executor of another capability.
    pub fn with<B>(&self, action: B) -> Change<B> {
        Change {
            id: self.id.clone(),
            needs: self.needs.clone(),
            sign: self.sign,
            lines: self.lines.clone(),
            action,
        }
    }

    /// Every line with the sign in front.
    pub fn signed_lines(&self) -> Vec<String> {
        self.lines
            .iter()
            .map(|line| format!("{} {line}", self.sign))
            .collect()
    }
}

impl<A> fmt::Display for Change<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.lines.first().map_or(self.id.as_str(), String::as_str);
        write!(f, "{} {first}", self.sign)?;
        if self.lines.len() > 1 {
            write!(f, " (and {} more)", self.lines.len() - 1)
        } else {
            Ok(())
        }
    }
}

/// The lines of a change: one text, or several.
pub trait Lines {
    /// As a list.
    fn lines(self) -> Vec<String>;
}

impl Lines for String {
    fn lines(self) -> Vec<String> {
        vec![self]
    }
}

impl Lines for &str {
    fn lines(self) -> Vec<String> {
        vec![self.to_owned()]
    }
}

impl Lines for Vec<String> {
    fn lines(self) -> Vec<String> {
        self
    }
}

/// An ordered set of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan<A> {
    changes: Vec<Change<A>>,
}

impl<A> Default for Plan<A> {
    fn default() -> Self {
        Self {
            changes: Vec::new(),
        }
    }
}

impl<A> Plan<A> {
    /// Adds a change.
    pub fn push(
        &mut self,
        id: impl Into<String>,
        needs: impl IntoIterator<Item = impl Into<String>>,
        sign: Sign,
        lines: impl Lines,
        action: A,
    ) {
        let needs = needs.into_iter().map(Into::into).collect();
        self.changes.push(Change {
            id: id.into(),
            needs,
            sign,
            lines: lines.lines(),
            action,
        });
    }

    /// Adds all changes of another plan.
    pub fn extend(&mut self, other: Plan<A>) {
        self.changes.extend(other.changes);
    }

    /// Makes every other change wait for this one, so that nothing is made if it fails.
    pub fn begin_with(&mut self, id: &str) {
        for change in self.changes.iter_mut().filter(|change| change.id != id) {
            if !change.needs.iter().any(|need| need == id) {
                change.needs.push(id.to_owned());
            }
        }
    }

    /// The same plan with other actions, for a capability that includes another one's changes.
    pub fn map<B>(self, wrap: impl Fn(A) -> B) -> Plan<B> {
        let convert = |c: Change<A>| Change {
            id: c.id,
            needs: c.needs,
            sign: c.sign,
            lines: c.lines,
            action: wrap(c.action),
        };
        Plan {
            changes: self.changes.into_iter().map(convert).collect(),
        }
    }

    /// The same plan, made after other changes: each of its changes needs these as well.
    #[must_use]
    pub fn after(mut self, needs: &[String]) -> Self {
        for change in &mut self.changes {
            change.needs.extend(needs.iter().cloned());
        }
        self
    }

    /// Makes the change of this id, if it is there, wait for others as well.
    pub fn need(&mut self, id: &str, needs: &[String]) {
        for change in self.changes.iter_mut().filter(|change| change.id == id) {
            let new = needs.iter().filter(|need| *need != id);
            change.needs.extend(new.cloned());
        }
    }

    /// The changes for which `first` holds, and the others.
    #[must_use]
    pub fn partition(self, first: impl Fn(&Change<A>) -> bool) -> (Self, Self) {
        let (yes, no) = self.changes.into_iter().partition(first);
        (Self { changes: yes }, Self { changes: no })
    }

    /// The same plan with other ids, in its needs as well where they are its own.
    #[must_use]
    pub fn renamed(mut self, name: impl Fn(&str) -> String) -> Self {
        let old: HashSet<String> = self.ids().into_iter().collect();
        for change in &mut self.changes {
            change.id = name(&change.id);
            for need in change.needs.iter_mut().filter(|need| old.contains(*need)) {
                *need = name(need);
            }
        }
        self
    }

    /// Changes an action in place, of the change of this id.
    pub fn edit(&mut self, id: &str, edit: impl FnOnce(&mut A)) {
        if let Some(change) = self.changes.iter_mut().find(|change| change.id == id) {
            edit(&mut change.action);
        }
    }

    /// The same plan without the changes whose action `drop` picks. What needs them takes them as done.
    #[must_use]
    pub fn without(mut self, drop: impl Fn(&A) -> bool) -> Self {
        self.changes.retain(|change| !drop(&change.action));
        self
    }

    /// The logical names of all changes.
    pub fn ids(&self) -> Vec<String> {
        self.changes.iter().map(|c| c.id.clone()).collect()
    }

    /// The changes in order.
    pub fn changes(&self) -> &[Change<A>] {
        &self.changes
    }

    /// True if there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Every line of every change: sign, blank, text.
    pub fn lines(&self) -> Vec<String> {
        self.changes
            .iter()
            .flat_map(|change| change.signed_lines())
            .collect()
    }

    /// For each change the indices of the changes that it needs and that are part of the plan.
    pub(super) fn dependencies(&self) -> Vec<Vec<usize>> {
        let index: HashMap<&str, usize> = self
            .changes
            .iter()
            .enumerate()
            .map(|(i, c)| (c.id.as_str(), i))
            .collect();
        let of = |(own, change): (usize, &Change<A>)| {
            let found: HashSet<usize> = change
                .needs
                .iter()
                .filter_map(|id| index.get(id.as_str()).copied())
                .filter(|i| *i != own)
                .collect();
            found.into_iter().collect()
        };
        self.changes.iter().enumerate().map(of).collect()
    }
}
