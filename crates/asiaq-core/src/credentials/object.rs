//! One secret as an object of a bucket (spec 10, section 8): writing, deleting with all its versions, saving in a file.
//!
//! Writing and deleting need nothing but the permission to do so: the object is looked at only where a plan is to be shown.

use crate::bucket::{Bucket, Condition, Deleted, Object, VERSIONS_AT_ONCE};
use crate::error::{Error, Result};
use crate::plan::{Apply, Change, Plan, Progress, Sign};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretSlice};
use std::fs::{self, File, Metadata, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tempfile::NamedTempFile;

/// Rights that no file with a secret gives: those of all others.
const OTHERS: u32 = 0o007;
/// Bits of a mode that make programs special.
const SPECIAL: u32 = 0o7000;

/// What [`set`] will do.
///
/// # Errors
/// The bucket cannot be read.
pub async fn plan_set(bucket: &Bucket<'_>, key: &str) -> Result<Plan<()>> {
    let sign = match bucket.exists(key).await? {
        true => Sign::Modify,
        false => Sign::Add,
    };
    let mut plan = Plan::default();
    plan.push("object", [""; 0], sign, place(bucket, key), ());
    Ok(plan)
}

/// Writes an object, whatever was there.
///
/// # Errors
/// The bucket does not exist, or the object cannot be written.
pub async fn set(bucket: &Bucket<'_>, key: &str, content: &SecretSlice<u8>) -> Result<()> {
    bucket.put(key, content, &Condition::Always).await?;
    Ok(())
}

/// What [`delete`] will do.
///
/// # Errors
/// The bucket cannot be read.
pub async fn plan_delete(bucket: &Bucket<'_>, key: &str) -> Result<Plan<()>> {
    let mut plan = Plan::default();
    if bucket.exists(key).await? {
        plan.push("object", [""; 0], Sign::Remove, place(bucket, key), ());
    }
    Ok(plan)
}

/// Deletes an object; that there is none is fine. In a bucket that keeps versions that only hides it, with a warning.
///
/// # Errors
/// The bucket does not exist, or the object cannot be deleted.
pub async fn delete(bucket: &Bucket<'_>, key: &str) -> Result<()> {
    if bucket.delete(key).await? == Deleted::Hidden {
        tracing::warn!(
            "bucket {} keeps versions: what was in {key} can still be read by version; `disco_creds delete --key {key} \
             --all-versions` removes that too",
            bucket.name()
        );
    }
    Ok(())
}

/// Some versions and delete markers of one object, that go in one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions(Vec<String>);

/// The plan to delete all versions and delete markers of an object.
///
/// # Errors
/// The versions cannot be listed.
pub async fn plan_delete_versions(bucket: &Bucket<'_>, key: &str) -> Result<Plan<Versions>> {
    let ids = bucket.versions(key).await?;
    let mut plan = Plan::default();
    for (index, part) in ids.chunks(VERSIONS_AT_ONCE).enumerate() {
        plan.push(
            format!("versions/{index}"),
            [""; 0],
            Sign::Remove,
            format!(
                "versions and delete markers of {}: {}",
                place(bucket, key),
                part.len()
            ),
            Versions(part.to_vec()),
        );
    }
    Ok(plan)
}

/// Applies such a plan.
///
/// # Errors
/// Versions that could not be deleted.
pub async fn delete_versions(
    bucket: &Bucket<'_>,
    key: &str,
    plan: &Plan<Versions>,
    progress: &dyn Progress,
) -> Result<()> {
    plan.apply(&Remover { bucket, key }, progress).await?;
    Ok(())
}

struct Remover<'a> {
    bucket: &'a Bucket<'a>,
    key: &'a str,
}

impl Apply<Versions> for Remover<'_> {
    async fn apply(&self, change: &Change<Versions>) -> Result<(), Error> {
        let Versions(ids) = &change.action;
        self.bucket.delete_versions(self.key, ids).await
    }
}

/// The plan to save an object in a local file. A new one can be read by its owner only, one that is there by whoever could do
/// so before, except all others. Empty if the file is already as it is to be.
///
/// # Errors
/// The object does not exist or cannot be read; the path is no place for a file.
pub async fn plan_save(bucket: &Bucket<'_>, key: &str, path: &Path) -> Result<Plan<Object>> {
    let target = target(path)?;
    let object = bucket.get(key).await?;
    let mut plan = Plan::default();
    if !is_as_wanted(&target, &object) {
        let sign = match target.exists() {
            true => Sign::Modify,
            false => Sign::Add,
        };
        let line = format!("file {} from {}", path.display(), place(bucket, key));
        plan.push("file", [""; 0], sign, line, object);
    }
    Ok(plan)
}

/// Applies such a plan: the file is there completely, or as before.
///
/// # Errors
/// The file cannot be written.
pub fn save(plan: &Plan<Object>, path: &Path) -> Result<()> {
    for change in plan.changes() {
        let target = target(path)?;
        write(&target, &change.action).map_err(|error| {
            Error::refused(format!("file {} was not written: {error}", path.display()))
        })?;
    }
    Ok(())
}

