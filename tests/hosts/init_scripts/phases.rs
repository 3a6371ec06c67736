//! Phase 1, phase 2, and hosts of the images.

use super::*;

/// User data as Asiaq writes it.
fn user_data(hostclass: &str) -> String {
    format!(
        "hostclass=\"{hostclass}\"\nlogger_ip=\"\"\nlogforwarder_ip=\"\"\nenvironment_name=\"ci\"\ndomain_name=\"None\"\n\
         owner=\"tester\"\ncredential_buckets=\"us-west-2.rehearsal.credentials.test\"\neip=\"None\"\nfloating_ips=\"\"\n\
         floating_ip=\"\"\nsmoketest_termination=\"0\"\nproject_name=\"rehearsal\"\nis_spotinst=\"0\"\n"
    )
}

/// Lines of `/opt/wgen/etc/bake`, without the date.
fn marker(bed: &Bed, address: &str) -> Vec<String> {
    let text = bed.root(address, "cat /opt/wgen/etc/bake");
    let (dates, lines): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with("date="));
    assert!(
        dates.len() == 1 && dates[0].ends_with('Z'),
        "one date in UTC: {text}"
    );
    lines.into_iter().map(str::to_owned).collect()
}

pub fn both() {
    let bed = Bed::new();
    let vendor = bed.rehearsal.vendor_image();
    let base = base_image(&bed, &vendor);
    let hello = hostclass_image(&bed, &base, "mhchello");
    let tester = hostclass_image(&bed, &base, "mhcgenerictester");
    let (web, web_address) = bed.launch(
        &hello,
        &user_data("mhchello"),
        &[("hostclass", "mhchello"), ("environment", "ci")],
    );
    let (test, test_address) = bed.launch(
        &tester,
        &user_data("mhcgenerictester"),
        &[("hostclass", "mhcgenerictester")],
    );
    bed.until_tested(&web, &web_address);
    bed.until_tested(&test, &test_address);
    serves(&bed, &web, &web_address);
    integration(&bed, &web_address, &test_address);
}

/// Phase 1 on a vendor's image, what it leaves, and the image of it.
fn base_image(bed: &Bed, vendor: &str) -> String {
    let tags = [("bake_image", "debian12_phase1 1700000000")];
    let (id, address) = bed.launch(vendor, "", &tags);
    bed.copy_configuration(&address);
    bed.script_twice(&address, "phase1.sh mhcgeneric '' 0123abcd");
    let vendor_line = format!("source_ami={vendor}");
    assert_eq!(
        marker(bed, &address),
        [
            "phase=1",
            "bake_id=0123abcd",
            "image=debian12_phase1 1700000000",
            "base_image=",
            &vendor_line,
            "release=debian12"
        ]
    );
    for (command, want) in [
        ("cat /opt/wgen/etc/hostclass", "mhcgeneric"),
        ("cat /opt/wgen/etc/productline", "unknown"),
        (
            "id -nG smoketest; id -nG snapshot; id -nG disco_tester",
            "smoketest\nsnapshot\ndisco_tester",
        ),
        (
            "getent group disco_operators | cut -d: -f1",
            "disco_operators",
        ),
        (
            "cat ~smoketest/.ssh/authorized_keys",
            "restrict,command=\"/opt/wgen/bin/smoketest.sh\" {s3cred://public_keys/ssh/smoketest.pub}",
        ),
        (
            "stat -c '%a %U %G' ~snapshot/.ssh ~snapshot/.ssh/authorized_keys",
            "700 snapshot snapshot\n600 snapshot snapshot",
        ),
        // Owners and modes of acfg.metadata, and of files that are not in it.
        (
            "stat -c '%a %U %G' /etc/sudoers.d /etc/sudoers.d/disco",
            "750 root root\n440 root root",
        ),
        (
            "stat -c '%a %U %G' /etc/ssh/sshd_config.d/10-disco.conf /etc/ipsec.d",
            "600 root root\n700 root root",
        ),
        (
            "stat -c '%a %U %G' /opt/wgen/bin/take_snapshot.sh /opt/wgen/bin/user-data.sh",
            "755 root root\n644 root root",
        ),
        (
            "ls /opt/hello/www /etc/chrony.conf 2>/dev/null || true",
            "/opt/hello/www:",
        ),
        (
            "systemctl is-enabled disco-booted disco-tag-instance chrony cron rsyslog",
            "enabled\nenabled\nenabled\nenabled\nenabled",
        ),
        ("systemctl is-enabled disco-awslogs || true", "disabled"),
        (
            "grep -c is_service_running /opt/wgen/etc/smoketest.conf",
            "2",
        ),
        ("sshd -t && visudo -cq && echo good", "good"),
    ] {
        assert_eq!(bed.root(&address, command), want, "{command}");
    }
    let asked = bed.root(&address, "cat /var/log/local-packages.log");
    assert!(
        asked.contains(" install --no-install-recommends awscli "),
        "{asked}"
    );
    bed.switch_off(&id, &address);
    bed.image_of(&id, "debian12_phase1 1700000000")
}

