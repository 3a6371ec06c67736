//! `disco_bake bake` of one image and `cleanup`, on the emulator, with stand-ins for ssh and rsync.

use crate::support::Output;
use crate::support::bakery::Bakery;
use crate::support::environment::changing_calls;
use crate::support::furniture::tagged;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::snapshots::refusal;
use aws_sdk_ec2::types::{Filter, Image, Instance, ResourceType, Tag};
use std::fs;
use std::time::{Duration, Instant};

const BAKE: &[&str] = &["bake", "--hostclass", "mhcapp", "--use-local-ip"];

fn through(bakery: &Bakery, proxy: &Proxy, args: &[&str]) -> Output {
    bakery.tool(args).endpoint(proxy.url()).run()
}

fn with<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [BAKE, args].concat()
}

fn tags(tags: &[Tag]) -> Vec<String> {
    let mut all: Vec<String> = tags
        .iter()
        .map(|t| format!("{}={}", t.key().unwrap(), t.value().unwrap()))
        .collect();
    all.sort();
    all
}

/// The one image, and the machine it was made from.
fn baked(bakery: &Bakery, output: &Output) -> Image {
    let images = bakery.images();
    assert_eq!(images.len(), 1, "{images:?}");
    let image = images[0].clone();
    let (name, id) = (image.name().unwrap(), image.image_id().unwrap());
    assert_eq!(output.stdout, format!("Created {name} AMI {id}\n"));
    assert_eq!(bakery.machines(), Vec::<Instance>::new(), "nothing is left");
    image
}

/// The security group of the metanetwork.
fn security_group(bakery: &Bakery) -> String {
    let filter = Filter::builder().name("group-name").values("build_tunnel");
    let call = bakery.cloud.client().describe_security_groups();
    let found = bakery.cloud.wait(call.filters(filter.build()).send());
    let groups = found.unwrap().security_groups.unwrap_or_default();
    assert_eq!(groups.len(), 1, "{groups:?}");
    groups[0].group_id().unwrap().to_owned()
}

#[test]
fn a_hostclass_image() {
    let bakery = Bakery::new();
    let proxy = Proxy::start(bakery.cloud.url(), Behaviour::new());
    let dry = through(&bakery, &proxy, &with(&["--dry-run"])).expect_status(0);
    assert_eq!(changing_calls(&proxy), Vec::<String>::new());
    assert!(bakery.told().is_empty());
    let text = dry.stdout.replace(&bakery.base, "AMI");
    let root = bakery.config.path().display().to_string();
    let text = text.replace(&security_group(&bakery), "GROUP");
    insta::assert_snapshot!("bake_dry_run", text.replace(&root, "CONFIG"));

    bakery.set("script", "printf 'one\\ntwo'; echo more >&2; printf last\n");
    let proxy = Proxy::start(bakery.cloud.url(), Behaviour::new());
    let more = [
        "--tag",
        "team:a:b",
        "--tag",
        "stage:prod",
        "--tag",
        "team:c",
        "--stage",
        "odd",
        "--private",
    ];
    let output = through(&bakery, &proxy, &with(&more)).expect_status(0);
    let image = baked(&bakery, &output);
    let base = &bakery.base;
    let own: Vec<String> = tags(image.tags())
        .into_iter()
        .filter(|tag| !tag.starts_with("version-asiaq=asiaq-") && !tag.starts_with("bake_id="))
        .collect();
    let wanted = [
        "baker=ann",
        "hostclass=mhcapp",
        "is_private=True",
        "productline=fruit",
        &format!("source_ami={base}"),
        "stage=odd",
        "team=c",
    ];
    assert_eq!(own, wanted);
    assert_eq!(
        changing_calls(&proxy),
        [
            "RunInstances",
            "StopInstances",
            "CreateImage",
            "TerminateInstances"
        ]
    );
    for part in [
        "[1/14] 0.0 s: source image",
        "stage `odd` is none of `ami_stages`: untested failed tested",
        "s: wait for ssh",
        "s| one",
        "s| twomore",
        "s| last",
        "[14/14] ",
    ] {
        assert!(output.stderr.contains(part), "{part} in\n{}", output.stderr);
    }
    commands(&bakery);
    launch(&proxy);
}

