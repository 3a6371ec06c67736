//! From records and the user database to steps. Pure: what a home holds is asked for by a function.

use super::keys::Keys;
use super::system::{System, User};
use crate::credentials::account::record::{Record, check_name};
use crate::error::Error;
use crate::plan::{Plan, Sign};
use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeMap, BTreeSet};

/// The day on which logins of inactive accounts ended. Some systems do not take day 0 for a day.
const PAST: &str = "1970-01-02";

/// One change of a system.
#[derive(Debug, Clone)]
pub enum Step {
    /// Run a program of the system with these arguments; none of them is secret.
    Run {
        /// The program.
        program: &'static str,
        /// Its arguments.
        args: Vec<String>,
    },
    /// Set the hash of a password.
    Password {
        /// Whose.
        user: String,
        /// The hash.
        hash: SecretString,
    },
    /// Add authorized keys that are missing.
    Keys {
        /// Whose.
        user: String,
        /// All keys of the record.
        keys: Vec<String>,
    },
}

/// Plans; the second value says which accounts cannot be installed and why. `look` is asked with home, uid and gid.
pub(super) fn plan(
    groups: &[(String, Record)],
    users: &[(String, Record)],
    system: &System,
    look: impl Fn(&str, u32, u32) -> Result<Keys, String>,
) -> (Plan<Step>, Vec<Error>) {
    let mut planner = Planner {
        system,
        look,
        gids: system
            .groups
            .iter()
            .map(|(name, group)| (name.clone(), group.gid))
            .collect(),
        plan: Plan::default(),
        failures: Vec::new(),
    };
    for (name, record) in unique(groups) {
        let planned = planner.group(name, record);
        planner.keep("group", name, planned);
    }
    for (name, record) in unique(users) {
        let planned = planner.user(name, record);
        planner.keep("user", name, planned);
    }
    (planner.plan, planner.failures)
}

/// The first record of each name.
fn unique(records: &[(String, Record)]) -> impl Iterator<Item = (&str, &Record)> {
    let mut seen = BTreeSet::new();
    let records = records.iter().map(|(name, record)| (name.as_str(), record));
    records.filter(move |(name, _)| seen.insert(name.to_owned()))
}

struct Planner<'a, L> {
    system: &'a System,
    look: L,
    /// Groups as they will be.
    gids: BTreeMap<String, u32>,
    plan: Plan<Step>,
    failures: Vec<Error>,
}

/// What a user should be.
struct Wanted {
    uid: u32,
    gid: u32,
    home: Option<String>,
    shell: Option<String>,
    groups: Option<BTreeSet<String>>,
    active: bool,
}

