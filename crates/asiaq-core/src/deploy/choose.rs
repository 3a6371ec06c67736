//! Choosing the image to deploy (spec 50, section 12). Pure: images, their creation times and what runs come from `running`,
//! chance comes from the caller.

use crate::image::Image;
use crate::pipeline::{Pipeline, Row};
use chrono::{DateTime, Utc};
use rand::{Rng, RngExt};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// The stage of images that failed a deployment.
pub const FAILED: &str = "failed";

/// Which images an operator lets count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// `--ami`: this one, whatever else is true of it.
    pub ami: Option<String>,
    /// `--hostclass`: only those of this hostclass, whether or not the pipeline has it.
    pub hostclass: Option<String>,
    /// `--allow-any-hostclass`: also those of hostclasses that the pipeline lacks.
    pub any_hostclass: bool,
}

/// First and last of `ami_stages`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stages {
    /// Stage of a fresh image.
    pub untested: String,
    /// Stage of an image that may go anywhere.
    pub tested: String,
}

impl Stages {
    /// From the ordered list of stages; an empty one has no stage that an image could be in.
    pub fn new(all: &[String]) -> Self {
        let name = |stage: Option<&String>| stage.cloned().unwrap_or_default();
        Self {
            untested: name(all.first()),
            tested: name(all.last()),
        }
    }
}

/// An image whose creation time is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated<'a> {
    /// The image.
    pub image: &'a Image,
    /// When it was created.
    pub created: DateTime<Utc>,
}

/// One image per hostclass.
pub type Latest<'a> = BTreeMap<&'a str, Dated<'a>>;

/// A list of images that operators ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The latest tested one of each hostclass.
    Tested,
    /// The latest untested one of each hostclass.
    Untested,
    /// The latest failed one of each hostclass.
    Failed,
    /// What `test` chooses from.
    Testable,
    /// Failed images that are newer than what is tested.
    Failures,
    /// What `update` chooses from.
    Updatable,
}

/// Everything that a choice is made from.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Images that were read; more than what is selected does no harm.
    pub images: &'a [Image],
    /// Creation times by image id.
    pub created: &'a BTreeMap<String, DateTime<Utc>>,
    /// First and last stage.
    pub stages: &'a Stages,
    /// The pipeline, if there is one.
    pub pipeline: Option<&'a Pipeline>,
    /// Ids of the images that run in the environment; none where nobody asks.
    pub running: &'a BTreeSet<String>,
}

/// The row of a hostclass; of several the last one.
pub fn row<'p>(pipeline: &'p Pipeline, hostclass: &str) -> Option<&'p Row> {
    let mut rows = pipeline.rows.iter().rev();
    rows.find(|row| row.hostclass.as_deref() == Some(hostclass))
}

/// The hostclasses of a pipeline, each once.
pub fn hostclasses(pipeline: &Pipeline) -> Vec<String> {
    let named = pipeline.rows.iter().filter_map(|row| row.hostclass.clone());
    let once: BTreeSet<String> = named.collect();
    once.into_iter().collect()
}

impl<'a> Known<'a> {
    /// The images that may be chosen at all (spec 50, section 12.1).
    pub fn candidates(&self, selection: &Selection) -> Vec<&'a Image> {
        let counts = |image: &&Image| {
            if let Some(ami) = &selection.ami {
                return image.id == *ami;
            }
            if let Some(hostclass) = &selection.hostclass {
                return image.hostclass() == hostclass;
            }
            let listed = |pipeline| row(pipeline, image.hostclass()).is_some();
            selection.any_hostclass || self.pipeline.is_some_and(listed)
        };
        let available = self.images.iter().filter(|i| i.state == "available");
        available.filter(counts).collect()
    }

    /// The images of a list, ordered by hostclass.
    pub fn list(&self, kind: Kind, selection: &Selection) -> Vec<Dated<'a>> {
        let set = self.candidates(selection);
        let stage = |name: &str| self.latest(&set, |image| image.stage() == Some(name));
        let tested = || stage(&self.stages.tested);
        let found = match kind {
            Kind::Tested => tested(),
            Kind::Untested => stage(&self.stages.untested),
            Kind::Failed => stage(FAILED),
            Kind::Testable => newer(&tested(), stage(&self.stages.untested)),
            Kind::Failures => newer(&tested(), stage(FAILED)),
            Kind::Updatable => {
                let untagged = self.latest(&set, |image| image.stage().is_none());
                let mut newest = newer(&self.running(), better(tested(), untagged));
                newest.retain(|hostclass, _| self.is_deployable(hostclass));
                newest
            }
        };
        found.into_values().collect()
    }

    /// The newest image per hostclass among those that run.
    pub fn running(&self) -> Latest<'a> {
        let runs = self.images.iter().filter(|i| self.running.contains(&i.id));
        self.latest(&runs.collect::<Vec<_>>(), |_| true)
    }

    /// The newest one per hostclass that is not private and whose creation time is known; of equals the first.
    fn latest(&self, set: &[&'a Image], is_wanted: impl Fn(&Image) -> bool) -> Latest<'a> {
        let mut latest = Latest::new();
        for &image in set {
            if image.is_private() || !is_wanted(image) {
                continue;
            }
            if let Some(created) = self.created.get(&image.id).copied() {
                keep_newer(&mut latest, Dated { image, created });
            }
        }
        latest
    }

    fn is_deployable(&self, hostclass: &str) -> bool {
        let row = self.pipeline.and_then(|pipeline| row(pipeline, hostclass));
        row.is_some_and(|row| row.deployable)
    }
}

fn keep_newer<'a>(latest: &mut Latest<'a>, own: Dated<'a>) {
    match latest.entry(own.image.hostclass()) {
        Entry::Vacant(place) => {
            place.insert(own);
        }
        Entry::Occupied(mut place) => {
            if own.created > place.get().created {
                place.insert(own);
            }
        }
    }
}

/// The newer one of each hostclass; of equals that of `first`.
fn better<'a>(mut first: Latest<'a>, second: Latest<'a>) -> Latest<'a> {
    for own in second.into_values() {
        keep_newer(&mut first, own);
    }
    first
}

/// Those of `found` whose hostclass `known` lacks, or has an older one of.
fn newer<'a>(known: &Latest<'_>, mut found: Latest<'a>) -> Latest<'a> {
    found.retain(|hostclass, own| {
        let old = known.get(hostclass);
        old.is_none_or(|old| own.created > old.created)
    });
    found
}

/// One of them, each with the same chance.
pub fn pick<'c, T>(candidates: &'c [T], random: &mut impl Rng) -> Option<&'c T> {
    if candidates.is_empty() {
        return None;
    }
    candidates.get(random.random_range(0..candidates.len()))
}

#[cfg(test)]
mod tests;
