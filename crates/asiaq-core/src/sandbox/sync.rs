//! The lines of `sandbox_sync_config`: which file goes to which key. Pure.

use crate::config::{ConfigError, Found};
use std::collections::BTreeMap;
use std::path::{Component, Path};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyncLine {
    /// File in the sandbox's directory.
    pub(super) local: String,
    /// Key of the object.
    pub(super) key: String,
}

/// The lines of an option for a sandbox, and everything that is wrong with them.
pub(super) fn lines(found: &Found, name: &str) -> (Vec<SyncLine>, Vec<ConfigError>) {
    let (mut lines, mut problems) = (Vec::new(), Vec::new());
    let mut keys: BTreeMap<String, &str> = BTreeMap::new();
    for text in found.value.lines().map(str::trim) {
        if text.is_empty() {
            continue;
        }
        match line(text, name) {
            Ok(line) => {
                if let Some(other) = keys.insert(line.key.clone(), text) {
                    let both = format!(
                        "`{other}` and `{text}` are uploaded to the same key `{}`",
                        line.key
                    );
                    let hint = "the file's name is no part of the key: give each line a remote directory of its own";
                    problems.push(ConfigError::new(both).with_hint(hint));
                }
                lines.push(line);
            }
            Err(problem) => problems.push(problem),
        }
    }
    let located = problems.into_iter().map(|e| e.at(found.location.clone()));
    (lines, located.collect())
}

fn line(text: &str, name: &str) -> Result<SyncLine, ConfigError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [local, remote] = words[..] else {
        let problem = format!("`{text}` has {} words instead of two", words.len());
        return Err(ConfigError::new(problem)
            .with_hint("each line is a file of the sandbox's directory and a remote directory: `zk_blacklist zookeeper-lists`"));
    };
    if !stays_inside(local) {
        let problem = format!("`{local}` leads out of the sandbox's directory");
        return Err(ConfigError::new(problem)
            .with_hint("name a file in sandboxes/NAME, without `..` and without a leading `/`"));
    }
    Ok(SyncLine {
        local: local.to_owned(),
        key: key(remote, name),
    })
}

/// The sandbox's name in the remote directory; the local name is no part of it.
fn key(remote: &str, name: &str) -> String {
    let slash = if remote.ends_with('/') { "" } else { "/" };
    format!("{remote}{slash}{name}")
}

/// A relative path with no way up. Links are another matter.
pub(super) fn stays_inside(path: &str) -> bool {
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    !path.is_empty() && Path::new(path).components().all(inside)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::config::Location;
    use proptest::prelude::*;

    fn read(value: &str, name: &str) -> (Vec<(String, String)>, Vec<String>) {
        let found = Found {
            value: value.to_owned(),
            location: Location::line("disco_aws.ini", 7),
        };
        let (read, problems) = lines(&found, name);
        let pairs = read.into_iter().map(|line| (line.local, line.key));
        (
            pairs.collect(),
            problems.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn good_lines() {
        let table: [(&str, &[(&str, &str)]); 6] = [
            // The worked example of the spec.
            (
                "zk_list zk/black\nips   fw/",
                &[("zk_list", "zk/black/box7"), ("ips", "fw/box7")],
            ),
            (
                "\na b\n\n  \nc\td//\n",
                &[("a", "b/box7"), ("c", "d//box7")],
            ),
            ("./sub/a b", &[("./sub/a", "b/box7")]),
            ("a..b c", &[("a..b", "c/box7")]),
            (
                "same one\nsame two",
                &[("same", "one/box7"), ("same", "two/box7")],
            ),
            (" \n ", &[]),
        ];
        for (value, expected) in table {
            let (pairs, problems) = read(value, "box7");
            let expected = expected
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
            assert_eq!(pairs, expected.collect::<Vec<_>>(), "{value}");
            assert_eq!(problems, [""; 0], "{value}");
        }
    }

    #[test]
    fn bad_lines_are_all_reported_with_their_place() {
        let value = "one\na b c\n../a b\n/etc/passwd b\nx/../../y b\na k\nb k/";
        let (pairs, problems) = read(value, "box7");
        assert_eq!(pairs.len(), 2);
        let expected = [
            "`one` has 1 words instead of two",
            "`a b c` has 3 words instead of two",
            "`../a` leads out of the sandbox's directory",
            "`/etc/passwd` leads out of the sandbox's directory",
            "`x/../../y` leads out of the sandbox's directory",
            "`a k` and `b k/` are uploaded to the same key `k/box7`",
        ];
        assert_eq!(
            problems,
            expected.map(|text| format!("disco_aws.ini:7: {text}"))
        );
    }

    proptest! {
        #[test]
        fn a_key_ends_in_the_name_after_one_slash_that_is_there_or_added(
            remote in "[a-z/]{1,12}", name in "[a-z0-9-]{1,8}"
        ) {
            let key = key(&remote, &name);
            let start = key.strip_suffix(name.as_str()).unwrap();
            prop_assert!(start.ends_with('/'));
            prop_assert_eq!(start.trim_end_matches('/'), remote.trim_end_matches('/'));
        }

        #[test]
        fn no_path_with_a_way_up_is_inside(parts in proptest::collection::vec("[a-c.]{1,3}", 1..5)) {
            let path = parts.join("/");
            prop_assert_eq!(stays_inside(&path), !parts.iter().any(|part| part == ".."));
        }
    }
}
