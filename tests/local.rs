//! `asiaq`: the local cloud as an operator uses it, and links under the old names. The demo has its own test here too.

use crate::support::asiaq;
use serde_json::Value;
use std::path::Path;

/// Everything of one life of a local cloud, in order; each tool call shares one cache directory.
struct LocalCloud {
    cache: tempfile::TempDir,
}

impl LocalCloud {
    fn new() -> Self {
        // Installs moto once per machine, if no test did so yet.
        let settings = asiaq_local::Settings::from_env().unwrap();
        asiaq_local::ensure_installed(&settings, &mut |_| {}).unwrap();
        let cache = tempfile::tempdir().unwrap();
        let name = format!("moto-{}", asiaq_local::MOTO_VERSION);
        std::os::unix::fs::symlink(settings.cache_dir.join(&name), cache.path().join(&name))
            .unwrap();
        Self { cache }
    }

    fn run(&self, args: &[&str]) -> crate::support::Output {
        asiaq("asiaq")
            .env("ASIAQ_CACHE_DIR", self.cache.path().to_str().unwrap())
            .args(["local"])
            .args(args.iter().copied())
            .run()
    }

    fn status(&self) -> Value {
        serde_json::from_str(
            &self
                .run(&["status", "--output", "json"])
                .expect_status(0)
                .stdout,
        )
        .unwrap()
    }
}

impl Drop for LocalCloud {
    fn drop(&mut self) {
        let _ = self.run(&["down"]);
    }
}

#[test]
fn up_twice_status_env_reset_down() {
    let cloud = LocalCloud::new();
    let missing = cloud.run(&["status"]).expect_status(1);
    assert!(
        missing.stderr.contains("error:")
            && missing
                .stderr
                .contains("hint: start it with `asiaq local up`"),
        "{}",
        missing.stderr
    );
    assert_eq!(missing.stdout, "");

    let first = cloud.run(&["up"]).expect_status(0).stdout;
    let status = cloud.status();
    assert_eq!(
        cloud
            .run(&["up"])
            .expect_status(0)
            .stdout
            .split(", up")
            .next(),
        first.split(", up").next(),
        "the second `up` finds the first"
    );
    let (port, pid) = (
        status["port"].as_u64().unwrap(),
        status["pid"].as_u64().unwrap(),
    );
    assert!(
        first.starts_with(&format!(
            "http://127.0.0.1:{port} (port {port}, pid {pid}, up "
        )),
        "{first}"
    );
    assert!(Path::new(&format!("/proc/{pid}")).exists());
    assert!(status["agent_pid"].is_u64(), "{status}");

    let env = cloud.run(&["env"]).expect_status(0).stdout;
    let expected = format!(
        "export AWS_ENDPOINT_URL=http://127.0.0.1:{port}\nexport AWS_ACCESS_KEY_ID=testing\nexport AWS_SECRET_ACCESS_KEY=testing\nexport AWS_REGION=us-west-2\nunset AWS_PROFILE AWS_SESSION_TOKEN\n"
    );
    assert_eq!(env, expected);

    let url = format!("http://127.0.0.1:{port}");
    let vpcs = || {
        asiaq("disco_vpc_ui")
            .endpoint(&url)
            .args(["list"])
            .run()
            .expect_status(0)
            .stdout
            .lines()
            .count()
    };
    let config = crate::support::config::TestConfig::standard();
    asiaq("disco_vpc_ui")
        .endpoint(&url)
        .config(config.path())
        .args(["create", "--name", "ci", "--type", "ci"])
        .run()
        .expect_status(0);
    assert_eq!(vpcs(), 2, "the default VPC and ci");
    cloud.run(&["reset"]).expect_status(0);
    assert_eq!(vpcs(), 1, "only the default VPC");

    cloud.run(&["down"]).expect_status(0);
    let port = u16::try_from(port).unwrap();
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    cloud.run(&["down"]).expect_status(0);
    cloud.run(&["reset"]).expect_status(1);
    cloud.run(&["env"]).expect_status(1);
}

#[test]
fn a_missing_python_is_said_clearly() {
    let empty = tempfile::tempdir().unwrap();
    let path = empty.path().to_str().unwrap();
    let output = asiaq("asiaq")
        .env("PATH", path)
        .env("ASIAQ_CACHE_DIR", path)
        .args(["local", "up"])
        .run()
        .expect_status(1);
    assert!(
        output.stderr.contains("error: `python3` cannot be started"),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("hint: install Python 3.10 or newer"),
        "{}",
        output.stderr
    );
}

#[test]
fn the_demo_runs_to_its_end_twice() {
    let cloud = LocalCloud::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for round in 1..=2 {
        let output = asiaq("asiaq")
            .env("ASIAQ_CACHE_DIR", cloud.cache.path().to_str().unwrap())
            .config(root)
            .args(["local", "demo"])
            .run()
            .expect_status(0);
        let text = output.stdout;
        assert!(
            text.contains("VPC ci(vpc-") && text.contains("Smoke tested 2 host[s]"),
            "round {round}:\n{text}"
        );
        assert_eq!(
            text.matches(" = group ").count(),
            9,
            "every group is left alone the second time:\n{text}"
        );
        assert_eq!(
            text.lines()
                .filter(|line| line.trim_start().starts_with("i-"))
                .count(),
            11,
            "{text}"
        );
        assert!(
            text.contains("environment `ci` runs 9 hostclasses") && text.contains("Try next"),
            "{text}"
        );
    }
}

