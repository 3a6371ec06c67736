//! Hosts of the local cloud: start, network, files, images, end.

mod bed;
mod local;
mod processes;

use super::needs::Needs;
use asiaq_local::hosts::HostStatus;
use bed::{Bed, Key, wait_until};
use libtest_mimic::Trial;
use local::{commands, crash, two};
use processes::{Process, descendants};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Hosts that come up at once in the test of many.
const MANY: usize = 40;
pub fn tests(needs: &Needs) -> Vec<Trial> {
    vec![
        needs.hosts("runtime::up_status_exec_reset_down", commands),
        needs.hosts("runtime::office_and_internet", network),
        needs.hosts("runtime::addresses_come_and_go", addresses),
        needs.hosts("runtime::an_image_keeps_the_files_of_its_host", images),
        needs.hosts("runtime::stop_keeps_files_and_terminate_removes", lives),
        needs.hosts("runtime::the_machine_is_hidden", hidden),
        needs.hosts("runtime::one_address_is_one_host", clash),
        needs.hosts("runtime::nothing_is_left_after_a_crash", crash),
        needs.hosts("runtime::two_clouds_beside_each_other", two),
        needs.hosts("runtime::hosts_end_with_their_endpoint", orphaned),
        needs.hosts("runtime::forty_hosts_come_up", many),
    ]
}

fn network() {
    let bed = Bed::new();
    let image = bed.image();
    let public = bed.host(&image);
    let private = bed.hosts.wait_for(&private_instance(&bed, &image)).unwrap();
    assert!(
        public.public_ip.is_some() && private.public_ip.is_none(),
        "{public:?} {private:?}"
    );
    let at = |host: &HostStatus| host.private_ip.clone().unwrap();
    for user in ["root", "ec2-user"] {
        let said = bed.ssh_at(user, &at(&private), "whoami", false);
        assert_eq!((said.code, said.out.as_str()), (Some(0), user), "{said:?}");
        let said = bed.ssh_at(user, public.public_ip.as_deref().unwrap(), "whoami", true);
        assert_eq!((said.code, said.out.as_str()), (Some(0), user), "{said:?}");
    }
    for host in [&public, &private] {
        let begun = Instant::now();
        let said = bed.ssh_at("root", &at(host), "true", true);
        assert_eq!(said.code, Some(255), "{said:?}");
        assert!(said.err.contains("unreachable"), "{said:?}");
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "it fails at once"
        );
    }
    // Hosts reach each other and the endpoint, and nothing else.
    let knock = format!("exec 3<>/dev/tcp/{}/22; head -c 4 <&3", at(&private));
    assert_eq!(bed.says(&public, &format!("bash -c '{knock}'")), "SSH-");
    let call = "curl -s -o /dev/null -w '%{http_code}' $AWS_ENDPOINT_URL/moto-api/";
    assert_eq!(bed.says(&private, call), "200");
    let outside = bed.ssh(&private, "bash -c 'exec 3<>/dev/tcp/1.1.1.1/53'");
    assert!(outside.err.contains("unreachable"), "{outside:?}");
    // A stranger's key opens nothing.
    let stranger = Key::new();
    let refused = bed
        .hosts
        .enter("ssh", false)
        .unwrap()
        .args(stranger.ssh("root", &at(&public), "true"))
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(255));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Permission denied"));
}

/// An instance in a subnet that gives no public addresses.
fn private_instance(bed: &Bed, image: &str) -> String {
    let client = bed.cloud.client();
    let vpc = bed
        .cloud
        .wait(client.create_vpc().cidr_block("10.77.0.0/16").send())
        .unwrap();
    let vpc = vpc.vpc().unwrap().vpc_id().unwrap().to_owned();
    let subnet = client
        .create_subnet()
        .vpc_id(vpc)
        .cidr_block("10.77.1.0/24")
        .send();
    let subnet = bed.cloud.wait(subnet).unwrap();
    let subnet = subnet.subnet().unwrap().subnet_id().unwrap().to_owned();
    let run = client
        .run_instances()
        .image_id(image)
        .key_name("test")
        .subnet_id(subnet);
    let answer = bed
        .cloud
        .wait(run.min_count(1).max_count(1).send())
        .unwrap();
    answer.instances()[0].instance_id().unwrap().to_owned()
}

