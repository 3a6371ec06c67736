//! A bed for runs that handle secrets: the tool logs all it can, everything that it leaves behind is kept, and a check
//! finds planted secrets there, in whatever form. Knows no tool.
//!
//! ```ignore
//! let bed = Bed::new(&["s3cret/+"]);
//! let left = bed.tool("disco_creds").endpoint(url).args(["list"]).run().expect_status(0);
//! bed.expect_clean(&left); // or expect_clean_but_stdout, where the secret is the data that was asked for
//! ```

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{FOREIGN, FOREIGN_PREFIXES, TIME_LIMIT, binary};

/// Keys of every run: they are secrets too, and must not appear anywhere.
const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYplantedKEY";
/// As [`SECRET_KEY`].
pub const SESSION_TOKEN: &str = "FwoGZXIvYXdzEBYaD/planted+session+token/Zm9v==";
/// Pause between two looks at the tool and its children.
const POLL: Duration = Duration::from_millis(2);
/// Directories of the tool, below the root of the bed.
const DIRECTORIES: [(&str, &str); 8] = [
    ("HOME", "home"),
    ("TMPDIR", "tmp"),
    ("XDG_CONFIG_HOME", "xdg/config"),
    ("XDG_CACHE_HOME", "xdg/cache"),
    ("XDG_DATA_HOME", "xdg/data"),
    ("XDG_STATE_HOME", "xdg/state"),
    ("XDG_RUNTIME_DIR", "xdg/runtime"),
    ("ASIAQ_CACHE_DIR", "xdg/asiaq"),
];

/// Fresh directories for one or several runs, and the secrets that must not be found there afterwards.
pub struct Bed {
    root: TempDir,
    secrets: Vec<Vec<u8>>,
}

/// One command line on a bed.
pub struct Loud<'a> {
    bed: &'a Bed,
    command: Command,
    stdin: Vec<u8>,
}

/// What a run left behind, apart from files.
#[derive(Debug, Clone, Default)]
pub struct Left {
    /// Exit code; 128 + signal number if a signal ended it.
    pub status: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// Argument lists of the children that were seen, words separated by spaces.
    pub children: Vec<String>,
}

impl Bed {
    /// Fresh directories. A secret is better found if it is not short, and holds characters that need escapes.
    pub fn new<S: AsRef<[u8]>>(secrets: &[S]) -> Self {
        let root = tempfile::tempdir().expect("temporary directory");
        for (_, name) in DIRECTORIES {
            fs::create_dir_all(root.path().join(name)).expect("directory of the bed");
        }
        let own = [SECRET_KEY, SESSION_TOKEN].map(|secret| secret.as_bytes().to_vec());
        let planted = secrets.iter().map(|secret| secret.as_ref().to_vec());
        Self {
            secrets: own.into_iter().chain(planted).collect(),
            root,
        }
    }

    /// Its root: all that the tool may write by itself lies below.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Adds a secret that is known only after the run.
    pub fn plant(&mut self, secret: &str) {
        self.secrets.push(secret.as_bytes().to_vec());
    }

