//! `provision`: one hostclass from command line options.

use super::World;
use crate::support::asiaq;

#[test]
fn all_options_in_both_spellings() {
    let world = World::new();
    world.config.edit(
        "disco_aws.ini",
        "[mhcapp]\n",
        "[mhcapp]\nsmoketest_termination = yes\n",
    );
    let hyphens = [
        "--env",
        "ci",
        "provision",
        "--hostclass",
        "mhcapp",
        "--instance-type",
        "m4.large",
        "--extra-space",
        "10",
        "--extra-disk",
        "20",
        "--iops",
        "200",
        "--no-smoke-test",
        "--min-size",
        "0",
        "--max-size",
        "3",
        "--desired-size",
        "0",
        "--testing",
        "--no-chaos",
        "--no-destroy",
        "--spotinst-reserve",
        "15%",
    ];
    let underscores: Vec<String> = hyphens
        .iter()
        .map(|word| match word.strip_prefix("--") {
            Some(name) => format!("--{}", name.replace('-', "_")),
            None => (*word).to_owned(),
        })
        .collect();
    world.run(&hyphens).expect_status(0);
    assert_eq!(world.sizes("mhcapp"), (0, 0, 3));
    let launch = world.launch("mhcapp");
    let sizes: Vec<Option<i32>> = launch
        .block_device_mappings()
        .iter()
        .filter_map(|device| device.ebs())
        .map(|ebs| ebs.volume_size())
        .collect();
    assert_eq!(sizes, [Some(18), Some(20)]);
    assert_eq!(launch.instance_type().unwrap().as_str(), "m4.large");
    assert!(
        world
            .user_data("mhcapp")
            .contains(&"smoketest_termination=\"0\"".to_owned()),
        "--no-destroy"
    );
    let group = world.group("mhcapp");
    let tag = |key: &str| {
        group
            .tags()
            .iter()
            .find(|tag| tag.key() == Some(key))
            .unwrap()
            .value()
            .unwrap()
    };
    assert_eq!((tag("is_testing"), tag("chaos")), ("1", "False"));

    let underscores: Vec<&str> = underscores.iter().map(String::as_str).collect();
    let (output, proxy) = world.watch(&underscores);
    output.expect_status(0);
    assert_eq!(super::changing(&proxy), [""; 0], "the same request");
}

#[test]
fn sizes_of_the_readme() {
    let world = World::new();
    let provision = |args: &[&str]| {
        world.clear();
        let base = [
            "provision",
            "--hostclass",
            "mhcapp",
            "--no-smoke-test",
            "--instance-type",
            "t2.micro",
        ];
        world.run(&[&base, args].concat()).expect_status(0);
        world.sizes("mhcapp")
    };
    assert_eq!(provision(&["--min-size", "1"]), (1, 1, 1));
    assert_eq!(provision(&["--max-size", "6"]), (0, 6, 6));
    assert_eq!(
        provision(&["--desired-size", "0", "--max-size", "5"]),
        (0, 0, 5)
    );
    assert_eq!(provision(&[]), (0, 0, 0));
    assert_eq!(
        provision(&["--desired-size", "1@45 19 * * *:3@33 19 * * *"]),
        (0, 3, 3)
    );
    assert_eq!(world.schedules().len(), 2);
}

#[test]
fn usage_errors_and_help() {
    let tool = |args: &[&str]| asiaq("disco_aws").env("COLUMNS", "100").args(args).run();
    for args in [
        &["provision"][..],
        &[
            "provision",
            "--hostclass",
            "mhcapp",
            "--extra-space",
            "much",
        ],
        &["spinup"],
        &["spindown"],
        &["spindownandup"],
        &[],
        &["nonesuch"],
        &["promoterunning", "--hours", "soon"],
        &["gethostclassoption", "--hostclass", "mhcapp"],
        &["tag", "--instance", "i-1"],
        &["tag", "--key", "k"],
    ] {
        let output = tool(args).expect_status(2);
        assert!(
            output.stdout.is_empty()
                && (output.stderr.contains("Usage: ") || output.stderr.contains("--help")),
            "{args:?}: {}",
            output.stderr
        );
    }
    for (name, args) in [
        ("help", &["--help"][..]),
        ("help_provision", &["provision", "--help"]),
        ("help_terminate", &["terminate", "--help"]),
    ] {
        insta::assert_snapshot!(name, tool(args).expect_status(0).stdout);
    }
    let version = tool(&["--version"]).expect_status(0).stdout;
    assert_eq!(
        version,
        format!("disco_aws {}\n", env!("CARGO_PKG_VERSION"))
    );
}
