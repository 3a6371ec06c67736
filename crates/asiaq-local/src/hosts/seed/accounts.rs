//! Account files of a host as text: adding users and groups. Pure.

use std::collections::BTreeSet;

/// Content of `/etc/passwd` and `/etc/group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts {
    /// `/etc/passwd`.
    pub passwd: String,
    /// `/etc/group`.
    pub group: String,
}

impl Accounts {
    /// Adds a user with a group and a home of its own, and gives its number. One that exists stays as it is.
    pub fn add(&mut self, name: &str) -> u32 {
        if let Some(number) = number_of(&self.passwd, name) {
            return number;
        }
        let number = self.free();
        line(
            &mut self.passwd,
            &format!("{name}:x:{number}:{number}::/home/{name}:/bin/bash"),
        );
        if number_of(&self.group, name).is_none() {
            line(&mut self.group, &format!("{name}:x:{number}:"));
        }
        number
    }

    /// Adds a group, unless it exists.
    pub fn add_group(&mut self, name: &str) {
        if number_of(&self.group, name).is_none() {
            let number = self.free();
            line(&mut self.group, &format!("{name}:x:{number}:"));
        }
    }

    /// The same without a user and its group.
    pub(crate) fn without(&self, name: &str) -> Self {
        let others = |text: &str| -> String {
            let other = |line: &&str| line.split(':').next() != Some(name);
            let kept = text.lines().filter(other);
            kept.map(|line| format!("{line}\n")).collect()
        };
        Self {
            passwd: others(&self.passwd),
            group: others(&self.group),
        }
    }

    /// The first number that neither a user nor a group has.
    fn free(&self) -> u32 {
        let lines = self.passwd.lines().chain(self.group.lines());
        let taken: BTreeSet<u32> = lines.filter_map(number).collect();
        (1001..)
            .find(|number| !taken.contains(number))
            .unwrap_or(1001)
    }

    /// `/etc/shadow`: nobody has a password. Not `!`, which sshd takes for a locked account.
    pub fn shadow(&self) -> String {
        names(&self.passwd)
            .map(|name| format!("{name}:*:20000:0:99999:7:::\n"))
            .collect()
    }

    /// `/etc/gshadow`.
    pub fn gshadow(&self) -> String {
        names(&self.group)
            .map(|name| format!("{name}:*::\n"))
            .collect()
    }
}

fn line(text: &mut String, line: &str) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(line);
    text.push('\n');
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    let first = text
        .lines()
        .map(|line| line.split(':').next().unwrap_or_default());
    first.filter(|name| !name.is_empty())
}

fn number(line: &str) -> Option<u32> {
    line.split(':').nth(2)?.parse().ok()
}

fn number_of(text: &str, name: &str) -> Option<u32> {
    let mut lines = text.lines();
    number(lines.find(|line| line.split(':').next() == Some(name))?)
}