fn addresses() {
    let bed = Bed::new();
    let id = private_instance(&bed, &bed.image());
    let host = bed.hosts.wait_for(&id).unwrap();
    let client = bed.cloud.client();
    let eip = bed.cloud.wait(client.allocate_address().send()).unwrap();
    let ip = eip.public_ip().unwrap().to_owned();
    let associate = client.associate_address().instance_id(&id);
    let associate = associate.allocation_id(eip.allocation_id().unwrap()).send();
    let association = bed.cloud.wait(associate).unwrap();
    wait_until("the elastic address is the host's", || {
        bed.ssh_at("root", &ip, "true", true).code == Some(0)
    });
    assert_eq!(
        bed.ssh_at("root", &ip, "hostname", false).out,
        bed.says(&host, "hostname")
    );
    let release = client.disassociate_address();
    let release = release
        .association_id(association.association_id().unwrap())
        .send();
    bed.cloud.wait(release).unwrap();
    wait_until("the elastic address is gone", || {
        bed.ssh_at("root", &ip, "true", true).code == Some(255)
    });
    assert_eq!(bed.ssh(&host, "true").code, Some(0));
}

fn images() {
    let bed = Bed::new();
    let first = bed.host(&bed.image());
    let work = "echo baked > /srv/baked; echo 'echo hello' > /usr/local/bin/hello; chmod 755 /usr/local/bin/hello; \
                rm /etc/fstab; rm -r /var/mail; mkdir /var/mail; touch /var/mail/new; mkdir -p /opt/app; ln -s /srv/baked /opt/app/link";
    bed.says(&first, work);
    let client = bed.cloud.client();
    let create = client
        .create_image()
        .instance_id(&first.instance_id)
        .name("baked")
        .send();
    let image = bed
        .cloud
        .wait(create)
        .unwrap()
        .image_id()
        .unwrap()
        .to_owned();
    // As a bake does: the builder goes at once, and hosts come at once.
    let end = client
        .terminate_instances()
        .instance_ids(&first.instance_id)
        .send();
    bed.cloud.wait(end).unwrap();
    let second = bed.host(&image);
    let look = "cat /opt/app/link; hello; ls /etc/fstab /var/mail 2>&1";
    let want =
        "baked\nhello\nls: cannot access '/etc/fstab': No such file or directory\n/var/mail:\nnew";
    assert_eq!(bed.ssh(&second, look).out, want);
    // An image of that host, and a copy of it, have both.
    bed.says(&second, "echo more > /srv/more");
    let create = client
        .create_image()
        .instance_id(&second.instance_id)
        .name("again")
        .send();
    let again = bed
        .cloud
        .wait(create)
        .unwrap()
        .image_id()
        .unwrap()
        .to_owned();
    let copy = client
        .copy_image()
        .source_image_id(&again)
        .source_region("us-west-2");
    let copy = bed.cloud.wait(copy.name("copied").send()).unwrap();
    let gone = client.deregister_image().image_id(&again).send();
    let third = bed.host(copy.image_id().unwrap());
    bed.cloud.wait(gone).unwrap();
    assert_eq!(bed.says(&third, "cat /srv/baked /srv/more"), "baked\nmore");
    let other = bed.host(&bed.image());
    assert_eq!(
        bed.says(
            &other,
            "ls /srv /opt; test -s /etc/fstab || echo empty; ls -d /etc/fstab"
        ),
        "/opt:\n\n/srv:\nempty\n/etc/fstab"
    );
    let keys: BTreeSet<String> = [&second, &third, &other]
        .map(|host| bed.says(host, "cat /etc/ssh/ssh_host_ed25519_key.pub"))
        .into();
    assert_eq!(keys.len(), 3, "each host has a host key of its own");
}

