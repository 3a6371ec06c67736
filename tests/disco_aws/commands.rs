//! The commands on single hosts: terminate, stop, tag, isready, promoterunning; and gethostclassoption.

use std::time::Duration;

use super::{World, changing, filter, name_of, state_of, tag_of};
use crate::support::asiaq;
use crate::support::config::TestConfig;
use crate::support::proxy::{Behaviour, Proxy};

/// Two hosts of `mhcapp`, one of `mhcdb`.
fn world() -> World {
    let world = World::new();
    let text =
        "sequence,hostclass,desired_size,instance_type\n1,mhcapp,2,t2.micro\n1,mhcdb,1,t2.micro\n";
    let file = world.pipeline("p.csv", text);
    world.run(&["spinup", "--pipeline", &file]).expect_status(0);
    world
}

/// The state of an instance, terminated or not.
fn state(world: &World, id: &str) -> String {
    let call = world
        .cloud
        .client()
        .describe_instances()
        .instance_ids(id)
        .send();
    let answer = world.cloud.wait(call).unwrap();
    state_of(&answer.reservations()[0].instances()[0]).to_owned()
}

#[test]
fn terminate_by_every_selector() {
    let world = world();
    let app = world.instance_ids(Some("mhcapp"));
    let db = world.instance_ids(Some("mhcdb"));
    world.tag(&app[..1], "hostname", "web-1");
    let shown = world
        .run(&["terminate", "--hostname", "web-1", "--dry-run"])
        .expect_status(0)
        .stdout;
    assert_eq!(shown, format!("- instance {} mhcapp\n", app[0]));
    assert_eq!(state(&world, &app[0]), "running");

    let output = world
        .run(&["terminate", "--hostname", "web-1"])
        .expect_status(0);
    assert_eq!(output.stdout, format!("Terminated: Instance:{}\n", app[0]));
    assert_eq!(state(&world, &app[0]), "terminated");
    let output = world
        .run(&["terminate", "--instance", &db[0], "--instance", &app[1]])
        .expect_status(0);
    assert_eq!(
        output.stdout,
        format!("Terminated: Instance:{},Instance:{}\n", db[0], app[1]),
        "in the order of the selection"
    );

    for selector in [
        &["--hostclass", "mhcapp"][..],
        &["--ami", &world.images["mhcapp"]],
        &["--asg", name_of(&world.group("mhcapp"))],
    ] {
        // The local cloud replaces terminated members at once.
        let mut ids = world.instance_ids(Some("mhcapp"));
        let output = world
            .run(&[&["terminate"], selector].concat())
            .expect_status(0)
            .stdout;
        let mut told: Vec<String> = output
            .trim_end()
            .strip_prefix("Terminated: ")
            .unwrap()
            .split(',')
            .map(|id| id.replace("Instance:", ""))
            .collect();
        ids.sort();
        told.sort();
        assert_eq!(told, ids, "{selector:?}: terminated hosts are left out");
        assert_eq!(ids.len(), 2);
    }
    let output = world
        .run(&["terminate", "--instance", &app[0]])
        .expect_status(0);
    assert_eq!(output.stdout, "Terminated: \n");
    assert!(
        output.stderr.contains("no instance matches"),
        "{}",
        output.stderr
    );
}

