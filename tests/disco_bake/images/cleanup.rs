//! `cleanupamis`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::users::{configuration, group, template};
use super::{World, ago};
use crate::support::environment::changing_calls;
use crate::support::proxy::Behaviour;
use crate::support::snapshots::{refusal, snapshot_ids};
use crate::support::spotinst::SpotinstServer;

const DAY: i64 = 86_400;

fn date(seconds: i64) -> String {
    let at = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// The line of an image that is a number of whole hours and a minute old.
fn line(id: &str, at: i64, hostclass: &str, productline: &str) -> String {
    let age = (ago(0) - at) / 3600;
    let created = date(at);
    format!(
        "{id:12} {created:<19} {hostclass:<35} {:<12} {:<8} {productline:<15} {age:<5}\n",
        "available", "tested"
    )
}

fn old(days: i64) -> i64 {
    ago(days * DAY + 60)
}

#[test]
fn old_images_beyond_the_newest_go_with_their_snapshots() {
    let world = World::start();
    let times = [old(40), old(30), old(20), old(1), old(0)];
    let ids = times.map(|at| world.image(&format!("mhcweb {at}"), "tested"));
    let other = old(35);
    let tags = [("stage", "tested"), ("productline", "shop")];
    let db = world
        .cloud
        .register_image(&format!("mhcdb 7 {other}"), &tags);
    world.image(&format!("mhcweb {}", old(90)), "untested");
    world.image("my-image 1500000000", "tested");
    assert_eq!(snapshot_ids(&world.cloud).len(), 8);

    let lines = [
        line(&ids[0], times[0], "mhcweb", "-"),
        line(&db, other, "mhcdb", "shop"),
        line(&ids[1], times[1], "mhcweb", "-"),
    ]
    .concat();
    for flag in ["--dry-run", "--dryrun"] {
        let words = format!("cleanupamis --stage tested --keep 0 --age 25 {flag}");
        let (dry, proxy) = world.through(Behaviour::new(), &words);
        assert_eq!(dry.expect_status(0).stdout, lines);
        assert_eq!(changing_calls(&proxy), [""; 0]);
    }
    let shown = |words: &str| -> Vec<String> {
        let output = world.run(&format!("cleanupamis --stage tested --dry-run {words}"));
        let output = output.expect_status(0);
        let lines = output.stdout.lines();
        let ids = lines.filter_map(|line| line.split_whitespace().next());
        ids.map(str::to_owned).collect()
    };
    let table: [(&str, &[&String]); 9] = [
        ("", &[&ids[0], &ids[1]]),
        ("--keep 1 --age 25", &[&ids[0], &ids[1]]),
        ("--keep 4 --age 0", &[&ids[0]]),
        ("--keep 0 --age 0 --hostclass mhcdb", &[&db]),
        ("--keep 0 --age 0 --productline shop", &[&db]),
        ("--keep 0 --age 0 --product-line sh*", &[]),
        ("--keep 0 --age 36 --hostclass mhcweb", &[&ids[0]]),
        ("--keep 0 --age 41", &[]),
        ("--hostclass mhc*", &[]),
    ];
    for (words, wanted) in table {
        assert_eq!(shown(words).iter().collect::<Vec<_>>(), wanted, "{words}");
    }
    // Excluded images do not count, and blanks around them do not matter.
    let excluded = format!(" {} , {}", ids[4], ids[0]);
    let tool = world.tool("cleanupamis --stage tested --keep 2 --age 10 --dry-run --exclude-amis");
    let output = tool
        .args([excluded])
        .endpoint(world.cloud.url())
        .run()
        .expect_status(0);
    assert_eq!(output.stdout, line(&ids[1], times[1], "mhcweb", "-"));

    let words = "cleanupamis --stage tested --keep 0 --age 25";
    let behaviour = Behaviour::new()
        .throttle("DeregisterImage", 1)
        .throttle("DeleteSnapshot", 1);
    let (output, proxy) = world.through(behaviour, words);
    let output = output.expect_status(0);
    assert_eq!(output.stdout, lines);
    assert!(
        output
            .stderr
            .contains("these images of stage tested are deleted: 3"),
        "{}",
        output.stderr
    );
    let calls = proxy.calls();
    let asked = &calls[0];
    let parameters = ["Owner.1", "Owner.2", "Filter.1.Name", "Filter.1.Value.1"];
    let parameters = parameters.map(|name| asked.parameter(name));
    assert_eq!(
        parameters,
        [Some("self"), None, Some("tag:stage"), Some("tested")]
    );
    assert_eq!(proxy.count("DescribeImages"), 1, "nothing is read twice");
    assert_eq!(
        (world.names().len(), snapshot_ids(&world.cloud).len()),
        (5, 5)
    );
    let (again, proxy) = world.through(Behaviour::new(), words);
    let again = again.expect_status(0);
    assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", ""));
    assert_eq!(
        proxy.calls().len(),
        1,
        "who uses what is asked only if something goes"
    );
}

#[test]
fn json_shows_what_goes() {
    let world = World::start();
    let at = old(30);
    let id = world.image(&format!("mhca {at}"), "tested");
    let words = "cleanupamis --stage tested --keep 0 --output json";
    for words in [format!("{words} --dry-run"), words.to_owned()] {
        let output = world.run(&words).expect_status(0);
        let rows: Value = serde_json::from_str(&output.stdout).unwrap();
        let wanted = json!([{
            "id": id, "name": format!("mhca {at}"), "hostclass": "mhca", "created": date(at), "state": "available",
            "stage": "tested", "productline": null, "age_hours": 720, "private": false, "tags": {},
        }]);
        assert_eq!(rows, wanted);
    }
    assert_eq!(world.run(words).expect_status(0).stdout, "[]\n");
}

#[test]
fn images_in_use_stay() {
    let world = World::start();
    let image = |hostclass: &str| world.image(&format!("{hostclass} {}", old(100)), "tested");
    let names = [
        "mhcrunning",
        "mhcstopped",
        "mhcgroup",
        "mhcbetween",
        "mhcdefault",
        "mhclatest",
        "mhcconf",
        "mhcforeign",
        "mhcended",
    ];
    let ids = names.map(image);
    let [
        running,
        stopped,
        used,
        between,
        default,
        latest,
        conf,
        foreign,
        ended,
    ] = &ids;
    let ec2 = world.cloud.client();
    let one = world.instance(running, &[]);
    let two = world.instance(stopped, &[]);
    world
        .cloud
        .wait(ec2.stop_instances().instance_ids(&two).send())
        .unwrap();
    let three = world.instance(ended, &[]);
    world
        .cloud
        .wait(ec2.terminate_instances().instance_ids(&three).send())
        .unwrap();
    template(
        &world.cloud,
        "ci_mhcgroup_9",
        &[default, used, between, latest],
    );
    group(&world.cloud, "ci_mhcgroup_1700000000", "ci_mhcgroup_9", "2");
    configuration(&world.cloud, "old_mhcconf", conf);
    template(&world.cloud, "by_hand", &[foreign]);

    for words in ["--dry-run", ""] {
        let words = format!("cleanupamis --stage tested --keep 0 {words}");
        let output = world.run(&words).expect_status(0);
        let gone: BTreeSet<&str> = output
            .stdout
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert_eq!(gone, BTreeSet::from([between.as_str(), ended.as_str()]));
        for (id, user) in [
            (running, format!("instance {one}")),
            (stopped, format!("instance {two}")),
            (
                used,
                "launch template ci_mhcgroup_9 of group ci_mhcgroup_1700000000".to_owned(),
            ),
            (default, "launch template ci_mhcgroup_9".to_owned()),
            (latest, "launch template ci_mhcgroup_9".to_owned()),
            (conf, "launch configuration old_mhcconf".to_owned()),
            (foreign, "launch template by_hand".to_owned()),
        ] {
            let told = format!(") is kept: in use by {user}\n");
            let line = output
                .stderr
                .lines()
                .find(|line| line.contains(id.as_str()));
            let line = line.map(|line| format!("{line}\n")).unwrap_or_default();
            assert!(
                line.contains(&format!("= ami {id} (")) && line.ends_with(&told),
                "{}",
                output.stderr
            );
        }
    }
    assert_eq!(world.names().len(), 7);
}

#[test]
fn images_of_elastigroups_stay() {
    let (world, server) = (World::start(), SpotinstServer::start());
    let at = old(100);
    let spot = world.image(&format!("mhcspot {at}"), "tested");
    let older = world.image(&format!("mhcspot {}", at - DAY), "tested");
    let live = world.image("mhcspot 1700000000", "untested");
    let tags = [
        ("spotinst", "True"),
        ("hostclass", "mhcspot"),
        ("environment", "ci"),
    ];
    world.instance(&live, &tags);
    // Without a token nobody knows what Elastigroups of the hostclass start from.
    let words = "cleanupamis --stage tested --keep 0";
    let blind = world.run(words).expect_status(0);
    assert_eq!(blind.stdout, "");
    let told = "= amis of mhcspot are kept: Elastigroups that cannot be seen may start from them; set SPOTINST_TOKEN";
    assert!(blind.stderr.contains(told), "{}", blind.stderr);
    let refused = world
        .run(&format!("deleteami --ami {older}"))
        .expect_status(1);
    assert!(
        refused.stderr.contains(
            "may be in use: Elastigroups of mhcspot cannot be seen\nhint: set SPOTINST_TOKEN"
        ),
        "{}",
        refused.stderr
    );
    server.put_group(json!({
        "name": "ci_mhcspot_1700000000",
        "region": "us-west-2",
        "capacity": {"minimum": 0, "maximum": 2, "target": 1},
        "compute": {"launchSpecification": {"imageId": spot}},
    }));
    let tool = world.tool(words).endpoint(world.cloud.url());
    let variables = server.variables();
    let tool = variables
        .iter()
        .fold(tool, |tool, (name, value)| tool.env(name, value));
    let output = tool.run().expect_status(0);
    assert_eq!(output.stdout, line(&older, at - DAY, "mhcspot", "-"));
    let told =
        format!("= ami {spot} (mhcspot {at}) is kept: in use by Elastigroup ci_mhcspot_1700000000");
    assert!(output.stderr.contains(&told), "{}", output.stderr);
    assert_eq!(
        world.names(),
        ["mhcspot 1700000000".to_owned(), format!("mhcspot {at}")]
    );
}

#[test]
fn what_is_refused_is_reported_and_the_rest_goes() {
    let world = World::start();
    let fill = || {
        world.cloud.reset();
        for days in 20..24 {
            world.image(&format!("mhca {}", old(days)), "tested");
        }
    };
    let words = "cleanupamis --stage tested --keep 0";
    let denied = refusal("UnauthorizedOperation", "You are not authorized.");
    fill();
    let behaviour = Behaviour::new().answer_first("DeleteSnapshot", 403, &denied);
    let (output, _) = world.through(behaviour, words);
    let output = output.expect_status(1);
    assert!(
        output
            .stderr
            .contains("1 of 8 changes failed (7 done, 0 not started)"),
        "{}",
        output.stderr
    );
    assert_eq!(output.stdout.lines().count(), 4);
    assert_eq!(
        (world.names().len(), snapshot_ids(&world.cloud).len()),
        (0, 1)
    );

    fill();
    let protected = refusal("OperationNotPermitted", "protected from deregistration");
    let behaviour = Behaviour::new().answer_first("DeregisterImage", 400, &protected);
    let (output, _) = world.through(behaviour, words);
    let output = output.expect_status(1);
    assert!(
        output
            .stderr
            .contains("1 of 8 changes failed (6 done, 1 not started)")
            && output.stderr.contains("protected from deregistration"),
        "{}",
        output.stderr
    );
    assert_eq!(
        (world.names().len(), snapshot_ids(&world.cloud).len()),
        (1, 1)
    );

    // Gone between reading and deleting is as wanted.
    fill();
    let gone = refusal("InvalidSnapshot.NotFound", "gone");
    let behaviour = Behaviour::new().answer_first("DeleteSnapshot", 400, &gone);
    let (output, _) = world.through(behaviour, words);
    output.expect_status(0);
}

#[test]
fn nothing_goes_when_users_cannot_be_read() {
    let world = World::start();
    world.image(&format!("mhca {}", old(20)), "tested");
    let denied = refusal("UnauthorizedOperation", "You are not authorized.");
    for operation in [
        "DescribeInstances",
        "DescribeLaunchTemplateVersions",
        "DescribeImages",
    ] {
        let behaviour = Behaviour::new().answer(operation, 403, &denied);
        let words = "cleanupamis --stage tested --keep 0";
        let (output, proxy) = world.through(behaviour, words);
        let output = output.expect_status(1);
        assert!(
            output.stderr.contains(operation) && output.stdout.is_empty(),
            "{}",
            output.stderr
        );
        assert_eq!(changing_calls(&proxy), [""; 0]);
    }
}

#[test]
fn a_clean_up_that_was_killed_is_completed_by_the_next_one() {
    let world = World::start();
    let fill = || {
        world.cloud.reset();
        for days in 20..22 {
            world.image(&format!("mhca {}", old(days)), "tested");
        }
    };
    let words = "cleanupamis --stage tested --keep 0";
    for call in 1.. {
        fill();
        let behaviour = Behaviour::new().kill_at(call);
        let proxy = crate::support::proxy::Proxy::start(world.cloud.url(), behaviour);
        let killed = crate::support::run_until_killed(&proxy, world.tool(words)).is_some();
        let left = world.names().len();
        world.run(words).expect_status(0);
        assert_eq!(world.names(), [""; 0]);
        // Snapshots of images that were deregistered before the end are for `disco_purge_snapshots --stray-ami`.
        assert!(
            snapshot_ids(&world.cloud).len() <= 2 - left.min(2),
            "killed at {call}"
        );
        if !killed {
            assert!(snapshot_ids(&world.cloud).is_empty());
            break;
        }
    }
}
