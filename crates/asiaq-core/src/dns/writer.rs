//! Changes of records. What several steps want to change in one zone while a call for it is under way goes
//! together into the next call: the service takes one change of a zone at a time anyway, and few per second.

mod refusal;

use self::refusal::{explained, is_refusal, still_to_do};
use super::batch::{self, Write};
use super::name::plain;
use super::record::{Record, Target};
use crate::aws::{Aws, AwsError, Context};
use crate::error::Result;
use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ChangeStatus};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

/// Pause and limit while the service is busy with other changes, or throttles.
const BUSY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));
/// Codes of the service that pass.
const PASSING: [&str; 4] = [
    "PriorRequestNotComplete",
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
];
/// Pause and limit of the wait for a change to be in effect.
const IN_EFFECT: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));
/// The call that all this is about.
const CHANGE: &str = "route53:ChangeResourceRecordSets";

/// One change of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordChange {
    /// Create or overwrite.
    Upsert {
        /// Name.
        name: String,
        /// What it leads to.
        target: Target,
    },
    /// Delete.
    Delete(Box<Record>),
}

impl RecordChange {
    /// Name of the record.
    pub fn name(&self) -> &str {
        match self {
            Self::Upsert { name, .. } => name,
            Self::Delete(record) => &record.name,
        }
    }

    /// Type of the record.
    pub fn kind(&self) -> &str {
        match self {
            Self::Upsert { target, .. } => target.kind(),
            Self::Delete(record) => &record.kind,
        }
    }

    /// Number of values, number of their characters, and how many times the service counts them.
    pub(super) fn size(&self) -> (usize, usize, usize) {
        match self {
            Self::Upsert { target, .. } => match target {
                Target::Value { value, .. } => (1, value.chars().count(), 2),
                Target::Alias { .. } => (0, 0, 2),
            },
            Self::Delete(record) => {
                let characters = record.values.iter().map(|value| value.chars().count());
                (record.values.len(), characters.sum(), 1)
            }
        }
    }

    fn is_deletion(&self) -> bool {
        matches!(self, Self::Delete(_))
    }

    /// As the SDK wants it.
    fn to_change(&self) -> Result<Change, AwsError> {
        let (action, set) = match self {
            Self::Upsert { name, target } => (ChangeAction::Upsert, Record::new(name, target)?.raw),
            Self::Delete(record) => (ChangeAction::Delete, record.raw.clone()),
        };
        let change = Change::builder().action(action).resource_record_set(set);
        change
            .build()
            .map_err(|_| AwsError::incomplete(CHANGE, self.name(), "record set"))
    }
}

/// Writes records; see the head of this file. One writer serves all steps of a command.
pub struct Writer<'a> {
    aws: &'a Aws,
    zones: Mutex<BTreeMap<String, Arc<Queue>>>,
    /// Ids of accepted changes that may not be in effect yet.
    accepted: Mutex<BTreeSet<String>>,
}

/// The writes of one zone.
#[derive(Default)]
struct Queue {
    waiting: Mutex<VecDeque<Waiting>>,
    /// Held by the one that makes the calls, for all.
    turn: tokio::sync::Mutex<()>,
}

/// A write in the queue.
struct Waiting {
    changes: Arc<[RecordChange]>,
    answer: oneshot::Sender<Result<()>>,
}

impl Write for Waiting {
    fn changes(&self) -> &[RecordChange] {
        &self.changes
    }
}

