//! Notification topics and databases: what `create` and `update` make, leave alone and refuse.

use super::{create, fixed, logged, run, sorted_lines};
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::{changing_calls, vpc_ids};
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{asiaq, run_until_killed};

const NOTIFICATIONS: &str = "\
[notifications]
ops_ci_critical = ops@example.com, https://pager.example.com/hook
ci_info = ops@example.com
ops_prod_loud = nobody
";

/// The plan lines for these.
const LINES: [&str; 5] = [
    "+ subscription ci_info ops@example.com",
    "+ subscription ops_ci_critical https://pager.example.com/hook",
    "+ subscription ops_ci_critical ops@example.com",
    "+ topic ci_info",
    "+ topic ops_ci_critical",
];

fn config(alarms: &str) -> TestConfig {
    let config = fixed();
    config.write("disco_alarms.ini", alarms);
    config
}

/// All topics with their subscribers, sorted.
fn topics(cloud: &Cloud) -> Vec<String> {
    let sns = cloud.sns();
    let name = |arn: &str| arn.rsplit(':').next().unwrap().to_owned();
    let listed = sns.list_topics().into_paginator().items().send();
    let listed = cloud.wait(listed.collect::<Result<Vec<_>, _>>()).unwrap();
    let mut found: Vec<String> = listed
        .iter()
        .map(|t| name(t.topic_arn().unwrap()))
        .collect();
    let listed = sns.list_subscriptions().into_paginator().items().send();
    let listed = cloud.wait(listed.collect::<Result<Vec<_>, _>>()).unwrap();
    found.extend(listed.iter().map(|s| {
        let (protocol, address) = (s.protocol().unwrap(), s.endpoint().unwrap());
        format!("{} <- {protocol} {address}", name(s.topic_arn().unwrap()))
    }));
    found.sort();
    found
}

fn make_topic(cloud: &Cloud, name: &str, endpoints: &[&str]) {
    let sns = cloud.sns();
    let made = cloud.wait(sns.create_topic().name(name).send()).unwrap();
    for endpoint in endpoints {
        let call = sns.subscribe().topic_arn(made.topic_arn().unwrap());
        let call = call.protocol("email").endpoint(*endpoint);
        cloud.wait(call.send()).unwrap();
    }
}

const MADE: [&str; 5] = [
    "ci_info",
    "ci_info <- email ops@example.com",
    "ops_ci_critical",
    "ops_ci_critical <- email ops@example.com",
    "ops_ci_critical <- https https://pager.example.com/hook",
];

#[test]
fn create_and_update_make_what_is_missing_and_leave_the_rest() {
    let (cloud, config) = (Cloud::start(), config(NOTIFICATIONS));
    let planned =
        run(cloud.url(), &config, "create --name ci --type ci --dry-run").expect_status(0);
    let lines = sorted_lines(&planned.stdout);
    let told: Vec<&String> = lines
        .iter()
        .filter(|l| l.contains(" topic ") || l.contains("+ subscription"))
        .collect();
    assert_eq!(told, LINES);
    assert_eq!(topics(&cloud), [""; 0], "a dry run makes nothing");
    create(&cloud, &config);
    assert_eq!(topics(&cloud), MADE);
    let again = run(cloud.url(), &config, "update --name ci --dry-run").expect_status(0);
    assert_eq!(again.stdout, "no changes\n");

    // Others' topics and what is not in the file any more stay, with a warning for those of the environment.
    make_topic(&cloud, "web_prod_info", &["prod@example.com"]);
    make_topic(&cloud, "db_ci_info", &["db@example.com"]);
    config.edit(
        "disco_alarms.ini",
        "critical = ops@example.com,",
        "critical = new@example.com,",
    );
    let before = topics(&cloud);
    let updated = run(cloud.url(), &config, "update --name ci").expect_status(0);
    assert_eq!(
        logged(&updated),
        ["+ subscription ops_ci_critical new@example.com"]
    );
    for text in [
        "topics of environment ci that disco_alarms.ini does not name, left alone (1): db_ci_info\n",
        "left alone (2): db_ci_info db@example.com, ops_ci_critical ops@example.com\n",
    ] {
        assert!(
            updated.stderr.contains(text),
            "`{text}` in\n{}",
            updated.stderr
        );
    }
    let mut wanted = before;
    wanted.push("ops_ci_critical <- email new@example.com".to_owned());
    wanted.sort();
    assert_eq!(topics(&cloud), wanted);
}

