//! Private keys from credential buckets into the agent.

use super::interactive::terminal::{Terminal, executable, path_with, quoted};
use super::needs::Needs;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::run_until_killed;
use crate::support::sshd::{Agent, SshBed, make_key, until};
use crate::support::{Asiaq, Output};
use asiaq_core::names::credential_bucket;
use asiaq_local::REGION;
use aws_sdk_s3::primitives::ByteStream;
use libtest_mimic::Trial;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub fn tests(needs: &Needs) -> Vec<Trial> {
    vec![
        needs.ssh("keys::all_kinds_of_objects", all_kinds),
        needs.ssh("keys::nobody_is_asked_for_a_passphrase", passphrase),
        needs.ssh("keys::every_page_is_read", every_page),
        needs.ssh("keys::buckets_that_cannot_be_read", bad_buckets),
        needs.ssh("keys::agent_that_is_not_there", no_agent),
        needs.ssh("keys::agent_that_refuses", refused),
        needs.ssh("keys::nothing_to_load", nothing),
        needs.ssh("keys::secrets_stay_secret", secrets),
        needs.ssh("keys::killed_at_every_call", killed_at_calls),
        needs.ssh("keys::killed_while_the_agent_answers", killed_in_agent),
    ]
}

/// A host to log in to, an `ssh` that ends at once, and an agent without keys.
struct Bed {
    ssh: SshBed,
    agent: Agent,
    s3: aws_sdk_s3::Client,
    _server: crate::support::sshd::Server,
}

impl Bed {
    /// With these credential buckets; each exists.
    fn new(postfixes: &[&str]) -> Self {
        let ssh = SshBed::new();
        let (server, _) = ssh.host("mhcapp", "app-1");
        for name in ["agent", "bin", "home", "tmp"] {
            fs::create_dir_all(ssh.directory().join("more").join(name)).unwrap();
        }
        let agent = Agent::start(&ssh.directory().join("more/agent"));
        let config = aws_sdk_s3::config::Builder::from(&ssh.cloud.sdk()).force_path_style(true);
        let bed = Self {
            s3: aws_sdk_s3::Client::from_conf(config.build()),
            ssh,
            agent,
            _server: server,
        };
        executable(&bed.bin().join("ssh"), "exit 0");
        bed.configure(postfixes);
        for postfix in postfixes {
            use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
            let place = CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(REGION))
                .build();
            let call = bed.s3.create_bucket().bucket(bucket(postfix));
            let call = call.create_bucket_configuration(place).send();
            bed.ssh.cloud.wait(call).unwrap();
        }
        bed
    }

    fn configure(&self, postfixes: &[&str]) {
        let line = format!(
            "application = rehearsal\ncredential_buckets = {}\n",
            postfixes.join(" ")
        );
        let config = &self.ssh.config;
        config.edit("disco_vpc.ini", "application = rehearsal\n", &line);
    }

    fn bin(&self) -> PathBuf {
        self.ssh.directory().join("more/bin")
    }

    fn put(&self, postfix: &str, name: &str, content: &[u8]) {
        let body = ByteStream::from(content.to_vec());
        let key = format!("private_keys/ssh/{name}");
        let call = self.s3.put_object().bucket(bucket(postfix)).key(key);
        self.ssh.cloud.wait(call.body(body).send()).unwrap();
    }

    /// A new key pair; its private text and its public half.
    fn key(&self, name: &str) -> (String, String) {
        let path = self.ssh.directory().join(name);
        make_key(&path);
        let text = fs::read_to_string(&path).unwrap();
        let public = fs::read_to_string(path.with_extension("pub")).unwrap();
        fs::remove_file(path).unwrap();
        (text, public.split(' ').nth(1).unwrap().to_owned())
    }

    /// The tool with the empty agent and the quick ssh first on the path; nothing but its own directories to write to.
    fn tool(&self, tool: &str, args: &[&str]) -> Asiaq {
        let more = self.ssh.directory().join("more");
        let place = |name: &str| more.join(name).display().to_string();
        self.ssh
            .tool(tool, args)
            .env("SSH_AUTH_SOCK", self.agent.socket().to_str().unwrap())
            .env("PATH", &path_with(&self.bin()))
            .env("HOME", &place("home"))
            .env("XDG_STATE_HOME", &place("home/state"))
            .env("TMPDIR", &place("tmp"))
    }

    fn login(&self) -> Output {
        self.tool("disco_ssh", &["mhcapp"]).run()
    }

    fn exec(&self) -> Output {
        let args = [
            "exec",
            "--user=root",
            "--command=true",
            "--hostclass=mhcapp",
        ];
        self.tool("disco_aws", &args).run()
    }

    /// Files below the directories that a tool may write to.
    fn files(&self) -> Vec<PathBuf> {
        let more = self.ssh.directory().join("more");
        let mut found = Vec::new();
        let mut open = vec![more.join("home"), more.join("tmp")];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path)
                } else {
                    found.push(path)
                }
            }
        }
        found
    }
}

