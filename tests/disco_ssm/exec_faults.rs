//! `disco_aws exec-ssm` when something is wrong: hosts that are gone, refusals, listings that fail, Ctrl-C.

use std::time::{Duration, Instant};

use super::exec::Fleet;
use super::stand_in::{Script, StandIn};

const WORDS: &str = "--hostclass mhcapp";

fn refusing(refusals: &[(&'static str, u16, &'static str, usize)]) -> StandIn {
    StandIn::start(Script {
        refusals: refusals.to_vec(),
        ..Script::default()
    })
}

#[test]
fn hosts_that_are_gone_are_skipped() {
    let fleet = Fleet::new(3);
    fleet.terminate(&fleet.ids[1..2]);
    let ssm = StandIn::start(Script::default());
    let output = fleet.run(&ssm, WORDS).expect_status(0);
    let left = [fleet.ids[0].clone(), fleet.ids[2].clone()];
    assert_eq!(output.stdout, Fleet::output(&left));
    let warning = format!(
        " WARN instance {} (terminated) is skipped: it does not run",
        fleet.ids[1]
    );
    assert!(output.stderr.contains(&warning), "{}", output.stderr);
    fleet.terminate(&fleet.ids);
    let output = fleet.run(&ssm, WORDS).expect_status(1);
    assert_eq!(output.stdout, "");
    assert!(
        output.stderr.contains("error: no instance is left: all 3"),
        "{}",
        output.stderr
    );
    let output = fleet.run(&ssm, "--hostclass mhcnone").expect_status(1);
    assert!(
        output.stderr.contains("error: no instance matches"),
        "{}",
        output.stderr
    );
    assert_eq!(ssm.calls("SendCommand").len(), 1);
}

#[test]
fn a_command_is_sent_again_only_if_aws_did_not_take_it() {
    let fleet = Fleet::new(1);
    let throttled = refusing(&[
        ("SendCommand", 400, "ThrottlingException", 3),
        ("ListCommands", 400, "ThrottlingException", 1),
    ]);
    fleet.run(&throttled, WORDS).expect_status(0);
    assert_eq!(throttled.calls("SendCommand").len(), 4);
    let unclear = refusing(&[("SendCommand", 500, "InternalServerError", 1)]);
    let output = fleet.run(&unclear, WORDS).expect_status(1);
    assert!(
        output
            .stderr
            .contains("error: ssm:SendCommand of document abc on 1 instances: InternalServerError"),
        "{}",
        output.stderr
    );
    for text in [
        "; AWS may have taken the command, and then it runs\n",
        "hint: see `aws ssm list-commands` before you repeat it\n",
    ] {
        assert!(output.stderr.contains(text), "{}", output.stderr);
    }
    assert_eq!(unclear.calls("SendCommand").len(), 1, "it may be running");
}

#[test]
fn a_refused_chunk_does_not_hide_the_others() {
    let fleet = Fleet::new(52);
    let unknown = Some(fleet.ids[0].clone());
    let ssm = StandIn::start(Script {
        unknown,
        ..Script::default()
    });
    let output = fleet.run(&ssm, WORDS).expect_status(1);
    assert_eq!(output.stdout, Fleet::output(&fleet.ids[50..]));
    for text in [
        "error: ssm:SendCommand of document abc on 50 instances: InvalidInstanceId",
        "hint: SSM does not know one",
    ] {
        assert!(output.stderr.contains(text), "{}", output.stderr);
    }
}

#[test]
fn without_the_listing_output_is_read_host_by_host() {
    let fleet = Fleet::new(2);
    let ssm = refusing(&[("ListCommandInvocations", 400, "AccessDeniedException", 99)]);
    let output = fleet.run(&ssm, WORDS).expect_status(0);
    for id in &fleet.ids {
        let text = format!(
            "Output for instance: {id}\nPlugin: step\n\n\nSTDOUT:\n{}end of {id}\n",
            "x".repeat(3000)
        );
        assert!(output.stdout.contains(&text), "{}", output.stdout);
    }
    assert!(
        output
            .stderr
            .contains("host by host at the end, because of ssm:ListCommandInvocations"),
        "{}",
        output.stderr
    );
    assert_eq!(ssm.calls("ListCommandInvocations").len(), 1);
}

#[test]
fn a_listing_that_fails_once_is_tried_again() {
    let fleet = Fleet::new(2);
    let ssm = refusing(&[("ListCommandInvocations", 400, "InvalidCommandId", 1)]);
    let output = fleet.run(&ssm, WORDS).expect_status(0);
    assert_eq!(output.stdout, Fleet::output(&fleet.ids));
    assert_eq!(ssm.calls("ListCommandInvocations").len(), 2);
    assert!(ssm.calls("GetCommandInvocation").is_empty());
    let text = "the output is looked for again, because of ssm:ListCommandInvocations";
    assert!(output.stderr.contains(text), "{}", output.stderr);
}

