#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn percent(text: &str) -> Percent {
    text.parse().unwrap()
}

fn member(id: &str, zone: &str) -> ChaosMember {
    ChaosMember {
        id: id.to_owned(),
        hostclass: None,
        zone: zone.to_owned(),
        lifecycle: "InService".to_owned(),
        state: "running".to_owned(),
    }
}

/// A group with chaos enabled that has as many as it wants, in zones a, b, c in turn.
fn group(name: &str, size: usize) -> ChaosGroup {
    let zone = |n: usize| ["a", "b", "c"][n % 3];
    ChaosGroup {
        name: format!("ci_{name}_1"),
        hostclass: name.to_owned(),
        enabled: true,
        desired: u64::try_from(size).unwrap(),
        members: (0..size)
            .map(|n| member(&format!("i-{name}-{n}"), zone(n)))
            .collect(),
    }
}

fn options(level: &str, retainage: &str) -> ChaosOptions {
    ChaosOptions {
        level: Some(percent(level)),
        retainage: percent(retainage),
        ..ChaosOptions::default()
    }
}

fn ids(choice: &Choice) -> Vec<&str> {
    let victims = choice.victims.iter();
    victims.map(|victim| victim.instance_id.as_str()).collect()
}

#[test]
fn examples_of_the_specification() {
    let off = |name: &str, size: usize| ChaosGroup {
        enabled: false,
        ..group(name, size)
    };
    let wants = |desired: u64, size: usize| ChaosGroup {
        desired,
        ..group("a", size)
    };
    // Groups, level, retainage; T, eligible, killed.
    let table = [
        (vec![group("a", 3)], "1", "33.3", (3, 2, 1)),
        (vec![group("a", 1)], "1", "0.5", (1, 0, 0)),
        (vec![group("a", 10)], "100", "90", (10, 1, 1)),
        (vec![group("a", 40), group("b", 10)], "1", "0", (50, 50, 1)),
        (vec![off("a", 100), group("b", 20)], "25", "0", (20, 20, 5)),
        (vec![wants(4, 2)], "100", "50", (2, 0, 0)),
        // More than wanted: only what it wants counts.
        (vec![wants(2, 4)], "100", "50", (4, 1, 1)),
        (vec![wants(0, 4)], "100", "0", (4, 0, 0)),
        (vec![wants(4, 3)], "100", "50", (3, 1, 1)),
        // Level: rounded down, at least one, at most the eligible, over all groups together.
        (vec![group("a", 20)], "0", "0", (20, 20, 0)),
        (vec![group("a", 3)], "0.001", "0", (3, 3, 1)),
        (vec![group("a", 3)], "66.6", "0", (3, 3, 1)),
        (vec![group("a", 3)], "66.7", "0", (3, 3, 2)),
        (vec![group("a", 10)], "50", "90", (10, 1, 1)),
        (vec![group("a", 10)], "400", "0", (10, 10, 10)),
        (vec![group("a", 10)], "100", "100", (10, 0, 0)),
        (vec![group("a", 1), group("b", 1)], "100", "0.1", (2, 0, 0)),
        // The seed README's: half a percent, a third of each class stays.
        (
            vec![group("a", 399), group("b", 1)],
            "0.5",
            "33.3",
            (400, 266, 2),
        ),
        (vec![], "100", "0", (0, 0, 0)),
    ];
    for (groups, level, retainage, (total, eligible, killed)) in table {
        for seed in 0..20 {
            let choice = choose(&groups, &options(level, retainage), seed).unwrap();
            assert_eq!(
                (choice.total, choice.eligible, choice.victims.len()),
                (total, eligible, killed),
                "level {level}, retainage {retainage}, {groups:?}"
            );
            assert_eq!(choice.nothing.is_some(), killed == 0);
        }
    }
}

#[test]
fn why_nobody_dies() {
    let off = ChaosGroup {
        enabled: false,
        ..group("a", 3)
    };
    let table = [
        (vec![], "1", "0", Nothing::NoGroup),
        (vec![off], "1", "0", Nothing::NoGroup),
        (vec![group("a", 0)], "1", "0", Nothing::NoInstance),
        (vec![group("a", 3)], "0", "0", Nothing::Level),
        (vec![group("a", 3)], "1", "100", Nothing::Retainage),
    ];
    for (groups, level, retainage, why) in table {
        let choice = choose(&groups, &options(level, retainage), 1).unwrap();
        assert_eq!(choice.nothing, Some(why), "{groups:?}");
        assert!(why.to_string().starts_with("nothing to kill: "));
    }
}

