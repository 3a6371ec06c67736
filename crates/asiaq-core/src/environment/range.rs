//! Address ranges and the other VPCs of the region: creating environments at the same time from one space of addresses,
//! and what `update` says about ranges that overlap.
//!
//! AWS lets VPCs overlap and has no lock. So every run that chose its range at random looks again after it has made its
//! VPC; of those that overlap all but one go, and plan anew.

use super::create::{Create, Planned, plan_create};
use super::sources::Sources;
use super::vpc::Vpc;
use crate::aws::Aws;
use crate::error::{Error, Result};
use crate::network::overlap;
use crate::plan::Progress;
use ipnet::Ipv4Net;
use rand::RngExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How often a range is chosen before the command gives up.
const ATTEMPTS: usize = 5;

/// Milliseconds before another range is chosen, so that runs do not stay in step.
const PAUSE: std::ops::Range<u64> = 100..2000;

/// What becomes of a new VPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// Nobody else has the range.
    Keep,
    /// Others are to go.
    Wait,
    /// This one goes.
    Yield,
}

/// Decides for the VPC `id`, and names the VPC that it depends on. Pure.
pub(super) fn claim(id: &str, cidr: Ipv4Net, all: &[Vpc]) -> (Claim, String) {
    let rivals = all
        .iter()
        .filter(|vpc| vpc.id != id && vpc.blocks().any(|block| overlap(block, cidr)));
    match rivals.min_by(|a, b| a.id.cmp(&b.id)) {
        None => (Claim::Keep, String::new()),
        Some(first) if first.id.as_str() > id => (Claim::Wait, named(first)),
        Some(first) => (Claim::Yield, named(first)),
    }
}

fn named(vpc: &Vpc) -> String {
    format!("{} {} {}", vpc.name, vpc.id, vpc.cidr_blocks.join(" "))
}

/// Warnings for every other VPC of the region that has addresses of this one.
pub(super) fn overlap_warnings(own: &Vpc, all: &[Vpc]) -> Vec<String> {
    let shared = |other: &&Vpc| {
        other.id != own.id && own.blocks().any(|a| other.blocks().any(|b| overlap(a, b)))
    };
    let warning = |other: &Vpc| {
        let (own, other) = (named(own), named(other));
        format!("VPC {own} overlaps VPC {other}: the two cannot be connected")
    };
    all.iter().filter(shared).map(warning).collect()
}

/// Makes the environment of a plan of [`plan_create`]; returns the VPC id. If others take the range meanwhile, another
/// one is chosen.
///
/// # Errors
/// As [`Planned::apply`] and [`plan_create`]; no range could be had in several attempts.
pub async fn create(
    aws: &Aws,
    sources: &Sources,
    request: &Create<'_>,
    mut planned: Planned,
    progress: &dyn Progress,
) -> Result<String> {
    let progress = Again {
        inner: progress,
        begun: AtomicUsize::new(0),
    };
    let mut attempt = 1;
    loop {
        let error = match planned.apply(aws, &progress).await {
            Err(error) if range_taken(&error).is_some() => error,
            other => return other,
        };
        if attempt == ATTEMPTS {
            let why = range_taken(&error).unwrap_or_default();
            let text = format!(
                "no free range for `{}` in {ATTEMPTS} attempts: {why}",
                request.name
            );
            return Err(Error::refused(text).with_hint(
                "others create environments in the same ip_space: run the command again when they are done",
            ));
        }
        attempt += 1;
        progress.note(&format!(
            "choosing another range for {} (attempt {attempt} of {ATTEMPTS})",
            request.name
        ));
        let pause = rand::rng().random_range(PAUSE);
        aws.poll.pause(Duration::from_millis(pause)).await;
        planned = plan_create(aws, sources, request).await?;
    }
}

/// Why the range was given up, if that is the error.
fn range_taken(error: &Error) -> Option<&str> {
    let Error::Apply(report) = error else {
        return None;
    };
    report.failed.iter().find_map(|failed| match &failed.error {
        Error::RangeTaken(why) => Some(why.as_str()),
        _ => None,
    })
}

/// Progress of several attempts: a range that is gone is a note and not a failure, and the plan counts once.
struct Again<'a> {
    inner: &'a dyn Progress,
    begun: AtomicUsize,
}

impl Progress for Again<'_> {
    fn begin(&self, total: usize) {
        let before = self.begun.fetch_max(total, Ordering::Relaxed);
        self.inner.begin(total.saturating_sub(before));
    }

    fn done(&self, lines: &[String]) {
        self.inner.done(lines);
    }

    fn left(&self, why: &str) {
        self.inner.left(why);
    }

    fn failed(&self, line: &str, error: &Error) {
        match error {
            Error::RangeTaken(why) => self.inner.left(why),
            _ => self.inner.failed(line, error),
        }
    }

    fn note(&self, text: &str) {
        self.inner.note(text);
    }
}

#[cfg(test)]
mod tests;