#[test]
fn without_the_listing_each_step_is_asked_for() {
    let fleet = Fleet::new(2);
    let ssm = StandIn::start(Script {
        steps: &["first", "second"],
        refusals: vec![("ListCommandInvocations", 400, "InvalidCommandId", 99)],
        ..Script::default()
    });
    let output = fleet.run(&ssm, WORDS).expect_status(0);
    for id in &fleet.ids {
        let long = "x".repeat(3000);
        let step = |name: &str| {
            format!(
                "Plugin: {name}\n\n\nSTDOUT:\n{long}end of {id}\n\n\nSTDERR:\n-\n\n\nExit Code: 0\n"
            )
        };
        let text = format!(
            "Output for instance: {id}\n{}{}",
            step("first"),
            step("second")
        );
        assert!(output.stdout.contains(&text), "{}", output.stdout);
    }
    assert_eq!(ssm.calls("GetDocument").len(), 1);
    assert_eq!(ssm.calls("GetCommandInvocation").len(), 6);
}

#[test]
fn hosts_that_are_stopped_are_skipped() {
    let fleet = Fleet::new(2);
    let stop = fleet.cloud.client().stop_instances();
    let stop = stop.instance_ids(&fleet.ids[0]);
    fleet.cloud.wait(stop.send()).unwrap();
    let ssm = StandIn::start(Script::default());
    let output = fleet.run(&ssm, WORDS).expect_status(0);
    assert_eq!(output.stdout, Fleet::output(&fleet.ids[1..]));
    let warning = format!(
        " WARN instance {} (stopped) is skipped: it does not run",
        fleet.ids[0]
    );
    assert!(output.stderr.contains(&warning), "{}", output.stderr);
}

#[test]
fn output_that_cannot_be_read_does_not_change_success() {
    let fleet = Fleet::new(1);
    let denied = "AccessDeniedException";
    let ssm = refusing(&[
        ("ListCommandInvocations", 400, denied, 99),
        ("GetCommandInvocation", 400, denied, 99),
    ]);
    let output = fleet.run(&ssm, WORDS).expect_status(0);
    let id = &fleet.ids[0];
    assert_eq!(output.stdout, format!("Output for instance: {id}\n"));
    assert!(
        output
            .stderr
            .contains(&format!(" WARN cannot read the output of {id}: ")),
        "{}",
        output.stderr
    );
}

#[test]
fn the_local_cloud_runs_commands_too() {
    let fleet = Fleet::new(2);
    let url = fleet.cloud.url();
    let output = fleet
        .tool(url, url, WORDS)
        .env("AWS_MAX_ATTEMPTS", "1")
        .run()
        .expect_status(0);
    let one = |id: &String| {
        format!(
            "Output for instance: {id}\nPlugin: aws:runShellScript\n\n\nSTDOUT:\n-\n\n\nSTDERR:\n-\n\n\nExit Code: 0\n"
        )
    };
    assert_eq!(output.stdout, fleet.ids.iter().map(one).collect::<String>());
}

#[test]
fn a_command_that_cannot_be_followed_is_an_error() {
    let fleet = Fleet::new(1);
    let never = StandIn::start(Script {
        in_vain: 1000,
        ..Script::default()
    });
    let output = fleet.run(&never, WORDS).expect_status(1);
    assert!(
        output
            .stderr
            .contains("error: waiting for AWS to list command cmd-i-"),
        "{}",
        output.stderr
    );
    assert_eq!(never.calls("ListCommands").len(), 60);
    let denied = refusing(&[("ListCommands", 400, "AccessDeniedException", 99)]);
    let output = fleet.run(&denied, WORDS).expect_status(1);
    assert!(
        output
            .stderr
            .contains("error: ssm:ListCommands of command cmd-i-"),
        "{}",
        output.stderr
    );
}

#[test]
fn after_ctrl_c_it_says_how_to_stop_the_command() {
    let fleet = Fleet::new(1);
    let ssm = StandIn::start(Script {
        per_look: 0,
        ..Script::default()
    });
    let running = fleet.tool(fleet.cloud.url(), &ssm.url(), WORDS).spawn();
    let start = Instant::now();
    while ssm.calls("ListCommands").is_empty() {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "no command was sent"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = running.child().lock().unwrap().id();
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = running.wait().expect_status(130);
    let id = &fleet.ids[0];
    let hint = format!(
        "hint: command cmd-{id} goes on in AWS unless it has ended; to stop it: aws ssm cancel-command --command-id cmd-{id}\n"
    );
    assert!(output.stderr.contains(&hint), "{}", output.stderr);
    assert!(
        !output.stderr.contains("run the same command again"),
        "{}",
        output.stderr
    );
}
