//! Variables to settings, and what ssh itself makes of the option.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use std::process::Command;

fn read(variables: &[(&str, &str)]) -> Result<SshSettings> {
    let get = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    SshSettings::from_variables(get, false)
}

#[test]
fn place_of_the_known_hosts_file() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("HOME", "/h")], "/h/.local/state/asiaq/known_hosts"),
        (
            &[("HOME", "/h"), ("XDG_STATE_HOME", "/s")],
            "/s/asiaq/known_hosts",
        ),
        (
            &[("HOME", "/h"), ("XDG_STATE_HOME", "state")],
            "/h/.local/state/asiaq/known_hosts",
        ),
        (&[("XDG_STATE_HOME", "/s")], "/s/asiaq/known_hosts"),
    ];
    for (variables, path) in cases {
        assert_eq!(read(variables).unwrap().known_hosts, Path::new(path));
    }
    for variables in [
        &[][..],
        &[("HOME", "h"), ("XDG_STATE_HOME", "s")],
        &[("HOME", "/a${b}")],
        &[("HOME", "/a\nb")],
    ] {
        let error = read(variables).unwrap_err();
        assert!(error.hint().unwrap().contains("XDG_STATE_HOME"), "{error}");
    }
}

#[test]
fn extra_options() {
    let of = |text: &str| read(&[("HOME", "/h"), (OPTIONS, text)]);
    assert!(of("").unwrap().extra.is_empty());
    assert_eq!(
        of(" -o A=b  -i '/a key' -v\\ w ").unwrap().extra,
        ["-o", "A=b", "-i", "/a key", "-v w"]
    );
    let error = of("-o 'A=b").unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("ASIAQ_SSH_OPTIONS") && text.contains("not closed"),
        "{text}"
    );
}

/// The system's ssh reads from the option just the path that we mean.
#[test]
fn ssh_reads_the_path() {
    for home in [
        "/h",
        "/a b",
        "/100%h",
        "/%%",
        "/it's \"q\"",
        "/a\\b\\\\ c",
        "/a #b",
        "/$HOME/~x",
        "/ä",
    ] {
        let settings = read(&[("HOME", home)]).unwrap();
        let output = Command::new("ssh")
            .args([
                "-G",
                "-F",
                "none",
                &settings.known_hosts_option(),
                "somewhere",
            ])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let found = text
            .lines()
            .find_map(|l| l.strip_prefix("userknownhostsfile "));
        assert_eq!(
            found,
            settings.known_hosts.to_str(),
            "{}",
            settings.known_hosts_option()
        );
    }
}

#[test]
fn directory_for_its_owner_alone() {
    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path().join("new home");
    let settings = read(&[("HOME", home.to_str().unwrap())]).unwrap();
    let directory = settings.known_hosts.parent().unwrap();
    let mode = || directory.metadata().unwrap().mode() & 0o777;
    settings.prepare().unwrap();
    assert_eq!(mode(), 0o700);
    std::fs::set_permissions(directory, Permissions::from_mode(0o777)).unwrap();
    settings.prepare().unwrap();
    assert_eq!(mode(), 0o700);
    assert!(std::fs::read_dir(directory).unwrap().next().is_none());

    std::fs::remove_dir(directory).unwrap();
    std::fs::write(directory, "a file").unwrap();
    let text = settings.prepare().unwrap_err().to_string();
    assert!(
        text.contains("cannot use the directory of ssh host keys"),
        "{text}"
    );
}