    /// The tool of that name, with `--debug`, everything logged, and its directories on this bed. It runs in `home`.
    pub fn tool(&self, name: &str) -> Loud<'_> {
        let mut command = Command::new(binary(name));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let foreign = FOREIGN_PREFIXES
                .iter()
                .any(|prefix| text.starts_with(prefix));
            if foreign || FOREIGN.contains(&&*text) {
                command.env_remove(&name);
            }
        }
        for (name, directory) in DIRECTORIES {
            command.env(name, self.root().join(directory));
        }
        command
            .env("ASIAQ_LOG", "trace")
            .env("ASIAQ_LOCAL_PORT", "0")
            .env("ASIAQ_POLL_INTERVAL", "0.05")
            .env("ASIAQ_CONFIG", self.root().join("home"))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_MAX_ATTEMPTS", "1")
            .current_dir(self.root().join("home"))
            .arg("--debug");
        Loud {
            bed: self,
            command,
            stdin: Vec::new(),
        }
    }

    /// Panics if a secret is anywhere in what the run left, and shows where.
    #[track_caller]
    pub fn expect_clean(&self, left: &Left) {
        let leaks = self.leaks(left, true, &[]);
        assert!(leaks.is_empty(), "secrets found:\n{}", leaks.join("\n"));
    }

    /// As [`Bed::expect_clean`], for a run whose data on stdout is the secret.
    #[track_caller]
    pub fn expect_clean_but_stdout(&self, left: &Left) {
        let leaks = self.leaks(left, false, &[]);
        assert!(leaks.is_empty(), "secrets found:\n{}", leaks.join("\n"));
    }

    /// As [`Bed::expect_clean`], for a run that is to leave secrets in these files. They must be there, and readable by
    /// nobody else.
    #[track_caller]
    pub fn expect_clean_but_files(&self, left: &Left, files: &[PathBuf]) {
        for file in files {
            let mode = fs::metadata(file).expect("file of the secret");
            let mode = mode.permissions().mode() & 0o7777;
            assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", file.display());
        }
        let leaks = self.leaks(left, true, files);
        assert!(leaks.is_empty(), "secrets found:\n{}", leaks.join("\n"));
    }

    /// Each place where a secret was found.
    pub fn leaks(&self, left: &Left, stdout: bool, allowed: &[PathBuf]) -> Vec<String> {
        let mut places: Vec<(String, Vec<u8>)> = vec![("stderr".to_owned(), left.stderr.clone())];
        if stdout {
            places.push(("stdout".to_owned(), left.stdout.clone()));
        }
        let children = left.children.iter();
        places.extend(children.map(|line| ("argv of a child".to_owned(), line.clone().into())));
        for path in files_below(self.root()) {
            let name = path.as_os_str().as_bytes().to_vec();
            places.push((format!("name of {}", path.display()), name));
            let target = fs::read_link(&path).map(|target| target.as_os_str().as_bytes().to_vec());
            if let Ok(target) = target {
                places.push((format!("target of {}", path.display()), target));
            } else if !allowed.contains(&path) {
                // A socket or a file without permission holds nothing that can be read.
                let content = fs::read(&path).unwrap_or_default();
                places.push((path.display().to_string(), content));
            }
        }
        let mut leaks = Vec::new();
        for secret in &self.secrets {
            for (form, text) in forms(secret) {
                for (place, content) in &places {
                    if let Some(at) = position(content, &text) {
                        leaks.push(format!("{form} in {place}: {}", around(content, at, &text)));
                    }
                }
            }
        }
        leaks
    }
}

impl Loud<'_> {
    /// Points the tool at an endpoint, with keys that must not be found either.
    pub fn endpoint(mut self, url: &str) -> Self {
        self.command
            .envs(asiaq_local::environment(url))
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("AWS_SESSION_TOKEN", SESSION_TOKEN);
        self
    }

    /// Log lines as JSON.
    pub fn json(mut self) -> Self {
        self.command.env("ASIAQ_LOG_FORMAT", "json");
        self
    }

    /// Sets the configuration directory. Without it it is `home` of the bed, empty at first.
    pub fn config(mut self, directory: &Path) -> Self {
        self.command.env("ASIAQ_CONFIG", directory);
        self
    }

    /// Adds arguments.
    pub fn args<I>(mut self, arguments: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        self.command.args(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// What the tool reads on stdin. Without it that is empty.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs the tool to its end and looks at its children meanwhile.
    pub fn run(mut self) -> Left {
        // Files outside the bed, as its directories are searched.
        let streams = tempfile::tempdir().expect("temporary directory");
        let path = |name: &str| streams.path().join(name);
        let file = |name: &str| File::create(path(name)).expect("output file");
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .expect("start the tool");
        let mut stdin = child.stdin.take().expect("stdin");
        let content = std::mem::take(&mut self.stdin);
        // The tool may end, or never read.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&content)));
        let (status, children) = watch(&mut child, self.bed);
        let read = |name: &str| fs::read(path(name)).expect("output file");
        // A tool that did not read is gone, so the pipe is closed.
        writer.join().expect("writer of stdin");
        Left {
            status,
            stdout: read("stdout"),
            stderr: read("stderr"),
            children,
        }
    }
}

impl Left {
    /// Panics with both streams unless the tool exited with this code.
    #[track_caller]
    pub fn expect_status(self, status: i32) -> Self {
        assert_eq!(
            self.status,
            status,
            "exit code; stdout:\n{}\nstderr:\n{}",
            String::from_utf8_lossy(&self.stdout),
            self.log()
        );
        self
    }

    /// Standard error as text.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// Waits for the end of the tool; gives its exit code and the argument lists of all its descendants that were seen.
fn watch(child: &mut Child, bed: &Bed) -> (i32, Vec<String>) {
    let deadline = Instant::now() + TIME_LIMIT;
    let own = arguments(child.id());
    let mut seen = Vec::new();
    loop {
        if let Some(status) = child.try_wait().expect("wait for the tool") {
            let signal = 128 + status.signal().unwrap_or_default();
            return (status.code().unwrap_or(signal), seen);
        }
        for line in descendants(child.id()).into_iter().filter_map(arguments) {
            // Between fork and exec a child still has the arguments of the tool.
            if Some(&line) != own.as_ref() && !seen.contains(&line) {
                seen.push(line);
            }
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!(
                "the tool runs for more than {TIME_LIMIT:?} on {}",
                bed.root().display()
            );
        }
        std::thread::sleep(POLL);
    }
}

fn arguments(pid: u32) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
    (!text.is_empty()).then_some(text)
}

fn descendants(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    let tasks = tasks.into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<u32> = lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<u32>>()
        })
        .collect();
    let deeper: Vec<u32> = children.iter().flat_map(|pid| descendants(*pid)).collect();
    children.into_iter().chain(deeper).collect()
}

