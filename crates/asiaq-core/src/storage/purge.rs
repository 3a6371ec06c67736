//! The rules of a purge: which snapshots of the account nobody needs any more, and the lines that say so (spec 40, section 13).
//! Pure: what exists and what is in use is given.

use super::SnapshotRecord;
use crate::error::{Error, Result};
use chrono::{DateTime, Days, NaiveDate, Utc};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Days of `--old`, and of a purge without any rule.
const OLD: u32 = 100;
/// Snapshots per hostclass and environment that a purge without any rule keeps.
const KEEP: i64 = 5;

/// The rules as the command line gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Snapshots of images that do not exist any more.
    pub stray_ami: bool,
    /// Snapshots that say nothing about themselves.
    pub no_metadata: bool,
    /// 100 days, unless `keep_days` says otherwise.
    pub old: bool,
    /// Snapshots older than so many days.
    pub keep_days: Option<u32>,
    /// The newest ones of each hostclass and environment that stay whatever the other rules say.
    pub keep_num: Option<i64>,
    /// The most of each hostclass and environment that stay of a day.
    pub max_per_day: Option<u32>,
}

/// The rules of one purge, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    stray_ami: bool,
    no_metadata: bool,
    keep_days: Option<u32>,
    keep_num: Option<usize>,
    max_per_day: Option<u32>,
}

impl Rules {
    /// The rules that these options mean; without any it is `--stray-ami --no-metadata --keep-days 100 --keep-num 5`.
    ///
    /// # Errors
    /// `keep_num` is less than 1.
    pub fn new(options: Options) -> Result<Self> {
        let options = if options == Options::default() {
            Options {
                stray_ami: true,
                no_metadata: true,
                keep_days: Some(OLD),
                keep_num: Some(KEEP),
                ..options
            }
        } else {
            options
        };
        let keep_num = options.keep_num.map(|number| {
            let number = usize::try_from(number).ok().filter(|number| *number >= 1);
            number.ok_or_else(|| Error::refused("--keep-num must be at least 1"))
        });
        Ok(Self {
            stray_ami: options.stray_ami,
            no_metadata: options.no_metadata,
            keep_days: options.keep_days.or(options.old.then_some(OLD)),
            keep_num: keep_num.transpose()?,
            max_per_day: options.max_per_day,
        })
    }
}

/// What else exists in the account, as far as snapshots matter to it.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Ids of the registered own images.
    pub images: BTreeSet<String>,
    /// Snapshot → what needs it: images, launch templates, and so on.
    pub users: BTreeMap<String, BTreeSet<String>>,
    /// Hostclasses and environments with Elastigroups of which nobody can see what they start from.
    pub unseen: BTreeSet<(String, String)>,
}

/// What a purge does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// What is printed, in order.
    pub lines: Vec<String>,
    /// Ids of the snapshots to delete, each once.
    pub purge: Vec<String>,
    /// Snapshots that a rule applies to and that are in use: they stay. Sentences.
    pub in_use: Vec<String>,
}

/// The hostclass and environment that a snapshot is for.
type Bucket<'s> = (&'s str, &'s str);

/// Applies the rules. Snapshots that something needs, or that are still being made, are never selected.
pub fn select(
    snapshots: &[SnapshotRecord],
    around: &Surroundings,
    rules: Rules,
    now: DateTime<Utc>,
) -> Selection {
    let mut snapshots: Vec<&SnapshotRecord> = snapshots.iter().collect();
    snapshots.sort_by(|a, b| (a.start_time, &a.id).cmp(&(b.start_time, &b.id)));
    let mut buckets: BTreeMap<Bucket<'_>, Vec<&SnapshotRecord>> = BTreeMap::new();
    for own in &snapshots {
        if let Some(bucket) = bucket(own) {
            buckets.entry(bucket).or_default().push(own);
        }
    }
    let mut selecting = Selecting {
        around,
        lines: Vec::new(),
        selected: Vec::new(),
        in_use: BTreeMap::new(),
        hidden: BTreeMap::new(),
    };
    if rules.stray_ami {
        selecting.stray_images(&snapshots);
    }
    if rules.no_metadata {
        let bare = |own: &&&SnapshotRecord| {
            image_of(&own.description).is_none()
                && own.description.is_empty()
                && own.tags.is_empty()
        };
        for own in snapshots.iter().filter(bare) {
            selecting.take(own);
        }
    }
    if let Some(days) = rules.keep_days {
        selecting.old(&snapshots, days, now);
    }
    if let Some(most) = rules.max_per_day {
        selecting.crowded_days(&buckets, most, now);
    }
    let kept = match rules.keep_num {
        Some(number) => selecting.keep(&buckets, number),
        None => HashSet::new(),
    };
    selecting.finish(&kept)
}