fn lives() {
    let bed = Bed::new();
    let host = bed.host(&bed.image());
    let id = host.instance_id.clone();
    bed.says(
        &host,
        "echo kept > /srv/kept; touch /run/lost; hostnamectl set-hostname mine",
    );
    let key = bed.says(&host, "cat /etc/ssh/ssh_host_ed25519_key.pub");
    let client = bed.cloud.client();
    bed.cloud
        .wait(client.stop_instances().instance_ids(&id).send())
        .unwrap();
    wait_until("it stops", || bed.state(&id) == "stopped");
    assert_eq!(bed.ssh(&host, "true").code, Some(255));
    bed.cloud
        .wait(client.start_instances().instance_ids(&id).send())
        .unwrap();
    let host = bed.hosts.wait_for(&id).unwrap();
    assert_eq!(
        bed.says(&host, "cat /srv/kept; ls /run/lost 2>/dev/null; hostname"),
        "kept\nmine"
    );
    assert_eq!(
        bed.says(&host, "cat /etc/ssh/ssh_host_ed25519_key.pub"),
        key
    );
    let all = descendants(bed.hosts.supervisor().unwrap());
    bed.cloud
        .wait(client.terminate_instances().instance_ids(&id).send())
        .unwrap();
    wait_until("it goes", || bed.state(&id).is_empty());
    assert_eq!(bed.ssh(&host, "true").code, Some(255));
    assert!(
        all.iter().all(|process| !process.lives()),
        "nothing of it runs"
    );
    let inside = |name: &str| {
        PathBuf::from(format!(
            "/proc/{}/root/run/{name}",
            bed.hosts.supervisor().unwrap()
        ))
    };
    assert!(inside("asiaq-local/hosts").is_dir() && inside("netns/cloud").exists());
    assert!(
        !inside("asiaq-local/hosts").join(&id).exists(),
        "its files are gone"
    );
    assert!(!inside("netns").join(&id).exists(), "its network is gone");
}

/// Device files are a host's own, and neither the caller's environment nor its programs' directory can be seen.
fn nothing_of_the_caller(bed: &Bed, host: &HostStatus) {
    bed.says(host, "echo x > /dev/null");
    let machine = fs::metadata("/dev/null").unwrap().dev().to_string();
    let own = bed.says(host, "stat -c %d /dev/null") != machine;
    // The mode that it has anyway.
    let changes = bed.ssh(host, "chmod 666 /dev/null").code == Some(0);
    assert!(own || !changes, "device files are not the machine's");
    // Nothing of the caller's environment, in which there may be credentials.
    let names = bed.says(
        host,
        "tr '\\0' '\\n' < /proc/1/environ | cut -d= -f1 | grep -vxE 'PATH|ASIAQ_LOG' || true",
    );
    assert_eq!(names, "");
    let tools = bed.says(host, "ls /usr/lib/asiaq-local/tools");
    assert!(
        tools
            .lines()
            .all(|tool| ["disco_metrics", "disco_snapshot"].contains(&tool)),
        "{tools}"
    );
}