/// Everything below a directory that is no directory itself. Links are not followed.
fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => files_below(&entry.path()),
            _ => vec![entry.path()],
        })
        .collect()
}

/// The forms in which a secret may be written down, with their names.
fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let text = String::from_utf8_lossy(secret);
    let list = |between: &str| {
        let numbers: Vec<String> = secret.iter().map(u8::to_string).collect();
        numbers.join(between)
    };
    let hex = |upper: bool| -> String {
        let digit = |byte: &u8| match upper {
            true => format!("{byte:02X}"),
            false => format!("{byte:02x}"),
        };
        secret.iter().map(digit).collect()
    };
    let debug = format!("{text:?}");
    let json = text.replace('\\', "\\\\").replace('"', "\\\"");
    let json = json.replace('\n', "\\n").replace('/', "\\/");
    let mut forms = vec![
        ("plain text", secret.to_vec()),
        ("hex", hex(false).into()),
        ("hex", hex(true).into()),
        ("list of bytes", list(", ").into()),
        ("list of bytes", list(",").into()),
        ("list of bytes", list(",\n    ").into()),
        ("debug text", debug[1..debug.len() - 1].into()),
        ("escaped text", secret.escape_ascii().to_string().into()),
        ("json", json.into()),
        ("percent encoding", percent(secret, true).into()),
        ("percent encoding", percent(secret, false).into()),
    ];
    for start in 0..3 {
        forms.push(("base64", base64(secret, start, b"+/")));
        forms.push(("base64", base64(secret, start, b"-_")));
    }
    // Many forms of a simple secret are alike.
    let mut known = Vec::new();
    forms.retain(|(_, text)| {
        !known.contains(text) && {
            known.push(text.clone());
            true
        }
    });
    forms
}

fn percent(secret: &[u8], upper: bool) -> String {
    let encode = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(*byte).to_string()
        }
        _ if upper => format!("%{byte:02X}"),
        _ => format!("%{byte:02x}"),
    };
    secret.iter().map(encode).collect()
}

/// The digits of base64 that depend on nothing but the secret, if it begins at byte `start` of a group of three.
fn base64(secret: &[u8], start: usize, last: &[u8; 2]) -> Vec<u8> {
    let mut alphabet: Vec<u8> = (b'A'..=b'Z')
        .chain(b'a'..=b'z')
        .chain(b'0'..=b'9')
        .collect();
    alphabet.extend(last);
    let bits: Vec<u8> = std::iter::repeat_n(0, start)
        .chain(secret.iter().copied())
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1))
        .collect();
    // The first whole digit, counted in bits; an incomplete one at the end is left out.
    let first = (start * 8).div_ceil(6);
    let digit = |six: &[u8]| {
        six.iter()
            .fold(0, |value, bit| value << 1 | usize::from(*bit))
    };
    let digits = bits.chunks_exact(6).skip(first).map(digit);
    digits.map(|value| alphabet[value]).collect()
}

