//! Copies `discoroot/` for one hostclass, with the modes of its `acfg.metadata` (spec 50, section 8). Never reads outside of
//! the source, never writes outside of the target.

use crate::error::LocalError;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

const METADATA: &str = "acfg.metadata";

/// Copies the tree `source` to the directory `target`.
pub(super) fn copy(source: &Path, target: &Path, hostclass: &str) -> Result<(), LocalError> {
    let root = fs::canonicalize(source).map_err(LocalError::file("cannot read", source))?;
    folder(&root, source, target, hostclass)?;
    let path = source.join(METADATA);
    if !path.exists() {
        return Ok(());
    }
    let text = fs::read_to_string(&path).map_err(LocalError::file("cannot read", &path))?;
    let modes = modes(&text, hostclass).map_err(|problem| refused(&path, problem))?;
    for (name, mode) in modes {
        let path = target.join(name);
        if path.exists() {
            set_mode(&path, mode)?;
        }
    }
    Ok(())
}

fn folder(root: &Path, source: &Path, target: &Path, hostclass: &str) -> Result<(), LocalError> {
    let mut files = Vec::new();
    for path in entries(source)? {
        let real = fs::canonicalize(&path).map_err(LocalError::file("cannot read", &path))?;
        if !real.starts_with(root) {
            return Err(refused(
                &path,
                format!("it leads out of `{}`", root.display()),
            ));
        }
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(refused(&path, "its name is not UTF-8".to_owned()));
        };
        if !real.is_dir() {
            files.push(name.to_owned());
            continue;
        }
        let directory = target.join(name);
        fs::create_dir_all(&directory).map_err(LocalError::file("cannot create", &directory))?;
        // A link to a directory becomes an empty one.
        if !path.is_symlink() {
            folder(root, &path, &directory, hostclass)?;
        }
        copy_mode(&real, &directory)?;
    }
    for (name, file) in chosen(&files, hostclass) {
        let (from, to) = (source.join(file), target.join(name));
        fs::copy(&from, &to).map_err(LocalError::file("cannot copy to", &to))?;
    }
    Ok(())
}

/// Name in the target and in the source of each file that the hostclass gets.
fn chosen(files: &[String], hostclass: &str) -> BTreeMap<String, String> {
    let mut chosen: BTreeMap<String, String> = BTreeMap::new();
    for file in files.iter().filter(|file| *file != METADATA) {
        match file.split_once('~') {
            None => {
                chosen.entry(file.clone()).or_insert_with(|| file.clone());
            }
            Some((name, suffix)) if suffix == hostclass => {
                chosen.insert(name.to_owned(), file.clone());
            }
            Some(_) => {}
        }
    }
    chosen
}

/// Path below the target and mode, for each line that concerns the hostclass. Its own lines come last, so they win.
fn modes(text: &str, hostclass: &str) -> Result<Vec<(PathBuf, u32)>, String> {
    let (mut all, mut own) = (Vec::<(PathBuf, u32)>::new(), Vec::new());
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let [path, mode, _owner, _group] = words[..] else {
            return Err(format!("not four values in line: {line}"));
        };
        let mode = u32::from_str_radix(mode, 8)
            .ok()
            .filter(|mode| *mode <= 0o7777)
            .ok_or_else(|| format!("`{mode}` is no mode in line: {line}"))?;
        let (path, suffix) = match path.split_once('~') {
            Some((path, suffix)) => (path, Some(suffix)),
            None => (path, None),
        };
        let relative = inside(path).ok_or_else(|| format!("`{path}` leads out of the image"))?;
        match suffix {
            // The first line for a path wins.
            None if !all.iter().any(|(known, _)| *known == relative) => all.push((relative, mode)),
            Some(suffix) if suffix == hostclass => own.push((relative, mode)),
            _ => {}
        }
    }
    all.append(&mut own);
    Ok(all)
}

/// The path without its leading slash; `None` if it could lead elsewhere.
fn inside(path: &str) -> Option<PathBuf> {
    let path = Path::new(path.trim_start_matches('/'));
    let plain = |part: Component| matches!(part, Component::Normal(_));
    (path.components().all(plain) && path.components().next().is_some()).then(|| path.to_owned())
}

/// What is in a directory, sorted.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, LocalError> {
    let listing = fs::read_dir(folder).map_err(LocalError::file("cannot read", folder))?;
    let paths: std::io::Result<Vec<PathBuf>> = listing.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(LocalError::file("cannot read", folder))?;
    paths.sort();
    Ok(paths)
}

fn copy_mode(from: &Path, to: &Path) -> Result<(), LocalError> {
    let found = fs::metadata(from).map_err(LocalError::file("cannot read", from))?;
    set_mode(to, found.permissions().mode() & 0o7777)
}

fn set_mode(path: &Path, mode: u32) -> Result<(), LocalError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(LocalError::file("cannot change", path))
}

fn refused(path: &Path, problem: String) -> LocalError {
    LocalError::Account {
        what: format!("files of an image: `{}`", path.display()),
        problem,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn files_of_the_hostclass_win_and_those_of_others_stay_away() {
        for (files, want) in [
            (
                &["my.cnf", "my.cnf~mhcdb", "my.cnf~mhcweb"][..],
                &[("my.cnf", "my.cnf~mhcdb")][..],
            ),
            (&["a~mhcdb", "a"], &[("a", "a~mhcdb")]),
            (&["b~mhcweb"], &[]),
            (&["c~", "c"], &[("c", "c")]),
            (&["c~"], &[]),
            (&["acfg.metadata", "d"], &[("d", "d")]),
            (&["e~mhcdb~x"], &[]),
        ] {
            let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
            let found = chosen(&files, "mhcdb");
            let found: Vec<(&str, &str)> = found
                .iter()
                .map(|(a, b)| (a.as_str(), b.as_str()))
                .collect();
            assert_eq!(found, want, "{files:?}");
        }
    }

    #[test]
    fn metadata_gives_modes() {
        let text = "# comment\n/a 0644 root root\nb/c 755 root root # more\n/a 0600 x y\n/d~mhcdb 0700 root root\n\
                    /d 0755 root root\n/e~mhcweb 0600 root root\n";
        let found = modes(text, "mhcdb").unwrap();
        let want = [("a", 0o644), ("b/c", 0o755), ("d", 0o755), ("d", 0o700)];
        assert_eq!(found, want.map(|(path, mode)| (PathBuf::from(path), mode)));
        for bad in [
            "/a 0644 root",
            "/a rw root root",
            "/../a 0644 root root",
            "/ 0644 root root",
            "a/../../b 0644 r r",
        ] {
            assert!(modes(bad, "mhcdb").is_err(), "{bad}");
        }
    }
}