#[test]
fn routes_to_an_instance_go_before_it() {
    let world = world();
    let ids = world.instance_ids(Some("mhcapp"));
    // The local cloud does not tell the instance of a route.
    let answer = format!(
        "<DescribeRouteTablesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><routeTableSet><item><routeTableId>rtb-1</routeTableId>\
         <routeSet><item><destinationCidrBlock>10.9.0.0/16</destinationCidrBlock><instanceId>{}</instanceId></item>\
         <item><destinationCidrBlock>10.8.0.0/16</destinationCidrBlock><instanceId>i-other</instanceId></item>\
         </routeSet></item></routeTableSet></DescribeRouteTablesResponse>",
        ids[0]
    );
    let deleted = "<DeleteRouteResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><return>true</return></DeleteRouteResponse>";
    let behaviour = Behaviour::new()
        .answer("DescribeRouteTables", 200, &answer)
        .answer("DeleteRoute", 200, deleted);
    let proxy = Proxy::start(world.cloud.url(), behaviour);
    let shown = world
        .tool_at(
            proxy.url(),
            &["terminate", "--instance", &ids[0], "--dry-run"],
        )
        .run()
        .expect_status(0)
        .stdout;
    assert_eq!(
        shown,
        format!(
            "- route 10.9.0.0/16 -> {0} in rtb-1\n- instance {0} mhcapp\n",
            ids[0]
        )
    );
    world
        .tool_at(proxy.url(), &["terminate", "--instance", &ids[0]])
        .run()
        .expect_status(0);
    assert_eq!(changing(&proxy), ["DeleteRoute", "TerminateInstances"]);
    let calls = proxy.calls();
    let route = calls
        .iter()
        .find(|call| call.operation == "DeleteRoute")
        .unwrap();
    assert_eq!(
        (
            route.parameter("RouteTableId"),
            route.parameter("DestinationCidrBlock")
        ),
        (Some("rtb-1"), Some("10.9.0.0/16"))
    );
}

#[test]
fn stop_prints_and_leaves_terminated_hosts_alone() {
    let world = world();
    // A member that is stopped would be replaced: a host without group.
    let subnet = world.subnets("intranet").into_keys().next().unwrap();
    let run = world
        .cloud
        .client()
        .run_instances()
        .image_id(&world.images["mhcdb"])
        .subnet_id(subnet);
    let answer = world
        .cloud
        .wait(run.min_count(2).max_count(2).send())
        .unwrap();
    let ids: Vec<String> = answer
        .instances()
        .iter()
        .map(|i| i.instance_id().unwrap().to_owned())
        .collect();
    let call = world
        .cloud
        .client()
        .terminate_instances()
        .instance_ids(&ids[0])
        .send();
    world.cloud.wait(call).unwrap();
    let args = ["stop", "--instance", &ids[0], "--instance", &ids[1]];
    let shown = world
        .run(&[&args[..], &["--dry-run"]].concat())
        .expect_status(0)
        .stdout;
    assert_eq!(shown, format!("~ stop instance {} -\n", ids[1]));
    let output = world.run(&args).expect_status(0);
    assert_eq!(output.stdout, format!("Stopped: Instance:{}\n", ids[1]));
    assert_eq!(state(&world, &ids[1]), "stopped");
    assert_eq!(
        world
            .run(&["stop", "--hostclass", "mhcnone"])
            .expect_status(0)
            .stdout,
        "Stopped: \n"
    );
}

#[test]
fn tags_are_set_and_removed() {
    let world = world();
    let ids = world.instance_ids(Some("mhcapp"));
    let value = |id: &str| {
        let all = world.instances(None);
        let host = all.iter().find(|i| i.instance_id() == Some(id)).unwrap();
        tag_of(host, "colour").map(str::to_owned)
    };
    let set = [
        "tag",
        "--instance",
        &ids[0],
        "--instance",
        &ids[1],
        "--key",
        "colour",
        "--value",
        "red:dark",
    ];
    let shown = world
        .run(&[&set[..], &["--dry-run"]].concat())
        .expect_status(0)
        .stdout;
    assert_eq!(
        shown,
        format!(
            "~ tag colour of instance {}: none -> red:dark\n~ tag colour of instance {}: none -> red:dark\n",
            ids[0], ids[1]
        )
    );
    assert_eq!(value(&ids[0]), None);
    assert_eq!(world.run(&set).expect_status(0).stdout, "");
    assert_eq!(
        (value(&ids[0]), value(&ids[1])),
        (Some("red:dark".to_owned()), Some("red:dark".to_owned()))
    );
    let (output, proxy) = world.watch(&set);
    output.expect_status(0);
    assert_eq!(changing(&proxy), [""; 0], "they have the tag already");
    world
        .run(&["tag", "--instance", &ids[0], "--key", "colour"])
        .expect_status(0);
    world
        .run(&[
            "tag",
            "--instance",
            &ids[1],
            "--key",
            "colour",
            "--value",
            "",
        ])
        .expect_status(0);
    assert_eq!((value(&ids[0]), value(&ids[1])), (None, None));
}

