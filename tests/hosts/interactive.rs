//! `disco_ssh` and `disco_ssh.sh` on real ssh servers.

mod script;
pub mod terminal;

use super::needs::Needs;
use crate::support::asiaq;
use crate::support::sshd::{Agent, Jump, SshBed, Sshd};
use libtest_mimic::Trial;
use std::fs;
use terminal::{Terminal, login};

pub fn tests(needs: &Needs) -> Vec<Trial> {
    let mut trials = vec![
        needs.ssh(
            "interactive::terminal_agent_and_status",
            terminal_agent_and_status,
        ),
        needs.ssh("interactive::names", names),
        needs.ssh("interactive::user", user),
        needs.ssh("interactive::keys_pressed_reach_the_host", keys_pressed),
        needs.ssh("interactive::address", address),
        needs.ssh("interactive::host_key_changed", host_key_changed),
        needs.ssh("interactive::jump_host", jump_host),
        needs.ssh("interactive::dry_run", dry_run),
        needs.ssh("interactive::out_of_reach", out_of_reach),
        needs.ssh("interactive::known_hosts_in_an_odd_place", odd_place),
        needs.ssh("interactive::nothing_to_start", nothing_to_start),
    ];
    trials.extend(script::tests(needs));
    trials
}

/// What a login shows and how it ends: window size, exit status and agent are those of ssh itself.
fn terminal_agent_and_status() {
    let bed = SshBed::new();
    let (_server, id) = bed.host("mhcapp", "app-1");
    for name in ["mhcapp", "pp-1", &id] {
        let mut session = login(&bed, &[name]);
        session.types("echo SIZE=$(stty size) TTY=$(tty | cut -c1-8)\n");
        session.sees("SIZE=33 99 TTY=/dev/pts");
        session.types("ssh-add -L | sed 's/^/HAS /'; exit 7\n");
        let (status, text) = session.end();
        assert_eq!(status, 7, "{text}");
        let key = format!("HAS {}", bed.public_key().trim());
        assert!(text.contains(&key), "agent is not forwarded:\n{text}");
        let line = text.lines().find(|l| l.contains("Now ssh-ing: ssh "));
        let line = line.unwrap_or_else(|| panic!("no command line:\n{text}"));
        let alias = format!("-oHostKeyAlias={id}");
        assert!(
            line.contains(&alias) && line.trim().ends_with(_server.address()),
            "{line}"
        );
    }
    let known = fs::read_to_string(bed.state().join("asiaq/known_hosts")).unwrap();
    assert_eq!(known.lines().count(), 1, "{known}");
    assert!(known.contains(&_server.host_key()), "{known}");
}

/// Every rule of which host is meant, as far as the command line shows it; the table is beside the code.
fn names() {
    let bed = SshBed::new();
    let server = bed.server(Sshd::default());
    let tags = |class, name| [("hostclass", class), ("hostname", name)];
    let first = bed.instance(server.address(), &tags("mhcweb", "web-1"));
    let one = |class, name| bed.instance(&bed.address(), &tags(class, name));
    let second = one("mhcweb", "web-10");
    one("mhcwebcache", "cache-1");
    let gone = one("mhcold", "old-1");
    let end = bed.cloud.client().terminate_instances().instance_ids(&gone);
    bed.cloud.wait(end.send()).unwrap();

    let run = |args: &[&str]| {
        bed.tool("disco_ssh", &[args, &["--dry-run"]].concat())
            .run()
    };
    let refused = |args: &[&str], text: &str| {
        let output = run(args).expect_status(1);
        assert_eq!(output.stdout, "");
        assert!(output.stderr.contains(text), "{}", output.stderr);
        assert!(output.stderr.contains("hint: "), "{}", output.stderr);
    };
    refused(&["nobody"], "error: no instances in ci matched `nobody`");
    refused(&["old-1"], "error: no instances in ci matched `old-1`");
    refused(&[&gone], "no instances in ci matched");
    let both = format!("web-1 ({first}), web-10 ({second})");
    for name in ["web-", "mhcweb"] {
        let text = format!("2 instances in ci matched `{name}`: {both}");
        refused(&[name], &text);
    }
    refused(
        &["--first", "mhcw"],
        "instances of 2 hostclasses in ci matched `mhcw`: mhcweb, mhcwebcache",
    );
    for args in [
        &["web-1"][..],
        &["--first", "web-"],
        &["--first", "mhcweb"],
        &["--env=ci", &first],
    ] {
        let output = run(args).expect_status(0);
        let alias = format!("HostKeyAlias={first}");
        assert!(
            output.stdout.contains(&alias),
            "{args:?}: {}",
            output.stdout
        );
    }
    let nowhere = bed.tool("disco_ssh", &["--env", "no", "web-1"]).run();
    let text = nowhere.expect_status(1).stderr;
    assert!(text.contains("cannot select environment `no`"), "{text}");
    for args in [&[][..], &[""], &["-u", "", "web-1"], &["web-1", "web-2"]] {
        let output = bed.tool("disco_ssh", args).run().expect_status(2);
        assert!(output.stderr.contains("Usage:"), "{}", output.stderr);
    }
}

