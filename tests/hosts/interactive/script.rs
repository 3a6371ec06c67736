//! `disco_ssh.sh`: with stand-ins for the programs that it calls, and once with the real ones.

use super::super::needs::Needs;
use super::terminal::{Terminal, executable, path_with, quoted, tools};
use crate::support::sshd::SshBed;
use libtest_mimic::Trial;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// As `disco_aws listhosts --hostname --private-ip` writes it.
const TABLE: &str = "\
i-0a0 bake_mhcapp_x                  54.0.0.9        - 10.0.0.9
i-0a1 x bake_mhcapp                  54.0.0.8        - 10.0.0.8
i-0a2 mhcweb                         52.0.0.2        y 10.0.0.2
i-0a3 mhcwebcache                    10.0.0.3        - 10.0.0.3
i-0a4 mhcnothing                     -               - -
";
const JUMP: &str = "\
i-0b1 mhcadminproxy                  54.1.1.1        y 10.9.0.1
i-0b2 mhcadminproxy                  54.1.1.2        y 10.9.0.2
";

pub fn tests(needs: &Needs) -> Vec<Trial> {
    vec![
        needs.ssh("interactive::script::usage", usage),
        needs.ssh("interactive::script::straight", straight),
        needs.ssh("interactive::script::through_the_jump_host", through),
        needs.ssh("interactive::script::tunnels", tunnels),
        needs.ssh("interactive::script::agent", agent),
        needs.ssh("interactive::script::for_real", for_real),
    ]
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("disco_ssh.sh")
}

/// Stand-ins that note how they are called.
struct Bed {
    directory: TempDir,
}

struct Ended {
    status: i32,
    stdout: String,
    stderr: String,
    /// One line per call: the program and its words, each in brackets.
    calls: String,
}

impl Bed {
    fn new(table: &str) -> Self {
        let bed = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        let log = quoted(&bed.path("calls"));
        let note = format!(
            "(printf '%s' \"${{0##*/}}\"; for w; do printf ' [%s]' \"$w\"; done; echo) >>{log}"
        );
        let tool = |name: &str, text: &str| {
            executable(&bed.directory.path().join(name), &format!("{note}\n{text}"));
        };
        let keys = quoted(&bed.path("keys"));
        tool(
            "disco_aws",
            &format!("cat {}; echo 'header' >&2", quoted(&bed.path("table"))),
        );
        tool("ssh", "exit 9");
        tool(
            "ssh-add",
            &format!("case $1 in -l) cat {keys};; *) cat {keys}.later >>{keys};; esac"),
        );
        tool(
            "ssh-agent",
            "sleep 100 >/dev/null 2>&1 & echo \"SSH_AGENT_PID=$!; export SSH_AGENT_PID; echo Agent pid $!;\"",
        );
        bed.write("table", table);
        bed.write("keys", "256 SHA256:abc tester@office (ED25519)\n");
        bed.write("keys.later", "");
        bed
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> Ended {
        fs::write(self.path("calls"), "").unwrap();
        let output = Command::new("bash")
            .arg(script())
            .args(args)
            .env_clear()
            .env("PATH", path_with(self.directory.path()))
            .env("HOME", self.path("home %1"))
            .env("USER", "tester")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended {
            status: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            calls: fs::read_to_string(self.path("calls")).unwrap(),
        }
    }

    /// The words of the one ssh call; its exit status is passed on.
    fn ssh(&self, args: &[&str], variables: &[(&str, &str)]) -> String {
        let ended = self.run(args, variables);
        assert_eq!(ended.status, 9, "{}\n{}", ended.calls, ended.stderr);
        assert_eq!(ended.stdout, "", "stdout is for what ssh says");
        let first = ended.stderr.lines().next().unwrap_or_default();
        assert_eq!(
            first,
            "WARNING: disco_ssh.sh is deprecated. Please use disco_ssh"
        );
        let listing = "disco_aws [--env] [ci] [listhosts] [--hostname] [--private-ip]\n";
        assert!(ended.calls.starts_with(listing), "{}", ended.calls);
        let mut ssh = ended.calls.lines().filter(|line| line.starts_with("ssh ["));
        let words = ssh.next().unwrap_or_default().to_owned();
        assert!(ssh.next().is_none(), "{}", ended.calls);
        assert!(
            ended.stderr.contains("\nssh -A"),
            "told first: {}",
            ended.stderr
        );
        words
    }

    fn refused(&self, args: &[&str], status: i32, text: &str) {
        let ended = self.run(args, &[]);
        assert_eq!(ended.status, status, "{}", ended.stderr);
        assert!(ended.stderr.contains(text), "{}", ended.stderr);
        assert!(!ended.calls.contains("ssh ["), "{}", ended.calls);
    }

    /// The options of a hop from here.
    fn options(&self, id: &str) -> String {
        let known = self.path("home %%1/.local/state/asiaq/known_hosts");
        format!(
            "[-oStrictHostKeyChecking=accept-new] [-oUserKnownHostsFile=\"{known}\"] [-oHostKeyAlias={id}]"
        )
    }
}

fn usage() {
    let bed = Bed::new(TABLE);
    for args in [&[][..], &["ci"], &["ci", ""]] {
        bed.refused(args, 2, "usage: disco_ssh.sh ENV HOST [PORT...]");
    }
    for port in ["x", "0", "65536", "1;2", ""] {
        bed.refused(&["ci", "mhcweb", "80", port], 2, "is not a port");
    }
    for host in ["mhcmissing", "mhcnothing", "bake_", "i-0a1"] {
        let text = format!("Can't find host '{host}' in env 'ci'");
        bed.refused(&["ci", host], 1, &text);
    }
    executable(&bed.directory.path().join("disco_aws"), "exit 1");
    bed.refused(&["ci", "mhcweb"], 1, "Are you on the VPN?");
}

fn straight() {
    let bed = Bed::new(TABLE);
    // The first line with the text counts.
    for host in ["mhcweb", "i-0a2", "10.0.0.2", "hcwe"] {
        let expected = format!("ssh [-At] [-t] [-t] {} [52.0.0.2]", bed.options("i-0a2"));
        assert_eq!(bed.ssh(&["ci", host], &[]), expected);
    }
    let expected = format!(
        "ssh [-At] [-t] [-t] [-F] [a file] {} [bob@10.0.0.3]",
        bed.options("i-0a3")
    );
    let variables = [("SSH_USER", "bob"), ("ASIAQ_SSH_OPTIONS", "-F 'a file'")];
    assert_eq!(bed.ssh(&["ci", "webcache"], &variables), expected);
    bed.refused(&["ci", "mhcweb", "80"], 1, "Tunnels need a jump host");

    let state = Path::new(&bed.path("home %1")).join(".local/state/asiaq");
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(state).unwrap());
    assert_eq!(mode & 0o777, 0o700);
}