struct Selecting<'s> {
    around: &'s Surroundings,
    lines: Vec<String>,
    selected: Vec<&'s str>,
    in_use: BTreeMap<&'s str, String>,
    /// Snapshots that stay because of Elastigroups that nobody sees.
    hidden: BTreeMap<&'s str, Bucket<'s>>,
}

impl<'s> Selecting<'s> {
    /// Selects a snapshot, unless it must stay.
    fn take(&mut self, own: &'s SnapshotRecord) -> bool {
        if own.is_pending() {
            return false;
        }
        if let Some(users) = self.around.users.get(&own.id) {
            let users: Vec<&str> = users.iter().map(String::as_str).collect();
            let text = format!(
                "snapshot {} stays: it is in use by {}",
                own.id,
                users.join(", ")
            );
            self.in_use.insert(&own.id, text);
            return false;
        }
        let bucket = bucket(own).filter(|(hostclass, env)| {
            let mut unseen = self.around.unseen.iter();
            unseen.any(|(class, of)| class == hostclass && of == env)
        });
        if let Some(bucket) = bucket {
            self.hidden.insert(&own.id, bucket);
            return false;
        }
        self.selected.push(&own.id);
        true
    }

    fn stray_images(&mut self, snapshots: &[&'s SnapshotRecord]) {
        for own in snapshots {
            let stray =
                image_of(&own.description).is_some_and(|id| !self.around.images.contains(id));
            if stray && self.take(own) {
                self.lines
                    .push(format!("Deleting stray ami snapshot: {}", own.id));
            }
        }
    }

    fn old(&mut self, snapshots: &[&'s SnapshotRecord], days: u32, now: DateTime<Utc>) {
        let of_no_image = snapshots
            .iter()
            .filter(|own| image_of(&own.description).is_none());
        for own in of_no_image {
            let age = now.signed_duration_since(own.start_time).num_days();
            if age > i64::from(days) && self.take(own) {
                self.lines.push(format!(
                    "Deleting old ({age} > {days} days) snapshot: {}",
                    own.id
                ));
            }
        }
    }

    fn crowded_days(
        &mut self,
        buckets: &BTreeMap<Bucket<'s>, Vec<&'s SnapshotRecord>>,
        most: u32,
        now: DateTime<Utc>,
    ) {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let last = now.date_naive().checked_sub_days(Days::new(2));
        for ((hostclass, env), own) in buckets {
            let mut of_day: BTreeMap<NaiveDate, Vec<&SnapshotRecord>> = BTreeMap::new();
            for snapshot in own {
                let day = snapshot.start_time.date_naive();
                of_day.entry(day).or_default().push(snapshot);
            }
            for (day, of_day) in of_day {
                let total = of_day.len();
                if last.is_none_or(|last| day > last) || total <= most {
                    continue;
                }
                let surplus = of_day.into_iter().take(total - most);
                let taken: Vec<String> = surplus
                    .filter(|own| self.take(own))
                    .map(|own| format!("Snapshot:{}", own.id))
                    .collect();
                if !taken.is_empty() {
                    self.lines.push(format!(
                        "Deleting {} snapshots [{}] for hostclass/env {hostclass}_{env} to keep no more than {most} of {total} snapshots on {day}",
                        taken.len(),
                        taken.join(", ")
                    ));
                }
            }
        }
    }

    /// The newest of every bucket that hosts can start from: they stay.
    fn keep(
        &mut self,
        buckets: &BTreeMap<Bucket<'s>, Vec<&'s SnapshotRecord>>,
        number: usize,
    ) -> HashSet<&'s str> {
        let mut kept = HashSet::new();
        for ((hostclass, env), own) in buckets {
            let completed = own.iter().filter(|own| own.is_completed());
            let mut newest: Vec<&str> = completed
                .rev()
                .take(number)
                .map(|own| own.id.as_str())
                .collect();
            if newest.is_empty() {
                continue;
            }
            newest.reverse();
            self.lines.push(format!(
                "Keeping last {number} snapshots ({}) for hostclass {hostclass} in environment {env}",
                newest.join(", ")
            ));
            kept.extend(newest);
        }
        kept
    }

    fn finish(mut self, kept: &HashSet<&str>) -> Selection {
        let mut seen = HashSet::new();
        let purge = self
            .selected
            .iter()
            .filter(|id| !kept.contains(*id) && seen.insert(**id))
            .map(|id| (*id).to_owned())
            .collect();
        self.in_use.retain(|id, _| !kept.contains(id));
        let mut in_use: Vec<String> = self.in_use.into_values().collect();
        self.hidden.retain(|id, _| !kept.contains(id));
        let hidden: BTreeSet<Bucket<'_>> = self.hidden.into_values().collect();
        if !hidden.is_empty() {
            let places = hidden
                .iter()
                .map(|(hostclass, env)| format!("{hostclass} in {env}"));
            in_use.push(format!(
                "snapshots of {} stay: Elastigroups that cannot be seen may start from them; set SPOTINST_TOKEN to purge them",
                places.collect::<Vec<_>>().join(", ")
            ));
        }
        Selection {
            lines: self.lines,
            purge,
            in_use,
        }
    }
}

/// The bucket of a snapshot that the retention rules track: of no image, with both tags.
fn bucket(own: &SnapshotRecord) -> Option<Bucket<'_>> {
    let tracked =
        image_of(&own.description).is_none() && !own.hostclass.is_empty() && !own.env.is_empty();
    tracked.then_some((own.hostclass.as_str(), own.env.as_str()))
}