#[test]
fn all_pages_are_read_in_the_first_round_and_only_when_needed() {
    let (cloud, config) = (Cloud::start(), config(NOTIFICATIONS));
    create(&cloud, &config);
    for number in 0..130 {
        make_topic(&cloud, &format!("a_other{number}_info"), &["a@example.com"]);
    }
    make_topic(&cloud, "zz_ci_info", &[]);
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let output = run(proxy.url(), &config, "update --name ci --dry-run").expect_status(0);
    assert_eq!(
        output.stdout, "no changes\n",
        "ours are behind the first page"
    );
    assert!(
        output.stderr.contains("left alone (1): zz_ci_info\n"),
        "{}",
        output.stderr
    );
    assert_eq!(
        (proxy.count("ListTopics"), proxy.count("ListSubscriptions")),
        (2, 2)
    );

    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    config.write("disco_alarms.ini", "[defaults]\n");
    run(proxy.url(), &config, "update --name ci --dry-run").expect_status(0);
    assert_eq!(
        proxy.count("ListTopics") + proxy.count("ListSubscriptions"),
        0
    );
    std::fs::remove_file(config.path().join("disco_alarms.ini")).unwrap();
    let output = run(proxy.url(), &config, "update --name ci --dry-run").expect_status(0);
    assert_eq!(
        output.stdout, "no changes\n",
        "an unknown file is no notifications"
    );
}

#[test]
fn an_address_that_has_not_agreed_yet_gets_no_second_mail() {
    let (cloud, config) = (
        Cloud::start(),
        config("[notifications]\nci_info = a@example.com, b@example.com\n"),
    );
    create(&cloud, &config);
    let member = |arn: &str, address: &str| {
        format!(
            "<member><TopicArn>arn:aws:sns:us-west-2:123456789012:ci_info</TopicArn><Protocol>email</Protocol>\
             <SubscriptionArn>{arn}</SubscriptionArn><Owner>123456789012</Owner><Endpoint>{address}</Endpoint></member>"
        )
    };
    let answer = format!(
        "<ListSubscriptionsResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><ListSubscriptionsResult>\
         <Subscriptions>{}{}</Subscriptions></ListSubscriptionsResult></ListSubscriptionsResponse>",
        member("PendingConfirmation", "a@example.com"),
        member("Deleted", "b@example.com"),
    );
    let proxy = Proxy::start(
        cloud.url(),
        Behaviour::new().answer("ListSubscriptions", 200, &answer),
    );
    let output = run(proxy.url(), &config, "update --name ci --dry-run").expect_status(0);
    assert_eq!(output.stdout, "+ subscription ci_info b@example.com\n");
}

/// Wrong configuration → texts of the report.
#[test]
fn wrong_notifications_are_told_before_anything_is_changed() {
    let cloud = Cloud::start();
    create(&cloud, &fixed());
    let table: [(&str, &[&str]); 4] = [
        (
            "ops_ci_loud = a@x.com",
            &[
                "disco_alarms.ini:2: [notifications] ops_ci_loud: unsupported notification level `loud`",
            ],
        ),
        (
            "ops_ci_info = nobody, ftp://user:secret@x",
            &[
                "disco_alarms.ini:2: [notifications] ops_ci_info: failed to determine endpoint type of `nobody`",
                "`ftp://...@x`",
            ],
        ),
        (
            "ops = a@x.com",
            &["disco_alarms.ini:2: [notifications] ops: `ops` is not the name of a notification"],
        ),
        ("nonsense", &["disco_alarms.ini:2: syntax error"]),
    ];
    for (line, texts) in table {
        let config = config(&format!("[notifications]\n{line}\n"));
        for words in [
            "create --name ci2 --type ci",
            "update --name ci",
            "update --name ci --dry-run",
        ] {
            let words = if words.starts_with("create") && line.contains("_ci_") {
                config.write(
                    "disco_alarms.ini",
                    &format!("[notifications]\n{}\n", line.replace("_ci_", "_ci2_")),
                );
                words
            } else {
                config.write("disco_alarms.ini", &format!("[notifications]\n{line}\n"));
                words
            };
            let proxy = Proxy::start(cloud.url(), Behaviour::new());
            let output = run(proxy.url(), &config, words).expect_status(1);
            for text in texts {
                let report = output.stderr.replace("_ci2_", "_ci_");
                assert!(report.contains(text), "`{text}` in\n{report}");
            }
            assert!(!output.stderr.contains("secret"));
            assert_eq!(changing_calls(&proxy), [""; 0], "{words}");
        }
    }
    // Problems of both files show together.
    let config = config("[notifications]\nops_ci_loud = a@x.com\n");
    config.edit("disco_vpc.ini", "tcp dmz 8000:8010", "tcp web 80");
    let output = run(cloud.url(), &config, "update --name ci").expect_status(1);
    assert!(
        output.stderr.contains("tcp web 80") && output.stderr.contains("`loud`"),
        "{}",
        output.stderr
    );
}

