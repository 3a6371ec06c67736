//! The records in a credential bucket: list, load, and write under conditions. Knows no hosts and no editors.

use super::record::{Kind, Record, visible};
use crate::aws::AwsError;
use crate::bucket::{Bucket, Condition, Object, Put};
use crate::error::{Error, Result};
use crate::plan::{Apply, Change, Plan, Progress, Sign};
use futures::stream::StreamExt;
use secrecy::{ExposeSecret, SecretSlice};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};

/// Records that are read at once.
const AT_ONCE: usize = 16;
/// What S3 says about one record that this caller cannot read: no permission, archived, encrypted with a key of a customer.
const UNREADABLE: [&str; 4] = [
    "AccessDenied",
    "Forbidden",
    "InvalidObjectState",
    "InvalidRequest",
];
/// How codes begin that S3 passes on from KMS, such as `KMS.DisabledException`.
const OF_KMS: &str = "KMS.";
/// Codes of KMS that say nothing about the key of the record.
const PASSING: [&str; 4] = ["Throttling", "LimitExceeded", "Internal", "Timeout"];

/// The accounts of a credential bucket.
#[derive(Debug)]
pub struct Accounts<'a> {
    pub(super) bucket: Bucket<'a>,
    overtaken: AtomicBool,
    written: AtomicBool,
}

/// One account of a listing.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its key without what all keys of its kind begin with.
    pub name: String,
    /// Its record, unless that is malformed or unreadable.
    pub record: Option<Record>,
}

/// A row of a listing in JSON. What is unknown because a record cannot be used is `null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    name: String,
    id: Option<u32>,
    /// Only users have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<Option<bool>>,
}

/// A record as it was read, and what is needed to write it back safely.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Bytes as they are, perhaps malformed.
    pub content: SecretSlice<u8>,
    /// Entity tag of what was read.
    pub etag: String,
}

/// One record to be written.
#[derive(Debug, Clone)]
pub struct Write {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) record: Record,
    pub(super) condition: Condition,
    /// What was read and edited, if it was a record.
    pub(super) old: Option<Record>,
    /// What else there is if the record is new: its id must stay unique.
    pub(super) new: Option<super::add::Newcomer>,
}

impl Account {
    fn row(self, kind: Kind) -> Row {
        let record = self.record.as_ref();
        let active = || record.and_then(|record| record.active().ok());
        Row {
            id: record.and_then(|record| record.id().ok()),
            active: (kind == Kind::User).then(active),
            name: self.name,
        }
    }
}

impl<'a> Accounts<'a> {
    /// Makes no call.
    pub fn new(bucket: Bucket<'a>) -> Self {
        Self {
            bucket,
            overtaken: AtomicBool::new(false),
            written: AtomicBool::new(false),
        }
    }

    /// Whether an account that was to be written is not as it was read, or not as it was written, as somebody else was there.
    pub fn was_overtaken(&self) -> bool {
        self.overtaken.load(Ordering::Relaxed)
    }

    /// Whether a record was written; the group that comes with a user does not count.
    pub fn has_written(&self) -> bool {
        self.written.load(Ordering::Relaxed)
    }

    pub(super) fn note_overtaken(&self) {
        self.overtaken.store(true, Ordering::Relaxed);
    }

    /// Names of all accounts of a kind, in the order of S3. Objects that only mark a folder are left out.
    ///
    /// # Errors
    /// The bucket cannot be listed.
    pub async fn names(&self, kind: Kind) -> Result<Vec<String>> {
        let keys = self.bucket.list(kind.prefix()).await?;
        let names = keys
            .iter()
            .filter_map(|key| key.strip_prefix(kind.prefix()));
        let named = names.filter(|name| !name.is_empty() && !name.ends_with('/'));
        Ok(named.map(str::to_owned).collect())
    }

    /// All accounts of a kind. Records that cannot be used are logged, and stay in the list without content.
    ///
    /// # Errors
    /// The bucket cannot be listed; a record cannot be read for a reason that is not its own, or none can be read.
    pub async fn load(&self, kind: Kind) -> Result<Vec<Account>> {
        let names = self.names(kind).await?;
        match self.read(kind, names).await? {
            (_, Some(error)) => Err(error.into()),
            (accounts, None) => Ok(accounts),
        }
    }

