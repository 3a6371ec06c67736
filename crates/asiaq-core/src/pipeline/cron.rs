//! Five-field cron expressions as Auto Scaling takes them, checked with the `cron` crate.
//!
//! The crate wants seconds in front and counts the days of the week from Sunday = 1, so its view of an
//! expression is only used to validate. The operator's text is kept and sent as it is. No times are
//! computed here.

use std::fmt;

use ::cron::Schedule;

use crate::network::GrammarError;

/// The names of the five fields, in order.
const FIELDS: [&str; 5] = ["minute", "hour", "day of month", "month", "day of week"];

/// A valid five-field cron expression in UTC: minute, hour, day of month, month, day of week.
///
/// Days of the week are 0 to 7, where both 0 and 7 are Sunday, or names. Two expressions are equal if
/// their texts are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cron(String);

impl Cron {
    /// Checks an expression and keeps its text, without outer blanks. Shorthands such as `@daily`, the
    /// `?` of other dialects, and seconds or years are refused.
    pub fn parse(text: &str) -> Result<Cron, GrammarError> {
        let text = text.trim();
        let fields: Vec<&str> = text.split_whitespace().collect();
        if fields.len() != FIELDS.len() {
            return Err(GrammarError(format!(
                "`{text}` is not a cron expression: it has {} fields instead of five \
                 (minute, hour, day of month, month, day of week)",
                fields.len()
            )));
        }
        for (position, (field, name)) in fields.iter().zip(FIELDS).enumerate() {
            if !is_valid(position, field) {
                return Err(GrammarError(format!(
                    "`{text}` is not a cron expression: its {name} `{field}` is not valid"
                )));
            }
        }
        Ok(Cron(text.to_owned()))
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `field` may stand at `position` of the five fields.
///
/// Each field is checked by itself between stars. The crate's parser skips blanks generously, so that
/// in a whole expression a broken field could borrow from its neighbours.
fn is_valid(position: usize, field: &str) -> bool {
    if field.contains('?') {
        return false;
    }
    let field = if FIELDS.get(position) == Some(&"day of week") {
        sunday_first(field)
    } else {
        Some(field.to_owned())
    };
    let Some(field) = field else { return false };
    // Seconds and years surround the five fields in the crate's notation.
    let mut parts = vec!["*"; FIELDS.len() + 2];
    if let Some(part) = parts.get_mut(position + 1) {
        *part = &field;
    }
    parts.join(" ").parse::<Schedule>().is_ok()
}

/// Rewrites a day-of-week field from 0..=7 to the crate's 1..=7. Names and stars stay as they are.
/// `None` if a number is not a day.
fn sunday_first(field: &str) -> Option<String> {
    let items: Option<Vec<String>> = field.split(',').map(sunday_first_item).collect();
    items.map(|items| items.join(","))
}

/// One element of the list: `DAY`, `DAY-DAY`, either with `/STEP`; names and stars pass through.
fn sunday_first_item(item: &str) -> Option<String> {
    let (days, step) = match item.split_once('/') {
        Some((days, step)) => (days, Some(step.parse().ok().filter(|step| *step > 0)?)),
        None => (item, None),
    };
    if days.contains(|c: char| c == '*' || c.is_ascii_alphabetic()) {
        return Some(item.to_owned());
    }
    let (first, last) = match days.split_once('-') {
        Some((first, last)) => (day(first)?, day(last)?),
        None if step.is_some() => (day(days)?, day(days)?.max(6)),
        None => (day(days)?, day(days)?),
    };
    let converted: Vec<String> = (first..=last)
        .step_by(step.unwrap_or(1))
        .map(|day| (day % 7 + 1).to_string())
        .collect();
    // A range that runs backwards has no days.
    (!converted.is_empty()).then(|| converted.join(","))
}

/// A day number from 0 to 7.
fn day(text: &str) -> Option<u8> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
        .filter(|day| *day <= 7)
}

#[cfg(test)]
mod tests;
