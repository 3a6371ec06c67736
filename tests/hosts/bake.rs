//! Bakes on real hosts: from a vendor's image, whose root refuses to work, to an image with the files of its hostclass, to a
//! host that starts from it.

use super::init_scripts::bed::Bed;
use super::needs::Needs;
use crate::support::Output;
use crate::support::hosts::From;
use aws_sdk_ec2::types::Filter;
use libtest_mimic::Trial;
use std::fs;
use std::os::unix::fs::PermissionsExt;

pub fn tests(needs: &Needs) -> Vec<Trial> {
    vec![needs.vendor("bake::an_image_and_a_host_of_it", an_image_and_a_host_of_it)]
}

const SCRIPT: &str = r#"#!/bin/bash
set -e
echo "$(id -un) in $(pwd) bakes $1"
ssh-add -l >/dev/null && echo "the agent came along"
mkdir -p /opt/wgen/etc && echo "$1" >/opt/wgen/etc/hostclass
data=$(dirname "$(dirname "$0")")
"$data/asiaq/bin/acfg1.py" "$data/discoroot" /
[ ! -e "$data/fail" ] || exit 9
"#;

fn configure(bed: &Bed) {
    let config = &bed.rehearsal.config;
    let tree = bed.rehearsal.asiaq_tree();
    let keys = format!(
        "ami_stages = untested failed tested\nphase = 2\nbakery_environment = ci\nbakery_instance_type = m5.large\n\
         bake_key = test\nrepo_hostclass = mhcrepo\nphase1_ami_name = none\nconfig_data_source = .\n\
         asiaq_data_source = {}\ndata_destination = /opt/wgen/discoaws\n",
        tree.display()
    );
    config.edit(
        "disco_aws.ini",
        "ami_stages = untested failed tested\n",
        &keys,
    );
    config.write("init/phase2.sh", SCRIPT);
    let script = config.path().join("init/phase2.sh");
    fs::set_permissions(script, PermissionsExt::from_mode(0o755)).unwrap();
    config.write("discoroot/etc/banana~mhcapp", "yellow\n");
    config.write("discoroot/etc/banana~mhcother", "green\n");
    config.write(
        "discoroot/acfg.metadata",
        "/etc/banana~mhcapp 0640 root daemon\n",
    );
    config.write("home/.nosync", "- secret\n");
    config.write("home/secret", "stays at home\n");
    config.write("home/public", "goes along\n");
}

fn bake(bed: &Bed, image: &str, more: &[&str], from: From) -> Output {
    let args = ["bake", "--hostclass", "mhcapp", "--source-ami", image];
    bed.rehearsal
        .run("disco_bake", &[&args[..], more].concat(), from)
}

fn an_image_and_a_host_of_it() {
    let bed = Bed::new();
    configure(&bed);
    let create = ["create", "--name", "ci", "--type", "ci"];
    bed.rehearsal
        .run("disco_vpc_ui", &create, From::Office)
        .expect_status(0);
    let vendor = bed.rehearsal.vendor_image();
    let output = bake(&bed, &vendor, &["--use-local-ip"], From::Office).expect_status(0);
    let words: Vec<&str> = output.stdout.split_whitespace().collect();
    assert_eq!((words[0], words[1], words[3]), ("Created", "mhcapp", "AMI"));
    for part in [
        "s| root in /root bakes mhcapp",
        "s| the agent came along",
        "is reached as admin@",
    ] {
        assert!(output.stderr.contains(part), "{part} in\n{}", output.stderr);
    }
    assert!(
        !output.stderr.contains("does not stop by itself"),
        "{}",
        output.stderr
    );
    let (_, address) = bed.launch(words[4], "", &[]);
    let found = bed.root(
        &address,
        "cat /etc/banana; stat -c '%a %U %G' /etc/banana; cat /opt/wgen/etc/hostclass; ls /opt/wgen/discoaws/home; \
         wc -l <~admin/.ssh/authorized_keys",
    );
    assert_eq!(found, "yellow\n640 root daemon\nmhcapp\npublic\n1");

    // From outside, at the public address; the script fails.
    bed.rehearsal.config.write("fail", "");
    let output = bake(&bed, &vendor, &[], From::Internet).expect_status(1);
    assert!(
        output.stderr.contains("ended with status 9"),
        "{}",
        output.stderr
    );
    let filter = Filter::builder()
        .name("tag-key")
        .values("bake_image")
        .build();
    let call = bed.client().describe_instances().filters(filter).send();
    let answer = bed.rehearsal.cloud.wait(call).unwrap();
    let machines: Vec<_> = answer
        .reservations()
        .iter()
        .flat_map(|r| r.instances())
        .collect();
    assert!(machines.len() >= 2, "there were two bakes: {machines:?}");
    for instance in machines {
        let state = instance.state().unwrap().name().unwrap().as_str();
        assert!(
            ["terminated", "shutting-down"].contains(&state),
            "{instance:?}"
        );
    }
}