fn write(target: &Path, object: &Object) -> std::io::Result<()> {
    // Its mode is 0600 from the beginning.
    let mut file = NamedTempFile::new_in(directory(target))?;
    file.write_all(object.content.expose_secret())?;
    if let Ok(before) = fs::metadata(target) {
        keep_readers(file.as_file(), &before)?;
    }
    if let Some(time) = object.last_modified {
        file.as_file().set_modified(SystemTime::from(time))?;
    }
    file.as_file().sync_all()?;
    file.persist(target)?;
    Ok(())
}

/// Gives a new file the owner, the group and the mode of the one that it replaces, without the rights of all others. Whoever
/// reads the secret can do so afterwards.
fn keep_readers(file: &File, before: &Metadata) -> std::io::Result<()> {
    let new = file.metadata()?;
    let (uid, gid) = (before.uid(), before.gid());
    if (new.uid(), new.gid()) != (uid, gid) {
        fchown(file, Some(uid), Some(gid)).map_err(|error| {
            let text = format!("its owner and group ({uid}:{gid}) cannot be kept: {error}");
            std::io::Error::new(error.kind(), text)
        })?;
    }
    file.set_permissions(Permissions::from_mode(before.mode() & 0o777 & !OTHERS))
}

/// Where the file really is: a link to a file stays a link. Devices and the like are not replaced by a file.
fn target(path: &Path) -> Result<PathBuf> {
    let shown = path.display();
    match fs::metadata(path) {
        Ok(found) if found.is_file() => fs::canonicalize(path)
            .map_err(|error| Error::refused(format!("cannot look at {shown}: {error}"))),
        Ok(_) => Err(Error::refused(format!("{shown} is no regular file"))
            .with_hint("`disco_creds get` writes the content to stdout")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if fs::symlink_metadata(path).is_ok() {
                return Err(Error::refused(format!("{shown} is a link to nothing")));
            }
            let directory = directory(path);
            if !directory.is_dir() {
                return Err(Error::not_found(format!(
                    "directory {} of file {shown} does not exist",
                    directory.display()
                )));
            }
            Ok(path.to_owned())
        }
        Err(error) => Err(Error::refused(format!("cannot look at {shown}: {error}"))),
    }
}

fn directory(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    parent.unwrap_or(Path::new("."))
}

fn is_as_wanted(target: &Path, object: &Object) -> bool {
    let Ok(found) = fs::metadata(target) else {
        return false;
    };
    let same_time = object
        .last_modified
        .is_none_or(|time| found.modified().ok() == Some(SystemTime::from(time)));
    found.mode() & (SPECIAL | OTHERS) == 0
        && same_time
        && fs::read(target)
            .map(Zeroizing::new)
            .is_ok_and(|bytes| bytes.as_slice() == object.content.expose_secret())
}

fn place(bucket: &Bucket<'_>, key: &str) -> String {
    format!("object {key} of bucket {}", bucket.name())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use chrono::DateTime;
    use std::os::unix::fs::symlink;

    fn object(content: &[u8]) -> Object {
        Object {
            content: content.to_vec().into(),
            etag: "e".into(),
            last_modified: DateTime::from_timestamp(1_700_000_000, 0),
        }
    }

    #[test]
    fn a_saved_file_is_private_complete_and_dated() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        let content = [0, 255, b'\n', 0xC3];
        assert!(!is_as_wanted(&path, &object(&content)));
        write(&target(&path).unwrap(), &object(&content)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), content);
        let found = fs::metadata(&path).unwrap();
        assert_eq!(found.permissions().mode() & 0o7777, 0o600);
        let age = found
            .modified()
            .unwrap()
            .duration_since(SystemTime::UNIX_EPOCH);
        assert_eq!(age.unwrap().as_secs(), 1_700_000_000);
        assert!(is_as_wanted(&path, &object(&content)));
        assert!(!is_as_wanted(&path, &object(b"other")));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(!is_as_wanted(&path, &object(&content)), "readable by all");
        let link = home.path().join("link");
        symlink("key", &link).unwrap();
        write(&target(&link).unwrap(), &object(b"new")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let found = fs::metadata(&path).unwrap();
        assert_eq!(found.mode() & 0o7777, 0o640, "the group can still read it");
        assert!(is_as_wanted(&path, &object(b"new")));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2, "no remains");
    }

    #[test]
    fn what_is_no_place_for_a_file_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let dangling = home.path().join("dangling");
        symlink("nowhere", &dangling).unwrap();
        let table = [
            (PathBuf::from("/dev/null"), "is no regular file"),
            (home.path().to_owned(), "is no regular file"),
            (dangling, "is a link to nothing"),
            (home.path().join("no/file"), "does not exist"),
        ];
        for (path, expected) in table {
            let error = target(&path).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert_eq!(directory(Path::new("file")), Path::new("."));
    }
}
