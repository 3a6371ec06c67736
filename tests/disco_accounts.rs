//! `disco_accounts` end to end. Its installation on hosts is tested in target `hosts`, as it needs root.

mod adding;
mod editing;
mod kept;
mod listing;
mod terminal;
mod usage;

use crate::support::buckets;
use crate::support::cloud::Cloud;
use crate::support::{Asiaq, Output, asiaq};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use tempfile::TempDir;

const BUCKET: &str = "accounts.test";
/// The record of a user as people leave it after years.
const ANN: &str = "[user]\npassword = $1$old$scheme\nssh_key_0 = ssh-rsa AAA ann@x\nshell = /bin/bash\ngroups = users\n\
                   active = yes\nid = 2000\nfavourite = blue\n\n";

/// A cloud with an empty bucket, and a place for state.
struct Bed {
    cloud: Cloud,
    place: TempDir,
}

impl Bed {
    fn new() -> Self {
        let bed = Self {
            cloud: Cloud::start(),
            place: tempfile::tempdir().unwrap(),
        };
        buckets::create(&bed.cloud, BUCKET);
        bed
    }

    fn put(&self, key: &str, text: &str) {
        buckets::put(&self.cloud, BUCKET, key, text.as_bytes());
    }

    fn get(&self, key: &str) -> Option<String> {
        buckets::text(&self.cloud, BUCKET, key)
    }

    fn user(&self, name: &str) -> String {
        let text = self.get(&format!("accounts/users/{name}"));
        text.unwrap_or_else(|| panic!("no user {name}"))
    }

    fn group(&self, name: &str) -> String {
        let text = self.get(&format!("accounts/groups/{name}"));
        text.unwrap_or_else(|| panic!("no group {name}"))
    }

    fn tool(&self, words: &str) -> Asiaq {
        self.tool_at(self.cloud.url(), words)
    }

    fn tool_at(&self, url: &str, words: &str) -> Asiaq {
        let runtime = self.place.path().join("run");
        fs::create_dir_all(&runtime).unwrap();
        asiaq("disco_accounts")
            .endpoint(url)
            .env(
                "XDG_STATE_HOME",
                &self.place.path().join("state").to_string_lossy(),
            )
            .env("XDG_RUNTIME_DIR", &runtime.to_string_lossy())
            .env("EDITOR", "true")
            .env("USER", "caller")
            .args(["--bucket", BUCKET])
            .args(words.split_whitespace())
    }

    fn run(&self, words: &str) -> Output {
        self.tool(words).run()
    }

    /// A shell script as an editor; the file is `$1` in it.
    fn editor(&self, script: &str) -> String {
        let path = self.place.path().join(format!("editor {}", script.len()));
        fs::write(&path, script).unwrap();
        format!("sh '{}'", path.display())
    }

    fn edit(&self, words: &str, script: &str) -> Output {
        self.tool(words).env("EDITOR", &self.editor(script)).run()
    }

    /// Edits that were kept, with their texts; panics if others could read them. No temporary file is ever left.
    fn kept(&self) -> Vec<(PathBuf, String)> {
        let left = fs::read_dir(self.place.path().join("run"));
        let left: Vec<PathBuf> = left
            .into_iter()
            .flatten()
            .map(|e| e.unwrap().path())
            .collect();
        assert!(left.is_empty(), "{left:?}");
        let directory = self.place.path().join("state/asiaq/edits");
        let Ok(entries) = fs::read_dir(&directory) else {
            return Vec::new();
        };
        let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&directory), 0o700);
        let file = |entry: std::io::Result<fs::DirEntry>| {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600);
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        };
        entries.map(file).collect()
    }
}

/// Runs a tool that reads this on stdin.
fn fed(tool: Asiaq, input: &str) -> Output {
    let (mut command, home) = tool.into_command();
    let path = |name: &str| home.path().join(name);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(File::create(path("stdout")).unwrap())
        .stderr(File::create(path("stderr")).unwrap())
        .spawn()
        .unwrap();
    // A tool may end without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let status = child.wait().unwrap();
    let text = |name: &str| String::from_utf8_lossy(&fs::read(path(name)).unwrap()).into_owned();
    Output {
        status: status.code().unwrap_or(-1),
        stdout: text("stdout"),
        stderr: text("stderr"),
    }
}

/// Whether crypt(3) as others write it gives this hash for a password.
fn is_hash_of(hash: &str, password: &str) -> bool {
    let (start, _) = hash.rsplit_once('$').unwrap();
    let salt = start.strip_prefix("$6$").unwrap();
    let mut openssl = std::process::Command::new("openssl");
    let mut child = openssl
        .args(["passwd", "-6", "-stdin", "-salt", salt])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(format!("{password}\n").as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end() == hash
}
