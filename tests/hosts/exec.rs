//! `disco_aws exec` on real ssh servers: what is run where, what is printed, how it ends.

use super::needs::Needs;
use crate::support::Output;
use crate::support::sshd::{SshBed, Sshd, descendants, runs, until};
use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};
use std::process::Stdio;
use std::time::{Duration, Instant};

pub fn tests(needs: &Needs) -> Vec<Trial> {
    vec![
        needs.ssh("exec::one_after_another", one_after_another),
        needs.ssh("exec::concurrently", concurrently),
        needs.ssh(
            "exec::order_does_not_depend_on_speed",
            order_does_not_depend_on_speed,
        ),
        needs.ssh("exec::selectors", selectors),
        needs.ssh("exec::nobody_and_the_dead", nobody_and_the_dead),
        needs.ssh("exec::dry_run", dry_run),
        needs.ssh("exec::a_terminal_shows_names", a_terminal_shows_names),
        needs.ssh("exec::commands_arrive_as_given", commands_arrive_as_given),
        needs.ssh("exec::much_output", much_output),
        needs.ssh("exec::a_reader_that_goes_away", a_reader_that_goes_away),
        needs.ssh("exec::a_reader_that_stalls", a_reader_that_stalls),
        needs.ssh(
            "exec::a_reader_of_what_came_last",
            a_reader_of_what_came_last,
        ),
        needs.ssh("exec::many_hosts_few_processes", many_hosts_few_processes),
    ]
}

pub fn exec(bed: &SshBed, args: &[&str]) -> Output {
    bed.tool("disco_aws", &[&["exec", "--user", "root"], args].concat())
        .run()
}

fn one_after_another() {
    let bed = SshBed::new();
    let (_one, first) = bed.host("mhcapp", "one");
    let (_two, second) = bed.host("mhcapp", "two");
    let (_three, third) = bed.host("mhcapp", "three");
    let script = "echo $SSH_CONNECTION | cut -d' ' -f3; echo problem >&2; echo end";
    let ids = [
        "--instance",
        &third,
        "--instance",
        &first,
        "--instance",
        &second,
    ];
    let output = exec(&bed, &[&["--command", script], &ids[..]].concat()).expect_status(0);
    let (a, b, c) = (_three.address(), _one.address(), _two.address());
    // ssh carries the two streams side by side: their order is not known, but nothing of theirs is between other hosts' lines.
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines.len(), 9, "{}", output.stdout);
    for (own, address) in lines.chunks(3).zip([a, b, c]) {
        let mut own = own.to_vec();
        own.sort_unstable();
        assert_eq!(own, [address, "end", "problem"]);
    }
    assert!(!output.stderr.contains("error"), "{}", output.stderr);

    // The last failure counts. It is known who failed.
    let script = format!("case $SSH_CONNECTION in *{a}*) exit 9;; *{b}*) exit 4;; esac");
    let output = exec(&bed, &[&["--command", &script], &ids[..]].concat()).expect_status(4);
    for line in [
        "error: 2 of 3 hosts failed".to_owned(),
        format!("  {third} three: exit status 9"),
        format!("  {first} one: exit status 4"),
    ] {
        assert!(
            output.stderr.contains(&line),
            "{line} in\n{}",
            output.stderr
        );
    }
    let output = exec(
        &bed,
        &[&["--command", &script, "--concurrent"], &ids[..]].concat(),
    );
    output.expect_status(9);
}

fn concurrently() {
    let bed = SshBed::new();
    let hosts = ["one", "two", "three"].map(|name| bed.host("mhcapp", name));
    // Each host waits until all three are there: one after another that would never end.
    let place = bed.directory().join("meeting");
    std::fs::create_dir(&place).unwrap();
    let place = place.display();
    let script = format!(
        "touch {place}/$(echo $SSH_CONNECTION | cut -d' ' -f3); n=0; \
         while [ $(ls {place} | wc -l) -lt 3 ]; do n=$((n+1)); [ $n -gt 400 ] && exit 1; sleep 0.05; done; echo met"
    );
    let args = [
        "--command",
        &script,
        "--hostclass",
        "mhcapp",
        "--concurrent",
    ];
    let output = exec(&bed, &args).expect_status(0);
    assert_eq!(
        output.stdout.lines().filter(|l| *l == "met").count(),
        3,
        "{}",
        output.stdout
    );
    drop(hosts);
}