/// Phase 2 on the base image, what it leaves, and the image of it.
fn hostclass_image(bed: &Bed, base: &str, hostclass: &str) -> String {
    let name = format!("{hostclass} 1700000001");
    let (id, address) = bed.launch(base, "", &[("bake_image", &name)]);
    let refused = bed.ssh("root", &address, "true");
    assert_eq!(refused.code, Some(142), "as on the vendor's: {refused:?}");
    bed.copy_configuration(&address);
    if hostclass == "mhchello" {
        refusals(bed, &address);
    }
    bed.script_twice(&address, &format!("phase2.sh {hostclass} '#None' 4567"));
    assert_eq!(
        marker(bed, &address),
        [
            "phase=2".to_owned(),
            "bake_id=4567".to_owned(),
            format!("image={name}"),
            "base_image=debian12_phase1 1700000000".to_owned(),
            format!("source_ami={base}"),
            "release=debian12".to_owned()
        ]
    );
    assert_eq!(bed.root(&address, "cat /opt/wgen/etc/hostclass"), hostclass);
    assert_eq!(
        bed.root(
            &address,
            "cd /opt/wgen/asiaq/bin && ls && stat -c '%U %a' acfg1.py"
        ),
        "acfg1.py\nroot 755"
    );
    bed.switch_off(&id, &address);
    bed.image_of(&id, &name)
}

/// A hostclass without a script, and one whose script fails, end the bake.
fn refusals(bed: &Bed, address: &str) {
    let said = bed.script(address, "phase2.sh mhcnothing");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("init/mhcnothing.sh is missing"),
        "{said:?}"
    );
    assert_eq!(
        bed.root(address, "cat /opt/wgen/etc/hostclass"),
        "mhcgeneric"
    );
    for (words, code) in [
        ("pear /bin/zsh", 1),
        ("pear /bin/bash 19999", 2),
        ("pear /bin/bash x", 2),
        ("pear /bin/bash 20001", 0),
    ] {
        let common = format!("{}/init/common.sh", bed::DATA);
        let said = bed.sudo(address, &format!(". {common}; init_system_user {words}"));
        assert_eq!(said.code, Some(code), "{words}: {said:?}");
    }
    assert_eq!(bed.root(address, "id -u pear"), "20001");
    let script = "#!/bin/bash\\nset -euo pipefail\\n. \"$(dirname \"$0\")/common.sh\"\\n\
        install_packages no-such-thing\\ntouch /etc/went-on\\n";
    let path = format!("{}/init/mhcbad.sh", bed::DATA);
    bed.root(
        address,
        &format!("printf '{script}' >{path}; chmod 755 {path}"),
    );
    let said = bed.script(address, "phase2.sh mhcbad");
    assert_eq!(said.code, Some(100), "{said:?}");
    assert!(
        said.err.contains("unable to locate package no-such-thing"),
        "{said:?}"
    );
    bed.root(address, &format!("test ! -e /etc/went-on && rm {path}"));
}

/// A host of the new image: its unit runs as its user, the page answers, nobody logs in as root, checks can fail.
fn serves(bed: &Bed, id: &str, address: &str) {
    let page = |path: &str| {
        let mut curl = bed.rehearsal.hosts.enter("curl", false).unwrap();
        let output = curl.args([
            "-sS",
            "--max-time",
            "10",
            &format!("http://{address}:8080{path}"),
        ]);
        let output = output.stdin(Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(
        page("/").contains("a host of class mhchello"),
        "{}",
        page("/")
    );
    assert_eq!(page("/health"), "hello\n");
    for (command, want) in [
        (
            "systemctl is-active hello disco-booted cron",
            "active\nactive\nactive",
        ),
        (
            "stat -c '%a %U %G' /opt/hello/www /opt/hello/www/index.html",
            "755 root root\n640 root hello",
        ),
        ("pgrep -u hello -fc http.server", "1"),
        (
            "grep -c 'is_service_running hello' /opt/wgen/etc/smoketest.conf",
            "1",
        ),
        ("cat /opt/wgen/etc/productline", "demo"),
        ("systemctl list-units | grep failed || true", ""),
        ("hostname", &format!("hello-{id}")),
    ] {
        assert_eq!(bed.root(address, command), want, "{command}");
    }
    assert_eq!(bed.ssh("smoketest", address, "").code, Some(0));
    assert_eq!(bed.ssh("root", address, "true").code, Some(142));
    assert_eq!(bed.tag(id, "productline").as_deref(), Some("demo"));
    bed.root(address, "systemctl stop hello");
    let said = bed.sudo(address, "/opt/wgen/bin/smoketest.unit.sh");
    assert!(
        said.code != Some(0) && said.err.contains("is_service_running hello"),
        "{said:?}"
    );
    bed.root(address, "systemctl start hello");
}

/// The integration test, as `disco_deploy` runs it, with the right page and with a wrong one.
fn integration(bed: &Bed, web: &str, tester: &str) {
    let test = |words: &str| {
        let command = format!("/opt/asiaq/bin/run_tests.sh hello_integration {words}");
        bed.ssh("disco_tester", tester, &command)
    };
    let good = format!("{web} is good");
    for words in ["", web] {
        let said = test(words);
        assert_eq!(
            (said.code, said.out.as_str()),
            (Some(0), good.as_str()),
            "{said:?}"
        );
    }
    bed.root(web, "sed -i s/hello/goodbye/ /opt/hello/www/index.html");
    let said = test("");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains(&format!("{web} serves something else")),
        "{said:?}"
    );
    bed.root(web, "systemctl stop hello");
    assert_ne!(test(web).code, Some(0), "nobody answers");
    assert_eq!(
        bed.ssh("disco_tester", tester, "/opt/asiaq/bin/run_tests.sh other")
            .code,
        Some(2)
    );
}
