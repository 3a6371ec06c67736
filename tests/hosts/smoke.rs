//! Smoke tests by ssh: `isready` and the waits of `provision` on real ssh servers.

use super::needs::Needs;
use crate::support::Output;
use crate::support::sshd::{SshBed, Sshd, until};
use libtest_mimic::Trial;

pub fn tests(needs: &Needs) -> Vec<Trial> {
    vec![
        needs.ssh(
            "smoke::the_session_of_user_smoketest_decides",
            the_session_decides,
        ),
        needs.ssh(
            "smoke::the_tag_decides_where_nothing_is_said",
            the_tag_decides,
        ),
        needs.ssh(
            "smoke::a_wrong_method_is_refused_before_anything",
            a_wrong_method,
        ),
        needs.ssh(
            "smoke::what_is_wrong_here_is_no_answer_of_the_host",
            wrong_here,
        ),
        needs.ssh("smoke::provision_waits_for_the_session", provision_waits),
    ]
}

fn is_ready(bed: &SshBed, args: &[&str]) -> Output {
    bed.tool("disco_aws", &[&["isready"], args].concat()).run()
}

/// A server whose host has this exit status as its smoke test, and instance with it.
fn host(bed: &SshBed, hostclass: &str, status: &str) -> (crate::support::sshd::Server, String) {
    let test = format!("test -z \"$SSH_ORIGINAL_COMMAND\" && exit {status}; exit 99");
    let server = bed.server(Sshd::default().user("smoketest").forced(&test));
    let id = bed.instance(
        server.address(),
        &[("hostclass", hostclass), ("hostname", hostclass)],
    );
    (server, id)
}

fn the_session_decides() {
    let bed = SshBed::new();
    bed.config.edit(
        "disco_aws.ini",
        "[mhcapp]",
        "[mhcapp]\nsmoketest_method = ssh",
    );
    let (tested, good) = host(&bed, "mhcapp", "0");
    let (_untested, slow) = host(&bed, "mhcapp", "1");
    let (_unbooted, early) = host(&bed, "mhcapp", "2");
    let nobody = bed.instance(
        &bed.address(),
        &[("hostclass", "mhcapp"), ("smoketest", "tagged")],
    );
    for (id, status, line) in [
        (&good, 0, "is ready"),
        (&slow, 1, "is NOT ready"),
        (&early, 1, "is NOT ready"),
    ] {
        let output = is_ready(&bed, &["--instance", id]).expect_status(status);
        assert_eq!(
            output.stdout,
            format!("Checking mhcapp {id}...\n...mhcapp {id} {line}\n")
        );
    }
    assert!(
        tested.log().contains("Accepted publickey for smoketest"),
        "{}",
        tested.log()
    );
    // A host that nobody can log in to is not ready, whatever its tag says.
    let output = is_ready(&bed, &["--instance", &nobody, "--instance", &good]).expect_status(1);
    assert_eq!(
        output.stdout,
        format!(
            "Checking None {nobody}...\n...None {nobody} is NOT ready\nChecking mhcapp {good}...\n...mhcapp {good} is ready\n"
        )
    );
    bed.terminate(&good);
    let output = is_ready(&bed, &["--instance", &good]).expect_status(1);
    assert!(
        output
            .stdout
            .ends_with(&format!("..mhcapp {good} failed smoke test\n"))
    );
}

fn wrong_here() {
    let bed = SshBed::new();
    bed.config.edit(
        "disco_aws.ini",
        "[mhcapp]",
        "[mhcapp]\nsmoketest_method = ssh",
    );
    let (_server, id) = host(&bed, "mhcapp", "0");
    let file = bed.directory().join("file");
    std::fs::write(&file, "").unwrap();
    let file = file.to_string_lossy();
    for (name, value, text) in [
        ("PATH", "/nowhere", "cannot start `ssh`"),
        (
            "XDG_STATE_HOME",
            &*file,
            "cannot use the directory of ssh host keys",
        ),
    ] {
        let tool = bed.tool("disco_aws", &["isready", "--instance", &id]);
        let output = tool.env(name, value).run().expect_status(1);
        assert!(output.stderr.contains(text), "{}", output.stderr);
        assert!(!output.stdout.contains("NOT ready"), "{}", output.stdout);
    }
}