#[test]
fn the_demo_of_a_sandbox_runs_to_its_end() {
    let cloud = LocalCloud::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = asiaq("asiaq")
        .env("ASIAQ_CACHE_DIR", cloud.cache.path().to_str().unwrap())
        .config(root)
        .args(["local", "demo", "--sandbox"])
        .run()
        .expect_status(0);
    let text = output.stdout;
    for (expected, times) in [
        ("s: environment sample", 2),
        ("s: sequence 1: mhcs3proxy, mhcadminproxy", 2),
        ("s: sequence 2: mhcbanana", 2),
        ("] 0.0 s: checks of sandbox sample", 2),
        ("= environment sample is as wanted", 1),
        ("= group ", 3),
        ("= object ", 2),
        (
            "s3://us-west-2.asiaqdemo.sandboxes/firewall-trusted-cidrs/sample",
            3,
        ),
        ("sandbox sample is up after ", 2),
        ("       203.0.113.0/24\n", 1),
        ("- vpc sample ", 1),
        ("environment `sample` runs 3 hostclasses", 1),
        ("Try next", 1),
    ] {
        assert_eq!(
            text.matches(expected).count(),
            times,
            "`{expected}` in\n{text}"
        );
    }
    let hosts = text
        .lines()
        .filter(|line| line.trim_start().starts_with("i-"));
    assert_eq!(hosts.count(), 3, "{text}");
}

#[test]
fn demo_help() {
    let help = asiaq("asiaq").args(["local", "demo", "--help"]).run();
    insta::assert_snapshot!(help.expect_status(0).stdout);
    for wrong in [
        &["--keep"][..],
        &["--full", "--sandbox"],
        &["--sandbox", "--keep"],
    ] {
        let output = asiaq("asiaq")
            .args([&["local", "demo"], wrong].concat())
            .run();
        let output = output.expect_status(2);
        assert!(output.stdout.is_empty() && output.stderr.contains("Usage:"));
    }
}

#[test]
fn old_names_are_linked() {
    let dir = tempfile::tempdir().unwrap();
    let link = |expected| {
        asiaq("asiaq")
            .args(["link-names", dir.path().to_str().unwrap()])
            .run()
            .expect_status(expected)
    };
    link(0);
    assert_eq!(link(0).stdout.lines().count(), 19, "again is fine");
    for tool in [
        "disco_autoscale",
        "disco_aws",
        "disco_eip",
        "disco_elb",
        "disco_chaos",
        "disco_metrics",
        "disco_purge_snapshots",
        "disco_route53",
        "disco_snapshot",
        "disco_ssh",
        "disco_ssm",
        "disco_vpc_ui",
    ] {
        let help = std::process::Command::new(dir.path().join(format!("{tool}.py")))
            .arg("--help")
            .output()
            .unwrap();
        assert!(
            help.status.success()
                && String::from_utf8_lossy(&help.stdout).contains(&format!("Usage: {tool}")),
            "{tool}"
        );
    }
    script_is_installed(dir.path(), link);
    let foreign = dir.path().join("disco_aws.py");
    std::fs::remove_file(&foreign).unwrap();
    std::fs::write(&foreign, "the old suite").unwrap();
    assert!(link(1).stderr.contains("exists and is not a link"));
    assert_eq!(std::fs::read_to_string(&foreign).unwrap(), "the old suite");
}

/// One of ours is replaced, nobody else's.
fn script_is_installed(dir: &std::path::Path, link: impl Fn(i32) -> crate::support::Output) {
    use std::os::unix::fs::PermissionsExt;
    let script = dir.join("disco_ssh.sh");
    let text = std::fs::read_to_string(&script).unwrap();
    assert_eq!(text, include_str!("../bins/disco_ssh.sh"));
    std::fs::write(&script, text.replace("echo", "printf")).unwrap();
    link(0);
    assert_eq!(std::fs::read_to_string(&script).unwrap(), text);
    let mode = script.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    std::fs::write(&script, "#!/bin/sh\n# the old suite\n").unwrap();
    assert!(link(1).stderr.contains("exists and is not ours"));
    std::fs::remove_file(&script).unwrap();
}

#[test]
fn usage() {
    asiaq("asiaq").run().expect_status(2);
    asiaq("asiaq")
        .args(["local", "sideways"])
        .run()
        .expect_status(2);
    let version = asiaq("asiaq").args(["--version"]).run().expect_status(0);
    assert_eq!(
        version.stdout,
        concat!("asiaq ", env!("CARGO_PKG_VERSION"), "\n")
    );
    for tool in [
        "asiaq",
        "disco_aws",
        "disco_eip",
        "disco_vpc_ui",
        "disco_autoscale",
    ] {
        let script = asiaq(tool)
            .env("COMPLETE", "bash")
            .run()
            .expect_status(0)
            .stdout;
        assert!(
            script.contains(&format!(
                "complete -o nospace -o bashdefault -o nosort -F _clap_complete_{tool} {tool}"
            )) || script.contains(&format!("_clap_complete_{tool}")),
            "{tool}: {script}"
        );
    }
}