fn user() {
    let bed = SshBed::new();
    let server = bed.server(Sshd::default().user("bob"));
    bed.instance(server.address(), &[("hostclass", "mhcapp")]);
    for option in [&["-u", "bob"][..], &["-ubob"], &["--user", "bob"]] {
        let mut session = login(&bed, &[option, &["mhcapp"]].concat());
        session.types("echo I AM $(id -un); exit\n");
        let (status, text) = session.end();
        assert!(status == 0 && text.contains("I AM bob"), "{text}");
    }
}

/// Ctrl-C goes to the other end; it ends neither ssh nor the login.
fn keys_pressed() {
    let bed = SshBed::new();
    let (_server, _) = bed.host("mhcapp", "app-1");
    let mut session = login(&bed, &["mhcapp"]);
    session.types("sh -c 'echo READY-$((1+1)); sleep 100'\n");
    session.sees("READY-2");
    session.types("\u{3}");
    session.sees("^C");
    session.types("echo STILL-$((1+2)); exit 5\n");
    let (status, text) = session.end();
    assert!(status == 5 && text.contains("STILL-3"), "{status}\n{text}");
}

/// An address needs no configuration, no environment and no AWS.
fn address() {
    let bed = SshBed::new();
    let server = bed.server(Sshd::default());
    let mut session = Terminal::start(
        bed.tool("disco_ssh", &["-u", "root", server.address()])
            .endpoint("http://127.0.0.1:9")
            .config(&bed.directory().join("nothing here"))
            .env("DEFAULT_ENV", ""),
    );
    session.types("echo IN-$((1+1)); exit 3\n");
    let (status, text) = session.end();
    assert!(status == 3 && text.contains("IN-2"), "{status}\n{text}");

    let plain = asiaq("disco_ssh").args(["10.1.2.3", "--dry-run"]).run();
    let plain = plain.expect_status(0);
    assert!(
        plain.stdout.trim().ends_with(" -- 10.1.2.3"),
        "{}",
        plain.stdout
    );
    let wrong = asiaq("disco_ssh")
        .args(["10.1.2.333"])
        .run()
        .expect_status(1);
    assert!(
        wrong.stderr.contains("`10.1.2.333` is no IPv4 address"),
        "{}",
        wrong.stderr
    );
}

/// The same instance with another key is refused by ssh, until the old one is forgotten.
fn host_key_changed() {
    let bed = SshBed::new();
    let (server, first) = bed.host("mhcapp", "app-1");
    let address = server.address().to_owned();
    let try_it = |name: &str| {
        let mut session = login(&bed, &[name]);
        session.types("exit 4\n");
        session.end()
    };
    assert_eq!(try_it(&first).0, 4);
    drop(server);
    let _server = bed.server_at(&address, Sshd::default());
    let (status, text) = try_it(&first);
    assert_eq!(status, 255, "{text}");
    assert!(
        text.contains("REMOTE HOST IDENTIFICATION HAS CHANGED"),
        "{text}"
    );
    // What docs/remote.md says.
    let forget = std::process::Command::new("ssh-keygen")
        .args(["-R", &first, "-f"])
        .arg(bed.state().join("asiaq/known_hosts"))
        .output()
        .unwrap();
    assert!(forget.status.success());
    let (status, text) = try_it(&first);
    assert_eq!(status, 4, "{text}");
}

