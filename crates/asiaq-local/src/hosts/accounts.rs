//! Users and groups of a host: those of the machine, all without password, and `ec2-user`. Pure but for reading two files.

use crate::error::LocalError;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Account files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accounts {
    /// `/etc/passwd`.
    pub(crate) passwd: String,
    /// `/etc/group`.
    pub(crate) group: String,
    /// Number of `ec2-user` and its group.
    pub(crate) user: u32,
}

impl Accounts {
    /// Reads the machine's.
    pub(crate) fn of(etc: &Path) -> Result<Self, LocalError> {
        let read = |name: &str| {
            let path = etc.join(name);
            fs::read_to_string(&path).map_err(LocalError::file("cannot read", path))
        };
        Ok(Self::with_user(&read("passwd")?, &read("group")?))
    }

    fn with_user(passwd: &str, group: &str) -> Self {
        let others = |text: &str| -> Vec<String> {
            let kept = text.lines().filter(|line| !line.starts_with("ec2-user:"));
            kept.map(str::to_owned).collect()
        };
        let (mut passwd, mut group) = (others(passwd), others(group));
        let number = |line: &String| line.split(':').nth(2)?.parse().ok();
        let taken: BTreeSet<u32> = passwd.iter().chain(&group).filter_map(number).collect();
        let user = (1000..).find(|id| !taken.contains(id)).unwrap_or(1000);
        passwd.push(format!(
            "ec2-user:x:{user}:{user}::/home/ec2-user:/bin/bash"
        ));
        group.push(format!("ec2-user:x:{user}:"));
        let text = |lines: Vec<String>| lines.join("\n") + "\n";
        Self {
            passwd: text(passwd),
            group: text(group),
            user,
        }
    }

    /// `/etc/shadow`: nobody has a password. Not `!`, which sshd takes for a locked account.
    pub(crate) fn shadow(&self) -> String {
        names(&self.passwd)
            .map(|name| format!("{name}:*:20000:0:99999:7:::\n"))
            .collect()
    }

    /// `/etc/gshadow`.
    pub(crate) fn gshadow(&self) -> String {
        names(&self.group)
            .map(|name| format!("{name}:*::\n"))
            .collect()
    }
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    let first = text
        .lines()
        .map(|line| line.split_once(':').map_or(line, |(name, _)| name));
    first.filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn the_user_takes_the_first_free_number() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nme:x:1000:1001::/home/me:/bin/sh\n";
        let found = Accounts::with_user(passwd, "root:x:0:\nme:x:1001:\n");
        assert_eq!(found.user, 1002);
        assert!(found.passwd.starts_with(passwd));
        assert!(
            found
                .passwd
                .ends_with("ec2-user:x:1002:1002::/home/ec2-user:/bin/bash\n")
        );
        assert_eq!(found.group, "root:x:0:\nme:x:1001:\nec2-user:x:1002:\n");
        assert_eq!(
            found.shadow(),
            "root:*:20000:0:99999:7:::\nme:*:20000:0:99999:7:::\nec2-user:*:20000:0:99999:7:::\n"
        );
        assert_eq!(found.gshadow(), "root:*::\nme:*::\nec2-user:*::\n");
    }

    #[test]
    fn a_user_of_that_name_is_replaced() {
        let found = Accounts::with_user(
            "ec2-user:x:1000:1000::/x:/bin/false\n",
            "ec2-user:x:1000:\n",
        );
        assert_eq!(
            found.passwd,
            "ec2-user:x:1000:1000::/home/ec2-user:/bin/bash\n"
        );
    }
}
