//! What goes into one call: whole writes, in their order, within the limits of the service. Pure.

use super::name::plain;
use super::writer::RecordChange;
use std::collections::{HashSet, VecDeque};

/// Values in one call; those of an upsert count twice.
const MAX_VALUES: usize = 1000;
/// Characters of all values in one call; those of an upsert count twice.
const MAX_CHARACTERS: usize = 32_000;

/// A write that waits for its call.
pub(super) trait Write {
    /// What it changes.
    fn changes(&self) -> &[RecordChange];
}

/// Takes the writes of the next call out of the queue. A write that is about a name which an earlier one is
/// about waits for a later call, since the service takes no name twice; so do all later writes about that
/// name, which keeps their order. A write that is beyond the limits by itself goes alone, and the service
/// says what it thinks of it.
pub(super) fn take<T: Write>(queue: &mut VecDeque<T>) -> Vec<T> {
    let (mut batch, mut left) = (Vec::new(), VecDeque::new());
    let mut names: HashSet<String> = HashSet::new();
    let (mut values, mut characters) = (0, 0);
    for write in queue.drain(..) {
        let own: HashSet<String> = write.changes().iter().map(|c| plain(c.name())).collect();
        let (more_values, more_characters) = weight(write.changes());
        let free = names.is_disjoint(&own);
        let fits = batch.is_empty()
            || (values + more_values <= MAX_VALUES
                && characters + more_characters <= MAX_CHARACTERS);
        names.extend(own);
        if free && fits {
            values += more_values;
            characters += more_characters;
            batch.push(write);
        } else {
            left.push_back(write);
        }
    }
    *queue = left;
    batch
}

/// How much of the limits changes take up. An alias has no value, but counts as one to be safe.
fn weight(changes: &[RecordChange]) -> (usize, usize) {
    let each = changes.iter().map(|change| {
        let (values, characters, times) = change.size();
        (values.max(1) * times, characters * times)
    });
    each.fold((0, 0), |sum, own| (sum.0 + own.0, sum.1 + own.1))
}

#[cfg(test)]
mod tests;
