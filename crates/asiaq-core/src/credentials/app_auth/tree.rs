//! The local tree of token files. Reads, and checks names; knows no bucket.

use super::{PASSWD, PREFIX};
use crate::error::{Error, Result};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretSlice};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Component, Path};
use walkdir::WalkDir;

/// The tokens of an environment by key of their object, and what is odd about the files.
#[derive(Debug, Default)]
pub struct Tree {
    tokens: BTreeMap<String, Token>,
    warnings: Vec<String>,
}

/// What a file says that a token is to be.
#[derive(Debug)]
pub(super) enum Token {
    /// This.
    Given(SecretSlice<u8>),
    /// A random one, once.
    GenerateOnce,
    /// A random one each time.
    GenerateAlways,
}

impl Token {
    /// The token of a file's content: all of it without its line ends.
    fn of(content: &[u8]) -> Self {
        // Wiped when dropped, as it is a secret; so is what it is a copy of.
        let content: SecretSlice<u8> = without_line_ends(content).to_vec().into();
        match content.expose_secret() {
            b"GENERATE_WHEN_EMPTY" => Self::GenerateOnce,
            b"ALWAYS_GENERATE" => Self::GenerateAlways,
            _ => Self::Given(content),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Given(content) if content.expose_secret().is_empty())
    }
}

fn without_line_ends(content: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut kept = Zeroizing::new(Vec::<u8>::with_capacity(content.len()));
    for (at, byte) in content.iter().enumerate() {
        let ends_line = *byte == b'\r' && content.get(at + 1) == Some(&b'\n');
        if *byte != b'\n' && !ends_line {
            kept.push(*byte);
        }
    }
    kept
}

impl Tree {
    /// Tokens by key.
    pub(super) fn tokens(&self) -> &BTreeMap<String, Token> {
        &self.tokens
    }

    /// Keys up to the last `/` of every directory that directly holds a token.
    pub(super) fn directories(&self) -> BTreeSet<&str> {
        let keys = self.tokens.keys();
        keys.filter_map(|key| key.rfind('/').and_then(|at| key.get(..=at)))
            .collect()
    }

    /// What the operator should know.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// A tree without files, for tests.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let token =
            |(path, text): &(&str, &str)| (format!("{PREFIX}{path}"), Token::of(text.as_bytes()));
        Self {
            tokens: files.iter().map(token).collect(),
            warnings: Vec::new(),
        }
    }
}

/// See [`super::read`].
pub(super) fn read(directory: &Path, env: &str) -> Result<Tree> {
    let mut parts = Path::new(env).components();
    if !matches!((parts.next(), parts.next()), (Some(Component::Normal(name)), None) if name == env)
    {
        return Err(Error::refused(format!(
            "`{env}` cannot be the name of a directory of tokens"
        )));
    }
    let root = directory.join(PREFIX).join(env);
    let (mut tree, mut problems) = (Tree::default(), Vec::new());
    // A root that is not there has no files; it is told below.
    let entries = match root.exists() {
        true => WalkDir::new(&root).min_depth(1).sort_by_file_name(),
        false => return Err(none(&root)),
    };
    for entry in entries {
        if let Err(problem) = entry
            .map_err(|error| error.to_string())
            .and_then(|entry| tree.take(&root, &entry))
        {
            problems.push(problem);
        }
    }
    if !problems.is_empty() {
        return Err(Error::refused(format!(
            "nothing is uploaded, as {} of the files below {} cannot be:\n  {}",
            problems.len(),
            root.display(),
            problems.join("\n  ")
        ))
        .with_hint("names may have letters, digits, `_`, `-`, `.`"));
    }
    if tree.tokens.is_empty() {
        return Err(none(&root));
    }
    Ok(tree)
}

fn none(root: &Path) -> Error {
    Error::not_found(format!(
        "No application authorization data is found under {}",
        root.display()
    ))
    .with_hint("check --env, --bucket and --directory")
}

impl Tree {
    /// Takes one entry of the tree; says why it cannot be a token.
    fn take(&mut self, root: &Path, entry: &walkdir::DirEntry) -> Result<(), String> {
        let path = entry.path();
        let shown = path.display();
        let failed = |what: &str, error: &dyn fmt::Display| format!("{shown} {what}: {error}");
        let relative = path.strip_prefix(root).unwrap_or(path);
        if relative
            .parent()
            .is_some_and(|parent| parent.iter().any(is_aside))
        {
            return Ok(());
        }
        if is_aside(entry.file_name()) {
            self.warn(format!(
                "{shown} is not uploaded: names like this are of files that tools keep for themselves"
            ));
            return Ok(());
        }
        // A link stands for the file that it leads to.
        let found = fs::metadata(path).map_err(|error| failed("cannot be looked at", &error))?;
        if found.is_dir() {
            if entry.path_is_symlink() {
                self.warn(format!("{shown} is a link to a directory: not followed"));
            }
            return Ok(());
        }
        if !found.is_file() {
            return Err(format!("{shown} is no regular file"));
        }
        let below = relative
            .to_str()
            .filter(|name| name.chars().all(is_allowed))
            .ok_or_else(|| format!("{shown} has a character in its name that no token may have"))?;
        if entry.file_name() == PASSWD {
            self.warn(format!("{shown} is not uploaded: such files are generated"));
            return Ok(());
        }
        let content = fs::read(path).map(Zeroizing::new);
        let content = content.map_err(|error| failed("cannot be read", &error))?;
        let token = Token::of(&content);
        if token.is_empty() {
            return Err(format!(
                "{shown} is empty: an empty token would be a login without password"
            ));
        }
        self.tokens.insert(format!("{PREFIX}{below}"), token);
        Ok(())
    }

    fn warn(&mut self, text: String) {
        self.warnings.push(text);
    }
}

/// Whether a name is one that version control, editors and desktops give to what they keep beside the files of people.
fn is_aside(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b".") || name.ends_with(b"~")
}

/// Characters of `PATH` in `{s3cred://PATH}`.
fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.')
}
