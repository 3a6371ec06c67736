//! Size expressions of groups, what they mean when a group is created, and the recurring actions that
//! they ask for (spec 10, section 6; spec 40, section 4.5; spec 30, sections 5.1 and 8).
//!
//! Whether the sizes make sense together is for AWS to say.

use std::collections::BTreeMap;
use std::fmt;

use super::Cron;
use crate::network::GrammarError;

/// A size of a group: one number, or numbers that take effect on schedules. Printing and parsing it
/// again yields the same sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// The same size at all times.
    Always(u32),
    /// At least one entry.
    Scheduled(BTreeMap<Cron, u32>),
}

impl Sizes {
    /// Parses a number of hosts or `N@CRON[:N@CRON...]`. Blank text is no size at all. A trailing `:` is
    /// ignored; of a repeated schedule the last size counts.
    pub fn parse(text: &str) -> Result<Option<Sizes>, GrammarError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let list = text.strip_suffix(':').unwrap_or(text);
        if let Some(size) = whole_number(list) {
            return Ok(Some(Sizes(Kind::Always(size))));
        }
        let wrong = |problem: &str| {
            GrammarError(format!(
                "`{text}` is not a size: {problem}. Use a number, or sizes with schedules like \
                 `2@0 6 * * *:9@0 18 * * *`"
            ))
        };
        if list.bytes().all(|byte| byte.is_ascii_digit()) && !list.is_empty() {
            return Err(wrong(&format!("it is larger than {}", i32::MAX)));
        }
        let mut scheduled = BTreeMap::new();
        for entry in list.split(':') {
            let (size, cron) = entry
                .split_once('@')
                .ok_or_else(|| wrong(&format!("`{entry}` is not of the form SIZE@CRON")))?;
            let size = whole_number(size).ok_or_else(|| {
                wrong(&format!(
                    "`{size}` is not a whole number from 0 to {}",
                    i32::MAX
                ))
            })?;
            let cron = Cron::parse(cron).map_err(|GrammarError(problem)| wrong(&problem))?;
            scheduled.insert(cron, size);
        }
        Ok(Some(Sizes(Kind::Scheduled(scheduled))))
    }

    /// The smallest size ever in effect.
    pub fn smallest(&self) -> u32 {
        match &self.0 {
            Kind::Always(size) => *size,
            Kind::Scheduled(entries) => entries.values().copied().min().unwrap_or_default(),
        }
    }

    /// The largest size ever in effect.
    pub fn largest(&self) -> u32 {
        match &self.0 {
            Kind::Always(size) => *size,
            Kind::Scheduled(entries) => entries.values().copied().max().unwrap_or_default(),
        }
    }

    /// The schedules and their sizes, ordered by the text of the schedule. None for a plain number.
    pub fn scheduled(&self) -> impl Iterator<Item = (&Cron, u32)> {
        let entries = match &self.0 {
            Kind::Always(_) => None,
            Kind::Scheduled(entries) => Some(entries),
        };
        entries
            .into_iter()
            .flatten()
            .map(|(cron, size)| (cron, *size))
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Kind::Always(size) = &self.0 {
            return size.fmt(f);
        }
        let entries: Vec<String> = self
            .scheduled()
            .map(|(cron, size)| format!("{size}@{cron}"))
            .collect();
        f.write_str(&entries.join(":"))
    }
}

/// A number of digits only, outer blanks aside, that AWS can take (it has signed 32-bit integers).
pub(super) fn whole_number(text: &str) -> Option<u32> {
    let digits = text.trim();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits
        .parse()
        .ok()
        .filter(|number| i32::try_from(*number).is_ok())
}

/// One recurring action of a group. Sizes that its schedule does not mention are left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecurringAction {
    /// When it takes place.
    pub cron: Cron,
    /// The new minimum size.
    pub min: Option<u32>,
    /// The new desired size.
    pub desired: Option<u32>,
    /// The new maximum size.
    pub max: Option<u32>,
}

impl RecurringAction {
    /// The name of the action: the group, `_`, and the schedule with `star` for each star and `_` for
    /// each blank.
    pub fn name(&self, group: &str) -> String {
        format!(
            "{group}_{}",
            self.cron.as_str().replace('*', "star").replace(' ', "_")
        )
    }
}

/// The recurring actions of the three sizes: one for each distinct schedule, ordered by its text.
pub fn recurring_actions(
    min: Option<&Sizes>,
    desired: Option<&Sizes>,
    max: Option<&Sizes>,
) -> Vec<RecurringAction> {
    type Setter = fn(&mut RecurringAction, u32);
    let mut actions: BTreeMap<&Cron, RecurringAction> = BTreeMap::new();
    let setters: [(Option<&Sizes>, Setter); 3] = [
        (min, |action, size| action.min = Some(size)),
        (desired, |action, size| action.desired = Some(size)),
        (max, |action, size| action.max = Some(size)),
    ];
    for (sizes, set) in setters {
        for (cron, size) in sizes.into_iter().flat_map(Sizes::scheduled) {
            let action = actions.entry(cron).or_insert_with(|| RecurringAction {
                cron: cron.clone(),
                min: None,
                desired: None,
                max: None,
            });
            set(action, size);
        }
    }
    actions.into_values().collect()
}

/// The sizes to create a group with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateSizes {
    /// Minimum size.
    pub min: u32,
    /// Maximum size.
    pub max: u32,
    /// Desired size; `None` leaves it to AWS, which takes the minimum.
    pub desired: Option<u32>,
}

/// The sizes of a new group from the given ones, where 0 is a size like any other. The result may be one
/// that AWS refuses, such as a desired size below the minimum.
pub fn create_sizes(min: Option<u32>, desired: Option<u32>, max: Option<u32>) -> CreateSizes {
    CreateSizes {
        min: min.unwrap_or(0),
        max: [min, desired, max].into_iter().flatten().max().unwrap_or(0),
        desired: desired.or(max),
    }
}

#[cfg(test)]
mod tests;