#[test]
fn instances_on_their_way_out_do_not_count() {
    let table = [
        ("InService", "running", true),
        ("Pending", "pending", true),
        ("Pending:Wait", "running", true),
        ("Standby", "running", true),
        ("", "running", true),
        ("Terminating", "running", false),
        ("Terminating:Wait", "running", false),
        ("Terminated", "running", false),
        ("Detaching", "running", false),
        ("InService", "shutting-down", false),
        ("InService", "terminated", false),
        ("InService", "stopping", false),
        ("InService", "stopped", false),
        ("", "stopped", false),
        ("", "shutting-down", false),
        ("", "terminated", false),
    ];
    for (lifecycle, state, counts) in table {
        let mut own = group("a", 2);
        own.members[0].lifecycle = lifecycle.to_owned();
        own.members[0].state = state.to_owned();
        let choice = choose(std::slice::from_ref(&own), &options("100", "50"), 7).unwrap();
        let wanted = if counts { (2, 1) } else { (1, 0) };
        assert_eq!(
            (choice.total, choice.eligible),
            wanted,
            "{lifecycle} {state}"
        );
        let choice = choose(&[own], &options("100", "0"), 7).unwrap();
        assert_eq!(
            ids(&choice).contains(&"i-a-0"),
            counts,
            "{lifecycle} {state}"
        );
    }
}

#[test]
fn a_zone_is_lost_as_a_whole_but_for_retainage() {
    let groups = [group("a", 6), group("b", 3), group("c", 1)];
    let zone = |zone: &str, level: Option<&str>, retainage: &str| ChaosOptions {
        level: level.map(percent),
        retainage: percent(retainage),
        zone: Some(zone.to_owned()),
        hostclasses: Vec::new(),
    };
    let lost = choose(&groups, &zone("b", None, "0"), 3).unwrap();
    assert_eq!(ids(&lost), ["i-a-1", "i-a-4", "i-b-1"]);
    assert_eq!((lost.total, lost.eligible), (3, 3));
    // Of a's six one may die, of b's three none more than one third.
    let some = choose(&groups, &zone("b", None, "66.7"), 3).unwrap();
    assert_eq!((some.total, some.eligible, some.victims.len()), (3, 1, 1));
    let share = choose(&groups, &zone("b", Some("67"), "0"), 3).unwrap();
    assert_eq!((share.total, share.victims.len()), (3, 2));
    let only = choose(&groups, &zone("a", None, "0"), 3).unwrap();
    assert!(ids(&only).contains(&"i-c-0"), "the last one, too");
    let kept = choose(&groups[2..], &zone("a", None, "1"), 3).unwrap();
    assert_eq!(kept.nothing, Some(Nothing::Retainage));
}

#[test]
fn one_class_is_killed_harder() {
    let mut second = group("a", 4);
    second.name = "ci_a_2".into();
    for (n, member) in second.members.iter_mut().enumerate() {
        member.id = format!("i-second-{n}");
    }
    let off = ChaosGroup {
        enabled: false,
        ..group("c", 9)
    };
    let groups = [group("a", 6), second, group("b", 10), off];
    let classes = |names: &[&str], level: Option<&str>| ChaosOptions {
        level: level.map(percent),
        hostclasses: names.iter().map(|name| (*name).to_owned()).collect(),
        ..ChaosOptions::default()
    };
    let both = choose(&groups, &classes(&["a"], Some("50")), 9).unwrap();
    assert_eq!(
        (both.total, both.victims.len()),
        (10, 5),
        "both groups of it"
    );
    assert!(both.victims.iter().all(|victim| victim.hostclass == "a"));
    let more = choose(&groups, &classes(&["b", "a", "a"], Some("50")), 9).unwrap();
    assert_eq!((more.total, more.victims.len()), (20, 10));
    let default = choose(&groups, &classes(&["b"], None), 9).unwrap();
    assert_eq!(default.victims.len(), 1, "the level stays at 1 %");
    let combined = ChaosOptions {
        zone: Some("c".into()),
        ..classes(&["b"], None)
    };
    assert_eq!(
        ids(&choose(&groups, &combined, 9).unwrap()),
        ["i-b-2", "i-b-5", "i-b-8"]
    );
}

