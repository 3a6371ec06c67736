//! Password hashes in the `shadow` file of a tree, where no `chpasswd` can be run.

use super::keys::Root;
use crate::error::{Error, Result};
use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use std::fs::{File, Metadata, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::time::{Duration, SystemTime};

/// Name of the file in `etc`.
const FILE: &str = "shadow";

/// Puts a hash into the file at once: it is never half written, and never readable by more people than before. Links in the
/// tree are not followed.
///
/// # Errors
/// There is no such user; the file cannot be written.
pub(super) fn set_hash(root: &Root, name: &str, hash: &SecretString) -> Result<()> {
    let path = root.path("etc").join(FILE);
    let failed =
        |error: io::Error| Error::refused(format!("cannot write {}: {error}", path.display()));
    let (etc, mut file) = root.open_etc(FILE).map_err(failed)?;
    let mut old = Zeroizing::new(String::new());
    file.read_to_string(&mut old).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let since = since.unwrap_or(Duration::ZERO);
    let new = with_hash(&old, name, hash, since.as_secs() / 86_400)
        .ok_or_else(|| Error::not_found(format!("no user {name} in {}", path.display())))?;
    // Nobody else makes a file of this name; if somebody does, the run fails.
    let draft = format!(".{FILE}-{}-{}", std::process::id(), since.as_nanos());
    let written = write(&etc, &draft, new.as_bytes(), &before)
        .and_then(|()| renameat(&etc, draft.as_str(), &etc, FILE).map_err(io::Error::from));
    if written.is_err() {
        // What matters is why it was not written.
        let _ = unlinkat(&etc, draft.as_str(), AtFlags::empty());
    }
    written.map_err(failed)
}

/// A new file with the owner and the mode of an old one.
fn write(etc: &OwnedFd, name: &str, content: &[u8], before: &Metadata) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat(etc, name, flags, Mode::from_raw_mode(0o600))?);
    file.write_all(content)?;
    fchown(&file, Some(before.uid()), Some(before.gid()))?;
    file.set_permissions(Permissions::from_mode(before.mode() & 0o7777))?;
    file.sync_all()
}

/// The text of the file with another hash, changed today. `None` if there is no such user.
fn with_hash(text: &str, name: &str, hash: &SecretString, today: u64) -> Option<Zeroizing<String>> {
    let mut new = Zeroizing::new(String::with_capacity(text.len() + 256));
    let mut found = false;
    for line in text.lines() {
        match line.splitn(4, ':').collect::<Vec<_>>()[..] {
            [user, _, _, rest] if user == name => {
                found = true;
                let hash = hash.expose_secret();
                new.push_str(&Zeroizing::new(format!("{user}:{hash}:{today}:{rest}")));
            }
            _ => new.push_str(line),
        }
        new.push('\n');
    }
    found.then_some(new)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn one_hash_changes_and_nothing_else() {
        let old = "root:*:1:0:99999:7:::\nann:!:20000::::::\nanna:x:1::::::\nodd line\n";
        let hash = SecretString::from("$6$s$h");
        let new = with_hash(old, "ann", &hash, 20780).unwrap();
        assert_eq!(*new, old.replace("ann:!:20000:", "ann:$6$s$h:20780:"));
        assert!(with_hash(old, "an", &hash, 1).is_none());
        assert!(with_hash(old, "odd line", &hash, 1).is_none());
    }

    #[test]
    fn the_file_keeps_its_mode_and_stays_alone() {
        let directory = tempfile::tempdir().unwrap();
        let etc = directory.path().join("etc");
        fs::create_dir(&etc).unwrap();
        let path = etc.join("shadow");
        fs::write(&path, "ann:!:1::::::\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let root = Root::new(Some(directory.path())).unwrap();
        set_hash(&root, "ann", &SecretString::from("h")).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("ann:h:") && text.ends_with(":::::\n"),
            "{text}"
        );
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
        assert_eq!(fs::read_dir(&etc).unwrap().count(), 1);
        let error = set_hash(&root, "bob", &SecretString::from("h")).unwrap_err();
        assert!(error.to_string().starts_with("no user bob in "));
    }

    /// An absolute link would lead to the files of this machine.
    #[test]
    fn no_link_leads_out_of_the_tree() {
        let host = tempfile::tempdir().unwrap();
        let target = host.path().join("shadow");
        fs::write(&target, "ann:!:1::::::\n").unwrap();
        for bent in ["etc", "etc/shadow"] {
            let tree = tempfile::tempdir().unwrap();
            match bent {
                "etc" => symlink(host.path(), tree.path().join(bent)).unwrap(),
                _ => {
                    fs::create_dir(tree.path().join("etc")).unwrap();
                    symlink(&target, tree.path().join(bent)).unwrap();
                }
            }
            let root = Root::new(Some(tree.path())).unwrap();
            let error = set_hash(&root, "ann", &SecretString::from("h")).unwrap_err();
            assert!(error.to_string().contains("reached by a link"), "{error}");
            let text = fs::read_to_string(&target).unwrap();
            assert_eq!(text, "ann:!:1::::::\n", "{bent}");
            assert_eq!(fs::read_dir(host.path()).unwrap().count(), 1, "{bent}");
        }
    }
}
