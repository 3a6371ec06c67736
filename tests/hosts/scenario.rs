//! The whole story on real hosts: spinup, smoke tests, exec, jump host, chaos, login.

use super::needs::Needs;
use crate::support::binary;
use crate::support::hosts::{From, Rehearsal};
use libtest_mimic::Trial;
use std::io::Write;
use std::process::Stdio;

pub fn tests(needs: &Needs) -> Vec<Trial> {
    vec![needs.hosts("scenario::from_spinup_to_login", story)]
}

const PIPELINE: &str = "\
sequence,hostclass,desired_size,smoke_test
1,mhcproxy,1,yes
2,mhcapp,2,yes
";

/// Ids of the running hosts of a hostclass, as `listhosts` shows them.
fn running(rehearsal: &Rehearsal, hostclass: &str) -> Vec<String> {
    let list = ["listhosts", "--hostclass", hostclass, "--state"];
    let text = rehearsal
        .run("disco_aws", &list, From::Office)
        .expect_status(0)
        .stdout;
    let alive = text
        .lines()
        .filter(|line| line.split_whitespace().any(|word| word == "running"));
    let id = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    alive.map(id).collect()
}

fn story() {
    let rehearsal = Rehearsal::new();
    rehearsal
        .config
        .edit("disco_aws.ini", "\nip_address = +5", "");
    rehearsal.config.edit(
        "disco_aws.ini",
        "[bake]",
        "jump_box_hostclasses = mhcproxy\n\n[bake]",
    );
    rehearsal.config.write("pipeline.csv", PIPELINE);
    for hostclass in ["mhcproxy", "mhcapp"] {
        rehearsal.image(hostclass);
    }
    let office = |tool: &str, args: &[&str]| rehearsal.run(tool, args, From::Office);
    let internet = |tool: &str, args: &[&str]| rehearsal.run(tool, args, From::Internet);

    // Hosts boot, tag themselves and are waited for, sequence by sequence.
    office("disco_vpc_ui", &["create", "--name", "ci", "--type", "ci"]).expect_status(0);
    let pipeline = rehearsal.config.path().join("pipeline.csv");
    let spun = office(
        "disco_aws",
        &["spinup", "--pipeline", &pipeline.to_string_lossy()],
    )
    .expect_status(0);
    assert!(
        spun.stderr.contains("Smoke tested 2 host[s]"),
        "{}",
        spun.stderr
    );
    let ready = office("disco_aws", &["isready", "--hostclass", "mhcapp"]).expect_status(0);
    assert_eq!(
        ready.stdout.matches("is ready").count(),
        2,
        "{}",
        ready.stdout
    );
    let apps = running(&rehearsal, "mhcapp");
    assert_eq!(apps.len(), 2, "{apps:?}");

    // From the internet only the jump host can be reached, and everything else through it.
    let exec = |command: &str| {
        let args = [
            "exec",
            "--hostclass",
            "mhcapp",
            "--user",
            "root",
            "--concurrent",
            "--command",
            command,
        ];
        internet("disco_aws", &args)
    };
    let names = exec("hostname").expect_status(0).stdout;
    let expected: Vec<String> = apps.iter().map(|id| format!("app-{id}")).collect();
    // `listhosts` sorts by name, `exec` goes by EC2's order.
    let mut names: Vec<&str> = names.lines().collect();
    names.sort_unstable();
    let mut sorted = expected.clone();
    sorted.sort_unstable();
    assert_eq!(names, sorted, "each host once");
    let failed = exec(&format!(
        "test \"$(hostname)\" != {} || exit 7",
        expected[1]
    ))
    .expect_status(7);
    assert!(
        failed.stderr.contains("1 of 2 hosts failed") && failed.stderr.contains(&apps[1]),
        "{}",
        failed.stderr
    );

    // Chaos takes one of the two, and the group replaces it.
    let chaos = [
        "--level",
        "100",
        "--retainage",
        "50",
        "--hostclass",
        "mhcapp",
    ];
    let killed = office("disco_chaos", &chaos).expect_status(0).stdout;
    let victim = killed.split_whitespace().nth(1).unwrap().to_owned();
    assert!(
        killed.starts_with("mhcapp") && killed.lines().count() == 1 && apps.contains(&victim),
        "{killed}"
    );
    rehearsal.until("the host of the victim is gone", || {
        rehearsal
            .hosts
            .list()
            .iter()
            .all(|host| host.instance_id != victim)
    });
    let successor = || {
        running(&rehearsal, "mhcapp")
            .into_iter()
            .find(|id| !apps.contains(id))
    };
    rehearsal.until("a successor", || successor().is_some());
    let successor = successor().unwrap();
    rehearsal.until("the successor is tested", || {
        office("disco_aws", &["isready", "--instance", &successor]).status == 0
    });

    // A person logs in, from the internet, with a terminal.
    assert_eq!(logged_in(&rehearsal, &successor), (Some(7), true));
    office(
        "disco_aws",
        &["spindown", "--pipeline", &pipeline.to_string_lossy()],
    )
    .expect_status(0);
    rehearsal.until("all hosts are gone", || rehearsal.hosts.list().is_empty());
}

/// Exit status of a login in which `exit 7` is typed, and whether the host showed its name and a terminal.
fn logged_in(rehearsal: &Rehearsal, id: &str) -> (Option<i32>, bool) {
    let login = format!("{} -u root {id}", binary("disco_ssh"));
    let args = ["-qec", &login, "/dev/null"];
    let (mut command, _home) = rehearsal.command("script", &args, From::Internet);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut typed = child.stdin.take().unwrap();
    typed
        .write_all(b"echo NAME=$(hostname) TTY=$(tty | cut -c1-8)\nexit 7\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    drop(typed);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let shown = text.contains(&format!("NAME=app-{id} TTY=/dev/pts"));
    if !shown {
        eprintln!("{text}{}", String::from_utf8_lossy(&output.stderr));
    }
    (output.status.code(), shown)
}