/// What the machine was told: by the one user who could log in, as root.
fn commands(bakery: &Bakery) {
    let told = bakery.told();
    let of_admin = |line: &&String| line.contains(" -ladmin ") || line.starts_with("rsync");
    let own: Vec<&String> = told.iter().filter(of_admin).collect();
    assert_eq!(own.len(), 6, "{told:#?}");
    let ends = [
        " sudo -n true",
        " sudo -n -H sh -c 'cd; mkdir -p /opt/asiaq/asiaq'",
        ":/opt/asiaq --filter=:e /.nosync",
        ":/opt/asiaq/asiaq --filter=:e /.nosync",
        " sudo -n -H env SSH_AUTH_SOCK=\"$SSH_AUTH_SOCK\" sh -c 'cd; /opt/asiaq/init/phase2.sh mhcapp'",
        " && sync && shutdown now -h'",
    ];
    for (line, end) in own.iter().zip(ends) {
        assert!(line.ends_with(end), "{end} in {line}");
        assert!(line.contains("-oHostKeyAlias=i-"), "{line}");
        assert!(
            line.contains("-oStrictHostKeyChecking=accept-new"),
            "{line}"
        );
        assert!(line.contains("asiaq/known_hosts"), "{line}");
        assert_eq!(
            line.contains("-oForwardAgent=yes"),
            line.contains("phase2"),
            "{line}"
        );
    }
    let root = bakery.config.path().display();
    assert!(
        own[2].starts_with("rsync -a -v -z --delete -e ssh "),
        "{}",
        own[2]
    );
    assert!(own[2].contains(&format!(
        " --rsync-path=sudo -n rsync {root}/. admin@127.77."
    )));
    assert!(own[3].contains(&format!(
        " --rsync-path=sudo -n rsync {root}/dist/ admin@127.77."
    )));
    let root_tried = told.iter().filter(|line| line.contains(" -lroot ")).count();
    assert_eq!(root_tried, 1, "a refusal is final");
}

/// What EC2 was told.
fn launch(proxy: &Proxy) {
    let calls = proxy.calls();
    let call = |name: &str| calls.iter().find(|call| call.operation == name).unwrap();
    let run = call("RunInstances");
    let is = |key: &str, value: &str| assert_eq!(run.parameter(key), Some(value), "{key}");
    is("MinCount", "1");
    is("MaxCount", "1");
    is("KeyName", "operators");
    is("InstanceType", "m5.large");
    is("NetworkInterface.1.AssociatePublicIpAddress", "true");
    is("BlockDeviceMapping.1.Ebs.VolumeType", "gp3");
    is("BlockDeviceMapping.1.Ebs.DeleteOnTermination", "true");
    for absent in [
        "UserData",
        "InstanceInitiatedShutdownBehavior",
        "BlockDeviceMapping.2.DeviceName",
        "BlockDeviceMapping.1.Ebs.Encrypted",
        "MetadataOptions.HttpTokens",
        "IamInstanceProfile.Name",
    ] {
        assert_eq!(run.parameter(absent), None, "{absent}");
    }
    assert!(run.parameter("ClientToken").unwrap().len() <= 64);
    for kind in ["1", "2"] {
        let mut keys: Vec<&str> = (1..=6)
            .filter_map(|n| run.parameter(&format!("TagSpecification.{kind}.Tag.{n}.Key")))
            .collect();
        keys.sort_unstable();
        let wanted = [
            "Name",
            "bake_id",
            "bake_image",
            "bake_started",
            "baker",
            "hostclass",
        ];
        assert_eq!(keys, wanted);
    }
    let image = call("CreateImage");
    assert_eq!(image.parameter("NoReboot"), Some("true"));
    assert_eq!(
        image.parameter("TagSpecification.1.ResourceType"),
        Some("image")
    );
    assert_eq!(
        image.parameter("TagSpecification.2.ResourceType"),
        Some("snapshot")
    );
    let mut keys: Vec<&str> = (1..=20)
        .filter_map(|n| image.parameter(&format!("TagSpecification.2.Tag.{n}.Key")))
        .collect();
    keys.sort_unstable();
    assert_eq!(keys, ["Name", "bake_image", "version-asiaq"], "no data");
}