/// The image that AWS made the snapshot for, if the description is the one that AWS writes: that of CreateImage
/// (`Created by CreateImage(i-…) for ami-…`), or of CopyImage (`Copied for DestinationAmi ami-… from SourceAmi ami-…`).
fn image_of(description: &str) -> Option<&str> {
    let created = description
        .match_indices("Created by CreateImage(")
        .find_map(|(at, start)| {
            let (_, rest) = id(&description[at + start.len()..], "i-")?;
            Some(id(rest.strip_prefix(") for ")?, "ami-")?.0)
        });
    let copied = || {
        let starts = description.match_indices("Copied for DestinationAmi ");
        let mut copies = starts.filter_map(|(at, start)| {
            let (image, rest) = id(&description[at + start.len()..], "ami-")?;
            id(rest.strip_prefix(" from SourceAmi ")?, "ami-").map(|_| image)
        });
        copies.next()
    };
    created.or_else(copied)?;
    // The first one in the whole text decides (spec 40, section 13).
    description
        .match_indices("ami-")
        .find_map(|(at, _)| Some(id(&description[at..], "ami-")?.0))
}

/// Splits off an id: prefix and hexadecimal digits, at least one.
fn id<'t>(text: &'t str, prefix: &str) -> Option<(&'t str, &'t str)> {
    let digits = text.strip_prefix(prefix)?;
    let count = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
    (count > 0).then(|| text.split_at(prefix.len() + count))
}

#[cfg(test)]
mod tests;
