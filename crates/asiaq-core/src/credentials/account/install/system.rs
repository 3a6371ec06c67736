//! The user database of a system: `passwd`, `group` and `shadow`. Everything but [`System::read`] is pure.

use super::keys::Root;
use crate::error::{Error, Result};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

/// Users and groups of a system.
#[derive(Debug, Clone, Default)]
pub(super) struct System {
    pub(super) users: BTreeMap<String, User>,
    pub(super) groups: BTreeMap<String, Group>,
}

/// One user.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) home: String,
    pub(super) shell: String,
    pub(super) hash: SecretString,
    /// Whether logins ended in the first days of the epoch, which is how accounts are switched off.
    pub(super) expired: bool,
    /// Whether logins never end.
    pub(super) unlimited: bool,
}

/// One group.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    pub(super) gid: u32,
    pub(super) members: BTreeSet<String>,
}

impl System {
    /// Reads the files of a system.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub(super) fn read(root: &Root) -> Result<Self> {
        let file = |name: &str| {
            let mut text = Zeroizing::new(Vec::<u8>::new());
            let read = root
                .open_etc(name)
                .and_then(|(_, mut file)| file.read_to_end(&mut text));
            read.map_err(|error| {
                let path = root.path("etc").join(name);
                Error::refused(format!("cannot read {}: {error}", path.display())).with_hint(
                    match root.is_host() {
                        true => "run this as root",
                        false => {
                            "run this as root; the tree needs etc/passwd, etc/group and etc/shadow"
                        }
                    },
                )
            })?;
            Ok::<_, Error>(Zeroizing::new(String::from_utf8_lossy(&text).into_owned()))
        };
        Ok(Self::parse(
            &file("passwd")?,
            &file("group")?,
            &file("shadow")?,
        ))
    }

    /// Reads the texts of the three files. Lines that are none of theirs are left out.
    pub(super) fn parse(passwd: &str, group: &str, shadow: &str) -> Self {
        let shadow: BTreeMap<&str, Vec<&str>> = shadow.lines().filter_map(entry).collect();
        let user = |(name, fields): (&str, Vec<&str>)| {
            let shadow = shadow.get(name);
            let field = |index: usize| {
                shadow
                    .and_then(|s| s.get(index))
                    .copied()
                    .unwrap_or_default()
            };
            let expires = field(6);
            let user = User {
                uid: fields.get(1)?.parse().ok()?,
                gid: fields.get(2)?.parse().ok()?,
                home: (*fields.get(4)?).to_owned(),
                shell: (*fields.get(5)?).to_owned(),
                hash: field(0).into(),
                expired: matches!(expires, "0" | "1"),
                unlimited: expires.is_empty(),
            };
            Some((name.to_owned(), user))
        };
        let group_of = |(name, fields): (&str, Vec<&str>)| {
            let members = fields
                .get(2)?
                .split(',')
                .filter(|member| !member.is_empty());
            let group = Group {
                gid: fields.get(1)?.parse().ok()?,
                members: members.map(str::to_owned).collect(),
            };
            Some((name.to_owned(), group))
        };
        Self {
            users: passwd.lines().filter_map(entry).filter_map(user).collect(),
            groups: group
                .lines()
                .filter_map(entry)
                .filter_map(group_of)
                .collect(),
        }
    }

    /// Groups that a user is a member of, apart from its own.
    pub(super) fn groups_of(&self, user: &str) -> BTreeSet<&str> {
        let all = self.groups.iter();
        let its = all.filter(|(_, group)| group.members.contains(user));
        its.map(|(name, _)| name.as_str()).collect()
    }
}

/// Name and other fields of a line.
fn entry(line: &str) -> Option<(&str, Vec<&str>)> {
    let (name, rest) = line.split_once(':')?;
    (!name.is_empty()).then(|| (name, rest.split(':').collect()))
}
