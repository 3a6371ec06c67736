//! Bakes that are killed or interrupted: what they leave is reported by the next one, and removed.

use super::needs::Needs;
use crate::support::bakery::Bakery;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::run_until_killed;
use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};
use std::time::{Duration, Instant};

pub fn tests(needs: &Needs) -> Vec<Trial> {
    vec![
        needs.anywhere("bake_faults::killed_at_every_call", killed_at_every_call),
        needs.anywhere("bake_faults::killed_on_the_machine", killed_on_the_machine),
        needs.anywhere("bake_faults::interrupted", interrupted),
        needs.anywhere(
            "bake_faults::interrupted_while_launching",
            interrupted_while_launching,
        ),
    ]
}

const BAKE: &[&str] = &["bake", "--hostclass", "mhcapp", "--use-local-ip"];
/// What the machine is told in the steps of a bake.
const TOLD: [&str; 6] = [
    "-ladmin",
    "mkdir -p",
    ":/opt/asiaq\t",
    ":/opt/asiaq/asiaq\t",
    "init/phase2.sh",
    "shutdown now",
];

/// The next bake reports every machine that is left, and `cleanup` removes them. Gives how many there were.
fn report_and_clean(bakery: &Bakery) -> usize {
    bakery.signal_at(None);
    let left = bakery.machines();
    let dry = [BAKE, &["--dry-run"]].concat();
    let output = bakery.tool(&dry).run().expect_status(0);
    for machine in &left {
        let told = format!(
            "instance {} of a bake of `mhcapp 1",
            machine.instance_id().unwrap()
        );
        assert!(
            output.stderr.contains(&told),
            "{told} in\n{}",
            output.stderr
        );
        assert!(output.stderr.contains("(baker: ann)"), "{}", output.stderr);
    }
    let reports = output.stderr.matches("disco_bake cleanup").count();
    assert_eq!(reports, left.len(), "{}", output.stderr);
    let young = bakery
        .tool(&["cleanup", "--dry-run"])
        .run()
        .expect_status(0);
    assert_eq!(
        young.stdout, "no changes\n",
        "they are younger than two hours"
    );
    let all = ["cleanup", "--older-than", "0"];
    bakery.tool(&all).run().expect_status(0);
    assert!(bakery.machines().is_empty());
    let again = bakery.tool(&[&all[..], &["--dry-run"]].concat()).run();
    assert_eq!(again.expect_status(0).stdout, "no changes\n");
    left.len()
}

fn killed_at_every_call() {
    let mut bakery = Bakery::new();
    let (mut call, mut left) = (1, 0);
    loop {
        let proxy = Proxy::start(bakery.cloud.url(), Behaviour::new().kill_at(call));
        let killed = run_until_killed(&proxy, bakery.tool(BAKE));
        if killed.is_none() {
            break;
        }
        left += report_and_clean(&bakery);
        bakery.reset();
        call += 1;
        assert!(call < 60, "the bake never ends");
    }
    assert!(call > 10 && left >= 5, "{call} calls, {left} machines left");
    assert!(bakery.machines().is_empty());
}

fn killed_on_the_machine() {
    let bakery = Bakery::new();
    for told in TOLD {
        bakery.signal_at(Some(("KILL", told)));
        let output = bakery.tool(BAKE).run();
        assert_eq!(output.status, 128 + 9, "{told}: {}", output.stderr);
        assert_eq!(report_and_clean(&bakery), 1, "{told}");
    }
    assert!(bakery.images().is_empty());
}

fn interrupted() {
    let bakery = Bakery::new();
    for told in TOLD {
        bakery.signal_at(Some(("INT", told)));
        let started = Instant::now();
        let output = bakery.tool(BAKE).run().expect_status(130);
        assert!(
            started.elapsed() < Duration::from_secs(15),
            "{told}: the stand-in was waited for"
        );
        assert!(
            output.stderr.contains("interrupted: cleaning up"),
            "{}",
            output.stderr
        );
        assert!(output.stderr.contains("is terminated"), "{}", output.stderr);
        assert!(bakery.machines().is_empty(), "{told}");
        assert_eq!(output.stdout, "");
    }
    assert!(bakery.images().is_empty());
    bakery.signal_at(Some(("INT", "init/phase2.sh")));
    let keep = [BAKE, &["--no-destroy"]].concat();
    let output = bakery.tool(&keep).run().expect_status(130);
    assert!(
        output.stderr.contains("Examine instance command: ssh "),
        "{}",
        output.stderr
    );
    assert_eq!(report_and_clean(&bakery), 1);
}

fn interrupted_while_launching() {
    let bakery = Bakery::new();
    for operation in ["RunInstances", "CreateImage"] {
        let behaviour = Behaviour::new().delay(Duration::from_millis(300));
        let proxy = Proxy::start(bakery.cloud.url(), behaviour);
        let running = bakery.tool(BAKE).endpoint(proxy.url()).spawn();
        let deadline = Instant::now() + Duration::from_secs(60);
        while proxy.count(operation) == 0 {
            assert!(Instant::now() < deadline, "no {operation}");
            std::thread::sleep(Duration::from_millis(5));
        }
        let id = running.child().lock().unwrap().id();
        let pid = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
        let output = running.wait().expect_status(130);
        assert!(
            bakery.machines().is_empty(),
            "{operation}: {}",
            output.stderr
        );
        if operation == "CreateImage" {
            let image = bakery.images();
            let named = format!("image {} ", image[0].image_id().unwrap());
            assert!(output.stderr.contains(&named), "{}", output.stderr);
            assert!(output.stderr.contains("stays"), "{}", output.stderr);
        }
    }
}