fn order_does_not_depend_on_speed() {
    let bed = SshBed::new();
    let hosts: Vec<_> = (0..4)
        .map(|n| bed.host("mhcapp", &format!("h{n}")))
        .collect();
    let mut cases = String::new();
    let mut ids = Vec::new();
    let mut expected = String::new();
    for (n, (server, id)) in hosts.iter().enumerate() {
        let pause = 4 - n;
        cases += &format!(
            "*{}*) sleep 0.{pause}; echo {n}; sleep 0.{pause}; echo {n}e >&2;; ",
            server.address()
        );
        ids.extend(["--instance", id.as_str()]);
        expected += &format!("{n}\n{n}e\n");
    }
    let script = format!("case $SSH_CONNECTION in {cases} esac");
    let args = [&["--command", &script, "--concurrent"], &ids[..]].concat();
    let output = exec(&bed, &args).expect_status(0);
    assert_eq!(
        output.stdout, expected,
        "bare output, in the order of the selection"
    );
}

fn selectors() {
    let bed = SshBed::new();
    let (_one, _) = bed.host("mhcapp", "one");
    let (_two, second) = bed.host("mhcdb", "two");
    let address = |n: usize| format!("{}\n", [_one.address(), _two.address()][n]);
    let script = "echo $SSH_CONNECTION | cut -d' ' -f3";
    for (selector, expected) in [
        (&["--hostclass", "mhcdb"][..], address(1)),
        (&["--hostname", "one"], address(0)),
        (
            &["--hostname", "two", "--hostname", "one"],
            address(1) + &address(0),
        ),
        (&["--instance", &second], address(1)),
        (&["--asg", "no-such-group"], String::new()),
    ] {
        let output = exec(&bed, &[&["--command", script], selector].concat()).expect_status(0);
        assert_eq!(output.stdout, expected, "{selector:?}");
    }
    for wrong in [
        &["--command", "id"][..],
        &[
            "--command",
            "id",
            "--hostname",
            "one",
            "--hostclass",
            "mhcdb",
        ],
        &["--hostname", "one"],
        &["--command", "", "--hostname", "one"],
        &["--command", "id", "--hostname", "one", "--output", "json"],
        &["--command", "id", "--hostname", "one", "--parallel", "4"],
        &[
            "--command",
            "id",
            "--hostname",
            "one",
            "--concurrent",
            "--parallel",
            "0",
        ],
    ] {
        let output = exec(&bed, wrong).expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{wrong:?}"
        );
    }
    let bad_user = bed.tool(
        "disco_aws",
        &[
            "exec",
            "--user=-oProxyCommand=id",
            "--command",
            "id",
            "--hostname",
            "one",
        ],
    );
    let output = bad_user.run().expect_status(1);
    assert!(
        output.stderr.contains("is not a user name"),
        "{}",
        output.stderr
    );
}

fn nobody_and_the_dead() {
    let bed = SshBed::new();
    let _alive = bed.host("mhcapp", "alive");
    let dead = bed.instance(&bed.address(), &[("hostclass", "mhcapp")]);
    bed.terminate(&dead);

    let output = exec(
        &bed,
        &[
            "--command",
            "echo here",
            "--hostclass",
            "mhcapp",
            "--concurrent",
        ],
    )
    .expect_status(0);
    assert_eq!(output.stdout, "here\n");
    assert!(
        output
            .stderr
            .contains(&format!("skipped: {dead} (terminated)")),
        "{}",
        output.stderr
    );

    let output = exec(&bed, &["--command", "id", "--instance", &dead]).expect_status(1);
    assert!(
        output
            .stderr
            .contains("error: every selected host is terminated"),
        "{}",
        output.stderr
    );

    let output = exec(&bed, &["--command", "id", "--hostclass", "mhcnone"]).expect_status(0);
    assert_eq!(
        (output.stdout.as_str(), output.stderr.contains("error")),
        ("", false)
    );
}

