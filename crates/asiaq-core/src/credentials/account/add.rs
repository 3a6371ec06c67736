//! New accounts: ids that nobody has, the group that comes with a user, and what happens when two people add at once.
//!
//! Nothing in a bucket reserves an id, so two commands may choose the same one. Each looks at the others' records after it has
//! written its own. At least the later one then sees both, and whoever sees another record with its id takes another id.

use super::ids;
use super::record::{Kind, Record};
use super::store::{Account, Accounts, Write};
use crate::bucket::{Condition, Put};
use crate::error::{Error, Result};
use crate::plan::{Plan, Sign};
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet};

/// How often another id is chosen before giving up.
const TRIES: usize = 8;

/// What accounts there are, as far as a new one has to know.
#[derive(Debug, Clone)]
pub struct Room {
    users: Census,
    groups: Census,
}

/// Names of one kind, and the ids of those whose records can be read.
#[derive(Debug, Clone, Default)]
pub(super) struct Census {
    names: BTreeSet<String>,
    ids: BTreeMap<String, u32>,
}

/// What is to be known of the others when a new record is written.
#[derive(Debug, Clone)]
pub(super) struct Newcomer {
    others: Census,
    /// The id was chosen here, so another one is as good.
    chosen: bool,
    /// It is no matter if the account appears meanwhile.
    pub(super) may_exist: bool,
}

impl Census {
    fn of(accounts: &[Account]) -> Self {
        let id = |account: &Account| {
            let id = account.record.as_ref()?.id().ok()?;
            Some((account.name.clone(), id))
        };
        Self {
            names: accounts
                .iter()
                .map(|account| account.name.clone())
                .collect(),
            ids: accounts.iter().filter_map(id).collect(),
        }
    }

    fn without(&self, name: &str) -> Self {
        let mut others = self.clone();
        others.names.remove(name);
        others.ids.remove(name);
        others
    }

    /// Whether the record of an account could not be used. It is not read again.
    fn is_useless(&self, name: &str) -> bool {
        self.names.contains(name) && !self.ids.contains_key(name)
    }

    fn next(&self) -> u32 {
        ids::free(self.ids.values().copied(), 0)
    }

    fn holders(&self, id: u32) -> Vec<&str> {
        let same = self.ids.iter().filter(|(_, other)| **other == id);
        same.map(|(name, _)| name.as_str()).collect()
    }
}

impl Room {
    /// The record of a new user, with the next id.
    pub fn user(&self, hash: &SecretString) -> Record {
        Record::new_user(self.users.next(), hash)
    }

    /// Checks that a user can be added, before anything is asked.
    ///
    /// # Errors
    /// It exists and is not to be overwritten; its group exists with a record that no host could install.
    pub fn check_user(&self, name: &str, force: bool) -> Result<()> {
        let group = &self.groups;
        if group.names.contains(name) && !group.ids.contains_key(name) {
            return Err(Error::refused(format!(
                "group {name} exists, but its record cannot be used, and no host could install user {name} without it"
            ))
            .with_hint(format!("repair it with `disco_accounts editgroup --name {name}`")));
        }
        self.users.check_absent(Kind::User, name, force)
    }

    /// What adding a user writes: first the group of its name, unless there is one, so that a run that was killed between the
    /// two can be repeated.
    ///
    /// # Errors
    /// As [`Room::check_user`]; the record has the id of another user.
    pub fn plan_user(&self, name: &str, record: Record, force: bool) -> Result<Plan<Write>> {
        self.check_user(name, force)?;
        let mut plan = Plan::default();
        if !self.groups.names.contains(name) {
            let group = Record::new_group(self.groups.next());
            self.groups.push(&mut plan, name, group, false, true)?;
        }
        self.users.push(&mut plan, name, record, force, false)?;
        Ok(plan)
    }

    /// What adding a group writes.
    ///
    /// # Errors
    /// It exists and is not to be overwritten.
    pub fn plan_group(&self, name: &str, force: bool) -> Result<Plan<Write>> {
        self.groups.check_absent(Kind::Group, name, force)?;
        let mut plan = Plan::default();
        let group = Record::new_group(self.groups.next());
        self.groups.push(&mut plan, name, group, force, false)?;
        Ok(plan)
    }
}

impl Census {
    fn check_absent(&self, kind: Kind, name: &str, force: bool) -> Result<()> {
        if self.names.contains(name) && !force {
            return Err(Error::refused(format!("{kind} {name} exists")).with_hint(format!(
                "change it with `disco_accounts edit{kind} --name {name}`, or overwrite it with `--force`"
            )));
        }
        Ok(())
    }

    fn check_id(&self, kind: Kind, id: u32) -> Result<()> {
        match self.holders(id).first() {
            None => Ok(()),
            Some(other) => Err(Error::refused(format!(
                "id {id} belongs to {kind} {other} already"
            ))
            .with_hint(format!("{} is free", self.next()))),
        }
    }

