//! One command on many real hosts: `disco_aws exec --concurrent` against a plain `xargs -P ssh` on the same hosts, with the same
//! number of processes at once. `cargo bench --profile dev --bench exec_fleet`; `ASIAQ_BENCH_HOSTS` says how many hosts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    dead_code,
    unused_imports
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::hosts::{From, Rehearsal};

/// Processes at once, for both.
const AT_ONCE: &str = "100";
const ROUNDS: usize = 3;

fn main() {
    if let Err(missing) = asiaq_local::hosts::requirements() {
        println!("no hosts on this machine: {missing}");
        return;
    }
    let count = std::env::var("ASIAQ_BENCH_HOSTS").ok();
    let count: usize = count.map_or(200, |text| {
        text.parse().expect("ASIAQ_BENCH_HOSTS is a number")
    });
    let rehearsal = Rehearsal::new();
    let made = ["create", "--name", "ci", "--type", "ci"];
    rehearsal
        .run("disco_vpc_ui", &made, From::Office)
        .expect_status(0);
    let start = Instant::now();
    let addresses = rehearsal.fleet("mhcapp", count);
    println!("{count} hosts are up after {:.1?}", start.elapsed());

    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(exec(&rehearsal, count));
        plain.push(xargs(&rehearsal, &addresses, count));
    }
    for times in [&mut ours, &mut plain] {
        times.sort();
    }
    let (ours, plain) = (ours[ROUNDS / 2], plain[ROUNDS / 2]);
    println!("disco_aws exec --concurrent: {ours:.2?} (median of {ROUNDS})");
    println!("xargs -P {AT_ONCE} ssh:           {plain:.2?}");
    println!("ratio: {:.2}", ours.as_secs_f64() / plain.as_secs_f64());
}

fn exec(rehearsal: &Rehearsal, count: usize) -> Duration {
    let args = [
        "exec",
        "--hostclass",
        "mhcapp",
        "--user",
        "root",
        "--command",
        "hostname",
        "--concurrent",
        "--parallel",
        AT_ONCE,
    ];
    let start = Instant::now();
    let output = rehearsal.run("disco_aws", &args, From::Office);
    let time = start.elapsed();
    let output = output.expect_status(0);
    assert_eq!(output.stdout.lines().count(), count);
    time
}

/// The same by hand: same agent, same rules about host keys.
fn xargs(rehearsal: &Rehearsal, addresses: &[String], count: usize) -> Duration {
    let known = format!(
        "-oUserKnownHostsFile={}",
        rehearsal.file_for("known_hosts_of_xargs")
    );
    let args = [
        "-P",
        AT_ONCE,
        "-I{}",
        "ssh",
        "-F",
        "none",
        "-oIdentityFile=none",
        "-oBatchMode=yes",
        "-oStrictHostKeyChecking=accept-new",
        &known,
        "-oLogLevel=ERROR",
        "-lroot",
        "{}",
        "hostname",
    ];
    let (mut command, _home) = rehearsal.command("xargs", &args, From::Office);
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(addresses.join("\n").as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let time = start.elapsed();
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).lines().count(),
        count
    );
    time
}
