//! `disco_snapshot capture` on real ssh servers: hosts take snapshots of their own disk.

use super::needs::Needs;
use crate::support::Output;
use crate::support::environment::changing_calls;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::sshd::{Server, SshBed, Sshd};
use libtest_mimic::Trial;

pub fn tests(needs: &Needs) -> Vec<Trial> {
    vec![
        needs.ssh(
            "capture::each_host_runs_its_script",
            each_host_runs_its_script,
        ),
        needs.ssh(
            "capture::the_first_failure_ends_it",
            the_first_failure_ends_it,
        ),
        needs.ssh("capture::hosts_that_cannot_do_it", hosts_that_cannot_do_it),
    ]
}

const CAPTURE: &[&str] = &["capture", "--hostclass", "mhcdb"];

fn run(bed: &SshBed, args: &[&str]) -> Output {
    bed.tool("disco_snapshot", args).run()
}

/// A host that has the user `snapshot`. Whatever it is told to run, it runs this and notes what it was told.
fn host(bed: &SshBed, name: &str, script: &str) -> (Server, String) {
    let notes = bed.directory().join(name);
    let file = bed.directory().join(format!("{name}.sh"));
    let text = format!(
        "#!/bin/sh\necho \"$USER: $SSH_ORIGINAL_COMMAND\" >> {}\n{script}\n",
        notes.display()
    );
    std::fs::write(&file, text).unwrap();
    // The user of the session is not the one who runs the test.
    std::fs::write(&notes, "").unwrap();
    for (path, mode) in [(&notes, 0o666), (&file, 0o755)] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(path, mode).unwrap();
    }
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    std::fs::set_permissions(bed.directory(), open).unwrap();
    let server = bed.server(
        Sshd::default()
            .user("snapshot")
            .forced(&file.display().to_string()),
    );
    let id = bed.instance(
        server.address(),
        &[("hostclass", "mhcdb"), ("hostname", name)],
    );
    (server, id)
}

/// What a host was told to run, and as whom.
fn told(bed: &SshBed, name: &str) -> String {
    std::fs::read_to_string(bed.directory().join(name)).unwrap()
}

const TOLD: &str = "snapshot: sudo /opt/wgen/bin/take_snapshot.sh\n";

fn each_host_runs_its_script() {
    let bed = SshBed::new();
    let (_first, one) = host(&bed, "one", "echo frozen; exit 0");
    let (_second, two) = host(&bed, "two", "exit 0");
    let proxy = Proxy::start(bed.cloud.url(), Behaviour::new());
    let dry = bed
        .tool("disco_snapshot", CAPTURE)
        .endpoint(proxy.url())
        .args(["--dry-run"]);
    let dry = dry.run().expect_status(0).stdout;
    for id in [&one, &two] {
        assert!(
            dry.contains(&format!("+ snapshot by {id} mhcdb of its own disk\n")),
            "{dry}"
        );
    }
    assert_eq!(
        (changing_calls(&proxy), told(&bed, "one").as_str()),
        (vec![], "")
    );

    let output = run(&bed, CAPTURE).expect_status(0);
    let mut lines: Vec<&str> = output.stdout.lines().collect();
    lines.sort_unstable();
    let mut wanted = [&one, &two].map(|id| format!("Successfully snapshotted Instance:{id}"));
    wanted.sort();
    assert_eq!(lines, wanted, "and nothing of what the script says");
    assert_eq!(
        (told(&bed, "one").as_str(), told(&bed, "two").as_str()),
        (TOLD, TOLD)
    );
    let output = run(&bed, &["capture", "--hostname", "two"]).expect_status(0);
    assert_eq!(
        output.stdout,
        format!("Successfully snapshotted Instance:{two}\n")
    );
    assert_eq!(told(&bed, "one"), TOLD);
}

fn the_first_failure_ends_it() {
    let bed = SshBed::new();
    let (_first, one) = host(&bed, "one", "true");
    let (_second, two) = host(&bed, "two", "echo cannot freeze it; echo busy >&2; exit 2");
    let (_third, three) = host(&bed, "three", "true");
    let args = [
        "capture",
        "--instance",
        &one,
        "--instance",
        &two,
        "--instance",
        &three,
    ];
    let output = run(&bed, &args).expect_status(1);
    assert_eq!(
        output.stdout,
        format!("Successfully snapshotted Instance:{one}\n")
    );
    for text in [
        &format!("`sudo /opt/wgen/bin/take_snapshot.sh` on {two} ended with status 2"),
        "cannot freeze it",
        "busy",
        &format!("not started: + snapshot by {three} mhcdb of its own disk"),
    ] {
        assert!(output.stderr.contains(text), "{text} in {}", output.stderr);
    }
    assert_eq!(told(&bed, "three"), "");
}

fn hosts_that_cannot_do_it() {
    let bed = SshBed::new();
    let output = run(&bed, CAPTURE).expect_status(0);
    assert_eq!(output.stdout, "No instances found\n");
    // Nobody listens at its address, and there is no way around.
    let id = bed.instance(&bed.address(), &[("hostclass", "mhcdb")]);
    let output = run(&bed, CAPTURE).expect_status(1);
    assert!(
        output.stdout.is_empty() && output.stderr.contains(&id),
        "{}",
        output.stderr
    );
    let gone = bed
        .cloud
        .client()
        .terminate_instances()
        .instance_ids(&id)
        .send();
    bed.cloud.wait(gone).unwrap();
    // Whether AWS still lists it or not.
    let output = run(&bed, CAPTURE).expect_status(0);
    assert_eq!(output.stdout, "No instances found\n");
    assert!(
        output.stderr.contains("skipped: ") && output.stderr.contains(&id),
        "{}",
        output.stderr
    );
}
