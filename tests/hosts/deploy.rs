//! Deployments on real hosts: smoke tests that really run, an integration test by ssh on a test host, and hosts that leave
//! testing mode by ssh.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use super::needs::Needs;
use crate::support::binary;
use crate::support::hosts::{From, Rehearsal};
use aws_sdk_ec2::types::{Filter, Instance, InstanceStateName};
use libtest_mimic::Trial;

pub fn tests(needs: &Needs) -> Vec<Trial> {
    vec![needs.hosts("deploy::a_bad_image_and_a_good_one", story)]
}

/// Hosts first, then the test of a deployment.
const HOSTS: &str = "\
sequence,hostclass,desired_size,smoke_test
1,mhcapp,1,yes
1,mhctester,1,yes
";
const PIPELINE: &str = "\
sequence,hostclass,desired_size,smoke_test,deployable,integration_test
1,mhcapp,1,yes,yes,app_test
";
const OPTIONS: &str = "[mhcapp]
test_hostclass = mhctester
test_command = /opt/asiaq/bin/own_tests.sh
test_user = disco_tester
";
/// Passes the test that it knows, and says on which host.
const TESTS: &str = "#!/bin/sh\necho \"$1 on $(hostname)\"\ntest \"$1\" = app_test\n";

/// Instances of an image that are not terminated.
fn instances(rehearsal: &Rehearsal, image: &str) -> Vec<Instance> {
    let of_image = Filter::builder().name("image-id").values(image).build();
    let call = rehearsal.cloud.client().describe_instances();
    let found = rehearsal.cloud.wait(call.filters(of_image).send());
    let reservations = found.unwrap().reservations.unwrap_or_default();
    let all = reservations
        .into_iter()
        .flat_map(|own| own.instances.unwrap_or_default());
    let gone = |own: &Instance| {
        own.state().and_then(|state| state.name()) == Some(&InstanceStateName::Terminated)
    };
    all.filter(|own| !gone(own)).collect()
}

fn ids(rehearsal: &Rehearsal, image: &str) -> Vec<String> {
    let all = instances(rehearsal, image).into_iter();
    all.filter_map(|own| own.instance_id).collect()
}

fn stage(rehearsal: &Rehearsal, image: &str) -> String {
    let call = rehearsal.cloud.client().describe_images().image_ids(image);
    let found = rehearsal.cloud.wait(call.send()).unwrap();
    let tags = found.images()[0].tags();
    let stage = tags.iter().find(|tag| tag.key() == Some("stage"));
    stage
        .and_then(|tag| tag.value())
        .unwrap_or_default()
        .to_owned()
}

/// What a host prints for a command of root.
fn on(rehearsal: &Rehearsal, id: &str, command: &str) -> String {
    let args = [
        "exec",
        "--instance",
        id,
        "--user",
        "root",
        "--command",
        command,
    ];
    rehearsal
        .run("disco_aws", &args, From::Office)
        .expect_status(0)
        .stdout
}

fn story() {
    let rehearsal = Rehearsal::new();
    rehearsal
        .config
        .edit("disco_aws.ini", "[mhcapp]\n", OPTIONS);
    rehearsal
        .config
        .write("hosts.csv", HOSTS)
        .write("pipeline.csv", PIPELINE);
    let file = |name: &str| rehearsal.config.path().join(name).display().to_string();
    let office = |tool: &str, args: &[&str]| rehearsal.run(tool, args, From::Office);
    let (first, _) = rehearsal.image_at("mhcapp", 1_700_000_100, "tested");
    let (_, layer) = rehearsal.image_at("mhctester", 1_700_000_100, "tested");
    plant(&layer.join("opt/asiaq/bin/own_tests.sh"), TESTS);

    office("disco_vpc_ui", &["create", "--name", "ci", "--type", "ci"]).expect_status(0);
    office("disco_aws", &["spinup", "--pipeline", &file("hosts.csv")]).expect_status(0);
    let serving = ids(&rehearsal, &first);
    assert_eq!(serving.len(), 1);

    // A bad image: its host boots, its smoke test fails again and again, and the group's health check ends it.
    let (bad, layer) = rehearsal.image_at("mhcapp", 1_700_000_200, "untested");
    let checks = layer.join("opt/wgen/etc/smoketest.conf");
    let text = fs::read_to_string(&checks).unwrap() + "test -e /etc/never\n";
    fs::write(&checks, text).unwrap();
    let pipeline = file("pipeline.csv");
    let test = ["test", "--pipeline", pipeline.as_str()];
    let (mut command, _home) = rehearsal.command(binary("disco_deploy"), &test, From::Office);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let has = |key: &str| {
        let all = instances(&rehearsal, &bad);
        all.iter()
            .flat_map(Instance::tags)
            .any(|tag| tag.key() == Some(key))
    };
    rehearsal.until("the bad host has booted", || has("hostname"));
    let failing = ids(&rehearsal, &bad);
    rehearsal.until("its smoke test has run", || {
        on(&rehearsal, &failing[0], "ls /tmp").contains("disco_booted")
    });
    assert!(!has("smoketest"), "its smoke test fails");
    let call = rehearsal.cloud.client().terminate_instances();
    let call = call.set_instance_ids(Some(failing)).send();
    rehearsal.cloud.wait(call).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("AMI smoke test failed. It was image "),
        "{stderr}"
    );
    assert_eq!(stage(&rehearsal, &bad), "failed");
    assert_eq!(ids(&rehearsal, &first), serving, "the old host serves");
    assert!(
        ids(&rehearsal, &bad).is_empty(),
        "nothing is left of the bad image"
    );

    // A good one: tested on the test host, out of testing mode, in the place of the old one.
    let (good, layer) = rehearsal.image_at("mhcapp", 1_700_000_300, "untested");
    fs::write(layer.join("etc/release"), "3\n").unwrap();
    let output = office("disco_deploy", &test).expect_status(0);
    assert!(output.stdout.contains("app_test on "), "{}", output.stdout);
    assert_eq!(stage(&rehearsal, &good), "tested");
    assert!(ids(&rehearsal, &first).is_empty(), "the old host is gone");
    let now = ids(&rehearsal, &good);
    assert_eq!(now.len(), 1);
    let state = on(
        &rehearsal,
        &now[0],
        "cat /etc/release /etc/asiaq/testing_mode",
    );
    assert_eq!(state.split_whitespace().collect::<Vec<_>>(), ["3", "0"]);
}

/// Writes a script into an image.
fn plant(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