#[test]
fn what_does_not_exist_is_an_error_that_names_what_does() {
    let off = ChaosGroup {
        enabled: false,
        ..group("off", 3)
    };
    let mut going = group("going", 1);
    going.members[0].zone = "z".into();
    going.members[0].state = "terminated".into();
    let groups = [group("b", 1), group("a", 2), off, going];
    let ask = |zone: Option<&str>, classes: &[&str]| {
        let options = ChaosOptions {
            zone: zone.map(str::to_owned),
            hostclasses: classes.iter().map(|name| (*name).to_owned()).collect(),
            ..ChaosOptions::default()
        };
        let error = choose(&groups, &options, 1).unwrap_err();
        (error.to_string(), error.hint().unwrap())
    };
    let zone = "no instance of a group with chaos enabled is in zone";
    let class = "no group with chaos enabled has hostclass";
    let table = [
        (
            ask(Some("q"), &[]),
            format!("{zone} q"),
            "zones that can be chosen: a, b",
        ),
        (
            ask(Some("z"), &[]),
            format!("{zone} z"),
            "zones that can be chosen: a, b",
        ),
        (
            ask(Some("c"), &["b"]),
            format!("{zone} c"),
            "zones that can be chosen: a",
        ),
        (
            ask(None, &["off"]),
            format!("{class} off"),
            "hostclasses that can be chosen: a, b, going",
        ),
        (
            ask(None, &["a", "x", "y"]),
            format!("{class} x, y"),
            "hostclasses that can be chosen: a, b, going",
        ),
    ];
    for ((text, hint), wanted, wanted_hint) in table {
        assert_eq!(
            (text.as_str(), hint.as_str()),
            (wanted.as_str(), wanted_hint)
        );
    }
    let error = choose(
        &[],
        &ChaosOptions {
            zone: Some("a".into()),
            ..ChaosOptions::default()
        },
        1,
    )
    .unwrap_err();
    assert!(error.hint().unwrap().starts_with("there are no such zones"));
}

/// Seeds are noted down: what they choose must be the same in every version.
#[test]
fn seeds_mean_the_same_for_ever() {
    let groups = [group("a", 9), group("b", 9)];
    let table = [
        (0, ["i-a-3", "i-b-3", "i-b-6"]),
        (1, ["i-a-6", "i-b-1", "i-b-8"]),
        (u64::MAX, ["i-a-5", "i-b-0", "i-b-5"]),
    ];
    for (seed, wanted) in table {
        let choice = choose(&groups, &options("20", "50"), seed).unwrap();
        assert_eq!(ids(&choice), wanted, "seed {seed}");
    }
}

#[test]
fn every_instance_dies_about_equally_often() {
    let groups = [group("a", 8), group("b", 2)];
    let mut deaths: BTreeMap<String, u32> = BTreeMap::new();
    const RUNS: u64 = 4000;
    for seed in 0..RUNS {
        for id in ids(&choose(&groups, &options("20", "0"), seed).unwrap()) {
            *deaths.entry(id.to_owned()).or_default() += 1;
        }
    }
    // Two of ten each time; seven standard deviations are about 180.
    assert_eq!(deaths.len(), 10, "{deaths:?}");
    assert!(
        deaths.values().all(|count| (620..=980).contains(count)),
        "{deaths:?}"
    );
}

#[test]
fn the_line_pads_and_never_cuts() {
    let victim = |hostclass: &str| Victim {
        hostclass: hostclass.into(),
        instance_id: "i-1".into(),
        group: "g".into(),
        availability_zone: "a".into(),
    };
    assert_eq!(victim("mhcweb").line(), "mhcweb               i-1");
    assert_eq!(
        victim("mhcaverylonghostclass1").line(),
        "mhcaverylonghostclass1 i-1"
    );
}

fn any_member() -> impl Strategy<Value = (usize, usize, usize)> {
    (0..3_usize, 0..4_usize, 0..6_usize)
}

/// Hostclass, chaos, desired size, members.
type AnyGroup = (usize, bool, u64, Vec<(usize, usize, usize)>);

fn any_fleet() -> impl Strategy<Value = Vec<ChaosGroup>> {
    let one = (
        0..3_usize,
        any::<bool>(),
        0..12_u64,
        prop::collection::vec(any_member(), 0..12),
    );
    prop::collection::vec(one, 0..6).prop_map(|groups| {
        let convert = |(number, (class, enabled, desired, members)): (usize, AnyGroup)| {
            let convert =
                |(n, (zone, lifecycle, state)): (usize, (usize, usize, usize))| ChaosMember {
                    id: format!("i-{number}-{n}"),
                    hostclass: None,
                    zone: ["a", "b", "c"][zone].to_owned(),
                    lifecycle: ["InService", "", "Pending", "Terminating"][lifecycle].to_owned(),
                    state: [
                        "running",
                        "running",
                        "pending",
                        "terminated",
                        "stopping",
                        "stopped",
                    ][state]
                        .to_owned(),
                };
            ChaosGroup {
                name: format!("ci_g_{number}"),
                hostclass: ["x", "y", "z"][class].to_owned(),
                enabled,
                desired,
                members: members.into_iter().enumerate().map(convert).collect(),
            }
        };
        groups.into_iter().enumerate().map(convert).collect()
    })
}