#[test]
fn isready_tells_and_exits_accordingly() {
    let world = world();
    let (apps, db) = (
        world.instance_ids(Some("mhcapp")),
        world.instance_ids(Some("mhcdb")),
    );
    world.tag(&apps, "hostname", "web");
    world.tag(&apps[..1], "smoketest", "tested");
    world.tag(&apps[1..], "smoketest", "");
    let ready = |args: &[&str], status: i32| {
        world
            .run(&[&["isready"], args].concat())
            .expect_status(status)
            .stdout
    };
    let (one, two) = (&apps[0], &apps[1]);
    assert_eq!(
        ready(&["--instance", one], 0),
        format!("Checking web {one}...\n...web {one} is ready\n")
    );
    assert_eq!(
        ready(&["--instance", two], 1),
        format!("Checking web {two}...\n...web {two} is NOT ready\n")
    );
    let mixed = ready(
        &["--instance", one, "--hostclass", "mhcdb", "--instance", one],
        1,
    );
    let none = &db[0];
    assert_eq!(
        mixed,
        format!(
            "Checking web {one}...\n...web {one} is ready\nChecking None {none}...\n...None {none} is NOT ready\n"
        )
    );
    let rows = |args: &[&str], status: i32| -> serde_json::Value {
        let text = ready(&[&["--output", "json"], args].concat(), status);
        serde_json::from_str(&text).unwrap()
    };
    assert_eq!(
        rows(&["--instance", one, "--instance", none], 1),
        serde_json::json!([
            { "instance_id": one, "hostname": "web", "ready": true, "failed": false },
            { "instance_id": none, "hostname": null, "ready": false, "failed": false },
        ])
    );
    assert_eq!(rows(&["--hostclass", "mhcnone"], 0), serde_json::json!([]));
    let call = world
        .cloud
        .client()
        .terminate_instances()
        .instance_ids(one)
        .send();
    world.cloud.wait(call).unwrap();
    assert_eq!(
        rows(&["--instance", one], 1),
        serde_json::json!([{ "instance_id": one, "hostname": "web", "ready": false, "failed": true }])
    );
    assert_eq!(
        ready(&["--instance", one], 1),
        format!("Checking web {one}...\n..web {one} failed smoke test\n")
    );
    assert_eq!(ready(&[], 0), "No instances found\n");
    assert_eq!(
        ready(&["--hostclass", "mhcnone"], 0),
        "No instances found\n"
    );
}

#[test]
fn selectors_are_one_kind_exact_and_checked() {
    let world = world();
    for command in ["terminate", "stop"] {
        for args in [
            &[][..],
            &["--instance", "i-1", "--hostclass", "mhcapp"],
            &["--asg", "a", "--ami", "ami-1"],
        ] {
            let output = world.run(&[&[command], args].concat()).expect_status(2);
            assert!(output.stderr.contains("Usage: "), "{}", output.stderr);
        }
        for args in [
            &["--hostclass", "mhc*"][..],
            &["--hostclass", "-"],
            &["--hostclass", "?hcapp"],
            &["--asg", "*"],
            &["--ami", "ami-*"],
        ] {
            let (output, proxy) = world.watch(&[&[command], args].concat());
            output.expect_status(0);
            assert_eq!(changing(&proxy), [""; 0], "{command} {args:?}");
        }
        let output = world
            .run(&[command, "--instance", "i-0123456789abcdef0"])
            .expect_status(1);
        assert!(
            output.stderr.contains(
                "error: ec2:DescribeInstances of i-0123456789abcdef0: InvalidInstanceID.NotFound"
            ),
            "{}",
            output.stderr
        );
        let output = world
            .run(&[command, "--hostname", "web-*"])
            .expect_status(1);
        assert!(
            output
                .stderr
                .contains("error: cannot find instance with hostname web-*\nhint: "),
            "{}",
            output.stderr
        );
        assert_eq!(output.stdout, "");
    }
    let output = world
        .run(&["tag", "--instance", "i-0123456789abcdef0", "--key", "k"])
        .expect_status(1);
    assert!(
        output.stderr.contains("InvalidInstanceID.NotFound"),
        "{}",
        output.stderr
    );
    assert_eq!(world.instances(None).len(), 3);
}