    fn check_written(&self, kind: Kind, name: &str, id: u32) -> Result<()> {
        match self.holders(id).first() {
            None => Ok(()),
            Some(other) => Err(Error::refused(format!(
                "{kind} {name} was written with id {id}, but {kind} {other} took it at the same time"
            ))
            .with_hint(format!(
                "give one of them another id with `disco_accounts edit{kind} --name {name}`; {} is free",
                self.next()
            ))),
        }
    }

    fn push(
        &self,
        plan: &mut Plan<Write>,
        name: &str,
        record: Record,
        force: bool,
        may_exist: bool,
    ) -> Result<()> {
        let (kind, id, others) = (record.kind(), record.id()?, self.without(name));
        others.check_id(kind, id)?;
        let sign = if self.names.contains(name) {
            Sign::Modify
        } else {
            Sign::Add
        };
        let needs: Vec<String> = match kind {
            Kind::User => vec![format!("group/{name}")],
            Kind::Group => Vec::new(),
        };
        let write = Write {
            kind,
            name: name.to_owned(),
            condition: if force {
                Condition::Always
            } else {
                Condition::Absent
            },
            old: None,
            new: Some(Newcomer {
                others,
                chosen: id == self.next(),
                may_exist,
            }),
            record,
        };
        let line = format!("{kind} {name} (id {id})");
        plan.push(format!("{kind}/{name}"), needs, sign, line, write);
        Ok(())
    }
}

impl Accounts<'_> {
    /// Reads what a new account has to know of the others.
    ///
    /// # Errors
    /// The bucket cannot be read.
    pub async fn room(&self) -> Result<Room> {
        let (users, groups) =
            futures::future::try_join(self.load(Kind::User), self.load(Kind::Group)).await?;
        Ok(Room {
            users: Census::of(&users),
            groups: Census::of(&groups),
        })
    }

    /// As [`Accounts::room`], for groups alone.
    ///
    /// # Errors
    /// The bucket cannot be read.
    pub async fn room_for_group(&self) -> Result<Room> {
        Ok(Room {
            users: Census::default(),
            groups: Census::of(&self.load(Kind::Group).await?),
        })
    }

    /// Checks that an edit which changes the id takes none of another account.
    ///
    /// # Errors
    /// The id belongs to another account; the bucket cannot be read.
    pub async fn check_new_id(&self, name: &str, old: Option<&Record>, new: &Record) -> Result<()> {
        let id = new.id()?;
        if old.and_then(|old| old.id().ok()) == Some(id) {
            return Ok(());
        }
        let others = Census::of(&self.load(new.kind()).await?).without(name);
        others.check_id(new.kind(), id)
    }

    /// Looks again after an edit that changed the id was written: somebody may have taken the same one at the same time.
    ///
    /// # Errors
    /// Another account has the id; the bucket cannot be read.
    pub async fn check_written_id(
        &self,
        name: &str,
        old: Option<&Record>,
        new: &Record,
    ) -> Result<()> {
        let (kind, id) = (new.kind(), new.id()?);
        if old.and_then(|old| old.id().ok()) == Some(id) {
            return Ok(());
        }
        let others = Census::of(&self.load(kind).await?).without(name);
        others.check_written(kind, name, id)
    }

    /// Looks for accounts, new or edited, that got the id of one that was just written meanwhile, and gives way.
    pub(super) async fn settle(&self, write: &Write, new: &Newcomer) -> Result<()> {
        let (kind, name) = (write.kind, write.name.as_str());
        let mut write = write.clone();
        for _ in 0..TRIES {
            let mut names = self.names(kind).await?;
            names.retain(|other| other != name && !new.others.is_useless(other));
            let fresh = Census::of(&self.load_these(kind, names).await?);
            let id = write.record.id()?;
            let rivals = fresh.holders(id);
            let Some(rival) = rivals.first() else {
                return Ok(());
            };
            if !new.chosen {
                return Err(clash(kind, name, rival, id));
            }
            // Rivals that see each other at the same time leave out as many ids as there are rivals before them.
            let before = rivals.iter().filter(|rival| **rival < name).count();
            let taken = new.others.ids.values().chain(fresh.ids.values());
            let next = ids::free(taken.copied(), before);
            let Some(etag) = self.own(&write).await? else {
                self.note_overtaken();
                return Err(clash(kind, name, rival, id));
            };
            write.record.set_id(next);
            if self.put(&write, &Condition::Unchanged(etag)).await? == Put::Refused {
                self.note_overtaken();
                return Err(clash(kind, name, rival, id));
            }
            tracing::info!(
                "{kind} {rival} was added with id {id} at the same time: {kind} {name} has id {next}"
            );
        }
        let id = write.record.id()?;
        Err(clash(kind, name, "others", id))
    }
}