fn bucket(postfix: &str) -> String {
    credential_bucket(REGION, "rehearsal", postfix)
}

/// The warnings among the log lines, without time and logger.
fn warnings(output: &Output) -> Vec<String> {
    let text = |line: &str| line.split_once(" WARN ").map(|(_, text)| text.to_owned());
    output.stderr.lines().filter_map(text).collect()
}

/// Lines of a key's text that tell something.
fn secret_lines(key: &str) -> Vec<&str> {
    let telling = |line: &&str| line.len() > 20 && !line.starts_with("-----");
    key.lines().filter(telling).collect()
}

fn all_kinds() {
    let bed = Bed::new(&["one", "two"]);
    let keys: Vec<_> = ["a", "b", "c", "d"]
        .iter()
        .map(|name| bed.key(name))
        .collect();
    bed.put("one", "", b"");
    bed.put("one", "a", keys[0].0.as_bytes());
    bed.put(
        "one",
        "b-without-last-newline",
        keys[1].0.trim_end().as_bytes(),
    );
    bed.put(
        "one",
        "c-from-windows",
        keys[2].0.replace('\n', "\r\n").as_bytes(),
    );
    bed.put("one", "empty", b"");
    bed.put("one", "folder/", b"");
    bed.put("one", "large", &[b'x'; 70_000]);
    bed.put("one", "public", b"ssh-ed25519 AAAA me");
    bed.put("one", "torn", &keys[0].0.as_bytes()[..200]);
    bed.put("two", "folder/d", keys[3].0.as_bytes());
    let other = bed
        .s3
        .put_object()
        .bucket(bucket("two"))
        .key("private_keys/other");
    bed.ssh
        .cloud
        .wait(other.body(ByteStream::from_static(b"no key")).send())
        .unwrap();

    for _ in 0..2 {
        let output = bed.login().expect_status(0);
        let have = bed.agent.keys();
        assert_eq!(have.lines().count(), 4, "{have}");
        for (_, public) in &keys {
            assert!(have.contains(public), "{have}");
        }
        let warnings = warnings(&output);
        let expected = [
            ("empty", "it is no private key in PEM or OpenSSH form"),
            ("large", "70000 bytes are too many for a key"),
            ("public", "it is no private key in PEM or OpenSSH form"),
            ("torn", "ssh-add says: Error loading key"),
        ];
        assert_eq!(warnings.len(), expected.len(), "{warnings:#?}");
        for (warning, (name, why)) in warnings.iter().zip(expected) {
            let place = format!(
                "private key private_keys/ssh/{name} of bucket {} is skipped: ",
                bucket("one")
            );
            assert!(
                warning.starts_with(&place) && warning.contains(why),
                "{warning}"
            );
        }
    }
}

/// Also on a terminal, where `ssh-add` could ask.
fn passphrase() {
    let bed = Bed::new(&["one"]);
    let path = bed.ssh.directory().join("locked");
    let mut keygen = Command::new("ssh-keygen");
    keygen
        .args(["-q", "-t", "ed25519", "-N", "secret", "-f"])
        .arg(&path);
    assert!(keygen.stdin(Stdio::null()).status().unwrap().success());
    bed.put("one", "locked", &fs::read(path).unwrap());
    let (text, public) = bed.key("open");
    bed.put("one", "open", text.as_bytes());
    let start = Instant::now();
    let (status, text) = Terminal::start(bed.tool("disco_ssh", &["mhcapp"])).end();
    assert_eq!(status, 0, "{text}");
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(
        text.contains("private_keys/ssh/locked") && text.contains("it needs a passphrase"),
        "{text}"
    );
    assert!(!text.contains("Enter passphrase"), "{text}");
    assert_eq!(bed.agent.keys().lines().count(), 1);
    assert!(bed.agent.keys().contains(&public));
}

fn every_page() {
    let bed = Bed::new(&["one"]);
    let (text, public) = bed.key("last");
    for number in 0..1000 {
        bed.put("one", &format!("folder-{number:04}/"), b"");
    }
    bed.put("one", "last", text.as_bytes());
    let proxy = Proxy::start(bed.ssh.cloud.url(), Behaviour::new());
    bed.tool("disco_ssh", &["mhcapp"])
        .endpoint(proxy.url())
        .run()
        .expect_status(0);
    assert!(bed.agent.keys().contains(&public));
    assert_eq!(proxy.count(&listing("one")), 2);
}