    /// All accounts of a kind as rows of a listing.
    ///
    /// # Errors
    /// As [`Accounts::load`].
    pub async fn rows(&self, kind: Kind) -> Result<Vec<Row>> {
        let accounts = self.load(kind).await?.into_iter();
        Ok(accounts.map(|account| account.row(kind)).collect())
    }

    /// As [`Accounts::load`], of these names only; that none of them can be read is fine.
    pub(super) async fn load_these(&self, kind: Kind, names: Vec<String>) -> Result<Vec<Account>> {
        Ok(self.read(kind, names).await?.0)
    }

    /// Reads accounts; if there are some and none can be read, also why.
    async fn read(
        &self,
        kind: Kind,
        names: Vec<String>,
    ) -> Result<(Vec<Account>, Option<Box<AwsError>>)> {
        let read = |name: String| async move {
            let object = self.bucket.find(&key(kind, &name)).await;
            (name, object)
        };
        let mut read = futures::stream::iter(names.into_iter().map(read)).buffered(AT_ONCE);
        let (mut accounts, mut unreadable, mut readable) = (Vec::new(), None, 0);
        while let Some((name, object)) = read.next().await {
            let record = match object {
                Ok(None) => Err("it was deleted meanwhile".to_owned()),
                Ok(Some(object)) => {
                    readable += 1;
                    let record = Record::checked(kind, &name, &object.content);
                    record.map_err(|error| error.to_string())
                }
                Err(Error::Aws(error)) if error.code.as_deref().is_some_and(is_unreadable) => {
                    let reason = error.to_string();
                    unreadable = Some(error);
                    Err(reason)
                }
                Err(error) => return Err(error),
            };
            if let Err(reason) = &record {
                let short = name.rsplit('/').next().unwrap_or_default();
                let lines: Vec<String> = reason.lines().map(visible).collect();
                let (short, reason) = (visible(short), lines.join("\n"));
                tracing::info!("User info unavailable for {short}: {reason}");
            }
            let record = record.ok();
            accounts.push(Account { name, record });
        }
        Ok((accounts, unreadable.filter(|_| readable == 0)))
    }

    /// The record of an account, as it is.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub async fn get(&self, kind: Kind, name: &str) -> Result<Stored> {
        match self.bucket.find(&key(kind, name)).await? {
            Some(Object { content, etag, .. }) => Ok(Stored { content, etag }),
            None => Err(Error::not_found(format!(
                "no such {kind} {name} in bucket {}",
                self.bucket.name()
            ))
            .with_hint(format!("`disco_accounts list{kind}s` shows all names"))),
        }
    }

    /// What writing an edited record changes; empty if nothing.
    pub fn plan_edit(
        &self,
        name: &str,
        old: Option<&Record>,
        new: Record,
        read: &Stored,
    ) -> Plan<Write> {
        let kind = new.kind();
        let mut plan = Plan::default();
        let lines = match old {
            Some(old) => new.changes(old),
            None => vec!["repaired".to_owned()],
        };
        if !lines.is_empty() {
            let lines: Vec<String> = lines
                .iter()
                .map(|line| format!("{kind} {name}: {line}"))
                .collect();
            let write = Write {
                kind,
                name: name.to_owned(),
                record: new,
                condition: Condition::Unchanged(read.etag.clone()),
                old: old.cloned(),
                new: None,
            };
            plan.push(
                format!("{kind}/{name}"),
                [""; 0],
                Sign::Modify,
                lines,
                write,
            );
        }
        plan
    }

    /// Writes the records of a plan.
    ///
    /// # Errors
    /// Somebody else was faster; a record cannot be written.
    pub async fn apply(&self, plan: &Plan<Write>, progress: &dyn Progress) -> Result<()> {
        plan.apply(self, progress).await?;
        Ok(())
    }

    pub(super) async fn put(&self, write: &Write, condition: &Condition) -> Result<Put> {
        let key = key(write.kind, &write.name);
        self.bucket
            .put(&key, &write.record.content(), condition)
            .await
    }

    /// Says what somebody else did to an account that was to be written.
    async fn refusal(&self, write: &Write) -> Error {
        self.note_overtaken();
        let Write { kind, name, .. } = write;
        let there = self.bucket.find(&key(*kind, name)).await;
        let when = match &there {
            Ok(Some(object)) => object.last_modified.map_or_else(String::new, |time| {
                format!(" at {}", time.format("%F %T UTC"))
            }),
            _ => String::new(),
        };
        let changes = match (&write.old, &there) {
            (Some(old), Ok(Some(now))) => changes_since(old, *kind, name, &now.content),
            _ => String::new(),
        };
        match (&write.condition, there) {
            (Condition::Absent, _) => Error::refused(format!(
                "{kind} {name} exists: somebody else added it{when}; nothing of it was overwritten"
            ))
            .with_hint(format!("`disco_accounts edit{kind} --name {name}` changes it")),
            (_, Ok(None)) => Error::refused(format!(
                "{kind} {name} was deleted by somebody else since it was read; it was not written"
            )),
            _ => Error::refused(format!(
                "{kind} {name} was changed by somebody else{when}, since it was read{changes}; nothing was overwritten"
            ))
            .with_hint(format!(
                "look at the new record with `disco_accounts edit{kind} --name {name}` and make your change there"
            )),
        }
    }

    /// Whether an account still holds what was written; its entity tag.
    pub(super) async fn own(&self, write: &Write) -> Result<Option<String>> {
        let object = self.bucket.find(&key(write.kind, &write.name)).await?;
        let content = write.record.content();
        let same = |object: &Object| object.content.expose_secret() == content.expose_secret();
        Ok(object.filter(same).map(|object| object.etag))
    }
}

