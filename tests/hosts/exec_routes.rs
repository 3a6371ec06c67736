//! How `disco_aws exec` reaches its hosts: directly, through a jump host, with which options.

use super::exec::exec;
use super::needs::Needs;
use crate::support::sshd::{Jump, SshBed, Sshd, until};
use libtest_mimic::Trial;

pub fn tests(needs: &Needs) -> Vec<Trial> {
    vec![
        needs.ssh("exec_routes::through_a_jump_host", through_a_jump_host),
        needs.ssh(
            "exec_routes::a_jump_host_that_comes_later",
            a_jump_host_that_comes_later,
        ),
        needs.ssh(
            "exec_routes::a_host_that_answers_is_not_asked_through_the_jump_host",
            direct_if_possible,
        ),
        needs.ssh(
            "exec_routes::ssh_sees_the_options_that_are_meant",
            ssh_sees_the_options,
        ),
    ]
}

/// A target in a network of its own, a jump host that is also in it, and the configuration that says so.
fn behind_a_jump_host(bed: &SshBed) -> (crate::support::sshd::Server, Jump, String) {
    let target = bed.server(Sshd::default().own_network());
    let jump = Jump::before(bed, &target);
    let id = bed.instance(
        target.address(),
        &[("hostclass", "mhcapp"), ("hostname", "deep")],
    );
    bed.config.edit(
        "disco_aws.ini",
        "[bake]",
        "jump_box_hostclasses =  mhcnone   mhcjump \n\n[bake]",
    );
    (target, jump, id)
}

fn through_a_jump_host() {
    let bed = SshBed::new();
    let (target, jump, id) = behind_a_jump_host(&bed);
    let script = "echo it\\'s \"$SSH_CONNECTION\" '%h %%' | cut -d' ' -f1,4,6-";
    let args = ["--command", script, "--instance", &id];

    // There is no tested jump host yet.
    let jump_id = bed.instance(jump.address(), &[("hostclass", "mhcjump")]);
    let output = exec(&bed, &args).expect_status(255);
    assert!(
        output.stdout.contains("Connection refused"),
        "{}",
        output.stdout
    );

    pass(&bed, &jump_id);
    exec(&bed, &args).expect_status(0);
    let output = exec(&bed, &args).expect_status(0);
    assert_eq!(output.stdout, format!("it's {} %h %%\n", target.address()));
    // The agent is not forwarded to the jump host, and both host keys are known by instance id.
    let known = std::fs::read_to_string(bed.state().join("asiaq/known_hosts")).unwrap();
    for (id, key) in [(&id, target.host_key()), (&jump_id, jump.host_key())] {
        assert!(known_as(&bed, id).contains(&key), "{id} in {known}");
    }
    // The exit status of the command comes through as well.
    exec(&bed, &["--command", "exit 17", "--instance", &id]).expect_status(17);
}

/// Tags a host as tested.
fn pass(bed: &SshBed, id: &str) {
    let tested = aws_sdk_ec2::types::Tag::builder()
        .key("smoketest")
        .value("yes")
        .build();
    let client = bed.cloud.client();
    let call = client.create_tags().resources(id).tags(tested);
    bed.cloud.wait(call.send()).unwrap();
}

/// There is no jump host for the first host, and there is one for the last.
fn a_jump_host_that_comes_later() {
    let bed = SshBed::new();
    let (target, jump, deep) = behind_a_jump_host(&bed);
    let jump_id = bed.instance(jump.address(), &[("hostclass", "mhcjump")]);
    let (server, near) = bed.host("mhcapp", "near");
    // The host in between takes longer than a look in vain counts.
    let script = "sleep 8; echo fine";
    let early = bed.instance(&bed.address(), &[("hostname", "early")]);
    let mut args = vec!["exec", "--user", "root", "--command", script];
    for id in [&early, &near, &deep] {
        args.extend(["--instance", id.as_str()]);
    }
    let running = bed.tool("disco_aws", &args).spawn();
    until("the second host has its command", || {
        server.log().contains("Accepted publickey")
    });
    pass(&bed, &jump_id);
    let output = running.wait().expect_status(255);
    assert!(output.stdout.ends_with("fine\nfine\n"), "{}", output.stdout);
    assert!(output.stderr.contains("error: 1 of 3 hosts failed"));
    assert!(target.log().contains("Accepted publickey"));
}

/// The keys that the known-hosts file has for a name; ssh may have hashed the names.
fn known_as(bed: &SshBed, name: &str) -> String {
    let file = bed.state().join("asiaq/known_hosts");
    let output = std::process::Command::new("ssh-keygen")
        .arg("-F")
        .arg(name)
        .arg("-f")
        .arg(file)
        .output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

fn direct_if_possible() {
    let bed = SshBed::new();
    let (server, id) = bed.host("mhcapp", "near");
    bed.config.edit(
        "disco_aws.ini",
        "[bake]",
        "jump_box_hostclasses = mhcjump\n\n[bake]",
    );
    // Nobody listens there: going through it would fail.
    bed.instance(
        &bed.address(),
        &[("hostclass", "mhcjump"), ("smoketest", "yes")],
    );
    exec(&bed, &["--command", "true", "--instance", &id]).expect_status(0);
    assert!(server.log().contains("Accepted publickey"));
}

fn ssh_sees_the_options() {
    let bed = SshBed::new();
    let (_server, id) = bed.host("mhcapp", "one");
    // A program named ssh comes first in PATH and shows what the real one makes of its words.
    let place = bed.directory().join("bin");
    std::fs::create_dir(&place).unwrap();
    let fake = place.join("ssh");
    std::fs::write(&fake, "#!/bin/sh\nexec /usr/bin/ssh -G \"$@\"\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&fake, mode).unwrap();
    let path = format!("{}:{}", place.display(), std::env::var("PATH").unwrap());
    let args = [
        "exec",
        "--user",
        "ann",
        "--command",
        "id",
        "--instance",
        &id,
    ];
    let tool = bed.tool("disco_aws", &args).env("PATH", &path);
    // What people have in theirs for logging in.
    let config = bed.directory().join("ssh config");
    let lines = "RequestTTY force\nForwardAgent yes\nRemoteCommand whoami\nLocalForward 9999 127.0.0.1:80\n\
                 ControlMaster auto\nControlPath /tmp/%C\n";
    std::fs::write(&config, lines).unwrap();
    let options = format!(
        "-F '{}' -oConnectTimeout=3 -oBatchMode=no -oHostKeyAlias=all -o 'User=root' -oCompression=yes",
        config.display()
    );
    let output = tool
        .env("ASIAQ_SSH_OPTIONS", &options)
        .run()
        .expect_status(0);
    let known = format!(
        "userknownhostsfile {}/asiaq/known_hosts",
        bed.state().display()
    );
    for line in [
        "batchmode yes",
        "connecttimeout 3",
        "user ann",
        "compression yes",
        "serveraliveinterval 15",
        "stricthostkeychecking accept-new",
        "forwardagent no",
        "requesttty false",
        "clearallforwardings yes",
        &format!("hostkeyalias {id}"),
        &known,
    ] {
        assert!(
            output.stdout.lines().any(|l| l == line),
            "{line} in\n{}",
            output.stdout
        );
    }
    for option in ["remotecommand", "localforward", "controlpath"] {
        let has = |line: &str| line.split(' ').next() == Some(option);
        assert!(
            !output.stdout.lines().any(has),
            "{option} in\n{}",
            output.stdout
        );
    }
}
