//! The init scripts on real hosts, run as a bake runs them: from a vendor's image to a base image to hosts that serve.

use super::needs::Needs;
use crate::support::hosts::Rehearsal;
use aws_sdk_ec2::types::{ResourceType, ShutdownBehavior, Tag, TagSpecification};
use libtest_mimic::Trial;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub mod bed;
mod distributions;
mod phases;
mod scripts;

use bed::Bed;

pub fn tests(needs: &Needs) -> Vec<Trial> {
    vec![
        needs.vendor(
            "init_scripts::a_vendors_image_is_a_plain_machine_that_shuts_down",
            vendor,
        ),
        needs.vendor(
            "init_scripts::from_a_vendors_image_to_hosts_that_serve",
            phases::both,
        ),
        needs.vendor(
            "init_scripts::each_distribution_has_its_own_names",
            distributions::all,
        ),
        needs.anywhere("init_scripts::scripts_parse", scripts::parse),
        needs.anywhere(
            "init_scripts::the_tree_is_a_package_for_pip",
            scripts::package,
        ),
    ]
}

fn vendor() {
    let bed = Bed::new();
    let image = bed.rehearsal.vendor_image();
    plain(&bed, &image);
    shutdown(&bed, &image);
}

fn plain(bed: &Bed, image: &str) {
    let (_, address) = bed.launch(image, "", &[]);
    let said = bed.ssh("root", &address, "true");
    assert_eq!(said.code, Some(142), "{said:?}");
    let told = "Please login as the user \"admin\" rather than the user \"root\".";
    assert_eq!(said.out, told, "{said:?}");
    for user in ["ubuntu", "ec2-user"] {
        let said = bed.ssh(user, &address, "true");
        assert_eq!(said.code, Some(255), "{user}: {said:?}");
        assert!(said.err.contains("Permission denied"), "{user}: {said:?}");
    }
    assert_eq!(bed.ssh("admin", &address, "id -un").out, "admin");
    assert_eq!(bed.root(&address, "id -u; whoami"), "0\nroot");
    // Accounts can be made and changed.
    bed.root(
        &address,
        "groupadd -f fruit && useradd -m -U -s /bin/bash pear && usermod -aG fruit pear && passwd -l pear >/dev/null",
    );
    assert_eq!(
        bed.root(&address, "id -nG pear; stat -c %U /home/pear"),
        "pear fruit\npear"
    );
    // What a former bake left behind: root with the key, as it was on machines of old.
    let mv = "mv /home/admin/.ssh/authorized_keys /root/.ssh/authorized_keys; chown root:root /root/.ssh/authorized_keys";
    bed.root(&address, mv);
    assert_eq!(bed.ssh("root", &address, "id -un").out, "root");
    assert_eq!(bed.ssh("admin", &address, "true").code, Some(255));
}

fn shutdown(bed: &Bed, image: &str) {
    let (id, address) = bed.launch(image, "", &[]);
    let said = bed.ssh("admin", &address, "shutdown -h now");
    assert_eq!(said.code, Some(1), "only root may: {said:?}");
    assert_eq!(bed.state(&id), "running");
    // A unit that tells when it stops, and a file.
    bed.root(
        &address,
        "printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/true\\n\
         ExecStop=/usr/bin/touch /etc/stopped\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/last.service \
         && systemctl enable --now last && useradd -m -U pear",
    );
    bed.switch_off(&id, &address);
    // Its files are still there when it is started again, and the key was not given out anew.
    let start = bed.client().start_instances().instance_ids(&id).send();
    bed.rehearsal.cloud.wait(start).unwrap();
    bed.rehearsal.until("it runs again", || {
        bed.rehearsal.hosts.wait_for(&id).is_ok()
    });
    let found = bed.root(
        &address,
        "ls /etc/stopped; id -un pear; wc -l <~admin/.ssh/authorized_keys; systemctl is-active last",
    );
    assert_eq!(found, "/etc/stopped\npear\n1\nactive");
    // Where instances are to be terminated by a shutdown, they are.
    let run = bed
        .client()
        .run_instances()
        .image_id(image)
        .key_name("test")
        .min_count(1)
        .max_count(1)
        .instance_initiated_shutdown_behavior(ShutdownBehavior::Terminate);
    let answer = bed.rehearsal.cloud.wait(run.send()).unwrap();
    let id = answer.instances()[0].instance_id().unwrap().to_owned();
    let host = bed.rehearsal.hosts.wait_for(&id).unwrap();
    bed.ssh("admin", &host.private_ip.unwrap(), "sudo -n poweroff");
    bed.rehearsal
        .until("it is terminated", || bed.state(&id) == "terminated");
    bed.rehearsal.until("its host is gone", || {
        let hosts = bed.rehearsal.hosts.list();
        hosts.iter().all(|host| host.instance_id != id)
    });
}