fn jump_host() {
    let bed = SshBed::new();
    let target = bed.server(Sshd::default().own_network());
    bed.instance(target.address(), &[("hostclass", "mhcapp")]);
    let refused = bed.tool("disco_ssh", &["mhcapp"]).run().expect_status(1);
    assert!(
        refused.stderr.contains("cannot be reached"),
        "{}",
        refused.stderr
    );

    let jump = Jump::before(&bed, &target);
    let tags = [("hostclass", "mhcjump"), ("smoketest", "tested")];
    let id = bed.instance(jump.address(), &tags);
    let key = "default_environment = ci\n";
    let with = format!("{key}jump_box_hostclasses = mhcother  mhcjump\n");
    bed.config.edit("disco_aws.ini", key, &with);
    let mut session = login(&bed, &["mhcapp"]);
    session.types("echo SIZE=$(stty size); ssh-add -L | sed 's/^/HAS /'; exit 6\n");
    let (status, text) = session.end();
    assert!(
        status == 6 && text.contains("SIZE=33 99"),
        "{status}\n{text}"
    );
    assert!(
        text.contains(&format!("HAS {}", bed.public_key().trim())),
        "{text}"
    );
    assert!(jump.log().contains("Accepted publickey"), "{}", jump.log());
    let known = fs::read_to_string(bed.state().join("asiaq/known_hosts")).unwrap();
    assert_eq!(
        known.lines().count(),
        2,
        "both keys are remembered:\n{known}"
    );

    // The jump host is not reached through itself.
    drop(jump);
    let refused = bed.tool("disco_ssh", &[id.as_str()]).run().expect_status(1);
    assert!(
        refused.stderr.contains("cannot be reached"),
        "{}",
        refused.stderr
    );
}

/// The command line is printed; nothing is started, written or loaded.
fn dry_run() {
    let bed = SshBed::new();
    let (server, id) = bed.host("mhcapp", "app-1");
    let run = |args: &[&str]| bed.tool("disco_ssh", args).run().expect_status(0).stdout;
    let text = run(&["mhcapp", "--dry-run", "-u", "it's me"]);
    let alias = format!("-oHostKeyAlias={id}");
    assert!(
        text.starts_with("ssh -At ") && text.contains(&alias),
        "{text}"
    );
    assert!(
        text.contains("'-lit'\\''s me'"),
        "not quoted for a shell: {text}"
    );
    let words = run(&["--output", "json", "mhcapp", "--dry-run"]);
    let words: Vec<String> = serde_json::from_str(&words).unwrap();
    assert_eq!(words.last().unwrap(), server.address());
    assert!(!bed.state().exists());
    assert!(!server.log().contains("Accepted"), "{}", server.log());
    let verbose = run(&["mhcapp", "--dry-run", "--debug"]);
    assert!(verbose.contains(" -v "), "{verbose}");
}

fn out_of_reach() {
    let bed = SshBed::new();
    let address = bed.address();
    let id = bed.instance(&address, &[("hostclass", "mhcapp"), ("hostname", "app-1")]);
    let run = || {
        bed.tool("disco_ssh", &["mhcapp"])
            .run()
            .expect_status(1)
            .stderr
    };
    let text = run();
    let why = format!("host app-1 ({id}) cannot be reached: port 22 does not answer at {address}");
    assert!(
        text.contains(&why) && text.contains("jump_box_hostclasses"),
        "{text}"
    );
    let stop = bed.cloud.client().stop_instances().instance_ids(&id);
    bed.cloud.wait(stop.send()).unwrap();
    let text = run();
    assert!(
        text.contains(&format!("host app-1 ({id}) is stop")),
        "{text}"
    );
}

/// ssh takes its options apart at blanks and expands `%`: the file is where it should be all the same, and is found again.
fn odd_place() {
    let bed = SshBed::new();
    let (server, _) = bed.host("mhcapp", "app-1");
    let state = bed.directory().join("a \"b\" %h'\\");
    for _ in 0..2 {
        let tool = bed.tool("disco_ssh", &["mhcapp"]);
        let mut session = Terminal::start(tool.env("XDG_STATE_HOME", state.to_str().unwrap()));
        session.types("exit 2\n");
        let (status, text) = session.end();
        assert_eq!(status, 2, "{text}");
        let known = fs::read_to_string(state.join("asiaq/known_hosts")).unwrap();
        assert_eq!(known.lines().count(), 1);
        assert!(known.contains(&server.host_key()), "{known}");
    }
}

fn nothing_to_start() {
    let bed = SshBed::new();
    let (_server, _) = bed.host("mhcapp", "app-1");
    let run = |name: &str, value: &str| {
        let tool = bed.tool("disco_ssh", &["mhcapp"]).env(name, value);
        tool.run().expect_status(1).stderr
    };
    let empty = bed.directory().join("empty");
    fs::create_dir(&empty).unwrap();
    let text = run("PATH", empty.to_str().unwrap());
    assert!(text.contains("error: `ssh` is not installed"), "{text}");
    let text = run("ASIAQ_SSH_OPTIONS", "-o 'A");
    assert!(
        text.contains("ASIAQ_SSH_OPTIONS has a quote that is not closed"),
        "{text}"
    );
}