fn dry_run() {
    let bed = SshBed::new();
    let id = bed.instance(
        &bed.address(),
        &[("hostclass", "mhcapp"), ("hostname", "one")],
    );
    let args = [
        "--command",
        "touch /x",
        "--hostclass",
        "mhcapp",
        "--dry-run",
    ];
    let output = exec(&bed, &args).expect_status(0);
    assert!(output.stdout.starts_with(&format!("{id} ")) && output.stdout.lines().count() == 1);
    assert!(!bed.state().exists(), "no ssh was prepared");
    let output = exec(&bed, &[&args[..], &["--output", "json"]].concat()).expect_status(0);
    assert!(
        output
            .stdout
            .contains(&format!("\"instance_id\": \"{id}\"")),
        "{}",
        output.stdout
    );
}

fn a_terminal_shows_names() {
    let bed = SshBed::new();
    let (_one, first) = bed.host("mhcapp", "one");
    let (_two, second) = bed.host("mhcapp", "");
    let both = ["--hostclass", "mhcapp", "--concurrent"];
    let text = on_a_terminal(
        &bed,
        &[&["--command", "printf 'ä\\nb'; echo c >&2"], &both[..]].concat(),
    );
    let width = second.len();
    for line in [
        format!("{:<width$} | ä\r\n", "one"),
        format!("{second} | bc\r\n"),
    ] {
        assert!(text.contains(&line), "{line:?} in {text:?}");
    }
    assert_eq!(text.lines().count(), 4, "{text:?}");
    // One host is shown bare.
    let text = on_a_terminal(&bed, &["--command", "echo x", "--instance", &first]);
    assert_eq!(text, "x\r\n");
}

/// What a terminal shows of `exec`.
fn on_a_terminal(bed: &SshBed, args: &[&str]) -> String {
    let (command, _home) = bed
        .tool("disco_aws", &[&["exec", "--user", "root"], args].concat())
        .into_command();
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|a| a.to_string_lossy().into_owned()));
    let quoted: Vec<String> = words
        .iter()
        .map(|w| format!("'{}'", w.replace('\'', "'\\''")))
        .collect();
    let mut script = std::process::Command::new("script");
    script
        .args(["-q", "-e", "-c", &quoted.join(" "), "/dev/null"])
        .stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    let output = script.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

fn commands_arrive_as_given() {
    let bed = SshBed::new();
    // The server shows what it gets instead of running it.
    let server = bed.server(Sshd::default().forced("printf %s \"$SSH_ORIGINAL_COMMAND\""));
    let id = bed.instance(server.address(), &[]);
    exec(&bed, &["--command", "x", "--instance", &id]).expect_status(0);
    for command in [
        "echo 'single' \"double\" `back` \\backslash",
        "one\ntwo\n\n  three\t$HOME ${X:-y} $(id) !! # no comment",
        "-oProxyCommand=touch /tmp/x",
        "--",
        "-- --help",
        "grüße € 漢字 🙂",
        "%h %p %% * ? [a] {b,c} ~ & ; | < > ( )",
        " leading and trailing ",
    ] {
        let argument = format!("--command={command}");
        let output = exec(&bed, &[&argument, "--instance", &id]).expect_status(0);
        assert_eq!(output.stdout, command);
    }
}

fn much_output() {
    let bed = SshBed::new();
    let (_server, id) = bed.host("mhcapp", "one");
    let file = bed.directory().join("bytes");
    let bytes: Vec<u8> = (0..5_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    std::fs::write(&file, &bytes).unwrap();
    let script = format!("cat {}", file.display());
    let tool = bed.tool(
        "disco_aws",
        &[
            "exec",
            "--user",
            "root",
            "--command",
            &script,
            "--instance",
            &id,
        ],
    );
    let (mut command, _home) = tool.into_command();
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success());
    assert!(output.stdout == bytes, "{} bytes", output.stdout.len());
}