#[test]
fn update_killed_at_every_call_converges() {
    let (cloud, plain) = (Cloud::start(), fixed());
    let with_topics = config(NOTIFICATIONS);
    for after in [true, false] {
        for index in (1..).step_by(if after { 1 } else { 3 }) {
            assert!(index < 60, "update makes too many calls");
            cloud.reset();
            create(&cloud, &plain);
            let behaviour = if after {
                Behaviour::new().kill_at(index)
            } else {
                Behaviour::new().kill_before(index)
            };
            let proxy = Proxy::start(cloud.url(), behaviour);
            let tool = asiaq("disco_vpc_ui")
                .config(with_topics.path())
                .args(["update", "--name", "ci"]);
            let killed = run_until_killed(&proxy, tool).is_some();
            run(cloud.url(), &with_topics, "update --name ci").expect_status(0);
            assert_eq!(topics(&cloud), MADE, "killed at call {index}");
            let rest =
                run(cloud.url(), &with_topics, "update --name ci --dry-run").expect_status(0);
            assert_eq!(rest.stdout, "no changes\n", "killed at call {index}");
            if !killed {
                assert_eq!(
                    (proxy.count("CreateTopic"), proxy.count("Subscribe")),
                    (2, 3)
                );
                break;
            }
        }
    }
}

#[test]
fn one_refused_subscription_does_not_stop_the_others() {
    let (cloud, config) = (Cloud::start(), fixed());
    create(&cloud, &config);
    config.write("disco_alarms.ini", NOTIFICATIONS);
    let refusal = "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type>\
                   <Code>AuthorizationError</Code><Message>no</Message></Error><RequestId>r-1</RequestId></ErrorResponse>";
    let proxy = Proxy::start(
        cloud.url(),
        Behaviour::new().answer("Subscribe", 403, refusal),
    );
    let output = run(proxy.url(), &config, "update --name ci").expect_status(1);
    for text in [
        "3 of 5 changes failed (2 done, 0 not started)",
        "failed: + subscription ci_info ops@example.com: sns:Subscribe of topic ci_info by ops@example.com: AuthorizationError: no",
        "\nhint: the credentials in use lack this permission",
    ] {
        assert!(
            output.stderr.contains(text),
            "`{text}` in\n{}",
            output.stderr
        );
    }
    assert_eq!(topics(&cloud), ["ci_info", "ops_ci_critical"]);
    run(cloud.url(), &config, "update --name ci").expect_status(0);
    assert_eq!(topics(&cloud), MADE);
}

#[test]
fn databases_are_left_to_the_operator() {
    let (cloud, config) = (Cloud::start(), fixed());
    config.write("disco_rds.ini", "[ci-db]\n[ci-two-db]\n[other-db]\n");
    // An environment that exists takes its own.
    create(&cloud, &fixed());
    let ec2 = cloud.client();
    let name = aws_sdk_ec2::types::Tag::builder()
        .key("Name")
        .value("ci-two")
        .build();
    let tag = ec2
        .create_tags()
        .resources(&vpc_ids(&cloud, "ci")[0])
        .tags(name);
    cloud.wait(tag.send()).unwrap();

    let planned =
        run(cloud.url(), &config, "create --name ci --type ci --dry-run").expect_status(0);
    let lines: Vec<&str> = planned
        .stdout
        .lines()
        .filter(|l| l.contains("database"))
        .collect();
    assert_eq!(
        lines,
        ["+ database ci-db (left to you: this version does not make databases)"]
    );
    let output = run(cloud.url(), &config, "create --name ci --type ci").expect_status(0);
    assert!(
        output.stdout.starts_with("VPC ci(vpc-"),
        "{}",
        output.stdout
    );
    assert!(
        output.stderr.contains(
            "database `ci-db` of disco_rds.ini is not made, which this version cannot do: create"
        ),
        "{}",
        output.stderr
    );
    let update = run(cloud.url(), &config, "update --name ci --dry-run").expect_status(0);
    assert_eq!(
        update.stdout, "no changes\n",
        "an update leaves databases alone"
    );

    // The intranet is only needed for a database.
    config.edit("disco_vpc.ini", "intranet_cidr = 10.0.0.0/22\n", "");
    config.edit(
        "disco_vpc.ini",
        "intranet_sg_rules = tcp dmz 8000:8010, icmp all -1\n",
        "",
    );
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    config.write("disco_rds.ini", "[ci3-db]\n");
    let refused = run(proxy.url(), &config, "create --name ci3 --type ci").expect_status(1);
    assert!(
        refused
            .stderr
            .contains("disco_rds.ini:1: [ci3-db]: database `ci3-db` needs metanetwork intranet"),
        "{}",
        refused.stderr
    );
    assert_eq!(changing_calls(&proxy), [""; 0]);
    run(proxy.url(), &config, "create --name ci4 --type ci").expect_status(0);
}