fn the_tag_decides() {
    let bed = SshBed::new();
    bed.config.edit(
        "disco_aws.ini",
        "[mhcapp]",
        "[mhcapp]\nsmoketest_method = ssh",
    );
    let (server, id) = host(&bed, "mhcdb", "0");
    let output = is_ready(&bed, &["--instance", &id]).expect_status(1);
    assert!(
        output.stdout.ends_with("is NOT ready\n"),
        "{}",
        output.stdout
    );
    assert!(
        !server.log().contains("Connection from"),
        "{}",
        server.log()
    );
}

fn a_wrong_method() {
    let bed = SshBed::new();
    bed.config.edit(
        "disco_aws.ini",
        "[mhcapp]",
        "[mhcapp]\nsmoketest_method = telnet",
    );
    let id = bed.instance(&bed.address(), &[("hostclass", "mhcapp")]);
    for args in [
        &["isready", "--instance", &id][..],
        &["provision", "--hostclass", "mhcapp"],
    ] {
        let output = bed.tool("disco_aws", args).run().expect_status(1);
        let text = "[mhcapp] smoketest_method: `telnet` is neither `tag` nor `ssh`";
        assert!(output.stderr.contains(text), "{}", output.stderr);
    }
}

/// The environment's addresses are loopback ones, so that a server can listen on whichever the emulator gives to the host of the
/// group. The host never gets a tag: only the session can end the wait.
fn provision_waits() {
    let bed = SshBed::new();
    bed.config.edit(
        "disco_aws.ini",
        "[mhcapp]",
        "[mhcapp]\nsmoketest_method = ssh",
    );
    bed.config.edit(
        "disco_vpc.ini",
        "ip_space = 10.0.0.0/12",
        "ip_space = 127.80.0.0/12",
    );
    let create = ["create", "--name", "st", "--type", "ci"];
    bed.tool("disco_vpc_ui", &create).run().expect_status(0);
    let image = bed.cloud.register_image("mhcapp 1800000000", &[]);
    let provision = [
        "--env",
        "st",
        "provision",
        "--ami",
        &image,
        "--min-size",
        "1",
        "--max-size",
        "1",
    ];
    let ec2 = bed.cloud.client();
    let of_group = aws_sdk_ec2::types::Filter::builder()
        .name("image-id")
        .values(&image)
        .build();
    // Nothing is started that could not be tested from here.
    let file = bed.directory().join("file");
    std::fs::write(&file, "").unwrap();
    let tool = bed.tool("disco_aws", &provision);
    let tool = tool.env("XDG_STATE_HOME", &file.to_string_lossy());
    let output = tool.run().expect_status(1);
    let text = "cannot use the directory of ssh host keys";
    assert!(output.stderr.contains(text), "{}", output.stderr);
    let call = ec2.describe_instances().filters(of_group.clone());
    let found = bed.cloud.wait(call.send()).unwrap();
    assert!(found.reservations().is_empty());

    let running = bed.tool("disco_aws", &provision).spawn();
    let mut address = None;
    until("the group has its host", || {
        let call = ec2.describe_instances().filters(of_group.clone());
        let found = bed.cloud.wait(call.send()).unwrap();
        let instance = found
            .reservations()
            .iter()
            .flat_map(|r| r.instances())
            .next();
        address = instance
            .and_then(|i| i.private_ip_address())
            .map(str::to_owned);
        address.is_some()
    });
    let flag = bed.directory().join("booted");
    let test = format!("test -e {} && exit 0; exit 2", flag.display());
    let server = bed.server_at(
        &address.unwrap(),
        Sshd::default().user("smoketest").forced(&test),
    );
    let looks = || {
        server
            .log()
            .matches("Accepted publickey for smoketest")
            .count()
    };
    until("the host has been asked twice", || looks() >= 2);
    assert!(
        running
            .child()
            .lock()
            .unwrap()
            .try_wait()
            .unwrap()
            .is_none()
    );
    std::fs::write(&flag, "").unwrap();
    let output = running.wait().expect_status(0);
    for line in [
        "Waiting for 1 host[s] to pass smoke test",
        "Smoke tested 1 host[s]",
    ] {
        assert!(output.stderr.contains(line), "{line} in\n{}", output.stderr);
    }
}