impl<L: Fn(&str, u32, u32) -> Result<Keys, String>> Planner<'_, L> {
    fn keep(&mut self, kind: &str, name: &str, planned: Result<(), String>) {
        if let Err(problem) = planned {
            let name = name.escape_default();
            self.failures
                .push(Error::refused(format!("{kind} {name}: {problem}")));
        }
    }

    fn group(&mut self, name: &str, record: &Record) -> Result<(), String> {
        check_name(name)?;
        let gid = record.id().map_err(|error| error.to_string())?;
        let known = self.gids.insert(name.to_owned(), gid);
        let (sign, program, line) = match known {
            Some(old) if old == gid => return Ok(()),
            Some(old) => (
                Sign::Modify,
                "groupmod",
                format!("group {name}: gid {old} -> {gid}"),
            ),
            None => (Sign::Add, "groupadd", format!("group {name} (gid {gid})")),
        };
        let args = vec![format!("-g{gid}"), name.to_owned()];
        self.plan.push(
            format!("group/{name}"),
            [""; 0],
            sign,
            line,
            Step::Run { program, args },
        );
        Ok(())
    }

    fn user(&mut self, name: &str, record: &Record) -> Result<(), String> {
        check_name(name)?;
        let text = |error: Error| error.to_string();
        let wanted = Wanted {
            uid: record.id().map_err(text)?,
            gid: *self
                .gids
                .get(name)
                .ok_or_else(|| format!("No group for {name}."))?,
            home: record.home().map_err(text)?,
            shell: record.shell().map_err(text)?,
            groups: record
                .groups()
                .map_err(text)?
                .map(|groups| self.named(groups)),
            active: record.active().map_err(text)?,
        };
        wanted.check()?;
        let keys = record.ssh_keys().map_err(text)?;
        let hash = record.password().map_err(text)?;
        let system = self.system;
        let known = system.users.get(name);
        match known {
            None => self.add(name, &wanted),
            Some(known) => self.modify(name, known, &wanted),
        }
        // A broken hash, or a home that cannot be trusted, leaves the other parts of the account alone.
        let set = self.password(name, known, hash);
        self.keep("user", name, set);
        self.keys(name, known, &wanted, keys)
    }

    /// Groups by name: the programs of the system take a number for a gid, and the user database has names.
    fn named(&self, groups: Vec<String>) -> BTreeSet<String> {
        let name = |group: String| {
            let is_number = group.chars().all(|c| c.is_ascii_digit());
            let gid = group.parse::<u32>().ok().filter(|_| is_number);
            let mut known = self.gids.iter();
            match known.find(|(_, known)| Some(**known) == gid) {
                Some((name, _)) => name.clone(),
                None => group,
            }
        };
        groups.into_iter().map(name).collect()
    }

    fn add(&mut self, name: &str, wanted: &Wanted) {
        let mut args = vec!["-m".to_owned()];
        args.extend(wanted.home.as_ref().map(|home| format!("-d{home}")));
        if let Some(groups) = &wanted.groups {
            args.extend(list_option("-G", &joined(groups)));
        }
        args.push(format!("-u{}", wanted.uid));
        args.extend(
            wanted
                .shell
                .as_ref()
                .filter(|s| !s.is_empty())
                .map(|shell| format!("-s{shell}")),
        );
        args.extend(wanted.expiry());
        args.push(format!("-g{}", wanted.gid));
        args.push(name.to_owned());
        let state = if wanted.active { "" } else { ", inactive" };
        let line = format!("user {name} (uid {}{state})", wanted.uid);
        self.push_user(name, Sign::Add, line, "useradd", args, wanted);
    }

    fn modify(&mut self, name: &str, known: &User, wanted: &Wanted) {
        let (mut args, mut lines) = (Vec::new(), Vec::new());
        let mut differs = |what: &str, old: &str, new: &str, option: Vec<String>| {
            lines.push(format!("user {name}: {what} {old} -> {new}"));
            args.extend(option);
        };
        if let Some(home) = wanted.home.as_ref().filter(|home| **home != known.home) {
            differs("home", &known.home, home, vec![format!("-d{home}")]);
        }
        let groups = self.system.groups_of(name);
        if let Some(new) = wanted
            .groups
            .as_ref()
            .filter(|new| !groups.iter().copied().eq(new.iter()))
        {
            let old = groups.iter().copied().collect::<Vec<_>>().join(",");
            differs(
                "groups",
                &old,
                &joined(new),
                list_option("-G", &joined(new)),
            );
        }
        if wanted.uid != known.uid {
            let (old, new) = (known.uid.to_string(), wanted.uid.to_string());
            differs("uid", &old, &new, vec![format!("-u{new}")]);
        }
        let shell = wanted.shell.as_ref().filter(|shell| !shell.is_empty());
        if let Some(shell) = shell.filter(|shell| **shell != known.shell) {
            differs("shell", &known.shell, shell, vec![format!("-s{shell}")]);
        }
        if wanted.active && !known.unlimited || !wanted.active && !known.expired {
            let name = |active: bool| if active { "active" } else { "inactive" };
            differs(
                "is",
                name(!wanted.active),
                name(wanted.active),
                wanted.expiry(),
            );
        }
        // `groupmod` takes along the users whose main group it changes.
        let own = self.system.groups.get(name).map(|group| group.gid);
        if wanted.gid != known.gid && own != Some(known.gid) {
            let (old, new) = (known.gid.to_string(), wanted.gid.to_string());
            differs("gid", &old, &new, vec![format!("-g{new}")]);
        }
        if !lines.is_empty() {
            args.push(name.to_owned());
            self.push_user(name, Sign::Modify, lines, "usermod", args, wanted);
        }
    }

    fn push_user(
        &mut self,
        name: &str,
        sign: Sign,
        lines: impl crate::plan::Lines,
        program: &'static str,
        args: Vec<String>,
        wanted: &Wanted,
    ) {
        let needed = wanted.groups.iter().flatten().map(String::as_str);
        let needs = needed.chain([name]).map(|group| format!("group/{group}"));
        let needs: Vec<String> = needs.collect();
        self.plan.push(
            format!("user/{name}"),
            needs,
            sign,
            lines,
            Step::Run { program, args },
        );
    }

    fn password(
        &mut self,
        name: &str,
        known: Option<&User>,
        hash: Option<SecretString>,
    ) -> Result<(), String> {
        // An empty hash would let everybody in.
        let Some(hash) = hash.filter(|hash| !hash.expose_secret().is_empty()) else {
            return Ok(());
        };
        if !hash
            .expose_secret()
            .chars()
            .all(|c| c.is_ascii_graphic() && c != ':')
        {
            return Err("its password is no hash".to_owned());
        }
        let sign = match known {
            Some(known) if known.hash.expose_secret() == hash.expose_secret() => return Ok(()),
            Some(_) => Sign::Modify,
            None => Sign::Add,
        };
        let user = name.to_owned();
        self.plan.push(
            format!("password/{name}"),
            [format!("user/{name}")],
            sign,
            format!("password of user {name}"),
            Step::Password { user, hash },
        );
        Ok(())
    }

    fn keys(
        &mut self,
        name: &str,
        known: Option<&User>,
        wanted: &Wanted,
        keys: Vec<String>,
    ) -> Result<(), String> {
        if keys.is_empty() {
            return Ok(());
        }
        let found = match known {
            None => Keys::default(),
            // Files of a user whose id changes still belong to the old one.
            Some(known) => {
                let home = wanted.home.as_ref().unwrap_or(&known.home);
                (self.look)(home, known.uid, wanted.gid)?
            }
        };
        let missing = keys.iter().filter(|key| !found.lines.contains(key)).count();
        let mut lines = Vec::new();
        let home = if known.is_some() && !found.home {
            " and home directory"
        } else {
            ""
        };
        match missing {
            0 if found.right => return Ok(()),
            0 => lines.push(format!(
                "owner and mode of the authorized keys of user {name}"
            )),
            1 => lines.push(format!("1 authorized key{home} of user {name}")),
            many => lines.push(format!("{many} authorized keys{home} of user {name}")),
        }
        let sign = if missing == 0 {
            Sign::Modify
        } else {
            Sign::Add
        };
        let user = name.to_owned();
        self.plan.push(
            format!("keys/{name}"),
            [format!("user/{name}")],
            sign,
            lines,
            Step::Keys { user, keys },
        );
        Ok(())
    }
}

impl Wanted {
    /// Fields of the user database end at `:` and at the end of the line.
    fn check(&self) -> Result<(), String> {
        let groups = self.groups.iter().flatten();
        for value in self.home.iter().chain(&self.shell).chain(groups) {
            if value.contains(|c: char| c.is_control() || c == ':') {
                return Err(format!(
                    "`{}` is not for the user database",
                    value.escape_default()
                ));
            }
        }
        match &self.home {
            Some(home) if !home.starts_with('/') => {
                Err(format!("home directory `{home}` is no absolute path"))
            }
            _ => Ok(()),
        }
    }

    fn expiry(&self) -> Vec<String> {
        list_option("-e", if self.active { "" } else { PAST })
    }
}

/// An option with its value, as two words if the value is empty: it would take the next word for it.
fn list_option(option: &str, value: &str) -> Vec<String> {
    if value.is_empty() {
        vec![option.to_owned(), String::new()]
    } else {
        vec![format!("{option}{value}")]
    }
}

fn joined(names: &BTreeSet<String>) -> String {
    names
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests;