#[test]
fn hostclass_options_need_no_account() {
    let config = TestConfig::standard();
    config.edit(
        "disco_aws.ini",
        "[mhcapp]\n",
        "[mhcapp]\nsize = 3\nsize@prod = 9\n",
    );
    let option = |env: &[&str], hostclass: &str, option: &str| {
        let args = [
            "gethostclassoption",
            "--hostclass",
            hostclass,
            "--option",
            option,
        ];
        asiaq("disco_aws")
            .config(config.path())
            .args(env)
            .args(args)
            .run()
            .expect_status(0)
            .stdout
    };
    assert_eq!(option(&[], "mhcapp", "size"), "3\n");
    assert_eq!(option(&["--env", "prod"], "mhcapp", "size"), "9\n");
    assert_eq!(
        option(&[], "mhcapp", "product_line"),
        "testing\n",
        "from the defaults"
    );
    assert_eq!(
        option(&[], "mhcdb", "size"),
        "Hostclass mhcdb doesn't have option size.\n"
    );
}

#[test]
fn settled_images_are_shared_with_production() {
    let world = world();
    world.config.edit(
        "disco_aws.ini",
        "ami_stages = untested failed tested\n",
        "ami_stages = untested failed tested\nprod_account_ids = 111122223333 444455556666\n",
    );
    std::thread::sleep(Duration::from_millis(1100));
    let shared = |hostclass: &str| {
        let call = world
            .cloud
            .client()
            .describe_images()
            .image_ids(&world.images[hostclass])
            .send();
        let answer = world.cloud.wait(call).unwrap();
        let tag = answer.images()[0]
            .tags()
            .iter()
            .find(|tag| tag.key() == Some("shared_with_account_ids"))
            .cloned();
        tag.and_then(|tag| tag.value)
    };
    // Only images of the last stage; one without a stage is skipped.
    world.tag(&[world.images["mhcdb"].clone()], "stage", "untested");
    let young = world.run(&["promoterunning"]).expect_status(0);
    assert!(
        young
            .stderr
            .contains("no image whose running hosts are all older than 3 hours"),
        "{}",
        young.stderr
    );
    assert_eq!(shared("mhcapp"), None);

    let shown = world
        .run(&["promoterunning", "--hours", "0", "--dry-run"])
        .expect_status(0)
        .stdout;
    let app = &world.images["mhcapp"];
    assert_eq!(
        shown,
        format!(
            "+ launch permission of {app} (mhcapp 1700000100) for 111122223333, 444455556666\n"
        )
    );
    assert_eq!(shared("mhcapp"), None);

    assert_eq!(
        world
            .run(&["promoterunning", "--hours", "0"])
            .expect_status(0)
            .stdout,
        ""
    );
    assert_eq!(
        shared("mhcapp").as_deref(),
        Some("111122223333,444455556666")
    );
    assert_eq!(shared("mhcdb"), None);
    let call = world
        .cloud
        .client()
        .describe_images()
        .image_ids(app)
        .filters(filter("state", "available"))
        .send();
    assert_eq!(world.cloud.wait(call).unwrap().images().len(), 1);
    let call = world
        .cloud
        .client()
        .describe_image_attribute()
        .image_id(app)
        .attribute("launchPermission".into())
        .send();
    let mut accounts: Vec<String> = world
        .cloud
        .wait(call)
        .unwrap()
        .launch_permissions()
        .iter()
        .filter_map(|p| p.user_id().map(str::to_owned))
        .collect();
    accounts.sort();
    assert_eq!(accounts, ["111122223333", "444455556666"]);
}