/// How the proxy names the listing of a bucket.
fn listing(postfix: &str) -> String {
    format!("GET /{}/", bucket(postfix))
}

fn bad_buckets() {
    let bed = Bed::new(&["forbidden", "elsewhere", "good", "partly"]);
    let (text, public) = bed.key("a");
    bed.put("good", "a", text.as_bytes());
    bed.put("partly", "x", text.as_bytes());
    bed.ssh.config.edit(
        "disco_vpc.ini",
        "= forbidden elsewhere",
        "= forbidden missing elsewhere",
    );
    let error = |code: &str, message: &str| {
        format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        )
    };
    let denied = error("AccessDenied", "Access Denied");
    let moved = error(
        "PermanentRedirect",
        "The bucket must be addressed using the specified endpoint.",
    );
    let object = format!("GET /{}/private_keys/ssh/x", bucket("partly"));
    let behaviour = Behaviour::new()
        .answer(&listing("forbidden"), 403, &denied)
        .answer(&listing("elsewhere"), 301, &moved)
        .answer(&object, 403, &denied);
    let proxy = Proxy::start(bed.ssh.cloud.url(), behaviour);
    let output = bed
        .tool("disco_ssh", &["mhcapp"])
        .endpoint(proxy.url())
        .run();
    let output = output.expect_status(0);
    assert!(bed.agent.keys().contains(&public), "{}", output.stderr);
    let expected = [
        (
            "forbidden",
            "AccessDenied: Access Denied; the credentials in use lack this permission",
        ),
        ("missing", "NoSuchBucket: "),
        ("elsewhere", "PermanentRedirect: The bucket must be"),
        ("partly", "s3:GetObject"),
    ];
    let mut warnings = warnings(&output);
    assert_eq!(warnings.len(), expected.len(), "{warnings:#?}");
    for (postfix, why) in expected {
        let its = warnings
            .iter()
            .position(|warning| warning.contains(&bucket(postfix)));
        let warning = warnings.remove(its.unwrap_or_else(|| panic!("{postfix}: {warnings:#?}")));
        assert!(
            warning.contains(why) && warning.contains(" skipped: "),
            "{warning}"
        );
    }
}

/// `exec` needs the keys; for a login the operator may have key files.
fn no_agent() {
    let bed = Bed::new(&["one"]);
    let (text, _) = bed.key("a");
    bed.put("one", "a", text.as_bytes());
    let gone = bed.ssh.directory().join("no agent here");
    for socket in ["", gone.to_str().unwrap()] {
        let args = [
            "exec",
            "--user=root",
            "--command=true",
            "--hostclass=mhcapp",
        ];
        let output = bed
            .tool("disco_aws", &args)
            .env("SSH_AUTH_SOCK", socket)
            .run();
        let text = output.expect_status(1).stderr;
        let why = format!(
            "error: no ssh agent takes the private keys of credential bucket {}",
            bucket("one")
        );
        assert!(
            text.contains(&why) && text.contains("hint: start one: `eval \"$(ssh-agent)\"`"),
            "{text}"
        );
        let output = bed
            .tool("disco_ssh", &["mhcapp"])
            .env("SSH_AUTH_SOCK", socket)
            .run();
        let warnings = warnings(&output.expect_status(0));
        assert!(
            warnings.len() == 1 && warnings[0].contains("no ssh agent takes"),
            "{warnings:#?}"
        );
    }
}

fn refused() {
    let bed = Bed::new(&["one"]);
    let (text, _) = bed.key("a");
    bed.put("one", "a", text.as_bytes());
    let says = "Could not add identity \"(stdin)\": agent refused operation";
    executable(
        &bed.bin().join("ssh-add"),
        &format!("cat >/dev/null; echo '{says}' >&2; exit 1"),
    );
    for output in [bed.login(), bed.exec()] {
        let warnings = warnings(&output.expect_status(0));
        let place = "private key private_keys/ssh/a of bucket";
        assert!(
            warnings.len() == 1 && warnings[0].starts_with(place),
            "{warnings:#?}"
        );
        assert!(
            warnings[0].ends_with(&format!("ssh-add says: {says}")),
            "{warnings:#?}"
        );
    }
}

