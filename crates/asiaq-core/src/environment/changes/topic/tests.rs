#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::super::observed::{Subscription, Topics};
use super::super::super::services::Services;
use super::super::super::testing::{World, applied, applied_until, config, ordered};
use super::*;
use crate::config::{DiscoAlarms, EnvironmentConfig, Ini};
use proptest::prelude::*;

const VPC_OPTIONS: &str = "vpc_cidr=10.0.0.0/24\ntunnel_cidr=10.0.0.0/25";
const WANTED: &str =
    "web_ci_critical=a@x.com, https://u:p@h/hook?t=1\nci_info=b@x.com\nweb_prod_info=c@x.com";

fn environment() -> EnvironmentConfig {
    config(VPC_OPTIONS)
}

fn world(notifications: &str) -> World {
    let text = format!("[notifications]\n{notifications}\n");
    let file = DiscoAlarms::from_ini(Ini::parse("a.ini", text.as_bytes()).unwrap());
    World {
        services: Services {
            notifications: file.notifications("ci").unwrap(),
            databases: Vec::new(),
        },
        ..World::default()
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:sns:us-west-2:123456789012:{name}")
}

fn subscription(protocol: &str, address: &str, confirmed: bool) -> Subscription {
    Subscription {
        protocol: protocol.to_owned(),
        address: address.to_owned(),
        confirmed,
    }
}

/// The environment without notifications, beside these topics.
fn beside(topics: &[(&str, &[Subscription])]) -> Observed {
    let mut observed = World::default().created(&environment());
    let mut found = Topics::default();
    for (name, subscriptions) in topics {
        found.insert(&arn(name), subscriptions.to_vec());
    }
    observed.beside.topics = found;
    observed
}

#[test]
fn missing_topics_and_subscriptions_are_made() {
    let everything = [
        "+ topic web_ci_critical",
        "+ subscription web_ci_critical a@x.com",
        "+ subscription web_ci_critical https://...@h/hook?...",
        "+ topic ci_info",
        "+ subscription ci_info b@x.com",
    ];
    let confirmed = subscription("email", "a@x.com", true);
    let pending = subscription("email", "a@x.com", false);
    let table: [(&str, Observed, &[&str]); 5] = [
        ("nothing there", beside(&[]), &everything),
        (
            "confirmed",
            beside(&[("web_ci_critical", &[confirmed]), ("ci_info", &[])]),
            &[everything[2], everything[4]],
        ),
        (
            "not yet confirmed",
            beside(&[("web_ci_critical", &[pending]), ("ci_info", &[])]),
            &[everything[2], everything[4]],
        ),
        (
            "another protocol is another subscription",
            beside(&[
                (
                    "web_ci_critical",
                    &[subscription("email-json", "a@x.com", true)],
                ),
                ("ci_info", &[]),
            ]),
            &[everything[1], everything[2], everything[4]],
        ),
        (
            "the topic of somebody else",
            beside(&[("web_prod_info", &[]), ("ci", &[])]),
            &everything,
        ),
    ];
    for (what, observed, wanted) in table {
        let plan = world(WANTED).plan(&environment(), &observed);
        assert_eq!(plan.lines(), wanted, "{what}");
        assert!(!format!("{:?}", plan.lines()).contains("u:p"));
        let after = applied(&observed, &plan);
        assert!(
            world(WANTED).plan(&environment(), &after).is_empty(),
            "{what}"
        );
    }
}

#[test]
fn ids_are_free_of_addresses_and_subscriptions_wait_only_for_their_topic() {
    let plan = world(WANTED).plan(&environment(), &beside(&[]));
    let shown: Vec<String> = plan
        .changes()
        .iter()
        .map(|change| format!("{} <- {}", change.id, change.needs.join(" ")))
        .collect();
    let wanted = [
        "topic/web_ci_critical <- vpc",
        "subscription/web_ci_critical/1 <- vpc topic/web_ci_critical",
        "subscription/web_ci_critical/2 <- vpc topic/web_ci_critical",
        "topic/ci_info <- vpc",
        "subscription/ci_info/1 <- vpc topic/ci_info",
    ];
    assert_eq!(shown, wanted);
}

#[test]
fn extras_are_left_alone_and_told() {
    let old = subscription("email", "old@x.com", true);
    let hook = subscription("https", "https://u:p@h/x", true);
    let unconfirmed = subscription("email", "ghost@x.com", false);
    let observed = beside(&[
        ("web_ci_critical", &[old.clone(), unconfirmed]),
        ("db_ci_info", &[hook]),
        ("a_b_ci_info", &[]),
        ("web_prod_info", &[old]),
        ("ci", &[]),
        ("web_ci-2_info", &[]),
    ]);
    let desired = world(WANTED).desired(&environment(), &observed).unwrap();
    let wanted = [
        "topics of environment ci that disco_alarms.ini does not name, left alone (2): a_b_ci_info, db_ci_info",
        "subscriptions of environment ci that disco_alarms.ini does not name, left alone (2): \
         db_ci_info https://...@h/x, web_ci_critical old@x.com",
    ];
    assert_eq!(desired.warnings, wanted);
    let plan = super::super::plan(&desired, &observed);
    assert!(plan.lines().iter().all(|line| line.starts_with("+ ")));
    // Nothing was read, so nothing is known of extras.
    let nothing = World::default()
        .desired(&environment(), &beside(&[]))
        .unwrap();
    assert_eq!(nothing.warnings, [""; 0]);
}

#[test]
fn databases_are_only_told_when_the_environment_is_new() {
    let with_intranet = config("vpc_cidr=10.0.0.0/24\nintranet_cidr=10.0.0.0/25");
    let mut world = World::default();
    world.services.databases = vec!["ci-db".to_owned(), "ci-ledger".to_owned()];
    let lines = world.plan(&with_intranet, &Observed::default()).lines();
    let wanted = [
        "+ database ci-db (left to you: this version does not make databases)",
        "+ database ci-ledger (left to you: this version does not make databases)",
    ];
    assert_eq!(lines[lines.len() - 2..], wanted);
    let after = world.created(&with_intranet);
    assert!(world.plan(&with_intranet, &after).is_empty());
}

proptest! {
    /// Wherever a run stops, the next one completes it, and then nothing is left to do.
    #[test]
    fn interrupted_runs_converge(stop in 0usize..40, topics in 0usize..4, endpoints in 0usize..4) {
        let list = |topic: usize| {
            let all: Vec<String> = (0..endpoints).map(|e| format!("p{e}@t{topic}.com")).collect();
            format!("team{topic}_ci_info={}", all.join(","))
        };
        let text: Vec<String> = (0..topics).map(list).collect();
        let (world, config) = (world(&text.join("\n")), environment());
        let empty = Observed::default();
        let whole = world.plan(&config, &empty);
        prop_assert_eq!(ordered(&whole).len(), whole.changes().len());
        let left = applied_until(&empty, &whole, stop);
        let done = applied(&left, &world.plan(&config, &left));
        prop_assert!(world.plan(&config, &done).is_empty());
        prop_assert_eq!(done.beside, applied(&empty, &whole).beside);
    }
}