fn any_options() -> impl Strategy<Value = ChaosOptions> {
    let share = |most: u32| {
        (0..=most, 0..100_u32).prop_map(move |(whole, rest)| {
            let rest = if whole == most { 0 } else { rest };
            percent(&format!("{whole}.{rest:02}"))
        })
    };
    let zone = prop::option::of(prop::sample::select(vec!["a".to_owned(), "b".to_owned()]));
    let classes = prop::sample::subsequence(vec!["x".to_owned(), "y".to_owned()], 0..=2);
    (prop::option::of(share(150)), share(100), zone, classes).prop_map(
        |(level, retainage, zone, hostclasses)| ChaosOptions {
            level,
            retainage,
            zone,
            hostclasses,
        },
    )
}

proptest! {
    /// Retainage, level, chaos switched off and both kinds of bias hold for any fleet.
    #[test]
    fn the_rules_hold(fleet in any_fleet(), options in any_options(), seed in any::<u64>()) {
        let Ok(choice) = choose(&fleet, &options, seed) else {
            // Only a bias can be refused.
            prop_assert!(options.zone.is_some() || !options.hostclasses.is_empty());
            return Ok(());
        };
        let mut once: Vec<&str> = ids(&choice);
        let killed = once.len();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(once.len(), killed, "nobody dies twice");

        let in_bias = |group: &ChaosGroup, member: &ChaosMember| {
            options.zone.as_ref().is_none_or(|zone| *zone == member.zone)
                && (options.hostclasses.is_empty() || options.hostclasses.contains(&group.hostclass))
        };
        let (mut total, mut eligible) = (0_usize, 0_usize);
        for group in &fleet {
            let alive: Vec<&ChaosMember> = group.members.iter()
                .filter(|m| m.lifecycle != "Terminating" && ["running", "pending"].contains(&m.state.as_str()))
                .collect();
            let dies = |m: &&ChaosMember| once.contains(&m.id.as_str());
            let dead = group.members.iter().filter(dies).count();
            prop_assert_eq!(dead, alive.iter().copied().filter(dies).count(), "the dead do not die again");
            let targets: Vec<&ChaosMember> = alive.iter().copied()
                .filter(|m| group.enabled && in_bias(group, m)).collect();
            prop_assert_eq!(dead, targets.iter().copied().filter(dies).count(), "only what the options name");
            let retained = usize::try_from(options.retainage.of_up(group.desired)).unwrap();
            let desired = usize::try_from(group.desired).unwrap();
            prop_assert!(alive.len() - dead >= retained.min(alive.len()), "retainage");
            let free = desired.min(alive.len()).saturating_sub(retained);
            prop_assert!(dead <= free);
            total += targets.len();
            eligible += free.min(targets.len());
        }
        prop_assert_eq!((choice.total, choice.eligible), (total, eligible));
        let level = options.level();
        let wanted = if level.is_zero() { 0 } else {
            usize::try_from(level.of_down(u64::try_from(total).unwrap())).unwrap().max(1)
        };
        prop_assert_eq!(killed, wanted.min(eligible), "level");
        prop_assert_eq!(choice.nothing.is_some(), killed == 0);
    }

    /// The same seed chooses the same, however the fleet is listed.
    #[test]
    fn the_order_of_the_listing_does_not_matter(fleet in any_fleet(), options in any_options(), seed in any::<u64>(), turn in 0..12_usize) {
        let mut turned = fleet.clone();
        turned.reverse();
        for group in &mut turned {
            let by = turn % group.members.len().max(1);
            group.members.rotate_left(by);
        }
        let (first, second) = (choose(&fleet, &options, seed), choose(&turned, &options, seed));
        match (first, second) {
            (Ok(first), Ok(second)) => prop_assert_eq!(first, second),
            (Err(first), Err(second)) => prop_assert_eq!(
                (first.to_string(), first.hint()), (second.to_string(), second.hint())
            ),
            (first, second) => prop_assert!(false, "{first:?} {second:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Nobody who may die is safe: some seed finds each.
    #[test]
    fn each_eligible_instance_can_be_chosen(sizes in prop::collection::vec(1..5_usize, 1..4), retained in any::<bool>()) {
        let groups: Vec<ChaosGroup> = sizes.iter().enumerate()
            .map(|(n, size)| group(&format!("g{n}"), *size)).collect();
        let retainage = if retained { "40" } else { "0" };
        let killable: BTreeSet<String> = groups.iter()
            .filter(|group| percent(retainage).of_up(group.desired) < group.desired)
            .flat_map(|group| group.members.iter().map(|member| member.id.clone()))
            .collect();
        let mut died: BTreeSet<String> = BTreeSet::new();
        for seed in 0..500 {
            let choice = choose(&groups, &options("1", retainage), seed).unwrap();
            died.extend(ids(&choice).into_iter().map(str::to_owned));
        }
        prop_assert_eq!(died, killable);
    }
}