fn a_reader_that_goes_away() {
    let bed = SshBed::new();
    let (server, id) = bed.host("mhcapp", "one");
    let tool = bed.tool(
        "disco_aws",
        &[
            "exec",
            "--user",
            "root",
            "--command",
            "yes; sleep 60",
            "--instance",
            &id,
        ],
    );
    let (mut command, _home) = tool.into_command();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = child.stdout.take().unwrap();
    std::io::Read::read_exact(&mut reader, &mut [0; 100]).unwrap();
    let children = descendants(child.id());
    assert!(!children.is_empty());
    drop(reader);
    let start = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(141));
    assert!(start.elapsed() < Duration::from_secs(10));
    until("no ssh is left", || children.iter().all(|pid| !runs(*pid)));
    until("no session is left", || server.session_processes() == 0);
}

/// A pager that is not scrolled: memory stays bounded, and Ctrl-C works.
fn a_reader_that_stalls() {
    let bed = SshBed::new();
    let (server, id) = bed.host("mhcapp", "one");
    let args = [
        "exec",
        "--user",
        "root",
        "--command",
        "yes",
        "--instance",
        &id,
    ];
    let (mut command, _home) = bed.tool("disco_aws", &args).into_command();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = child.stdout.take().unwrap();
    std::io::Read::read_exact(&mut reader, &mut [0; 100]).unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kilobytes < 256 * 1024, "{line}");
    let children = descendants(child.id());
    assert!(!children.is_empty());
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let start = Instant::now();
    until("Ctrl-C ends it", || child.try_wait().unwrap().is_some());
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(child.wait().unwrap().code(), Some(130));
    until("no ssh is left", || children.iter().all(|pid| !runs(*pid)));
    until("no session is left", || server.session_processes() == 0);
    drop(reader);
}

/// What a host has said before its turn is written when the one before it ends. A reader that is gone by then is noticed.
fn a_reader_of_what_came_last() {
    let bed = SshBed::new();
    let (server, first) = bed.host("mhcapp", "one");
    let (_two, second) = bed.host("mhcapp", "two");
    let (third_server, third) = bed.host("mhcapp", "three");
    let script = format!(
        "case $SSH_CONNECTION in *{}*) echo a; sleep 2;; *{}*) sleep 60;; *) echo b;; esac",
        server.address(),
        third_server.address()
    );
    let args = [
        "exec",
        "--user",
        "root",
        "--command",
        &script,
        "--concurrent",
        "--instance",
        &first,
        "--instance",
        &second,
        "--instance",
        &third,
    ];
    let (mut command, _home) = bed.tool("disco_aws", &args).into_command();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = child.stdout.take().unwrap();
    std::io::Read::read_exact(&mut reader, &mut [0; 2]).unwrap();
    drop(reader);
    let start = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(141));
    assert!(start.elapsed() < Duration::from_secs(20));
}

fn many_hosts_few_processes() {
    let bed = SshBed::new();
    let (_servers, addresses) = bed.fleet("mhcapp", 110, &Sshd::default());
    let args = [
        "exec",
        "--user",
        "root",
        "--command",
        "echo $SSH_CONNECTION | cut -d' ' -f3; sleep 0.2",
        "--hostclass",
        "mhcapp",
        "--concurrent",
        "--parallel",
        "12",
    ];
    let (mut command, _home) = bed.tool("disco_aws", &args).into_command();
    let out = std::fs::File::create(bed.directory().join("out")).unwrap();
    let mut child = command.stdin(Stdio::null()).stdout(out).spawn().unwrap();
    let mut most = 0;
    let status = loop {
        most = most.max(descendants(child.id()).len());
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success());
    assert!((2..=12).contains(&most), "{most} processes at once");
    let text = std::fs::read_to_string(bed.directory().join("out")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    let mut expected: Vec<&str> = addresses.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(lines, expected);
}