impl Apply<Write> for Accounts<'_> {
    async fn apply(&self, change: &Change<Write>) -> Result<()> {
        let write = &change.action;
        match self.put(write, &write.condition).await? {
            // A group that comes with a user is not what the command is about.
            Put::Done if write.new.as_ref().is_some_and(|new| new.may_exist) => {}
            Put::Done => self.written.store(true, Ordering::Relaxed),
            // A group that comes with a user, which another `adduser` made a moment ago, serves as well.
            Put::Refused if write.new.as_ref().is_some_and(|new| new.may_exist) => return Ok(()),
            Put::Refused => return Err(self.refusal(write).await),
        }
        match &write.new {
            Some(new) => self
                .settle(write, new)
                .await
                .map_err(|error| unsettled(write, error)),
            None => Ok(()),
        }
    }
}

pub(super) fn key(kind: Kind, name: &str) -> String {
    format!("{}{name}", kind.prefix())
}

/// What somebody else changed in a record, for a message; empty if that cannot be said.
fn changes_since(old: &Record, kind: Kind, name: &str, now: &SecretSlice<u8>) -> String {
    let now = Record::checked(kind, name, now);
    let changes = now.map(|now| now.changes(old)).unwrap_or_default();
    match changes.is_empty() {
        true => String::new(),
        false => format!(" ({})", changes.join(", ")),
    }
}

/// The command cannot be repeated once the record is written: it exists then.
fn unsettled(write: &Write, error: Error) -> Error {
    let Write { kind, name, .. } = write;
    match error {
        Error::Aws(error) => Error::refused(format!(
            "{kind} {name} was written, but others may have its id too: {error}"
        ))
        .with_hint(format!(
            "compare the ids of `disco_accounts list{kind}s --output json`; `disco_accounts edit{kind} --name {name}` changes it"
        )),
        other => other,
    }
}

/// Whether this code of S3 is about one record, and not about the bucket, the credentials or the moment.
fn is_unreadable(code: &str) -> bool {
    let of_key = || code.starts_with(OF_KMS) && !PASSING.iter().any(|part| code.contains(part));
    UNREADABLE.contains(&code) || of_key()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn what_is_about_one_record() {
        for (code, expected) in [
            ("AccessDenied", true),
            ("InvalidObjectState", true),
            ("InvalidRequest", true),
            ("KMS.DisabledException", true),
            ("KMS.KMSInvalidStateException", true),
            ("KMS.ThrottlingException", false),
            ("SlowDown", false),
            ("InternalError", false),
            ("NoSuchBucket", false),
            ("ExpiredToken", false),
            ("HTTP 503", false),
        ] {
            assert_eq!(is_unreadable(code), expected, "{code}");
        }
    }
}