fn clash(kind: Kind, name: &str, rival: &str, id: u32) -> Error {
    Error::refused(format!(
        "{kind} {name} was added, but {kind} {rival}, added or changed at the same time, has id {id} too"
    ))
    .with_hint(format!(
        "give it another id with `disco_accounts edit{kind} --name {name}`"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use secrecy::SecretSlice;

    fn account(kind: Kind, name: &str, id: &str) -> Account {
        let text = format!("[{kind}]\nid = {id}\n");
        let content: SecretSlice<u8> = text.into_bytes().into();
        Account {
            name: name.to_owned(),
            record: Record::checked(kind, name, &content).ok(),
        }
    }

    fn room(users: &[(&str, &str)], groups: &[(&str, &str)]) -> Room {
        let of = |kind: Kind, all: &[(&str, &str)]| {
            let all: Vec<Account> = all.iter().map(|(n, id)| account(kind, n, id)).collect();
            Census::of(&all)
        };
        Room {
            users: of(Kind::User, users),
            groups: of(Kind::Group, groups),
        }
    }

    fn add(room: &Room, force: bool) -> Result<Vec<String>, String> {
        let record = room.user(&SecretString::from("h"));
        let plan = room.plan_user("ann", record, force);
        plan.map(|plan| plan.lines())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn adding_a_user() {
        let both = ["+ group ann (id 2000)", "+ user ann (id 2000)"];
        assert_eq!(add(&room(&[], &[]), false).unwrap(), both);
        // Users and groups count separately; a broken record of somebody else is no matter.
        let others = room(&[("bob", "2000"), ("eve", "x")], &[("ops", "2001")]);
        let lines = ["+ group ann (id 2000)", "+ user ann (id 2001)"];
        assert_eq!(add(&others, false).unwrap(), lines);
        let group = room(&[("bob", "2000")], &[("ann", "7")]);
        assert_eq!(add(&group, false).unwrap(), ["+ user ann (id 2001)"]);
        let broken = add(&room(&[], &[("ann", "x")]), true).unwrap_err();
        assert!(broken.starts_with("group ann exists, but its record cannot be used"));
        let there = room(&[("ann", "2000")], &[("ann", "2000")]);
        assert_eq!(add(&there, false).unwrap_err(), "user ann exists");
        assert_eq!(add(&there, true).unwrap(), ["~ user ann (id 2001)"]);
        assert_eq!(
            add(&room(&[("ann", "x")], &[]), false).unwrap_err(),
            "user ann exists"
        );
    }

    #[test]
    fn the_group_is_written_first() {
        let room = room(&[], &[]);
        let plan = room.plan_user("ann", room.user(&SecretString::from("h")), false);
        let plan = plan.unwrap();
        let [group, user] = plan.changes() else {
            panic!("two changes")
        };
        assert_eq!(
            (group.id.as_str(), user.id.as_str()),
            ("group/ann", "user/ann")
        );
        assert_eq!(user.needs, ["group/ann"]);
        assert_eq!(user.action.condition, Condition::Absent);
    }

    #[test]
    fn an_id_that_the_editor_brought_must_be_free() {
        let room = room(&[("bob", "2000")], &[]);
        let record = |id: u32| Record::new_user(id, &SecretString::from("h"));
        let error = room.plan_user("ann", record(2000), false).unwrap_err();
        assert_eq!(error.to_string(), "id 2000 belongs to user bob already");
        assert_eq!(error.hint().unwrap(), "2001 is free");
        let plan = room.plan_user("ann", record(5000), false).unwrap();
        let chosen = |plan: &Plan<Write>| {
            let user = plan.changes().last().unwrap();
            user.action.new.as_ref().unwrap().chosen
        };
        assert!(!chosen(&plan) && chosen(&room.plan_user("ann", record(2001), false).unwrap()));
    }

    #[test]
    fn an_id_that_somebody_else_took_meanwhile_is_reported() {
        let others = room(&[("bob", "2000"), ("eve", "x")], &[]).users;
        others.check_written(Kind::User, "ann", 2001).unwrap();
        let error = others.check_written(Kind::User, "ann", 2000).unwrap_err();
        let text = "user ann was written with id 2000, but user bob took it at the same time";
        assert_eq!(error.to_string(), text);
        assert!(error.hint().unwrap().ends_with("; 2001 is free"));
        let useless = ["ann", "bob", "eve"].map(|name| others.is_useless(name));
        assert_eq!(useless, [false, false, true]);
    }

    #[test]
    fn adding_a_group() {
        let room = room(&[], &[("ops", "2000")]);
        assert_eq!(
            room.plan_group("dev", false).unwrap().lines(),
            ["+ group dev (id 2001)"]
        );
        let error = room.plan_group("ops", false).unwrap_err();
        assert_eq!(error.to_string(), "group ops exists");
        assert_eq!(
            room.plan_group("ops", true).unwrap().lines(),
            ["~ group ops (id 2001)"]
        );
    }
}
