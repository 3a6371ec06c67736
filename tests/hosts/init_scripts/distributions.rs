//! The same scripts on machines that say that they are another distribution. Their package managers are stand-ins.

use super::*;

/// A machine that is baked as `release`, after both phases. Gives what package managers were asked for, and the address.
fn baked(bed: &Bed, image: &str, os_release: &str) -> (String, String) {
    let (_, address) = bed.launch(image, "", &[]);
    bed.root(&address, &format!("printf '{os_release}' >/etc/os-release"));
    bed.copy_configuration(&address);
    // Phases of Debian are run twice elsewhere.
    for words in [
        "phase1.sh mhcgeneric",
        "phase2.sh mhchello",
        "phase2.sh mhcntp",
        "phase2.sh mhcbanana",
        "phase2.sh mhcadminproxy",
        "phase2.sh mhcadminproxy",
    ] {
        let said = bed.script(&address, words);
        assert_eq!(said.code, Some(0), "{words}: {said:?}");
    }
    (
        bed.root(&address, "cat /var/log/local-packages.log"),
        address,
    )
}

pub fn all() {
    let bed = Bed::new();
    let image = bed.rehearsal.vendor_image();
    ubuntu(&bed, &image);
    amazon(&bed, &image);
    unknown(&bed, &image);
}

fn ubuntu(bed: &Bed, image: &str) {
    let (asked, address) = baked(bed, image, "ID=ubuntu\\nVERSION_ID=\"24.04\"\\n");
    assert!(!asked.contains("dnf"), "{asked}");
    for words in [
        " dist-upgrade\n",
        " install --no-install-recommends ca-certificates chrony cron ",
        " install --no-install-recommends ncat tmux\n",
    ] {
        assert!(asked.contains(words), "{words}: {asked}");
    }
    for (command, want) in [
        (
            "systemctl is-enabled chrony cron nginx hello",
            "enabled\nenabled\nenabled\nenabled",
        ),
        ("readlink /etc/chrony/chrony.conf", "../chrony.conf"),
        ("grep -c default.d /etc/nginx/conf.d/disco.conf", "1"),
        (
            "grep ^Enabled: /etc/apt/sources.list.d/disco-internal.sources",
            "Enabled: no",
        ),
        ("grep ^release= /opt/wgen/etc/bake", "release=ubuntu2404"),
        // Ubuntu starts ssh when somebody connects.
        (
            "grep -c 'sshd ssh ssh.socket$' /opt/wgen/etc/smoketest.conf",
            "1",
        ),
    ] {
        assert_eq!(bed.root(&address, command), want, "{command}");
    }
    let said = own_packages(bed, &address);
    let why = "there is no /etc/apt/keyrings/disco.asc";
    assert!(
        said.code == Some(1) && said.err.contains(why),
        "apt-get update would fail: {said:?}"
    );
}

/// Asks whether packages of our own can be used, on a machine with neither their key nor a host that has them.
fn own_packages(bed: &Bed, address: &str) -> bed::Said {
    let common = format!("{}/init/common.sh", bed::DATA);
    bed.sudo(address, &format!(". {common}; can_use_internal_repos"))
}

fn amazon(bed: &Bed, image: &str) {
    let (asked, address) = baked(bed, image, "ID=\"amzn\"\\nVERSION_ID=\"2023\"\\n");
    assert!(!asked.contains("apt-get"), "{asked}");
    for words in [
        "dnf upgrade -y --releasever=latest\n",
        "dnf install -y --setopt=install_weak_deps=False amazon-cloudwatch-agent awscli-2 chrony cronie ",
        "install_weak_deps=False nmap-ncat tmux\n",
        "dnf clean all\n",
    ] {
        assert!(asked.contains(words), "{words}: {asked}");
    }
    for (command, want) in [
        (
            "systemctl is-enabled chronyd crond rsyslog nginx hello",
            "enabled\nenabled\nenabled\nenabled\nenabled",
        ),
        (
            "ls /etc/chrony/chrony.conf /etc/nginx/conf.d/disco.conf 2>/dev/null || true",
            "",
        ),
        (
            "grep ^enabled= /etc/yum.repos.d/disco-internal.repo",
            "enabled=0",
        ),
        ("grep ^release= /opt/wgen/etc/bake", "release=al2023"),
        (
            "grep -c ^skip_if_unavailable=1 /etc/yum.repos.d/disco-internal.repo",
            "1",
        ),
    ] {
        assert_eq!(bed.root(&address, command), want, "{command}");
    }
    let said = own_packages(bed, &address);
    assert_eq!(said.code, Some(0), "dnf skips what is not there: {said:?}");
}

fn unknown(bed: &Bed, image: &str) {
    let (_, address) = bed.launch(image, "", &[]);
    bed.copy_configuration(&address);
    for (os_release, name) in [
        (
            "ID=fedora\\nVERSION_ID=40\\nPRETTY_NAME=\"Fedora 40\"\\n",
            "Fedora 40",
        ),
        ("ID=debian\\nVERSION_ID=\"11\"\\n", "debian"),
        (
            "ID=ubuntu\\nVERSION_ID=\"22.04\"\\nPRETTY_NAME=Jammy\\n",
            "Jammy",
        ),
    ] {
        bed.root(&address, &format!("printf '{os_release}' >/etc/os-release"));
        for script in ["phase1.sh mhcgeneric", "phase2.sh mhchello"] {
            let said = bed.script(&address, script);
            assert_eq!(said.code, Some(1), "{script}: {said:?}");
            let told = format!("there are no init scripts for {name}");
            assert!(said.err.contains(&told), "{script}: {said:?}");
        }
    }
    bed.root(
        &address,
        "test ! -e /opt/wgen/etc && test ! -e /var/log/local-packages.log",
    );
    let said = bed.script(&address, "phase1.sh");
    assert!(
        said.code != Some(0) && said.err.contains("usage: phase1.sh"),
        "{said:?}"
    );
}
