//! Users and groups of the running machine. A static program has no plug-ins of the C library, so it reads `/etc/passwd` and
//! `/etc/group` itself and asks the machine's own `getent` for all others.

use crate::error::AcfgError;
use crate::plan::{Accounts, Owner};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What makes accounts that are missing.
pub trait MakeAccounts: Accounts {
    /// Makes a group.
    ///
    /// # Errors
    /// The program that does it fails.
    fn make_group(&self, name: &str) -> Result<(), AcfgError>;

    /// Makes a user of the system without login, in a group that exists.
    ///
    /// # Errors
    /// The group is missing, or the program that does it fails.
    fn make_user(&self, owner: &Owner) -> Result<(), AcfgError>;
}

/// Exit code of `getent` for a name that nobody knows.
const UNKNOWN: i32 = 2;

type Key = (&'static str, String);

/// The accounts of this machine.
#[derive(Debug, Default)]
pub struct LocalAccounts {
    /// The directory with `etc`, for tests; empty for the machine's own.
    root: PathBuf,
    /// Answers so far; emptied when an account is made.
    known: RefCell<HashMap<Key, Option<u32>>>,
}

impl LocalAccounts {
    fn number(&self, database: &'static str, name: &str) -> Result<Option<u32>, AcfgError> {
        let key = (database, name.to_owned());
        if let Some(known) = self.known.borrow().get(&key) {
            return Ok(*known);
        }
        let file = self.file(database);
        let bytes = match std::fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(AcfgError::io("read", &file)(error)),
        };
        let number = match find(&bytes, name) {
            Some(number) => Some(number),
            None => asked(database, name)?,
        };
        self.known.borrow_mut().insert(key, number);
        Ok(number)
    }

    fn file(&self, database: &str) -> PathBuf {
        let root = if self.root.as_os_str().is_empty() {
            Path::new("/")
        } else {
            &self.root
        };
        root.join("etc").join(database)
    }
}

impl Accounts for LocalAccounts {
    fn user(&self, name: &str) -> Result<Option<u32>, AcfgError> {
        self.number("passwd", name)
    }

    fn group(&self, name: &str) -> Result<Option<u32>, AcfgError> {
        self.number("group", name)
    }
}

impl MakeAccounts for LocalAccounts {
    fn make_group(&self, name: &str) -> Result<(), AcfgError> {
        self.known.borrow_mut().clear();
        let what = format!("cannot make group `{name}`");
        must("/usr/sbin/groupadd", &["-f", name], &what)
    }

    fn make_user(&self, owner: &Owner) -> Result<(), AcfgError> {
        self.known.borrow_mut().clear();
        let (user, group) = (owner.user.as_str(), owner.group.as_str());
        let what = format!("cannot make user `{user}`");
        let number = self.group(group)?.or_else(|| group.parse().ok());
        let number = number.ok_or_else(|| AcfgError::Account {
            what: format!("{what}: its group `{group}` does not exist"),
        })?;
        let number = number.to_string();
        let rest = ["--gid", &number, "--shell", "/sbin/nologin", user];
        // The long option is Debian's, the short one Red Hat's.
        let attempt = |first| {
            let words = [&[first], &rest[..]].concat();
            must("/usr/sbin/adduser", &words, &what)
        };
        attempt("--system").or_else(|first| attempt("-r").map_err(|second| both(&first, &second)))
    }
}

/// The number in the line of that name. Lines that are no accounts do not matter.
fn find(bytes: &[u8], name: &str) -> Option<u32> {
    bytes.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let found = fields.next()? == name.as_bytes();
        let number = fields.nth(1).filter(|_| found)?;
        std::str::from_utf8(number).ok()?.parse().ok()
    })
}

fn asked(database: &str, name: &str) -> Result<Option<u32>, AcfgError> {
    let words = [database, name];
    let output = match Command::new("getent").args(words).output() {
        Ok(output) => output,
        // Then the files are all there is.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(AcfgError::io("start", Path::new("getent"))(error)),
    };
    match output.status.code() {
        // A number is a question for the account with that number, which may have another name.
        Some(0) => Ok(find(&output.stdout, name)),
        Some(UNKNOWN) => Ok(None),
        _ => Err(AcfgError::Account {
            what: format!("`getent {database} {name}` failed: {}", said(&output)),
        }),
    }
}

fn must(program: &str, words: &[&str], what: &str) -> Result<(), AcfgError> {
    let output = Command::new(program)
        .args(words)
        .output()
        .map_err(|error| AcfgError::Account {
            what: format!("{what}: cannot start `{program}`: {error}"),
        })?;
    if output.status.success() {
        return Ok(());
    }
    Err(AcfgError::Account {
        what: format!("{what}: `{program}` failed: {}", said(&output)),
    })
}

/// Why neither of two attempts worked.
fn both(first: &AcfgError, second: &AcfgError) -> AcfgError {
    let (first, second) = (first.to_string(), second.to_string());
    let what = if first == second {
        first
    } else {
        format!("{first}; with the options of other systems: {second}")
    };
    AcfgError::Account { what }
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let text = text.trim();
    if text.is_empty() {
        output.status.to_string()
    } else {
        text.replace('\n', "; ")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn numbers_are_found_by_the_whole_name() {
        let text = b"root:x:0:0:root:/root:/bin/bash\n\n+::::::\nroot2:x:7:7\nbad:x:q:0\nshort\nann:x:1001:50::\n\xff:x:9:9";
        let table = [
            ("root", Some(0)),
            ("root2", Some(7)),
            ("roo", None),
            ("ann", Some(1001)),
            ("bad", None),
            ("short", None),
            ("x", None),
            ("1001", None),
        ];
        for (name, want) in table {
            assert_eq!(find(text, name), want, "{name}");
        }
    }

    #[test]
    fn what_both_attempts_said_is_told() {
        let account = |what: &str| AcfgError::Account { what: what.into() };
        let table = [
            ("disk full", "disk full", "disk full"),
            (
                "disk full",
                "no option -r",
                "disk full; with the options of other systems: no option -r",
            ),
        ];
        for (first, second, want) in table {
            assert_eq!(both(&account(first), &account(second)).to_string(), want);
        }
    }

    #[test]
    fn the_file_comes_before_the_program_and_both_know_root() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("etc")).unwrap();
        std::fs::write(scratch.path().join("etc/passwd"), "root:x:42:0::/:/\n").unwrap();
        let accounts = LocalAccounts {
            root: scratch.path().to_owned(),
            ..LocalAccounts::default()
        };
        assert_eq!(accounts.user("root").unwrap(), Some(42));
        // There is no group file here: this is the machine's answer.
        assert_eq!(accounts.group("root").unwrap(), Some(0));
        assert_eq!(accounts.group("no-such-group").unwrap(), None);
        let own = LocalAccounts::default();
        assert_eq!(own.user("root").unwrap(), Some(0));
        assert_eq!(own.user("0").unwrap(), None);
    }
}