fn position(content: &[u8], text: &[u8]) -> Option<usize> {
    content.windows(text.len()).position(|part| part == text)
}

/// The text before and after a find.
fn around(content: &[u8], at: usize, text: &[u8]) -> String {
    let from = at.saturating_sub(200);
    let to = (at + text.len() + 60).min(content.len());
    String::from_utf8_lossy(&content[from..to]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "pl\"nted/+secret 7";

    fn with_stderr(text: impl Into<Vec<u8>>) -> Left {
        Left {
            stderr: text.into(),
            ..Left::default()
        }
    }

    #[test]
    fn every_form_of_a_planted_secret_is_found() {
        let bed = Bed::new(&[SECRET]);
        let bytes = SECRET.as_bytes();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let table = [
            SECRET.to_owned(),
            hex.to_uppercase(),
            hex,
            format!("{bytes:?}"),
            format!("{bytes:#?}"),
            serde_json::to_string(&serde_json::json!({ "a": bytes })).unwrap(),
            format!("{SECRET:?}"),
            serde_json::to_string(SECRET).unwrap(),
            format!("{}", bytes.escape_ascii()),
            "x=pl%22nted%2F%2Bsecret%207&y".to_owned(),
            "x=pl%22nted%2f%2bsecret%207&y".to_owned(),
            // base64 of the secret, of `a` and it, of `ab` and it, each with `z` behind.
            "cGwibnRlZC8rc2VjcmV0IDd6".to_owned(),
            "YXBsIm50ZWQvK3NlY3JldCA3eg==".to_owned(),
            "YWJwbCJudGVkLytzZWNyZXQgN3o=".to_owned(),
            format!("key {SECRET_KEY}."),
            format!("token {SESSION_TOKEN}."),
        ];
        for text in table {
            let left = with_stderr(format!("a line\n DEBUG {text} and more\n"));
            assert!(!bed.leaks(&left, true, &[]).is_empty(), "{text}");
        }
        let left = with_stderr("pl\"nted secret, [112, 108], a planted/+secret");
        assert_eq!(bed.leaks(&left, true, &[]), Vec::<String>::new());
    }

    #[test]
    fn every_place_is_searched() {
        let bed = Bed::new(&["planted"]);
        let clean = Left::default();
        bed.expect_clean(&clean);
        let stdout = Left {
            stdout: b"planted".to_vec(),
            ..Left::default()
        };
        assert_eq!(bed.leaks(&stdout, true, &[]).len(), 1, "reported once");
        bed.expect_clean_but_stdout(&stdout);
        let child = Left {
            children: vec!["sh -c planted".to_owned()],
            ..Left::default()
        };
        assert!(!bed.leaks(&child, false, &[]).is_empty());
        let file = bed.root().join("tmp/deep/.hidden");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "a planted b").unwrap();
        assert!(!bed.leaks(&clean, true, &[]).is_empty());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        bed.expect_clean_but_files(&clean, std::slice::from_ref(&file));
        fs::rename(&file, bed.root().join("home/planted")).unwrap();
        let renamed = bed.root().join("home/planted");
        fs::write(&renamed, "").unwrap();
        assert!(!bed.leaks(&clean, true, &[]).is_empty(), "names");
    }

    #[test]
    fn children_of_children_are_seen() {
        let bed = Bed::new(&["planted"]);
        let mut child = Command::new("sh")
            .args(["-c", "sh -c 'sleep 0.731; :'; :"])
            .spawn()
            .unwrap();
        let (status, children) = watch(&mut child, &bed);
        assert_eq!(status, 0);
        assert!(
            children.iter().any(|line| line.trim() == "sleep 0.731"),
            "{children:?}"
        );
    }

    #[test]
    #[should_panic(expected = "has mode 644")]
    fn a_secret_that_others_can_read_is_refused() {
        let bed = Bed::new(&["planted"]);
        let file = bed.root().join("home/key");
        fs::write(&file, "planted").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        bed.expect_clean_but_files(&Left::default(), &[file]);
    }
}