fn through() {
    let bed = Bed::new(&(TABLE.to_owned() + JUMP));
    let words = bed.ssh(&["ci", "mhcweb"], &[]);
    let expected = format!(
        "ssh [-At] [-t] [-t] {} [54.1.1.1] [ssh] [-At] [-t] [-t] \
         [-oStrictHostKeyChecking=accept-new] [-oHostKeyAlias=i-0a2] [10.0.0.2]",
        bed.options("i-0b1")
    );
    assert_eq!(words, expected);
    // The shell of the jump host takes the words after its address apart; the user is for the last hop only.
    let words = bed.ssh(&["ci", "mhcweb"], &[("SSH_USER", "a b;c")]);
    assert!(
        words.contains(" [54.1.1.1] [ssh] ") && words.ends_with(r" [a\ b\;c@10.0.0.2]"),
        "{words}"
    );
    bed.refused(&["ci", "mhcnothing"], 1, "Can't find host");
    // A jump host without address is none.
    bed.write("table", &format!("i-0b3 mhcadminproxy - - -\n{TABLE}"));
    assert!(bed.ssh(&["ci", "mhcweb"], &[]).ends_with(" [52.0.0.2]"));
}

fn tunnels() {
    let bed = Bed::new(&(TABLE.to_owned() + JUMP));
    let expected = format!(
        "ssh [-A] [-L] [80:10.0.0.2:80] [-L] [8443:10.0.0.2:8443] {} [54.1.1.1] \
         [echo -n 'Tunnel(s) created. Press Ctrl-C to disconnect...'; tail -f /dev/null]",
        bed.options("i-0b1")
    );
    assert_eq!(bed.ssh(&["ci", "mhcweb", "80", "8443"], &[]), expected);
}

fn agent() {
    let bed = Bed::new(TABLE);
    // An agent with the key is used as it is.
    assert!(!bed.run(&["ci", "mhcweb"], &[]).calls.contains("ssh-agent"));
    // Another user's key does not do, and ~/.ssh/id_rsa cannot be added.
    bed.write("keys", "256 SHA256:abc somebody@office (ED25519)\n");
    bed.refused(&["ci", "mhcweb"], 1, "The ssh agent has no key of 'tester'");
    // It can: an agent of its own has it, and ends with the script.
    bed.write("keys.later", "3072 SHA256:def tester@office (RSA)\n");
    let ended = bed.run(&["ci", "mhcweb"], &[]);
    assert_eq!(ended.status, 9, "{}", ended.stderr);
    let add = format!("ssh-add [{}]\n", bed.path("home %1/.ssh/id_rsa"));
    assert!(
        ended.calls.contains("ssh-agent [-s]\n") && ended.calls.contains(&add),
        "{}",
        ended.calls
    );
}

/// The script as `asiaq link-names` installs it, on a terminal, with the real tools.
fn for_real() {
    let bed = SshBed::new();
    let (server, id) = bed.host("mhcapp", "app-1");
    let (tool, _home) = bed
        .tool("asiaq", &["link-names"])
        .args([bed.directory()])
        .into_command();
    let mut link = Command::new(tool.get_program());
    assert!(
        link.args(tool.get_args())
            .output()
            .unwrap()
            .status
            .success()
    );

    let (tool, home) = bed.tool("disco_aws", &[]).into_command();
    let mut command = Command::new("script");
    for (name, value) in tool.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
        .env("PATH", path_with(tools()))
        .env("USER", "test")
        .current_dir(home.path());
    let script = bed.directory().join("disco_ssh.sh");
    let line = format!("{} ci app", quoted(script.to_str().unwrap()));
    let mut terminal = Terminal::run(command, &line);
    terminal.types("echo SIZE=$(stty size); ssh-add -L | sed 's/^/HAS /'; exit 8\n");
    let (status, text) = terminal.end();
    assert!(
        status == 8 && text.contains("SIZE=33 99"),
        "{status}\n{text}"
    );
    assert!(
        text.contains(&format!("HAS {}", bed.public_key().trim())),
        "{text}"
    );
    let known = fs::read_to_string(bed.state().join("asiaq/known_hosts")).unwrap();
    assert!(known.contains(&server.host_key()), "{known}");
    assert!(text.contains(&format!("-oHostKeyAlias={id}")), "{text}");
}