#[test]
fn a_base_image_with_everything_configured() {
    let bakery = Bakery::new();
    let base = &bakery.base;
    bakery.config.edit(
        "disco_aws.ini",
        "phase = 1\n",
        &format!("phase = 1\nbake_ami = {base}\n[mhcgeneric]\nbake_encrypted = yes\nbake_volume_type = gp2\nbake_volume_size = 33\nhttp_tokens = required\nenhanced_networking = yes\n"),
    );
    bakery.set("users", "root\n");
    bakery.set("rsync-status", "1\n0\n0\n");
    let proxy = Proxy::start(bakery.cloud.url(), Behaviour::new());
    let tool = bakery
        .tool(&["bake", "--use-local-ip"])
        .endpoint(proxy.url())
        .env("ASIAQ_SSH_OPTIONS", "-i '/a key'");
    let output = tool.run().expect_status(0);
    let image = baked(&bakery, &output);
    assert!(image.name().unwrap().starts_with("base 1"), "{image:?}");
    let own = tags(image.tags());
    for tag in ["hostclass=mhcgeneric", "stage=untested", "is_private=False"] {
        assert!(own.iter().any(|own| own == tag), "{tag} in {own:?}");
    }
    let calls = proxy.calls();
    let run = calls
        .iter()
        .find(|call| call.operation == "RunInstances")
        .unwrap();
    for (key, value) in [
        ("BlockDeviceMapping.1.Ebs.VolumeType", "gp2"),
        ("BlockDeviceMapping.1.Ebs.VolumeSize", "33"),
        ("BlockDeviceMapping.1.Ebs.Encrypted", "true"),
        ("MetadataOptions.HttpTokens", "required"),
    ] {
        assert_eq!(run.parameter(key), Some(value), "{key}");
    }
    assert_eq!(proxy.count("ModifyInstanceAttribute"), 2);
    let told = bakery.told();
    let rsync: Vec<&String> = told.iter().filter(|l| l.starts_with("rsync")).collect();
    assert_eq!(rsync.len(), 3, "once more without the filter: {rsync:#?}");
    assert!(rsync[0].ends_with("/.nosync") && rsync[1].ends_with(":/opt/asiaq"));
    assert!(rsync[0].contains(" -i '/a key' "), "{}", rsync[0]);
    assert!(!rsync[0].contains("--rsync-path"), "{}", rsync[0]);
    assert!(
        told.iter()
            .any(|line| line.ends_with(" /opt/asiaq/init/phase1.sh mhcgeneric"))
    );
    assert!(
        told.iter().all(|line| !line.contains("sudo -n -H")),
        "{told:#?}"
    );
}

#[test]
fn the_repository_host_is_told_to_the_script() {
    let bakery = Bakery::new();
    let subnets = crate::support::furniture::subnets(&bakery.cloud, &bakery.vpc_id);
    let run = bakery
        .cloud
        .client()
        .run_instances()
        .image_id(&bakery.base)
        .min_count(1)
        .max_count(1)
        .subnet_id(&subnets[0])
        .tag_specifications(tagged(ResourceType::Instance, &[("hostclass", "mhcrepo")]));
    let answer = bakery.cloud.wait(run.send()).unwrap();
    let address = answer.instances()[0]
        .private_ip_address()
        .unwrap()
        .to_owned();
    bakery.tool(BAKE).run().expect_status(0);
    let told = bakery.told();
    let script = told.iter().find(|line| line.contains("phase2.sh")).unwrap();
    let (_, words) = script.split_once("phase2.sh ").unwrap();
    let words: Vec<&str> = words.trim_end_matches('\'').split(' ').collect();
    assert_eq!(words[..2], ["mhcapp", &address]);
    assert_eq!(words[2].len(), 32, "{words:?}");
}

