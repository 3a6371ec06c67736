//! `disco_aws exec` when something is wrong: hosts, keys, agents, networks, people with Ctrl-C. Nothing hangs, others are not
//! affected, and everything is said.

use super::needs::Needs;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::sshd::{Agent, Jump, SshBed, Sshd, descendants, make_key, runs, until};
use crate::support::{Asiaq, Output};
use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

pub fn tests(needs: &Needs) -> Vec<Trial> {
    vec![
        needs.ssh("exec_faults::refused", refused),
        needs.ssh("exec_faults::a_black_hole", a_black_hole),
        needs.ssh("exec_faults::no_address", no_address),
        needs.ssh(
            "exec_faults::wrong_key_and_no_agent",
            wrong_key_and_no_agent,
        ),
        needs.ssh("exec_faults::another_host_key", another_host_key),
        needs.ssh("exec_faults::cut_in_the_middle", cut_in_the_middle),
        needs.ssh("exec_faults::ctrl_c", ctrl_c),
        needs.ssh(
            "exec_faults::a_server_with_few_startups",
            a_server_with_few_startups,
        ),
        needs.ssh("exec_faults::no_ssh_here", no_ssh_here),
        needs.ssh(
            "exec_faults::no_place_for_host_keys",
            no_place_for_host_keys,
        ),
        needs.ssh("exec_faults::few_open_files", few_open_files),
        needs.ssh(
            "exec_faults::a_jump_host_that_is_gone",
            a_jump_host_that_is_gone,
        ),
    ]
}

fn tool(bed: &SshBed, command: &str, more: &[&str]) -> Asiaq {
    bed.tool(
        "disco_aws",
        &[&["exec", "--user", "root", "--command", command], more].concat(),
    )
}

fn exec(bed: &SshBed, command: &str, more: &[&str]) -> Output {
    tool(bed, command, more).run()
}

#[track_caller]
fn says(text: &str, part: &str) {
    assert!(text.contains(part), "{part:?} in\n{text}");
}

fn refused() {
    let bed = SshBed::new();
    let (_server, good) = bed.host("mhcapp", "good");
    let bad = bed.instance(
        &bed.address(),
        &[("hostclass", "mhcapp"), ("hostname", "bad")],
    );
    let both = ["--instance", &bad, "--instance", &good];
    for concurrent in [&[][..], &["--concurrent"]] {
        let output = exec(&bed, "echo fine", &[concurrent, &both].concat()).expect_status(255);
        says(&output.stdout, "Connection refused");
        assert!(output.stdout.ends_with("fine\n"), "{}", output.stdout);
        says(&output.stderr, "error: 1 of 2 hosts failed");
        says(&output.stderr, &format!("{bad} bad: exit status 255"));
    }
}

/// An address whose port takes no connection and refuses none: the queue of its listener is full.
struct BlackHole {
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl BlackHole {
    fn at(address: &str) -> Self {
        let listener = TcpListener::bind((address, 22)).unwrap();
        let target = listener.local_addr().unwrap();
        let pause = Duration::from_millis(300);
        let mut queue = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&target, pause) {
            queue.push(stream);
            assert!(queue.len() < 10_000, "the queue never fills");
        }
        Self {
            _listener: listener,
            _queue: queue,
        }
    }
}

fn a_black_hole() {
    let bed = SshBed::new();
    let (_server, good) = bed.host("mhcapp", "good");
    let address = bed.address();
    let bad = bed.instance(&address, &[("hostclass", "mhcapp"), ("hostname", "hole")]);
    let _hole = BlackHole::at(&address);
    let start = Instant::now();
    let output = exec(
        &bed,
        "echo fine",
        &["--concurrent", "--instance", &good, "--instance", &bad],
    );
    let output = output.expect_status(255);
    let took = start.elapsed();
    assert!(
        took > Duration::from_secs(8) && took < Duration::from_secs(40),
        "{took:?}"
    );
    says(&output.stdout, "fine\n");
    says(&output.stdout, "timed out");
    says(&output.stderr, "error: 1 of 2 hosts failed");
}

/// What AWS says of running instances with these ids and addresses.
fn described(bed: &SshBed, instances: &[(&str, Option<&str>)]) -> String {
    let vpc = &bed.vpc_id;
    let item = |(id, address): &(&str, Option<&str>)| {
        let address = address.map(|a| format!("<privateIpAddress>{a}</privateIpAddress>"));
        format!(
            "<item><instanceId>{id}</instanceId><instanceState><code>16</code><name>running</name></instanceState>\
             <vpcId>{vpc}</vpcId>{}</item>",
            address.unwrap_or_default()
        )
    };
    let items: String = instances.iter().map(item).collect();
    format!(
        "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
         <reservationSet><item><reservationId>r-1</reservationId><instancesSet>{items}</instancesSet></item>\
         </reservationSet></DescribeInstancesResponse>"
    )
}