fn hidden() {
    let bed = Bed::new();
    let host = bed.host(&bed.image());
    let secrets: Vec<String> = fs::read_dir("/root")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name != ".ssh")
        .collect();
    let seen = bed.says(&host, "ls -A /root");
    assert!(
        !secrets.is_empty()
            && secrets
                .iter()
                .all(|name| !seen.lines().any(|line| line == name)),
        "{seen}"
    );
    assert_eq!(
        bed.says(&host, "ls /home /mnt /opt /srv"),
        "/home:\nec2-user\n\n/mnt:\n\n/opt:\n\n/srv:"
    );
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let shadow = bed.says(
        &host,
        "cut -d: -f2 /etc/shadow | sort -u; cut -d: -f1 /etc/shadow | wc -l",
    );
    let users = accounts
        .lines()
        .filter(|line| !line.starts_with("ec2-user:"))
        .count()
        + 1;
    assert_eq!(shadow, format!("*\n{users}"), "no password of the machine");
    assert_eq!(
        bed.says(
            &host,
            "ls /etc/systemd/system /etc/cron.d; ls /etc/ssh | grep -c rsa; true"
        ),
        "/etc/cron.d:\n\n/etc/systemd/system:\nmulti-user.target.wants\n0"
    );
    assert_eq!(
        bed.says(
            &host,
            "ps -eo pid= | head -1 | tr -d ' '; ps -eo args= | grep -c '[s]upervise'; true"
        ),
        "1\n0"
    );
    // Of the machine's disks and kernel it has nothing to change.
    for refused in [
        "mknod /tmp/disk b 8 0",
        "date -s 2001-01-01",
        "echo 1 > /proc/sys/vm/drop_caches",
        // Only asked for: writing there would harm the machine if this fails.
        "test -w /proc/sysrq-trigger",
        "test -w /proc/irq",
        "test -f /proc/kcore",
    ] {
        assert_ne!(bed.ssh(&host, refused).code, Some(0), "{refused}");
    }
    nothing_of_the_caller(&bed, &host);
    bed.says(
        &host,
        "echo 1 > /proc/sys/net/ipv4/ip_forward && echo x > /usr/asiaq-test && rm /usr/bin/env",
    );
    assert!(!Path::new("/usr/asiaq-test").exists() && Path::new("/usr/bin/env").exists());
    // Orphans are collected.
    bed.says(&host, "(setsid sh -c 'sleep 0.1' &) ; sleep 0.5");
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(bed.says(&host, "ps -eo stat= | grep -c Z; true"), "0");
    // A killed sshd comes back.
    bed.ssh(&host, "pkill -o sshd");
    wait_until("sshd is back", || bed.ssh(&host, "true").code == Some(0));
}

fn clash() {
    let bed = Bed::new();
    let image = bed.image();
    let launch = || {
        let run = bed
            .cloud
            .client()
            .run_instances()
            .image_id(&image)
            .key_name("test");
        let run = run
            .private_ip_address("10.9.9.9")
            .min_count(1)
            .max_count(1)
            .send();
        bed.cloud.wait(run).unwrap().instances()[0]
            .instance_id()
            .unwrap()
            .to_owned()
    };
    let first = launch();
    let host = bed.hosts.wait_for(&first).unwrap();
    let second = launch();
    let error = bed.hosts.wait_for(&second).unwrap_err().to_string();
    assert!(
        error.contains("refused") && error.contains(&format!("{first} has its address 10.9.9.9")),
        "{error}"
    );
    assert_eq!(bed.ssh(&host, "true").code, Some(0));
    let end = bed
        .cloud
        .client()
        .terminate_instances()
        .instance_ids(&first)
        .send();
    bed.cloud.wait(end).unwrap();
    wait_until("the other gets the address", || {
        bed.state(&second) == "running"
    });
}

fn orphaned() {
    let bed = Bed::new();
    let host = bed.host(&bed.image());
    assert_eq!(bed.ssh(&host, "true").code, Some(0));
    let Bed { hosts, cloud, key } = bed;
    let supervisor = Process::of(hosts.supervisor().unwrap()).unwrap();
    drop(cloud);
    wait_until("the supervisor ends with its endpoint", || {
        !supervisor.lives()
    });
    drop((hosts, key));
}

fn many() {
    let bed = Bed::new();
    let image = bed.image();
    let begun = Instant::now();
    let ids = bed.launch(&image, MANY);
    let hosts: Vec<HostStatus> = ids
        .iter()
        .map(|id| bed.hosts.wait_for(id).unwrap())
        .collect();
    let up = begun.elapsed();
    let all = descendants(bed.hosts.supervisor().unwrap());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for host in &hosts {
            scope.spawn(|| {
                assert_eq!(
                    bed.says(host, "hostname"),
                    format!(
                        "ip-{}",
                        host.private_ip.as_deref().unwrap().replace('.', "-")
                    )
                )
            });
        }
    });
    let reached = begun.elapsed();
    let begun = Instant::now();
    let end = bed
        .cloud
        .client()
        .terminate_instances()
        .set_instance_ids(Some(ids))
        .send();
    bed.cloud.wait(end).unwrap();
    wait_until("all go", || bed.hosts.list().is_empty());
    eprintln!(
        "{MANY} hosts: up after {up:.1?} ({:.1} processes each), all reached in {reached:.1?}, gone after {:.1?}",
        all.len() as f64 / MANY as f64,
        begun.elapsed()
    );
}