#[test]
fn a_step_that_fails_is_undone() {
    let bakery = Bakery::new();
    bakery.set("script", "echo no such package; exit 7\n");
    let output = bakery.tool(BAKE).run().expect_status(1);
    assert_eq!(output.stdout, "");
    for part in [
        "s| no such package",
        "ends in step `init script`",
        "phase2.sh mhcapp` on instance i-",
        "ended with status 7",
    ] {
        assert!(output.stderr.contains(part), "{part} in\n{}", output.stderr);
    }
    assert!(bakery.machines().is_empty() && bakery.images().is_empty());

    let output = bakery.tool(&with(&["--no-destroy"])).run().expect_status(1);
    let left = bakery.machines();
    let id = left[0].instance_id().unwrap();
    let address = left[0].private_ip_address().unwrap();
    assert!(
        output.stderr.contains(&format!("instance {id} stays")),
        "{}",
        output.stderr
    );
    let command = output
        .stderr
        .lines()
        .find(|l| l.contains("Examine instance command: ssh "));
    assert!(
        command.unwrap().ends_with(&format!("admin@{address}")),
        "{command:?}"
    );

    bakery.set("script", "");
    bakery.set("rsync-status", "23\n");
    let output = bakery.tool(BAKE).run().expect_status(1);
    assert!(
        output.stderr.contains("/. to /opt/asiaq` on instance i-"),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("status 23:\nrsync says why"),
        "{}",
        output.stderr
    );
    let warned = format!("instance {id} of a bake of `mhcapp 1");
    assert!(output.stderr.contains(&warned), "{}", output.stderr);
    assert_eq!(bakery.machines().len(), 1, "only the one that was to stay");
}

#[test]
fn calls_that_aws_refuses() {
    let bakery = Bakery::new();
    // Image creation: the machine goes.
    let denied = refusal("UnauthorizedOperation", "not you");
    let proxy = Proxy::start(
        bakery.cloud.url(),
        Behaviour::new().answer("CreateImage", 403, &denied),
    );
    let output = through(&bakery, &proxy, BAKE).expect_status(1);
    assert!(
        output.stderr.contains("error: ec2:CreateImage of mhcapp 1"),
        "{}",
        output.stderr
    );
    assert!(bakery.machines().is_empty() && bakery.images().is_empty());

    // The first error is told although the clean-up fails, too; what stays is named.
    let both = Behaviour::new().answer("CreateImage", 403, &denied).answer(
        "TerminateInstances",
        403,
        &denied,
    );
    let proxy = Proxy::start(bakery.cloud.url(), both);
    let output = through(&bakery, &proxy, BAKE).expect_status(1);
    assert!(
        output.stderr.contains("error: ec2:CreateImage of mhcapp 1"),
        "{}",
        output.stderr
    );
    let left = bakery.machines();
    let named = format!(
        "instance {} stays: ec2:TerminateInstances",
        left[0].instance_id().unwrap()
    );
    assert!(output.stderr.contains(&named), "{}", output.stderr);
    remove_as_told(&bakery, &output);

    // No capacity in one zone, however often the SDK asks; throttled calls.
    let full = refusal("InsufficientInstanceCapacity", "none left");
    let behaviour = Behaviour::new()
        .answer_first("RunInstances", 500, &full)
        .answer_first("RunInstances", 500, &full)
        .throttle("CreateImage", 1);
    let proxy = Proxy::start(bakery.cloud.url(), behaviour);
    let tool = bakery
        .tool(BAKE)
        .endpoint(proxy.url())
        .env("AWS_MAX_ATTEMPTS", "2");
    let output = tool.run().expect_status(0);
    baked(&bakery, &output);
    assert_eq!(proxy.count("CreateImage"), 2);
    let calls = proxy.calls();
    let launches = calls.iter().filter(|c| c.operation == "RunInstances");
    let subnets: Vec<_> = launches
        .map(|call| call.parameter("NetworkInterface.1.SubnetId"))
        .collect();
    assert_eq!(subnets.len(), 3, "{subnets:?}");
    assert_eq!(subnets[0], subnets[1], "the SDK's own repetition");
    assert_ne!(subnets[1], subnets[2]);
}