fn no_address() {
    let bed = SshBed::new();
    let (server, good) = bed.host("mhcapp", "good");
    let bad = bed.instance(&bed.address(), &[]);
    // The emulator gives every instance an address, so the answer is written here.
    let body = described(&bed, &[(&bad, None), (&good, Some(server.address()))]);
    let behaviour = Behaviour::new().answer("DescribeInstances", 200, &body);
    let proxy = Proxy::start(bed.cloud.url(), behaviour);
    let both = ["--instance", &bad, "--instance", &good];
    for concurrent in [&[][..], &["--concurrent"]] {
        let tool = tool(&bed, "echo fine", &[concurrent, &both].concat()).endpoint(proxy.url());
        let output = tool.run().expect_status(255);
        says(&output.stdout, "fine\n");
        says(
            &output.stderr,
            &format!("{bad}: instance {bad} has no private IP address"),
        );
    }
}

fn wrong_key_and_no_agent() {
    let bed = SshBed::new();
    let (_server, good) = bed.host("mhcapp", "good");
    let closed = bed.server(Sshd::default().accepts_no_key());
    let bad = bed.instance(closed.address(), &[("hostname", "closed")]);
    let output = exec(
        &bed,
        "echo fine",
        &["--concurrent", "--instance", &bad, "--instance", &good],
    )
    .expect_status(255);
    says(&output.stdout, "Permission denied (publickey)");
    says(&output.stdout, "fine\n");
    says(&output.stderr, &format!("{bad} closed: exit status 255"));

    // An agent with another key, an agent without keys, an agent that is gone, none at all: ssh says no, nobody is asked.
    let other = bed.directory().join("other");
    make_key(&other);
    let place = bed.directory().join("agents");
    std::fs::create_dir(&place).unwrap();
    let agent = Agent::start(&place);
    let socket = agent.socket().to_string_lossy().into_owned();
    let denied = |socket: &str| {
        let tool = tool(&bed, "echo fine", &["--instance", &good]).env("SSH_AUTH_SOCK", socket);
        let start = Instant::now();
        let output = tool.run().expect_status(255);
        says(&output.stdout, "Permission denied (publickey)");
        assert!(start.elapsed() < Duration::from_secs(10));
    };
    denied(&socket);
    agent.add(&other);
    denied(&socket);
    drop(agent);
    denied(&socket);
    denied("");
}

fn another_host_key() {
    let bed = SshBed::new();
    let (first, id) = bed.host("mhcapp", "moved");
    let (_server, good) = bed.host("mhcapp", "good");
    let both = ["--concurrent", "--instance", &id, "--instance", &good];
    exec(&bed, "echo fine", &both).expect_status(0);
    let address = first.address().to_owned();
    drop(first);
    let second = bed.server_at(&address, Sshd::default());
    let output = exec(&bed, "echo fine", &both).expect_status(255);
    says(&output.stdout, "REMOTE HOST IDENTIFICATION HAS CHANGED");
    says(&output.stdout, "Host key verification failed");
    assert_eq!(
        output.stdout.matches("fine").count(),
        1,
        "{}",
        output.stdout
    );
    says(&output.stderr, &format!("{id} moved: exit status 255"));
    assert!(!second.log().contains("Accepted"), "{}", second.log());

    // Another instance with the same address is another host: addresses are given again, ids are not.
    let heir = "i-0123456789abcdef0";
    let body = described(&bed, &[(heir, Some(&address))]);
    let behaviour = Behaviour::new().answer("DescribeInstances", 200, &body);
    let proxy = Proxy::start(bed.cloud.url(), behaviour);
    let tool = tool(&bed, "echo fine", &["--instance", heir]).endpoint(proxy.url());
    let output = tool.run().expect_status(0);
    assert_eq!(output.stdout, "fine\n");
}

/// Starts `exec` and waits until it has printed `marker`; its output goes to a file.
fn started(
    bed: &SshBed,
    tool: Asiaq,
    marker: &str,
) -> (Child, impl Fn() -> String + use<>, tempfile::TempDir) {
    let (mut command, home) = tool.into_command();
    let file = bed.directory().join("out");
    let out = std::fs::File::create(&file).unwrap();
    let child = command
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = move || std::fs::read_to_string(&file).unwrap();
    until("it has begun", || text().contains(marker));
    (child, text, home)
}

