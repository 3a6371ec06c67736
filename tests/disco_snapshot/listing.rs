//! `list`.

use super::World;
use crate::support::proxy::Behaviour;
use crate::support::snapshots::{Listed, listing, own, snapshot};

fn listed<'a>(id: &'a str, started: &str, tags: &'a [(&'a str, &'a str)]) -> Listed<'a> {
    Listed {
        id,
        started: started.into(),
        description: "by hand",
        tags,
    }
}

#[test]
fn columns_and_order() {
    let world = World::new();
    let (db, app): (&[_], &[_]) = (
        &[
            ("hostclass", "mhcdb"),
            ("env", "ci"),
            ("productline", "shop"),
        ],
        &[("hostclass", "mhcapp"), ("env", "ci")],
    );
    let first = [
        listed("snap-0123456789abcdef1", "2026-02-03T04:05:06.789Z", db),
        listed("snap-0123456789abcdef2", "2026-01-03T04:05:06.000Z", db),
    ];
    let second = [
        listed("snap-3", "2026-03-01T00:00:00.000Z", app),
        listed(
            "snap-4",
            "2026-03-01T00:00:00.000Z",
            &[("hostclass", "mhcapp"), ("env", "prod")],
        ),
    ];
    let pages = || {
        Behaviour::new()
            .answer_first("DescribeSnapshots", 200, &listing(&first, Some("more")))
            .answer_first("DescribeSnapshots", 200, &listing(&second, None))
    };
    let (output, proxy) = world.through(pages(), "list");
    assert_eq!(
        output.expect_status(0).stdout,
        "mhcapp                     snap-3        completed 2026-03-01T00:00:00.000Z   40\n\
         mhcdb                      snap-0123456789abcdef2 completed 2026-01-03T04:05:06.000Z   40\n\
         mhcdb                      snap-0123456789abcdef1 completed 2026-02-03T04:05:06.789Z   40\n"
    );
    let calls = proxy.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].parameter("Owner.1"), Some("self"));
    assert_eq!(calls[1].parameter("NextToken"), Some("more"));
    let (output, _) = world.through(pages(), "list --output json");
    let json: serde_json::Value = serde_json::from_str(&output.expect_status(0).stdout).unwrap();
    assert_eq!(
        json[2],
        serde_json::json!({
            "hostclass": "mhcdb", "id": "snap-0123456789abcdef1", "status": "completed",
            "start_time": "2026-02-03T04:05:06.789Z", "size": 40, "env": "ci", "productline": "shop",
            "description": "by hand", "encrypted": true, "volume_id": "vol-ffffffff",
            "tags": {"hostclass": "mhcdb", "env": "ci", "productline": "shop"},
        })
    );
}

#[test]
fn only_the_environment_and_the_hostclasses_asked_for() {
    let world = World::new();
    let (db, app) = (
        own(&world.cloud, "mhcdb", "ci"),
        own(&world.cloud, "mhcapp", "ci"),
    );
    let prod = own(&world.cloud, "mhcdb", "prod");
    snapshot(&world.cloud, 1, &[("env", "ci")], "");
    snapshot(&world.cloud, 1, &[], "");
    let ids = |words: &str| -> Vec<String> {
        let output = world.run(words).expect_status(0).stdout;
        let second = |line: &str| line.split_whitespace().nth(1).unwrap().to_owned();
        output.lines().map(second).collect()
    };
    assert_eq!(ids("list"), [app.clone(), db.clone()]);
    assert_eq!(ids("list --hostclass mhcdb"), std::slice::from_ref(&db));
    assert_eq!(ids("list --hostclass mhcdb --hostclass mhcapp"), [app, db]);
    assert_eq!(ids("--env prod list"), [prod]);
    for words in [
        "list --hostclass mhc*",
        "list --env nowhere",
        "--truncate list --hostclass mhc",
    ] {
        assert_eq!(ids(words), [""; 0], "{words}");
    }
    let json = world
        .run("list --env nowhere --output json")
        .expect_status(0);
    assert_eq!(json.stdout, "[]\n");
}