/// Removes the machine that is left with the very command that the bake names.
fn remove_as_told(bakery: &Bakery, output: &Output) {
    let left = bakery.machines();
    let id = left[0].instance_id().unwrap();
    let told = format!("`disco_bake cleanup --instance {id}` removes it");
    assert!(output.stderr.contains(&told), "{}", output.stderr);
    let cleanup = bakery.tool(&["cleanup", "--instance", id, "--dry-run"]);
    let plan = cleanup.run().expect_status(0).stdout;
    assert!(plan.starts_with(&format!("- instance {id} of ")), "{plan}");
    assert_eq!(plan.lines().count(), 1, "{plan}");
    bakery
        .tool(&["cleanup", "--instance", id])
        .run()
        .expect_status(0);
    assert!(bakery.machines().is_empty());
    let both = ["cleanup", "--instance", id, "--older-than", "0"];
    bakery.tool(&both).run().expect_status(2);
}

#[test]
fn a_machine_that_stays_does_not_hide_the_image() {
    let bakery = Bakery::new();
    let denied = refusal("UnauthorizedOperation", "not you");
    let behaviour = Behaviour::new().answer("TerminateInstances", 403, &denied);
    let proxy = Proxy::start(bakery.cloud.url(), behaviour);
    let output = through(&bakery, &proxy, BAKE).expect_status(0);
    assert!(
        output.stdout.starts_with("Created mhcapp 1"),
        "{}",
        output.stdout
    );
    assert_eq!(bakery.images().len(), 1);
    remove_as_told(&bakery, &output);
}