fn ended(child: Child, limit: Duration) -> Output {
    let start = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(start.elapsed() < limit, "{:?}", start.elapsed());
    Output {
        status: output.status.code().unwrap(),
        stdout: String::new(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn cut_in_the_middle() {
    let bed = SshBed::new();
    let (server, id) = bed.host("mhcapp", "cut");
    let script = "echo begun; sleep 60; echo never";
    let (child, text, _home) = started(&bed, tool(&bed, script, &["--instance", &id]), "begun");
    server.cut_sessions();
    let output = ended(child, Duration::from_secs(10)).expect_status(255);
    assert!(
        text().contains("begun") && !text().contains("never"),
        "{}",
        text()
    );
    says(&output.stderr, &format!("{id} cut: exit status 255"));
}

/// Whether processes that this one starts ignore a signal.
fn ignored_here(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|l| l.strip_prefix("SigIgn:"));
    let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
    (mask >> (signal.as_raw() - 1)) & 1 == 1
}

fn ctrl_c() {
    let bed = SshBed::new();
    let (server, near) = bed.host("mhcapp", "near");
    let target = bed.server(Sshd::default().own_network());
    let jump = Jump::before(&bed, &target);
    let deep = bed.instance(target.address(), &[("hostname", "deep")]);
    bed.instance(
        jump.address(),
        &[("hostclass", "mhcjump"), ("smoketest", "yes")],
    );
    bed.config.edit(
        "disco_aws.ini",
        "[bake]",
        "jump_box_hostclasses = mhcjump\n\n[bake]",
    );
    let begun = bed.directory().join("begun");
    let script = format!("echo x >> {}; echo begun; sleep 60", begun.display());
    let both = ["--concurrent", "--instance", &near, "--instance", &deep];
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        if ignored_here(signal) {
            // Who started the tests ignores it, as `nohup` does, and so does the tool.
            continue;
        }
        let (child, _, _home) = started(&bed, tool(&bed, &script, &both), "begun");
        until("both have begun", || {
            std::fs::read_to_string(&begun)
                .unwrap_or_default()
                .lines()
                .count()
                == 2
        });
        let children = descendants(child.id());
        assert!(
            children.len() >= 3,
            "two ssh and the way through the jump host: {children:?}"
        );
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = ended(child, Duration::from_secs(5)).expect_status(130);
        says(&output.stderr, "error: interrupted");
        until("no child is left", || {
            children.iter().all(|pid| !runs(*pid))
        });
        // What they started has no terminal and runs on, as with any ssh.
        until("the server's own processes have ended", || {
            server.session_processes() == 0
        });
        std::fs::remove_file(&begun).unwrap();
    }
}

fn a_server_with_few_startups() {
    let bed = SshBed::new();
    let sshd = Sshd::default().line("MaxStartups 10:30:100");
    let count = 16;
    let (_server, _) = bed.fleet("mhcapp", count, &sshd);
    let start = Instant::now();
    let args = ["--concurrent", "--hostclass", "mhcapp"];
    let output = exec(&bed, "echo fine; sleep 0.1", &args);
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "{:?}",
        start.elapsed()
    );
    // The server may turn some away; those are failures that are told, and nothing hangs.
    let fine = output.stdout.lines().filter(|line| *line == "fine").count();
    let lost = count - fine;
    assert!(fine > 0);
    if lost == 0 {
        output.expect_status(0);
    } else {
        let output = output.expect_status(255);
        says(
            &output.stderr,
            &format!("error: {lost} of {count} hosts failed"),
        );
    }
}

fn no_ssh_here() {
    let bed = SshBed::new();
    let (_server, id) = bed.host("mhcapp", "one");
    let output = tool(&bed, "id", &["--instance", &id])
        .env("PATH", "/nowhere")
        .run()
        .expect_status(1);
    says(&output.stderr, "cannot start `ssh`");
}

fn no_place_for_host_keys() {
    let bed = SshBed::new();
    let (server, id) = bed.host("mhcapp", "one");
    let file = bed.directory().join("file");
    std::fs::write(&file, "").unwrap();
    let tool =
        tool(&bed, "id", &["--instance", &id]).env("XDG_STATE_HOME", &file.to_string_lossy());
    let output = tool.run().expect_status(1);
    says(&output.stderr, "cannot use the directory of ssh host keys");
    assert!(!server.log().contains("Accepted"));
}

fn few_open_files() {
    let bed = SshBed::new();
    let (_servers, _) = bed.fleet("mhcapp", 40, &Sshd::default());
    let args = ["--concurrent", "--hostclass", "mhcapp"];
    let (command, _home) = tool(&bed, "echo fine", &args).into_command();
    // The soft limit is raised as far as the hard one allows, and then fewer run at once.
    let mut limited = std::process::Command::new("prlimit");
    limited
        .args(["--nofile=64:256"])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    let output = limited.stdin(Stdio::null()).output().unwrap();
    let (out, err) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(output.status.success(), "{err}");
    assert_eq!(out.lines().filter(|line| *line == "fine").count(), 40);
    says(
        &err,
        "the limit of open files (256) allows 25 hosts at once",
    );
}

fn a_jump_host_that_is_gone() {
    let bed = SshBed::new();
    let (_server, good) = bed.host("mhcapp", "good");
    let bad = bed.instance(&bed.address(), &[("hostname", "behind")]);
    bed.instance(
        &bed.address(),
        &[("hostclass", "mhcjump"), ("smoketest", "yes")],
    );
    bed.config.edit(
        "disco_aws.ini",
        "[bake]",
        "jump_box_hostclasses = mhcjump\n\n[bake]",
    );
    let output = exec(
        &bed,
        "echo fine",
        &["--instance", &bad, "--instance", &good],
    )
    .expect_status(255);
    says(&output.stdout, "Connection refused");
    says(&output.stdout, "fine\n");
    says(&output.stderr, "error: 1 of 2 hosts failed");
}