/// A panic elsewhere does not harm queues and sets.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Writer<'a> {
    /// A writer.
    pub fn new(aws: &'a Aws) -> Self {
        Self {
            aws,
            zones: Mutex::default(),
            accepted: Mutex::default(),
        }
    }

    /// Makes these changes in the zone, all or none of them. Returns when the service has accepted them. A
    /// deletion of what is gone, or was changed meanwhile, counts as made.
    pub async fn write(&self, zone_id: &str, changes: Vec<RecordChange>) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let entry = lock(&self.zones)
            .entry(zone_id.to_owned())
            .or_default()
            .clone();
        let changes: Arc<[RecordChange]> = changes.into();
        loop {
            let (answer, mut result) = oneshot::channel();
            let changes = Arc::clone(&changes);
            lock(&entry.waiting).push_back(Waiting { changes, answer });
            // What starts at the same time gets into the queue before the first call.
            tokio::task::yield_now().await;
            tokio::select! {
                biased;
                answered = &mut result => if let Ok(answered) = answered {
                    return answered;
                },
                _turn = entry.turn.lock() => loop {
                    match result.try_recv() {
                        Ok(answered) => return answered,
                        Err(TryRecvError::Empty) => self.call(zone_id, &entry).await,
                        Err(TryRecvError::Closed) => break,
                    }
                },
            }
            // The one that made the call was given up in the middle of it. Nobody knows what became of the
            // changes, and making them again does no harm.
        }
    }

    /// Makes the next call for a zone, and tells those that wait for it.
    async fn call(&self, zone_id: &str, queue: &Queue) {
        let batch = {
            let mut waiting = lock(&queue.waiting);
            waiting.retain(|write| !write.answer.is_closed());
            batch::take(&mut waiting)
        };
        if let [_] = &batch[..] {
            return self.one_by_one(zone_id, batch).await;
        }
        let all: Vec<&RecordChange> = batch.iter().flat_map(|w| w.changes.iter()).collect();
        match self.send(zone_id, &all).await {
            // One of them is bad, and must not harm the others.
            Err(error) if is_refusal(&error) => self.one_by_one(zone_id, batch).await,
            // Nobody listens if the caller has given up.
            Err(error) => batch.into_iter().for_each(|write| {
                let _ = write.answer.send(Err(error.again().into()));
            }),
            Ok(()) => batch.into_iter().for_each(|write| {
                let _ = write.answer.send(Ok(()));
            }),
        }
    }

    /// Each write in a call of its own.
    async fn one_by_one(&self, zone_id: &str, batch: Vec<Waiting>) {
        for write in batch {
            let result = self.alone(zone_id, &write.changes).await;
            // Nobody listens if the caller has given up.
            let _ = write.answer.send(result.map_err(Into::into));
        }
    }

    /// One write. Deletions that the service refuses because the record is gone or changed are left out then.
    async fn alone(&self, zone_id: &str, changes: &[RecordChange]) -> Result<(), AwsError> {
        let mut left: Vec<&RecordChange> = changes.iter().collect();
        while !left.is_empty() {
            let Err(error) = self.send(zone_id, &left).await else {
                return Ok(());
            };
            let rest = still_to_do(&left, &error);
            if rest.len() == left.len() {
                return Err(error);
            }
            left = rest;
        }
        Ok(())
    }

    /// One call, made again while the service is busy.
    async fn send(&self, zone_id: &str, changes: &[&RecordChange]) -> Result<(), AwsError> {
        let what = match changes {
            [one] => format!("record {} {}", plain(one.name()), one.kind()),
            more => format!("{} records in zone {zone_id}", more.len()),
        };
        let list: Result<Vec<Change>, AwsError> = changes.iter().map(|c| c.to_change()).collect();
        let batch = ChangeBatch::builder().set_changes(Some(list?));
        let batch = batch
            .build()
            .map_err(|_| AwsError::incomplete(CHANGE, &what, "changes"))?;
        let call = self
            .aws
            .route53()
            .change_resource_record_sets()
            .hosted_zone_id(zone_id)
            .change_batch(batch);
        let (pause, limit) = BUSY;
        let passes = |error: &AwsError| PASSING.iter().any(|code| error.is(code));
        let send = async || explained(call.clone().send().await, CHANGE, &what);
        let answer = self.aws.poll.retry(pause, limit, passes, send).await?;
        if let Some(info) = answer.change_info() {
            tracing::debug!(zone = zone_id, change = info.id(), "{what}: accepted");
            if *info.status() != ChangeStatus::Insync {
                lock(&self.accepted).insert(info.id().to_owned());
            }
        }
        Ok(())
    }

    /// Waits until everything that this writer has written is in effect on all name servers.
    pub async fn settled(&self) -> Result<()> {
        let ids = lock(&self.accepted).clone();
        let waits = ids.iter().map(|id| self.in_effect(id));
        futures::future::try_join_all(waits).await.map(|_| ())
    }

    async fn in_effect(&self, id: &str) -> Result<()> {
        let (pause, limit) = IN_EFFECT;
        let look = async || {
            let answer = self.aws.route53().get_change().id(id).send().await;
            let answer = answer.context("route53:GetChange", id)?;
            let status = answer.change_info().map(|info| info.status().clone());
            Ok((status == Some(ChangeStatus::Insync)).then_some(()))
        };
        let what = "waiting for changed records to be in effect on all name servers";
        self.aws.poll.until(what, pause, limit, look).await?;
        lock(&self.accepted).remove(id);
        Ok(())
    }
}