#[test]
fn a_machine_that_aws_does_not_know_yet_is_ended_all_the_same() {
    let bakery = Bakery::new();
    let unknown = refusal("InvalidInstanceID.NotFound", "no such instance");
    let denied = refusal("UnauthorizedOperation", "not you");
    // The bake fails while it waits for its new machine.
    let behaviour = Behaviour::new()
        .answer("DescribeInstances", 403, &denied)
        .answer_first("TerminateInstances", 400, &unknown)
        .answer_first("TerminateInstances", 400, &unknown);
    // What the bake reads of the bakery before is answered by the cloud.
    let empty = "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>";
    let behaviour = behaviour
        .answer_first("DescribeInstances", 200, empty)
        .answer_first("DescribeInstances", 200, empty);
    let proxy = Proxy::start(bakery.cloud.url(), behaviour);
    let output = through(&bakery, &proxy, BAKE).expect_status(1);
    assert!(
        output.stderr.contains("ends in step `wait until it runs`"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains("is terminated"), "{}", output.stderr);
    assert_eq!(proxy.count("TerminateInstances"), 3);
    assert!(bakery.machines().is_empty());
}

#[test]
fn the_image_of_a_call_that_was_repeated_is_found() {
    let bakery = Bakery::new();
    let taken = refusal("InvalidAMIName.Duplicate", "the name is taken");
    // Another's image of that name.
    let behaviour = Behaviour::new().answer("CreateImage", 400, &taken);
    let proxy = Proxy::start(bakery.cloud.url(), behaviour);
    let tool = bakery.tool(BAKE).endpoint(proxy.url()).spawn();
    let deadline = Instant::now() + Duration::from_secs(120);
    let calls = loop {
        assert!(Instant::now() < deadline, "no CreateImage");
        if proxy.count("CreateImage") > 0 {
            break proxy.calls();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let create = calls.iter().find(|call| call.operation == "CreateImage");
    let create = create.unwrap();
    let own = (1..=20)
        .find(|n| create.parameter(&format!("TagSpecification.1.Tag.{n}.Key")) == Some("bake_id"));
    let key = format!("TagSpecification.1.Tag.{}.Value", own.unwrap());
    let id = create.parameter(&key).unwrap();
    let name = create.parameter("Name").unwrap();
    // It is there a moment later.
    bakery.cloud.register_image(name, &[("bake_id", id)]);
    let output = tool.wait().expect_status(0);
    baked(&bakery, &output);
    let stages = tags(bakery.images()[0].tags());
    assert!(
        stages.iter().any(|tag| tag == "stage=untested"),
        "{stages:?}"
    );
}

#[test]
fn a_machine_must_say_that_the_keys_are_gone() {
    let bakery = Bakery::new();
    bakery.set("farewell", "rm: cannot remove it\n");
    let output = bakery.tool(BAKE).run().expect_status(1);
    for part in [
        "ends in step `stop`",
        "ended with status 1:\nrm: cannot remove it",
    ] {
        assert!(output.stderr.contains(part), "{part} in\n{}", output.stderr);
    }
    assert!(bakery.machines().is_empty() && bakery.images().is_empty());
}

#[test]
fn another_subnet_when_one_is_full() {
    let bakery = Bakery::new();
    let full = refusal("Unsupported", "not in this zone");
    let behaviour = Behaviour::new().answer_first("RunInstances", 400, &full);
    let proxy = Proxy::start(bakery.cloud.url(), behaviour);
    let output = through(&bakery, &proxy, BAKE).expect_status(0);
    baked(&bakery, &output);
    let calls = proxy.calls();
    let launches: Vec<_> = calls
        .iter()
        .filter(|c| c.operation == "RunInstances")
        .collect();
    assert_eq!(launches.len(), 2);
    for key in ["NetworkInterface.1.SubnetId", "ClientToken"] {
        assert_ne!(
            launches[0].parameter(key),
            launches[1].parameter(key),
            "{key}"
        );
    }
    let behaviour = Behaviour::new().answer("RunInstances", 400, &full);
    let proxy = Proxy::start(bakery.cloud.url(), behaviour);
    let output = through(&bakery, &proxy, BAKE).expect_status(1);
    assert!(
        output.stderr.contains("error: ec2:RunInstances"),
        "{}",
        output.stderr
    );
    assert_eq!(proxy.count("RunInstances"), 2);
}

#[test]
fn an_image_that_fails_stays_and_is_cleaned_up() {
    let bakery = Bakery::new();
    bakery.tool(BAKE).run().expect_status(0);
    let image = bakery.images()[0].image_id().unwrap().to_owned();
    let name = bakery.images()[0].name().unwrap().to_owned();
    let failed = format!(
        "<DescribeImagesResponse><imagesSet><item><imageId>{image}</imageId><name>{name}</name>\
         <imageState>failed</imageState><tagSet><item><key>version-asiaq</key><value>x</value></item></tagSet>\
         <blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><snapshotId>snap-gone</snapshotId></ebs>\
         </item></blockDeviceMapping></item></imagesSet></DescribeImagesResponse>"
    );
    let gone = refusal("InvalidSnapshot.NotFound", "no such snapshot");
    let behaviour = Behaviour::new()
        .answer("DescribeImages", 200, &failed)
        .answer("DeleteSnapshot", 400, &gone);
    let proxy = Proxy::start(bakery.cloud.url(), behaviour);
    let args = ["cleanup", "--older-than", "0", "--hostclass", "mhcapp"];
    let dry = through(&bakery, &proxy, &[&args[..], &["--dry-run"]].concat()).expect_status(0);
    let lines =
        format!("- image {image} `{name}` (failed)\n- snapshot snap-gone of image {image}\n");
    assert_eq!(dry.stdout, lines);
    let other = [
        "cleanup",
        "--older-than",
        "0",
        "--hostclass",
        "mhcother",
        "--dry-run",
    ];
    let dry = through(&bakery, &proxy, &other).expect_status(0);
    assert_eq!(dry.stdout, "no changes\n");
    assert_eq!(changing_calls(&proxy), Vec::<String>::new());
    through(&bakery, &proxy, &args).expect_status(0);
    assert_eq!(proxy.count("DeleteSnapshot"), 1);
    assert!(bakery.images().is_empty());
}

#[test]
fn what_is_wrong_is_told_before_anything_is_made() {
    let bakery = Bakery::new();
    let proxy = Proxy::start(bakery.cloud.url(), Behaviour::new());
    let fails = |args: &[&str], status, told: &str| {
        let output = through(&bakery, &proxy, args).expect_status(status);
        assert!(output.stderr.contains(told), "{told} in\n{}", output.stderr);
        assert_eq!(output.stdout, "");
    };
    fails(
        &with(&["--tag", "nocolon"]),
        2,
        "`--tag nocolon` is not of the form KEY:VALUE",
    );
    fails(&with(&["--tag", ":x"]), 2, "is not of the form KEY:VALUE");
    let long = format!("{}:x", "k".repeat(129));
    fails(&with(&["--tag", &long]), 2, "a key has 128 characters");
    let long = format!("k:{}", "x".repeat(257));
    fails(&with(&["--tag", &long]), 2, "a value has 256 characters");
    let many: Vec<String> = (0..41).map(|n| format!("--tag=k{n}:v")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    fails(&with(&many), 2, "41 different tags are too many");
    fails(&["bake"], 1, "`bake_ami` is not set");
    fails(
        &with(&["--source-ami", "ami-00000000"]),
        1,
        "cannot locate AMI ami-00000000",
    );
    let original = fs::read_to_string(bakery.config.path().join("disco_aws.ini")).unwrap();
    for (old, new, told) in [
        (
            "bake_key = operators\n",
            "",
            "bake_key: `bake_key` is not set",
        ),
        (
            "config_data_source = .",
            "config_data_source = x",
            "config path not found: ",
        ),
        ("phase = 2\n", "phase = two\n", "`two` is no whole number"),
        (
            "phase1_ami_name = base",
            "phase1_ami_name = other",
            "Couldn't find phase 1 ami",
        ),
        (
            "bakery_environment = build",
            "bakery_environment = nowhere",
            "cannot select environment `nowhere`",
        ),
    ] {
        bakery.config.edit("disco_aws.ini", old, new);
        fails(BAKE, 1, told);
        bakery.config.write("disco_aws.ini", &original);
    }
    let group = security_group(&bakery);
    let call = bakery.cloud.client().delete_security_group();
    let done = bakery.cloud.wait(call.group_id(group).send());
    done.unwrap();
    fails(
        BAKE,
        1,
        "metanetwork tunnel of environment `build` has no security group",
    );
    fails(BAKE, 1, "disco_vpc_ui update --name build");
    let subnets = crate::support::furniture::subnets(&bakery.cloud, &bakery.vpc_id);
    for subnet in subnets {
        let call = bakery
            .cloud
            .client()
            .delete_subnet()
            .subnet_id(subnet)
            .send();
        bakery.cloud.wait(call).unwrap();
    }
    fails(BAKE, 1, "environment `build` has no metanetwork tunnel");
    assert_eq!(changing_calls(&proxy), Vec::<String>::new());
    assert!(bakery.told().is_empty());
}
