//! What is refused, before anything is changed.

use super::{World, changing};
use crate::support::asiaq;
use crate::support::proxy::{Behaviour, Proxy};

#[track_caller]
fn refused(world: &World, words: &str, texts: &[&str]) {
    let before = world.everything();
    let (output, proxy) = world.watch(words);
    let output = output.expect_status(1);
    assert_eq!(output.stdout, "");
    for text in texts {
        assert!(
            output.stderr.contains(text),
            "`{text}` in\n{}",
            output.stderr
        );
    }
    assert_eq!(changing(&proxy), [""; 0], "{words}");
    assert_eq!(world.everything(), before, "{words}");
}

#[test]
fn bad_input_makes_no_call_at_all() {
    let world = World::new();
    for (words, texts) in [
        (
            "my_box --config-dir base",
            &["`my_box` must not be empty or contain `_`"][..],
        ),
        ("none --config-dir base", &["means no environment"]),
        (
            "box7",
            &[
                "Config path not found: ",
                "sandboxes/box7/pipeline.csv",
                "--config-dir",
            ],
        ),
        ("box7 --config-dir ../base", &["leads out of"]),
        ("my_box --destroy", &["contain `_`"]),
    ] {
        let (output, proxy) = world.watch(words);
        let output = output.expect_status(1);
        assert_eq!(proxy.calls().len(), 0, "{words}");
        for text in texts {
            assert!(
                output.stderr.contains(text),
                "`{text}` in\n{}",
                output.stderr
            );
        }
    }
    // Wrong configuration: everything at once, with file and line.
    world
        .config
        .edit("disco_aws.ini", "sandbox_config_bucket = cfg\n", "")
        .edit(
            "disco_vpc.ini",
            "domain_name = box.example.com\n",
            "intranet_igw_routes = x\n",
        )
        .write(
            "sandboxes/base/pipeline.csv",
            "sequence,hostclass\nfirst,mhcapp\n",
        );
    std::fs::remove_file(world.config.path().join("sandboxes/base/zk_list")).unwrap();
    let (output, proxy) = world.watch("box7 --config-dir base");
    let stderr = output.expect_status(1).stderr;
    assert_eq!(proxy.calls().len(), 0);
    for text in [
        "Sandbox configuration sync requested, but no bucket configured.",
        "pipeline.csv:2: sequence: `first` is not a sequence number",
        "sandboxes/base/zk_list",
        "[envtype:sandbox] intranet_igw_routes",
        "disco_aws.ini:",
    ] {
        assert!(stderr.contains(text), "`{text}` in\n{stderr}");
    }
}

#[test]
fn lines_of_one_or_three_words() {
    let world = World::new();
    for (new, text) in [
        ("ips", "`ips` has 1 words instead of two"),
        ("ips fw more", "`ips fw more` has 3 words instead of two"),
        ("../ips fw", "`../ips` leads out of the sandbox's directory"),
        ("ips zk/black/", "uploaded to the same key `zk/black/box7`"),
    ] {
        let text_of = std::fs::read_to_string(world.config.path().join("disco_aws.ini")).unwrap();
        world.config.edit("disco_aws.ini", "ips   fw/", new);
        refused(&world, "box7 --config-dir base", &[text, "disco_aws.ini:"]);
        world.config.write("disco_aws.ini", &text_of);
    }
}

#[test]
fn other_environments_are_left_alone() {
    let world = World::new();
    let tool = asiaq("disco_vpc_ui").endpoint(world.cloud.url());
    let create = tool
        .config(world.config.path())
        .args(["create", "--name", "ci", "--type", "ci"]);
    create.run().expect_status(0);
    let text = "`ci` is no sandbox: VPC vpc-";
    for words in [
        "ci --config-dir base",
        "ci --destroy",
        "ci --destroy --dry-run",
    ] {
        refused(
            &world,
            words,
            &[text, "has the type `ci`", "\nhint: choose another name"],
        );
    }
    // Nor one that only has the name.
    let tag = aws_sdk_ec2::types::Tag::builder()
        .key("Name")
        .value("plain")
        .build();
    let tags = aws_sdk_ec2::types::TagSpecification::builder()
        .resource_type(aws_sdk_ec2::types::ResourceType::Vpc)
        .tags(tag)
        .build();
    let call = world.cloud.client().create_vpc().cidr_block("10.9.0.0/24");
    world
        .cloud
        .wait(call.tag_specifications(tags).send())
        .unwrap();
    refused(
        &world,
        "plain --config-dir base",
        &["`plain` is no sandbox"],
    );
    refused(&world, "plain --destroy", &["`plain` is no sandbox"]);
}

#[test]
fn a_missing_image_is_found_before_the_environment_is_made() {
    let world = World::new();
    world.config.write(
        "sandboxes/base/pipeline.csv",
        "sequence,hostclass\n1,mhcapp\n1,mhcdb\n",
    );
    refused(
        &world,
        "box7 --config-dir base",
        &["pipeline.csv:3: hostclass: no image of hostclass mhcdb in stage tested"],
    );
}