/// No buckets, or no keys in them: nobody needs an agent.
fn nothing() {
    let bed = Bed::new(&["one"]);
    bed.put("one", "", b"");
    let called = bed.ssh.directory().join("called");
    let note = format!("touch {}", quoted(called.to_str().unwrap()));
    executable(&bed.bin().join("ssh-add"), &note);
    let run = |tool: &str, args: &[&str]| {
        let output = bed.tool(tool, args).env("SSH_AUTH_SOCK", "").run();
        assert_eq!(warnings(&output.expect_status(0)), [""; 0]);
    };
    let exec = [
        "exec",
        "--user=root",
        "--command=true",
        "--hostclass=mhcapp",
    ];
    run("disco_ssh", &["mhcapp"]);
    run("disco_aws", &exec);
    bed.ssh
        .config
        .edit("disco_vpc.ini", "credential_buckets = one\n", "");
    run("disco_ssh", &["mhcapp"]);
    run("disco_aws", &exec);
    // A login does not even need the file.
    fs::remove_file(bed.ssh.config.path().join("disco_vpc.ini")).unwrap();
    run("disco_ssh", &["mhcapp"]);
    assert!(!called.exists());
}

/// The text of a key is in no output, however much is logged, in no argument list and in no file.
fn secrets() {
    let bed = Bed::new(&["one"]);
    let (text, public) = bed.key("a");
    bed.put("one", "a", text.as_bytes());
    let seen = bed.ssh.directory().join("seen");
    let real = "PATH=${PATH#*:}; exec ssh-add \"$@\"";
    let note = format!(
        "(printf '%s|' \"$@\"; cat /proc/*/cmdline) >{}\n{real}",
        quoted(seen.to_str().unwrap())
    );
    executable(&bed.bin().join("ssh-add"), &note);
    let tool = bed
        .tool("disco_ssh", &["--debug", "mhcapp"])
        .env("ASIAQ_LOG", "trace");
    let output = tool.run().expect_status(0);
    assert!(bed.agent.keys().contains(&public));
    assert!(output.stderr.contains("TRACE") && output.stderr.contains("the agent has private key"));
    let seen = String::from_utf8_lossy(&fs::read(seen).unwrap()).into_owned();
    assert!(
        seen.starts_with("-|") && seen.contains("disco_ssh"),
        "{seen}"
    );
    let lines = secret_lines(&text);
    assert!(lines.len() > 3);
    for line in lines {
        for place in [&output.stdout, &output.stderr, &seen] {
            assert!(!place.contains(line), "a line of the key is shown");
        }
    }
    assert_eq!(bed.files(), [] as [&Path; 0]);
}

/// Wherever a SIGKILL comes, there is no file that could hold a key, because there never is one.
fn killed_at_calls() {
    let bed = Bed::new(&["one", "two"]);
    for (postfix, name) in [("one", "a"), ("one", "b"), ("two", "c")] {
        bed.put(postfix, name, bed.key(name).0.as_bytes());
    }
    let mut calls = 0;
    loop {
        calls += 1;
        let proxy = Proxy::start(bed.ssh.cloud.url(), Behaviour::new().kill_at(calls));
        let killed = run_until_killed(&proxy, bed.tool("disco_ssh", &["mhcapp"]));
        assert_eq!(bed.files(), [] as [&Path; 0], "killed at call {calls}");
        if killed.is_none() {
            break;
        }
    }
    // The VPC, the hosts, two listings, three keys.
    assert_eq!(calls, 8);
    assert_eq!(bed.agent.keys().lines().count(), 3);
}

fn killed_in_agent() {
    let bed = Bed::new(&["one"]);
    bed.put("one", "a", bed.key("a").0.as_bytes());
    let started = bed.ssh.directory().join("started");
    let wait = format!(
        "echo $$ >{0}.part; mv {0}.part {0}; cat >/dev/null; exec sleep 60",
        quoted(started.to_str().unwrap())
    );
    executable(&bed.bin().join("ssh-add"), &wait);
    let alive = || {
        let id = fs::read_to_string(&started).unwrap();
        let stat = fs::read_to_string(Path::new("/proc").join(id.trim()).join("stat"));
        // Nobody may wait for it in this container.
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    // With SIGKILL nobody can end ssh-add, but it holds a pipe and no file.
    let running = bed.tool("disco_ssh", &["mhcapp"]).spawn();
    until("ssh-add starts", || started.exists());
    running.child().lock().unwrap().kill().unwrap();
    running.wait();
    assert_eq!(bed.files(), [] as [&Path; 0]);
    let id = fs::read_to_string(&started)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    crate::support::sshd::kill(id);
    until("ssh-add ends", || !alive());

    // With Ctrl-C it ends.
    fs::remove_file(&started).unwrap();
    let running = bed.tool("disco_ssh", &["mhcapp"]).spawn();
    until("ssh-add starts", || started.exists());
    let child = i32::try_from(running.child().lock().unwrap().id()).unwrap();
    let child = rustix::process::Pid::from_raw(child).unwrap();
    rustix::process::kill_process(child, rustix::process::Signal::INT).unwrap();
    running.wait().expect_status(130);
    until("ssh-add ends", || !alive());
    assert_eq!(bed.files(), [] as [&Path; 0]);
}
