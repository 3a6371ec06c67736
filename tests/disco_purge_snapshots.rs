//! `disco_purge_snapshots` end to end. The local cloud dates all snapshots now, so listings with ages come from a proxy.

use chrono::{Duration, SecondsFormat, Utc};

use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::changing_calls;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::snapshots::{
    Listed, group, listing, own, refusal, snapshot, snapshot_ids, snapshots, template,
    template_version,
};
use crate::support::spotinst::{Operation, SpotinstServer};
use crate::support::{Output, asiaq};

const DB: &[(&str, &str)] = &[("hostclass", "mhcdb"), ("env", "ci")];

/// There is no configuration.
fn run(url: &str, words: &str) -> Output {
    asiaq("disco_purge_snapshots")
        .endpoint(url)
        .args(words.split_whitespace())
        .run()
}

fn through(cloud: &Cloud, behaviour: Behaviour, words: &str) -> (Output, Proxy) {
    let proxy = Proxy::start(cloud.url(), behaviour);
    (run(proxy.url(), words), proxy)
}

/// So many days ago, and an hour.
fn days_ago(days: i64) -> String {
    let at = Utc::now() - Duration::days(days) - Duration::hours(1);
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn aged<'a>(id: &'a str, days: i64, tags: &'a [(&'a str, &'a str)]) -> Listed<'a> {
    Listed {
        id,
        started: days_ago(days),
        description: "by hand",
        tags,
    }
}

fn answering(snapshots: &[Listed<'_>]) -> Behaviour {
    Behaviour::new().answer("DescribeSnapshots", 200, &listing(snapshots, None))
}

fn sorted(ids: &[&String]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().map(|id| (*id).clone()).collect();
    ids.sort();
    ids
}

#[test]
fn help_and_usage() {
    const NOWHERE: &str = "http://127.0.0.1:9";
    let help = run(NOWHERE, "--help").expect_status(0);
    assert_eq!(help.stderr, "");
    insta::assert_snapshot!("help", help.stdout);
    for words in [
        "--keep-days many",
        "--keep-days -1",
        "--keep-num x",
        "--max-per-day -1",
        "--everything",
        "--output json",
        "now",
    ] {
        let output = run(NOWHERE, words).expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{words}"
        );
    }
    for words in ["--keep-num 0", "--keep-num -2 --old"] {
        let output = run(NOWHERE, words).expect_status(1);
        assert!(
            output
                .stderr
                .contains("error: --keep-num must be at least 1"),
            "{}",
            output.stderr
        );
    }
}

#[test]
fn without_rules_those_of_old_hold() {
    let cloud = Cloud::start();
    let bare = snapshot(&cloud, 1, &[], "");
    let stray = snapshot(
        &cloud,
        1,
        &[],
        "Created by CreateImage(i-0abc) for ami-0abc",
    );
    let copied = snapshot(
        &cloud,
        1,
        &[],
        "Copied for DestinationAmi ami-0abd from SourceAmi ami-0abc for SourceSnapshot snap-1",
    );
    let db = own(&cloud, "mhcdb", "ci");
    let keeping =
        format!("Keeping last 5 snapshots ({db}) for hostclass mhcdb in environment ci\n");
    for words in ["--dry-run", "--debug --dry-run"] {
        let (dry, proxy) = through(&cloud, Behaviour::new(), words);
        let stdout = dry.expect_status(0).stdout;
        for line in [&stray, &copied] {
            assert!(
                stdout.contains(&format!("Deleting stray ami snapshot: {line}\n")),
                "{stdout}"
            );
        }
        assert!(stdout.contains(&keeping), "{stdout}");
        let mut would: Vec<&str> = stdout
            .lines()
            .filter_map(|line| line.strip_prefix("Would purge snapshot: "))
            .collect();
        would.sort_unstable();
        assert_eq!(would, sorted(&[&bare, &stray, &copied]));
        assert_eq!(changing_calls(&proxy), [""; 0]);
        assert!(
            proxy
                .calls()
                .iter()
                .any(|call| call.parameter("Owner.1") == Some("self"))
        );
    }
    let json = run(cloud.url(), "--dry-run --output json")
        .expect_status(0)
        .stdout;
    let plan: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(plan.as_array().unwrap().len(), 3);

    let (output, proxy) = through(&cloud, Behaviour::new(), "");
    let stdout = output.expect_status(0).stdout;
    assert!(
        !stdout.contains("Would purge") && stdout.lines().count() == 3,
        "{stdout}"
    );
    assert_eq!(proxy.count("DeleteSnapshot"), 3);
    assert_eq!(snapshot_ids(&cloud), [db]);
    let again = run(cloud.url(), "").expect_status(0).stdout;
    assert_eq!(again, keeping);
}

#[test]
fn old_ones_of_two_pages() {
    let cloud = Cloud::start();
    let ids: Vec<String> = (0..4).map(|_| own(&cloud, "mhcdb", "ci")).collect();
    let first = [aged(&ids[2], 10, DB), aged(&ids[0], 30, DB)];
    let second = [aged(&ids[1], 20, DB), aged(&ids[3], 5, &[])];
    let behaviour = || {
        Behaviour::new()
            .answer_first("DescribeSnapshots", 200, &listing(&first, Some("more")))
            .answer_first("DescribeSnapshots", 200, &listing(&second, None))
    };
    let (output, proxy) = through(&cloud, behaviour(), "--keep-days=5 --keep-num 2");
    assert_eq!(
        output.expect_status(0).stdout,
        format!(
            "Deleting old (30 > 5 days) snapshot: {0}\nDeleting old (20 > 5 days) snapshot: {1}\n\
             Deleting old (10 > 5 days) snapshot: {2}\n\
             Keeping last 2 snapshots ({1}, {2}) for hostclass mhcdb in environment ci\n",
            ids[0], ids[1], ids[2]
        )
    );
    let token = proxy
        .calls()
        .into_iter()
        .find_map(|call| call.parameter("NextToken").map(str::to_owned));
    assert_eq!(token.as_deref(), Some("more"));
    assert_eq!(snapshot_ids(&cloud), sorted(&[&ids[1], &ids[2], &ids[3]]));
    // --old is 100 days; alone, it does not bring the other rules of old.
    let table = [aged(&ids[1], 101, DB), aged(&ids[2], 100, DB)];
    let (output, _) = through(&cloud, answering(&table), "--old --dry-run");
    assert_eq!(
        output.expect_status(0).stdout,
        format!(
            "Deleting old (101 > 100 days) snapshot: {0}\nWould purge snapshot: {0}\n",
            ids[1]
        )
    );
}

#[test]
fn what_images_need_stays() {
    let cloud = Cloud::start();
    // Registering makes a snapshot whose description is not AWS's; the image needs it all the same.
    let image = cloud.register_image("mhcdb 1700000000", &[]);
    let all = snapshots(&cloud);
    let needed = all[0].snapshot_id().unwrap().to_owned();
    assert_eq!(all.len(), 1);
    let made = snapshot(
        &cloud,
        1,
        &[],
        &format!("Created by CreateImage(i-0abc) for {image}"),
    );
    let table = [
        Listed {
            id: &needed,
            started: days_ago(500),
            description: "",
            tags: &[],
        },
        Listed {
            id: &made,
            started: days_ago(500),
            description: &format!("Created by CreateImage(i-0abc) for {image} from vol-1"),
            tags: &[],
        },
    ];
    let words = "--stray-ami --no-metadata --keep-days 1";
    let (output, proxy) = through(&cloud, answering(&table), words);
    let output = output.expect_status(0);
    assert_eq!(output.stdout, "");
    let warning = format!("snapshot {needed} stays: it is in use by image {image}");
    assert!(output.stderr.contains(&warning), "{}", output.stderr);
    assert_eq!(proxy.count("DeleteSnapshot"), 0);
    // The image must be there when its snapshot is: images are read after the snapshots.
    let order: Vec<String> = proxy
        .calls()
        .into_iter()
        .map(|call| call.operation)
        .collect();
    let place = |name: &str| order.iter().position(|own| own == name).unwrap();
    assert!(place("DescribeSnapshots") < place("DescribeImages"));
    let deregister = cloud.client().deregister_image().image_id(&image).send();
    cloud.wait(deregister).unwrap();
    let (output, _) = through(&cloud, answering(&table), words);
    assert_eq!(
        output.expect_status(0).stdout,
        format!(
            "Deleting stray ami snapshot: {made}\nDeleting old (500 > 1 days) snapshot: {needed}\n"
        )
    );
    assert!(snapshot_ids(&cloud).is_empty());
}

#[test]
fn what_launch_templates_and_groups_need_stays() {
    let cloud = Cloud::start();
    let ids: Vec<String> = (0..6).map(|_| own(&cloud, "mhcdb", "ci")).collect();
    let [default, used, latest, between, foreign, free] = std::array::from_fn(|n| &ids[n]);
    template(&cloud, "ci_mhcdb_9", &[default]);
    for id in [used, between, latest] {
        template_version(&cloud, "ci_mhcdb_9", &[id]);
    }
    group(&cloud, "ci_mhcdb_1", "ci_mhcdb_9", "2");
    // Nothing that Asiaq knows of uses this template.
    template(&cloud, "by_hand", &[foreign]);
    let table: Vec<Listed<'_>> = ids.iter().map(|id| aged(id, 50, DB)).collect();
    let (output, proxy) = through(&cloud, answering(&table), "--keep-days 30");
    let output = output.expect_status(0);
    assert_eq!(
        snapshot_ids(&cloud),
        sorted(&[default, used, latest, between, foreign])
    );
    assert_eq!(
        output.stdout,
        format!("Deleting old (50 > 30 days) snapshot: {free}\n")
    );
    for (id, user) in [
        (default, "launch template ci_mhcdb_9"),
        (used, "launch template ci_mhcdb_9 of group ci_mhcdb_1"),
        (between, "launch template ci_mhcdb_9"),
        (foreign, "launch template by_hand"),
    ] {
        let warning = format!("snapshot {id} stays: it is in use by {user}\n");
        assert!(output.stderr.contains(&warning), "{}", output.stderr);
    }
    assert_eq!(
        proxy.count("DescribeLaunchTemplateVersions"),
        2,
        "all templates, and the older versions of one"
    );
}

#[test]
fn elastigroups_of_all_accounts_are_read() {
    let (cloud, server, config) = (Cloud::start(), SpotinstServer::start(), TestConfig::new());
    config.write(
        "disco_aws.ini",
        "[disco_aws]\nspotinst_account_id=act-1\nspotinst_account_id@prod=act-2\n",
    );
    let tool = asiaq("disco_purge_snapshots")
        .endpoint(cloud.url())
        .config(config.path())
        .args("--keep-num 1".split_whitespace());
    let variables = server.variables();
    let tool = variables
        .iter()
        .fold(tool, |tool, (name, value)| tool.env(name, value));
    tool.run().expect_status(0);
    let calls = server.calls_of(Operation::List).into_iter();
    let mut queries: Vec<String> = calls.map(|call| call.query).collect();
    queries.sort();
    assert_eq!(queries, ["accountId=act-1", "accountId=act-2"]);
}

#[test]
fn refusals_are_reported_and_do_not_stop_the_others() {
    let cloud = Cloud::start();
    let ids: Vec<String> = (0..3).map(|_| snapshot(&cloud, 1, &[], "")).collect();
    let used = refusal(
        "InvalidSnapshot.InUse",
        "The snapshot is currently in use by ami-1",
    );
    let behaviour = Behaviour::new().answer_first("DeleteSnapshot", 400, &used);
    let (output, proxy) = through(&cloud, behaviour, "--no-metadata");
    let output = output.expect_status(1);
    let left = snapshot_ids(&cloud);
    assert_eq!(left.len(), 1);
    assert_eq!(
        output.stdout,
        format!("Failed to purge snapshot: {}\n", left[0])
    );
    assert!(
        output.stderr.contains("InvalidSnapshot.InUse"),
        "{}",
        output.stderr
    );
    assert_eq!(proxy.count("DeleteSnapshot"), ids.len());
    // One that somebody else deleted in the meantime is as wanted.
    let gone = refusal("InvalidSnapshot.NotFound", "The snapshot does not exist.");
    let behaviour = Behaviour::new().answer("DeleteSnapshot", 400, &gone);
    let (output, _) = through(&cloud, behaviour, "--no-metadata");
    assert_eq!(output.expect_status(0).stdout, "");
}

#[test]
fn nothing_goes_when_something_cannot_be_read() {
    let cloud = Cloud::start();
    snapshot(&cloud, 1, &[], "");
    let denied = refusal(
        "UnauthorizedOperation",
        "You are not authorized to perform this operation.",
    );
    for operation in [
        "DescribeSnapshots",
        "DescribeImages",
        "DescribeLaunchTemplateVersions",
    ] {
        let behaviour = Behaviour::new().answer(operation, 403, &denied);
        let (output, proxy) = through(&cloud, behaviour, "--no-metadata");
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
fn throttled() {
    let cloud = Cloud::start();
    for _ in 0..20 {
        snapshot(&cloud, 1, &[], "");
    }
    let behaviour = Behaviour::new()
        .throttle("DescribeSnapshots", 1)
        .throttle("DeleteSnapshot", 2);
    let (output, _) = through(&cloud, behaviour, "--no-metadata");
    assert_eq!(output.expect_status(0).stdout, "");
    assert!(snapshot_ids(&cloud).is_empty());
}