#[test]
fn an_elastigroup_without_a_token_is_found_before_the_environment_is_made() {
    let world = World::new();
    world.config.write(
        "sandboxes/base/pipeline.csv",
        "sequence,hostclass,spotinst\n1,mhcapp,yes\n",
    );
    let text = "pipeline.csv:2: spotinst: hostclass mhcapp asks for a Spotinst Elastigroup, but SPOTINST_TOKEN is not set";
    refused(&world, "box7 --config-dir base", &[text]);
}

#[test]
fn wrong_rows_and_hostclasses_are_found_before_the_environment_is_made() {
    let world = World::new();
    let config = std::fs::read_to_string(world.config.path().join("disco_aws.ini")).unwrap();
    for (old, new, pipeline, text) in [
        (
            "",
            "",
            "sequence,hostclass,spotinst_reserve\n1,mhcapp,some\n",
            "pipeline.csv:2: spotinst_reserve: ",
        ),
        (
            "[mhcapp]\nmeta_network = intranet\n",
            "[mhcapp]\nmeta_network = tunnel\n",
            "sequence,hostclass\n1,mhcapp\n",
            "environment `box7` has no metanetwork tunnel (it has: ",
        ),
        (
            "[mhcapp]\n",
            "[mhcapp]\nelb = yes\nelb_meta_network = tunnel\n",
            "sequence,hostclass\n1,mhcapp\n",
            "environment `box7` has no metanetwork tunnel (it has: ",
        ),
    ] {
        if !old.is_empty() {
            world.config.edit("disco_aws.ini", old, new);
        }
        world.config.write("sandboxes/base/pipeline.csv", pipeline);
        refused(&world, "box7 --config-dir base", &[text]);
        world.config.write("disco_aws.ini", &config);
    }
}

/// What can be planned is planned before the first change, also where the environment changes too.
#[test]
fn a_sandbox_that_exists_is_not_touched_when_its_pipeline_is_wrong() {
    let world = World::new();
    world.run("box7 --config-dir base").expect_status(0);
    world
        .config
        .edit("disco_vpc.ini", "tcp dmz 80\n", "tcp dmz 80 443\n")
        .edit("disco_aws.ini", "ip_address = +20", "ip_address = +500")
        .write("sandboxes/base/ips", "198.51.100.0/24\n");
    let text = "ip_address of hostclass mhcproxy";
    for words in ["box7 --config-dir base", "box7 --config-dir base --dry-run"] {
        refused(&world, words, &[text]);
    }
    let image = "sequence,hostclass\n1,mhcdb\n";
    world.config.write("sandboxes/base/pipeline.csv", image);
    refused(
        &world,
        "box7 --config-dir base",
        &["no image of hostclass mhcdb"],
    );
}

#[test]
fn a_bucket_that_is_missing_or_closed() {
    let world = World::new();
    let denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    let answers = Behaviour::new().answer("GET /cfg/fw/box7", 403, denied);
    let proxy = Proxy::start(world.cloud.url(), answers);
    let closed = world
        .tool("box7 --config-dir base")
        .endpoint(proxy.url())
        .run();
    let stderr = closed.expect_status(1).stderr;
    assert!(
        stderr.contains("s3:GetObject of object fw/box7 of bucket cfg: AccessDenied"),
        "{stderr}"
    );
    assert!(
        stderr.contains("hint: the credentials in use lack this permission"),
        "{stderr}"
    );
    assert_eq!(changing(&proxy), [""; 0]);

    // What may be read but not written stops before the environment.
    let answers = Behaviour::new().answer("PUT /cfg/fw/box7", 403, denied);
    let proxy = Proxy::start(world.cloud.url(), answers);
    let closed = world
        .tool("box7 --config-dir base")
        .endpoint(proxy.url())
        .run();
    let stderr = closed.expect_status(1).stderr;
    assert!(
        stderr.contains("failed: + object s3://cfg/fw/box7 from "),
        "{stderr}"
    );
    assert_eq!(proxy.count("CreateVpc"), 0);

    world.config.edit(
        "disco_aws.ini",
        "sandbox_config_bucket = cfg",
        "sandbox_config_bucket = gone",
    );
    refused(
        &world,
        "box7 --config-dir base",
        &[
            "of bucket gone: NoSuchBucket",
            "hint: create the bucket, or correct its name",
        ],
    );
}

#[test]
fn usage() {
    for words in [
        "sandbox",
        "sandbox a b",
        "sandbox a --tag x",
        "sandbox a --tag Name:b",
        "sandbox a --tag type:ci",
        "sandbox a --destroy --tag x:y",
        "sandbox a --destroy --config-dir b",
        "sandbox a --output svg",
    ] {
        let output = asiaq("asiaq")
            .args(words.split_whitespace())
            .run()
            .expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage: asiaq"),
            "{words}"
        );
    }
    asiaq("asiaq_sandbox").run().expect_status(2);
    let help = asiaq("asiaq_sandbox")
        .args(["--help"])
        .run()
        .expect_status(0);
    insta::assert_snapshot!("help", help.stdout);
    let version = asiaq("asiaq_sandbox")
        .args(["--version"])
        .run()
        .expect_status(0);
    assert!(version.stdout.starts_with("asiaq_sandbox "));
}
