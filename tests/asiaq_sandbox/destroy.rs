//! Taking a sandbox down.

use super::{BUCKET, World, changing, told};

#[test]
fn all_of_one_sandbox_goes_and_nothing_of_another() {
    let world = World::new();
    let empty = world.everything();
    world.config.edit("disco_vpc.ini", "[envtype:ci]", "[env:other]\nvpc_cidr = 10.2.0.0/24\nintranet_cidr = auto\ndmz_cidr = auto\n\n[envtype:ci]");
    world.run("other --config-dir base").expect_status(0);
    let other = world.everything();
    world.run("box7 --config-dir base").expect_status(0);
    let both = world.everything();

    let (dry, proxy) = world.watch("box7 --destroy --dry-run");
    let text = dry.expect_status(0).stdout;
    assert_eq!(changing(&proxy), [""; 0]);
    assert_eq!(world.everything(), both);
    for line in [
        "environment\n",
        "  - vpc box7 10.0.0.0/24 vpc-",
        "configuration files\n  - object s3://cfg/zk/black/box7\n  - object s3://cfg/fw/box7\n",
    ] {
        assert!(text.contains(line), "`{line}` in\n{text}");
    }
    let json = world
        .run("box7 --destroy --dry-run --output json")
        .expect_status(0);
    let items: Vec<serde_json::Value> = serde_json::from_str(&json.stdout).unwrap();
    assert!(items.iter().all(|item| item["sign"] != "+"), "{items:#?}");

    let output = world.run("box7 --destroy").expect_status(0);
    assert_eq!(output.stdout, "");
    assert_eq!(world.everything(), other);
    let lines = told(&output);
    for (start, end) in [
        ("[1/2] ", "s: environment box7 with all in it"),
        ("[2/2] ", "s: configuration files in bucket cfg"),
        ("sandbox box7 is gone after ", " s"),
    ] {
        let found = |line: &String| line.starts_with(start) && line.ends_with(end);
        assert!(lines.iter().any(found), "`{start}…{end}` in {lines:#?}");
    }
    world.run("other --destroy").expect_status(0);
    assert_eq!(world.everything(), empty);
}

/// A bucket knows no regions: without an environment only objects that say whose they are may go.
#[test]
fn objects_that_may_be_somebody_elses_stay() {
    let world = World::new();
    let put = |key: &str, mark: Option<&str>| {
        let call = world.s3().put_object().bucket(BUCKET).key(key);
        let call = match mark {
            Some(mark) => call.metadata("asiaq-sandbox", mark),
            None => call,
        };
        world.cloud.wait(call.send()).unwrap();
    };
    put("fw/box7", None);
    put("zk/black/box7", Some("us-east-1/box7"));
    let (output, proxy) = world.watch("box7 --destroy");
    let stderr = output.expect_status(0).stderr;
    for text in [
        "object s3://cfg/fw/box7 stays: there is no such sandbox here",
        "object s3://cfg/zk/black/box7 stays: it is of the sandbox us-east-1/box7",
        "nothing to destroy: there is no sandbox box7",
    ] {
        assert!(stderr.contains(text), "`{text}` in\n{stderr}");
    }
    assert_eq!(changing(&proxy), [""; 0]);
    assert_eq!(world.keys(), ["fw/box7", "zk/black/box7"]);
    // What an interrupted run has left.
    put("fw/box7", Some("us-west-2/box7"));
    world.run("box7 --destroy").expect_status(0);
    assert_eq!(world.keys(), ["zk/black/box7"]);
}

#[test]
fn nothing_to_destroy_is_no_error() {
    let world = World::new();
    // Neither the directory nor the pipeline is needed, nor a bucket that exists.
    for _ in 0..2 {
        let (output, proxy) = world.watch("box7 --destroy");
        let output = output.expect_status(0);
        assert!(told(&output).contains(&"nothing to destroy: there is no sandbox box7".to_owned()));
        assert_eq!(output.stdout, "");
        assert_eq!(changing(&proxy), [""; 0]);
        world
            .config
            .edit("disco_aws.ini", "bucket = ", "bucket = no-");
    }
    let dry = world.run("box7 --destroy --dry-run").expect_status(0);
    assert_eq!(dry.stdout, "no changes\n");
    let json = world
        .run("box7 --destroy --dry-run --output json")
        .expect_status(0);
    assert_eq!(json.stdout, "[]\n");
}
